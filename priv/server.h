/* server: the privileged process; see server.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct priv_options {
	int socket;                            /* To ruedad; owned by priv_serve() from the call on. */
	int daemon;                            /* ruedad's pid, a child of this process. */
	unsigned open_seconds;                 /* How long a directory may take to open. */
	const char *roots;                     /* Of checkpoints: priv/roots.h.  Borrowed. */
	void (*before_open)(const char *path); /* For tests: called by the child, as the caller; or NULL. */
};

/* Signals that priv_serve() reads and that must be blocked, by this, before ruedad is started, or one could be lost. */
int priv_block_signals(void);

/* Answer ruedad until it ends, and return what to end with: its exit status, or 128 + the signal that ended it.  If it
 * breaks the protocol, it is killed first. */
int priv_serve(const struct priv_options *options);
