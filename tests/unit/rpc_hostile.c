/* Peers that do what they must not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/server_private.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/test.h"
#include <stdio.h>

enum { WHOLE = PDU_FIRST | PDU_LAST };
static const uint64_t second = 1000000000;

static void setup(struct echo *e, struct peer *p, const struct rpc_limits *limits)
{
	struct rpc_limits usual = rpc_limits_default();

	CHECK_INT(echo_init(e, limits != NULL ? limits : &usual), 0);
	CHECK_INT(peer_open(p, e->server, &peer_reader), 0);
}

static void teardown(struct echo *e, struct peer *p)
{
	peer_close(p);
	while (e->waiting_count > 0)
		echo_release(e, 0);
	CHECK_INT(rpc_server_stats(e->server).memory, 0);
	CHECK_INT(rpc_server_stats(e->server).calls, 0);
	echo_done(e);
}

/* The next PDU is that fault, nothing has been done, and the connection is over. */
static void check_end(struct peer *p, uint32_t status)
{
	struct pdu pdu;

	CHECK(peer_next(p, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK_INT(pdu.stub.status, status);
	CHECK(pdu.header.flags & PDU_DID_NOT_EXECUTE);
	CHECK(peer_is_over(p));
}

TEST(nonsense_ends_the_connection_without_an_answer)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "GET / HTTP/1.0\r\n", 16 }, { "\4\0\v\3\x10\0\0\0\x48\0\0\0\1\0\0\0", 16 }, /* Version 4. */
		{ "\5\0\v\3\x10\0\0\0\x0f\0\0\0\1\0\0\0", 16 },                 /* Shorter than its header. */
		{ "\5\0\v\3\x10\0\0\0\x10\0\0\0\1\0\0\0", 16 },                 /* A bind without a body. */
		{ "\5\0\v\3\x10\0\0\0\x20\0\x20\0\1\0\0\0", 16 },               /* All of it is the token. */
		{ "\5\0\2\3\x10\0\0\0\x18\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 24 }, /* A response. */
		{ "\5\0\x0c\3\x10\0\0\0\x1c\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 28 },
		{ "\5\0\x63\3\x10\0\0\0\x10\0\0\0\1\0\0\0", 16 }, /* No such type. */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct echo e;
		struct peer p;

		setup(&e, &p, NULL);
		peer_bytes(&p, cases[i].bytes, cases[i].len);
		if (!peer_is_over(&p))
			test_fail(__FILE__, __LINE__, "case %zu is not over", i);
		CHECK_INT(p.received.len, 0);
		peer_put_bind(&p, 0, &echo_syntax, 0);
		peer_send(&p); /* It is too late. */
		CHECK_INT(p.received.len, 0);
		teardown(&e, &p);
	}
}

TEST(a_bind_in_another_byte_order_or_version_is_refused_with_a_reason)
{
	static const struct {
		size_t offset;
		uint8_t value;
		uint16_t reason;
	} cases[] = { { 4, 0x00, NAK_UNSPECIFIED }, { 5, 1, NAK_UNSPECIFIED }, { 1, 2, NAK_VERSION } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p, NULL);
		peer_put_bind(&p, 0, &echo_syntax, 0);
		p.out.data[cases[i].offset] = cases[i].value;
		peer_send(&p);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, PDU_BIND_NAK);
		CHECK_INT(pdu.nak_reason, cases[i].reason);
		CHECK(peer_is_over(&p));
		teardown(&e, &p);
	}
}

TEST(nothing_works_before_a_bind)
{
	struct echo e;
	struct peer p;

	setup(&e, &p, NULL);
	peer_request(&p, WHOLE, 2, ECHO_ECHO, "x", 1);
	check_end(&p, FAULT_PROTOCOL);
	CHECK_INT(e.call_count, 0);
	teardown(&e, &p);

	setup(&e, &p, NULL);
	peer_put_bind(&p, 0, &echo_syntax, 0);
	p.out.data[2] = PDU_ALTER;
	peer_send(&p);
	check_end(&p, FAULT_ACCESS_DENIED);
	teardown(&e, &p);
}

