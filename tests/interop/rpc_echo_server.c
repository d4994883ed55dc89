/* rpc_echo_server: the echo interface on a unix socket, for clients that are not ours; RPC_ECHO_SOCKET says where.
 * Also an endpoint mapper and one method of MS-CMRP, as rpcclient can call nothing else; both on the same socket.
 * It says "ready" and ends with its input.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/dispatch.h"
#include "rpc/epmap.h"
#include "tests/lib/rpc_host.h"
#include "tests/lib/test.h"
#include "wire/clusapi.h"
#include <stdio.h>

static void get_cluster_name(struct rpc_call *call, void *data)
{
	struct clusapi_GetClusterName_out *out;
	struct rpc_request request;

	if (rpc_request_begin(call, &clusapi_interface, &request) < 0)
		return;
	if (call->opnum != CLUSAPI_GET_CLUSTER_NAME) {
		rpc_call_fault(call, FAULT_OP_RANGE);
		return;
	}
	out = request.out;
	out->cluster_name = u"INTEROP";
	out->node_name = u"node1";
	(void)rpc_request_reply(&request);
}

static void add_interfaces(struct rpc_server *s, const char *path)
{
	static struct rpc_interface clusapi = { .name = "clusapi", .dispatch = get_cluster_name };
	static struct rpc_endpoint endpoint;
	static struct rpc_epmap mapper;

	clusapi.syntax = endpoint.syntax = rpc_interface_syntax(&clusapi_interface, 3);
	endpoint.socket_name = strrchr(path, '/') + 1;
	rpc_epmap_init(&mapper, &endpoint, 1);
	CHECK_INT(rpc_server_add_interface(s, &clusapi), 0);
	CHECK_INT(rpc_server_add_interface(s, &mapper.interface), 0);
}

TEST(serve)
{
	struct rpc_limits limits = rpc_limits_default();
	const char *path = getenv("RPC_ECHO_SOCKET");
	struct host *h = calloc(1, sizeof(*h));

	CHECK(h != NULL && path != NULL);
	host_start(h, path, &limits);
	pthread_mutex_lock(&h->lock);
	add_interfaces(h->echo.server, path);
	pthread_mutex_unlock(&h->lock);
	puts("ready");
	while (getchar() != EOF) {
	}
	host_stop(h);
	free(h);
}
