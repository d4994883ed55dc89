/* group: groups and resources on up to four nodes, with hosts that hang, fail, crash and cannot stop what they run, nodes
 * that come and go, users who ask for anything at any time, reports that come late and decisions out of a mad policy.
 *
 * Checked  after every event: a resource runs at most once in the world, and only where the state says that it may; one
 *          that begins to come online has its providers online; one that is stopped is not needed by an active one; two
 *          replicas, one of which is saved and loaded now and then, have the same digest.  After the chaos has ended:
 *          the policy comes to rest, no state is pending, what is wanted is online, groups have gone back where they
 *          could, and what the loss of a node took starts in the order of priorities, or not by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/apply.h"
#include "cluster/group/policy.h"
#include "cluster/group/relate.h"
#include "cluster/object/change.h"
#include "cluster/object/edit.h"
#include "cluster/runtime.h"
#include "sim/rng.h"
#include "tests/lib/test.h"
#include "wire/command.h"
#include "wire/proplist.h"
#include "wire/regbuf.h"
#include <stdio.h>

enum { NODES = 4, GROUPS = 3, RESOURCES = 10, STEPS = 400, DECISIONS = 16 };
#define SECOND 1000000000ull

/* A host's work on one resource. */
struct host {
	bool runs;          /* There is a process. */
	uint64_t operation; /* What it works on, or has done last. */
	bool answered;
};

struct node {
	bool up;
	uint64_t incarnation;
	struct host hosts[RESOURCES];
};

struct world {
	struct rng rng;
	struct cluster *clusters[2];
	struct node nodes[NODES + 1]; /* By number. */
	unsigned node_count;
	struct guid groups[GROUPS], resources[RESOURCES];
	uint64_t next_incarnation, next_counter, term;
	bool calm;
	unsigned hour;
};

static struct guid test_guid(unsigned kind, unsigned number)
{
	struct guid g = { 0 };

	g.bytes[0] = (uint8_t)kind;
	g.bytes[15] = (uint8_t)(number + 1);
	return g;
}

static const struct group_table *table(const struct world *w)
{
	return cluster_groups(w->clusters[0]);
}

static const struct db_key *root(const struct world *w)
{
	return db_root(cluster_db(w->clusters[0]));
}

static unsigned group_of(const struct world *w, unsigned resource)
{
	struct guid id;

	CHECK(group_of_resource(root(w), &w->resources[resource], &id) != NULL);
	return id.bytes[15] - 1u;
}

/* The rules of a single step, looked at from outside: what changed between two states. */
struct look {
	enum resource_state state[RESOURCES];
	bool active[RESOURCES], needed[RESOURCES], provided[RESOURCES], failing[RESOURCES], moving[RESOURCES],
	    held[RESOURCES];
	uint32_t priority[RESOURCES];
};

static struct look look(const struct world *w)
{
	struct look l = { 0 };

	for (unsigned i = 0; i < RESOURCES; i++) {
		const struct resource_run *r = resource_run_find(table(w), &w->resources[i]);
		const struct db_key *key = resource_key(root(w), &w->resources[i]);
		const struct db_key *group = group_of_resource(root(w), &w->resources[i], NULL);
		struct depend d = resource_depends(key);

		const struct group_run *g = group_run_find(table(w), &w->groups[group_of(w, i)]);

		l.failing[i] = r != NULL && r->failing;
		l.held[i] = r == NULL || r->held;
		l.priority[i] = group_priority(group);
		l.moving[i] = g != NULL && g->target != 0;
		l.state[i] = resource_run_state(r);
		l.active[i] = resource_is_active(r);
		l.provided[i] = resource_provided(table(w), &d, NULL);
		l.needed[i] = resource_is_needed(table(w), root(w), group, &w->resources[i]);
	}
	return l;
}

static void check_world(const struct world *w)
{
	for (unsigned i = 0; i < RESOURCES; i++) {
		const struct resource_run *r = resource_run_find(table(w), &w->resources[i]);
		const struct group_run *g = group_run_find(table(w), &w->groups[group_of(w, i)]);
		unsigned running = 0;

		if (resource_is_active(r))
			CHECK(g != NULL && g->owner == r->node);
		for (unsigned n = 1; n <= w->node_count; n++) {
			if (!w->nodes[n].up || !w->nodes[n].hosts[i].runs)
				continue;
			running++;
			CHECK(resource_is_active(r));
			CHECK_INT(r->node, n);
			CHECK_INT(r->incarnation, w->nodes[n].incarnation);
		}
		CHECK(running <= 1);
		if (resource_run_state(r) == RESOURCE_ONLINE &&
		    cluster_node_up(w->clusters[0], r->node) == r->incarnation && w->nodes[r->node].up &&
		    w->nodes[r->node].incarnation == r->incarnation)
			CHECK(running == 1 || w->nodes[r->node].hosts[i].operation == r->operation);
	}
}

