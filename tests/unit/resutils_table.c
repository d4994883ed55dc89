/* Property tables between a list, a key and a parameter block, over a registry in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/regfake.h"

#define W(text) ((LPWSTR)u"" text)

struct params {
	DWORD number, optional;
	LONG integer;
	LPWSTR text, path;
	struct {
		LPWSTR texts;
		DWORD size;
	} texts;
	struct {
		LPBYTE bytes;
		DWORD size;
	} bytes;
	ULONGLONG large;
	FILETIME time;
};

static RESUTIL_ULARGEINT_DATA large_range = {
	.Default.QuadPart = 50, .Minimum.QuadPart = 10, .Maximum.QuadPart = 1ull << 40
};

#define AT(member) .Offset = offsetof(struct params, member)
static RESUTIL_PROPERTY_ITEM table[] = {
	{ .Name = W("Number"),
	    .Format = PROP_DWORD,
	    .Default = 5,
	    .Minimum = 1,
	    .Maximum = 9,
	    .Flags = RESUTIL_PROPITEM_REQUIRED,
	    AT(number) },
	{ .Name = W("Optional"),
	    .Format = PROP_DWORD,
	    .Default = 6,
	    .Minimum = 0,
	    .Maximum = UINT32_MAX,
	    AT(optional) },
	{ .Name = W("Integer"),
	    .Format = PROP_LONG,
	    .Default = (DWORD)-2,
	    .Minimum = (DWORD)-5,
	    .Maximum = 5,
	    AT(integer) },
	{ .Name = W("Text"), .Format = PROP_SZ, .lpDefault = (LPVOID)u"standard", AT(text) },
	{ .Name = W("Path"), .KeyName = W("Below"), .Format = PROP_EXPAND_SZ, AT(path) },
	{ .Name = W("Texts"), .Format = PROP_MULTI_SZ, .lpDefault = (LPVOID)u"x\0", .Minimum = 6, AT(texts) },
	{ .Name = W("Bytes"), .Format = PROP_BINARY, AT(bytes) },
	{ .Name = W("Large"), .Format = PROP_ULARGE_INTEGER, .ULargeIntData = &large_range, AT(large) },
	{ .Name = W("Time"), .Format = PROP_FILETIME, AT(time) },
	{ 0 },
};
/* Two more that are not stored, and not set from outside. */
static RESUTIL_PROPERTY_ITEM special[] = {
	{ .Name = W("Fixed"), .Format = PROP_DWORD, .Default = 1, .Maximum = 9, .Flags = RESUTIL_PROPITEM_READ_ONLY },
	{ .Name = W("Memory"), .Format = PROP_DWORD, .Default = 2, .Maximum = 9, .Flags = RESUTIL_PROPITEM_IN_MEMORY },
	{ 0 },
};

static struct buf list_of(struct u16 name, uint16_t format, const void *data, size_t len)
{
	struct buf b = { 0 };

	proplist_begin(&b);
	proplist_add(&b, name, format, data, len);
	proplist_end(&b);
	return b;
}

/* Something for each row. */
static struct buf whole_list(void)
{
	struct buf b = { 0 };

	proplist_begin(&b);
	proplist_add(&b, U16("number"), PROP_DWORD, "\3\0\0\0", 4);
	proplist_add(&b, U16("Optional"), PROP_DWORD, "\4\0\0\0", 4);
	proplist_add(&b, U16("Integer"), PROP_LONG, "\xfb\xff\xff\xff", 4);
	proplist_add(&b, U16("Text"), PROP_SZ, u"text", 10);
	proplist_add(&b, U16("Path"), PROP_EXPAND_SZ, u"/a", 6);
	proplist_add(&b, U16("Texts"), PROP_MULTI_SZ, u"a\0b\0", 10);
	proplist_add(&b, U16("Bytes"), PROP_BINARY, "abc", 3);
	proplist_add(&b, U16("Large"), PROP_ULARGE_INTEGER, "\x0b\0\0\0\0\0\0\0", 8);
	proplist_add(&b, U16("Time"), PROP_FILETIME, "12345678", 8);
	proplist_end(&b);
	return b;
}

