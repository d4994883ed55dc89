/* NTLM logins of accounts that a domain knows: who is asked about whom, what is told, and what a late answer is good for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/ntlm_message.h"
#include "rpc/auth/spnego.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_login.h"
#include <stdio.h>

/* A domain AD in which this machine is MEMBER.  Its alice has another password than ours (tests/lib/rpc_login.c), and so does
 * nobody else. */
struct domain {
	struct ntlm_authority authority;
	struct ntlm_acceptor acceptor;
	struct spnego_mechanisms spnego;
	bool is_fresh; /* look() need not ask. */
	unsigned looks, checks, forgotten;
	struct ntlm_inquiry *pending;
	int result;                /* Of check(), when it is answered; 0: as the password says. */
	bool has_no_key, says_key; /* The answer has none; or one for anybody. */
	uint8_t base[NTLM_KEY_SIZE];
};

static const uint8_t domain_sid[] = { 1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 7, 0, 0, 0 };

static int look(struct ntlm_authority *a, struct ntlm_inquiry *q)
{
	struct domain *d = container_of(a, struct domain, authority);

	d->looks++;
	if (d->is_fresh)
		return 0;
	q->asked = d;
	d->pending = q;
	return RPC_STEP_LATER;
}

/* What a controller does with a hash. */
static void check_by_hash(struct domain *d, const struct ntlm_proof *p, struct ntlm_inquiry *q)
{
	const uint8_t *proof = p->response.data;
	const struct ntlm_part parts[] = { { p->nonce, NTLM_NONCE_SIZE },
		{ proof + NTLM_KEY_SIZE, p->response.len - NTLM_KEY_SIZE } };
	uint8_t hash[NTLM_KEY_SIZE], owner[NTLM_KEY_SIZE], wanted[NTLM_KEY_SIZE];

	ntlm_hash_password(U16("Other.1"), hash);
	ntlm_owner_key(hash, p->user, p->domain, owner);
	ntlm_hmac(owner, parts, ARRAY_SIZE(parts), wanted);
	ntlm_hmac(owner, &(struct ntlm_part){ wanted, sizeof(wanted) }, 1, d->base);
	q->result =
	    memcmp(wanted, proof, sizeof(wanted)) == 0 && u16_equal(p->user, U16("alice")) ? 0 : ERR_ACCESS_DENIED;
}

static int check(struct ntlm_authority *a, struct ntlm_inquiry *q, const struct ntlm_proof *p)
{
	struct domain *d = container_of(a, struct domain, authority);

	d->checks++;
	check_by_hash(d, p, q);
	q->asked = d;
	d->pending = q;
	return RPC_STEP_LATER;
}

static void forget(struct ntlm_authority *a, struct ntlm_inquiry *q)
{
	struct domain *d = container_of(a, struct domain, authority);

	CHECK(d->pending == q);
	d->pending = q->asked = NULL;
	d->forgotten++;
}

static void domain_init(struct domain *d)
{
	*d = (struct domain){ .authority = { .look = look, .check = check, .forget = forget },
		.acceptor = login_acceptor() };
	d->acceptor.authority = &d->authority;
	d->spnego.ntlm = &d->acceptor.provider;
	spnego_acceptor_init(&d->spnego);
}

static void be_there(struct domain *d)
{
	d->authority.computer = U16("MEMBER");
	d->authority.domain = U16("AD");
}

static void answer(struct domain *d)
{
	struct ntlm_inquiry *q = d->pending;

	CHECK(q != NULL);
	d->pending = q->asked = NULL;
	if (d->checks > 0) {
		if (d->result != 0)
			q->result = d->result;
		if (q->result == 0 || d->says_key) {
			(void)snprintf(q->name, sizeof(q->name), "AD\\alice");
			if (!d->has_no_key)
				memcpy(q->base, d->base, sizeof(q->base));
			if (rpc_sids_new(domain_sid, sizeof(domain_sid), &q->sids) < 0)
				q->result = -ENOMEM;
		}
	} else {
		be_there(d);
	}
	q->answered(q);
}

static struct ntlm_initiator initiator(struct u16 user, struct u16 password, struct u16 domain)
{
	struct ntlm_initiator i = login_initiator(user, password);

	i.domain = domain;
	return i;
}

