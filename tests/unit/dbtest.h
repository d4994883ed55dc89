/* dbtest: what the tests of the database share: chance with a seed, and another way to the digest and the size.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "cluster/db/db.h"
#include "cluster/db/load.h"
#include "tests/lib/test.h"

struct chance {
	uint64_t state;
};

static inline struct chance chance_begin(uint64_t seed)
{
	test_note_seed(seed);
	return (struct chance){ seed * 2 + 1 };
}

static inline uint64_t chance(struct chance *c, uint64_t below)
{
	c->state = c->state * 6364136223846793005u + 1442695040888963407u;
	return ((c->state >> 33) * 0x9e3779b97f4a7c15u >> 16) % below;
}

static inline void add_digest(struct digest *sum, const struct buf *b)
{
	struct digest d = sha256_of(b->data, b->len);

	digest_add(sum, &d);
}

static inline void put_units(struct buf *b, struct u16 s, bool upcase)
{
	for (size_t i = 0; i < s.len; i++)
		buf_u16(b, upcase ? utf16_upcase(s.units[i]) : s.units[i]);
}

/* The sum of docs/formats/digest.md, written down once more, with the public functions only. */
static inline void digest_below(const struct db_key *key, const struct digest *path, struct digest *sum)
{
	struct digest none = { 0 }, security;
	struct buf b = { 0 };
	size_t len;
	const uint8_t *bytes = db_key_security(key, &len);

	security = bytes != NULL ? sha256_of(bytes, len) : none;
	buf_u8(&b, 2);
	buf_append(&b, path, sizeof(*path));
	buf_u64(&b, db_key_time(key));
	buf_append(&b, &security, sizeof(security));
	put_units(&b, db_key_name(key), false);
	add_digest(sum, &b);
	for (size_t i = 0; i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);

		b.len = 0;
		buf_u8(&b, 1);
		buf_append(&b, path, sizeof(*path));
		buf_u32(&b, v.type);
		buf_u32(&b, (uint32_t)v.name.len);
		put_units(&b, v.name, false);
		buf_append(&b, v.data, v.len);
		add_digest(sum, &b);
	}
	for (size_t i = 0; i < db_key_count(key); i++) {
		const struct db_key *below = db_key_at(key, i);
		struct digest hash;

		b.len = 0;
		buf_append(&b, path, sizeof(*path));
		put_units(&b, db_key_name(below), true);
		hash = sha256_of(b.data, b.len);
		digest_below(below, &hash, sum);
	}
	buf_done(&b);
}

static inline struct digest digest_again(const struct db_key *root)
{
	struct digest sum = { 0 }, path = { 0 };

	digest_below(root, &path, &sum);
	return sum;
}

static inline void load_below(struct db_loader *l, const struct db_key *key)
{
	size_t len;
	const uint8_t *bytes = db_key_security(key, &len);

	CHECK_INT(db_load_key_begin(l, db_key_name(key), db_key_time(key), bytes, len), 0);
	for (size_t i = 0; i < db_value_count(key); i++)
		CHECK_INT(db_load_value(l, &(struct db_value[]){ db_value_at(key, i) }[0]), 0);
	for (size_t i = 0; i < db_key_count(key); i++)
		load_below(l, db_key_at(key, i));
	CHECK_INT(db_load_key_end(l), 0);
}

/* A database with the same contents and no history. */
static inline struct db *db_again(const struct db_key *root)
{
	struct db_loader *l;
	struct db *db;

	CHECK_INT(db_loader_new(&l), 0);
	load_below(l, root);
	CHECK_INT(db_loader_finish(l, &db), 0);
	db_loader_free(l);
	return db;
}

/* All that the database promises at any moment. */
static inline void check_db(const struct db *db)
{
	struct digest kept = db_digest(db), recomputed = db_digest_recomputed(db_root(db));
	struct digest again = digest_again(db_root(db));
	struct db *copy = db_again(db_root(db));

	CHECK(digest_equal(&kept, &recomputed));
	CHECK(digest_equal(&kept, &again));
	CHECK(digest_equal(&kept, (struct digest[]){ db_digest(copy) }));
	CHECK_INT(db_hive_size(db), db_hive_size(copy));
	db_free(copy);
}
