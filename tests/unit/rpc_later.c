/* Logins that take time: somebody else must be asked, answers late, with a refusal, or never; and the client does not wait.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/channel.h"
#include "rpc/server_private.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"

/* SLOW needs one leg, SLOW_TWICE a quick one before it; the token of the slow one is "slow". */
enum { WHOLE = PDU_FIRST | PDU_LAST, SLOW = 78, SLOW_TWICE = 79, SLOW_UID = 7100 };

struct slow {
	struct rpc_security base;
	struct slow *next;
	unsigned legs, steps; /* Steps: how often it was asked. */
	bool asked, answered;
	int answer;
};

static struct slow *all; /* The newest is the first. */
static unsigned failures;

static int slow_step(struct rpc_security *base, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct slow *s = (struct slow *)base;

	s->steps++;
	if (s->legs > 1) {
		s->legs--;
		buf_append(token_out, "more", 4);
		return token_out->error != 0 ? token_out->error : 1;
	}
	CHECK(len == 4 && memcmp(token, "slow", 4) == 0); /* The second time, too. */
	if (!s->answered) {
		CHECK(!s->asked);
		s->asked = true;
		return RPC_STEP_LATER;
	}
	if (s->answer == 0)
		buf_append(token_out, "fine", 4);
	return token_out->error != 0 ? token_out->error : s->answer;
}

static void slow_identify(struct rpc_security *base, struct rpc_identity *identity)
{
	struct slow *s = (struct slow *)base;

	identity->uid = SLOW_UID;
	if (s->answered && s->answer == 0)
		identity->access = RPC_ACCESS_ALL;
}

static void slow_free(struct rpc_security *base)
{
	struct slow **at = &all;

	while (*at != (struct slow *)base)
		at = &(*at)->next;
	*at = (*at)->next;
	free(base);
}

static int slow_make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = { .step = slow_step, .identify = slow_identify, .free = slow_free };
	struct slow *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->base.ops = &ops;
	s->legs = p->type == SLOW_TWICE ? 2 : 1;
	s->next = all;
	all = s;
	*ret = &s->base;
	return 0;
}

static const struct rpc_security_provider slow = { .type = SLOW, .make = slow_make },
					  slow_twice = { .type = SLOW_TWICE, .make = slow_make };

static void answer(struct slow *s, int result)
{
	CHECK(s->asked && !s->answered);
	s->answered = true;
	s->answer = result;
	s->base.ready(s->base.ready_data);
}

static const struct rpc_identity remote = { .local = false, .access = RPC_ACCESS_NONE, .uid = UINT32_MAX };

static void setup(struct echo *e, struct peer *p)
{
	struct rpc_limits limits = rpc_limits_default();

	CHECK_INT(echo_init(e, &limits), 0);
	CHECK_INT(rpc_server_add_provider(e->server, &slow), 0);
	CHECK_INT(rpc_server_add_provider(e->server, &slow_twice), 0);
	CHECK_INT(peer_open(p, e->server, &remote), 0);
	failures = 0;
}

static void done(struct echo *e, struct peer *p)
{
	peer_close(p);
	CHECK(all == NULL);
	CHECK_INT(rpc_server_stats(e->server).connections, 0);
	CHECK_INT(rpc_server_stats(e->server).groups, 0);
	echo_done(e);
}

static void put_leg(struct peer *p, enum pdu_type type, uint8_t mechanism, const char *token)
{
	struct pdu_auth auth = { .type = mechanism, .level = RPC_LEVEL_CONNECT, .context_id = 9 };
	size_t start = pdu_begin(&p->out, type, WHOLE, 1);

	if (type == PDU_AUTH3)
		buf_u32(&p->out, 0);
	else
		pdu_put_bind(&p->out, 4280, 0, 0, &echo_syntax);
	pdu_put_trailer(&p->out, start, 4, &auth);
	buf_append(&p->out, token, strlen(token));
	pdu_end(&p->out, start, strlen(token));
}

/* Up to the slow leg, which comes as a bind, an alter_context or an auth3. */
static void begin(struct peer *p, enum pdu_type slow_leg)
{
	struct pdu pdu;

	if (slow_leg == PDU_BIND) {
		put_leg(p, PDU_BIND, SLOW, "slow");
	} else {
		put_leg(p, PDU_BIND, SLOW_TWICE, "quick");
		peer_send(p);
		CHECK(peer_next(p, &pdu));
		CHECK_INT(pdu.header.type, PDU_BIND_ACK);
		put_leg(p, slow_leg, SLOW_TWICE, "slow");
	}
	peer_send(p);
	CHECK(!peer_next(p, &pdu) && !peer_is_over(p));
	CHECK(all->asked && !all->answered);
}

