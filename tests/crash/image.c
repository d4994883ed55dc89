/* image: the snapshot of a set in memory is what lies in the file, and what is said of it is so.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/image.h"
#include "sim/disk.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/sets.h"

struct place {
	struct sim_disk *medium;
	struct disk *disk;
	struct db *db;
	struct db_snapshot *snapshot;
	struct image image;
};

static void place_init(struct place *p, uint64_t seed)
{
	*p = (struct place){ .db = sets_database((unsigned)(seed % 5)) };
	CHECK_INT(sim_disk_new(seed, &p->medium), 0);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
	p->snapshot = db_snapshot_take(p->db);
	CHECK(p->snapshot != NULL);
	CHECK_INT(image_make(&p->image, p->snapshot, 77, true), 0);
}

static void place_done(struct place *p)
{
	image_done(&p->image);
	db_snapshot_unref(p->snapshot);
	db_free(p->db);
	disk_free(p->disk);
	sim_disk_free(p->medium);
}

static struct disk_file *create(struct place *p, const char *name)
{
	struct disk_file *f;

	CHECK_INT(disk_open(p->disk, name, DISK_READ | DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	return f;
}

static int count_calls(void *data, uint64_t bytes)
{
	(*(unsigned *)data)++;
	CHECK(bytes > 0);
	return 0;
}

TEST(the_file_is_the_one_that_is_written_without_an_image)
{
	struct disk_file *f;
	struct place p;
	uint8_t *bytes;
	unsigned calls = 0;
	size_t len;

	place_init(&p, test_seed);
	f = create(&p, "direct");
	CHECK_INT(dbhive_write(f, db_snapshot_root(p.snapshot), 77, NULL), 0);
	CHECK_INT(image_compare(&p.image, f), 0);
	file_close(f);
	f = create(&p, "image");
	CHECK_INT(image_write(&p.image, f, count_calls, &calls), 0);
	CHECK_INT(image_compare(&p.image, f), 0);
	CHECK(calls > 0);
	file_close(f);
	CHECK_INT(disk_read_file(p.disk, "image", SIZE_MAX / 2, &bytes, &len), 0);
	CHECK(len == p.image.bytes.len && memcmp(bytes, p.image.bytes.data, len) == 0);
	free(bytes);
	place_done(&p);
}

TEST(another_byte_and_another_length_make_another_file)
{
	struct disk_file *f;
	struct place p;
	size_t len;

	place_init(&p, test_seed);
	len = p.image.bytes.len;
	f = create(&p, "f");
	CHECK_INT(image_write(&p.image, f, NULL, NULL), 0);
	for (size_t at = 0; at < len; at += at + 100 < len ? 37 : 1) {
		CHECK_INT(sim_disk_rot(p.medium, "f", at, 1), 0);
		CHECK_INT(image_compare(&p.image, f), 1);
		CHECK_INT(sim_disk_rot(p.medium, "f", at, 1), 0);
	}
	CHECK_INT(image_compare(&p.image, f), 0);
	CHECK_INT(file_write(f, len, "", 1), 0);
	CHECK_INT(image_compare(&p.image, f), 1);
	CHECK_INT(file_truncate(f, len - 1), 0);
	CHECK_INT(image_compare(&p.image, f), 1);
	file_close(f);
	place_done(&p);
}

TEST(digest_and_totals_are_those_of_the_bytes_and_of_the_database)
{
	struct digest expected, found;
	struct db_totals totals;
	struct place p;

	place_init(&p, test_seed);
	expected = sha256_of(p.image.bytes.data, p.image.bytes.len);
	found = image_digest(&p.image);
	CHECK(digest_equal(&found, &expected));
	CHECK_INT(image_totals(&p.image, &totals, NULL), 0);
	expected = db_digest(p.db);
	CHECK(digest_equal(&totals.digest, &expected));
	CHECK_INT(totals.hive_size, db_hive_size(p.db));
	place_done(&p);
}

/* Power fails at the nth call of the disk: the file is no hive, or the whole one. */
static bool cut_power(uint64_t seed, uint64_t nth)
{
	struct error error = { 0 };
	struct db_totals totals;
	struct disk_file *f;
	struct place p;
	uint8_t *bytes;
	bool stopped;
	size_t len;

	test_note_seed(seed);
	place_init(&p, seed);
	f = create(&p, "f");
	CHECK_INT(disk_sync_directory(p.disk, ""), 0);
	sim_disk_stop_at(p.medium, SIM_DISK_ANY, nth, SIM_DISK_POWER_CUT);
	(void)image_write(&p.image, f, NULL, NULL);
	stopped = sim_disk_is_stopped(p.medium);
	file_close(f);
	disk_free(p.disk);
	sim_disk_restart(p.medium);
	CHECK_INT(sim_disk_open(p.medium, "", &p.disk), 0);
	CHECK_INT(disk_read_file(p.disk, "f", SIZE_MAX / 2, &bytes, &len), 0);
	if (len >= 4096 && memcmp(bytes, "regf", 4) == 0)
		CHECK(len == p.image.bytes.len && memcmp(bytes + 4096, p.image.bytes.data + 4096, len - 4096) == 0);
	if (dbhive_check(bytes, len, &totals, &error) == 0)
		CHECK(memcmp(bytes, p.image.bytes.data, 4096) == 0);
	else
		CHECK(stopped && error.text[0] != 0);
	free(bytes);
	place_done(&p);
	return stopped;
}

TEST(the_base_block_is_written_when_the_rest_is_durable)
{
	for (uint64_t round = 0; round < test_rounds(40); round++)
		for (uint64_t nth = 1; cut_power(test_seed * 1000 + round * 97 + nth, nth); nth++)
			CHECK(nth < 1000);
}

TEST(what_the_check_takes_a_restore_takes_and_nothing_else)
{
	struct place p;
	unsigned taken = 0, refused = 0;

	place_init(&p, test_seed);
	(void)image_digest(&p.image);
	CHECK_INT(image_totals(&p.image, &(struct db_totals){ 0 }, NULL), 0);
	for (size_t at = 4096; at < p.image.bytes.len; at++) { /* Nobody else looks at it now. */
		struct error read_error = { 0 }, check_error = { 0 };
		struct db_totals totals;
		struct db *db = NULL;
		int r;

		p.image.bytes.data[at] ^= (uint8_t)(1 << at % 8);
		r = dbhive_read(p.image.bytes.data, p.image.bytes.len, &db, &read_error);
		CHECK_INT(dbhive_check(p.image.bytes.data, p.image.bytes.len, &totals, &check_error), r);
		if (r == 0) {
			struct digest digest = db_digest(db);

			CHECK(digest_equal(&totals.digest, &digest));
			CHECK_INT(totals.hive_size, db_hive_size(db));
			taken++;
		} else {
			CHECK(strcmp(read_error.text, check_error.text) == 0);
			refused++;
		}
		db_free(db);
		p.image.bytes.data[at] ^= (uint8_t)(1 << at % 8);
	}
	CHECK(taken > 1000 && refused > 1000);
	place_done(&p);
}

TEST(each_failed_allocation_is_reported)
{
	struct db *db = sets_database(1);
	struct db_snapshot *s = db_snapshot_take(db);

	FAIL_EACH_ALLOCATION
	{
		struct image i = { 0 };
		struct db_totals totals;
		int r = image_make(&i, s, 1, false);

		if (r == 0)
			r = dbhive_check(i.bytes.data, i.bytes.len, &totals, NULL);
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		image_done(&i);
	}
	db_snapshot_unref(s);
	db_free(db);
}
