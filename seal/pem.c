/* pem: sealing under a public key, opening with the private one.
 *
 * Why      with a public key on the node and the private one in a safe, nobody who makes backups can open them.
 * How      RSA: a random key encryption key, encrypted with OAEP (SHA-256, MGF1 with SHA-256, no label).
 *          X25519, P-256, P-384, P-521: a fresh key pair of the same kind; HKDF-SHA256 of the shared secret, with the
 *          recipient and the fresh public key as its info, is the key encryption key.
 *          The method begins with the recipient, the SHA-256 of the public key as DER (SubjectPublicKeyInfo), so that
 *          another private key is recognised as such.
 * Rules    RSA has 2048 to 8192 bits; other kinds of keys, encrypted private keys and certificates are refused with
 *          the command that helps.  A private key is refused where a public one is asked for: it does not belong there.
 * Threads  any.       Format  docs/formats/sealed-key.md         Tests  tests/unit/seal.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"
#include "seal/internal.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum { SHARED_MAX = 66, DER_MAX = 4096 };

DEFINE_FREEP(EVP_PKEY, EVP_PKEY_free)
DEFINE_FREEP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_FREEP(BIO, BIO_free_all)

/* No line of OpenSSL's stays behind for somebody else to stumble over. */
static int fail(struct error *error, int code, const char *text)
{
	ERR_clear_error();
	return error_set(error, code, "%s", text);
}

/* Reading. */

static bool contains(const struct seal_secret *s, const char *text)
{
	return memmem(s->bytes, s->len, text, strlen(text)) != NULL;
}

/* OpenSSL asks for the passphrase of an encrypted key: nobody is here to ask. */
static int no_passphrase(char *buffer, int size, int rw, void *data)
{
	bool *asked = data;

	*asked = true;
	return -1;
}

static int check_kind(EVP_PKEY *key, enum seal_kind *ret, struct error *error)
{
	static const char *const curves[] = { "prime256v1", "secp384r1", "secp521r1" };
	char name[64] = { 0 };
	size_t len;

	if (EVP_PKEY_is_a(key, "RSA")) {
		int bits = EVP_PKEY_get_bits(key);

		if (bits < SEAL_RSA_BITS_LEAST || bits > SEAL_RSA_BITS_MAX)
			return error_set(error, ERR_NOT_SUPPORTED, "the RSA key has %d bits; %d to %d can be used",
			    bits, SEAL_RSA_BITS_LEAST, SEAL_RSA_BITS_MAX);
		*ret = SEAL_RSA;
		return 0;
	}
	*ret = SEAL_ECDH;
	if (EVP_PKEY_is_a(key, "X25519"))
		return 0;
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, name, sizeof(name), &len) == 1)
		for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
			if (strcmp(name, curves[i]) == 0)
				return 0;
	ERR_clear_error();
	return error_set(error, ERR_NOT_SUPPORTED,
	    "a key of the type %s%s%s cannot be used; RSA, X25519, and EC on P-256, P-384 or P-521 can",
	    EVP_PKEY_get0_type_name(key) != NULL ? EVP_PKEY_get0_type_name(key) : "unknown", name[0] != 0 ? " " : "",
	    name);
}

static int read_public(const struct seal_secret *s, EVP_PKEY **ret, enum seal_kind *ret_kind, struct error *error)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *check = NULL;
	_cleanup_(BIO_free_allp) BIO *bio = NULL;
	bool asked = false;
	int r;

	if (s->len > SEAL_PEM_MAX)
		return fail(error, ERR_INVALID_PARAMETER, "the file is too long for a public key");
	if (contains(s, "PRIVATE KEY-----"))
		return fail(error, ERR_INVALID_PARAMETER,
		    "this is a private key, which does not belong here; make the public one of it: openssl pkey -in "
		    "FILE "
		    "-pubout");
	if (contains(s, "BEGIN CERTIFICATE"))
		return fail(error, ERR_INVALID_PARAMETER,
		    "this is a certificate; take the public key out of it: openssl x509 -in FILE -noout -pubkey");
	bio = BIO_new_mem_buf(s->bytes, (int)s->len);
	if (bio == NULL)
		return fail(error, -ENOMEM, "no memory is left to read the public key");
	key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, &asked);
	if (key == NULL)
		return fail(error, ERR_INVALID_PARAMETER, "there is no public key in PEM form in it");
	r = check_kind(key, ret_kind, error);
	if (r < 0)
		return r;
	check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (check == NULL)
		return fail(error, -ENOMEM, "no memory is left to check the public key");
	if (EVP_PKEY_public_check(check) != 1)
		return fail(error, ERR_INVALID_PARAMETER, "the public key is not a sound one");
	*ret = TAKE_PTR(key);
	return 0;
}