TEST(a_second_bind_ends_the_connection)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p, NULL);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_put_bind(&p, 0, &echo_syntax, 0);
	peer_send(&p);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_BIND_NAK);
	CHECK(peer_is_over(&p));
	CHECK_INT(rpc_server_stats(e.server).groups, 1);
	teardown(&e, &p);
}

TEST(a_group_that_does_not_exist_is_refused)
{
	struct echo e;
	struct peer p;

	setup(&e, &p, NULL);
	CHECK_INT(peer_bind(&p, &echo_syntax, 0xdeadbeef), 0);
	CHECK(peer_is_over(&p));
	teardown(&e, &p);
}

TEST(fragments_that_do_not_fit_end_the_connection)
{
	static const struct {
		unsigned first, second;
		uint32_t first_id, second_id;
		uint16_t first_opnum, second_opnum, second_context;
	} cases[] = {
		{ 0, 0, 2, 2, ECHO_ECHO, ECHO_ECHO, 0 },                 /* It has no beginning. */
		{ PDU_LAST, 0, 2, 2, ECHO_ECHO, ECHO_ECHO, 0 },          /* Nor this. */
		{ PDU_FIRST, PDU_FIRST, 2, 2, ECHO_ECHO, ECHO_ECHO, 0 }, /* It begins twice. */
		{ PDU_FIRST, WHOLE, 2, 3, ECHO_ECHO, ECHO_ECHO, 0 },     /* Another begins, without multiplexing. */
		{ PDU_FIRST, PDU_LAST, 2, 3, ECHO_ECHO, ECHO_ECHO, 0 },  /* It ends as another. */
		{ PDU_FIRST, PDU_LAST, 2, 2, ECHO_ECHO, ECHO_WHO, 0 },   /* It changes its mind. */
		{ PDU_FIRST, PDU_LAST, 2, 2, ECHO_ECHO, ECHO_ECHO, 1 },
		{ WHOLE, WHOLE, 2, 2, ECHO_WAIT, ECHO_ECHO, 0 },    /* The number of a call in flight. */
		{ WHOLE, WHOLE, 2, 3, ECHO_WAIT, ECHO_ECHO, 0 },    /* A call at a time. */
		{ WHOLE, PDU_LAST, 2, 2, ECHO_WAIT, ECHO_WAIT, 0 }, /* A replayed fragment of a call in flight. */
		{ WHOLE, PDU_LAST, 2, 2, ECHO_ECHO, ECHO_ECHO, 0 }, /* And of one that is answered. */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p, NULL);
		CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
		peer_request(&p, cases[i].first, cases[i].first_id, cases[i].first_opnum, "one", 3);
		if (cases[i].first == WHOLE && cases[i].first_opnum == ECHO_ECHO)
			CHECK(peer_next(&p, &pdu));
		p.context_id = cases[i].second_context;
		if (!peer_is_over(&p))
			peer_request(&p, cases[i].second, cases[i].second_id, cases[i].second_opnum, "two", 3);
		if (!peer_is_over(&p))
			test_fail(__FILE__, __LINE__, "case %zu is not over", i);
		check_end(&p, FAULT_PROTOCOL);
		CHECK_INT(e.call_count, cases[i].first == WHOLE);
		teardown(&e, &p);
	}
}

TEST(with_multiplexing_a_number_is_still_one_calls)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p, NULL);
	peer_put_bind(&p, PDU_MULTIPLEX, &echo_syntax, 0);
	peer_send(&p);
	CHECK(peer_next(&p, &pdu));
	peer_request(&p, WHOLE, 2, ECHO_WAIT, "x", 1);
	peer_request(&p, PDU_FIRST, 3, ECHO_WAIT, "x", 1);
	peer_request(&p, WHOLE, 2, ECHO_ECHO, "x", 1);
	check_end(&p, FAULT_PROTOCOL);
	teardown(&e, &p);
}

