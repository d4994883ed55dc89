/* sim_proc: programs that a test plays: what they print, how they end, how long they take, or that they never end.
 *
 * How      each start asks the test's play() what this program would do; then it happens in virtual time, cut short by
 *          deadline or cancel as in the real one.
 * Does     a run may outlive its deadline by a moment (killing takes time), and its end may come before or after other
 *          events of the loop.  A halt of the loop ends all silently; then sim_proc_forget() frees what is left.
 * Tests    tests/unit/proc.c (contract)
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/loop.h"
#include "io/proc.h"

#define SIM_PROC_FOREVER UINT64_MAX

struct sim_proc_play {
	int error;          /* Negative: proc_start() fails with it. */
	uint64_t takes_ns;  /* SIM_PROC_FOREVER = until it is killed. */
	int exit_status;    /* Or … */
	int signal;         /* … not 0: it dies of this. */
	const void *output, *messages; /* Copied. */
	size_t output_len, messages_len;
};

/* *play is all 0: success at once, silently. */
typedef void sim_proc_player(void *data, const struct proc_command *command, struct sim_proc_play *play);

int sim_proc_new(struct loop *loop, sim_proc_player *player, void *data, struct proc **ret);
void sim_proc_forget(struct proc *p); /* Drop all runs without a word, as a power cut does. */
