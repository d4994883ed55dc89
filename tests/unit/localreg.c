/* localreg: what was answered is there after a power cut at any call; what failed never happened; the sources of keys on top.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/localreg.h"
#include "ruedad/agents/sources.h"
#include "sim/disk.h"
#include "sim/loop.h"
#include "tests/lib/test.h"
#include "wire/regbuf.h"

struct place {
	struct sim_disk *medium;
	struct disk *disk;
	struct loop *loop;
	struct local_registry *registry;
	struct sources *sources;
};

static void place_up(struct place *p)
{
	struct error e = { 0 };
	struct sources_config config = { .loop = p->loop, .hive_max = 1 << 20 };
	int r;

	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
	r = localreg_open(p->loop, p->disk, &p->registry, &e);
	if (r < 0)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	config.registry = p->registry;
	CHECK_INT(sources_new(&config, &p->sources), 0);
}

static void place_down(struct place *p)
{
	sources_free(p->sources);
	localreg_free(p->registry);
	disk_free(p->disk);
}

static void place_init(struct place *p, uint64_t seed)
{
	*p = (struct place){ 0 };
	CHECK_INT(sim_disk_new(seed, &p->medium), 0);
	sim_disk_set_garbage(p->medium, seed % 2 == 0 ? SIM_DISK_GARBAGE_WRITE : SIM_DISK_NO_GARBAGE);
	CHECK_INT(sim_loop_new(seed, &p->loop), 0);
	place_up(p);
}

static void place_restart(struct place *p)
{
	sim_loop_halt(p->loop);
	place_down(p);
	sim_loop_free(p->loop);
	sim_disk_restart(p->medium);
	CHECK_INT(sim_loop_new(7, &p->loop), 0);
	place_up(p);
}

static void place_done(struct place *p)
{
	(void)sim_loop_run_until_idle(p->loop, UINT64_C(10000000000));
	place_down(p);
	sim_loop_free(p->loop);
	sim_disk_free(p->medium);
}

struct outcome {
	unsigned calls;
	int result;
};

static void note(void *data, int r)
{
	struct outcome *o = data;

	o->calls++;
	o->result = r;
}

/* Key\n (any path) gets the value N = n. */
static int set(struct place *p, struct u16 key, uint32_t n, struct outcome *o)
{
	struct buf batch = { 0 };
	struct localreg_result result;
	int r;

	regbuf_begin(&batch);
	regbuf_add(&batch, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = key });
	regbuf_add(&batch, &(struct regbuf_command){ REGBUF_SET_VALUE, 4, U16("N"), (const uint8_t *)&n, sizeof(n) });
	regbuf_add(
	    &batch, &(struct regbuf_command){ REGBUF_SET_VALUE, 4, U16("Again"), (const uint8_t *)&n, sizeof(n) });
	CHECK_INT(batch.error, 0);
	r = localreg_execute(p->registry, (struct u16){ 0 }, batch.data, batch.len, 0, note, o, &result);
	buf_done(&batch);
	return r;
}

static uint32_t get(struct place *p, struct u16 key)
{
	const struct db_key *k = db_find(localreg_root(p->registry), key);
	struct db_value n, again;

	if (k == NULL)
		return 0;
	CHECK(db_value_find(k, U16("N"), &n) && db_value_find(k, U16("Again"), &again));
	CHECK_INT(get_le32(n.data), get_le32(again.data)); /* A batch is there whole. */
	return get_le32(n.data);
}

static void run(struct place *p)
{
	CHECK(sim_loop_run_until_idle(p->loop, UINT64_C(60000000000)));
}

TEST(what_was_answered_is_there_after_a_restart)
{
	struct place p;
	struct outcome o[3] = { { 0 } };

	place_init(&p, 1);
	CHECK_INT(set(&p, U16("SOFTWARE\\App"), 1, &o[0]), 0);
	CHECK_INT(o[0].calls, 0); /* Never from inside. */
	CHECK_INT(get(&p, U16("software\\app")), 1);
	CHECK_INT(set(&p, U16("SOFTWARE\\App"), 2, &o[1]), 0);
	CHECK_INT(set(&p, U16("SOFTWARE\\Other"), 3, &o[2]), 0);
	run(&p);
	for (size_t i = 0; i < ARRAY_SIZE(o); i++)
		CHECK(o[i].calls == 1 && o[i].result == 0);
	CHECK_INT(sim_disk_unsynced(p.medium), 0);
	place_restart(&p);
	CHECK_INT(get(&p, U16("SOFTWARE\\App")), 2);
	CHECK_INT(get(&p, U16("SOFTWARE\\Other")), 3);
	place_done(&p);
}

