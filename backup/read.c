/* read: a backup set read back, strictly: what verify proves and restore relies on.
 *
 * How      quolog.log tells what the set consists of; every file that the manifest names is read whole and compared with
 *          its length and SHA-256; the snapshot is read by the strict hive reader; the batches behind it are applied; and
 *          the digest of the database that comes out must be the one that the cluster had at that index.
 *          A set that has just been written is proven by the same steps, past the cache.  Its snapshot is compared with the
 *          image that it was written from, which image.c has put through the hive reader and the database's limits; the digest
 *          of that must be that of the snapshot in memory, on which the batches are then tried.
 * Promise  success means: this is the database of index I, and every checkpoint blob is as it was written.
 * Names    are found whatever their case: sets travel over file systems that fold it.
 * Memory   the snapshot and the database are held at once; in a proof the image, and not a second database.
 * Threads  any, one at a time per set; the snapshot is hashed on one more while it is read.
 * Format   docs/formats/backup-set.md      Tests  tests/crash/set.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/dbhive.h"
#include "backup/internal.h"
#include "cluster/db/batch.h"
#include "quolog/reader.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LOG_FILE_MAX = 256 << 20 };

/* Names. */

struct name_search {
	const char *name;
	char found[DISK_NAME_MAX + 1];
	bool any;
};

static int match_name(void *data, const char *name, enum disk_kind kind)
{
	struct name_search *s = data;

	if (!s->any && strcasecmp(name, s->name) == 0) {
		s->any = true;
		memcpy(s->found, name, strlen(name) + 1);
	}
	return 0;
}

/* One component below an existing directory. */
static int find_component(struct disk *directory, const char *parent, const char *name, char ret[SET_PATH_MAX])
{
	struct name_search s = { .name = name };
	struct disk_stat stat;
	int len = snprintf(ret, SET_PATH_MAX, "%s%s%s", parent, *parent != 0 ? "/" : "", name), r;

	if (len < 0 || len >= SET_PATH_MAX)
		return -ENAMETOOLONG;
	r = disk_stat(directory, ret, &stat);
	if (r != -ENOENT)
		return r;
	r = disk_list(directory, parent, match_name, &s);
	if (r < 0)
		return r;
	if (!s.any)
		return -ENOENT;
	len = snprintf(ret, SET_PATH_MAX, "%s%s%s", parent, *parent != 0 ? "/" : "", s.found);
	return len < SET_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int set_find_name(struct disk *directory, const char *name, char ret[SET_PATH_MAX])
{
	const char *slash = strchr(name, '/');
	char first[MANIFEST_NAME_MAX], parent[SET_PATH_MAX];
	int r;

	if (slash == NULL)
		return find_component(directory, "", name, ret);
	assert((size_t)(slash - name) < sizeof(first));
	memcpy(first, name, (size_t)(slash - name));
	first[slash - name] = 0;
	r = find_component(directory, "", first, parent);
	return r < 0 ? r : find_component(directory, parent, slash + 1, ret);
}

/* The whole file, from the medium if asked. */
static int read_file(struct disk *directory, const char *name, size_t max, bool drop_caches, uint8_t **ret,
    size_t *ret_len, struct error *error)
{
	char path[SET_PATH_MAX];
	int r = set_find_name(directory, name, path);

	if (r == 0 && drop_caches) {
		_cleanup_(file_closep) struct disk_file *f = NULL;

		if (disk_open(directory, path, DISK_READ, 0, &f) == 0)
			(void)file_drop_cache(f);
	}
	if (r == 0)
		r = disk_read_file(directory, path, max, ret, ret_len);
	if (r == -ENOENT)
		return error_set(error, ERR_DATABASE_BACKUP_CORRUPT, "%s is missing", name);
	if (r == -EFBIG)
		return error_set(
		    error, ERR_DATABASE_BACKUP_CORRUPT, "%s is larger than the set was written with", name);
	if (r < 0)
		return error_set_code(error, r, "cannot read %s", name);
	return 0;
}

static int read_sized(
    struct disk *directory, const char *name, uint64_t size, bool drop_caches, uint8_t **ret, struct error *error)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t len;
	int r = read_file(directory, name, size, drop_caches, &bytes, &len, error);

	if (r < 0)
		return r;
	if (len != size)
		return error_set(error, ERR_DATABASE_BACKUP_CORRUPT,
		    "%s has %zu bytes, not the %" PRIu64 " that the set was written with", name, len, size);
	*ret = TAKE_PTR(bytes);
	return 0;
}

