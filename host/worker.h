/* worker: one operation of a resource, in a process of its own; see worker.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/resource.h"

enum worker_task { WORKER_CHECK, WORKER_ONLINE, WORKER_OFFLINE, WORKER_LOOK, WORKER_LOOK_THOROUGHLY };

struct worker {
	pid_t pid; /* 0: none works. */
	enum worker_task task;
	int result; /* Owned; -1. */
	uint64_t deadline_ms;
};

struct worker_outcome {
	int result;    /* Of the type's function; ERR_GEN_FAILURE if it never said. */
	pid_t process; /* That it leaves to be watched; 0: none. */
	char text[sizeof(((struct error *)0)->text)];
};

/* Its outputs go to the descriptor output.  -errno. */
int worker_start(struct worker *w, enum worker_task task, struct resource *r, int output);
/* After it has been waited for. */
void worker_finish(struct worker *w, struct worker_outcome *ret);
void worker_kill(struct worker *w); /* It and the programs that it runs; it still has to be waited for. */
