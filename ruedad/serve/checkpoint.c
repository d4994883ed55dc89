/* checkpoint: what is saved for checkpoints, read and rebuilt: the methods for which Windows has no control code.
 *
 * How      a piece of a blob is read on a worker, which nothing sweeps meanwhile; it is the caller who proves the whole.
 * Threads  the loop thread; reading on a worker.      Limits  a piece is at most 1 MiB.
 * Tests    tests/integration/checkpoint_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/blobs.h"
#include "ruedad/agents/rebuild.h"
#include "ruedad/blobs.h"
#include "ruedad/serve/object.h"
#include "wire/rueda.h"
#include <string.h>

/* The checkpoint that a call is about, and the id of its resource. */
static int find_checkpoint(struct serve_call *c, const char16_t *name, uint32_t kind, const char16_t *path,
    struct guid *ret_resource, struct checkpoint *ret)
{
	const struct db_key *resource;
	int r = serve_state_error(c->service);

	if (r < 0)
		return r;
	resource = object_find(serve_root(c), OBJECT_RESOURCE, u16_from_z(name));
	if (resource == NULL || !guid_parse(object_id(resource), ret_resource))
		return ERR_RESOURCE_NOT_FOUND;
	return checkpoint_find(resource, (enum checkpoint_kind)kind, u16_from_z(path), ret) ? 0 : ERR_FILE_NOT_FOUND;
}

/* Reading.  In the call's arena: the call outlives the worker. */

struct read_job {
	struct serve_call *call;
	struct blob_turn turn;
	char name[BLOB_NAME_MAX];
	uint64_t offset;
	uint8_t *data;
	size_t size, read;
	int result;
};

static void run_read(void *data)
{
	struct read_job *job = data;
	struct disk_file *file = NULL;
	uint64_t size = 0;
	int r = disk_open(job->call->service->disk, job->name, DISK_READ, 0, &file);

	if (r == 0)
		r = file_size(file, &size);
	if (r == 0 && job->offset < size) {
		job->read = (size_t)MIN((uint64_t)job->size, size - job->offset);
		r = file_read(file, job->offset, job->data, job->read);
	}
	file_close(file);
	job->result = r == -ENOENT ? ERR_FILE_NOT_FOUND : r < 0 ? r : 0;
}

static void on_read(void *data)
{
	struct read_job *job = data;
	struct serve_call *c = job->call;
	struct service *s = c->service;
	struct rueda_ReadCheckpoint_out *out = c->out;

	if (job->result == 0) {
		out->data = job->data;
		out->data_size = (uint32_t)job->read;
	}
	serve_finish(c, job->result);
	blobs_end(s, false);
}

static void begin_read(void *data)
{
	struct read_job *job = data;
	int r = loop_work(job->call->service->loop, run_read, on_read, job);

	if (r == 0)
		return; /* The result is the worker's. */
	job->result = r;
	on_read(job);
}

void serve_rueda_read_checkpoint(struct serve_call *c)
{
	const struct rueda_ReadCheckpoint_in *in = c->in;
	struct rueda_ReadCheckpoint_out *out = c->out;
	struct read_job *job = NULL;
	struct checkpoint checkpoint;
	struct guid resource;
	int r = find_checkpoint(c, in->resource, in->kind, in->path, &resource, &checkpoint);

	if (r == 0 && !checkpoint.saved)
		r = ERR_FILE_NOT_FOUND;
	if (r == 0) {
		memcpy(out->sha256, checkpoint.digest.bytes, SHA256_LEN);
		out->total = checkpoint.length;
		job = arena_alloc_zero(serve_arena(c), sizeof(*job));
		if (job != NULL)
			job->data = arena_alloc(serve_arena(c), MAX(in->size, 1u));
		r = job == NULL || job->data == NULL ? -ENOMEM : 0;
	}
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	job->call = c;
	job->offset = in->offset;
	job->size = in->size;
	blob_name(c->service->generation, &checkpoint.digest, job->name);
	job->turn.begin = begin_read;
	job->turn.data = job;
	if (blobs_begin(c->service, &job->turn))
		begin_read(job);
}

/* Rebuilding. */

static void on_rebuilt(void *data, int r, enum rebuild_outcome outcome, const char *story)
{
	struct serve_call *c = data;
	struct rueda_RebuildCheckpoint_out *out = c->out;

	out->outcome = (uint32_t)outcome;
	out->story = serve_story(c, story);
	serve_finish(c, r);
}

void serve_rueda_rebuild_checkpoint(struct serve_call *c)
{
	const struct rueda_RebuildCheckpoint_in *in = c->in;
	struct rueda_RebuildCheckpoint_out *out = c->out;
	struct rebuild_request request = { .kind = (enum checkpoint_kind)in->kind,
		.path = u16_from_z(in->path),
		.set = u16_from_z(in->set),
		.plan = (in->flags & 1) != 0,
		.caller = c->rpc->identity };
	struct checkpoint checkpoint;
	struct error error = { 0 };
	int r = in->flags > 1 ? ERR_INVALID_PARAMETER
			      : find_checkpoint(c, in->resource, in->kind, in->path, &request.resource, &checkpoint);

	if (r == 0)
		r = rebuild_start(c->service, &request, on_rebuilt, c, &error);
	if (r < 0) {
		out->story = serve_story(c, error.text);
		serve_finish(c, r);
	}
}
