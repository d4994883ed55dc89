/* The contract of io/loop.h, kept by the real loop and by the simulated one; then what only threads can show.
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/loop.h"
#include "base/filetime.h"
#include "sim/loop.h"
#include "tests/lib/failalloc.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS 1000000u

/* One loop and how it is run; the tests note what happens in text, one letter an event. */
static struct rig {
	struct loop *loop;
	bool real, over;
	char text[64];
	size_t len;
} rig;

static bool is_over(void *data)
{
	(void)data;
	return rig.over;
}

static void run(void)
{
	rig.over = false;
	if (rig.real)
		loop_linux_run(rig.loop);
	else
		CHECK(sim_loop_run_until(rig.loop, is_over, NULL, 100000000000u));
}

static void stop(void *data)
{
	(void)data;
	rig.over = true;
	if (rig.real)
		loop_linux_stop(rig.loop);
}

static void setup(bool real, uint64_t seed)
{
	rig = (struct rig){ .real = real };
	CHECK_INT(real ? loop_linux_new(&rig.loop) : sim_loop_new(seed, &rig.loop), 0);
}

static void teardown(void)
{
	if (rig.real)
		loop_linux_free(rig.loop);
	else
		sim_loop_free(rig.loop);
}

#define CONTRACT(rule)                                                                                                 \
	static void contract_##rule(struct loop *l);                                                                   \
	TEST(real_##rule)                                                                                              \
	{                                                                                                              \
		setup(true, 0);                                                                                        \
		contract_##rule(rig.loop);                                                                             \
		teardown();                                                                                            \
	}                                                                                                              \
	TEST(simulated_##rule)                                                                                         \
	{                                                                                                              \
		for (uint64_t round = 0; round < test_rounds(20); round++) {                                           \
			test_note_seed(test_seed + round);                                                             \
			setup(false, test_seed + round);                                                               \
			contract_##rule(rig.loop);                                                                     \
			teardown();                                                                                    \
		}                                                                                                      \
	}                                                                                                              \
	static void contract_##rule(struct loop *l)

static void note(void *data)
{
	if (rig.len < sizeof(rig.text) - 1)
		rig.text[rig.len++] = *(const char *)data;
}

static struct loop_timer *timer(loop_callback *callback, void *data, uint64_t delay_ns)
{
	struct loop_timer *t;

	CHECK_INT(loop_timer_new(rig.loop, callback, data, &t), 0);
	loop_timer_start(t, delay_ns);
	return t;
}

CONTRACT(timers_fire_once_in_order_and_never_early)
{
	struct loop_timer *c = timer(note, "c", 0), *a = timer(note, "a", 0), *b = timer(note, "b", 0),
			  *end = timer(stop, NULL, 0), *zero = timer(note, "0", 0);
	uint64_t before;

	do { /* As if at one moment: if we were held up meanwhile, once more. */
		before = loop_now_ns(l);
		loop_timer_start(c, 9 * MS);
		loop_timer_start(a, 3 * MS);
		loop_timer_start(b, 6 * MS);
		loop_timer_start(end, 12 * MS);
		loop_timer_start(zero, 0);
	} while (loop_now_ns(l) - before >= 3 * MS);
	CHECK_STR(rig.text, ""); /* Nothing from inside a call. */
	run();
	CHECK_STR(rig.text, "0abc");
	CHECK(loop_now_ns(l) >= before + 12 * MS);
	loop_timer_free(a);
	loop_timer_free(b);
	loop_timer_free(c);
	loop_timer_free(end);
	loop_timer_free(zero);
}

CONTRACT(a_timer_that_is_stopped_or_freed_does_not_fire)
{
	struct loop_timer *a = timer(note, "a", MS), *b = timer(note, "b", MS), *c = timer(note, "c", MS), *end;

	loop_timer_stop(a);
	loop_timer_stop(a);
	loop_timer_free(b);
	loop_timer_free(NULL);
	loop_timer_start(c, 2 * MS); /* Replaces the first start. */
	end = timer(stop, NULL, 8 * MS); /* Last, so that it is due last however slowly we get here. */
	run();
	CHECK_STR(rig.text, "c");
	loop_timer_start(a, MS);
	loop_timer_start(c, 500000000000u);
	loop_timer_start(end, 5 * MS);
	run();
	CHECK_STR(rig.text, "ca");
	loop_timer_free(a);
	loop_timer_free(c);
	loop_timer_free(end);
}

static struct loop_timer *self, *victim;

static void free_both(void *data)
{
	note(data);
	loop_timer_free(self);
	loop_timer_free(victim);
}

CONTRACT(a_callback_may_free_its_own_timer_and_others)
{
	struct loop_timer *end;

	(void)l;
	self = timer(free_both, "s", MS);
	victim = timer(note, "v", MS);
	end = timer(stop, NULL, 5 * MS);
	run();
	CHECK_STR(rig.text, "s");
	loop_timer_free(end);
}

static unsigned turns;

static void again(void *data)
{
	if (++turns < 1000)
		loop_timer_start(self, 0);
	(void)data;
}

CONTRACT(a_timer_without_delay_starves_nobody)
{
	turns = 0;
	self = timer(again, NULL, 0);
	CHECK_INT(loop_post(l, stop, NULL), 0);
	run();
	CHECK(turns < 1000);
	loop_timer_free(self);
}

static void post_more(void *data)
{
	note(data);
	CHECK_INT(loop_post(rig.loop, note, "d"), 0);
	CHECK_INT(loop_post(rig.loop, stop, NULL), 0);
	note("e"); /* Before d: not from inside the call. */
}

CONTRACT(posts_are_called_in_order)
{
	CHECK_INT(loop_post(l, note, "a"), 0);
	CHECK_INT(loop_post(l, post_more, "b"), 0);
	CHECK_INT(loop_post(l, note, "c"), 0);
	CHECK_STR(rig.text, "");
	run();
	CHECK_STR(rig.text, "abecd");
}

struct job {
	atomic_uint runs, dones;
	pthread_t runner;
};

static unsigned jobs_left;

static void job_run(void *data)
{
	struct job *j = data;

	j->runner = pthread_self();
	j->runs++;
}

static void job_done(void *data)
{
	struct job *j = data;

	assert(j->runs == 1);
	j->dones++;
	if (--jobs_left == 0)
		stop(NULL);
}

CONTRACT(work_is_run_once_and_then_done_on_the_loop)
{
	struct job jobs[30] = { 0 };

	jobs_left = ARRAY_SIZE(jobs);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		CHECK_INT((i % 3 == 0 ? loop_background : loop_work)(l, job_run, job_done, &jobs[i]), 0);
		CHECK_INT(jobs[i].dones, 0);
	}
	run();
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		CHECK(jobs[i].runs == 1 && jobs[i].dones == 1);
		CHECK(!rig.real || !pthread_equal(jobs[i].runner, pthread_self()));
	}
}

