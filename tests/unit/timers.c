/* SPDX-License-Identifier: Apache-2.0 */
#include "io/timers.h"
#include "sim/rng.h"
#include "tests/lib/failalloc.h"

TEST(items_come_out_in_order_of_time_and_then_of_being_put_in)
{
	struct timer_item items[200] = { 0 };

	for (uint64_t round = 0; round < test_rounds(50); round++) {
		struct timers t = { 0 };
		uint64_t last_due = 0, last_sequence = 0;
		size_t left = 0;
		struct rng g;

		test_note_seed(test_seed + round);
		rng_init(&g, test_seed + round);
		for (size_t i = 0; i < ARRAY_SIZE(items); i++)
			CHECK_INT(timers_reserve(&t), 0);
		for (size_t i = 0; i < 600; i++) {
			struct timer_item *item = &items[rng_below(&g, ARRAY_SIZE(items))];

			if (rng_chance(&g, 30))
				timers_remove(&t, item);
			else
				timers_put(&t, item, rng_below(&g, 40));
		}
		for (size_t i = 0; i < ARRAY_SIZE(items); i++)
			left += items[i].place != 0;
		CHECK_INT(left, t.count);
		for (; left > 0; left--) {
			struct timer_item *first = timers_first(&t);

			CHECK(first->due_ns >= last_due);
			CHECK(first->due_ns > last_due || first->sequence > last_sequence);
			last_due = first->due_ns;
			last_sequence = first->sequence;
			timers_remove(&t, first);
			timers_remove(&t, first); /* Twice is once. */
		}
		CHECK(timers_first(&t) == NULL);
		timers_done(&t);
	}
}

TEST(room_once_reserved_is_there)
{
	FAIL_EACH_ALLOCATION {
		struct timer_item items[40] = { 0 };
		struct timers t = { 0 };
		size_t reserved = 0;

		while (reserved < ARRAY_SIZE(items) && timers_reserve(&t) == 0)
			reserved++;
		CHECK(failalloc_hit() || reserved == ARRAY_SIZE(items));
		for (size_t i = 0; i < reserved; i++)
			timers_put(&t, &items[i], 100 - i);
		CHECK(reserved == 0 || timers_first(&t) == &items[reserved - 1]);
		for (size_t i = 0; i < reserved; i++) {
			timers_remove(&t, &items[i]);
			timers_release(&t);
		}
		timers_done(&t);
	}
}
