/* medium: the names of a simulated disk in two columns, current and durable, and the changes that separate them.
 *
 * Why      after a power cut a disk holds what was synced and a chance selection of the rest.  To say which, every
 *          change is kept apart, as it was made, until a sync or a power cut decides about it.
 * How      an entry has two columns; one queue for the whole medium holds the changes of names in order, since a rename
 *          may touch two directories.  Data is kept likewise by each node (sim/node.c).
 *          A change of names is about one file: a removal, or the first half of a rename, takes away the durable name
 *          only if that stands for the same file.  A rename between directories is two changes, but the old name never
 *          goes before the new one is there.
 * Not kept Directories do not move between parents (-EXDEV), so that no selection can make a circle.
 * Threads  one.     Limits  memory.
 * Tests    tests/unit/sim_disk.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/medium.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include <inttypes.h>
#include <stdio.h>

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

static void set_current(struct entry *e, struct node *n)
{
	struct node *old = e->current;

	e->current = n;
	if (n != NULL) {
		node_ref(n)->links++;
		node_recharge(n);
	}
	if (old != NULL) {
		old->links--;
		node_recharge(old);
	}
	node_unref(old);
}

static void set_durable(struct entry *e, struct node *n)
{
	struct node *old = e->durable;

	e->durable = n != NULL ? node_ref(n) : NULL;
	node_unref(old);
}

void entries_free(struct node *directory)
{
	while (directory->entries != NULL) {
		struct entry *e = directory->entries;

		assert(e->pending == 0);
		directory->entries = e->next;
		set_current(e, NULL);
		set_durable(e, NULL);
		free(e);
	}
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
	node_sync_attributes(directory);
}

/* How much of the unsynced work survives this time.  The ends matter: all but one write, or just one of them. */
unsigned medium_draw_keep(struct rng *g)
{
	static const unsigned percent[] = { 0, 10, 50, 90, 100 };

	return percent[rng_below(g, ARRAY_SIZE(percent))];
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
	unsigned keep = medium_draw_keep(&m->rng);

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

/* The durable column becomes the current one. */
static void show_durable(struct node *n)
{
	struct entry *next;

	for (struct entry *e = n->entries; e != NULL; e = next) {
		next = e->next;
		set_current(e, e->durable);
		entry_purge(e);
	}
	node_show_durable(n);
}

void medium_power_cut(struct medium *m)
{
	unsigned keep = medium_draw_keep(&m->rng);

	while (m->changes != NULL) {
		settle_names(m->changes, &m->rng, keep);
		(void)retire(m, &m->changes);
	}
	for (struct node *n = m->nodes; n != NULL; n = n->next)
		node_settle(n, keep);
	each_node(m, show_durable);
}

static void maybe_evict(struct node *n)
{
	if (n->lost && rng_chance(&n->medium->rng, 50))
		node_drop_cache(n);
	node_forget_process(n);
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

static int compare_entries(const void *a, const void *b)
{
	return strcmp((*(const struct entry *const *)a)->name, (*(const struct entry *const *)b)->name);
}

int medium_describe(const struct node *directory, const char *path, struct buf *text)
{
	_cleanup_free_ const struct entry **entries = NULL;
	size_t count = 0;
	int r = 0;

	for (const struct entry *e = directory->entries; e != NULL; e = e->next)
		count += e->current != NULL;
	entries = malloc((count + 1) * sizeof(const struct entry *));
	if (entries == NULL)
		return -ENOMEM;
	count = 0;
	for (const struct entry *e = directory->entries; e != NULL; e = e->next)
		if (e->current != NULL)
			entries[count++] = e;
	qsort(entries, count, sizeof(const struct entry *), compare_entries);
	for (size_t i = 0; i < count && r == 0; i++) {
		const struct node *n = entries[i]->current;
		char line[DISK_PATH_MAX + 64], below[DISK_PATH_MAX + 1];

		if (snprintf(below, sizeof(below), "%s%s%s", path, *path == 0 ? "" : "/", entries[i]->name) >=
		    (int)sizeof(below))
			return -ENAMETOOLONG;
		if (n->kind == DISK_DIRECTORY)
			(void)snprintf(line, sizeof(line), "%s/ %04o\n", below, n->attributes.mode);
		else
			(void)snprintf(line, sizeof(line), "%s %04o %zu %08x\n", below, n->attributes.mode,
			    n->current.len, crc32c(0, n->current.data, n->current.len));
		buf_append(text, line, strlen(line));
		if (n->kind == DISK_DIRECTORY)
			r = medium_describe(n, below, text);
	}
	return r < 0 ? r : text->error;
}
