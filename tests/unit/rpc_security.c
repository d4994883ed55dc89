/* The seam, with a mechanism that is good for nothing but tests: three legs, a checksum, an XOR.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/channel.h"
#include "rpc/server_private.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"

enum { WHOLE = PDU_FIRST | PDU_LAST, TOY = 77, TOY_SIGNATURE = 12, TOY_UID = 7001 };

struct toy {
	struct rpc_security base;
	unsigned leg;
	uint32_t sent, received; /* PDUs. */
	uint32_t uid;
};

static uint32_t checksum(const struct toy *t, const uint8_t *pdu, size_t len, size_t body, size_t body_len)
{
	const uint8_t *from = t->base.header_sign ? pdu : pdu + body;
	size_t n = t->base.header_sign ? len : body_len;
	uint32_t sum = 1;

	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + from[i];
	return sum;
}

static void crypt_body(uint8_t *p, size_t len, uint32_t sequence)
{
	for (size_t i = 0; i < len; i++)
		p[i] ^= (uint8_t)(0x5a + sequence + i);
}

static int toy_protect(
    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, uint8_t *signature)
{
	struct toy *t = (struct toy *)s;

	put_le32(signature, 0x10001000);
	put_le32(signature + 4, checksum(t, pdu, len, body, body_len));
	put_le32(signature + 8, t->sent);
	if (s->level == RPC_LEVEL_PRIVACY)
		crypt_body(pdu + body, body_len, t->sent);
	t->sent++;
	return 0;
}

static int toy_unprotect(
    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, const uint8_t *signature)
{
	struct toy *t = (struct toy *)s;

	if (s->level == RPC_LEVEL_PRIVACY)
		crypt_body(pdu + body, body_len, t->received);
	if (get_le32(signature) != 0x10001000 || get_le32(signature + 4) != checksum(t, pdu, len, body, body_len) ||
	    get_le32(signature + 8) != t->received)
		return ERR_ACCESS_DENIED;
	t->received++;
	return 0;
}

static void toy_free(struct rpc_security *s)
{
	free(s);
}

static bool is_token(const uint8_t *token, size_t len, const char *expected)
{
	return len == strlen(expected) && memcmp(token, expected, len) == 0;
}

static int toy_accept(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct toy *t = (struct toy *)s;

	switch (t->leg++) {
	case 0:
		if (!is_token(token, len, "one"))
			return ERR_ACCESS_DENIED;
		buf_append(token_out, "two", 3);
		return token_out->error != 0 ? token_out->error : 1;
	case 1:
		if (len != 9 || memcmp(token, "three", 5) != 0) {
			t->leg--; /* It would forget; the runtime must not. */
			return ERR_ACCESS_DENIED;
		}
		t->uid = get_le32(token + 5);
		return 0;
	default:
		return -EPROTO;
	}
}

static int toy_initiate(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct toy *t = (struct toy *)s;

	if (t->leg++ == 0) {
		buf_append(token_out, "one", 3);
		return token_out->error != 0 ? token_out->error : 1;
	}
	if (!is_token(token, len, "two"))
		return ERR_ACCESS_DENIED;
	buf_append(token_out, "three", 5);
	buf_u32(token_out, t->uid);
	return token_out->error;
}

static void toy_identify(struct rpc_security *s, struct rpc_identity *identity)
{
	identity->uid = ((struct toy *)s)->uid;
	identity->access = identity->uid == TOY_UID ? RPC_ACCESS_ALL : RPC_ACCESS_READ;
}

static const struct rpc_security_ops acceptor = { toy_accept, toy_identify, toy_protect, toy_unprotect, toy_free };
static const struct rpc_security_ops initiator = { toy_initiate, NULL, toy_protect, toy_unprotect, toy_free };

static int toy_make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	struct toy *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->base.ops = &acceptor;
	t->base.signature_len = TOY_SIGNATURE;
	*ret = &t->base;
	return 0;
}

