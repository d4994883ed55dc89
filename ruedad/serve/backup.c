/* backup: the calls that back up and restore: ApiBackupClusterDatabase and our own interface's.
 *
 * Rules    version 2 of MS-CMRP backs up, version 3 must answer 120 (opnum 104).  Our own interface does the same work and
 *          tells the story.  A path is the server's: the caller names it, the node that owns the quorum resource opens it
 *          with the caller's rights.
 * Threads  the loop thread.       Tests  tests/integration/backup.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/backup.h"
#include "ruedad/agents/reseal.h"
#include "ruedad/agents/restore.h"
#include "ruedad/agents/unseal.h"
#include "ruedad/serve/serve.h"
#include "wire/rueda.h"
#include <string.h>

/* Whoever asked for it has gone, or cancels: it ends soon, and answers then. */
static void on_backup_cancelled(struct rpc_call *rpc)
{
	struct serve_call *c = rpc->user;

	backup_cancel(c->service, ERR_CANCELLED);
}

static void on_restore_cancelled(struct rpc_call *rpc)
{
	struct serve_call *c = rpc->user;

	restore_cancel(c->service, ERR_CANCELLED);
}

/* The call is answered when what was begun for it ends. */
static void await_end(struct serve_call *c, void (*on_cancel)(struct rpc_call *rpc))
{
	c->rpc->user = c;
	if (c->rpc->cancelled)
		on_cancel(c->rpc);
	else
		rpc_call_on_cancel(c->rpc, on_cancel);
}

static void on_cluster_backup(void *data, int r, const struct set_info *info, const char *story)
{
	serve_finish(data, r);
}

void serve_backup_cluster_database(struct serve_call *c)
{
	const struct clusapi_BackupClusterDatabase_in *in = c->in;
	struct error error;
	int r;

	if (c->request.version >= 3) {
		serve_finish(c, ERR_CALL_NOT_IMPLEMENTED);
		return;
	}
	if (!serve_may_change(c)) {
		serve_finish(c, ERR_ACCESS_DENIED);
		return;
	}
	r = backup_start(c->service, u16_from_z(in->path_name), c->rpc->identity, on_cluster_backup, c, &error);
	if (r < 0)
		serve_finish(c, r);
	else
		await_end(c, on_backup_cancelled);
}

static void on_rueda_backup(void *data, int r, const struct set_info *info, const char *story)
{
	struct serve_call *c = data;
	struct rueda_Backup_out *out = c->out;
	char16_t name[sizeof(info->snapshot_name)];
	size_t len = 0;

	out->story = serve_story(c, story);
	if (r == 0) {
		for (; info->snapshot_name[len] != 0; len++)
			name[len] = (unsigned char)info->snapshot_name[len];
		out->snapshot = serve_dup(c, (struct u16){ name, len });
		out->bytes = info->bytes;
		out->keys = info->key_count;
		out->values = info->value_count;
		out->index = info->header.last;
		memcpy(out->db_digest, info->digest.bytes, sizeof(out->db_digest));
	}
	serve_finish(c, r);
}

void serve_rueda_backup(struct serve_call *c)
{
	const struct rueda_Backup_in *in = c->in;
	struct rueda_Backup_out *out = c->out;
	struct error error = { 0 };
	int r =
	    c->service->state != SERVICE_UP ? error_set_code(&error, ERR_SHARING_PAUSED, "cannot begin a backup") : 0;

	if (c->service->state == SERVICE_NO_CLUSTER)
		r = error_set_code(&error, ERR_CLUSTER_NOT_INSTALLED, "cannot begin a backup");
	if (r == 0)
		r = backup_start(c->service, u16_from_z(in->path), c->rpc->identity, on_rueda_backup, c, &error);
	if (r < 0) {
		out->story = serve_story(c, error.text);
		serve_finish(c, r);
		return;
	}
	await_end(c, on_backup_cancelled);
}

/* What opens or seals the cluster key, as the call brings it; it is wiped with the call. */
static struct seal_secret secret_of(uint32_t recovery, const uint8_t *bytes, uint32_t size)
{
	static_assert((int)SEAL_SECRET_PASSPHRASE == 1 && (int)SEAL_SECRET_PEM == 2, "as idl/rueda.idl says");
	return (struct seal_secret){ (enum seal_secret_kind)recovery, bytes, size };
}

