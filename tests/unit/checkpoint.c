/* Checkpoints in the database: what each command does and refuses, where names and data lie, what becomes of them with
 * their resource, and keys in which anybody wrote anything.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/checkpoint/checkpoint.h"
#include "cluster/cluster.h"
#include "cluster/db/batch.h"
#include "cluster/object/edit.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"
#include "wire/command.h"

enum { TIME = 700, BEGIN = 100, REG_SZ = 1, REG_BINARY = 3, REG_DWORD = 4, DATA_LEN = 72 };

#define GROUP_A U16("11111111-1111-1111-1111-111111111111")
#define GROUP_B U16("22222222-2222-2222-2222-222222222222")
#define RESOURCE_S U16("44444444-4444-4444-4444-444444444444")
#define REG_SYNC U16("Resources\\44444444-4444-4444-4444-444444444444\\RegSync")
#define CRYPTO_SYNC U16("Resources\\44444444-4444-4444-4444-444444444444\\CryptoSync")
#define DATA U16("Resources\\44444444-4444-4444-4444-444444444444\\CheckpointData")

static struct guid guid_of(uint8_t digit)
{
	struct guid g;

	memset(g.bytes, digit * 0x11, sizeof(g.bytes));
	return g;
}

static uint64_t next_counter;

/* A command applied; what it comes to must be what its batch does to a copy, and a refusal nothing. */
static int apply(struct cluster *c, struct command command)
{
	struct db *copy = db_again(db_root(cluster_db(c)));
	struct cluster_result result = { 0 };
	struct cluster_event event = {
		.kind = CLUSTER_COMMAND, .index = cluster_applied(c) + 1, .incarnation = 7, .counter = ++next_counter
	};
	struct buf b = { 0 };
	int r;

	command.version = COMMAND_VERSION;
	CHECK_INT(ndr_message_push(&command_messages, &command, &b), 0);
	event.bytes = b.data;
	event.len = b.len;
	CHECK_INT(cluster_apply(c, &event, &result), 0);
	CHECK(result.status == 0 || result.batch.len == 0);
	if (result.batch.len > 0)
		CHECK_INT(db_batch_apply(copy, result.batch.data, result.batch.len, NULL), 0);
	CHECK(digest_equal((struct digest[]){ db_digest(copy) }, (struct digest[]){ db_digest(cluster_db(c)) }));
	r = result.status == 0 ? 0 : ERR_FROM_WIN32(result.status);
	cluster_result_done(&result);
	buf_done(&b);
	db_free(copy);
	return r;
}

static struct command addition(enum checkpoint_kind kind, const char16_t *path, uint8_t content)
{
	struct command command = { .kind = COMMAND_CHECKPOINT_ADD };

	command.checkpoint_add = (struct command_CheckpointAdd){
		.resource = guid_of(4), .checkpoint_kind = kind, .path = path, .length = content, .time = TIME + content
	};
	memset(command.checkpoint_add.sha256, content, SHA256_LEN);
	return command;
}

static int add(struct cluster *c, enum checkpoint_kind kind, const char16_t *path, uint8_t content)
{
	return apply(c, addition(kind, path, content));
}

static int delete (struct cluster *c, enum checkpoint_kind kind, const char16_t *path)
{
	return apply(c,
	    (struct command){ .kind = COMMAND_CHECKPOINT_DELETE,
		.checkpoint_delete = { .resource = guid_of(4), .checkpoint_kind = kind, .path = path, .time = TIME } });
}

static int saved(struct cluster *c, enum checkpoint_kind kind, uint32_t number, uint64_t added, uint8_t content)
{
	struct command command = { .kind = COMMAND_CHECKPOINT_SAVED,
		.checkpoint_saved = { .resource = guid_of(4),
		    .checkpoint_kind = kind,
		    .number = number,
		    .added = added,
		    .length = content,
		    .time = TIME + content } };

	memset(command.checkpoint_saved.sha256, content, SHA256_LEN);
	return apply(c, command);
}