static const struct rpc_security_provider toy_provider = { .type = TOY, .make = toy_make };

static const struct rpc_identity remote = { .local = false, .access = RPC_ACCESS_NONE, .uid = UINT32_MAX };

static void setup(struct echo *e, struct peer *p, const struct rpc_identity *identity)
{
	struct rpc_limits limits = rpc_limits_default();

	CHECK_INT(echo_init(e, &limits), 0);
	CHECK_INT(rpc_server_add_provider(e->server, &toy_provider), 0);
	CHECK_INT(peer_open(p, e->server, identity), 0);
}

static void put_auth(
    struct peer *p, enum pdu_type type, uint8_t mechanism, uint8_t level, const void *token, size_t len)
{
	struct pdu_auth auth = { .type = mechanism, .level = level, .context_id = 9 };
	size_t start = pdu_begin(&p->out, type, WHOLE, 1);

	if (type == PDU_AUTH3)
		buf_u32(&p->out, 0);
	else
		pdu_put_bind(&p->out, 4280, 0, 0, &echo_syntax);
	pdu_put_trailer(&p->out, start, 4, &auth);
	buf_append(&p->out, token, len);
	pdu_end(&p->out, start, len);
	peer_send(p);
}

static int start_channel(struct rpc_channel *ch, uint8_t level, uint32_t uid, uint32_t group)
{
	struct toy *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->base = (struct rpc_security){
		.ops = &initiator, .type = TOY, .level = level, .context_id = 5, .signature_len = TOY_SIGNATURE
	};
	t->uid = uid;
	return rpc_channel_init(ch, &echo_syntax, group, 5840, &t->base);
}

/* Bytes to and fro until there are no more. */
static void exchange(struct rpc_channel *ch, struct peer *p)
{
	while (ch->output.len > 0) {
		struct buf out = ch->output;

		ch->output = (struct buf){ 0 };
		peer_bytes(p, out.data, out.len);
		buf_done(&out);
		rpc_channel_input(ch, p->received.data + p->seen, p->received.len - p->seen);
		p->seen = p->received.len;
	}
}

TEST(a_mechanism_is_refused_where_it_is_not_for)
{
	static const struct rpc_identity local = { .local = true, .access = RPC_ACCESS_NONE, .uid = 7 };
	const struct {
		const struct rpc_identity *identity;
		bool local_only, network_only, refused;
	} cases[] = { { &local, false, true, true }, { &remote, false, true, false }, { &local, true, false, false },
		{ &remote, true, false, true }, { &local, false, false, false }, { &remote, false, false, false } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rpc_security_provider provider = toy_provider;
		struct rpc_limits limits = rpc_limits_default();
		struct pdu answer;
		struct echo e;
		struct peer p;

		provider.local_only = cases[i].local_only;
		provider.network_only = cases[i].network_only;
		CHECK_INT(echo_init(&e, &limits), 0);
		CHECK_INT(rpc_server_add_provider(e.server, &provider), 0);
		CHECK_INT(peer_open(&p, e.server, cases[i].identity), 0);
		put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "one", 3);
		CHECK(peer_next(&p, &answer));
		CHECK_INT(answer.header.type, cases[i].refused ? PDU_BIND_NAK : PDU_BIND_ACK);
		if (cases[i].refused)
			CHECK_INT(answer.nak_reason, NAK_AUTH_TYPE);
		peer_close(&p);
		echo_done(&e);
	}
}

