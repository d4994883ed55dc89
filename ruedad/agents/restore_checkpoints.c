/* restore_checkpoints: what a backup set has for the checkpoints of one resource becomes what is saved for them.
 *
 * Why      an application's settings were spoilt, and the cluster has saved the spoilt ones since.  A set has the good ones; to put
 *          its whole database in force for that would take everything else back, too.
 * How
 *             find the resource ─► turn (agents/blobs.c) ─► worker: read and prove the set, compare, write the blobs,
 *                                                                   safety copy ─► CheckpointsRestore ─► done
 *
 *          One command changes what is saved for all of them, or none; it is put back into the files and keys when the resource
 *          is brought online next, as saved state always is.  So the resource must not be active, and nothing may have been
 *          saved for it since the copy: the core checks both again where the order of changes is fixed.
 *          It is one even if all is what is saved already, but a source of this node was left unsaved: that would be saved at the
 *          next start (ruedad/marks.h).
 * Rules    checkpoints are the same by kind and path.  One that only the set has is added; one that only the resource has, or
 *          of which the set has no content, stays as it is.  The resource of the set is that of the same id, else of the
 *          same name.  A set of another cluster is refused unless forced; crypto checkpoints whenever they could not be opened:
 *          they are encrypted for one cluster key, cluster and resource.
 * Promise  nothing else of the database is touched; what was saved until now is in a safety copy; done is called exactly once.
 * Threads  the loop thread; the blocking parts on a worker.
 * Limits   one command: 1 MiB of paths.
 * Design   docs/design/checkpoints.md
 * Tests    tests/sim/checkpoint_ops.c, tests/sim/checkpoints.c, tests/integration/restore_only.py, tests/unit/checkpoint.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/filetime.h"
#include "base/log.h"
#include "cluster/group/state.h"
#include "cluster/object/object.h"
#include "engine/engine.h"
#include "ruedad/agents/blobs.h"
#include "ruedad/agents/restore_private.h"
#include "ruedad/blobs.h"
#include "ruedad/marks.h"
#include "wire/command.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	LIST_MAX = 160,
	SAFETY_COPIES_MIN = 16, /* That stay, whatever the configuration says: each is of another resource, perhaps. */
};

/* Names in a story, as many as there is room for. */
struct name_list {
	char text[LIST_MAX];
	size_t count, shown;
};

struct restore_checkpoints {
	struct blob_turn turn;
	bool in_turn;

	/* Of the loop, before the worker begins. */
	struct guid resource;
	char name[300]; /* For stories. */
	bool has_key;
	struct seal_id key;

	struct guid set_resource;                /* The same one in the set. */
	struct command_restored_checkpoint *all; /* Owned, as their paths are. */
	const struct set_file **files;           /* Of each; owned, what they show is the set's. */
	uint32_t count, same; /* same: they are what is saved already, … */
	bool unsaved;         /* … but for one of them a source here would be saved at the next start. */
	uint64_t bytes;
	struct name_list added, kept, empty;
	struct buf command;
};

void restore_checkpoints_free(struct restore_checkpoints *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->count; i++)
		free((void *)c->all[i].path);
	free(c->all);
	free(c->files);
	buf_done(&c->command);
	free(c);
}

static void note_name(struct name_list *l, struct u16 name)
{
	char text[128];
	size_t used = strlen(l->text);
	int n;

	l->count++;
	n = snprintf(l->text + used, sizeof(l->text) - used, "%s'%s'", used > 0 ? ", " : "",
	    u16_to_utf8_buffer(name, text, sizeof(text)));
	if (n >= 0 && (size_t)n < sizeof(l->text) - used)
		l->shown++;
	else
		l->text[used] = 0;
}

static void tell(struct restore_job *job, const char *format, ...) _printf_(2, 3);
static void tell(struct restore_job *job, const char *format, ...)
{
	size_t used = strlen(job->story);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(job->story + used, sizeof(job->story) - used, format, args);
	va_end(args);
}

