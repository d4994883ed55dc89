/* set: a backup set in a directory: written, proven, read back, compared.  The files, their order and every state that
 * a crash can leave behind are in docs/formats/backup-set.md.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/guid.h"
#include "base/sha256.h"
#include "cluster/cluster.h"
#include "cluster/db/db.h"
#include "io/disk.h"
#include "quolog/header.h"

#define SET_LOG "quolog.log"
#define SET_MARKER "Clusbackup.dat"

enum set_blob_kind { SET_REGISTRY_CHECKPOINT, SET_CRYPTO_CHECKPOINT }; /* *.CPT, *.CPR */

/* A resource checkpoint that goes into the set as <GUID>/NNNNmmmm.CPT or .CPR. */
struct set_blob {
	enum set_blob_kind kind;
	struct guid resource;
	uint32_t number;     /* Of the checkpoint within its resource. */
	struct digest digest;
	struct disk *disk;   /* Where its content lies … */
	const char *name;    /* … under which name. */
};

struct set_tail { /* The changes after the snapshot, and the checkpoints at their end. */
	uint64_t index;               /* I: of the last one. */
	const struct set_batch {
		uint64_t index;
		const uint8_t *bytes; /* An evaluated database batch. */
		size_t len;
	} *batches;                   /* S+1 … I, ascending; events that changed nothing have none. */
	size_t batch_count;
	struct digest digest;         /* D_db at I. */
	const struct set_blob *blobs; /* Those that the database at I names. */
	size_t blob_count;
	/* The sealed cluster key at I, without which some of them could not be opened; NULL: that of the source's header. */
	const uint8_t *key;
	size_t key_len;
};

enum set_step { SET_WRITING, SET_PROVING };

struct set_source {
	struct quolog_header header;     /* Identity; S, I and the time are filled in by the writer. */
	struct db_snapshot *snapshot;    /* The database at index S. */
	uint64_t snapshot_index;         /* S */
	uint64_t time;                   /* FILETIME of the backup. */
	/* Called once the snapshot is on disk: everything up to now.  What it gives must stay until set_write() returns. */
	int (*tail)(void *data, struct set_tail *ret);
	/* The barrier before the commit: 0 if this node may still finish the backup (same owner, same term). */
	int (*may_commit)(void *data);
	/* Told now and then, may be NULL: bytes written so far; once, that they are read back now.  Negative cancels the backup
	 * and is returned. */
	int (*progress)(void *data, enum set_step step, uint64_t bytes);
	void *data;
};

struct set_info {
	struct quolog_header header;
	char snapshot_name[16];       /* chkNNNN.tmp */
	uint64_t key_count, value_count, batch_count, blob_count;
	uint64_t bytes;               /* Of all files. */
	struct digest digest;         /* D_db at I. */
	bool marker;                  /* Clusbackup.dat is there: without it the set counts as incomplete. */
	bool left_overs;              /* set_write(): committed, but old files could not all be removed. */
};

enum set_write_flags {
	SET_NO_VERIFY = 1, /* For measurements only: commit without reading back. */
};

/* Write a set into the directory, replacing an older one (docs/design/backup.md).  The older set is whole until the very
 * moment of the commit.  Errors: ERR_DISK_FULL (the story says how much is missing), ERR_BUSY (another backup writes
 * there), ERR_WRITE_PROTECT, what the disk gave, what tail or may_commit gave. */
int set_write(struct disk *target, const struct set_source *source, unsigned flags, struct set_info *ret,
    struct error *error);

/* Read everything back with the code that restore uses and compare: ERR_DATABASE_BACKUP_CORRUPT with the reason. */
int set_verify(struct disk *directory, struct set_info *ret, struct error *error);

/* A set in memory: the database at I. */
struct set {
	struct set_info info;
	struct db *db;
	struct set_file {
		char name[64];     /* Of the manifest; in the directory its case may differ. */
		uint64_t size;
		struct digest digest;
		bool is_blob;
		enum set_blob_kind kind;
		struct guid resource;
		uint32_t number;
	} *files;                  /* Of the manifest. */
	size_t file_count;
};
int set_read(struct disk *directory, struct set **ret, struct error *error);
/* The content of one file of the set, checked against its digest, on the heap. */
int set_read_file(struct disk *directory, const struct set_file *file, uint8_t **ret, size_t *ret_len,
    struct error *error);
void set_free(struct set *s);
DEFINE_FREEP(struct set, set_free)

/* The marker of a set that is complete, of that FILETIME: the last step of who writes or copies one.  It is synced, its name
 * is not.  -EEXIST. */
int set_create_marker(struct disk *directory, uint64_t time);

/* What differs between two databases, in ascending order of paths; callbacks' negative results end it. */
struct set_difference {
	struct u16 path;                         /* Of the key. */
	const struct db_key *old_key, *new_key;  /* NULL: not there. */
	bool is_value;
	const struct db_value *old_value, *new_value; /* is_value: NULL = not there. */
};
int set_diff(const struct db *old_db, const struct db *new_db,
    int (*callback)(void *data, const struct set_difference *d), void *data);
