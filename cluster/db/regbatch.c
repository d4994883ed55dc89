/* regbatch: registry batches of the API, carried out or refused as a whole, and read batches.
 *
 * Why      a batch is how programs change several values at once, and how this service itself logs any change that a
 *          client asks for; every node evaluates the same bytes against the same state and must come to the same.
 * How      the commands (wire/regbuf.h) are taken one after the other, each seeing what those before it did; a snapshot
 *          takes everything back when one fails.  There is a *current key*: first the base key, which is the one whose
 *          handle the batch was made with; CREATE_KEY sets it, DELETE_KEY clears it until the next CREATE_KEY.
 *          The paths of CREATE_KEY, DELETE_KEY and the conditions on keys are relative to the base key, always: the
 *          protocol's text has it both ways, the API's pages only this one.  An empty path is the base key itself, which
 *          a batch cannot delete.
 *          What was done goes into a database batch; keys that existed already and deletions of what was not there leave
 *          nothing in it.
 *
 * Conditions hold or fail with the state that the commands before them left.  IS_EQUAL and the like compare the bytes of
 *          the value with the command's; types are not looked at, except that GREATER and LESS compare stored integers
 *          of 4 or 8 bytes as numbers, and anything else byte by byte, shorter first.  A value that is not there fails
 *          all four.
 * Security SET_KEY_SECURITY gives the current key the parts of the descriptor that the command's type, taken as
 *          SECURITY_INFORMATION, names; 0 names all that a key has.
 * Notification  the applied commands in their order, with VALUE_DELETED and the old value before each command that
 *          replaces or deletes one.  Conditions, control commands and security do not appear.
 * Promise  pure: the same state, bytes and time give the same result on every node.
 * Threads  the one of the head; reading: any.         Limits  DB_BATCH_MAX, DB_NOTIFICATION_MAX, DB_READ_REPLY_MAX.
 * Format   docs/formats/registry-batch.md             Tests  tests/unit/dbregbatch.c, tests/fuzz/dbregbatch.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/regbatch.h"
#include "cluster/db/batch.h"
#include "cluster/db/path.h"
#include "cluster/db/sd.h"
#include "wire/regbuf.h"

enum { CONTROL_FLAGS = 3 }; /* Write to all nodes; isolate reads: both are always so. */

struct evaluation {
	struct db *db;
	struct u16 base;
	uint64_t time;
	unsigned flags;
	const struct regbuf_command *command;
	char16_t *current_units, *other_units; /* DB_PATH_MAX each. */
	struct u16 current;                    /* The path of the current key. */
	bool has_current, created;
	struct db_batch done;
	struct buf notification;
	bool notification_lost;
};

void db_regbatch_result_done(struct db_regbatch_result *r)
{
	buf_done(&r->batch);
	buf_done(&r->notification);
}

/* The path of a key below another one, in units. */
static int join(struct u16 base, struct u16 below, char16_t *units, struct u16 *ret)
{
	size_t between = base.len > 0 && below.len > 0 ? 1 : 0;

	if (base.len + between + below.len > DB_PATH_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	if (base.len > 0)
		memcpy(units, base.units, base.len * sizeof(units[0]));
	if (between > 0)
		units[base.len] = u'\\';
	if (below.len > 0)
		memcpy(units + base.len + between, below.units, below.len * sizeof(units[0]));
	*ret = (struct u16){ units, base.len + between + below.len };
	return path_check(*ret);
}

static void notify(struct evaluation *e, const struct regbuf_command *command)
{
	if (!e->notification_lost && (e->flags & DB_REGBATCH_CALL) == 0)
		regbuf_add(&e->notification, command);
	if (e->notification.len > DB_NOTIFICATION_MAX) {
		buf_done(&e->notification);
		e->notification_lost = true;
	}
}

/* Say what the value was, if it was, and what is done to it. */
static void notify_value(struct evaluation *e, bool existed, const struct db_value *old)
{
	if (existed)
		notify(e, &(struct regbuf_command){ .kind = REGBUF_VALUE_DELETED,
			      .type = old->type,
			      .name = old->name,
			      .data = old->data,
			      .len = old->len });
	notify(e, e->command);
}

static int create_key(struct evaluation *e)
{
	int r;

	r = join(e->base, e->command->name, e->current_units, &e->current);
	if (r < 0)
		return r;
	r = db_key_create(e->db, e->current, e->time, &e->created);
	if (r < 0)
		return r;
	if (e->created)
		db_batch_add(&e->done, &(struct db_op){ .kind = DB_OP_KEY_CREATE, .path = e->current });
	e->has_current = true;
	notify(e, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = e->command->name });
	return 0;
}

