/* Networks and interfaces: what reports of nodes make of them, their states, their order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/changes.h"
#include "cluster/network/address.h"
#include "cluster/network/order.h"
#include "cluster/network/report.h"
#include "cluster/object/edit.h"
#include "cluster/object/property.h"
#include "cluster/runtime.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include "wire/command.h"
#include "wire/proplist.h"
#include <stdio.h>

enum { TIME = 900, BEGIN = 100, LIFE = 70 };

static uint64_t counter;
static uint8_t seed_byte;

static struct guid id_of(uint8_t digit)
{
	struct guid g;

	memset(g.bytes, digit * 0x11, sizeof(g.bytes));
	return g;
}

static uint32_t event(struct cluster *c, struct cluster_event e, struct cluster_result *ret)
{
	struct cluster_result own = { 0 }, *result = ret != NULL ? ret : &own;

	e.index = cluster_applied(c) + 1;
	CHECK_INT(cluster_apply(c, &e, result), 0);
	cluster_result_done(&own);
	return result->status;
}

static uint32_t apply(struct cluster *c, uint64_t life, struct command command, struct cluster_result *ret)
{
	struct buf b = { 0 };
	uint32_t status;

	command.version = COMMAND_VERSION;
	CHECK_INT(ndr_message_push(&command_messages, &command, &b), 0);
	status = event(c,
	    (struct cluster_event){
		.kind = CLUSTER_COMMAND, .incarnation = life, .counter = ++counter, .bytes = b.data, .len = b.len },
	    ret);
	buf_done(&b);
	return status;
}

static void node(struct cluster *c, enum cluster_event_kind kind, uint32_t number)
{
	event(c, (struct cluster_event){ .kind = kind, .node = number, .incarnation = LIFE + number }, NULL);
}

/* Nodes 1 and 2, up. */
static struct cluster *begin(void)
{
	struct cluster_seed seed = { .cluster_name = U16("CLU"),
		.node_name = U16("one"),
		.instance_id = id_of(1),
		.core_group_id = id_of(2),
		.storage_group_id = id_of(3),
		.quorum_resource_id = id_of(4),
		.quorum_path = U16("Q:\\"),
		.time = TIME };
	struct object_creation two = { .kind = OBJECT_NODE, .name = U16("two"), .time = TIME };
	struct buf batch = { 0 };
	struct cluster *c;
	struct db *db;

	CHECK_INT(cluster_seed_database(&seed, &db), 0);
	CHECK_INT(object_create(db, &two, &batch), 0);
	buf_done(&batch);
	CHECK_INT(cluster_new(db, &c), 0);
	cluster_begin_at(c, BEGIN);
	node(c, CLUSTER_NODE_JOINED, 1);
	node(c, CLUSTER_NODE_JOINED, 2);
	return c;
}

/* "eth0 192.0.2.7/24; eth0 2001:db8::7/64; eth1 kept" */
static uint32_t parse(const char *text, struct command_adapter_address entries[16], char16_t names[16][16])
{
	uint32_t count = 0;

	while (*text != 0) {
		struct command_adapter_address *e = &entries[count];
		char name[16], address[64];
		char16_t wide[64];
		unsigned prefix = 0;
		struct ip_address a = { 0 };
		int used = 0;

		CHECK(sscanf(text, "%15s %63[^/; ]%n", name, address, &used) == 2);
		text += used;
		if (*text == '/')
			prefix = (unsigned)strtoul(text + 1, (char **)&text, 10);
		text += strspn(text, "; ");
		for (size_t i = 0; i < 16; i++)
			names[count][i] = (unsigned char)name[i];
		for (size_t i = 0; i < 64; i++)
			wide[i] = (unsigned char)address[i];
		*e = (struct command_adapter_address){ .adapter = names[count], .adapter_id = u"52:54:00:00:00:01" };
		if (strcmp(address, "kept") != 0) {
			CHECK(ip_parse(u16_from_z(wide), &a));
			e->family = a.family;
			e->prefix = prefix;
			memcpy(e->address, a.bytes, sizeof(e->address));
		}
		count++;
	}
	return count;
}

