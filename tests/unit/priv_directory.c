/* directory: each way in which a path can fail has its code, and the permission is the caller's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "priv/directory.h"
#include "tests/lib/test.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *path_of(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", test_directory(), name);
	return path;
}

/* Open a path below the test's directory; the story names what failed. */
static int open_it(const char *name, unsigned flags)
{
	struct directory d;
	struct error e = { 0 };
	int r = directory_open(path_of(name), flags, &d, &e);

	if (r == 0)
		(void)close(d.fd);
	else
		CHECK(e.code == r && strstr(e.text, "/") != NULL);
	return r;
}

static void make_tree(void)
{
	static bool made;

	if (made)
		return;
	made = true;
	CHECK_INT(mkdir(path_of("dir"), 0755), 0);
	CHECK_INT(mkdir(path_of("dir/sub"), 0750), 0);
	CHECK_INT(mkdir(path_of("chk0001.tmp"), 0755), 0);
	CHECK_INT(mkfifo(path_of("fifo"), 0600), 0);
	CHECK_INT(close(open(path_of("file"), O_CREAT | O_WRONLY, 0600)), 0);
	CHECK_INT(symlink("dir", path_of("link")), 0);
	CHECK_INT(symlink("fifo", path_of("fifo-link")), 0);
	CHECK_INT(symlink("nowhere", path_of("dangling")), 0);
	CHECK_INT(symlink("loop", path_of("loop")), 0);
	CHECK_INT(symlink("/dev", path_of("dev")), 0);
	CHECK_INT(symlink("/proc/self/cwd", path_of("magic")), 0);
}

TEST(each_way_to_fail_has_its_code)
{
	static const struct {
		const char *name;
		int read, create;
	} rows[] = {
		{ "dir", 0, 0 },
		{ "dir/", 0, 0 },
		{ "dir//sub", 0, 0 },
		{ "link/sub", 0, 0 },
		{ "link", 0, 0 },
		{ "missing/sub", ERR_PATH_NOT_FOUND, ERR_PATH_NOT_FOUND },
		{ "missing", ERR_PATH_NOT_FOUND, 0 },
		{ "dir/quolog.log", ERR_PATH_NOT_FOUND, ERR_DIRECTORY },
		{ "dir/CHK000a.TMP", ERR_PATH_NOT_FOUND, ERR_DIRECTORY },
		{ "clusbackup.dat/", ERR_PATH_NOT_FOUND, ERR_DIRECTORY },
		{ "chk0001.tmp", 0, 0 },
		{ "quolog.logs", ERR_PATH_NOT_FOUND, 0 },
		{ "dangling", ERR_PATH_NOT_FOUND, ERR_PATH_NOT_FOUND },
		{ "dangling/sub", ERR_PATH_NOT_FOUND, ERR_PATH_NOT_FOUND },
		{ "file", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "file/", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "file/sub", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "fifo", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "fifo/sub", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "fifo-link", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "fifo-link/sub", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "dev/null", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "dev/null/sub", ERR_DIRECTORY, ERR_DIRECTORY },
		{ "loop", ERR_CANT_RESOLVE_FILENAME, ERR_CANT_RESOLVE_FILENAME },
		{ "loop/sub", ERR_CANT_RESOLVE_FILENAME, ERR_CANT_RESOLVE_FILENAME },
		{ "magic", ERR_CANT_RESOLVE_FILENAME, ERR_CANT_RESOLVE_FILENAME },
		{ "dir/../dir", ERR_BAD_PATHNAME, ERR_BAD_PATHNAME },
		{ "dir/.", ERR_BAD_PATHNAME, ERR_BAD_PATHNAME },
	};

	make_tree();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = open_it(rows[i].name, 0), w = open_it(rows[i].name, DIRECTORY_WRITE | DIRECTORY_CREATE);

		if (r != rows[i].read || w != rows[i].create)
			test_fail(__FILE__, __LINE__, "%s: %d and %d", rows[i].name, r, w);
	}
	CHECK_INT(access(path_of("nowhere"), F_OK), -1); /* A link to nothing makes nothing. */
	CHECK_INT(rmdir(path_of("missing")), 0);
}

