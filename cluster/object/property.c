/* property: what control codes show and change of an object.
 *
 * Why      programs configure everything but names and places of objects through properties; what may be set must be
 *          checked where the order of changes is fixed, and be the same on every node.
 * How      *common* properties are those of the object's kind: rows of a table (property_table.c), each a value of the
 *          object's key, with a format and a range; what is not stored has its standard, what is computed comes from
 *          the caller's property_source.  *Private* ones are the values of the key Parameters below, of any name and
 *          any format that the registry can hold.
 * Setting  the first value of a property counts.  One without data is taken out: the standard again, or no such private
 *          property.  Of a name that is there twice the last counts.  A value that is so already is left alone, so
 *          that the key's time says when something changed.
 * Promise  as apply's: a pure function of the database and its arguments; all or nothing.  Reading is never an
 *          assertion about what the database holds: a value of another type counts as not stored.
 * Threads  the loop thread.     Tests  tests/unit/property.c, tests/unit/cluster.c, tests/integration/properties.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/property.h"
#include "cluster/db/sd.h"
#include "cluster/object/change.h"
#include "cluster/object/edit.h"
#include "wire/proplist.h"

#define PARAMETERS U16("Parameters")

int property_object_find(const struct db_key *root, uint32_t kind, struct u16 id, struct property_object *ret)
{
	const struct db_key *key;

	if (kind < PROPERTY_NODE || kind > PROPERTY_CLUSTER)
		return ERR_INVALID_PARAMETER;
	key = kind == PROPERTY_CLUSTER ? root : object_by_id(root, (enum object_kind)kind, id);
	if (key == NULL)
		return object_not_found((enum object_kind)kind);
	*ret = (struct property_object){ (enum property_kind)kind, id, key };
	return 0;
}

/* Reading. */

/* A number of 2, 4 or 8 bytes, as the format wants it. */
static void add_number(struct buf *out, uint16_t format, uint32_t number)
{
	buf_u32(out, number);
	if (format != PROP_DWORD && format != PROP_LONG)
		buf_u32(out, 0);
}

static void add_standard(struct buf *out, const struct property *p)
{
	switch ((enum prop_format)p->format) {
	case PROP_BINARY:
		break;
	case PROP_SZ:
	case PROP_MULTI_SZ:
		buf_u16(out, 0);
		break;
	default:
		add_number(out, p->format, p->standard);
		break;
	}
}

/* The data of what is stored as the property's format; false: nothing that could be. */
static bool add_stored(struct buf *out, const struct property *p, const struct db_key *key)
{
	struct db_value v;
	uint32_t type;
	bool storable = prop_registry_type(p->format, &type);

	assert(storable);
	if (!db_value_find(key, p->name, &v) || v.type != type)
		return false;
	if (prop_from_registry(v.type, v.data, v.len, out) != PROP_BINARY || p->format == PROP_BINARY)
		return true;
	out->len = 0; /* A number of the wrong size. */
	return false;
}

static void add_common(
    struct buf *list, const struct property_object *o, const struct property *p, const struct property_source *source)
{
	struct buf value = { 0 };
	bool found;

	if (p->flags & PROPERTY_COMPUTED)
		found = source != NULL && source->get(source->data, o, p, &value);
	else
		found = add_stored(&value, p, o->key);
	if (!found)
		add_standard(&value, p);
	if (value.error != 0)
		list->error = value.error;
	proplist_add(list, p->name, p->format, value.data, value.len);
	buf_done(&value);
}

/* The key with the private properties; NULL: there are none. */
static const struct db_key *private_key(const struct property_object *o)
{
	return db_find(o->key, PARAMETERS);
}

static bool may_be_private(enum property_kind kind, struct u16 name)
{
	const struct property *common = property_find(kind, name);

	return prop_is_name(name) && (common == NULL || (common->flags & PROPERTY_PRIVATE_TOO));
}

