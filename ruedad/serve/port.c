/* port: what a client wants to be told, and what has happened that it has not fetched yet.
 *
 * Why      who watches the cluster must see every change once, in order, and a client that does not fetch must not fill
 *          the memory of the service.
 * How      filters say with which key an event is told; it is queued once for each that lets it through.  An event is one
 *          block of memory that the queues share.  A queue has a limit: what does not fit is dropped, and the last event
 *          that did is replaced by one that says so (CLUSTER_RECONNECT in version 1, LOST_NOTIFICATIONS in version 2), under
 *          the key of the first filter that asks for that one, else of the first filter.
 * Version 1 has coarser events: several of version 2 map to one of its bits (port_v1_bit()), which is then queued once for
 *          an object and an event of the log.
 * Registry events of keys are made here, from the evaluated batch: their names are relative to the filter's key.  Of keys
 *          whose descriptor does not let the client be told, he hears nothing.
 * Threads  the loop thread.     Limits  PORT_FILTERS_MAX, queue_max, PORT_BYTES_MAX.
 * Source   MS-CMRP 3.1.4.2.56 and after          Tests  tests/unit/port.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/port.h"
#include "cluster/cluster.h"
#include "cluster/db/batch.h"
#include <string.h>

/* How far back a doubled event of version 1 is looked for: the changes of one object are together. */
enum { LOOK_BACK = 64 };

/* What there is. */

uint32_t port_v1_bit(uint32_t type, uint32_t what)
{
	// clang-format off
	static const struct {
		uint32_t type, what, bit;
	} rows[] = {
		{ CHANGE_NODE, CHANGE_NODE_STATE, 0x1 },
		{ CHANGE_NODE, CHANGE_NODE_DELETED, 0x2 },
		{ CHANGE_CLUSTER, CHANGE_CLUSTER_NODE_ADDED, 0x4 },
		{ CHANGE_NODE, CHANGE_NODE_COMMON | CHANGE_NODE_PRIVATE, 0x8 },
		{ CHANGE_REGISTRY, CHANGE_REGISTRY_NAME, PORT_V1_REGISTRY_NAME },
		{ CHANGE_REGISTRY, CHANGE_REGISTRY_ATTRIBUTES, PORT_V1_REGISTRY_ATTRIBUTES },
		{ CHANGE_REGISTRY, CHANGE_REGISTRY_VALUE, PORT_V1_REGISTRY_VALUE },
		{ CHANGE_RESOURCE, CHANGE_RESOURCE_STATE, 0x100 },
		{ CHANGE_RESOURCE, CHANGE_RESOURCE_DELETED, 0x200 },
		{ CHANGE_GROUP, CHANGE_GROUP_RESOURCE_ADDED, 0x400 },
		{ CHANGE_RESOURCE, CHANGE_RESOURCE_COMMON | CHANGE_RESOURCE_PRIVATE | CHANGE_RESOURCE_OWNER_GROUP |
		      CHANGE_RESOURCE_DEPENDENCIES | CHANGE_RESOURCE_DEPENDENTS | CHANGE_RESOURCE_POSSIBLE_OWNERS, 0x800 },
		/* The move of a group to another node has no bit of its own. */
		{ CHANGE_GROUP, CHANGE_GROUP_STATE | CHANGE_GROUP_OWNER_NODE, 0x1000 },
		{ CHANGE_GROUP, CHANGE_GROUP_DELETED, 0x2000 },
		{ CHANGE_CLUSTER, CHANGE_CLUSTER_GROUP_ADDED, 0x4000 },
		{ CHANGE_GROUP, CHANGE_GROUP_COMMON | CHANGE_GROUP_PRIVATE | CHANGE_GROUP_PREFERRED_OWNERS |
		      CHANGE_GROUP_RESOURCE_GAINED | CHANGE_GROUP_RESOURCE_LOST, 0x8000 },
		{ CHANGE_TYPE, CHANGE_DELETED, 0x10000 },
		{ CHANGE_CLUSTER, CHANGE_CLUSTER_TYPE_ADDED, 0x20000 },
		{ CHANGE_TYPE, CHANGE_COMMON | CHANGE_PRIVATE, 0x40000 },
		{ CHANGE_CLUSTER, CHANGE_CLUSTER_LOST, PORT_V1_RECONNECT },
		{ CHANGE_NETWORK, CHANGE_STATE, 0x100000 },
		{ CHANGE_NETWORK, CHANGE_DELETED, 0x200000 },
		{ CHANGE_CLUSTER, CHANGE_CLUSTER_NETWORK_ADDED, 0x400000 },
		{ CHANGE_NETWORK, CHANGE_COMMON | CHANGE_PRIVATE, 0x800000 },
		{ CHANGE_INTERFACE, CHANGE_STATE, 0x1000000 },
		{ CHANGE_INTERFACE, CHANGE_DELETED, 0x2000000 },
		{ CHANGE_NODE, CHANGE_NODE_INTERFACE_ADDED, 0x4000000 },
		{ CHANGE_INTERFACE, CHANGE_COMMON | CHANGE_PRIVATE, 0x8000000 },
		{ CHANGE_CLUSTER, CHANGE_CLUSTER_COMMON | CHANGE_CLUSTER_PRIVATE | CHANGE_CLUSTER_RENAME, 0x40000000 },
	};
	// clang-format on

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == type && (rows[i].what & what) != 0)
			return rows[i].bit;
	return 0;
}

