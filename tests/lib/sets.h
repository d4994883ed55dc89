/* sets: databases and backup sources for the tests of backup/.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/set.h"
#include "tests/lib/test.h"

/* A backup of a database that goes on changing while its snapshot is written. */
struct sets_source {
	struct set_source source;
	struct db *db;
	struct set_batch batches[8];
	struct buf bytes[8];
	size_t batch_count;
	const struct set_blob *blobs; /* Borrowed; none unless set. */
	size_t blob_count;
	int commit_result; /* What may_commit gives. */
	uint64_t index;
	void *more; /* The test's own. */
};

/* A small believable database; version makes it another one. */
struct db *sets_database(unsigned version);
/* Snapshot now, and changes after it: the tail. */
void sets_source_init(struct sets_source *s, struct db *db, unsigned changes);
void sets_source_done(struct sets_source *s);
/* One value set in the database, as a batch of its own at the next index. */
void sets_change(struct sets_source *s, unsigned number);
