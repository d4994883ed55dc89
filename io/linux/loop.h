/* The real loop; see io/linux/loop.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/loop.h"
#include <uv.h>

int loop_linux_new(struct loop **ret);
/* For what brings handles of its own (sockets, children).  They must all be closed before the loop is freed. */
uv_loop_t *loop_linux_uv(struct loop *l);
/* On the calling thread, until loop_linux_stop() has been called and no work and no post is left. */
void loop_linux_run(struct loop *l);
void loop_linux_stop(struct loop *l); /* From any thread or signal handler. */
void loop_linux_free(struct loop *l); /* Not while it runs; after all timers are freed.  NULL is allowed. */
DEFINE_FREEP(struct loop, loop_linux_free)
