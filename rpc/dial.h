/* dial: a connected socket to a server.  See dial.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/wait.h"

/* All errors but those of rpc_wait_for() and of this process's own limits are ERR_RPC_S_SERVER_UNAVAILABLE, and for a unix
 * socket ERR_ACCESS_DENIED. */
int rpc_dial_unix(const char *path, const struct rpc_wait *wait, int *ret_fd);
/* host: a name or an address; each address that it has is tried. */
int rpc_dial_tcp(const char *host, uint16_t port, const struct rpc_wait *wait, int *ret_fd);
