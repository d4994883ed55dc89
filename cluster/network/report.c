/* report: networks and interfaces made of what the nodes see of their links.
 *
 * Why      nobody should have to type in what the kernel knows; and all nodes must agree about which of their interfaces
 *          are on one network.  So each node reports what it has, and here, where there is one order, reports become objects.
 * How      a *network* is an IPv4 subnet, or, where a link has none, its IPv6 subnets.  An *interface* is an adapter of a
 *          node on a network:
 *
 *             eth0  192.0.2.7/24, 2001:db8::7/64   ─►  Cluster Network 1: 192.0.2.0/24, with 2001:db8::/64
 *                   198.51.100.7/24                ─►  Cluster Network 2: 198.51.100.0/24
 *             eth1  2001:db8:1::7/64               ─►  Cluster Network 3: 2001:db8:1::/64
 *
 *          IPv6 subnets of an adapter belong to its first network.  An adapter with IPv6 only is on the first network that
 *          has one of its subnets.  What is there already is used, whoever made it, and only values that differ are set:
 *          a name or a role that an administrator gave is never touched.
 * Gone     an interface goes when its node reports without it; a network goes with its last interface.  Interfaces
 *          without the value Adapter are not made here, and stay.
 * Promise  a pure function of database and report.  The same report twice changes nothing.
 * Frozen   these rules are the log's meaning: other ones need another version of the command.
 * Limits   report.h.       Threads  the loop thread.       Tests  tests/unit/network.c, tests/integration/networks.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/network/report.h"
#include "base/sha256.h"
#include "cluster/network/address.h"
#include "cluster/object/change.h"
#include "cluster/object/edit.h"
#include "cluster/object/property.h"
#include "wire/command.h"
#include <stdio.h>
#include <string.h>

enum { REG_SZ = 1, REG_MULTI_SZ = 7, ID_TEXT = GUID_TEXT_LEN + 1, NAME_MAX_UNITS = OBJECT_NAME_MAX + 1 };

/* The addresses of one adapter that are on one network. */
struct seen {
	struct u16 adapter, adapter_id;
	struct ip_address *addresses; /* Those of IPv4 first. */
	size_t count, v4;
	bool dynamic;
	char16_t network[ID_TEXT], id[ID_TEXT];
};

struct report {
	const struct command_NodeInterfaces *command;
	struct change change;
	struct interface_table *table;
	char16_t node[OBJECT_NODE_ID_MAX];
	struct u16 node_id;
	unsigned ids; /* Drawn so far. */
	struct seen *seen;
	size_t seen_count;
	struct ip_address *pool; /* Where the addresses of all seen live. */
};

static const struct db_key *root_of(const struct report *r)
{
	return db_root(r->change.db);
}

static struct u16 id16(const char16_t id[ID_TEXT])
{
	return (struct u16){ id, GUID_TEXT_LEN };
}

static bool is_name(struct u16 s, size_t least)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.units[i] < ' ')
			return false;
	return s.len >= least && s.len <= ADAPTER_NAME_MAX;
}

static struct ip_address address_of(const struct command_adapter_address *e)
{
	struct ip_address a = { .family = e->family, .prefix = e->prefix };

	memcpy(a.bytes, e->address, e->family == 4 ? 4 : 16);
	return a;
}

static int check(const struct db_key *root, const struct command_NodeInterfaces *c, struct u16 node_id)
{
	if (object_by_id(root, OBJECT_NODE, node_id) == NULL)
		return ERR_CLUSTER_NODE_NOT_FOUND;
	if (c->addresses_count > REPORT_ADDRESSES_MAX)
		return ERR_INVALID_PARAMETER;
	for (uint32_t i = 0; i < c->addresses_count; i++) {
		const struct command_adapter_address *e = &c->addresses[i];
		struct ip_address a;

		if (e->adapter == NULL || e->adapter_id == NULL || !is_name(u16_from_z(e->adapter), 1) ||
		    !is_name(u16_from_z(e->adapter_id), 0))
			return ERR_INVALID_PARAMETER;
		if (e->family == ADAPTER_KEPT)
			continue;
		a = address_of(e);
		if (!ip_is_valid(&a))
			return ERR_INVALID_PARAMETER;
	}
	return 0;
}

