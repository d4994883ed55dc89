/* cluster: what stands behind HCLUSTER and the handles got from it; see cluster.c, key.c, object.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "include/clusapi.h"
#include "lib/clusapi/handle.h"
#include "lib/clusapi/lasterror.h"
#include "lib/clusapi/link.h"

struct cluster {
	struct object object;
	struct remote remote;
	DWORD access; /* GENERIC_READ or GENERIC_ALL. */
};

/* The object of a handle, referenced; for functions that begin with an HCLUSTER. */
int cluster_get(HCLUSTER handle, struct cluster **ret);
/* Is the handle good on the server too?  ERR_INVALID_HANDLE after a restore. */
int cluster_check(struct cluster *c);
static inline void cluster_put(struct cluster **c)
{
	if (*c != NULL)
		object_unref(&(*c)->object);
}
#define _cleanup_cluster_ _cleanup_(cluster_put)
#define _cleanup_arena_ _cleanup_(arena_done)

/* A path below the root of the database as a key handle of the program. */
int key_open_path(struct link *l, const char16_t *path, REGSAM sam, HKEY *ret);
/* "container\id" as such a handle; for the Get…Key functions. */
int key_open_object(struct link *l, struct u16 container, struct u16 id, REGSAM sam, HKEY *ret);

/* Names in and out. */
static inline const char16_t *units(LPCWSTR s)
{
	return (const char16_t *)s;
}
/* s without its terminator into buffer: *count is its capacity with, and becomes the length without the terminator.  A NULL
 * buffer asks for the length.  -EINVAL: there is no count; ERR_MORE_DATA. */
int put_name(const char16_t *s, LPWSTR buffer, LPDWORD count);

/* Exactly a letter, a colon and the end: how the quorum drive is named. */
static inline bool is_drive(LPCWSTR drive)
{
	WCHAR letter = drive[0] | 0x20;

	return letter >= 'a' && letter <= 'z' && drive[1] == ':' && drive[2] == 0;
}
