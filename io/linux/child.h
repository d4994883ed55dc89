/* The real proc; see io/linux/child.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/loop.h"
#include "io/proc.h"

/* On a loop of io/linux/loop.h, which must outlive it. */
int child_new(struct loop *loop, struct proc **ret);
