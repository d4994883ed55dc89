/* throttle: addresses from which logins fail have to wait.
 *
 * Why      passwords can be guessed as fast as the server answers, and each guess would be a line in the log.
 * How      A failed login ends its connection, so waiting is for the next connection, and for those that are there and have
 *          not logged in yet: after THROTTLE_FREE failures the address is not let in for 1 s, then 2, 4 … THROTTLE_MOST_S.  What failed is forgotten after THROTTLE_FORGET_S
 *          without a failure; a login that succeeds changes nothing, or one good account would buy guesses at others.
 *          One line is logged, and the next not before THROTTLE_QUIET_S; it counts those in between.
 * Not kept against guesses from many addresses: the table has THROTTLE_ADDRESSES places, and the one that has been quiet
 *          for longest gives way.
 * Threads  one at a time.     Limits  THROTTLE_ADDRESSES.     Tests  tests/unit/throttle.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/throttle.h"

static const uint64_t second = 1000000000;

static void make_key(const uint8_t address[RPC_ADDRESS_SIZE], uint8_t key[RPC_ADDRESS_SIZE])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool is_ipv4 = memcmp(address, mapped, sizeof(mapped)) == 0;

	memset(key, 0, RPC_ADDRESS_SIZE);
	memcpy(key, address, is_ipv4 ? RPC_ADDRESS_SIZE : RPC_ADDRESS_SIZE / 2);
}

static bool is_forgotten(const struct throttle_entry *e, uint64_t now_ns)
{
	return e->failures == 0 || now_ns - e->last_ns >= THROTTLE_FORGET_S * second;
}

bool throttle_blocks(const struct throttle *t, const uint8_t address[RPC_ADDRESS_SIZE], uint64_t now_ns)
{
	uint8_t key[RPC_ADDRESS_SIZE];

	make_key(address, key);
	for (size_t i = 0; i < THROTTLE_ADDRESSES; i++) {
		const struct throttle_entry *e = &t->entries[i];

		if (e->failures > 0 && memcmp(e->address, key, sizeof(key)) == 0)
			return now_ns < e->until_ns;
	}
	return false;
}

/* The entry of an address; if it has none, the place that is unused or has been quiet for longest. */
static struct throttle_entry *find(struct throttle *t, const uint8_t key[RPC_ADDRESS_SIZE])
{
	struct throttle_entry *oldest = &t->entries[0];

	for (size_t i = 0; i < THROTTLE_ADDRESSES; i++) {
		struct throttle_entry *e = &t->entries[i];

		if (e->failures > 0 && memcmp(e->address, key, RPC_ADDRESS_SIZE) == 0)
			return e;
		if (oldest->failures > 0 && (e->failures == 0 || e->last_ns < oldest->last_ns))
			oldest = e;
	}
	*oldest = (struct throttle_entry){ 0 };
	memcpy(oldest->address, key, RPC_ADDRESS_SIZE);
	return oldest;
}

unsigned throttle_failed(struct throttle *t, const uint8_t address[RPC_ADDRESS_SIZE], uint64_t now_ns)
{
	uint8_t key[RPC_ADDRESS_SIZE];
	struct throttle_entry *e;
	bool is_first;
	unsigned count;

	make_key(address, key);
	e = find(t, key);
	if (is_forgotten(e, now_ns))
		e->failures = 0;
	is_first = e->failures == 0 && e->unlogged == 0;
	if (e->failures < UINT16_MAX)
		e->failures++;
	e->last_ns = now_ns;
	if (e->failures > THROTTLE_FREE) {
		unsigned doublings = MIN(e->failures - THROTTLE_FREE - 1, 6u);

		e->until_ns = now_ns + MIN((uint64_t)1 << doublings, (uint64_t)THROTTLE_MOST_S) * second;
	}
	count = ++e->unlogged;
	if (!is_first && now_ns - e->logged_ns < THROTTLE_QUIET_S * second)
		return 0;
	e->unlogged = 0;
	e->logged_ns = now_ns;
	return count;
}
