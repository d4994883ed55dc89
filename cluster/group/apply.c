/* apply: groups and resources: requests, reports and decisions, each a small transition.
 *
 * Why      a resource must never run twice, and never without what it needs, whatever a policy decides, a host reports or
 *          a node does at the wrong moment.  So the rules are checked here, where there is one order for all.
 * How      three kinds of commands change what runs:
 *            requests    of users: they change what is wanted (PersistentState in the database) and little else;
 *            decisions   of the owner (policy.c), logged with the owner's term and the sequence number of the state that
 *                        they were made from: what is out of date is void;
 *            reports     of the node that hosts a resource, with the operation that they answer.
 *
 *             OFFLINE ── start ─► ONLINE_PENDING ── report ─► ONLINE ── stop, fail ─► OFFLINE_PENDING ─► OFFLINE
 *                FAILED ◄─────────── report, time-out ──────────┴──────────────────────────┘
 *
 * Promise  a resource is active on at most one node life; one that becomes ONLINE_PENDING has its providers ONLINE; one
 *          that is stopped is not needed by an active one.  A provider that *fails* may leave dependents active for as
 *          long as the policy needs to stop them.
 * Stuck    a host that could not stop a resource says so: it is FAILED, but may still run there, so it is started nowhere
 *          else until that node's life is over.
 * Threads  the loop thread.       Tests  tests/unit/group.c, tests/sim/group.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/apply.h"
#include "cluster/cluster.h"
#include "cluster/object/change.h"
#include "cluster/runtime.h"
#include "wire/command.h"
#include <string.h>

/* Reading. */

static bool is_online(const struct group_table *t, const struct guid *id)
{
	return resource_run_state(resource_run_find(t, id)) == RESOURCE_ONLINE;
}

struct provided {
	const struct group_table *table;
	const struct guid *without;
};

static bool provides(void *data, const struct guid *id)
{
	const struct provided *p = data;

	return (p->without == NULL || !guid_equal(p->without, id)) && is_online(p->table, id);
}

bool resource_provided(const struct group_table *t, const struct depend *d, const struct guid *without)
{
	struct provided p = { t, without };

	return depend_holds(d, provides, &p);
}

bool resource_is_needed(
    const struct group_table *t, const struct db_key *root, const struct db_key *group, const struct guid *id)
{
	const struct db_key *key;
	struct guid other;
	size_t at = 0;

	while (group_next(root, group, &at, &other, &key)) {
		struct depend d;

		if (!resource_is_active(resource_run_find(t, &other)) || guid_equal(&other, id))
			continue;
		d = resource_depends(key);
		/* One whose expression does not hold anyway is about to be stopped, and must be first. */
		if (depend_has(&d, id) && !resource_provided(t, &d, id))
			return true;
	}
	return false;
}

enum group_state group_state_of(const struct group_table *t, const struct db_key *root, const struct db_key *group)
{
	unsigned online = 0, pending = 0, failed = 0, all = 0;
	const struct db_key *key;
	struct guid id;
	size_t at = 0;

	for (; group_next(root, group, &at, &id, &key); all++) {
		enum resource_state state = resource_run_state(resource_run_find(t, &id));

		online += state == RESOURCE_ONLINE;
		failed += state == RESOURCE_FAILED;
		pending += state == RESOURCE_ONLINE_PENDING || state == RESOURCE_OFFLINE_PENDING;
	}
	return failed > 0     ? GROUP_FAILED
	       : pending > 0  ? GROUP_PENDING
	       : online == 0  ? GROUP_OFFLINE
	       : online < all ? GROUP_PARTIAL_ONLINE
			      : GROUP_ONLINE;
}

static bool group_is_active(const struct group_table *t, const struct db_key *root, const struct db_key *group)
{
	const struct db_key *key;
	struct guid id;
	size_t at = 0;

	while (group_next(root, group, &at, &id, &key))
		if (resource_is_active(resource_run_find(t, &id)))
			return true;
	return false;
}

static const struct runtime_node *node_up(const struct runtime *r, uint32_t node)
{
	for (size_t i = 0; i < r->up_count; i++)
		if (r->up[i].node == node)
			return &r->up[i];
	return NULL;
}

