/* store: a node's state directory loses power, its process, single calls of its disk and its bits, at every step of a
 * checkpoint, of a new generation and of a sweep; a start finds the state before or the one after, whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/store.h"
#include "sim/disk.h"
#include "tests/lib/sets.h"
#include <stdio.h>

enum { OLD = 10, NEW = 20 };

#define FIRST "00000001-11111111"
#define SECOND "00000002-22222222"

struct place {
	struct sim_disk *medium;
	struct disk *disk;
	struct db *old_db, *new_db;
	struct buf old_runtime, new_runtime;
};

static void save_runtime(uint64_t index, struct buf *ret)
{
	struct cluster *c;
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	CHECK_INT(cluster_new(db, &c), 0);
	cluster_begin_at(c, index);
	cluster_runtime_save(c, ret);
	CHECK_INT(ret->error, 0);
	cluster_free(c);
}

static int with_checkpoint(struct place *p, const char *name, uint64_t index,
    int (*write)(struct disk *state, const char *name, const struct store_checkpoint *c, struct error *error))
{
	static const struct quolog_header header = {
		.name = { 'C' }, .name_len = 1, .instance = { { 1 } }, .generation = { .number = 1, .id = { { 2 } } }
	};
	const struct buf *runtime = index == OLD ? &p->old_runtime : &p->new_runtime;
	struct store_checkpoint c = { .header = &header,
		.snapshot = db_snapshot_take(index == OLD ? p->old_db : p->new_db),
		.runtime = runtime->data,
		.runtime_len = runtime->len,
		.index = index,
		.time = 0x01dc000000000000 + index };
	struct error error = { 0 };
	int r = write(p->disk, name, &c, &error);

	CHECK(r == 0 || error.text[0] != 0);
	db_snapshot_unref(c.snapshot);
	return r;
}

static void place_init(struct place *p, uint64_t seed)
{
	*p = (struct place){ .old_db = sets_database(0), .new_db = sets_database(3) };
	save_runtime(OLD, &p->old_runtime);
	save_runtime(NEW, &p->new_runtime);
	CHECK_INT(sim_disk_new(seed, &p->medium), 0);
	sim_disk_set_garbage(p->medium, seed % 2 == 0 ? SIM_DISK_GARBAGE_WRITE : SIM_DISK_NO_GARBAGE);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
	CHECK_INT(with_checkpoint(p, FIRST, OLD, store_create), 0);
	CHECK_INT(store_switch(p->disk, FIRST, NULL), 0);
	CHECK_INT(sim_disk_unsynced(p->medium), 0);
}

static void place_restart(struct place *p)
{
	disk_free(p->disk);
	sim_disk_restart(p->medium);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
}

static void place_done(struct place *p)
{
	disk_free(p->disk);
	sim_disk_free(p->medium);
	db_free(p->old_db);
	db_free(p->new_db);
	buf_done(&p->old_runtime);
	buf_done(&p->new_runtime);
}

/* The index of what a start finds in the generation, which is one of the two states and whole; or the error. */
static int64_t found_in(struct place *p, const char *name, unsigned *ret_skipped)
{
	struct store_loaded loaded = { 0 };
	struct error error = { 0 };
	int r = store_load(p->disk, name, &loaded, ret_skipped, &error);

	if (r < 0) {
		CHECK(error.text[0] != 0 && loaded.cluster == NULL);
		return r;
	}
	CHECK(loaded.index == OLD || loaded.index == NEW);
	CHECK(digest_equal((struct digest[]){ db_digest(cluster_db(loaded.cluster)) },
	    (struct digest[]){ db_digest(loaded.index == OLD ? p->old_db : p->new_db) }));
	CHECK_INT(cluster_applied(loaded.cluster), loaded.index);
	CHECK_INT(loaded.header.snapshot, loaded.index);
	cluster_free(loaded.cluster);
	return (int64_t)loaded.index;
}

/* The same in the generation in force. */
static int64_t found(struct place *p, char name[STORE_NAME_MAX])
{
	unsigned skipped;

	CHECK_INT(store_current(p->disk, name, NULL), 0);
	return found_in(p, name, &skipped);
}

/* Stories: 0 when what they promise is durable. */

