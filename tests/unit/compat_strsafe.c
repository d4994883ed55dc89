/* StringCch…: never beyond the size, always terminated, and the result says whether it was cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include "include/strsafe.h"
#include "tests/unit/widetest.h"

static WCHAR line[8];

static void fill(void)
{
	rueda_wmemset(line, 0x5a5a, ARRAY_SIZE(line));
}

TEST(copies_are_cut_to_fit)
{
	for (size_t size = 1; size <= 6; size++) {
		fill();
		CHECK_INT(StringCchCopyW(line, size, u"abc"), size >= 4 ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER);
		CHECK_INT(rueda_wcslen(line), MIN(size - 1, (size_t)3));
		CHECK_INT(line[MAX(size, (size_t)4)], 0x5a5a);
		CHECK_INT(StringCbCopyW(line, 2 * size + 1, u"abc"), size >= 4 ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER);
		CHECK_INT(rueda_wcslen(line), MIN(size - 1, (size_t)3));
		fill();
		CHECK_INT(
		    StringCchPrintfW(line, size, u"%s%d", u"ab", 1), size >= 4 ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER);
		CHECK_INT(rueda_wcslen(line), MIN(size - 1, (size_t)3));
		CHECK_INT(line[MAX(size, (size_t)4)], 0x5a5a);
	}
	CHECK_INT(StringCchCopyNW(line, 8, u"abc", 2), S_OK);
	CHECK_WIDE(line, "ab");
	CHECK_INT(StringCchCopyNW(line, 3, u"abc", 2), S_OK);
	CHECK_INT(StringCchCopyNW(line, 2, u"abc", 2), STRSAFE_E_INSUFFICIENT_BUFFER);
	CHECK_INT(StringCbPrintfW(line, 8, u"%d", 123), S_OK);
	CHECK_INT(StringCbPrintfW(line, 7, u"%d", 123), STRSAFE_E_INSUFFICIENT_BUFFER);
	CHECK_WIDE(line, "12");
}

TEST(joins_are_cut_to_fit)
{
	CHECK_INT(StringCchCopyW(line, 8, u"abc"), S_OK);
	CHECK_INT(StringCchCatW(line, 6, u"de"), S_OK);
	CHECK_WIDE(line, "abcde");
	CHECK_INT(StringCchCatW(line, 7, u"fg"), STRSAFE_E_INSUFFICIENT_BUFFER);
	CHECK_WIDE(line, "abcdef");
	CHECK_INT(StringCchCatNW(line, 8, u"ghi", 1), S_OK);
	CHECK_WIDE(line, "abcdefg");
	CHECK_INT(StringCbCatW(line, 16, u""), S_OK);
	CHECK_INT(StringCchCatW(line, 7, u""), STRSAFE_E_INVALID_PARAMETER); /* Not terminated within 7. */
}

TEST(lengths_are_within_the_size)
{
	size_t len = 77;

	CHECK_INT(StringCchLengthW(u"abc", 4, &len), S_OK);
	CHECK_INT(len, 3);
	CHECK_INT(StringCbLengthW(u"abc", 8, &len), S_OK);
	CHECK_INT(len, 6);
	CHECK_INT(StringCchLengthW(u"abc", 3, &len), STRSAFE_E_INVALID_PARAMETER);
	CHECK_INT(StringCchLengthW(NULL, 3, &len), STRSAFE_E_INVALID_PARAMETER);
	CHECK_INT(len, 6);
	CHECK_INT(StringCchLengthW(u"", 1, NULL), S_OK);
}

TEST(bad_sizes_and_formats_are_refused)
{
	fill();
	CHECK_INT(StringCchCopyW(line, 0, u"a"), STRSAFE_E_INVALID_PARAMETER);
	CHECK_INT(StringCchCopyW(line, (size_t)STRSAFE_MAX_CCH + 1, u"a"), STRSAFE_E_INVALID_PARAMETER);
	CHECK_INT(StringCchCatW(line, 0, u"a"), STRSAFE_E_INVALID_PARAMETER);
	CHECK_INT(StringCchPrintfW(line, 0, u"a"), STRSAFE_E_INVALID_PARAMETER);
	CHECK_INT(StringCbCopyW(line, 1, u"a"), STRSAFE_E_INVALID_PARAMETER);
	CHECK_INT(line[0], 0x5a5a);
	CHECK_INT(StringCchPrintfW(line, 4, u"%n"), STRSAFE_E_INVALID_PARAMETER);
	CHECK_WIDE(line, "");
}
