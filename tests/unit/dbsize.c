/* A database as a hive: never larger than the database said, and read back with the same digest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/db.h"
#include "tests/lib/hives.h"
#include "tests/unit/dbtest.h"

static void write_below(struct hive_writer *w, const struct db_key *key, bool is_root)
{
	struct hive_key k = { .name = is_root ? U16("Cluster") : db_key_name(key), .time = db_key_time(key) };

	k.security = db_key_security(key, &k.security_len);
	CHECK_INT(hive_key_begin(w, &k), 0);
	for (size_t i = 0; i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);

		CHECK_INT(hive_value(w, &(struct hive_value){ v.name, v.type, v.data, v.len }), 0);
	}
	for (size_t i = 0; i < db_key_count(key); i++)
		write_below(w, db_key_at(key, i), false);
	CHECK_INT(hive_key_end(w), 0);
}

static uint64_t written(const struct db *db, struct hive_file *file)
{
	struct hive_sink sink = hive_file_sink(file);
	struct hive_writer *w;
	uint64_t size;

	CHECK_INT(hive_writer_new(&sink, 1, &w), 0);
	write_below(w, db_root(db), true);
	CHECK_INT(hive_writer_finish(w, &size), 0);
	hive_writer_free(w);
	return size;
}

/* The bound holds, and is no more than bound_percent of the truth (and some pages). */
static void check_size(const struct db *db, unsigned bound_percent)
{
	struct hive_file file = { .discard = true };
	uint64_t size = written(db, &file);

	if (size > db_hive_size(db) || db_hive_size(db) > size * bound_percent / 100 + 20000)
		test_fail(
		    __FILE__, __LINE__, "%ju bytes were taken for %ju", (uintmax_t)size, (uintmax_t)db_hive_size(db));
	buf_done(&file.bytes);
}

static struct db *db_begin(void)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	return db;
}

static void set(struct db *db, struct u16 path, uint32_t number, size_t len)
{
	static uint8_t data[DB_VALUE_MAX];
	char16_t name[] = { (char16_t)(0x4e00 + (number >> 12)), (char16_t)(0x4e00 + (number & 0xfff)) };

	CHECK_INT(
	    db_value_set(db, path, &(struct db_value){ .name = { name, 2 }, .type = 3, .data = data, .len = len }, 1),
	    0);
}

TEST(an_empty_database)
{
	struct db *db = db_begin();

	check_size(db, 100);
	db_free(db);
}

/* Each length alone, so that cells of one size meet bins as badly as they can, and in turn with a small one. */
TEST(values_of_any_length)
{
	static const size_t lens[] = { 0, 4, 5, 100, 200, 248, 260, 500, 1000, 1300, 1350, 2000, 2010, 2020, 2030, 2040,
		2100, 3000, 4000, 4040, 4056, 4060, 4061, 4100, 8000, 8150, 8156, 8157, 12000, 16343, 16344, 16345,
		20000, 32688, 32689, 100000, DB_VALUE_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		for (size_t other = 0; other <= 300; other += 100) {
			struct db *db = db_begin();

			for (uint32_t n = 0; n < 100 + 2000000 / (lens[i] + 2000) && n * lens[i] < 20000000; n++)
				set(db, U16(""), n, n % 2 == 0 ? lens[i] : other);
			check_size(db, 320);
			db_free(db);
		}
}

TEST(values_of_mixed_lengths)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(60); seed++) {
		struct chance c = chance_begin(seed);
		size_t classes[4];
		struct db *db = db_begin();

		for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
			classes[i] = chance(&c, (uint64_t)1 << (4 + chance(&c, 14)));
		for (uint32_t n = 0; n < 1000; n++)
			set(db, U16(""), n, classes[chance(&c, ARRAY_SIZE(classes))] + chance(&c, 8));
		check_size(db, 320);
		db_free(db);
	}
}

TEST(keys_with_and_without_much)
{
	static const unsigned counts[] = { 1, 2, 3, 506, 507, 508, 1014, 1015, 40000 };
	uint8_t security[3000] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		for (unsigned len = 0; len <= sizeof(security); len += 1000) {
			struct db *db = db_begin();

			for (uint32_t n = 0; n < counts[i]; n++) {
				char16_t name[255];

				for (size_t u = 0; u < ARRAY_SIZE(name); u++)
					name[u] = (char16_t)(0x4e00 + n % 20000);
				name[0] = (char16_t)(0x4e00 + n / 20000);
				CHECK_INT(db_key_create(db, (struct u16){ name, 2 + n % 254 }, 1, NULL), 0);
				if (len > 0 && n < 5000) { /* Each its own. */
					put_le32(security, n);
					CHECK_INT(db_key_set_security(
						      db, (struct u16){ name, 2 + n % 254 }, security, len, 1),
					    0);
				}
			}
			check_size(db, 240);
			db_free(db);
		}
}