static int story_checkpoint(struct place *p)
{
	int r = with_checkpoint(p, FIRST, NEW, store_write_checkpoint);

	if (r == 0)
		store_sweep(p->disk, FIRST, NEW);
	return r;
}

static int story_generation(struct place *p)
{
	int r = with_checkpoint(p, SECOND, NEW, store_create);

	return r == 0 ? store_switch(p->disk, SECOND, NULL) : r;
}

static void must_be_old_or_new(struct place *p, int (*tell)(struct place *p), int result)
{
	char name[STORE_NAME_MAX];
	int64_t index = found(p, name);

	CHECK(index == NEW || (index == OLD && result < 0));
	if (tell == story_generation)
		CHECK_STR(name, index == NEW ? SECOND : FIRST);
}

/* The story once more with nothing in the way, whatever is left of the first try; and then the power goes. */
static void must_work_again(struct place *p, int (*tell)(struct place *p))
{
	char name[STORE_NAME_MAX];

	CHECK_INT(tell(p), 0);
	sim_disk_stop(p->medium, SIM_DISK_POWER_CUT);
	place_restart(p);
	CHECK_INT(found(p, name), NEW);
}

static bool crash(int (*tell)(struct place *p), uint64_t seed, uint64_t nth, enum sim_disk_stop how)
{
	struct place p;
	bool stopped;
	int r;

	place_init(&p, seed);
	sim_disk_stop_at(p.medium, SIM_DISK_ANY, nth, how);
	r = tell(&p);
	stopped = sim_disk_is_stopped(p.medium);
	CHECK(stopped || (r == 0 && nth > 5));
	sim_disk_stop_at(p.medium, SIM_DISK_ANY, 0, how);
	if (!stopped)
		sim_disk_stop(p.medium, how);
	place_restart(&p);
	must_be_old_or_new(&p, tell, r);
	must_work_again(&p, tell);
	place_done(&p);
	return stopped;
}

static void crash_everywhere(int (*tell)(struct place *p), enum sim_disk_stop how)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(6); seed++) {
		test_note_seed(seed);
		for (uint64_t nth = 1; crash(tell, seed + nth, nth, how); nth++)
			;
	}
}

TEST(a_power_cut_at_any_call_of_a_checkpoint_leaves_the_old_or_the_new_one)
{
	crash_everywhere(story_checkpoint, SIM_DISK_POWER_CUT);
}

TEST(a_death_at_any_call_of_a_checkpoint_leaves_the_old_or_the_new_one)
{
	crash_everywhere(story_checkpoint, SIM_DISK_DEATH);
}

TEST(a_power_cut_at_any_call_of_a_switch_leaves_the_old_or_the_new_generation)
{
	crash_everywhere(story_generation, SIM_DISK_POWER_CUT);
}

TEST(a_death_at_any_call_of_a_switch_leaves_the_old_or_the_new_generation)
{
	crash_everywhere(story_generation, SIM_DISK_DEATH);
}

static bool fail_once(int (*tell)(struct place *p), uint64_t seed, uint64_t nth, int code)
{
	struct place p;
	bool failed;
	int r;

	place_init(&p, seed);
	sim_disk_fail_at(p.medium, SIM_DISK_ANY, nth, code);
	r = tell(&p);
	failed = sim_disk_has_failed(p.medium);
	CHECK(failed || r == 0);
	sim_disk_fail_at(p.medium, SIM_DISK_ANY, 0, code);
	must_be_old_or_new(&p, tell, r);
	sim_disk_stop(p.medium, SIM_DISK_POWER_CUT);
	place_restart(&p);
	must_be_old_or_new(&p, tell, r);
	must_work_again(&p, tell);
	place_done(&p);
	return failed;
}

TEST(the_failure_of_any_call_is_told_or_changes_nothing)
{
	static int (*const stories[])(struct place * p) = { story_checkpoint, story_generation };
	static const int codes[] = { -EIO, -ENOSPC };

	for (size_t i = 0; i < ARRAY_SIZE(stories); i++)
		for (size_t j = 0; j < ARRAY_SIZE(codes); j++)
			for (uint64_t nth = 1; fail_once(stories[i], test_seed + nth, nth, codes[j]); nth++)
				test_note_seed(test_seed);
}