static void check_replicas(struct world *w)
{
	struct digest a, b;

	CHECK_INT(cluster_runtime_digest(w->clusters[0], &a), 0);
	CHECK_INT(cluster_runtime_digest(w->clusters[1], &b), 0);
	CHECK(digest_equal(&a, &b));
	a = db_digest(cluster_db(w->clusters[0]));
	b = db_digest(cluster_db(w->clusters[1]));
	CHECK(digest_equal(&a, &b));
}

/* What is held starts behind all that has a higher priority, and not by itself if it has none.  Late decisions of the
 * chaos cannot keep to that. */
static void check_turn(const struct look *before, unsigned i)
{
	CHECK(before->priority[i] != GROUP_NO_AUTO_START);
	for (unsigned j = 0; j < RESOURCES; j++)
		if (before->priority[j] > before->priority[i])
			CHECK(before->state[j] != RESOURCE_ONLINE_PENDING);
}

/* Begin and end of an operation are legal only in these states of the others. */
static void check_step(
    const struct world *w, const struct look *before, const struct look *after, const struct command *c)
{
	for (unsigned i = 0; i < RESOURCES; i++) {
		if (before->state[i] == after->state[i])
			continue;
		if (after->state[i] == RESOURCE_ONLINE_PENDING)
			CHECK(before->provided[i] && !before->moving[i] && c->kind == COMMAND_DECIDE &&
			      (before->state[i] == RESOURCE_OFFLINE || before->state[i] == RESOURCE_FAILED));
		if (w->calm && after->state[i] == RESOURCE_ONLINE_PENDING && before->held[i])
			check_turn(before, i);
		if (after->state[i] == RESOURCE_OFFLINE)
			CHECK(!before->failing[i]);
		if (c->kind != COMMAND_DECIDE)
			continue;
		if (after->state[i] == RESOURCE_OFFLINE_PENDING && c->decide.verb == DECIDE_STOP)
			CHECK(!before->needed[i]);
	}
}

/* What the policy says now. */
struct saying {
	struct command_Decide decisions[DECISIONS];
	int count;
};

static struct saying saying(const struct world *w)
{
	struct saying s = { .count = 0 };

	s.count = cluster_decide(w->clusters[0], w->hour, s.decisions, DECISIONS);
	CHECK(s.count >= 0);
	return s;
}

static void check_same_saying(const struct saying *a, const struct saying *b)
{
	CHECK_INT(a->count, b->count);
	for (int i = 0; i < a->count; i++)
		CHECK(a->decisions[i].verb == b->decisions[i].verb && a->decisions[i].node == b->decisions[i].node &&
		      guid_equal(&a->decisions[i].id, &b->decisions[i].id));
}

static uint32_t apply_event(struct world *w, struct cluster_event event, const struct command *command)
{
	struct saying said = saying(w), says;
	struct look before = look(w), after;
	bool settled = false;
	struct buf b = { 0 };
	uint32_t status[2];

	if (command != NULL) {
		struct command c = *command;

		c.version = COMMAND_VERSION;
		CHECK_INT(ndr_message_push(&command_messages, &c, &b), 0);
		event.bytes = b.data;
		event.len = b.len;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct cluster_result result = { 0 };

		event.index = cluster_applied(w->clusters[i]) + 1;
		CHECK_INT(cluster_apply(w->clusters[i], &event, &result), 0);
		status[i] = result.status;
		settled = result.settled;
		cluster_result_done(&result);
	}
	CHECK_INT(status[0], status[1]);
	after = look(w);
	if (command != NULL)
		check_step(w, &before, &after, command);
	says = saying(w);
	if (settled)
		check_same_saying(&said, &says);
	buf_done(&b);
	check_world(w);
	check_replicas(w);
	return status[0];
}

static uint32_t apply(struct world *w, struct command command)
{
	return apply_event(w,
	    (struct cluster_event){ .kind = CLUSTER_COMMAND, .incarnation = 1, .counter = ++w->next_counter },
	    &command);
}

static void node_event(struct world *w, enum cluster_event_kind kind, uint32_t node, uint64_t incarnation)
{
	w->term += kind == CLUSTER_OWNER_ELECTED;
	apply_event(
	    w, (struct cluster_event){ .kind = kind, .node = node, .incarnation = incarnation, .term = w->term }, NULL);
}

static void boot(struct world *w, uint32_t node)
{
	w->nodes[node] = (struct node){ .up = true, .incarnation = ++w->next_incarnation };
	node_event(w, CLUSTER_NODE_JOINED, node, w->nodes[node].incarnation);
}

/* The guard ends what a node ran before anybody is told that the node is lost; at times it is back before that. */
static void crash(struct world *w, uint32_t node)
{
	uint64_t incarnation = w->nodes[node].incarnation;

	w->nodes[node] = (struct node){ 0 };
	if (rng_chance(&w->rng, 20)) {
		boot(w, node);
		node_event(w, CLUSTER_NODE_LOST, node, incarnation);
	} else {
		node_event(w, CLUSTER_NODE_LOST, node, incarnation);
	}
}

