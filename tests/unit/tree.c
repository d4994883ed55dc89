/* tree: files, directories and links are taken and put back as they were; an interruption anywhere leaves the old or the
 * new, whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/trees.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* What is there now is this. */
static void check_is(struct tree_fixture *f, const char *name, const struct buf *expected)
{
	struct buf now;

	trees_settle();
	if (trees_take(f, name, &now) < 0)
		test_fail(__FILE__, __LINE__, "%s", f->error.text);
	CHECK(is_same(&now, expected));
	buf_done(&now);
}

TEST(everything_about_a_tree_comes_back)
{
	struct tree_fixture f;
	struct buf taken, acl = { 0 };
	struct stat st;
	char text[100] = "";
	int fd;

	trees_open(&f, "all");
	trees_sample(&f, "source");
	trees_settle();
	if (trees_take(&f, "source", &taken) < 0)
		test_fail(__FILE__, __LINE__, "%s", f.error.text);
	CHECK_INT(trees_put(&f, "copy", &taken), 0);
	CHECK_INT(f.told.code, 0);
	check_is(&f, "copy", &taken);

	/* And looked at without our own reader. */
	CHECK_INT(fstatat(f.fd, "copy/text", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_INT(st.st_mode & 07777, 04750);
	CHECK(st.st_mtim.tv_sec == -1000 && st.st_mtim.tv_nsec == 999999999);
	CHECK(st.st_atim.tv_sec == 1000000000 && st.st_atim.tv_nsec == 1);
	CHECK_INT(fstatat(f.fd, "copy/TEXT", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_INT(st.st_size, 0);
	CHECK_INT(fstatat(f.fd, "copy/%\\\xff\n\xc3\xa9 ", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_INT(readlinkat(f.fd, "copy/link", text, sizeof(text) - 1), 12);
	CHECK_STR(text, "../no/\xfe such");
	CHECK_INT(fstatat(f.fd, "copy/link", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_INT(st.st_mtim.tv_sec, -1000);
	CHECK_INT(fstatat(f.fd, "copy/empty", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 01777);
	fd = openat(f.fd, "copy/holes", O_RDONLY | O_CLOEXEC);
	CHECK_INT(fstat(fd, &st), 0);
	CHECK_INT(st.st_size, 5 << 20);
	CHECK(st.st_blocks * 512 < 100000);
	CHECK_INT(pread(fd, text, 1, 1 << 20), 1);
	CHECK_INT(text[0], 's');
	CHECK_INT(fgetxattr(fd, "user.one", text, sizeof(text)), 3);
	CHECK_MEM(text, "1\0002", 3);
	CHECK_INT(fgetxattr(fd, "user.ONE", text, sizeof(text)), 0);
	buf_append_zeros(&acl, 200);
	CHECK(fgetxattr(fd, "system.posix_acl_access", acl.data, acl.len) > 0);
	(void)close(fd);
	fd = openat(f.fd, "copy/deep", O_RDONLY | O_CLOEXEC);
	CHECK(fgetxattr(fd, "system.posix_acl_default", acl.data, acl.len) > 0);
	(void)close(fd);
	buf_done(&acl);
	buf_done(&taken);
	trees_close(&f);
}

TEST(a_single_file_and_a_link_are_sources_too)
{
	struct tree_fixture f;
	struct buf file, link;

	trees_open(&f, "single");
	trees_text(&f, "file", "one");
	CHECK_INT(symlinkat("/etc/passwd", f.fd, "link"), 0);
	trees_settle();
	CHECK_INT(trees_take(&f, "file", &file), 0);
	CHECK_INT(trees_take(&f, "link", &link), 0);
	trees_text(&f, "file", "two");
	CHECK_INT(trees_put(&f, "file", &file), 0);
	check_is(&f, "file", &file);
	/* Each where the other was. */
	CHECK_INT(trees_put(&f, "file", &link), 0);
	CHECK_INT(trees_put(&f, "link", &file), 0);
	check_is(&f, "file", &link);
	check_is(&f, "link", &file);
	CHECK(!trees_has_leftovers(&f));
	buf_done(&file);
	buf_done(&link);
	trees_close(&f);
}

TEST(what_is_not_in_the_hive_is_gone)
{
	struct tree_fixture f;
	struct buf taken;
	struct stat st;

	trees_open(&f, "gone");
	trees_sample(&f, "source");
	trees_settle();
	CHECK_INT(trees_take(&f, "source", &taken), 0);
	trees_sample(&f, "source/more");
	CHECK_INT(mkfifoat(f.fd, "source/fifo", 0600), 0);
	CHECK_INT(linkat(f.fd, "source/text", f.fd, "source/hard", 0), 0);
	CHECK_INT(trees_put(&f, "source", &taken), 0);
	CHECK(fstatat(f.fd, "source/fifo", &st, AT_SYMLINK_NOFOLLOW) < 0);
	check_is(&f, "source", &taken);
	CHECK(!trees_has_leftovers(&f));
	buf_done(&taken);
	trees_close(&f);
}

TEST(an_inherited_access_control_list_does_not_stay)
{
	static const uint8_t acl[] = { 2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 7, 0, 0x39, 0x30, 0, 0, 4, 0,
		5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 5, 0, 255, 255, 255, 255 };
	struct tree_fixture f;
	struct buf taken;
	char value[100], path[300];

	trees_open(&f, "inherited");
	trees_directory(&f, "plain", 0755);
	trees_text(&f, "plain/file", "x");
	trees_settle();
	CHECK_INT(trees_take(&f, "plain", &taken), 0);
	CHECK_INT(fsetxattr(f.fd, "system.posix_acl_default", acl, sizeof(acl), 0), 0);
	CHECK_INT(trees_put(&f, "plain", &taken), 0);
	(void)snprintf(path, sizeof(path), "%s/plain/file", f.path);
	CHECK(getxattr(path, "system.posix_acl_access", value, sizeof(value)) < 0 && errno == ENODATA);
	check_is(&f, "plain", &taken);
	buf_done(&taken);
	trees_close(&f);
}

struct stopper {
	unsigned count, at; /* Stop before that step; 0: never. */
	int result;         /* With this; 0: the process dies. */
	bool synced, exchanged, unsynced;
};

static int stop_step(void *data, const char *what)
{
	struct stopper *s = data;

	s->count++;
	if (strcmp(what, "write") == 0 || strcmp(what, "make") == 0)
		s->synced = false;
	if (strcmp(what, "sync") == 0)
		s->synced = true;
	if (strcmp(what, "exchange") == 0) {
		s->exchanged = true;
		s->unsynced |= !s->synced;
	}
	if (s->count != s->at)
		return 0;
	if (s->result == 0)
		_exit(77);
	return s->result;
}

struct states {
	struct tree_fixture f;
	struct buf old, new;
	struct stopper stopper;
};

static void make_states(struct states *s, const char *name)
{
	*s = (struct states){ 0 };
	trees_open(&s->f, name);
	trees_sample(&s->f, "new");
	trees_sample(&s->f, "place");
	trees_settle();
	CHECK_INT(trees_take(&s->f, "new", &s->new), 0);
	CHECK_INT(trees_take(&s->f, "place", &s->old), 0);
	s->f.steps = (struct tree_steps){ stop_step, &s->stopper };
}

static void free_states(struct states *s)
{
	buf_done(&s->old);
	buf_done(&s->new);
	trees_close(&s->f);
}

/* Old or new, whole, whichever; and the old comes back, with nothing left beside it. */
static bool check_states(struct states *s)
{
	struct buf now;
	bool is_new;

	s->stopper = (struct stopper){ 0 };
	trees_settle();
	CHECK_INT(trees_take(&s->f, "place", &now), 0);
	is_new = is_same(&now, &s->new);
	CHECK(is_new || is_same(&now, &s->old));
	buf_done(&now);
	CHECK_INT(trees_put(&s->f, "place", &s->old), 0);
	CHECK(!trees_has_leftovers(&s->f));
	return is_new;
}

TEST(a_process_that_dies_at_any_step_leaves_the_old_or_the_new)
{
	struct states s;
	unsigned steps = 0;
	int status = 77 << 8;
	bool was_new = false;

	make_states(&s, "dying");
	while (WEXITSTATUS(status) == 77) {
		pid_t pid = fork();
		bool is_new;

		steps++;
		CHECK(pid >= 0);
		if (pid == 0) {
			s.stopper = (struct stopper){ .at = steps };
			_exit(trees_put(&s.f, "place", &s.new) < 0);
		}
		CHECK_INT(waitpid(pid, &status, 0), pid);
		CHECK(WIFEXITED(status));
		is_new = check_states(&s);
		CHECK(is_new || !was_new); /* Once it is done it stays done. */
		was_new = is_new;
	}
	CHECK_INT(WEXITSTATUS(status), 0);
	CHECK(was_new);
	CHECK(steps > 20);
	free_states(&s);
}

TEST(giving_up_at_any_step_leaves_the_old_and_nothing_else)
{
	struct states s;
	int r = ERR_CANCELLED;

	make_states(&s, "cancelled");
	for (unsigned at = 1; r != 0; at++) {
		s.stopper = (struct stopper){ .at = at, .result = ERR_CANCELLED };
		r = trees_put(&s.f, "place", &s.new);
		CHECK(r == 0 || r == ERR_CANCELLED);
		CHECK(!trees_has_leftovers(&s.f) || at == 1);
		CHECK_INT(check_states(&s), r == 0);
	}
	free_states(&s);
}

TEST(nothing_is_put_in_its_place_before_it_is_synced)
{
	struct states s;

	make_states(&s, "order");
	s.stopper = (struct stopper){ 0 };
	CHECK_INT(trees_put(&s.f, "place", &s.new), 0);
	CHECK(s.stopper.exchanged && !s.stopper.unsynced);
	free_states(&s);
}

TEST(taking_can_be_given_up_at_any_step)
{
	struct tree_fixture f;
	struct stopper s = { 0 };
	struct buf taken = { 0 };
	int r = ERR_CANCELLED;

	trees_open(&f, "stopped");
	trees_sample(&f, "source");
	trees_settle();
	f.steps = (struct tree_steps){ stop_step, &s };
	for (unsigned at = 1; r != 0; at++) {
		s = (struct stopper){ .at = at, .result = ERR_CANCELLED };
		r = trees_take(&f, "source", &taken);
		CHECK(r == 0 || r == ERR_CANCELLED);
	}
	CHECK(s.count > 20);
	buf_done(&taken);
	trees_close(&f);
}

TEST(no_memory_is_an_error_and_nothing_changes)
{
	struct states s;

	make_states(&s, "memory");
	FAIL_EACH_ALLOCATION
	{
		int r = trees_put(&s.f, "place", &s.new);

		CHECK(r == 0 || (r == -ENOMEM && failalloc_hit()));
		CHECK(r == 0 || !trees_has_leftovers(&s.f)); /* It is done, but for clearing up. */
	}
	check_is(&s.f, "place", &s.new);
	FAIL_EACH_ALLOCATION
	{
		struct buf taken = { 0 };
		struct tree_place place = { s.f.fd, "place", "place" };
		_cleanup_fd_ int out = open("/dev/shm", O_RDWR | O_TMPFILE, 0600);
		uint64_t size;
		int r = files_take(&place, out, 64 << 20, &s.f.steps, &size, NULL);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		buf_done(&taken);
	}
	free_states(&s);
}

/* As somebody without rights. */
TEST(without_root_owners_that_cannot_be_set_are_told)
{
	struct tree_fixture f;
	struct buf taken;
	struct stat st;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		test_skip("needs root, to make files of others");
	trees_open(&f, "rights");
	trees_directory(&f, "source", 0755);
	trees_text(&f, "source/file", "x");
	CHECK_INT(fchownat(f.fd, "source/file", 1234, 4321, 0), 0);
	CHECK_INT(fchmodat(f.fd, "source/file", 06755, 0), 0);
	trees_settle();
	CHECK_INT(trees_take(&f, "source", &taken), 0);
	CHECK_INT(fchmod(f.fd, 0777), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (trees_put(&f, "copy", &taken) < 0)
			_exit(3);
		_exit(f.told.code < 0 && strstr(f.told.text, "owner") != NULL ? 0 : 4);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	CHECK_INT(fstatat(f.fd, "copy/file", &st, 0), 0);
	CHECK_INT(st.st_uid, 65534);
	CHECK_INT(st.st_mode & 07777, 0755); /* Nobody's program does not become somebody's. */
	CHECK_INT(trees_put(&f, "copy2", &taken), 0);
	CHECK_INT(f.told.code, 0);
	CHECK_INT(fstatat(f.fd, "copy2/file", &st, 0), 0);
	CHECK(st.st_uid == 1234 && st.st_gid == 4321);
	CHECK_INT(st.st_mode & 07777, 06755);
	buf_done(&taken);
	trees_close(&f);
}