TEST(a_protected_connection_carries_calls_of_any_size)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 5840, 5800, 5792, 5776, 20000 };
	uint8_t stub[20000];

	for (size_t i = 0; i < sizeof(stub); i++)
		stub[i] = (uint8_t)(i * 7);
	for (uint8_t level = RPC_LEVEL_CONNECT; level <= RPC_LEVEL_PRIVACY; level++) {
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;

		setup(&e, &p, &remote);
		CHECK_INT(start_channel(&ch, level, TOY_UID, 0), 0);
		exchange(&ch, &p);
		CHECK_INT(ch.state, CHANNEL_READY);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct buf reply = { 0 };

			CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, stub, sizes[i]), 0);
			exchange(&ch, &p);
			CHECK(call.answered);
			CHECK_INT(rpc_channel_take_reply(&ch, &call, &reply), 0);
			CHECK_INT(reply.len, sizes[i]);
			if (sizes[i] > 0)
				CHECK_MEM(reply.data, stub, sizes[i]);
			buf_done(&reply);
		}
		CHECK_INT(e.call_count, ARRAY_SIZE(sizes));
		rpc_channel_done(&ch);
		peer_close(&p);
		echo_done(&e);
	}
}

TEST(stubs_are_readable_on_the_way_except_at_level_privacy)
{
	static const char secret[] = "a rather long secret in clear text";

	for (uint8_t level = RPC_LEVEL_PACKET; level <= RPC_LEVEL_PRIVACY; level++) {
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;
		bool seen;

		setup(&e, &p, &remote);
		CHECK_INT(start_channel(&ch, level, TOY_UID, 0), 0);
		exchange(&ch, &p);
		CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, secret, sizeof(secret)), 0);
		seen = memmem(ch.output.data, ch.output.len, secret, sizeof(secret)) != NULL;
		CHECK_INT(seen, level != RPC_LEVEL_PRIVACY);
		exchange(&ch, &p);
		seen = memmem(p.received.data, p.received.len, secret, sizeof(secret)) != NULL;
		CHECK_INT(seen, level != RPC_LEVEL_PRIVACY);
		CHECK(call.answered);
		rpc_channel_done(&ch);
		peer_close(&p);
		echo_done(&e);
	}
}

/* Every byte from the call number on: header, stub, padding, trailer, and the signature itself. */
TEST(no_changed_bit_of_a_signed_request_reaches_a_handler)
{
	size_t len = PDU_HEADER_SIZE;

	for (size_t at = 12; at < len; at++) {
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;

		setup(&e, &p, &remote);
		CHECK_INT(start_channel(&ch, RPC_LEVEL_INTEGRITY, TOY_UID, 0), 0);
		exchange(&ch, &p);
		CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, "hello", 5), 0);
		len = ch.output.len;
		ch.output.data[at] ^= 0x01;
		exchange(&ch, &p);
		CHECK(peer_is_over(&p));
		CHECK_INT(e.call_count, 0);
		CHECK(!call.answered || call.error == ERR_RPC_S_SEC_PKG_ERROR);
		rpc_channel_done(&ch);
		peer_close(&p);
		echo_done(&e);
	}
	CHECK_INT(len, 24 + 16 + 8 + TOY_SIGNATURE);
}

TEST(no_changed_bit_of_a_signed_response_reaches_the_caller)
{
	size_t len = PDU_HEADER_SIZE;

	for (size_t at = 12; at < len; at++) {
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;

		setup(&e, &p, &remote);
		CHECK_INT(start_channel(&ch, RPC_LEVEL_PRIVACY, TOY_UID, 0), 0);
		exchange(&ch, &p);
		CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, "hello", 5), 0);
		peer_bytes(&p, ch.output.data, ch.output.len);
		len = p.received.len - p.seen;
		p.received.data[p.seen + at] ^= 0x01;
		rpc_channel_input(&ch, p.received.data + p.seen, len);
		CHECK_INT(ch.state, CHANNEL_BROKEN);
		CHECK(ch.error == ERR_RPC_S_SEC_PKG_ERROR || ch.error == ERR_RPC_S_PROTOCOL_ERROR);
		rpc_channel_done(&ch);
		peer_close(&p);
		echo_done(&e);
	}
	CHECK_INT(len, 24 + 16 + 8 + TOY_SIGNATURE);
}

