/* Sets: manifests read strictly, and what differs between two databases.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/manifest.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"
#include <stdio.h>

#define BLOB "11111111-1111-1111-1111-111111111111/00010002.CPT"

static struct manifest sample(void)
{
	struct manifest m = { .database = { { 7 } } };

	CHECK_INT(
	    manifest_add(&m, &(struct manifest_file){ .name = "chk0001.tmp", .size = 5, .digest = { { 1 } } }), 0);
	CHECK_INT(manifest_add(&m, &(struct manifest_file){ .name = BLOB,
				       .size = 6,
				       .is_blob = true,
				       .number = 9,
				       .kind = SET_CRYPTO_CHECKPOINT,
				       .resource = { { 3 } },
				       .digest = { { 2 } } }),
	    0);
	return m;
}

static struct buf encoded(struct manifest *m)
{
	struct buf b = { 0 };

	manifest_encode(m, &b);
	CHECK_INT(b.error, 0);
	manifest_done(m);
	return b;
}

/* Of an exact copy, so that a checker of memory sees what is read behind it. */
static int decode(const struct buf *b, size_t len)
{
	struct manifest m = { 0 };
	uint8_t *exact = malloc(len + (len == 0));
	int r;

	CHECK(exact != NULL);
	if (len > 0)
		memcpy(exact, b->data, len);
	r = manifest_decode(exact, len, &m);
	CHECK(r == 0 || m.files == NULL);
	free(exact);
	manifest_done(&m);
	return r;
}

TEST(a_manifest_comes_back_as_it_was_written)
{
	struct manifest m = sample(), again = { 0 };
	struct buf b = encoded(&m);

	CHECK_INT(manifest_decode(b.data, b.len, &again), 0);
	CHECK_INT(again.count, 2);
	CHECK_INT(again.database.bytes[0], 7);
	CHECK_STR(again.files[0].name, "chk0001.tmp");
	CHECK(!again.files[0].is_blob && again.files[0].size == 5 && again.files[0].digest.bytes[0] == 1);
	CHECK_STR(again.files[1].name, BLOB);
	CHECK(again.files[1].is_blob && again.files[1].size == 6 && again.files[1].digest.bytes[0] == 2);
	CHECK(again.files[1].number == 9 && again.files[1].kind == SET_CRYPTO_CHECKPOINT);
	CHECK_INT(again.files[1].resource.bytes[0], 3);
	CHECK(manifest_names(&again, "CHK0001.TMP") && !manifest_names(&again, "chk0002.tmp"));
	manifest_done(&again);
	buf_done(&b);
}

TEST(a_manifest_that_is_cut_or_longer_or_of_another_version_is_refused)
{
	struct manifest m = sample();
	struct buf b = encoded(&m);

	for (size_t len = 0; len < b.len; len++)
		CHECK_INT(decode(&b, len), -EBADMSG);
	CHECK_INT(decode(&b, b.len), 0);
	buf_u8(&b, 0);
	CHECK_INT(decode(&b, b.len), -EBADMSG);
	b.len--;
	b.data[0]++;
	CHECK_INT(decode(&b, b.len), -EBADMSG);
	buf_done(&b);
}

TEST(a_manifest_begins_with_its_only_snapshot)
{
	static const struct manifest_file snapshot = { .name = "chk0001.tmp" },
					  blob = { .name = BLOB, .is_blob = true };
	const struct manifest_file *const lists[][2] = { { &blob, &snapshot }, { &snapshot, &snapshot },
		{ &blob, &blob } };
	struct manifest none = { 0 };
	struct buf b = encoded(&none);

	CHECK_INT(decode(&b, b.len), -EBADMSG);
	buf_done(&b);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct manifest m = { 0 };

		CHECK_INT(manifest_add(&m, lists[i][0]), 0);
		CHECK_INT(manifest_add(&m, lists[i][1]), 0);
		b = encoded(&m);
		CHECK_INT(decode(&b, b.len), -EBADMSG);
		buf_done(&b);
	}
}

