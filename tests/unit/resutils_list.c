/* Values out of property lists, by name and one after the other; lists that are damaged.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/property.h"
#include "lib/resutils/item.h"
#include "tests/lib/failalloc.h"

#define W(text) ((LPCWSTR)u"" text)

static struct buf sample(void)
{
	struct buf b = { 0 };

	proplist_begin(&b);
	proplist_add(&b, U16("Text"), PROP_SZ, u"text", 10);
	proplist_property_begin(&b, U16("Path"));
	prop_value_add(&b, PROP_LIST_VALUE(PROP_EXPAND_SZ), u"%A%", 8);
	prop_value_add(&b, PROP_LIST_VALUE(PROP_EXPANDED_SZ), u"/a", 6);
	proplist_property_end(&b);
	proplist_add(&b, U16("Number"), PROP_DWORD, "\7\0\0\0", 4);
	proplist_add(&b, U16("Long"), PROP_LONG, "\xff\xff\xff\xff", 4);
	proplist_add(&b, U16("Bytes"), PROP_BINARY, "abc", 3);
	proplist_add(&b, U16("Texts"), PROP_MULTI_SZ, u"a\0b\0", 10);
	proplist_add(&b, U16("Large"), PROP_ULARGE_INTEGER, "12345678", 8);
	proplist_add(&b, U16("Time"), PROP_FILETIME, "12345678", 8);
	proplist_add(&b, U16("Gone"), PROP_SZ, NULL, 0);
	proplist_end(&b);
	CHECK_INT(b.error, 0);
	return b;
}

/* Each of the nine functions on one property: its code. */
static DWORD find_as(void *list, DWORD size, LPCWSTR name, unsigned which)
{
	union {
		DWORD number;
		LONG integer;
		ULONGLONG large;
		FILETIME time;
	} out;
	LPWSTR text = NULL;
	LPBYTE bytes = NULL;
	DWORD count, r = 0;

	switch (which) {
	case 0:
		r = ResUtilFindSzProperty(list, size, name, &text);
		break;
	case 1:
		r = ResUtilFindExpandSzProperty(list, size, name, &text);
		break;
	case 2:
		r = ResUtilFindDwordProperty(list, size, name, &out.number);
		break;
	case 3:
		r = ResUtilFindLongProperty(list, size, name, &out.integer);
		break;
	case 4:
		r = ResUtilFindBinaryProperty(list, size, name, &bytes, &count);
		break;
	case 5:
		r = ResUtilFindMultiSzProperty(list, size, name, &text, &count);
		break;
	case 6:
		r = ResUtilFindULargeIntegerProperty(list, size, name, &out.large);
		break;
	case 7:
		r = ResUtilFindFileTimeProperty(list, size, name, &out.time);
		break;
	default:
		r = ResUtilFindExpandedSzProperty(list, size, name, &text);
	}
	LocalFree(text);
	LocalFree(bytes);
	return r;
}
enum { FUNCTIONS = 9 };

TEST(each_format_is_found_by_its_function_and_by_no_other)
{
	static const LPCWSTR names[] = { W("text"), W("PATH"), W("Number"), W("Long"), W("Bytes"), W("Texts"),
		W("Large"), W("Time") };
	struct buf list = sample();

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		for (unsigned which = 0; which < FUNCTIONS; which++) {
			bool found = which == i || (i == 1 && which == FUNCTIONS - 1);

			CHECK_INT(find_as(list.data, (DWORD)list.len, names[i], which), found ? 0 : ERROR_INVALID_DATA);
		}
	for (unsigned which = 0; which < FUNCTIONS; which++) {
		CHECK_INT(find_as(list.data, (DWORD)list.len, W("None"), which), ERROR_FILE_NOT_FOUND);
		CHECK_INT(find_as(list.data, (DWORD)list.len, W("Gone"), which), ERROR_INVALID_DATA);
		CHECK_INT(find_as(NULL, 0, W("Text"), which), ERROR_INVALID_PARAMETER);
		CHECK_INT(find_as(list.data, (DWORD)list.len, NULL, which), ERROR_INVALID_PARAMETER);
	}
	buf_done(&list);
}