TEST(an_unsigned_or_replayed_request_is_refused)
{
	for (int replay = 0; replay < 2; replay++) {
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p, &remote);
		CHECK_INT(start_channel(&ch, RPC_LEVEL_PACKET, TOY_UID, 0), 0);
		exchange(&ch, &p);
		CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, "hello", 5), 0);
		if (replay) {
			buf_append(&p.out, ch.output.data, ch.output.len);
			exchange(&ch, &p);
			CHECK_INT(e.call_count, 1);
			peer_send(&p);
		} else {
			peer_request(&p, WHOLE, 2, ECHO_ECHO, "hello", 5);
		}
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, PDU_FAULT);
		CHECK_INT(pdu.header.auth_length, 0);
		CHECK_INT(pdu.stub.status, FAULT_SECURITY);
		CHECK(peer_is_over(&p));
		CHECK_INT(e.call_count, replay);
		rpc_channel_done(&ch);
		peer_close(&p);
		echo_done(&e);
	}
}

/* Without header signing the trailer is not under the signature; it is looked at all the same. */
TEST(a_trailer_that_says_something_else_is_refused)
{
	static const struct {
		uint8_t type, level;
		uint32_t context_id;
		size_t signature_len;
		bool good;
	} cases[] = {
		{ TOY, RPC_LEVEL_INTEGRITY, 9, TOY_SIGNATURE, true },
		{ TOY + 1, RPC_LEVEL_INTEGRITY, 9, TOY_SIGNATURE, false },
		{ TOY, RPC_LEVEL_PACKET, 9, TOY_SIGNATURE, false },
		{ TOY, RPC_LEVEL_INTEGRITY, 8, TOY_SIGNATURE, false },
		{ TOY, RPC_LEVEL_INTEGRITY, 9, TOY_SIGNATURE + 4, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct toy sender = { .base = { &initiator, cases[i].type, cases[i].level, cases[i].context_id, false,
					  true, cases[i].signature_len } };
		struct rpc_message m = { .type = PDU_REQUEST, .call_id = 2, .fragment_max = 4280 };
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p, &remote);
		put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_INTEGRITY, "one", 3);
		put_auth(&p, PDU_ALTER, TOY, RPC_LEVEL_INTEGRITY, "three\x59\x1b\0", 9);
		CHECK(peer_next(&p, &pdu) && peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, PDU_ALTER_ACK);
		CHECK_INT(rpc_security_put_message(&sender.base, &p.out, &m), 0);
		peer_send(&p);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, cases[i].good ? PDU_RESPONSE : PDU_FAULT);
		CHECK_INT(e.call_count, cases[i].good);
		CHECK_INT(peer_is_over(&p), !cases[i].good);
		peer_close(&p);
		echo_done(&e);
	}
}

TEST(an_interface_can_ask_for_a_level)
{
	for (uint8_t level = RPC_LEVEL_CONNECT; level <= RPC_LEVEL_PRIVACY; level++) {
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;

		setup(&e, &p, &remote);
		e.interface.least_level = RPC_LEVEL_PRIVACY;
		CHECK_INT(start_channel(&ch, level, TOY_UID, 0), 0);
		exchange(&ch, &p);
		CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, "hello", 5), 0);
		exchange(&ch, &p);
		CHECK(call.answered);
		CHECK_INT(call.error, level == RPC_LEVEL_PRIVACY ? 0 : ERR_ACCESS_DENIED);
		CHECK_INT(e.call_count, level == RPC_LEVEL_PRIVACY);
		rpc_channel_done(&ch);
		peer_close(&p);
		echo_done(&e);
	}
}

