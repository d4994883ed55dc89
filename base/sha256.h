/* sha256: SHA-256 from libcrypto, and sums of digests.
 * A *digest sum* adds digests as 256-bit little-endian numbers modulo 2^256: the sum over a set of entries does not
 * depend on their order or history, and an entry is taken out by subtracting it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

#define SHA256_LEN 32

struct digest {
	uint8_t bytes[SHA256_LEN];
};

struct sha256 {
	_Alignas(8) uint8_t state[128]; /* libcrypto's context. */
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
void sha256_final(struct sha256 *s, struct digest *ret);
struct digest sha256_of(const void *data, size_t len);

bool digest_equal(const struct digest *a, const struct digest *b);
void digest_add(struct digest *sum, const struct digest *entry);
void digest_subtract(struct digest *sum, const struct digest *entry);
void digest_format(const struct digest *d, char text[2 * SHA256_LEN + 1]);