static int check_digest(
    const char *name, const struct digest *digest, const struct digest *expected, struct error *error)
{
	if (digest_equal(digest, expected))
		return 0;
	return error_set(
	    error, ERR_DATABASE_BACKUP_CORRUPT, "%s is not what the set was written with (its SHA-256 differs)", name);
}

static int read_checked(struct disk *directory, const char *name, uint64_t size, const struct digest *expected,
    bool drop_caches, uint8_t **ret, size_t *ret_len, struct error *error)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct digest digest;
	int r = read_sized(directory, name, size, drop_caches, &bytes, error);

	if (r < 0)
		return r;
	digest = sha256_of(bytes, size);
	r = check_digest(name, &digest, expected, error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(bytes);
	*ret_len = size;
	return 0;
}

/* The log. */

struct log_content {
	struct quolog_header *header; /* NULL: not wanted. */
	struct manifest manifest;
	/* The batches, borrowed from the log's bytes. */
	struct set_batch *batches;
	size_t batch_count;
};

static int on_header(void *data, const struct quolog_header *header)
{
	struct log_content *c = data;

	if (c->header != NULL)
		*c->header = *header;
	return 0;
}

static int on_batch(void *data, uint64_t index, const uint8_t *bytes, size_t len)
{
	struct log_content *c = data;

	if ((c->batch_count & (c->batch_count - 1)) == 0) {
		struct set_batch *batches = realloc(c->batches, MAX(c->batch_count * 2, (size_t)1) * sizeof(*batches));

		if (batches == NULL)
			return -ENOMEM;
		c->batches = batches;
	}
	c->batches[c->batch_count++] = (struct set_batch){ index, bytes, len };
	return 0;
}

static int on_manifest(void *data, const uint8_t *bytes, size_t len)
{
	struct log_content *c = data;

	return manifest_decode(bytes, len, &c->manifest);
}

static void log_content_done(struct log_content *c)
{
	manifest_done(&c->manifest);
	free(c->batches);
}

static int read_log(struct disk *directory, const char *log, bool drop_caches, struct log_content *c,
    uint8_t **ret_bytes, size_t *ret_len, struct error *error)
{
	const struct quolog_visitor visitor = { on_header, on_batch, on_manifest, c };
	struct error story = { 0 };
	int r = read_file(directory, log, LOG_FILE_MAX, drop_caches, ret_bytes, ret_len, error);

	if (r < 0)
		return r;
	r = quolog_read(*ret_bytes, *ret_len, &visitor, &story);
	if (r == 0 || r == -ENOMEM)
		return r;
	if (r == ERR_NOT_SUPPORTED)
		return error_set(error, r, "%s: %s", log, story.text);
	return error_set(error, ERR_DATABASE_BACKUP_CORRUPT, "%s is damaged: %s", log,
	    story.code != 0 ? story.text : "its manifest cannot be read");
}

int set_read_manifest(struct disk *directory, const char *log, struct quolog_header *ret_header, struct manifest *ret,
    struct error *error)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct log_content c = { .header = ret_header };
	size_t len;
	int r = read_log(directory, log, false, &c, &bytes, &len, error);

	if (r == 0) {
		*ret = c.manifest;
		c.manifest = (struct manifest){ 0 };
	}
	log_content_done(&c);
	return r;
}

int set_compare_files(struct disk *directory, const struct manifest *m, struct error *error)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->count; i++) {
		const struct manifest_file *f = &m->files[i];
		_cleanup_free_ uint8_t *bytes = NULL;
		size_t len;

		r = read_checked(directory, f->name, f->size, &f->digest, false, &bytes, &len, error);
	}
	return r;
}

/* The database: the snapshot, and the batches behind it. */

struct hashing {
	const uint8_t *bytes;
	size_t len;
	struct digest digest;
};

static void hash(void *data)
{
	struct hashing *h = data;

	h->digest = sha256_of(h->bytes, h->len);
}

