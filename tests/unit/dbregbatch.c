/* Registry batches: each command, the current key, conditions, notifications, hostile buffers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/batch.h"
#include "cluster/db/regbatch.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"
#include "wire/regbuf.h"

enum { TIME = 500 };

#define COMMANDS(...) ((const struct regbuf_command[]){ __VA_ARGS__, { .kind = 0 } })

static struct regbuf_command set(struct u16 name, const char *data)
{
	return (struct regbuf_command){
		.kind = REGBUF_SET_VALUE, .type = 1, .name = name, .data = (const uint8_t *)data, .len = strlen(data)
	};
}

static struct regbuf_command named(enum regbuf_kind kind, struct u16 name)
{
	return (struct regbuf_command){ .kind = kind, .name = name };
}

static struct regbuf_command with_data(enum regbuf_kind kind, struct u16 name, const char *data, size_t len)
{
	return (struct regbuf_command){ .kind = kind, .name = name, .data = (const uint8_t *)data, .len = len };
}

static struct buf buffer(const struct regbuf_command *commands)
{
	struct buf b = { 0 };

	regbuf_begin(&b);
	for (; commands->kind != 0; commands++)
		regbuf_add(&b, commands);
	CHECK_INT(b.error, 0);
	return b;
}

static int apply_flags(struct db *db, struct u16 base, unsigned flags, const struct regbuf_command *commands,
    struct db_regbatch_result *ret)
{
	struct buf b = buffer(commands);
	struct digest before = db_digest(db);
	struct db *copy = db_again(db_root(db));
	int r = db_regbatch_apply(db, base, b.data, b.len, TIME, flags, ret);

	/* A refusal changes nothing; and what a batch comes to repeats it on another copy. */
	if (r < 0)
		CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	else if (ret->batch.len > 0)
		CHECK_INT(db_batch_apply(copy, ret->batch.data, ret->batch.len, NULL), 0);
	CHECK(digest_equal((struct digest[]){ db_digest(copy) }, (struct digest[]){ db_digest(db) }));
	CHECK(digest_equal((struct digest[]){ db_digest_recomputed(db_root(db)) }, (struct digest[]){ db_digest(db) }));
	db_free(copy);
	buf_done(&b);
	return r;
}

static int apply(struct db *db, struct u16 base, const struct regbuf_command *commands)
{
	struct db_regbatch_result result = { 0 };
	int r = apply_flags(db, base, 0, commands, &result);

	CHECK(r < 0 || result.failed_command == -1);
	db_regbatch_result_done(&result);
	return r;
}

/* The number of the command that fails with the error. */
static int32_t failing(struct db *db, const struct regbuf_command *commands, int error)
{
	struct db_regbatch_result result = { 0 };

	CHECK_INT(apply_flags(db, U16("base"), 0, commands, &result), error);
	return result.failed_command;
}

static struct db *db_begin(void)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	CHECK_INT(db_key_create(db, U16("base\\old\\below"), 1, NULL), 0);
	CHECK_INT(
	    db_value_set(db, U16("base"),
		&(struct db_value){ .name = U16("Value"), .type = 3, .data = (const uint8_t *)"was", .len = 3 }, 1),
	    0);
	return db;
}

static bool has(const struct db *db, struct u16 path, struct u16 name, const char *data)
{
	const struct db_key *key = db_find(db_root(db), path);
	struct db_value v;

	return key != NULL && db_value_find(key, name, &v) && v.len == strlen(data) && memcmp(v.data, data, v.len) == 0;
}

TEST(the_example_of_the_protocol)
{
	static const uint8_t bytes[] = "\1\0\0\0\2\0\0\0\0\0\0\0\10\0\0\0A\0p\0p\0\0\0\0\0\0\0\1\0\0\0\4\0\0\0\12\0\0\0"
				       "P\0o\0r\0t\0\0\0\4\0\0\0\x50\0\0";
	struct db_regbatch_result result = { 0 };
	struct db *db = db_begin();
	struct db_value v;

	CHECK_INT(sizeof(bytes), 0x3a);
	CHECK_INT(db_regbatch_apply(db, U16("base"), bytes, sizeof(bytes), TIME, 0, &result), 0);
	CHECK_INT(result.failed_command, -1);
	CHECK(result.created);
	CHECK(db_value_find(db_find(db_root(db), U16("base\\app")), U16("port"), &v));
	CHECK_INT(v.type, 4);
	CHECK_INT(get_le32(v.data), 80);
	/* Applied to a key that was there without the value, the notification is the batch. */
	CHECK_INT(result.notification.len, sizeof(bytes));
	CHECK_MEM(result.notification.data, bytes, sizeof(bytes));
	db_regbatch_result_done(&result);
	db_free(db);
}

