/* relate: what binds groups, resources and nodes together.
 *
 * Rules    a resource depends only on resources of its own group (5069) and never, by any way, on itself (1059); what an
 *          active resource needs must be online before it is made a provider; a resource that others depend on is not
 *          deleted (5001), one that runs neither (5019); a resource that goes into another group takes along all that it
 *          is bound to by dependencies, and if any of that runs, both groups must be owned by the same node.
 * How      each function looks at the database and the runtime state, refuses with the documented error, or makes one
 *          change.  Dependencies are kept as text with ids (depend.h) in the value Dependencies, owners as MULTI_SZ of
 *          node ids: an absent list of possible owners means all nodes, so the first removal writes down the others.
 * Threads  the loop thread.       Tests  tests/unit/group.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/relate.h"
#include "cluster/group/apply.h"
#include "cluster/object/change.h"
#include "cluster/object/edit.h"
#include "cluster/runtime.h"
#include "wire/command.h"
#include <string.h>

#define DEPENDENCIES U16("Dependencies")

/* A resource and what is bound to it. */

enum { BOUND_MAX = 1024 };

struct bound {
	struct guid ids[BOUND_MAX];
	size_t count;
};

static int bound_add(struct bound *b, const struct guid *id)
{
	for (size_t i = 0; i < b->count; i++)
		if (guid_equal(&b->ids[i], id))
			return 0;
	if (b->count == BOUND_MAX)
		return ERR_DEPENDENCY_TREE_TOO_COMPLEX;
	b->ids[b->count++] = *id;
	return 0;
}

static int bound_add_terms(struct bound *b, const struct depend *d)
{
	int r = 0;

	for (unsigned i = 0; i < d->count && r == 0; i++)
		if (d->items[i].kind == DEPEND_TERM)
			r = bound_add(b, &d->items[i].id);
	return r;
}

static struct depend depend_of(const struct db_key *root, const struct guid *id)
{
	const struct db_key *key = resource_key(root, id);

	return key != NULL ? resource_depends(key) : (struct depend){ 0 };
}

/* All that the expression leads to, and what that depends on. */
static int bound_providers(const struct db_key *root, const struct depend *d, struct bound *b)
{
	int r = bound_add_terms(b, d);

	for (size_t i = 0; i < b->count && r == 0; i++) {
		struct depend next = depend_of(root, &b->ids[i]);

		r = bound_add_terms(b, &next);
	}
	return r;
}

/* All that is bound to the resource, in either direction. */
static int bound_all(const struct db_key *root, const struct db_key *group, const struct guid *id, struct bound *b)
{
	int r = bound_add(b, id);

	for (size_t i = 0; i < b->count && r == 0; i++) {
		struct depend d = depend_of(root, &b->ids[i]);
		const struct db_key *key;
		struct guid other;
		size_t at = 0;

		r = bound_add_terms(b, &d);
		while (r == 0 && group_next(root, group, &at, &other, &key)) {
			d = resource_depends(key);
			if (depend_has(&d, &b->ids[i]))
				r = bound_add(b, &other);
		}
	}
	return r;
}

/* Dependencies. */

static int resolve_resource(void *data, struct u16 name, struct guid *ret)
{
	const struct db_key *root = data, *key = object_find(root, OBJECT_RESOURCE, name);

	return key != NULL && guid_parse(object_id(key), ret) ? 0 : ERR_RESOURCE_NOT_FOUND;
}

