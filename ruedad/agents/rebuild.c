/* rebuild: saved state of a resource that is missing or damaged, made whole again.
 *
 * Why      one bad sector below the state directory must cost neither the next backup (which refuses to leave a checkpoint
 *          out) nor the next start of the resource; and to restore the whole cluster for it would be out of proportion.
 * How      on a worker the blob is read and proven.  What is whole stays as it is, unless a set is named that has another one.
 *
 *             look ─┬─ whole ──────────────────────────────────────────────────────────► done
 *                   ├─ no set, the resource is online here ─► capture (capture.c) ─┬───► done
 *                   │                       look ◄─ a little later ◄─ just being saved ┘
 *                   ├─ no set, it is not ──────────────────────────────────────────────► 5004
 *                   └─ set ─┬─ the blob that is named ─► put ──────────────────────────► done   (*)
 *                           ├─ another one, the resource is active ────────────────────► 5019
 *                           └─ another one, it is not ─► put ─► CheckpointsRestore ────► done
 *
 *          The source of a resource that is not online here is not what belongs to it: it may be older, or another
 *          node's.  A set's checkpoint is that of the same resource (by its id) with the same path, of the same cluster.
 *          While the resource runs it works with its source, and saves that: another state from a set would not reach it,
 *          and be overwritten.
 *          (*) If the source went on from it and was not saved (ruedad/marks.h), it is named anew like another one, or the source
 *          would be saved over it at the next start.
 * Promise  done is called exactly once.  The state that is saved is what it was, or the whole new one.
 * Threads  the loop thread; reading and writing on a worker.      Limits  REBUILDS_MAX at a time.
 * Design   docs/design/checkpoints.md      Tests  tests/sim/checkpoint_ops.c, tests/integration/checkpoint_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/rebuild.h"
#include "backup/set.h"
#include "base/filetime.h"
#include "base/log.h"
#include "cluster/group/state.h"
#include "priv/client.h"
#include "ruedad/agents/blobs.h"
#include "ruedad/agents/capture.h"
#include "ruedad/agents/set_directory.h"
#include "ruedad/blobs.h"
#include "ruedad/marks.h"
#include "ruedad/path.h"
#include "wire/command.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { REBUILDS_MAX = 16, AGAIN_MAX = 600 };
#define AGAIN_NS UINT64_C(100000000)

struct rebuild_job {
	struct rebuild_job *next;
	struct service *service;
	struct blob_turn turn;
	struct loop_timer *again; /* To look once more; NULL: it was not needed yet. */
	unsigned agains;
	rebuild_done *done;
	void *data;

	struct guid resource;
	struct checkpoint checkpoint;
	char16_t *path; /* Owned; the checkpoint's. */
	struct path set;
	struct set_directory place; /* Of it. */
	bool has_set, plan;
	bool online, active; /* When its turn came: here; anywhere. */
	bool unsaved;        /* A source here would be saved over it at the next start. */
	uint64_t looked;     /* The index at that moment, … */
	bool has_key;        /* … and the cluster key. */
	struct seal_id key;
	struct rpc_identity caller;
	char generation[STORE_NAME_MAX];
	struct guid instance;
	uint64_t attempt; /* So that no two write under one name. */

	struct checkpoint found; /* In the set; its path is not valid. */
	enum rebuild_outcome outcome;
	bool turned; /* It has a turn to give back. */
	int result;
	struct error error;
	char story[sizeof(((struct error *)NULL)->text)];
};

static void job_free(struct rebuild_job *job)
{
	struct rebuild_job **at = &job->service->rebuilds;

	while (*at != NULL && *at != job)
		at = &(*at)->next;
	if (*at == job)
		*at = job->next;
	loop_timer_free(job->again);
	path_done(&job->set);
	set_directory_done(&job->place);
	free(job->path);
	free(job);
}

static _printf_(2, 3) void tell(struct rebuild_job *job, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(job->story, sizeof(job->story), format, arguments);
	va_end(arguments);
}

static void end_turn(struct service *s, bool unknown)
{
	blobs_release(s);
	blobs_end(s, unknown);
}

/* The end.  It may be that of the service too. */
static void job_finish(struct rebuild_job *job, int r, bool unknown)
{
	struct service *s = job->service;
	bool turned = job->turned;

	if (r < 0)
		tell(job, "%s", job->error.code != 0 ? job->error.text : error_text(r));
	if (r < 0 || job->outcome == REBUILD_CAPTURED || job->outcome == REBUILD_TAKEN) {
		char path[256];

		log_notice("a checkpoint was%s rebuilt path=\"%s\" story=\"%s\"", r < 0 ? " not" : "",
		    u16_to_utf8_buffer(job->checkpoint.path, path, sizeof(path)), job->story);
	}
	job->done(job->data, r, job->outcome, job->story);
	job_free(job);
	if (turned)
		end_turn(s, unknown);
}

