/* run: what runs and what is to run: states of nodes, groups and resources, and the calls that ask for other ones.
 *
 * How      a state is read from the replicated runtime state; a request is one command, which changes what is wanted.
 *          What follows from it is decided and done in the background (docs/design/groups.md): a request that has come
 *          true within a second is answered 0, or with what went wrong; else with ERROR_IO_PENDING, and goes on.
 * Not kept flags and input buffers of the Ex calls, but for a group's lock: unknown flags are refused, input is not looked at.
 * Threads  the loop thread.       Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/apply.h"
#include "cluster/runtime.h"
#include "ruedad/serve/object.h"
#include <string.h>

enum { NODE_UP = 0, NODE_DOWN = 1, NODE_PAUSED = 2 };

static const struct group_table *groups(struct serve_call *c)
{
	return cluster_groups(c->service->cluster);
}

static const struct interface_table *interfaces(struct serve_call *c)
{
	return &cluster_runtime(c->service->cluster)->interfaces;
}

/* States. */

static void get_node_state(struct serve_call *c)
{
	const struct clusapi_GetNodeState_in *in = c->in;
	struct clusapi_GetNodeState_out *out = c->out;
	struct object_in o;
	int r = object_in(c, &in->node, OBJECT_NODE, &o);

	if (r == 0) {
		uint32_t number = object_node_number(o.id);

		out->state = cluster_node_up(c->service->cluster, number) == 0 ? NODE_DOWN
			     : node_is_paused(groups(c), number)               ? NODE_PAUSED
									       : NODE_UP;
	}
	serve_finish(c, r);
}

static uint32_t group_owner(struct serve_call *c, const struct guid *id)
{
	const struct group_run *g = id != NULL ? group_run_find(groups(c), id) : NULL;

	return g != NULL ? g->owner : 0;
}

static void get_group_state(struct serve_call *c)
{
	const struct clusapi_GetGroupState_in *in = c->in;
	struct clusapi_GetGroupState_out *out = c->out;
	struct object_in o;
	struct guid id;
	int r = object_in(c, &in->group, OBJECT_GROUP, &o);

	out->node_name = u"";
	if (r == 0) {
		out->state = group_state_of(groups(c), serve_root(c), o.key);
		out->node_name = serve_node_name(c, group_owner(c, guid_parse(o.id, &id) ? &id : NULL));
		r = out->node_name == NULL ? -ENOMEM : 0;
	}
	serve_finish(c, r);
}

static void get_resource_state(struct serve_call *c)
{
	const struct clusapi_GetResourceState_in *in = c->in;
	struct clusapi_GetResourceState_out *out = c->out;
	struct object_in o;
	struct guid id, group_id;
	int r = object_in(c, &in->resource, OBJECT_RESOURCE, &o);

	out->node_name = u"";
	out->group_name = u"";
	if (r == 0 && guid_parse(o.id, &id)) {
		const struct db_key *group = group_of_resource(serve_root(c), &id, &group_id);

		out->state = resource_run_state(resource_run_find(groups(c), &id));
		out->node_name = serve_node_name(c, group_owner(c, group != NULL ? &group_id : NULL));
		out->group_name = serve_dup(c, group != NULL ? object_name(group, OBJECT_GROUP) : (struct u16){ 0 });
		r = out->node_name == NULL || out->group_name == NULL ? -ENOMEM : 0;
	}
	serve_finish(c, r);
}

static void get_network_state(struct serve_call *c)
{
	const struct clusapi_GetNetworkState_in *in = c->in;
	struct clusapi_GetNetworkState_out *out = c->out;
	struct object_in o;
	int r = object_in(c, &in->network, OBJECT_NETWORK, &o);

	if (r == 0)
		out->state = network_state_of(interfaces(c), serve_root(c), o.id);
	serve_finish(c, r);
}

static void get_interface_state(struct serve_call *c)
{
	const struct clusapi_GetNetInterfaceState_in *in = c->in;
	struct clusapi_GetNetInterfaceState_out *out = c->out;
	struct object_in o;
	int r = object_in(c, &in->net_interface, OBJECT_INTERFACE, &o);

	if (r == 0)
		out->state = interface_state_of(interfaces(c), o.key);
	serve_finish(c, r);
}

/* Requests.  All that a request is about comes from the handle; what it came to is looked at once it is applied. */

enum { WAIT_NS = 1000000000 };

static void stop_waiting(struct serve_call *c, int r)
{
	struct serve_call **at = &c->service->waiting;

	while (*at != c)
		at = &(*at)->next_waiting;
	*at = c->next_waiting;
	loop_timer_free(c->timer);
	serve_finish(c, r);
}

