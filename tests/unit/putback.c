/* putback: what is saved comes back, whole; what is damaged, missing or cancelled leaves the source as it was.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/putback.h"
#include "ruedad/blobs.h"
#include "tests/lib/sim_outside.h"
#include "tests/lib/test.h"

#define KEY U16("SOFTWARE\\App")

struct outcome {
	bool done;
	int result;
	struct error error;
};

static void on_done(void *data, int r, const struct error *error)
{
	struct outcome *o = data;

	CHECK(!o->done);
	*o = (struct outcome){ true, r, *error };
}

static int begin(struct outside *o, uint32_t number, struct outcome *out, struct putback_job **ret)
{
	*out = (struct outcome){ 0 };
	return capture_put_back(outside_service(o), &o->resource, CHECKPOINT_REGISTRY, number, on_done, out, ret);
}

static int put_back(struct outside *o, uint32_t number, struct outcome *out)
{
	int r = begin(o, number, out, NULL);

	if (r == 0)
		outside_wait(o, &out->done);
	return r < 0 ? r : out->result;
}

TEST(what_is_saved_is_put_back)
{
	struct outside o;
	struct outcome out;

	outside_begin(&o, test_seed);
	outside_set(&o, KEY, 1);
	CHECK_INT(outside_add(&o, KEY), 0);
	CHECK_INT(outside_saved(&o, KEY), 1);
	outside_set(&o, KEY, 2);
	CHECK_INT(put_back(&o, 1, &out), 0);
	CHECK_STR(out.error.text, "");
	CHECK_INT(outside_get(&o, KEY), 1);
	CHECK_INT(put_back(&o, 2, &out), ERR_FILE_NOT_FOUND);
	CHECK_INT(outside_delete(&o, KEY), 0);
	CHECK_INT(put_back(&o, 1, &out), ERR_FILE_NOT_FOUND);
	outside_end(&o);
}

static void spoil(struct outside *o, bool remove)
{
	struct checkpoint c;
	struct disk_file *f;
	char name[BLOB_NAME_MAX];

	CHECK(outside_checkpoint(o, KEY, &c));
	blob_name(outside_service(o)->generation, &c.digest, name);
	if (remove) {
		CHECK_INT(disk_remove(outside_service(o)->disk, name), 0);
		return;
	}
	CHECK_INT(disk_open(outside_service(o)->disk, name, DISK_WRITE, 0600, &f), 0);
	CHECK_INT(file_write(f, c.length / 2, "!", 1), 0);
	file_close(f);
}

TEST(a_damaged_or_missing_saved_state_changes_nothing_and_says_so)
{
	struct outside o;
	struct outcome out;

	for (unsigned i = 0; i < 2; i++) {
		outside_begin(&o, test_seed);
		outside_set(&o, KEY, 1);
		CHECK_INT(outside_add(&o, KEY), 0);
		outside_set(&o, KEY, 2);
		spoil(&o, i == 1);
		CHECK_INT(put_back(&o, 1, &out), i == 1 ? ERR_FILE_NOT_FOUND : ERR_INVALID_DATA);
		CHECK(strstr(out.error.text, i == 1 ? "is missing" : "is damaged") != NULL);
		CHECK_INT(outside_get(&o, KEY), 2);
		outside_end(&o);
	}
}

TEST(a_cancelled_one_is_done_or_not_and_the_callback_comes)
{
	unsigned done = 0;

	for (uint64_t i = 0; i < test_rounds(60); i++) {
		struct putback_job *job;
		struct outcome out;
		struct outside o;

		outside_begin(&o, test_seed + i);
		outside_set(&o, KEY, 1);
		CHECK_INT(outside_add(&o, KEY), 0);
		outside_set(&o, KEY, 2);
		CHECK_INT(begin(&o, 1, &out, &job), 0);
		for (uint64_t n = i % 8; n > 0 && !out.done; n--)
			CHECK(sim_loop_step(o.sim.world));
		if (!out.done)
			putback_cancel(job);
		outside_wait(&o, &out.done);
		CHECK(out.result == 0 || out.result == ERR_CANCELLED);
		CHECK_INT(outside_get(&o, KEY), out.result == 0 ? 1 : 2);
		done += out.result == 0;
		outside_end(&o);
	}
	CHECK(done > 0 && done < test_rounds(60));
}

TEST(the_service_stops_while_one_is_put_back)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outcome out;
		struct outside o;

		outside_begin(&o, test_seed + i);
		outside_set(&o, KEY, 1);
		CHECK_INT(outside_add(&o, KEY), 0);
		CHECK_INT(begin(&o, 1, &out, NULL), 0);
		outside_end(&o);
		CHECK(out.done);
	}
}
