/* state: what groups and resources are doing: who owns a group, what state a resource is in, where it runs, how often it
 * was restarted, and what happened to it last.
 *
 * Why      it must survive a restart and be the same on every node, but must not come back with a backup: what ran when
 *          the backup was made does not run now.
 * How      arrays in the order of ids, so that equal states have equal bytes.  Entries are made when something happens:
 *          a resource that nobody ever brought online has none, and a restored database needs none.
 * Promise  group_table_load() of what group_table_save() wrote gives the same bytes again.
 * Format   docs/formats/runtime.md       Threads  the loop thread.       Tests  tests/unit/group.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/state.h"
#include "base/error.h"
#include <string.h>

void group_table_done(struct group_table *t)
{
	free(t->resources);
	free(t->groups);
	free(t->paused);
	*t = (struct group_table){ 0 };
}

/* Both kinds of entries begin with their id. */
static_assert(offsetof(struct resource_run, id) == 0 && offsetof(struct group_run, id) == 0, "drop() and find() need it");

static uint32_t lower_bound(const void *all, uint32_t count, size_t size, const struct guid *id)
{
	uint32_t low = 0;

	while (low < count) {
		uint32_t middle = low + (count - low) / 2;

		if (memcmp((const uint8_t *)all + middle * size, id->bytes, sizeof(id->bytes)) < 0)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

static void *find(const void *all, uint32_t count, size_t size, const struct guid *id)
{
	uint32_t at = lower_bound(all, count, size, id);
	uint8_t *entry = (uint8_t *)(uintptr_t)all + at * size;

	return at < count && guid_equal((const struct guid *)(const void *)entry, id) ? entry : NULL;
}

/* Room for a new entry of that id in its place, zeroed but for the id. */
static void *insert(void **all, uint32_t *count, size_t size, const struct guid *id)
{
	uint32_t at = lower_bound(*all, *count, size, id);
	uint8_t *grown = realloc(*all, (*count + (size_t)1) * size);

	if (grown == NULL)
		return NULL;
	*all = grown;
	memmove(grown + (at + (size_t)1) * size, grown + at * size, (*count - at) * size);
	memset(grown + at * size, 0, size);
	memcpy(grown + at * size, id->bytes, sizeof(id->bytes));
	++*count;
	return grown + at * size;
}

static void drop(void *all, uint32_t *count, size_t size, const struct guid *id)
{
	uint8_t *entry = find(all, *count, size, id);

	if (entry == NULL)
		return;
	memmove(entry, entry + size, (size_t)((uint8_t *)all + *count * size - (entry + size)));
	--*count;
}

const struct resource_run *resource_run_find(const struct group_table *t, const struct guid *id)
{
	return find(t->resources, t->resource_count, sizeof(*t->resources), id);
}

const struct group_run *group_run_find(const struct group_table *t, const struct guid *id)
{
	return find(t->groups, t->group_count, sizeof(*t->groups), id);
}

struct resource_run *resource_run_get(struct group_table *t, const struct guid *id)
{
	struct resource_run *r = find(t->resources, t->resource_count, sizeof(*r), id);
	void *all = t->resources;

	if (r != NULL)
		return r;
	r = insert(&all, &t->resource_count, sizeof(*r), id);
	t->resources = all;
	if (r != NULL)
		r->state = RESOURCE_OFFLINE;
	return r;
}

struct group_run *group_run_get(struct group_table *t, const struct guid *id)
{
	struct group_run *g = find(t->groups, t->group_count, sizeof(*g), id);
	void *all = t->groups;

	if (g != NULL)
		return g;
	g = insert(&all, &t->group_count, sizeof(*g), id);
	t->groups = all;
	return g;
}

void resource_run_drop(struct group_table *t, const struct guid *id)
{
	drop(t->resources, &t->resource_count, sizeof(*t->resources), id);
}

void group_run_drop(struct group_table *t, const struct guid *id)
{
	drop(t->groups, &t->group_count, sizeof(*t->groups), id);
}

static uint32_t find_paused(const struct group_table *t, uint32_t node)
{
	uint32_t at = 0;

	while (at < t->paused_count && t->paused[at] < node)
		at++;
	return at;
}

bool node_is_paused(const struct group_table *t, uint32_t node)
{
	uint32_t at = find_paused(t, node);

	return at < t->paused_count && t->paused[at] == node;
}

int node_set_paused(struct group_table *t, uint32_t node, bool paused)
{
	uint32_t at = find_paused(t, node), *grown;

	if (node_is_paused(t, node) == paused)
		return 0;
	if (!paused) {
		t->paused_count--;
		memmove(t->paused + at, t->paused + at + 1, (t->paused_count - at) * sizeof(*t->paused));
		return 0;
	}
	grown = realloc(t->paused, (t->paused_count + (size_t)1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	t->paused = grown;
	memmove(grown + at + 1, grown + at, (t->paused_count - at) * sizeof(*grown));
	grown[at] = node;
	t->paused_count++;
	return 0;
}

/* The saved form. */

static void save_resource(const struct resource_run *r, struct buf *out)
{
	uint32_t len = (uint32_t)u16_from_z(r->text).len;

	buf_append(out, r->id.bytes, sizeof(r->id.bytes));
	buf_u32(out, r->state);
	buf_u8(out, r->failing);
	buf_u8(out, r->recycle);
	buf_u8(out, r->stuck);
	buf_u32(out, r->node);
	buf_u64(out, r->incarnation);
	buf_u64(out, r->operation);
	buf_u32(out, r->sequence);
	buf_u32(out, r->status);
	buf_u32(out, r->restarts);
	buf_u64(out, r->restarts_since);
	buf_u64(out, r->wake);
	buf_u32(out, r->history_count);
	for (uint32_t i = 0; i < r->history_count; i++) {
		buf_u64(out, r->history[i].time);
		buf_u32(out, r->history[i].state);
		buf_u32(out, r->history[i].reason);
		buf_u32(out, r->history[i].status);
		buf_u32(out, r->history[i].node);
	}
	buf_u32(out, len);
	for (uint32_t i = 0; i < len; i++)
		buf_u16(out, r->text[i]);
	buf_u8(out, r->held);
}

void group_table_save(const struct group_table *t, struct buf *out)
{
	buf_u32(out, t->resource_count);
	for (uint32_t i = 0; i < t->resource_count; i++)
		save_resource(&t->resources[i], out);
	buf_u32(out, t->group_count);
	for (uint32_t i = 0; i < t->group_count; i++) {
		const struct group_run *g = &t->groups[i];

		buf_append(out, g->id.bytes, sizeof(g->id.bytes));
		buf_u32(out, g->owner);
		buf_u32(out, g->target);
		buf_u32(out, g->sequence);
		buf_u32(out, g->failovers);
		buf_u64(out, g->failovers_since);
		buf_u64(out, g->moved);
		buf_u32(out, g->drained);
		buf_u32(out, g->failback);
		buf_u32(out, g->failback_now);
	}
	buf_u32(out, t->paused_count);
	for (uint32_t i = 0; i < t->paused_count; i++)
		buf_u32(out, t->paused[i]);
}

enum { RESOURCE_BYTES_LEAST = 79, GROUP_BYTES_LEAST = 48, VERSION_OF_FAILBACK = 3 };

static void load_id(struct cursor *c, struct guid *id)
{
	const uint8_t *bytes = cursor_bytes(c, sizeof(id->bytes));

	if (bytes != NULL)
		memcpy(id->bytes, bytes, sizeof(id->bytes));
}

static bool load_flag(struct cursor *c)
{
	uint8_t flag = cursor_u8(c);

	if (flag > 1)
		cursor_fail(c);
	return flag == 1;
}

static bool is_state(uint32_t state)
{
	return state == RESOURCE_ONLINE || state == RESOURCE_OFFLINE || state == RESOURCE_FAILED ||
	       state == RESOURCE_ONLINE_PENDING || state == RESOURCE_OFFLINE_PENDING;
}

static void load_resource(struct resource_run *r, struct cursor *c, uint32_t version)
{
	uint32_t state, len;

	load_id(c, &r->id);
	state = cursor_u32(c);
	r->state = (enum resource_state)state;
	r->failing = load_flag(c);
	r->recycle = load_flag(c);
	r->stuck = load_flag(c);
	r->node = cursor_u32(c);
	r->incarnation = cursor_u64(c);
	r->operation = cursor_u64(c);
	r->sequence = cursor_u32(c);
	r->status = cursor_u32(c);
	r->restarts = cursor_u32(c);
	r->restarts_since = cursor_u64(c);
	r->wake = cursor_u64(c);
	r->history_count = cursor_u32(c);
	if (!is_state(state) || r->history_count > RESOURCE_HISTORY) {
		r->history_count = 0;
		cursor_fail(c);
	}
	for (uint32_t i = 0; i < r->history_count; i++) {
		struct resource_event *e = &r->history[i];

		e->time = cursor_u64(c);
		e->state = cursor_u32(c);
		e->reason = cursor_u32(c);
		e->status = cursor_u32(c);
		e->node = cursor_u32(c);
	}
	len = cursor_u32(c);
	if (len > RESOURCE_TEXT_MAX) {
		cursor_fail(c);
		return;
	}
	for (uint32_t i = 0; i < len; i++)
		if ((r->text[i] = cursor_u16(c)) == 0)
			cursor_fail(c);
	if (version >= VERSION_OF_FAILBACK)
		r->held = load_flag(c);
}

/* How many entries of at least that size follow; 0 and a failed cursor if there cannot be so many. */
static uint32_t load_count(struct cursor *c, size_t least)
{
	uint32_t count = cursor_u32(c);

	if (count > cursor_left(c) / least) {
		cursor_fail(c);
		return 0;
	}
	return count;
}

static bool is_after(const struct guid *a, const struct guid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) > 0;
}

int group_table_load(struct group_table *t, struct cursor *c, uint32_t version)
{
	uint32_t count = load_count(c, RESOURCE_BYTES_LEAST);

	t->resources = calloc(count + (size_t)1, sizeof(*t->resources));
	if (t->resources == NULL)
		return -ENOMEM;
	for (; t->resource_count < count; t->resource_count++) {
		struct resource_run *r = &t->resources[t->resource_count];

		load_resource(r, c, version);
		if (t->resource_count > 0 && !is_after(&r->id, &r[-1].id))
			cursor_fail(c);
	}
	count = load_count(c, GROUP_BYTES_LEAST);
	t->groups = calloc(count + (size_t)1, sizeof(*t->groups));
	if (t->groups == NULL)
		return -ENOMEM;
	for (; t->group_count < count; t->group_count++) {
		struct group_run *g = &t->groups[t->group_count];

		load_id(c, &g->id);
		g->owner = cursor_u32(c);
		g->target = cursor_u32(c);
		g->sequence = cursor_u32(c);
		g->failovers = cursor_u32(c);
		g->failovers_since = cursor_u64(c);
		g->moved = cursor_u64(c);
		if (version >= VERSION_OF_FAILBACK) {
			g->drained = cursor_u32(c);
			g->failback = cursor_u32(c);
			g->failback_now = cursor_u32(c) != 0;
		}
		if (t->group_count > 0 && !is_after(&g->id, &g[-1].id))
			cursor_fail(c);
	}
	count = load_count(c, 4);
	t->paused = calloc(count + (size_t)1, sizeof(*t->paused));
	if (t->paused == NULL)
		return -ENOMEM;
	for (; t->paused_count < count; t->paused_count++) {
		t->paused[t->paused_count] = cursor_u32(c);
		if (t->paused_count > 0 && t->paused[t->paused_count] <= t->paused[t->paused_count - 1])
			cursor_fail(c);
	}
	return 0;
}
