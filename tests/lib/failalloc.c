/* failalloc: see failalloc.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/failalloc.h"
#include <malloc.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);
char *__wrap_strdup(const char *text);

static _Thread_local bool active;
static _Thread_local uint64_t countdown;
static _Thread_local int64_t live;

static bool refuse(void)
{
	return active && countdown > 0 && --countdown == 0;
}

void *__wrap_malloc(size_t size)
{
	void *p = refuse() ? NULL : __real_malloc(size);

	live += active && p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = refuse() ? NULL : __real_calloc(n, size);

	live += active && p != NULL;
	return p;
}

void *__wrap_realloc(void *old, size_t size)
{
	void *p = refuse() ? NULL : __real_realloc(old, size);

	live += active && p != NULL && old == NULL;
	return p;
}

void __wrap_free(void *p)
{
	live -= active && p != NULL;
	__real_free(p);
}

/* The C library's would call its own malloc, unseen by the wrapper. */
char *__wrap_strdup(const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy = __wrap_malloc(len);

	return copy != NULL ? memcpy(copy, text, len) : NULL;
}

void failalloc_begin(uint64_t nth)
{
	countdown = nth;
	live = 0;
	active = true;
}

void failalloc_arm(uint64_t nth)
{
	countdown = nth;
}

bool failalloc_hit(void)
{
	return countdown == 0;
}

void failalloc_hand_over(void)
{
	live = 0;
}

uint64_t failalloc_left(void)
{
	return countdown;
}

bool failalloc_end(void)
{
	bool hit = countdown == 0;

	active = false;
	if (live != 0)
		test_fail(__FILE__, __LINE__, "%jd allocations left behind", (intmax_t)live);
	return hit;
}

uint64_t failalloc_armed;
bool failalloc_refused;

void failalloc_within(bool begins)
{
	if (begins) {
		failalloc_arm(failalloc_armed);
	} else {
		failalloc_refused = failalloc_refused || (failalloc_armed != 0 && failalloc_hit());
		failalloc_armed = failalloc_left();
		failalloc_arm(0);
	}
}
