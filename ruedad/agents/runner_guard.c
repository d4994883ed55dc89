/* runner_guard: the guard's socket, and those of the hosts that it has started.
 *
 * How      a watcher per socket; a packet is read when there is one.  A host's own socket may be closed before the guard
 *          says that it is gone, and only the latter counts.
 * Promise  gone() comes once for each number that was asked for, unless the guard is lost.
 * Threads  the loop thread.       Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/runner_guard.h"
#include "base/fd.h"
#include "base/log.h"
#include "guard/message.h"
#include "priv/channel.h"

struct watch {
	uv_poll_t poll;
	struct guardian *guardian;
	struct watch *next;
	uint64_t number; /* 0: the guard's. */
	int socket;      /* Owned. */
};

struct guardian {
	struct runner runner;
	uv_loop_t *loop;
	struct watch *all; /* The guard's is the last. */
	const struct runner_events *events;
	void *events_data;
	void (*lost)(void *data);
	void *lost_data;
	bool is_ready, is_lost, freed;
	unsigned open;
	uint8_t packet[HOST_MESSAGE_MAX];
};

static struct guardian *guardian_of(struct runner *r)
{
	return container_of(r, struct guardian, runner);
}

static struct watch *find(const struct guardian *g, uint64_t number)
{
	struct watch *w = g->all;

	while (w != NULL && w->number != number)
		w = w->next;
	return w;
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;
	struct guardian *g = w->guardian;

	close_fd(&w->socket);
	free(w);
	if (--g->open == 0 && g->freed)
		free(g);
}

static void drop(struct watch *w)
{
	struct watch **at = &w->guardian->all;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static void on_packet(uv_poll_t *poll, int status, int events);

static int watch(struct guardian *g, uint64_t number, int socket)
{
	_cleanup_fd_ int fd = socket;
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL)
		return -ENOMEM;
	r = uv_poll_init(g->loop, &w->poll, fd);
	if (r < 0) {
		free(w);
		return r;
	}
	w->poll.data = w;
	w->guardian = g;
	w->number = number;
	w->socket = TAKE_FD(fd);
	w->next = g->all;
	g->all = w;
	g->open++;
	return uv_poll_start(&w->poll, UV_READABLE, on_packet);
}

static void lose(struct guardian *g, const char *why)
{
	if (g->is_lost)
		return;
	g->is_lost = true;
	g->is_ready = false;
	log_error("%s; all resources end with this service", why);
	while (g->all != NULL)
		drop(g->all);
	if (g->events != NULL)
		g->events->lost(g->events_data);
	g->lost(g->lost_data);
}

static void on_guard(struct guardian *g, const struct guard_message *m, int *fd)
{
	struct watch *w;

	switch (m->type) {
	case GUARD_READY:
		g->is_ready = true;
		if (g->events != NULL)
			g->events->ready(g->events_data);
		break;
	case GUARD_STARTED:
		/* Without its socket closed, the host would wait for us; closed, it ends, and is gone. */
		if (g->events == NULL || *fd < 0 || watch(g, m->number, TAKE_FD(*fd)) < 0)
			break;
		g->events->started(g->events_data, m->number, m->process);
		break;
	case GUARD_GONE:
		w = find(g, m->number);
		if (w != NULL && m->number != 0)
			drop(w);
		if (g->events != NULL)
			g->events->gone(g->events_data, m->number, m->result, m->text);
		break;
	default:
		break;
	}
}

static void read_guard(struct guardian *g, struct watch *w)
{
	_cleanup_fd_ int fd = -1;
	struct guard_message m;
	int n = channel_receive(w->socket, g->packet, sizeof(g->packet), &fd, CHANNEL_NO_WAIT);

	if (n == -EAGAIN)
		return;
	if (n <= 0 || guard_message_decode(g->packet, (size_t)n, &m) < 0)
		lose(
		    g, n == 0 ? "the guard of the resources has ended" : "the guard said something that is no message");
	else
		on_guard(g, &m, &fd);
}

