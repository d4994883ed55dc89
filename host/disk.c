/* disk: the type Physical Disk: a file system, mounted.
 *
 * How      mount(8) finds the device (a path, UUID=…, LABEL=…) and the kind of file system; unmounting is a system call,
 *          tried again for half of the pending time-out (at most 20 s) while somebody uses the file system, since the others
 *          may just be ending.  Who still uses it then is told.
 * Promise  something that is mounted there already is left alone: the resource does not come online.
 * Not kept nobody is kept from mounting the device elsewhere: there are no reservations.  It is not checked (fsck).
 * Threads  one.      Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "host/run.h"
#include "host/types.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

static const struct host_property properties[] = {
	{ "Device", HOST_FORMAT_TEXT, true, NULL, "path of a block device, `UUID=`… or `LABEL=`…" },
	{ "MountPoint", HOST_FORMAT_TEXT, true, NULL, "absolute path of the directory where it is mounted" },
	{ "FileSystem", HOST_FORMAT_TEXT, false, "auto", "kind of file system" },
	{ "Options", HOST_FORMAT_TEXT, false, "defaults", "options of mount(8)" },
};

enum { STEP_MS = 200, PATIENCE_MS = 20000 };

/* \040 and the like, in place. */
static void unescape(char *text)
{
	char *out = text;
	unsigned c;

	for (const char *in = text; *in != 0; in++) {
		if (*in == '\\' && sscanf(in + 1, "%3o", &c) == 1) {
			*out++ = (char)c;
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = 0;
}

/* How often something is mounted there.  -EIO and the like. */
static int count_mounts(const char *where)
{
	_cleanup_free_ char *line = NULL, *path = realpath(where, NULL);
	size_t size = 0;
	int count = 0;
	FILE *f;

	if (path == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	f = fopen("/proc/self/mountinfo", "re");
	if (f == NULL)
		return -errno;
	while (getline(&line, &size, f) >= 0) {
		char point[PATH_MAX];

		if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1)
			continue;
		unescape(point);
		count += strcmp(point, path) == 0;
	}
	(void)fclose(f);
	return count;
}

static int values(const struct resource *r, struct error *e)
{
	const char *where = resource_get(r, "MountPoint");

	return where == NULL || (where[0] == '/' && where[1] != 0)
		   ? 0
		   : error_set(e, ERR_INVALID_PARAMETER, "MountPoint is not an absolute path below /");
}

static int check(const struct resource *r, struct error *e)
{
	const char *where = resource_get(r, "MountPoint");
	int n = count_mounts(where);

	if (n < 0)
		return error_set_code(e, n, "cannot tell what is mounted");
	return n == 0 ? 0
		      : error_set(
			    e, ERR_ALREADY_EXISTS, "something is mounted on %.400s already; unmount it first", where);
}

static int online(struct resource *r, struct error *e)
{
	const char *argv[] = { "/bin/mount", "-t", resource_get(r, "FileSystem"), "-o", resource_get(r, "Options"),
		"--", resource_get(r, "Device"), resource_get(r, "MountPoint"), NULL };
	struct environment v;
	int status;

	environment_init(&v, r);
	status = run_program(argv, &v, e);
	environment_done(&v);
	return status <= 0 ? status : error_set(e, ERR_RESMON_ONLINE_FAILED, "mount: status %d", status);
}

static bool is_on(int directory, const char *name, dev_t device)
{
	struct stat st;

	return fstatat(directory, name, &st, 0) == 0 && st.st_dev == device;
}

/* A process that has its directory or a file there; 0: none is found. */
static int find_user(const char *where)
{
	const struct dirent *entry;
	struct stat st;
	DIR *all = stat(where, &st) == 0 ? opendir("/proc") : NULL;
	int found = 0;

	while (all != NULL && found == 0 && (entry = readdir(all)) != NULL) {
		char path[sizeof(entry->d_name) + 8];
		const struct dirent *file;
		_cleanup_fd_ int process = -1;
		int pid = (int)strtol(entry->d_name, NULL, 10);
		DIR *files;

		if (pid <= 0 || (process = openat(dirfd(all), entry->d_name, O_DIRECTORY | O_CLOEXEC)) < 0)
			continue;
		if (is_on(process, "cwd", st.st_dev) || is_on(process, "root", st.st_dev))
			found = pid;
		(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
		files = found == 0 ? opendir(path) : NULL;
		while (files != NULL && (file = readdir(files)) != NULL)
			if (file->d_name[0] != '.' && is_on(dirfd(files), file->d_name, st.st_dev))
				found = pid;
		if (files != NULL)
			(void)closedir(files);
	}
	if (all != NULL)
		(void)closedir(all);
	return found;
}

static int busy(const char *where, struct error *e)
{
	int pid = find_user(where);

	return pid > 0 ? error_set(e, ERR_BUSY, "%.400s cannot be unmounted: process %d uses it", where, pid)
		       : error_set(e, ERR_BUSY, "%.400s cannot be unmounted: it is in use", where);
}

static int offline(struct resource *r, struct error *e)
{
	const char *where = resource_get(r, "MountPoint");
	uint32_t patience = MIN(r->settings.pending_ms / 2, (uint32_t)PATIENCE_MS), waited = 0;
	int n;

	while ((n = count_mounts(where)) > 0) {
		if (umount2(where, 0) == 0)
			continue;
		if (errno != EBUSY)
			return error_set_code(e, -errno, "cannot unmount %.400s", where);
		if (waited >= patience)
			return busy(where, e);
		(void)nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
		waited += STEP_MS;
	}
	return n < 0 ? error_set_code(e, n, "cannot tell what is mounted") : 0;
}

static int probe(struct resource *r, bool thorough, struct error *e)
{
	const char *where = resource_get(r, "MountPoint");
	struct statvfs st;
	int n = count_mounts(where);

	if (n < 0)
		return error_set_code(e, n, "cannot tell what is mounted");
	if (n == 0) {
		(void)error_set(e, ERR_RESOURCE_NOT_ONLINE, "%.400s is not mounted any more", where);
		return 0;
	}
	return thorough && statvfs(where, &st) < 0 ? error_set_code(e, -errno, "%.400s does not answer", where) : 1;
}

const struct host_type host_disk = {
	.name = "Physical Disk",
	.properties = properties,
	.property_count = ARRAY_SIZE(properties),
	.values = values,
	.check = check,
	.online = online,
	.offline = offline,
	.probe = probe,
};
