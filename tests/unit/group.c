/* Groups and resources: the rules of single commands.  What happens over time is tests/sim/group.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/apply.h"
#include "cluster/group/policy.h"
#include "cluster/group/relate.h"
#include "cluster/object/edit.h"
#include "cluster/runtime.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include "wire/command.h"

enum { TIME = 900, BEGIN = 100, NODE = 1, LIFE = 77 };

static struct guid id_of(uint8_t digit)
{
	struct guid g;

	memset(g.bytes, digit * 0x11, sizeof(g.bytes));
	return g;
}

/* Group 5 with resources 6, 7, 8; group 9 with none; node 1 up and the owner. */
static struct cluster *begin(void)
{
	struct cluster_seed seed = { .cluster_name = U16("CLU"),
		.node_name = U16("node1"),
		.instance_id = id_of(1),
		.core_group_id = id_of(2),
		.storage_group_id = id_of(3),
		.quorum_resource_id = id_of(4),
		.quorum_path = U16("Q:\\"),
		.time = TIME };
	static const char16_t *const names[] = { u"A", u"B", u"C" };
	struct cluster *c;
	struct db *db;

	CHECK_INT(cluster_seed_database(&seed, &db), 0);
	for (unsigned i = 0; i < 5; i++) {
		struct object_creation o = { .kind = i < 2 ? OBJECT_GROUP : OBJECT_RESOURCE,
			.name = i < 2 ? (i == 0 ? U16("G") : U16("H")) : u16_from_z(names[i - 2]),
			.id = id_of(i == 0   ? 5
				    : i == 1 ? 9
					     : (uint8_t)(4 + i)),
			.group_id = id_of(5),
			.type_name = U16("Generic Script"),
			.time = TIME };
		struct buf batch = { 0 };

		CHECK_INT(object_create(db, &o, &batch), 0);
		buf_done(&batch);
	}
	CHECK_INT(cluster_new(db, &c), 0);
	cluster_begin_at(c, BEGIN);
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

static uint32_t apply(struct cluster *c, struct command command)
{
	struct cluster_event event = { .kind = CLUSTER_COMMAND, .incarnation = LIFE, .counter = ++counter };
	struct cluster_result result;
	struct buf b = { 0 };
	uint32_t status;

	command.version = COMMAND_VERSION;
	CHECK_INT(ndr_message_push(&command_messages, &command, &b), 0);
	event.bytes = b.data;
	event.len = b.len;
	status = apply_event(c, event, &result);
	cluster_result_done(&result);
	buf_done(&b);
	return status;
}

static void happen(struct cluster *c, enum cluster_event_kind kind, uint32_t node, uint64_t incarnation)
{
	struct cluster_result result;

	CHECK_INT(
	    apply_event(c, (struct cluster_event){ .kind = kind, .node = node, .incarnation = incarnation }, &result),
	    0);
	cluster_result_done(&result);
}

static uint32_t resource(struct cluster *c, uint8_t id, enum resource_verb verb)
{
	return apply(
	    c, (struct command){ .kind = COMMAND_RESOURCE_REQUEST, .resource_request = { id_of(id), verb, TIME } });
}

static uint32_t group(struct cluster *c, uint8_t id, enum group_verb verb, uint32_t node)
{
	return apply(
	    c, (struct command){ .kind = COMMAND_GROUP_REQUEST, .group_request = { id_of(id), verb, node, TIME } });
}

static uint32_t node(struct cluster *c, enum node_verb verb, uint32_t flags)
{
	return apply(c, (struct command){ .kind = COMMAND_NODE_REQUEST, .node_request = { NODE, verb, flags, TIME } });
}

static uint32_t depend(struct cluster *c, uint8_t id, enum depend_verb verb, uint8_t on, const char16_t *expression)
{
	return apply(c, (struct command){ .kind = COMMAND_RESOURCE_DEPEND,
			    .resource_depend = { id_of(id), verb, id_of(on), expression, TIME } });
}

static const struct resource_run *run_of(struct cluster *c, uint8_t id)
{
	return resource_run_find(cluster_groups(c), &(struct guid[]){ id_of(id) }[0]);
}

static uint32_t report_text(
    struct cluster *c, uint8_t id, enum resource_state state, uint32_t flags, const char16_t *text)
{
	const struct resource_run *r = run_of(c, id);