/* Group A with the resource S, group B. */
static struct cluster *sample(void)
{
	struct cluster *c;
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	CHECK_INT(cluster_new(db, &c), 0);
	cluster_begin_at(c, BEGIN);
	for (unsigned i = 0; i < 4; i++) {
		static const struct command_ObjectCreate objects[] = {
			{ .kind = OBJECT_TYPE, .name = u"Type" },
			{ .kind = OBJECT_GROUP, .name = u"Group A" },
			{ .kind = OBJECT_GROUP, .name = u"Group B" },
			{ .kind = OBJECT_RESOURCE, .name = u"S", .type_name = u"Type" },
		};
		static const uint8_t ids[] = { 0, 1, 2, 4 };
		struct command command = { .kind = COMMAND_OBJECT_CREATE, .object_create = objects[i] };

		command.object_create.id = guid_of(ids[i]);
		command.object_create.group_id = guid_of(1);
		command.object_create.display_name = u"";
		if (command.object_create.type_name == NULL)
			command.object_create.type_name = u"";
		CHECK_INT(apply(c, command), 0);
	}
	return c;
}

static const struct db_key *resource_of(struct cluster *c)
{
	return checkpoint_resource(db_root(cluster_db(c)), (struct guid[]){ guid_of(4) });
}

static unsigned count(struct cluster *c)
{
	struct checkpoint checkpoint;
	unsigned n = 0;

	for (size_t at = 0; checkpoint_next(resource_of(c), &at, &checkpoint);)
		n++;
	return n;
}

static struct checkpoint find(struct cluster *c, enum checkpoint_kind kind, struct u16 path)
{
	struct checkpoint checkpoint = { 0 };

	CHECK(checkpoint_find(resource_of(c), kind, path, &checkpoint));
	return checkpoint;
}

static struct db_value value(struct cluster *c, struct u16 path, struct u16 name)
{
	const struct db_key *key = db_find(db_root(cluster_db(c)), path);
	struct db_value v;

	CHECK(key != NULL && db_value_find(key, name, &v));
	return v;
}

TEST(a_checkpoint_has_the_documented_name_and_its_data_beside_it)
{
	struct cluster *c = sample();
	struct checkpoint found;
	struct db_value v;

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\Company\\App", 5), 0);
	CHECK_INT(add(c, CHECKPOINT_CRYPTO, u"1\\PEM\\/etc/key.pem", 6), 0);
	v = value(c, REG_SYNC, U16("00000001"));
	CHECK_INT(v.type, REG_SZ);
	CHECK_MEM(v.data, u"Software\\Company\\App", v.len);
	CHECK_INT(v.len, sizeof(u"Software\\Company\\App"));
	CHECK_INT(value(c, CRYPTO_SYNC, U16("00000001")).type, REG_SZ);
	CHECK_INT(db_value_count(db_find(db_root(cluster_db(c)), REG_SYNC)), 1);
	CHECK_INT(db_key_count(db_find(db_root(cluster_db(c)), REG_SYNC)), 0);
	v = value(c, DATA, U16("00000001.CPT"));
	CHECK_INT(v.type, REG_BINARY);
	CHECK_INT(v.len, DATA_LEN);
	CHECK_INT(get_le32(v.data), 1);
	CHECK_INT(get_le64(v.data + 24), 5);
	CHECK_INT(v.data[40], 5);
	CHECK_INT(value(c, DATA, U16("00000001.CPR")).data[71], 6);

	found = find(c, CHECKPOINT_REGISTRY, U16("software\\COMPANY\\app"));
	CHECK(found.saved && found.number == 1 && found.length == 5 && found.time == TIME + 5);
	CHECK_INT(found.digest.bytes[31], 5);
	CHECK_INT(found.added, BEGIN + 5);
	CHECK_INT(found.captured, found.added);
	CHECK_INT(count(c), 2);
	cluster_free(c);
}

TEST(a_path_that_is_there_already_is_refused_whatever_its_view)
{
	struct cluster *c = sample();
	struct command other = addition(CHECKPOINT_REGISTRY, u"SOFTWARE\\app", 3);

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\App", 1), 0);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"software\\app", 2), ERR_ALREADY_EXISTS);
	other.checkpoint_add.view = CHECKPOINT_32BIT;
	CHECK_INT(apply(c, other), ERR_ALREADY_EXISTS);
	/* Files have a case, the word File has none. */
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"File\\etc\\app", 1), 0);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"FILE\\etc\\app", 1), ERR_ALREADY_EXISTS);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"File\\etc\\App", 1), 0);
	CHECK_INT(add(c, CHECKPOINT_CRYPTO, u"1\\\\name", 1), 0);
	CHECK_INT(add(c, CHECKPOINT_CRYPTO, u"1\\\\name", 1), ERR_ALREADY_EXISTS);
	CHECK_INT(add(c, CHECKPOINT_CRYPTO, u"1\\\\Name", 1), 0);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("Software\\App")).digest.bytes[0], 1);
	cluster_free(c);
}

