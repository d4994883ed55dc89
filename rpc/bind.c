/* bind: client and server agree on interfaces, sizes, an association group and security.
 *
 * Why      see server.c.  After this no call is possible that was not agreed upon here.
 * How      bind ──► bind_ack with one result for each context, or bind_nak and the end;
 *          alter_context ──► alter_context_resp (more interfaces, or more legs of authentication), or a fault;
 *          auth3 (the last leg of some mechanisms) has no answer: its failure is told to the first request.
 *          A leg that takes time (RPC_STEP_LATER) leaves the PDU where it is; it is handled once more when the mechanism
 *          is ready, from the leg on.
 * Note     Sizes and group count in bind only.  Both fragment sizes are the same: the least of the client's two and
 *          ours, a multiple of 8.  A reply has a trailer if its question had one, even with an empty token.
 * Threads  the loop's.     Limits  PDU_CONTEXTS_MAX contexts for one connection; one security context.
 * Source   C706 12.6.4, MS-RPCE 3.3.1.5.2-4     Tests  tests/unit/rpc_server.c, rpc_security.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/server_private.h"

enum { FRAGMENT_FLOOR = 2048, TOKEN_MAX = 32768, FEATURE_KEEP_ON_ORPHAN = 2 };

static bool is_offered(const struct rpc_connection *c, const struct rpc_interface *interface)
{
	return c->identity.local || (!interface->local_only && interface->anonymous == c->transport.anonymous_door);
}

static const struct rpc_interface *find_interface(const struct rpc_connection *c, const struct pdu_syntax *wanted)
{
	const struct rpc_server *s = c->server;

	for (unsigned i = 0; i < s->interface_count; i++) {
		const struct rpc_interface *interface = s->interfaces[i];

		if (guid_equal(&interface->syntax.uuid, &wanted->uuid) && interface->syntax.major == wanted->major &&
		    interface->syntax.minor >= wanted->minor && is_offered(c, interface))
			return interface;
	}
	return NULL;
}

/* The place for a context number: the one that it has, else a free one; NULL if all are taken. */
static struct rpc_presentation *find_place(struct rpc_connection *c, uint16_t id)
{
	struct rpc_presentation *unused = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(c->presentations); i++) {
		struct rpc_presentation *p = &c->presentations[i];

		if (p->interface == NULL)
			unused = unused != NULL ? unused : p;
		else if (p->id == id)
			return p;
	}
	return unused;
}

static struct pdu_context_result negotiate(struct rpc_connection *c, const struct pdu_context *context)
{
	const struct rpc_interface *interface = find_interface(c, &context->abstract);
	struct pdu_context_result result = { .result = PDU_PROVIDER_REJECTED };
	struct rpc_presentation *place;
	bool has_ndr20 = false;
	uint16_t bits;

	for (unsigned i = 0; i < context->transfer_count; i++) {
		struct pdu_syntax transfer = pdu_transfer(context, i);

		if (pdu_syntax_is_features(&transfer, &bits)) {
			result.result = PDU_NEGOTIATED;
			result.reason = bits & FEATURE_KEEP_ON_ORPHAN;
			return result;
		}
		has_ndr20 |= pdu_syntax_equal(&transfer, &pdu_ndr20);
	}
	if (interface == NULL) {
		result.reason = PDU_ABSTRACT_UNKNOWN;
		return result;
	}
	if (!has_ndr20) {
		result.reason = PDU_TRANSFER_UNKNOWN;
		return result;
	}
	place = find_place(c, context->id);
	if (place == NULL) {
		result.reason = PDU_LOCAL_LIMIT;
		return result;
	}
	*place = (struct rpc_presentation){ .interface = interface, .id = context->id };
	result.result = PDU_ACCEPTED;
	result.transfer = pdu_ndr20;
	return result;
}

static uint16_t agree_on_size(const struct rpc_connection *c, const struct pdu_bind *bind)
{
	const struct rpc_limits *limits = &c->server->limits;
	uint16_t ours = c->identity.local ? limits->fragment_max_local : limits->fragment_max;
	uint16_t theirs = MAX(MIN(bind->max_xmit, bind->max_recv), (uint16_t)FRAGMENT_FLOOR);

	return (uint16_t)(MIN(ours, theirs) & ~7);
}