	return apply(c, (struct command){ .kind = COMMAND_RESOURCE_REPORT,
			    .resource_report = { id_of(id), r->operation, state, state == RESOURCE_FAILED ? 5038 : 0,
				flags, text, TIME } });
}

static uint32_t report(struct cluster *c, uint8_t id, enum resource_state state, uint32_t flags)
{
	return report_text(c, id, state, flags, u"what the host said");
}

/* All that the policy wants now, and what follows from it. */
static void decide(struct cluster *c)
{
	struct command_Decide d[8];
	int count;

	while ((count = cluster_decide(c, 12, d, 8)) > 0)
		for (int i = 0; i < count; i++)
			CHECK_INT(apply(c, (struct command){ .kind = COMMAND_DECIDE, .decide = d[i] }), 0);
	CHECK_INT(count, 0);
}

static void node_begins(struct cluster *c)
{
	happen(c, CLUSTER_NODE_JOINED, NODE, LIFE);
	happen(c, CLUSTER_OWNER_ELECTED, NODE, LIFE);
	decide(c);
	CHECK_INT(report(c, 4, RESOURCE_ONLINE, 0), 0); /* The quorum resource, which is always wanted. */
}

static enum resource_state state_of(struct cluster *c, uint8_t id)
{
	return resource_run_state(run_of(c, id));
}

TEST(a_resource_goes_online_with_its_providers_and_offline_with_its_dependents)
{
	struct cluster *c = begin();

	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 5005); /* No node yet. */
	node_begins(c);
	CHECK_INT(depend(c, 6, DEPEND_VERB_ADD, 7, u""), 0);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	decide(c);
	CHECK_INT(state_of(c, 6), RESOURCE_OFFLINE);
	CHECK_INT(state_of(c, 7), RESOURCE_ONLINE_PENDING);
	CHECK_INT(report(c, 7, RESOURCE_ONLINE, 0), 0);
	decide(c);
	CHECK_INT(report(c, 6, RESOURCE_ONLINE, 0), 0);
	decide(c);
	CHECK_INT(state_of(c, 6), RESOURCE_ONLINE);
	CHECK_INT(state_of(c, 8), RESOURCE_OFFLINE); /* Nobody asked for it. */

	CHECK_INT(resource(c, 7, RESOURCE_VERB_OFFLINE), 0);
	decide(c);
	CHECK_INT(state_of(c, 7), RESOURCE_ONLINE);
	CHECK_INT(state_of(c, 6), RESOURCE_OFFLINE_PENDING);
	CHECK_INT(report(c, 6, RESOURCE_OFFLINE, 0), 0);
	decide(c);
	CHECK_INT(report(c, 7, RESOURCE_OFFLINE, 0), 0);
	decide(c);
	CHECK_INT(state_of(c, 6), RESOURCE_OFFLINE);
	CHECK_INT(state_of(c, 7), RESOURCE_OFFLINE);
	/* The dependent is still wanted, and comes back with its provider. */
	CHECK_INT(resource(c, 7, RESOURCE_VERB_ONLINE), 0);
	decide(c);
	CHECK_INT(report(c, 7, RESOURCE_ONLINE, 0), 0);
	decide(c);
	CHECK_INT(state_of(c, 6), RESOURCE_ONLINE_PENDING);
	cluster_free(c);
}

static void tick(struct cluster *c, uint64_t ns)
{
	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_TICK, .tick = { .elapsed_ns = ns } }), 0);
}

TEST(what_fails_is_restarted_as_often_as_the_threshold_says_and_tried_again_after_the_retry_period)
{
	struct cluster *c = begin();

	node_begins(c);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	decide(c);
	CHECK_INT(report(c, 6, RESOURCE_ONLINE, 0), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(report(c, 6, RESOURCE_FAILED, 0), 0);
		CHECK_INT(run_of(c, 6)->status, 5038);
		CHECK(u16_equal_exact(u16_from_z(run_of(c, 6)->text), U16("what the host said")));
		decide(c);
		CHECK_INT(state_of(c, 6), RESOURCE_FAILED);
		/* Once by default, half a second later; then after an hour. */
		CHECK_INT(cluster_deadline(c), cluster_elapsed(c) + (i == 0 ? 500000000ull : 3600000000000ull));
		tick(c, cluster_deadline(c) - cluster_elapsed(c) - 1);
		decide(c);
		CHECK_INT(state_of(c, 6), RESOURCE_FAILED);
		tick(c, 1);
		decide(c);
		CHECK_INT(state_of(c, 6), RESOURCE_ONLINE_PENDING);
		CHECK_INT(report(c, 6, RESOURCE_ONLINE, 0), 0);
	}
	cluster_free(c);
}

