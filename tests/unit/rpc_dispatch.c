/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/dispatch.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_host.h"
#include "tests/lib/rpc_peer.h"
#include "wire/clusapi.h"
#include <stdio.h>

enum { WHOLE = PDU_FIRST | PDU_LAST };

static struct rpc_interface v2, v3;
static int begun, replied;

/* As much of a cluster as these tests need. */
static void dispatch(struct rpc_call *call, void *data)
{
	struct rpc_request request;

	begun = rpc_request_begin(call, &clusapi_interface, &request);
	if (begun < 0)
		return;
	switch (call->opnum) {
	case CLUSAPI_GET_CLUSTER_NAME: {
		struct clusapi_GetClusterName_out *out = request.out;

		out->cluster_name = u"CLUSTER";
		out->node_name = u"node1";
		break;
	}
	case CLUSAPI_BACKUP_CLUSTER_DATABASE: {
		const struct clusapi_BackupClusterDatabase_in *in = request.in;
		struct clusapi_BackupClusterDatabase_out *out = request.out;

		out->status = request.version == 3 ? 120 : (uint32_t)u16_from_z(in->path_name).len;
		break;
	}
	case CLUSAPI_QUERY_VALUE: {
		struct clusapi_QueryValue_out *out = request.out;

		out->required = out->data_size; /* As the request said. */
		break;
	}
	case CLUSAPI_CLUSTER_CONTROL: {
		struct clusapi_ClusterControl_out *out = request.out;

		out->bytes_returned = out->out_buffer_size + 1; /* It breaks the description. */
		break;
	}
	}
	replied = rpc_request_reply(&request);
}

static void add_interfaces(struct echo *e)
{
	v2 = (struct rpc_interface){
		.name = "clusapi", .syntax = rpc_interface_syntax(&clusapi_interface, 2), .dispatch = dispatch
	};
	v3 = v2;
	v3.syntax = rpc_interface_syntax(&clusapi_interface, 3);
	CHECK_INT(rpc_server_add_interface(e->server, &v2), 0);
	CHECK_INT(rpc_server_add_interface(e->server, &v3), 0);
}

static struct host *start(void)
{
	struct rpc_limits limits = rpc_limits_default();
	struct host *h = calloc(1, sizeof(*h));
	char path[108];

	CHECK(h != NULL);
	(void)snprintf(path, sizeof(path), "%s/socket", test_directory());
	host_start(h, path, &limits);
	pthread_mutex_lock(&h->lock);
	add_interfaces(&h->echo);
	pthread_mutex_unlock(&h->lock);
	return h;
}

static struct rpc_client *client(const struct host *h, unsigned version)
{
	struct rpc_client_config config = { .path = h->path,
		.interface = rpc_interface_syntax(&clusapi_interface, version) };
	struct rpc_client *c;

	CHECK_INT(rpc_client_new(&config, &c), 0);
	return c;
}

TEST(a_method_goes_there_and_back)
{
	struct host *h = start();
	struct rpc_client *c = client(h, 3);
	struct clusapi_GetClusterName_in in = { 0 };
	struct clusapi_GetClusterName_out out = { .status = 99 };
	struct arena arena = { 0 };
	struct rpc_invocation i = {
		.interface = &clusapi_interface,
		.version = 3,
		.number = CLUSAPI_GET_CLUSTER_NAME,
		.in = &in,
		.out = &out,
		.arena = &arena,
	};

	CHECK_INT(rpc_client_invoke(c, &i), 0);
	CHECK_INT(out.status, 0);
	CHECK(u16_equal_exact(u16_from_z(out.cluster_name), U16("CLUSTER")));
	CHECK(u16_equal_exact(u16_from_z(out.node_name), U16("node1")));
	arena_done(&arena);
	rpc_client_free(c);
	host_stop(h);
	free(h);
}

TEST(the_version_of_the_interface_reaches_the_handler)
{
	struct host *h = start();

	for (unsigned version = 2; version <= 3; version++) {
		struct rpc_client *c = client(h, version);
		struct clusapi_BackupClusterDatabase_in in = { .path_name = u"/backup" };
		struct clusapi_BackupClusterDatabase_out out = { 0 };
		struct arena arena = { 0 };
		struct rpc_invocation i = {
			.interface = &clusapi_interface,
			.version = version,
			.number = CLUSAPI_BACKUP_CLUSTER_DATABASE,
			.in = &in,
			.out = &out,
			.arena = &arena,
		};

		CHECK_INT(rpc_client_invoke(c, &i), 0);
		CHECK_INT(out.status, version == 3 ? 120 : 7);
		arena_done(&arena);
		rpc_client_free(c);
	}
	host_stop(h);
	free(h);
}

