/* reseal: the cluster key sealed anew, for another passphrase or public key.
 *
 * Why      passphrases are lost, and people who know them leave, while the cluster runs and its nodes have the key in the
 *          clear; and a cluster that was made without a key needs one before it can have crypto checkpoints.
 * How      on a worker, because scrypt takes its time: the key from the keyring, or a fresh one that is put there, is sealed; the
 *          command ClusterKey brings it to all nodes, into the header that checkpoints and backup sets carry.
 *
 *             keyring (or a new key ─► keyring, durable) ─► seal ─► ClusterKey ─► log ─► header ─► done
 *
 *          The key itself stays, so what it has encrypted stays readable.  What was sealed before stays as it is too: older sets
 *          open with what they were sealed under, and a restore of one brings its sealing back.
 * Promise  done is called exactly once.  No sealed key is in the log that is not in the keyring of this node.
 * Threads  the loop thread; sealing on a worker.       Tests  tests/integration/recovery.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/reseal.h"
#include "base/log.h"
#include "ruedad/keyring.h"
#include "wire/command.h"
#include <stdio.h>
#include <string.h>

struct reseal_job {
	struct service *service;
	reseal_done *done;
	void *data;
	struct seal_secret secret; /* Owned. */
	bool has_key;              /* The cluster has one, with this id: … */
	struct seal_id id;         /* … later that of what was sealed. */
	struct seal_id replaces;   /* Zeros: none. */
	enum seal_kind kind;       /* Under which it is sealed now. */
	struct buf sealed;
	int result;
	struct error error;
};

static void job_free(struct reseal_job *job)
{
	seal_secret_free(&job->secret);
	buf_done(&job->sealed);
	free(job);
}

static void finish(struct reseal_job *job, int r)
{
	struct service *s = job->service;
	char id[2 * SEAL_ID_LEN + 1], story[sizeof(job->error.text)];

	s->reseal = NULL;
	seal_id_format(&job->id, id);
	if (r == 0) {
		(void)snprintf(story, sizeof(story),
		    "the cluster key %s%s is sealed under %s; sets made from now on open with it", id,
		    job->has_key ? "" : ", which is new,", seal_kind_text(job->kind));
		log_notice("the cluster key was sealed anew id=%s new=%s", id, job->has_key ? "no" : "yes");
	} else {
		if (job->error.code == 0)
			(void)error_set_code(&job->error, r, "cannot seal the cluster key anew");
		(void)snprintf(story, sizeof(story), "%s", job->error.text);
		log_warning("the cluster key was not sealed anew reason=\"%s\"", story);
	}
	job->done(job->data, r, story);
	job_free(job);
	service_job_ended(s);
}

/* The worker. */
static void run(void *data)
{
	struct reseal_job *job = data;
	struct disk *state = job->service->disk;
	struct seal_key key;
	struct seal_info info;
	int r = job->has_key ? keyring_get(state, &job->id, &key, &job->error) : seal_key_make(&key);

	if (job->has_key && (r == -ENOENT || r == -EBADMSG))
		r = error_set(&job->error, ERR_NO_RECOVERY_POLICY,
		    "the cluster key is sealed on this node: open it with 'rueda cluster unseal', or do this on a node "
		    "that has it");
	if (r == 0)
		r = seal_close(&key, &job->secret, NULL, &job->sealed, &job->error);
	if (r == 0)
		r = seal_read(job->sealed.data, job->sealed.len, &info, &job->error);
	if (r == 0) {
		job->id = info.id;
		job->kind = info.kind;
	}
	if (r == 0 && !job->has_key)
		r = keyring_put(state, &key, &job->error);
	seal_key_wipe(&key);
	job->result = r;
}

static void on_applied(void *data, int status, const struct cluster_result *result)
{
	struct reseal_job *job = data;

	if (status == 0 && ERR_FROM_WIN32(result->status) == ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED)
		(void)error_set(
		    &job->error, ERR_BUSY, "the cluster has got another key meanwhile; look at it and try again");
	finish(job, job->error.code != 0                 ? job->error.code
		    : status == 0 && result->status != 0 ? ERR_FROM_WIN32(result->status)
							 : status);
}

static void on_sealed(void *data)
{
	struct reseal_job *job = data;
	struct service *s = job->service;
	struct command command = { .kind = COMMAND_CLUSTER_KEY, .version = COMMAND_VERSION };
	struct buf bytes = { 0 };
	int r = job->result;

	if (r == 0 && s->state != SERVICE_UP)
		r = ERR_SHARING_PAUSED;
	if (r == 0) {
		command.cluster_key = (struct command_ClusterKey){ .sealed = job->sealed.data,
			.sealed_size = (uint32_t)job->sealed.len,
			.time = loop_wall_filetime(s->loop) };
		memcpy(command.cluster_key.replaces, job->replaces.bytes, SEAL_ID_LEN);
		r = ndr_message_push(&command_messages, &command, &bytes);
		if (r == 0)
			r = replica_propose(s->replica, bytes.data, bytes.len, on_applied, job);
		buf_done(&bytes);
	}
	if (r < 0)
		finish(job, r);
}

int reseal_start(
    struct service *s, const struct seal_secret *secret, reseal_done *done, void *data, struct error *error)
{
	struct reseal_job *job;
	int r;

	if (s->state == SERVICE_NO_CLUSTER)
		return error_set_code(error, ERR_CLUSTER_NOT_INSTALLED, "cannot seal a cluster key");
	if (s->state != SERVICE_UP || s->stopping)
		return error_set_code(error, ERR_SHARING_PAUSED, "cannot seal the cluster key");
	if (s->reseal != NULL)
		return error_set_code(error, ERR_BUSY, "cannot seal the cluster key twice at a time");
	if (s->header.key_len > 0 && !s->has_key)
		return error_set(error, ERR_INVALID_DATA, "the sealed cluster key is damaged, or of a newer version");
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return error_set_code(error, -ENOMEM, "cannot seal the cluster key");
	job->service = s;
	job->done = done;
	job->data = data;
	job->has_key = s->has_key;
	if (s->has_key)
		job->id = job->replaces = s->key.id;
	r = seal_secret_copy(secret, &job->secret);
	if (r == 0)
		r = loop_work(s->loop, run, on_sealed, job);
	if (r < 0) {
		job_free(job);
		return error_set_code(error, r, "cannot seal the cluster key");
	}
	s->reseal = job;
	return 0;
}

void reseal_abandon(struct service *s)
{
	if (s->reseal != NULL)
		job_free(s->reseal);
	s->reseal = NULL;
}
