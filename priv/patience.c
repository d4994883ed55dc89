/* patience: how long ruedad waits for a process that works on a file system.
 *
 * Why      a mount that hangs must not hold a worker of ruedad's for ever; a disk that is slow must not be taken for one that
 *          hangs, however slow it is.
 * How      what is waited for is one step: a call on a name, a slice of data, the sync of a few MiB.  The time counts from the
 *          last sign of life, which is the answer to a step, or that the block device below the file system has finished anything
 *          for anybody: its figures in /sys change.  They are looked at once a second, and so many seconds without a change are
 *          the limit.  A second that this process could not run in counts once, however long it took: if the machine stood still, so
 *          did the disk.
 *          Who cancels gives the rest of the job a moment to clear up, all its steps together.
 * Not kept a file system that hangs on a device that others use with success is waited for as long as they do: until cancelled.
 *          File systems without a device (on the network, FUSE) show no life between the answers.
 * Threads  one at a time for each struct.      Tests  tests/unit/priv_patience.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/patience.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 1000 };

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int patience_device(uint64_t device)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(device), minor(device));
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* How many reads, writes, discards and flushes the device has finished.  Its other figures change while nothing is finished. */
static uint64_t work_done(int device_fd)
{
	static const unsigned columns[] = { 0, 4, 11, 15 };
	char text[512];
	ssize_t n = pread(device_fd, text, sizeof(text) - 1, 0);
	uint64_t sum = 0;
	char *at = text;

	if (n <= 0)
		return 0;
	text[n] = 0;
	for (unsigned column = 0, next = 0; next < ARRAY_SIZE(columns); column++) {
		char *end;
		uint64_t figure = strtoull(at, &end, 10);

		if (end == at)
			break;
		at = end;
		if (column == columns[next]) {
			sum += figure;
			next++;
		}
	}
	return sum;
}

/* A second without an answer. */
static int count_quiet(struct patience *p)
{
	uint64_t done = p->device_fd >= 0 ? work_done(p->device_fd) : 0;

	p->quiet = done != p->work_done ? 0 : p->quiet + 1;
	p->work_done = done;
	return p->quiet_seconds != 0 && p->quiet >= p->quiet_seconds ? ERR_TIMEOUT : 0;
}

/* How many ms to wait before something else than an answer is looked at. */
static int time_left(const struct patience *p)
{
	uint64_t now = now_ms();

	if (p->end_ms == 0)
		return LOOK_MS;
	return p->end_ms > now ? (int)MIN(p->end_ms - now, (uint64_t)LOOK_MS) : 0;
}

int patience_wait(struct patience *p, int socket)
{
	p->quiet = 0;
	for (;;) {
		struct pollfd fds[2] = { { .fd = socket, .events = POLLIN },
			{ .fd = p->end_ms == 0 ? p->cancel_fd : -1, .events = POLLIN } };
		int left = time_left(p), n = poll(fds, ARRAY_SIZE(fds), left), r = 0;

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		if (fds[0].revents != 0)
			return 0;
		if (fds[1].revents != 0)
			p->end_ms = now_ms() + PATIENCE_CANCEL_MS;
		else if (left == 0)
			r = ERR_CANCELLED;
		else
			r = count_quiet(p);
		if (r < 0)
			return r;
	}
}
