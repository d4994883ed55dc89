/* rpc_echo: see rpc_echo.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rpc_echo.h"

const struct pdu_syntax echo_syntax = { { { 0xec, 0x40, 1 } }, 3, 1 };
const struct pdu_syntax echo_other_syntax = { { { 0xec, 0x40, 2 } }, 1, 0 };

struct echo_object {
	struct echo *echo;
};

static void run_down(void *object)
{
	struct echo_object *o = object;

	o->echo->rundown_count++;
	free(o);
}

static const struct rpc_handle_type types[] = { { "thing", run_down }, { "other thing", run_down } };

static void open_handle(struct echo *e, struct rpc_call *call)
{
	struct echo_object *o = malloc(sizeof(*o));
	struct rpc_handle h;
	int r;

	if (o == NULL) {
		rpc_call_fail(call, -ENOMEM);
		return;
	}
	o->echo = e;
	r = rpc_handle_new(call, &types[get_le32(call->stub.data) % 2], o, get_le32(call->stub.data + 4), &h);
	if (r < 0) {
		free(o);
		rpc_call_fail(call, r);
		return;
	}
	rpc_call_reply(call, h.bytes, sizeof(h.bytes));
}

static void use_handle(struct rpc_call *call)
{
	struct rpc_handle_value value;
	struct rpc_handle h;
	uint8_t reply[4];
	int r;

	memcpy(h.bytes, call->stub.data, sizeof(h.bytes));
	if (call->opnum == ECHO_CLOSE) {
		r = rpc_handle_close(call, &h, &types[0], &value);
		if (r == 0) {
			free(value.object);
			rpc_call_reply(call, h.bytes, sizeof(h.bytes));
			return;
		}
	} else {
		r = rpc_handle_find(call, &h, call->opnum == ECHO_USE ? &types[0] : NULL, &value);
	}
	if (r < 0) {
		rpc_call_fail(call, r);
		return;
	}
	put_le32(reply, call->opnum == ECHO_USE ? value.access : (uint32_t)(value.type - types));
	rpc_call_reply(call, reply, sizeof(reply));
}

static void cancelled(struct rpc_call *call)
{
	struct echo *e = call->user;

	e->cancel_count++;
	for (unsigned i = 0; e->fail_on_cancel && i < e->waiting_count; i++) {
		if (e->waiting[i] != call)
			continue;
		e->waiting_count--;
		memmove(&e->waiting[i], &e->waiting[i + 1], (e->waiting_count - i) * sizeof(call));
		rpc_call_fail(call, ERR_CANCELLED);
		return;
	}
}

static void wait_for_release(struct echo *e, struct rpc_call *call)
{
	if (e->waiting_count == ARRAY_SIZE(e->waiting)) {
		rpc_call_fault(call, FAULT_TOO_BUSY);
		return;
	}
	call->user = e;
	e->waiting[e->waiting_count++] = call;
	rpc_call_on_cancel(call, cancelled);
}

static void repeat(struct rpc_call *call)
{
	size_t len = get_le32(call->stub.data);
	uint8_t *bytes = arena_alloc(&call->arena, len);

	if (bytes == NULL) {
		rpc_call_fail(call, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)i;
	rpc_call_reply(call, bytes, len);
}

static void tell_account(struct rpc_call *call)
{
	uint8_t reply[8 + RPC_NAME_MAX];
	size_t len = strlen(call->identity->name);

	put_le32(reply, call->identity->access);
	put_le32(reply + 4, call->identity->kind);
	memcpy(reply + 8, call->identity->name, len);
	rpc_call_reply(call, reply, 8 + len);
}

static void dispatch(struct rpc_call *call, void *data)
{
	static const size_t least[ECHO_OPNUM_COUNT] = { 0, 0, 4, 8, 20, 20, 20, 4, 0, 0 };
	struct echo *e = data;
	uint8_t uid[4];

	e->call_count++;
	if (call->opnum >= ECHO_OPNUM_COUNT) {
		rpc_call_fault(call, FAULT_OP_RANGE);
		return;
	}
	if (call->stub.len < least[call->opnum]) {
		rpc_call_fault(call, FAULT_BAD_STUB);
		return;
	}
	switch ((enum echo_opnum)call->opnum) {
	case ECHO_ECHO:
		rpc_call_reply(call, call->stub.data, call->stub.len);
		break;
	case ECHO_WAIT:
		wait_for_release(e, call);
		break;
	case ECHO_FAULT:
		rpc_call_fault(call, get_le32(call->stub.data));
		break;
	case ECHO_OPEN:
		open_handle(e, call);
		break;
	case ECHO_REPEAT:
		repeat(call);
		break;
	case ECHO_WHO:
		put_le32(uid, call->identity->uid);
		rpc_call_reply(call, uid, sizeof(uid));
		break;
	case ECHO_ACCOUNT:
		tell_account(call);
		break;
	default:
		use_handle(call);
	}
}

static void not_random(void *data, void *bytes, size_t len)
{
	memset(bytes, 0xa5, len);
}

int echo_init(struct echo *e, const struct rpc_limits *limits)
{
	int r;

	*e = (struct echo){
		.interface = { .name = "echo", .syntax = echo_syntax, .dispatch = dispatch, .data = e },
		.other = { .name = "other",
		    .syntax = echo_other_syntax,
		    .local_only = true,
		    .dispatch = dispatch,
		    .data = e },
	};
	r = rpc_server_new(limits, not_random, NULL, &e->server);
	if (r < 0)
		return r;
	r = rpc_server_add_interface(e->server, &e->interface);
	assert(r == 0);
	r = rpc_server_add_interface(e->server, &e->other);
	assert(r == 0);
	r = rpc_server_add_provider(e->server, &rpc_security_ncalrpc);
	assert(r == 0);
	return 0;
}

void echo_done(struct echo *e)
{
	while (e->waiting_count > 0)
		echo_release(e, 0);
	rpc_server_free(e->server);
}

void echo_release(struct echo *e, unsigned place)
{
	struct rpc_call *call = e->waiting[place];

	assert(place < e->waiting_count);
	e->waiting_count--;
	memmove(&e->waiting[place], &e->waiting[place + 1], (e->waiting_count - place) * sizeof(call));
	rpc_call_reply(call, call->stub.data, call->stub.len);
}
