/* cluster: the methods of the cluster itself: open, name, version, quorum resource, enumerations.
 *
 * Rules    OpenCluster gives a handle of access All only; OpenClusterEx what is asked for.  Enumerations take any
 *          combination of the defined bits and refuse others with 87; 125 gives ids and names in two parallel lists.
 * Threads  the loop thread.       Tests  tests/integration/library.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/network/order.h"
#include "cluster/object/edit.h"
#include "cluster/object/object.h"
#include "ruedad/serve/object.h"
#include "ruedad/version.h"

static const struct rpc_handle_type cluster_type = { "cluster", NULL };

int serve_cluster_in(struct serve_call *c, const struct ndr_handle *handle, uint32_t *ret_access)
{
	struct rpc_handle_value value;
	int r = serve_handle_find(c, handle, &cluster_type, &value);

	if (r == 0)
		*ret_access = value.access;
	return r;
}

static void open_cluster(struct serve_call *c)
{
	struct clusapi_OpenCluster_out *out = c->out;

	serve_finish(c, serve_handle_new(c, &cluster_type, c->service, SERVE_ALL, &out->handle));
}

static void open_cluster_ex(struct serve_call *c)
{
	const struct clusapi_OpenClusterEx_in *in = c->in;
	struct clusapi_OpenClusterEx_out *out = c->out;
	uint32_t access, granted;
	int r = serve_access(c, in->desired_access, &access, &granted);

	if (r == 0)
		r = serve_handle_new(c, &cluster_type, c->service, access, &out->handle);
	if (r == 0)
		out->granted_access = granted;
	serve_finish(c, r);
}

static void close_cluster(struct serve_call *c)
{
	const struct clusapi_CloseCluster_in *in = c->in;
	struct clusapi_CloseCluster_out *out = c->out;

	serve_finish(c, serve_handle_close(c, &in->cluster, &cluster_type, &out->cluster));
}

static void get_cluster_name(struct serve_call *c)
{
	struct clusapi_GetClusterName_out *out = c->out;

	out->cluster_name = serve_dup(c, object_string(serve_root(c), U16("ClusterName")));
	out->node_name = serve_dup(c, service_node_name(c->service));
	serve_finish(c, out->cluster_name == NULL || out->node_name == NULL ? -ENOMEM : 0);
}

/* A core network name shows the new name when it is next brought online. */
static int renamed(struct serve_call *c, const struct cluster_result *result)
{
	if (result->status != 0)
		return ERR_FROM_WIN32(result->status);
	return cluster_name_resource(serve_root(c)) != NULL ? ERR_RESOURCE_PROPERTIES_STORED : 0;
}

static void set_cluster_name(struct serve_call *c)
{
	const struct clusapi_SetClusterName_in *in = c->in;
	struct command command = { .kind = COMMAND_CLUSTER_RENAME, .version = COMMAND_VERSION };

	command.cluster_rename = (struct command_ClusterRename){ in->new_cluster_name, serve_now(c) };
	c->applied = renamed;
	serve_propose(c, &command);
}

static void get_cluster_version2(struct serve_call *c)
{
	struct clusapi_GetClusterVersion2_out *out = c->out;
	struct clusapi_opver_info *info = arena_alloc_zero(serve_arena(c), sizeof(*info));

	if (info != NULL)
		*info = (struct clusapi_opver_info){ sizeof(*info), CLUSTER_VERSION, CLUSTER_VERSION, 0, 0 };
	out->major_version = VERSION_MAJOR;
	out->minor_version = VERSION_MINOR;
	out->build_number = VERSION_BUILD;
	out->vendor_id = u"Rueda";
	out->csd_version = u"";
	out->version_info = info;
	serve_finish(c, info == NULL ? -ENOMEM : 0);
}

