/* marks: which sources of this node may be newer than what is saved of them.  See marks.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/checkpoint/checkpoint.h"
#include "ruedad/store.h"

/* What a source went on from: it was that state when it was put back, captured or added, on this node. */
struct mark {
	struct guid boot; /* Of the machine that the source is in use in; zeros: its use has ended. */
	uint64_t added;   /* Index of the command that added the checkpoint; 0: it was about to be added. */
	/* What the database named, and what it was about to name: a crash leaves either. */
	struct digest base, next;
};

#define MARK_NAME_MAX 128 /* "00000001-89abcdef/marks/…", 64 digits. */

/* Of the source of a checkpoint of a resource. */
struct digest mark_key(const struct guid *resource, enum checkpoint_kind kind, struct u16 path);
/* Whether the source went on from what is saved now, and nothing that was written to it can have been lost. */
enum mark_verdict {
	MARK_FITS,
	MARK_OTHER,   /* Another state was saved since. */
	MARK_CRASHED, /* The machine has gone down while it was in use. */
};
enum mark_verdict mark_judge(const struct mark *m, const struct checkpoint *checkpoint, const struct guid *boot);

/* Blocking, for workers.  Durable when it returns 0; otherwise the mark is the old one or the new one.  No two may write the
 * mark of one key at once. */
int mark_put(
    struct disk *state, const char *generation, const struct digest *key, const struct mark *mark, struct error *error);
/* -ENOENT: there is none.  ERR_INVALID_DATA */
int mark_get(
    struct disk *state, const char *generation, const struct digest *key, struct mark *ret, struct error *error);
/* Missing is success.  Not durable before mark_sync(). */
int mark_remove(struct disk *state, const char *generation, const struct digest *key);
int mark_sync(struct disk *state, const char *generation);
/* Remove the marks of what neither of two moments of the database has, and left-overs.  Best effort; nothing may be captured. */
void mark_sweep(struct disk *state, const char *generation, const struct db_key *root, const struct db_key *other_root);
