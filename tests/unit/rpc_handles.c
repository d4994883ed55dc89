/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rpc_echo.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/test.h"

static void open_peer(struct echo *e, struct peer *p, uint32_t *group)
{
	CHECK_INT(peer_open(p, e->server, &peer_reader), 0);
	*group = peer_bind(p, &echo_syntax, *group);
	CHECK(*group != 0);
}

static struct rpc_handle open_handle(struct peer *p, uint32_t type, uint32_t access)
{
	struct rpc_handle h;
	uint8_t stub[8];
	struct pdu pdu;

	put_le32(stub, type);
	put_le32(stub + 4, access);
	CHECK(peer_call(p, 2, ECHO_OPEN, stub, sizeof(stub), &pdu));
	CHECK_INT(pdu.header.type, PDU_RESPONSE);
	CHECK_INT(pdu.stub.len, sizeof(h));
	memcpy(h.bytes, pdu.stub.data, sizeof(h));
	CHECK(!rpc_handle_is_null(&h));
	return h;
}

/* The access (or type) of the handle; the status of the fault, negated, if it is none. */
static int64_t use(struct peer *p, uint16_t opnum, const struct rpc_handle *h)
{
	struct pdu pdu;

	CHECK(peer_call(p, 3, opnum, h->bytes, sizeof(h->bytes), &pdu));
	if (pdu.header.type == PDU_FAULT)
		return -(int64_t)pdu.stub.status;
	return get_le32(pdu.stub.data);
}

static const int64_t mismatch = -(int64_t)FAULT_CONTEXT_MISMATCH;

TEST(a_handle_works_until_it_is_closed)
{
	struct rpc_limits limits = rpc_limits_default();
	struct rpc_handle h, again;
	uint32_t group = 0;
	struct echo e;
	struct peer p;

	CHECK_INT(echo_init(&e, &limits), 0);
	open_peer(&e, &p, &group);
	h = open_handle(&p, 0, 42);
	CHECK_INT(get_le32(h.bytes), 0);
	CHECK_INT(use(&p, ECHO_USE, &h), 42);
	CHECK_INT(use(&p, ECHO_CLOSE, &h), 0);
	CHECK_INT(use(&p, ECHO_USE, &h), mismatch);
	CHECK_INT(use(&p, ECHO_CLOSE, &h), mismatch);
	again = open_handle(&p, 0, 43);
	CHECK(memcmp(&h, &again, sizeof(h)) != 0);
	CHECK_INT(use(&p, ECHO_USE, &h), mismatch);
	CHECK_INT(use(&p, ECHO_USE, &again), 43);
	CHECK_INT(e.rundown_count, 0);
	peer_close(&p);
	CHECK_INT(e.rundown_count, 1);
	echo_done(&e);
}

TEST(a_handle_of_another_type_interface_client_or_server_is_a_mismatch)
{
	struct rpc_limits limits = rpc_limits_default();
	struct rpc_handle h, other, forged, null = { 0 };
	struct peer p, q, r;
	uint32_t group = 0, second = 0;
	struct echo e;

	CHECK_INT(echo_init(&e, &limits), 0);
	open_peer(&e, &p, &group);
	open_peer(&e, &q, &second);
	CHECK(group != second);
	h = open_handle(&p, 0, 1);
	other = open_handle(&p, 1, 2);

	CHECK_INT(use(&p, ECHO_USE, &other), mismatch);
	CHECK_INT(use(&p, ECHO_CLOSE, &other), mismatch);
	CHECK_INT(use(&p, ECHO_USE_ANY, &other), 1);
	CHECK_INT(use(&p, ECHO_USE_ANY, &h), 0);
	CHECK_INT(use(&p, ECHO_USE, &null), mismatch);
	CHECK_INT(use(&q, ECHO_USE, &h), mismatch);
	for (size_t i = 0; i < sizeof(h); i++) {
		forged = h;
		forged.bytes[i] ^= 0x10;
		CHECK_INT(use(&p, ECHO_USE, &forged), mismatch);
	}

	/* The same group, over the other interface. */
	CHECK_INT(peer_open(&r, e.server, &peer_reader), 0);
	CHECK_INT(peer_bind(&r, &echo_other_syntax, group), group);
	CHECK_INT(use(&r, ECHO_USE, &h), mismatch);

	CHECK_INT(use(&p, ECHO_USE, &h), 1);
	peer_close(&p);
	peer_close(&q);
	peer_close(&r);
	echo_done(&e);
}