TEST(what_is_found_is_the_value)
{
	struct buf list = sample();
	DWORD size = (DWORD)list.len, number, count;
	LPWSTR text;
	LPBYTE bytes;
	LONG integer;
	ULONGLONG large;
	FILETIME time;

	CHECK_INT(ResUtilFindSzProperty(list.data, size, W("Text"), &text), 0);
	CHECK_MEM(text, u"text", 10);
	LocalFree(text);
	CHECK_INT(ResUtilFindSzProperty(list.data, size, W("Text"), NULL), 0);
	CHECK_INT(ResUtilFindSzProperty(list.data, size, W("None"), NULL), 2);
	CHECK_INT(ResUtilFindExpandedSzProperty(list.data, size, W("Path"), &text), 0);
	CHECK_MEM(text, u"/a", 6);
	LocalFree(text);
	CHECK_INT(ResUtilFindBinaryProperty(list.data, size, W("Bytes"), &bytes, &count), 0);
	CHECK_INT(count, 3);
	CHECK_MEM(bytes, "abc", 3);
	LocalFree(bytes);
	CHECK_INT(ResUtilFindMultiSzProperty(list.data, size, W("Texts"), &text, &count), 0);
	CHECK_INT(count, 10);
	LocalFree(text);
	CHECK_INT(ResUtilFindDwordProperty(list.data, size, W("Number"), &number), 0);
	CHECK_INT(number, 7);
	CHECK_INT(ResUtilFindLongProperty(list.data, size, W("Long"), &integer), 0);
	CHECK_INT(integer, -1);
	CHECK_INT(ResUtilFindULargeIntegerProperty(list.data, size, W("Large"), &large), 0);
	CHECK_MEM(&large, "12345678", 8);
	CHECK_INT(ResUtilFindFileTimeProperty(list.data, size, W("Time"), &time), 0);
	CHECK_MEM(&time, "12345678", 8);
	buf_done(&list);
}

TEST(a_damaged_list_gives_nothing_even_from_its_good_part)
{
	struct buf list = sample();

	for (size_t len = 0; len < list.len - 4; len++) {
		void *cut = malloc(len + 1);

		CHECK(cut != NULL);
		memcpy(cut, list.data, len);
		CHECK_INT(find_as(cut, (DWORD)len, W("Text"), 0), ERROR_INVALID_DATA);
		free(cut);
	}
	buf_done(&list);
}

/* A value at the head of what is left of a list. */
static struct buf value(uint16_t format, const void *data, size_t len)
{
	struct buf b = { 0 };

	prop_value_add(&b, PROP_LIST_VALUE(format), data, len);
	buf_u32(&b, 0x12345678); /* What comes next. */
	return b;
}