/* What a host does when it is given a turn. */
static void host_report(struct world *w, unsigned i, enum resource_state state, uint32_t flags)
{
	const struct resource_run *r = resource_run_find(table(w), &w->resources[i]);
	struct command c = { .kind = COMMAND_RESOURCE_REPORT };

	c.resource_report = (struct command_ResourceReport){ .id = w->resources[i],
		.operation = r->operation,
		.state = state,
		.status = state == RESOURCE_FAILED ? 5038 : 0,
		.flags = flags,
		.text = u"said" };
	apply(w, c);
}

static void host_turn(struct world *w, uint32_t number, unsigned i)
{
	const struct resource_run *r = resource_run_find(table(w), &w->resources[i]);
	struct node *node = &w->nodes[number];
	struct host *h = &node->hosts[i];
	unsigned luck = w->calm ? 0 : (unsigned)rng_below(&w->rng, 100);

	if (!node->up || r == NULL || r->node != number || r->incarnation != node->incarnation)
		return;
	if (r->state == RESOURCE_ONLINE_PENDING) {
		h->operation = r->operation;
		h->runs = true;
		if (luck >= 85)
			return; /* It hangs, for now. */
		if (luck >= 70)
			h->runs = luck >= 83; /* Failed; at times it cannot even be stopped. */
		host_report(
		    w, i, luck >= 70 ? RESOURCE_FAILED : RESOURCE_ONLINE, h->runs && luck >= 70 ? REPORT_STUCK : 0);
	} else if (r->state == RESOURCE_OFFLINE_PENDING) {
		if (luck >= 90)
			return;
		h->runs = luck >= 85;
		h->operation = r->operation;
		host_report(w, i, h->runs ? RESOURCE_FAILED : RESOURCE_OFFLINE, h->runs ? REPORT_STUCK : 0);
	} else if (r->state == RESOURCE_ONLINE && luck >= 95) {
		h->runs = false;
		h->operation = r->operation;
		host_report(w, i, RESOURCE_FAILED, 0);
	}
}

static void hosts_turn(struct world *w, unsigned percent)
{
	for (uint32_t n = 1; n <= w->node_count; n++)
		for (unsigned i = 0; i < RESOURCES; i++)
			if (rng_chance(&w->rng, percent))
				host_turn(w, n, i);
}

/* Decisions are logged as they are, or late, when what they were made from may have changed. */
static unsigned owner_turn(struct world *w)
{
	struct command_Decide decisions[DECISIONS];
	unsigned done = 0;
	int count;

	if (!w->calm)
		w->hour = (unsigned)rng_below(&w->rng, 24);
	count = cluster_decide(w->clusters[0], w->hour, decisions, DECISIONS);
	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		struct command c = { .kind = COMMAND_DECIDE, .decide = decisions[i] };

		if (!w->calm && rng_chance(&w->rng, 10))
			hosts_turn(w, 30);
		if (!w->calm && rng_chance(&w->rng, 3))
			crash(w, (uint32_t)rng_between(&w->rng, 1, w->node_count));
		done += apply(w, c) == 0;
	}
	return w->calm ? done : (unsigned)count;
}

/* An owner whose policy has gone mad: whatever it decides, apply must keep the rules. */
static void rogue_turn(struct world *w)
{
	unsigned i = (unsigned)rng_below(&w->rng, RESOURCES), g = (unsigned)rng_below(&w->rng, GROUPS);
	const struct resource_run *r = resource_run_find(table(w), &w->resources[i]);
	const struct group_run *run = group_run_find(table(w), &w->groups[g]);
	struct command c = { .kind = COMMAND_DECIDE, .decide = { .term = w->term } };

	c.decide.verb = (uint32_t)rng_between(&w->rng, DECIDE_START, DECIDE_MOVE);
	c.decide.node = (uint32_t)rng_between(&w->rng, 1, w->node_count);
	if (c.decide.verb == DECIDE_PLACE || c.decide.verb == DECIDE_MOVE) {
		c.decide.id = w->groups[g];
		c.decide.sequence = run != NULL ? run->sequence : 0;
	} else {
		c.decide.id = w->resources[i];
		c.decide.sequence = r != NULL ? r->sequence : 0;
	}
	apply(w, c);
}

/* A report that comes late: of an operation that another has followed. */
static void stale_report(struct world *w)
{
	unsigned i = (unsigned)rng_below(&w->rng, RESOURCES);
	const struct resource_run *r = resource_run_find(table(w), &w->resources[i]);
	struct command c = { .kind = COMMAND_RESOURCE_REPORT };

	if (r == NULL)
		return;
	c.resource_report = (struct command_ResourceReport){ .id = w->resources[i],
		.operation = rng_between(&w->rng, 0, r->operation > 0 ? r->operation - 1 : 0),
		.state = (uint32_t)rng_between(&w->rng, RESOURCE_ONLINE, RESOURCE_FAILED),
		.text = u"late" };
	CHECK(apply(w, c) != 0);
}

static void tick(struct world *w, uint64_t elapsed)
{
	apply(w, (struct command){ .kind = COMMAND_TICK, .tick = { .elapsed_ns = elapsed } });
}

