/* image: the snapshot of a set that is being written, in memory.  See image.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/dbhive.h"
#include "base/beside.h"

struct image { /* Stays where it is while work goes on. */
	struct buf bytes;
	struct beside hashing, checking;
	struct digest digest;
	bool checked;
	int result; /* Of the check, … */
	struct db_totals totals;
	struct error story;
};

/* Make it, and begin with its SHA-256; checked: and with reading it as a restore does.  *i is zeros before.  -ENOMEM */
int image_make(struct image *i, const struct db_snapshot *s, uint64_t filetime, bool checked);
void image_done(struct image *i);
/* Write it to an open, empty file: synced, the base block last.  progress may be NULL. */
int image_write(const struct image *i, struct disk_file *file, int (*progress)(void *data, uint64_t bytes), void *data);
/* Compare it with a file: 0; 1: the file is another one; or what the disk gave. */
int image_compare(const struct image *i, struct disk_file *file);
struct digest image_digest(struct image *i); /* Waits. */
/* What a restore would make of it, for one that is checked: 0, or why it would make nothing.  Waits. */
int image_totals(struct image *i, struct db_totals *ret, struct error *error);
