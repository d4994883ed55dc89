/* unseal: open the sealed cluster key of the cluster that runs, for this node to keep.
 *
 * Why      a set may be restored on a new machine by somebody who has no passphrase at hand; whoever has it comes later.
 * How      on a worker, because scrypt takes its time: the sealed key of the generation's header is opened and put into
 *          the keyring.  The log does not hear of it: what is in the clear is this node's own business.
 * Promise  done is called exactly once.
 * Threads  the loop thread; opening on a worker.       Tests  tests/integration/recovery.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/unseal.h"
#include "base/log.h"
#include "ruedad/keyring.h"
#include <stdio.h>
#include <string.h>

struct unseal_job {
	struct service *service;
	unseal_done *done;
	void *data;
	struct seal_secret secret; /* Owned. */
	uint8_t blob[QUOLOG_KEY_MAX];
	size_t blob_len;
	struct disk *disk; /* The service's. */
	struct seal_id id;
	int result;
	struct error error;
};

static void job_free(struct unseal_job *job)
{
	seal_secret_free(&job->secret);
	free(job);
}

static void run(void *data)
{
	struct unseal_job *job = data;
	struct seal_key key;

	job->result = seal_open(job->blob, job->blob_len, &job->secret, &key, &job->error);
	if (job->result == 0) {
		job->id = seal_key_id(&key);
		job->result = keyring_put(job->disk, &key, &job->error);
		seal_key_wipe(&key);
	}
}

static void finish(void *data)
{
	struct unseal_job *job = data;
	struct service *s = job->service;
	char id[2 * SEAL_ID_LEN + 1], story[sizeof(job->error.text)];

	s->unseal = NULL;
	if (job->result == 0) {
		seal_id_format(&job->id, id);
		(void)snprintf(story, sizeof(story), "the cluster key %s is open on this node", id);
		log_notice("the cluster key was unsealed id=%s", id);
		service_look_for_key(s);
	} else {
		(void)snprintf(story, sizeof(story), "%s", job->error.text);
		log_warning("the cluster key was not unsealed reason=\"%s\"", story);
	}
	job->done(job->data, job->result, story);
	job_free(job);
	service_job_ended(s);
}

int unseal_start(
    struct service *s, const struct seal_secret *secret, unseal_done *done, void *data, struct error *error)
{
	struct unseal_job *job;
	int r;

	if (s->state == SERVICE_NO_CLUSTER)
		return error_set_code(error, ERR_CLUSTER_NOT_INSTALLED, "cannot unseal a cluster key");
	if (s->state != SERVICE_UP)
		return error_set_code(error, ERR_SHARING_PAUSED, "cannot unseal the cluster key");
	if (s->header.key_len == 0)
		return error_set(
		    error, ERR_NOT_FOUND, "this cluster has no cluster key: none was asked for when it was created");
	if (s->unseal != NULL)
		return error_set_code(error, ERR_BUSY, "cannot unseal the cluster key twice at a time");
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return error_set_code(error, -ENOMEM, "cannot unseal the cluster key");
	job->service = s;
	job->done = done;
	job->data = data;
	job->disk = s->disk;
	job->blob_len = s->header.key_len;
	memcpy(job->blob, s->header.key, job->blob_len);
	r = seal_secret_copy(secret, &job->secret);
	if (r == 0)
		r = loop_work(s->loop, run, finish, job);
	if (r < 0) {
		job_free(job);
		return error_set_code(error, r, "cannot unseal the cluster key");
	}
	s->unseal = job;
	return 0;
}

void unseal_abandon(struct service *s)
{
	if (s->unseal != NULL)
		job_free(s->unseal);
	s->unseal = NULL;
}