/* What clusters have: small values in many keys with one descriptor. */
TEST(the_ordinary_case_is_close)
{
	struct db *db = db_begin();

	for (unsigned key = 0; key < 500; key++) {
		char16_t path[] = { u'G', u'\\', (char16_t)(0x4e00 + key) };

		CHECK_INT(db_key_create(db, (struct u16){ path, 3 }, 1, NULL), 0);
		for (uint32_t n = 0; n < 50; n++)
			set(db, (struct u16){ path, 3 }, n, 30 + n * 4);
	}
	check_size(db, 115);
	db_free(db);
}

/* Whether it was inherited or set for each. */
TEST(a_descriptor_counts_once)
{
	static uint8_t security[60000];
	struct db *db = db_begin();
	uint64_t before = 0;

	CHECK_INT(db_key_set_security(db, U16(""), security, sizeof(security), 1), 0);
	for (unsigned key = 0; key < 1000; key++) {
		char16_t path[] = { u'G', u'\\', (char16_t)(0x4e00 + key) };

		CHECK_INT(db_key_create(db, (struct u16){ path, 3 }, 1, NULL), 0);
		security[0] = (uint8_t)(key % 3);
		CHECK_INT(db_key_set_security(db, (struct u16){ path, 3 }, security, sizeof(security), 1), 0);
		if (key == 100)
			before = db_hive_size(db);
	}
	check_size(db, 125);
	check_db(db);
	for (unsigned key = 101; key < 1000; key++)
		CHECK_INT(
		    db_key_delete(db, (struct u16){ (char16_t[]){ u'G', u'\\', (char16_t)(0x4e00 + key) }, 3 }, 1), 0);
	CHECK_INT(db_hive_size(db), before);
	check_size(db, 125);
	CHECK_INT(db_key_delete(db, U16("G"), 1), 0);
	CHECK(db_hive_size(db) < 80000);
	check_db(db);
	db_free(db);
}

static int visit_key(void *data, const struct hive_key *key)
{
	return db_load_key_begin(data, key->name, key->time, key->security, key->security_len);
}

static int visit_value(void *data, const struct hive_value *v)
{
	return db_load_value(data, &(struct db_value){ v->name, v->type, v->data, v->len });
}

static int visit_end(void *data)
{
	return db_load_key_end(data);
}

TEST(a_hive_reads_back_with_the_same_digest)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(20); seed++) {
		struct chance c = chance_begin(seed);
		struct hive_file file = { 0 };
		struct db *db = db_begin(), *loaded;
		struct db_loader *l;
		struct hive_visitor v = { visit_key, visit_value, visit_end, NULL };
		struct error error = { 0 };

		for (unsigned i = 0; i < 300; i++) {
			char16_t path[] = { (char16_t)(u'a' + chance(&c, 5)), u'\\', (char16_t)(u'A' + chance(&c, 5)),
				u'\\', (char16_t)(0xe0 + chance(&c, 5)) };
			struct u16 p = { path, 1 + 2 * chance(&c, 3) };

			CHECK_INT(db_key_create(db, p, chance(&c, 1000), NULL), 0);
			set(db, p, (uint32_t)chance(&c, 10), chance(&c, 3) == 0 ? 20000 : chance(&c, 40));
			if (chance(&c, 10) == 0)
				CHECK_INT(
				    db_key_set_security(db, p, path, chance(&c, sizeof(path)), chance(&c, 1000)), 0);
		}
		CHECK(written(db, &file) <= db_hive_size(db));
		CHECK_INT(db_loader_new(&l), 0);
		v.data = l;
		CHECK_INT(hive_read(file.bytes.data, file.bytes.len, 0, &v, &error), 0);
		CHECK_INT(db_loader_finish(l, &loaded), 0);
		db_loader_free(l);
		CHECK(digest_equal((struct digest[]){ db_digest(db) }, (struct digest[]){ db_digest(loaded) }));
		CHECK_INT(db_hive_size(db), db_hive_size(loaded));
		db_free(db);
		db_free(loaded);
		buf_done(&file.bytes);
	}
}
