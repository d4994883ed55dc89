/* parts: the state directory, the RPC server, the cluster service, and the socket by which clients come.
 *
 *     state disk ─► RPC server ─► service (the cluster of this node) ─► listeners: RUNDIR/cluster, TCP
 *
 * Why      the order matters: a client must never be accepted before there is something to serve it, and nothing that a
 *          call still uses may go before the call.
 * How      stopping goes back: the service first (calls that wait are answered, the log comes to its end, a last
 *          checkpoint is written), then the listener with its connections, then the rest.
 * Promise  on failure parts_start() leaves nothing behind.
 * Threads  the loop's.      Tests  tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/parts.h"
#include "base/fd.h"
#include "base/log.h"
#include "io/linux/disk.h"
#include "io/linux/links.h"
#include "io/linux/loop.h"
#include "rpc/epmap.h"
#include "rpc/server.h"
#include "ruedad/agents/file_watch.h"
#include "ruedad/agents/runner_guard.h"
#include "ruedad/agents/sources.h"
#include "ruedad/instance.h"
#include "ruedad/localreg.h"
#include "ruedad/serve/access.h"
#include "ruedad/serve/listen.h"
#include "ruedad/serve/logins.h"
#include "ruedad/serve/serve.h"
#include "ruedad/service.h"
#include "wire/local.h"
#include "wire/rueda.h"
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

#ifdef RUEDA_PLAIN_TCP
/* A build for benchmarks, which nobody should install: whoever connects may do everything. */
enum { LEAST_LEVEL = 0 };
#define PLAIN " WITHOUT ANY SECURITY: this is a test build"
#else
enum { LEAST_LEVEL = RPC_LEVEL_PRIVACY };
#define PLAIN ""
#endif

struct parts {
	const struct parts_context *context;
	struct rpc_server *rpc;
	struct rpc_interface clusapi_v2, clusapi_v3, rueda, local;
	struct rpc_endpoint endpoints[4]; /* Two on the local socket, two on TCP once there is a port. */
	struct rpc_epmap mapper;
	struct logins logins;
	struct throttle throttle;
	struct listener *listeners[1 + 2 * SOCKETS_ADDRESSES_MAX];
	unsigned listener_count;
	struct service service;
	struct file_watches *watches;
	struct error why; /* The listener could not be started. */
	loop_callback *stopped;
	void *stopped_data;
};

static void fill_random(void *data, void *bytes, size_t len)
{
	loop_random(data, bytes, len);
}

static struct rpc_interface make_interface(struct parts *p, const struct ndr_interface *interface, unsigned version,
    bool local_only, void (*dispatch)(struct rpc_call *call, void *data))
{
	return (struct rpc_interface){ .name = interface->name,
		.syntax = rpc_interface_syntax(interface, version),
		.local_only = local_only,
		.least_level = LEAST_LEVEL,
		.dispatch = dispatch,
		.data = &p->service };
}

static struct rpc_endpoint make_endpoint(const struct rpc_interface *interface, const char *socket_name)
{
	return (struct rpc_endpoint){
		.syntax = interface->syntax, .socket_name = socket_name, .annotation = "Microsoft Cluster Server API"
	};
}

static int start_rpc(struct parts *p)
{
	struct rpc_limits limits = rpc_limits_default();
	int r;

	limits.connections = (size_t)p->context->config->connections;
	limits.handles_per_group = limits.handles_per_client = (size_t)p->context->config->handles;
	limits.request_max = (size_t)p->context->config->request_size;
	limits.connections_per_address = (size_t)p->context->config->connections_per_address;
	limits.login_ns = p->context->config->login_seconds * UINT64_C(1000000000);
	r = rpc_server_new(&limits, fill_random, p->context->loop, &p->rpc);
	if (r < 0)
		return r;
	rpc_server_set_admission(p->rpc, access_admit, &p->service);
	p->clusapi_v2 = make_interface(p, &clusapi_interface, 2, false, serve_dispatch_clusapi);
	p->clusapi_v3 = make_interface(p, &clusapi_interface, 3, false, serve_dispatch_clusapi);
	p->rueda = make_interface(p, &rueda_interface, 1, true, serve_dispatch_rueda);
	p->local = make_interface(p, &clusapi_interface, 3, true, serve_dispatch_local);
	p->local.name = "local registry";
	p->local.syntax.uuid = local_registry_uuid;
	p->endpoints[0] = make_endpoint(&p->clusapi_v3, INSTANCE_SOCKET);
	p->endpoints[1] = make_endpoint(&p->clusapi_v2, INSTANCE_SOCKET);
	p->endpoints[2] = make_endpoint(&p->clusapi_v3, NULL);
	p->endpoints[3] = make_endpoint(&p->clusapi_v2, NULL);
	rpc_epmap_init(&p->mapper, p->endpoints, ARRAY_SIZE(p->endpoints));
	r = rpc_server_add_provider(p->rpc, &rpc_security_ncalrpc);
	if (r == 0)
		r = rpc_server_add_interface(p->rpc, &p->mapper.interface);
	if (r == 0)
		r = rpc_server_add_interface(p->rpc, &p->clusapi_v2);
	if (r == 0)
		r = rpc_server_add_interface(p->rpc, &p->clusapi_v3);
	if (r == 0)
		r = rpc_server_add_interface(p->rpc, &p->rueda);
	if (r == 0)
		r = rpc_server_add_interface(p->rpc, &p->local);
	return r;
}