TEST(handles_belong_to_the_group_and_end_with_its_last_connection)
{
	struct rpc_limits limits = rpc_limits_default();
	struct peer peers[3], late;
	struct rpc_handle h[3];
	uint32_t group = 0;
	struct echo e;

	CHECK_INT(echo_init(&e, &limits), 0);
	for (uint32_t i = 0; i < 3; i++)
		open_peer(&e, &peers[i], &group);
	for (uint32_t i = 0; i < 3; i++)
		h[i] = open_handle(&peers[i], 0, 100 + i);
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t j = 0; j < 3; j++)
			CHECK_INT(use(&peers[i], ECHO_USE, &h[j]), 100 + j);
	peer_close(&peers[0]);
	peer_close(&peers[2]);
	CHECK_INT(e.rundown_count, 0);
	for (uint32_t j = 0; j < 3; j++)
		CHECK_INT(use(&peers[1], ECHO_USE, &h[j]), 100 + j);
	peer_close(&peers[1]);
	CHECK_INT(e.rundown_count, 3);
	CHECK_INT(rpc_server_stats(e.server).handles, 0);

	/* The group is no more. */
	CHECK_INT(peer_open(&late, e.server, &peer_reader), 0);
	CHECK_INT(peer_bind(&late, &echo_syntax, group), 0);
	CHECK(peer_is_over(&late));
	peer_close(&late);
	echo_done(&e);
}

TEST(only_the_same_client_joins_a_group)
{
	struct rpc_limits limits = rpc_limits_default();
	struct rpc_identity remote = peer_reader, other = peer_reader;
	uint32_t group = 0;
	struct peer p, q;
	struct pdu pdu;
	struct echo e;

	CHECK_INT(echo_init(&e, &limits), 0);
	open_peer(&e, &p, &group);
	CHECK_INT(peer_open(&q, e.server, &peer_root), 0);
	peer_put_bind(&q, 0, &echo_syntax, group);
	peer_send(&q);
	CHECK(peer_next(&q, &pdu));
	CHECK_INT(pdu.header.type, PDU_BIND_NAK);
	CHECK_INT(pdu.nak_reason, NAK_UNSPECIFIED);
	CHECK(peer_is_over(&q));
	peer_close(&q);

	/* The same user, from a process with other rights. */
	other.access = RPC_ACCESS_ALL;
	CHECK_INT(peer_open(&q, e.server, &other), 0);
	CHECK_INT(peer_bind(&q, &echo_syntax, group), 0);
	peer_close(&q);

	remote.local = false;
	CHECK_INT(peer_open(&q, e.server, &remote), 0);
	CHECK_INT(peer_bind(&q, &echo_syntax, group), 0);
	peer_close(&q);
	peer_close(&p);
	echo_done(&e);
}

TEST(a_call_that_outlives_its_group_gets_no_handle)
{
	struct rpc_limits limits = rpc_limits_default();
	struct rpc_handle_type type = { "late", NULL };
	struct rpc_handle h = { 0 };
	uint32_t group = 0;
	struct echo e;
	struct peer p;

	CHECK_INT(echo_init(&e, &limits), 0);
	open_peer(&e, &p, &group);
	peer_request(&p, PDU_FIRST | PDU_LAST, 2, ECHO_WAIT, "late", 4);
	peer_close(&p);
	CHECK_INT(e.waiting_count, 1);
	CHECK_INT(e.cancel_count, 1);
	CHECK(e.waiting[0]->cancelled);
	CHECK_MEM(e.waiting[0]->stub.data, "late", 4);
	CHECK_INT(e.waiting[0]->identity->uid, peer_reader.uid);
	CHECK_INT(rpc_handle_new(e.waiting[0], &type, &e, 0, &h), ERR_RPC_S_CALL_FAILED);
	CHECK(rpc_handle_is_null(&h));
	CHECK_INT(rpc_server_stats(e.server).groups, 0);
	echo_done(&e);
}

