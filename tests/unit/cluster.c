/* The core: every command applied, refused and repeated; the runtime state saved and loaded; the seed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/batch.h"
#include "cluster/object/edit.h"
#include "cluster/runtime.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"
#include "wire/command.h"
#include "wire/proplist.h"
#include "wire/regbuf.h"

enum { TIME = 900, BEGIN = 100 };

static struct digest runtime_digest(const struct cluster *c)
{
	struct digest d;

	CHECK_INT(cluster_runtime_digest(c, &d), 0);
	return d;
}

static struct guid guid_of(uint8_t digit)
{
	struct guid g;

	memset(g.bytes, digit * 0x11, sizeof(g.bytes));
	return g;
}

static const struct cluster_seed *seed_of_test(void)
{
	static struct cluster_seed seed;

	seed = (struct cluster_seed){ .cluster_name = U16("CLU"),
		.node_name = U16("node1"),
		.instance_id = guid_of(1),
		.core_group_id = guid_of(2),
		.storage_group_id = guid_of(3),
		.quorum_resource_id = guid_of(4),
		.quorum_path = U16("Q:\\"),
		.time = TIME };
	return &seed;
}

static struct cluster *begin(void)
{
	struct cluster *c;
	struct db *db;

	CHECK_INT(cluster_seed_database(seed_of_test(), &db), 0);
	CHECK_INT(cluster_new(db, &c), 0);
	cluster_begin_at(c, BEGIN);
	return c;
}

static struct buf encoded(struct command command)
{
	struct buf b = { 0 };

	command.version = COMMAND_VERSION;
	CHECK_INT(ndr_message_push(&command_messages, &command, &b), 0);
	return b;
}

static int apply_bytes(struct cluster *c, uint64_t incarnation, uint64_t counter, const void *bytes, size_t len,
    struct cluster_result *ret)
{
	struct cluster_event event = { .kind = CLUSTER_COMMAND,
		.index = cluster_applied(c) + 1,
		.incarnation = incarnation,
		.counter = counter,
		.bytes = bytes,
		.len = len };

	*ret = (struct cluster_result){ 0 };
	return cluster_apply(c, &event, ret);
}

static uint64_t next_counter;

/* A new command of incarnation 7; what it comes to must be what its batch does to a copy, and a refusal nothing. */
static uint32_t apply_result(struct cluster *c, struct command command, struct cluster_result *ret)
{
	struct db *copy = db_again(db_root(cluster_db(c)));
	struct buf b = encoded(command);
	uint64_t index = cluster_applied(c);

	CHECK_INT(apply_bytes(c, 7, ++next_counter, b.data, b.len, ret), 0);
	CHECK_INT(cluster_applied(c), index + 1);
	CHECK(!ret->repeated);
	CHECK(ret->status == 0 || (ret->batch.len == 0 && ret->notification.len == 0));
	if (ret->batch.len > 0)
		CHECK_INT(db_batch_apply(copy, ret->batch.data, ret->batch.len, NULL), 0);
	CHECK(digest_equal((struct digest[]){ db_digest(copy) }, (struct digest[]){ db_digest(cluster_db(c)) }));
	db_free(copy);
	buf_done(&b);
	return ret->status;
}

static uint32_t apply(struct cluster *c, struct command command)
{
	struct cluster_result result;
	uint32_t status = apply_result(c, command, &result);

	cluster_result_done(&result);
	return status;
}

static void happen(struct cluster *c, enum cluster_event_kind kind, uint32_t node, uint64_t incarnation, uint64_t term)
{
	struct cluster_event event = {
		.kind = kind, .index = cluster_applied(c) + 1, .node = node, .incarnation = incarnation, .term = term
	};
	struct cluster_result result = { 0 };

	CHECK_INT(cluster_apply(c, &event, &result), 0);
	CHECK_INT(result.status, 0);
	cluster_result_done(&result);
}

static struct command create(uint32_t kind, const char16_t *name, uint8_t id)
{
	return (struct command){ .kind = COMMAND_OBJECT_CREATE,
		.object_create = { .kind = kind,
		    .name = name,
		    .id = guid_of(id),
		    .group_id = guid_of(2),
		    .type_name = u"Generic Script",
		    .display_name = u"",
		    .time = TIME } };
}

static struct command backup_begin(uint8_t id, const char16_t *path)
{
	return (struct command){ .kind = COMMAND_BACKUP_BEGIN,
		.backup_begin = { .id = guid_of(id), .path = path, .time = TIME + id } };
}

static struct command backup_end(uint8_t id, uint32_t status)
{
	return (struct command){ .kind = COMMAND_BACKUP_END,
		.backup_end = { .id = guid_of(id), .status = status, .time = TIME + 50 } };
}

