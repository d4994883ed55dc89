/* The contract of io/disk.h, kept by the real disk, by the real one without openat2(), by the real one behind a
 * door, and by the simulated one; then what only a real file system can have: links, FIFOs, descriptors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/disk.h"
#include "base/bytes.h"
#include "base/filetime.h"
#include "priv/channel.h"
#include "priv/door.h"
#include "sim/disk.h"
#include "tests/lib/failalloc.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static struct disk *real_disk(const char *name)
{
	char path[256];
	struct disk *d;

	(void)snprintf(path, sizeof(path), "%s/%s", test_directory(), name);
	CHECK(mkdir(path, 0700) == 0);
	CHECK_INT(disk_linux_open(path, &d), 0);
	return d;
}

/* A disk behind a door (priv/door.h), whose other side is a thread here. */
struct doorway {
	struct disk *inner, *disk;
	int ends[2];
	pthread_t thread;
};

static bool any_name(const char *name)
{
	return true;
}

static void *serve_door(void *data)
{
	static const struct door_rules rules = { .writable = true, .is_allowed = any_name };
	struct doorway *w = data;

	return (void *)(intptr_t)door_serve(w->ends[1], w->inner, &rules);
}

static void doorway_open(struct doorway *w, const char *name)
{
	static const struct door_options endless = { .patience = PATIENCE_ENDLESS };

	w->inner = real_disk(name);
	CHECK_INT(channel_pair(w->ends), 0);
	CHECK_INT(door_disk_new(w->ends[0], &endless, &w->disk), 0);
	CHECK_INT(pthread_create(&w->thread, NULL, serve_door, w), 0);
}

static void doorway_close(struct doorway *w)
{
	void *result;

	disk_free(w->disk);
	CHECK_INT(pthread_join(w->thread, &result), 0);
	CHECK_INT((intptr_t)result, 0);
	(void)close(w->ends[1]);
	disk_free(w->inner);
}