static const enum pdu_type legs[] = { PDU_BIND, PDU_ALTER, PDU_AUTH3 };

TEST(a_leg_that_takes_time_is_answered_when_its_answer_is_there)
{
	for (size_t i = 0; i < ARRAY_SIZE(legs); i++) {
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p);
		begin(&p, legs[i]);
		answer(all, 0);
		CHECK_INT(all->steps, legs[i] == PDU_BIND ? 2 : 3);
		CHECK_INT(peer_next(&p, &pdu), legs[i] != PDU_AUTH3);
		if (legs[i] != PDU_AUTH3) {
			CHECK_INT(pdu.header.type, legs[i] == PDU_BIND ? PDU_BIND_ACK : PDU_ALTER_ACK);
			CHECK_INT(pdu.ack.result_count, 1);
			CHECK_INT(pdu.ack.results[0].result, PDU_ACCEPTED);
			CHECK(pdu.has_auth && pdu.auth.token_len == 4 && memcmp(pdu.auth.token, "fine", 4) == 0);
		}
		CHECK(peer_call(&p, 2, ECHO_WHO, "", 0, &pdu));
		CHECK_INT(pdu.header.type, PDU_RESPONSE);
		CHECK_INT(get_le32(pdu.stub.data), SLOW_UID);
		done(&e, &p);
	}
}

/* All that a client may send behind an auth3, in one piece or byte by byte. */
TEST(what_comes_meanwhile_waits_and_is_taken_in_its_order)
{
	for (unsigned piece = 1; piece <= 1000; piece += 333) {
		struct buf later;
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p);
		begin(&p, PDU_AUTH3);
		peer_put_request(&p, PDU_FIRST, 2, ECHO_ECHO, "one ", 4);
		peer_put_request(&p, PDU_LAST, 2, ECHO_ECHO, "two", 3);
		later = p.out;
		p.out = (struct buf){ 0 };
		for (size_t at = 0; at < later.len; at += piece)
			peer_bytes(&p, later.data + at, MIN((size_t)piece, later.len - at));
		CHECK(!peer_next(&p, &pdu));
		CHECK_INT(e.call_count, 0);
		CHECK(rpc_connection_has_room(p.connection));
		answer(all, 0);
		CHECK_INT(e.call_count, 1);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, PDU_RESPONSE);
		CHECK(pdu.stub.len == 7 && memcmp(pdu.stub.data, "one two", 7) == 0);
		buf_done(&later);
		done(&e, &p);
	}
}

/* The bind and what follows it come in one read. */
TEST(what_comes_in_the_same_read_waits)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p);
	put_leg(&p, PDU_BIND, SLOW, "slow");
	peer_put_request(&p, WHOLE, 2, ECHO_ECHO, "early", 5);
	peer_send(&p);
	CHECK_INT(e.call_count, 0);
	answer(all, 0);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_BIND_ACK);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	done(&e, &p);
}

TEST(what_was_sent_before_a_login_that_is_refused_is_not_executed)
{
	for (size_t i = 0; i < ARRAY_SIZE(legs); i++) {
		struct echo e;
		struct peer p;

		setup(&e, &p);
		begin(&p, legs[i]);
		peer_put_request(&p, WHOLE, 2, ECHO_ECHO, "early", 5);
		peer_send(&p);
		answer(all, ERR_ACCESS_DENIED);
		CHECK(peer_is_over(&p));
		CHECK_INT(e.call_count, 0);
		done(&e, &p);
	}
}

TEST(others_log_in_meanwhile)
{
	struct slow *first;
	struct peer p, q;
	struct echo e;
	struct pdu pdu;

	setup(&e, &p);
	begin(&p, PDU_BIND);
	first = all;
	CHECK_INT(peer_open(&q, e.server, &remote), 0);
	begin(&q, PDU_BIND);
	answer(all, 0);
	CHECK(peer_next(&q, &pdu));
	CHECK(peer_call(&q, 2, ECHO_ECHO, "x", 1, &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	CHECK(!peer_next(&p, &pdu));
	answer(first, 0);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_BIND_ACK);
	peer_close(&q);
	done(&e, &p);
}

TEST(a_client_that_leaves_meanwhile_leaves_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(legs); i++) {
		struct echo e;
		struct peer p;

		setup(&e, &p);
		begin(&p, legs[i]);
		peer_put_request(&p, WHOLE, 2, ECHO_ECHO, "early", 5);
		peer_send(&p);
		done(&e, &p); /* And looks for what is left. */
	}
}

