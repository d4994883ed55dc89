/* marks: a mark is there whole or not at all, says which state its source went on from, and goes with its checkpoint.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/marks.h"
#include "ruedad/service.h"
#include "sim/disk.h"
#include "tests/lib/sim_outside.h"
#include "tests/lib/test.h"
#include <stdio.h>
#include <string.h>

static const char generation[] = "00000001-00000000";
static const struct guid resource = { { 1 } };

static struct digest digest_of(const char *text)
{
	return sha256_of(text, strlen(text));
}

static struct mark sample(uint8_t n)
{
	return (struct mark){ .boot = { { n } }, .added = n, .base = digest_of("base"), .next = { { n } } };
}

static bool is_sample(const struct mark *m, uint8_t n)
{
	struct mark s = sample(n);

	return guid_equal(&m->boot, &s.boot) && m->added == n && digest_equal(&m->base, &s.base) &&
	       digest_equal(&m->next, &s.next);
}

TEST(a_mark_is_the_old_one_or_the_new_one_whatever_call_is_the_last)
{
	static const enum sim_disk_stop ways[] = { SIM_DISK_POWER_CUT, SIM_DISK_DEATH };
	struct digest key = mark_key(&resource, CHECKPOINT_REGISTRY, U16("App"));

	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
		for (uint64_t nth = 1, ended = 0; !ended; nth++) {
			struct mark old = sample(1), new = sample(2), found;
			struct sim_disk *medium;
			struct disk *disk;
			int r;

			CHECK_INT(sim_disk_new(test_seed + nth, &medium), 0);
			CHECK_INT(sim_disk_open(medium, "", &disk), 0);
			CHECK_INT(disk_make_directory(disk, generation, 0700), 0);
			CHECK_INT(disk_sync_directory(disk, ""), 0);
			CHECK_INT(mark_get(disk, generation, &key, &found, NULL), -ENOENT);
			CHECK_INT(mark_put(disk, generation, &key, &old, NULL), 0);
			sim_disk_stop_at(medium, SIM_DISK_ANY, nth, ways[i]);
			r = mark_put(disk, generation, &key, &new, NULL);
			ended = !sim_disk_is_stopped(medium);
			CHECK_INT(r == 0, ended);
			sim_disk_stop_at(medium, 0, 0, SIM_DISK_DEATH);
			disk_free(disk);
			sim_disk_stop(medium, ways[i]);
			sim_disk_restart(medium);
			CHECK_INT(sim_disk_open(medium, "", &disk), 0);
			CHECK_INT(mark_get(disk, generation, &key, &found, NULL), 0);
			CHECK(is_sample(&found, 2) || (!ended && is_sample(&found, 1)));
			disk_free(disk);
			sim_disk_free(medium);
		}
}

TEST(a_damaged_mark_is_told_and_never_believed)
{
	struct digest key = mark_key(&resource, CHECKPOINT_REGISTRY, U16("App"));
	struct mark mark = sample(1), found;
	struct sim_disk *medium;
	struct disk *disk;
	char name[128], hex[2 * SHA256_LEN + 1];

	CHECK_INT(sim_disk_new(test_seed, &medium), 0);
	CHECK_INT(sim_disk_open(medium, "", &disk), 0);
	CHECK_INT(disk_make_directory(disk, generation, 0700), 0);
	digest_format(&key, hex);
	(void)snprintf(name, sizeof(name), "%s/marks/%s", generation, hex);
	for (uint64_t at = 0; at < 128; at++) {
		CHECK_INT(mark_put(disk, generation, &key, &mark, NULL), 0);
		CHECK_INT(sim_disk_rot(medium, name, at, 1), 0);
		CHECK_INT(mark_get(disk, generation, &key, &found, NULL), ERR_INVALID_DATA);
	}
	CHECK_INT(mark_remove(disk, generation, &key), 0);
	CHECK_INT(mark_sync(disk, generation), 0);
	CHECK_INT(mark_get(disk, generation, &key, &found, NULL), -ENOENT);
	CHECK_INT(mark_remove(disk, generation, &key), 0);
	disk_free(disk);
	sim_disk_free(medium);
}

TEST(a_source_goes_on_from_what_is_saved_or_from_something_else)
{
	struct mark m = { .boot = { { 1 } }, .added = 5, .base = digest_of("a"), .next = digest_of("b") };
	struct checkpoint c = { .saved = true, .added = 5, .digest = digest_of("a") };
	struct guid boot = { { 1 } }, other = { { 2 } };

	CHECK_INT(mark_judge(&m, &c, &boot), MARK_FITS);
	CHECK_INT(mark_judge(&m, &c, &other), MARK_CRASHED);
	c.digest = digest_of("b");
	CHECK_INT(mark_judge(&m, &c, &boot), MARK_FITS);
	c.digest = digest_of("c");
	CHECK_INT(mark_judge(&m, &c, &boot), MARK_OTHER);
	c.digest = digest_of("a");
	c.added = 6; /* An administrator has put it in force anew. */
	CHECK_INT(mark_judge(&m, &c, &boot), MARK_OTHER);
	m.added = 0;
	CHECK_INT(mark_judge(&m, &c, &boot), MARK_FITS);
	m.boot = (struct guid){ 0 };
	CHECK_INT(mark_judge(&m, &c, &other), MARK_FITS);
	c.saved = false;
	CHECK_INT(mark_judge(&m, &c, &boot), MARK_OTHER);
}

TEST(a_sweep_takes_the_marks_of_what_is_no_checkpoint)
{
	struct mark mark = sample(1), found;
	struct digest kept, gone;
	struct service *s;
	struct outside o;

	outside_begin(&o, test_seed);
	s = outside_service(&o);
	outside_set(&o, U16("App"), 1);
	CHECK_INT(outside_add(&o, U16("App")), 0);
	kept = mark_key(&o.resource, CHECKPOINT_REGISTRY, U16("App"));
	gone = mark_key(&o.resource, CHECKPOINT_CRYPTO, U16("App"));
	CHECK_INT(mark_put(s->disk, s->generation, &kept, &mark, NULL), 0);
	CHECK_INT(mark_put(s->disk, s->generation, &gone, &mark, NULL), 0);
	service_checkpoint(s);
	sim_loop_run_for(o.sim.world, UINT64_C(10000000000));
	CHECK_INT(mark_get(s->disk, s->generation, &kept, &found, NULL), 0);
	CHECK_INT(mark_get(s->disk, s->generation, &gone, &found, NULL), -ENOENT);
	outside_end(&o);
}
