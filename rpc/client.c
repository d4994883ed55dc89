/* client: calls from any number of threads to one interface of one server.
 *
 * Why      libclusapi is called from many threads at once, and some of its calls block (notifications) until another
 *          call, with the same handle, releases them.  A connection carries one call, so a client is a set of them.
 * How      Each call takes an idle connection, or opens one, and gives it back.  All connections bind into the same
 *          association group, so that the server lets every one of them use the same context handles.
 *
 *            call ──► idle? ──yes──► use ──► give back ──► idle (at most RPC_CLIENT_IDLE)
 *                       └no─► fewer than connections_max? ──► open (the first one founds the group; others wait for it)
 *                                     └no─► wait
 *
 *          *generation* numbers the groups.  When the last connection of a group breaks, or the server does not know
 *          it, the group is lost, and the next call founds another one; connections of the old one are closed when
 *          they come back.
 * Promise  A connection is closed voluntarily only while another one keeps the group alive.
 * Not kept across fork(): the child must not use the client of its parent.
 * Threads  all functions; the lock is never held while waiting for the server.
 * Limits   RPC_CLIENT_CONNECTIONS, RPC_CLIENT_IDLE, RPC_CLIENT_CONNECT_MS.
 * Tests    tests/unit/rpc_client.c, rpc_client_stories.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client.h"
#include "rpc/client_socket.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct rpc_client {
	char *path;
	struct pdu_syntax interface;
	unsigned connections_max;
	int connect_ms;

	pthread_mutex_t lock; /* Of all below. */
	pthread_cond_t changed;
	struct rpc_socket *idle;
	unsigned idle_count, open_count; /* open_count: idle, in use and being opened. */
	unsigned member_count;           /* Connections in the current group. */
	uint32_t group;                  /* 0: none yet. */
	uint64_t generation;
	bool founding; /* A thread is opening the first connection of a group. */
};

int rpc_cancel_init(struct rpc_cancel *cancel)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	cancel->fd = fd;
	return 0;
}

void rpc_cancel_done(struct rpc_cancel *cancel)
{
	(void)close(cancel->fd);
	cancel->fd = -1;
}

