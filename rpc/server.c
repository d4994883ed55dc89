/* server: what all connections of one RPC server share: the interfaces, the limits, the count of everything.
 *
 * Why      MS-CMRP, our own interface and the endpoint mapper are the same protocol over different transports, so one
 *          runtime carries them all, and one set of limits protects the daemon from all clients together.
 * How      a pure machine: bytes in through rpc_connection_input(), bytes out through rpc_connection_take_output(),
 *          time through rpc_connection_tick().  No sockets, clock, chance or threads of its own: the daemon drives it from
 *          libuv, the simulator from its network, the fuzzer from a file.
 *
 *             transport ──bytes──► connection ──► presentation context ──► interface.dispatch(call)
 *                                      │                                          │ now or later
 *                                      └── association group ── handles           ▼
 *             transport ◄─bytes── fragments, security ◄─────────────── rpc_call_reply() or _fault()
 *
 *          connection.c  bytes to PDUs, output, time-outs      bind.c     interfaces and security are agreed upon
 *          request.c     fragments to calls                    call.c     replies, faults, cancels
 *          association.c groups of connections                 context.c  handles
 *          account.c     what each client uses
 *          security.c    signatures and trailers               pdu.c      the layout of it all
 *
 * Promise  Whatever bytes come in: no crash, no unbounded memory, no call that was not wholly received, protected and
 *          allowed.  Each dispatched call is completed once or told that nobody waits.
 * Threads  one (the loop's).     Limits  struct rpc_limits.
 * Source   C706 chapters 9-12, MS-RPCE     Tests  tests/unit/rpc_server.c, rpc_hostile.c, tests/fuzz/pdu.c
 * Design   docs/design/rpc.md
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/server_private.h"

struct rpc_limits rpc_limits_default(void)
{
	return (struct rpc_limits){
		.connections = 512,
		.connections_per_identity = 128,
		.connections_per_address = 128,
		.calls_per_connection = 16,
		.handles_per_group = 16384,
		.handles_per_client = 65536,
		.request_max = 4 << 20,
		.reply_max = 16 << 20,
		.output_max = 64 << 20,
		.memory = 256 << 20,
		.memory_per_client = 64 << 20,
		.arena = 32 << 20,
		.fragment_max = 5840,
		.fragment_max_local = 65528,
		.stall_ns = UINT64_C(60000000000),
		.login_ns = UINT64_C(20000000000),
	};
}

int rpc_server_new(const struct rpc_limits *limits, void (*fill_random)(void *data, void *bytes, size_t len),
    void *random_data, struct rpc_server **ret)
{
	struct rpc_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	assert(limits->fragment_max >= PDU_FRAGMENT_LEAST && limits->fragment_max_local >= PDU_FRAGMENT_LEAST);
	assert(limits->handles_per_group < UINT32_MAX);
	s->limits = *limits;
	fill_random(random_data, &s->nonce, sizeof(s->nonce));
	*ret = s;
	return 0;
}

void rpc_server_free(struct rpc_server *s)
{
	if (s == NULL)
		return;
	assert(s->connections == NULL);
	assert(s->accounts == NULL);
	assert(s->stats.calls == 0);
	assert(s->stats.memory == 0);
	free(s);
}

int rpc_server_add_interface(struct rpc_server *s, const struct rpc_interface *interface)
{
	if (s->interface_count == RPC_INTERFACES_MAX)
		return -ENOSPC;
	s->interfaces[s->interface_count++] = interface;
	return 0;
}

int rpc_server_add_provider(struct rpc_server *s, const struct rpc_security_provider *provider)
{
	if (s->provider_count == RPC_PROVIDERS_MAX)
		return -ENOSPC;
	s->providers[s->provider_count++] = provider;
	return 0;
}

void rpc_server_set_admission(struct rpc_server *s, int (*admit)(void *data, struct rpc_identity *identity), void *data)
{
	s->admit = admit;
	s->admit_data = data;
}

int rpc_server_admit(struct rpc_server *s, struct rpc_identity *identity)
{
	identity->rule = identity->access;
	return s->admit != NULL ? s->admit(s->admit_data, identity) : 0;
}

void rpc_server_run_down(struct rpc_server *s)
{
	for (struct rpc_association *a = s->associations; a != NULL; a = a->next)
		rpc_association_run_down(a);
}

struct rpc_server_stats rpc_server_stats(const struct rpc_server *s)
{
	return s->stats;
}
