/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"

enum { WHOLE = PDU_FIRST | PDU_LAST };

static void setup(struct echo *e, struct peer *p)
{
	struct rpc_limits limits = rpc_limits_default();

	CHECK_INT(echo_init(e, &limits), 0);
	CHECK_INT(peer_open(p, e->server, &peer_reader), 0);
}

static void teardown(struct echo *e, struct peer *p)
{
	struct rpc_server_stats stats;

	peer_close(p);
	while (e->waiting_count > 0)
		echo_release(e, 0);
	stats = rpc_server_stats(e->server);
	CHECK_INT(stats.connections, 0);
	CHECK_INT(stats.groups, 0);
	CHECK_INT(stats.handles, 0);
	CHECK_INT(stats.calls, 0);
	CHECK_INT(stats.memory, 0);
	echo_done(e);
}

static void check_reply(struct peer *p, uint32_t call_id, const void *stub, size_t len)
{
	struct pdu pdu;

	CHECK(peer_next(p, &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	CHECK_INT(pdu.header.call_id, call_id);
	CHECK_INT(pdu.header.flags & WHOLE, WHOLE);
	CHECK_INT(pdu.stub.len, len);
	CHECK_MEM(pdu.stub.data, stub, len);
}

static void check_fault(struct peer *p, uint32_t call_id, uint32_t status, bool did_nothing)
{
	struct pdu pdu;

	CHECK(peer_next(p, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK_INT(pdu.header.call_id, call_id);
	CHECK_INT(pdu.stub.status, status);
	CHECK_INT(pdu.stub.alloc_hint, 32);
	CHECK_INT(!!(pdu.header.flags & PDU_DID_NOT_EXECUTE), did_nothing);
}

TEST(a_client_binds_and_calls)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;
	uint8_t uid[4];

	setup(&e, &p);
	peer_put_bind(&p, 0, &echo_syntax, 0);
	peer_send(&p);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_BIND_ACK);
	CHECK_INT(pdu.ack.max_xmit, 4280);
	CHECK_INT(pdu.ack.max_recv, 4280);
	CHECK(pdu.ack.group != 0);
	CHECK_STR(pdu.ack.address, "socket");
	CHECK_INT(pdu.ack.result_count, 1);
	CHECK_INT(pdu.ack.results[0].result, PDU_ACCEPTED);
	CHECK(pdu_syntax_equal(&pdu.ack.results[0].transfer, &pdu_ndr20));

	peer_request(&p, WHOLE, 2, ECHO_ECHO, "hello", 5);
	check_reply(&p, 2, "hello", 5);
	peer_request(&p, WHOLE | PDU_OBJECT, 3, ECHO_ECHO, "object", 6);
	check_reply(&p, 3, "object", 6);
	peer_request(&p, WHOLE, 4, ECHO_ECHO, "", 0);
	check_reply(&p, 4, "", 0);
	peer_request(&p, WHOLE, 5, ECHO_WHO, "", 0);
	put_le32(uid, peer_reader.uid);
	check_reply(&p, 5, uid, 4);
	teardown(&e, &p);
}

TEST(a_call_that_wants_no_answer_gets_none)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, WHOLE | PDU_MAYBE, 2, ECHO_ECHO, "x", 1);
	CHECK(!peer_next(&p, &pdu));
	peer_request(&p, WHOLE | PDU_MAYBE, 3, 99, "x", 1);
	CHECK(!peer_next(&p, &pdu));
	CHECK_INT(e.call_count, 2);
	teardown(&e, &p);
}