static void answer_to(struct domain *d, struct rpc_channel *ch, struct peer *p)
{
	answer(d);
	rpc_channel_input(ch, p->received.data + p->seen, p->received.len - p->seen);
	p->seen = p->received.len;
	login_exchange(ch, p);
}

/* Everything that one client does, and the domain's answers as late as can be. */
static void log_in(struct domain *d, struct rpc_channel *ch, struct peer *p)
{
	login_exchange(ch, p);
	while (d->pending != NULL)
		answer_to(d, ch, p);
}

TEST(an_account_of_the_domain_carries_calls_at_every_level)
{
	for (unsigned i = 0; i < 2 * (RPC_LEVEL_PRIVACY + 1 - RPC_LEVEL_CONNECT); i++) {
		uint8_t level = (uint8_t)(RPC_LEVEL_CONNECT + i / 2);
		struct ntlm_initiator who = initiator(U16("Alice"), U16("Other.1"), U16("ad"));
		struct spnego_mechanisms offered = { .ntlm = &who.provider };
		struct rpc_channel_call call = { 0 };
		struct buf reply = { 0 };
		struct rpc_channel ch;
		struct domain d;
		struct echo e;
		struct peer p;

		domain_init(&d);
		spnego_initiator_init(&offered);
		login_setup(&e, &p, i % 2 ? &d.spnego.provider : &d.acceptor.provider);
		CHECK_INT(login_channel(&ch, i % 2 ? &offered.provider : &who.provider, level), 0);
		log_in(&d, &ch, &p);
		CHECK_INT(ch.state, CHANNEL_READY);
		CHECK_INT(d.looks, 1);
		CHECK_INT(d.checks, 1);
		/* Who may do something is not the domain's to say: without an admission he may do nothing. */
		CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ACCOUNT, "", 0), 0);
		login_exchange(&ch, &p);
		CHECK(call.answered);
		CHECK_INT(call.error, ERR_ACCESS_DENIED);
		buf_done(&reply);
		login_done(&e, &p, &ch);
	}
}

static int admit(void *data, struct rpc_identity *identity)
{
	CHECK_INT(identity->kind, RPC_BY_DOMAIN);
	CHECK_STR(identity->name, "AD\\alice");
	CHECK_INT(identity->access, RPC_ACCESS_NONE);
	CHECK(identity->sids != NULL && identity->sids->len == sizeof(domain_sid) &&
	      memcmp(identity->sids->bytes, domain_sid, sizeof(domain_sid)) == 0);
	identity->access = RPC_ACCESS_READ;
	return 0;
}

TEST(the_keys_are_those_that_the_domain_gives)
{
	for (int is_wrong = 0; is_wrong < 2; is_wrong++) {
		struct ntlm_initiator who = initiator(U16("alice"), U16("Other.1"), U16("AD"));
		struct rpc_channel_call call = { 0 };
		struct rpc_channel ch;
		struct domain d;
		struct echo e;
		struct peer p;

		domain_init(&d);
		login_setup(&e, &p, &d.acceptor.provider);
		rpc_server_set_admission(e.server, admit, NULL);
		CHECK_INT(login_channel(&ch, &who.provider, RPC_LEVEL_PRIVACY), 0);
		login_exchange(&ch, &p);
		answer_to(&d, &ch, &p);
		d.base[0] ^= (uint8_t)is_wrong;
		answer_to(&d, &ch, &p);
		CHECK_INT(ch.state, is_wrong ? CHANNEL_BROKEN : CHANNEL_READY); /* The MIC is wrong with another key. */
		if (!is_wrong) {
			CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, "sixteen and more", 16), 0);
			login_exchange(&ch, &p);
			CHECK(call.answered && call.error == 0);
		}
		CHECK_INT(e.call_count, !is_wrong);
		login_done(&e, &p, &ch);
	}
}

/* One login by hand. */
struct login {
	struct domain d;
	struct ntlm_initiator who;
	struct rpc_security *server, *client;
	struct buf negotiate, challenge, authenticate;
	unsigned ready;
};

static void on_ready(void *data)
{
	((struct login *)data)->ready++;
}

static int give(struct rpc_security *s, const struct buf *token, struct buf *out)
{
	return s->ops->step(s, token->data, token->len, out);
}

