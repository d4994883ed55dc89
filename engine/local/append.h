/* append: one batch on its way to the disk; the part of the embedded engine that runs on a worker.  See append.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"
#include "io/disk.h"
#include "quolog/header.h"
#include "quolog/record.h"

enum { APPEND_MARK_SIZE = QUOLOG_RECORD_HEAD };

struct append {
	struct disk *disk;
	struct disk_file *file;  /* The newest segment; a roll makes it durable and leaves it. */
	struct disk_file *spare; /* With a roll: what becomes the newest. */
	bool roll;
	struct quolog_header header; /* With a roll: of the new segment. */
	struct buf head;             /* The same, encoded. */
	size_t offset;               /* In the newest (after the roll). */
	size_t room;                 /* Its size. */
	size_t prepared;             /* Of it, up to here; kept from batch to batch, 0 at a start. */
	uint64_t first, last;        /* Indices of the batch. */
	uint32_t seed;
	struct buf records, mark;
	int result; /* Of the worker. */
};

void append_done(struct append *a);
/* Begin an empty batch behind *last*, of which everything is durable.  header is given for a roll. */
void append_begin(struct append *a, uint64_t last, uint32_t seed, const struct quolog_header *header);
void append_command(struct append *a, struct engine_id id, const void *bytes, size_t len);
void append_event(struct append *a, const struct quolog_event *event);
int append_end(struct append *a); /* -ENOMEM of any of the calls since append_begin(). */
void append_run(void *data);      /* On a worker: blocks. */
