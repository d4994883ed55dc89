/* listen: the unix socket of the daemon.
 *
 * Why      it is the only door for programs of this machine; who comes in is decided by what the kernel says of the
 *          peer, so that no password is needed and none can be stolen.
 * How      The socket is open to all (mode 0666); the identity of each connection is fixed when it is accepted:
 *
 *              root, the daemon's own uid              access All
 *              reader group, as one of its groups      access Read
 *              everybody else                          none: may bind, each call is answered with 5 and the end
 *
 *          The groups are those of the peer's process (SO_PEERGROUPS), not those of the name service: that cannot
 *          block, and a process that gave its groups up has given this one up, too.
 *          Bytes go to and from rpc/server.h.  What the RPC side has to send is taken as one buffer and written as
 *          such; while it is on its way the next one collects.
 *
 *          A connection ends when the peer closes, on an error, or when RPC says that it is over and all has been
 *          sent (at most LINGER_TICKS later: a peer that does not read its last answer is not waited for).
 * Promise  No descriptor is inherited by children.  A socket that another daemon has put into its place is not removed.
 * Threads  the loop's.     Limits  those of the server; LISTEN_BACKLOG.
 * Tests    tests/unit/listen.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/listen.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_SIZE = 65536, ACCEPTS_PER_TURN = 16, LINGER_TICKS = 5, GROUPS_MOST = 65536 };

struct connection {
	struct listener *listener;
	struct connection *next, **previous;
	struct rpc_connection *rpc;
	uv_pipe_t pipe;
	uv_write_t write;
	struct buf writing; /* What write is sending; empty when it is not. */
	unsigned ticks_over;
	bool closing;
};

struct listener {
	struct rpc_server *server;
	struct listen_config config;
	char *path; /* Owned; config.path. */
	int fd;
	dev_t device; /* Of the socket's name. */
	ino_t inode;
	uv_poll_t poll;
	uv_timer_t timer;
	bool paused; /* Out of descriptors: accept again at the next tick. */
	struct connection *connections;
	unsigned open_handles; /* Of libuv; the listener is freed with the last. */
	void (*closed)(void *data);
	void *closed_data;
	uint8_t input[READ_SIZE];
};

static void release(struct listener *l)
{
	if (--l->open_handles > 0)
		return;
	if (l->closed != NULL)
		l->closed(l->closed_data);
	free(l->path);
	free(l);
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

static void close_connection(struct connection *c)
{
	const char *why;

	if (c->closing)
		return;
	c->closing = true;
	if (rpc_connection_is_over(c->rpc, &why))
		trace("a connection was ended: %s", why);
	uv_close((uv_handle_t *)&c->pipe, on_connection_closed);
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

static void pump(struct connection *c)
{
	uv_buf_t bytes;

	if (c->closing || c->writing.len > 0)
		return;
	c->writing = rpc_connection_take_output(c->rpc);
	if (c->writing.len == 0) {
		buf_done(&c->writing);
		if (rpc_connection_is_over(c->rpc, NULL))
			close_connection(c);
		return;
	}
	bytes = uv_buf_init((char *)c->writing.data, (unsigned)c->writing.len);
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &bytes, 1, on_written) < 0)
		close_connection(c);
}

static void on_wake(void *data)
{
	pump(data);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct connection *c = handle->data;

	/* One for all: what is read is used up before the next read. */
	*ret = uv_buf_init((char *)c->listener->input, READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct connection *c = stream->data;

	if (n < 0)
		close_connection(c);
	else if (n > 0)
		rpc_connection_input(c->rpc, buffer->base, (size_t)n);
}

/* Who is there. */

enum rpc_access listen_access(const struct listen_config *config, const struct rpc_identity *identity)
{
	if (identity->uid == 0 || identity->uid == config->owner_uid)
		return RPC_ACCESS_ALL;
	if (!config->has_reader_group)
		return RPC_ACCESS_NONE;
	if (identity->gid == config->reader_group)
		return RPC_ACCESS_READ;
	for (unsigned i = 0; i < identity->group_count; i++)
		if (identity->groups[i] == config->reader_group)
			return RPC_ACCESS_READ;
	return RPC_ACCESS_NONE;
}

/* All groups of the peer, then the first RPC_GROUPS_MAX; the reader group is among these if it is among all. */
static int get_groups(int fd, const struct listen_config *config, struct rpc_identity *identity)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t len = 0;
	size_t count;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) < 0 && errno != ERANGE)
		return -errno;
	if (len == 0)
		return 0;
	if (len > GROUPS_MOST * sizeof(*groups))
		return -EOVERFLOW;
	groups = malloc(len);
	if (groups == NULL)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return -errno;
	count = len / sizeof(*groups);
	for (size_t i = RPC_GROUPS_MAX; i < count; i++)
		if (config->has_reader_group && groups[i] == config->reader_group)
			groups[RPC_GROUPS_MAX - 1] = groups[i];
	identity->group_count = (unsigned)MIN(count, (size_t)RPC_GROUPS_MAX);
	memcpy(identity->groups, groups, identity->group_count * sizeof(*groups));
	return 0;
}