static int make_security(struct rpc_connection *c, const struct pdu_auth *auth)
{
	const struct rpc_security_provider *provider = NULL;
	struct rpc_security *security;
	int r;

	for (unsigned i = 0; i < c->server->provider_count; i++)
		if (c->server->providers[i]->type == auth->type)
			provider = c->server->providers[i];
	if (provider == NULL || (c->identity.local ? provider->network_only : provider->local_only))
		return ERR_RPC_S_UNKNOWN_AUTHN_SERVICE;
	if (auth->level < RPC_LEVEL_CONNECT || auth->level > RPC_LEVEL_PRIVACY)
		return ERR_RPC_S_UNKNOWN_AUTHN_SERVICE;
	r = provider->make(provider, auth->level, &security);
	if (r < 0)
		return r;
	security->type = auth->type;
	security->level = auth->level;
	security->context_id = auth->context_id;
	security->ready = rpc_connection_resume;
	security->ready_data = c;
	c->security = security;
	return 0;
}

static void tell_failure(struct rpc_connection *c)
{
	struct rpc_identity who;

	if (c->transport.login_failed == NULL)
		return;
	rpc_identity_copy(&who, &c->identity);
	if (c->security->ops->identify != NULL)
		c->security->ops->identify(c->security, &who);
	who.access = RPC_ACCESS_NONE;
	c->transport.login_failed(c->transport.data, &who);
	rpc_identity_done(&who);
}

/* The client is known now: into the group that he asked for, if it is his. */
static int settle_group(struct rpc_connection *c)
{
	struct rpc_association *wanted;

	if (!rpc_association_claim(c->association, &c->identity))
		return ERR_ACCESS_DENIED;
	if (c->wanted_group == 0)
		return 0;
	wanted = rpc_association_join(c->server, c->wanted_group, &c->identity);
	if (wanted == NULL)
		return ERR_ACCESS_DENIED;
	rpc_association_leave(c->association);
	c->association = wanted;
	c->wanted_group = 0;
	return 0;
}

/* One leg; the answer is appended to *token.  As rpc_security_ops.step(). */
static int step_security(struct rpc_connection *c, const struct pdu *pdu, struct buf *token)
{
	const struct pdu_auth *auth = &pdu->auth;
	struct rpc_security *s;
	int r;

	if (c->security_failed)
		return ERR_ACCESS_DENIED;
	if (!c->waits && c->transport.may_log_in != NULL && !c->transport.may_log_in(c->transport.data, &c->identity))
		return -EAGAIN;
	if (c->security == rpc_security_none()) {
		r = make_security(c, auth);
		if (r < 0)
			return r;
	}
	s = c->security;
	if (s->done || auth->type != s->type || auth->level != s->level || auth->context_id != s->context_id)
		return -EPROTO;
	if (pdu->header.type != PDU_AUTH3 && (pdu->header.flags & PDU_HEADER_SIGN))
		s->header_sign = true;
	r = s->ops->step(s, auth->token, auth->token_len, token);
	c->waits = r == RPC_STEP_LATER;
	if (r < 0 && r != -ENOMEM && r != -EAGAIN)
		tell_failure(c); /* What fails from here on is no wrong password. */
	if (r == 0 && s->ops->identify != NULL) {
		s->ops->identify(s, &c->identity);
		r = rpc_server_admit(c->server, &c->identity);
		if (r == 0)
			r = rpc_connection_admit(c);
		if (r == 0)
			r = settle_group(c);
	}
	if (r == 0 && token->len > TOKEN_MAX)
		r = -EOVERFLOW;
	s->done = r == 0;
	return r;
}

static void refuse(struct rpc_connection *c, const struct pdu *pdu, enum pdu_nak_reason reason, const char *why)
{
	size_t len = c->output.len;

	if (pdu->header.type == PDU_ALTER) {
		rpc_connection_fault(c, pdu->header.call_id, 0, FAULT_ACCESS_DENIED);
	} else {
		pdu_put_nak(&c->output, pdu->header.call_id, reason);
		rpc_connection_flush(c, len);
	}
	rpc_connection_end(c, why);
}