static void start(struct login *l, struct u16 user, struct u16 password, struct u16 domain)
{
	*l = (struct login){ .who = initiator(user, password, domain) };
	domain_init(&l->d);
	l->d.is_fresh = true;
	be_there(&l->d);
	CHECK_INT(l->d.acceptor.provider.make(&l->d.acceptor.provider, RPC_LEVEL_PRIVACY, &l->server), 0);
	CHECK_INT(l->who.provider.make(&l->who.provider, RPC_LEVEL_PRIVACY, &l->client), 0);
	l->server->level = l->client->level = RPC_LEVEL_PRIVACY;
	l->server->ready = on_ready;
	l->server->ready_data = l;
	CHECK_INT(l->client->ops->step(l->client, NULL, 0, &l->negotiate), 1);
}

static int finish(struct login *l)
{
	struct buf nothing = { 0 };
	int r = give(l->server, &l->authenticate, &nothing);

	if (r == RPC_STEP_LATER) {
		answer(&l->d);
		CHECK_INT(l->ready, 1);
		r = give(l->server, &l->authenticate, &nothing);
	}
	CHECK_INT(nothing.len, 0);
	return r;
}

static int log_in_by_hand(struct login *l)
{
	CHECK_INT(give(l->server, &l->negotiate, &l->challenge), 1);
	CHECK_INT(give(l->client, &l->challenge, &l->authenticate), 0);
	return finish(l);
}

static void stop(struct login *l)
{
	rpc_security_free(l->server);
	rpc_security_free(l->client);
	buf_done(&l->negotiate);
	buf_done(&l->challenge);
	buf_done(&l->authenticate);
}

