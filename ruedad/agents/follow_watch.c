/* follow_watch: the sources of a resource that runs are watched, and saved when they change; the states are follow.c's.
 *
 * How      a change makes a source dirty, and pace.c says when it is saved.  A source that cannot be watched is looked at
 *          every POLL_NS.  A checkpoint that is added is watched from then on, and saved once more, since it may have
 *          changed before.
 * Threads  the loop thread.       Limits  FOLLOW_IN_FLIGHT_MAX are saved at a time.
 * Tests    tests/unit/follow.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "ruedad/agents/follow_private.h"
#include "ruedad/agents/sources.h"

#define POLL_NS UINT64_C(60000000000)

static void on_changed(void *data)
{
	struct followed *k = data;

	pace_change(&k->pace, follow_now_ns(k->follow));
	follow_work(k->follow);
}

static void tell_blind(struct followed *k, const struct error *error)
{
	char path[FOLLOWED_TEXT];

	if (!k->told_blind)
		log_notice("a checkpoint cannot be watched, it is saved every minute and when its resource stops "
			   "path=\"%s\" reason=\"%s\"",
		    followed_text(k, path), error->text);
	k->told_blind = true;
}

/* Try to. */
static void watch_one(struct follow *f, struct followed *k)
{
	struct sources *sources = f->service->sources;
	struct u16 path = u16_from_z(k->path);
	struct error error = { 0 };
	int r;

	followed_unwatch(k);
	k->look_ns = UINT64_MAX;
	r = sources == NULL                  ? ERR_NOT_SUPPORTED
	    : k->kind == CHECKPOINT_REGISTRY ? source_watch(sources, path, on_changed, k, &k->watch, &error)
					     : source_watch_key(sources, path, on_changed, k, &k->watch, &error);
	if (r == 0)
		return;
	if (r == ERR_NOT_SUPPORTED && k->kind == CHECKPOINT_CRYPTO)
		return; /* Keys in tokens seldom change, and to look means to load a library: at the end is often enough. */
	k->look_ns = follow_now_ns(f) + POLL_NS;
	tell_blind(k, &error);
}

/* Everything has been put back: the sources are what is saved, or newer. */
void follow_watch_begin(struct follow *f)
{
	for (struct followed *k = f->list.first; k != NULL; k = k->next) {
		watch_one(f, k);
		if (!k->clean) /* It was left unsaved. */
			pace_change(&k->pace, follow_now_ns(f));
	}
	f->incomplete = true; /* What was added meanwhile. */
}

void follow_watch(struct follow *f)
{
	uint64_t now = follow_now_ns(f);

	if (f->service->stopping)
		return; /* All is saved soon anyway, and the service waits until nothing is. */
	if (f->incomplete)
		f->incomplete = followed_read(&f->list, follow_resource(f), f, now) < 0;
	for (struct followed *k = f->list.first; k != NULL; k = k->next) {
		if (k->look_ns <= now) {
			pace_change(&k->pace, now);
			watch_one(f, k);
		}
		if (f->list.running < FOLLOW_IN_FLIGHT_MAX && pace_due_ns(&k->pace) <= now)
			follow_save_one(f, k);
	}
}

uint64_t follow_watch_next_ns(const struct follow *f)
{
	uint64_t next = f->incomplete ? follow_now_ns(f) + FOLLOW_RETRY_NS : UINT64_MAX;

	if (f->service->stopping)
		return UINT64_MAX;
	for (const struct followed *k = f->list.first; k != NULL; k = k->next) {
		next = MIN(next, k->look_ns);
		if (f->list.running < FOLLOW_IN_FLIGHT_MAX)
			next = MIN(next, pace_due_ns(&k->pace));
	}
	return next;
}
