/* fuzz set: any bytes are a directory (tests/lib/packed.h).  As a backup set it is refused with a reason, or it holds a
 * database that can be shown, compared and written again; and a backup into it succeeds with a whole set, or leaves the
 * set that was there whole.  Files of others stay as they were.  The directory is tried as it is and with all checksums,
 * sizes and digests put right, so that the fuzzer need not find those.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/dbhive.h"
#include "backup/manifest.h"
#include "sim/disk.h"
#include "tests/lib/packed.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A backup of our own: one key with one value. */
struct own {
	struct set_source source;
	struct db *db;
};

static int give_tail(void *data, struct set_tail *ret)
{
	struct own *own = data;

	*ret = (struct set_tail){ .index = own->source.snapshot_index, .digest = db_digest(own->db) };
	return 0;
}

static int may_commit(void *data)
{
	return 0;
}

static void own_init(struct own *own)
{
	const struct db_value v = { U16("name"), 3, (const uint8_t *)"data", 4 };

	*own = (struct own){ .source = { .snapshot_index = 7, .tail = give_tail, .may_commit = may_commit } };
	assert(db_new(&own->db) == 0 && db_key_create(own->db, U16("Own"), 1, NULL) == 0);
	assert(db_value_set(own->db, U16("Own"), &v, 2) == 0);
	own->source.snapshot = db_snapshot_take(own->db);
	assert(own->source.snapshot != NULL);
	own->source.data = own;
}

static void own_done(struct own *own)
{
	db_snapshot_unref(own->source.snapshot);
	db_free(own->db);
}

/* Each side that a difference shows can be read. */
static int on_difference(void *data, const struct set_difference *d)
{
	const struct db_value *values[] = { d->old_value, d->new_value };
	const struct db_key *keys[] = { d->old_key, d->new_key };
	uint64_t *count = data;

	assert(d->old_key != NULL || d->new_key != NULL);
	for (size_t i = 0; i < d->path.len; i++)
		*(volatile const char16_t *)&d->path.units[i];
	for (size_t side = 0; side < 2; side++) {
		assert(values[side] == NULL || (d->is_value && keys[side] != NULL));
		for (size_t i = 0; values[side] != NULL && i < values[side]->len; i++)
			*(volatile const uint8_t *)&values[side]->data[i];
	}
	(*count)++;
	return 0;
}

/* What was read can be written again, and is the same. */
static void check_rewrite(struct disk *disk, const struct set *s)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	_cleanup_(db_freep) struct db *again = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct digest digest, expected = db_digest_recomputed(db_root(s->db));
	uint64_t size;
	size_t len;

	assert(digest_equal(&expected, &s->info.digest));
	assert(disk_open(disk, "again", DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, 0600, &f) == 0);
	assert(dbhive_write(f, db_root(s->db), 1, &size) == 0);
	assert(disk_read_file(disk, "again", size, &bytes, &len) == 0 && len == size);
	assert(dbhive_read(bytes, len, &again, NULL) == 0);
	digest = db_digest(again);
	assert(digest_equal(&digest, &expected));
	assert(disk_remove(disk, "again") == 0);
}

static void check_set(struct disk *disk, const struct set *s, const struct own *own)
{
	uint64_t one_way = 0, back = 0, same = 0;

	for (size_t i = 0; i < s->file_count; i++) {
		uint8_t *bytes;
		size_t len;

		assert(set_read_file(disk, &s->files[i], &bytes, &len, NULL) == 0 && len == s->files[i].size);
		free(bytes);
	}
	assert(set_diff(s->db, own->db, on_difference, &one_way) == 0);
	assert(set_diff(own->db, s->db, on_difference, &back) == 0);
	assert(set_diff(s->db, s->db, on_difference, &same) == 0);
	assert(one_way == back && same == 0);
	check_rewrite(disk, s);
}

