/* core: cluster_apply() and the state that it works on; cluster.h says what it promises.
 *
 * How      a command is decoded (idl/command.idl), its id accepted once, and handed to one function, which checks it
 *          against the state, changes the database and appends what it did to the evaluated batch.  A negative result
 *          becomes the command's Windows status; only -ENOMEM goes up, and ends the process.
 * Unknown  a command of a kind or version that this program does not know would make replicas differ if it were skipped
 *          here and carried out elsewhere: it ends the process.
 * Tests    tests/unit/cluster.c, tests/sim/replica.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/log.h"
#include "cluster/changes.h"
#include "cluster/checkpoint/checkpoint.h"
#include "cluster/cluster.h"
#include "cluster/db/regbatch.h"
#include "cluster/group/apply.h"
#include "cluster/group/policy.h"
#include "cluster/group/relate.h"
#include "cluster/network/order.h"
#include "cluster/network/report.h"
#include "cluster/object/edit.h"
#include "cluster/object/property.h"
#include "cluster/runtime.h"
#include "wire/command.h"
#include <inttypes.h>
#include <string.h>

struct cluster {
	struct db *db;
	struct runtime runtime;
	size_t key_len;
	uint8_t key[CLUSTER_KEY_MAX]; /* Sealed. */
};

int cluster_new(struct db *db, struct cluster **ret)
{
	struct cluster *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		db_free(db);
		return -ENOMEM;
	}
	c->db = db;
	*ret = c;
	return 0;
}

void cluster_begin_at(struct cluster *c, uint64_t index)
{
	assert(c->runtime.applied == 0);
	c->runtime.applied = index;
}

void cluster_free(struct cluster *c)
{
	if (c == NULL)
		return;
	runtime_done(&c->runtime);
	db_free(c->db);
	free(c);
}

void cluster_result_done(struct cluster_result *r)
{
	buf_done(&r->batch);
	buf_done(&r->notification);
	free(r->changes);
	r->changes = NULL;
	db_snapshot_unref(r->before);
	r->before = NULL;
	arena_done(&r->arena);
}

/* The registry. */

enum { DISPOSITION_CREATED = 1, DISPOSITION_OPENED = 2 };

static int apply_reg_batch(struct cluster *c, const struct command_RegBatch *m, struct cluster_result *ret)
{
	struct db_regbatch_result result = { 0 };
	int r = db_regbatch_apply(c->db, u16_from_z(m->key), m->batch, m->batch_size, m->time, m->flags, &result);

	ret->failed_command = result.failed_command;
	if (r == 0) {
		ret->disposition = result.created ? DISPOSITION_CREATED : DISPOSITION_OPENED;
		ret->batch = result.batch;
		ret->notification = result.notification;
		ret->notification_lost = result.notification_lost;
		ret->notification_key = arena_dup_u16(&ret->arena, u16_from_z(m->key));
		return ret->notification_key != NULL ? 0 : -ENOMEM;
	}
	db_regbatch_result_done(&result);
	return r;
}

/* Objects. */

static bool is_kind(uint32_t kind)
{
	return kind >= OBJECT_NODE && kind <= OBJECT_INTERFACE;
}

static int apply_object_create(struct cluster *c, const struct command_ObjectCreate *m, struct cluster_result *ret)
{
	struct object_creation o = {
		.kind = (enum object_kind)m->kind,
		.name = u16_from_z(m->name),
		.id = m->id,
		.group_id = m->group_id,
		.type_name = u16_from_z(m->type_name),
		.display_name = u16_from_z(m->display_name),
		.looks_alive_ms = m->looks_alive_ms,
		.is_alive_ms = m->is_alive_ms,
		.flags = m->flags,
		.time = m->time,
	};

	return is_kind(m->kind) ? object_create(c->db, &o, &ret->batch) : ERR_INVALID_PARAMETER;
}

