/* loop on Linux: libuv for descriptors and worker threads, CLOCK_BOOTTIME for time.
 *
 * Why      deadlines of the cluster count the time while a machine is suspended.  libuv's own timers do not, so timers
 *          are kept here and one timerfd wakes the loop for the first of them.
 * How      One turn of the loop: arm the timerfd if the first timer has changed; wait; whatever libuv has ready, in its
 *          order: due timers in order of time, posts in order of posting, finished work, streams.  What a callback adds
 *          (a timer of no delay, a post) waits for the next turn.  If a timer is due before the wait, as those of no
 *          delay are, the turn does not wait and the timerfd is left alone: setting it is dear on virtual machines.
 *          A thread that wakes waits until the one that runs has had its slice: 3 ms, and as a rule until the next tick, which
 *          on a machine with few processors is what the slowest of a hundred answers took.  Linux since 6.12 lets it run
 *          at once if it asks for slices that are shorter, at no cost in its share.
 * Promise  a timer never fires before its delay has passed, also across a suspend; nothing is called back from inside a
 *          call.
 * Threads  everything on the thread that runs the loop, except post and stop.  Each background work has a thread of its own;
 *          if none can be had, it is done on a worker.
 * Limits   memory; workers: UV_THREADPOOL_SIZE, 4 by default.
 * Tests    tests/unit/loop.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/loop.h"
#include "base/filetime.h"
#include "io/timers.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct post {
	struct post *next;
	loop_callback *callback;
	void *data;
};

struct loop_linux {
	struct loop loop;
	uv_loop_t uv;
	uv_async_t wake; /* For posts and stop. */
	uv_prepare_t prepare;
	uv_idle_t hurry; /* Active while a timer is due: libuv then only looks, and does not wait. */
	uv_check_t check;
	uv_poll_t clock;   /* Watches clock_fd. */
	int clock_fd;      /* Owned; a timerfd. */
	uint64_t armed_ns; /* What clock_fd is set to; 0 = nothing. */
	struct timers timers;
	size_t works;         /* Begun and not yet done. */
	pthread_mutex_t lock; /* Protects posts. */
	struct post *posts, **posts_end;
	atomic_bool stopping;
};

struct timer_linux {
	struct loop_timer timer;
	struct timer_item item;
	loop_callback *callback;
	void *data;
};

struct work {
	uv_work_t uv;
	loop_callback *run, *done;
	void *data;
};

struct background {
	struct loop_linux *loop;
	pthread_t thread;
	struct post *post; /* The news of its end, made beforehand. */
	loop_callback *run, *done;
	void *data;
};

enum { BACKGROUND_NICE = 10 }; /* A tenth of the share of a thread that competes with it. */
#define PROMPT_SLICE_NS UINT64_C(300000)

static struct loop_linux *loop_of(struct loop *l)
{
	return container_of(l, struct loop_linux, loop);
}

static struct timer_linux *timer_of(struct loop_timer *t)
{
	return container_of(t, struct timer_linux, timer);
}

static struct timespec clock_get(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) < 0)
		abort(); /* These clocks exist. */
	return t;
}

