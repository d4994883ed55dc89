/* service: the cluster service of this node.
 *
 * Why      one place knows which generation is in force and in what state it is; handlers and agents ask it and nobody
 *          else starts or stops engines.
 * States
 *             start ──► NO_CLUSTER ──restore──► CHANGING ─► STARTING ──barrier──► UP
 *                │          └───────────create───────────────────▲                      │
 *                └───────────────────────────────────────────────┘                      │
 *                                                       CHANGING ◄──────────restore──────┘
 *             any ──stop──► STOPPING: what runs here stopped, a last checkpoint, the replica stopped
 *
 * How      the generation that `current` names is loaded from its newest checkpoint, the engine shows what lies behind it,
 *          and a barrier says when all of it has been applied.  A checkpoint is due when the commands since the last one
 *          exceed the quorum log's maximum size (a value of the database, so an administrator can set it), and a quarter
 *          of the database: a snapshot and the runtime state are taken on the loop, a worker writes them, the log is
 *          trimmed behind them.
 * Promise  what a client was told is done is found again after any stop.  Changing the generation ends all handles first.
 * Threads  the loop thread; checkpoints are written by a worker.
 * Tests    tests/sim/service.c, tests/integration/
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/service.h"
#include "base/log.h"
#include "cluster/object/object.h"
#include "engine/local/local.h"
#include "io/below.h"
#include "rpc/server.h"
#include "ruedad/agents/backup.h"
#include "ruedad/agents/blobs.h"
#include "ruedad/agents/capture.h"
#include "ruedad/agents/check.h"
#include "ruedad/agents/clock.h"
#include "ruedad/agents/hosts.h"
#include "ruedad/agents/manage.h"
#include "ruedad/agents/networks.h"
#include "ruedad/agents/putback.h"
#include "ruedad/agents/rebuild.h"
#include "ruedad/agents/reseal.h"
#include "ruedad/agents/restore.h"
#include "ruedad/agents/unseal.h"
#include "ruedad/keyring.h"
#include "ruedad/serve/serve.h"
#include <inttypes.h>
#include <string.h>

enum { LOG_BYTES_MIN = 64 << 10, LOG_BYTES_DEFAULT = 4096 << 10 };

static void service_fail(struct service *s, const struct error *error)
{
	s->failed(s->data, error);
}

/* Checkpoints. */

struct checkpoint_job {
	struct service *service;
	struct db_snapshot *snapshot;
	struct buf runtime;
	struct quolog_header header; /* As it was at that moment. */
	struct store_checkpoint checkpoint;
	bool proof_only;
	bool damaged;
	int result;
	struct error error;
};

/* A checkpoint is the whole database.  If one were written for each few changes of a large one, the disk would have a
 * hundred times the work of the changes. */
static uint64_t log_bytes_max(struct service *s)
{
	uint64_t quarter = db_hive_size(cluster_db(s->cluster)) / 4;
	const struct db_key *quorum = db_find(db_root(cluster_db(s->cluster)), U16("Quorum"));
	uint32_t max;

	if (quorum == NULL || !object_number(quorum, U16("MaxQuorumLogSize"), &max))
		max = LOG_BYTES_DEFAULT;
	return MAX(MAX((uint64_t)max, (uint64_t)LOG_BYTES_MIN), quarter);
}

static void checkpoint_run(void *data)
{
	struct checkpoint_job *job = data;
	struct service *s = job->service;
	struct digest kept = db_snapshot_digest(job->snapshot),
		      found = db_digest_recomputed(db_snapshot_root(job->snapshot));

	job->damaged = !digest_equal(&kept, &found);
	if (job->damaged) {
		job->result = error_set(&job->error, ERR_CLUSTER_DATABASE_SEQMISMATCH,
		    "the database in memory is not what its digest says at index %" PRIu64
		    ": the memory is faulty, or this program is; the log and the last checkpoint are kept and are used "
		    "by the next start",
		    job->checkpoint.index);
		return;
	}
	if (job->proof_only)
		return;
	job->result = store_write_checkpoint(s->disk, s->generation, &job->checkpoint, &job->error);
	if (job->result == 0)
		store_sweep(s->disk, s->generation, job->checkpoint.index);
}

static void checkpoint_free(struct checkpoint_job *job)
{
	db_snapshot_unref(job->snapshot);
	buf_done(&job->runtime);
	free(job);
}