static int apply_object_delete(struct cluster *c, const struct command_ObjectDelete *m, struct cluster_result *ret)
{
	struct u16 id = u16_from_z(m->id);
	int r;

	if (!is_kind(m->kind))
		return ERR_INVALID_PARAMETER;
	r = group_may_delete(c->db, &c->runtime, (enum object_kind)m->kind, id);
	if (r == 0)
		r = object_delete(c->db, (enum object_kind)m->kind, id, m->flags, m->time, &ret->batch);
	if (r == 0)
		group_forget_deleted(c->db, &c->runtime);
	return r;
}

static int apply_object_rename(struct cluster *c, const struct command_ObjectRename *m, struct cluster_result *ret)
{
	if (!is_kind(m->kind))
		return ERR_INVALID_PARAMETER;
	return object_rename(
	    c->db, (enum object_kind)m->kind, u16_from_z(m->id), u16_from_z(m->name), m->time, &ret->batch);
}

static int apply_properties_set(struct cluster *c, const struct command_PropertiesSet *m, struct cluster_result *ret)
{
	return property_set(
	    c->db, m->kind, u16_from_z(m->id), m->is_private, m->list, m->list_size, m->time, &ret->batch);
}

static int apply_quorum_set(struct cluster *c, const struct command_QuorumSet *m, struct cluster_result *ret)
{
	struct u16 path = m->path != NULL ? u16_from_z(m->path) : (struct u16){ 0 };

	return cluster_set_quorum(c->db, &m->resource, path, m->max_log_size, m->time, &ret->batch);
}

/* Backups: one at a time in the whole cluster. */

static int apply_backup_begin(struct cluster *c, const struct command_BackupBegin *m, uint64_t incarnation)
{
	struct cluster_backup_state *b = &c->runtime.backup;
	int r;

	if (b->running)
		return ERR_CLUSTER_BACKUP_IN_PROGRESS;
	r = runtime_set_backup_path(&c->runtime, u16_from_z(m->path));
	if (r < 0)
		return r;
	b->running = true;
	b->id = m->id;
	b->incarnation = incarnation;
	b->started = m->time;
	b->ended = 0;
	b->status = 0;
	return 0;
}

static int apply_backup_end(struct cluster *c, const struct command_BackupEnd *m)
{
	struct cluster_backup_state *b = &c->runtime.backup;

	if (!b->running || !guid_equal(&b->id, &m->id))
		return ERR_INVALID_STATE;
	b->running = false;
	b->ended = m->time;
	b->status = m->status;
	return 0;
}

/* Replicas compare themselves with the owner.  Looked at before the command's own id is accepted, which changes the
 * runtime state: the owner drew its digests before there was one. */
static int check_digests(const struct cluster *c, const struct command_Check *m)
{
	struct digest database = db_digest(c->db), runtime;
	int r;

	if (m->index != c->runtime.applied)
		return 0; /* Something else came between. */
	r = cluster_runtime_digest(c, &runtime);
	if (r < 0)
		return r;
	if (memcmp(database.bytes, m->db_digest, SHA256_LEN) != 0)
		return ERR_CLUSTER_DATABASE_SEQMISMATCH;
	/* The same state has another digest in the form of another version: a log that an older program wrote. */
	if (m->runtime_version == CLUSTER_RUNTIME_VERSION && memcmp(runtime.bytes, m->runtime_digest, SHA256_LEN) != 0)
		return ERR_CLUSTER_DATABASE_SEQMISMATCH;
	return 0;
}

/* What a resource works with is not changed under it. */
static int apply_checkpoints_restore(
    struct cluster *c, const struct command_CheckpointsRestore *m, struct cluster_result *ret)
{
	if (resource_is_active(resource_run_find(&c->runtime.groups, &m->resource)))
		return ERR_RESOURCE_ONLINE;
	return checkpoint_restore(c->db, m, c->runtime.applied + 1, &ret->batch);
}

/* The sealed cluster key. */

enum { KEY_ID_AT = 8, KEY_ID_LEN = 16 }; /* docs/formats/sealed-key.md */

void cluster_set_key(struct cluster *c, const uint8_t *sealed, size_t len)
{
	assert(len <= CLUSTER_KEY_MAX);
	c->key_len = len;
	if (len > 0)
		memcpy(c->key, sealed, len);
}

