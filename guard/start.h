/* start: the guard as a child of the process that starts the service; see start.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum { GUARD_SOCKET_FD = 3 }; /* In the guard: to ruedad. */

/* The program is this one, as "--as-guard RUNDIR".  Takes the socket over.  To be called before rights are given up. */
int guard_start(const char *run_directory, int socket, int *ret_pid);
