/* The client's half against servers that answer as they should, and as they should not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/channel.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"

enum { WHOLE = PDU_FIRST | PDU_LAST, GROUP = 4711 };

static void input(struct rpc_channel *ch, struct buf *b)
{
	rpc_channel_input(ch, b->data, b->len);
	buf_done(b);
}

static void put_ack(struct buf *b, const struct pdu_ack *change)
{
	size_t start = pdu_begin(b, PDU_BIND_ACK, WHOLE, 1);

	pdu_put_ack(b, start, change, false);
	pdu_end(b, start, 0);
}

static struct pdu_ack good_ack(void)
{
	struct pdu_ack ack = { .max_xmit = 4280, .max_recv = 4280, .group = GROUP, .address = "x", .result_count = 1 };

	ack.results[0].transfer = pdu_ndr20;
	return ack;
}

static void put_response(struct buf *b, unsigned flags, uint32_t call_id, const char *stub)
{
	size_t start = pdu_begin(b, PDU_RESPONSE, flags, call_id);

	pdu_put_stub_header(b, strlen(stub), 0, 0);
	buf_append(b, stub, strlen(stub));
	pdu_end(b, start, 0);
}

static void start(struct rpc_channel *ch)
{
	CHECK_INT(rpc_channel_init(ch, &echo_syntax, 0, 5840, NULL), 0);
	CHECK_INT(ch->state, CHANNEL_BINDING);
	buf_done(&ch->output);
}

/* Bound, and waiting for the answer to its first call, whose number is 2. */
static void start_call(struct rpc_channel *ch, struct rpc_channel_call *call)
{
	struct pdu_ack ack = good_ack();
	struct buf b = { 0 };

	start(ch);
	put_ack(&b, &ack);
	input(ch, &b);
	CHECK_INT(ch->state, CHANNEL_READY);
	CHECK_INT(ch->group, GROUP);
	CHECK_INT(ch->calls_max, 1); /* It did not say that it takes more. */
	CHECK_INT(rpc_channel_call(ch, call, 0, "x", 1), 0);
	CHECK_INT(ch->call_count, 1);
	buf_done(&ch->output);
}

static void check_broken(struct rpc_channel *ch, int error)
{
	CHECK_INT(ch->state, CHANNEL_BROKEN);
	CHECK_INT(ch->error, error);
	rpc_channel_done(ch);
}

static void check_answer(struct rpc_channel *ch, struct rpc_channel_call *call, const char *expected)
{
	struct buf reply = { 0 };

	CHECK(call->answered);
	CHECK_INT(rpc_channel_take_reply(ch, call, &reply), 0);
	CHECK_INT(reply.len, strlen(expected));
	CHECK_MEM(reply.data, expected, reply.len);
	CHECK_INT(ch->state, CHANNEL_READY);
	buf_done(&reply);
}

TEST(requests_go_out_in_fragments_of_the_agreed_size)
{
	struct pdu_ack ack = good_ack();
	uint8_t stub[10000];
	struct rpc_channel_call call = { 0 };
	struct rpc_channel ch;
	struct buf b = { 0 };
	size_t at = 0, stub_at = 0;

	for (size_t i = 0; i < sizeof(stub); i++)
		stub[i] = (uint8_t)(i / 3);
	start(&ch);
	put_ack(&b, &ack);
	input(&ch, &b);
	CHECK_INT(rpc_channel_call(&ch, &call, 104, stub, sizeof(stub)), 0);
	while (at < ch.output.len) {
		size_t len = get_le16(ch.output.data + at + 8);
		struct pdu pdu;

		CHECK_INT(pdu_decode(ch.output.data + at, len, &pdu), 0);
		CHECK(len <= 4280);
		CHECK_INT(pdu.stub.opnum, 104);
		CHECK_INT(!!(pdu.header.flags & PDU_FIRST), stub_at == 0);
		CHECK_INT(pdu.stub.alloc_hint, sizeof(stub) - stub_at);
		CHECK_MEM(pdu.stub.data, stub + stub_at, pdu.stub.len);
		stub_at += pdu.stub.len;
		CHECK_INT(!!(pdu.header.flags & PDU_LAST), stub_at == sizeof(stub));
		at += len;
	}
	CHECK_INT(stub_at, sizeof(stub));
	rpc_channel_done(&ch);
}

TEST(answers_in_fragments_become_one)
{
	struct rpc_channel_call call = { 0 };
	struct rpc_channel ch;
	struct buf b = { 0 };

	start_call(&ch, &call);
	put_response(&b, PDU_FIRST, 2, "one ");
	put_response(&b, 0, 2, "two ");
	put_response(&b, PDU_LAST, 2, "three");
	input(&ch, &b);
	check_answer(&ch, &call, "one two three");
	/* The next call begins anew. */
	CHECK_INT(rpc_channel_call(&ch, &call, 0, "x", 1), 0);
	put_response(&b, WHOLE, 3, "next");
	input(&ch, &b);
	check_answer(&ch, &call, "next");
	rpc_channel_done(&ch);
}

