/* computed: the common properties that are not stored but known: versions of this node, what a drain has come to, how the last
 * operation on a resource ended, the process of its host, how fast the links of a network are.
 *
 * How      a function for each kind of object; what it does not know has its standard, from the table of the kind.
 * Threads  the loop thread.       Tests  tests/integration/properties.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/apply.h"
#include "io/links.h"
#include "ruedad/agents/hosts.h"
#include "ruedad/serve/object.h"
#include "ruedad/version.h"
#include "wire/proplist.h"

enum { DRAIN_NOT_INITIATED, DRAIN_IN_PROGRESS, DRAIN_COMPLETED };
enum { NODE_STATUS_DRAIN_IN_PROGRESS = 0x4, NODE_STATUS_DRAIN_COMPLETED = 0x8 };

static uint32_t drain_status(const struct group_table *t, uint32_t node)
{
	if (!node_is_paused(t, node))
		return DRAIN_NOT_INITIATED;
	if (node_is_draining(t, node))
		return DRAIN_IN_PROGRESS;
	for (uint32_t i = 0; i < t->group_count; i++)
		if (t->groups[i].drained == node)
			return DRAIN_COMPLETED;
	return DRAIN_NOT_INITIATED;
}

static bool number_of_any_node(
    const struct group_table *t, const struct property_object *o, struct u16 name, uint32_t *ret)
{
	uint32_t status = drain_status(t, object_node_number(o->id));

	if (u16_equal(name, U16("NodeDrainStatus")))
		*ret = status;
	else if (u16_equal(name, U16("StatusInformation")))
		*ret = status == DRAIN_IN_PROGRESS ? NODE_STATUS_DRAIN_IN_PROGRESS
		       : status == DRAIN_COMPLETED ? NODE_STATUS_DRAIN_COMPLETED
						   : 0;
	else
		return false;
	return true;
}

/* Only of itself does a node know the versions. */
static bool number_of_own_node(struct u16 name, uint32_t *ret)
{
	static const struct {
		struct u16 name;
		uint32_t number;
	} numbers[] = {
		{ U16("MajorVersion"), VERSION_MAJOR },
		{ U16("MinorVersion"), VERSION_MINOR },
		{ U16("BuildNumber"), VERSION_BUILD },
		{ U16("NodeHighestVersion"), CLUSTER_VERSION },
		{ U16("NodeLowestVersion"), CLUSTER_VERSION },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (u16_equal(numbers[i].name, name)) {
			*ret = numbers[i].number;
			return true;
		}
	return false;
}

/* Only the node where it runs knows the process of its host. */
static bool number_of_resource(
    const struct serve_call *c, const struct property_object *o, struct u16 name, uint32_t *ret)
{
	const struct resource_run *run;
	struct guid id;

	if (!guid_parse(o->id, &id))
		return false;
	if (u16_equal(name, U16("LastOperationStatusCode"))) {
		run = resource_run_find(cluster_groups(c->service->cluster), &id);
		*ret = run != NULL ? run->status : 0;
	} else if (u16_equal(name, U16("MonitorProcessId"))) {
		*ret = c->service->hosts != NULL ? hosts_process(c->service->hosts, &id) : 0;
	} else {
		return false;
	}
	return true;
}

/* The slowest of this node's links to it, as far as they can tell. */
static bool speed_of_network(const struct serve_call *c, const struct property_object *o, uint64_t *ret)
{
	const struct db_key *root = db_root(cluster_db(c->service->cluster));
	char name[4 * LINK_NAME_MAX + 1];
	char16_t text[OBJECT_NODE_ID_MAX];
	struct u16 here = object_node_id(c->service->node, text);
	uint64_t slowest = UINT64_MAX;

	for (size_t i = 0; c->service->links != NULL && i < object_count(root, OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(root, OBJECT_INTERFACE, i);
		struct u16 adapter = object_string(interface, U16("Adapter"));
		uint64_t speed;

		if (!u16_equal(object_string(interface, U16("Node")), here) ||
		    !u16_equal(object_string(interface, U16("Network")), o->id) || adapter.len > LINK_NAME_MAX)
			continue;
		speed = links_speed(c->service->links, u16_to_utf8_buffer(adapter, name, sizeof(name)));
		if (speed != 0)
			slowest = MIN(slowest, speed);
	}
	if (slowest != UINT64_MAX)
		*ret = slowest;
	return slowest != UINT64_MAX;
}

static bool compute(void *data, const struct property_object *o, const struct property *p, struct buf *ret)
{
	const struct serve_call *c = data;
	const struct group_table *t = cluster_groups(c->service->cluster);
	uint32_t number = 0;
	uint64_t large = 0;
	bool known = false;

	if (o->kind == PROPERTY_CLUSTER && u16_equal(p->name, U16("ClusterFunctionalLevel"))) {
		number = CLUSTER_VERSION >> 16;
		known = true;
	} else if (o->kind == PROPERTY_NODE) {
		known = number_of_any_node(t, o, p->name, &number) ||
			(u16_equal(object_name(o->key, OBJECT_NODE), service_node_name(c->service)) &&
			    number_of_own_node(p->name, &number));
	} else if (o->kind == PROPERTY_RESOURCE) {
		known = number_of_resource(c, o, p->name, &number);
	} else if (o->kind == PROPERTY_NETWORK && u16_equal(p->name, U16("LinkSpeed"))) {
		known = speed_of_network(c, o, &large);
	}
	if (!known)
		return false;
	if (p->format == PROP_ULARGE_INTEGER)
		buf_u64(ret, o->kind == PROPERTY_NETWORK ? large : number);
	else
		buf_u32(ret, number);
	return true;
}

struct property_source serve_property_source(struct serve_call *c)
{
	return (struct property_source){ compute, c };
}
