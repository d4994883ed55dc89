/* rpc_echo: a small RPC interface for tests: it echoes, waits, faults, and hands out context handles.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/context.h"

enum echo_opnum {
	ECHO_ECHO,    /* The stub back. */
	ECHO_WAIT,    /* Answered by echo_release(): the stub back. */
	ECHO_FAULT,   /* u32 status: fails with it. */
	ECHO_OPEN,    /* u32 type (0, 1), u32 access → handle. */
	ECHO_USE,     /* handle of type 0 → u32 access. */
	ECHO_USE_ANY, /* handle → u32 type. */
	ECHO_CLOSE,   /* handle of type 0 → handle (NULL). */
	ECHO_REPEAT,  /* u32 n → n bytes, the low bytes of their offsets. */
	ECHO_WHO,     /* → u32 uid. */
	ECHO_ACCOUNT, /* → u32 access, u32 kind, text. */
	ECHO_OPNUM_COUNT,
};

struct echo {
	struct rpc_server *server;
	struct rpc_interface interface, other; /* The same functions under two UUIDs. */
	struct rpc_call *waiting[64];          /* In order of arrival. */
	unsigned waiting_count, cancel_count, rundown_count, call_count;
	bool fail_on_cancel; /* A cancelled wait is answered at once. */
};

/* A server with both interfaces and the ncalrpc mechanism. */
int echo_init(struct echo *e, const struct rpc_limits *limits);
void echo_done(struct echo *e);
/* Answers the call at that place; the others move up. */
void echo_release(struct echo *e, unsigned place);

extern const struct pdu_syntax echo_syntax, echo_other_syntax;
