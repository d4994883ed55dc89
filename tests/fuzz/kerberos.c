/* fuzz kerberos: two sides log in to each other and send PDUs; what one of them gets from the other is meddled with.
 *
 * How      The tokens of Kerberos are made of chance and time, and no fuzzer guesses their keys: so the input is what is done
 *          to true ones (tests/lib/ticket.h), or what comes in their place.  The libraries of Kerberos are not ours to fuzz;
 *          what they make of such tokens, and what we make of that, is.
 *
 *              first byte: 1 the client is meddled with, else the server; 2 within SPNEGO; 4 level packet, not privacy;
 *                          8 header signing was not agreed
 *              then, for each message to that side: what is done (enum change), and its arguments
 *
 * Rules    A refusal is for good.  A PDU that is taken is what the other side protected.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/spnego.h"
#include "tests/lib/rpc_login.h"
#include "tests/lib/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum change {
	KEEP,
	REPLACE, /* len16, bytes */
	FLIP,    /* at16, mask8 */
	CUT,     /* at16 */
	INSERT,  /* at16, len8, bytes */
	EARLIER, /* What came before it once more. */
	CHANGES,
};
enum { HEADER = 24, BODY = 48, TRAILER = 8, PDUS = 4, LEGS_MAX = 8 };

static struct kerberos_acceptor kerberos_acceptor;
static struct kerberos_initiator kerberos_initiator;
static struct spnego_mechanisms spnego_acceptor, spnego_initiator;

static void begin_once(void)
{
	static struct ntlm_acceptor ntlm_acceptor;
	static struct ntlm_initiator ntlm_initiator;

	if (kerberos_acceptor.credentials != NULL)
		return;
	ticket_make("MEMORY:fuzz", 86400);
	ticket_acceptor(&kerberos_acceptor);
	kerberos_initiator = ticket_initiator("MEMORY:fuzz");
	ntlm_acceptor = login_acceptor();
	ntlm_initiator = login_initiator(U16("alice"), U16("Secret.1"));
	spnego_acceptor =
	    (struct spnego_mechanisms){ .kerberos = &kerberos_acceptor.provider, .ntlm = &ntlm_acceptor.provider };
	spnego_initiator =
	    (struct spnego_mechanisms){ .kerberos = &kerberos_initiator.provider, .ntlm = &ntlm_initiator.provider };
	spnego_acceptor_init(&spnego_acceptor);
	spnego_initiator_init(&spnego_initiator);
}

static struct rpc_security *make(const struct rpc_security_provider *p, uint8_t level, bool header_sign)
{
	struct rpc_security *s;
	int r = p->make(p, level, &s);

	assert(r == 0);
	s->type = p->type;
	s->level = level;
	s->header_sign = header_sign;
	return s;
}

/* As many of the input's next bytes, at most. */
static void put_input(struct cursor *c, struct buf *message, size_t wanted)
{
	size_t n = c->error != 0 ? 0 : MIN(wanted, cursor_left(c));

	if (n > 0)
		buf_append(message, cursor_bytes(c, n), n);
}

/* *message as the side gets it; *earlier is what came before, as it was. */
static void meddle(struct cursor *c, struct buf *message, struct buf *earlier)
{
	_cleanup_(buf_done) struct buf truth = { 0 }, old = *earlier;
	unsigned what = cursor_left(c) > 0 ? cursor_u8(c) % CHANGES : KEEP;
	size_t at = what >= FLIP && what <= INSERT ? cursor_u16(c) % (message->len + 1) : 0;

	buf_append(&truth, message->data, message->len);
	*earlier = (struct buf){ 0 };
	buf_append(earlier, truth.data, truth.len);
	switch (what) {
	case REPLACE:
		message->len = 0;
		put_input(c, message, cursor_u16(c));
		break;
	case FLIP:
		if (at < message->len)
			message->data[at] ^= cursor_u8(c);
		break;
	case CUT:
		message->len = at;
		break;
	case INSERT:
		message->len = at;
		put_input(c, message, cursor_u8(c));
		if (at < truth.len)
			buf_append(message, truth.data + at, truth.len - at);
		break;
	case EARLIER:
		message->len = 0;
		if (old.len > 0)
			buf_append(message, old.data, old.len);
		break;
	default:
		break;
	}
	assert(message->error == 0 && earlier->error == 0);
}

