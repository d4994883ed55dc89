/* listen: connections of the daemon, whatever they come by.
 *
 * Why      bytes come from anybody.  What a connection may cost, and how long it may last, is decided here and in
 *          rpc/connection.c, for all kinds of sockets alike.
 * How      A kind of listener (listen_unix.c, listen_tcp.c) says who is at the other end; the rest is the same.
 *          Bytes go to and from rpc/server.h.  What the RPC side has to send is taken as one buffer and written as
 *          such; while it is on its way the next one collects.  It is taken when all that is ready in this turn of the
 *          loop has been handled (check) and once more before the loop sleeps (prepare), so that the answers to calls
 *          which came together, or were made durable together, leave together.
 *
 *          A connection whose login takes time is read from as long as what comes can be held (so that it is noticed if the
 *          peer goes), and then no more until the login has ended.
 *
 *          A connection ends when the peer closes, on an error, or when RPC says that it is over and all has been
 *          sent (at most LINGER_TICKS later: a peer that does not read its last answer is not waited for).
 *
 *          Refused connections, and those that we end, are logged: one line for all that happen in QUIET_TICKS.
 * Promise  No descriptor is inherited by children.
 * Threads  the loop's.     Limits  those of the server; LISTEN_BACKLOG, ACCEPTS_PER_TURN.
 * Tests    tests/unit/listen.c, listen_tcp.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "ruedad/serve/listen_private.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN = 64, LINGER_TICKS = 5, QUIET_TICKS = 10 };

struct connection {
	struct listener *listener;
	struct connection *next, **previous;
	struct connection *next_waking, **previous_waking; /* previous_waking NULL: in no list. */
	struct rpc_connection *rpc;
	/* uv_pipe_t is for any stream that is a descriptor; what TCP has on top of that is not used. */
	uv_pipe_t pipe;
	uv_write_t write;
	struct buf writing; /* What write is sending; empty when it is not. */
	unsigned ticks_over;
	bool reading, closing;
};

static void release(struct listener *l)
{
	if (--l->open_handles > 0)
		return;
	if (l->closed != NULL)
		l->closed(l->closed_data);
	free(l->name);
	free(l);
}

/* Told in one line with the others of the same time. */
static void note_refusal(struct listener *l, const char *why)
{
	l->refused++;
	l->refused_why = why;
}

static void log_refusals(struct listener *l)
{
	if (l->quiet_ticks > 0)
		l->quiet_ticks--;
	if (l->refused == 0 || l->quiet_ticks > 0)
		return;
	log_warning(
	    "connections were refused or ended socket=%s count=%lu last=\"%s\"", l->name, l->refused, l->refused_why);
	l->refused = 0;
	l->quiet_ticks = QUIET_TICKS;
}

/* Connections. */

static void on_connection_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;
	struct listener *l = c->listener;

	*c->previous = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	rpc_connection_free(c->rpc);
	buf_done(&c->writing);
	free(c);
	release(l);
}

static void stop_waking(struct connection *c)
{
	if (c->previous_waking == NULL)
		return;
	*c->previous_waking = c->next_waking;
	if (c->next_waking != NULL)
		c->next_waking->previous_waking = c->previous_waking;
	c->previous_waking = NULL;
}

