/* policy: what the owner decides next about groups and resources: place, start, stop, restart, fail over, go back, give up.
 *
 * Why      policy needs the whole view and changes with taste; apply must stay small and the same for ever.  So the policy
 *          runs on the owner only, as a pure function of the replicated state, and what it decides is logged (D2).
 * How      for each group: without an owner that is up it is placed; one that is to move is emptied and placed; else each
 *          resource is compared with what is wanted of it:
 *            wanted         by the administrator, and its expression could hold from what is wanted of its providers;
 *            OFFLINE        and wanted, providers online: start;
 *            ONLINE         and not wanted, or a provider is not online, or not for long, because one of its own is not:
 *                           stop, once no active resource needs it;
 *            FAILED         and wanted: restart after the delay while the threshold allows it; then the group fails over;
 *                           then it is left failed and tried again after the retry period;
 *            pending        too long: it is stopped and has failed.
 *          A group that wishes to go back to a node (node.c) moves there when nothing of it is pending and its failback is
 *          automatic and the hour is in its window, or somebody has said: now.
 * Lock     a group that is locked does not leave a node that is up: it neither fails over nor goes back.
 * Order    groups with a higher Priority first.  What the loss of a node took, or what never ran,
 *          is *held*: it starts by itself only once nothing of a higher priority is about to start or pending, and of
 *          a group with priority 0 not before somebody asks for it.
 *          Decisions carry the sequence number of what they are about, so several may be logged at once: what is out of
 *          date by then is void.
 * Promise  a pure function of its arguments.  Applying what it says, again and again, ends (tests/sim/group.c).
 * Threads  any, if the arguments are.       Tests  tests/unit/group.c, tests/sim/group.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/policy.h"
#include "cluster/group/apply.h"
#include "cluster/runtime.h"
#include "wire/command.h"

struct member {
	struct guid id;
	const struct db_key *key;
	const struct resource_run *run;
	struct depend depends;
	enum answer { UNKNOWN, LOOKING, NO, YES } want, sound;
};

struct view {
	const struct db_key *root, *group;
	const struct runtime *runtime;
	const struct group_table *table;
	struct guid group_id;
	uint32_t owner, target, sequence;
	unsigned hour;
	uint64_t priority;
	bool behind;   /* Something of a higher priority has not started yet. */
	bool starting; /* Something of this group has not. */
	struct member *members;
	size_t count;
	struct command_Decide *out;
	size_t out_count, out_max;
};

static struct command_Decide *decide(struct view *v, enum decide_verb verb, const struct guid *id, uint32_t sequence)
{
	static struct command_Decide beyond; /* Written, never read. */
	struct command_Decide *d = v->out_count < v->out_max ? &v->out[v->out_count++] : &beyond;

	*d = (struct command_Decide){ .term = v->runtime->term, .verb = verb, .id = *id, .sequence = sequence };
	return d;
}

static struct command_Decide *decide_resource(struct view *v, enum decide_verb verb, const struct member *m)
{
	struct command_Decide *d = decide(v, verb, &m->id, m->run != NULL ? m->run->sequence : 0);

	if (m->run != NULL) {
		d->count = m->run->restarts;
		d->since = m->run->restarts_since;
	}
	return d;
}

/* What is wanted. */

static bool wanted(struct view *v, struct member *m);

static struct member *member_of(const struct view *v, const struct guid *id)
{
	for (size_t i = 0; i < v->count; i++)
		if (guid_equal(&v->members[i].id, id))
			return &v->members[i];
	return NULL; /* Not in this group: it provides nothing. */
}

static bool provider_wanted(void *data, const struct guid *id)
{
	struct member *m = member_of(data, id);

	return m != NULL && wanted(data, m);
}

static bool wanted(struct view *v, struct member *m)
{
	if (m->want == UNKNOWN) {
		m->want = LOOKING; /* A circle that somebody wrote into the registry ends here. */
		m->want = v->target == 0 && resource_is_wanted(v->root, m->key) &&
				  !(m->run != NULL && m->run->recycle) && resource_may_be_on(m->key, v->owner) &&
				  depend_holds(&m->depends, provider_wanted, v)
			      ? YES
			      : NO;
	}
	return m->want == YES;
}

/* What is online and stays so as far as its providers are concerned, and theirs.  One whose provider has failed is to stop,
 * but after its own dependents: so these must not wait for it to stop. */

static bool is_sound(struct view *v, struct member *m);

