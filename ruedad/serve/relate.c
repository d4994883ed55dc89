/* relate: how objects hang together: dependencies, owners, and the enumerations that show it.
 *
 * How      reading walks the keys; changing is one command (cluster/group/relate.c has the rules).  Expressions travel with
 *          names in brackets and are kept with ids.  A list of entries grows in the call's arena.
 * Threads  the loop thread.       Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/relate.h"
#include "cluster/group/apply.h"
#include "ruedad/serve/object.h"
#include <string.h>

/* Lists. */

struct entries {
	struct serve_call *call;
	struct clusapi_enum_entry *all;
	uint32_t count, room;
	int error;
};

static void add(struct entries *e, uint32_t type, struct u16 name)
{
	if (e->error == 0 && e->count == e->room) {
		uint32_t room = e->room * 2 + 8;
		struct clusapi_enum_entry *grown = arena_alloc_zero(serve_arena(e->call), room * sizeof(*grown));

		if (grown == NULL) {
			e->error = -ENOMEM;
			return;
		}
		if (e->count > 0)
			memcpy(grown, e->all, e->count * sizeof(*grown));
		e->all = grown;
		e->room = room;
	}
	if (e->error != 0)
		return;
	e->all[e->count].type = type;
	e->all[e->count].name = serve_dup(e->call, name);
	if (e->all[e->count++].name == NULL)
		e->error = -ENOMEM;
}

/* The list, when r and it are well; the call ends. */
static void finish_list(struct entries *e, int r, const struct clusapi_enum_list **ret)
{
	struct clusapi_enum_list *list = arena_alloc_zero(serve_arena(e->call), sizeof(*list));

	if (r == 0)
		r = list == NULL ? -ENOMEM : e->error;
	if (r == 0) {
		*list = (struct clusapi_enum_list){ e->count, e->all };
		*ret = list;
	}
	serve_finish(e->call, r);
}

/* Bits without a meaning select nothing: Samba's clients send some. */
static int check_type(uint32_t type)
{
	return type == 0 ? ERR_INVALID_PARAMETER : 0;
}

/* Of a list of node ids: the names, in its order. */
static void add_nodes(struct entries *e, uint32_t type, const struct db_key *key, struct u16 list)
{
	const struct db_key *root = serve_root(e->call), *node;
	struct u16 id;
	size_t at = 0;

	while (object_list_next(key, list, &at, &id))
		if ((node = object_by_id(root, OBJECT_NODE, id)) != NULL)
			add(e, type, object_name(node, OBJECT_NODE));
}

static void add_all_nodes(struct entries *e, uint32_t type)
{
	const struct db_key *root = serve_root(e->call);

	for (size_t i = 0; i < object_count(root, OBJECT_NODE); i++)
		add(e, type, object_name(object_at(root, OBJECT_NODE, i), OBJECT_NODE));
}

/* Enumerations. */

static void create_group_resource_enum(struct serve_call *c)
{
	enum { CONTAINS = 1, NODES = 2 };
	const struct clusapi_CreateGroupResourceEnum_in *in = c->in;
	struct clusapi_CreateGroupResourceEnum_out *out = c->out;
	struct entries e = { .call = c };
	const struct db_key *key;
	struct object_in o;
	struct guid id;
	size_t at = 0;
	int r = object_in(c, &in->group, OBJECT_GROUP, &o);

	if (r == 0)
		r = check_type(in->type);
	while (r == 0 && (in->type & CONTAINS) && group_next(serve_root(c), o.key, &at, &id, &key))
		add(&e, CONTAINS, object_name(key, OBJECT_RESOURCE));
	if (r == 0 && (in->type & NODES))
		add_nodes(&e, NODES, o.key, U16("PreferredOwners"));
	finish_list(&e, r, &out->list);
}

static void add_providers(struct entries *e, uint32_t type, const struct db_key *resource)
{
	const struct db_key *root = serve_root(e->call);
	struct depend d = resource_depends(resource);

	for (unsigned i = 0; i < d.count; i++) {
		const struct db_key *provider =
		    d.items[i].kind == DEPEND_TERM ? resource_key(root, &d.items[i].id) : NULL;

		if (provider != NULL)
			add(e, type, object_name(provider, OBJECT_RESOURCE));
	}
}

static void add_dependents(struct entries *e, uint32_t type, const struct guid *id)
{
	const struct db_key *root = serve_root(e->call), *group = group_of_resource(root, id, NULL), *key;
	struct guid other;
	size_t at = 0;

	while (group != NULL && group_next(root, group, &at, &other, &key)) {
		struct depend d = resource_depends(key);

		if (depend_has(&d, id))
			add(e, type, object_name(key, OBJECT_RESOURCE));
	}
}

