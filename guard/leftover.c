/* leftover: processes of an earlier guard of this instance.
 *
 * Why      if the guard and its hosts are all killed at once, what they ran goes on, and nobody is its parent any more.  It
 *          must be gone before the same is started again.
 * How      the guard, its hosts and all that they start have a variable in their environment that names the instance, and all but
 *          the guard itself another one with a secret.  The environment that a process was started with is in /proc,
 *          whatever group or session it has gone to.
 *          Anybody can give his processes the name of the instance: if they were waited for, who starts them as fast as they
 *          are killed would keep the service from starting.  So it takes the secret, or to run this very program as our user.
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
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 1 << 20 };

/* All of a file in /proc/PID, with a zero behind it. */
static void read_proc(pid_t pid, const char *name, struct buf *ret)
{
	char path[64];
	ssize_t n = 1;
	_cleanup_fd_ int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && n > 0 && ret->len < ENVIRONMENT_MAX && buf_reserve(ret, 4096) == 0) {
		n = read(fd, ret->data + ret->len, 4096);
		ret->len += n > 0 ? (size_t)n : 0;
	}
	buf_u8(ret, 0);
}

static bool has_variable(const struct buf *environment, const char *name, const char *value)
{
	size_t name_len = strlen(name), len = name_len + 1 + strlen(value);
	bool found = false;

	for (const uint8_t *at = environment->data; environment->error == 0 && !found && at != NULL;) {
		size_t left = environment->len - (size_t)(at - environment->data);
		const uint8_t *end = memchr(at, 0, left);

		found = end != NULL && (size_t)(end - at) == len && memcmp(at, name, name_len) == 0 &&
			at[name_len] == '=' && memcmp(at + name_len + 1, value, len - name_len - 1) == 0;
		at = end != NULL && end + 1 < environment->data + environment->len ? end + 1 : NULL;
	}
	return found;
}

/* Is it of our user, by its real uid, and does it run this very file? */
static bool is_this_program(pid_t pid)
{
	struct buf status = { 0 };
	const char *line;
	struct stat mine, its;
	unsigned uid;
	char path[64];
	bool is_ours;

	read_proc(pid, "status", &status);
	line = status.error == 0 ? strstr((const char *)status.data, "\nUid:") : NULL;
	is_ours = line != NULL && sscanf(line, "\nUid: %u", &uid) == 1 && uid == getuid();
	buf_done(&status);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return is_ours && stat("/proc/self/exe", &mine) == 0 && stat(path, &its) == 0 && mine.st_dev == its.st_dev &&
	       mine.st_ino == its.st_ino;
}

static bool is_left_over(pid_t pid, const struct leftover *l)
{
	struct buf environment = { 0 };
	bool is;

	read_proc(pid, "environ", &environment);
	is = has_variable(&environment, LEFTOVER_VARIABLE, l->mark) &&
	     (has_variable(&environment, LEFTOVER_SECRET, l->secret) || is_this_program(pid));
	buf_done(&environment);
	return is;
}

unsigned leftover_kill(const struct leftover *l, pid_t *ret)
{
	const struct dirent *entry;
	unsigned count = 0;
	DIR *d = opendir("/proc");

	while (d != NULL && (entry = readdir(d)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		_cleanup_fd_ int process = -1;

		if (pid <= 0 || pid == getpid())
			continue;
		/* Held before it is looked at: its number may become another's. */
		process = (int)syscall(SYS_pidfd_open, pid, 0);
		if (process < 0 || !is_left_over(pid, l))
			continue;
		(void)syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
		*ret = pid;
		count++;
	}
	if (d != NULL)
		(void)closedir(d);
	return count;
}

static const char secret_file[] = "secret";

static bool read_secret(int directory, char ret[LEFTOVER_SECRET_LEN + 1])
{
	_cleanup_fd_ int fd = openat(directory, secret_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[LEFTOVER_SECRET_LEN + 1];

	if (fd < 0 || read(fd, text, sizeof(text)) != LEFTOVER_SECRET_LEN)
		return false;
	text[LEFTOVER_SECRET_LEN] = 0;
	if (strspn(text, "0123456789abcdef") != LEFTOVER_SECRET_LEN)
		return false;
	memcpy(ret, text, sizeof(text));
	return true;
}

int leftover_secret(int directory, char ret[LEFTOVER_SECRET_LEN + 1])
{
	uint8_t bytes[LEFTOVER_SECRET_LEN / 2];
	char text[LEFTOVER_SECRET_LEN + 1];
	_cleanup_fd_ int fd = -1;

	if (read_secret(directory, ret))
		return 0;
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	fd = openat(directory, secret_file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, LEFTOVER_SECRET_LEN) != LEFTOVER_SECRET_LEN)
		return -EIO;
	memcpy(ret, text, sizeof(text));
	return 0;
}
