/* internal: what seal.c and pem.c share.
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
