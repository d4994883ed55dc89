/* crash: the flight recorder is written down when the process is about to die.
 *
 * Why      a cluster survives a node that stops; what must not be lost is why it stopped.
 * How      a handler on a stack of its own (the ordinary one may be what overflowed) for the signals that a bug or a failed
 *          assertion raises.  It opens a file whose name was made at the start, writes the signal, the calls and the trace
 *          ring (base/log.h), and raises the signal again, so that the parent and a core dump see it.
 * Promise  only calls that are allowed in a signal handler, but for backtrace(), which is called once before so that it
 *          has loaded what it needs.
 * Threads  setup: the main one.  Stack overflow in other threads is not recorded.
 * Limits   CRASH_FILES_MAX files are kept.      Tests  tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/crash.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CALLS_MAX = 64 };

static char path[4096], head[256];
static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };

static void write_text(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

static void died(int signal_number)
{
	void *calls[CALLS_MAX];
	char number[3] = { (char)('0' + signal_number / 10), (char)('0' + signal_number % 10), '\n' };
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0) {
		write_text(fd, head);
		write_text(fd, "signal ");
		(void)!write(fd, number, sizeof(number));
		write_text(fd, "\ncalls\n");
		backtrace_symbols_fd(calls, backtrace(calls, CALLS_MAX), fd);
		write_text(fd, "\ntrace: seconds of CLOCK_MONOTONIC\n");
		trace_dump(fd);
		write_text(STDERR_FILENO, "ruedad has crashed; what it did before is in ");
		write_text(STDERR_FILENO, path);
		write_text(STDERR_FILENO, "\n");
	}
	(void)raise(signal_number); /* SA_RESETHAND: the default now. */
}

static int is_crash_file(const struct dirent *entry)
{
	return strncmp(entry->d_name, "crash-", 6) == 0;
}

/* Names begin with the time, so their order is that of age. */
static void remove_oldest(const char *directory)
{
	_cleanup_fd_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries;
	int count = fd < 0 ? -1 : scandirat(fd, ".", &entries, is_crash_file, alphasort);

	for (int i = 0; i < count; i++) {
		if (i + CRASH_FILES_MAX <= count) /* Room for one more. */
			(void)unlinkat(fd, entries[i]->d_name, 0);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int crash_setup(const char *state_directory, const char **ret_path)
{
	static uint8_t stack[64 << 10];
	const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = died, .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND) };
	char when[32];
	struct timespec now;
	struct tm tm;
	void *call;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	if (snprintf(path, sizeof(path), "%s/crash-%s-%d.txt", state_directory, when, getpid()) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	(void)snprintf(head, sizeof(head), "ruedad %s, pid %d, started %s\n", RUEDA_VERSION, getpid(), when);
	remove_oldest(state_directory);
	(void)backtrace(&call, 1);
	if (sigaltstack(&alternative, NULL) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		if (sigaction(fatal[i], &action, NULL) < 0)
			return -errno;
	*ret_path = path;
	return 0;
}