uint32_t port_v1_state(uint32_t type)
{
	return type == CHANGE_NODE        ? 0x1
	       : type == CHANGE_RESOURCE  ? 0x100
	       : type == CHANGE_GROUP     ? 0x1000
	       : type == CHANGE_NETWORK   ? 0x100000
	       : type == CHANGE_INTERFACE ? 0x1000000
					  : 0;
}

uint64_t port_v2_flags(uint32_t type)
{
	/* All that the protocol has, but for what clients make themselves (handle closed, reconnected, state). */
	static const uint64_t flags[CHANGE_TYPES_MAX + 1] = {
		[CHANGE_CLUSTER] = 0x1ff4,
		[CHANGE_GROUP] = 0x1ff,
		[CHANGE_RESOURCE] = 0x5ff,
		[CHANGE_TYPE] = 0x3f,
		[CHANGE_INTERFACE] = 0xf,
		[CHANGE_NETWORK] = 0xf,
		[CHANGE_NODE] = 0x7f,
		[CHANGE_REGISTRY] = 0xf,
		[CHANGE_QUORUM] = 0x1,
		[10] = 0x7,  /* Shared volumes, … */
		[11] = 0x1,  /* … storage spaces, … */
		[12] = 0x7,  /* … upgrades, … */
		[13] = 0xff, /* … and group sets: may be asked for, and do not happen yet. */
	};

	return type < ARRAY_SIZE(flags) ? flags[type] : 0;
}

/* Filters. */

void port_init(struct port *p, unsigned version, size_t queue_max)
{
	assert(queue_max >= 2);
	*p = (struct port){ .version = version, .queue_max = queue_max };
}

void port_done(struct port *p)
{
	while (p->count > 0)
		port_take(p);
	for (size_t i = 0; i < p->filter_count; i++)
		free((char16_t *)p->filters[i].target.units);
	free(p->filters);
	free(p->entries);
	*p = (struct port){ 0 };
}

static struct port_entry *entry_at(const struct port *p, size_t i)
{
	return &p->entries[(p->first + i) % p->capacity];
}

