/* daemon: ruedad proper, the process without rights; see daemon.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/config.h"
#include "ruedad/options.h"

/* Run until told to stop; returns the exit status.  The descriptors are those of priv/start.h: the socket to priv, with
 * options->daemon a pipe into which a byte is written when the service is ready, the socket to the guard, and the
 * listening sockets that options counts.  directory: RUEDA_DIR or NULL. */
int daemon_run(struct config *config, const char *directory, const struct options *options);