TEST(paths_are_relative_to_the_base_key_always)
{
	struct db *db = db_begin();

	CHECK_INT(apply(db, U16("base"),
		      COMMANDS(set(U16("x"), "0"), named(REGBUF_CREATE_KEY, U16("a\\b")), set(U16("x"), "1"),
			  named(REGBUF_CREATE_KEY, U16("c")), set(U16("x"), "2"), named(REGBUF_CREATE_KEY, U16("")),
			  set(U16("y"), "3"))),
	    0);
	CHECK(has(db, U16("base"), U16("x"), "0"));
	CHECK(has(db, U16("base\\a\\b"), U16("x"), "1"));
	CHECK(has(db, U16("base\\c"), U16("x"), "2"));
	CHECK(has(db, U16("base"), U16("y"), "3"));
	CHECK_INT(apply(db, U16(""),
		      COMMANDS(named(REGBUF_CREATE_KEY, U16("top")), named(REGBUF_DELETE_KEY, U16("base\\c")))),
	    0);
	CHECK(db_find(db_root(db), U16("top")) != NULL);
	CHECK(db_find(db_root(db), U16("base\\c")) == NULL);
	db_free(db);
}

TEST(what_is_there_or_missing_already_is_no_failure)
{
	struct db_regbatch_result result = { 0 };
	struct db *db = db_begin();
	struct digest before = db_digest(db);

	CHECK_INT(apply_flags(db, U16("base"), 0,
		      COMMANDS(named(REGBUF_DELETE_VALUE, U16("none")), named(REGBUF_CREATE_KEY, U16("OLD")),
			  named(REGBUF_DELETE_KEY, U16("none"))),
		      &result),
	    0);
	CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	CHECK_INT(result.batch.len, 0);
	CHECK(!result.created);
	CHECK(result.notification.len > 4);
	db_regbatch_result_done(&result);
	CHECK_INT(apply(db, U16("base"), COMMANDS(named(REGBUF_DELETE_KEY, U16("old")))), 0); /* With what is below. */
	CHECK(db_find(db_root(db), U16("base\\old")) == NULL);
	db_free(db);
}

TEST(a_deletion_of_a_key_leaves_no_current_key)
{
	struct regbuf_command needs[] = { set(U16("x"), "1"), named(REGBUF_DELETE_VALUE, U16("x")),
		named(REGBUF_SET_KEY_SECURITY, U16("")), named(REGBUF_CONDITION_EXISTS, U16("Value")),
		named(REGBUF_CONDITION_NOT_EXISTS, U16("x")), named(REGBUF_CONDITION_IS_NOT_EQUAL, U16("Value")) };
	struct db *db = db_begin();

	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		CHECK_INT(failing(db, COMMANDS(set(U16("new"), ""), named(REGBUF_DELETE_KEY, U16("none")), needs[i]),
			      ERR_INVALID_PARAMETER),
		    3);
	CHECK(!has(db, U16("base"), U16("new"), ""));
	CHECK_INT(apply(db, U16("base"),
		      COMMANDS(named(REGBUF_DELETE_KEY, U16("none")), named(REGBUF_CREATE_KEY, U16("")),
			  set(U16("new"), ""))),
	    0);
	CHECK(has(db, U16("base"), U16("new"), ""));
	db_free(db);
}