/* Whatever is read as a hive, a check takes, and as the same; it refuses the rest. */
static void check_hive(struct disk *disk, const char *name)
{
	_cleanup_(db_freep) struct db *db = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct db_totals totals;
	struct digest digest;
	size_t len;
	int r;

	if (disk_read_file(disk, name, SIZE_MAX / 2, &bytes, &len) < 0)
		return;
	r = dbhive_read(bytes, len, &db, NULL);
	assert(dbhive_check(bytes, len, &totals, NULL) == r);
	if (r < 0)
		return;
	digest = db_digest(db);
	assert(digest_equal(&totals.digest, &digest) && totals.hive_size == db_hive_size(db));
}

/* Is this the name of a file that a set has, however it is written? */
static bool is_ours(const char *name)
{
	return manifest_name_kind(name) != NAME_FOREIGN || strcasecmp(name, "quolog.log") == 0 ||
	       strcmp(name, "quolog.new") == 0 || strcasecmp(name, "Clusbackup.dat") == 0;
}

/* The content of all the files of others, one after the other. */
static struct digest of_others(struct disk *disk, const struct packed_file *files, size_t count)
{
	struct buf all = { 0 };
	struct digest digest;

	for (size_t i = 0; i < count; i++) {
		uint8_t *bytes;
		size_t len;

		if (is_ours(files[i].name) || disk_read_file(disk, files[i].name, SIZE_MAX / 2, &bytes, &len) < 0)
			continue;
		buf_append(&all, files[i].name, strlen(files[i].name) + 1);
		buf_u64(&all, len);
		buf_append(&all, bytes, len);
		free(bytes);
	}
	assert(all.error == 0);
	digest = sha256_of(all.data, all.len);
	buf_done(&all);
	return digest;
}

/* A backup into the directory, which holds a set with this digest, or none (NULL). */
static void check_write(struct disk *disk, const struct own *own, const struct digest *before)
{
	struct set_info *info = calloc(2, sizeof(*info));
	struct error error = { 0 };
	struct digest expected = db_digest(own->db);
	int r;

	assert(info != NULL);
	r = set_write(disk, &own->source, 0, &info[0], &error);
	if (r == 0) {
		assert(set_verify(disk, &info[1], NULL) == 0 && digest_equal(&info[1].digest, &expected));
	} else {
		assert(error.text[0] != 0);
		if (before != NULL)
			assert(set_verify(disk, &info[1], NULL) == 0 && digest_equal(&info[1].digest, before));
	}
	free(info);
}

static void check_directory(const struct packed_file *files, size_t count)
{
	_cleanup_(set_freep) struct set *s = NULL;
	struct digest others, others_after, digest;
	struct sim_disk *medium;
	struct error error = { 0 };
	struct disk *disk;
	struct own own;
	int r;

	assert(sim_disk_new(1, &medium) == 0 && sim_disk_open(medium, "", &disk) == 0);
	packed_unpack(files, count, disk);
	own_init(&own);
	r = set_read(disk, &s, &error);
	assert(r == 0 || (error.text[0] != 0 && (r == ERR_DATABASE_BACKUP_CORRUPT || r == ERR_NOT_SUPPORTED)));
	if (r == 0) {
		check_set(disk, s, &own);
		digest = s->info.digest;
	}
	for (size_t i = 0; i < count; i++)
		check_hive(disk, files[i].name);
	others = of_others(disk, files, count);
	check_write(disk, &own, r == 0 ? &digest : NULL);
	others_after = of_others(disk, files, count);
	assert(digest_equal(&others, &others_after));
	own_done(&own);
	disk_free(disk);
	sim_disk_free(medium);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct packed_file *files = calloc(PACKED_FILES_MAX, sizeof(*files));
	uint8_t *bytes = malloc(len + 1);
	size_t count;

	assert(files != NULL && bytes != NULL);
	memcpy(bytes, data, len);
	count = packed_split(bytes, len, files);
	check_directory(files, count);
	packed_mend(files, count);
	check_directory(files, count);
	free(bytes);
	free(files);
	return 0;
}
