/* node: nodes that are paused, drained and resumed, and what that makes of the groups that are on them.
 *
 * Why      an administrator empties a node, works on it, and wants things to be as they were; a node that was lost and comes
 *          back is preferred by some groups.  Which groups that is must be remembered by all nodes, or the next owner of
 *          the quorum would not know.
 * How      a drain gives each group of the node another one to move to, and notes where it came from (drained).  Resuming
 *          turns the note into a wish to go back (failback), or forgets it; so does a node that joins, for groups whose list
 *          of preferred owners has it before the node where they are.  Whether and when a wish is granted is decided by the
 *          policy (policy.c), from the group's properties.  A wish ends when it has come true, or when somebody moves the
 *          group elsewhere.
 * Threads  the loop thread.       Tests  tests/unit/group.c, tests/sim/group.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/apply.h"
#include "cluster/runtime.h"
#include "wire/command.h"

bool node_is_draining(const struct group_table *t, uint32_t node)
{
	for (uint32_t i = 0; i < t->group_count; i++)
		if (t->groups[i].owner == node && t->groups[i].target != 0 && t->groups[i].drained == node)
			return true;
	return false;
}

/* Each group of the node that can go elsewhere is to go: to the target if it can be there, else to its best node. */
static void drain_node(const struct group_machine *m, uint32_t node, uint32_t target, bool spare_locked)
{
	const struct db_key *root = db_root(m->db);
	struct group_table *t = &m->runtime->groups;

	for (uint32_t i = 0; i < t->group_count; i++) {
		struct group_run *g = &t->groups[i];
		const struct db_key *group = group_key(root, &g->id);
		uint32_t to = target;

		if (group == NULL || g->owner != node || g->target != 0 ||
		    (spare_locked && group_config_read(group).locked))
			continue;
		if (to == 0 || group_check_target(m->runtime, root, group, to) < 0)
			to = group_best_node(m->runtime, root, group, node);
		if (to == 0)
			continue;
		g->target = to;
		g->drained = node;
		g->failback = 0;
		g->sequence++;
	}
}

/* What a drain took from the node comes back, or does not; what had not left yet stays then. */
static void undo_drain(const struct group_machine *m, uint32_t node, enum node_failback failback)
{
	struct group_table *t = &m->runtime->groups;

	for (uint32_t i = 0; i < t->group_count; i++) {
		struct group_run *g = &t->groups[i];

		if (g->drained != node)
			continue;
		g->drained = 0;
		if (failback == NODE_FAILBACK_NONE)
			continue;
		if (g->owner == node && g->target != 0) {
			g->target = 0;
			g->sequence++;
		} else if (g->owner != node) {
			g->failback = node;
			g->failback_now = failback == NODE_FAILBACK_NOW;
		}
	}
}

static int check_node_request(const struct group_machine *m, const struct command_NodeRequest *c)
{
	const struct group_table *t = &m->runtime->groups;

	if (!runtime_is_up(m->runtime, c->node))
		return ERR_CLUSTER_NODE_DOWN;
	if ((c->verb != NODE_VERB_PAUSE && c->verb != NODE_VERB_RESUME) || c->failback > NODE_FAILBACK_POLICY)
		return ERR_INVALID_PARAMETER;
	if (c->verb == NODE_VERB_RESUME && !node_is_paused(t, c->node))
		return ERR_CLUSTER_NODE_NOT_PAUSED;
	if (!(c->flags & NODE_REQUEST_DRAIN))
		return 0;
	if (m->runtime->up_count < 2)
		return ERR_CLUSTER_NODE_DOWN; /* There is nowhere to drain to. */
	if (c->target == c->node)
		return ERR_INVALID_PARAMETER;
	if (c->target != 0 && !runtime_is_up(m->runtime, c->target))
		return ERR_CLUSTER_NODE_DOWN;
	if (c->target != 0 && node_is_paused(t, c->target))
		return ERR_CLUSTER_NODE_PAUSED;
	return node_is_draining(t, c->node) ? ERR_CLUSTER_NODE_DRAIN_IN_PROGRESS : 0;
}

int group_apply_node_request(const struct group_machine *m, const struct command_NodeRequest *c)
{
	int r = check_node_request(m, c);

	if (r == 0)
		r = node_set_paused(&m->runtime->groups, c->node, c->verb == NODE_VERB_PAUSE);
	if (r == 0 && c->verb == NODE_VERB_PAUSE && (c->flags & NODE_REQUEST_DRAIN))
		drain_node(m, c->node, c->target, c->flags & NODE_REQUEST_SPARE_LOCKED);
	if (r == 0 && c->verb == NODE_VERB_RESUME)
		undo_drain(m, c->node, (enum node_failback)c->failback);
	return r;
}

/* Whether that is done, and when, is the policy's: it is only remembered here that the node was away. */
void group_apply_node_joined(const struct group_machine *m, uint32_t node)
{
	const struct db_key *root = db_root(m->db);
	struct group_table *t = &m->runtime->groups;

	for (uint32_t i = 0; i < t->group_count; i++) {
		struct group_run *g = &t->groups[i];
		const struct db_key *group = group_key(root, &g->id);
		uint32_t place = group != NULL ? group_preference(group, node) : UINT32_MAX;

		if (g->owner == node || place == UINT32_MAX || place >= group_preference(group, g->owner))
			continue;
		if (g->failback != 0 && runtime_is_up(m->runtime, g->failback) &&
		    group_preference(group, g->failback) < place)
			continue; /* A better one has come before. */
		g->failback = node;
		g->failback_now = false;
	}
}
