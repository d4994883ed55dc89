/* door: what a hostile ruedad cannot do through one.  What an honest one can do is in disk.c, the contract of every disk.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "io/linux/disk.h"
#include "priv/channel.h"
#include "priv/door.h"
#include "priv/names.h"
#include "tests/lib/failalloc.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct fixture {
	char path[200];
	struct disk *real;
	struct door_rules rules;
	int mine, theirs;
	uint8_t *window;
	pthread_t thread;
};

static void *serve(void *data)
{
	struct fixture *f = data;
	int r = door_serve(f->theirs, f->real, &f->rules);

	close_fd(&f->theirs);
	return (void *)(intptr_t)r;
}

static void open_bare(struct fixture *f, const char *name, bool writable)
{
	int ends[2];

	f->window = NULL;
	(void)snprintf(f->path, sizeof(f->path), "%s/%s", test_directory(), name);
	(void)mkdir(f->path, 0700);
	CHECK_INT(disk_linux_open(f->path, &f->real), 0);
	f->rules = (struct door_rules){ .writable = writable, .is_allowed = set_name_is_allowed };
	CHECK_INT(channel_pair(ends), 0);
	f->mine = ends[0];
	f->theirs = ends[1];
	CHECK_INT(pthread_create(&f->thread, NULL, serve, f), 0);
}

static int close_fixture(struct fixture *f)
{
	void *r;

	close_fd(&f->mine);
	CHECK_INT(pthread_join(f->thread, &r), 0);
	if (f->window != NULL)
		(void)munmap(f->window, DOOR_WINDOW);
	disk_free(f->real);
	return (int)(intptr_t)r;
}

static int window_of(size_t size, int seals)
{
	int fd = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	CHECK(seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

/* What an honest client begins with. */
static void *send_window(struct fixture *f)
{
	int fd = window_of(DOOR_WINDOW, F_SEAL_SHRINK);
	void *at = mmap(NULL, DOOR_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(at != MAP_FAILED);
	CHECK_INT(channel_send(f->mine, "w", 1, fd, 0), 0);
	(void)close(fd);
	return at;
}

static void open_fixture(struct fixture *f, const char *name, bool writable)
{
	open_bare(f, name, writable);
	f->window = send_window(f);
}

/* The bare packets, without the checks of an honest client. */
static int ask(struct fixture *f, const struct door_request *q, struct door_reply *reply)
{
	static uint8_t packet[DOOR_PACKET_MAX];
	struct buf out = { 0 };
	int n, fd = -1;

	door_request_encode(q, &out);
	CHECK_INT(channel_send(f->mine, out.data, out.len, -1, 0), 0);
	buf_done(&out);
	n = channel_receive(f->mine, packet, sizeof(packet), &fd, 0);
	CHECK(n > 0);
	close_fd(&fd);
	CHECK_INT(door_reply_decode(packet, (size_t)n, reply), 0);
	return reply->result;
}

static int ask_op(
    struct fixture *f, enum door_op op, const char *name, const char *other, uint32_t flags, uint32_t mode)
{
	struct door_request q = { .op = op, .flags = flags, .mode = mode };
	struct door_reply reply;

	(void)snprintf(q.name, sizeof(q.name), "%s", name);
	(void)snprintf(q.other, sizeof(q.other), "%s", other);
	return ask(f, &q, &reply);
}

static const struct door_options endless = { .patience = PATIENCE_ENDLESS };

enum { MAKE = DISK_WRITE | DISK_CREATE };

TEST(only_names_of_a_set_pass)
{
	static const char *const bad[] = { "passwd", "../quolog.log", "/etc/passwd", "x/y", "." };
	struct fixture f;

	open_fixture(&f, "names", true);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(ask_op(&f, DOOR_OPEN, bad[i], "", MAKE, 0600), -EPERM);
		CHECK_INT(ask_op(&f, DOOR_MAKE_DIRECTORY, bad[i], "", 0, 0700), -EPERM);
		CHECK_INT(ask_op(&f, DOOR_REMOVE, bad[i], "", 0, 0), -EPERM);
		CHECK_INT(ask_op(&f, DOOR_STAT, bad[i], "", 0, 0), -EPERM);
		CHECK_INT(ask_op(&f, DOOR_LIST, bad[i], "", 0, 0), -EPERM);
		CHECK_INT(ask_op(&f, DOOR_SYNC_DIRECTORY, bad[i], "", 0, 0), -EPERM);
		CHECK_INT(ask_op(&f, DOOR_RENAME, bad[i], "quolog.log", 0, 0), -EPERM);
		CHECK_INT(ask_op(&f, DOOR_RENAME, "quolog.log", bad[i], 0, 0), -EPERM);
	}
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.new", "", MAKE, 0600), 0);
	CHECK_INT(ask_op(&f, DOOR_RENAME, "quolog.new", "quolog.log", 0, 0), 0);
	CHECK_INT(ask_op(&f, DOOR_STAT, "quolog.log", "", 0, 0), 0);
	CHECK_INT(close_fixture(&f), 0);
}