static void create_res_enum(struct serve_call *c)
{
	enum { DEPENDS = 1, PROVIDES = 2, NODES = 4 };
	const struct clusapi_CreateResEnum_in *in = c->in;
	struct clusapi_CreateResEnum_out *out = c->out;
	struct entries e = { .call = c };
	struct object_in o;
	struct guid id;
	int r = object_in(c, &in->resource, OBJECT_RESOURCE, &o);

	if (r == 0)
		r = check_type(in->type);
	if (r == 0 && (in->type & DEPENDS))
		add_providers(&e, DEPENDS, o.key);
	if (r == 0 && (in->type & PROVIDES) && guid_parse(o.id, &id))
		add_dependents(&e, PROVIDES, &id);
	if (r == 0 && (in->type & NODES)) {
		if (db_value_find(o.key, U16("PossibleOwners"), NULL))
			add_nodes(&e, NODES, o.key, U16("PossibleOwners"));
		else
			add_all_nodes(&e, NODES);
	}
	finish_list(&e, r, &out->list);
}

static void create_res_type_enum(struct serve_call *c)
{
	enum { NODES = 1, RESOURCES = 2 };
	const struct clusapi_CreateResTypeEnum_in *in = c->in;
	struct clusapi_CreateResTypeEnum_out *out = c->out;
	const struct db_key *root = serve_root(c), *type = object_find(root, OBJECT_TYPE, u16_from_z(in->type_name));
	struct entries e = { .call = c };
	int r = type == NULL ? ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND : check_type(in->type);

	if (r == 0 && (in->type & NODES))
		add_all_nodes(&e, NODES);
	for (size_t i = 0; r == 0 && (in->type & RESOURCES) && i < object_count(root, OBJECT_RESOURCE); i++) {
		const struct db_key *resource = object_at(root, OBJECT_RESOURCE, i);

		if (u16_equal(object_type_of(resource), object_id(type)))
			add(&e, RESOURCES, object_name(resource, OBJECT_RESOURCE));
	}
	finish_list(&e, r, &out->list);
}

enum { NODE_INTERFACES = 1, NODE_GROUPS = 2, NODE_PREFERRED_GROUPS = 4, NODE_ENUM_ALL = 7 };