TEST(all_handles_can_be_run_down_at_once)
{
	struct rpc_limits limits = rpc_limits_default();
	uint32_t group = 0, second = 0;
	struct rpc_handle h, g;
	struct peer p, q;
	struct echo e;

	CHECK_INT(echo_init(&e, &limits), 0);
	open_peer(&e, &p, &group);
	open_peer(&e, &q, &second);
	h = open_handle(&p, 0, 1);
	g = open_handle(&q, 0, 2);
	rpc_server_run_down(e.server);
	CHECK_INT(e.rundown_count, 2);
	CHECK_INT(use(&p, ECHO_USE, &h), mismatch);
	CHECK_INT(use(&q, ECHO_USE, &g), mismatch);
	h = open_handle(&p, 0, 3);
	CHECK_INT(use(&p, ECHO_USE, &h), 3);
	peer_close(&p);
	peer_close(&q);
	CHECK_INT(e.rundown_count, 3);
	echo_done(&e);
}

TEST(a_group_has_only_so_many_handles)
{
	struct rpc_limits limits = rpc_limits_default();
	uint32_t group = 0, second = 0;
	struct rpc_handle h[100];
	struct peer p, q;
	struct pdu pdu;
	struct echo e;

	limits.handles_per_group = ARRAY_SIZE(h);
	CHECK_INT(echo_init(&e, &limits), 0);
	open_peer(&e, &p, &group);
	open_peer(&e, &q, &second);
	for (uint32_t i = 0; i < ARRAY_SIZE(h); i++)
		h[i] = open_handle(&p, 0, i);
	CHECK(peer_call(&p, 9, ECHO_OPEN, "\0\0\0\0\0\0\0\0", 8, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK_INT(pdu.stub.status, 4);
	(void)open_handle(&q, 0, 1); /* Others are not concerned. */
	CHECK_INT(use(&p, ECHO_CLOSE, &h[50]), 0);
	h[50] = open_handle(&p, 0, 50);
	for (uint32_t i = 0; i < ARRAY_SIZE(h); i++)
		CHECK_INT(use(&p, ECHO_USE, &h[i]), i);
	peer_close(&p);
	peer_close(&q);
	CHECK_INT(e.rundown_count, ARRAY_SIZE(h) + 1);
	echo_done(&e);
}

/* Against a plain model: an array of what should be open. */
TEST(many_handles_opened_and_closed_in_any_order_stay_themselves)
{
	uint64_t rounds = test_rounds(20);

	for (uint64_t seed = test_seed; seed < test_seed + rounds; seed++) {
		struct rpc_limits limits = rpc_limits_default();
		struct rpc_handle h[64] = { 0 }, dead = { 0 };
		bool is_open[64] = { false };
		uint64_t state = seed;
		uint32_t group = 0;
		struct echo e;
		struct peer p;

		test_note_seed(seed);
		CHECK_INT(echo_init(&e, &limits), 0);
		open_peer(&e, &p, &group);
		for (uint32_t step = 0; step < 1000; step++) {
			uint32_t i;

			state = state * 6364136223846793005 + 1442695040888963407;
			i = (uint32_t)(state >> 40) % 64;
			if (is_open[i]) {
				CHECK_INT(use(&p, ECHO_USE, &h[i]), i);
				CHECK_INT(use(&p, ECHO_CLOSE, &h[i]), 0);
				dead = h[i];
			} else {
				h[i] = open_handle(&p, 0, i);
			}
			is_open[i] = !is_open[i];
			CHECK_INT(use(&p, ECHO_USE, &dead), mismatch);
		}
		peer_close(&p);
		echo_done(&e);
	}
}