/* Whether all resources of the group that are to be online may be on the node. */
static bool group_may_be_on(const struct db_key *root, const struct db_key *group, uint32_t node)
{
	const struct db_key *key;
	struct guid id;
	size_t at = 0;

	while (group_next(root, group, &at, &id, &key))
		if (!resource_may_be_on(key, node) && resource_is_wanted(root, key))
			return false;
	return true;
}

int group_check_target(const struct runtime *r, const struct db_key *root, const struct db_key *group, uint32_t node)
{
	if (node_up(r, node) == NULL)
		return ERR_HOST_NODE_NOT_AVAILABLE;
	if (node_is_paused(&r->groups, node))
		return ERR_CLUSTER_NODE_PAUSED;
	return group_may_be_on(root, group, node) ? 0 : ERR_NODE_CANT_HOST_RESOURCE;
}

uint32_t group_best_node(
    const struct runtime *r, const struct db_key *root, const struct db_key *group, uint32_t except)
{
	uint32_t best = 0, best_place = UINT32_MAX;

	for (size_t i = 0; i < r->up_count; i++) {
		uint32_t node = r->up[i].node, place = group_preference(group, node);

		if (node == except || group_check_target(r, root, group, node) < 0)
			continue;
		if (best == 0 || place < best_place) {
			best = node;
			best_place = place;
		}
	}
	return best;
}

/* Writing. */

static void set_state(const struct group_machine *m, struct resource_run *r, enum resource_state state,
    enum resource_reason reason, uint32_t status, uint64_t time)
{
	if (r->history_count < RESOURCE_HISTORY)
		r->history_count++;
	memmove(r->history + 1, r->history, (r->history_count - 1) * sizeof(r->history[0]));
	r->history[0] = (struct resource_event){ time, state, reason, status, r->node };
	r->state = state;
	r->status = status;
	r->sequence++;
	r->wake = 0;
	r->held = false;
	if (state == RESOURCE_ONLINE_PENDING || state == RESOURCE_OFFLINE_PENDING)
		r->operation = m->index;
	if (state == RESOURCE_OFFLINE || state == RESOURCE_FAILED) {
		r->failing = r->recycle = false;
		r->operation = 0;
		if (!r->stuck) {
			r->node = 0;
			r->incarnation = 0;
		}
	}
}

/* What is wanted, written where a backup keeps it. */
static void want(struct change *c, struct change_path path, const struct db_key *key, uint32_t online)
{
	uint32_t is;

	if (!object_number(key, U16("PersistentState"), &is) || is != online)
		change_set_number(c, path, U16("PersistentState"), online);
}

struct path_text {
	char16_t id[GUID_TEXT_LEN + 1];
};

static struct change_path path_of(enum object_kind kind, const struct guid *id, struct path_text *text)
{
	guid_format_u16(id, text->id);
	return CHANGE_PATH(object_container(kind), (struct u16){ text->id, GUID_TEXT_LEN });
}

enum { PROVIDERS_MAX = 256 };

struct family {
	struct guid all[PROVIDERS_MAX];
	unsigned count;
};

/* The resource and all that it may need.  ERR_DEPENDENCY_TREE_TOO_COMPLEX. */
static int want_with_providers(struct change *c, const struct db_key *root, const struct guid *id, struct family *ret)
{
	struct guid *all = ret->all;
	unsigned count = 1;

	all[0] = *id;
	for (unsigned at = 0; at < count; at++) {
		const struct db_key *key = resource_key(root, &all[at]);
		struct path_text text;
		struct depend d;

		if (key == NULL)
			continue;
		want(c, path_of(OBJECT_RESOURCE, &all[at], &text), key, 1);
		d = resource_depends(key);
		for (unsigned i = 0, known; i < d.count; i++) {
			if (d.items[i].kind != DEPEND_TERM)
				continue;
			for (known = 0; known < count && !guid_equal(&all[known], &d.items[i].id);)
				known++;
			if (known == PROVIDERS_MAX)
				return ERR_DEPENDENCY_TREE_TOO_COMPLEX;
			all[known] = d.items[i].id;
			count = known == count ? count + 1 : count;
		}
	}
	ret->count = count;
	return 0;
}

