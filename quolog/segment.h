/* segment: read one file of the embedded engine's log and tell good from torn from damaged.  See segment.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "quolog/header.h"
#include "quolog/record.h"

/* Called with each COMMAND, EVENT and SEALED in order; a negative result ends the scan and is returned. */
typedef int quolog_visit(void *data, const struct quolog_record *record);

struct quolog_segment {
	struct quolog_header header;
	uint64_t first;   /* Index of the first event that is, or would be, here: header.snapshot + 1. */
	uint64_t last;    /* Of the last good one; first - 1 if there is none. */
	uint64_t durable; /* The highest index that a record here says was durable. */
	uint64_t term;    /* The owner's at last. */
	size_t end;       /* Offset behind the last good record. */
	size_t used;      /* Offset behind the last byte that is not zero, aligned; > end: a torn tail lies between. */
	bool sealed;
};

/* -EBADMSG: damage that no crash explains (the story says where); else what the header's decoder gives, or visit. */
int quolog_segment_scan(
    const uint8_t *bytes, size_t len, quolog_visit *visit, void *data, struct quolog_segment *ret, struct error *error);
