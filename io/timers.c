/* timers: see timers.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/timers.h"

void timers_done(struct timers *t)
{
	free(t->items);
	*t = (struct timers){ 0 };
}

int timers_reserve(struct timers *t)
{
	if (t->reserved == t->capacity) {
		size_t capacity = t->capacity > 0 ? t->capacity * 2 : 16;
		struct timer_item **items = realloc(t->items, capacity * sizeof(struct timer_item *));

		if (items == NULL)
			return -ENOMEM;
		t->items = items;
		t->capacity = capacity;
	}
	t->reserved++;
	return 0;
}

void timers_release(struct timers *t)
{
	assert(t->reserved > t->count);
	t->reserved--;
}

static bool is_before(const struct timer_item *a, const struct timer_item *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->sequence < b->sequence;
}

static void set(struct timers *t, size_t place, struct timer_item *item)
{
	t->items[place - 1] = item;
	item->place = place;
}

/* Put item where it belongs, given that place (from 1) is free and only item may be out of order. */
static void sift(struct timers *t, size_t place, struct timer_item *item)
{
	while (place > 1 && is_before(item, t->items[place / 2 - 1])) {
		set(t, place, t->items[place / 2 - 1]);
		place /= 2;
	}
	for (size_t child; (child = place * 2) <= t->count; place = child) {
		if (child < t->count && is_before(t->items[child], t->items[child - 1]))
			child++;
		if (!is_before(t->items[child - 1], item))
			break;
		set(t, place, t->items[child - 1]);
	}
	set(t, place, item);
}

void timers_put(struct timers *t, struct timer_item *item, uint64_t due_ns)
{
	if (item->place == 0) {
		assert(t->count < t->reserved);
		item->place = ++t->count;
	}
	item->due_ns = due_ns;
	item->sequence = ++t->sequence;
	sift(t, item->place, item);
}

void timers_remove(struct timers *t, struct timer_item *item)
{
	size_t place = item->place;
	struct timer_item *last;

	if (place == 0)
		return;
	assert(place <= t->count && t->items[place - 1] == item);
	last = t->items[--t->count];
	item->place = 0;
	if (last != item)
		sift(t, place, last);
}

struct timer_item *timers_first(const struct timers *t)
{
	return t->count > 0 ? t->items[0] : NULL;
}