/* Somebody has asked for it: it does not wait for its turn (policy.c).  -ENOMEM. */
static int release(const struct group_machine *m, const struct guid *id)
{
	struct resource_run *r = resource_run_get(&m->runtime->groups, id);

	if (r == NULL)
		return -ENOMEM;
	r->held = false;
	return 0;
}

/* A failed resource is as good as new. */
static void forgive(const struct group_machine *m, const struct guid *id, enum resource_reason reason, uint64_t time)
{
	const struct resource_run *r = resource_run_find(&m->runtime->groups, id);
	struct resource_run *run;

	if (r == NULL || r->state != RESOURCE_FAILED)
		return;
	run = resource_run_get(&m->runtime->groups, id);
	run->restarts = 0;
	run->wake = 0;
	if (!run->stuck)
		set_state(m, run, RESOURCE_OFFLINE, reason, 0, time);
}

static void begin_stop(
    const struct group_machine *m, struct resource_run *r, enum resource_reason reason, bool failing, uint64_t time)
{
	r->failing = failing;
	set_state(m, r, RESOURCE_OFFLINE_PENDING, reason, 0, time);
}

/* Requests. */

static int request_resource_online(const struct group_machine *m, const struct guid *id, uint64_t time)
{
	const struct db_key *root = db_root(m->db), *group;
	const struct group_run *g;
	struct guid group_id;
	struct path_text text;
	struct family family = { .count = 0 };
	struct change c;
	int r;

	group = group_of_resource(root, id, &group_id);
	if (group == NULL)
		return ERR_GROUP_NOT_AVAILABLE;
	g = group_run_find(&m->runtime->groups, &group_id);
	if (g == NULL || node_up(m->runtime, g->owner) == NULL)
		return ERR_HOST_NODE_NOT_AVAILABLE;
	if (!resource_may_be_on(resource_key(root, id), g->owner))
		return ERR_NODE_CANT_HOST_RESOURCE;
	r = change_begin(&c, m->db, time, &m->result->batch);
	if (r < 0)
		return r;
	r = want_with_providers(&c, db_snapshot_root(c.before), id, &family);
	if (r < 0 && c.error == 0)
		c.error = r;
	want(&c, path_of(OBJECT_GROUP, &group_id, &text), group_key(db_snapshot_root(c.before), &group_id), 1);
	r = change_end(&c);
	if (r == 0)
		forgive(m, id, REASON_ASKED, time);
	for (unsigned i = 0; r == 0 && i < family.count; i++)
		if (resource_key(db_root(m->db), &family.all[i]) != NULL)
			r = release(m, &family.all[i]);
	return r;
}

static int request_resource_offline(const struct group_machine *m, const struct guid *id, uint64_t time)
{
	const struct db_key *key = resource_key(db_root(m->db), id);
	struct resource_run *run;
	struct path_text text;
	struct change c;
	int r;

	if (object_is_quorum(db_root(m->db), object_id(key)))
		return ERR_QUORUM_RESOURCE;
	r = change_begin(&c, m->db, time, &m->result->batch);
	if (r < 0)
		return r;
	want(&c, path_of(OBJECT_RESOURCE, id, &text), resource_key(db_snapshot_root(c.before), id), 0);
	r = change_end(&c);
	if (r < 0 || resource_run_state(resource_run_find(&m->runtime->groups, id)) != RESOURCE_FAILED)
		return r;
	run = resource_run_get(&m->runtime->groups, id);
	run->restarts = 0;
	/* A stuck one is told once more to stop where it is. */
	if (run->stuck)
		begin_stop(m, run, REASON_ASKED, true, time);
	else
		set_state(m, run, RESOURCE_OFFLINE, REASON_ASKED, 0, time);
	return 0;
}

int group_apply_resource_request(const struct group_machine *m, const struct command_ResourceRequest *c)
{
	const struct resource_run *r;

	if (resource_key(db_root(m->db), &c->id) == NULL)
		return ERR_RESOURCE_NOT_AVAILABLE;
	switch (c->verb) {
	case RESOURCE_VERB_ONLINE:
		return request_resource_online(m, &c->id, c->time);
	case RESOURCE_VERB_OFFLINE:
		return request_resource_offline(m, &c->id, c->time);
	case RESOURCE_VERB_FAIL:
	case RESOURCE_VERB_RESTART:
		r = resource_run_find(&m->runtime->groups, &c->id);
		if (resource_run_state(r) != RESOURCE_ONLINE)
			return ERR_RESOURCE_NOT_ONLINE;
		if (c->verb == RESOURCE_VERB_FAIL)
			begin_stop(m, resource_run_get(&m->runtime->groups, &c->id), REASON_ASKED, true, c->time);
		else
			resource_run_get(&m->runtime->groups, &c->id)->recycle = true;
		return 0;
	default:
		return ERR_INVALID_PARAMETER;
	}
}

