/* client_socket: one connection of the blocking client: a channel over a descriptor.  See client_socket.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/channel.h"

struct rpc_wait {
	uint64_t deadline_ms; /* Of rpc_now_ms(); 0 = none. */
	int cancel_fd;        /* Readable: give up; -1 = none. */
};

struct rpc_socket {
	struct rpc_socket *next; /* The pool's. */
	uint64_t generation;     /* The pool's. */
	int fd;
	size_t sent; /* Of channel.output. */
	struct rpc_channel channel;
};

uint64_t rpc_now_ms(void);
/* 0, ERR_TIMEOUT or ERR_CANCELLED. */
int rpc_wait_check(const struct rpc_wait *wait);

/* Connect and bind.  -ESTALE: the server does not have that group. */
int rpc_socket_open(const char *path, const struct pdu_syntax *interface, uint32_t group, const struct rpc_wait *wait,
    struct rpc_socket **ret);
void rpc_socket_close(struct rpc_socket *s); /* NULL is allowed. */
DEFINE_FREEP(struct rpc_socket, rpc_socket_close)

/* The server has not closed it, as far as the kernel knows. */
bool rpc_socket_is_alive(const struct rpc_socket *s);
/* One call.  *ret_usable: the connection can carry another one. */
int rpc_socket_call(struct rpc_socket *s, uint16_t opnum, const void *stub, size_t len, const struct rpc_wait *wait,
    struct buf *ret, bool *ret_usable);