/* Gathering. */

/* One more address of the network at hand; they are next to each other in the pool. */
static void take(struct seen *s, const struct command_adapter_address *e)
{
	s->addresses[s->count++] = address_of(e);
	s->dynamic |= (e->flags & ADAPTER_ADDRESS_DYNAMIC) != 0;
}

static bool same_adapter(const struct command_adapter_address *a, const struct command_adapter_address *b)
{
	return u16_equal_exact(u16_from_z(a->adapter), u16_from_z(b->adapter));
}

/* The network of entries[first], with all addresses of the same subnet, and those of IPv6 if it is the adapter's first. */
static void gather(struct report *r, const struct command_adapter_address *entries, size_t count, size_t first,
    struct ip_address **pool)
{
	struct seen *s = &r->seen[r->seen_count];
	struct ip_address subnet = ip_subnet(address_of(&entries[first]));
	bool is_first = r->seen_count == 0 || !u16_equal_exact(s[-1].adapter, u16_from_z(entries[first].adapter));

	*s = (struct seen){ .adapter = u16_from_z(entries[first].adapter),
		.adapter_id = u16_from_z(entries[first].adapter_id),
		.addresses = *pool };
	for (size_t i = first; subnet.family == 4 && i < count; i++) {
		struct ip_address a = address_of(&entries[i]), its = ip_subnet(a);

		if (entries[i].family == 4 && ip_equal(&its, &subnet))
			take(s, &entries[i]);
	}
	s->v4 = s->count;
	for (size_t i = 0; is_first && i < count; i++)
		if (entries[i].family == 6)
			take(s, &entries[i]);
	if (s->count > 0)
		r->seen_count++;
	*pool += s->count;
}

static bool is_new_subnet(const struct command_adapter_address *entries, size_t at)
{
	struct ip_address subnet = ip_subnet(address_of(&entries[at]));

	for (size_t i = 0; i < at; i++) {
		struct ip_address other = ip_subnet(address_of(&entries[i]));

		if (entries[i].family == 4 && ip_equal(&other, &subnet))
			return false;
	}
	return true;
}

static int gather_all(struct report *r)
{
	const struct command_adapter_address *all = r->command->addresses;
	size_t total = r->command->addresses_count;
	struct ip_address *pool;

	r->seen = calloc(total + 1, sizeof(*r->seen));
	r->pool = pool = calloc(total + 1, sizeof(*r->pool));
	if (r->seen == NULL || r->pool == NULL)
		return -ENOMEM;
	for (size_t first = 0, end; first < total; first = end) {
		bool any4 = false;
		size_t six = SIZE_MAX;

		for (end = first; end < total && same_adapter(&all[first], &all[end]); end++) {
			any4 |= all[end].family == 4;
			if (six == SIZE_MAX && all[end].family == 6)
				six = end - first;
		}
		for (size_t i = 0; i < end - first; i++)
			if (all[first + i].family == 4 && is_new_subnet(all + first, i))
				gather(r, all + first, end - first, i, &pool);
		if (!any4 && six != SIZE_MAX)
			gather(r, all + first, end - first, six, &pool);
	}
	return 0;
}

/* Finding and making networks. */

/* Subnet number *at of the network's IPv6 lists.  false: there is none. */
static bool next_v6(const struct db_key *network, size_t at[2], struct ip_address *ret)
{
	struct u16 text, length;

	while (object_list_next(network, U16("IPv6Addresses"), &at[0], &text) &&
	       object_list_next(network, U16("IPv6PrefixLengths"), &at[1], &length)) {
		if (!ip_parse(text, ret) || ret->family != 6)
			continue;
		ret->prefix = object_node_number(length); /* A small decimal number, as that is. */
		if (ip_is_valid(ret))
			return true;
	}
	return false;
}