static void user_turn(struct world *w)
{
	unsigned i = (unsigned)rng_below(&w->rng, RESOURCES), g = (unsigned)rng_below(&w->rng, GROUPS);
	uint32_t node = (uint32_t)rng_between(&w->rng, 0, w->node_count);
	struct command c = { 0 };

	switch (rng_below(&w->rng, 10)) {
	case 0 ... 3:
		c.kind = COMMAND_RESOURCE_REQUEST;
		c.resource_request =
		    (struct command_ResourceRequest){ w->resources[i], (uint32_t)rng_between(&w->rng, 1, 4), 7 };
		break;
	case 4 ... 6:
		c.kind = COMMAND_GROUP_REQUEST;
		c.group_request =
		    (struct command_GroupRequest){ w->groups[g], (uint32_t)rng_between(&w->rng, 1, 4), node, 7 };
		break;
	case 7:
		c.kind = COMMAND_NODE_REQUEST;
		c.node_request = (struct command_NodeRequest){ node, (uint32_t)rng_between(&w->rng, 1, 2),
			(uint32_t)rng_below(&w->rng, 2), 7, (uint32_t)rng_between(&w->rng, 0, w->node_count),
			(uint32_t)rng_below(&w->rng, 3) };
		break;
	case 8:
		c.kind = COMMAND_RESOURCE_DEPEND;
		c.resource_depend = (struct command_ResourceDepend){ w->resources[i],
			(uint32_t)rng_between(&w->rng, 1, 2), w->resources[rng_below(&w->rng, RESOURCES)], u"", 7 };
		break;
	default: {
		char16_t resource[GUID_TEXT_LEN + 1], group[GUID_TEXT_LEN + 1];

		guid_format_u16(&w->resources[i], resource);
		guid_format_u16(&w->groups[g], group);
		c.kind = COMMAND_RESOURCE_MOVE;
		c.resource_move = (struct command_ResourceMove){ resource, group, 7 };
		apply(w, c);
		return;
	}
	}
	apply(w, c);
}

static void new_cluster(struct cluster **ret)
{
	struct cluster_seed seed = { .cluster_name = U16("C"),
		.node_name = U16("n1"),
		.instance_id = test_guid(9, 0),
		.core_group_id = test_guid(9, 1),
		.storage_group_id = test_guid(9, 2),
		.quorum_resource_id = test_guid(9, 3),
		.quorum_path = U16("q"),
		.time = 1 };
	struct db *db;

	CHECK_INT(cluster_seed_database(&seed, &db), 0);
	CHECK_INT(cluster_new(db, ret), 0);
	cluster_begin_at(*ret, 100);
}

static void set_number(struct world *w, struct u16 container, const struct guid *id, struct u16 name, uint32_t value)
{
	for (unsigned i = 0; i < 2; i++) {
		struct buf batch = { 0 };
		char16_t text[GUID_TEXT_LEN + 1];
		struct change c;

		guid_format_u16(id, text);
		CHECK_INT(change_begin(&c, cluster_db(w->clusters[i]), 1, &batch), 0);
		change_set_number(&c, CHANGE_PATH(container, (struct u16){ text, GUID_TEXT_LEN }), name, value);
		CHECK_INT(change_end(&c), 0);
		buf_done(&batch);
	}
}

static void set_group(struct world *w, unsigned g, struct u16 name, uint32_t value)
{
	set_number(w, U16("Groups"), &w->groups[g], name, value);
}

static void prefer(struct world *w, unsigned g, uint32_t node)
{
	struct command c = { .kind = COMMAND_OBJECT_NODES };

	c.object_nodes = (struct command_ObjectNodes){ .kind = OBJECT_GROUP,
		.id = w->groups[g],
		.verb = NODES_VERB_SET,
		.nodes_count = 1,
		.nodes = &node,
		.time = 7 };
	CHECK_INT(apply(w, c), 0);
}