TEST(an_array_comes_back_as_long_as_the_request_said)
{
	struct host *h = start();
	struct rpc_client *c = client(h, 3);
	struct clusapi_QueryValue_in in = { .key = { .attributes = 1 }, .value_name = u"x", .data_size = 1000 };
	struct clusapi_QueryValue_out out = { 0 };
	struct arena arena = { 0 };
	struct rpc_invocation i = {
		.interface = &clusapi_interface,
		.version = 3,
		.number = CLUSAPI_QUERY_VALUE,
		.in = &in,
		.out = &out,
		.arena = &arena,
	};

	CHECK_INT(rpc_client_invoke(c, &i), 0);
	CHECK_INT(out.required, 1000);
	CHECK_INT(out.data_size, 1000);
	CHECK_INT(out.data[999], 0);
	arena_done(&arena);
	rpc_client_free(c);
	host_stop(h);
	free(h);
}

TEST(a_client_is_told_what_it_got_wrong_before_anything_is_sent)
{
	struct host *h = start();
	struct rpc_client *c = client(h, 3);
	struct clusapi_BackupClusterDatabase_in in = { .path_name = NULL };
	struct clusapi_BackupClusterDatabase_out out = { 0 };
	struct arena arena = { 0 };
	struct rpc_invocation i = {
		.interface = &clusapi_interface,
		.version = 3,
		.number = CLUSAPI_BACKUP_CLUSTER_DATABASE,
		.in = &in,
		.out = &out,
		.arena = &arena,
	};

	CHECK_INT(rpc_client_invoke(c, &i), -EINVAL);
	i.number = 999;
	CHECK_INT(rpc_client_invoke(c, &i), ERR_RPC_S_PROCNUM_OUT_OF_RANGE);
	pthread_mutex_lock(&h->lock);
	CHECK_INT(h->accepted, 0);
	pthread_mutex_unlock(&h->lock);
	rpc_client_free(c);
	host_stop(h);
	free(h);
}

/* Raw bytes, one connection. */

static void setup(struct echo *e, struct peer *p)
{
	struct rpc_limits limits = rpc_limits_default();

	CHECK_INT(echo_init(e, &limits), 0);
	add_interfaces(e);
	CHECK_INT(peer_open(p, e->server, &peer_root), 0);
	CHECK(peer_bind(p, &v3.syntax, 0) != 0);
}

static void check_fault(struct peer *p, uint16_t opnum, const void *stub, size_t len, uint32_t status, bool did_nothing)
{
	struct pdu pdu;

	CHECK(peer_call(p, 2, opnum, stub, len, &pdu));
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK_INT(pdu.stub.status, status);
	CHECK_INT(!!(pdu.header.flags & PDU_DID_NOT_EXECUTE), did_nothing);
	CHECK(!peer_is_over(p));
}

TEST(faults_are_those_that_the_protocol_asks_for)
{
	/* "a" without its terminator; the counts say two. */
	static const uint8_t unterminated[] = { 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 'b', 0 };
	struct echo e;
	struct peer p;

	setup(&e, &p);
	check_fault(&p, 5000, "", 0, FAULT_OP_RANGE, true);
	CHECK_INT(begun, ERR_RPC_S_PROCNUM_OUT_OF_RANGE);
	check_fault(&p, 140, "", 0, FAULT_OP_RANGE, true); /* Not used on the wire. */
	check_fault(&p, CLUSAPI_BACKUP_CLUSTER_DATABASE, "", 0, FAULT_BAD_STUB, false);
	CHECK_INT(begun, ERR_RPC_X_BAD_STUB_DATA);
	check_fault(&p, CLUSAPI_BACKUP_CLUSTER_DATABASE, unterminated, sizeof(unterminated), FAULT_BAD_STUB, false);
	peer_close(&p);
	echo_done(&e);
}

TEST(an_answer_that_breaks_its_description_is_a_fault_and_is_told)
{
	const struct ndr_method *method = ndr_method(&clusapi_interface, 3, CLUSAPI_CLUSTER_CONTROL);
	struct clusapi_ClusterControl_in in = { .out_buffer_size = 8 };
	struct buf stub = { 0 };
	struct pdu pdu;
	struct echo e;
	struct peer p;

	setup(&e, &p);
	CHECK_INT(ndr_push(method->in, 3, &in, &stub), 0);
	CHECK(peer_call(&p, 2, CLUSAPI_CLUSTER_CONTROL, stub.data, stub.len, &pdu));
	buf_done(&stub);
	CHECK_INT(begun, 0);
	CHECK_INT(replied, -EINVAL);
	CHECK_INT(pdu.header.type, PDU_FAULT);
	CHECK_INT(pdu.stub.status, 87);
	peer_close(&p);
	echo_done(&e);
}

TEST(each_failed_allocation_becomes_a_fault_or_the_end)
{
	FAIL_EACH_ALLOCATION
	{
		struct rpc_limits limits = rpc_limits_default();
		struct echo e;
		struct peer p;

		if (echo_init(&e, &limits) == 0) {
			(void)rpc_server_add_interface(e.server, &v3);
			if (peer_open(&p, e.server, &peer_root) == 0) {
				if (peer_bind(&p, &v3.syntax, 0) != 0)
					peer_request(&p, WHOLE, 2, CLUSAPI_GET_CLUSTER_NAME, "", 0);
				peer_close(&p);
			}
			CHECK_INT(rpc_server_stats(e.server).memory, 0);
			echo_done(&e);
		}
	}
}
