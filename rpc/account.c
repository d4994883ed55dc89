/* account: what one client uses of a server, over all its connections and groups.
 *
 * Why      limits for a connection or a group are no limits for a client that may have many: one that fills all buffers, or
 *          takes all handles, would block the others.
 * How      an account for each client is found by who it is, counted into, and goes with its last reference:
 *
 *              on a unix socket                  by uid
 *              over the network, authenticated   by name
 *              over the network, not (yet)       by address; a whole /64 of IPv6
 *
 * Threads  the loop's.     Limits  handles_per_client, memory_per_client, memory; there are not more accounts than
 *          connections, groups and calls.
 * Tests    tests/unit/rpc_hostile.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/account.h"
#include "rpc/server_private.h"

enum { NETWORK_BYTES = 8 };

bool rpc_identity_equal(const struct rpc_identity *a, const struct rpc_identity *b)
{
	return a->local == b->local && a->uid == b->uid && a->access == b->access && a->rule == b->rule &&
	       a->kind == b->kind && strcmp(a->name, b->name) == 0 && rpc_sids_equal(a->sids, b->sids);
}

void rpc_identity_copy(struct rpc_identity *to, const struct rpc_identity *from)
{
	*to = *from;
	(void)rpc_sids_ref(to->sids);
}

void rpc_identity_done(struct rpc_identity *identity)
{
	rpc_sids_unref(identity->sids);
	identity->sids = NULL;
}

bool rpc_identity_same_place(const struct rpc_identity *a, const struct rpc_identity *b)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool is_ipv4 = memcmp(a->address, mapped, sizeof(mapped)) == 0;

	return memcmp(a->address, b->address, is_ipv4 ? RPC_ADDRESS_SIZE : NETWORK_BYTES) == 0;
}

static bool is_same(const struct rpc_identity *a, const struct rpc_identity *b)
{
	if (a->local || b->local)
		return a->local && b->local && a->uid == b->uid;
	if (a->access == RPC_ACCESS_NONE || b->access == RPC_ACCESS_NONE)
		return a->access == b->access && rpc_identity_same_place(a, b);
	return a->uid == b->uid && a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

int rpc_account_get(struct rpc_server *s, const struct rpc_identity *identity, struct rpc_account **ret)
{
	struct rpc_account *a;

	for (a = s->accounts; a != NULL; a = a->next) {
		if (is_same(&a->identity, identity)) {
			*ret = rpc_account_ref(a);
			return 0;
		}
	}
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return -ENOMEM;
	a->server = s;
	a->identity = *identity;
	a->identity.sids = NULL;
	a->refs = 1;
	a->next = s->accounts;
	a->previous = &s->accounts;
	if (a->next != NULL)
		a->next->previous = &a->next;
	s->accounts = a;
	*ret = a;
	return 0;
}

struct rpc_account *rpc_account_ref(struct rpc_account *a)
{
	a->refs++;
	return a;
}

void rpc_account_put(struct rpc_account *a)
{
	assert(a->refs > 0);
	if (--a->refs > 0)
		return;
	assert(a->connections == 0 && a->handles == 0 && a->memory == 0);
	*a->previous = a->next;
	if (a->next != NULL)
		a->next->previous = a->previous;
	free(a);
}

void rpc_account_charge(struct rpc_account *a, size_t bytes)
{
	a->memory += bytes;
	a->server->stats.memory += bytes;
}

void rpc_account_discharge(struct rpc_account *a, size_t bytes)
{
	assert(bytes <= a->memory && bytes <= a->server->stats.memory);
	a->memory -= bytes;
	a->server->stats.memory -= bytes;
}

bool rpc_account_is_full(const struct rpc_account *a, size_t bytes)
{
	const struct rpc_limits *limits = &a->server->limits;

	return a->memory + bytes > limits->memory_per_client || a->server->stats.memory + bytes > limits->memory;
}
