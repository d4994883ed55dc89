/* dbhive: the database as a hive, and back.
 *
 * Why      a backup set and a checkpoint hold the database in one form, and both must be read by the same strict code that
 *          a restore relies on.
 * How      writing walks the tree with a stack of its own, in the order that both sides share; reading feeds the hive's
 *          visitor into the database's loader, which enforces every limit again.
 * Promise  dbhive_read(dbhive_write(x)) has the digest of x.  What dbhive_check() takes, dbhive_read() takes.
 * Threads  writing reads a snapshot: any thread.       Tests  tests/unit/dbsize.c, tests/crash/image.c, set.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/dbhive.h"
#include "cluster/db/load.h"
#include "hive/hive.h"

static_assert(DB_KEY_NAME_MAX <= HIVE_KEY_NAME_MAX && DB_VALUE_NAME_MAX <= HIVE_VALUE_NAME_MAX &&
		  DB_DEPTH_MAX <= HIVE_DEPTH_MAX && DB_SECURITY_MAX <= HIVE_SECURITY_MAX,
    "what the database takes, a hive can hold");

/* Writing. */

static int file_sink_write(void *data, uint64_t offset, const void *bytes, size_t len)
{
	return file_write(data, offset, bytes, len);
}

static int file_sink_sync(void *data)
{
	return file_sync(data);
}

static int begin_key(struct hive_writer *w, const struct db_key *key, bool is_root)
{
	struct hive_key k = { .name = is_root ? U16("Cluster") : db_key_name(key), .time = db_key_time(key) };
	int r;

	k.security = db_key_security(key, &k.security_len);
	r = hive_key_begin(w, &k);
	for (size_t i = 0; r == 0 && i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);

		r = hive_value(w, &(struct hive_value){ v.name, v.type, v.data, v.len });
	}
	return r;
}

static int write_tree(struct hive_writer *w, const struct db_key *root)
{
	struct {
		const struct db_key *key;
		size_t next; /* Subkey to be written next. */
	} stack[DB_DEPTH_MAX];
	size_t depth = 1;
	int r = begin_key(w, root, true);

	stack[0].key = root;
	stack[0].next = 0;
	while (r == 0 && depth > 0) {
		const struct db_key *key = stack[depth - 1].key;

		if (stack[depth - 1].next == db_key_count(key)) {
			r = hive_key_end(w);
			depth--;
			continue;
		}
		assert(depth < DB_DEPTH_MAX);
		stack[depth].key = db_key_at(key, stack[depth - 1].next++);
		stack[depth].next = 0;
		r = begin_key(w, stack[depth].key, false);
		depth++;
	}
	return r;
}

int dbhive_write_to(const struct hive_sink *sink, const struct db_key *root, uint64_t filetime, uint64_t *ret_size)
{
	_cleanup_(hive_writer_freep) struct hive_writer *w = NULL;
	uint64_t size;
	int r = hive_writer_new(sink, filetime, &w);

	if (r == 0)
		r = write_tree(w, root);
	if (r == 0)
		r = hive_writer_finish(w, &size);
	if (r == 0 && ret_size != NULL)
		*ret_size = size;
	return r;
}

int dbhive_write(struct disk_file *file, const struct db_key *root, uint64_t filetime, uint64_t *ret_size)
{
	const struct hive_sink sink = { file_sink_write, file_sink_sync, file };

	return dbhive_write_to(&sink, root, filetime, ret_size);
}

/* Into memory. */
static int image_write(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct buf *image = data;
	size_t over = 0;

	if (offset > image->len)
		buf_append_zeros(image, offset - image->len);
	if (image->error == 0 && offset < image->len) {
		over = MIN(len, image->len - offset);
		memcpy(image->data + offset, bytes, over);
	}
	buf_append(image, (const uint8_t *)bytes + over, len - over);
	return image->error;
}

static int image_sync(void *data)
{
	return 0;
}

int dbhive_image(const struct db_snapshot *s, uint64_t filetime, struct buf *image)
{
	const struct hive_sink sink = { image_write, image_sync, image };
	/* The estimate is above the length, and what is not written to takes no memory. */
	int r = buf_reserve(image, db_snapshot_hive_size(s));

	return r == 0 ? dbhive_write_to(&sink, db_snapshot_root(s), filetime, NULL) : r;
}

/* How large it would be: for the story of a full disk. */
static int count_write(void *data, uint64_t offset, const void *bytes, size_t len)
{
	uint64_t *end = data;

	*end = MAX(*end, offset + len);
	return 0;
}

static int count_sync(void *data)
{
	return 0;
}

int dbhive_size(const struct db_key *root, uint64_t *ret)
{
	uint64_t end = 0;
	struct hive_sink sink = { count_write, count_sync, &end };

	return dbhive_write_to(&sink, root, 0, ret);
}

/* Reading. */

static int on_key_begin(void *data, const struct hive_key *key)
{
	return db_load_key_begin(data, key->name, key->time, key->security, key->security_len);
}

static int on_value(void *data, const struct hive_value *value)
{
	return db_load_value(data, &(struct db_value){ value->name, value->type, value->data, value->len });
}

static int on_key_end(void *data)
{
	return db_load_key_end(data);
}

static int feed(const void *bytes, size_t len, struct db_loader *loader, struct error *story)
{
	const struct hive_visitor visitor = { on_key_begin, on_value, on_key_end, loader };

	return hive_read(bytes, len, 0, &visitor, story);
}

static int tell(int r, const struct error *story, struct error *error)
{
	if (r == 0)
		return 0;
	if (story->code != 0)
		return error_set(error, r, "%s", story->text);
	return error_set_code(
	    error, r, r == -ENOMEM ? "cannot read a hive" : "the hive holds what a cluster database cannot");
}

int dbhive_read(const void *bytes, size_t len, struct db **ret, struct error *error)
{
	_cleanup_(db_loader_freep) struct db_loader *loader = NULL;
	struct error story = { 0 };
	int r = db_loader_new(&loader);

	if (r == 0)
		r = feed(bytes, len, loader, &story);
	if (r == 0)
		r = db_loader_finish(loader, ret);
	return tell(r, &story, error);
}

int dbhive_check(const void *bytes, size_t len, struct db_totals *ret, struct error *error)
{
	_cleanup_(db_loader_freep) struct db_loader *loader = NULL;
	struct error story = { 0 };
	int r = db_loader_new_check(&loader);

	if (r == 0)
		r = feed(bytes, len, loader, &story);
	if (r == 0)
		r = db_loader_finish_check(loader, ret);
	return tell(r, &story, error);
}