static void read_host(struct guardian *g, struct watch *w)
{
	_cleanup_fd_ int fd = -1;
	struct host_message m;
	int n = channel_receive(w->socket, g->packet, sizeof(g->packet), &fd, CHANNEL_NO_WAIT);

	if (n == -EAGAIN)
		return;
	if (n <= 0 || host_message_decode(g->packet, (size_t)n, &m) < 0) {
		if (n != 0)
			log_error("a host said something that is no message");
		drop(w); /* It ends, or is ending. */
	} else if (g->events != NULL) {
		g->events->message(g->events_data, w->number, &m);
	}
}

static void on_packet(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;

	(void)status; /* An error is found again by reading. */
	(void)events;
	if (w->number == 0)
		read_guard(w->guardian, w);
	else
		read_host(w->guardian, w);
}

static void guardian_listen(struct runner *r, const struct runner_events *events, void *data)
{
	struct guardian *g = guardian_of(r);

	g->events = events;
	g->events_data = data;
}

static bool guardian_is_ready(struct runner *r)
{
	return guardian_of(r)->is_ready;
}

static int ask(struct guardian *g, const struct guard_message *m)
{
	struct watch *w = find(g, 0);
	struct buf out = { 0 };
	int r;

	guard_message_encode(m, &out);
	r = out.error;
	if (r == 0)
		r = w == NULL ? -EPIPE : channel_send(w->socket, out.data, out.len, -1, CHANNEL_NO_WAIT);
	buf_done(&out);
	return r;
}

static int guardian_start(struct runner *r, uint64_t number, const struct guid *id, bool clean_only)
{
	struct guard_message m = { .type = clean_only ? GUARD_CLEAN : GUARD_START, .number = number, .id = *id };

	assert(number != 0);
	return ask(guardian_of(r), &m);
}

static void guardian_kill(struct runner *r, uint64_t number)
{
	struct guard_message m = { .type = GUARD_KILL, .number = number };

	if (ask(guardian_of(r), &m) < 0)
		log_warning("the guard cannot be told to kill a host; it is told again");
}

static void guardian_send(struct runner *r, uint64_t number, const struct host_message *m)
{
	struct guardian *g = guardian_of(r);
	struct watch *w = find(g, number);
	struct buf out = { 0 };
	int e;

	if (w == NULL)
		return;
	e = host_message_encode(m, &out);
	if (e == 0)
		e = channel_send(w->socket, out.data, out.len, -1, CHANNEL_NO_WAIT);
	buf_done(&out);
	if (e < 0 && e != -EPIPE) {
		log_error("a host cannot be told what to do: %s", error_text(e));
		drop(w); /* It takes that for our end, and ends. */
	}
}

static const struct runner_ops guardian_ops = {
	.listen = guardian_listen,
	.is_ready = guardian_is_ready,
	.start = guardian_start,
	.send = guardian_send,
	.kill = guardian_kill,
};

int runner_guard_new(uv_loop_t *loop, int socket, void (*lost)(void *data), void *data, struct runner **ret)
{
	struct guardian *g = calloc(1, sizeof(*g));
	int r;

	if (g == NULL) {
		(void)close(socket);
		return -ENOMEM;
	}
	g->runner.ops = &guardian_ops;
	g->loop = loop;
	g->lost = lost;
	g->lost_data = data;
	r = watch(g, 0, socket);
	if (r == 0)
		r = ask(g, &(struct guard_message){ .type = GUARD_BEGIN });
	if (r < 0) {
		runner_guard_free(&g->runner);
		return r;
	}
	*ret = &g->runner;
	return 0;
}

void runner_guard_free(struct runner *r)
{
	struct guardian *g;

	if (r == NULL)
		return;
	g = guardian_of(r);
	g->freed = true;
	g->events = NULL;
	while (g->all != NULL)
		drop(g->all);
	if (g->open == 0)
		free(g);
}
