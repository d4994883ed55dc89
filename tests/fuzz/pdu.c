/* fuzz pdu: up to four connections of the RPC server fed with any bytes, cut anywhere.
 *
 * An input is a list of records: a byte, whose low 2 bits choose a connection and whose next 2 bits say what happens:
 *
 *	0  bytes arrive: u16 length, the bytes (fewer if the input ends)
 *	1  the connection is lost, and opened again as another client (bit 4: not local, 5: no access)
 *	2  the oldest waiting call is answered
 *	3  a minute passes
 *
 * Whatever comes, the server's own PDUs are well-formed, its buffers stay within their limits, and nothing is left.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { PEERS = 4, MEMORY = 1 << 20 };

static void read_all(struct peer *p)
{
	struct pdu pdu;

	while (peer_next(p, &pdu)) { /* It asserts that they are well-formed. */
	}
	assert(p->seen == p->received.len);
	buf_done(&p->received);
	p->seen = 0;
}

static void reopen(struct peer *p, struct echo *e, uint8_t kind)
{
	struct rpc_identity identity = kind & 0x20 ? peer_nobody : peer_reader;
	int r;

	identity.local = !(kind & 0x10);
	if (p->connection != NULL)
		peer_close(p);
	r = peer_open(p, e->server, &identity);
	assert(r == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rpc_limits limits = rpc_limits_default();
	struct cursor c = cursor_make(data, len);
	struct peer peers[PEERS] = { 0 };
	struct echo e;
	uint64_t now = 1;
	int r;

	limits.request_max = 100000;
	limits.output_max = 400000;
	limits.memory = MEMORY;
	limits.handles_per_group = 40;
	limits.arena = 300000;
	r = echo_init(&e, &limits);
	assert(r == 0);
	for (size_t i = 0; i < PEERS; i++)
		reopen(&peers[i], &e, 0);
	while (cursor_left(&c) > 0) {
		uint8_t kind = cursor_u8(&c);
		struct peer *p = &peers[kind % PEERS];
		size_t n;

		switch (kind >> 2 & 3) {
		case 0:
			n = cursor_u16(&c);
			n = MIN(n, cursor_left(&c));
			if (n > 0)
				peer_bytes(p, cursor_bytes(&c, n), n);
			break;
		case 1:
			reopen(p, &e, kind);
			break;
		case 2:
			if (e.waiting_count > 0)
				echo_release(&e, 0);
			break;
		default:
			now += UINT64_C(60000000000);
			for (size_t i = 0; i < PEERS; i++)
				rpc_connection_tick(peers[i].connection, now);
		}
		for (size_t i = 0; i < PEERS; i++)
			read_all(&peers[i]);
		assert(rpc_server_stats(e.server).memory <= MEMORY);
	}
	for (size_t i = 0; i < PEERS; i++)
		peer_close(&peers[i]);
	while (e.waiting_count > 0)
		echo_release(&e, 0);
	assert(rpc_server_stats(e.server).memory == 0);
	assert(rpc_server_stats(e.server).calls == 0);
	assert(rpc_server_stats(e.server).handles == 0);
	echo_done(&e);
	return 0;
}