TEST(each_context_of_a_bind_is_answered_for_itself)
{
	static const struct pdu_syntax unknown = { { { 1, 2, 3 } }, 1, 0 };
	static const struct pdu_syntax ndr64 = { { { 0x33, 5, 0x71, 0x71 } }, 1, 0 };
	static const struct pdu_syntax features = { { { 0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45, 3 } }, 1, 0 };
	struct pdu_syntax older = echo_syntax, newer = echo_syntax, other_major = echo_syntax;
	const struct {
		const struct pdu_syntax *abstract, *transfer;
		uint16_t result, reason;
	} cases[] = {
		{ &echo_syntax, &pdu_ndr20, PDU_ACCEPTED, 0 },
		{ &echo_syntax, &ndr64, PDU_PROVIDER_REJECTED, PDU_TRANSFER_UNKNOWN },
		{ &echo_syntax, &features, PDU_NEGOTIATED, 2 },
		{ &unknown, &pdu_ndr20, PDU_PROVIDER_REJECTED, PDU_ABSTRACT_UNKNOWN },
		{ &older, &pdu_ndr20, PDU_ACCEPTED, 0 },
		{ &newer, &pdu_ndr20, PDU_PROVIDER_REJECTED, PDU_ABSTRACT_UNKNOWN },
		{ &other_major, &pdu_ndr20, PDU_PROVIDER_REJECTED, PDU_ABSTRACT_UNKNOWN },
	};
	struct echo e;
	struct peer p;
	struct pdu pdu;
	size_t start;

	older.minor--;
	newer.minor++;
	other_major.major--;
	setup(&e, &p);
	start = pdu_begin(&p.out, PDU_BIND, WHOLE, 1);
	buf_u32(&p.out, 5840 << 16 | 5840);
	buf_u32(&p.out, 0);
	buf_u32(&p.out, ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_u16(&p.out, (uint16_t)i);
		buf_u16(&p.out, 1);
		pdu_put_syntax(&p.out, cases[i].abstract);
		pdu_put_syntax(&p.out, cases[i].transfer);
	}
	pdu_end(&p.out, start, 0);
	peer_send(&p);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_BIND_ACK);
	CHECK_INT(pdu.ack.result_count, ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(pdu.ack.results[i].result, cases[i].result);
		CHECK_INT(pdu.ack.results[i].reason, cases[i].reason);
	}
	p.context_id = 1;
	peer_request(&p, WHOLE, 2, ECHO_ECHO, "x", 1);
	check_fault(&p, 2, FAULT_UNKNOWN_INTERFACE, true);
	p.context_id = 4;
	peer_request(&p, WHOLE, 3, ECHO_ECHO, "x", 1);
	check_reply(&p, 3, "x", 1);
	teardown(&e, &p);
}

TEST(an_alter_adds_an_interface_and_keeps_sizes_and_group)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;
	uint32_t group;
	size_t start;

	setup(&e, &p);
	group = peer_bind(&p, &echo_syntax, 0);
	CHECK(group != 0);
	start = pdu_begin(&p.out, PDU_ALTER, WHOLE, 2);
	pdu_put_bind(&p.out, 2048, 12345, 1, &echo_other_syntax);
	pdu_end(&p.out, start, 0);
	peer_send(&p);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_ALTER_ACK);
	CHECK_INT(pdu.ack.results[0].result, PDU_ACCEPTED);
	CHECK_INT(pdu.ack.max_recv, 4280);
	CHECK_INT(pdu.ack.group, group);
	CHECK_STR(pdu.ack.address, "");
	peer_request(&p, WHOLE, 3, ECHO_ECHO, "a", 1);
	check_reply(&p, 3, "a", 1);
	p.context_id = 1;
	peer_request(&p, WHOLE, 4, ECHO_ECHO, "b", 1);
	check_reply(&p, 4, "b", 1);
	teardown(&e, &p);
}

TEST(fragment_sizes_are_the_least_of_both)
{
	static const struct {
		uint16_t xmit, recv, agreed;
	} cases[] = {
		{ 5840, 5840, 5840 },
		{ 5840, 4281, 4280 },
		{ 4280, 5840, 4280 },
		{ 100, 5840, 2048 },
		{ 65535, 65535, 65528 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p);
		peer_put_bind(&p, 0, &echo_syntax, 0);
		put_le16(p.out.data + 16, cases[i].xmit);
		put_le16(p.out.data + 18, cases[i].recv);
		peer_send(&p);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.ack.max_xmit, cases[i].agreed);
		CHECK_INT(pdu.ack.max_recv, cases[i].agreed);
		teardown(&e, &p);
	}
}

TEST(fragments_make_one_request)
{
	struct echo e;
	struct peer p;

	setup(&e, &p);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, PDU_FIRST, 2, ECHO_ECHO, "one ", 4);
	peer_request(&p, 0, 2, ECHO_ECHO, "two ", 4);
	peer_request(&p, 0, 2, ECHO_ECHO, "three", 5);
	CHECK_INT(e.call_count, 0);
	peer_request(&p, PDU_LAST, 2, ECHO_ECHO, "", 0);
	CHECK_INT(e.call_count, 1);
	check_reply(&p, 2, "one two three", 13);
	teardown(&e, &p);
}

