/* apply: groups and resources: requests, reports and decisions, each a small transition.  See apply.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/group/config.h"
#include "cluster/group/state.h"

struct cluster_result;
struct runtime;
struct command_ResourceRequest;
struct command_GroupRequest;
struct command_NodeRequest;
struct command_ResourceReport;
struct command_Decide;

/* The numbers are part of the log's commands (idl/command.idl): never renumber. */
enum resource_verb { RESOURCE_VERB_ONLINE = 1, RESOURCE_VERB_OFFLINE, RESOURCE_VERB_FAIL, RESOURCE_VERB_RESTART };
/* MOVE goes over a group's lock (LockedFromMoving), MOVE_UNLOCKED does not. */
enum group_verb {
	GROUP_VERB_ONLINE = 1,
	GROUP_VERB_OFFLINE,
	GROUP_VERB_MOVE,
	GROUP_VERB_CANCEL,
	GROUP_VERB_MOVE_UNLOCKED
};
enum node_verb { NODE_VERB_PAUSE = 1, NODE_VERB_RESUME };
enum { NODE_REQUEST_DRAIN = 1, NODE_REQUEST_SPARE_LOCKED = 2 }; /* SPARE_LOCKED: groups that are locked stay. */
enum node_failback { NODE_FAILBACK_NONE, NODE_FAILBACK_NOW, NODE_FAILBACK_POLICY }; /* As MS-CMRP numbers them. */
enum { REPORT_STUCK = 1 };
enum decide_verb {
	DECIDE_START = 1, /* resource, node, count, since: bring it online there. */
	DECIDE_STOP,      /* resource */
	DECIDE_TIMEOUT,   /* resource: it has been pending for too long. */
	DECIDE_WAIT,      /* resource, wake, count, since: leave it failed until then. */
	DECIDE_FORGET,    /* resource or group: its failures are long ago. */
	DECIDE_PLACE,     /* group, node: it is there now. */
	DECIDE_MOVE,      /* group, node, count, since: it is to leave for there. */
};

struct group_machine {
	struct db *db;
	struct runtime *runtime;
	uint64_t index; /* Of the event that is applied. */
	struct cluster_result *result;
};

/* All: 0, -ENOMEM, or the error that becomes the command's status; then nothing has changed. */
int group_apply_resource_request(const struct group_machine *m, const struct command_ResourceRequest *c);
int group_apply_group_request(const struct group_machine *m, const struct command_GroupRequest *c);
int group_apply_node_request(const struct group_machine *m, const struct command_NodeRequest *c);
int group_apply_report(const struct group_machine *m, const struct command_ResourceReport *c);
int group_apply_decision(const struct group_machine *m, const struct command_Decide *c);
/* A life of a node is over: what it ran does not run any more.  -ENOMEM. */
int group_apply_node_lost(const struct group_machine *m, uint64_t incarnation);
/* A node has come: groups that prefer it to where they are may go back to it. */
void group_apply_node_joined(const struct group_machine *m, uint32_t node);

/* Reading. */
enum group_state group_state_of(const struct group_table *t, const struct db_key *root, const struct db_key *group);
/* The best node for a group, other than *except* (0: none is excepted).  0: there is none. */
uint32_t group_best_node(
    const struct runtime *r, const struct db_key *root, const struct db_key *group, uint32_t except);
/* 0: the group can be put on that node. */
int group_check_target(const struct runtime *r, const struct db_key *root, const struct db_key *group, uint32_t node);
/* A drain of the node goes on: groups are on their way from there. */
bool node_is_draining(const struct group_table *t, uint32_t node);
/* Whether the resource's expression holds if only providers that are ONLINE, and not *without*, count. */
bool resource_provided(const struct group_table *t, const struct depend *d, const struct guid *without);
/* Whether an active resource of the group would lose what it needs if this one went. */
bool resource_is_needed(
    const struct group_table *t, const struct db_key *root, const struct db_key *group, const struct guid *id);
