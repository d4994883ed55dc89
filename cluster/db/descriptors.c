/* descriptors: how many keys have which descriptor.
 *
 * Why      in a registry thousands of keys share a handful of descriptors, and a hive stores each once.  If it counted for
 *          each of its keys, the limit of the whole would be reached by what takes no room.
 * How      a persistent tree (tree.h), so that a snapshot has its counts as it has its keys, at no cost.  Its items are
 *          values: the name is the hash of the descriptor, a unit for each byte in a range without upper and lower case, the
 *          data is the number of keys.  Equal hashes mean equal descriptors, as in hive/security.c.
 * Promise  what is counted, and so the size, depends on the contents only.
 * Threads  as db.h.          Tests  tests/unit/dbsize.c, tests/unit/dbmodel.c, tests/unit/dbfail.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/descriptors.h"
#include "cluster/db/entry.h"
#include "cluster/db/tree.h"
#include <string.h>

struct descriptors descriptors_copy(const struct descriptors *d)
{
	if (d->counts != NULL)
		object_ref(&d->counts->object);
	return *d;
}

void descriptors_done(struct descriptors *d)
{
	object_unref((struct object *)d->counts);
	*d = (struct descriptors){ 0 };
}

int descriptors_add(struct descriptors *d, const struct security *security, int64_t keys)
{
	_cleanup_(object_unrefp) struct object *old = NULL;
	char16_t units[SHA256_LEN];
	const struct u16 name = { units, SHA256_LEN };
	const struct object *found;
	struct value *v;
	int64_t before = 0, after;
	int r;

	if (security == NULL || keys == 0)
		return 0;
	for (size_t i = 0; i < SHA256_LEN; i++)
		units[i] = (char16_t)(0x4e00 + security->hash.bytes[i]);
	found = tree_find(d->counts, name);
	if (found != NULL)
		memcpy(&before, value_data(object_value(found)), sizeof(before));
	after = before + keys;
	assert(after >= 0);
	if (after == 0) {
		r = tree_remove(&d->counts, name, &old);
	} else {
		v = value_new(name, &(struct db_value){ .data = (const uint8_t *)&after, .len = sizeof(after) });
		if (v == NULL)
			return -ENOMEM;
		r = tree_put(&d->counts, &v->object, &old);
		if (r < 0)
			object_unref(&v->object);
	}
	if (r < 0)
		return r;
	if (before == 0)
		d->size += security_size(security->len);
	else if (after == 0)
		d->size -= security_size(security->len);
	return 0;
}

int descriptors_remove_below(struct descriptors *d, const struct db_key *top)
{
	const struct security *last = NULL;
	struct key_walk walk = { 0 };
	const struct db_key *key;
	int64_t keys = 0;
	int r = 0;

	/* Neighbours mostly have the same. */
	while (r == 0 && (key = key_walk_next(&walk, top)) != NULL) {
		if (key->security != last) {
			r = descriptors_add(d, last, -keys);
			last = key->security;
			keys = 0;
		}
		keys++;
	}
	return r == 0 ? descriptors_add(d, last, -keys) : r;
}
