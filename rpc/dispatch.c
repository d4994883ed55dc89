/* dispatch: calls whose arguments and answers are described in idl/: stub bytes to structs and back, on both sides.
 *
 * Why      rpc/ carries bytes and wire/ codes them; what happens between the two when a method does not exist or bytes
 *          break their description must be the same for every interface (MS-CMRP asks for these very faults).
 * How      server: rpc_request_begin() decodes into the call's arena; the handler fills *out now or later;
 *          rpc_request_reply() encodes it.  Client: rpc_client_invoke() does the same the other way round.
 * Limits   the arena of a call (struct rpc_limits); an encoded answer has reply_max, a request what the server takes.
 * Threads  the server's half: the loop's; the client's half: any.     Tests  tests/unit/rpc_dispatch.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/dispatch.h"

int rpc_request_begin(struct rpc_call *call, const struct ndr_interface *interface, struct rpc_request *ret)
{
	struct rpc_request request = { .call = call, .version = call->interface->syntax.major };
	void *in;
	int r = 0;

	request.method = ndr_method(interface, request.version, call->opnum);
	if (request.method == NULL) {
		rpc_call_fault(call, FAULT_OP_RANGE);
		return ERR_RPC_S_PROCNUM_OUT_OF_RANGE;
	}
	request.in = in = arena_alloc_zero(&call->arena, request.method->in->size);
	request.out = arena_alloc_zero(&call->arena, request.method->out->size);
	if (in == NULL || request.out == NULL)
		r = -ENOMEM;
	if (r == 0)
		r = ndr_pull(request.method->in, request.version, call->stub.data, call->stub.len, &call->arena, in);
	if (r < 0) {
		rpc_call_fail(call, r);
		return r;
	}
	ndr_begin_answer(request.method, in, request.out);
	*ret = request;
	return 0;
}

int rpc_request_reply(struct rpc_request *r)
{
	_cleanup_(buf_done) struct buf stub = { 0 };
	int error = ndr_push(r->method->out, r->version, r->out, &stub);

	if (error < 0)
		rpc_call_fail(r->call, error);
	else
		rpc_call_reply(r->call, stub.data, stub.len);
	return error;
}

int rpc_client_invoke(struct rpc_client *c, const struct rpc_invocation *i)
{
	const struct ndr_method *method = ndr_method(i->interface, i->version, i->number);
	_cleanup_(buf_wipe) struct buf stub = { 0 }; /* It may hold a passphrase. */
	_cleanup_(buf_done) struct buf answer = { 0 };
	struct rpc_client_call call = { .opnum = (uint16_t)i->number,
		.timeout_ms = i->timeout_ms,
		.cancel = i->cancel,
		.patient = i->patient };
	int r;

	if (method == NULL)
		return ERR_RPC_S_PROCNUM_OUT_OF_RANGE;
	r = ndr_push(method->in, i->version, i->in, &stub);
	if (r < 0)
		return r;
	call.stub = stub.data;
	call.len = stub.len;
	r = rpc_client_call(c, &call, &answer);
	if (r < 0)
		return r;
	r = ndr_pull(method->out, i->version, answer.data, answer.len, i->arena, i->out);
	return r < 0 ? r : ndr_check_answer(method, i->in, i->out);
}

struct pdu_syntax rpc_interface_syntax(const struct ndr_interface *interface, unsigned version)
{
	struct pdu_syntax syntax = { .uuid = interface->uuid, .major = (uint16_t)version };

	for (size_t i = 0; i < ARRAY_SIZE(interface->versions); i++)
		if (interface->versions[i].major == version)
			syntax.minor = interface->versions[i].minor;
	return syntax;
}
