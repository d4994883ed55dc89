/* ntlm_crypt: the arithmetic of NTLMv2: hashes, keys, signatures.
 *
 * Why      everything in NTLM that can be checked with published numbers is here, without messages and states.
 * How      each direction has a signing key, a sealing key, one RC4 stream and a counter:
 *
 *              signature = 1 (4 bytes) | RC4(HMAC-MD5(sign key, counter | plaintext), first 8 bytes) | counter (4)
 *
 *          RC4 takes the body first and the 8 bytes after it, so both sides must do everything in the same order: PDUs
 *          that are lost, repeated or swapped are noticed.
 * Note     The low-level calls of libcrypto are used, as in base/sha256.c: MD4 and RC4 are in no provider that OpenSSL 3
 *          loads by itself, and nothing here may depend on a machine's openssl.cnf.  MD4, MD5 and RC4 are broken as
 *          general tools; the protocol has no others.  Who can choose uses Kerberos.
 * Threads  one at a time for a session.     Limits  2^32 - 1 PDUs in each direction, then an error.
 * Source   MS-NLMP 3.3.2, 3.4     Tests  tests/unit/ntlm_crypt.c
 * SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "rpc/auth/ntlm_crypt.h"
#include "base/bytes.h"
#include "base/error.h"
#include <openssl/crypto.h>
#include <openssl/md4.h>
#include <openssl/md5.h>
#include <openssl/rc4.h>

enum { HMAC_BLOCK = 64, CHECKSUM_SIZE = 8 };
static_assert(sizeof(RC4_KEY) <= sizeof(((struct ntlm_direction *)0)->rc4), "the state must fit");

static RC4_KEY *rc4_state(struct ntlm_direction *d)
{
	return (RC4_KEY *)(void *)d->rc4;
}

void ntlm_hmac(const uint8_t key[NTLM_KEY_SIZE], const struct ntlm_part *parts, size_t count, uint8_t ret[16])
{
	uint8_t inner[HMAC_BLOCK] = { 0 }, outer[HMAC_BLOCK], digest[MD5_DIGEST_LENGTH];
	MD5_CTX md5;

	memcpy(inner, key, NTLM_KEY_SIZE);
	for (size_t i = 0; i < HMAC_BLOCK; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	(void)MD5_Init(&md5);
	(void)MD5_Update(&md5, inner, sizeof(inner));
	for (size_t i = 0; i < count; i++)
		if (parts[i].len > 0)
			(void)MD5_Update(&md5, parts[i].data, parts[i].len);
	(void)MD5_Final(digest, &md5);
	(void)MD5_Init(&md5);
	(void)MD5_Update(&md5, outer, sizeof(outer));
	(void)MD5_Update(&md5, digest, sizeof(digest));
	(void)MD5_Final(ret, &md5);
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
}

void ntlm_hash_password(struct u16 password, uint8_t ret[NTLM_KEY_SIZE])
{
	uint8_t unit[2];
	MD4_CTX md4;

	(void)MD4_Init(&md4);
	for (size_t i = 0; i < password.len; i++) {
		put_le16(unit, password.units[i]);
		(void)MD4_Update(&md4, unit, sizeof(unit));
	}
	(void)MD4_Final(ret, &md4);
	OPENSSL_cleanse(&md4, sizeof(md4));
}

void ntlm_owner_key(const uint8_t hash[NTLM_KEY_SIZE], struct u16 user, struct u16 domain, uint8_t ret[NTLM_KEY_SIZE])
{
	uint8_t name[2 * (NTLM_NAME_MAX + NTLM_NAME_MAX)];
	size_t len = 0;

	assert(user.len <= NTLM_NAME_MAX && domain.len <= NTLM_NAME_MAX);
	for (size_t i = 0; i < user.len; i++, len += 2)
		put_le16(name + len, utf16_upcase(user.units[i]));
	for (size_t i = 0; i < domain.len; i++, len += 2)
		put_le16(name + len, domain.units[i]);
	ntlm_hmac(hash, &(struct ntlm_part){ name, len }, 1, ret);
}

void ntlm_rc4(const uint8_t key[NTLM_KEY_SIZE], const void *in, size_t len, void *out)
{
	RC4_KEY state;

	RC4_set_key(&state, NTLM_KEY_SIZE, key);
	RC4(&state, len, in, out);
	OPENSSL_cleanse(&state, sizeof(state));
}

/* MD5 of the key and a text with its terminator. */
static void derive(const uint8_t key[NTLM_KEY_SIZE], const char *text, uint8_t ret[NTLM_KEY_SIZE])
{
	MD5_CTX md5;

	(void)MD5_Init(&md5);
	(void)MD5_Update(&md5, key, NTLM_KEY_SIZE);
	(void)MD5_Update(&md5, text, strlen(text) + 1);
	(void)MD5_Final(ret, &md5);
}

