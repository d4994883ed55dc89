/* relate: what binds groups, resources and nodes together: dependencies, owners, what may be deleted or moved.
 * See relate.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/object/object.h"

struct buf;
struct runtime;
struct command_ResourceDepend;
struct command_ObjectNodes;

/* The numbers are part of the log's commands: never renumber. */
enum depend_verb { DEPEND_VERB_ADD = 1, DEPEND_VERB_REMOVE, DEPEND_VERB_SET };
enum nodes_verb { NODES_VERB_SET = 1, NODES_VERB_ADD, NODES_VERB_REMOVE };

/* All: 0, -ENOMEM, or the documented error; then nothing has changed. */
int group_apply_depend(
    struct db *db, const struct runtime *r, const struct command_ResourceDepend *c, struct buf *batch);
int group_apply_nodes(struct db *db, const struct command_ObjectNodes *c, struct buf *batch);
/* Whether the first resource could be made to depend on the second. */
int group_may_depend(const struct db_key *root, const struct guid *id, const struct guid *on);
int group_may_delete(const struct db *db, const struct runtime *r, enum object_kind kind, struct u16 id);
/* The state of what is not in the database any more, and does not run, is dropped. */
void group_forget_deleted(const struct db *db, struct runtime *r);
/* The resource goes into the group with all that it depends on and that depends on it. */
int group_move_resource(
    struct db *db, const struct runtime *r, struct u16 resource, struct u16 group, uint64_t time, struct buf *batch);
