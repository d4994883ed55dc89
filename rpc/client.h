/* client: calls from any number of threads to one interface of one server.  See client.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/pdu.h"
#include "rpc/wait.h"

struct rpc_client;

enum { RPC_CLIENT_CONNECTIONS = 64, RPC_CLIENT_IDLE = 8, RPC_CLIENT_CONNECT_MS = 30000 };

/* Fire it from any thread, before or during the call, to make the call end with ERR_CANCELLED. */
int rpc_cancel_init(struct rpc_cancel *cancel);
void rpc_cancel_done(struct rpc_cancel *cancel);
void rpc_cancel_fire(struct rpc_client *c, struct rpc_cancel *cancel);

/* How a client proves who it is, over the network.  make() is called for each connection, from any thread, and gives an
 * initiator at level privacy, with its type and level set.  Embedded in whoever implements it. */
struct rpc_security;
struct rpc_login {
	int (*make)(const struct rpc_login *login, const char *host, struct rpc_security **ret);
};

/* A server on the network; port 0: its endpoint mapper is asked. */
struct rpc_client_host {
	const char *name; /* Or address; at most RPC_HOST_MAX bytes. */
	uint16_t port;
};
enum { RPC_CLIENT_HOSTS = 64, RPC_HOST_MAX = 255 };

struct rpc_client_config {
	const char *path; /* Of the unix socket; copied.  NULL: over the network. */
	/* Copied; at least one, at most RPC_CLIENT_HOSTS.  Any of them serves: a new group is founded at the one that
	 * answers first, beginning with the one that answered last. */
	const struct rpc_client_host *hosts;
	size_t host_count;
	uint16_t mapper_port;          /* 0 = 135. */
	const struct rpc_login *login; /* Borrowed; NULL: none, which servers refuse. */
	struct pdu_syntax interface;
	unsigned connections_max; /* 0 = RPC_CLIENT_CONNECTIONS.  Calls beyond what these carry wait for one of them. */
	/* For connecting, binding, waiting for a free connection, and for a server that is too busy to be less so; 0 =
	 * RPC_CLIENT_CONNECT_MS. */
	int connect_ms;
	bool stateless; /* The interface has no context handles: connections that nobody uses are not kept. */
	/* Given, or NULL: asked on the thread that is about to make a connection, which is not made unless it says 0; the call
	 * that needed it ends with what it says.  It may not block, nor call this client. */
	int (*may_connect)(void *data);
	void *data;
};

/* Does not connect yet. */
int rpc_client_new(const struct rpc_client_config *config, struct rpc_client **ret);
/* No call may be in flight.  The server runs this client's handles down. */
void rpc_client_free(struct rpc_client *c);
/* More servers that serve the same; those that are known already are left out, as are those beyond RPC_CLIENT_HOSTS. */
int rpc_client_add_host(struct rpc_client *c, const struct rpc_client_host *host);
DEFINE_FREEP(struct rpc_client, rpc_client_free)

struct rpc_client_call {
	uint16_t opnum;
	const void *stub;
	size_t len;
	int timeout_ms;            /* 0 = none. */
	struct rpc_cancel *cancel; /* May be NULL. */
	bool patient;              /* It may take for ever: it shares no connection with calls that do not. */
};

/* One call; *ret_stub is the caller's (buf_done()), and untouched on failure.
 *
 *	ERR_RPC_S_SERVER_UNAVAILABLE  nobody listens
 *	ERR_EPT_S_NOT_REGISTERED      an endpoint mapper answers, and does not know the interface
 *	ERR_RPC_S_SERVER_TOO_BUSY     a limit, here or there, for all of connect_ms
 *	ERR_RPC_S_UNKNOWN_IF          it does not have this interface
 *	ERR_RPC_S_CALL_FAILED_DNE     it broke before it could be executed
 *	ERR_RPC_S_CALL_FAILED         it broke later: nobody knows
 *	ERR_RPC_S_PROTOCOL_ERROR      the server makes no sense
 *	ERR_ACCESS_DENIED             by the socket or a fault
 *	ERR_TIMEOUT, ERR_CANCELLED    the server is told, but may have executed it
 *	and every fault of the server: ERR_INVALID_HANDLE, ERR_RPC_X_BAD_STUB_DATA, ERR_RPC_S_PROCNUM_OUT_OF_RANGE … */
int rpc_client_call(struct rpc_client *c, const struct rpc_client_call *call, struct buf *ret_stub);

/* Over the network: the host where the group is does not serve for now.  The next call founds a group at another one, if
 * there is another. */
void rpc_client_move(struct rpc_client *c);
/* Changes whenever the association group was lost, and with it every context handle. */
uint64_t rpc_client_generation(struct rpc_client *c);