static void tell_list(struct restore_job *job, const char *what, const struct name_list *l)
{
	if (l->count == 0)
		return;
	tell(job, "; %s: %s", what, l->text);
	if (l->shown < l->count)
		tell(job, "%s%zu%s", l->shown > 0 ? " and " : "", l->count - l->shown, l->shown > 0 ? " more" : "");
}

/* What the set has, on the worker. */

static int check_cluster(struct restore_job *job)
{
	const struct quolog_header *from = &job->set->info.header;
	char name[300];

	if (guid_equal(&from->instance, &job->service->header.instance) || job->force)
		return 0;
	return error_set(&job->error, ERR_INVALID_PARAMETER,
	    "the set is of another cluster, '%s'; use force if its checkpoints are what you want",
	    u16_to_utf8_buffer(quolog_header_name(from), name, sizeof(name)));
}

static int find_in_set(struct restore_job *job, const struct db_key *own, const struct db_key **ret)
{
	struct restore_checkpoints *c = job->checkpoints;
	const struct db_key *root = db_root(job->set->db), *found = checkpoint_resource(root, &c->resource);
	char id[GUID_TEXT_LEN + 1];

	if (found == NULL)
		found = object_find(root, OBJECT_RESOURCE, object_name(own, OBJECT_RESOURCE));
	if (found == NULL || !guid_parse(object_id(found), &c->set_resource)) {
		guid_format(&c->resource, id);
		return error_set(&job->error, ERR_RESOURCE_NOT_FOUND,
		    "the set has no resource with the id %s of '%s', and none of that name", id, c->name);
	}
	*ret = found;
	return 0;
}

/* An encrypted blob opens for one cluster key, cluster and resource only. */
static int check_crypto(struct restore_job *job, struct u16 path)
{
	const struct restore_checkpoints *c = job->checkpoints;
	const struct quolog_header *from = &job->set->info.header;
	struct seal_info info;
	char text[128];

	(void)u16_to_utf8_buffer(path, text, sizeof(text));
	if (!guid_equal(&from->instance, &job->service->header.instance) || !guid_equal(&c->set_resource, &c->resource))
		return error_set(&job->error, ERR_INVALID_DATA,
		    "the set's crypto checkpoint '%s' was encrypted for another cluster or resource, and opens for no "
		    "other",
		    text);
	if (from->key_len == 0 || seal_read(from->key, from->key_len, &info, NULL) < 0 || !c->has_key ||
	    !seal_id_equal(&info.id, &c->key))
		return error_set(&job->error, ERR_NO_RECOVERY_POLICY,
		    "the set's crypto checkpoint '%s' was encrypted with another cluster key than this cluster's",
		    text);
	return 0;
}

static const struct set_file *file_of(const struct restore_job *job, const struct checkpoint *checkpoint)
{
	const struct set *set = job->set;

	for (size_t i = 0; i < set->file_count; i++) {
		const struct set_file *f = &set->files[i];

		if (f->is_blob && f->number == checkpoint->number && (int)f->kind == (int)checkpoint->kind &&
		    guid_equal(&f->resource, &job->checkpoints->set_resource))
			return f;
	}
	return NULL;
}

static int add(struct restore_job *job, const struct checkpoint *from, const struct set_file *file, uint32_t number)
{
	struct restore_checkpoints *c = job->checkpoints;
	struct command_restored_checkpoint *to = &c->all[c->count];

	*to = (struct command_restored_checkpoint){
		.kind = from->kind, .view = from->view, .number = number, .length = from->length, .time = from->time
	};
	memcpy(to->sha256, from->digest.bytes, SHA256_LEN);
	to->path = u16_dup(from->path);
	if (to->path == NULL)
		return -ENOMEM;
	c->files[c->count++] = file;
	c->bytes += from->length;
	return 0;
}

/* Whether there is nothing to do. */
static bool is_so_already(const struct restore_checkpoints *c)
{
	return c->same == c->count && !c->unsaved;
}

