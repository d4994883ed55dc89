/* control: control codes of all kinds of objects (opnums 72-79, 88, 89, 97, 98, 105, 106).
 *
 * How      every method comes to control() with the kind of object, its handle, and for every second method the node
 *          that is asked to carry it out.  A table says which kinds a code is for and which function makes its answer;
 *          what is not there is no function of this server (1), also the codes that only resources understand.
 *
 *             code: object 31-24 | global 23 | modify 22 | user 21 | internal 20 | function 19-2 | access 1-0
 *
 * Sizes    an answer that does not fit is 234 with the size needed in "required" and nothing returned.
 * Access   a code with the modify bit needs access All, of the caller and of the handle; the others reading.
 * Changes  properties are set by one command (PropertiesSet); validating makes the same checks and no command.  A
 *          checkpoint is added once what it is made of has been captured (agents/capture.c).
 * Rules    cmrp.md of the public protocol, sections 10 and 16; docs/design/properties.md lists the codes.
 * Threads  the loop thread.       Tests  tests/integration/properties.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cluster/checkpoint/checkpoint.h"
#include "cluster/group/state.h"
#include "cluster/object/edit.h"
#include "cluster/object/property.h"
#include "ruedad/agents/capture.h"
#include "ruedad/serve/control.h"
#include "ruedad/serve/object.h"
#include "ruedad/serve/private.h"
#include "wire/proplist.h"
#include <string.h>

enum { PENDING = 1 }; /* What a function gives that has proposed a command. */

/* The answers of all methods are alike. */
#define ANSWER(Method) struct clusapi_##Method##_out
#define SAME(Method, member) (offsetof(ANSWER(Method), member) == offsetof(ANSWER(ClusterControl), member))
#define ALIKE(Method)                                                                                                  \
	(sizeof(ANSWER(Method)) == sizeof(ANSWER(ClusterControl)) && SAME(Method, out_buffer) &&                       \
	    SAME(Method, required) && SAME(Method, out_buffer_size))
static_assert(ALIKE(NodeControl) && ALIKE(GroupControl) && ALIKE(ResourceControl) && ALIKE(ResourceTypeControl) &&
		  ALIKE(NetworkControl) && ALIKE(NetInterfaceControl) && ALIKE(NodeClusterControl) &&
		  ALIKE(NodeNodeControl) && ALIKE(NodeGroupControl) && ALIKE(NodeResourceControl) &&
		  ALIKE(NodeResourceTypeControl) && ALIKE(NodeNetworkControl) && ALIKE(NodeNetInterfaceControl),
    "the answers of the methods are alike");

/* The functions that need more than the object; the others: control_facts.c.  Each appends its answer to out, and gives 0,
 * PENDING or an error. */

static const struct db_key *root_of(struct control_call *call)
{
	return serve_root(call->serve);
}

/* Properties. */

static int list_properties(struct control_call *call, enum property_choice choice)
{
	struct property_source source = serve_property_source(call->serve);

	property_list(&call->object, choice, &source, &call->out);
	return 0;
}

static int get_common(struct control_call *call)
{
	return list_properties(call, PROPERTY_COMMON);
}

static int get_read_only_common(struct control_call *call)
{
	return list_properties(call, PROPERTY_COMMON_READ_ONLY);
}

static int get_private(struct control_call *call)
{
	return list_properties(call, PROPERTY_PRIVATE);
}

static int get_no_properties(struct control_call *call)
{
	proplist_begin(&call->out);
	proplist_end(&call->out);
	return 0;
}

static int enum_common(struct control_call *call)
{
	property_names(&call->object, false, &call->out);
	return 0;
}

static int enum_private(struct control_call *call)
{
	return private_names(&call->object, &call->out);
}

static int get_common_formats(struct control_call *call)
{
	property_formats(&call->object, false, &call->out);
	return 0;
}

static int get_private_formats(struct control_call *call)
{
	return private_formats(&call->object, &call->out);
}

static int get_common_resource_formats(struct control_call *call)
{
	property_common_formats(PROPERTY_RESOURCE, &call->out);
	return 0;
}

static int get_private_resource_formats(struct control_call *call)
{
	return private_formats_of_type(&call->object, &call->out);
}

static int validate_common(struct control_call *call)
{
	return property_check(root_of(call), &call->object, false, call->in, call->in_len);
}

static int validate_private(struct control_call *call)
{
	struct error error = { 0 };
	int r = property_check(root_of(call), &call->object, true, call->in, call->in_len);

	if (r == 0)
		r = private_check(&call->object, call->in, call->in_len, &error);
	if (r < 0 && error.code != 0)
		log_info("private properties are refused: %s", error.text);
	return r;
}

