/* children: the processes below this one.
 *
 * Why      programs double-fork, open sessions and change groups; none of that takes them out of the tree of a process that
 *          adopts orphans (PR_SET_CHILD_SUBREAPER).  So that process can find and end all that it started.
 * How      what is killed hands its children up to us, so killing the direct ones again and again ends all.
 * Not kept a process that the kernel cannot kill; one that multiplies faster than it is killed (cgroups end those:
 *          guard/cgroup.h).
 * Threads  one.      Tests  tests/unit/host_children.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/children.h"
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 10 };

int children_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int children_list(pid_t *ret, size_t max)
{
	char path[64];
	FILE *f;
	int count = 0, pid;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	while ((size_t)count < max && fscanf(f, "%d", &pid) == 1)
		ret[count++] = pid;
	(void)fclose(f);
	return count;
}

bool children_end(unsigned wait_ms, pid_t *ret)
{
	static pid_t pids[CHILDREN_MAX];
	int count;

	for (unsigned ms = 0;; ms += STEP_MS) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return true;
		count = children_list(pids, CHILDREN_MAX);
		for (int i = 0; i < count; i++)
			(void)kill(pids[i], SIGKILL);
		if (ms >= wait_ms)
			break;
		(void)nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
	}
	*ret = count > 0 ? pids[0] : 0;
	return false;
}
