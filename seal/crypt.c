/* crypt: what sealing a key and sealing a checkpoint share: a key from a secret, and encryption that notices any change.
 *
 * Promise  nothing of OpenSSL's is left behind: no error in its queue, no key in memory that was given back.
 * Threads  any.       Source  RFC 5869 (HKDF), NIST SP 800-38D (GCM)         Tests  tests/unit/seal.c, tests/unit/box.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "seal/internal.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

int seal_derive(const uint8_t *secret, size_t secret_len, const char *label, const void *context, size_t context_len,
    uint8_t *ret, size_t ret_len)
{
	static char sha256[] = "SHA256";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *c = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	/* Several infos are one, put together. */
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)label, strlen(label)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)context, context_len),
		OSSL_PARAM_construct_end() };
	bool good = c != NULL && EVP_KDF_derive(c, ret, ret_len, params) == 1;

	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
	ERR_clear_error();
	return good ? 0 : -ENOMEM;
}

int seal_crypt(bool sealing, const struct seal_crypt *k)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	bool good;

	assert(k->len <= INT32_MAX && k->head_len <= INT32_MAX);
	if (c == NULL) {
		ERR_clear_error();
		return -ENOMEM;
	}
	good = EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, k->key, k->nonce, sealing) == 1 &&
	       EVP_CipherUpdate(c, NULL, &n, k->head, (int)k->head_len) == 1 &&
	       EVP_CipherUpdate(c, k->out, &n, k->in, (int)k->len) == 1 && (size_t)n == k->len;
	if (good && !sealing)
		good = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_LEN, k->tag) == 1;
	good = good && EVP_CipherFinal_ex(c, k->out + n, &last) == 1 && last == 0;
	if (good && sealing)
		good = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_LEN, k->tag) == 1;
	EVP_CIPHER_CTX_free(c);
	ERR_clear_error();
	return good ? 0 : -EBADMSG;
}
