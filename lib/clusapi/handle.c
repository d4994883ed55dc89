/* handle: a table that turns the handles of programs into objects, and back.
 *
 * Why      a program may pass anything as a handle: NULL, a number, one that it closed an hour ago, one of another kind,
 *          one that another thread closes right now.  All of that must give an error and never touch freed memory.
 * How      a handle is no pointer.  It names a slot of the table and the generation of that slot, which goes up with
 *          each handle that the slot has held:
 *
 *              63 …                18 17 … 2   1 0
 *              generation (from 1)    slot     0 0        (on 32-bit machines 14 bits of generation)
 *
 *          A slot whose generations are used up is never used again.  Free slots wait in a queue, so that a handle
 *          comes back as late as possible.  Objects count their references: the table has one, each call in progress
 *          has one, and so has each object that needs another (a key needs its cluster).
 * Promise  a handle that has been closed stays invalid as long as its generation does not come back: for ever on 64-bit
 *          machines.  An object is destroyed once, by whoever drops the last reference.
 * Limits   HANDLE_MAX open handles in a process.  Handles do not survive fork().
 * Threads  all functions; one lock, held for a few instructions and never while an object is destroyed.
 * Tests    tests/unit/handle.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/handle.h"
#include "base/error.h"
#include <pthread.h>

enum { TAG_BITS = 2, SLOT_BITS = 16, HANDLE_MAX = 1 << SLOT_BITS, GENERATION_SHIFT = TAG_BITS + SLOT_BITS };
/* The top bit stays 0, so that INVALID_HANDLE_VALUE is none of ours. */
#define GENERATION_MAX (UINTPTR_MAX >> 1 >> GENERATION_SHIFT)

struct slot {
	struct object *object; /* NULL: free. */
	uintptr_t generation;  /* Of the handle that it holds, or held last. */
	uint32_t next_free;
};

static struct {
	pthread_mutex_t lock;
	struct slot *slots;
	uint32_t allocated, used, open;
	uint32_t first_free, last_free; /* The queue; NO_SLOT when it is empty. */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER, .first_free = UINT32_MAX, .last_free = UINT32_MAX };
enum { FIRST_SLOTS = 64 };
#define NO_SLOT UINT32_MAX

void object_init(struct object *o, enum object_kind kind, void (*destroy)(struct object *o))
{
	assert(kind < OBJECT_KIND_COUNT && destroy != NULL);
	o->kind = kind;
	o->destroy = destroy;
	o->references = 1;
}

struct object *object_ref(struct object *o)
{
	uint32_t before = o->references++;

	assert(before > 0 && before < UINT32_MAX);
	return o;
}

void object_unref(struct object *o)
{
	uint32_t before;

	if (o == NULL)
		return;
	before = o->references--;
	assert(before > 0);
	if (before == 1)
		o->destroy(o);
}

/* A slot that is not in use; NO_SLOT if there is no more.  With the lock. */
static int slot_take(uint32_t *ret)
{
	if (table.first_free != NO_SLOT) {
		*ret = table.first_free;
		table.first_free = table.slots[*ret].next_free;
		if (table.first_free == NO_SLOT)
			table.last_free = NO_SLOT;
		return 0;
	}
	if (table.used == HANDLE_MAX)
		return ERR_TOO_MANY_OPEN_FILES;
	if (table.used == table.allocated) {
		uint32_t count = MAX(table.allocated * 2, (uint32_t)FIRST_SLOTS);
		struct slot *slots = realloc(table.slots, count * sizeof(*slots));

		if (slots == NULL)
			return -ENOMEM;
		table.slots = slots;
		table.allocated = count;
	}
	*ret = table.used++;
	table.slots[*ret] = (struct slot){ .next_free = NO_SLOT };
	return 0;
}

/* With the lock. */
static void slot_give(uint32_t index)
{
	struct slot *slot = &table.slots[index];

	slot->object = NULL;
	slot->next_free = NO_SLOT;
	if (slot->generation == GENERATION_MAX)
		return; /* Its next handle would be one that was there before. */
	if (table.last_free == NO_SLOT)
		table.first_free = index;
	else
		table.slots[table.last_free].next_free = index;
	table.last_free = index;
}

int handle_open(struct object *o, void **ret_handle)
{
	uint32_t index = NO_SLOT;
	int r;

	(void)pthread_mutex_lock(&table.lock);
	r = slot_take(&index);
	if (r == 0) {
		struct slot *slot = &table.slots[index];

		assert(slot->object == NULL && slot->generation < GENERATION_MAX);
		slot->object = object_ref(o);
		slot->generation++;
		table.open++;
		*ret_handle = (void *)(slot->generation << GENERATION_SHIFT | (uintptr_t)index << TAG_BITS);
	}
	(void)pthread_mutex_unlock(&table.lock);
	return r;
}

/* The slot of an open handle of that kind, or NULL.  With the lock. */
static struct slot *slot_find(const void *handle, enum object_kind kind)
{
	uintptr_t value = (uintptr_t)handle;
	uintptr_t index = value >> TAG_BITS & (HANDLE_MAX - 1);
	struct slot *slot;

	if ((value & ((1u << TAG_BITS) - 1)) != 0 || index >= table.used)
		return NULL;
	slot = &table.slots[index];
	if (slot->object == NULL || slot->generation != value >> GENERATION_SHIFT || slot->object->kind != kind)
		return NULL;
	return slot;
}

int handle_get(const void *handle, enum object_kind kind, struct object **ret)
{
	struct slot *slot;

	(void)pthread_mutex_lock(&table.lock);
	slot = slot_find(handle, kind);
	if (slot != NULL)
		*ret = object_ref(slot->object);
	(void)pthread_mutex_unlock(&table.lock);
	return slot != NULL ? 0 : ERR_INVALID_HANDLE;
}

static void (*_Atomic on_take)(struct object *o);

void handle_on_take(void (*taken)(struct object *o))
{
	on_take = taken;
}

int handle_take(const void *handle, enum object_kind kind, struct object **ret)
{
	void (*taken)(struct object *o) = on_take;
	struct slot *slot;

	(void)pthread_mutex_lock(&table.lock);
	slot = slot_find(handle, kind);
	if (slot != NULL) {
		*ret = slot->object;
		slot_give((uint32_t)(slot - table.slots));
		table.open--;
	}
	(void)pthread_mutex_unlock(&table.lock);
	if (slot != NULL && taken != NULL)
		taken(*ret);
	return slot != NULL ? 0 : ERR_INVALID_HANDLE;
}

size_t handle_count(void)
{
	size_t count;

	(void)pthread_mutex_lock(&table.lock);
	count = table.open;
	(void)pthread_mutex_unlock(&table.lock);
	return count;
}