/* The reader takes any bytes, so it need not wait until they are known to be those of the set. */
static int read_snapshot(struct disk *directory, const struct manifest_file *f, struct db **ret, struct error *error)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_(db_freep) struct db *db = NULL;
	struct error story = { 0 };
	struct hashing hashing;
	struct beside beside;
	int r = read_sized(directory, f->name, f->size, false, &bytes, error), hash_r;

	if (r < 0)
		return r;
	hashing = (struct hashing){ .bytes = bytes, .len = f->size };
	beside_begin(&beside, hash, &hashing);
	r = dbhive_read(bytes, f->size, &db, &story);
	beside_end(&beside);
	hash_r = check_digest(f->name, &hashing.digest, &f->digest, error);
	if (hash_r < 0)
		return hash_r;
	if (r < 0)
		return error_set(error, r == -ENOMEM ? r : ERR_DATABASE_BACKUP_CORRUPT, "%s: %s", f->name, story.text);
	*ret = TAKE_PTR(db);
	return 0;
}

/* The medium holds the image, and the manifest says so. */
static int compare_snapshot(
    struct disk *directory, const struct manifest_file *f, struct image *image, struct error *error)
{
	_cleanup_(file_closep) struct disk_file *file = NULL;
	struct digest digest = image_digest(image);
	char path[SET_PATH_MAX];
	int r = set_find_name(directory, f->name, path);

	if (r == 0)
		r = disk_open(directory, path, DISK_READ, 0, &file);
	if (r == 0) {
		(void)file_drop_cache(file);
		r = image_compare(image, file);
	}
	if (r < 0)
		return error_set_code(error, r, "cannot read %s", f->name);
	if (r > 0 || f->size != image->bytes.len || !digest_equal(&f->digest, &digest))
		return error_set(error, ERR_DATABASE_BACKUP_CORRUPT, "%s is not what was written", f->name);
	return 0;
}

/* The medium holds the snapshot that is in memory, and a restore would take it. */
static int prove_snapshot(struct disk *directory, const struct manifest_file *f, const struct set_written *written,
    struct db **ret, struct error *error)
{
	struct digest digest = db_snapshot_digest(written->snapshot);
	struct error story = { 0 };
	struct db_totals totals;
	int r = compare_snapshot(directory, f, written->image, error);

	if (r < 0)
		return r;
	r = image_totals(written->image, &totals, &story);
	if (r < 0)
		return error_set(error, r == -ENOMEM ? r : ERR_DATABASE_BACKUP_CORRUPT, "%s: %s", f->name, story.text);
	if (!digest_equal(&totals.digest, &digest))
		return error_set(error, ERR_DATABASE_BACKUP_CORRUPT, "%s is another database", f->name);
	r = db_new_from(written->snapshot, ret);
	return r < 0 ? error_set_code(error, r, "cannot prove the set") : 0;
}

static int read_database(struct disk *directory, const struct log_content *c, const struct set_written *written,
    struct db **ret, struct error *error)
{
	const struct manifest_file *f = &c->manifest.files[0];
	_cleanup_(db_freep) struct db *db = NULL;
	struct error story = { 0 };
	struct digest digest;
	int r = written != NULL ? prove_snapshot(directory, f, written, &db, error)
				: read_snapshot(directory, f, &db, error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->batch_count; i++) {
		r = db_batch_apply(db, c->batches[i].bytes, c->batches[i].len, &story);
		if (r < 0)
			return error_set(error, r == -ENOMEM ? r : ERR_DATABASE_BACKUP_CORRUPT,
			    "the change of index %" PRIu64 " in the log does not fit the snapshot: %s",
			    c->batches[i].index, story.text);
	}
	digest = db_digest(db);
	if (!digest_equal(&digest, &c->manifest.database))
		return error_set(error, ERR_DATABASE_BACKUP_CORRUPT,
		    "snapshot and log together do not give the database that was backed up");
	*ret = TAKE_PTR(db);
	return 0;
}

static void count_entries(const struct db_key *key, struct set_info *info)
{
	/* Depth is bounded by DB_DEPTH_MAX. */
	info->key_count++;
	info->value_count += db_value_count(key);
	for (size_t i = 0; i < db_key_count(key); i++)
		count_entries(db_key_at(key, i), info);
}

