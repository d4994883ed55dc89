/* changes: what an event did to which object, for programs that want to be told.
 *
 * Why      every command would otherwise have to remember all that it changes, directly and by what follows from it (a
 *          resource that goes offline changes its group), and a registry write can change any object.  What is found by
 *          comparing cannot be forgotten.
 * How      the moment before is kept: a snapshot of the database, which costs nothing, and a copy of what runs, if the
 *          event may change that.  After the event changes_db.c looks at the objects that the evaluated batch names, and
 *          this file at nodes, owners and states:
 *
 *              before ──┐
 *                       ├─► objects of the batch ─► resources, groups' owners, nodes ─► states of the groups touched
 *              after  ──┘
 *
 * Promise  a pure function of the two moments and the batch: every node finds the same, in the same order.  Nothing of it
 *          is part of the state or of a digest.
 * Order    within one event that of kinds and ids, not that in which the event went about it.
 * Limits   CHANGE_DATA_MAX.     Threads  the loop thread.     Tests  tests/unit/changes.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/changes_private.h"
#include "cluster/runtime.h"
#include <string.h>

struct changes_view changes_view_of(const struct db *db, const struct runtime *r)
{
	return (struct changes_view){ db_root(db), &r->groups, &r->interfaces, r->up, r->up_count };
}

static uint64_t incarnation_of(const struct changes_view *v, uint32_t node)
{
	for (size_t i = 0; i < v->up_count; i++)
		if (v->up[i].node == node)
			return v->up[i].incarnation;
	return 0;
}

enum node_state changes_node_state(const struct changes_view *v, struct u16 id)
{
	uint32_t node = object_node_number(id);

	return incarnation_of(v, node) == 0 ? NODE_DOWN : node_is_paused(v->groups, node) ? NODE_PAUSED : NODE_UP;
}

/* A node has no counter: its life is told by its incarnation, and within that it is paused or not. */
static uint32_t node_sequence(const struct changes_view *v, struct u16 id)
{
	uint64_t life = incarnation_of(v, object_node_number(id));

	return (uint32_t)(life ^ life >> 32) << 1 | (changes_node_state(v, id) == NODE_PAUSED);
}

/* A group's state follows from its resources'. */
static uint32_t group_sequence(const struct changes_view *v, const struct guid *id)
{
	const struct group_run *g = group_run_find(v->groups, id);
	const struct db_key *group = group_key(v->root, id), *key;
	uint32_t sum = g != NULL ? g->sequence : 0;
	struct guid member;
	size_t at = 0;

	while (group != NULL && group_next(v->root, group, &at, &member, &key)) {
		const struct resource_run *r = resource_run_find(v->groups, &member);

		sum += r != NULL ? r->sequence : 0;
	}
	return sum;
}

/* What an interface or a network is like: its state's own number, as there is no other; 0: it is not there. */
static uint32_t net_sequence(const struct changes_view *v, enum object_kind kind, struct u16 id)
{
	const struct db_key *object = object_by_id(v->root, kind, id);

	return object == NULL		     ? 0
	       : kind == OBJECT_NETWORK ? 1 + (uint32_t)network_state_of(v->interfaces, v->root, id)
					: 1 + (uint32_t)interface_state_of(v->interfaces, object);
}

uint32_t changes_sequence(const struct changes_view *v, enum object_kind kind, struct u16 id)
{
	const struct resource_run *r;
	struct guid guid;

	if (kind == OBJECT_NODE)
		return node_sequence(v, id);
	if (kind == OBJECT_NETWORK || kind == OBJECT_INTERFACE)
		return net_sequence(v, kind, id);
	if ((kind != OBJECT_GROUP && kind != OBJECT_RESOURCE) || !guid_parse(id, &guid))
		return 0;
	if (kind == OBJECT_GROUP)
		return group_sequence(v, &guid);
	r = resource_run_find(v->groups, &guid);
	return r != NULL ? r->sequence : 0;
}

/* Writing down. */

const char16_t *changes_text(struct changes *c, struct u16 s)
{
	const char16_t *copy = s.len > 0 ? arena_dup_u16(&c->result->arena, s) : u"";

	if (copy != NULL)
		return copy;
	c->error = -ENOMEM;
	return u"";
}

const char16_t *changes_node_id(struct changes *c, uint32_t node)
{
	char16_t text[OBJECT_NODE_ID_MAX];

	return node != 0 ? changes_text(c, object_node_id(node, text)) : u"";
}

