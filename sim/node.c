/* node: one file or directory of a simulated medium: its bytes and attributes in two columns, current and durable, and
 * the queue of changes between them.
 *
 * How      current is what programs read.  Each write and change of length is applied to current and queued; a sync
 *          replays the queue on durable, a power cut or a failed sync replays a selection of it, some writes only in
 *          part.  All memory that this needs is reserved when the change is made, so neither can fail.
 *          Of attributes there is no queue: all that were set since the last sync are durable together, or none.
 * Threads  one.     Limits  memory; SIM_XATTR_MAX bytes of extended attributes.
 * Tests    tests/unit/sim_disk.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/node.h"
#include "base/bytes.h"
#include "sim/medium.h"

static int store_reserve(struct store *st, uint64_t size)
{
	size_t capacity = MAX((size_t)size, MIN(st->capacity * 2, st->capacity + (16u << 20)));
	uint8_t *data;

	if (size <= st->capacity)
		return 0;
	data = realloc(st->data, capacity);
	if (data == NULL)
		return -ENOMEM;
	st->data = data;
	st->capacity = capacity;
	return 0;
}

static void store_resize(struct store *st, uint64_t size)
{
	assert(size <= st->capacity);
	if (size > st->len)
		memset(st->data + st->len, 0, (size_t)size - st->len);
	st->len = (size_t)size;
}

static void store_write(struct store *st, uint64_t offset, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (offset + len > st->len)
		store_resize(st, offset + len);
	memcpy(st->data + offset, data, len);
}

static void store_apply(struct store *st, const struct unsynced *u)
{
	if (u->resize)
		store_resize(st, u->offset);
	else
		store_write(st, u->offset, u->data, u->len);
}

static uint64_t charge_of(uint64_t len)
{
	return SIM_SECTOR + ALIGN_UP(len, (uint64_t)SIM_SECTOR); /* The node itself takes one sector. */
}

void node_recharge(struct node *n)
{
	uint64_t charge = n->links > 0 || n->opens > 0 ? charge_of(n->current.len) : 0;

	n->medium->used += charge - n->charged;
	n->charged = charge;
}

/* The largest length that the file can have now. */
static uint64_t size_limit(const struct node *n)
{
	const struct medium *m = n->medium;
	uint64_t others = m->used - n->charged;

	if (others + SIM_SECTOR >= m->capacity)
		return 0;
	return (m->capacity - others - SIM_SECTOR) / SIM_SECTOR * SIM_SECTOR;
}

int node_new(struct medium *m, enum disk_kind kind, uint32_t mode, struct node **ret)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return -ENOMEM;
	*n = (struct node){ .medium = m, .refs = 1, .kind = kind, .next = m->nodes };
	n->attributes = n->durable_attributes = (struct attributes){ .mode = mode & 07777, .time = m->time };
	n->unsynced_end = &n->unsynced;
	if (m->nodes != NULL)
		m->nodes->previous = n;
	m->nodes = n;
	*ret = n;
	return 0;
}

struct node *node_ref(struct node *n)
{
	n->refs++;
	return n;
}

static void drop_unsynced(struct node *n)
{
	while (n->unsynced != NULL) {
		struct unsynced *u = n->unsynced;

		n->unsynced = u->next;
		free(u);
	}
	n->unsynced_end = &n->unsynced;
}

void node_unref(struct node *n)
{
	if (n == NULL || --n->refs > 0)
		return;
	entries_free(n);
	n->medium->used -= n->charged;
	*(n->previous != NULL ? &n->previous->next : &n->medium->nodes) = n->next;
	if (n->next != NULL)
		n->next->previous = n->previous;
	drop_unsynced(n);
	free(n->current.data);
	free(n->durable.data);
	free(n);
}

void node_opened(struct node *n)
{
	n->opens++;
	node_recharge(n);
}

void node_closed(struct node *n)
{
	assert(n->opens > 0);
	n->opens--;
	node_recharge(n);
}

/* Do a change now, and queue it. */
static int node_change(struct node *n, bool resize, uint64_t offset, const void *data, size_t len)
{
	uint64_t end = resize ? offset : len == 0 ? 0 : offset + len;
	struct unsynced *u;

	if (store_reserve(&n->current, end) < 0 || store_reserve(&n->durable, end) < 0)
		return -ENOMEM;
	u = malloc(sizeof(*u) + len);
	if (u == NULL)
		return -ENOMEM;
	*u = (struct unsynced){ .resize = resize, .offset = offset, .len = len };
	if (len > 0)
		memcpy(u->data, data, len);
	*n->unsynced_end = u;
	n->unsynced_end = &u->next;
	store_apply(&n->current, u);
	n->attributes.time = n->medium->time;
	node_recharge(n);
	return 0;
}

int node_write(struct node *n, uint64_t offset, const void *data, size_t len)
{
	uint64_t limit = MAX(size_limit(n), (uint64_t)n->current.len);
	int r = 0;

	if (offset + len > limit) {
		r = -ENOSPC;
		len = offset < limit ? (size_t)(limit - offset) : 0;
	}
	if (len > 0 && node_change(n, false, offset, data, len) < 0)
		return -ENOMEM;
	return r;
}

