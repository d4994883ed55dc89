/* object: nodes, groups, resources, types, networks and interfaces, as far as configuration needs them.
 *
 * How      an object handle is a kind and an id: it is looked up in the database at each call, so a handle to what has
 *          been deleted gives the object's own error, and one to what was renamed stays good.  Creating, deleting and
 *          renaming are one command each; the rules between objects are kept where it is applied (cluster/object/).
 *          What runs is serve/run.c's, what binds objects together serve/relate.c's.
 * Threads  the loop thread.       Tests  tests/integration/library.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/object.h"
#include "cluster/object/edit.h"
#include <string.h>

enum { GROUP_TYPE_UNKNOWN = 9999 };

struct object_ref {
	enum object_kind kind;
	size_t len;
	char16_t id[]; /* Terminated. */
};

static void object_rundown(void *object)
{
	free(object);
}

static const struct rpc_handle_type object_types[] = {
	[OBJECT_NODE] = { "node", object_rundown },
	[OBJECT_GROUP] = { "group", object_rundown },
	[OBJECT_RESOURCE] = { "resource", object_rundown },
	[OBJECT_NETWORK] = { "network", object_rundown },
	[OBJECT_INTERFACE] = { "network interface", object_rundown },
};

static int gone(enum object_kind kind)
{
	return kind == OBJECT_RESOURCE ? ERR_RESOURCE_NOT_AVAILABLE
	       : kind == OBJECT_GROUP  ? ERR_GROUP_NOT_AVAILABLE
				       : object_not_found(kind);
}

static int object_handle(
    struct serve_call *c, enum object_kind kind, struct u16 id, uint32_t access, struct ndr_handle *ret)
{
	struct object_ref *o = malloc(sizeof(*o) + (id.len + 1) * sizeof(char16_t));
	int r;

	if (o == NULL)
		return -ENOMEM;
	*o = (struct object_ref){ .kind = kind, .len = id.len };
	memcpy(o->id, id.units, id.len * sizeof(char16_t));
	o->id[id.len] = 0;
	r = serve_handle_new(c, &object_types[kind], o, access, ret);
	if (r < 0)
		free(o);
	return r;
}

int object_in(struct serve_call *c, const struct ndr_handle *handle, enum object_kind kind, struct object_in *ret)
{
	struct rpc_handle_value value;
	int r = serve_handle_find(c, handle, &object_types[kind], &value);

	if (r < 0)
		return r;
	ret->id = (struct u16){ ((struct object_ref *)value.object)->id, ((struct object_ref *)value.object)->len };
	ret->access = value.access;
	ret->key = object_by_id(serve_root(c), kind, ret->id);
	return ret->key == NULL ? gone(kind) : 0;
}

int object_to_change(
    struct serve_call *c, const struct ndr_handle *handle, enum object_kind kind, struct object_in *ret)
{
	int r = object_in(c, handle, kind, ret);

	return r == 0 && ret->access != SERVE_ALL ? ERR_ACCESS_DENIED : r;
}

const char16_t *serve_node_name(struct serve_call *c, uint32_t number)
{
	for (size_t i = 0; number != 0 && i < object_count(serve_root(c), OBJECT_NODE); i++) {
		const struct db_key *node = object_at(serve_root(c), OBJECT_NODE, i);

		if (object_node_number(object_id(node)) == number)
			return serve_dup(c, object_name(node, OBJECT_NODE));
	}
	return u"";
}

/* Open. */

static void open_object(
    struct serve_call *c, enum object_kind kind, const char16_t *name, uint32_t access, struct ndr_handle *ret)
{
	const struct db_key *object = object_find(serve_root(c), kind, u16_from_z(name));

	serve_finish(
	    c, object == NULL ? object_not_found(kind) : object_handle(c, kind, object_id(object), access, ret));
}

static void open_object_ex(struct serve_call *c, enum object_kind kind, const char16_t *name, uint32_t desired,
    uint32_t *ret_granted, struct ndr_handle *ret)
{
	uint32_t access, granted;
	int r = serve_access(c, desired, &access, &granted);

	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	*ret_granted = granted;
	open_object(c, kind, name, access, ret);
}

#define DEFINE_OPEN(function, Method, kind, member)                                                                    \
	static void function(struct serve_call *c)                                                                     \
	{                                                                                                              \
		const struct clusapi_##Method##_in *in = c->in;                                                        \
		struct clusapi_##Method##_out *out = c->out;                                                           \
                                                                                                                       \
		open_object(c, kind, in->member, SERVE_ALL, &out->handle);                                             \
	}                                                                                                              \
	static void function##_ex(struct serve_call *c)                                                                \
	{                                                                                                              \
		const struct clusapi_##Method##Ex_in *in = c->in;                                                      \
		struct clusapi_##Method##Ex_out *out = c->out;                                                         \
                                                                                                                       \
		open_object_ex(c, kind, in->member, in->desired_access, &out->granted_access, &out->handle);           \
	}