TEST(what_is_pending_for_too_long_is_stopped_and_has_failed)
{
	struct cluster *c = begin();

	node_begins(c);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	decide(c);
	tick(c, 180000000000ull + 1);
	decide(c);
	CHECK_INT(state_of(c, 6), RESOURCE_OFFLINE_PENDING);
	CHECK_INT(report(c, 6, RESOURCE_ONLINE, 0), 5023); /* Too late. */
	CHECK_INT(report(c, 6, RESOURCE_OFFLINE, 0), 0);
	CHECK_INT(state_of(c, 6), RESOURCE_FAILED);
	cluster_free(c);
}

TEST(what_could_not_be_stopped_holds_its_place_until_its_node_is_gone)
{
	struct cluster *c = begin();

	node_begins(c);
	happen(c, CLUSTER_NODE_JOINED, 2, 78);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	decide(c);
	CHECK_INT(report(c, 6, RESOURCE_FAILED, REPORT_STUCK), 0);
	decide(c);
	/* It is started again where it may still run, and nowhere else. */
	CHECK_INT(group(c, 5, GROUP_VERB_MOVE, 2), 0);
	tick(c, 3600000000000ull * 2);
	decide(c);
	CHECK_INT(state_of(c, 6), RESOURCE_FAILED);
	CHECK_INT(run_of(c, 6)->node, 1);
	happen(c, CLUSTER_NODE_LOST, NODE, LIFE);
	decide(c);
	CHECK_INT(state_of(c, 6), RESOURCE_ONLINE_PENDING);
	CHECK_INT(run_of(c, 6)->node, 2);
	cluster_free(c);
}

/* A failed provider waits until what needs it has stopped, and that waits until what needs it in turn has. */
TEST(a_whole_chain_stops_behind_a_provider_that_failed_and_comes_back_with_it)
{
	static const uint8_t chain[] = { 8, 7, 6 }; /* Each depends on the one before. */
	struct cluster *c = begin();

	node_begins(c);
	CHECK_INT(depend(c, 7, DEPEND_VERB_ADD, 8, u""), 0);
	CHECK_INT(depend(c, 6, DEPEND_VERB_ADD, 7, u""), 0);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	for (unsigned i = 0; i < 3; i++) {
		decide(c);
		CHECK_INT(report(c, chain[i], RESOURCE_ONLINE, 0), 0);
	}
	CHECK_INT(report(c, 8, RESOURCE_FAILED, 0), 0);
	decide(c);
	CHECK_INT(state_of(c, 7), RESOURCE_ONLINE);
	CHECK_INT(report(c, 6, RESOURCE_OFFLINE, 0), 0);
	decide(c);
	CHECK_INT(report(c, 7, RESOURCE_OFFLINE, 0), 0);
	decide(c);
	tick(c, 500000000);
	for (unsigned i = 0; i < 3; i++) {
		decide(c);
		CHECK_INT(report(c, chain[i], RESOURCE_ONLINE, 0), 0);
	}
	cluster_free(c);
}

TEST(a_provider_does_not_wait_for_a_dependent_that_cannot_be_stopped)
{
	struct cluster *c = begin();

	node_begins(c);
	CHECK_INT(depend(c, 6, DEPEND_VERB_ADD, 7, u""), 0);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	decide(c);
	CHECK_INT(report(c, 7, RESOURCE_ONLINE, 0), 0);
	decide(c);
	CHECK_INT(report(c, 6, RESOURCE_ONLINE, 0), 0);
	CHECK_INT(report(c, 7, RESOURCE_FAILED, 0), 0);
	decide(c);
	CHECK_INT(report(c, 6, RESOURCE_FAILED, REPORT_STUCK), 0);
	decide(c);
	tick(c, 500000000);
	decide(c);
	CHECK_INT(report(c, 7, RESOURCE_ONLINE, 0), 0);
	cluster_free(c);
}

