/* object: nodes, groups, resources, types, networks and interfaces as views of their keys.  See object.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/guid.h"
#include "cluster/db/db.h"

/* The numbers are part of the log's commands (idl/command.idl): never renumber. */
enum object_kind {
	OBJECT_NODE = 1,
	OBJECT_GROUP = 2,
	OBJECT_RESOURCE = 3,
	OBJECT_TYPE = 4,
	OBJECT_NETWORK = 5,
	OBJECT_INTERFACE = 6,
};

#define OBJECT_NAME_MAX 255 /* Units. */

/* The key below the root that holds the objects of a kind: "Groups". */
struct u16 object_container(enum object_kind kind);
/* "No such group", "no such node" … as an error of ours. */
int object_not_found(enum object_kind kind);

/* Objects are found by id (the name of their key) or, object_find(), by name or id.  NULL: there is none. */
const struct db_key *object_by_id(const struct db_key *root, enum object_kind kind, struct u16 id);
const struct db_key *object_find(const struct db_key *root, enum object_kind kind, struct u16 name);
size_t object_count(const struct db_key *root, enum object_kind kind);
const struct db_key *object_at(const struct db_key *root, enum object_kind kind, size_t index);
struct u16 object_id(const struct db_key *object);
struct u16 object_name(const struct db_key *object, enum object_kind kind);

/* The group that a resource is in, and the type that it is of; NULL, empty: the database is not whole there. */
const struct db_key *object_group_of(const struct db_key *root, struct u16 resource_id);
struct u16 object_type_of(const struct db_key *resource);

/* Whether a resource is the one that the quorum is kept on. */
bool object_is_quorum(const struct db_key *root, struct u16 resource_id);

/* A node's id is its number as text.  0: it is none. */
uint32_t object_node_number(struct u16 id);
#define OBJECT_NODE_ID_MAX 12
struct u16 object_node_id(uint32_t number, char16_t text[OBJECT_NODE_ID_MAX]);

/* Values as what they are.  A string comes without its terminator; a wrong type or size is as good as missing. */
struct u16 object_string(const struct db_key *key, struct u16 name);
bool object_number(const struct db_key *key, struct u16 name, uint32_t *ret);
/* The items of a MULTI_SZ: *at starts at 0; false at the end. */
bool object_list_next(const struct db_key *key, struct u16 name, size_t *at, struct u16 *ret);
