/* leftover: processes of an earlier guard of this instance.
 *
 * Why      if the guard and its hosts are all killed at once, what they ran goes on, and nobody is its parent any more.  It
 *          must be gone before the same is started again.
 * How      the guard, its hosts and all that they start have a variable in their environment that names the instance.  The
 *          environment that a process was started with is in /proc, whatever group or session it has gone to.
 * Not kept a process that was started with an environment of somebody else's making (by systemd, by at), or that has
 *          overwritten its own, is not found.
 * Threads  one.      Tests  tests/unit/host_children.c, tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/leftover.h"
#include "base/bytes.h"
#include "base/fd.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

enum { ENVIRONMENT_MAX = 1 << 20 };

static bool has_mark(pid_t pid, const char *wanted, size_t len)
{
	char path[64];
	struct buf b = { 0 };
	bool found = false;
	ssize_t n = 1;
	_cleanup_fd_ int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && n > 0 && b.len < ENVIRONMENT_MAX && buf_reserve(&b, 4096) == 0) {
		n = read(fd, b.data + b.len, 4096);
		b.len += n > 0 ? (size_t)n : 0;
	}
	buf_u8(&b, 0);
	for (const uint8_t *at = b.data; b.error == 0 && !found && at != NULL;) {
		size_t left = b.len - (size_t)(at - b.data);
		const uint8_t *end = memchr(at, 0, left);

		found = end != NULL && (size_t)(end - at) == len && memcmp(at, wanted, len) == 0;
		at = end != NULL && end + 1 < b.data + b.len ? end + 1 : NULL;
	}
	buf_done(&b);
	return found;
}

unsigned leftover_kill(const char *mark, pid_t *ret)
{
	char wanted[4096];
	int len = snprintf(wanted, sizeof(wanted), LEFTOVER_VARIABLE "=%s", mark);
	const struct dirent *entry;
	unsigned count = 0;
	DIR *d = opendir("/proc");

	assert(len > 0 && len < (int)sizeof(wanted));
	while (d != NULL && (entry = readdir(d)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		_cleanup_fd_ int process = -1;

		if (pid <= 0 || pid == getpid())
			continue;
		/* Held before it is looked at: its number may become another's. */
		process = (int)syscall(SYS_pidfd_open, pid, 0);
		if (process < 0 || !has_mark(pid, wanted, (size_t)len))
			continue;
		(void)syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
		*ret = pid;
		count++;
	}
	if (d != NULL)
		(void)closedir(d);
	return count;
}
