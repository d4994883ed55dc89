/* state: whether network interfaces work, and what that makes of networks.  See state.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/guid.h"
#include "cluster/db/db.h"

/* The numbers are those of the API and of the saved form. */
enum interface_state { INTERFACE_UNAVAILABLE, INTERFACE_FAILED, INTERFACE_UNREACHABLE, INTERFACE_UP };
enum network_state { NETWORK_UNAVAILABLE, NETWORK_DOWN, NETWORK_PARTITIONED, NETWORK_UP };

struct interface_run {
	struct guid id;
	uint32_t node;  /* Whose interface it is: the node that reported it. */
	uint32_t state; /* enum interface_state */
};

struct interface_table {
	struct interface_run *items; /* Ascending by id; who is not here is INTERFACE_UNAVAILABLE. */
	uint32_t count;
};

void interface_table_done(struct interface_table *t);
int interface_table_copy(const struct interface_table *t, struct interface_table *ret); /* -ENOMEM */
int interface_table_set(struct interface_table *t, const struct interface_run *run);    /* -ENOMEM */
/* The node's life is over, or it tells anew: nothing is known of its interfaces. */
void interface_table_forget_node(struct interface_table *t, uint32_t node);

void interface_table_save(const struct interface_table *t, struct buf *out);
int interface_table_load(struct interface_table *t, struct cursor *c); /* -ENOMEM; damage makes the cursor fail. */

enum interface_state interface_state_of(const struct interface_table *t, const struct db_key *interface);
/* Of the network with that id, from its interfaces. */
enum network_state network_state_of(const struct interface_table *t, const struct db_key *root, struct u16 network);
