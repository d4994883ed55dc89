/* winbind_message: what ruedad and its helper for winbind say to each other.  See winbind_message.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/ntlm.h"
#include "rpc/auth/ntlm_message.h"

enum {
	WINBIND_TEXT_MAX = 1024, /* Bytes. */
	WINBIND_MESSAGE_MAX = 1 << 18,
	WINBIND_SIDS_MAX = 2048, /* As PAC_SIDS_MAX. */
};

enum winbind_kind { WINBIND_LOOK = 1, WINBIND_CHECK };

struct winbind_question {
	enum winbind_kind kind;
	/* WINBIND_CHECK; all borrowed. */
	struct ntlm_part user, domain; /* UTF-8. */
	const uint8_t *nonce;          /* NTLM_NONCE_SIZE */
	struct ntlm_part response;
};

enum winbind_status {
	WINBIND_OK,
	WINBIND_DENIED,    /* The login is not right. */
	WINBIND_ABSENT,    /* There is no winbind, or no domain. */
	WINBIND_FORBIDDEN, /* winbindd does not let us ask for logins. */
	WINBIND_FAILED,    /* It could not say. */
};

struct winbind_answer {
	enum winbind_status status;
	struct ntlm_part why; /* UTF-8, for the log; as all here, borrowed. */
	/* WINBIND_OK to WINBIND_LOOK: NetBIOS names. */
	struct ntlm_part computer, domain;
	/* WINBIND_OK to WINBIND_CHECK. */
	const uint8_t *key;    /* NTLM_KEY_SIZE: the session base key. */
	struct ntlm_part name; /* DOMAIN\user */
	struct ntlm_part sids; /* Whole ones, one behind the other. */
};

void winbind_put_question(struct buf *b, const struct winbind_question *q);
void winbind_put_answer(struct buf *b, const struct winbind_answer *a);
/* -EBADMSG: it is not a whole message, or has more than one, or what may not be in one. */
int winbind_take_question(const uint8_t *data, size_t len, struct winbind_question *ret);
int winbind_take_answer(const uint8_t *data, size_t len, struct winbind_answer *ret);
