/* SPNEGO: the two sides of ours with each other and with somebody in between.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/spnego.h"
#include "rpc/auth/spnego_token.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_login.h"

/* A mechanism in Kerberos' place: it has a ticket, and that is all it ever has. */
static int ticket_step(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	if (token != NULL)
		return ERR_ACCESS_DENIED;
	buf_append(token_out, "ticket", 6);
	return token_out->error != 0 ? token_out->error : 1;
}

static int no_ticket_step(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	buf_append(token_out, "rubbish", 7);
	return ERR_ACCESS_DENIED;
}

static void ticket_free(struct rpc_security *s)
{
	free(s);
}

static int ticket_make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops with = { .step = ticket_step, .free = ticket_free },
					     without = { .step = no_ticket_step, .free = ticket_free };
	struct rpc_security *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->ops = p->local_only ? &without : &with;
	*ret = s;
	return 0;
}

static const struct rpc_security_provider ticket = { .type = RPC_AUTH_KERBEROS, .make = ticket_make }, no_ticket = {
	.type = RPC_AUTH_KERBEROS, .local_only = true, .make = ticket_make
};

struct login {
	struct ntlm_acceptor ntlm_acceptor;
	struct ntlm_initiator ntlm_initiator;
	struct spnego_mechanisms acceptor, initiator;
	struct rpc_security *server, *client;
	struct buf tokens[6]; /* In turn of the client and of the server. */
	unsigned count;
};

static void init(struct login *l, const struct rpc_security_provider *kerberos)
{
	*l = (struct login){ .ntlm_acceptor = login_acceptor(),
		.ntlm_initiator = login_initiator(U16("alice"), U16("Secret.1")) };
	l->acceptor.ntlm = &l->ntlm_acceptor.provider;
	l->initiator.ntlm = &l->ntlm_initiator.provider;
	l->initiator.kerberos = kerberos;
	spnego_acceptor_init(&l->acceptor);
	spnego_initiator_init(&l->initiator);
}

static void start(struct login *l, const struct rpc_security_provider *kerberos, uint8_t level)
{
	init(l, kerberos);
	CHECK_INT(l->acceptor.provider.make(&l->acceptor.provider, level, &l->server), 0);
	CHECK_INT(l->initiator.provider.make(&l->initiator.provider, level, &l->client), 0);
	l->server->level = l->client->level = level;
}

/* One leg: who has the turn takes the other's last token. */
static int step(struct login *l)
{
	struct rpc_security *s = l->count % 2 == 0 ? l->client : l->server;
	const struct buf nothing = { 0 }, *in = l->count > 0 ? &l->tokens[l->count - 1] : &nothing;

	CHECK(l->count < ARRAY_SIZE(l->tokens));
	return s->ops->step(s, in->data, in->len, &l->tokens[l->count++]);
}

static void stop(struct login *l)
{
	rpc_security_free(l->server);
	rpc_security_free(l->client);
	for (unsigned i = 0; i < ARRAY_SIZE(l->tokens); i++)
		buf_done(&l->tokens[i]);
}

static struct spnego_reply reply_in(const struct buf *token)
{
	struct spnego_reply m;

	CHECK_INT(spnego_decode_reply(token->data, token->len, &m), 0);
	return m;
}

TEST(a_login_carries_calls_at_every_level)
{
	for (uint8_t level = RPC_LEVEL_CONNECT; level <= RPC_LEVEL_PRIVACY; level++) {
		const struct rpc_security_provider *firsts[] = { NULL, &ticket, &no_ticket };

		for (size_t first = 0; first < ARRAY_SIZE(firsts); first++) {
			struct rpc_channel_call call = { 0 };
			struct rpc_channel ch;
			struct login l;
			struct echo e;
			struct peer p;

			init(&l, firsts[first]);
			login_setup(&e, &p, &l.acceptor.provider);
			CHECK_INT(login_channel(&ch, &l.initiator.provider, level), 0);
			login_exchange(&ch, &p);
			CHECK_INT(ch.state, CHANNEL_READY);
			for (unsigned i = 0; i < 3; i++) {
				struct buf reply = { 0 };

				CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ACCOUNT, "some stub, sixteen", 18), 0);
				CHECK_INT(memmem(ch.output.data, ch.output.len, "sixteen", 7) == NULL,
				    level == RPC_LEVEL_PRIVACY);
				login_exchange(&ch, &p);
				CHECK(call.answered);
				CHECK_INT(rpc_channel_take_reply(&ch, &call, &reply), 0);
				CHECK_INT(get_le32(reply.data), RPC_ACCESS_ALL);
				CHECK_INT(get_le32(reply.data + 4), RPC_BY_NTLM);
				CHECK_MEM(reply.data + 8, "alice", 5);
				buf_done(&reply);
			}
			login_done(&e, &p, &ch);
		}
	}
}

