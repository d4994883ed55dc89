/* security: the security descriptors of a hive that is being written, each once; see security.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/sha256.h"
#include "hive/bins.h"

struct security_entry {
	struct digest digest;
	uint32_t cell;
	uint32_t references;
};

struct security {
	struct security_entry *entries; /* Owned; in the order in which they were written. */
	size_t count, capacity;
	uint32_t *slots; /* Owned; indices into entries plus 1, 0 = free; slot_count is a power of two. */
	size_t slot_count;
};

void security_done(struct security *s);
/* The cell of an equal descriptor, with one reference more; it is written if it is new.  Errors go to b->error. */
uint32_t security_add(struct security *s, struct bins *b, const void *descriptor, size_t len);
/* All keys are written: fill in the ring and the reference counts. */
void security_end(const struct security *s, struct bins *b);