static bool grow(struct port *p)
{
	size_t capacity = MIN(MAX(p->capacity * 2, (size_t)8), p->queue_max);
	struct port_entry *entries;

	if (p->count < p->capacity)
		return true;
	entries = malloc(capacity * sizeof(*entries));
	if (entries == NULL)
		return false;
	for (size_t i = 0; i < p->count; i++)
		entries[i] = *entry_at(p, i);
	free(p->entries);
	p->entries = entries;
	p->capacity = capacity;
	p->first = 0;
	return true;
}

int port_filter(struct port *p, const struct port_filter *f)
{
	char16_t *target;

	if (p->filter_count == PORT_FILTERS_MAX)
		return ERR_TOO_MANY_OPEN_FILES;
	if (!grow(p)) /* From now on there is room to say at least that events were lost. */
		return -ENOMEM;
	if (p->filter_count == p->filter_capacity) {
		size_t capacity = MAX(p->filter_capacity * 2, (size_t)4);
		struct port_filter *grown = realloc(p->filters, capacity * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		p->filters = grown;
		p->filter_capacity = capacity;
	}
	target = u16_dup(f->target);
	if (target == NULL)
		return -ENOMEM;
	p->filters[p->filter_count] = *f;
	p->filters[p->filter_count++].target = (struct u16){ target, f->target.len };
	return 0;
}

/* Events. */

static void event_unref(struct port_event *e)
{
	if (e != NULL && --e->references == 0)
		free(e);
}

static const char16_t *put_text(char16_t **to, const char16_t *text)
{
	struct u16 s = u16_from_z(text);
	char16_t *at = *to;

	if (s.len > 0)
		memcpy(at, s.units, s.len * sizeof(char16_t));
	at[s.len] = 0;
	*to += s.len + 1;
	return at;
}

/* One block: the event, its texts, its data.  NULL without memory. */
static struct port_event *event_new(const struct cluster_change *c)
{
	size_t units = u16_from_z(c->about).len + u16_from_z(c->id).len + u16_from_z(c->parent).len +
		       u16_from_z(c->name).len + u16_from_z(c->type_name).len + 5;
	size_t size = units * sizeof(char16_t) + c->len;
	struct port_event *e = malloc(sizeof(*e) + size);
	char16_t *at;

	if (e == NULL)
		return NULL;
	*e = (struct port_event){
		.references = 1, .v1 = port_v1_bit(c->type, c->what), .size = sizeof(*e) + size, .change = *c
	};
	at = (char16_t *)(e + 1);
	e->change.about = put_text(&at, c->about);
	e->change.id = put_text(&at, c->id);
	e->change.parent = put_text(&at, c->parent);
	e->change.name = put_text(&at, c->name);
	e->change.type_name = put_text(&at, c->type_name);
	e->change.data = c->len > 0 ? memcpy(at, c->data, c->len) : NULL;
	return e;
}

/* Queueing. */

static uint32_t lost_key(const struct port *p)
{
	uint64_t asks = p->version == 1 ? (uint64_t)PORT_V1_RECONNECT : (uint64_t)CHANGE_CLUSTER_LOST;
	uint32_t type = p->version == 1 ? 0 : CHANGE_CLUSTER;

	for (size_t i = 0; i < p->filter_count; i++)
		if (p->filters[i].type == type && (p->filters[i].flags & asks) != 0)
			return p->filters[i].notify_key;
	return p->filter_count > 0 ? p->filters[0].notify_key : 0;
}

/* There is always one: it needs no memory when events are dropped for want of it. */
static struct port_event *lost_event(void)
{
	static struct port_event lost = { .references = 1,
		.v1 = PORT_V1_RECONNECT,
		.change = { .type = CHANGE_CLUSTER,
		    .what = CHANGE_CLUSTER_LOST,
		    .about = u"",
		    .id = u"",
		    .parent = u"",
		    .name = u"",
		    .type_name = u"" } };

	return &lost;
}

/* In the place of the newest, which is dropped with all that did not fit; behind one that says the same already there is no
 * need for another. */
static void lose(struct port *p)
{
	struct port_event *last;

	assert(p->capacity > 0); /* There is a filter. */
	if (p->count == 0) {
		p->count = 1;
	} else {
		last = entry_at(p, p->count - 1)->event;
		p->bytes -= last->size;
		event_unref(last);
		if (p->count > 1 && entry_at(p, p->count - 2)->event == lost_event()) {
			p->count--;
			return;
		}
	}
	*entry_at(p, p->count - 1) = (struct port_entry){ lost_key(p), lost_event() };
	lost_event()->references++;
}

/* Takes no reference if it is dropped. */
static void push(struct port *p, uint32_t notify_key, struct port_event *e)
{
	if (e == NULL || p->count >= p->queue_max || p->bytes + e->size > PORT_BYTES_MAX || !grow(p)) {
		lose(p);
		return;
	}
	e->references++;
	p->bytes += e->size;
	*entry_at(p, p->count++) = (struct port_entry){ notify_key, e };
}

void port_push(struct port *p, uint32_t notify_key, const struct cluster_change *change)
{
	struct port_event *e = event_new(change);

	push(p, notify_key, e);
	event_unref(e);
}

const struct port_entry *port_first(const struct port *p)
{
	return p->count > 0 ? entry_at(p, 0) : NULL;
}

void port_take(struct port *p)
{
	struct port_event *e = entry_at(p, 0)->event;

	assert(p->count > 0);
	p->bytes -= e->size;
	p->first = (p->first + 1) % p->capacity;
	p->count--;
	event_unref(e);
}

/* Changes of objects. */

static bool lets_through(const struct port *p, const struct port_filter *f, const struct cluster_change *c, uint32_t v1)
{
	if (f->type == CHANGE_REGISTRY)
		return false;
	if (p->version == 1 ? (v1 & f->flags) == 0 : f->type != c->type || (c->what & f->flags) == 0)
		return false;
	return !f->targeted || (f->type == c->type && u16_equal(f->target, u16_from_z(c->about)));
}

/* Version 1: the same bit of the same object has been told of this event of the log. */
static bool told_already(const struct cluster_result *r, size_t i, uint32_t v1)
{
	const struct cluster_change *c = &r->changes[i];

	for (size_t j = i > LOOK_BACK ? i - LOOK_BACK : 0; j < i; j++)
		if (port_v1_bit(r->changes[j].type, r->changes[j].what) == v1 &&
		    u16_equal(u16_from_z(r->changes[j].id), u16_from_z(c->id)) &&
		    u16_equal(u16_from_z(r->changes[j].about), u16_from_z(c->about)))
			return true;
	return false;
}

static void offer_changes(struct port *p, const struct cluster_result *r)
{
	for (size_t i = 0; i < r->change_count; i++) {
		const struct cluster_change *c = &r->changes[i];
		uint32_t v1 = p->version == 1 ? port_v1_bit(c->type, c->what) : 0;
		struct port_event *e = NULL;

		if (p->version == 1 && (v1 == 0 || told_already(r, i, v1)))
			continue;
		for (size_t j = 0; j < p->filter_count; j++) {
			if (!lets_through(p, &p->filters[j], c, v1))
				continue;
			if (e == NULL)
				e = event_new(c);
			push(p, p->filters[j].notify_key, e);
		}
		event_unref(e);
	}
}

/* Changes of the registry. */

static bool begins_with(struct u16 path, struct u16 prefix)
{
	return prefix.len == 0 ||
	       (path.len >= prefix.len && u16_equal((struct u16){ path.units, prefix.len }, prefix) &&
		   (path.len == prefix.len || path.units[prefix.len] == '\\'));
}

/* What is left of a path below a key above it. */
static struct u16 below(struct u16 path, struct u16 prefix)
{
	size_t skip = prefix.len == 0 ? 0 : MIN(prefix.len + 1, path.len);

	return (struct u16){ path.units + skip, path.len - skip };
}

/* Whether something at path is the filter's, and how it is called there.  depth 1: names of keys, which are told to the key
 * above; 0: what belongs to a key itself. */
static bool is_watched(const struct port_filter *f, struct u16 path, unsigned depth, struct u16 *ret)
{
	if (!begins_with(path, f->target))
		return false;
	*ret = below(path, f->target);
	if (f->subtree || ret->len == 0)
		return true;
	return depth == 1 && !u16_has_unit(*ret, '\\');
}

static void tell_key(
    struct port *p, const struct cluster_result *r, struct u16 path, uint32_t what, struct u16 value)
{
	uint32_t v1 = port_v1_bit(CHANGE_REGISTRY, what);
	char16_t *value_name = NULL, *name = NULL;
	bool has_asked = p->may_hear == NULL;

	for (size_t i = 0; i < p->filter_count; i++) {
		const struct port_filter *f = &p->filters[i];
		/* A watched key that goes with one above it is gone, too. */
		bool gone = what == CHANGE_REGISTRY_NAME && f->target.len > path.len && begins_with(f->target, path);
		struct u16 relative = { 0 };

		if (f->type != CHANGE_REGISTRY || (f->flags & (p->version == 1 ? v1 : what)) == 0)
			continue;
		if (!gone && !is_watched(f, path, what == CHANGE_REGISTRY_NAME, &relative))
			continue;
		if (!has_asked && !p->may_hear(p, r, path))
			return;
		has_asked = true;
		name = u16_dup(relative);
		value_name = u16_dup(value);
		if (name == NULL || value_name == NULL)
			lose(p);
		else
			port_push(p, f->notify_key,
			    &(struct cluster_change){ .type = CHANGE_REGISTRY,
				.what = what,
				.about = u"",
				.id = u"",
				.parent = value_name,
				.name = name,
				.type_name = u"" });
		free(name);
		free(value_name);
	}
}

/* A key that is created may bring its parents with it. */
static void tell_created(struct port *p, const struct cluster_result *r, struct u16 path)
{
	const struct db_key *before = r->before != NULL ? db_snapshot_root(r->before) : NULL;

	for (size_t len = 1; len <= path.len; len++) {
		struct u16 prefix = { path.units, len };

		if ((len == path.len || path.units[len] == '\\') &&
		    (before == NULL || db_find(before, prefix) == NULL || len == path.len))
			tell_key(p, r, prefix, CHANGE_REGISTRY_NAME, (struct u16){ 0 });
	}
}

static void offer_keys(struct port *p, const struct cluster_result *r)
{
	struct db_batch_reader reader;
	int e = db_batch_reader_init(&reader, r->batch.data, r->batch.len, NULL);

	if (e < 0) {
		lose(p);
		return;
	}
	while (db_batch_next(&reader, NULL) > 0) {
		const struct db_op *op = &reader.op;

		switch (op->kind) {
		case DB_OP_KEY_CREATE:
			tell_created(p, r, op->path);
			break;
		case DB_OP_KEY_DELETE:
			tell_key(p, r, op->path, CHANGE_REGISTRY_NAME, (struct u16){ 0 });
			break;
		case DB_OP_SET_SECURITY:
			tell_key(p, r, op->path, CHANGE_REGISTRY_ATTRIBUTES, (struct u16){ 0 });
			break;
		case DB_OP_VALUE_SET:
		case DB_OP_VALUE_DELETE:
			tell_key(p, r, op->path, CHANGE_REGISTRY_VALUE, op->value.name);
			break;
		}
	}
	db_batch_reader_done(&reader);
}

void port_offer(struct port *p, const struct cluster_result *result)
{
	bool keys = false;

	for (size_t i = 0; i < p->filter_count; i++)
		keys |= p->filters[i].type == CHANGE_REGISTRY;
	offer_changes(p, result);
	if (keys && result->batch.len > 0)
		offer_keys(p, result);
}