TEST(a_flood_of_fragments_is_bounded_by_the_request_limit)
{
	struct rpc_limits limits = rpc_limits_default();
	struct echo e;
	struct peer p;
	uint8_t stub[1000] = { 0 };
	int sent = 0;

	limits.request_max = 10000;
	setup(&e, &p, &limits);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, PDU_FIRST, 2, ECHO_ECHO, stub, sizeof(stub));
	while (!peer_is_over(&p) && sent++ < 100)
		peer_request(&p, 0, 2, ECHO_ECHO, stub, sizeof(stub));
	CHECK_INT(sent, 10);
	check_end(&p, FAULT_ACCESS_DENIED);
	CHECK_INT(e.call_count, 0);
	teardown(&e, &p);

	/* Exactly the limit is allowed. */
	setup(&e, &p, &limits);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	for (int i = 0; i < 10; i++)
		peer_request(&p, i == 0 ? PDU_FIRST : i == 9 ? PDU_LAST : 0, 2, ECHO_ECHO, stub, sizeof(stub));
	CHECK_INT(e.call_count, 1);
	teardown(&e, &p);
}

TEST(an_empty_fragment_in_the_middle_is_refused)
{
	struct echo e;
	struct peer p;

	setup(&e, &p, NULL);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, PDU_FIRST, 2, ECHO_ECHO, "x", 1);
	peer_request(&p, 0, 2, ECHO_ECHO, "", 0);
	check_end(&p, FAULT_PROTOCOL);
	teardown(&e, &p);
}

TEST(a_fragment_larger_than_agreed_is_refused_by_its_header)
{
	uint8_t stub[5000] = { 0 };
	struct echo e;
	struct peer p;

	setup(&e, &p, NULL);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0); /* 4280. */
	peer_put_request(&p, WHOLE, 2, ECHO_ECHO, stub, sizeof(stub));
	peer_bytes(&p, p.out.data, PDU_HEADER_SIZE);
	buf_done(&p.out);
	check_end(&p, FAULT_PROTOCOL);
	teardown(&e, &p);
}

TEST(more_calls_at_once_than_allowed_are_turned_away)
{
	struct rpc_limits limits = rpc_limits_default();
	struct echo e;
	struct peer p;
	struct pdu pdu;

	limits.calls_per_connection = 3;
	setup(&e, &p, &limits);
	peer_put_bind(&p, PDU_MULTIPLEX, &echo_syntax, 0);
	peer_send(&p);
	CHECK(peer_next(&p, &pdu));
	for (uint32_t i = 0; i < 3; i++)
		peer_request(&p, WHOLE, 2 + i, ECHO_WAIT, "x", 1);
	CHECK(peer_call(&p, 9, ECHO_ECHO, "y", 1, &pdu));
	CHECK_INT(pdu.stub.status, FAULT_TOO_BUSY);
	CHECK(pdu.header.flags & PDU_DID_NOT_EXECUTE);
	CHECK(!peer_is_over(&p));
	echo_release(&e, 0);
	CHECK(peer_next(&p, &pdu));
	CHECK(peer_call(&p, 9, ECHO_ECHO, "y", 1, &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	/* If more of the refused call is to come, it is the end. */
	peer_request(&p, WHOLE, 10, ECHO_WAIT, "x", 1);
	peer_request(&p, PDU_FIRST, 11, ECHO_ECHO, "x", 1);
	check_end(&p, FAULT_TOO_BUSY);
	teardown(&e, &p);
}

TEST(who_does_not_read_is_cut_off)
{
	struct rpc_limits limits = rpc_limits_default();
	uint8_t size[4];
	struct echo e;
	struct peer p;
	int calls = 0;

	limits.output_max = 1 << 20;
	setup(&e, &p, &limits);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	p.deaf = true;
	put_le32(size, 100000);
	while (!peer_is_over(&p) && calls < 100) {
		peer_request(&p, WHOLE, 2, ECHO_REPEAT, size, 4);
		calls++;
		CHECK(rpc_server_stats(e.server).memory <= limits.output_max + 200000);
	}
	CHECK_INT(calls, 11);
	CHECK(rpc_server_stats(e.server).memory == 0); /* What he would not read is gone at once. */
	teardown(&e, &p);
}

TEST(all_buffers_together_have_a_limit)
{
	struct rpc_limits limits = rpc_limits_default();
	uint8_t stub[4000] = { 0 };
	struct peer peers[20];
	struct echo e;
	size_t over = 0;

	limits.memory = 50000;
	CHECK_INT(echo_init(&e, &limits), 0);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		CHECK_INT(peer_open(&peers[i], e.server, &peer_reader), 0);
		CHECK(peer_bind(&peers[i], &echo_syntax, 0) != 0);
		peer_request(&peers[i], PDU_FIRST, 2, ECHO_ECHO, stub, sizeof(stub));
		over += peer_is_over(&peers[i]);
	}
	CHECK_INT(over, 8);
	CHECK(rpc_server_stats(e.server).memory <= limits.memory);
	/* Who came in time is served when the others have gone. */
	for (size_t i = 1; i < ARRAY_SIZE(peers); i++)
		peer_close(&peers[i]);
	peer_request(&peers[0], PDU_LAST, 2, ECHO_ECHO, stub, sizeof(stub));
	CHECK_INT(e.call_count, 1);
	peer_close(&peers[0]);
	CHECK_INT(rpc_server_stats(e.server).memory, 0);
	echo_done(&e);
}

TEST(answers_that_nobody_reads_count_in_it_too)
{
	struct rpc_limits limits = rpc_limits_default();
	struct peer peers[20];
	uint8_t size[4];
	struct echo e;
	size_t over = 0;

	limits.memory = 50000;
	put_le32(size, 4000);
	CHECK_INT(echo_init(&e, &limits), 0);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		CHECK_INT(peer_open(&peers[i], e.server, &peer_reader), 0);
		CHECK(peer_bind(&peers[i], &echo_syntax, 0) != 0);
		peers[i].deaf = true;
		peer_request(&peers[i], PDU_FIRST | PDU_LAST, 2, ECHO_REPEAT, size, 4);
		over += peer_is_over(&peers[i]);
		CHECK(rpc_server_stats(e.server).memory <= limits.memory);
	}
	CHECK_INT(over, 8);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		peer_close(&peers[i]);
	CHECK_INT(rpc_server_stats(e.server).memory, 0);
	echo_done(&e);
}

