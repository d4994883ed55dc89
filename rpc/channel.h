/* channel: the pure RPC client: one connection, one call at a time.  See channel.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/security.h"

enum rpc_channel_state {
	CHANNEL_BINDING,
	CHANNEL_READY,
	CHANNEL_CALLING,
	CHANNEL_ANSWERED, /* error and reply are the answer: rpc_channel_take_reply(). */
	CHANNEL_BROKEN,   /* error says why; nothing more can be done with it. */
};

enum { RPC_REPLY_MAX = 64 << 20, RPC_FRAGMENT_LOCAL = 65528, RPC_FRAGMENT_TCP = 5840 };

struct rpc_channel {
	enum rpc_channel_state state;
	int error;
	uint32_t group;    /* Of the server; known after the bind. */
	struct buf output; /* To be sent, in full; the owner empties it. */

	struct pdu_syntax interface;
	uint16_t fragment_max; /* Offered, later agreed. */
	uint32_t call_id;      /* Of the latest call, or of the bind. */
	bool has_group, receiving;
	struct rpc_security *security; /* Owned; never NULL. */
	struct buf input, reply;
};

/* Begins to bind; group 0 makes a new association group.  security NULL: none; it is owned from here on, also on
 * failure.  -ENOMEM, or what the security says. */
int rpc_channel_init(struct rpc_channel *ch, const struct pdu_syntax *interface, uint32_t group, uint16_t fragment_max,
    struct rpc_security *security);
void rpc_channel_done(struct rpc_channel *ch);

/* Bytes as they arrive. */
void rpc_channel_input(struct rpc_channel *ch, const void *data, size_t len);
/* In READY only.  The stub is copied into the output.  On failure the channel is broken. */
int rpc_channel_call(struct rpc_channel *ch, uint16_t opnum, const void *stub, size_t len);
/* In ANSWERED only: READY again; the caller owns *ret if the result is 0.  A fault is its error. */
int rpc_channel_take_reply(struct rpc_channel *ch, struct buf *ret);
/* In CALLING only, when all output has left: the server is told, an answer that comes all the same is ignored. */
int rpc_channel_abandon(struct rpc_channel *ch);
