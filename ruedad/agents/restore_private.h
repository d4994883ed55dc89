/* restore_private: what the two kinds of restore share: of the whole database (restore.c), and of one resource's checkpoints
 * (restore_checkpoints.c).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/set.h"
#include "quolog/header.h"
#include "ruedad/agents/restore.h"
#include "ruedad/agents/safety.h"
#include "ruedad/agents/set_directory.h"
#include "ruedad/path.h"

struct restore_checkpoints;

struct restore_job {
	struct service *service;
	restore_done *done;
	void *data;

	/* Of the request. */
	struct rpc_identity caller;
	bool force, plan;
	char16_t *as_node, *as_new; /* Owned, or NULL. */
	char16_t *only;             /* The same: a resource; only its checkpoints are restored. */
	struct seal_secret secret;  /* Owned. */

	/* Of the loop, drawn before the worker begins. */
	uint64_t time;
	struct guid generation_id, instance_id;
	uint64_t number_now; /* Of the generation in force; 0: there is none. */

	struct path path;
	struct set_directory place;
	struct disk *directory; /* Of the set, as long as it is read. */
	struct set *set;
	struct quolog_header header; /* Of the new generation; with `only`: of `last`. */
	char generation[STORE_NAME_MAX];

	struct db_snapshot *last; /* Of the old cluster, for the safety copy. */
	uint64_t last_index;
	const char *layout_unknown;   /* Why the layouts could not be compared; NULL: they were. */
	char safety[SAFETY_NAME_MAX]; /* As safety_write() says; or empty. */

	struct restore_checkpoints *checkpoints; /* With `only`; owned. */

	bool committed; /* The new generation is in force on disk, whatever comes then. */
	int result;
	struct error error;
	char story[1024];
};

/* The end: tells whoever asked, and frees the job. */
void restore_finish(struct restore_job *job);
/* On a worker: job->directory and job->set, as the caller may read them. */
int restore_read_set(struct restore_job *job);
/* Back on the loop: what that came to, and whether it was cancelled meanwhile. */
void restore_set_was_read(struct restore_job *job);

/* Of restore_checkpoints.c.  Begins: as restore_start() does, on the loop. */
int restore_checkpoints_start(struct restore_job *job, struct error *error);
void restore_checkpoints_free(struct restore_checkpoints *c); /* NULL is allowed. */