const uint8_t *cluster_key(const struct cluster *c, size_t *ret_len)
{
	*ret_len = c->key_len;
	return c->key;
}

/* Whoever sealed it looked at the key that was there; by now it may be another one, which must not be lost. */
static int apply_cluster_key(struct cluster *c, const struct command_ClusterKey *m, struct cluster_result *ret)
{
	static const uint8_t none[KEY_ID_LEN];
	bool has_id = c->key_len >= KEY_ID_AT + KEY_ID_LEN;

	if (m->sealed_size < KEY_ID_AT + KEY_ID_LEN || m->sealed_size > CLUSTER_KEY_MAX)
		return ERR_INVALID_PARAMETER;
	if (memcmp(m->replaces, has_id ? c->key + KEY_ID_AT : none, KEY_ID_LEN) != 0)
		return ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED;
	cluster_set_key(c, m->sealed, m->sealed_size);
	ret->key_changed = true;
	return 0;
}

static int apply_command(struct cluster *c, const struct command *m, uint64_t incarnation, struct cluster_result *ret)
{
	struct group_machine machine = { c->db, &c->runtime, c->runtime.applied + 1, ret };

	switch ((enum command_kind)m->kind) {
	case COMMAND_REG_BATCH:
		return apply_reg_batch(c, &m->reg_batch, ret);
	case COMMAND_OBJECT_CREATE:
		return apply_object_create(c, &m->object_create, ret);
	case COMMAND_OBJECT_DELETE:
		return apply_object_delete(c, &m->object_delete, ret);
	case COMMAND_OBJECT_RENAME:
		return apply_object_rename(c, &m->object_rename, ret);
	case COMMAND_RESOURCE_MOVE:
		return group_move_resource(c->db, &c->runtime, u16_from_z(m->resource_move.resource_id),
		    u16_from_z(m->resource_move.group_id), m->resource_move.time, &ret->batch);
	case COMMAND_CLUSTER_RENAME:
		return cluster_rename(c->db, u16_from_z(m->cluster_rename.name), m->cluster_rename.time, &ret->batch);
	case COMMAND_BACKUP_BEGIN:
		return apply_backup_begin(c, &m->backup_begin, incarnation);
	case COMMAND_BACKUP_END:
		return apply_backup_end(c, &m->backup_end);
	case COMMAND_CHECK:
		return 0; /* check_digests() has been done. */
	case COMMAND_PROPERTIES_SET:
		return apply_properties_set(c, &m->properties_set, ret);
	case COMMAND_TICK:
		c->runtime.elapsed_ns += m->tick.elapsed_ns;
		return 0;
	case COMMAND_RESOURCE_REQUEST:
		return group_apply_resource_request(&machine, &m->resource_request);
	case COMMAND_GROUP_REQUEST:
		return group_apply_group_request(&machine, &m->group_request);
	case COMMAND_NODE_REQUEST:
		return group_apply_node_request(&machine, &m->node_request);
	case COMMAND_RESOURCE_REPORT:
		return group_apply_report(&machine, &m->resource_report);
	case COMMAND_DECIDE:
		return group_apply_decision(&machine, &m->decide);
	case COMMAND_RESOURCE_DEPEND:
		return group_apply_depend(c->db, &c->runtime, &m->resource_depend, &ret->batch);
	case COMMAND_OBJECT_NODES:
		return group_apply_nodes(c->db, &m->object_nodes, &ret->batch);
	case COMMAND_CHECKPOINT_ADD:
		return checkpoint_add(c->db, &m->checkpoint_add, machine.index, &ret->batch);
	case COMMAND_CHECKPOINT_DELETE:
		return checkpoint_delete(c->db, &m->checkpoint_delete, &ret->batch);
	case COMMAND_CHECKPOINT_SAVED:
		return checkpoint_saved(c->db, &m->checkpoint_saved, machine.index, &ret->batch);
	case COMMAND_NODE_INTERFACES:
		if (cluster_node_up(c, m->node_interfaces.node) != incarnation)
			return ERR_INVALID_STATE; /* A life of the node that is over. */
		return network_report(c->db, &c->runtime.interfaces, &m->node_interfaces, &ret->batch);
	case COMMAND_NETWORK_ORDER:
		return network_order(c->db, &m->network_order, &ret->batch);
	case COMMAND_QUORUM_SET:
		return apply_quorum_set(c, &m->quorum_set, ret);
	case COMMAND_CHECKPOINTS_RESTORE:
		return apply_checkpoints_restore(c, &m->checkpoints_restore, ret);
	case COMMAND_CLUSTER_KEY:
		return apply_cluster_key(c, &m->cluster_key, ret);
	}
	return -EPROTONOSUPPORT;
}

