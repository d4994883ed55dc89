/* history: see history.h.  Without memory a simulation ends.     Tests  tests/sim/engine.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sim/history.h"
#include <string.h>

void history_done(struct history *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->events[i]);
	free(h->events);
	*h = (struct history){ 0 };
}

uint64_t history_last(const struct history *h)
{
	return h->base + h->count;
}

uint64_t history_append(struct history *h, const struct engine_event *event)
{
	struct engine_event *copy = malloc(sizeof(*copy) + event->len);

	if (h->count == h->capacity) {
		h->capacity = MAX(2 * h->capacity, (size_t)64);
		h->events = realloc(h->events, h->capacity * sizeof(struct engine_event *));
	}
	if (copy == NULL || h->events == NULL)
		abort();
	*copy = *event;
	copy->index = history_last(h) + 1;
	copy->bytes = (const uint8_t *)(copy + 1);
	if (event->len > 0)
		memcpy(copy + 1, event->bytes, event->len);
	h->events[h->count++] = copy;
	return copy->index;
}

const struct engine_event *history_at(const struct history *h, uint64_t index)
{
	assert(index > h->base && index <= history_last(h));
	return h->events[index - h->base - 1];
}

void history_trim(struct history *h, uint64_t index)
{
	size_t gone;

	assert(index <= history_last(h));
	if (index <= h->base)
		return;
	gone = (size_t)(index - h->base);
	for (size_t i = 0; i < gone; i++)
		free(h->events[i]);
	memmove(h->events, h->events + gone, (h->count - gone) * sizeof(struct engine_event *));
	h->count -= gone;
	h->base = index;
}
