/* bins: cells written one after the other, through one buffer; see bins.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hive/regf.h"

struct bins {
	struct hive_sink sink;
	uint64_t filetime;
	uint8_t *buffer;   /* Owned. */
	size_t used;       /* Bytes in it. */
	uint32_t flushed;  /* Bytes of bins that the sink has; the buffer's follow them. */
	uint32_t cell_end; /* Where the current cell ends and the next may begin. */
	uint32_t bin_end;  /* 0 before the first bin. */
	int error;         /* 0, or the first error for ever. */
};

int bins_init(struct bins *b, const struct hive_sink *sink, uint64_t filetime); /* -ENOMEM */
void bins_done(struct bins *b);
/* Begin a cell for len bytes of data, which the caller puts next; what is missing of them when the next cell begins is
 * zeros.  Returns its offset, or REGF_NONE with the error set. */
uint32_t bins_cell(struct bins *b, size_t len);
void bins_put(struct bins *b, const void *data, size_t len);
void bins_put_u32(struct bins *b, uint32_t v);
/* Write again, over the data of the cell at offset. */
void bins_patch(struct bins *b, uint32_t cell, size_t at, const void *data, size_t len);
/* No more cells: close the last bin and pass everything on. */
void bins_end(struct bins *b);
