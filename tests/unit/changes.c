/* What an event did to which object: each kind of change, told once and with all its fields.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/changes.h"
#include "cluster/db/regbatch.h"
#include "cluster/group/apply.h"
#include "cluster/group/relate.h"
#include "cluster/object/edit.h"
#include "cluster/runtime.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include "wire/command.h"
#include "wire/proplist.h"
#include "wire/regbuf.h"

enum { TIME = 900, NODE = 1, LIFE = 77 };

static struct guid id_of(uint8_t digit)
{
	struct guid g;

	memset(g.bytes, digit * 0x11, sizeof(g.bytes));
	return g;
}

/* Group 5 (G) with resources 6 (A) and 7 (B), group 9 (H) with none. */
static struct cluster *begin(void)
{
	static const struct {
		enum object_kind kind;
		uint8_t id, group;
		const char16_t *name;
	} objects[] = { { OBJECT_GROUP, 5, 0, u"G" }, { OBJECT_GROUP, 9, 0, u"H" }, { OBJECT_RESOURCE, 6, 5, u"A" },
		{ OBJECT_RESOURCE, 7, 5, u"B" } };
	struct cluster_seed seed = { .cluster_name = U16("CLU"),
		.node_name = U16("node1"),
		.instance_id = id_of(1),
		.core_group_id = id_of(2),
		.storage_group_id = id_of(3),
		.quorum_resource_id = id_of(4),
		.quorum_path = U16("Q:\\"),
		.time = TIME };
	struct cluster *c;
	struct db *db;

	CHECK_INT(cluster_seed_database(&seed, &db), 0);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		struct object_creation o = { .kind = objects[i].kind,
			.name = u16_from_z(objects[i].name),
			.id = id_of(objects[i].id),
			.group_id = id_of(objects[i].group),
			.type_name = U16("Generic Script"),
			.time = TIME };
		struct buf batch = { 0 };

		CHECK_INT(object_create(db, &o, &batch), 0);
		buf_done(&batch);
	}
	CHECK_INT(cluster_new(db, &c), 0);
	cluster_begin_at(c, 100);
	return c;
}

static uint64_t counter;

static uint32_t apply_event(struct cluster *c, struct cluster_event event, struct cluster_result *ret)
{
	event.index = cluster_applied(c) + 1;
	*ret = (struct cluster_result){ 0 };
	CHECK_INT(cluster_apply(c, &event, ret), 0);
	return ret->status;
}

static uint32_t apply(struct cluster *c, struct command command, struct cluster_result *ret)
{
	struct cluster_event event = { .kind = CLUSTER_COMMAND, .incarnation = LIFE, .counter = ++counter };
	struct buf b = { 0 };
	uint32_t status;

	command.version = COMMAND_VERSION;
	CHECK_INT(ndr_message_push(&command_messages, &command, &b), 0);
	event.bytes = b.data;
	event.len = b.len;
	status = apply_event(c, event, ret);
	buf_done(&b);
	return status;
}

static const char16_t *text_of(uint8_t digit)
{
	static char16_t text[4][GUID_TEXT_LEN + 1];
	static unsigned next;
	struct guid id = id_of(digit);

	next = (next + 1) % 4;
	guid_format_u16(&id, text[next]);
	return text[next];
}

/* How many there are of that kind; *ret is the last. */
static unsigned count(const struct cluster_result *r, uint32_t type, uint32_t what, struct cluster_change *ret)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->change_count; i++) {
		if (r->changes[i].type != type || r->changes[i].what != what)
			continue;
		n++;
		if (ret != NULL)
			*ret = r->changes[i];
	}
	return n;
}

static bool is(const char16_t *a, const char16_t *b)
{
	return u16_equal(u16_from_z(a), u16_from_z(b));
}

static bool data_is(const struct cluster_change *c, const char16_t *text)
{
	size_t len = (u16_from_z(text).len + 1) * sizeof(char16_t);

	return c->len == len && memcmp(c->data, text, len) == 0;
}

