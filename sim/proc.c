/* sim_proc: see sim/proc.h.
 *
 * How      one timer a run: at first for its own end or the deadline, whichever is sooner; a kill sets it anew to some
 *          µs later.  When it fires, done() comes.
 * Tests    tests/unit/proc.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/proc.h"
#include "base/bytes.h"
#include "sim/loop.h"
#include <signal.h>

struct sim_proc {
	struct proc proc;
	struct loop *loop;
	sim_proc_player *player;
	void *data;
	struct run *runs;
};

struct run {
	struct proc_run run;
	struct sim_proc *owner;
	struct run *next, *previous; /* In owner->runs. */
	struct loop_timer *timer;
	struct buf output, messages;
	struct proc_result result;
	bool ends_by_itself; /* When the timer fires; else it is killed then. */
	bool is_killed;
	proc_done *done;
	void *data;
};

static void run_free(struct run *r)
{
	if (r->timer != NULL)
		loop_timer_free(r->timer);
	buf_done(&r->output);
	buf_done(&r->messages);
	free(r);
}

static void unlink_run(struct run *r)
{
	*(r->previous != NULL ? &r->previous->next : &r->owner->runs) = r->next;
	if (r->next != NULL)
		r->next->previous = r->previous;
}

static void kill_run(struct run *r, int error)
{
	if (r->is_killed)
		return;
	r->is_killed = true;
	r->result.error = error;
	r->result.exit_status = -1;
	r->result.signal = SIGKILL;
	loop_timer_start(r->timer, rng_below(sim_loop_rng(r->owner->loop), 1000000));
}

static void on_timer(void *data)
{
	struct run *r = data;

	if (!r->ends_by_itself && !r->is_killed) {
		kill_run(r, -ETIMEDOUT);
		return;
	}
	unlink_run(r);
	r->result.output = r->output.data;
	r->result.output_len = r->output.len;
	r->result.messages = r->messages.data;
	r->result.messages_len = r->messages.len;
	r->done(r->data, &r->result);
	run_free(r);
}

static int sim_start(
    struct proc *proc, const struct proc_command *c, proc_done *done, void *data, struct proc_run **ret)
{
	struct sim_proc *p = container_of(proc, struct sim_proc, proc);
	struct sim_proc_play play = { 0 };
	struct run *r;

	p->player(p->data, c, &play);
	if (play.error < 0)
		return play.error;
	r = malloc(sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	*r = (struct run){ .run.proc = proc, .owner = p, .next = p->runs, .done = done, .data = data };
	r->result.exit_status = play.signal != 0 ? -1 : play.exit_status;
	r->result.signal = play.signal;
	r->result.is_cut = play.output_len > c->output_max || play.messages_len > c->output_max;
	r->ends_by_itself = play.takes_ns < c->timeout_ns;
	buf_append(&r->output, play.output, MIN(play.output_len, c->output_max));
	buf_append(&r->messages, play.messages, MIN(play.messages_len, c->output_max));
	if (r->output.error < 0 || r->messages.error < 0 || loop_timer_new(p->loop, on_timer, r, &r->timer) < 0) {
		run_free(r);
		return -ENOMEM;
	}
	loop_timer_start(r->timer, MIN(play.takes_ns, c->timeout_ns));
	if (p->runs != NULL)
		p->runs->previous = r;
	p->runs = r;
	*ret = &r->run;
	return 0;
}

static void sim_cancel(struct proc_run *run)
{
	kill_run(container_of(run, struct run, run), -ECANCELED);
}

static void sim_free(struct proc *proc)
{
	struct sim_proc *p = container_of(proc, struct sim_proc, proc);

	assert(p->runs == NULL);
	free(p);
}

static const struct proc_ops sim_ops = {
	.start = sim_start,
	.cancel = sim_cancel,
	.free = sim_free,
};

int sim_proc_new(struct loop *loop, sim_proc_player *player, void *data, struct proc **ret)
{
	struct sim_proc *p = malloc(sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	*p = (struct sim_proc){ .proc.ops = &sim_ops, .loop = loop, .player = player, .data = data };
	*ret = &p->proc;
	return 0;
}

void sim_proc_forget(struct proc *proc)
{
	struct sim_proc *p = container_of(proc, struct sim_proc, proc);

	while (p->runs != NULL) {
		struct run *r = p->runs;

		unlink_run(r);
		run_free(r);
	}
}
