/* take: a file, directory or link becomes a hive, as it was at one moment.
 *
 * Why      a checkpoint of which one half was read before a change and the other after it is a state that never was, and an
 *          application may not survive being put back to it.  And whoever can write below the source must not get the
 *          process that reads it, with root's rights, to read anything else, to block, or to work for ever.
 * How      each name is looked at (O_PATH), and opened only if it is a regular file or a directory; what was opened must be
 *          what was looked at.  While the tree is walked, a digest is made of all that changes when an entry does (number of
 *          the inode, size, times of modification and of change, names).  At the end the tree is walked
 *          once more without reading: the same digest, or all begins again, TRIES times.  Where an entry was changed so
 *          recently that the clock of the file system may not tell a later change apart, that counts as a change.
 *          Holes are asked for with SEEK_DATA.
 * Promise  what is told in tree.h; a file is read to the length that it had when it was looked at, and no further.
 * Not kept what the system does not tell: changes through a shared mapping whose time is written later; attributes of
 *          links, and flags of files (chattr).
 * Threads  all functions.      Limits  format.h, and the caller's: bytes of the hive; time, by steps.
 * Format   docs/formats/file-checkpoint.md         Tests  tests/unit/tree.c, tests/unit/tree_hostile.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/sha256.h"
#include "capture/below.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

enum {
	TRIES = 5,
	PAUSE_NS = 30 * 1000 * 1000,  /* Between them. */
	RECENT_NS = 20 * 1000 * 1000, /* More than a tick of any file system's clock. */
	XATTR_LIST_BYTES = 65536,     /* Bytes of the names together: the system's own limit. */
	SHOWN_MAX = 8192,
	CHANGED = -ESTALE, /* Begin again. */
};

struct take {
	const struct tree_steps *steps;
	struct error *error;
	struct tree_writer *writer; /* NULL: only look. */
	struct sha256 digest;
	uint32_t entries;
	struct timespec begun;
	bool recent; /* Something was changed just before. */
	const struct tree_sink *sink;
	char shown[SHOWN_MAX]; /* The path, for stories. */
	uint8_t part[TREE_PART_MAX];
	char list[XATTR_LIST_BYTES];
	uint8_t value[TREE_XATTR_VALUE_MAX];
};

static int fail(struct take *t, int r)
{
	return r == CHANGED || r == -ENOMEM ? r : below_fail(t->error, r, "cannot take a checkpoint", t->shown);
}

static int refuse(struct take *t, int code, const char *what)
{
	return error_set(t->error, code, "cannot take a checkpoint: %.300s %s", t->shown, what);
}

/* The length of what was there before, for path_pop(). */
static size_t path_push(struct take *t, const char *name)
{
	size_t len = strlen(t->shown);

	(void)snprintf(t->shown + len, sizeof(t->shown) - len, "/%s", name);
	return len;
}

/* An error of the writer: a limit, or the sink's. */
static int writing_failed(struct take *t, int r)
{
	if (r == -E2BIG || r == -EFBIG)
		return error_set(t->error, ERR_DISK_FULL,
		    "cannot take a checkpoint: %.300s makes it larger than %llu bytes, or than its format allows",
		    t->shown, (unsigned long long)t->sink->max);
	return fail(t, r);
}

static void digest_number(struct take *t, uint64_t n)
{
	uint8_t bytes[8];

	put_le64(bytes, n);
	sha256_update(&t->digest, bytes, sizeof(bytes));
}

static int64_t nanoseconds_between(struct timespec from, struct timespec to)
{
	return (int64_t)(to.tv_sec - from.tv_sec) * INT64_C(1000000000) + (to.tv_nsec - from.tv_nsec);
}

/* What changes when an entry does. */
static void digest_entry(struct take *t, const char *name, const struct stat *st)
{
	sha256_update(&t->digest, name, strlen(name) + 1);
	digest_number(t, st->st_mode);
	digest_number(t, st->st_ino);
	digest_number(t, st->st_nlink);
	digest_number(t, (uint64_t)st->st_size);
	digest_number(t, (uint64_t)st->st_mtim.tv_sec);
	digest_number(t, (uint64_t)st->st_mtim.tv_nsec);
	digest_number(t, (uint64_t)st->st_ctim.tv_sec);
	digest_number(t, (uint64_t)st->st_ctim.tv_nsec);
	/* A time that lies ahead says that the clock was set; it is not recent. */
	if (st->st_ctim.tv_sec <= t->begun.tv_sec + 1 && nanoseconds_between(st->st_ctim, t->begun) < RECENT_NS)
		t->recent = true;
}

/* What cannot be in a checkpoint is refused by name. */
static int check_kind(struct take *t, const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
	case S_IFLNK:
		return st->st_nlink > 1 ? refuse(t, ERR_NOT_SUPPORTED,
					      "has other names too (hard links), and they would not be kept together")
					: 0;
	case S_IFDIR:
		return 0;
	case S_IFSOCK:
		return refuse(t, ERR_NOT_SUPPORTED, "is a socket");
	case S_IFIFO:
		return refuse(t, ERR_NOT_SUPPORTED, "is a FIFO");
	default:
		return refuse(t, ERR_NOT_SUPPORTED, "is a device");
	}
}

