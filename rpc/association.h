/* association: the connections of one client, and the context handles that they share.  See association.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/account.h"
#include "rpc/context.h"

struct rpc_context_slot {
	const struct rpc_handle_type *type; /* NULL: free. */
	const struct rpc_interface *interface;
	void *object;
	uint32_t access;
	uint32_t serial;    /* Of the handle that uses, or last used, this slot. */
	uint32_t next_free; /* Index + 1 of the next free slot; 0 = none. */
};

struct rpc_association {
	struct rpc_server *server;
	struct rpc_association *next, **previous; /* In the server's list while it has connections. */
	uint32_t id;                              /* Not 0. */
	unsigned refs;                            /* Connections and calls. */
	unsigned connections;                     /* 0: over; the handles have been run down. */
	struct rpc_identity identity;
	struct rpc_account *account; /* Referenced; its handles are counted there. */

	struct rpc_context_slot *slots; /* Owned. */
	uint32_t slot_count, slot_capacity, slots_used;
	uint32_t first_free; /* Index + 1. */
};

/* A new group of one connection. */
int rpc_association_new(struct rpc_server *s, const struct rpc_identity *identity, struct rpc_association **ret);
/* One more connection for the group of that number; NULL if there is none, or it is another client's. */
struct rpc_association *rpc_association_join(struct rpc_server *s, uint32_t id, const struct rpc_identity *identity);
bool rpc_association_exists(struct rpc_server *s, uint32_t id);
/* A connection has learnt who its client is.  The first one decides for the group; false: it belongs to another. */
bool rpc_association_claim(struct rpc_association *a, const struct rpc_identity *identity);
void rpc_association_leave(struct rpc_association *a);

struct rpc_association *rpc_association_ref(struct rpc_association *a);
void rpc_association_unref(struct rpc_association *a);
void rpc_association_run_down(struct rpc_association *a);
