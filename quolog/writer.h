/* writer: write the quolog.log of a backup set; it is read back by reader.h.  See writer.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"
#include "quolog/header.h"
#include "quolog/record.h"

struct quolog_writer {
	struct disk_file *file; /* Borrowed; empty, and written by nobody else meanwhile. */
	struct buf pending;
	uint64_t offset;   /* Bytes that the file has. */
	uint64_t previous; /* Index of the newest record. */
	uint64_t last;     /* What the header promised. */
	bool closed;       /* The manifest has been written. */
	int error;         /* The first one, for ever after. */
};

/* Begins with the header.  seed and term in it must be 0, snapshot <= last. */
void quolog_writer_init(struct quolog_writer *w, struct disk_file *file, const struct quolog_header *header);
/* Batches come with rising indices in (snapshot, last]; more than QUOLOG_BATCH_MAX bytes: -EFBIG. */
void quolog_writer_batch(struct quolog_writer *w, uint64_t index, const void *bytes, size_t len);
/* The last record, exactly one.  -EFBIG likewise. */
void quolog_writer_manifest(struct quolog_writer *w, const void *bytes, size_t len);
/* Write what is pending and sync the file: the first error of all calls, or 0.  The manifest must have been written. */
int quolog_writer_finish(struct quolog_writer *w);
void quolog_writer_done(struct quolog_writer *w); /* Frees; the file stays open. */
