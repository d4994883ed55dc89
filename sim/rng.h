/* rng: chance that can be replayed: xoshiro256** (Blackman and Vigna, public domain), seeded through splitmix64.
 *
 * Why      a simulated run is its seed; every choice of a simulation or a random test comes from one of these.
 * Promise  the same seed gives the same numbers on every machine, for ever: seeds are kept in test names.
 * Not kept secrecy.
 * Tests    tests/unit/rng.c
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct rng {
	uint64_t state[4];
};

void rng_init(struct rng *g, uint64_t seed);
uint64_t rng_u64(struct rng *g);
uint64_t rng_below(struct rng *g, uint64_t n);                  /* 0 … n-1, evenly; n > 0. */
uint64_t rng_between(struct rng *g, uint64_t low, uint64_t high); /* Both included. */
bool rng_chance(struct rng *g, unsigned percent);               /* true in so many cases of a hundred. */
void rng_fill(struct rng *g, void *data, size_t len);
/* A new generator whose numbers have nothing to do with the later ones of g. */
struct rng rng_fork(struct rng *g);
