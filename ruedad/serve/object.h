/* object: the objects behind context handles; see object.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/object/object.h"
#include "ruedad/serve/serve.h"

struct object_in {
	struct u16 id;
	uint32_t access; /* SERVE_READ or SERVE_ALL. */
	const struct db_key *key;
};

/* The object behind a handle, if it is still there. */
int object_in(struct serve_call *c, const struct ndr_handle *handle, enum object_kind kind, struct object_in *ret);