DEFINE_OPEN(open_node, OpenNode, OBJECT_NODE, node_name)
DEFINE_OPEN(open_group, OpenGroup, OBJECT_GROUP, group_name)
DEFINE_OPEN(open_resource, OpenResource, OBJECT_RESOURCE, resource_name)
DEFINE_OPEN(open_network, OpenNetwork, OBJECT_NETWORK, network_name)
DEFINE_OPEN(open_interface, OpenNetInterface, OBJECT_INTERFACE, net_interface_name)

#define DEFINE_CLOSE(function, Method, kind, member)                                                                   \
	static void function(struct serve_call *c)                                                                     \
	{                                                                                                              \
		const struct clusapi_##Method##_in *in = c->in;                                                        \
		struct clusapi_##Method##_out *out = c->out;                                                           \
                                                                                                                       \
		serve_finish(c, serve_handle_close(c, &in->member, &object_types[kind], &out->member));                \
	}

DEFINE_CLOSE(close_node, CloseNode, OBJECT_NODE, node)
DEFINE_CLOSE(close_group, CloseGroup, OBJECT_GROUP, group)
DEFINE_CLOSE(close_resource, CloseResource, OBJECT_RESOURCE, resource)
DEFINE_CLOSE(close_network, CloseNetwork, OBJECT_NETWORK, network)
DEFINE_CLOSE(close_interface, CloseNetInterface, OBJECT_INTERFACE, net_interface)

#define DEFINE_GET_ID(function, Method, kind, member)                                                                  \
	static void function(struct serve_call *c)                                                                     \
	{                                                                                                              \
		const struct clusapi_##Method##_in *in = c->in;                                                        \
		struct clusapi_##Method##_out *out = c->out;                                                           \
		struct object_in o;                                                                                    \
		int r = object_in(c, &in->member, kind, &o);                                                           \
                                                                                                                       \
		if (r == 0) {                                                                                          \
			out->id = serve_dup(c, o.id);                                                                  \
			r = out->id == NULL ? -ENOMEM : 0;                                                             \
		}                                                                                                      \
		serve_finish(c, r);                                                                                    \
	}

DEFINE_GET_ID(get_node_id, GetNodeId, OBJECT_NODE, node)
DEFINE_GET_ID(get_group_id, GetGroupId, OBJECT_GROUP, group)
DEFINE_GET_ID(get_resource_id, GetResourceId, OBJECT_RESOURCE, resource)
DEFINE_GET_ID(get_network_id, GetNetworkId, OBJECT_NETWORK, network)
DEFINE_GET_ID(get_interface_id, GetNetInterfaceId, OBJECT_INTERFACE, net_interface)

/* Create. */

static struct guid new_guid(struct serve_call *c)
{
	uint8_t random[16];

	loop_random(c->service->loop, random, sizeof(random));
	return guid_from_random(random);
}

/* The new object's id is drawn here and remembered for the handle that the answer holds. */
static void propose_creation(struct serve_call *c, struct command_ObjectCreate o,
    int (*applied)(struct serve_call *c, const struct cluster_result *result))
{
	struct command command = { .kind = COMMAND_OBJECT_CREATE, .version = COMMAND_VERSION };

	o.time = serve_now(c);
	if (o.type_name == NULL)
		o.type_name = u"";
	if (o.display_name == NULL)
		o.display_name = u"";
	command.object_create = o;
	c->applied = applied;
	serve_propose(c, &command);
}

static int created(struct serve_call *c, const struct cluster_result *result, enum object_kind kind,
    const char16_t *name, struct ndr_handle *ret)
{
	const struct db_key *object;

	if (result->status != 0)
		return ERR_FROM_WIN32(result->status);
	object = object_find(serve_root(c), kind, u16_from_z(name));
	return object == NULL ? object_not_found(kind) : object_handle(c, kind, object_id(object), SERVE_ALL, ret);
}

static int created_group(struct serve_call *c, const struct cluster_result *result)
{
	const struct clusapi_CreateGroup_in *in = c->in;
	struct clusapi_CreateGroup_out *out = c->out;

	return created(c, result, OBJECT_GROUP, in->group_name, &out->handle);
}

static void create_group(struct serve_call *c)
{
	const struct clusapi_CreateGroup_in *in = c->in;
	struct command_ObjectCreate o = {
		.kind = OBJECT_GROUP, .name = in->group_name, .id = new_guid(c), .flags = GROUP_TYPE_UNKNOWN
	};

	propose_creation(c, o, created_group);
}

