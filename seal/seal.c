/* seal: the cluster key, sealed so that only who recovers the cluster can open it.
 *
 * Why      backup sets hold secrets of applications (crypto checkpoints), encrypted with the cluster key.  On the node
 *          the key lies beside the state; on a new machine, with nothing but the set, it must come from a person: so the
 *          set carries it, sealed under a passphrase or a public key.
 * How
 *             passphrase ── scrypt, salt ──────────────────┐
 *             public key ── RSA-OAEP of a random key ──────┼─► key encryption key ── AES-256-GCM ─► sealed cluster key
 *             public key ── ECDH with a fresh key, HKDF ───┘        all that precedes is authenticated
 *
 *          The id of the key, the first half of its SHA-256, is outside: it says which key it is and nothing about it,
 *          as the key is random.
 * Promise  opens with the right secret only, and only if no bit has changed.  Bytes from a stranger cost at most 256 MiB
 *          and a few seconds.  Keys and what they are made of are wiped before memory is given back.
 * Not kept a passphrase that can be guessed; a stranger who puts a seal of his own in the place of this one (the
 *          checkpoints tell: they name the id of their key).
 * Threads  any.       Limits  seal.h
 * Source   RFC 7914 (scrypt), RFC 8017 (OAEP), RFC 7748 (X25519), RFC 5869 (HKDF), NIST SP 800-38D (GCM)
 * Format   docs/formats/sealed-key.md         Tests  tests/unit/seal.c, tests/fuzz/seal.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"
#include "seal/internal.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/mman.h>

enum {
	HEAD_LEN = 28, /* Up to the method. */
	SALT_LEN = 16,
	PASSPHRASE_METHOD_LEN = 12 + SALT_LEN,
	VERSION = 1,
	MAGIC = 0x4b536452, /* "RdSK" */
	/* What is accepted from a set: 256 MiB, and four times the time. */
	LOG2_N_LEAST = 10,
	LOG2_N_MAX = 18,
	SCRYPT_R = 8,
	SCRYPT_P_MAX = 4,
};
static_assert(HEAD_LEN + SEAL_RECIPIENT_LEN + SEAL_RSA_BITS_MAX / 8 + SEAL_NONCE_LEN + SEAL_KEY_LEN + SEAL_TAG_LEN <=
		  SEAL_BLOB_MAX,
    "what is written can be read");

const struct seal_cost seal_cost_default = { .log2_n = 17, .r = SCRYPT_R, .p = 1 };

struct blob { /* Views of a sealed key. */
	struct seal_info info;
	const uint8_t *bytes, *method, *nonce, *sealed, *tag;
	size_t method_len;
};

/* Keys. */

