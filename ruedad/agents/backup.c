/* backup: one backup of the cluster database.
 *
 * Why      BackupClusterDatabase promises three things at once: everything acknowledged before the call is in the set, the
 *          set is consistent, and writers are not held up meanwhile.
 * How      a command in the log makes this the one backup of the cluster; when it is applied, a snapshot and the tail of
 *          later changes are begun at the same index; in the background, priv opens the directory as the caller, the
 *          snapshot is written, the tail is cut at whatever index has been reached by then, the checkpoints that the
 *          database names at that index are copied, the set is proven and committed; a second command ends the backup
 *          with its outcome.  No blob is removed meanwhile.
 *
 *             translate ─► BackupBegin ─► snapshot + tail ─► background: directory, set_write ─► BackupEnd ─► done
 *
 * Promise  done is called exactly once.  A backup that died with its node is ended by the node's next life (the core sees
 *          to that), so none can block the next one.
 * Threads  the loop thread; set_write() on a thread of low priority.
 * Tests    tests/sim/service.c, tests/sim/memory.c, tests/integration/backup.py, tests/crash/set.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/backup.h"
#include "base/log.h"
#include "priv/client.h"
#include "priv/users.h"
#include "ruedad/agents/blobs.h"
#include "ruedad/agents/set_directory.h"
#include "ruedad/blobs.h"
#include "ruedad/layout.h"
#include "ruedad/path.h"
#include "wire/command.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TAIL_BYTES_MAX = 16 << 20 };

struct backup_job {
	struct service *service;
	struct rpc_identity caller;
	backup_done *done;
	void *data;

	struct guid id;
	struct path path;
	struct layout layout; /* Of the disk under the state directory. */

	struct db_snapshot *snapshot;
	struct replica_tail *tail;
	struct set_batch *batches; /* What the cut of the tail gave, for the writer … */
	struct blob_list blobs;    /* … and what the database then named, which is pinned from the beginning on. */
	bool holding;
	struct set_source source;

	int result;
	struct error error;
	struct set_info info;
	char story[768];
	struct set_directory directory;
};

static void job_free(struct backup_job *job)
{
	path_done(&job->path);
	set_directory_done(&job->directory);
	db_snapshot_unref(job->snapshot);
	free(job->batches);
	blob_list_done(&job->blobs);
	free(job);
}

/* The end, whatever it is: everything that could still be told has been. */
static void job_finish(struct backup_job *job)
{
	struct service *s = job->service;

	if (job->result == 0) {
		(void)snprintf(job->story, sizeof(job->story),
		    "backed up to %s: %s and the log to index %" PRIu64 ", %" PRIu64 " keys, %" PRIu64
		    " values, %" PRIu64 " checkpoints, %" PRIu64 " bytes, read back and proven%s",
		    job->path.text, job->info.snapshot_name, job->info.header.last, job->info.key_count,
		    job->info.value_count, job->info.blob_count, job->info.bytes,
		    job->info.left_overs ? "; older files could not all be removed" : "");
		log_notice("backup written path=\"%s\" index=%" PRIu64 " bytes=%" PRIu64, job->path.text,
		    job->info.header.last, job->info.bytes);
	} else {
		(void)snprintf(job->story, sizeof(job->story), "no backup was made in %s: %s", job->path.text,
		    job->error.code != 0 ? job->error.text : error_text(job->result));
		log_warning("backup failed path=\"%s\" error=%" PRIu32 " reason=\"%s\"", job->path.text,
		    error_to_win32(job->result), job->story);
	}
	s->backup = NULL;
	if (job->holding)
		blobs_release(s);
	progress_set(&s->progress, PROGRESS_NONE, 0, 0);
	job->done(job->data, job->result, &job->info, job->story);
	job_free(job);
	service_job_ended(s);
}

static void on_end_applied(void *data, int status, const struct cluster_result *result)
{
	(void)status; /* The set is what it is; a log that cannot say so has been reported by the replica. */
	(void)result;
	job_finish(data);
}

static int propose_end(struct service *s, const struct guid *id, uint32_t status, replica_done *done, void *data)
{
	struct command command = { .kind = COMMAND_BACKUP_END, .version = COMMAND_VERSION };
	struct buf bytes = { 0 };
	int r;

	command.backup_end =
	    (struct command_BackupEnd){ .id = *id, .status = status, .time = loop_wall_filetime(s->loop) };
	r = ndr_message_push(&command_messages, &command, &bytes);
	if (r == 0)
		r = replica_propose(s->replica, bytes.data, bytes.len, done, data);
	buf_done(&bytes);
	return r;
}