TEST(a_reply_over_the_limit_is_a_fault)
{
	struct rpc_limits limits = rpc_limits_default();
	uint8_t size[4];
	struct echo e;
	struct peer p;
	struct pdu pdu;

	limits.reply_max = 1000;
	setup(&e, &p, &limits);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	put_le32(size, 1001);
	CHECK(peer_call(&p, 2, ECHO_REPEAT, size, 4, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK_INT(pdu.stub.status, FAULT_NO_MEMORY);
	put_le32(size, 1000);
	CHECK(peer_call(&p, 3, ECHO_REPEAT, size, 4, &pdu));
	CHECK_INT(pdu.stub.len, 1000);
	teardown(&e, &p);
}

TEST(connections_are_limited_in_all_and_for_each_identity)
{
	struct rpc_limits limits = rpc_limits_default();
	struct peer peers[16] = { 0 };
	struct rpc_identity other = peer_reader;
	struct echo e;

	limits.connections = 16;
	limits.connections_per_identity = 10;
	CHECK_INT(echo_init(&e, &limits), 0);
	for (int i = 0; i < 10; i++)
		CHECK_INT(peer_open(&peers[i], e.server, &peer_reader), 0);
	CHECK_INT(peer_open(&peers[10], e.server, &peer_reader), ERR_RPC_S_SERVER_TOO_BUSY);
	other.uid++;
	for (int i = 10; i < 12; i++)
		CHECK_INT(peer_open(&peers[i], e.server, &other), 0);
	/* An eighth is kept for strangers, another for root. */
	CHECK_INT(peer_open(&peers[12], e.server, &other), ERR_RPC_S_SERVER_TOO_BUSY);
	for (int i = 12; i < 16; i++)
		CHECK_INT(peer_open(&peers[i], e.server, &peer_root), 0);
	for (int i = 0; i < 4; i++)
		peer_close(&peers[i]);
	CHECK_INT(peer_open(&peers[0], e.server, &peer_reader), ERR_RPC_S_SERVER_TOO_BUSY);
	peer_close(&peers[4]);
	CHECK_INT(peer_open(&peers[0], e.server, &peer_reader), 0);
	for (int i = 0; i < 16; i++)
		if (i < 1 || i > 4)
			peer_close(&peers[i]);
	echo_done(&e);
}

TEST(strangers_share_an_eighth_of_the_connections)
{
	struct rpc_limits limits = rpc_limits_default();
	struct rpc_identity stranger = peer_nobody;
	struct peer peers[5] = { 0 };
	struct echo e;

	limits.connections = 16;
	CHECK_INT(echo_init(&e, &limits), 0);
	for (int i = 0; i < 2; i++) {
		stranger.uid++; /* Each is somebody else. */
		CHECK_INT(peer_open(&peers[i], e.server, &stranger), 0);
	}
	stranger.uid++;
	CHECK_INT(peer_open(&peers[2], e.server, &stranger), ERR_RPC_S_SERVER_TOO_BUSY);
	CHECK_INT(peer_open(&peers[3], e.server, &peer_reader), 0);
	peer_close(&peers[0]);
	CHECK_INT(peer_open(&peers[2], e.server, &stranger), 0);
	peer_close(&peers[1]);
	peer_close(&peers[2]);
	peer_close(&peers[3]);
	echo_done(&e);
}

TEST(contexts_of_one_connection_are_limited)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p, NULL);
	for (uint16_t i = 0; i <= PDU_CONTEXTS_MAX; i++) {
		size_t start = pdu_begin(&p.out, i == 0 ? PDU_BIND : PDU_ALTER, WHOLE, 1);

		pdu_put_bind(&p.out, 4280, 0, i, &echo_syntax);
		pdu_end(&p.out, start, 0);
		peer_send(&p);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.ack.results[0].result, i < PDU_CONTEXTS_MAX ? PDU_ACCEPTED : PDU_PROVIDER_REJECTED);
	}
	CHECK_INT(pdu.ack.results[0].reason, PDU_LOCAL_LIMIT);
	teardown(&e, &p);
}

