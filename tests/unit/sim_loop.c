/* What the simulated loop does beyond the contract: every lawful order occurs, halts, pauses, clocks, replay.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/loop.h"
#include "tests/lib/failalloc.h"

#define MS 1000000u

static char text[256];
static size_t text_len;

static void note(void *data)
{
	if (text_len < sizeof(text) - 1)
		text[text_len++] = *(const char *)data;
	text[text_len] = 0;
}

static void clear(void)
{
	text[text_len = 0] = 0;
}

static void note_run(void *data)
{
	note((char *)data + 1);
}

static bool seen(const char *wanted)
{
	return strcmp(text, wanted) == 0;
}

/* Two works: run and done of A are "a" and "A".  All six orders that keep a before A and b before B, and runs that happen
 * inside loop_work() as well as later ones. */
TEST(each_lawful_order_of_works_occurs)
{
	static const char *const orders[] = { "aAbB", "abAB", "abBA", "baAB", "baBA", "bBaA" };
	unsigned count[ARRAY_SIZE(orders)] = { 0 }, inside = 0, total = 0;

	for (uint64_t seed = test_seed; seed < test_seed + 500; seed++) {
		struct loop *l;

		clear();
		CHECK_INT(sim_loop_new(seed, &l), 0);
		CHECK_INT(loop_work(l, note_run, note, "Aa"), 0);
		inside += text_len > 0;
		CHECK_INT(loop_work(l, note_run, note, "Bb"), 0);
		CHECK(strpbrk(text, "AB") == NULL); /* Never done from inside the call. */
		CHECK(sim_loop_run_until_idle(l, 10000u * (uint64_t)MS));
		for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
			count[i] += seen(orders[i]);
		sim_loop_free(l);
	}
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		CHECK(count[i] > 5);
		total += count[i];
	}
	CHECK_INT(total, 500); /* And no other. */
	CHECK(inside > 50 && inside < 450);
}

static void play(uint64_t seed)
{
	static char names[] = "AaBbCcDdEe";
	struct loop_timer *t;
	struct loop *l;

	clear();
	CHECK_INT(sim_loop_new(seed, &l), 0);
	CHECK_INT(loop_timer_new(l, note, "t", &t), 0);
	loop_timer_start(t, MS);
	for (size_t i = 0; i < 10; i += 2)
		CHECK_INT(loop_work(l, note_run, note, names + i), 0);
	CHECK_INT(loop_post(l, note, "p"), 0);
	CHECK(sim_loop_run_until_idle(l, 10000u * (uint64_t)MS));
	loop_timer_free(t);
	sim_loop_free(l);
}

TEST(a_seed_replays_exactly)
{
	char first[sizeof(text)];
	unsigned differ = 0;

	play(test_seed);
	memcpy(first, text, sizeof(first));
	for (uint64_t seed = test_seed; seed < test_seed + 20; seed++) {
		play(seed);
		differ += !seen(first);
	}
	CHECK(differ > 10);
	play(test_seed);
	CHECK(seen(first));
}

TEST(after_a_halt_nothing_happens)
{
	struct loop *a, *b;
	struct loop_timer *ta, *tb;

	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(50); seed++) {
		test_note_seed(seed);
		clear();
		CHECK_INT(sim_loop_new(seed, &a), 0);
		CHECK_INT(sim_loop_add(a, &b), 0);
		CHECK_INT(loop_timer_new(a, note, "x", &ta), 0);
		CHECK_INT(loop_timer_new(b, note, "t", &tb), 0);
		loop_timer_start(ta, MS);
		loop_timer_start(tb, MS);
		CHECK_INT(loop_work(a, note_run, note, "xx"), 0);
		CHECK_INT(loop_post(a, note, "x"), 0);
		clear(); /* A run may have happened at once. */
		sim_loop_halt(a);
		loop_timer_start(ta, 1); /* The dying may still ask. */
		CHECK_INT(loop_post(a, note, "x"), 0);
		CHECK_INT(loop_work(a, note_run, note, "xx"), 0);
		CHECK(sim_loop_run_until_idle(a, 10000u * (uint64_t)MS));
		CHECK(seen("t")); /* The other node lives. */
		loop_timer_free(ta);
		sim_loop_free(a);
		loop_timer_free(tb);
		sim_loop_free(b);
	}
}

static void halt_inside(void *data)
{
	sim_loop_halt(data);
}

TEST(a_work_may_halt_its_own_loop)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(50); seed++) {
		struct loop *l;

		test_note_seed(seed);
		clear();
		CHECK_INT(sim_loop_new(seed, &l), 0);
		CHECK_INT(loop_work(l, halt_inside, halt_inside, l), 0);
		CHECK_INT(loop_post(l, halt_inside, l), 0);
		CHECK(sim_loop_run_until_idle(l, 10000u * (uint64_t)MS));
		sim_loop_free(l);
	}
}

