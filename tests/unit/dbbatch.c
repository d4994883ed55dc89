/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/batch.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"
#include <stdio.h>

static struct db *db_begin(void)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	return db;
}

/* The example of docs/formats/batch.md. */
static void example(struct db_batch *b)
{
	static const struct db_op ops[] = {
		{ .kind = DB_OP_KEY_CREATE, .path = U16("App\\Port") },
		{ .kind = DB_OP_VALUE_SET,
		    .path = U16("App\\Port"),
		    .value = { .type = 4, .data = (const uint8_t *)"\x50\0\0", .len = 4 } },
		{ .kind = DB_OP_VALUE_SET,
		    .path = U16("App"),
		    .value = { .name = U16("Name"), .type = 1, .data = (const uint8_t *)"x\0\0", .len = 4 } },
		{ .kind = DB_OP_SET_SECURITY,
		    .path = U16("App"),
		    .security = (const uint8_t *)"sd",
		    .security_len = 2 },
		{ .kind = DB_OP_VALUE_DELETE, .path = U16("App"), .value = { .name = U16("Name") } },
		{ .kind = DB_OP_KEY_DELETE, .path = U16("Old") },
	};

	db_batch_begin(b, 0x01dd7a6f0f70eb80);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		db_batch_add(b, &ops[i]);
	CHECK_INT(b->bytes.error, 0);
	CHECK_INT(b->count, ARRAY_SIZE(ops));
}

TEST(the_bytes_are_those_of_the_golden_file)
{
	uint8_t golden[1000];
	struct db_batch b;
	FILE *f = fopen(TEST_GOLDEN "/database-batch-1.bin", "rb");

	example(&b);
	CHECK(f != NULL);
	CHECK_INT(fread(golden, 1, sizeof(golden), f), b.bytes.len);
	(void)fclose(f);
	CHECK_MEM(b.bytes.data, golden, b.bytes.len);
	db_batch_done(&b);
}

TEST(a_batch_does_what_its_operations_say)
{
	struct db *db = db_begin(), *same = db_begin();
	struct error error = { 0 };
	struct db_batch b;
	struct db_value v;
	size_t len;

	example(&b);
	CHECK_INT(db_key_create(db, U16("Old\\below"), 1, NULL), 0);
	CHECK_INT(db_batch_apply(db, b.bytes.data, b.bytes.len, &error), 0);
	CHECK(db_find(db_root(db), U16("Old")) == NULL);
	CHECK(db_value_find(db_find(db_root(db), U16("app\\port")), U16(""), &v));
	CHECK_INT(v.type, 4);
	CHECK_INT(get_le32(v.data), 80);
	CHECK_INT(db_value_count(db_find(db_root(db), U16("App"))), 0);
	CHECK_MEM(db_key_security(db_find(db_root(db), U16("App")), &len), "sd", 2);
	CHECK_INT(db_key_time(db_find(db_root(db), U16("App"))), 0x01dd7a6f0f70eb80);
	check_db(db);

	CHECK_INT(db_key_create(same, U16("Old"), 2, NULL), 0);
	CHECK_INT(db_batch_apply(same, b.bytes.data, b.bytes.len, NULL), 0);
	CHECK(digest_equal((struct digest[]){ db_digest(db) }, (struct digest[]){ db_digest(same) }));
	db_batch_done(&b);
	db_free(db);
	db_free(same);
}

TEST(an_empty_batch_is_one_and_changes_nothing)
{
	struct db *db = db_begin();
	struct digest before = db_digest(db);
	struct db_batch b;

	db_batch_begin(&b, 7);
	CHECK_INT(b.bytes.len, 12);
	CHECK_INT(db_batch_apply(db, b.bytes.data, b.bytes.len, NULL), 0);
	CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	db_batch_done(&b);
	db_free(db);
}

TEST(a_batch_that_does_not_fit_the_database_changes_nothing)
{
	struct db *db = db_begin();
	struct error error = { 0 };
	struct digest before;
	struct db_batch b;

	example(&b); /* There is no key Old. */
	CHECK_INT(db_key_create(db, U16("x"), 1, NULL), 0);
	before = db_digest(db);
	CHECK_INT(db_batch_apply(db, b.bytes.data, b.bytes.len, &error), ERR_FILE_NOT_FOUND);
	CHECK_STR(error.text,
	    "operation 6 of a database batch does not fit the database: no key, value or file has that name");
	CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	CHECK(digest_equal(&before, (struct digest[]){ db_digest_recomputed(db_root(db)) }));
	db_batch_done(&b);
	db_free(db);
}

