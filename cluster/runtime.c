/* runtime: the replicated state that is not configuration: the owner and its term, which nodes are up, the last command
 * of each incarnation, the running and the last backup, what groups and resources do (group/state.h).
 *
 * Why      it is as replicated as the database and must survive a restart, but it must not come back with a backup: a
 *          restored cluster has no owner, no running backup, and no memory of commands of another generation.
 * How      plain arrays, sorted, so that equal states have equal bytes; saved beside each checkpoint of the database.
 * Promise  runtime_load() of what runtime_save() wrote gives the same bytes again; anything else is refused or harmless.
 * Limits   one entry of 16 bytes for each start of each node, for ever: that is what "applied once, for ever" costs.
 * Format   docs/formats/runtime.md       Threads  the loop thread.       Tests  tests/unit/cluster.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/runtime.h"
#include <string.h>

enum { RUNTIME_VERSION = CLUSTER_RUNTIME_VERSION, RUNTIME_PATH_MAX = 32767 };

void runtime_done(struct runtime *r)
{
	free(r->incarnations);
	free(r->up);
	free(r->backup_path);
	group_table_done(&r->groups);
	interface_table_done(&r->interfaces);
	*r = (struct runtime){ 0 };
}

/* Where an incarnation is, or would be, in the sorted array. */
static size_t lower_bound(const struct runtime_incarnation *all, size_t count, uint64_t incarnation)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (all[middle].incarnation < incarnation)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

