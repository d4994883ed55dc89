/* Single values of a key, over a registry in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/regfake.h"

#define W(text) ((LPCWSTR)u"" text)

TEST(values_are_read_as_what_they_are)
{
	LPBYTE bytes = NULL;
	DWORD size = 0, number = 0;
	ULONGLONG large = 0;
	LPWSTR text;

	regfake_clear();
	regfake_set(u"", u"text", REG_SZ, u"abc", 8);
	regfake_set(u"", u"no end", REG_SZ, u"abc", 6);
	regfake_set(u"", u"path", REG_EXPAND_SZ, u"/%RUEDA_T%", 22);
	regfake_set(u"", u"bytes", REG_BINARY, "\1\2\3", 3);
	regfake_set(u"", u"nothing", REG_BINARY, NULL, 0);
	regfake_set(u"", u"number", REG_DWORD, "\7\0\0\0", 4);
	regfake_set(u"", u"large", REG_QWORD, "\7\0\0\0\1\0\0\0", 8);
	CHECK_INT(setenv("RUEDA_T", "x", 1), 0);
	text = ResUtilGetSzValue(REGFAKE_ROOT, W("TEXT"));
	CHECK_MEM(text, u"abc", 8);
	LocalFree(text);
	text = ResUtilGetSzValue(REGFAKE_ROOT, W("no end"));
	CHECK_MEM(text, u"abc", 8);
	LocalFree(text);
	text = ResUtilGetExpandSzValue(REGFAKE_ROOT, W("path"), FALSE);
	CHECK_MEM(text, u"/%RUEDA_T%", 22);
	LocalFree(text);
	text = ResUtilGetExpandSzValue(REGFAKE_ROOT, W("path"), TRUE);
	CHECK_MEM(text, u"/x", 6);
	LocalFree(text);
	CHECK_INT(ResUtilGetBinaryValue(REGFAKE_ROOT, W("bytes"), &bytes, &size), 0);
	CHECK(size == 3 && memcmp(bytes, "\1\2\3", 3) == 0);
	LocalFree(bytes);
	CHECK_INT(ResUtilGetBinaryValue(REGFAKE_ROOT, W("nothing"), &bytes, &size), 0);
	CHECK(size == 0 && bytes != NULL);
	LocalFree(bytes);
	CHECK_INT(ResUtilGetDwordValue(REGFAKE_ROOT, W("number"), &number, 5), 0);
	CHECK_INT(number, 7);
	CHECK_INT(ResUtilGetQwordValue(REGFAKE_ROOT, W("large"), &large, 5), 0);
	CHECK(large == (1ull << 32 | 7));
}

TEST(what_is_not_there_is_the_default_or_2_and_another_type_13)
{
	LPBYTE bytes = (LPBYTE)1;
	DWORD number = 0, size;
	ULONGLONG large = 0;

	regfake_clear();
	CHECK_INT(ResUtilGetDwordValue(REGFAKE_ROOT, W("none"), &number, 5), 0);
	CHECK_INT(ResUtilGetQwordValue(REGFAKE_ROOT, W("none"), &large, 6), 0);
	CHECK(number == 5 && large == 6);
	CHECK_INT(ResUtilGetBinaryValue(REGFAKE_ROOT, W("none"), &bytes, &size), ERROR_FILE_NOT_FOUND);
	CHECK(ResUtilGetSzValue(REGFAKE_ROOT, W("none")) == NULL && GetLastError() == ERROR_FILE_NOT_FOUND);
	regfake_set(u"", u"n", REG_DWORD, "\7\0\0", 3);
	CHECK_INT(ResUtilGetDwordValue(REGFAKE_ROOT, W("n"), &number, 9), ERROR_INVALID_DATA);
	CHECK_INT(ResUtilGetQwordValue(REGFAKE_ROOT, W("n"), &large, 9), ERROR_INVALID_DATA);
	CHECK_INT(ResUtilGetBinaryValue(REGFAKE_ROOT, W("n"), &bytes, &size), ERROR_INVALID_DATA);
	CHECK(ResUtilGetSzValue(REGFAKE_ROOT, W("n")) == NULL && GetLastError() == ERROR_INVALID_DATA);
	CHECK(number == 5 && large == 6 && bytes == (LPBYTE)1);
	CHECK_INT(ResUtilGetDwordValue(REGFAKE_ROOT, W("n"), NULL, 9), ERROR_INVALID_PARAMETER);
	CHECK_INT(ResUtilGetDwordValue(REGFAKE_ROOT, NULL, &number, 9), ERROR_INVALID_PARAMETER);
	regfake_fail(ERROR_ACCESS_DENIED);
	CHECK_INT(ResUtilGetDwordValue(REGFAKE_ROOT, W("none"), &number, 5), ERROR_ACCESS_DENIED);
	regfake_clear();
}

TEST(a_long_value_is_read_whole)
{
	uint8_t data[4000];
	LPBYTE bytes;
	DWORD size;

	memset(data, 7, sizeof(data));
	regfake_clear();
	regfake_set(u"", u"long", REG_BINARY, data, sizeof(data));
	CHECK_INT(ResUtilGetBinaryValue(REGFAKE_ROOT, W("long"), &bytes, &size), 0);
	CHECK_INT(size, sizeof(data));
	CHECK_MEM(bytes, data, size);
	LocalFree(bytes);
}

static void check_stored(const char16_t *name, DWORD type, const void *data, size_t len)
{
	DWORD found;
	size_t size;
	const void *stored = regfake_get(u"", name, &found, &size);

	CHECK(stored != NULL && found == type && size == len);
	CHECK_MEM(stored, data, len);
}

TEST(values_are_stored_and_the_copy_is_replaced)
{
	LPWSTR text = ResUtilDupString(W("old")), texts = NULL;
	LPBYTE bytes = NULL;
	DWORD size = 0, number = 0;
	ULONGLONG large = 0;

	regfake_clear();
	CHECK_INT(ResUtilSetSzValue(REGFAKE_ROOT, W("text"), W("new"), &text), 0);
	check_stored(u"text", REG_SZ, u"new", 8);
	CHECK_MEM(text, u"new", 8);
	CHECK_INT(ResUtilSetExpandSzValue(REGFAKE_ROOT, W("path"), W("%a%"), &text), 0);
	check_stored(u"path", REG_EXPAND_SZ, u"%a%", 8);
	CHECK_MEM(text, u"%a%", 8);
	CHECK_INT(ResUtilSetMultiSzValue(REGFAKE_ROOT, W("texts"), W("a\0"), 6, &texts, &size), 0);
	check_stored(u"texts", REG_MULTI_SZ, u"a\0", 6);
	CHECK_INT(size, 6);
	CHECK_INT(
	    ResUtilSetMultiSzValue(REGFAKE_ROOT, W("texts"), W("a\0"), 4, &texts, &size), ERROR_INVALID_PARAMETER);
	CHECK_INT(ResUtilSetBinaryValue(REGFAKE_ROOT, W("bytes"), (LPBYTE) "abc", 3, &bytes, &size), 0);
	check_stored(u"bytes", REG_BINARY, "abc", 3);
	CHECK(size == 3 && memcmp(bytes, "abc", 3) == 0);
	CHECK_INT(ResUtilSetDwordValue(REGFAKE_ROOT, W("number"), 7, &number), 0);
	check_stored(u"number", REG_DWORD, "\7\0\0\0", 4);
	CHECK_INT(number, 7);
	CHECK_INT(ResUtilSetQwordValue(REGFAKE_ROOT, W("large"), 1ull << 32, &large), 0);
	check_stored(u"large", REG_QWORD, "\0\0\0\0\1\0\0\0", 8);
	CHECK_INT(ResUtilSetValueEx(REGFAKE_ROOT, W("any"), 77, (LPBYTE) "x", 1, 0), 0);
	check_stored(u"any", 77, "x", 1);
	CHECK_INT(ResUtilSetValueEx(REGFAKE_ROOT, W("any"), 77, (LPBYTE) "x", 1, 1), ERROR_INVALID_PARAMETER);
	CHECK_INT(ResUtilSetSzValue(REGFAKE_ROOT, W("alone"), W("x"), NULL), 0);
	CHECK_INT(ResUtilSetSzValue(REGFAKE_ROOT, W("alone"), NULL, &text), ERROR_INVALID_PARAMETER);
	LocalFree(text);
	LocalFree(texts);
	LocalFree(bytes);
}

TEST(what_is_not_stored_leaves_the_copy_as_it_is)
{
	LPWSTR text = ResUtilDupString(W("old"));
	DWORD number = 1;

	regfake_clear();
	regfake_fail(ERROR_ACCESS_DENIED);
	CHECK_INT(ResUtilSetSzValue(REGFAKE_ROOT, W("text"), W("new"), &text), ERROR_ACCESS_DENIED);
	CHECK_INT(ResUtilSetDwordValue(REGFAKE_ROOT, W("number"), 7, &number), ERROR_ACCESS_DENIED);
	CHECK_MEM(text, u"old", 8);
	CHECK_INT(number, 1);
	regfake_clear();
	FAIL_EACH_ALLOCATION
	{
		LPWSTR copy = NULL;
		DWORD r;

		regfake_clear();
		r = ResUtilSetSzValue(REGFAKE_ROOT, W("text"), W("new"), &copy);
		CHECK_INT(r, failalloc_hit() ? ERROR_NOT_ENOUGH_MEMORY : 0);
		CHECK_INT(regfake_count(), r == 0);
		LocalFree(copy);
	}
	LocalFree(text);
}