static void go_down(struct service *s);
static void tell_up(struct service *s, int r, const struct error *error);

static void checkpoint_done(void *data)
{
	struct checkpoint_job *job = data;
	struct service *s = job->service;

	s->checkpoint = NULL;
	if (job->damaged) {
		service_is_damaged(s, &job->error);
	} else if (job->proof_only) {
		trace("database proven at %" PRIu64, job->checkpoint.index);
	} else if (job->result == 0) {
		trace("checkpoint at %" PRIu64, job->checkpoint.index);
		s->checkpoint_index = job->checkpoint.index;
		if (s->replica != NULL)
			replica_trim(s->replica, job->checkpoint.index);
		blobs_checkpointed(s, job->snapshot);
	} else {
		/* The log has it all: nothing is lost, but the disk needs a look. */
		log_warning("a checkpoint could not be written, the log is kept and it is tried again later "
			    "reason=\"%s\"",
		    job->error.text);
	}
	checkpoint_free(job);
	go_down(s);
}

static void start_job(struct service *s, bool proof_only)
{
	struct checkpoint_job *job;

	if (s->checkpoint != NULL || s->cluster == NULL || s->damaged)
		return;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return; /* It is tried again with the next change. */
	job->service = s;
	job->proof_only = proof_only;
	job->snapshot = db_snapshot_take(cluster_db(s->cluster));
	cluster_runtime_save(s->cluster, &job->runtime);
	if (job->snapshot == NULL || job->runtime.error != 0) {
		checkpoint_free(job);
		return;
	}
	job->header = s->header;
	job->checkpoint = (struct store_checkpoint){ .header = &job->header,
		.snapshot = job->snapshot,
		.runtime = job->runtime.data,
		.runtime_len = job->runtime.len,
		.index = cluster_applied(s->cluster),
		.time = loop_wall_filetime(s->loop) };
	if (loop_work(s->loop, checkpoint_run, checkpoint_done, job) < 0) {
		checkpoint_free(job);
		return;
	}
	s->checkpoint = job;
	if (!proof_only)
		s->log_bytes = 0;
}

void service_checkpoint(struct service *s)
{
	start_job(s, false);
}

void service_prove(struct service *s)
{
	start_job(s, true);
}

void service_is_damaged(struct service *s, const struct error *error)
{
	s->damaged = true;
	service_fail(s, error);
}

/* The replica. */

/* The log has brought another sealed key: from now on it goes into checkpoints and sets. */
static void take_key(struct service *s)
{
	size_t len;
	const uint8_t *key = cluster_key(s->cluster, &len);

	static_assert((int)CLUSTER_KEY_MAX <= (int)QUOLOG_KEY_MAX, "the header has room for it");
	s->header.key_len = (uint32_t)len;
	memcpy(s->header.key, key, len);
	service_look_for_key(s);
}

/* Checkpoints and sets say in clear text whose they are: as it is called now. */
static void take_name(struct service *s, const struct db_key *root)
{
	struct u16 name = object_string(root, U16("ClusterName"));

	if (name.len == 0 || name.len > QUOLOG_NAME_MAX)
		return; /* Somebody wrote into the registry: the name that it had is better than none. */
	s->header.name_len = (uint32_t)name.len;
	memcpy(s->header.name, name.units, name.len * sizeof(char16_t));
	s->header.name[name.len] = 0;
}

static void on_applied(void *data, const struct cluster_event *event, const struct cluster_result *result)
{
	struct service *s = data;

	if (result->before != NULL)
		take_name(s, db_root(cluster_db(s->cluster)));
	if (result->key_changed)
		take_key(s);
	manage_applied(s->manage, result);
	hosts_applied(s->hosts, result);
	clock_look(s->clock);
	serve_waiting_look(s);
	serve_notify_applied(s, result);
	s->log_bytes += event->len + 64;
	check_applied(s, event, result);
	if (s->log_bytes > log_bytes_max(s) && s->state == SERVICE_UP)
		service_checkpoint(s);
}

static void on_failed(void *data, const struct error *error)
{
	service_fail(data, error);
}

static void tell_up(struct service *s, int r, const struct error *error)
{
	service_up *up = s->up;

	s->up = NULL;
	if (up != NULL)
		up(s->change_data, r, error);
}