/* The private properties one by one; *at starts at 0. */
static bool next_private(const struct property_object *o, size_t *at, struct db_value *ret)
{
	const struct db_key *key = private_key(o);

	for (size_t count = key != NULL ? db_value_count(key) : 0; *at < count;) {
		*ret = db_value_at(key, (*at)++);
		if (may_be_private(o->kind, ret->name))
			return true;
	}
	return false;
}

void property_list(
    const struct property_object *o, enum property_choice choice, const struct property_source *source, struct buf *out)
{
	size_t count, at = 0;
	const struct property *rows = property_table(o->kind, &count);
	struct db_value v;

	proplist_begin(out);
	if (choice == PROPERTY_PRIVATE) {
		while (next_private(o, &at, &v))
			proplist_add_registry(out, v.name, v.type, v.data, v.len);
	} else {
		for (size_t i = 0; i < count; i++)
			if (!(rows[i].flags & PROPERTY_READ_ONLY) == (choice == PROPERTY_COMMON))
				add_common(out, o, &rows[i], source);
	}
	proplist_end(out);
}

static void add_name(struct buf *out, struct u16 name)
{
	for (size_t i = 0; i < name.len; i++)
		buf_u16(out, name.units[i]);
	buf_u16(out, 0);
}

void property_names(const struct property_object *o, bool private, struct buf *out)
{
	size_t count, at = 0;
	const struct property *rows = property_table(o->kind, &count);
	struct db_value v;

	if (private)
		while (next_private(o, &at, &v))
			add_name(out, v.name);
	else
		for (size_t i = 0; i < count; i++)
			add_name(out, rows[i].name);
	buf_u16(out, 0);
}

static void add_format(struct buf *out, struct u16 name, uint16_t format)
{
	uint8_t word[2];

	put_le16(word, format);
	proplist_add(out, name, PROP_WORD, word, sizeof(word));
}

void property_common_formats(enum property_kind kind, struct buf *out)
{
	size_t count;
	const struct property *rows = property_table(kind, &count);

	proplist_begin(out);
	for (size_t i = 0; i < count; i++)
		add_format(out, rows[i].name, rows[i].format);
	proplist_end(out);
}

static void private_formats(const struct property_object *o, struct buf *out)
{
	struct buf value = { 0 };
	struct db_value v;
	size_t at = 0;

	proplist_begin(out);
	while (next_private(o, &at, &v)) {
		value.len = 0;
		add_format(out, v.name, prop_from_registry(v.type, v.data, v.len, &value));
	}
	proplist_end(out);
	if (value.error != 0)
		out->error = value.error;
	buf_done(&value);
}

void property_formats(const struct property_object *o, bool private, struct buf *out)
{
	if (private)
		private_formats(o, out);
	else
		property_common_formats(o->kind, out);
}

uint32_t property_number(enum property_kind kind, const struct db_key *key, struct u16 name)
{
	const struct property *p = property_find(kind, name);
	uint32_t number;

	assert(p != NULL && (p->format == PROP_DWORD || p->format == PROP_LONG));
	return object_number(key, name, &number) ? number : p->standard;
}

/* Setting. */

static bool is_in_range(const struct property *p, const struct prop_value *v)
{
	if (p->format == PROP_DWORD)
		return get_le32(v->data) >= p->least && get_le32(v->data) <= p->most;
	if (p->format == PROP_LONG)
		return (int32_t)get_le32(v->data) >= (int32_t)p->least &&
		       (int32_t)get_le32(v->data) <= (int32_t)p->most;
	if (p->flags & PROPERTY_IS_DESCRIPTOR)
		return sd_validate(v->data, v->len, NULL) == 0;
	return true;
}

