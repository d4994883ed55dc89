/* loop: the thread that owns all state, its clock, its timers and its workers, real or simulated.
 *
 * Why      everything that has state lives on one thread and learns of the world by callbacks, so that the whole
 *          daemon runs under simulated time from one seed.
 * How      No call calls back from inside itself.  Work runs on another thread (simulated: at some moment from then
 *          on), perhaps before loop_work() has returned; it must touch nothing but its own data, and is handed back to
 *          the loop thread.  Callbacks may make and free timers, their own included.
 * Real     io/linux/loop.c (libuv).   Simulated  sim/loop.c   Tests  tests/unit/loop.c runs the contract against both.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct loop;

struct loop_timer; /* One shot; made by loop_timer_new(). */

typedef void loop_callback(void *data);

struct loop_ops {
	uint64_t (*now_ns)(struct loop *l);         /* CLOCK_BOOTTIME; never goes back. */
	uint64_t (*wall_filetime)(struct loop *l);  /* For display and for the time stamps put into commands. */
	void (*random)(struct loop *l, void *data, size_t len);
	int (*timer_new)(struct loop *l, loop_callback *callback, void *data, struct loop_timer **ret);
	void (*timer_start)(struct loop_timer *t, uint64_t delay_ns); /* Replaces a start that has not fired. */
	void (*timer_stop)(struct loop_timer *t);
	void (*timer_free)(struct loop_timer *t);
	/* run(data) on a worker, then done(data) on the loop.  Workers run in parallel.  -ENOMEM: neither is called. */
	int (*work)(struct loop *l, loop_callback *run, loop_callback *done, void *data);
	/* The same for long work that nobody waits for: it yields the processors to all other threads, and takes no worker
	 * from them. */
	int (*background)(struct loop *l, loop_callback *run, loop_callback *done, void *data);
	/* callback(data) on the loop, soon, in the order of posting.  From any thread. */
	int (*post)(struct loop *l, loop_callback *callback, void *data);
};

struct loop {
	const struct loop_ops *ops;
};

struct loop_timer {
	struct loop *loop;
};

static inline uint64_t loop_now_ns(struct loop *l)
{
	return l->ops->now_ns(l);
}
static inline uint64_t loop_wall_filetime(struct loop *l)
{
	return l->ops->wall_filetime(l);
}
static inline void loop_random(struct loop *l, void *data, size_t len)
{
	l->ops->random(l, data, len);
}
static inline int loop_timer_new(struct loop *l, loop_callback *callback, void *data, struct loop_timer **ret)
{
	return l->ops->timer_new(l, callback, data, ret);
}
static inline void loop_timer_start(struct loop_timer *t, uint64_t delay_ns)
{
	t->loop->ops->timer_start(t, delay_ns);
}
static inline void loop_timer_stop(struct loop_timer *t)
{
	t->loop->ops->timer_stop(t);
}
static inline void loop_timer_free(struct loop_timer *t)
{
	if (t != NULL)
		t->loop->ops->timer_free(t);
}
DEFINE_FREEP(struct loop_timer, loop_timer_free)
static inline int loop_work(struct loop *l, loop_callback *run, loop_callback *done, void *data)
{
	return l->ops->work(l, run, done, data);
}
static inline int loop_background(struct loop *l, loop_callback *run, loop_callback *done, void *data)
{
	return l->ops->background(l, run, done, data);
}
static inline int loop_post(struct loop *l, loop_callback *callback, void *data)
{
	return l->ops->post(l, callback, data);
}
