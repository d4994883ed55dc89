/* The helpers of libresutils that need no cluster.
 * SPDX-License-Identifier: Apache-2.0 */
#include "include/resapi.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/widetest.h"

TEST(paths_that_are_well_formed)
{
	static const char16_t *const good[] = { u"c:\\", u"C:", u"c:\\a\\b", u"c:\\a\\b\\", u"c:/a/b",
		u"\\\\server\\share", u"\\\\ClusBack\\19991215", u"\\\\server\\share\\a b\\", u"\\\\?\\C:\\a",
		u"\\\\?\\Volume{x}\\a", u"/", u"/a", u"/var/backup/", u"/a//b:?*", u"c:\\é€😀" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(ResUtilIsPathValid(good[i]) == TRUE);
}

TEST(paths_that_are_not)
{
	static const char16_t *const bad[] = { u"", u"a", u"a\\b", u"c", u"c:a", u"1:\\", u"é:\\", u"\\a", u"\\\\",
		u"\\\\server", u"\\\\server\\", u"\\\\\\share", u"//a", u"c:\\a\\\\b", u"c:\\a:b", u"c:\\a?", u"c:\\*",
		u"c:\\a|b", u"c:\\a\nb", u"c:\\\"a\"", u"c:\\<a>", u"\\\\?\\", u"\\\\?\\C:a", u"\\\\ser?ver\\share",
		u"http://x/y" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		SetLastError(0);
		CHECK(ResUtilIsPathValid(bad[i]) == FALSE);
		CHECK_INT(GetLastError(), ERROR_BAD_PATHNAME);
	}
	CHECK(ResUtilIsPathValid(NULL) == FALSE);
	CHECK_INT(GetLastError(), ERROR_INVALID_PARAMETER);
}

TEST(a_path_has_a_longest_length)
{
	static WCHAR path[32769];

	rueda_wmemset(path, 'a', 32767);
	path[0] = '/';
	CHECK(ResUtilIsPathValid(path) == TRUE);
	path[32767] = 'a';
	CHECK(ResUtilIsPathValid(path) == FALSE);
}

TEST(a_text_is_copied)
{
	FAIL_EACH_ALLOCATION
	{
		PWSTR copy = ResUtilDupString(u"é€😀");

		if (copy == NULL)
			CHECK_INT(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
		else
			CHECK_WIDE(copy, "é€😀");
		(void)LocalFree(copy);
	}
	CHECK(ResUtilDupString(NULL) == NULL);
	CHECK_INT(GetLastError(), ERROR_INVALID_PARAMETER);
}
