/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/dispatch.h"
#include "rpc/epmap.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/test.h"
#include "wire/epm.h"

/* clang-format off */
#define NDR20 19, 0, 0x0d, 0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60, 2, 0, 2, 0, 0, 0
#define ECHO(major, minor) 19, 0, 0x0d, 0xec, 0x40, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, major, 0, 2, 0, minor, 0
static const uint8_t question[] = { 4, 0, ECHO(3, 0), NDR20, 1, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
static const uint8_t answer[] = { 4, 0, ECHO(3, 1), NDR20, 1, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0x10, 5, 0, 'e', 'c', 'h', 'o', 0 };
static const uint8_t newer[] = { 4, 0, ECHO(3, 2), NDR20, 1, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
static const uint8_t other_major[] = { 4, 0, ECHO(2, 0), NDR20, 1, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
static const uint8_t unknown[] = { 4, 0, NDR20, NDR20, 1, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
static const uint8_t other_transfer[] = { 4, 0, ECHO(3, 0), ECHO(3, 0), 1, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
static const uint8_t tcp[] = {
	5, 0, ECHO(3, 0), NDR20, 1, 0, 0x0b, 2, 0, 0, 0, 1, 0, 7, 2, 0, 0, 135, 1, 0, 9, 4, 0, 0, 0, 0, 0,
};
static const uint8_t tcp_answer[] = {
	5, 0, ECHO(3, 1), NDR20, 1, 0, 0x0b, 2, 0, 0, 0, 1, 0, 7, 2, 0, 0xc0, 0x03, 1, 0, 9, 4, 0, 192, 0, 2, 7,
};
static const uint8_t five_floors[] = { 5, 0, ECHO(3, 0), NDR20, 1, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
static const uint8_t tcp_of_four[] = { 4, 0, ECHO(3, 0), NDR20, 1, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
/* clang-format on */

static struct rpc_epmap mapper;
static const struct rpc_endpoint *endpoints(void)
{
	static struct rpc_endpoint table[2];

	table[0] = (struct rpc_endpoint){ echo_other_syntax, "other", 0, NULL };
	table[1] = (struct rpc_endpoint){ echo_syntax, "echo", 0, NULL };
	return table;
}

static void setup(struct echo *e, struct peer *p)
{
	struct rpc_limits limits = rpc_limits_default();

	CHECK_INT(echo_init(e, &limits), 0);
	rpc_epmap_init(&mapper, endpoints(), 2);
	CHECK_INT(rpc_server_add_interface(e->server, &mapper.interface), 0);
	CHECK_INT(peer_open(p, e->server, &peer_reader), 0);
	CHECK(peer_bind(p, &mapper.interface.syntax, 0) != 0);
}

/* What is answered; *ret borrows from the arena. */
static void ask(
    struct peer *p, const uint8_t *tower, size_t len, uint32_t max_towers, struct arena *arena, struct epm_Map_out *ret)
{
	const struct ndr_method *method = ndr_method(&epm_interface, 3, EPM_MAP);
	struct epm_twr twr = { .length = (uint32_t)len, .octets = tower };
	struct epm_Map_in in = { .map_tower = tower != NULL ? &twr : NULL, .max_towers = max_towers };
	struct buf stub = { 0 };
	struct pdu pdu;

	CHECK_INT(ndr_push(method->in, 3, &in, &stub), 0);
	CHECK(peer_call(p, 2, EPM_MAP, stub.data, stub.len, &pdu));
	buf_done(&stub);
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	*ret = (struct epm_Map_out){ 0 };
	CHECK_INT(ndr_pull(method->out, 3, pdu.stub.data, pdu.stub.len, arena, ret), 0);
	CHECK_INT(ret->max_towers, max_towers);
}

TEST(a_registered_interface_is_found)
{
	struct arena arena = { 0 };
	struct epm_Map_out out;
	struct echo e;
	struct peer p;

	setup(&e, &p);
	ask(&p, question, sizeof(question), 4, &arena, &out);
	CHECK_INT(out.status, 0);
	CHECK_INT(out.tower_count, 1);
	CHECK_INT(out.towers[0]->length, sizeof(answer));
	CHECK_MEM(out.towers[0]->octets, answer, sizeof(answer));
	CHECK(ndr_handle_is_null(&out.entry));
	arena_done(&arena);
	peer_close(&p);
	echo_done(&e);
}

TEST(what_is_not_here_is_not_registered)
{
	static const struct {
		const uint8_t *tower;
		size_t len;
		uint32_t max_towers;
	} cases[] = {
		{ newer, sizeof(newer), 4 },
		{ other_major, sizeof(other_major), 4 },
		{ unknown, sizeof(unknown), 4 },
		{ other_transfer, sizeof(other_transfer), 4 },
		{ tcp, sizeof(tcp), 4 }, /* It has no port. */
		{ tcp_of_four, sizeof(tcp_of_four), 4 },
		{ five_floors, sizeof(five_floors), 4 },
		{ question, sizeof(question), 0 }, /* No room for an answer. */
		{ NULL, 0, 4 },
	};
	struct arena arena = { 0 };
	struct epm_Map_out out;
	struct echo e;
	struct peer p;

	setup(&e, &p);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ask(&p, cases[i].tower, cases[i].len, cases[i].max_towers, &arena, &out);
		CHECK_INT(out.status, RPC_EPT_NOT_REGISTERED);
		CHECK_INT(out.tower_count, 0);
	}
	/* A question that is cut short is no question; what follows its protocol does not matter. */
	for (size_t len = 0; len < sizeof(question) - 10; len++) {
		ask(&p, question, len, 4, &arena, &out);
		CHECK_INT(out.status, RPC_EPT_NOT_REGISTERED);
	}
	arena_done(&arena);
	peer_close(&p);
	echo_done(&e);
}

TEST(other_methods_are_out_of_range)
{
	struct pdu pdu;
	struct echo e;
	struct peer p;

	setup(&e, &p);
	CHECK(peer_call(&p, 2, 1, "", 0, &pdu));
	CHECK_INT(pdu.stub.status, FAULT_OP_RANGE);
	CHECK(peer_call(&p, 3, EPM_MAP, "", 0, &pdu));
	CHECK_INT(pdu.stub.status, FAULT_BAD_STUB);
	peer_close(&p);
	echo_done(&e);
}

static const struct rpc_endpoint tcp_endpoints[] = {
	{ { { { 0xec, 0x40, 1 } }, 3, 1 }, NULL, 49155, "the echo of the tests" },
	{ { { { 0xec, 0x40, 2 } }, 1, 0 }, "other", 0, NULL }, /* Not for the network. */
	{ { { { 0xec, 0x40, 1 } }, 2, 0 }, NULL, 49155, NULL },
};

static void setup_tcp(struct echo *e, struct peer *p)
{
	struct rpc_limits limits = rpc_limits_default();

	CHECK_INT(echo_init(e, &limits), 0);
	rpc_epmap_init(&mapper, tcp_endpoints, ARRAY_SIZE(tcp_endpoints));
	CHECK_INT(rpc_server_add_interface(e->server, &mapper.interface), 0);
	CHECK_INT(peer_open_remote(p, e->server, 0, 1, true), 0);
	CHECK(peer_bind(p, &mapper.interface.syntax, 0) != 0);
}

TEST(a_port_is_found_by_anybody_over_tcp)
{
	struct arena arena = { 0 };
	struct buf own = { 0 };
	struct epm_Map_out out;
	struct echo e;
	struct peer p;

	setup_tcp(&e, &p);
	ask(&p, tcp, sizeof(tcp), 4, &arena, &out);
	CHECK_INT(out.status, 0);
	CHECK_INT(out.tower_count, 1);
	CHECK_INT(out.towers[0]->length, sizeof(tcp_answer));
	CHECK_MEM(out.towers[0]->octets, tcp_answer, sizeof(tcp_answer));
	CHECK_INT(rpc_epmap_read_port(out.towers[0]->octets, out.towers[0]->length), 49155);
	/* What our own client asks. */
	rpc_epmap_put_question(&own, &echo_syntax);
	ask(&p, own.data, own.len, 4, &arena, &out);
	CHECK_INT(out.status, 0);
	CHECK_MEM(out.towers[0]->octets, tcp_answer, sizeof(tcp_answer));
	buf_done(&own);
	/* Local sockets are no business of the network's. */
	ask(&p, question, sizeof(question), 4, &arena, &out);
	CHECK_INT(out.status, RPC_EPT_NOT_REGISTERED);
	arena_done(&arena);
	peer_close(&p);
	echo_done(&e);
}

TEST(a_port_is_read_from_nothing_but_a_tcp_tower)
{
	CHECK_INT(rpc_epmap_read_port(answer, sizeof(answer)), 0);
	for (size_t len = 0; len < sizeof(tcp_answer) - 9; len++)
		CHECK_INT(rpc_epmap_read_port(tcp_answer, len), 0);
}

static void look_up(
    struct peer *p, struct epm_Lookup_in *in, struct arena *arena, struct epm_Lookup_out *ret, uint32_t status)
{
	const struct ndr_method *method = ndr_method(&epm_interface, 3, EPM_LOOKUP);
	struct buf stub = { 0 };
	struct pdu pdu;

	CHECK_INT(ndr_push(method->in, 3, in, &stub), 0);
	CHECK(peer_call(p, 2, EPM_LOOKUP, stub.data, stub.len, &pdu));
	buf_done(&stub);
	*ret = (struct epm_Lookup_out){ 0 };
	if (pdu.header.type == PDU_FAULT) {
		CHECK_INT(pdu.stub.status, status);
		return;
	}
	CHECK_INT(ndr_pull(method->out, 3, pdu.stub.data, pdu.stub.len, arena, ret), 0);
	CHECK_INT(ret->status, status);
}

TEST(a_lookup_lists_all_at_once_or_one_by_one)
{
	struct epm_Lookup_in in = { .max_entries = 500 };
	struct arena arena = { 0 };
	struct epm_Lookup_out out;
	struct echo e;
	struct peer p;

	setup_tcp(&e, &p);
	look_up(&p, &in, &arena, &out, 0);
	CHECK_INT(out.entry_count, 2);
	CHECK(ndr_handle_is_null(&out.entry));
	CHECK_MEM(out.entries[0].tower->octets, tcp_answer, sizeof(tcp_answer));
	CHECK_STR((const char *)out.entries[0].annotation, "the echo of the tests");
	in.max_entries = 1;
	look_up(&p, &in, &arena, &out, 0);
	CHECK_INT(out.entry_count, 1);
	CHECK(!ndr_handle_is_null(&out.entry));
	in.entry = out.entry;
	look_up(&p, &in, &arena, &out, 0);
	CHECK_INT(out.entry_count, 1);
	CHECK(!ndr_handle_is_null(&out.entry));
	CHECK_INT(out.entries[0].tower->octets[21], 2); /* Major version 2, after count, length, 0d and the uuid. */
	in.entry = out.entry;
	look_up(&p, &in, &arena, &out, RPC_EPT_NOT_REGISTERED);
	CHECK_INT(out.entry_count, 0);
	CHECK(ndr_handle_is_null(&out.entry));
	memset(&in.entry, 0xa5, sizeof(in.entry));
	look_up(&p, &in, &arena, &out, FAULT_CONTEXT_MISMATCH);
	arena_done(&arena);
	peer_close(&p);
	echo_done(&e);
}

TEST(a_lookup_is_for_an_interface_and_its_versions)
{
	static const struct {
		uint32_t inquiry, option;
		uint16_t major, minor;
		unsigned count;
	} cases[] = {
		{ 1, 1, 9, 9, 2 },
		{ 1, 2, 3, 0, 1 },
		{ 1, 2, 3, 2, 0 },
		{ 1, 3, 3, 1, 1 },
		{ 1, 3, 3, 0, 0 },
		{ 1, 4, 2, 7, 1 },
		{ 1, 5, 3, 1, 2 },
		{ 1, 5, 2, 9, 1 },
		{ 1, 6, 3, 1, 0 },
		{ 2, 1, 0, 0, 0 },
		{ 4, 1, 0, 0, 0 },
	};
	struct epm_if_id id = { .uuid = echo_syntax.uuid };
	struct epm_Lookup_in in = { .max_entries = 10, .interface = &id };
	struct arena arena = { 0 };
	struct epm_Lookup_out out;
	struct echo e;
	struct peer p;

	setup_tcp(&e, &p);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		in.inquiry_type = cases[i].inquiry;
		in.version_option = cases[i].option;
		id.major = cases[i].major;
		id.minor = cases[i].minor;
		look_up(&p, &in, &arena, &out, cases[i].count > 0 ? 0 : RPC_EPT_NOT_REGISTERED);
		if (out.entry_count != cases[i].count)
			test_fail(__FILE__, __LINE__, "case %zu has %u entries", i, out.entry_count);
	}
	arena_done(&arena);
	peer_close(&p);
	echo_done(&e);
}
