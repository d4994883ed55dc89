/* restore: put the cluster database of a backup set in force on this node.
 *
 * Why      the one moment when an administrator needs the set is the worst moment for a half-done job: so everything that
 *          can be found out is found out first, while the old cluster still serves, and one rename decides.
 * How
 *             directory ─► worker: read and prove the set, check it, write its generation and the
 *                                  checkpoints of resources that it holds  (the old one serves)
 *                       ─► the service is taken down: handles end, the log comes to its end
 *                       ─► worker: a safety copy of what was, as a backup set; then `current` is renamed: the commit
 *                       ─► the service is brought up from what `current` names
 *
 *          An error before the commit brings the old generation up again; a crash leaves the old generation or the new.
 * Rules    5087 with the reason for a set that is damaged or incomplete; 5086 if the partitions of the quorum disk are not
 *          those of the set, 5056 if the set has other nodes that are not proven to be stopped, both unless forced; 5043
 *          if this host is not a node of the set (as_node says which one it stands in for), 183 if it stands in for another
 *          node though it is one itself.  The cluster key of the set is opened with the secret, or found in the keyring, or
 *          stays sealed, which is said.
 * Promise  done is called exactly once.
 * Threads  the loop thread; the blocking parts on a worker.
 * Tests    tests/sim/service.c, tests/integration/restore.py, tests/crash/store.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/set.h"
#include "base/filetime.h"
#include "base/log.h"
#include "cluster/object/change.h"
#include "cluster/object/edit.h"
#include "cluster/object/object.h"
#include "io/below.h"
#include "priv/client.h"
#include "ruedad/agents/restore_private.h"
#include "ruedad/blobs.h"
#include "ruedad/keyring.h"
#include "ruedad/layout.h"
#include "ruedad/path.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void job_free(struct restore_job *job)
{
	path_done(&job->path);
	disk_free(job->directory);
	set_directory_done(&job->place);
	set_free(job->set);
	db_snapshot_unref(job->last);
	free(job->as_node);
	free(job->as_new);
	free(job->only);
	restore_checkpoints_free(job->checkpoints);
	seal_secret_free(&job->secret);
	free(job);
}

void restore_finish(struct restore_job *job)
{
	struct service *s = job->service;

	if (job->result < 0 && job->committed) {
		(void)snprintf(job->story, sizeof(job->story),
		    "the database of %s is in force as generation %s, but the cluster does not come up with it: %s",
		    job->path.text, job->generation, job->error.code != 0 ? job->error.text : error_text(job->result));
		log_error(
		    "restored, but the cluster does not come up path=\"%s\" reason=\"%s\"", job->path.text, job->story);
	} else if (job->result < 0) {
		(void)snprintf(job->story, sizeof(job->story), "nothing was restored from %s: %s", job->path.text,
		    job->error.code != 0 ? job->error.text : error_text(job->result));
		log_warning("restore failed path=\"%s\" error=%" PRIu32 " reason=\"%s\"", job->path.text,
		    error_to_win32(job->result), job->story);
	} else if (!job->plan && job->only == NULL) {
		log_notice("restored path=\"%s\" generation=%s", job->path.text, job->generation);
	}
	s->restore = NULL;
	progress_set(&s->progress, PROGRESS_NONE, 0, 0);
	job->done(job->data, job->result, job->story);
	job_free(job);
	service_job_ended(s);
}

static void job_fail(struct restore_job *job, int r, const char *what)
{
	job->result = r;
	if (job->error.code == 0)
		(void)error_set_code(&job->error, r, "%s", what);
	restore_finish(job);
}

/* The checks, on the worker. */