/* Ticks once a second; after how many the connection is over, 0 if it is not after 300. */
static int ticks_until_over(struct peer *p, void (*each)(struct peer *p))
{
	for (int i = 1; i <= 300; i++) {
		if (each != NULL)
			each(p);
		rpc_connection_tick(p->connection, (uint64_t)i * second);
		if (peer_is_over(p))
			return i;
	}
	return 0;
}

TEST(who_does_not_bind_in_time_is_cut_off)
{
	struct echo e;
	struct peer p;

	setup(&e, &p, NULL);
	CHECK_INT(ticks_until_over(&p, NULL), 61);
	teardown(&e, &p);

	setup(&e, &p, NULL);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	CHECK_INT(ticks_until_over(&p, NULL), 0); /* Bound and idle is no offence. */
	teardown(&e, &p);
}

static void drip_pdu(struct peer *p)
{
	/* One byte a second of an endless header or body. */
	peer_bytes(p, p->out.data, 1);
	memmove(p->out.data, p->out.data + 1, --p->out.len);
}

static void drip_fragment(struct peer *p)
{
	peer_request(p, 0, 2, ECHO_ECHO, "x", 1);
}

static void beg(struct peer *p)
{
	size_t start = pdu_begin(&p->out, PDU_ALTER, WHOLE, 1);

	pdu_put_bind(&p->out, 4280, 0, 0, &echo_syntax);
	pdu_end(&p->out, start, 0);
	peer_send(p);
}

TEST(dripping_bytes_or_fragments_gains_no_time)
{
	uint8_t stub[1000] = { 0 };
	struct echo e;
	struct peer p;

	setup(&e, &p, NULL);
	peer_put_bind(&p, 0, &echo_syntax, 0); /* 72 bytes. */
	CHECK_INT(ticks_until_over(&p, drip_pdu), 61);
	teardown(&e, &p);

	setup(&e, &p, NULL);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_put_request(&p, WHOLE, 2, ECHO_ECHO, stub, sizeof(stub));
	CHECK_INT(ticks_until_over(&p, drip_pdu), 61);
	teardown(&e, &p);

	setup(&e, &p, NULL);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, PDU_FIRST, 2, ECHO_ECHO, "x", 1);
	CHECK_INT(ticks_until_over(&p, drip_fragment), 61);
	CHECK_INT(rpc_server_stats(e.server).memory, 0);
	teardown(&e, &p);
}

