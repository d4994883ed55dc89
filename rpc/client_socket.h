/* client_socket: one connection of the blocking client: a channel over a descriptor.  See client_socket.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/channel.h"
#include "rpc/client.h"
#include "rpc/wait.h"

/* Where a connection goes, and as whom.  All borrowed. */
struct rpc_place {
	const char *path; /* Of a unix socket; NULL: over the network. */
	const char *host;
	uint16_t port;
	const struct rpc_login *login; /* NULL: none. */
};

struct rpc_socket {
	struct rpc_socket *next; /* The pool's. */
	uint64_t generation;     /* The pool's. */
	int fd;
	uint16_t port; /* Where it goes, over the network; the pool's. */
	size_t sent;   /* Of channel.output. */
	struct rpc_channel channel;
};

/* Connect and bind.  -ESTALE: the server does not have that group. */
int rpc_socket_open(const struct rpc_place *place, const struct pdu_syntax *interface, uint32_t group,
    const struct rpc_wait *wait, struct rpc_socket **ret);
void rpc_socket_close(struct rpc_socket *s); /* NULL is allowed. */
DEFINE_FREEP(struct rpc_socket, rpc_socket_close)

/* The server has not closed it, as far as the kernel knows. */
bool rpc_socket_is_alive(const struct rpc_socket *s);
/* One call.  *ret_usable: the connection can carry another one. */
int rpc_socket_call(struct rpc_socket *s, uint16_t opnum, const void *stub, size_t len, const struct rpc_wait *wait,
    struct buf *ret, bool *ret_usable);
