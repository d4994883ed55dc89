/* channel: the pure RPC client: one connection, and the calls on it.
 *
 * Why      the blocking client of the library, the simulator and the fuzzer speak the same protocol, so it is here,
 *          once, without sockets, clock or threads.
 * How      BINDING ──bind_ack──► READY ──whatever a server must not do──► BROKEN
 *          A mechanism with more legs makes them in alter_context.
 *
 *            call ──► calls ──answer, in any order──► answered ──take──► gone
 *                       └──forget──► gone
 *
 *          A server that agrees to multiplexing gets up to RPC_CHANNEL_CALLS at a time, others one.  The fragments of one
 *          request are put into the output together; those of several answers may come interleaved.  Answers to calls
 *          that were forgotten come late; they are told by their numbers, which are known and belong to no call.
 * Promise  the reply of a call is that call's, whole, and (if the channel is protected) signed.
 * Threads  one at a time.     Limits  RPC_REPLY_MAX for each call, RPC_CHANNEL_CALLS.
 * Source   C706 12.6.4, MS-RPCE 3.3.2     Tests  tests/unit/rpc_channel.c, tests/fuzz/channel.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/channel.h"
#include "rpc/fault.h"

enum { CONTEXT_ID = 0, BIND_CALL_ID = 1 };

static int break_channel(struct rpc_channel *ch, int error)
{
	ch->state = CHANNEL_BROKEN;
	ch->error = error;
	return error;
}

/* A bind or alter with the next token of the security. */
static int put_bind(struct rpc_channel *ch, enum pdu_type type, const struct buf *token)
{
	struct rpc_security *s = ch->security;
	struct pdu_auth auth = { .type = s->type, .level = s->level, .context_id = s->context_id };
	bool is_secure = s != rpc_security_none();
	unsigned flags = PDU_FIRST | PDU_LAST | (is_secure ? PDU_HEADER_SIGN : 0);
	size_t start;

	flags |= type == PDU_BIND ? PDU_MULTIPLEX : 0;
	start = pdu_begin(&ch->output, type, flags, ch->call_id);

	pdu_put_bind(&ch->output, ch->fragment_max, ch->group, CONTEXT_ID, &ch->interface);
	if (is_secure) {
		pdu_put_trailer(&ch->output, start, 4, &auth);
		buf_append(&ch->output, token->data, token->len);
	}
	pdu_end(&ch->output, start, is_secure ? token->len : 0);
	return ch->output.error;
}

int rpc_channel_init(struct rpc_channel *ch, const struct pdu_syntax *interface, uint32_t group, uint16_t fragment_max,
    struct rpc_security *security)
{
	_cleanup_(buf_done) struct buf token = { 0 };
	int r = 0;

	assert(fragment_max >= PDU_FRAGMENT_LEAST);
	*ch = (struct rpc_channel){
		.state = CHANNEL_BINDING,
		.group = group,
		.has_group = group != 0,
		.interface = *interface,
		.fragment_max = fragment_max,
		.call_id = BIND_CALL_ID,
		.calls_max = 1,
		.security = security != NULL ? security : rpc_security_none(),
	};
	if (security != NULL) {
		r = security->ops->step(security, NULL, 0, &token);
		security->done = r == 0;
	}
	if (r >= 0)
		r = put_bind(ch, PDU_BIND, &token);
	if (r < 0)
		rpc_channel_done(ch);
	return r;
}

static void unlink_call(struct rpc_channel *ch, struct rpc_channel_call *call)
{
	if (call->previous == NULL)
		return;
	*call->previous = call->next;
	if (call->next != NULL)
		call->next->previous = call->previous;
	call->previous = NULL;
	ch->call_count -= !call->answered;
}

static void link_call(struct rpc_channel_call **list, struct rpc_channel_call *call)
{
	call->next = *list;
	call->previous = list;
	if (call->next != NULL)
		call->next->previous = &call->next;
	*list = call;
}

static void forget_all(struct rpc_channel *ch, struct rpc_channel_call **list)
{
	while (*list != NULL)
		rpc_channel_forget(ch, *list, false);
}

void rpc_channel_done(struct rpc_channel *ch)
{
	forget_all(ch, &ch->calls);
	forget_all(ch, &ch->answered);
	rpc_security_free(ch->security);
	buf_done(&ch->output);
	buf_done(&ch->input);
	*ch = (struct rpc_channel){ .state = CHANNEL_BROKEN, .error = -ENOTCONN, .security = rpc_security_none() };
}

