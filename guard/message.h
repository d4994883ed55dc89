/* message: what ruedad and the guard say to each other; see message.c for the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/guid.h"

enum { GUARD_MESSAGE_MAX = 1024 };

enum guard_message_type {
	GUARD_START = 1, /* To the guard: a host for the resource id, under a number that was not used before. */
	GUARD_CLEAN,     /* The same, but only what an earlier host may have left is to be ended: GONE follows. */
	GUARD_KILL,      /* End the host of that number at once; GONE follows. */
	GUARD_READY,     /* From the guard: nothing of an earlier life runs any more. */
	GUARD_STARTED,   /* With the socket to the host, and its process. */
	GUARD_GONE,      /* Host and all that it started have ended.  result < 0: it was not stopped as it should be. */
	GUARD_BEGIN,     /* To the guard, first: this ruedad has the lock of the instance. */
	GUARD_ATTACH,    /* To a guard that is a unit of its own, before that: text is the run directory (unit.c). */
	GUARD_MESSAGE_END,
};

struct guard_message {
	enum guard_message_type type;
	uint64_t number;
	struct guid id;   /* START, CLEAN. */
	int result;       /* GONE.  0: nothing of it is active on this node. */
	uint32_t process; /* STARTED: its id. */
	char text[sizeof(((struct error *)0)->text)];
};

void guard_message_encode(
    const struct guard_message *m, struct buf *out); /* The buffer's error says if memory lacks. */
/* -EBADMSG if it is not such a message; *ret is untouched then. */
int guard_message_decode(const void *data, size_t len, struct guard_message *ret);
