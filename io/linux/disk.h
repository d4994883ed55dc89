/* The real disk; see io/linux/disk.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"

/* The tree under an open directory, which may come from a process with more rights.  On success the disk owns the
 * descriptor; on failure the caller still does. */
int disk_linux_new(int directory_fd, struct disk **ret);
/* The tree under a path; links on the way to it are followed, below it they are not. */
int disk_linux_open(const char *path, struct disk **ret);
/* A regular file that another process opened for this one, as a file that belongs to no disk: calls on it work, it is
 * closed with file_close().  On success the file owns the descriptor; on failure the caller still does.  -EISDIR,
 * -ENXIO: it is not a regular file. */
int disk_linux_file_new(int fd, struct disk_file **ret);
/* The descriptor of a file of these disks, to be passed to such a process; it stays the file's. */
int disk_linux_file_fd(struct disk_file *f);
/* From now on d resolves names one component at a time, as it does by itself on kernels before 5.6.  For tests. */
void disk_linux_without_openat2(struct disk *d);
