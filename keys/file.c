/* file: key material in a file: a private key in PEM form, or a PKCS #12.
 *
 * Why      a crypto checkpoint holds keys.  What is no key must not be let in by that name: the names say who is careful with it,
 *          and a path that was mistyped should be found when it is added, not when the key is missing.
 * How      the file is put together from the hive that capture/ made of it, in memory for secrets, and given to OpenSSL:
 *          PEM  somewhere in it is a private key, which may be encrypted: then its outer form is what can be checked
 *          PKCS #12  the whole file is one; without its password the outer form and that of its parts can be checked
 *          It is the caller's who can choose to give up rights before: this parses what somebody has written into a file.
 * Promise  nothing of the content stays in memory.
 * Threads  all functions.      Limits  KEY_FILE_MAX
 * Format   docs/formats/crypto-checkpoint.md         Tests  tests/unit/key_file.c, tests/fuzz/key_file.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/file.h"
#include "capture/format.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

struct content {
	uint8_t *bytes; /* Of KEY_FILE_MAX; memory for secrets. */
	size_t len;
	bool is_other, too_large;
};

static int on_begin(void *data, const struct tree_entry *e)
{
	struct content *c = data;

	c->is_other = e->kind != TREE_FILE;
	c->too_large = e->length > KEY_FILE_MAX;
	c->len = (size_t)e->length;
	return !c->is_other && !c->too_large ? 0 : ERR_INVALID_DATA;
}

/* Holes are zeros already. */
static int on_part(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct content *c = data;

	assert(offset <= c->len && len <= c->len - offset);
	memcpy(c->bytes + offset, bytes, len);
	return 0;
}

/* OpenSSL asks for the passphrase of an encrypted key: then it has seen that it is one. */
static int no_passphrase(char *buffer, int size, int rw, void *data)
{
	*(bool *)data = true;
	return -1;
}

static bool is_pem(const struct content *c)
{
	BIO *bio = BIO_new_mem_buf(c->bytes, (int)c->len);
	bool asked = false;
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;

	BIO_free_all(bio);
	EVP_PKEY_free(key);
	return key != NULL || asked;
}

static bool is_pkcs12(const struct content *c)
{
	const unsigned char *at = c->bytes;
	PKCS12 *p = d2i_PKCS12(NULL, &at, (long)c->len);
	STACK_OF(PKCS7) *parts = p != NULL && at == c->bytes + c->len ? PKCS12_unpack_authsafes(p) : NULL;
	bool good = parts != NULL && sk_PKCS7_num(parts) > 0;

	sk_PKCS7_pop_free(parts, PKCS7_free);
	PKCS12_free(p);
	return good;
}

static int check(
    enum box_kind kind, const void *hive, size_t len, struct content *c, const char *shown, struct error *error)
{
	struct tree_visitor visitor = { .begin = on_begin, .part = on_part, .data = c };
	bool good;
	int r = files_read(hive, len, &visitor, error);

	if (c->too_large)
		return error_set(error, ERR_INVALID_DATA,
		    "cannot take a crypto checkpoint: %.300s has more than %d bytes", shown, KEY_FILE_MAX);
	if (c->is_other)
		return error_set(
		    error, ERR_INVALID_DATA, "cannot take a crypto checkpoint: %.300s is not a regular file", shown);
	if (r < 0)
		return r;
	good = kind == BOX_PEM ? is_pem(c) : is_pkcs12(c);
	ERR_clear_error();
	if (good)
		return 0;
	return error_set(error, ERR_INVALID_DATA, "cannot take a crypto checkpoint: %.300s is not %s", shown,
	    kind == BOX_PEM ? "a file with a private key in PEM form" : "a PKCS #12 file");
}

int key_file_check(enum box_kind kind, const void *hive, size_t len, const char *shown, struct error *error)
{
	struct content c = { .bytes = seal_memory_new(KEY_FILE_MAX) };
	int r;

	assert(kind == BOX_PEM || kind == BOX_PKCS12);
	if (c.bytes == NULL)
		return error_set_code(error, -ENOMEM, "cannot take a crypto checkpoint");
	r = check(kind, hive, len, &c, shown, error);
	seal_memory_free(c.bytes, KEY_FILE_MAX);
	return r;
}
