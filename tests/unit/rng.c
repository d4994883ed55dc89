/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rng.h"
#include "tests/lib/test.h"

/* Seeds stand in the names of tests, so the numbers may never change. */
TEST(a_seed_always_gives_the_same_numbers)
{
	struct rng g;

	rng_init(&g, 0);
	CHECK(rng_u64(&g) == 0x99ec5f36cb75f2b4u);
	CHECK(rng_u64(&g) == 0xbf6e1f784956452au);
	rng_init(&g, 1);
	CHECK(rng_u64(&g) == 0xb3f2af6d0fc710c5u);
}

TEST(numbers_stay_in_their_bounds_and_reach_them)
{
	unsigned seen[3] = { 0 }, hits = 0;
	struct rng g;

	rng_init(&g, test_seed);
	for (int i = 0; i < 3000; i++) {
		uint64_t x = rng_between(&g, 5, 7);

		CHECK(x >= 5 && x <= 7);
		seen[x - 5]++;
		hits += rng_chance(&g, 20);
		CHECK(rng_below(&g, 1) == 0);
		CHECK(!rng_chance(&g, 0) && rng_chance(&g, 100));
	}
	for (int i = 0; i < 3; i++)
		CHECK(seen[i] > 850 && seen[i] < 1150);
	CHECK(hits > 500 && hits < 700);
	CHECK(rng_between(&g, 0, UINT64_MAX) != rng_between(&g, 0, UINT64_MAX));
}

TEST(large_bounds_are_not_biased)
{
	uint64_t n = (uint64_t)3 << 62;
	unsigned low = 0;
	struct rng g;

	rng_init(&g, test_seed);
	for (int i = 0; i < 3000; i++)
		low += rng_below(&g, n) < n / 3;
	CHECK(low > 850 && low < 1150); /* A bare remainder would give 1500. */
}

TEST(bytes_are_filled_exactly)
{
	uint8_t data[16] = { 0 };
	struct rng g;

	rng_init(&g, 3);
	rng_fill(&g, data, 13);
	CHECK(data[13] == 0 && data[14] == 0 && data[15] == 0);
	CHECK(data[8] != 0 || data[9] != 0 || data[10] != 0 || data[11] != 0 || data[12] != 0);
}

TEST(a_fork_goes_its_own_way)
{
	struct rng g, a, b;

	rng_init(&g, test_seed);
	a = rng_fork(&g);
	b = rng_fork(&g);
	CHECK(rng_u64(&a) != rng_u64(&b));
}
