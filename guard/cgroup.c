/* cgroup: a control group (version 2) for each resource, where they can be made.
 *
 * Why      the kernel then ends all of a resource's processes in one step, whatever they have done to get away, and shows
 *          what a resource uses.
 * How      below the group that the guard itself is in, which systemd delegates (Delegate=yes in the unit); no controllers
 *          are turned on.  Elsewhere there are none, and the tree of processes has to do (host/children.h).
 * Threads  one.      Format  cgroups(7): cgroup.procs, cgroup.kill, cgroup.events
 * Tests    tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/cgroup.h"
#include "base/fd.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Where the kernel shows the hierarchy. */
static bool find_mount(char ret[PATH_MAX])
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *f = fopen("/proc/self/mountinfo", "re");

	while (f != NULL && !found && getline(&line, &size, f) >= 0)
		found = strstr(line, " - cgroup2 ") != NULL && sscanf(line, "%*s %*s %*s %*s %4095s", ret) == 1;
	if (f != NULL)
		(void)fclose(f);
	return found;
}

static bool find_own(char ret[PATH_MAX])
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *f = fopen("/proc/self/cgroup", "re");

	while (f != NULL && !found && getline(&line, &size, f) >= 0)
		found = sscanf(line, "0::%4095[^\n]", ret) == 1;
	if (f != NULL)
		(void)fclose(f);
	return found;
}

int cgroup_open(int *ret_base)
{
	char mount[PATH_MAX], own[PATH_MAX], path[2 * PATH_MAX], name[32];
	_cleanup_fd_ int fd = -1;

	if (!find_mount(mount) || !find_own(own))
		return -ENOTSUP;
	(void)snprintf(path, sizeof(path), "%s%s", mount, own);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -ENOTSUP;
	/* Only trying tells. */
	(void)snprintf(name, sizeof(name), "rueda-try-%d", getpid());
	if (mkdirat(fd, name, 0755) < 0)
		return -ENOTSUP;
	(void)snprintf(path, sizeof(path), "%s/cgroup.kill", name);
	if (faccessat(fd, path, W_OK, 0) < 0) {
		(void)unlinkat(fd, name, AT_REMOVEDIR);
		return -ENOTSUP; /* Linux before 5.14. */
	}
	(void)unlinkat(fd, name, AT_REMOVEDIR);
	*ret_base = TAKE_FD(fd);
	return 0;
}

static int open_file(int base, const char *name, const char *file, int flags)
{
	char path[CGROUP_NAME_MAX + 32];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", name, file);
	fd = openat(base, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_to(int base, const char *name, const char *file, const char *text)
{
	_cleanup_fd_ int fd = open_file(base, name, file, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_make(int base, const char *name)
{
	return mkdirat(base, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int cgroup_enter(int base, const char *name)
{
	return write_to(base, name, "cgroup.procs", "0");
}

int cgroup_kill(int base, const char *name)
{
	return write_to(base, name, "cgroup.kill", "1");
}

int cgroup_remove_if_empty(int base, const char *name)
{
	_cleanup_fd_ int fd = open_file(base, name, "cgroup.events", O_RDONLY);
	char text[256] = "";

	if (fd < 0)
		return fd;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return errno == ENODEV ? 0 : -errno; /* It was removed meanwhile. */
	if (strstr(text, "populated 0") == NULL)
		return 1;
	if (unlinkat(base, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == EBUSY ? 1 : -errno;
}

int cgroup_find(int base, const char *prefix, char ret[CGROUP_NAME_MAX])
{
	int fd = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -ENOENT;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (d == NULL)
		return -errno;
	while (r < 0 && (entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && strlen(entry->d_name) < CGROUP_NAME_MAX) {
			memcpy(ret, entry->d_name, strlen(entry->d_name) + 1);
			r = 0;
		}
	(void)closedir(d);
	return r;
}