static void check_whole(const struct params *p)
{
	CHECK(p->number == 3 && p->optional == 4 && p->integer == -5 && p->large == 11);
	CHECK_MEM(p->text, u"text", 10);
	CHECK_MEM(p->path, u"/a", 6);
	CHECK_INT(p->texts.size, 10);
	CHECK_MEM(p->texts.texts, u"a\0b\0", 10);
	CHECK_INT(p->bytes.size, 3);
	CHECK_MEM(p->bytes.bytes, "abc", 3);
	CHECK_MEM(&p->time, "12345678", 8);
}

static void check_stored(const char16_t *key, const char16_t *name, DWORD type, const void *data, size_t len)
{
	DWORD found;
	size_t size;
	const void *stored = regfake_get(key, name, &found, &size);

	CHECK(stored != NULL && found == type && size == len);
	CHECK_MEM(stored, data, len);
}

static void check_all_stored(void)
{
	check_stored(u"", u"Number", REG_DWORD, "\3\0\0\0", 4);
	check_stored(u"", u"Integer", REG_DWORD, "\xfb\xff\xff\xff", 4);
	check_stored(u"", u"Text", REG_SZ, u"text", 10);
	check_stored(u"Below", u"Path", REG_EXPAND_SZ, u"/a", 6);
	check_stored(u"", u"Texts", REG_MULTI_SZ, u"a\0b\0", 10);
	check_stored(u"", u"Bytes", REG_BINARY, "abc", 3);
	check_stored(u"", u"Large", REG_QWORD, "\x0b\0\0\0\0\0\0\0", 8);
	check_stored(u"", u"Time", REG_QWORD, "12345678", 8);
	CHECK_INT(regfake_open, 0);
}

TEST(a_list_goes_into_a_block_and_under_a_key_and_comes_back)
{
	struct buf list = whole_list();
	struct params p = { 0 }, again = { 0 };
	BYTE out[1024], from_block[1024];
	DWORD size = sizeof(from_block), returned, required;
	LPWSTR wrong = W("untouched");

	regfake_clear();
	CHECK_INT(ResUtilVerifyPropertyTable(table, NULL, FALSE, list.data, (DWORD)list.len, (LPBYTE)&p), 0);
	check_whole(&p);
	CHECK_INT(regfake_writes, 0);
	CHECK_INT(ResUtilSetPropertyTable(REGFAKE_ROOT, table, NULL, FALSE, list.data, (DWORD)list.len, NULL), 0);
	check_all_stored();
	CHECK_INT(ResUtilGetPropertiesToParameterBlock(REGFAKE_ROOT, table, (LPBYTE)&again, TRUE, &wrong), 0);
	CHECK(wrong == NULL);
	check_whole(&again);
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, table, out, sizeof(out), &returned, &required), 0);
	CHECK_INT(ResUtilPropertyListFromParameterBlock(table, from_block, &size, (LPBYTE)&again, &size, &required), 0);
	CHECK_INT(size, returned);
	CHECK_MEM(out, from_block, returned);
	CHECK_INT(ResUtilSetPropertyTable(REGFAKE_ROOT, table, NULL, FALSE, out, returned, NULL), 0);
	ResUtilFreeParameterBlock((LPBYTE)&p, NULL, table);
	ResUtilFreeParameterBlock((LPBYTE)&again, NULL, table);
	buf_done(&list);
}

TEST(what_is_not_stored_has_its_default)
{
	struct params p = { 0 };
	struct proplist list;
	BYTE out[1024];
	DWORD returned;

	regfake_clear();
	regfake_set(u"", u"Optional", REG_SZ, u"1", 4);      /* Of another type. */
	regfake_set(u"", u"Number", REG_DWORD, "\7\0\0", 3); /* Of another size. */
	CHECK_INT(ResUtilGetPropertiesToParameterBlock(REGFAKE_ROOT, table, (LPBYTE)&p, FALSE, NULL), 0);
	CHECK(p.number == 5 && p.optional == 6 && p.integer == -2 && p.large == 50);
	CHECK_MEM(p.text, u"standard", 18);
	CHECK(p.path == NULL && p.bytes.bytes == NULL && p.bytes.size == 0);
	CHECK(p.texts.size == 6 && memcmp(p.texts.texts, u"x\0", 6) == 0);
	ResUtilFreeParameterBlock((LPBYTE)&p, NULL, table);
	CHECK(p.text == NULL && p.texts.texts == NULL);
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, table, out, sizeof(out), &returned, NULL), 0);
	CHECK_INT(proplist_find(&list, out, returned, U16("Path")), 1);
	CHECK_INT(proplist_value(&list).len, 2); /* Empty text. */
}

