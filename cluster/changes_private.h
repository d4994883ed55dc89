/* changes_private: what the two halves of changes share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/changes.h"
#include "cluster/cluster.h"
#include "cluster/group/apply.h"

struct changes {
	struct cluster_result *result;
	struct changes_view before, after;
	/* Groups whose resources are others, or in other states: their own state is compared last.  Ids in the arena. */
	struct u16 *groups;
	size_t group_count, group_capacity;
	int error; /* -ENOMEM sticks. */
};

void changes_touch_group(struct changes *c, struct u16 id);
/* Copies all that *change points to; a text that is NULL becomes "". */
void changes_add(struct changes *c, const struct cluster_change *change);
/* A terminated copy that lives as long as the result; "" and the error set without memory. */
const char16_t *changes_text(struct changes *c, struct u16 s);
/* Decimal; "" for 0. */
const char16_t *changes_node_id(struct changes *c, uint32_t node);
/* A change of that group or resource, with its id, name, parent and type, before or after it went. */
struct cluster_change changes_of_group(
    struct changes *c, const struct changes_view *v, const struct db_key *group, uint32_t what);
struct cluster_change changes_of_resource(
    struct changes *c, const struct changes_view *v, const struct db_key *resource, uint32_t what);

/* changes_db.c */
void changes_of_database(struct changes *c);