static int check_layout(struct restore_job *job)
{
	const struct quolog_header *h = &job->set->info.header;
	struct layout now;
	char difference[128];
	int r = layout_read(job->service->config->state_directory, &now);

	if (h->partition_count == 0)
		job->layout_unknown = "the set has none";
	else if (r == 0 && !now.device)
		job->layout_unknown = "the state directory is on no block device";
	if (job->layout_unknown != NULL) {
		log_notice("layout of the quorum disk not compared reason=\"%s\"", job->layout_unknown);
		return 0;
	}
	if (r == -E2BIG)
		(void)snprintf(difference, sizeof(difference), "it has more than %d partitions", QUOLOG_PARTITION_MAX);
	else if (r < 0)
		(void)snprintf(difference, sizeof(difference), "its partitions cannot be read (%s)", error_text(r));
	else if (layout_matches(&now, h, difference, sizeof(difference)))
		return 0;
	if (job->force) {
		log_warning(
		    "the disk under the state directory is partitioned differently, forced reason=\"%s\"", difference);
		return 0;
	}
	return error_set(&job->error, ERR_QUORUM_DISK_NOT_FOUND,
	    "the disk under the state directory is partitioned differently from that of the set: %s; partition it "
	    "as it was, or use force",
	    difference);
}

/* Which node of the set this host is or stands in for, and whether the others are known to be stopped. */
static int check_nodes(struct restore_job *job)
{
	const struct db_key *root = db_root(job->set->db), *own, *host;
	struct u16 name = service_node_name(job->service),
		   wanted = job->as_node != NULL ? u16_from_z(job->as_node) : name;
	size_t others = object_count(root, OBJECT_NODE) - 1;
	char text[128];

	own = object_find(root, OBJECT_NODE, wanted);
	host = object_find(root, OBJECT_NODE, name);
	if (own == NULL)
		return error_set(&job->error, ERR_CLUSTER_LOCAL_NODE_NOT_FOUND,
		    "the set has no node named '%s'; --as-node NAME lets this host stand in for one that it has",
		    u16_to_utf8_buffer(wanted, text, sizeof(text)));
	if (host != NULL && host != own)
		return error_set(&job->error, ERR_ALREADY_EXISTS,
		    "the set has a node of this host's own name, '%s', as well; restore without --as-node",
		    u16_to_utf8_buffer(name, text, sizeof(text)));
	if (others > 0 && !job->force && job->as_new == NULL)
		return error_set(&job->error, ERR_CLUSTER_NODE_UP,
		    "the set has %zu other node%s not proven to be stopped; stop the cluster service there, then use "
		    "force",
		    others, others == 1 ? ", which is" : "s, which are");
	return 0;
}

/* What becomes of the database: another name for the node, another name and identity for the cluster. */
static int adapt_database(struct restore_job *job)
{
	struct quolog_header *h = &job->header;
	struct buf batch = { 0 }, renaming = { 0 };
	struct change c;
	int r = 0;

	if (job->as_new != NULL)
		r = cluster_rename(job->set->db, u16_from_z(job->as_new), h->time, &renaming);
	buf_done(&renaming);
	if (r < 0)
		return error_set_code(&job->error, r, "cannot give the new cluster that name");
	r = change_begin(&c, job->set->db, h->time, &batch);
	if (r < 0)
		return error_set_code(&job->error, r, "cannot adapt the database");
	if (job->as_node != NULL) {
		const struct db_key *node = object_find(db_root(job->set->db), OBJECT_NODE, u16_from_z(job->as_node));

		change_set_string(&c, CHANGE_PATH(object_container(OBJECT_NODE), object_id(node)), U16("NodeName"),
		    service_node_name(job->service));
	}
	if (job->as_new != NULL) {
		char16_t text[GUID_TEXT_LEN + 1];

		guid_format_u16(&h->instance, text);
		change_set_string(
		    &c, CHANGE_PATH({ 0 }), U16("ClusterInstanceID"), (struct u16){ text, GUID_TEXT_LEN });
	}
	r = change_end(&c);
	buf_done(&batch);
	return r < 0 ? error_set_code(&job->error, r, "cannot adapt the database") : 0;
}

static struct guid draw_guid(struct service *s)
{
	uint8_t random[16];

	loop_random(s->loop, random, sizeof(random));
	return guid_from_random(random);
}