TEST(a_paused_loop_catches_up_in_order)
{
	struct loop *a, *b;
	struct loop_timer *t[3], *other;
	uint64_t before;

	clear();
	CHECK_INT(sim_loop_new(test_seed, &a), 0);
	CHECK_INT(sim_loop_add(a, &b), 0);
	before = loop_now_ns(a);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(loop_timer_new(a, note, &"312"[i], &t[i]), 0);
		loop_timer_start(t[i], (uint64_t)("312"[i] - '0') * MS);
	}
	CHECK_INT(loop_timer_new(b, note, "b", &other), 0);
	loop_timer_start(other, 5 * MS);
	sim_loop_pause(a, 50 * MS);
	sim_loop_run_for(a, 49 * MS);
	CHECK(seen("b"));
	sim_loop_run_for(a, 2 * MS);
	CHECK(seen("b123"));
	CHECK_INT(loop_now_ns(a) - before, 51 * MS); /* Its clock went on. */
	for (int i = 0; i < 3; i++)
		loop_timer_free(t[i]);
	loop_timer_free(other);
	sim_loop_free(b);
	sim_loop_free(a);
}

static uint64_t fired_ns;

static void note_time(void *data)
{
	fired_ns = loop_now_ns(data);
}

TEST(timers_keep_to_their_own_clock)
{
	static const int32_t drifts[] = { 0, 1, -1, 333, -333, 500000, -500000 };

	for (size_t i = 0; i < ARRAY_SIZE(drifts); i++) {
		struct loop *l;
		struct loop_timer *t;
		uint64_t before, wall;

		CHECK_INT(sim_loop_new(test_seed, &l), 0);
		sim_loop_run_for(l, 12345677);
		CHECK_INT(loop_timer_new(l, note_time, l, &t), 0);
		before = loop_now_ns(l);
		loop_timer_start(t, 7777777);
		sim_loop_run_for(l, 1234567);
		wall = loop_wall_filetime(l);
		sim_loop_set_clock(l, drifts[i], -10000000);
		CHECK_INT(wall - loop_wall_filetime(l), 10000000);
		CHECK(loop_now_ns(l) - before == 1234567); /* No jump. */
		CHECK(sim_loop_run_until_idle(l, 1000u * (uint64_t)MS));
		CHECK(fired_ns - before >= 7777777 && fired_ns - before <= 7777779);
		loop_timer_free(t);
		sim_loop_free(l);
	}
}

TEST(far_timers_are_far_and_not_soon)
{
	struct loop *l;
	struct loop_timer *t;

	clear();
	CHECK_INT(sim_loop_new(test_seed, &l), 0);
	CHECK_INT(loop_timer_new(l, note, "t", &t), 0);
	sim_loop_set_clock(l, -900000, 0);
	loop_timer_start(t, UINT64_MAX);
	CHECK(!sim_loop_run_until_idle(l, 1000000u * (uint64_t)MS));
	CHECK(seen(""));
	loop_timer_free(t);
	CHECK(!sim_loop_step(l));
	sim_loop_free(l);
}

struct yielding {
	struct loop *loop;
	bool ran, done;
	unsigned before, during; /* Timer events before and in run(). */
	unsigned events;
};

static void yielding_timer(void *data)
{
	((struct yielding *)data)->events++;
}

static void yielding_run(void *data)
{
	struct yielding *y = data;

	y->before = y->events;
	sim_loop_yield(y->loop, 10 * MS);
	CHECK(!y->done); /* Not before its run() has returned. */
	y->during = y->events - y->before;
	y->ran = true;
}

static void yielding_done(void *data)
{
	struct yielding *y = data;

	CHECK(y->ran && !y->done);
	y->done = true;
}

TEST(a_work_may_let_other_things_happen_and_is_done_after_them)
{
	unsigned during = 0;

	for (uint64_t seed = test_seed; seed < test_seed + 50; seed++) {
		struct yielding y = { 0 };
		struct loop_timer *t;

		CHECK_INT(sim_loop_new(seed, &y.loop), 0);
		CHECK_INT(loop_timer_new(y.loop, yielding_timer, &y, &t), 0);
		sim_loop_yield(y.loop, MS); /* On no worker: nothing. */
		CHECK_INT(loop_work(y.loop, yielding_run, yielding_done, &y), 0);
		loop_timer_start(t, 2 * MS);
		CHECK(sim_loop_run_until_idle(y.loop, 10000000u * (uint64_t)MS));
		CHECK(y.done && y.events == 1);
		during += y.during;
		loop_timer_free(t);
		sim_loop_free(y.loop);
	}
	CHECK(during > 10);
}

TEST(a_world_without_memory_is_refused)
{
	FAIL_EACH_ALLOCATION {
		struct loop *a = NULL, *b = NULL;

		if (sim_loop_new(1, &a) == 0)
			CHECK(sim_loop_add(a, &b) == 0 || failalloc_hit());
		sim_loop_free(b);
		sim_loop_free(a);
	}
}
