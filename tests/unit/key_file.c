/* Key material in files: what is a private key or a PKCS #12 is let in, and nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/file.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/trees.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <unistd.h>

static int check(struct tree_fixture *f, enum box_kind kind, const char *name)
{
	struct buf hive;
	int r;

	trees_settle();
	if (trees_take(f, name, &hive) < 0)
		test_fail(__FILE__, __LINE__, "%s", f->error.text);
	f->error = (struct error){ 0 };
	r = key_file_check(kind, hive.data, hive.len, name, &f->error);
	CHECK(r == 0 || (f->error.code == r && f->error.text[0] != 0));
	buf_done(&hive);
	return r;
}

/* What OpenSSL has written to memory becomes a file. */
static void store(struct tree_fixture *f, const char *name, BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	trees_file(f, name, data, (size_t)len);
	BIO_free_all(bio);
}

TEST(private_keys_are_let_in_also_encrypted_ones)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	BIO *plain = BIO_new(BIO_s_mem()), *encrypted = BIO_new(BIO_s_mem()), *old = BIO_new(BIO_s_mem()),
	    *public = BIO_new(BIO_s_mem());
	struct tree_fixture f;

	trees_open(&f, "pem");
	(void)BIO_puts(plain, "a comment, and then\n");
	CHECK_INT(PEM_write_bio_PrivateKey(plain, key, NULL, NULL, 0, NULL, NULL), 1);
	CHECK_INT(PEM_write_bio_PKCS8PrivateKey(encrypted, key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
	CHECK_INT(PEM_write_bio_PrivateKey_traditional(
		      old, key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL),
	    1);
	CHECK_INT(PEM_write_bio_PUBKEY(public, key), 1);
	store(&f, "plain", plain);
	store(&f, "encrypted", encrypted);
	store(&f, "old", old);
	store(&f, "public", public);
	EVP_PKEY_free(key);
	CHECK_INT(check(&f, BOX_PEM, "plain"), 0);
	CHECK_INT(check(&f, BOX_PEM, "encrypted"), 0);
	CHECK_INT(check(&f, BOX_PEM, "old"), 0);
	CHECK_INT(check(&f, BOX_PEM, "public"), ERR_INVALID_DATA);
	CHECK_INT(check(&f, BOX_PKCS12, "plain"), ERR_INVALID_DATA);
	trees_close(&f);
}

TEST(a_pkcs12_is_let_in_whole)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	PKCS12 *p = PKCS12_create("secret", "name", key, NULL, NULL, 0, 0, 0, 0, 0);
	unsigned char *der = NULL;
	int len = i2d_PKCS12(p, &der);
	struct tree_fixture f;

	CHECK(len > 0);
	trees_open(&f, "p12");
	trees_file(&f, "whole", der, (size_t)len);
	trees_file(&f, "cut", der, (size_t)len - 1);
	der[len / 2] ^= 1; /* What is encrypted cannot be looked at; its outer form can. */
	trees_file(&f, "changed", der, (size_t)len);
	der = OPENSSL_realloc(der, (size_t)len + 1);
	der[len] = 0;
	trees_file(&f, "more", der, (size_t)len + 1);
	CHECK_INT(check(&f, BOX_PKCS12, "whole"), 0);
	CHECK_INT(check(&f, BOX_PKCS12, "cut"), ERR_INVALID_DATA);
	CHECK_INT(check(&f, BOX_PKCS12, "more"), ERR_INVALID_DATA);
	CHECK_INT(check(&f, BOX_PEM, "whole"), ERR_INVALID_DATA);
	OPENSSL_free(der);
	PKCS12_free(p);
	EVP_PKEY_free(key);
	trees_close(&f);
}

TEST(what_is_no_file_or_too_large_is_refused)
{
	static const char almost[] = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n";
	struct tree_fixture f;

	trees_open(&f, "other");
	trees_directory(&f, "directory", 0755);
	trees_text(&f, "text", "not a key");
	trees_text(&f, "almost", almost);
	trees_text(&f, "empty", "");
	CHECK_INT(symlinkat("text", f.fd, "link"), 0);
	trees_text(&f, "large", "x");
	CHECK_INT(ftruncate(openat(f.fd, "large", O_WRONLY | O_CLOEXEC), KEY_FILE_MAX + 1), 0);
	for (int kind = BOX_PEM; kind <= BOX_PKCS12; kind++) {
		CHECK_INT(check(&f, kind, "directory"), ERR_INVALID_DATA);
		CHECK_INT(check(&f, kind, "text"), ERR_INVALID_DATA);
		CHECK_INT(check(&f, kind, "almost"), ERR_INVALID_DATA);
		CHECK_INT(check(&f, kind, "empty"), ERR_INVALID_DATA);
		CHECK_INT(check(&f, kind, "link"), ERR_INVALID_DATA);
		CHECK_INT(check(&f, kind, "large"), ERR_INVALID_DATA);
		CHECK(strstr(f.error.text, "bytes") != NULL);
		CHECK_INT(key_file_check(kind, "regf", 4, "x", &f.error), ERR_INVALID_DATA);
	}
	trees_close(&f);
}

TEST(a_failed_allocation_is_an_error_and_leaves_nothing)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	struct tree_fixture f;
	struct buf hive;

	trees_open(&f, "memory");
	CHECK_INT(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	store(&f, "key", bio);
	EVP_PKEY_free(key);
	trees_settle();
	CHECK_INT(trees_take(&f, "key", &hive), 0);
	CHECK_INT(
	    key_file_check(BOX_PEM, hive.data, hive.len, "key", NULL), 0); /* What OpenSSL keeps for ever is made. */
	FAIL_EACH_ALLOCATION
	{
		int r = key_file_check(BOX_PEM, hive.data, hive.len, "key", NULL);

		CHECK(r == 0 || (failalloc_hit() && r == -ENOMEM));
	}
	buf_done(&hive);
	trees_close(&f);
}
