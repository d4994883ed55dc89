/* fd: a file descriptor that is closed at the end of its scope, like the memory of macro.h.
 *
 *	_cleanup_fd_ int fd = open(…);
 *	…
 *	*ret_fd = TAKE_FD(fd);
 *
 * Tests: used by all that opens.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <unistd.h>

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}
#define _cleanup_fd_ _cleanup_(close_fd)

#define TAKE_FD(fd)                                                                                                    \
	({                                                                                                             \
		int take_fd_ = (fd);                                                                                   \
		(fd) = -1;                                                                                             \
		take_fd_;                                                                                              \
	})