static int delete_key(struct evaluation *e)
{
	const struct db_key *key;
	struct u16 path;
	int r;

	if (e->command->name.len == 0)
		return ERR_INVALID_PARAMETER;
	r = join(e->base, e->command->name, e->other_units, &path);
	if (r < 0)
		return r;
	key = db_find(db_root(e->db), path);
	if ((e->flags & DB_REGBATCH_CALL) != 0 && (key == NULL || db_key_count(key) > 0))
		return key == NULL ? ERR_FILE_NOT_FOUND : ERR_ACCESS_DENIED;
	if (key != NULL) {
		db_batch_add(&e->done, &(struct db_op){ .kind = DB_OP_KEY_DELETE, .path = path });
		r = db_key_delete(e->db, path, e->time);
		if (r < 0)
			return r;
	}
	e->has_current = false;
	notify(e, &(struct regbuf_command){ .kind = REGBUF_DELETE_KEY, .name = e->command->name });
	return 0;
}

/* The current key; NULL: there is none. */
static const struct db_key *current_key(const struct evaluation *e)
{
	return e->has_current ? db_find(db_root(e->db), e->current) : NULL;
}

static int set_value(struct evaluation *e)
{
	const struct regbuf_command *c = e->command;
	struct db_op op = { .kind = DB_OP_VALUE_SET,
		.path = e->current,
		.value = { .name = c->name, .type = c->type, .data = c->data, .len = c->len } };
	const struct db_key *key = current_key(e);
	struct db_value old;

	if (key == NULL)
		return ERR_INVALID_PARAMETER;
	if (c->name.len > DB_VALUE_NAME_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	if (c->len > DB_VALUE_MAX)
		return ERR_INVALID_PARAMETER;
	notify_value(e, db_value_find(key, c->name, &old), &old);
	db_batch_add(&e->done, &op);
	return db_value_set(e->db, e->current, &op.value, e->time);
}

static int delete_value(struct evaluation *e)
{
	struct db_op op = { .kind = DB_OP_VALUE_DELETE, .path = e->current, .value = { .name = e->command->name } };
	const struct db_key *key = current_key(e);
	struct db_value old;
	bool existed;

	if (key == NULL)
		return ERR_INVALID_PARAMETER;
	existed = db_value_find(key, e->command->name, &old);
	notify_value(e, existed, &old);
	if (!existed)
		return (e->flags & DB_REGBATCH_CALL) != 0 ? ERR_FILE_NOT_FOUND : 0;
	db_batch_add(&e->done, &op);
	return db_value_delete(e->db, e->current, e->command->name, e->time);
}

static int set_security(struct evaluation *e)
{
	struct db_op op = { .kind = DB_OP_SET_SECURITY, .path = e->current };
	const struct db_key *key = current_key(e);
	struct buf merged = { 0 };
	const uint8_t *old;
	size_t old_len;
	int r;

	if (key == NULL)
		return ERR_INVALID_PARAMETER;
	old = db_key_security(key, &old_len);
	if (e->command->type != 0) {
		r = sd_merge(old, old_len, e->command->data, e->command->len, e->command->type, &merged);
	} else {
		r = sd_validate(e->command->data, e->command->len, NULL);
		if (r == 0)
			r = sd_extract(e->command->data, e->command->len, SD_PARTS, &merged);
	}
	if (r == 0) {
		op.security = merged.data;
		op.security_len = merged.len;
		db_batch_add(&e->done, &op);
		r = db_key_set_security(e->db, e->current, merged.data, merged.len, e->time);
	}
	buf_done(&merged);
	return r;
}

static uint64_t number(const uint8_t *data, size_t len, bool big_endian)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n = n << 8 | data[big_endian ? i : len - 1 - i];
	return n;
}