CONTRACT(clocks_and_chance_are_there)
{
	uint64_t a = loop_now_ns(l), b = loop_now_ns(l), wall = loop_wall_filetime(l);
	uint8_t x[16] = { 0 }, y[16] = { 0 };

	CHECK(a > 0 && b >= a);
	CHECK(wall > filetime_from_timespec((struct timespec){ .tv_sec = 1600000000 }));
	loop_random(l, x, sizeof(x));
	loop_random(l, y, sizeof(y));
	CHECK(memcmp(x, y, sizeof(x)) != 0);
}

CONTRACT(without_memory_nothing_is_begun)
{
	struct job job = { 0 };

	loop_timer_free(timer(note, "w", 0)); /* What is kept for the next time is no leak. */
	FAIL_EACH_ALLOCATION {
		struct loop_timer *t = NULL;
		int r = loop_timer_new(l, note, "t", &t);

		CHECK(r == (failalloc_hit() ? -ENOMEM : 0));
		CHECK((r == 0) == (t != NULL));
		loop_timer_free(t);
	}
	FAIL_EACH_ALLOCATION {
		jobs_left = 1;
		job = (struct job){ 0 };
		if (loop_work(l, job_run, job_done, &job) == 0)
			run();
		else
			CHECK(failalloc_hit() && job.runs == 0);
		CHECK_INT(job.runs, job.dones);
	}
	CHECK_INT(job.runs, 1);
	FAIL_EACH_ALLOCATION {
		jobs_left = 1;
		job = (struct job){ 0 };
		if (loop_background(l, job_run, job_done, &job) == 0)
			run();
		else
			CHECK(failalloc_hit() && job.runs == 0);
		CHECK_INT(job.runs, job.dones);
	}
	CHECK_INT(job.runs, 1);
	FAIL_EACH_ALLOCATION {
		if (loop_post(l, stop, NULL) == 0)
			run();
		else
			CHECK(failalloc_hit());
	}
}

