/* store: what one node keeps on its own disk: generations of the cluster, their checkpoints, and which is in force.
 * See store.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/cluster.h"
#include "io/disk.h"
#include "quolog/header.h"

#define STORE_NAME_MAX 32 /* "00000001-89abcdef" */

/* Name of the generation's directory. */
void store_name(const struct quolog_generation *generation, char ret[STORE_NAME_MAX]);

/* The generation in force.  -ENOENT without a story: this node has no cluster. */
int store_current(struct disk *state, char ret[STORE_NAME_MAX], struct error *error);
/* The generation with the highest number that is there, in force or not.  -ENOENT: none. */
int store_newest(struct disk *state, char ret[STORE_NAME_MAX]);

struct store_loaded {
	struct quolog_header header; /* Of the newest whole checkpoint. */
	uint64_t index;              /* It holds everything up to here. */
	struct cluster *cluster;     /* Owned by the caller. */
};
/* The newest checkpoint whose pair of files is whole and agrees with its digests; older ones if it is not, with *ret_skipped
 * counting those.  ERR_CLUSTER_QUORUMLOG_NOT_FOUND: there is none; ERR_CLUSTERLOG_CORRUPT: there are, and none is whole. */
int store_load(struct disk *state, const char *name, struct store_loaded *ret, unsigned *ret_skipped, struct error *error);

struct store_checkpoint {
	const struct quolog_header *header; /* snapshot, last and time are set here. */
	struct db_snapshot *snapshot;
	const void *runtime; /* cluster_runtime_save() at the same index. */
	size_t runtime_len;
	uint64_t index;
	uint64_t time; /* FILETIME. */
};
/* Blocking; for a worker.  Durable when it returns 0. */
int store_write_checkpoint(struct disk *state, const char *name, const struct store_checkpoint *c, struct error *error);

/* A new generation's directory with its first checkpoint and nothing else yet; what an interrupted try left there is
 * removed.  Not in force before store_switch(). */
int store_create(struct disk *state, const char *name, const struct store_checkpoint *c, struct error *error);
/* Put a generation in force: the commit of creating, and of restoring, a cluster. */
int store_switch(struct disk *state, const char *name, struct error *error);
/* Before anything is built on what `current` names: a process that died in store_switch(), or whose last sync failed, may
 * have left what only the cache holds, and the next power cut would bring the generation before it back. */
int store_confirm(struct disk *state, const char *name, struct error *error);

/* Remove checkpoints older than index, and left-overs.  Best effort. */
void store_sweep(struct disk *state, const char *name, uint64_t index);

/* After a restore: remove generations other than these two, and all but the newest safety copies.  Best effort. */
void store_remove_old(struct disk *state, const char *current, const char *previous, uint64_t safety_copies);
/* Only the latter. */
void store_remove_safety_copies(struct disk *state, uint64_t safety_copies);
