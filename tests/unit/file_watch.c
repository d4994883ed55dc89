/* file_watch: being told of changes by processes that fail in every way.  The test stands for priv and for what it starts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/file_watch.h"
#include "base/fd.h"
#include "io/linux/loop.h"
#include "priv/channel.h"
#include "priv/watch.h"
#include "tests/lib/failalloc.h"

enum { WAIT_NS = 20 * 1000 * 1000 };

struct process {
	int socket; /* Of the process's end; -1: not started. */
	uint64_t id;
	enum watch_request_type type;
	char path[300];
};

struct fixture {
	struct loop *loop;
	struct file_watches *watches;
	struct loop_timer *pause;
	bool paused;
	/* Starting processes. */
	priv_watching *opened;
	void *opened_data;
	int opens, refusal;
	struct process p[3]; /* In the order in which they were started. */
};

struct told {
	unsigned count;
	struct file_watch **frees; /* When it is told. */
};

static void changed(void *data)
{
	struct told *t = data;

	t->count++;
	if (t->frees != NULL && *t->frees != NULL)
		file_watch_free(TAKE_PTR(*t->frees));
}

static int open_one(void *data, priv_watching *opened, void *opened_data)
{
	struct fixture *f = data;

	if (f->refusal < 0)
		return f->refusal;
	f->opened = opened;
	f->opened_data = opened_data;
	return 0;
}

static void end_pause(void *data)
{
	((struct fixture *)data)->paused = false;
}

static void start(struct fixture *f)
{
	struct file_watches_config config = { .roots = "/srv/a, /srv/b", .open = open_one, .priv = f };

	*f = (struct fixture){ .p = { { .socket = -1 }, { .socket = -1 }, { .socket = -1 } } };
	CHECK_INT(loop_linux_new(&f->loop), 0);
	config.loop = f->loop;
	config.uv = loop_linux_uv(f->loop);
	CHECK_INT(loop_timer_new(f->loop, end_pause, f, &f->pause), 0);
	CHECK_INT(file_watches_new(&config, &f->watches), 0);
}

static void stop(struct fixture *f)
{
	file_watches_free(f->watches);
	loop_timer_free(f->pause);
	for (size_t i = 0; i < ARRAY_SIZE(f->p); i++)
		close_fd(&f->p[i].socket);
	(void)uv_run(loop_linux_uv(f->loop), UV_RUN_NOWAIT);
	loop_linux_free(f->loop);
}

static void turn_for(struct fixture *f, uint64_t ns)
{
	f->paused = true;
	loop_timer_start(f->pause, ns);
	while (f->paused)
		(void)uv_run(loop_linux_uv(f->loop), UV_RUN_ONCE);
}

static void turn(struct fixture *f)
{
	turn_for(f, WAIT_NS);
}

/* Answer that a process was started, and which it is. */
static struct process *open_process(struct fixture *f)
{
	struct process *p = &f->p[f->opens++ % (int)ARRAY_SIZE(f->p)];
	int ends[2];

	for (int i = 0; i < 300 && f->opened == NULL; i++)
		turn(f);
	CHECK(f->opened != NULL);
	close_fd(&p->socket);
	CHECK_INT(channel_pair(ends), 0);
	p->socket = ends[0];
	TAKE_PTR(f->opened)(f->opened_data, 0, ends[1], &(struct error){ 0 });
	turn(f);
	return p;
}

/* What has been asked, if anything. */
static bool asked(struct process *p)
{
	uint8_t packet[WATCH_PACKET_MAX];
	struct watch_request q;
	int fd = -1, n = channel_receive(p->socket, packet, sizeof(packet), &fd, CHANNEL_NO_WAIT);

	if (n <= 0)
		return false;
	CHECK_INT(watch_request_decode(packet, (size_t)n, &q), 0);
	CHECK(q.path_len < sizeof(p->path));
	p->id = q.id;
	p->type = q.type;
	memcpy(p->path, q.path, q.path_len);
	p->path[q.path_len] = 0;
	return true;
}

static bool is_closed(struct process *p)
{
	uint8_t packet[WATCH_PACKET_MAX];
	int fd = -1;

	return channel_receive(p->socket, packet, sizeof(packet), &fd, CHANNEL_NO_WAIT) == 0;
}

/* Without memory of the heap, which may be refused here. */
static void say(struct fixture *f, struct process *p, enum watch_event_type type, uint64_t id)
{
	static const char why[] = "too large";
	size_t len = type == WATCH_FAILED ? sizeof(why) - 1 : 0;
	uint8_t packet[64] = { 'R', 'D', 'W', 'E' };

	put_le32(packet + 4, type);
	put_le64(packet + 8, id);
	put_le32(packet + 16, type == WATCH_FAILED ? (uint32_t)ERR_DISK_FULL : 0);
	put_le32(packet + 20, (uint32_t)len);
	memcpy(packet + 24, why, len);
	CHECK_INT(channel_send(p->socket, packet, 24 + len, -1, 0), 0);
	turn(f);
}

