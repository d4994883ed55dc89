/* call: one call from its first fragment to its answer.
 *
 * Why      some calls wait (for the log, for a notification) while the client goes on, gives up or dies; the answer
 *          may be ready long after there is anybody to hear it.
 * How         receiving ──► dispatched ──► reply or fault ──► freed
 *                 └ connection lost: freed     └ connection lost, orphaned: on_cancel once, an answer is dropped
 *          A cancel (co_cancel) tells the handler, too, but the client still waits for the answer.
 * Promise  The stub, the arena and the identity live until the call is completed, even if the connection does not.
 * Threads  the loop's.     Limits  reply_max, arena.
 * Tests    tests/unit/rpc_server.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/fault.h"
#include "rpc/server_private.h"

int rpc_call_new(
    struct rpc_connection *c, const struct rpc_interface *interface, const struct pdu *pdu, struct rpc_call **ret)
{
	struct rpc_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return -ENOMEM;
	call->interface = interface;
	call->association = rpc_association_ref(c->association);
	call->account = rpc_account_ref(c->account);
	call->identity = &call->association->identity;
	call->opnum = pdu->stub.opnum;
	call->arena.limit = c->server->limits.arena;
	call->connection = c;
	call->call_id = pdu->header.call_id;
	call->context_id = pdu->stub.context_id;
	call->wants_reply = !(pdu->header.flags & PDU_MAYBE);
	call->next = c->calls;
	call->previous = &c->calls;
	if (call->next != NULL)
		call->next->previous = &call->next;
	c->calls = call;
	c->call_count++;
	c->partial_count++;
	c->server->stats.calls++;
	*ret = call;
	return 0;
}

/* Out of its connection's list; which connection that was. */
static struct rpc_connection *detach(struct rpc_call *call)
{
	struct rpc_connection *c = call->connection;

	if (c == NULL)
		return NULL;
	*call->previous = call->next;
	if (call->next != NULL)
		call->next->previous = call->previous;
	c->call_count--;
	c->partial_count -= !call->dispatched;
	call->connection = NULL;
	return c;
}

static void free_call(struct rpc_call *call)
{
	struct rpc_server *s = call->association->server;

	assert(call->connection == NULL);
	rpc_account_discharge(call->account, call->charged);
	rpc_account_put(call->account);
	s->stats.calls--;
	/* There may have been a passphrase in it. */
	buf_wipe(&call->stub);
	arena_wipe(&call->arena);
	rpc_association_unref(call->association);
	free(call);
}

void rpc_call_reply(struct rpc_call *call, const void *stub, size_t len)
{
	struct rpc_connection *c = call->connection;
	struct rpc_message m = {
		.type = PDU_RESPONSE,
		.call_id = call->call_id,
		.context_id = call->context_id,
		.stub = stub,
		.len = len,
	};
	size_t before;

	assert(call->dispatched);
	if (c != NULL && call->wants_reply && len > c->server->limits.reply_max) {
		rpc_call_fault(call, FAULT_NO_MEMORY);
		return;
	}
	(void)detach(call);
	if (c != NULL && call->wants_reply) {
		before = c->output.len;
		m.fragment_max = c->fragment_max;
		if (rpc_security_put_message(c->security, &c->output, &m) < 0 && c->output.error == 0) {
			c->output.len = before;
			rpc_connection_end(c, "an answer could not be protected");
		} else {
			rpc_connection_flush(c, before);
		}
	}
	free_call(call);
}

void rpc_call_fault(struct rpc_call *call, uint32_t status)
{
	struct rpc_connection *c = detach(call);

	assert(call->dispatched);
	if (c != NULL && call->wants_reply)
		rpc_connection_fault(c, call->call_id, call->context_id, status);
	free_call(call);
}

void rpc_call_fail(struct rpc_call *call, int error)
{
	rpc_call_fault(call, rpc_fault_from_error(error));
}

void rpc_call_on_cancel(struct rpc_call *call, void (*on_cancel)(struct rpc_call *call))
{
	call->on_cancel = on_cancel;
}

void rpc_call_cancel(struct rpc_call *call)
{
	if (!call->dispatched || call->cancelled)
		return;
	call->cancelled = true;
	if (call->on_cancel != NULL)
		call->on_cancel(call); /* The call may be gone now. */
}

void rpc_call_abandon(struct rpc_call *call)
{
	(void)detach(call);
	if (call->dispatched)
		rpc_call_cancel(call);
	else
		free_call(call);
}
