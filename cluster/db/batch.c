/* batch: the database batch, the form in which changes of the database travel.
 *
 * Why      a command says what somebody wants; what it comes to depends on the state, and on rules that later versions
 *          may change.  So apply writes down what it did in the simplest terms: keys and values by their whole paths.
 *          These bytes repeat the change on any copy of that state, for ever: in the quorum log of a backup set, and
 *          wherever the next change is needed without the machinery that decided it.
 * How      a version, the time, and operations one after the other.  A path is written as the number of units that it
 *          shares with the one before and the rest, so that a thousand values of one key do not repeat it.
 * Promise  the same operations give the same bytes; reading checks every bound and every limit; apply is all or nothing.
 * Threads  one for each object.         Limits  DB_BATCH_MAX, and those of db.h.
 * Format   docs/formats/batch.md        Tests  tests/unit/dbbatch.c, tests/fuzz/dbbatch.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/batch.h"
#include "cluster/db/path.h"

enum { VERSION = 1 };

void db_batch_begin(struct db_batch *b, uint64_t time)
{
	*b = (struct db_batch){ 0 };
	buf_u32(&b->bytes, VERSION);
	buf_u64(&b->bytes, time);
}

void db_batch_done(struct db_batch *b)
{
	buf_done(&b->bytes);
	buf_done(&b->path);
}

static void put_units(struct buf *out, struct u16 s)
{
	if (buf_reserve(out, s.len * sizeof(s.units[0])) < 0)
		return;
	for (size_t i = 0; i < s.len; i++)
		put_le16(out->data + out->len + 2 * i, s.units[i]);
	out->len += 2 * s.len;
}

static void put_path(struct db_batch *b, struct u16 path)
{
	const char16_t *before = (const char16_t *)(const void *)b->path.data;
	size_t limit = MIN(path.len, b->path.len / sizeof(char16_t)), shared = 0;

	assert(path.len <= DB_PATH_MAX);
	while (shared < limit && path.units[shared] == before[shared])
		shared++;
	buf_u16(&b->bytes, (uint16_t)shared);
	buf_u16(&b->bytes, (uint16_t)(path.len - shared));
	b->path.len = shared * sizeof(char16_t);
	if (path.len > shared) {
		put_units(&b->bytes, (struct u16){ path.units + shared, path.len - shared });
		buf_append(&b->path, path.units + shared, (path.len - shared) * sizeof(char16_t));
	}
	if (b->path.error < 0)
		b->bytes.error = b->path.error;
}

static void put_name(struct buf *out, struct u16 name)
{
	assert(name.len <= DB_VALUE_NAME_MAX);
	buf_u16(out, (uint16_t)name.len);
	put_units(out, name);
}

void db_batch_add(struct db_batch *b, const struct db_op *op)
{
	buf_u8(&b->bytes, (uint8_t)op->kind);
	put_path(b, op->path);
	switch (op->kind) {
	case DB_OP_KEY_CREATE:
	case DB_OP_KEY_DELETE:
		break;
	case DB_OP_SET_SECURITY:
		assert(op->security_len <= DB_SECURITY_MAX);
		buf_u16(&b->bytes, (uint16_t)op->security_len);
		buf_append(&b->bytes, op->security, op->security_len);
		break;
	case DB_OP_VALUE_SET:
		assert(op->value.len <= DB_VALUE_MAX);
		put_name(&b->bytes, op->value.name);
		buf_u32(&b->bytes, op->value.type);
		buf_u32(&b->bytes, (uint32_t)op->value.len);
		buf_append(&b->bytes, op->value.data, op->value.len);
		break;
	case DB_OP_VALUE_DELETE:
		put_name(&b->bytes, op->value.name);
		break;
	}
	b->count++;
}

int db_batch_reader_init(struct db_batch_reader *r, const void *bytes, size_t len, struct error *error)
{
	_cleanup_free_ char16_t *path = NULL, *name = NULL;
	struct cursor c = cursor_make(bytes, len);
	uint32_t version = cursor_u32(&c);
	uint64_t time = cursor_u64(&c);

	if (len > DB_BATCH_MAX)
		return error_set(error, ERR_INVALID_DATA, "a database batch of %zu bytes is too long", len);
	if (c.error < 0)
		return error_set(error, ERR_INVALID_DATA, "a database batch of %zu bytes is too short", len);
	if (version != VERSION)
		return error_set(error, ERR_INVALID_DATA, "a database batch of version %u is not known here", version);
	path = malloc((DB_PATH_MAX + 1) * sizeof(*path));
	name = malloc((DB_VALUE_NAME_MAX + 1) * sizeof(*name));
	if (path == NULL || name == NULL)
		return -ENOMEM;
	*r = (struct db_batch_reader){ .cursor = c, .time = time, .path = TAKE_PTR(path), .name = TAKE_PTR(name) };
	return 0;
}

void db_batch_reader_done(struct db_batch_reader *r)
{
	free(r->path);
	free(r->name);
	r->path = r->name = NULL;
}

/* Read len units to a place that has room for them. */
static void get_units(struct cursor *c, size_t len, char16_t *units)
{
	const uint8_t *bytes = cursor_bytes(c, 2 * len);

	for (size_t i = 0; bytes != NULL && i < len; i++)
		units[i] = get_le16(bytes + 2 * i);
}

