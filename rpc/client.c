/* client: calls from any number of threads to one interface of one server.
 *
 * Why      libclusapi is called from many threads at once, and some of its calls block (notifications) until another
 *          call, with the same handle, releases them.
 * How      Each call takes a connection with room for it, or opens one.  All connections bind into the same association
 *          group, so that the server lets every one of them use the same context handles.  A server that agrees to
 *          multiplexing gets RPC_CHANNEL_CALLS at a time on each connection, others one.
 *
 *            call ──► room? ──yes──► use ──► leave ──► idle (at most RPC_CLIENT_IDLE)
 *                       └no─► fewer than connections_max? ──► open (the first one founds the group; others wait for it)
 *                                     └no─► wait
 *
 *          The connections are filled in order, so that there are few of them, and calls that come together travel
 *          together.  Calls that may take for ever have connections of their own: who waits there would otherwise read for
 *          all others, and each of their answers would go through another thread.
 *
 *          Over the network there may be several hosts that serve the same; a group is at one of them.
 *
 *          A server that refuses connections for their number is asked again, after a pause, until connect_ms is over.
 *
 *          *generation* numbers the groups.  When the last connection of a group breaks, or the server does not know
 *          it, the group is lost, and the next call founds another one; connections of the old one are closed when
 *          the last call has left them.
 * Promise  A connection is closed voluntarily only while another one keeps the group alive, if there are context handles.
 * Not kept across fork(): the child must not use the client of its parent.
 * Threads  all functions; the lock is never held while waiting for the server.  It comes before those of the sockets.
 * Limits   RPC_CLIENT_CONNECTIONS, RPC_CLIENT_IDLE, RPC_CLIENT_CONNECT_MS.
 * Tests    tests/unit/rpc_client.c, rpc_client_stories.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client.h"
#include "rpc/client_socket.h"
#include "rpc/epmap.h"
#include "rpc/map.h"
#include <pthread.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { BUSY_PAUSE_MS = 10, BUSY_PAUSE_MOST_MS = 200 };

/* One of those that may serve us; kept as long as the client. */
struct host {
	char *name;
	uint16_t port;
};

struct rpc_client {
	char *path; /* NULL: over the network. */
	struct pdu_syntax interface;
	const struct rpc_login *login;
	uint16_t mapper_port;
	unsigned connections_max;
	int connect_ms;
	bool stateless;
	int (*may_connect)(void *data);
	void *data;

	pthread_mutex_t lock;       /* Of all below. */
	pthread_cond_t changed[2];  /* For calls that are not patient, and for those that are. */
	struct rpc_socket *sockets; /* All of them; those that are not listed are still used. */
	unsigned idle_count;        /* Listed, and used by nobody. */
	unsigned open_count;        /* Of sockets, and of those that are being opened. */
	unsigned opening, waiting;  /* Connections that are being opened; threads that wait for room. */
	unsigned room;              /* Calls that one connection carries, as far as is known. */
	unsigned member_count;      /* Listed, and in the current group. */
	uint32_t group;             /* 0: none yet. */
	uint64_t generation;
	bool founding; /* A thread is opening the first connection of a group. */
	struct host hosts[RPC_CLIENT_HOSTS];
	size_t host_count, current; /* current: where the group is, or was. */
	uint16_t port;              /* There. */
};

static void tell_all(struct rpc_client *c)
{
	pthread_cond_broadcast(&c->changed[false]);
	pthread_cond_broadcast(&c->changed[true]);
}

int rpc_cancel_init(struct rpc_cancel *cancel)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	cancel->fd = fd;
	atomic_init(&cancel->fired, false);
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

	atomic_store(&cancel->fired, true);
	(void)!write(cancel->fd, &one, sizeof(one)); /* It fails only if it has been fired 2^64 times. */
	pthread_mutex_lock(&c->lock);
	for (struct rpc_socket *s = c->sockets; s != NULL; s = s->next)
		rpc_socket_cancel(s, cancel);
	tell_all(c);
	pthread_mutex_unlock(&c->lock);
}

