/* policy: what the owner decides next about groups and resources.  See policy.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/cluster.h"

struct runtime;
struct command_Decide;

/* Puts at most max decisions, without their time, and returns how many; -ENOMEM.  0: nothing is to be done now. */
int group_policy(
    const struct db_key *root, const struct runtime *r, unsigned hour, struct command_Decide *ret, size_t max);
/* Whether it may see a difference between two moments of a database, roots that hold the same keys where they are alike. */
bool group_policy_sees(const struct db_key *before, const struct db_key *after);
/* Whether a group waits for an hour in which it may go back. */
bool group_policy_waits_for_hour(const struct db_key *root, const struct runtime *r);
/* When, in the cluster's elapsed time, group_policy() may have something to say though nothing else happens; UINT64_MAX:
 * never. */
uint64_t group_policy_deadline(const struct db_key *root, const struct runtime *r);