TEST(a_group_belongs_to_whom_its_first_connection_proved_to_be)
{
	struct rpc_channel first, same, other;
	struct peer p, q, r;
	struct echo e;

	setup(&e, &p, &remote);
	CHECK_INT(peer_open(&q, e.server, &remote), 0);
	CHECK_INT(peer_open(&r, e.server, &remote), 0);
	CHECK_INT(start_channel(&first, RPC_LEVEL_PACKET, TOY_UID, 0), 0);
	exchange(&first, &p);
	CHECK_INT(first.state, CHANNEL_READY);
	CHECK_INT(start_channel(&same, RPC_LEVEL_PACKET, TOY_UID, first.group), 0);
	exchange(&same, &q);
	CHECK_INT(same.state, CHANNEL_READY);
	CHECK_INT(same.group, first.group);
	CHECK_INT(start_channel(&other, RPC_LEVEL_PACKET, TOY_UID + 1, first.group), 0);
	exchange(&other, &r);
	CHECK_INT(other.state, CHANNEL_BROKEN);
	CHECK_INT(other.error, ERR_ACCESS_DENIED);
	CHECK(peer_is_over(&r));
	rpc_channel_done(&first);
	rpc_channel_done(&same);
	rpc_channel_done(&other);
	peer_close(&p);
	peer_close(&q);
	peer_close(&r);
	echo_done(&e);
}

static struct {
	unsigned asked;
	int result;
	enum rpc_access access, seen;
} admission;

static int admit(void *data, struct rpc_identity *identity)
{
	static const uint8_t sid[] = { 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 };

	CHECK(data == &admission);
	admission.asked++;
	admission.seen = identity->access;
	if (admission.result == 0)
		admission.result = rpc_sids_new(sid, sizeof(sid), &identity->sids);
	identity->access = admission.access;
	return admission.result;
}

/* Whether a call is answered with such an admission; *ret_calls are those that got through. */
static bool login(enum rpc_access access, int result, size_t *ret_calls)
{
	struct rpc_channel_call call = { 0 };
	struct rpc_channel ch;
	struct peer p;
	struct echo e;

	admission.asked = 0;
	admission.access = access;
	admission.result = result;
	setup(&e, &p, &remote);
	rpc_server_set_admission(e.server, admit, &admission);
	CHECK_INT(start_channel(&ch, RPC_LEVEL_PACKET, TOY_UID, 0), 0);
	exchange(&ch, &p);
	if (ch.state == CHANNEL_READY) {
		CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, "x", 1), 0);
		exchange(&ch, &p);
	}
	*ret_calls = e.call_count;
	rpc_channel_done(&ch);
	peer_close(&p);
	echo_done(&e);
	return call.answered;
}

TEST(the_owner_of_the_server_has_the_last_word_on_what_a_client_may_do)
{
	size_t calls;

	CHECK(login(RPC_ACCESS_READ, 0, &calls));
	CHECK_INT(admission.asked, 1);
	CHECK_INT(admission.seen, RPC_ACCESS_ALL);
	CHECK_INT(calls, 1);
	(void)login(RPC_ACCESS_NONE, 0, &calls); /* Known, and without access. */
	CHECK_INT(calls, 0);
	(void)login(RPC_ACCESS_ALL, -ENOMEM, &calls);
	CHECK_INT(admission.asked, 1);
	CHECK_INT(calls, 0);
}

TEST(a_client_on_a_unix_socket_is_admitted_at_once)
{
	struct rpc_limits limits = rpc_limits_default();
	struct peer p, q;
	struct echo e;

	CHECK_INT(echo_init(&e, &limits), 0);
	rpc_server_set_admission(e.server, admit, &admission);
	admission.asked = 0;
	admission.access = RPC_ACCESS_READ;
	admission.result = 0;
	CHECK_INT(peer_open(&p, e.server, &peer_nobody), 0);
	CHECK_INT(admission.asked, 1);
	CHECK_INT(admission.seen, RPC_ACCESS_NONE);
	admission.result = -ENOMEM;
	CHECK_INT(peer_open(&q, e.server, &peer_nobody), -ENOMEM);
	CHECK_INT(rpc_server_stats(e.server).connections, 1);
	peer_close(&p);
	echo_done(&e);
}

