/* dial: a connected socket to a server.
 *
 * Why      a program must not hang in the search for a server: every wait here ends at a deadline or by a cancel, also the
 *          one for the name service, which has no way to be told.
 * How      a name is looked up by a thread of its own (numbers need none); whoever waits for it may leave, and the thread
 *          cleans up when it is back.  The addresses are tried one after the other, in the order of the name service
 *          (RFC 6724), each with an equal share of the time that is left.
 * Threads  all functions.     Descriptors  close-on-exec, not blocking.     Limits  ADDRESSES_MAX of a name; DEAD_MS.
 * Tests    tests/unit/rpc_client.c, rpc_client_tcp.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/dial.h"
#include "base/error.h"
#include "base/fd.h"
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { BACKLOG_RETRY_MS = 5, ADDRESSES_MAX = 16 };
enum { KEEPALIVE_IDLE_S = 15, KEEPALIVE_STEP_S = 5, KEEPALIVE_COUNT = 3, DEAD_MS = 30000 };

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

int rpc_dial_unix(const char *path, const struct rpc_wait *wait, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = -1;
	size_t len = strlen(path);
	int r;

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return connect_error(errno);
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		/* EAGAIN: the server's backlog is full, and there is nothing to poll for. */
		r = error == EAGAIN  ? rpc_wait_for(-1, 0, wait, BACKLOG_RETRY_MS)
		    : error == EINTR ? 0
				     : connect_error(error);
		if (r < 0)
			return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Names. */

struct lookup {
	atomic_uint references; /* The thread's, and whoever waits. */
	int done;               /* An eventfd. */
	char *host, port[8];
	int error; /* Of getaddrinfo(). */
	struct addrinfo *list;
};

static void lookup_unref(struct lookup *l)
{
	if (l == NULL || atomic_fetch_sub(&l->references, 1) != 1)
		return;
	if (l->list != NULL)
		freeaddrinfo(l->list);
	close_fd(&l->done);
	free(l->host);
	free(l);
}
DEFINE_FREEP(struct lookup, lookup_unref)

static int lookup_new(const char *host, uint16_t port, struct lookup **ret)
{
	_cleanup_(lookup_unrefp) struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	atomic_init(&l->references, 1);
	l->host = strdup(host);
	l->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->done < 0)
		return -errno;
	if (l->host == NULL)
		return -ENOMEM;
	(void)snprintf(l->port, sizeof(l->port), "%u", port);
	*ret = TAKE_PTR(l);
	return 0;
}

static int lookup_now(struct lookup *l, int flags)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags
	};

	l->error = getaddrinfo(l->host, l->port, &hints, &l->list);
	if (l->error != 0)
		l->list = NULL;
	return l->error;
}

static void *lookup_run(void *data)
{
	static const uint64_t one = 1;
	struct lookup *l = data;

	(void)lookup_now(l, AI_ADDRCONFIG);
	(void)!write(l->done, &one, sizeof(one));
	lookup_unref(l);
	return NULL;
}

/* In a thread that gets no signals: they are for the program's own. */
static int lookup_start(struct lookup *l)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&l->references, 1);
	r = pthread_create(&thread, &attributes, lookup_run, l);
	if (r != 0)
		atomic_fetch_sub(&l->references, 1);
	(void)pthread_attr_destroy(&attributes);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static int look_up(const char *host, uint16_t port, const struct rpc_wait *wait, struct lookup **ret)
{
	_cleanup_(lookup_unrefp) struct lookup *l = NULL;
	uint64_t count;
	int r = lookup_new(host, port, &l);

	if (r < 0)
		return r;
	if (lookup_now(l, AI_NUMERICHOST) != 0) {
		r = lookup_start(l);
		while (r == 0 && read(l->done, &count, sizeof(count)) != sizeof(count))
			r = rpc_wait_for(l->done, POLLIN, wait, -1);
		if (r < 0)
			return r;
	}
	if (l->error == EAI_MEMORY)
		return -ENOMEM;
	if (l->error != 0)
		return ERR_RPC_S_SERVER_UNAVAILABLE;
	*ret = TAKE_PTR(l);
	return 0;
}

/* Connections. */

static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_STEP_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_MS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

static int connect_one(const struct addrinfo *a, const struct rpc_wait *wait, int *ret_fd)
{
	_cleanup_fd_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0, r;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return connect_error(errno);
	set_options(fd);
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
		struct pollfd writable = { .fd = fd, .events = POLLOUT };

		if (errno != EINPROGRESS && errno != EINTR)
			return errno == EACCES || errno == EPERM ? ERR_RPC_S_SERVER_UNAVAILABLE : connect_error(errno);
		do
			r = rpc_wait_for(fd, POLLOUT, wait, -1);
		while (r == 0 && poll(&writable, 1, 0) == 0);
		if (r < 0)
			return r;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0)
			return ERR_RPC_S_SERVER_UNAVAILABLE;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int rpc_dial_tcp(const char *host, uint16_t port, const struct rpc_wait *wait, int *ret_fd)
{
	_cleanup_(lookup_unrefp) struct lookup *l = NULL;
	size_t left = 0;
	int r = look_up(host, port, wait, &l);

	if (r < 0)
		return r;
	for (const struct addrinfo *a = l->list; a != NULL; a = a->ai_next)
		left++;
	left = MIN(left, (size_t)ADDRESSES_MAX);
	r = ERR_RPC_S_SERVER_UNAVAILABLE;
	for (const struct addrinfo *a = l->list; left > 0; a = a->ai_next, left--) {
		struct rpc_wait share = rpc_wait_share(wait, left);

		r = connect_one(a, &share, ret_fd);
		if (r == 0)
			return 0;
		/* A share that is over is no end of the whole. */
		if (r == ERR_TIMEOUT && rpc_wait_check(wait) == 0)
			r = ERR_RPC_S_SERVER_UNAVAILABLE;
		if (r != ERR_RPC_S_SERVER_UNAVAILABLE)
			return r;
	}
	return r;
}
