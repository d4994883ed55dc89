/* access: what a client may do in the cluster.  See access.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/sd.h"
#include "rpc/server.h"
#include "ruedad/service.h"

/* By the cluster's security descriptor as it is now. */
enum rpc_access access_level(const struct service *s, const struct rpc_identity *identity);

/* For descriptors of keys, which know two kinds of people: those of level All are the administrators.  *ret borrows from
 * identity. */
void access_key_caller(const struct rpc_identity *identity, enum rpc_access level, struct sd_caller *ret);

/* rpc_server_set_admission()'s; data is the struct service. */
int access_admit(void *data, struct rpc_identity *identity);
