/* Notification ports: what filters let through, how queues end, what is told when they overflow.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/port.h"
#include "cluster/cluster.h"
#include "cluster/db/batch.h"
#include "tests/lib/test.h"
#include <stdio.h>

enum { QUEUE = 8 };

static struct cluster_change change(uint32_t type, uint32_t what, const char16_t *about)
{
	return (struct cluster_change){
		.type = type, .what = what, .about = about, .id = about, .parent = u"", .name = u"n", .type_name = u""
	};
}

static void offer(struct port *p, const struct cluster_change *changes, size_t count)
{
	struct cluster_result r = { .changes = (struct cluster_change *)changes, .change_count = count };

	port_offer(p, &r);
}

static void offer_one(struct port *p, uint32_t type, uint32_t what, const char16_t *about)
{
	struct cluster_change c = change(type, what, about);

	offer(p, &c, 1);
}

/* The next event is this one. */
static bool next_is(struct port *p, uint32_t key, uint32_t type, uint32_t what)
{
	const struct port_entry *e = port_first(p);
	bool is = e != NULL && e->notify_key == key && e->event->change.type == type && e->event->change.what == what;

	if (e != NULL)
		port_take(p);
	return is;
}

TEST(nothing_is_queued_without_a_filter)
{
	struct port p;

	port_init(&p, 2, QUEUE);
	offer_one(&p, CHANGE_GROUP, CHANGE_GROUP_STATE, u"a");
	CHECK(port_first(&p) == NULL);
	port_done(&p);
}

TEST(an_event_is_queued_once_for_each_filter_that_lets_it_through)
{
	struct port p;

	port_init(&p, 2, QUEUE);
	CHECK_INT(
	    port_filter(&p, &(struct port_filter){ 1, CHANGE_GROUP, CHANGE_GROUP_STATE, false, false, { 0 } }), 0);
	CHECK_INT(port_filter(&p, &(struct port_filter){ 2, CHANGE_GROUP, 0x1ff, true, false, U16("A") }), 0);
	CHECK_INT(port_filter(&p, &(struct port_filter){ 3, CHANGE_RESOURCE, 0x7ff, false, false, { 0 } }), 0);
	offer_one(&p, CHANGE_GROUP, CHANGE_GROUP_STATE, u"a"); /* In any case. */
	offer_one(&p, CHANGE_GROUP, CHANGE_GROUP_STATE, u"b");
	offer_one(&p, CHANGE_GROUP, CHANGE_GROUP_COMMON, u"b");
	CHECK(next_is(&p, 1, CHANGE_GROUP, CHANGE_GROUP_STATE));
	CHECK(next_is(&p, 2, CHANGE_GROUP, CHANGE_GROUP_STATE));
	CHECK(next_is(&p, 1, CHANGE_GROUP, CHANGE_GROUP_STATE));
	CHECK(port_first(&p) == NULL);
	port_done(&p);
}

TEST(version_1_tells_one_bit_of_an_object_once_for_an_event)
{
	const struct cluster_change changes[] = { change(CHANGE_RESOURCE, CHANGE_RESOURCE_DEPENDENCIES, u"a"),
		change(CHANGE_RESOURCE, CHANGE_RESOURCE_COMMON, u"a"),
		change(CHANGE_RESOURCE, CHANGE_RESOURCE_COMMON, u"b"),
		change(CHANGE_CLUSTER, CHANGE_CLUSTER_MEMBERSHIP, u"") };
	struct port p;

	port_init(&p, 1, QUEUE);
	CHECK_INT(port_filter(&p, &(struct port_filter){ .notify_key = 7, .flags = 0xffffffff }), 0);
	CHECK_INT(
	    port_filter(&p, &(struct port_filter){ 8, CHANGE_RESOURCE, PORT_V1_RESOURCE, true, false, U16("b") }), 0);
	offer(&p, changes, ARRAY_SIZE(changes));
	CHECK_INT(p.count, 3);
	CHECK_INT(port_first(&p)->event->v1, 0x800);
	CHECK(next_is(&p, 7, CHANGE_RESOURCE, CHANGE_RESOURCE_DEPENDENCIES));
	CHECK(next_is(&p, 7, CHANGE_RESOURCE, CHANGE_RESOURCE_COMMON));
	CHECK(next_is(&p, 8, CHANGE_RESOURCE, CHANGE_RESOURCE_COMMON));
	port_done(&p);
}

TEST(each_event_has_at_most_one_bit_of_version_1)
{
	for (uint32_t type = 0; type <= CHANGE_TYPES_MAX; type++)
		for (unsigned bit = 0; bit < 32; bit++) {
			uint32_t v1 = port_v1_bit(type, 1u << bit);

			CHECK((v1 & (v1 - 1)) == 0);
		}
}

