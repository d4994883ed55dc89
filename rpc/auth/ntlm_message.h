/* ntlm_message: the three messages of NTLM, bytes to structs and back.  See ntlm_message.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "rpc/auth/ntlm_crypt.h"

enum ntlm_flag {
	NTLM_UNICODE = 0x1,
	NTLM_REQUEST_TARGET = 0x4,
	NTLM_SIGN = 0x10,
	NTLM_SEAL = 0x20,
	NTLM_DATAGRAM = 0x40,
	NTLM_NTLM = 0x200,
	NTLM_ANONYMOUS = 0x800,
	NTLM_ALWAYS_SIGN = 0x8000,
	NTLM_TARGET_IS_SERVER = 0x20000,
	NTLM_EXTENDED = 0x80000, /* Extended session security. */
	NTLM_TARGET_INFO = 0x800000,
	NTLM_VERSION = 0x2000000,
	NTLM_128 = 0x20000000,
	NTLM_KEY_EXCHANGE = 0x40000000,
};

enum ntlm_pair_id {
	NTLM_PAIR_END = 0,
	NTLM_PAIR_COMPUTER = 1,
	NTLM_PAIR_DOMAIN = 2,
	NTLM_PAIR_DNS_COMPUTER = 3,
	NTLM_PAIR_FLAGS = 6,
	NTLM_PAIR_TIME = 7,
	NTLM_PAIR_TARGET = 9,
	NTLM_PAIR_BINDINGS = 10,
};
enum { NTLM_PAIR_FLAG_MIC = 2 };

enum {
	NTLM_MIC_OFFSET = 72,  /* In AUTHENTICATE. */
	NTLM_BLOB_HEADER = 28, /* Of the client's part of an NTLMv2 response, before its pairs. */
	NTLM_RESPONSE_LEAST = NTLM_KEY_SIZE + NTLM_BLOB_HEADER,
	NTLM_TOKEN_MAX = 8192,
};

struct ntlm_challenge {
	uint32_t flags;
	const uint8_t *nonce; /* All are borrowed from the message. */
	struct ntlm_part target_info;
};

struct ntlm_authenticate {
	uint32_t flags;
	struct ntlm_part response, domain, user, session_key;
	const uint8_t *mic; /* NULL: there is no room for one. */
};

/* -EBADMSG: it is not that message, or says something of itself that is not so. */
int ntlm_decode_negotiate(const uint8_t *data, size_t len, uint32_t *ret_flags);
int ntlm_decode_challenge(const uint8_t *data, size_t len, struct ntlm_challenge *ret);
int ntlm_decode_authenticate(const uint8_t *data, size_t len, struct ntlm_authenticate *ret);
/* The next pair: 1, 0 at the end, -EBADMSG. */
int ntlm_next_pair(struct cursor *c, uint16_t *ret_id, struct ntlm_part *ret);
/* UTF-16LE of the wire as units; -EBADMSG if it is too long or odd. */
int ntlm_take_name(struct ntlm_part name, char16_t units[NTLM_NAME_MAX], struct u16 *ret);

void ntlm_put_pair(struct buf *b, enum ntlm_pair_id id, const void *data, size_t len);
void ntlm_put_name_pair(struct buf *b, enum ntlm_pair_id id, struct u16 name);
void ntlm_put_negotiate(struct buf *b, uint32_t flags);
void ntlm_put_challenge(struct buf *b, uint32_t flags, const uint8_t nonce[NTLM_NONCE_SIZE], struct u16 target,
    const struct buf *target_info);
/* With zeros in the place of the MIC. */
void ntlm_put_authenticate(struct buf *b, uint32_t flags, struct u16 domain, struct u16 user,
    const struct buf *response, const uint8_t session_key[NTLM_KEY_SIZE]);