/* A private property takes effect when the resource is next brought online: that is said if it runs now. */
static int stored(struct serve_call *c, const struct cluster_result *result)
{
	const struct control_call *call = c->data;
	const struct group_table *runs = cluster_groups(c->service->cluster);
	struct guid id;

	if (result->status != 0)
		return ERR_FROM_WIN32(result->status);
	return call->private && call->object.kind == PROPERTY_RESOURCE && result->batch.len > 0 &&
		       guid_parse(call->object.id, &id) && resource_is_active(resource_run_find(runs, &id)) ?
		   ERR_RESOURCE_PROPERTIES_STORED :
		   0;
}

static int set_properties(struct control_call *call, bool private)
{
	struct command command = { .kind = COMMAND_PROPERTIES_SET, .version = COMMAND_VERSION };
	const char16_t *id = serve_dup(call->serve, call->object.id);

	if (id == NULL)
		return -ENOMEM;
	call->private = private;
	call->object.id = u16_from_z(id); /* The handle may be closed by then, and the object deleted. */
	call->serve->data = call;
	call->serve->applied = stored;
	command.properties_set = (struct command_PropertiesSet){ .kind = call->object.kind,
		.id = id,
		.is_private = private,
		.list = call->in,
		.list_size = (uint32_t)call->in_len,
		.time = serve_now(call->serve) };
	serve_propose(call->serve, &command);
	return PENDING;
}

static int set_common(struct control_call *call)
{
	return set_properties(call, false);
}

static int set_private(struct control_call *call)
{
	int r = validate_private(call);

	return r < 0 ? r : set_properties(call, true);
}

/* Checkpoints: outside state that belongs to a resource. */

static int list_checkpoints(struct control_call *call, enum checkpoint_kind kind)
{
	struct checkpoint checkpoint;

	for (size_t at = 0; checkpoint_next(call->object.key, &at, &checkpoint);)
		if (checkpoint.kind == kind)
			control_add_text(&call->out, checkpoint.path);
	buf_u16(&call->out, 0);
	return 0;
}

static int get_registry_checkpoints(struct control_call *call)
{
	return list_checkpoints(call, CHECKPOINT_REGISTRY);
}

static int get_crypto_checkpoints(struct control_call *call)
{
	return list_checkpoints(call, CHECKPOINT_CRYPTO);
}

/* The path that the client sent, up to its terminator, in the arena. */
static int path_in(struct control_call *call, const char16_t **ret)
{
	char16_t *path;
	size_t len = 0;

	while (2 * len + 1 < call->in_len && get_le16(call->in + 2 * len) != 0)
		len++;
	if (2 * len + 1 >= call->in_len)
		return ERR_INVALID_PARAMETER; /* It has no end. */
	path = arena_alloc(serve_arena(call->serve), (len + 1) * sizeof(*path));
	if (path == NULL)
		return -ENOMEM;
	for (size_t i = 0; i <= len; i++)
		path[i] = get_le16(call->in + 2 * i);
	*ret = path;
	return 0;
}

static void on_checkpoint_added(void *data, int r, const struct error *error)
{
	serve_finish(data, r);
}

static int add_checkpoint(struct control_call *call, enum checkpoint_kind kind, enum checkpoint_view view)
{
	struct capture_source source = { kind, view, { 0 } };
	const char16_t *path;
	struct guid id;
	int r = path_in(call, &path);

	if (r == 0 && !guid_parse(object_id(call->object.key), &id))
		r = ERR_RESOURCE_NOT_FOUND;
	if (r < 0)
		return r;
	source.path = u16_from_z(path);
	r = capture_add(call->serve->service, &id, &source, on_checkpoint_added, call->serve);
	return r < 0 ? r : PENDING;
}

static int add_registry_checkpoint(struct control_call *call)
{
	return add_checkpoint(call, CHECKPOINT_REGISTRY, CHECKPOINT_NATIVE);
}

static int add_registry_checkpoint_64(struct control_call *call)
{
	return add_checkpoint(call, CHECKPOINT_REGISTRY, CHECKPOINT_64BIT);
}

static int add_registry_checkpoint_32(struct control_call *call)
{
	return add_checkpoint(call, CHECKPOINT_REGISTRY, CHECKPOINT_32BIT);
}

static int add_crypto_checkpoint(struct control_call *call)
{
	return add_checkpoint(call, CHECKPOINT_CRYPTO, CHECKPOINT_NATIVE);
}

/* What its buffer holds is published nowhere. */
static int add_crypto_checkpoint_ex(struct control_call *call)
{
	(void)call;
	return ERR_NOT_SUPPORTED;
}