#define GROUP u"55555555-5555-5555-5555-555555555555"
#define RESOURCE u"66666666-6666-6666-6666-666666666666"
#define QUORUM u"44444444-4444-4444-4444-444444444444"

TEST(commands_on_objects_give_the_status_of_their_rule)
{
#define DELETE(k, i)                                                                                                   \
	{                                                                                                              \
		.kind = COMMAND_OBJECT_DELETE, .object_delete = {.kind = k, .id = i, .time = TIME }                    \
	}
#define RENAME(k, i, n)                                                                                                \
	{                                                                                                              \
		.kind = COMMAND_OBJECT_RENAME, .object_rename = {.kind = k, .id = i, .name = n, .time = TIME }         \
	}
#define MOVE(r, g)                                                                                                     \
	{                                                                                                              \
		.kind = COMMAND_RESOURCE_MOVE, .resource_move = {.resource_id = r, .group_id = g, .time = TIME }       \
	}
#define CLUSTER(n)                                                                                                     \
	{                                                                                                              \
		.kind = COMMAND_CLUSTER_RENAME, .cluster_rename = {.name = n, .time = TIME }                           \
	}
	const struct {
		struct command command;
		uint32_t status;
	} t[] = {
		{ create(0, u"x", 5), 87 },
		{ create(7, u"x", 5), 87 },
		{ create(OBJECT_GROUP, u"g", 5), 0 },
		{ create(OBJECT_GROUP, u"G", 6), 5010 },
		{ create(OBJECT_RESOURCE, u"r", 6), 0 },
		{ create(OBJECT_NODE, u"node2", 0), 0 },
		{ create(OBJECT_NODE, u"NODE1", 0), 5040 },
		{ create(OBJECT_TYPE, u"physical disk", 0), 183 },
		{ RENAME(0, GROUP, u"x"), 87 },
		{ RENAME(7, GROUP, u"x"), 87 },
		{ RENAME(OBJECT_GROUP, GROUP, u"Available Storage"), 183 },
		{ RENAME(OBJECT_GROUP, GROUP, u"h"), 0 },
		{ MOVE(RESOURCE, RESOURCE), 5013 },
		{ MOVE(GROUP, GROUP), 5007 },
		{ MOVE(RESOURCE, GROUP), 0 },
		{ CLUSTER(u"a b"), 123 },
		{ CLUSTER(u"OTHER"), 0 },
		{ DELETE(0, GROUP), 87 },
		{ DELETE(7, GROUP), 87 },
		{ DELETE(OBJECT_GROUP, GROUP), 145 },
		{ DELETE(OBJECT_RESOURCE, QUORUM), 5020 },
		{ DELETE(OBJECT_RESOURCE, RESOURCE), 0 },
		{ DELETE(OBJECT_RESOURCE, RESOURCE), 5007 },
		{ DELETE(OBJECT_GROUP, GROUP), 0 },
	};
	struct cluster *c = begin();

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cluster_result result;

		CHECK_INT(apply_result(c, t[i].command, &result), t[i].status);
		CHECK((result.batch.len > 0) == (t[i].status == 0));
		CHECK_INT(result.failed_command, -1);
		cluster_result_done(&result);
	}
	cluster_free(c);
}

static struct command reg_batch(const char16_t *key, const struct buf *b)
{
	return (struct command){ .kind = COMMAND_REG_BATCH,
		.reg_batch = { .key = key, .batch = b->data, .batch_size = (uint32_t)b->len, .time = TIME } };
}

TEST(a_registry_batch_is_applied_or_says_which_command_failed)
{
	struct cluster *c = begin();
	struct cluster_result result;
	struct buf b = { 0 };

	regbuf_begin(&b);
	regbuf_add(&b, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = U16("New") });
	regbuf_add(
	    &b, &(struct regbuf_command){
		    .kind = REGBUF_SET_VALUE, .type = 1, .name = U16("v"), .data = (const uint8_t *)"x", .len = 1 });
	CHECK_INT(b.error, 0);
	CHECK_INT(apply_result(c, reg_batch(u"", &b), &result), 0);
	CHECK_INT(result.disposition, 1);
	CHECK_INT(result.failed_command, -1);
	CHECK(result.notification.len > 0);
	cluster_result_done(&result);
	CHECK_INT(apply_result(c, reg_batch(u"", &b), &result), 0);
	CHECK_INT(result.disposition, 2);
	cluster_result_done(&result);
	CHECK_INT(apply_result(c, reg_batch(u"None", &b), &result), error_to_win32(ERR_KEY_DELETED));
	cluster_result_done(&result);
	/* A value before any key: the third command of a batch that begins well. */
	regbuf_add(&b, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = U16("a\\\\b") });
	CHECK_INT(apply_result(c, reg_batch(u"", &b), &result), 87);
	CHECK_INT(result.failed_command, 3);
	cluster_result_done(&result);
	b.len = 3;
	CHECK_INT(apply_result(c, reg_batch(u"", &b), &result), error_to_win32(ERR_INVALID_DATA));
	cluster_result_done(&result);
	buf_done(&b);
	cluster_free(c);
}

