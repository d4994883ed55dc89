/* watch_look: mark all directories of which a source's changes are told; see watch_look.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "priv/watch_marks.h"

struct look {
	struct marks *marks;
	struct marks_of *of;
	void *owner;
	uint32_t generation;
	const char *roots;
};

/* What does not exist (yet), or is a link or a mount on the way, is watched for at the directory in which it lies.
 * ERR_ACCESS_DENIED: no such root, or permission; ERR_DISK_FULL: too many entries, too deep, or more directories than the
 * system or this process watches; -ENOMEM; others, each with its story. */
int watch_look(const struct look *l, const char *path, struct error *error);