static struct command create(enum object_kind kind, const char16_t *name, uint8_t id, uint8_t group)
{
	return (struct command){ .kind = COMMAND_OBJECT_CREATE,
		.object_create = { .kind = kind,
		    .name = name,
		    .id = id_of(id),
		    .group_id = id_of(group),
		    .type_name = u"Generic Script",
		    .display_name = u"",
		    .time = TIME } };
}

TEST(objects_that_come_and_go_are_told)
{
	struct cluster *c = begin();
	struct cluster_change change;
	struct cluster_result r;

	CHECK_INT(apply(c, create(OBJECT_GROUP, u"New", 8, 0), &r), 0);
	CHECK_INT(r.change_count, 1);
	CHECK_INT(count(&r, CHANGE_CLUSTER, CHANGE_CLUSTER_GROUP_ADDED, &change), 1);
	CHECK(is(change.about, u"") && is(change.id, text_of(8)) && is(change.name, u"New") && change.len == 4);
	cluster_result_done(&r);

	CHECK_INT(apply(c, create(OBJECT_RESOURCE, u"R", 10, 8), &r), 0);
	CHECK_INT(r.change_count, 2);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_RESOURCE_ADDED, &change), 1);
	CHECK(is(change.about, text_of(8)) && is(change.id, text_of(10)) && is(change.name, u"R"));
	CHECK(data_is(&change, text_of(8)));
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_RESOURCE_GAINED, &change), 1);
	CHECK(is(change.id, text_of(8)) && data_is(&change, text_of(10)));
	cluster_result_done(&r);

	CHECK_INT(apply(c,
		      (struct command){
			  .kind = COMMAND_OBJECT_DELETE, .object_delete = { OBJECT_RESOURCE, text_of(10), 0, TIME } },
		      &r),
	    0);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_DELETED, &change), 1);
	CHECK(is(change.about, text_of(10)) && is(change.parent, text_of(8)) && is(change.name, u"R"));
	CHECK(is(change.type_name, u"Generic Script") && data_is(&change, text_of(8)));
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_RESOURCE_LOST, NULL), 1);
	CHECK_INT(r.change_count, 2);
	cluster_result_done(&r);

	CHECK_INT(apply(c,
		      (struct command){
			  .kind = COMMAND_OBJECT_DELETE, .object_delete = { OBJECT_GROUP, text_of(8), 0, TIME } },
		      &r),
	    0);
	CHECK_INT(r.change_count, 1);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_DELETED, &change), 1);
	CHECK(is(change.name, u"New"));
	cluster_result_done(&r);
	CHECK_INT(apply(c, create(OBJECT_NETWORK, u"Net", 11, 0), &r), 0);
	CHECK_INT(count(&r, CHANGE_CLUSTER, CHANGE_CLUSTER_NETWORK_ADDED, NULL), 1);
	cluster_result_done(&r);
	CHECK_INT(apply(c, create(OBJECT_NODE, u"node2", 0, 0), &r), 0);
	CHECK_INT(count(&r, CHANGE_CLUSTER, CHANGE_CLUSTER_NODE_ADDED, &change), 1);
	CHECK(is(change.id, u"2") && get_le32(change.data) == NODE_DOWN);
	cluster_result_done(&r);
	cluster_free(c);
}

TEST(a_refused_command_tells_nothing)
{
	struct cluster *c = begin();
	struct cluster_result r;

	CHECK(apply(c, create(OBJECT_GROUP, u"G", 8, 0), &r) != 0);
	CHECK_INT(r.change_count, 0);
	cluster_result_done(&r);
	cluster_free(c);
}

static uint32_t set_value(
    struct cluster *c, const char16_t *path, const char16_t *name, uint32_t number, struct cluster_result *ret)
{
	struct buf batch = { 0 };
	uint8_t data[4];
	uint32_t status;

