/* cluster: the pure core.  Events of the log in, results and evaluated changes out; no I/O, no clock, no chance.
 *
 * Why      every node applies the same events in the same order and must come to the same bytes; a restored node
 *          replays them again.  So apply is total and depends on the state and the event only (D1, D2 in docs/design).
 * How      cluster_apply() decodes a command (idl/command.idl), checks it against the state, changes the database and
 *          the runtime state, and says what it did: a Windows status, and the *evaluated batch*, the primitive key
 *          and value operations (cluster/db/batch.h) that repeat the change on any copy of the database.
 * State    database (db/): the configuration, what a backup holds; objects are views of its keys (object/).
 *          runtime: the owner and its term, nodes up, the last command of each incarnation, the running and the last
 *          backup.  Replicated, saved with each checkpoint, never in a backup.
 * Promise  an id is applied once, for ever.  A refused command changes nothing.  Equal state and equal event give
 *          equal state, result and digest, on any machine.
 * Failure  -ENOMEM only; the process must then end, since the event may be half applied (D1).
 * Threads  the loop thread.       Tests  tests/unit/cluster.c, tests/sim/replica.c
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/guid.h"
#include "base/sha256.h"
#include "cluster/db/db.h"

struct cluster;
struct cluster_change;
struct db_snapshot;
struct runtime;

/* The engine's event; the same numbers mean the same (engine/engine.h), copied by the daemon. */
enum cluster_event_kind { CLUSTER_COMMAND = 1, CLUSTER_OWNER_ELECTED, CLUSTER_NODE_JOINED, CLUSTER_NODE_LOST };

struct cluster_event {
	enum cluster_event_kind kind;
	uint64_t index;
	uint64_t incarnation; /* Of the proposer (a command) or of the node. */
	uint64_t counter;     /* A command's number within its incarnation. */
	const uint8_t *bytes; /* A command; borrowed. */
	size_t len;
	uint32_t node;
	uint64_t term;
};

struct cluster_result {
	bool repeated;          /* The id had been applied before; nothing was done, and the rest is empty. */
	bool key_changed;       /* See cluster_key(). */
	bool settled;           /* The policy (cluster_decide) sees nothing new. */
	bool differs;           /* A Check: this node's state is not the owner's, and it must not go on. */
	uint32_t status;        /* Windows code; 0 = done. */
	int32_t failed_command; /* Registry batches: 1-based number of the command that failed, -1 = none did. */
	uint32_t disposition;   /* Created keys: 1 created, 2 existed. */
	struct buf batch;       /* Evaluated database batch; empty = the database did not change. */
	struct buf notification; /* Registry batches: what a batch port delivers, … */
	bool notification_lost;  /* … or that there was more than that. */
	const char16_t *notification_key; /* The key that the registry batch was for: a path; in the arena. */

	/* For who is to be told of it; no part of the state (cluster/changes.h). */
	struct cluster_change *changes;
	size_t change_count, change_capacity;
	struct db_snapshot *before; /* The database before the event; NULL: it has not changed. */
	struct arena arena;         /* What the changes point to. */
};

void cluster_result_done(struct cluster_result *r);

/* Takes over db, also when it fails. */
int cluster_new(struct db *db, struct cluster **ret);
void cluster_free(struct cluster *c);
DEFINE_FREEP(struct cluster, cluster_free)

/* A fresh cluster whose database is the state at index. */
void cluster_begin_at(struct cluster *c, uint64_t index);

/* ret must be empty ({ 0 }) and is owned by the caller afterwards. */
int cluster_apply(struct cluster *c, const struct cluster_event *event, struct cluster_result *ret);

struct db *cluster_db(struct cluster *c);

/* The sealed cluster key (docs/formats/sealed-key.md).  It is kept beside database and runtime state, in the header that goes
 * with both, from where the caller sets it; the command ClusterKey replaces it. */
enum { CLUSTER_KEY_MAX = 4096 };
void cluster_set_key(struct cluster *c, const uint8_t *sealed, size_t len);
const uint8_t *cluster_key(const struct cluster *c, size_t *ret_len); /* Length 0: there is none. */
const struct runtime *cluster_runtime(const struct cluster *c); /* For the functions of changes.h. */
uint64_t cluster_applied(const struct cluster *c); /* The index of the last event applied. */

struct cluster_backup_state {
	bool running;
	struct guid id;         /* Of the running, else of the last backup. */
	uint64_t incarnation;   /* The node life that runs it: lost means ended. */
	uint64_t started, ended; /* FILETIMEs. */
	uint32_t status;        /* Of the last that ended; 0 = a set was written. */
	struct u16 path;        /* As the caller gave it. */
};
const struct cluster_backup_state *cluster_backup(const struct cluster *c);
uint32_t cluster_owner(const struct cluster *c, uint64_t *ret_term); /* 0: none elected yet. */

/* What groups and resources do, and what the owner is to decide next about them (group/policy.h, wire/command.h). */
struct group_table;
struct command_Decide;
const struct group_table *cluster_groups(const struct cluster *c);
/* hour: 0 to 23, of the day where the owner is. */
int cluster_decide(const struct cluster *c, unsigned hour, struct command_Decide *ret, size_t max);
/* Whether another hour may make a difference. */
bool cluster_waits_for_hour(const struct cluster *c);
/* When, in elapsed time, something is due though nothing else happens; UINT64_MAX: never. */
uint64_t cluster_deadline(const struct cluster *c);
uint64_t cluster_elapsed(const struct cluster *c);
/* The incarnation of a node that is up, or 0. */
uint64_t cluster_node_up(const struct cluster *c, uint32_t node);

/* The runtime file of a checkpoint: append it to out; load it into a fresh cluster (ERR_INVALID_DATA with a story). */
void cluster_runtime_save(const struct cluster *c, struct buf *out);
int cluster_runtime_load(struct cluster *c, const void *bytes, size_t len, struct error *error);
int cluster_runtime_digest(const struct cluster *c, struct digest *ret); /* -ENOMEM */
/* Of the form that is saved: digests are of one version, and those of two cannot be compared. */
enum { CLUSTER_RUNTIME_VERSION = 5 };

/* The database of a new cluster: root values, node 1, the core group with the quorum resource, the known types. */
struct cluster_seed {
	struct u16 cluster_name, node_name;
	struct guid instance_id, core_group_id, storage_group_id, quorum_resource_id;
	struct u16 quorum_path; /* What GetClusterQuorumResource shows as the device path. */
	uint64_t time;          /* FILETIME. */
};
int cluster_seed_database(const struct cluster_seed *seed, struct db **ret);
