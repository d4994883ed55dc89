/* Wide output and input on files: UTF-8 outside, units inside.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/widetest.h"
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

static FILE *file_with(const char *bytes, size_t size)
{
	FILE *file = tmpfile();

	CHECK(file != NULL);
	CHECK_INT(fwrite(bytes, 1, size, file), size);
	rewind(file);
	return file;
}

static void check_holds(FILE *file, const char *bytes, size_t size)
{
	char found[512];

	rewind(file);
	CHECK_INT(fread(found, 1, sizeof(found), file), size);
	CHECK_MEM(found, bytes, size);
	CHECK_INT(fclose(file), 0);
}

TEST(output_is_utf8_and_mixes_with_narrow_output)
{
	FILE *file = tmpfile();

	CHECK(file != NULL);
	CHECK_INT(rueda_fwprintf(file, u"é%s|", u"€😀"), 5);
	CHECK(fprintf(file, "narrow|") > 0);
	CHECK(rueda_fputws(u"wide", file) >= 0);
	CHECK_INT(rueda_fputwc(u'ß', file), u'ß');
	CHECK_INT(rueda_fwprintf(file, u"%c", 0), 1);
	check_holds(file, "é€😀|narrow|wideß\0", sizeof("é€😀|narrow|wideß\0") - 1);
}

TEST(long_output_is_whole)
{
	FILE *file = tmpfile();
	static WCHAR text[5001];
	long size;

	CHECK(file != NULL);
	rueda_wmemset(text, u'€', 5000);
	CHECK_INT(rueda_fwprintf(file, u"%s%s", text, text), 10000);
	size = ftell(file);
	CHECK_INT(size, 30000);
	rewind(file);
	for (long i = 0; i < size / 3; i++)
		CHECK_INT(rueda_fgetwc(file), u'€');
	CHECK_INT(rueda_fgetwc(file), WEOF);
	CHECK_INT(fclose(file), 0);
}

TEST(output_that_fails_says_so)
{
	FILE *file = fopen("/dev/full", "w");

	if (file == NULL)
		test_skip("there is no /dev/full");
	setvbuf(file, NULL, _IONBF, 0);
	CHECK_INT(rueda_fwprintf(file, u"x"), -1);
	CHECK_INT(rueda_fputwc(u'x', file), WEOF);
	CHECK(rueda_fputws(u"x", file) < 0);
	(void)fclose(file);
}

TEST(a_character_beyond_the_first_plane_is_read_as_two_units)
{
	static const char text[] = "a😀b€\n";

	for (int buffered = 0; buffered < 2; buffered++) {
		FILE *file = file_with(text, sizeof(text) - 1);

		if (!buffered)
			setvbuf(file, NULL, _IONBF, 0);
		CHECK_INT(rueda_fgetwc(file), 'a');
		CHECK_INT(rueda_fgetwc(file), 0xd83d);
		CHECK_INT(rueda_fgetwc(file), 0xde00);
		CHECK_INT(rueda_fgetwc(file), 'b');
		CHECK_INT(rueda_fgetwc(file), 0x20ac);
		CHECK_INT(rueda_ungetwc(0x20ac, file), 0x20ac);
		CHECK_INT(rueda_fgetwc(file), 0x20ac);
		CHECK_INT(rueda_fgetwc(file), '\n');
		CHECK_INT(rueda_fgetwc(file), WEOF);
		CHECK(feof(file) && !ferror(file));
		CHECK_INT(fclose(file), 0);
	}
}

TEST(a_line_is_cut_at_the_size_even_within_a_pair)
{
	FILE *file = file_with("ab😀c\nnext", strlen("ab😀c\nnext"));
	WCHAR line[4];

	CHECK(rueda_fgetws(line, 4, file) == line);
	CHECK_WIDE(line, "ab\xed\xa0\xbd");
	CHECK(rueda_fgetws(line, 4, file) == line);
	CHECK_WIDE(line, "\xed\xb8\x80"
			 "c\n");
	CHECK(rueda_fgetws(line, 1, file) == line);
	CHECK_WIDE(line, "");
	CHECK(rueda_fgetws(line, 0, file) == NULL);
	CHECK(rueda_fgetws(line, 4, file) == line);
	CHECK_WIDE(line, "nex");
	CHECK(rueda_fgetws(line, 4, file) == line);
	CHECK_WIDE(line, "t");
	CHECK(rueda_fgetws(line, 4, file) == NULL);
	CHECK_INT(fclose(file), 0);
}

TEST(what_is_not_utf8_is_an_error_and_the_next_character_is_kept)
{
	static const char *const bad[] = { "\x80", "\xff", "\xc3(", "\xe2\x82(", "\xf0\x9f\x98(", "\xc1\x81",
		"\xe2\x82" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		FILE *file = file_with(bad[i], strlen(bad[i]));
		bool then = bad[i][strlen(bad[i]) - 1] == '(';
		WCHAR line[8];

		errno = 0;
		CHECK_INT(rueda_fgetwc(file), WEOF);
		CHECK_INT(errno, EILSEQ);
		if (then)
			CHECK_INT(rueda_fgetwc(file), '(');
		rewind(file);
		CHECK(rueda_fgetws(line, 8, file) == NULL);
		CHECK_INT(fclose(file), 0);
	}
}

enum { WRITERS = 4, LINES = 200 };

static void *write_lines(void *data)
{
	for (int i = 0; i < LINES; i++)
		(void)rueda_fwprintf(data, u"%s%s\n", u"one line of ", u"one thread");
	return NULL;
}

TEST(lines_of_threads_do_not_mix)
{
	FILE *file = tmpfile();
	pthread_t threads[WRITERS];
	WCHAR line[64];
	int n = 0;

	CHECK(file != NULL);
	setvbuf(file, NULL, _IOFBF, 64);
	for (int i = 0; i < WRITERS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, write_lines, file), 0);
	for (int i = 0; i < WRITERS; i++)
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	rewind(file);
	for (; rueda_fgetws(line, ARRAY_SIZE(line), file) != NULL; n++)
		CHECK_WIDE(line, "one line of one thread\n");
	CHECK_INT(n, WRITERS * LINES);
	CHECK_INT(fclose(file), 0);
}
