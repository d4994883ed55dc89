/* SPDX-License-Identifier: Apache-2.0 */
#include "base/beside.h"
#include "tests/lib/test.h"

struct work {
	pthread_t caller;
	bool elsewhere, done;
};

static void work(void *data)
{
	struct work *w = data;

	w->elsewhere = !pthread_equal(pthread_self(), w->caller);
	w->done = true;
}

TEST(the_work_is_done_on_another_thread_when_its_end_returns)
{
	struct work w = { .caller = pthread_self() };
	struct beside b;

	beside_begin(&b, work, &w);
	beside_end(&b);
	CHECK(w.done && w.elsewhere);
	beside_end(&b); /* Harmless. */
}

TEST(an_end_without_a_beginning_does_nothing)
{
	struct beside b = { 0 };

	beside_end(&b);
}

TEST(without_a_thread_the_work_is_done_at_once)
{
	struct work w = { .caller = pthread_self() };
	pthread_attr_t before, huge;
	struct beside b;

	/* A stack that no address space has room for. */
	CHECK_INT(pthread_getattr_default_np(&before), 0);
	CHECK_INT(pthread_getattr_default_np(&huge), 0);
	CHECK_INT(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
	CHECK_INT(pthread_setattr_default_np(&huge), 0);
	beside_begin(&b, work, &w);
	CHECK_INT(pthread_setattr_default_np(&before), 0);
	CHECK(w.done && !w.elsewhere);
	beside_end(&b);
	(void)pthread_attr_destroy(&before);
	(void)pthread_attr_destroy(&huge);
}
