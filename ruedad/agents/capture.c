/* capture: outside state captured for a resource.
 *
 * Why      what the log names must be on the disk before, and capturing it takes time: it must neither hold up the loop nor
 *          let a checkpoint be seen that has no content.
 * How
 *             check ─► turn (agents/blobs.c) ─► capture (agents/sources.c) ─► worker: write the blob, mark the source (marks.c)
 *                   ─► CheckpointAdd, CheckpointSaved ─► done
 *
 *          A crypto checkpoint is encrypted where it is captured (priv/keys.c): before, a worker gets what it is encrypted with
 *          (agents/crypto.c) and what was saved last, for only there can be seen whether it is the same.
 *          What to capture was decided before, and is checked again where the order of changes is fixed, in the core: a
 *          resource that was deleted meanwhile, a path that somebody else has added, a number that is another checkpoint's
 *          by now are refused there, and the blob goes with the next sweep.
 *          What is captured again and is what was saved before is not written and not named anew; of files also if only
 *          times of access differ, or who merely reads one would have it saved (capture/same.c).
 * Promise  done is called exactly once.
 * Threads  the loop thread; writing on a worker.
 * Limits   those of agents/sources.h; CAPTURES_MAX at a time, more are refused (1723).
 * Tests    tests/sim/checkpoints.c, tests/unit/follow.c, tests/integration/resource_checkpoints.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/capture.h"
#include "base/log.h"
#include "capture/format.h"
#include "cluster/group/state.h"
#include "ruedad/agents/blobs.h"
#include "ruedad/agents/crypto.h"
#include "ruedad/agents/sources.h"
#include "ruedad/blobs.h"
#include "ruedad/marks.h"
#include "wire/command.h"
#include <inttypes.h>
#include <string.h>

enum { CAPTURES_MAX = 64 };

struct capture_job {
	struct capture_job *next;
	struct service *service;
	struct blob_turn turn;
	capture_done *done;
	void *data;

	struct guid resource;
	struct capture_source source;
	char16_t *path;  /* Owned; the source's. */
	uint32_t number; /* Of the one that is saved again; 0: it is added. */
	uint64_t added;
	struct checkpoint before; /* Its digest and length, if something was saved. */
	bool marks;               /* Its source is in use here, and is marked as having been what this captures. */
	uint64_t attempt;         /* So that no two write under one name. */

	struct box_label label; /* Of a crypto checkpoint, … */
	struct seal_id key_id;
	uint8_t *key;   /* … as its key, which is owned, … */
	struct buf box; /* … and what was saved before. */

	bool cancelled;
	struct source_job *taking; /* While it is captured. */
	uint8_t *bytes;            /* What was captured; owned. */
	size_t length;
	struct digest digest;
	bool same; /* It is what was saved before, and that is there. */
	int result;
	struct error error;
};

static void job_free(struct capture_job *job)
{
	struct capture_job **at = &job->service->captures;

	while (*at != NULL && *at != job)
		at = &(*at)->next;
	if (*at == job) {
		*at = job->next;
		job->service->capture_count--;
	}
	free(job->path);
	free(job->bytes);
	crypto_key_free(job->key);
	buf_done(&job->box);
	free(job);
}

/* The end.  It may be that of the service too. */
static void job_finish(struct capture_job *job, bool unknown)
{
	struct service *s = job->service;
	capture_done *done = job->done;
	void *data = job->data;
	int r = job->result;
	struct error error = job->error;
	char path[256];

	if (r < 0 && error.code == 0)
		(void)error_set(&error, r, "%s", error_text(r));
	if (r < 0 && job->number == 0)
		log_warning("a checkpoint was not added path=\"%s\" error=%" PRIu32 " reason=\"%s\"",
		    u16_to_utf8_buffer(job->source.path, path, sizeof(path)), error_to_win32(r), error.text);
	job_free(job);
	done(data, r, &error);
	blobs_end(s, unknown);
}

static void on_applied(void *data, int status, const struct cluster_result *result)
{
	struct capture_job *job = data;

	job->result = status == 0 && result->status != 0 ? ERR_FROM_WIN32(result->status) : status;
	job_finish(job, status == ERR_RPC_S_CALL_FAILED);
}

static struct command make_command(const struct capture_job *job)
{
	struct command command = { .kind = job->number == 0 ? COMMAND_CHECKPOINT_ADD : COMMAND_CHECKPOINT_SAVED,
		.version = COMMAND_VERSION };
	uint64_t time = loop_wall_filetime(job->service->loop);

	if (job->number == 0) {
		command.checkpoint_add = (struct command_CheckpointAdd){ .resource = job->resource,
			.checkpoint_kind = job->source.kind,
			.view = job->source.view,
			.path = job->path,
			.length = job->length,
			.time = time };
		memcpy(command.checkpoint_add.sha256, job->digest.bytes, SHA256_LEN);
	} else {
		command.checkpoint_saved = (struct command_CheckpointSaved){ .resource = job->resource,
			.checkpoint_kind = job->source.kind,
			.number = job->number,
			.added = job->added,
			.length = job->length,
			.time = time };
		memcpy(command.checkpoint_saved.sha256, job->digest.bytes, SHA256_LEN);
	}
	return command;
}

