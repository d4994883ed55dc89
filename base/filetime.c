/* filetime: see filetime.h.  Tests: tests/unit/filetime.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/filetime.h"
#include <stdio.h>

#define EPOCH_SECONDS 11644473600ll /* From 1601 to 1970. */
#define TICKS 10000000ll            /* Units in a second. */

uint64_t filetime_from_timespec(struct timespec t)
{
	if (t.tv_sec < -EPOCH_SECONDS)
		return 0;
	return (uint64_t)(t.tv_sec + EPOCH_SECONDS) * TICKS + (uint64_t)t.tv_nsec / 100;
}

struct timespec filetime_to_timespec(uint64_t filetime)
{
	return (struct timespec){
		.tv_sec = (time_t)(filetime / TICKS) - EPOCH_SECONDS,
		.tv_nsec = (long)(filetime % TICKS) * 100,
	};
}

void filetime_to_fields(uint64_t filetime, uint16_t fields[8])
{
	struct timespec t = filetime_to_timespec(filetime);
	struct tm tm = { 0 };

	/* The largest filetime is of the year 60056. */
	(void)gmtime_r(&t.tv_sec, &tm);
	fields[0] = (uint16_t)(tm.tm_year + 1900);
	fields[1] = (uint16_t)(tm.tm_mon + 1);
	fields[2] = (uint16_t)tm.tm_wday;
	fields[3] = (uint16_t)tm.tm_mday;
	fields[4] = (uint16_t)tm.tm_hour;
	fields[5] = (uint16_t)tm.tm_min;
	fields[6] = (uint16_t)tm.tm_sec;
	fields[7] = (uint16_t)(t.tv_nsec / 1000000);
}

void filetime_format(uint64_t filetime, char text[32])
{
	struct timespec t = filetime_to_timespec(filetime);
	struct tm tm;

	if (gmtime_r(&t.tv_sec, &tm) == NULL || strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(text, 32, "%llu", (unsigned long long)filetime);
}