static bool is_on(const struct db_key *network, const struct seen *s)
{
	char16_t text[IP_TEXT_MAX], mask[IP_TEXT_MAX];
	struct ip_address subnet = ip_subnet(s->addresses[0]), other;
	size_t at[2] = { 0 };

	if (s->v4 > 0)
		return u16_equal(object_string(network, U16("Address")), ip_format(&subnet, text)) &&
		       u16_equal(object_string(network, U16("AddressMask")), ip_format_mask(&subnet, mask));
	while (next_v6(network, at, &other))
		for (size_t i = 0; i < s->count; i++) {
			struct ip_address its = ip_subnet(s->addresses[i]);

			if (ip_equal(&its, &other))
				return true;
		}
	return false;
}

static void draw_id(struct report *r, char16_t ret[ID_TEXT])
{
	struct guid id;

	do {
		uint8_t seed[sizeof(r->command->seed.bytes) + 4];
		struct digest d;

		memcpy(seed, r->command->seed.bytes, sizeof(r->command->seed.bytes));
		put_le32(seed + sizeof(r->command->seed.bytes), r->ids++);
		d = sha256_of(seed, sizeof(seed));
		id = guid_from_random(d.bytes);
		guid_format_u16(&id, ret);
	} while (object_by_id(root_of(r), OBJECT_NETWORK, id16(ret)) != NULL ||
		 object_by_id(root_of(r), OBJECT_INTERFACE, id16(ret)) != NULL);
}

/* "Cluster Network N", with the lowest N that is free. */
static struct u16 free_network_name(const struct db_key *root, char16_t text[NAME_MAX_UNITS])
{
	for (unsigned number = 1;; number++) {
		char narrow[64];
		struct u16 name = { text, (size_t)snprintf(narrow, sizeof(narrow), "Cluster Network %u", number) };

		for (size_t i = 0; i <= name.len; i++)
			text[i] = (unsigned char)narrow[i];
		if (object_find(root, OBJECT_NETWORK, name) == NULL)
			return name;
	}
}

static void make_network(struct report *r, struct seen *s)
{
	char16_t name[NAME_MAX_UNITS], text[IP_TEXT_MAX];
	struct ip_address subnet = ip_subnet(s->addresses[0]);
	struct u16 none = { u"", 0 };
	struct change_path path;

	draw_id(r, s->network);
	path = CHANGE_PATH(object_container(OBJECT_NETWORK), id16(s->network));
	change_create_key(&r->change, path);
	change_set_string(&r->change, path, U16("Name"), free_network_name(root_of(r), name));
	change_set_string(&r->change, path, U16("Address"), s->v4 > 0 ? ip_format(&subnet, text) : none);
	change_set_string(&r->change, path, U16("AddressMask"), s->v4 > 0 ? ip_format_mask(&subnet, text) : none);
	change_set_number(
	    &r->change, path, U16("Role"), property_number(PROPERTY_CLUSTER, root_of(r), U16("DefaultNetworkRole")));
}

static void find_network(struct report *r, struct seen *s)
{
	for (size_t i = 0; i < object_count(root_of(r), OBJECT_NETWORK); i++) {
		const struct db_key *network = object_at(root_of(r), OBJECT_NETWORK, i);
		struct guid id;

		if (guid_parse(object_id(network), &id) && is_on(network, s)) {
			guid_format_u16(&id, s->network);
			return;
		}
	}
	make_network(r, s);
}

/* Values that are set only if they are other ones. */

static void set_value(struct report *r, struct change_path path, struct u16 name, uint32_t type, struct buf *b)
{
	const struct db_key *container = db_find(root_of(r), path.component[0]);
	const struct db_key *key = container != NULL ? db_find(container, path.component[1]) : NULL;
	struct db_value is;

	if (r->change.error == 0)
		r->change.error = b->error;
	if (r->change.error == 0 && !(key != NULL && db_value_find(key, name, &is) && is.type == type &&
					is.len == b->len && (b->len == 0 || memcmp(is.data, b->data, b->len) == 0)))
		change_set(&r->change, path, &(struct db_value){ name, type, b->data, b->len });
	buf_done(b);
}

