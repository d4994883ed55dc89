/* disk_prepare: on the real disk zeros are written ahead where that spares a later sync the file system's journal, and
 * nowhere else.
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/disk.h"
#include "tests/lib/test.h"
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SIZE = 1 << 20, PART = 128 << 10, EXTENTS = 64 };

static bool is_file_system(const char *directory, long type)
{
	struct statfs st;

	return statfs(directory, &st) == 0 && st.f_type == type;
}

static void open_file(const char *directory, struct disk **ret_disk, struct disk_file **ret)
{
	CHECK_INT(disk_linux_open(directory, ret_disk), 0);
	CHECK_INT(disk_open(*ret_disk, "file", DISK_READ | DISK_WRITE | DISK_CREATE, 0600, ret), 0);
}

/* Bytes of the file that are allocated, but whose first write has yet to change the map of its blocks. */
static uint64_t unwritten(struct disk_file *f)
{
	struct fiemap *map = calloc(1, sizeof(*map) + EXTENTS * sizeof(map->fm_extents[0]));
	uint64_t sum = 0;

	CHECK(map != NULL);
	map->fm_length = SIZE;
	map->fm_flags = FIEMAP_FLAG_SYNC;
	map->fm_extent_count = EXTENTS;
	if (ioctl(disk_linux_file_fd(f), FS_IOC_FIEMAP, map) < 0)
		test_skip("this file system does not tell its extents");
	CHECK(map->fm_mapped_extents < EXTENTS);
	for (uint32_t i = 0; i < map->fm_mapped_extents; i++)
		if (map->fm_extents[i].fe_flags & FIEMAP_EXTENT_UNWRITTEN)
			sum += map->fm_extents[i].fe_length;
	free(map);
	return sum;
}

TEST(what_has_been_prepared_is_written)
{
	struct disk_file *f;
	struct disk *d;

	if (!is_file_system(test_directory(), EXT4_SUPER_MAGIC) && !is_file_system(test_directory(), XFS_SUPER_MAGIC))
		test_skip("neither ext4 nor XFS");
	open_file(test_directory(), &d, &f);
	CHECK_INT(file_preallocate(f, SIZE), 0);
	if (unwritten(f) != SIZE)
		test_skip("this file system reserves no space");
	CHECK_INT(file_prepare(f, 100, PART - 100), 0);
	CHECK_INT(file_sync(f), 0);
	CHECK_INT(unwritten(f), SIZE - PART);
	CHECK_INT(file_write(f, 0, "x", 1), 0);
	CHECK_INT(file_write(f, PART - 1, "x", 1), 0);
	CHECK_INT(file_sync(f), 0);
	CHECK_INT(unwritten(f), SIZE - PART);
	file_close(f);
	disk_free(d);
}

/* As on those that copy what is overwritten, where the zeros would be a waste of space that is needed. */
TEST(other_file_systems_get_no_zeros)
{
	char directory[] = "/dev/shm/rueda-test-XXXXXX";
	struct disk_file *f;
	struct disk *d;
	struct stat st;

	if (!is_file_system("/dev/shm", TMPFS_MAGIC) || mkdtemp(directory) == NULL)
		test_skip("/dev/shm is no tmpfs");
	open_file(directory, &d, &f);
	CHECK_INT(file_truncate(f, SIZE), 0);
	CHECK_INT(file_prepare(f, 100, PART - 100), 0);
	CHECK(fstat(disk_linux_file_fd(f), &st) == 0);
	file_close(f);
	CHECK_INT(disk_remove(d, "file"), 0);
	disk_free(d);
	CHECK(rmdir(directory) == 0);
	CHECK_INT(st.st_blocks, 0);
}
