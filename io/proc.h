/* proc: programs that are run to their end, with a deadline, real or simulated.
 *
 * Why      hooks, smbclient and probes are other people's programs: they hang, flood, leave children behind and die.
 *          The caller on the loop thread must hear of exactly one end, whatever they do.
 * How      proc_start() runs argv[0] (an absolute path) in "/", in a session of its own, with the given input as its
 *          standard input; what it prints is kept up to a limit.  done() comes once, on the loop, never from inside a
 *          call: when the process has ended and its outputs are closed, or 1 s after its end if a child of its keeps
 *          them open.  At the deadline, and on proc_cancel(), its whole process group is killed.
 * Not kept A process that the kernel cannot kill delays done().  What it started in another session is not found.
 * Real     io/linux/child.c (libuv).     Simulated  sim/proc.c     Tests  tests/unit/proc.c
 * Threads  the loop thread.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum { PROC_OUTPUT_MAX = 64 << 20 };

struct proc;
struct proc_run; /* Belongs to the proc; gone when done() returns. */

struct proc_command {
	const char *const *argv; /* NULL at the end.  All of this is borrowed during proc_start(). */
	const char *const *envp; /* "NAME=value", NULL at the end; NULL = a path and the C.UTF-8 locale only. */
	const void *input;
	size_t input_len;
	size_t output_max;   /* Of each output, at most PROC_OUTPUT_MAX; what is beyond is read and dropped. */
	uint64_t timeout_ns; /* > 0 */
};

struct proc_result {
	int error;         /* 0: it ended by itself.  -ETIMEDOUT, -ECANCELED, -ENOMEM: it was killed for that. */
	int exit_status;   /* 0 … 255; -1 if a signal ended it. */
	int signal;        /* 0 if none ended it. */
	const uint8_t *output, *messages; /* Standard output and error; borrowed during done(). */
	size_t output_len, messages_len;
	bool is_cut; /* One of them was longer than output_max. */
};

typedef void proc_done(void *data, const struct proc_result *result);

struct proc_ops {
	int (*start)(struct proc *p, const struct proc_command *command, proc_done *done, void *data,
	    struct proc_run **ret);
	void (*cancel)(struct proc_run *run);
	void (*free)(struct proc *p);
};

struct proc {
	const struct proc_ops *ops;
};

struct proc_run {
	struct proc *proc;
};

/* -EINVAL, -ENOENT, -EACCES, …: it could not be started, and done() is not called. */
static inline int proc_start(struct proc *p, const struct proc_command *command, proc_done *done, void *data,
    struct proc_run **ret)
{
	assert(command->argv[0] != NULL && command->timeout_ns > 0 && command->output_max <= PROC_OUTPUT_MAX);
	if (command->argv[0][0] != '/')
		return -EINVAL;
	return p->ops->start(p, command, done, data, ret);
}
/* done() still comes, with -ECANCELED unless the process had ended before. */
static inline void proc_cancel(struct proc_run *run)
{
	run->proc->ops->cancel(run);
}
/* After done() of all that was started. */
static inline void proc_free(struct proc *p)
{
	if (p != NULL)
		p->ops->free(p);
}
DEFINE_FREEP(struct proc, proc_free)