static bool keep_data(struct changes *c, struct cluster_change *change)
{
	if (change->len == 0 || change->len > CHANGE_DATA_MAX) {
		change->data = NULL;
		change->len = 0;
		return true;
	}
	change->data = arena_dup(&c->result->arena, change->data, change->len);
	return change->data != NULL;
}

void changes_add(struct changes *c, const struct cluster_change *change)
{
	struct cluster_result *r = c->result;
	struct cluster_change kept = *change;

	if (r->change_count == r->change_capacity) {
		size_t capacity = MAX(r->change_capacity * 2, (size_t)8);
		struct cluster_change *grown = realloc(r->changes, capacity * sizeof(*grown));

		if (grown == NULL) {
			c->error = -ENOMEM;
			return;
		}
		r->changes = grown;
		r->change_capacity = capacity;
	}
	if (!keep_data(c, &kept))
		c->error = -ENOMEM;
	kept.about = kept.about != NULL ? kept.about : u"";
	kept.id = kept.id != NULL ? kept.id : u"";
	kept.parent = kept.parent != NULL ? kept.parent : u"";
	kept.name = kept.name != NULL ? kept.name : u"";
	kept.type_name = kept.type_name != NULL ? kept.type_name : u"";
	if (c->error == 0)
		r->changes[r->change_count++] = kept;
}

static uint32_t owner_of(const struct changes_view *v, struct u16 group_id)
{
	const struct group_run *g;
	struct guid id;

	if (!guid_parse(group_id, &id))
		return 0;
	g = group_run_find(v->groups, &id);
	return g != NULL ? g->owner : 0;
}

struct cluster_change changes_of_group(
    struct changes *c, const struct changes_view *v, const struct db_key *group, uint32_t what)
{
	const char16_t *id = changes_text(c, object_id(group));

	return (struct cluster_change){ .type = CHANGE_GROUP,
		.what = what,
		.sequence = changes_sequence(&c->after, OBJECT_GROUP, object_id(group)),
		.about = id,
		.id = id,
		.parent = changes_node_id(c, owner_of(v, object_id(group))),
		.name = changes_text(c, object_name(group, OBJECT_GROUP)) };
}

struct cluster_change changes_of_resource(
    struct changes *c, const struct changes_view *v, const struct db_key *resource, uint32_t what)
{
	const char16_t *id = changes_text(c, object_id(resource));
	const struct db_key *group = object_group_of(v->root, object_id(resource));

	return (struct cluster_change){ .type = CHANGE_RESOURCE,
		.what = what,
		.sequence = changes_sequence(&c->after, OBJECT_RESOURCE, object_id(resource)),
		.about = id,
		.id = id,
		.parent = group != NULL ? changes_text(c, object_id(group)) : u"",
		.name = changes_text(c, object_name(resource, OBJECT_RESOURCE)),
		.type_name = changes_text(c, object_type_of(resource)) };
}

void changes_touch_group(struct changes *c, struct u16 id)
{
	const char16_t *copy;

	for (size_t i = 0; i < c->group_count; i++)
		if (u16_equal(c->groups[i], id))
			return;
	if (c->group_count == c->group_capacity) {
		size_t capacity = MAX(c->group_capacity * 2, (size_t)8);
		struct u16 *grown = realloc(c->groups, capacity * sizeof(*grown));

		if (grown == NULL) {
			c->error = -ENOMEM;
			return;
		}
		c->groups = grown;
		c->group_capacity = capacity;
	}
	copy = changes_text(c, id);
	c->groups[c->group_count++] = u16_from_z(copy);
}

/* What runs. */

static void put_u32(uint8_t bytes[4], uint32_t v)
{
	put_le32(bytes, v);
}

static void resource_state_changed(struct changes *c, const struct resource_run *r)
{
	const struct db_key *key = resource_key(c->after.root, &r->id), *group;
	struct cluster_change change;
	uint8_t state[4];

	if (key == NULL)
		return; /* It has been deleted while it ran. */
	put_u32(state, r->state);
	change = changes_of_resource(c, &c->after, key, CHANGE_RESOURCE_STATE);
	change.data = state;
	change.len = sizeof(state);
	changes_add(c, &change);
	group = object_group_of(c->after.root, object_id(key));
	if (group != NULL)
		changes_touch_group(c, object_id(group));
	if (object_is_quorum(c->after.root, object_id(key))) {
		change.type = CHANGE_QUORUM;
		change.what = CHANGE_QUORUM_STATE;
		change.about = change.parent = change.type_name = u"";
		changes_add(c, &change);
	}
}