static int count_entry(void *data, const char *name, enum disk_kind kind)
{
	(*(size_t *)data)++;
	return 0;
}

TEST(other_files_are_not_listed_and_many_are)
{
	struct fixture f;
	struct disk *d;
	size_t count = 0;
	char name[32];

	open_bare(&f, "listing", true);
	CHECK_INT(door_disk_new(f.mine, &endless, &d), 0);
	for (unsigned i = 0; i < 5000; i++) {
		struct disk_file *file;

		(void)snprintf(name, sizeof(name), i % 5 == 0 ? "other%04x" : "chk%04x.tmp", i);
		CHECK_INT(disk_open(f.real, name, MAKE, 0600, &file), 0);
		file_close(file);
	}
	CHECK_INT(disk_list(d, "", count_entry, &count), 0);
	CHECK_INT(count, 4000);
	FAIL_EACH_ALLOCATION
	{
		int r;

		count = 0;
		r = disk_list(d, "", count_entry, &count);
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
	}
	CHECK_INT(disk_list(d, "", count_entry, &count), 0); /* Nothing of a failed listing is left in the door. */
	disk_free(d);
	f.mine = -1;
	CHECK_INT(close_fixture(&f), 0);
}

TEST(nothing_is_written_through_a_door_to_read)
{
	struct fixture f;

	open_fixture(&f, "reading", true);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", MAKE, 0600), 0);
	CHECK_INT(close_fixture(&f), 0);

	open_fixture(&f, "reading", false);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ, 0), 0);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ | DISK_WRITE, 0), -EROFS);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.new", "", MAKE, 0600), -EROFS);
	CHECK_INT(ask_op(&f, DOOR_REMOVE, "quolog.log", "", 0, 0), -EROFS);
	CHECK_INT(ask_op(&f, DOOR_RENAME, "quolog.log", "quolog.new", 0, 0), -EROFS);
	CHECK_INT(ask_op(&f, DOOR_MAKE_DIRECTORY, "01234567-89ab-cdef-0123-456789abcdef", "", 0, 0700), -EROFS);
	CHECK_INT(ask_op(&f, DOOR_SET_MODE, "", "", 0, 0777), -EROFS);
	CHECK_INT(ask_op(&f, DOOR_SET_TIME, "", "", 0, 0), -EROFS);
	CHECK_INT(ask_op(&f, DOOR_SET_XATTR, "", "user.x", 0, 0), -EROFS);
	CHECK_INT(close_fixture(&f), 0);
}

TEST(links_and_fifos_planted_in_the_directory_are_not_followed)
{
	struct fixture f;
	char path[256];

	open_fixture(&f, "planted", true);
	(void)snprintf(path, sizeof(path), "%s/quolog.log", f.path);
	CHECK_INT(symlink("/etc/passwd", path), 0);
	(void)snprintf(path, sizeof(path), "%s/quolog.new", f.path);
	CHECK_INT(mkfifo(path, 0600), 0);
	(void)snprintf(path, sizeof(path), "%s/01234567-89ab-cdef-0123-456789abcdef", f.path);
	CHECK_INT(symlink("/etc", path), 0);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ, 0), -ELOOP);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", MAKE | DISK_TRUNCATE, 0600), -ELOOP);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.new", "", DISK_READ, 0), -ENXIO);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.new", "", DISK_WRITE, 0), -ENXIO);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "01234567-89ab-cdef-0123-456789abcdef/00000001.CPT", "", MAKE, 0600), -ELOOP);
	CHECK_INT(close_fixture(&f), 0);
}

TEST(flags_modes_and_numbers_out_of_range_are_errors)
{
	struct fixture f;

	open_fixture(&f, "ranges", true);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", 0, 0), -EINVAL);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", 1 << 20 | DISK_READ, 0), -EINVAL);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ | DISK_CREATE, 0600), -EINVAL);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ | DISK_TRUNCATE, 0600), -EINVAL);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_WRITE | DISK_EXCLUSIVE, 0600), -EINVAL);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", MAKE, 04755), -EINVAL);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "", "", DISK_READ, 0), -EINVAL);
	CHECK_INT(ask_op(&f, DOOR_SET_MODE, "", "", 0, 0600), -EBADF); /* File 0 is not open. */
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", MAKE, 0600), 0);
	CHECK_INT(ask_op(&f, DOOR_SET_MODE, "", "", 0, 04755), -EINVAL);
	CHECK_INT(ask_op(&f, DOOR_SET_XATTR, "", "security.capability", 0, 0), -EPERM);
	CHECK_INT(ask_op(&f, DOOR_SET_XATTR, "", "trusted.x", 0, 0), -EPERM);
	CHECK_INT(
	    ask(&f, &(struct door_request){ .op = DOOR_CLOSE, .file = UINT32_MAX }, &(struct door_reply){ 0 }), -EBADF);
	for (int i = 1; i < DOOR_FILES_MAX; i++)
		CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ, 0), 0);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ, 0), -EMFILE);
	CHECK_INT(ask(&f, &(struct door_request){ .op = DOOR_CLOSE, .file = 3 }, &(struct door_reply){ 0 }), 0);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ, 0), 0);
	CHECK_INT(close_fixture(&f), 0);
}

