/* pace: at once when it is quiet, seldom when it never is, and never forgotten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/pace.h"
#include "sim/rng.h"
#include "tests/lib/test.h"

#define SECOND UINT64_C(1000000000)

TEST(the_first_change_is_saved_at_once_and_the_next_after_the_gap)
{
	struct pace p;

	pace_init(&p, 100 * SECOND);
	CHECK_INT(pace_due_ns(&p), UINT64_MAX);
	pace_change(&p, 100 * SECOND);
	CHECK(pace_due_ns(&p) <= 100 * SECOND);
	pace_begin(&p, 100 * SECOND);
	CHECK_INT(pace_due_ns(&p), UINT64_MAX);
	CHECK(!pace_end(&p, 100 * SECOND, true));
	CHECK_INT(pace_due_ns(&p), UINT64_MAX);
	pace_change(&p, 101 * SECOND);
	CHECK_INT(pace_due_ns(&p), 100 * SECOND + PACE_GAP_MIN_NS);
}

TEST(what_was_quiet_is_saved_at_once_again)
{
	struct pace p;
	uint64_t now = SECOND;

	pace_init(&p, now);
	for (unsigned i = 0; i < 20; i++) {
		pace_change(&p, now);
		now = MAX(now, pace_due_ns(&p));
		pace_begin(&p, now);
		(void)pace_end(&p, now, true);
	}
	pace_change(&p, now + 1);
	CHECK_INT(pace_due_ns(&p), now + PACE_GAP_MAX_NS);
	pace_begin(&p, now + PACE_GAP_MAX_NS);
	(void)pace_end(&p, now += PACE_GAP_MAX_NS, true);
	now += PACE_CALM * PACE_GAP_MAX_NS;
	pace_change(&p, now);
	CHECK(pace_due_ns(&p) <= now);
}

TEST(a_change_during_a_save_is_saved_after_it)
{
	struct pace p;

	pace_init(&p, 0);
	pace_change(&p, 0);
	pace_begin(&p, 0);
	pace_change(&p, 1);
	(void)pace_end(&p, 2, true);
	CHECK(p.dirty);
	pace_begin(&p, pace_due_ns(&p));
	(void)pace_end(&p, 3 * SECOND, true);
	CHECK(!p.dirty);
}

TEST(a_failure_is_told_once_and_tried_again_until_it_succeeds)
{
	struct pace p;

	pace_init(&p, 0);
	pace_change(&p, 0);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t due = pace_due_ns(&p);

		CHECK(due != UINT64_MAX);
		pace_begin(&p, due);
		CHECK_INT(pace_end(&p, due, false), i == 0);
	}
	pace_begin(&p, pace_due_ns(&p));
	CHECK(!pace_end(&p, 1000 * SECOND, true));
	CHECK_INT(pace_due_ns(&p), UINT64_MAX);
	pace_change(&p, 1001 * SECOND);
	pace_begin(&p, 1001 * SECOND);
	CHECK(pace_end(&p, 1001 * SECOND, false));
}

/* Whatever comes: never more than a share of the time is spent, and no change waits longer than the longest gap. */
TEST(saving_takes_a_share_of_the_time_at_most_and_nothing_waits_for_long)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(200); seed++) {
		struct pace p;
		struct rng g;
		uint64_t now = 0, busy = 0, first = 0;
		unsigned saves = 0;

		test_note_seed(seed);
		rng_init(&g, seed);
		pace_init(&p, 0);
		while (now < 3600 * SECOND) {
			uint64_t due;

			now += rng_below(&g, 2 * SECOND);
			if (!p.dirty)
				first = now;
			pace_change(&p, now);
			due = MAX(pace_due_ns(&p), now);
			CHECK(due <= MAX(first, p.ended_ns) + PACE_GAP_MAX_NS + 2 * SECOND);
			if (due > now)
				continue;
			pace_begin(&p, now);
			now += rng_below(&g, SECOND);
			busy += now - p.began_ns;
			saves++;
			(void)pace_end(&p, now, rng_chance(&g, 90));
		}
		CHECK(busy * PACE_SHARE <= now);
		CHECK(saves < 3600 / 25 && saves > 3600 / 40);
	}
}