TEST(the_rules_between_resources_have_their_documented_errors)
{
	struct cluster *c = begin();

	node_begins(c);
	CHECK_INT(depend(c, 6, DEPEND_VERB_ADD, 7, u""), 0);
	CHECK_INT(depend(c, 6, DEPEND_VERB_ADD, 7, u""), 5003);
	CHECK_INT(depend(c, 7, DEPEND_VERB_ADD, 8, u""), 0);
	CHECK_INT(depend(c, 8, DEPEND_VERB_ADD, 6, u""), 1059);
	CHECK_INT(depend(c, 8, DEPEND_VERB_ADD, 8, u""), 1059);
	CHECK_INT(depend(c, 8, DEPEND_VERB_REMOVE, 6, u""), 5002);
	CHECK_INT(depend(c, 8, DEPEND_VERB_ADD, 4, u""), 5069); /* Of another group. */
	CHECK_INT(depend(c, 8, DEPEND_VERB_ADD, 14, u""), 5007);
	CHECK_INT(depend(c, 14, DEPEND_VERB_ADD, 8, u""), 5006);
	CHECK_INT(depend(c, 8, DEPEND_VERB_SET, 0, u"[nobody]"), 5007);
	CHECK_INT(depend(c, 8, DEPEND_VERB_SET, 0, u"nonsense"), 87);
	CHECK_INT(depend(c, 8, DEPEND_VERB_SET, 0, u"[C]"), 87);
	CHECK_INT(depend(c, 8, DEPEND_VERB_SET, 0, u"[Local Quorum]"), 87);
	CHECK_INT(depend(c, 6, DEPEND_VERB_SET, 0, u"[B] or [c]"), 0);
	CHECK_INT(resource(c, 8, RESOURCE_VERB_FAIL), 5004);
	CHECK_INT(resource(c, 14, RESOURCE_VERB_ONLINE), 5006);
	CHECK_INT(resource(c, 4, RESOURCE_VERB_OFFLINE), 5020);
	CHECK_INT(group(c, 14, GROUP_VERB_ONLINE, 0), 5012);
	CHECK_INT(group(c, 5, GROUP_VERB_MOVE, 3), 5005);
	CHECK_INT(group(c, 5, GROUP_VERB_MOVE, NODE), 0);
	CHECK_INT(group(c, 5, GROUP_VERB_MOVE, 0), 5005);
	CHECK_INT(group(c, 5, GROUP_VERB_CANCEL, 0), 5023);
	CHECK_INT(node(c, NODE_VERB_RESUME, 0), 5058);
	CHECK_INT(node(c, NODE_VERB_PAUSE, NODE_REQUEST_DRAIN), 5050);
	CHECK_INT(node(c, NODE_VERB_PAUSE, 0), 0);
	CHECK_INT(group(c, 5, GROUP_VERB_ONLINE, 0), 70);
	CHECK_INT(node(c, NODE_VERB_RESUME, 0), 0);
	CHECK_INT(group(c, 5, GROUP_VERB_ONLINE, 0), 0);
	cluster_free(c);
}

static uint32_t delete (struct cluster *c, uint32_t kind, const char16_t *id, uint32_t flags)
{
	return apply(c, (struct command){ .kind = COMMAND_OBJECT_DELETE, .object_delete = { kind, id, flags, TIME } });
}

TEST(what_runs_or_is_needed_is_not_deleted)
{
	const char16_t *six = u"66666666-6666-6666-6666-666666666666", *seven = u"77777777-7777-7777-7777-777777777777";
	struct cluster *c = begin();

	node_begins(c);
	CHECK_INT(depend(c, 6, DEPEND_VERB_ADD, 7, u""), 0);
	CHECK_INT(delete (c, OBJECT_RESOURCE, seven, 0), 5001);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	decide(c);
	CHECK_INT(report(c, 7, RESOURCE_ONLINE, 0), 0);
	decide(c);
	CHECK_INT(delete (c, OBJECT_RESOURCE, six, 0), 5019);
	CHECK_INT(delete (c, OBJECT_GROUP, u"55555555-5555-5555-5555-555555555555", OBJECT_DELETE_FORCE), 5019);
	CHECK_INT(group(c, 5, GROUP_VERB_OFFLINE, 0), 0);
	decide(c);
	CHECK_INT(report(c, 6, RESOURCE_OFFLINE, 0), 0);
	decide(c);
	CHECK_INT(report(c, 7, RESOURCE_OFFLINE, 0), 0);
	CHECK_INT(delete (c, OBJECT_RESOURCE, six, 0), 0);
	CHECK(run_of(c, 6) == NULL);
	CHECK_INT(delete (c, OBJECT_GROUP, u"55555555-5555-5555-5555-555555555555", OBJECT_DELETE_FORCE), 0);
	CHECK(run_of(c, 7) == NULL);
	cluster_free(c);
}

