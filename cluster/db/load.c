/* load: a whole database from a stream of its keys and values, as a hive gives it.
 *
 * Why      a restore must give each key the time that it had, and db_value_set() and the like would set their own; and
 *          a million values need not look for their key by its path.
 * How      the keys from the root down to the current one are on a stack; what is added goes below the current key.
 *          Nobody else holds the new database, so it is built in place.  A loader that only checks does all that a loader
 *          does but for keeping what it has seen: of the values and of the subkeys of each key on the stack it has the last
 *          one, for the order of names.
 * Promise  the result is what the same contents give in any other way: same digest, same size, every limit kept.  What a
 *          loader that only checks accepts, one that keeps accepts too, and with the same sums.
 *          After an error the loader is good for nothing but db_loader_free().
 * Threads  one at a time.         Tests  tests/unit/dbload.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/load.h"
#include "cluster/db/entry.h"
#include "cluster/db/tree.h"
#include <string.h>

struct level {
	struct db_key *key;
	size_t path_len; /* Of the keys above, in units with a separator after each but the root. */
	size_t key_count, value_count;
	struct object *last_key, *last_value; /* In order of names; a loader that only checks has no others. */
};

struct db_loader {
	struct db *db;
	bool keep; /* The database is wanted, not only its sums. */
	struct level levels[DB_DEPTH_MAX];
	size_t depth; /* Keys on the stack. */
	bool begun;
	struct security *security; /* The last descriptor seen; neighbours often have the same. */
	int64_t security_keys;     /* Keys that have it and are not counted yet. */
	uint64_t key_count, value_count;
};

static int loader_new(bool keep, struct db_loader **ret)
{
	_cleanup_(db_loader_freep) struct db_loader *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	r = db_new(&l->db);
	if (r < 0)
		return r;
	l->keep = keep;
	l->db->digest = (struct digest){ 0 };
	l->db->size = hive_base_size();
	*ret = TAKE_PTR(l);
	return 0;
}

int db_loader_new(struct db_loader **ret)
{
	return loader_new(true, ret);
}

int db_loader_new_check(struct db_loader **ret)
{
	return loader_new(false, ret);
}

/* What a loader that only checks has of the key's content. */
static void drop_content(struct db_loader *l, struct level *level)
{
	if (l->keep)
		return;
	object_unref(level->last_key);
	object_unref(level->last_value);
}

void db_loader_free(struct db_loader *l)
{
	if (l == NULL)
		return;
	while (l->depth > 0)
		drop_content(l, &l->levels[--l->depth]);
	object_unref((struct object *)l->security);
	db_free(l->db);
	free(l);
}

static int add(struct db_loader *l, const struct entry_sum *sum)
{
	digest_add(&l->db->digest, &sum->digest);
	l->db->size += sum->size;
	return db_hive_size(l->db) <= DB_HIVE_MAX ? 0 : ERR_DISK_FULL;
}

static int count_security(struct db_loader *l)
{
	int r = descriptors_add(&l->db->descriptors, l->security, l->security_keys);

	l->security_keys = 0;
	return r == 0 && db_hive_size(l->db) > DB_HIVE_MAX ? ERR_DISK_FULL : r;
}

/* Make l->security the descriptor with these bytes. */
static int find_security(struct db_loader *l, const void *bytes, size_t len)
{
	struct security *above = l->depth > 0 ? l->levels[l->depth - 1].key->security : NULL;
	struct security *candidates[] = { l->security, above }, *s = NULL;
	int r = 0;

	if (len > DB_SECURITY_MAX)
		return ERR_INVALID_PARAMETER;
	for (size_t i = 0; i < ARRAY_SIZE(candidates) && s == NULL && len > 0; i++)
		if (candidates[i] != NULL && candidates[i]->len == len &&
		    memcmp(candidates[i]->bytes, bytes, len) == 0) {
			s = candidates[i];
			object_ref(&s->object);
		}
	if (s == NULL && len > 0) {
		s = security_new(bytes, len);
		if (s == NULL)
			return -ENOMEM;
	}
	if (s != l->security)
		r = count_security(l);
	if (r < 0) {
		object_unref((struct object *)s);
		return r;
	}
	object_unref((struct object *)l->security);
	l->security = s;
	l->security_keys++;
	return 0;
}

