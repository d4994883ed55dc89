/* The rules of the database, one by one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/db.h"
#include "tests/unit/dbtest.h"

static struct db *db_begin(void)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	return db;
}

static int create(struct db *db, struct u16 path)
{
	return db_key_create(db, path, 1, NULL);
}

static int set(struct db *db, struct u16 path, struct u16 name, const char *data, uint64_t time)
{
	return db_value_set(db, path,
	    &(struct db_value){ .name = name, .type = 3, .data = (const uint8_t *)data, .len = strlen(data) }, time);
}

TEST(an_empty_database_has_a_root)
{
	struct db *db = db_begin();
	const struct db_key *root = db_root(db);
	size_t len = 1;

	CHECK(db_find(root, U16("")) == root);
	CHECK_INT(db_key_name(root).len + db_key_count(root) + db_value_count(root) + db_key_time(root), 0);
	CHECK(db_key_security(root, &len) == NULL);
	CHECK_INT(len, 0);
	CHECK(!db_value_find(root, U16(""), NULL));
	check_db(db);
	db_free(db);
	db_free(NULL);
}

TEST(a_path_is_made_with_its_parents)
{
	struct db *db = db_begin();
	bool created = false;

	CHECK_INT(db_key_create(db, U16("Groups\\{1}\\Parameters"), 5, &created), 0);
	CHECK(created);
	CHECK_INT(db_key_time(db_root(db)), 5);
	CHECK_INT(db_key_time(db_find(db_root(db), U16("Groups"))), 5);
	CHECK_INT(db_key_create(db, U16("GROUPS\\{1}"), 6, &created), 0);
	CHECK(!created);
	CHECK_INT(db_key_time(db_root(db)), 5);
	CHECK_INT(db_key_create(db, U16(""), 6, &created), 0);
	CHECK(!created);
	CHECK_INT(db_key_create(db, U16("Groups\\{2}"), 7, &created), 0);
	CHECK_INT(db_key_time(db_find(db_root(db), U16("Groups"))), 7);
	CHECK_INT(db_key_time(db_root(db)), 5);
	CHECK_INT(db_key_count(db_root(db)), 1);
	check_db(db);
	db_free(db);
}

TEST(names_ignore_case_and_keep_that_of_their_creator)
{
	struct db *db = db_begin();
	struct db_value v;

	CHECK_INT(create(db, U16("M\u00f6w\u03b1")), 0);
	CHECK_INT(create(db, U16("M\u00d6W\u0391\\x")), 0);
	CHECK_INT(db_key_count(db_root(db)), 1);
	CHECK(u16_equal_exact(db_key_name(db_key_at(db_root(db), 0)), U16("M\u00f6w\u03b1")));
	CHECK_INT(set(db, U16("m\u00f6w\u03b1"), U16("Port"), "1", 2), 0);
	CHECK_INT(set(db, U16("m\u00f6w\u03b1"), U16("PORT"), "22", 2), 0);
	CHECK(db_value_find(db_key_at(db_root(db), 0), U16("port"), &v));
	CHECK(u16_equal_exact(v.name, U16("Port")));
	CHECK_INT(v.len, 2);
	check_db(db);
	db_free(db);
}

TEST(siblings_ascend_by_upcased_units)
{
	static const char16_t surrogate[] = { 0xd800 };
	static const struct u16 ascending[] = { U16("A"), U16("ab"), U16("a\\"), U16("Z"), U16("["), U16("\u00e9"),
		{ surrogate, 1 }, U16("\uffee") };
	struct db *db = db_begin();

	for (size_t i = ARRAY_SIZE(ascending); i-- > 0;)
		CHECK_INT(set(db, U16(""), ascending[i], "", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ascending); i++)
		CHECK(u16_equal_exact(db_value_at(db_root(db), i).name, ascending[i]));
	check_db(db);
	db_free(db);
}

TEST(a_write_of_a_value_changes_the_time_of_its_key)
{
	struct db *db = db_begin();
	const struct db_key *key;

	CHECK_INT(create(db, U16("k\\below")), 0);
	CHECK_INT(set(db, U16("k"), U16("v"), "1", 10), 0);
	CHECK_INT(db_key_time(db_find(db_root(db), U16("k"))), 10);
	CHECK_INT(set(db, U16("k"), U16("v"), "1", 11), 0);
	CHECK_INT(db_value_delete(db, U16("k"), U16("V"), 12), 0);
	key = db_find(db_root(db), U16("k"));
	CHECK_INT(db_key_time(key), 12);
	CHECK_INT(db_value_count(key), 0);
	CHECK_INT(db_key_delete(db, U16("k\\below"), 13), 0);
	CHECK_INT(db_key_time(db_find(db_root(db), U16("k"))), 13);
	CHECK_INT(db_key_set_security(db, U16("k"), "sd", 2, 14), 0);
	CHECK_INT(db_key_time(db_find(db_root(db), U16("k"))), 14);
	CHECK_INT(db_key_time(db_root(db)), 1);
	check_db(db);
	db_free(db);
}

TEST(a_new_key_has_the_descriptor_of_its_parent)
{
	struct db *db = db_begin();
	size_t len;

	CHECK_INT(create(db, U16("before")), 0);
	CHECK_INT(db_key_set_security(db, U16(""), "root", 4, 1), 0);
	CHECK_INT(create(db, U16("a\\b")), 0);
	CHECK_INT(db_key_set_security(db, U16("a"), "a", 1, 1), 0);
	CHECK(db_key_security(db_find(db_root(db), U16("before")), &len) == NULL);
	CHECK_MEM(db_key_security(db_find(db_root(db), U16("a\\b")), &len), "root", 4);
	CHECK_INT(len, 4);
	CHECK_INT(create(db, U16("a\\c")), 0);
	CHECK_MEM(db_key_security(db_find(db_root(db), U16("a\\c")), &len), "a", 1);
	CHECK_INT(db_key_set_security(db, U16("a\\c"), NULL, 0, 1), 0);
	CHECK(db_key_security(db_find(db_root(db), U16("a\\c")), &len) == NULL);
	check_db(db);
	db_free(db);
}

TEST(a_key_goes_with_everything_below)
{
	struct db *db = db_begin();
	struct digest before;
	uint64_t size;

	CHECK_INT(create(db, U16("keep")), 0);
	before = db_digest(db);
	size = db_hive_size(db);
	CHECK_INT(create(db, U16("k\\a\\b")), 0);
	CHECK_INT(create(db, U16("k\\c")), 0);
	CHECK_INT(set(db, U16("k\\a"), U16("v"), "data", 1), 0);
	CHECK_INT(set(db, U16("k\\a\\b"), U16(""), "data", 1), 0);
	check_db(db);
	CHECK_INT(db_key_delete(db, U16("K"), 1), 0);
	CHECK(db_find(db_root(db), U16("k")) == NULL);
	CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	CHECK_INT(db_hive_size(db), size);
	db_free(db);
}

TEST(what_is_not_there_is_said_to_be_missing)
{
	struct db *db = db_begin();
	struct digest before;

	CHECK_INT(create(db, U16("k")), 0);
	before = db_digest(db);
	CHECK_INT(db_key_delete(db, U16("l"), 2), ERR_FILE_NOT_FOUND);
	CHECK_INT(db_key_delete(db, U16("k\\l"), 2), ERR_FILE_NOT_FOUND);
	CHECK_INT(db_key_delete(db, U16("l\\k"), 2), ERR_FILE_NOT_FOUND);
	CHECK_INT(db_key_delete(db, U16(""), 2), ERR_ACCESS_DENIED);
	CHECK_INT(db_key_set_security(db, U16("k\\l"), "sd", 2, 2), ERR_FILE_NOT_FOUND);
	CHECK_INT(set(db, U16("l"), U16("v"), "", 2), ERR_FILE_NOT_FOUND);
	CHECK_INT(db_value_delete(db, U16("k"), U16("v"), 2), ERR_FILE_NOT_FOUND);
	CHECK_INT(db_value_delete(db, U16("l"), U16("v"), 2), ERR_FILE_NOT_FOUND);
	CHECK(db_find(db_root(db), U16("k\\l")) == NULL);
	CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	check_db(db);
	db_free(db);
}

TEST(a_path_has_no_empty_component_and_no_zero)
{
	static const struct u16 bad[] = { U16("\\"), U16("\\k"), U16("k\\"), U16("k\\\\v"), U16("\\\\"), U16("k\0"),
		U16("k\0v\\w") };
	struct db *db = db_begin();

	CHECK_INT(create(db, U16("k\\v")), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(create(db, bad[i]), ERR_INVALID_PARAMETER);
		CHECK_INT(db_key_delete(db, bad[i], 1), ERR_INVALID_PARAMETER);
		CHECK_INT(db_key_set_security(db, bad[i], "sd", 2, 1), ERR_INVALID_PARAMETER);
		CHECK_INT(set(db, bad[i], U16("v"), "", 1), ERR_INVALID_PARAMETER);
		CHECK_INT(db_value_delete(db, bad[i], U16("v"), 1), ERR_INVALID_PARAMETER);
		CHECK(db_find(db_root(db), bad[i]) == NULL);
	}
	db_free(db);
}

static struct u16 repeated(char16_t *units, char16_t unit, size_t len)
{
	for (size_t i = 0; i < len; i++)
		units[i] = unit;
	return (struct u16){ units, len };
}

/* Components of 1 unit: as many as the depth allows, or one more. */
static struct u16 deep(char16_t *units, size_t components)
{
	for (size_t i = 0; i < 2 * components; i++)
		units[i] = i % 2 == 0 ? u'd' : u'\\';
	return (struct u16){ units, 2 * components - 1 };
}