int runtime_accept(struct runtime *r, uint64_t incarnation, uint64_t counter)
{
	size_t at = lower_bound(r->incarnations, r->incarnation_count, incarnation);
	struct runtime_incarnation *grown;

	if (at < r->incarnation_count && r->incarnations[at].incarnation == incarnation) {
		if (counter <= r->incarnations[at].counter)
			return 0;
		r->incarnations[at].counter = counter;
		return 1;
	}
	grown = realloc(r->incarnations, (r->incarnation_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	r->incarnations = grown;
	memmove(grown + at + 1, grown + at, (r->incarnation_count - at) * sizeof(*grown));
	grown[at] = (struct runtime_incarnation){ incarnation, counter };
	r->incarnation_count++;
	return 1;
}

static size_t find_node(const struct runtime *r, uint32_t node)
{
	size_t at = 0;

	while (at < r->up_count && r->up[at].node < node)
		at++;
	return at;
}

static void end_backup_of(struct runtime *r, uint64_t incarnation)
{
	if (r->backup.running && r->backup.incarnation == incarnation) {
		r->backup.running = false;
		r->backup.status = error_to_win32(ERR_RPC_S_CALL_FAILED);
	}
}

bool runtime_is_up(const struct runtime *r, uint32_t node)
{
	size_t at = find_node(r, node);

	return at < r->up_count && r->up[at].node == node;
}

int runtime_node_up(struct runtime *r, uint32_t node, uint64_t incarnation)
{
	size_t at = find_node(r, node);
	struct runtime_node *grown;

	if (at < r->up_count && r->up[at].node == node) {
		/* A new life: whatever notice there was of the end of the old one, it is over. */
		end_backup_of(r, r->up[at].incarnation);
		r->up[at].incarnation = incarnation;
		interface_table_forget_node(&r->interfaces, node);
		return 0;
	}
	grown = realloc(r->up, (r->up_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	r->up = grown;
	memmove(grown + at + 1, grown + at, (r->up_count - at) * sizeof(*grown));
	grown[at] = (struct runtime_node){ node, incarnation };
	r->up_count++;
	return 0;
}

void runtime_node_down(struct runtime *r, uint32_t node, uint64_t incarnation)
{
	size_t at = find_node(r, node);

	end_backup_of(r, incarnation);
	if (at == r->up_count || r->up[at].node != node || r->up[at].incarnation != incarnation)
		return; /* A late notice of a life that has long been followed by another. */
	interface_table_forget_node(&r->interfaces, node);
	memmove(r->up + at, r->up + at + 1, (r->up_count - at - 1) * sizeof(*r->up));
	r->up_count--;
}

int runtime_set_backup_path(struct runtime *r, struct u16 path)
{
	char16_t *copy;

	if (path.len > RUNTIME_PATH_MAX)
		return ERR_FILENAME_EXCED_RANGE; /* runtime_load() would refuse it. */
	copy = u16_dup(path);
	if (copy == NULL)
		return -ENOMEM;
	free(r->backup_path);
	r->backup_path = copy;
	r->backup.path = (struct u16){ copy, path.len };
	return 0;
}

void runtime_save(const struct runtime *r, struct buf *out)
{
	buf_u32(out, RUNTIME_VERSION);
	buf_u64(out, r->applied);
	buf_u32(out, r->owner);
	buf_u64(out, r->term);
	buf_u64(out, r->elapsed_ns);
	buf_u32(out, (uint32_t)r->incarnation_count);
	for (size_t i = 0; i < r->incarnation_count; i++) {
		buf_u64(out, r->incarnations[i].incarnation);
		buf_u64(out, r->incarnations[i].counter);
	}
	buf_u32(out, (uint32_t)r->up_count);
	for (size_t i = 0; i < r->up_count; i++) {
		buf_u32(out, r->up[i].node);
		buf_u64(out, r->up[i].incarnation);
	}
	buf_u8(out, r->backup.running);
	buf_append(out, r->backup.id.bytes, sizeof(r->backup.id.bytes));
	buf_u64(out, r->backup.incarnation);
	buf_u64(out, r->backup.started);
	buf_u64(out, r->backup.ended);
	buf_u32(out, r->backup.status);
	buf_u32(out, (uint32_t)r->backup.path.len);
	for (size_t i = 0; i < r->backup.path.len; i++)
		buf_u16(out, r->backup.path.units[i]);
	group_table_save(&r->groups, out);
	interface_table_save(&r->interfaces, out);
}

static int load_incarnations(struct runtime *r, struct cursor *c)
{
	uint32_t count = cursor_u32(c);

	if (count > cursor_left(c) / 16) {
		cursor_fail(c);
		return 0;
	}
	r->incarnations = calloc(count + (size_t)1, sizeof(*r->incarnations));
	if (r->incarnations == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct runtime_incarnation *new = &r->incarnations[r->incarnation_count++];

		*new = (struct runtime_incarnation){ cursor_u64(c), 0 };
		new->counter = cursor_u64(c);
		if (i > 0 && new->incarnation <= new[-1].incarnation)
			cursor_fail(c);
	}
	return 0;
}

static int load_nodes(struct runtime *r, struct cursor *c)
{
	uint32_t count = cursor_u32(c);

	if (count > cursor_left(c) / 12) {
		cursor_fail(c);
		return 0;
	}
	r->up = calloc(count + (size_t)1, sizeof(*r->up));
	if (r->up == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct runtime_node *new = &r->up[r->up_count++];

		*new = (struct runtime_node){ cursor_u32(c), 0 };
		new->incarnation = cursor_u64(c);
		if (i > 0 && new->node <= new[-1].node)
			cursor_fail(c);
	}
	return 0;
}

static int load_backup(struct runtime *r, struct cursor *c)
{
	const uint8_t *id;
	uint32_t len;
	char16_t *path;

	r->backup.running = cursor_u8(c) != 0;
	id = cursor_bytes(c, sizeof(r->backup.id.bytes));
	if (id != NULL)
		memcpy(r->backup.id.bytes, id, sizeof(r->backup.id.bytes));
	r->backup.incarnation = cursor_u64(c);
	r->backup.started = cursor_u64(c);
	r->backup.ended = cursor_u64(c);
	r->backup.status = cursor_u32(c);
	len = cursor_u32(c);
	if (len > RUNTIME_PATH_MAX || len > cursor_left(c) / 2) {
		cursor_fail(c);
		return 0;
	}
	path = malloc((len + (size_t)1) * sizeof(*path));
	if (path == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < len; i++)
		path[i] = cursor_u16(c);
	path[len] = 0;
	r->backup_path = path;
	r->backup.path = (struct u16){ path, len };
	return 0;
}

int runtime_load(struct runtime *r, const void *bytes, size_t len, struct error *error)
{
	struct cursor c = cursor_make(bytes, len);
	struct runtime new = { 0 };
	uint32_t version = cursor_u32(&c);
	int status;

	if (version < 1 || version > RUNTIME_VERSION)
		return error_set(error, ERR_INVALID_DATA, "runtime state of version %u, this program reads 1 to %u",
		    version, RUNTIME_VERSION);
	new.applied = cursor_u64(&c);
	new.owner = cursor_u32(&c);
	new.term = cursor_u64(&c);
	new.elapsed_ns = cursor_u64(&c);
	status = load_incarnations(&new, &c);
	if (status == 0)
		status = load_nodes(&new, &c);
	if (status == 0)
		status = load_backup(&new, &c);
	if (status == 0 && version > 1)
		status = group_table_load(&new.groups, &c, version);
	if (status == 0 && version > 2)
		status = interface_table_load(&new.interfaces, &c);
	if (status == 0 && (c.error != 0 || cursor_left(&c) != 0))
		status = error_set(error, ERR_INVALID_DATA, "runtime state is damaged near byte %zu", c.pos);
	if (status < 0) {
		runtime_done(&new);
		return status;
	}
	runtime_done(r);
	*r = new;
	return 0;
}