TEST(who_has_no_access_and_does_not_leave_is_cut_off)
{
	struct rpc_limits limits = rpc_limits_default();
	struct echo e;
	struct peer p;

	CHECK_INT(echo_init(&e, &limits), 0);
	CHECK_INT(peer_open(&p, e.server, &peer_nobody), 0);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	CHECK_INT(ticks_until_over(&p, beg), 61);
	teardown(&e, &p);
}

TEST(who_reads_nothing_for_a_minute_is_cut_off)
{
	struct echo e;
	struct peer p;

	setup(&e, &p, NULL);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	p.deaf = true;
	peer_request(&p, WHOLE, 2, ECHO_ECHO, "x", 1);
	CHECK_INT(ticks_until_over(&p, NULL), 61);
	CHECK_INT(rpc_server_stats(e.server).memory, 0);
	teardown(&e, &p);
}

TEST(an_idle_limit_spares_calls_in_flight)
{
	struct rpc_limits limits = rpc_limits_default();
	struct echo e;
	struct peer p;

	limits.idle_ns = 10 * second;
	setup(&e, &p, &limits);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, WHOLE, 2, ECHO_WAIT, "x", 1);
	CHECK_INT(ticks_until_over(&p, NULL), 0);
	echo_release(&e, 0);
	CHECK_INT(ticks_until_over(&p, NULL), 11);
	teardown(&e, &p);
}

TEST(an_idle_mapper_client_and_a_silent_one_are_cut_off_soon)
{
	struct rpc_interface open_to_all = { .name = "open", .syntax = { { { 7 } }, 1, 0 }, .anonymous = true };
	struct rpc_limits limits = rpc_limits_default();
	struct peer silent, done;
	struct echo e;

	CHECK_INT(echo_init(&e, &limits), 0);
	CHECK_INT(rpc_server_add_interface(e.server, &open_to_all), 0);
	CHECK_INT(peer_open_remote(&silent, e.server, 0, 1, false), 0);
	CHECK_INT(peer_open_remote(&done, e.server, 0, 1, true), 0);
	CHECK(peer_bind(&done, &open_to_all.syntax, 0) != 0);
	CHECK_INT(ticks_until_over(&silent, NULL), 21);
	CHECK_INT(ticks_until_over(&done, NULL), 21);
	peer_close(&silent);
	peer_close(&done);
	echo_done(&e);
}

TEST(over_the_network_nobody_calls_without_being_authenticated)
{
	struct rpc_limits limits = rpc_limits_default();
	struct echo e;
	struct peer p;

	CHECK_INT(echo_init(&e, &limits), 0);
	CHECK_INT(peer_open_remote(&p, e.server, 0, 1, false), 0);
	CHECK(peer_bind(&p, &echo_syntax, 0) != 0);
	peer_request(&p, WHOLE, 2, ECHO_ECHO, "x", 1);
	check_end(&p, FAULT_ACCESS_DENIED);
	CHECK_INT(e.call_count, 0);
	teardown(&e, &p);
}

static void answer(struct rpc_call *call, void *data)
{
	rpc_call_reply(call, "open", 4);
}