static void on_waited(void *data)
{
	stop_waiting(data, ERR_IO_PENDING);
}

static void on_gone(struct rpc_call *rpc)
{
	stop_waiting(rpc->user, ERR_IO_PENDING);
}

/* An answer that cannot be sent ends its connection, and with that others that wait: so the walk begins anew behind each. */
void serve_waiting_look(struct service *s)
{
	struct serve_call *c = s->waiting;

	while (c != NULL) {
		int r = c->outcome(c);

		if (r == ERR_IO_PENDING) {
			c = c->next_waiting;
		} else {
			stop_waiting(c, r);
			c = s->waiting;
		}
	}
}

void serve_waiting_end(struct service *s)
{
	while (s->waiting != NULL)
		stop_waiting(s->waiting, ERR_IO_PENDING);
}

/* The command is applied: the call's outcome, or SERVE_LATER if it waits for one. */
static int wait_for_outcome(struct serve_call *c, const struct cluster_result *result)
{
	int r = result->status != 0 ? ERR_FROM_WIN32(result->status) : c->outcome(c);

	if (r != ERR_IO_PENDING || c->service->state != SERVICE_UP || c->rpc->cancelled ||
	    loop_timer_new(c->service->loop, on_waited, c, &c->timer) < 0)
		return r;
	c->next_waiting = c->service->waiting;
	c->service->waiting = c;
	loop_timer_start(c->timer, WAIT_NS);
	c->rpc->user = c;
	rpc_call_on_cancel(c->rpc, on_gone);
	return SERVE_LATER;
}

static int resource_outcome(struct serve_call *c)
{
	const struct resource_run *run = resource_run_find(groups(c), &c->about);
	enum resource_state state = resource_run_state(run);

	if (state == RESOURCE_FAILED && c->wanted == RESOURCE_ONLINE && !run->stuck && run->wake != 0)
		return ERR_RESOURCE_FAILED;
	return state == (enum resource_state)c->wanted ? 0 : ERR_IO_PENDING;
}

static void request_resource(
    struct serve_call *c, const struct ndr_handle *handle, enum resource_verb verb, enum resource_state wanted)
{
	struct command command = { .kind = COMMAND_RESOURCE_REQUEST, .version = COMMAND_VERSION };
	struct object_in o;
	int r = object_to_change(c, handle, OBJECT_RESOURCE, &o);

	if (r == 0 && !guid_parse(o.id, &c->about))
		r = ERR_RESOURCE_NOT_AVAILABLE;
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	c->wanted = wanted;
	c->outcome = resource_outcome;
	c->applied = wanted != 0 ? wait_for_outcome : NULL;
	command.resource_request = (struct command_ResourceRequest){ c->about, verb, serve_now(c) };
	serve_propose(c, &command);
}

static int group_outcome(struct serve_call *c)
{
	const struct group_run *g = group_run_find(groups(c), &c->about);
	const struct db_key *group = group_key(serve_root(c), &c->about), *key;
	struct guid id;
	size_t at = 0;

	if (g != NULL && g->target != 0)
		return ERR_IO_PENDING;
	while (c->wanted != 0 && group != NULL && group_next(serve_root(c), group, &at, &id, &key))
		if (resource_run_state(resource_run_find(groups(c), &id)) != (enum resource_state)c->wanted &&
		    !object_is_quorum(serve_root(c), object_id(key)))
			return ERR_IO_PENDING;
	return 0;
}

static void request_group(struct serve_call *c, const struct ndr_handle *handle, enum group_verb verb, uint32_t node,
    enum resource_state wanted)
{
	struct command command = { .kind = COMMAND_GROUP_REQUEST, .version = COMMAND_VERSION };
	struct object_in o;
	int r = object_to_change(c, handle, OBJECT_GROUP, &o);

	if (r == 0 && !guid_parse(o.id, &c->about))
		r = ERR_GROUP_NOT_AVAILABLE;
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	c->wanted = wanted;
	c->outcome = group_outcome;
	c->applied = wait_for_outcome;
	command.group_request = (struct command_GroupRequest){ c->about, verb, node, serve_now(c) };
	serve_propose(c, &command);
}

enum { MOVE_IGNORE_LOCK = 0x1 };

/* node NULL: to the best one. */
static void request_move(
    struct serve_call *c, const struct ndr_handle *group, const struct ndr_handle *node, uint32_t flags)
{
	enum group_verb verb = flags & MOVE_IGNORE_LOCK ? GROUP_VERB_MOVE : GROUP_VERB_MOVE_UNLOCKED;
	struct object_in o;
	int r = node != NULL ? object_in(c, node, OBJECT_NODE, &o) : 0;

