/* follow_save: a source that changed is saved, and all of them once more after their resource has stopped; the states are
 * follow.c's.
 *
 * How      at the end everything is saved, whether a change was seen or not.  What may be better in a moment is tried again,
 *          as long as there is time.  At the next start on this node, what was not saved then is saved first.
 * Failure  while it is watched: told once, and pace.c says when it is tried again.  At the end the saved state stays as it was.
 *          Before a start: the source stays as it is, and the resource goes on with it, as it did when it ran last; a source
 *          that is not there any more is put back.
 * Threads  the loop thread.       Limits  FOLLOW_IN_FLIGHT_MAX at a time.
 * Tests    tests/unit/follow.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "ruedad/agents/capture.h"
#include "ruedad/agents/follow_private.h"
#include <inttypes.h>

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

static void tell_unsaved(const struct followed *k, int r, const struct error *error, const char *now)
{
	char path[FOLLOWED_TEXT], id[GUID_TEXT_LEN + 1];

	guid_format(&k->follow->resource, id);
	log_warning("a checkpoint was not saved, %s resource=%s path=\"%s\" error=%" PRIu32 " reason=\"%s\"", now, id,
	    followed_text(k, path), error_to_win32(r), error->text);
}

static void save_ended(struct follow *f, struct followed *k, int r, const struct error *error)
{
	bool tell = pace_end(&k->pace, follow_now_ns(f), r == 0), last = k->step == STEP_RUNS;

	if (r < 0 && !followed_is_current(k, follow_resource(f)))
		r = 0;
	k->clean = last && r == 0;
	if (!last) {
		if (r < 0 && tell && r != ERR_BUSY && r != ERR_SHARING_PAUSED && r != ERR_CANCELLED)
			tell_unsaved(k, r, error, "it is tried again");
		return;
	}
	k->step = r < 0 && !f->cancelled && !is_hopeless(r) ? STEP_TODO : STEP_DONE;
	if (k->step == STEP_TODO) {
		f->retry_ns = follow_now_ns(f) + FOLLOW_RETRY_NS;
	} else if (r < 0) {
		tell_unsaved(k, r, error, "what was saved before stays; it is saved at the next start on this node");
		follow_fail(f, k, r, error, "saved");
	}
}

static void on_saved(void *data, int r, const struct error *error)
{
	struct followed *k = data;
	struct follow *f = k->follow;

	save_ended(f, k, r, error);
	followed_job_ended(&f->list, k);
	follow_work(f);
}

void follow_save_one(struct follow *f, struct followed *k)
{
	struct error error;
	int r;

	pace_change(&k->pace, follow_now_ns(f));
	pace_begin(&k->pace, follow_now_ns(f));
	k->step = f->state == FOLLOW_SAVING ? STEP_RUNS : STEP_TODO;
	r = capture_save(f->service, &f->resource, k->kind, k->number, on_saved, k);
	if (r == 0) {
		followed_job_began(&f->list, k);
		return;
	}
	(void)error_set(&error, r, "%s", error_text(r));
	save_ended(f, k, r, &error);
}

/* Before a start. */

static bool is_missing(int r)
{
	return r == ERR_FILE_NOT_FOUND || r == ERR_PATH_NOT_FOUND || r == ERR_NTE_BAD_KEYSET;
}

static void first_ended(struct follow *f, struct followed *k, int r, const struct error *error)
{
	k->step = STEP_DONE;
	if (r == 0 || !followed_is_current(k, follow_resource(f))) {
		k->clean = r == 0;
	} else if (is_missing(r)) {
		tell_unsaved(k, r, error, "what was saved before is put back");
		k->unsaved = false;
		k->step = STEP_TODO;
	} else if (f->cancelled || r == ERR_CANCELLED || r == ERR_SHARING_PAUSED) {
		follow_fail(f, k, r, error, "saved");
		follow_put_cancel(f);
	} else if (!is_hopeless(r) && follow_now_ns(f) < f->give_up_ns) {
		k->step = STEP_TODO;
		f->retry_ns = follow_now_ns(f) + FOLLOW_RETRY_NS;
	} else {
		tell_unsaved(k, r, error, "its resource goes on with it as it left it, and it is tried again");
	}
}

static void on_saved_first(void *data, int r, const struct error *error)
{
	struct followed *k = data;
	struct follow *f = k->follow;

	first_ended(f, k, r, error);
	followed_job_ended(&f->list, k);
	follow_work(f);
}

void follow_save_first(struct follow *f, struct followed *k)
{
	struct error error;
	int r = capture_save(f->service, &f->resource, k->kind, k->number, on_saved_first, k);

	if (r == 0) {
		k->step = STEP_RUNS;
		followed_job_began(&f->list, k);
		return;
	}
	(void)error_set(&error, r, "%s", error_text(r));
	first_ended(f, k, r, &error);
}

/* At the end. */

void follow_save_begin(struct follow *f)
{
	for (struct followed *k = f->list.first; k != NULL; k = k->next) {
		followed_unwatch(k);
		k->clean = false;
		k->step = STEP_TODO;
	}
}

void follow_save(struct follow *f)
{
	if (follow_now_ns(f) < f->retry_ns)
		return;
	for (struct followed *k = f->list.first; k != NULL && f->list.running < FOLLOW_IN_FLIGHT_MAX && !f->cancelled;
	     k = k->next)
		if (k->step == STEP_TODO && !k->busy)
			follow_save_one(f, k);
}

/* The time was over before these had their turn. */
void follow_save_give_up(struct follow *f)
{
	struct error error;
	unsigned count = 0;

	(void)error_set(&error, ERR_TIMEOUT, "%s", error_text(ERR_TIMEOUT));
	for (struct followed *k = f->list.first; k != NULL; k = k->next) {
		if (k->step != STEP_TODO)
			continue;
		follow_fail(f, k, ERR_TIMEOUT, &error, "saved");
		count++;
	}
	if (count > 0)
		log_warning("there was no time to save all checkpoints of a resource count=%u", count);
}
