/* watch_look: mark all directories of which a source's changes are told.
 *
 *	/srv/app/conf/main.conf, root /srv/app      marked: /srv for "app", /srv/app for "conf", /srv/app/conf for "main.conf"
 *	the same, and main.conf is a directory      and that with all directories in it, for every name
 *
 * Why      the kernel tells of changes in one directory at a time.  A file that is replaced is another file: what does not
 *          change is its name in its directory; and a directory above can be renamed as well.
 * How      from the directory that the root lies in, each name is marked before it is opened, and each directory before it is
 *          read, so that whatever comes later is told, and looked at again.  Names are opened as everything below a
 *          root is (capture/below.h): no link is followed, no mount entered.
 * Not kept above the directory that the root lies in nothing is watched.
 * Threads  one.      Limits  TREE_ENTRIES_MAX names, TREE_DEPTH_MAX levels: no more can be in a checkpoint.
 * Design   docs/design/checkpoint-sources.md       Tests  tests/unit/priv_watch.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/watch_look.h"
#include "base/fd.h"
#include "capture/below.h"
#include "priv/roots.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

/* A change through a shared mapping is told when the file is closed, which is after the last mapping of it is gone. */
static const uint32_t told = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
			     IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

struct state {
	const struct look *look;
	const char *path;
	uint32_t entries;
	struct error *error;
};

static int fail(struct state *s, int r)
{
	if (r == -ENOSPC)
		return error_set(s->error, ERR_DISK_FULL,
		    "cannot watch %.300s: the system watches no more directories (sysctl fs.inotify.max_user_watches)",
		    s->path);
	if (r == -E2BIG)
		return error_set(s->error, ERR_DISK_FULL, "cannot watch %.300s: more than %d directories are watched",
		    s->path, MARKS_MAX);
	return below_fail(s->error, r, "cannot watch files", s->path);
}

static int mark(struct state *s, int directory, const char *name, bool is_source)
{
	const struct look *l = s->look;
	char link[40];
	int wd, r;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	wd = inotify_add_watch(l->marks->inotify, link, told);
	if (wd < 0)
		return fail(s, -errno);
	r = marks_add(l->marks, l->of, l->owner, l->generation, wd, name, is_source);
	if (r < 0 && marks_first(l->marks, wd) == NULL)
		(void)inotify_rm_watch(l->marks->inotify, wd);
	return r < 0 ? fail(s, r) : 0;
}

/* A directory below one that is open; 0: what has this name is none that could be in a checkpoint, or nothing has it. */
static int open_directory(struct state *s, int parent, const char *name, int *ret_fd)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;
	/* So that looking leaves no trace; only the owner and root may ask for that. */
	int fd = below_open(parent, name, flags | O_NOATIME);

	if (fd == -EPERM)
		fd = below_open(parent, name, flags);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -EXDEV)
		return 0;
	if (fd < 0)
		return fail(s, fd);
	*ret_fd = fd;
	return 1;
}

static int mark_tree(struct state *s, int directory, unsigned depth);

static int look_at_entry(struct state *s, int directory, const struct dirent *entry, unsigned depth)
{
	_cleanup_fd_ int below = -1;
	int r;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
	    strncmp(entry->d_name, BELOW_TEMPORARY, strlen(BELOW_TEMPORARY)) == 0)
		return 0;
	if (++s->entries > TREE_ENTRIES_MAX)
		return error_set(s->error, ERR_DISK_FULL, "cannot watch %.300s: it has more than %d entries", s->path,
		    TREE_ENTRIES_MAX);
	if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
		return 0;
	r = open_directory(s, directory, entry->d_name, &below);
	if (r <= 0)
		return r;
	if (depth == TREE_DEPTH_MAX)
		return error_set(s->error, ERR_DISK_FULL, "cannot watch %.300s: it is too deep", s->path);
	return mark_tree(s, below, depth + 1);
}

static int mark_tree(struct state *s, int directory, unsigned depth)
{
	_cleanup_fd_ int fd = -1;
	DIR *d;
	int r = mark(s, directory, NULL, true);

	if (r < 0)
		return r;
	fd = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d == NULL)
		return fail(s, -errno);
	(void)TAKE_FD(fd);
	while (r == 0) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(d);
		if (entry == NULL && errno != 0 && errno != ENOENT) /* That: it was removed meanwhile. */
			r = fail(s, -errno);
		if (entry == NULL)
			break;
		r = look_at_entry(s, directory, entry, depth);
	}
	(void)closedir(d);
	return r;
}

int watch_look(const struct look *l, const char *path, struct error *error)
{
	struct state s = { .look = l, .path = path, .error = error };
	_cleanup_fd_ int at = -1;
	const char *name;
	int r = roots_open_above(l->roots, path, &at, &name, error);

	while (r == 0) {
		char component[SOURCE_COMPONENT_MAX + 1];
		size_t len = strcspn(name, "/");
		bool is_last = name[len] == 0;
		int next = -1;

		(void)snprintf(component, sizeof(component), "%.*s", (int)len, name);
		r = mark(&s, at, component, is_last);
		if (r == 0)
			r = open_directory(&s, at, component, &next);
		if (r <= 0)
			break;
		close_fd(&at);
		at = next;
		if (is_last)
			return mark_tree(&s, at, 0);
		name += len + 1;
		r = 0;
	}
	return r;
}