TEST(what_is_no_path_is_refused)
{
	static const struct {
		enum checkpoint_kind kind;
		const char16_t *path;
		int result;
	} cases[] = {
		{ CHECKPOINT_REGISTRY, u"", ERR_INVALID_PARAMETER },
		{ CHECKPOINT_REGISTRY, u"\\Software", ERR_BAD_PATHNAME },
		{ CHECKPOINT_REGISTRY, u"Software\\", ERR_BAD_PATHNAME },
		{ CHECKPOINT_REGISTRY, u"Software\\\\App", ERR_BAD_PATHNAME },
		{ CHECKPOINT_REGISTRY, u"S", 0 },
		{ CHECKPOINT_CRYPTO, u"", ERR_INVALID_PARAMETER },
		{ CHECKPOINT_CRYPTO, u"\\PEM\\x", ERR_BAD_PATHNAME },
		{ CHECKPOINT_CRYPTO, u"1", ERR_BAD_PATHNAME },
		{ CHECKPOINT_CRYPTO, u"1\\PEM", ERR_BAD_PATHNAME },
		{ CHECKPOINT_CRYPTO, u"1\\PEM\\", ERR_BAD_PATHNAME },
		{ CHECKPOINT_CRYPTO, u"1a\\PEM\\x", ERR_BAD_PATHNAME },
		{ CHECKPOINT_CRYPTO, u"1234567890\\PEM\\x", ERR_BAD_PATHNAME },
		{ CHECKPOINT_CRYPTO, u"1\\PEM\\x", 0 },
		{ CHECKPOINT_CRYPTO, u"1\\\\a\\b", 0 },
	};
	char16_t path[CHECKPOINT_PATH_MAX + 2] = { 0 };
	struct cluster *c = sample();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_INT(add(c, cases[i].kind, cases[i].path, 1), cases[i].result);
	for (size_t i = 0; i <= CHECKPOINT_PATH_MAX; i++)
		path[i] = 'x';
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, path, 1), ERR_FILENAME_EXCED_RANGE);
	path[CHECKPOINT_PATH_MAX] = 0;
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, path, 1), 0);
	cluster_free(c);
}

TEST(a_command_with_a_number_out_of_range_is_refused)
{
	struct cluster *c = sample();
	struct command command = addition(2, u"1\\x\\y", 1);

	CHECK_INT(apply(c, command), ERR_INVALID_PARAMETER);
	command = addition(CHECKPOINT_REGISTRY, u"x", 1);
	command.checkpoint_add.view = CHECKPOINT_32BIT + 1;
	CHECK_INT(apply(c, command), ERR_INVALID_PARAMETER);
	command = addition(CHECKPOINT_REGISTRY, u"x", 1);
	command.checkpoint_add.length = (uint64_t)CHECKPOINT_LENGTH_MAX + 1;
	CHECK_INT(apply(c, command), ERR_INVALID_PARAMETER);
	command = addition(CHECKPOINT_REGISTRY, u"x", 1);
	command.checkpoint_add.resource = guid_of(9);
	CHECK_INT(apply(c, command), ERR_RESOURCE_NOT_FOUND);
	CHECK_INT(delete (c, 2, u"x"), ERR_INVALID_PARAMETER);
	CHECK_INT(saved(c, 2, 1, 0, 1), ERR_FILE_NOT_FOUND);
	CHECK_INT(saved(c, CHECKPOINT_REGISTRY, 1, 0, 1), ERR_FILE_NOT_FOUND);
	CHECK_INT(delete (c, CHECKPOINT_REGISTRY, u"x"), ERR_FILE_NOT_FOUND);
	CHECK_INT(count(c), 0);
	cluster_free(c);
}

