/* connection: one server connection: bytes to PDUs, output, time-outs.
 *
 * Why      see server.c.  Here is what a hostile peer meets first.
 * How           bind accepted
 *          FRESH ───────────► BOUND ──► OVER ──► freed by the transport
 *            └───── anything else ──────►┘
 *          OVER is final: input is ignored, calls in flight are told, what is in the output still leaves.
 *
 *          Input is collected until one PDU is whole; its header is judged as soon as it is there.
 *          While a login waits for somebody else's word, nothing further is looked at: what comes is held, and the transport
 *          is told to read no more once there is much of it.
 *          Output is one buffer that the transport takes over as it is; what it has taken counts as unsent until it
 *          says so.
 *
 *          Time-outs: a peer *owes* while it has not bound, has a PDU or a request half sent, or has no access and
 *          does not leave; it is *unread* while output does not move; *idle* while nothing is in flight.  Over the
 *          network a peer is a *stranger* until it is authenticated, and may be one for a short time only.
 * Promise  wake() is called whenever output becomes available or the connection ends, once until output is taken.
 * Threads  the loop's.     Limits  PDU_SIZE_MAX of input, RPC_HELD_MAX behind it, output_max, memory, the time-outs.
 * Source   MS-RPCE 3.3.1.5     Tests  tests/unit/rpc_server.c, rpc_hostile.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/server_private.h"

/* There is no sense in sending what is left. */
static void cut_off(struct rpc_connection *c, const char *why)
{
	rpc_account_discharge(c->account, c->output.len);
	c->unsent -= c->output.len;
	buf_done(&c->output);
	rpc_connection_end(c, why);
}

static bool is_stranger(const struct rpc_connection *c, bool local)
{
	return c->state != CONNECTION_OVER && c->identity.access == RPC_ACCESS_NONE && c->identity.local == local;
}

/* Over the network, the oldest of the address that has most of them gives way: a flood hits itself. */
static void displace_stranger(struct rpc_server *s)
{
	struct rpc_connection *victim = NULL;

	for (struct rpc_connection *c = s->connections; c != NULL; c = c->next) /* The newest is the first. */
		if (is_stranger(c, false) &&
		    (victim == NULL || c->account->connections >= victim->account->connections))
			victim = c;
	if (victim != NULL)
		cut_off(victim, "there are too many that are not authenticated");
}

static size_t kept_from(const struct rpc_server *s, const struct rpc_identity *identity)
{
	size_t eighth = s->limits.connections / 8;

	return identity->access == RPC_ACCESS_ALL ? 0 : identity->access == RPC_ACCESS_READ ? 2 * eighth : eighth;
}

/* Strangers (access None: not allowed, or not authenticated yet) have an eighth of all connections between them, since
 * one person may own many uids or addresses.  Those who may do everything have an eighth that nobody else can take; who
 * may only read leaves room for the strangers, too, since over the network everybody comes as one. */
static int check_limits(struct rpc_server *s, const struct rpc_identity *identity)
{
	size_t eighth = s->limits.connections / 8, strangers = 0, same_address = 0;
	size_t most = s->limits.connections - kept_from(s, identity);

	for (const struct rpc_connection *c = s->connections; c != NULL; c = c->next) {
		strangers += is_stranger(c, identity->local);
		same_address += !identity->local && c->state != CONNECTION_OVER && !c->identity.local &&
				rpc_identity_same_place(&c->identity, identity);
	}
	if (s->stats.connections >= most || same_address >= s->limits.connections_per_address)
		return ERR_RPC_S_SERVER_TOO_BUSY;
	if (identity->access == RPC_ACCESS_NONE && strangers >= eighth) {
		if (identity->local)
			return ERR_RPC_S_SERVER_TOO_BUSY;
		displace_stranger(s);
	}
	return 0;
}

/* Become a connection of that identity's account. */
static int enter_account(struct rpc_connection *c, const struct rpc_identity *identity)
{
	struct rpc_server *s = c->server;
	struct rpc_account *account;
	int r = rpc_account_get(s, identity, &account);

	if (r < 0)
		return r;
	if (account != c->account && (identity->local || identity->access != RPC_ACCESS_NONE) &&
	    account->connections >= s->limits.connections_per_identity) {
		rpc_account_put(account);
		return ERR_RPC_S_SERVER_TOO_BUSY;
	}
	if (c->account != NULL) {
		rpc_account_discharge(c->account, c->unsent);
		c->account->connections--;
		rpc_account_put(c->account);
	}
	c->account = account;
	account->connections++;
	rpc_account_charge(account, c->unsent);
	return 0;
}

int rpc_connection_admit(struct rpc_connection *c)
{
	const struct rpc_limits *limits = &c->server->limits;

	if (!c->identity.local &&
	    c->server->stats.connections > limits->connections - kept_from(c->server, &c->identity))
		return ERR_RPC_S_SERVER_TOO_BUSY;
	return enter_account(c, &c->identity);
}

