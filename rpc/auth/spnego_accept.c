/* spnego_accept: the server's side of SPNEGO.  What and why: spnego.c.
 *
 * Note     A step of the inner mechanism that takes time is made once more with the same token, and so are the steps here: what
 *          they have done before it stays done.
 *          Wine sends bare NTLM messages under SPNEGO's number; they are taken for what they are.
 * Threads  one at a time for a connection.     Tests  tests/unit/spnego.c, tests/fuzz/spnego.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/spnego_private.h"
#include "rpc/server.h"

static bool is_bare_ntlm(const struct spnego *s, const uint8_t *token, size_t len)
{
	static const char mark[8] = "NTLMSSP";

	return s->offered->ntlm != NULL && len >= sizeof(mark) && memcmp(token, mark, sizeof(mark)) == 0;
}

static int step_bare(struct spnego *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	int r = s->inner->ops->step(s->inner, token, len, token_out);

	if (r == 0)
		spnego_establish(s);
	return r;
}

static int reply_with(struct spnego_reply *reply, const struct buf *token, const struct buf *mic, struct buf *token_out)
{
	reply->token = (struct spnego_bytes){ token->data, token->len };
	reply->mic = (struct spnego_bytes){ mic->data, mic->len };
	if (token->error == 0 && mic->error == 0)
		spnego_put_reply(token_out, reply);
	return token->error != 0 || mic->error != 0 ? -ENOMEM : token_out->error;
}

static int choose(struct spnego *s, const struct spnego_init *m)
{
	for (unsigned i = 0; i < m->count; i++)
		if (spnego_provider(s, m->mechanisms[i]) != NULL) {
			s->is_first_choice = i == 0;
			return spnego_begin(s, m->mechanisms[i]);
		}
	return ERR_ACCESS_DENIED;
}

static int accept_first(struct spnego *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	_cleanup_(buf_done) struct buf answer = { 0 }, no_mic = { 0 };
	struct spnego_reply reply = { .has_mechanism = true };
	struct spnego_init m;
	int r;

	if (is_bare_ntlm(s, token, len)) {
		r = spnego_begin(s, SPNEGO_NTLM);
		s->bare = r == 0;
		return r < 0 ? r : step_bare(s, token, len, token_out);
	}
	if (spnego_decode_init(token, len, &m) < 0)
		return -EBADMSG;
	if (s->inner == NULL) {
		r = choose(s, &m);
		if (r < 0)
			return r;
		buf_append(&s->list, m.list.data, m.list.len);
		if (s->list.error != 0)
			return s->list.error;
	}
	if (s->is_first_choice && m.token.data != NULL) {
		r = s->inner->ops->step(s->inner, m.token.data, m.token.len, &answer);
		if (r == RPC_STEP_LATER)
			return r;
		if (r <= 0)
			return r < 0 ? r : -EPROTO; /* No mechanism of ours is done so soon. */
	}
	reply.state = s->is_first_choice ? SPNEGO_INCOMPLETE : SPNEGO_REQUEST_MIC;
	reply.mechanism = s->mechanism;
	r = reply_with(&reply, &answer, &no_mic, token_out);
	s->stage = SPNEGO_INNER;
	return r < 0 ? r : 1;
}

/* The inner mechanism is done: check the client's signature over the list, and give ours. */
static int conclude(struct spnego *s, const struct spnego_reply *m, struct buf *mic)
{
	const struct rpc_security_ops *ops = s->inner->ops;
	int r;

	if (m->mic.data == NULL)
		return !s->is_first_choice && s->base.level >= RPC_LEVEL_CALL ? ERR_ACCESS_DENIED : 0;
	r = ops->check_list(s->inner, s->list.data, s->list.len, m->mic.data, m->mic.len);
	return r < 0 ? r : ops->sign_list(s->inner, s->list.data, s->list.len, mic);
}

static int accept_next(struct spnego *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	_cleanup_(buf_done) struct buf answer = { 0 }, mic = { 0 };
	struct spnego_reply m, reply = { 0 };
	int r, more;

	if (spnego_decode_reply(token, len, &m) < 0 || m.token.data == NULL)
		return -EBADMSG;
	if (m.state == SPNEGO_REJECT)
		return ERR_ACCESS_DENIED;
	more = s->inner->ops->step(s->inner, m.token.data, m.token.len, &answer);
	if (more == RPC_STEP_LATER)
		return more;
	r = more == 0 ? conclude(s, &m, &mic) : MIN(more, 0);
	if (r < 0)
		return r;
	reply.state = more > 0 ? SPNEGO_INCOMPLETE : SPNEGO_COMPLETED;
	r = reply_with(&reply, &answer, &mic, token_out);
	if (r < 0)
		return r;
	if (more == 0)
		spnego_establish(s);
	return more;
}

static int accept_step(struct rpc_security *security, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct spnego *s = container_of(security, struct spnego, base);
	int r = -EPROTO;

	if (s->stage == SPNEGO_FIRST && s->bare)
		r = step_bare(s, token, len, token_out);
	else if (s->stage == SPNEGO_FIRST)
		r = accept_first(s, token, len, token_out);
	else if (s->stage == SPNEGO_INNER)
		r = accept_next(s, token, len, token_out);
	if (r < 0)
		s->stage = SPNEGO_REFUSED;
	return r;
}

static void identify(struct rpc_security *security, struct rpc_identity *identity)
{
	struct spnego *s = container_of(security, struct spnego, base);
	enum rpc_access before = identity->access;

	if (s->inner == NULL)
		return;
	s->inner->ops->identify(s->inner, identity);
	if (s->stage != SPNEGO_ESTABLISHED) { /* The inner mechanism may be content with him; we are not. */
		identity->access = before;
		rpc_identity_done(identity);
	}
}

static int make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = {
		.step = accept_step,
		.identify = identify,
		.protect = spnego_protect,
		.unprotect = spnego_unprotect,
		.free = spnego_free,
	};

	return spnego_make(p, level, &ops, ret);
}

void spnego_acceptor_init(struct spnego_mechanisms *m)
{
	assert(m->kerberos != NULL || m->ntlm != NULL);
	m->provider = (struct rpc_security_provider){ .type = RPC_AUTH_SPNEGO, .make = make };
}
