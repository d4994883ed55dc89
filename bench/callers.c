/* callers: see callers.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/callers.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURNS_MAX = 1 << 20 }; /* Of a caller; more are not made. */

struct caller {
	pthread_t thread;
	unsigned number;
	uint64_t until_ns;
	void (*operation)(void *data, unsigned caller, uint64_t turn);
	void *data;
	uint32_t *latencies_ns;
	size_t count;
};

uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

_Noreturn void die(const char *what, long code)
{
	fprintf(stderr, "bench: %s: error %ld\n", what, code);
	exit(1);
}

static void *run(void *data)
{
	struct caller *c = data;

	for (uint64_t before = now_ns(), after; before < c->until_ns && c->count < TURNS_MAX; before = after) {
		c->operation(c->data, c->number, c->count);
		after = now_ns();
		c->latencies_ns[c->count++] = after - before < UINT32_MAX ? (uint32_t)(after - before) : UINT32_MAX;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report(struct caller *all, unsigned callers, double seconds)
{
	size_t count = 0, at = 0;
	uint32_t *sorted;

	for (unsigned i = 0; i < callers; i++)
		count += all[i].count;
	sorted = malloc((count + 1) * sizeof(*sorted));
	if (sorted == NULL || count == 0)
		die("no results", 0);
	for (unsigned i = 0; i < callers; i++) {
		memcpy(sorted + at, all[i].latencies_ns, all[i].count * sizeof(*sorted));
		at += all[i].count;
	}
	qsort(sorted, count, sizeof(*sorted), compare);
	printf(
	    "{\"callers\": %u, \"count\": %zu, \"seconds\": %.4f, \"rate\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
	    "\"max_us\": %.1f}\n",
	    callers, count, seconds, (double)count / seconds, sorted[count / 2] / 1e3, sorted[count * 99 / 100] / 1e3,
	    sorted[count - 1] / 1e3);
	free(sorted);
}

void callers_run(
    unsigned callers, double seconds, void (*operation)(void *data, unsigned caller, uint64_t turn), void *data)
{
	struct caller *all = calloc(callers, sizeof(*all));
	uint64_t begin = now_ns();

	if (all == NULL)
		die("no memory", 0);
	for (unsigned i = 0; i < callers; i++) {
		all[i].number = i;
		all[i].until_ns = begin + (uint64_t)(seconds * 1e9);
		all[i].operation = operation;
		all[i].data = data;
		all[i].latencies_ns = malloc(TURNS_MAX * sizeof(uint32_t)); /* Touched only as far as it is used. */
		if (all[i].latencies_ns == NULL || pthread_create(&all[i].thread, NULL, run, &all[i]) != 0)
			die("cannot start a caller", 0);
	}
	for (unsigned i = 0; i < callers; i++)
		(void)pthread_join(all[i].thread, NULL);
	report(all, callers, (double)(now_ns() - begin) / 1e9);
	for (unsigned i = 0; i < callers; i++)
		free(all[i].latencies_ns);
	free(all);
}
