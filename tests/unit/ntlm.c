/* NTLM logins: both sides of ours with each other, and each of them with somebody who cheats.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/ntlm_message.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_login.h"

/* The messages of one login; the sides can be stopped and fed by hand. */
struct login {
	struct ntlm_acceptor acceptor;
	struct ntlm_initiator initiator;
	struct rpc_security *server, *client;
	struct buf negotiate, challenge, authenticate;
};

static void start(struct login *l, uint8_t level)
{
	*l =
	    (struct login){ .acceptor = login_acceptor(), .initiator = login_initiator(U16("ALICE"), U16("Secret.1")) };
	CHECK_INT(l->acceptor.provider.make(&l->acceptor.provider, level, &l->server), 0);
	CHECK_INT(l->initiator.provider.make(&l->initiator.provider, level, &l->client), 0);
	l->server->level = l->client->level = level;
	CHECK_INT(l->client->ops->step(l->client, NULL, 0, &l->negotiate), 1);
}

static int give(struct rpc_security *s, const struct buf *token, struct buf *answer)
{
	return s->ops->step(s, token->data, token->len, answer);
}

static void start_up_to_authenticate(struct login *l, uint8_t level)
{
	start(l, level);
	CHECK_INT(give(l->server, &l->negotiate, &l->challenge), 1);
	CHECK_INT(give(l->client, &l->challenge, &l->authenticate), 0);
}

static int finish(struct login *l)
{
	struct buf nothing = { 0 };
	int r = give(l->server, &l->authenticate, &nothing);

	CHECK_INT(nothing.len, 0);
	return r;
}

static void stop(struct login *l)
{
	rpc_security_free(l->server);
	rpc_security_free(l->client);
	buf_done(&l->negotiate);
	buf_done(&l->challenge);
	buf_done(&l->authenticate);
}

TEST(a_login_carries_calls_at_every_level)
{
	static const size_t sizes[] = { 0, 1, 16, 5800, 20000 };
	static uint8_t stub[20000];

	for (uint8_t level = RPC_LEVEL_CONNECT; level <= RPC_LEVEL_PRIVACY; level++) {
		struct ntlm_acceptor acceptor = login_acceptor();
		struct ntlm_initiator initiator = login_initiator(U16("Alice"), U16("Secret.1"));
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct echo e;
		struct peer p;

		login_setup(&e, &p, &acceptor.provider);
		CHECK_INT(login_channel(&ch, &initiator.provider, level), 0);
		login_exchange(&ch, &p);
		CHECK_INT(ch.state, CHANNEL_READY);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct buf reply = { 0 };

			memset(stub, 'A' + (int)i, sizeof(stub));
			CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, stub, sizes[i]), 0);
			CHECK_INT(memmem(ch.output.data, ch.output.len, stub, 16) != NULL,
			    sizes[i] >= 16 && level != RPC_LEVEL_PRIVACY);
			login_exchange(&ch, &p);
			CHECK(call.answered);
			CHECK_INT(rpc_channel_take_reply(&ch, &call, &reply), 0);
			CHECK_INT(reply.len, sizes[i]);
			if (sizes[i] > 0)
				CHECK_MEM(reply.data, stub, sizes[i]);
			buf_done(&reply);
		}
		login_done(&e, &p, &ch);
	}
}

TEST(the_server_knows_the_account_and_its_access)
{
	static const struct {
		struct u16 user, password;
		const char *account;
		enum rpc_access access;
	} cases[] = { { U16("alice"), U16("Secret.1"), "alice", RPC_ACCESS_ALL },
		{ U16("BoB"), U16("Secret.2"), "bob", RPC_ACCESS_READ } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rpc_identity identity = login_nobody;
		struct login l;

		start(&l, RPC_LEVEL_PRIVACY);
		l.initiator = login_initiator(cases[i].user, cases[i].password);
		CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
		CHECK_INT(give(l.client, &l.challenge, &l.authenticate), 0);
		CHECK_INT(finish(&l), 0);
		l.server->ops->identify(l.server, &identity);
		CHECK_STR(identity.name, cases[i].account);
		CHECK_INT(identity.access, cases[i].access);
		CHECK_INT(identity.kind, RPC_BY_NTLM);
		stop(&l);
	}
}