TEST(all_or_nothing_and_the_number_of_the_command_that_failed)
{
	struct db *db = db_begin();

	CHECK_INT(
	    failing(db, COMMANDS(set(U16("x"), "1"), named(REGBUF_CREATE_KEY, U16("a\\\\b"))), ERR_INVALID_PARAMETER),
	    2);
	CHECK_INT(failing(db, COMMANDS(named(REGBUF_CREATE_KEY, U16("\\a"))), ERR_INVALID_PARAMETER), 1);
	CHECK_INT(failing(db, COMMANDS(named(REGBUF_DELETE_KEY, U16("old")), named(REGBUF_DELETE_KEY, U16(""))),
		      ERR_INVALID_PARAMETER),
	    2);
	CHECK_INT(failing(db,
		      COMMANDS(named(REGBUF_CREATE_KEY, U16("a")), set(U16("x"), "1"),
			  named(REGBUF_CONDITION_KEY_NOT_EXISTS, U16("A"))),
		      ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED),
	    3);
	db_free(db);
}

TEST(commands_that_are_not_of_a_write_batch_are_refused)
{
	static const uint32_t kinds[] = { REGBUF_VALUE_DELETED, REGBUF_READ_KEY, REGBUF_READ_VALUE, REGBUF_READ_ERROR,
		19, 0xffffffff };
	struct db *db = db_begin();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		CHECK_INT(
		    failing(db, COMMANDS(set(U16("x"), "1"), named(kinds[i], U16("Value"))), ERR_INVALID_PARAMETER), 2);
	CHECK_INT(apply(db, U16("base"), COMMANDS({ .kind = REGBUF_CONTROL_COMMAND, .type = 3 })), 0);
	CHECK_INT(failing(db, COMMANDS({ .kind = REGBUF_CONTROL_COMMAND, .type = 4 }), ERR_INVALID_PARAMETER), 1);
	db_free(db);
}

static const struct {
	const char *what;
	struct regbuf_command command;
	bool holds;
} conditions[] = {
#define VALUE(kind_, name_, data_, holds_)                                                                             \
	{                                                                                                              \
#kind_ " " #name_ " " #data_, { .kind = REGBUF_CONDITION_##kind_,                                      \
						.name = U16(name_),                                                    \
						.data = (const uint8_t *)data_,                                        \
						.len = sizeof(data_) - 1 },                                            \
						holds_                                                                 \
	}
	VALUE(EXISTS, "value", "", true),
	VALUE(EXISTS, "none", "", false),
	VALUE(NOT_EXISTS, "value", "", false),
	VALUE(NOT_EXISTS, "none", "", true),
	VALUE(IS_EQUAL, "value", "was", true),
	VALUE(IS_EQUAL, "value", "wa", false),
	VALUE(IS_EQUAL, "value", "wasx", false),
	VALUE(IS_EQUAL, "empty", "", true),
	VALUE(IS_EQUAL, "none", "", false),
	VALUE(IS_NOT_EQUAL, "value", "was", false),
	VALUE(IS_NOT_EQUAL, "value", "War", true),
	VALUE(IS_NOT_EQUAL, "none", "was", false),
	VALUE(IS_GREATER_THAN, "value", "war", true),
	VALUE(IS_GREATER_THAN, "value", "was", false),
	VALUE(IS_GREATER_THAN, "value", "wa", true),
	VALUE(IS_GREATER_THAN, "value", "wat", false),
	VALUE(IS_GREATER_THAN, "none", "", false),
	VALUE(IS_LESS_THAN, "value", "wasx", true),
	VALUE(IS_LESS_THAN, "value", "was", false),
	VALUE(IS_LESS_THAN, "value", "w", false),
	VALUE(IS_LESS_THAN, "none", "x", false),
	VALUE(IS_LESS_THAN, "empty", "\0", true),
	/* 0x100 as a little-endian number is greater than 0xff, byte by byte it is less. */
	VALUE(IS_GREATER_THAN, "dword", "\xff\0\0\0", true),
	VALUE(IS_LESS_THAN, "dword", "\1\1\0\0", true),
	VALUE(IS_EQUAL, "dword", "\0\1\0\0", true),
	VALUE(IS_GREATER_THAN, "dword", "\xff\0\0", false), /* Another length: bytes. */
	VALUE(IS_GREATER_THAN, "binary", "\xff\0\0\0", false),
	VALUE(IS_GREATER_THAN, "big", "\0\1\0\0", true),
	VALUE(IS_LESS_THAN, "big", "\0\2\0\0", false),
	VALUE(IS_LESS_THAN, "big", "\1\0\0\1", true),
	VALUE(IS_GREATER_THAN, "qword", "\xff\xff\xff\xff\0\0\0\0", true),
	VALUE(IS_LESS_THAN, "qword", "\xff\xff\xff\xff\0\0\0\0", false),
	VALUE(KEY_EXISTS, "old\\BELOW", "", true),
	VALUE(KEY_EXISTS, "", "", true),
	VALUE(KEY_EXISTS, "none", "", false),
	VALUE(KEY_NOT_EXISTS, "none", "", true),
	VALUE(KEY_NOT_EXISTS, "old", "", false),