static int count_name(void *data, const char *name, enum disk_kind kind)
{
	++*(unsigned *)data;
	return 0;
}

TEST(a_sweep_leaves_the_newest_pair_alone)
{
	struct place p;
	unsigned count = 0, skipped;
	struct disk_file *f;

	place_init(&p, test_seed);
	CHECK_INT(
	    disk_open(p.disk, FIRST "/checkpoint-0000000000000030.run.new", DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	file_close(f);
	CHECK_INT(with_checkpoint(&p, FIRST, NEW, store_write_checkpoint), 0);
	CHECK_INT(disk_list(p.disk, FIRST, count_name, &count), 0);
	CHECK_INT(count, 5);
	store_sweep(p.disk, FIRST, NEW);
	count = 0;
	CHECK_INT(disk_list(p.disk, FIRST, count_name, &count), 0);
	CHECK_INT(count, 2);
	CHECK_INT(found_in(&p, FIRST, &skipped), NEW);
	CHECK_INT(skipped, 0);
	place_done(&p);
}

/* Rot.  A byte that nothing depends on may rot unseen, if what is loaded is right all the same. */
static void rot_file(const char *suffix, bool with_older, unsigned step)
{
	unsigned seen = 0, total = 0, skipped;
	char path[96];
	struct place p;

	(void)snprintf(path, sizeof(path), FIRST "/checkpoint-%016d%s", NEW, suffix);
	place_init(&p, test_seed);
	CHECK_INT(with_checkpoint(&p, FIRST, NEW, store_write_checkpoint), 0);
	if (!with_older)
		store_sweep(p.disk, FIRST, NEW);
	for (uint64_t at = 0; sim_disk_rot(p.medium, path, at, (uint8_t)(1 << at % 8)) == 0; at += step, total++) {
		int64_t index = found_in(&p, FIRST, &skipped);

		if (index != NEW) {
			CHECK_INT(skipped, 1);
			CHECK_INT(index, with_older ? OLD : ERR_CLUSTERLOG_CORRUPT);
			seen++;
		}
		CHECK_INT(sim_disk_rot(p.medium, path, at, (uint8_t)(1 << at % 8)), 0);
	}
	CHECK(total > 20 && seen > total / 2);
	CHECK_INT(found_in(&p, FIRST, &skipped), NEW);
	place_done(&p);
}

TEST(rot_of_the_newest_pair_falls_back_to_the_older_one)
{
	rot_file(".run", true, 1);
	rot_file(".hive", true, 7);
}

TEST(rot_of_the_only_pair_is_told)
{
	rot_file(".run", false, 1);
	rot_file(".hive", false, 7);
}

TEST(rot_of_current_is_told_and_never_another_generation)
{
	char name[STORE_NAME_MAX];
	unsigned skipped;
	struct place p;

	place_init(&p, test_seed);
	for (uint64_t at = 0; at < sizeof(FIRST); at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct error error = { 0 };
			int r;

			CHECK_INT(sim_disk_rot(p.medium, "current", at, (uint8_t)(1 << bit)), 0);
			r = store_current(p.disk, name, &error);
			CHECK(r == 0 ? found_in(&p, name, &skipped) < 0 : r == ERR_CLUSTERLOG_CORRUPT && error.text[0]);
			CHECK_INT(sim_disk_rot(p.medium, "current", at, (uint8_t)(1 << bit)), 0);
		}
	CHECK_INT(found(&p, name), OLD);
	CHECK_INT(disk_remove(p.disk, "current"), 0);
	CHECK_INT(store_current(p.disk, name, NULL), -ENOENT);
	CHECK_INT(store_newest(p.disk, name), 0);
	CHECK_STR(name, FIRST);
	place_done(&p);
}

TEST(a_generation_without_a_checkpoint_says_so)
{
	struct store_loaded loaded = { 0 };
	struct error error = { 0 };
	unsigned skipped;
	struct place p;

	place_init(&p, test_seed);
	CHECK_INT(disk_remove(p.disk, FIRST "/checkpoint-0000000000000010.run"), 0);
	CHECK_INT(store_load(p.disk, FIRST, &loaded, &skipped, &error), ERR_CLUSTER_QUORUMLOG_NOT_FOUND);
	CHECK(error.text[0] != 0);
	place_done(&p);
}
