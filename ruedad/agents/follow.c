/* follow: the state of a resource outside the database follows the resource.
 *
 * Why      what a resource left where it ran last is what it must find where it runs next, and in every backup.
 * How
 *             IDLE ── begin ─► PUTTING ── all put back ─► WATCHING ── end ─► SAVING ── all saved ─► IDLE
 *                                 └─ one is not: IDLE          (while it runs)     └─ or time is over
 *
 *          PUTTING   several at a time; the first that fails cancels the others.
 *          WATCHING  a change of a source makes it dirty, and pace.c says when it is saved.  A source that cannot be watched is
 *                    looked at every POLL_NS.  A checkpoint that is added is watched from then on, and saved once more,
 *                    since it may have changed before.
 *          SAVING    everything, whether a change was seen or not.  What may be better in a moment is tried again.
 * Failure  of putting back: the resource does not start.  If it did, what it finds there, the state of some other time, would
 *          be saved over the good one.  Of saving: told once, and tried again; at the end the saved state stays as it was.
 * Promise  nothing is saved before everything has been put back, so a source that was not put back never replaces what is
 *          saved.
 * Events   1024 a registry checkpoint could not be put back, 1121 a crypto checkpoint.
 * Threads  the loop thread.       Limits  IN_FLIGHT_MAX jobs of a resource at a time.
 * Design   docs/design/checkpoints.md       Tests  tests/unit/follow.c, tests/sim/checkpoints.c, tests/integration/checkpoint_life.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/follow.h"
#include "base/log.h"
#include "ruedad/agents/capture.h"
#include "ruedad/agents/pace.h"
#include "ruedad/agents/putback.h"
#include "ruedad/agents/sources.h"
#include <inttypes.h>
#include <stdio.h>

#define POLL_NS UINT64_C(60000000000)
#define RETRY_NS UINT64_C(1000000000)
#define SLOW_NS UINT64_C(10000000000) /* Putting back for this long is told. */

enum { IN_FLIGHT_MAX = 8, EVENT_REGISTRY = 1024, EVENT_CRYPTO = 1121, PATH_TEXT = 200 };

enum follow_state { FOLLOW_IDLE, FOLLOW_PUTTING, FOLLOW_WATCHING, FOLLOW_SAVING };

/* Of putting back, and of the last saving. */
enum step { STEP_TODO, STEP_RUNS, STEP_DONE };

struct kept {
	struct kept *next;
	struct follow *follow;
	enum checkpoint_kind kind;
	uint32_t number;
	uint64_t added;
	char16_t *path; /* Owned. */
	bool gone;      /* Deleted; freed when its job ends. */

	enum step step;
	struct putback_job *putting;
	struct pace pace;
	struct source_watch *watch;
	uint64_t look_ns; /* When to try to watch it, or to look at it; UINT64_MAX: never. */
	bool told_blind;  /* That it cannot be watched. */
};

struct follow {
	struct service *service;
	struct guid resource;
	follow_done *done;
	void *data;
	enum follow_state state;
	struct kept *all;  /* Ascending by kind and number. */
	struct kept *gone; /* With a job under way. */
	unsigned running;
	bool cancelled, incomplete; /* incomplete: the list could not be read for want of memory. */
	int result;                 /* The first failure. */
	struct error error;
	struct loop_timer *timer;
	uint64_t retry_ns, deadline_ns; /* Of SAVING; and of PUTTING, when to tell that it is slow. */
};

static void work(struct follow *f);

static uint64_t now_of(const struct follow *f)
{
	return loop_now_ns(f->service->loop);
}

static const char *path_text(const struct kept *k, char text[PATH_TEXT])
{
	return u16_to_utf8_buffer(u16_from_z(k->path), text, PATH_TEXT);
}

/* The list. */

static void kept_free(struct kept *k)
{
	source_watch_free(k->watch);
	free(k->path);
	free(k);
}

/* Take it out of the list; it is freed now, or when its job has ended. */
static void drop(struct kept **at)
{
	struct kept *k = *at;
	struct follow *f = k->follow;

	*at = k->next;
	if (!k->pace.running && k->putting == NULL) {
		kept_free(k);
		return;
	}
	source_watch_free(k->watch);
	k->watch = NULL;
	k->gone = true;
	k->next = f->gone;
	f->gone = k;
}

static void forget_all(struct follow *f)
{
	while (f->all != NULL)
		drop(&f->all);
}