static void on_caught_up(void *data, int status, const struct cluster_result *result)
{
	struct service *s = data;

	struct error error;

	(void)result;
	if (s->state != SERVICE_STARTING) {
		(void)error_set(&error, ERR_CLUSTER_NODE_SHUTTING_DOWN, "the cluster is there, but the service was stopped before it had come up");
		tell_up(s, ERR_CLUSTER_NODE_SHUTTING_DOWN, &error);
		return;
	}
	if (status < 0) {
		(void)error_set_code(&error, status, "the log of generation %s could not be replayed", s->generation);
		service_fail(s, &error);
		tell_up(s, status, &error); /* The stop that follows waits for a restore. */
		return;
	}
	s->state = SERVICE_UP;
	log_notice("the cluster is up generation=%s index=%" PRIu64, s->generation, cluster_applied(s->cluster));
	manage_look(s->manage);
	hosts_look(s->hosts);
	clock_look(s->clock);
	networks_look(s->networks);
	tell_up(s, 0, NULL);
}

/* The number of the node that this host is. */
static int find_own_node(struct service *s, const struct db_key *root, uint32_t *ret, struct error *error)
{
	const struct db_key *node = object_find(root, OBJECT_NODE, service_node_name(s));
	char text[128];

	if (node == NULL)
		return error_set(error, ERR_CLUSTER_LOCAL_NODE_NOT_FOUND,
		    "this host calls itself '%s', and the cluster has no node of that name; set [node] name in "
		    "rueda.conf, or restore with --as-node",
		    u16_to_utf8_buffer(service_node_name(s), text, sizeof(text)));
	*ret = object_node_number(object_id(node));
	return 0;
}

static int start_replica(struct service *s, struct cluster *cluster, struct error *error)
{
	const struct replica_client client = { on_applied, on_failed, s };
	struct engine_local_options options = {
		.segment_size = s->segment_size, .generation = s->header.generation.id
	};
	struct engine *engine;
	int r = find_own_node(s, db_root(cluster_db(cluster)), &s->node, error);

	options.node = s->node;
	if (r == 0)
		r = manage_new(s, &s->manage);
	if (r == 0)
		r = hosts_new(s, &s->hosts);
	if (r == 0)
		r = clock_new(s, &s->clock);
	if (r == 0)
		r = networks_new(s, &s->networks);
	if (r == 0)
		r = disk_below(s->disk, s->generation, &s->engine_disk);
	if (r == 0)
		r = engine_local_new(s->loop, s->engine_disk, &options, &engine);
	if (r < 0) {
		cluster_free(cluster);
		return error != NULL && error->code == r ? r : error_set_code(error, r, "cannot make the engine");
	}
	s->cluster = cluster;
	r = replica_new(s->loop, engine, cluster, &client, &s->replica);
	if (r < 0) {
		s->cluster = NULL;
		return error_set_code(error, r, "cannot make the replica");
	}
	s->state = SERVICE_STARTING;
	r = replica_start(s->replica, error);
	if (r == 0) {
		r = replica_barrier(s->replica, on_caught_up, s);
		if (r < 0)
			(void)error_set_code(error, r, "cannot start the replica");
	}
	return r;
}

void service_look_for_key(struct service *s)
{
	struct seal_key key;
	struct error error;
	int r;

	s->has_key = s->key_open = false;
	if (s->header.key_len == 0)
		return;
	r = seal_read(s->header.key, s->header.key_len, &s->key, &error);
	s->has_key = r == 0;
	if (r == 0) {
		r = keyring_get(s->disk, &s->key.id, &key, &error);
		seal_key_wipe(&key);
	}
	s->key_open = r == 0;
	if (r == -ENOENT)
		log_warning(
		    "the cluster key is sealed, and this node does not have it: what is encrypted with it stays so "
		    "until 'rueda cluster unseal'");
	else if (r < 0)
		log_error("the cluster key cannot be used: %s", error.text);
}