static bool is_settled_by(struct cluster *c, struct command command)
{
	struct cluster_result result;
	bool settled;

	CHECK_INT(apply_result(c, command, &result), 0);
	settled = result.settled;
	cluster_result_done(&result);
	return settled;
}

TEST(the_policy_need_not_look_at_what_it_cannot_see)
{
	static const struct {
		const char16_t *key;
		bool settled;
	} rows[] = { { u"App", true }, { u"App\\Groups", true }, { u"Groups\\x", false },
		{ u"Resources\\x\\Parameters", false }, { u"Nodes\\1", false }, { u"Quorum", false } };
	struct command tick = { .kind = COMMAND_TICK, .tick = { .elapsed_ns = 5 } };
	struct cluster *c = begin();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct regbuf_command create = { .kind = REGBUF_CREATE_KEY, .name = u16_from_z(rows[i].key) };
		struct regbuf_command set = {
			.kind = REGBUF_SET_VALUE, .type = 1, .name = U16("v"), .data = (const uint8_t *)"x", .len = 1
		};
		struct buf b = { 0 };

		regbuf_begin(&b);
		regbuf_add(&b, &create);
		regbuf_add(&b, &set);
		CHECK_INT(is_settled_by(c, reg_batch(u"", &b)), rows[i].settled);
		buf_done(&b);
	}
	CHECK(!is_settled_by(c, tick));
	CHECK(!is_settled_by(c, create(OBJECT_GROUP, u"a group", 9)));
	cluster_free(c);
}

TEST(one_backup_at_a_time_and_its_end_is_its_own)
{
	struct cluster *c = begin();
	const struct cluster_backup_state *b = cluster_backup(c);
	struct guid id = guid_of(1);

	CHECK_INT(apply(c, backup_end(1, 0)), 5023);
	CHECK_INT(apply(c, backup_begin(1, u"\\\\server\\share")), 0);
	CHECK(b->running && guid_equal(&b->id, &id) && b->incarnation == 7 && b->started == TIME + 1);
	CHECK(u16_equal_exact(b->path, U16("\\\\server\\share")));
	CHECK_INT(apply(c, backup_begin(2, u"other")), 5949);
	CHECK(u16_equal_exact(b->path, U16("\\\\server\\share")));
	CHECK_INT(apply(c, backup_end(2, 0)), 5023);
	CHECK(b->running);
	CHECK_INT(apply(c, backup_end(1, 112)), 0);
	CHECK(!b->running && b->status == 112 && b->ended == TIME + 50);
	CHECK_INT(apply(c, backup_end(1, 0)), 5023);
	CHECK_INT(apply(c, backup_begin(2, u"other")), 0);
	CHECK(b->running && b->status == 0 && b->ended == 0);
	CHECK(u16_equal_exact(b->path, U16("other")));
	cluster_free(c);
}

TEST(a_backup_ends_with_the_life_of_its_node)
{
	struct cluster *c = begin();
	const struct cluster_backup_state *b = cluster_backup(c);

	happen(c, CLUSTER_NODE_JOINED, 1, 7, 0);
	happen(c, CLUSTER_NODE_JOINED, 2, 8, 0);
	CHECK_INT(apply(c, backup_begin(1, u"x")), 0);
	happen(c, CLUSTER_NODE_LOST, 2, 8, 0);
	happen(c, CLUSTER_NODE_LOST, 1, 6, 0); /* A former life. */
	CHECK(b->running);
	happen(c, CLUSTER_NODE_LOST, 1, 7, 0);
	CHECK(!b->running);
	CHECK_INT(b->status, 1726);
	CHECK_INT(apply(c, backup_begin(2, u"x")), 0);
	happen(c, CLUSTER_NODE_JOINED, 1, 7, 0);
	CHECK(b->running);
	happen(c, CLUSTER_NODE_JOINED, 1, 9, 0); /* Nobody noticed that the life before ended. */
	CHECK(!b->running);
	CHECK_INT(apply(c, backup_begin(3, u"x")), 0);
	cluster_free(c);
}