TEST(a_stranger_is_in_no_group_but_his_own)
{
	struct peer owner, stranger, late;
	struct pdu pdu;
	struct echo e;
	uint32_t group;

	setup(&e, &owner, &remote);
	put_auth(&owner, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "one", 3);
	CHECK(peer_next(&owner, &pdu));
	group = pdu.ack.group;
	/* He comes in between, and does not spoil the login… */
	CHECK_INT(peer_open(&stranger, e.server, &remote), 0);
	CHECK_INT(peer_bind(&stranger, &echo_syntax, group), group);
	put_auth(&owner, PDU_AUTH3, TOY, RPC_LEVEL_CONNECT, "three\x59\x1b\0", 9);
	CHECK(peer_call(&owner, 2, ECHO_WHO, "", 0, &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	/* …nor does he keep the group alive. */
	peer_close(&owner);
	CHECK_INT(peer_open(&late, e.server, &remote), 0);
	CHECK_INT(peer_bind(&late, &echo_syntax, group), 0);
	peer_close(&late);
	peer_close(&stranger);
	echo_done(&e);
}

static void count_failure(void *data, const struct rpc_identity *who)
{
	(*(unsigned *)data)++;
}

TEST(only_a_login_that_is_wrong_counts_as_a_failed_one)
{
	for (int good = 0; good < 2; good++) {
		unsigned failures = 0;
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p, &remote);
		p.connection->transport.login_failed = count_failure;
		put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "one", 3);
		CHECK(peer_next(&p, &pdu));
		e.server->limits.connections_per_identity = 0;
		p.connection->transport.data = &failures; /* The next that is said to the transport is that. */
		put_auth(&p, PDU_AUTH3, TOY, RPC_LEVEL_CONNECT, good ? "three\x59\x1b\0" : "wrong\0\0\0", 9);
		p.connection->transport.data = &p;
		CHECK_INT(failures, !good);
		CHECK(peer_call(&p, 2, ECHO_WHO, "", 0, &pdu));
		CHECK_INT(pdu.stub.status, FAULT_ACCESS_DENIED);
		peer_close(&p);
		echo_done(&e);
	}
}

static void check_nak(struct peer *p, uint16_t reason)
{
	struct pdu pdu;

	CHECK(peer_next(p, &pdu));
	CHECK_INT(pdu.header.type, PDU_BIND_NAK);
	CHECK_INT(pdu.nak_reason, reason);
	CHECK(peer_is_over(p));
}

TEST(the_last_leg_may_come_in_an_auth3_and_its_failure_is_told_to_the_first_request)
{
	for (int good = 0; good < 2; good++) {
		struct echo e;
		struct peer p;
		struct pdu pdu;

		setup(&e, &p, &remote);
		put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "one", 3);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, PDU_BIND_ACK);
		CHECK_INT(pdu.auth.type, TOY);
		CHECK_INT(pdu.auth.level, RPC_LEVEL_CONNECT);
		CHECK_INT(pdu.auth.context_id, 9);
		CHECK_INT(pdu.auth.token_len, 3);
		CHECK_MEM(pdu.auth.token, "two", 3);
		put_auth(&p, PDU_AUTH3, TOY, RPC_LEVEL_CONNECT, good ? "three\x59\x1b\0" : "wrong\0\0\0", 9);
		CHECK(!peer_next(&p, &pdu));
		CHECK(!peer_is_over(&p));
		peer_request(&p, WHOLE, 2, ECHO_WHO, "", 0);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, good ? PDU_RESPONSE : PDU_FAULT);
		if (good)
			CHECK_INT(get_le32(pdu.stub.data), TOY_UID);
		else
			CHECK_INT(pdu.stub.status, FAULT_ACCESS_DENIED);
		CHECK_INT(peer_is_over(&p), !good);
		peer_close(&p);
		echo_done(&e);
	}
}

TEST(no_request_is_dispatched_before_the_last_leg)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p, &peer_root); /* Even if the transport knows who it is. */
	put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "one", 3);
	CHECK(peer_next(&p, &pdu));
	peer_request(&p, WHOLE, 2, ECHO_ECHO, "x", 1);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.stub.status, FAULT_ACCESS_DENIED);
	CHECK(peer_is_over(&p));
	CHECK_INT(e.call_count, 0);
	peer_close(&p);
	echo_done(&e);
}