static uint32_t tell_as(struct cluster *c, uint64_t life, uint32_t number, const char *text, struct cluster_result *ret)
{
	struct command_adapter_address entries[16];
	char16_t names[16][16];
	struct command command = { .kind = COMMAND_NODE_INTERFACES };

	command.node_interfaces = (struct command_NodeInterfaces){ .node = number,
		.seed = id_of(++seed_byte),
		.addresses_count = parse(text, entries, names),
		.addresses = entries,
		.time = TIME };
	return apply(c, life, command, ret);
}

static uint32_t tell(struct cluster *c, uint32_t number, const char *text)
{
	return tell_as(c, LIFE + number, number, text, NULL);
}

static const struct db_key *find(struct cluster *c, enum object_kind kind, struct u16 name)
{
	const struct db_key *object = object_find(db_root(cluster_db(c)), kind, name);

	CHECK(object != NULL);
	return object;
}

static size_t count(struct cluster *c, enum object_kind kind)
{
	return object_count(db_root(cluster_db(c)), kind);
}

static bool text_is(const struct db_key *key, struct u16 name, struct u16 text)
{
	return u16_equal_exact(object_string(key, name), text);
}

/* The items of a list, with spaces between. */
static bool list_is(const struct db_key *key, struct u16 name, struct u16 text)
{
	char16_t joined[200];
	struct u16 all = { joined, 0 }, item;
	size_t at = 0;

	while (object_list_next(key, name, &at, &item)) {
		if (all.len > 0)
			joined[all.len++] = ' ';
		for (size_t i = 0; i < item.len; i++)
			joined[all.len++] = item.units[i];
	}
	return u16_equal_exact(all, text);
}

static int net_state(struct cluster *c, struct u16 name)
{
	return (int)network_state_of(
	    &cluster_runtime(c)->interfaces, db_root(cluster_db(c)), object_id(find(c, OBJECT_NETWORK, name)));
}

static int if_state(struct cluster *c, struct u16 name)
{
	return (int)interface_state_of(&cluster_runtime(c)->interfaces, find(c, OBJECT_INTERFACE, name));
}

static void set_role(struct cluster *c, struct u16 name, uint32_t role)
{
	struct command set = { .kind = COMMAND_PROPERTIES_SET };
	char16_t id[GUID_TEXT_LEN + 1] = { 0 };
	struct buf list = { 0 };
	uint8_t value[4];

	memcpy(id, object_id(find(c, OBJECT_NETWORK, name)).units, GUID_TEXT_LEN * sizeof(char16_t));
	put_le32(value, role);
	proplist_begin(&list);
	proplist_add(&list, U16("Role"), PROP_DWORD, value, sizeof(value));
	proplist_end(&list);
	set.properties_set = (struct command_PropertiesSet){
		.kind = PROPERTY_NETWORK, .id = id, .list_size = (uint32_t)list.len, .list = list.data, .time = TIME
	};
	CHECK_INT(apply(c, LIFE + 1, set, NULL), 0);
	buf_done(&list);
}

TEST(addresses_are_read_written_and_cut_to_their_subnets)
{
	static const struct {
		struct u16 text;
		unsigned prefix;
		struct u16 subnet;
	} rows[] = {
		{ U16("192.0.2.7"), 24, U16("192.0.2.0") },
		{ U16("10.1.255.255"), 17, U16("10.1.128.0") },
		{ U16("10.1.127.255"), 1, U16("0.0.0.0") },
		{ U16("255.255.255.255"), 31, U16("255.255.255.254") },
		{ U16("2001:db8:1:2:3:4:5:6"), 64, U16("2001:db8:1:2::") },
		{ U16("2001:db8:1:ffff::"), 49, U16("2001:db8:1:8000::") },
	};
	static const struct u16 bad[] = { U16(""), U16("1.2.3"), U16("1.2.3.4.5"), U16("1.2.3.256"), U16(":"),
		U16("g::"), U16("\u0661.2.3.4"), U16("00000000000000000000000000000000000000000000000") };
	char16_t text[IP_TEXT_MAX];
	struct ip_address a, b;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(ip_parse(rows[i].text, &a));
		CHECK(u16_equal_exact(ip_format(&a, text), rows[i].text));
		a.prefix = rows[i].prefix;
		CHECK(ip_is_valid(&a));
		b = ip_subnet(a);
		CHECK(u16_equal_exact(ip_format(&b, text), rows[i].subnet));
		CHECK(ip_is_in(&a, &b));
		a.bytes[0] ^= 0x80;
		CHECK(!ip_is_in(&a, &b));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!ip_parse(bad[i], &a));
	CHECK(ip_parse(U16("192.0.2.1"), &a));
	CHECK(!ip_is_valid(&a));
	a.prefix = 32;
	CHECK(!ip_is_valid(&a));
	a.prefix = 20;
	CHECK(u16_equal_exact(ip_format_mask(&a, text), U16("255.255.240.0")));
	CHECK(ip_parse(U16("169.254.1.1"), &a) && ip_is_link_local(&a));
	CHECK(ip_parse(U16("169.253.1.1"), &a) && !ip_is_link_local(&a));
	CHECK(ip_parse(U16("febf::1"), &a) && ip_is_link_local(&a));
	CHECK(ip_parse(U16("fec0::1"), &a) && !ip_is_link_local(&a));
}