TEST(a_wrong_password_is_refused)
{
	struct rpc_identity identity = login_nobody;
	struct login l;

	start(&l, NULL, RPC_LEVEL_PRIVACY);
	l.ntlm_initiator = login_initiator(U16("alice"), U16("wrong"));
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), ERR_ACCESS_DENIED);
	l.server->ops->identify(l.server, &identity);
	CHECK_STR(identity.name, "alice");
	CHECK_INT(identity.access, RPC_ACCESS_NONE);
	stop(&l);
}

TEST(the_server_says_which_mechanism_and_both_sign_the_list)
{
	struct login l;

	start(&l, &ticket, RPC_LEVEL_PRIVACY);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), 1);
	CHECK_INT(reply_in(&l.tokens[1]).state, SPNEGO_REQUEST_MIC);
	CHECK_INT(reply_in(&l.tokens[1]).mechanism, SPNEGO_NTLM);
	CHECK(reply_in(&l.tokens[1]).token.data == NULL);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), 1);
	CHECK_INT(reply_in(&l.tokens[4]).mic.len, NTLM_SIGNATURE_SIZE);
	CHECK_INT(step(&l), 0);
	CHECK_INT(reply_in(&l.tokens[5]).state, SPNEGO_COMPLETED);
	CHECK_INT(reply_in(&l.tokens[5]).mic.len, NTLM_SIGNATURE_SIZE);
	CHECK_INT(l.client->ops->step(l.client, l.tokens[5].data, l.tokens[5].len, &l.tokens[0]), 0);
	stop(&l);
}

/* Somebody in between takes Kerberos out of the client's list. */
TEST(a_list_that_was_changed_on_the_way_is_noticed)
{
	static const enum spnego_mechanism shorter[] = { SPNEGO_KERBEROS, SPNEGO_NTLM };
	struct buf list = { 0 }, empty = { 0 };
	struct rpc_identity identity = login_nobody;
	struct login l;

	start(&l, &ticket, RPC_LEVEL_PRIVACY);
	CHECK_INT(step(&l), 1);
	buf_done(&l.tokens[0]);
	spnego_put_list(&list, shorter, ARRAY_SIZE(shorter));
	spnego_put_init(&l.tokens[0], &list, &empty);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), 1);
	CHECK_INT(step(&l), ERR_RPC_S_SEC_PKG_ERROR);
	l.server->ops->identify(l.server, &identity);
	CHECK_INT(identity.access, RPC_ACCESS_NONE);
	buf_done(&list);
	stop(&l);
}

/* The same reply without its signature. */
static void take_signature_off(struct buf *token)
{
	struct spnego_reply m = reply_in(token);
	struct buf other = { 0 };

	CHECK(m.mic.data != NULL);
	m.mic.data = NULL;
	spnego_put_reply(&other, &m);
	CHECK_INT(other.error, 0);
	buf_done(token);
	*token = other;
}

TEST(a_signature_that_must_be_there_is_missed)
{
	for (uint8_t level = RPC_LEVEL_CONNECT; level <= RPC_LEVEL_PRIVACY; level++) {
		struct login l;

		/* From the client, whose first choice was refused. */
		start(&l, &ticket, level);
		for (unsigned i = 0; i < 5; i++)
			CHECK_INT(step(&l), 1);
		take_signature_off(&l.tokens[4]);
		CHECK_INT(step(&l), level >= RPC_LEVEL_CALL ? ERR_ACCESS_DENIED : 0);
		stop(&l);

		/* From the server, to a client that has signed. */
		start(&l, NULL, level);
		for (unsigned i = 0; i < 4; i++)
			CHECK_INT(step(&l), i == 3 ? 0 : 1);
		take_signature_off(&l.tokens[3]);
		CHECK_INT(step(&l), ERR_RPC_S_SEC_PKG_ERROR);
		stop(&l);
	}
}