static int compare(const struct kept *k, const struct checkpoint *c)
{
	return k->kind != c->kind       ? (k->kind < c->kind ? -1 : 1)
	       : k->number != c->number ? (k->number < c->number ? -1 : 1)
					: 0;
}

static bool is_same(const struct kept *k, const struct checkpoint *c)
{
	return compare(k, c) == 0 && k->added == c->added && u16_equal_exact(u16_from_z(k->path), c->path);
}

static int insert(struct follow *f, struct kept **at, const struct checkpoint *c)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->path = u16_dup(c->path)) == NULL) {
		free(k);
		return -ENOMEM;
	}
	k->follow = f;
	k->kind = c->kind;
	k->number = c->number;
	k->added = c->added;
	k->look_ns = UINT64_MAX;
	k->step = f->state == FOLLOW_PUTTING && !c->saved ? STEP_DONE : STEP_TODO;
	pace_init(&k->pace, now_of(f));
	k->next = *at;
	*at = k;
	return 0;
}

static const struct db_key *resource_in(const struct follow *f)
{
	return checkpoint_resource(db_root(cluster_db(f->service->cluster)), &f->resource);
}

/* Make the list what the database says; what is new is to be watched and, if it is not put back just now, saved.  -ENOMEM:
 * not all is in it. */
static int read_list(struct follow *f)
{
	const struct db_key *resource = resource_in(f);
	struct kept **at = &f->all;
	struct checkpoint c;
	size_t position = 0;

	while (resource != NULL && checkpoint_next(resource, &position, &c)) {
		while (*at != NULL && (compare(*at, &c) < 0 || (compare(*at, &c) == 0 && !is_same(*at, &c))))
			drop(at);
		if (*at == NULL || !is_same(*at, &c)) {
			if (insert(f, at, &c) < 0)
				return -ENOMEM;
			if (f->state == FOLLOW_WATCHING)
				(*at)->look_ns = 0;
		}
		at = &(*at)->next;
	}
	while (*at != NULL)
		drop(at);
	return 0;
}

/* Whether the database still has it: what becomes of others is nobody's business. */
static bool is_current(const struct kept *k)
{
	const struct db_key *resource = resource_in(k->follow);
	struct checkpoint c;
	size_t at = 0;

	while (!k->gone && resource != NULL && checkpoint_next(resource, &at, &c))
		if (is_same(k, &c))
			return true;
	return false;
}

/* The end of a job. */
static void job_ended(struct kept *k)
{
	struct follow *f = k->follow;
	struct kept **at = &f->gone;

	f->running--;
	if (!k->gone)
		return;
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	kept_free(k);
}

static void fail(struct kept *k, int r, const struct error *error, const char *what)
{
	struct follow *f = k->follow;
	char path[PATH_TEXT];

	if (f->result == 0)
		f->result = error_set(
		    &f->error, r, "the checkpoint \"%s\" could not be %s: %s", path_text(k, path), what, error->text);
}

/* Putting back. */

static void cancel_putting(struct follow *f)
{
	for (struct kept *k = f->all; k != NULL; k = k->next)
		if (k->putting != NULL)
			putback_cancel(k->putting);
}

static void put_failed(struct kept *k, int r, const struct error *error)
{
	struct follow *f = k->follow;
	char path[PATH_TEXT], id[GUID_TEXT_LEN + 1];

	if (!is_current(k))
		return;
	if (f->result == 0 && !f->cancelled && r != ERR_CANCELLED && r != ERR_SHARING_PAUSED) {
		guid_format(&f->resource, id);
		log_error("a checkpoint could not be put back, its resource is not brought online event=%d resource=%s "
			  "path=\"%s\" error=%" PRIu32 " reason=\"%s\"",
		    k->kind == CHECKPOINT_CRYPTO ? EVENT_CRYPTO : EVENT_REGISTRY, id, path_text(k, path),
		    error_to_win32(r), error->text);
	}
	fail(k, r, error, "put back");
	cancel_putting(f);
}

static void on_put(void *data, int r, const struct error *error)
{
	struct kept *k = data;
	struct follow *f = k->follow;
	char path[PATH_TEXT];

	k->putting = NULL;
	k->step = STEP_DONE;
	if (r < 0)
		put_failed(k, r, error);
	else if (error->text[0] != 0)
		log_warning("a checkpoint was put back, but not all of it could be as it was path=\"%s\" reason=\"%s\"",
		    path_text(k, path), error->text);
	job_ended(k);
	work(f);
}

