/* change: several key and value operations that are carried out together or not at all.
 *
 * Why      an object is more than one key and value, and a half-made object must never be seen, logged or backed up.
 * How      each operation is applied to the head at once and appended to the batch; a snapshot taken at the beginning is
 *          put back if one of them fails.  The error sticks, so that a run of operations is checked once, at the end.
 * Threads  the loop thread.          Tests  tests/unit/object.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/change.h"
#include "cluster/object/object.h"

enum { PATH_MAX_UNITS = 4 * 256, REG_SZ = 1, REG_DWORD = 4, REG_MULTI_SZ = 7 };

struct joined {
	char16_t units[PATH_MAX_UNITS];
	struct u16 path;
};

/* Put the components together; an empty name or one that is too long is the caller's error. */
static bool join(struct change *c, const struct change_path *path, struct joined *ret)
{
	size_t len = 0;

	if (c->error != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(path->component) && path->component[i].len > 0; i++) {
		struct u16 part = path->component[i];

		if (part.len > DB_KEY_NAME_MAX) {
			c->error = ERR_FILENAME_EXCED_RANGE;
			return false;
		}
		if (i > 0)
			ret->units[len++] = '\\';
		for (size_t j = 0; j < part.len; j++)
			ret->units[len++] = part.units[j];
	}
	ret->path = (struct u16){ ret->units, len };
	return true;
}

int change_begin(struct change *c, struct db *db, uint64_t time, struct buf *ret_batch)
{
	assert(ret_batch->len == 0);
	*c = (struct change){ .db = db, .ret_batch = ret_batch, .time = time, .before = db_snapshot_take(db) };
	if (c->before == NULL)
		return -ENOMEM;
	db_batch_begin(&c->batch, time);
	return 0;
}

/* What the database has refused may be beyond what a batch can hold. */
static void add(struct change *c, const struct db_op *op)
{
	if (c->error == 0)
		db_batch_add(&c->batch, op);
}

void change_create_key(struct change *c, struct change_path path)
{
	struct joined j;

	if (!join(c, &path, &j))
		return;
	c->error = db_key_create(c->db, j.path, c->time, NULL);
	add(c, &(struct db_op){ .kind = DB_OP_KEY_CREATE, .path = j.path });
}

void change_delete_key(struct change *c, struct change_path path)
{
	struct joined j;

	if (!join(c, &path, &j))
		return;
	c->error = db_key_delete(c->db, j.path, c->time);
	add(c, &(struct db_op){ .kind = DB_OP_KEY_DELETE, .path = j.path });
}

void change_set(struct change *c, struct change_path path, const struct db_value *value)
{
	struct joined j;

	if (!join(c, &path, &j))
		return;
	c->error = db_value_set(c->db, j.path, value, c->time);
	add(c, &(struct db_op){ .kind = DB_OP_VALUE_SET, .path = j.path, .value = *value });
}

void change_delete_value(struct change *c, struct change_path path, struct u16 name)
{
	struct joined j;

	if (!join(c, &path, &j))
		return;
	c->error = db_value_delete(c->db, j.path, name, c->time);
	add(c, &(struct db_op){ .kind = DB_OP_VALUE_DELETE, .path = j.path, .value = { .name = name } });
}

static void set_buf(struct change *c, struct change_path path, struct u16 name, uint32_t type, struct buf *b)
{
	if (c->error == 0)
		c->error = b->error;
	change_set(c, path, &(struct db_value){ name, type, b->data, b->len });
	buf_done(b);
}

static void append_units(struct buf *b, struct u16 s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_u16(b, s.units[i]);
	buf_u16(b, 0);
}

void change_set_string(struct change *c, struct change_path path, struct u16 name, struct u16 string)
{
	struct buf b = { 0 };

	append_units(&b, string);
	set_buf(c, path, name, REG_SZ, &b);
}

void change_set_number(struct change *c, struct change_path path, struct u16 name, uint32_t number)
{
	struct buf b = { 0 };

	buf_u32(&b, number);
	set_buf(c, path, name, REG_DWORD, &b);
}

/* Rewrite a list without item, and with it at the end if it is to be added. */
static void list_change(struct change *c, struct change_path path, struct u16 name, struct u16 item, bool add)
{
	const struct db_key *key;
	struct buf b = { 0 };
	struct joined j;
	struct u16 old;
	size_t at = 0;

	if (!join(c, &path, &j))
		return;
	key = db_find(db_root(c->db), j.path);
	if (key == NULL) {
		c->error = ERR_FILE_NOT_FOUND;
		return;
	}
	while (object_list_next(key, name, &at, &old))
		if (!u16_equal(old, item))
			append_units(&b, old);
	if (add)
		append_units(&b, item);
	buf_u16(&b, 0);
	set_buf(c, path, name, REG_MULTI_SZ, &b);
}

void change_list_add(struct change *c, struct change_path path, struct u16 name, struct u16 item)
{
	list_change(c, path, name, item, true);
}

void change_list_remove(struct change *c, struct change_path path, struct u16 name, struct u16 item)
{
	list_change(c, path, name, item, false);
}

int change_end(struct change *c)
{
	if (c->error == 0)
		c->error = c->batch.bytes.error;
	if (c->error != 0) {
		db_put_back(c->db, c->before);
	} else if (c->batch.count > 0) {
		*c->ret_batch = c->batch.bytes;
		c->batch.bytes = (struct buf){ 0 };
	}
	db_batch_done(&c->batch);
	db_snapshot_unref(c->before);
	c->before = NULL;
	return c->error;
}