TEST(a_report_makes_networks_and_interfaces)
{
	struct cluster *c = begin();
	const struct db_key *net, *i;

	CHECK_INT(
	    tell(c, 1,
		"eth0 192.0.2.7/24; eth0 192.0.2.9/24; eth0 2001:db8::7/64; eth1 2001:db8:1::7/48; eth2 10.0.0.1/8"),
	    0);
	CHECK_INT(count(c, OBJECT_NETWORK), 3);
	CHECK_INT(count(c, OBJECT_INTERFACE), 3);
	net = find(c, OBJECT_NETWORK, U16("Cluster Network 1"));
	CHECK(text_is(net, U16("Address"), U16("192.0.2.0")) && text_is(net, U16("AddressMask"), U16("255.255.255.0")));
	CHECK(
	    list_is(net, U16("IPv4Addresses"), U16("192.0.2.0")) && list_is(net, U16("IPv4PrefixLengths"), U16("24")));
	CHECK(
	    list_is(net, U16("IPv6Addresses"), U16("2001:db8::")) && list_is(net, U16("IPv6PrefixLengths"), U16("64")));
	CHECK_INT(property_number(PROPERTY_NETWORK, net, U16("Role")), 3);
	i = find(c, OBJECT_INTERFACE, U16("one - eth0"));
	CHECK(text_is(i, U16("Node"), U16("1")) && text_is(i, U16("Network"), object_id(net)));
	CHECK(text_is(i, U16("Adapter"), U16("eth0")) && text_is(i, U16("AdapterId"), U16("52:54:00:00:00:01")));
	CHECK(text_is(i, U16("Address"), U16("192.0.2.7")));
	CHECK(list_is(i, U16("IPv4Addresses"), U16("192.0.2.7 192.0.2.9")));
	CHECK(list_is(i, U16("IPv6Addresses"), U16("2001:db8::7")));
	net = find(c, OBJECT_NETWORK, U16("Cluster Network 2"));
	CHECK(text_is(net, U16("Address"), U16("")) && list_is(net, U16("IPv4Addresses"), U16("")));
	CHECK(list_is(net, U16("IPv6Addresses"), U16("2001:db8:1::")));
	CHECK_INT(net_state(c, U16("Cluster Network 1")), NETWORK_UP);
	CHECK_INT(if_state(c, U16("one - eth2")), INTERFACE_UP);
	cluster_free(c);
}

TEST(an_adapter_in_two_subnets_has_two_interfaces_with_names_of_their_own)
{
	struct cluster *c = begin();

	CHECK_INT(tell(c, 1, "eth0 192.0.2.7/24; eth0 2001:db8::7/64; eth0 198.51.100.7/24"), 0);
	CHECK(text_is(find(c, OBJECT_INTERFACE, U16("one - eth0")), U16("Address"), U16("192.0.2.7")));
	CHECK(text_is(find(c, OBJECT_INTERFACE, U16("one - eth0 (2)")), U16("Address"), U16("198.51.100.7")));
	CHECK(list_is(find(c, OBJECT_INTERFACE, U16("one - eth0 (2)")), U16("IPv6Addresses"), U16("")));
	CHECK_INT(count(c, OBJECT_NETWORK), 2);
	cluster_free(c);
}

