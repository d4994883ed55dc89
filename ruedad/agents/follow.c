/* follow: the state of a resource outside the database follows the resource.
 *
 * Why      what a resource left where it ran last is what it must find where it runs next, and in every backup.
 * How
 *             IDLE ── begin ─► LOOKING ── marks read ─► PUTTING ── all put back ─► MARKING ── marks written ─► WATCHING
 *              ▲                  └───────────────────────┴── one is not ──────────────┤                     (while it runs)
 *              └─────────────────────────────────────────────────── UNMARKING ◄────────┴── all saved ── SAVING ◄── end
 *                                                                                      or time is over
 *
 *          Here are the states, their timer and what others call; what is done in each is in follow_put.c, follow_mark.c,
 *          follow_watch.c and follow_save.c.  All work on one list (followed.c), which is read from the database at the beginning and again
 *          while it is watched.  follow_work() does what can be done now and sets the timer for what cannot; a state ends in
 *          the timer only, so nobody is told from inside of a call.
 * Failure  of putting back: the resource does not start.  If it did, what it finds there, the state of some other time, would
 *          be saved over the good one.  Of saving: told once, and tried again; at the end the saved state stays as it was, and
 *          the mark too: at the next start here the source is saved first, and nothing is put back over it.
 * Promise  nothing is saved before everything has been put back, so a source that was not put back never replaces what is
 *          saved.  What an application left in a source here is never replaced by an older state here, whatever crashed or
 *          failed, unless another state was saved since.
 * Threads  the loop thread.       Limits  FOLLOW_IN_FLIGHT_MAX jobs of a resource at a time.
 * Design   docs/design/checkpoints.md
 * Tests    tests/unit/follow.c, tests/sim/checkpoints.c, tests/integration/checkpoint_life.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/follow.h"
#include "base/log.h"
#include "ruedad/agents/capture.h"
#include "ruedad/agents/follow_private.h"
#include <stdio.h>

#define SLOW_NS UINT64_C(10000000000) /* Putting back for this long is told. */

const struct db_key *follow_resource(const struct follow *f)
{
	return checkpoint_resource(db_root(cluster_db(f->service->cluster)), &f->resource);
}

void follow_fail(struct follow *f, const struct followed *k, int r, const struct error *error, const char *what)
{
	char path[FOLLOWED_TEXT];

	if (f->result == 0)
		f->result = error_set(&f->error, r, "the checkpoint \"%s\" could not be %s: %s", followed_text(k, path),
		    what, error->text);
}

/* States. */

static void enter(struct follow *f, enum follow_state state, uint64_t deadline_ns)
{
	f->state = state;
	f->cancelled = f->incomplete = false;
	f->result = 0;
	f->error = (struct error){ 0 };
	f->retry_ns = 0;
	f->deadline_ns = deadline_ns;
}

static void go_idle(struct follow *f)
{
	followed_forget(&f->list);
	f->state = FOLLOW_IDLE;
	loop_timer_stop(f->timer);
}

/* Whether the state is, but WATCHING, which others end. */
static bool is_over(const struct follow *f)
{
	if (f->state == FOLLOW_IDLE || f->state == FOLLOW_WATCHING || f->list.running > 0 || f->marking != NULL)
		return false;
	if (f->state != FOLLOW_PUTTING && f->state != FOLLOW_SAVING)
		return true;
	return f->cancelled || (f->state == FOLLOW_PUTTING && f->result < 0) || followed_all_done(&f->list);
}

static void go_unmarking(struct follow *f)
{
	f->state = FOLLOW_UNMARKING;
	f->deadline_ns = UINT64_MAX;
	follow_unmark(f);
	follow_work(f);
}

/* Of what was begun: everything has been put back, or not; or saved. */
static void go_idle_and_tell(struct follow *f)
{
	struct error error = f->error;
	int r = f->result;

	if (r == 0 && f->cancelled && f->begins)
		r = error_set(&error, ERR_CANCELLED, "%s", error_text(ERR_CANCELLED));
	go_idle(f);
	f->done(f->data, r, &error);
}

static void go_marking(struct follow *f)
{
	int r;

	f->state = FOLLOW_MARKING;
	r = follow_mark(f);
	if (r < 0)
		f->result = error_set_code(&f->error, r, "cannot keep what its sources go on from");
	follow_work(f);
}

static void go_watching(struct follow *f)
{
	struct error error = { 0 };

	f->state = FOLLOW_WATCHING;
	follow_watch_begin(f);
	follow_work(f);
	f->done(f->data, 0, &error);
}

