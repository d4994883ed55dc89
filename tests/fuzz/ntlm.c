/* fuzz ntlm: the rest of the input is a token for (first byte) a server that waits for NEGOTIATE, one that waits for
 * AUTHENTICATE, or a client that waits for CHALLENGE.  Chance and time are fixed, so the corpus holds good logins.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/ntlm_message.h"
#include "tests/lib/rpc_login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct rpc_security *make(const struct rpc_security_provider *p)
{
	struct rpc_security *s;
	int r = p->make(p, RPC_LEVEL_PRIVACY, &s);

	assert(r == 0);
	s->level = RPC_LEVEL_PRIVACY;
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ntlm_acceptor acceptor = login_acceptor();
	struct ntlm_initiator initiator = login_initiator(U16("alice"), U16("Secret.1"));
	struct buf first = { 0 }, answer = { 0 };
	struct rpc_security *server = make(&acceptor.provider), *client = make(&initiator.provider), *s = server;
	int r;

	if (len == 0)
		data = (const uint8_t *)"", len = 1;
	if (data[0] % 3 != 0)
		(void)client->ops->step(client, NULL, 0, &first);
	if (data[0] % 3 == 1)
		(void)server->ops->step(server, first.data, first.len, &answer);
	if (data[0] % 3 == 2)
		s = client;
	r = s->ops->step(s, data + 1, len - 1, &answer);
	assert(r <= 1);
	assert(r >= 0 || r == -EBADMSG || r == ERR_ACCESS_DENIED || r == ERR_RPC_S_SEC_PKG_ERROR);
	if (r < 0)
		assert(s->ops->step(s, data + 1, len - 1, &answer) == -EPROTO);
	rpc_security_free(server);
	rpc_security_free(client);
	buf_done(&first);
	buf_done(&answer);
	return 0;
}
