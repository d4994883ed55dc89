/* channel: see channel.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/channel.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	/* Room for more than the one that may come, so that the surplus is seen and closed and not just cut off. */
	char bytes[CMSG_SPACE(sizeof(int) * 4)];
};

int channel_pair(int ret_ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) < 0 ? -errno : 0;
}

int channel_send(int socket, const void *data, size_t len, int fd, unsigned flags)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { 0 };
	ssize_t n;

	assert(len > 0);
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(fd));
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS
		};
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(socket, &message, MSG_NOSIGNAL | (flags & CHANNEL_NO_WAIT ? MSG_DONTWAIT : 0));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Take the descriptors out of a received message: the first into *ret, the others closed.  Returns how many there were. */
static size_t take_descriptors(struct msghdr *message, int *ret)
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (count++ == 0)
				*ret = fd;
			else
				(void)close(fd);
		}
	}
	return count;
}

int channel_receive(int socket, void *data, size_t size, int *ret_fd, unsigned flags)
{
	struct iovec iov = { .iov_base = data, .iov_len = size };
	union control control;
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	size_t count;
	ssize_t n;
	int fd = -1;
	bool cut;

	do {
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (flags & CHANNEL_NO_WAIT ? MSG_DONTWAIT : 0));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	count = take_descriptors(&message, &fd);
	cut = (message.msg_flags & MSG_CTRUNC) != 0; /* With none taken, the kernel found no place for one. */
	if (count > 1 || (cut && count > 0) || (message.msg_flags & MSG_TRUNC) != 0) {
		if (fd >= 0)
			(void)close(fd);
		return -EBADMSG;
	}
	*ret_fd = cut ? -EMFILE : fd;
	return (int)n;
}