static bool provider_sound(void *data, const struct guid *id)
{
	struct member *m = member_of(data, id);

	return m != NULL && is_sound(data, m);
}

static bool is_provided(struct view *v, const struct member *m)
{
	return depend_holds(&m->depends, provider_sound, v);
}

static bool is_sound(struct view *v, struct member *m)
{
	if (m->sound == UNKNOWN) {
		m->sound = LOOKING;
		m->sound = resource_run_state(m->run) == RESOURCE_ONLINE && is_provided(v, m) ? YES : NO;
	}
	return m->sound == YES;
}

/* One resource. */

/* A stuck one cannot be waited for. */
static bool has_active_dependent(const struct view *v, const struct member *m)
{
	for (size_t i = 0; i < v->count; i++)
		if (resource_is_active(v->members[i].run) && !v->members[i].run->stuck &&
		    depend_has(&v->members[i].depends, &m->id) &&
		    !resource_provided(v->table, &v->members[i].depends, NULL))
			return true;
	return false;
}

static uint64_t later(uint64_t from, uint64_t by)
{
	return by > UINT64_MAX - 1 - from ? UINT64_MAX : from + by;
}

static uint32_t other_nodes(const struct view *v)
{
	return v->runtime->up_count > 0 ? (uint32_t)v->runtime->up_count - 1 : 0;
}

/* The group leaves for another node because of m; false: it has nowhere to go, or has gone often enough. */
static bool fail_over(struct view *v, const struct member *m)
{
	const struct group_run *g = group_run_find(v->table, &v->group_id);
	struct group_config config = group_config_read(v->group);
	uint64_t now = v->runtime->elapsed_ns;
	bool fresh = g == NULL || g->failovers == 0 || now - g->failovers_since > config.failover_period;
	uint32_t count = fresh ? 0 : g->failovers;
	uint32_t most = config.failover_threshold == UINT32_MAX ? other_nodes(v) : config.failover_threshold;
	uint32_t node = group_best_node(v->runtime, v->root, v->group, v->owner);
	struct command_Decide *d;

	if (config.locked || node == 0 || count >= most || m->run->stuck)
		return false;
	d = decide(v, DECIDE_MOVE, &v->group_id, v->sequence);
	d->node = node;
	d->count = count + 1;
	d->since = fresh ? now : g->failovers_since;
	v->target = node;
	return true;
}

/* A resource that has just failed: what is to become of it. */
static void consider_failure(struct view *v, const struct member *m)
{
	struct resource_config config = resource_config_read(m->key);
	uint64_t now = v->runtime->elapsed_ns;
	bool fresh = m->run->restarts == 0 || now - m->run->restarts_since > config.restart_period;
	uint32_t restarts = fresh ? 0 : m->run->restarts;
	struct command_Decide *d;

	if (config.restart_action != RESTART_NOT && restarts < config.restart_threshold) {
		d = decide_resource(v, DECIDE_WAIT, m);
		d->count = restarts + 1;
		d->since = fresh ? now : m->run->restarts_since;
		d->wake = later(now, config.restart_delay);
	} else if (config.restart_action != RESTART_AND_FAIL_OVER || !fail_over(v, m)) {
		d = decide_resource(v, DECIDE_WAIT, m);
		d->count = 0;
		d->wake = config.restart_action == RESTART_NOT ? UINT64_MAX : later(now, config.retry_period);
	}
}

static void start(struct view *v, const struct member *m)
{
	if (!is_provided(v, m))
		return;
	decide_resource(v, DECIDE_START, m)->node = v->owner;
	v->starting = true;
}

static void consider_failed(struct view *v, struct member *m)
{
	const struct resource_run *r = m->run;

	if (r->stuck && (r->node != v->owner || v->target != 0))
		return; /* Until its node's life is over, or somebody asks for it. */
	if (!wanted(v, m) || has_active_dependent(v, m))
		return;
	if (r->wake == 0)
		consider_failure(v, m);
	else if (r->wake <= v->runtime->elapsed_ns)
		start(v, m);
}

static bool is_held(const struct member *m)
{
	return m->run == NULL || m->run->held;
}

