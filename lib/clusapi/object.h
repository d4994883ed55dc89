/* object: what stands behind the handles of nodes, groups, resources, networks and interfaces; see object.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/clusapi/cluster.h"
#include "wire/clusapi.h"

struct named { /* HNODE, HGROUP, HRESOURCE, HNETWORK, HNETINTERFACE */
	struct object object;
	struct remote remote;
	struct cluster *cluster; /* Referenced. */
	/* Never changed once there is a handle. */
	DWORD access;
	char16_t id[64];
};

/* The object of a handle, referenced.  ERR_INVALID_HANDLE. */
int named_get(const void *handle, enum object_kind kind, struct named **ret);
/* That of the second handle of a call, for a first one of that cluster; perhaps opened anew there.
 * ERR_INVALID_HANDLE; ERR_INVALID_TARGET_HANDLE: it may be of another cluster. */
int named_get_second(const void *handle, enum object_kind kind, struct cluster *first, struct named **ret);
static inline void named_put(struct named **n)
{
	if (*n != NULL)
		object_unref(&(*n)->object);
}
#define _cleanup_named_ _cleanup_(named_put)

/* One without a handle yet, for a call that opens or makes an object; then what it is when the call has succeeded. */
int named_new(struct cluster *c, enum object_kind kind, DWORD access, struct named **ret);
int named_opened(struct named *n, const struct ndr_handle *on_server, void **ret_handle);
/* Open by name or id. */
int named_open(
    HCLUSTER hCluster, enum object_kind kind, LPCWSTR name, DWORD access, DWORD *ret_granted, void **ret_handle);
BOOL named_close(const void *handle, enum object_kind kind);

/* The id, if the object is still there. */
DWORD named_id(const void *handle, enum object_kind kind, LPWSTR buffer, LPDWORD count);
/* A method {handle} → {state, …}; -1 and the last error. */
int named_state(const void *handle, enum object_kind kind, unsigned method);

/* Methods that answer with nothing but a status.  *in begins with the place of the handle, and is written to. */
DWORD named_request(const void *handle, enum object_kind kind, unsigned method, void *in);
/* The same with a second handle behind the first. */
DWORD named_request2(const void *handle, enum object_kind kind, const void *second, enum object_kind second_kind,
    unsigned method, void *in);
/* {handle, flags, buffer}: for the Ex forms of online and offline. */
DWORD named_request_ex(
    const void *handle, enum object_kind kind, unsigned method, DWORD flags, const BYTE *buffer, DWORD size);
/* {handle, text}: text must not be NULL. */
DWORD named_rename(const void *handle, enum object_kind kind, unsigned method, LPCWSTR text);

/* A function of nothing but a handle. */
#define DEFINE_REQUEST(Function, TYPE, kind, METHOD)                                                                   \
	DWORD Function(TYPE handle)                                                                                    \
	{                                                                                                              \
		struct ndr_handle in;                                                                                  \
                                                                                                                       \
		return named_request(handle, kind, CLUSAPI_##METHOD, &in);                                             \
	}