#undef VALUE
};

TEST(conditions)
{
	static const struct db_value values[] = {
		{ .name = U16("empty") },
		{ .name = U16("dword"), .type = 4, .data = (const uint8_t *)"\0\1\0", .len = 4 },
		{ .name = U16("binary"), .type = 3, .data = (const uint8_t *)"\0\1\0", .len = 4 },
		{ .name = U16("big"), .type = 5, .data = (const uint8_t *)"\1\0\0", .len = 4 },
		{ .name = U16("qword"), .type = 11, .data = (const uint8_t *)"\0\0\0\0\1\0\0", .len = 8 },
	};
	struct db *db = db_begin();

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		CHECK_INT(db_value_set(db, U16("base"), &values[i], 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
		struct db_regbatch_result result = { 0 };
		int r = apply_flags(db, U16("base"), 0,
		    COMMANDS(set(U16("x"), "1"), conditions[i].command, set(U16("x"), "2")), &result);

		if (r != (conditions[i].holds ? 0 : ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED))
			test_fail(__FILE__, __LINE__, "%s: %s", conditions[i].what, error_text(r));
		CHECK_INT(result.failed_command, r < 0 ? 2 : -1);
		db_regbatch_result_done(&result);
	}
	CHECK_INT(error_to_win32(ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED), 5986);
	db_free(db);
}

TEST(a_condition_sees_what_the_batch_did_before_it)
{
	struct db *db = db_begin();

	CHECK_INT(apply(db, U16("base"),
		      COMMANDS(named(REGBUF_CONDITION_KEY_NOT_EXISTS, U16("new")), named(REGBUF_CREATE_KEY, U16("new")),
			  named(REGBUF_CONDITION_KEY_EXISTS, U16("new")), named(REGBUF_CONDITION_NOT_EXISTS, U16("v")),
			  set(U16("v"), "1"), with_data(REGBUF_CONDITION_IS_EQUAL, U16("v"), "1", 1))),
	    0);
	db_free(db);
}

/* The example of the protocol's text: old data goes before the command that changes it. */
TEST(notifications_tell_what_a_value_was)
{
	struct db_regbatch_result result = { 0 };
	struct db *db = db_begin();
	struct buf expected =
	    buffer(COMMANDS(named(REGBUF_DELETE_VALUE, U16("Greeting")), set(U16("Greeting"), "hello world"),
		{ .kind = REGBUF_VALUE_DELETED,
		    .type = 1,
		    .name = U16("Greeting"),
		    .data = (const uint8_t *)"hello world",
		    .len = 11 },
		set(U16("Greeting"), "hello universe"),
		{ .kind = REGBUF_VALUE_DELETED,
		    .type = 1,
		    .name = U16("Greeting"),
		    .data = (const uint8_t *)"hello universe",
		    .len = 14 },
		named(REGBUF_DELETE_VALUE, U16("Greeting"))));

	CHECK_INT(apply_flags(db, U16("base"), 0,
		      COMMANDS(named(REGBUF_DELETE_VALUE, U16("Greeting")), set(U16("Greeting"), "hello world"),
			  set(U16("Greeting"), "hello universe"), named(REGBUF_DELETE_VALUE, U16("Greeting"))),
		      &result),
	    0);
	CHECK_INT(result.notification.len, expected.len);
	CHECK_MEM(result.notification.data, expected.data, expected.len);
	db_regbatch_result_done(&result);
	buf_done(&expected);

	/* Keys appear, conditions, control commands and security do not; types and names are those that were stored. */
	CHECK_INT(apply_flags(db, U16("base"), 0,
		      COMMANDS(named(REGBUF_CONDITION_EXISTS, U16("Value")),
			  { .kind = REGBUF_CONTROL_COMMAND, .type = 1 }, set(U16("VALUE"), "is"),
			  named(REGBUF_CREATE_KEY, U16("old")), named(REGBUF_DELETE_KEY, U16("none"))),
		      &result),
	    0);
	expected = buffer(COMMANDS(
	    { .kind = REGBUF_VALUE_DELETED, .type = 3, .name = U16("Value"), .data = (const uint8_t *)"was", .len = 3 },
	    set(U16("VALUE"), "is"), named(REGBUF_CREATE_KEY, U16("old")), named(REGBUF_DELETE_KEY, U16("none"))));
	CHECK_INT(result.notification.len, expected.len);
	CHECK_MEM(result.notification.data, expected.data, expected.len);
	db_regbatch_result_done(&result);
	buf_done(&expected);
	db_free(db);
}

TEST(a_notification_that_is_too_long_is_lost)
{
	static uint8_t data[DB_VALUE_MAX];
	struct regbuf_command deletions[13] = { { 0 } };
	struct db_regbatch_result result = { 0 };
	struct db *db = db_begin();
	char16_t names[12];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		names[i] = (char16_t)(u'a' + i);
		CHECK_INT(db_value_set(db, U16("base"),
			      &(struct db_value){ .name = { &names[i], 1 }, .data = data, .len = sizeof(data) }, 1),
		    0);
		deletions[i] = named(REGBUF_DELETE_VALUE, (struct u16){ &names[i], 1 });
	}
	CHECK_INT(apply_flags(db, U16("base"), 0, deletions, &result), 0);
	CHECK(result.notification_lost);
	CHECK_INT(result.notification.len, 0);
	CHECK(result.batch.len < 200);
	CHECK_INT(db_value_count(db_find(db_root(db), U16("base"))), 1);
	db_regbatch_result_done(&result);
	db_free(db);
}