/* The network: the sockets that this process was given. */
static int start_tcp(struct parts *p, struct error *error)
{
	struct sockets *sockets = p->context->sockets;
	uint16_t port = 0;
	int r = 0;

	if (sockets->services == 0)
		return 0;
	r = sockets_port(sockets->fds[0], &port);
	if (r < 0)
		return error_set_code(error, r, "cannot use the sockets for the network");
	r = logins_start(&p->logins, p->context->config, p->context->loop, p->rpc, error);
	if (r < 0)
		return r;
	p->endpoints[2].port = p->endpoints[3].port = port;
	for (unsigned i = 0; r == 0 && i < sockets->services + sockets->mappers; i++) {
		struct listen_tcp_config config = {
			.fd = sockets->fds[i], .anonymous_door = i >= sockets->services, .throttle = &p->throttle
		};

		sockets->fds[i] = -1;
		r = listener_new_tcp(
		    loop_linux_uv(p->context->loop), p->rpc, &config, error, &p->listeners[p->listener_count]);
		p->listener_count += r == 0;
	}
	if (r == 0)
		log_notice("clients are served over the network port=%u mapper=%s%s", port,
		    sockets->mappers > 0 ? "yes" : "no", PLAIN);
	return r;
}

/* Root and the daemon's own user may do all; the group of the configuration, where it exists, may read. */
static int start_listener(struct parts *p, struct error *error)
{
	const struct config *config = p->context->config;
	const struct group *group = getgrnam(config->group);
	char path[4096];
	struct listen_config listen = { .path = path, .owner_uid = getuid() };
	int r;

	if (group != NULL) {
		listen.has_reader_group = true;
		listen.reader_group = group->gr_gid;
	}
	(void)snprintf(path, sizeof(path), "%s/" INSTANCE_SOCKET, config->run_directory);
	r = listener_new(loop_linux_uv(p->context->loop), p->rpc, &listen, error, &p->listeners[0]);
	if (r < 0)
		return r;
	p->listener_count = 1;
	return start_tcp(p, error);
}

static void parts_free(struct parts *p)
{
	service_done(&p->service);
	runner_guard_free(p->service.runner);
	links_free(p->service.links);
	rpc_server_free(p->rpc);
	logins_done(&p->logins);
	sources_free(p->service.sources);
	file_watches_free(p->watches);
	localreg_free(p->service.local);
	disk_free(p->service.disk);
	free(p);
}

static void on_logins_stopped(void *data)
{
	struct parts *p = data;
	loop_callback *stopped = p->stopped;
	void *stopped_data = p->stopped_data;

	parts_free(p);
	stopped(stopped_data);
}

static void on_listener_closed(void *data)
{
	struct parts *p = data;

	if (p->listener_count > 1) {
		p->listener_count--;
		return;
	}
	logins_stop(&p->logins, on_logins_stopped, p);
}

static void on_registry_stopped(void *data)
{
	struct parts *p = data;
	unsigned count = p->listener_count;

	if (count == 0)
		on_listener_closed(p);
	/* They go later, on the loop. */
	for (unsigned i = 0; i < count; i++)
		listener_close(p->listeners[i], on_listener_closed, p);
}

static void on_sources_stopped(void *data)
{
	struct parts *p = data;

	localreg_stop(p->service.local, on_registry_stopped, p);
}

static void on_service_stopped(void *data)
{
	struct parts *p = data;

	sources_stop(p->service.sources, on_sources_stopped, p);
}

static void tell_failed(void *data)
{
	struct parts *p = data;

	p->context->failed(p->context->data, &p->why);
}

static void on_guard_lost(void *data)
{
	struct parts *p = data;

	(void)error_set(&p->why, -EPIPE, "without the guard, resources cannot be run");
	tell_failed(p);
}

static int open_directory(void *priv, const struct priv_open *what, struct priv_directory *ret, struct error *error)
{
	return priv_open(priv, what, ret, error);
}