static struct {
	char text[4];
	int next;
} parcels[200];

static void receive(void *data)
{
	CHECK(data == &parcels[parcels[0].next++]); /* In the order in which the thread posted. */
	if (parcels[0].next == ARRAY_SIZE(parcels))
		stop(NULL);
}

static void *post_from_thread(void *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(parcels); i++)
		if (loop_post(data, receive, &parcels[i]) < 0)
			abort();
	return NULL;
}

TEST(any_thread_may_post)
{
	pthread_t thread;

	setup(true, 0);
	parcels[0].next = 0;
	CHECK(pthread_create(&thread, NULL, post_from_thread, rig.loop) == 0);
	run();
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_INT(parcels[0].next, ARRAY_SIZE(parcels));
	teardown();
}

static pthread_barrier_t barrier;

static void meet(void *data)
{
	job_run(data);
	(void)pthread_barrier_wait(&barrier); /* For ever, if works ran one after the other. */
}

TEST(works_run_in_parallel)
{
	struct job jobs[2] = { 0 };

	setup(true, 0);
	CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
	(void)alarm(120);
	jobs_left = 2;
	CHECK_INT(loop_work(rig.loop, meet, job_done, &jobs[0]), 0);
	CHECK_INT(loop_work(rig.loop, meet, job_done, &jobs[1]), 0);
	run();
	(void)alarm(0);
	CHECK(!pthread_equal(jobs[0].runner, jobs[1].runner));
	teardown();
}

static int nice_of_this_thread(void)
{
	return getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void look_at_priority(void *data)
{
	*(int *)data = nice_of_this_thread();
}

TEST(background_work_yields_to_workers_and_the_loop)
{
	int before = nice_of_this_thread(), in_background = before, in_work = before - 1;

	setup(true, 0);
	CHECK_INT(loop_background(rig.loop, look_at_priority, stop, &in_background), 0);
	run();
	CHECK_INT(loop_work(rig.loop, look_at_priority, stop, &in_work), 0);
	run();
	CHECK(in_background > before || before == 19);
	CHECK_INT(in_work, before);
	CHECK_INT(nice_of_this_thread(), before);
	teardown();
}

/* Of this thread, in nanoseconds; 0: the kernel does not say. */
static uint64_t slice_of_this_thread(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} a = { 0 };

	return syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0 || a.policy != SCHED_OTHER ? 0 : a.runtime;
}

static void look_at_slice(void *data)
{
	*(uint64_t *)data = slice_of_this_thread();
}

static void *be_prompt_in_thread(void *data)
{
	uint64_t before = slice_of_this_thread(), *slices = data;
	struct loop *l;

	loop_linux_be_prompt();
	CHECK_INT(loop_linux_new(&l), 0);
	rig.loop = l;
	rig.real = true;
	slices[0] = slice_of_this_thread();
	CHECK_INT(loop_background(l, look_at_slice, stop, &slices[1]), 0);
	loop_linux_run(l);
	loop_linux_free(l);
	rig.loop = NULL;
	slices[2] = before;
	return NULL;
}

TEST(who_is_prompt_has_short_slices_and_its_background_work_has_not)
{
	uint64_t slices[3] = { 0 }; /* Of the thread, of its background work, of others. */
	pthread_t thread;

	/* In a thread of its own, since it cannot be taken back. */
	CHECK_INT(pthread_create(&thread, NULL, be_prompt_in_thread, slices), 0);
	CHECK_INT(pthread_join(thread, NULL), 0);
	if (slices[2] == 0)
		test_skip("the kernel has no slices of threads");
	CHECK(slices[0] < slices[2]);
	CHECK_INT(slices[1], slices[2]);
}

TEST(stop_waits_for_work_and_posts_that_have_begun)
{
	struct job jobs[2] = { 0 };

	setup(true, 0);
	jobs_left = 3; /* One more than there is, so that job_done() does not stop the loop. */
	CHECK_INT(loop_work(rig.loop, job_run, job_done, &jobs[0]), 0);
	CHECK_INT(loop_background(rig.loop, job_run, job_done, &jobs[1]), 0);
	CHECK_INT(loop_post(rig.loop, note, "p"), 0);
	loop_linux_stop(rig.loop);
	run();
	CHECK(jobs[0].dones == 1 && jobs[1].dones == 1);
	CHECK_STR(rig.text, "p");
	teardown();
}