TEST(a_long_reply_comes_in_fragments)
{
	uint8_t size[4];
	struct echo e;
	struct peer p;
	struct pdu pdu;
	size_t at = 0, len = 100001;

	setup(&e, &p);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	put_le32(size, (uint32_t)len);
	peer_request(&p, WHOLE, 2, ECHO_REPEAT, size, 4);
	do {
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, PDU_RESPONSE);
		CHECK(pdu.header.frag_length <= 4280);
		CHECK_INT(!!(pdu.header.flags & PDU_FIRST), at == 0);
		CHECK_INT(pdu.stub.alloc_hint, len - at);
		for (size_t i = 0; i < pdu.stub.len; i++)
			CHECK_INT(pdu.stub.data[i], (uint8_t)(at + i));
		at += pdu.stub.len;
	} while (!(pdu.header.flags & PDU_LAST));
	CHECK_INT(at, len);
	CHECK(!peer_next(&p, &pdu));
	teardown(&e, &p);
}

TEST(with_multiplexing_calls_are_interleaved_and_answered_in_any_order)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p);
	peer_put_bind(&p, PDU_MULTIPLEX, &echo_syntax, 0);
	peer_send(&p);
	CHECK(peer_next(&p, &pdu));
	CHECK(pdu.header.flags & PDU_MULTIPLEX);
	peer_request(&p, PDU_FIRST, 2, ECHO_WAIT, "a", 1);
	peer_request(&p, PDU_FIRST, 3, ECHO_WAIT, "b", 1);
	peer_request(&p, WHOLE, 4, ECHO_WAIT, "c", 1);
	peer_request(&p, PDU_LAST, 3, ECHO_WAIT, "B", 1);
	peer_request(&p, PDU_LAST, 2, ECHO_WAIT, "A", 1);
	CHECK_INT(e.waiting_count, 3);
	CHECK(!peer_next(&p, &pdu));
	echo_release(&e, 2);
	check_reply(&p, 2, "aA", 2);
	echo_release(&e, 0);
	check_reply(&p, 4, "c", 1);
	echo_release(&e, 0);
	check_reply(&p, 3, "bB", 2);
	teardown(&e, &p);
}

TEST(faults_have_their_codes)
{
	static const struct {
		uint32_t status;
		bool did_nothing;
	} cases[] = {
		{ FAULT_BAD_STUB, false },
		{ FAULT_CONTEXT_MISMATCH, false },
		{ FAULT_ACCESS_DENIED, true },
		{ FAULT_CANCELLED, false },
		{ 1234, false },
	};
	uint8_t status[4];
	struct echo e;
	struct peer p;

	setup(&e, &p);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_le32(status, cases[i].status);
		peer_request(&p, WHOLE, 2 + i, ECHO_FAULT, status, 4);
		check_fault(&p, 2 + i, cases[i].status, cases[i].did_nothing);
	}
	peer_request(&p, WHOLE, 20, 99, "", 0);
	check_fault(&p, 20, FAULT_OP_RANGE, true);
	peer_request(&p, WHOLE, 21, ECHO_FAULT, "x", 1);
	check_fault(&p, 21, FAULT_BAD_STUB, false);
	p.context_id = 7;
	peer_request(&p, WHOLE, 22, ECHO_ECHO, "", 0);
	check_fault(&p, 22, FAULT_UNKNOWN_INTERFACE, true);
	p.context_id = 0;
	peer_request(&p, WHOLE, 23, ECHO_ECHO, "x", 1);
	check_reply(&p, 23, "x", 1);
	teardown(&e, &p);
}

TEST(who_has_no_access_may_bind_but_not_call)
{
	struct rpc_limits limits = rpc_limits_default();
	struct echo e;
	struct peer p;

	CHECK_INT(echo_init(&e, &limits), 0);
	CHECK_INT(peer_open(&p, e.server, &peer_nobody), 0);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, WHOLE, 2, ECHO_ECHO, "x", 1);
	check_fault(&p, 2, FAULT_ACCESS_DENIED, true);
	CHECK(peer_is_over(&p));
	CHECK_INT(e.call_count, 0);
	teardown(&e, &p);
}

