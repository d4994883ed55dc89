/* blobs: the saved state of resources loses power, its process and single calls of its disk at every step of a put, of a
 * restore and of a sweep.  A name is always that of its whole content; what was put is there; what is named stays.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/blobs.h"
#include "sim/disk.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/sets.h"
#include "wire/command.h"
#include <stdio.h>

#define GENERATION "00000001-11111111"
#define RESOURCE U16("Resources\\44444444-4444-4444-4444-444444444444")

enum { CONTENTS = 4, CONTENT_MAX = 5000 };

struct place {
	struct sim_disk *medium;
	struct disk *disk;
	uint8_t content[CONTENTS][CONTENT_MAX];
	size_t len[CONTENTS];
	struct digest digest[CONTENTS];
};

static void place_init(struct place *p, uint64_t seed)
{
	*p = (struct place){ 0 };
	for (size_t i = 0; i < CONTENTS; i++) {
		p->len[i] = i * CONTENT_MAX / (CONTENTS - 1); /* One is empty. */
		memset(p->content[i], (int)(seed + i), p->len[i]);
		p->digest[i] = sha256_of(p->content[i], p->len[i]);
	}
	CHECK_INT(sim_disk_new(seed, &p->medium), 0);
	sim_disk_set_garbage(p->medium, seed % 2 == 0 ? SIM_DISK_GARBAGE_WRITE : SIM_DISK_NO_GARBAGE);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
	CHECK_INT(disk_make_directory(p->disk, GENERATION, 0700), 0);
	CHECK_INT(disk_sync_directory(p->disk, ""), 0);
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
}

static int put(struct place *p, size_t i)
{
	struct error error = { 0 };
	int r = blob_put(p->disk, GENERATION, i, p->content[i], p->len[i], &p->digest[i], &error);

	CHECK(r == 0 || error.text[0] != 0);
	return r;
}

static int look(struct place *p, size_t i)
{
	const struct checkpoint checkpoint = { .digest = p->digest[i] };
	uint8_t *bytes;
	size_t len;
	int r = blob_read(p->disk, GENERATION, &checkpoint, &bytes, &len, NULL);

	if (r < 0)
		return r;
	CHECK_INT(len, p->len[i]);
	CHECK(len == 0 || memcmp(bytes, p->content[i], len) == 0);
	free(bytes);
	return 0;
}

static int count_name(void *data, const char *name, enum disk_kind kind)
{
	++*(unsigned *)data;
	return 0;
}

static unsigned count_files(struct place *p)
{
	unsigned count = 0;

	CHECK_INT(disk_list(p->disk, GENERATION "/blobs", count_name, &count), 0);
	return count;
}

/* A database in which the resource has a checkpoint for each of the contents in the mask. */
static struct db *naming(struct place *p, unsigned mask)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	CHECK_INT(db_key_create(db, RESOURCE, 1, NULL), 0);
	for (size_t i = 0; i < CONTENTS; i++) {
		const char16_t path[] = { 'a' + (char16_t)i, 0 };
		struct command_CheckpointAdd m = { .path = path, .length = p->len[i] };
		struct buf batch = { 0 };

		memset(m.resource.bytes, 0x44, sizeof(m.resource.bytes));
		memcpy(m.sha256, p->digest[i].bytes, SHA256_LEN);
		if (mask & 1u << i)
			CHECK_INT(checkpoint_add(db, &m, 5, &batch), 0);
		buf_done(&batch);
	}
	return db;
}

/* Stories: all contents put one after the other; a sweep that keeps half of them.  What is done so far is told. */

static int tell_puts(struct place *p, size_t *ret_done)
{
	int r = 0;

	for (*ret_done = 0; r == 0 && *ret_done < CONTENTS; *ret_done += r == 0)
		r = put(p, *ret_done);
	return r;
}

static void sweep(struct place *p, unsigned mask)
{
	struct db *db = naming(p, mask);
	struct blob_keep keep = { 0 };

	CHECK_INT(blob_keep_add(&keep, db_root(db)), 0);
	blob_sweep(p->disk, GENERATION, &keep);
	blob_keep_done(&keep);
	db_free(db);
}

static bool crash_put(uint64_t seed, uint64_t nth, enum sim_disk_stop how)
{
	struct place p;
	bool stopped;
	size_t done;

	place_init(&p, seed);
	sim_disk_stop_at(p.medium, SIM_DISK_ANY, nth, how);
	(void)tell_puts(&p, &done);
	stopped = sim_disk_is_stopped(p.medium);
	CHECK(stopped || done == CONTENTS);
	sim_disk_stop_at(p.medium, SIM_DISK_ANY, 0, how);
	if (!stopped)
		sim_disk_stop(p.medium, how);
	place_restart(&p);
	/* Never half of one: it is whole, or its name is not there. */
	for (size_t i = 0; i < CONTENTS; i++) {
		int r = look(&p, i);

		CHECK(r == 0 || (i >= done && r == ERR_FILE_NOT_FOUND));
	}
	/* The next life goes on, whatever is left, and the power goes once more: what was put is there. */
	CHECK_INT(tell_puts(&p, &done), 0);
	sim_disk_stop(p.medium, SIM_DISK_POWER_CUT);
	place_restart(&p);
	for (size_t i = 0; i < CONTENTS; i++)
		CHECK_INT(look(&p, i), 0);
	sweep(&p, 15);
	CHECK_INT(count_files(&p), CONTENTS);
	place_done(&p);
	return stopped;
}

static void crash_puts(enum sim_disk_stop how)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(20); seed++) {
		test_note_seed(seed);
		for (uint64_t nth = 1; crash_put(seed * 1000 + nth, nth, how); nth++)
			;
	}
}

