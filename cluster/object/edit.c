/* edit: objects created, deleted and renamed.
 *
 * Why      the rules between objects (names are unique within a kind, a resource is in exactly one group and of a known
 *          type, what is in use is not deleted) must be checked where the order of changes is fixed: here, in apply.
 * How      each function looks at the database, refuses with the documented error, or makes one change (change.h).
 *          Ids come from the command, drawn by the proposer, since apply knows no chance; a node's number is the lowest
 *          that is free and nobody's name.
 * Rules    MS-CMRP opnums 9, 10, 13, 25, 26, 27, 42, 43, 46; docs/design/cluster.md lists them.
 * Threads  the loop thread.          Tests  tests/unit/object.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/edit.h"
#include "cluster/object/change.h"
#include "cluster/object/type.h"
#include <stdio.h>

enum { QUORUM_PATH_MAX = 260 };

#define CONTAINS U16("Contains")

static struct change_path object_path(enum object_kind kind, struct u16 id)
{
	return CHANGE_PATH(object_container(kind), id);
}

static int check_name(enum object_kind kind, struct u16 name)
{
	if (name.len == 0)
		return ERR_INVALID_NAME;
	if (name.len > OBJECT_NAME_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	/* A type's and a node's name is used in paths; control characters make no name of anything. */
	for (size_t i = 0; i < name.len; i++)
		if (name.units[i] < ' ' || ((kind == OBJECT_TYPE || kind == OBJECT_NODE) && name.units[i] == '\\'))
			return ERR_INVALID_NAME;
	return 0;
}

static int check_resource(const struct db_key *root, const struct object_creation *o, struct u16 group)
{
	if (object_by_id(root, OBJECT_GROUP, group) == NULL)
		return ERR_GROUP_NOT_AVAILABLE;
	if (object_by_id(root, OBJECT_TYPE, o->type_name) == NULL)
		return ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND;
	return 0;
}

/* The lowest number that no node has as its id or its name, as the text that is the id. */
static struct u16 free_node_id(const struct db_key *root, char16_t text[16])
{
	for (unsigned number = 1;; number++) {
		char narrow[16];
		struct u16 id = { text, 0 };

		id.len = (size_t)snprintf(narrow, sizeof(narrow), "%u", number);
		for (size_t i = 0; i <= id.len; i++)
			text[i] = (unsigned char)narrow[i];
		if (object_find(root, OBJECT_NODE, id) == NULL)
			return id;
	}
}

static void create_type(struct change *c, const struct object_creation *o)
{
	struct change_path path = object_path(OBJECT_TYPE, o->name);

	change_set_string(c, path, U16("Name"), o->display_name.len > 0 ? o->display_name : o->name);
	change_set_string(c, path, U16("DllName"), o->type_name);
	change_set_number(c, path, U16("LooksAlivePollInterval"), o->looks_alive_ms);
	change_set_number(c, path, U16("IsAlivePollInterval"), o->is_alive_ms);
	change_create_key(c, CHANGE_PATH(object_container(OBJECT_TYPE), o->name, U16("Parameters")));
}

static void create_resource(struct change *c, const struct object_creation *o, struct u16 id, struct u16 group)
{
	struct change_path path = object_path(OBJECT_RESOURCE, id);

	change_set_string(c, path, U16("Name"), o->name);
	change_set_string(c, path, U16("Type"), o->type_name);
	change_set_number(c, path, U16("SeparateMonitor"), o->flags & 1);
	change_create_key(c, CHANGE_PATH(object_container(OBJECT_RESOURCE), id, U16("Parameters")));
	change_list_add(c, object_path(OBJECT_GROUP, group), CONTAINS, id);
}