/* nodes: 0: any number. */
static void begin(struct world *w, uint64_t seed, unsigned nodes)
{
	*w = (struct world){ 0 };
	rng_init(&w->rng, seed);
	new_cluster(&w->clusters[0]);
	new_cluster(&w->clusters[1]);
	w->node_count = nodes != 0 ? nodes : (unsigned)rng_between(&w->rng, 1, NODES);
	for (unsigned i = 0; i < GROUPS; i++)
		w->groups[i] = test_guid(1, i);
	for (unsigned i = 0; i < RESOURCES; i++)
		w->resources[i] = test_guid(2, i);
	/* look() needs them all. */
	for (unsigned replica = 0; replica < 2; replica++) {
		struct db *db = cluster_db(w->clusters[replica]);

		for (unsigned i = 0; i < NODES - 1 + GROUPS + RESOURCES; i++) {
			char16_t name[] = u"x0";
			struct buf batch = { 0 };
			struct object_creation o = {
				.kind = OBJECT_RESOURCE, .type_name = U16("Generic Script"), .time = 1
			};

			if (i < NODES - 1) {
				o.kind = OBJECT_NODE;
				name[0] = 'n';
				name[1] = (char16_t)('2' + i);
			} else if (i < NODES - 1 + GROUPS) {
				o.kind = OBJECT_GROUP;
				o.id = w->groups[i - NODES + 1];
				name[0] = 'g';
				name[1] = (char16_t)('0' + i);
			} else {
				o.id = w->resources[i - NODES + 1 - GROUPS];
				o.group_id = w->groups[i % GROUPS];
				name[1] = (char16_t)('a' + i);
			}
			o.name = (struct u16){ name, 2 };
			CHECK_INT(object_create(db, &o, &batch), 0);
			buf_done(&batch);
		}
	}
	for (unsigned i = 0; i < RESOURCES; i++) {
		set_number(
		    w, U16("Resources"), &w->resources[i], U16("RestartAction"), (uint32_t)rng_below(&w->rng, 3));
		set_number(
		    w, U16("Resources"), &w->resources[i], U16("RestartThreshold"), (uint32_t)rng_below(&w->rng, 4));
		set_number(w, U16("Resources"), &w->resources[i], U16("PendingTimeout"),
		    rng_chance(&w->rng, 50) ? 2000 : 180000);
	}
	for (uint32_t n = 1; n <= w->node_count; n++)
		boot(w, n);
	node_event(w, CLUSTER_OWNER_ELECTED, 1, 0);
}

/* What groups are like where no story says. */
static void scatter(struct world *w)
{
	for (unsigned g = 0; g < GROUPS; g++) {
		set_group(w, g, U16("Priority"), 1000 * (uint32_t)rng_below(&w->rng, 4));
		set_group(w, g, U16("AutoFailbackType"), (uint32_t)rng_below(&w->rng, 2));
		set_group(w, g, U16("FailbackWindowStart"), (uint32_t)rng_below(&w->rng, 25) - 1);
		set_group(w, g, U16("FailbackWindowEnd"), (uint32_t)rng_below(&w->rng, 25) - 1);
		set_group(w, g, U16("LockedFromMoving"), rng_chance(&w->rng, 20));
		if (rng_chance(&w->rng, 70))
			prefer(w, g, (uint32_t)rng_between(&w->rng, 1, w->node_count));
	}
}

static void save_and_load(struct world *w)
{
	struct buf saved = { 0 };
	struct error error;

	cluster_runtime_save(w->clusters[1], &saved);
	CHECK_INT(cluster_runtime_load(w->clusters[1], saved.data, saved.len, &error), 0);
	buf_done(&saved);
	check_replicas(w);
}

/* Somebody writes into the registry: an application's own key, or what is no business of the API there. */
static void writer_turn(struct world *w)
{
	static const char16_t *const keys[] = { u"App", u"Groups", u"Resources", u"Quorum" };
	char16_t text[GUID_TEXT_LEN + 1], path[16 + GUID_TEXT_LEN] = u"";
	uint64_t at = rng_below(&w->rng, ARRAY_SIZE(keys));
	uint8_t number[4] = { (uint8_t)rng_below(&w->rng, 2) };
	struct buf b = { 0 };
	size_t len = 0;

	guid_format_u16(&w->resources[rng_below(&w->rng, RESOURCES)], text);
	for (const char16_t *from = keys[at]; *from != 0; from++)
		path[len++] = *from;
	if (at == 2) {
		path[len++] = '\\';
		memcpy(path + len, text, GUID_TEXT_LEN * sizeof(*text));
		len += GUID_TEXT_LEN;
	}
	regbuf_begin(&b);
	regbuf_add(&b, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = { path, len } });
	regbuf_add(&b, &(struct regbuf_command){ .kind = REGBUF_SET_VALUE,
			   .type = PROP_REG_DWORD,
			   .name = at == 2 ? U16("PersistentState") : U16("Number"),
			   .data = number,
			   .len = sizeof(number) });
	CHECK_INT(
	    apply(w, (struct command){ .kind = COMMAND_REG_BATCH,
			 .reg_batch = { .key = u"", .batch = b.data, .batch_size = (uint32_t)b.len, .time = 7 } }),
	    0);
	buf_done(&b);
}

static void chaos(struct world *w)
{
	for (unsigned step = 0; step < STEPS; step++) {
		uint32_t node = (uint32_t)rng_between(&w->rng, 1, w->node_count);

		switch (rng_below(&w->rng, 15)) {
		case 14:
			writer_turn(w);
			break;
		case 12:
			rogue_turn(w);
			break;
		case 13:
			stale_report(w);
			break;
		case 0 ... 2:
			user_turn(w);
			break;
		case 3 ... 5:
			hosts_turn(w, 50);
			break;
		case 6 ... 8:
			owner_turn(w);
			break;
		case 9:
			tick(w, rng_below(&w->rng, 4) * SECOND);
			break;
		case 10:
			if (!w->nodes[node].up)
				boot(w, node);
			else if (rng_chance(&w->rng, 30))
				crash(w, node);
			break;
		case 11:
			if (rng_chance(&w->rng, 20))
				save_and_load(w);
			else if (rng_chance(&w->rng, 30))
				node_event(w, CLUSTER_OWNER_ELECTED, node, 0);
			break;
		}
	}
}

