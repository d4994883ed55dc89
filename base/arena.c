/* arena: see arena.h.  Tests: tests/unit/arena.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_FIRST = 1024, ARENA_LARGEST = 65536 };

struct arena_block {
	struct arena_block *next;
	size_t size, used; /* Of data[]. */
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

void arena_done(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	a->used = 0;
}

void arena_wipe(struct arena *a)
{
	for (struct arena_block *b = a->blocks; b != NULL; b = b->next)
		explicit_bzero(b->data, b->used);
	arena_done(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX / 2 || (a->limit != 0 && size > a->limit - MIN(a->used, a->limit)))
		return NULL;
	size = ALIGN_UP(MAX(size, (size_t)1), ARENA_ALIGN);
	if (b == NULL || size > b->size - b->used) {
		size_t want = b == NULL ? ARENA_FIRST : MIN(b->size * 2, (size_t)ARENA_LARGEST);

		want = MAX(want, size);
		b = malloc(sizeof(*b) + want);
		if (b == NULL)
			return NULL;
		*b = (struct arena_block){ .next = a->blocks, .size = want };
		a->blocks = b;
	}
	p = b->data + b->used;
	b->used += size;
	a->used += size;
	return p;
}

void *arena_alloc_zero(struct arena *a, size_t size)
{
	void *p = arena_alloc(a, size);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

void *arena_dup(struct arena *a, const void *data, size_t size)
{
	void *p = arena_alloc(a, size);

	if (p != NULL && size > 0)
		memcpy(p, data, size);
	return p;
}

char16_t *arena_dup_u16(struct arena *a, struct u16 s)
{
	char16_t *p = arena_alloc(a, (s.len + 1) * sizeof(char16_t));

	if (p == NULL)
		return NULL;
	if (s.len > 0)
		memcpy(p, s.units, s.len * sizeof(char16_t));
	p[s.len] = 0;
	return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, format);
	len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	text = arena_alloc(a, (size_t)len + 1);
	if (text == NULL)
		return NULL;
	va_start(ap, format);
	(void)vsnprintf(text, (size_t)len + 1, format, ap);
	va_end(ap);
	return text;
}
