/* control_facts: control codes that tell what is so: of an object, its type, its state, the cluster.
 *
 * Why and how: control.c, whose table names these functions.
 * Note     what GET_FAILURE_INFO answers has a published form without units; times are milliseconds here.
 * Threads  the loop thread.       Tests  tests/integration/properties.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/filetime.h"
#include "cluster/group/apply.h"
#include "cluster/group/config.h"
#include "cluster/object/edit.h"
#include "cluster/object/type.h"
#include "cluster/runtime.h"
#include "ruedad/serve/control.h"
#include "ruedad/serve/object.h"
#include "wire/proplist.h"

void control_add_text(struct buf *out, struct u16 s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_u16(out, s.units[i]);
	buf_u16(out, 0);
}

static const struct db_key *root_of(struct control_call *call)
{
	return serve_root(call->serve);
}

static const struct type_traits *traits_of(const struct control_call *call)
{
	return type_traits(
	    call->object.kind == PROPERTY_TYPE ? object_id(call->object.key) : object_type_of(call->object.key));
}

/* UNKNOWN: only says that control codes are understood. */
int control_get_nothing(struct control_call *call)
{
	(void)call;
	return 0;
}

int control_get_characteristics(struct control_call *call)
{
	bool has_type = call->object.kind == PROPERTY_RESOURCE || call->object.kind == PROPERTY_TYPE;

	buf_u32(&call->out, has_type ? traits_of(call)->characteristics : 0);
	return 0;
}

int control_get_flags(struct control_call *call)
{
	buf_u32(&call->out, object_is_core(root_of(call), (enum object_kind)call->object.kind, call->object.key));
	return 0;
}

int control_get_class_info(struct control_call *call)
{
	buf_u32(&call->out, traits_of(call)->class);
	buf_u32(&call->out, traits_of(call)->subclass);
	return 0;
}

int control_get_required_dependencies(struct control_call *call)
{
	struct u16 required = traits_of(call)->required;
	struct buf text = { 0 };

	if (required.len > 0) {
		control_add_text(&text, required);
		if (text.error != 0)
			call->out.error = text.error;
		prop_value_add(&call->out, PROP_LIST_VALUE(PROP_SZ), text.data, text.len);
		buf_done(&text);
	}
	prop_mark_end(&call->out);
	return 0;
}

int control_get_name(struct control_call *call)
{
	control_add_text(&call->out, object_name(call->object.key, (enum object_kind)call->object.kind));
	return 0;
}

int control_get_id(struct control_call *call)
{
	control_add_text(&call->out, object_id(call->object.key));
	return 0;
}

int control_get_resource_type(struct control_call *call)
{
	control_add_text(&call->out, object_type_of(call->object.key));
	return 0;
}

/* By its name, whether a name or an id is stored; what is stored, if there is no such object. */
static int get_named(struct control_call *call, enum object_kind kind, struct u16 value)
{
	struct u16 stored = object_string(call->object.key, value);
	const struct db_key *object = object_find(root_of(call), kind, stored);

	control_add_text(&call->out, object != NULL ? object_name(object, kind) : stored);
	return 0;
}

int control_get_node(struct control_call *call)
{
	return get_named(call, OBJECT_NODE, U16("Node"));
}

int control_get_network(struct control_call *call)
{
	return get_named(call, OBJECT_NETWORK, U16("Network"));
}

/* When it last changed its state, as a FILETIME; 0: it never has, or by what had no time. */
int control_get_state_change_time(struct control_call *call)
{
	const struct resource_run *run = NULL;
	struct guid id;

	if (guid_parse(call->object.id, &id))
		run = resource_run_find(cluster_groups(call->serve->service->cluster), &id);
	buf_u64(&call->out, run != NULL && run->history_count > 0 ? run->history[0].time : 0);
	return 0;
}

/* When it last came to a node, as a SYSTEMTIME; zeros: it never has. */
int control_get_last_move_time(struct control_call *call)
{
	const struct group_run *run = NULL;
	uint16_t fields[8] = { 0 };
	struct guid id;

	if (guid_parse(call->object.id, &id))
		run = group_run_find(cluster_groups(call->serve->service->cluster), &id);
	if (run != NULL && run->moved != 0)
		filetime_to_fields(run->moved, fields);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		buf_u16(&call->out, fields[i]);
	return 0;
}

/* What is left of a number of attempts, and of the time in which they count: version 1, attempts, milliseconds.  since: when the
 * period began; nothing has failed in it if count is 0. */
