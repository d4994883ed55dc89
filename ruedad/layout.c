/* layout: the partitions of the disk that a directory lies on.
 *
 * Why      RestoreClusterDatabase refuses a quorum disk whose partitions are not those of the backup (5086): their number
 *          and offsets, not signatures or letters.
 * How      from sysfs: /sys/dev/block/MAJOR:MINOR is the device of the file system; if it is a partition, its parent is the
 *          disk; the disk's subdirectories with a file `partition` are its partitions, each with its `start` in sectors of
 *          512 bytes.  A file system without a block device (tmpfs, overlay, a network) has no layout, and none is checked.
 * Threads  all functions.       Tests  tests/unit/layout.c, on loop devices tests/integration/restore.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/layout.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LAYOUT_PATH_MAX = 512, SECTOR = 512 };

static int compare_offsets(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The number in the file directory/name/attribute. */
static bool read_number(const char *directory, const char *name, const char *attribute, uint64_t *ret)
{
	char path[LAYOUT_PATH_MAX];
	unsigned long long n;
	FILE *f;
	bool ok;

	if (snprintf(path, sizeof(path), "%s/%s/%s", directory, name, attribute) >= (int)sizeof(path))
		return false;
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	ok = fscanf(f, "%llu", &n) == 1;
	(void)fclose(f);
	*ret = n;
	return ok;
}

static int read_partitions(const char *disk, struct layout *ret)
{
	struct layout l = { .device = true };
	const struct dirent *entry;
	DIR *d = opendir(disk);
	int r = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(d)) != NULL) {
		uint64_t number, start;

		if (entry->d_name[0] == '.' || !read_number(disk, entry->d_name, "partition", &number) ||
		    !read_number(disk, entry->d_name, "start", &start))
			continue;
		if (l.count == QUOLOG_PARTITION_MAX)
			r = -E2BIG;
		else
			l.offsets[l.count++] = start * SECTOR;
	}
	(void)closedir(d);
	if (r == 0) {
		qsort(l.offsets, l.count, sizeof(l.offsets[0]), compare_offsets);
		*ret = l;
	}
	return r;
}

int layout_read_device(const char *sysfs, unsigned device_major, unsigned device_minor, struct layout *ret)
{
	char device[LAYOUT_PATH_MAX], disk[LAYOUT_PATH_MAX + 8];
	uint64_t number;

	*ret = (struct layout){ 0 };
	if (snprintf(device, sizeof(device), "%s/dev/block/%u:%u", sysfs, device_major, device_minor) >=
	    (int)sizeof(device))
		return -ENAMETOOLONG;
	if (access(device, F_OK) < 0)
		return 0;
	/* A partition lies in the directory of its disk. */
	(void)snprintf(disk, sizeof(disk), "%s%s", device, read_number(device, ".", "partition", &number) ? "/.." : "");
	return read_partitions(disk, ret);
}

int layout_read(const char *directory, struct layout *ret)
{
	struct stat st;

	if (stat(directory, &st) < 0)
		return -errno;
	return layout_read_device("/sys", major(st.st_dev), minor(st.st_dev), ret);
}

bool layout_matches(const struct layout *l, const struct quolog_header *h, char *ret_difference, size_t size)
{
	if (l->count != h->partition_count) {
		(void)snprintf(ret_difference, size, "it has %" PRIu32 " partition%s, in the set it has %" PRIu32,
		    l->count, l->count == 1 ? "" : "s", h->partition_count);
		return false;
	}
	for (uint32_t i = 0; i < l->count; i++)
		if (l->offsets[i] != h->partition_offsets[i]) {
			(void)snprintf(ret_difference, size,
			    "partition %" PRIu32 " begins at byte %" PRIu64 ", in the set at %" PRIu64, i + 1,
			    l->offsets[i], h->partition_offsets[i]);
			return false;
		}
	return true;
}

void layout_to_header(const struct layout *l, struct quolog_header *h)
{
	h->partition_count = l->count;
	memcpy(h->partition_offsets, l->offsets, sizeof(l->offsets));
}