TEST(the_same_report_changes_nothing)
{
	static const char *const text =
	    "eth0 192.0.2.7/24; eth0 2001:db8::7/64; eth0 198.51.100.7/24; eth1 2001:db8:1::7/64";
	struct cluster *c = begin();
	struct cluster_result result = { 0 };
	struct digest before;

	CHECK_INT(tell(c, 1, text), 0);
	before = db_digest(cluster_db(c));
	CHECK_INT(tell_as(c, LIFE + 1, 1, text, &result), 0);
	CHECK_INT(result.batch.len, 0);
	CHECK_INT(result.change_count, 0);
	CHECK(digest_equal(&before, (struct digest[]){ db_digest(cluster_db(c)) }));
	cluster_result_done(&result);
	cluster_free(c);
}

TEST(nodes_in_one_subnet_are_on_one_network)
{
	struct cluster *c = begin();

	CHECK_INT(tell(c, 1, "eth0 192.0.2.7/24; eth1 2001:db8:1::7/64"), 0);
	CHECK_INT(tell(c, 2, "ens3 192.0.2.8/24; ens3 2001:db8:2::8/64; ens4 2001:db8:1::8/64; ens5 192.0.2.8/25"), 0);
	CHECK_INT(count(c, OBJECT_NETWORK), 3); /* Another mask is another subnet. */
	CHECK_INT(count(c, OBJECT_INTERFACE), 5);
	CHECK(list_is(find(c, OBJECT_NETWORK, U16("Cluster Network 1")), U16("IPv6Addresses"), U16("2001:db8:2::")));
	CHECK_INT(net_state(c, U16("Cluster Network 1")), NETWORK_UP);
	/* What only the lost node had of the network goes from its list; the network stays with the other. */
	CHECK_INT(tell(c, 2, "ens5 192.0.2.8/25"), 0);
	CHECK(list_is(find(c, OBJECT_NETWORK, U16("Cluster Network 1")), U16("IPv6Addresses"), U16("")));
	CHECK_INT(count(c, OBJECT_NETWORK), 3);
	CHECK_INT(count(c, OBJECT_INTERFACE), 3);
	cluster_free(c);
}

TEST(a_network_goes_with_its_last_interface_and_not_before)
{
	struct cluster *c = begin();

	CHECK_INT(tell(c, 1, "eth0 192.0.2.7/24; eth1 10.0.0.1/8"), 0);
	CHECK_INT(tell(c, 2, "eth0 192.0.2.8/24"), 0);
	CHECK_INT(tell(c, 1, "eth1 10.0.0.1/8"), 0);
	CHECK_INT(count(c, OBJECT_NETWORK), 2);
	CHECK_INT(tell(c, 2, ""), 0);
	CHECK_INT(count(c, OBJECT_NETWORK), 1);
	CHECK(object_find(db_root(cluster_db(c)), OBJECT_NETWORK, U16("Cluster Network 2")) != NULL);
	/* The number is free again. */
	CHECK_INT(tell(c, 2, "eth0 192.0.2.8/24"), 0);
	CHECK(text_is(find(c, OBJECT_NETWORK, U16("Cluster Network 1")), U16("Address"), U16("192.0.2.0")));
	cluster_free(c);
}