static int read_private(const struct seal_secret *s, EVP_PKEY **ret, enum seal_kind *ret_kind, struct error *error)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	_cleanup_(BIO_free_allp) BIO *bio = NULL;
	bool asked = false;
	int r;

	if (s->len > SEAL_PEM_MAX)
		return fail(error, ERR_INVALID_PARAMETER, "the file is too long for a private key");
	bio = BIO_new_mem_buf(s->bytes, (int)s->len);
	if (bio == NULL)
		return fail(error, -ENOMEM, "no memory is left to read the private key");
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
	if (key == NULL && asked)
		return fail(error, ERR_INVALID_PARAMETER,
		    "the private key has a passphrase of its own; take it off first: openssl pkey -in FILE");
	if (key == NULL)
		return fail(error, ERR_INVALID_PARAMETER, "there is no private key in PEM form in it");
	r = check_kind(key, ret_kind, error);
	if (r == 0)
		*ret = TAKE_PTR(key);
	return r;
}

/* SHA-256 of the public half. */
static int recipient_of(EVP_PKEY *key, struct digest *ret)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0) {
		ERR_clear_error();
		return -ENOMEM;
	}
	*ret = sha256_of(der, (size_t)len);
	OPENSSL_free(der);
	return 0;
}

/* RSA. */

static EVP_PKEY_CTX *oaep_new(EVP_PKEY *key, bool sealing)
{
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (c == NULL || (sealing ? EVP_PKEY_encrypt_init(c) : EVP_PKEY_decrypt_init(c)) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) != 1)
		return NULL;
	return TAKE_PTR(c);
}

static int rsa_wrap(EVP_PKEY *key, uint8_t ret_kek[SEAL_KEY_LEN], struct buf *method)
{
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = oaep_new(key, true);
	uint8_t out[SEAL_RSA_BITS_MAX / 8];
	size_t len = sizeof(out);

	if (c == NULL)
		return -ENOMEM;
	if (RAND_priv_bytes(ret_kek, SEAL_KEY_LEN) != 1)
		return -EIO;
	if (EVP_PKEY_encrypt(c, out, &len, ret_kek, SEAL_KEY_LEN) != 1)
		return -ENOMEM;
	buf_append(method, out, len);
	return method->error;
}

static int rsa_unwrap(EVP_PKEY *key, const uint8_t *in, size_t in_len, uint8_t ret_kek[SEAL_KEY_LEN])
{
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = oaep_new(key, false);
	uint8_t out[SEAL_RSA_BITS_MAX / 8];
	size_t len = sizeof(out);
	bool good;

	if (c == NULL)
		return -ENOMEM;
	good = EVP_PKEY_decrypt(c, out, &len, in, in_len) == 1 && len == SEAL_KEY_LEN;
	if (good)
		memcpy(ret_kek, out, SEAL_KEY_LEN);
	OPENSSL_cleanse(out, sizeof(out));
	return good ? 0 : -EBADMSG;
}

/* Elliptic curves. */

static int hkdf(
    const uint8_t *shared, size_t shared_len, const uint8_t *method, size_t method_len, uint8_t ret_kek[SEAL_KEY_LEN])
{
	return seal_derive(shared, shared_len, "rueda sealed key 1", method, method_len, ret_kek, SEAL_KEY_LEN);
}

