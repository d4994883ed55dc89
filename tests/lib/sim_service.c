/* sim_service: see sim_service.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sim_service.h"
#include "priv/client.h"
#include "rpc/call.h"
#include "rpc/dispatch.h"
#include "ruedad/agents/sources.h"
#include "ruedad/localreg.h"
#include "ruedad/serve/serve.h"
#include "tests/lib/sim_files.h"
#include "tests/lib/test.h"
#include "wire/rueda.h"

enum { SEGMENT_SIZE = 64 << 10, YIELD_PERCENT = 10, YIELD_NS_MAX = 2000000 };

static void on_disk_call(void *data)
{
	struct sim_service *s = data;

	if (s->running && !sim_service_is_dead(s) && rng_chance(&s->rng, YIELD_PERCENT))
		sim_loop_yield(s->world, rng_below(&s->rng, YIELD_NS_MAX));
}

static void no_problem(void *data, const char *text)
{
	test_fail(__FILE__, __LINE__, "%s", text);
}

void sim_service_init(struct sim_service *s, uint64_t seed, const char *config)
{
	struct disk *root;

	*s = (struct sim_service){ .boot = { { 1 } } };
	rng_init(&s->rng, seed);
	CHECK_INT(sim_loop_new(seed, &s->world), 0);
	CHECK_INT(sim_disk_new(seed + 1, &s->state), 0);
	CHECK_INT(sim_disk_new(seed + 2, &s->sets), 0);
	CHECK_INT(config_parse("/sim", "node1", config, strlen(config), no_problem, NULL, &s->config), 0);
	sim_disk_on_call(s->state, on_disk_call, s);
	sim_disk_on_call(s->sets, on_disk_call, s);
	CHECK_INT(sim_disk_open(s->sets, "", &root), 0);
	CHECK_INT(disk_make_directory(root, "a", 0700), 0);
	CHECK_INT(disk_make_directory(root, "b", 0700), 0);
	CHECK_INT(disk_sync_directory(root, ""), 0);
	disk_free(root);
}

void sim_service_done(struct sim_service *s)
{
	CHECK(!s->running);
	config_done(&s->config);
	sim_disk_free(s->state);
	sim_disk_free(s->sets);
	sim_loop_free(s->world);
}

static bool is_refused(struct sim_service *s)
{
	return ++s->asked == s->refuse;
}

/* What priv does in a process of its own, with the caller's rights. */
static int open_directory(void *data, const struct priv_open *what, struct priv_directory *ret, struct error *error)
{
	struct sim_service *s = data;
	const char *name = what->path + strlen("/sets/");
	int r;

	CHECK(strncmp(what->path, "/sets/", strlen("/sets/")) == 0);
	CHECK_INT(what->uid, peer_root.uid);
	if (is_refused(s))
		return error_set(error, ERR_TIMEOUT, "%s does not answer", what->path);
	if (s->open_ns > 0)
		sim_loop_yield(s->world, s->open_ns);
	*ret = (struct priv_directory){ .owner = what->uid, .mode = 0700 };
	r = sim_disk_open(s->sets, name, &ret->disk);
	if (r < 0)
		return error_set_code(error, r == -ENOENT ? ERR_PATH_NOT_FOUND : r, "cannot open %s", what->path);
	s->opened++;
	return 0;
}

static void on_failed(void *data, const struct error *error)
{
	struct sim_service *s = data;

	s->failed = true;
	s->why = *error;
}

static void on_stopped(void *data)
{
	((struct sim_service *)data)->stopped = true;
}

static void fill_random(void *data, void *bytes, size_t len)
{
	loop_random(data, bytes, len);
}

static void dispatch(struct rpc_call *call, void *data)
{
	struct sim_service *s = data;

	s->sending->call = call;
	if (s->handling != NULL)
		s->handling(true);
	if (call->interface == &s->interfaces[2])
		serve_dispatch_rueda(call, &s->service);
	else
		serve_dispatch_clusapi(call, &s->service);
	if (s->handling != NULL)
		s->handling(false);
}