/* The stored value against the command's data: <0, 0, >0. */
static int compare(const struct db_value *stored, const struct regbuf_command *c)
{
	enum { DWORD = 4, DWORD_BIG_ENDIAN = 5, QWORD = 11 };
	size_t common = MIN(stored->len, c->len);
	int order;

	if (stored->len == c->len &&
	    ((stored->len == 4 && (stored->type == DWORD || stored->type == DWORD_BIG_ENDIAN)) ||
		(stored->len == 8 && stored->type == QWORD))) {
		uint64_t a = number(stored->data, stored->len, stored->type == DWORD_BIG_ENDIAN);
		uint64_t b = number(c->data, c->len, stored->type == DWORD_BIG_ENDIAN);

		return (a > b) - (a < b);
	}
	order = common > 0 ? memcmp(stored->data, c->data, common) : 0;
	return order != 0 ? order : (stored->len > c->len) - (stored->len < c->len);
}

static int value_condition(struct evaluation *e)
{
	const struct db_key *key = current_key(e);
	struct db_value v;
	bool exists, holds = false;

	if (key == NULL)
		return ERR_INVALID_PARAMETER;
	exists = db_value_find(key, e->command->name, &v);
	switch (e->command->kind) {
	case REGBUF_CONDITION_EXISTS:
		holds = exists;
		break;
	case REGBUF_CONDITION_NOT_EXISTS:
		holds = !exists;
		break;
	case REGBUF_CONDITION_IS_EQUAL:
		holds = exists && compare(&v, e->command) == 0;
		break;
	case REGBUF_CONDITION_IS_NOT_EQUAL:
		holds = exists && compare(&v, e->command) != 0;
		break;
	case REGBUF_CONDITION_IS_GREATER_THAN:
		holds = exists && compare(&v, e->command) > 0;
		break;
	case REGBUF_CONDITION_IS_LESS_THAN:
		holds = exists && compare(&v, e->command) < 0;
		break;
	}
	return holds ? 0 : ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED;
}

static int key_condition(struct evaluation *e)
{
	struct u16 path;
	bool exists;
	int r;

	r = join(e->base, e->command->name, e->other_units, &path);
	if (r < 0)
		return r;
	exists = db_find(db_root(e->db), path) != NULL;
	return exists == (e->command->kind == REGBUF_CONDITION_KEY_EXISTS)
		   ? 0
		   : ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED;
}

static int apply_command(struct evaluation *e)
{
	switch (e->command->kind) {
	case REGBUF_SET_VALUE:
		return set_value(e);
	case REGBUF_CREATE_KEY:
		return create_key(e);
	case REGBUF_DELETE_KEY:
		return delete_key(e);
	case REGBUF_DELETE_VALUE:
		return delete_value(e);
	case REGBUF_SET_KEY_SECURITY:
		return set_security(e);
	case REGBUF_CONTROL_COMMAND:
		return (e->command->type & ~(uint32_t)CONTROL_FLAGS) == 0 ? 0 : ERR_INVALID_PARAMETER;
	case REGBUF_CONDITION_EXISTS ... REGBUF_CONDITION_IS_LESS_THAN:
		return value_condition(e);
	case REGBUF_CONDITION_KEY_EXISTS:
	case REGBUF_CONDITION_KEY_NOT_EXISTS:
		return key_condition(e);
	default:
		return ERR_INVALID_PARAMETER;
	}
}

static int apply_all(struct evaluation *e, const void *bytes, size_t len, int32_t *ret_failed)
{
	struct regbuf_reader reader;
	int r;

	r = regbuf_reader_init(&reader, bytes, len);
	if (r < 0)
		return r;
	e->command = &reader.command;
	regbuf_begin(&e->notification);
	while ((r = regbuf_next(&reader)) > 0) {
		r = apply_command(e);
		if (r == 0)
			r = e->done.bytes.error;
		if (r == 0)
			r = e->notification.error;
		if (r == 0 && e->done.bytes.len > DB_BATCH_MAX)
			r = ERR_CLUSTERLOG_RECORD_EXCEEDS_MAXSIZE;
		if (r < 0)
			break;
	}
	if (r < 0)
		*ret_failed = (int32_t)reader.number;
	regbuf_reader_done(&reader);
	return r;
}

