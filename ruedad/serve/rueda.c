/* rueda: our own interface: status, the flight recorder, histories, shutting down; backup and restore are in backup.c.
 *
 * Threads  the loop thread.       Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/rueda.h"
#include "base/log.h"
#include "cluster/group/state.h"
#include "ruedad/serve/object.h"
#include "ruedad/serve/private.h"
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void get_status(struct serve_call *c)
{
	const struct service *s = c->service;
	struct rueda_GetStatus_out *out = c->out;

	out->state = s->state;
	out->started = s->started;
	out->api_level = s->config->api_level == API_LEVEL_2008 ? 2008 : 2003;
	out->node_name = serve_dup(c, service_node_name(s));
	if (s->cluster != NULL) {
		const struct cluster_backup_state *b = cluster_backup(s->cluster);
		struct digest digest = db_digest(cluster_db(s->cluster));

		out->cluster_name = serve_dup(c, object_string(serve_root(c), U16("ClusterName")));
		out->instance_id = s->header.instance;
		out->generation = s->header.generation.number;
		out->generation_id = s->header.generation.id;
		out->applied_index = cluster_applied(s->cluster);
		out->checkpoint_index = s->checkpoint_index;
		out->groups = (uint32_t)object_count(serve_root(c), OBJECT_GROUP);
		out->resources = (uint32_t)object_count(serve_root(c), OBJECT_RESOURCE);
		out->nodes = (uint32_t)object_count(serve_root(c), OBJECT_NODE);
		memcpy(out->db_digest, digest.bytes, sizeof(out->db_digest));
		if (s->has_key) {
			out->key_kind = s->key.kind;
			memcpy(out->key_id, s->key.id.bytes, sizeof(out->key_id));
			out->key_open = s->key_open;
		}
		if (b->started != 0) {
			out->last_backup.path = serve_dup(c, b->path);
			out->last_backup.started = b->started;
			out->last_backup.ended = b->ended;
			out->last_backup.running = b->running;
			out->last_backup.status = b->status;
		}
	}
	serve_finish(c, 0);
}

static void get_trace(struct serve_call *c)
{
	struct rueda_GetTrace_out *out = c->out;
	int fd = memfd_create("trace", MFD_CLOEXEC), r = 0;
	struct stat st;
	uint8_t *text;

	if (fd < 0) {
		serve_finish(c, -errno);
		return;
	}
	trace_dump(fd);
	if (fstat(fd, &st) < 0) {
		r = -errno;
	} else {
		text = arena_alloc(serve_arena(c), (size_t)st.st_size);
		if (text == NULL || pread(fd, text, (size_t)st.st_size, 0) != st.st_size) {
			r = -ENOMEM;
		} else {
			out->trace = text;
			out->trace_size = (uint32_t)st.st_size;
		}
	}
	(void)close(fd);
	serve_finish(c, r);
}

static void get_progress(struct serve_call *c)
{
	struct rueda_GetProgress_out *out = c->out;
	struct progress *p = &c->service->progress;

	out->phase = atomic_load(&p->phase);
	out->bytes = atomic_load(&p->bytes);
	out->total = atomic_load(&p->total);
	serve_finish(c, 0);
}

static int fill_history(
    struct serve_call *c, const struct resource_run *run, struct rueda_GetResourceHistory_out *out)
{
	struct rueda_resource_change *changes = arena_alloc_zero(serve_arena(c), RESOURCE_HISTORY * sizeof(*changes));

	if (changes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < run->history_count; i++) {
		const struct resource_event *e = &run->history[i];

		changes[i] = (struct rueda_resource_change){
			e->time, e->state, e->reason, e->status, serve_node_name(c, e->node)
		};
		if (changes[i].node == NULL)
			return -ENOMEM;
	}
	out->text = serve_dup(c, u16_from_z(run->text));
	out->changes = changes;
	out->count = run->history_count;
	return out->text == NULL ? -ENOMEM : 0;
}

/* A resource that never ran has been through nothing. */
static void get_resource_history(struct serve_call *c)
{
	const struct rueda_GetResourceHistory_in *in = c->in;
	const struct cluster *cluster = c->service->cluster;
	const struct resource_run *run;
	const struct db_key *resource;
	struct guid id;
	int r = 0;

	if (cluster == NULL) {
		serve_finish(c, ERR_CLUSTER_NOT_INSTALLED);
		return;
	}
	resource = object_find(serve_root(c), OBJECT_RESOURCE, u16_from_z(in->resource));
	if (resource == NULL || !guid_parse(object_id(resource), &id)) {
		serve_finish(c, ERR_RESOURCE_NOT_FOUND);
		return;
	}
	run = resource_run_find(cluster_groups(cluster), &id);
	if (run != NULL)
		r = fill_history(c, run, c->out);
	serve_finish(c, r);
}

static void check_properties(struct serve_call *c)
{
	const struct rueda_CheckProperties_in *in = c->in;
	struct rueda_CheckProperties_out *out = c->out;
	struct property_object o;
	struct error error = { 0 };
	const struct db_key *key;
	int r;

	if (c->service->cluster == NULL) {
		serve_finish(c, ERR_CLUSTER_NOT_INSTALLED);
		return;
	}
	key = object_find(serve_root(c), OBJECT_RESOURCE, u16_from_z(in->resource));
	if (key == NULL) {
		serve_finish(c, ERR_RESOURCE_NOT_FOUND);
		return;
	}
	o = (struct property_object){ PROPERTY_RESOURCE, object_id(key), key };
	r = property_check(serve_root(c), &o, true, in->list, in->list_size);
	if (r == 0)
		r = private_check(&o, in->list, in->list_size, &error);
	if (r < 0 && error.code != 0)
		out->story = serve_story(c, error.text);
	serve_finish(c, r);
}

/* The same as a SIGTERM: one way to stop. */
static void do_shutdown(struct serve_call *c)
{
	log_notice("asked to stop uid=%u", c->rpc->identity->uid);
	serve_finish(c, 0);
	(void)raise(SIGTERM);
}

serve_handler *serve_rueda_handler(unsigned number)
{
	switch (number) {
	case RUEDA_CREATE_CLUSTER:
		return serve_rueda_create_cluster;
	case RUEDA_GET_STATUS:
		return get_status;
	case RUEDA_BACKUP:
		return serve_rueda_backup;
	case RUEDA_RESTORE:
		return serve_rueda_restore;
	case RUEDA_GET_TRACE:
		return get_trace;
	case RUEDA_SHUTDOWN:
		return do_shutdown;
	case RUEDA_GET_RESOURCE_HISTORY:
		return get_resource_history;
	case RUEDA_GET_PROGRESS:
		return get_progress;
	case RUEDA_CHECK_PROPERTIES:
		return check_properties;
	case RUEDA_RESTORE_CHECKPOINTS:
		return serve_rueda_restore_checkpoints;
	case RUEDA_UNSEAL:
		return serve_rueda_unseal;
	case RUEDA_RESEAL:
		return serve_rueda_reseal;
	case RUEDA_READ_CHECKPOINT:
		return serve_rueda_read_checkpoint;
	case RUEDA_REBUILD_CHECKPOINT:
		return serve_rueda_rebuild_checkpoint;
	default:
		return NULL;
	}
}