static void put_one(struct kept *k)
{
	struct follow *f = k->follow;
	struct error error;
	int r = capture_put_back(f->service, &f->resource, k->kind, k->number, on_put, k, &k->putting);

	if (r == 0) {
		k->step = STEP_RUNS;
		f->running++;
		return;
	}
	k->step = STEP_DONE;
	(void)error_set(&error, r, "%s", error_text(r));
	put_failed(k, r, &error);
}

static void work_putting(struct follow *f)
{
	for (struct kept *k = f->all; k != NULL && f->running < IN_FLIGHT_MAX && f->result == 0 && !f->cancelled;
	     k = k->next)
		if (k->step == STEP_TODO)
			put_one(k);
}

static bool all_done(const struct follow *f)
{
	for (const struct kept *k = f->all; k != NULL; k = k->next)
		if (k->step != STEP_DONE)
			return false;
	return true;
}

/* Watching. */

static void on_changed(void *data, bool lost)
{
	struct kept *k = data;

	pace_change(&k->pace, now_of(k->follow));
	if (lost)
		k->look_ns = 0; /* Watch it anew, but not from inside. */
	work(k->follow);
}

static void tell_blind(struct kept *k, const struct error *error)
{
	char path[PATH_TEXT];

	if (!k->told_blind)
		log_notice("a checkpoint cannot be watched, it is saved every minute and when its resource stops "
			   "path=\"%s\" reason=\"%s\"",
		    path_text(k, path), error->text);
	k->told_blind = true;
}

/* Try to watch it.  fresh: its source is what is saved, as far as anybody knows. */
static void watch_one(struct kept *k, bool fresh)
{
	struct follow *f = k->follow;
	struct error error = { 0 };
	int r;

	if (!fresh)
		pace_change(&k->pace, now_of(f));
	source_watch_free(k->watch);
	k->watch = NULL;
	k->look_ns = UINT64_MAX;
	r = f->service->sources == NULL ? ERR_NOT_SUPPORTED
	    : k->kind == CHECKPOINT_REGISTRY
		? source_watch(f->service->sources, u16_from_z(k->path), on_changed, k, &k->watch, &error)
		: source_watch_key(f->service->sources, u16_from_z(k->path), on_changed, k, &k->watch, &error);
	if (r == 0)
		return;
	k->watch = NULL;
	if (r == ERR_NOT_SUPPORTED && k->kind == CHECKPOINT_CRYPTO)
		return; /* Keys in tokens seldom change, and to look means to load a library: at the end is often enough. */
	k->look_ns = now_of(f) + POLL_NS;
	tell_blind(k, &error);
}

/* Not so: in a moment it may succeed. */
static bool is_hopeless(int r)
{
	switch (r) {
	case ERR_BUSY:
	case ERR_RPC_S_CALL_FAILED_DNE:
	case ERR_RPC_S_SERVER_TOO_BUSY:
	case ERR_SHARING_VIOLATION:
	case -EIO:
	case -ENOMEM:
		return false;
	default:
		return true;
	}
}

static void tell_unsaved(const struct kept *k, int r, const struct error *error, const char *now)
{
	char path[PATH_TEXT], id[GUID_TEXT_LEN + 1];

	guid_format(&k->follow->resource, id);
	log_warning("a checkpoint was not saved, %s resource=%s path=\"%s\" error=%" PRIu32 " reason=\"%s\"", now, id,
	    path_text(k, path), error_to_win32(r), error->text);
}

static void save_ended(struct kept *k, int r, const struct error *error)
{
	struct follow *f = k->follow;
	bool tell = pace_end(&k->pace, now_of(f), r == 0), last = k->step == STEP_RUNS;

	if (r < 0 && !is_current(k))
		r = 0;
	if (!last) {
		if (r < 0 && tell && r != ERR_BUSY && r != ERR_SHARING_PAUSED && r != ERR_CANCELLED)
			tell_unsaved(k, r, error, "it is tried again");
		return;
	}
	k->step = r < 0 && !f->cancelled && !is_hopeless(r) ? STEP_TODO : STEP_DONE;
	if (k->step == STEP_TODO) {
		f->retry_ns = now_of(f) + RETRY_NS;
	} else if (r < 0) {
		tell_unsaved(k, r, error, "what was saved before stays");
		fail(k, r, error, "saved");
	}
}