static void resources_changed(struct changes *c)
{
	for (uint32_t i = 0; i < c->after.groups->resource_count; i++) {
		const struct resource_run *now = &c->after.groups->resources[i],
					  *was = resource_run_find(c->before.groups, &now->id);

		if ((was != NULL ? was->sequence : 0) != now->sequence)
			resource_state_changed(c, now);
	}
}

static void node_and_group(struct changes *c, uint32_t number, uint32_t what, const struct db_key *group)
{
	const char16_t *id = changes_node_id(c, number);
	const struct db_key *node = object_by_id(c->after.root, OBJECT_NODE, u16_from_z(id));
	struct u16 group_id = u16_from_z(changes_text(c, object_id(group)));

	if (node == NULL)
		return;
	changes_add(c, &(struct cluster_change){ .type = CHANGE_NODE,
			   .what = what,
			   .sequence = node_sequence(&c->after, u16_from_z(id)),
			   .about = id,
			   .id = id,
			   .name = changes_text(c, object_name(node, OBJECT_NODE)),
			   .data = (const uint8_t *)group_id.units,
			   .len = (group_id.len + 1) * sizeof(char16_t) });
}

static void owners_changed(struct changes *c)
{
	for (uint32_t i = 0; i < c->after.groups->group_count; i++) {
		const struct group_run *now = &c->after.groups->groups[i],
				       *found = group_run_find(c->before.groups, &now->id);
		const struct db_key *group = group_key(c->after.root, &now->id);
		uint32_t was = found != NULL ? found->owner : 0;
		struct cluster_change change;

		if (group == NULL || was == now->owner)
			continue;
		change = changes_of_group(c, &c->after, group, CHANGE_GROUP_OWNER_NODE);
		change.data = (const uint8_t *)change.parent;
		change.len = (u16_from_z(change.parent).len + 1) * sizeof(char16_t);
		changes_add(c, &change);
		node_and_group(c, was, CHANGE_NODE_GROUP_LOST, group);
		node_and_group(c, now->owner, CHANGE_NODE_GROUP_GAINED, group);
	}
}

/* CLUSTER_MEMBERSHIP_INFO. */
static void membership_changed(struct changes *c)
{
	struct buf b = { 0 };

	buf_u32(&b, 1); /* Who applies an event is in a quorum. */
	buf_u32(&b, (uint32_t)c->after.up_count);
	for (size_t i = 0; i < c->after.up_count; i++)
		buf_u8(&b, (uint8_t)c->after.up[i].node);
	if (b.error != 0)
		c->error = b.error;
	changes_add(c, &(struct cluster_change){
			   .type = CHANGE_CLUSTER, .what = CHANGE_CLUSTER_MEMBERSHIP, .data = b.data, .len = b.len });
	buf_done(&b);
}

static void nodes_changed(struct changes *c)
{
	for (size_t i = 0; i < object_count(c->after.root, OBJECT_NODE); i++) {
		const struct db_key *node = object_at(c->after.root, OBJECT_NODE, i);
		enum node_state now = changes_node_state(&c->after, object_id(node));
		const char16_t *id;
		uint8_t state[4];

		if (now == changes_node_state(&c->before, object_id(node)))
			continue;
		put_u32(state, now);
		id = changes_text(c, object_id(node));
		changes_add(c, &(struct cluster_change){ .type = CHANGE_NODE,
				   .what = CHANGE_NODE_STATE,
				   .sequence = node_sequence(&c->after, object_id(node)),
				   .about = id,
				   .id = id,
				   .name = changes_text(c, object_name(node, OBJECT_NODE)),
				   .data = state,
				   .len = sizeof(state) });
	}
	for (size_t i = 0; i < MAX(c->after.up_count, c->before.up_count); i++)
		if (c->after.up_count != c->before.up_count || c->after.up[i].node != c->before.up[i].node) {
			membership_changed(c);
			return;
		}
}

static void group_states_changed(struct changes *c)
{
	for (size_t i = 0; i < c->group_count; i++) {
		const struct db_key *was = object_by_id(c->before.root, OBJECT_GROUP, c->groups[i]),
				    *now = object_by_id(c->after.root, OBJECT_GROUP, c->groups[i]);
		struct cluster_change change;
		enum group_state state;
		uint8_t bytes[4];

		if (was == NULL || now == NULL)
			continue;
		state = group_state_of(c->after.groups, c->after.root, now);
		if (state == group_state_of(c->before.groups, c->before.root, was))
			continue;
		put_u32(bytes, state);
		change = changes_of_group(c, &c->after, now, CHANGE_GROUP_STATE);
		change.data = bytes;
		change.len = sizeof(bytes);
		changes_add(c, &change);
	}
}

