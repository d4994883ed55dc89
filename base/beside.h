/* beside: a piece of work on a thread of its own, beside what the caller does meanwhile.  See beside.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <pthread.h>

struct beside {
	void (*run)(void *data);
	void *data;
	pthread_t thread;
	bool running;
};

/* Stays where it is, with what data is, until beside_end().  Without a thread to be had the work is done here and now. */
void beside_begin(struct beside *b, void (*run)(void *data), void *data);
/* Waits for it; may be called again, and where nothing was begun (*b is zeros). */
void beside_end(struct beside *b);
