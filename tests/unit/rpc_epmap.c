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
static const uint8_t five_floors[] = { 5, 0, ECHO(3, 0), NDR20, 1, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
static const uint8_t tcp_of_four[] = { 4, 0, ECHO(3, 0), NDR20, 1, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0x10, 1, 0, 0 };
/* clang-format on */

static struct rpc_epmap mapper;
static const struct rpc_endpoint *endpoints(void)
{
	static struct rpc_endpoint table[2];

	table[0] = (struct rpc_endpoint){ echo_other_syntax, "other" };
	table[1] = (struct rpc_endpoint){ echo_syntax, "echo" };
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
		{ tcp, sizeof(tcp), 4 },
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
	CHECK(peer_call(&p, 2, 2, "", 0, &pdu));
	CHECK_INT(pdu.stub.status, FAULT_OP_RANGE);
	CHECK(peer_call(&p, 3, EPM_MAP, "", 0, &pdu));
	CHECK_INT(pdu.stub.status, FAULT_BAD_STUB);
	peer_close(&p);
	echo_done(&e);
}