/* Whether both sides are done with it. */
static bool log_in(struct cursor *c, struct rpc_security *client, struct rpc_security *server, bool to_client)
{
	struct buf message = { 0 }, answer = { 0 }, earlier = { 0 };
	int r = client->ops->step(client, NULL, 0, &message);
	bool done[2] = { false, false }; /* Server, client. */

	assert(r == 1);
	/* Whoever is done may have something to say all the same. */
	for (int leg = 0; leg < LEGS_MAX && r >= 0 && message.len > 0; leg++) {
		bool is_client = leg % 2 != 0;
		struct rpc_security *s = is_client ? client : server;

		if (is_client == to_client)
			meddle(c, &message, &earlier);
		r = s->ops->step(s, message.data, message.len, &answer);
		assert(r <= 1);
		assert(r >= 0 || s->ops->step(s, message.data, message.len, &answer) < 0);
		done[is_client] = r == 0;
		buf_done(&message);
		message = answer;
		answer = (struct buf){ 0 };
	}
	buf_done(&message);
	buf_done(&earlier);
	client->done = server->done = done[0] && done[1];
	return client->done;
}

static void send_pdu(struct cursor *c, struct rpc_security *from, struct rpc_security *to, uint8_t number,
    struct buf *earlier, bool *broken)
{
	uint8_t plain[HEADER + BODY + TRAILER];
	size_t body = from->header_sign ? 0 : HEADER, end = from->header_sign ? sizeof(plain) : HEADER + BODY;
	struct buf pdu = { 0 };
	int r;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i + number);
	assert(from->signature_len <= RPC_SIGNATURE_MAX);
	buf_append(&pdu, plain, sizeof(plain));
	buf_append_zeros(&pdu, from->signature_len);
	assert(pdu.error == 0);
	r = from->ops->protect(from, pdu.data, sizeof(plain), HEADER, BODY, pdu.data + sizeof(plain));
	assert(r == 0);
	meddle(c, &pdu, earlier);
	/* Lengths have been checked before anything is unprotected; a PDU that is lost is the connection's end. */
	*broken = pdu.len != sizeof(plain) + to->signature_len;
	if (!*broken) {
		r = to->ops->unprotect(to, pdu.data, sizeof(plain), HEADER, BODY, pdu.data + sizeof(plain));
		assert(r == 0 || r == ERR_RPC_S_SEC_PKG_ERROR);
		assert(r < 0 || memcmp(pdu.data + body, plain + body, end - body) == 0);
		*broken = r < 0;
	}
	buf_done(&pdu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cursor c = cursor_make(data, len);
	uint8_t how = cursor_u8(&c), level = how & 4 ? RPC_LEVEL_PACKET : RPC_LEVEL_PRIVACY;
	struct rpc_security *client, *server;
	struct buf earlier = { 0 };
	bool broken = false;

	begin_once();
	client = make(how & 2 ? &spnego_initiator.provider : &kerberos_initiator.provider, level, !(how & 8));
	server = make(how & 2 ? &spnego_acceptor.provider : &kerberos_acceptor.provider, level, !(how & 8));
	if (log_in(&c, client, server, how & 1))
		for (uint8_t i = 0; i < PDUS && !broken; i++)
			send_pdu(&c, how & 1 ? server : client, how & 1 ? client : server, i, &earlier, &broken);
	rpc_security_free(client);
	rpc_security_free(server);
	buf_done(&earlier);
	return 0;
}
