/* client_socket: one connection of the blocking client: a channel over a descriptor.
 *
 * Why      the library's callers are threads that want to wait; the channel (channel.c) knows the protocol, this file
 *          knows how to wait: for the server, for a deadline, and for another thread that cancels.
 * How      the descriptor does not block; one loop polls it together with the cancel descriptor, sends what the channel
 *          has to say and feeds it what comes, in both directions at once, so that a server which answers (a fault,
 *          say) before it has read everything is heard.
 * Errors   A call that breaks before its last byte was given to the kernel cannot have been executed (the server waits
 *          for the last fragment): ERR_RPC_S_CALL_FAILED_DNE.  After that nobody knows: ERR_RPC_S_CALL_FAILED.
 * Threads  one at a time for each socket.     Descriptors  close-on-exec; no signals are raised or handled.
 * Tests    tests/unit/rpc_client.c, rpc_client_stories.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client_socket.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 16384, BACKLOG_RETRY_MS = 5 };

uint64_t rpc_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Wait for events on fd (-1: for nothing), at most until most_ms have passed (-1: no such bound).  0 or ERR_. */
static int wait_for(int fd, short events, const struct rpc_wait *wait, int most_ms)
{
	struct pollfd fds[] = { { .fd = fd, .events = events }, { .fd = wait->cancel_fd, .events = POLLIN } };
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

int rpc_wait_check(const struct rpc_wait *wait)
{
	return wait_for(-1, 0, wait, 0);
}

static int connect_error(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return ERR_ACCESS_DENIED;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return -error;
	default:
		return ERR_RPC_S_SERVER_UNAVAILABLE;
	}
}

static int connect_unix(const char *path, const struct rpc_wait *wait, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd, r;

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return connect_error(errno);
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		/* EAGAIN: the server's backlog is full, and there is nothing to poll for. */
		r = error == EAGAIN  ? wait_for(-1, 0, wait, BACKLOG_RETRY_MS)
		    : error == EINTR ? 0
				     : connect_error(error);
		if (r < 0) {
			(void)close(fd);
			return r;
		}
	}
	*ret_fd = fd;
	return 0;
}

/* Send as much as goes.  0 or -errno. */
static int push(struct rpc_socket *s)
{
	struct buf *output = &s->channel.output;

	while (s->sent < output->len) {
		ssize_t n = send(s->fd, output->data + s->sent, output->len - s->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		s->sent += (size_t)n;
	}
	buf_done(output);
	s->sent = 0;
	return 0;
}

/* Feed the channel what has come.  0, or an error at the end of the stream. */
static int pull(struct rpc_socket *s)
{
	uint8_t data[READ_SIZE];

	for (;;) {
		ssize_t n = recv(s->fd, data, sizeof(data), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return -ECONNRESET;
		rpc_channel_input(&s->channel, data, (size_t)n);
		if ((size_t)n < sizeof(data))
			return 0;
	}
}

static bool is_waiting(const struct rpc_channel *ch)
{
	return ch->state == CHANNEL_BINDING || ch->state == CHANNEL_CALLING;
}

/* Until the channel needs nothing more from the server.  *ret_sent: all output left us. */
static int drive(struct rpc_socket *s, const struct rpc_wait *wait, bool *ret_sent)
{
	*ret_sent = false;
	while (is_waiting(&s->channel)) {
		int r = push(s), pulled;

		*ret_sent = s->channel.output.len == 0;
		if (r == 0)
			r = wait_for(s->fd, (short)(POLLIN | (*ret_sent ? 0 : POLLOUT)), wait, -1);
		if (r == ERR_CANCELLED || r == ERR_TIMEOUT)
			return r;
		pulled = pull(s); /* Also if it cannot be sent to: it may have told us why before it closed. */
		if (is_waiting(&s->channel) && (r < 0 || pulled < 0))
			return r < 0 ? r : pulled;
	}
	return s->channel.state == CHANNEL_BROKEN ? s->channel.error : 0;
}

int rpc_socket_open(const char *path, const struct pdu_syntax *interface, uint32_t group, const struct rpc_wait *wait,
    struct rpc_socket **ret)
{
	_cleanup_(rpc_socket_closep) struct rpc_socket *s = calloc(1, sizeof(*s));
	bool sent;
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->fd = -1;
	r = rpc_channel_init(&s->channel, interface, group, RPC_FRAGMENT_LOCAL, NULL);
	if (r < 0)
		return r;
	r = connect_unix(path, wait, &s->fd);
	if (r < 0)
		return r;
	r = drive(s, wait, &sent);
	if (r == -ECONNRESET || r == -EPIPE)
		return ERR_RPC_S_SERVER_UNAVAILABLE;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

void rpc_socket_close(struct rpc_socket *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	rpc_channel_done(&s->channel);
	free(s);
}

bool rpc_socket_is_alive(const struct rpc_socket *s)
{
	uint8_t byte;
	ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

int rpc_socket_call(struct rpc_socket *s, uint16_t opnum, const void *stub, size_t len, const struct rpc_wait *wait,
    struct buf *ret, bool *ret_usable)
{
	bool sent = false;
	int r;

	*ret_usable = false;
	r = rpc_channel_call(&s->channel, opnum, stub, len);
	if (r < 0)
		return r;
	r = drive(s, wait, &sent);
	if (r == 0) {
		/* An early answer leaves the rest of the request unsent: the server has given up on this connection. */
		*ret_usable = s->channel.output.len == 0;
		return rpc_channel_take_reply(&s->channel, ret);
	}
	if (r == ERR_CANCELLED || r == ERR_TIMEOUT) {
		if (sent && rpc_channel_abandon(&s->channel) == 0 && push(s) == 0)
			*ret_usable = s->channel.output.len == 0;
		return r;
	}
	if (s->channel.state == CHANNEL_BROKEN)
		return r;
	return sent ? ERR_RPC_S_CALL_FAILED : ERR_RPC_S_CALL_FAILED_DNE;
}