static int want_group(const struct group_machine *m, const struct guid *id, uint32_t online, uint64_t time)
{
	const struct db_key *before, *group, *key;
	struct path_text text;
	struct guid member;
	struct change c;
	size_t at = 0;
	int r = change_begin(&c, m->db, time, &m->result->batch);

	if (r < 0)
		return r;
	before = db_snapshot_root(c.before);
	group = group_key(before, id);
	want(&c, path_of(OBJECT_GROUP, id, &text), group, online);
	while (group_next(before, group, &at, &member, &key))
		if (!object_is_quorum(before, object_id(key)))
			want(&c, path_of(OBJECT_RESOURCE, &member, &text), key, online);
	r = change_end(&c);
	for (at = 0; r == 0 && group_next(db_root(m->db), group_key(db_root(m->db), id), &at, &member, &key);) {
		forgive(m, &member, REASON_ASKED, time);
		if (online)
			r = release(m, &member);
	}
	return r;
}

static int move_group(const struct group_machine *m, const struct guid *id, uint32_t node)
{
	const struct db_key *root = db_root(m->db), *group = group_key(root, id);
	const struct group_run *found = group_run_find(&m->runtime->groups, id);
	uint32_t owner = found != NULL ? found->owner : 0;
	struct group_run *g;
	int r;

	if (node == 0)
		node = group_best_node(m->runtime, root, group, owner);
	if (node == 0)
		return ERR_HOST_NODE_NOT_AVAILABLE;
	if (node == owner && found->target == 0)
		return 0;
	r = node == owner ? 0 : group_check_target(m->runtime, root, group, node);
	if (r < 0)
		return r;
	g = group_run_get(&m->runtime->groups, id);
	if (g == NULL)
		return -ENOMEM;
	g->target = node == g->owner ? 0 : node;
	g->drained = g->failback = 0; /* Somebody wants it there. */
	g->sequence++;
	return 0;
}

int group_apply_group_request(const struct group_machine *m, const struct command_GroupRequest *c)
{
	const struct group_run *found;
	int r = 0;

	if (group_key(db_root(m->db), &c->id) == NULL)
		return ERR_GROUP_NOT_AVAILABLE;
	switch (c->verb) {
	case GROUP_VERB_ONLINE:
		found = group_run_find(&m->runtime->groups, &c->id);
		if (c->node == 0 && found != NULL && node_is_paused(&m->runtime->groups, found->owner))
			return ERR_SHARING_PAUSED;
		if (c->node != 0)
			r = move_group(m, &c->id, c->node);
		return r < 0 ? r : want_group(m, &c->id, 1, c->time);
	case GROUP_VERB_OFFLINE:
		return want_group(m, &c->id, 0, c->time);
	case GROUP_VERB_MOVE_UNLOCKED:
		if (group_config_read(group_key(db_root(m->db), &c->id)).locked)
			return ERR_CLUSTER_RESOURCE_LOCKED_STATUS;
		return move_group(m, &c->id, c->node);
	case GROUP_VERB_MOVE:
		return move_group(m, &c->id, c->node);
	case GROUP_VERB_CANCEL: {
		struct group_run *g;

		found = group_run_find(&m->runtime->groups, &c->id);
		if (found == NULL || found->target == 0)
			return ERR_INVALID_STATE;
		g = group_run_get(&m->runtime->groups, &c->id);
		g->target = 0;
		g->drained = g->failback = 0;
		g->sequence++;
		return 0;
	}
	default:
		return ERR_INVALID_PARAMETER;
	}
}

/* Reports. */

