/* rpc_echo_server: the echo interface on a unix socket, for clients that are not ours; RPC_ECHO_SOCKET says where.
 * It says "ready" and ends with its input.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rpc_host.h"
#include "tests/lib/test.h"
#include <stdio.h>

TEST(serve)
{
	struct rpc_limits limits = rpc_limits_default();
	const char *path = getenv("RPC_ECHO_SOCKET");
	struct host *h = calloc(1, sizeof(*h));

	CHECK(h != NULL && path != NULL);
	host_start(h, path, &limits);
	puts("ready");
	while (getchar() != EOF) {
	}
	host_stop(h);
	free(h);
}
