/* runner_guard: the guard, as a runner; see runner_guard.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/agents/runner.h"
#include <uv.h>

/* The lock of the instance is held.  Takes the socket over.  lost(data) is called once, on the loop, if the guard ends: then so must this process. */
int runner_guard_new(uv_loop_t *loop, int socket, void (*lost)(void *data), void *data, struct runner **ret);
/* Hosts that are there hear it as the end of this process.  The memory goes with the loop's next turns. */
void runner_guard_free(struct runner *r);
