/* The contract of io/proc.h, kept by real child processes and by played ones; then what only real ones do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/proc.h"
#include "io/linux/child.h"
#include "io/linux/loop.h"
#include "sim/loop.h"
#include "sim/proc.h"
#include "tests/lib/failalloc.h"
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS 1000000ull
#define LONG_NS (120000 * MS) /* What ends by itself ends long before, however slow the machine is. */

static struct rig {
	struct loop *loop;
	struct proc *proc;
	bool real;
	unsigned ends;
	struct proc_result result;
	char output[200], messages[200];
} rig;

/* Each played program has its real counterpart, a line of shell. */
static const struct {
	const char *script;
	struct sim_proc_play play;
} plays[] = {
	{ "true", { 0 } },
	{ "echo out; echo err >&2; exit 7",
	    { .exit_status = 7, .output = "out\n", .output_len = 4, .messages = "err\n", .messages_len = 4 } },
	{ "kill -TERM $$", { .signal = SIGTERM } },
	{ "echo early; sleep 1000", { .takes_ns = SIM_PROC_FOREVER, .output = "early\n", .output_len = 6 } },
	{ "printf 0123456789", { .output = "0123456789", .output_len = 10 } },
};

static void player(void *data, const struct proc_command *command, struct sim_proc_play *play)
{
	if (strcmp(command->argv[0], "/bin/sh") != 0) {
		play->error = -ENOENT;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(plays); i++)
		if (strcmp(plays[i].script, command->argv[2]) == 0)
			*play = plays[i].play;
}

static void on_done(void *data, const struct proc_result *result)
{
	rig.ends++;
	rig.result = *result;
	(void)snprintf(rig.output, sizeof(rig.output), "%.*s", (int)result->output_len, (const char *)result->output);
	(void)snprintf(
	    rig.messages, sizeof(rig.messages), "%.*s", (int)result->messages_len, (const char *)result->messages);
	if (rig.real)
		loop_linux_stop(rig.loop);
}

static bool has_ended(void *data)
{
	return rig.ends > 0;
}

static void setup(bool real, uint64_t seed)
{
	rig = (struct rig){ .real = real };
	if (real) {
		CHECK_INT(loop_linux_new(&rig.loop), 0);
		CHECK_INT(child_new(rig.loop, &rig.proc), 0);
	} else {
		CHECK_INT(sim_loop_new(seed, &rig.loop), 0);
		CHECK_INT(sim_proc_new(rig.loop, player, NULL, &rig.proc), 0);
	}
}

static void teardown(void)
{
	proc_free(rig.proc);
	if (rig.real)
		loop_linux_free(rig.loop);
	else
		sim_loop_free(rig.loop);
}

static int start(const char *script, uint64_t timeout_ns, size_t output_max, struct proc_run **ret)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	const struct proc_command c = { .argv = argv, .output_max = output_max, .timeout_ns = timeout_ns };

	rig.ends = 0;
	return proc_start(rig.proc, &c, on_done, NULL, ret);
}

static void wait_for_end(void)
{
	if (rig.real)
		loop_linux_run(rig.loop);
	else
		CHECK(sim_loop_run_until(rig.loop, has_ended, NULL, 100000 * MS));
	CHECK_INT(rig.ends, 1);
}

/* Run one to its end; returns how it went. */
static int run(const char *script, uint64_t timeout_ns, size_t output_max)
{
	struct proc_run *r;

	CHECK_INT(start(script, timeout_ns, output_max, &r), 0);
	CHECK_INT(rig.ends, 0); /* Not from inside the call. */
	wait_for_end();
	return rig.result.error;
}

