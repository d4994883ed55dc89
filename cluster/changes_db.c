/* changes_db: which objects the evaluated batch has changed, and how; see changes.c.
 *
 * How      each operation names a key, and with it an object, or the cluster, or nothing; the objects are sorted, and
 *          each is compared with what it was: not there, not any more, or values of its key that differ.  What lies below
 *          its key Parameters are its private properties, and any operation there is a change of them; other keys below
 *          are no properties.
 * Cost     n log n of the operations, so that nobody can make a batch that is dear.
 * Threads  the loop thread.     Tests  tests/unit/changes.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/changes_private.h"
#include "cluster/db/batch.h"
#include "wire/proplist.h"
#include <string.h>

/* An object that the batch names; kind 0: the cluster itself. */
struct touched {
	uint32_t kind;
	bool private;
	struct u16 id; /* In the arena. */
};

struct touched_list {
	struct touched *items;
	size_t count, capacity;
};

static struct u16 next_component(struct u16 *path)
{
	struct u16 first = { path->units, 0 };

	while (first.len < path->len && path->units[first.len] != '\\')
		first.len++;
	path->units += MIN(first.len + 1, path->len);
	path->len -= MIN(first.len + 1, path->len);
	return first;
}

/* Whose change an operation is; false: nobody's. */
static bool whose(const struct db_op *op, struct touched *ret)
{
	struct u16 path = op->path, container = next_component(&path), id, below;
	bool value = op->kind == DB_OP_VALUE_SET || op->kind == DB_OP_VALUE_DELETE;

	*ret = (struct touched){ 0 };
	if (container.len == 0)
		return value;
	if (u16_equal(container, U16("Parameters"))) {
		ret->private = true;
		return true;
	}
	for (uint32_t kind = OBJECT_NODE; kind <= OBJECT_INTERFACE; kind++)
		if (u16_equal(container, object_container((enum object_kind)kind)))
			ret->kind = kind;
	id = next_component(&path);
	below = next_component(&path);
	ret->id = id;
	ret->private = u16_equal(below, U16("Parameters"));
	return ret->kind != 0 && id.len > 0 && (ret->private || below.len == 0);
}

static int compare(const void *a, const void *b)
{
	const struct touched *x = a, *y = b;

	return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : u16_compare(x->id, y->id);
}

static bool same(const struct touched *a, const struct touched *b)
{
	return a->kind == b->kind && u16_equal(a->id, b->id);
}

static void touch(struct changes *c, struct touched_list *l, struct touched t)
{
	if (l->count > 0 && same(&l->items[l->count - 1], &t)) {
		l->items[l->count - 1].private |= t.private;
		return;
	}
	if (l->count == l->capacity) {
		size_t capacity = MAX(l->capacity * 2, (size_t)8);
		struct touched *grown = realloc(l->items, capacity * sizeof(*grown));

		if (grown == NULL) {
			c->error = -ENOMEM;
			return;
		}
		l->items = grown;
		l->capacity = capacity;
	}
	t.id = u16_from_z(changes_text(c, t.id));
	l->items[l->count++] = t;
}

/* A key that goes takes all below with it: a container its objects. */
static void touch_all_of(struct changes *c, struct touched_list *l, const struct db_op *op)
{
	if (op->kind != DB_OP_KEY_DELETE)
		return;
	for (uint32_t kind = OBJECT_NODE; kind <= OBJECT_INTERFACE; kind++) {
		if (!u16_equal(op->path, object_container((enum object_kind)kind)))
			continue;
		for (size_t i = 0; i < object_count(c->before.root, (enum object_kind)kind); i++)
			touch(c, l,
			    (struct touched){
				kind, false, object_id(object_at(c->before.root, (enum object_kind)kind, i)) });
	}
}

static void collect(struct changes *c, struct touched_list *l)
{
	struct db_batch_reader reader;
	struct touched t;
	size_t kept = 0;
	int r = db_batch_reader_init(&reader, c->result->batch.data, c->result->batch.len, NULL);

	if (r == -ENOMEM)
		c->error = r;
	if (r < 0)
		return;
	while (c->error == 0 && (r = db_batch_next(&reader, NULL)) > 0) {
		if (whose(&reader.op, &t))
			touch(c, l, t);
		touch_all_of(c, l, &reader.op);
	}
	db_batch_reader_done(&reader);
	assert(r == 0 || c->error != 0); /* It has just been made. */
	if (l->count > 1)
		qsort(l->items, l->count, sizeof(l->items[0]), compare);
	for (size_t i = 0; i < l->count; i++)
		if (kept > 0 && same(&l->items[kept - 1], &l->items[i]))
			l->items[kept - 1].private |= l->items[i].private;
		else
			l->items[kept++] = l->items[i];
	l->count = kept;
}

