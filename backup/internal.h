/* internal: what writing and reading a set share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/image.h"
#include "backup/manifest.h"
#include "backup/set.h"

#define SET_LOG_NEW "quolog.new"

enum { SET_PATH_MAX = 512 };

/* The name as it lies in the directory, whatever its case there.  -ENOENT. */
int set_find_name(struct disk *directory, const char *name, char ret[SET_PATH_MAX]);

/* The disk gave no answer, or nobody waits for it any more (priv/door.h).  That says nothing about the set. */
static inline bool set_was_given_up(int r)
{
	return r == ERR_TIMEOUT || r == ERR_CANCELLED;
}

/* What has just been written, to be proven. */
struct set_written {
	struct image *image;          /* Of the snapshot; checked. */
	struct db_snapshot *snapshot; /* What it was made of. */
};

/* Read a set through one of its logs, SET_LOG or SET_LOG_NEW: everything is checked but the marker, which is only noted.
 * written: NULL, or prove that this is what the medium holds (the caches are dropped first); then the database is made of
 * its snapshot, of which the proof is that the medium holds the same.  ERR_DATABASE_BACKUP_CORRUPT: the set is not
 * whole; ERR_NOT_SUPPORTED: of a newer version; else what the disk gave, which says nothing about the set. */
int set_read_through(
    struct disk *directory, const char *log, const struct set_written *written, struct set **ret, struct error *error);

/* Only the log of a set: its header (may be NULL) and manifest, which the caller owns. */
int set_read_manifest(struct disk *directory, const char *log, struct quolog_header *ret_header, struct manifest *ret,
    struct error *error);
/* Whether every file is the one that the manifest names, by length and SHA-256: 0 or ERR_DATABASE_BACKUP_CORRUPT, or what
 * the disk gave.  They have been proven when they were written, so what they say is not looked at again. */
int set_compare_files(struct disk *directory, const struct manifest *m, struct error *error);
