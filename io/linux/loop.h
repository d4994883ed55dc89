/* The real loop; see io/linux/loop.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/loop.h"
#include <uv.h>

int loop_linux_new(struct loop **ret);
/* For what brings handles of its own (sockets, children).  They must all be closed before the loop is freed. */
uv_loop_t *loop_linux_uv(struct loop *l);
/* For daemons, before the loop is made: this thread and those that it starts from now on run as soon as they wake, and not when
 * whoever computes just then has used up its time.  Background work is of the patient kind all the same. */
void loop_linux_be_prompt(void);
/* On the calling thread, until loop_linux_stop() has been called and no work and no post is left. */
void loop_linux_run(struct loop *l);
void loop_linux_stop(struct loop *l); /* From any thread or signal handler. */
void loop_linux_free(struct loop *l); /* Not while it runs; after all timers are freed.  NULL is allowed. */
DEFINE_FREEP(struct loop, loop_linux_free)