static void see(struct fixture *f, struct process *p, uint64_t id)
{
	say(f, p, WATCH_LOOKS, id);
	say(f, p, WATCH_SEES, id);
}

static struct file_watch *watch(struct fixture *f, const char *path, struct told *told)
{
	struct file_watch *w;

	CHECK_INT(file_watch_new(f->watches, path, changed, told, &w, NULL), 0);
	return w;
}

TEST(each_root_has_a_process_and_requests_go_one_at_a_time)
{
	struct told t = { 0 };
	struct file_watch *one, *two, *other;
	struct process *a, *b;
	struct error e = { 0 };
	struct fixture f;

	start(&f);
	CHECK_INT(file_watch_new(f.watches, "/srv/c", changed, &t, &one, &e), ERR_ACCESS_DENIED);
	CHECK_INT(file_watch_new(f.watches, "/srv/ab", changed, &t, &one, &e), ERR_ACCESS_DENIED);
	one = watch(&f, "/srv/a/one", &t);
	two = watch(&f, "/srv/a/two", &t);
	CHECK(f.opened == NULL); /* Nothing from inside. */
	a = open_process(&f);
	CHECK(asked(a) && a->type == WATCH_ADD);
	CHECK(!asked(a));
	see(&f, a, a->id);
	CHECK_INT(t.count, 1);
	CHECK(asked(a) && a->type == WATCH_ADD);
	see(&f, a, a->id);
	CHECK_INT(t.count, 2);
	say(&f, a, WATCH_CHANGED, a->id);
	CHECK_INT(t.count, 3);
	other = watch(&f, "/srv/b", &t);
	b = open_process(&f);
	CHECK(a != b && asked(b));
	CHECK_STR(b->path, "/srv/b");
	see(&f, b, b->id);
	CHECK_INT(t.count, 4);
	/* A watch that is freed is told nothing, and its root's process goes with the last one. */
	file_watch_free(one);
	turn(&f);
	CHECK(asked(a) && a->type == WATCH_REMOVE);
	say(&f, a, WATCH_CHANGED, a->id);
	CHECK_INT(t.count, 4);
	say(&f, a, WATCH_REMOVED, a->id);
	file_watch_free(two);
	turn(&f);
	CHECK(is_closed(a) && !is_closed(b));
	file_watch_free(other);
	turn(&f);
	CHECK(is_closed(b));
	stop(&f);
}

TEST(watches_are_freed_in_every_state)
{
	struct told t = { 0 };
	struct file_watch *kept, *w;
	struct process *p;
	struct fixture f;
	uint64_t id;

	start(&f);
	/* Before anything, and while the process starts. */
	file_watch_free(watch(&f, "/srv/a/x", &t));
	turn(&f);
	CHECK(f.opened == NULL);
	w = watch(&f, "/srv/a/x", &t);
	turn(&f);
	file_watch_free(w);
	p = open_process(&f);
	CHECK(is_closed(p));
	kept = watch(&f, "/srv/a/kept", &t);
	p = open_process(&f);
	CHECK(asked(p));
	see(&f, p, p->id);
	/* While it is asked for: answered by either. */
	for (int i = 0; i < 2; i++) {
		w = watch(&f, "/srv/a/x", &t);
		turn(&f);
		CHECK(asked(p) && p->type == WATCH_ADD);
		file_watch_free(w);
		turn(&f);
		CHECK(!asked(p));
		t.count = 0;
		say(&f, p, WATCH_LOOKS, p->id);
		say(&f, p, i == 0 ? WATCH_SEES : WATCH_FAILED, p->id);
		CHECK_INT(t.count, 0);
		if (i == 0) {
			CHECK(asked(p) && p->type == WATCH_REMOVE);
			/* It failed, since it was looked at again just then. */
			say(&f, p, WATCH_LOOKS, p->id);
			say(&f, p, WATCH_FAILED, p->id);
			say(&f, p, WATCH_REMOVED, p->id);
		}
		CHECK(!asked(p));
	}
	/* By another's callback, and by its own, as the last one. */
	t.frees = &kept;
	w = watch(&f, "/srv/a/y", &t);
	turn(&f);
	CHECK(asked(p) && p->type == WATCH_ADD);
	id = p->id;
	see(&f, p, id);
	CHECK(kept == NULL);
	CHECK(asked(p) && p->type == WATCH_REMOVE && p->id != id);
	say(&f, p, WATCH_REMOVED, p->id);
	t.frees = &w;
	say(&f, p, WATCH_CHANGED, id);
	CHECK(w == NULL && is_closed(p));
	stop(&f);
}

