/* leftover: processes of an earlier guard of this instance; see leftover.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include <sys/types.h>

#define LEFTOVER_VARIABLE "RUEDA_GUARD"
#define LEFTOVER_SECRET "RUEDA_GUARD_SECRET"

enum { LEFTOVER_SECRET_LEN = 32 };

struct leftover {
	const char *mark;   /* Of the instance. */
	const char *secret; /* What only its own processes know. */
};

/* SIGKILL for every process but this one whose environment has both, or that is a guard with the mark.  How many there were;
 * *ret is the pid of one. */
unsigned leftover_kill(const struct leftover *l, pid_t *ret);

/* The secret of the instance, kept in this directory, which is ours alone; made if there is none. */
int leftover_secret(int directory, char ret[LEFTOVER_SECRET_LEN + 1]);
