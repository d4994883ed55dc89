/* wait: requests that go on in the background, and --wait.
 *
 * How      the service answers a request after a second at the latest. Without --wait that is the end here too, and a note
 *          says so; with it the object is looked at until it is where it shall be, has failed, or the time is over (258).
 *          Meanwhile a terminal is told how it is.
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 200, WAIT_MAX_S = 1000000 };

/* -1: for ever. */
static int parse_seconds(const char *text, int *ret)
{
	int seconds = 0;

	if (text[0] == 0) {
		*ret = -1;
		return 0;
	}
	for (const char *p = text; *p != 0; p++) {
		if (*p < '0' || *p > '9' || seconds > WAIT_MAX_S)
			return -EINVAL;
		seconds = seconds * 10 + *p - '0';
	}
	*ret = seconds;
	return 0;
}

static void clear_line(bool shown)
{
	if (shown)
		fprintf(stderr, "\r\033[K");
}

static DWORD watch(
    const struct subject *s, int seconds, struct look (*look)(const struct subject *s, void *data), void *data)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };
	bool terminal = isatty(STDERR_FILENO);

	for (int64_t waited_ms = 0;; waited_ms += STEP_MS) {
		struct look now = look(s, data);

		if (now.code != WAIT_TIMEOUT || (seconds >= 0 && waited_ms >= (int64_t)seconds * 1000)) {
			clear_line(terminal);
			return now.code;
		}
		if (terminal)
			fprintf(stderr, "\r\033[K%s: %s, %d s ...", s->text, now.state, (int)(waited_ms / 1000));
		(void)nanosleep(&step, NULL);
	}
}

int wait_for(const struct cli *c, const struct subject *s, const char *doing, DWORD code,
    struct look (*look)(const struct subject *s, void *data), void *data)
{
	int seconds;

	if (c->wait != NULL && parse_seconds(c->wait, &seconds) < 0)
		return cli_usage(c, "'%s' is no number of seconds", c->wait);
	if (code == ERROR_SUCCESS && c->wait == NULL)
		return CLI_OK;
	if (code == ERROR_IO_PENDING && c->wait == NULL) {
		fprintf(stderr, "rueda: begun; it goes on in the background. --wait waits for its end.\n");
		return CLI_OK;
	}
	/* A failure may be one try of several. */
	if (code == ERROR_SUCCESS || code == ERROR_IO_PENDING)
		code = watch(s, seconds, look, data);
	return code == ERROR_SUCCESS ? CLI_OK
				     : cli_fail(code, NULL, "%s the %s '%s'", doing, noun_word(s->noun), s->text);
}
