/* host: the process that runs one resource; see host.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* What it is started with, besides the standard descriptors. */
enum {
	HOST_SOCKET_FD = 3,    /* To ruedad; of a cleaner: to the guard. */
	HOST_DIRECTORY_FD = 4, /* RUNDIR/guard (host/journal.h). */
	HOST_LOCK_FD = 5,      /* Held open: while anybody has it, no other guard starts anything. */
};

/* Run the resource until told to stop, or nobody is there any more.  clean: only end what its journal tells of.  Returns the
 * exit status: 0 if nothing of it is active any more. */
int host_main(const char *id, bool clean);