static int created_group_ex(struct serve_call *c, const struct cluster_result *result)
{
	const struct clusapi_CreateGroupEx_in *in = c->in;
	struct clusapi_CreateGroupEx_out *out = c->out;

	return created(c, result, OBJECT_GROUP, in->group_name, &out->handle);
}

static void create_group_ex(struct serve_call *c)
{
	const struct clusapi_CreateGroupEx_in *in = c->in;
	struct command_ObjectCreate o = { .kind = OBJECT_GROUP, .name = in->group_name, .id = new_guid(c) };

	o.flags = in->group_info != NULL ? in->group_info->group_type : GROUP_TYPE_UNKNOWN;
	propose_creation(c, o, created_group_ex);
}

static int created_resource(struct serve_call *c, const struct cluster_result *result)
{
	const struct clusapi_CreateResource_in *in = c->in;
	struct clusapi_CreateResource_out *out = c->out;

	return created(c, result, OBJECT_RESOURCE, in->resource_name, &out->handle);
}

static void create_resource(struct serve_call *c)
{
	const struct clusapi_CreateResource_in *in = c->in;
	struct command_ObjectCreate o = { .kind = OBJECT_RESOURCE,
		.name = in->resource_name,
		.id = new_guid(c),
		.type_name = in->resource_type,
		.flags = in->flags };
	struct object_in group;
	int r = in->flags > 1 ? ERR_INVALID_PARAMETER : object_to_change(c, &in->group, OBJECT_GROUP, &group);

	if (r < 0 || !guid_parse(group.id, &o.group_id)) {
		serve_finish(c, r < 0 ? r : ERR_GROUP_NOT_AVAILABLE);
		return;
	}
	propose_creation(c, o, created_resource);
}

static void create_resource_type(struct serve_call *c)
{
	const struct clusapi_CreateResourceType_in *in = c->in;
	struct command_ObjectCreate o = { .kind = OBJECT_TYPE,
		.name = in->type_name,
		.type_name = in->dll_name,
		.display_name = in->display_name,
		.looks_alive_ms = in->looks_alive,
		.is_alive_ms = in->is_alive };

	propose_creation(c, o, NULL);
}

/* Delete, rename, move. */

static void propose_deletion(struct serve_call *c, enum object_kind kind, const char16_t *id, uint32_t flags)
{
	struct command command = { .kind = COMMAND_OBJECT_DELETE, .version = COMMAND_VERSION };

	command.object_delete = (struct command_ObjectDelete){ kind, id, flags, serve_now(c) };
	serve_propose(c, &command);
}

static void delete_object(struct serve_call *c, const struct ndr_handle *handle, enum object_kind kind, uint32_t flags)
{
	struct object_in o;
	int r = object_to_change(c, handle, kind, &o);

	if (r < 0)
		serve_finish(c, r);
	else
		propose_deletion(c, kind, o.id.units, flags);
}

static void delete_group(struct serve_call *c)
{
	const struct clusapi_DeleteGroup_in *in = c->in;

	delete_object(c, &in->group, OBJECT_GROUP, in->force != 0 ? OBJECT_DELETE_FORCE : 0);
}

static void delete_resource(struct serve_call *c)
{
	const struct clusapi_DeleteResource_in *in = c->in;

	delete_object(c, &in->resource, OBJECT_RESOURCE, 0);
}

static void delete_resource_type(struct serve_call *c)
{
	const struct clusapi_DeleteResourceType_in *in = c->in;

	propose_deletion(c, OBJECT_TYPE, in->type_name, 0);
}

static void evict_node(struct serve_call *c)
{
	const struct clusapi_EvictNode_in *in = c->in;

	delete_object(c, &in->node, OBJECT_NODE, 0);
}

static void rename_object(
    struct serve_call *c, const struct ndr_handle *handle, enum object_kind kind, const char16_t *name)
{
	struct command command = { .kind = COMMAND_OBJECT_RENAME, .version = COMMAND_VERSION };
	struct object_in o;
	int r = object_to_change(c, handle, kind, &o);

	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	command.object_rename = (struct command_ObjectRename){ kind, o.id.units, name, serve_now(c) };
	serve_propose(c, &command);
}

static void set_group_name(struct serve_call *c)
{
	const struct clusapi_SetGroupName_in *in = c->in;

	rename_object(c, &in->group, OBJECT_GROUP, in->group_name);
}

static void set_resource_name(struct serve_call *c)
{
	const struct clusapi_SetResourceName_in *in = c->in;

	rename_object(c, &in->resource, OBJECT_RESOURCE, in->resource_name);
}

static void set_network_name(struct serve_call *c)
{
	const struct clusapi_SetNetworkName_in *in = c->in;

	rename_object(c, &in->network, OBJECT_NETWORK, in->network_name);
}