TEST(each_door_offers_its_own_interfaces)
{
	const struct rpc_interface open_to_all = {
		.name = "open", .syntax = { { { 7 } }, 1, 0 }, .anonymous = true, .dispatch = answer
	};
	static const struct {
		bool anonymous_door, echo, other, open;
	} cases[] = { { false, true, false, false }, { true, false, false, true } };
	struct rpc_limits limits = rpc_limits_default();
	struct echo e;

	CHECK_INT(echo_init(&e, &limits), 0);
	CHECK_INT(rpc_server_add_interface(e.server, &open_to_all), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pdu_syntax *syntaxes[] = { &echo_syntax, &echo_other_syntax, &open_to_all.syntax };
		bool offered[] = { cases[i].echo, cases[i].other, cases[i].open };

		for (size_t j = 0; j < ARRAY_SIZE(syntaxes); j++) {
			struct peer p;
			struct pdu pdu;

			CHECK_INT(peer_open_remote(&p, e.server, 0, 1, cases[i].anonymous_door), 0);
			CHECK_INT(peer_bind(&p, syntaxes[j], 0) != 0, offered[j]);
			if (j == 2 && offered[j]) {
				CHECK(peer_call(&p, 2, 0, "", 0, &pdu));
				CHECK_INT(pdu.header.type, PDU_RESPONSE);
			}
			peer_close(&p);
		}
	}
	echo_done(&e);
}

/* A reader of that name from now on, as if it had been authenticated. */
static void become(struct peer *p, const char *name)
{
	p->connection->identity.access = RPC_ACCESS_READ;
	(void)snprintf(p->connection->identity.name, sizeof(p->connection->identity.name), "%s", name);
	CHECK_INT(rpc_connection_admit(p->connection), 0);
	if (p->connection->association != NULL)
		CHECK(rpc_association_claim(p->connection->association, &p->connection->identity));
}

TEST(a_flood_of_strangers_displaces_itself_and_nobody_else)
{
	struct rpc_limits limits = rpc_limits_default();
	struct peer flood[40], lonely, reader, local;
	struct echo e;

	limits.connections = 64; /* 8 for strangers. */
	CHECK_INT(echo_init(&e, &limits), 0);
	CHECK_INT(peer_open_remote(&reader, e.server, 0, 1, false), 0);
	become(&reader, "reader");
	CHECK_INT(peer_open_remote(&lonely, e.server, 0, 2, false), 0);
	for (size_t i = 0; i < ARRAY_SIZE(flood); i++) {
		CHECK_INT(peer_open_remote(&flood[i], e.server, 1, 1, false), 0);
		CHECK(!peer_is_over(&flood[i]));
		if (i >= 7)
			CHECK(peer_is_over(&flood[i - 7])); /* Its own oldest. */
	}
	CHECK(!peer_is_over(&lonely) && !peer_is_over(&reader));
	CHECK_INT(peer_open(&local, e.server, &peer_reader), 0);
	/* A latecomer finds a place, too. */
	peer_close(&local);
	CHECK_INT(peer_open_remote(&local, e.server, 2, 2, false), 0);
	CHECK(!peer_is_over(&local) && !peer_is_over(&lonely));
	peer_close(&local);
	for (size_t i = 0; i < ARRAY_SIZE(flood); i++)
		peer_close(&flood[i]);
	peer_close(&lonely);
	peer_close(&reader);
	echo_done(&e);
}

TEST(connections_of_one_address_and_of_one_name_are_limited)
{
	struct rpc_limits limits = rpc_limits_default();
	struct peer peers[8];
	struct echo e;

	limits.connections_per_address = 4;
	limits.connections_per_identity = 5;
	CHECK_INT(echo_init(&e, &limits), 0);
	for (size_t i = 0; i < 4; i++) {
		CHECK_INT(peer_open_remote(&peers[i], e.server, 0, 1, false), 0);
		become(&peers[i], "alice");
	}
	CHECK_INT(peer_open_remote(&peers[4], e.server, 0, 1, false), ERR_RPC_S_SERVER_TOO_BUSY);
	CHECK_INT(peer_open_remote(&peers[4], e.server, 0, 2, false), 0);
	become(&peers[4], "alice");
	CHECK_INT(peer_open_remote(&peers[5], e.server, 0, 2, false), 0);
	peers[5].connection->identity.access = RPC_ACCESS_READ;
	(void)snprintf(peers[5].connection->identity.name, RPC_NAME_MAX, "alice");
	CHECK_INT(rpc_connection_admit(peers[5].connection), ERR_RPC_S_SERVER_TOO_BUSY);
	for (size_t i = 0; i < 6; i++)
		peer_close(&peers[i]);
	echo_done(&e);
}

