/* wait: waiting for a descriptor, a deadline, and another thread that cancels.
 * Threads  all functions.     Tests  tests/unit/rpc_client.c, rpc_client_stories.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/wait.h"
#include "base/error.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint64_t rpc_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int other, const struct rpc_wait *wait, int most_ms)
{
	struct pollfd fds[] = { { .fd = fd, .events = events },
		{ .fd = wait->cancel != NULL ? wait->cancel->fd : -1, .events = POLLIN },
		{ .fd = other, .events = POLLIN } };
	int timeout = most_ms;
	uint64_t now = rpc_now_ms();

	if (wait->deadline_ms != 0) {
		uint64_t left = wait->deadline_ms > now ? wait->deadline_ms - now : 0;

		if (timeout < 0 || left < (uint64_t)timeout)
			timeout = (int)MIN(left, (uint64_t)INT32_MAX);
	}
	if (poll(fds, ARRAY_SIZE(fds), timeout) < 0 && errno != EINTR)
		return -errno;
	if (fds[1].revents != 0)
		return ERR_CANCELLED;
	if (fds[0].revents == 0 && wait->deadline_ms != 0 && rpc_now_ms() >= wait->deadline_ms)
		return ERR_TIMEOUT;
	return 0;
}

int rpc_wait_for(int fd, short events, const struct rpc_wait *wait, int most_ms)
{
	return wait_for(fd, events, -1, wait, most_ms);
}

int rpc_wait_for_either(int fd, short events, int other, const struct rpc_wait *wait)
{
	return wait_for(fd, events, other, wait, -1);
}

int rpc_wait_check(const struct rpc_wait *wait)
{
	return rpc_wait_for(-1, 0, wait, 0);
}

void rpc_sleep_while(atomic_uint *word, unsigned value, uint64_t deadline_ms)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_ms / 1000),
		.tv_nsec = (long)(deadline_ms % 1000) * 1000000,
	};

	/* This form of waiting is the one whose time is absolute. */
	(void)syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value, deadline_ms != 0 ? &until : NULL,
	    NULL, FUTEX_BITSET_MATCH_ANY);
}

void rpc_wake(atomic_uint *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

struct rpc_wait rpc_wait_share(const struct rpc_wait *wait, size_t shares)
{
	struct rpc_wait share = *wait;
	uint64_t now = rpc_now_ms();

	assert(shares > 0);
	if (wait->deadline_ms > now)
		share.deadline_ms = now + MAX((wait->deadline_ms - now) / shares, (uint64_t)1);
	return share;
}
