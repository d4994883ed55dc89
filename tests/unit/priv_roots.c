/* roots: what may stand in the list, and that nothing but a root and what is below it is ever opened.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "priv/roots.h"
#include "tests/lib/test.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

TEST(a_list_has_absolute_paths_without_dots_and_never_the_root_of_all)
{
	static const char *const good[] = { "none", "/etc/myapp", "/etc/myapp, /srv/x", "/a/,/b/ , /c" };
	static const char *const bad[] = { "", "/", "etc", "/etc/../x", "/etc/./x", "/etc//x", "/a,,/b", "/a,none",
		"//" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(roots_are_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!roots_are_valid(bad[i]));
}

static int try_open(const char *roots, const char *below, const char *expected_name)
{
	struct error e = { 0 };
	const char *name = NULL;
	char path[4096];
	int fd = -1, r;

	(void)snprintf(path, sizeof(path), "%s%s", test_directory(), below);
	r = roots_open(roots, path, &fd, &name, &e);
	CHECK((r == 0) == (fd >= 0) && (r == 0 || (e.code == r && e.text[0] != 0)));
	if (r == 0 && expected_name != NULL)
		CHECK_STR(name, expected_name);
	close_fd(&fd);
	return r;
}

static void make(const char *below)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s%s", test_directory(), below);
	CHECK_INT(mkdir(path, 0700), 0);
}

TEST(only_what_is_a_root_or_below_one_is_opened)
{
	char roots[9000], path[4096];

	make("/a");
	make("/a/b");
	make("/other");
	(void)snprintf(path, sizeof(path), "%s/a/link", test_directory());
	CHECK_INT(symlink("../other", path), 0);
	(void)snprintf(roots, sizeof(roots), "/no/such, %s/a/ ", test_directory());
	CHECK_INT(try_open(roots, "/a", "a"), 0);
	CHECK_INT(try_open(roots, "/a/new", "new"), 0);
	CHECK_INT(try_open(roots, "/a/b/new", "new"), 0);
	CHECK_INT(try_open(roots, "/a/link", "link"), 0); /* The link itself. */
	CHECK_INT(try_open(roots, "/a/link/x", NULL), ERR_CANT_RESOLVE_FILENAME);
	CHECK_INT(try_open(roots, "/ab", NULL), ERR_ACCESS_DENIED);
	CHECK_INT(try_open(roots, "/other/x", NULL), ERR_ACCESS_DENIED);
	CHECK_INT(try_open(roots, "", NULL), ERR_ACCESS_DENIED);
	CHECK_INT(try_open("none", "/a", NULL), ERR_ACCESS_DENIED);
	CHECK_INT(try_open(roots, "/a/../other/x", NULL), ERR_INVALID_PARAMETER);
	CHECK_INT(try_open(roots, "/a/", NULL), ERR_INVALID_PARAMETER);
	CHECK_INT(try_open(roots, "/a/none/x", NULL), ERR_FILE_NOT_FOUND);
}
