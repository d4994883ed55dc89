/* The wide string functions: each against its rule at the edges, and against the C library on random strings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/widetest.h"
#include <errno.h>
#include <limits.h>

TEST(copying_keeps_to_the_counts)
{
	WCHAR to[8];

	rueda_wmemset(to, 0x5a5a, ARRAY_SIZE(to));
	CHECK(rueda_wcsncpy(to, u"ab", 4) == to);
	CHECK_MEM(to, u"ab\0\0\u5a5a", 5 * sizeof(WCHAR));
	CHECK(rueda_wcsncpy(to, u"abcdef", 3) == to);
	CHECK_MEM(to, u"abc\0\u5a5a", 5 * sizeof(WCHAR));
	CHECK_WIDE(rueda_wcscpy(to, u"ab"), "ab");
	CHECK_WIDE(rueda_wcscat(to, u"cd"), "abcd");
	CHECK_WIDE(rueda_wcsncat(to, u"efgh", 2), "abcdef");
	CHECK_WIDE(rueda_lstrcpynW(to, u"abcdef", 4), "abc");
	CHECK(rueda_lstrcpynW(to, u"abcdef", 0) == NULL);
	CHECK_WIDE(rueda_lstrcatW(rueda_lstrcpyW(to, u"x"), u"y"), "xy");
	CHECK(rueda_lstrcpyW(to, NULL) == NULL && rueda_lstrcatW(NULL, u"x") == NULL);
	CHECK_INT(rueda_lstrlenW(NULL), 0);
	CHECK_INT(rueda_lstrlenW(u"ab😀"), 4);
	memmove(to, u"abcdefg", 8 * sizeof(WCHAR));
	CHECK_WIDE(rueda_wmemmove(to + 1, to, 6), "abcdef");
}

TEST(case_is_that_of_the_table)
{
	WCHAR text[] = u"Straße ÀÉ Ωω";

	CHECK_INT(rueda_wcsicmp(u"ÀÉΩ", u"àéω"), 0);
	CHECK(rueda_wcsicmp(u"a", u"B") < 0 && rueda_wcscmp(u"a", u"B") > 0);
	CHECK(rueda_wcsicmp(u"a", u"ab") < 0 && rueda_wcsicmp(u"ab", u"a") > 0);
	CHECK_INT(rueda_wcsnicmp(u"ABx", u"aby", 2), 0);
	CHECK_INT(rueda_wcsnicmp(u"A", u"b", 0), 0);
	CHECK_INT(rueda_lstrcmpiW(NULL, u""), 0);
	CHECK(rueda_lstrcmpW(NULL, u"a") < 0);
	CHECK_WIDE(rueda_wcslwr(rueda_wcsupr(text)), "straße àé ωω");
	for (wint_t unit = 0; unit <= 0xffff; unit++) {
		CHECK_INT(rueda_towupper(unit), utf16_upcase((char16_t)unit));
		CHECK_INT(rueda_towupper(rueda_towlower(unit)), rueda_towupper(unit));
	}
	CHECK_INT(rueda_towupper(WEOF), WEOF);
	CHECK_INT(rueda_towlower(WEOF), WEOF);
}

TEST(classes_are_those_of_unicode_in_any_locale)
{
	CHECK(rueda_iswalpha('a') && rueda_iswalpha(u'é') && rueda_iswalpha(u'Ω') && !rueda_iswalpha('1'));
	CHECK(!rueda_iswalpha(0xd83d) && !rueda_iswalpha(WEOF) && !rueda_iswalpha(0x10400));
	CHECK(rueda_iswdigit('7') && !rueda_iswdigit('a') && rueda_iswalnum('7') && rueda_iswxdigit('F'));
	CHECK(rueda_iswspace(' ') && rueda_iswspace('\n') && !rueda_iswspace('x'));
	CHECK(rueda_iswupper('A') && !rueda_iswupper('a') && rueda_iswlower(u'é') && rueda_iswpunct(';'));
	CHECK(rueda_iswcntrl(7) && rueda_iswprint('x') && !rueda_iswprint(7));
}

TEST(searching_finds_the_first_or_the_last)
{
	static const WCHAR text[] = u"one two one";

	CHECK(rueda_wcschr(text, 'o') == text && rueda_wcsrchr(text, 'o') == text + 8);
	CHECK(rueda_wcschr(text, 0) == text + 11 && rueda_wcsrchr(text, 0) == text + 11);
	CHECK(rueda_wcschr(text, 'x') == NULL && rueda_wcsrchr(text, 'x') == NULL);
	CHECK(rueda_wcsstr(text, u"one") == text && rueda_wcsstr(text, u"two") == text + 4);
	CHECK(rueda_wcsstr(text, u"") == text && rueda_wcsstr(text, u"ones") == NULL);
	CHECK_INT(rueda_wcsspn(text, u"eno"), 3);
	CHECK_INT(rueda_wcscspn(text, u" "), 3);
	CHECK_INT(rueda_wcscspn(text, u"x"), 11);
	CHECK(rueda_wcspbrk(text, u"wt") == text + 4 && rueda_wcspbrk(text, u"x") == NULL);
	CHECK(rueda_wmemchr(text, 'e', 2) == NULL && rueda_wmemchr(text, 'e', 3) == text + 2);
	CHECK_INT(rueda_wmemcmp(u"ab", u"ac", 1), 0);
	CHECK(rueda_wmemcmp(u"ab", u"ac", 2) < 0 && rueda_wcsncmp(u"ab", u"ac", 1) == 0);
	CHECK_INT(rueda_wcsnlen(text, 5), 5);
}

TEST(tokens_come_one_by_one)
{
	WCHAR text[] = u",,a,b;;c,", *state = NULL;

	CHECK_WIDE(rueda_wcstok(text, u",;", &state), "a");
	CHECK_WIDE(rueda_wcstok(NULL, u",;", &state), "b");
	CHECK_WIDE(rueda_wcstok(NULL, u",;", &state), "c");
	CHECK(rueda_wcstok(NULL, u",;", &state) == NULL);
	CHECK(rueda_wcstok(NULL, u",;", &state) == NULL);
}

/* Both libraries on the same digits. */
TEST(numbers_are_read_as_in_the_c_library)
{
	static const char *const texts[] = { "", "0", "-0", "+7", " \t\n12x", "0x1F", "0x", "0xg", "017", "08", "-",
		"--1", "z", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
		"-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
		"-18446744073709551615", "99999999999999999999999999", "-1", "1 2", "0b1", "1e3" };
	static const int bases[] = { 0, 2, 8, 10, 16, 36, 1, 37, -1 };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bases); j++) {
			char16_t *wide = NULL, *wide_end = NULL;
			char *end = (char *)texts[i];
			long long a, b;
			int error;

			CHECK_INT(utf8_to_u16(texts[i], strlen(texts[i]), &wide, NULL), 0);
			errno = 0;
			a = strtoll(texts[i], &end, bases[j]);
			error = errno;
			errno = 0;
			b = rueda_wcstoll(wide, &wide_end, bases[j]);
			CHECK_INT(a, b);
			CHECK_INT(errno, error);
			CHECK_INT(error == EINVAL ? 0 : end - texts[i],
			    wide_end - wide); /* C leaves it open for a bad base. */
			errno = 0;
			a = (long long)strtoull(texts[i], &end, bases[j]);
			error = errno;
			errno = 0;
			b = (long long)rueda_wcstoull(wide, &wide_end, bases[j]);
			CHECK_INT(a, b);
			CHECK_INT(errno, error);
			CHECK_INT(error == EINVAL ? 0 : end - texts[i], wide_end - wide);
			CHECK_INT(rueda_wcstol(wide, NULL, bases[j]), strtol(texts[i], NULL, bases[j]));
			CHECK_INT(rueda_wcstoul(wide, NULL, bases[j]), strtoul(texts[i], NULL, bases[j]));
			free(wide);
		}
	}
	CHECK_INT(rueda_wtoi(u"99999999999"), INT_MAX);
	CHECK_INT(rueda_wtoi(u" -42 "), -42);
}
