/* put: a file, directory or link becomes again what a hive holds, all or nothing.
 *
 *	1  the hive is read once without doing anything: whatever is wrong with it is known
 *	2  what an earlier attempt left beside the place is removed
 *	3  the tree is built beside the place under a temporary name, each file and directory synced when it is complete
 *	4  the two names are exchanged in one step (or the temporary one renamed, if there was nothing), and the directory
 *	   is synced: the commit
 *	5  what was there before, which now has the temporary name, is removed
 *
 * Why      an application's state must be the one or the other: half of each is what it cannot survive.
 * How      an interruption before 4 leaves the old, from 4 on the new; after a power loss in 4, either.  What is left beside
 *          the place is hidden by its name's beginning: it is no part of a later checkpoint, and the next
 *          putting back removes it.  Until an entry is complete nobody else may enter it (0700, 0600).
 *          Owner first, then attributes, then mode: giving away takes set-uid bits and file capabilities.
 * Rights   without root, owners cannot be set: such an entry keeps the owner that it got, loses set-uid and set-gid, and is
 *          told.  So are attributes that the system refuses.
 * Promise  what is told in tree.h.
 * Not kept on file systems without RENAME_EXCHANGE directories cannot be replaced (ERR_NOT_SUPPORTED); files and links are.
 *          Open descriptors go on showing what was there before.  One putting back of a place at a time: the caller's business.
 * Threads  all functions.      Limits  format.h.
 * Design   docs/design/checkpoint-sources.md        Tests  tests/unit/tree.c, tree_hostile.c, tests/crash/keyfile.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/sha256.h"
#include "capture/below.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { TEMPORARY_SIZE = sizeof(BELOW_TEMPORARY) + 32 };

/* An entry that is being made. */
struct made {
	enum tree_kind kind;
	int fd; /* Of a file or directory; owned. */
	uint32_t mode, owner, group;
	struct tree_time accessed, modified;
	uint64_t length;
	struct buf xattrs;                   /* Each: name, 0, u32 length, value. */
	char name[SOURCE_COMPONENT_MAX + 1]; /* In the directory above. */
};

struct put {
	const struct tree_place *place;
	const struct tree_steps *steps;
	struct error *error;
	struct error told; /* What is not as it was: the first of them. */
	unsigned told_count;
	bool exchanged; /* The temporary name is that of what was there before. */
	char temporary[TEMPORARY_SIZE];
	size_t depth;
	struct made stack[TREE_DEPTH_MAX + 1];
};

static int go_on(void *data, const char *what)
{
	return 0;
}

/* Clearing up is done even if nobody waits any more. */
static const struct tree_steps no_steps = { go_on, NULL };

static int fail(struct put *p, int r, const char *doing)
{
	char what[100];

	(void)snprintf(what, sizeof(what), "cannot put back a checkpoint: %s", doing);
	return below_fail(p->error, r, what, p->place->shown);
}

/* The stories of steps are those of who steps. */
static int step(struct put *p, const char *what)
{
	return p->steps->step(p->steps->data, what);
}

static struct made *top(struct put *p)
{
	return &p->stack[p->depth - 1];
}

/* The directory that the entry on top lies in. */
static int above(const struct put *p)
{
	return p->depth > 1 ? p->stack[p->depth - 2].fd : p->place->parent;
}

/* Something could not be as it was, and that is not the end of it. */
static void tell(struct put *p, int r, const char *what, const char *detail)
{
	const struct made *m = top(p);

	if (p->told_count++ == 0)
		(void)error_set_code(&p->told, r, "%s%.60s of %.200s%s%.100s cannot be set", what, detail,
		    p->place->shown, p->depth > 1 ? " … " : "", p->depth > 1 ? m->name : "");
}