TEST(what_a_server_must_not_answer_breaks_the_channel)
{
	static const struct {
		unsigned flags, more;
		uint32_t call_id;
	} cases[] = {
		{ WHOLE, 0, 3 },                                 /* A call that has not been made. */
		{ WHOLE, 0, 0x80000000 }, { 0, 0, 2 },           /* No beginning. */
		{ PDU_LAST, 0, 2 }, { PDU_FIRST, PDU_FIRST, 2 }, /* Two of them. */
	};
	struct rpc_channel_call call = { 0 };
	struct rpc_channel ch;
	struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		start_call(&ch, &call);
		put_response(&b, cases[i].flags, cases[i].call_id, "x");
		if (cases[i].more != 0)
			put_response(&b, cases[i].more, cases[i].call_id, "y");
		input(&ch, &b);
		check_broken(&ch, ERR_RPC_S_PROTOCOL_ERROR);
	}
	start_call(&ch, &call);
	rpc_channel_input(&ch, "HTTP/1.0 400 Bad", 16);
	check_broken(&ch, ERR_RPC_S_PROTOCOL_ERROR);

	start_call(&ch, &call);
	pdu_put_nak(&b, 2, 0);
	input(&ch, &b);
	check_broken(&ch, ERR_RPC_S_PROTOCOL_ERROR);

	start(&ch);
	put_response(&b, WHOLE, 1, "before the bind");
	input(&ch, &b);
	check_broken(&ch, ERR_RPC_S_PROTOCOL_ERROR);
}

TEST(an_ack_must_make_sense)
{
	struct pdu_ack acks[8];
	int errors[8];
	struct rpc_channel ch;
	struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(acks); i++) {
		acks[i] = good_ack();
		errors[i] = ERR_RPC_S_PROTOCOL_ERROR;
	}
	acks[0].max_recv = 1000;
	acks[1].max_recv = 5848; /* More than was offered. */
	acks[2].group = 0;
	acks[3].result_count = 0;
	acks[4].results[0].transfer.major = 1;
	acks[5].results[0] =
	    (struct pdu_context_result){ .result = PDU_PROVIDER_REJECTED, .reason = PDU_ABSTRACT_UNKNOWN };
	errors[5] = ERR_RPC_S_UNKNOWN_IF;
	acks[6].results[0] = (struct pdu_context_result){ .result = PDU_PROVIDER_REJECTED, .reason = PDU_LOCAL_LIMIT };
	errors[6] = ERR_RPC_S_SERVER_TOO_BUSY;
	acks[7].results[0].result = PDU_NEGOTIATED;
	errors[7] = ERR_RPC_S_UNKNOWN_IF;
	for (size_t i = 0; i < ARRAY_SIZE(acks); i++) {
		start(&ch);
		put_ack(&b, &acks[i]);
		input(&ch, &b);
		if (ch.error != errors[i])
			test_fail(__FILE__, __LINE__, "ack %zu gives %d", i, ch.error);
		check_broken(&ch, errors[i]);
	}
}

TEST(a_refused_bind_says_why)
{
	static const struct {
		uint32_t group;
		enum pdu_nak_reason reason;
		int error;
	} cases[] = {
		{ 0, NAK_UNSPECIFIED, ERR_RPC_S_CALL_FAILED_DNE },
		{ 5, NAK_UNSPECIFIED, -ESTALE },
		{ 0, NAK_BUSY, ERR_RPC_S_SERVER_TOO_BUSY },
		{ 5, NAK_LIMIT, ERR_RPC_S_SERVER_TOO_BUSY },
		{ 0, NAK_VERSION, ERR_RPC_S_PROTOCOL_ERROR },
		{ 0, NAK_AUTH_TYPE, ERR_RPC_S_UNKNOWN_AUTHN_SERVICE },
	};
	struct rpc_channel ch;
	struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(rpc_channel_init(&ch, &echo_syntax, cases[i].group, 5840, NULL), 0);
		pdu_put_nak(&b, 1, cases[i].reason);
		input(&ch, &b);
		check_broken(&ch, cases[i].error);
	}
	start(&ch);
	pdu_put_fault(&b, 0, 1, 0, FAULT_ACCESS_DENIED);
	input(&ch, &b);
	check_broken(&ch, ERR_ACCESS_DENIED);
}

