/* serve: from bytes of a call to its handler and back.
 *
 * Why      every method needs the same things around it: may the caller do this, is there a cluster, are the arguments
 *          well-formed, what becomes of the answer.  A handler that had to remember them would forget one.
 * How      dispatch() decodes the arguments into the call's arena, checks access and state, and calls the handler, which
 *          fills in the answer and ends with serve_finish(), or hands a command to serve_propose(), which ends when the
 *          log has carried it out.  A method without a handler is answered with ERROR_CALL_NOT_IMPLEMENTED; a number
 *          that is no method, or stub bytes that break the description, with the faults that MS-CMRP asks for.
 *
 *             bytes ─► decode ─► access ─► state ─► handler ─┬─► serve_finish ─► bytes
 *                                                            └─► serve_propose ─► log ─► applied ─► serve_finish
 *
 *          The registry methods are also those of the interface for this node's own registry (wire/local.h), which needs
 *          no cluster; there serve_change_local() takes the place of serve_propose().
 *
 * Promise  a call is answered exactly once.  A changing call that is answered 0 is durable.
 * Threads  the loop thread.
 * Tests    tests/integration/library.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/serve.h"
#include "base/log.h"
#include "ruedad/localreg.h"
#include "ruedad/serve/access.h"
#include "wire/rueda.h"
#include <string.h>

/* Which calls are answered whatever the state of the service is. */
static bool works_always(const struct ndr_interface *interface, unsigned opnum)
{
	return interface == &rueda_interface ||
	       (interface == &clusapi_interface && (opnum == CLUSAPI_GET_CLUSTER_VERSION));
}

/* Our own interfaces are about this node, its registry, processes and files: what changes those takes the right by the node's rules,
 * which no descriptor gives.  A backup is the cluster's. */
static int check_access(const struct serve_call *c, const struct ndr_interface *interface)
{
	bool is_about_node = c->local || (interface == &rueda_interface && c->rpc->opnum != RUEDA_BACKUP);
	enum rpc_access has = is_about_node ? c->rpc->identity->rule : c->level;

	if (c->level == RPC_ACCESS_NONE || (c->local && has != RPC_ACCESS_ALL))
		return ERR_ACCESS_DENIED;
	if (c->request.method->access == 'A' || c->request.method->access == 'B')
		return has == RPC_ACCESS_ALL ? 0 : ERR_ACCESS_DENIED;
	return 0; /* Read, or what the handler makes of the request. */
}

int serve_state_error(const struct service *s)
{
	switch (s->state) {
	case SERVICE_UP:
		return replica_quorate(s->replica) ? 0 : ERR_SHARING_PAUSED;
	case SERVICE_NO_CLUSTER:
		return ERR_CLUSTER_NOT_INSTALLED;
	case SERVICE_STARTING:
	case SERVICE_CHANGING:
		return ERR_SHARING_PAUSED;
	case SERVICE_STOPPING:
		return ERR_CLUSTER_NODE_SHUTTING_DOWN;
	}
	return ERR_SHARING_PAUSED;
}

static serve_handler *find_handler(const struct ndr_interface *interface, unsigned opnum)
{
	static serve_handler *(*const handlers[])(unsigned number) = { serve_cluster_handler, serve_registry_handler,
		serve_object_handler, serve_run_handler, serve_relate_handler, serve_list_handler,
		serve_control_handler, serve_notify_handler, serve_batch_port_handler };
	serve_handler *handler;

	if (interface == &rueda_interface)
		return serve_rueda_handler(opnum);
	handler = NULL;
	for (size_t i = 0; handler == NULL && i < ARRAY_SIZE(handlers); i++)
		handler = handlers[i](opnum);
	return handler;
}

/* What there is besides the cluster: is it there, and not about to be closed? */
static int local_state_error(const struct service *s)
{
	if (s->local == NULL)
		return ERR_CALL_NOT_IMPLEMENTED;
	return s->state == SERVICE_STOPPING ? ERR_CLUSTER_NODE_SHUTTING_DOWN : 0;
}

static void dispatch(struct rpc_call *rpc, struct service *service, const struct ndr_interface *interface, bool local)
{
	struct rpc_request request;
	struct serve_call *c;
	serve_handler *handler;
	int r = rpc_request_begin(rpc, interface, &request);

	if (r < 0)
		return;
	c = arena_alloc(&rpc->arena, sizeof(*c));
	if (c == NULL) {
		rpc_call_fail(rpc, -ENOMEM);
		return;
	}
	*c = (struct serve_call){
		.service = service, .rpc = rpc, .request = request, .in = request.in, .out = request.out, .local = local
	};
	c->level = access_level(service, rpc->identity);
	r = check_access(c, interface);
	if (r == 0 && local)
		r = local_state_error(service);
	else if (r == 0 && !works_always(interface, rpc->opnum))
		r = serve_state_error(service);
	handler = local ? serve_registry_handler(rpc->opnum) : find_handler(interface, rpc->opnum);
	if (r == 0 && handler == NULL)
		r = ERR_CALL_NOT_IMPLEMENTED;
	if (r < 0)
		serve_finish(c, r);
	else
		handler(c);
}

const char16_t *serve_story(struct serve_call *c, const char *story)
{
	_cleanup_free_ char16_t *units = NULL;
	size_t len;

	if (utf8_to_u16(story, strlen(story), &units, &len) < 0)
		return NULL;
	return serve_dup(c, (struct u16){ units, len });
}

