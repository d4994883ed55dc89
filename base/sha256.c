/* sha256: see sha256.h.
 * The low-level SHA256_* calls of libcrypto are used although OpenSSL 3 prefers EVP: the database hashes every small
 * entry that changes, and EVP's per-call cost is several times that of the hash itself.
 * Tests: tests/unit/sha256.c
 * SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"
#include "base/bytes.h"
#include <openssl/sha.h>
#include <string.h>

static_assert(sizeof(SHA256_CTX) <= sizeof(((struct sha256 *)0)->state), "the context must fit");
static_assert(SHA256_LEN == SHA256_DIGEST_LENGTH, "the same length");

void sha256_init(struct sha256 *s)
{
	(void)SHA256_Init((SHA256_CTX *)(void *)s->state);
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
	(void)SHA256_Update((SHA256_CTX *)(void *)s->state, data, len);
}

void sha256_final(struct sha256 *s, struct digest *ret)
{
	(void)SHA256_Final(ret->bytes, (SHA256_CTX *)(void *)s->state);
}

struct digest sha256_of(const void *data, size_t len)
{
	struct sha256 s;
	struct digest d;

	sha256_init(&s);
	sha256_update(&s, data, len);
	sha256_final(&s, &d);
	return d;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void digest_add(struct digest *sum, const struct digest *entry)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < SHA256_LEN; i += sizeof(uint64_t)) {
		uint64_t part = get_le64(sum->bytes + i);

		carry = __builtin_add_overflow(part, carry, &part);
		carry |= __builtin_add_overflow(part, get_le64(entry->bytes + i), &part);
		put_le64(sum->bytes + i, part);
	}
}

void digest_subtract(struct digest *sum, const struct digest *entry)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < SHA256_LEN; i += sizeof(uint64_t)) {
		uint64_t part = get_le64(sum->bytes + i);

		borrow = __builtin_sub_overflow(part, borrow, &part);
		borrow |= __builtin_sub_overflow(part, get_le64(entry->bytes + i), &part);
		put_le64(sum->bytes + i, part);
	}
}

void digest_format(const struct digest *d, char text[2 * SHA256_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_LEN; i++) {
		text[2 * i] = digits[d->bytes[i] >> 4];
		text[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	text[2 * SHA256_LEN] = 0;
}
