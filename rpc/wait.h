/* wait: waiting for a descriptor, a deadline, and another thread that cancels.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct rpc_wait {
	uint64_t deadline_ms; /* Of rpc_now_ms(); 0 = none. */
	int cancel_fd;        /* Readable: give up; -1 = none. */
};

uint64_t rpc_now_ms(void);
/* Until there are events on fd (-1: none are waited for), at most for most_ms (-1: no such bound).  0, ERR_TIMEOUT (the
 * deadline), ERR_CANCELLED, or -errno. */
int rpc_wait_for(int fd, short events, const struct rpc_wait *wait, int most_ms);
/* 0, ERR_TIMEOUT or ERR_CANCELLED. */
int rpc_wait_check(const struct rpc_wait *wait);
/* The same with an earlier deadline: one of so many shares of the time that is left. */
struct rpc_wait rpc_wait_share(const struct rpc_wait *wait, size_t shares);