static int check_depend(const struct db_key *root, const struct guid *id, const struct depend *d)
{
	const struct db_key *group = group_of_resource(root, id, NULL);
	struct bound *all;
	int status = 0;

	for (unsigned i = 0; i < d->count; i++)
		if (d->items[i].kind == DEPEND_TERM &&
		    (group == NULL || group_of_resource(root, &d->items[i].id, NULL) != group))
			return resource_key(root, &d->items[i].id) == NULL ? ERR_RESOURCE_NOT_FOUND
									   : ERR_DEPENDENCY_NOT_ALLOWED;
	for (unsigned i = 0; i < d->count; i++) {
		const struct db_key *provider =
		    d->items[i].kind == DEPEND_TERM ? resource_key(root, &d->items[i].id) : NULL;

		if (provider != NULL && object_is_quorum(root, object_id(provider)))
			return ERR_DEPENDENCY_NOT_ALLOWED;
	}
	all = calloc(1, sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	status = bound_providers(root, d, all);
	for (size_t i = 0; i < all->count && status == 0; i++)
		if (guid_equal(&all->ids[i], id))
			status = ERR_CIRCULAR_DEPENDENCY;
	free(all);
	return status;
}

int group_may_depend(const struct db_key *root, const struct guid *id, const struct guid *on)
{
	struct depend d = depend_of(root, id);
	int r = depend_add(&d, on);

	return r < 0 ? r : check_depend(root, id, &d);
}

/* In an expression, what can be no provider is a wrong parameter. */
static int check_expression(const struct db_key *root, const struct guid *id, const struct depend *d)
{
	const struct db_key *group = group_of_resource(root, id, NULL);

	for (unsigned i = 0; i < d->count; i++)
		if (d->items[i].kind == DEPEND_TERM &&
		    (guid_equal(&d->items[i].id, id) || group_of_resource(root, &d->items[i].id, NULL) != group))
			return ERR_INVALID_PARAMETER;
	return 0;
}

static int change_depend(const struct db_key *root, const struct command_ResourceDepend *c, struct depend *d)
{
	int r;

	switch (c->verb) {
	case DEPEND_VERB_ADD:
		return depend_add(d, &c->provider);
	case DEPEND_VERB_REMOVE:
		return depend_remove(d, &c->provider);
	case DEPEND_VERB_SET:
		r = depend_parse(u16_from_z(c->expression), resolve_resource, (void *)(uintptr_t)root, d);
		return r < 0 ? r : check_expression(root, &c->id, d);
	default:
		return ERR_INVALID_PARAMETER;
	}
}

static int write_depend(struct db *db, const struct guid *id, const struct depend *d, uint64_t time, struct buf *batch)
{
	char16_t text[GUID_TEXT_LEN + 1];
	_cleanup_(buf_done) struct buf expression = { 0 };
	struct change c;
	int r;

	guid_format_u16(id, text);
	depend_format(d, &expression);
	buf_u16(&expression, 0);
	if (expression.error != 0)
		return -ENOMEM;
	r = change_begin(&c, db, time, batch);
	if (r < 0)
		return r;
	change_set_string(&c, CHANGE_PATH(object_container(OBJECT_RESOURCE), (struct u16){ text, GUID_TEXT_LEN }),
	    DEPENDENCIES, u16_from_z((const char16_t *)(const void *)expression.data));
	return change_end(&c);
}

int group_apply_depend(
    struct db *db, const struct runtime *r, const struct command_ResourceDepend *c, struct buf *batch)
{
	const struct db_key *root = db_root(db);
	struct depend d;
	int status;

	if (resource_key(root, &c->id) == NULL)
		return ERR_RESOURCE_NOT_AVAILABLE;
	d = depend_of(root, &c->id);
	status = change_depend(root, c, &d);
	if (status == 0)
		status = check_depend(root, &c->id, &d);
	if (status == 0 && resource_is_active(resource_run_find(&r->groups, &c->id)) &&
	    !resource_provided(&r->groups, &d, NULL))
		status = ERR_RESOURCE_ONLINE; /* It would have to be stopped at once. */
	return status < 0 ? status : write_depend(db, &c->id, &d, c->time, batch);
}

/* Owners. */

static bool has_node(const struct command_ObjectNodes *c, struct u16 id)
{
	char16_t text[OBJECT_NODE_ID_MAX];

	for (uint32_t i = 0; i < c->nodes_count; i++)
		if (u16_equal(object_node_id(c->nodes[i], text), id))
			return true;
	return false;
}

static bool in_list(const struct db_key *key, struct u16 name, struct u16 id)
{
	struct u16 item;
	size_t at = 0;

	while (object_list_next(key, name, &at, &item))
		if (u16_equal(item, id))
			return true;
	return false;
}

static void change_set_list_empty(struct change *c, struct change_path path, struct u16 name)
{
	enum { REG_MULTI_SZ = 7 };
	struct db_value empty = { .name = name, .type = REG_MULTI_SZ, .data = (const uint8_t *)"\0", .len = 2 };

	change_set(c, path, &empty);
}

/* The list as it was, less what goes; an absent one of possible owners was all nodes. */
static void keep_others(struct change *c, struct change_path path, struct u16 list, const struct db_key *before,
    const struct db_key *object, const struct command_ObjectNodes *command)
{
	bool all = command->kind == OBJECT_RESOURCE && !db_value_find(object, list, NULL);
	struct u16 item;
	size_t at = 0;

	change_set_list_empty(c, path, list);
	while (!all && object_list_next(object, list, &at, &item))
		if (!has_node(command, item))
			change_list_add(c, path, list, item);
	for (size_t i = 0; all && i < object_count(before, OBJECT_NODE); i++)
		if (!has_node(command, object_id(object_at(before, OBJECT_NODE, i))))
			change_list_add(c, path, list, object_id(object_at(before, OBJECT_NODE, i)));
}

static int check_nodes(
    const struct db_key *root, const struct db_key *object, struct u16 list, const struct command_ObjectNodes *c)
{
	bool all = c->kind == OBJECT_RESOURCE && !db_value_find(object, list, NULL);
	char16_t text[OBJECT_NODE_ID_MAX];

	if (c->verb < NODES_VERB_SET || c->verb > NODES_VERB_REMOVE)
		return ERR_INVALID_PARAMETER;
	for (uint32_t i = 0; i < c->nodes_count; i++) {
		struct u16 id = object_node_id(c->nodes[i], text);

		if (object_by_id(root, OBJECT_NODE, id) == NULL)
			return ERR_CLUSTER_NODE_NOT_FOUND;
		for (uint32_t k = 0; k < i; k++)
			if (c->nodes[k] == c->nodes[i])
				return ERR_INVALID_PARAMETER;
		if (c->verb == NODES_VERB_ADD && (all || in_list(object, list, id)))
			return ERR_OBJECT_ALREADY_EXISTS;
		if (c->verb == NODES_VERB_REMOVE && !all && !in_list(object, list, id))
			return ERR_CLUSTER_NODE_NOT_FOUND;
	}
	return 0;
}

int group_apply_nodes(struct db *db, const struct command_ObjectNodes *c, struct buf *batch)
{
	enum object_kind kind = (enum object_kind)c->kind;
	struct u16 list = kind == OBJECT_GROUP ? U16("PreferredOwners") : U16("PossibleOwners");
	char16_t id_text[GUID_TEXT_LEN + 1], text[OBJECT_NODE_ID_MAX];
	struct u16 id = { id_text, GUID_TEXT_LEN };
	const struct db_key *object;
	struct change_path path;
	struct change change;
	int r;

	if (kind != OBJECT_GROUP && kind != OBJECT_RESOURCE)
		return ERR_INVALID_PARAMETER;
	guid_format_u16(&c->id, id_text);
	object = object_by_id(db_root(db), kind, id);
	if (object == NULL)
		return kind == OBJECT_GROUP ? ERR_GROUP_NOT_AVAILABLE : ERR_RESOURCE_NOT_AVAILABLE;
	r = check_nodes(db_root(db), object, list, c);
	if (r == 0)
		r = change_begin(&change, db, c->time, batch);
	if (r < 0)
		return r;
	path = CHANGE_PATH(object_container(kind), id);
	if (c->verb == NODES_VERB_SET)
		change_set_list_empty(&change, path, list);
	if (c->verb == NODES_VERB_REMOVE)
		keep_others(&change, path, list, db_snapshot_root(change.before),
		    object_by_id(db_snapshot_root(change.before), kind, id), c);
	else
		for (uint32_t i = 0; i < c->nodes_count; i++)
			change_list_add(&change, path, list, object_node_id(c->nodes[i], text));
	return change_end(&change);
}

/* What may be deleted or moved. */

static int may_delete_resource(const struct db_key *root, const struct runtime *r, const struct db_key *key)
{
	const struct db_key *group, *other_key;
	struct guid id, other;
	size_t at = 0;

	if (!guid_parse(object_id(key), &id))
		return 0;
	if (resource_is_active(resource_run_find(&r->groups, &id)) && !object_is_quorum(root, object_id(key)))
		return ERR_RESOURCE_ONLINE;
	group = group_of_resource(root, &id, NULL);
	while (group != NULL && group_next(root, group, &at, &other, &other_key)) {
		struct depend d = resource_depends(other_key);

		if (depend_has(&d, &id))
			return ERR_DEPENDENT_RESOURCE_EXISTS;
	}
	return 0;
}

int group_may_delete(const struct db *db, const struct runtime *r, enum object_kind kind, struct u16 id)
{
	const struct db_key *root = db_root(db), *object = object_by_id(root, kind, id), *key;
	struct guid member;
	size_t at = 0;

	if (object == NULL)
		return 0; /* object_delete() says what that is called. */
	if (kind == OBJECT_RESOURCE)
		return may_delete_resource(root, r, object);
	while (kind == OBJECT_GROUP && group_next(root, object, &at, &member, &key))
		if (resource_is_active(resource_run_find(&r->groups, &member)) &&
		    !object_is_quorum(root, object_id(key)))
			return ERR_RESOURCE_ONLINE;
	return 0;
}

void group_forget_deleted(const struct db *db, struct runtime *r)
{
	struct group_table *t = &r->groups;

	for (uint32_t i = t->resource_count; i-- > 0;) {
		struct guid id = t->resources[i].id;

		if (!resource_is_active(&t->resources[i]) && resource_key(db_root(db), &id) == NULL)
			resource_run_drop(t, &id);
	}
	for (uint32_t i = t->group_count; i-- > 0;) {
		struct guid id = t->groups[i].id;

		if (group_key(db_root(db), &id) == NULL)
			group_run_drop(t, &id);
	}
}

static uint32_t owner_of(const struct runtime *r, const struct db_key *group)
{
	const struct group_run *g;
	struct guid id;

	if (!guid_parse(object_id(group), &id))
		return 0;
	g = group_run_find(&r->groups, &id);
	return g != NULL && g->target == 0 ? g->owner : 0;
}

static int move_bound(struct db *db, const struct bound *b, struct u16 to, uint64_t time, struct buf *batch)
{
	const struct db_key *from;
	struct change c;
	int r = change_begin(&c, db, time, batch);

	if (r < 0)
		return r;
	for (size_t i = 0; i < b->count; i++) {
		char16_t text[GUID_TEXT_LEN + 1];
		struct u16 id = { text, GUID_TEXT_LEN };

		from = group_of_resource(db_snapshot_root(c.before), &b->ids[i], NULL);
		guid_format_u16(&b->ids[i], text);
		if (from != NULL)
			change_list_remove(
			    &c, CHANGE_PATH(object_container(OBJECT_GROUP), object_id(from)), U16("Contains"), id);
		change_list_add(&c, CHANGE_PATH(object_container(OBJECT_GROUP), to), U16("Contains"), id);
	}
	return change_end(&c);
}

int group_move_resource(
    struct db *db, const struct runtime *r, struct u16 resource, struct u16 group, uint64_t time, struct buf *batch)
{
	const struct db_key *root = db_root(db), *from = object_group_of(root, resource);
	const struct db_key *to = object_by_id(root, OBJECT_GROUP, group);
	struct bound *b;
	struct guid id;
	int status;

	if (object_by_id(root, OBJECT_RESOURCE, resource) == NULL || !guid_parse(resource, &id))
		return ERR_RESOURCE_NOT_FOUND;
	if (to == NULL)
		return ERR_GROUP_NOT_FOUND;
	if (from == to)
		return 0;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	status = from != NULL ? bound_all(root, from, &id, b) : bound_add(b, &id);
	for (size_t i = 0; i < b->count && status == 0; i++) {
		if (resource_key(root, &b->ids[i]) == NULL)
			status = ERR_DEPENDENCY_NOT_FOUND;
		else if (resource_is_active(resource_run_find(&r->groups, &b->ids[i])) &&
			 (from == NULL || owner_of(r, from) == 0 || owner_of(r, from) != owner_of(r, to)))
			status = ERR_RESOURCE_ONLINE;
	}
	if (status == 0)
		status = move_bound(db, b, group, time, batch);
	free(b);
	return status;
}