static int evaluate(struct evaluation *e, const void *bytes, size_t len, int32_t *ret_failed)
{
	int r;

	e->current_units = malloc(DB_PATH_MAX * sizeof(char16_t));
	e->other_units = malloc(DB_PATH_MAX * sizeof(char16_t));
	if (e->current_units == NULL || e->other_units == NULL)
		return -ENOMEM;
	r = join(e->base, (struct u16){ 0 }, e->current_units, &e->current);
	if (r < 0 || db_find(db_root(e->db), e->base) == NULL)
		return ERR_KEY_DELETED;
	e->has_current = true;
	db_batch_begin(&e->done, e->time);
	return apply_all(e, bytes, len, ret_failed);
}

int db_regbatch_apply(struct db *db, struct u16 base, const void *bytes, size_t len, uint64_t time, unsigned flags,
    struct db_regbatch_result *ret)
{
	_cleanup_(db_snapshot_unrefp) struct db_snapshot *before = db_snapshot_take(db);
	struct evaluation e = { .db = db, .base = base, .time = time, .flags = flags };
	int32_t failed = 0;
	int r;

	r = before != NULL ? evaluate(&e, bytes, len, &failed) : -ENOMEM;
	if (r == 0) {
		*ret = (struct db_regbatch_result){
			.failed_command = -1, .created = e.created, .notification_lost = e.notification_lost
		};
		if ((flags & DB_REGBATCH_CALL) == 0) {
			ret->notification = e.notification;
			e.notification = (struct buf){ 0 };
		}
		if (e.done.count > 0) {
			ret->batch = e.done.bytes;
			e.done.bytes = (struct buf){ 0 };
		}
	} else {
		ret->failed_command = failed;
		if (before != NULL)
			db_put_back(db, before);
	}
	buf_done(&e.notification);
	db_batch_done(&e.done);
	free(e.current_units);
	free(e.other_units);
	return r;
}

/* error: why the values of this key cannot be read, 0: they can. */
static void read_value(const struct db_key *key, int error, struct u16 name, struct buf *reply)
{
	struct regbuf_command entry = {
		.kind = REGBUF_READ_ERROR, .type = error_to_win32(error < 0 ? error : ERR_FILE_NOT_FOUND), .name = name
	};
	struct db_value v;

	if (error == 0 && key != NULL && db_value_find(key, name, &v)) {
		if (reply->len + v.len > DB_READ_REPLY_MAX)
			entry.type = error_to_win32(ERR_MORE_DATA);
		else
			entry = (struct regbuf_command){
				.kind = REGBUF_READ_VALUE, .type = v.type, .name = name, .data = v.data, .len = v.len
			};
	}
	regbuf_add(reply, &entry);
}

int db_regbatch_read(const struct db_key *root, struct u16 base, const void *bytes, size_t len,
    bool (*may_read)(void *data, const struct db_key *key), void *data, struct buf *reply)
{
	const struct db_key *from = db_find(root, base), *current = from;
	struct regbuf_reader reader;
	size_t begin = reply->len;
	int r, error = 0;

	if (from == NULL)
		return ERR_KEY_DELETED;
	r = regbuf_reader_init(&reader, bytes, len);
	if (r < 0)
		return r;
	regbuf_begin(reply);
	while ((r = regbuf_next(&reader)) > 0) {
		if (reader.command.kind == REGBUF_READ_KEY) {
			current = db_find(from, reader.command.name);
			error = current != NULL && may_read != NULL && !may_read(data, current) ? ERR_ACCESS_DENIED : 0;
		} else if (reader.command.kind == REGBUF_READ_VALUE) {
			read_value(current, error, reader.command.name, reply);
		} else {
			r = ERR_INVALID_PARAMETER;
		}
		if (r >= 0)
			r = reply->error;
		if (r < 0)
			break;
	}
	if (r < 0)
		reply->len = begin;
	regbuf_reader_done(&reader);
	return r;
}
