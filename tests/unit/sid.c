/* SIDs: their text, those of this side of the world, what a domain may give.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/sid.h"
#include "base/bytes.h"
#include "tests/lib/test.h"

TEST(a_sid_is_taken_whole_or_not_at_all)
{
	uint8_t bytes[SID_SIZE_MAX + 4] = { 1, 2, 0, 0, 0, 0, 0, 5 };

	CHECK_INT(sid_size(bytes, 16), 16);
	CHECK_INT(sid_size(bytes, 15), 0);
	CHECK_INT(sid_size(bytes, 7), 0);
	CHECK_INT(sid_size(bytes, 0), 0);
	bytes[1] = SID_SUBS_MAX;
	CHECK_INT(sid_size(bytes, sizeof(bytes)), SID_SIZE_MAX);
	bytes[1]++;
	CHECK_INT(sid_size(bytes, sizeof(bytes)), 0);
	bytes[1] = 0;
	CHECK_INT(sid_size(bytes, 8), 8);
	bytes[0] = 2;
	CHECK_INT(sid_size(bytes, 8), 0);
}

TEST(text_goes_both_ways)
{
	static const char *const texts[] = { "S-1-1-0", "S-1-5-32-544", "S-1-22-1-4294967295", "S-1-4294967295",
		"S-1-0x010203040506-7", "S-1-0x000100000000",
		"S-1-5-21-4294967295-4294967295-4294967295-4294967295-4294967295-4294967295-4294967295-4294967295-"
		"4294967295-4294967295-4294967295-4294967295-4294967295-4294967295" };
	char text[SID_TEXT_SIZE];
	struct sid s;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CHECK_INT(sid_parse(texts[i], &s), 0);
		sid_format(s.bytes, text);
		CHECK_STR(text, texts[i]);
	}
	CHECK_INT(sid_parse("S-1-5-32-544", &s), 0);
	CHECK_MEM(s.bytes, "\1\2\0\0\0\0\0\5\x20\0\0\0\x20\2\0\0", 16);
	CHECK_INT(sid_parse("s-1-0x00000000000a-1", &s), 0);
	sid_format(s.bytes, text);
	CHECK_STR(text, "S-1-10-1");
}

TEST(text_that_is_no_sid_is_refused)
{
	static const char *const texts[] = { "", "S", "S-1", "S-1-", "S-2-5-1", "S-1-5-", "S-1-5--1", "S-1-x",
		"S-1-5-x", "S-1-4294967296", "S-1-5-4294967296", "S-1-5-12345678901", "S-1-5 -1", "S-1-5-1 ", "S-1--5",
		"S-1-0x5", "S-1-0x0102030405067-1", "S-1-0x01020304050g",
		"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16" };
	struct sid s = { { 9 } };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CHECK_INT(sid_parse(texts[i], &s), -EINVAL);
	CHECK_INT(s.bytes[0], 9);
}

static void check_text(struct sid s, const char *wanted)
{
	char text[SID_TEXT_SIZE];

	sid_format(s.bytes, text);
	CHECK_STR(text, wanted);
}

/* Numbers that are in descriptors of clusters: they stay for ever. */
TEST(what_this_machine_knows_has_sids_that_never_change)
{
	check_text(sid_of_uid(1000), "S-1-22-1-1000");
	check_text(sid_of_gid(UINT32_MAX), "S-1-22-2-4294967295");
	check_text(sid_of_account(U16("alice")), "S-1-22-3-1497626704-137052637-365616212-2446360024");
	check_text(sid_of_account(U16("ALICE")), "S-1-22-3-1497626704-137052637-365616212-2446360024");
	check_text(sid_of_principal("alice@EXAMPLE.COM"), "S-1-22-4-1685214037-481668611-3167672279-1389381020");
}

TEST(a_principal_counts_letter_by_letter)
{
	struct sid a = sid_of_principal("alice@EXAMPLE.COM"), b = sid_of_principal("Alice@EXAMPLE.COM");

	CHECK(!sid_equal(a.bytes, b.bytes));
}

TEST(a_domain_gives_no_sids_of_this_machine)
{
	static const struct {
		const char *text;
		bool of_domain;
	} cases[] = { { "S-1-5-21-1-2-3-500", true }, { "S-1-5-21-1", true }, { "S-1-18-1", true },
		{ "S-1-1-0", false }, { "S-1-5-32-544", false }, { "S-1-5-18", false }, { "S-1-5-11", false },
		{ "S-1-3-4", false }, { "S-1-22-1-0", false }, { "S-1-22-3-1-2-3-4", false }, { "S-1-5", false },
		{ "S-1-5-21", false }, { "S-1-0x010000000005-21-1", false }, { "S-1-0x010000000012-1", false } };
	struct sid s;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(sid_parse(cases[i].text, &s), 0);
		CHECK_INT(sid_is_of_domain(s.bytes), cases[i].of_domain);
	}
}

TEST(the_well_known_have_names)
{
	struct sid s;

	CHECK(sid_from_well_known_name("administrators", &s));
	check_text(s, "S-1-5-32-544");
	CHECK_STR(sid_well_known_name(s.bytes), "Administrators");
	CHECK(sid_from_well_known_name("Authenticated Users", &s));
	check_text(s, "S-1-5-11");
	CHECK(!sid_from_well_known_name("Administrator", &s));
	CHECK(!sid_from_well_known_name("Administrators2", &s));
	CHECK(!sid_from_well_known_name("", &s));
	s = sid_of_uid(0);
	CHECK(sid_well_known_name(s.bytes) == NULL);
}
