/* layout: the partitions of the disk that a directory lies on; see layout.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "quolog/header.h"

struct layout {
	bool device;                            /* A block device is behind the directory. */
	uint32_t count;                         /* Of its partitions; 0 without any, and without a device. */
	uint64_t offsets[QUOLOG_PARTITION_MAX]; /* Bytes from the beginning of the disk, ascending. */
};

/* Of the disk behind a directory. */
int layout_read(const char *directory, struct layout *ret);
/* The same, for the device number given, below another root than /sys.  For tests. */
int layout_read_device(const char *sysfs, unsigned major, unsigned minor, struct layout *ret);

/* Is it the one that a header holds?  If not, in which way: "it has 1 partition, in the set it has 2". */
bool layout_matches(const struct layout *l, const struct quolog_header *h, char *ret_difference, size_t size);

void layout_to_header(const struct layout *l, struct quolog_header *h);
