/* start: the guard as a child of the process that starts the service.
 *
 * Why      the same program is executed anew, so there is nothing of its starter's memory in it, and no question of versions.
 *          It has a session of its own and ignores the signals that end the service: it ends when ruedad's socket does.
 *          In a unit of its own (unit.c) it is systemd's child, and does the same when it is told to end.
 * Threads  one.      Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/start.h"
#include "base/fd.h"
#include "guard/leftover.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

_Noreturn void guard_become(const char *run_directory, int socket, const char *where)
{
	const char *argv[] = { "ruedad", "--as-guard", run_directory, where, NULL };
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    (socket == GUARD_SOCKET_FD || dup2(socket, GUARD_SOCKET_FD) >= 0) &&
	    fcntl(GUARD_SOCKET_FD, F_SETFD, 0) == 0 && close_range(GUARD_SOCKET_FD + 1, ~0u, 0) == 0 &&
	    setenv(LEFTOVER_VARIABLE, run_directory, 1) == 0)
		(void)execv("/proc/self/exe", (char **)argv);
	(void)dprintf(STDERR_FILENO, "the guard cannot be started: %s\n", error_text(-errno));
	_exit(1);
}

int guard_start(const char *run_directory, int socket, int *ret_pid)
{
	_cleanup_fd_ int fd = socket;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		guard_become(run_directory, fd, NULL);
	*ret_pid = pid;
	return 0;
}