static void on_saved(void *data, int r, const struct error *error)
{
	struct kept *k = data;
	struct follow *f = k->follow;

	save_ended(k, r, error);
	job_ended(k);
	work(f);
}

static void save_one(struct kept *k)
{
	struct follow *f = k->follow;
	struct error error;
	int r;

	pace_change(&k->pace, now_of(f));
	pace_begin(&k->pace, now_of(f));
	k->step = f->state == FOLLOW_SAVING ? STEP_RUNS : STEP_TODO;
	r = capture_save(f->service, &f->resource, k->kind, k->number, on_saved, k);
	if (r == 0) {
		f->running++;
		return;
	}
	(void)error_set(&error, r, "%s", error_text(r));
	save_ended(k, r, &error);
}

static void work_watching(struct follow *f)
{
	uint64_t now = now_of(f);

	if (f->service->stopping)
		return; /* All is saved soon anyway, and the service waits until nothing is. */
	if (f->incomplete)
		f->incomplete = read_list(f) < 0;
	for (struct kept *k = f->all; k != NULL; k = k->next) {
		if (k->look_ns <= now)
			watch_one(k, false);
		if (f->running < IN_FLIGHT_MAX && pace_due_ns(&k->pace) <= now)
			save_one(k);
	}
}

static void work_saving(struct follow *f)
{
	if (now_of(f) < f->retry_ns)
		return;
	for (struct kept *k = f->all; k != NULL && f->running < IN_FLIGHT_MAX && !f->cancelled; k = k->next)
		if (k->step == STEP_TODO && !k->pace.running)
			save_one(k);
}

/* Time, and what comes next. */

static uint64_t next_ns(const struct follow *f)
{
	uint64_t next = f->incomplete ? now_of(f) + RETRY_NS : UINT64_MAX;

	if (f->state == FOLLOW_PUTTING || f->state == FOLLOW_SAVING)
		return f->cancelled                                            ? UINT64_MAX
		       : f->running < IN_FLIGHT_MAX && f->retry_ns > now_of(f) ? MIN(f->retry_ns, f->deadline_ns)
									       : f->deadline_ns;
	if (f->service->stopping)
		return UINT64_MAX;
	for (const struct kept *k = f->all; k != NULL && f->state == FOLLOW_WATCHING; k = k->next) {
		next = MIN(next, k->look_ns);
		if (f->running < IN_FLIGHT_MAX)
			next = MIN(next, pace_due_ns(&k->pace));
	}
	return next;
}

static void plan(struct follow *f)
{
	uint64_t next = next_ns(f), now = now_of(f);

	if (next == UINT64_MAX)
		loop_timer_stop(f->timer);
	else
		loop_timer_start(f->timer, next > now ? next - now : 0);
}

static bool is_over(const struct follow *f)
{
	return f->state != FOLLOW_WATCHING && f->running == 0 &&
	       (f->cancelled || (f->state == FOLLOW_PUTTING && f->result < 0) || all_done(f));
}

/* The time was over before these had their turn. */
static void fail_rest(struct follow *f)
{
	struct error error;
	unsigned count = 0;

	(void)error_set(&error, ERR_TIMEOUT, "%s", error_text(ERR_TIMEOUT));
	for (struct kept *k = f->all; k != NULL; k = k->next) {
		if (k->step != STEP_TODO)
			continue;
		fail(k, ERR_TIMEOUT, &error, "saved");
		count++;
	}
	if (count > 0)
		log_warning("there was no time to save all checkpoints of a resource count=%u", count);
}

/* Everything has been put back, or not; or the last saving is over. */
static void finish(struct follow *f)
{
	struct error error;
	int r;

	if (f->state == FOLLOW_SAVING)
		fail_rest(f);
	error = f->error;
	r = f->result;
	if (r == 0 && f->cancelled && f->state == FOLLOW_PUTTING)
		r = error_set(&error, ERR_CANCELLED, "%s", error_text(ERR_CANCELLED));
	if (f->state == FOLLOW_PUTTING && r == 0) {
		f->state = FOLLOW_WATCHING;
		for (struct kept *k = f->all; k != NULL; k = k->next)
			watch_one(k, true);
		f->incomplete = true; /* What was added meanwhile. */
		work(f);
	} else {
		forget_all(f);
		f->state = FOLLOW_IDLE;
		loop_timer_stop(f->timer);
	}
	f->done(f->data, r, &error);
}

