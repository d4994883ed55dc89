/* disk on Linux: one directory descriptor, and every name resolved below it.
 *
 * Why      backups are written as root into directories that others may write to.  A name must not lead out of the
 *          root, through a symbolic link, or into a FIFO or device that blocks or acts when it is opened.
 * How      openat2() with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; where the kernel has none (before 5.6, or a seccomp
 *          filter), each component is opened with O_NOFOLLOW in turn.  Calls on names open the parent that way and use
 *          the *at() call on the last component.  A file is looked at before it is opened, opened with O_NONBLOCK, and
 *          looked at again; only then is it truncated.
 *          sync is fdatasync(), or fsync() after a change of mode, time or attributes, which fdatasync() may leave out.
 *          Who writes much gives way to who syncs little: a sync, such as the log's, waits for what others are writing to
 *          the same disk, and for the file system's journal, which waits for the data of what it has just allocated.  So
 *          writing-out begins with every WRITE_OUT_STEP written, and not with the sync; and while others in this process
 *          sync, it goes on in slices, each waited for and followed by a rest as long as it took.  So does reading.
 *          preallocate is fallocate(); where the file system has none, zeros are written behind the end.
 *          What has been allocated only is written for the first time at the price of a change of metadata, so that its
 *          sync waits for the journal, and with it for the data of others.  prepare pays for many blocks at once, by
 *          writing the zeros.  Only where they will be overwritten in place: elsewhere they would be written for nothing,
 *          and take the space that had been reserved for the data.
 * Promise  what disk.h says, as far as the file system keeps its own promises.
 * Not kept where fsync() of a directory is not supported (EINVAL), sync_directory() succeeds: no other way exists.
 *          Bytes that a name is made of are not checked to be UTF-8.  With a lease held on a file (by Samba, say) open
 *          fails with -EWOULDBLOCK instead of waiting.
 * Threads  any, as disk.h says.
 * Tests    tests/unit/disk.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/disk.h"
#include "base/filetime.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

struct disk_linux {
	struct disk disk;
	int fd; /* Owned; the root, possibly O_PATH. */
	bool has_openat2;
};

struct file_linux {
	struct disk_file file;
	int fd;                  /* Owned. */
	bool attributes_changed; /* Since the last sync. */
	size_t slice;            /* Bytes written since the last slice or sync; … */
	size_t behind;           /* … since writing-out was last begun … */
	uint64_t begun;          /* … up to here. */
	uint32_t seen;           /* Of syncs, when it was last looked. */
};

enum { SLICE = 256 << 10, WRITE_OUT_STEP = 1 << 20, PAGE = 4096 };
#define REST_MIN_NS UINT64_C(200000) /* Less is no work of the disk's. */
#define REST_MAX_NS UINT64_C(50000000)

/* Of files of less than a slice, in this process: for each somebody waits. */
static _Atomic uint32_t syncs;

static struct disk_linux *disk_of(struct disk *d)
{
	return container_of(d, struct disk_linux, disk);
}

