/* account: what one client uses of a server, over all its connections and groups.  See account.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/server.h"

struct rpc_account {
	struct rpc_server *server;
	struct rpc_account *next, **previous;
	struct rpc_identity identity; /* As it was when the account was opened, without SIDs. */
	size_t refs;                  /* Connections, groups and calls. */
	size_t connections, handles;
	size_t memory; /* Requests and unsent output, in bytes. */
};

/* The account of whoever that is, referenced; a new one if there is none.  -ENOMEM. */
int rpc_account_get(struct rpc_server *s, const struct rpc_identity *identity, struct rpc_account **ret);
struct rpc_account *rpc_account_ref(struct rpc_account *a);
void rpc_account_put(struct rpc_account *a);

/* Bytes, here and in the server. */
void rpc_account_charge(struct rpc_account *a, size_t bytes);
void rpc_account_discharge(struct rpc_account *a, size_t bytes);
/* Would so many more be over a limit? */
bool rpc_account_is_full(const struct rpc_account *a, size_t bytes);

/* The same client with the same rights, as a group demands. */
bool rpc_identity_equal(const struct rpc_identity *a, const struct rpc_identity *b);
/* Neither is local: the same IPv4 address, or the same IPv6 network of 64 bits, of which one host may use all. */
bool rpc_identity_same_place(const struct rpc_identity *a, const struct rpc_identity *b);
