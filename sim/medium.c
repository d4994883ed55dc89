/* medium: files and names in two columns, current and durable, and the changes that separate them.
 *
 * Why      after a power cut a disk holds what was synced and a chance selection of the rest.  To say which, every change
 *          is kept apart, as it was made, until a sync or a power cut decides about it.
 * How      current is what programs read.  Each write and resize is applied to current and queued at its node; a sync
 *          replays the queue on durable; a power cut replays a selection.  Names likewise: an entry has two columns, and
 *          one queue for the whole medium holds the name changes in order, since a rename may touch two directories.
 *          All memory that a sync or a power cut needs is reserved when the change is made, so neither can fail.
 *          A change of names is about one file: a removal or the first half of a rename that is replayed takes away the
 *          name only if it stands for that file.  A rename between directories is two changes, but the old name never
 *          goes before the new one is there.
 * Not kept Directories do not move between parents (-EXDEV), so that no selection can make a circle.
 * Threads  one.     Limits  memory; SIM_XATTR_MAX bytes of attributes a file.
 * Tests    tests/unit/sim_disk.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/medium.h"
#include "base/bytes.h"

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

static void recharge(struct node *n)
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

static int node_new(struct medium *m, enum disk_kind kind, uint32_t mode, struct node **ret)
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

static void set_current(struct entry *e, struct node *n)
{
	struct node *old = e->current;

	e->current = n;
	if (n != NULL) {
		node_ref(n)->links++;
		recharge(n);
	}
	if (old != NULL) {
		old->links--;
		recharge(old);
	}
	node_unref(old);
}

static void set_durable(struct entry *e, struct node *n)
{
	struct node *old = e->durable;

	e->durable = n != NULL ? node_ref(n) : NULL;
	node_unref(old);
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
	while (n->entries != NULL) {
		struct entry *e = n->entries;

		assert(e->pending == 0);
		n->entries = e->next;
		set_current(e, NULL);
		set_durable(e, NULL);
		free(e);
	}
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
	recharge(n);
}

void node_closed(struct node *n)
{
	assert(n->opens > 0);
	n->opens--;
	recharge(n);
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
	recharge(n);
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

static void sync_attributes(struct node *n)
{
	n->durable_attributes = n->attributes;
	n->attributes_changed = false;
}

void node_sync(struct node *n)
{
	for (const struct unsynced *u = n->unsynced; u != NULL; u = u->next)
		store_apply(&n->durable, u);
	drop_unsynced(n);
	sync_attributes(n);
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
static void settle_data(struct node *n, unsigned keep)
{
	struct rng *g = &n->medium->rng;

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
		sync_attributes(n);
	n->attributes_changed = false;
}

/* How much of the unsynced work survives this time.  The ends matter: all but one write, or just one of them. */
static unsigned draw_keep(struct rng *g)
{
	static const unsigned percent[] = { 0, 10, 50, 90, 100 };

	return percent[rng_below(g, ARRAY_SIZE(percent))];
}

void node_sync_failed(struct node *n)
{
	if (n->unsynced != NULL)
		n->lost = true;
	settle_data(n, draw_keep(&n->medium->rng));
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
	recharge(n);
}