static bool is_marked(const struct restore_job *job, const struct checkpoint *checkpoint)
{
	struct digest key = mark_key(&job->checkpoints->resource, checkpoint->kind, checkpoint->path);
	struct mark mark;

	return mark_get(job->service->disk, job->service->generation, &key, &mark, NULL) != -ENOENT;
}

static int take_one(struct restore_job *job, const struct db_key *own, const struct checkpoint *from)
{
	struct restore_checkpoints *c = job->checkpoints;
	const struct set_file *file = from->saved ? file_of(job, from) : NULL;
	struct checkpoint now;
	bool is_there = checkpoint_find(own, from->kind, from->path, &now);
	int r = 0;

	if (file == NULL) {
		note_name(&c->empty, from->path);
		return 0;
	}
	if (!digest_equal(&file->digest, &from->digest) || file->size != from->length)
		return error_set(&job->error, ERR_DATABASE_BACKUP_CORRUPT,
		    "the set's %s is not what its database names", file->name);
	if (from->kind == CHECKPOINT_CRYPTO)
		r = check_crypto(job, from->path);
	if (r < 0)
		return r;
	if (!is_there)
		note_name(&c->added, from->path);
	else if (now.saved && digest_equal(&now.digest, &from->digest))
		c->same++;
	c->unsaved |= is_there && is_marked(job, &now);
	return add(job, from, file, is_there ? now.number : 0);
}

/* Compare, and collect what is to be restored. */
static int collect(struct restore_job *job)
{
	struct restore_checkpoints *c = job->checkpoints;
	const struct db_key *own = checkpoint_resource(db_snapshot_root(job->last), &c->resource), *theirs = NULL;
	struct checkpoint checkpoint, other;
	size_t at = 0, count = 0;
	int r = find_in_set(job, own, &theirs);

	if (r < 0)
		return r;
	while (checkpoint_next(theirs, &at, &checkpoint))
		count++;
	c->all = calloc(count + 1, sizeof(*c->all));
	c->files = calloc(count + 1, sizeof(*c->files));
	if (c->all == NULL || c->files == NULL)
		return -ENOMEM;
	for (at = 0; r == 0 && checkpoint_next(theirs, &at, &checkpoint);)
		r = take_one(job, own, &checkpoint);
	for (at = 0; r == 0 && checkpoint_next(own, &at, &checkpoint);)
		if (!checkpoint_find(theirs, checkpoint.kind, checkpoint.path, &other))
			note_name(&c->kept, checkpoint.path);
	if (r == 0 && c->count == 0)
		r = error_set(
		    &job->error, ERR_FILE_NOT_FOUND, "the set has no saved checkpoint of resource '%s'", c->name);
	return r;
}

static int make_command(struct restore_job *job)
{
	struct restore_checkpoints *c = job->checkpoints;
	struct command command = { .kind = COMMAND_CHECKPOINTS_RESTORE,
		.version = COMMAND_VERSION,
		.checkpoints_restore = { .resource = c->resource,
		    .checkpoints = c->all,
		    .checkpoints_count = c->count,
		    .time = job->time,
		    .after = job->last_index } };
	int r = ndr_message_push(&command_messages, &command, &c->command);

	if (r == 0 && c->command.len > ENGINE_COMMAND_MAX)
		r = error_set(&job->error, ERR_NOT_ENOUGH_QUOTA,
		    "the paths of %" PRIu32 " checkpoints are too long for one change of the database", c->count);
	return r;
}

