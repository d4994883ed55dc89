/* The real disk; see io/linux/disk.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"

/* The tree under an open directory, which may come from a process with more rights.  On success the disk owns the
 * descriptor; on failure the caller still does. */
int disk_linux_new(int directory_fd, struct disk **ret);
/* The tree under a path; links on the way to it are followed, below it they are not. */
int disk_linux_open(const char *path, struct disk **ret);
/* The descriptor of a file of these disks; it stays the file's.  For tests. */
int disk_linux_file_fd(struct disk_file *f);
/* How often something that others wait for has been synced by this process: who writes much gives way to it.  One that writes for
 * another process is told that one's, and gives way to those. */
uint32_t disk_linux_syncs(void);
void disk_linux_note_syncs(uint32_t count);
/* From now on d resolves names one component at a time, as it does by itself on kernels before 5.6.  For tests. */
void disk_linux_without_openat2(struct disk *d);