TEST(the_last_owner_elected_is_the_owner)
{
	struct cluster *c = begin();
	uint64_t term = 99;

	CHECK_INT(cluster_owner(c, &term), 0);
	CHECK_INT(term, 0);
	happen(c, CLUSTER_OWNER_ELECTED, 2, 0, 5);
	happen(c, CLUSTER_OWNER_ELECTED, 1, 0, 6);
	CHECK_INT(cluster_owner(c, &term), 1);
	CHECK_INT(term, 6);
	cluster_free(c);
}

TEST(an_id_is_applied_once_per_incarnation_whatever_it_came_to)
{
	struct cluster *c = begin();
	struct buf good = encoded(create(OBJECT_GROUP, u"g", 5)), other = encoded(create(OBJECT_GROUP, u"h", 6));
	struct cluster_result result;
	struct digest digest;

	CHECK_INT(apply_bytes(c, 1, 10, good.data, good.len, &result), 0);
	CHECK(!result.repeated && result.status == 0 && result.batch.len > 0);
	cluster_result_done(&result);
	digest = db_digest(cluster_db(c));
	for (uint64_t counter = 0; counter <= 10; counter++) {
		CHECK_INT(apply_bytes(c, 1, counter, other.data, other.len, &result), 0);
		CHECK(result.repeated && result.status == 0 && result.batch.len == 0);
		cluster_result_done(&result);
	}
	CHECK(digest_equal(&digest, (struct digest[]){ db_digest(cluster_db(c)) }));
	CHECK_INT(cluster_applied(c), BEGIN + 12);
	CHECK_INT(apply_bytes(c, 2, 10, good.data, good.len, &result), 0);
	CHECK(!result.repeated);
	CHECK_INT(result.status, 5010);
	cluster_result_done(&result);
	CHECK_INT(apply_bytes(c, 2, 10, other.data, other.len, &result), 0); /* A refused id is used up, too. */
	CHECK(result.repeated);
	CHECK_INT(apply_bytes(c, 0, 1, other.data, other.len, &result), 0);
	CHECK(!result.repeated && result.status == 0);
	cluster_result_done(&result);
	buf_done(&good);
	buf_done(&other);
	cluster_free(c);
}

TEST(ticks_add_up_and_a_check_compares)
{
	struct cluster *c = begin();
	struct command check = { .kind = COMMAND_CHECK, .check = { .runtime_version = CLUSTER_RUNTIME_VERSION } },
		       tick = { .kind = COMMAND_TICK, .tick = { .elapsed_ns = 5 } };
	struct digest before = runtime_digest(c), runtime, database = db_digest(cluster_db(c));

	CHECK_INT(apply(c, tick), 0);
	CHECK(!digest_equal(&before, (struct digest[]){ runtime_digest(c) }));
	CHECK_INT(apply(c, check), 0); /* Of another moment. */
	/* Of this one, with nothing that fits; then the database alone fits. */
	check.check.index = cluster_applied(c);
	CHECK_INT(apply(c, check), 5083);
	check.check.index = cluster_applied(c);
	memcpy(check.check.db_digest, database.bytes, SHA256_LEN);
	CHECK_INT(apply(c, check), 5083);
	runtime = runtime_digest(c);
	CHECK(!digest_equal(&before, &runtime));
	cluster_free(c);
}

/* The owner draws its digests before the command has an id: that must fit everywhere, its own id or not. */
TEST(a_check_of_equal_states_is_0)
{
	struct cluster *c = begin(), *other = begin();
	struct command check = { .kind = COMMAND_CHECK,
		.check = { .index = BEGIN, .runtime_version = CLUSTER_RUNTIME_VERSION } };
	struct digest database = db_digest(cluster_db(c)), runtime = runtime_digest(c);
	struct cluster_result result;
	struct buf b;

	memcpy(check.check.db_digest, database.bytes, SHA256_LEN);
	memcpy(check.check.runtime_digest, runtime.bytes, SHA256_LEN);
	b = encoded(check);
	CHECK_INT(apply_bytes(c, 3, 1, b.data, b.len, &result), 0);
	CHECK_INT(result.status, 0);
	buf_done(&b);

	check.check.runtime_digest[0] ^= 1;
	b = encoded(check);
	CHECK_INT(apply_bytes(other, 3, 1, b.data, b.len, &result), 0);
	CHECK_INT(result.status, 5083);
	buf_done(&b);
	cluster_free(c);
	cluster_free(other);
}

