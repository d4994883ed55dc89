/* security: where every auth trailer of a request or response is written and taken off; and the two mechanisms that
 * need no secrets.
 *
 * Why      signing and sealing go wrong in details (which bytes, which order, which lengths), so exactly one place on
 *          either side knows them; a mechanism (NTLM, Kerberos, SPNEGO) sees ranges of bytes and nothing of PDUs.
 * How      header (24) | stub | zeros to a multiple of 16 | trailer (8) | signature.
 *          The lengths in the header are signed, so they are final before protect() is called.  Each fragment is
 *          protected on its own and in the order of writing: mechanisms count PDUs.  At level connect nothing is
 *          signed, but some clients append a trailer all the same: pdu_decode() has taken it off.
 * Promise  with a security context at level packet or above, no unsigned stub gets through rpc_security_open().
 * Not kept faults are unsigned, in both directions, as peers expect; whoever reads one must not trust it with more
 *          than the failure of one call.
 * Threads  one at a time per context.     Limits  RPC_SIGNATURE_MAX.
 * Source   MS-RPCE 2.2.2.11-13, 3.3.1.5.2    Tests  tests/unit/rpc_security.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/security.h"

enum { STUB_ALIGN = 16 };

static int none_step(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	return -EOPNOTSUPP;
}

struct rpc_security *rpc_security_none(void)
{
	static const struct rpc_security_ops ops = { .step = none_step };
	static const struct rpc_security none = { .ops = &ops, .level = RPC_LEVEL_NONE, .done = true };

	return (struct rpc_security *)&none;
}

static int ncalrpc_step(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	static const char expected[] = "NCALRPC_AUTH_TOKEN", answer[] = "NCALRPC_AUTH_OK";

	/* With or without the terminator. */
	if (len < sizeof(expected) - 1 || len > sizeof(expected) || memcmp(token, expected, len) != 0)
		return ERR_ACCESS_DENIED;
	buf_append(token_out, answer, sizeof(answer) - 1);
	return token_out->error;
}

static void ncalrpc_free(struct rpc_security *s)
{
	free(s);
}

static int ncalrpc_make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = { .step = ncalrpc_step, .free = ncalrpc_free };
	struct rpc_security *s;

	if (level != RPC_LEVEL_CONNECT)
		return -EOPNOTSUPP;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->ops = &ops;
	*ret = s;
	return 0;
}

const struct rpc_security_provider rpc_security_ncalrpc = {
	.type = RPC_AUTH_NCALRPC,
	.local_only = true,
	.make = ncalrpc_make,
};

void rpc_security_free(struct rpc_security *s)
{
	if (s != NULL && s->ops->free != NULL)
		s->ops->free(s);
}

static int put_fragment(struct rpc_security *s, struct buf *out, const struct rpc_message *m, size_t at, size_t len)
{
	unsigned flags = m->flags | (at == 0 ? PDU_FIRST : 0) | (at + len == m->len ? PDU_LAST : 0);
	struct pdu_auth auth = { .type = s->type, .level = s->level, .context_id = s->context_id };
	size_t start = pdu_begin(out, m->type, flags, m->call_id), body, end;

	pdu_put_stub_header(out, m->len - at, m->context_id, m->opnum);
	body = out->len;
	if (len > 0) /* An empty stub may be NULL. */
		buf_append(out, m->stub + at, len);
	if (!rpc_security_protects(s)) {
		pdu_end(out, start, 0);
		return out->error;
	}
	pdu_put_trailer(out, body, STUB_ALIGN, &auth);
	end = out->len;
	buf_append_zeros(out, s->signature_len);
	pdu_end(out, start, s->signature_len);
	if (out->error != 0)
		return out->error;
	return s->ops->protect(
	    s, out->data + start, end - start, body - start, end - PDU_TRAILER_SIZE - body, out->data + end);
}

int rpc_security_put_message(struct rpc_security *s, struct buf *out, const struct rpc_message *m)
{
	size_t room = m->fragment_max - PDU_BODY_OFFSET, at = 0;

	assert(m->fragment_max >= PDU_FRAGMENT_LEAST);
	assert(s->signature_len <= RPC_SIGNATURE_MAX);
	if (rpc_security_protects(s))
		room -= PDU_TRAILER_SIZE + s->signature_len;
	room -= room % STUB_ALIGN;
	do {
		size_t len = MIN(m->len - at, room);
		int r = put_fragment(s, out, m, at, len);

		if (r < 0)
			return r;
		at += len;
	} while (at < m->len);
	return 0;
}

int rpc_security_open(struct rpc_security *s, uint8_t *data, const struct pdu *pdu)
{
	const struct pdu_stub *stub = &pdu->stub;
	const struct pdu_auth *auth = &pdu->auth;

	assert(pdu->header.type == PDU_REQUEST || pdu->header.type == PDU_RESPONSE);
	if (!rpc_security_protects(s))
		return 0;
	if (!pdu->has_auth || auth->type != s->type || auth->level != s->level || auth->context_id != s->context_id ||
	    auth->token_len != s->signature_len)
		return ERR_RPC_S_SEC_PKG_ERROR;
	if (s->ops->unprotect(
		s, data, (size_t)(auth->token - data), stub->offset, stub->len + auth->pad_length, auth->token) < 0)
		return ERR_RPC_S_SEC_PKG_ERROR;
	return 0;
}
