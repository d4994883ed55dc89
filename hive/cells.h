/* cells: which cells a hive that is being read has, and which of them are taken; see cells.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hive/regf.h"

struct cell {
	const uint8_t *data; /* Borrowed from the hive. */
	uint32_t len;        /* With the padding at its end. */
};

struct cells {
	const uint8_t *bins; /* Borrowed. */
	uint32_t len;
	uint32_t root;
	uint32_t minor;
	uint64_t filetime;
	struct error *error; /* Borrowed; may be NULL. */
	uint64_t *free;      /* Owned; one bit for 8 bytes: an allocated cell begins here that nobody has taken. */
	uint64_t *shared;    /* Owned; likewise: a security descriptor's cell, taken. */
};

/* Read the base block into *c; nothing is owned yet. */
int cells_read_base(struct cells *c, const void *data, size_t len, bool foreign, struct error *error);
/* Then walk all bins. */
int cells_init(struct cells *c);
void cells_done(struct cells *c);
/* Tell what is wrong at the cell (an offset), in *c->error. */
int cells_damaged(const struct cells *c, uint32_t at, const char *what);
/* Take the cell at the offset, which must have at least so many bytes, for the purpose that a message would name. */
int cells_take(struct cells *c, uint32_t offset, uint64_t least, const char *what, struct cell *ret);
/* The same for a cell that is shared by all who take it through this call; *ret_first: it was free. */
int cells_take_shared(
    struct cells *c, uint32_t offset, uint64_t least, const char *what, struct cell *ret, bool *ret_first);
/* A cell that has been taken. */
static inline const uint8_t *cells_data(const struct cells *c, uint32_t offset)
{
	return c->bins + offset + sizeof(uint32_t);
}