TEST(a_required_value_that_is_missing_and_one_out_of_range_are_named)
{
	struct params p = { 0 };
	LPWSTR wrong = NULL;

	regfake_clear();
	CHECK_INT(
	    ResUtilGetPropertiesToParameterBlock(REGFAKE_ROOT, table, (LPBYTE)&p, TRUE, &wrong), ERROR_FILE_NOT_FOUND);
	CHECK(wrong == table[0].Name);
	regfake_set(u"", u"Number", REG_DWORD, "\1\0\0\0", 4);
	regfake_set(u"", u"Integer", REG_DWORD, "\6\0\0\0", 4);
	CHECK_INT(
	    ResUtilGetPropertiesToParameterBlock(REGFAKE_ROOT, table, (LPBYTE)&p, TRUE, &wrong), ERROR_INVALID_DATA);
	CHECK(wrong == table[2].Name);
	ResUtilFreeParameterBlock((LPBYTE)&p, NULL, table);
}

TEST(a_list_that_breaks_the_table_is_refused_before_anything_is_stored)
{
	static const struct {
		struct u16 name;
		uint16_t format;
		const void *data;
		size_t len;
		DWORD want;
	} cases[] = {
		{ U16("Number"), PROP_DWORD, "\0\0\0\0", 4, 87 },
		{ U16("Number"), PROP_DWORD, "\x0a\0\0\0", 4, 87 },
		{ U16("Number"), PROP_LONG, "\1\0\0\0", 4, 87 },
		{ U16("Number"), PROP_DWORD, NULL, 0, 87 }, /* Required. */
		{ U16("Optional"), PROP_DWORD, NULL, 0, 0 },
		{ U16("Optional"), PROP_UNKNOWN, NULL, 0, 0 },
		{ U16("Optional"), PROP_SZ, NULL, 0, 87 },
		{ U16("Integer"), PROP_LONG, "\xfa\xff\xff\xff", 4, 87 },
		{ U16("Integer"), PROP_LONG, "\5\0\0\0", 4, 0 },
		{ U16("Large"), PROP_ULARGE_INTEGER, "\x09\0\0\0\0\0\0\0", 8, 87 },
		{ U16("Large"), PROP_ULARGE_INTEGER, "\0\0\0\0\0\1\0\0", 8, 0 },
		{ U16("Large"), PROP_ULARGE_INTEGER, "\1\0\0\0\0\1\0\0", 8, 87 },
		{ U16("Text"), PROP_EXPAND_SZ, u"x", 4, 87 },
		{ U16("Unknown"), PROP_DWORD, "\1\0\0\0", 4, 87 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf list = list_of(cases[i].name, cases[i].format, cases[i].data, cases[i].len);
		struct params p = { 0 };
		DWORD verified = ResUtilVerifyPropertyTable(table, NULL, FALSE, list.data, (DWORD)list.len, (LPBYTE)&p);

		regfake_clear();
		CHECK_INT(ResUtilSetPropertyTable(REGFAKE_ROOT, table, NULL, FALSE, list.data, (DWORD)list.len, NULL),
		    verified);
		if (verified != cases[i].want)
			test_fail(__FILE__, __LINE__, "case %zu: %u", i, verified);
		CHECK(verified == 0 || regfake_writes == 0);
		ResUtilFreeParameterBlock((LPBYTE)&p, NULL, table);
		buf_done(&list);
	}
	CHECK_INT(ResUtilVerifyPropertyTable(table, NULL, TRUE, NULL, 0, NULL), ERROR_INVALID_DATA);
	CHECK_INT(ResUtilVerifyPropertyTable(NULL, NULL, TRUE, "\0\0\0\0", 4, NULL), ERROR_BAD_ARGUMENTS);
	CHECK_INT(ResUtilVerifyPropertyTable(table, table, TRUE, "\0\0\0\0", 4, NULL), ERROR_BAD_ARGUMENTS);
}

TEST(unknown_properties_are_stored_if_they_are_allowed)
{
	struct buf list = list_of(U16("Unknown"), PROP_DWORD, "\1\0\0\0", 4),
		   word = list_of(U16("Word"), PROP_WORD, "12", 2),
		   gone = list_of(U16("Unknown"), PROP_UNKNOWN, NULL, 0);

	regfake_clear();
	CHECK_INT(ResUtilSetPropertyTable(REGFAKE_ROOT, table, NULL, TRUE, list.data, (DWORD)list.len, NULL), 0);
	check_stored(u"", u"Unknown", REG_DWORD, "\1\0\0\0", 4);
	CHECK_INT(ResUtilSetPropertyTable(REGFAKE_ROOT, table, NULL, TRUE, word.data, (DWORD)word.len, NULL), 87);
	CHECK_INT(ResUtilSetUnknownProperties(REGFAKE_ROOT, table, gone.data, (DWORD)gone.len), 0);
	CHECK_INT(regfake_count(), 0);
	CHECK_INT(ResUtilSetUnknownProperties(REGFAKE_ROOT, table, gone.data, (DWORD)gone.len), 0);
	CHECK_INT(ResUtilSetPrivatePropertyList(REGFAKE_ROOT, list.data, (DWORD)list.len), 0);
	CHECK_INT(regfake_count(), 1);
	CHECK_INT(ResUtilSetPrivatePropertyList(REGFAKE_ROOT, word.data, (DWORD)word.len), 87);
	CHECK_INT(ResUtilSetPrivatePropertyList(REGFAKE_ROOT, word.data, 4), ERROR_INVALID_DATA);
	buf_done(&list);
	buf_done(&word);
	buf_done(&gone);
}

TEST(only_what_changed_is_written_unless_it_is_forced)
{
	struct buf list = whole_list();
	struct params p = { 0 }, out = { 0 };
	size_t all;

	regfake_clear();
	CHECK_INT(ResUtilSetPropertyTable(REGFAKE_ROOT, table, NULL, FALSE, list.data, (DWORD)list.len, (LPBYTE)&p), 0);
	all = regfake_writes;
	check_whole(&p);
	CHECK_INT(ResUtilSetPropertyTable(REGFAKE_ROOT, table, NULL, FALSE, list.data, (DWORD)list.len, NULL), 0);
	CHECK_INT(ResUtilSetPropertyParameterBlock(REGFAKE_ROOT, table, NULL, (LPBYTE)&p, NULL, 0, (LPBYTE)&out), 0);
	CHECK_INT(regfake_writes, all);
	check_whole(&out);
	CHECK_INT(
	    ResUtilSetPropertyTableEx(REGFAKE_ROOT, table, NULL, FALSE, list.data, (DWORD)list.len, TRUE, NULL), 0);
	CHECK_INT(regfake_writes, 2 * all);
	p.number = 9;
	CHECK_INT(ResUtilSetPropertyParameterBlock(REGFAKE_ROOT, table, NULL, (LPBYTE)&p, NULL, 0, NULL), 0);
	CHECK_INT(regfake_writes, 2 * all + 1);
	check_stored(u"", u"Number", REG_DWORD, "\x09\0\0\0", 4);
	CHECK_INT(ResUtilSetPropertyParameterBlockEx(REGFAKE_ROOT, table, NULL, (LPBYTE)&p, NULL, 0, TRUE, NULL), 0);
	CHECK_INT(regfake_writes, 3 * all + 1);
	ResUtilFreeParameterBlock((LPBYTE)&p, NULL, table);
	ResUtilFreeParameterBlock((LPBYTE)&out, NULL, table);
	buf_done(&list);
}

TEST(a_copy_of_a_block_is_its_own_and_freeing_spares_what_is_shared)
{
	struct buf list = whole_list();
	struct params p = { 0 }, copy;

	memset(&copy, 0xa5, sizeof(copy)); /* Whatever was there is not taken for ours. */
	CHECK_INT(ResUtilVerifyPropertyTable(table, NULL, FALSE, list.data, (DWORD)list.len, (LPBYTE)&p), 0);
	CHECK_INT(ResUtilDupParameterBlock((LPBYTE)&copy, (LPBYTE)&p, table), 0);
	check_whole(&copy);
	CHECK(copy.text != p.text && copy.bytes.bytes != p.bytes.bytes);
	LocalFree(copy.text);
	copy.text = p.text;
	ResUtilFreeParameterBlock((LPBYTE)&copy, (LPBYTE)&p, table);
	check_whole(&p);
	ResUtilFreeParameterBlock((LPBYTE)&p, NULL, table);
	ResUtilFreeParameterBlock(NULL, NULL, table);
	buf_done(&list);
}

TEST(read_only_entries_are_shown_and_not_set_and_those_in_memory_are_not_stored)
{
	struct buf fixed = list_of(U16("Fixed"), PROP_DWORD, "\2\0\0\0", 4),
		   memory = list_of(U16("Memory"), PROP_DWORD, "\3\0\0\0", 4);
	struct proplist p;
	DWORD params = 0, returned;
	BYTE out[256];

	regfake_clear();
	regfake_set(u"", u"Memory", REG_DWORD, "\7\0\0\0", 4);
	CHECK_INT(ResUtilVerifyPropertyTable(special, NULL, FALSE, fixed.data, (DWORD)fixed.len, NULL), 87);
	CHECK_INT(ResUtilSetPropertyTable(
		      REGFAKE_ROOT, special, NULL, FALSE, memory.data, (DWORD)memory.len, (LPBYTE)&params),
	    0);
	CHECK(params == 3 && regfake_writes == 0);
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, special, out, sizeof(out), &returned, NULL), 0);
	CHECK_INT(proplist_find(&p, out, returned, U16("Memory")), 1);
	CHECK_INT(get_le32(proplist_value(&p).data), 2);
	CHECK_INT(proplist_find(&p, out, returned, U16("Fixed")), 1);
	buf_done(&fixed);
	buf_done(&memory);
}