static void make_header(struct restore_job *job)
{
	const struct quolog_header *from = &job->set->info.header;
	struct quolog_header *h = &job->header;
	struct layout layout;

	*h = *from;
	h->snapshot = h->last = from->last;
	h->time = job->time;
	h->generation.number = MAX(from->generation.number, job->number_now) + 1;
	h->generation.id = job->generation_id;
	h->generation.parent_id = from->generation.id;
	h->generation.parent_index = from->last;
	if (job->as_new != NULL) {
		struct u16 name = u16_from_z(job->as_new);

		h->instance = job->instance_id;
		h->generation.number = job->number_now + 1;
		h->generation.parent_id = (struct guid){ 0 };
		h->generation.parent_index = 0;
		h->name_len =
		    (uint32_t)MIN(name.len, (size_t)QUOLOG_NAME_MAX); /* Too long: adapt_database() refuses. */
		memcpy(h->name, name.units, h->name_len * sizeof(char16_t));
		h->name[h->name_len] = 0;
	}
	/* It lies on this machine's disk from now on. */
	h->partition_count = 0;
	if (layout_read(job->service->config->state_directory, &layout) == 0)
		layout_to_header(&layout, h);
	store_name(&h->generation, job->generation);
}

/* Open the key with what was given, and put it into the keyring unless this is a plan. */
static int open_key(struct restore_job *job, const struct quolog_header *h)
{
	struct seal_key key;
	int r;

	if (h->key_len == 0)
		return error_set(&job->error, ERR_NOT_FOUND,
		    "the set has no sealed cluster key, so there is nothing to open; restore it without");
	r = seal_open(h->key, h->key_len, &job->secret, &key, &job->error);
	if (r < 0)
		return r;
	if (!job->plan)
		r = keyring_put(job->service->disk, &key, &job->error);
	seal_key_wipe(&key);
	return r;
}

/* What becomes of the set's cluster key, into the story. */
static int check_key(struct restore_job *job)
{
	const struct quolog_header *h = &job->set->info.header;
	size_t used = strlen(job->story);
	char id[2 * SEAL_ID_LEN + 1] = "";
	const char *outcome = "is open on this node";
	struct seal_info info;
	struct seal_key key;
	int r;

	if (job->secret.kind != SEAL_SECRET_NONE) {
		r = open_key(job, h);
		if (r < 0)
			return r;
	}
	if (h->key_len == 0)
		return 0;
	if (seal_read(h->key, h->key_len, &info, NULL) < 0) {
		outcome = "cannot be read: it is damaged, or of a newer version";
	} else {
		seal_id_format(&info.id, id);
		if (job->secret.kind != SEAL_SECRET_NONE) {
			outcome = job->plan ? "can be opened with what was given" : outcome;
		} else {
			r = keyring_get(job->service->disk, &info.id, &key, NULL);
			seal_key_wipe(&key);
			if (r < 0)
				outcome = "stays sealed on this node until 'rueda cluster unseal'";
		}
	}
	(void)snprintf(job->story + used, sizeof(job->story) - used, "; its cluster key%s%s %s", id[0] != 0 ? " " : "",
	    id, outcome);
	return 0;
}

static void tell_plan(struct restore_job *job)
{
	const struct set_info *i = &job->set->info;
	char when[32], name[300], other[300], as_node[340] = "", as_new[340] = "", layout[160] = "", safety[512] = "";

	filetime_format(i->header.time, when);
	if (job->as_node != NULL)
		(void)snprintf(as_node, sizeof(as_node), ", which stands in for '%s',",
		    u16_to_utf8_buffer(u16_from_z(job->as_node), other, sizeof(other)));
	if (job->as_new != NULL)
		(void)snprintf(as_new, sizeof(as_new), " of the new cluster '%s'",
		    u16_to_utf8_buffer(u16_from_z(job->as_new), other, sizeof(other)));
	if (job->layout_unknown != NULL)
		(void)snprintf(layout, sizeof(layout), "; the layout of the quorum disk %s compared: %s",
		    job->plan ? "would not be" : "was not", job->layout_unknown);
	if (job->number_now > 0)
		(void)snprintf(safety, sizeof(safety),
		    "; what %s in force before %s kept as a backup set below %s/safety", job->plan ? "is" : "was",
		    job->plan ? "would be" : "is", job->service->config->state_directory);
	(void)snprintf(job->story, sizeof(job->story),
	    "%s the database of cluster '%s' as of %s (generation %" PRIu64 ", index %" PRIu64 ", %" PRIu64
	    " keys, %" PRIu64 " values), proven against its manifest, in force on node '%s'%s as generation %" PRIu64
	    "%s%s%s",
	    job->plan ? "would put" : "put", u16_to_utf8_buffer(quolog_header_name(&i->header), name, sizeof(name)),
	    when, i->header.generation.number, i->header.last, i->key_count, i->value_count,
	    job->service->config->node_name, as_node, job->header.generation.number, as_new, layout, safety);
}

