/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/utf16.h"
#include "tests/lib/test.h"

TEST(codes_go_both_ways)
{
	CHECK_INT(error_to_win32(0), 0);
	CHECK_INT(error_to_win32(17), 0);
	CHECK_INT(error_to_win32(ERR_DATABASE_BACKUP_CORRUPT), 5087);
	CHECK_INT(error_to_win32(ERR_FROM_WIN32(4711)), 4711);
	CHECK_INT(error_to_win32(-ENOENT), 2);
	CHECK_INT(error_to_win32(-ENOSPC), 112);
	CHECK_INT(error_to_win32(-EXDEV), 31);
	CHECK(ERR_NTE_BAD_KEY < 0);
	CHECK_INT(error_to_win32(ERR_NTE_BAD_KEY), 0x80090003);
	CHECK_INT(error_to_win32(ERR_FROM_WIN32(error_to_win32(ERR_NTE_BAD_KEY))), 0x80090003);
}

TEST(the_list_is_in_order_and_says_what_to_do)
{
	size_t count;
	const struct error_entry *list = error_list(&count);

	CHECK(count > 80);
	for (size_t i = 0; i < count; i++) {
		CHECK(i == 0 || list[i].code > list[i - 1].code);
		CHECK(list[i].text[0] != 0 && list[i].advice[strlen(list[i].advice) - 1] == '.');
	}
	CHECK_STR(error_win32_name(267), "ERROR_DIRECTORY");
	CHECK(error_win32_name(4711) == NULL);
}

TEST(a_story_is_kept_and_cut)
{
	struct error e = { 0 };
	char long_name[1000];

	CHECK_INT(error_set_code(&e, -ENOENT, "cannot open %s", "/x"), -ENOENT);
	CHECK_STR(e.text, "cannot open /x: No such file or directory");
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	CHECK_INT(error_set_code(&e, -EIO, "%s", long_name), -EIO);
	CHECK_INT(strlen(e.text), sizeof(e.text) - 1);
	CHECK_INT(error_set(NULL, -EIO, "nobody listens"), -EIO);
}

/* A text that is cut within a character is no text: whoever shows it would have to drop the whole. */
TEST(a_story_is_cut_between_characters_with_an_ellipsis)
{
	char name[1000];

	for (size_t shift = 0; shift < 4; shift++) {
		_cleanup_free_ char16_t *units = NULL;
		struct error e = { 0 };
		size_t len = 0;

		memset(name, 'a', shift);
		for (size_t i = shift; i + 4 < sizeof(name); i += 4)
			memcpy(name + i, "\U0001f600", 5);
		CHECK_INT(error_set(&e, -EIO, "%s", name), -EIO);
		CHECK_INT(utf8_to_u16(e.text, strlen(e.text), &units, &len), 0);
		CHECK(strlen(e.text) > sizeof(e.text) - 8);
		CHECK_INT(units[len - 1], u'…');
		CHECK_INT(error_set_code(&e, -EIO, "%s", name), -EIO);
		CHECK_STR(e.text + strlen(e.text) - 3, "…");
	}
}
