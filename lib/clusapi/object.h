/* object: what stands behind the handles of nodes, groups, resources, networks and interfaces; see object.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/clusapi/cluster.h"

struct named { /* HNODE, HGROUP, HRESOURCE, HNETWORK, HNETINTERFACE */
	struct object object;
	struct remote remote;
	struct cluster *cluster; /* Referenced. */
	DWORD access;
	char16_t id[64]; /* Or the name, as long as the id is not known. */
};

/* The object of a handle, referenced.  ERR_INVALID_HANDLE. */
int named_get(const void *handle, enum object_kind kind, struct named **ret);
static inline void named_put(struct named **n)
{
	if (*n != NULL)
		object_unref(&(*n)->object);
}
#define _cleanup_named_ _cleanup_(named_put)