struct entry *medium_find(const struct node *directory, const char *name)
{
	for (struct entry *e = directory->entries; e != NULL; e = e->next)
		if (e->current != NULL && strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

void entry_pin(struct entry *e)
{
	node_ref(e->parent);
	e->pending++;
}

static void entry_purge(struct entry *e)
{
	struct entry **at = &e->parent->entries;

	if (e->current != NULL || e->durable != NULL || e->pending > 0)
		return;
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	free(e);
}

void entry_unpin(struct entry *e)
{
	struct node *parent = e->parent;

	assert(e->pending > 0);
	e->pending--;
	entry_purge(e);
	node_unref(parent);
}

/* The entry of a name, made if neither column has one yet; the caller pins it. */
static struct entry *entry_get(struct node *directory, const char *name)
{
	size_t size = strlen(name) + 1;
	struct entry *e, **at = &directory->entries;

	for (e = directory->entries; e != NULL; e = e->next)
		if (strcmp(e->name, name) == 0)
			return e;
	e = malloc(sizeof(*e) + size);
	if (e == NULL)
		return NULL;
	if (*at != NULL && rng_chance(&directory->medium->rng, 50))
		at = &(*at)->next; /* Listings have no order that anyone may rely on. */
	*e = (struct entry){ .next = *at, .parent = directory };
	memcpy(e->name, name, size);
	*at = e;
	return e;
}

/* Queue a change of names and do it in the current column. */
static int change_names(struct node *node, struct node *to_directory, const char *to, struct entry *from)
{
	struct medium *m = node->medium;
	struct name_change *c = malloc(sizeof(*c));
	struct entry *to_entry = c == NULL || to == NULL ? NULL : entry_get(to_directory, to);

	if (c == NULL || (to != NULL && to_entry == NULL)) {
		free(c);
		return -ENOMEM;
	}
	*c = (struct name_change){ .node = node_ref(node), .to = to_entry, .from = from };
	c->atomic = to != NULL && from != NULL && from->parent == to_directory;
	*m->changes_end = c;
	m->changes_end = &c->next;
	if (to != NULL) {
		entry_pin(to_entry);
		set_current(to_entry, node);
		to_directory->attributes.time = m->time;
	}
	if (from != NULL) {
		entry_pin(from);
		set_current(from, NULL);
		from->parent->attributes.time = m->time;
	}
	return 0;
}

int medium_walk(struct node *root, const char *name, struct node **ret_parent, const char **ret_last)
{
	struct node *n = root;

	for (;;) {
		char component[DISK_NAME_MAX + 1];
		size_t len = strcspn(name, "/");
		const struct entry *e;

		if (n->kind != DISK_DIRECTORY)
			return -ENOTDIR;
		if (name[len] == 0)
			break;
		assert(len <= DISK_NAME_MAX);
		memcpy(component, name, len);
		component[len] = 0;
		e = medium_find(n, component);
		if (e == NULL)
			return -ENOENT;
		n = e->current;
		name += len + 1;
	}
	*ret_parent = n;
	*ret_last = name;
	return 0;
}

int medium_lookup(struct node *root, const char *name, struct node **ret)
{
	struct node *parent;
	const struct entry *e;
	const char *last;
	int r;

	if (*name == 0) {
		*ret = root;
		return 0;
	}
	r = medium_walk(root, name, &parent, &last);
	if (r < 0)
		return r;
	e = medium_find(parent, last);
	if (e == NULL)
		return -ENOENT;
	*ret = e->current;
	return 0;
}

int medium_create(struct node *directory, const char *name, enum disk_kind kind, uint32_t mode, struct node **ret)
{
	struct medium *m = directory->medium;
	struct node *n;
	int r;

	if (medium_find(directory, name) != NULL)
		return -EEXIST;
	if (m->used + SIM_SECTOR > m->capacity)
		return -ENOSPC;
	r = node_new(m, kind, mode, &n);
	if (r < 0)
		return r;
	r = change_names(n, directory, name, NULL);
	node_unref(n); /* The entry has its own. */
	if (r == 0)
		*ret = n;
	return r;
}

static bool is_empty(const struct node *directory)
{
	for (const struct entry *e = directory->entries; e != NULL; e = e->next)
		if (e->current != NULL)
			return false;
	return true;
}

int medium_remove(struct node *directory, const char *name)
{
	struct entry *e = medium_find(directory, name);

	if (e == NULL)
		return -ENOENT;
	if (e->current->kind == DISK_DIRECTORY && !is_empty(e->current))
		return -ENOTEMPTY;
	return change_names(e->current, NULL, NULL, e);
}

int medium_rename(struct node *from_directory, const char *from, struct node *to_directory, const char *to)
{
	struct entry *e = medium_find(from_directory, from), *replaced = medium_find(to_directory, to);

	if (e == NULL)
		return -ENOENT;
	if (e == replaced)
		return 0;
	if (e->current->kind == DISK_DIRECTORY && from_directory != to_directory)
		return -EXDEV;
	if (replaced != NULL && replaced->current->kind != e->current->kind)
		return replaced->current->kind == DISK_DIRECTORY ? -EISDIR : -ENOTDIR;
	if (replaced != NULL && !is_empty(replaced->current))
		return -ENOTEMPTY;
	return change_names(e->current, to_directory, to, e);
}

static void finish_to(struct name_change *c, bool apply)
{
	struct entry *e = TAKE_PTR(c->to);

	if (e == NULL)
		return;
	if (apply)
		set_durable(e, c->node);
	entry_unpin(e);
}

static void finish_from(struct name_change *c, bool apply)
{
	struct entry *e = TAKE_PTR(c->from);

	if (e == NULL)
		return;
	if (apply && e->durable == c->node)
		set_durable(e, NULL);
	entry_unpin(e);
}

/* Remove a change that is decided from the queue; true if it was. */
static bool retire(struct medium *m, struct name_change **at)
{
	struct name_change *c = *at;

	if (c->to != NULL || c->from != NULL)
		return false;
	*at = c->next;
	if (c->next == NULL)
		m->changes_end = at;
	node_unref(c->node);
	free(c);
	return true;
}

static bool touches(const struct entry *e, const struct node *directory)
{
	return e != NULL && e->parent == directory;
}

void medium_sync_directory(struct node *directory)
{
	struct medium *m = directory->medium;

	for (struct name_change **at = &m->changes; *at != NULL;) {
		struct name_change *c = *at;

		if (touches(c->from, directory)) {
			finish_to(c, true); /* The file must not lose its only name. */
			finish_from(c, true);
		} else if (touches(c->to, directory)) {
			finish_to(c, true);
		}
		if (!retire(m, at))
			at = &c->next;
	}
	sync_attributes(directory);
}

/* Make a change durable, half durable or undone by chance. */
static void settle_names(struct name_change *c, struct rng *g, unsigned keep)
{
	bool arrived = c->to == NULL || rng_chance(g, keep), left = arrived && (c->atomic || rng_chance(g, keep));

	finish_to(c, arrived);
	finish_from(c, left);
}

void medium_sync_directory_failed(struct node *directory)
{
	struct medium *m = directory->medium;
	unsigned keep = draw_keep(&m->rng);

	for (struct name_change **at = &m->changes; *at != NULL;) {
		struct name_change *c = *at;

		if (touches(c->from, directory) || touches(c->to, directory))
			settle_names(c, &m->rng, keep);
		if (!retire(m, at))
			at = &c->next;
	}
}

/* Each node in turn, whatever is freed meanwhile. */
static void each_node(struct medium *m, void (*visit)(struct node *n))
{
	struct node *next;

	for (struct node *n = m->nodes; n != NULL; n = n->next)
		node_ref(n);
	for (struct node *n = m->nodes; n != NULL; n = next) {
		visit(n);
		next = n->next;
		node_unref(n);
	}
}

static void forget_process(struct node *n)
{
	n->opens = 0;
	n->lock = NULL;
	recharge(n);
}

/* The durable column becomes the current one. */
static void show_durable(struct node *n)
{
	struct entry *next;

	for (struct entry *e = n->entries; e != NULL; e = next) {
		next = e->next;
		set_current(e, e->durable);
		entry_purge(e);
	}
	n->current.len = 0;
	store_write(&n->current, 0, n->durable.data, n->durable.len);
	n->attributes = n->durable_attributes;
	n->lost = false;
	forget_process(n);
}

void medium_power_cut(struct medium *m)
{
	unsigned keep = draw_keep(&m->rng);

	while (m->changes != NULL) {
		settle_names(m->changes, &m->rng, keep);
		(void)retire(m, &m->changes);
	}
	for (struct node *n = m->nodes; n != NULL; n = n->next)
		settle_data(n, keep);
	each_node(m, show_durable);
}

static void maybe_evict(struct node *n)
{
	if (n->lost && rng_chance(&n->medium->rng, 50))
		node_drop_cache(n);
	forget_process(n);
}

void medium_process_death(struct medium *m)
{
	each_node(m, maybe_evict);
}

uint64_t medium_unsynced(const struct medium *m)
{
	uint64_t count = 0;

	for (const struct name_change *c = m->changes; c != NULL; c = c->next)
		count++;
	for (const struct node *n = m->nodes; n != NULL; n = n->next) {
		count += n->attributes_changed;
		for (const struct unsynced *u = n->unsynced; u != NULL; u = u->next)
			count++;
	}
	return count;
}

int medium_init(struct medium *m, uint64_t seed)
{
	int r;

	*m = (struct medium){ .capacity = 1u << 30, .time = 133000000000000000u }; /* Some day in 2022. */
	m->changes_end = &m->changes;
	rng_init(&m->rng, seed);
	r = node_new(m, DISK_DIRECTORY, 0700, &m->root);
	if (r == 0)
		m->root->links = 1; /* It always has its place. */
	return r;
}

void medium_done(struct medium *m)
{
	while (m->changes != NULL) {
		finish_to(m->changes, false);
		finish_from(m->changes, false);
		(void)retire(m, &m->changes);
	}
	node_unref(m->root);
	m->root = NULL;
	assert(m->nodes == NULL);
}