TEST(security_is_set_for_the_current_key)
{
	static const char owner[] =
	    "\1\0\0\x80\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\0\0\0\0\0\5\x12\0\0";                       /* S-1-5-18 */
	static const char group[] = "\1\0\0\x80\0\0\0\0\x14\0\0\0\0\0\0\0\0\0\0\0\1\1\0\0\0\0\0\1\0\0\0"; /* S-1-1-0 */
	struct regbuf_command c = with_data(REGBUF_SET_KEY_SECURITY, U16(""), owner, sizeof(owner));
	struct db *db = db_begin();
	const uint8_t *sd;
	size_t len;

	CHECK_INT(apply(db, U16("base"), COMMANDS(named(REGBUF_CREATE_KEY, U16("old")), c)), 0);
	sd = db_key_security(db_find(db_root(db), U16("base\\old")), &len);
	CHECK_INT(len, sizeof(owner));
	CHECK_MEM(sd, owner, sizeof(owner));
	CHECK(db_key_security(db_find(db_root(db), U16("base")), &len) == NULL);

	c = with_data(REGBUF_SET_KEY_SECURITY, U16(""), group, sizeof(group));
	c.type = 2; /* The group only: the owner stays. */
	CHECK_INT(apply(db, U16("base\\old"), COMMANDS(c)), 0);
	sd = db_key_security(db_find(db_root(db), U16("base\\old")), &len);
	CHECK_INT(len, 20 + 12 + 12);
	CHECK_INT(get_le32(sd + 4), 20);
	CHECK_INT(get_le32(sd + 8), 32);

	c.type = 0x100;
	CHECK_INT(failing(db, COMMANDS(c), ERR_INVALID_PARAMETER), 1);
	c = with_data(REGBUF_SET_KEY_SECURITY, U16(""), owner, sizeof(owner) - 1);
	CHECK_INT(failing(db, COMMANDS(c), ERR_INVALID_PARAMETER), 1);
	db_free(db);
}

