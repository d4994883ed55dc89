/* follow_put: everything that is saved for a resource is put back before it starts; the states are follow.c's.
 *
 * How      several at a time; the first that fails cancels the others.  A source that went on from what is saved is saved
 *          instead (follow_save.c): there is nothing older to put over it.
 * Events   1024 a registry checkpoint could not be put back, 1121 a crypto checkpoint.
 * Threads  the loop thread.       Limits  FOLLOW_IN_FLIGHT_MAX at a time.
 * Tests    tests/unit/follow.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "ruedad/agents/follow_private.h"
#include "ruedad/agents/putback.h"
#include <inttypes.h>

enum { EVENT_REGISTRY = 1024, EVENT_CRYPTO = 1121 };

void follow_put_cancel(struct follow *f)
{
	for (struct followed *k = f->list.first; k != NULL; k = k->next)
		if (k->putting != NULL)
			putback_cancel(k->putting);
}

static void put_failed(struct follow *f, struct followed *k, int r, const struct error *error)
{
	char path[FOLLOWED_TEXT], id[GUID_TEXT_LEN + 1];

	if (!followed_is_current(k, follow_resource(f)))
		return;
	if (f->result == 0 && !f->cancelled && r != ERR_CANCELLED && r != ERR_SHARING_PAUSED) {
		guid_format(&f->resource, id);
		log_error("a checkpoint could not be put back, its resource is not brought online event=%d resource=%s "
			  "path=\"%s\" error=%" PRIu32 " reason=\"%s\"",
		    k->kind == CHECKPOINT_CRYPTO ? EVENT_CRYPTO : EVENT_REGISTRY, id, followed_text(k, path),
		    error_to_win32(r), error->text);
	}
	follow_fail(f, k, r, error, "put back");
	follow_put_cancel(f);
}

static void on_put(void *data, int r, const struct error *error)
{
	struct followed *k = data;
	struct follow *f = k->follow;
	char path[FOLLOWED_TEXT];

	k->putting = NULL;
	k->step = STEP_DONE;
	k->clean = r == 0;
	if (r < 0)
		put_failed(f, k, r, error);
	else if (error->text[0] != 0)
		log_warning("a checkpoint was put back, but not all of it could be as it was path=\"%s\" reason=\"%s\"",
		    followed_text(k, path), error->text);
	followed_job_ended(&f->list, k);
	follow_work(f);
}

static void put_one(struct follow *f, struct followed *k)
{
	struct error error;
	int r = capture_put_back(f->service, &f->resource, k->kind, k->number, on_put, k, &k->putting);

	if (r == 0) {
		k->step = STEP_RUNS;
		followed_job_began(&f->list, k);
		return;
	}
	k->step = STEP_DONE;
	(void)error_set(&error, r, "%s", error_text(r));
	put_failed(f, k, r, &error);
}

void follow_put(struct follow *f)
{
	for (struct followed *k = f->list.first;
	     k != NULL && f->list.running < FOLLOW_IN_FLIGHT_MAX && f->result == 0 && !f->cancelled; k = k->next)
		if (k->step == STEP_TODO && !k->unsaved)
			put_one(f, k);
		else if (k->step == STEP_TODO && follow_now_ns(f) >= f->retry_ns)
			follow_save_first(f, k);
}