/* The same runtime state has other bytes, and so another digest, in another version of its form. */
TEST(a_check_of_another_form_of_the_runtime_state_compares_the_database_only)
{
	static const uint32_t versions[] = { 0, CLUSTER_RUNTIME_VERSION - 1, CLUSTER_RUNTIME_VERSION + 1 };
	struct cluster *c = begin();
	struct digest database = db_digest(cluster_db(c));
	struct command check = { .kind = COMMAND_CHECK };
	struct buf b;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct cluster_result result;

		check.check.runtime_version = versions[i];
		check.check.index = cluster_applied(c);
		memcpy(check.check.db_digest, database.bytes, SHA256_LEN);
		CHECK_INT(apply(c, check), 0);
		check.check.index = cluster_applied(c);
		check.check.db_digest[0] ^= 1;
		CHECK_INT(apply(c, check), 5083);
		/* As a program of the first version wrote it: there is no such field. */
		check.check.index = cluster_applied(c);
		check.check.db_digest[0] ^= 1;
		b = encoded(check);
		put_le16(b.data + 2, 1);
		CHECK_INT(apply_bytes(c, 9, i + 1, b.data, b.len - sizeof(uint32_t), &result), 0);
		CHECK_INT(result.status, 0);
		cluster_result_done(&result);
		buf_done(&b);
	}
	cluster_free(c);
}

TEST(a_command_of_an_unknown_kind_or_version_ends_the_process_and_changes_nothing)
{
	static const uint16_t heads[][2] = { { 0, 1 }, { 500, 1 }, { 0xffff, 1 }, { COMMAND_TICK, 0 },
		{ COMMAND_TICK, COMMAND_VERSION + 1 }, { COMMAND_OBJECT_CREATE, 0xffff } };
	struct cluster *c = begin();
	struct digest database = db_digest(cluster_db(c)), runtime = runtime_digest(c);
	struct buf b = encoded((struct command){ .kind = COMMAND_TICK, .tick = { .elapsed_ns = 5 } });
	struct cluster_result result;

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		put_le16(b.data, heads[i][0]);
		put_le16(b.data + 2, heads[i][1]);
		CHECK_INT(apply_bytes(c, 1, 1, b.data, b.len, &result), -EPROTONOSUPPORT);
		CHECK(digest_equal(&database, (struct digest[]){ db_digest(cluster_db(c)) }));
		CHECK(digest_equal(&runtime, (struct digest[]){ runtime_digest(c) }));
		CHECK_INT(cluster_applied(c), BEGIN);
	}
	buf_done(&b);
	cluster_free(c);
}

TEST(a_command_that_is_damaged_is_refused_at_each_length)
{
	struct command commands[] = { create(OBJECT_GROUP, u"g", 5), backup_begin(1, u"path"), backup_end(1, 0),
		{ .kind = COMMAND_CHECK }, { .kind = COMMAND_TICK, .tick = { .elapsed_ns = 5 } } };
	struct cluster *c = begin();
	struct digest database = db_digest(cluster_db(c));
	struct cluster_result result;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct buf b = encoded(commands[i]);

		for (size_t len = 0; len < b.len; len++) {
			CHECK_INT(apply_bytes(c, 1, cluster_applied(c), b.data, len, &result), 0);
			CHECK_INT(result.status, 1783);
			cluster_result_done(&result);
		}
		buf_u8(&b, 0);
		CHECK_INT(apply_bytes(c, 1, cluster_applied(c), b.data, b.len, &result), 0);
		CHECK_INT(result.status, 1783);
		buf_done(&b);
	}
	CHECK(digest_equal(&database, (struct digest[]){ db_digest(cluster_db(c)) }));
	CHECK(!cluster_backup(c)->running);
	cluster_free(c);
}

/* The runtime state. */

static struct cluster *eventful(void)
{
	struct cluster *c = begin();

	happen(c, CLUSTER_NODE_JOINED, 2, 8, 0);
	happen(c, CLUSTER_NODE_JOINED, 1, 7, 0);
	happen(c, CLUSTER_OWNER_ELECTED, 2, 0, 5);
	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_TICK, .tick = { .elapsed_ns = 5 } }), 0);
	CHECK_INT(apply(c, backup_begin(1, u"\\\\server\\share")), 0);
	return c;
}

static struct cluster *fresh(void)
{
	struct cluster *c;
	struct db *db;

	CHECK_INT(cluster_seed_database(seed_of_test(), &db), 0);
	CHECK_INT(cluster_new(db, &c), 0);
	return c;
}