static void consider(struct view *v, struct member *m)
{
	const struct resource_run *r = m->run;
	bool keep = wanted(v, m) && is_provided(v, m);

	switch (resource_run_state(r)) {
	case RESOURCE_OFFLINE:
		if (wanted(v, m) && !(is_held(m) && (v->behind || v->priority == GROUP_NO_AUTO_START)))
			start(v, m);
		break;
	case RESOURCE_ONLINE:
	case RESOURCE_ONLINE_PENDING:
		if (!keep) {
			if (!resource_is_needed(v->table, v->root, v->group, &m->id))
				decide_resource(v, DECIDE_STOP, m);
		} else if (r->state == RESOURCE_ONLINE_PENDING && r->wake != 0 && r->wake <= v->runtime->elapsed_ns) {
			decide_resource(v, DECIDE_TIMEOUT, m);
		}
		break;
	case RESOURCE_OFFLINE_PENDING:
		break; /* The host has time-outs of its own, and the last word. */
	case RESOURCE_FAILED:
		consider_failed(v, m);
		break;
	}
	if (r != NULL && r->restarts > 0 && r->state == RESOURCE_ONLINE &&
	    v->runtime->elapsed_ns - r->restarts_since > resource_config_read(m->key).restart_period)
		decide_resource(v, DECIDE_FORGET, m);
}

/* Groups. */

static bool view_is_active(const struct view *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (resource_is_active(v->members[i].run))
			return true;
	return false;
}

static void place(struct view *v)
{
	uint32_t node = v->target != 0 ? v->target : group_best_node(v->runtime, v->root, v->group, 0);

	if (v->target != 0 && !runtime_is_up(v->runtime, v->target))
		node = group_best_node(v->runtime, v->root, v->group, 0);
	if (node == 0)
		return;
	decide(v, DECIDE_PLACE, &v->group_id, v->sequence)->node = node;
	v->starting = true;
}

/* Whether the group may go back at this hour. */
static bool hour_is_right(const struct group_config *c, unsigned hour)
{
	if (c->window_start > 23 || c->window_end > 23 || c->window_start == c->window_end)
		return true;
	return c->window_start < c->window_end ? hour >= c->window_start && hour < c->window_end
					       : hour >= c->window_start || hour < c->window_end;
}

/* The group leaves for the node that it wishes to be on. */
static void consider_failback(struct view *v, const struct group_run *g)
{
	struct group_config config = group_config_read(v->group);
	struct command_Decide *d;

	if (g->failback == 0 || g->failback == v->owner || v->target != 0 || config.locked ||
	    !(g->failback_now || (config.auto_failback && hour_is_right(&config, v->hour))) ||
	    group_check_target(v->runtime, v->root, v->group, g->failback) < 0)
		return;
	for (size_t i = 0; i < v->count; i++) {
		const struct resource_run *r = v->members[i].run;

		if (r != NULL &&
		    (r->stuck || r->state == RESOURCE_ONLINE_PENDING || r->state == RESOURCE_OFFLINE_PENDING))
			return;
	}
	d = decide(v, DECIDE_MOVE, &v->group_id, v->sequence);
	d->node = g->failback;
	d->count = g->failovers;
	d->since = g->failovers_since;
	v->target = g->failback;
}

static int view_members(struct view *v)
{
	const struct db_key *key;
	struct guid id;
	size_t at = 0, room = 0;

	while (group_next(v->root, v->group, &at, &id, &key)) {
		if (v->count == room) {
			struct member *more = reallocarray(v->members, 2 * room + 8, sizeof(*more));

			if (more == NULL)
				return -ENOMEM;
			v->members = more;
			room = 2 * room + 8;
		}
		v->members[v->count++] = (struct member){
			.id = id, .key = key, .run = resource_run_find(v->table, &id), .depends = resource_depends(key)
		};
	}
	return 0;
}

static int consider_group(struct view *v)
{
	const struct group_run *g = group_run_find(v->table, &v->group_id);
	int r = view_members(v);

	if (r < 0)
		goto out;
	v->owner = g != NULL ? g->owner : 0;
	v->target = g != NULL ? g->target : 0;
	v->sequence = g != NULL ? g->sequence : 0;
	if (g != NULL && g->failovers > 0 &&
	    v->runtime->elapsed_ns - g->failovers_since > group_config_read(v->group).failover_period)
		decide(v, DECIDE_FORGET, &v->group_id, v->sequence);
	if (!view_is_active(v) && (v->target != 0 || !runtime_is_up(v->runtime, v->owner))) {
		place(v);
	} else {
		if (g != NULL)
			consider_failback(v, g);
		for (size_t i = 0; i < v->count; i++) {
			consider(v, &v->members[i]);
			v->starting |= resource_run_state(v->members[i].run) == RESOURCE_ONLINE_PENDING;
		}
	}
out:
	free(v->members);
	return r;
}

