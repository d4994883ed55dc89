/* record: the unit of the quorum log, in the segments of the embedded engine and in the quolog.log of a backup set.
 * See record.c for the layout and what it promises.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum quolog_type {
	QUOLOG_HEADER = 1, /* What log this is (header.h); first in every file, index = of the last event before it. */
	QUOLOG_COMMAND,    /* A command and its id. */
	QUOLOG_EVENT,      /* Owner elected, node joined, node lost. */
	QUOLOG_DURABLE,    /* No event: everything up to index, which the record before has, is durable. */
	QUOLOG_BATCH,      /* Backup sets only: the changes that the command at index made to the database. */
	QUOLOG_MANIFEST,   /* Backup sets only, last: what the set consists of. */
	QUOLOG_SEALED,     /* Reserved: the log ends here and continues in another engine, which the payload names. */
};

enum {
	QUOLOG_RECORD_HEAD = 32, /* Bytes before the payload. */
	QUOLOG_ALIGN = 8,        /* Records begin at multiples of it. */
	QUOLOG_COMMAND_HEAD = 16,
	QUOLOG_COMMAND_MAX = 1 << 20, /* Bytes of a command without its id. */
	QUOLOG_BATCH_MAX = 64 << 20,
	QUOLOG_MANIFEST_MAX = 64 << 20,
};

struct quolog_record {
	enum quolog_type type;
	uint64_t index;
	uint64_t durable; /* Segments: everything up to this index was known durable when this was written.  Else 0. */
	const uint8_t *payload; /* Borrowed. */
	size_t len;
};

struct quolog_command {
	uint64_t incarnation, counter;
	const uint8_t *bytes; /* Borrowed. */
	size_t len;
};

enum quolog_event_kind { QUOLOG_OWNER_ELECTED = 1, QUOLOG_NODE_JOINED, QUOLOG_NODE_LOST };

struct quolog_event {
	enum quolog_event_kind kind;
	uint32_t node;
	uint64_t incarnation;
	uint64_t term; /* 0 unless owner elected. */
};

/* Bytes that a record with a payload of len takes, padding and all. */
static inline size_t quolog_record_size(size_t len)
{
	return ALIGN_UP(QUOLOG_RECORD_HEAD + len, (size_t)QUOLOG_ALIGN);
}

/* Append a record.  seed is the log's (header.h), 0 for the HEADER and in backup sets.  out->error tells. */
void quolog_record_encode(struct buf *out, uint32_t seed, const struct quolog_record *r);
/* COMMAND and EVENT with the payload from its parts; the record's own payload is not used. */
void quolog_command_encode(
    struct buf *out, uint32_t seed, const struct quolog_record *r, const struct quolog_command *c);
void quolog_event_encode(struct buf *out, uint32_t seed, const struct quolog_record *r, const struct quolog_event *e);

/* The record that bytes begin with; its payload is borrowed from them.  -EBADMSG with the reason. */
int quolog_record_decode(
    const uint8_t *bytes, size_t len, uint32_t seed, struct quolog_record *ret, size_t *ret_size, struct error *error);
/* The payload of a decoded COMMAND or EVENT.  -EBADMSG. */
int quolog_command_decode(const struct quolog_record *r, struct quolog_command *ret);
int quolog_event_decode(const struct quolog_record *r, struct quolog_event *ret);