static void start_rpc(struct sim_service *s)
{
	static const unsigned versions[] = { 2, 3, 1 };
	struct rpc_limits limits = rpc_limits_default();

	CHECK_INT(rpc_server_new(&limits, fill_random, s->loop, &s->rpc), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(versions); i++) {
		const struct ndr_interface *of = i == 2 ? &rueda_interface : &clusapi_interface;

		s->interfaces[i] = (struct rpc_interface){ .name = of->name,
			.syntax = rpc_interface_syntax(of, versions[i]),
			.local_only = true,
			.dispatch = dispatch,
			.data = s };
		CHECK_INT(rpc_server_add_interface(s->rpc, &s->interfaces[i]), 0);
	}
}

static int work_on_files(void *data, const struct priv_tree *what, struct error *error)
{
	struct sim_service *s = data;

	if (is_refused(s))
		return error_set(error, ERR_TIMEOUT, "%s does not answer", what->path);
	return s->tree != NULL ? s->tree(s, what, error)
			       : error_set(error, ERR_NOT_SUPPORTED, "there are no files here");
}

/* The registry of this node, and what checkpoints are taken of. */
static int start_sources(struct sim_service *s, struct error *error)
{
	struct sources_config config = { .loop = s->loop, .tree = work_on_files, .priv = s, .hive_max = 1 << 20 };
	int r = localreg_open(s->loop, s->service.disk, &s->service.local, error);

	if (r < 0)
		return r;
	config.registry = s->service.local;
	if (s->files != NULL) {
		config.watch = sim_files_watch;
		config.unwatch = sim_files_unwatch;
		config.watches = s->files;
	}
	r = sources_new(&config, &s->service.sources);
	return r < 0 ? error_set_code(error, r, "cannot take checkpoints") : 0;
}

int sim_service_up(struct sim_service *s, struct error *error)
{
	int r;

	CHECK(!s->running);
	s->failed = s->stopped = false;
	CHECK_INT(sim_loop_add(s->world, &s->loop), 0);
	start_rpc(s);
	s->service = (struct service){ .loop = s->loop,
		.config = &s->config,
		.rpc = s->rpc,
		.open_directory = open_directory,
		.priv = s,
		.runner = s->runner,
		.boot = s->boot,
		.segment_size = SEGMENT_SIZE,
		.failed = on_failed,
		.data = s };
	CHECK_INT(sim_disk_open(s->state, "", &s->service.disk), 0);
	s->running = true;
	if (s->handling != NULL)
		s->handling(true);
	r = start_sources(s, error);
	if (r == 0)
		r = service_start(&s->service, error);
	if (s->handling != NULL)
		s->handling(false);
	return r;
}

bool sim_service_is_dead(const struct sim_service *s)
{
	return sim_disk_is_stopped(s->state) || sim_disk_is_stopped(s->sets);
}

void sim_service_stop(struct sim_service *s)
{
	service_stop(&s->service, on_stopped, s);
}

void sim_service_down(struct sim_service *s, enum sim_disk_stop how)
{
	CHECK(s->running);
	sim_loop_halt(s->loop);
	s->running = false;
	service_done(&s->service);
	for (size_t i = 0; i < ARRAY_SIZE(s->callers); i++)
		if (s->callers[i] != NULL)
			sim_caller_disconnect(s->callers[i]);
	rpc_server_free(s->rpc);
	sources_free(s->service.sources);
	localreg_free(s->service.local);
	disk_free(s->service.disk);
	sim_loop_free(s->loop);
	s->boot.bytes[1] = (uint8_t)(s->boot.bytes[1] + (how == SIM_DISK_POWER_CUT));
	sim_disk_stop(s->state, how);
	sim_disk_stop(s->sets, how);
	sim_disk_restart(s->state);
	sim_disk_restart(s->sets);
}

