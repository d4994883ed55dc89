/* cgroup: a control group for each resource, where they can be made; see cgroup.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum { CGROUP_NAME_MAX = 128 };

/* The group that this process is in, open, as the place for others below it; -ENOTSUP: none can be made here. */
int cgroup_open(int *ret_base);
int cgroup_make(int base, const char *name);  /* One that is there already is as good. */
int cgroup_enter(int base, const char *name); /* This process. */
int cgroup_kill(int base, const char *name);
/* 1: processes are in it; 0: none, and it has been removed; -ENOENT. */
int cgroup_remove_if_empty(int base, const char *name);
/* The first group below base whose name begins so.  -ENOENT: none. */
int cgroup_find(int base, const char *prefix, char ret[CGROUP_NAME_MAX]);
