/* putback: saved state put back where it was captured.
 *
 * Why      before a resource starts, the state outside the database is to be what the cluster saved for it last, on whatever
 *          node; and it must be that or what was there before, never half of it.
 * How
 *             find ─► hold ─► worker: read the blob, prove its SHA-256 ─► put back (agents/sources.c) ─► release ─► done
 *
 *          The hold keeps sweeps away from the blob.  What is put back is what the database named at the beginning.
 * Promise  done is called exactly once; the source is whole: sources.h.
 * Threads  the loop thread; reading on a worker.
 * Limits   those of agents/sources.h.
 * Tests    tests/unit/putback.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/putback.h"
#include "ruedad/agents/blobs.h"
#include "ruedad/agents/crypto.h"
#include "ruedad/agents/sources.h"
#include "ruedad/blobs.h"
#include <string.h>

struct putback_job {
	struct putback_job *next;
	struct service *service;
	putback_done *done;
	void *data;

	struct checkpoint checkpoint;
	char16_t *path; /* Owned; the checkpoint's. */
	char generation[STORE_NAME_MAX];

	struct source_job *putting; /* While the source is written. */
	bool cancelled;
	uint8_t *bytes; /* Owned. */
	size_t length;
	struct box_label label; /* Of a crypto checkpoint, as its key, … */
	uint8_t *key;           /* … which is owned. */
	int result;
	struct error error;
};

static void job_free(struct putback_job *job)
{
	struct putback_job **at = &job->service->putbacks;

	while (*at != NULL && *at != job)
		at = &(*at)->next;
	if (*at == job)
		*at = job->next;
	free(job->path);
	free(job->bytes);
	crypto_key_free(job->key);
	free(job);
}

/* The end.  It may be that of the service too. */
static void job_finish(struct putback_job *job, int r, const struct error *error)
{
	struct service *s = job->service;
	putback_done *done = job->done;
	void *data = job->data;
	struct error story = *error;

	if (r < 0 && story.code == 0)
		(void)error_set_code(&story, r, "cannot put back a checkpoint");
	job_free(job);
	blobs_release(s);
	done(data, r, &story);
	service_blobs_ended(s);
}

static void on_put(void *data, int r, const struct error *error)
{
	struct putback_job *job = data;

	job->putting = NULL;
	job_finish(job, r, error);
}

static int put(struct putback_job *job)
{
	struct sources *sources = job->service->sources;
	struct source_key key = { .key = job->key };

	if (job->checkpoint.kind == CHECKPOINT_CRYPTO)
		return source_put_back_key(sources, job->checkpoint.path, &key, job->bytes, job->length, on_put, job,
		    &job->putting, &job->error);
	return source_put_back(
	    sources, job->checkpoint.path, job->bytes, job->length, on_put, job, &job->putting, &job->error);
}

static void on_read(void *data)
{
	struct putback_job *job = data;

	if (job->cancelled && job->result == 0)
		job->result = ERR_CANCELLED;
	if (job->result == 0)
		job->result = put(job);
	if (job->result < 0)
		job_finish(job, job->result, &job->error);
}

static void run(void *data)
{
	struct putback_job *job = data;

	job->result =
	    blob_read(job->service->disk, job->generation, &job->checkpoint, &job->bytes, &job->length, &job->error);
	if (job->result == 0 && job->checkpoint.kind == CHECKPOINT_CRYPTO)
		job->result =
		    crypto_key_of(job->service->disk, job->bytes, job->length, &job->label, &job->key, &job->error);
}

static int find(
    struct service *s, const struct guid *resource, enum checkpoint_kind kind, uint32_t number, struct checkpoint *ret)
{
	const struct db_key *key = checkpoint_resource(db_root(cluster_db(s->cluster)), resource);
	size_t at = 0;

	if (key == NULL)
		return ERR_RESOURCE_NOT_FOUND;
	do {
		if (!checkpoint_next(key, &at, ret))
			return ERR_FILE_NOT_FOUND;
	} while (ret->kind != kind || ret->number != number);
	return ret->saved ? 0 : ERR_FILE_NOT_FOUND;
}

int capture_put_back(struct service *s, const struct guid *resource, enum checkpoint_kind kind, uint32_t number,
    putback_done *done, void *data, struct putback_job **ret)
{
	struct box_label label = { 0 };
	struct checkpoint checkpoint;
	struct putback_job *job;
	int r = s->state != SERVICE_UP ? ERR_SHARING_PAUSED : 0;

	if (r == 0)
		r = find(s, resource, kind, number, &checkpoint);
	if (r == 0 && s->sources == NULL)
		r = ERR_NOT_SUPPORTED;
	if (r == 0 && kind == CHECKPOINT_CRYPTO)
		r = crypto_label(s, resource, checkpoint.path, &label, NULL);
	if (r < 0)
		return r;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return -ENOMEM;
	*job =
	    (struct putback_job){ .service = s, .done = done, .data = data, .checkpoint = checkpoint, .label = label };
	memcpy(job->generation, s->generation, sizeof(job->generation));
	job->path = u16_dup(checkpoint.path);
	job->checkpoint.path.units = job->path;
	if (job->path == NULL || loop_work(s->loop, run, on_read, job) < 0) {
		job_free(job);
		return -ENOMEM;
	}
	job->next = s->putbacks;
	s->putbacks = job;
	blobs_hold(s);
	if (ret != NULL)
		*ret = job;
	return 0;
}

void putback_cancel(struct putback_job *job)
{
	job->cancelled = true;
	if (job->putting != NULL)
		source_cancel(job->putting);
}

void putback_cancel_all(struct service *s)
{
	for (struct putback_job *job = s->putbacks; job != NULL; job = job->next)
		putback_cancel(job);
}

void putback_abandon(struct service *s)
{
	while (s->putbacks != NULL)
		job_free(s->putbacks);
}