TEST(the_lowest_free_number_is_taken)
{
	struct cluster *c = sample();
	char16_t path[] = u"x0";

	for (unsigned i = 0; i < 18; i++, path[1]++)
		CHECK_INT(add(c, CHECKPOINT_REGISTRY, path, (uint8_t)i), 0);
	CHECK_INT(value(c, REG_SYNC, U16("00000012")).type, REG_SZ);
	CHECK_INT(value(c, REG_SYNC, U16("0000000a")).type, REG_SZ);
	CHECK_INT(delete (c, CHECKPOINT_REGISTRY, u"x2"), 0);
	CHECK_INT(delete (c, CHECKPOINT_REGISTRY, u"X4"), 0);
	CHECK_INT(count(c), 16);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"new", 99), 0);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("new")).number, 3);
	CHECK_INT(delete (c, CHECKPOINT_REGISTRY, u"x2"), ERR_FILE_NOT_FOUND);
	cluster_free(c);
}

TEST(what_was_saved_takes_the_place_of_what_was)
{
	struct cluster *c = sample();
	struct checkpoint before, after;

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"a", 1), 0);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"b", 2), 0);
	before = find(c, CHECKPOINT_REGISTRY, U16("b"));
	CHECK_INT(saved(c, CHECKPOINT_REGISTRY, 2, before.added, 9), 0);
	after = find(c, CHECKPOINT_REGISTRY, U16("b"));
	CHECK(after.saved && after.added == before.added && after.captured == cluster_applied(c));
	CHECK(after.length == 9 && after.time == TIME + 9 && after.digest.bytes[0] == 9);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("a")).digest.bytes[0], 1);
	CHECK_INT(saved(c, CHECKPOINT_CRYPTO, 2, before.added, 9), ERR_FILE_NOT_FOUND);
	cluster_free(c);
}

TEST(what_was_captured_for_one_that_has_gone_is_not_saved_for_its_successor)
{
	struct cluster *c = sample();
	uint64_t added;

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"first", 1), 0);
	added = find(c, CHECKPOINT_REGISTRY, U16("first")).added;
	CHECK_INT(delete (c, CHECKPOINT_REGISTRY, u"first"), 0);
	CHECK_INT(saved(c, CHECKPOINT_REGISTRY, 1, added, 3), ERR_FILE_NOT_FOUND);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"second", 2), 0);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("second")).number, 1);
	CHECK_INT(saved(c, CHECKPOINT_REGISTRY, 1, added, 3), ERR_FILE_NOT_FOUND);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("second")).digest.bytes[0], 2);
	cluster_free(c);
}

TEST(checkpoints_go_with_their_resource)
{
	struct cluster *c = sample();
	struct command rename = { .kind = COMMAND_OBJECT_RENAME,
		.object_rename = { .kind = OBJECT_RESOURCE,
		    .id = u"44444444-4444-4444-4444-444444444444",
		    .name = u"T",
		    .time = TIME } };
	struct command move = { .kind = COMMAND_RESOURCE_MOVE,
		.resource_move = { .resource_id = u"44444444-4444-4444-4444-444444444444",
		    .group_id = u"22222222-2222-2222-2222-222222222222",
		    .time = TIME } };
	struct command group = { .kind = COMMAND_OBJECT_DELETE,
		.object_delete = { .kind = OBJECT_GROUP,
		    .id = u"22222222-2222-2222-2222-222222222222",
		    .flags = OBJECT_DELETE_FORCE,
		    .time = TIME } };

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"a", 1), 0);
	CHECK_INT(apply(c, rename), 0);
	CHECK_INT(apply(c, move), 0);
	CHECK_INT(count(c), 1);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("a")).digest.bytes[0], 1);
	CHECK_INT(apply(c, group), 0);
	CHECK(resource_of(c) == NULL);
	CHECK(db_find(db_root(cluster_db(c)), DATA) == NULL);
	cluster_free(c);
}

static void set(struct cluster *c, struct u16 path, struct u16 name, uint32_t type, const void *data, size_t len)
{
	CHECK_INT(db_key_create(cluster_db(c), path, TIME, NULL), 0);
	CHECK_INT(db_value_set(cluster_db(c), path, &(struct db_value){ name, type, data, len }, TIME), 0);
}

