/* db: the cluster database, a registry in memory with snapshots that cost nothing.  See db.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/sha256.h"
#include "base/utf16.h"

/* Limits, enforced when something is set (they are those of the hive format, so that a backup cannot fail for them, and
 * of the log: a command with the largest value, name and path fits one record of 1 MiB). */
#define DB_KEY_NAME_MAX 255
#define DB_VALUE_NAME_MAX 16383
#define DB_PATH_MAX 32767                        /* Units of a path from the root. */
#define DB_DEPTH_MAX 512                         /* Keys from the root down, the root included. */
#define DB_SECURITY_MAX 65535                    /* Bytes of a descriptor. */
#define DB_VALUE_MAX ((1u << 20) - (128u << 10)) /* Bytes of data. */
#define DB_VALUE_COUNT_MAX 262000                /* Values of one key: their list is one cell of at most 1 MiB. */
#define DB_HIVE_MAX (1u << 30) /* Estimated bytes of the whole as a hive: beyond, changes that add are refused. */

struct db;          /* The head: changes are made here, on one thread. */
struct db_snapshot; /* A moment of it, for ever the same; any thread may read and release it. */
struct db_key;      /* A key in the head (until the next change) or in a snapshot (as long as it is held). */

struct db_value {
	struct u16 name; /* Empty = the default value. */
	uint32_t type;
	const uint8_t *data;
	size_t len;
};

int db_new(struct db **ret); /* A root key without anything, time 0, no security descriptor. */
void db_free(struct db *db);
DEFINE_FREEP(struct db, db_free)

/* Reading.  Paths are relative, '\' between components, case ignored; "" is the key itself. */
const struct db_key *db_root(const struct db *db);
const struct db_key *db_find(const struct db_key *from, struct u16 path); /* NULL: not there. */
struct u16 db_key_name(const struct db_key *key);                         /* Empty for the root. */
uint64_t db_key_time(const struct db_key *key);
const uint8_t *db_key_security(const struct db_key *key, size_t *ret_len); /* NULL: none. */
size_t db_key_count(const struct db_key *key);                             /* Subkeys. */
const struct db_key *db_key_at(const struct db_key *key, size_t index);    /* In ascending order of names. */
size_t db_value_count(const struct db_key *key);
struct db_value db_value_at(const struct db_key *key, size_t index);
bool db_value_find(const struct db_key *key, struct u16 name, struct db_value *ret); /* ret may be NULL. */

/* Changing; paths are from the root.  time is the FILETIME from the command: it becomes the time of the key that was
 * changed, and a key that is created or deleted changes its parent too.  A new key has the descriptor of its parent; a
 * name keeps the case that it was first written in.
 *
 * Errors leave everything as it was.  -ENOMEM.  ERR_FILE_NOT_FOUND: no such key or value.  ERR_FILENAME_EXCED_RANGE: a
 * name, path or depth beyond the limits.  ERR_INVALID_PARAMETER: a value or descriptor beyond them; a path with an empty
 * component (and so one that begins or ends with '\') or with a zero in it.  ERR_DISK_FULL: the whole would be larger
 * than DB_HIVE_MAX, or the key would have too many values. */
int db_key_create(struct db *db, struct u16 path, uint64_t time, bool *ret_created); /* With missing parents. */
int db_key_delete(
    struct db *db, struct u16 path, uint64_t time); /* With everything below; not the root (ERR_ACCESS_DENIED). */
int db_key_set_security(
    struct db *db, struct u16 path, const void *descriptor, size_t len, uint64_t time); /* 0: none. */
int db_value_set(struct db *db, struct u16 path, const struct db_value *value, uint64_t time);
int db_value_delete(struct db *db, struct u16 path, struct u16 name, uint64_t time);

/* The sum over all entries, kept as they change: equal contents give equal digests, whatever their history.  What an
 * entry is stands in docs/formats/digest.md. */
struct digest db_digest(const struct db *db);
struct digest db_digest_recomputed(const struct db_key *root); /* From scratch: the check of the above. */
uint64_t db_hive_size(const struct db *db);                    /* The estimate that DB_HIVE_MAX bounds. */

/* A snapshot: O(1) to take, and the undo of a batch.  Taking one needs -ENOMEM handling, putting one back does not. */
struct db_snapshot *db_snapshot_take(struct db *db); /* NULL without memory. */
struct db_snapshot *db_snapshot_ref(struct db_snapshot *s);
void db_snapshot_unref(struct db_snapshot *s); /* NULL is allowed; any thread. */
DEFINE_FREEP(struct db_snapshot, db_snapshot_unref)
const struct db_key *db_snapshot_root(const struct db_snapshot *s);
struct digest db_snapshot_digest(const struct db_snapshot *s);
uint64_t db_snapshot_hive_size(const struct db_snapshot *s); /* As db_hive_size(). */
/* A database of its own that begins as the snapshot: it may be changed on any one thread.  -ENOMEM. */
int db_new_from(struct db_snapshot *s, struct db **ret);
void db_put_back(struct db *db, struct db_snapshot *s); /* Of the same database; the caller keeps its reference. */