TEST(a_number_at_the_head_is_taken_if_it_is_in_range)
{
	struct buf b = value(PROP_DWORD, "\7\0\0\0", 4), l = value(PROP_LONG, "\xfe\xff\xff\xff", 4),
		   t = value(PROP_FILETIME, "\5\0\0\0\1\0\0\0", 8);
	LPBYTE at = b.data;
	DWORD left = (DWORD)b.len, number = 1;
	LONG integer = 1;
	FILETIME time = { 0 };

	CHECK_INT(ResUtilGetDwordProperty(&number, (PCLUSPROP_DWORD)at, 0, 8, 9, &at, &left), ERROR_INVALID_PARAMETER);
	CHECK_INT(ResUtilGetDwordProperty(&number, (PCLUSPROP_DWORD)at, 0, 1, 6, &at, &left), ERROR_INVALID_PARAMETER);
	CHECK_INT(ResUtilGetLongProperty(&integer, (PCLUSPROP_LONG)at, 0, 0, 9, &at, &left), ERROR_INVALID_DATA);
	CHECK(number == 1 && at == b.data && left == b.len);
	CHECK_INT(ResUtilGetDwordProperty(&number, (PCLUSPROP_DWORD)at, 0, 7, 7, &at, &left), 0);
	CHECK(number == 7 && at == b.data + 12 && left == 4 && get_le32(at) == 0x12345678);
	at = l.data;
	left = (DWORD)l.len;
	CHECK_INT(ResUtilGetLongProperty(&integer, (PCLUSPROP_LONG)at, 0, -1, 9, &at, &left), ERROR_INVALID_PARAMETER);
	CHECK_INT(ResUtilGetLongProperty(&integer, (PCLUSPROP_LONG)at, 0, -2, 9, &at, &left), 0);
	CHECK_INT(integer, -2);
	at = t.data;
	left = (DWORD)t.len;
	CHECK_INT(ResUtilGetFileTimeProperty(
		      &time, (PCLUSPROP_FILETIME)at, time, (FILETIME){ 6, 1 }, (FILETIME){ 0, 9 }, &at, &left),
	    ERROR_INVALID_PARAMETER);
	CHECK_INT(ResUtilGetFileTimeProperty(
		      &time, (PCLUSPROP_FILETIME)at, time, (FILETIME){ 5, 1 }, (FILETIME){ 5, 1 }, &at, &left),
	    0);
	CHECK(time.dwLowDateTime == 5 && time.dwHighDateTime == 1);
	buf_done(&b);
	buf_done(&l);
	buf_done(&t);
}

TEST(text_and_bytes_at_the_head_replace_what_is_out_of_date)
{
	struct buf b = value(PROP_SZ, u"new", 8), bytes = value(PROP_BINARY, "abcde", 5),
		   texts = value(PROP_MULTI_SZ, u"a\0", 6);
	LPBYTE at = b.data, out_bytes = NULL;
	DWORD left = (DWORD)b.len, size = 0;
	LPWSTR out = LocalAlloc(LMEM_FIXED, 2), old = NULL;

	CHECK_INT(ResUtilGetSzProperty(&out, (PCLUSPROP_SZ)at, W("old"), &at, &left), 0);
	CHECK_MEM(out, u"new", 8);
	CHECK(at == b.data + 16 && left == 4);
	at = b.data;
	left = (DWORD)b.len;
	old = out;
	CHECK_INT(ResUtilGetSzProperty(&out, (PCLUSPROP_SZ)at, out, &at, &left), 0);
	CHECK(out == old && left == 4); /* As it was. */
	LocalFree(out);
	at = bytes.data;
	left = (DWORD)bytes.len;
	CHECK_INT(ResUtilGetBinaryProperty(&out_bytes, &size, (PCLUSPROP_BINARY)at, NULL, 0, &at, &left), 0);
	CHECK(size == 5 && memcmp(out_bytes, "abcde", 5) == 0 && at == bytes.data + 16);
	LocalFree(out_bytes);
	at = texts.data;
	left = (DWORD)texts.len;
	out = NULL;
	CHECK_INT(ResUtilGetMultiSzProperty(&out, &size, (PCLUSPROP_SZ)at, NULL, 0, &at, &left), 0);
	CHECK_INT(size, 6);
	LocalFree(out);
	buf_done(&b);
	buf_done(&bytes);
	buf_done(&texts);
}

TEST(a_value_beyond_what_is_left_is_not_read)
{
	struct buf b = value(PROP_SZ, u"new", 8);

	for (DWORD len = 0; len < 16; len++) {
		uint8_t *cut = malloc(MAX(len, (DWORD)1));
		LPBYTE at = cut;
		LPWSTR out = NULL;
		DWORD left = len;

		CHECK(cut != NULL);
		memcpy(cut, b.data, len);
		CHECK_INT(ResUtilGetSzProperty(&out, (PCLUSPROP_SZ)at, NULL, &at, &left), ERROR_INVALID_DATA);
		CHECK(out == NULL && at == cut && left == len);
		free(cut);
	}
	buf_done(&b);
}

