/* ini: the reader of configuration files.
 *
 *	# a comment: the first character of the line that is no space is # or ;
 *	[section]
 *	key = value
 *
 * The key ends at the first '='; it may hold spaces, '/', '\' and ':' (the names of the [unc] section do).  The value
 *is everything after it but the space around it, so it may hold '#', ';', '=' and quotes, and it may be empty.  Lines
 *end in LF or CR LF.  A section may come back later.  A key that is given twice in one section is a problem, as is
 *every line that is none of the above; each is reported with the number of its line, and reading goes on, so that a
 *person sees all the mistakes at once.
 *
 * Promise  entry() sees each key of a section once, in the order of the file, and strings without control characters.
 * Not kept the encoding: values are bytes; who needs UTF-8 checks it.
 * Threads  all functions.      Limits  ini.h; beyond one of them the line or the rest of the file is a problem.
 * Format   rueda.conf(5)       Tests  tests/unit/ini.c, tests/fuzz/ini.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/ini.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct seen {
	const char *section, *key;
	unsigned line;
};

struct reader {
	const struct ini_handler *handler;
	const char *section; /* NULL before the first one. */
	struct seen *seen; /* Owned; INI_KEYS_MAX of them. */
	size_t seen_count;
	unsigned line;
	bool section_bad; /* Its header was a problem: its keys are passed over, one complaint is enough. */
};

static void problem(struct reader *r, const char *text)
{
	r->handler->problem(r->handler->data, r->line, text);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cut the space at both ends off [p, end) and terminate it. */
static char *trim(char *p, char *end)
{
	while (p < end && is_space(*p))
		p++;
	while (end > p && is_space(end[-1]))
		end--;
	*end = 0;
	return p;
}

static bool is_clean(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)p[i] < ' ' && !is_space(p[i])) || p[i] == 0x7f)
			return false;
	return true;
}

static void read_section(struct reader *r, char *p, size_t len)
{
	r->section_bad = true;
	if (p[len - 1] != ']') {
		problem(r, "the section has no ']'");
		return;
	}
	r->section = trim(p + 1, p + len - 1);
	if (r->section[0] == 0)
		problem(r, "the section has no name");
	else
		r->section_bad = false;
}

static void read_key(struct reader *r, char *p, size_t len)
{
	char *equals = memchr(p, '=', len);
	char *key, *value;

	if (equals == NULL) {
		problem(r, "the line has no '='");
		return;
	}
	if (r->section == NULL && !r->section_bad) {
		problem(r, "the key stands before the first [section]");
		return;
	}
	value = trim(equals + 1, p + len);
	key = trim(p, equals);
	if (key[0] == 0) {
		problem(r, "there is no key before the '='");
		return;
	}
	if (r->section_bad)
		return;
	for (size_t i = 0; i < r->seen_count; i++) {
		if (strcmp(r->seen[i].key, key) == 0 && strcmp(r->seen[i].section, r->section) == 0) {
			char text[64];

			(void)snprintf(text, sizeof(text), "the key is given twice, first in line %u", r->seen[i].line);
			problem(r, text);
			return;
		}
	}
	if (r->seen_count == INI_KEYS_MAX) {
		problem(r, "there are too many keys");
		return;
	}
	r->seen[r->seen_count++] = (struct seen){r->section, key, r->line};
	r->handler->entry(r->handler->data, r->line, r->section, key, value);
}

static void read_line(struct reader *r, char *p, size_t len)
{
	if (len > INI_LINE_MAX) {
		problem(r, "the line is too long");
		return;
	}
	if (!is_clean(p, len)) {
		problem(r, "the line has control characters");
		return;
	}
	p = trim(p, p + len);
	if (p[0] == 0 || p[0] == '#' || p[0] == ';')
		return;
	if (p[0] == '[')
		read_section(r, p, strlen(p));
	else
		read_key(r, p, strlen(p));
}

int ini_parse(const char *text, size_t len, const struct ini_handler *handler)
{
	struct reader r = {.handler = handler};
	_cleanup_free_ struct seen *seen = NULL;
	_cleanup_free_ char *copy = NULL;

	if (len > INI_FILE_MAX) {
		problem(&r, "the file is too long");
		return 0;
	}
	copy = malloc(len + 1);
	r.seen = seen = malloc(INI_KEYS_MAX * sizeof(struct seen));
	if (copy == NULL || seen == NULL)
		return -ENOMEM;
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = 0;

	for (size_t at = len >= 3 && memcmp(copy, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; at < len;) {
		char *newline = memchr(copy + at, '\n', len - at);
		size_t end = newline != NULL ? (size_t)(newline - copy) : len;

		r.line++;
		read_line(&r, copy + at, end - at);
		at = end + 1;
	}
	return 0;
}
