/* Addresses from which logins fail have to wait, and do not fill the log.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/throttle.h"
#include "tests/lib/test.h"

static const uint64_t second = 1000000000;
static const uint8_t alice[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 },
		     bob[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 };

TEST(after_some_failures_an_address_waits_longer_each_time)
{
	static const unsigned waits[] = { 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	static struct throttle t;
	uint64_t now = 1;

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		CHECK(!throttle_blocks(&t, alice, now));
		(void)throttle_failed(&t, alice, now);
		CHECK_INT(throttle_blocks(&t, alice, now), waits[i] > 0);
		CHECK(!throttle_blocks(&t, bob, now));
		if (waits[i] > 0)
			CHECK(throttle_blocks(&t, alice, now + waits[i] * second - 1));
		now += waits[i] * second;
	}
}

TEST(what_is_long_ago_is_forgotten)
{
	static struct throttle t;
	uint64_t now = 1;

	for (unsigned i = 0; i < 10; i++)
		(void)throttle_failed(&t, alice, now);
	now += THROTTLE_FORGET_S * second;
	(void)throttle_failed(&t, alice, now);
	CHECK(!throttle_blocks(&t, alice, now));
}

TEST(one_line_is_logged_for_a_burst_and_none_is_lost)
{
	static struct throttle t;
	uint64_t now = 1;

	CHECK_INT(throttle_failed(&t, alice, now), 1);
	CHECK_INT(throttle_failed(&t, bob, now), 1);
	for (unsigned i = 0; i < 1000; i++)
		CHECK_INT(throttle_failed(&t, alice, now + i), 0);
	now += THROTTLE_QUIET_S * second;
	CHECK_INT(throttle_failed(&t, alice, now), 1001);
	CHECK_INT(throttle_failed(&t, alice, now), 0);
}

TEST(a_network_of_ipv6_counts_as_one_address)
{
	uint8_t one[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 }, two[16] = { 0x20, 1, 0x0d, 0xb8, [8] = 9, [15] = 2 },
		other[16] = { 0x20, 1, 0x0d, 0xb8, [7] = 1, [15] = 1 };
	static struct throttle t;

	for (unsigned i = 0; i < 10; i++)
		(void)throttle_failed(&t, i % 2 == 0 ? one : two, 1);
	CHECK(throttle_blocks(&t, one, 1));
	CHECK(throttle_blocks(&t, two, 1));
	CHECK(!throttle_blocks(&t, other, 1));
}

TEST(the_table_is_bounded_and_the_quiet_give_way)
{
	static struct throttle t;

	for (unsigned i = 0; i < 10; i++)
		(void)throttle_failed(&t, alice, 1000);
	for (unsigned i = 0; i < THROTTLE_ADDRESSES - 1; i++) {
		uint8_t address[16] = { [10] = 0xff, [11] = 0xff, 11, 0, (uint8_t)(i >> 8), (uint8_t)i };

		(void)throttle_failed(&t, address, i < 100 ? 1 : 2000);
	}
	CHECK(throttle_blocks(&t, alice, 2000));
	(void)throttle_failed(&t, bob, 3000); /* In the place of one that failed at 1. */
	CHECK(throttle_blocks(&t, alice, 3000));
	for (unsigned i = 0; i < THROTTLE_ADDRESSES; i++) {
		uint8_t address[16] = { [10] = 0xff, [11] = 0xff, 12, 0, (uint8_t)(i >> 8), (uint8_t)i };

		(void)throttle_failed(&t, address, 4000);
	}
	CHECK(!throttle_blocks(&t, alice, 4000));
}