TEST(a_refused_token_ends_the_connection)
{
	struct echo e;
	struct peer p;
	struct pdu pdu;

	setup(&e, &p, &remote);
	put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "wrong", 5);
	check_nak(&p, NAK_UNSPECIFIED);
	peer_close(&p);

	CHECK_INT(peer_open(&p, e.server, &remote), 0);
	put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "one", 3);
	CHECK(peer_next(&p, &pdu));
	put_auth(&p, PDU_ALTER, TOY, RPC_LEVEL_CONNECT, "wrong", 5);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK_INT(pdu.stub.status, FAULT_ACCESS_DENIED);
	CHECK(peer_is_over(&p));
	peer_close(&p);

	/* A second try after a failed auth3. */
	CHECK_INT(peer_open(&p, e.server, &remote), 0);
	put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "one", 3);
	CHECK(peer_next(&p, &pdu));
	put_auth(&p, PDU_AUTH3, TOY, RPC_LEVEL_CONNECT, "wrong", 5);
	put_auth(&p, PDU_ALTER, TOY, RPC_LEVEL_CONNECT, "three\x59\x1b\0", 9);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK(peer_is_over(&p));
	peer_close(&p);

	/* A second leg of another mechanism than the first. */
	CHECK_INT(peer_open(&p, e.server, &remote), 0);
	put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_CONNECT, "one", 3);
	CHECK(peer_next(&p, &pdu));
	put_auth(&p, PDU_ALTER, RPC_AUTH_NTLM, RPC_LEVEL_CONNECT, "three\x59\x1b\0", 9);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK(peer_is_over(&p));
	peer_close(&p);

	/* And of another level. */
	CHECK_INT(peer_open(&p, e.server, &remote), 0);
	put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_PRIVACY, "one", 3);
	CHECK(peer_next(&p, &pdu));
	put_auth(&p, PDU_ALTER, TOY, RPC_LEVEL_CONNECT, "three\x59\x1b\0", 9);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK(peer_is_over(&p));
	peer_close(&p);
	echo_done(&e);
}

TEST(an_unknown_mechanism_or_level_is_named_as_such)
{
	struct echo e;
	struct peer p;

	setup(&e, &p, &remote);
	put_auth(&p, PDU_BIND, RPC_AUTH_NTLM, RPC_LEVEL_PRIVACY, "one", 3);
	check_nak(&p, NAK_AUTH_TYPE);
	peer_close(&p);
	CHECK_INT(peer_open(&p, e.server, &remote), 0);
	put_auth(&p, PDU_BIND, TOY, 7, "one", 3);
	check_nak(&p, NAK_AUTH_TYPE);
	peer_close(&p);
	CHECK_INT(peer_open(&p, e.server, &remote), 0);
	put_auth(&p, PDU_BIND, TOY, RPC_LEVEL_NONE, "one", 3);
	check_nak(&p, NAK_AUTH_TYPE);
	peer_close(&p);
	echo_done(&e);
}

