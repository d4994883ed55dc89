/* layout: the partitions of the disk that a directory lies on; see layout.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "quolog/header.h"

struct layout {
	uint32_t count; /* 0: no block device with partitions is behind the directory. */
	uint64_t offsets[QUOLOG_PARTITION_MAX]; /* Bytes from the beginning of the disk, ascending. */
};

/* Of the disk behind a directory. */
int layout_read(const char *directory, struct layout *ret);
/* The same, for the device number given, below another root than /sys.  For tests. */
int layout_read_device(const char *sysfs, unsigned major, unsigned minor, struct layout *ret);

void layout_to_header(const struct layout *l, struct quolog_header *h);
