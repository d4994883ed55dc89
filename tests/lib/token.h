/* token: a software token (SoftHSM) of a test's own.  See token.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <p11-kit/pkcs11.h>

#define TOKEN_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define TOKEN_PIN "7352"

/* Whether SoftHSM is installed. */
bool token_is_possible(void);

/* In an existing directory: SOFTHSM2_CONF of this process names tokens there from now on, none yet. */
void token_use_directory(const char *directory);
void token_make(const char *label);

/* Each opens the token and closes it again.  name is the CKA_LABEL, id the CKA_ID (one byte). */
struct token_key {
	const char *token, *name;
	uint8_t id;
	bool is_secret; /* An AES key and not an RSA pair. */
	bool is_fixed;  /* It may not be extracted. */
};
void token_generate(const struct token_key *key);
/* The AES key of these 32 bytes. */
void token_import(const struct token_key *key, const uint8_t value[32]);
/* What was there and matches is gone; returns how many objects that were. */
unsigned token_remove(const char *token, const char *name);
unsigned token_count(const char *token, const char *name);
/* Deterministic, by the (first) private or secret key: so two keys are the same if it is.  false: there is none. */
bool token_sign(const char *token, const char *name, uint8_t *ret, size_t *ret_len);
/* The same by each of them, at most max signatures in places of *ret_len bytes: how many. */
unsigned token_sign_all(const char *token, const char *name, uint8_t *ret, size_t *ret_len, unsigned max);
/* The attribute of the (first) private or secret key; false also if there is none. */
bool token_flag(const char *token, const char *name, CK_ATTRIBUTE_TYPE type);
