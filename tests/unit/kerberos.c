/* The two sides of Kerberos log in to each other with a ticket that no KDC made.  With real KDCs, and with other people's
 * clients: tests/interop/rpc_auth.py, domain.py.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/spnego.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_login.h"
#include "tests/lib/test.h"
#include "tests/lib/ticket.h"

static const char cache[] = "MEMORY:good", stale[] = "MEMORY:stale";
static struct kerberos_acceptor acceptor;
static struct kerberos_initiator initiator;

static void setup(void)
{
	if (acceptor.credentials != NULL)
		return;
	ticket_make(cache, 3600);
	ticket_make(stale, -3600);
	ticket_acceptor(&acceptor);
	initiator = ticket_initiator(cache);
}

/* Echo works, and the server knows who it is. */
static void check_login(const struct rpc_security_provider *a, const struct rpc_security_provider *i, uint8_t level)
{
	struct rpc_channel_call call = { 0 };
	struct rpc_channel ch;
	struct buf reply = { 0 };
	struct echo e;
	struct peer p;

	login_setup(&e, &p, a);
	CHECK_INT(login_channel(&ch, i, level), 0);
	login_exchange(&ch, &p);
	CHECK_INT(ch.state, CHANNEL_READY);
	CHECK_INT(rpc_channel_call(&ch, &call, ECHO_ECHO, "over Kerberos", 13), 0);
	login_exchange(&ch, &p);
	CHECK(call.answered);
	CHECK_INT(rpc_channel_take_reply(&ch, &call, &reply), 0);
	CHECK(reply.len == 13 && memcmp(reply.data, "over Kerberos", 13) == 0);
	buf_done(&reply);
	login_done(&e, &p, &ch);
}

TEST(a_ticket_logs_in_at_every_level)
{
	static const uint8_t levels[] = { RPC_LEVEL_PACKET, RPC_LEVEL_INTEGRITY, RPC_LEVEL_PRIVACY };

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		check_login(&acceptor.provider, &initiator.provider, levels[i]);
}

TEST(within_spnego_too)
{
	struct spnego_mechanisms here = { .kerberos = &acceptor.provider }, there = { .kerberos = &initiator.provider };

	setup();
	spnego_acceptor_init(&here);
	spnego_initiator_init(&there);
	check_login(&here.provider, &there.provider, RPC_LEVEL_PRIVACY);
}

static int first_step(const struct rpc_security_provider *p)
{
	struct buf token = { 0 };
	struct rpc_security *s;
	int r = p->make(p, RPC_LEVEL_PRIVACY, &s);

	CHECK_INT(r, 0);
	s->level = RPC_LEVEL_PRIVACY;
	r = s->ops->step(s, NULL, 0, &token);
	rpc_security_free(s);
	buf_done(&token);
	return r;
}

TEST(why_there_is_no_login_has_a_code)
{
	struct kerberos_initiator old, none, elsewhere;

	setup();
	old = ticket_initiator(stale);
	none = ticket_initiator("MEMORY:none");
	elsewhere = ticket_initiator(cache);
	elsewhere.host = "node2.rueda.test";
	CHECK_INT(first_step(&initiator.provider), 1);
	CHECK_INT(first_step(&old.provider), ERR_NO_SUCH_LOGON_SESSION);
	CHECK_INT(first_step(&none.provider), ERR_NO_SUCH_LOGON_SESSION);
	CHECK_INT(first_step(&elsewhere.provider), ERR_NO_SUCH_LOGON_SESSION); /* Nor one for more tickets. */
}

TEST(a_refusal_is_for_good)
{
	static uint8_t large[64 << 10];
	struct buf token = { 0 }, answer = { 0 };
	struct rpc_security *client, *server;

	setup();
	CHECK_INT(initiator.provider.make(&initiator.provider, RPC_LEVEL_PRIVACY, &client), 0);
	CHECK_INT(acceptor.provider.make(&acceptor.provider, RPC_LEVEL_PRIVACY, &server), 0);
	client->level = server->level = RPC_LEVEL_PRIVACY;
	CHECK_INT(client->ops->step(client, NULL, 0, &token), 1);
	CHECK_INT(server->ops->step(server, token.data, token.len, &answer), 1);
	CHECK_INT(client->ops->step(client, large, sizeof(large), &token), -EPROTO);
	CHECK_INT(client->ops->step(client, answer.data, answer.len, &token), -EPROTO);
	CHECK_INT(server->ops->step(server, NULL, 0, &token), -EPROTO);
	CHECK_INT(server->ops->step(server, token.data, token.len, &token), -EPROTO);
	rpc_security_free(client);
	rpc_security_free(server);
	buf_done(&token);
	buf_done(&answer);
}

TEST(a_login_without_memory_fails_and_leaks_nothing)
{
	setup();
	FAIL_EACH_ALLOCATION
	{
		struct buf token = { 0 };
		struct rpc_security *s = NULL;
		int r = initiator.provider.make(&initiator.provider, RPC_LEVEL_PRIVACY, &s);

		if (r == 0) {
			s->level = RPC_LEVEL_PRIVACY;
			r = s->ops->step(s, NULL, 0, &token);
		}
		CHECK(r == (failalloc_hit() ? -ENOMEM : 1));
		rpc_security_free(s);
		buf_done(&token);
	}
}
