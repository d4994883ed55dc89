/* access: what a client may do in the cluster.  See access.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/utf16.h"
#include "cluster/db/sd.h"
#include "rpc/server.h"
#include "ruedad/service.h"

struct cluster_result;

/* By the cluster's security descriptor as it is now. */
enum rpc_access access_level(const struct service *s, const struct rpc_identity *identity);

/* For descriptors of keys, which know two kinds of people: those of level All are the administrators.  *ret borrows from
 * identity. */
void access_key_caller(const struct rpc_identity *identity, enum rpc_access level, struct sd_caller *ret);

/* Whether a client hears of what an event has done to the key at that path: has he the right there, before it and after?
 * Of a key that is not there, the nearest one above speaks. */
bool access_may_hear(const struct service *s, const struct rpc_identity *identity, const struct cluster_result *event,
    struct u16 path, uint32_t right);

/* rpc_server_set_admission()'s; data is the struct service. */
int access_admit(void *data, struct rpc_identity *identity);