static void set_text(struct resource_run *r, const char16_t *text)
{
	size_t len = text != NULL ? u16_from_z(text).len : 0;

	bool cut = len > RESOURCE_TEXT_MAX;

	if (cut) {
		len = RESOURCE_TEXT_MAX - 1;
		len -= (text[len - 1] & 0xfc00) == 0xd800; /* A character of two units goes as a whole. */
	}
	memset(r->text, 0, sizeof(r->text));
	memcpy(r->text, text != NULL ? text : u"", len * sizeof(r->text[0]));
	if (cut)
		r->text[len] = u'…';
}

static bool report_fits(const struct resource_run *r, uint32_t state)
{
	switch (r->state) {
	case RESOURCE_ONLINE_PENDING:
		return state == RESOURCE_ONLINE || state == RESOURCE_FAILED;
	case RESOURCE_ONLINE:
		return state == RESOURCE_FAILED;
	case RESOURCE_OFFLINE_PENDING:
		return state == RESOURCE_OFFLINE || state == RESOURCE_FAILED;
	case RESOURCE_OFFLINE:
	case RESOURCE_FAILED:
		return false;
	}
	return false;
}

int group_apply_report(const struct group_machine *m, const struct command_ResourceReport *c)
{
	const struct resource_run *found = resource_run_find(&m->runtime->groups, &c->id);
	enum resource_state state = (enum resource_state)c->state;
	struct resource_run *r;

	if (found == NULL || found->operation != c->operation || !report_fits(found, c->state))
		return ERR_INVALID_STATE;
	r = resource_run_get(&m->runtime->groups, &c->id);
	set_text(r, c->text);
	r->stuck = state == RESOURCE_FAILED && (c->flags & REPORT_STUCK) != 0;
	if (state == RESOURCE_OFFLINE && r->failing)
		state = RESOURCE_FAILED;
	set_state(m, r, state, REASON_HOST, c->status, c->time);
	return 0;
}

/* Decisions. */

static int decide_start(const struct group_machine *m, const struct command_Decide *c)
{
	const struct db_key *root = db_root(m->db), *key = resource_key(root, &c->id);
	struct group_table *t = &m->runtime->groups;
	const struct runtime_node *node = node_up(m->runtime, c->node);
	const struct resource_run *found = resource_run_find(t, &c->id);
	const struct group_run *g;
	uint64_t pending_timeout;
	struct resource_run *r;
	struct guid group_id;
	struct depend d;

	if (key == NULL || node == NULL || group_of_resource(root, &c->id, &group_id) == NULL)
		return ERR_INVALID_STATE;
	d = resource_depends(key);
	g = group_run_find(t, &group_id);
	if (g == NULL || g->owner != c->node || g->target != 0 || !resource_is_wanted(root, key) ||
	    !resource_may_be_on(key, c->node) || !resource_provided(t, &d, NULL))
		return ERR_INVALID_STATE;
	if (found != NULL && !found->stuck && resource_is_active(found)) /* A stuck one is where its group is. */
		return ERR_INVALID_STATE;
	r = resource_run_get(t, &c->id);
	if (r == NULL)
		return -ENOMEM;
	r->stuck = false;
	r->node = c->node;
	r->incarnation = node->incarnation;
	r->restarts = c->count;
	r->restarts_since = c->since;
	set_state(m, r, RESOURCE_ONLINE_PENDING, c->count > 0 ? REASON_RESTART : REASON_ASKED, 0, c->time);
	pending_timeout = resource_config_read(key).pending_timeout;
	if (pending_timeout != UINT64_MAX)
		r->wake = m->runtime->elapsed_ns + pending_timeout + 1;
	return 0;
}

/* Of a resource that has been deleted, too: then nobody needs it. */
static int decide_stop(const struct group_machine *m, const struct command_Decide *c)
{
	const struct db_key *root = db_root(m->db), *group = group_of_resource(root, &c->id, NULL);
	const struct resource_run *r = resource_run_find(&m->runtime->groups, &c->id);

	if (r == NULL || (r->state != RESOURCE_ONLINE && r->state != RESOURCE_ONLINE_PENDING))
		return ERR_INVALID_STATE;
	if (group != NULL && resource_is_needed(&m->runtime->groups, root, group, &c->id))
		return ERR_INVALID_STATE;
	begin_stop(m, resource_run_get(&m->runtime->groups, &c->id), REASON_DECIDED, false, c->time);
	return 0;
}

