/* The real disk; see io/linux/disk.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"

/* The tree under an open directory, which may come from a process with more rights.  On success the disk owns the
 * descriptor; on failure the caller still does. */
int disk_linux_new(int directory_fd, struct disk **ret);
/* The tree under a path; links on the way to it are followed, below it they are not. */
int disk_linux_open(const char *path, struct disk **ret);
/* From now on d resolves names one component at a time, as it does by itself on kernels before 5.6.  For tests. */
void disk_linux_without_openat2(struct disk *d);