static struct tree_time time_of(struct timespec t)
{
	return (struct tree_time){ t.tv_sec, (uint32_t)t.tv_nsec };
}

/* Open what has been looked at, to read it. */
static int open_again(int parent, const char *name, const struct stat *seen)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (S_ISDIR(seen->st_mode) ? O_DIRECTORY : 0);
	/* So that reading leaves no trace; only the owner and root may ask for that. */
	_cleanup_fd_ int fd = below_open(parent, name, flags | O_NOATIME);
	struct stat st;

	if (fd == -EPERM)
		fd = below_open(parent, name, flags);
	if (fd < 0)
		return fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR || fd == -ENXIO ? CHANGED : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_ino != seen->st_ino || st.st_dev != seen->st_dev || st.st_mode != seen->st_mode ? CHANGED
												     : TAKE_FD(fd);
}

static int take_part(struct take *t, int fd, uint64_t offset, size_t len)
{
	size_t done = 0;
	int r = t->steps->step(t->steps->data, "read");

	if (r < 0)
		return r;
	while (done < len) {
		ssize_t n = pread(fd, t->part + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(t, -errno);
		if (n == 0)
			return CHANGED; /* It is shorter than it was. */
		done += (size_t)n;
	}
	r = files_part(t->writer, offset, t->part, len);
	return r < 0 ? writing_failed(t, r) : 0;
}

static int take_data(struct take *t, int fd, uint64_t length)
{
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && at < length) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole;

		if (data < 0)
			return errno == ENXIO ? 0 : fail(t, -errno); /* Nothing but a hole is left. */
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return errno == ENXIO ? CHANGED : fail(t, -errno);
		for (at = (uint64_t)data; r == 0 && at < MIN((uint64_t)hole, length);) {
			size_t len = (size_t)MIN(MIN((uint64_t)hole, length) - at, (uint64_t)TREE_PART_MAX);

			r = take_part(t, fd, at, len);
			at += len;
		}
		at = (uint64_t)hole;
	}
	return r;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int take_xattr(struct take *t, int fd, const char *name)
{
	ssize_t n = fgetxattr(fd, name, t->value, sizeof(t->value));
	int r;

	if (n < 0)
		return errno == ENODATA ? CHANGED : fail(t, -errno);
	r = files_xattr(t->writer, name, t->value, (size_t)n);
	return r < 0 ? writing_failed(t, r) : 0;
}

static int take_xattrs(struct take *t, int fd)
{
	const char *names[TREE_XATTRS_MAX];
	size_t count = 0;
	ssize_t len = flistxattr(fd, t->list, sizeof(t->list));
	int r = 0;

	if (len < 0)
		return errno == ENOTSUP ? 0 : fail(t, -errno);
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(t->list + at) + 1) {
		if (count == ARRAY_SIZE(names))
			return refuse(t, ERR_NOT_SUPPORTED, "has too many extended attributes");
		names[count++] = t->list + at;
	}
	qsort(names, count, sizeof(names[0]), compare_texts);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = take_xattr(t, fd, names[i]);
	return r;
}

static int take_entry(struct take *t, int parent, const char *name, unsigned depth);

/* The entries of an open directory. */
static int take_entries(struct take *t, int fd, unsigned depth)
{
	_cleanup_(names_done) struct names names = { 0 };
	int r = names_read(fd, TREE_ENTRIES_MAX - t->entries, &names);

	if (r == -E2BIG)
		return error_set(t->error, ERR_DISK_FULL,
		    "cannot take a checkpoint: with %.300s it has more than %d entries", t->shown, TREE_ENTRIES_MAX);
	if (r < 0)
		return fail(t, r);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		size_t len;

		if (strncmp(names.all[i], BELOW_TEMPORARY, strlen(BELOW_TEMPORARY)) == 0)
			continue;
		if (depth == TREE_DEPTH_MAX)
			return refuse(t, ERR_DISK_FULL, "is too deep");
		len = path_push(t, names.all[i]);
		r = take_entry(t, fd, names.all[i], depth + 1);
		if (r == 0)
			t->shown[len] = 0;
	}
	return r;
}

/* To the writer: all but the entries below. */
static int write_entry(struct take *t, int look, int fd, const char *name, const struct stat *st)
{
	char target[TREE_TARGET_MAX + 1];
	struct tree_entry e = { .kind = S_ISREG(st->st_mode)   ? TREE_FILE
					: S_ISDIR(st->st_mode) ? TREE_DIRECTORY
							       : TREE_LINK,
		.name = name,
		.target = target,
		.mode = st->st_mode & TREE_MODE_BITS,
		.owner = st->st_uid,
		.group = st->st_gid,
		.accessed = time_of(st->st_atim),
		.modified = time_of(st->st_mtim),
		.length = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0 };
	int r;

	if (e.kind == TREE_LINK) {
		ssize_t n = readlinkat(look, "", target, sizeof(target));

		if (n <= 0 || n == sizeof(target))
			return n < 0 ? fail(t, -errno) : refuse(t, ERR_NOT_SUPPORTED, "is a link with no good target");
		target[n] = 0;
		e.accessed = e.modified; /* Reading a link cannot be kept from changing it. */
	}
	r = files_begin(t->writer, &e);
	if (r < 0)
		return writing_failed(t, r);
	if (e.kind == TREE_FILE)
		r = take_data(t, fd, e.length);
	return r < 0 || e.kind == TREE_LINK ? r : take_xattrs(t, fd);
}

