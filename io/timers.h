/* timers: what is to happen when, in order: a binary heap whose items live in their owners.
 *
 * Why      both loops need it: the real one because libuv's timers stand still while the machine is suspended, the
 *          simulated one because virtual time is nothing else.
 * How      timers_reserve() makes room for one more item for as long as timers_release() is not called, so that putting
 *          an item in cannot fail.  Items that are due at the same time come out in the order of being put in.
 * Threads  one.     Tests  tests/unit/timers.c
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct timer_item {
	uint64_t due_ns;
	uint64_t sequence; /* Of timers_put(): 1, 2, … */
	size_t place;      /* In the heap, from 1; 0 = not in it. */
};

struct timers {
	struct timer_item **items; /* Owned; the items are borrowed. */
	size_t count, capacity, reserved;
	uint64_t sequence; /* The last given out. */
};

void timers_done(struct timers *t);
int timers_reserve(struct timers *t); /* -ENOMEM */
void timers_release(struct timers *t);
void timers_put(struct timers *t, struct timer_item *item, uint64_t due_ns); /* Moves it if it is in. */
void timers_remove(struct timers *t, struct timer_item *item);              /* Nothing if it is not in. */
struct timer_item *timers_first(const struct timers *t);                    /* The next due; NULL if empty. */