TEST(a_cancel_tells_the_handler_and_the_answer_still_comes)
{
	struct pdu pdu;
	struct echo e;
	struct peer p;

	setup(&e, &p);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, WHOLE, 2, ECHO_WAIT, "x", 1);
	e.fail_on_cancel = true;
	pdu_end(&p.out, pdu_begin(&p.out, PDU_CANCEL, WHOLE, 9), 0); /* No such call. */
	pdu_end(&p.out, pdu_begin(&p.out, PDU_CANCEL, WHOLE, 2), 0);
	peer_send(&p);
	CHECK_INT(e.cancel_count, 1);
	check_fault(&p, 2, FAULT_CANCELLED, false);

	e.fail_on_cancel = false;
	peer_request(&p, WHOLE, 3, ECHO_WAIT, "y", 1);
	for (int i = 0; i < 2; i++)
		pdu_end(&p.out, pdu_begin(&p.out, PDU_CANCEL, WHOLE, 3), 0);
	peer_send(&p);
	CHECK_INT(e.cancel_count, 2); /* Once, not twice. */
	CHECK(!peer_next(&p, &pdu));
	echo_release(&e, 0);
	check_reply(&p, 3, "y", 1);
	teardown(&e, &p);
}

TEST(the_transport_is_woken_once_until_it_takes_the_output)
{
	struct echo e;
	struct peer p;
	struct buf taken;
	unsigned wakes;

	setup(&e, &p);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	wakes = p.wakes;
	p.deaf = true;
	for (uint32_t i = 0; i < 3; i++)
		peer_request(&p, WHOLE, 2 + i, ECHO_ECHO, "x", 1);
	CHECK_INT(p.wakes, wakes + 1);
	taken = rpc_connection_take_output(p.connection);
	CHECK_INT(taken.len, 3 * 25);
	peer_request(&p, WHOLE, 9, ECHO_ECHO, "x", 1);
	CHECK_INT(p.wakes, wakes + 2);
	CHECK_INT(rpc_server_stats(e.server).memory, 4 * 25); /* Taken is not sent. */
	rpc_connection_sent(p.connection, taken.len);
	CHECK_INT(rpc_server_stats(e.server).memory, 25);
	buf_done(&taken);
	teardown(&e, &p);
}

TEST(an_orphaned_call_is_told_and_not_answered)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, WHOLE, 2, ECHO_WAIT, "x", 1);
	pdu_put_orphaned(&p.out, 2);
	peer_send(&p);
	CHECK_INT(e.cancel_count, 1);
	/* The connection is free for the next call, even of the same number. */
	peer_request(&p, WHOLE, 2, ECHO_ECHO, "y", 1);
	check_reply(&p, 2, "y", 1);
	echo_release(&e, 0);
	CHECK(!peer_next(&p, &pdu));
	/* One that is partly received is forgotten. */
	peer_request(&p, PDU_FIRST, 4, ECHO_ECHO, "z", 1);
	pdu_put_orphaned(&p.out, 4);
	peer_send(&p);
	peer_request(&p, WHOLE, 5, ECHO_ECHO, "w", 1);
	check_reply(&p, 5, "w", 1);
	teardown(&e, &p);
}

TEST(a_lost_connection_tells_its_calls_and_drops_their_answers)
{
	for (int fail_on_cancel = 0; fail_on_cancel < 2; fail_on_cancel++) {
		struct echo e;
		struct peer p;

		setup(&e, &p);
		e.fail_on_cancel = fail_on_cancel;
		peer_put_bind(&p, PDU_MULTIPLEX, &echo_syntax, 0);
		peer_put_request(&p, WHOLE, 2, ECHO_WAIT, "x", 1);
		peer_put_request(&p, WHOLE, 3, ECHO_WAIT, "y", 1);
		peer_put_request(&p, PDU_FIRST, 4, ECHO_WAIT, "z", 1);
		peer_send(&p);
		CHECK_INT(e.waiting_count, 2);
		CHECK_INT(rpc_server_stats(e.server).calls, 3);
		peer_close(&p);
		CHECK_INT(e.cancel_count, 2);
		CHECK_INT(e.waiting_count, fail_on_cancel ? 0 : 2);
		CHECK_INT(rpc_server_stats(e.server).calls, e.waiting_count);
		echo_done(&e); /* Answers nobody; nothing is left. */
	}
}