static int delete_checkpoint(struct control_call *call, enum checkpoint_kind kind)
{
	struct command command = { .kind = COMMAND_CHECKPOINT_DELETE, .version = COMMAND_VERSION };
	const char16_t *path;
	struct guid id;
	int r = path_in(call, &path);

	if (r == 0 && !guid_parse(object_id(call->object.key), &id))
		r = ERR_RESOURCE_NOT_FOUND;
	if (r < 0)
		return r;
	command.checkpoint_delete = (struct command_CheckpointDelete){
		.resource = id, .checkpoint_kind = kind, .path = path, .time = serve_now(call->serve)
	};
	serve_propose(call->serve, &command);
	return PENDING;
}

static int delete_registry_checkpoint(struct control_call *call)
{
	return delete_checkpoint(call, CHECKPOINT_REGISTRY);
}

static int delete_crypto_checkpoint(struct control_call *call)
{
	return delete_checkpoint(call, CHECKPOINT_CRYPTO);
}

/* The table. */

#define OBJECT_BYTE_SHIFT 24
#define FUNCTION_BITS 0xffffffu
#define MODIFY_BIT 0x400000u

enum {
	N = 1 << PROPERTY_NODE,
	G = 1 << PROPERTY_GROUP,
	R = 1 << PROPERTY_RESOURCE,
	T = 1 << PROPERTY_TYPE,
	W = 1 << PROPERTY_NETWORK,
	I = 1 << PROPERTY_INTERFACE,
	C = 1 << PROPERTY_CLUSTER,
	ALL = N | G | R | T | W | I | C,
};

static const uint8_t object_bytes[] = {
	[PROPERTY_NODE] = 4,
	[PROPERTY_GROUP] = 3,
	[PROPERTY_RESOURCE] = 1,
	[PROPERTY_TYPE] = 2,
	[PROPERTY_NETWORK] = 5,
	[PROPERTY_INTERFACE] = 6,
	[PROPERTY_CLUSTER] = 7,
};