TEST(a_process_that_ends_is_started_again_and_everything_is_told)
{
	struct told t = { 0 };
	struct file_watch *w;
	struct process *p;
	struct fixture f;

	start(&f);
	w = watch(&f, "/srv/a/x", &t);
	p = open_process(&f);
	CHECK(asked(p));
	see(&f, p, p->id);
	CHECK_INT(t.count, 1);
	close_fd(&p->socket);
	turn(&f);
	CHECK(f.opened == NULL); /* Not at once. */
	p = open_process(&f);
	CHECK(asked(p));
	CHECK_INT(t.count, 1);
	see(&f, p, p->id);
	CHECK_INT(t.count, 2);
	/* It cannot be started at all for a while. */
	f.refusal = ERR_BUSY;
	close_fd(&p->socket);
	turn_for(&f, UINT64_C(1500000000));
	f.refusal = 0;
	p = open_process(&f);
	CHECK(asked(p));
	file_watch_free(w);
	stop(&f);
}

TEST(a_process_that_talks_nonsense_is_given_up)
{
	static const struct watch_event wrong[] = {
		{ .type = WATCH_CHANGED, .id = 99 },
		{ .type = WATCH_REMOVED, .id = 1 },
		{ .type = WATCH_SEES, .id = 0 },
	};

	for (size_t i = 0; i <= ARRAY_SIZE(wrong) + 1; i++) {
		struct told t = { 0 };
		struct file_watch *w;
		struct process *p;
		struct fixture f;

		start(&f);
		w = watch(&f, "/srv/a/x", &t);
		p = open_process(&f);
		CHECK(asked(p));
		if (i < ARRAY_SIZE(wrong))
			say(&f, p, wrong[i].type, wrong[i].id);
		else if (i == ARRAY_SIZE(wrong))
			CHECK_INT(channel_send(p->socket, "nonsense", 8, -1, 0), 0);
		else
			CHECK_INT(channel_send(p->socket, "nonsense", 8, STDERR_FILENO, 0), 0);
		turn(&f);
		CHECK(is_closed(p));
		CHECK_INT(t.count, 0);
		file_watch_free(w);
		stop(&f);
	}
}

TEST(what_fails_is_asked_for_again_and_what_was_seen_is_told)
{
	struct told t = { 0 };
	struct file_watch *w;
	struct process *p;
	struct fixture f;

	start(&f);
	w = watch(&f, "/srv/a/x", &t);
	p = open_process(&f);
	CHECK(asked(p));
	say(&f, p, WATCH_LOOKS, p->id);
	say(&f, p, WATCH_FAILED, p->id);
	CHECK_INT(t.count, 0);
	CHECK(!asked(p));
	turn_for(&f, UINT64_C(1100000000));
	CHECK(asked(p));
	see(&f, p, p->id);
	CHECK_INT(t.count, 1);
	say(&f, p, WATCH_LOOKS, p->id);
	say(&f, p, WATCH_FAILED, p->id);
	CHECK_INT(t.count, 2);
	turn_for(&f, UINT64_C(1100000000));
	CHECK(asked(p));
	file_watch_free(w);
	stop(&f);
}

TEST(a_watch_at_which_the_process_ended_waits_and_the_others_do_not)
{
	struct told t = { 0 }, bad_told = { 0 };
	struct file_watch *good, *bad;
	struct process *p;
	struct fixture f;

	start(&f);
	good = watch(&f, "/srv/a/good", &t);
	bad = watch(&f, "/srv/a/bad", &bad_told); /* Asked for first: the latest is. */
	p = open_process(&f);
	CHECK(asked(p));
	CHECK_STR(p->path, "/srv/a/bad");
	say(&f, p, WATCH_LOOKS, p->id);
	close_fd(&p->socket);
	turn(&f);
	p = open_process(&f);
	CHECK(asked(p));
	CHECK_STR(p->path, "/srv/a/good");
	see(&f, p, p->id);
	CHECK_INT(t.count, 1);
	turn_for(&f, UINT64_C(1500000000));
	CHECK(!asked(p));
	file_watch_free(bad);
	file_watch_free(good);
	stop(&f);
}

TEST(without_memory_nothing_is_lost_but_time)
{
	struct fixture f;

	start(&f);
	FAIL_EACH_ALLOCATION
	{
		struct told t = { 0 };
		struct file_watch *w = NULL;
		struct process *p;
		int r = file_watch_new(f.watches, "/srv/a/x", changed, &t, &w, NULL);

		CHECK(r == 0 || r == -ENOMEM);
		if (r < 0)
			continue;
		do {
			p = open_process(&f);
			turn(&f);
		} while (!asked(p));
		see(&f, p, p->id);
		if (!is_closed(p))
			CHECK(t.count > 0);
		file_watch_free(w);
		turn(&f);
	}
	stop(&f);
}
