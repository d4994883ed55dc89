/* follow_mark: which sources may be newer than what is saved of them; the states are follow.c's.
 *
 * Why      ruedad/marks.c.
 * How      a job on a worker, one at a time, for all checkpoints of the resource: before anything is put back the marks are
 *          read; before the resource starts those are written that are missing; after it has stopped those go whose source is
 *          what is saved, and the others say that its use has ended.
 *
 *             LOOKING: read        PUTTING        MARKING: write        WATCHING, SAVING        UNMARKING: remove, end
 *
 * Failure  a mark that cannot be read or written keeps the resource from starting.  One that cannot be removed or
 *          ended is told: its source is saved once more at the next start, if the machine does not go down before.
 * Threads  the loop thread; a worker, which sees nothing but its job.
 * Tests    tests/unit/follow.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "ruedad/agents/follow_private.h"
#include "ruedad/marks.h"
#include <string.h>

struct mark_item {
	struct followed *k; /* Of the loop thread. */
	struct digest key;
	struct mark mark; /* Read, or to be written. */
	bool found, removed;
};

struct follow_mark_job {
	struct service *service;
	struct follow *follow;
	char generation[STORE_NAME_MAX];
	struct mark_item *items; /* Owned. */
	size_t count, failed;    /* failed: at which. */
	int result;
	struct error error;
};

void follow_mark_abandon(struct follow *f)
{
	if (f->marking == NULL)
		return;
	free(f->marking->items);
	free(f->marking);
	f->marking = NULL;
}

static int read_marks(struct follow_mark_job *job, struct mark_item *item)
{
	int r = mark_get(job->service->disk, job->generation, &item->key, &item->mark, &job->error);

	item->found = r == 0;
	return r == -ENOENT ? 0 : r;
}

static int write_mark(struct follow_mark_job *job, struct mark_item *item)
{
	return mark_put(job->service->disk, job->generation, &item->key, &item->mark, &job->error);
}

static void run_each(struct follow_mark_job *job, int (*one)(struct follow_mark_job *job, struct mark_item *item))
{
	for (size_t i = 0; i < job->count && job->result == 0; i++) {
		job->failed = i;
		job->result = one(job, &job->items[i]);
	}
}

static void run_reading(void *data)
{
	run_each(data, read_marks);
}

static void run_writing(void *data)
{
	run_each(data, write_mark);
}

/* Each for itself: a full disk takes no new marks, but lets go of old ones. */
static void run_ending(void *data)
{
	struct follow_mark_job *job = data;
	int r;

	for (size_t i = 0; i < job->count; i++) {
		struct mark_item *item = &job->items[i];

		r = item->removed ? mark_remove(job->service->disk, job->generation, &item->key)
				  : write_mark(job, item);
		if (r < 0)
			job->result = r;
	}
	r = mark_sync(job->service->disk, job->generation);
	if (r < 0)
		job->result = r;
	if (job->result < 0 && job->error.code == 0)
		(void)error_set_code(&job->error, job->result, "cannot remove a mark");
}

/* The end of a job; true: it succeeded. */
static bool job_ended(struct follow_mark_job *job)
{
	struct follow *f = job->follow;

	assert(f->marking == job);
	if (job->result < 0 && f->state != FOLLOW_UNMARKING)
		follow_fail(f, job->items[job->failed].k, job->result, &job->error, "put back");
	if (job->result < 0)
		log_warning("what a source of a resource went on from could not be %s reason=\"%s\"",
		    f->state == FOLLOW_LOOKING   ? "read, it is not brought online"
		    : f->state == FOLLOW_MARKING ? "kept, it is not brought online"
						 : "kept or forgotten at its end, as it should be",
		    job->error.text);
	return job->result == 0;
}

static void job_free(struct follow_mark_job *job)
{
	struct service *s = job->service;
	struct follow *f = job->follow;

	follow_mark_abandon(f);
	s->mark_jobs--;
	follow_work(f);
	service_blobs_ended(s);
}