static int identify(int fd, const struct listen_config *config, struct rpc_identity *ret)
{
	struct rpc_identity identity = { .local = true };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	identity.uid = peer.uid;
	identity.gid = peer.gid;
	r = get_groups(fd, config, &identity);
	if (r < 0)
		return r;
	identity.access = listen_access(config, &identity);
	*ret = identity;
	return 0;
}

/* The descriptor is the connection's from here on. */
static int add_connection(struct listener *l, int fd)
{
	struct rpc_transport transport = { .wake = on_wake, .address = l->path };
	struct rpc_identity identity;
	struct connection *c;
	int r = identify(fd, &l->config, &identity);

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
		r = uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
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
			log_warning("no connection can be accepted for now error=\"%s\"", error_text(-errno));
			l->paused = true;
			(void)uv_poll_stop(poll);
			return;
		}
		if (fd < 0)
			return;
		r = add_connection(l, fd);
		if (r < 0)
			trace("a connection was refused: %s", error_text(r));
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct listener *l = timer->data;
	uint64_t now_ns = uv_hrtime();

	if (l->paused && uv_poll_start(&l->poll, UV_READABLE, on_acceptable) == 0)
		l->paused = false;
	for (struct connection *c = l->connections; c != NULL; c = c->next) {
		rpc_connection_tick(c->rpc, now_ns);
		if (rpc_connection_is_over(c->rpc, NULL) && ++c->ticks_over > LINGER_TICKS)
			close_connection(c);
	}
}

/* The socket. */

/* Whether the name can be ours: -ENOENT is yes.  A socket that nobody answers is removed. */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, r = 0;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		r = -EADDRINUSE;
	else if (errno != ECONNREFUSED)
		r = -errno;
	(void)close(fd);
	if (r == 0 && unlink(address->sun_path) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

static int open_socket(struct listener *l)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(l->path);
	struct stat st;
	int r;

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, l->path, len);
	r = clear_path(&address);
	if (r < 0)
		return r;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (stat(l->path, &st) < 0 || chmod(l->path, 0666) < 0)
		return -errno;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return listen(l->fd, LISTEN_BACKLOG) < 0 ? -errno : 0;
}

static void close_socket(struct listener *l)
{
	struct stat st;

	if (l->inode != 0 && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		(void)unlink(l->path);
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}

static void free_listener(struct listener *l)
{
	close_socket(l);
	free(l->path);
	free(l);
}

int listener_new(uv_loop_t *uv, struct rpc_server *server, const struct listen_config *config, struct error *e,
    struct listener **ret)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	l->fd = -1;
	l->server = server;
	l->config = *config;
	l->config.path = l->path = strdup(config->path);
	r = l->path != NULL ? open_socket(l) : -ENOMEM;
	if (r == 0)
		r = uv_poll_init(uv, &l->poll, l->fd);
	if (r < 0) {
		free_listener(l);
		return error_set_code(e, r, "cannot listen on %s", config->path);
	}
	(void)uv_timer_init(uv, &l->timer);
	l->open_handles = 2;
	l->poll.data = l->timer.data = l;
	/* Neither fails on handles that have just been made. */
	(void)uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
	(void)uv_timer_start(&l->timer, on_tick, LISTEN_TICK_MS, LISTEN_TICK_MS);
	*ret = l;
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
	l->closed = closed;
	l->closed_data = data;
	uv_close((uv_handle_t *)&l->poll, on_handle_closed);
	uv_close((uv_handle_t *)&l->timer, on_handle_closed);
	for (struct connection *c = l->connections; c != NULL; c = c->next)
		close_connection(c);
}
