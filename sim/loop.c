/* sim_loop: see sim/loop.h.
 *
 * How      An event is a timer that runs, a half of a work, or a post; all stand in world->queue.  A timer belongs to
 *          its owner; the others belong to their loop, which frees them when they happen or when it halts.
 *          The clock of a loop is boot + (world time − since) × (1 + drift); timers are converted to world time when
 *          they are started and rounded up, and again when the drift changes.
 *          An event of a paused loop that comes up is put back to the end of the pause, in the order of coming up.
 * Tests    tests/unit/loop.c, tests/unit/sim_loop.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/loop.h"
#include "io/timers.h"

#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u
#define TURN_NS 1000u /* What a turn of the loop takes; without it a timer of no delay could stop the time. */
#define WALL_START 133000000000000000u /* Some day in 2022. */

struct world {
	struct rng rng;
	uint64_t now_ns;
	struct timers queue;
	unsigned loops;
	struct event *running; /* Whose run() is being executed on its worker; NULL: a loop's callback is, or nothing. */
	unsigned depth;        /* Of yields within yields. */
};

enum { YIELD_DEPTH_MAX = 8 };

struct sim_loop {
	struct loop loop;
	struct world *world;        /* Shared; freed with the last loop. */
	struct rng rng;             /* For loop_random(). */
	struct event *events;       /* All of this loop, timers included. */
	uint64_t boot_ns, since_ns; /* What the clock showed, at which world time. */
	int32_t drift_ppm;
	int64_t wall_offset;
	uint64_t paused_until_ns, last_post_ns;
	uint64_t work_min_ns, work_max_ns;
	bool halted;
};

enum event_kind { EVENT_TIMER, EVENT_RUN, EVENT_DONE, EVENT_POST };

struct event {
	struct timer_item item;
	struct sim_loop *loop;
	struct event *next, *previous; /* In loop->events. */
	enum event_kind kind;
	struct loop_timer timer; /* EVENT_TIMER */
	uint64_t due_local_ns;   /* EVENT_TIMER: by the loop's own clock. */
	loop_callback *run;      /* EVENT_RUN */
	bool running;            /* run() has begun and not ended; */
	bool dead;               /* meanwhile its loop was halted. */
	loop_callback *callback;
	void *data;
};

static struct sim_loop *loop_of(struct loop *l)
{
	return container_of(l, struct sim_loop, loop);
}

static struct event *timer_event(struct loop_timer *t)
{
	return container_of(t, struct event, timer);
}

static uint64_t local_now_ns(const struct sim_loop *l)
{
	uint64_t passed = l->world->now_ns - l->since_ns;

	return l->boot_ns + (uint64_t)((unsigned __int128)passed * (unsigned)(1000000 + l->drift_ppm) / 1000000u);
}

/* The first world time at which the loop's clock shows due_ns. */
static uint64_t world_time_ns(const struct sim_loop *l, uint64_t due_ns)
{
	unsigned rate = (unsigned)(1000000 + l->drift_ppm);
	unsigned __int128 passed;

	if (due_ns <= local_now_ns(l))
		return l->world->now_ns;
	passed = ((unsigned __int128)(due_ns - l->boot_ns) * 1000000u + rate - 1) / rate;
	return passed > INT64_MAX ? INT64_MAX : l->since_ns + (uint64_t)passed;
}