static bool group_is_stuck(const struct world *w, unsigned g)
{
	for (unsigned i = 0; i < RESOURCES; i++) {
		const struct resource_run *r = resource_run_find(table(w), &w->resources[i]);

		if (r != NULL && r->stuck && group_of(w, i) == g)
			return true;
	}
	return false;
}

static bool is_eligible(const struct group_config *c, unsigned hour)
{
	uint32_t start = c->window_start, end = c->window_end;

	if (start > 23 || end > 23 || start == end)
		return true;
	return (hour + 24 - start) % 24 < (end + 24 - start) % 24;
}

/* Until nobody has anything more to do. */
static void settle(struct world *w)
{
	unsigned idle = 0, rounds = 0;

	w->calm = true;
	while (idle < 4) {
		CHECK(++rounds < 300);
		idle = owner_turn(w) == 0 ? idle + 1 : 0;
		hosts_turn(w, 100);
		if (cluster_deadline(w->clusters[0]) != UINT64_MAX)
			tick(w, 10 * 3600 * SECOND);
	}
	CHECK_INT(cluster_deadline(w->clusters[0]), UINT64_MAX);
	for (unsigned g = 0; g < GROUPS; g++) {
		const struct group_run *run = group_run_find(table(w), &w->groups[g]);
		const struct db_key *key = group_key(root(w), &w->groups[g]);
		struct group_config config = group_config_read(key);

		if (run == NULL || config.locked || run->failback == 0 || run->failback == run->owner ||
		    group_check_target(cluster_runtime(w->clusters[0]), root(w), key, run->failback) < 0)
			continue;
		CHECK(group_is_stuck(w, g) ||
		      (!run->failback_now && !(config.auto_failback && is_eligible(&config, w->hour))));
		CHECK(cluster_waits_for_hour(w->clusters[0]) || !config.auto_failback);
	}
}

static bool group_moves(const struct world *w, unsigned g)
{
	const struct group_run *run = group_run_find(table(w), &w->groups[g]);

	return run != NULL && run->target != 0;
}

/* Nodes are up and not paused, hosts do what they are asked, time goes on: all must come to rest where it is wanted. */
static void come_to_rest(struct world *w)
{
	bool afresh = rng_chance(&w->rng, 50);

	w->calm = true;
	for (uint32_t n = 1; n <= w->node_count; n++) {
		if (afresh)
			crash(w, n);
		if (!w->nodes[n].up)
			boot(w, n);
		apply(
		    w, (struct command){ .kind = COMMAND_NODE_REQUEST, .node_request = { n, NODE_VERB_RESUME, 0, 7 } });
	}
	for (unsigned i = 0; i < GROUPS; i++)
		apply(w, (struct command){ .kind = COMMAND_GROUP_REQUEST,
			     .group_request = { w->groups[i], GROUP_VERB_CANCEL, 0, 7 } });
	settle(w);
	for (unsigned i = 0; i < RESOURCES; i++) {
		const struct db_key *key = resource_key(root(w), &w->resources[i]);
		const struct resource_run *r = resource_run_find(table(w), &w->resources[i]);
		struct depend depends = resource_depends(key);
		bool provided = resource_provided(table(w), &depends, NULL), wanted = resource_is_wanted(root(w), key);

		/* Its node was lost, and nobody has asked for it since. */
		if (wanted && resource_run_state(r) == RESOURCE_OFFLINE && (r == NULL || r->held) &&
		    group_priority(group_of_resource(root(w), &w->resources[i], NULL)) == GROUP_NO_AUTO_START)
			continue;
		/* Something could not be stopped when the group was to go back, and nobody has asked for it since. */
		if (group_is_stuck(w, group_of(w, i)) && group_moves(w, group_of(w, i)))
			continue;
		/* What failed stays failed if nobody wants it, or wants it again. */
		if (resource_run_state(r) == RESOURCE_FAILED &&
		    (resource_config_read(key).restart_action == RESTART_NOT || !wanted || !provided))
			continue;
		CHECK_INT(resource_run_state(r), wanted && provided ? RESOURCE_ONLINE : RESOURCE_OFFLINE);
	}
}

TEST(a_resource_runs_once_and_with_what_it_needs_and_all_comes_to_rest)
{
	static struct world w;

	for (uint64_t round = 0; round < test_rounds(60); round++) {
		test_note_seed(test_seed + round);
		begin(&w, test_seed + round, 0);
		scatter(&w);
		chaos(&w);
		come_to_rest(&w);
		cluster_free(w.clusters[0]);
		cluster_free(w.clusters[1]);
	}
}

/* Stories. */

static uint32_t owner_of(const struct world *w, unsigned g)
{
	const struct group_run *run = group_run_find(table(w), &w->groups[g]);

	return run != NULL ? run->owner : 0;
}

static uint32_t group_request(struct world *w, unsigned g, enum group_verb verb, uint32_t node)
{
	return apply(
	    w, (struct command){ .kind = COMMAND_GROUP_REQUEST, .group_request = { w->groups[g], verb, node, 7 } });
}

