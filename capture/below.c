/* below: names in a directory, one at a time, that lead nowhere else.
 *
 * Why      what is read and written here is read and written with root's rights, in directories that others may change
 *          meanwhile: a link, a mount or a "/" in a name must not lead anywhere but below.
 * How      openat2() with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV for one component; where the kernel has no
 *          openat2(), O_NOFOLLOW and a look at the device do nearly the same (a directory that is mounted a second time
 *          is not noticed).
 * Threads  all functions.      Limits  TREE_DEPTH_MAX twice for what is removed.
 * Tests    tests/unit/tree.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "capture/below.h"
#include "base/fd.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { REMOVE_DEPTH_MAX = 2 * TREE_DEPTH_MAX };

static int open_plainly(int parent, const char *name, int flags)
{
	_cleanup_fd_ int fd = openat(parent, name, flags | O_NOFOLLOW);
	struct stat here, there;

	if (fd < 0 || fstat(parent, &here) < 0 || fstat(fd, &there) < 0)
		return -errno;
	return here.st_dev != there.st_dev ? -EXDEV : TAKE_FD(fd);
}

int below_open(int parent, const char *name, int flags)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };
	long fd;

	assert(source_component_is_valid(name, strlen(name)));
	do {
		fd = syscall(SYS_openat2, parent, name, &how, sizeof(how));
	} while (fd < 0 && errno == EINTR);
	if (fd < 0 && errno == ENOSYS)
		return open_plainly(parent, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

int below_fail(struct error *error, int r, const char *doing, const char *path)
{
	switch (r) {
	case -ENOENT:
		return error_set(error, ERR_FILE_NOT_FOUND, "%s: %.300s does not exist", doing, path);
	case -EACCES:
	case -EPERM:
		return error_set(error, ERR_ACCESS_DENIED, "%s: no permission for %.300s", doing, path);
	case -ELOOP:
		return error_set(
		    error, ERR_CANT_RESOLVE_FILENAME, "%s: %.300s is a link, which is not followed", doing, path);
	case -ENOTDIR:
		return error_set(error, ERR_DIRECTORY, "%s: %.300s is not a directory", doing, path);
	case -EXDEV:
	case -EBUSY:
		return error_set(error, ERR_NOT_SUPPORTED,
		    "%s: something is mounted on %.300s, and a checkpoint is of one file system", doing, path);
	case -EROFS:
		return error_set(error, ERR_WRITE_PROTECT, "%s: %.300s is on a read-only file system", doing, path);
	case -ENOSPC:
	case -EDQUOT:
		return error_set(error, ERR_DISK_FULL, "%s: no space for %.300s", doing, path);
	default:
		return error_set_code(error, r, "%s: %.300s", doing, path);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct names *n, size_t *capacity, const char *name)
{
	if (n->count == *capacity) {
		size_t more = MAX(2 * *capacity, (size_t)16);
		char **all = realloc(n->all, more * sizeof(*all));

		if (all == NULL)
			return -ENOMEM;
		n->all = all;
		*capacity = more;
	}
	n->all[n->count] = strdup(name);
	if (n->all[n->count] == NULL)
		return -ENOMEM;
	n->count++;
	return 0;
}

int names_read(int directory, size_t max, struct names *ret)
{
	/* Not opened again: that would leave a trace in its access time. */
	_cleanup_fd_ int fd = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	_cleanup_(names_done) struct names n = { 0 };
	size_t capacity = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int r = d == NULL ? -errno : 0;

	if (r < 0)
		return r;
	(void)TAKE_FD(fd);
	rewinddir(d); /* The position is shared. */
	while (r == 0) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(d);
		if (entry == NULL) {
			r = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = n.count == max ? -E2BIG : add_name(&n, &capacity, entry->d_name);
	}
	(void)closedir(d);
	if (r < 0)
		return r;
	if (n.count > 1)
		qsort(n.all, n.count, sizeof(*n.all), compare_names);
	*ret = n;
	n = (struct names){ 0 };
	return 0;
}

void names_done(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->all[i]);
	free(n->all);
	*n = (struct names){ 0 };
}

/* depth: how much deeper it may go. */
static int remove_below(int parent, const char *name, unsigned depth, const struct tree_steps *steps)
{
	_cleanup_(names_done) struct names names = { 0 };
	_cleanup_fd_ int fd = -1;
	int r = steps->step(steps->data, "remove");

	if (r < 0)
		return r;
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = below_open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (depth == 0)
		return -E2BIG;
	r = names_read(fd, SIZE_MAX, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = remove_below(fd, names.all[i], depth - 1, steps);
	if (r < 0)
		return r;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int below_remove(int parent, const char *name, const struct tree_steps *steps)
{
	return remove_below(parent, name, REMOVE_DEPTH_MAX, steps);
}
