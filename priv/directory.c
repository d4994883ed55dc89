/* directory: from an absolute path to an open directory, one component at a time.
 *
 * Why      the kernel takes paths of 4,095 bytes, Windows 32,767 units; and "no such file or directory" does not say
 *          which of ten directories is missing.
 * How      every component is opened below the one before with O_PATH | O_DIRECTORY: this follows links (the drives are
 *          links), and gives ENOTDIR for a file, FIFO or device without opening it, so it cannot block on one.  "Magic"
 *          links of /proc are not followed: they lead to where this process is, not to where the caller meant.
 *          A missing last component is made with mode 0700 and synced together with its parent before anyone hears of it,
 *          unless it has the name of a file of a set: then a file was named, and not its directory.
 * Promise  permission is that of the calling process and nothing else is asked.
 * Not kept a path that changes while it is walked: what was opened is what is used.
 * Threads  all functions.      Limits  PATH_COMPONENT bytes a component.      Tests  tests/unit/priv_directory.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/directory.h"
#include "base/fd.h"
#include "priv/names.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { PATH_COMPONENT = 255 };

struct walk {
	const char *path;
	int at; /* Borrowed: what has been reached. */
	struct error *e;
};

static int open_below(int at, const char *name, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS };
	long fd;

	if ((flags & O_PATH) != 0)
		how.flags &= ~(uint64_t)O_NONBLOCK; /* Which O_PATH does not allow. */
	do {
		fd = syscall(SYS_openat2, at, name, &how, sizeof(how));
	} while (fd < 0 && errno == EINTR);
	if (fd < 0 &&
	    errno == ENOSYS) /* Before 5.6, and under valgrind: then magic links are followed like any other. */
		fd = openat(at, name, (int)how.flags);
	return fd < 0 ? -errno : (int)fd;
}

/* Say which part of the path failed, and why, with the Windows code of the rule that it broke. */
static int fail(const struct walk *w, size_t len, int r)
{
	int shown = (int)MIN(len, (size_t)300);

	switch (r) {
	case -ENOENT:
		return error_set(w->e, ERR_PATH_NOT_FOUND, "%.*s does not exist", shown, w->path);
	case -ENOTDIR:
		return error_set(w->e, ERR_DIRECTORY, "%.*s is not a directory", shown, w->path);
	case -EACCES:
	case -EPERM:
		return error_set(
		    w->e, ERR_ACCESS_DENIED, "uid %u has no permission for %.*s", geteuid(), shown, w->path);
	case -ELOOP:
		return error_set(w->e, ERR_CANT_RESOLVE_FILENAME,
		    "%.*s is a link that leads in a circle or into a process", shown, w->path);
	case -EROFS:
		return error_set(w->e, ERR_WRITE_PROTECT, "%.*s is on a read-only file system", shown, w->path);
	case -ENAMETOOLONG:
		return error_set(w->e, ERR_FILENAME_EXCED_RANGE, "a name in %.*s is too long", shown, w->path);
	default:
		return error_set_code(w->e, r, "%.*s", shown, w->path);
	}
}

/* Sync one directory; some file systems have no such call, and then there is nothing to wait for. */
static int sync_directory(int fd)
{
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

/* Make the new directory fd and its entry in the parent durable. */
static int sync_new(int parent, int fd)
{
	_cleanup_fd_ int readable = open_below(parent, ".", O_RDONLY);
	int r = sync_directory(fd);

	if (r < 0)
		return r;
	if (readable >= 0)
		return sync_directory(readable);
	/* A parent that may be written to but not read cannot be synced alone. */
	return syncfs(fd) < 0 ? -errno : 0;
}

static int open_last(struct walk *w, const char *name, unsigned flags, struct directory *ret)
{
	_cleanup_fd_ int fd = open_below(w->at, name, O_RDONLY);
	size_t len = strlen(w->path);
	bool created = false;
	struct stat st;

	if (fd == -ENOENT && (flags & DIRECTORY_CREATE) != 0) {
		/* The path of a file in a set was given; a directory of that name would be in the way of the next set. */
		if (set_name_is_file(name))
			return error_set(w->e, ERR_DIRECTORY, "%.300s has the name of a file of a set", w->path);
		if (mkdirat(w->at, name, 0700) == 0)
			created = true;
		else if (errno != EEXIST) /* Somebody else made it, or it is a link to nothing: open tells. */
			return fail(w, len, -errno);
		fd = open_below(w->at, name, O_RDONLY);
		if (fd == -ENOENT)
			return error_set(
			    w->e, ERR_PATH_NOT_FOUND, "%.300s is a link to a directory that does not exist", w->path);
	}
	if (fd < 0)
		return fail(w, len, fd);
	if (created) {
		int r = sync_new(w->at, fd);

		if (r < 0)
			return error_set_code(w->e, r, "%.300s has been made but cannot be synced", w->path);
	}
	if (faccessat(fd, ".", (flags & DIRECTORY_WRITE) != 0 ? R_OK | W_OK | X_OK : R_OK | X_OK, 0) < 0 ||
	    fstat(fd, &st) < 0)
		return fail(w, len, -errno);
	*ret = (struct directory){ TAKE_FD(fd), created, st.st_uid, st.st_mode & 07777, st.st_dev };
	return 0;
}

/* Copy the component at *p into name and advance *p past it and the slashes behind it. */
static int next_component(const char **p, char name[PATH_COMPONENT + 1])
{
	size_t len = strcspn(*p, "/");

	if (len > PATH_COMPONENT)
		return -ENAMETOOLONG;
	memcpy(name, *p, len);
	name[len] = 0;
	*p += len;
	*p += strspn(*p, "/");
	return 0;
}

int directory_open(const char *path, unsigned flags, struct directory *ret, struct error *e)
{
	_cleanup_fd_ int at = -1;
	struct walk w = { .path = path, .at = -1, .e = e };
	const char *p = path + strspn(path, "/");
	int r;

	if (path[0] != '/')
		return error_set(e, ERR_BAD_PATHNAME, "%.300s is not absolute", path);
	w.at = at = open_below(AT_FDCWD, "/", O_PATH);
	if (at < 0)
		return fail(&w, 1, at);
	if (*p == 0)
		return open_last(&w, ".", flags, ret);
	for (;;) {
		char name[PATH_COMPONENT + 1];
		int next;

		r = next_component(&p, name);
		if (r < 0)
			return fail(&w, strlen(path), r);
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return error_set(e, ERR_BAD_PATHNAME, "%.300s has '%s' in it", path, name);
		if (*p == 0)
			return open_last(&w, name, flags, ret);
		next = open_below(at, name, O_PATH);
		if (next < 0)
			return fail(&w, (size_t)(p - path) - 1, next);
		close_fd(&at);
		w.at = at = next;
	}
}