static void start_direction(struct ntlm_direction *d, const uint8_t key[NTLM_KEY_SIZE], bool to_server)
{
	derive(key,
	    to_server ? "session key to client-to-server signing key magic constant"
		      : "session key to server-to-client signing key magic constant",
	    d->sign_key);
	derive(key,
	    to_server ? "session key to client-to-server sealing key magic constant"
		      : "session key to server-to-client sealing key magic constant",
	    d->seal_key);
	RC4_set_key(rc4_state(d), NTLM_KEY_SIZE, d->seal_key);
	d->sequence = 0;
}

void ntlm_session_init(struct ntlm_session *s, const uint8_t key[NTLM_KEY_SIZE], bool is_server)
{
	start_direction(&s->out, key, !is_server);
	start_direction(&s->in, key, is_server);
	s->broken = false;
}

/* The 8 bytes before they are encrypted. */
static void checksum(const struct ntlm_direction *d, const uint8_t *data, size_t len, uint8_t ret[16])
{
	uint8_t sequence[4];
	const struct ntlm_part parts[] = { { sequence, sizeof(sequence) }, { data, len } };

	put_le32(sequence, d->sequence);
	ntlm_hmac(d->sign_key, parts, ARRAY_SIZE(parts), ret);
}

static void finish(struct ntlm_direction *d, const uint8_t sum[16], uint8_t signature[NTLM_SIGNATURE_SIZE])
{
	put_le32(signature, 1);
	RC4(rc4_state(d), CHECKSUM_SIZE, sum, signature + 4);
	put_le32(signature + 12, d->sequence);
	d->sequence++;
}

int ntlm_session_seal(struct ntlm_session *s, uint8_t *data, size_t len, size_t body, size_t body_len,
    uint8_t signature[NTLM_SIGNATURE_SIZE])
{
	uint8_t sum[16];

	assert(body <= len && body_len <= len - body);
	if (s->out.sequence == UINT32_MAX)
		return -EOVERFLOW;
	checksum(&s->out, data, len, sum);
	RC4(rc4_state(&s->out), body_len, data + body, data + body);
	finish(&s->out, sum, signature);
	return 0;
}

int ntlm_session_open(struct ntlm_session *s, uint8_t *data, size_t len, size_t body, size_t body_len,
    const uint8_t signature[NTLM_SIGNATURE_SIZE])
{
	uint8_t sum[16], wanted[NTLM_SIGNATURE_SIZE];

	assert(body <= len && body_len <= len - body);
	if (s->broken || s->in.sequence == UINT32_MAX)
		return ERR_RPC_S_SEC_PKG_ERROR;
	RC4(rc4_state(&s->in), body_len, data + body, data + body);
	checksum(&s->in, data, len, sum);
	finish(&s->in, sum, wanted);
	s->broken = CRYPTO_memcmp(wanted, signature, sizeof(wanted)) != 0;
	return s->broken ? ERR_RPC_S_SEC_PKG_ERROR : 0;
}

void ntlm_session_sign_list(
    struct ntlm_session *s, const uint8_t *list, size_t len, uint8_t signature[NTLM_SIGNATURE_SIZE])
{
	uint8_t sum[16];

	checksum(&s->out, list, len, sum);
	finish(&s->out, sum, signature);
	RC4_set_key(rc4_state(&s->out), NTLM_KEY_SIZE, s->out.seal_key);
}

int ntlm_session_check_list(
    struct ntlm_session *s, const uint8_t *list, size_t len, const uint8_t signature[NTLM_SIGNATURE_SIZE])
{
	uint8_t sum[16], wanted[NTLM_SIGNATURE_SIZE];

	checksum(&s->in, list, len, sum);
	finish(&s->in, sum, wanted);
	RC4_set_key(rc4_state(&s->in), NTLM_KEY_SIZE, s->in.seal_key);
	s->broken |= CRYPTO_memcmp(wanted, signature, sizeof(wanted)) != 0;
	return s->broken ? ERR_RPC_S_SEC_PKG_ERROR : 0;
}