/* Start the generation that s->generation names. */
static int run_generation(struct service *s, struct error *error)
{
	struct store_loaded loaded;
	unsigned skipped;
	int r = store_confirm(s->disk, s->generation, error);

	if (r == 0)
		r = store_load(s->disk, s->generation, &loaded, &skipped, error);
	if (r < 0)
		return r;
	if (skipped > 0)
		log_warning("damaged checkpoints were passed over for an older one count=%u index=%" PRIu64, skipped,
		    loaded.index);
	s->header = loaded.header;
	take_name(s, db_root(cluster_db(loaded.cluster)));
	s->checkpoint_index = loaded.index;
	s->log_bytes = 0;
	service_look_for_key(s);
	cluster_set_key(loaded.cluster, s->header.key, s->header.key_len);
	return start_replica(s, loaded.cluster, error);
}

/* Start the generation that `current` names.  -ENOENT: there is none, and nothing else. */
static int start_generation(struct service *s, struct error *error)
{
	int r = store_current(s->disk, s->generation, error);

	if (r < 0)
		return r;
	r = run_generation(s, error);
	if (r == -ENOENT)
		return error_set(error, ERR_CLUSTER_QUORUMLOG_NOT_FOUND,
		    "the state directory's file 'current' names %s, and not all of that is there; restore the latest "
		    "backup",
		    s->generation);
	return r;
}

/* Of a generation that is not running, or not any more. */
static void forget_replica(struct service *s)
{
	db_snapshot_unref(s->blobs.checkpoint);
	s->blobs.checkpoint = NULL;
	check_end(s);
	replica_free(s->replica);
	s->replica = NULL;
	s->cluster = NULL;
	manage_free(s->manage);
	s->manage = NULL;
	hosts_free(s->hosts);
	s->hosts = NULL;
	clock_free(s->clock);
	s->clock = NULL;
	networks_free(s->networks);
	s->networks = NULL;
	disk_free(s->engine_disk);
	s->engine_disk = NULL;
}

static void say_no_cluster(struct service *s)
{
	char newest[STORE_NAME_MAX];

	log_notice("this node has no cluster; make one with 'rueda cluster create NAME' or 'rueda restore PATH'");
	if (store_newest(s->disk, newest) == 0)
		log_warning("there is a generation, but no file 'current' that puts it in force: if this node was in a "
			    "cluster, stop the service and write the generation's name into that file generation=%s",
		    newest);
}

int service_start(struct service *s, struct error *error)
{
	size_t len;
	int r = utf8_to_u16(s->config->node_name, strlen(s->config->node_name), &s->node_name, &len);

	if (r < 0)
		return error_set_code(error, r, "the node's name cannot be used");
	s->started = loop_wall_filetime(s->loop);
	s->state = SERVICE_NO_CLUSTER;
	r = start_generation(s, error);
	if (r == -ENOENT) {
		say_no_cluster(s);
		return 0;
	}
	if (r == 0 || r == -ENOMEM)
		return r;
	if (!s->recover) {
		log_notice("the cluster's state cannot be used; 'rueda restore PATH' puts a backup set in its place, "
			   "rueda-recovery(7) tells how");
		return r;
	}
	log_error("the cluster's state cannot be used, coming up without a cluster so that one can be restored: %s",
	    error->text);
	forget_replica(s);
	s->state = SERVICE_NO_CLUSTER;
	return 0;
}

/* Stopping, and changing the generation. */

/* The log has come to its end and no client waits any more.  Handles end now and not before: a call that was under way may
 * still have needed one to say that it was carried out; new calls have been refused all the time. */
static void on_replica_stopped(void *data)
{
	struct service *s = data;
	_cleanup_(db_snapshot_unrefp) struct db_snapshot *last = NULL;
	uint64_t index = cluster_applied(s->cluster);

	if (s->state == SERVICE_CHANGING)
		last = db_snapshot_take(cluster_db(s->cluster));
	rpc_server_run_down(s->rpc);
	forget_replica(s);
	if (s->state == SERVICE_STOPPING)
		s->stopped(s->stopped_data);
	else
		s->down(s->change_data, last, index);
}

static void on_nothing_to_stop(void *data)
{
	struct service *s = data;

	rpc_server_run_down(s->rpc);
	if (s->state == SERVICE_STOPPING)
		s->stopped(s->stopped_data);
	else
		s->down(s->change_data, NULL, 0);
}