TEST(a_private_list_is_well_formed_and_has_no_common_names)
{
	struct buf list = sample();

	CHECK_INT(ResUtilVerifyPrivatePropertyList(list.data, (DWORD)list.len), 0);
	CHECK_INT(ResUtilVerifyPrivatePropertyList(list.data, (DWORD)list.len - 6), ERROR_INVALID_DATA);
	CHECK_INT(ResUtilVerifyPrivatePropertyList(NULL, 0), ERROR_INVALID_DATA);
	buf_done(&list);
	proplist_begin(&list);
	proplist_add(&list, U16("RESTARTACTION"), PROP_DWORD, "1234", 4);
	proplist_end(&list);
	CHECK_INT(ResUtilVerifyPrivatePropertyList(list.data, (DWORD)list.len), ERROR_INVALID_PARAMETER);
	buf_done(&list);
	proplist_begin(&list);
	proplist_add(&list, U16("x"), PROP_WORD, "12", 2);
	proplist_end(&list);
	CHECK_INT(ResUtilVerifyPrivatePropertyList(list.data, (DWORD)list.len), ERROR_INVALID_PARAMETER);
	buf_done(&list);
}

/* Two tables of one thing: the library may not look at the service's. */
TEST(the_common_names_are_those_of_the_service)
{
	size_t count, listed = 0, only_common = 0;
	const struct property *rows = property_table(PROPERTY_RESOURCE, &count);

	for (size_t i = 0; i < count; i++)
		only_common += !(rows[i].flags & PROPERTY_PRIVATE_TOO);
	for (; list_common_names[listed] != NULL; listed++) {
		const struct property *p = property_find(PROPERTY_RESOURCE, u16_from_z(list_common_names[listed]));

		CHECK(p != NULL && !(p->flags & PROPERTY_PRIVATE_TOO));
	}
	CHECK_INT(listed, only_common);
}

TEST(variables_are_replaced_where_they_are_and_left_where_they_are_not)
{
	static const struct {
		const char16_t *from, *to;
	} cases[] = {
		{ u"", u"" },
		{ u"plain", u"plain" },
		{ u"%RUEDA_T%", u"x€" },
		{ u"a%RUEDA_T%b%RUEDA_T%", u"ax€bx€" },
		{ u"%RUEDA_NONE%", u"%RUEDA_NONE%" },
		{ u"100%", u"100%" },
		{ u"%%", u"%%" },
		{ u"%%RUEDA_T%", u"%x€" },
		{ u"50% of %RUEDA_T%", u"50% of x€" },
	};

	CHECK_INT(setenv("RUEDA_T", "x€", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		LPWSTR got = ResUtilExpandEnvironmentStrings((LPCWSTR)cases[i].from);

		CHECK(got != NULL && u16_equal_exact(u16_from_z((const char16_t *)got), u16_from_z(cases[i].to)));
		LocalFree(got);
	}
	CHECK(ResUtilExpandEnvironmentStrings(NULL) == NULL && GetLastError() == ERROR_INVALID_PARAMETER);
	FAIL_EACH_ALLOCATION
	{
		LPWSTR got = ResUtilExpandEnvironmentStrings(W("%RUEDA_T% and %RUEDA_NONE%"));

		CHECK((got == NULL) == failalloc_hit());
		LocalFree(got);
	}
}

TEST(without_memory_nothing_is_found_and_nothing_is_lost)
{
	struct buf list = sample();

	FAIL_EACH_ALLOCATION
	{
		LPWSTR text = NULL;

		CHECK_INT(ResUtilFindSzProperty(list.data, (DWORD)list.len, W("Text"), &text),
		    failalloc_hit() ? ERROR_NOT_ENOUGH_MEMORY : 0);
		LocalFree(text);
	}
	buf_done(&list);
}
