/* epmap: the endpoint mapper: tells clients which socket or port serves an interface.
 *
 * Why      Samba's and Windows' clients do not take a port from the user: they ask port 135, or `EPMAPPER` in the directory
 *          of local sockets.
 * How      ept_map finds one interface, ept_lookup lists them all.  Questions and answers are *towers*, lists of floors,
 *          each two counted strings:
 *
 *              u16 5 | 0d uuid major / minor | 0d NDR 2 / 0 | 0b / 0 0 | 07 / port, big-endian | 09 / IPv4 address
 *              u16 4 | 0d uuid major / minor | 0d NDR 2 / 0 | 0c / 0 0 | 10 / socket name with NUL
 *
 *          The question's own floors for the transport say what it can use.  The address in an answer is the one that the
 *          client has connected to, or zeros over IPv6, for which there is no floor; clients use the one that they know.
 *          A lookup goes on where the last one ended; the place is in the handle itself, so nothing is kept for clients.
 * Promise  Whatever is asked, the answer is well-formed towers, or RPC_EPT_NOT_REGISTERED.  Nothing can be registered.
 * Threads  the loop's.     Limits  the table that it is given; LOOKUP_MAX entries in an answer.
 * Source   C706 appendices L and O, MS-RPCE 2.2.1.2     Tests  tests/unit/rpc_epmap.c, tests/interop/
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/epmap.h"
#include "rpc/dispatch.h"
#include "rpc/server_private.h"
#include "wire/epm.h"

enum {
	FLOOR_UUID = 0x0d,
	FLOOR_LOCAL = 0x0c,
	FLOOR_NAME = 0x10,
	FLOOR_CONNECTION = 0x0b,
	FLOOR_TCP = 0x07,
	FLOOR_IP = 0x09,
	FLOORS_LOCAL = 4,
	FLOORS_TCP = 5,
	LOOKUP_MAX = 64,
};

/* enum of ept_lookup's arguments. */
enum { INQUIRE_ALL = 0, INQUIRE_INTERFACE = 1, INQUIRE_OBJECT = 2, INQUIRE_BOTH = 3 };
enum { VERSIONS_ALL = 1, VERSIONS_COMPATIBLE = 2, VERSIONS_EXACT = 3, VERSIONS_MAJOR = 4, VERSIONS_UP_TO = 5 };

/* A floor that names a syntax: 0d uuid major / minor. */
static struct pdu_syntax read_syntax(struct cursor *c)
{
	struct pdu_syntax s = { 0 };
	const uint8_t *uuid;

	if (cursor_u16(c) != 1 + sizeof(s.uuid.bytes) + 2 || cursor_u8(c) != FLOOR_UUID)
		cursor_fail(c);
	uuid = cursor_bytes(c, sizeof(s.uuid.bytes));
	if (uuid != NULL)
		memcpy(s.uuid.bytes, uuid, sizeof(s.uuid.bytes));
	s.major = cursor_u16(c);
	if (cursor_u16(c) != 2)
		cursor_fail(c);
	s.minor = cursor_u16(c);
	return s;
}

enum transport { TRANSPORT_LOCAL, TRANSPORT_TCP };

/* Which interface is asked for, over which transport, in NDR; false if it is anything else. */
static bool read_tower(const struct epm_twr *tower, struct pdu_syntax *ret, enum transport *ret_transport)
{
	struct cursor c = cursor_make(tower->octets, tower->length);
	uint16_t floors = cursor_u16(&c);
	struct pdu_syntax interface = read_syntax(&c), transfer = read_syntax(&c);
	uint16_t len = cursor_u16(&c);
	uint8_t protocol = cursor_u8(&c);

	if (c.error != 0 || len != 1 || !pdu_syntax_equal(&transfer, &pdu_ndr20))
		return false;
	if (floors == FLOORS_LOCAL && protocol == FLOOR_LOCAL)
		*ret_transport = TRANSPORT_LOCAL;
	else if (floors == FLOORS_TCP && protocol == FLOOR_CONNECTION)
		*ret_transport = TRANSPORT_TCP;
	else
		return false;
	*ret = interface;
	return true;
}

static void put_syntax(struct buf *b, const struct pdu_syntax *s)
{
	buf_u16(b, 1 + sizeof(s->uuid.bytes) + 2);
	buf_u8(b, FLOOR_UUID);
	buf_append(b, s->uuid.bytes, sizeof(s->uuid.bytes));
	buf_u16(b, s->major);
	buf_u16(b, 2);
	buf_u16(b, s->minor);
}

/* A floor of a protocol and what belongs to it. */
static void put_floor(struct buf *b, uint8_t protocol, const void *data, size_t len)
{
	buf_u16(b, 1);
	buf_u8(b, protocol);
	buf_u16(b, (uint16_t)len);
	buf_append(b, data, len);
}

