/* checkpoint: which outside state belongs to a resource, and which blobs hold it.  See checkpoint.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/guid.h"
#include "cluster/db/db.h"

struct command_CheckpointAdd;
struct command_CheckpointDelete;
struct command_CheckpointSaved;
struct command_CheckpointsRestore;

enum {
	CHECKPOINT_PATH_MAX = 12290,     /* Units: a path of files, every byte of it escaped. */
	CHECKPOINT_NUMBER_MAX = 0xffff,  /* Four hexadecimal digits in a backup set. */
	CHECKPOINT_PER_RESOURCE = 4096,  /* Of a kind. */
	CHECKPOINT_TOTAL = 65536,        /* In the cluster: they all have to fit the manifest of a set. */
	CHECKPOINT_LENGTH_MAX = 1 << 30, /* Bytes of a blob. */
};

/* The numbers are part of the log's commands: never renumber. */
enum checkpoint_kind { CHECKPOINT_REGISTRY = 0, CHECKPOINT_CRYPTO = 1 };
enum checkpoint_view { CHECKPOINT_NATIVE = 0, CHECKPOINT_64BIT = 1, CHECKPOINT_32BIT = 2 };

struct checkpoint {
	enum checkpoint_kind kind;
	uint32_t number;
	struct u16 path; /* Borrowed from the key. */
	/* What was saved last; saved false: nothing, somebody wrote the name by other means. */
	bool saved;
	enum checkpoint_view view;
	uint64_t added, captured; /* Index in the log of the command that added it, that named this blob. */
	uint64_t length, time;    /* FILETIME of the capture. */
	struct digest digest;
};

/* The checkpoints of a resource's key: registry, then crypto, by number.  *at starts at 0; false at the end. */
bool checkpoint_next(const struct db_key *resource, size_t *at, struct checkpoint *ret);
/* The one of that path; false: there is none. */
bool checkpoint_find(const struct db_key *resource, enum checkpoint_kind kind, struct u16 path, struct checkpoint *ret);
/* The same of a resource by its id. */
const struct db_key *checkpoint_resource(const struct db_key *root, const struct guid *id);

/* Whether the list of a resource's checkpoints may be another one, in the head, than before the last event. */
bool checkpoint_list_differs(const struct db_key *before, const struct db_key *now, const struct guid *resource);

/* Whether a checkpoint could be added now, but for what it holds: the errors of checkpoint_add(). */
int checkpoint_check_add(
    const struct db_key *root, const struct guid *resource, enum checkpoint_kind kind, struct u16 path);

/* Each checks the command against the database and changes it; *batch gets what was done.  index is the command's.
 * ERR_RESOURCE_NOT_FOUND; ERR_INVALID_PARAMETER: a kind, view or length that there is none of; ERR_BAD_PATHNAME,
 * ERR_FILENAME_EXCED_RANGE: the path; ERR_ALREADY_EXISTS; ERR_NOT_ENOUGH_QUOTA: a limit above.
 * Deleting and saving: ERR_FILE_NOT_FOUND, saving also if it is not any more the one that was captured. */
int checkpoint_add(struct db *db, const struct command_CheckpointAdd *m, uint64_t index, struct buf *batch);
int checkpoint_delete(struct db *db, const struct command_CheckpointDelete *m, struct buf *batch);
int checkpoint_saved(struct db *db, const struct command_CheckpointSaved *m, uint64_t index, struct buf *batch);
/* All or nothing: what a set has becomes what is saved; paths that the resource has not are added, others stay as they are.
 * What was being captured meanwhile is refused afterwards. */
int checkpoint_restore(struct db *db, const struct command_CheckpointsRestore *m, uint64_t index, struct buf *batch);
