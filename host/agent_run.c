/* agent_run: the action meta-data of a resource agent.
 *
 * How      a child leads a group of its own and writes into a pipe, which is read until it ends, says too much, or the time is
 *          over; then the group is killed.  It gets the environment of an agent, and no input.
 * Promise  it returns within limit_ms and a moment; nothing of the group runs on.
 * Threads  all functions.      Tests  tests/unit/agent.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/fd.h"
#include "host/agent.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OCF_ROOT "/usr/lib/ocf"

/* One level of a path, that cannot lead elsewhere. */
static bool is_part(const char *text, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return len > 0 && len < 128 && text[0] != '.' && strspn(text, letters) >= len;
}

int agent_path(const char *name, char ret[AGENT_PATH_MAX])
{
	const char *provider = name + 4, *colon, *type;

	if (name[0] == '/') {
		if (strlen(name) >= AGENT_PATH_MAX)
			return -EINVAL;
		(void)snprintf(ret, AGENT_PATH_MAX, "%s", name);
		return 0;
	}
	if (strncmp(name, "ocf:", 4) != 0)
		return -EINVAL;
	colon = strchr(provider, ':');
	type = colon != NULL ? colon + 1 : provider;
	if (!is_part(type, strlen(type)) || (colon != NULL && !is_part(provider, (size_t)(colon - provider))))
		return -EINVAL;
	(void)snprintf(ret, AGENT_PATH_MAX, OCF_ROOT "/resource.d/%.*s/%s", colon != NULL ? (int)(colon - provider) : 9,
	    colon != NULL ? provider : "heartbeat", type);
	return 0;
}

static _Noreturn void run(const char *path, int output)
{
	static const char *const environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL=C.UTF-8", "OCF_ROOT=" OCF_ROOT, "OCF_RA_VERSION_MAJOR=1", "OCF_RA_VERSION_MINOR=0",
		"OCF_RESOURCE_INSTANCE=meta-data", NULL };
	const char *argv[] = { path, "meta-data", NULL };
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setpgid(0, 0);
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(nothing, STDERR_FILENO) < 0)
		_exit(126);
	(void)execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* All that it says. */
static int read_all(int fd, unsigned limit_ms, struct buf *out)
{
	int64_t end = now_ms() + limit_ms;
	char chunk[4096];

	for (;;) {
		int64_t left = end - now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			return out->error;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			buf_append(out, chunk, (size_t)n);
		if (out->len > AGENT_XML_MAX)
			return -E2BIG;
	}
}

static int run_and_read(const char *path, unsigned limit_ms, struct buf *out, struct error *e)
{
	_cleanup_fd_ int from = -1, to = -1;
	int ends[2], r, status = 0;
	pid_t pid;

	if (access(path, X_OK) < 0)
		return error_set_code(e, -errno, "%.400s", path);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_code(e, -errno, "cannot run %.400s", path);
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid == 0)
		run(path, to);
	if (pid < 0)
		return error_set_code(e, -errno, "cannot run %.400s", path);
	(void)setpgid(pid, pid); /* Whoever is first. */
	close_fd(&to);
	r = read_all(from, limit_ms, out);
	if (r < 0)
		(void)kill(-pid, SIGKILL);
	/* It may have closed its output and go on: it has had its time. */
	for (int ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms++) {
		if (ms == 1000)
			(void)kill(-pid, SIGKILL);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	(void)kill(-pid, SIGKILL); /* What it left. */
	if (r < 0)
		return error_set_code(e, r, "%.400s meta-data", path);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0
							     : error_set(e, -EIO, "%.400s meta-data: status %d", path,
								   WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

int agent_read(const char *path, unsigned limit_ms, struct agent *ret, struct error *e)
{
	struct buf out = { 0 };
	int r;

	*ret = (struct agent){ 0 };
	r = run_and_read(path, limit_ms, &out, e);
	if (r == 0)
		r = agent_parse(out.data, out.len, ret, e);
	buf_done(&out);
	return r;
}
