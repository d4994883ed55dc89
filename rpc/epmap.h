/* epmap: the endpoint mapper: tells clients of this machine which socket serves an interface.  See epmap.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/server.h"

struct rpc_endpoint {
	struct pdu_syntax syntax; /* Asked for with this minor version or a lower one. */
	const char *socket_name;  /* Below the client's ncalrpc directory; borrowed. */
};

struct rpc_epmap {
	struct rpc_interface interface; /* For rpc_server_add_interface(). */
	const struct rpc_endpoint *endpoints;
	size_t count;
};

enum { RPC_EPT_NOT_REGISTERED = 0x16c9a0d6 };

/* The endpoints are borrowed. */
void rpc_epmap_init(struct rpc_epmap *m, const struct rpc_endpoint *endpoints, size_t count);