TEST(a_wrong_password_user_or_domain_in_the_proof_is_refused)
{
	static const struct {
		struct u16 user, password;
	} cases[] = { { U16("alice"), U16("secret.1") }, { U16("alice"), U16("") }, { U16("mallory"), U16("Secret.1") },
		{ U16(""), U16("Secret.1") }, { U16("bob"), U16("Secret.1") } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ntlm_acceptor acceptor = login_acceptor();
		struct ntlm_initiator initiator = login_initiator(cases[i].user, cases[i].password);
		struct rpc_channel ch;
		struct echo e;
		struct peer p;

		login_setup(&e, &p, &acceptor.provider);
		CHECK_INT(login_channel(&ch, &initiator.provider, RPC_LEVEL_PRIVACY), 0);
		login_exchange(&ch, &p);
		CHECK_INT(ch.state, CHANNEL_BROKEN);
		CHECK_INT(ch.error, ERR_ACCESS_DENIED);
		CHECK(peer_is_over(&p));
		login_done(&e, &p, &ch);
	}
}

TEST(the_name_that_was_tried_is_told_and_gives_no_access)
{
	struct rpc_identity identity = login_nobody;
	struct login l;

	start_up_to_authenticate(&l, RPC_LEVEL_PRIVACY);
	l.authenticate.data[NTLM_MIC_OFFSET] ^= 1;
	CHECK_INT(finish(&l), ERR_ACCESS_DENIED);
	l.server->ops->identify(l.server, &identity);
	CHECK_STR(identity.name, "ALICE");
	CHECK_INT(identity.access, RPC_ACCESS_NONE);
	CHECK_INT(finish(&l), -EPROTO); /* And there is no second try. */
	stop(&l);
}

/* The reference is a login that succeeds; every bit of each message that anybody could have changed on the way. */
TEST(no_changed_bit_of_a_message_logs_anybody_in)
{
	size_t negotiate_len = 1, challenge_len = 1, authenticate_len = 1;

	for (size_t bit = 0; bit < negotiate_len * 8; bit++) {
		struct login l;
		int r;

		start(&l, RPC_LEVEL_PRIVACY);
		negotiate_len = l.negotiate.len;
		l.negotiate.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = give(l.server, &l.negotiate, &l.challenge);
		CHECK(r == 1 || r == -EBADMSG || r == ERR_ACCESS_DENIED);
		if (r == 1 && give(l.client, &l.challenge, &l.authenticate) == 0)
			CHECK(finish(&l) < 0);
		stop(&l);
	}
	for (size_t bit = 0; bit < challenge_len * 8; bit++) {
		struct login l;

		start(&l, RPC_LEVEL_PRIVACY);
		CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
		challenge_len = l.challenge.len;
		l.challenge.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (give(l.client, &l.challenge, &l.authenticate) == 0)
			CHECK(finish(&l) < 0);
		stop(&l);
	}
	for (size_t bit = 0; bit < authenticate_len * 8; bit++) {
		struct login l;

		start_up_to_authenticate(&l, RPC_LEVEL_PRIVACY);
		authenticate_len = l.authenticate.len;
		l.authenticate.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(finish(&l) < 0);
		stop(&l);
	}
	CHECK(negotiate_len > 30 && challenge_len > 100 && authenticate_len > 200);
}

TEST(a_message_that_is_cut_anywhere_is_refused)
{
	size_t len = 1;

	for (size_t cut = 0; cut < len; cut++) {
		struct login l;

		start_up_to_authenticate(&l, RPC_LEVEL_PRIVACY);
		len = l.authenticate.len;
		l.authenticate.len = cut;
		CHECK(finish(&l) < 0);
		stop(&l);
	}
	len = 1;
	for (size_t cut = 0; cut < len; cut++) {
		struct login l;

		start(&l, RPC_LEVEL_PRIVACY);
		CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
		len = l.challenge.len;
		l.challenge.len = cut;
		CHECK(give(l.client, &l.challenge, &l.authenticate) < 0);
		stop(&l);
	}
	for (size_t cut = 0; cut < 16; cut++) {
		struct login l;

		start(&l, RPC_LEVEL_PRIVACY);
		l.negotiate.len = cut;
		CHECK_INT(give(l.server, &l.negotiate, &l.challenge), -EBADMSG);
		stop(&l);
	}
}