static int make_entry(struct put *p, const struct tree_entry *e)
{
	struct made *m = top(p);

	switch (e->kind) {
	case TREE_LINK:
		return symlinkat(e->target, above(p), m->name) < 0 ? -errno : 0;
	case TREE_DIRECTORY:
		if (mkdirat(above(p), m->name, 0700) < 0)
			return -errno;
		m->fd = below_open(above(p), m->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
		return MIN(m->fd, 0);
	default:
		m->fd = openat(above(p), m->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		return m->fd < 0 ? -errno : 0;
	}
}

static int on_begin(void *data, const struct tree_entry *e)
{
	struct put *p = data;
	bool is_first = p->depth == 0;
	struct made *m = &p->stack[p->depth++];
	int r;

	*m = (struct made){ .kind = e->kind,
		.fd = -1,
		.mode = e->mode,
		.owner = e->owner,
		.group = e->group,
		.accessed = e->accessed,
		.modified = e->modified,
		.length = e->length };
	(void)snprintf(m->name, sizeof(m->name), "%s", is_first ? p->temporary : e->name);
	r = step(p, "make");
	if (r < 0)
		return r;
	r = make_entry(p, e);
	return r < 0 ? fail(p, r, "making") : 0;
}

static int on_part(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct put *p = data;
	int r = step(p, "write");

	for (size_t done = 0; r == 0 && done < len;) {
		ssize_t n = pwrite(top(p)->fd, (const uint8_t *)bytes + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno != EINTR)
			return fail(p, -errno, "writing");
		done += n > 0 ? (size_t)n : 0;
	}
	return r;
}

/* The owner, where it is not so already; false: it stays another. */
static bool give_away(struct put *p, struct made *m)
{
	struct stat st;
	int r = m->kind == TREE_LINK ? fstatat(above(p), m->name, &st, AT_SYMLINK_NOFOLLOW) : fstat(m->fd, &st);

	if (r == 0 && st.st_uid == m->owner && st.st_gid == m->group)
		return true;
	r = m->kind == TREE_LINK ? fchownat(above(p), m->name, m->owner, m->group, AT_SYMLINK_NOFOLLOW)
				 : fchown(m->fd, m->owner, m->group);
	if (r == 0)
		return true;
	tell(p, -errno, "the owner", "");
	/* The group alone may be possible. */
	if (m->kind != TREE_LINK)
		(void)!fchown(m->fd, (uid_t)-1, m->group);
	return false;
}

/* Kept until the entry is complete: what lies in a directory would inherit its access control list. */
static int on_xattr(void *data, const char *name, const void *value, size_t len)
{
	struct put *p = data;
	struct buf *b = &top(p)->xattrs;

	buf_append(b, name, strlen(name) + 1);
	buf_u32(b, (uint32_t)len);
	buf_append(b, value, len);
	return b->error;
}

static int set_xattrs(struct put *p, struct made *m)
{
	struct cursor c = cursor_make(m->xattrs.data, m->xattrs.len);

	/* The directory above may have given it these; most file systems have neither. */
	(void)fremovexattr(m->fd, "system.posix_acl_access");
	(void)fremovexattr(m->fd, "system.posix_acl_default");
	while (cursor_left(&c) > 0) {
		const char *name = (const char *)m->xattrs.data + c.pos;
		uint32_t len;
		const uint8_t *value;

		(void)cursor_bytes(&c, strlen(name) + 1);
		len = cursor_u32(&c);
		value = cursor_bytes(&c, len);
		assert(c.error == 0);
		if (fsetxattr(m->fd, name, value, len, 0) == 0)
			continue;
		if (errno != EPERM && errno != EACCES && errno != ENOTSUP && errno != EINVAL)
			return -errno;
		tell(p, -errno, "the attribute ", name);
	}
	return 0;
}

static int set_times(struct put *p, const struct made *m)
{
	struct timespec times[2] = { { m->accessed.seconds, m->accessed.nanoseconds },
		{ m->modified.seconds, m->modified.nanoseconds } };
	int r =
	    m->kind == TREE_LINK ? utimensat(above(p), m->name, times, AT_SYMLINK_NOFOLLOW) : futimens(m->fd, times);

	return r < 0 ? -errno : 0;
}

/* What remains once data, attributes and entries are there; durable afterwards, but for its name. */
static int complete(struct put *p, struct made *m)
{
	bool is_owned;
	int r;

	if (m->kind == TREE_FILE && ftruncate(m->fd, (off_t)m->length) < 0)
		return -errno;
	is_owned = give_away(p, m);
	if (m->kind == TREE_LINK)
		return set_times(p, m);
	r = set_xattrs(p, m);
	/* Nobody gets a program that runs as somebody else than it did. */
	if (r == 0 && fchmod(m->fd, is_owned ? m->mode : m->mode & ~(uint32_t)(S_ISUID | S_ISGID)) < 0)
		r = -errno;
	if (r == 0)
		r = set_times(p, m);
	if (r == 0)
		r = step(p, "sync");
	return r == 0 && fsync(m->fd) < 0 ? -errno : r;
}

static int on_end(void *data)
{
	struct put *p = data;
	struct made *m = top(p);
	int r = step(p, "complete");

	if (r == 0) {
		r = complete(p, m);
		if (r < 0 && r > -ERR_BASE)
			r = fail(p, r, "completing");
	}
	if (r < 0)
		return r;
	close_fd(&m->fd);
	buf_done(&m->xattrs);
	p->depth--;
	return 0;
}

static int build(struct put *p, const void *hive, size_t len)
{
	struct tree_visitor visitor = { on_begin, on_part, on_xattr, on_end, p };
	int r = files_read(hive, len, &visitor, NULL);

	while (p->depth > 0) {
		close_fd(&top(p)->fd);
		buf_done(&top(p)->xattrs);
		p->depth--;
	}
	return r < 0 && p->error->code == 0 && r > -ERR_BASE
		   ? error_set_code(p->error, r, "cannot put back a checkpoint")
		   : r;
}

static int rename_with(struct put *p, unsigned flags)
{
	const struct tree_place *at = p->place;

	return syscall(SYS_renameat2, at->parent, p->temporary, at->parent, at->name, flags) < 0 ? -errno : 0;
}

/* The commit.  *ret_replaced: what was there has the temporary name now. */
static int exchange(struct put *p, bool is_directory, bool *ret_replaced)
{
	struct stat st;
	int r = step(p, "exchange");

	if (r < 0)
		return r;
	r = rename_with(p, RENAME_EXCHANGE);
	if (r == 0) {
		*ret_replaced = true;
		return 0;
	}
	*ret_replaced = false;
	if (r == -ENOENT)
		return rename_with(p, RENAME_NOREPLACE);
	if (r != -EINVAL && r != -ENOSYS && r != -EXDEV)
		return r;
	/* No such exchange on this file system.  A plain rename does it unless a directory is involved. */
	if (fstatat(p->place->parent, p->place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? rename_with(p, 0) : -errno;
	if (is_directory || S_ISDIR(st.st_mode))
		return error_set(p->error, ERR_NOT_SUPPORTED,
		    "cannot put back a checkpoint: the file system of %.300s cannot exchange directories",
		    p->place->shown);
	return rename_with(p, 0);
}

static int get_kind(void *data, const struct tree_entry *e)
{
	if (e->name[0] == 0)
		*(bool *)data = e->kind == TREE_DIRECTORY;
	return 0;
}

static int replace(struct put *p, bool is_directory)
{
	bool replaced = false;
	int r = exchange(p, is_directory, &replaced);

	if (r < 0)
		return r > -ERR_BASE ? fail(p, r, "putting it in its place") : r;
	p->exchanged = true;
	(void)step(p, "sync the directory"); /* Too late to give up. */
	if (fsync(p->place->parent) < 0 && errno != EINVAL)
		return fail(p, -errno, "syncing the directory of");
	/* It is done.  What is left over is removed the next time, at the latest. */
	if (replaced)
		(void)below_remove(p->place->parent, p->temporary, &no_steps);
	return 0;
}

int files_put(const struct tree_place *place, const void *hive, size_t len, const struct tree_steps *steps,
    struct error *told, struct error *error)
{
	bool is_directory = false;
	struct tree_visitor look = { .begin = get_kind, .data = &is_directory };
	_cleanup_free_ struct put *p = calloc(1, sizeof(*p));
	struct digest id = sha256_of(place->name, strlen(place->name));
	struct error story = { 0 };
	int r;

	if (p == NULL)
		return error_set_code(error, -ENOMEM, "cannot put back a checkpoint");
	p->place = place;
	p->steps = steps;
	p->error = &story;
	(void)snprintf(p->temporary, sizeof(p->temporary), BELOW_TEMPORARY "%02x%02x%02x%02x%02x%02x%02x%02x",
	    id.bytes[0], id.bytes[1], id.bytes[2], id.bytes[3], id.bytes[4], id.bytes[5], id.bytes[6], id.bytes[7]);
	r = files_read(hive, len, &look, error);
	if (r < 0)
		return r;
	r = below_remove(place->parent, p->temporary, steps);
	if (r < 0 && r > -ERR_BASE)
		r = fail(p, r, "removing what an earlier attempt left beside");
	if (r == 0)
		r = build(p, hive, len);
	if (r == 0)
		r = replace(p, is_directory);
	/* What was there before must not go as long as it could come back after a power loss. */
	if (r < 0 && !p->exchanged)
		(void)below_remove(place->parent, p->temporary, &no_steps);
	if (r < 0) {
		if (error != NULL && story.code != 0)
			*error = story;
		return r;
	}
	if (told != NULL) {
		*told = p->told;
		if (p->told_count > 1)
			(void)error_set(told, p->told.code, "%s; and %u more", p->told.text, p->told_count - 1);
	}
	return 0;
}