static int nak_to_error(const struct rpc_channel *ch, uint16_t reason)
{
	switch (reason) {
	case NAK_BUSY:
	case NAK_LIMIT:
		return ERR_RPC_S_SERVER_TOO_BUSY;
	case NAK_VERSION:
		return ERR_RPC_S_PROTOCOL_ERROR;
	case NAK_AUTH_TYPE:
		return ERR_RPC_S_UNKNOWN_AUTHN_SERVICE;
	default:
		/* The server does not know the group (any more); or else who we are is refused at the first leg. */
		return ch->has_group                         ? -ESTALE
		       : ch->security != rpc_security_none() ? ERR_ACCESS_DENIED
							     : ERR_RPC_S_CALL_FAILED_DNE;
	}
}

/* The server's token in; a further leg out if the mechanism has one.  0: nothing is left to be agreed. */
static int step_security(struct rpc_channel *ch, const struct pdu *pdu)
{
	_cleanup_(buf_done) struct buf token = { 0 };
	struct rpc_security *s = ch->security;
	int r;

	if (s->done)
		return 0;
	if (!pdu->has_auth || pdu->auth.type != s->type || pdu->auth.context_id != s->context_id)
		return ERR_RPC_S_SEC_PKG_ERROR;
	s->header_sign = pdu->header.flags & PDU_HEADER_SIGN;
	r = s->ops->step(s, pdu->auth.token, pdu->auth.token_len, &token);
	s->done = r == 0;
	if (r > 0 || (r == 0 && token.len > 0))
		return put_bind(ch, PDU_ALTER, &token) < 0 ? -ENOMEM : 1;
	return r;
}

static int handle_ack(struct rpc_channel *ch, const struct pdu *pdu)
{
	const struct pdu_ack *ack = &pdu->ack;
	int r;

	if (pdu->header.call_id != ch->call_id || ack->result_count < 1)
		return ERR_RPC_S_PROTOCOL_ERROR;
	if (ack->results[0].result != PDU_ACCEPTED)
		return ack->results[0].reason == PDU_LOCAL_LIMIT ? ERR_RPC_S_SERVER_TOO_BUSY : ERR_RPC_S_UNKNOWN_IF;
	if (!pdu_syntax_equal(&ack->results[0].transfer, &pdu_ndr20))
		return ERR_RPC_S_PROTOCOL_ERROR;
	if (pdu->header.type == PDU_BIND_ACK) {
		if (ack->max_recv < PDU_FRAGMENT_LEAST || ack->max_recv > ch->fragment_max || ack->group == 0)
			return ERR_RPC_S_PROTOCOL_ERROR;
		ch->fragment_max = ack->max_recv;
		ch->group = ack->group;
		ch->calls_max = pdu->header.flags & PDU_MULTIPLEX ? RPC_CHANNEL_CALLS : 1;
	}
	r = step_security(ch, pdu);
	if (r == 0)
		ch->state = CHANNEL_READY;
	return MIN(r, 0);
}

/* The call that an answer is for.  0: *ret is NULL if it was given up, or has been answered before. */
static int find_call(const struct rpc_channel *ch, uint32_t id, struct rpc_channel_call **ret)
{
	struct rpc_channel_call *call = ch->calls;

	if (ch->call_id - id >= UINT32_MAX / 2)
		return ERR_RPC_S_PROTOCOL_ERROR; /* It has not been made yet. */
	while (call != NULL && call->id != id)
		call = call->next;
	*ret = call;
	return 0;
}

static void end_call(struct rpc_channel *ch, struct rpc_channel_call *call, int error)
{
	unlink_call(ch, call);
	call->answered = true;
	call->error = error;
	link_call(&ch->answered, call);
}

static int handle_fault(struct rpc_channel *ch, const struct pdu *pdu)
{
	int error = rpc_fault_to_error(pdu->stub.status, pdu->header.flags);
	struct rpc_channel_call *call;
	int r;

	if (ch->state == CHANNEL_BINDING)
		return error;
	r = find_call(ch, pdu->header.call_id, &call);
	if (r == 0 && call != NULL)
		end_call(ch, call, error);
	return r;
}