TEST(a_resource_takes_along_what_it_is_bound_to_when_it_changes_its_group)
{
	const char16_t *six = u"66666666-6666-6666-6666-666666666666", *nine = u"99999999-9999-9999-9999-999999999999";
	struct guid nine_id = id_of(9), moved;
	struct cluster *c = begin();

	node_begins(c);
	CHECK_INT(depend(c, 6, DEPEND_VERB_ADD, 7, u""), 0);
	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_RESOURCE_MOVE, .resource_move = { six, nine, TIME } }), 0);
	for (uint8_t i = 6; i <= 8; i++) {
		struct guid id = id_of(i);

		CHECK(group_of_resource(db_root(cluster_db(c)), &id, &moved) != NULL);
		CHECK_INT(guid_equal(&moved, &nine_id), i != 8);
	}
	cluster_free(c);
}

static uint32_t nodes(struct cluster *c, uint32_t kind, uint8_t id, enum nodes_verb verb, uint32_t node)
{
	return apply(c, (struct command){ .kind = COMMAND_OBJECT_NODES,
			    .object_nodes = { kind, id_of(id), verb, &node, node != 0, TIME } });
}

TEST(owners_are_lists_of_nodes_that_exist_and_no_list_of_possible_owners_means_all)
{
	struct cluster *c = begin();
	struct guid six = id_of(6);

	node_begins(c);
	CHECK_INT(nodes(c, OBJECT_RESOURCE, 6, NODES_VERB_ADD, 1), 5010);
	CHECK_INT(nodes(c, OBJECT_RESOURCE, 6, NODES_VERB_REMOVE, 2), 5042);
	CHECK_INT(nodes(c, OBJECT_RESOURCE, 6, NODES_VERB_REMOVE, 1), 0);
	CHECK(!resource_may_be_on(resource_key(db_root(cluster_db(c)), &six), 1));
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 5071);
	CHECK_INT(nodes(c, OBJECT_RESOURCE, 6, NODES_VERB_REMOVE, 1), 5042);
	CHECK_INT(nodes(c, OBJECT_RESOURCE, 6, NODES_VERB_ADD, 1), 0);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	CHECK_INT(nodes(c, OBJECT_GROUP, 5, NODES_VERB_SET, 2), 5042);
	CHECK_INT(nodes(c, OBJECT_GROUP, 5, NODES_VERB_SET, 1), 0);
	CHECK_INT(nodes(c, OBJECT_TYPE, 5, NODES_VERB_SET, 1), 87);
	CHECK_INT(nodes(c, OBJECT_GROUP, 14, NODES_VERB_SET, 1), 5012);
	cluster_free(c);
}

TEST(a_decision_of_another_term_or_about_another_state_is_void)
{
	struct cluster *c = begin();
	struct command_Decide d[4];

	node_begins(c);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	CHECK_INT(cluster_decide(c, 12, d, 4), 1);
	CHECK_INT(d[0].verb, DECIDE_START);
	d[0].term++;
	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_DECIDE, .decide = d[0] }), 5023);
	d[0].term--;
	d[0].sequence++;
	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_DECIDE, .decide = d[0] }), 5023);
	d[0].sequence--;
	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_DECIDE, .decide = d[0] }), 0);
	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_DECIDE, .decide = d[0] }), 5023);
	cluster_free(c);
}

TEST(a_new_life_of_the_node_starts_what_is_wanted_again)
{
	struct cluster *c = begin();

	node_begins(c);
	CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
	decide(c);
	CHECK_INT(report(c, 6, RESOURCE_ONLINE, 0), 0);
	happen(c, CLUSTER_NODE_JOINED, NODE, LIFE + 1);
	CHECK_INT(state_of(c, 6), RESOURCE_OFFLINE);
	CHECK_INT(run_of(c, 6)->history[0].reason, REASON_NODE_LOST);
	happen(c, CLUSTER_NODE_LOST, NODE, LIFE); /* The late notice of the old one. */
	decide(c);
	CHECK_INT(state_of(c, 6), RESOURCE_ONLINE_PENDING);
	CHECK_INT(run_of(c, 6)->incarnation, LIFE + 1);
	cluster_free(c);
}

