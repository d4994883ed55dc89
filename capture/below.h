/* below: names in a directory, one at a time, that lead nowhere else; see below.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "capture/tree.h"

/* What putting back makes beside its place begins so; taking passes over it. */
#define BELOW_TEMPORARY ".rueda-put-"

/* Open one name in a directory.  It is no link, unless the flags are O_PATH | O_NOFOLLOW, and nothing is mounted on it:
 * -ELOOP, -EXDEV, and the errno of the system. */
int below_open(int parent, const char *name, int flags);

/* The story for an error with a path: what is missing, refused or in the way, with the Windows code. */
int below_fail(struct error *error, int r, const char *doing, const char *path);

struct names {
	char **all; /* Owned, as each of them; in ascending order. */
	size_t count;
};

/* The names in an open directory (not O_PATH), at most max: -E2BIG. */
int names_read(int directory, size_t max, struct names *ret);
void names_done(struct names *n);

/* Remove a name with all below it.  What is mounted there is not entered: -EXDEV; missing is success. */
int below_remove(int parent, const char *name, const struct tree_steps *steps);
