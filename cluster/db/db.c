/* db: the cluster database, a registry in memory with snapshots that cost nothing.
 *
 * Why      the state of a cluster is small, read often, and must be saved while it changes.  A tree in memory answers in
 *          a microsecond; copying on write gives a backup its moment without stopping the writers; what was done is made
 *          durable by the log, and not here.
 * How      a key holds two ordered sets, its subkeys and its values (tree.h), and everything is shared by counting
 *          (object.h).  A change makes the keys from the root to the one that it is for its own, which copies only what
 *          a snapshot still holds, then prepares all that can fail, checks the limits, and last puts in place what was
 *          prepared.  The digest and the size of the whole are kept in step (entry.h).
 * Promise  each change is done wholly or not at all.  The result, the digest and every refusal depend on the contents
 *          and the arguments only, never on the history, the clock or the machine.
 * Not kept durability; access rights (sd.h and the caller).
 * Threads  the head belongs to one; snapshots may be read and released by any.
 * Limits   DB_*_MAX in db.h.
 * Design   docs/design/database.md          Tests  tests/unit/db.c, dbmodel.c, dbfail.c, dbthreads.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/db.h"
#include "cluster/db/entry.h"
#include "cluster/db/path.h"
#include "cluster/db/tree.h"

struct db_snapshot {
	_Atomic uint32_t refs;
	struct db state; /* Of which the root is referenced. */
};

int db_new(struct db **ret)
{
	_cleanup_free_ struct db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return -ENOMEM;
	db->root = key_new(NULL, (struct u16){ 0 }, 0, NULL);
	if (db->root == NULL)
		return -ENOMEM;
	db->digest = db->root->entry;
	db->size = hive_base_size() + key_size(db->root, 0, 0);
	*ret = TAKE_PTR(db);
	return 0;
}

void db_free(struct db *db)
{
	if (db == NULL)
		return;
	object_unref(&db->root->object);
	descriptors_done(&db->descriptors);
	free(db);
}

const struct db_key *db_root(const struct db *db)
{
	return db->root;
}

const struct db_key *db_find(const struct db_key *from, struct u16 path)
{
	struct u16 name;

	while (from != NULL && path_next(&path, &name)) {
		const struct object *o = tree_find(from->keys, name);

		from = o != NULL ? object_key(o) : NULL;
	}
	return from;
}

struct u16 db_key_name(const struct db_key *key)
{
	return object_name(&key->object);
}

uint64_t db_key_time(const struct db_key *key)
{
	return key->time;
}

const uint8_t *db_key_security(const struct db_key *key, size_t *ret_len)
{
	*ret_len = key->security != NULL ? key->security->len : 0;
	return key->security != NULL ? key->security->bytes : NULL;
}

size_t db_key_count(const struct db_key *key)
{
	return tree_count(key->keys);
}

const struct db_key *db_key_at(const struct db_key *key, size_t index)
{
	return object_key(tree_at(key->keys, index));
}

static struct db_value value_view(const struct value *v)
{
	return (
	    struct db_value){ .name = { v->name, v->name_len }, .type = v->type, .data = value_data(v), .len = v->len };
}

size_t db_value_count(const struct db_key *key)
{
	return tree_count(key->values);
}

struct db_value db_value_at(const struct db_key *key, size_t index)
{
	return value_view(object_value(tree_at(key->values, index)));
}

bool db_value_find(const struct db_key *key, struct u16 name, struct db_value *ret)
{
	const struct object *o = tree_find(key->values, name);

	if (o != NULL && ret != NULL)
		*ret = value_view(object_value(o));
	return o != NULL;
}

/* Replace a shared key by a copy.  This changes nothing that can be seen. */
static int key_own(struct object **slot)
{
	struct db_key *copy;

	if (!object_is_shared(*slot))
		return 0;
	copy = key_copy(object_key(*slot));
	if (copy == NULL)
		return -ENOMEM;
	object_unref(*slot);
	*slot = &copy->object;
	return 0;
}