/* Longer than any error's text can be; it is shown as cut, and no character is cut through. */
TEST(a_text_that_is_too_long_is_cut_between_characters)
{
	struct cluster *c = begin();
	char16_t text[RESOURCE_TEXT_MAX + 3];

	node_begins(c);
	for (size_t len = RESOURCE_TEXT_MAX - 1; len < ARRAY_SIZE(text); len++) {
		for (size_t pair = 0; pair < 2; pair++) {
			struct u16 kept;

			for (size_t i = 0; i < len; i++)
				text[i] = i < pair ? u'a' : (i - pair) % 2 == 0 ? 0xd83d : 0xde00;
			text[len] = 0;
			CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
			decide(c);
			CHECK_INT(report_text(c, 6, RESOURCE_FAILED, 0, text), 0);
			kept = u16_from_z(run_of(c, 6)->text);
			if (len <= RESOURCE_TEXT_MAX) {
				CHECK(u16_equal_exact(kept, (struct u16){ text, len }));
				continue;
			}
			CHECK(kept.len >= RESOURCE_TEXT_MAX - 1 && kept.len <= RESOURCE_TEXT_MAX);
			CHECK_INT(kept.units[kept.len - 1], u'…');
			CHECK(u16_is_well_formed(kept));
		}
	}
	cluster_free(c);
}

/* The saved state: every field at its limits comes back, and what is damaged is refused. */
TEST(a_saved_state_of_groups_that_is_cut_or_nonsense_is_refused)
{
	struct cluster *c = begin();
	struct group_table loaded = { 0 };
	struct buf saved = { 0 }, twice = { 0 };
	struct cursor cursor;

	node_begins(c);
	for (int i = 0; i < RESOURCE_HISTORY; i++) {
		CHECK_INT(resource(c, 6, RESOURCE_VERB_ONLINE), 0);
		decide(c);
		CHECK_INT(report(c, 6, RESOURCE_FAILED, 0), 0);
	}
	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_NODE_REQUEST,
			       .node_request = { NODE, NODE_VERB_PAUSE, 0, TIME } }),
	    0);
	group_table_save(cluster_groups(c), &saved);
	cursor = cursor_make(saved.data, saved.len);
	CHECK_INT(group_table_load(&loaded, &cursor, CLUSTER_RUNTIME_VERSION), 0);
	CHECK_INT(cursor.error, 0);
	CHECK_INT(cursor_left(&cursor), 0);
	group_table_save(&loaded, &twice);
	CHECK_INT(saved.len, twice.len);
	CHECK_MEM(saved.data, twice.data, saved.len);
	group_table_done(&loaded);
	for (size_t len = 0; len < saved.len; len++) {
		cursor = cursor_make(saved.data, len);
		CHECK_INT(group_table_load(&loaded, &cursor, CLUSTER_RUNTIME_VERSION), 0);
		CHECK(cursor.error != 0);
		group_table_done(&loaded);
	}
	saved.data[4 + 16] = 9; /* The state of the first resource. */
	cursor = cursor_make(saved.data, saved.len);
	CHECK_INT(group_table_load(&loaded, &cursor, CLUSTER_RUNTIME_VERSION), 0);
	CHECK(cursor.error != 0);
	group_table_done(&loaded);
	buf_done(&saved);
	buf_done(&twice);
	cluster_free(c);
}

/* What version 2 of the runtime state said of groups: all but the last three numbers of each. */
TEST(groups_of_an_older_saved_state_are_read)
{
	struct group_run run = { .owner = 1, .target = 2, .sequence = 3, .failovers = 4, .failovers_since = 5, .moved = 6 };
	struct group_table table = { .groups = &run, .group_count = 1 }, loaded = { 0 };
	struct buf saved = { 0 }, older = { 0 };
	struct cursor cursor;

	run.failback = 7;
	group_table_save(&table, &saved);
	buf_append(&older, saved.data, 4 + 4 + 48);
	buf_append(&older, (uint8_t[4]){ 0 }, 4);
	cursor = cursor_make(older.data, older.len);
	CHECK_INT(group_table_load(&loaded, &cursor, 2), 0);
	CHECK_INT(cursor.error, 0);
	CHECK_INT(cursor_left(&cursor), 0);
	CHECK_INT(loaded.groups[0].moved, 6);
	CHECK_INT(loaded.groups[0].failback, 0);
	group_table_done(&loaded);
	buf_done(&saved);
	buf_done(&older);
}