/* Values of a key, before and after. */

static bool value_is(const struct db_key *key, const struct db_value *value)
{
	struct db_value other;

	return db_value_find(key, value->name, &other) && other.type == value->type && other.len == value->len &&
	       (value->len == 0 || memcmp(other.data, value->data, value->len) == 0);
}

static bool value_differs(const struct db_key *before, const struct db_key *after, struct u16 name)
{
	struct db_value value;

	return db_value_find(after, name, &value) ? !value_is(before, &value) : db_value_find(before, name, NULL);
}

/* The values that differ, but for those named, as a property list; one that is gone has no data. */
static unsigned changed_values(
    const struct db_key *before, const struct db_key *after, const struct u16 *but, size_t but_count, struct buf *out)
{
	unsigned count = 0;

	proplist_begin(out);
	for (unsigned pass = 0; pass < 2; pass++) {
		const struct db_key *key = pass == 0 ? after : before;

		for (size_t i = 0; i < db_value_count(key); i++) {
			struct db_value value = db_value_at(key, i);
			bool skip = pass == 0 ? value_is(before, &value) : db_value_find(after, value.name, NULL);

			for (size_t j = 0; j < but_count; j++)
				skip |= u16_equal(but[j], value.name);
			if (skip)
				continue;
			count++;
			if (out->len > CHANGE_DATA_MAX || !prop_is_name(value.name))
				continue;
			if (pass == 0)
				proplist_add_registry(out, value.name, value.type, value.data, value.len);
			else
				proplist_add(out, value.name, PROP_UNKNOWN, NULL, 0);
		}
	}
	proplist_end(out);
	return count;
}

/* Announce the common and private properties of an object that is still there. */
static void properties(struct changes *c, const struct touched *t, struct cluster_change change,
    const struct db_key *before, const struct db_key *after, uint32_t common, uint32_t private)
{
	static const struct u16 of_group[] = { U16("Contains"), U16("PreferredOwners") },
				of_resource[] = { U16("Dependencies"), U16("PossibleOwners") };
	bool group = t->kind == OBJECT_GROUP, resource = t->kind == OBJECT_RESOURCE;
	struct buf list = { 0 };

	change.what = common;
	if (changed_values(before, after, group ? of_group : of_resource, group || resource ? 2 : 0, &list) > 0) {
		change.data = list.data;
		change.len = list.len;
		changes_add(c, &change);
	}
	if (list.error != 0)
		c->error = list.error;
	buf_done(&list);
	change.what = private;
	change.data = NULL;
	change.len = 0;
	if (t->private)
		changes_add(c, &change);
}

/* A list of node ids, as the event tells it. */
static void owners(struct changes *c, struct cluster_change change, const struct db_key *key, struct u16 name)
{
	struct db_value value = { 0 };
	static const uint8_t none[4];
	bool found = db_value_find(key, name, &value) && value.len > 0;

	change.data = found ? value.data : none;
	change.len = found ? value.len : sizeof(none);
	changes_add(c, &change);
}

/* Groups. */

static bool contains(const struct db_key *group, struct u16 id)
{
	struct u16 member;
	size_t at = 0;

	while (group != NULL && object_list_next(group, U16("Contains"), &at, &member))
		if (u16_equal(member, id))
			return true;
	return false;
}

static void member(struct changes *c, const struct db_key *group, uint32_t what, struct u16 id)
{
	struct cluster_change change = changes_of_group(c, &c->after, group, what);
	const char16_t *text = changes_text(c, id);
	const struct db_key *resource = object_by_id(c->after.root, OBJECT_RESOURCE, id);

	change.data = (const uint8_t *)text;
	change.len = (id.len + 1) * sizeof(char16_t);
	changes_add(c, &change);
	if (what != CHANGE_GROUP_RESOURCE_GAINED || resource == NULL ||
	    object_by_id(c->before.root, OBJECT_RESOURCE, id) == NULL)
		return;
	change = changes_of_resource(c, &c->after, resource, CHANGE_RESOURCE_OWNER_GROUP);
	change.data = (const uint8_t *)change.parent;
	change.len = (u16_from_z(change.parent).len + 1) * sizeof(char16_t);
	changes_add(c, &change);
}

static void members(struct changes *c, const struct db_key *before, const struct db_key *after)
{
	struct u16 id;
	size_t at = 0;

	while (before != NULL && object_list_next(before, U16("Contains"), &at, &id))
		if (!contains(after, id))
			member(c, after, CHANGE_GROUP_RESOURCE_LOST, id);
	for (at = 0; object_list_next(after, U16("Contains"), &at, &id);)
		if (!contains(before, id))
			member(c, after, CHANGE_GROUP_RESOURCE_GAINED, id);
	changes_touch_group(c, object_id(after));
}