int seal_key_make(struct seal_key *ret)
{
	struct seal_key key;

	if (RAND_priv_bytes(key.bytes, sizeof(key.bytes)) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	*ret = key;
	seal_key_wipe(&key);
	return 0;
}

void seal_key_wipe(struct seal_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

struct seal_id seal_key_id(const struct seal_key *key)
{
	struct digest digest = sha256_of(key->bytes, sizeof(key->bytes));
	struct seal_id id;

	memcpy(id.bytes, digest.bytes, sizeof(id.bytes));
	OPENSSL_cleanse(&digest, sizeof(digest));
	return id;
}

bool seal_id_equal(const struct seal_id *a, const struct seal_id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void seal_id_format(const struct seal_id *id, char ret[2 * SEAL_ID_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SEAL_ID_LEN; i++) {
		ret[2 * i] = digits[id->bytes[i] >> 4];
		ret[2 * i + 1] = digits[id->bytes[i] & 15];
	}
	ret[2 * SEAL_ID_LEN] = 0;
}

const char *seal_kind_text(enum seal_kind kind)
{
	return kind == SEAL_PASSPHRASE ? "a passphrase"
	       : kind == SEAL_RSA      ? "a public RSA key"
				       : "a public elliptic-curve key";
}

void *seal_memory_new(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	(void)madvise(memory, size, MADV_DONTDUMP);
	(void)mlock(memory, size);
	return memory;
}

void seal_memory_free(void *memory, size_t size)
{
	if (memory == NULL)
		return;
	OPENSSL_cleanse(memory, size);
	(void)munmap(memory, size);
}

int seal_secret_copy(const struct seal_secret *secret, struct seal_secret *ret)
{
	uint8_t *bytes = NULL;

	if (secret->len > 0) {
		bytes = seal_memory_new(secret->len);
		if (bytes == NULL)
			return -ENOMEM;
		memcpy(bytes, secret->bytes, secret->len);
	}
	*ret = (struct seal_secret){ secret->kind, bytes, secret->len };
	return 0;
}

void seal_secret_free(struct seal_secret *secret)
{
	seal_memory_free((void *)secret->bytes, secret->len);
	*secret = (struct seal_secret){ 0 };
}

/* The key encryption key of a passphrase. */

static bool cost_is_lawful(const struct seal_cost *cost)
{
	return cost->log2_n >= LOG2_N_LEAST && cost->log2_n <= LOG2_N_MAX && cost->r == SCRYPT_R && cost->p >= 1 &&
	       cost->p <= SCRYPT_P_MAX;
}

static int derive(const struct seal_secret *secret, const struct seal_cost *cost, const uint8_t *salt,
    uint8_t ret_kek[SEAL_KEY_LEN], struct error *error)
{
	uint64_t n = UINT64_C(1) << cost->log2_n;

	assert(cost_is_lawful(cost));
	/* The bound only has to be above what is needed: what is needed has been bounded. */
	if (EVP_PBE_scrypt((const char *)secret->bytes, secret->len, salt, SALT_LEN, n, cost->r, cost->p,
		UINT64_C(512) << 20, ret_kek, SEAL_KEY_LEN) == 1)
		return 0;
	ERR_clear_error();
	return error_set(error, -ENOMEM, "no memory is left to use the passphrase: it takes %" PRIu64 " MiB",
	    (128 * n * cost->r) >> 20);
}

static int passphrase_wrap(const struct seal_secret *secret, const struct seal_cost *cost,
    uint8_t ret_kek[SEAL_KEY_LEN], struct buf *method, struct error *error)
{
	uint8_t salt[SALT_LEN];

	if (secret->len < SEAL_PASSPHRASE_LEAST || secret->len > SEAL_PASSPHRASE_MAX)
		return error_set(error, ERR_PASSWORD_RESTRICTION,
		    "a recovery passphrase has at least %d and at most %d bytes, this one has %zu",
		    SEAL_PASSPHRASE_LEAST, SEAL_PASSPHRASE_MAX, secret->len);
	if (RAND_bytes(salt, sizeof(salt)) != 1) {
		ERR_clear_error();
		return error_set(error, -EIO, "the system gives no random numbers");
	}
	buf_u32(method, cost->log2_n);
	buf_u32(method, cost->r);
	buf_u32(method, cost->p);
	buf_append(method, salt, sizeof(salt));
	return derive(secret, cost, salt, ret_kek, error);
}

/* Sealing. */

static int write_blob(const struct seal_key *key, enum seal_kind kind, const uint8_t kek[SEAL_KEY_LEN],
    const struct buf *method, struct buf *out)
{
	struct seal_id id = seal_key_id(key);
	uint8_t nonce[SEAL_NONCE_LEN], sealed[SEAL_KEY_LEN], tag[SEAL_TAG_LEN];
	_cleanup_(buf_done) struct buf b = { 0 };
	int r;

	buf_u32(&b, MAGIC);
	buf_u16(&b, VERSION);
	buf_u16(&b, (uint16_t)kind);
	buf_append(&b, id.bytes, sizeof(id.bytes));
	buf_u32(&b, (uint32_t)method->len);
	buf_append(&b, method->data, method->len);
	if (b.error != 0)
		return b.error;
	if (RAND_bytes(nonce, sizeof(nonce)) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	r = seal_crypt(
	    true, &(struct seal_crypt){ kek, nonce, b.data, b.len, key->bytes, sealed, sizeof(sealed), tag });
	if (r < 0)
		return r == -EBADMSG ? -ENOMEM : r; /* Nothing else can be wrong with it. */
	buf_append(&b, nonce, sizeof(nonce));
	buf_append(&b, sealed, sizeof(sealed));
	buf_append(&b, tag, sizeof(tag));
	if (b.error == 0)
		buf_append(out, b.data, b.len);
	return b.error != 0 ? b.error : out->error;
}

int seal_close(const struct seal_key *key, const struct seal_secret *secret, const struct seal_cost *cost,
    struct buf *out, struct error *error)
{
	_cleanup_(buf_done) struct buf method = { 0 };
	enum seal_kind kind = SEAL_PASSPHRASE;
	uint8_t kek[SEAL_KEY_LEN];
	int r;

	assert(secret->kind != SEAL_SECRET_NONE);
	if (secret->kind == SEAL_SECRET_PASSPHRASE)
		r = passphrase_wrap(secret, cost != NULL ? cost : &seal_cost_default, kek, &method, error);
	else
		r = seal_pem_wrap(secret, &kind, kek, &method, error);
	if (r < 0)
		return r;
	r = method.error != 0 ? method.error : write_blob(key, kind, kek, &method, out);
	OPENSSL_cleanse(kek, sizeof(kek));
	return r < 0 ? error_set_code(error, r, "cannot seal the cluster key") : 0;
}

/* Opening. */

static bool method_len_is_lawful(enum seal_kind kind, size_t len)
{
	switch (kind) {
	case SEAL_PASSPHRASE:
		return len == PASSPHRASE_METHOD_LEN;
	case SEAL_RSA:
		return len >= SEAL_RECIPIENT_LEN + SEAL_RSA_BITS_LEAST / 8 &&
		       len <= SEAL_RECIPIENT_LEN + SEAL_RSA_BITS_MAX / 8;
	case SEAL_ECDH:
		return len == SEAL_RECIPIENT_LEN + 32 || len == SEAL_RECIPIENT_LEN + 65 ||
		       len == SEAL_RECIPIENT_LEN + 97 || len == SEAL_RECIPIENT_LEN + 133;
	}
	return false;
}

static int parse(const void *bytes, size_t len, struct blob *ret, struct error *error)
{
	struct cursor c = cursor_make(bytes, len);
	struct blob b = { .bytes = bytes };
	const uint8_t *id;
	uint32_t magic = cursor_u32(&c), version = cursor_u16(&c), kind = cursor_u16(&c);

	if (c.error != 0 || len > SEAL_BLOB_MAX || magic != MAGIC)
		return error_set(error, -EBADMSG, "the sealed cluster key is damaged");
	if (version != VERSION || kind < SEAL_PASSPHRASE || kind > SEAL_ECDH)
		return error_set(error, ERR_NOT_SUPPORTED,
		    "the cluster key is sealed in a way (version %u, kind %u) that this program does not know", version,
		    kind);
	b.info.kind = (enum seal_kind)kind;
	id = cursor_bytes(&c, SEAL_ID_LEN);
	b.method_len = cursor_u32(&c);
	b.method = cursor_bytes(&c, b.method_len);
	b.nonce = cursor_bytes(&c, SEAL_NONCE_LEN);
	b.sealed = cursor_bytes(&c, SEAL_KEY_LEN);
	b.tag = cursor_bytes(&c, SEAL_TAG_LEN);
	if (c.error != 0 || cursor_left(&c) != 0 || !method_len_is_lawful(b.info.kind, b.method_len))
		return error_set(error, -EBADMSG, "the sealed cluster key is damaged");
	memcpy(b.info.id.bytes, id, SEAL_ID_LEN);
	if (b.info.kind == SEAL_PASSPHRASE) {
		b.info.cost = (struct seal_cost){ get_le32(b.method), get_le32(b.method + 4), get_le32(b.method + 8) };
		if (!cost_is_lawful(&b.info.cost))
			return error_set(error, -EBADMSG,
			    "the sealed cluster key is damaged: it asks for an effort that is not lawful");
	}
	*ret = b;
	return 0;
}

int seal_read(const void *blob, size_t len, struct seal_info *ret, struct error *error)
{
	struct blob b;
	int r = parse(blob, len, &b, error);

	if (r == 0)
		*ret = b.info;
	return r;
}

static int unwrap(
    const struct blob *b, const struct seal_secret *secret, uint8_t ret_kek[SEAL_KEY_LEN], struct error *error)
{
	bool is_passphrase = secret->kind == SEAL_SECRET_PASSPHRASE;

	if (is_passphrase != (b->info.kind == SEAL_PASSPHRASE))
		return error_set(error, ERR_INVALID_PARAMETER,
		    "the cluster key is sealed under %s, so %s does not open it", seal_kind_text(b->info.kind),
		    is_passphrase ? "a passphrase" : "a private key");
	if (is_passphrase)
		return derive(secret, &b->info.cost, b->method + 12, ret_kek, error);
	return seal_pem_unwrap(secret, b->info.kind, b->method, b->method_len, ret_kek, error);
}

int seal_open(const void *blob, size_t len, const struct seal_secret *secret, struct seal_key *ret, struct error *error)
{
	uint8_t kek[SEAL_KEY_LEN], tag[SEAL_TAG_LEN];
	struct seal_key key = { 0 };
	struct seal_id id;
	struct blob b;
	int r;

	assert(secret->kind != SEAL_SECRET_NONE);
	r = parse(blob, len, &b, error);
	if (r == 0)
		r = unwrap(&b, secret, kek, error);
	if (r < 0)
		return r;
	memcpy(tag, b.tag, sizeof(tag));
	r = seal_crypt(false, &(struct seal_crypt){ kek, b.nonce, b.bytes, HEAD_LEN + b.method_len, b.sealed, key.bytes,
				  sizeof(key.bytes), tag });
	OPENSSL_cleanse(kek, sizeof(kek));
	id = seal_key_id(&key);
	if (r == -EBADMSG && b.info.kind == SEAL_PASSPHRASE)
		r = error_set(
		    error, ERR_INVALID_PASSWORD, "this is not the passphrase that the cluster key is sealed under");
	else if (r == -EBADMSG)
		r = error_set(error, r, "the sealed cluster key is damaged");
	else if (r < 0)
		(void)error_set_code(error, r, "cannot open the sealed cluster key");
	else if (!seal_id_equal(&id, &b.info.id))
		r = error_set(error, -EBADMSG, "the sealed cluster key is not the key that it says it is");
	else
		*ret = key;
	seal_key_wipe(&key);
	return r;
}
