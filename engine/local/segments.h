/* segments: the segments of the embedded log in their directory: create, check and repair, read, roll, remove.  See segments.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"
#include "quolog/segment.h"

enum { SEGMENTS_NAME_SIZE = 32 };

struct segments {
	struct disk *disk;      /* Borrowed. */
	struct disk_file *lock; /* Held from segments_open() to segments_close(). */
	struct disk_file *file; /* The newest segment. */
	uint64_t *firsts;       /* Index of the first event of each segment, ascending. */
	size_t count, capacity;
	struct quolog_header header; /* Of the newest segment. */
	uint64_t last, term;         /* Of the log. */
	size_t end, room;            /* Of the newest segment: where the next record goes; its size. */
};

void segments_name(uint64_t first, char name[SEGMENTS_NAME_SIZE]);

/* Each of these blocks. */

/* Write the first segment of a log.  ERR_ALREADY_EXISTS. */
int segments_create(struct disk *disk, const struct quolog_header *header, size_t segment_size, struct error *error);
/* Lock the directory, check every byte of every segment, cut an unsynced tail, make all that is left durable.
 * A gap is an error, unless all before it is in the caller's state, which reaches to applied.
 * *s must be zero; on failure nothing stays open and what may have been acknowledged is untouched. */
int segments_open(struct segments *s, struct disk *disk, size_t segment_size, uint64_t applied, struct error *error);
void segments_close(struct segments *s); /* May be zero or closed. */

/* The whole content of a segment, on the heap; safe beside the writing of others. */
int segments_read(struct disk *disk, uint64_t first, uint8_t **ret, size_t *ret_len);
/* A file with room for a segment, not yet part of the log. */
int segments_make_spare(struct disk *disk, size_t segment_size, struct disk_file **ret);
/* The spare becomes the segment that begins behind the header's snapshot; head is its encoded HEADER record.  old, the
 * segment before it, is made durable to its end first. */
int segments_roll(
    struct disk *disk, struct disk_file *old, struct disk_file *spare, uint64_t first, const struct buf *head);
/* Remove one segment; the oldest first, or a power cut leaves a gap. */
int segments_remove(struct disk *disk, uint64_t first);
/* Note in memory what segments_roll() has done: takes over file. */
int segments_reserve(struct segments *s); /* Room for segments_rolled(), so that that cannot fail. */
void segments_rolled(
    struct segments *s, struct disk_file *file, const struct quolog_header *header, size_t end, size_t room);
/* … and that the oldest count segments are gone. */
void segments_removed(struct segments *s, size_t count);

/* The HEADER record of a segment. */
void segments_encode_header(struct buf *out, const struct quolog_header *header);
