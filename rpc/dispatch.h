/* dispatch: calls whose arguments and answers are described in idl/: stub bytes to structs and back, on both sides.
 * See dispatch.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/call.h"
#include "rpc/client.h"
#include "wire/ndr.h"

/* Server.  A call with its arguments decoded; in and out are structs as generated, in the call's arena. */
struct rpc_request {
	struct rpc_call *call;
	const struct ndr_method *method;
	unsigned version; /* Major version of the interface. */
	const void *in;
	void *out; /* Zeroed, but for what the request fixes. */
};

/* On failure the call has been answered with the right fault, and is gone: no such method, bad stub data, no memory. */
int rpc_request_begin(struct rpc_call *call, const struct ndr_interface *interface, struct rpc_request *ret);
/* Encode *out and answer; the call is gone.  An answer that breaks its description (a bug of the handler) becomes a
 * fault, and is returned to be logged. */
int rpc_request_reply(struct rpc_request *r);

/* Client.  One method: *in goes out, the answer comes into *out (a zeroed struct as generated), what it points to into
 * the arena.  Errors as rpc_client_call(); also -EINVAL: *in breaks the description, ERR_RPC_X_BAD_STUB_DATA: the
 * answer does, ERR_RPC_S_PROCNUM_OUT_OF_RANGE: that version of the interface has no such method. */
struct rpc_invocation {
	const struct ndr_interface *interface;
	unsigned version, number;
	const void *in;
	void *out;
	struct arena *arena;
	int timeout_ms;
	struct rpc_cancel *cancel;
	bool patient;
};
int rpc_client_invoke(struct rpc_client *c, const struct rpc_invocation *i);
/* The syntax to bind to. */
struct pdu_syntax rpc_interface_syntax(const struct ndr_interface *interface, unsigned version);
