/* rpc_host: see rpc_host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rpc_host.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/test.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void poke(struct host *h)
{
	(void)!write(h->wake[1], "", 1);
}

static void nothing(void *data)
{
}

static void accept_one(struct host *h)
{
	struct rpc_transport transport = { .wake = nothing, .address = h->address };
	int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < HOST_CONNECTIONS; i++) {
		struct host_connection *c;

		if (h->connections[i] != NULL)
			continue;
		c = calloc(1, sizeof(*c));
		assert(c != NULL);
		*c = (struct host_connection){ .host = h, .fd = fd };
		if (rpc_connection_new(h->echo.server, h->identity, &transport, &c->rpc) < 0) {
			free(c);
			break;
		}
		h->connections[i] = c;
		h->accepted++;
		return;
	}
	(void)close(fd);
}

static void drop(struct host_connection **slot)
{
	struct host_connection *c = *slot;

	*slot = NULL;
	rpc_connection_free(c->rpc);
	buf_done(&c->output);
	(void)close(c->fd);
	free(c);
}

/* Send what goes; false: it is over. */
static bool flush(struct host_connection *c)
{
	for (;;) {
		ssize_t n;

		if (c->sent == c->output.len) {
			rpc_connection_sent(c->rpc, c->output.len);
			buf_done(&c->output);
			c->sent = 0;
			c->output = rpc_connection_take_output(c->rpc);
			if (c->output.len == 0)
				return !rpc_connection_is_over(c->rpc, NULL);
		}
		n = send(c->fd, c->output.data + c->sent, c->output.len - c->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
	}
}

static bool receive(struct host_connection *c)
{
	struct host *h = c->host;
	uint8_t data[8192];
	unsigned calls = h->echo.call_count;
	size_t most = h->cut_input_after != 0 ? MIN(h->cut_input_after, sizeof(data)) : sizeof(data);
	ssize_t n = recv(c->fd, data, most, 0);

	if (n == 0)
		return false;
	if (n < 0)
		return errno == EAGAIN;
	if (h->cut_input_after != 0) {
		h->cut_input_after -= (size_t)n;
		if (h->cut_input_after == 0)
			return false;
	}
	rpc_connection_input(c->rpc, data, (size_t)n);
	return !(h->cut_on_call && h->echo.call_count != calls);
}

static void turn(struct host *h, const struct pollfd *fds)
{
	char byte[16];

	if (fds[1].revents != 0)
		(void)!read(h->wake[0], byte, sizeof(byte));
	for (size_t i = 0; i < HOST_CONNECTIONS; i++) {
		struct host_connection *c = h->connections[i];

		if (c == NULL)
			continue;
		if (h->close_all ||
		    (fds[2 + i].fd == c->fd && fds[2 + i].revents & (POLLIN | POLLHUP | POLLERR) && !receive(c)) ||
		    !flush(c))
			drop(&h->connections[i]);
	}
	h->close_all = false;
	if (fds[0].revents != 0)
		accept_one(h);
}

static void *run(void *data)
{
	struct pollfd fds[2 + HOST_CONNECTIONS];
	struct host *h = data;

	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		fds[0] = (struct pollfd){ .fd = h->listener, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = h->wake[0], .events = POLLIN };
		for (size_t i = 0; i < HOST_CONNECTIONS; i++) {
			struct host_connection *c = h->connections[i];

			fds[2 + i] = (struct pollfd){ .fd = c != NULL ? c->fd : -1, .events = POLLIN };
			if (c != NULL && c->sent < c->output.len)
				fds[2 + i].events |= POLLOUT;
		}
		pthread_mutex_unlock(&h->lock);
		(void)poll(fds, ARRAY_SIZE(fds), -1);
		pthread_mutex_lock(&h->lock);
		turn(h, fds);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

void host_start_on(struct host *h, int listener, const char *address, const struct rpc_identity *identity,
    const struct rpc_limits *limits)
{
	(void)pthread_mutex_init(&h->lock, NULL);
	CHECK_INT(echo_init(&h->echo, limits), 0);
	h->listener = listener;
	h->address = address;
	h->identity = identity;
	CHECK_INT(listen(h->listener, 128), 0);
	CHECK_INT(pipe2(h->wake, O_CLOEXEC | O_NONBLOCK), 0);
	CHECK_INT(pthread_create(&h->thread, NULL, run, h), 0);
}

void host_start(struct host *h, const char *path, const struct rpc_limits *limits)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(h->path, sizeof(h->path), "%s", path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	(void)unlink(path);
	CHECK(listener >= 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	host_start_on(h, listener, "echo", &peer_reader, limits);
}

void host_stop(struct host *h)
{
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_mutex_unlock(&h->lock);
	poke(h);
	(void)pthread_join(h->thread, NULL);
	for (size_t i = 0; i < HOST_CONNECTIONS; i++)
		if (h->connections[i] != NULL)
			drop(&h->connections[i]);
	echo_done(&h->echo);
	(void)close(h->listener);
	(void)close(h->wake[0]);
	(void)close(h->wake[1]);
	(void)pthread_mutex_destroy(&h->lock);
}

void host_release_all(struct host *h)
{
	pthread_mutex_lock(&h->lock);
	while (h->echo.waiting_count > 0)
		echo_release(&h->echo, 0);
	pthread_mutex_unlock(&h->lock);
	poke(h);
}

void host_close_all(struct host *h)
{
	pthread_mutex_lock(&h->lock);
	h->close_all = true;
	pthread_mutex_unlock(&h->lock);
	poke(h);
}

unsigned host_cancelled(struct host *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = h->echo.cancel_count;
	pthread_mutex_unlock(&h->lock);
	return n;
}

unsigned host_waiting(struct host *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = h->echo.waiting_count;
	pthread_mutex_unlock(&h->lock);
	return n;
}