/* No checkpoint is being written: go on with the end of the replica. */
static void finish_stop(struct service *s)
{
	bool unsaved = s->replica != NULL && s->log_bytes > 0 && s->checkpoint_index < cluster_applied(s->cluster);

	if (s->state == SERVICE_STOPPING && unsaved) {
		service_checkpoint(s); /* So that the next start has nothing to replay. */
		s->log_bytes = 0;
		if (s->checkpoint != NULL)
			return;
	}
	if (s->replica != NULL)
		replica_stop(s->replica, on_replica_stopped, s);
	else if (loop_post(s->loop, on_nothing_to_stop, s) < 0)
		on_nothing_to_stop(s);
}

/* On the way down, once nothing runs here and nothing is being written that needs the replica. */
static void go_down(struct service *s)
{
	if ((s->state == SERVICE_STOPPING || s->state == SERVICE_CHANGING) && !s->hosts_stopping &&
	    s->checkpoint == NULL && blobs_idle(s) && s->putbacks == NULL && s->mark_jobs == 0)
		finish_stop(s);
}

static void on_hosts_stopped(void *data)
{
	struct service *s = data;

	s->hosts_stopping = false;
	go_down(s);
}

/* What runs here is stopped first.  It stays wanted: the policy starts it again when the service is up again. */
static void begin_stop(struct service *s)
{
	serve_waiting_end(s);
	serve_notify_end(s);
	putback_cancel_all(s);
	if (s->hosts != NULL && hosts_are_busy(s->hosts)) {
		s->hosts_stopping = true;
		hosts_stop(s->hosts, on_hosts_stopped, s);
	} else {
		on_hosts_stopped(s);
	}
}

static void stop_now(struct service *s)
{
	s->state = SERVICE_STOPPING;
	begin_stop(s);
}

void service_stop(struct service *s, void (*stopped)(void *data), void *data)
{
	assert(!s->stopping);
	s->stopping = true;
	s->stopped = stopped;
	s->stopped_data = data;
	backup_cancel(s, ERR_CLUSTER_NODE_SHUTTING_DOWN);
	restore_cancel(s, ERR_CLUSTER_NODE_SHUTTING_DOWN);
	rebuild_cancel(s, ERR_CLUSTER_NODE_SHUTTING_DOWN);
	capture_cancel(s);
	service_job_ended(s);
}

void service_job_ended(struct service *s)
{
	if (s->stopping && s->state != SERVICE_STOPPING && s->backup == NULL && s->restore == NULL &&
	    s->unseal == NULL && s->reseal == NULL && blobs_idle(s))
		stop_now(s);
}

void service_blobs_ended(struct service *s)
{
	go_down(s);
	service_job_ended(s);
}

int service_take_down(struct service *s, service_down *down, void *data)
{
	if (s->stopping || (s->state != SERVICE_UP && s->state != SERVICE_NO_CLUSTER))
		return ERR_BUSY;
	s->down = down;
	s->change_data = data;
	s->state = SERVICE_CHANGING;
	capture_cancel(s);
	begin_stop(s);
	return 0;
}

void service_bring_up(struct service *s, service_up *up, void *data)
{
	struct error error = { 0 };
	int r;

	s->up = up;
	s->change_data = data;
	r = start_generation(s, &error);
	if (r < 0) {
		if (r == -ENOENT)
			(void)error_set(&error, r, "this node has no cluster");
		forget_replica(s);
		s->state = SERVICE_NO_CLUSTER;
		tell_up(s, r, &error);
		if (r == -ENOMEM)
			service_fail(
			    s, &error); /* There is a cluster, and the next process may have the memory for it. */
	}
}

void service_done(struct service *s)
{
	backup_abandon(s);
	restore_abandon(s);
	capture_abandon(s);
	putback_abandon(s);
	rebuild_abandon(s);
	unseal_abandon(s);
	reseal_abandon(s);
	blobs_abandon(s);
	if (s->checkpoint != NULL)
		checkpoint_free(s->checkpoint);
	forget_replica(s);
	free(s->node_name);
}

/* Creating. */

static struct guid draw_guid(struct service *s)
{
	uint8_t random[16];

	loop_random(s->loop, random, sizeof(random));
	return guid_from_random(random);
}