static void on_restore(void *data, int r, const char *story)
{
	struct serve_call *c = data;
	struct rueda_Restore_out *out = c->out;

	out->story = serve_story(c, story);
	serve_finish(c, r);
}

void serve_rueda_restore(struct serve_call *c)
{
	const struct rueda_Restore_in *in = c->in;
	struct rueda_Restore_out *out = c->out;
	const struct restore_request request = {
		.path = u16_from_z(in->path),
		.force = (in->flags & 1) != 0,
		.plan = (in->flags & 2) != 0,
		.drive = in->drive,
		.as_node = u16_from_z(in->as_node),
		.as_new = u16_from_z(in->as_new),
		.secret = secret_of(in->recovery, in->secret, in->secret_size),
		.caller = c->rpc->identity,
	};
	struct error error = { 0 };
	int r = restore_start(c->service, &request, on_restore, c, &error);

	if (r < 0) {
		out->story = serve_story(c, error.text);
		serve_finish(c, r);
		return;
	}
	await_end(c, on_restore_cancelled);
}

static void on_checkpoints(void *data, int r, const char *story)
{
	struct serve_call *c = data;
	struct rueda_RestoreCheckpoints_out *out = c->out;

	out->story = serve_story(c, story);
	serve_finish(c, r);
}

void serve_rueda_restore_checkpoints(struct serve_call *c)
{
	const struct rueda_RestoreCheckpoints_in *in = c->in;
	struct rueda_RestoreCheckpoints_out *out = c->out;
	const struct restore_request request = {
		.path = u16_from_z(in->path),
		.force = (in->flags & 1) != 0,
		.plan = (in->flags & 2) != 0,
		.only = u16_from_z(in->resource),
		.caller = c->rpc->identity,
	};
	struct error error = { 0 };
	int r = request.only.len == 0 ? error_set(&error, ERR_INVALID_PARAMETER, "there is no name of a resource")
				      : restore_start(c->service, &request, on_checkpoints, c, &error);

	if (r < 0) {
		out->story = serve_story(c, error.text);
		serve_finish(c, r);
		return;
	}
	await_end(c, on_restore_cancelled);
}

static void on_created_up(void *data, int r, const struct error *error)
{
	struct serve_call *c = data;
	struct rueda_CreateCluster_out *out = c->out;

	if (r < 0)
		out->story = serve_story(c, error->text);
	serve_finish(c, r);
}

void serve_rueda_create_cluster(struct serve_call *c)
{
	const struct rueda_CreateCluster_in *in = c->in;
	struct rueda_CreateCluster_out *out = c->out;
	struct seal_secret secret = secret_of(in->recovery, in->secret, in->secret_size);
	struct error error = { 0 };
	int r = service_create_cluster(c->service, u16_from_z(in->name), &secret, &error);

	if (r < 0) {
		out->story = serve_story(c, error.text);
		serve_finish(c, r);
		return;
	}
	service_bring_up(c->service, on_created_up, c);
}

static void on_unsealed(void *data, int r, const char *story)
{
	struct serve_call *c = data;
	struct rueda_Unseal_out *out = c->out;

	out->story = serve_story(c, story);
	serve_finish(c, r);
}

void serve_rueda_unseal(struct serve_call *c)
{
	const struct rueda_Unseal_in *in = c->in;
	struct rueda_Unseal_out *out = c->out;
	struct seal_secret secret = secret_of(in->recovery, in->secret, in->secret_size);
	struct error error = { 0 };
	int r = unseal_start(c->service, &secret, on_unsealed, c, &error);

	if (r < 0) {
		out->story = serve_story(c, error.text);
		serve_finish(c, r);
	}
}

static void on_resealed(void *data, int r, const char *story)
{
	struct serve_call *c = data;
	struct rueda_Reseal_out *out = c->out;

	out->story = serve_story(c, story);
	serve_finish(c, r);
}

void serve_rueda_reseal(struct serve_call *c)
{
	const struct rueda_Reseal_in *in = c->in;
	struct rueda_Reseal_out *out = c->out;
	struct seal_secret secret = secret_of(in->recovery, in->secret, in->secret_size);
	struct error error = { 0 };
	int r = reseal_start(c->service, &secret, on_resealed, c, &error);

	if (r < 0) {
		out->story = serve_story(c, error.text);
		serve_finish(c, r);
	}
}
