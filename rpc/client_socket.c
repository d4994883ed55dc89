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
#include "rpc/dial.h"
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 16384, SECURITY_CONTEXT = 1 };

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
	buf_wipe(output); /* It may have held a passphrase. */
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
			r = rpc_wait_for(s->fd, (short)(POLLIN | (*ret_sent ? 0 : POLLOUT)), wait, -1);
		if (r == ERR_CANCELLED || r == ERR_TIMEOUT)
			return r;
		pulled = pull(s); /* Also if it cannot be sent to: it may have told us why before it closed. */
		if (is_waiting(&s->channel) && (r < 0 || pulled < 0))
			return r < 0 ? r : pulled;
	}
	return s->channel.state == CHANNEL_BROKEN ? s->channel.error : 0;
}

/* What the login makes for one connection; NULL where there is none. */
static int make_security(const struct rpc_place *place, struct rpc_security **ret)
{
	struct rpc_security *security = NULL;
	int r = 0;

	if (place->path == NULL && place->login != NULL) {
		r = place->login->make(place->login, place->host, &security);
		if (r < 0)
			return r;
		assert(security->level == RPC_LEVEL_PRIVACY);
		security->context_id = SECURITY_CONTEXT;
	}
	*ret = security;
	return 0;
}

int rpc_socket_open(const struct rpc_place *place, const struct pdu_syntax *interface, uint32_t group,
    const struct rpc_wait *wait, struct rpc_socket **ret)
{
	_cleanup_(rpc_socket_closep) struct rpc_socket *s = calloc(1, sizeof(*s));
	struct rpc_security *security;
	bool sent;
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->fd = -1;
	s->channel.security = rpc_security_none();
	/* First of all whether anybody is there: a login may cost more, and its failure tells less. */
	r = place->path != NULL ? rpc_dial_unix(place->path, wait, &s->fd)
				: rpc_dial_tcp(place->host, place->port, wait, &s->fd);
	if (r < 0)
		return r;
	r = make_security(place, &security);
	if (r < 0)
		return r;
	r = rpc_channel_init(
	    &s->channel, interface, group, place->path != NULL ? RPC_FRAGMENT_LOCAL : RPC_FRAGMENT_TCP, security);
	if (r < 0)
		return r;
	r = drive(s, wait, &sent);
	if (r == -ECONNRESET || r == -EPIPE || r == -ETIMEDOUT)
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