void serve_finish(struct serve_call *c, int r)
{
	const struct ndr_method *method = c->request.method;

	*ndr_status(method, c->out) = error_to_win32(r);
	trace("call %s: %s", method->name, error_text(r));
	r = rpc_request_reply(&c->request);
	if (r < 0)
		log_error("a call could not be answered method=%s error=\"%s\"", method->name, error_text(r));
}

/* Commands. */

static void on_applied(void *data, int status, const struct cluster_result *result)
{
	struct serve_call *c = data;
	int r = status;

	if (r == 0 && result->status != 0)
		r = ERR_FROM_WIN32(result->status);
	if (status == 0 && c->applied != NULL)
		r = c->applied(c, result);
	if (r != SERVE_LATER)
		serve_finish(c, r);
}

void serve_propose(struct serve_call *c, const struct command *command)
{
	struct buf bytes = { 0 };
	int r = ndr_message_push(&command_messages, command, &bytes);

	if (r == 0 && bytes.len > ENGINE_COMMAND_MAX)
		r = ERR_CLUSTERLOG_RECORD_EXCEEDS_MAXSIZE;
	if (r == 0)
		r = replica_propose(c->service->replica, bytes.data, bytes.len, on_applied, c);
	buf_done(&bytes);
	if (r < 0)
		serve_finish(c, r);
}

/* The registry of this node. */

struct local_change {
	struct serve_call *c;
	struct cluster_result result;
};

static void on_changed_local(void *data, int r)
{
	struct local_change *change = data;

	change->result.status = error_to_win32(r);
	on_applied(change->c, 0, &change->result);
}

void serve_change_local(struct serve_call *c, struct u16 key, const uint8_t *batch, size_t len, unsigned flags)
{
	struct local_change *change = arena_alloc_zero(serve_arena(c), sizeof(*change));
	struct localreg_result result;
	int r;

	if (change == NULL) {
		serve_finish(c, -ENOMEM);
		return;
	}
	change->c = c;
	r = localreg_execute(c->service->local, key, batch, len, flags, on_changed_local, change, &result);
	change->result.failed_command = result.failed_command;
	change->result.disposition = result.created ? 1 : 2;
	if (r < 0)
		on_changed_local(change, r);
}

uint64_t serve_now(const struct serve_call *c)
{
	return loop_wall_filetime(c->service->loop);
}

bool serve_may_change(const struct serve_call *c)
{
	return c->level == RPC_ACCESS_ALL;
}

/* Context handles: the NDR form and the runtime's are the same 20 bytes. */

static struct rpc_handle to_rpc(const struct ndr_handle *h)
{
	struct rpc_handle handle;

	put_le32(handle.bytes, h->attributes);
	memcpy(handle.bytes + 4, h->uuid.bytes, sizeof(h->uuid.bytes));
	return handle;
}

static void from_rpc(const struct rpc_handle *handle, struct ndr_handle *ret)
{
	ret->attributes = get_le32(handle->bytes);
	memcpy(ret->uuid.bytes, handle->bytes + 4, sizeof(ret->uuid.bytes));
}

int serve_handle_new(
    struct serve_call *c, const struct rpc_handle_type *type, void *object, uint32_t access, struct ndr_handle *ret)
{
	struct rpc_handle handle;
	int r = rpc_handle_new(c->rpc, type, object, access, &handle);

	if (r == 0)
		from_rpc(&handle, ret);
	return r;
}

int serve_handle_find(struct serve_call *c, const struct ndr_handle *handle, const struct rpc_handle_type *type,
    struct rpc_handle_value *ret)
{
	struct rpc_handle h = to_rpc(handle);

	return rpc_handle_find(c->rpc, &h, type, ret);
}

int serve_handle_close(
    struct serve_call *c, const struct ndr_handle *in, const struct rpc_handle_type *type, struct ndr_handle *out)
{
	struct rpc_handle h = to_rpc(in);
	struct rpc_handle_value value;
	int r = rpc_handle_close(c->rpc, &h, type, &value);

	if (r < 0) {
		*out = *in;
		return r;
	}
	if (value.type->rundown != NULL)
		value.type->rundown(value.object);
	*out = (struct ndr_handle){ 0 };
	return 0;
}

int serve_access(const struct serve_call *c, uint32_t desired, uint32_t *ret_access, uint32_t *ret_granted)
{
	enum {
		READ = 0x1,
		CHANGE = 0x2,
		GENERIC_READ_ONLY = 0x80000000u,
		GENERIC_REST = 0x70000000u, /* Write, execute, all. */
		MAXIMUM = 0x02000000u,
	};
	bool all;

	if (desired == 0 || (desired & ~(uint32_t)(READ | CHANGE | GENERIC_READ_ONLY | GENERIC_REST | MAXIMUM)) != 0)
		return ERR_INVALID_PARAMETER;
	if ((desired & (READ | CHANGE)) == CHANGE)
		return ERR_INVALID_PARAMETER; /* To change without reading is not on offer. */
	all = (desired & (CHANGE | GENERIC_REST)) != 0;
	if (desired & MAXIMUM)
		all = all || serve_may_change(c);
	if (all && !serve_may_change(c))
		return ERR_ACCESS_DENIED;
	*ret_access = all ? SERVE_ALL : SERVE_READ;
	*ret_granted = all ? 0x10000000u : 0x80000000u;
	return 0;
}

/* The interfaces. */

void serve_dispatch_clusapi(struct rpc_call *call, void *data)
{
	dispatch(call, data, &clusapi_interface, false);
}

void serve_dispatch_local(struct rpc_call *call, void *data)
{
	dispatch(call, data, &clusapi_interface, true);
}

void serve_dispatch_rueda(struct rpc_call *call, void *data)
{
	dispatch(call, data, &rueda_interface, false);
}