/* Commands after which nothing runs in another way, whatever they change. */
static bool leaves_runtime_alone(uint32_t kind)
{
	switch ((enum command_kind)kind) {
	case COMMAND_REG_BATCH:
	case COMMAND_OBJECT_CREATE:
	case COMMAND_OBJECT_RENAME:
	case COMMAND_CLUSTER_RENAME:
	case COMMAND_BACKUP_BEGIN:
	case COMMAND_BACKUP_END:
	case COMMAND_CHECK:
	case COMMAND_PROPERTIES_SET:
	case COMMAND_TICK:
	case COMMAND_OBJECT_NODES:
	case COMMAND_NETWORK_ORDER:
	case COMMAND_QUORUM_SET:
	case COMMAND_CLUSTER_KEY:
		return true;
	default:
		return false;
	}
}

/* Most changes of the database are none of the policy's business, and looking at all groups takes its time. */
static bool is_settled(uint32_t kind, const struct db_key *before, const struct db_key *after)
{
	return leaves_runtime_alone(kind) && kind != COMMAND_TICK && !group_policy_sees(before, after);
}

/* The command, and what it comes to for who is to be told. */
static int apply_and_compare(
    struct cluster *c, const struct command *m, uint64_t incarnation, struct cluster_result *ret)
{
	struct changes_before before;
	int r = changes_begin(&before, c->db, &c->runtime, !leaves_runtime_alone(m->kind));

	if (r < 0)
		return r;
	r = apply_command(c, m, incarnation, ret);
	if (r == 0 && ret->batch.error == 0) {
		ret->settled = is_settled(m->kind, db_snapshot_root(before.database), db_root(c->db));
		return changes_end(&before, c->db, &c->runtime, ret);
	}
	changes_abandon(&before);
	return r;
}

/* An id is accepted only once the command is known to be one for this program: else the runtime state would say that it
 * has been carried out, and a newer program would pass it over. */
static int apply_proposal(struct cluster *c, const struct cluster_event *event, struct cluster_result *ret)
{
	struct arena arena = { 0 };
	struct command command;
	int decoded = ndr_message_pull(&command_messages, event->bytes, event->len, &arena, &command), r = decoded;
	int checked = decoded == 0 && command.kind == COMMAND_CHECK ? check_digests(c, &command.check) : 0;

	if (checked == -ENOMEM)
		r = -ENOMEM;
	if (r != -ENOMEM && r != -EPROTONOSUPPORT) {
		r = runtime_accept(&c->runtime, event->incarnation, event->counter);
		ret->repeated = r == 0;
		if (r > 0)
			r = decoded == 0 ? apply_and_compare(c, &command, event->incarnation, ret) : decoded;
		if (r == 0 && !ret->repeated) {
			r = checked;
			ret->differs = checked < 0;
		}
	}
	if (r == 0 && (ret->batch.error != 0 || ret->notification.error != 0))
		r = -ENOMEM;
	arena_done(&arena);
	return r;
}

/* A node's new life ends the one that it had. */
static int apply_joined(struct cluster *c, const struct cluster_event *event, struct cluster_result *ret)
{
	struct group_machine machine = { c->db, &c->runtime, event->index, ret };
	uint64_t before = cluster_node_up(c, event->node);
	int r = before != 0 && before != event->incarnation ? group_apply_node_lost(&machine, before) : 0;

	if (r == 0)
		r = runtime_node_up(&c->runtime, event->node, event->incarnation);
	if (r == 0)
		group_apply_node_joined(&machine, event->node);
	return r;
}

