/* object: what the database is made of: keys, values, descriptors and tree nodes, shared by counting.
 *
 * Why      a snapshot must cost nothing, be readable by other threads, and stay as it is while the head changes.
 * How      whoever holds a pointer to an object holds one of its references.  An object that only one holder has
 *          (object_is_shared() is false, and so for every holder above it up to the head) may be changed in place by
 *          the loop thread; all others are copied first and never change again.  Values and descriptors never change.
 *          The last reference frees the object and what only it held, through a list and not by recursion, however
 *          deep the tree is.
 *
 *              head ──► key "" ──► node ──► key "Groups" ──► node ─┬► key "{…}"
 *                                    │                             └► …
 *              snapshot ─► old root ─┘ (shared until the head changes something below it)
 *
 * Threads  object_ref() and object_unref() by any; changes of a database by one thread, the loop's as a rule.  A count of
 *          one seen by it stays one, since a new reference can be taken only through an existing one; the acquire load pairs
 *          with the release in another thread's object_unref(), so its reads are over.
 * Limits   2^32 references to one object: there is not enough memory for so many holders.
 * Tests    tests/unit/dbtree.c, tests/unit/dbthreads.c (under the thread sanitizer)
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/sha256.h"
#include "base/utf16.h"
#include <stdatomic.h>

enum object_kind { OBJECT_VALUE, OBJECT_SECURITY, OBJECT_KEY, OBJECT_NODE };

struct object {
	_Atomic uint32_t refs;
	uint8_t kind;
	uint8_t height, used, capacity; /* Nodes only; here, as there is room. */
};

struct value {
	struct object object;
	uint32_t type;
	uint32_t len;
	uint16_t name_len;
	char16_t name[]; /* Then len bytes of data. */
};

struct security { /* A descriptor, shared by all keys that inherited it. */
	struct object object;
	uint32_t len;
	struct digest hash; /* Of the bytes. */
	uint8_t bytes[];
};

struct db_key {
	struct object object;
	union {
		uint64_t time;
		struct object *dead; /* The next in the list of those to be freed. */
	};
	struct node *keys, *values; /* NULL: none. */
	struct security *security;  /* NULL: none. */
	struct digest path;         /* Hash of the path; see entry.h. */
	struct digest entry;        /* What this key adds to the digest of the database. */
	uint16_t name_len;
	char16_t name[];
};

enum { NODE_MAX = 64 }; /* Slots; large enough for flat trees, small enough to copy. */

struct node { /* Of a tree of keys or of values; see tree.h. */
	struct object object;
	union {
		uint64_t total; /* Items in all the leaves below. */
		struct object *dead;
	};
	struct object *slots[]; /* capacity of them.  height 0: items; above: nodes of height - 1. */
};

static inline void object_init(struct object *o, enum object_kind kind)
{
	*o = (struct object){ .refs = 1, .kind = (uint8_t)kind };
}

static inline void object_ref(struct object *o)
{
	(void)atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
}

static inline bool object_is_shared(const struct object *o)
{
	return atomic_load_explicit(&o->refs, memory_order_acquire) != 1;
}

void object_unref(struct object *o); /* NULL is allowed. */

static inline struct db_key *object_key(const struct object *o)
{
	assert(o->kind == OBJECT_KEY);
	return (struct db_key *)o;
}

static inline struct value *object_value(const struct object *o)
{
	assert(o->kind == OBJECT_VALUE);
	return (struct value *)o;
}

static inline struct u16 object_name(const struct object *o) /* Of a key or a value. */
{
	if (o->kind == OBJECT_VALUE)
		return (struct u16){ ((const struct value *)o)->name, ((const struct value *)o)->name_len };
	assert(o->kind == OBJECT_KEY);
	return (struct u16){ ((const struct db_key *)o)->name, ((const struct db_key *)o)->name_len };
}

static inline uint8_t *value_data(const struct value *v)
{
	return (uint8_t *)(v->name + v->name_len);
}
