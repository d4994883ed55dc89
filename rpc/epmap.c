/* epmap: the endpoint mapper: tells clients of this machine which socket serves an interface.
 *
 * Why      Samba's clients do not take a socket's name from the user: they ask `EPMAPPER`, in the same directory.
 * How      ept_map only.  A question and an answer are *towers*, lists of floors, each two counted strings:
 *
 *              u16 4 | 0d uuid major / minor | 0d NDR 2 / 0 | 0c / 0 0 | 10 / socket name with NUL
 *
 *          The question's own floors for the transport say what it can use; the answer has the real name in the last.
 * Promise  Whatever is asked, the answer is a well-formed tower, or RPC_EPT_NOT_REGISTERED.
 * Not kept TCP towers (protocols 0b, 07, 09) are not registered: there is no TCP yet.
 * Threads  the loop's.     Limits  the table that it is given.
 * Source   C706 appendices L and O, MS-RPCE 2.2.1.2     Tests  tests/unit/rpc_epmap.c, tests/interop/rpc_samba.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/epmap.h"
#include "rpc/dispatch.h"
#include "wire/epm.h"

enum { FLOOR_UUID = 0x0d, FLOOR_LOCAL = 0x0c, FLOOR_NAME = 0x10, FLOORS = 4 };

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

/* Which interface is asked for, over a unix socket and in NDR; false if it is anything else. */
static bool read_tower(const struct epm_twr *tower, struct pdu_syntax *ret)
{
	struct cursor c = cursor_make(tower->octets, tower->length);
	struct pdu_syntax interface, transfer;

	if (cursor_u16(&c) != FLOORS)
		return false;
	interface = read_syntax(&c);
	transfer = read_syntax(&c);
	if (cursor_u16(&c) != 1 || cursor_u8(&c) != FLOOR_LOCAL || c.error != 0)
		return false;
	if (!pdu_syntax_equal(&transfer, &pdu_ndr20))
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

static void put_tower(struct buf *b, const struct rpc_endpoint *endpoint)
{
	size_t len = strlen(endpoint->socket_name) + 1;

	buf_u16(b, FLOORS);
	put_syntax(b, &endpoint->syntax);
	put_syntax(b, &pdu_ndr20);
	buf_u16(b, 1);
	buf_u8(b, FLOOR_LOCAL);
	buf_u16(b, 2);
	buf_u16(b, 0);
	buf_u16(b, 1);
	buf_u8(b, FLOOR_NAME);
	buf_u16(b, (uint16_t)len);
	buf_append(b, endpoint->socket_name, len);
}

static const struct rpc_endpoint *find(const struct rpc_epmap *m, const struct pdu_syntax *wanted)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct pdu_syntax *s = &m->endpoints[i].syntax;

		if (guid_equal(&s->uuid, &wanted->uuid) && s->major == wanted->major && s->minor >= wanted->minor)
			return &m->endpoints[i];
	}
	return NULL;
}

/* 0, or -ENOMEM. */
static int map(const struct rpc_epmap *m, const struct epm_Map_in *in, struct arena *arena, struct epm_Map_out *out)
{
	_cleanup_(buf_done) struct buf bytes = { 0 };
	const struct rpc_endpoint *endpoint = NULL;
	const struct epm_twr **towers;
	struct pdu_syntax wanted;
	struct epm_twr *tower;

	if (in->map_tower != NULL && in->max_towers > 0 && read_tower(in->map_tower, &wanted))
		endpoint = find(m, &wanted);
	if (endpoint == NULL) {
		out->status = RPC_EPT_NOT_REGISTERED;
		return 0;
	}
	put_tower(&bytes, endpoint);
	towers = arena_alloc(arena, sizeof(*towers));
	tower = arena_alloc(arena, sizeof(*tower));
	if (bytes.error != 0 || towers == NULL || tower == NULL)
		return -ENOMEM;
	tower->length = (uint32_t)bytes.len;
	tower->octets = arena_dup(arena, bytes.data, bytes.len);
	if (tower->octets == NULL)
		return -ENOMEM;
	towers[0] = tower;
	out->towers = towers;
	out->tower_count = 1;
	return 0;
}

static void dispatch(struct rpc_call *call, void *data)
{
	struct rpc_request request;
	int r;

	if (rpc_request_begin(call, &epm_interface, &request) < 0)
		return;
	assert(call->opnum == EPM_MAP); /* There is no other in its description. */
	r = map(data, request.in, &call->arena, request.out);
	if (r < 0)
		rpc_call_fail(call, r);
	else
		(void)rpc_request_reply(&request);
}

void rpc_epmap_init(struct rpc_epmap *m, const struct rpc_endpoint *endpoints, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert(strlen(endpoints[i].socket_name) <= PDU_ADDRESS_MAX);
	*m = (struct rpc_epmap){
		.interface = {
			.name = "epmapper",
			.syntax = rpc_interface_syntax(&epm_interface, 3),
			.local_only = true,
			.dispatch = dispatch,
			.data = m,
		},
		.endpoints = endpoints,
		.count = count,
	};
}