TEST(readers_over_the_network_leave_room_for_who_logs_in)
{
	struct rpc_limits limits = rpc_limits_default();
	struct peer peers[13];
	struct echo e;

	limits.connections = 16;
	CHECK_INT(echo_init(&e, &limits), 0);
	for (unsigned i = 0; i < 12; i++) {
		CHECK_INT(peer_open_remote(&peers[i], e.server, i, 1, false), 0);
		become(&peers[i], "reader");
	}
	CHECK_INT(peer_open_remote(&peers[12], e.server, 20, 1, false), 0); /* Who is it? */
	peers[12].connection->identity.access = RPC_ACCESS_READ;
	CHECK_INT(rpc_connection_admit(peers[12].connection), ERR_RPC_S_SERVER_TOO_BUSY);
	peers[12].connection->identity.access = RPC_ACCESS_ALL;
	CHECK_INT(rpc_connection_admit(peers[12].connection), 0);
	for (unsigned i = 0; i < 13; i++)
		peer_close(&peers[i]);
	echo_done(&e);
}

TEST(one_client_cannot_fill_the_servers_memory)
{
	static const uint8_t part[4000];
	struct rpc_limits limits = rpc_limits_default();
	struct peer greedy[4], modest;
	struct pdu pdu;
	struct echo e;
	size_t ended = 0;

	limits.memory_per_client = 100000;
	limits.memory = 200000;
	CHECK_INT(echo_init(&e, &limits), 0);
	for (size_t i = 0; i < ARRAY_SIZE(greedy); i++) {
		CHECK_INT(peer_open_remote(&greedy[i], e.server, 0, 1 + (unsigned)i, false), 0);
		become(&greedy[i], "greedy");
		CHECK(peer_bind(&greedy[i], &echo_syntax, 0) != 0);
	}
	for (size_t i = 0; i < 40; i++) {
		struct peer *p = &greedy[i % ARRAY_SIZE(greedy)];

		if (peer_is_over(p))
			continue;
		peer_request(p, i < ARRAY_SIZE(greedy) ? PDU_FIRST : 0, 2, ECHO_ECHO, part, sizeof(part));
		ended += peer_is_over(p);
		CHECK(rpc_server_stats(e.server).memory <= 100000);
	}
	CHECK(ended > 0);
	CHECK_INT(peer_open_remote(&modest, e.server, 0, 9, false), 0);
	become(&modest, "modest");
	CHECK(peer_bind(&modest, &echo_syntax, 0) != 0);
	CHECK(peer_call(&modest, 2, ECHO_ECHO, part, sizeof(part), &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	for (size_t i = 0; i < ARRAY_SIZE(greedy); i++)
		peer_close(&greedy[i]);
	peer_close(&modest);
	CHECK_INT(rpc_server_stats(e.server).memory, 0);
	echo_done(&e);
}

TEST(handles_of_one_client_are_limited_over_all_its_groups)
{
	static const uint8_t stub[8];
	struct rpc_limits limits = rpc_limits_default();
	struct peer p[3];
	struct pdu pdu;
	struct echo e;

	limits.handles_per_client = 10;
	CHECK_INT(echo_init(&e, &limits), 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		CHECK_INT(peer_open(&p[i], e.server, i < 2 ? &peer_reader : &peer_root), 0);
		CHECK(peer_bind(&p[i], &echo_syntax, 0) != 0);
	}
	for (uint32_t i = 0; i < 12; i++) {
		CHECK(peer_call(&p[i % 2], 2 + i, ECHO_OPEN, stub, sizeof(stub), &pdu));
		CHECK_INT(pdu.header.type, i < 10 ? PDU_RESPONSE : PDU_FAULT);
	}
	CHECK_INT(pdu.stub.status, 4); /* ERROR_TOO_MANY_OPEN_FILES */
	CHECK(peer_call(&p[2], 2, ECHO_OPEN, stub, sizeof(stub), &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	peer_close(&p[0]); /* With it go five handles. */
	CHECK(peer_call(&p[1], 30, ECHO_OPEN, stub, sizeof(stub), &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	peer_close(&p[1]);
	peer_close(&p[2]);
	echo_done(&e);
}