/* The key encryption key that own's private half and peer's public one agree on. */
static int agree(EVP_PKEY *own, EVP_PKEY *peer, const uint8_t *method, size_t method_len, uint8_t ret_kek[SEAL_KEY_LEN])
{
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	uint8_t shared[SHARED_MAX];
	size_t len = sizeof(shared);
	int r;

	if (c == NULL || EVP_PKEY_derive_init(c) != 1)
		return -ENOMEM;
	if (EVP_PKEY_derive_set_peer(c, peer) != 1 || EVP_PKEY_derive(c, shared, &len) != 1)
		return -EBADMSG;
	r = hkdf(shared, len, method, method_len, ret_kek);
	OPENSSL_cleanse(shared, sizeof(shared));
	return r;
}

static int ecdh_wrap(EVP_PKEY *key, uint8_t ret_kek[SEAL_KEY_LEN], struct buf *method)
{
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *fresh = NULL;
	unsigned char *point = NULL;
	size_t len;

	if (c == NULL || EVP_PKEY_keygen_init(c) != 1 || EVP_PKEY_keygen(c, &fresh) != 1)
		return -ENOMEM;
	len = EVP_PKEY_get1_encoded_public_key(fresh, &point);
	if (len == 0)
		return -ENOMEM;
	buf_append(method, point, len);
	OPENSSL_free(point);
	if (method->error != 0)
		return method->error;
	return agree(fresh, key, method->data, method->len, ret_kek);
}

static int ecdh_unwrap(EVP_PKEY *key, const uint8_t *method, size_t method_len, uint8_t ret_kek[SEAL_KEY_LEN])
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *fresh = EVP_PKEY_new();

	if (fresh == NULL || EVP_PKEY_copy_parameters(fresh, key) != 1)
		return -ENOMEM;
	/* Whether the point is on the curve is looked at here. */
	if (EVP_PKEY_set1_encoded_public_key(fresh, method + SEAL_RECIPIENT_LEN, method_len - SEAL_RECIPIENT_LEN) != 1)
		return -EBADMSG;
	return agree(key, fresh, method, method_len, ret_kek);
}

/* Both. */

int seal_pem_wrap(const struct seal_secret *secret, enum seal_kind *ret_kind, uint8_t ret_kek[SEAL_KEY_LEN],
    struct buf *method, struct error *error)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct digest recipient;
	int r = read_public(secret, &key, ret_kind, error);

	if (r < 0)
		return r;
	r = recipient_of(key, &recipient);
	if (r == 0) {
		buf_append(method, recipient.bytes, SEAL_RECIPIENT_LEN);
		r = *ret_kind == SEAL_RSA ? rsa_wrap(key, ret_kek, method) : ecdh_wrap(key, ret_kek, method);
	}
	return r < 0 ? fail(error, r, "cannot seal under this public key") : 0;
}

int seal_pem_unwrap(const struct seal_secret *secret, enum seal_kind kind, const uint8_t *method, size_t method_len,
    uint8_t ret_kek[SEAL_KEY_LEN], struct error *error)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum seal_kind key_kind;
	struct digest recipient;
	int r = read_private(secret, &key, &key_kind, error);

	if (r < 0)
		return r;
	r = recipient_of(key, &recipient);
	if (r < 0)
		return fail(error, r, "cannot use this private key");
	if (key_kind != kind || memcmp(recipient.bytes, method, SEAL_RECIPIENT_LEN) != 0)
		return fail(error, ERR_INVALID_PASSWORD,
		    "this is not the private key of the public key that the cluster key is sealed under");
	r = kind == SEAL_RSA ? rsa_unwrap(key, method + SEAL_RECIPIENT_LEN, method_len - SEAL_RECIPIENT_LEN, ret_kek)
			     : ecdh_unwrap(key, method, method_len, ret_kek);
	if (r == -EBADMSG)
		return fail(error, r, "the sealed cluster key is damaged");
	return r < 0 ? fail(error, r, "cannot use this private key") : 0;
}
