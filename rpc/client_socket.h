/* client_socket: one connection of the blocking client, for several threads at a time.  See client_socket.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/channel.h"
#include "rpc/client.h"
#include <pthread.h>

/* Where a connection goes, and as whom.  All borrowed. */
struct rpc_place {
	const char *path; /* Of a unix socket; NULL: over the network. */
	const char *host;
	uint16_t port;
	const struct rpc_login *login; /* NULL: none. */
};

struct rpc_socket {
	/* The pool's. */
	struct rpc_socket *next;
	uint64_t generation;
	unsigned users; /* Threads that make a call, or are about to. */
	bool listed;    /* The pool gives it to callers. */
	bool patient;   /* For calls that may take for ever. */
	uint16_t port;  /* Where it goes, over the network. */

	int fd, kick;     /* kick: an eventfd that makes the leader look up; -1 where there is one call at a time. */
	atomic_bool dead; /* Not for further calls.  Set under the lock. */

	pthread_mutex_t lock; /* Of all below. */
	struct rpc_channel channel;
	struct buf out; /* Taken from the channel, and sent up to out_at. */
	size_t out_at;
	uint64_t sent_total;     /* Bytes that the kernel took. */
	uint64_t answered_total; /* Where the last request ends that was answered. */
	int send_error, break_error;
	bool led;     /* A thread reads for all. */
	bool sending; /* A thread sends for all. */
	bool blocked; /* The kernel does not take what is left in out. */
	bool kicked, broken;
};

/* Connect and bind.  -ESTALE: the server does not have that group.  ERR_RPC_S_SERVER_TOO_BUSY: it says so, or has hung up
 * instead of an answer, as ours does beyond its limits. */
int rpc_socket_open(const struct rpc_place *place, const struct pdu_syntax *interface, uint32_t group,
    const struct rpc_wait *wait, struct rpc_socket **ret);
void rpc_socket_close(struct rpc_socket *s); /* No call may be in flight.  NULL is allowed. */
DEFINE_FREEP(struct rpc_socket, rpc_socket_close)

/* The server has not closed it, as far as the kernel knows. */
bool rpc_socket_is_alive(const struct rpc_socket *s);
/* Calls that it carries at a time. */
unsigned rpc_socket_room(const struct rpc_socket *s);
/* One call, from any thread; not more than there is room for. */
int rpc_socket_call(
    struct rpc_socket *s, uint16_t opnum, const void *stub, size_t len, const struct rpc_wait *wait, struct buf *ret);
/* The calls that wait with this cancel, which has been fired, look at it. */
void rpc_socket_cancel(struct rpc_socket *s, const struct rpc_cancel *cancel);