static void put_local_tower(struct buf *b, const struct rpc_endpoint *endpoint)
{
	buf_u16(b, FLOORS_LOCAL);
	put_syntax(b, &endpoint->syntax);
	put_syntax(b, &pdu_ndr20);
	put_floor(b, FLOOR_LOCAL, "\0", 2);
	put_floor(b, FLOOR_NAME, endpoint->socket_name, strlen(endpoint->socket_name) + 1);
}

static void put_tcp_tower(struct buf *b, const struct pdu_syntax *syntax, uint16_t port, const uint8_t host[4])
{
	const uint8_t big_endian[] = { (uint8_t)(port >> 8), (uint8_t)port };

	buf_u16(b, FLOORS_TCP);
	put_syntax(b, syntax);
	put_syntax(b, &pdu_ndr20);
	put_floor(b, FLOOR_CONNECTION, "\0", 2);
	put_floor(b, FLOOR_TCP, big_endian, sizeof(big_endian));
	put_floor(b, FLOOR_IP, host, 4);
}

/* On the heap of the call; NULL without memory. */
static struct epm_twr *make_tower(struct rpc_call *call, const struct rpc_endpoint *endpoint, enum transport transport)
{
	static const uint8_t nowhere[4];
	_cleanup_(buf_done) struct buf bytes = { 0 };
	struct epm_twr *tower = arena_alloc(&call->arena, sizeof(*tower));

	if (transport == TRANSPORT_LOCAL)
		put_local_tower(&bytes, endpoint);
	else
		put_tcp_tower(&bytes, &endpoint->syntax, endpoint->port,
		    call->connection != NULL ? call->connection->transport.host : nowhere);
	if (bytes.error != 0 || tower == NULL)
		return NULL;
	tower->length = (uint32_t)bytes.len;
	tower->octets = arena_dup(&call->arena, bytes.data, bytes.len);
	return tower->octets != NULL ? tower : NULL;
}

/* Whether the endpoint is there for this client, over that transport. */
static bool is_reachable(const struct rpc_call *call, const struct rpc_endpoint *e, enum transport transport)
{
	return transport == TRANSPORT_TCP ? e->port != 0 : e->socket_name != NULL && call->identity->local;
}

/* 0, or -ENOMEM. */
static int map(const struct rpc_epmap *m, struct rpc_call *call, const struct epm_Map_in *in, struct epm_Map_out *out)
{
	const struct rpc_endpoint *found = NULL;
	const struct epm_twr **towers;
	enum transport transport;
	struct pdu_syntax wanted;

	if (in->map_tower != NULL && in->max_towers > 0 && read_tower(in->map_tower, &wanted, &transport)) {
		for (size_t i = 0; i < m->count && found == NULL; i++) {
			const struct pdu_syntax *s = &m->endpoints[i].syntax;

			if (guid_equal(&s->uuid, &wanted.uuid) && s->major == wanted.major &&
			    s->minor >= wanted.minor && is_reachable(call, &m->endpoints[i], transport))
				found = &m->endpoints[i];
		}
	}
	if (found == NULL) {
		out->status = RPC_EPT_NOT_REGISTERED;
		return 0;
	}
	towers = arena_alloc(&call->arena, sizeof(*towers));
	if (towers == NULL)
		return -ENOMEM;
	towers[0] = make_tower(call, found, transport);
	if (towers[0] == NULL)
		return -ENOMEM;
	out->towers = towers;
	out->tower_count = 1;
	return 0;
}

static bool version_matches(uint32_t option, const struct pdu_syntax *s, const struct epm_if_id *wanted)
{
	switch (option) {
	case VERSIONS_COMPATIBLE:
		return s->major == wanted->major && s->minor >= wanted->minor;
	case VERSIONS_EXACT:
		return s->major == wanted->major && s->minor == wanted->minor;
	case VERSIONS_MAJOR:
		return s->major == wanted->major;
	case VERSIONS_UP_TO:
		return s->major < wanted->major || (s->major == wanted->major && s->minor <= wanted->minor);
	default:
		return option == VERSIONS_ALL;
	}
}

static bool is_inquired(const struct epm_Lookup_in *in, const struct rpc_endpoint *e)
{
	static const struct guid nil;
	bool by_object = in->inquiry_type == INQUIRE_OBJECT || in->inquiry_type == INQUIRE_BOTH;
	bool by_interface = in->inquiry_type == INQUIRE_INTERFACE || in->inquiry_type == INQUIRE_BOTH;

	if (by_object && (in->object == NULL || !guid_equal(in->object, &nil)))
		return false; /* No endpoint of ours is an object's. */
	if (by_interface)
		return in->interface != NULL && guid_equal(&in->interface->uuid, &e->syntax.uuid) &&
		       version_matches(in->version_option, &e->syntax, in->interface);
	return by_object || in->inquiry_type == INQUIRE_ALL;
}