void rpc_cancel_fire(struct rpc_client *c, struct rpc_cancel *cancel)
{
	static const uint64_t one = 1;

	(void)!write(cancel->fd, &one, sizeof(one)); /* It fails only if it has been fired 2^64 times. */
	pthread_mutex_lock(&c->lock);
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

int rpc_client_new(const struct rpc_client_config *config, struct rpc_client **ret)
{
	struct rpc_client *c = calloc(1, sizeof(*c));
	pthread_condattr_t attributes;

	if (c == NULL)
		return -ENOMEM;
	c->path = strdup(config->path);
	if (c->path == NULL) {
		free(c);
		return -ENOMEM;
	}
	c->interface = config->interface;
	c->connections_max = config->connections_max != 0 ? config->connections_max : RPC_CLIENT_CONNECTIONS;
	c->connect_ms = config->connect_ms != 0 ? config->connect_ms : RPC_CLIENT_CONNECT_MS;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	*ret = c;
	return 0;
}

void rpc_client_free(struct rpc_client *c)
{
	if (c == NULL)
		return;
	assert(c->open_count == c->idle_count);
	while (c->idle != NULL) {
		struct rpc_socket *s = c->idle;

		c->idle = s->next;
		rpc_socket_close(s);
	}
	(void)pthread_cond_destroy(&c->changed);
	(void)pthread_mutex_destroy(&c->lock);
	free(c->path);
	free(c);
}

uint64_t rpc_client_generation(struct rpc_client *c)
{
	uint64_t generation;

	pthread_mutex_lock(&c->lock);
	generation = c->generation;
	pthread_mutex_unlock(&c->lock);
	return generation;
}

static void lose_group(struct rpc_client *c)
{
	c->group = 0;
	c->member_count = 0;
	c->generation++;
}

/* Locked.  A connection that nobody uses is closed. */
static void drop(struct rpc_client *c, struct rpc_socket *s)
{
	c->open_count--;
	if (s->generation == c->generation && --c->member_count == 0)
		lose_group(c);
	rpc_socket_close(s);
	pthread_cond_broadcast(&c->changed);
}

/* Locked.  The caller has used s and is done with it. */
static void give_back(struct rpc_client *c, struct rpc_socket *s, bool usable)
{
	if (!usable || s->generation != c->generation || c->idle_count >= RPC_CLIENT_IDLE) {
		drop(c, s);
		return;
	}
	s->next = c->idle;
	c->idle = s;
	c->idle_count++;
	pthread_cond_signal(&c->changed);
}

/* Locked.  An idle connection that still lives, or NULL. */
static struct rpc_socket *take_idle(struct rpc_client *c)
{
	while (c->idle != NULL) {
		struct rpc_socket *s = c->idle;

		c->idle = s->next;
		c->idle_count--;
		if (s->generation == c->generation && rpc_socket_is_alive(s))
			return s;
		drop(c, s);
	}
	return NULL;
}

/* Locked, but not while it opens.  A new connection into the current group, or into a new one. */
static int open_another(struct rpc_client *c, const struct rpc_wait *wait, struct rpc_socket **ret)
{
	uint64_t generation = c->generation;
	uint32_t group = c->group;
	struct rpc_socket *s = NULL;
	int r;

	c->open_count++;
	if (group == 0)
		c->founding = true;
	pthread_mutex_unlock(&c->lock);
	r = rpc_socket_open(c->path, &c->interface, group, wait, &s);
	pthread_mutex_lock(&c->lock);
	if (group == 0)
		c->founding = false;
	pthread_cond_broadcast(&c->changed);
	if (r == 0 && generation != c->generation) {
		rpc_socket_close(s); /* The group was lost meanwhile. */
		r = -ESTALE;
	} else if (r == -ESTALE && generation == c->generation) {
		lose_group(c);
	}
	if (r < 0) {
		c->open_count--;
		return r;
	}
	c->group = s->channel.group;
	c->member_count++;
	s->generation = generation;
	*ret = s;
	return 0;
}

/* Locked.  Until something changes, or the time is over. */
static int wait_for_change(struct rpc_client *c, const struct rpc_wait *wait)
{
	struct timespec until = {
		.tv_sec = (time_t)(wait->deadline_ms / 1000),
		.tv_nsec = (long)(wait->deadline_ms % 1000) * 1000000,
	};
	int r = rpc_wait_check(wait);

	if (r == 0)
		(void)pthread_cond_timedwait(&c->changed, &c->lock, &until);
	return r;
}

/* Locked. */
static int acquire(struct rpc_client *c, const struct rpc_wait *wait, struct rpc_socket **ret)
{
	for (;;) {
		int r;

		*ret = take_idle(c);
		if (*ret != NULL)
			return 0;
		if (c->open_count < c->connections_max && !(c->group == 0 && c->founding)) {
			r = open_another(c, wait, ret);
			if (r != -ESTALE)
				return r;
			continue;
		}
		r = wait_for_change(c, wait);
		if (r < 0)
			return r;
	}
}

int rpc_client_call(struct rpc_client *c, const struct rpc_client_call *call, struct buf *ret_stub)
{
	uint64_t now = rpc_now_ms(), connect_by = now + (uint64_t)c->connect_ms;
	struct rpc_wait wait = {
		.deadline_ms = call->timeout_ms > 0 ? now + (uint64_t)call->timeout_ms : 0,
		.cancel_fd = call->cancel != NULL ? call->cancel->fd : -1,
	};
	struct rpc_wait connecting = wait;
	struct rpc_socket *s;
	bool usable;
	int r;

	if (wait.deadline_ms == 0 || connect_by < wait.deadline_ms)
		connecting.deadline_ms = connect_by;
	pthread_mutex_lock(&c->lock);
	r = acquire(c, &connecting, &s);
	pthread_mutex_unlock(&c->lock);
	if (r < 0)
		return r == ERR_TIMEOUT && connecting.deadline_ms != wait.deadline_ms ? ERR_RPC_S_SERVER_TOO_BUSY : r;

	r = rpc_socket_call(s, call->opnum, call->stub, call->len, &wait, ret_stub, &usable);
	pthread_mutex_lock(&c->lock);
	give_back(c, s, usable);
	pthread_mutex_unlock(&c->lock);
	return r;
}
