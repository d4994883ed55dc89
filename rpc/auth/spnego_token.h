/* spnego_token: the tokens of SPNEGO, DER to structs and back.  See spnego_token.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"

enum spnego_mechanism { SPNEGO_UNKNOWN, SPNEGO_KERBEROS, SPNEGO_MS_KERBEROS, SPNEGO_NTLM };
enum spnego_state {
	SPNEGO_COMPLETED = 0,
	SPNEGO_INCOMPLETE = 1,
	SPNEGO_REJECT = 2,
	SPNEGO_REQUEST_MIC = 3,
	SPNEGO_NO_STATE
};
enum { SPNEGO_MECHANISMS_MAX = 16, SPNEGO_TOKEN_MAX = 32768 };

struct spnego_bytes {
	const uint8_t *data; /* Borrowed from the token; NULL: there is none. */
	size_t len;
};

struct spnego_init {
	unsigned count;
	enum spnego_mechanism mechanisms[SPNEGO_MECHANISMS_MAX]; /* In the order of preference. */
	struct spnego_bytes list;                                /* All of it as it is, which is what gets signed. */
	struct spnego_bytes token;                               /* For the first mechanism. */
};

struct spnego_reply {
	enum spnego_state state;
	bool has_mechanism;
	enum spnego_mechanism mechanism;
	struct spnego_bytes token, mic;
};

/* -EBADMSG: not DER, or not such a token. */
int spnego_decode_init(const uint8_t *data, size_t len, struct spnego_init *ret);
int spnego_decode_reply(const uint8_t *data, size_t len, struct spnego_reply *ret);

/* The DER of a list of mechanisms. */
void spnego_put_list(struct buf *b, const enum spnego_mechanism *mechanisms, unsigned count);
void spnego_put_init(struct buf *b, const struct buf *list, const struct buf *token);
void spnego_put_reply(struct buf *b, const struct spnego_reply *reply);
