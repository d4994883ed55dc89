/* patience: how long ruedad waits for a process that works on a file system; see patience.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct patience {
	unsigned quiet_seconds; /* Without any sign that it goes on; 0: for ever. */
	int cancel_fd;          /* Readable, or at its end: nobody wants the outcome any more.  -1: none.  Borrowed. */
	/* Of the caller: a descriptor of the file with the figures of the block device, as patience_device() gives it; -1: none. */
	int device_fd;
	/* Of patience.c. */
	unsigned quiet;     /* Seconds so far. */
	uint64_t work_done; /* What the figures were. */
	uint64_t end_ms;    /* Since when it is cancelled, and so much longer; 0: it is not. */
};

/* What stays of a cancelled job's time: to put away what it has begun. */
enum { PATIENCE_CANCEL_MS = 3000 };

/* Without limits. */
#define PATIENCE_ENDLESS                                                                                               \
	{                                                                                                              \
		.cancel_fd = -1, .device_fd = -1                                                                       \
	}

/* The figures of the device st_dev, or -1: a file system on the network, or another without one. */
int patience_device(uint64_t device);
/* Until the socket has something to read.  ERR_TIMEOUT: it was quiet for too long; ERR_CANCELLED. */
int patience_wait(struct patience *p, int socket);
