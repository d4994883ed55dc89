/* beside: a piece of work on a thread of its own.
 *
 * Why      hashing a file and checking it costs a processor as much time as the disk needs to take it, and there are
 *          processors that have nothing else to do.
 * How      one thread for each piece, and one way to wait.  The thread has the priority of who begins it.
 * Promise  when beside_end() returns, the work is done, and what it has written can be read.
 * Threads  one may begin and end; the work frees what it allocates, and touches nothing that its caller changes.
 * Tests    tests/unit/beside.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/beside.h"

static void *run(void *data)
{
	struct beside *b = data;

	b->run(b->data);
	return NULL;
}

void beside_begin(struct beside *b, void (*work)(void *data), void *data)
{
	*b = (struct beside){ .run = work, .data = data };
	if (pthread_create(&b->thread, NULL, run, b) == 0)
		b->running = true;
	else
		work(data);
}

void beside_end(struct beside *b)
{
	if (b->running)
		(void)pthread_join(b->thread, NULL);
	b->running = false;
}