/* The units of a text; the data lies where the list lies, which need not be even. */
static int check_new_name(const struct db_key *root, const struct property_object *o, const struct prop_value *v)
{
	char16_t units[OBJECT_NAME_MAX + 1];
	struct u16 name = { units, v->len / sizeof(char16_t) - 1 };

	if (name.len > OBJECT_NAME_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	for (size_t i = 0; i < name.len; i++)
		units[i] = get_le16(v->data + i * sizeof(char16_t));
	return object_check_rename(root, (enum object_kind)o->kind, o->key, name);
}

static int check_common(
    const struct db_key *root, const struct property_object *o, struct u16 name, const struct prop_value *v)
{
	const struct property *p = property_find(o->kind, name);
	uint16_t format = prop_format(v->syntax);

	if (p == NULL || (p->flags & PROPERTY_READ_ONLY))
		return ERR_INVALID_PARAMETER;
	if (v->len == 0)
		return (p->flags & PROPERTY_IS_NAME) || (format != p->format && format != PROP_UNKNOWN)
			   ? ERR_INVALID_PARAMETER
			   : 0;
	if (format != p->format || !is_in_range(p, v))
		return ERR_INVALID_PARAMETER;
	return p->flags & PROPERTY_IS_NAME ? check_new_name(root, o, v) : 0;
}

static int check_private(const struct property_object *o, struct u16 name, const struct prop_value *v)
{
	uint32_t type;

	if (!may_be_private(o->kind, name))
		return ERR_INVALID_PARAMETER;
	return v->len == 0 || prop_registry_type(prop_format(v->syntax), &type) ? 0 : ERR_INVALID_PARAMETER;
}

int property_check(
    const struct db_key *root, const struct property_object *o, bool private, const void *list, size_t len)
{
	struct proplist p;
	int r = proplist_check(list, len);

	proplist_init(&p, list, len);
	while (r == 0 && proplist_next(&p) > 0) {
		struct prop_value v = proplist_value(&p);

		if (v.syntax >> 16 != PROP_TYPE_LIST_VALUE)
			r = ERR_INVALID_PARAMETER;
		else
			r = private ? check_private(o, p.name, &v) : check_common(root, o, p.name, &v);
	}
	return r;
}

/* Where the values of the object's properties are. */
static struct change_path path_of(enum property_kind kind, struct u16 id, bool private)
{
	struct u16 below = private ? PARAMETERS : (struct u16){ 0 };

	if (kind == PROPERTY_CLUSTER)
		return CHANGE_PATH(below);
	return CHANGE_PATH(object_container((enum object_kind)kind), id, below);
}

/* values: the key with the values as they are now; NULL: there is none yet. */
static void set_one(
    struct change *c, struct change_path path, const struct db_key *values, struct u16 name, const struct prop_value *v)
{
	struct db_value now, new = { .name = name, .data = v->data, .len = v->len };
	bool there = values != NULL && db_value_find(values, name, &now);

	if (v->len == 0) {
		if (there)
			change_delete_value(c, path, name);
		return;
	}
	if (!prop_registry_type(prop_format(v->syntax), &new.type)) {
		c->error = ERR_INVALID_PARAMETER; /* property_check() has seen to it. */
		return;
	}
	if (there && now.type == new.type &&now.len == new.len &&memcmp(now.data, new.data, new.len) == 0)
		return;
	if (values == NULL)
		change_create_key(c, path);
	change_set(c, path, &new);
}

int property_set(struct db *db, uint32_t kind, struct u16 id, bool private, const void *list, size_t len, uint64_t time,
    struct buf *batch)
{
	struct property_object o;
	struct change_path path;
	struct proplist p;
	struct change c;
	int r = property_object_find(db_root(db), kind, id, &o);

	if (r == 0)
		r = property_check(db_root(db), &o, private, list, len);
	if (r == 0)
		r = change_begin(&c, db, time, batch);
	if (r < 0)
		return r;
	path = path_of(o.kind, id, private);
	proplist_init(&p, list, len);
	while (c.error == 0 && proplist_next(&p) > 0) {
		struct prop_value v = proplist_value(&p);

		/* Found anew each time: a key may be another after each change. */
		r = property_object_find(db_root(db), kind, id, &o);
		assert(r == 0);
		set_one(&c, path, private ? private_key(&o) : o.key, p.name, &v);
	}
	return change_end(&c);
}
