/* channel: packets keep their bounds, and no descriptor is left behind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "priv/channel.h"
#include "tests/lib/test.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static size_t count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t count = 0;

	CHECK(d != NULL);
	while (readdir(d) != NULL)
		count++;
	(void)closedir(d);
	return count;
}

/* Send n copies of standard error along with a packet, as a hostile end could. */
static void send_descriptors(int socket, const void *data, size_t len, size_t n)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * 16)];
	} control = { 0 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int) * n)
	};

	control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int) * n), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS
	};
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &(int){ STDERR_FILENO }, sizeof(int));
	CHECK(sendmsg(socket, &m, MSG_NOSIGNAL) == (ssize_t)len);
}

TEST(a_packet_arrives_with_its_descriptor_closed_on_exec)
{
	_cleanup_fd_ int a = -1, b = -1;
	char data[16];
	int ends[2], fd = -2;

	CHECK_INT(channel_pair(ends), 0);
	a = ends[0];
	b = ends[1];
	CHECK_INT(channel_send(a, "hello", 5, STDERR_FILENO, 0), 0);
	CHECK_INT(channel_send(a, "more", 4, -1, 0), 0);
	CHECK_INT(channel_receive(b, data, sizeof(data), &fd, 0), 5);
	CHECK_MEM(data, "hello", 5);
	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close_fd(&fd);
	CHECK_INT(channel_receive(b, data, sizeof(data), &fd, 0), 4);
	CHECK_INT(fd, -1);
	CHECK_INT(channel_receive(b, data, sizeof(data), &fd, CHANNEL_NO_WAIT), -EAGAIN);
	close_fd(&a);
	CHECK_INT(channel_receive(b, data, sizeof(data), &fd, 0), 0);
	CHECK_INT(channel_send(b, "x", 1, -1, 0), -EPIPE);
}

TEST(a_packet_that_is_too_long_is_refused_and_its_descriptor_closed)
{
	_cleanup_fd_ int a = -1, b = -1;
	char data[4];
	int ends[2], fd = -2;
	size_t before;

	CHECK_INT(channel_pair(ends), 0);
	a = ends[0];
	b = ends[1];
	before = count_descriptors();
	CHECK_INT(channel_send(a, "hello", 5, STDERR_FILENO, 0), 0);
	CHECK_INT(channel_receive(b, data, sizeof(data), &fd, 0), -EBADMSG);
	CHECK_INT(fd, -2);
	CHECK_INT(count_descriptors(), before);
}

TEST(a_descriptor_that_finds_no_place_is_missed_and_the_packet_is_whole)
{
	_cleanup_fd_ int a = -1, b = -1;
	struct rlimit old, none;
	char data[4];
	int ends[2], fd = -2;

	CHECK_INT(channel_pair(ends), 0);
	a = ends[0];
	b = ends[1];
	CHECK_INT(channel_send(a, "x", 1, STDERR_FILENO, 0), 0);
	CHECK_INT(channel_send(a, "yz", 2, -1, 0), 0);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ 0, old.rlim_max };
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_INT(channel_receive(b, data, sizeof(data), &fd, 0), 1);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK_INT(fd, -EMFILE);
	CHECK_INT(channel_receive(b, data, sizeof(data), &fd, 0), 2);
	CHECK_INT(fd, -1);
}

TEST(more_than_one_descriptor_is_refused_and_all_are_closed)
{
	for (size_t n = 2; n <= 16; n++) {
		_cleanup_fd_ int a = -1, b = -1;
		char data[4];
		int ends[2], fd = -2;
		size_t before;

		CHECK_INT(channel_pair(ends), 0);
		a = ends[0];
		b = ends[1];
		before = count_descriptors();
		send_descriptors(a, "x", 1, n);
		CHECK_INT(channel_receive(b, data, sizeof(data), &fd, 0), -EBADMSG);
		CHECK_INT(count_descriptors(), before);
	}
}
