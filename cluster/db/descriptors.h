/* descriptors: how many keys have which descriptor, and what these take in a hive.  See descriptors.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/object.h"

struct descriptors {         /* All zero: there are none. */
	struct node *counts; /* A tree; each item is named by the hash of a descriptor. */
	uint64_t size;       /* Bytes in a hive, at most. */
};

/* A copy shares all with the original until one of them is changed. */
struct descriptors descriptors_copy(const struct descriptors *d);
void descriptors_done(struct descriptors *d);

/* So many keys more, or less, have this descriptor (NULL: none, which is not counted).  -ENOMEM changes nothing. */
int descriptors_add(struct descriptors *d, const struct security *security, int64_t keys);
/* A key and all below it are taken away.  -ENOMEM leaves a part of it done. */
int descriptors_remove_below(struct descriptors *d, const struct db_key *top);