static bool all_online(const struct world *w, unsigned g)
{
	return group_state_of(table(w), root(w), group_key(root(w), &w->groups[g])) == GROUP_ONLINE;
}

static void lose(struct world *w, uint32_t node)
{
	uint64_t incarnation = w->nodes[node].incarnation;

	w->nodes[node] = (struct node){ 0 };
	node_event(w, CLUSTER_NODE_LOST, node, incarnation);
}

static void end(struct world *w)
{
	cluster_free(w->clusters[0]);
	cluster_free(w->clusters[1]);
}

TEST(a_group_goes_back_to_the_node_that_it_prefers_in_its_hours)
{
	static struct world w;

	for (uint64_t round = 0; round < test_rounds(30); round++) {
		struct group_config config;
		bool automatic;

		test_note_seed(test_seed + round);
		begin(&w, test_seed + round, 3);
		automatic = rng_chance(&w.rng, 70);
		w.hour = (unsigned)rng_below(&w.rng, 24);
		set_group(&w, 0, U16("AutoFailbackType"), automatic);
		set_group(&w, 0, U16("FailbackWindowStart"), (uint32_t)rng_below(&w.rng, 25) - 1);
		set_group(&w, 0, U16("FailbackWindowEnd"), (uint32_t)rng_below(&w.rng, 25) - 1);
		prefer(&w, 0, 2);
		settle(&w);
		CHECK_INT(group_request(&w, 0, GROUP_VERB_ONLINE, 0), 0);
		settle(&w);
		CHECK_INT(owner_of(&w, 0), 2);
		lose(&w, 2);
		settle(&w);
		CHECK(owner_of(&w, 0) != 2 && all_online(&w, 0));
		boot(&w, 2);
		settle(&w);
		config = group_config_read(group_key(root(&w), &w.groups[0]));
		CHECK_INT(owner_of(&w, 0) == 2, automatic && is_eligible(&config, w.hour));
		CHECK_INT(cluster_waits_for_hour(w.clusters[0]), automatic && !is_eligible(&config, w.hour));
		if (owner_of(&w, 0) != 2 && rng_chance(&w.rng, 30)) {
			/* Somebody wants it elsewhere: then it stays. */
			uint32_t other = owner_of(&w, 0) == 1 ? 3 : 1;

			CHECK_INT(group_request(&w, 0, GROUP_VERB_MOVE, other), 0);
			w.hour = config.window_start > 23 ? 0 : config.window_start;
			settle(&w);
			CHECK_INT(owner_of(&w, 0), other);
		} else {
			w.hour = config.window_start > 23 ? 0 : config.window_start;
			settle(&w);
			CHECK_INT(owner_of(&w, 0) == 2, automatic);
		}
		CHECK(all_online(&w, 0));
		end(&w);
	}
}

static uint32_t node_request(struct world *w, struct command_NodeRequest request)
{
	return apply(w, (struct command){ .kind = COMMAND_NODE_REQUEST, .node_request = request });
}

static uint32_t drain(struct world *w, uint32_t node, uint32_t target)
{
	return node_request(w, (struct command_NodeRequest){ node, NODE_VERB_PAUSE, NODE_REQUEST_DRAIN, 7, target });
}

TEST(what_a_drain_took_goes_to_its_target_and_comes_back_as_asked)
{
	static struct world w;

	for (uint64_t round = 0; round < test_rounds(30); round++) {
		uint32_t failback, target;

		test_note_seed(test_seed + round);
		begin(&w, test_seed + round, 3);
		failback = (uint32_t)rng_below(&w.rng, 3);
		target = rng_chance(&w.rng, 50) ? 3 : 0;
		set_group(&w, 0, U16("AutoFailbackType"), (uint32_t)(round % 2));
		settle(&w);
		for (unsigned g = 0; g < GROUPS; g++) {
			CHECK_INT(group_request(&w, g, GROUP_VERB_ONLINE, 1), 0);
			settle(&w);
			CHECK_INT(owner_of(&w, g), 1);
		}
		CHECK_INT(drain(&w, 1, 1), 87);
		CHECK_INT(drain(&w, 1, 4), 5050);
		CHECK_INT(drain(&w, 1, target), 0);
		CHECK_INT(drain(&w, 1, target), 5962);
		settle(&w);
		for (unsigned g = 0; g < GROUPS; g++) {
			CHECK(all_online(&w, g));
			CHECK(target != 0 ? owner_of(&w, g) == target : owner_of(&w, g) != 1);
		}
		/* What somebody moves afterwards has not been brought there by a drain. */
		CHECK_INT(group_request(&w, 2, GROUP_VERB_MOVE, owner_of(&w, 2) == 3 ? 2 : 3), 0);
		settle(&w);
		CHECK_INT(node_request(&w, (struct command_NodeRequest){ 1, NODE_VERB_RESUME, 0, 7, 0, failback }), 0);
		settle(&w);
		CHECK_INT(owner_of(&w, 0) == 1,
		    failback == NODE_FAILBACK_NOW || (failback == NODE_FAILBACK_POLICY && round % 2 == 1));
		CHECK_INT(owner_of(&w, 1) == 1, failback == NODE_FAILBACK_NOW);
		CHECK(owner_of(&w, 2) != 1);
		end(&w);
	}
}

