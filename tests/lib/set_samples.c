/* set_samples: write the corpus of tests/fuzz/set.c, packed directories with real sets, into a directory.  It is run by
 * hand, when the format of sets changes.  Usage: SET_SAMPLES=DIRECTORY set-samples
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/disk.h"
#include "tests/lib/packed.h"
#include "tests/lib/sets.h"
#include <stdio.h>

static const char *where;

static void put(struct disk *disk, const char *name, const void *bytes, size_t len)
{
	struct disk_file *f;

	CHECK_INT(disk_open(disk, name, DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	CHECK_INT(file_write(f, 0, bytes, len), 0);
	file_close(f);
}

static void save(struct disk *disk, const char *name)
{
	struct buf b = { 0 };
	char path[4096];
	FILE *f;

	CHECK_INT(packed_pack(disk, &b), 0);
	(void)snprintf(path, sizeof(path), "%s/%s", where, name);
	f = fopen(path, "wb");
	CHECK(f != NULL && fwrite(b.data, 1, b.len, f) == b.len && fclose(f) == 0);
	buf_done(&b);
}

/* A few values; large: one in segments too. */
static struct db *small_database(bool large)
{
	static uint8_t data[20000];
	const struct db_value values[] = { { U16("a"), 4, data, 4 }, { U16("b"), 3, data, 100 },
		{ U16("c"), 7, data, sizeof(data) } };
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	CHECK_INT(db_key_create(db, U16("Test\\below"), 5, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(values) - !large; i++)
		CHECK_INT(db_value_set(db, U16("Test"), &values[i], 6), 0);
	return db;
}

static void back_up(struct disk *disk, struct db *db, unsigned changes, bool blobs)
{
	struct set_blob two[2];
	struct sets_source s;
	struct sim_disk *medium;
	struct set_info info;
	struct disk *from;

	CHECK_INT(sim_disk_new(1, &medium), 0);
	CHECK_INT(sim_disk_open(medium, "", &from), 0);
	put(from, "blob", "content", 7);
	sets_source_init(&s, db, changes);
	for (uint32_t i = 0; i < 2; i++)
		two[i] = (struct set_blob){ i == 0 ? SET_REGISTRY_CHECKPOINT : SET_CRYPTO_CHECKPOINT,
			{ .bytes = { 1, 2, 3 } }, i + 1, sha256_of("content", 7), from, "blob" };
	s.blobs = two;
	s.blob_count = blobs ? 2 : 0;
	CHECK_INT(set_write(disk, &s.source, 0, &info, NULL), 0);
	sets_source_done(&s);
	db_free(db);
	disk_free(from);
	sim_disk_free(medium);
}

static void sample(const char *name, struct db *db, unsigned changes, bool blobs, void (*spoil)(struct disk *))
{
	struct sim_disk *medium;
	struct disk *disk;

	CHECK_INT(sim_disk_new(1, &medium), 0);
	CHECK_INT(sim_disk_open(medium, "", &disk), 0);
	back_up(disk, db, changes, blobs);
	if (spoil != NULL)
		spoil(disk);
	save(disk, name);
	disk_free(disk);
	sim_disk_free(medium);
}

static void left_overs(struct disk *disk)
{
	put(disk, "chk0002.tmp", "left", 4);
	put(disk, "quolog.new", "over", 4);
	put(disk, "readme.txt", "mine", 4);
}

static void other_case(struct disk *disk)
{
	CHECK_INT(disk_rename(disk, "chk0001.tmp", "CHK0001.TMP"), 0);
	CHECK_INT(disk_rename(disk, "quolog.log", "Quolog.LOG"), 0);
	CHECK_INT(disk_rename(disk, "Clusbackup.dat", "clusbackup.dat"), 0);
}

static void no_marker(struct disk *disk)
{
	CHECK_INT(disk_remove(disk, "Clusbackup.dat"), 0);
}

TEST(the_samples_are_written)
{
	where = getenv("SET_SAMPLES");
	if (where == NULL)
		test_skip("SET_SAMPLES names no directory");
	sample("whole", sets_database(1), 2, false, NULL);
	sample("segments", small_database(true), 0, false, NULL);
	sample("changes", small_database(false), 5, false, NULL);
	sample("blobs", small_database(false), 1, true, NULL);
	sample("left-overs", small_database(false), 0, false, left_overs);
	sample("other-case", small_database(false), 0, false, other_case);
	sample("no-marker", small_database(false), 0, false, no_marker);
}
