/* object: nodes, groups, resources, types, networks and interfaces as views of their keys.
 *
 * Why      the database is all that a backup holds, so whatever an object is must be there; a second copy in memory would
 *          have to be kept equal to it.  An object *is* its key:
 *
 *             Nodes\<number>              NodeName                  the id is a small decimal number
 *             Groups\<GUID>               Name, Contains (MULTI_SZ of resource GUIDs), GroupType …
 *             Resources\<GUID>            Name, Type, Parameters\ …
 *             ResourceTypes\<name>        the name is the id; DllName, LooksAlivePollInterval …
 *             Networks\<GUID>, NetworkInterfaces\<GUID>   Name …
 *
 * Promise  reading only; never an assertion about what the database holds: an administrator may have written anything
 *          there.  What is missing or of the wrong type reads as empty.
 * Cost     finding by name walks the container; a cluster has hundreds of objects.
 * Threads  those of the key that is passed in.      Tests  tests/unit/object.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/object.h"
#include "base/bytes.h"
#include <stdio.h>

enum { REG_SZ = 1, REG_DWORD = 4, REG_MULTI_SZ = 7 };

static const struct {
	struct u16 container, name_value;
	int not_found;
} kinds[] = {
	[OBJECT_NODE] = { U16("Nodes"), U16("NodeName"), ERR_CLUSTER_NODE_NOT_FOUND },
	[OBJECT_GROUP] = { U16("Groups"), U16("Name"), ERR_GROUP_NOT_FOUND },
	[OBJECT_RESOURCE] = { U16("Resources"), U16("Name"), ERR_RESOURCE_NOT_FOUND },
	[OBJECT_TYPE] = { U16("ResourceTypes"), { NULL, 0 }, ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND },
	[OBJECT_NETWORK] = { U16("Networks"), U16("Name"), ERR_CLUSTER_NETWORK_NOT_FOUND },
	[OBJECT_INTERFACE] = { U16("NetworkInterfaces"), U16("Name"), ERR_CLUSTER_NETINTERFACE_NOT_FOUND },
};

struct u16 object_container(enum object_kind kind)
{
	assert(kind >= OBJECT_NODE && kind <= OBJECT_INTERFACE);
	return kinds[kind].container;
}

int object_not_found(enum object_kind kind)
{
	assert(kind >= OBJECT_NODE && kind <= OBJECT_INTERFACE);
	return kinds[kind].not_found;
}

/* An id or name that leads anywhere else than to a child is none. */
static bool is_component(struct u16 name)
{
	return name.len > 0 && !u16_has_unit(name, '\\');
}

const struct db_key *object_by_id(const struct db_key *root, enum object_kind kind, struct u16 id)
{
	const struct db_key *container = db_find(root, object_container(kind));

	return container != NULL && is_component(id) ? db_find(container, id) : NULL;
}

const struct db_key *object_find(const struct db_key *root, enum object_kind kind, struct u16 name)
{
	if (name.len == 0)
		return NULL; /* Not one whose name is missing. */
	for (size_t i = 0; i < object_count(root, kind); i++) {
		const struct db_key *object = object_at(root, kind, i);

		if (u16_equal(object_name(object, kind), name))
			return object;
	}
	return object_by_id(root, kind, name);
}

size_t object_count(const struct db_key *root, enum object_kind kind)
{
	const struct db_key *container = db_find(root, object_container(kind));

	return container != NULL ? db_key_count(container) : 0;
}

const struct db_key *object_at(const struct db_key *root, enum object_kind kind, size_t index)
{
	return db_key_at(db_find(root, object_container(kind)), index);
}

struct u16 object_id(const struct db_key *object)
{
	return db_key_name(object);
}

struct u16 object_name(const struct db_key *object, enum object_kind kind)
{
	if (kind == OBJECT_TYPE)
		return db_key_name(object);
	return object_string(object, kinds[kind].name_value);
}

const struct db_key *object_group_of(const struct db_key *root, struct u16 resource_id)
{
	for (size_t i = 0; i < object_count(root, OBJECT_GROUP); i++) {
		const struct db_key *group = object_at(root, OBJECT_GROUP, i);
		struct u16 id;
		size_t at = 0;

		while (object_list_next(group, U16("Contains"), &at, &id))
			if (u16_equal(id, resource_id))
				return group;
	}
	return NULL;
}

struct u16 object_type_of(const struct db_key *resource)
{
	return object_string(resource, U16("Type"));
}

/* The units of a string value; db keeps data aligned for this. */
static struct u16 value_units(const struct db_value *v)
{
	assert((uintptr_t)v->data % _Alignof(char16_t) == 0);
	return (struct u16){ (const char16_t *)(const void *)v->data, v->len / sizeof(char16_t) };
}

struct u16 object_string(const struct db_key *key, struct u16 name)
{
	struct db_value v;
	struct u16 s;

	if (!db_value_find(key, name, &v) || v.type != REG_SZ)
		return (struct u16){ 0 };
	s = value_units(&v);
	for (size_t i = 0; i < s.len; i++)
		if (s.units[i] == 0)
			s.len = i;
	return s;
}

bool object_number(const struct db_key *key, struct u16 name, uint32_t *ret)
{
	struct db_value v;

	if (!db_value_find(key, name, &v) || v.type != REG_DWORD || v.len != sizeof(uint32_t))
		return false;
	*ret = get_le32(v.data);
	return true;
}

bool object_list_next(const struct db_key *key, struct u16 name, size_t *at, struct u16 *ret)
{
	struct db_value v;
	struct u16 s;
	size_t end;

	if (!db_value_find(key, name, &v) || v.type != REG_MULTI_SZ)
		return false;
	s = value_units(&v);
	for (end = *at; end < s.len && s.units[end] != 0; end++)
		;
	if (end == *at)
		return false; /* An empty item ends the list; so does the end of the data. */
	*ret = (struct u16){ s.units + *at, end - *at };
	*at = MIN(end + 1, s.len);
	return true;
}

bool object_is_quorum(const struct db_key *root, struct u16 resource_id)
{
	const struct db_key *quorum = db_find(root, U16("Quorum"));

	return quorum != NULL && u16_equal(object_string(quorum, U16("Resource")), resource_id);
}

uint32_t object_node_number(struct u16 id)
{
	uint32_t number = 0;

	for (size_t i = 0; i < id.len && id.units[i] >= '0' && id.units[i] <= '9' && number < 100000000; i++)
		number = number * 10 + (uint32_t)(id.units[i] - '0');
	return number;
}

struct u16 object_node_id(uint32_t number, char16_t text[OBJECT_NODE_ID_MAX])
{
	char narrow[OBJECT_NODE_ID_MAX];
	struct u16 id = { text, (size_t)snprintf(narrow, sizeof(narrow), "%u", (unsigned)number) };

	for (size_t i = 0; i <= id.len; i++)
		text[i] = (unsigned char)narrow[i];
	return id;
}