/* Tell the log that the backup is over. */
static void job_end(struct backup_job *job)
{
	struct service *s = job->service;

	if (job->tail != NULL)
		replica_tail_end(s->replica, job->tail);
	job->tail = NULL;
	if (propose_end(s, &job->id, error_to_win32(job->result), on_end_applied, job) < 0)
		job_finish(job); /* The service is stopping, and its next life ends the backup; or the next one does. */
}

static void ignore(void *data, int status, const struct cluster_result *result)
{
}

/* One of this life whose end the log has not heard of: there was no memory to say so. */
static int end_the_forgotten(struct service *s)
{
	const struct cluster_backup_state *b = cluster_backup(s->cluster);

	if (!b->running || b->incarnation != cluster_node_up(s->cluster, s->node))
		return 0;
	return propose_end(s, &b->id, error_to_win32(ERR_CANCELLED), ignore, NULL);
}

/* What set_write() asks of us, in the background. */

static int source_tail(void *data, struct set_tail *ret)
{
	struct backup_job *job = data;
	const struct replica_batch *batches;
	struct db_snapshot *reached;
	size_t count;
	int r;

	replica_tail_cut(job->tail, &batches, &count, &ret->index, &reached);
	r = blob_list_make(job->service->disk, job->service->generation, db_snapshot_root(reached), &job->blobs);
	if (r < 0)
		return r;
	job->batches = calloc(count + 1, sizeof(*job->batches));
	if (job->batches == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		job->batches[i] = (struct set_batch){ batches[i].index, batches[i].bytes, batches[i].len };
	ret->batches = job->batches;
	ret->batch_count = count;
	ret->digest = db_snapshot_digest(reached);
	ret->blobs = job->blobs.blobs;
	ret->blob_count = job->blobs.count;
	ret->key = replica_tail_key(job->tail, &ret->key_len);
	return 0;
}

/* The embedded engine has one node, which stays the owner as long as it lives. */
static int source_may_commit(void *data)
{
	struct backup_job *job = data;

	return set_directory_cancelled(&job->directory);
}

static int source_progress(void *data, enum set_step step, uint64_t bytes)
{
	struct backup_job *job = data;
	struct progress *p = &job->service->progress;

	if (step == SET_WRITING) /* More than was reckoned: the checkpoints are not in it. */
		progress_set(p, PROGRESS_BACKUP_WRITING, bytes, MAX(bytes, atomic_load(&p->total)));
	else
		progress_set(p, PROGRESS_BACKUP_PROVING, 0, bytes);
	return set_directory_cancelled(&job->directory);
}

static void write_in_background(void *data)
{
	struct backup_job *job = data;
	struct service *s = job->service;
	struct priv_directory directory;

	job->result = set_directory_open(&job->directory, s, PRIV_OPEN_BACKUP, job->path.text, job->path.may_create,
	    &job->caller, &directory, &job->error);
	if (job->result < 0)
		return;
	if (directory.mode & 044)
		log_warning("others can read the directory of the backup, which holds secrets path=\"%s\" mode=%04o",
		    job->path.text, directory.mode);
	if (layout_read(s->config->state_directory, &job->layout) == 0)
		layout_to_header(&job->layout, &job->source.header);
	job->result = set_write(directory.disk, &job->source, 0, &job->info, &job->error);
	disk_free(directory.disk);
}

static void on_written(void *data)
{
	struct backup_job *job = data;

	job->result = set_directory_outcome(&job->directory, job->result, &job->error);
	job_end(job);
}

/* The beginning, on the loop.  The command's own place in the log is the barrier: whatever was acknowledged before the call
 * stands before it, and has been applied when it is. */
static void on_begin_applied(void *data, int status, const struct cluster_result *result)
{
	struct backup_job *job = data;
	struct service *s = job->service;
	int r = status;

	if (r == 0 && result->status != 0)
		r = ERR_FROM_WIN32(result->status);
	if (r < 0) {
		job->result = r;
		if (status == ERR_RPC_S_CALL_FAILED)
			job_end(job); /* It may yet begin: the end behind it in the log sees to that. */
		else
			job_finish(job); /* It never began, so there is nothing to end. */
		return;
	}
	blobs_hold(s);
	job->holding = true;
	r = replica_tail_begin(s->replica, TAIL_BYTES_MAX, &job->snapshot, &job->source.snapshot_index, &job->tail);
	if (r == 0) {
		job->source.header = s->header;
		job->source.snapshot = job->snapshot;
		job->source.time = loop_wall_filetime(s->loop);
		job->source.tail = source_tail;
		job->source.may_commit = source_may_commit;
		job->source.progress = source_progress;
		job->source.data = job;
		progress_set(&s->progress, PROGRESS_BACKUP_WRITING, 0, db_hive_size(cluster_db(s->cluster)));
		r = loop_background(s->loop, write_in_background, on_written, job);
	}
	if (r < 0) {
		job->result = error_set_code(&job->error, r, "cannot begin the backup");
		job_end(job);
	}
}

/* Who comes over the network must be a user of this node.  priv looks, too, and does not believe us; but this is before
 * anything is in the log. */
static int check_caller(const struct service *s, const struct rpc_identity *caller, struct error *error)
{
	char user[USERS_USER_MAX + 1];

	if (caller->local || users_find(s->config->access_map, caller->name, caller->kind == RPC_BY_KERBEROS, user))
		return 0;
	log_warning(
	    "a backup over the network is refused: map in [access] of rueda.conf does not say which user of this "
	    "node its caller is");
	return error_set(error, ERR_ACCESS_DENIED,
	    "%s came over the network, and map in [access] of rueda.conf does not say which user of this node that is",
	    caller->name);
}

int backup_start(struct service *s, struct u16 path, const struct rpc_identity *caller, backup_done *done, void *data,
    struct error *error)
{
	struct path_context context = { s->config->drives_directory, &s->config->unc };
	struct command command = { .kind = COMMAND_BACKUP_BEGIN, .version = COMMAND_VERSION };
	struct backup_job *job;
	struct buf bytes = { 0 };
	uint8_t random[16];
	int r;

	if (s->config->api_level == API_LEVEL_2008)
		return error_set(
		    error, ERR_CALL_NOT_IMPLEMENTED, "api_level = 2008 in rueda.conf: backup is switched off");
	if (s->backup != NULL)
		return error_set_code(error, ERR_CLUSTER_BACKUP_IN_PROGRESS, "cannot begin a backup");
	r = check_caller(s, caller, error);
	if (r < 0)
		return r;
	/* It will end the very log that this backup reads, and may be reading the directory that this one writes. */
	if (s->restore != NULL)
		return error_set(error, ERR_BUSY, "cannot begin a backup: a restore is running");
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return error_set_code(error, -ENOMEM, "cannot begin a backup");
	*job = (struct backup_job){ .service = s, .caller = *caller, .done = done, .data = data };
	job->caller.sids = NULL; /* They are the connection's. */
	job->directory.cancel_fd = -1;
	r = path_translate(&context, path, &job->path, error);
	if (r == 0 && (r = set_directory_init(&job->directory, s)) < 0)
		(void)error_set_code(error, r, "cannot begin a backup");
	if (r == 0 && (r = end_the_forgotten(s)) < 0)
		(void)error_set_code(error, r, "cannot end the backup before");
	if (r == 0) {
		loop_random(s->loop, random, sizeof(random));
		job->id = guid_from_random(random);
		command.backup_begin = (struct command_BackupBegin){
			.id = job->id, .path = path.units, .time = loop_wall_filetime(s->loop)
		};
		r = ndr_message_push(&command_messages, &command, &bytes);
		if (r == 0)
			r = replica_propose(s->replica, bytes.data, bytes.len, on_begin_applied, job);
		buf_done(&bytes);
		if (r < 0)
			(void)error_set_code(error, r, "cannot begin a backup");
	}
	if (r < 0) {
		job_free(job);
		return r;
	}
	s->backup = job;
	return 0;
}

void backup_cancel(struct service *s, int why)
{
	if (s->backup != NULL)
		set_directory_cancel(&s->backup->directory, why);
}

void backup_abandon(struct service *s)
{
	if (s->backup == NULL)
		return;
	if (s->backup->tail != NULL)
		replica_tail_end(s->replica, s->backup->tail);
	job_free(s->backup);
	s->backup = NULL;
}