static void close_connection(struct connection *c)
{
	const char *why;

	if (c->closing)
		return;
	c->closing = true;
	stop_waking(c);
	if (rpc_connection_is_over(c->rpc, &why)) {
		trace("a connection was ended: %s", why);
		note_refusal(c->listener, why);
	}
	uv_close((uv_handle_t *)&c->pipe, on_connection_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct connection *c = handle->data;

	/* One for all: what is read is used up before the next read. */
	static_assert(sizeof(c->listener->input) <= RPC_HELD_MAX / 2, "one read fits where there is room");
	*ret = uv_buf_init((char *)c->listener->input, sizeof(c->listener->input));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

/* Read, or do not, as there is room for it. */
static int arrange_reading(struct connection *c)
{
	bool wanted = rpc_connection_has_room(c->rpc);
	int r = 0;

	if (c->closing || wanted == c->reading)
		return 0;
	c->reading = wanted;
	if (wanted)
		r = uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	else
		(void)uv_read_stop((uv_stream_t *)&c->pipe);
	return r;
}

static void pump(struct connection *c);

static void on_written(uv_write_t *write, int status)
{
	struct connection *c = write->data;

	rpc_connection_sent(c->rpc, c->writing.len);
	buf_done(&c->writing);
	if (status < 0)
		close_connection(c);
	else
		pump(c);
}

/* Answers mostly fit into the socket's buffer: then they are written at once, without a turn of the loop for it. */
static void pump(struct connection *c)
{
	while (!c->closing && c->writing.len == 0) {
		uv_buf_t bytes;
		int n;

		c->writing = rpc_connection_take_output(c->rpc);
		if (c->writing.len == 0) {
			buf_done(&c->writing);
			if (rpc_connection_is_over(c->rpc, NULL))
				close_connection(c);
			return;
		}
		bytes = uv_buf_init((char *)c->writing.data, (unsigned)c->writing.len);
		n = uv_try_write((uv_stream_t *)&c->pipe, &bytes, 1);
		if (n == (int)c->writing.len) {
			rpc_connection_sent(c->rpc, c->writing.len);
			buf_done(&c->writing);
			continue;
		}
		if (n > 0) {
			bytes.base += n;
			bytes.len -= (unsigned)n;
		}
		c->write.data = c;
		if ((n < 0 && n != UV_EAGAIN) ||
		    uv_write(&c->write, (uv_stream_t *)&c->pipe, &bytes, 1, on_written) < 0)
			close_connection(c);
	}
}

static void on_wake(void *data)
{
	struct connection *c = data;
	struct listener *l = c->listener;

	if (c->closing || c->previous_waking != NULL)
		return;
	c->next_waking = l->waking;
	c->previous_waking = &l->waking;
	if (c->next_waking != NULL)
		c->next_waking->previous_waking = &c->next_waking;
	l->waking = c;
}

static void pump_all(struct listener *l)
{
	while (l->waking != NULL) {
		struct connection *c = l->waking;

		stop_waking(c);
		if (arrange_reading(c) < 0)
			close_connection(c);
		pump(c);
	}
}

static void on_prepare(uv_prepare_t *prepare)
{
	pump_all(prepare->data);
}

static void on_check(uv_check_t *check)
{
	pump_all(check->data);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct connection *c = stream->data;

	if (n < 0)
		close_connection(c);
	else if (n > 0)
		rpc_connection_input(c->rpc, buffer->base, (size_t)n);
	if (n > 0)
		explicit_bzero(buffer->base, (size_t)n); /* It may have been a passphrase, and may lie here for long. */
	(void)arrange_reading(c);
}

static bool may_log_in(void *data, const struct rpc_identity *who)
{
	const struct connection *c = data;
	const struct listener *l = c->listener;

	return l->ops->may_log_in == NULL || l->ops->may_log_in(l, who);
}

static void on_login_failed(void *data, const struct rpc_identity *who)
{
	struct connection *c = data;
	struct listener *l = c->listener;

	if (l->ops->login_failed != NULL)
		l->ops->login_failed(l, who);
}

/* The descriptor is the connection's from here on. */
static int add_connection(struct listener *l, int fd)
{
	struct rpc_transport transport = {
		.wake = on_wake, .may_log_in = may_log_in, .login_failed = on_login_failed, .address = l->name
	};
	struct rpc_identity identity;
	struct connection *c;
	int r = l->ops->identify(l, fd, &identity, &transport);

	c = r == 0 ? calloc(1, sizeof(*c)) : NULL;
	if (c == NULL) {
		(void)close(fd);
		return r < 0 ? r : -ENOMEM;
	}
	c->listener = l;
	transport.data = c;
	r = rpc_connection_new(l->server, &identity, &transport, &c->rpc);
	if (r < 0) {
		(void)close(fd);
		free(c);
		return r;
	}
	c->next = l->connections;
	c->previous = &l->connections;
	if (c->next != NULL)
		c->next->previous = &c->next;
	l->connections = c;
	l->open_handles++;
	(void)uv_pipe_init(l->poll.loop, &c->pipe, 0);
	c->pipe.data = c;
	r = uv_pipe_open(&c->pipe, fd);
	if (r < 0)
		(void)close(fd);
	else
		r = arrange_reading(c);
	if (r < 0)
		close_connection(c);
	return r;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), r;

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
			note_refusal(l, error_text(-errno));
			l->paused = true;
			(void)uv_poll_stop(poll);
			return;
		}
		if (fd < 0)
			return;
		r = add_connection(l, fd);
		if (r < 0) {
			trace("a connection was refused: %s", error_text(r));
			note_refusal(l, error_text(r));
		}
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct listener *l = timer->data;
	uint64_t now_ns = uv_hrtime();

	log_refusals(l);
	if (l->paused && uv_poll_start(&l->poll, UV_READABLE, on_acceptable) == 0)
		l->paused = false;
	for (struct connection *c = l->connections; c != NULL; c = c->next) {
		rpc_connection_tick(c->rpc, now_ns);
		if (rpc_connection_is_over(c->rpc, NULL) && ++c->ticks_over > LINGER_TICKS)
			close_connection(c);
	}
}

static void close_socket(struct listener *l)
{
	if (l->fd < 0)
		return;
	if (l->ops->unlisten != NULL)
		l->ops->unlisten(l);
	(void)close(l->fd);
	l->fd = -1;
}

void listener_free(struct listener *l)
{
	close_socket(l);
	free(l->name);
	free(l);
}

int listener_start(struct listener *l, uv_loop_t *uv, struct rpc_server *server)
{
	int r = uv_poll_init(uv, &l->poll, l->fd);

	if (r < 0)
		return r;
	l->server = server;
	(void)uv_timer_init(uv, &l->timer);
	(void)uv_prepare_init(uv, &l->prepare);
	(void)uv_check_init(uv, &l->check);
	l->open_handles = 4;
	l->poll.data = l->timer.data = l->prepare.data = l->check.data = l;
	/* None fails on handles that have just been made. */
	(void)uv_prepare_start(&l->prepare, on_prepare);
	(void)uv_check_start(&l->check, on_check);
	(void)uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
	(void)uv_timer_start(&l->timer, on_tick, LISTEN_TICK_MS, LISTEN_TICK_MS);
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;

	if (handle == (uv_handle_t *)&l->poll)
		close_socket(l);
	release(l);
}

void listener_close(struct listener *l, void (*closed)(void *data), void *data)
{
	pump_all(l); /* The answer to who has asked us to stop. */
	l->closed = closed;
	l->closed_data = data;
	uv_close((uv_handle_t *)&l->poll, on_handle_closed);
	uv_close((uv_handle_t *)&l->timer, on_handle_closed);
	uv_close((uv_handle_t *)&l->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&l->check, on_handle_closed);
	for (struct connection *c = l->connections; c != NULL; c = c->next)
		close_connection(c);
}