TEST(a_name_that_no_set_has_is_refused)
{
	static const char *const bad[] = { "a", "..", "chk001.tmp", "chk0001.tmp/", "/chk0001.tmp", "../chk0001.tmp",
		"chk000g.tmp", "chk0001.tmq", "quolog.log", "11111111-1111-1111-1111-111111111111",
		"11111111-1111-1111-1111-111111111111/../0001.CPT", "11111111-1111-1111-1111-11111111111/00010002.CPT",
		"11111111-1111-1111-1111-111111111111/00010002.CPX", "11111111-1111-1111-1111-111111111111/0001000.CPT",
		"11111111x1111-1111-1111-111111111111/00010002.CPT" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (unsigned blob = 0; blob < 2; blob++) {
			struct manifest_file f = { .is_blob = blob == 1 };
			struct manifest m = { 0 };
			struct buf b;

			if (blob == 1)
				CHECK_INT(manifest_add(&m, &(struct manifest_file){ .name = "chk0001.tmp" }), 0);
			(void)snprintf(f.name, sizeof(f.name), "%s", bad[i]);
			CHECK_INT(manifest_add(&m, &f), 0);
			b = encoded(&m);
			CHECK_INT(decode(&b, b.len), -EBADMSG);
			buf_done(&b);
		}
	CHECK(manifest_name_kind("CHK00ff.TMP") == NAME_SNAPSHOT);
	CHECK(manifest_name_kind("11111111-1111-1111-1111-11111111111F/0001000a.cpr") == NAME_BLOB);
	CHECK(manifest_name_kind("11111111-1111-1111-1111-111111111111") == NAME_BLOB_DIRECTORY);
	CHECK(manifest_name_kind("") == NAME_FOREIGN);
}

TEST(a_manifest_decoded_without_memory_leaves_nothing_behind)
{
	struct manifest m = sample();
	struct buf b = encoded(&m);

	FAIL_EACH_ALLOCATION
	{
		struct manifest again = { 0 };

		CHECK_INT(manifest_decode(b.data, b.len, &again), failalloc_hit() ? -ENOMEM : 0);
		manifest_done(&again);
	}
	buf_done(&b);
}

/* Differences, as lines: "+k path", "-v path:name", "=k path". */
static int note(void *data, const struct set_difference *d)
{
	const void *before = d->is_value ? (const void *)d->old_value : d->old_key,
		   *after = d->is_value ? (const void *)d->new_value : d->new_key;
	char path[128], name[64] = "", line[256];
	struct buf *out = data;

	CHECK(before != NULL || after != NULL);
	if (d->is_value)
		(void)u16_to_utf8_buffer((before != NULL ? d->old_value : d->new_value)->name, name, sizeof(name));
	(void)snprintf(line, sizeof(line), "%c%c %s%s%s\n",
	    before == NULL  ? '+'
	    : after == NULL ? '-'
			    : '=',
	    d->is_value ? 'v' : 'k', u16_to_utf8_buffer(d->path, path, sizeof(path)), d->is_value ? ":" : "", name);
	buf_append(out, line, strlen(line));
	return 0;
}

static void check_diff(const struct db *a, const struct db *b, const char *expected)
{
	struct buf out = { 0 };

	CHECK_INT(set_diff(a, b, note, &out), 0);
	buf_u8(&out, 0);
	CHECK_STR((const char *)out.data, expected);
	buf_done(&out);
}

static struct db *database(struct u16 first, struct u16 value)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	CHECK_INT(db_key_create(db, first, 5, NULL), 0);
	CHECK_INT(db_value_set(db, U16("a"), &(struct db_value){ value, 1, (const uint8_t *)"x", 1 }, 5), 0);
	return db;
}

static void change_one(struct db *db, struct u16 name, const char *data)
{
	CHECK_INT(db_value_set(db, U16("a"), &(struct db_value){ name, 1, (const uint8_t *)data, strlen(data) }, 5), 0);
}

TEST(equal_databases_do_not_differ)
{
	struct db *a = database(U16("a\\b"), U16("v")), *b = database(U16("a\\b"), U16("v"));

	check_diff(a, a, "");
	check_diff(a, b, "");
	db_free(a);
	db_free(b);
}

TEST(each_difference_is_told_once_in_the_order_of_paths)
{
	struct db *a = database(U16("a\\b"), U16("v")), *b = database(U16("a\\b"), U16("v"));

	change_one(a, U16("only old"), "1");
	change_one(b, U16("s"), "2");
	change_one(b, U16("v"), "y");
	CHECK_INT(db_key_create(a, U16("a\\c\\below"), 5, NULL), 0);
	CHECK_INT(db_key_create(b, U16("a\\d\\below"), 5, NULL), 0);
	check_diff(a, b, "-v a:only old\n+v a:s\n=v a:v\n-k a\\c\n+k a\\d\n");
	check_diff(b, a, "+v a:only old\n-v a:s\n=v a:v\n+k a\\c\n-k a\\d\n");
	db_free(a);
	db_free(b);
}

TEST(time_descriptor_type_and_the_case_of_names_are_differences)
{
	struct db *a = database(U16("a\\b"), U16("v")), *b = database(U16("a\\b"), U16("V"));

	check_diff(a, b, "=v a:v\n");
	db_free(b);
	b = database(U16("A\\b"), U16("v"));
	CHECK(!digest_equal((struct digest[]){ db_digest(a) }, (struct digest[]){ db_digest(b) }));
	check_diff(a, b, "=k a\n");
	db_free(b);
	b = database(U16("a\\b"), U16("v"));
	CHECK_INT(db_key_set_security(b, U16("a\\b"), "sd", 2, 5), 0);
	check_diff(a, b, "=k a\\b\n");
	CHECK_INT(db_key_set_security(a, U16("a\\b"), "sd", 2, 6), 0);
	check_diff(a, b, "=k a\\b\n");
	db_free(a);
	db_free(b);
}

static int stop(void *data, const struct set_difference *d)
{
	++*(unsigned *)data;
	return -ECANCELED;
}

TEST(a_callback_can_end_it)
{
	struct db *a = database(U16("a\\b"), U16("v")), *b = database(U16("a"), U16("w"));
	unsigned count = 0;

	CHECK_INT(set_diff(a, b, stop, &count), -ECANCELED);
	CHECK_INT(count, 1);
	db_free(a);
	db_free(b);
}
