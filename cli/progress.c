/* progress: a line on the terminal that tells how far a backup or restore is.
 *
 * Why      RuedaBackup() and RuedaRestore() answer at the end, and a large database on a slow disk takes minutes in which
 *          nobody knows whether anything goes on.
 * How      a thread asks the service ten times a second (RuedaGetProgress()) and writes over the line; the end removes it.
 *          What cannot be asked or told is left out: the call itself tells what is wrong.
 * Rules    only if standard error is a terminal, so that scripts and logs never see it.
 * Threads  one, and its own.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"
#include "base/macro.h"
#include "include/rueda.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_NS = 100000000 };

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool running, end;
} line = { .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER };

static void print_progress(const RUEDA_PROGRESS *p)
{
	static const char *const phases[] = {
		[RuedaPhaseBackupWriting] = "writing the set",
		[RuedaPhaseBackupProving] = "reading the set back",
		[RuedaPhaseRestoreReading] = "reading and proving the set",
		[RuedaPhaseRestoreWriting] = "writing the database to the state directory",
		[RuedaPhaseRestoreStarting] = "keeping what was in force, and starting with the new database",
	};
	const double mebibyte = 1 << 20;

	if (p->Phase <= RuedaPhaseNone || p->Phase >= (RUEDA_PHASE)ARRAY_SIZE(phases))
		return;
	fprintf(stderr, "\r\033[K%s", phases[p->Phase]);
	if (p->cbDone > 0)
		fprintf(stderr, ", %.1f MiB of at most %.1f MiB", (double)p->cbDone / mebibyte,
		    (double)p->cbTotal / mebibyte);
	else if (p->cbTotal > 0)
		fprintf(stderr, ", %.1f MiB", (double)p->cbTotal / mebibyte);
	fprintf(stderr, " ...");
}

static void *ask(void *unused)
{
	struct timespec next;
	RUEDA_PROGRESS p;

	(void)clock_gettime(CLOCK_REALTIME, &next);
	(void)pthread_mutex_lock(&line.lock);
	while (!line.end) {
		next.tv_nsec += INTERVAL_NS;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&line.ended, &line.lock, &next) == 0)
			continue;
		(void)pthread_mutex_unlock(&line.lock);
		if (RuedaGetProgress(&p) == 0)
			print_progress(&p);
		(void)pthread_mutex_lock(&line.lock);
	}
	(void)pthread_mutex_unlock(&line.lock);
	return NULL;
}

void progress_begin(void)
{
	if (!isatty(STDERR_FILENO))
		return;
	line.end = false;
	line.running = pthread_create(&line.thread, NULL, ask, NULL) == 0;
}

void progress_end(void)
{
	if (!line.running)
		return;
	(void)pthread_mutex_lock(&line.lock);
	line.end = true;
	(void)pthread_cond_signal(&line.ended);
	(void)pthread_mutex_unlock(&line.lock);
	(void)pthread_join(line.thread, NULL);
	line.running = false;
	fprintf(stderr, "\r\033[K");
}
