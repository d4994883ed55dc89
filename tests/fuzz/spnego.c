/* fuzz spnego: the input is a list of tokens, each after its length (2 bytes), for (first byte) a server or a client; what
 * is decoded is encoded again and must give the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/spnego.h"
#include "rpc/auth/spnego_token.h"
#include "tests/lib/rpc_login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_reply(const uint8_t *token, size_t len)
{
	struct buf again = { 0 };
	struct spnego_reply m;

	if (spnego_decode_reply(token, len, &m) < 0 || (m.has_mechanism && m.mechanism == SPNEGO_UNKNOWN))
		return;
	spnego_put_reply(&again, &m);
	assert(again.error == 0 && again.len == len && memcmp(again.data, token, len) == 0);
	buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ntlm_acceptor ntlm_acceptor = login_acceptor();
	struct ntlm_initiator ntlm_initiator = login_initiator(U16("alice"), U16("Secret.1"));
	struct spnego_mechanisms acceptor = { .ntlm = &ntlm_acceptor.provider },
				 initiator = { .ntlm = &ntlm_initiator.provider };
	struct cursor c = cursor_make(data, len);
	bool is_client = cursor_u8(&c) & 1;
	struct buf answer = { 0 };
	struct rpc_security *s;
	int r;

	spnego_acceptor_init(&acceptor);
	spnego_initiator_init(&initiator);
	r = is_client ? initiator.provider.make(&initiator.provider, RPC_LEVEL_PRIVACY, &s)
		      : acceptor.provider.make(&acceptor.provider, RPC_LEVEL_PRIVACY, &s);
	assert(r == 0);
	s->level = RPC_LEVEL_PRIVACY;
	r = is_client ? s->ops->step(s, NULL, 0, &answer) : 1;
	assert(r == 1);
	while (r == 1 && cursor_left(&c) > 0) {
		size_t size = MIN((size_t)cursor_u16(&c), cursor_left(&c));
		const uint8_t *token = cursor_bytes(&c, size);

		if (token == NULL)
			break;
		check_reply(token, size);
		r = s->ops->step(s, token, size, &answer);
		assert(r <= 1);
	}
	rpc_security_free(s);
	buf_done(&answer);
	return 0;
}
