/* token: keys in PKCS #11 tokens: taken wrapped, and put back.  See token.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "keys/name.h"

enum { KEY_PIN_MAX = 255 }; /* Bytes. */

struct key_token {
	const char *module; /* The library's path. */
	const char *uri;    /* Of key_name_parse(). */
	const uint8_t *pin; /* Of the user; NULL: none is known. */
	size_t pin_len;
	const uint8_t *wrapping; /* A key of SEAL_KEY_LEN bytes, which the private or secret key is wrapped under. */
};

/* The content of a checkpoint (keys/object.h) is appended to *content; nothing in it is a secret without the wrapping key.
 * ERR_NTE_BAD_KEYSET: no such key, or several; ERR_NTE_BAD_KEY: it may not leave the token; ERR_ACCESS_DENIED: it wants a PIN,
 * and none is known or may be tried; ERR_INVALID_PASSWORD: the PIN is not right; ERR_NOT_SUPPORTED: the token cannot do it;
 * ERR_FILE_NOT_FOUND: no such library or token; ERR_GEN_FAILURE: what the token says; -ENOMEM. */
int key_token_take(const struct key_token *t, struct buf *content, struct error *error);

/* The key becomes what the content says, and so do the public keys and certificates of its CKA_ID; keys of the name that were
 * there are removed.  Nothing is touched if all is as it should be.  As above, and ERR_INVALID_DATA. */
int key_token_put(const struct key_token *t, const void *content, size_t len, struct error *error);