static void group_changed(
    struct changes *c, const struct touched *t, const struct db_key *before, const struct db_key *after)
{
	struct cluster_change change = changes_of_group(c, &c->after, after, CHANGE_GROUP_PREFERRED_OWNERS);

	if (value_differs(before, after, U16("Contains")))
		members(c, before, after);
	if (value_differs(before, after, U16("PreferredOwners")))
		owners(c, change, after, U16("PreferredOwners"));
	properties(c, t, change, before, after, CHANGE_GROUP_COMMON, CHANGE_GROUP_PRIVATE);
}

/* Resources. */

/* Who needs a provider, as the event tells it. */
static void dependents_of(struct changes *c, const struct guid *provider)
{
	const struct db_key *resource = resource_key(c->after.root, provider), *root = c->after.root;
	struct cluster_change change;
	struct buf list = { 0 };

	if (resource == NULL)
		return;
	for (size_t i = 0; i < object_count(root, OBJECT_RESOURCE); i++) {
		const struct db_key *other = object_at(root, OBJECT_RESOURCE, i);
		struct depend depends = resource_depends(other);
		struct u16 id = object_id(other);

		if (!depend_has(&depends, provider))
			continue;
		for (size_t j = 0; j < id.len; j++)
			buf_u16(&list, id.units[j]);
		buf_u16(&list, 0);
	}
	buf_u16(&list, 0);
	if (list.error != 0)
		c->error = list.error;
	change = changes_of_resource(c, &c->after, resource, CHANGE_RESOURCE_DEPENDENTS);
	change.data = list.data;
	change.len = list.len;
	changes_add(c, &change);
	buf_done(&list);
}

static void dependencies(
    struct changes *c, struct cluster_change change, const struct db_key *before, const struct db_key *after)
{
	struct depend was = resource_depends(before), now = resource_depends(after);
	const char16_t *text = changes_text(c, object_string(after, U16("Dependencies")));

	change.what = CHANGE_RESOURCE_DEPENDENCIES;
	change.data = (const uint8_t *)text;
	change.len = (u16_from_z(text).len + 1) * sizeof(char16_t);
	changes_add(c, &change);
	for (unsigned i = 0; i < was.count; i++)
		if (was.items[i].kind == DEPEND_TERM && !depend_has(&now, &was.items[i].id))
			dependents_of(c, &was.items[i].id);
	for (unsigned i = 0; i < now.count; i++)
		if (now.items[i].kind == DEPEND_TERM && !depend_has(&was, &now.items[i].id))
			dependents_of(c, &now.items[i].id);
}

static void resource_changed(
    struct changes *c, const struct touched *t, const struct db_key *before, const struct db_key *after)
{
	struct cluster_change change = changes_of_resource(c, &c->after, after, CHANGE_RESOURCE_POSSIBLE_OWNERS);

	if (value_differs(before, after, U16("Dependencies")))
		dependencies(c, change, before, after);
	if (value_differs(before, after, U16("PossibleOwners")))
		owners(c, change, after, U16("PossibleOwners"));
	properties(c, t, change, before, after, CHANGE_RESOURCE_COMMON, CHANGE_RESOURCE_PRIVATE);
}

/* All kinds. */

static const struct {
	uint32_t type, deleted, common, private;
	uint32_t added_type, added; /* Of whom it is told that there is a new one, and as what. */
} kinds[] = {
	[OBJECT_NODE] = { CHANGE_NODE, CHANGE_NODE_DELETED, CHANGE_NODE_COMMON, CHANGE_NODE_PRIVATE, CHANGE_CLUSTER,
	    CHANGE_CLUSTER_NODE_ADDED },
	[OBJECT_GROUP] = { CHANGE_GROUP, CHANGE_GROUP_DELETED, 0, 0, CHANGE_CLUSTER, CHANGE_CLUSTER_GROUP_ADDED },
	[OBJECT_RESOURCE] = { CHANGE_RESOURCE, CHANGE_RESOURCE_DELETED, 0, 0, CHANGE_GROUP,
	    CHANGE_GROUP_RESOURCE_ADDED },
	[OBJECT_TYPE] = { CHANGE_TYPE, CHANGE_DELETED, CHANGE_COMMON, CHANGE_PRIVATE, CHANGE_CLUSTER,
	    CHANGE_CLUSTER_TYPE_ADDED },
	[OBJECT_NETWORK] = { CHANGE_NETWORK, CHANGE_DELETED, CHANGE_COMMON, CHANGE_PRIVATE, CHANGE_CLUSTER,
	    CHANGE_CLUSTER_NETWORK_ADDED },
	[OBJECT_INTERFACE] = { CHANGE_INTERFACE, CHANGE_DELETED, CHANGE_COMMON, CHANGE_PRIVATE, CHANGE_NODE,
	    CHANGE_NODE_INTERFACE_ADDED },
};