static void check_power(uint64_t seed, enum sim_disk_stop how)
{
	for (uint64_t nth = 1;; nth++) {
		struct outcome first = { 0 }, second = { 0 };
		struct place p;
		bool stopped;
		uint32_t n;

		place_init(&p, seed);
		CHECK_INT(set(&p, U16("App"), 1, &first), 0);
		run(&p);
		CHECK(first.calls == 1 && first.result == 0);
		sim_disk_stop_at(p.medium, SIM_DISK_ANY, nth, how);
		CHECK_INT(set(&p, U16("App"), 2, &second), 0);
		run(&p);
		stopped = sim_disk_is_stopped(p.medium);
		place_restart(&p);
		n = get(&p, U16("App"));
		CHECK(n == 1 || n == 2);
		CHECK(n == 2 || second.calls == 0 || second.result < 0);
		place_done(&p);
		if (!stopped)
			return;
	}
}

TEST(the_power_goes_at_any_call_and_the_old_or_the_new_is_there)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		test_note_seed(test_seed + i);
		check_power(test_seed + i, i % 2 == 0 ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH);
	}
}

TEST(what_cannot_be_saved_has_never_happened)
{
	for (uint64_t nth = 1;; nth++) {
		struct outcome o[3] = { { 0 } };
		struct place p;
		bool failed;

		place_init(&p, 3);
		CHECK_INT(set(&p, U16("App"), 1, &o[0]), 0);
		run(&p);
		sim_disk_fail_at(p.medium, SIM_DISK_ANY, nth, -EIO);
		CHECK_INT(set(&p, U16("App"), 2, &o[1]), 0);
		CHECK_INT(set(&p, U16("App"), 3, &o[2]), 0);
		run(&p);
		failed = sim_disk_has_failed(p.medium);
		sim_disk_fail_at(p.medium, SIM_DISK_ANY, 0, -EIO);
		CHECK(o[1].calls == 1 && o[2].calls == 1);
		CHECK_INT(get(&p, U16("App")), o[2].result == 0 ? 3 : o[1].result == 0 ? 2 : 1);
		/* And it goes on. */
		CHECK_INT(set(&p, U16("App"), 4, &o[0]), 0);
		run(&p);
		place_restart(&p);
		CHECK_INT(get(&p, U16("App")), 4);
		place_done(&p);
		if (!failed)
			return;
	}
}

TEST(a_damaged_hive_is_refused_with_advice)
{
	struct outcome o = { 0 };
	struct place p;
	struct local_registry *other;
	struct error e = { 0 };

	place_init(&p, 4);
	CHECK_INT(set(&p, U16("App"), 1, &o), 0);
	run(&p);
	CHECK_INT(sim_disk_rot(p.medium, LOCALREG_FILE, 0, 1), 0);
	CHECK_INT(localreg_open(p.loop, p.disk, &other, &e), ERR_INVALID_DATA);
	CHECK(strstr(e.text, LOCALREG_FILE) != NULL);
	place_done(&p);
}

TEST(a_batch_that_fails_half_way_changes_nothing)
{
	struct outcome o = { 0 };
	struct buf batch = { 0 };
	struct place p;
	struct localreg_result result;

	place_init(&p, 5);
	regbuf_begin(&batch);
	regbuf_add(&batch, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = U16("App") });
	regbuf_add(&batch, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = U16("\\bad") });
	CHECK(localreg_execute(p.registry, (struct u16){ 0 }, batch.data, batch.len, 0, note, &o, &result) < 0);
	CHECK_INT(result.failed_command, 2);
	CHECK(db_find(localreg_root(p.registry), U16("App")) == NULL);
	run(&p);
	CHECK_INT(o.calls, 0);
	buf_done(&batch);
	place_done(&p);
}

/* Sources of keys. */

struct taken {
	unsigned calls;
	int result;
	uint8_t *hive;
	size_t len;
};

static void on_taken(void *data, int r, uint8_t *hive, size_t len, const struct error *error)
{
	struct taken *t = data;

	CHECK((r < 0) == (error->code < 0));
	t->calls++;
	t->result = r;
	t->hive = hive;
	t->len = len;
}

static void on_put(void *data, int r, const struct error *error)
{
	CHECK((r < 0) == (error->code < 0));
	note(data, r);
}

static struct taken take(struct place *p, struct u16 name)
{
	struct taken t = { 0 };
	struct source_job *job;

	CHECK_INT(source_capture(p->sources, name, on_taken, &t, &job, NULL), 0);
	CHECK_INT(t.calls, 0);
	run(p);
	CHECK_INT(t.calls, 1);
	return t;
}

