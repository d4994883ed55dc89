/* internal: what the files here share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "seal/seal.h"

enum { SEAL_RECIPIENT_LEN = 32, SEAL_RSA_BITS_LEAST = 2048, SEAL_RSA_BITS_MAX = 8192 };

/* Make a key encryption key that only the private key's owner can make again, and tell how in *method. */
int seal_pem_wrap(const struct seal_secret *secret, enum seal_kind *ret_kind, uint8_t ret_kek[SEAL_KEY_LEN],
    struct buf *method, struct error *error);
/* Make it again. */
int seal_pem_unwrap(const struct seal_secret *secret, enum seal_kind kind, const uint8_t *method, size_t method_len,
    uint8_t ret_kek[SEAL_KEY_LEN], struct error *error);

/* HKDF-SHA256 without a salt; the info is the label, and then the context.  -ENOMEM. */
int seal_derive(const uint8_t *secret, size_t secret_len, const char *label, const void *context, size_t context_len,
    uint8_t *ret, size_t ret_len);

enum { SEAL_NONCE_LEN = 12, SEAL_TAG_LEN = 16 };

/* AES-256-GCM of len bytes under a key.  sealing: from *in to *out and *tag; else the tag is compared.  -EBADMSG: it is
 * another, and *out is not to be used; or, sealing, there is no memory. */
struct seal_crypt {
	const uint8_t *key, *nonce;
	const void *head; /* Authenticated. */
	size_t head_len;
	const uint8_t *in;
	uint8_t *out;
	size_t len;
	uint8_t *tag;
};
int seal_crypt(bool sealing, const struct seal_crypt *c);