/* The answer never comes, or too late. */
TEST(the_time_to_log_in_goes_on_meanwhile)
{
	static const uint64_t s = 1000000000;

	for (int is_late = 0; is_late < 2; is_late++) {
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p);
		begin(&p, PDU_BIND);
		rpc_connection_tick(p.connection, s);
		rpc_connection_tick(p.connection, 20 * s);
		CHECK(!peer_is_over(&p));
		rpc_connection_tick(p.connection, 21 * s);
		CHECK(peer_is_over(&p));
		if (is_late)
			answer(all, 0);
		CHECK(!peer_next(&p, &pdu));
		done(&e, &p);
	}
}

TEST(a_client_may_send_so_much_meanwhile_and_no_more)
{
	static uint8_t bytes[RPC_HELD_MAX / 2];
	struct echo e;
	struct peer p;

	setup(&e, &p);
	begin(&p, PDU_BIND);
	peer_bytes(&p, bytes, sizeof(bytes) - 1);
	CHECK(rpc_connection_has_room(p.connection));
	peer_bytes(&p, bytes, sizeof(bytes));
	CHECK(!rpc_connection_has_room(p.connection) && !peer_is_over(&p));
	peer_bytes(&p, bytes, 1);
	CHECK(!peer_is_over(&p));
	peer_bytes(&p, bytes, 1);
	CHECK(peer_is_over(&p));
	done(&e, &p);
}

TEST(the_transport_is_told_that_there_is_room_again)
{
	static uint8_t stub[4000];
	unsigned wakes;
	struct echo e;
	struct peer p;

	setup(&e, &p);
	begin(&p, PDU_AUTH3);
	while (rpc_connection_has_room(p.connection)) {
		peer_put_request(&p, PDU_FIRST, 2, ECHO_ECHO, stub, sizeof(stub));
		peer_send(&p);
	}
	wakes = p.wakes;
	answer(all, 0);
	CHECK(rpc_connection_has_room(p.connection));
	CHECK(p.wakes > wakes);
	done(&e, &p);
}

static void on_failed(void *data, const struct rpc_identity *who)
{
	failures++;
	CHECK_INT(who->access, RPC_ACCESS_NONE);
	CHECK_INT(who->uid, SLOW_UID);
}

TEST(a_late_refusal_is_a_failed_login_and_having_nobody_to_ask_is_none)
{
	static const struct {
		int answer;
		unsigned failures;
	} cases[] = { { ERR_ACCESS_DENIED, 1 }, { -EBADMSG, 1 }, { -EAGAIN, 0 }, { -ENOMEM, 0 }, { 0, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(legs) * ARRAY_SIZE(cases); i++) {
		int result = cases[i / ARRAY_SIZE(legs)].answer;
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p);
		p.connection->transport.login_failed = on_failed;
		begin(&p, legs[i % ARRAY_SIZE(legs)]);
		CHECK_INT(failures, 0);
		answer(all, result);
		CHECK_INT(failures, cases[i / ARRAY_SIZE(legs)].failures);
		if (result < 0 && legs[i % ARRAY_SIZE(legs)] == PDU_BIND) {
			CHECK(peer_next(&p, &pdu));
			CHECK_INT(pdu.header.type, PDU_BIND_NAK);
			CHECK_INT(pdu.nak_reason, result == -EAGAIN ? NAK_LIMIT : NAK_UNSPECIFIED);
		}
		CHECK_INT(peer_is_over(&p), result < 0 && legs[i % ARRAY_SIZE(legs)] != PDU_AUTH3);
		done(&e, &p);
	}
}

TEST(each_failed_allocation_of_a_late_login_is_survived)
{
	struct peer client = { 0 };

	put_leg(&client, PDU_BIND, SLOW, "slow");
	peer_put_request(&client, WHOLE, 2, ECHO_ECHO, "early", 5);
	FAIL_EACH_ALLOCATION
	{
		struct rpc_limits limits = rpc_limits_default();
		struct echo e;
		struct peer p;
		struct pdu pdu;

		if (echo_init(&e, &limits) < 0)
			continue;
		CHECK_INT(rpc_server_add_provider(e.server, &slow), 0);
		if (peer_open(&p, e.server, &remote) == 0) {
			peer_bytes(&p, client.out.data, client.out.len);
			if (all != NULL && all->asked)
				answer(all, 0);
			CHECK(failalloc_hit() || (peer_next(&p, &pdu) && peer_next(&p, &pdu) && pdu.stub.len == 5));
			peer_close(&p);
		}
		CHECK(all == NULL);
		CHECK_INT(rpc_server_stats(e.server).memory, 0);
		echo_done(&e);
	}
	buf_done(&client.out);
}
