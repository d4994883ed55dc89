/* association: the connections of one client, and the context handles that they share.
 *
 * Why      a connection carries few calls at a time, and without multiplexing one, so a client with many threads, or with a
 *          call that blocks until another call releases it (GetNotify and CloseNotify), opens several.  A handle that came over
 *          one of them must work on all, and must end when the client is gone: with its last connection, not its first.
 * How      bind with group 0 makes a group; its number is in bind_ack, and further binds name it.  Only connections of
 *          the same identity may join: numbers are no secret.  Who is not authenticated yet is in a group of his own until
 *          he is, or a stranger could keep the handles of others from running down, or spoil their logins.
 *
 *             new ──join──► connections 1…n ──last leave──► run down ──last call completed──► freed
 *
 * Promise  When the last connection leaves, every handle is run down, once, before rpc_connection_free() returns.
 *          A call that is still in flight then keeps the memory of its group, but gets no more handles.
 * Note     Rundown does not wait for calls: a handler that goes on later holds a reference of its own to the object.
 * Threads  the loop's.     Limits  handles_per_group; groups cannot be more than connections and calls in flight.
 * Source   MS-RPCE 3.3.1.2     Tests  tests/unit/rpc_handles.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/association.h"
#include "rpc/server_private.h"

static struct rpc_association *find(struct rpc_server *s, uint32_t id)
{
	for (struct rpc_association *a = s->associations; a != NULL; a = a->next)
		if (a->id == id)
			return a;
	return NULL;
}

int rpc_association_new(struct rpc_server *s, const struct rpc_identity *identity, struct rpc_association **ret)
{
	struct rpc_association *a = calloc(1, sizeof(*a));
	int r;

	if (a == NULL)
		return -ENOMEM;
	do
		s->last_group_id++;
	while (s->last_group_id == 0 || find(s, s->last_group_id) != NULL);
	a->server = s;
	a->id = s->last_group_id;
	a->refs = a->connections = 1;
	r = rpc_account_get(s, identity, &a->account);
	if (r < 0) {
		free(a);
		return r;
	}
	rpc_identity_copy(&a->identity, identity);
	a->next = s->associations;
	a->previous = &s->associations;
	if (a->next != NULL)
		a->next->previous = &a->next;
	s->associations = a;
	s->stats.groups++;
	*ret = a;
	return 0;
}

struct rpc_association *rpc_association_join(struct rpc_server *s, uint32_t id, const struct rpc_identity *identity)
{
	struct rpc_association *a = find(s, id);

	if (a == NULL || !rpc_identity_equal(&a->identity, identity))
		return NULL;
	a->connections++;
	return rpc_association_ref(a);
}

bool rpc_association_exists(struct rpc_server *s, uint32_t id)
{
	return find(s, id) != NULL;
}

bool rpc_association_claim(struct rpc_association *a, const struct rpc_identity *identity)
{
	struct rpc_account *account;

	if (a->connections == 1 && a->refs == 1 && a->slots_used == 0) {
		if (rpc_account_get(a->server, identity, &account) < 0)
			return false;
		rpc_account_put(a->account);
		a->account = account;
		rpc_identity_done(&a->identity);
		rpc_identity_copy(&a->identity, identity);
	}
	return rpc_identity_equal(&a->identity, identity);
}

void rpc_association_leave(struct rpc_association *a)
{
	assert(a->connections > 0);
	if (--a->connections == 0) {
		*a->previous = a->next;
		if (a->next != NULL)
			a->next->previous = a->previous;
		a->server->stats.groups--;
		rpc_association_run_down(a);
	}
	rpc_association_unref(a);
}

struct rpc_association *rpc_association_ref(struct rpc_association *a)
{
	a->refs++;
	return a;
}

void rpc_association_unref(struct rpc_association *a)
{
	assert(a->refs > 0);
	if (--a->refs > 0)
		return;
	assert(a->connections == 0 && a->slots_used == 0);
	rpc_account_put(a->account);
	rpc_identity_done(&a->identity);
	free(a->slots);
	free(a);
}