/* Values of a list, by hand: adding one after the other would look through all others each time. */
static void fill(struct cluster *c, struct u16 list, uint32_t first, uint32_t last)
{
	for (uint32_t number = first; number <= last; number++) {
		char16_t name[8];

		for (unsigned d = 0; d < 8; d++)
			name[7 - d] = (unsigned char)"0123456789abcdef"[number >> 4 * d & 15];
		set(c, list, (struct u16){ name, 8 }, REG_SZ, name, sizeof(name));
	}
}

TEST(a_resource_has_so_many_checkpoints_of_a_kind)
{
	struct cluster *c = sample();

	fill(c, REG_SYNC, 2, CHECKPOINT_PER_RESOURCE);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"last", 1), 0);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("last")).number, 1);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"more", 1), ERR_NOT_ENOUGH_QUOTA);
	CHECK_INT(add(c, CHECKPOINT_CRYPTO, u"1\\\\more", 1), 0);
	CHECK_INT(delete (c, CHECKPOINT_REGISTRY, u"LAST"), 0);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"more", 1), 0);
	cluster_free(c);
}

TEST(the_cluster_has_so_many_checkpoints)
{
	struct cluster *c = sample();

	fill(c, U16("Resources\\other\\CryptoSync"), 1, CHECKPOINT_TOTAL - 1);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"last", 1), 0);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"more", 1), ERR_NOT_ENOUGH_QUOTA);
	cluster_free(c);
}

TEST(names_that_somebody_wrote_are_checkpoints_without_data)
{
	struct cluster *c = sample();
	struct checkpoint found;

	set(c, REG_SYNC, U16("00000007"), REG_SZ, u"Software\\Theirs", sizeof(u"Software\\Theirs"));
	found = find(c, CHECKPOINT_REGISTRY, U16("Software\\Theirs"));
	CHECK(!found.saved && found.number == 7);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\theirs", 1), ERR_ALREADY_EXISTS);
	CHECK_INT(saved(c, CHECKPOINT_REGISTRY, 7, 0, 4), 0);
	CHECK(find(c, CHECKPOINT_REGISTRY, U16("Software\\Theirs")).saved);
	CHECK_INT(delete (c, CHECKPOINT_REGISTRY, u"Software\\Theirs"), 0);
	CHECK_INT(db_value_count(db_find(db_root(cluster_db(c)), DATA)), 0);
	CHECK_INT(count(c), 0);
	cluster_free(c);
}

TEST(values_of_another_form_are_passed_over)
{
	static const uint8_t bytes[DATA_LEN + 1] = { 1 };
	static const struct u16 names[] = { U16(""), U16("1"), U16("0000000g"), U16("000000001"), U16("00000000"),
		U16("00010000"), U16("ffffffff") };
	struct cluster *c = sample();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		set(c, REG_SYNC, names[i], REG_SZ, u"x", 4);
	set(c, REG_SYNC, U16("00000001"), REG_DWORD, "\1\0\0\0", 4);
	set(c, REG_SYNC, U16("00000002"), REG_SZ, "", 0);
	CHECK_INT(count(c), 0);
	set(c, REG_SYNC, U16("0000000A"), REG_SZ, u"ten", 6);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("ten")).number, 10);
	/* Data that is too short, too long, of another type, version or view, or of an impossible length. */
	for (unsigned i = 0; i < 6; i++) {
		uint8_t data[DATA_LEN + 1];

		memcpy(data, bytes, sizeof(data));
		if (i == 2)
			data[0] = 2;
		else if (i == 3)
			data[4] = 3;
		else if (i == 4)
			data[31] = 1;
		set(c, DATA, U16("0000000a.CPT"), i == 5 ? REG_SZ : REG_BINARY, data,
		    i == 0   ? DATA_LEN - 1
		    : i == 1 ? DATA_LEN + 1
			     : DATA_LEN);
		CHECK(!find(c, CHECKPOINT_REGISTRY, U16("ten")).saved);
	}
	set(c, DATA, U16("0000000a.CPT"), REG_BINARY, bytes, DATA_LEN);
	CHECK(find(c, CHECKPOINT_REGISTRY, U16("ten")).saved);
	/* A number for which there is only data is not given to another: nobody knows whose it is. */
	set(c, DATA, U16("00000003.CPT"), REG_BINARY, bytes, DATA_LEN);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"new", 1), 0);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("new")).number, 4);
	cluster_free(c);
}

