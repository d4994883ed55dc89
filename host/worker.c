/* worker: one operation of a resource, in a process of its own.
 *
 * Why      an operation waits, hangs and crashes as it likes: mount(2) on a dead network, an agent in a loop.  The host goes
 *          on meanwhile: it answers pings, sees the time, and kills what takes too long.
 * How      a fork leads a group of its own, calls the type's function and writes the outcome into a pipe, which holds it
 *          whole.  A program that it started and left becomes the host's child (host/children.h).
 * Threads  one.      Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/worker.h"
#include "base/fd.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static_assert(sizeof(struct worker_outcome) <= PIPE_BUF, "an outcome is written in one piece");

static int call(enum worker_task task, struct resource *r, struct error *e)
{
	switch (task) {
	case WORKER_CHECK:
		return resource_check(r, e);
	case WORKER_ONLINE:
		return r->type->online(r, e);
	case WORKER_OFFLINE:
		return r->type->offline(r, e);
	case WORKER_LOOK:
	case WORKER_LOOK_THOROUGHLY:
		return r->type->probe(r, task == WORKER_LOOK_THOROUGHLY, e);
	}
	return -EINVAL;
}

static _Noreturn void work(enum worker_task task, struct resource *r, int result, int output, int parent)
{
	struct worker_outcome outcome = { 0 };
	struct error e = { 0 };
	sigset_t none;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (getppid() != parent || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(1);
	outcome.result = call(task, r, &e);
	outcome.process = r->process;
	(void)snprintf(outcome.text, sizeof(outcome.text), "%s",
	    e.code != 0          ? e.text
	    : outcome.result < 0 ? error_text(outcome.result)
				 : "");
	_exit(write(result, &outcome, sizeof(outcome)) == sizeof(outcome) ? 0 : 1);
}

int worker_start(struct worker *w, enum worker_task task, struct resource *r, int output)
{
	int ends[2], parent = getpid();
	pid_t pid;

	assert(w->pid == 0);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		work(task, r, ends[1], output, parent);
	(void)close(ends[1]);
	if (pid < 0) {
		(void)close(ends[0]);
		return -EAGAIN;
	}
	*w = (struct worker){ pid, task, ends[0], UINT64_MAX };
	return 0;
}

void worker_finish(struct worker *w, struct worker_outcome *ret)
{
	if (read(w->result, ret, sizeof(*ret)) != sizeof(*ret))
		*ret = (struct worker_outcome){ .result = ERR_GEN_FAILURE,
			.text = "the operation was ended before its time" };
	ret->text[sizeof(ret->text) - 1] = 0;
	close_fd(&w->result);
	w->pid = 0;
}

void worker_kill(struct worker *w)
{
	if (w->pid == 0)
		return;
	(void)setpgid(w->pid, w->pid); /* In case it has not come to that yet. */
	(void)kill(-w->pid, SIGKILL);
}