TEST(a_call_of_its_own_is_stricter_and_not_notified)
{
	struct db_regbatch_result result = { 0 };
	struct db *db = db_begin();

	CHECK_INT(
	    apply_flags(db, U16("base"), DB_REGBATCH_CALL, COMMANDS(named(REGBUF_DELETE_KEY, U16("old"))), &result),
	    ERR_ACCESS_DENIED);
	CHECK_INT(
	    apply_flags(db, U16("base"), DB_REGBATCH_CALL, COMMANDS(named(REGBUF_DELETE_KEY, U16("none"))), &result),
	    ERR_FILE_NOT_FOUND);
	CHECK_INT(
	    apply_flags(db, U16("base"), DB_REGBATCH_CALL, COMMANDS(named(REGBUF_DELETE_VALUE, U16("none"))), &result),
	    ERR_FILE_NOT_FOUND);
	CHECK_INT(
	    apply_flags(db, U16("base"), DB_REGBATCH_CALL, COMMANDS(named(REGBUF_CREATE_KEY, U16("old"))), &result), 0);
	CHECK(!result.created && result.batch.len == 0);
	CHECK_INT(apply_flags(db, U16("base"), DB_REGBATCH_CALL, COMMANDS(named(REGBUF_DELETE_KEY, U16("old\\below"))),
		      &result),
	    0);
	CHECK_INT(result.notification.len, 0);
	db_regbatch_result_done(&result);
	CHECK_INT(
	    apply_flags(db, U16("base"), DB_REGBATCH_CALL, COMMANDS(named(REGBUF_DELETE_VALUE, U16("value"))), &result),
	    0);
	CHECK_INT(result.notification.len, 0);
	CHECK(!result.notification_lost);
	db_regbatch_result_done(&result);
	db_free(db);
}

TEST(a_base_key_that_is_gone)
{
	struct db_regbatch_result result = { .failed_command = 7 };
	struct db *db = db_begin();
	struct buf reply = { 0 };

	CHECK_INT(apply_flags(db, U16("gone"), 0, COMMANDS(set(U16("x"), "")), &result), ERR_KEY_DELETED);
	CHECK_INT(result.failed_command, 0);
	CHECK_INT(apply_flags(db, U16("base\\"), 0, COMMANDS(set(U16("x"), "")), &result), ERR_KEY_DELETED);
	CHECK_INT(db_regbatch_read(db_root(db), U16("gone"), "\1\0\0", 4, NULL, NULL, &reply), ERR_KEY_DELETED);
	CHECK_INT(reply.len, 0);
	db_free(db);
}

TEST(the_limits_of_the_database_hold_in_a_batch)
{
	static char16_t name[REGBUF_NAME_MAX];
	static char data[DB_VALUE_MAX + 1];
	struct db *db = db_begin();

	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		name[i] = u'n';
	CHECK_INT(
	    failing(db, COMMANDS(named(REGBUF_CREATE_KEY, (struct u16){ name, 256 })), ERR_FILENAME_EXCED_RANGE), 1);
	CHECK_INT(failing(db, COMMANDS(named(REGBUF_CREATE_KEY, (struct u16){ name, REGBUF_NAME_MAX })),
		      ERR_FILENAME_EXCED_RANGE),
	    1);
	CHECK_INT(
	    failing(db, COMMANDS(named(REGBUF_DELETE_KEY, (struct u16){ name, 256 })), ERR_FILENAME_EXCED_RANGE), 1);
	CHECK_INT(failing(db, COMMANDS(named(REGBUF_CONDITION_KEY_EXISTS, (struct u16){ name, 256 })),
		      ERR_FILENAME_EXCED_RANGE),
	    1);
	CHECK_INT(
	    failing(db, COMMANDS(set((struct u16){ name, DB_VALUE_NAME_MAX + 1 }, "")), ERR_FILENAME_EXCED_RANGE), 1);
	CHECK_INT(
	    apply(db, U16("base"), COMMANDS(named(REGBUF_DELETE_VALUE, (struct u16){ name, DB_VALUE_NAME_MAX + 1 }))),
	    0);
	CHECK_INT(
	    failing(db, COMMANDS(with_data(REGBUF_SET_VALUE, U16("x"), data, DB_VALUE_MAX + 1)), ERR_INVALID_PARAMETER),
	    1);
	CHECK_INT(
	    apply(db, U16("base"),
		COMMANDS(with_data(REGBUF_SET_VALUE, (struct u16){ name, DB_VALUE_NAME_MAX }, data, DB_VALUE_MAX))),
	    0);
	CHECK_INT(failing(db,
		      COMMANDS(with_data(REGBUF_SET_VALUE, U16("1"), data, DB_VALUE_MAX),
			  with_data(REGBUF_SET_VALUE, U16("2"), data, DB_VALUE_MAX),
			  with_data(REGBUF_SET_VALUE, U16("3"), data, DB_VALUE_MAX)),
		      ERR_CLUSTERLOG_RECORD_EXCEEDS_MAXSIZE),
	    3);
	db_free(db);
}

