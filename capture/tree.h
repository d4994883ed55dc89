/* tree: take a file, directory or link of this machine as a hive, and put one back; see take.c and put.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "capture/format.h"

/* Where it is: a directory (a descriptor that is not O_PATH, borrowed) and the name in it. */
struct tree_place {
	int parent;
	const char *name;
	const char *shown; /* The whole path, for stories. */
};

/* Called before each step that may take time or changes something, with a word for it; a negative result ends the work
 * there and is returned: whoever waits has gone, the time is over, or a test wants to see what then is. */
struct tree_steps {
	int (*step)(void *data, const char *what);
	void *data;
};

/* Where a hive goes; reset: what was written so far goes, and all begins again.  -EFBIG of write(): more than max bytes. */
struct tree_sink {
	int (*reset)(void *data);
	int (*write)(void *data, uint64_t offset, const void *bytes, size_t len);
	void *data;
	uint64_t max;
};

/* Write the hive to the sink.  The tree is as it was at one moment.
 * Errors, with stories that name the path: ERR_FILE_NOT_FOUND, ERR_ACCESS_DENIED; ERR_NOT_SUPPORTED: something that no
 * checkpoint can hold (a hard link, a device, another file system, …); ERR_SHARING_VIOLATION: it changes all the time;
 * ERR_DISK_FULL: too large, too many entries, too deep; -ENOMEM; the system's, and those of step(). */
int files_take_to(const struct tree_place *place, const struct tree_sink *sink, const struct tree_steps *steps,
    uint64_t *ret_size, struct error *error);
/* The same to a file, whose old contents go; at most hive_max bytes. */
int files_take(const struct tree_place *place, int out, uint64_t hive_max, const struct tree_steps *steps,
    uint64_t *ret_size, struct error *error);

/* Make the place what the hive holds, all or nothing, durably.  On success *told (may be NULL) has the story of what could
 * not be as it was, or code 0: owners without the right to give files away, attributes that the file system has not.
 * ERR_INVALID_DATA: not such a hive, and nothing was touched; otherwise as above. */
int files_put(const struct tree_place *place, const void *hive, size_t len, const struct tree_steps *steps,
    struct error *told, struct error *error);