/* Captured again. */

static void on_captured(void *data, int r, const struct error *error)
{
	struct rebuild_job *job = data;

	if (r < 0)
		job->error = *error;
	else
		tell(job, "captured again from what is there now");
	job_finish(job, r, false);
}

static void look_again(void *data);

/* It is just being saved, as its source has changed, or since it was added: that may make it whole.  The turn is kept. */
static int wait_for_save(struct rebuild_job *job)
{
	int r = ++job->agains > AGAIN_MAX ? ERR_BUSY : 0;

	if (r == 0 && job->again == NULL)
		r = loop_timer_new(job->service->loop, look_again, job, &job->again);
	if (r == 0)
		loop_timer_start(job->again, AGAIN_NS);
	return r;
}

static void capture_again(struct rebuild_job *job)
{
	struct service *s = job->service;
	int r;

	job->turned = false; /* Capturing takes its own. */
	job->outcome = REBUILD_CAPTURED;
	r = capture_save(s, &job->resource, job->checkpoint.kind, job->checkpoint.number, on_captured, job);
	if (r == ERR_BUSY && wait_for_save(job) == 0) {
		job->turned = true;
		return;
	}
	if (r < 0) {
		(void)error_set_code(&job->error, r, "it cannot be captured again");
		job_finish(job, r, false);
	}
	end_turn(s, false);
}

/* Taken from a set. */

static void on_applied(void *data, int status, const struct cluster_result *result)
{
	struct rebuild_job *job = data;
	int r = status == 0 && result->status != 0 ? ERR_FROM_WIN32(result->status) : status;

	if (r == ERR_RESOURCE_ONLINE)
		(void)error_set(&job->error, r, "the resource was brought online meanwhile");
	else if (r == ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED)
		r = error_set(&job->error, ERR_BUSY, "something was saved for it meanwhile; look at it, and try again");
	else if (r < 0)
		(void)error_set_code(&job->error, r, "it was taken from the set, but cannot be put in force");
	job_finish(job, r, status == ERR_RPC_S_CALL_FAILED);
}

static int propose(struct rebuild_job *job)
{
	struct command_restored_checkpoint one = { .kind = job->checkpoint.kind,
		.view = job->checkpoint.view,
		.number = job->checkpoint.number,
		.path = job->path,
		.length = job->found.length,
		.time = job->found.time };
	struct command command = { .kind = COMMAND_CHECKPOINTS_RESTORE,
		.version = COMMAND_VERSION,
		.checkpoints_restore = { .resource = job->resource,
		    .checkpoints = &one,
		    .checkpoints_count = 1,
		    .time = loop_wall_filetime(job->service->loop),
		    .after = job->looked } };
	struct buf bytes = { 0 };
	int r;

	memcpy(one.sha256, job->found.digest.bytes, SHA256_LEN);
	r = ndr_message_push(&command_messages, &command, &bytes);
	if (r == 0)
		r = replica_propose(job->service->replica, bytes.data, bytes.len, on_applied, job);
	buf_done(&bytes);
	return r;
}

/* The file of the set that holds the checkpoint; NULL with the reason. */
static const struct set_file *find_in_set(struct rebuild_job *job, const struct set *set)
{
	const struct db_key *key = checkpoint_resource(db_root(set->db), &job->resource);

	if (!guid_equal(&set->info.header.instance, &job->instance)) {
		(void)error_set(&job->error, ERR_CLUSTER_INSTANCE_ID_MISMATCH, "the set is of another cluster");
		return NULL;
	}
	if (key != NULL && checkpoint_find(key, job->checkpoint.kind, job->checkpoint.path, &job->found) &&
	    job->found.saved)
		for (size_t i = 0; i < set->file_count; i++) {
			const struct set_file *f = &set->files[i];

			if (f->is_blob && guid_equal(&f->resource, &job->resource) &&
			    (int)f->kind == (int)job->checkpoint.kind && f->number == job->found.number &&
			    digest_equal(&f->digest, &job->found.digest))
				return f;
		}
	(void)error_set(&job->error, ERR_NOT_FOUND, "the set has %s",
	    key == NULL ? "no such resource" : "no such checkpoint of the resource");
	return NULL;
}

/* Whether the set has the very blob that the database names. */
static bool is_named(const struct rebuild_job *job)
{
	return job->checkpoint.saved && digest_equal(&job->found.digest, &job->checkpoint.digest);
}

/* Whether what the set has is to be named: if it is another one, or what a source went on from that was not saved. */
static bool is_to_be_named(const struct rebuild_job *job)
{
	return !is_named(job) || (job->unsaved && !job->active);
}

