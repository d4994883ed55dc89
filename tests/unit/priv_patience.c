/* patience: what is quiet for too long is given up, what lives is not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/patience.h"
#include "tests/lib/test.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* The figures of a device, of which one changes every now and then until it stands still. */
struct device {
	int fd;
	unsigned column, times;
	atomic_bool over; /* Nobody waits any more. */
};

static void write_figures(const struct device *d, unsigned figure)
{
	char text[256];
	size_t used = 0;

	for (unsigned column = 0; column < 17; column++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %8u", column == d->column ? figure : 7);
	CHECK(pwrite(d->fd, text, used, 0) == (ssize_t)used);
}

static void *work(void *data)
{
	struct device *d = data;

	for (unsigned i = 1; i <= d->times && !atomic_load(&d->over); i++) {
		(void)poll(NULL, 0, 300);
		write_figures(d, 7 + i);
	}
	return NULL;
}

/* How long it was waited for, in ms, while that column of the figures changed for so long. */
static uint64_t wait_beside(unsigned column, unsigned times, unsigned quiet_seconds)
{
	struct device device = { .column = column, .times = times };
	struct patience p = PATIENCE_ENDLESS;
	struct timespec begin, end;
	pthread_t thread;
	char path[200];
	int ends[2];

	(void)snprintf(path, sizeof(path), "%s/stat%u", test_directory(), column);
	device.fd = p.device_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(p.device_fd >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	write_figures(&device, 7);
	p.quiet_seconds = quiet_seconds;
	CHECK_INT(pthread_create(&thread, NULL, work, &device), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	CHECK_INT(patience_wait(&p, ends[0]), ERR_TIMEOUT);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	atomic_store(&device.over, true);
	CHECK_INT(pthread_join(thread, NULL), 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(p.device_fd);
	return (uint64_t)(end.tv_sec - begin.tv_sec) * 1000 + (uint64_t)end.tv_nsec / 1000000 -
	       (uint64_t)begin.tv_nsec / 1000000;
}

TEST(a_device_that_finishes_something_lives)
{
	CHECK(wait_beside(4, 12, 3) >= 12 * 300); /* Writes. */
}

TEST(a_device_that_has_only_something_to_do_does_not)
{
	CHECK(wait_beside(9, 300, 1) < 300 * 300); /* The time that it has been busy. */
}

TEST(what_answers_is_not_given_up_and_what_is_cancelled_is)
{
	struct patience p = PATIENCE_ENDLESS;
	int ends[2], cancel[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0 && pipe(cancel) == 0);
	p.cancel_fd = cancel[0];
	p.quiet_seconds = 86400;
	CHECK(send(ends[1], "x", 1, 0) == 1);
	CHECK(write(cancel[1], "x", 1) == 1);
	CHECK_INT(patience_wait(&p, ends[0]), 0); /* The answer is there. */
	CHECK(recv(ends[0], &(char){ 0 }, 1, 0) == 1);
	CHECK_INT(patience_wait(&p, ends[0]), ERR_CANCELLED);
	CHECK_INT(patience_wait(&p, ends[0]), ERR_CANCELLED);
	CHECK(send(ends[1], "x", 1, 0) == 1);
	CHECK_INT(patience_wait(&p, ends[0]), 0);
	for (int i = 0; i < 2; i++) {
		(void)close(ends[i]);
		(void)close(cancel[i]);
	}
}
