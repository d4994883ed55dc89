/* rpc_peer: the other end of a pure server connection, byte by byte, for tests.
 *
 *	struct peer p;
 *	peer_open(&p, server, &identity);
 *	peer_bind(&p, &echo_syntax, 0);
 *	peer_request(&p, PDU_FIRST | PDU_LAST, 2, ECHO_ECHO, "hello", 5);
 *	CHECK(peer_next(&p, &pdu));
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/server.h"

struct peer {
	struct rpc_connection *connection;
	struct buf out;      /* What the test has built and not sent. */
	struct buf received; /* Everything that has come. */
	size_t seen;         /* Of received. */
	uint16_t context_id; /* For peer_request(); 0. */
	bool deaf;           /* Takes no output. */
	unsigned wakes;
};

extern const struct rpc_identity peer_root, peer_reader, peer_nobody;

int peer_open(struct peer *p, struct rpc_server *s, const struct rpc_identity *identity);
/* From the network: a stranger at 10.0.X.Y, at a door of that kind. */
int peer_open_remote(struct peer *p, struct rpc_server *s, unsigned x, unsigned y, bool anonymous_door);
void peer_close(struct peer *p);
void peer_send(struct peer *p); /* p->out, and empties it. */
void peer_bytes(struct peer *p, const void *data, size_t len);
/* The next PDU of the server; false if there is none.  It borrows until more comes. */
bool peer_next(struct peer *p, struct pdu *ret);
bool peer_is_over(const struct peer *p);
void peer_put_bind(struct peer *p, unsigned flags, const struct pdu_syntax *interface, uint32_t group);
/* Bind, and take the answer: the group, or 0 if it was refused. */
uint32_t peer_bind(struct peer *p, const struct pdu_syntax *interface, uint32_t group);
void peer_put_request(struct peer *p, unsigned flags, uint32_t call_id, uint16_t opnum, const void *stub, size_t len);
void peer_request(struct peer *p, unsigned flags, uint32_t call_id, uint16_t opnum, const void *stub, size_t len);
/* One whole call; the response or fault. */
bool peer_call(struct peer *p, uint32_t call_id, uint16_t opnum, const void *stub, size_t len, struct pdu *ret);