static uint64_t linux_now_ns(struct loop *l)
{
	struct timespec t = clock_get(CLOCK_BOOTTIME);

	(void)l;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t linux_wall_filetime(struct loop *l)
{
	(void)l;
	return filetime_from_timespec(clock_get(CLOCK_REALTIME));
}

static void linux_random(struct loop *l, void *data, size_t len)
{
	uint8_t *to = data;

	(void)l;
	while (len > 0) {
		ssize_t n = getrandom(to, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			abort(); /* Going on with predictable identifiers would be worse. */
		to += n;
		len -= (size_t)n;
	}
}

static int linux_timer_new(struct loop *l, loop_callback *callback, void *data, struct loop_timer **ret)
{
	struct timer_linux *t = malloc(sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	if (timers_reserve(&loop_of(l)->timers) < 0) {
		free(t);
		return -ENOMEM;
	}
	*t = (struct timer_linux){ .timer.loop = l, .callback = callback, .data = data };
	*ret = &t->timer;
	return 0;
}

static void linux_timer_start(struct loop_timer *timer, uint64_t delay_ns)
{
	struct timer_linux *t = timer_of(timer);
	uint64_t due_ns;

	if (__builtin_add_overflow(linux_now_ns(timer->loop), delay_ns, &due_ns) || due_ns > INT64_MAX)
		due_ns = INT64_MAX; /* 292 years of uptime. */
	timers_put(&loop_of(timer->loop)->timers, &t->item, due_ns);
}

static void linux_timer_stop(struct loop_timer *timer)
{
	timers_remove(&loop_of(timer->loop)->timers, &timer_of(timer)->item);
}

static void linux_timer_free(struct loop_timer *timer)
{
	linux_timer_stop(timer);
	timers_release(&loop_of(timer->loop)->timers);
	free(timer_of(timer));
}

static void on_hurry(uv_idle_t *hurry)
{
	/* That it is active is its use. */
}

/* Before the loop waits. */
static void arm_clock(uv_prepare_t *prepare)
{
	struct loop_linux *l = prepare->data;
	const struct timer_item *first = timers_first(&l->timers);
	struct itimerspec when = { 0 };

	if (first != NULL && first->due_ns <= linux_now_ns(&l->loop)) {
		(void)uv_idle_start(&l->hurry, on_hurry);
		return;
	}
	if ((first != NULL ? first->due_ns : 0) == l->armed_ns)
		return;
	l->armed_ns = first != NULL ? first->due_ns : 0;
	when.it_value.tv_sec = (time_t)(l->armed_ns / 1000000000u);
	when.it_value.tv_nsec = (long)(l->armed_ns % 1000000000u);
	if (timerfd_settime(l->clock_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		abort(); /* The descriptor and the time are good. */
}

static void fire_timers(struct loop_linux *l)
{
	uint64_t now_ns = linux_now_ns(&l->loop);
	struct timer_item *first;

	/* What a callback starts is due after now_ns, and so waits for the next turn. */
	while ((first = timers_first(&l->timers)) != NULL && first->due_ns <= now_ns) {
		struct timer_linux *t = container_of(first, struct timer_linux, item);

		timers_remove(&l->timers, first);
		t->callback(t->data);
	}
}

static void on_clock(uv_poll_t *clock, int status, int events)
{
	struct loop_linux *l = clock->data;
	uint64_t count;

	(void)status;
	(void)events;
	(void)!read(l->clock_fd, &count, sizeof(count)); /* Quietens it; there may be nothing if it was set anew. */
	l->armed_ns = 0;
	fire_timers(l);
}

/* After a turn that has not waited. */
static void on_check(uv_check_t *check)
{
	struct loop_linux *l = check->data;

	if (!uv_is_active((uv_handle_t *)&l->hurry))
		return;
	(void)uv_idle_stop(&l->hurry);
	fire_timers(l);
}

static void run_work(uv_work_t *uv)
{
	struct work *w = container_of(uv, struct work, uv);

	w->run(w->data);
}

static void finish_work(uv_work_t *uv, int status)
{
	struct work *w = container_of(uv, struct work, uv);
	struct loop_linux *l = uv->data;
	loop_callback *done = w->done;
	void *data = w->data;

	assert(status == 0); /* Nothing is ever cancelled. */
	l->works--;
	free(w);
	done(data);
}

static int linux_work(struct loop *loop, loop_callback *run, loop_callback *done, void *data)
{
	struct loop_linux *l = loop_of(loop);
	struct work *w = malloc(sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	*w = (struct work){ .uv.data = l, .run = run, .done = done, .data = data };
	if (uv_queue_work(&l->uv, &w->uv, run_work, finish_work) != 0)
		abort(); /* Only for a missing function. */
	l->works++;
	return 0;
}

static struct post *post_new(loop_callback *callback, void *data)
{
	struct post *p = malloc(sizeof(*p));

	if (p != NULL)
		*p = (struct post){ .callback = callback, .data = data };
	return p;
}

static void post_put(struct loop_linux *l, struct post *p)
{
	(void)pthread_mutex_lock(&l->lock);
	*l->posts_end = p;
	l->posts_end = &p->next;
	(void)pthread_mutex_unlock(&l->lock);
	(void)uv_async_send(&l->wake);
}

static int linux_post(struct loop *loop, loop_callback *callback, void *data)
{
	struct post *p = post_new(callback, data);

	if (p == NULL)
		return -ENOMEM;
	post_put(loop_of(loop), p);
	return 0;
}

/* The kernel's struct sched_attr, in its first form; its header does not go with glibc's. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
static_assert(sizeof(struct scheduling) == 48, "the kernel knows it by its length");

/* Of this thread, if it is one like others; 0: the system's own.  Older kernels take no notice. */
static void set_slice(uint64_t ns)
{
	struct scheduling a = { .size = sizeof(a) };

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0 || a.policy != SCHED_OTHER)
		return;
	a.runtime = ns;
	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}

void loop_linux_be_prompt(void)
{
	set_slice(PROMPT_SLICE_NS);
}

static void *run_background(void *data)
{
	struct background *b = data;

	/* Of this thread only, on Linux.  It may always step back, but not forward again: so it is one of its own. */
	(void)!nice(BACKGROUND_NICE);
	set_slice(0);
	b->run(b->data);
	post_put(b->loop, b->post);
	return NULL;
}

static void finish_background(void *data)
{
	struct background *b = data;
	loop_callback *done = b->done;

	(void)pthread_join(b->thread, NULL); /* It may be on its way out of post_put(). */
	b->loop->works--;
	data = b->data;
	free(b);
	done(data);
}

static int linux_background(struct loop *loop, loop_callback *run, loop_callback *done, void *data)
{
	struct background *b = malloc(sizeof(*b));
	struct post *p = post_new(finish_background, b);

	if (b == NULL || p == NULL) {
		free(b);
		free(p);
		return -ENOMEM;
	}
	*b = (struct background){ .loop = loop_of(loop), .post = p, .run = run, .done = done, .data = data };
	if (pthread_create(&b->thread, NULL, run_background, b) != 0) {
		free(b);
		free(p);
		return linux_work(loop, run, done, data);
	}
	loop_of(loop)->works++;
	return 0;
}

static struct post *take_posts(struct loop_linux *l)
{
	struct post *posts;

	(void)pthread_mutex_lock(&l->lock);
	posts = TAKE_PTR(l->posts);
	l->posts_end = &l->posts;
	(void)pthread_mutex_unlock(&l->lock);
	return posts;
}

static void run_posts(uv_async_t *wake)
{
	struct post *p, *next;

	for (p = take_posts(wake->data); p != NULL; p = next) {
		next = p->next;
		p->callback(p->data);
		free(p);
	}
}

static bool has_posts(struct loop_linux *l)
{
	bool any;

	(void)pthread_mutex_lock(&l->lock);
	any = l->posts != NULL;
	(void)pthread_mutex_unlock(&l->lock);
	return any;
}

static const struct loop_ops linux_ops = {
	.now_ns = linux_now_ns,
	.wall_filetime = linux_wall_filetime,
	.random = linux_random,
	.timer_new = linux_timer_new,
	.timer_start = linux_timer_start,
	.timer_stop = linux_timer_stop,
	.timer_free = linux_timer_free,
	.work = linux_work,
	.background = linux_background,
	.post = linux_post,
};

static void count_open(uv_handle_t *handle, void *data)
{
	*(unsigned *)data += !uv_is_closing(handle);
}

/* Let go of what is being closed; whatever else is open is somebody's mistake. */
static void close_loop(struct loop_linux *l)
{
	while (uv_loop_close(&l->uv) == UV_EBUSY) {
		unsigned open = 0;

		uv_walk(&l->uv, count_open, &open);
		assert(open == 0);
		(void)uv_run(&l->uv, UV_RUN_NOWAIT);
	}
}

static void close_handle(uv_handle_t *handle)
{
	if (handle->data != NULL) /* It has been initialised. */
		uv_close(handle, NULL);
}

static int open_handles(struct loop_linux *l)
{
	int r;

	l->clock_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->clock_fd < 0)
		return -errno;
	r = uv_async_init(&l->uv, &l->wake, run_posts);
	if (r < 0)
		return r;
	l->wake.data = l;
	r = uv_poll_init(&l->uv, &l->clock, l->clock_fd);
	if (r < 0)
		return r;
	l->clock.data = l;
	(void)uv_prepare_init(&l->uv, &l->prepare); /* These cannot fail. */
	l->prepare.data = l;
	(void)uv_prepare_start(&l->prepare, arm_clock);
	(void)uv_idle_init(&l->uv, &l->hurry);
	l->hurry.data = l;
	(void)uv_check_init(&l->uv, &l->check);
	l->check.data = l;
	(void)uv_check_start(&l->check, on_check);
	return uv_poll_start(&l->clock, UV_READABLE, on_clock);
}

int loop_linux_new(struct loop **ret)
{
	struct loop_linux *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	l->loop.ops = &linux_ops;
	l->clock_fd = -1;
	l->posts_end = &l->posts;
	r = uv_loop_init(&l->uv);
	if (r < 0) {
		free(l);
		return r;
	}
	(void)pthread_mutex_init(&l->lock, NULL);
	r = open_handles(l);
	if (r < 0) {
		loop_linux_free(&l->loop);
		return r;
	}
	*ret = &l->loop;
	return 0;
}

uv_loop_t *loop_linux_uv(struct loop *l)
{
	return &loop_of(l)->uv;
}

void loop_linux_run(struct loop *loop)
{
	struct loop_linux *l = loop_of(loop);

	while (!atomic_load(&l->stopping) || l->works > 0 || has_posts(l))
		(void)uv_run(&l->uv, UV_RUN_ONCE);
	atomic_store(&l->stopping, false);
}

void loop_linux_stop(struct loop *loop)
{
	struct loop_linux *l = loop_of(loop);

	atomic_store(&l->stopping, true);
	(void)uv_async_send(&l->wake);
}

void loop_linux_free(struct loop *loop)
{
	struct loop_linux *l;
	struct post *p;
	if (loop == NULL)
		return;
	l = loop_of(loop);
	assert(l->works == 0 && l->timers.reserved == 0);
	close_handle((uv_handle_t *)&l->wake);
	close_handle((uv_handle_t *)&l->clock);
	close_handle((uv_handle_t *)&l->prepare);
	close_handle((uv_handle_t *)&l->hurry);
	close_handle((uv_handle_t *)&l->check);
	close_loop(l);
	if (l->clock_fd >= 0)
		(void)close(l->clock_fd);
	while ((p = l->posts) != NULL) {
		l->posts = p->next;
		free(p);
	}
	timers_done(&l->timers);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}
