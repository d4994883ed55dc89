/* start: ruedad as a child of priv; see start.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "priv/identity.h"

enum { PRIV_SOCKET_FD = 3, PRIV_KEPT_FD = 4, PRIV_FIRST_FD = 5, PRIV_FDS_MAX = 20 }; /* In ruedad. */

struct priv_start {
	const struct identity *user; /* Whom ruedad becomes; NULL: who this process is. */
	char *const *arguments;      /* Of ruedad, ending in NULL; the program is this one. */
	int kept_fd;                 /* One more descriptor for ruedad, as PRIV_KEPT_FD; negative: none. */
	const int *fds;              /* And at most PRIV_FDS_MAX more, from PRIV_FIRST_FD on. */
	unsigned fd_count;
};

/* Signals must be blocked by priv_block_signals().  *ret_socket is priv's end. */
int priv_start_daemon(const struct priv_start *start, int *ret_pid, int *ret_socket);

/* What priv itself still needs from here on; the rest is dropped for ever.  with_files: for checkpoints of files, too. */
int priv_drop_rights(bool with_files);
