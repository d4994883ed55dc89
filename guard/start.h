/* start: the guard as a child of the process that starts the service; see start.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum { GUARD_SOCKET_FD = 3 }; /* In the guard: to ruedad. */

#define GUARD_IN_UNIT "unit" /* An argument of it: systemd is its parent, and may tell it to end. */

/* The program is this one, as "--as-guard RUNDIR".  Takes the socket over.  To be called before rights are given up. */
int guard_start(const char *run_directory, int socket, int *ret_pid);

/* This process becomes it.  where: GUARD_IN_UNIT or NULL. */
_Noreturn void guard_become(const char *run_directory, int socket, const char *where);