int object_create(struct db *db, const struct object_creation *o, struct buf *batch)
{
	const struct db_key *root = db_root(db);
	char16_t id_text[GUID_TEXT_LEN + 1], group_text[GUID_TEXT_LEN + 1];
	struct u16 id = { id_text, GUID_TEXT_LEN }, group = { group_text, GUID_TEXT_LEN };
	struct change c;
	int r = check_name(o->kind, o->name);

	if (r < 0)
		return r;
	if (object_find(root, o->kind, o->name) != NULL)
		return o->kind == OBJECT_NODE   ? ERR_CLUSTER_NODE_EXISTS
		       : o->kind == OBJECT_TYPE ? ERR_ALREADY_EXISTS
						: ERR_OBJECT_ALREADY_EXISTS;
	guid_format_u16(&o->id, id_text);
	guid_format_u16(&o->group_id, group_text);
	if (o->kind == OBJECT_NODE)
		id = free_node_id(root, id_text);
	else if (o->kind == OBJECT_TYPE)
		id = o->name;
	if (object_by_id(root, o->kind, id) != NULL)
		return ERR_OBJECT_ALREADY_EXISTS;
	if (o->kind == OBJECT_RESOURCE && (r = check_resource(root, o, group)) < 0)
		return r;

	r = change_begin(&c, db, o->time, batch);
	if (r < 0)
		return r;
	change_create_key(&c, object_path(o->kind, id));
	switch (o->kind) {
	case OBJECT_NODE:
		change_set_string(&c, object_path(o->kind, id), U16("NodeName"), o->name);
		break;
	case OBJECT_TYPE:
		create_type(&c, o);
		break;
	case OBJECT_RESOURCE:
		create_resource(&c, o, id, group);
		break;
	case OBJECT_GROUP:
		change_set_string(&c, object_path(o->kind, id), U16("Name"), o->name);
		change_set_number(&c, object_path(o->kind, id), U16("GroupType"), o->flags);
		break;
	case OBJECT_NETWORK:
	case OBJECT_INTERFACE:
		change_set_string(&c, object_path(o->kind, id), U16("Name"), o->name);
		break;
	}
	return change_end(&c);
}

static bool holds_quorum_resource(const struct db_key *root, const struct db_key *group)
{
	struct u16 id;
	size_t at = 0;

	while (object_list_next(group, CONTAINS, &at, &id))
		if (object_is_quorum(root, id))
			return true;
	return false;
}

static bool type_is_used(const struct db_key *root, struct u16 type)
{
	for (size_t i = 0; i < object_count(root, OBJECT_RESOURCE); i++)
		if (u16_equal(object_type_of(object_at(root, OBJECT_RESOURCE, i)), type))
			return true;
	return false;
}

bool object_is_core(const struct db_key *root, enum object_kind kind, const struct db_key *object)
{
	return (kind == OBJECT_GROUP && holds_quorum_resource(root, object)) ||
	       (kind == OBJECT_RESOURCE && object_is_quorum(root, object_id(object)));
}

int object_check_delete(const struct db_key *root, enum object_kind kind, const struct db_key *object, uint32_t flags)
{
	struct u16 first;
	size_t at = 0;

	switch (kind) {
	case OBJECT_GROUP:
		if (holds_quorum_resource(root, object))
			return ERR_CORE_RESOURCE;
		if (!(flags & OBJECT_DELETE_FORCE) && object_list_next(object, CONTAINS, &at, &first))
			return ERR_DIR_NOT_EMPTY;
		return 0;
	case OBJECT_RESOURCE:
		return object_is_quorum(root, object_id(object)) ? ERR_QUORUM_RESOURCE : 0;
	case OBJECT_TYPE:
		return type_is_used(root, object_id(object)) ? ERR_DIR_NOT_EMPTY : 0;
	case OBJECT_NODE:
		return object_count(root, OBJECT_NODE) == 1 ? ERR_CANT_EVICT_ACTIVE_NODE : 0;
	case OBJECT_NETWORK:
	case OBJECT_INTERFACE:
		return 0;
	}
	return ERR_INVALID_PARAMETER;
}

int object_delete(struct db *db, enum object_kind kind, struct u16 id, uint32_t flags, uint64_t time, struct buf *batch)
{
	const struct db_key *root = db_root(db), *object = object_by_id(root, kind, id), *group;
	struct db_snapshot *before;
	struct change c;
	struct u16 member;
	size_t at = 0;
	int r;

	if (object == NULL)
		return object_not_found(kind);
	r = object_check_delete(root, kind, object, flags);
	if (r < 0)
		return r;
	r = change_begin(&c, db, time, batch);
	if (r < 0)
		return r;
	/* The walk goes over the moment before: the head changes under it. */
	before = c.before;
	root = db_snapshot_root(before);
	if (kind == OBJECT_GROUP) {
		object = object_by_id(root, kind, id);
		while (object_list_next(object, CONTAINS, &at, &member))
			if (object_by_id(db_root(db), OBJECT_RESOURCE, member) != NULL) /* It may be listed twice. */
				change_delete_key(&c, object_path(OBJECT_RESOURCE, member));
	}
	if (kind == OBJECT_RESOURCE) {
		group = object_group_of(root, id);
		if (group != NULL)
			change_list_remove(&c, object_path(OBJECT_GROUP, object_id(group)), CONTAINS, id);
	}
	change_delete_key(&c, object_path(kind, id));
	return change_end(&c);
}

