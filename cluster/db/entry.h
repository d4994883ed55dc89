/* entry: keys, values and descriptors as they are made, what each adds to the digest of the database, and what it takes
 * in a hive.  See entry.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/db.h"
#include "cluster/db/descriptors.h"
#include "cluster/db/object.h"

struct db {
	struct db_key *root;
	struct digest digest; /* The sum over all keys and values. */
	uint64_t size;        /* What they take in a hive, at most, without descriptors. */
	struct descriptors descriptors;
};

/* What is added to, or taken from, a database at once. */
struct entry_sum {
	struct digest digest;
	uint64_t size;
};

/* Made with one reference; NULL without memory.  The descriptor of a key is referenced, not taken over. */
struct value *value_new(struct u16 name, const struct db_value *value);
struct security *security_new(const void *bytes, size_t len);
struct db_key *key_new(const struct db_key *parent, struct u16 name, uint64_t time, struct security *security);
struct db_key *key_copy(const struct db_key *key); /* Shares all that is below. */

DEFINE_FREEP(struct object, object_unref)

/* The digest: docs/formats/digest.md. */
struct digest path_below(const struct digest *parent, struct u16 name);
struct digest value_entry(const struct digest *path, const struct value *v);
struct digest key_entry(const struct digest *path, struct u16 name, uint64_t time, const struct digest *security);

/* Bytes in a hive, at most. */
uint64_t hive_base_size(void); /* Of a hive without anything but the root key's record. */
uint64_t value_size(size_t name_len, size_t len);
uint64_t security_size(size_t len);
/* Of a key with so many subkeys and values: with its lists, but without what is in them, and without its descriptor. */
uint64_t key_size(const struct db_key *key, size_t keys, size_t values);

struct entry_sum value_sum(const struct db_key *key, const struct value *v);
struct entry_sum key_sum(const struct db_key *key);  /* The key itself. */
struct entry_sum tree_sum(const struct db_key *top); /* With its values, and everything below. */
void sum_add(struct entry_sum *to, const struct entry_sum *what);

/* Key after key in ascending order, each before what is below it: depth is 0 for the first. */
struct key_walk {
	const struct db_key *path[DB_DEPTH_MAX];
	size_t next[DB_DEPTH_MAX]; /* Index of the subkey that comes next. */
	size_t depth;              /* Of the key last given. */
	bool begun;
};
const struct db_key *key_walk_next(struct key_walk *w, const struct db_key *top); /* NULL: that was all. */
