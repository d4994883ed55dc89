/* disk: a directory tree that files are read from and written to, real or simulated.
 *
 * Why      backup, restore and the log must be proven against disks that fail, tear, reorder and lose writes, so none
 *          of them calls the kernel itself.
 * How      a struct disk is a table of functions rooted at one directory.  Names are relative to it, UTF-8, with '/'
 *          between components; no component may be "." or ".." or empty (-EINVAL) or longer than 255 bytes
 *          (-ENAMETOOLONG), and symbolic links are never followed (-ELOOP).  "" names the root itself, where that makes
 *          sense: sync_directory, stat, list.  All calls block; loop threads use them through loop_work().  Different
 *          files of one disk may be used by different threads.
 * Promise  data and length of a file survive power loss after file sync, and so do mode, time and attributes that were
 *          set through the same open file; a name (created, renamed, removed) survives after sync_directory() of its
 *          parent.  rename() replaces atomically.  Before that, any subset of the unsynced writes, sector by sector,
 *          may survive, and of the unsynced names.
 * Failure  every call may fail with a negative errno.  A failed write may have written a part.  After a failed sync
 *          what was unsynced must be taken as lost, although reads may go on to show it, and a retried sync proves
 *          nothing.  Opening what is not a regular file fails at once, -EISDIR or -ENXIO, and has no side effect.
 *          Renaming a directory to another parent may be refused (-EXDEV).
 * Real     io/linux/disk.c (a descriptor of the root directory).     Simulated  sim/disk.c
 * Tests    tests/unit/disk.c runs the same contract against both.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct disk;
struct disk_file; /* Opened by one disk; closed with file_close(). */

enum { DISK_NAME_MAX = 255, DISK_PATH_MAX = 4095 }; /* Bytes of a component, of a whole name. */

enum disk_open_flags {
	DISK_READ = 1,
	DISK_WRITE = 2,
	DISK_CREATE = 4,    /* Make it if it is missing … */
	DISK_EXCLUSIVE = 8, /* … and refuse if it is there (-EEXIST). */
	DISK_TRUNCATE = 16,
};

enum disk_kind { DISK_FILE, DISK_DIRECTORY, DISK_OTHER };

struct disk_stat {
	enum disk_kind kind;
	uint64_t size; /* Bytes. */
	uint32_t mode; /* Permission bits. */
	uint64_t time; /* Last modification, FILETIME. */
};

/* Called for each entry of a directory in unspecified order; a negative result ends the listing and is returned.  It
 * must not change that directory. */
typedef int disk_list_callback(void *data, const char *name, enum disk_kind kind);

struct disk_ops {
	int (*open)(struct disk *d, const char *name, unsigned flags, uint32_t mode, struct disk_file **ret);
	void (*close)(struct disk_file *f);
	/* Exactly len bytes, or -ENODATA if the file ends before. */
	int (*read)(struct disk_file *f, uint64_t offset, void *data, size_t len);
	int (*write)(struct disk_file *f, uint64_t offset, const void *data, size_t len);
	int (*size)(struct disk_file *f, uint64_t *ret);
	int (*truncate)(struct disk_file *f, uint64_t size);
	/* Space up to size; the length grows to it with zeros and never shrinks.  On failure it is as before. */
	int (*preallocate)(struct disk_file *f, uint64_t size);
	/* Before short writes and syncs into zeros that preallocate() made: have the file system ready for them, if that
	 * makes the syncs shorter.  Nothing that can be read changes, but it counts as a write of these zeros. */
	int (*prepare)(struct disk_file *f, uint64_t offset, size_t len);
	int (*sync)(struct disk_file *f);                       /* Durable: see Promise. */
	int (*drop_cache)(struct disk_file *f);                 /* The next read asks the medium, best effort. */
	int (*set_mode)(struct disk_file *f, uint32_t mode);
	int (*set_time)(struct disk_file *f, uint64_t filetime);
	int (*set_xattr)(struct disk_file *f, const char *name, const void *value, size_t len); /* -EOPNOTSUPP */
	int (*lock)(struct disk_file *f); /* Exclusive until close; -EWOULDBLOCK if held elsewhere; needs DISK_WRITE. */
	int (*sync_directory)(struct disk *d, const char *name);
	int (*make_directory)(struct disk *d, const char *name, uint32_t mode);
	int (*remove)(struct disk *d, const char *name);        /* A file or an empty directory. */
	int (*rename)(struct disk *d, const char *from, const char *to);
	int (*stat)(struct disk *d, const char *name, struct disk_stat *ret);
	int (*list)(struct disk *d, const char *name, disk_list_callback *callback, void *data);
	int (*free_space)(struct disk *d, uint64_t *ret_bytes);
	void (*free)(struct disk *d);
};

struct disk {
	const struct disk_ops *ops;
};

/* Open files carry their disk, so that calls on a file need only the file. */
struct disk_file {
	struct disk *disk;
};

/* The wrappers, which check names and offsets before the disk sees them.  mode is used for a file or directory that is
 * made, less the umask of the process.  Files are closed before their disk is freed. */
int disk_open(struct disk *d, const char *name, unsigned flags, uint32_t mode, struct disk_file **ret);
int disk_sync_directory(struct disk *d, const char *name);
int disk_make_directory(struct disk *d, const char *name, uint32_t mode);
int disk_remove(struct disk *d, const char *name);
int disk_rename(struct disk *d, const char *from, const char *to);
int disk_stat(struct disk *d, const char *name, struct disk_stat *ret);
int disk_list(struct disk *d, const char *name, disk_list_callback *callback, void *data);
int disk_free_space(struct disk *d, uint64_t *ret_bytes);
void disk_free(struct disk *d);
DEFINE_FREEP(struct disk, disk_free)

int file_read(struct disk_file *f, uint64_t offset, void *data, size_t len);
int file_write(struct disk_file *f, uint64_t offset, const void *data, size_t len);
int file_size(struct disk_file *f, uint64_t *ret);
int file_truncate(struct disk_file *f, uint64_t size);
int file_preallocate(struct disk_file *f, uint64_t size);
int file_prepare(struct disk_file *f, uint64_t offset, size_t len);
int file_sync(struct disk_file *f);
int file_drop_cache(struct disk_file *f);
int file_set_mode(struct disk_file *f, uint32_t mode);
int file_set_time(struct disk_file *f, uint64_t filetime);
int file_set_xattr(struct disk_file *f, const char *name, const void *value, size_t len);
int file_lock(struct disk_file *f);
void file_close(struct disk_file *f); /* NULL is allowed. */
DEFINE_FREEP(struct disk_file, file_close)

/* The whole file on the heap, at most max bytes (-EFBIG); *ret is never NULL on success. */
int disk_read_file(struct disk *d, const char *name, size_t max, uint8_t **ret, size_t *ret_len);
/* Remove a tree; missing is success.  Nothing is durable before sync_directory() of the parent. */
int disk_remove_tree(struct disk *d, const char *name);
