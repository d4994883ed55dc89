/* leftover: processes of an earlier guard of this instance; see leftover.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include <sys/types.h>

#define LEFTOVER_VARIABLE "RUEDA_GUARD"

/* SIGKILL for every process but this one whose environment says RUEDA_GUARD=mark.  How many there were; *ret is the pid of
 * one. */
unsigned leftover_kill(const char *mark, pid_t *ret);
