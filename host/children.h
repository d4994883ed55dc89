/* children: the processes below this one; see children.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include <sys/types.h>

enum { CHILDREN_MAX = 4096 };

/* Orphans of descendants become children of this process. */
int children_adopt(void);
/* The pids of the direct children, at most max; children that have ended count until they are waited for.  -errno: the
 * kernel does not tell. */
int children_list(pid_t *ret, size_t max);
/* SIGKILL for all children, until there are none or the time is over.  false: one is left, and *ret is its pid. */
bool children_end(unsigned wait_ms, pid_t *ret);
