/* changes: what an event did to which object, for programs that want to be told.  See changes.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/object/object.h"

struct cluster_result;
struct group_table;
struct interface_table;
struct runtime;
struct runtime_node;

/* Kinds of objects and what may happen to them, as MS-CMRP numbers them for ports of version 2 (2.2.2.4 and after).
 * What is not listed here does not happen in this program, or is of a client's making. */
enum change_type {
	CHANGE_CLUSTER = 1,
	CHANGE_GROUP = 2,
	CHANGE_RESOURCE = 3,
	CHANGE_TYPE = 4,
	CHANGE_INTERFACE = 5,
	CHANGE_NETWORK = 6,
	CHANGE_NODE = 7,
	CHANGE_REGISTRY = 8, /* Not among the changes of a result: whoever wants these reads the batch. */
	CHANGE_QUORUM = 9,
	CHANGE_TYPES_MAX = 17,
};
enum change_cluster {
	CHANGE_CLUSTER_GROUP_ADDED = 0x4,
	CHANGE_CLUSTER_NETWORK_ADDED = 0x10,
	CHANGE_CLUSTER_NODE_ADDED = 0x20,
	CHANGE_CLUSTER_TYPE_ADDED = 0x40,
	CHANGE_CLUSTER_COMMON = 0x80,
	CHANGE_CLUSTER_PRIVATE = 0x100,
	CHANGE_CLUSTER_LOST = 0x200, /* A port's own: events were dropped. */
	CHANGE_CLUSTER_RENAME = 0x400,
	CHANGE_CLUSTER_MEMBERSHIP = 0x800,
};
enum change_group {
	CHANGE_GROUP_DELETED = 0x1,
	CHANGE_GROUP_COMMON = 0x2,
	CHANGE_GROUP_PRIVATE = 0x4,
	CHANGE_GROUP_STATE = 0x8,
	CHANGE_GROUP_OWNER_NODE = 0x10,
	CHANGE_GROUP_PREFERRED_OWNERS = 0x20,
	CHANGE_GROUP_RESOURCE_ADDED = 0x40,
	CHANGE_GROUP_RESOURCE_GAINED = 0x80,
	CHANGE_GROUP_RESOURCE_LOST = 0x100,
};
enum change_resource {
	CHANGE_RESOURCE_COMMON = 0x1,
	CHANGE_RESOURCE_PRIVATE = 0x2,
	CHANGE_RESOURCE_STATE = 0x4,
	CHANGE_RESOURCE_OWNER_GROUP = 0x8,
	CHANGE_RESOURCE_DEPENDENCIES = 0x10,
	CHANGE_RESOURCE_DEPENDENTS = 0x20,
	CHANGE_RESOURCE_POSSIBLE_OWNERS = 0x40,
	CHANGE_RESOURCE_DELETED = 0x80,
};
enum change_kind { /* Of a resource type, a network, an interface. */
	CHANGE_DELETED = 0x1,
	CHANGE_COMMON = 0x2,
	CHANGE_PRIVATE = 0x4,
	CHANGE_STATE = 0x8, /* Not of a type. */
};
enum change_node {
	CHANGE_NODE_INTERFACE_ADDED = 0x1,
	CHANGE_NODE_DELETED = 0x2,
	CHANGE_NODE_COMMON = 0x4,
	CHANGE_NODE_PRIVATE = 0x8,
	CHANGE_NODE_STATE = 0x10,
	CHANGE_NODE_GROUP_GAINED = 0x20,
	CHANGE_NODE_GROUP_LOST = 0x40,
};
enum change_registry { CHANGE_REGISTRY_ATTRIBUTES = 0x1, CHANGE_REGISTRY_NAME = 0x2, CHANGE_REGISTRY_VALUE = 0x8 };
enum change_quorum { CHANGE_QUORUM_STATE = 0x1 };

/* A list of changed properties that is longer is left out: the event says that there are some. */
enum { CHANGE_DATA_MAX = 16 << 10 };

enum node_state { NODE_UP = 0, NODE_DOWN = 1, NODE_PAUSED = 2 };

/* One thing that happened.  All texts are terminated, "" where there is none, and live as long as the result. */
struct cluster_change {
	uint32_t type;         /* enum change_type */
	uint32_t what;         /* One bit, of the type's enum. */
	uint32_t sequence;     /* Of the object's state, after the event. */
	const char16_t *about; /* Id of the object of that type whose change it is; of the cluster "". */
	const char16_t *id, *parent, *name, *type_name; /* As the event tells them, see docs/design/notifications.md. */
	const uint8_t *data;
	size_t len;
};

/* A moment of the state. */
struct changes_view {
	const struct db_key *root;
	const struct group_table *groups;
	const struct interface_table *interfaces;
	const struct runtime_node *up;
	size_t up_count;
};
struct changes_view changes_view_of(const struct db *db, const struct runtime *r);

/* The number of an object's state: it is another one whenever the state may have become another one.  0 of what is not
 * there. */
uint32_t changes_sequence(const struct changes_view *v, enum object_kind kind, struct u16 id);
enum node_state changes_node_state(const struct changes_view *v, struct u16 id);

/* The moment before an event is kept, the event applied, and the difference found.  runtime: what runs may change.
 * begin: -ENOMEM.  end: appends to the result's changes and leaves it the snapshot; -ENOMEM. */
struct changes_before {
	struct db_snapshot *database;
	struct group_table *groups; /* Owned copy, NULL: as after. */
	struct interface_table *interfaces; /* The same. */
	struct runtime_node *up;    /* The same. */
	size_t up_count;
};
int changes_begin(struct changes_before *b, struct db *db, const struct runtime *r, bool runtime);
int changes_end(struct changes_before *b, const struct db *db, const struct runtime *r, struct cluster_result *ret);
void changes_abandon(struct changes_before *b); /* Instead of changes_end(). */