// clang-format off
static const struct control {
	uint32_t code; /* Without its object byte. */
	uint32_t kinds;
	int (*run)(struct control_call *call);
} controls[] = {
	{ 0x000000, ALL,		control_get_nothing },			/* UNKNOWN */
	{ 0x000005, ALL & ~C,		control_get_characteristics },		/* GET_CHARACTERISTICS */
	{ 0x000009, ALL & ~C,		control_get_flags },			/* GET_FLAGS */
	{ 0x00000d, R | T,		control_get_class_info },		/* GET_CLASS_INFO */
	{ 0x000011, R | T,		control_get_required_dependencies },	/* GET_REQUIRED_DEPENDENCIES */
	{ 0x000019, R,			control_get_resource_failure_info },	/* GET_FAILURE_INFO */
	{ 0x000019, G,			control_get_group_failure_info },	/* GET_FAILURE_INFO */
	{ 0x000029, R | G | N | W | I,	control_get_name },			/* GET_NAME */
	{ 0x00002d, R,			control_get_resource_type },		/* GET_RESOURCE_TYPE */
	{ 0x000031, I,			control_get_node },			/* GET_NODE */
	{ 0x000035, I,			control_get_network },			/* GET_NETWORK */
	{ 0x000039, R | G | N | W | I,	control_get_id },			/* GET_ID */
	{ 0x00003d, C,			control_get_fqdn },			/* GET_FQDN */
	{ 0x000045, C,			control_check_voter_evict },		/* CHECK_VOTER_EVICT */
	{ 0x000049, C,			control_check_voter_down },		/* CHECK_VOTER_DOWN */
	{ 0x000051, ALL,		enum_common },			/* ENUM_COMMON_PROPERTIES */
	{ 0x000055, ALL,		get_read_only_common },		/* GET_RO_COMMON_PROPERTIES */
	{ 0x000059, ALL,		get_common },			/* GET_COMMON_PROPERTIES */
	{ 0x40005e, ALL,		set_common },			/* SET_COMMON_PROPERTIES */
	{ 0x000061, ALL,		validate_common },		/* VALIDATE_COMMON_PROPERTIES */
	{ 0x000065, ALL,		get_common_formats },		/* GET_COMMON_PROPERTY_FMTS */
	{ 0x000069, T,			get_common_resource_formats },	/* GET_COMMON_RESOURCE_PROPERTY_FMTS */
	{ 0x000079, ALL,		enum_private },			/* ENUM_PRIVATE_PROPERTIES */
	{ 0x00007d, ALL,		get_no_properties },		/* GET_RO_PRIVATE_PROPERTIES */
	{ 0x000081, ALL,		get_private },			/* GET_PRIVATE_PROPERTIES */
	{ 0x400086, ALL,		set_private },			/* SET_PRIVATE_PROPERTIES */
	{ 0x000089, ALL,		validate_private },		/* VALIDATE_PRIVATE_PROPERTIES */
	{ 0x00008d, ALL,		get_private_formats },		/* GET_PRIVATE_PROPERTY_FMTS */
	{ 0x000091, T,			get_private_resource_formats },	/* GET_PRIVATE_RESOURCE_PROPERTY_FMTS */
	{ 0x4000a2, R,			add_registry_checkpoint },	/* ADD_REGISTRY_CHECKPOINT */
	{ 0x4000a6, R,			delete_registry_checkpoint },	/* DELETE_REGISTRY_CHECKPOINT */
	{ 0x0000a9, R,			get_registry_checkpoints },	/* GET_REGISTRY_CHECKPOINTS */
	{ 0x4000ae, R,			add_crypto_checkpoint },	/* ADD_CRYPTO_CHECKPOINT */
	{ 0x4000b2, R,			delete_crypto_checkpoint },	/* DELETE_CRYPTO_CHECKPOINT */
	{ 0x0000b5, R,			get_crypto_checkpoints },	/* GET_CRYPTO_CHECKPOINTS */
	{ 0x4000be, R,			add_registry_checkpoint_64 },	/* ADD_REGISTRY_CHECKPOINT_64BIT */
	{ 0x4000c2, R,			add_registry_checkpoint_32 },	/* ADD_REGISTRY_CHECKPOINT_32BIT */
	{ 0x4002d6, R,			add_crypto_checkpoint_ex },	/* ADD_CRYPTO_CHECKPOINT_EX */
	{ 0x000169, R,			control_get_network_name },	/* GET_NETWORK_NAME */
	{ 0x0001b9, R | T | G,		control_query_delete },			/* QUERY_DELETE */
	{ 0x4002ae, R,			control_get_nothing },		/* RW_MODIFY_NOOP */
	{ 0x0002b1, R,			control_is_quorum_blocked },	/* IS_QUORUM_BLOCKED */
	{ 0x0002d9, G,			control_get_last_move_time },		/* GET_LAST_MOVE_TIME */
	{ 0x002d5d, R,			control_get_state_change_time },	/* GET_STATE_CHANGE_TIME */
	{ 0x002ddd, C,			control_enum_affinity_rules },	/* ENUM_AFFINITY_RULE_NAMES */
	{ 0x402de6, C,			control_force_flush },			/* FORCE_FLUSH_DB */
};
// clang-format on

static const struct control *find_control(enum property_kind kind, uint32_t code)
{
	if (code >> OBJECT_BYTE_SHIFT != object_bytes[kind])
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		if (controls[i].code == (code & FUNCTION_BITS) && (controls[i].kinds & 1u << kind))
			return &controls[i];
	return NULL;
}

/* One call. */

static int answer(struct serve_call *c, const struct buf *out)
{
	struct clusapi_ClusterControl_out *ret = c->out; /* Of whichever method. */

	if (out->error != 0)
		return out->error;
	if (out->len > ret->out_buffer_size) {
		ret->required = (uint32_t)out->len;
		return ERR_MORE_DATA;
	}
	ret->out_buffer = arena_dup(serve_arena(c), out->data, out->len);
	if (ret->out_buffer == NULL)
		return -ENOMEM;
	ret->bytes_returned = (uint32_t)out->len;
	return 0;
}

/* Who is asked: a handle, and for resource types a name with a handle of the cluster. */
static int find_object(
    struct control_call *call, enum property_kind kind, const struct ndr_handle *handle, const char16_t *type_name)
{
	struct serve_call *c = call->serve;
	struct object_in object;
	int r;

	if (kind == PROPERTY_CLUSTER || kind == PROPERTY_TYPE) {
		r = serve_cluster_in(c, handle, &call->access);
		return r < 0 ? r : property_object_find(serve_root(c), kind, u16_from_z(type_name), &call->object);
	}
	r = object_in(c, handle, (enum object_kind)kind, &object);
	if (r < 0)
		return r;
	call->access = object.access;
	call->object = (struct property_object){ kind, object.id, object.key };
	return 0;
}

/* What these functions tell is the same on every node that is up: this one. */
static int check_host(struct serve_call *c, const struct ndr_handle *host)
{
	struct object_in node;
	int r = object_in(c, host, OBJECT_NODE, &node);

	if (r < 0)
		return r;
	return u16_equal(object_name(node.key, OBJECT_NODE), service_node_name(c->service)) ? 0 : ERR_CLUSTER_NODE_DOWN;
}

