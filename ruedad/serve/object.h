/* object: the objects behind context handles; see object.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/object/property.h"
#include "ruedad/serve/serve.h"

struct object_in {
	struct u16 id;
	uint32_t access; /* SERVE_READ or SERVE_ALL. */
	const struct db_key *key;
};

/* The object behind a handle, if it is still there. */
int object_in(struct serve_call *c, const struct ndr_handle *handle, enum object_kind kind, struct object_in *ret);
/* The same, if the handle may be used to change it: else ERR_ACCESS_DENIED. */
int object_to_change(
    struct serve_call *c, const struct ndr_handle *handle, enum object_kind kind, struct object_in *ret);
/* A node's name, in the arena; empty if there is none, NULL without memory. */
const char16_t *serve_node_name(struct serve_call *c, uint32_t number);
/* Where the properties that are not stored come from (computed.c). */
struct property_source serve_property_source(struct serve_call *c);
/* The network name that clients of the resource know it by, in the arena.  ERR_DEPENDENCY_NOT_FOUND: there is none. */
int serve_network_name(struct serve_call *c, const struct guid *resource, const char16_t **ret);