static void append(struct buf *b, struct u16 s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_u16(b, s.units[i]);
	buf_u16(b, 0);
}

static void set_text(struct report *r, struct change_path path, struct u16 name, struct u16 text)
{
	struct buf b = { 0 };

	append(&b, text);
	set_value(r, path, name, REG_SZ, &b);
}

static void append_prefix(struct buf *b, unsigned prefix)
{
	char16_t text[OBJECT_NODE_ID_MAX];

	append(b, object_node_id(prefix, text));
}

/* Interfaces. */

/* "node - adapter", and a number behind it if another interface has that name. */
static struct u16 free_interface_name(struct report *r, const struct seen *s, char16_t text[NAME_MAX_UNITS])
{
	const struct db_key *node = object_by_id(root_of(r), OBJECT_NODE, r->node_id);
	struct u16 parts[] = { object_name(node, OBJECT_NODE), U16(" - "), s->adapter };
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (size_t j = 0; j < parts[i].len && len < OBJECT_NAME_MAX - 16; j++)
			text[len++] = parts[i].units[j];
	for (unsigned number = 1;; number++) {
		struct u16 name = { text, len };
		char narrow[16];

		if (number > 1)
			name.len += (size_t)snprintf(narrow, sizeof(narrow), " (%u)", number);
		for (size_t i = len; i < name.len; i++)
			text[i] = (unsigned char)narrow[i - len];
		if (object_find(root_of(r), OBJECT_INTERFACE, name) == NULL)
			return name;
	}
}

/* Made by a report of this node. */
static bool is_ours(const struct report *r, const struct db_key *interface)
{
	return u16_equal(object_string(interface, U16("Node")), r->node_id) &&
	       object_string(interface, U16("Adapter")).len > 0;
}