/* Write a generation with this database, durable but not in force. */
int service_write_generation(struct service *s, const struct quolog_header *header, struct db *db, struct error *error)
{
	_cleanup_(disk_freep) struct disk *below = NULL;
	_cleanup_(db_snapshot_unrefp) struct db_snapshot *snapshot = db_snapshot_take(db);
	_cleanup_(cluster_freep) struct cluster *cluster = NULL;
	struct engine_local_options options = { .segment_size = s->segment_size };
	struct store_checkpoint checkpoint;
	struct buf runtime = { 0 };
	char name[STORE_NAME_MAX];
	int r;

	r = cluster_new(db, &cluster);
	if (r < 0 || snapshot == NULL)
		return error_set_code(error, -ENOMEM, "cannot make a generation");
	cluster_begin_at(cluster, header->snapshot);
	cluster_runtime_save(cluster, &runtime);
	store_name(&header->generation, name);
	checkpoint =
	    (struct store_checkpoint){ header, snapshot, runtime.data, runtime.len, header->snapshot, header->time };
	r = runtime.error != 0 ? error_set_code(error, runtime.error, "cannot make a generation")
			       : store_create(s->disk, name, &checkpoint, error);
	if (r == 0 && (r = disk_below(s->disk, name, &below)) < 0)
		(void)error_set_code(error, r, "cannot make a generation");
	if (r == 0)
		r = engine_local_create(s->loop, below, header, &options, error);
	buf_done(&runtime);
	return r;
}

/* A fresh cluster key: into the keyring, and sealed into the header. */
static int make_cluster_key(
    struct service *s, const struct seal_secret *secret, struct quolog_header *header, struct error *error)
{
	_cleanup_(buf_done) struct buf blob = { 0 };
	struct seal_key key;
	int r = seal_key_make(&key);

	if (r < 0)
		return error_set_code(error, r, "cannot make a cluster key");
	r = seal_close(&key, secret, NULL, &blob, error);
	if (r == 0)
		r = keyring_put(s->disk, &key, error);
	seal_key_wipe(&key);
	if (r < 0)
		return r;
	static_assert((int)SEAL_BLOB_MAX <= (int)QUOLOG_KEY_MAX, "the header has room for a sealed key");
	assert(blob.len <= SEAL_BLOB_MAX);
	header->key_len = (uint32_t)blob.len;
	memcpy(header->key, blob.data, blob.len);
	return 0;
}

int service_create_cluster(struct service *s, struct u16 name, const struct seal_secret *secret, struct error *error)
{
	struct cluster_seed seed = { .cluster_name = name, .node_name = service_node_name(s) };
	struct quolog_header *header;
	char directory[STORE_NAME_MAX];
	struct db *db;
	int r;

	if (s->state != SERVICE_NO_CLUSTER)
		return error_set(error, ERR_ALREADY_EXISTS, "this node is in a cluster already");
	if (store_current(s->disk, directory, NULL) != -ENOENT)
		return error_set(error, ERR_ALREADY_EXISTS,
		    "the state directory holds a cluster that cannot be started; restore a backup, or move the "
		    "directory "
		    "%s away first",
		    s->config->state_directory);
	if (name.len > QUOLOG_NAME_MAX)
		return error_set(error, ERR_FILENAME_EXCED_RANGE, "the name is too long");
	header = calloc(1, sizeof(*header));
	if (header == NULL)
		return error_set_code(error, -ENOMEM, "cannot create the cluster");
	seed.time = loop_wall_filetime(s->loop);
	seed.instance_id = draw_guid(s);
	seed.core_group_id = draw_guid(s);
	seed.storage_group_id = draw_guid(s);
	seed.quorum_resource_id = draw_guid(s);
	seed.quorum_path = U16("MSCS\\");
	r = cluster_seed_database(&seed, &db);
	if (r < 0) {
		free(header);
		return error_set_code(error, r, "cannot create a cluster of that name");
	}
	memcpy(header->name, name.units, name.len * sizeof(char16_t));
	header->name_len = (uint32_t)name.len;
	header->instance = seed.instance_id;
	header->generation.number = 1;
	header->generation.id = draw_guid(s);
	header->time = seed.time;
	r = secret->kind != SEAL_SECRET_NONE ? make_cluster_key(s, secret, header, error) : 0;
	if (r == 0)
		r = service_write_generation(s, header, db, error);
	else
		db_free(db);
	store_name(&header->generation, directory);
	free(header);
	if (r == 0)
		r = store_switch(s->disk, directory, error);
	return r;
}