static int get_path(struct db_batch_reader *r)
{
	size_t shared = cursor_u16(&r->cursor), more = cursor_u16(&r->cursor);

	if (shared > r->op.path.len || shared + more > DB_PATH_MAX)
		return ERR_INVALID_DATA;
	get_units(&r->cursor, more, r->path + shared);
	r->op.path = (struct u16){ r->path, shared + more };
	return r->cursor.error == 0 && path_check(r->op.path) == 0 ? 0 : ERR_INVALID_DATA;
}

static int get_name(struct db_batch_reader *r)
{
	size_t len = cursor_u16(&r->cursor);

	if (len > DB_VALUE_NAME_MAX)
		return ERR_INVALID_DATA;
	get_units(&r->cursor, len, r->name);
	r->op.value.name = (struct u16){ r->name, len };
	return r->cursor.error == 0 ? 0 : ERR_INVALID_DATA;
}

static int get_op(struct db_batch_reader *r)
{
	struct db_op *op = &r->op;
	int e;

	*op = (struct db_op){ .kind = cursor_u8(&r->cursor), .path = op->path };
	e = get_path(r);
	if (e < 0)
		return e;
	switch (op->kind) {
	case DB_OP_KEY_CREATE:
	case DB_OP_KEY_DELETE:
		break;
	case DB_OP_SET_SECURITY:
		op->security_len = cursor_u16(&r->cursor);
		op->security = cursor_bytes(&r->cursor, op->security_len);
		break;
	case DB_OP_VALUE_SET:
		e = get_name(r);
		op->value.type = cursor_u32(&r->cursor);
		op->value.len = cursor_u32(&r->cursor);
		if (e < 0 || op->value.len > DB_VALUE_MAX)
			return ERR_INVALID_DATA;
		op->value.data = cursor_bytes(&r->cursor, op->value.len);
		break;
	case DB_OP_VALUE_DELETE:
		e = get_name(r);
		break;
	default:
		return ERR_INVALID_DATA;
	}
	return e < 0 || r->cursor.error < 0 ? ERR_INVALID_DATA : 0;
}

int db_batch_next(struct db_batch_reader *r, struct error *error)
{
	size_t at = r->cursor.pos;
	int e;

	if (cursor_left(&r->cursor) == 0)
		return 0;
	e = get_op(r);
	if (e < 0)
		return error_set(
		    error, e, "operation %zu of a database batch (at byte %zu) is damaged", r->count + 1, at);
	r->count++;
	return 1;
}

static int apply_op(struct db *db, const struct db_op *op, uint64_t time)
{
	switch (op->kind) {
	case DB_OP_KEY_CREATE:
		return db_key_create(db, op->path, time, NULL);
	case DB_OP_KEY_DELETE:
		return db_key_delete(db, op->path, time);
	case DB_OP_SET_SECURITY:
		return db_key_set_security(db, op->path, op->security, op->security_len, time);
	case DB_OP_VALUE_SET:
		return db_value_set(db, op->path, &op->value, time);
	case DB_OP_VALUE_DELETE:
		return db_value_delete(db, op->path, op->value.name, time);
	}
	assert(false);
	return ERR_INVALID_DATA;
}

static int apply_all(struct db *db, struct db_batch_reader *r, struct error *error)
{
	int e;

	while ((e = db_batch_next(r, error)) > 0) {
		e = apply_op(db, &r->op, r->time);
		if (e < 0)
			return error_set_code(
			    error, e, "operation %zu of a database batch does not fit the database", r->count);
	}
	return e;
}

int db_batch_apply(struct db *db, const void *bytes, size_t len, struct error *error)
{
	_cleanup_(db_snapshot_unrefp) struct db_snapshot *before = db_snapshot_take(db);
	struct db_batch_reader r;
	int e;

	if (before == NULL)
		return -ENOMEM;
	e = db_batch_reader_init(&r, bytes, len, error);
	if (e < 0)
		return e;
	e = apply_all(db, &r, error);
	db_batch_reader_done(&r);
	if (e < 0)
		db_put_back(db, before);
	return e;
}