static int enter_group(struct rpc_connection *c, uint32_t id)
{
	bool is_known = c->identity.local || c->identity.access != RPC_ACCESS_NONE;

	if (id != 0 && !is_known) {
		if (!rpc_association_exists(c->server, id))
			return -ENOENT;
		c->wanted_group = id;
	}
	if (id == 0 || !is_known)
		return rpc_association_new(c->server, &c->identity, &c->association);
	c->association = rpc_association_join(c->server, id, &c->identity);
	return c->association != NULL ? 0 : -ENOENT;
}

static void acknowledge(struct rpc_connection *c, const struct pdu *pdu, struct pdu_ack *ack, const struct buf *token)
{
	bool is_alter = pdu->header.type == PDU_ALTER;
	unsigned flags = PDU_FIRST | PDU_LAST | (is_alter || !c->multiplex ? 0 : PDU_MULTIPLEX);
	size_t start;

	if (c->security->header_sign)
		flags |= pdu->header.flags & PDU_HEADER_SIGN;
	ack->max_xmit = ack->max_recv = c->fragment_max;
	ack->group = c->wanted_group != 0 ? c->wanted_group : c->association->id;
	(void)memccpy(ack->address, c->transport.address, 0, sizeof(ack->address));

	start = pdu_begin(&c->output, is_alter ? PDU_ALTER_ACK : PDU_BIND_ACK, flags, pdu->header.call_id);
	pdu_put_ack(&c->output, start, ack, is_alter);
	if (pdu->has_auth) {
		pdu_put_trailer(&c->output, start, 4, &pdu->auth);
		buf_append(&c->output, token->data, token->len);
	}
	pdu_end(&c->output, start, pdu->has_auth ? token->len : 0);
	rpc_connection_flush(c, start);
}

static enum pdu_nak_reason reason_of(int error)
{
	switch (error) {
	case ERR_RPC_S_UNKNOWN_AUTHN_SERVICE:
		return NAK_AUTH_TYPE;
	case ERR_RPC_S_SERVER_TOO_BUSY:
	case -EAGAIN:
		return NAK_LIMIT;
	default:
		return NAK_UNSPECIFIED;
	}
}

void rpc_connection_bind(struct rpc_connection *c, const struct pdu *pdu)
{
	_cleanup_(buf_done) struct buf token = { 0 };
	bool is_alter = pdu->header.type == PDU_ALTER, is_new = !c->waits;
	struct pdu_ack ack = { .result_count = pdu->bind.context_count };
	int r = 0;

	if (is_new && ((pdu->header.flags & (PDU_FIRST | PDU_LAST)) != (PDU_FIRST | PDU_LAST) ||
			  is_alter != (c->state == CONNECTION_BOUND))) {
		refuse(c, pdu, NAK_UNSPECIFIED, "a bind comes at the wrong time");
		return;
	}
	if (is_new && !is_alter) {
		if (enter_group(c, pdu->bind.group) < 0) {
			refuse(c, pdu, NAK_UNSPECIFIED, "the client names an association group that it does not have");
			return;
		}
		c->fragment_max = agree_on_size(c, &pdu->bind);
		c->multiplex = pdu->header.flags & PDU_MULTIPLEX;
		c->state = CONNECTION_BOUND;
	}
	for (unsigned i = 0; i < pdu->bind.context_count; i++)
		ack.results[i] = negotiate(c, &pdu->bind.contexts[i]);
	if (pdu->has_auth)
		r = step_security(c, pdu, &token);
	if (r == RPC_STEP_LATER)
		return;
	if (r < 0) {
		refuse(c, pdu, reason_of(r), "the client could not be authenticated");
		return;
	}
	acknowledge(c, pdu, &ack, &token);
}

void rpc_connection_auth3(struct rpc_connection *c, const struct pdu *pdu)
{
	_cleanup_(buf_done) struct buf token = { 0 };
	int r;

	if (c->state != CONNECTION_BOUND || c->security->done) {
		rpc_connection_end(c, "an auth3 comes at the wrong time");
		return;
	}
	r = step_security(c, pdu, &token);
	c->security_failed = r != 0 && r != RPC_STEP_LATER;
}
