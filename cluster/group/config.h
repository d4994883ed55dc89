/* config: what the database says about how groups and resources are to be run.  See config.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/group/depend.h"
#include "cluster/object/object.h"

struct resource_config {
	uint32_t restart_action;                                               /* enum restart_action. */
	uint32_t restart_threshold;                                            /* Restarts within the period. */
	uint64_t restart_period, restart_delay, retry_period, pending_timeout; /* ns; UINT64_MAX: never. */
};

enum restart_action { RESTART_NOT = 0, RESTART_ONLY = 1, RESTART_AND_FAIL_OVER = 2 };

enum { GROUP_NO_AUTO_START = 0 };

struct group_config {
	uint32_t failover_threshold; /* Within the period; UINT32_MAX: one for each other node. */
	uint64_t failover_period;    /* ns */
	bool auto_failback;
	/* Hours in which it may go back, the end not among them; equal or > 23: any. */
	uint32_t window_start, window_end;
	bool locked; /* It does not leave a node that is up. */
};

/* Values that are missing or of the wrong type read as the defaults; a broken expression as one that never holds. */
struct resource_config resource_config_read(const struct db_key *resource);
struct group_config group_config_read(const struct db_key *group);
struct depend resource_depends(const struct db_key *resource);
bool resource_is_wanted(const struct db_key *root, const struct db_key *resource); /* It is to be online. */
uint32_t group_priority(const struct db_key *group); /* GROUP_NO_AUTO_START, or higher starts first. */

bool resource_may_be_on(const struct db_key *resource, uint32_t node); /* Possible owners. */
/* A node's place in the group's list of preferred owners; UINT32_MAX: it is not in it. */
uint32_t group_preference(const struct db_key *group, uint32_t node);

/* The resources of a group that exist, with their ids as GUIDs: *at starts at 0; false at the end. */
bool group_next(const struct db_key *root, const struct db_key *group, size_t *at, struct guid *ret_id,
    const struct db_key **ret_key);
const struct db_key *resource_key(const struct db_key *root, const struct guid *id);
const struct db_key *group_key(const struct db_key *root, const struct guid *id);
/* The group that a resource is in: its key and, if ret_id is given, its id.  NULL: none. */
const struct db_key *group_of_resource(const struct db_key *root, const struct guid *id, struct guid *ret_id);