int object_check_rename(const struct db_key *root, enum object_kind kind, const struct db_key *object, struct u16 name)
{
	const struct db_key *other;
	int r;

	if (kind == OBJECT_TYPE || kind == OBJECT_NODE)
		return ERR_INVALID_PARAMETER; /* Their name is their identity. */
	r = check_name(kind, name);
	if (r < 0)
		return r;
	other = object_find(root, kind, name);
	return other != NULL && other != object ? ERR_ALREADY_EXISTS : 0;
}

int object_rename(
    struct db *db, enum object_kind kind, struct u16 id, struct u16 name, uint64_t time, struct buf *batch)
{
	const struct db_key *root = db_root(db), *object = object_by_id(root, kind, id);
	struct change c;
	int r = object == NULL ? object_not_found(kind) : object_check_rename(root, kind, object, name);

	if (r < 0)
		return r;
	r = change_begin(&c, db, time, batch);
	if (r < 0)
		return r;
	change_set_string(&c, object_path(kind, id), U16("Name"), name);
	return change_end(&c);
}

const struct db_key *cluster_name_resource(const struct db_key *root)
{
	const struct db_key *quorum = db_find(root, U16("Quorum"));
	const struct db_key *core =
	    quorum != NULL ? object_group_of(root, object_string(quorum, U16("Resource"))) : NULL;
	struct u16 id;
	size_t at = 0;

	while (core != NULL && object_list_next(core, CONTAINS, &at, &id)) {
		const struct db_key *resource = object_by_id(root, OBJECT_RESOURCE, id);

		if (resource != NULL && u16_equal(object_type_of(resource), U16("Network Name")))
			return resource;
	}
	return NULL;
}

int cluster_rename(struct db *db, struct u16 name, uint64_t time, struct buf *batch)
{
	const struct db_key *resource;
	struct change c;
	int r;

	if (name.len == 0)
		return ERR_INVALID_NAME;
	if (name.len > 63)
		return ERR_FILENAME_EXCED_RANGE; /* MAX_CLUSTERNAME_LENGTH: a DNS label. */
	for (size_t i = 0; i < name.len; i++)
		if (name.units[i] <= ' ' || u16_has_unit(U16("\\/:*?\"<>|,"), name.units[i]))
			return ERR_INVALID_NAME;
	r = change_begin(&c, db, time, batch);
	if (r < 0)
		return r;
	change_set_string(&c, CHANGE_PATH(), U16("ClusterName"), name);
	resource = cluster_name_resource(db_snapshot_root(c.before));
	if (resource != NULL)
		change_set_string(&c,
		    CHANGE_PATH(object_container(OBJECT_RESOURCE), object_id(resource), U16("Parameters")), U16("Name"),
		    name);
	return change_end(&c);
}

static int check_quorum(const struct db_key *root, struct u16 id, struct u16 path)
{
	const struct db_key *resource = object_by_id(root, OBJECT_RESOURCE, id), *group;

	if (resource == NULL)
		return ERR_RESOURCE_NOT_AVAILABLE;
	if (!(type_traits(object_type_of(resource))->characteristics & TYPE_CHARACTERISTIC_QUORUM))
		return ERR_NOT_QUORUM_CAPABLE;
	group = object_group_of(root, id);
	if (group == NULL || !object_is_core(root, OBJECT_GROUP, group))
		return ERR_INVALID_PARAMETER; /* Or another group would be the cluster's own. */
	if (path.len > QUORUM_PATH_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	for (size_t i = 0; i < path.len; i++)
		if (path.units[i] < ' ')
			return ERR_INVALID_NAME;
	return 0;
}

int cluster_set_quorum(struct db *db, const struct guid *resource, struct u16 path, uint32_t max_log_size, uint64_t time,
    struct buf *batch)
{
	const struct change_path quorum = CHANGE_PATH(U16("Quorum"));
	char16_t text[GUID_TEXT_LEN + 1];
	struct u16 id = { text, GUID_TEXT_LEN };
	struct change c;
	int r;

	guid_format_u16(resource, text);
	r = check_quorum(db_root(db), id, path);
	if (r == 0)
		r = change_begin(&c, db, time, batch);
	if (r < 0)
		return r;
	change_set_string(&c, quorum, U16("Resource"), id);
	if (path.len > 0)
		change_set_string(&c, quorum, U16("Path"), path);
	if (max_log_size > 0)
		change_set_number(&c, quorum, U16("MaxQuorumLogSize"), max_log_size);
	return change_end(&c);
}