TEST(a_power_cut_at_any_call_of_a_put_leaves_no_half_of_a_blob)
{
	crash_puts(SIM_DISK_POWER_CUT);
}

TEST(a_death_at_any_call_of_a_put_leaves_no_half_of_a_blob)
{
	crash_puts(SIM_DISK_DEATH);
}

TEST(a_put_that_fails_says_so_and_can_be_repeated)
{
	static const int codes[] = { -EIO, -ENOSPC };

	for (size_t j = 0; j < ARRAY_SIZE(codes); j++)
		for (uint64_t nth = 1, failed = 1; failed; nth++) {
			struct place p;
			size_t done;
			int r;

			place_init(&p, test_seed + nth);
			sim_disk_fail_at(p.medium, SIM_DISK_ANY, nth, codes[j]);
			r = tell_puts(&p, &done);
			failed = sim_disk_has_failed(p.medium);
			CHECK_INT(r, failed ? codes[j] : 0);
			sim_disk_fail_at(p.medium, SIM_DISK_ANY, 0, codes[j]);
			CHECK_INT(tell_puts(&p, &done), 0);
			sim_disk_stop(p.medium, SIM_DISK_POWER_CUT);
			place_restart(&p);
			for (size_t i = 0; i < CONTENTS; i++)
				CHECK_INT(look(&p, i), 0);
			place_done(&p);
		}
}

TEST(a_sweep_keeps_what_is_named_wherever_it_is_interrupted)
{
	for (uint64_t nth = 0, stopped = 1; stopped; nth++) {
		struct place p;
		size_t done;

		place_init(&p, test_seed + nth);
		CHECK_INT(tell_puts(&p, &done), 0);
		sim_disk_stop_at(p.medium, SIM_DISK_ANY, nth, SIM_DISK_POWER_CUT);
		sweep(&p, 5);
		stopped = sim_disk_is_stopped(p.medium) || nth == 0;
		sim_disk_stop_at(p.medium, SIM_DISK_ANY, 0, SIM_DISK_POWER_CUT);
		if (!sim_disk_is_stopped(p.medium)) {
			CHECK_INT(count_files(&p), 2);
			sim_disk_stop(p.medium, SIM_DISK_POWER_CUT);
		}
		place_restart(&p);
		CHECK_INT(look(&p, 0), 0);
		CHECK_INT(look(&p, 2), 0);
		place_done(&p);
	}
}

TEST(a_sweep_removes_left_overs_and_nobody_elses_files)
{
	static const char *const names[] = { "new-0000000000000007", "readme", "E3B0" };
	struct disk_file *f;
	struct place p;
	size_t done;

	place_init(&p, test_seed);
	CHECK_INT(tell_puts(&p, &done), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), GENERATION "/blobs/%s", names[i]);
		CHECK_INT(disk_open(p.disk, path, DISK_WRITE | DISK_CREATE, 0600, &f), 0);
		file_close(f);
	}
	sweep(&p, 0);
	CHECK_INT(count_files(&p), 2);
	sweep(&p, 0);
	CHECK_INT(count_files(&p), 2);
	place_done(&p);
}

TEST(rot_is_told_and_mended_by_the_next_put)
{
	char name[BLOB_NAME_MAX];
	struct blob_list list;
	struct place p;
	struct db *db;

	place_init(&p, test_seed);
	for (size_t i = 0; i < CONTENTS; i++)
		CHECK_INT(put(&p, i), 0);
	db = naming(&p, 15);
	blob_name(GENERATION, &p.digest[1], name);
	CHECK_INT(sim_disk_rot(p.medium, name, 100, 4), 0);
	CHECK_INT(look(&p, 1), ERR_INVALID_DATA);
	CHECK_INT(disk_remove(p.disk, "00000001-11111111/blobs/none"), -ENOENT);
	blob_name(GENERATION, &p.digest[3], name);
	CHECK_INT(disk_remove(p.disk, name), 0);
	CHECK_INT(look(&p, 3), ERR_FILE_NOT_FOUND);

	/* A list names all, or all that are whole. */
	CHECK_INT(blob_list_make(p.disk, GENERATION, db_root(db), &list), 0);
	CHECK_INT(list.count, CONTENTS);
	CHECK_INT(blob_list_keep_whole(&list), 2);
	CHECK_INT(list.count, 2);
	CHECK(digest_equal(&list.blobs[0].digest, &p.digest[0]) && digest_equal(&list.blobs[1].digest, &p.digest[2]));
	CHECK_INT(list.blobs[1].number, 3);
	blob_list_done(&list);

	CHECK_INT(put(&p, 1), 0);
	CHECK_INT(look(&p, 1), 0);
	db_free(db);
	place_done(&p);
}

TEST(without_memory_a_put_and_a_list_say_so)
{
	for (uint64_t nth = 1, failed = 1; failed; nth++) {
		struct blob_list list = { 0 };
		struct blob_keep keep = { 0 };
		struct place p;
		struct db *db;
		size_t done;
		int r;

		failalloc_begin(0);
		place_init(&p, test_seed);
		db = naming(&p, 15);
		failalloc_arm(nth);
		r = tell_puts(&p, &done);
		if (r == 0)
			r = blob_list_make(p.disk, GENERATION, db_root(db), &list);
		if (r == 0)
			r = blob_keep_add(&keep, db_root(db));
		if (r == 0)
			r = blob_list_keep_whole(&list);
		failed = failalloc_hit();
		failalloc_arm(0);
		CHECK_INT(r, failed ? -ENOMEM : 0);
		blob_keep_done(&keep);
		blob_list_done(&list);
		db_free(db);
		place_done(&p);
		(void)failalloc_end();
	}
}
