/* token_find: a session with the token that a URI means, and objects in it; see token_find.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "keys/token.h"
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

struct token_session {
	const struct key_token *token;
	P11KitUri *uri;
	CK_FUNCTION_LIST_PTR module;
	bool initialized, open;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	struct error *error;
};

/* Load the library, find the token, open a session that may write, log in where that is needed.  On failure, too,
 * token_session_end() is due. */
int token_session_begin(struct token_session *s, const struct key_token *t, struct error *error);
void token_session_end(struct token_session *s);

/* A story for what the token has answered, with the code that goes with it. */
int token_fail(struct token_session *s, CK_RV rv, const char *doing);

/* All objects with these attributes: the number, or an error; -E2BIG, without a story: there are more than max. */
int token_objects(
    struct token_session *s, const CK_ATTRIBUTE *attributes, size_t count, CK_OBJECT_HANDLE *ret, size_t max);
/* The private and secret keys that the URI means, likewise. */
int token_keys(struct token_session *s, CK_OBJECT_HANDLE *ret, size_t max);
