/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/load.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"

static struct db_loader *begun(void)
{
	struct db_loader *l;

	CHECK_INT(db_loader_new(&l), 0);
	CHECK_INT(db_load_key_begin(l, U16("Cluster"), 7, NULL, 0), 0);
	return l;
}

static struct db_loader *begun_check(void)
{
	struct db_loader *l;

	CHECK_INT(db_loader_new_check(&l), 0);
	CHECK_INT(db_load_key_begin(l, U16("Cluster"), 7, NULL, 0), 0);
	return l;
}

TEST(what_was_loaded_is_there_with_its_times)
{
	struct db_loader *l = begun();
	const struct db_key *key;
	struct db_value v;
	struct db *db;
	size_t len;

	CHECK_INT(db_load_value(
		      l, &(struct db_value){ .name = U16("b"), .type = 3, .data = (const uint8_t *)"xy", .len = 2 }),
	    0);
	CHECK_INT(db_load_key_begin(l, U16("Nodes"), 100, "descriptor", 10), 0);
	CHECK_INT(db_load_key_begin(l, U16("2"), 90, "descriptor", 10), 0);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_load_key_begin(l, U16("1"), 80, NULL, 0), 0);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_load_value(l, &(struct db_value){ .name = U16("A"), .type = 4 }), 0);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_loader_finish(l, &db), 0);
	db_loader_free(l);

	CHECK_INT(db_key_time(db_root(db)), 7);
	CHECK_INT(db_key_name(db_root(db)).len, 0);
	CHECK_INT(db_value_count(db_root(db)), 2);
	CHECK(u16_equal_exact(db_value_at(db_root(db), 0).name, U16("A")));
	CHECK(db_value_find(db_root(db), U16("B"), &v));
	CHECK_INT(v.len, 2);
	key = db_find(db_root(db), U16("nodes"));
	CHECK_INT(db_key_time(key), 100);
	CHECK(u16_equal_exact(db_key_name(db_key_at(key, 0)), U16("1")));
	CHECK_INT(db_key_time(db_find(key, U16("2"))), 90);
	CHECK_MEM(db_key_security(db_find(key, U16("2")), &len), "descriptor", 10);
	CHECK_INT(len, 10);
	CHECK(db_key_security(db_find(key, U16("1")), &len) == NULL);
	check_db(db);
	db_free(db);
}

/* Load the tree below a key in ascending order. */
static int load_tree(struct db_loader *l, const struct db_key *key)
{
	size_t len;
	const uint8_t *security = db_key_security(key, &len);
	int r = db_load_key_begin(l, db_key_name(key), db_key_time(key), security, len);

	for (size_t i = 0; r == 0 && i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);

		r = db_load_value(l, &v);
	}
	for (size_t i = 0; r == 0 && i < db_key_count(key); i++)
		r = load_tree(l, db_key_at(key, i));
	return r == 0 ? db_load_key_end(l) : r;
}

/* A tree of three levels with few names. */
static struct db *chance_tree(struct chance *c)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	for (unsigned i = 0; i < 300; i++) {
		char16_t path[] = u"A\\b\\C", name = (char16_t)(u'a' + chance(c, 26));
		struct u16 p = { path, 1 + 2 * chance(c, 3) };
		uint64_t what = chance(c, 1000);

		path[p.len - 1] = (char16_t)(u'a' + what % 7);
		CHECK_INT(db_key_create(db, p, what, NULL), 0);
		if (what % 5 == 0)
			CHECK_INT(db_key_set_security(db, p, "123456", what % 7, 5), 0);
		CHECK_INT(db_value_set(
			      db, p, &(struct db_value){ { &name, 1 }, (uint32_t)what, (uint8_t *)&what, what % 9 }, 8),
		    0);
	}
	return db;
}

TEST(a_loader_that_only_checks_comes_to_the_same_sums)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(20); seed++) {
		struct chance c = chance_begin(seed);
		struct db *db = chance_tree(&c);
		struct digest digest = db_digest(db);
		struct db_totals totals;
		struct db_loader *l;

		test_note_seed(seed);
		CHECK_INT(db_loader_new_check(&l), 0);
		CHECK_INT(load_tree(l, db_root(db)), 0);
		CHECK_INT(db_loader_finish_check(l, &totals), 0);
		CHECK(digest_equal(&totals.digest, &digest));
		CHECK_INT(totals.hive_size, db_hive_size(db));
		db_loader_free(l);
		db_free(db);
	}
}