static void add_failure_info(struct control_call *call, uint32_t most, uint32_t count, uint64_t since, uint64_t period)
{
	enum { VERSION = 1 };
	uint64_t passed = cluster_elapsed(call->serve->service->cluster) - since, left;

	if (passed > period)
		count = 0; /* The next failure begins a period of its own. */
	left = count == 0 ? 0 : (period - passed) / 1000000;
	buf_u32(&call->out, VERSION);
	buf_u32(&call->out, most - MIN(most, count));
	buf_u32(&call->out, (uint32_t)MIN(left, (uint64_t)UINT32_MAX));
}

/* How often it may fail before it is left failed, or its group goes elsewhere. */
int control_get_resource_failure_info(struct control_call *call)
{
	struct resource_config config = resource_config_read(call->object.key);
	const struct resource_run *run = NULL;
	struct guid id;

	if (guid_parse(call->object.id, &id))
		run = resource_run_find(cluster_groups(call->serve->service->cluster), &id);
	add_failure_info(call, config.restart_action == RESTART_NOT ? 0 : config.restart_threshold,
	    run != NULL ? run->restarts : 0, run != NULL ? run->restarts_since : 0, config.restart_period);
	return 0;
}

/* How often its resources may make it go to another node. */
int control_get_group_failure_info(struct control_call *call)
{
	const struct runtime *runtime = cluster_runtime(call->serve->service->cluster);
	struct group_config config = group_config_read(call->object.key);
	const struct group_run *run = NULL;
	struct guid id;
	uint32_t most = config.failover_threshold != UINT32_MAX ? config.failover_threshold
			: runtime->up_count > 0                 ? (uint32_t)runtime->up_count - 1
								: 0;

	if (guid_parse(call->object.id, &id))
		run = group_run_find(&runtime->groups, &id);
	add_failure_info(call, most, run != NULL ? run->failovers : 0, run != NULL ? run->failovers_since : 0,
	    config.failover_period);
	return 0;
}

/* The name that clients know it by: its own, or that of the Network Name that it depends on. */
int control_get_network_name(struct control_call *call)
{
	const char16_t *name;
	struct guid id;
	int r =
	    guid_parse(call->object.id, &id) ? serve_network_name(call->serve, &id, &name) : ERR_DEPENDENCY_NOT_FOUND;

	if (r == 0)
		control_add_text(&call->out, u16_from_z(name));
	return r;
}

/* Only a node that is in a majority answers at all. */
int control_is_quorum_blocked(struct control_call *call)
{
	buf_u32(&call->out, 0);
	return 0;
}

/* There are none. */
int control_enum_affinity_rules(struct control_call *call)
{
	buf_u16(&call->out, 0);
	return 0;
}

/* All that was answered is durable; what can be done is to begin a checkpoint, so that the next start has less to replay. */
int control_force_flush(struct control_call *call)
{
	service_checkpoint(call->serve->service);
	return 0;
}

/* The cluster is in no domain: its whole name is its name. */
int control_get_fqdn(struct control_call *call)
{
	control_add_text(&call->out, object_string(call->object.key, U16("ClusterName")));
	return 0;
}

/* Would the nodes that are up be a majority without the node whose id is given, else this one?  It goes down, or goes for ever. */
static int check_voter(struct control_call *call, bool evict)
{
	enum { QUORUM_MAINTAINED = 0, QUORUM_LOST = 1, TEXT_MAX = 64 };
	const struct db_key *root = root_of(call);
	char16_t text[TEXT_MAX];
	size_t all = object_count(root, OBJECT_NODE), up = 0;
	const struct db_key *node;
	struct u16 id = { text, 0 };

	while (id.len < TEXT_MAX && 2 * id.len + 1 < call->in_len && get_le16(call->in + 2 * id.len) != 0) {
		text[id.len] = get_le16(call->in + 2 * id.len);
		id.len++;
	}
	node = object_find(root, OBJECT_NODE, id.len > 0 ? id : service_node_name(call->serve->service));
	if (node == NULL)
		return ERR_CLUSTER_NODE_NOT_FOUND;
	for (size_t i = 0; i < all; i++) {
		const struct db_key *other = object_at(root, OBJECT_NODE, i);

		if (other != node &&
		    cluster_node_up(call->serve->service->cluster, object_node_number(object_id(other))) != 0)
			up++;
	}
	buf_u32(&call->out, 2 * up > all - evict ? QUORUM_MAINTAINED : QUORUM_LOST);
	return 0;
}

int control_check_voter_evict(struct control_call *call)
{
	return check_voter(call, true);
}

int control_check_voter_down(struct control_call *call)
{
	return check_voter(call, false);
}

int control_query_delete(struct control_call *call)
{
	return object_check_delete(root_of(call), (enum object_kind)call->object.kind, call->object.key, 0);
}
