/* spnego: the mechanism that agrees on a mechanism: what server and client share.
 *
 * Why      Windows' and Samba's clients do not know beforehand whether they can have a ticket for us; with SPNEGO they
 *          offer Kerberos and NTLM in one go, and the better one that both have is used.
 * How           client                                      server
 *          the list, a token for its first entry   ──►   takes the first entry that it has
 *                                                  ◄──   which one, the answer (if it was the first entry)
 *          … further legs of the mechanism         ◄─►
 *          the last leg, signature over the list   ──►   checks it
 *                                                  ◄──   completed, signature over the list
 *
 *          Once the mechanism is agreed, PDUs are protected by it alone.
 * Promise  Nobody between the two can make them choose another mechanism than they would: at level packet and above the
 *          signature over the list is demanded whenever it was not the client's first choice, by the client always
 *          when it could sign itself.
 * Threads  one at a time for a connection.     Limits  SPNEGO_MECHANISMS_MAX, SPNEGO_TOKEN_MAX.
 * Source   RFC 4178, MS-SPNG     Tests  tests/unit/spnego.c, tests/fuzz/spnego.c, tests/interop/rpc_auth.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/spnego_private.h"

const struct rpc_security_provider *spnego_provider(const struct spnego *s, enum spnego_mechanism mechanism)
{
	switch (mechanism) {
	case SPNEGO_KERBEROS:
	case SPNEGO_MS_KERBEROS:
		return s->offered->kerberos;
	case SPNEGO_NTLM:
		return s->offered->ntlm;
	default:
		return NULL;
	}
}

int spnego_begin(struct spnego *s, enum spnego_mechanism mechanism)
{
	const struct rpc_security_provider *p = spnego_provider(s, mechanism);
	struct rpc_security *inner;
	int r = p->make(p, s->base.level, &inner);

	if (r < 0)
		return r;
	rpc_security_free(s->inner);
	inner->type = p->type;
	inner->level = s->base.level;
	inner->ready = s->base.ready;
	inner->ready_data = s->base.ready_data;
	s->inner = inner;
	s->mechanism = mechanism;
	return 0;
}

void spnego_establish(struct spnego *s)
{
	s->inner->done = true;
	s->base.signature_len = s->inner->signature_len;
	s->stage = SPNEGO_ESTABLISHED;
	buf_done(&s->list);
}

int spnego_make(
    const struct rpc_security_provider *p, uint8_t level, const struct rpc_security_ops *ops, struct rpc_security **ret)
{
	struct spnego *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->base.ops = ops;
	s->base.level = level;
	s->offered = container_of(p, struct spnego_mechanisms, provider);
	*ret = &s->base;
	return 0;
}

int spnego_protect(
    struct rpc_security *security, uint8_t *pdu, size_t len, size_t body, size_t body_len, uint8_t *signature)
{
	struct spnego *s = container_of(security, struct spnego, base);

	s->inner->header_sign = security->header_sign;
	return s->inner->ops->protect(s->inner, pdu, len, body, body_len, signature);
}

int spnego_unprotect(
    struct rpc_security *security, uint8_t *pdu, size_t len, size_t body, size_t body_len, const uint8_t *signature)
{
	struct spnego *s = container_of(security, struct spnego, base);

	s->inner->header_sign = security->header_sign;
	return s->inner->ops->unprotect(s->inner, pdu, len, body, body_len, signature);
}

void spnego_free(struct rpc_security *security)
{
	struct spnego *s = container_of(security, struct spnego, base);

	rpc_security_free(s->inner);
	buf_done(&s->list);
	free(s);
}