static int take_entry(struct take *t, int parent, const char *name, unsigned depth)
{
	_cleanup_fd_ int look = -1, fd = -1;
	struct stat st;
	int r = t->steps->step(t->steps->data, "look");

	if (r < 0)
		return r;
	look = below_open(parent, name, O_PATH | O_NOFOLLOW);
	if (look == -ENOENT && depth > 0)
		return CHANGED;
	if (look < 0 || fstat(look, &st) < 0)
		return fail(t, look < 0 ? look : -errno);
	r = check_kind(t, &st);
	if (r < 0)
		return r;
	t->entries++;
	digest_entry(t, name, &st);
	if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && t->writer != NULL)) {
		r = t->steps->step(t->steps->data, "open");
		if (r == 0)
			r = fd = open_again(parent, name, &st);
		if (r < 0)
			return fail(t, r);
	}
	r = t->writer != NULL ? write_entry(t, look, fd, name, &st) : 0;
	if (r == 0 && S_ISDIR(st.st_mode))
		r = take_entries(t, fd, depth);
	digest_number(t, UINT64_MAX); /* The end of its entries. */
	if (r < 0 || t->writer == NULL)
		return r;
	r = files_end(t->writer);
	return r < 0 ? writing_failed(t, r) : 0;
}

static int sink_sync(void *data)
{
	return 0; /* Not a file that stays. */
}

/* One walk; with a writer, or without one only to look. */
static int walk(struct take *t, const struct tree_place *place, struct tree_writer *writer, struct digest *ret)
{
	int r;

	sha256_init(&t->digest);
	t->writer = writer;
	t->entries = 0;
	(void)snprintf(t->shown, sizeof(t->shown), "%s", place->shown);
	r = take_entry(t, place->parent, place->name, 0);
	sha256_final(&t->digest, ret);
	return r;
}

static int try_once(struct take *t, const struct tree_place *place, uint64_t *ret_size)
{
	struct hive_sink sink = { t->sink->write, sink_sync, t->sink->data };
	_cleanup_(files_writer_freep) struct tree_writer *writer = NULL;
	struct digest before, after;
	uint64_t size = 0;
	int r = files_writer_new(&sink, &writer);

	if (r < 0)
		return r;
	t->recent = false;
	(void)clock_gettime(CLOCK_REALTIME, &t->begun);
	r = t->sink->reset(t->sink->data);
	if (r < 0)
		return fail(t, r);
	r = walk(t, place, writer, &before);
	if (r == 0) {
		r = files_writer_finish(writer, &size);
		if (r < 0)
			return writing_failed(t, r);
	}
	if (r == 0)
		r = walk(t, place, NULL, &after);
	if (r == 0 && (t->recent || !digest_equal(&before, &after)))
		r = CHANGED;
	if (r == 0)
		*ret_size = size;
	return r;
}

int files_take_to(const struct tree_place *place, const struct tree_sink *sink, const struct tree_steps *steps,
    uint64_t *ret_size, struct error *error)
{
	_cleanup_free_ struct take *t = calloc(1, sizeof(*t));
	int r = CHANGED;

	if (t == NULL)
		return error_set_code(error, -ENOMEM, "cannot take a checkpoint");
	t->steps = steps;
	t->error = error;
	t->sink = sink;
	for (unsigned i = 0; r == CHANGED && i < TRIES; i++) {
		if (i > 0)
			(void)nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS << i }, NULL);
		r = try_once(t, place, ret_size);
	}
	explicit_bzero(t->part, sizeof(t->part)); /* It may have been a key. */
	explicit_bzero(t->value, sizeof(t->value));
	if (r == CHANGED)
		return error_set(error, ERR_SHARING_VIOLATION,
		    "cannot take a checkpoint: %.300s was changed each of the %d times that it was read", t->shown,
		    TRIES);
	return r == -ENOMEM ? error_set_code(error, r, "cannot take a checkpoint") : r;
}

/* A file. */

struct file_sink {
	int fd;
	uint64_t max;
};

static int file_reset(void *data)
{
	return ftruncate(((const struct file_sink *)data)->fd, 0) < 0 ? -errno : 0;
}

static int file_write(void *data, uint64_t offset, const void *bytes, size_t len)
{
	const struct file_sink *f = data;

	if (offset + len > f->max)
		return -EFBIG;
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(f->fd, (const uint8_t *)bytes + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int files_take(const struct tree_place *place, int out, uint64_t hive_max, const struct tree_steps *steps,
    uint64_t *ret_size, struct error *error)
{
	struct file_sink f = { out, hive_max };

	return files_take_to(
	    place, &(struct tree_sink){ file_reset, file_write, &f, hive_max }, steps, ret_size, error);
}
