/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "tests/lib/failalloc.h"

TEST(memory_is_aligned_and_distinct)
{
	struct arena a = { 0 };
	uint8_t *previous = NULL;

	for (size_t size = 0; size < 3000; size += 7) {
		uint8_t *p = arena_alloc(&a, size);

		CHECK(p != NULL && (uintptr_t)p % 16 == 0);
		memset(p, (int)size, size);
		if (previous != NULL && size > 7)
			CHECK_INT(previous[0], (uint8_t)(size - 7));
		previous = p;
	}
	arena_done(&a);
	CHECK(a.blocks == NULL && a.used == 0);
}

TEST(a_limit_is_kept)
{
	struct arena a = { .limit = 100 };

	CHECK(arena_alloc(&a, 90) != NULL);
	CHECK(arena_alloc(&a, 90) == NULL);
	CHECK(arena_alloc(&a, SIZE_MAX - 8) == NULL);
	arena_done(&a);
	CHECK_INT(a.limit, 100);
}

TEST(printf_and_copies)
{
	struct arena a = { 0 };
	char16_t *copy = arena_dup_u16(&a, U16("Groups"));

	CHECK(copy[6] == 0 && u16_equal_exact(u16_from_z(copy), U16("Groups")));
	CHECK_STR(arena_printf(&a, "%s-%d", "node", 7), "node-7");
	arena_done(&a);
}

TEST(each_failed_allocation_is_harmless)
{
	FAIL_EACH_ALLOCATION {
		struct arena a = { 0 };

		for (int i = 0; i < 50; i++)
			(void)arena_alloc_zero(&a, 500);
		arena_done(&a);
	}
}
