/* channel: the pure RPC client: one connection, and the calls on it.  See channel.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/security.h"

enum rpc_channel_state {
	CHANNEL_BINDING,
	CHANNEL_READY,
	CHANNEL_BROKEN, /* error says why; nothing more can be done with it. */
};

enum { RPC_REPLY_MAX = 64 << 20, RPC_FRAGMENT_LOCAL = 65528, RPC_FRAGMENT_TCP = 5840 };
/* Calls at a time, with a server that takes several: as many as ours does. */
enum { RPC_CHANNEL_CALLS = 16 };

/* One call from its request to its answer; its owner's, and not moved meanwhile. */
struct rpc_channel_call {
	struct rpc_channel_call *next, **previous; /* In one of the channel's lists; previous NULL: in none. */
	uint32_t id;
	bool receiving, answered;
	int error; /* It was answered with a fault. */
	struct buf reply;
};

struct rpc_channel {
	enum rpc_channel_state state;
	int error;
	uint32_t group;    /* Of the server; known after the bind. */
	struct buf output; /* To be sent, in full; the owner empties it. */

	struct pdu_syntax interface;
	uint16_t fragment_max; /* Offered, later agreed. */
	uint32_t call_id;      /* Of the latest call, or of the bind. */
	bool has_group;
	unsigned calls_max;                /* Known after the bind: 1, or RPC_CHANNEL_CALLS. */
	unsigned call_count;               /* Not answered. */
	struct rpc_channel_call *calls;    /* Not answered; the latest is the first. */
	struct rpc_channel_call *answered; /* Until their answers are taken. */
	struct rpc_security *security;     /* Owned; never NULL. */
	struct buf input;
};

/* Begins to bind; group 0 makes a new association group.  security NULL: none; it is owned from here on, also on
 * failure.  -ENOMEM, or what the security says. */
int rpc_channel_init(struct rpc_channel *ch, const struct pdu_syntax *interface, uint32_t group, uint16_t fragment_max,
    struct rpc_security *security);
void rpc_channel_done(struct rpc_channel *ch);

/* Bytes as they arrive. */
void rpc_channel_input(struct rpc_channel *ch, const void *data, size_t len);
/* In READY, and with fewer than calls_max calls that are not answered.  *call is made; it stays in the channel until its
 * answer is taken, it is forgotten, or the channel ends.  The stub is copied into the output.  -ENOMEM: there is no call;
 * the channel may be broken, if its protection counts what could not be sent. */
int rpc_channel_call(
    struct rpc_channel *ch, struct rpc_channel_call *call, uint16_t opnum, const void *stub, size_t len);
/* Of an answered call; the caller owns *ret if the result is 0.  A fault is its error. */
int rpc_channel_take_reply(struct rpc_channel *ch, struct rpc_channel_call *call, struct buf *ret);
/* Nobody waits for this call any more.  tell: the server hears of it, behind what is in the output; an answer that comes
 * all the same is ignored. */
void rpc_channel_forget(struct rpc_channel *ch, struct rpc_channel_call *call, bool tell);