static struct command_restored_checkpoint restored(
    enum checkpoint_kind kind, uint32_t number, const char16_t *path, uint8_t content)
{
	struct command_restored_checkpoint c = {
		.kind = kind, .number = number, .path = path, .length = content, .time = 1000 + content
	};

	memset(c.sha256, content, SHA256_LEN);
	return c;
}

static struct command restoring(const struct command_restored_checkpoint *all, uint32_t n)
{
	return (struct command){ .kind = COMMAND_CHECKPOINTS_RESTORE,
		.checkpoints_restore = {
		    .resource = guid_of(4), .checkpoints = all, .checkpoints_count = n, .time = TIME } };
}

/* The database without the three keys of the resource. */
static struct digest digest_outside(struct cluster *c)
{
	static const struct u16 keys[] = { REG_SYNC, CRYPTO_SYNC, DATA };
	struct db *copy = db_again(db_root(cluster_db(c)));
	struct digest digest;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (db_find(db_root(copy), keys[i]) != NULL)
			CHECK_INT(db_key_delete(copy, keys[i], TIME), 0);
	digest = db_digest(copy);
	db_free(copy);
	return digest;
}

TEST(what_a_set_has_takes_the_place_of_what_was_saved_and_nothing_else_changes)
{
	struct cluster *c = sample();
	struct digest before;
	struct checkpoint found;
	const struct command_restored_checkpoint all[] = {
		restored(CHECKPOINT_REGISTRY, 1, u"software\\app", 11),
		restored(CHECKPOINT_REGISTRY, 1, u"Software\\Other", 12), /* Seen where another one is by now. */
		restored(CHECKPOINT_REGISTRY, 0, u"Software\\New", 13),
		restored(CHECKPOINT_REGISTRY, 77, u"Software\\Newer", 14),
		restored(CHECKPOINT_CRYPTO, 0, u"1\\PEM\\/x", 15),
	};

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\App", 1), 0);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\Kept", 2), 0);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\Other", 3), 0);
	before = digest_outside(c);
	CHECK_INT(apply(c, restoring(all, ARRAY_SIZE(all))), 0);
	CHECK(digest_equal(&before, (struct digest[]){ digest_outside(c) }));
	CHECK_INT(count(c), 6);
	found = find(c, CHECKPOINT_REGISTRY, U16("Software\\App"));
	CHECK(found.number == 1 && found.length == 11 && found.digest.bytes[5] == 11 && found.time == 1011);
	CHECK(u16_equal_exact(found.path, U16("Software\\App")));
	CHECK_INT(found.captured, cluster_applied(c));
	CHECK_INT(found.added, cluster_applied(c));
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("Software\\Kept")).length, 2);
	found = find(c, CHECKPOINT_REGISTRY, U16("Software\\Other"));
	CHECK(found.number == 3 && found.length == 12);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("Software\\New")).number, 4);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("Software\\Newer")).number, 5);
	CHECK_INT(find(c, CHECKPOINT_CRYPTO, U16("1\\PEM\\/x")).number, 1);
	cluster_free(c);
}

TEST(what_was_being_captured_is_not_saved_over_what_was_restored)
{
	const struct command_restored_checkpoint one = restored(CHECKPOINT_REGISTRY, 1, u"Software\\App", 9);
	struct cluster *c = sample();
	uint64_t added;

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\App", 1), 0);
	added = find(c, CHECKPOINT_REGISTRY, U16("Software\\App")).added;
	CHECK_INT(apply(c, restoring(&one, 1)), 0);
	CHECK_INT(saved(c, CHECKPOINT_REGISTRY, 1, added, 5), ERR_FILE_NOT_FOUND);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("Software\\App")).length, 9);
	cluster_free(c);
}

