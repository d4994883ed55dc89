/* blobs: the saved state of resources, files named by their SHA-256 in a generation's directory.  See blobs.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/set.h"
#include "cluster/checkpoint/checkpoint.h"
#include "ruedad/store.h"

#define BLOB_NAME_MAX 128 /* "00000001-89abcdef/blobs/…", 64 digits. */

/* Of the file, from the state directory. */
void blob_name(const char *generation, const struct digest *digest, char ret[BLOB_NAME_MAX]);

/* Blocking, for workers.  Durable when it returns 0, name and all.  Two that run at once need different numbers. */
int blob_put(struct disk *state, const char *generation, uint64_t number, const void *bytes, size_t len,
    const struct digest *digest, struct error *error);
/* The same for each blob of a set, which is read and proven on the way. */
int blobs_put_set(
    struct disk *state, const char *generation, struct disk *directory, const struct set *set, struct error *error);
/* The content, proven, on the heap: ERR_FILE_NOT_FOUND, ERR_INVALID_DATA. */
int blob_read(struct disk *state, const char *generation, const struct checkpoint *checkpoint, uint8_t **ret,
    size_t *ret_len, struct error *error);

/* Everything that a moment of the database names, as a backup takes it. */
struct blob_list {
	struct set_blob *blobs;
	char (*names)[BLOB_NAME_MAX];
	size_t count;
};
int blob_list_make(
    struct disk *state, const char *generation, const struct db_key *root, struct blob_list *ret); /* -ENOMEM */
void blob_list_done(struct blob_list *l);
/* Without those that are missing or not what their name says; returns how many those are, or -ENOMEM. */
int blob_list_keep_whole(struct blob_list *l);

/* What must not be removed. */
struct blob_keep {
	struct digest *digests;
	size_t count, capacity;
};
int blob_keep_add(struct blob_keep *k, const struct db_key *root); /* -ENOMEM */
void blob_keep_done(struct blob_keep *k);
/* Remove everything else in the generation's blobs/, left-overs too.  Best effort; no put may run. */
void blob_sweep(struct disk *state, const char *generation, struct blob_keep *keep);
