/* ntlm: NTLMv2 as a mechanism of the RPC runtime: what server and client share.
 *
 * Why      Windows machines outside a domain, and every administrator's tools, can log in with a name and a password
 *          only by NTLM.
 * How           client                              server
 *          NEGOTIATE  (what I can)      ──►
 *                                       ◄──  CHALLENGE     (what we do, 8 random bytes, names, time)
 *          AUTHENTICATE (proof, a key)  ──►  checks the proof with the account's hash
 *
 *          ntlm_accept.c and ntlm_initiate.c are the two sides, ntlm_message.c the bytes, ntlm_crypt.c the arithmetic.
 * Promise  No LM, NTLMv1 or anonymous login.  At level packet and above nothing but 128-bit keys and key exchange with
 *          extended session security, and at level privacy sealing: who offers less is refused, so there is nothing
 *          to which the two could be talked down.  A MIC over the messages is checked where the client says that he sent
 *          one (that statement is under the proof), and always sent.
 * Not kept against guessing of weak passwords by whoever hears a login: the proof can be tried offline.
 * Note     NTLM signs the whole PDU whether header signing was negotiated or not; see docs/formats/dcerpc.md.
 * Threads  one at a time for a connection.     Limits  NTLM_TOKEN_MAX, NTLM_NAME_MAX.
 * Source   MS-NLMP 3.2.5.1, 3.3.2     Tests  tests/unit/ntlm.c, tests/fuzz/ntlm.c, tests/interop/rpc_auth.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/ntlm_private.h"
#include <openssl/crypto.h>

uint32_t ntlm_flags_needed(uint8_t level)
{
	uint32_t flags = NTLM_UNICODE | NTLM_NTLM | NTLM_EXTENDED;

	if (level >= RPC_LEVEL_CALL)
		flags |= NTLM_SIGN | NTLM_128 | NTLM_KEY_EXCHANGE;
	if (level == RPC_LEVEL_PRIVACY)
		flags |= NTLM_SEAL;
	return flags;
}

bool ntlm_flags_suffice(uint32_t flags, uint8_t level)
{
	uint32_t needed = ntlm_flags_needed(level);

	return (flags & needed) == needed && (flags & (NTLM_DATAGRAM | NTLM_ANONYMOUS)) == 0;
}

void ntlm_mic(const struct ntlm *n, const uint8_t key[NTLM_KEY_SIZE], const uint8_t *third, size_t len, uint8_t ret[16])
{
	static const uint8_t zeros[NTLM_KEY_SIZE];
	static const size_t after = NTLM_MIC_OFFSET + sizeof(zeros);
	const struct ntlm_part parts[] = { { n->first.data, n->first.len }, { n->challenge.data, n->challenge.len },
		{ third, NTLM_MIC_OFFSET }, { zeros, sizeof(zeros) }, { third + after, len - after } };

	assert(len >= after);
	ntlm_hmac(key, parts, ARRAY_SIZE(parts), ret);
}

void ntlm_establish(struct ntlm *n, const uint8_t key[NTLM_KEY_SIZE], bool is_server)
{
	n->has_keys = ntlm_flags_suffice(n->flags, RPC_LEVEL_PACKET);
	if (n->has_keys)
		ntlm_session_init(&n->session, key, is_server);
	assert(n->has_keys || n->base.level < RPC_LEVEL_CALL);
	n->base.signature_len = NTLM_SIGNATURE_SIZE;
	n->stage = NTLM_ESTABLISHED;
	buf_done(&n->first);
	buf_done(&n->challenge);
}

struct ntlm *ntlm_new(uint8_t level, const struct rpc_security_ops *ops)
{
	struct ntlm *n = calloc(1, sizeof(*n));

	if (n != NULL) {
		n->base.ops = ops;
		n->base.level = level;
		n->base.type = RPC_AUTH_NTLM;
	}
	return n;
}

void ntlm_free(struct rpc_security *s)
{
	struct ntlm *n = container_of(s, struct ntlm, base);

	if (n->inquiry.asked != NULL)
		n->acceptor->authority->forget(n->acceptor->authority, &n->inquiry);
	rpc_sids_unref(n->inquiry.sids);
	buf_done(&n->first);
	buf_done(&n->challenge);
	OPENSSL_cleanse(n, sizeof(*n));
	free(n);
}

int ntlm_protect(struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, uint8_t *signature)
{
	struct ntlm *n = container_of(s, struct ntlm, base);

	assert(n->has_keys);
	return ntlm_session_seal(&n->session, pdu, len, body, s->level == RPC_LEVEL_PRIVACY ? body_len : 0, signature);
}

int ntlm_unprotect(
    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, const uint8_t *signature)
{
	struct ntlm *n = container_of(s, struct ntlm, base);

	assert(n->has_keys);
	return ntlm_session_open(&n->session, pdu, len, body, s->level == RPC_LEVEL_PRIVACY ? body_len : 0, signature);
}

int ntlm_sign_list(struct rpc_security *s, const uint8_t *list, size_t len, struct buf *signature)
{
	struct ntlm *n = container_of(s, struct ntlm, base);
	uint8_t bytes[NTLM_SIGNATURE_SIZE];

	assert(n->stage == NTLM_ESTABLISHED);
	if (!n->has_keys)
		return -EOPNOTSUPP;
	ntlm_session_sign_list(&n->session, list, len, bytes);
	buf_append(signature, bytes, sizeof(bytes));
	return signature->error;
}

int ntlm_check_list(
    struct rpc_security *s, const uint8_t *list, size_t len, const uint8_t *signature, size_t signature_len)
{
	struct ntlm *n = container_of(s, struct ntlm, base);

	assert(n->stage == NTLM_ESTABLISHED);
	if (!n->has_keys)
		return -EOPNOTSUPP;
	if (signature_len != NTLM_SIGNATURE_SIZE)
		return ERR_RPC_S_SEC_PKG_ERROR;
	return ntlm_session_check_list(&n->session, list, len, signature);
}
