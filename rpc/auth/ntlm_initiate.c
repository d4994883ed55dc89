/* ntlm_initiate: the client's side of NTLMv2.  What and why: ntlm.c.
 *
 * Note     There is no LMv2 response, and always a MIC; a server that offers less than the level needs is not told
 *          anything about the password.
 * Threads  one at a time for a connection.     Tests  tests/unit/ntlm.c, tests/fuzz/ntlm.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/ntlm_private.h"
#include <openssl/crypto.h>

static uint32_t offered_flags(uint8_t level)
{
	uint32_t flags =
	    ntlm_flags_needed(level) | NTLM_REQUEST_TARGET | NTLM_VERSION | NTLM_128 | NTLM_KEY_EXCHANGE | NTLM_SIGN;

	return level >= RPC_LEVEL_CALL ? flags | NTLM_ALWAYS_SIGN : flags;
}

static int make_negotiate(struct ntlm *n, struct buf *token_out)
{
	n->flags = offered_flags(n->base.level);
	ntlm_put_negotiate(&n->first, n->flags);
	buf_append(token_out, n->first.data, n->first.len);
	if (n->first.error != 0 || token_out->error != 0)
		return -ENOMEM;
	n->stage = NTLM_SECOND;
	return 1;
}

/* The server's pairs with ours among them: what the response is computed over.  *time is the server's, if it told. */
static int copy_target_info(const struct ntlm *n, struct ntlm_part info, struct buf *b, uint8_t time[8])
{
	static const uint8_t no_bindings[16];
	struct cursor c = cursor_make(info.data, info.len);
	struct ntlm_part value;
	uint8_t flags[4];
	uint16_t id;
	int r;

	while ((r = ntlm_next_pair(&c, &id, &value)) > 0) {
		if (id == NTLM_PAIR_FLAGS || id == NTLM_PAIR_TARGET || id == NTLM_PAIR_BINDINGS)
			continue; /* These are the client's to say. */
		if (id == NTLM_PAIR_TIME && value.len == 8)
			memcpy(time, value.data, 8);
		ntlm_put_pair(b, id, value.data, value.len);
	}
	if (r < 0)
		return r;
	put_le32(flags, NTLM_PAIR_FLAG_MIC);
	ntlm_put_pair(b, NTLM_PAIR_FLAGS, flags, sizeof(flags));
	ntlm_put_pair(b, NTLM_PAIR_BINDINGS, no_bindings, sizeof(no_bindings));
	ntlm_put_name_pair(b, NTLM_PAIR_TARGET, n->initiator->target);
	ntlm_put_pair(b, NTLM_PAIR_END, NULL, 0);
	return b->error;
}

/* proof | 1 1 0… | time | client's nonce | 0 | pairs | 0; and the key that it gives. */
static int make_response(
    const struct ntlm *n, const struct ntlm_challenge *m, struct buf *response, uint8_t ret_base[NTLM_KEY_SIZE])
{
	_cleanup_(buf_done) struct buf pairs = { 0 };
	const struct ntlm_initiator *i = n->initiator;
	uint8_t owner[NTLM_KEY_SIZE], nonce[NTLM_NONCE_SIZE], time[8];
	struct ntlm_part parts[2];
	int r = i->source->fill_random(i->source->data, nonce, sizeof(nonce));

	if (r < 0)
		return r;
	put_le64(time, i->source->filetime(i->source->data));
	r = copy_target_info(n, m->target_info, &pairs, time);
	if (r < 0)
		return r;
	buf_append_zeros(response, NTLM_KEY_SIZE);
	buf_u16(response, 0x0101);
	buf_append_zeros(response, 6);
	buf_append(response, time, sizeof(time));
	buf_append(response, nonce, sizeof(nonce));
	buf_u32(response, 0);
	buf_append(response, pairs.data, pairs.len);
	buf_u32(response, 0);
	if (response->error != 0)
		return response->error;
	ntlm_owner_key(i->hash, i->user, i->domain, owner);
	parts[0] = (struct ntlm_part){ m->nonce, NTLM_NONCE_SIZE };
	parts[1] = (struct ntlm_part){ response->data + NTLM_KEY_SIZE, response->len - NTLM_KEY_SIZE };
	ntlm_hmac(owner, parts, ARRAY_SIZE(parts), response->data);
	ntlm_hmac(owner, &(struct ntlm_part){ response->data, NTLM_KEY_SIZE }, 1, ret_base);
	OPENSSL_cleanse(owner, sizeof(owner));
	return 0;
}

static int make_authenticate(struct ntlm *n, const uint8_t *token, size_t len, struct buf *token_out)
{
	_cleanup_(buf_done) struct buf response = { 0 };
	const struct ntlm_initiator *i = n->initiator;
	uint8_t base[NTLM_KEY_SIZE], key[NTLM_KEY_SIZE], sealed_key[NTLM_KEY_SIZE];
	size_t start = token_out->len;
	struct ntlm_challenge m;
	int r;

	if (ntlm_decode_challenge(token, len, &m) < 0)
		return -EBADMSG;
	n->flags &= m.flags;
	/* Without key exchange the session key would be another one; no server of this century is without. */
	if (!ntlm_flags_suffice(n->flags, n->base.level) || !(n->flags & NTLM_KEY_EXCHANGE))
		return ERR_RPC_S_SEC_PKG_ERROR;
	r = i->source->fill_random(i->source->data, key, sizeof(key));
	if (r < 0)
		return r;
	r = make_response(n, &m, &response, base);
	if (r < 0)
		return r;
	ntlm_rc4(base, key, sizeof(key), sealed_key);
	buf_append(&n->challenge, token, len);
	ntlm_put_authenticate(token_out, n->flags, i->domain, i->user, &response, sealed_key);
	if (n->challenge.error != 0 || token_out->error != 0)
		return -ENOMEM;
	ntlm_mic(n, key, token_out->data + start, token_out->len - start, token_out->data + start + NTLM_MIC_OFFSET);
	ntlm_establish(n, key, false);
	OPENSSL_cleanse(base, sizeof(base));
	OPENSSL_cleanse(key, sizeof(key));
	return 0;
}

static int initiate_step(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct ntlm *n = container_of(s, struct ntlm, base);
	int r = -EPROTO;

	if (n->stage == NTLM_FIRST)
		r = make_negotiate(n, token_out);
	else if (n->stage == NTLM_SECOND)
		r = make_authenticate(n, token, len, token_out);
	if (r < 0)
		n->stage = NTLM_REFUSED;
	return r;
}

static int make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = {
		.step = initiate_step,
		.protect = ntlm_protect,
		.unprotect = ntlm_unprotect,
		.sign_list = ntlm_sign_list,
		.check_list = ntlm_check_list,
		.free = ntlm_free,
	};
	struct ntlm *n = ntlm_new(level, &ops);

	if (n == NULL)
		return -ENOMEM;
	n->initiator = container_of(p, struct ntlm_initiator, provider);
	*ret = &n->base;
	return 0;
}

void ntlm_initiator_init(struct ntlm_initiator *i)
{
	assert(i->user.len <= NTLM_NAME_MAX && i->domain.len <= NTLM_NAME_MAX && i->target.len <= NTLM_NAME_MAX);
	i->provider = (struct rpc_security_provider){ .type = RPC_AUTH_NTLM, .make = make };
}