int rpc_connection_new(struct rpc_server *s, const struct rpc_identity *identity, const struct rpc_transport *transport,
    struct rpc_connection **ret)
{
	struct rpc_connection *c = calloc(1, sizeof(*c));
	int r = 0;

	if (c == NULL)
		return -ENOMEM;
	assert(strlen(transport->address) <= PDU_ADDRESS_MAX);
	c->server = s;
	c->transport = *transport;
	rpc_identity_copy(&c->identity, identity);
	c->security = rpc_security_none();
	if (identity->local || identity->access != RPC_ACCESS_NONE)
		r = rpc_server_admit(s, &c->identity);
	if (r == 0)
		r = check_limits(s, &c->identity);
	if (r == 0)
		r = enter_account(c, &c->identity);
	if (r < 0) {
		rpc_identity_done(&c->identity);
		free(c);
		return r;
	}
	c->fragment_max = PDU_FRAGMENT_LEAST;
	c->next = s->connections;
	c->previous = &s->connections;
	if (c->next != NULL)
		c->next->previous = &c->next;
	s->connections = c;
	s->stats.connections++;
	*ret = c;
	return 0;
}

static void abandon_calls(struct rpc_connection *c)
{
	while (c->calls != NULL)
		rpc_call_abandon(c->calls);
	assert(c->call_count == 0 && c->partial_count == 0);
}

void rpc_connection_free(struct rpc_connection *c)
{
	if (c == NULL)
		return;
	c->state = CONNECTION_OVER;
	abandon_calls(c);
	if (c->association != NULL)
		rpc_association_leave(c->association);
	rpc_security_free(c->security);
	rpc_account_discharge(c->account, c->unsent);
	c->account->connections--;
	rpc_account_put(c->account);
	rpc_identity_done(&c->identity);
	buf_done(&c->input);
	buf_wipe(&c->held);
	buf_done(&c->output);
	*c->previous = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	c->server->stats.connections--;
	free(c);
}

static void wake(struct rpc_connection *c)
{
	if (c->waking)
		return;
	c->waking = true;
	c->transport.wake(c->transport.data);
}

void rpc_connection_end(struct rpc_connection *c, const char *why)
{
	if (c->state == CONNECTION_OVER)
		return;
	c->state = CONNECTION_OVER;
	c->why = why;
	abandon_calls(c);
	wake(c);
}

void rpc_connection_flush(struct rpc_connection *c, size_t len)
{
	const struct rpc_limits *limits = &c->server->limits;
	size_t more = c->output.len - len;

	c->unsent += more;
	rpc_account_charge(c->account, more);
	if (c->output.error != 0)
		cut_off(c, "there is no memory for the answer");
	else if (c->unsent > limits->output_max)
		cut_off(c, "the client does not read its answers");
	else if (rpc_account_is_full(c->account, 0))
		cut_off(c, "the buffers for answers are full");
	else if (more > 0)
		wake(c);
}

void rpc_connection_fault(struct rpc_connection *c, uint32_t call_id, uint16_t context_id, uint32_t status)
{
	bool did_nothing = status == FAULT_PROTOCOL || status == FAULT_OP_RANGE || status == FAULT_UNKNOWN_INTERFACE ||
			   status == FAULT_ACCESS_DENIED || status == FAULT_TOO_BUSY || status == FAULT_SECURITY;
	size_t len = c->output.len;

	pdu_put_fault(&c->output, did_nothing ? PDU_DID_NOT_EXECUTE : 0, call_id, context_id, status);
	rpc_connection_flush(c, len);
}

struct buf rpc_connection_take_output(struct rpc_connection *c)
{
	struct buf taken = c->output;

	c->output = (struct buf){ 0 };
	c->waking = false;
	return taken;
}

void rpc_connection_sent(struct rpc_connection *c, size_t len)
{
	assert(len <= c->unsent - c->output.len);
	c->unsent -= len;
	rpc_account_discharge(c->account, len);
	c->unread_since = 0;
}

bool rpc_connection_is_over(const struct rpc_connection *c, const char **ret_why)
{
	if (c->state != CONNECTION_OVER)
		return false;
	if (ret_why != NULL)
		*ret_why = c->why;
	return true;
}

static void handle_pdu(struct rpc_connection *c, uint8_t *data, size_t len)
{
	struct rpc_call *call;
	struct pdu pdu;

	if (pdu_decode(data, len, &pdu) < 0) {
		rpc_connection_end(c, "a message is malformed");
		return;
	}
	switch (pdu.header.type) {
	case PDU_BIND:
	case PDU_ALTER:
		rpc_connection_bind(c, &pdu);
		break;
	case PDU_AUTH3:
		rpc_connection_auth3(c, &pdu);
		break;
	case PDU_REQUEST:
		rpc_connection_request(c, data, &pdu);
		break;
	case PDU_CANCEL:
		call = rpc_connection_find_call(c, pdu.header.call_id);
		if (call != NULL)
			rpc_call_cancel(call);
		break;
	case PDU_ORPHANED:
		call = rpc_connection_find_call(c, pdu.header.call_id);
		if (call != NULL)
			rpc_call_abandon(call);
		break;
	default:
		rpc_connection_end(c, "a client does not send this type of message");
	}
}