	put_le32(data, number);
	regbuf_begin(&batch);
	regbuf_add(&batch, &(struct regbuf_command){ REGBUF_SET_VALUE, 4, u16_from_z(name), data, sizeof(data) });
	status = apply(c,
	    (struct command){
		.kind = COMMAND_REG_BATCH, .reg_batch = { path, batch.data, (uint32_t)batch.len, 0, TIME } },
	    ret);
	buf_done(&batch);
	return status;
}

static void path_of(const char16_t *container, uint8_t id, const char16_t *rest, char16_t *ret)
{
	const char16_t *parts[] = { container, u"\\", text_of(id), rest };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const char16_t *p = parts[i]; *p != 0; p++)
			*ret++ = *p;
	*ret = 0;
}

TEST(a_write_to_an_objects_key_is_a_change_of_its_properties)
{
	struct cluster *c = begin();
	struct cluster_change change;
	struct cluster_result r;
	struct proplist list;
	char16_t path[200];

	path_of(u"Resources", 6, u"", path);
	CHECK_INT(set_value(c, path, u"RestartAction", 1, &r), 0);
	CHECK_INT(r.change_count, 1);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_COMMON, &change), 1);
	CHECK(is(change.id, text_of(6)) && is(change.parent, text_of(5)) && is(change.name, u"A"));
	proplist_init(&list, change.data, change.len);
	CHECK_INT(proplist_next(&list), 1);
	CHECK(u16_equal(list.name, U16("RestartAction")));
	CHECK_INT(proplist_next(&list), 0);
	cluster_result_done(&r);

	CHECK_INT(set_value(c, path, u"RestartAction", 1, &r), 0); /* As it was. */
	CHECK_INT(r.change_count, 0);
	cluster_result_done(&r);

	path_of(u"Resources", 6, u"\\Parameters", path);
	CHECK_INT(set_value(c, path, u"Mine", 1, &r), 0);
	CHECK_INT(r.change_count, 1);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_PRIVATE, NULL), 1);
	cluster_result_done(&r);

	path_of(u"Groups", 5, u"", path);
	CHECK_INT(set_value(c, path, u"FailoverThreshold", 3, &r), 0);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_COMMON, NULL), 1);
	cluster_result_done(&r);
	CHECK_INT(set_value(c, u"", u"ClusterLogLevel", 5, &r), 0);
	CHECK_INT(count(&r, CHANGE_CLUSTER, CHANGE_CLUSTER_COMMON, NULL), 1);
	cluster_result_done(&r);
	CHECK_INT(set_value(c, u"Quorum", u"Other", 5, &r), 0);
	CHECK_INT(r.change_count, 0);
	CHECK(r.before != NULL && r.batch.len > 0);
	cluster_result_done(&r);
	cluster_free(c);
}

TEST(renames_are_told)
{
	struct cluster *c = begin();
	struct cluster_change change;
	struct cluster_result r;

	CHECK_INT(apply(c,
		      (struct command){ .kind = COMMAND_OBJECT_RENAME,
			  .object_rename = { OBJECT_GROUP, text_of(5), u"Other", TIME } },
		      &r),
	    0);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_COMMON, &change), 1);
	CHECK(is(change.name, u"Other"));
	cluster_result_done(&r);
	CHECK_INT(
	    apply(c, (struct command){ .kind = COMMAND_CLUSTER_RENAME, .cluster_rename = { u"NEW", TIME } }, &r), 0);
	CHECK_INT(count(&r, CHANGE_CLUSTER, CHANGE_CLUSTER_RENAME, &change), 1);
	CHECK(is(change.name, u"NEW"));
	CHECK_INT(count(&r, CHANGE_CLUSTER, CHANGE_CLUSTER_COMMON, NULL), 1);
	cluster_result_done(&r);
	cluster_free(c);
}