/* The set, read as the caller. */
int restore_read_set(struct restore_job *job)
{
	struct priv_directory directory;
	int r = set_directory_open(&job->place, job->service, PRIV_OPEN_RESTORE, job->path.text, false, &job->caller,
	    &directory, &job->error);

	if (r < 0)
		return r;
	job->directory = directory.disk;
	return set_read(directory.disk, &job->set, &job->error);
}

void restore_set_was_read(struct restore_job *job)
{
	int why = set_directory_cancelled(&job->place);

	job->result = set_directory_outcome(&job->place, job->result == 0 ? why : job->result, &job->error);
}

static void run_prepare(void *data)
{
	struct restore_job *job = data;
	struct db *db;
	int r;

	progress_set(&job->service->progress, PROGRESS_RESTORE_READING, 0, 0);
	r = restore_read_set(job);
	if (r == 0)
		r = check_layout(job);
	if (r == 0)
		r = check_nodes(job);
	if (r == 0) {
		make_header(job);
		r = adapt_database(job);
	}
	if (r == 0) {
		tell_plan(job);
		r = check_key(job);
	}
	if (r == 0 && !job->plan) {
		db = job->set->db;
		job->set->db = NULL;
		progress_set(&job->service->progress, PROGRESS_RESTORE_WRITING, 0, 0);
		r = service_write_generation(job->service, &job->header, db, &job->error);
		if (r == 0)
			r = blobs_put_set(job->service->disk, job->generation, job->directory, job->set, &job->error);
	}
	disk_free(job->directory);
	job->directory = NULL;
	job->result = r;
}

/* The safety copy and the commit, on the worker; no generation is running. */

static void run_commit(void *data)
{
	struct restore_job *job = data;

	if (job->number_now > 0 && job->last == NULL)
		job->result = error_set_code(&job->error, -ENOMEM, "cannot make a safety copy of what is in force");
	else
		job->result = job->last != NULL ? safety_write(job->service, &job->service->header, job->last,
						      job->last_index, job->header.time, job->safety, &job->error)
						: 0;
	if (job->result == 0)
		job->result = store_switch(job->service->disk, job->generation, &job->error);
	job->committed = job->result == 0;
	/* Without a safety copy the old generations' directories are all that is left of them. */
	if (job->committed && job->last != NULL)
		store_remove_old(job->service->disk, job->generation, job->service->generation,
		    job->service->config->keep_safety_copies);
}

/* The steps, on the loop. */

static void on_up(void *data, int r, const struct error *error)
{
	struct restore_job *job = data;

	/* An error behind the rename leaves open which generation is in force: the one that was found and confirmed. */
	if (strcmp(job->service->generation, job->generation) == 0)
		job->committed = true;
	if (r == 0 && job->result < 0 && job->committed) {
		log_warning("the new generation was put in force at the second try reason=\"%s\"", job->error.text);
		job->result = 0;
	}
	if (job->result == 0 && r < 0) {
		job->result = r;
		job->error = *error;
	}
	restore_finish(job);
}

static void on_committed(void *data)
{
	struct restore_job *job = data;

	/* Whatever `current` names now: the new generation, or the old one after an error. */
	service_bring_up(job->service, on_up, job);
}

