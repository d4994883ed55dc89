/* call: one call as its handler sees it.  See call.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/arena.h"
#include "rpc/server.h"

struct rpc_association;

struct rpc_call {
	/* For the handler. */
	const struct rpc_interface *interface;
	const struct rpc_identity *identity; /* Of the caller. */
	uint16_t opnum;
	struct buf stub;    /* The arguments as they came; lives as long as the call. */
	struct arena arena; /* Freed with the call. */
	void *user;         /* The handler's own; NULL at first. */

	/* The runtime's. */
	struct rpc_association *association; /* Referenced. */
	struct rpc_account *account;         /* Referenced; the stub counts there. */
	struct rpc_connection *connection;   /* NULL: nobody waits for the answer any more. */
	struct rpc_call *next, **previous;   /* In the connection's list. */
	uint32_t call_id;
	uint16_t context_id;
	size_t charged; /* Bytes of the stub that count in the server's memory. */
	bool wants_reply, dispatched, cancelled;
	void (*on_cancel)(struct rpc_call *call);
};

/* Complete the call, once; it is freed.  Works also when the caller has gone.  The stub is copied.  A reply over the
 * limit becomes a fault. */
void rpc_call_reply(struct rpc_call *call, const void *stub, size_t len);
/* status is an enum pdu_status or a Windows code. */
void rpc_call_fault(struct rpc_call *call, uint32_t status);
/* The fault that says the same as one of our errors. */
void rpc_call_fail(struct rpc_call *call, int error);

/* Be told, at most once, when nobody wants the answer any more: the client cancelled, or its connection broke.  The
 * call must be completed all the same; the callback may do so.  A call that is cancelled already is not told again: see
 * call->cancelled. */
void rpc_call_on_cancel(struct rpc_call *call, void (*on_cancel)(struct rpc_call *call));
