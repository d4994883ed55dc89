/* roots: where checkpoints of files may be taken and put back; see roots.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum { ROOTS_MAX = 64 };

/* Whether it is "none", or absolute paths with commas between, none of them "/", without "." and "..". */
bool roots_are_valid(const char *roots);

/* Open the directory that path lies in, if path is one of the roots or below it: *ret_fd, not O_PATH, and the last component,
 * a view into path.  Links on the way to the root are followed, the administrator made them; below it none is.
 * ERR_ACCESS_DENIED: no such root; ERR_FILE_NOT_FOUND and others, with the story. */
int roots_open(const char *roots, const char *path, int *ret_fd, const char **ret_name, struct error *error);

/* Only the directory that the root itself lies in, and the path from the root's own name on. */
int roots_open_above(const char *roots, const char *path, int *ret_fd, const char **ret_rest, struct error *error);

/* The length of the root that path is, or is below; 0: none, or path is no path of a file. */
size_t roots_find(const char *roots, const char *path);