TEST(hostile_buffers_are_refused_and_change_nothing)
{
	struct db_regbatch_result result;
	struct db *db = db_begin();
	struct digest before = db_digest(db);
	struct buf b = buffer(COMMANDS(
	    named(REGBUF_CREATE_KEY, U16("new")), set(U16("x"), "data"), named(REGBUF_DELETE_KEY, U16("old"))));

	for (size_t len = 0; len < b.len; len++) {
		int r = db_regbatch_apply(db, U16("base"), b.data, len, TIME, 0, &result);

		if (r == 0) { /* Between two commands. */
			CHECK(len == 4 || len == 28 || len == 52);
			db_regbatch_result_done(&result);
			db_free(db);
			db = db_begin();
			continue;
		}
		CHECK_INT(r, ERR_INVALID_DATA);
		CHECK_INT(result.failed_command, len < 4 ? 0 : len < 28 ? 1 : len < 52 ? 2 : 3);
		CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	}
	buf_done(&b);
	db_free(db);
}

static bool is_not_old(void *data, const struct db_key *key)
{
	++*(unsigned *)data;
	return !u16_equal(db_key_name(key), U16("old"));
}

TEST(a_read_batch_reads_no_key_that_is_forbidden)
{
	struct db *db = db_begin();
	unsigned asked = 0;
	struct buf reply = { 0 },
		   b = buffer(COMMANDS(named(REGBUF_READ_KEY, U16("old")), named(REGBUF_READ_VALUE, U16("none")),
		       named(REGBUF_READ_KEY, U16("gone")), named(REGBUF_READ_VALUE, U16("none")),
		       named(REGBUF_READ_KEY, U16("")), named(REGBUF_READ_VALUE, U16("value"))));
	struct buf expected = buffer(COMMANDS({ .kind = REGBUF_READ_ERROR, .type = 5, .name = U16("none") },
	    { .kind = REGBUF_READ_ERROR, .type = 2, .name = U16("none") },
	    { .kind = REGBUF_READ_VALUE, .type = 3, .name = U16("value"), .data = (const uint8_t *)"was", .len = 3 }));

	CHECK_INT(db_regbatch_read(db_root(db), U16("base"), b.data, b.len, is_not_old, &asked, &reply), 0);
	CHECK_INT(asked, 2);
	CHECK_INT(reply.len, expected.len);
	CHECK_MEM(reply.data, expected.data, expected.len);
	buf_done(&b);
	buf_done(&reply);
	buf_done(&expected);
	db_free(db);
}

TEST(a_read_batch_answers_each_value)
{
	struct db *db = db_begin();
	struct buf reply = { 0 },
		   b = buffer(COMMANDS(named(REGBUF_READ_VALUE, U16("value")), named(REGBUF_READ_VALUE, U16("none")),
		       named(REGBUF_READ_KEY, U16("none")), named(REGBUF_READ_VALUE, U16("value")),
		       named(REGBUF_READ_KEY, U16("old")), named(REGBUF_READ_VALUE, U16("")),
		       named(REGBUF_READ_KEY, U16("")), named(REGBUF_READ_VALUE, U16("VALUE"))));
	struct buf expected = buffer(COMMANDS(
	    { .kind = REGBUF_READ_VALUE, .type = 3, .name = U16("value"), .data = (const uint8_t *)"was", .len = 3 },
	    { .kind = REGBUF_READ_ERROR, .type = 2, .name = U16("none") },
	    { .kind = REGBUF_READ_ERROR, .type = 2, .name = U16("value") }, { .kind = REGBUF_READ_ERROR, .type = 2 },
	    { .kind = REGBUF_READ_VALUE, .type = 3, .name = U16("VALUE"), .data = (const uint8_t *)"was", .len = 3 }));

	CHECK_INT(db_regbatch_read(db_root(db), U16("base"), b.data, b.len, NULL, NULL, &reply), 0);
	CHECK_INT(reply.len, expected.len);
	CHECK_MEM(reply.data, expected.data, expected.len);
	reply.len = 0;
	CHECK_INT(db_regbatch_read(db_root(db), U16("base"), b.data, b.len - 1, NULL, NULL, &reply), ERR_INVALID_DATA);
	CHECK_INT(db_regbatch_read(db_root(db), U16("base"), b.data, 3, NULL, NULL, &reply), ERR_INVALID_DATA);
	CHECK_INT(reply.len, 0);
	buf_done(&b);
	buf_done(&expected);

	b = buffer(COMMANDS(set(U16("x"), "")));
	CHECK_INT(db_regbatch_read(db_root(db), U16("base"), b.data, b.len, NULL, NULL, &reply), ERR_INVALID_PARAMETER);
	CHECK_INT(reply.len, 0);
	buf_done(&b);
	buf_done(&reply);
	db_free(db);
}

