/* rpc_login: see rpc_login.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rpc_login.h"
#include "tests/lib/test.h"
#include <stdio.h>

static int fill(void *data, void *bytes, size_t len)
{
	uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(0xc1 + 7 * i);
	return 0;
}

static uint64_t filetime(void *data)
{
	return 0x01dc000000000000;
}

const struct auth_source login_source = { .fill_random = fill, .filetime = filetime };
const struct rpc_identity login_nobody = { .local = false, .access = RPC_ACCESS_NONE, .uid = UINT32_MAX };

int login_lookup(void *data, struct u16 user, struct u16 domain, struct ntlm_account *ret)
{
	*ret = (struct ntlm_account){ 0 };
	if (u16_equal(user, U16("alice"))) {
		ntlm_hash_password(U16("Secret.1"), ret->hash);
		(void)snprintf(ret->name, sizeof(ret->name), "alice");
		ret->access = RPC_ACCESS_ALL;
	} else if (u16_equal(user, U16("bob"))) {
		ntlm_hash_password(U16("Secret.2"), ret->hash);
		(void)snprintf(ret->name, sizeof(ret->name), "bob");
		ret->access = RPC_ACCESS_READ;
	} else {
		return -ENOENT;
	}
	return 0;
}

struct ntlm_acceptor login_acceptor(void)
{
	struct ntlm_acceptor a = {
		.source = &login_source, .computer = U16("NODE1"), .dns_name = U16("node1.test"), .lookup = login_lookup
	};

	ntlm_acceptor_init(&a);
	return a;
}

struct ntlm_initiator login_initiator(struct u16 user, struct u16 password)
{
	struct ntlm_initiator i = { .source = &login_source,
		.user = user,
		.domain = U16("Anywhere"),
		.target = U16("MSServerClusterMgmtAPI/node1") };

	ntlm_hash_password(password, i.hash);
	ntlm_initiator_init(&i);
	return i;
}

void login_setup(struct echo *e, struct peer *p, const struct rpc_security_provider *provider)
{
	struct rpc_limits limits = rpc_limits_default();

	CHECK_INT(echo_init(e, &limits), 0);
	CHECK_INT(rpc_server_add_provider(e->server, provider), 0);
	CHECK_INT(peer_open(p, e->server, &login_nobody), 0);
}

int login_channel(struct rpc_channel *ch, const struct rpc_security_provider *initiator, uint8_t level)
{
	struct rpc_security *s;
	int r = initiator->make(initiator, level, &s);

	if (r < 0)
		return r;
	s->type = initiator->type;
	s->level = level;
	s->context_id = 5;
	return rpc_channel_init(ch, &echo_syntax, 0, 5840, s);
}

void login_exchange(struct rpc_channel *ch, struct peer *p)
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

void login_done(struct echo *e, struct peer *p, struct rpc_channel *ch)
{
	rpc_channel_done(ch);
	peer_close(p);
	echo_done(e);
}