TEST(who_is_asked_depends_on_the_domain_that_the_client_names)
{
	static const struct {
		struct u16 user, password, domain;
		bool is_there; /* The domain. */
		unsigned checks;
		const char *name; /* NULL: nobody gets in. */
	} cases[] = {
		/* Ours: without a domain, or with a name of this machine. */
		{ U16("alice"), U16("Secret.1"), U16(""), true, 0, "alice" },
		{ U16("alice"), U16("Secret.1"), U16("node1"), true, 0, "alice" },
		{ U16("alice"), U16("Secret.1"), U16("member"), true, 0, "alice" },
		{ U16("alice"), U16("Other.1"), U16(""), true, 0, NULL },
		{ U16("alice"), U16("Other.1"), U16("NODE1"), true, 0, NULL },
		{ U16("alice"), U16("Other.1"), U16("MEMBER"), true, 0, NULL },
		/* The domain's: by its name, even if we have one of that name and with that password. */
		{ U16("ALICE"), U16("Other.1"), U16("ad"), true, 1, "AD\\alice" },
		{ U16("alice"), U16("Secret.1"), U16("AD"), true, 1, NULL },
		{ U16("bob"), U16("Secret.2"), U16("AD"), true, 1, NULL },
		/* Anything else: ours, then the domain's. */
		{ U16("bob"), U16("Secret.2"), U16("WORKGROUP"), true, 0, "bob" },
		{ U16("alice"), U16("Other.1"), U16("WORKGROUP"), true, 1, "AD\\alice" },
		{ U16("alice"), U16("Other.1"), U16("ad.test"), true, 1, "AD\\alice" },
		{ U16("bob"), U16("Other.1"), U16("WORKGROUP"), true, 1, NULL },
		{ U16("alice@ad"), U16("Other.1"), U16(""), true, 1, NULL },
		/* Where there is no domain, nothing is its own. */
		{ U16("alice"), U16("Secret.1"), U16("AD"), false, 0, "alice" },
		{ U16("alice"), U16("Other.1"), U16("AD"), false, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rpc_identity identity = login_nobody;
		struct login l;

		start(&l, cases[i].user, cases[i].password, cases[i].domain);
		if (!cases[i].is_there)
			l.d.authority.domain = l.d.authority.computer = (struct u16){ 0 };
		CHECK_INT(log_in_by_hand(&l), cases[i].name != NULL ? 0 : ERR_ACCESS_DENIED);
		CHECK_INT(l.d.checks, cases[i].checks);
		l.server->ops->identify(l.server, &identity);
		if (cases[i].name != NULL) {
			CHECK_STR(identity.name, cases[i].name);
			CHECK_INT(identity.kind, cases[i].checks > 0 ? RPC_BY_DOMAIN : RPC_BY_NTLM);
		} else {
			CHECK_INT(identity.kind, RPC_BY_NTLM);
		}
		CHECK_INT(identity.sids != NULL, cases[i].name != NULL && cases[i].checks > 0);
		CHECK_INT(identity.access != RPC_ACCESS_NONE, cases[i].name != NULL && cases[i].checks == 0);
		rpc_identity_done(&identity);
		stop(&l);
	}
}

static bool has_text(const struct buf *b, const char *text)
{
	uint8_t wide[64];
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		put_le16(wide + 2 * i, (uint8_t)text[i]);
	return memmem(b->data, b->len, wide, 2 * len) != NULL;
}

/* A controller looks for its own names in the client's response, and for the machine's that asks it. */
TEST(clients_are_told_the_names_that_the_domain_knows)
{
	for (int is_there = 0; is_there < 2; is_there++) {
		struct login l;

		start(&l, U16("alice"), U16("Secret.1"), U16(""));
		if (!is_there)
			l.d.authority.domain = l.d.authority.computer = (struct u16){ 0 };
		CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
		CHECK_INT(has_text(&l.challenge, "MEMBER"), is_there);
		CHECK_INT(has_text(&l.challenge, "AD"), is_there);
		CHECK_INT(has_text(&l.challenge, "NODE1"), !is_there);
		stop(&l);
	}
}

TEST(a_login_waits_until_it_is_known_whether_there_is_a_domain)
{
	struct login l;

	start(&l, U16("alice"), U16("Secret.1"), U16(""));
	l.d.is_fresh = false;
	CHECK_INT(give(l.server, &l.negotiate, &l.challenge), RPC_STEP_LATER);
	CHECK_INT(l.challenge.len, 0);
	answer(&l.d);
	CHECK_INT(l.ready, 1);
	CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
	CHECK_INT(l.d.looks, 1);
	stop(&l);
}

TEST(what_the_domain_does_not_vouch_for_is_refused)
{
	static const struct {
		int result;
		bool has_no_key, says_key;
		int expected;
	} cases[] = {
		{ 0, false, false, 0 },
		{ 0, true, false, ERR_ACCESS_DENIED }, /* A guest. */
		{ ERR_ACCESS_DENIED, false, true, ERR_ACCESS_DENIED },
		{ -EAGAIN, false, true, -EAGAIN },
		{ -ENOMEM, false, true, -ENOMEM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rpc_identity identity = login_nobody;
		struct login l;

		start(&l, U16("alice"), U16("Other.1"), U16("AD"));
		l.d.result = cases[i].result;
		l.d.has_no_key = cases[i].has_no_key;
		l.d.says_key = cases[i].says_key;
		CHECK_INT(log_in_by_hand(&l), cases[i].expected);
		l.server->ops->identify(l.server, &identity);
		CHECK_STR(identity.name, cases[i].expected == 0 ? "AD\\alice" : "alice");
		CHECK_INT(identity.sids != NULL, cases[i].expected == 0);
		if (cases[i].expected < 0) /* And there is no second try. */
			CHECK_INT(give(l.server, &l.authenticate, &l.challenge), -EPROTO);
		rpc_identity_done(&identity);
		stop(&l);
	}
}

/* Whoever knows that a guest's key is nothing but zeros can do all that it is needed for. */
TEST(a_guest_who_knows_what_his_key_is_is_refused)
{
	static const uint8_t zeros[NTLM_KEY_SIZE], key[NTLM_KEY_SIZE] = { 7 };

	for (int is_guest = 0; is_guest < 2; is_guest++) {
		struct ntlm_authenticate m;
		uint8_t sealed[NTLM_KEY_SIZE], *mic;
		struct login l;

		start(&l, U16("alice"), U16("Other.1"), U16("AD"));
		l.d.has_no_key = is_guest;
		CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
		CHECK_INT(give(l.client, &l.challenge, &l.authenticate), 0);
		CHECK_INT(ntlm_decode_authenticate(l.authenticate.data, l.authenticate.len, &m), 0);
		mic = l.authenticate.data + NTLM_MIC_OFFSET;
		ntlm_rc4(zeros, key, sizeof(key), sealed);
		if (is_guest) {
			memcpy((uint8_t *)m.session_key.data, sealed, sizeof(sealed));
			memset(mic, 0, NTLM_KEY_SIZE);
			ntlm_hmac(key,
			    (struct ntlm_part[]){ { l.negotiate.data, l.negotiate.len },
				{ l.challenge.data, l.challenge.len }, { l.authenticate.data, l.authenticate.len } },
			    3, mic);
		}
		CHECK_INT(finish(&l), is_guest ? ERR_ACCESS_DENIED : 0);
		stop(&l);
	}
}

/* What NTLM itself forbids is not for the domain to allow: it is not even asked. */
TEST(the_domain_is_not_asked_about_what_is_refused_anyway)
{
	static const struct {
		size_t at; /* In the last message. */
		uint32_t or_flags;
		uint16_t length;
	} cases[] = {
		{ 20, 0, 24 }, /* NTLM version 1. */
		{ 20, 0, 0 },  /* No response at all. */
		{ 36, 0, 0 },  /* No user. */
		{ 60, NTLM_ANONYMOUS, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *field;
		struct login l;

		start(&l, U16("alice"), U16("Other.1"), U16("AD"));
		CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
		CHECK_INT(give(l.client, &l.challenge, &l.authenticate), 0);
		field = l.authenticate.data + cases[i].at;
		if (cases[i].or_flags != 0)
			put_le32(field, get_le32(field) | cases[i].or_flags);
		else
			put_le16(field, cases[i].length);
		CHECK(finish(&l) < 0);
		CHECK_INT(l.d.checks, 0);
		stop(&l);
	}
}

TEST(a_mic_is_checked_with_the_key_of_the_domain)
{
	struct login l;

	start(&l, U16("alice"), U16("Other.1"), U16("AD"));
	CHECK_INT(give(l.server, &l.negotiate, &l.challenge), 1);
	CHECK_INT(give(l.client, &l.challenge, &l.authenticate), 0);
	l.authenticate.data[NTLM_MIC_OFFSET] ^= 1;
	CHECK_INT(finish(&l), ERR_ACCESS_DENIED);
	CHECK_INT(l.d.checks, 1);
	stop(&l);
}

TEST(who_goes_while_the_domain_is_asked_is_forgotten)
{
	for (int is_look = 0; is_look < 2; is_look++) {
		struct buf nothing = { 0 };
		struct login l;

		start(&l, U16("alice"), U16("Other.1"), U16("AD"));
		l.d.is_fresh = !is_look;
		CHECK_INT(give(l.server, &l.negotiate, &l.challenge), is_look ? RPC_STEP_LATER : 1);
		if (!is_look) {
			CHECK_INT(give(l.client, &l.challenge, &l.authenticate), 0);
			CHECK_INT(give(l.server, &l.authenticate, &nothing), RPC_STEP_LATER);
		}
		stop(&l);
		CHECK_INT(l.d.forgotten, 1);
		CHECK(l.d.pending == NULL);
	}
}

TEST(each_failed_allocation_is_survived)
{
	for (int wrapped = 0; wrapped < 2; wrapped++) {
		struct ntlm_initiator who = initiator(U16("alice"), U16("Other.1"), U16("AD"));
		struct spnego_mechanisms offered = { .ntlm = &who.provider };
		struct domain d;

		spnego_initiator_init(&offered);
		FAIL_EACH_ALLOCATION
		{
			struct rpc_limits limits = rpc_limits_default();
			struct rpc_channel_call call = { 0 };
			struct rpc_channel ch;
			struct echo e;
			struct peer p;

			domain_init(&d);
			if (echo_init(&e, &limits) < 0)
				continue;
			CHECK_INT(
			    rpc_server_add_provider(e.server, wrapped ? &d.spnego.provider : &d.acceptor.provider), 0);
			rpc_server_set_admission(e.server, admit, NULL);
			if (peer_open(&p, e.server, &login_nobody) == 0) {
				if (login_channel(
					&ch, wrapped ? &offered.provider : &who.provider, RPC_LEVEL_PRIVACY) == 0) {
					log_in(&d, &ch, &p);
					if (ch.state == CHANNEL_READY)
						(void)rpc_channel_call(&ch, &call, ECHO_ECHO, "hello", 5);
					login_exchange(&ch, &p);
					CHECK(failalloc_hit() || (call.answered && call.error == 0));
					rpc_channel_done(&ch);
				}
				peer_close(&p);
			}
			CHECK(d.pending == NULL);
			echo_done(&e);
		}
	}
}