static void move_resource(struct serve_call *c, const struct ndr_handle *resource_handle, const struct ndr_handle *to)
{
	struct command command = { .kind = COMMAND_RESOURCE_MOVE, .version = COMMAND_VERSION };
	struct object_in resource, group;
	int r = object_to_change(c, resource_handle, OBJECT_RESOURCE, &resource);

	if (r == 0)
		r = object_to_change(c, to, OBJECT_GROUP, &group);
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	command.resource_move = (struct command_ResourceMove){ resource.id.units, group.id.units, serve_now(c) };
	serve_propose(c, &command);
}

static void change_resource_group(struct serve_call *c)
{
	const struct clusapi_ChangeResourceGroup_in *in = c->in;

	move_resource(c, &in->resource, &in->group);
}

static void change_resource_group_ex(struct serve_call *c)
{
	enum { FORCE_MOVE_TO_CSV = 1 }; /* There are no shared volumes to protect. */
	const struct clusapi_ChangeResourceGroupEx_in *in = c->in;

	if ((in->flags & ~(uint64_t)FORCE_MOVE_TO_CSV) != 0)
		serve_finish(c, ERR_INVALID_PARAMETER);
	else
		move_resource(c, &in->resource, &in->group);
}

/* What it is and holds. */

static void get_resource_type(struct serve_call *c)
{
	const struct clusapi_GetResourceType_in *in = c->in;
	struct clusapi_GetResourceType_out *out = c->out;
	struct object_in o;
	int r = object_in(c, &in->resource, OBJECT_RESOURCE, &o);

	if (r == 0) {
		out->resource_type = serve_dup(c, object_type_of(o.key));
		r = out->resource_type == NULL ? -ENOMEM : 0;
	}
	serve_finish(c, r);
}

serve_handler *serve_object_handler(unsigned number)
{
	// clang-format off
	switch (number) {
	case CLUSAPI_OPEN_NODE:			return open_node;
	case CLUSAPI_OPEN_NODE_EX:		return open_node_ex;
	case CLUSAPI_CLOSE_NODE:		return close_node;
	case CLUSAPI_GET_NODE_ID:		return get_node_id;
	case CLUSAPI_EVICT_NODE:		return evict_node;
	case CLUSAPI_OPEN_GROUP:		return open_group;
	case CLUSAPI_OPEN_GROUP_EX:		return open_group_ex;
	case CLUSAPI_CREATE_GROUP:		return create_group;
	case CLUSAPI_CREATE_GROUP_EX:		return create_group_ex;
	case CLUSAPI_DELETE_GROUP:		return delete_group;
	case CLUSAPI_CLOSE_GROUP:		return close_group;
	case CLUSAPI_SET_GROUP_NAME:		return set_group_name;
	case CLUSAPI_GET_GROUP_ID:		return get_group_id;
	case CLUSAPI_OPEN_RESOURCE:		return open_resource;
	case CLUSAPI_OPEN_RESOURCE_EX:		return open_resource_ex;
	case CLUSAPI_CREATE_RESOURCE:		return create_resource;
	case CLUSAPI_DELETE_RESOURCE:		return delete_resource;
	case CLUSAPI_CLOSE_RESOURCE:		return close_resource;
	case CLUSAPI_SET_RESOURCE_NAME:		return set_resource_name;
	case CLUSAPI_GET_RESOURCE_ID:		return get_resource_id;
	case CLUSAPI_GET_RESOURCE_TYPE:		return get_resource_type;
	case CLUSAPI_CHANGE_RESOURCE_GROUP:	return change_resource_group;
	case CLUSAPI_CHANGE_RESOURCE_GROUP_EX:	return change_resource_group_ex;
	case CLUSAPI_CREATE_RESOURCE_TYPE:	return create_resource_type;
	case CLUSAPI_DELETE_RESOURCE_TYPE:	return delete_resource_type;
	case CLUSAPI_OPEN_NETWORK:		return open_network;
	case CLUSAPI_OPEN_NETWORK_EX:		return open_network_ex;
	case CLUSAPI_CLOSE_NETWORK:		return close_network;
	case CLUSAPI_GET_NETWORK_ID:		return get_network_id;
	case CLUSAPI_SET_NETWORK_NAME:		return set_network_name;
	case CLUSAPI_OPEN_NET_INTERFACE:	return open_interface;
	case CLUSAPI_OPEN_NET_INTERFACE_EX:	return open_interface_ex;
	case CLUSAPI_CLOSE_NET_INTERFACE:	return close_interface;
	case CLUSAPI_GET_NET_INTERFACE_ID:	return get_interface_id;
	default:				return NULL;
	}
	// clang-format on
}
