/* Layouts: the partitions of a disk, read from a made-up sysfs tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/layout.h"
#include "tests/lib/test.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(char path[512], const char *name)
{
	CHECK(snprintf(path, 512, "%s/%s", test_directory(), name) < 512);
	return path;
}

static void make_directory(const char *name)
{
	char path[512];

	CHECK(mkdir(path_of(path, name), 0700) == 0 || errno == EEXIST);
}

static void make_file(const char *name, const char *text)
{
	char path[512];
	FILE *f = fopen(path_of(path, name), "we");

	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void make_partition(const char *disk, unsigned number, const char *start)
{
	char name[256], text[16];

	(void)snprintf(name, sizeof(name), "devices/%s/%sp%u", disk, disk, number);
	make_directory(name);
	(void)snprintf(name, sizeof(name), "devices/%s/%sp%u/partition", disk, disk, number);
	(void)snprintf(text, sizeof(text), "%u\n", number);
	make_file(name, text);
	(void)snprintf(name, sizeof(name), "devices/%s/%sp%u/start", disk, disk, number);
	if (start != NULL)
		make_file(name, start);
}

static void make_device(const char *number, const char *target)
{
	char path[512], name[64], text[256];

	(void)snprintf(name, sizeof(name), "dev/block/%s", number);
	(void)snprintf(text, sizeof(text), "../../devices/%s", target);
	(void)unlink(path_of(path, name));
	CHECK_INT(symlink(text, path), 0);
}

static void make_disk(const char *disk)
{
	char name[256];

	make_directory("dev");
	make_directory("dev/block");
	make_directory("devices");
	(void)snprintf(name, sizeof(name), "devices/%s", disk);
	make_directory(name);
}

TEST(a_disk_and_each_of_its_partitions_have_the_layout_of_the_disk)
{
	static const char *const numbers[] = { "8:0", "8:1", "8:2" };
	struct layout l;

	make_disk("a");
	make_directory("devices/a/queue"); /* No partition. */
	make_file("devices/a/size", "9\n");
	make_partition("a", 1, "2048\n");
	make_partition("a", 2, "34\n"); /* By offset, not by number. */
	make_partition("a", 10, "9000000000\n");
	make_device(numbers[0], "a");
	make_device(numbers[1], "a/ap1");
	make_device(numbers[2], "a/ap10");
	for (unsigned minor = 0; minor < ARRAY_SIZE(numbers); minor++) {
		CHECK_INT(layout_read_device(test_directory(), 8, minor, &l), 0);
		CHECK(l.device);
		CHECK_INT(l.count, 3);
		CHECK_INT(l.offsets[0], 34 * 512);
		CHECK_INT(l.offsets[1], 2048 * 512);
		CHECK_INT(l.offsets[2], 9000000000 * 512);
		CHECK_INT(l.offsets[3], 0);
	}
}

TEST(a_file_system_without_a_device_or_a_disk_without_partitions_has_no_layout)
{
	struct layout l = { .count = 7 };

	make_disk("empty");
	make_device("9:0", "empty");
	make_device("9:1", "nowhere");
	for (unsigned minor = 0; minor < 3; minor++) {
		l.count = 7;
		CHECK_INT(layout_read_device(test_directory(), 9, minor, &l), 0);
		CHECK_INT(l.count, 0);
		CHECK_INT(l.device, minor == 0);
	}
	CHECK_INT(layout_read_device("/nonexistent", 9, 0, &l), 0);
	CHECK_INT(l.count, 0);
}

TEST(a_partition_whose_numbers_cannot_be_read_does_not_count)
{
	struct layout l;

	make_disk("odd");
	make_partition("odd", 1, "nonsense\n");
	make_partition("odd", 2, "");
	make_partition("odd", 3, NULL);
	make_partition("odd", 4, "64\n");
	make_device("10:0", "odd");
	CHECK_INT(layout_read_device(test_directory(), 10, 0, &l), 0);
	CHECK_INT(l.count, 1);
	CHECK_INT(l.offsets[0], 64 * 512);
}

TEST(more_partitions_than_a_header_holds_are_an_error)
{
	struct layout l;

	make_disk("many");
	make_device("11:0", "many");
	for (unsigned i = 1; i <= QUOLOG_PARTITION_MAX + 1; i++) {
		make_partition("many", i, "1\n");
		if (i == QUOLOG_PARTITION_MAX) {
			CHECK_INT(layout_read_device(test_directory(), 11, 0, &l), 0);
			CHECK_INT(l.count, QUOLOG_PARTITION_MAX);
		}
	}
	CHECK_INT(layout_read_device(test_directory(), 11, 0, &l), -E2BIG);
	CHECK_INT(l.count, 0);
}

TEST(a_path_that_is_too_long_or_not_there_is_an_error)
{
	char path[600];
	struct layout l;

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = 0;
	CHECK_INT(layout_read_device(path, 8, 0, &l), -ENAMETOOLONG);
	CHECK_INT(layout_read("/nonexistent", &l), -ENOENT);
	CHECK_INT(layout_read(test_directory(), &l), 0);
}

TEST(a_header_gets_the_whole_layout)
{
	struct layout l = { .count = 2, .offsets = { 512, 1024 } };
	static struct quolog_header h = { .partition_offsets = { 1, 2, 3 } };

	layout_to_header(&l, &h);
	CHECK_INT(h.partition_count, 2);
	CHECK_INT(h.partition_offsets[1], 1024);
	CHECK_INT(h.partition_offsets[2], 0);
}

TEST(a_difference_is_told)
{
	static struct quolog_header h = { .partition_count = 2, .partition_offsets = { 512, 1024 } };
	struct layout l = { .device = true, .count = 2, .offsets = { 512, 1024 } };
	char text[100] = "";

	CHECK(layout_matches(&l, &h, text, sizeof(text)));
	CHECK_STR(text, "");
	l.offsets[1] = 1536;
	CHECK(!layout_matches(&l, &h, text, sizeof(text)));
	CHECK_STR(text, "partition 2 begins at byte 1536, in the set at 1024");
	l.count = 1;
	CHECK(!layout_matches(&l, &h, text, sizeof(text)));
	CHECK_STR(text, "it has 1 partition, in the set it has 2");
}