/* Networks and interfaces that were there before. */
static void nets_changed(struct changes *c, enum object_kind kind)
{
	for (size_t i = 0; i < object_count(c->after.root, kind); i++) {
		const struct db_key *object = object_at(c->after.root, kind, i);
		uint32_t was = net_sequence(&c->before, kind, object_id(object)),
			 now = net_sequence(&c->after, kind, object_id(object));
		const char16_t *id;
		uint8_t state[4];

		if (was == 0 || was == now)
			continue;
		put_u32(state, now - 1);
		id = changes_text(c, object_id(object));
		changes_add(c, &(struct cluster_change){ .type = kind == OBJECT_NETWORK ? CHANGE_NETWORK : CHANGE_INTERFACE,
				   .what = CHANGE_STATE,
				   .sequence = now,
				   .about = id,
				   .id = id,
				   .parent = kind == OBJECT_INTERFACE ? changes_text(c, object_string(object, U16("Node"))) : u"",
				   .name = changes_text(c, object_name(object, kind)),
				   .data = state,
				   .len = sizeof(state) });
	}
}

/* Before and after. */

static void *dup_array(const void *items, size_t count, size_t size, int *error)
{
	void *copy = malloc(count * size + 1);

	if (copy == NULL)
		*error = -ENOMEM;
	else if (count > 0)
		memcpy(copy, items, count * size);
	return copy;
}

static int copy_runtime(struct changes_before *b, const struct runtime *r)
{
	int error = 0;

	b->groups = calloc(1, sizeof(*b->groups));
	if (b->groups == NULL)
		return -ENOMEM;
	*b->groups = (struct group_table){ .resource_count = r->groups.resource_count,
		.group_count = r->groups.group_count,
		.paused_count = r->groups.paused_count };
	b->groups->resources =
	    dup_array(r->groups.resources, r->groups.resource_count, sizeof(*r->groups.resources), &error);
	b->groups->groups = dup_array(r->groups.groups, r->groups.group_count, sizeof(*r->groups.groups), &error);
	b->groups->paused = dup_array(r->groups.paused, r->groups.paused_count, sizeof(*r->groups.paused), &error);
	b->up = dup_array(r->up, r->up_count, sizeof(*r->up), &error);
	b->up_count = r->up_count;
	b->interfaces = calloc(1, sizeof(*b->interfaces));
	if (b->interfaces == NULL || interface_table_copy(&r->interfaces, b->interfaces) < 0)
		error = -ENOMEM;
	return error;
}

int changes_begin(struct changes_before *b, struct db *db, const struct runtime *r, bool runtime)
{
	int e = 0;

	*b = (struct changes_before){ .database = db_snapshot_take(db) };
	if (b->database == NULL)
		return -ENOMEM;
	if (runtime)
		e = copy_runtime(b, r);
	if (e < 0)
		changes_abandon(b);
	return e;
}

void changes_abandon(struct changes_before *b)
{
	db_snapshot_unref(b->database);
	if (b->groups != NULL)
		group_table_done(b->groups);
	if (b->interfaces != NULL)
		interface_table_done(b->interfaces);
	free(b->groups);
	free(b->interfaces);
	free(b->up);
	*b = (struct changes_before){ 0 };
}

int changes_end(struct changes_before *b, const struct db *db, const struct runtime *r, struct cluster_result *ret)
{
	struct changes c = { .result = ret, .after = changes_view_of(db, r) };

	c.before = c.after;
	c.before.root = db_snapshot_root(b->database);
	if (b->groups != NULL) {
		c.before.groups = b->groups;
		c.before.interfaces = b->interfaces;
		c.before.up = b->up;
		c.before.up_count = b->up_count;
	}
	changes_of_database(&c);
	if (b->groups != NULL) {
		resources_changed(&c);
		owners_changed(&c);
		nodes_changed(&c);
		nets_changed(&c, OBJECT_NETWORK);
		nets_changed(&c, OBJECT_INTERFACE);
	}
	group_states_changed(&c);
	free(c.groups);
	ret->before = b->database;
	b->database = NULL;
	changes_abandon(b);
	return c.error;
}