TEST(what_binds_objects_together_is_told_to_both)
{
	struct cluster *c = begin();
	uint32_t nodes[] = { 1 };
	struct cluster_change change;
	struct cluster_result r;

	CHECK_INT(apply(c,
		      (struct command){ .kind = COMMAND_RESOURCE_DEPEND,
			  .resource_depend = { id_of(7), DEPEND_VERB_ADD, id_of(6), u"", TIME } },
		      &r),
	    0);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_DEPENDENCIES, &change), 1);
	CHECK(is(change.about, text_of(7)) && change.len > 2 * GUID_TEXT_LEN);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_DEPENDENTS, &change), 1);
	CHECK(is(change.about, text_of(6)));
	CHECK_INT(change.len, 2 * (GUID_TEXT_LEN + 2));
	CHECK_INT(r.change_count, 2);
	cluster_result_done(&r);

	CHECK_INT(
	    apply(c,
		(struct command){ .kind = COMMAND_RESOURCE_MOVE, .resource_move = { text_of(6), text_of(9), TIME } },
		&r),
	    0);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_RESOURCE_LOST, NULL), 2); /* The dependent goes along. */
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_RESOURCE_GAINED, NULL), 2);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_OWNER_GROUP, &change), 2);
	CHECK(data_is(&change, text_of(9)));
	CHECK_INT(r.change_count, 6);
	cluster_result_done(&r);

	CHECK_INT(apply(c,
		      (struct command){ .kind = COMMAND_OBJECT_NODES,
			  .object_nodes = { OBJECT_GROUP, id_of(9), NODES_VERB_SET, nodes, 1, TIME } },
		      &r),
	    0);
	CHECK_INT(r.change_count, 1);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_PREFERRED_OWNERS, &change), 1);
	CHECK_INT(change.len, 6); /* "1", and the end of the list. */
	cluster_result_done(&r);
	cluster_free(c);
}

static void happen(struct cluster *c, enum cluster_event_kind kind, uint64_t incarnation, struct cluster_result *ret)
{
	CHECK_INT(apply_event(c,
		      (struct cluster_event){ .kind = kind, .node = NODE, .incarnation = incarnation, .term = 1 }, ret),
	    0);
}

/* All that the policy wants, as the owner would propose it. */
static void decide_all(struct cluster *c)
{
	struct command_Decide decisions[16];
	struct cluster_result r;
	int n;

	while ((n = cluster_decide(c, 12, decisions, ARRAY_SIZE(decisions))) > 0)
		for (int i = 0; i < n; i++) {
			struct command command = { .kind = COMMAND_DECIDE, .decide = decisions[i] };

			command.decide.time = TIME;
			(void)apply(c, command, &r);
			cluster_result_done(&r);
		}
}