#define CONTRACT(rule)                                                                                                 \
	static void contract_##rule(struct disk *d);                                                                   \
	TEST(real_##rule)                                                                                              \
	{                                                                                                              \
		struct disk *d = real_disk("real_" #rule);                                                             \
		contract_##rule(d);                                                                                    \
		disk_free(d);                                                                                          \
	}                                                                                                              \
	TEST(stepwise_##rule)                                                                                          \
	{                                                                                                              \
		struct disk *d = real_disk("stepwise_" #rule);                                                         \
		disk_linux_without_openat2(d);                                                                         \
		contract_##rule(d);                                                                                    \
		disk_free(d);                                                                                          \
	}                                                                                                              \
	TEST(door_##rule)                                                                                              \
	{                                                                                                              \
		struct doorway w;                                                                                      \
		doorway_open(&w, "door_" #rule);                                                                       \
		contract_##rule(w.disk);                                                                               \
		doorway_close(&w);                                                                                     \
	}                                                                                                              \
	TEST(simulated_##rule)                                                                                         \
	{                                                                                                              \
		struct sim_disk *s;                                                                                    \
		struct disk *d;                                                                                        \
		CHECK_INT(sim_disk_new(test_seed, &s), 0);                                                             \
		CHECK_INT(sim_disk_open(s, "", &d), 0);                                                                \
		contract_##rule(d);                                                                                    \
		disk_free(d);                                                                                          \
		sim_disk_free(s);                                                                                      \
	}                                                                                                              \
	static void contract_##rule(struct disk *d)

static void put(struct disk *d, const char *name, const char *text)
{
	struct disk_file *f;

	CHECK_INT(disk_open(d, name, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f), 0);
	CHECK_INT(file_write(f, 0, text, strlen(text)), 0);
	CHECK_INT(file_sync(f), 0);
	file_close(f);
}

static void expect(struct disk *d, const char *name, const char *text)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t len;

	CHECK_INT(disk_read_file(d, name, 1 << 20, &data, &len), 0);
	CHECK_INT(len, strlen(text));
	CHECK_MEM(data, text, len);
}

static int open_to_read(struct disk *d, const char *name)
{
	struct disk_file *f = NULL;
	int r = disk_open(d, name, DISK_READ, 0, &f);

	CHECK((r == 0) == (f != NULL)); /* Untouched on failure. */
	file_close(f);
	return r;
}

CONTRACT(what_is_written_is_read)
{
	struct disk_file *f;
	uint64_t size;
	uint8_t data[300];

	CHECK_INT(disk_open(d, "file", DISK_READ | DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	CHECK_INT(file_write(f, 1000, "tail", 4), 0);
	CHECK_INT(file_write(f, 0, "head", 4), 0);
	CHECK_INT(file_write(f, 5000, NULL, 0), 0); /* Nothing written, nothing grown. */
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, 1004);
	CHECK_INT(file_read(f, 0, data, 300), 0);
	CHECK_MEM(data, "head\0\0", 6);
	CHECK(data[299] == 0);
	CHECK_INT(file_read(f, 1000, data, 4), 0);
	CHECK_MEM(data, "tail", 4);
	CHECK_INT(file_read(f, 1000, data, 5), -ENODATA);
	CHECK_INT(file_read(f, 1u << 20, data, 1), -ENODATA);
	CHECK_INT(file_read(f, 1u << 20, NULL, 0), 0);
	CHECK_INT(file_truncate(f, 2), 0);
	CHECK_INT(file_truncate(f, 6), 0);
	CHECK_INT(file_sync(f), 0);
	CHECK_INT(file_drop_cache(f), 0);
	CHECK_INT(file_read(f, 0, data, 6), 0);
	CHECK_MEM(data, "he\0\0\0\0", 6);
	file_close(f);
	CHECK_INT(open_to_read(d, "file"), 0);
}

CONTRACT(a_long_file_written_in_pieces_is_read)
{
	enum { PIECE = 300000, PIECES = 20 };
	uint8_t *data = malloc(PIECE);
	struct disk_file *f;

	CHECK(data != NULL);
	CHECK_INT(disk_open(d, "long", DISK_READ | DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	for (unsigned i = 0; i < PIECES; i++) {
		memset(data, (int)i, PIECE);
		CHECK_INT(file_write(f, (uint64_t)i * PIECE, data, PIECE), 0);
		CHECK_INT(file_write(f, (uint64_t)i * PIECE / 2, "again", 5), 0); /* As the writer of hives does. */
	}
	CHECK_INT(file_sync(f), 0);
	for (unsigned i = 0; i < PIECES; i++) {
		CHECK_INT(file_read(f, (uint64_t)i * PIECE, data, PIECE), 0);
		CHECK_INT(data[PIECE - 1], i);
		CHECK(i * 2 >= PIECES || memcmp(data, "again", 5) == 0);
	}
	file_close(f);
	free(data);
}

CONTRACT(open_flags_mean_what_they_say)
{
	struct disk_file *f;
	uint8_t byte;

	CHECK_INT(open_to_read(d, "a"), -ENOENT);
	CHECK_INT(disk_open(d, "a", DISK_WRITE, 0600, &f), -ENOENT);
	put(d, "a", "first");
	CHECK_INT(disk_open(d, "a", DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, 0600, &f), -EEXIST);
	CHECK_INT(disk_open(d, "a", DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	CHECK_INT(file_write(f, 0, "F", 1), 0);
	CHECK_INT(file_read(f, 0, &byte, 1), -EBADF);
	file_close(f);
	expect(d, "a", "First");
	CHECK_INT(disk_open(d, "a", DISK_READ, 0, &f), 0);
	CHECK_INT(file_write(f, 0, "x", 1), -EBADF);
	file_close(f);
	CHECK_INT(disk_open(d, "a", DISK_READ | DISK_WRITE | DISK_TRUNCATE, 0, &f), 0);
	CHECK_INT(file_read(f, 0, &byte, 1), -ENODATA);
	file_close(f);
	CHECK_INT(disk_open(d, "b", DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, 0600, &f), 0);
	file_close(f);
	expect(d, "b", "");
}

CONTRACT(names_stay_inside_the_root)
{
	static const char *const bad[] = { "", "/", "/etc/passwd", ".", "..", "../x", "a/..", "a/../b", "a//b", "a/",
		"./a", "a/./b", "/a" };
	char name[DISK_PATH_MAX + 3];
	struct disk_stat st;
	struct disk_file *f;

	CHECK_INT(disk_make_directory(d, "a", 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(open_to_read(d, bad[i]), -EINVAL);
		CHECK_INT(disk_open(d, bad[i], DISK_WRITE | DISK_CREATE, 0600, &f), -EINVAL);
		CHECK_INT(disk_make_directory(d, bad[i], 0700), -EINVAL);
		CHECK_INT(disk_remove(d, bad[i]), -EINVAL);
		CHECK_INT(disk_remove_tree(d, bad[i]), -EINVAL);
		CHECK_INT(disk_rename(d, bad[i], "c"), -EINVAL);
		CHECK_INT(disk_rename(d, "a", bad[i]), -EINVAL);
		if (i == 0)
			continue; /* The root can be looked at. */
		CHECK_INT(disk_stat(d, bad[i], &st), -EINVAL);
		CHECK_INT(disk_sync_directory(d, bad[i]), -EINVAL);
		CHECK_INT(disk_list(d, bad[i], NULL, NULL), -EINVAL);
	}
	memset(name, 'n', sizeof(name));
	name[DISK_NAME_MAX] = 0;
	put(d, name, "long");
	expect(d, name, "long");
	name[DISK_NAME_MAX] = 'n';
	name[DISK_NAME_MAX + 1] = 0;
	CHECK_INT(open_to_read(d, name), -ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 2 != 0 ? '/' : 'n';
	name[DISK_PATH_MAX] = 0;
	CHECK_INT(open_to_read(d, name), -ENOENT);
	name[DISK_PATH_MAX] = '/';
	name[DISK_PATH_MAX + 1] = 'n';
	name[DISK_PATH_MAX + 2] = 0;
	CHECK_INT(open_to_read(d, name), -ENAMETOOLONG);
	put(d, "a/...", "three dots are a name");
	put(d, "a/ b\n", "so are these");
}

CONTRACT(offsets_beyond_the_end_of_the_world_are_refused)
{
	struct disk_file *f;
	uint8_t byte = 0;

	CHECK_INT(disk_open(d, "a", DISK_READ | DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	CHECK_INT(file_write(f, INT64_MAX, &byte, 1), -EFBIG);
	CHECK_INT(file_write(f, UINT64_MAX, &byte, 1), -EFBIG);
	CHECK_INT(file_read(f, UINT64_MAX - 3, &byte, 1), -EFBIG);
	CHECK_INT(file_truncate(f, (uint64_t)INT64_MAX + 1), -EFBIG);
	CHECK_INT(file_preallocate(f, UINT64_MAX), -EFBIG);
	file_close(f);
	expect(d, "a", "");
}

CONTRACT(directories_hold_names)
{
	struct disk_stat st;

	CHECK_INT(disk_make_directory(d, "a/b", 0700), -ENOENT);
	CHECK_INT(disk_make_directory(d, "a", 0750), 0);
	CHECK_INT(disk_make_directory(d, "a", 0700), -EEXIST);
	CHECK_INT(disk_make_directory(d, "a/b", 0700), 0);
	put(d, "a/b/c", "text");
	CHECK_INT(disk_stat(d, "a", &st), 0);
	CHECK(st.kind == DISK_DIRECTORY && st.mode == 0750);
	CHECK_INT(disk_stat(d, "", &st), 0);
	CHECK(st.kind == DISK_DIRECTORY && st.mode == 0700);
	CHECK_INT(disk_stat(d, "a/b/c", &st), 0);
	CHECK(st.kind == DISK_FILE && st.mode == 0600 && st.size == 4 && st.time != 0);
	CHECK_INT(disk_stat(d, "a/b/c/d", &st), -ENOTDIR);
	CHECK_INT(open_to_read(d, "a/b/c/d"), -ENOTDIR);
	CHECK_INT(disk_stat(d, "a/x", &st), -ENOENT);
	CHECK_INT(open_to_read(d, "a/b"), -EISDIR);
	CHECK_INT(disk_sync_directory(d, ""), 0);
	CHECK_INT(disk_sync_directory(d, "a/b"), 0);
	CHECK_INT(disk_sync_directory(d, "a/b/c"), -ENOTDIR);
	CHECK_INT(disk_sync_directory(d, "x"), -ENOENT);
	CHECK_INT(disk_remove(d, "a/b"), -ENOTEMPTY);
	CHECK_INT(disk_remove(d, "a/b/c"), 0);
	CHECK_INT(disk_remove(d, "a/b/c"), -ENOENT);
	CHECK_INT(disk_remove(d, "a/b"), 0);
	CHECK_INT(disk_stat(d, "a/b", &st), -ENOENT);
}

static int note(void *data, const char *name, enum disk_kind kind)
{
	char *seen = data;

	seen[name[0] - 'a'] = "fdo"[kind];
	return name[0] == 'e' ? -ECANCELED : 0;
}

CONTRACT(listings_show_each_name_once_with_its_kind)
{
	char seen[8] = "-------";

	CHECK_INT(disk_list(d, "", note, seen), 0);
	CHECK_STR(seen, "-------");
	put(d, "a", "");
	put(d, "c", "");
	CHECK_INT(disk_make_directory(d, "b", 0700), 0);
	put(d, "b/f", "");
	CHECK_INT(disk_list(d, "", note, seen), 0);
	CHECK_STR(seen, "fdf----");
	CHECK_INT(disk_list(d, "b", note, seen), 0);
	CHECK_STR(seen, "fdf--f-");
	CHECK_INT(disk_list(d, "a", note, seen), -ENOTDIR);
	CHECK_INT(disk_list(d, "x", note, seen), -ENOENT);
	put(d, "e", "");
	CHECK_INT(disk_list(d, "", note, seen), -ECANCELED);
}

CONTRACT(rename_replaces)
{
	struct disk_file *f;

	put(d, "a", "one");
	put(d, "b", "two");
	CHECK_INT(disk_open(d, "b", DISK_READ | DISK_WRITE, 0, &f), 0);
	CHECK_INT(disk_rename(d, "a", "b"), 0);
	expect(d, "b", "one");
	CHECK_INT(open_to_read(d, "a"), -ENOENT);
	CHECK_INT(disk_rename(d, "a", "c"), -ENOENT);
	CHECK_INT(disk_rename(d, "b", "b"), 0);
	/* The replaced file lives on for those who have it open. */
	CHECK_INT(file_write(f, 0, "T", 1), 0);
	file_close(f);
	expect(d, "b", "one");
	CHECK_INT(disk_make_directory(d, "d", 0700), 0);
	CHECK_INT(disk_make_directory(d, "e", 0700), 0);
	CHECK_INT(disk_rename(d, "b", "d"), -EISDIR);
	CHECK_INT(disk_rename(d, "d", "b"), -ENOTDIR);
	CHECK_INT(disk_rename(d, "b", "e/b"), 0);
	expect(d, "e/b", "one");
	CHECK_INT(disk_rename(d, "d", "e"), -ENOTEMPTY);
	CHECK_INT(disk_rename(d, "e", "d"), 0);
	expect(d, "d/b", "one");
	CHECK_INT(disk_rename(d, "d/b", "x/b"), -ENOENT);
}

CONTRACT(preallocation_grows_with_zeros_and_never_shrinks)
{
	struct disk_file *f;
	uint8_t data[5000], zeros[4999] = { 0 };
	uint64_t size;

	put(d, "a", "x");
	CHECK_INT(disk_open(d, "a", DISK_READ | DISK_WRITE, 0, &f), 0);
	CHECK_INT(file_preallocate(f, 5000), 0);
	CHECK_INT(file_preallocate(f, 4000), 0);
	CHECK_INT(file_preallocate(f, 0), 0);
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, 5000);
	CHECK_INT(file_read(f, 0, data, 5000), 0);
	CHECK(data[0] == 'x');
	CHECK_MEM(data + 1, zeros, sizeof(zeros));
	file_close(f);
}

CONTRACT(preparing_changes_nothing_that_can_be_read)
{
	static const uint8_t zeros[20000];
	uint8_t data[20000];
	struct disk_file *f;
	uint64_t size;

	put(d, "a", "text");
	CHECK_INT(disk_open(d, "a", DISK_READ | DISK_WRITE, 0, &f), 0);
	CHECK_INT(file_preallocate(f, 20000), 0);
	CHECK_INT(file_prepare(f, 4, 10000), 0);
	CHECK_INT(file_prepare(f, 10004, 0), 0);
	CHECK_INT(file_prepare(f, INT64_MAX, 10), -EFBIG);
	CHECK_INT(file_sync(f), 0);
	CHECK_INT(file_write(f, 5000, "more", 4), 0);
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, 20000);
	CHECK_INT(file_read(f, 0, data, 20000), 0);
	CHECK_MEM(data, "text", 4);
	CHECK_MEM(data + 4, zeros, 5000 - 4);
	CHECK_MEM(data + 5000, "more", 4);
	CHECK_MEM(data + 5004, zeros, 20000 - 5004);
	file_close(f);
}

CONTRACT(attributes_are_set)
{
	struct disk_file *f;
	struct disk_stat st;
	uint64_t time = filetime_from_timespec((struct timespec){ .tv_sec = 1000000000, .tv_nsec = 500 });
	int r;

	put(d, "a", "x");
	CHECK_INT(disk_open(d, "a", DISK_READ | DISK_WRITE, 0, &f), 0);
	CHECK_INT(file_set_mode(f, 0444), 0);
	CHECK_INT(file_set_time(f, time), 0);
	r = file_set_xattr(f, "user.DOSATTRIB", "0x22", 4);
	CHECK(r == 0 || r == -EOPNOTSUPP);
	CHECK_INT(file_sync(f), 0);
	file_close(f);
	CHECK_INT(disk_stat(d, "a", &st), 0);
	CHECK(st.mode == 0444 && st.time == time && st.size == 1);
}

CONTRACT(a_lock_excludes_other_opens_until_close)
{
	struct disk_file *f, *g;

	put(d, "a", "");
	CHECK_INT(disk_open(d, "a", DISK_READ | DISK_WRITE, 0, &f), 0);
	CHECK_INT(disk_open(d, "a", DISK_WRITE, 0, &g), 0);
	CHECK_INT(file_lock(f), 0);
	CHECK_INT(file_lock(f), 0);
	CHECK_INT(file_lock(g), -EWOULDBLOCK);
	file_close(f);
	CHECK_INT(file_lock(g), 0);
	file_close(g);
	CHECK_INT(disk_open(d, "a", DISK_READ, 0, &f), 0);
	CHECK_INT(file_lock(f), -EBADF);
	file_close(f);
}

CONTRACT(a_whole_file_is_read_up_to_a_limit)
{
	uint8_t *data = NULL;
	size_t len = 99;

	put(d, "a", "12345");
	CHECK_INT(disk_read_file(d, "a", 4, &data, &len), -EFBIG);
	CHECK_INT(disk_read_file(d, "b", 4, &data, &len), -ENOENT);
	CHECK(data == NULL && len == 99);
	CHECK_INT(disk_read_file(d, "a", 5, &data, &len), 0);
	CHECK(len == 5 && memcmp(data, "12345", 5) == 0);
	free(data);
	data = NULL;
	put(d, "a", "");
	CHECK_INT(disk_read_file(d, "a", 0, &data, &len), 0);
	CHECK(len == 0 && data != NULL);
	free(data);
}

CONTRACT(a_tree_is_removed_with_all_that_it_holds)
{
	char name[64];
	struct disk_stat st;

	put(d, "keep", "x");
	CHECK_INT(disk_remove_tree(d, "t"), 0); /* Missing is success. */
	CHECK_INT(disk_make_directory(d, "t", 0700), 0);
	CHECK_INT(disk_make_directory(d, "t/empty", 0700), 0);
	CHECK_INT(disk_make_directory(d, "t/full", 0700), 0);
	for (int i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "t/full/%d", i);
		put(d, name, "x");
	}
	CHECK_INT(disk_remove_tree(d, "t"), 0);
	CHECK_INT(disk_stat(d, "t", &st), -ENOENT);
	put(d, "t", "now a file");
	CHECK_INT(disk_remove_tree(d, "t"), 0);
	CHECK_INT(disk_stat(d, "t", &st), -ENOENT);
	expect(d, "keep", "x");
}

CONTRACT(free_space_is_told)
{
	uint64_t before, after;
	struct disk_file *f;

	CHECK_INT(disk_free_space(d, &before), 0);
	CHECK(before > 1u << 20);
	CHECK_INT(disk_open(d, "a", DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	CHECK_INT(file_preallocate(f, 1 << 20), 0);
	CHECK_INT(disk_free_space(d, &after), 0);
	CHECK(after > 0);
	file_close(f);
}

CONTRACT(each_failed_allocation_is_told)
{
	put(d, "a", "x");
	CHECK_INT(disk_make_directory(d, "t", 0700), 0);
	FAIL_EACH_ALLOCATION {
		struct disk_file *f = NULL;
		int r = disk_open(d, "a", DISK_READ, 0, &f);

		CHECK(r == (failalloc_hit() ? -ENOMEM : 0));
		file_close(f);
	}
	FAIL_EACH_ALLOCATION {
		uint8_t *data = NULL;
		size_t len;
		int r = disk_read_file(d, "a", 10, &data, &len);

		CHECK(r == (failalloc_hit() ? -ENOMEM : 0));
		free(data);
	}
}

static void path_of(char path[256], const char *disk, const char *name)
{
	(void)snprintf(path, 256, "%s/%s/%s", test_directory(), disk, name);
}

/* Both ways to resolve names must refuse all of it. */
static void check_links(struct disk *d, const char *name)
{
	struct disk_stat st;
	struct disk_file *f;
	char path[256];

	CHECK_INT(disk_make_directory(d, "in", 0700), 0);
	put(d, "in/file", "inside");
	path_of(path, name, "out");
	CHECK(symlink("/etc", path) == 0);
	path_of(path, name, "sideways");
	CHECK(symlink("in", path) == 0);
	path_of(path, name, "in/link");
	CHECK(symlink("file", path) == 0);
	path_of(path, name, "dangling");
	CHECK(symlink("new", path) == 0);

	CHECK_INT(open_to_read(d, "out/passwd"), -ELOOP);
	CHECK_INT(open_to_read(d, "sideways/file"), -ELOOP);
	CHECK_INT(open_to_read(d, "in/link"), -ELOOP);
	CHECK_INT(disk_open(d, "in/link", DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f), -ELOOP);
	CHECK_INT(disk_open(d, "dangling", DISK_WRITE | DISK_CREATE, 0600, &f), -ELOOP);
	CHECK_INT(disk_open(d, "dangling", DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, 0600, &f), -EEXIST);
	CHECK_INT(disk_make_directory(d, "sideways/x", 0700), -ELOOP);
	CHECK_INT(disk_remove(d, "sideways/file"), -ELOOP);
	CHECK_INT(disk_rename(d, "sideways/file", "x"), -ELOOP);
	CHECK_INT(disk_rename(d, "in/file", "sideways/y"), -ELOOP);
	CHECK_INT(disk_stat(d, "sideways/file", &st), -ELOOP);
	CHECK_INT(disk_list(d, "sideways", note, NULL), -ELOOP);
	CHECK_INT(disk_list(d, "out", note, NULL), -ELOOP);
	CHECK_INT(disk_sync_directory(d, "sideways"), -ELOOP);
	CHECK_INT(disk_stat(d, "sideways", &st), 0);
	CHECK_INT(st.kind, DISK_OTHER);
	CHECK_INT(disk_stat(d, "new", &st), -ENOENT);
	expect(d, "in/file", "inside");
	/* The link itself can go, and what it points to stays. */
	CHECK_INT(disk_remove_tree(d, "sideways"), 0);
	CHECK_INT(disk_remove(d, "out"), 0);
	CHECK(access("/etc/passwd", F_OK) == 0);
	expect(d, "in/file", "inside");
	disk_free(d);
}

TEST(links_are_never_followed)
{
	check_links(real_disk("links"), "links");
}

TEST(links_are_never_followed_stepwise)
{
	struct disk *d = real_disk("links_stepwise");

	disk_linux_without_openat2(d);
	check_links(d, "links_stepwise");
}

/* Opening a FIFO may wait for ever, and opening a device may do anything. */
TEST(only_regular_files_are_opened)
{
	struct disk *d = real_disk("special");
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct inotify_event event;
	struct disk_file *f;
	struct disk_stat st;
	char path[256];

	CHECK(watch >= 0);
	path_of(path, "special", "fifo");
	CHECK(mkfifo(path, 0600) == 0);
	CHECK(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	(void)alarm(5); /* Blocking would end the program, not hang it. */
	CHECK_INT(open_to_read(d, "fifo"), -ENXIO);
	CHECK_INT(disk_open(d, "fifo", DISK_WRITE, 0, &f), -ENXIO);
	CHECK_INT(disk_open(d, "fifo", DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f), -ENXIO);
	(void)alarm(0);
	CHECK(read(watch, &event, sizeof(event)) < 0 && errno == EAGAIN); /* Not even for a moment. */
	CHECK(close(watch) == 0);
	CHECK_INT(disk_stat(d, "fifo", &st), 0);
	CHECK_INT(st.kind, DISK_OTHER);
	path_of(path, "special", "null");
	if (mknod(path, S_IFCHR | 0600, makedev(1, 3)) == 0) {
		CHECK_INT(open_to_read(d, "null"), -ENXIO);
		CHECK_INT(disk_open(d, "null", DISK_WRITE | DISK_CREATE, 0, &f), -ENXIO);
	}
	disk_free(d);
}

TEST(a_descriptor_becomes_the_root)
{
	char path[256];
	struct disk *d = real_disk("descriptor"), *other = NULL;
	int fd;

	put(d, "file", "x");
	path_of(path, "descriptor", "file");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_INT(disk_linux_new(fd, &other), -ENOTDIR);
	CHECK(other == NULL && fcntl(fd, F_GETFD) >= 0); /* Still ours. */
	CHECK(close(fd) == 0);
	path_of(path, "descriptor", "");
	fd = open(path, O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	FAIL_EACH_ALLOCATION {
		int copy = dup(fd);

		other = NULL;
		CHECK(disk_linux_new(copy, &other) == (failalloc_hit() ? -ENOMEM : 0));
		if (other == NULL)
			CHECK(close(copy) == 0);
		disk_free(other);
	}
	CHECK_INT(disk_linux_new(fd, &other), 0);
	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	expect(other, "file", "x");
	disk_free(other);
	CHECK_INT(fcntl(fd, F_GETFD), -1); /* Closed with its disk. */
	CHECK_INT(disk_linux_open("/nonexistent", &other), -ENOENT);
	disk_free(d);
}

/* On ext4, a file without extents is one that fallocate() refuses. */
static bool take_extents_away(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), flags;
	bool ok = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;

	flags &= ~FS_EXTENT_FL;
	ok = ok && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
	ok = ok && fallocate(fd, 0, 0, 10) < 0 && errno == EOPNOTSUPP;
	CHECK(close(fd) == 0);
	return ok;
}

TEST(without_fallocate_zeros_are_written)
{
	enum { SIZE = 200001 };
	struct disk *d = real_disk("zeros");
	_cleanup_free_ uint8_t *data = malloc(SIZE), *zeros = calloc(1, SIZE);
	struct disk_file *f;
	struct rlimit limit;
	struct stat st;
	uint64_t size;
	char path[256];
	int r;

	CHECK(data != NULL && zeros != NULL);
	put(d, "a", "");
	path_of(path, "zeros", "a");
	if (!take_extents_away(path)) {
		disk_free(d);
		test_skip("no file here is without fallocate()");
	}
	put(d, "a", "text");
	CHECK_INT(disk_open(d, "a", DISK_READ | DISK_WRITE, 0, &f), 0);
	CHECK_INT(file_preallocate(f, SIZE), 0);
	CHECK_INT(file_preallocate(f, 100), 0);
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, SIZE);
	CHECK_INT(file_read(f, 0, data, SIZE), 0);
	CHECK_MEM(data, "text", 4);
	CHECK_MEM(data + 4, zeros, SIZE - 4);
	CHECK(stat(path, &st) == 0 && st.st_blocks * 512 >= SIZE); /* Real space, not a hole. */

	/* Failing on the way leaves no longer file behind.  A limit of our own, lest a real disk be filled. */
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && getrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 3 * SIZE, limit.rlim_max }) == 0);
	r = file_preallocate(f, 4 * SIZE);
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK_INT(r, -EFBIG);
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, SIZE);
	file_close(f);
	disk_free(d);
}

struct syncer {
	struct disk *disk;
	atomic_bool over;
};

static void *sync_again_and_again(void *data)
{
	struct syncer *s = data;
	struct disk_file *f;

	CHECK_INT(disk_open(s->disk, "small", DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	while (!s->over) {
		CHECK_INT(file_write(f, 0, "x", 1), 0);
		CHECK_INT(file_sync(f), 0);
	}
	file_close(f);
	return NULL;
}

/* Pieces of any length, larger and smaller than the slices in which they go to the disk while others sync. */
static void write_and_read_pieces(struct disk *d, uint64_t seed)
{
	enum { SIZE = 5 << 20 };
	_cleanup_free_ uint8_t *data = malloc(SIZE), *found = malloc(SIZE);
	struct disk_file *f;
	size_t at, len;

	CHECK(data != NULL && found != NULL);
	for (at = 0; at < SIZE; at++)
		data[at] = (uint8_t)((at ^ at >> 8 ^ at >> 16) + seed);
	CHECK_INT(disk_open(d, "large", DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f), 0);
	for (at = 0; at < SIZE; at += len) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		len = MIN((size_t)(seed >> 33) % (seed >> 60 == 0 ? 2000000u : 100000u) + 1, SIZE - at);
		CHECK_INT(file_write(f, at, data + at, len), 0);
	}
	CHECK_INT(file_sync(f), 0);
	CHECK_INT(file_drop_cache(f), 0);
	CHECK_INT(file_read(f, 0, found, SIZE), 0);
	CHECK_MEM(found, data, SIZE);
	CHECK_INT(file_read(f, 1, found, SIZE - 1), 0);
	CHECK_MEM(found, data + 1, SIZE - 1);
	CHECK_INT(file_read(f, 1, found, SIZE), -ENODATA);
	file_close(f);
}

TEST(what_is_written_and_read_in_slices_while_others_sync_is_whole)
{
	struct syncer s = { .disk = real_disk("slices") };
	pthread_t thread;

	test_note_seed(test_seed);
	write_and_read_pieces(s.disk, test_seed);
	CHECK_INT(pthread_create(&thread, NULL, sync_again_and_again, &s), 0);
	for (uint64_t i = 0; i < test_rounds(4); i++)
		write_and_read_pieces(s.disk, test_seed + i);
	s.over = true;
	CHECK_INT(pthread_join(thread, NULL), 0);
	disk_free(s.disk);
}

/* Another process counts too, which a lock that belongs to this process would not show. */
TEST(a_lock_excludes_other_processes)
{
	struct disk *d = real_disk("locked");
	struct disk_file *f;
	int status;
	pid_t child;

	put(d, "a", "");
	CHECK_INT(disk_open(d, "a", DISK_WRITE, 0, &f), 0);
	CHECK_INT(file_lock(f), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct disk_file *g;

		_exit(disk_open(d, "a", DISK_WRITE, 0, &g) == 0 && file_lock(g) == -EWOULDBLOCK ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_INT(status, 0);
	file_close(f);
	disk_free(d);
}