/* One of its resources fails, so that the group fails over if it may. */
static void fail_for_good(struct world *w, unsigned g)
{
	unsigned i = 0;

	while (group_of(w, i) != g)
		i++;
	set_number(w, U16("Resources"), &w->resources[i], U16("RestartAction"), RESTART_AND_FAIL_OVER);
	set_number(w, U16("Resources"), &w->resources[i], U16("RestartThreshold"), 0);
	CHECK_INT(apply(w, (struct command){ .kind = COMMAND_RESOURCE_REQUEST,
			       .resource_request = { w->resources[i], RESOURCE_VERB_FAIL, 7 } }),
	    0);
}

TEST(a_locked_group_leaves_a_node_only_when_that_is_lost_or_the_lock_is_ignored)
{
	static struct world w;

	for (uint64_t round = 0; round < test_rounds(30); round++) {
		uint32_t flags = NODE_REQUEST_DRAIN | NODE_REQUEST_SPARE_LOCKED;

		test_note_seed(test_seed + round);
		begin(&w, test_seed + round, 3);
		set_group(&w, 0, U16("AutoFailbackType"), 1);
		prefer(&w, 0, 2);
		settle(&w);
		for (unsigned g = 0; g < GROUPS; g++)
			CHECK_INT(group_request(&w, g, GROUP_VERB_ONLINE, 1), 0);
		settle(&w);
		set_group(&w, 0, U16("LockedFromMoving"), 1);
		CHECK_INT(group_request(&w, 0, GROUP_VERB_MOVE_UNLOCKED, 3), 5960);
		CHECK_INT(group_request(&w, 0, GROUP_VERB_MOVE_UNLOCKED, 0), 5960);
		for (unsigned g = 0; g < 2; g++)
			fail_for_good(&w, g);
		settle(&w);
		CHECK_INT(owner_of(&w, 0), 1);
		CHECK(owner_of(&w, 1) != 1);
		CHECK_INT(group_request(&w, 1, GROUP_VERB_MOVE, 1), 0);
		settle(&w);
		CHECK_INT(node_request(&w, (struct command_NodeRequest){ 1, NODE_VERB_PAUSE, flags, 7, 0 }), 0);
		lose(&w, 2); /* It would prefer that one when it comes back. */
		boot(&w, 2);
		settle(&w);
		CHECK_INT(owner_of(&w, 0), 1);
		CHECK(owner_of(&w, 1) != 1 && owner_of(&w, 2) != 1);
		CHECK_INT(node_request(&w, (struct command_NodeRequest){ 1, NODE_VERB_RESUME, 0, 7 }), 0);
		if (rng_chance(&w.rng, 50)) {
			CHECK_INT(group_request(&w, 0, GROUP_VERB_MOVE, 3), 0);
			settle(&w);
			CHECK_INT(owner_of(&w, 0), 3);
		} else {
			lose(&w, 1);
			settle(&w);
			CHECK_INT(owner_of(&w, 0), 2);
		}
		CHECK(all_online(&w, 0));
		set_group(&w, 0, U16("LockedFromMoving"), 0);
		CHECK_INT(group_request(&w, 0, GROUP_VERB_MOVE_UNLOCKED, owner_of(&w, 0) == 2 ? 3 : 2), 0);
		end(&w);
	}
}

TEST(after_a_crash_groups_start_by_priority_and_some_only_when_asked)
{
	static struct world w;

	for (uint64_t round = 0; round < test_rounds(10); round++) {
		test_note_seed(test_seed + round);
		begin(&w, test_seed + round, 1);
		settle(&w);
		for (unsigned g = 0; g < GROUPS; g++) {
			set_group(&w, g, U16("Priority"), 2000 + 1000 * g);
			CHECK_INT(group_request(&w, g, GROUP_VERB_ONLINE, 0), 0);
		}
		set_group(&w, 0, U16("Priority"), GROUP_NO_AUTO_START);
		settle(&w); /* Somebody has asked for them: even what does not start by itself. */
		for (unsigned g = 0; g < GROUPS; g++)
			CHECK(all_online(&w, g));
		lose(&w, 1);
		boot(&w, 1);
		owner_turn(&w);
		/* Only the one of the highest priority has begun. */
		for (unsigned i = 0; i < RESOURCES; i++)
			CHECK_INT(resource_run_state(resource_run_find(table(&w), &w.resources[i])),
			    group_of(&w, i) == 2 ? RESOURCE_ONLINE_PENDING : RESOURCE_OFFLINE);
		settle(&w);
		CHECK(all_online(&w, 1) && all_online(&w, 2) && !all_online(&w, 0));
		CHECK_INT(group_request(&w, 0, GROUP_VERB_ONLINE, 0), 0);
		settle(&w);
		CHECK(all_online(&w, 0));
		end(&w);
	}
}
