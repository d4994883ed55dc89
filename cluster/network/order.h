/* order: the internal networks, in the order in which the nodes use them.  See order.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/db.h"

struct buf;
struct command_NetworkOrder;

/* What a network is for.  Nodes use those with the bit INTERNAL among themselves. */
enum { NETWORK_ROLE_NONE, NETWORK_ROLE_INTERNAL, NETWORK_ROLE_CLIENT, NETWORK_ROLE_BOTH };

/* The index-th internal network, by priority and then by id; NULL: there are no more. */
const struct db_key *network_internal_at(const struct db_key *root, size_t index);
/* -ENOMEM; ERR_INVALID_PARAMETER: these are not exactly the internal networks.  Then nothing has changed. */
int network_order(struct db *db, const struct command_NetworkOrder *c, struct buf *batch);
