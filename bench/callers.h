/* callers: closed-loop load: threads that each repeat one operation until the time is over, and one line about it.
 *
 * Output   {"callers": n, "count": n, "seconds": s, "rate": per second, "p50_us": t, "p99_us": t, "max_us": t}
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

uint64_t now_ns(void);

/* operation(data, caller, turn) is one timed turn; it must not fail.  Prints the line. */
void callers_run(
    unsigned callers, double seconds, void (*operation)(void *data, unsigned caller, uint64_t turn), void *data);

_Noreturn void die(const char *what, long code);