/* A change of an object with the fields that every event of its kind has. */
static struct cluster_change of_object(
    struct changes *c, const struct changes_view *v, uint32_t kind, const struct db_key *object)
{
	struct cluster_change change = { .type = kinds[kind].type };

	if (kind == OBJECT_GROUP)
		return changes_of_group(c, v, object, 0);
	if (kind == OBJECT_RESOURCE)
		return changes_of_resource(c, v, object, 0);
	change.about = changes_text(c, object_id(object));
	change.id = kind == OBJECT_TYPE ? u"" : change.about;
	change.name = changes_text(c, object_name(object, (enum object_kind)kind));
	change.sequence = changes_sequence(&c->after, (enum object_kind)kind, object_id(object));
	if (kind == OBJECT_INTERFACE)
		change.parent = changes_text(c, object_string(object, U16("Node")));
	return change;
}

static void added(struct changes *c, uint32_t kind, const struct db_key *object)
{
	struct cluster_change change = of_object(c, &c->after, kind, object);
	uint32_t number = 0;
	uint8_t bytes[4];

	change.type = kinds[kind].added_type;
	change.what = kinds[kind].added;
	change.about = kind == OBJECT_RESOURCE || kind == OBJECT_INTERFACE ? change.parent : u"";
	if (kind == OBJECT_RESOURCE) {
		const struct db_key *group = object_group_of(c->after.root, object_id(object));

		/* The event is the group's: its node is the parent. */
		change.data = (const uint8_t *)change.about;
		change.len = (u16_from_z(change.about).len + 1) * sizeof(char16_t);
		change.parent = group != NULL ? changes_of_group(c, &c->after, group, 0).parent : u"";
		change.type_name = u"";
	} else if (kind == OBJECT_GROUP || kind == OBJECT_NODE) {
		if (kind == OBJECT_NODE)
			number = changes_node_state(&c->after, object_id(object));
		else if (!object_number(object, U16("GroupType"), &number))
			number = 9999; /* ClusGroupTypeUnknown */
		put_le32(bytes, number);
		change.data = bytes;
		change.len = sizeof(bytes);
	}
	changes_add(c, &change);
	if (kind == OBJECT_GROUP)
		members(c, NULL, object);
}

static void deleted(struct changes *c, uint32_t kind, const struct db_key *object)
{
	struct cluster_change change = of_object(c, &c->before, kind, object);

	change.what = kinds[kind].deleted;
	if (kind == OBJECT_RESOURCE) {
		change.data = (const uint8_t *)change.parent;
		change.len = (u16_from_z(change.parent).len + 1) * sizeof(char16_t);
	}
	changes_add(c, &change);
}

static void object_changed(struct changes *c, const struct touched *t)
{
	enum object_kind kind = (enum object_kind)t->kind;
	const struct db_key *before = object_by_id(c->before.root, kind, t->id),
			    *after = object_by_id(c->after.root, kind, t->id);

	if (before == NULL && after == NULL)
		return;
	if (before == NULL)
		added(c, kind, after);
	else if (after == NULL)
		deleted(c, kind, before);
	else if (kind == OBJECT_GROUP)
		group_changed(c, t, before, after);
	else if (kind == OBJECT_RESOURCE)
		resource_changed(c, t, before, after);
	else
		properties(
		    c, t, of_object(c, &c->after, kind, after), before, after, kinds[kind].common, kinds[kind].private);
}

static void cluster_changed(struct changes *c, const struct touched *t)
{
	struct cluster_change change = { .type = CHANGE_CLUSTER, .what = CHANGE_CLUSTER_RENAME };

	if (value_differs(c->before.root, c->after.root, U16("ClusterName"))) {
		change.name = changes_text(c, object_string(c->after.root, U16("ClusterName")));
		changes_add(c, &change);
	}
	change.name = NULL;
	properties(c, t, change, c->before.root, c->after.root, CHANGE_CLUSTER_COMMON, CHANGE_CLUSTER_PRIVATE);
}

void changes_of_database(struct changes *c)
{
	struct touched_list l = { 0 };

	if (c->result->batch.len > 0)
		collect(c, &l);
	for (size_t i = 0; c->error == 0 && i < l.count; i++) {
		if (l.items[i].kind == 0)
			cluster_changed(c, &l.items[i]);
		else
			object_changed(c, &l.items[i]);
	}
	free(l.items);
}
