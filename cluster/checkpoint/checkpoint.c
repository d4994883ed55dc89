/* checkpoint: which outside state belongs to a resource, and which blobs hold it.
 *
 * Why      an application keeps settings in the node's own registry, in files or in key stores.  What is named here
 *          follows the resource from node to node and is in every backup, so the list must be part of the database, and
 *          say of each which blob (a file named by its SHA-256, ruedad/blobs.h) is its saved state at this very index.
 * How      below the resource's key:
 *
 *             RegSync         00000001   SZ      the path, as Windows keeps it: registry checkpoints
 *             CryptoSync      00000001   SZ      type\provider\container: crypto checkpoints
 *             CheckpointData  00000001.CPT, 00000001.CPR   BINARY   what was saved for them (docs/formats/checkpoint.md)
 *
 *          A reader that knows only the first two finds there what it expects and nothing else.  All three are below
 *          the resource: it takes them along when it is renamed or moved, and with it they are deleted.
 * Numbers  the lowest that is free, so one may come again for another path.  The index at which a checkpoint was added
 *          tells the two apart: what was captured for the first is refused for the second.
 * Foreign  anybody with the right to write may write these keys.  Values of another form are passed over; a name
 *          without data is a checkpoint of which nothing was saved.
 * Threads  the loop thread; reading a snapshot any.
 * Format   docs/formats/checkpoint.md     Tests  tests/unit/checkpoint.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/checkpoint/checkpoint.h"
#include "cluster/object/change.h"
#include "cluster/object/object.h"
#include "wire/command.h"
#include <string.h>

#define DATA_KEY U16("CheckpointData")

enum { NAME_DIGITS = 8, DATA_NAME_LEN = 12, DATA_VERSION = 1, DATA_LEN = 72, REG_SZ = 1, REG_BINARY = 3 };

static const struct u16 list_keys[] = {
	[CHECKPOINT_REGISTRY] = U16("RegSync"),
	[CHECKPOINT_CRYPTO] = U16("CryptoSync"),
};
static const struct u16 suffixes[] = {
	[CHECKPOINT_REGISTRY] = U16(".CPT"),
	[CHECKPOINT_CRYPTO] = U16(".CPR"),
};

/* Names. */

struct name {
	char16_t units[DATA_NAME_LEN];
};

static struct u16 list_name(uint32_t number, struct name *n)
{
	for (unsigned i = 0; i < NAME_DIGITS; i++)
		n->units[i] = (unsigned char)"0123456789abcdef"[number >> 4 * (NAME_DIGITS - 1 - i) & 15];
	return (struct u16){ n->units, NAME_DIGITS };
}

static struct u16 data_name(enum checkpoint_kind kind, uint32_t number, struct name *n)
{
	(void)list_name(number, n);
	memcpy(n->units + NAME_DIGITS, suffixes[kind].units, suffixes[kind].len * sizeof(char16_t));
	return (struct u16){ n->units, DATA_NAME_LEN };
}

/* The number that is a value's name, or 0. */
static uint32_t parse_name(struct u16 name)
{
	uint32_t number = 0;

	if (name.len != NAME_DIGITS)
		return 0;
	for (size_t i = 0; i < name.len; i++) {
		char16_t u = name.units[i], letter = u | 0x20;

		if (u >= '0' && u <= '9')
			number = number << 4 | (u - '0');
		else if (letter >= 'a' && letter <= 'f')
			number = number << 4 | (letter - 'a' + 10u);
		else
			return 0;
	}
	return number <= CHECKPOINT_NUMBER_MAX ? number : 0;
}

static bool begins_with_file(struct u16 path)
{
	struct u16 file = U16("File\\");

	return path.len > file.len && u16_equal((struct u16){ path.units, file.len }, file);
}

/* Keys have no case; files and the names of containers have. */
static bool same_path(enum checkpoint_kind kind, struct u16 a, struct u16 b)
{
	size_t prefix = U16("File\\").len;

	if (kind == CHECKPOINT_CRYPTO)
		return u16_equal_exact(a, b);
	if (!begins_with_file(a) || !begins_with_file(b))
		return u16_equal(a, b);
	return u16_equal_exact(
	    (struct u16){ a.units + prefix, a.len - prefix }, (struct u16){ b.units + prefix, b.len - prefix });
}

