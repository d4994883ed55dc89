/* epmap: the endpoint mapper: tells clients which socket or port serves an interface.  See epmap.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/server.h"

struct rpc_endpoint {
	struct pdu_syntax syntax; /* Asked for with this minor version or a lower one. */
	const char *socket_name;  /* Below the client's ncalrpc directory; borrowed.  NULL: none. */
	uint16_t port;            /* Of TCP; 0: none. */
	const char *annotation;   /* For people; at most 63 bytes count; borrowed.  NULL: none. */
};

struct rpc_epmap {
	struct rpc_interface interface; /* For rpc_server_add_interface(). */
	const struct rpc_endpoint *endpoints;
	size_t count;
};

enum { RPC_EPT_NOT_REGISTERED = 0x16c9a0d6, RPC_EPMAP_PORT = 135 };

/* The endpoints are borrowed. */
void rpc_epmap_init(struct rpc_epmap *m, const struct rpc_endpoint *endpoints, size_t count);

/* The client's half.  A tower that asks for TCP; and the port in an answer, 0 if it has none. */
void rpc_epmap_put_question(struct buf *b, const struct pdu_syntax *syntax);
uint16_t rpc_epmap_read_port(const uint8_t *tower, size_t len);