int node_resize(struct node *n, uint64_t size)
{
	if (size > n->current.len && size > size_limit(n))
		return -ENOSPC;
	return size == n->current.len ? 0 : node_change(n, true, size, NULL, 0);
}

void node_sync_attributes(struct node *n)
{
	n->durable_attributes = n->attributes;
	n->attributes_changed = false;
}

void node_sync(struct node *n)
{
	for (const struct unsynced *u = n->unsynced; u != NULL; u = u->next)
		store_apply(&n->durable, u);
	if (n->unsynced != NULL || n->attributes_changed)
		node_sync_attributes(n);
	drop_unsynced(n);
}

/* Sectors that a write touches are old or new, each by chance; one may be garbage. */
static void store_tear(struct store *st, const struct unsynced *u, struct medium *m)
{
	uint64_t end = u->offset + u->len, first = u->offset / SIM_SECTOR, last = (end - 1) / SIM_SECTOR;
	uint64_t ruined = m->garbage != SIM_DISK_NO_GARBAGE ? rng_between(&m->rng, first, last) : UINT64_MAX;

	for (uint64_t sector = first; sector <= last; sector++) {
		uint64_t from = MAX(sector * SIM_SECTOR, u->offset), to = MIN((sector + 1) * SIM_SECTOR, end);

		if (sector == ruined) {
			if (to > st->len)
				store_resize(st, to);
			if (m->garbage == SIM_DISK_GARBAGE_SECTOR) {
				from = sector * SIM_SECTOR;
				to = MIN((sector + 1) * SIM_SECTOR, (uint64_t)st->len);
			}
			rng_fill(&m->rng, st->data + from, (size_t)(to - from));
		} else if (rng_chance(&m->rng, 50)) {
			store_write(st, from, u->data + (from - u->offset), (size_t)(to - from));
		}
	}
}

/* Decide about each unsynced change: keep percent of them are durable whole, the others dropped or torn. */
void node_settle(struct node *n, unsigned keep)
{
	struct rng *g = &n->medium->rng;

	if (n->unsynced != NULL)
		n->lost = true;
	for (const struct unsynced *u = n->unsynced; u != NULL; u = u->next) {
		uint64_t end = u->offset + u->len;

		if (rng_chance(g, keep)) {
			store_apply(&n->durable, u);
			continue;
		}
		if (u->resize)
			continue;
		if (keep > 0 && rng_chance(g, 50))
			store_tear(&n->durable, u, n->medium);
		/* A file system may have kept the new length without the data. */
		if (end > n->durable.len && rng_chance(g, 25))
			store_resize(&n->durable, end);
	}
	drop_unsynced(n);
	if (n->attributes_changed && rng_chance(g, keep))
		node_sync_attributes(n);
	n->attributes_changed = false;
}

void node_sync_failed(struct node *n)
{
	node_settle(n, medium_draw_keep(&n->medium->rng));
}

void node_drop_cache(struct node *n)
{
	if (!n->lost)
		return;
	n->current.len = 0;
	store_write(&n->current, 0, n->durable.data, n->durable.len);
	for (const struct unsynced *u = n->unsynced; u != NULL; u = u->next)
		store_apply(&n->current, u);
	n->lost = false;
	node_recharge(n);
}

/* As after a restart: what is durable, and nobody has it open. */
void node_show_durable(struct node *n)
{
	assert(n->unsynced == NULL);
	node_drop_cache(n);
	n->attributes = n->durable_attributes;
	node_forget_process(n);
}

void node_forget_process(struct node *n)
{
	n->opens = 0;
	n->lock = NULL;
	node_recharge(n);
}

size_t attributes_find(const struct attributes *a, const char *name, size_t *ret_size)
{
	size_t at = 0;

	*ret_size = 0;
	while (at < a->xattr_len) {
		const char *found = (const char *)a->xattr + at;
		size_t name_size = strlen(found) + 1;

		*ret_size = name_size + 2 + get_le16(found + name_size);
		if (strcmp(found, name) == 0)
			return at;
		at += *ret_size;
	}
	*ret_size = 0;
	return at;
}

int attributes_put(struct attributes *a, const char *name, const void *value, size_t len)
{
	size_t old_size, at = attributes_find(a, name, &old_size), name_size = strlen(name) + 1;

	if (len > SIM_XATTR_MAX || a->xattr_len - old_size + name_size + 2 + len > SIM_XATTR_MAX)
		return -ENOSPC;
	memmove(a->xattr + at, a->xattr + at + old_size, a->xattr_len - at - old_size);
	a->xattr_len -= old_size;
	memcpy(a->xattr + a->xattr_len, name, name_size);
	put_le16(a->xattr + a->xattr_len + name_size, (uint16_t)len);
	if (len > 0)
		memcpy(a->xattr + a->xattr_len + name_size + 2, value, len);
	a->xattr_len += name_size + 2 + len;
	return 0;
}