/* No component is empty: so a path has one spelling, and none begins with a backslash. */
static bool is_key_path(struct u16 path)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.units[i] == '\\' && (i == 0 || i + 1 == path.len || path.units[i + 1] == '\\'))
			return false;
	return true;
}

/* type\provider\container: a decimal number, a name that may be empty, and what that provider understands. */
static bool is_container_path(struct u16 path)
{
	size_t digits = 0, second;

	while (digits < path.len && path.units[digits] >= '0' && path.units[digits] <= '9')
		digits++;
	if (digits == 0 || digits > 9 || digits == path.len || path.units[digits] != '\\')
		return false;
	for (second = digits + 1; second < path.len && path.units[second] != '\\'; second++)
		;
	return second + 1 < path.len;
}

static int check_path(enum checkpoint_kind kind, struct u16 path)
{
	if (path.len == 0)
		return ERR_INVALID_PARAMETER;
	if (path.len > CHECKPOINT_PATH_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	return (kind == CHECKPOINT_CRYPTO ? is_container_path(path) : is_key_path(path)) ? 0 : ERR_BAD_PATHNAME;
}

/* Reading. */

static void read_data(const struct db_key *resource, struct checkpoint *c)
{
	const struct db_key *key = db_find(resource, DATA_KEY);
	struct db_value v;
	struct cursor at;
	struct name name;
	uint32_t view;

	if (key == NULL || !db_value_find(key, data_name(c->kind, c->number, &name), &v) || v.type != REG_BINARY ||
	    v.len != DATA_LEN)
		return;
	at = cursor_make(v.data, v.len);
	if (cursor_u32(&at) != DATA_VERSION || (view = cursor_u32(&at)) > CHECKPOINT_32BIT)
		return;
	c->view = (enum checkpoint_view)view;
	c->added = cursor_u64(&at);
	c->captured = cursor_u64(&at);
	c->length = cursor_u64(&at);
	c->time = cursor_u64(&at);
	memcpy(c->digest.bytes, cursor_bytes(&at, SHA256_LEN), SHA256_LEN);
	c->saved = c->length <= CHECKPOINT_LENGTH_MAX;
}

bool checkpoint_next(const struct db_key *resource, size_t *at, struct checkpoint *ret)
{
	size_t before = 0;

	for (size_t kind = 0; kind < ARRAY_SIZE(list_keys); kind++) {
		const struct db_key *list = db_find(resource, list_keys[kind]);
		size_t count = list != NULL ? db_value_count(list) : 0;

		for (; *at < before + count; ++*at) {
			struct db_value v = db_value_at(list, *at - before);
			struct checkpoint c = { .kind = (enum checkpoint_kind)kind, .number = parse_name(v.name) };

			c.path = object_string(list, v.name);
			if (c.number == 0 || c.path.len == 0)
				continue;
			read_data(resource, &c);
			*ret = c;
			++*at;
			return true;
		}
		before += count;
	}
	return false;
}

bool checkpoint_find(const struct db_key *resource, enum checkpoint_kind kind, struct u16 path, struct checkpoint *ret)
{
	struct checkpoint c;
	size_t at = 0;

	while (checkpoint_next(resource, &at, &c))
		if (c.kind == kind && same_path(kind, c.path, path)) {
			*ret = c;
			return true;
		}
	return false;
}

const struct db_key *checkpoint_resource(const struct db_key *root, const struct guid *id)
{
	char16_t text[GUID_TEXT_LEN + 1];

	guid_format_u16(id, text);
	return object_by_id(root, OBJECT_RESOURCE, (struct u16){ text, GUID_TEXT_LEN });
}

bool checkpoint_list_differs(const struct db_key *before, const struct db_key *now, const struct guid *resource)
{
	const struct db_key *a = checkpoint_resource(before, resource), *b = checkpoint_resource(now, resource);

	/* What has not changed is shared. */
	for (size_t kind = 0; a != b && kind < ARRAY_SIZE(list_keys); kind++) {
		const struct db_key *x = a != NULL ? db_find(a, list_keys[kind]) : NULL,
				    *y = b != NULL ? db_find(b, list_keys[kind]) : NULL;

		if (x != y)
			return true;
	}
	return false;
}

/* Changing. */

static size_t list_length(const struct db_key *resource, enum checkpoint_kind kind)
{
	const struct db_key *list = db_find(resource, list_keys[kind]);

	return list != NULL ? db_value_count(list) : 0;
}

/* Whether so many more may be added.  The limits count whatever lies in the lists, so that nobody gets round them. */
static int check_limits(
    const struct db_key *root, const struct db_key *resource, const size_t more[ARRAY_SIZE(list_keys)])
{
	size_t total = 0;

	for (size_t k = 0; k < ARRAY_SIZE(list_keys); k++) {
		if (more[k] > 0 && list_length(resource, (enum checkpoint_kind)k) + more[k] > CHECKPOINT_PER_RESOURCE)
			return ERR_NOT_ENOUGH_QUOTA;
		total += more[k];
	}
	for (size_t i = 0; i < object_count(root, OBJECT_RESOURCE); i++)
		for (size_t k = 0; k < ARRAY_SIZE(list_keys); k++)
			total += list_length(object_at(root, OBJECT_RESOURCE, i), (enum checkpoint_kind)k);
	return total <= CHECKPOINT_TOTAL ? 0 : ERR_NOT_ENOUGH_QUOTA;
}

int checkpoint_check_add(
    const struct db_key *root, const struct guid *resource, enum checkpoint_kind kind, struct u16 path)
{
	const struct db_key *key = checkpoint_resource(root, resource);
	size_t more[ARRAY_SIZE(list_keys)] = { 0 };
	struct checkpoint other;
	int r = check_path(kind, path);

	if (r < 0)
		return r;
	if (key == NULL)
		return ERR_RESOURCE_NOT_FOUND;
	if (checkpoint_find(key, kind, path, &other))
		return ERR_ALREADY_EXISTS;
	more[kind] = 1;
	return check_limits(root, key, more);
}

/* The lowest number from a first one on for which neither list nor data have a value; 0: there is none. */
static uint32_t free_number(const struct db_key *resource, enum checkpoint_kind kind, uint32_t first)
{
	const struct db_key *list = db_find(resource, list_keys[kind]), *data = db_find(resource, DATA_KEY);
	struct name name;

	for (uint32_t number = first; number <= CHECKPOINT_NUMBER_MAX; number++)
		if ((list == NULL || !db_value_find(list, list_name(number, &name), NULL)) &&
		    (data == NULL || !db_value_find(data, data_name(kind, number, &name), NULL)))
			return number;
	return 0;
}

static void write_data(struct change *c, struct u16 resource, const struct checkpoint *checkpoint)
{
	struct buf b = { 0 };
	struct name name;

	buf_u32(&b, DATA_VERSION);
	buf_u32(&b, checkpoint->view);
	buf_u64(&b, checkpoint->added);
	buf_u64(&b, checkpoint->captured);
	buf_u64(&b, checkpoint->length);
	buf_u64(&b, checkpoint->time);
	buf_append(&b, checkpoint->digest.bytes, SHA256_LEN);
	if (c->error == 0)
		c->error = b.error;
	change_set(c, CHANGE_PATH(object_container(OBJECT_RESOURCE), resource, DATA_KEY),
	    &(struct db_value){ data_name(checkpoint->kind, checkpoint->number, &name), REG_BINARY, b.data, b.len });
	buf_done(&b);
}

int checkpoint_add(struct db *db, const struct command_CheckpointAdd *m, uint64_t index, struct buf *batch)
{
	struct u16 path = u16_from_z(m->path), container = object_container(OBJECT_RESOURCE), resource;
	struct checkpoint checkpoint = { .view = (enum checkpoint_view)m->view,
		.added = index,
		.captured = index,
		.length = m->length,
		.time = m->time };
	char16_t id[GUID_TEXT_LEN + 1];
	struct change c;
	struct name name;
	int r;

	if (m->checkpoint_kind > CHECKPOINT_CRYPTO || m->view > CHECKPOINT_32BIT || m->length > CHECKPOINT_LENGTH_MAX)
		return ERR_INVALID_PARAMETER;
	checkpoint.kind = (enum checkpoint_kind)m->checkpoint_kind;
	r = checkpoint_check_add(db_root(db), &m->resource, checkpoint.kind, path);
	if (r < 0)
		return r;
	checkpoint.number = free_number(checkpoint_resource(db_root(db), &m->resource), checkpoint.kind, 1);
	if (checkpoint.number == 0)
		return ERR_NOT_ENOUGH_QUOTA;
	memcpy(checkpoint.digest.bytes, m->sha256, SHA256_LEN);
	guid_format_u16(&m->resource, id);
	resource = (struct u16){ id, GUID_TEXT_LEN };
	r = change_begin(&c, db, m->time, batch);
	if (r < 0)
		return r;
	change_create_key(&c, CHANGE_PATH(container, resource, list_keys[checkpoint.kind]));
	change_set_string(&c, CHANGE_PATH(container, resource, list_keys[checkpoint.kind]),
	    list_name(checkpoint.number, &name), path);
	change_create_key(&c, CHANGE_PATH(container, resource, DATA_KEY));
	write_data(&c, resource, &checkpoint);
	return change_end(&c);
}

int checkpoint_delete(struct db *db, const struct command_CheckpointDelete *m, struct buf *batch)
{
	const struct db_key *resource = checkpoint_resource(db_root(db), &m->resource), *data;
	struct u16 container = object_container(OBJECT_RESOURCE), id;
	char16_t text[GUID_TEXT_LEN + 1];
	struct checkpoint checkpoint;
	struct name name;
	struct change c;
	bool has_data;
	int r;

	if (m->checkpoint_kind > CHECKPOINT_CRYPTO)
		return ERR_INVALID_PARAMETER;
	if (resource == NULL)
		return ERR_RESOURCE_NOT_FOUND;
	if (!checkpoint_find(resource, (enum checkpoint_kind)m->checkpoint_kind, u16_from_z(m->path), &checkpoint))
		return ERR_FILE_NOT_FOUND;
	data = db_find(resource, DATA_KEY);
	has_data = data != NULL && db_value_find(data, data_name(checkpoint.kind, checkpoint.number, &name), NULL);
	guid_format_u16(&m->resource, text);
	id = (struct u16){ text, GUID_TEXT_LEN };
	r = change_begin(&c, db, m->time, batch);
	if (r < 0)
		return r;
	change_delete_value(
	    &c, CHANGE_PATH(container, id, list_keys[checkpoint.kind]), list_name(checkpoint.number, &name));
	if (has_data)
		change_delete_value(
		    &c, CHANGE_PATH(container, id, DATA_KEY), data_name(checkpoint.kind, checkpoint.number, &name));
	return change_end(&c);
}

int checkpoint_saved(struct db *db, const struct command_CheckpointSaved *m, uint64_t index, struct buf *batch)
{
	const struct db_key *resource = checkpoint_resource(db_root(db), &m->resource);
	char16_t text[GUID_TEXT_LEN + 1];
	struct checkpoint checkpoint;
	struct change c;
	size_t at = 0;
	int r;

	if (m->length > CHECKPOINT_LENGTH_MAX)
		return ERR_INVALID_PARAMETER;
	if (resource == NULL)
		return ERR_RESOURCE_NOT_FOUND;
	do {
		if (!checkpoint_next(resource, &at, &checkpoint))
			return ERR_FILE_NOT_FOUND;
	} while ((uint32_t)checkpoint.kind != m->checkpoint_kind || checkpoint.number != m->number);
	/* Another one has its number by now; or it is one of which nothing was ever saved, added = 0. */
	if (checkpoint.added != m->added)
		return ERR_FILE_NOT_FOUND;
	checkpoint.captured = index;
	checkpoint.length = m->length;
	checkpoint.time = m->time;
	memcpy(checkpoint.digest.bytes, m->sha256, SHA256_LEN);
	guid_format_u16(&m->resource, text);
	r = change_begin(&c, db, m->time, batch);
	if (r < 0)
		return r;
	change_create_key(
	    &c, CHANGE_PATH(object_container(OBJECT_RESOURCE), (struct u16){ text, GUID_TEXT_LEN }, DATA_KEY));
	write_data(&c, (struct u16){ text, GUID_TEXT_LEN }, &checkpoint);
	return change_end(&c);
}

/* Restoring. */

/* The number of the checkpoint with that path: mostly the one where it was seen, else whatever has it; 0: none. */
static uint32_t number_of(const struct db_key *resource, enum checkpoint_kind kind, struct u16 path, uint32_t seen)
{
	const struct db_key *list = db_find(resource, list_keys[kind]);
	struct checkpoint found;
	struct name name;

	if (seen != 0 && seen <= CHECKPOINT_NUMBER_MAX && list != NULL &&
	    same_path(kind, object_string(list, list_name(seen, &name)), path))
		return seen;
	return checkpoint_find(resource, kind, path, &found) ? found.number : 0;
}

struct place {
	uint32_t number;
	bool is_new;
};

/* Whether something was saved for it behind that index, of which whoever restores does not know. */
static bool saved_since(const struct db_key *resource, enum checkpoint_kind kind, uint32_t number, uint64_t index)
{
	struct checkpoint c = { .kind = kind, .number = number };

	read_data(resource, &c);
	return index != 0 && c.captured > index;
}

/* Where each goes, before anything is changed. */
static int plan_restore(const struct db_key *root, const struct command_CheckpointsRestore *m, struct place *places)
{
	const struct db_key *resource = checkpoint_resource(root, &m->resource);
	uint32_t next[ARRAY_SIZE(list_keys)] = { 1, 1 };
	size_t added[ARRAY_SIZE(list_keys)] = { 0 };
	int r = 0;

	if (resource == NULL)
		return ERR_RESOURCE_NOT_FOUND;
	for (uint32_t i = 0; i < m->checkpoints_count; i++) {
		const struct command_restored_checkpoint *c = &m->checkpoints[i];
		enum checkpoint_kind kind = (enum checkpoint_kind)c->kind;

		if (c->kind > CHECKPOINT_CRYPTO || c->view > CHECKPOINT_32BIT || c->length > CHECKPOINT_LENGTH_MAX)
			return ERR_INVALID_PARAMETER;
		r = check_path(kind, u16_from_z(c->path));
		if (r < 0)
			return r;
		places[i].number = number_of(resource, kind, u16_from_z(c->path), c->number);
		if (places[i].number != 0 && saved_since(resource, kind, places[i].number, m->after))
			return ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED;
		if (places[i].number != 0)
			continue;
		places[i] = (struct place){ free_number(resource, kind, next[kind]), true };
		if (places[i].number == 0)
			return ERR_NOT_ENOUGH_QUOTA;
		next[kind] = places[i].number + 1;
		added[kind]++;
	}
	return added[CHECKPOINT_REGISTRY] + added[CHECKPOINT_CRYPTO] > 0 ? check_limits(root, resource, added) : 0;
}

int checkpoint_restore(struct db *db, const struct command_CheckpointsRestore *m, uint64_t index, struct buf *batch)
{
	_cleanup_free_ struct place *places = calloc((size_t)m->checkpoints_count + 1, sizeof(*places));
	struct u16 container = object_container(OBJECT_RESOURCE), resource;
	char16_t id[GUID_TEXT_LEN + 1];
	struct name name;
	struct change c;
	int r = places == NULL ? -ENOMEM : plan_restore(db_root(db), m, places);

	if (r == 0)
		r = change_begin(&c, db, m->time, batch);
	if (r < 0)
		return r;
	guid_format_u16(&m->resource, id);
	resource = (struct u16){ id, GUID_TEXT_LEN };
	change_create_key(&c, CHANGE_PATH(container, resource, DATA_KEY));
	for (uint32_t i = 0; i < m->checkpoints_count; i++) {
		const struct command_restored_checkpoint *from = &m->checkpoints[i];
		/* Added anew, as far as a capture that is under way is concerned. */
		struct checkpoint checkpoint = { .kind = (enum checkpoint_kind)from->kind,
			.number = places[i].number,
			.view = (enum checkpoint_view)from->view,
			.added = index,
			.captured = index,
			.length = from->length,
			.time = from->time };

		memcpy(checkpoint.digest.bytes, from->sha256, SHA256_LEN);
		if (places[i].is_new) {
			change_create_key(&c, CHANGE_PATH(container, resource, list_keys[checkpoint.kind]));
			change_set_string(&c, CHANGE_PATH(container, resource, list_keys[checkpoint.kind]),
			    list_name(checkpoint.number, &name), u16_from_z(from->path));
		}
		write_data(&c, resource, &checkpoint);
	}
	return change_end(&c);
}