static void get_quorum_resource(struct serve_call *c)
{
	struct clusapi_GetQuorumResource_out *out = c->out;
	const struct db_key *quorum = db_find(serve_root(c), U16("Quorum")), *resource;
	int r = 0;

	out->resource_name = u"";
	out->device_name = u"";
	resource = quorum == NULL
		       ? NULL
		       : object_by_id(serve_root(c), OBJECT_RESOURCE, object_string(quorum, U16("Resource")));
	if (resource == NULL) {
		r = ERR_RESOURCE_NOT_FOUND;
	} else {
		out->resource_name = serve_dup(c, object_name(resource, OBJECT_RESOURCE));
		out->device_name = serve_dup(c, object_string(quorum, U16("Path")));
		(void)object_number(quorum, U16("MaxQuorumLogSize"), &out->max_quorum_log_size);
		if (out->resource_name == NULL || out->device_name == NULL)
			r = -ENOMEM;
	}
	serve_finish(c, r);
}

/* Enumerations. */

static const struct {
	uint32_t bit;
	enum object_kind kind;
} enum_kinds[] = {
	{ 0x01, OBJECT_NODE },
	{ 0x02, OBJECT_TYPE },
	{ 0x04, OBJECT_RESOURCE },
	{ 0x08, OBJECT_GROUP },
	{ 0x10, OBJECT_NETWORK },
	{ 0x20, OBJECT_INTERFACE },
};
/* Shared volumes: defined, and there are none yet. */
#define ENUM_EMPTY 0x60000000u
#define ENUM_INTERNAL_NETWORK 0x80000000u

static int check_enum(uint32_t type)
{
	uint32_t known = ENUM_EMPTY;

	for (size_t i = 0; i < ARRAY_SIZE(enum_kinds); i++)
		known |= enum_kinds[i].bit;
	if (type == ENUM_INTERNAL_NETWORK)
		return 0; /* Must stand alone. */
	return type == 0 || (type & ~known) != 0 ? ERR_INVALID_PARAMETER : 0;
}

/* In their order. */
static const struct clusapi_enum_list *make_internal_list(struct serve_call *c, bool ids)
{
	struct clusapi_enum_list *list = arena_alloc_zero(serve_arena(c), sizeof(*list));
	struct clusapi_enum_entry *entries;
	const struct db_key *network;
	size_t n = 0;

	entries = arena_alloc_zero(serve_arena(c), (object_count(serve_root(c), OBJECT_NETWORK) + 1) * sizeof(*entries));
	if (list == NULL || entries == NULL)
		return NULL;
	while ((network = network_internal_at(serve_root(c), n)) != NULL) {
		entries[n].type = ENUM_INTERNAL_NETWORK;
		entries[n].name = serve_dup(c, ids ? object_id(network) : object_name(network, OBJECT_NETWORK));
		if (entries[n++].name == NULL)
			return NULL;
	}
	*list = (struct clusapi_enum_list){ (uint32_t)n, entries };
	return list;
}

/* The entries of all kinds asked for: names, or ids.  NULL without memory. */
static const struct clusapi_enum_list *make_list(struct serve_call *c, uint32_t type, bool ids)
{
	struct clusapi_enum_list *list = arena_alloc_zero(serve_arena(c), sizeof(*list));
	struct clusapi_enum_entry *entries;
	size_t count = 0, n = 0;

	if (type == ENUM_INTERNAL_NETWORK)
		return make_internal_list(c, ids);
	for (size_t i = 0; i < ARRAY_SIZE(enum_kinds); i++)
		if (type & enum_kinds[i].bit)
			count += object_count(serve_root(c), enum_kinds[i].kind);
	entries = arena_alloc_zero(serve_arena(c), count * sizeof(*entries));
	if (list == NULL || entries == NULL)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(enum_kinds); i++) {
		enum object_kind kind = enum_kinds[i].kind;

		for (size_t j = 0; (type & enum_kinds[i].bit) && j < object_count(serve_root(c), kind); j++) {
			const struct db_key *object = object_at(serve_root(c), kind, j);
			struct u16 text = !ids                  ? object_name(object, kind)
					  : kind == OBJECT_TYPE ? (struct u16){ 0 }
								: object_id(object);

			entries[n].type = enum_kinds[i].bit;
			entries[n].name = serve_dup(c, text);
			if (entries[n++].name == NULL)
				return NULL;
		}
	}
	*list = (struct clusapi_enum_list){ (uint32_t)n, entries };
	return list;
}