TEST(fields_outside_the_message_are_refused)
{
	static const size_t fields[] = { 12, 20, 28, 36, 44, 52 };
	static const uint32_t offsets[] = { 0, 8, 63, 0x7fffffff, 0xfffffff0, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		for (size_t j = 0; j <= ARRAY_SIZE(offsets); j++) {
			struct ntlm_authenticate m;
			struct login l;
			uint8_t *field;

			start_up_to_authenticate(&l, RPC_LEVEL_PRIVACY);
			field = l.authenticate.data + fields[i];
			put_le16(field, 16);
			put_le32(field + 4, j < ARRAY_SIZE(offsets) ? offsets[j] : (uint32_t)(l.authenticate.len - 15));
			CHECK_INT(ntlm_decode_authenticate(l.authenticate.data, l.authenticate.len, &m), -EBADMSG);
			put_le32(field + 4, (uint32_t)(l.authenticate.len - 16));
			CHECK_INT(ntlm_decode_authenticate(l.authenticate.data, l.authenticate.len, &m), 0);
			stop(&l);
		}
}

/* What a client may leave out at level connect, and may not above. */
TEST(a_client_or_server_that_offers_less_than_the_level_needs_is_refused)
{
	static const struct {
		uint32_t flag;
		uint8_t since; /* The first level that needs it; 7: none does. */
	} cases[] = { { NTLM_UNICODE, RPC_LEVEL_CONNECT }, { NTLM_NTLM, RPC_LEVEL_CONNECT },
		{ NTLM_EXTENDED, RPC_LEVEL_CONNECT }, { NTLM_SIGN, RPC_LEVEL_CALL }, { NTLM_128, RPC_LEVEL_CALL },
		{ NTLM_KEY_EXCHANGE, RPC_LEVEL_CALL }, { NTLM_SEAL, RPC_LEVEL_PRIVACY }, { NTLM_VERSION, 7 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (uint8_t level = RPC_LEVEL_CONNECT; level <= RPC_LEVEL_PRIVACY; level++) {
			uint32_t flags;
			struct login l;
			bool is_client_alone = cases[i].flag == NTLM_KEY_EXCHANGE; /* It always wants that. */

			start(&l, level);
			flags = get_le32(l.negotiate.data + 12);
			put_le32(l.negotiate.data + 12, flags & ~cases[i].flag);
			CHECK_INT(give(l.server, &l.negotiate, &l.challenge),
			    level >= cases[i].since ? ERR_ACCESS_DENIED : 1);
			stop(&l);

			start(&l, level);
			CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
			flags = get_le32(l.challenge.data + 20);
			put_le32(l.challenge.data + 20, flags & ~cases[i].flag);
			CHECK_INT(give(l.client, &l.challenge, &l.authenticate),
			    level >= cases[i].since || is_client_alone ? ERR_RPC_S_SEC_PKG_ERROR : 0);
			stop(&l);
		}
}

/* A client that sends no MIC says so under its proof: make such a message by hand, as old clients would. */
static void make_old_message(struct login *l, bool says_mic, size_t response_len, uint32_t more_flags)
{
	struct ntlm_authenticate m;
	uint8_t owner[16], hash[16], base[16], key[16] = { 1 }, sealed[16], *response;
	size_t at;

	CHECK_INT(ntlm_decode_authenticate(l->authenticate.data, l->authenticate.len, &m), 0);
	response = l->authenticate.data + ((const uint8_t *)m.response.data - l->authenticate.data);
	for (at = NTLM_RESPONSE_LEAST; get_le16(response + at) != NTLM_PAIR_FLAGS;)
		at += 4u + get_le16(response + at + 2);
	put_le32(response + at + 4, says_mic ? NTLM_PAIR_FLAG_MIC : 0);
	ntlm_hash_password(U16("Secret.1"), hash);
	ntlm_owner_key(hash, U16("alice"), U16("Anywhere"), owner);
	ntlm_hmac(owner, (struct ntlm_part[]){ { l->challenge.data + 24, 8 }, { response + 16, response_len - 16 } }, 2,
	    response);
	ntlm_hmac(owner, &(struct ntlm_part){ response, 16 }, 1, base);
	ntlm_rc4(base, key, sizeof(key), sealed);
	memcpy(l->authenticate.data + ((const uint8_t *)m.session_key.data - l->authenticate.data), sealed, 16);
	memset(l->authenticate.data + NTLM_MIC_OFFSET, 0, 16);
	put_le16(l->authenticate.data + 20, (uint16_t)response_len);
	put_le32(l->authenticate.data + 60, m.flags | more_flags);
}

TEST(a_mic_is_needed_if_the_proof_says_that_there_is_one)
{
	static const struct {
		bool says_mic;
		int shorter;
		uint32_t more_flags;
		int result;
	} cases[] = {
		{ false, 0, 0, 0 }, { true, 0, 0, ERR_ACCESS_DENIED },
		{ false, 0, NTLM_ANONYMOUS, ERR_ACCESS_DENIED }, /* Right in all else. */
		{ false, 9, 0, -EBADMSG },                       /* The list of pairs has no end. */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct login l;

		start_up_to_authenticate(&l, RPC_LEVEL_PRIVACY);
		make_old_message(&l, cases[i].says_mic, get_le16(l.authenticate.data + 20) - (size_t)cases[i].shorter,
		    cases[i].more_flags);
		CHECK_INT(finish(&l), cases[i].result);
		stop(&l);
	}
}

/* Without a MIC nothing but the proof stands between a stranger and the account. */
TEST(a_proof_with_one_wrong_bit_is_refused)
{
	for (int i = -1; i < 16; i++) {
		struct login l;

		start_up_to_authenticate(&l, RPC_LEVEL_CONNECT);
		make_old_message(&l, false, get_le16(l.authenticate.data + 20), 0);
		if (i >= 0)
			l.authenticate.data[get_le32(l.authenticate.data + 24) + (unsigned)i] ^= 0x10;
		CHECK_INT(finish(&l), i < 0 ? 0 : ERR_ACCESS_DENIED);
		stop(&l);
	}
}

TEST(ntlm_version_1_is_refused)
{
	struct login l;

	start_up_to_authenticate(&l, RPC_LEVEL_CONNECT);
	put_le16(l.authenticate.data + 20, 24);
	CHECK_INT(finish(&l), ERR_ACCESS_DENIED);
	stop(&l);
}

static int no_random(void *data, void *bytes, size_t len)
{
	return -EIO;
}

TEST(without_random_bytes_nobody_logs_in)
{
	struct auth_source source = { .fill_random = no_random, .filetime = login_source.filetime };
	struct login l;

	start(&l, RPC_LEVEL_PRIVACY);
	l.acceptor.source = &source;
	CHECK_INT(give(l.server, &l.negotiate, &l.challenge), -EIO);
	CHECK_INT(l.challenge.len, 0);
	stop(&l);
	start(&l, RPC_LEVEL_PRIVACY);
	l.initiator.source = &source;
	CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
	CHECK_INT(give(l.client, &l.challenge, &l.authenticate), -EIO);
	CHECK_INT(l.authenticate.len, 0);
	stop(&l);
}

TEST(each_failed_allocation_is_survived)
{
	struct ntlm_acceptor acceptor = login_acceptor();
	struct ntlm_initiator initiator = login_initiator(U16("alice"), U16("Secret.1"));

	FAIL_EACH_ALLOCATION
	{
		_cleanup_(rpc_security_freep) struct rpc_security *server = NULL, *client = NULL;
		_cleanup_(buf_done) struct buf a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
		int r = acceptor.provider.make(&acceptor.provider, RPC_LEVEL_PRIVACY, &server);

		if (r == 0)
			r = initiator.provider.make(&initiator.provider, RPC_LEVEL_PRIVACY, &client);
		if (r == 0) {
			server->level = client->level = RPC_LEVEL_PRIVACY;
			r = client->ops->step(client, NULL, 0, &a);
		}
		if (r >= 0)
			r = server->ops->step(server, a.data, a.len, &b);
		if (r >= 0)
			r = client->ops->step(client, b.data, b.len, &c);
		if (r >= 0)
			r = server->ops->step(server, c.data, c.len, &d);
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
	}
}
