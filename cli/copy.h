/* copy: a backup set to another directory; see copy.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/set.h"

/* Copy the set that *set was read from into a directory that is missing or empty, and prove the copy. */
int copy_set(struct disk *from, const struct set *set, const char *to, struct error *error);
