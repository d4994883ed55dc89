/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"
#include "tests/lib/test.h"
#include <errno.h>

TEST(order_ignores_case_and_puts_the_shorter_first)
{
	CHECK(u16_compare(U16("Groups"), U16("GROUPS")) == 0);
	CHECK(u16_compare(U16("a"), U16("B")) < 0);
	CHECK(u16_compare(U16("ab"), U16("a")) > 0);
	CHECK(u16_compare(U16("_"), U16("a")) > 0); /* Upcased: '_' is above 'A'. */
	CHECK(u16_equal(U16("straße"), U16("STRAßE")));
	CHECK(!u16_equal(U16("straße"), U16("STRASSE")));
	CHECK(u16_equal(U16("ÿ"), U16("Ÿ")));
}

TEST(characters_with_two_lower_cases_stay_apart)
{
	CHECK(!u16_equal(U16("ı"), U16("I")));
	CHECK(!u16_equal(U16("µ"), U16("Μ")));
	CHECK(!u16_equal(U16("ſ"), U16("S")));
}

TEST(utf8_there_and_back_for_every_sequence)
{
	static const char16_t odd[] = { 'a', 0, 0xd800, 'b', 0xdc00, 0xd83d, 0xde00, 0xffff, 0xd800 };
	struct u16 s = { odd, ARRAY_SIZE(odd) };
	char *text = u16_to_utf8(s);
	char16_t *back = NULL;
	size_t len = 0;

	CHECK(text != NULL);
	CHECK_INT(utf8_to_u16(text, strlen(text), &back, &len), 0);
	CHECK(u16_equal_exact(s, (struct u16){ back, len }));
	CHECK(back[len] == 0);
	CHECK(!u16_is_well_formed(s));
	CHECK(u16_is_well_formed((struct u16){ odd + 5, 3 }));
	free(text);
	free(back);
}

TEST(bad_utf8_is_refused)
{
	static const char *const bad[] = { "\x80", "\xc1\x81", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf5\x80\x80\x80", "\xc3",
		"\xe2\x82", "\xf4\x90\x80\x80" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char16_t *units = NULL;

		CHECK_INT(utf8_to_u16(bad[i], strlen(bad[i]), &units, NULL), -EILSEQ);
		CHECK(units == NULL);
	}
}

TEST(a_short_buffer_is_cut_at_a_character)
{
	char small[4];

	CHECK_STR(u16_to_utf8_buffer(U16("aé€"), small, sizeof(small)), "aé");
	CHECK_STR(u16_to_utf8_buffer(U16("a€"), small, sizeof(small)), "a");
}

TEST(a_text_is_fitted_and_mended_at_characters)
{
	static const char text[] = "aé€\U0001f600";
	static const size_t fits[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };
	char odd[] = "a\xe4o \xc3\xa9 \xe2\x82", good[] = "aé€\U0001f600";

	for (size_t i = 0; i < ARRAY_SIZE(fits); i++)
		CHECK_INT(utf8_fit(text, i), fits[i]);
	CHECK_INT(utf8_fit("\x80\x80\x80\x80\x80\x80", 5), 5);
	utf8_mend(odd);
	CHECK_STR(odd, "a?o é ??");
	utf8_mend(good);
	CHECK_STR(good, text);
}