TEST(names_and_formats_and_unknown_values_are_listed)
{
	DWORD returned, required, count = 0, size = 0, one;
	BYTE out[1024], *at = out;
	struct proplist p;

	regfake_clear();
	regfake_set(u"", u"Extra", REG_EXPAND_SZ, u"%RUEDA_T%", 20);
	regfake_set(u"", u"Optional", REG_DWORD, "\1\0\0\0", 4);
	CHECK_INT(setenv("RUEDA_T", "here", 1), 0);
	CHECK_INT(ResUtilEnumProperties(special, (LPWSTR)(void *)out, sizeof(out), &returned, &required), 0);
	CHECK(returned == 28 && memcmp(out, u"Fixed\0Memory\0", 28) == 0);
	CHECK_INT(
	    ResUtilEnumPrivateProperties(REGFAKE_ROOT, (LPWSTR)(void *)out, sizeof(out), &returned, &required), 0);
	CHECK(returned == 32 && memcmp(out, u"Extra\0Optional\0", 32) == 0);
	CHECK_INT(ResUtilGetPropertyFormats(special, out, sizeof(out), &returned, NULL), 0);
	CHECK_INT(proplist_find(&p, out, returned, U16("Memory")), 1);
	CHECK_INT(get_le16(proplist_value(&p).data), PROP_DWORD);
	CHECK_INT(ResUtilGetPrivateProperties(REGFAKE_ROOT, out, sizeof(out), &returned, NULL), 0);
	CHECK_INT(proplist_find(&p, out, returned, U16("Optional")), 1);
	CHECK_INT(ResUtilGetAllProperties(REGFAKE_ROOT, table, out, sizeof(out), &returned, NULL), 0);
	CHECK_INT(get_le32(out), 10); /* Nine rows, and the one that is none. */
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, special, out, sizeof(out), &returned, NULL), 0);
	CHECK_INT(ResUtilAddUnknownProperties(REGFAKE_ROOT, table, out, sizeof(out), &returned, &required), 0);
	CHECK_INT(get_le32(out), 3);
	CHECK_INT(proplist_find(&p, out, returned, U16("Extra")), 1);
	CHECK_INT(ResUtilAddUnknownProperties(REGFAKE_ROOT, table, out, returned, &one, &required), ERROR_MORE_DATA);
	CHECK_INT(ResUtilFindExpandedSzProperty(out, returned, W("Extra"), NULL), 0);
	for (RESUTIL_PROPERTY_ITEM *item = table; item->Name != NULL; item++)
		CHECK_INT(ResUtilGetPropertySize(REGFAKE_ROOT, item, &size, &count), 0);
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, table, NULL, 0, &returned, &required), ERROR_MORE_DATA);
	CHECK(count == 9 && required == 4 + size + 4 && returned == 0);
	one = size;
	for (RESUTIL_PROPERTY_ITEM *item = table; item->Name != NULL; item++)
		CHECK_INT(ResUtilGetProperty(REGFAKE_ROOT, item, (PVOID *)&at, &one), 0);
	CHECK(one == 0 && at == out + size);
	CHECK_INT(ResUtilGetProperty(REGFAKE_ROOT, table, (PVOID *)&at, &one), ERROR_MORE_DATA);
}

