/* wait: waiting for a descriptor, a deadline, and another thread that cancels.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <stdatomic.h>

/* Of one call, or of several that are given up together; it stays fired. */
struct rpc_cancel {
	int fd;            /* An eventfd, readable once it is fired. */
	atomic_bool fired; /* Set before that. */
};

struct rpc_wait {
	uint64_t deadline_ms;            /* Of rpc_now_ms(); 0 = none. */
	const struct rpc_cancel *cancel; /* NULL = none. */
};

uint64_t rpc_now_ms(void);
/* Until there are events on fd (-1: none are waited for), at most for most_ms (-1: no such bound).  0, ERR_TIMEOUT (the
 * deadline), ERR_CANCELLED, or -errno. */
int rpc_wait_for(int fd, short events, const struct rpc_wait *wait, int most_ms);
/* The same without a bound, and also until another descriptor (-1: none) can be read. */
int rpc_wait_for_either(int fd, short events, int other, const struct rpc_wait *wait);
/* 0, ERR_TIMEOUT or ERR_CANCELLED. */
int rpc_wait_check(const struct rpc_wait *wait);
/* Another thread's sleep, told by a word of memory rather than by a descriptor: until the word is not *value* any more or it
 * is woken, at the latest at the deadline (0: none).  It may wake for no reason. */
void rpc_sleep_while(atomic_uint *word, unsigned value, uint64_t deadline_ms);
/* After the word was changed.  It may be gone by then: the address alone counts. */
void rpc_wake(atomic_uint *word);
/* A wait with an earlier deadline: one of so many shares of the time that is left. */
struct rpc_wait rpc_wait_share(const struct rpc_wait *wait, size_t shares);
