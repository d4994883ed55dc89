/* sdlist: the access list of a security descriptor, entry by entry, and changed.  See sdlist.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/sid.h"
#include "cluster/db/sd.h"

struct sd_entry {
	uint8_t type, flags; /* SD_ALLOW, SD_DENY; SD_INHERIT_ONLY and others. */
	uint32_t mask;
	const uint8_t *sid; /* Whole; borrowed. */
};

struct sd_list {
	const uint8_t *next; /* Borrowed from the descriptor. */
	unsigned left;
};
/* 1: the descriptor has a list; 0: it has none, so that nobody is restricted; ERR_INVALID_PARAMETER: see sd_validate(). */
int sd_list_init(struct sd_list *l, const void *bytes, size_t len);
bool sd_list_next(struct sd_list *l, struct sd_entry *ret);

/* Append to out the descriptor with all entries about the SID replaced by one at the end that allows mask; 0: by none.
 * ERR_FILE_NOT_FOUND: none was to be taken out, or the descriptor has no list; and as sd_merge(). */
int sd_list_set(const void *bytes, size_t len, const struct sid *sid, uint32_t mask, struct buf *out);

/* Append to out the descriptor of a cluster that says what none says: All for Administrators, Read for Users. */
void sd_list_cluster_default(struct buf *out);
