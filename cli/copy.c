/* copy: a backup set to another directory.
 *
 * Why      a set that lies on one disk only is no backup; and a copy that was never read back is a hope.
 * How      the files that the manifest names, then quolog.log, each synced; the directories; last the marker, so that a copy
 *          that was interrupted counts as incomplete.  Then the copy is read with the code that restore uses, every file by
 *          its digest, and must be the same state of the same cluster.
 * Rules    the directory must be missing or empty: a copy never touches an older one.
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/copy.h"
#include "io/linux/disk.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, FILE_MODE = 0600, DIRECTORY_MODE = 0700 };

static int copy_file(struct disk *from, struct disk *to, const char *name)
{
	_cleanup_(file_closep) struct disk_file *in = NULL, *out = NULL;
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);
	uint64_t size = 0;
	int r = chunk == NULL ? -ENOMEM : disk_open(from, name, DISK_READ, 0, &in);

	if (r == 0)
		r = file_size(in, &size);
	if (r == 0)
		r = disk_open(to, name, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, FILE_MODE, &out);
	for (uint64_t at = 0; r == 0 && at < size; at += CHUNK) {
		size_t n = (size_t)MIN(size - at, (uint64_t)CHUNK);

		r = file_read(in, at, chunk, n);
		if (r == 0)
			r = file_write(out, at, chunk, n);
	}
	if (r == 0)
		r = file_sync(out);
	if (r == 0)
		(void)file_drop_cache(out); /* The proof shall ask the disk. */
	return r;
}

/* "<guid>/00010001.CPT": the directory that it lies in. */
static int make_parent(struct disk *to, const char *name)
{
	char directory[sizeof(((struct set_file *)NULL)->name)];
	const char *slash = strchr(name, '/');
	int r;

	if (slash == NULL)
		return 0;
	(void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - name), name);
	r = disk_make_directory(to, directory, DIRECTORY_MODE);
	return r == -EEXIST ? 0 : r;
}

static int sync_parent(struct disk *to, const char *name)
{
	char directory[sizeof(((struct set_file *)NULL)->name)];
	const char *slash = strchr(name, '/');

	if (slash == NULL)
		return 0;
	(void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - name), name);
	return disk_sync_directory(to, directory);
}

static int copy_files(struct disk *from, struct disk *to, const struct set *set)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->file_count; i++) {
		r = make_parent(to, set->files[i].name);
		if (r == 0)
			r = copy_file(from, to, set->files[i].name);
		if (r == 0)
			r = sync_parent(to, set->files[i].name);
	}
	if (r == 0)
		r = copy_file(from, to, SET_LOG);
	if (r == 0)
		r = disk_sync_directory(to, "");
	if (r == 0)
		r = set_create_marker(to, set->info.header.time);
	return r < 0 ? r : disk_sync_directory(to, "");
}

static int not_empty(void *data, const char *name, enum disk_kind kind)
{
	return ERR_DIR_NOT_EMPTY;
}

/* The directory, made if it is missing; its name is durable. */
static int open_target(const char *path, struct disk **ret, struct error *error)
{
	_cleanup_(disk_freep) struct disk *d = NULL, *parent = NULL;
	_cleanup_free_ char *above = NULL;
	bool made = mkdir(path, DIRECTORY_MODE) == 0;
	int r;

	if (!made && errno != EEXIST)
		return error_set_code(
		    error, errno == ENOENT ? ERR_PATH_NOT_FOUND : -errno, "cannot make the directory %s", path);
	r = disk_linux_open(path, &d);
	if (r < 0)
		return error_set_code(error, r, "cannot open the directory %s", path);
	r = disk_list(d, "", not_empty, NULL);
	if (r < 0)
		return error_set_code(error, r, "cannot copy into %s, which must be missing or empty", path);
	if (made) {
		if (asprintf(&above, "%s/..", path) < 0)
			return -ENOMEM;
		r = disk_linux_open(above, &parent);
		if (r == 0)
			r = disk_sync_directory(parent, "");
		if (r < 0)
			return error_set_code(error, r, "cannot sync the directory above %s", path);
	}
	*ret = TAKE_PTR(d);
	return 0;
}

int copy_set(struct disk *from, const struct set *set, const char *to, struct error *error)
{
	_cleanup_(disk_freep) struct disk *target = NULL;
	struct set_info info;
	int r = open_target(to, &target, error);

	if (r < 0)
		return r;
	r = copy_files(from, target, set);
	if (r < 0)
		return error_set_code(error, r, "cannot write the copy in %s", to);
	r = set_verify(target, &info, error);
	if (r < 0)
		return r;
	if (!digest_equal(&info.digest, &set->info.digest) || info.header.last != set->info.header.last ||
	    !guid_equal(&info.header.generation.id, &set->info.header.generation.id))
		return error_set(error, ERR_DATABASE_BACKUP_CORRUPT, "the copy in %s is not the same set", to);
	return 0;
}
