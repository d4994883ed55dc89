/* runtime: the replicated state that is not configuration.  See runtime.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "cluster/cluster.h"
#include "cluster/group/state.h"
#include "cluster/network/state.h"

/* The last command that was applied of one life of a node. */
struct runtime_incarnation {
	uint64_t incarnation;
	uint64_t counter;
};

struct runtime_node {
	uint32_t node;
	uint64_t incarnation;
};

struct runtime {
	uint64_t applied; /* Index of the last event. */
	uint32_t owner;   /* 0: none elected yet. */
	uint64_t term;
	uint64_t elapsed_ns; /* The cluster's own time: the sum of all ticks. */
	struct runtime_incarnation *incarnations; /* Ascending. */
	size_t incarnation_count;
	struct runtime_node *up; /* Ascending by node. */
	size_t up_count;
	struct cluster_backup_state backup;
	char16_t *backup_path; /* Owned; what backup.path shows. */
	struct group_table groups;
	struct interface_table interfaces;
};

void runtime_done(struct runtime *r);

/* Whether a command is new; then it is remembered as the last of its incarnation.  1: new, 0: repeated, -ENOMEM. */
int runtime_accept(struct runtime *r, uint64_t incarnation, uint64_t counter);
bool runtime_is_up(const struct runtime *r, uint32_t node);
int runtime_node_up(struct runtime *r, uint32_t node, uint64_t incarnation);
/* The node's life is over, and with it the backup that it ran. */
void runtime_node_down(struct runtime *r, uint32_t node, uint64_t incarnation);
int runtime_set_backup_path(struct runtime *r, struct u16 path);

void runtime_save(const struct runtime *r, struct buf *out);
int runtime_load(struct runtime *r, const void *bytes, size_t len, struct error *error);
