/* tree_hostile: sources that change, lie, never end or lead elsewhere while they are taken: bounded, with a clear reason, and
 * nothing else is read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "tests/lib/trees.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

/* Does something to the source at steps of one kind. */
struct meddler {
	struct tree_fixture *f;
	const char *at; /* The kind of step. */
	unsigned count, times;
	void (*meddle)(struct tree_fixture *f);
};

static int meddle(void *data, const char *what)
{
	struct meddler *m = data;

	if (strcmp(what, m->at) == 0 && m->count < m->times) {
		m->count++;
		m->meddle(m->f);
	}
	return 0;
}

static int take(struct tree_fixture *f)
{
	struct buf taken = { 0 };
	int r = trees_take(f, "source", &taken);

	CHECK(r == 0 || (f->error.code == r && f->error.text[0] != 0));
	buf_done(&taken);
	return r;
}

static int take_meddled(struct tree_fixture *f, const char *at, unsigned times, void (*what)(struct tree_fixture *f))
{
	struct meddler m = { f, at, 0, times, what };
	int r;

	f->steps = (struct tree_steps){ meddle, &m };
	r = take(f);
	CHECK(m.count > 0);
	return r;
}

static void open_source(struct tree_fixture *f, const char *name)
{
	trees_open(f, name);
	trees_directory(f, "source", 0755);
	trees_text(f, "source/file", "one");
	trees_settle();
}

static void check_refused(const char *test, void (*make)(struct tree_fixture *f, const char *name), const char *kind)
{
	struct tree_fixture f;

	open_source(&f, test);
	make(&f, "source/what is it");
	CHECK_INT(take(&f), ERR_NOT_SUPPORTED);
	CHECK(strstr(f.error.text, "source/what is it") != NULL);
	CHECK(strstr(f.error.text, kind) != NULL);
	trees_close(&f);
}

static void make_fifo(struct tree_fixture *f, const char *name)
{
	CHECK_INT(mkfifoat(f->fd, name, 0600), 0);
}

static void make_hard_link(struct tree_fixture *f, const char *name)
{
	trees_text(f, "elsewhere", "x");
	CHECK_INT(linkat(f->fd, "elsewhere", f->fd, name, 0), 0);
}

static void make_socket(struct tree_fixture *f, const char *name)
{
	CHECK_INT(mknodat(f->fd, name, S_IFSOCK | 0600, 0), 0);
}

static void make_device(struct tree_fixture *f, const char *name)
{
	if (mknodat(f->fd, name, S_IFCHR | 0600, makedev(1, 3)) < 0)
		test_skip("no right to make a device");
}

TEST(fifos_are_refused_by_name)
{
	check_refused("fifo", make_fifo, "FIFO");
}

TEST(hard_links_are_refused_by_name)
{
	check_refused("hard", make_hard_link, "hard link");
}

TEST(sockets_are_refused_by_name)
{
	check_refused("socket", make_socket, "socket");
}

TEST(devices_are_refused_by_name)
{
	check_refused("device", make_device, "device");
}

static void change(struct tree_fixture *f)
{
	trees_text(f, "source/file", "two");
}

TEST(a_file_that_changes_once_is_taken_as_it_is_afterwards)
{
	struct tree_fixture f;
	struct meddler m = { &f, "read", 0, 1, change };
	struct buf taken, after;

	open_source(&f, "once");
	f.steps = (struct tree_steps){ meddle, &m };
	CHECK_INT(trees_take(&f, "source", &taken), 0);
	CHECK_INT(m.count, 1);
	CHECK_INT(trees_take(&f, "source", &after), 0);
	CHECK_INT(taken.len, after.len);
	CHECK_MEM(taken.data, after.data, after.len);
	buf_done(&taken);
	buf_done(&after);
	trees_close(&f);
}

TEST(a_file_that_changes_all_the_time_is_given_up)
{
	struct tree_fixture f;

	open_source(&f, "always");
	CHECK_INT(take_meddled(&f, "read", 1000, change), ERR_SHARING_VIOLATION);
	CHECK(strstr(f.error.text, "source") != NULL);
	trees_close(&f);
}

static void append(struct tree_fixture *f, size_t len)
{
	_cleanup_fd_ int fd = openat(f->fd, "source/file", O_WRONLY | O_APPEND | O_CLOEXEC);
	static const char data[1 << 20];

	CHECK_INT(write(fd, data, len), len);
}

static void grow(struct tree_fixture *f)
{
	append(f, 100000);
}