/* Follow the path with keys that are the head's own, as far as there are keys; *path becomes the rest. */
static int own_path(struct db *db, struct u16 *path, struct db_key **ret)
{
	struct object **slot = (struct object **)&db->root;
	struct u16 rest = *path, name;
	int r;

	for (;;) {
		struct db_key *key;

		r = key_own(slot);
		if (r < 0)
			return r;
		key = object_key(*slot);
		*path = rest;
		*ret = key;
		if (!path_next(&rest, &name))
			return 0;
		r = tree_own(&key->keys, name, &slot);
		if (r < 0)
			return r;
		if (slot == NULL)
			return 0;
	}
}

static int own_key(struct db *db, struct u16 path, struct db_key **ret)
{
	struct db_key *key;
	int r;

	r = own_path(db, &path, &key);
	if (r < 0)
		return r;
	if (path.len > 0)
		return ERR_FILE_NOT_FOUND;
	*ret = key;
	return 0;
}

static bool has_room(const struct db *db, uint64_t more, uint64_t less)
{
	return db->size + db->descriptors.size - less + more <= DB_HIVE_MAX;
}

/* Put the counts in place that a change has made of a copy. */
static void account_descriptors(struct db *db, struct descriptors *after)
{
	struct descriptors before = db->descriptors;

	db->descriptors = *after;
	*after = before;
}

static void account(struct db *db, const struct entry_sum *more, const struct entry_sum *less)
{
	digest_add(&db->digest, &more->digest);
	digest_subtract(&db->digest, &less->digest);
	db->size = db->size + more->size - less->size;
}

/* Give the key its new time and descriptor, and account for it; before is its sum before the change. */
static void key_changed(struct db *db, struct db_key *key, const struct entry_sum *before, uint64_t time, bool again)
{
	struct entry_sum after;

	if (again || key->time != time) {
		key->time = time;
		key->entry = key_entry(
		    &key->path, object_name(&key->object), time, key->security != NULL ? &key->security->hash : NULL);
	}
	after = key_sum(key);
	account(db, &after, before);
}

/* Make a key, and all that the path says below it, not yet in the database. */
static int chain_new(
    const struct db_key *parent, struct u16 path, uint64_t time, struct db_key **ret, int64_t *ret_count)
{
	int64_t count = 0;
	_cleanup_(object_unrefp) struct object *top = NULL;
	struct db_key *last = NULL;
	struct u16 name;

	while (path_next(&path, &name)) {
		const struct db_key *above = last != NULL ? last : parent;
		struct db_key *key = key_new(above, name, time, parent->security);
		struct object *old;

		if (key == NULL)
			return -ENOMEM;
		if (last == NULL) {
			top = &key->object;
		} else if (tree_put(&last->keys, &key->object, &old) < 0) {
			object_unref(&key->object);
			return -ENOMEM;
		}
		last = key;
		count++;
	}
	*ret = object_key(TAKE_PTR(top));
	*ret_count = count;
	return 0;
}

int db_key_create(struct db *db, struct u16 path, uint64_t time, bool *ret_created)
{
	_cleanup_(descriptors_done) struct descriptors descriptors = descriptors_copy(&db->descriptors);
	struct entry_sum before, added;
	struct db_key *parent, *chain;
	struct object *old;
	int64_t count;
	int r;

	r = path_check(path);
	if (r < 0)
		return r;
	if (db_find(db->root, path) != NULL) {
		if (ret_created != NULL)
			*ret_created = false;
		return 0;
	}
	r = own_path(db, &path, &parent);
	if (r < 0)
		return r;
	r = chain_new(parent, path, time, &chain, &count);
	if (r < 0)
		return r;

	before = key_sum(parent);
	added = tree_sum(chain);
	r = descriptors_add(&descriptors, parent->security, count); /* It is there already, so it takes no room. */
	if (r == 0 &&
	    !has_room(db, added.size + key_size(parent, db_key_count(parent) + 1, db_value_count(parent)), before.size))
		r = ERR_DISK_FULL;
	if (r == 0)
		r = tree_put(&parent->keys, &chain->object, &old);
	if (r < 0) {
		object_unref(&chain->object);
		return r;
	}
	account(db, &added, &(struct entry_sum){ 0 });
	account_descriptors(db, &descriptors);
	key_changed(db, parent, &before, time, false);
	if (ret_created != NULL)
		*ret_created = true;
	return 0;
}

