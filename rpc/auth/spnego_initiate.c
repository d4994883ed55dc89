/* spnego_initiate: the client's side of SPNEGO.  What and why: spnego.c.
 *
 * Note     Kerberos is offered first if there is a ticket, else NTLM alone.
 * Threads  one at a time for a connection.     Tests  tests/unit/spnego.c, tests/fuzz/spnego.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/spnego_private.h"

static int begin_with(struct spnego *s, enum spnego_mechanism mechanism, struct buf *inner_token)
{
	int r = spnego_begin(s, mechanism);

	if (r == 0)
		r = s->inner->ops->step(s->inner, NULL, 0, inner_token);
	return r == 0 ? -EPROTO : r; /* No mechanism of ours has one leg only. */
}

static int initiate_first(struct spnego *s, struct buf *token_out)
{
	/* Two numbers for Kerberos: Windows once wrote it down wrong, and prefers that one. */
	static const enum spnego_mechanism all[] = { SPNEGO_MS_KERBEROS, SPNEGO_KERBEROS, SPNEGO_NTLM };
	_cleanup_(buf_done) struct buf inner_token = { 0 };
	unsigned from = 0, to = s->offered->ntlm != NULL ? 3 : 2;
	int r = -EPROTO;

	if (s->offered->kerberos != NULL)
		r = begin_with(s, SPNEGO_MS_KERBEROS, &inner_token);
	if (r < 0 && s->offered->ntlm != NULL) {
		buf_done(&inner_token);
		from = 2;
		r = begin_with(s, SPNEGO_NTLM, &inner_token);
	}
	if (r < 0)
		return r;
	spnego_put_list(&s->list, all + from, to - from);
	if (s->list.error == 0)
		spnego_put_init(token_out, &s->list, &inner_token);
	if (s->list.error != 0 || token_out->error != 0)
		return -ENOMEM;
	s->stage = SPNEGO_INNER;
	return 1;
}

static bool is_same_family(enum spnego_mechanism a, enum spnego_mechanism b)
{
	return (a == SPNEGO_NTLM) == (b == SPNEGO_NTLM);
}

/* The server wants another mechanism than our first: begin with that one. */
static int change(struct spnego *s, enum spnego_mechanism wanted, struct buf *inner_token)
{
	if (s->is_settled || spnego_provider(s, wanted) == NULL || wanted != SPNEGO_NTLM)
		return ERR_RPC_S_SEC_PKG_ERROR;
	return begin_with(s, wanted, inner_token);
}

static int initiate_next(struct spnego *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	_cleanup_(buf_done) struct buf answer = { 0 }, mic = { 0 };
	struct spnego_reply m, reply = { .state = SPNEGO_NO_STATE };
	int r, more;

	if (spnego_decode_reply(token, len, &m) < 0)
		return -EBADMSG;
	if (m.state == SPNEGO_REJECT)
		return ERR_ACCESS_DENIED;
	if (!s->is_settled && !m.has_mechanism)
		return -EBADMSG; /* The first reply has to say it. */
	if (m.has_mechanism && !is_same_family(m.mechanism, s->mechanism))
		more = change(s, m.mechanism, &answer);
	else if (m.mechanism == SPNEGO_UNKNOWN && m.has_mechanism)
		return ERR_RPC_S_SEC_PKG_ERROR;
	else
		more = s->inner->ops->step(s->inner, m.token.data, m.token.len, &answer);
	s->is_settled = true;
	if (more < 0)
		return more;
	if (more == 0) {
		r = s->inner->ops->sign_list(s->inner, s->list.data, s->list.len, &mic);
		if (r < 0 && r != -EOPNOTSUPP)
			return r;
		s->has_signed = r == 0;
		s->stage = SPNEGO_FINAL;
	}
	reply.token = (struct spnego_bytes){ answer.data, answer.len };
	reply.mic = (struct spnego_bytes){ mic.data, mic.len };
	spnego_put_reply(token_out, &reply);
	return token_out->error != 0 ? -ENOMEM : 1;
}

static int initiate_last(struct spnego *s, const uint8_t *token, size_t len)
{
	struct spnego_reply m;
	int r = 0;

	if (spnego_decode_reply(token, len, &m) < 0 || m.token.len > 0)
		return -EBADMSG;
	if (m.state != SPNEGO_COMPLETED)
		return m.state == SPNEGO_REJECT ? ERR_ACCESS_DENIED : ERR_RPC_S_SEC_PKG_ERROR;
	if (s->has_signed && m.mic.data == NULL)
		return ERR_RPC_S_SEC_PKG_ERROR;
	if (m.mic.data != NULL)
		r = s->inner->ops->check_list(s->inner, s->list.data, s->list.len, m.mic.data, m.mic.len);
	if (r == 0)
		spnego_establish(s);
	return r;
}

static int initiate_step(struct rpc_security *security, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct spnego *s = container_of(security, struct spnego, base);
	int r = -EPROTO;

	if (s->stage == SPNEGO_FIRST)
		r = initiate_first(s, token_out);
	else if (s->stage == SPNEGO_INNER)
		r = initiate_next(s, token, len, token_out);
	else if (s->stage == SPNEGO_FINAL)
		r = initiate_last(s, token, len);
	if (r < 0)
		s->stage = SPNEGO_REFUSED;
	return r;
}

static int make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = {
		.step = initiate_step,
		.protect = spnego_protect,
		.unprotect = spnego_unprotect,
		.free = spnego_free,
	};

	return spnego_make(p, level, &ops, ret);
}

void spnego_initiator_init(struct spnego_mechanisms *m)
{
	assert(m->kerberos != NULL || m->ntlm != NULL);
	m->provider = (struct rpc_security_provider){ .type = RPC_AUTH_SPNEGO, .make = make };
}