static void on_down(void *data, struct db_snapshot *last, uint64_t index)
{
	struct restore_job *job = data;
	int r;

	job->last = last != NULL ? db_snapshot_ref(last) : NULL;
	job->last_index = index;
	r = loop_work(job->service->loop, run_commit, on_committed, job);
	if (r < 0) {
		job->result = error_set_code(&job->error, r, "cannot commit the restore");
		on_committed(job);
	}
}

static void on_prepared(void *data)
{
	struct restore_job *job = data;
	int r;

	restore_set_was_read(job);
	if (job->result < 0 || job->plan) {
		restore_finish(job);
		return;
	}
	progress_set(&job->service->progress, PROGRESS_RESTORE_STARTING, 0, 0);
	r = service_take_down(job->service, on_down, job);
	if (r < 0)
		job_fail(job, r, "the cluster is starting, stopping or being changed already");
}

bool restore_drive_is_valid(const char16_t *drive)
{
	char16_t letter = drive[0] | 0x20;

	return letter >= 'a' && letter <= 'z' && drive[1] == ':' && drive[2] == 0;
}

static int copy_names(struct restore_job *job, const struct restore_request *request)
{
	if (request->as_node.len > 0 && (job->as_node = u16_dup(request->as_node)) == NULL)
		return -ENOMEM;
	if (request->as_new.len > 0 && (job->as_new = u16_dup(request->as_new)) == NULL)
		return -ENOMEM;
	if (request->only.len > 0 && (job->only = u16_dup(request->only)) == NULL)
		return -ENOMEM;
	return 0;
}

int restore_start(
    struct service *s, const struct restore_request *request, restore_done *done, void *data, struct error *error)
{
	struct path_context context = { s->config->drives_directory, &s->config->unc };
	struct restore_job *job;
	int r;

	if (s->config->api_level == API_LEVEL_2008)
		return error_set(
		    error, ERR_CALL_NOT_IMPLEMENTED, "api_level = 2008 in rueda.conf: restore is switched off");
	if (request->drive != NULL && !restore_drive_is_valid(request->drive))
		return error_set(
		    error, ERR_INVALID_PARAMETER, "the drive must be exactly a letter and a colon, as in q:");
	if (s->restore != NULL || s->backup != NULL)
		return error_set_code(
		    error, s->restore != NULL ? ERR_BUSY : ERR_CLUSTER_BACKUP_IN_PROGRESS, "cannot begin a restore");
	if (s->state != SERVICE_UP && s->state != SERVICE_NO_CLUSTER)
		return error_set_code(error, ERR_SHARING_PAUSED, "cannot begin a restore");
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return error_set_code(error, -ENOMEM, "cannot begin a restore");
	*job = (struct restore_job){ .service = s,
		.done = done,
		.data = data,
		.caller = *request->caller,
		.force = request->force,
		.plan = request->plan,
		.time = loop_wall_filetime(s->loop),
		.generation_id = draw_guid(s),
		.instance_id = draw_guid(s),
		.number_now = s->cluster != NULL ? s->header.generation.number : 0 };
	r = copy_names(job, request);
	job->place.cancel_fd = -1;
	if (r == 0)
		r = set_directory_init(&job->place, s);
	if (r == 0)
		r = seal_secret_copy(&request->secret, &job->secret);
	if (r == 0)
		r = path_translate(&context, request->path, &job->path, error);
	else
		(void)error_set_code(error, r, "cannot begin a restore");
	s->restore = job;
	if (r == 0 && job->only != NULL) {
		r = restore_checkpoints_start(job, error);
	} else if (r == 0) {
		r = loop_work(s->loop, run_prepare, on_prepared, job);
		if (r < 0)
			(void)error_set_code(error, r, "cannot begin a restore");
	}
	if (r < 0) {
		s->restore = NULL;
		job_free(job);
	}
	return r;
}

void restore_cancel(struct service *s, int why)
{
	if (s->restore != NULL)
		set_directory_cancel(&s->restore->place, why);
}

void restore_abandon(struct service *s)
{
	if (s->restore != NULL)
		job_free(s->restore);
	s->restore = NULL;
}