TEST(a_new_directory_is_0700_and_an_old_one_keeps_its_mode)
{
	struct directory d;
	mode_t mask = umask(0);
	struct stat st;

	make_tree();
	CHECK_INT(directory_open(path_of("new"), DIRECTORY_WRITE | DIRECTORY_CREATE, &d, NULL), 0);
	CHECK(d.created && d.mode == 0700 && d.owner == geteuid());
	CHECK_INT(fstat(d.fd, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0700);
	(void)close(d.fd);
	CHECK_INT(directory_open(path_of("new"), DIRECTORY_WRITE | DIRECTORY_CREATE, &d, NULL), 0);
	CHECK(!d.created);
	(void)close(d.fd);
	CHECK_INT(directory_open(path_of("dir/sub"), DIRECTORY_WRITE, &d, NULL), 0);
	CHECK(!d.created && d.mode == 0750);
	(void)close(d.fd);
	CHECK_INT(rmdir(path_of("new")), 0);
	(void)umask(mask);
}

TEST(the_root_directory_has_no_name_but_opens)
{
	struct directory d;

	CHECK_INT(directory_open("/", 0, &d, NULL), 0);
	(void)close(d.fd);
	CHECK_INT(directory_open("///", 0, &d, NULL), 0);
	(void)close(d.fd);
	CHECK_INT(directory_open("relative", 0, &d, NULL), ERR_BAD_PATHNAME);
}

TEST(a_path_longer_than_the_kernel_takes_is_walked)
{
	char path[12000], component[201];
	struct directory d;
	int at = open(test_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t len = (size_t)snprintf(path, sizeof(path), "%s", test_directory());

	memset(component, 'x', 200);
	component[200] = 0;
	for (int i = 0; i < 50; i++) {
		int next;

		len += (size_t)snprintf(path + len, sizeof(path) - len, "/%s", component);
		CHECK_INT(mkdirat(at, component, 0700), 0);
		next = openat(at, component, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		(void)close(at);
		at = next;
	}
	(void)close(at);
	(void)snprintf(path + len, sizeof(path) - len, "/new");
	CHECK(len > 10000);
	CHECK_INT(directory_open(path, DIRECTORY_WRITE, &d, NULL), ERR_PATH_NOT_FOUND);
	CHECK_INT(directory_open(path, DIRECTORY_WRITE | DIRECTORY_CREATE, &d, NULL), 0);
	CHECK(d.created);
	/* The harness removes by whole paths, which these are too long for. */
	CHECK_INT(unlinkat(d.fd, ".", AT_REMOVEDIR) < 0, 1);
	for (int i = 0; i <= 50; i++) {
		int parent = openat(d.fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		CHECK_INT(unlinkat(parent, i == 0 ? "new" : component, AT_REMOVEDIR), 0);
		(void)close(d.fd);
		d.fd = parent;
	}
	(void)close(d.fd);

	(void)snprintf(path, sizeof(path), "%s/%s%s", test_directory(), component, component);
	CHECK_INT(directory_open(path, 0, &d, NULL), ERR_FILENAME_EXCED_RANGE);
}

/* Run a check as a user who is not root; its result is the exit status. */
static int as_nobody(int (*check)(void))
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(setgid(65534) == 0 && setuid(65534) == 0 ? check() : 99);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Numbers the first that differs from 1; 0 if all are as they should be. */
static int check_permissions(void)
{
	static const struct {
		const char *name;
		unsigned flags;
		int want;
	} rows[] = {
		{ "private", 0, ERR_ACCESS_DENIED },
		{ "private/sub", 0, ERR_ACCESS_DENIED },
		{ "private/new", DIRECTORY_WRITE | DIRECTORY_CREATE, ERR_ACCESS_DENIED },
		{ "readable", 0, 0 },
		{ "readable", DIRECTORY_WRITE, ERR_ACCESS_DENIED },
		{ "readable/new", DIRECTORY_WRITE | DIRECTORY_CREATE, ERR_ACCESS_DENIED },
		{ "open", DIRECTORY_WRITE, 0 },
		{ "open/new", DIRECTORY_WRITE | DIRECTORY_CREATE, 0 },
		{ "unreadable/new", DIRECTORY_WRITE | DIRECTORY_CREATE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct directory d;

		if (directory_open(path_of(rows[i].name), rows[i].flags, &d, NULL) != rows[i].want)
			return (int)i + 1;
		if (rows[i].want == 0 && strstr(rows[i].name, "new") != NULL && d.owner != 65534)
			return 50 + (int)i;
	}
	return 0;
}

TEST(the_permission_is_that_of_the_process)
{
	if (geteuid() != 0)
		test_skip("only root can become somebody else");
	CHECK_INT(chmod(test_directory(), 0755), 0);
	CHECK_INT(mkdir(path_of("private"), 0700), 0);
	CHECK_INT(mkdir(path_of("private/sub"), 0777), 0);
	CHECK_INT(mkdir(path_of("readable"), 0755), 0);
	CHECK_INT(mkdir(path_of("open"), 0700) || chmod(path_of("open"), 0777), 0);
	CHECK_INT(mkdir(path_of("unreadable"), 0700) || chmod(path_of("unreadable"), 0733), 0);
	CHECK_INT(as_nobody(check_permissions), 0);
	/* And root may what nobody may not. */
	CHECK_INT(open_it("private/sub", DIRECTORY_WRITE), 0);
}

TEST(no_descriptor_is_left_behind)
{
	int before = dup(0), after;

	make_tree();
	(void)close(before);
	(void)open_it("missing/sub", 0);
	(void)open_it("fifo/sub", 0);
	(void)open_it("dir/sub", 0);
	(void)open_it("dangling", DIRECTORY_CREATE);
	after = dup(0);
	(void)close(after);
	CHECK_INT(after, before);
}
