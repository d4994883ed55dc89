/* listen_unix: the unix socket of the daemon.
 *
 * Why      it is the door for programs of this machine; who comes in is decided by what the kernel says of the peer, so
 *          that no password is needed and none can be stolen.
 * How      The socket is open to all (mode 0666); the identity of each connection is fixed when it is accepted:
 *
 *              root, the daemon's own uid              access All
 *              reader group, as one of its groups      access Read
 *              everybody else                          none: may bind, each call is answered with 5 and the end
 *
 *          These are the rules of this node; what somebody may do in the end, the cluster's descriptor says (access.c).
 *
 *          The groups are those of the peer's process (SO_PEERGROUPS), not those of the name service: that cannot
 *          block, and a process that gave its groups up has given this one up, too.
 * Promise  A socket that another daemon has put into its place is not removed.
 * Threads  the loop's.     Limits  GROUPS_MOST groups of a peer.
 * Tests    tests/unit/listen.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "ruedad/serve/listen_private.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { GROUPS_MOST = 65536 };

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

static int identify(const struct listener *l, int fd, struct rpc_identity *ret, struct rpc_transport *transport)
{
	struct rpc_identity identity = { .local = true };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	identity.uid = peer.uid;
	identity.gid = peer.gid;
	r = get_groups(fd, &l->config, &identity);
	if (r < 0)
		return r;
	identity.access = listen_access(&l->config, &identity);
	*ret = identity;
	return 0;
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
	size_t len = strlen(l->name);
	struct stat st;
	int r;

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, l->name, len);
	r = clear_path(&address);
	if (r < 0)
		return r;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (stat(l->name, &st) < 0 || chmod(l->name, 0666) < 0)
		return -errno;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return listen(l->fd, LISTEN_BACKLOG) < 0 ? -errno : 0;
}

static void unlisten(struct listener *l)
{
	struct stat st;

	if (l->inode != 0 && lstat(l->name, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		(void)unlink(l->name);
}

int listener_new(uv_loop_t *uv, struct rpc_server *server, const struct listen_config *config, struct error *e,
    struct listener **ret)
{
	static const struct listener_ops ops = { .identify = identify, .unlisten = unlisten };
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	l->ops = &ops;
	l->fd = -1;
	l->config = *config;
	l->config.path = l->name = strdup(config->path);
	r = l->name != NULL ? open_socket(l) : -ENOMEM;
	if (r == 0)
		r = listener_start(l, uv, server);
	if (r < 0) {
		listener_free(l);
		return error_set_code(e, r, "cannot listen on %s", config->path);
	}
	*ret = l;
	return 0;
}