TEST(cut_anywhere_it_is_refused_or_a_shorter_batch)
{
	struct db *db = db_begin();
	struct digest before = db_digest(db);
	struct db_batch b;
	unsigned whole = 0;

	example(&b);
	for (size_t len = 0; len < b.bytes.len; len++) {
		struct db_batch_reader r;
		struct error error = { 0 };
		int e = db_batch_reader_init(&r, b.bytes.data, len, &error);

		if (e == 0) {
			while ((e = db_batch_next(&r, &error)) > 0)
				;
			whole += e == 0;
			db_batch_reader_done(&r);
		}
		CHECK(e == 0 || (e == ERR_INVALID_DATA && error.text[0] != 0));
		if (e < 0) {
			CHECK_INT(db_batch_apply(db, b.bytes.data, len, NULL), ERR_INVALID_DATA);
			CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
		}
	}
	CHECK_INT(whole, 6); /* Between the operations. */
	db_batch_done(&b);
	db_free(db);
}

TEST(what_is_beyond_the_limits_is_damage)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t len;
	} cases[] = {
#define OP(what, bytes) { what, bytes, sizeof(bytes) - 1 }
		OP("unknown kind", "\6\0\0\1\0k\0"),
		OP("kind 0", "\0\0\0\1\0k\0"),
		OP("shares with nothing", "\1\1\0\1\0k\0"),
		OP("a path longer than the limit", "\1\0\0\xff\xff"),
		OP("a path that ends with a separator", "\1\0\0\2\0k\0\\\0"),
		OP("a path that begins with a separator", "\1\0\0\2\0\\\0k\0"),
		OP("a zero in a path", "\1\0\0\1\0\0\0"),
		OP("a value name longer than the limit", "\5\0\0\1\0k\0\0\x40"),
		OP("data longer than the limit", "\4\0\0\1\0k\0\0\0\3\0\0\0\1\0\x0e\0"),
		OP("data longer than the batch", "\4\0\0\1\0k\0\0\0\3\0\0\0\1\0\0\0"),
		OP("a descriptor longer than the batch", "\3\0\0\1\0k\0\1\0"),
#undef OP
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct db *db = db_begin();
		struct error error = { 0 };
		struct db_batch b;

		CHECK_INT(db_key_create(db, U16("k"), 1, NULL), 0);
		db_batch_begin(&b, 1);
		buf_append(&b.bytes, cases[i].bytes, cases[i].len);
		if (db_batch_apply(db, b.bytes.data, b.bytes.len, &error) != ERR_INVALID_DATA)
			test_fail(__FILE__, __LINE__, "taken: %s", cases[i].what);
		CHECK_STR(error.text, "operation 1 of a database batch (at byte 12) is damaged");
		db_batch_done(&b);
		db_free(db);
	}
}

TEST(other_versions_and_lengths_are_refused)
{
	struct db *db = db_begin();
	struct error error = { 0 };
	uint8_t *bytes = calloc(1, DB_BATCH_MAX + 1);

	bytes[0] = 2;
	CHECK_INT(db_batch_apply(db, bytes, 12, &error), ERR_INVALID_DATA);
	CHECK_STR(error.text, "a database batch of version 2 is not known here");
	bytes[0] = 1;
	CHECK_INT(db_batch_apply(db, bytes, 12, &error), 0);
	CHECK_INT(db_batch_apply(db, bytes, 11, &error), ERR_INVALID_DATA);
	CHECK_INT(db_batch_apply(db, bytes, DB_BATCH_MAX + 1, &error), ERR_INVALID_DATA);
	CHECK_STR(error.text, "a database batch of 2097153 bytes is too long");
	free(bytes);
	db_free(db);
}

