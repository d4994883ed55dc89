/* start: priv starts ruedad: the same program again, as its own user, with one socket to priv and nothing else.
 *
 * Why      the program is executed anew, so that nothing of the privileged process's memory is in the other.
 *          What else it needs was opened before: its listening sockets, as ports below 1024 are root's.
 * Promise  ruedad starts without capabilities, cannot gain any, and gets a SIGTERM when priv ends, however that happens.
 * Threads  one.      Tests  tests/integration/priv_server.c, tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/start.h"
#include "base/fd.h"
#include "priv/channel.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>

/* The descriptors to their numbers, and no others. */
static bool pass_descriptors(const struct priv_start *start, int socket)
{
	int from[PRIV_FIRST_FD + PRIV_FDS_MAX], end = PRIV_FIRST_FD + (int)start->fd_count;

	from[PRIV_SOCKET_FD] = socket;
	from[PRIV_KEPT_FD] = start->kept_fd;
	for (unsigned i = 0; i < start->fd_count; i++)
		from[PRIV_FIRST_FD + i] = start->fds[i];
	/* Above all the numbers first, so that none is overwritten before it is moved. */
	for (int fd = PRIV_SOCKET_FD; fd < end; fd++) {
		if (from[fd] >= 0)
			from[fd] = fcntl(from[fd], F_DUPFD_CLOEXEC, end);
		if (from[fd] < 0 && fd != PRIV_KEPT_FD)
			return false;
	}
	if (start->kept_fd >= 0 && from[PRIV_KEPT_FD] < 0)
		return false;
	for (int fd = PRIV_SOCKET_FD; fd < end; fd++) {
		if (from[fd] < 0)
			(void)close_range((unsigned)fd, (unsigned)fd, 0);
		else if (dup2(from[fd], fd) < 0)
			return false;
	}
	return close_range((unsigned)end, ~0u, 0) == 0;
}

/* The database is millions of small pieces: in pages of 4 KiB, a start or a backup spends half its time in page faults.
 * The C library asks for huge pages only in its main arena, so that is where the workers allocate too; and what one of them
 * has freed, such as the database that a backup's proof has built, the next one finds again.  Whoever has set tunables
 * knows better. */
static void tune_memory(void)
{
	(void)setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1", /* overwrite= */ 0);
}

/* In the child, which has one thread and nothing to lose: any failure ends it. */
static _Noreturn void become_daemon(const struct priv_start *start, int socket, int parent)
{
	const char *what = "pass its descriptors";
	sigset_t none;
	int r = -EBADF;

	if (pass_descriptors(start, socket)) {
		what = "give up its rights";
		r = identity_bound_capabilities(0);
		if (r == 0 && start->user != NULL)
			r = identity_become(start->user);
		if (r == 0)
			r = identity_keep_capabilities(0);
		if (r == 0)
			r = identity_no_new_privileges();
		if (r == 0)
			r = identity_follow_parent(parent, SIGTERM);
	}
	if (r == 0) {
		/* A terminal's ^C goes to priv alone, which passes it on: twice would mean "at once". */
		(void)setpgid(0, 0);
		what = "run itself";
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		tune_memory();
		(void)execv("/proc/self/exe", start->arguments);
		r = -errno;
	}
	(void)dprintf(STDERR_FILENO, "ruedad cannot %s: %s\n", what, error_text(r));
	_exit(1);
}

int priv_start_daemon(const struct priv_start *start, int *ret_pid, int *ret_socket)
{
	_cleanup_fd_ int mine = -1, theirs = -1;
	int ends[2], parent = getpid(), r = channel_pair(ends);
	pid_t pid;

	assert(start->fd_count <= PRIV_FDS_MAX);
	if (r < 0)
		return r;
	mine = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_daemon(start, theirs, parent);
	*ret_pid = pid;
	*ret_socket = TAKE_FD(mine);
	return 0;
}

int priv_drop_rights(bool with_files)
{
	/* To become the callers, to kill who hangs as one of them; and what root's own children keep, see child.c. */
	const uint64_t needed = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL | 1u << CAP_DAC_OVERRIDE |
				1u << CAP_FOWNER | (with_files ? IDENTITY_FILES : 0);
	int r = identity_no_new_privileges();

	if (r == 0)
		r = identity_bound_capabilities(needed);
	return r < 0 ? r : identity_keep_capabilities(needed);
}