TEST(a_loader_that_only_checks_counts_what_it_has_seen)
{
	struct db_totals totals;
	struct db_loader *l;
	struct db *db;

	CHECK_INT(db_loader_new_check(&l), 0);
	CHECK_INT(db_load_key_begin(l, U16("Cluster"), 7, NULL, 0), 0);
	CHECK_INT(db_load_key_begin(l, U16("a"), 7, NULL, 0), 0);
	CHECK_INT(db_load_value(l, &(struct db_value){ .name = U16("x") }), 0);
	CHECK_INT(db_load_value(l, &(struct db_value){ .name = U16("y") }), 0);
	CHECK_INT(db_loader_finish_check(l, &totals), ERR_INVALID_DATA);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_load_key_begin(l, U16("b"), 7, NULL, 0), 0);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_loader_finish(l, &db), ERR_INVALID_DATA); /* There is none. */
	CHECK_INT(db_loader_finish_check(l, &totals), 0);
	CHECK_INT(totals.key_count, 3);
	CHECK_INT(totals.value_count, 2);
	db_loader_free(l);
}

TEST(a_loader_that_only_checks_wants_names_in_order)
{
	static const struct u16 wrong[] = { { u"B", 1 }, { u"b", 1 }, { u"A", 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct db_loader *l = begun_check();

		CHECK_INT(db_load_value(l, &(struct db_value){ .name = U16("b") }), 0);
		CHECK_INT(db_load_value(l, &(struct db_value){ .name = wrong[i] }), ERR_INVALID_DATA);
		db_loader_free(l);

		l = begun_check();
		CHECK_INT(db_load_key_begin(l, U16("b"), 1, NULL, 0), 0);
		CHECK_INT(db_load_value(l, &(struct db_value){ .name = U16("z") }), 0);
		CHECK_INT(db_load_key_begin(l, U16("z"), 1, NULL, 0), 0);
		CHECK_INT(db_load_key_end(l), 0);
		CHECK_INT(db_load_key_end(l), 0);
		CHECK_INT(db_load_value(l, &(struct db_value){ .name = U16("a") }), 0); /* Another key's. */
		CHECK_INT(db_load_key_begin(l, wrong[i], 1, NULL, 0), ERR_INVALID_DATA);
		db_loader_free(l);
	}
}

TEST(a_name_comes_once)
{
	struct db_loader *l = begun();

	CHECK_INT(db_load_key_begin(l, U16("key"), 1, NULL, 0), 0);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_load_key_begin(l, U16("KEY"), 1, NULL, 0), ERR_INVALID_DATA);
	db_loader_free(l);
	l = begun();
	CHECK_INT(db_load_value(l, &(struct db_value){ .name = U16("value") }), 0);
	CHECK_INT(db_load_value(l, &(struct db_value){ .name = U16("VALUE") }), ERR_INVALID_DATA);
	db_loader_free(l);
}

