/* server_private: what the files of the server share and nobody else sees.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/account.h"
#include "rpc/association.h"

struct rpc_server {
	struct rpc_account *accounts;
	struct rpc_limits limits;
	uint64_t nonce; /* In every context handle. */
	const struct rpc_interface *interfaces[RPC_INTERFACES_MAX];
	const struct rpc_security_provider *providers[RPC_PROVIDERS_MAX];
	unsigned interface_count, provider_count;
	struct rpc_connection *connections;
	struct rpc_association *associations;
	uint32_t last_group_id, last_serial;
	struct rpc_server_stats stats;
	int (*admit)(void *data, struct rpc_identity *identity); /* Or NULL. */
	void *admit_data;
};
/* rpc_server_set_admission()'s, asked. */
int rpc_server_admit(struct rpc_server *s, struct rpc_identity *identity);

/* A presentation context: the number by which requests name an interface. */
struct rpc_presentation {
	const struct rpc_interface *interface; /* NULL: unused. */
	uint16_t id;
};

enum rpc_connection_state {
	CONNECTION_FRESH, /* Nothing but bind makes sense. */
	CONNECTION_BOUND,
	CONNECTION_OVER, /* What is in output may still be sent. */
};

struct rpc_connection {
	struct rpc_server *server;
	struct rpc_connection *next, **previous;
	struct rpc_transport transport;
	struct rpc_identity identity;
	struct rpc_account *account; /* Referenced. */
	enum rpc_connection_state state;
	const char *why; /* It is over. */

	struct rpc_association *association; /* NULL until bound. */
	uint32_t wanted_group;               /* Where a stranger goes once he is authenticated; 0: he stays. */
	struct rpc_presentation presentations[PDU_CONTEXTS_MAX];
	uint16_t fragment_max;
	bool multiplex;

	struct rpc_security *security; /* Never NULL; owned. */
	bool security_failed;          /* In an auth3: it is never done now, and the next request is told so. */
	bool waits;                    /* For a step that takes time: its PDU stays in input, what follows is held. */

	struct buf input;  /* Less than one PDU, or the one that waits. */
	struct buf held;   /* What has come behind it: at most RPC_HELD_MAX. */
	struct buf output; /* Not yet taken. */
	size_t unsent;     /* Bytes in output, and taken but not sent. */
	bool waking;       /* wake() has been called, the output has not been taken since. */

	struct rpc_call *calls; /* Partly received, or in flight. */
	size_t call_count, partial_count;

	/* Times are those of rpc_connection_tick(); 0 = not since the last tick. */
	uint64_t stranger_since, owing_since, unread_since, idle_since;
};

/* connection.c */
void rpc_connection_end(struct rpc_connection *c, const char *why);
void rpc_connection_fault(struct rpc_connection *c, uint32_t call_id, uint16_t context_id, uint32_t status);
/* After something has been put into c->output, where it ended at len before: accounts for it, applies the limits and
 * wakes the transport. */
void rpc_connection_flush(struct rpc_connection *c, size_t len);

/* The security has told who it is.  ERR_RPC_S_SERVER_TOO_BUSY: a limit; -ENOMEM. */
int rpc_connection_admit(struct rpc_connection *c);

/* struct rpc_security.ready(); data is the connection: its step can be made now. */
void rpc_connection_resume(void *data);

/* bind.c */
void rpc_connection_bind(struct rpc_connection *c, const struct pdu *pdu);
void rpc_connection_auth3(struct rpc_connection *c, const struct pdu *pdu);

/* request.c */
void rpc_connection_request(struct rpc_connection *c, uint8_t *data, const struct pdu *pdu);
struct rpc_call *rpc_connection_find_call(struct rpc_connection *c, uint32_t call_id);

/* call.c */
int rpc_call_new(
    struct rpc_connection *c, const struct rpc_interface *interface, const struct pdu *pdu, struct rpc_call **ret);
/* Nobody waits for it any more: a call in flight is told and completed later, a partly received one is freed. */
void rpc_call_abandon(struct rpc_call *call);
void rpc_call_cancel(struct rpc_call *call);