TEST(no_changed_bit_ends_in_a_login_that_both_believe_in)
{
	for (unsigned leg = 0; leg < 4; leg++) {
		size_t len = 1;

		for (size_t bit = 0; bit < len * 8; bit++) {
			struct login l;
			int r = 1;

			start(&l, NULL, RPC_LEVEL_PRIVACY);
			for (unsigned i = 0; i < 5 && r >= 0; i++) {
				r = step(&l);
				if (i == leg && r >= 0) {
					len = l.tokens[i].len;
					l.tokens[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
				}
				if (i == 4 && r == 0) /* No change that matters got this far. */
					CHECK(leg == 1 || leg == 3);
			}
			stop(&l);
		}
		CHECK(len > 20);
	}
}

TEST(a_token_that_is_cut_or_goes_on_is_refused)
{
	for (unsigned leg = 0; leg < 4; leg++) {
		size_t len = 1;

		for (size_t cut = 0; cut <= len; cut++) {
			struct login l;

			start(&l, NULL, RPC_LEVEL_PRIVACY);
			for (unsigned i = 0; i <= leg; i++)
				CHECK(step(&l) >= 0);
			len = l.tokens[leg].len;
			if (cut < len)
				l.tokens[leg].len = cut;
			else
				buf_u8(&l.tokens[leg], 0);
			CHECK_INT(step(&l), -EBADMSG);
			stop(&l);
		}
	}
}

TEST(only_the_shortest_form_of_a_length_in_the_right_order_is_read)
{
	static const struct {
		const char *what;
		uint8_t len, bytes[24];
		int result;
	} cases[] = {
		{ "good", 9, { 0xa1, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 0 }, 0 },
		{ "empty", 4, { 0xa1, 2, 0x30, 0 }, 0 },
		{ "long length of a small number", 10, { 0xa1, 0x81, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 0 }, -EBADMSG },
		{ "longer", 11, { 0xa1, 0x82, 0, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 0 }, -EBADMSG },
		{ "indefinite", 11, { 0xa1, 0x80, 0x30, 5, 0xa0, 3, 0x0a, 1, 0, 0, 0 }, -EBADMSG },
		{ "a state that there is not", 9, { 0xa1, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 4 }, -EBADMSG },
		{ "a state of two bytes", 10, { 0xa1, 8, 0x30, 6, 0xa0, 4, 0x0a, 2, 0, 0 }, -EBADMSG },
		{ "twice", 14, { 0xa1, 12, 0x30, 10, 0xa0, 3, 0x0a, 1, 0, 0xa0, 3, 0x0a, 1, 0 }, -EBADMSG },
		{ "token before state", 13, { 0xa1, 11, 0x30, 9, 0xa2, 2, 4, 0, 0xa0, 3, 0x0a, 1, 0 }, -EBADMSG },
		{ "a fifth element", 8, { 0xa1, 6, 0x30, 4, 0xa5, 2, 4, 0 }, -EBADMSG },
		{ "rest in an element", 11, { 0xa1, 9, 0x30, 7, 0xa0, 5, 0x0a, 1, 0, 4, 0 }, -EBADMSG },
		{ "another sequence", 6, { 0xa1, 4, 0x30, 0, 0x30, 0 }, -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spnego_reply m;

		if (spnego_decode_reply(cases[i].bytes, cases[i].len, &m) != cases[i].result)
			test_fail(__FILE__, __LINE__, "%s", cases[i].what);
	}
}

TEST(a_list_without_anything_of_ours_is_refused_and_a_long_one_is_not_read)
{
	enum spnego_mechanism list[SPNEGO_MECHANISMS_MAX + 1];
	struct buf empty = { 0 };

	for (unsigned count = 0; count <= ARRAY_SIZE(list); count++) {
		struct buf encoded = { 0 };
		struct login l;

		start(&l, NULL, RPC_LEVEL_PRIVACY);
		for (unsigned i = 0; i < count; i++)
			list[i] = SPNEGO_KERBEROS;
		spnego_put_list(&encoded, list, count);
		spnego_put_init(&l.tokens[0], &encoded, &empty);
		l.count = 1;
		CHECK_INT(step(&l), count == 0 || count > SPNEGO_MECHANISMS_MAX ? -EBADMSG : ERR_ACCESS_DENIED);
		buf_done(&encoded);
		stop(&l);
	}
}

TEST(bare_ntlm_under_the_number_of_spnego_is_taken)
{
	struct rpc_identity identity = login_nobody;
	struct buf nothing = { 0 };
	struct rpc_security *client;
	struct login l;

	start(&l, NULL, RPC_LEVEL_PRIVACY);
	CHECK_INT(l.ntlm_initiator.provider.make(&l.ntlm_initiator.provider, RPC_LEVEL_PRIVACY, &client), 0);
	client->level = RPC_LEVEL_PRIVACY;
	CHECK_INT(client->ops->step(client, NULL, 0, &l.tokens[0]), 1);
	l.count = 1;
	CHECK_INT(step(&l), 1);
	CHECK_INT(client->ops->step(client, l.tokens[1].data, l.tokens[1].len, &l.tokens[2]), 0);
	l.count = 3;
	CHECK_INT(step(&l), 0);
	CHECK_INT(l.tokens[3].len, nothing.len);
	l.server->ops->identify(l.server, &identity);
	CHECK_INT(identity.access, RPC_ACCESS_ALL);
	rpc_security_free(client);
	stop(&l);
}

TEST(each_failed_allocation_is_survived)
{
	struct login l;

	init(&l, &ticket);
	FAIL_EACH_ALLOCATION
	{
		_cleanup_(rpc_security_freep) struct rpc_security *server = NULL, *client = NULL;
		int r = l.acceptor.provider.make(&l.acceptor.provider, RPC_LEVEL_PRIVACY, &server);

		if (r == 0)
			r = l.initiator.provider.make(&l.initiator.provider, RPC_LEVEL_PRIVACY, &client);
		if (r == 0) {
			server->level = client->level = RPC_LEVEL_PRIVACY;
			l.server = server;
			l.client = client;
			l.count = 0;
			do
				r = step(&l);
			while (r > 0);
		}
		for (unsigned i = 0; i < ARRAY_SIZE(l.tokens); i++)
			buf_done(&l.tokens[i]);
		/* Without memory for a ticket it falls back to NTLM, and gets through. */
		CHECK(r == 0 || (r == -ENOMEM && failalloc_hit()));
	}
}