static int decide_failed(const struct group_machine *m, const struct command_Decide *c)
{
	const struct resource_run *found = resource_run_find(&m->runtime->groups, &c->id);
	struct resource_run *r;

	if (found == NULL)
		return ERR_INVALID_STATE;
	r = resource_run_get(&m->runtime->groups, &c->id);
	if (c->verb == DECIDE_TIMEOUT) {
		if (r->state != RESOURCE_ONLINE_PENDING || r->wake == 0 || r->wake > m->runtime->elapsed_ns)
			return ERR_INVALID_STATE;
		begin_stop(m, r, REASON_TIMEOUT, true, c->time);
		return 0;
	}
	if (r->state != RESOURCE_FAILED)
		return ERR_INVALID_STATE;
	r->wake = c->wake;
	r->restarts = c->count;
	r->restarts_since = c->since;
	return 0;
}

static int decide_forget(const struct group_machine *m, const struct command_Decide *c)
{
	struct group_table *t = &m->runtime->groups;

	if (resource_run_find(t, &c->id) != NULL)
		resource_run_get(t, &c->id)->restarts = 0;
	else if (group_run_find(t, &c->id) != NULL)
		group_run_get(t, &c->id)->failovers = 0;
	return 0;
}

/* On another node, what failed is tried afresh. */
static void forgive_all(const struct group_machine *m, const struct db_key *group, uint64_t time)
{
	const struct db_key *key;
	struct guid id;
	size_t at = 0;

	while (group_next(db_root(m->db), group, &at, &id, &key))
		forgive(m, &id, REASON_DECIDED, time);
}

static int decide_group(const struct group_machine *m, const struct command_Decide *c)
{
	const struct db_key *root = db_root(m->db), *group = group_key(root, &c->id);
	struct group_run *g;

	if (group == NULL || group_check_target(m->runtime, root, group, c->node) < 0)
		return ERR_INVALID_STATE;
	if (c->verb == DECIDE_PLACE && group_is_active(&m->runtime->groups, root, group))
		return ERR_INVALID_STATE;
	g = group_run_get(&m->runtime->groups, &c->id);
	if (g == NULL)
		return -ENOMEM;
	if (c->verb == DECIDE_PLACE) {
		if (g->owner != c->node) {
			forgive_all(m, group, c->time);
			g->moved = c->time;
		}
		g->owner = c->node;
		g->target = 0;
		if (g->failback == c->node)
			g->failback = 0;
		if (g->drained == c->node)
			g->drained = 0;
	} else {
		g->target = c->node;
		g->failovers = c->count;
		g->failovers_since = c->since;
	}
	g->sequence++;
	return 0;
}

static uint32_t sequence_of(const struct group_table *t, const struct command_Decide *c)
{
	const struct resource_run *r = resource_run_find(t, &c->id);
	const struct group_run *g = group_run_find(t, &c->id);

	return r != NULL ? r->sequence : g != NULL ? g->sequence : 0;
}

int group_apply_decision(const struct group_machine *m, const struct command_Decide *c)
{
	if (c->term != m->runtime->term || c->sequence != sequence_of(&m->runtime->groups, c))
		return ERR_INVALID_STATE;
	switch (c->verb) {
	case DECIDE_START:
		return decide_start(m, c);
	case DECIDE_STOP:
		return decide_stop(m, c);
	case DECIDE_TIMEOUT:
	case DECIDE_WAIT:
		return decide_failed(m, c);
	case DECIDE_FORGET:
		return decide_forget(m, c);
	case DECIDE_PLACE:
	case DECIDE_MOVE:
		return decide_group(m, c);
	default:
		return ERR_INVALID_PARAMETER;
	}
}

int group_apply_node_lost(const struct group_machine *m, uint64_t incarnation)
{
	struct group_table *t = &m->runtime->groups;

	for (uint32_t i = 0; i < t->resource_count; i++) {
		struct resource_run *r = &t->resources[i];

		if (!resource_is_active(r) || r->incarnation != incarnation)
			continue;
		r->stuck = false;
		set_state(m, r, RESOURCE_OFFLINE, REASON_NODE_LOST, 0, 0);
		r->held = true;
	}
	return 0;
}