static void tell_outcome(struct restore_job *job)
{
	const struct restore_checkpoints *c = job->checkpoints;
	const struct quolog_header *from = &job->set->info.header;
	char when[32];

	filetime_format(from->time, when);
	if (is_so_already(c))
		tell(job, "all %" PRIu32 " checkpoints of resource '%s' in the set are what is saved already", c->count,
		    c->name);
	else
		tell(job,
		    "%s what the set has for %" PRIu32 " checkpoint%s of resource '%s' as of %s (generation %" PRIu64
		    ", index %" PRIu64 ", %" PRIu64 " bytes)",
		    job->plan ? "would restore" : "restored", c->count, c->count == 1 ? "" : "s", c->name, when,
		    from->generation.number, from->last, c->bytes);
	if (c->same > 0 && !is_so_already(c))
		tell(job, "; %" PRIu32 " of them are what was saved already", c->same);
	tell_list(job, job->plan ? "the resource would get anew" : "the resource got anew", &c->added);
	tell_list(job, "not in the set, left as they are", &c->kept);
	tell_list(job, "without content in the set, left as they are", &c->empty);
	if (is_so_already(c))
		return;
	if (job->safety[0] != 0)
		tell(job, "; what was saved until now is kept as a backup set in %s/%s",
		    job->service->config->state_directory, job->safety);
	tell(job, "; it is put back when the resource is brought online next");
}

/* Read each file, which proves it, and write it as a blob unless this is a plan. */
static int write_blobs(struct restore_job *job)
{
	struct restore_checkpoints *c = job->checkpoints;
	struct service *s = job->service;
	uint64_t done = 0;
	int r = 0;

	progress_set(&s->progress, PROGRESS_RESTORE_WRITING, 0, c->bytes);
	for (uint32_t i = 0; r == 0 && i < c->count; i++) {
		_cleanup_free_ uint8_t *bytes = NULL;
		size_t len;

		r = set_read_file(job->directory, c->files[i], &bytes, &len, &job->error);
		/* Numbers that captures, which run at the same time, do not have. */
		if (r == 0 && !job->plan)
			r = blob_put(
			    s->disk, s->generation, UINT64_MAX - i, bytes, len, &c->files[i]->digest, &job->error);
		done += len;
		atomic_store(&s->progress.bytes, done);
	}
	return r;
}

static void run(void *data)
{
	struct restore_job *job = data;
	struct restore_checkpoints *c = job->checkpoints;
	struct service *s = job->service;
	int r;

	progress_set(&s->progress, PROGRESS_RESTORE_READING, 0, 0);
	r = restore_read_set(job);
	if (r == 0)
		r = check_cluster(job);
	if (r == 0)
		r = collect(job);
	if (r == 0)
		r = make_command(job);
	if (r == 0)
		r = write_blobs(job);
	if (r == 0 && !job->plan && !is_so_already(c)) {
		r = safety_write(
		    s, &job->header, job->last, job->last_index, job->time, job->safety, &job->error);
		if (r == 0)
			store_remove_safety_copies(s->disk, MAX(s->config->keep_safety_copies, (uint64_t)SAFETY_COPIES_MIN));
	}
	if (r == 0)
		tell_outcome(job);
	disk_free(job->directory);
	job->directory = NULL;
	job->result = r;
}

/* The steps, on the loop. */

/* The end.  It may be that of the service too. */
static void finish(struct restore_job *job, bool unknown)
{
	struct service *s = job->service;
	bool in_turn = job->checkpoints->in_turn;

	if (job->result == 0 && !job->plan)
		log_notice("restored checkpoints of a resource path=\"%s\" resource=\"%s\" count=%" PRIu32,
		    job->path.text, job->checkpoints->name, job->checkpoints->count);
	restore_finish(job);
	if (in_turn) {
		blobs_release(s);
		blobs_end(s, unknown);
	}
}

static void on_applied(void *data, int status, const struct cluster_result *result)
{
	struct restore_job *job = data;

	job->result = status == 0 && result->status != 0 ? ERR_FROM_WIN32(result->status) : status;
	if (job->result == ERR_RESOURCE_ONLINE)
		(void)error_set(
		    &job->error, job->result, "resource '%s' was brought online meanwhile", job->checkpoints->name);
	else if (job->result == ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED)
		job->result = error_set(&job->error, ERR_BUSY,
		    "something was saved for resource '%s' meanwhile, which would be lost; look at it, and try again",
		    job->checkpoints->name);
	finish(job, status == ERR_RPC_S_CALL_FAILED);
}

