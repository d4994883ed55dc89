/* line: the connections to one server, one RPC client for each interface; links to the service of this machine share them.
 *
 * Why      every opened cluster would cost a connection of its own, and the service lets a user have only so many.
 * How      A link to the local service comes to a line that this process has already, if it would meet the same service as
 *          the same user: the kernel tells the service who connects, so what the kernel looks at is compared.
 *
 *              the process         a child of a fork has its parent's descriptors, and must not use them
 *              user and groups     of the calling thread; those for files too, since they decide who may connect
 *              the socket          its device and inode: a service that was started anew has another one
 *
 *          Calls, time-outs and cancels stay each link's own, as do handles and their access.  A connection that is made
 *          later is made by whichever thread needs it.  If that one is another user than the line is for, nothing is sent,
 *          and the link goes to a line of that user (link.c), its handles with it, as a program would expect that has
 *          changed its user for good; the other links of the line stay where they are.
 * Not kept over the network: who the tickets are of that a login would use shows only when it is made, and a server that
 *          does not multiplex would need a connection for each of the waits of each link.
 * Limits   LINE_LINKS_MAX links on one line, then another is opened; GROUPS_MAX groups, beyond them nothing is shared.
 * Threads  all functions; the lock is never held over a call.
 * Tests    tests/integration/lines.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/line.h"
#include "lib/clusapi/login.h"
#include "lib/clusapi/place.h"
#include "rpc/channel.h"
#include "rpc/dispatch.h"
#include "wire/clusapi.h"
#include "wire/local.h"
#include "wire/rueda.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROUPS_MAX = 64 };
static_assert(LINE_LINKS_MAX * LINK_WAITS_MAX <= RPC_CLIENT_CONNECTIONS / 2 * RPC_CHANNEL_CALLS, "calls find room");

/* Who would connect, and where to. */
struct caller {
	pid_t process;
	uid_t user, file_user;
	gid_t group, file_group;
	int group_count; /* -1: there are too many to compare. */
	gid_t groups[GROUPS_MAX];
};