/* The header of the PDU that is coming in is there: what its length is, or 0 if the connection is over. */
static size_t judge_header(struct rpc_connection *c)
{
	struct pdu_header h;
	int r = pdu_decode_header(c->input.data, &h);

	if (r == -EPROTONOSUPPORT) {
		size_t len = c->output.len;

		if (h.type == PDU_BIND && c->state == CONNECTION_FRESH) {
			pdu_put_nak(&c->output, h.call_id, c->input.data[1] > 1 ? NAK_VERSION : NAK_UNSPECIFIED);
			rpc_connection_flush(c, len);
		}
		rpc_connection_end(c, "the client speaks another version or byte order");
		return 0;
	}
	if (r < 0) {
		rpc_connection_end(c, "this is not DCE/RPC");
		return 0;
	}
	if (h.type == PDU_REQUEST && c->state == CONNECTION_BOUND && h.frag_length > c->fragment_max) {
		rpc_connection_fault(c, h.call_id, 0, FAULT_PROTOCOL);
		rpc_connection_end(c, "a fragment is larger than agreed");
		return 0;
	}
	return h.frag_length;
}

static bool owes(const struct rpc_connection *c)
{
	return c->state == CONNECTION_FRESH || c->input.len > 0 || c->partial_count > 0 || !c->security->done ||
	       c->identity.access == RPC_ACCESS_NONE;
}

/* The PDU in input is whole. */
static void take_pdu(struct rpc_connection *c)
{
	handle_pdu(c, c->input.data, c->input.len);
	if (c->waits)
		return;
	explicit_bzero(c->input.data, c->input.len); /* As call.c wipes what it was made into. */
	c->input.len = 0;
	if (!owes(c))
		c->owing_since = 0;
}

static void hold(struct rpc_connection *c, const uint8_t *data, size_t len)
{
	if (len > RPC_HELD_MAX - c->held.len) {
		rpc_connection_end(c, "the client does not wait for the end of its login");
		return;
	}
	buf_append(&c->held, data, len);
	if (c->held.error != 0)
		rpc_connection_end(c, "there is no memory for its input");
}

bool rpc_connection_has_room(const struct rpc_connection *c)
{
	return c->held.len < RPC_HELD_MAX / 2;
}

void rpc_connection_resume(void *data)
{
	struct rpc_connection *c = data;
	struct buf held;

	assert(c->waits);
	if (c->state == CONNECTION_OVER)
		return;
	take_pdu(c);
	if (c->waits)
		return;
	held = c->held;
	c->held = (struct buf){ 0 };
	rpc_connection_input(c, held.data, held.len);
	buf_wipe(&held);
	wake(c); /* There may be room again. */
}

void rpc_connection_input(struct rpc_connection *c, const void *data, size_t len)
{
	const uint8_t *p = data;

	c->idle_since = 0;
	while (len > 0 && c->state != CONNECTION_OVER) {
		size_t want = PDU_HEADER_SIZE, take;

		if (c->waits) {
			hold(c, p, len);
			return;
		}
		if (c->input.len >= PDU_HEADER_SIZE)
			want = get_le16(c->input.data + 8);
		take = MIN(len, want - c->input.len);
		buf_append(&c->input, p, take);
		if (c->input.error != 0) {
			rpc_connection_end(c, "there is no memory for its input");
			return;
		}
		p += take;
		len -= take;
		if (c->input.len == PDU_HEADER_SIZE) {
			want = judge_header(c);
			if (want == 0)
				return;
		}
		if (c->input.len == want)
			take_pdu(c);
	}
}

/* True if what has been so since *since (0: it has just been found) has lasted for limit. */
static bool lasted(uint64_t *since, bool is_so, uint64_t now_ns, uint64_t limit_ns)
{
	if (!is_so)
		*since = 0;
	else if (*since == 0)
		*since = MAX(now_ns, (uint64_t)1);
	else
		return now_ns - *since >= limit_ns;
	return false;
}

void rpc_connection_tick(struct rpc_connection *c, uint64_t now_ns)
{
	const struct rpc_limits *limits = &c->server->limits;

	if (c->state == CONNECTION_OVER)
		return;
	if (lasted(&c->stranger_since, is_stranger(c, false), now_ns, limits->login_ns))
		cut_off(c, "the client was not authenticated, or done, in time");
	else if (lasted(&c->owing_since, owes(c), now_ns, limits->stall_ns))
		cut_off(c, "the client did not go on in time");
	else if (lasted(&c->unread_since, c->unsent > 0, now_ns, limits->stall_ns))
		cut_off(c, "the client does not read its answers");
	else if (limits->idle_ns != 0 &&
		 lasted(&c->idle_since, c->call_count == 0 && c->unsent == 0, now_ns, limits->idle_ns))
		rpc_connection_end(c, "it was idle");
}