static void tell_replaced(const struct followed *k, enum mark_verdict verdict)
{
	char path[FOLLOWED_TEXT], id[GUID_TEXT_LEN + 1];

	guid_format(&k->follow->resource, id);
	log_warning("%s, which is put back over it resource=%s path=\"%s\"",
	    verdict == MARK_OTHER
		? "a source was left unsaved here, and another state was saved since"
		: "the machine went down while a source was in use, and it may be older than what was saved last",
	    id, followed_text(k, path));
}

static void on_read(void *data)
{
	struct follow_mark_job *job = data;

	if (job_ended(job))
		for (size_t i = 0; i < job->count; i++) {
			struct mark_item *item = &job->items[i];
			struct checkpoint c = { .saved = true, .added = item->k->added, .digest = item->k->saved };
			enum mark_verdict verdict = mark_judge(&item->mark, &c, &job->service->boot);

			item->k->marked = item->found;
			item->k->unsaved = item->found && verdict == MARK_FITS;
			if (item->found && !item->k->unsaved)
				tell_replaced(item->k, verdict);
		}
	job_free(job);
}

static void on_written(void *data)
{
	struct follow_mark_job *job = data;

	/* Those before one that failed, and perhaps that one, are there. */
	for (size_t i = 0; i < job->count; i++)
		job->items[i].k->marked = true;
	(void)job_ended(job);
	job_free(job);
}

static void on_marks_ended(void *data)
{
	struct follow_mark_job *job = data;

	(void)job_ended(job);
	job_free(job);
}

/* The database names this for it now. */
static struct digest named(const struct followed *k)
{
	const struct db_key *resource = follow_resource(k->follow);
	struct checkpoint c;

	return resource != NULL && checkpoint_find(resource, k->kind, u16_from_z(k->path), &c) && c.saved ? c.digest
													  : k->saved;
}

static struct mark_item make_item(struct followed *k)
{
	const struct follow *f = k->follow;
	struct mark_item item = { .k = k,
		.key = mark_key(&f->resource, k->kind, u16_from_z(k->path)),
		.mark = { .added = k->added },
		.removed = k->clean };

	if (f->begins)
		item.mark.boot = f->service->boot;
	item.mark.base = item.mark.next = f->begins || k->clean ? k->saved : named(k);
	return item;
}

/* For those that are wanted; without any, nothing happens. */
static int start(struct follow *f, bool (*wanted)(const struct followed *k), loop_callback *run, loop_callback *done)
{
	struct service *s = f->service;
	struct follow_mark_job *job = calloc(1, sizeof(*job));
	size_t count = 0;

	for (const struct followed *k = f->list.first; k != NULL; k = k->next)
		count += wanted(k);
	if (job == NULL || (job->items = calloc(count + 1, sizeof(*job->items))) == NULL) {
		free(job);
		return -ENOMEM;
	}
	job->service = s;
	job->follow = f;
	memcpy(job->generation, s->generation, sizeof(job->generation));
	for (struct followed *k = f->list.first; k != NULL; k = k->next)
		if (wanted(k))
			job->items[job->count++] = make_item(k);
	f->marking = job;
	s->mark_jobs++;
	if (count > 0 && loop_work(s->loop, run, done, job) == 0)
		return 0;
	s->mark_jobs--;
	follow_mark_abandon(f);
	return count > 0 ? -ENOMEM : 0;
}

static bool is_to_be_put_back(const struct followed *k)
{
	return k->step == STEP_TODO;
}

int follow_look_for_marks(struct follow *f)
{
	return start(f, is_to_be_put_back, run_reading, on_read);
}

static bool was_put_back(const struct followed *k)
{
	return k->clean && !k->unsaved;
}

int follow_mark(struct follow *f)
{
	return start(f, was_put_back, run_writing, on_written);
}

/* What was put back or saved needs no mark; what was left unsaved is whole, whatever happens to the machine from now on. */
static bool has_mark_to_end(const struct followed *k)
{
	return k->marked && (k->clean || !k->follow->begins);
}

void follow_unmark(struct follow *f)
{
	if (start(f, has_mark_to_end, run_ending, on_marks_ended) < 0)
		log_warning(
		    "no memory to forget what sources went on from, they are saved once more at the next start");
}