TEST(a_key_that_was_taken_comes_back_with_all_below_it_and_no_more)
{
	struct outcome o = { 0 };
	struct taken first, again;
	struct place p;

	place_init(&p, 6);
	CHECK_INT(set(&p, U16("App\\Below\\Deep"), 1, &o), 0);
	CHECK_INT(set(&p, U16("App\\Below"), 2, &o), 0);
	CHECK_INT(set(&p, U16("App"), 3, &o), 0);
	CHECK_INT(set(&p, U16("Apples"), 4, &o), 0);
	first = take(&p, U16("APP"));
	CHECK_INT(first.result, 0);
	CHECK_INT(set(&p, U16("App\\New"), 5, &o), 0);
	CHECK_INT(set(&p, U16("App\\Below"), 6, &o), 0);
	run(&p);
	o = (struct outcome){ 0 };
	CHECK_INT(source_put_back(p.sources, U16("App"), first.hive, first.len, on_put, &o, NULL, NULL), 0);
	run(&p);
	CHECK(o.calls == 1 && o.result == 0);
	CHECK_INT(sim_disk_unsynced(p.medium), 0);
	place_restart(&p);
	CHECK(db_find(localreg_root(p.registry), U16("App\\New")) == NULL);
	CHECK_INT(get(&p, U16("App\\Below\\Deep")), 1);
	CHECK_INT(get(&p, U16("App\\Below")), 2);
	CHECK_INT(get(&p, U16("App")), 3);
	CHECK_INT(get(&p, U16("Apples")), 4);
	again = take(&p, U16("App"));
	CHECK_INT(again.len, first.len); /* Byte for byte: times too. */
	CHECK_MEM(again.hive, first.hive, first.len);
	free(again.hive);
	free(first.hive);
	place_done(&p);
}

TEST(keys_that_are_missing_or_too_large_and_hives_that_are_none_are_refused)
{
	static const uint8_t big[600000];
	struct outcome o = { 0 };
	struct buf batch = { 0 };
	struct place p;
	struct localreg_result result;

	place_init(&p, 7);
	CHECK_INT(take(&p, U16("App")).result, ERR_FILE_NOT_FOUND);
	for (unsigned i = 0; i < 2; i++) {
		batch.len = 0;
		regbuf_begin(&batch);
		regbuf_add(&batch, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = U16("App") });
		regbuf_add(&batch,
		    &(struct regbuf_command){ REGBUF_SET_VALUE, 3, i == 0 ? U16("A") : U16("B"), big, sizeof(big) });
		CHECK_INT(localreg_execute(p.registry, (struct u16){ 0 }, batch.data, batch.len, 0, note, &o, &result), 0);
	}
	buf_done(&batch);
	CHECK_INT(take(&p, U16("App")).result, ERR_DISK_FULL);
	o = (struct outcome){ 0 };
	CHECK_INT(source_put_back(p.sources, U16("App"), big, sizeof(big), on_put, &o, NULL, NULL), 0);
	run(&p);
	CHECK(o.calls == 1 && o.result == ERR_INVALID_DATA);
	CHECK(db_find(localreg_root(p.registry), U16("App")) != NULL);
	place_done(&p);
}

static void count(void *data)
{
	++*(unsigned *)data;
}

TEST(changes_of_a_key_are_told_once_and_those_of_others_are_not)
{
	unsigned told = 0, told_missing = 0;
	struct source_watch *watch, *missing;
	struct outcome o = { 0 };
	struct place p;

	place_init(&p, 8);
	CHECK_INT(set(&p, U16("App"), 1, &o), 0);
	run(&p);
	CHECK_INT(source_watch(p.sources, U16("App"), count, &told, &watch, NULL), 0);
	CHECK_INT(source_watch(p.sources, U16("Not\\Yet"), count, &told_missing, &missing, NULL), 0);
	run(&p);
	CHECK_INT(told, 0);
	CHECK_INT(set(&p, U16("App\\Below"), 2, &o), 0);
	CHECK_INT(set(&p, U16("app"), 3, &o), 0);
	CHECK_INT(set(&p, U16("Apples"), 3, &o), 0);
	CHECK_INT(told, 0);
	run(&p);
	CHECK_INT(told, 1);
	CHECK_INT(set(&p, U16("Apples"), 4, &o), 0);
	run(&p);
	CHECK_INT(told, 1);
	CHECK_INT(told_missing, 0);
	CHECK_INT(set(&p, U16("Not\\Yet\\There"), 4, &o), 0);
	run(&p);
	CHECK_INT(told_missing, 1);
	source_watch_free(watch);
	source_watch_free(missing);
	place_done(&p);
}
