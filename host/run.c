/* run: programs, from within an operation of a resource.
 *
 * Why      what a resource starts must not depend on who started ruedad: it gets a small environment of its own, no
 *          descriptors but the standard ones, default signals, and dies with its host as far as the kernel can see to it.
 * How      outputs go where this process's go: to the host, which keeps the end of them for the error's text.
 * Threads  one.      Limits  RUN_WORDS_MAX words, RUN_ENVIRONMENT_MAX variables.
 * Tests    tests/unit/host_types.c, tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/run.h"
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void environment_add(struct environment *v, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2;
	char *item = v->error == 0 && v->count < RUN_ENVIRONMENT_MAX ? malloc(size) : NULL;

	if (item == NULL) {
		if (v->error == 0)
			v->error = v->count < RUN_ENVIRONMENT_MAX ? -ENOMEM : -E2BIG;
		return;
	}
	(void)snprintf(item, size, "%s=%s", name, value);
	v->items[v->count++] = item;
}

void environment_init(struct environment *v, const struct resource *r)
{
	static const char *const kept[] = { "RUEDA_DIR", "RUEDA_GUARD", "RUEDA_GUARD_SECRET", "TZ" };

	*v = (struct environment){ 0 };
	environment_add(v, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	environment_add(v, "LC_ALL", "C.UTF-8");
	environment_add(v, "RUEDA_RESOURCE", r->name);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const char *value = getenv(kept[i]);

		if (value != NULL)
			environment_add(v, kept[i], value);
	}
}

void environment_done(struct environment *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	*v = (struct environment){ 0 };
}

/* In a child: nothing of the host is left but its standard outputs. */
static void become_plain(int parent)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)umask(022);
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(126);
}

static int report_status(const char *program, int status, struct error *e)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return error_set(e, -EINTR, "%s was ended by signal %d", program, WTERMSIG(status));
}

int run_program(const char *const *argv, const struct environment *v, struct error *e)
{
	int parent = getpid(), status;
	pid_t pid;

	if (v->error < 0)
		return error_set_code(e, v->error, "cannot make the environment of %s", argv[0]);
	if (access(argv[0], X_OK) < 0)
		return error_set_code(e, -errno, "cannot run %.400s", argv[0]);
	pid = fork();
	if (pid < 0)
		return error_set_code(e, -errno, "cannot run %.400s", argv[0]);
	if (pid == 0) {
		become_plain(parent);
		(void)execve(argv[0], (char **)argv, (char **)v->items);
		dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], error_text(-errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_code(e, -errno, "cannot wait for %.400s", argv[0]);
	return report_status(argv[0], status, e);
}

static int become_user(const char *name)
{
	const struct passwd *user;

	if (name == NULL || name[0] == 0)
		return 0;
	errno = 0;
	user = getpwnam(name);
	if (user == NULL)
		return errno != 0 ? -errno : -ENOENT;
	if (geteuid() != 0)
		return user->pw_uid == geteuid() ? 0 : -EPERM;
	if (initgroups(name, user->pw_gid) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return -errno;
	return 0;
}

struct start_report {
	int error;
	char what[64];
};

/* The kernel closes the pipe when the program is executed: nothing to read means that it was. */
static _Noreturn void start(const struct run_process *p, int report)
{
	struct start_report said = { 0 };
	sigset_t none;

	(void)setsid();
	(void)snprintf(said.what, sizeof(said.what), "become the user %.40s", p->user != NULL ? p->user : "");
	said.error = become_user(p->user);
	if (said.error == 0) {
		(void)snprintf(said.what, sizeof(said.what), "go to its directory");
		said.error = chdir(p->directory != NULL ? p->directory : "/") < 0 ? -errno : 0;
	}
	if (said.error == 0) {
		(void)snprintf(said.what, sizeof(said.what), "run it");
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)signal(SIGPIPE, SIG_DFL);
		(void)umask(022);
		(void)close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
		(void)execvpe(p->argv[0], (char **)p->argv, (char **)p->environment->items);
		said.error = -errno;
	}
	(void)!write(report, &said, sizeof(said));
	_exit(127);
}

int run_start(const struct run_process *p, pid_t *ret, struct error *e)
{
	struct start_report said;
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (p->environment->error < 0)
		return error_set_code(e, p->environment->error, "cannot make the environment of %.400s", p->argv[0]);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_code(e, -errno, "cannot start %.400s", p->argv[0]);
	pid = fork();
	if (pid == 0)
		start(p, ends[1]);
	(void)close(ends[1]);
	if (pid < 0) {
		(void)close(ends[0]);
		return error_set_code(e, -EAGAIN, "cannot start %.400s", p->argv[0]);
	}
	n = read(ends[0], &said, sizeof(said));
	(void)close(ends[0]);
	if (n == sizeof(said)) {
		said.what[sizeof(said.what) - 1] = 0;
		return error_set_code(e, said.error, "%.400s: cannot %s", p->argv[0], said.what);
	}
	*ret = pid;
	return 0;
}

int run_split(char *line, const char *ret_words[RUN_WORDS_MAX + 1], struct error *e)
{
	size_t count = 0;
	char *in = line, *out;

	for (;;) {
		char quote = 0;

		in += strspn(in, " \t\n");
		if (*in == 0)
			break;
		if (count == RUN_WORDS_MAX)
			return error_set(e, ERR_INVALID_PARAMETER, "more than %d words", RUN_WORDS_MAX);
		ret_words[count++] = out = in;
		for (; *in != 0 && (quote != 0 || strchr(" \t\n", *in) == NULL); in++) {
			if (*in == '\\' && quote != '\'' && in[1] != 0)
				*out++ = *++in;
			else if (quote != 0 ? *in == quote : *in == '"' || *in == '\'')
				quote = quote != 0 ? 0 : *in;
			else
				*out++ = *in;
		}
		if (quote != 0)
			return error_set(e, ERR_INVALID_PARAMETER, "a quote (%c) is not closed", quote);
		if (*in != 0)
			in++;
		*out = 0;
	}
	ret_words[count] = NULL;
	return count > 0 ? 0 : error_set(e, ERR_INVALID_PARAMETER, "no program is named");
}