static int event_new(struct sim_loop *l, enum event_kind kind, loop_callback *callback, void *data, struct event **ret)
{
	struct event *e = malloc(sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	if (timers_reserve(&l->world->queue) < 0) {
		free(e);
		return -ENOMEM;
	}
	*e = (struct event){ .loop = l, .next = l->events, .kind = kind, .callback = callback, .data = data };
	e->timer.loop = &l->loop;
	if (l->events != NULL)
		l->events->previous = e;
	l->events = e;
	*ret = e;
	return 0;
}

/* From its loop: nothing of e happens any more. */
static void event_unlink(struct event *e)
{
	struct sim_loop *l = e->loop;

	timers_remove(&l->world->queue, &e->item);
	timers_release(&l->world->queue);
	*(e->previous != NULL ? &e->previous->next : &l->events) = e->next;
	if (e->next != NULL)
		e->next->previous = e->previous;
}

static void event_free(struct event *e)
{
	event_unlink(e);
	free(e);
}

static void event_put(struct event *e, uint64_t when_ns)
{
	if (!e->loop->halted)
		timers_put(&e->loop->world->queue, &e->item, when_ns);
}

static uint64_t sim_now_ns(struct loop *l)
{
	return local_now_ns(loop_of(l));
}

static uint64_t sim_wall_filetime(struct loop *l)
{
	return WALL_START + loop_of(l)->world->now_ns / 100 + (uint64_t)loop_of(l)->wall_offset;
}

static void sim_random(struct loop *l, void *data, size_t len)
{
	rng_fill(&loop_of(l)->rng, data, len);
}

static int sim_timer_new(struct loop *l, loop_callback *callback, void *data, struct loop_timer **ret)
{
	struct event *e;
	int r = event_new(loop_of(l), EVENT_TIMER, callback, data, &e);

	if (r == 0)
		*ret = &e->timer;
	return r;
}

static void sim_timer_start(struct loop_timer *t, uint64_t delay_ns)
{
	struct event *e = timer_event(t);
	uint64_t now_ns = local_now_ns(e->loop);

	delay_ns = MAX(delay_ns, (uint64_t)TURN_NS);
	e->due_local_ns = now_ns + MIN(delay_ns, INT64_MAX - now_ns);
	event_put(e, world_time_ns(e->loop, e->due_local_ns));
}

static void sim_timer_stop(struct loop_timer *t)
{
	timers_remove(&timer_event(t)->loop->world->queue, &timer_event(t)->item);
}

static void sim_timer_free(struct loop_timer *t)
{
	event_free(timer_event(t));
}

static uint64_t work_delay_ns(struct sim_loop *l)
{
	struct rng *g = &l->world->rng;
	uint64_t max_ns = rng_chance(g, 1) ? l->work_max_ns * 1000 : l->work_max_ns;

	return rng_between(g, l->work_min_ns, max_ns);
}

static int sim_work(struct loop *loop, loop_callback *run, loop_callback *done, void *data)
{
	struct sim_loop *l = loop_of(loop);
	struct event *e;
	int r = event_new(l, EVENT_RUN, done, data, &e);

	if (r < 0)
		return r;
	e->run = run;
	event_put(e, l->world->now_ns + work_delay_ns(l));
	if (!l->halted && rng_chance(&l->world->rng, 33)) {
		/* A worker may be faster than the caller.  That run() may cut the power, and with it e. */
		e->kind = EVENT_DONE;
		run(data);
	}
	return 0;
}

static int sim_post(struct loop *loop, loop_callback *callback, void *data)
{
	struct sim_loop *l = loop_of(loop);
	uint64_t soon_ns = l->world->now_ns + rng_below(&l->world->rng, 50000);
	struct event *e;
	int r = event_new(l, EVENT_POST, callback, data, &e);

	if (r < 0)
		return r;
	l->last_post_ns = MAX(l->last_post_ns, soon_ns);
	event_put(e, l->last_post_ns);
	return 0;
}

static const struct loop_ops sim_ops = {
	.now_ns = sim_now_ns,
	.wall_filetime = sim_wall_filetime,
	.random = sim_random,
	.timer_new = sim_timer_new,
	.timer_start = sim_timer_start,
	.timer_stop = sim_timer_stop,
	.timer_free = sim_timer_free,
	.work = sim_work,
	.background = sim_work,
	.post = sim_post,
};

static int loop_new_in(struct world *w, struct loop **ret)
{
	struct sim_loop *l = malloc(sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	*l = (struct sim_loop){
		.loop.ops = &sim_ops,
		.world = w,
		.boot_ns = rng_between(&w->rng, NS_PER_S, 86400ull * NS_PER_S),
		.since_ns = w->now_ns,
		.work_min_ns = 20000,
		.work_max_ns = NS_PER_MS,
	};
	l->rng = rng_fork(&w->rng);
	w->loops++;
	*ret = &l->loop;
	return 0;
}

int sim_loop_new(uint64_t seed, struct loop **ret)
{
	struct world *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL)
		return -ENOMEM;
	rng_init(&w->rng, seed);
	r = loop_new_in(w, ret);
	if (r < 0)
		free(w);
	return r;
}

int sim_loop_add(struct loop *l, struct loop **ret)
{
	return loop_new_in(loop_of(l)->world, ret);
}

void sim_loop_free(struct loop *loop)
{
	struct sim_loop *l;
	struct world *w;

	if (loop == NULL)
		return;
	l = loop_of(loop);
	w = l->world;
	sim_loop_halt(loop);
	assert(l->events == NULL); /* Else a timer has not been freed. */
	free(l);
	if (--w->loops == 0) {
		timers_done(&w->queue);
		free(w);
	}
}

uint64_t sim_loop_time_ns(struct loop *l)
{
	return loop_of(l)->world->now_ns;
}

struct rng *sim_loop_rng(struct loop *l)
{
	return &loop_of(l)->world->rng;
}

/* The first half of a work, on its worker.  The other half comes later, or right after, or never if run() ends the loop:
 * its time is drawn before, so that it does not depend on what run() does. */
static void happen_run(struct event *e)
{
	struct world *w = e->loop->world;
	struct event *outer = w->running;
	uint64_t due_ns = rng_chance(&w->rng, 50) ? w->now_ns + work_delay_ns(e->loop) : w->now_ns;

	e->kind = EVENT_DONE;
	event_put(e, due_ns);
	e->running = true;
	w->running = e;
	e->run(e->data);
	if (e->dead) {
		free(e);
		return; /* Of w we know nothing: it may be gone with the last loop. */
	}
	w->running = outer;
	e->running = false;
	if (e->item.place == 0) /* It yielded. */
		event_put(e, MAX(due_ns, w->now_ns));
}

/* Do what has come up.  e may be gone after any callback. */
static void happen(struct event *e)
{
	loop_callback *callback = e->callback;
	struct world *w = e->loop->world;
	void *data = e->data;

	switch (e->kind) {
	case EVENT_TIMER:
		timers_remove(&w->queue, &e->item);
		break;
	case EVENT_RUN:
		happen_run(e);
		return;
	case EVENT_DONE:
	case EVENT_POST:
		event_free(e);
		break;
	}
	callback(data);
}

/* Whether something happens up to a time, and make it so. */
static bool step_until(struct world *w, uint64_t limit_ns)
{
	struct timer_item *first;

	while ((first = timers_first(&w->queue)) != NULL && first->due_ns <= limit_ns) {
		struct event *e = container_of(first, struct event, item);

		w->now_ns = MAX(w->now_ns, first->due_ns);
		if (e->loop->paused_until_ns <= w->now_ns) {
			happen(e);
			return true;
		}
		event_put(e, e->loop->paused_until_ns);
	}
	return false;
}

void sim_loop_yield(struct loop *l, uint64_t ns)
{
	struct world *w = loop_of(l)->world;
	struct event *running = w->running;
	uint64_t limit = w->now_ns + ns;

	if (running == NULL || running->dead || w->depth == YIELD_DEPTH_MAX)
		return;
	timers_remove(&w->queue, &running->item); /* Its end comes after its return. */
	w->running = NULL;
	w->depth++;
	while (step_until(w, limit))
		;
	w->depth--;
	w->running = running;
}

bool sim_loop_step(struct loop *l)
{
	return step_until(loop_of(l)->world, UINT64_MAX);
}

static uint64_t limit_from_now(const struct world *w, uint64_t ns)
{
	return w->now_ns + MIN(ns, INT64_MAX - w->now_ns);
}

bool sim_loop_run_until_idle(struct loop *l, uint64_t limit_ns)
{
	struct world *w = loop_of(l)->world;
	uint64_t limit = limit_from_now(w, limit_ns);

	while (step_until(w, limit))
		;
	return timers_first(&w->queue) == NULL;
}

void sim_loop_run_for(struct loop *l, uint64_t ns)
{
	struct world *w = loop_of(l)->world;
	uint64_t limit = limit_from_now(w, ns);

	while (step_until(w, limit))
		;
	w->now_ns = limit;
}

bool sim_loop_run_until(struct loop *l, bool (*condition)(void *data), void *data, uint64_t limit_ns)
{
	struct world *w = loop_of(l)->world;
	uint64_t limit = limit_from_now(w, limit_ns);

	while (!condition(data))
		if (!step_until(w, limit))
			return false;
	return true;
}

void sim_loop_halt(struct loop *loop)
{
	struct sim_loop *l = loop_of(loop);
	struct event *next;

	l->halted = true;
	for (struct event *e = l->events; e != NULL; e = next) {
		next = e->next;
		if (e->kind == EVENT_TIMER) {
			timers_remove(&l->world->queue, &e->item);
		} else if (e->running) {
			/* By its own run(), which still needs it. */
			e->dead = true;
			l->world->running = NULL;
			event_unlink(e);
		} else {
			event_free(e);
		}
	}
}

void sim_loop_pause(struct loop *l, uint64_t ns)
{
	loop_of(l)->paused_until_ns = limit_from_now(loop_of(l)->world, ns);
}

void sim_loop_set_clock(struct loop *loop, int32_t drift_ppm, int64_t wall_offset)
{
	struct sim_loop *l = loop_of(loop);

	assert(drift_ppm > -1000000 && drift_ppm <= 1000000);
	l->boot_ns = local_now_ns(l);
	l->since_ns = l->world->now_ns;
	l->drift_ppm = drift_ppm;
	l->wall_offset = wall_offset;
	for (struct event *e = l->events; e != NULL; e = e->next)
		if (e->kind == EVENT_TIMER && e->item.place != 0)
			event_put(e, world_time_ns(l, e->due_local_ns));
}

void sim_loop_set_work_delay(struct loop *l, uint64_t min_ns, uint64_t max_ns)
{
	assert(min_ns <= max_ns && max_ns <= INT64_MAX / 1000);
	loop_of(l)->work_min_ns = min_ns;
	loop_of(l)->work_max_ns = max_ns;
}
