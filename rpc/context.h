/* context: context handles: the 20 bytes by which a client names an object of a server between calls.  See context.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/call.h"

enum { RPC_HANDLE_SIZE = 20 };

/* As on the wire: u32 attributes (0), then 16 bytes of the server's choice.  All zeros is the NULL handle. */
struct rpc_handle {
	uint8_t bytes[RPC_HANDLE_SIZE];
};

/* One for each kind of object; compared by address. */
struct rpc_handle_type {
	const char *name;
	/* The handle is gone without having been closed: the last connection of its group went, or all handles ended.
	 */
	void (*rundown)(void *object);
};

bool rpc_handle_is_null(const struct rpc_handle *h);

/* A handle that the caller's association group, on the call's interface, may use from now on; access is the caller's
 * own note.  ERR_TOO_MANY_OPEN_FILES: the limit; ERR_RPC_S_CALL_FAILED: the group has gone meanwhile; -ENOMEM.
 * On failure the object stays with the caller. */
int rpc_handle_new(
    struct rpc_call *call, const struct rpc_handle_type *type, void *object, uint32_t access, struct rpc_handle *ret);

/* What a handle stands for.  type NULL: any; *ret_type (may be NULL) tells which.  ERR_INVALID_HANDLE: not a handle of
 * this group and interface, or of another type; the call then ends with rpc_call_fail(). */
struct rpc_handle_value {
	const struct rpc_handle_type *type;
	void *object;
	uint32_t access;
};
int rpc_handle_find(struct rpc_call *call, const struct rpc_handle *h, const struct rpc_handle_type *type,
    struct rpc_handle_value *ret);
/* The same, and the handle is no more; its rundown is not called.  *h becomes the NULL handle. */
int rpc_handle_close(
    struct rpc_call *call, struct rpc_handle *h, const struct rpc_handle_type *type, struct rpc_handle_value *ret);