#define CONTRACT(rule)                                                                                                 \
	static void contract_##rule(void);                                                                             \
	TEST(real_##rule)                                                                                              \
	{                                                                                                              \
		setup(true, 0);                                                                                        \
		contract_##rule();                                                                                     \
		teardown();                                                                                            \
	}                                                                                                              \
	TEST(simulated_##rule)                                                                                         \
	{                                                                                                              \
		setup(false, test_seed);                                                                               \
		contract_##rule();                                                                                     \
		teardown();                                                                                            \
	}                                                                                                              \
	static void contract_##rule(void)

CONTRACT(the_end_and_both_outputs_are_told)
{
	CHECK_INT(run("true", LONG_NS, 100), 0);
	CHECK(rig.result.exit_status == 0 && rig.result.signal == 0 && !rig.result.is_cut);
	CHECK_STR(rig.output, "");
	CHECK_INT(run("echo out; echo err >&2; exit 7", LONG_NS, 100), 0);
	CHECK(rig.result.exit_status == 7 && rig.result.signal == 0);
	CHECK_STR(rig.output, "out\n");
	CHECK_STR(rig.messages, "err\n");
	CHECK_INT(run("kill -TERM $$", LONG_NS, 100), 0);
	CHECK(rig.result.exit_status == -1 && rig.result.signal == SIGTERM);
}

/* One that says something and then hangs is ended at its deadline: the first, of these, that leaves it the time to say it. */
static void run_to_the_deadline(const char *script)
{
	uint64_t deadline_ns = 100 * MS / 2, before;

	do {
		deadline_ns *= 2;
		before = loop_now_ns(rig.loop);
		CHECK_INT(run(script, deadline_ns, 100), -ETIMEDOUT);
		CHECK(loop_now_ns(rig.loop) - before >= deadline_ns);
		CHECK(loop_now_ns(rig.loop) - before < deadline_ns + LONG_NS);
	} while (rig.output[0] == 0 && deadline_ns < LONG_NS);
}

CONTRACT(the_deadline_ends_it)
{
	run_to_the_deadline("echo early; sleep 1000");
	CHECK(rig.result.exit_status == -1 && rig.result.signal == SIGKILL);
	CHECK_STR(rig.output, "early\n");
}

CONTRACT(cancel_ends_it)
{
	struct proc_run *r;

	CHECK_INT(start("echo early; sleep 1000", LONG_NS, 100, &r), 0);
	proc_cancel(r);
	proc_cancel(r);
	CHECK_INT(rig.ends, 0);
	wait_for_end();
	CHECK_INT(rig.result.error, -ECANCELED);
	CHECK_INT(rig.result.signal, SIGKILL);
}

CONTRACT(output_is_kept_up_to_the_limit)
{
	CHECK_INT(run("printf 0123456789", LONG_NS, 10), 0);
	CHECK_STR(rig.output, "0123456789");
	CHECK(!rig.result.is_cut);
	CHECK_INT(run("printf 0123456789", LONG_NS, 9), 0);
	CHECK_STR(rig.output, "012345678");
	CHECK(rig.result.is_cut && rig.result.exit_status == 0);
	CHECK_INT(run("printf 0123456789", LONG_NS, 0), 0);
	CHECK_STR(rig.output, "");
	CHECK(rig.result.is_cut);
}

CONTRACT(what_cannot_be_started_is_refused_at_once)
{
	const char *const missing[] = { "/nonexistent/program", NULL }, *const relative[] = { "sh", NULL };
	struct proc_command c = { .argv = missing, .timeout_ns = MS };
	struct proc_run *r = NULL;

	CHECK_INT(proc_start(rig.proc, &c, on_done, NULL, &r), -ENOENT);
	c.argv = relative;
	CHECK_INT(proc_start(rig.proc, &c, on_done, NULL, &r), -EINVAL);
	CHECK(r == NULL && rig.ends == 0);
}

CONTRACT(without_memory_it_is_refused_or_ended)
{
	CHECK_INT(run("printf 0123456789", LONG_NS, 10), 0); /* What is kept for the next time is no leak. */
	FAIL_EACH_ALLOCATION {
		struct proc_run *r;

		if (start("printf 0123456789", LONG_NS, 10, &r) == 0) {
			wait_for_end();
			if (rig.result.error == 0 && rig.result.signal == 0)
				CHECK_STR(rig.output, "0123456789");
			else
				CHECK(failalloc_hit());
		} else {
			CHECK(failalloc_hit());
		}
	}
	CHECK_STR(rig.output, "0123456789");
}

TEST(input_of_any_size_reaches_the_child)
{
	enum { SIZE = 3000000 };
	const char *const argv[] = { "/bin/sh", "-c", "cat | wc -c", NULL };
	const char *const deaf[] = { "/bin/true", NULL };
	_cleanup_free_ char *input = malloc(SIZE);
	struct proc_command c = {
		.argv = argv, .input = input, .input_len = SIZE, .output_max = 100, .timeout_ns = LONG_NS
	};
	struct proc_run *r;

	CHECK(input != NULL);
	memset(input, 'x', SIZE);
	setup(true, 0);
	CHECK_INT(proc_start(rig.proc, &c, on_done, NULL, &r), 0);
	wait_for_end();
	CHECK_INT(atoll(rig.output), SIZE);
	c.argv = deaf; /* Who does not read harms nobody. */
	rig.ends = 0;
	CHECK_INT(proc_start(rig.proc, &c, on_done, NULL, &r), 0);
	wait_for_end();
	CHECK(rig.result.error == 0 && rig.result.exit_status == 0);
	teardown();
}

TEST(the_environment_is_only_what_was_given)
{
	const char *const argv[] = { "/usr/bin/env", NULL }, *const envp[] = { "A=1", "B=2", NULL };
	struct proc_command c = { .argv = argv, .envp = envp, .output_max = 100, .timeout_ns = LONG_NS };
	struct proc_run *r;

	CHECK(setenv("RUEDA_SECRET", "x", 1) == 0);
	setup(true, 0);
	CHECK_INT(proc_start(rig.proc, &c, on_done, NULL, &r), 0);
	wait_for_end();
	CHECK_STR(rig.output, "A=1\nB=2\n");
	CHECK_INT(run("echo $RUEDA_SECRET$LC_ALL; pwd", LONG_NS, 100), 0);
	CHECK_STR(rig.output, "C.UTF-8\n/\n");
	teardown();
}

TEST(descriptors_are_not_inherited)
{
	int fd = dup(2); /* Without O_CLOEXEC, as one that this process inherited itself. */

	CHECK(fd >= 0);
	setup(true, 0);
	CHECK_INT(run("ls /proc/self/fd | tr '\\n' ' '", LONG_NS, 100), 0);
	CHECK_STR(rig.output, "0 1 2 3 "); /* 3 is the directory that ls reads. */
	CHECK(close(fd) == 0);
	teardown();
}

static bool is_alive(const char *pid)
{
	return kill((pid_t)strtol(pid, NULL, 10), 0) == 0;
}

/* The shell's child prints its number, then hangs with both outputs open. */
TEST(the_deadline_ends_the_whole_group)
{
	setup(true, 0);
	run_to_the_deadline("sleep 1000 & echo $!; wait");
	CHECK(strtol(rig.output, NULL, 10) > 1);
	for (int i = 0; i < 5000 && is_alive(rig.output); i++)
		(void)usleep(20000);
	CHECK(!is_alive(rig.output));
	teardown();
}

TEST(a_child_of_a_child_does_not_hold_up_the_end)
{
	uint64_t before;

	setup(true, 0);
	before = loop_now_ns(rig.loop);
	CHECK_INT(run("sleep 1000 & echo $!", 2 * LONG_NS, 100), 0);
	CHECK_INT(rig.result.exit_status, 0);
	CHECK(loop_now_ns(rig.loop) - before < LONG_NS);
	CHECK(is_alive(rig.output)); /* It is left alone: its group may no longer be ours. */
	CHECK(kill((pid_t)strtol(rig.output, NULL, 10), SIGKILL) == 0);
	teardown();
}

TEST(a_flood_is_read_and_dropped)
{
	setup(true, 0);
	CHECK_INT(run("head -c 5000000 /dev/zero; echo done >&2", LONG_NS, 1000), 0);
	CHECK_INT(rig.result.output_len, 1000);
	CHECK(rig.result.is_cut);
	CHECK_STR(rig.messages, "done\n");
	teardown();
}

TEST(a_power_cut_of_the_node_ends_played_ones_silently)
{
	struct proc_run *r;

	setup(false, test_seed);
	CHECK_INT(start("true", 100 * MS, 0, &r), 0);
	sim_loop_halt(rig.loop);
	CHECK(sim_loop_run_until_idle(rig.loop, 1000 * MS));
	CHECK_INT(rig.ends, 0);
	sim_proc_forget(rig.proc);
	teardown();
}
