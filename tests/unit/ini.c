/* ini: what the reader takes, what it complains about, and in which line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/ini.h"
#include "tests/lib/failalloc.h"
#include <errno.h>
#include <stdio.h>

struct story {
	char text[8192];
	size_t len, entries, problems;
};

static void entry(void *data, unsigned line, const char *section, const char *key, const char *value)
{
	struct story *s = data;

	s->entries++;
	if (s->len < sizeof(s->text) - 512)
		s->len += (size_t)snprintf(s->text + s->len, 512, "%u [%s] <%s>=<%s>\n", line, section, key, value);
}

static void problem(void *data, unsigned line, const char *text)
{
	struct story *s = data;

	s->problems++;
	if (s->len < sizeof(s->text) - 512)
		s->len += (size_t)snprintf(s->text + s->len, 512, "%u: %s\n", line, text);
}

/* Everything that the reader says about a text, in order. */
static const char *read_bytes(const char *text, size_t len)
{
	static struct story story;
	struct ini_handler handler = {.data = &story, .entry = entry, .problem = problem};

	story = (struct story){0};
	CHECK_INT(ini_parse(text, len, &handler), 0);
	return story.text;
}

#define READ(text) read_bytes("" text, sizeof(text) - 1)

TEST(sections_keys_and_values)
{
	CHECK_STR(READ("[a]\nx = 1\n\n  [ b c ]  \ny=2\n"), "2 [a] <x>=<1>\n5 [b c] <y>=<2>\n");
	CHECK_STR(READ("[a]\nx = 1"), "2 [a] <x>=<1>\n");
	CHECK_STR(READ("[a]\r\nx = 1\r\n"), "2 [a] <x>=<1>\n");
	CHECK_STR(READ("\xef\xbb\xbf[a]\nx=1\n"), "2 [a] <x>=<1>\n");
	CHECK_STR(READ(""), "");
}

TEST(comments_only_at_the_start_of_a_line)
{
	CHECK_STR(READ("# one\n; two\n\t # three\n[a]\n;x = 1\nx = 1 # not ; a comment\n"),
	    "6 [a] <x>=<1 # not ; a comment>\n");
}

TEST(a_key_may_be_a_path_and_a_value_anything)
{
	CHECK_STR(READ("[unc]\n//ClusBack/My Share = /some/dir\n\\\\srv\\c$ = \"a = b\"\nc:/x =\n"),
	    "2 [unc] <//ClusBack/My Share>=</some/dir>\n3 [unc] <\\\\srv\\c$>=<\"a = b\">\n4 [unc] <c:/x>=<>\n");
}

TEST(a_key_twice_is_a_problem_that_names_both_lines)
{
	CHECK_STR(READ("[a]\nx=1\n[b]\nx=2\n[a]\nx=3\ny=4\n"),
	    "2 [a] <x>=<1>\n4 [b] <x>=<2>\n6: the key is given twice, first in line 2\n7 [a] <y>=<4>\n");
}

TEST(each_mistake_is_reported_and_reading_goes_on)
{
	CHECK_STR(READ("x=1\n[a]\nno equals\n= 2\n[b\nlost=1\n[]\nlost=2\n[c]\nk=v\n"),
	    "1: the key stands before the first [section]\n3: the line has no '='\n4: there is no key before the '='\n"
	    "5: the section has no ']'\n7: the section has no name\n10 [c] <k>=<v>\n");
	CHECK_STR(
	    READ("[a]\nx=\033[1m\ny=\0002\nz=\177\n"), "2: the line has control characters\n3: the line has control "
						       "characters\n4: the line has control characters\n");
}

TEST(limits_are_problems)
{
	static char text[INI_FILE_MAX + 64];
	struct story story = {0};
	struct ini_handler handler = {.data = &story, .entry = entry, .problem = problem};
	size_t len = (size_t)snprintf(text, sizeof(text), "[a]\nlong = ");

	memset(text + len, 'x', INI_LINE_MAX);
	(void)snprintf(text + len + INI_LINE_MAX, 64, "\nshort = 1\n");
	CHECK_STR(read_bytes(text, strlen(text)), "2: the line is too long\n3 [a] <short>=<1>\n");

	memset(text, '\n', sizeof(text));
	CHECK_STR(read_bytes(text, INI_FILE_MAX), "");
	CHECK_STR(read_bytes(text, INI_FILE_MAX + 1), "0: the file is too long\n");

	len = (size_t)snprintf(text, sizeof(text), "[a]\n");
	for (int i = 0; i <= INI_KEYS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "k%d=\n", i);
	CHECK_INT(ini_parse(text, len, &handler), 0);
	CHECK_INT(story.entries, INI_KEYS_MAX);
	CHECK_INT(story.problems, 1);
}

TEST(each_failed_allocation_is_an_error)
{
	FAIL_EACH_ALLOCATION
	{
		struct story story = {0};
		struct ini_handler handler = {.data = &story, .entry = entry, .problem = problem};
		int r = ini_parse("[a]\nx=1\n", 8, &handler);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
	}
}

/* Bytes that look like a configuration file: never a crash, and every complaint has a line of the file. */
TEST(random_text_is_read_to_its_end)
{
	static const char alphabet[] = "[]=#; \t\r\n\nab\\/:\0\x7f\xff";

	for (uint64_t round = 0; round < test_rounds(2000); round++) {
		uint64_t x = (test_seed + round) * 0x9e3779b97f4a7c15;
		char text[200];
		struct story story = {0};
		struct ini_handler handler = {.data = &story, .entry = entry, .problem = problem};
		size_t lines = 1;

		test_note_seed(test_seed + round);
		for (size_t i = 0; i < sizeof(text); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			text[i] = alphabet[x % (sizeof(alphabet) - 1)];
			lines += text[i] == '\n';
		}
		CHECK_INT(ini_parse(text, sizeof(text), &handler), 0);
		CHECK(story.entries + story.problems <= lines);
	}
}