TEST(a_buffer_one_byte_too_small_is_told_the_size)
{
	BYTE out[1024];
	DWORD returned, required, size;

	regfake_clear();
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, table, out, sizeof(out), &size, &required), 0);
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, table, out, size - 1, &returned, &required), ERROR_MORE_DATA);
	CHECK(returned == 0 && required == size);
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, table, out, size, &returned, &required), 0);
	CHECK(returned == size);
}

TEST(an_error_of_the_registry_is_handed_on_and_no_key_stays_open)
{
	struct buf list = whole_list();
	struct params p = { 0 };
	BYTE out[1024];

	regfake_clear();
	regfake_fail(ERROR_ACCESS_DENIED);
	CHECK_INT(ResUtilSetPropertyTable(REGFAKE_ROOT, table, NULL, FALSE, list.data, (DWORD)list.len, NULL), 5);
	CHECK_INT(ResUtilGetProperties(REGFAKE_ROOT, table, out, sizeof(out), NULL, NULL), 5);
	CHECK_INT(ResUtilGetAllProperties(REGFAKE_ROOT, NULL, out, sizeof(out), NULL, NULL), 5);
	CHECK_INT(ResUtilEnumPrivateProperties(REGFAKE_ROOT, (LPWSTR)(void *)out, sizeof(out), NULL, NULL), 5);
	CHECK_INT(ResUtilGetPropertiesToParameterBlock(REGFAKE_ROOT, table, (LPBYTE)&p, FALSE, NULL), 5);
	CHECK_INT(regfake_open, 0);
	regfake_clear();
	buf_done(&list);
}

