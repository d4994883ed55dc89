/* barrier: nothing is started before all of an earlier life is gone; see barrier.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "guard/leftover.h"

/* The directory RUNDIR/guard, ours alone. */
int barrier_directory(const char *run_directory, int *ret_directory, struct error *e);
struct barrier {
	int directory;
	int socket;         /* To ruedad, which has the lock of the instance. */
	struct leftover leftover;
	int cgroup_base;    /* -1, or where control groups … */
	const char *prefix; /* … whose names begin so are ended, too. */
};
/* Returns when no process of an earlier guard is left, with the lock that says so to later ones; who does not go in time
 * is killed.  -EPIPE: ruedad has ended meanwhile. */
int barrier_pass(const struct barrier *b, int *ret_lock, struct error *e);