static void add_of_node(struct entries *e, uint32_t types, const struct object_in *node, bool ids)
{
	const struct db_key *root = serve_root(e->call);

	for (size_t i = 0; (types & NODE_INTERFACES) && i < object_count(root, OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(root, OBJECT_INTERFACE, i);

		if (u16_equal(object_string(interface, U16("Node")), node->id))
			add(e, NODE_INTERFACES, ids ? object_id(interface) : object_name(interface, OBJECT_INTERFACE));
	}
	for (size_t i = 0; i < object_count(root, OBJECT_GROUP); i++) {
		const struct db_key *group = object_at(root, OBJECT_GROUP, i);
		uint32_t number = object_node_number(node->id);
		const struct group_run *run;
		struct guid id;

		if (!guid_parse(object_id(group), &id))
			continue;
		run = group_run_find(cluster_groups(e->call->service->cluster), &id);
		if ((types & NODE_GROUPS) && run != NULL && run->owner == number)
			add(e, NODE_GROUPS, ids ? object_id(group) : object_name(group, OBJECT_GROUP));
		if ((types & NODE_PREFERRED_GROUPS) && group_preference(group, number) != UINT32_MAX)
			add(e, NODE_PREFERRED_GROUPS, ids ? object_id(group) : object_name(group, OBJECT_GROUP));
	}
}

static void create_node_enum(struct serve_call *c)
{
	const struct clusapi_CreateNodeEnum_in *in = c->in;
	struct clusapi_CreateNodeEnum_out *out = c->out;
	struct entries e = { .call = c };
	struct object_in o;
	int r = object_in(c, &in->node, OBJECT_NODE, &o);

	if (r == 0)
		r = check_type(in->type);
	if (r == 0)
		add_of_node(&e, in->type, &o, false);
	finish_list(&e, r, &out->list);
}

static void create_node_enum_ex(struct serve_call *c)
{
	const struct clusapi_CreateNodeEnumEx_in *in = c->in;
	struct clusapi_CreateNodeEnumEx_out *out = c->out;
	struct entries names = { .call = c }, ids = { .call = c };
	struct clusapi_enum_list *id_list = arena_alloc_zero(serve_arena(c), sizeof(*id_list));
	struct object_in o;
	int r = object_in(c, &in->node, OBJECT_NODE, &o);

	if (r == 0)
		r = in->options != 0 || (in->type & ~(uint32_t)NODE_ENUM_ALL) != 0 ? ERR_INVALID_PARAMETER
										   : check_type(in->type);
	if (r == 0) {
		add_of_node(&names, in->type, &o, false);
		add_of_node(&ids, in->type, &o, true);
		r = id_list == NULL ? -ENOMEM : ids.error;
	}
	if (r == 0) {
		*id_list = (struct clusapi_enum_list){ ids.count, ids.all };
		out->id_list = id_list;
	}
	finish_list(&names, r, &out->name_list);
}

static bool interface_is_of(const struct db_key *interface, const struct db_key *node, const struct db_key *network)
{
	return (node == NULL || u16_equal(object_string(interface, U16("Node")), object_id(node))) &&
	       (network == NULL || u16_equal(object_string(interface, U16("Network")), object_id(network)));
}

static void create_network_enum(struct serve_call *c)
{
	enum { INTERFACES = 1 };
	const struct clusapi_CreateNetworkEnum_in *in = c->in;
	struct clusapi_CreateNetworkEnum_out *out = c->out;
	const struct db_key *root = serve_root(c);
	struct entries e = { .call = c };
	struct object_in o;
	int r = object_in(c, &in->network, OBJECT_NETWORK, &o);

	if (r == 0)
		r = check_type(in->type);
	for (size_t i = 0; r == 0 && i < object_count(root, OBJECT_INTERFACE); i++)
		if (interface_is_of(object_at(root, OBJECT_INTERFACE, i), NULL, o.key))
			add(&e, INTERFACES, object_name(object_at(root, OBJECT_INTERFACE, i), OBJECT_INTERFACE));
	finish_list(&e, r, &out->list);
}

/* A node and a network by name; an empty name means any. */
static int find_ends(struct serve_call *c, const char16_t *node_name, const char16_t *network_name,
    const struct db_key **ret_node, const struct db_key **ret_network)
{
	struct u16 node = u16_from_z(node_name), network = u16_from_z(network_name);

	*ret_node = object_find(serve_root(c), OBJECT_NODE, node);
	*ret_network = object_find(serve_root(c), OBJECT_NETWORK, network);
	if (*ret_node == NULL && node.len > 0)
		return ERR_CLUSTER_NODE_NOT_FOUND;
	return *ret_network == NULL && network.len > 0 ? ERR_CLUSTER_NETWORK_NOT_FOUND : 0;
}

static void create_net_interface_enum(struct serve_call *c)
{
	enum { INTERFACE = 0x20 };
	const struct clusapi_CreateNetInterfaceEnum_in *in = c->in;
	struct clusapi_CreateNetInterfaceEnum_out *out = c->out;
	const struct db_key *root = serve_root(c), *node, *network;
	struct entries e = { .call = c };
	uint32_t access;
	int r = serve_cluster_in(c, &in->cluster, &access);

	if (r == 0)
		r = find_ends(c, in->node_name, in->network_name, &node, &network);
	for (size_t i = 0; r == 0 && i < object_count(root, OBJECT_INTERFACE); i++)
		if (interface_is_of(object_at(root, OBJECT_INTERFACE, i), node, network))
			add(&e, INTERFACE, object_name(object_at(root, OBJECT_INTERFACE, i), OBJECT_INTERFACE));
	finish_list(&e, r, &out->list);
}

static void get_net_interface(struct serve_call *c)
{
	const struct clusapi_GetNetInterface_in *in = c->in;
	struct clusapi_GetNetInterface_out *out = c->out;
	const struct db_key *root = serve_root(c), *node, *network;
	int r = find_ends(c, in->node_name, in->network_name, &node, &network);

	out->interface_name = u"";
	if (r == 0)
		r = node == NULL      ? ERR_CLUSTER_NODE_NOT_FOUND
		    : network == NULL ? ERR_CLUSTER_NETWORK_NOT_FOUND
				      : ERR_CLUSTER_NETINTERFACE_NOT_FOUND;
	for (size_t i = 0; node != NULL && network != NULL && i < object_count(root, OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(root, OBJECT_INTERFACE, i);

		if (!interface_is_of(interface, node, network))
			continue;
		out->interface_name = serve_dup(c, object_name(interface, OBJECT_INTERFACE));
		r = out->interface_name == NULL ? -ENOMEM : 0;
		break;
	}
	serve_finish(c, r);
}

/* Dependencies. */

static void propose_depend(struct serve_call *c, const struct ndr_handle *handle, enum depend_verb verb,
    const struct ndr_handle *provider, const char16_t *expression)
{
	struct command command = { .kind = COMMAND_RESOURCE_DEPEND, .version = COMMAND_VERSION };
	struct command_ResourceDepend *m = &command.resource_depend;
	struct object_in o, on;
	int r = object_to_change(c, handle, OBJECT_RESOURCE, &o);

	*m = (struct command_ResourceDepend){ .verb = verb, .expression = expression != NULL ? expression : u"" };
	if (r == 0 && !guid_parse(o.id, &m->id))
		r = ERR_RESOURCE_NOT_AVAILABLE;
	if (r == 0 && provider != NULL)
		r = object_in(c, provider, OBJECT_RESOURCE, &on);
	if (r == 0 && provider != NULL && !guid_parse(on.id, &m->provider))
		r = ERR_RESOURCE_NOT_AVAILABLE;
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	m->time = serve_now(c);
	serve_propose(c, &command);
}

static void add_resource_dependency(struct serve_call *c)
{
	const struct clusapi_AddResourceDependency_in *in = c->in;

	propose_depend(c, &in->resource, DEPEND_VERB_ADD, &in->depends_on, NULL);
}

static void remove_resource_dependency(struct serve_call *c)
{
	const struct clusapi_RemoveResourceDependency_in *in = c->in;

	propose_depend(c, &in->resource, DEPEND_VERB_REMOVE, &in->depends_on, NULL);
}

static void set_dependency_expression(struct serve_call *c)
{
	const struct clusapi_SetResourceDependencyExpression_in *in = c->in;

	propose_depend(c, &in->resource, DEPEND_VERB_SET, NULL, in->dependency_expression);
}

/* The expression with the names that the resources have now. */
static void put_names(struct buf *out, const struct db_key *root, const struct depend *d)
{
	struct buf ids = { 0 };
	const char16_t *text;
	size_t len;

	depend_format(d, &ids);
	text = (const char16_t *)(const void *)ids.data;
	len = ids.error != 0 ? 0 : ids.len / sizeof(*text);
	for (size_t i = 0; i < len; i++) {
		const struct db_key *resource = NULL;
		struct u16 name;

		buf_u16(out, text[i]);
		if (text[i] != '[')
			continue;
		name = (struct u16){ text + i + 1, GUID_TEXT_LEN };
		resource = object_by_id(root, OBJECT_RESOURCE, name);
		if (resource != NULL)
			name = object_name(resource, OBJECT_RESOURCE);
		for (size_t k = 0; k < name.len; k++)
			buf_u16(out, name.units[k]);
		i += GUID_TEXT_LEN;
	}
	if (ids.error != 0)
		out->error = ids.error;
	buf_done(&ids);
}

static void get_dependency_expression(struct serve_call *c)
{
	const struct clusapi_GetResourceDependencyExpression_in *in = c->in;
	struct clusapi_GetResourceDependencyExpression_out *out = c->out;
	_cleanup_(buf_done) struct buf text = { 0 };
	struct object_in o;
	int r = object_in(c, &in->resource, OBJECT_RESOURCE, &o);

	out->dependency_expression = u"";
	if (r == 0) {
		struct depend d = resource_depends(o.key);

		put_names(&text, serve_root(c), &d);
		out->dependency_expression =
		    text.error != 0
			? NULL
			: serve_dup(c, (struct u16){ (const char16_t *)(const void *)text.data, text.len / 2 });
		r = out->dependency_expression == NULL ? -ENOMEM : 0;
	}
	serve_finish(c, r);
}

/* Whether a dependency of the second on the first could be made: 0 or the reason why not. */
static void can_resource_be_dependent(struct serve_call *c)
{
	const struct clusapi_CanResourceBeDependent_in *in = c->in;
	struct object_in o, dependent;
	struct guid id, dependent_id;
	int r = object_in(c, &in->resource, OBJECT_RESOURCE, &o);

	if (r == 0)
		r = object_in(c, &in->resource_dependent, OBJECT_RESOURCE, &dependent);
	if (r == 0 && (!guid_parse(o.id, &id) || !guid_parse(dependent.id, &dependent_id)))
		r = ERR_RESOURCE_NOT_AVAILABLE;
	if (r == 0)
		r = group_may_depend(serve_root(c), &dependent_id, &id);
	serve_finish(c, r);
}

/* Owners. */

static void propose_nodes(struct serve_call *c, enum object_kind kind, const struct guid *id, enum nodes_verb verb,
    const uint32_t *nodes, uint32_t count)
{
	struct command command = { .kind = COMMAND_OBJECT_NODES, .version = COMMAND_VERSION };

	command.object_nodes = (struct command_ObjectNodes){ kind, *id, verb, nodes, count, serve_now(c) };
	serve_propose(c, &command);
}

static void change_resource_node(
    struct serve_call *c, const struct ndr_handle *resource, const struct ndr_handle *node, enum nodes_verb verb)
{
	struct object_in o, n;
	struct guid id;
	uint32_t number;
	int r = object_to_change(c, resource, OBJECT_RESOURCE, &o);

	if (r == 0)
		r = object_in(c, node, OBJECT_NODE, &n);
	if (r == 0 && !guid_parse(o.id, &id))
		r = ERR_RESOURCE_NOT_AVAILABLE;
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	number = object_node_number(n.id);
	propose_nodes(c, OBJECT_RESOURCE, &id, verb, &number, 1);
}

static void add_resource_node(struct serve_call *c)
{
	const struct clusapi_AddResourceNode_in *in = c->in;

	change_resource_node(c, &in->resource, &in->node, NODES_VERB_ADD);
}

static void remove_resource_node(struct serve_call *c)
{
	const struct clusapi_RemoveResourceNode_in *in = c->in;

	change_resource_node(c, &in->resource, &in->node, NODES_VERB_REMOVE);
}

enum { NODE_LIST_MAX = 64 };

/* Names or ids, each with a zero behind it, and a zero at the end. */
static int parse_node_list(
    struct serve_call *c, const uint16_t *units, uint32_t len, uint32_t *nodes, uint32_t *ret_count)
{
	uint32_t count = 0;

	for (uint32_t at = 0; at < len && units[at] != 0;) {
		struct u16 name = { units + at, 0 };
		const struct db_key *node;

		while (at + name.len < len && units[at + name.len] != 0)
			name.len++;
		node = object_find(serve_root(c), OBJECT_NODE, name);
		if (at + name.len == len || count == NODE_LIST_MAX)
			return ERR_INVALID_PARAMETER;
		if (node == NULL)
			return ERR_CLUSTER_NODE_NOT_FOUND;
		nodes[count++] = object_node_number(object_id(node));
		at += (uint32_t)name.len + 1;
	}
	*ret_count = count;
	return 0;
}

static void set_group_node_list(struct serve_call *c)
{
	const struct clusapi_SetGroupNodeList_in *in = c->in;
	uint32_t nodes[NODE_LIST_MAX], count = 0;
	struct object_in o;
	struct guid id;
	int r = object_to_change(c, &in->group, OBJECT_GROUP, &o);

	if (r == 0 && !guid_parse(o.id, &id))
		r = ERR_GROUP_NOT_AVAILABLE;
	if (r == 0)
		r = parse_node_list(c, in->node_list, in->node_list != NULL ? in->list_units : 0, nodes, &count);
	if (r < 0)
		serve_finish(c, r);
	else
		propose_nodes(c, OBJECT_GROUP, &id, NODES_VERB_SET, nodes, count);
}

serve_handler *serve_relate_handler(unsigned number)
{
	// clang-format off
	switch (number) {
	case CLUSAPI_CREATE_GROUP_RESOURCE_ENUM:	return create_group_resource_enum;
	case CLUSAPI_CREATE_RES_ENUM:			return create_res_enum;
	case CLUSAPI_CREATE_RES_TYPE_ENUM:		return create_res_type_enum;
	case CLUSAPI_CREATE_NODE_ENUM:			return create_node_enum;
	case CLUSAPI_CREATE_NODE_ENUM_EX:		return create_node_enum_ex;
	case CLUSAPI_CREATE_NETWORK_ENUM:		return create_network_enum;
	case CLUSAPI_CREATE_NET_INTERFACE_ENUM:		return create_net_interface_enum;
	case CLUSAPI_GET_NET_INTERFACE:			return get_net_interface;
	case CLUSAPI_ADD_RESOURCE_DEPENDENCY:		return add_resource_dependency;
	case CLUSAPI_REMOVE_RESOURCE_DEPENDENCY:	return remove_resource_dependency;
	case CLUSAPI_CAN_RESOURCE_BE_DEPENDENT:		return can_resource_be_dependent;
	case CLUSAPI_SET_RESOURCE_DEPENDENCY_EXPRESSION:	return set_dependency_expression;
	case CLUSAPI_GET_RESOURCE_DEPENDENCY_EXPRESSION:	return get_dependency_expression;
	case CLUSAPI_ADD_RESOURCE_NODE:			return add_resource_node;
	case CLUSAPI_REMOVE_RESOURCE_NODE:		return remove_resource_node;
	case CLUSAPI_SET_GROUP_NODE_LIST:		return set_group_node_list;
	default:					return NULL;
	}
	// clang-format on
}