TEST(deferred_replies_leave_on_their_own_connections_in_any_order)
{
	struct rpc_limits limits = rpc_limits_default();
	struct peer peers[8];
	struct echo e;
	uint32_t group = 0;

	CHECK_INT(echo_init(&e, &limits), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(peers); i++) {
		CHECK_INT(peer_open(&peers[i], e.server, &peer_reader), 0);
		group = peer_bind(&peers[i], &echo_syntax, group);
		CHECK(group != 0);
		peer_request(&peers[i], WHOLE, 10 + i, ECHO_WAIT, &i, 4);
	}
	CHECK_INT(rpc_server_stats(e.server).groups, 1);
	for (uint32_t n = ARRAY_SIZE(peers); n > 0; n--) {
		uint32_t place = n * 5 % n, i = get_le32(e.waiting[place]->stub.data);

		echo_release(&e, place);
		check_reply(&peers[i], 10 + i, &i, 4);
	}
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		peer_close(&peers[i]);
	echo_done(&e);
}

/* One conversation with everything in it, as bytes. */
static void put_conversation(struct peer *p, uint64_t seed)
{
	uint8_t stub[6000], size[4];

	memset(stub, (int)seed, sizeof(stub));
	peer_put_bind(p, PDU_MULTIPLEX, &echo_syntax, 0);
	peer_put_request(p, WHOLE, 2, ECHO_ECHO, stub, 100 + seed % 1000);
	peer_put_request(p, PDU_FIRST, 3, ECHO_ECHO, stub, 4000);
	put_le32(size, 20000);
	peer_put_request(p, WHOLE, 4, ECHO_REPEAT, size, 4);
	peer_put_request(p, 0, 3, ECHO_ECHO, stub, 3000);
	peer_put_request(p, WHOLE, 5, 77, "", 0);
	peer_put_request(p, PDU_LAST, 3, ECHO_ECHO, stub, 1);
	pdu_put_orphaned(&p->out, 3);
	peer_put_request(p, WHOLE, 6, ECHO_OPEN, "\0\0\0\0\7\0\0\0", 8);
	peer_put_request(p, PDU_LAST, 9, ECHO_ECHO, "", 0); /* A protocol error ends it. */
	peer_put_request(p, WHOLE, 10, ECHO_ECHO, stub, 10);
}

TEST(the_same_bytes_cut_anywhere_give_the_same_answers)
{
	uint64_t rounds = test_rounds(300);

	for (uint64_t seed = test_seed; seed < test_seed + rounds; seed++) {
		struct buf all = { 0 }, bytes;
		uint64_t state = seed * 0x9e3779b97f4a7c15;
		struct echo e;
		struct peer p;
		size_t at = 0;

		test_note_seed(seed);
		setup(&e, &p);
		put_conversation(&p, seed);
		bytes = p.out;
		p.out = (struct buf){ 0 };
		peer_bytes(&p, bytes.data, bytes.len);
		buf_append(&all, p.received.data, p.received.len);
		CHECK(peer_is_over(&p));
		CHECK(all.len > 25000);
		teardown(&e, &p);

		setup(&e, &p);
		while (at < bytes.len) {
			size_t len;

			state = state * 6364136223846793005 + 1442695040888963407;
			len = (state >> 33) % (seed % 3 == 0 ? 3 : seed % 3 == 1 ? 40 : 9000) + 1;
			len = MIN(len, bytes.len - at);
			peer_bytes(&p, bytes.data + at, len);
			at += len;
		}
		CHECK_INT(p.received.len, all.len);
		CHECK_MEM(p.received.data, all.data, all.len);
		teardown(&e, &p);
		buf_done(&bytes);
		buf_done(&all);
	}
}

TEST(each_failed_allocation_is_survived)
{
	FAIL_EACH_ALLOCATION
	{
		struct rpc_limits limits = rpc_limits_default();
		struct echo e;
		struct peer p;

		if (echo_init(&e, &limits) == 0) {
			if (peer_open(&p, e.server, &peer_reader) == 0) {
				struct buf bytes;

				put_conversation(&p, 1);
				bytes = p.out;
				p.out = (struct buf){ 0 };
				if (bytes.error == 0)
					peer_bytes(&p, bytes.data, bytes.len);
				buf_done(&bytes);
				peer_close(&p);
			}
			CHECK_INT(rpc_server_stats(e.server).memory, 0);
			echo_done(&e);
		}
	}
}