/* Any operations, written and read again, are the same; what they share does not matter. */
TEST(what_was_written_is_read)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(200); seed++) {
		struct chance c = chance_begin(seed);
		char16_t paths[30][40];
		struct db_op ops[30] = { 0 };
		struct db_batch_reader r;
		struct db_batch b;

		db_batch_begin(&b, seed);
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
			size_t len = chance(&c, 20);

			for (size_t at = 0; at < 2 * len; at++)
				paths[i][at] =
				    at % 2 == 1 ? u'\\' : (char16_t)(u'a' + (at > 20 ? chance(&c, 26) : chance(&c, 2)));
			ops[i] = (struct db_op){ .kind = (enum db_op_kind)(1 + chance(&c, 5)),
				.path = { paths[i], len > 0 ? 2 * len - 1 : 0 } };
			if (ops[i].kind == DB_OP_SET_SECURITY) {
				ops[i].security = (const uint8_t *)paths[i];
				ops[i].security_len = chance(&c, sizeof(paths[i]));
			} else if (ops[i].kind >= DB_OP_VALUE_SET) {
				ops[i].value.name = (struct u16){ paths[i], chance(&c, 40) };
			}
			if (ops[i].kind == DB_OP_VALUE_SET) {
				ops[i].value.type = (uint32_t)chance(&c, UINT32_MAX);
				ops[i].value.data = (const uint8_t *)paths[i];
				ops[i].value.len = chance(&c, sizeof(paths[i]));
			}
			for (size_t at = 2 * len; at < 40; at++)
				paths[i][at] = (char16_t)chance(&c, 65536);
			db_batch_add(&b, &ops[i]);
		}
		CHECK_INT(db_batch_reader_init(&r, b.bytes.data, b.bytes.len, NULL), 0);
		CHECK_INT(r.time, seed);
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
			CHECK_INT(db_batch_next(&r, NULL), 1);
			CHECK_INT(r.op.kind, ops[i].kind);
			CHECK(u16_equal_exact(r.op.path, ops[i].path));
			CHECK(u16_equal_exact(r.op.value.name, ops[i].value.name));
			CHECK_INT(r.op.value.type, ops[i].value.type);
			CHECK_INT(r.op.value.len, ops[i].value.len);
			CHECK_INT(r.op.security_len, ops[i].security_len);
			if (ops[i].value.len > 0)
				CHECK_MEM(r.op.value.data, ops[i].value.data, ops[i].value.len);
			if (ops[i].security_len > 0)
				CHECK_MEM(r.op.security, ops[i].security, ops[i].security_len);
		}
		CHECK_INT(db_batch_next(&r, NULL), 0);
		CHECK_INT(db_batch_next(&r, NULL), 0);
		db_batch_reader_done(&r);
		db_batch_done(&b);
	}
}

/* A long path is written once, however many values the key has. */
TEST(a_path_is_not_repeated)
{
	char16_t path[DB_PATH_MAX];
	struct db_batch b;

	for (size_t i = 0; i < DB_PATH_MAX; i++)
		path[i] = i % 256 == 255 ? u'\\' : u'p';
	db_batch_begin(&b, 1);
	for (unsigned i = 0; i < 1000; i++)
		db_batch_add(&b, &(struct db_op){ .kind = DB_OP_VALUE_SET, .path = { path, DB_PATH_MAX } });
	CHECK_INT(b.bytes.len, 12 + 2 * DB_PATH_MAX + 1000 * 15);
	db_batch_done(&b);
}

TEST(each_failed_allocation_is_reported)
{
	FAIL_EACH_ALLOCATION
	{
		struct db *db = NULL;
		struct digest before = { 0 };
		struct db_batch b;
		int r = db_new(&db);

		db_batch_begin(&b, 1);
		for (char16_t c = u'a'; c < u'e'; c++) {
			db_batch_add(&b,
			    &(struct db_op){ .kind = DB_OP_KEY_CREATE, .path = { (char16_t[]){ u'k', u'\\', c }, 3 } });
			db_batch_add(
			    &b, &(struct db_op){ .kind = DB_OP_VALUE_SET, .path = U16("k"), .value.name = { &c, 1 } });
		}
		if (r == 0)
			r = b.bytes.error;
		if (r == 0) {
			before = db_digest(db);
			r = db_batch_apply(db, b.bytes.data, b.bytes.len, NULL);
			if (r < 0) {
				CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
				CHECK(digest_equal(&before, (struct digest[]){ db_digest_recomputed(db_root(db)) }));
			}
		}
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		db_batch_done(&b);
		db_free(db);
	}
}