TEST(a_reply_has_a_limit)
{
	static uint8_t data[DB_VALUE_MAX];
	struct regbuf_command reads[21] = { { 0 } };
	unsigned read = 0, refused = 0;
	struct buf reply = { 0 }, b;
	struct regbuf_reader r;
	struct db *db = db_begin();

	CHECK_INT(db_value_set(
		      db, U16("base"), &(struct db_value){ .name = U16("big"), .data = data, .len = sizeof(data) }, 1),
	    0);
	for (size_t i = 0; i < 20; i++)
		reads[i] = named(REGBUF_READ_VALUE, U16("big"));
	b = buffer(reads);
	CHECK_INT(db_regbatch_read(db_root(db), U16("base"), b.data, b.len, NULL, NULL, &reply), 0);
	CHECK(reply.len < DB_READ_REPLY_MAX + 2000);
	CHECK_INT(regbuf_reader_init(&r, reply.data, reply.len), 0);
	while (regbuf_next(&r) > 0) {
		read += r.command.kind == REGBUF_READ_VALUE;
		refused += r.command.kind == REGBUF_READ_ERROR && r.command.type == 234;
	}
	CHECK_INT(read, 9);
	CHECK_INT(refused, 11);
	regbuf_reader_done(&r);
	buf_done(&b);
	buf_done(&reply);
	db_free(db);
}

static int fill(struct db **ret)
{
	struct db *db;
	int r = db_new(&db);

	if (r < 0)
		return r;
	*ret = db;
	r = db_key_create(db, U16("base\\old"), 1, NULL);
	return r < 0 ? r
		     : db_value_set(db, U16("base"),
			   &(struct db_value){ .name = U16("v"), .data = (const uint8_t *)"1", .len = 1 }, 1);
}

TEST(each_failed_allocation_is_reported_and_changes_nothing)
{
	static const char owner[] = "\1\0\0\x80\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\0\0\0\0\0\5\x12\0\0";
	struct buf b = buffer(COMMANDS(set(U16("v"), "2"), named(REGBUF_DELETE_KEY, U16("old")),
	    named(REGBUF_CREATE_KEY, U16("new")),
	    set(U16("x"),
		"a longer value that makes the buffers grow a few times and so needs more allocations to be made"),
	    with_data(REGBUF_SET_KEY_SECURITY, U16(""), owner, sizeof(owner)), named(REGBUF_DELETE_VALUE, U16("x"))));
	struct buf reads =
	    buffer(COMMANDS(named(REGBUF_READ_VALUE, U16("v")), named(REGBUF_READ_VALUE, U16("another one"))));

	FAIL_EACH_ALLOCATION
	{
		struct db_regbatch_result result = { 0 };
		struct buf reply = { 0 };
		struct db *db = NULL;
		int r = fill(&db);

		if (r == 0) {
			struct digest before = db_digest(db);

			r = db_regbatch_apply(db, U16("base"), b.data, b.len, TIME, 0, &result);
			if (r < 0)
				CHECK(digest_equal(&before, (struct digest[]){ db_digest_recomputed(db_root(db)) }));
		}
		if (r == 0)
			r = db_regbatch_read(db_root(db), U16("base"), reads.data, reads.len, NULL, NULL, &reply);
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		db_regbatch_result_done(&result);
		buf_done(&reply);
		db_free(db);
	}
	buf_done(&b);
	buf_done(&reads);
}