static int take_files(struct set *s, const struct manifest *m)
{
	s->files = calloc(m->count, sizeof(*s->files));
	if (s->files == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m->count; i++) {
		const struct manifest_file *f = &m->files[i];
		struct set_file *to = &s->files[s->file_count++];

		static_assert(sizeof(to->name) == MANIFEST_NAME_MAX, "the same names");
		memcpy(to->name, f->name, sizeof(to->name));
		to->size = f->size;
		to->digest = f->digest;
		to->is_blob = f->is_blob;
		to->kind = f->kind;
		to->resource = f->resource;
		to->number = f->number;
		s->info.bytes += f->size;
		s->info.blob_count += f->is_blob;
	}
	memcpy(s->info.snapshot_name, s->files[0].name, sizeof(s->info.snapshot_name) - 1);
	return 0;
}

int set_read_through(
    struct disk *directory, const char *log, const struct set_written *written, struct set **ret, struct error *error)
{
	bool drop_caches = written != NULL;
	_cleanup_(set_freep) struct set *s = calloc(1, sizeof(*s));
	_cleanup_free_ uint8_t *log_bytes = NULL;
	char marker[SET_PATH_MAX];
	struct log_content c = { 0 };
	size_t len;
	int r;

	if (s == NULL)
		return error_set_code(error, -ENOMEM, "cannot read the set");
	c.header = &s->info.header;
	r = read_log(directory, log, drop_caches, &c, &log_bytes, &len, error);
	if (r == 0)
		r = read_database(directory, &c, written, &s->db, error);
	if (r == 0)
		r = take_files(s, &c.manifest);
	for (size_t i = 1; r == 0 && i < s->file_count; i++) {
		_cleanup_free_ uint8_t *blob = NULL;
		size_t blob_len;

		r = read_checked(directory, s->files[i].name, s->files[i].size, &s->files[i].digest, drop_caches, &blob,
		    &blob_len, error);
	}
	if (r == 0) {
		int marker_r = set_find_name(directory, SET_MARKER, marker);

		s->info.marker = marker_r == 0;
		if (set_was_given_up(marker_r))
			r = error_set_code(error, marker_r, "cannot look for " SET_MARKER);
	}
	if (r == 0) {
		s->info.digest = c.manifest.database;
		s->info.batch_count = c.batch_count;
		s->info.bytes += len;
		count_entries(db_root(s->db), &s->info);
		*ret = TAKE_PTR(s);
	}
	log_content_done(&c);
	return r;
}

int set_read(struct disk *directory, struct set **ret, struct error *error)
{
	_cleanup_(set_freep) struct set *s = NULL;
	char marker[SET_PATH_MAX], log[SET_PATH_MAX];
	int r = set_find_name(directory, SET_MARKER, marker);

	if (r == -ENOENT && set_find_name(directory, SET_LOG, log) == -ENOENT)
		return error_set(error, ERR_DATABASE_BACKUP_CORRUPT,
		    "there is no backup set in the directory: neither " SET_LOG " nor " SET_MARKER " is there");
	if (r == -ENOENT)
		return error_set(error, ERR_DATABASE_BACKUP_CORRUPT,
		    "the set is not complete: its marker " SET_MARKER
		    " is missing, so the backup never finished, or the "
		    "marker was lost when the set was copied");
	if (r < 0)
		return error_set_code(error, r, "cannot look into the directory");
	r = set_read_through(directory, SET_LOG, NULL, &s, error);
	if (r == 0)
		*ret = TAKE_PTR(s);
	else if (r != -ENOMEM && r != ERR_NOT_SUPPORTED && !set_was_given_up(r))
		r = ERR_DATABASE_BACKUP_CORRUPT; /* What cannot be read cannot be restored; the story says why. */
	return r;
}

int set_verify(struct disk *directory, struct set_info *ret, struct error *error)
{
	_cleanup_(set_freep) struct set *s = NULL;
	int r = set_read(directory, &s, error);

	if (r == 0)
		*ret = s->info;
	return r;
}

int set_read_file(
    struct disk *directory, const struct set_file *file, uint8_t **ret, size_t *ret_len, struct error *error)
{
	return read_checked(directory, file->name, file->size, &file->digest, false, ret, ret_len, error);
}

void set_free(struct set *s)
{
	if (s == NULL)
		return;
	db_free(s->db);
	free(s->files);
	free(s);
}