TEST(sambas_local_token_is_taken_on_unix_sockets_only)
{
	static const char token[] = "NCALRPC_AUTH_TOKEN";
	struct echo e;
	struct peer p;
	struct pdu pdu;

	for (size_t len = sizeof(token) - 1; len <= sizeof(token); len++) {
		setup(&e, &p, &peer_reader);
		put_auth(&p, PDU_BIND, RPC_AUTH_NCALRPC, RPC_LEVEL_CONNECT, token, len);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(pdu.header.type, PDU_BIND_ACK);
		CHECK_INT(pdu.auth.type, RPC_AUTH_NCALRPC);
		CHECK_INT(pdu.auth.token_len, 15);
		CHECK_MEM(pdu.auth.token, "NCALRPC_AUTH_OK", 15);
		peer_request(&p, WHOLE, 2, ECHO_WHO, "", 0);
		CHECK(peer_next(&p, &pdu));
		CHECK_INT(get_le32(pdu.stub.data), peer_reader.uid); /* The token made nobody of him. */
		peer_close(&p);
		echo_done(&e);
	}

	setup(&e, &p, &peer_reader);
	put_auth(&p, PDU_BIND, RPC_AUTH_NCALRPC, RPC_LEVEL_CONNECT, "NCALRPC_AUTH_TOKEM", 18);
	check_nak(&p, NAK_UNSPECIFIED);
	peer_close(&p);
	CHECK_INT(peer_open(&p, e.server, &peer_reader), 0);
	put_auth(&p, PDU_BIND, RPC_AUTH_NCALRPC, RPC_LEVEL_CONNECT, token, 4);
	check_nak(&p, NAK_UNSPECIFIED);
	peer_close(&p);
	CHECK_INT(peer_open(&p, e.server, &remote), 0);
	put_auth(&p, PDU_BIND, RPC_AUTH_NCALRPC, RPC_LEVEL_CONNECT, token, 18);
	check_nak(&p, NAK_AUTH_TYPE);
	peer_close(&p);
	echo_done(&e);
}

TEST(a_trailer_at_level_connect_is_taken_off)
{
	struct pdu_auth auth = { .type = RPC_AUTH_NCALRPC, .level = RPC_LEVEL_CONNECT, .context_id = 9 };
	struct echo e;
	struct peer p;
	struct pdu pdu;
	size_t start;

	setup(&e, &p, &peer_reader);
	put_auth(&p, PDU_BIND, RPC_AUTH_NCALRPC, RPC_LEVEL_CONNECT, "NCALRPC_AUTH_TOKEN", 18);
	CHECK(peer_next(&p, &pdu));
	start = pdu_begin(&p.out, PDU_REQUEST, WHOLE, 2);
	pdu_put_stub_header(&p.out, 5, 0, ECHO_ECHO);
	buf_append(&p.out, "hello", 5);
	pdu_put_trailer(&p.out, start + PDU_BODY_OFFSET, 4, &auth);
	buf_append_zeros(&p.out, 16);
	pdu_end(&p.out, start, 16);
	peer_send(&p);
	CHECK(peer_next(&p, &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	CHECK_INT(pdu.stub.len, 5);
	peer_close(&p);
	echo_done(&e);
}

TEST(interfaces_for_unix_sockets_are_not_offered_elsewhere)
{
	struct rpc_identity known = remote;
	struct echo e;
	struct peer p;

	known.access = RPC_ACCESS_ALL;
	setup(&e, &p, &known);
	CHECK_INT(peer_bind(&p, &echo_other_syntax, 0), 0);
	peer_close(&p);
	CHECK_INT(peer_open(&p, e.server, &peer_reader), 0);
	CHECK(peer_bind(&p, &echo_other_syntax, 0) != 0);
	peer_close(&p);
	echo_done(&e);
}

TEST(each_failed_allocation_is_survived)
{
	FAIL_EACH_ALLOCATION
	{
		struct rpc_limits limits = rpc_limits_default();
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;

		if (echo_init(&e, &limits) == 0) {
			(void)rpc_server_add_provider(e.server, &toy_provider);
			if (peer_open(&p, e.server, &remote) == 0) {
				if (start_channel(&ch, RPC_LEVEL_PRIVACY, TOY_UID, 0) == 0) {
					exchange(&ch, &p);
					if (ch.state == CHANNEL_READY)
						(void)rpc_channel_call(&ch, &call, ECHO_ECHO, "hello", 5);
					exchange(&ch, &p);
					CHECK(failalloc_hit() || call.answered);
					rpc_channel_done(&ch);
				}
				peer_close(&p);
			}
			CHECK_INT(rpc_server_stats(e.server).memory, 0);
			echo_done(&e);
		}
	}
}