/* Resources that run though their keys are gone: somebody deleted them in the registry. */
static void stop_orphans(struct view *v)
{
	for (uint32_t i = 0; i < v->table->resource_count; i++) {
		const struct resource_run *r = &v->table->resources[i];
		struct member m = { .id = r->id, .run = r };

		if ((r->state == RESOURCE_ONLINE || r->state == RESOURCE_ONLINE_PENDING) &&
		    group_of_resource(v->root, &r->id, NULL) == NULL)
			decide_resource(v, DECIDE_STOP, &m);
	}
}

/* The highest priority of a group that is below the given one.  false: there is none. */
static bool next_priority(const struct db_key *root, uint64_t below, uint64_t *ret)
{
	bool found = false;

	for (size_t i = 0; i < object_count(root, OBJECT_GROUP); i++) {
		uint64_t priority = group_priority(object_at(root, OBJECT_GROUP, i));

		if (priority >= below || (found && priority <= *ret))
			continue;
		*ret = priority;
		found = true;
	}
	return found;
}

/* All groups of one priority.  -ENOMEM. */
static int consider_priority(struct view *all)
{
	bool starting = false;

	for (size_t i = 0; i < object_count(all->root, OBJECT_GROUP) && all->out_count < all->out_max; i++) {
		struct view v = *all;
		int status;

		v.group = object_at(v.root, OBJECT_GROUP, i);
		if (!guid_parse(object_id(v.group), &v.group_id) || group_priority(v.group) != v.priority)
			continue;
		status = consider_group(&v);
		if (status < 0)
			return status;
		all->out_count = v.out_count;
		starting |= v.starting;
	}
	all->behind |= starting;
	return 0;
}

bool group_policy_sees(const struct db_key *before, const struct db_key *after)
{
	static const struct u16 seen[] = { U16("Groups"), U16("Resources"), U16("Nodes"), U16("Quorum") };

	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		if (db_find(before, seen[i]) != db_find(after, seen[i]))
			return true;
	return false;
}

int group_policy(
    const struct db_key *root, const struct runtime *r, unsigned hour, struct command_Decide *ret, size_t max)
{
	struct view all = { .root = root, .runtime = r, .table = &r->groups, .hour = hour, .out = ret, .out_max = max };
	uint64_t below = UINT64_MAX; /* Of 32 bits, all are. */

	while (all.out_count < max && next_priority(root, below, &all.priority)) {
		int status = consider_priority(&all);

		if (status < 0)
			return status;
		below = all.priority;
	}
	stop_orphans(&all);
	return (int)all.out_count;
}

bool group_policy_waits_for_hour(const struct db_key *root, const struct runtime *r)
{
	for (uint32_t i = 0; i < r->groups.group_count; i++) {
		const struct group_run *g = &r->groups.groups[i];
		const struct db_key *key = g->failback != 0 && !g->failback_now ? group_key(root, &g->id) : NULL;

		if (key != NULL && group_config_read(key).auto_failback && !group_config_read(key).locked)
			return true;
	}
	return false;
}

/* What is past has been looked at with the event that made it so. */
static void at_least(uint64_t *first, uint64_t when, uint64_t now)
{
	if (when > now && when < *first)
		*first = when;
}

uint64_t group_policy_deadline(const struct db_key *root, const struct runtime *r)
{
	uint64_t first = UINT64_MAX, now = r->elapsed_ns;

	for (uint32_t i = 0; i < r->groups.resource_count; i++) {
		const struct resource_run *run = &r->groups.resources[i];
		const struct db_key *key =
		    run->restarts > 0 && run->state == RESOURCE_ONLINE ? resource_key(root, &run->id) : NULL;

		if (run->wake != 0)
			at_least(&first, run->wake, now);
		if (key != NULL)
			at_least(&first, later(run->restarts_since, resource_config_read(key).restart_period + 1), now);
	}
	for (uint32_t i = 0; i < r->groups.group_count; i++) {
		const struct group_run *run = &r->groups.groups[i];
		const struct db_key *key = run->failovers > 0 ? group_key(root, &run->id) : NULL;

		if (key != NULL)
			at_least(&first, later(run->failovers_since, group_config_read(key).failover_period + 1), now);
	}
	return first;
}