TEST(a_link_that_is_down_keeps_its_interfaces_as_failed)
{
	struct cluster *c = begin();
	struct cluster_result result = { 0 };
	unsigned states = 0;

	CHECK_INT(tell(c, 1, "eth0 192.0.2.7/24; eth1 10.0.0.1/8"), 0);
	CHECK_INT(tell_as(c, LIFE + 1, 1, "eth0 kept; eth1 10.0.0.1/8", &result), 0);
	CHECK_INT(result.batch.len, 0);
	CHECK_INT(if_state(c, U16("one - eth0")), INTERFACE_FAILED);
	CHECK_INT(net_state(c, U16("Cluster Network 1")), NETWORK_DOWN);
	CHECK_INT(net_state(c, U16("Cluster Network 2")), NETWORK_UP);
	for (size_t i = 0; i < result.change_count; i++)
		if (result.changes[i].what == CHANGE_STATE) {
			uint32_t state = get_le32(result.changes[i].data);

			CHECK(result.changes[i].type == CHANGE_NETWORK ? state == NETWORK_DOWN
								       : state == INTERFACE_FAILED);
			states++;
		}
	CHECK_INT(states, 2);
	cluster_result_done(&result);
	CHECK_INT(tell(c, 1, "eth0 192.0.2.7/24; eth1 10.0.0.1/8; eth9 kept"), 0); /* Never seen: nothing to keep. */
	CHECK_INT(if_state(c, U16("one - eth0")), INTERFACE_UP);
	CHECK_INT(count(c, OBJECT_INTERFACE), 2);
	cluster_free(c);
}

TEST(interfaces_of_a_node_that_is_down_are_unavailable)
{
	struct cluster *c = begin();

	CHECK_INT(tell(c, 1, "eth0 192.0.2.7/24"), 0);
	CHECK_INT(tell(c, 2, "eth0 192.0.2.8/24; eth1 10.0.0.1/8"), 0);
	node(c, CLUSTER_NODE_LOST, 2);
	CHECK_INT(if_state(c, U16("two - eth0")), INTERFACE_UNAVAILABLE);
	CHECK_INT(net_state(c, U16("Cluster Network 2")), NETWORK_UNAVAILABLE);
	CHECK_INT(net_state(c, U16("Cluster Network 1")), NETWORK_UP);
	CHECK_INT(tell(c, 2, "eth0 192.0.2.8/24"), 5023); /* A report of a life that is over. */
	event(c, (struct cluster_event){ .kind = CLUSTER_NODE_JOINED, .node = 1, .incarnation = 5 }, NULL);
	CHECK_INT(if_state(c, U16("one - eth0")), INTERFACE_UNAVAILABLE); /* The new life has said nothing yet. */
	CHECK_INT(tell_as(c, 5, 1, "eth0 192.0.2.7/24", NULL), 0);
	CHECK_INT(if_state(c, U16("one - eth0")), INTERFACE_UP);
	cluster_free(c);
}

TEST(one_unreachable_interface_among_two_that_work_is_a_partition)
{
	struct cluster *c = begin();
	struct interface_table t = { 0 };
	struct u16 id;

	CHECK_INT(tell(c, 1, "eth0 192.0.2.7/24; eth1 192.0.2.9/24"), 0);
	CHECK_INT(tell(c, 2, "eth0 192.0.2.8/24"), 0);
	id = object_id(find(c, OBJECT_NETWORK, U16("Cluster Network 1")));
	for (unsigned up = 0; up <= 2; up++) {
		for (size_t i = 0; i < 3; i++) {
			struct interface_run run = { .state = i < up ? INTERFACE_UP : INTERFACE_UNREACHABLE };

			CHECK(guid_parse(object_id(object_at(db_root(cluster_db(c)), OBJECT_INTERFACE, i)), &run.id));
			CHECK_INT(interface_table_set(&t, &run), 0);
		}
		CHECK_INT(network_state_of(&t, db_root(cluster_db(c)), id), up == 0   ? NETWORK_DOWN
									    : up == 1 ? NETWORK_UP
										      : NETWORK_PARTITIONED);
	}
	interface_table_done(&t);
	cluster_free(c);
}

