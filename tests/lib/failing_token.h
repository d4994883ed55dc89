/* failing_token: a PKCS #11 library that is SoftHSM until one of its calls fails.  See failing_token.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

enum failing_mode {
	TOKEN_FAILS = 1,   /* The call is not done; later ones are. */
	TOKEN_IS_GONE,     /* Neither this one nor any later one is done. */
	TOKEN_LOST_ANSWER, /* The call is done, and said to have failed. */
	TOKEN_KILLS,       /* Before it the process is killed. */
	TOKEN_DIES,        /* After it the process is killed. */
};

/* A file of it, which the environment's FAILING_TOKEN names, is shared with the library. */
struct failing_token {
	uint64_t mode, result; /* CKR_… */
	uint64_t left;         /* Calls up to the one that fails, which it counts down; 0: none does. */
	uint64_t only_changes; /* Counted are only calls that change what is in the token. */
	uint64_t one_by_one;   /* Objects are found one at a time. */
	uint64_t kept;         /* No object may be destroyed, it says. */
	uint64_t slow;         /* Tokens whose name begins with "slow" never open a session. */
	uint64_t huge;         /* An attribute (CKA_…) that is said to be too large for a checkpoint. */
};
