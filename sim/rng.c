/* rng: see rng.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/rng.h"
#include "base/bytes.h"

static uint64_t splitmix64(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, unsigned by)
{
	return (x << by) | (x >> (64 - by));
}

void rng_init(struct rng *g, uint64_t seed)
{
	for (size_t i = 0; i < ARRAY_SIZE(g->state); i++)
		g->state[i] = splitmix64(&seed);
}

uint64_t rng_u64(struct rng *g)
{
	uint64_t *s = g->state, result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *g, uint64_t n)
{
	uint64_t reject, x;

	assert(n > 0);
	reject = -n % n; /* The lowest values, whose remainders would come once too often. */
	do
		x = rng_u64(g);
	while (x < reject);
	return x % n;
}

uint64_t rng_between(struct rng *g, uint64_t low, uint64_t high)
{
	assert(low <= high);
	if (low == 0 && high == UINT64_MAX)
		return rng_u64(g);
	return low + rng_below(g, high - low + 1);
}

bool rng_chance(struct rng *g, unsigned percent)
{
	return rng_below(g, 100) < percent;
}

void rng_fill(struct rng *g, void *data, size_t len)
{
	uint8_t *to = data, word[8];

	for (size_t n; len > 0; to += n, len -= n) {
		n = MIN(len, sizeof(word));
		put_le64(word, rng_u64(g));
		memcpy(to, word, n);
	}
}

struct rng rng_fork(struct rng *g)
{
	struct rng child;

	rng_init(&child, rng_u64(g));
	return child;
}