static void on_captured(void *data)
{
	struct capture_job *job = data;
	struct command command;
	struct buf bytes = { 0 };

	if (job->result == 0 && job->same) {
		job_finish(job, false);
		return;
	}
	if (job->result == 0) {
		command = make_command(job);
		job->result = ndr_message_push(&command_messages, &command, &bytes);
		if (job->result == 0)
			job->result = replica_propose(job->service->replica, bytes.data, bytes.len, on_applied, job);
		buf_done(&bytes);
		if (job->result == 0)
			return;
	}
	job_finish(job, false);
}

static bool is_of_files(const struct capture_job *job)
{
	_cleanup_(source_name_done) struct source_name n = { 0 };

	return job->source.kind == CHECKPOINT_REGISTRY && source_name_parse(job->source.path, &n, NULL) == 0 &&
	       n.kind == SOURCE_FILE;
}

/* Whether it is what was saved before, but for times of access if it is of files; and that is whole. */
static bool is_what_it_was(const struct capture_job *job)
{
	bool equal = digest_equal(&job->digest, &job->before.digest);
	_cleanup_free_ uint8_t *before = NULL;
	size_t len;

	if (!job->before.saved || (!equal && (job->length != job->before.length || !is_of_files(job))))
		return false;
	if (blob_read(job->service->disk, job->service->generation, &job->before, &before, &len, NULL) < 0)
		return false; /* So what has rotted comes back. */
	return equal || files_same(job->bytes, job->length, before, len);
}

/* The source goes on from what is about to be named: known here before it is. */
static int put_mark(struct capture_job *job)
{
	struct digest key = mark_key(&job->resource, job->source.kind, job->source.path);
	struct mark mark = { .boot = job->service->boot, .added = job->added, .base = job->digest, .next = job->digest };

	if (!job->marks)
		return 0;
	if (job->before.saved)
		mark.base = job->before.digest;
	return mark_put(job->service->disk, job->service->generation, &key, &mark, &job->error);
}

static void run(void *data)
{
	struct capture_job *job = data;
	struct service *s = job->service;

	job->digest = sha256_of(job->bytes, job->length);
	job->same = is_what_it_was(job);
	if (!job->same)
		job->result =
		    blob_put(s->disk, s->generation, job->attempt, job->bytes, job->length, &job->digest, &job->error);
	if (!job->same && job->result == 0)
		job->result = put_mark(job);
}

static void on_source(void *data, int r, uint8_t *hive, size_t len, const struct error *error)
{
	struct capture_job *job = data;

	job->taking = NULL;
	if (r == 0 && hive == NULL) {
		job_finish(job, false); /* It is what it was, and that has been read. */
		return;
	}
	if (r == 0) {
		job->bytes = hive;
		job->length = len;
		r = loop_work(job->service->loop, run, on_captured, job);
		if (r == 0)
			return; /* Perhaps it has run already, and the result is there. */
	} else {
		job->error = *error;
	}
	job->result = r;
	on_captured(job);
}

/* Saving goes on until the last resource of this node has stopped: what one leaves behind must not be lost because the
 * service is about to stop. */
static int check_service(const struct service *s, bool adds)
{
	bool open = adds ? s->state == SERVICE_UP && !s->stopping : s->state == SERVICE_UP || s->hosts_stopping;

	return open ? 0 : ERR_SHARING_PAUSED;
}

static void prepare(void *data)
{
	struct capture_job *job = data;
	struct service *s = job->service;
	size_t len;

	job->result = crypto_key(s->disk, &job->key_id, &job->label, &job->key, &job->error);
	/* What cannot be read is saved anew. */
	if (job->result == 0 && job->before.saved &&
	    blob_read(s->disk, s->generation, &job->before, &job->box.data, &len, NULL) == 0)
		job->box.len = job->box.capacity = len;
}

static void on_prepared(void *data)
{
	struct capture_job *job = data;
	struct source_key key = { job->key, job->box.data != NULL ? &job->box : NULL };

	if (job->result == 0 && job->cancelled)
		job->result = ERR_CANCELLED;
	if (job->result == 0)
		job->result = source_capture_key(
		    job->service->sources, job->source.path, &key, on_source, job, &job->taking, &job->error);
	if (job->result < 0)
		on_captured(job);
}

static int begin_crypto(struct capture_job *job)
{
	struct service *s = job->service;
	int r = crypto_label(s, &job->resource, job->source.path, &job->label, &job->error);

	job->key_id = s->key.id;
	return r < 0 ? r : loop_work(s->loop, prepare, on_prepared, job);
}

static void begin(void *data)
{
	struct capture_job *job = data;
	struct service *s = job->service;
	int r = job->cancelled ? ERR_CANCELLED : check_service(s, job->number == 0);

	if (r == 0)
		r = job->source.kind == CHECKPOINT_CRYPTO
			? begin_crypto(job)
			: source_capture(s->sources, job->source.path, on_source, job, &job->taking, &job->error);
	if (r == 0)
		return; /* A worker may have its result already. */
	job->result = r;
	/* From inside the call that began it nobody may be told. */
	if (loop_post(s->loop, on_captured, job) < 0)
		on_captured(job);
}