int rpc_client_new(const struct rpc_client_config *config, struct rpc_client **ret)
{
	struct rpc_client *c = calloc(1, sizeof(*c));
	pthread_condattr_t attributes;
	int r = 0;

	if (c == NULL)
		return -ENOMEM;
	c->interface = config->interface;
	c->login = config->login;
	c->mapper_port = config->mapper_port != 0 ? config->mapper_port : RPC_EPMAP_PORT;
	c->connections_max = config->connections_max != 0 ? config->connections_max : RPC_CLIENT_CONNECTIONS;
	c->connect_ms = config->connect_ms != 0 ? config->connect_ms : RPC_CLIENT_CONNECT_MS;
	c->stateless = config->stateless;
	c->may_connect = config->may_connect;
	c->data = config->data;
	c->room = 1;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->changed[false], &attributes);
	(void)pthread_cond_init(&c->changed[true], &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (config->path != NULL) {
		c->path = strdup(config->path);
		r = c->path != NULL ? 0 : -ENOMEM;
	}
	assert(config->path != NULL || config->host_count > 0);
	for (size_t i = 0; i < config->host_count && r == 0; i++)
		r = rpc_client_add_host(c, &config->hosts[i]);
	if (r < 0) {
		rpc_client_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

int rpc_client_add_host(struct rpc_client *c, const struct rpc_client_host *host)
{
	char *name = strdup(host->name);
	bool known = false;

	if (name == NULL)
		return -ENOMEM;
	assert(strlen(name) <= RPC_HOST_MAX);
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->host_count; i++)
		known |= c->hosts[i].port == host->port && strcasecmp(c->hosts[i].name, name) == 0;
	if (!known && c->host_count < RPC_CLIENT_HOSTS)
		c->hosts[c->host_count++] = (struct host){ TAKE_PTR(name), host->port };
	pthread_mutex_unlock(&c->lock);
	free(name);
	return 0;
}

void rpc_client_free(struct rpc_client *c)
{
	if (c == NULL)
		return;
	assert(c->open_count == c->idle_count);
	while (c->sockets != NULL) {
		struct rpc_socket *s = c->sockets;

		c->sockets = s->next;
		rpc_socket_close(s);
	}
	(void)pthread_cond_destroy(&c->changed[false]);
	(void)pthread_cond_destroy(&c->changed[true]);
	(void)pthread_mutex_destroy(&c->lock);
	for (size_t i = 0; i < c->host_count; i++)
		free(c->hosts[i].name);
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

void rpc_client_move(struct rpc_client *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->group != 0 && c->host_count > 1) {
		lose_group(c);
		c->current = (c->current + 1) % c->host_count;
	}
	pthread_mutex_unlock(&c->lock);
}

/* Locked.  No further calls go there. */
static void unlist(struct rpc_client *c, struct rpc_socket *s)
{
	if (!s->listed)
		return;
	s->listed = false;
	c->idle_count -= s->users == 0;
	if (s->generation == c->generation && --c->member_count == 0)
		lose_group(c);
}

/* Locked.  It is not listed, and nobody uses it. */
static void drop(struct rpc_client *c, struct rpc_socket *s)
{
	struct rpc_socket **p = &c->sockets;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	c->open_count--;
	rpc_socket_close(s);
	tell_all(c);
}

/* Locked.  A connection with room for another call, or NULL. */
static struct rpc_socket *enter(struct rpc_client *c, bool patient)
{
	for (struct rpc_socket *s = c->sockets, *next; s != NULL; s = next) {
		next = s->next;
		if (!s->listed || s->users >= rpc_socket_room(s) || (s->users > 0 && s->patient != patient))
			continue;
		if (s->generation == c->generation && !atomic_load(&s->dead) &&
		    (s->users > 0 || rpc_socket_is_alive(s))) {
			c->idle_count -= s->users++ == 0;
			s->patient = patient;
			return s;
		}
		unlist(c, s);
		if (s->users == 0)
			drop(c, s);
	}
	return NULL;
}

/* Locked.  The caller is done with it. */
static void leave(struct rpc_client *c, struct rpc_socket *s)
{
	bool last = --s->users == 0;

	c->idle_count += last && s->listed;
	if (atomic_load(&s->dead) || s->generation != c->generation ||
	    (last && (c->stateless || c->idle_count > RPC_CLIENT_IDLE)))
		unlist(c, s);
	if (last && !s->listed)
		drop(c, s);
	else if (last)
		tell_all(c); /* It may become one of the other kind. */
	else
		pthread_cond_signal(&c->changed[s->patient]);
}

/* Whether another host may do better. */
static bool is_worth_another_host(int error)
{
	switch (error) {
	case ERR_RPC_S_SERVER_UNAVAILABLE:
	case ERR_RPC_S_SERVER_TOO_BUSY:
	case ERR_RPC_S_UNKNOWN_IF:
	case ERR_RPC_S_CALL_FAILED_DNE:
	case ERR_RPC_S_PROTOCOL_ERROR:
	case ERR_EPT_S_NOT_REGISTERED:
	case ERR_TIMEOUT:
		return true;
	default:
		return false;
	}
}

static int open_at(
    struct rpc_client *c, const struct host *host, uint32_t group, const struct rpc_wait *wait, struct rpc_socket **ret)
{
	struct rpc_place place = { .host = host->name, .port = host->port, .login = c->login };
	int r = 0;

	if (place.port == 0)
		r = rpc_map_port(host->name, c->mapper_port, &c->interface, wait, &place.port);
	if (r == 0)
		r = rpc_socket_open(&place, &c->interface, group, wait, ret);
	if (r == 0)
		(*ret)->port = place.port;
	return r;
}

/* Where the group is; or, to found one, wherever somebody answers.  hosts[0] is the first to be tried. */
static int open_anywhere(struct rpc_client *c, const struct host *hosts, size_t count, uint32_t group,
    const struct rpc_wait *wait, size_t *ret_index, struct rpc_socket **ret)
{
	struct rpc_place local = { .path = c->path };
	int r = ERR_RPC_S_SERVER_UNAVAILABLE;

	*ret_index = 0;
	if (c->path != NULL)
		return rpc_socket_open(&local, &c->interface, group, wait, ret);
	for (size_t i = 0; i < count; i++) {
		struct rpc_wait share = rpc_wait_share(wait, count - i);

		*ret_index = i;
		r = open_at(c, &hosts[i], group, &share, ret);
		if (r == 0 || !is_worth_another_host(r) || rpc_wait_check(wait) < 0)
			break;
	}
	return r;
}

/* Locked.  Not if those that are being opened have room for all who wait. */
static bool may_open(const struct rpc_client *c)
{
	return c->open_count < c->connections_max && !(c->group == 0 && c->founding) &&
	       c->opening * c->room <= c->opening + c->waiting;
}

/* Locked.  It is the pool's now, and the caller uses it. */
static void add(struct rpc_client *c, struct rpc_socket *s, bool patient)
{
	s->generation = c->generation;
	s->users = 1;
	s->listed = true;
	s->patient = patient;
	s->next = c->sockets;
	c->sockets = s;
	c->group = s->channel.group;
	c->room = rpc_socket_room(s);
	c->member_count++;
}

/* Locked, but not while it opens.  A new connection into the current group, or into a new one. */
static int open_another(struct rpc_client *c, bool patient, const struct rpc_wait *wait, struct rpc_socket **ret)
{
	uint64_t generation = c->generation;
	uint32_t group = c->group;
	struct rpc_socket *s = NULL;
	struct host hosts[RPC_CLIENT_HOSTS]; /* Their names stay as long as the client. */
	size_t first = c->current, known = c->host_count, count = group == 0 ? known : 1, index;
	int r = c->may_connect != NULL ? c->may_connect(c->data) : 0;

	if (r < 0)
		return r;
	for (size_t i = 0; c->path == NULL && i < count; i++)
		hosts[i] = c->hosts[(first + i) % known];
	if (group != 0)
		hosts[0].port = c->port;
	c->open_count++;
	c->opening++;
	if (group == 0)
		c->founding = true;
	pthread_mutex_unlock(&c->lock);
	r = open_anywhere(c, hosts, count, group, wait, &index, &s);
	pthread_mutex_lock(&c->lock);
	c->opening--;
	if (group == 0)
		c->founding = false;
	tell_all(c);
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
	if (c->path == NULL && group == 0) {
		c->current = (first + index) % known;
		c->port = s->port;
	}
	add(c, s, patient);
	*ret = s;
	return 0;
}

/* Locked.  Until something changes, most_ms (0: no such bound) or the time is over. */
static int wait_for_change(struct rpc_client *c, bool patient, const struct rpc_wait *wait, unsigned most_ms)
{
	uint64_t until_ms = most_ms > 0 ? MIN(rpc_now_ms() + most_ms, wait->deadline_ms) : wait->deadline_ms;
	struct timespec until = {
		.tv_sec = (time_t)(until_ms / 1000),
		.tv_nsec = (long)(until_ms % 1000) * 1000000,
	};
	int r = rpc_wait_check(wait);

	if (r < 0)
		return r;
	c->waiting++;
	(void)pthread_cond_timedwait(&c->changed[patient], &c->lock, &until);
	c->waiting--;
	return 0;
}

/* Locked. */
static int acquire(struct rpc_client *c, bool patient, const struct rpc_wait *wait, struct rpc_socket **ret)
{
	unsigned pause_ms = BUSY_PAUSE_MS;
	bool busy = false;

	for (;;) {
		int r;

		*ret = enter(c, patient);
		if (*ret != NULL)
			return 0;
		if (may_open(c)) {
			r = open_another(c, patient, wait, ret);
			if (r != -ESTALE && r != ERR_RPC_S_SERVER_TOO_BUSY)
				return r == ERR_TIMEOUT && busy ? ERR_RPC_S_SERVER_TOO_BUSY : r;
			if (r == -ESTALE)
				continue;
			busy = true;
			/* Not in step with the others whom it refused. */
			r = wait_for_change(c, patient, wait, pause_ms + (unsigned)((uintptr_t)&r >> 12) % pause_ms);
			pause_ms = MIN(2 * pause_ms, (unsigned)BUSY_PAUSE_MOST_MS);
		} else {
			r = wait_for_change(c, patient, wait, 0);
		}
		if (r < 0)
			return r == ERR_TIMEOUT && busy ? ERR_RPC_S_SERVER_TOO_BUSY : r;
	}
}

int rpc_client_call(struct rpc_client *c, const struct rpc_client_call *call, struct buf *ret_stub)
{
	uint64_t now = rpc_now_ms(), connect_by = now + (uint64_t)c->connect_ms;
	struct rpc_wait wait = {
		.deadline_ms = call->timeout_ms > 0 ? now + (uint64_t)call->timeout_ms : 0,
		.cancel = call->cancel,
	};
	struct rpc_wait connecting = wait;
	struct rpc_socket *s;
	int r;

	if (wait.deadline_ms == 0 || connect_by < wait.deadline_ms)
		connecting.deadline_ms = connect_by;
	pthread_mutex_lock(&c->lock);
	r = acquire(c, call->patient, &connecting, &s);
	pthread_mutex_unlock(&c->lock);
	if (r == ERR_TIMEOUT && connecting.deadline_ms != wait.deadline_ms)
		return c->path != NULL ? ERR_RPC_S_SERVER_TOO_BUSY : ERR_RPC_S_SERVER_UNAVAILABLE;
	if (r < 0)
		return r;

	r = rpc_socket_call(s, call->opnum, call->stub, call->len, &wait, ret_stub);
	pthread_mutex_lock(&c->lock);
	leave(c, s);
	pthread_mutex_unlock(&c->lock);
	return r;
}
