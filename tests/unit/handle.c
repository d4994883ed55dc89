/* The handle table: every bit pattern, every kind, and the end of memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/handle.h"
#include "base/error.h"
#include "tests/lib/failalloc.h"

struct thing {
	struct object object;
	int *destroyed;
};

static void thing_destroy(struct object *o)
{
	struct thing *t = container_of(o, struct thing, object);

	(*t->destroyed)++;
	free(t);
}

static struct object *thing_new(enum object_kind kind, int *destroyed)
{
	struct thing *t = malloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	t->destroyed = destroyed;
	object_init(&t->object, kind, thing_destroy);
	return &t->object;
}

/* A handle that holds the only reference. */
static void *thing_open(enum object_kind kind, int *destroyed)
{
	_cleanup_object_ struct object *o = thing_new(kind, destroyed);
	void *handle = NULL;

	CHECK(o != NULL);
	CHECK_INT(handle_open(o, &handle), 0);
	return handle;
}

static void close_handle(void *handle, enum object_kind kind)
{
	_cleanup_object_ struct object *o = NULL;

	CHECK_INT(handle_take(handle, kind, &o), 0);
}

TEST(a_handle_leads_to_its_object_until_it_is_closed)
{
	int destroyed = 0;
	void *handle = thing_open(OBJECT_KEY, &destroyed);
	struct object *o = NULL;

	CHECK(handle != NULL && handle_count() == 1);
	CHECK_INT(handle_get(handle, OBJECT_KEY, &o), 0);
	CHECK_INT(o->kind, OBJECT_KEY);
	object_unref(o);
	close_handle(handle, OBJECT_KEY);
	CHECK_INT(destroyed, 1);
	CHECK_INT(handle_count(), 0);
	o = NULL;
	CHECK_INT(handle_get(handle, OBJECT_KEY, &o), ERR_INVALID_HANDLE);
	CHECK_INT(handle_take(handle, OBJECT_KEY, &o), ERR_INVALID_HANDLE);
	CHECK(o == NULL);
}

TEST(a_call_in_progress_keeps_a_closed_object)
{
	int destroyed = 0;
	void *handle = thing_open(OBJECT_PORT, &destroyed);
	struct object *o = NULL;

	CHECK_INT(handle_get(handle, OBJECT_PORT, &o), 0);
	close_handle(handle, OBJECT_PORT);
	CHECK_INT(destroyed, 0);
	object_unref(o);
	CHECK_INT(destroyed, 1);
	object_unref(NULL);
}

TEST(a_handle_of_one_kind_is_none_of_another)
{
	int destroyed = 0;

	for (enum object_kind is = 0; is < OBJECT_KIND_COUNT; is++) {
		void *handle = thing_open(is, &destroyed);

		for (enum object_kind asked = 0; asked < OBJECT_KIND_COUNT; asked++) {
			struct object *o = NULL;

			CHECK_INT(handle_get(handle, asked, &o), asked == is ? 0 : ERR_INVALID_HANDLE);
			object_unref(o);
			if (asked != is)
				CHECK_INT(handle_take(handle, asked, &o), ERR_INVALID_HANDLE);
		}
		close_handle(handle, is);
	}
	CHECK_INT(destroyed, OBJECT_KIND_COUNT);
}

TEST(no_other_bit_pattern_is_a_handle)
{
	int destroyed = 0;
	void *handles[3];
	struct object *o = NULL;
	uint64_t state = test_seed;

	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		handles[i] = thing_open(OBJECT_CLUSTER, &destroyed);
	CHECK_INT(handle_get(NULL, OBJECT_CLUSTER, &o), ERR_INVALID_HANDLE);
	CHECK_INT(handle_get((void *)-1, OBJECT_CLUSTER, &o), ERR_INVALID_HANDLE);
	CHECK_INT(handle_get(&destroyed, OBJECT_CLUSTER, &o), ERR_INVALID_HANDLE);
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		for (unsigned bit = 0; bit < 8 * sizeof(void *); bit++) {
			void *other = (void *)((uintptr_t)handles[i] ^ (uintptr_t)1 << bit);

			/* Another open one may be a bit away. */
			if (other != handles[0] && other != handles[1] && other != handles[2])
				CHECK_INT(handle_get(other, OBJECT_CLUSTER, &o), ERR_INVALID_HANDLE);
		}
	for (uint64_t i = 0; i < test_rounds(100000); i++) {
		void *other;

		state = state * 6364136223846793005u + 1442695040888963407u;
		other = (void *)(uintptr_t)(state ^ state >> 29);
		if (other != handles[0] && other != handles[1] && other != handles[2])
			CHECK_INT(handle_get(other, OBJECT_CLUSTER, &o), ERR_INVALID_HANDLE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++)
		close_handle(handles[i], OBJECT_CLUSTER);
	CHECK_INT(destroyed, 3);
}

TEST(a_closed_handle_never_comes_back)
{
	enum { COUNT = 2000 };
	static void *old[COUNT];
	int destroyed = 0;

	for (size_t i = 0; i < COUNT; i++) {
		old[i] = thing_open(OBJECT_ENUM, &destroyed);
		close_handle(old[i], OBJECT_ENUM);
	}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < i; j++)
			CHECK(old[i] != old[j]);
}

TEST(there_is_a_limit_and_it_is_an_ordinary_error)
{
	enum { HANDLES = 65536 };
	static void *handles[HANDLES];
	int destroyed = 0;
	_cleanup_object_ struct object *o = thing_new(OBJECT_NODE, &destroyed);
	void *handle = NULL;

	CHECK(o != NULL);
	for (size_t i = 0; i < HANDLES; i++)
		CHECK_INT(handle_open(o, &handles[i]), 0);
	CHECK_INT(handle_open(o, &handle), ERR_TOO_MANY_OPEN_FILES);
	CHECK(handle == NULL);
	close_handle(handles[7], OBJECT_NODE);
	CHECK_INT(handle_open(o, &handles[7]), 0);
	for (size_t i = 0; i < HANDLES; i++)
		close_handle(handles[i], OBJECT_NODE);
	CHECK_INT(handle_count(), 0);
	CHECK_INT(destroyed, 0);
}
