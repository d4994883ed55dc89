/* edit: objects created, deleted and renamed, each as one change of the database.  See edit.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/object/object.h"

struct buf;

struct object_creation {
	enum object_kind kind;
	struct u16 name;
	struct guid id;       /* Groups, resources, networks, interfaces.  Nodes and types get theirs here. */
	struct guid group_id; /* Resources: the group they go into. */
	struct u16 type_name; /* Resources: their type.  Types: the name of their library. */
	uint32_t flags;       /* Resources: 1 = separate monitor.  Groups: their type number. */
	uint32_t looks_alive_ms, is_alive_ms; /* Types: poll intervals. */
	struct u16 display_name;              /* Types. */
	uint64_t time;        /* FILETIME. */
};

/* All: 0, -ENOMEM, or the error that the API documents for the case; then nothing has changed and *batch is empty. */
int object_create(struct db *db, const struct object_creation *o, struct buf *batch);

enum { OBJECT_DELETE_FORCE = 1 }; /* A group goes with its resources. */
int object_delete(struct db *db, enum object_kind kind, struct u16 id, uint32_t flags, uint64_t time, struct buf *batch);
int object_rename(struct db *db, enum object_kind kind, struct u16 id, struct u16 name, uint64_t time, struct buf *batch);
/* Whether that would be refused, and with what; object is of the database below root. */
int object_check_delete(const struct db_key *root, enum object_kind kind, const struct db_key *object, uint32_t flags);
int object_check_rename(const struct db_key *root, enum object_kind kind, const struct db_key *object, struct u16 name);
/* What the cluster cannot be without: the quorum resource and the group that holds it. */
bool object_is_core(const struct db_key *root, enum object_kind kind, const struct db_key *object);
/* The core group's network name, which takes part in a rename; NULL: there is none. */
const struct db_key *cluster_name_resource(const struct db_key *root);
/* The quorum is kept on that resource from now on.  path empty, max_log_size 0: as it was.  ERR_RESOURCE_NOT_AVAILABLE;
 * ERR_NOT_QUORUM_CAPABLE: its type cannot; ERR_INVALID_PARAMETER: it is not in the group of the one that was;
 * ERR_INVALID_NAME, ERR_FILENAME_EXCED_RANGE: the path. */
int cluster_set_quorum(struct db *db, const struct guid *resource, struct u16 path, uint32_t max_log_size, uint64_t time,
    struct buf *batch);
int cluster_rename(struct db *db, struct u16 name, uint64_t time, struct buf *batch);