static void work(struct follow *f)
{
	switch (f->state) {
	case FOLLOW_IDLE:
		return;
	case FOLLOW_WATCHING:
		work_watching(f);
		break;
	case FOLLOW_PUTTING:
		work_putting(f);
		break;
	case FOLLOW_SAVING:
		work_saving(f);
		break;
	}
	if (is_over(f))
		loop_timer_start(f->timer, 0); /* finish(), not from inside of whoever calls. */
	else
		plan(f);
}

static void on_timer(void *data)
{
	struct follow *f = data;
	char what[PATH_TEXT], id[GUID_TEXT_LEN + 1];

	if (is_over(f)) {
		finish(f);
		return;
	}
	if (f->state == FOLLOW_SAVING && f->deadline_ns <= now_of(f)) {
		follow_cancel(f);
		return;
	}
	if (f->state == FOLLOW_PUTTING && f->deadline_ns <= now_of(f)) {
		follow_describe(f, what, sizeof(what));
		guid_format(&f->resource, id);
		log_warning("putting back checkpoints takes long resource=%s path=\"%s\"", id, what);
		f->deadline_ns = UINT64_MAX;
	}
	work(f);
}

/* What others call. */

int follow_new(struct service *s, const struct guid *resource, follow_done *done, void *data, struct follow **ret)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (f == NULL || loop_timer_new(s->loop, on_timer, f, &f->timer) < 0) {
		free(f);
		return -ENOMEM;
	}
	f->service = s;
	f->resource = *resource;
	f->done = done;
	f->data = data;
	*ret = f;
	return 0;
}

void follow_free(struct follow *f)
{
	if (f == NULL)
		return;
	forget_all(f);
	while (f->gone != NULL) {
		struct kept *k = f->gone;

		f->gone = k->next;
		kept_free(k);
	}
	loop_timer_free(f->timer);
	free(f);
}

static void enter(struct follow *f, enum follow_state state, uint64_t deadline_ns)
{
	f->state = state;
	f->cancelled = f->incomplete = false;
	f->result = 0;
	f->error = (struct error){ 0 };
	f->retry_ns = 0;
	f->deadline_ns = deadline_ns;
}

int follow_begin(struct follow *f)
{
	assert(f->state == FOLLOW_IDLE && f->running == 0);
	enter(f, FOLLOW_PUTTING, now_of(f) + SLOW_NS);
	if (read_list(f) < 0) {
		forget_all(f);
		f->state = FOLLOW_IDLE;
		return -ENOMEM;
	}
	if (f->all == NULL) {
		f->state = FOLLOW_WATCHING;
		return 1;
	}
	work(f);
	return 0;
}

bool follow_end(struct follow *f)
{
	if (f->state != FOLLOW_WATCHING)
		return true;
	enter(f, FOLLOW_SAVING, now_of(f) + FOLLOW_END_NS);
	for (struct kept *k = f->all; k != NULL; k = k->next) {
		source_watch_free(k->watch);
		k->watch = NULL;
		k->step = STEP_TODO;
	}
	if (f->all == NULL && f->running == 0) {
		f->state = FOLLOW_IDLE;
		loop_timer_stop(f->timer);
		return true;
	}
	work(f);
	return false;
}

void follow_cancel(struct follow *f)
{
	if (f->state != FOLLOW_PUTTING && f->state != FOLLOW_SAVING)
		return;
	f->cancelled = true;
	cancel_putting(f);
	if (f->state == FOLLOW_SAVING)
		capture_cancel_saves(f->service, &f->resource);
	work(f);
}

void follow_look(struct follow *f, const struct db_key *before)
{
	if (f->state != FOLLOW_WATCHING ||
	    !checkpoint_list_differs(before, db_root(cluster_db(f->service->cluster)), &f->resource))
		return;
	f->incomplete = true;
	loop_timer_start(f->timer, 0); /* This is called while an event is applied. */
}

void follow_describe(const struct follow *f, char *text, size_t size)
{
	char path[PATH_TEXT];

	(void)snprintf(text, size, "%s", "");
	for (const struct kept *k = f->all; k != NULL; k = k->next)
		if (k->putting != NULL) {
			(void)snprintf(text, size, "%s", path_text(k, path));
			return;
		}
}
