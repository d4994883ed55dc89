/* Property lists: the captured bytes, every form of a value, every cut and every lie about a length.
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/proplist.h"
#include "tests/lib/failalloc.h"

/* As in the digest of the protocol: one property FixQuorum = DWORD 0, with the final end mark. */
static const uint8_t captured[] = {
	// clang-format off
	0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x14, 0x00, 0x00, 0x00, 0x46, 0x00, 0x69, 0x00,
	0x78, 0x00, 0x51, 0x00, 0x75, 0x00, 0x6f, 0x00, 0x72, 0x00, 0x75, 0x00, 0x6d, 0x00, 0x00, 0x00,
	0x02, 0x00, 0x01, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00,
	// clang-format on
};
enum { FINAL_MARK = 4 };

static struct buf list_of(struct u16 name, uint32_t syntax, const void *data, size_t len)
{
	struct buf b = { 0 };

	proplist_begin(&b);
	proplist_property_begin(&b, name);
	prop_value_add(&b, syntax, data, len);
	proplist_property_end(&b);
	proplist_end(&b);
	CHECK_INT(b.error, 0);
	return b;
}

static int check_value(uint32_t syntax, const void *data, size_t len)
{
	struct buf b = list_of(U16("x"), syntax, data, len);
	int r = proplist_check(b.data, b.len);

	buf_done(&b);
	return r;
}

TEST(the_captured_list_is_written_byte_for_byte_and_read)
{
	struct buf b = { 0 };
	struct prop_value v;
	struct proplist p;

	proplist_begin(&b);
	proplist_add(&b, U16("FixQuorum"), PROP_DWORD, "\0\0\0\0", 4);
	proplist_end(&b);
	CHECK_INT(b.len, sizeof(captured));
	CHECK_MEM(b.data, captured, sizeof(captured));
	buf_done(&b);

	proplist_init(&p, captured, sizeof(captured));
	CHECK_INT(proplist_next(&p), 1);
	CHECK(u16_equal_exact(p.name, U16("FixQuorum")));
	v = proplist_value(&p);
	CHECK_INT(v.syntax, 0x00010002);
	CHECK_INT(v.len, 4);
	CHECK_INT(get_le32(v.data), 0);
	CHECK_INT(proplist_next(&p), 0);
	CHECK_INT(proplist_next(&p), 0);
}

TEST(the_final_end_mark_may_be_missing_and_what_follows_the_list_does_not_matter)
{
	uint8_t larger[sizeof(captured) + 7];

	CHECK_INT(proplist_check(captured, sizeof(captured) - FINAL_MARK), 0);
	memset(larger, 0xa5, sizeof(larger));
	memcpy(larger, captured, sizeof(captured) - FINAL_MARK);
	CHECK_INT(proplist_check(larger, sizeof(larger)), 0);
	CHECK_INT(proplist_check("\0\0\0\0", 4), 0);
	CHECK_INT(proplist_check("\0\0\0\0\0\0\0\0", 8), 0);
}

TEST(every_cut_of_a_list_is_refused)
{
	for (size_t len = 0; len < sizeof(captured) - FINAL_MARK; len++) {
		uint8_t *cut = malloc(len);

		CHECK(cut != NULL || len == 0);
		if (len > 0)
			memcpy(cut, captured, len);
		CHECK_INT(proplist_check(cut, len), ERR_INVALID_DATA);
		free(cut);
	}
}

TEST(every_lie_about_a_length_or_a_count_is_refused)
{
	static const size_t lengths[] = { 8, 36 };
	static const uint32_t lies[] = { 0, 1, 3, 5, 0x13, 0x15, 0x18, 0x100, 0x7fffffff, 0x80000000, 0xfffffffc,
		UINT32_MAX };
	uint8_t bytes[sizeof(captured)];

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		for (size_t j = 0; j < ARRAY_SIZE(lies); j++) {
			memcpy(bytes, captured, sizeof(bytes));
			put_le32(bytes + lengths[i], lies[j]);
			/* A value without data is no lie: then the data is the end mark, and what follows does not matter. */
			CHECK_INT(proplist_check(bytes, sizeof(bytes)),
			    lengths[i] == 36 && lies[j] == 0 ? 0 : ERR_INVALID_DATA);
		}
	memcpy(bytes, captured, sizeof(bytes));
	for (uint32_t count = 2; count < 5; count++) {
		put_le32(bytes, count);
		CHECK_INT(proplist_check(bytes, sizeof(bytes)), ERR_INVALID_DATA);
	}
	put_le32(bytes, UINT32_MAX);
	CHECK_INT(proplist_check(bytes, sizeof(bytes)), ERR_INVALID_DATA);
}