TEST(a_window_that_could_become_shorter_closes_the_door)
{
	static const struct {
		size_t size;
		int seals;
	} bad[] = { { DOOR_WINDOW, 0 }, { DOOR_WINDOW - 1, F_SEAL_SHRINK }, { DOOR_WINDOW, F_SEAL_GROW } };
	struct fixture f;
	char data[8];
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		open_bare(&f, "window", true);
		fd = window_of(bad[i].size, bad[i].seals);
		CHECK_INT(channel_send(f.mine, "w", 1, fd, 0), 0);
		(void)close(fd);
		CHECK_INT(channel_receive(f.mine, data, sizeof(data), &fd, 0), 0);
		CHECK_INT(close_fixture(&f), -EBADMSG);
	}
	open_bare(&f, "window", true);
	CHECK_INT(channel_send(f.mine, "w", 1, -1, 0), 0);
	CHECK_INT(channel_receive(f.mine, data, sizeof(data), &fd, 0), 0);
	CHECK_INT(close_fixture(&f), -EBADMSG);
}

TEST(data_goes_through_the_window_and_not_beside_it)
{
	struct fixture f;
	struct door_reply reply;
	struct door_request q = { .op = DOOR_WRITE, .length = DOOR_WINDOW };

	open_fixture(&f, "data", true);
	CHECK_INT(ask(&f, &q, &reply), -EBADF);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", MAKE | DISK_READ, 0600), 0);
	memset(f.window, 'x', DOOR_WINDOW);
	q.number = 5;
	CHECK_INT(ask(&f, &q, &reply), 0);
	q.number = INT64_MAX;
	CHECK_INT(ask(&f, &q, &reply), -EFBIG);
	memset(f.window, 0, DOOR_WINDOW);
	q = (struct door_request){ .op = DOOR_READ, .length = 2, .number = DOOR_WINDOW + 3 };
	CHECK_INT(ask(&f, &q, &reply), 0);
	CHECK(f.window[0] == 'x' && f.window[1] == 'x' && f.window[2] == 0);
	q.length = 3;
	CHECK_INT(ask(&f, &q, &reply), -ENODATA);
	CHECK_INT(ask(&f, &(struct door_request){ .op = DOOR_SIZE }, &reply), 0);
	CHECK_INT(reply.size, DOOR_WINDOW + 5);
	q = (struct door_request){ .op = DOOR_TRUNCATE, .number = UINT64_MAX };
	CHECK_INT(ask(&f, &q, &reply), -EFBIG);
	CHECK_INT(close_fixture(&f), 0);

	open_fixture(&f, "data", false);
	CHECK_INT(ask_op(&f, DOOR_OPEN, "quolog.log", "", DISK_READ, 0), 0);
	for (enum door_op op = DOOR_READ; op < DOOR_OP_END; op++)
		if (op != DOOR_READ && op != DOOR_SIZE && op != DOOR_DROP_CACHE)
			CHECK_INT(ask(&f, &(struct door_request){ .op = op }, &reply), -EROFS);
	CHECK_INT(close_fixture(&f), 0);
}

TEST(a_packet_that_is_no_request_closes_the_door)
{
	struct fixture f;
	char data[8];
	int fd = -1;

	open_fixture(&f, "packet", true);
	CHECK_INT(channel_send(f.mine, "nonsense", 8, -1, 0), 0);
	CHECK_INT(channel_receive(f.mine, data, sizeof(data), &fd, 0), 0);
	CHECK_INT(close_fixture(&f), -EBADMSG);
}

TEST(a_door_that_closes_is_an_error_of_the_disk)
{
	struct fixture f;
	struct disk *d;
	struct disk_file *file;
	struct disk_stat st;
	uint8_t byte;

	open_bare(&f, "closing", true);
	CHECK_INT(door_disk_new(dup(f.mine), &endless, &d), 0);
	CHECK_INT(disk_open(d, "quolog.log", MAKE | DISK_READ, 0600, &file), 0);
	CHECK_INT(file_write(file, 0, "x", 1), 0);
	CHECK_INT(channel_send(f.mine, "nonsense", 8, -1, 0), 0);
	CHECK_INT(disk_stat(d, "quolog.log", &st), -EIO);
	CHECK_INT(file_set_mode(file, 0444), -EIO);
	CHECK_INT(file_read(file, 0, &byte, 1), -EIO);
	CHECK_INT(file_write(file, 0, "x", 1), -EIO);
	CHECK_INT(file_sync(file), -EIO);
	file_close(file);
	disk_free(d);
	CHECK_INT(close_fixture(&f), -EBADMSG);
}