static void find_interface(struct report *r, struct seen *s)
{
	char16_t name[NAME_MAX_UNITS];
	struct change_path path;
	struct guid id;

	for (size_t i = 0; i < object_count(root_of(r), OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(root_of(r), OBJECT_INTERFACE, i);

		if (guid_parse(object_id(interface), &id) && is_ours(r, interface) &&
		    u16_equal_exact(object_string(interface, U16("Adapter")), s->adapter) &&
		    u16_equal(object_string(interface, U16("Network")), id16(s->network))) {
			guid_format_u16(&id, s->id);
			return;
		}
	}
	draw_id(r, s->id);
	path = CHANGE_PATH(object_container(OBJECT_INTERFACE), id16(s->id));
	change_create_key(&r->change, path);
	change_set_string(&r->change, path, U16("Name"), free_interface_name(r, s, name));
	change_set_string(&r->change, path, U16("Node"), r->node_id);
	change_set_string(&r->change, path, U16("Network"), id16(s->network));
	change_set_string(&r->change, path, U16("Adapter"), s->adapter);
}

static void set_addresses(struct report *r, struct change_path path, const struct seen *s)
{
	struct buf four = { 0 }, six = { 0 }, dynamic = { 0 };
	char16_t text[IP_TEXT_MAX];

	for (size_t i = 0; i < s->count; i++)
		append(i < s->v4 ? &four : &six, ip_format(&s->addresses[i], text));
	buf_u16(&four, 0);
	buf_u16(&six, 0);
	buf_u32(&dynamic, s->dynamic);
	set_text(r, path, U16("Address"), s->v4 > 0 ? ip_format(&s->addresses[0], text) : (struct u16){ u"", 0 });
	set_value(r, path, U16("IPv4Addresses"), REG_MULTI_SZ, &four);
	set_value(r, path, U16("IPv6Addresses"), REG_MULTI_SZ, &six);
	set_value(r, path, U16("DhcpEnabled"), 4, &dynamic);
}

static int set_state(struct report *r, struct u16 id_text, enum interface_state state)
{
	struct interface_run run = { .node = r->command->node, .state = state };

	return guid_parse(id_text, &run.id) ? interface_table_set(r->table, &run) : 0;
}

/* What the node has not reported. */

static bool is_seen(const struct report *r, struct u16 id)
{
	for (size_t i = 0; i < r->seen_count; i++)
		if (u16_equal(id16(r->seen[i].id), id))
			return true;
	return false;
}

static bool is_kept(const struct report *r, struct u16 adapter)
{
	for (uint32_t i = 0; i < r->command->addresses_count; i++)
		if (r->command->addresses[i].family == ADAPTER_KEPT &&
		    u16_equal_exact(u16_from_z(r->command->addresses[i].adapter), adapter))
			return true;
	return false;
}

static bool has_interface(const struct db_key *root, struct u16 network)
{
	for (size_t i = 0; i < object_count(root, OBJECT_INTERFACE); i++)
		if (u16_equal(object_string(object_at(root, OBJECT_INTERFACE, i), U16("Network")), network))
			return true;
	return false;
}

/* Over the moment before: the head changes under the walk. */
static void remove_unseen(struct report *r, const struct db_key *before)
{
	for (size_t i = 0; i < object_count(before, OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(before, OBJECT_INTERFACE, i);
		struct u16 network = object_string(interface, U16("Network"));

		if (!is_ours(r, interface) || is_seen(r, object_id(interface)) ||
		    is_kept(r, object_string(interface, U16("Adapter"))))
			continue;
		change_delete_key(&r->change, CHANGE_PATH(object_container(OBJECT_INTERFACE), object_id(interface)));
		if (!has_interface(root_of(r), network) && object_by_id(root_of(r), OBJECT_NETWORK, network) != NULL)
			change_delete_key(&r->change, CHANGE_PATH(object_container(OBJECT_NETWORK), network));
	}
}

/* The lists of a network's subnets. */

static bool has_address_in(const struct db_key *root, struct u16 network, const struct ip_address *subnet)
{
	for (size_t i = 0; i < object_count(root, OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(root, OBJECT_INTERFACE, i);
		struct ip_address a;
		struct u16 text;
		size_t at = 0;

		if (!u16_equal(object_string(interface, U16("Network")), network))
			continue;
		while (object_list_next(interface, U16("IPv6Addresses"), &at, &text))
			if (ip_parse(text, &a) && a.family == 6 && ip_is_in(&a, subnet))
				return true;
	}
	return false;
}

struct subnets {
	struct ip_address *items;
	size_t count;
};

static void add_subnet(struct subnets *all, struct ip_address subnet)
{
	for (size_t i = 0; i < all->count; i++)
		if (ip_equal(&all->items[i], &subnet))
			return;
	all->items[all->count++] = subnet;
}

static void set_lists(struct report *r, struct change_path path, const struct subnets *six)
{
	const struct db_key *network = object_by_id(root_of(r), OBJECT_NETWORK, path.component[1]);
	struct buf addresses[2] = { { 0 }, { 0 } }, lengths[2] = { { 0 }, { 0 } };
	char16_t text[IP_TEXT_MAX];
	struct ip_address mask;

	if (ip_parse(object_string(network, U16("AddressMask")), &mask) && mask.family == 4) {
		unsigned bits = 0;

		while (bits < 32 && (mask.bytes[bits / 8] & (0x80u >> bits % 8)) != 0)
			bits++;
		append(&addresses[0], object_string(network, U16("Address")));
		append_prefix(&lengths[0], bits);
	}
	for (size_t i = 0; i < six->count; i++) {
		append(&addresses[1], ip_format(&six->items[i], text));
		append_prefix(&lengths[1], six->items[i].prefix);
	}
	for (size_t i = 0; i < 2; i++) {
		buf_u16(&addresses[i], 0);
		buf_u16(&lengths[i], 0);
	}
	set_value(r, path, U16("IPv4Addresses"), REG_MULTI_SZ, &addresses[0]);
	set_value(r, path, U16("IPv4PrefixLengths"), REG_MULTI_SZ, &lengths[0]);
	set_value(r, path, U16("IPv6Addresses"), REG_MULTI_SZ, &addresses[1]);
	set_value(r, path, U16("IPv6PrefixLengths"), REG_MULTI_SZ, &lengths[1]);
}

/* Those IPv6 subnets stay in which any interface has an address, and those that were reported come to them. */
static int update_lists(struct report *r, struct u16 id)
{
	const struct db_key *network = object_by_id(root_of(r), OBJECT_NETWORK, id);
	struct subnets six = { 0 };
	struct ip_address subnet;
	size_t at[2] = { 0 }, old = 0;

	if (network == NULL)
		return 0;
	while (next_v6(network, at, &subnet))
		old++;
	six.items = calloc(old + REPORT_ADDRESSES_MAX, sizeof(*six.items));
	if (six.items == NULL)
		return -ENOMEM;
	for (at[0] = at[1] = 0; next_v6(network, at, &subnet);)
		if (has_address_in(root_of(r), id, &subnet))
			add_subnet(&six, subnet);
	for (size_t i = 0; i < r->seen_count; i++)
		for (size_t j = r->seen[i].v4; u16_equal(id16(r->seen[i].network), id) && j < r->seen[i].count; j++)
			add_subnet(&six, ip_subnet(r->seen[i].addresses[j]));
	set_lists(r, CHANGE_PATH(object_container(OBJECT_NETWORK), id), &six);
	free(six.items);
	return 0;
}

/* All networks that an interface of this node is or was on. */
static int update_networks(struct report *r, const struct db_key *before)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < r->seen_count; i++)
		e = update_lists(r, id16(r->seen[i].network));
	for (size_t i = 0; e == 0 && i < object_count(before, OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(before, OBJECT_INTERFACE, i);

		if (is_ours(r, interface) && object_string(interface, U16("Network")).len > 0)
			e = update_lists(r, object_string(interface, U16("Network")));
	}
	return e;
}

static int set_states(struct report *r)
{
	int e = 0;

	interface_table_forget_node(r->table, r->command->node);
	for (size_t i = 0; e == 0 && i < r->seen_count; i++)
		e = set_state(r, id16(r->seen[i].id), INTERFACE_UP);
	for (size_t i = 0; e == 0 && i < object_count(root_of(r), OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(root_of(r), OBJECT_INTERFACE, i);

		if (is_ours(r, interface) && !is_seen(r, object_id(interface)))
			e = set_state(r, object_id(interface), INTERFACE_FAILED);
	}
	return e;
}

static int carry_out(struct report *r)
{
	const struct db_key *before = db_snapshot_root(r->change.before);
	int e = gather_all(r);

	for (size_t i = 0; e == 0 && i < r->seen_count; i++) {
		struct change_path path;

		find_network(r, &r->seen[i]);
		find_interface(r, &r->seen[i]);
		path = CHANGE_PATH(object_container(OBJECT_INTERFACE), id16(r->seen[i].id));
		set_text(r, path, U16("AdapterId"), r->seen[i].adapter_id);
		set_addresses(r, path, &r->seen[i]);
		/* The next IPv6-only adapter looks at these. */
		e = r->change.error != 0 ? r->change.error : update_lists(r, id16(r->seen[i].network));
	}
	if (e == 0)
		remove_unseen(r, before);
	if (e == 0)
		e = r->change.error != 0 ? r->change.error : update_networks(r, before);
	return e;
}

int network_report(struct db *db, struct interface_table *t, const struct command_NodeInterfaces *c, struct buf *batch)
{
	struct report r = { .command = c, .table = t };
	int e;

	r.node_id = object_node_id(c->node, r.node);
	e = check(db_root(db), c, r.node_id);
	if (e == 0)
		e = change_begin(&r.change, db, c->time, batch);
	if (e < 0)
		return e;
	e = carry_out(&r);
	if (r.change.error == 0)
		r.change.error = e;
	e = change_end(&r.change);
	if (e == 0)
		e = set_states(&r);
	free(r.seen);
	free(r.pool);
	return e;
}