TEST(nodes_and_states_are_told_with_what_follows_from_them)
{
	struct cluster *c = begin();
	struct cluster_change change;
	struct cluster_result r;
	struct changes_view v;
	uint32_t before;

	happen(c, CLUSTER_NODE_JOINED, LIFE, &r);
	CHECK_INT(count(&r, CHANGE_NODE, CHANGE_NODE_STATE, &change), 1);
	CHECK(is(change.id, u"1") && is(change.name, u"node1") && get_le32(change.data) == NODE_UP);
	CHECK_INT(count(&r, CHANGE_CLUSTER, CHANGE_CLUSTER_MEMBERSHIP, &change), 1);
	CHECK_INT(change.len, 9);
	cluster_result_done(&r);
	happen(c, CLUSTER_OWNER_ELECTED, LIFE, &r);
	CHECK_INT(r.change_count, 0);
	cluster_result_done(&r);

	v = changes_view_of(cluster_db(c), cluster_runtime(c));
	before = changes_sequence(&v, OBJECT_GROUP, u16_from_z(text_of(5)));
	CHECK_INT(before, 0);
	CHECK_INT(apply(c,
		      (struct command){ .kind = COMMAND_DECIDE,
			  .decide = { .term = 1, .verb = DECIDE_PLACE, .id = id_of(5), .node = NODE, .time = TIME } },
		      &r),
	    0);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_OWNER_NODE, &change), 1);
	CHECK(is(change.parent, u"1") && data_is(&change, u"1"));
	CHECK_INT(count(&r, CHANGE_NODE, CHANGE_NODE_GROUP_GAINED, &change), 1);
	CHECK(is(change.id, u"1") && data_is(&change, text_of(5)));
	cluster_result_done(&r);
	decide_all(c);

	CHECK_INT(apply(c,
		      (struct command){ .kind = COMMAND_RESOURCE_REQUEST,
			  .resource_request = { id_of(6), RESOURCE_VERB_ONLINE, TIME } },
		      &r),
	    0);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_COMMON, NULL), 1); /* PersistentState. */
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_STATE, NULL), 0);
	cluster_result_done(&r);
	CHECK_INT(apply(c,
		      (struct command){ .kind = COMMAND_DECIDE,
			  .decide = { .term = 1, .verb = DECIDE_START, .id = id_of(6), .node = NODE, .time = TIME } },
		      &r),
	    0);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_STATE, &change), 1);
	CHECK(is(change.id, text_of(6)) && is(change.parent, text_of(5)));
	CHECK_INT(get_le32(change.data), RESOURCE_ONLINE_PENDING);
	CHECK_INT(change.sequence, 1);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_STATE, &change), 1);
	CHECK_INT(get_le32(change.data), GROUP_PENDING);
	CHECK(is(change.parent, u"1"));
	CHECK_INT(r.change_count, 2);
	v = changes_view_of(cluster_db(c), cluster_runtime(c));
	CHECK_INT(change.sequence, changes_sequence(&v, OBJECT_GROUP, u16_from_z(text_of(5))));
	CHECK(change.sequence != before);
	cluster_result_done(&r);

	CHECK_INT(
	    apply(c,
		(struct command){ .kind = COMMAND_NODE_REQUEST, .node_request = { NODE, NODE_VERB_PAUSE, 0, TIME } },
		&r),
	    0);
	CHECK_INT(r.change_count, 1);
	CHECK_INT(count(&r, CHANGE_NODE, CHANGE_NODE_STATE, &change), 1);
	CHECK_INT(get_le32(change.data), NODE_PAUSED);
	cluster_result_done(&r);

	happen(c, CLUSTER_NODE_LOST, LIFE, &r);
	CHECK_INT(count(&r, CHANGE_NODE, CHANGE_NODE_STATE, &change), 1);
	CHECK_INT(get_le32(change.data), NODE_DOWN);
	CHECK_INT(count(&r, CHANGE_RESOURCE, CHANGE_RESOURCE_STATE, NULL), 2); /* And the quorum resource. */
	CHECK_INT(count(&r, CHANGE_QUORUM, CHANGE_QUORUM_STATE, NULL), 1);
	CHECK_INT(count(&r, CHANGE_GROUP, CHANGE_GROUP_STATE, NULL), 2);
	CHECK_INT(count(&r, CHANGE_CLUSTER, CHANGE_CLUSTER_MEMBERSHIP, NULL), 1);
	cluster_result_done(&r);
	cluster_free(c);
}

TEST(without_memory_an_event_fails_and_leaks_nothing)
{
	struct command command = create(OBJECT_RESOURCE, u"R", 10, 5);
	struct buf b = { 0 };

	command.version = COMMAND_VERSION;
	CHECK_INT(ndr_message_push(&command_messages, &command, &b), 0);
	for (uint64_t nth = 1, more = 1; more; nth++) {
		struct cluster *c;
		struct cluster_event event = { .kind = CLUSTER_COMMAND,
			.incarnation = LIFE,
			.counter = ++counter,
			.bytes = b.data,
			.len = b.len };
		struct cluster_result r = { 0 };
		int e;

		failalloc_begin(0);
		c = begin();
		event.index = cluster_applied(c) + 1;
		failalloc_arm(nth);
		e = cluster_apply(c, &event, &r);
		more = failalloc_hit();
		failalloc_arm(0);
		CHECK(e == -ENOMEM || (e == 0 && r.change_count == 2));
		cluster_result_done(&r);
		cluster_free(c);
		(void)failalloc_end();
	}
	buf_done(&b);
}
