/* below: a directory of a disk as a disk of its own; see below.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"

/* d is borrowed and must outlive *ret.  The directory need not exist yet. */
int disk_below(struct disk *d, const char *directory, struct disk **ret);
