/* Handles that one thread closes while others use them.  Built with the thread sanitizer, together with the code under
 * test, where the compiler has it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "lib/clusapi/handle.h"
#include "tests/lib/test.h"
#include <pthread.h>

enum { THREADS = 4, SLOTS = 8 };

struct thing {
	struct object object;
	uint64_t alive; /* Cleared by the destructor: a call that sees 0 uses what is gone. */
};

static struct {
	pthread_mutex_t lock;
	void *handles[SLOTS];
	_Atomic uint64_t made, destroyed, used, refused, wrong;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void thing_destroy(struct object *o)
{
	struct thing *t = container_of(o, struct thing, object);

	t->alive = 0;
	shared.destroyed++;
	free(t);
}

static void *thing_open(void)
{
	struct thing *t = calloc(1, sizeof(*t));
	void *handle = NULL;

	if (t == NULL)
		return NULL;
	t->alive = 1;
	object_init(&t->object, OBJECT_KEY, thing_destroy);
	shared.made++;
	if (handle_open(&t->object, &handle) < 0)
		shared.wrong++;
	object_unref(&t->object);
	return handle;
}

/* Any handle that was ever in the slot: it may have been closed since. */
static void *pick(unsigned slot)
{
	void *handle;

	(void)pthread_mutex_lock(&shared.lock);
	handle = shared.handles[slot];
	(void)pthread_mutex_unlock(&shared.lock);
	return handle;
}

static void replace(unsigned slot)
{
	void *new = thing_open(), *old;
	struct object *o = NULL;

	(void)pthread_mutex_lock(&shared.lock);
	old = shared.handles[slot];
	shared.handles[slot] = new;
	(void)pthread_mutex_unlock(&shared.lock);
	if (old != NULL && handle_take(old, OBJECT_KEY, &o) < 0)
		shared.wrong++; /* Only one thread has taken this one out of its slot. */
	object_unref(o);
}

static void *work(void *data)
{
	uint64_t state = (uintptr_t)data;

	for (uint64_t i = test_rounds(20000); i > 0; i--) {
		unsigned slot;

		state = state * 6364136223846793005u + 1442695040888963407u;
		slot = (unsigned)(state >> 40) % SLOTS;
		if (state >> 60 == 0) {
			replace(slot);
		} else {
			struct object *o = NULL;
			int r = handle_get(pick(slot), OBJECT_KEY, &o);

			if (r == 0) {
				shared.wrong += container_of(o, struct thing, object)->alive != 1;
				shared.used++;
			} else {
				shared.refused++;
			}
			object_unref(o);
		}
	}
	return NULL;
}

TEST(a_close_during_calls_on_other_threads_is_safe)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(test_seed + i)), 0);
	for (size_t i = 0; i < THREADS; i++)
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	for (size_t i = 0; i < SLOTS; i++) {
		struct object *o = NULL;

		if (shared.handles[i] != NULL)
			CHECK_INT(handle_take(shared.handles[i], OBJECT_KEY, &o), 0);
		object_unref(o);
	}
	CHECK_INT(shared.wrong, 0);
	CHECK(shared.used > 0 && shared.made > THREADS);
	CHECK_INT(shared.made, shared.destroyed);
	CHECK_INT(handle_count(), 0);
}