	if (r < 0)
		serve_finish(c, r);
	else
		request_group(c, group, verb, node != NULL ? object_node_number(o.id) : 0, 0);
}

/* A drain has begun, or there was nothing to move. */
static int drain_begun(struct serve_call *c, const struct cluster_result *result)
{
	if (result->status != 0)
		return ERR_FROM_WIN32(result->status);
	return node_is_draining(groups(c), c->wanted) ? ERR_IO_PENDING : 0;
}

static void request_node(struct serve_call *c, const struct ndr_handle *handle, struct command_NodeRequest request)
{
	struct command command = { .kind = COMMAND_NODE_REQUEST, .version = COMMAND_VERSION };
	struct object_in o;
	int r = object_to_change(c, handle, OBJECT_NODE, &o);

	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	request.node = c->wanted = object_node_number(o.id);
	request.time = serve_now(c);
	command.node_request = request;
	c->applied = request.flags & NODE_REQUEST_DRAIN ? drain_begun : NULL;
	serve_propose(c, &command);
}

/* What to do with a group that cannot leave: here it stays, and is tried again by who asks again. */
enum { PAUSE_FLAGS = 0x7 };

static void pause_node_ex(struct serve_call *c)
{
	const struct clusapi_PauseNodeEx_in *in = c->in;
	struct command_NodeRequest request = { .verb = NODE_VERB_PAUSE };

	if (in->drain_node != 0)
		request.flags = NODE_REQUEST_DRAIN | NODE_REQUEST_SPARE_LOCKED;
	if ((in->pause_flags & ~(uint32_t)PAUSE_FLAGS) != 0)
		serve_finish(c, ERR_INVALID_PARAMETER);
	else
		request_node(c, &in->node, request);
}

static void pause_node_with_drain_target(struct serve_call *c)
{
	const struct clusapi_PauseNodeWithDrainTarget_in *in = c->in;
	struct command_NodeRequest request = { .verb = NODE_VERB_PAUSE,
		.flags = NODE_REQUEST_DRAIN | NODE_REQUEST_SPARE_LOCKED };
	struct object_in target;
	int r = object_in(c, &in->node_drain_target, OBJECT_NODE, &target);

	if (r == 0 && (in->pause_flags & ~(uint32_t)PAUSE_FLAGS) != 0)
		r = ERR_INVALID_PARAMETER;
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	request.target = object_node_number(target.id);
	request_node(c, &in->node, request);
}

static void resume_node_ex(struct serve_call *c)
{
	const struct clusapi_ResumeNodeEx_in *in = c->in;

	if (in->resume_failback_type > NODE_FAILBACK_POLICY || in->resume_flags_reserved != 0)
		serve_finish(c, ERR_INVALID_PARAMETER);
	else
		request_node(c, &in->node,
		    (struct command_NodeRequest){ .verb = NODE_VERB_RESUME, .failback = in->resume_failback_type });
}

#define DEFINE_REQUEST(function, Method, call)                                                                         \
	static void function(struct serve_call *c)                                                                     \
	{                                                                                                              \
		const struct clusapi_##Method##_in *in = c->in;                                                        \
                                                                                                                       \
		call;                                                                                                  \
	}

/* The Ex forms: flags that say how to treat queues, affinity and errors, none of which there is here, and locks. */
enum {
	ONLINE_RESOURCE_FLAGS = 0x2f,
	OFFLINE_RESOURCE_FLAGS = 0x7,
	ONLINE_GROUP_FLAGS = 0xf,
	OFFLINE_GROUP_FLAGS = 0x1,
	MOVE_FLAGS = 0x3f,
};
#define DEFINE_REQUEST_EX(function, Method, flags, known, call)                                                        \
	DEFINE_REQUEST(                                                                                                \
	    function, Method, if ((in->flags & ~(uint32_t)(known)) != 0) serve_finish(c, ERR_INVALID_PARAMETER);       \
	    else call)

DEFINE_REQUEST(
    online_resource, OnlineResource, request_resource(c, &in->resource, RESOURCE_VERB_ONLINE, RESOURCE_ONLINE))
DEFINE_REQUEST(
    offline_resource, OfflineResource, request_resource(c, &in->resource, RESOURCE_VERB_OFFLINE, RESOURCE_OFFLINE))
DEFINE_REQUEST_EX(online_resource_ex, OnlineResourceEx, online_flags, ONLINE_RESOURCE_FLAGS,
    request_resource(c, &in->resource, RESOURCE_VERB_ONLINE, RESOURCE_ONLINE))
DEFINE_REQUEST_EX(offline_resource_ex, OfflineResourceEx, offline_flags, OFFLINE_RESOURCE_FLAGS,
    request_resource(c, &in->resource, RESOURCE_VERB_OFFLINE, RESOURCE_OFFLINE))
