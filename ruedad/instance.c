/* instance: where a ruedad lives.
 *
 * Why      several instances run side by side, with and without root's rights, and two in one directory would destroy its
 *          state.
 * How      everything is found from RUEDA_DIR and rueda.conf.  The starting process, which may be root, makes the
 *          directories and gives them to the daemon's user; the lock is taken by the daemon itself, in the state directory,
 *          so that it guards what needs guarding even if two configurations share it.  Somebody who ends gives it back a
 *          moment after his clients see him gone; who starts just then waits for it.
 * Promise  a directory that exists keeps its owner; the state directory is 0700 afterwards.
 * Threads  before there are any.      Tests  tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/instance.h"
#include "base/fd.h"
#include "base/log.h"
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum { GROUPS_MAX = 256, ENDING_MS = 5000, STEP_MS = 10 };

int instance_directory(char **ret, struct error *e)
{
	const char *set = getenv("RUEDA_DIR");
	_cleanup_free_ char *here = NULL;
	char *path;
	size_t len;

	if (set == NULL) {
		*ret = NULL;
		return 0;
	}
	if (set[0] == 0)
		return error_set(e, -EINVAL, "RUEDA_DIR is set to nothing; unset it to use the system's directories");
	here = set[0] == '/' ? strdup("") : get_current_dir_name();
	if (here == NULL)
		return error_set_code(e, -errno, "cannot tell the current directory");
	len = strlen(here) + strlen(set) + 2;
	path = malloc(len);
	if (path == NULL)
		return -ENOMEM;
	(void)snprintf(path, len, "%s%s%s", here, set[0] == '/' ? "" : "/", set);
	for (len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
		path[len - 1] = 0;
	*ret = path;
	return 0;
}

/* A user with all groups; *user points into groups, of GROUPS_MAX. */
static int find_user(const struct config *c, const char *name, const char *setting, gid_t *groups,
    struct identity *user, struct error *e)
{
	int count = GROUPS_MAX;
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(name);
	if (entry == NULL)
		return error_set(e, errno != 0 ? -errno : -ENOENT,
		    "the user %s does not exist: make it (systemd-sysusers), or set %s of %s", name, setting, c->file);
	if (getgrouplist(name, entry->pw_gid, groups, &count) < 0)
		return error_set(e, -E2BIG, "the user %s is in more than %d groups", name, GROUPS_MAX);
	*user = (struct identity){ entry->pw_uid, entry->pw_gid, (uint32_t)count, groups };
	return 0;
}

int instance_user(const struct config *c, const struct identity **ret, struct error *e)
{
	static struct identity user;
	static gid_t groups[GROUPS_MAX];
	int r;

	if (geteuid() != 0) {
		*ret = NULL;
		return 0;
	}
	r = find_user(c, c->user, "user in [service]", groups, &user, e);
	if (r == 0 && user.uid == 0)
		r = error_set(e, -EPERM, "the user %s is root; set another user in [service] of %s", c->user, c->file);
	if (r == 0)
		*ret = &user;
	return r;
}

int instance_token_user(const struct config *c, const struct identity **ret, struct error *e)
{
	static struct identity user;
	static gid_t groups[GROUPS_MAX];
	int r = 0;

	*ret = NULL;
	if (geteuid() != 0 || strcmp(c->pkcs11_module, "none") == 0)
		return 0;
	r = find_user(c, c->pkcs11_user, "pkcs11_user in [checkpoints]", groups, &user, e);
	if (r == 0 && user.uid != 0)
		*ret = &user;
	return r;
}

