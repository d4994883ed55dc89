/* seal: the cluster key, sealed so that only who recovers the cluster can open it.  See seal.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum {
	SEAL_KEY_LEN = 32, /* AES-256. */
	SEAL_ID_LEN = 16,
	SEAL_PASSPHRASE_LEAST = 12, /* Bytes. */
	SEAL_PASSPHRASE_MAX = 1024,
	SEAL_PEM_MAX = 16384,
	SEAL_BLOB_MAX = 2048, /* Of what is read; what is written has at most 1144. */
};

struct seal_key {
	uint8_t bytes[SEAL_KEY_LEN];
};
struct seal_id {
	uint8_t bytes[SEAL_ID_LEN];
};

enum seal_kind {             /* On disk. */
	SEAL_PASSPHRASE = 1, /* scrypt */
	SEAL_RSA = 2,        /* RSA-OAEP */
	SEAL_ECDH = 3,       /* X25519, P-256, P-384, P-521 */
};

/* What seals or opens: a passphrase; or PEM text, of a public key to seal and of the private key to open. */
enum seal_secret_kind { SEAL_SECRET_NONE, SEAL_SECRET_PASSPHRASE, SEAL_SECRET_PEM };
struct seal_secret {
	enum seal_secret_kind kind;
	const uint8_t *bytes; /* Borrowed. */
	size_t len;
};

struct seal_cost { /* Of scrypt: 128 × 2^log2_n × r bytes of memory, p times. */
	uint32_t log2_n, r, p;
};
extern const struct seal_cost seal_cost_default;

/* What a sealed key tells without being opened. */
struct seal_info {
	enum seal_kind kind;
	struct seal_id id;
	struct seal_cost cost; /* SEAL_PASSPHRASE. */
};

/* A fresh key.  The caller wipes what it keeps: seal_key_wipe(). */
int seal_key_make(struct seal_key *ret);
void seal_key_wipe(struct seal_key *key);
struct seal_id seal_key_id(const struct seal_key *key);
bool seal_id_equal(const struct seal_id *a, const struct seal_id *b);
void seal_id_format(const struct seal_id *id, char ret[2 * SEAL_ID_LEN + 1]);
const char *seal_kind_text(enum seal_kind kind); /* "a passphrase", for people. */

/* Appends the sealed key to *out.  cost: NULL is the default.  ERR_PASSWORD_RESTRICTION: the passphrase is too short or
 * long; ERR_NOT_SUPPORTED, ERR_INVALID_PARAMETER: the PEM text cannot be used. */
int seal_close(const struct seal_key *key, const struct seal_secret *secret, const struct seal_cost *cost,
    struct buf *out, struct error *error);
/* -EBADMSG: damaged; ERR_NOT_SUPPORTED: of a newer kind. */
int seal_read(const void *blob, size_t len, struct seal_info *ret, struct error *error);
/* As seal_read(), and ERR_INVALID_PASSWORD: the wrong private key, or the wrong passphrase, or damage to what is sealed under
 * a passphrase, which cannot be told apart; ERR_INVALID_PARAMETER: a passphrase where a private key is needed, or the other way round. */
int seal_open(
    const void *blob, size_t len, const struct seal_secret *secret, struct seal_key *ret, struct error *error);

/* A copy in such memory as below.  ret holds nothing on failure; freeing nothing is allowed. */
int seal_secret_copy(const struct seal_secret *secret, struct seal_secret *ret);
void seal_secret_free(struct seal_secret *secret);

/* Memory for secrets: zeroed, not in core dumps, not swapped out if the limits allow, wiped when freed. */
void *seal_memory_new(size_t size); /* NULL: none is left. */
void seal_memory_free(void *memory, size_t size);