TEST(what_an_administrator_made_or_named_is_used_and_stays)
{
	struct cluster *c = begin();
	struct command rename = { .kind = COMMAND_OBJECT_RENAME }, create = { .kind = COMMAND_OBJECT_CREATE };
	char16_t id[GUID_TEXT_LEN + 1];

	CHECK_INT(tell(c, 1, "eth0 192.0.2.7/24"), 0);
	memcpy(id, object_id(find(c, OBJECT_NETWORK, U16("Cluster Network 1"))).units, GUID_TEXT_LEN * 2);
	id[GUID_TEXT_LEN] = 0;
	rename.object_rename = (struct command_ObjectRename){ OBJECT_NETWORK, id, u"Front", TIME };
	CHECK_INT(apply(c, LIFE + 1, rename, NULL), 0);
	set_role(c, U16("Front"), 1);
	create.object_create = (struct command_ObjectCreate){ .kind = OBJECT_INTERFACE,
		.name = u"by hand",
		.id = id_of(9),
		.type_name = u"",
		.display_name = u"",
		.time = TIME };
	CHECK_INT(apply(c, LIFE + 1, create, NULL), 0);
	CHECK_INT(tell(c, 1, "eth0 192.0.2.17/24"), 0);
	CHECK_INT(tell(c, 2, "eth0 192.0.2.8/24"), 0);
	CHECK_INT(count(c, OBJECT_NETWORK), 1);
	CHECK_INT(property_number(PROPERTY_NETWORK, find(c, OBJECT_NETWORK, U16("Front")), U16("Role")), 1);
	CHECK(text_is(find(c, OBJECT_INTERFACE, U16("one - eth0")), U16("Address"), U16("192.0.2.17")));
	CHECK_INT(tell(c, 1, ""), 0);
	CHECK_INT(tell(c, 2, ""), 0);
	CHECK_INT(count(c, OBJECT_NETWORK), 0);
	find(c, OBJECT_INTERFACE, U16("by hand"));
	cluster_free(c);
}

TEST(a_report_that_is_nonsense_is_refused)
{
	static const struct {
		struct command_adapter_address entry;
		uint32_t node, status;
	} rows[] = {
		{ { u"eth0", u"", 0, 4, 24, { 1 } }, 3, 5042 },
		{ { u"eth0", u"", 0, 5, 24, { 1 } }, 1, 87 },
		{ { u"eth0", u"", 0, 4, 0, { 1 } }, 1, 87 },
		{ { u"eth0", u"", 0, 4, 32, { 1 } }, 1, 87 },
		{ { u"eth0", u"", 0, 6, 128, { 1 } }, 1, 87 },
		{ { u"", u"", 0, 4, 24, { 1 } }, 1, 87 },
		{ { NULL, u"", 0, 4, 24, { 1 } }, 1, 87 },
		{ { u"eth0", NULL, 0, 4, 24, { 1 } }, 1, 87 },
		{ { u"e\nh", u"", 0, 4, 24, { 1 } }, 1, 87 },
		{ { u"0123456789012345678901234567890123456789012345678901234567890123", u"", 0, 4, 24, { 1 } }, 1,
		    87 },
	};
	struct command_adapter_address many[REPORT_ADDRESSES_MAX + 1];
	struct cluster *c = begin();
	struct command command = { .kind = COMMAND_NODE_INTERFACES };

	node(c, CLUSTER_NODE_JOINED, 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		command.node_interfaces = (struct command_NodeInterfaces){
			.node = rows[i].node, .addresses_count = 1, .addresses = (void *)&rows[i].entry, .time = TIME
		};
		CHECK_INT(apply(c, LIFE + rows[i].node, command, NULL), rows[i].status);
	}
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct command_adapter_address){ u"eth0", u"", 0, 4, 24, { (uint8_t)(i >> 8), (uint8_t)i } };
	command.node_interfaces.node = 1;
	command.node_interfaces.addresses = many;
	command.node_interfaces.addresses_count = ARRAY_SIZE(many);
	CHECK_INT(apply(c, LIFE + 1, command, NULL), 87);
	CHECK_INT(count(c, OBJECT_NETWORK), 0);
	command.node_interfaces.addresses_count--;
	CHECK_INT(apply(c, LIFE + 1, command, NULL), 0);
	CHECK_INT(count(c, OBJECT_NETWORK), REPORT_ADDRESSES_MAX);
	cluster_free(c);
}

static uint32_t order(struct cluster *c, const char *names)
{
	struct command command = { .kind = COMMAND_NETWORK_ORDER };
	struct guid ids[8];

	command.network_order = (struct command_NetworkOrder){ .networks = ids, .time = TIME };
	for (; *names != 0; names++) {
		char16_t name[] = u"Cluster Network X";

		name[16] = (unsigned char)*names;
		CHECK(guid_parse(object_id(find(c, OBJECT_NETWORK, u16_from_z(name))),
		    &ids[command.network_order.networks_count++]));
	}
	return apply(c, LIFE + 1, command, NULL);
}

