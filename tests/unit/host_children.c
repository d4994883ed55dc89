/* All that a process has started is found and ended, wherever it has gone; also by its mark, when it has no parent any more.
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/leftover.h"
#include "host/children.h"
#include "tests/lib/test.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

/* Whether it has become its program, with the mark in its environment. */
static bool is_marked(pid_t pid, const char *mark)
{
	char path[32], environment[512] = "", variable[256];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "re");
	CHECK(f != NULL);
	len = fread(environment, 1, sizeof(environment), f);
	(void)fclose(f);
	(void)snprintf(variable, sizeof(variable), LEFTOVER_VARIABLE "=%s", mark);
	return memmem(environment, len, variable, strlen(variable) + 1) != NULL;
}

/* A process in a session of its own, whose parents have ended; its pid comes through the pipe. */
static pid_t start_daemon(const char *mark, const char *secret)
{
	int ends[2];
	pid_t pid = 0, first;

	CHECK_INT(pipe(ends), 0);
	first = fork();
	if (first == 0) {
		(void)setsid();
		if (fork() == 0) {
			char *argv[] = { "sleep", "600", NULL }, variable[256], other[256],
			     *envp[] = { "A=b", variable, other, NULL };

			(void)signal(SIGTERM, SIG_IGN);
			/* If it gets away, it must not keep whoever reads our output waiting. */
			(void)close(STDOUT_FILENO);
			(void)close(STDERR_FILENO);
			(void)snprintf(variable, sizeof(variable), LEFTOVER_VARIABLE "=%s", mark);
			(void)snprintf(other, sizeof(other), LEFTOVER_SECRET "=%s", secret);
			pid = getpid();
			(void)!write(ends[1], &pid, sizeof(pid));
			(void)close(ends[1]);
			(void)execve("/bin/sleep", argv, envp);
			_exit(127);
		}
		_exit(0);
	}
	CHECK_INT(waitpid(first, NULL, 0), first);
	(void)close(ends[1]);
	CHECK_INT(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	CHECK_INT(read(ends[0], &first, 1), 0); /* Closed by that. */
	(void)close(ends[0]);
	for (int i = 0; i < 6000 && !is_marked(pid, mark); i++)
		pause_ms(10);
	CHECK(is_marked(pid, mark));
	return pid;
}

TEST(orphans_of_descendants_are_ended)
{
	pid_t one, two, left, pids[8];

	CHECK_INT(children_adopt(), 0);
	one = start_daemon("x", "");
	two = start_daemon("x", "");
	CHECK_INT(children_list(pids, 8), 2);
	CHECK(children_end(60000, &left));
	CHECK(kill(one, 0) < 0 && kill(two, 0) < 0);
	CHECK_INT(children_list(pids, 8), 0);
}

TEST(a_child_that_cannot_be_ended_in_time_is_named)
{
	pid_t one, left = 0;

	CHECK_INT(children_adopt(), 0);
	one = start_daemon("x", "");
	CHECK(!children_end(0, &left));
	CHECK_INT(left, one);
	CHECK(children_end(60000, &left));
}

TEST(who_bears_mark_and_secret_is_found_and_killed_and_nobody_else)
{
	static const char secret[] = "0123456789abcdef0123456789abcdef";
	char mine[64], others[80];
	struct leftover l = { mine, secret };
	pid_t one, two, other, liar, found = 0, left;

	CHECK_INT(children_adopt(), 0);
	(void)snprintf(mine, sizeof(mine), "/run/test %d", getpid());
	(void)snprintf(others, sizeof(others), "%s/2", mine);
	one = start_daemon(mine, secret);
	two = start_daemon(mine, secret);
	other = start_daemon(others, secret);
	liar = start_daemon(mine, "0123456789abcdef0123456789abcdee"); /* Anybody can know the mark. */
	CHECK_INT(leftover_kill(&l, &found), 2);
	CHECK(found == one || found == two);
	CHECK_INT(waitpid(one, NULL, 0), one);
	CHECK_INT(waitpid(two, NULL, 0), two);
	CHECK_INT(leftover_kill(&l, &found), 0);
	CHECK_INT(waitpid(other, NULL, WNOHANG), 0);
	CHECK_INT(waitpid(liar, NULL, WNOHANG), 0);
	CHECK(children_end(60000, &left));
}

TEST(a_secret_is_made_once_and_again_when_it_is_damaged)
{
	char path[] = "/tmp/secret-XXXXXX", first[LEFTOVER_SECRET_LEN + 1], second[LEFTOVER_SECRET_LEN + 1];
	struct stat st;
	int directory, fd;

	CHECK(mkdtemp(path) != NULL);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(leftover_secret(directory, first), 0);
	CHECK_INT(strlen(first), LEFTOVER_SECRET_LEN);
	CHECK_INT(leftover_secret(directory, second), 0);
	CHECK(strcmp(first, second) == 0);
	CHECK_INT(fstatat(directory, "secret", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	fd = openat(directory, "secret", O_WRONLY | O_TRUNC | O_CLOEXEC);
	CHECK(fd >= 0);
	(void)close(fd);
	CHECK_INT(leftover_secret(directory, second), 0);
	CHECK_INT(strlen(second), LEFTOVER_SECRET_LEN);
	CHECK(strcmp(first, second) != 0);
	CHECK_INT(unlinkat(directory, "secret", 0), 0);
	(void)close(directory);
	CHECK_INT(rmdir(path), 0);
}