/* The state is over: the next one. */
static void finish(struct follow *f)
{
	if (f->state == FOLLOW_UNMARKING) {
		go_idle_and_tell(f);
	} else if (f->state == FOLLOW_SAVING) {
		follow_save_give_up(f);
		go_unmarking(f);
	} else if (f->result < 0 || f->cancelled) {
		go_unmarking(f);
	} else if (f->state == FOLLOW_LOOKING) {
		f->state = FOLLOW_PUTTING;
		follow_work(f);
	} else if (f->state == FOLLOW_PUTTING) {
		go_marking(f);
	} else {
		go_watching(f);
	}
}

/* When follow_work() is to be called next; UINT64_MAX: not by the timer. */
static uint64_t next_ns(const struct follow *f)
{
	if (f->state == FOLLOW_WATCHING)
		return follow_watch_next_ns(f);
	if (f->cancelled)
		return UINT64_MAX;
	return f->list.running < FOLLOW_IN_FLIGHT_MAX && f->retry_ns > follow_now_ns(f)
		   ? MIN(f->retry_ns, f->deadline_ns)
		   : f->deadline_ns;
}

static void plan(struct follow *f)
{
	uint64_t next = next_ns(f), now = follow_now_ns(f);

	if (next == UINT64_MAX)
		loop_timer_stop(f->timer);
	else
		loop_timer_start(f->timer, next > now ? next - now : 0);
}

void follow_work(struct follow *f)
{
	switch (f->state) {
	case FOLLOW_IDLE:
		return;
	case FOLLOW_LOOKING:
	case FOLLOW_MARKING:
	case FOLLOW_UNMARKING:
		break; /* A worker is at it. */
	case FOLLOW_PUTTING:
		follow_put(f);
		break;
	case FOLLOW_WATCHING:
		follow_watch(f);
		break;
	case FOLLOW_SAVING:
		follow_save(f);
		break;
	}
	if (is_over(f))
		loop_timer_start(f->timer, 0); /* finish(), not from inside of whoever calls. */
	else
		plan(f);
}

static void tell_slow(struct follow *f)
{
	char what[FOLLOWED_TEXT], id[GUID_TEXT_LEN + 1];

	follow_describe(f, what, sizeof(what));
	guid_format(&f->resource, id);
	log_warning("putting back checkpoints takes long resource=%s path=\"%s\"", id, what);
	f->deadline_ns = UINT64_MAX;
}

static void on_timer(void *data)
{
	struct follow *f = data;
	bool late = f->deadline_ns <= follow_now_ns(f);

	if (is_over(f)) {
		finish(f);
		return;
	}
	if (f->state == FOLLOW_SAVING && late) {
		follow_cancel(f);
		return;
	}
	if (follow_begins(f) && late)
		tell_slow(f);
	follow_work(f);
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
	followed_abandon(&f->list);
	follow_mark_abandon(f);
	loop_timer_free(f->timer);
	free(f);
}

int follow_begin(struct follow *f)
{
	assert(f->state == FOLLOW_IDLE && f->list.running == 0);
	enter(f, FOLLOW_LOOKING, follow_now_ns(f) + SLOW_NS);
	f->begins = true;
	f->give_up_ns = follow_now_ns(f) + FOLLOW_END_NS;
	if (followed_read(&f->list, follow_resource(f), f, follow_now_ns(f)) < 0) {
		go_idle(f);
		return -ENOMEM;
	}
	if (f->list.first == NULL) {
		f->state = FOLLOW_WATCHING;
		return 1;
	}
	if (follow_look_for_marks(f) < 0) {
		go_idle(f);
		return -ENOMEM;
	}
	follow_work(f);
	return 0;
}

bool follow_end(struct follow *f)
{
	if (f->state != FOLLOW_WATCHING)
		return true;
	enter(f, FOLLOW_SAVING, follow_now_ns(f) + FOLLOW_END_NS);
	f->begins = false;
	follow_save_begin(f);
	if (f->list.first == NULL && f->list.running == 0) {
		go_idle(f);
		return true;
	}
	follow_work(f);
	return false;
}

void follow_cancel(struct follow *f)
{
	if (!follow_begins(f) && f->state != FOLLOW_SAVING)
		return;
	f->cancelled = true;
	follow_put_cancel(f);
	capture_cancel_saves(f->service, &f->resource);
	follow_work(f);
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
	char path[FOLLOWED_TEXT];

	(void)snprintf(text, size, "%s", "");
	for (const struct followed *k = f->list.first; k != NULL; k = k->next)
		if (k->busy) {
			(void)snprintf(text, size, "%s", followed_text(k, path));
			return;
		}
}