static int work_on_files(void *priv, const struct priv_tree *what, struct error *error)
{
	return priv_tree(priv, what, error);
}

static int watch_files(
    void *watches, const char *path, loop_callback *changed, void *data, void **ret, struct error *error)
{
	struct file_watch *watch;
	int r = file_watch_new(watches, path, changed, data, &watch, error);

	if (r == 0)
		*ret = watch;
	return r;
}

static void unwatch_files(void *watch)
{
	file_watch_free(watch);
}

static int open_watcher(void *priv, priv_watching *opened, void *data)
{
	return priv_watch_async(priv, opened, data);
}

/* The registry of this node, and what checkpoints are taken of. */
static int start_sources(struct parts *p, struct error *error)
{
	const struct config *config = p->context->config;
	struct sources_config sources = { .loop = p->context->loop,
		.tree = work_on_files,
		.priv = p->context->priv,
		.watch = watch_files,
		.unwatch = unwatch_files,
		.file_seconds = (unsigned)config->checkpoint_seconds,
		.hive_max = (size_t)config->checkpoint_size };
	struct file_watches_config watches = { .loop = p->context->loop,
		.uv = loop_linux_uv(p->context->loop),
		.roots = config->checkpoint_roots,
		.open = open_watcher,
		.priv = p->context->priv };
	int r = localreg_open(p->context->loop, p->service.disk, &p->service.local, error);

	if (r < 0)
		return r;
	r = file_watches_new(&watches, &p->watches);
	if (r < 0)
		return error_set_code(error, r, "cannot start");
	sources.watches = p->watches;
	sources.registry = p->service.local;
	r = sources_new(&sources, &p->service.sources);
	return r < 0 ? error_set_code(error, r, "cannot start") : 0;
}

/* Of the machine, as the kernel tells it.  If it does not, this start counts as a boot of its own: then what was in use before
 * is taken for what a machine that has gone down left (ruedad/marks.h). */
static struct guid read_boot(struct loop *loop)
{
	_cleanup_fd_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char16_t units[GUID_TEXT_LEN];
	char text[GUID_TEXT_LEN];
	struct guid boot;
	uint8_t random[16];

	if (fd >= 0 && read(fd, text, sizeof(text)) == (ssize_t)sizeof(text)) {
		for (size_t i = 0; i < sizeof(text); i++)
			units[i] = (unsigned char)text[i];
		if (guid_parse((struct u16){ units, GUID_TEXT_LEN }, &boot))
			return boot;
	}
	loop_random(loop, random, sizeof(random));
	return guid_from_random(random);
}

int parts_start(const struct parts_context *context, struct parts **ret, struct error *error)
{
	struct parts *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return error_set_code(error, -ENOMEM, "cannot start");
	p->context = context;
	p->service.loop = context->loop;
	p->service.config = context->config;
	p->service.open_directory = open_directory;
	p->service.priv = context->priv;
	p->service.boot = read_boot(context->loop);
	p->service.recover = context->recover;
	p->service.failed = context->failed;
	p->service.data = context->data;
	r = disk_linux_open(context->config->state_directory, &p->service.disk);
	if (r < 0) {
		(void)error_set_code(error, r, "cannot open the state directory %s", context->config->state_directory);
		free(p);
		return r;
	}
	r = start_rpc(p);
	if (r < 0) {
		(void)error_set_code(error, r, "cannot start the RPC server");
		parts_free(p);
		return r;
	}
	p->service.rpc = p->rpc;
	r = start_sources(p, error);
	if (r < 0) {
		parts_free(p);
		return r;
	}
	r = runner_guard_new(loop_linux_uv(context->loop), context->guard, on_guard_lost, p, &p->service.runner);
	if (r < 0) {
		(void)error_set_code(error, r, "cannot use the socket to the guard");
		parts_free(p);
		return r;
	}
	r = links_linux_new(loop_linux_uv(context->loop), &p->service.links);
	if (r < 0) {
		(void)error_set_code(error, r, "cannot listen to what the kernel says of network links");
		parts_free(p);
		return r;
	}
	r = service_start(&p->service, error);
	if (r < 0) {
		parts_free(p);
		return r;
	}
	/* The log is being replayed by now, so what fails from here on is told later, and the parts are stopped. */
	r = start_listener(p, &p->why);
	if (r < 0 && loop_post(context->loop, tell_failed, p) < 0)
		abort();
	*ret = p;
	return 0;
}

void parts_stop(struct parts *p, loop_callback *stopped, void *data)
{
	p->stopped = stopped;
	p->stopped_data = data;
	service_stop(&p->service, on_service_stopped, p);
}