/* Takes over the reference if it succeeds.  A hive has its names in order, so this is mostly one comparison. */
static int put_item(struct db_loader *l, struct node **tree, struct object **last, struct object *item)
{
	int c = *last != NULL ? u16_compare(object_name(*last), object_name(item)) : -1;
	struct object *old;
	int r;

	if (c < 0) {
		r = l->keep ? tree_append(tree, item) : 0;
		if (r < 0)
			return r;
		if (!l->keep)
			object_unref(*last);
		*last = item;
		return 0;
	}
	if (c == 0 || !l->keep || tree_find(*tree, object_name(item)) != NULL)
		return ERR_INVALID_DATA;
	return tree_put(tree, item, &old);
}

static int begin_root(struct db_loader *l, uint64_t time)
{
	struct db_key *root = key_new(NULL, (struct u16){ 0 }, time, l->security);

	if (root == NULL)
		return -ENOMEM;
	object_unref(&l->db->root->object);
	l->db->root = root;
	l->levels[0] = (struct level){ .key = root };
	l->depth = 1;
	l->begun = true;
	l->key_count++;
	return 0;
}

int db_load_key_begin(struct db_loader *l, struct u16 name, uint64_t time, const void *security, size_t security_len)
{
	struct level *parent;
	struct db_key *key;
	int r;

	if (l->begun && l->depth == 0)
		return ERR_INVALID_DATA;
	r = find_security(l, security, security_len);
	if (r < 0)
		return r;
	if (!l->begun)
		return begin_root(l, time);

	parent = &l->levels[l->depth - 1];
	if (name.len == 0 || u16_has_unit(name, 0) || u16_has_unit(name, u'\\'))
		return ERR_INVALID_DATA;
	if (name.len > DB_KEY_NAME_MAX || l->depth == DB_DEPTH_MAX || parent->path_len + name.len > DB_PATH_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	key = key_new(parent->key, name, time, l->security);
	if (key == NULL)
		return -ENOMEM;
	r = put_item(l, &parent->key->keys, &parent->last_key, &key->object);
	if (r < 0) {
		object_unref(&key->object);
		return r;
	}
	parent->key_count++;
	l->key_count++;
	l->levels[l->depth++] = (struct level){ .key = key, .path_len = parent->path_len + name.len + 1 };
	return 0;
}

int db_load_value(struct db_loader *l, const struct db_value *value)
{
	struct entry_sum sum;
	struct level *level;
	struct value *v;
	int r;

	if (l->depth == 0)
		return ERR_INVALID_DATA;
	level = &l->levels[l->depth - 1];
	if (value->name.len > DB_VALUE_NAME_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	if (value->len > DB_VALUE_MAX)
		return ERR_INVALID_PARAMETER;
	if (level->value_count == DB_VALUE_COUNT_MAX)
		return ERR_DISK_FULL;
	v = value_new(value->name, value);
	if (v == NULL)
		return -ENOMEM;
	r = put_item(l, &level->key->values, &level->last_value, &v->object);
	if (r < 0) {
		free(v);
		return r;
	}
	level->value_count++;
	l->value_count++;
	sum = value_sum(level->key, v);
	return add(l, &sum);
}

int db_load_key_end(struct db_loader *l)
{
	struct entry_sum sum;
	struct level *level;

	if (l->depth == 0)
		return ERR_INVALID_DATA;
	level = &l->levels[--l->depth];
	drop_content(l, level);
	sum = (struct entry_sum){ level->key->entry, key_size(level->key, level->key_count, level->value_count) };
	return add(l, &sum);
}

/* After the end of the root. */
static int finish(struct db_loader *l)
{
	if (!l->begun || l->depth > 0 || l->db == NULL)
		return ERR_INVALID_DATA;
	return count_security(l);
}

int db_loader_finish(struct db_loader *l, struct db **ret)
{
	int r = l->keep ? finish(l) : ERR_INVALID_DATA;

	if (r < 0)
		return r;
	*ret = TAKE_PTR(l->db);
	return 0;
}

int db_loader_finish_check(struct db_loader *l, struct db_totals *ret)
{
	int r = finish(l);

	if (r < 0)
		return r;
	*ret = (struct db_totals){ l->db->digest, db_hive_size(l->db), l->key_count, l->value_count };
	return 0;
}
