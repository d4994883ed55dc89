/* watch: a process with rights tells ruedad when files below one root change.
 *
 * Why      ruedad has no rights to the sources of checkpoints, and looking at all of them every few seconds costs too much.
 * How      inotify on all directories that concern a watch (watch_look.c); one loop:
 *
 *	add ──► due ──► LOOKS, look ──► SEES ──► events ──► CHANGED, at most one each TICK_MS
 *	                  ▲                         │
 *	                  └──── due after a while ◄─┘ of a directory: what is below it is another tree now
 *
 *          A look starts from the root anew, so whatever was renamed, replaced or swapped meanwhile, what is seen after SEES
 *          is what the path leads to.  If the kernel's queue has run over, everything has changed.  Looks of a watch are apart
 *          by REST_FACTOR times what the last one took, so that no tree takes all the time.
 * Promise  a change made after SEES is told, within a second or so; one made before may be.  A look that takes longer than its
 *          time, since a mount hangs, ends the process (SIGALRM), even inside the kernel: ruedad knows by LOOKS which one it was,
 *          and other roots have processes of their own.
 * Not kept changes that the kernel does not tell of: those that other machines make on a network's file system, mounts and what is mounted.
 * Threads  one.      Limits  watch.h; watch_look.c.
 * Design   docs/design/checkpoint-sources.md       Tests  tests/unit/priv_watch.c, tests/integration/sources.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/watch.h"
#include "base/fd.h"
#include "capture/below.h"
#include "priv/channel.h"
#include "priv/watch_look.h"
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

enum {
	TICK_MS = 50,     /* Between two readings of the kernel's queue. */
	AGAIN_MS = 200,   /* From a change to the look for which it asks, at least. */
	REST_FACTOR = 10, /* And this times as long as the last look took. */
	REQUESTS_A_TURN = 64,
	EVENTS_BYTES = 65536,
	READS_A_TURN = 64, /* Together more than the kernel's queue has by default. */
};

struct watch {
	struct watch *next;
	uint64_t id;
	struct marks_of marks;
	uint32_t generation;
	bool changed;         /* Not told yet. */
	uint64_t due_ms;      /* When to look; 0: no need. */
	uint64_t earliest_ms; /* No look before. */
	char path[];
};

struct watcher {
	int socket, inotify;
	const char *roots;
	unsigned look_seconds;
	struct marks marks;
	struct watch *watches; /* In the order in which they were added. */
	size_t count;
	uint64_t next_tick_ms;
	uint8_t packet[WATCH_PACKET_MAX];
	_Alignas(struct inotify_event) uint8_t events[EVENTS_BYTES];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int tell(struct watcher *w, enum watch_event_type type, uint64_t id, const struct error *why)
{
	struct watch_event event = { .type = type, .id = id };
	struct buf out = { 0 };
	int r;

	if (why != NULL) {
		event.result = why->code;
		memcpy(event.text, why->text, sizeof(event.text));
	}
	watch_event_encode(&event, &out);
	r = out.error < 0 ? out.error : channel_send(w->socket, out.data, out.len, -1, 0);
	buf_done(&out);
	return r;
}

/* Watches. */

static struct watch **find(struct watcher *w, uint64_t id)
{
	struct watch **at = &w->watches;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void drop(struct watcher *w, struct watch **at)
{
	struct watch *watch = *at;

	*at = watch->next;
	marks_sweep(&w->marks, &watch->marks, watch->generation + 1);
	w->count--;
	free(watch);
}

static int add(struct watcher *w, const struct watch_request *q)
{
	struct watch **at = find(w, q->id), *watch;
	struct error error = { 0 };

	if (*at != NULL)
		return -EBADMSG;
	watch = w->count == WATCHES_MAX ? NULL : calloc(1, sizeof(*watch) + q->path_len + 1);
	if (watch == NULL) {
		(void)error_set(&error, w->count == WATCHES_MAX ? ERR_BUSY : -ENOMEM,
		    "cannot watch files: no memory, or more than %d of one root are watched", WATCHES_MAX);
		return tell(w, WATCH_FAILED, q->id, &error);
	}
	memcpy(watch->path, q->path, q->path_len);
	watch->id = q->id;
	watch->due_ms = now_ms();
	*at = watch; /* Where the search has ended: last. */
	w->count++;
	return 0;
}

static int carry_out(struct watcher *w, const struct watch_request *q)
{
	struct watch **at;

	if (q->type == WATCH_ADD)
		return add(w, q);
	at = find(w, q->id);
	if (*at != NULL)
		drop(w, at);
	return tell(w, WATCH_REMOVED, q->id, NULL);
}

/* 1: there was one; 0: there is none now; -ESHUTDOWN: ruedad has closed. */
static int read_request(struct watcher *w)
{
	_cleanup_fd_ int fd = -1;
	struct watch_request q;
	int n = channel_receive(w->socket, w->packet, sizeof(w->packet), &fd, CHANNEL_NO_WAIT), r;

	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return n == 0 ? -ESHUTDOWN : n;
	if (fd >= 0 || watch_request_decode(w->packet, (size_t)n, &q) < 0)
		return -EBADMSG;
	r = carry_out(w, &q);
	return r < 0 ? r : 1;
}

/* Looking. */

static int look(struct watcher *w, struct watch **at)
{
	struct watch *watch = *at;
	struct look l = { &w->marks, &watch->marks, watch, watch->generation + 1, w->roots };
	struct error error = { 0 };
	uint64_t begun = now_ms(), ended;
	int r = tell(w, WATCH_LOOKS, watch->id, NULL), looked;

	if (r < 0)
		return r;
	watch->due_ms = 0;
	(void)alarm(w->look_seconds);
	looked = watch_look(&l, watch->path, &error);
	(void)alarm(0);
	watch->generation++;
	marks_sweep(&w->marks, &watch->marks, watch->generation);
	if (looked < 0) {
		r = tell(w, WATCH_FAILED, watch->id, &error);
		drop(w, at);
		return r;
	}
	ended = now_ms();
	watch->earliest_ms = ended + REST_FACTOR * (ended - begun);
	watch->changed = false; /* Nothing before SEES was promised. */
	return tell(w, WATCH_SEES, watch->id, NULL);
}

/* The one that is due longest, if any. */
static struct watch **next_due(struct watcher *w)
{
	struct watch **best = NULL;