static void create_enum(struct serve_call *c)
{
	const struct clusapi_CreateEnum_in *in = c->in;
	struct clusapi_CreateEnum_out *out = c->out;
	int r = check_enum(in->type);

	if (r == 0) {
		out->list = make_list(c, in->type, false);
		r = out->list == NULL ? -ENOMEM : 0;
	}
	serve_finish(c, r);
}

static void create_enum_ex(struct serve_call *c)
{
	const struct clusapi_CreateEnumEx_in *in = c->in;
	struct clusapi_CreateEnumEx_out *out = c->out;
	uint32_t access;
	int r = serve_cluster_in(c, &in->cluster, &access);

	if (r == 0)
		r = in->options != 0 ? ERR_INVALID_PARAMETER : check_enum(in->type);
	if (r == 0) {
		out->id_list = make_list(c, in->type, true);
		out->name_list = make_list(c, in->type, false);
		r = out->id_list == NULL || out->name_list == NULL ? -ENOMEM : 0;
	}
	serve_finish(c, r);
}

static void set_quorum_resource(struct serve_call *c)
{
	const struct clusapi_SetQuorumResource_in *in = c->in;
	struct command command = { .kind = COMMAND_QUORUM_SET, .version = COMMAND_VERSION };
	struct object_in o;
	int r = object_to_change(c, &in->resource, OBJECT_RESOURCE, &o);

	if (r == 0 && !guid_parse(o.id, &command.quorum_set.resource))
		r = ERR_NOT_QUORUM_CAPABLE;
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	command.quorum_set.path = in->device_name;
	command.quorum_set.max_log_size = in->max_quorum_log_size;
	command.quorum_set.time = serve_now(c);
	serve_propose(c, &command);
}

/* By ids; a name is taken too.  Whether these are all that there are is seen when the order is put in force. */
static void set_network_priority_order(struct serve_call *c)
{
	const struct clusapi_SetNetworkPriorityOrder_in *in = c->in;
	struct command command = { .kind = COMMAND_NETWORK_ORDER, .version = COMMAND_VERSION };
	struct guid *ids = arena_alloc_zero(serve_arena(c), (in->network_count + (size_t)1) * sizeof(*ids));
	int r = ids == NULL ? -ENOMEM : 0;

	for (uint32_t i = 0; r == 0 && i < in->network_count; i++) {
		const char16_t *id = in->network_ids[i];
		const struct db_key *network =
		    id != NULL ? object_find(serve_root(c), OBJECT_NETWORK, u16_from_z(id)) : NULL;

		if (network == NULL || !guid_parse(object_id(network), &ids[i]))
			r = ERR_CLUSTER_NETWORK_NOT_FOUND;
	}
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	command.network_order = (struct command_NetworkOrder){ .networks_count = in->network_count, .networks = ids, .time = serve_now(c) };
	serve_propose(c, &command);
}

serve_handler *serve_cluster_handler(unsigned number)
{
	switch (number) {
	case CLUSAPI_OPEN_CLUSTER:
		return open_cluster;
	case CLUSAPI_OPEN_CLUSTER_EX:
		return open_cluster_ex;
	case CLUSAPI_CLOSE_CLUSTER:
		return close_cluster;
	case CLUSAPI_GET_CLUSTER_NAME:
		return get_cluster_name;
	case CLUSAPI_SET_CLUSTER_NAME:
		return set_cluster_name;
	case CLUSAPI_GET_CLUSTER_VERSION2:
		return get_cluster_version2;
	case CLUSAPI_GET_QUORUM_RESOURCE:
		return get_quorum_resource;
	case CLUSAPI_CREATE_ENUM:
		return create_enum;
	case CLUSAPI_CREATE_ENUM_EX:
		return create_enum_ex;
	case CLUSAPI_SET_QUORUM_RESOURCE:
		return set_quorum_resource;
	case CLUSAPI_SET_NETWORK_PRIORITY_ORDER:
		return set_network_priority_order;
	case CLUSAPI_BACKUP_CLUSTER_DATABASE:
		return serve_backup_cluster_database;
	default:
		return NULL;
	}
}
