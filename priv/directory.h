/* directory: open the directory of a backup, as whoever this process is; see directory.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct directory {
	int fd; /* Owned. */
	bool created;
	uint32_t owner, mode; /* uid, permission bits. */
	uint64_t device;      /* st_dev. */
};

enum directory_flags {
	DIRECTORY_WRITE = 1,  /* The process must be allowed to make files there. */
	DIRECTORY_CREATE = 2, /* Make the last component, 0700, if it is missing. */
};

/* path is absolute, without "." and ".." (others are refused).  Errors, each with its story: ERR_PATH_NOT_FOUND,
 * ERR_DIRECTORY, ERR_ACCESS_DENIED, ERR_CANT_RESOLVE_FILENAME, ERR_FILENAME_EXCED_RANGE, ERR_WRITE_PROTECT,
 * ERR_BAD_PATHNAME, or the errno of the system. */
int directory_open(const char *path, unsigned flags, struct directory *ret, struct error *e);