TEST(a_file_that_grows_for_ever_is_read_to_the_length_it_had)
{
	struct tree_fixture f;
	struct meddler m = { &f, "read", 0, 10000, grow };

	open_source(&f, "grows");
	f.steps = (struct tree_steps){ meddle, &m };
	CHECK_INT(take(&f), ERR_SHARING_VIOLATION);
	CHECK(m.count < 1000); /* Each walk reads what was there when it began. */
	trees_close(&f);
}

static void swap_for_fifo(struct tree_fixture *f)
{
	(void)unlinkat(f->fd, "source/file", 0);
	CHECK_INT(mkfifoat(f->fd, "source/file", 0600), 0);
}

static void swap_for_link(struct tree_fixture *f)
{
	(void)unlinkat(f->fd, "source/file", 0);
	CHECK_INT(symlinkat("/etc/passwd", f->fd, "source/file"), 0);
}

static void swap_directory_for_link(struct tree_fixture *f)
{
	struct stat st;

	if (fstatat(f->fd, "source/sub", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
		CHECK_INT(unlinkat(f->fd, "source/sub", AT_REMOVEDIR), 0);
		CHECK_INT(symlinkat("/etc", f->fd, "source/sub"), 0);
	}
}

/* The step before a file is opened: what was looked at is not there any more. */
static unsigned opens;

static int swap_file_at_open(void *data, const char *what)
{
	struct meddler *m = data;

	if (strcmp(what, "open") == 0 && ++opens == 2)
		m->meddle(m->f);
	return 0;
}

static int take_swapped(struct tree_fixture *f, void (*swap)(struct tree_fixture *f), struct buf *taken)
{
	struct meddler m = { .f = f, .meddle = swap };

	opens = 0;
	f->steps = (struct tree_steps){ swap_file_at_open, &m };
	return trees_take(f, "source", taken);
}

TEST(a_file_swapped_for_a_fifo_neither_blocks_nor_passes)
{
	struct tree_fixture f;
	struct buf taken;

	open_source(&f, "swapfifo");
	(void)alarm(20);
	CHECK_INT(take_swapped(&f, swap_for_fifo, &taken), ERR_NOT_SUPPORTED);
	(void)alarm(0);
	trees_close(&f);
}

static int no_data(void *data, uint64_t offset, const void *bytes, size_t len)
{
	return -EPERM;
}

TEST(a_file_swapped_for_a_link_is_not_followed)
{
	struct tree_visitor v = { .part = no_data };
	struct tree_fixture f;
	struct buf taken;

	open_source(&f, "swaplink");
	CHECK_INT(take_swapped(&f, swap_for_link, &taken), 0);
	CHECK_INT(files_read(taken.data, taken.len, &v, NULL), 0); /* No data of anything is in it. */
	buf_done(&taken);
	trees_close(&f);
	open_source(&f, "swapdirectory");
	trees_directory(&f, "source/sub", 0755);
	CHECK_INT(unlinkat(f.fd, "source/file", 0), 0);
	CHECK_INT(take_swapped(&f, swap_directory_for_link, &taken), 0);
	CHECK_INT(files_read(taken.data, taken.len, &v, NULL), 0);
	buf_done(&taken);
	trees_close(&f);
}

TEST(more_names_than_a_checkpoint_can_have_are_refused)
{
	struct tree_fixture f;
	char name[64];

	open_source(&f, "names");
	/* Names of nothing: the quickest to make. */
	for (unsigned i = 0; i < TREE_ENTRIES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "source/%u", i);
		CHECK_INT(symlinkat("x", f.fd, name), 0);
	}
	CHECK_INT(take(&f), ERR_DISK_FULL);
	CHECK(strstr(f.error.text, "100000 entries") != NULL);
	trees_close(&f);
}

TEST(what_is_too_deep_or_too_large_is_refused)
{
	struct tree_fixture f;
	char name[1000] = "source";

	open_source(&f, "deep");
	for (unsigned i = 0; i < TREE_DEPTH_MAX; i++) {
		(void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "/d");
		CHECK_INT(mkdirat(f.fd, name, 0700), 0);
	}
	trees_settle();
	CHECK_INT(take(&f), 0);
	(void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "/d");
	CHECK_INT(mkdirat(f.fd, name, 0700), 0);
	CHECK_INT(take(&f), ERR_DISK_FULL);
	trees_close(&f);

	open_source(&f, "large");
	append(&f, 1 << 20);
	f.hive_max = 1 << 20;
	CHECK_INT(take(&f), ERR_DISK_FULL);
	CHECK(strstr(f.error.text, "1048576") != NULL);
	trees_close(&f);
}
