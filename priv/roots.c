/* roots: where checkpoints of files may be taken and put back: [checkpoints] roots of rueda.conf.
 *
 * Why      a checkpoint reads and writes files with root's rights, and ruedad says which.  Should it be taken over, or an
 *          administrator of the cluster be none of the machine, this list is what bounds them; so priv reads it
 *          itself, from the file, and believes ruedad nothing about it.
 * How      the longest root that path is, or is below, counts.  The directory above a root is opened by its path; from there on each
 *          component is opened below the one before, without following links or entering mounts (capture/below.h).
 * Promise  nothing but a root, and what is below one, can be named.
 * Not kept whoever may be administrator of the cluster and has a root can make any file there, set-uid ones too: a root is
 *          trust.
 * Threads  all functions.      Limits  ROOTS_MAX roots.
 * Design   docs/design/privileges.md           Tests  tests/unit/priv_roots.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/roots.h"
#include "base/fd.h"
#include "capture/below.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The next root of the list, without spaces around; false at the end. */
static bool next_root(const char **p, const char **ret, size_t *ret_len)
{
	size_t len;

	if (**p == 0)
		return false;
	*p += strspn(*p, " \t");
	*ret = *p;
	len = strcspn(*p, ",");
	*p += len;
	if (**p == ',')
		(*p)++;
	while (len > 0 && strchr(" \t/", (*ret)[len - 1]) != NULL)
		len--;
	*ret_len = len;
	return true;
}

/* Absolute, with good components, one '/' between. */
static bool is_path(const char *path, size_t len)
{
	if (len < 2 || len > SOURCE_PATH_MAX || path[0] != '/')
		return false;
	for (size_t at = 1, n; at <= len; at += n + 1) {
		const char *end = memchr(path + at, '/', len - at);

		n = end != NULL ? (size_t)(end - (path + at)) : len - at;
		if (!source_component_is_valid(path + at, n))
			return false;
	}
	return true;
}

bool roots_are_valid(const char *roots)
{
	const char *root;
	size_t len, count = 0;

	if (strcmp(roots, "none") == 0)
		return true;
	while (next_root(&roots, &root, &len))
		if (!is_path(root, len) || ++count > ROOTS_MAX)
			return false;
	return count > 0;
}

size_t roots_find(const char *roots, const char *path)
{
	const char *root;
	size_t len, best = 0;

	if (strcmp(roots, "none") == 0 || !is_path(path, strlen(path)))
		return 0;
	while (next_root(&roots, &root, &len))
		if (len > best && strncmp(path, root, len) == 0 && (path[len] == 0 || path[len] == '/'))
			best = len;
	return best;
}

/* The directory above the root itself. */
static int open_above(const char *path, size_t root_len, struct error *error)
{
	char above[SOURCE_PATH_MAX + 1];
	int fd;

	(void)snprintf(above, sizeof(above), "%.*s", (int)root_len, path);
	strrchr(above, '/')[above[0] == '/' && strrchr(above, '/') == above ? 1 : 0] = 0;
	fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? below_fail(error, -errno, "cannot reach a checkpoint's source", above) : fd;
}

int roots_open_above(const char *roots, const char *path, int *ret_fd, const char **ret_rest, struct error *error)
{
	size_t root_len = roots_find(roots, path);
	const char *rest;
	int fd;

	if (!is_path(path, strlen(path)))
		return error_set(error, ERR_INVALID_PARAMETER, "%.300s is not the path of a file", path);
	if (root_len == 0)
		return error_set(error, ERR_ACCESS_DENIED,
		    "%.300s is not below a root that [checkpoints] of rueda.conf allows on this node", path);
	fd = open_above(path, root_len, error);
	if (fd < 0)
		return fd;
	for (rest = path + root_len; rest[-1] != '/'; rest--)
		;
	*ret_fd = fd;
	*ret_rest = rest;
	return 0;
}

int roots_open(const char *roots, const char *path, int *ret_fd, const char **ret_name, struct error *error)
{
	_cleanup_fd_ int at = -1;
	const char *name;
	int r = roots_open_above(roots, path, &at, &name, error);

	if (r < 0)
		return r;
	for (const char *end; (end = strchr(name, '/')) != NULL; name = end + 1) {
		char component[SOURCE_COMPONENT_MAX + 1], shown[SOURCE_PATH_MAX + 1];
		int next;

		(void)snprintf(component, sizeof(component), "%.*s", (int)(end - name), name);
		next = below_open(at, component, O_RDONLY | O_DIRECTORY);
		if (next < 0) {
			(void)snprintf(shown, sizeof(shown), "%.*s", (int)(end - path), path);
			return below_fail(error, next, "cannot reach a checkpoint's source", shown);
		}
		close_fd(&at);
		at = next;
	}
	*ret_fd = TAKE_FD(at);
	*ret_name = name;
	return 0;
}