int db_key_delete(struct db *db, struct u16 path, uint64_t time)
{
	_cleanup_(descriptors_done) struct descriptors descriptors = descriptors_copy(&db->descriptors);
	struct entry_sum before, removed;
	struct u16 parent_path, name;
	const struct db_key *key;
	struct db_key *parent;
	struct object *o;
	int r;

	r = path_check(path);
	if (r < 0)
		return r;
	if (path.len == 0)
		return ERR_ACCESS_DENIED;
	key = db_find(db->root, path);
	if (key == NULL)
		return ERR_FILE_NOT_FOUND;
	path_split(path, &parent_path, &name);
	r = own_key(db, parent_path, &parent);
	if (r < 0)
		return r;
	r = descriptors_remove_below(&descriptors, key);
	if (r < 0)
		return r;
	before = key_sum(parent);
	r = tree_remove(&parent->keys, name, &o);
	if (r < 0)
		return r;

	account_descriptors(db, &descriptors);
	removed = tree_sum(object_key(o));
	object_unref(o);
	account(db, &(struct entry_sum){ 0 }, &removed);
	key_changed(db, parent, &before, time, false);
	return 0;
}

int db_key_set_security(struct db *db, struct u16 path, const void *descriptor, size_t len, uint64_t time)
{
	_cleanup_(descriptors_done) struct descriptors descriptors = descriptors_copy(&db->descriptors);
	_cleanup_(object_unrefp) struct object *old = NULL;
	struct security *security = NULL;
	struct entry_sum before;
	struct db_key *key;
	int r;

	r = path_check(path);
	if (r < 0)
		return r;
	if (len > DB_SECURITY_MAX)
		return ERR_INVALID_PARAMETER;
	r = own_key(db, path, &key);
	if (r < 0)
		return r;
	if (len > 0) {
		security = security_new(descriptor, len);
		if (security == NULL)
			return -ENOMEM;
		old = &security->object; /* What goes in the end: the new one on failure. */
	}
	r = descriptors_add(&descriptors, security, 1);
	if (r == 0)
		r = descriptors_add(&descriptors, key->security, -1);
	if (r < 0)
		return r;
	if (!has_room(db, descriptors.size, db->descriptors.size))
		return ERR_DISK_FULL;

	before = key_sum(key);
	old = (struct object *)key->security;
	key->security = security;
	account_descriptors(db, &descriptors);
	key_changed(db, key, &before, time, true);
	return 0;
}

