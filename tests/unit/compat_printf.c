/* The wide printf functions against what Windows documents for formats, and against the C library for numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "compat/wformat.h"
#include "tests/unit/widetest.h"
#include <errno.h>
#include <limits.h>

#define CHECK_FORMAT(expected, ...)                                                                                    \
	do {                                                                                                           \
		WCHAR line_[256];                                                                                      \
		CHECK_INT(rueda_swprintf(line_, ARRAY_SIZE(line_), __VA_ARGS__), u16_len(expected));                   \
		CHECK_WIDE(line_, expected);                                                                           \
	} while (0)

/* Units of a text in UTF-8. */
static size_t u16_len(const char *text)
{
	char16_t *units = NULL;
	size_t len = 0;

	CHECK_INT(utf8_to_u16(text, strlen(text), &units, &len), 0);
	free(units);
	return len;
}

TEST(s_is_wide_and_S_is_narrow)
{
	CHECK_FORMAT("wide [é€😀]", u"wide [%s]", u"é€😀");
	CHECK_FORMAT("[é€😀]", u"[%ls]", u"é€😀");
	CHECK_FORMAT("[é€😀]", u"[%ws]", u"é€😀");
	CHECK_FORMAT("[é€😀]", u"[%S]", "é€😀");
	CHECK_FORMAT("[é€😀]", u"[%hs]", "é€😀");
	CHECK_FORMAT("(null) (null)", u"%s %S", (WCHAR *)NULL, (char *)NULL);
	CHECK_FORMAT("[x\xef\xbf\xbdy]", u"[%S]", "x\xffy");
	CHECK_FORMAT("A B C é", u"%c %C %hc %lc", u'A', 'B', 'C', u'é');
	CHECK_FORMAT("100% of %s", u"%d%% of %%s", 100);
}

TEST(width_and_precision_of_strings_count_units)
{
	CHECK_FORMAT("[   ab][ab   ][ab]", u"[%5s][%-5s][%1s]", u"ab", u"ab", u"ab");
	CHECK_FORMAT("[   ab][ab   ]", u"[%*s][%*s]", 5, u"ab", -5, u"ab");
	CHECK_FORMAT("[ab][  a][]", u"[%.2s][%3.1s][%.0s]", u"abcd", u"abcd", u"abcd");
	CHECK_FORMAT("[abcd][ab]", u"[%.*s][%.*s]", -1, u"abcd", 2, u"abcd");
	CHECK_FORMAT("[ é😀][é😀 ]", u"[%4S][%-4S]", "é😀", "é😀");
	CHECK_FORMAT("[  x]", u"[%3c]", u'x');
	/* Of a narrow string the precision counts bytes; half a character is none. */
	CHECK_FORMAT("[ab][é][\xef\xbf\xbd]", u"[%.2S][%.2S][%.1S]", "abcd", "éa", "é");
}

TEST(a_string_with_a_precision_need_not_end)
{
	WCHAR *wide = malloc(2 * sizeof(WCHAR));
	char *narrow = malloc(2);

	CHECK(wide != NULL && narrow != NULL);
	memcpy(wide, u"ab", 2 * sizeof(WCHAR));
	memcpy(narrow, "cd", 2);
	CHECK_FORMAT("abcd", u"%.2s%.2S", wide, narrow);
	free(wide);
	free(narrow);
}

TEST(l_is_32_bits_and_ll_64)
{
	CHECK_FORMAT("-1 4294967295 ffffffff", u"%ld %lu %lx", (LONG)-1, (DWORD)-1, (DWORD)-1);
	/* A DWORD leaves the upper half of its place undefined; l must not look at it. */
	CHECK_FORMAT("1 1", u"%ld %lu", 0x7700000001ll, 0x7700000001ll);
	CHECK_FORMAT("9223372036854775807 18446744073709551615", u"%lld %llu", LLONG_MAX, ULLONG_MAX);
	CHECK_FORMAT("9223372036854775807 18446744073709551615", u"%I64d %I64u", LLONG_MAX, ULLONG_MAX);
	CHECK_FORMAT("-7 7", u"%I32d %I32u", -7, 7u);
	CHECK_FORMAT("-5 12 12 9", u"%Id %zu %Iu %jd", (intptr_t)-5, (size_t)12, (size_t)12, (intmax_t)9);
	CHECK_FORMAT("-1 255 -1 65535", u"%hhd %hhu %hd %hu", 255, 255, 65535, 65535);
	CHECK_FORMAT(sizeof(void *) == 8 ? "00000000DEADBEEF" : "DEADBEEF", u"%p", (void *)(uintptr_t)0xdeadbeef);
	CHECK_FORMAT("0x80070005 1.500000 1.5e+00 0.25", u"0x%08X %f %.1e %Lg", 0x80070005u, 1.5, 1.5, 0.25L);
}

