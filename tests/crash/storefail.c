/* The store without memory: each allocation of each operation fails in turn.  The operation says so or gets over it, leaves
 * no memory behind, and what is in force stays in force and whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/store.h"
#include "sim/disk.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/sets.h"

#define FIRST "00000001-11111111"
#define SECOND "00000002-22222222"

enum { OLD = 10, NEW = 20 };

/* Made anew for each failing allocation, so that each meets the same disk. */
struct place {
	struct sim_disk *medium;
	struct disk *disk;
	struct db *db;
	struct buf runtime[2]; /* At OLD, at NEW. */
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

/* The database at NEW has a change more. */
static int with_checkpoint(struct place *p, const char *name, uint64_t index,
    int (*write)(struct disk *state, const char *name, const struct store_checkpoint *c, struct error *error))
{
	static const struct quolog_header header = {
		.name = { 'C' }, .name_len = 1, .instance = { { 1 } }, .generation = { .number = 1, .id = { { 2 } } }
	};
	const struct buf *runtime = &p->runtime[index == NEW];
	struct store_checkpoint c = {
		.header = &header, .runtime = runtime->data, .runtime_len = runtime->len, .index = index, .time = index
	};
	struct error error = { 0 };
	int r;

	c.snapshot = db_snapshot_take(p->db);
	if (c.snapshot == NULL)
		return -ENOMEM;
	r = write(p->disk, name, &c, &error);
	CHECK(r == 0 || error.text[0] != 0);
	db_snapshot_unref(c.snapshot);
	return r;
}

static void place_init(struct place *p)
{
	*p = (struct place){ .db = sets_database(0) };
	save_runtime(OLD, &p->runtime[0]);
	save_runtime(NEW, &p->runtime[1]);
	CHECK_INT(sim_disk_new(test_seed, &p->medium), 0);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
	CHECK_INT(with_checkpoint(p, FIRST, OLD, store_create), 0);
	CHECK_INT(store_switch(p->disk, FIRST, NULL), 0);
}

static void place_done(struct place *p)
{
	disk_free(p->disk);
	sim_disk_free(p->medium);
	db_free(p->db);
	buf_done(&p->runtime[0]);
	buf_done(&p->runtime[1]);
}

/* The generation that is in force, and the index of its checkpoint. */
static void check_state(struct place *p, const char *expected, uint64_t index)
{
	struct store_loaded loaded;
	char name[STORE_NAME_MAX];
	unsigned skipped;

	CHECK_INT(store_current(p->disk, name, NULL), 0);
	CHECK_STR(name, expected);
	CHECK_INT(store_load(p->disk, name, &loaded, &skipped, NULL), 0);
	CHECK_INT(skipped, 0);
	CHECK_INT(loaded.index, index);
	cluster_free(loaded.cluster);
}

/* Run an operation with each allocation failing, on a fresh place each time; check tells what must hold after it. */
static void fail_each(int (*operation)(struct place *p), void (*check)(struct place *p, int r))
{
	bool hit = true;

	for (uint64_t nth = 1; hit; nth++) {
		struct place p;
		int r;

		CHECK(nth < 100000);
		failalloc_begin(0);
		place_init(&p);
		failalloc_arm(nth);
		r = operation(&p);
		hit = failalloc_hit();
		failalloc_arm(0);
		CHECK(r == 0 || (hit && r == -ENOMEM));
		check(&p, r);
		place_done(&p);
		(void)failalloc_end();
	}
}

static int write_second(struct place *p)
{
	return with_checkpoint(p, FIRST, NEW, store_write_checkpoint);
}

static void old_or_new(struct place *p, int r)
{
	check_state(p, FIRST, r == 0 ? NEW : OLD);
	CHECK_INT(with_checkpoint(p, FIRST, NEW, store_write_checkpoint), 0); /* Next time it works. */
	check_state(p, FIRST, NEW);
}

TEST(a_checkpoint_is_written_or_the_older_one_stays)
{
	fail_each(write_second, old_or_new);
}

static int create_second(struct place *p)
{
	return with_checkpoint(p, SECOND, NEW, store_create);
}

static void first_in_force(struct place *p, int r)
{
	check_state(p, FIRST, OLD);
	CHECK_INT(with_checkpoint(p, SECOND, NEW, store_create), 0);
	CHECK_INT(store_switch(p->disk, SECOND, NULL), 0);
	check_state(p, SECOND, NEW);
}

TEST(a_generation_is_made_or_can_be_made_again)
{
	fail_each(create_second, first_in_force);
}

static int switch_back(struct place *p)
{
	return store_switch(p->disk, FIRST, NULL);
}

static void still_first(struct place *p, int r)
{
	check_state(p, FIRST, OLD);
}

TEST(a_switch_leaves_a_generation_in_force)
{
	fail_each(switch_back, still_first);
}

static int load(struct place *p)
{
	struct store_loaded loaded = { .cluster = NULL };
	struct error error = { 0 };
	char name[STORE_NAME_MAX];
	unsigned skipped = 0;
	int r = store_current(p->disk, name, &error);

	if (r == 0)
		r = store_load(p->disk, name, &loaded, &skipped, &error);
	CHECK(r == 0 || error.text[0] != 0);
	CHECK((r == 0) == (loaded.cluster != NULL));
	cluster_free(loaded.cluster);
	return r;
}

TEST(a_checkpoint_is_not_called_damaged_for_want_of_memory)
{
	fail_each(load, still_first);
}

/* It tells of no failure; it may leave more behind than it should, never less. */
static int clean_up(struct place *p)
{
	store_sweep(p->disk, FIRST, OLD);
	store_remove_old(p->disk, FIRST, "", 1);
	return 0;
}

TEST(cleaning_up_leaves_what_is_in_force)
{
	fail_each(clean_up, still_first);
}