static bool is_marked(const struct rebuild_job *job)
{
	struct digest key = mark_key(&job->resource, job->checkpoint.kind, job->checkpoint.path);
	struct mark mark;

	return mark_get(job->service->disk, job->generation, &key, &mark, NULL) != -ENOENT;
}

/* What is encrypted with another cluster key than the one that goes into the next sets could not be opened from those. */
static int check_key(struct rebuild_job *job, const struct set *set)
{
	const struct quolog_header *from = &set->info.header;
	struct seal_info info;

	if (job->checkpoint.kind != CHECKPOINT_CRYPTO || is_named(job))
		return 0;
	if (job->has_key && from->key_len > 0 && seal_read(from->key, from->key_len, &info, NULL) == 0 &&
	    seal_id_equal(&info.id, &job->key))
		return 0;
	return error_set(&job->error, ERR_NO_RECOVERY_POLICY,
	    "the set's crypto checkpoint was encrypted with another cluster key than this cluster's");
}

static int take_from_set(struct rebuild_job *job, bool whole)
{
	struct service *s = job->service;
	_cleanup_(disk_freep) struct disk *disk = NULL;
	_cleanup_(set_freep) struct set *set = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct priv_directory directory;
	const struct set_file *file;
	char when[32];
	size_t len;
	int r = set_directory_open(
	    &job->place, s, PRIV_OPEN_RESTORE, job->set.text, false, &job->caller, &directory, &job->error);

	if (r < 0)
		return r;
	disk = directory.disk;
	r = set_read(disk, &set, &job->error);
	if (r < 0)
		return r;
	file = find_in_set(job, set);
	if (file == NULL)
		return job->error.code;
	r = check_key(job, set);
	if (r < 0)
		return r;
	filetime_format(job->found.time, when);
	job->unsaved = is_marked(job);
	if (whole && !is_to_be_named(job)) {
		tell(job, "it is whole, and the set has the same");
		return 0;
	}
	if (job->active && !is_named(job) && !job->plan)
		return error_set(&job->error, ERR_RESOURCE_ONLINE,
		    "the set has another state than what is saved, and the resource is not offline: it would go on with what it "
		    "has, and save that; take it offline first, with 'rueda resource offline'");
	job->outcome = job->plan ? REBUILD_PLANNED : REBUILD_TAKEN;
	tell(job, "%staken from the set%s, as it was captured on %s", job->plan ? "would be " : "",
	    job->active && !is_named(job) ? " once the resource is offline" : "", when);
	if (job->plan)
		return 0;
	r = set_read_file(disk, file, &bytes, &len, &job->error);
	return r < 0 ? r
		     : blob_put(s->disk, job->generation, job->attempt, bytes, len, &job->found.digest, &job->error);
}

/* The worker. */
static void run(void *data)
{
	struct rebuild_job *job = data;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct error damage = { 0 };
	size_t len;
	int r = job->checkpoint.saved
		    ? blob_read(job->service->disk, job->generation, &job->checkpoint, &bytes, &len, &damage)
		    : error_set(&damage, ERR_FILE_NOT_FOUND, "nothing was ever saved for it");

	if (job->has_set) {
		job->result = take_from_set(job, r == 0);
		return;
	}
	if (r == 0) {
		tell(job, "it is whole");
		return;
	}
	if (!job->online) {
		job->result = error_set(&job->error, ERR_RESOURCE_NOT_ONLINE,
		    "%s, and the resource is not online on this node; take the checkpoint from a backup set (--from SET), "
		    "or, if what is on this node now is right, remove the checkpoint and add it again",
		    damage.text);
		return;
	}
	job->outcome = job->plan ? REBUILD_PLANNED : REBUILD_CAPTURED;
	tell(job, "%s; it would be captured again from what is there now", damage.text);
}

/* Online here: its source is what belongs to it. */
static bool is_online(const struct rebuild_job *job)
{
	const struct service *s = job->service;
	const struct resource_run *run = resource_run_find(cluster_groups(s->cluster), &job->resource);

	return resource_run_state(run) == RESOURCE_ONLINE && run->node == s->node;
}

static void on_looked(void *data)
{
	struct rebuild_job *job = data;
	int r = set_directory_outcome(&job->place, job->result, &job->error);

	if (r == 0 && job->service->state != SERVICE_UP)
		r = ERR_SHARING_PAUSED;
	if (r == 0 && job->outcome == REBUILD_CAPTURED) {
		if (is_online(job)) {
			capture_again(job);
			return;
		}
		r = error_set(&job->error, ERR_RESOURCE_NOT_ONLINE, "the resource is not online on this node any more");
	}
	if (r == 0 && job->outcome == REBUILD_TAKEN && is_to_be_named(job)) {
		r = propose(job);
		if (r == 0)
			return;
	}
	job_finish(job, r, false);
}

