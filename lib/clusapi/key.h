/* key: what stands behind HKEY; see key.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/clusapi/cluster.h"

struct key {
	struct object object;
	struct remote remote;
	REGSAM sam;
	bool was_open; /* If it is not found now, it has been deleted. */
	size_t path_len;
	char16_t path[]; /* Below the root; terminated. */
};

int key_get(HKEY handle, struct key **ret);
static inline void key_put(struct key **k)
{
	if (*k != NULL)
		object_unref(&(*k)->object);
}
#define _cleanup_key_ _cleanup_(key_put)