TEST(the_runtime_state_comes_back_as_it_was_saved)
{
	struct cluster *c = eventful(), *again = fresh();
	struct buf saved = { 0 }, twice = { 0 };
	struct error error;
	uint64_t term;

	cluster_runtime_save(c, &saved);
	CHECK_INT(cluster_runtime_load(again, saved.data, saved.len, &error), 0);
	cluster_runtime_save(again, &twice);
	CHECK_INT(saved.len, twice.len);
	CHECK_MEM(saved.data, twice.data, saved.len);
	CHECK_INT(cluster_applied(again), cluster_applied(c));
	CHECK_INT(cluster_owner(again, &term), 2);
	CHECK_INT(term, 5);
	CHECK(cluster_backup(again)->running);
	CHECK(u16_equal_exact(cluster_backup(again)->path, U16("\\\\server\\share")));
	happen(again, CLUSTER_NODE_LOST, 1, 7, 0);
	CHECK(!cluster_backup(again)->running);
	buf_done(&saved);
	buf_done(&twice);
	cluster_free(c);
	cluster_free(again);
}

TEST(a_runtime_state_that_is_cut_or_longer_or_of_another_version_is_refused)
{
	struct cluster *c = eventful(), *again = fresh();
	struct digest before = runtime_digest(again);
	struct buf saved = { 0 };
	struct error error;

	cluster_runtime_save(c, &saved);
	for (size_t len = 0; len < saved.len; len++) {
		uint8_t *exact = malloc(len + (len == 0)); /* So that reading beyond is seen by a checker. */

		memcpy(exact, saved.data, len);
		error = (struct error){ 0 };
		CHECK_INT(cluster_runtime_load(again, exact, len, &error), ERR_INVALID_DATA);
		CHECK(error.text[0] != 0);
		free(exact);
	}
	buf_u8(&saved, 0);
	CHECK_INT(cluster_runtime_load(again, saved.data, saved.len, &error), ERR_INVALID_DATA);
	saved.len--;
	for (uint32_t version = 0; version < 5; version++) {
		put_le32(saved.data, version == 4 ? UINT32_MAX : version);
		if (version != 3)
			CHECK_INT(cluster_runtime_load(again, saved.data, saved.len, &error), ERR_INVALID_DATA);
	}
	CHECK(digest_equal(&before, (struct digest[]){ runtime_digest(again) }));
	put_le32(saved.data, CLUSTER_RUNTIME_VERSION + 1);
	CHECK_INT(cluster_runtime_load(again, saved.data, saved.len, &error), ERR_INVALID_DATA);
	for (uint32_t version = 3; version <= CLUSTER_RUNTIME_VERSION; version++) {
		put_le32(saved.data, version);
		CHECK_INT(cluster_runtime_load(again, saved.data, saved.len, &error), 0);
	}
	/* Version 2 knew nothing of interfaces, version 1 nothing of groups either: empty lists are all that is new. */
	put_le32(saved.data, 2);
	CHECK_INT(cluster_runtime_load(again, saved.data, saved.len - 4, &error), 0);
	put_le32(saved.data, 1);
	CHECK_INT(cluster_runtime_load(again, saved.data, saved.len - 16, &error), 0);
	buf_done(&saved);
	cluster_free(c);
	cluster_free(again);
}

TEST(a_runtime_state_with_nodes_or_incarnations_out_of_order_is_refused)
{
	struct runtime r = { .applied = 5 }, loaded = { 0 };
	struct buf saved = { 0 };
	struct error error;

	for (unsigned i = 0; i < 3; i++)
		CHECK_INT(runtime_accept(&r, 30 - 10 * i, i), 1);
	for (unsigned i = 0; i < 3; i++)
		CHECK_INT(runtime_node_up(&r, 3 - i, i), 0);
	for (size_t i = 1; i < 3; i++) {
		CHECK(r.incarnations[i].incarnation > r.incarnations[i - 1].incarnation);
		CHECK(r.up[i].node > r.up[i - 1].node);
	}
	runtime_save(&r, &saved);
	CHECK_INT(runtime_load(&loaded, saved.data, saved.len, &error), 0);
	r.incarnations[1].incarnation = 10;
	saved.len = 0;
	runtime_save(&r, &saved);
	CHECK_INT(runtime_load(&loaded, saved.data, saved.len, &error), ERR_INVALID_DATA);
	r.incarnations[1].incarnation = 20;
	r.up[2].node = 1;
	saved.len = 0;
	runtime_save(&r, &saved);
	CHECK_INT(runtime_load(&loaded, saved.data, saved.len, &error), ERR_INVALID_DATA);
	buf_done(&saved);
	runtime_done(&loaded);
	runtime_done(&r);
}