static int handle_response(struct rpc_channel *ch, uint8_t *data, const struct pdu *pdu)
{
	bool is_first = pdu->header.flags & PDU_FIRST;
	struct rpc_channel_call *call = NULL;
	int r;

	if (ch->state == CHANNEL_BINDING)
		return ERR_RPC_S_PROTOCOL_ERROR;
	r = rpc_security_open(ch->security, data, pdu);
	if (r == 0)
		r = find_call(ch, pdu->header.call_id, &call);
	if (r < 0 || call == NULL)
		return r;
	if (is_first == call->receiving || pdu->stub.context_id != CONTEXT_ID)
		return ERR_RPC_S_PROTOCOL_ERROR;
	if (pdu->stub.len > RPC_REPLY_MAX - call->reply.len)
		return ERR_RPC_S_PROTOCOL_ERROR;
	buf_append(&call->reply, pdu->stub.data, pdu->stub.len);
	call->receiving = true;
	if (call->reply.error != 0) {
		buf_done(&call->reply);
		end_call(ch, call, -ENOMEM); /* What else comes of it is ignored. */
	} else if (pdu->header.flags & PDU_LAST) {
		end_call(ch, call, 0);
	}
	return 0;
}

static int handle_pdu(struct rpc_channel *ch, uint8_t *data, size_t len)
{
	struct pdu pdu;

	if (pdu_decode(data, len, &pdu) < 0)
		return ERR_RPC_S_PROTOCOL_ERROR;
	switch (pdu.header.type) {
	case PDU_BIND_ACK:
	case PDU_ALTER_ACK:
		if (ch->state != CHANNEL_BINDING)
			return ERR_RPC_S_PROTOCOL_ERROR;
		return handle_ack(ch, &pdu);
	case PDU_BIND_NAK:
		if (ch->state != CHANNEL_BINDING)
			return ERR_RPC_S_PROTOCOL_ERROR;
		return nak_to_error(ch, pdu.nak_reason);
	case PDU_RESPONSE:
		return handle_response(ch, data, &pdu);
	case PDU_FAULT:
		return handle_fault(ch, &pdu);
	case PDU_SHUTDOWN:
		return 0; /* A request to close idle connections; it closes them itself when it must. */
	default:
		return ERR_RPC_S_PROTOCOL_ERROR;
	}
}

void rpc_channel_input(struct rpc_channel *ch, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0 && ch->state != CHANNEL_BROKEN) {
		size_t want = ch->input.len < PDU_HEADER_SIZE ? PDU_HEADER_SIZE : get_le16(ch->input.data + 8), take;
		struct pdu_header h;
		int r = 0;

		take = MIN(len, want - ch->input.len);
		buf_append(&ch->input, p, take);
		if (ch->input.error != 0) {
			(void)break_channel(ch, ch->input.error);
			return;
		}
		p += take;
		len -= take;
		if (ch->input.len == PDU_HEADER_SIZE) {
			if (pdu_decode_header(ch->input.data, &h) < 0) {
				(void)break_channel(ch, ERR_RPC_S_PROTOCOL_ERROR);
				return;
			}
			want = h.frag_length;
		}
		if (ch->input.len == want) {
			r = handle_pdu(ch, ch->input.data, ch->input.len);
			ch->input.len = 0;
		}
		if (r < 0)
			(void)break_channel(ch, r);
	}
}

int rpc_channel_call(
    struct rpc_channel *ch, struct rpc_channel_call *call, uint16_t opnum, const void *stub, size_t len)
{
	struct rpc_message m = {
		.type = PDU_REQUEST,
		.call_id = ++ch->call_id,
		.context_id = CONTEXT_ID,
		.opnum = opnum,
		.fragment_max = ch->fragment_max,
		.stub = stub,
		.len = len,
	};
	size_t before = ch->output.len;
	int r;

	assert(ch->state == CHANNEL_READY);
	assert(ch->call_count < ch->calls_max);
	r = rpc_security_put_message(ch->security, &ch->output, &m);
	if (r < 0 && rpc_security_protects(ch->security))
		return break_channel(ch, r);
	if (r < 0) {
		ch->output.len = before;
		ch->output.error = 0;
		return r;
	}
	*call = (struct rpc_channel_call){ .id = m.call_id };
	link_call(&ch->calls, call);
	ch->call_count++;
	return 0;
}

int rpc_channel_take_reply(struct rpc_channel *ch, struct rpc_channel_call *call, struct buf *ret)
{
	assert(call->answered);
	unlink_call(ch, call);
	if (call->error < 0) {
		buf_done(&call->reply);
		return call->error;
	}
	*ret = call->reply;
	call->reply = (struct buf){ 0 };
	return 0;
}

void rpc_channel_forget(struct rpc_channel *ch, struct rpc_channel_call *call, bool tell)
{
	unlink_call(ch, call);
	buf_done(&call->reply);
	if (!tell || call->answered || ch->state == CHANNEL_BROKEN)
		return;
	pdu_put_orphaned(&ch->output, call->id);
	if (ch->output.error != 0)
		(void)break_channel(ch, -ENOMEM);
}