static void on_prepared(void *data)
{
	struct restore_job *job = data;
	struct restore_checkpoints *c = job->checkpoints;

	restore_set_was_read(job);
	if (job->result == 0 && !job->plan && !is_so_already(c)) {
		job->result = replica_propose(job->service->replica, c->command.data, c->command.len, on_applied, job);
		if (job->result == 0)
			return;
	}
	finish(job, false);
}

static int check_resource(struct restore_job *job, struct error *error)
{
	const struct restore_checkpoints *c = job->checkpoints;
	struct service *s = job->service;

	if (checkpoint_resource(db_root(cluster_db(s->cluster)), &c->resource) == NULL)
		return error_set(error, ERR_RESOURCE_NOT_FOUND, "the cluster has no resource '%s'", c->name);
	if (!job->plan && resource_is_active(resource_run_find(cluster_groups(s->cluster), &c->resource)))
		return error_set(error, ERR_RESOURCE_ONLINE,
		    "resource '%s' is not offline, and what it works with is not changed under it; take it offline "
		    "first, with 'rueda resource offline'",
		    c->name);
	return 0;
}

/* In its turn, so that no sweep removes what the safety copy is to have. */
static int look(struct restore_job *job)
{
	struct service *s = job->service;
	int r = check_resource(job, &job->error);

	if (r < 0)
		return r;
	job->header = s->header;
	job->last_index = cluster_applied(s->cluster);
	job->last = db_snapshot_take(cluster_db(s->cluster));
	return job->last == NULL ? -ENOMEM : 0;
}

static void begin(void *data)
{
	struct restore_job *job = data;
	struct service *s = job->service;
	int r;

	job->checkpoints->in_turn = !job->plan;
	if (job->checkpoints->in_turn)
		blobs_hold(s); /* The set may be long in coming: what is to be saved meanwhile does not wait for a sweep. */
	r = look(job);
	if (r == 0)
		r = loop_work(s->loop, run, on_prepared, job);
	if (r == 0)
		return; /* The result is the worker's, which may have it already. */
	job->result = r;
	/* From inside the call that began it nobody may be told. */
	if (loop_post(s->loop, on_prepared, job) < 0)
		on_prepared(job);
}

static int find_resource(struct restore_job *job, struct error *error)
{
	struct restore_checkpoints *c = job->checkpoints;
	struct service *s = job->service;
	const struct db_key *resource =
	    object_find(db_root(cluster_db(s->cluster)), OBJECT_RESOURCE, u16_from_z(job->only));

	(void)u16_to_utf8_buffer(u16_from_z(job->only), c->name, sizeof(c->name));
	if (resource == NULL || !guid_parse(object_id(resource), &c->resource))
		return error_set(error, ERR_RESOURCE_NOT_FOUND, "the cluster has no resource '%s'", c->name);
	(void)u16_to_utf8_buffer(object_name(resource, OBJECT_RESOURCE), c->name, sizeof(c->name));
	return check_resource(job, error);
}

int restore_checkpoints_start(struct restore_job *job, struct error *error)
{
	struct service *s = job->service;
	int r;

	if (s->state != SERVICE_UP)
		return error_set_code(error, ERR_CLUSTER_NOT_INSTALLED, "cannot restore checkpoints of a resource");
	job->checkpoints = calloc(1, sizeof(*job->checkpoints));
	if (job->checkpoints == NULL)
		return error_set_code(error, -ENOMEM, "cannot restore checkpoints of a resource");
	r = find_resource(job, error);
	if (r < 0)
		return r;
	job->checkpoints->has_key = s->has_key;
	job->checkpoints->key = s->key.id;
	job->checkpoints->turn = (struct blob_turn){ .begin = begin, .data = job };
	if (job->plan || blobs_begin(s, &job->checkpoints->turn))
		begin(job);
	return 0;
}
