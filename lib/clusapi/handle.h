/* handle: what stands behind the handles that programs hold; see handle.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Each type of handle in clusapi/types.h has a kind. */
enum object_kind {
	OBJECT_CLUSTER,
	OBJECT_NODE,
	OBJECT_GROUP,
	OBJECT_RESOURCE,
	OBJECT_NETWORK,
	OBJECT_NETINTERFACE,
	OBJECT_GROUPSET,
	OBJECT_KEY,
	OBJECT_PORT, /* HCHANGE */
	OBJECT_ENUM,
	OBJECT_ENUM_EX,
	OBJECT_NODE_ENUM,
	OBJECT_NODE_ENUM_EX,
	OBJECT_GROUP_ENUM,
	OBJECT_GROUP_ENUM_EX,
	OBJECT_GROUPSET_ENUM,
	OBJECT_RESOURCE_ENUM,
	OBJECT_RESOURCE_ENUM_EX,
	OBJECT_RESTYPE_ENUM,
	OBJECT_NETWORK_ENUM,
	OBJECT_NETINTERFACE_ENUM,
	OBJECT_BATCH,
	OBJECT_BATCH_PORT,
	OBJECT_BATCH_NOTIFICATION,
	OBJECT_READ_BATCH,
	OBJECT_READ_BATCH_REPLY,
	OBJECT_KIND_COUNT,
};

/* The head of everything that a handle can stand for.  Who holds a reference may use it. */
struct object {
	enum object_kind kind;
	_Atomic uint32_t references;
	void (*destroy)(struct object *o); /* Called with the last reference gone, on whichever thread that happens. */
};

void object_init(struct object *o, enum object_kind kind, void (*destroy)(struct object *o)); /* One reference. */
struct object *object_ref(struct object *o);
void object_unref(struct object *o); /* NULL is allowed. */
DEFINE_FREEP(struct object, object_unref)
#define _cleanup_object_ _cleanup_(object_unrefp)

/* Give an object a handle; the table takes a reference of its own.  -ENOMEM, ERR_TOO_MANY_OPEN_FILES. */
int handle_open(struct object *o, void **ret_handle);
/* The object of a handle, with a reference for the caller.  ERR_INVALID_HANDLE for any other bit pattern, another
 * kind, or a handle that has been closed. */
int handle_get(const void *handle, enum object_kind kind, struct object **ret);
/* Close a handle: from now on it is invalid, while calls that hold references go on.  The reference of the table goes
 * to the caller, who wakes whoever waits in the object and drops it.  ERR_INVALID_HANDLE. */
int handle_take(const void *handle, enum object_kind kind, struct object **ret);

/* Be told of every object whose handle has just been closed, by the thread that closes it; NULL: no more. */
void handle_on_take(void (*taken)(struct object *o));

size_t handle_count(void); /* Open ones; for tests. */