static bool order_is(struct cluster *c, const char *names)
{
	for (size_t i = 0; names[i] != 0; i++) {
		const struct db_key *network = network_internal_at(db_root(cluster_db(c)), i);

		if (network == NULL || object_name(network, OBJECT_NETWORK).units[16] != (unsigned char)names[i])
			return false;
	}
	return network_internal_at(db_root(cluster_db(c)), strlen(names)) == NULL;
}

TEST(the_order_of_internal_networks_is_theirs_alone_and_all_of_it)
{
	struct cluster *c = begin();

	CHECK_INT(tell(c, 1, "a 10.1.0.1/16; b 10.2.0.1/16; c 10.3.0.1/16; d 10.4.0.1/16"), 0);
	CHECK_INT(order(c, "3142"), 0);
	CHECK(order_is(c, "3142"));
	CHECK_INT(order(c, "314"), 87);
	CHECK_INT(order(c, "3144"), 87);
	CHECK_INT(order(c, "31422"), 87);
	CHECK(order_is(c, "3142"));
	/* Of a network that only clients use, nothing is said here. */
	set_role(c, U16("Cluster Network 1"), 2);
	CHECK(order_is(c, "342"));
	CHECK_INT(order(c, "3142"), 87);
	CHECK_INT(order(c, "234"), 0);
	CHECK(order_is(c, "234"));
	cluster_free(c);
}

TEST(states_are_saved_and_what_is_damaged_is_refused)
{
	struct cluster *c = begin();
	struct interface_table loaded = { 0 };
	struct buf saved = { 0 }, twice = { 0 };
	struct cursor cursor;

	CHECK_INT(tell(c, 1, "a 10.1.0.1/16; b 10.2.0.1/16"), 0);
	interface_table_save(&cluster_runtime(c)->interfaces, &saved);
	for (size_t len = 0; len <= saved.len; len++) {
		cursor = cursor_make(saved.data, len);
		CHECK_INT(interface_table_load(&loaded, &cursor), 0);
		CHECK_INT(cursor.error != 0, len < saved.len);
		if (len == saved.len)
			interface_table_save(&loaded, &twice);
		interface_table_done(&loaded);
	}
	CHECK_INT(saved.len, twice.len);
	CHECK_MEM(saved.data, twice.data, saved.len);
	saved.data[4 + 16 + 4] = 4; /* A state that there is not. */
	cursor = cursor_make(saved.data, saved.len);
	CHECK_INT(interface_table_load(&loaded, &cursor), 0);
	CHECK(cursor.error != 0);
	interface_table_done(&loaded);
	buf_done(&saved);
	buf_done(&twice);
	cluster_free(c);
}

TEST(without_memory_a_report_fails_and_leaks_nothing)
{
	struct buf b = { 0 };
	struct command_adapter_address entries[16];
	char16_t names[16][16];
	struct command command = { .kind = COMMAND_NODE_INTERFACES, .version = COMMAND_VERSION };
	bool more = true;

	command.node_interfaces = (struct command_NodeInterfaces){ .node = 1,
		.seed = id_of(7),
		.addresses_count = parse("eth0 192.0.2.7/24; eth0 2001:db8::7/64", entries, names),
		.addresses = entries,
		.time = TIME };
	CHECK_INT(ndr_message_push(&command_messages, &command, &b), 0);
	for (uint64_t nth = 1; more; nth++) {
		struct cluster_result result = { 0 };
		struct cluster *c;
		int r;

		failalloc_begin(0);
		c = begin();
		failalloc_arm(nth);
		r = cluster_apply(c,
		    &(struct cluster_event){ .kind = CLUSTER_COMMAND,
			.index = cluster_applied(c) + 1,
			.incarnation = LIFE + 1,
			.counter = ++counter,
			.bytes = b.data,
			.len = b.len },
		    &result);
		more = failalloc_hit();
		failalloc_arm(0);
		CHECK_INT(r, more ? -ENOMEM : 0);
		cluster_result_done(&result);
		cluster_free(c);
		(void)failalloc_end();
	}
	buf_done(&b);
}