/* Components of 255 units. */
static struct u16 wide(char16_t *units, size_t len)
{
	for (size_t i = 0; i < len; i++)
		units[i] = i % 256 == 255 ? u'\\' : u'w';
	return (struct u16){ units, len };
}

TEST(limits_are_enforced_when_something_is_set)
{
	static char16_t units[DB_PATH_MAX + 2];
	static uint8_t data[DB_VALUE_MAX + 1];
	struct db *db = db_begin();

	CHECK_INT(create(db, repeated(units, u'k', DB_KEY_NAME_MAX)), 0);
	CHECK_INT(create(db, repeated(units, u'k', DB_KEY_NAME_MAX + 1)), ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(create(db, deep(units, DB_DEPTH_MAX - 1)), 0);
	CHECK_INT(create(db, deep(units, DB_DEPTH_MAX)), ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(create(db, wide(units, DB_PATH_MAX)), 0);
	CHECK_INT(set(db, wide(units, DB_PATH_MAX), U16("v"), "x", 1), 0);
	CHECK_INT(create(db, wide(units, DB_PATH_MAX + 2)), ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(set(db, U16(""), repeated(units, u'v', DB_VALUE_NAME_MAX), "", 1), 0);
	CHECK_INT(set(db, U16(""), repeated(units, u'v', DB_VALUE_NAME_MAX + 1), "", 1), ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(db_value_set(db, U16(""), &(struct db_value){ .data = data, .len = DB_VALUE_MAX }, 1), 0);
	CHECK_INT(db_value_set(db, U16(""), &(struct db_value){ .data = data, .len = DB_VALUE_MAX + 1 }, 1),
	    ERR_INVALID_PARAMETER);
	CHECK_INT(db_key_set_security(db, U16(""), data, DB_SECURITY_MAX, 1), 0);
	CHECK_INT(db_key_set_security(db, U16(""), data, DB_SECURITY_MAX + 1, 1), ERR_INVALID_PARAMETER);
	check_db(db);
	db_free(db);
}

TEST(a_key_has_room_for_so_many_values)
{
	struct db *db = db_begin();
	char16_t units[2];
	struct u16 name = { units, 2 };

	for (uint32_t i = 0; i <= DB_VALUE_COUNT_MAX; i++) {
		units[0] = (char16_t)(0x4e00 + (i >> 12));
		units[1] = (char16_t)(0x4e00 + (i & 0xfff));
		CHECK_INT(set(db, U16(""), name, "", 1), i < DB_VALUE_COUNT_MAX ? 0 : ERR_DISK_FULL);
	}
	units[0] = 0x4e00;
	CHECK_INT(set(db, U16(""), name, "replaced", 1), 0);
	CHECK_INT(db_value_count(db_root(db)), DB_VALUE_COUNT_MAX);
	db_free(db);
}

/* Fill the root with values that take much more room in a hive, at most, than here; their number. */
static uint32_t fill(struct db *db, const uint8_t *data)
{
	struct db_value v = { .data = data, .len = 4061 };
	char16_t units[2];
	int r = 0;

	v.name = (struct u16){ units, 2 };
	for (uint32_t n = 0;; n++) {
		units[0] = (char16_t)(0x4e00 + (n >> 12));
		units[1] = (char16_t)(0x4e00 + (n & 0xfff));
		r = db_value_set(db, U16(""), &v, 1);
		if (r < 0) {
			CHECK_INT(r, ERR_DISK_FULL);
			return n;
		}
	}
}

/* In a database that fill() has filled: a descriptor takes room once, and until its last key goes. */
static void check_descriptors(struct db *db, uint8_t data[DB_SECURITY_MAX])
{
	char16_t units[2] = { 0x4e00, 0x4e00 };

	for (; units[1] < 0x4e00 + 20; units[1]++) /* Room for three large descriptors, and not for four. */
		CHECK_INT(db_value_delete(db, U16(""), (struct u16){ units, 2 }, 1), 0);
	CHECK_INT(db_key_set_security(db, U16(""), data, DB_SECURITY_MAX, 1), 0);
	CHECK_INT(create(db, U16("a\\b\\c")), 0); /* With the same. */
	CHECK_INT(create(db, U16("a\\d")), 0);
	data[0] = 1;
	CHECK_INT(db_key_set_security(db, U16("a"), data, DB_SECURITY_MAX, 1), 0);
	data[0] = 2;
	CHECK_INT(db_key_set_security(db, U16("a\\b"), data, DB_SECURITY_MAX, 1), 0);
	CHECK_INT(db_key_set_security(db, U16("a\\d"), data, DB_SECURITY_MAX, 1), 0);
	data[0] = 3;
	CHECK_INT(db_key_set_security(db, U16("a\\d"), data, DB_SECURITY_MAX, 1), ERR_DISK_FULL);
	CHECK_INT(db_key_set_security(db, U16(""), NULL, 0, 1), 0); /* a\b\c still has what the root had. */
	CHECK_INT(db_key_set_security(db, U16(""), data, DB_SECURITY_MAX, 1), ERR_DISK_FULL);
	CHECK_INT(db_key_delete(db, U16("a\\b\\c"), 1), 0);
	CHECK_INT(db_key_set_security(db, U16(""), data, DB_SECURITY_MAX, 1), 0);
	CHECK_INT(db_key_delete(db, U16("a"), 1), 0);
	data[0] = 4;
	CHECK_INT(create(db, U16("e")), 0);
	CHECK_INT(db_key_set_security(db, U16("e"), data, DB_SECURITY_MAX, 1), 0);
	CHECK_INT(create(db, U16("e\\f")), 0);
	data[0] = 5;
	CHECK_INT(db_key_set_security(db, U16("e\\f"), data, DB_SECURITY_MAX, 1), 0);
}

TEST(the_whole_has_a_limit_and_what_shrinks_is_never_refused)
{
	static uint8_t data[DB_VALUE_MAX];
	struct db_value v = { .name = U16("v"), .data = data };
	struct db *db = db_begin();
	struct digest full;
	uint64_t size;

	CHECK(fill(db, data) > DB_HIVE_MAX / 13000);
	/* The rest goes to two values, to the last byte but a few. */
	for (char16_t name = u'w'; name >= u'v'; name--) {
		v.name = (struct u16){ &name, 1 };
		for (v.len = 20000; v.len > 0; v.len--)
			if (db_value_set(db, U16(""), &v, 1) == 0)
				break;
	}
	CHECK(db_hive_size(db) > DB_HIVE_MAX - 200 && db_hive_size(db) <= DB_HIVE_MAX);
	full = db_digest(db);
	size = db_hive_size(db);
	CHECK_INT(create(db, U16("a\\b")), ERR_DISK_FULL);
	CHECK_INT(db_key_set_security(db, U16(""), data, DB_SECURITY_MAX, 1), ERR_DISK_FULL);
	v.name = U16("w");
	v.len = 20000;
	CHECK_INT(db_value_set(db, U16(""), &v, 1), ERR_DISK_FULL);
	CHECK(digest_equal(&full, (struct digest[]){ db_digest(db) }));
	CHECK_INT(db_hive_size(db), size);

	v.len = 1;
	CHECK_INT(db_value_set(db, U16(""), &v, 1), 0);
	CHECK_INT(db_value_delete(db, U16(""), v.name, 1), 0);
	v.name = (struct u16){ (char16_t[]){ 0x4e00, 0x4e00 }, 2 };
	CHECK_INT(db_value_delete(db, U16(""), v.name, 1), 0);
	v.len = 4061;
	CHECK_INT(db_value_set(db, U16(""), &v, 1), 0);
	check_descriptors(db, data);
	db_free(db);
}

TEST(a_snapshot_stays_as_it_was_and_can_be_put_back)
{
	struct db *db = db_begin();
	struct db_snapshot *s;
	struct digest digest;
	struct db_value v;
	uint64_t size;

	CHECK_INT(create(db, U16("k\\l")), 0);
	CHECK_INT(set(db, U16("k\\l"), U16("v"), "old", 2), 0);
	digest = db_digest(db);
	size = db_hive_size(db);
	s = db_snapshot_take(db);
	CHECK(s != NULL);
	CHECK_INT(set(db, U16("k\\l"), U16("v"), "newer", 3), 0);
	CHECK_INT(db_key_delete(db, U16("k"), 4), 0);
	CHECK(db_value_find(db_find(db_snapshot_root(s), U16("k\\l")), U16("v"), &v));
	CHECK_MEM(v.data, "old", 3);
	CHECK(digest_equal(&digest, (struct digest[]){ db_snapshot_digest(s) }));
	CHECK(digest_equal(&digest, (struct digest[]){ db_digest_recomputed(db_snapshot_root(s)) }));
	check_db(db);

	db_put_back(db, s);
	CHECK(db_snapshot_ref(s) == s);
	db_snapshot_unref(s);
	CHECK(digest_equal(&digest, (struct digest[]){ db_digest(db) }));
	CHECK_INT(db_hive_size(db), size);
	CHECK_INT(set(db, U16("k\\l"), U16("v"), "newest", 5), 0);
	CHECK(db_value_find(db_find(db_snapshot_root(s), U16("k\\l")), U16("v"), &v));
	CHECK_MEM(v.data, "old", 3);
	check_db(db);
	db_free(db);
	CHECK(digest_equal(&digest, (struct digest[]){ db_digest_recomputed(db_snapshot_root(s)) }));
	db_snapshot_unref(s);
	db_snapshot_unref(NULL);
}

/* Another order, another way there, deleted in between: the same contents. */
TEST(the_digest_does_not_know_the_history)
{
	struct db *a = db_begin(), *b = db_begin();

	CHECK_INT(create(a, U16("x\\y")), 0);
	CHECK_INT(set(a, U16("x"), U16("1"), "one", 9), 0);
	CHECK_INT(set(a, U16("x"), U16("2"), "two", 9), 0);

	CHECK_INT(create(b, U16("z")), 0);
	CHECK_INT(create(b, U16("x")), 0);
	CHECK_INT(set(b, U16("x"), U16("2"), "three", 3), 0);
	CHECK_INT(set(b, U16("x"), U16("3"), "three", 3), 0);
	CHECK_INT(set(b, U16("X"), U16("2"), "two", 4), 0);
	CHECK_INT(db_key_delete(b, U16("z"), 1), 0);
	CHECK(!digest_equal((struct digest[]){ db_digest(a) }, (struct digest[]){ db_digest(b) }));
	CHECK_INT(create(b, U16("x\\Y")), 0);
	CHECK_INT(db_key_delete(b, U16("x\\Y"), 1), 0);
	CHECK_INT(create(b, U16("x\\y")), 0);
	CHECK_INT(set(b, U16("X"), U16("1"), "one", 4), 0);
	CHECK_INT(db_value_delete(b, U16("x"), U16("3"), 9), 0);
	CHECK(digest_equal((struct digest[]){ db_digest(a) }, (struct digest[]){ db_digest(b) }));
	CHECK_INT(db_hive_size(a), db_hive_size(b));
	db_free(a);
	db_free(b);
}

/* Whatever a reader can see is in the digest. */
TEST(each_difference_changes_the_digest)
{
	struct {
		struct u16 key, name;
		uint32_t type;
		const char *data, *security;
		uint64_t time;
	} base = { U16("key"), U16("name"), 3, "data", "sd", 7 }, cases[8];
	struct digest digests[ARRAY_SIZE(cases)];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cases[i] = base;
	cases[1].key = U16("Key");
	cases[2].name = U16("Name");
	cases[3].type = 4;
	cases[4].data = "datA";
	cases[5].security = "se";
	cases[6].time = 8;
	cases[7].name = U16("named"); /* The border between name and data. */
	cases[7].data = "ata";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct db *db = db_begin();
		struct db_value v = { .name = cases[i].name,
			.type = cases[i].type,
			.data = (const uint8_t *)cases[i].data,
			.len = strlen(cases[i].data) };

		CHECK_INT(create(db, cases[i].key), 0);
		CHECK_INT(db_key_set_security(db, cases[i].key, cases[i].security, strlen(cases[i].security), 1), 0);
		CHECK_INT(db_value_set(db, cases[i].key, &v, cases[i].time), 0);
		digests[i] = db_digest(db);
		for (size_t j = 0; j < i; j++)
			CHECK(!digest_equal(&digests[i], &digests[j]));
		check_db(db);
		db_free(db);
	}
}

/* The example of docs/formats/digest.md. */
TEST(the_digest_is_the_documented_one)
{
	char text[2 * SHA256_LEN + 1];
	struct db *db = db_begin();

	digest_format((struct digest[]){ db_digest(db) }, text);
	CHECK_STR(text, "c94bdb9eda6dd2e77683cd4235d06af209f780bbc56e59b9755630eaa587f58f");
	CHECK_INT(db_key_create(db, U16("App"), 0x01dc5ae10f3c8000, NULL), 0);
	CHECK_INT(
	    db_value_set(db, U16("App"),
		&(struct db_value){ .name = U16("Port"), .type = 4, .data = (const uint8_t *)"\x50\0\0", .len = 4 },
		0x01dc5ae10f3c8000),
	    0);
	digest_format((struct digest[]){ db_digest(db) }, text);
	CHECK_STR(text, "741b77c2c547c374de2616fa35d7393cb95a5874f39be87880897bb8ff61c9f9");
	db_free(db);
}