struct control_request {
	enum property_kind kind;
	const struct ndr_handle *handle, *host; /* host NULL: whoever answers. */
	const char16_t *type_name;
	uint32_t code;
	const uint8_t *in;
	size_t in_len;
};

static int control(struct serve_call *c, const struct control_request *request, struct control_call *call)
{
	const struct control *control;
	int r;

	*call = (struct control_call){ .serve = c, .in = request->in, .in_len = request->in_len };
	r = find_object(call, request->kind, request->handle, request->type_name);
	if (r == 0 && request->host != NULL)
		r = check_host(c, request->host);
	if (r < 0)
		return r;
	control = find_control(request->kind, request->code);
	if (control == NULL)
		return ERR_INVALID_FUNCTION;
	if ((control->code & MODIFY_BIT) && !(serve_may_change(c) && call->access == SERVE_ALL))
		return ERR_ACCESS_DENIED;
	r = control->run(call);
	return r == 0 ? answer(c, &call->out) : r;
}

static void run(struct serve_call *c, const struct control_request *request)
{
	struct control_call *call = arena_alloc_zero(serve_arena(c), sizeof(*call));
	int r = call == NULL ? -ENOMEM : control(c, request, call);

	if (r == PENDING)
		return;
	if (call != NULL)
		buf_done(&call->out);
	serve_finish(c, r);
}

/* The methods: on the node that answers, and on one that is named. */
#define DEFINE_CONTROL(function, Method, which, member, node_member, name)                                             \
	static void function(struct serve_call *c)                                                                     \
	{                                                                                                              \
		const struct clusapi_##Method##_in *in = c->in;                                                        \
                                                                                                                       \
		run(c, &(struct control_request){                                                                      \
			   which, &in->member, NULL, name, in->control_code, in->in_buffer, in->in_buffer_size });     \
	}                                                                                                              \
	static void function##_on_node(struct serve_call *c)                                                           \
	{                                                                                                              \
		const struct clusapi_Node##Method##_in *in = c->in;                                                    \
                                                                                                                       \
		run(c, &(struct control_request){ which, &in->member, &in->node_member, name, in->control_code,        \
			   in->in_buffer, in->in_buffer_size });                                                       \
	}

DEFINE_CONTROL(cluster_control, ClusterControl, PROPERTY_CLUSTER, cluster, host_node, NULL)
DEFINE_CONTROL(node_control, NodeControl, PROPERTY_NODE, node, host_node, NULL)
DEFINE_CONTROL(group_control, GroupControl, PROPERTY_GROUP, group, node, NULL)
DEFINE_CONTROL(resource_control, ResourceControl, PROPERTY_RESOURCE, resource, node, NULL)
DEFINE_CONTROL(type_control, ResourceTypeControl, PROPERTY_TYPE, cluster, node, in->resource_type_name)
DEFINE_CONTROL(network_control, NetworkControl, PROPERTY_NETWORK, network, node, NULL)
DEFINE_CONTROL(interface_control, NetInterfaceControl, PROPERTY_INTERFACE, net_interface, node, NULL)

serve_handler *serve_control_handler(unsigned number)
{
	// clang-format off
	switch (number) {
	case CLUSAPI_CLUSTER_CONTROL:			return cluster_control;
	case CLUSAPI_NODE_CLUSTER_CONTROL:		return cluster_control_on_node;
	case CLUSAPI_NODE_CONTROL:			return node_control;
	case CLUSAPI_NODE_NODE_CONTROL:			return node_control_on_node;
	case CLUSAPI_GROUP_CONTROL:			return group_control;
	case CLUSAPI_NODE_GROUP_CONTROL:		return group_control_on_node;
	case CLUSAPI_RESOURCE_CONTROL:			return resource_control;
	case CLUSAPI_NODE_RESOURCE_CONTROL:		return resource_control_on_node;
	case CLUSAPI_RESOURCE_TYPE_CONTROL:		return type_control;
	case CLUSAPI_NODE_RESOURCE_TYPE_CONTROL:	return type_control_on_node;
	case CLUSAPI_NETWORK_CONTROL:			return network_control;
	case CLUSAPI_NODE_NETWORK_CONTROL:		return network_control_on_node;
	case CLUSAPI_NET_INTERFACE_CONTROL:		return interface_control;
	case CLUSAPI_NODE_NET_INTERFACE_CONTROL:	return interface_control_on_node;
	default:					return NULL;
	}
	// clang-format on
}