static int job_start(struct capture_job *job)
{
	struct service *s = job->service;

	job->next = s->captures;
	s->captures = job;
	s->capture_count++;
	job->attempt = ++s->capture_number;
	job->turn.begin = begin;
	job->turn.data = job;
	if (blobs_begin(s, &job->turn))
		begin(job);
	return 0;
}

/* Whether this node can capture it now. */
static int check_source(struct service *s, enum checkpoint_kind kind)
{
	if (kind == CHECKPOINT_CRYPTO && !(s->has_key && s->key_open)) {
		log_warning("a crypto checkpoint was refused: %s",
		    s->has_key ? "the cluster key is sealed on this node; open it with 'rueda cluster unseal'"
			       : "the cluster has no key to encrypt it with; 'rueda cluster recovery-key "
				 "set' makes one");
		return ERR_NO_RECOVERY_POLICY;
	}
	if (s->sources == NULL)
		return ERR_NOT_SUPPORTED;
	return s->capture_count < CAPTURES_MAX ? 0 : ERR_RPC_S_SERVER_TOO_BUSY;
}

static int job_new(struct service *s, const struct guid *resource, const struct capture_source *source,
    capture_done *done, void *data, struct capture_job **ret)
{
	struct capture_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return -ENOMEM;
	*job =
	    (struct capture_job){ .service = s, .resource = *resource, .source = *source, .done = done, .data = data };
	job->path = u16_dup(source->path);
	if (job->path == NULL) {
		free(job);
		return -ENOMEM;
	}
	job->source.path.units = job->path;
	*ret = job;
	return 0;
}

static bool is_active_here(const struct service *s, const struct guid *resource)
{
	const struct resource_run *run = resource_run_find(cluster_groups(s->cluster), resource);

	return resource_is_active(run) && run->node == s->node;
}

int capture_add(
    struct service *s, const struct guid *resource, const struct capture_source *source, capture_done *done, void *data)
{
	struct capture_job *job;
	int r = check_service(s, true);

	if (r == 0)
		r = checkpoint_check_add(db_root(cluster_db(s->cluster)), resource, source->kind, source->path);
	if (r == 0)
		r = check_source(s, source->kind);
	if (r == 0)
		r = source->kind == CHECKPOINT_CRYPTO ? sources_check_key(source->path, NULL)
						      : sources_check_name(source->path, NULL);
	if (r == 0)
		r = job_new(s, resource, source, done, data, &job);
	if (r < 0)
		return r;
	job->marks = is_active_here(s, resource);
	return job_start(job);
}

/* Of two at a time the one that has captured first could be named last. */
static bool is_being_saved(
    const struct service *s, const struct guid *resource, enum checkpoint_kind kind, uint32_t number)
{
	for (const struct capture_job *job = s->captures; job != NULL; job = job->next)
		if (job->number == number && job->source.kind == kind && guid_equal(&job->resource, resource))
			return true;
	return false;
}

int capture_save(struct service *s, const struct guid *resource, enum checkpoint_kind kind, uint32_t number,
    capture_done *done, void *data)
{
	struct capture_source source = { .kind = kind };
	const struct db_key *key;
	struct checkpoint checkpoint;
	struct capture_job *job;
	size_t at = 0;
	int r = check_service(s, false);

	if (r == 0)
		r = check_source(s, kind);
	if (r < 0)
		return r;
	key = checkpoint_resource(db_root(cluster_db(s->cluster)), resource);
	if (key == NULL)
		return ERR_RESOURCE_NOT_FOUND;
	do {
		if (!checkpoint_next(key, &at, &checkpoint))
			return ERR_FILE_NOT_FOUND;
	} while (checkpoint.kind != kind || checkpoint.number != number);
	if (is_being_saved(s, resource, kind, number))
		return ERR_BUSY;
	source.view = checkpoint.view;
	source.path = checkpoint.path;
	r = job_new(s, resource, &source, done, data, &job);
	if (r < 0)
		return r;
	job->number = number;
	job->added = checkpoint.added;
	job->marks = true;
	job->before = (struct checkpoint){ .saved = checkpoint.saved };
	if (checkpoint.saved) {
		job->before.digest = checkpoint.digest;
		job->before.length = checkpoint.length;
	}
	return job_start(job);
}

static void cancel(struct capture_job *job)
{
	job->cancelled = true;
	if (job->taking != NULL)
		source_cancel(job->taking);
}

void capture_cancel_saves(struct service *s, const struct guid *resource)
{
	for (struct capture_job *job = s->captures; job != NULL; job = job->next)
		if (job->number != 0 && guid_equal(&job->resource, resource))
			cancel(job);
}

void capture_cancel(struct service *s)
{
	for (struct capture_job *job = s->captures; job != NULL; job = job->next)
		cancel(job);
}

void capture_abandon(struct service *s)
{
	while (s->captures != NULL)
		job_free(s->captures);
}
