/* request: the fragments of a request become a call.
 *
 * Why      see server.c.  What a handler gets has come in whole, in order, over an agreed interface, protected as
 *          demanded, from somebody who may call at all.
 * How      first fragment ──► a call, partly received ──► last fragment ──► dispatched.
 *          With multiplexing, fragments of several calls may be interleaved; without it there is one call at a time
 *          from its first fragment to its answer.  Whatever else comes is a protocol fault and the end.
 * Note     A fragment that carries nothing and is not the last is refused, so that fragments are bounded by bytes.
 * Threads  the loop's.     Limits  calls_per_connection, request_max, memory, memory_per_client.
 * Source   C706 12.6.4.9, MS-RPCE 3.3.2.4     Tests  tests/unit/rpc_server.c, rpc_hostile.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/server_private.h"
#include "rpc/verification.h"

struct rpc_call *rpc_connection_find_call(struct rpc_connection *c, uint32_t call_id)
{
	for (struct rpc_call *call = c->calls; call != NULL; call = call->next)
		if (call->call_id == call_id)
			return call;
	return NULL;
}

static void fault(struct rpc_connection *c, const struct pdu *pdu, uint32_t status)
{
	rpc_connection_fault(c, pdu->header.call_id, pdu->stub.context_id, status);
}

static void fault_and_end(struct rpc_connection *c, const struct pdu *pdu, uint32_t status, const char *why)
{
	fault(c, pdu, status);
	rpc_connection_end(c, why);
}

/* The call is not for us; if more of it is to come, that could not be told from nonsense. */
static void turn_away(struct rpc_connection *c, const struct pdu *pdu, uint32_t status)
{
	fault(c, pdu, status);
	if (!(pdu->header.flags & PDU_LAST))
		rpc_connection_end(c, "a call was refused before it was whole");
}

static const struct rpc_interface *find_interface(const struct rpc_connection *c, uint16_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->presentations); i++)
		if (c->presentations[i].interface != NULL && c->presentations[i].id == id)
			return c->presentations[i].interface;
	return NULL;
}

/* Whether this client may call at all what the request is for. */
static bool may_call(const struct rpc_connection *c, const struct pdu *pdu)
{
	const struct rpc_interface *interface = find_interface(c, pdu->stub.context_id);

	return c->security->done &&
	       (c->identity.access != RPC_ACCESS_NONE || (interface != NULL && interface->anonymous));
}

/* A new call, or NULL: it has been answered. */
static struct rpc_call *begin(struct rpc_connection *c, const struct pdu *pdu)
{
	const struct rpc_interface *interface = find_interface(c, pdu->stub.context_id);
	struct rpc_call *call;

	if (rpc_connection_find_call(c, pdu->header.call_id) != NULL || (!c->multiplex && c->call_count > 0)) {
		fault_and_end(c, pdu, FAULT_PROTOCOL, "a call begins while another one is not answered");
		return NULL;
	}
	if (c->call_count >= c->server->limits.calls_per_connection) {
		turn_away(c, pdu, FAULT_TOO_BUSY);
		return NULL;
	}
	if (interface == NULL) {
		turn_away(c, pdu, FAULT_UNKNOWN_INTERFACE);
		return NULL;
	}
	if (!c->identity.local && c->security->level < interface->least_level) {
		fault_and_end(c, pdu, FAULT_ACCESS_DENIED, "the client does not protect its calls as demanded");
		return NULL;
	}
	if (rpc_call_new(c, interface, pdu, &call) < 0) {
		turn_away(c, pdu, FAULT_NO_MEMORY);
		return NULL;
	}
	return call;
}

static struct rpc_call *proceed(struct rpc_connection *c, const struct pdu *pdu)
{
	struct rpc_call *call = rpc_connection_find_call(c, pdu->header.call_id);

	if (call == NULL || call->dispatched || call->context_id != pdu->stub.context_id ||
	    call->opnum != pdu->stub.opnum) {
		fault_and_end(c, pdu, FAULT_PROTOCOL, "a fragment belongs to no call");
		return NULL;
	}
	return call;
}

static bool add_stub(struct rpc_connection *c, struct rpc_call *call, const struct pdu *pdu)
{
	struct rpc_server *s = c->server;
	size_t len = pdu->stub.len;

	if (len == 0 && !(pdu->header.flags & PDU_LAST)) {
		fault_and_end(c, pdu, FAULT_PROTOCOL, "a fragment is empty");
		return false;
	}
	if (len > s->limits.request_max - call->stub.len) {
		fault_and_end(c, pdu, FAULT_ACCESS_DENIED, "a request is too large");
		return false;
	}
	if (rpc_account_is_full(call->account, len)) {
		fault_and_end(c, pdu, FAULT_TOO_BUSY, "the buffers for requests are full");
		return false;
	}
	buf_append(&call->stub, pdu->stub.data, len);
	if (call->stub.error != 0) {
		fault_and_end(c, pdu, FAULT_NO_MEMORY, "there is no memory for a request");
		return false;
	}
	call->charged += len;
	rpc_account_charge(call->account, len);
	return true;
}

/* Signed clients append proof of what they have asked for: see verification.c. */
static bool verify(struct rpc_connection *c, struct rpc_call *call, const struct pdu *pdu)
{
	struct rpc_verification request = {
		.abstract = call->interface->syntax,
		.call_id = call->call_id,
		.context_id = call->context_id,
		.opnum = call->opnum,
	};

	if (!rpc_security_protects(c->security) || call->stub.len == 0)
		return true;
	if (rpc_verification_take(&request, call->stub.data, call->stub.len, &call->stub.len) == 0)
		return true;
	fault_and_end(c, pdu, FAULT_ACCESS_DENIED, "a request is not what the client has asked for");
	return false;
}

void rpc_connection_request(struct rpc_connection *c, uint8_t *data, const struct pdu *pdu)
{
	struct rpc_call *call;

	if (c->state != CONNECTION_BOUND) {
		fault_and_end(c, pdu, FAULT_PROTOCOL, "a call comes before the bind");
		return;
	}
	if (!may_call(c, pdu)) {
		fault_and_end(c, pdu, FAULT_ACCESS_DENIED, "the client may not call");
		return;
	}
	if (rpc_security_open(c->security, data, pdu) < 0) {
		fault_and_end(c, pdu, FAULT_SECURITY, "a request is not signed as agreed");
		return;
	}
	call = pdu->header.flags & PDU_FIRST ? begin(c, pdu) : proceed(c, pdu);
	if (call == NULL || !add_stub(c, call, pdu) || !(pdu->header.flags & PDU_LAST))
		return;
	if (!verify(c, call, pdu))
		return;
	call->dispatched = true;
	c->partial_count--;
	call->interface->dispatch(call, call->interface->data);
}