/* What is to be made whole, now that its turn has come: while it waited, something else may have been saved. */
static int look(struct rebuild_job *job)
{
	struct service *s = job->service;
	const struct db_key *key = checkpoint_resource(db_root(cluster_db(s->cluster)), &job->resource);
	struct checkpoint now;

	if (key == NULL || !checkpoint_find(key, job->checkpoint.kind, u16_from_z(job->path), &now))
		return error_set(&job->error, ERR_FILE_NOT_FOUND, "the resource has no such checkpoint any more");
	now.path = job->checkpoint.path;
	job->checkpoint = now;
	job->online = is_online(job);
	job->active = resource_is_active(resource_run_find(cluster_groups(s->cluster), &job->resource));
	job->looked = cluster_applied(s->cluster);
	job->has_key = s->has_key;
	job->key = s->key.id;
	return 0;
}

static void begin(void *data)
{
	struct rebuild_job *job = data;
	struct service *s = job->service;
	int r;

	job->turned = true;
	blobs_hold(s); /* The set may be long in coming: what is to be saved meanwhile does not wait for a sweep. */
	r = look(job);
	if (r == 0) /* The result is the worker's from here on; sets that hang must not take the workers of the log. */
		r = job->has_set ? loop_background(s->loop, run, on_looked, job) : loop_work(s->loop, run, on_looked, job);
	if (r == 0)
		return;
	job->result = r;
	/* From inside the call that began it nobody may be told. */
	if (loop_post(s->loop, on_looked, job) < 0)
		on_looked(job);
}

static void look_again(void *data)
{
	struct rebuild_job *job = data;
	struct service *s = job->service;

	job->outcome = REBUILD_WHOLE;
	if (s->state != SERVICE_UP || s->stopping || strcmp(job->generation, s->generation) != 0)
		job_finish(job, ERR_SHARING_PAUSED, false);
	else {
		blobs_release(s);
		begin(job);
	}
}

static unsigned job_count(const struct service *s)
{
	unsigned n = 0;

	for (const struct rebuild_job *job = s->rebuilds; job != NULL; job = job->next)
		n++;
	return n;
}

static int job_new(struct service *s, const struct rebuild_request *request, const struct checkpoint *checkpoint,
    struct rebuild_job **ret, struct error *error)
{
	const struct path_context context = { s->config->drives_directory, &s->config->unc };
	struct rebuild_job *job = calloc(1, sizeof(*job));
	int r = job == NULL ? -ENOMEM : 0;

	if (r == 0) {
		*job = (struct rebuild_job){ .service = s,
			.resource = request->resource,
			.checkpoint = *checkpoint,
			.plan = request->plan,
			.caller = *request->caller,
			.instance = s->header.instance };
		job->place.cancel_fd = -1;
		memcpy(job->generation, s->generation, sizeof(job->generation));
		job->path = u16_dup(checkpoint->path);
		job->checkpoint.path.units = job->path;
		r = job->path == NULL ? -ENOMEM : set_directory_init(&job->place, s);
	}
	if (r < 0)
		(void)error_set_code(error, r, "cannot rebuild a checkpoint");
	if (r == 0 && request->set.len > 0) {
		job->has_set = true;
		r = path_translate(&context, request->set, &job->set, error);
	}
	if (r < 0 && job != NULL)
		job_free(job);
	if (r == 0)
		*ret = job;
	return r;
}

int rebuild_start(
    struct service *s, const struct rebuild_request *request, rebuild_done *done, void *data, struct error *error)
{
	const struct db_key *key;
	struct checkpoint checkpoint;
	struct rebuild_job *job = NULL;
	int r = s->state != SERVICE_UP || s->stopping ? ERR_SHARING_PAUSED
		: job_count(s) >= REBUILDS_MAX        ? ERR_RPC_S_SERVER_TOO_BUSY
						      : 0;

	if (r < 0)
		return error_set_code(error, r, "cannot rebuild a checkpoint");
	key = checkpoint_resource(db_root(cluster_db(s->cluster)), &request->resource);
	if (key == NULL || !checkpoint_find(key, request->kind, request->path, &checkpoint))
		return error_set(error, ERR_FILE_NOT_FOUND, "the resource has no such checkpoint");
	r = job_new(s, request, &checkpoint, &job, error);
	if (r < 0)
		return r;
	job->done = done;
	job->data = data;
	job->attempt = ++s->capture_number;
	job->next = s->rebuilds;
	s->rebuilds = job;
	job->turn.begin = begin;
	job->turn.data = job;
	if (blobs_begin(s, &job->turn))
		begin(job);
	return 0;
}

void rebuild_cancel(struct service *s, int why)
{
	for (struct rebuild_job *job = s->rebuilds; job != NULL; job = job->next)
		set_directory_cancel(&job->place, why);
}

void rebuild_abandon(struct service *s)
{
	while (s->rebuilds != NULL)
		job_free(s->rebuilds);
}