TEST(a_fault_is_the_answer_of_its_call_only)
{
	struct buf b = { 0 }, reply = { 0 };
	struct rpc_channel_call call = { 0 };
	struct rpc_channel ch;

	start_call(&ch, &call);
	put_response(&b, PDU_FIRST, 2, "half an ans");
	pdu_put_fault(&b, 0, 2, 0, FAULT_CONTEXT_MISMATCH);
	input(&ch, &b);
	CHECK(call.answered);
	CHECK_INT(rpc_channel_take_reply(&ch, &call, &reply), ERR_INVALID_HANDLE);
	CHECK(reply.data == NULL);
	CHECK_INT(rpc_channel_call(&ch, &call, 0, "x", 1), 0);
	put_response(&b, WHOLE, 3, "whole");
	input(&ch, &b);
	check_answer(&ch, &call, "whole");
	rpc_channel_done(&ch);
}

TEST(late_answers_to_abandoned_calls_are_ignored)
{
	struct buf b = { 0 };
	struct rpc_channel_call call = { 0 };
	struct rpc_channel ch;
	struct pdu pdu;

	start_call(&ch, &call);
	put_response(&b, PDU_FIRST, 2, "late ");
	input(&ch, &b);
	rpc_channel_forget(&ch, &call, true);
	CHECK_INT(ch.state, CHANNEL_READY);
	CHECK_INT(pdu_decode(ch.output.data, ch.output.len, &pdu), 0);
	CHECK_INT(pdu.header.type, PDU_ORPHANED);
	CHECK_INT(pdu.header.call_id, 2);
	buf_done(&ch.output);
	put_response(&b, 0, 2, "and still ");
	put_response(&b, PDU_LAST, 2, "late");
	pdu_put_fault(&b, 0, 2, 0, FAULT_CANCELLED);
	input(&ch, &b);
	CHECK_INT(ch.state, CHANNEL_READY);
	CHECK_INT(rpc_channel_call(&ch, &call, 0, "x", 1), 0);
	put_response(&b, PDU_FIRST, 3, "in ");
	put_response(&b, PDU_LAST, 2, "late");
	pdu_put_fault(&b, 0, 2, 0, FAULT_CANCELLED);
	put_response(&b, PDU_LAST, 3, "time");
	input(&ch, &b);
	check_answer(&ch, &call, "in time");
	rpc_channel_done(&ch);
}

TEST(the_same_bytes_cut_anywhere_give_the_same_answer)
{
	uint64_t rounds = test_rounds(500);

	for (uint64_t seed = test_seed; seed < test_seed + rounds; seed++) {
		struct pdu_ack ack = good_ack();
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct buf b = { 0 };
		uint64_t state = seed;

		test_note_seed(seed);
		start(&ch);
		put_ack(&b, &ack);
		for (size_t at = 0; at < b.len;) {
			size_t len;

			state = state * 6364136223846793005 + 1442695040888963407;
			len = (state >> 33) % 20 + 1;
			len = MIN(len, b.len - at);
			rpc_channel_input(&ch, b.data + at, len);
			at += len;
		}
		buf_done(&b);
		CHECK_INT(rpc_channel_call(&ch, &call, 0, "x", 1), 0);
		put_response(&b, PDU_FIRST, 2, "a somewhat longer answer ");
		put_response(&b, 0, 2, "");
		put_response(&b, PDU_LAST, 2, "in three fragments");
		for (size_t at = 0; at < b.len;) {
			size_t len;

			state = state * 6364136223846793005 + 1442695040888963407;
			len = (state >> 33) % 50 + 1;
			len = MIN(len, b.len - at);
			rpc_channel_input(&ch, b.data + at, len);
			at += len;
		}
		buf_done(&b);
		check_answer(&ch, &call, "a somewhat longer answer in three fragments");
		rpc_channel_done(&ch);
	}
}

TEST(each_failed_allocation_breaks_the_channel_and_nothing_else)
{
	FAIL_EACH_ALLOCATION
	{
		static const uint8_t stub[10000];
		struct rpc_limits limits = rpc_limits_default();
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;

		if (echo_init(&e, &limits) == 0) {
			if (peer_open(&p, e.server, &peer_reader) == 0) {
				if (rpc_channel_init(&ch, &echo_syntax, 0, 5840, NULL) == 0) {
					for (int i = 0; i < 2; i++) {
						peer_bytes(&p, ch.output.data, ch.output.len);
						buf_done(&ch.output);
						rpc_channel_input(
						    &ch, p.received.data + p.seen, p.received.len - p.seen);
						p.seen = p.received.len;
						if (i == 0 && ch.state == CHANNEL_READY)
							(void)rpc_channel_call(&ch, &call, ECHO_ECHO, stub, sizeof(stub));
					}
					CHECK(call.answered || failalloc_hit());
					rpc_channel_done(&ch);
				}
				peer_close(&p);
			}
			echo_done(&e);
		}
	}
}