static int apply_lost(struct cluster *c, const struct cluster_event *event, struct cluster_result *ret)
{
	struct group_machine machine = { c->db, &c->runtime, event->index, ret };

	runtime_node_down(&c->runtime, event->node, event->incarnation);
	return group_apply_node_lost(&machine, event->incarnation);
}

static int apply_node(struct cluster *c, const struct cluster_event *event, struct cluster_result *ret)
{
	struct changes_before before;
	int r = changes_begin(&before, c->db, &c->runtime, true);

	if (r < 0)
		return r;
	r = event->kind == CLUSTER_NODE_JOINED ? apply_joined(c, event, ret) : apply_lost(c, event, ret);
	if (r == 0)
		return changes_end(&before, c->db, &c->runtime, ret);
	changes_abandon(&before);
	return r;
}

int cluster_apply(struct cluster *c, const struct cluster_event *event, struct cluster_result *ret)
{
	struct runtime *runtime = &c->runtime;
	int r = 0;

	assert(event->index == runtime->applied + 1);
	ret->failed_command = -1;
	switch (event->kind) {
	case CLUSTER_COMMAND:
		r = apply_proposal(c, event, ret);
		break;
	case CLUSTER_OWNER_ELECTED:
		runtime->owner = event->node;
		runtime->term = event->term;
		break;
	case CLUSTER_NODE_JOINED:
	case CLUSTER_NODE_LOST:
		r = apply_node(c, event, ret);
		break;
	}
	if (r == -ENOMEM || r == -EPROTONOSUPPORT)
		return r;
	ret->status = error_to_win32(r);
	runtime->applied = event->index;
	trace("event %" PRIu64 ": kind %d status %" PRIu32, event->index, (int)event->kind, ret->status);
	return 0;
}

struct db *cluster_db(struct cluster *c)
{
	return c->db;
}

const struct runtime *cluster_runtime(const struct cluster *c)
{
	return &c->runtime;
}

uint64_t cluster_applied(const struct cluster *c)
{
	return c->runtime.applied;
}

const struct cluster_backup_state *cluster_backup(const struct cluster *c)
{
	return &c->runtime.backup;
}

uint32_t cluster_owner(const struct cluster *c, uint64_t *ret_term)
{
	if (ret_term != NULL)
		*ret_term = c->runtime.term;
	return c->runtime.owner;
}

const struct group_table *cluster_groups(const struct cluster *c)
{
	return &c->runtime.groups;
}

int cluster_decide(const struct cluster *c, unsigned hour, struct command_Decide *ret, size_t max)
{
	return group_policy(db_root(c->db), &c->runtime, hour, ret, max);
}

bool cluster_waits_for_hour(const struct cluster *c)
{
	return group_policy_waits_for_hour(db_root(c->db), &c->runtime);
}

uint64_t cluster_deadline(const struct cluster *c)
{
	return group_policy_deadline(db_root(c->db), &c->runtime);
}

uint64_t cluster_elapsed(const struct cluster *c)
{
	return c->runtime.elapsed_ns;
}

uint64_t cluster_node_up(const struct cluster *c, uint32_t node)
{
	for (size_t i = 0; i < c->runtime.up_count; i++)
		if (c->runtime.up[i].node == node)
			return c->runtime.up[i].incarnation;
	return 0;
}

void cluster_runtime_save(const struct cluster *c, struct buf *out)
{
	runtime_save(&c->runtime, out);
}

int cluster_runtime_load(struct cluster *c, const void *bytes, size_t len, struct error *error)
{
	return runtime_load(&c->runtime, bytes, len, error);
}

int cluster_runtime_digest(const struct cluster *c, struct digest *ret)
{
	struct buf b = { 0 };
	int r;

	runtime_save(&c->runtime, &b);
	buf_append(&b, c->key, c->key_len);
	r = b.error;
	if (r == 0)
		*ret = sha256_of(b.data, b.len);
	buf_done(&b);
	return r;
}