struct disk *sim_service_look(struct sim_service *s, const char *name)
{
	struct disk *disk;

	sim_disk_set_quiet(s->sets, true);
	CHECK_INT(sim_disk_open(s->sets, name, &disk), 0);
	return disk;
}

void sim_service_looked(struct sim_service *s, struct disk *disk)
{
	disk_free(disk);
	sim_disk_set_quiet(s->sets, false);
}

/* Callers. */

void sim_caller_connect(
    struct sim_caller *c, struct sim_service *s, const struct ndr_interface *interface, unsigned version)
{
	struct pdu_syntax syntax = rpc_interface_syntax(interface, version);
	struct pdu ack;
	size_t i = 0;

	CHECK(c->service == NULL);
	*c = (struct sim_caller){ .service = s, .interface = interface, .version = version };
	CHECK_INT(peer_open(&c->peer, s->rpc, &peer_root), 0);
	peer_put_bind(&c->peer, PDU_MULTIPLEX, &syntax, 0);
	peer_send(&c->peer);
	CHECK(peer_next(&c->peer, &ack) && ack.header.type == PDU_BIND_ACK);
	CHECK_INT(ack.ack.results[0].result, PDU_ACCEPTED);
	while (s->callers[i] != NULL)
		i++;
	s->callers[i] = c;
}

void sim_caller_disconnect(struct sim_caller *c)
{
	struct rpc_call *call = NULL;
	struct pdu pdu;
	size_t calls;

	/* One that waits for its caller's end is told by the end of the connection. */
	if (c->waiting && !peer_next(&c->peer, &pdu)) {
		call = c->call;
		if (call->on_cancel == NULL) {
			rpc_call_fail(call, -EIO);
			call = NULL;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(c->service->callers); i++)
		if (c->service->callers[i] == c)
			c->service->callers[i] = NULL;
	calls = rpc_server_stats(c->service->rpc).calls;
	peer_close(&c->peer);
	/* What should have answered after being told has died with its process. */
	if (call != NULL && !c->service->running && rpc_server_stats(c->service->rpc).calls == calls)
		rpc_call_fail(call, -EIO);
	arena_done(&c->arena);
	*c = (struct sim_caller){ 0 };
}

void sim_caller_send(struct sim_caller *c, unsigned opnum, const void *in)
{
	const struct ndr_method *method = ndr_method(c->interface, c->version, opnum);
	struct buf stub = { 0 };

	CHECK(method != NULL && !c->waiting);
	CHECK_INT(ndr_push(method->in, c->version, in, &stub), 0);
	c->waiting = true;
	c->opnum = (uint16_t)opnum;
	c->service->sending = c;
	peer_request(&c->peer, PDU_FIRST | PDU_LAST, ++c->call_id, c->opnum, stub.data, stub.len);
	CHECK(!peer_is_over(&c->peer));
	buf_done(&stub);
}

bool sim_caller_answer(struct sim_caller *c, void *out, uint32_t *ret_status)
{
	const struct ndr_method *method = ndr_method(c->interface, c->version, c->opnum);
	struct pdu pdu;

	CHECK(c->waiting);
	if (!peer_next(&c->peer, &pdu))
		return false;
	c->waiting = false;
	c->call = NULL;
	CHECK_INT(pdu.header.call_id, c->call_id);
	arena_done(&c->arena);
	c->arena = (struct arena){ 0 };
	memset(out, 0, method->out->size);
	if (pdu.header.type == PDU_FAULT) {
		*ret_status = pdu.stub.status;
	} else {
		CHECK_INT(pdu.header.type, PDU_RESPONSE);
		CHECK_INT(ndr_pull(method->out, c->version, pdu.stub.data, pdu.stub.len, &c->arena, out), 0);
		*ret_status = *ndr_status(method, out);
	}
	/* What has been seen is not kept: a run has thousands of answers. */
	buf_done(&c->peer.received);
	c->peer.received = (struct buf){ 0 };
	c->peer.seen = 0;
	return true;
}