static struct file_linux *file_of(struct disk_file *f)
{
	return container_of(f, struct file_linux, file);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
#define _cleanup_fd_ _cleanup_(close_fd)

static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static int open_with_openat2(int root, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, root, name, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : (int)fd;
}

/* One component below an open directory; a directory only. */
static int open_component(int parent, const char *component)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	fd = openat(parent, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
	return take_fd(&fd);
}

/* A descriptor (O_PATH) of a directory below the root. */
static int open_directory_stepwise(int root, const char *name)
{
	_cleanup_fd_ int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (*name != 0) {
		char component[DISK_NAME_MAX + 1];
		size_t len = strcspn(name, "/");
		int next;

		assert(len > 0 && len <= DISK_NAME_MAX);
		memcpy(component, name, len);
		component[len] = 0;
		name += len + (name[len] == '/');
		next = open_component(fd, component);
		if (next < 0)
			return next;
		(void)close(fd);
		fd = next;
	}
	return take_fd(&fd);
}

static int open_directory(struct disk_linux *d, const char *name)
{
	if (d->has_openat2)
		return open_with_openat2(d->fd, *name == 0 ? "." : name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return open_directory_stepwise(d->fd, name);
}

/* The directory that name's last component is in, and that component (within name). */
static int open_parent(struct disk_linux *d, const char *name, const char **ret_last)
{
	const char *slash = strrchr(name, '/');
	char parent[DISK_PATH_MAX + 1];
	size_t len = slash != NULL ? (size_t)(slash - name) : 0;

	assert(len <= DISK_PATH_MAX);
	memcpy(parent, name, len);
	parent[len] = 0;
	*ret_last = slash != NULL ? slash + 1 : name;
	return open_directory(d, parent);
}

/* 0 for a regular file, otherwise why it is not opened. */
static int check_regular(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return 0;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return S_ISLNK(st->st_mode) ? -ELOOP : -ENXIO;
}

/* Something may be renamed over the name between the two looks, hence the second. */
static int open_existing(int parent, const char *name, int access)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = check_regular(&st);
	if (r < 0)
		return r;
	do
		fd = openat(parent, name, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = check_regular(&st);
	return r < 0 ? r : take_fd(&fd);
}

static int open_new(int parent, const char *name, int access, uint32_t mode)
{
	int fd;

	do
		fd = openat(parent, name, access | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static int open_fd(int parent, const char *name, unsigned flags, uint32_t mode)
{
	int access = (flags & DISK_WRITE) == 0 ? O_RDONLY : (flags & DISK_READ) == 0 ? O_WRONLY : O_RDWR;
	int fd = -ENOENT;

	/* Each turn is lost only to somebody who creates and removes the name in between. */
	for (unsigned attempt = 0; attempt < 8; attempt++) {
		if (!(flags & DISK_EXCLUSIVE)) {
			fd = open_existing(parent, name, access);
			if (fd != -ENOENT || !(flags & DISK_CREATE))
				return fd;
		}
		fd = open_new(parent, name, access, mode);
		if (fd != -EEXIST || flags & DISK_EXCLUSIVE)
			return fd;
	}
	return fd;
}

static int linux_open(struct disk *disk, const char *name, unsigned flags, uint32_t mode, struct disk_file **ret)
{
	_cleanup_fd_ int parent = -1, fd = -1;
	struct file_linux *f;
	const char *last;

	parent = open_parent(disk_of(disk), name, &last);
	if (parent < 0)
		return parent;
	fd = open_fd(parent, last, flags, mode);
	if (fd < 0)
		return fd;
	if (flags & DISK_TRUNCATE && ftruncate(fd, 0) < 0)
		return -errno;
	f = malloc(sizeof(*f));
	if (f == NULL)
		return -ENOMEM;
	*f = (struct file_linux){ .file.disk = disk, .fd = take_fd(&fd), .seen = atomic_load(&syncs) };
	*ret = &f->file;
	return 0;
}

static void linux_close(struct disk_file *file)
{
	struct file_linux *f = file_of(file);

	/* An error here says nothing that sync has not said. */
	(void)close(f->fd);
	free(f);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* As long as others were kept from the disk. */
static void rest(uint64_t ns)
{
	ns = MIN(ns, REST_MAX_NS);
	if (ns >= REST_MIN_NS)
		(void)nanosleep(&(struct timespec){ .tv_nsec = (long)ns }, NULL);
}

/* Whether others have synced since this was asked last. */
static bool others_sync(struct file_linux *f)
{
	uint32_t before = f->seen;

	f->seen = atomic_load_explicit(&syncs, memory_order_relaxed);
	return f->seen != before;
}

/* One read: of a slice at most. */
static int read_part(struct file_linux *f, uint64_t offset, void *data, size_t len)
{
	ssize_t n;

	do
		n = pread(f->fd, data, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n > 0 ? (int)n : n < 0 ? -errno : -ENODATA;
}

static int linux_read(struct disk_file *file, uint64_t offset, void *data, size_t len)
{
	struct file_linux *f = file_of(file);
	uint8_t *to = data;

	while (len > 0) {
		uint64_t begun = now_ns();
		int n = read_part(f, offset, to, MIN(len, (size_t)SLICE));

		if (n < 0)
			return n;
		to += n;
		offset += (size_t)n;
		len -= (size_t)n;
		if (n < SLICE || !others_sync(f))
			continue;
		/* Or the kernel reads ahead as much as the disk likes best. */
		(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_RANDOM);
		rest(now_ns() - begun);
	}
	return 0;
}

static int write_fully(int fd, uint64_t offset, const void *data, size_t len)
{
	const uint8_t *from = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		from += n;
		offset += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Begin to write out what is there up to end, and wait for what was begun the time before: the disk always has something
 * to do, and never much.  Where it is not supported, a sync does it all. */
static int write_out(struct file_linux *f, uint64_t end)
{
	int r = sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);

	if (r == 0 && f->begun > 0)
		r = sync_file_range(f->fd, 0, (off_t)f->begun, SYNC_FILE_RANGE_WAIT_BEFORE);
	f->behind = 0;
	f->begun = end;
	if (r < 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
		return -errno; /* The next sync may not report it again. */
	return 0;
}

/* Write out all that is there, and wait for it. */
static int write_out_now(struct file_linux *f)
{
	int r = sync_file_range(
	    f->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);

	return r < 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT) ? -errno : 0;
}

/* So much has been written, up to end. */
static int end_slice(struct file_linux *f, uint64_t end)
{
	uint64_t begun = now_ns();
	int r;

	f->slice = 0;
	if (!others_sync(f))
		return f->behind >= WRITE_OUT_STEP ? write_out(f, end) : 0;
	f->behind = 0;
	f->begun = end;
	r = write_out_now(f);
	if (r == 0)
		rest(now_ns() - begun);
	return r;
}

static int linux_write(struct disk_file *file, uint64_t offset, const void *data, size_t len)
{
	struct file_linux *f = file_of(file);
	const uint8_t *from = data;
	int r = 0;

	while (r == 0 && len > 0) {
		size_t n = MIN(len, SLICE - f->slice);

		r = write_fully(f->fd, offset, from, n);
		from += n;
		offset += n;
		len -= n;
		f->slice += n;
		f->behind += n;
		if (r == 0 && f->slice == SLICE)
			r = end_slice(f, offset);
	}
	return r;
}

static int linux_size(struct disk_file *file, uint64_t *ret)
{
	struct stat st;

	if (fstat(file_of(file)->fd, &st) < 0)
		return -errno;
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int linux_truncate(struct disk_file *file, uint64_t size)
{
	int r;

	do
		r = ftruncate(file_of(file)->fd, (off_t)size);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int write_zeros(int fd, uint64_t from, uint64_t to)
{
	static const uint8_t zeros[65536];
	int r = 0;

	while (r == 0 && from < to) {
		size_t len = (size_t)MIN(to - from, (uint64_t)sizeof(zeros));

		r = write_fully(fd, from, zeros, len);
		from += len;
	}
	return r;
}

static int linux_preallocate(struct disk_file *file, uint64_t size)
{
	int fd = file_of(file)->fd, r;
	uint64_t before;

	r = linux_size(file, &before);
	if (r < 0 || size == 0)
		return r;
	do
		r = fallocate(fd, 0, 0, (off_t)size) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r == -EOPNOTSUPP || r == -ENOSYS)
		r = write_zeros(fd, before, size);
	if (r < 0 && size > before)
		(void)ftruncate(fd, (off_t)before); /* The first error is the one to tell. */
	return r;
}

/* Does data stay in the block in which it was first written? */
static bool overwrites_in_place(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && (st.f_type == EXT4_SUPER_MAGIC || st.f_type == XFS_SUPER_MAGIC);
}

static int linux_prepare(struct disk_file *file, uint64_t offset, size_t len)
{
	static const uint8_t zeros[PAGE];
	int fd = file_of(file)->fd, r = 0;

	if (!overwrites_in_place(fd))
		return 0;
	/* By the page, lest the cache hold them in large pieces, in which small writes are dear. */
	while (r == 0 && len > 0) {
		size_t n = MIN(len, PAGE - (size_t)(offset % PAGE));

		r = write_fully(fd, offset, zeros, n);
		offset += n;
		len -= n;
	}
	return r;
}

static int linux_sync(struct disk_file *file)
{
	struct file_linux *f = file_of(file);
	int r;

	do
		r = f->attributes_changed ? fsync(f->fd) : fdatasync(f->fd);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	f->attributes_changed = false;
	if (f->begun == 0)
		f->seen = atomic_fetch_add_explicit(&syncs, 1, memory_order_relaxed) + 1;
	f->slice = f->behind = 0;
	f->begun = 0;
	return 0;
}

static int linux_drop_cache(struct disk_file *file)
{
	struct file_linux *f = file_of(file);
	int r = write_out_now(f); /* Only clean pages can be dropped. */

	if (r == 0)
		(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED);
	return r;
}

static int linux_set_mode(struct disk_file *file, uint32_t mode)
{
	if (fchmod(file_of(file)->fd, (mode_t)mode) < 0)
		return -errno;
	file_of(file)->attributes_changed = true;
	return 0;
}

static int linux_set_time(struct disk_file *file, uint64_t filetime)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, filetime_to_timespec(filetime) };

	if (futimens(file_of(file)->fd, times) < 0)
		return -errno;
	file_of(file)->attributes_changed = true;
	return 0;
}

static int linux_set_xattr(struct disk_file *file, const char *name, const void *value, size_t len)
{
	if (fsetxattr(file_of(file)->fd, name, value, len, 0) < 0)
		return -errno;
	file_of(file)->attributes_changed = true;
	return 0;
}

/* A lock of the open file, not of the process: two opens in one process exclude each other. */
static int linux_lock(struct disk_file *file)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(file_of(file)->fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? -EWOULDBLOCK : -errno;
	return 0;
}

/* A directory that can be read and synced, not only named. */
static int open_readable_directory(struct disk_linux *d, const char *name)
{
	_cleanup_fd_ int path_fd = open_directory(d, name);
	int fd;

	if (path_fd < 0)
		return path_fd;
	fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int linux_sync_directory(struct disk *disk, const char *name)
{
	_cleanup_fd_ int fd = open_readable_directory(disk_of(disk), name);
	int r;

	if (fd < 0)
		return fd;
	do
		r = fsync(fd);
	while (r < 0 && errno == EINTR);
	return r < 0 && errno != EINVAL ? -errno : 0;
}

static int linux_make_directory(struct disk *disk, const char *name, uint32_t mode)
{
	const char *last;
	_cleanup_fd_ int parent = open_parent(disk_of(disk), name, &last);

	if (parent < 0)
		return parent;
	return mkdirat(parent, last, (mode_t)mode) < 0 ? -errno : 0;
}

static int linux_remove(struct disk *disk, const char *name)
{
	const char *last;
	_cleanup_fd_ int parent = open_parent(disk_of(disk), name, &last);

	if (parent < 0)
		return parent;
	if (unlinkat(parent, last, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -errno;
	return unlinkat(parent, last, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int linux_rename(struct disk *disk, const char *from, const char *to)
{
	const char *from_last, *to_last;
	_cleanup_fd_ int from_parent = -1, to_parent = -1;

	from_parent = open_parent(disk_of(disk), from, &from_last);
	if (from_parent < 0)
		return from_parent;
	to_parent = open_parent(disk_of(disk), to, &to_last);
	if (to_parent < 0)
		return to_parent;
	return renameat(from_parent, from_last, to_parent, to_last) < 0 ? -errno : 0;
}

static enum disk_kind kind_of(mode_t mode)
{
	return S_ISREG(mode) ? DISK_FILE : S_ISDIR(mode) ? DISK_DIRECTORY : DISK_OTHER;
}

static int linux_stat(struct disk *disk, const char *name, struct disk_stat *ret)
{
	const char *last;
	_cleanup_fd_ int parent = open_parent(disk_of(disk), name, &last);
	struct stat st;

	if (parent < 0)
		return parent;
	if (fstatat(parent, *last == 0 ? "." : last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*ret = (struct disk_stat){
		.kind = kind_of(st.st_mode),
		.size = (uint64_t)st.st_size,
		.mode = st.st_mode & 07777,
		.time = filetime_from_timespec(st.st_mtim),
	};
	return 0;
}

static int entry_kind(int fd, const struct dirent *entry, enum disk_kind *ret)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN) {
		*ret = kind_of(DTTOIF(entry->d_type));
		return 0;
	}
	if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*ret = kind_of(st.st_mode);
	return 0;
}

static void close_stream(DIR **stream)
{
	if (*stream != NULL)
		(void)closedir(*stream);
}

static int linux_list(struct disk *disk, const char *name, disk_list_callback *callback, void *data)
{
	_cleanup_fd_ int fd = open_readable_directory(disk_of(disk), name);
	_cleanup_(close_stream) DIR *stream = NULL;

	if (fd < 0)
		return fd;
	stream = fdopendir(fd);
	if (stream == NULL)
		return -errno;
	(void)take_fd(&fd);
	for (;;) {
		const struct dirent *entry;
		enum disk_kind kind;
		int r;

		errno = 0;
		entry = readdir(stream);
		if (entry == NULL)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = entry_kind(dirfd(stream), entry, &kind);
		if (r == -ENOENT)
			continue; /* Removed meanwhile. */
		if (r == 0)
			r = callback(data, entry->d_name, kind);
		if (r < 0)
			return r;
	}
}

static int linux_free_space(struct disk *disk, uint64_t *ret_bytes)
{
	struct statvfs st;

	if (fstatvfs(disk_of(disk)->fd, &st) < 0)
		return -errno;
	if (__builtin_mul_overflow((uint64_t)st.f_bavail, (uint64_t)st.f_frsize, ret_bytes))
		*ret_bytes = UINT64_MAX;
	return 0;
}

static void linux_free(struct disk *disk)
{
	struct disk_linux *d = disk_of(disk);

	(void)close(d->fd);
	free(d);
}

static const struct disk_ops linux_ops = {
	.open = linux_open,
	.close = linux_close,
	.read = linux_read,
	.write = linux_write,
	.size = linux_size,
	.truncate = linux_truncate,
	.preallocate = linux_preallocate,
	.prepare = linux_prepare,
	.sync = linux_sync,
	.drop_cache = linux_drop_cache,
	.set_mode = linux_set_mode,
	.set_time = linux_set_time,
	.set_xattr = linux_set_xattr,
	.lock = linux_lock,
	.sync_directory = linux_sync_directory,
	.make_directory = linux_make_directory,
	.remove = linux_remove,
	.rename = linux_rename,
	.stat = linux_stat,
	.list = linux_list,
	.free_space = linux_free_space,
	.free = linux_free,
};

int disk_linux_new(int directory_fd, struct disk **ret)
{
	struct disk_linux *d;
	int probe;
	struct stat st;

	if (fstat(directory_fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	d = malloc(sizeof(*d));
	if (d == NULL)
		return -ENOMEM;
	(void)fcntl(directory_fd, F_SETFD, FD_CLOEXEC);
	/* Seccomp filters that do not know the call answer EPERM. */
	probe = open_with_openat2(directory_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*d = (struct disk_linux){
		.disk.ops = &linux_ops,
		.fd = directory_fd,
		.has_openat2 = probe >= 0 || (probe != -ENOSYS && probe != -EPERM),
	};
	close_fd(&probe);
	*ret = &d->disk;
	return 0;
}

int disk_linux_open(const char *path, struct disk **ret)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = disk_linux_new(fd, ret);
	if (r == 0)
		(void)take_fd(&fd);
	return r;
}

int disk_linux_file_fd(struct disk_file *f)
{
	assert(f->disk->ops == &linux_ops);
	return file_of(f)->fd;
}

uint32_t disk_linux_syncs(void)
{
	return atomic_load_explicit(&syncs, memory_order_relaxed);
}

void disk_linux_note_syncs(uint32_t count)
{
	atomic_store_explicit(&syncs, count, memory_order_relaxed);
}

void disk_linux_without_openat2(struct disk *d)
{
	disk_of(d)->has_openat2 = false;
}
