/* rpc_peer: see rpc_peer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rpc_peer.h"

const struct rpc_identity peer_root = { .local = true, .access = RPC_ACCESS_ALL };
const struct rpc_identity peer_reader = { .local = true, .access = RPC_ACCESS_READ, .uid = 1000, .gid = 1000 };
const struct rpc_identity peer_nobody = { .local = true, .access = RPC_ACCESS_NONE, .uid = 65534, .gid = 65534 };

static void wake(void *data)
{
	struct peer *p = data;
	struct buf output;

	p->wakes++;
	if (p->deaf || p->connection == NULL)
		return;
	output = rpc_connection_take_output(p->connection);
	buf_append(&p->received, output.data, output.len);
	rpc_connection_sent(p->connection, output.len);
	buf_done(&output);
}

int peer_open(struct peer *p, struct rpc_server *s, const struct rpc_identity *identity)
{
	struct rpc_transport transport = { .wake = wake, .data = p, .address = "socket" };

	*p = (struct peer){ 0 };
	return rpc_connection_new(s, identity, &transport, &p->connection);
}

int peer_open_remote(struct peer *p, struct rpc_server *s, unsigned x, unsigned y, bool anonymous_door)
{
	struct rpc_transport transport = {
		.wake = wake, .data = p, .address = "1025", .anonymous_door = anonymous_door, .host = { 192, 0, 2, 7 }
	};
	struct rpc_identity identity = { .uid = 65534,
		.address = { [10] = 0xff, [11] = 0xff, [12] = 10, [14] = (uint8_t)x, [15] = (uint8_t)y } };

	*p = (struct peer){ 0 };
	return rpc_connection_new(s, &identity, &transport, &p->connection);
}

void peer_close(struct peer *p)
{
	struct rpc_connection *c = p->connection;

	p->connection = NULL;
	rpc_connection_free(c);
	buf_done(&p->out);
	buf_done(&p->received);
}

void peer_bytes(struct peer *p, const void *data, size_t len)
{
	rpc_connection_input(p->connection, data, len);
}

void peer_send(struct peer *p)
{
	peer_bytes(p, p->out.data, p->out.len);
	buf_done(&p->out);
}

bool peer_next(struct peer *p, struct pdu *ret)
{
	size_t left = p->received.len - p->seen, len;
	int r;

	if (left < PDU_HEADER_SIZE)
		return false;
	len = get_le16(p->received.data + p->seen + 8);
	if (left < len)
		return false;
	r = pdu_decode(p->received.data + p->seen, len, ret);
	assert(r == 0);
	p->seen += len;
	return true;
}

bool peer_is_over(const struct peer *p)
{
	return rpc_connection_is_over(p->connection, NULL);
}

void peer_put_bind(struct peer *p, unsigned flags, const struct pdu_syntax *interface, uint32_t group)
{
	size_t start = pdu_begin(&p->out, PDU_BIND, PDU_FIRST | PDU_LAST | flags, 1);

	pdu_put_bind(&p->out, 4280, group, p->context_id, interface);
	pdu_end(&p->out, start, 0);
}

uint32_t peer_bind(struct peer *p, const struct pdu_syntax *interface, uint32_t group)
{
	struct pdu pdu;

	peer_put_bind(p, 0, interface, group);
	peer_send(p);
	if (!peer_next(p, &pdu) || pdu.header.type != PDU_BIND_ACK || pdu.ack.results[0].result != PDU_ACCEPTED)
		return 0;
	return pdu.ack.group;
}

void peer_put_request(struct peer *p, unsigned flags, uint32_t call_id, uint16_t opnum, const void *stub, size_t len)
{
	size_t start = pdu_begin(&p->out, PDU_REQUEST, flags, call_id);

	pdu_put_stub_header(&p->out, len, p->context_id, opnum);
	if (flags & PDU_OBJECT)
		buf_append_zeros(&p->out, 16);
	buf_append(&p->out, stub, len);
	pdu_end(&p->out, start, 0);
}

void peer_request(struct peer *p, unsigned flags, uint32_t call_id, uint16_t opnum, const void *stub, size_t len)
{
	peer_put_request(p, flags, call_id, opnum, stub, len);
	peer_send(p);
}

bool peer_call(struct peer *p, uint32_t call_id, uint16_t opnum, const void *stub, size_t len, struct pdu *ret)
{
	peer_request(p, PDU_FIRST | PDU_LAST, call_id, opnum, stub, len);
	return peer_next(p, ret);
}