TEST(without_memory_nothing_leaks)
{
	struct buf list = whole_list();

	FAIL_EACH_ALLOCATION
	{
		struct params p = { 0 }, copy = { 0 };
		BYTE out[1024];
		DWORD r, size = sizeof(out);

		regfake_clear();
		r = ResUtilVerifyPropertyTable(table, NULL, FALSE, list.data, (DWORD)list.len, (LPBYTE)&p);
		if (r == 0)
			r = ResUtilDupParameterBlock((LPBYTE)&copy, (LPBYTE)&p, table);
		if (r == 0)
			r = ResUtilSetPropertyParameterBlock(
			    REGFAKE_ROOT, table, NULL, (LPBYTE)&p, NULL, 0, (LPBYTE)&copy);
		if (r == 0)
			r = ResUtilGetAllProperties(REGFAKE_ROOT, table, out, sizeof(out), NULL, NULL);
		if (r == 0)
			r = ResUtilGetPropertiesToParameterBlock(REGFAKE_ROOT, table, (LPBYTE)&copy, TRUE, NULL);
		if (r == 0)
			r = ResUtilPropertyListFromParameterBlock(table, out, &size, (LPBYTE)&copy, &size, NULL);
		if (r == 0)
			check_whole(&copy);
		CHECK_INT(r, failalloc_hit() ? ERROR_NOT_ENOUGH_MEMORY : 0);
		CHECK_INT(regfake_open, 0);
		ResUtilFreeParameterBlock((LPBYTE)&p, NULL, table);
		ResUtilFreeParameterBlock((LPBYTE)&copy, NULL, table);
	}
	buf_done(&list);
}