/* The place where a lookup goes on: a handle of ours has nothing but that, +1, in its second word. */
static bool read_place(const struct rpc_epmap *m, const struct ndr_handle *h, size_t *ret)
{
	struct ndr_handle ours = { 0 };
	uint32_t place = get_le32((const uint8_t *)h + 4);

	put_le32((uint8_t *)&ours + 4, place);
	*ret = place > 0 ? place - 1 : 0;
	return memcmp(&ours, h, sizeof(ours)) == 0 && *ret <= m->count;
}

/* 0, -ENOMEM or ERR_INVALID_HANDLE. */
static int look_up(
    const struct rpc_epmap *m, struct rpc_call *call, const struct epm_Lookup_in *in, struct epm_Lookup_out *out)
{
	size_t most = MIN(in->max_entries, (uint32_t)LOOKUP_MAX), place = 0;
	struct epm_entry *entries = arena_alloc_zero(&call->arena, LOOKUP_MAX * sizeof(*entries));

	if (entries == NULL)
		return -ENOMEM;
	if (!ndr_handle_is_null(&in->entry) && !read_place(m, &in->entry, &place))
		return ERR_INVALID_HANDLE;
	out->entries = entries;
	/* Each endpoint has two places: one for each transport. */
	for (; place < m->count; place++) {
		const struct rpc_endpoint *e = &m->endpoints[place];
		enum transport transport = e->port != 0 ? TRANSPORT_TCP : TRANSPORT_LOCAL;
		struct epm_entry *entry = &entries[out->entry_count];

		if (!is_reachable(call, e, transport) || !is_inquired(in, e))
			continue;
		if (out->entry_count == most)
			break;
		entry->tower = make_tower(call, e, transport);
		if (entry->tower == NULL)
			return -ENOMEM;
		entry->annotation_size = sizeof(entry->annotation);
		if (e->annotation != NULL)
			memcpy(entry->annotation, e->annotation,
			    MIN(strlen(e->annotation), sizeof(entry->annotation) - 1));
		out->entry_count++;
	}
	/* Who got as many as he asked for may ask again, and be told that there are no more: some clients wait for that,
	 * others for the NULL handle. */
	if (place < m->count || (out->entry_count > 0 && out->entry_count == most))
		put_le32((uint8_t *)&out->entry + 4, (uint32_t)place + 1);
	if (out->entry_count == 0)
		out->status = RPC_EPT_NOT_REGISTERED;
	return 0;
}

static void dispatch(struct rpc_call *call, void *data)
{
	struct rpc_request request;
	int r = 0;

	if (rpc_request_begin(call, &epm_interface, &request) < 0)
		return;
	if (call->opnum == EPM_MAP)
		r = map(data, call, request.in, request.out);
	else if (call->opnum == EPM_LOOKUP)
		r = look_up(data, call, request.in, request.out);
	/* What is left frees a handle, and none holds anything: the answer, all zeros, is the NULL handle. */
	if (r < 0)
		rpc_call_fail(call, r);
	else
		(void)rpc_request_reply(&request);
}

void rpc_epmap_init(struct rpc_epmap *m, const struct rpc_endpoint *endpoints, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert(endpoints[i].socket_name == NULL || strlen(endpoints[i].socket_name) <= PDU_ADDRESS_MAX);
	*m = (struct rpc_epmap){
		.interface = {
			.name = "epmapper",
			.syntax = rpc_interface_syntax(&epm_interface, 3),
			.anonymous = true,
			.dispatch = dispatch,
			.data = m,
		},
		.endpoints = endpoints,
		.count = count,
	};
}

void rpc_epmap_put_question(struct buf *b, const struct pdu_syntax *syntax)
{
	put_tcp_tower(b, syntax, 0, (const uint8_t[4]){ 0 });
}

uint16_t rpc_epmap_read_port(const uint8_t *tower, size_t len)
{
	const struct epm_twr twr = { .length = (uint32_t)len, .octets = tower };
	struct cursor c = cursor_make(tower, len);
	enum transport transport;
	struct pdu_syntax syntax;
	const uint8_t *port;

	if (!read_tower(&twr, &syntax, &transport) || transport != TRANSPORT_TCP)
		return 0;
	(void)cursor_u16(&c);
	(void)read_syntax(&c);
	(void)read_syntax(&c);
	(void)cursor_bytes(&c, 3); /* 1, 0b */
	(void)cursor_bytes(&c, cursor_u16(&c));
	if (cursor_u16(&c) != 1 || cursor_u8(&c) != FLOOR_TCP || cursor_u16(&c) != 2)
		return 0;
	port = cursor_bytes(&c, 2);
	return port != NULL ? (uint16_t)(port[0] << 8 | port[1]) : 0;
}
