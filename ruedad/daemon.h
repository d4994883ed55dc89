/* daemon: ruedad proper, the process without rights; see daemon.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/config.h"

/* Run until told to stop; returns the exit status.  The descriptors are those of priv/start.h: the socket to priv, and
 * with tell_ready a pipe into which a byte is written when the service is ready.  directory: RUEDA_DIR or NULL.
 * recover: as parts_context.recover. */
int daemon_run(struct config *config, const char *directory, bool tell_ready, bool recover);