	for (struct watch **at = &w->watches; *at != NULL; at = &(*at)->next)
		if ((*at)->due_ms != 0 && (best == NULL || (*at)->due_ms < (*best)->due_ms))
			best = at;
	return best;
}

static void look_again(struct watch *watch)
{
	if (watch->due_ms == 0)
		watch->due_ms = MAX(now_ms() + AGAIN_MS, watch->earliest_ms);
}

/* Events. */

static void on_mark(struct mark *mark, const struct inotify_event *e)
{
	const uint32_t renames = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
	struct watch *watch = mark->owner;
	bool is_other_tree;

	if (e->len == 0) {
		/* Of the directory itself.  What concerns its contents is told with a name. */
		is_other_tree = (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0;
		if (!is_other_tree && mark->name != NULL)
			return;
	} else if (mark->name != NULL) {
		if (strcmp(mark->name, e->name) != 0)
			return;
		is_other_tree = (e->mask & renames) != 0;
		if (!is_other_tree && !mark->is_source)
			return;
	} else {
		/* What putting back makes beside its place; no part of a checkpoint. */
		if (strncmp(e->name, BELOW_TEMPORARY, strlen(BELOW_TEMPORARY)) == 0)
			return;
		is_other_tree = (e->mask & IN_ISDIR) != 0 && (e->mask & renames) != 0;
	}
	watch->changed = true;
	if (is_other_tree)
		look_again(watch);
}

static void on_event(struct watcher *w, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW) {
		for (struct watch *watch = w->watches; watch != NULL; watch = watch->next) {
			watch->changed = true;
			look_again(watch);
		}
		return;
	}
	for (struct mark *mark = marks_first(&w->marks, e->wd); mark != NULL; mark = marks_next(mark))
		on_mark(mark, e);
	if (e->mask & IN_IGNORED)
		marks_forget(&w->marks, e->wd);
}

static void read_events(struct watcher *w)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		ssize_t n = read(w->inotify, w->events, sizeof(w->events));

		if (n <= 0)
			return;
		for (const uint8_t *at = w->events; at < w->events + n;) {
			const struct inotify_event *e = (const void *)at;

			on_event(w, e);
			at += sizeof(*e) + e->len;
		}
	}
}

static int tell_changes(struct watcher *w)
{
	int r = 0;

	for (struct watch *watch = w->watches; r == 0 && watch != NULL; watch = watch->next) {
		/* One that was not looked at yet is told by SEES. */
		if (watch->changed && watch->generation > 0)
			r = tell(w, WATCH_CHANGED, watch->id, NULL);
		watch->changed = false;
	}
	return r;
}

/* How long to wait for requests, and whether for events as well. */
static int wait_for_something(struct watcher *w)
{
	struct watch **due = next_due(w);
	struct pollfd fds[2] = { { .fd = w->socket, .events = POLLIN }, { .fd = w->inotify, .events = POLLIN } };
	uint64_t now = now_ms(), until = UINT64_MAX;
	nfds_t count = 2;

	if (now < w->next_tick_ms) {
		until = w->next_tick_ms;
		count = 1;
	}
	if (due != NULL)
		until = MIN(until, (*due)->due_ms);
	if (poll(fds, count, until == UINT64_MAX ? -1 : until <= now ? 0 : (int)MIN(until - now, (uint64_t)60000)) < 0)
		return errno == EINTR ? 0 : -errno;
	return count == 2 && fds[1].revents != 0;
}

static int turn(struct watcher *w)
{
	int r = wait_for_something(w);
	struct watch **due;

	if (r > 0) {
		read_events(w);
		w->next_tick_ms = now_ms() + TICK_MS;
		r = tell_changes(w);
	}
	for (int i = 0; r >= 0 && i < REQUESTS_A_TURN; i++) {
		r = read_request(w);
		if (r == 0)
			break;
	}
	due = next_due(w);
	if (r >= 0 && due != NULL && (*due)->due_ms <= now_ms())
		r = look(w, due);
	return r < 0 ? r : 0;
}

int watch_serve(int socket, const char *roots, unsigned look_seconds)
{
	_cleanup_free_ struct watcher *w = calloc(1, sizeof(*w));
	_cleanup_fd_ int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int r = w == NULL ? -ENOMEM : inotify < 0 ? -errno : 0;

	if (r < 0)
		return r;
	w->socket = socket;
	w->inotify = inotify;
	w->roots = roots;
	w->look_seconds = look_seconds;
	r = marks_init(&w->marks, inotify);
	while (r == 0)
		r = turn(w);
	while (w->watches != NULL)
		drop(w, &w->watches);
	if (w->marks.table != NULL)
		marks_done(&w->marks);
	return r == -ESHUTDOWN || r == -EPIPE ? 0 : r;
}