struct line {
	struct rpc_client *clients[LINK_INTERFACES];
	struct rpc_login *login; /* Owned, may be NULL. */
	uint32_t serial;
	bool shared;          /* The lines' lock is of all below. */
	struct caller caller; /* Of a shared one; does not change. */
	dev_t device;         /* The same. */
	ino_t inode;          /* The same. */
	unsigned links;
	struct line *next;
	atomic_bool left_alone;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct line *lines; /* Those that are shared. */
static atomic_uint serials;

static const struct {
	const struct ndr_interface *interface;
	unsigned version;
} interfaces[LINK_INTERFACES] = {
	[LINK_CLUSAPI] = { &clusapi_interface, 3 },
	[LINK_CLUSAPI_V2] = { &clusapi_interface, 2 },
	[LINK_RUEDA] = { &rueda_interface, 1 },
	[LINK_LOCAL] = { &clusapi_interface, 3 },
};

const struct ndr_interface *line_interface(enum link_interface which, unsigned *ret_version)
{
	*ret_version = interfaces[which].version;
	return interfaces[which].interface;
}

/* Of this thread: it may be another one than its process is. */
static void get_caller(struct caller *c)
{
	*c = (struct caller){ .process = getpid(), .user = geteuid(), .group = getegid() };
	c->file_user = (uid_t)setfsuid((uid_t)-1); /* An id that nobody has changes nothing. */
	c->file_group = (gid_t)setfsgid((gid_t)-1);
	c->group_count = getgroups(GROUPS_MAX, c->groups);
}

static bool is_same_caller(const struct caller *a, const struct caller *b)
{
	return a->process == b->process && a->user == b->user && a->file_user == b->file_user && a->group == b->group &&
	       a->file_group == b->file_group && a->group_count >= 0 && a->group_count == b->group_count &&
	       memcmp(a->groups, b->groups, (size_t)a->group_count * sizeof(a->groups[0])) == 0;
}

bool line_is_callers(const struct line *l)
{
	struct caller now;

	get_caller(&now);
	return is_same_caller(&now, &l->caller);
}

static int check_caller(void *data)
{
	return line_is_callers(data) ? 0 : -EXDEV;
}

bool line_is_stateless(enum link_interface which)
{
	return which == LINK_CLUSAPI_V2 || which == LINK_RUEDA;
}

static void free_line(struct line *l)
{
	for (size_t i = 0; i < LINK_INTERFACES; i++)
		rpc_client_free(l->clients[i]);
	login_free(l->login);
	free(l);
}

static int new_line(const struct rpc_client_config *where, bool shared, struct line **ret)
{
	struct line *l = calloc(1, sizeof(*l));
	int r = 0;

	if (l == NULL)
		return -ENOMEM;
	l->serial = atomic_fetch_add(&serials, 1) + 1;
	l->shared = shared;
	l->links = 1;
	for (int i = 0; i < LINK_INTERFACES && r == 0; i++) {
		struct rpc_client_config config = *where;

		if (where->path == NULL && (i == LINK_RUEDA || i == LINK_LOCAL))
			continue;
		config.interface = rpc_interface_syntax(interfaces[i].interface, interfaces[i].version);
		if (i == LINK_LOCAL)
			config.interface.uuid = local_registry_uuid;
		config.stateless = line_is_stateless(i);
		if (shared) {
			config.may_connect = check_caller;
			config.data = l;
		}
		r = rpc_client_new(&config, &l->clients[i]);
	}
	if (r < 0) {
		free_line(l);
		return r;
	}
	*ret = l;
	return 0;
}

int line_open_remote(const struct rpc_client_config *where, struct rpc_login *login, struct line **ret)
{
	int r = new_line(where, false, ret);

	if (r == 0)
		(*ret)->login = login;
	return r;
}

/* Locked. */
static struct line *find(const struct caller *caller, const struct stat *socket)
{
	for (struct line *l = lines; l != NULL; l = l->next)
		if (is_same_caller(&l->caller, caller) && l->device == socket->st_dev && l->inode == socket->st_ino &&
		    l->links < LINE_LINKS_MAX && !atomic_load(&l->left_alone))
			return l;
	return NULL;
}

int line_open_local(struct line **ret)
{
	const struct rpc_client_config where = { .path = place_socket() };
	struct line *l = NULL;
	struct caller caller;
	struct stat socket;
	bool shares;
	int r = 0;

	get_caller(&caller);
	shares = caller.group_count >= 0 && stat(where.path, &socket) == 0;
	if (!shares)
		return new_line(&where, false, ret);
	(void)pthread_mutex_lock(&lock);
	l = find(&caller, &socket);
	if (l != NULL) {
		l->links++;
	} else {
		r = new_line(&where, true, &l);
		if (r == 0) {
			l->caller = caller;
			l->device = socket.st_dev;
			l->inode = socket.st_ino;
			l->next = lines;
			lines = l;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	if (r == 0)
		*ret = l;
	return r;
}

void line_close(struct line *l)
{
	bool last = true;

	if (l == NULL)
		return;
	if (l->shared) {
		(void)pthread_mutex_lock(&lock);
		last = --l->links == 0;
		if (last) {
			struct line **at = &lines;

			while (*at != l)
				at = &(*at)->next;
			*at = l->next;
		}
		(void)pthread_mutex_unlock(&lock);
	}
	if (last)
		free_line(l);
}

struct rpc_client *line_client(const struct line *l, enum link_interface which)
{
	return l->clients[which];
}

uint64_t line_epoch(const struct line *l, enum link_interface which)
{
	return ((uint64_t)l->serial << 32) + rpc_client_generation(l->clients[which]);
}

void line_leave_alone(struct line *l)
{
	atomic_store(&l->left_alone, true);
}