TEST(a_key_needs_a_name_that_a_path_can_have)
{
	static const struct {
		struct u16 name;
		int r;
	} names[] = {
		{ { u"", 0 }, ERR_INVALID_DATA },
		{ { u"a\\b", 3 }, ERR_INVALID_DATA },
		{ { u"a\0b", 3 }, ERR_INVALID_DATA },
		{ { u"a/b", 3 }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct db_loader *l = begun();

		CHECK_INT(db_load_key_begin(l, names[i].name, 1, NULL, 0), names[i].r);
		db_loader_free(l);
	}
}

TEST(keys_begin_and_end_in_pairs)
{
	struct db_loader *l;
	struct db *db;

	CHECK_INT(db_loader_new(&l), 0);
	CHECK_INT(db_load_value(l, &(struct db_value){ .type = 1 }), ERR_INVALID_DATA);
	CHECK_INT(db_load_key_end(l), ERR_INVALID_DATA);
	CHECK_INT(db_loader_finish(l, &db), ERR_INVALID_DATA);
	db_loader_free(l);

	l = begun();
	CHECK_INT(db_loader_finish(l, &db), ERR_INVALID_DATA);
	CHECK_INT(db_load_key_end(l), 0);
	CHECK_INT(db_load_key_end(l), ERR_INVALID_DATA);
	CHECK_INT(db_load_key_begin(l, U16("second root"), 1, NULL, 0), ERR_INVALID_DATA);
	CHECK_INT(db_load_value(l, &(struct db_value){ .type = 1 }), ERR_INVALID_DATA);
	CHECK_INT(db_loader_finish(l, &db), 0);
	CHECK_INT(db_loader_finish(l, &db), ERR_INVALID_DATA);
	db_free(db);
	db_loader_free(l);
}

static void check_limits(struct db_loader *begun_loader(void))
{
	static char16_t name[DB_VALUE_NAME_MAX + 1];
	static uint8_t data[DB_VALUE_MAX + 1];
	struct db_loader *l;
	unsigned depth;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		name[i] = u'n';
	l = begun_loader();
	CHECK_INT(db_load_key_begin(l, (struct u16){ name, DB_KEY_NAME_MAX }, 1, data, DB_SECURITY_MAX), 0);
	CHECK_INT(db_load_value(
		      l, &(struct db_value){ .name = { name, DB_VALUE_NAME_MAX }, .data = data, .len = DB_VALUE_MAX }),
	    0);
	CHECK_INT(
	    db_load_key_begin(l, (struct u16){ name, DB_KEY_NAME_MAX + 1 }, 1, NULL, 0), ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(db_load_key_begin(l, U16("k"), 1, data, DB_SECURITY_MAX + 1), ERR_INVALID_PARAMETER);
	CHECK_INT(
	    db_load_value(l, &(struct db_value){ .name = { name, DB_VALUE_NAME_MAX + 1 } }), ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(db_load_value(l, &(struct db_value){ .data = data, .len = DB_VALUE_MAX + 1 }), ERR_INVALID_PARAMETER);
	db_loader_free(l);

	l = begun_loader();
	for (depth = 1; r == 0; depth++)
		r = db_load_key_begin(l, U16("d"), 1, NULL, 0);
	CHECK_INT(r, ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(depth - 1, DB_DEPTH_MAX);
	db_loader_free(l);

	l = begun_loader();
	for (depth = 0; depth < DB_PATH_MAX / 256; depth++) /* 127 components with their separators: 32512 units. */
		CHECK_INT(db_load_key_begin(l, (struct u16){ name, 255 }, 1, NULL, 0), 0);
	CHECK_INT(db_load_key_begin(l, (struct u16){ name, 255 }, 1, NULL, 0), 0); /* 32767. */
	CHECK_INT(db_load_key_begin(l, U16("x"), 1, NULL, 0), ERR_FILENAME_EXCED_RANGE);
	db_loader_free(l);

	l = begun_loader();
	r = 0;
	for (size_t i = 0; r == 0; i++) {
		name[0] = (char16_t)(0x4e00 + (i >> 12)); /* Without case. */
		name[1] = (char16_t)(0x4e00 + (i & 0xfff));
		put_le32(data, (uint32_t)i);
		r = db_load_key_begin(l, (struct u16){ name, 2 }, 1, data, 4041); /* Three pages, at most. */
		if (r == 0)
			r = db_load_key_end(l);
		CHECK(i < DB_HIVE_MAX / 12288);
	}
	CHECK_INT(r, ERR_DISK_FULL);
	db_loader_free(l);
}

TEST(the_limits_hold_here_too)
{
	check_limits(begun);
}

TEST(the_limits_hold_where_nothing_is_kept)
{
	check_limits(begun_check);
}

static void fail_each_allocation(bool keep)
{
	FAIL_EACH_ALLOCATION
	{
		struct db_loader *l = NULL;
		struct db_totals totals;
		struct db *db = NULL;
		int r = keep ? db_loader_new(&l) : db_loader_new_check(&l);

		if (r == 0)
			r = db_load_key_begin(l, U16(""), 1, "1", 1);
		for (char16_t c = u'a'; c < u'k' && r == 0; c++) {
			r = db_load_key_begin(l, (struct u16){ &c, 1 }, c, "12", c % 3);
			if (r == 0)
				r = db_load_value(l, &(struct db_value){ .name = { &c, 1 } });
			if (r == 0 && c % 2 == 0)
				r = db_load_key_end(l);
		}
		for (unsigned i = 0; i < 6 && r == 0; i++)
			r = db_load_key_end(l);
		if (r == 0)
			r = keep ? db_loader_finish(l, &db) : db_loader_finish_check(l, &totals);
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		db_loader_free(l);
		db_free(db);
	}
}

TEST(each_failed_allocation_is_reported)
{
	fail_each_allocation(true);
	fail_each_allocation(false);
}