TEST(a_full_queue_says_that_events_were_lost_and_goes_on)
{
	for (unsigned version = 1; version <= 2; version++) {
		struct port p;

		port_init(&p, version, 4);
		CHECK_INT(port_filter(&p, &(struct port_filter){ 5, version == 1 ? 0 : CHANGE_GROUP,
					      version == 1 ? 0x1000 : 8, false, false, { 0 } }),
		    0);
		CHECK_INT(port_filter(&p, &(struct port_filter){ 6, version == 1 ? 0 : CHANGE_CLUSTER,
					      version == 1 ? 0x80000 : 0x200, false, false, { 0 } }),
		    0);
		for (unsigned i = 0; i < 4; i++)
			offer_one(&p, CHANGE_GROUP, CHANGE_GROUP_STATE, u"a");
		CHECK_INT(p.count, 4); /* As many as fit are no loss. */
		CHECK(p.entries[3].event->change.type == CHANGE_GROUP);
		for (unsigned i = 0; i < 100; i++)
			offer_one(&p, CHANGE_GROUP, CHANGE_GROUP_STATE, u"a");
		CHECK_INT(p.count, 4);
		CHECK(next_is(&p, 5, CHANGE_GROUP, CHANGE_GROUP_STATE));
		offer_one(
		    &p, CHANGE_GROUP, CHANGE_GROUP_OWNER_NODE, u"a"); /* There is room again, in version 1 for this. */
		CHECK(next_is(&p, 5, CHANGE_GROUP, CHANGE_GROUP_STATE));
		CHECK(next_is(&p, 5, CHANGE_GROUP, CHANGE_GROUP_STATE));
		CHECK_INT(port_first(&p)->event->v1, 0x80000);
		CHECK(next_is(&p, 6, CHANGE_CLUSTER, CHANGE_CLUSTER_LOST));
		CHECK(version == 2 || next_is(&p, 5, CHANGE_GROUP, CHANGE_GROUP_OWNER_NODE));
		CHECK(port_first(&p) == NULL);
		CHECK_INT(p.bytes, 0);
		port_done(&p);
	}
}

TEST(bytes_are_bounded_as_well)
{
	static const uint8_t data[CHANGE_DATA_MAX];
	struct cluster_change c = change(CHANGE_GROUP, CHANGE_GROUP_COMMON, u"a");
	struct port p;

	c.data = data;
	c.len = sizeof(data);
	port_init(&p, 2, 1000);
	CHECK_INT(port_filter(&p, &(struct port_filter){ 5, CHANGE_GROUP, 0x1ff, false, false, { 0 } }), 0);
	for (unsigned i = 0; i < 1000; i++)
		offer(&p, &c, 1);
	CHECK(p.count < 100 && p.bytes <= PORT_BYTES_MAX);
	while (p.count > 1)
		port_take(&p);
	CHECK(next_is(&p, 5, CHANGE_CLUSTER, CHANGE_CLUSTER_LOST)); /* Nobody asked for it: the first filter's key. */
	port_done(&p);
}

/* The registry: a batch of these operations is told to a filter for "Apps" as these names. */
static void keys_are(uint32_t flags, bool subtree, struct u16 target, const char *expected)
{
	static const struct db_op ops[] = {
		{ .kind = DB_OP_KEY_CREATE, .path = U16("Apps\\new\\deep") },
		{ .kind = DB_OP_VALUE_SET, .path = U16("Apps"), .value = { .name = U16("v") } },
		{ .kind = DB_OP_VALUE_DELETE, .path = U16("Apps\\old"), .value = { .name = U16("w") } },
		{ .kind = DB_OP_SET_SECURITY, .path = U16("apps") },
		{ .kind = DB_OP_VALUE_SET, .path = U16("AppsOther"), .value = { .name = U16("x") } },
		{ .kind = DB_OP_KEY_DELETE, .path = U16("Apps\\old") },
		{ .kind = DB_OP_KEY_DELETE, .path = U16("Others") },
	};
	struct cluster_result r = { 0 };
	struct db_batch batch;
	char text[400] = "";
	struct port p;
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	CHECK_INT(db_key_create(db, U16("Apps\\old"), 1, NULL), 0);
	r.before = db_snapshot_take(db);
	db_batch_begin(&batch, 1);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		db_batch_add(&batch, &ops[i]);
	r.batch = batch.bytes;
	port_init(&p, 2, 100);
	CHECK_INT(port_filter(&p, &(struct port_filter){ 1, CHANGE_REGISTRY, flags, true, subtree, target }), 0);
	port_offer(&p, &r);
	for (; p.count > 0; port_take(&p)) {
		char name[100], value[100];
		const struct cluster_change *c = &port_first(&p)->event->change;

		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u:%s:%s ", (unsigned)c->what,
		    u16_to_utf8_buffer(u16_from_z(c->name), name, sizeof(name)),
		    u16_to_utf8_buffer(u16_from_z(c->parent), value, sizeof(value)));
	}
	if (strcmp(text, expected) != 0)
		test_fail(__FILE__, __LINE__, "is \"%s\", not \"%s\"", text, expected);
	port_done(&p);
	db_snapshot_unref(r.before);
	buf_done(&batch.path);
	buf_done(&batch.bytes);
	db_free(db);
}

TEST(a_key_is_told_what_happens_to_it_and_its_subkeys_names)
{
	keys_are(0xb, false, U16("Apps"), "2:new: 8::v 1:: 2:old: ");
	keys_are(0xb, true, U16("Apps"), "2:new: 2:new\\deep: 8::v 8:old:w 1:: 2:old: ");
	keys_are(0x8, true, (struct u16){ 0 }, "8:Apps:v 8:Apps\\old:w 8:AppsOther:x ");
	keys_are(0x8, false, U16("Apps\\old"), "8::w ");
	keys_are(0x2, false, (struct u16){ 0 }, "2:Others: ");
}

TEST(a_key_that_goes_with_one_above_it_is_told)
{
	keys_are(0x2, false, U16("Others\\below\\deep"), "2:: ");
	keys_are(0x2, false, U16("Oth"), "");
}