TEST(an_error_stays)
{
	struct proplist p;

	proplist_init(&p, captured, 20);
	CHECK_INT(proplist_next(&p), ERR_INVALID_DATA);
	CHECK_INT(proplist_next(&p), ERR_INVALID_DATA);
}

TEST(a_value_has_the_form_of_its_format)
{
	static const struct {
		uint16_t format;
		const char *data;
		size_t len;
		bool good;
	} values[] = {
		{ PROP_DWORD, "1234", 4, true },
		{ PROP_DWORD, "12345678", 8, false },
		{ PROP_DWORD, "123", 3, false },
		{ PROP_LONG, "1234", 4, true },
		{ PROP_LONG, "12", 2, false },
		{ PROP_WORD, "12", 2, true },
		{ PROP_WORD, "1234", 4, false },
		{ PROP_ULARGE_INTEGER, "12345678", 8, true },
		{ PROP_ULARGE_INTEGER, "1234", 4, false },
		{ PROP_LARGE_INTEGER, "12345678", 8, true },
		{ PROP_FILETIME, "12345678", 8, true },
		{ PROP_FILETIME, "123456789", 9, false },
		{ PROP_BINARY, "12345", 5, true },
		{ PROP_SECURITY_DESCRIPTOR, "12345", 5, true },
		{ PROP_SZ, "\0\0", 2, true },
		{ PROP_SZ, "a\0\0\0", 4, true },
		{ PROP_SZ, "a\0", 2, false },
		{ PROP_SZ, "a\0\0", 3, false },
		{ PROP_SZ, "a\0\0\0b\0\0\0", 8, false },
		{ PROP_SZ, "\0\0\0\0", 4, false },
		{ PROP_EXPAND_SZ, "%\0\0\0", 4, true },
		{ PROP_EXPAND_SZ, "%\0", 2, false },
		{ PROP_EXPANDED_SZ, "a\0\0\0", 4, true },
		{ PROP_MULTI_SZ, "\0\0", 2, true },
		{ PROP_MULTI_SZ, "\0\0\0\0", 4, true },
		{ PROP_MULTI_SZ, "\0\0a\0", 4, false },
		{ PROP_MULTI_SZ, "\0\0\0\0\0\0", 6, false },
		{ PROP_MULTI_SZ, "a\0\0\0\0\0", 6, true },
		{ PROP_MULTI_SZ, "a\0\0\0b\0\0\0\0\0", 10, true },
		{ PROP_MULTI_SZ, "a\0\0\0", 4, false },
		{ PROP_MULTI_SZ, "a\0", 2, false },
		{ PROP_MULTI_SZ, "a\0\0\0\0\0b\0\0\0\0\0", 12, false },
		{ PROP_MULTI_SZ, "a\0\0\0\0", 5, false },
		{ PROP_UNKNOWN, "1234", 4, false },
		{ 15, "1234", 4, false },
		{ 0x7fff, "1234", 4, false },
		{ 0x8000, "12345", 5, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		int r = check_value(PROP_LIST_VALUE(values[i].format), values[i].data, values[i].len);

		if ((r == 0) != values[i].good)
			test_fail(__FILE__, __LINE__, "value %zu: %d", i, r);
		CHECK(r == 0 || r == ERR_INVALID_DATA);
		CHECK_INT(prop_is_formed(values[i].format, values[i].data, values[i].len), values[i].good);
	}
	for (uint16_t format = PROP_UNKNOWN; format <= PROP_PROPERTY_LIST; format++)
		CHECK_INT(check_value(PROP_LIST_VALUE(format), NULL, 0), 0); /* "Delete." */
}

TEST(unknown_types_are_refused)
{
	CHECK_INT(check_value(PROP_SYNTAX(15, PROP_BINARY), "x", 1), 0);
	CHECK_INT(check_value(PROP_SYNTAX(16, PROP_BINARY), "x", 1), ERR_INVALID_DATA);
	CHECK_INT(check_value(PROP_SYNTAX(0x7fff, PROP_BINARY), "x", 1), ERR_INVALID_DATA);
	CHECK_INT(check_value(PROP_SYNTAX(PROP_TYPE_USER, PROP_BINARY), "x", 1), 0);
	CHECK_INT(check_value(PROP_SYNTAX(0, PROP_BINARY), "x", 1), ERR_INVALID_DATA);
	CHECK_INT(check_value(PROP_SYNTAX(PROP_TYPE_RESCLASS, PROP_DWORD), "12345678", 8), 0);
	CHECK_INT(check_value(PROP_SYNTAX(PROP_TYPE_RESCLASS, PROP_DWORD), "1234", 4), 0);
}

TEST(a_property_has_a_name_and_a_value)
{
	static const uint8_t no_value[] = { 1, 0, 0, 0, 3, 0, 4, 0, 4, 0, 0, 0, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t no_name[] = { 1, 0, 0, 0, 2, 0, 1, 0, 4, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t empty_name[] = { 1, 0, 0, 0, 3, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0,
		'x', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t deleted_name[] = { 1, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 'x', 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0 };

	CHECK_INT(proplist_check(no_value, sizeof(no_value)), ERR_INVALID_DATA);
	CHECK_INT(proplist_check(no_name, sizeof(no_name)), ERR_INVALID_DATA);
	CHECK_INT(proplist_check(empty_name, sizeof(empty_name)), ERR_INVALID_DATA);
	CHECK_INT(proplist_check(deleted_name, sizeof(deleted_name)), ERR_INVALID_DATA);
}

TEST(the_longest_name_is_read_and_a_longer_one_refused)
{
	char16_t units[PROPLIST_NAME_MAX + 1];
	struct u16 name = { units, PROPLIST_NAME_MAX };
	struct buf b;
	struct proplist p;
	size_t name_len_at = 8;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		units[i] = u'n';
	b = list_of(name, PROP_LIST_VALUE(PROP_WORD), "ab", 2);
	CHECK_INT(proplist_find(&p, b.data, b.len, name), 1);
	CHECK_INT(p.name.len, PROPLIST_NAME_MAX);
	/* One more unit: where the terminator was there is another, and the terminator in what was padding or a value. */
	buf_done(&b);
	buf_u32(&b, 1);
	buf_u32(&b, 0x00040003);
	CHECK_INT(b.len, name_len_at);
	buf_u32(&b, (PROPLIST_NAME_MAX + 2) * 2);
	buf_append(&b, units, sizeof(units));
	buf_u16(&b, 0);
	buf_align(&b, 4);
	prop_value_add(&b, PROP_LIST_VALUE(PROP_WORD), "ab", 2);
	prop_mark_end(&b);
	CHECK_INT(proplist_check(b.data, b.len), ERR_INVALID_DATA);
	buf_done(&b);
}

TEST(a_property_may_have_several_values_and_the_first_counts)
{
	struct buf b = { 0 };
	struct proplist p;
	struct prop_value v;

	proplist_begin(&b);
	proplist_property_begin(&b, U16("Path"));
	prop_value_add(&b, PROP_LIST_VALUE(PROP_EXPAND_SZ), u"%A%", 8);
	prop_value_add(&b, PROP_LIST_VALUE(PROP_EXPANDED_SZ), u"x", 4);
	proplist_property_end(&b);
	proplist_add(&b, U16("Next"), PROP_BINARY, "12345", 5);
	proplist_end(&b);
	proplist_init(&p, b.data, b.len);
	CHECK_INT(proplist_next(&p), 1);
	CHECK_INT(proplist_value(&p).syntax, PROP_LIST_VALUE(PROP_EXPAND_SZ));
	CHECK_INT(prop_value_next(&p.values, &v), 1);
	CHECK_INT(prop_value_next(&p.values, &v), 1);
	CHECK_INT(v.syntax, PROP_LIST_VALUE(PROP_EXPANDED_SZ));
	CHECK_INT(prop_value_next(&p.values, &v), 0);
	CHECK_INT(proplist_next(&p), 1);
	CHECK(u16_equal_exact(p.name, U16("Next")));
	CHECK_INT(proplist_value(&p).len, 5);
	CHECK_INT(proplist_next(&p), 0);
	CHECK_INT(proplist_find(&p, b.data, b.len, U16("NEXT")), 1);
	CHECK_INT(proplist_find(&p, b.data, b.len, U16("None")), 0);
	buf_done(&b);
}

/* A registry value as the property that it becomes, and that as a registry value again. */
static void check_registry(
    uint32_t type, const void *data, size_t len, uint16_t format, const void *want, size_t want_len)
{
	struct buf b = { 0 }, value = { 0 };
	struct prop_value v;
	struct proplist p;

	CHECK_INT(prop_from_registry(type, data, len, &value), format);
	buf_done(&value);
	proplist_begin(&b);
	proplist_add_registry(&b, U16("v"), type, data, len);
	proplist_end(&b);
	CHECK_INT(proplist_find(&p, b.data, b.len, U16("v")), 1);
	v = proplist_value(&p);
	CHECK_INT(v.syntax, PROP_LIST_VALUE(format));
	CHECK_INT(v.len, want_len);
	if (want_len > 0)
		CHECK_MEM(v.data, want, want_len);
	buf_done(&b);
}

TEST(registry_values_become_properties_whatever_they_hold)
{
	check_registry(PROP_REG_SZ, u"ab", 6, PROP_SZ, u"ab", 6);
	check_registry(PROP_REG_SZ, u"ab", 4, PROP_SZ, u"ab", 6);
	check_registry(PROP_REG_SZ, u"ab", 3, PROP_SZ, u"a", 4);
	check_registry(PROP_REG_SZ, u"a\0b", 8, PROP_SZ, u"a", 4);
	check_registry(PROP_REG_SZ, NULL, 0, PROP_SZ, u"", 2);
	check_registry(PROP_REG_EXPAND_SZ, u"%a", 6, PROP_EXPAND_SZ, u"%a", 6);
	check_registry(PROP_REG_MULTI_SZ, u"a\0b\0", 10, PROP_MULTI_SZ, u"a\0b\0", 10);
	check_registry(PROP_REG_MULTI_SZ, u"a\0b", 6, PROP_MULTI_SZ, u"a\0b\0", 10);
	check_registry(PROP_REG_MULTI_SZ, u"a\0\0b", 8, PROP_MULTI_SZ, u"a\0", 6);
	check_registry(PROP_REG_MULTI_SZ, NULL, 0, PROP_MULTI_SZ, u"", 2);
	check_registry(PROP_REG_DWORD, "1234", 4, PROP_DWORD, "1234", 4);
	check_registry(PROP_REG_DWORD, "123", 3, PROP_BINARY, "123", 3);
	check_registry(PROP_REG_QWORD, "12345678", 8, PROP_ULARGE_INTEGER, "12345678", 8);
	check_registry(PROP_REG_QWORD, "1234", 4, PROP_BINARY, "1234", 4);
	check_registry(PROP_REG_BINARY, "123", 3, PROP_BINARY, "123", 3);
	check_registry(PROP_REG_BINARY, NULL, 0, PROP_BINARY, NULL, 0);
	check_registry(0xabcd, "123", 3, PROP_BINARY, "123", 3);
}

TEST(a_registry_value_whose_name_is_no_property_s_is_left_out)
{
	char16_t units[PROPLIST_NAME_MAX + 1];
	struct u16 names[] = { { units, ARRAY_SIZE(units) }, { NULL, 0 }, { u"a\0b", 3 } };
	struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		units[i] = u'n';
	proplist_begin(&b);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		proplist_add_registry(&b, names[i], PROP_REG_DWORD, "1234", 4);
	CHECK_INT(b.len, 4);
	CHECK_INT(get_le32(b.data), 0);
	buf_done(&b);
}

TEST(an_expandable_text_comes_with_its_expansion)
{
	struct buf b = { 0 };
	struct prop_value v;
	struct proplist p;

	proplist_begin(&b);
	proplist_add_registry(&b, U16("v"), PROP_REG_EXPAND_SZ, u"%a%", 8);
	proplist_end(&b);
	CHECK_INT(proplist_find(&p, b.data, b.len, U16("v")), 1);
	CHECK_INT(prop_value_next(&p.values, &v), 1);
	CHECK_INT(prop_value_next(&p.values, &v), 1);
	CHECK_INT(v.syntax, PROP_LIST_VALUE(PROP_EXPANDED_SZ));
	CHECK_MEM(v.data, u"%a%", 8);
	buf_done(&b);
}

TEST(without_memory_the_error_sticks_and_no_list_is_shown_as_whole)
{
	FAIL_EACH_ALLOCATION
	{
		struct buf b = { 0 };

		proplist_begin(&b);
		for (int i = 0; i < 20; i++)
			proplist_add_registry(&b, U16("a name that takes some room"), PROP_REG_EXPAND_SZ, u"%a%", 8);
		proplist_end(&b);
		CHECK_INT(b.error, failalloc_hit() ? -ENOMEM : 0);
		if (b.error == 0)
			CHECK_INT(proplist_check(b.data, b.len), 0);
		buf_done(&b);
	}
}
