/* child: one request, in a process of its own.
 *
 * Why      a process can be only one user at a time, and a mount that hangs, hangs who touches it.  A process of its own
 *          can be killed (or, stuck in the kernel, left alone) while priv goes on.
 * How      close everything that is priv's; become the caller with the caller's groups, which takes all capabilities
 *          unless the caller is root; only then look at the path.  Who came over the network is whom the map of this
 *          machine's administrator says (users.h), never root or the service's own user.  Without root's rights the caller must be the
 *          daemon's own user, or root, who may be given less than is due.
 * Promise  nothing of the path is touched before the process is the caller.
 * Threads  one.      Limits  those of the message.      Tests  tests/integration/priv_server.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/child.h"
#include "base/fd.h"
#include "io/linux/disk.h"
#include "priv/channel.h"
#include "priv/directory.h"
#include "priv/door.h"
#include "priv/identity.h"
#include "priv/keys.h"
#include "priv/names.h"
#include "priv/roots.h"
#include "priv/server.h"
#include "priv/tree.h"
#include "priv/users.h"
#include "priv/watch.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

enum { BACKUP_NICE = 10 }; /* As in io/linux/loop.c. */
enum { CHANNEL = 3 }; /* The only descriptor that is kept besides the standard ones. */

static int answer(const struct priv_reply *reply, int door)
{
	struct buf out = { 0 };
	int r;

	priv_reply_encode(reply, &out);
	r = out.error < 0 ? out.error : channel_send(CHANNEL, out.data, out.len, door, 0);
	buf_done(&out);
	return r;
}

static bool is_token(const struct priv_request *q)
{
	return q->type == PRIV_TAKE_TOKEN || q->type == PRIV_PUT_TOKEN;
}

/* For files below the roots, and keys, there is no caller: they are the machine's, and so is the right to them. */
static int become_keeper(const struct priv_request *q, int parent, struct error *e)
{
	uint64_t rights = is_token(q) ? 1u << CAP_DAC_OVERRIDE : IDENTITY_FILES; /* Of tokens: to read the PIN. */
	int r;

	if (is_token(q) || q->type == PRIV_TAKE_KEY) /* To become who uses the token, or looks at the key. */
		rights |= 1u << CAP_SETUID | 1u << CAP_SETGID;
	r = geteuid() == 0 ? identity_keep_capabilities(rights) : 0;
	if (r == 0)
		r = identity_follow_parent(parent, SIGKILL);
	return r < 0 ? error_set_code(e, r, "cannot give up rights") : 0;
}

/* Who it is here that came over the network.  Asking for a user may take long; whoever asked waits open_seconds at most. */
static int find_user(const struct priv_request *q, const struct priv_options *options, struct identity *ret,
    uint32_t groups[PRIV_GROUPS_MAX], struct error *e)
{
	char name[PRIV_REMOTE_MAX + 1], user[USERS_USER_MAX + 1];
	const struct passwd *entry;
	int count = PRIV_GROUPS_MAX;

	(void)snprintf(name, sizeof(name), "%.*s", (int)q->remote_len, q->remote);
	if (!users_find(options->users != NULL ? options->users : "none", name, q->is_principal, user))
		return error_set(e, ERR_ACCESS_DENIED,
		    "%s came over the network and is no user of this node: map in [access] of rueda.conf says who is "
		    "whom",
		    name);
	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return error_set(e, ERR_ACCESS_DENIED, "%s is to be the user %s, %s", name, user,
		    errno == 0 || errno == ENOENT ? "which does not exist" : "who cannot be looked up");
	if (geteuid() == 0 && (entry->pw_uid == 0 || entry->pw_uid == options->daemon_uid))
		return error_set(e, ERR_ACCESS_DENIED,
		    "%s is to be the user %s, who is %s; map in [access] of rueda.conf "
		    "must name another one",
		    name, user, entry->pw_uid == 0 ? "root" : "the service itself");
	if (getgrouplist(user, entry->pw_gid, groups, &count) < 0)
		return error_set(e, ERR_ACCESS_DENIED, "the user %s is in more than %d groups", user, PRIV_GROUPS_MAX);
	*ret = (struct identity){ entry->pw_uid, entry->pw_gid, (uint32_t)count, groups };
	return 0;
}

static int become_caller(const struct priv_request *q, int parent, const struct priv_options *options, struct error *e)
{
	struct identity caller = { q->uid, q->gid, q->group_count, q->groups };
	uint32_t groups[PRIV_GROUPS_MAX];
	int r;

	if (q->remote_len > 0) {
		r = find_user(q, options, &caller, groups, e);
		if (r < 0)
			return r;
	}

	if (geteuid() == 0) {
		r = identity_become(&caller);
		/* Root is no user like others: it reads and writes what is not its own.  More it does not need here. */
		if (r == 0 && caller.uid == 0)
			r = identity_keep_capabilities(1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER);
	} else if (caller.uid == geteuid() || caller.uid == 0) {
		r = 0;
	} else {
		return error_set(
		    e, ERR_ACCESS_DENIED, "this daemon was not started by root and cannot act as uid %u", caller.uid);
	}
	if (r == 0) /* Now: a change of user takes it back. */
		r = identity_follow_parent(parent, SIGKILL);
	return r < 0 ? error_set_code(e, r, "cannot become uid %u", caller.uid) : 0;
}

