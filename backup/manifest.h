/* manifest: what a set consists of; the last record of its quolog.log.  See manifest.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/set.h"
#include "base/bytes.h"

#define MANIFEST_NAME_MAX 64

struct manifest_file {
	char name[MANIFEST_NAME_MAX]; /* "chk0001.tmp", "<guid>/00010001.CPT" */
	uint64_t size;
	struct digest digest;
	bool is_blob; /* Else the snapshot. */
	enum set_blob_kind kind;
	struct guid resource;
	uint32_t number;
};

struct manifest {
	struct manifest_file *files; /* The snapshot first; owned. */
	size_t count;
	struct digest database; /* D_db at I. */
};

void manifest_done(struct manifest *m);
int manifest_add(struct manifest *m, const struct manifest_file *f); /* -ENOMEM */
bool manifest_names(const struct manifest *m, const char *name);     /* In any case. */
void manifest_encode(const struct manifest *m, struct buf *out);
/* -EBADMSG: not a manifest, or a name in it that no set has. */
int manifest_decode(const uint8_t *bytes, size_t len, struct manifest *ret);

/* The names that a set may have; everything else in the directory is somebody else's. */
enum manifest_name_kind { NAME_FOREIGN, NAME_SNAPSHOT, NAME_BLOB, NAME_BLOB_DIRECTORY };
enum manifest_name_kind manifest_name_kind(const char *name);