/* Open a directory, making it if it is missing; *ret_made tells. */
static int open_or_make(const char *path, mode_t mode, int *ret_fd, bool *ret_made, struct error *e)
{
	bool made = mkdir(path, mode) == 0;
	int fd;

	if (!made && errno != EEXIST)
		return error_set_code(e, -errno, "cannot make the directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (made ? O_NOFOLLOW : 0));
	if (fd < 0)
		return error_set_code(e, -errno, "cannot open the directory %s", path);
	*ret_fd = fd;
	*ret_made = made;
	return 0;
}

/* So that a new directory is still there after the power has gone; its parent's entry is what counts. */
static int sync_parent(int fd)
{
	_cleanup_fd_ int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return errno == EACCES ? 0 : -errno;
	return fsync(parent) < 0 && errno != EINVAL ? -errno : 0;
}

/* A directory of the daemon's user, with this mode if it is new. */
static int prepare_own(const char *path, mode_t mode, const struct identity *user, int *ret_fd, struct error *e)
{
	uint32_t owner = user != NULL ? user->uid : geteuid();
	_cleanup_fd_ int fd = -1;
	bool made = false;
	struct stat st;
	int r = open_or_make(path, mode, &fd, &made, e);

	if (r < 0)
		return r;
	if (made) {
		if ((user != NULL && fchown(fd, user->uid, user->gid) < 0) || fchmod(fd, mode) < 0)
			return error_set_code(e, -errno, "cannot set owner and mode of %s", path);
		r = sync_parent(fd);
		if (r < 0)
			return error_set_code(e, r, "cannot sync the parent of %s", path);
	}
	if (fstat(fd, &st) < 0)
		return error_set_code(e, -errno, "%s", path);
	if (st.st_uid != owner)
		return error_set(e, ERR_ACCESS_DENIED,
		    "%s belongs to uid %u, but ruedad runs as uid %u; give it away with: chown -R %u '%s'", path,
		    st.st_uid, owner, owner, path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Of the one who starts: root, or the only user there is. */
static int prepare_plain(const char *path, struct error *e)
{
	_cleanup_fd_ int fd = -1;
	bool made;
	int r = open_or_make(path, 0755, &fd, &made, e);

	if (r == 0 && made && fchmod(fd, 0755) < 0)
		return error_set_code(e, -errno, "cannot set the mode of %s", path);
	return r;
}

int instance_prepare(const struct config *c, const char *directory, const struct identity *user, struct error *e)
{
	_cleanup_fd_ int state = -1, run = -1;
	struct stat st;
	int r;

	if (directory != NULL) {
		r = prepare_plain(directory, e);
		if (r == 0)
			r = prepare_plain(c->drives_directory, e);
		if (r < 0)
			return r;
	}
	r = prepare_own(c->state_directory, 0700, user, &state, e);
	if (r == 0)
		r = prepare_own(c->run_directory, 0755, user, &run, e);
	if (r < 0)
		return r;
	if (fstat(state, &st) < 0)
		return error_set_code(e, -errno, "%s", c->state_directory);
	if ((st.st_mode & 077) != 0) {
		if (fchmod(state, 0700) < 0)
			return error_set_code(e, -errno, "cannot close %s to other users", c->state_directory);
		log_warning("the state directory was open to other users; closed it path=%s mode=%o",
		    c->state_directory, st.st_mode & 07777);
	}
	return 0;
}

/* Whoever holds the lock and does not listen (any more) is about to end: it is waited for.  As flock(). */
static int lock_soon(const struct config *c, int fd)
{
	char socket[256]; /* The run directory has 80 bytes at most. */
	int r;

	(void)snprintf(socket, sizeof(socket), "%s/" INSTANCE_SOCKET, c->run_directory);
	for (unsigned waited = 0; (r = flock(fd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK; waited += STEP_MS) {
		if (waited >= ENDING_MS || access(socket, F_OK) == 0) {
			errno = EWOULDBLOCK;
			break;
		}
		(void)nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
	}
	return r;
}

int instance_lock(const struct config *c, int shown_pid, int *ret_fd, struct error *e)
{
	size_t size = strlen(c->state_directory) + sizeof("/ruedad.lock");
	_cleanup_free_ char *path = malloc(size);
	_cleanup_fd_ int fd = -1;
	char text[32] = "";
	int len;

	if (path == NULL)
		return -ENOMEM;
	(void)snprintf(path, size, "%s/ruedad.lock", c->state_directory);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_code(e, -errno, "cannot open %s", path);
	if (lock_soon(c, fd) < 0) {
		if (errno != EWOULDBLOCK)
			return error_set_code(e, -errno, "cannot lock %s", path);
		(void)!pread(fd, text, sizeof(text) - 1, 0);
		text[strspn(text, "0123456789")] = 0;
		return error_set(
		    e, ERR_BUSY, "another ruedad runs on %s pid=%s", c->state_directory, text[0] != 0 ? text : "?");
	}
	len = snprintf(text, sizeof(text), "%d\n", shown_pid);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len)
		return error_set_code(e, -errno, "cannot write %s", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
