/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "tests/lib/test.h"
#include <stdio.h>
#include <unistd.h>

static void capture(char *text, size_t size, void (*run)(int fd))
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	CHECK(pipe(ends) == 0);
	(void)dup2(ends[1], STDERR_FILENO);
	run(ends[1]);
	(void)dup2(saved, STDERR_FILENO);
	(void)close(ends[1]);
	(void)close(saved);
	n = read(ends[0], text, size - 1);
	text[n > 0 ? n : 0] = 0;
	(void)close(ends[0]);
}

static void write_lines(int fd)
{
	(void)fd;
	log_setup("ruedad", LOG_INFO, true);
	log_warning("disk is full path=%s", "/a\nforged line \x1b[2J \x7f \xc2\x9b"
					    "2J \xc3\x9b");
	log_debug("not shown");
	log_setup("rueda", LOG_INFO, false);
}

TEST(a_line_is_one_line)
{
	char text[500];

	capture(text, sizeof(text), write_lines);
	CHECK_STR(text, "<4>disk is full path=/a?forged line ?[2J ? ?\x9b"
			"2J \xc3\x9b\n");
}

TEST(levels_have_names)
{
	enum log_level level = LOG_ERROR;

	CHECK(log_parse_level("debug", &level) && level == LOG_DEBUG);
	CHECK(!log_parse_level("loud", &level));
}

TEST(the_ring_keeps_the_newest)
{
	char text[8192];

	trace("group %s: %s", "web", "online");
	trace("a name: %s", "x\ny\x1b");
	capture(text, sizeof(text), trace_dump);
	CHECK(strstr(text, " group web: online\n") != NULL);
	CHECK(strstr(text, " a name: x?y?\n") != NULL);
}