TEST(what_was_saved_behind_the_makers_back_is_not_replaced)
{
	const struct command_restored_checkpoint all[] = {
		restored(CHECKPOINT_REGISTRY, 1, u"Software\\App", 9),
		restored(CHECKPOINT_REGISTRY, 0, u"Software\\New", 9),
	};
	struct cluster *c = sample();
	struct command command = restoring(all, ARRAY_SIZE(all));
	uint64_t looked;

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\App", 1), 0);
	looked = cluster_applied(c);
	command.checkpoints_restore.after = looked;
	CHECK_INT(saved(c, CHECKPOINT_REGISTRY, 1, looked, 5), 0);
	CHECK_INT(apply(c, command), ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("Software\\App")).length, 5);
	CHECK_INT(count(c), 1);
	/* One of the new ones has been added meanwhile. */
	command.checkpoints_restore.after = cluster_applied(c);
	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\New", 4), 0);
	CHECK_INT(apply(c, command), ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("Software\\App")).length, 5);
	command.checkpoints_restore.after = cluster_applied(c);
	CHECK_INT(apply(c, command), 0);
	CHECK_INT(find(c, CHECKPOINT_REGISTRY, U16("Software\\New")).length, 9);
	cluster_free(c);
}

TEST(restoring_is_all_or_nothing)
{
	static const struct {
		struct command_restored_checkpoint bad;
		int error;
	} rows[] = {
		{ { .kind = 2, .path = u"a" }, ERR_INVALID_PARAMETER },
		{ { .view = 3, .path = u"a" }, ERR_INVALID_PARAMETER },
		{ { .length = CHECKPOINT_LENGTH_MAX + 1ull, .path = u"a" }, ERR_INVALID_PARAMETER },
		{ { .path = u"" }, ERR_INVALID_PARAMETER },
		{ { .path = NULL }, ERR_INVALID_PARAMETER },
		{ { .path = u"a\\\\b" }, ERR_BAD_PATHNAME },
		{ { .kind = CHECKPOINT_CRYPTO, .path = u"no" }, ERR_BAD_PATHNAME },
	};
	struct command_restored_checkpoint all[2] = { restored(CHECKPOINT_REGISTRY, 1, u"Software\\App", 9) };
	struct cluster *c = sample();
	struct command command;
	struct digest before;

	CHECK_INT(add(c, CHECKPOINT_REGISTRY, u"Software\\App", 1), 0);
	before = db_digest(cluster_db(c));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		all[1] = rows[i].bad;
		CHECK_INT(apply(c, restoring(all, 2)), rows[i].error);
		CHECK(digest_equal(&before, (struct digest[]){ db_digest(cluster_db(c)) }));
	}
	command = restoring(all, 1);
	command.checkpoints_restore.resource = guid_of(9);
	CHECK_INT(apply(c, command), ERR_RESOURCE_NOT_FOUND);
	cluster_free(c);
}

TEST(without_memory_nothing_is_done)
{
	struct cluster *c = sample();
	struct command first = addition(CHECKPOINT_REGISTRY, u"Software\\App", 1);
	struct buf batch = { 0 };

	CHECK_INT(checkpoint_add(cluster_db(c), &first.checkpoint_add, BEGIN, &batch), 0);
	buf_done(&batch);
	for (unsigned i = 0; i < 4; i++) {
		const struct command_restored_checkpoint all[] = { restored(
								       CHECKPOINT_REGISTRY, 1, u"Software\\App", 2),
			restored(CHECKPOINT_CRYPTO, 0, u"1\\PEM\\/y", 3) };
		struct command command = addition(CHECKPOINT_CRYPTO, u"1\\PEM\\/x", 2), restore = restoring(all, 2);
		struct command_CheckpointDelete deletion = { .resource = guid_of(4), .path = u"Software\\App" };
		struct command_CheckpointSaved save = { .resource = guid_of(4), .number = 1, .added = BEGIN };
		struct db_snapshot *before = db_snapshot_take(cluster_db(c));
		struct digest digest = db_digest(cluster_db(c));

		CHECK(before != NULL);
		FAIL_EACH_ALLOCATION
		{
			struct db *db = cluster_db(c);
			int r = i == 0   ? checkpoint_add(db, &command.checkpoint_add, BEGIN, &batch)
				: i == 1 ? checkpoint_delete(db, &deletion, &batch)
				: i == 2 ? checkpoint_saved(db, &save, BEGIN, &batch)
					 : checkpoint_restore(db, &restore.checkpoints_restore, BEGIN, &batch);

			CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
			CHECK((r == 0) == (batch.len > 0));
			CHECK((r < 0) == digest_equal(&digest, (struct digest[]){ db_digest(db) }));
			db_put_back(db, before);
			buf_done(&batch);
		}
		db_snapshot_unref(before);
	}
	cluster_free(c);
}