DEFINE_REQUEST(fail_resource, FailResource, request_resource(c, &in->resource, RESOURCE_VERB_FAIL, 0))
DEFINE_REQUEST_EX(
    restart_resource, RestartResource, flags, 0, request_resource(c, &in->resource, RESOURCE_VERB_RESTART, 0))

DEFINE_REQUEST(online_group, OnlineGroup, request_group(c, &in->group, GROUP_VERB_ONLINE, 0, RESOURCE_ONLINE))
DEFINE_REQUEST(offline_group, OfflineGroup, request_group(c, &in->group, GROUP_VERB_OFFLINE, 0, RESOURCE_OFFLINE))
DEFINE_REQUEST_EX(online_group_ex, OnlineGroupEx, online_flags, ONLINE_GROUP_FLAGS,
    request_group(c, &in->group, GROUP_VERB_ONLINE, 0, RESOURCE_ONLINE))
DEFINE_REQUEST_EX(offline_group_ex, OfflineGroupEx, offline_flags, OFFLINE_GROUP_FLAGS,
    request_group(c, &in->group, GROUP_VERB_OFFLINE, 0, RESOURCE_OFFLINE))
DEFINE_REQUEST(move_group, MoveGroup, request_move(c, &in->group, NULL, 0))
DEFINE_REQUEST(move_group_to_node, MoveGroupToNode, request_move(c, &in->group, &in->node, 0))
DEFINE_REQUEST_EX(move_group_ex, MoveGroupEx, move_flags, MOVE_FLAGS, request_move(c, &in->group, NULL, in->move_flags))
DEFINE_REQUEST_EX(move_group_to_node_ex, MoveGroupToNodeEx, move_flags, MOVE_FLAGS,
    request_move(c, &in->group, &in->node, in->move_flags))
DEFINE_REQUEST_EX(cancel_group_operation, CancelClusterGroupOperation, cancel_flags, 0,
    request_group(c, &in->group, GROUP_VERB_CANCEL, 0, 0))

DEFINE_REQUEST(
    pause_node, PauseNode, request_node(c, &in->node, (struct command_NodeRequest){ .verb = NODE_VERB_PAUSE }))
DEFINE_REQUEST(
    resume_node, ResumeNode, request_node(c, &in->node, (struct command_NodeRequest){ .verb = NODE_VERB_RESUME }))

serve_handler *serve_run_handler(unsigned number)
{
	// clang-format off
	switch (number) {
	case CLUSAPI_GET_NODE_STATE:		return get_node_state;
	case CLUSAPI_GET_GROUP_STATE:		return get_group_state;
	case CLUSAPI_GET_RESOURCE_STATE:	return get_resource_state;
	case CLUSAPI_GET_NETWORK_STATE:		return get_network_state;
	case CLUSAPI_GET_NET_INTERFACE_STATE:	return get_interface_state;
	case CLUSAPI_ONLINE_RESOURCE:		return online_resource;
	case CLUSAPI_ONLINE_RESOURCE_EX:	return online_resource_ex;
	case CLUSAPI_OFFLINE_RESOURCE:		return offline_resource;
	case CLUSAPI_OFFLINE_RESOURCE_EX:	return offline_resource_ex;
	case CLUSAPI_FAIL_RESOURCE:		return fail_resource;
	case CLUSAPI_RESTART_RESOURCE:		return restart_resource;
	case CLUSAPI_ONLINE_GROUP:		return online_group;
	case CLUSAPI_ONLINE_GROUP_EX:		return online_group_ex;
	case CLUSAPI_OFFLINE_GROUP:		return offline_group;
	case CLUSAPI_OFFLINE_GROUP_EX:		return offline_group_ex;
	case CLUSAPI_MOVE_GROUP:		return move_group;
	case CLUSAPI_MOVE_GROUP_EX:		return move_group_ex;
	case CLUSAPI_MOVE_GROUP_TO_NODE:	return move_group_to_node;
	case CLUSAPI_MOVE_GROUP_TO_NODE_EX:	return move_group_to_node_ex;
	case CLUSAPI_CANCEL_CLUSTER_GROUP_OPERATION:	return cancel_group_operation;
	case CLUSAPI_PAUSE_NODE:		return pause_node;
	case CLUSAPI_PAUSE_NODE_EX:		return pause_node_ex;
	case CLUSAPI_PAUSE_NODE_WITH_DRAIN_TARGET:	return pause_node_with_drain_target;
	case CLUSAPI_RESUME_NODE:		return resume_node;
	case CLUSAPI_RESUME_NODE_EX:		return resume_node_ex;
	default:				return NULL;
	}
	// clang-format on
}
