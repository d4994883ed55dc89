/* ntlm_crypt: the arithmetic of NTLMv2: hashes, keys, signatures.  See ntlm_crypt.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/utf16.h"

enum { NTLM_KEY_SIZE = 16, NTLM_SIGNATURE_SIZE = 16, NTLM_NONCE_SIZE = 8, NTLM_NAME_MAX = 256 };

struct ntlm_part {
	const void *data; /* May be NULL if len is 0. */
	size_t len;
};

/* HMAC-MD5 over the parts as if they were one. */
void ntlm_hmac(const uint8_t key[NTLM_KEY_SIZE], const struct ntlm_part *parts, size_t count, uint8_t ret[16]);
/* MD4 of the UTF-16LE password: what the accounts file holds.  Who has it can log in: it is as secret as the password. */
void ntlm_hash_password(struct u16 password, uint8_t ret[NTLM_KEY_SIZE]);
/* NTOWFv2: the hash, bound to a user (in any case) and to the domain as the client wrote it; NTLM_NAME_MAX units each. */
void ntlm_owner_key(const uint8_t hash[NTLM_KEY_SIZE], struct u16 user, struct u16 domain, uint8_t ret[NTLM_KEY_SIZE]);
/* RC4 from its start: encrypts and decrypts. */
void ntlm_rc4(const uint8_t key[NTLM_KEY_SIZE], const void *in, size_t len, void *out);

struct ntlm_direction {
	uint8_t sign_key[NTLM_KEY_SIZE], seal_key[NTLM_KEY_SIZE];
	_Alignas(8) uint8_t rc4[1032]; /* libcrypto's state. */
	uint32_t sequence;
};

/* The keys of a connection with extended session security, key exchange and 128 bits; nothing weaker is spoken. */
struct ntlm_session {
	struct ntlm_direction out, in;
	bool broken; /* Something that came in was not genuine: nothing is from here on. */
};

void ntlm_session_init(struct ntlm_session *s, const uint8_t key[NTLM_KEY_SIZE], bool is_server);
/* As rpc_security_ops.protect(): the signature covers all of data, the part at body is encrypted (body_len 0: nothing). */
int ntlm_session_seal(struct ntlm_session *s, uint8_t *data, size_t len, size_t body, size_t body_len,
    uint8_t signature[NTLM_SIGNATURE_SIZE]);
/* ERR_RPC_S_SEC_PKG_ERROR: not genuine, now or before. */
int ntlm_session_open(struct ntlm_session *s, uint8_t *data, size_t len, size_t body, size_t body_len,
    const uint8_t signature[NTLM_SIGNATURE_SIZE]);
/* SPNEGO's signatures over the list of mechanisms; afterwards that direction's RC4 starts anew, its sequence goes on. */
void ntlm_session_sign_list(
    struct ntlm_session *s, const uint8_t *list, size_t len, uint8_t signature[NTLM_SIGNATURE_SIZE]);
int ntlm_session_check_list(
    struct ntlm_session *s, const uint8_t *list, size_t len, const uint8_t signature[NTLM_SIGNATURE_SIZE]);
