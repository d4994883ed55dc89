/* failalloc: make the nth allocation of the code under test fail, for every n.
 *
 *	FAIL_EACH_ALLOCATION {
 *		r = thing_new(&thing);
 *		CHECK(r == 0 || r == -ENOMEM);
 *		thing_free(thing);
 *	}
 *
 * The loop runs its body with the 1st, 2nd, … allocation failing until a run asks for no more; the wrapped malloc,
 * calloc and realloc count only inside it.  It also fails the test if a run leaves memory behind.
 * Programs that use it are linked with failalloc_dep.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/lib/test.h"

void failalloc_begin(uint64_t nth);
/* Ends the run; true if the nth allocation was reached, so that another run is due. */
bool failalloc_end(void);
/* Within the body of a run begun with 0: the nth allocation from now fails, 0 = none. */
void failalloc_arm(uint64_t nth);
bool failalloc_hit(void); /* Within the body: an allocation has been refused. */
/* What is still allocated belongs to other threads now, which free it: to be looked after by a leak checker. */
void failalloc_hand_over(void);
uint64_t failalloc_left(void); /* What failalloc_arm() would say now; 0: it has been refused, or none will be. */

/* For a body in which only parts are the code under test: what a part begins and ends with.  failalloc_armed goes on from
 * part to part. */
void failalloc_within(bool begins);
extern uint64_t failalloc_armed; /* The nth allocation in these parts from now fails; 0: none. */
extern bool failalloc_refused;   /* One has been; whoever sets failalloc_armed clears it. */

#define FAIL_EACH_ALLOCATION                                                                                           \
	for (uint64_t fail_nth_ = 1, fail_more_ = 1; fail_more_ && (failalloc_begin(fail_nth_), true);                 \
	     fail_more_ = failalloc_end(), fail_nth_++)