TEST(what_is_not_understood_is_refused)
{
	static const char16_t *const bad[] = { u"%n", u"%", u"%5", u"%-", u"%.", u"%ll", u"%y", u"%1$d", u"%\u0464",
		u"%99999999999d", u"%.99999999999d", u"x%Q" };
	WCHAR line[8];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		CHECK_INT(rueda_swprintf(line, ARRAY_SIZE(line), bad[i], 1), -1);
		CHECK(errno == EINVAL || errno == EOVERFLOW);
	}
}

TEST(nothing_is_written_beyond_the_size)
{
	for (size_t size = 0; size <= 8; size++) {
		WCHAR line[10];

		for (size_t i = 0; i < ARRAY_SIZE(line); i++)
			line[i] = 0x5a5a;
		CHECK_INT(rueda_swprintf(line, size, u"%s%d%S", u"ab", 12, "cd"), size > 6 ? 6 : -1);
		for (size_t i = size; i < ARRAY_SIZE(line); i++)
			CHECK_INT(line[i], 0x5a5a);
		if (size > 0)
			CHECK_INT(rueda_wcslen(line), MIN(size - 1, (size_t)6));
	}
}

TEST(long_numbers_are_whole)
{
	static WCHAR wide[2000];
	static char narrow[2000];

	CHECK_INT(rueda_swprintf(wide, ARRAY_SIZE(wide), u"%.900f|%1000d", 1.0 / 3, 7),
	    snprintf(narrow, sizeof(narrow), "%.900f|%1000d", 1.0 / 3, 7));
	for (size_t i = 0; i <= strlen(narrow); i++)
		CHECK_INT(wide[i], narrow[i]);
}

static uint64_t state;

static unsigned chance(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

/* The same conversion for both: ours and, with the size that the C library has for it, theirs. */
static void random_format(char16_t *ours, char *theirs, bool *ret_is_float)
{
	static const char kinds[] = "diouxXeEfFgGaA";
	char text[64], *p = text;
	char kind = kinds[chance(sizeof(kinds) - 1)];

	*p++ = '%';
	for (unsigned i = chance(4); i > 0; i--)
		*p++ = "-+ #0"[chance(5)];
	if (chance(2) == 0)
		p += snprintf(p, 8, "%u", chance(30));
	if (chance(2) == 0)
		p += snprintf(p, 8, ".%u", chance(30));
	*p = 0;
	*ret_is_float = strchr("eEfFgGaA", kind) != NULL;
	(void)snprintf(theirs, 64, "%s%s%c", text, *ret_is_float ? "" : "ll", kind);
	for (size_t i = 0; i <= strlen(theirs); i++)
		ours[i] = (unsigned char)theirs[i];
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
TEST(numbers_look_as_in_the_c_library)
{
	for (uint64_t round = 0; round < test_rounds(20000); round++) {
		char16_t ours[64], wide[512];
		char theirs[64], narrow[512];
		bool is_float;
		int a, b;

		state = test_seed + round;
		test_note_seed(state);
		random_format(ours, theirs, &is_float);
		if (is_float) {
			double value = ((double)chance(1u << 30) - (1 << 29)) / (chance(1000) + 1);

			a = rueda_swprintf(wide, ARRAY_SIZE(wide), ours, value);
			b = snprintf(narrow, sizeof(narrow), theirs, value);
		} else {
			long long value = (long long)((uint64_t)chance(UINT_MAX) << chance(33)) - chance(1000);

			a = rueda_swprintf(wide, ARRAY_SIZE(wide), ours, value);
			b = snprintf(narrow, sizeof(narrow), theirs, value);
		}
		CHECK_INT(a, b);
		CHECK_WIDE(wide, narrow);
	}
}