TEST(a_late_notice_of_a_former_life_does_not_take_the_node_down)
{
	struct runtime r = { 0 };

	CHECK_INT(runtime_node_up(&r, 1, 7), 0);
	CHECK_INT(runtime_node_up(&r, 2, 8), 0);
	runtime_node_down(&r, 1, 6);
	runtime_node_down(&r, 3, 7);
	CHECK_INT(r.up_count, 2);
	runtime_node_down(&r, 1, 7);
	CHECK_INT(r.up_count, 1);
	CHECK_INT(r.up[0].node, 2);
	runtime_done(&r);
}

/* What could be saved but not loaded would keep the node from starting. */
TEST(whatever_path_a_backup_has_the_runtime_state_can_be_loaded_again)
{
	static const size_t lens[] = { 0, 1, 32767, 32768, 100000 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct cluster *c = begin(), *again = fresh();
		char16_t *path = calloc(lens[i] + 1, sizeof(*path));
		struct buf saved = { 0 };
		struct error error;

		for (size_t j = 0; j < lens[i]; j++)
			path[j] = 'p';
		CHECK_INT(apply(c, backup_begin(1, path)), lens[i] > 32767 ? 206 : 0);
		CHECK(cluster_backup(c)->running == (lens[i] <= 32767));
		cluster_runtime_save(c, &saved);
		CHECK_INT(cluster_runtime_load(again, saved.data, saved.len, &error), 0);
		free(path);
		buf_done(&saved);
		cluster_free(c);
		cluster_free(again);
	}
}

/* Properties. */

TEST(properties_are_set_by_a_command_or_refused_with_the_status_of_their_rule)
{
	static const struct {
		uint32_t kind;
		const char16_t *id;
		bool is_private;
		struct u16 name;
		uint16_t format;
		const char *data;
		uint32_t status;
	} cases[] = {
		{ OBJECT_RESOURCE, QUORUM, false, U16("RestartAction"), PROP_DWORD, "\1\0\0\0", 0 },
		{ OBJECT_RESOURCE, QUORUM, true, U16("Anything"), PROP_DWORD, "\1\0\0\0", 0 },
		{ OBJECT_NODE, u"1", false, U16("NodeWeight"), PROP_DWORD, "\0\0\0\0", 0 },
		{ 7, u"", false, U16("SameSubnetDelay"), PROP_DWORD, "\350\3\0\0", 0 },
		{ 7, u"", false, U16("SameSubnetDelay"), PROP_DWORD, "\0\0\0\0", 87 },
		{ OBJECT_RESOURCE, QUORUM, false, U16("RestartAction"), PROP_DWORD, "\7\0\0\0", 87 },
		{ OBJECT_RESOURCE, QUORUM, false, U16("Anything"), PROP_DWORD, "\1\0\0\0", 87 },
		{ OBJECT_RESOURCE, GROUP, false, U16("RestartAction"), PROP_DWORD, "\1\0\0\0", 5007 },
		{ OBJECT_GROUP, QUORUM, false, U16("Priority"), PROP_DWORD, "\1\0\0\0", 5013 },
		{ 8, u"", false, U16("Priority"), PROP_DWORD, "\1\0\0\0", 87 },
		{ 0, u"", false, U16("Priority"), PROP_DWORD, "\1\0\0\0", 87 },
	};
	struct cluster *c = begin();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct command command = { .kind = COMMAND_PROPERTIES_SET };
		struct buf list = { 0 };
		uint32_t status;

		proplist_begin(&list);
		proplist_add(&list, cases[i].name, cases[i].format, cases[i].data, 4);
		proplist_end(&list);
		command.properties_set = (struct command_PropertiesSet){ cases[i].kind, cases[i].id,
			cases[i].is_private, list.data, (uint32_t)list.len, TIME + i };
		status = apply(c, command);
		if (status != cases[i].status)
			test_fail(__FILE__, __LINE__, "case %zu: %" PRIu32, i, status);
		buf_done(&list);
	}
	cluster_free(c);
}

TEST(a_property_list_that_is_none_is_refused_when_it_is_applied)
{
	struct cluster *c = begin();

	CHECK_INT(apply(c, (struct command){ .kind = COMMAND_PROPERTIES_SET,
			       .properties_set = { OBJECT_NODE, u"1", false, (const uint8_t *)"\1\0\0\0", 4, TIME } }),
	    13);
	cluster_free(c);
}

/* The seed. */

static uint32_t apply_key(struct cluster *c, uint8_t replaces, uint8_t id, uint32_t len)
{
	uint8_t sealed[CLUSTER_KEY_MAX + 1] = { 0 };
	struct command command = { .kind = COMMAND_CLUSTER_KEY };
	struct cluster_result result = { 0 };
	uint32_t status;

	memset(sealed + 8, id, 16);
	command.cluster_key.sealed = sealed;
	command.cluster_key.sealed_size = len;
	memset(command.cluster_key.replaces, replaces, 16);
	status = apply_result(c, command, &result);
	CHECK(result.key_changed == (status == 0));
	cluster_result_done(&result);
	return status;
}

