/* log: lines for people on standard error, and a ring of trace records for the flight recorder.
 *
 * Rules    Leaf functions return errors; the function that decides what happens next logs, once, with what was tried
 *          and what follows.  A line is a sentence, then key=value pairs.  Library code never logs.
 * Trace    A fixed ring of fixed records, written without locks (an index is taken atomically): a record that is being
 *          overwritten while it is dumped may be garbled, nothing else.
 * Threads  all functions but log_setup().       Limits  a line has 1,000 bytes, a trace record 120.
 * Tests    tests/unit/log.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 1024, TRACE_RECORDS = 4096, TRACE_SIZE = 120 };

static const char *const level_names[] = { "error", "warning", "notice", "info", "debug" };
static const int journal_priorities[] = { 3, 4, 5, 6, 7 };

static const char *log_program = "rueda";
static _Atomic enum log_level log_least = LOG_INFO;
static bool log_journal;

static struct {
	struct timespec at;
	char text[TRACE_SIZE];
} trace_ring[TRACE_RECORDS];
static atomic_uint trace_next;

void log_setup(const char *program, enum log_level least, bool journal)
{
	log_program = program;
	log_least = least;
	log_journal = journal;
}

void log_set_level(enum log_level least)
{
	log_least = least;
}

bool log_parse_level(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* C0, DEL, and C1 as UTF-8 has it: of that the second byte is left, which alone means nothing. */
static bool drives_terminal(const char *p)
{
	unsigned char c = (unsigned char)p[0], next = c != 0 ? (unsigned char)p[1] : 0;

	return c < ' ' || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0);
}

void log_at(enum log_level level, const char *format, ...)
{
	char line[LINE_SIZE];
	size_t used;
	va_list ap;

	if (level > log_least)
		return;
	if (log_journal) {
		used = (size_t)snprintf(line, sizeof(line), "<%d>", journal_priorities[level]);
	} else {
		struct timespec now;
		struct tm tm;

		(void)clock_gettime(CLOCK_REALTIME, &now);
		(void)localtime_r(&now.tv_sec, &tm);
		used = strftime(line, sizeof(line), "%Y-%m-%d %H:%M:%S", &tm);
		used += (size_t)snprintf(line + used, sizeof(line) - used, ".%03ld %s: %s: ", now.tv_nsec / 1000000,
		    log_program, level_names[level]);
	}
	va_start(ap, format);
	(void)vsnprintf(line + used, sizeof(line) - used - 1, format, ap);
	va_end(ap);
	/* Names come from anybody: a newline would forge a second line. */
	for (char *p = line; *p != 0; p++)
		if (drives_terminal(p))
			*p = '?';
	used = strlen(line);
	line[used++] = '\n';
	(void)!write(STDERR_FILENO, line, used);
}

void trace(const char *format, ...)
{
	unsigned slot = atomic_fetch_add_explicit(&trace_next, 1, memory_order_relaxed) % TRACE_RECORDS;
	va_list ap;

	(void)clock_gettime(CLOCK_MONOTONIC, &trace_ring[slot].at);
	va_start(ap, format);
	(void)vsnprintf(trace_ring[slot].text, TRACE_SIZE, format, ap);
	va_end(ap);
}

/* Decimal digits into p, at least width of them; returns the end.  snprintf() is not safe in a signal handler. */
static char *put_number(char *p, unsigned long n, int width)
{
	char digits[20];
	int len = 0;

	do {
		digits[len++] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0 || len < width);
	while (len > 0)
		*p++ = digits[--len];
	return p;
}

void trace_dump(int fd)
{
	unsigned next = atomic_load_explicit(&trace_next, memory_order_relaxed);
	unsigned count = MIN(next, (unsigned)TRACE_RECORDS);

	for (unsigned i = next - count; i != next; i++) {
		unsigned slot = i % TRACE_RECORDS;
		char line[TRACE_SIZE + 64];
		char *p = put_number(line, (unsigned long)trace_ring[slot].at.tv_sec, 1);

		*p++ = '.';
		p = put_number(p, (unsigned long)trace_ring[slot].at.tv_nsec / 1000, 6);
		*p++ = ' ';
		for (const char *t = trace_ring[slot].text; *t != 0; t++)
			*p++ = drives_terminal(t) ? '?' : *t;
		*p++ = '\n';
		(void)!write(fd, line, (size_t)(p - line));
	}
}