int db_value_set(struct db *db, struct u16 path, const struct db_value *value, uint64_t time)
{
	struct entry_sum before, added, removed = { 0 };
	_cleanup_(object_unrefp) struct object *old = NULL;
	const struct object *found;
	struct value *v;
	struct db_key *key;
	size_t count;
	int r;

	r = path_check(path);
	if (r < 0)
		return r;
	if (value->name.len > DB_VALUE_NAME_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	if (value->len > DB_VALUE_MAX)
		return ERR_INVALID_PARAMETER;
	r = own_key(db, path, &key);
	if (r < 0)
		return r;

	before = key_sum(key);
	found = tree_find(key->values, value->name);
	count = db_value_count(key) + (found == NULL);
	if (found != NULL)
		removed = value_sum(key, object_value(found));
	if (count > DB_VALUE_COUNT_MAX ||
	    !has_room(db, value_size(value->name.len, value->len) + key_size(key, db_key_count(key), count),
		before.size + removed.size))
		return ERR_DISK_FULL;
	v = value_new(found != NULL ? object_name(found) : value->name, value);
	if (v == NULL)
		return -ENOMEM;
	r = tree_put(&key->values, &v->object, &old);
	if (r < 0) {
		free(v);
		return r;
	}

	added = value_sum(key, v);
	account(db, &added, &removed);
	key_changed(db, key, &before, time, false);
	return 0;
}

int db_value_delete(struct db *db, struct u16 path, struct u16 name, uint64_t time)
{
	struct entry_sum before, removed;
	struct db_key *key;
	struct object *o;
	int r;

	r = path_check(path);
	if (r < 0)
		return r;
	r = own_key(db, path, &key);
	if (r < 0)
		return r;
	if (tree_find(key->values, name) == NULL)
		return ERR_FILE_NOT_FOUND;
	before = key_sum(key);
	r = tree_remove(&key->values, name, &o);
	if (r < 0)
		return r;

	removed = value_sum(key, object_value(o));
	object_unref(o);
	account(db, &(struct entry_sum){ 0 }, &removed);
	key_changed(db, key, &before, time, false);
	return 0;
}

struct digest db_digest(const struct db *db)
{
	return db->digest;
}

/* With nothing of what the keys remember: not their hashes of paths, not their entries. */
struct digest db_digest_recomputed(const struct db_key *root)
{
	struct digest sum = { 0 }, paths[DB_DEPTH_MAX] = { 0 };
	struct key_walk walk = { 0 };
	const struct db_key *key;

	assert(root->name_len == 0);
	while ((key = key_walk_next(&walk, root)) != NULL) {
		struct digest *path = &paths[walk.depth], hash, entry;

		if (walk.depth > 0)
			*path = path_below(path - 1, object_name(&key->object));
		if (key->security != NULL)
			hash = sha256_of(key->security->bytes, key->security->len);
		entry = key_entry(path, object_name(&key->object), key->time, key->security != NULL ? &hash : NULL);
		digest_add(&sum, &entry);
		for (size_t i = 0; i < tree_count(key->values); i++) {
			entry = value_entry(path, object_value(tree_at(key->values, i)));
			digest_add(&sum, &entry);
		}
	}
	return sum;
}

uint64_t db_hive_size(const struct db *db)
{
	return db->size + db->descriptors.size;
}

struct db_snapshot *db_snapshot_take(struct db *db)
{
	struct db_snapshot *s = malloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct db_snapshot){ .refs = 1, .state = *db };
	object_ref(&db->root->object);
	(void)descriptors_copy(&db->descriptors);
	return s;
}

struct db_snapshot *db_snapshot_ref(struct db_snapshot *s)
{
	(void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void db_snapshot_unref(struct db_snapshot *s)
{
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	object_unref(&s->state.root->object);
	descriptors_done(&s->state.descriptors);
	free(s);
}

const struct db_key *db_snapshot_root(const struct db_snapshot *s)
{
	return s->state.root;
}

struct digest db_snapshot_digest(const struct db_snapshot *s)
{
	return s->state.digest;
}

uint64_t db_snapshot_hive_size(const struct db_snapshot *s)
{
	return db_hive_size(&s->state);
}

int db_new_from(struct db_snapshot *s, struct db **ret)
{
	struct db *db = malloc(sizeof(*db));

	if (db == NULL)
		return -ENOMEM;
	*db = s->state;
	object_ref(&db->root->object);
	(void)descriptors_copy(&db->descriptors);
	*ret = db;
	return 0;
}

void db_put_back(struct db *db, struct db_snapshot *s)
{
	struct db old = *db;

	object_ref(&s->state.root->object);
	*db = s->state;
	(void)descriptors_copy(&db->descriptors);
	object_unref(&old.root->object);
	descriptors_done(&old.descriptors);
}