/* The open directory as a disk, and a pair of sockets for its door. */
static int open_directory(const struct priv_request *q, const char *path, struct directory *directory,
    struct disk **disk, int door[2], struct error *e)
{
	unsigned flags = (q->type == PRIV_OPEN_BACKUP ? DIRECTORY_WRITE : 0u) | (q->may_create ? DIRECTORY_CREATE : 0u);
	int r = directory_open(path, flags, directory, e);

	if (r < 0)
		return r;
	r = disk_linux_new(directory->fd, disk);
	if (r == 0)
		r = channel_pair(door);
	return r < 0 ? error_set_code(e, r, "%.300s", path) : 0;
}

/* What a request is about, once it is open. */
struct opened {
	struct directory directory;
	struct disk *disk;       /* Of a backup's directory; … */
	struct tree_files files; /* … or where files are; … */
	struct keys_place keys;  /* … or keys. */
	int door[2];
};

/* Is it about files of checkpoints? */
static bool is_keeper(const struct priv_request *q)
{
	return q->type >= PRIV_TAKE_TREE;
}

static bool is_keys(const struct priv_request *q)
{
	return q->type >= PRIV_TAKE_KEY;
}

static int open_file(const struct priv_options *options, const char *path, struct tree_place *ret, struct error *e)
{
	ret->shown = path;
	return roots_open(options->roots != NULL ? options->roots : "none", path, &ret->parent, &ret->name, e);
}

/* What is done for the machine itself. */
static int open_kept(const struct priv_request *q, const char *path, const struct priv_options *options,
    struct opened *o, struct error *e)
{
	int r = is_keys(q) ? keys_hide(e) : 0;

	o->files.puts = q->type == PRIV_PUT_TREE;
	o->keys.reader = options->key_reader;
	o->keys.puts = q->type == PRIV_PUT_KEY || q->type == PRIV_PUT_TOKEN;
	if (r == 0 && is_token(q))
		r = keys_open_token(options, path, &o->keys, e);
	else if (r == 0 && q->type != PRIV_WATCH_FILES)
		r = open_file(options, path, is_keys(q) ? &o->keys.file : &o->files.place, e);
	if (r < 0)
		return r;
	r = channel_pair(o->door);
	return r < 0 ? error_set_code(e, r, "%.300s", path) : 0;
}

static int open_it(const struct priv_request *q, const char *path, int parent, const struct priv_options *options,
    struct opened *o, struct error *e)
{
	int r = is_keeper(q) ? become_keeper(q, parent, e) : become_caller(q, parent, options, e);

	if (r < 0)
		return r;
	if (options->before_open != NULL)
		options->before_open(path);
	r = is_keeper(q) ? open_kept(q, path, options, o, e)
			 : open_directory(q, path, &o->directory, &o->disk, o->door, e);
	/* A change of user takes both back; a core could then be left where the system allows that (fs.suid_dumpable). */
	if (r == 0 && is_keys(q))
		r = keys_hide(e);
	if (r == 0 && is_keys(q))
		r = identity_follow_parent(parent, SIGKILL);
	return r < 0 && e->code == 0 ? error_set_code(e, r, "cannot give up rights") : r;
}

/* For as long as ruedad keeps its end. */
static int serve(const struct priv_request *q, struct opened *o, const struct priv_options *options)
{
	struct door_rules rules = { .writable = q->type == PRIV_OPEN_BACKUP, .is_allowed = set_name_is_allowed };

	if (q->type == PRIV_WATCH_FILES)
		return watch_serve(o->door[0], options->roots != NULL ? options->roots : "none", options->open_seconds);
	if (is_keys(q))
		return keys_serve(o->door[0], &o->keys);
	if (is_keeper(q))
		return tree_serve(o->door[0], tree_work_files, &o->files);
	/* As the thread in ruedad does that writes a backup: nobody but its caller waits for it. */
	if (rules.writable)
		(void)!nice(BACKUP_NICE);
	return door_serve(o->door[0], o->disk, &rules);
}

_Noreturn void child_run(const struct priv_request *q, int channel, int parent, const struct priv_options *options)
{
	struct priv_reply reply = { .id = q->id };
	struct opened o = { .directory.fd = -1, .files.place.parent = -1, .keys.file.parent = -1, .door = { -1, -1 } };
	struct error e = { 0 };
	_cleanup_free_ char *path = strndup(q->path, q->path_len);
	sigset_t none;
	int r;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)umask(0077);
	if (channel != CHANNEL && dup3(channel, CHANNEL, O_CLOEXEC) < 0)
		_exit(1);
	if (close_range(CHANNEL + 1, ~0u, 0) < 0)
		_exit(1);
	r = path == NULL ? error_set_code(&e, -ENOMEM, "no memory") : open_it(q, path, parent, options, &o, &e);
	reply.result = r;
	reply.created = o.directory.created;
	reply.owner = o.directory.owner;
	reply.mode = o.directory.mode;
	reply.device = o.directory.device;
	(void)snprintf(reply.text, sizeof(reply.text), "%s", r < 0 ? e.text : "");
	if (answer(&reply, r == 0 ? o.door[1] : -1) < 0 || r < 0)
		_exit(1);
	(void)close(o.door[1]);
	(void)close(CHANNEL);
	_exit(serve(q, &o, options) < 0);
}