TEST(nodes_whose_sealed_keys_differ_have_different_digests)
{
	struct cluster *a = begin(), *b = begin();
	uint8_t sealed[100] = { 0 };
	struct digest x, y;

	cluster_set_key(a, sealed, sizeof(sealed));
	sealed[99] = 1;
	cluster_set_key(b, sealed, sizeof(sealed));
	CHECK_INT(cluster_runtime_digest(a, &x), 0);
	CHECK_INT(cluster_runtime_digest(b, &y), 0);
	CHECK(!digest_equal(&x, &y));
	cluster_set_key(a, sealed, sizeof(sealed));
	CHECK_INT(cluster_runtime_digest(a, &x), 0);
	CHECK(digest_equal(&x, &y));
	cluster_free(a);
	cluster_free(b);
}

TEST(a_sealed_key_replaces_the_one_that_its_maker_saw_and_no_other)
{
	struct cluster *c = begin();
	size_t len;

	CHECK(cluster_key(c, &len) != NULL && len == 0);
	CHECK_INT(apply_key(c, 0, 7, 23), 87); /* Too short for what is in it. */
	CHECK_INT(apply_key(c, 0, 7, CLUSTER_KEY_MAX + 1), 87);
	CHECK_INT(apply_key(c, 9, 7, 100), 5986); /* There is none. */
	CHECK_INT(apply_key(c, 0, 7, 100), 0);
	CHECK_INT(apply_key(c, 0, 8, 100), 5986); /* Another maker saw none either. */
	CHECK(cluster_key(c, &len)[8] == 7 && len == 100);
	CHECK_INT(apply_key(c, 7, 7, 200), 0);
	CHECK(cluster_key(c, &len)[8] == 7 && len == 200);
	cluster_set_key(c, (const uint8_t[]){ 0 }, 0);
	CHECK_INT(apply_key(c, 0, 8, 24), 0);
	cluster_free(c);
}

TEST(a_new_cluster_has_the_least_that_is_honest)
{
	struct cluster *c = begin();
	const struct db_key *root = db_root(cluster_db(c)), *quorum = db_find(root, U16("Quorum"));
	struct db *again;

	CHECK(u16_equal_exact(object_string(root, U16("ClusterName")), U16("CLU")));
	CHECK(u16_equal_exact(
	    object_string(root, U16("ClusterInstanceID")), U16("11111111-1111-1111-1111-111111111111")));
	CHECK_INT(object_count(root, OBJECT_NODE), 1);
	CHECK_INT(object_count(root, OBJECT_GROUP), 2);
	CHECK_INT(object_count(root, OBJECT_RESOURCE), 1);
	CHECK_INT(object_count(root, OBJECT_NETWORK), 0);
	CHECK(u16_equal_exact(object_name(object_by_id(root, OBJECT_NODE, U16("1")), OBJECT_NODE), U16("node1")));
	CHECK(u16_equal_exact(object_string(quorum, U16("Path")), U16("Q:\\")));
	CHECK(object_by_id(root, OBJECT_RESOURCE, object_string(quorum, U16("Resource"))) != NULL);
	CHECK(object_group_of(root, object_string(quorum, U16("Resource"))) ==
	      object_find(root, OBJECT_GROUP, U16("Cluster Group")));
	CHECK_INT(cluster_seed_database(seed_of_test(), &again), 0);
	CHECK(digest_equal((struct digest[]){ db_digest(again) }, (struct digest[]){ db_digest(cluster_db(c)) }));
	db_free(again);
	cluster_free(c);
}

TEST(a_seed_with_a_bad_name_makes_no_cluster)
{
	struct cluster_seed seed = *seed_of_test();
	struct db *db = NULL;

	seed.cluster_name = U16("a b");
	CHECK_INT(cluster_seed_database(&seed, &db), ERR_INVALID_NAME);
	seed.cluster_name = U16("CLU");
	seed.node_name = U16("");
	CHECK_INT(cluster_seed_database(&seed, &db), ERR_INVALID_NAME);
	CHECK(db == NULL);
}

TEST(a_seed_without_memory_leaves_nothing_behind)
{
	FAIL_EACH_ALLOCATION
	{
		struct db *db = NULL;
		int r = cluster_seed_database(seed_of_test(), &db);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		db_free(db);
	}
}
