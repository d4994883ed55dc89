/* barrier: nothing is started before all of an earlier life is gone.
 *
 * Why      a ruedad that was killed is started again within moments, while its hosts still stop what they ran.  What would be
 *          started now would run twice.
 * How      RUNDIR/guard/lock is locked by the guard and inherited by its hosts, so it is free when the last of them has
 *          ended.  A new guard waits for it; after PATIENCE_MS it kills who has the mark of this instance in its environment
 *          (leftover.h), as often as it takes.  Then it kills what hosts that were killed may have left: by the mark, and
 *          by control group.
 *          All this only once ruedad has the lock of the instance: a second one that was started by mistake must not
 *          kill what belongs to the first.
 * Promise  it does not return success before nobody is left; it waits for ever rather than start something twice.
 * Threads  one.      Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/barrier.h"
#include "base/fd.h"
#include "base/log.h"
#include "guard/cgroup.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum { STEP_MS = 20, PATIENCE_MS = 45000, SAY_MS = 5000 };

int barrier_directory(const char *run_directory, int *ret_directory, struct error *e)
{
	_cleanup_fd_ int run = open(run_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct stat st;

	if (run < 0)
		return error_set_code(e, -errno, "cannot open %s", run_directory);
	if (mkdirat(run, "guard", 0700) < 0 && errno != EEXIST)
		return error_set_code(e, -errno, "cannot make %s/guard", run_directory);
	fd = openat(run, "guard", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_code(e, -errno, "cannot open %s/guard", run_directory);
	/* Its files tell what to run with our rights. */
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return error_set(e, ERR_ACCESS_DENIED, "%s/guard is not ours alone (uid %u, mode %o)", run_directory,
		    st.st_uid, st.st_mode & 07777);
	*ret_directory = TAKE_FD(fd);
	return 0;
}

static void pause_step(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
}

static bool is_closed(int socket)
{
	struct pollfd p = { .fd = socket };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static int wait_for_lock(int lock, const struct barrier *b)
{
	pid_t pid = 0;

	for (unsigned ms = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; ms += STEP_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (is_closed(b->socket))
			return -EPIPE;
		if (ms == 0)
			log_notice("waiting for what an earlier service left to end");
		if (ms >= PATIENCE_MS && ms % SAY_MS == 0 && leftover_kill(&b->leftover, &pid) > 0)
			log_warning("killed what an earlier service left pid=%d", pid);
		else if (ms >= PATIENCE_MS && ms % SAY_MS == 0)
			log_error("the hosts of an earlier service do not end and are not found; resources wait");
		pause_step();
	}
	return 0;
}

static void kill_marked(const struct leftover *l)
{
	pid_t pid = 0;

	for (unsigned ms = 0; leftover_kill(l, &pid) > 0; ms += STEP_MS) {
		if (ms % SAY_MS == 0)
			log_warning("killed what an earlier service left pid=%d", pid);
		pause_step();
	}
}

static void kill_groups(int base, const char *prefix)
{
	char name[CGROUP_NAME_MAX];

	for (unsigned ms = 0; cgroup_find(base, prefix, name) == 0; ms += STEP_MS) {
		int r = cgroup_remove_if_empty(base, name);

		if (r == 1)
			(void)cgroup_kill(base, name);
		if (r != 0 && ms % SAY_MS == 0)
			log_warning("killing what an earlier service left cgroup=%s", name);
		if (r < 0 && r != -ENOENT)
			return; /* It cannot be looked into: nothing of ours is hidden there. */
		pause_step();
	}
}

int barrier_pass(const struct barrier *b, int *ret_lock, struct error *e)
{
	_cleanup_fd_ int fd = openat(b->directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : wait_for_lock(fd, b);

	if (r < 0)
		return error_set_code(e, r, "cannot lock the directory of the guard");
	kill_marked(&b->leftover);
	if (b->cgroup_base >= 0)
		kill_groups(b->cgroup_base, b->prefix);
	*ret_lock = TAKE_FD(fd);
	return 0;
}
