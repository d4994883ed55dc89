/* Objects: every rule between them with its error, nothing half done, and databases in which anybody wrote anything.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/change.h"
#include "cluster/group/relate.h"
#include "cluster/object/edit.h"
#include "cluster/runtime.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"

enum { TIME = 700, REG_SZ = 1, REG_BINARY = 3, REG_DWORD = 4, REG_MULTI_SZ = 7 };

/* The objects of the sample: groups A and B, resource R (the quorum resource) and S in A, nodes 1 and 2. */
#define GROUP_A U16("11111111-1111-1111-1111-111111111111")
#define GROUP_B U16("22222222-2222-2222-2222-222222222222")
#define RESOURCE_R U16("33333333-3333-3333-3333-333333333333")
#define RESOURCE_S U16("44444444-4444-4444-4444-444444444444")
#define NETWORK U16("55555555-5555-5555-5555-555555555555")
#define INTERFACE U16("66666666-6666-6666-6666-666666666666")
#define UNKNOWN U16("99999999-9999-9999-9999-999999999999")

static struct guid guid_of(uint8_t digit)
{
	struct guid g;

	memset(g.bytes, digit * 0x11, sizeof(g.bytes));
	return g;
}

static bool same(const struct db *a, const struct db *b)
{
	return digest_equal((struct digest[]){ db_digest(a) }, (struct digest[]){ db_digest(b) });
}

/* One edit: a refusal changes nothing and gives no batch; what was done can be repeated on a copy by its batch. */
enum edit_kind { CREATE, DELETE, RENAME, MOVE, CLUSTER_RENAME };

struct edit {
	enum edit_kind edit;
	enum object_kind kind;
	struct u16 a, b; /* id or name; the new name or group. */
	uint32_t flags;
	struct object_creation o;
};

static int edit_raw(struct db *db, const struct edit *e, struct buf *batch)
{
	switch (e->edit) {
	case CREATE:
		return object_create(db, &e->o, batch);
	case DELETE:
		return object_delete(db, e->kind, e->a, e->flags, TIME, batch);
	case RENAME:
		return object_rename(db, e->kind, e->a, e->b, TIME, batch);
	case MOVE:
		return group_move_resource(db, &(struct runtime){ 0 }, e->a, e->b, TIME, batch);
	case CLUSTER_RENAME:
		return cluster_rename(db, e->a, TIME, batch);
	}
	return 0;
}

static int edit(struct db *db, struct edit e)
{
	struct db *copy = db_again(db_root(db));
	struct buf batch = { 0 };
	int r;

	e.o.time = TIME;
	r = edit_raw(db, &e, &batch);
	if (r < 0)
		CHECK_INT(batch.len, 0);
	else if (batch.len > 0)
		CHECK_INT(db_batch_apply(copy, batch.data, batch.len, NULL), 0);
	CHECK(same(db, copy));
	CHECK(digest_equal((struct digest[]){ db_digest(db) }, (struct digest[]){ db_digest_recomputed(db_root(db)) }));
	buf_done(&batch);
	db_free(copy);
	return r;
}

static struct edit create(enum object_kind kind, struct u16 name, uint8_t id)
{
	return (struct edit){ .edit = CREATE, .o = { .kind = kind, .name = name, .id = guid_of(id) } };
}

static struct edit create_resource(struct u16 name, uint8_t id, uint8_t group, struct u16 type)
{
	struct edit e = create(OBJECT_RESOURCE, name, id);

	e.o.group_id = guid_of(group);
	e.o.type_name = type;
	return e;
}

static int delete (struct db *db, enum object_kind kind, struct u16 id, uint32_t flags)
{
	return edit(db, (struct edit){ .edit = DELETE, .kind = kind, .a = id, .flags = flags });
}

static int renamed(struct db *db, enum object_kind kind, struct u16 id, struct u16 name)
{
	return edit(db, (struct edit){ .edit = RENAME, .kind = kind, .a = id, .b = name });
}

static int move(struct db *db, struct u16 resource, struct u16 group)
{
	return edit(db, (struct edit){ .edit = MOVE, .a = resource, .b = group });
}

static void set_bytes(struct db *db, struct u16 path, struct u16 name, uint32_t type, const void *bytes, size_t len)
{
	CHECK_INT(db_value_set(db, path, &(struct db_value){ name, type, bytes, len }, TIME), 0);
}

static void set_text(struct db *db, struct u16 path, struct u16 name, uint32_t type, struct u16 text)
{
	set_bytes(db, path, name, type, text.units, text.len * sizeof(char16_t));
}

static struct db *sample(void)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	CHECK_INT(edit(db, create(OBJECT_TYPE, U16("Type"), 0)), 0);
	CHECK_INT(edit(db, create(OBJECT_TYPE, U16("Unused"), 0)), 0);
	CHECK_INT(edit(db, create(OBJECT_NODE, U16("one"), 0)), 0);
	CHECK_INT(edit(db, create(OBJECT_NODE, U16("two"), 0)), 0);
	CHECK_INT(edit(db, create(OBJECT_GROUP, U16("Group A"), 1)), 0);
	CHECK_INT(edit(db, create(OBJECT_GROUP, U16("Group B"), 2)), 0);
	CHECK_INT(edit(db, create_resource(U16("Resource R"), 3, 1, U16("Type"))), 0);
	CHECK_INT(edit(db, create_resource(U16("Resource S"), 4, 1, U16("tYPE"))), 0);
	CHECK_INT(edit(db, create(OBJECT_NETWORK, U16("Net"), 5)), 0);
	CHECK_INT(edit(db, create(OBJECT_INTERFACE, U16("Card"), 6)), 0);
	CHECK_INT(db_key_create(db, U16("Quorum"), TIME, NULL), 0);
	set_text(db, U16("Quorum"), U16("Resource"), REG_SZ, RESOURCE_R);
	return db;
}

static size_t list_length(const struct db *db, struct u16 group)
{
	const struct db_key *key = object_by_id(db_root(db), OBJECT_GROUP, group);
	size_t at = 0, count = 0;
	struct u16 item;

	while (object_list_next(key, U16("Contains"), &at, &item))
		count++;
	return count;
}

TEST(what_is_created_is_there_by_id_and_by_name_in_any_case)
{
	static const struct {
		enum object_kind kind;
		struct u16 id, name;
		size_t count;
	} t[] = {
		{ OBJECT_NODE, U16("1"), U16("ONE"), 2 },
		{ OBJECT_NODE, U16("2"), U16("Two"), 2 },
		{ OBJECT_GROUP, GROUP_A, U16("group a"), 2 },
		{ OBJECT_RESOURCE, RESOURCE_S, U16("rESOURCE s"), 2 },
		{ OBJECT_TYPE, U16("Type"), U16("TYPE"), 2 },
		{ OBJECT_NETWORK, NETWORK, U16("NET"), 1 },
		{ OBJECT_INTERFACE, INTERFACE, U16("CARD"), 1 },
	};
	struct db *db = sample();
	const struct db_key *root = db_root(db), *r = object_by_id(root, OBJECT_RESOURCE, RESOURCE_R);
	uint32_t number;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct db_key *object = object_by_id(root, t[i].kind, t[i].id);

		CHECK(object != NULL);
		CHECK(object_find(root, t[i].kind, t[i].name) == object);
		CHECK(object_find(root, t[i].kind, t[i].id) == object);
		CHECK(u16_equal(object_name(object, t[i].kind), t[i].name));
		CHECK(u16_equal_exact(object_id(object), t[i].id));
		CHECK_INT(object_count(root, t[i].kind), t[i].count);
	}
	CHECK(object_group_of(root, RESOURCE_S) == object_by_id(root, OBJECT_GROUP, GROUP_A));
	CHECK(u16_equal_exact(object_type_of(r), U16("Type")));
	CHECK(object_number(r, U16("SeparateMonitor"), &number) && number == 0);
	CHECK(db_find(r, U16("Parameters")) != NULL);
	CHECK_INT(list_length(db, GROUP_A), 2);
	CHECK_INT(list_length(db, GROUP_B), 0);
	db_free(db);
}

TEST(what_is_created_has_the_values_that_were_asked_for)
{
	struct db *db = sample();
	struct edit type = create(OBJECT_TYPE, U16("New"), 0), group = create(OBJECT_GROUP, U16("Typed"), 7),
		    resource = create_resource(U16("Apart"), 8, 2, U16("New"));
	const struct db_key *key;
	uint32_t number;

	type.o.type_name = U16("library");
	type.o.display_name = U16("Shown");
	type.o.looks_alive_ms = 11;
	type.o.is_alive_ms = 12;
	group.o.flags = 9;
	resource.o.flags = 1;
	CHECK_INT(edit(db, type), 0);
	CHECK_INT(edit(db, group), 0);
	CHECK_INT(edit(db, resource), 0);
	key = object_by_id(db_root(db), OBJECT_TYPE, U16("New"));
	CHECK(u16_equal_exact(object_string(key, U16("Name")), U16("Shown")));
	CHECK(u16_equal_exact(object_string(key, U16("DllName")), U16("library")));
	CHECK(object_number(key, U16("LooksAlivePollInterval"), &number) && number == 11);
	CHECK(object_number(key, U16("IsAlivePollInterval"), &number) && number == 12);
	key = object_find(db_root(db), OBJECT_GROUP, U16("Typed"));
	CHECK(object_number(key, U16("GroupType"), &number) && number == 9);
	key = object_find(db_root(db), OBJECT_RESOURCE, U16("Apart"));
	CHECK(object_number(key, U16("SeparateMonitor"), &number) && number == 1);
	key = object_by_id(db_root(db), OBJECT_TYPE, U16("Type"));
	CHECK(u16_equal_exact(object_string(key, U16("Name")), U16("Type")));
	db_free(db);
}

TEST(a_creation_against_a_rule_is_refused_with_its_error)
{
	static char16_t longest[OBJECT_NAME_MAX + 1];
	struct u16 too_long = { longest, OBJECT_NAME_MAX + 1 }, long_enough = { longest, OBJECT_NAME_MAX };
	struct db *db = sample();

	for (size_t i = 0; i < ARRAY_SIZE(longest); i++)
		longest[i] = 'x';
	for (enum object_kind kind = OBJECT_NODE; kind <= OBJECT_INTERFACE; kind++) {
		CHECK_INT(edit(db, create(kind, U16(""), 7)), ERR_INVALID_NAME);
		CHECK_INT(edit(db, create(kind, U16("a\tb"), 7)), ERR_INVALID_NAME);
		CHECK_INT(edit(db, create(kind, too_long, 7)), ERR_FILENAME_EXCED_RANGE);
	}
	{
		const struct {
			struct edit edit;
			int error;
		} t[] = {
			{ create(OBJECT_NODE, U16("a\\b"), 0), ERR_INVALID_NAME },
			{ create(OBJECT_TYPE, U16("a\\b"), 0), ERR_INVALID_NAME },
			{ create(OBJECT_NODE, U16("ONE"), 0), ERR_CLUSTER_NODE_EXISTS },
			{ create(OBJECT_NODE, U16("2"), 0), ERR_CLUSTER_NODE_EXISTS }, /* An id. */
			{ create(OBJECT_TYPE, U16("TYPE"), 0), ERR_ALREADY_EXISTS },
			{ create(OBJECT_GROUP, U16("group A"), 7), ERR_OBJECT_ALREADY_EXISTS },
			{ create(OBJECT_GROUP, GROUP_B, 7), ERR_OBJECT_ALREADY_EXISTS },
			{ create(OBJECT_GROUP, U16("New"), 1), ERR_OBJECT_ALREADY_EXISTS },
			{ create_resource(U16("resource s"), 7, 1, U16("Type")), ERR_OBJECT_ALREADY_EXISTS },
			{ create_resource(RESOURCE_R, 7, 1, U16("Type")), ERR_OBJECT_ALREADY_EXISTS },
			{ create_resource(U16("New"), 3, 1, U16("Type")), ERR_OBJECT_ALREADY_EXISTS },
			{ create_resource(U16("New"), 7, 9, U16("Type")), ERR_GROUP_NOT_AVAILABLE },
			{ create_resource(U16("New"), 7, 1, U16("None")), ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND },
			{ create_resource(U16("New"), 7, 1, U16("")), ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND },
			{ create_resource(U16("New"), 7, 1, U16("Type\\Parameters")),
			    ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND },
			{ create(OBJECT_NETWORK, U16("nET"), 7), ERR_OBJECT_ALREADY_EXISTS },
			{ create(OBJECT_INTERFACE, U16("cARD"), 7), ERR_OBJECT_ALREADY_EXISTS },
		};

		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			CHECK_INT(edit(db, t[i].edit), t[i].error);
	}
	/* Names are unique within a kind only; a backslash is a letter where the name is not the id. */
	CHECK_INT(edit(db, create(OBJECT_GROUP, U16("Net"), 7)), 0);
	CHECK_INT(edit(db, create(OBJECT_GROUP, U16("a\\b"), 8)), 0);
	CHECK_INT(edit(db, create(OBJECT_TYPE, long_enough, 0)), 0);
	CHECK_INT(edit(db, create(OBJECT_NODE, long_enough, 0)), 0);
	db_free(db);
}

TEST(a_node_gets_the_lowest_number_that_is_free)
{
	struct db *db = sample();

	CHECK_INT(delete (db, OBJECT_NODE, U16("1"), 0), 0);
	CHECK_INT(edit(db, create(OBJECT_NODE, U16("three"), 0)), 0);
	CHECK_INT(edit(db, create(OBJECT_NODE, U16("four"), 0)), 0);
	CHECK(u16_equal(object_id(object_find(db_root(db), OBJECT_NODE, U16("three"))), U16("1")));
	CHECK(u16_equal(object_id(object_find(db_root(db), OBJECT_NODE, U16("four"))), U16("3")));
	db_free(db);
}

TEST(a_number_that_is_a_nodes_name_is_no_other_nodes_id)
{
	struct db *db = sample();

	CHECK_INT(edit(db, create(OBJECT_NODE, U16("4"), 0)), 0);
	CHECK_INT(edit(db, create(OBJECT_NODE, U16("next"), 0)), 0);
	CHECK(u16_equal(object_id(object_find(db_root(db), OBJECT_NODE, U16("4"))), U16("3")));
	CHECK(u16_equal(object_id(object_find(db_root(db), OBJECT_NODE, U16("next"))), U16("5")));
	db_free(db);
}

TEST(a_deletion_against_a_rule_is_refused_with_its_error)
{
	static const struct {
		enum object_kind kind;
		struct u16 id;
		uint32_t flags;
		int error;
	} t[] = {
		{ OBJECT_NODE, U16("9"), 0, ERR_CLUSTER_NODE_NOT_FOUND },
		{ OBJECT_NODE, U16("one"), 0, ERR_CLUSTER_NODE_NOT_FOUND }, /* By id only. */
		{ OBJECT_GROUP, UNKNOWN, 0, ERR_GROUP_NOT_FOUND },
		{ OBJECT_RESOURCE, UNKNOWN, 0, ERR_RESOURCE_NOT_FOUND },
		{ OBJECT_RESOURCE, U16(""), 0, ERR_RESOURCE_NOT_FOUND },
		{ OBJECT_TYPE, U16("None"), 0, ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND },
		{ OBJECT_TYPE, U16("Unused\\Parameters"), 0, ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND },
		{ OBJECT_NETWORK, UNKNOWN, 0, ERR_CLUSTER_NETWORK_NOT_FOUND },
		{ OBJECT_INTERFACE, UNKNOWN, 0, ERR_CLUSTER_NETINTERFACE_NOT_FOUND },
		{ OBJECT_GROUP, GROUP_A, 0, ERR_CORE_RESOURCE },
		{ OBJECT_GROUP, GROUP_A, OBJECT_DELETE_FORCE, ERR_CORE_RESOURCE },
		{ OBJECT_RESOURCE, RESOURCE_R, 0, ERR_QUORUM_RESOURCE },
		{ OBJECT_RESOURCE, RESOURCE_R, OBJECT_DELETE_FORCE, ERR_QUORUM_RESOURCE },
		{ OBJECT_TYPE, U16("TYPE"), 0, ERR_DIR_NOT_EMPTY },
		{ OBJECT_TYPE, U16("Type"), OBJECT_DELETE_FORCE, ERR_DIR_NOT_EMPTY },
	};
	struct db *db = sample();

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		CHECK_INT(delete (db, t[i].kind, t[i].id, t[i].flags), t[i].error);
	CHECK_INT(delete (db, OBJECT_NODE, U16("2"), 0), 0);
	CHECK_INT(delete (db, OBJECT_NODE, U16("1"), 0), ERR_CANT_EVICT_ACTIVE_NODE);
	CHECK_INT(delete (db, OBJECT_TYPE, U16("uNUSED"), 0), 0);
	CHECK_INT(delete (db, OBJECT_NETWORK, NETWORK, 0), 0);
	CHECK_INT(delete (db, OBJECT_INTERFACE, INTERFACE, 0), 0);
	CHECK_INT(delete (db, OBJECT_RESOURCE, RESOURCE_S, 0), 0);
	CHECK_INT(list_length(db, GROUP_A), 1); /* It has left its group. */
	CHECK_INT(delete (db, OBJECT_RESOURCE, RESOURCE_S, 0), ERR_RESOURCE_NOT_FOUND);
	CHECK_INT(delete (db, OBJECT_GROUP, GROUP_B, 0), 0);
	db_free(db);
}

TEST(a_group_with_resources_goes_only_by_force_and_with_them)
{
	struct db *db = sample();

	CHECK_INT(move(db, RESOURCE_S, GROUP_B), 0);
	CHECK_INT(delete (db, OBJECT_GROUP, GROUP_B, 0), ERR_DIR_NOT_EMPTY);
	CHECK_INT(delete (db, OBJECT_GROUP, GROUP_B, OBJECT_DELETE_FORCE), 0);
	CHECK(object_by_id(db_root(db), OBJECT_GROUP, GROUP_B) == NULL);
	CHECK(object_by_id(db_root(db), OBJECT_RESOURCE, RESOURCE_S) == NULL);
	CHECK(object_by_id(db_root(db), OBJECT_RESOURCE, RESOURCE_R) != NULL);
	db_free(db);
}

TEST(a_name_is_given_within_the_rules)
{
	static const struct {
		enum object_kind kind;
		struct u16 id, name;
		int error;
	} t[] = {
		{ OBJECT_GROUP, UNKNOWN, U16("x"), ERR_GROUP_NOT_FOUND },
		{ OBJECT_RESOURCE, UNKNOWN, U16("x"), ERR_RESOURCE_NOT_FOUND },
		{ OBJECT_NODE, U16("9"), U16("x"), ERR_CLUSTER_NODE_NOT_FOUND },
		{ OBJECT_NODE, U16("1"), U16("x"), ERR_INVALID_PARAMETER },
		{ OBJECT_TYPE, U16("Type"), U16("x"), ERR_INVALID_PARAMETER },
		{ OBJECT_GROUP, GROUP_A, U16(""), ERR_INVALID_NAME },
		{ OBJECT_GROUP, GROUP_A, U16("a\nb"), ERR_INVALID_NAME },
		{ OBJECT_GROUP, GROUP_A, U16("GROUP B"), ERR_ALREADY_EXISTS },
		{ OBJECT_GROUP, GROUP_A, GROUP_B, ERR_ALREADY_EXISTS },
		{ OBJECT_GROUP, GROUP_A, U16("group a"), 0 }, /* Its own, in another case. */
		{ OBJECT_GROUP, GROUP_A, GROUP_A, 0 },
		{ OBJECT_GROUP, GROUP_A, U16("Resource R"), 0 }, /* Of another kind. */
		{ OBJECT_GROUP, GROUP_B, U16("Group A"), 0 },    /* Free again. */
		{ OBJECT_RESOURCE, RESOURCE_R, U16("resource S"), ERR_ALREADY_EXISTS },
		{ OBJECT_RESOURCE, RESOURCE_R, U16("a\\b"), 0 },
		{ OBJECT_NETWORK, NETWORK, U16("Other"), 0 },
		{ OBJECT_INTERFACE, INTERFACE, U16("Other"), 0 },
	};
	struct db *db = sample();

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		CHECK_INT(renamed(db, t[i].kind, t[i].id, t[i].name), t[i].error);
		if (t[i].error == 0)
			CHECK(u16_equal_exact(
			    object_name(object_by_id(db_root(db), t[i].kind, t[i].id), t[i].kind), t[i].name));
	}
	db_free(db);
}

TEST(a_resource_is_in_one_group_wherever_it_moves)
{
	struct db *db = sample(), *before;

	CHECK_INT(move(db, UNKNOWN, GROUP_B), ERR_RESOURCE_NOT_FOUND);
	CHECK_INT(move(db, RESOURCE_S, UNKNOWN), ERR_GROUP_NOT_FOUND);
	before = db_again(db_root(db));
	CHECK_INT(move(db, RESOURCE_S, GROUP_A), 0);
	CHECK(same(db, before)); /* Where it is already. */
	db_free(before);
	CHECK_INT(move(db, RESOURCE_S, GROUP_B), 0);
	CHECK(object_group_of(db_root(db), RESOURCE_S) == object_by_id(db_root(db), OBJECT_GROUP, GROUP_B));
	CHECK_INT(list_length(db, GROUP_A), 1);
	CHECK_INT(list_length(db, GROUP_B), 1);
	/* One that is in no group gets one. */
	CHECK_INT(db_value_delete(db, U16("Groups\\22222222-2222-2222-2222-222222222222"), U16("Contains"), TIME), 0);
	CHECK_INT(move(db, RESOURCE_S, GROUP_A), 0);
	CHECK_INT(list_length(db, GROUP_A), 2);
	db_free(db);
}

TEST(a_clusters_name_is_one_dns_label)
{
	static const struct u16 bad[] = { U16(" a"), U16("a b"), U16("a\tb"), U16("a\\b"), U16("a/b"), U16("a:b"),
		U16("a*b"), U16("a?b"), U16("a\"b"), U16("a<b"), U16("a>b"), U16("a|b"), U16("a,b") };
	char16_t units[64];
	struct db *db = sample();

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		units[i] = 'n';
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(edit(db, (struct edit){ .edit = CLUSTER_RENAME, .a = bad[i] }), ERR_INVALID_NAME);
	CHECK_INT(edit(db, (struct edit){ .edit = CLUSTER_RENAME }), ERR_INVALID_NAME);
	CHECK_INT(edit(db, (struct edit){ .edit = CLUSTER_RENAME, .a = { units, 64 } }), ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(edit(db, (struct edit){ .edit = CLUSTER_RENAME, .a = { units, 63 } }), 0);
	CHECK(u16_equal_exact(object_string(db_root(db), U16("ClusterName")), (struct u16){ units, 63 }));
	db_free(db);
}

TEST(an_edit_without_memory_changes_nothing)
{
	struct edit edits[] = {
		create_resource(U16("New"), 7, 1, U16("Type")),
		{ .edit = DELETE, .kind = OBJECT_RESOURCE, .a = RESOURCE_S },
		{ .edit = RENAME, .kind = OBJECT_GROUP, .a = GROUP_A, .b = U16("New") },
		{ .edit = MOVE, .a = RESOURCE_S, .b = GROUP_B },
		{ .edit = CLUSTER_RENAME, .a = U16("New") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		struct db *db = sample();
		struct db_snapshot *before = db_snapshot_take(db);
		struct digest digest = db_digest(db);

		FAIL_EACH_ALLOCATION
		{
			struct buf batch = { 0 };
			int r = edit_raw(db, &edits[i], &batch);

			CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
			CHECK((r == 0) == (batch.len > 0));
			CHECK((r < 0) == digest_equal(&digest, (struct digest[]){ db_digest(db) }));
			db_put_back(db, before);
			buf_done(&batch);
		}
		db_snapshot_unref(before);
		db_free(db);
	}
}

/* Hostile databases: an administrator may write anything anywhere. */

#define PATH_A U16("Groups\\11111111-1111-1111-1111-111111111111")
#define PATH_B U16("Groups\\22222222-2222-2222-2222-222222222222")
#define PATH_S U16("Resources\\44444444-4444-4444-4444-444444444444")

TEST(a_string_of_the_wrong_type_or_an_odd_size_is_read_as_far_as_it_goes)
{
	struct db *db = sample();
	struct u16 s;

	set_text(db, PATH_A, U16("Name"), REG_BINARY, U16("binary"));
	CHECK_INT(object_string(db_find(db_root(db), PATH_A), U16("Name")).len, 0);
	set_bytes(db, PATH_A, U16("Name"), REG_SZ, "a\0b\0c", 5);
	s = object_string(db_find(db_root(db), PATH_A), U16("Name"));
	CHECK(u16_equal_exact(s, U16("ab")));
	set_bytes(db, PATH_A, U16("Name"), REG_SZ, "a", 1);
	CHECK_INT(object_string(db_find(db_root(db), PATH_A), U16("Name")).len, 0);
	set_bytes(db, PATH_A, U16("Name"), REG_SZ, NULL, 0);
	CHECK_INT(object_string(db_find(db_root(db), PATH_A), U16("Name")).len, 0);
	set_text(db, PATH_A, U16("Name"), REG_SZ, U16("one\0two\0"));
	CHECK(u16_equal_exact(object_string(db_find(db_root(db), PATH_A), U16("Name")), U16("one")));
	db_free(db);
}

TEST(a_number_of_the_wrong_type_or_size_is_none)
{
	struct db *db = sample();
	uint32_t number = 77;

	for (size_t len = 0; len <= 8; len++) {
		set_bytes(db, PATH_A, U16("N"), REG_DWORD, "\1\0\0\0\0\0\0\0", len);
		CHECK(object_number(db_find(db_root(db), PATH_A), U16("N"), &number) == (len == 4));
		CHECK_INT(number, len < 4 ? 77 : 1);
	}
	set_bytes(db, PATH_A, U16("N"), REG_BINARY, "\2\0\0\0", 4);
	CHECK(!object_number(db_find(db_root(db), PATH_A), U16("N"), &number));
	CHECK(!object_number(db_find(db_root(db), PATH_A), U16("None"), &number));
	db_free(db);
}

TEST(a_list_ends_at_an_empty_item_or_with_its_data)
{
	static const struct {
		struct u16 data;
		size_t count;
	} t[] = {
		{ U16(""), 0 },
		{ U16("\0"), 0 },
		{ U16("a"), 1 },
		{ U16("a\0"), 1 },
		{ U16("a\0\0"), 1 },
		{ U16("a\0b"), 2 },
		{ U16("a\0b\0\0c\0\0"), 2 },
		{ U16("\0a\0\0"), 0 },
	};
	struct db *db = sample();

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		set_text(db, PATH_B, U16("Contains"), REG_MULTI_SZ, t[i].data);
		CHECK_INT(list_length(db, GROUP_B), t[i].count);
	}
	set_bytes(db, PATH_B, U16("Contains"), REG_MULTI_SZ, "a\0\0\0b\0c", 7);
	CHECK_INT(list_length(db, GROUP_B), 2);
	set_text(db, PATH_B, U16("Contains"), REG_SZ, U16("a\0\0"));
	CHECK_INT(list_length(db, GROUP_B), 0);
	db_free(db);
}

/* A nameless object is not what an empty name means. */
TEST(an_empty_name_finds_nothing)
{
	struct db *db = sample();

	set_bytes(db, PATH_A, U16("Name"), REG_DWORD, "\1\0\0\0", 4);
	for (enum object_kind kind = OBJECT_NODE; kind <= OBJECT_INTERFACE; kind++)
		CHECK(object_find(db_root(db), kind, U16("")) == NULL);
	CHECK(object_find(db_root(db), OBJECT_GROUP, GROUP_A) != NULL);
	db_free(db);
}

TEST(an_id_that_leads_elsewhere_is_none)
{
	struct db *db = sample();

	CHECK(object_by_id(db_root(db), OBJECT_TYPE, U16("Type\\Parameters")) == NULL);
	CHECK(object_find(db_root(db), OBJECT_TYPE, U16("Type\\Parameters")) == NULL);
	CHECK(object_by_id(db_root(db), OBJECT_TYPE, U16("")) == NULL);
	CHECK(object_by_id(db_root(db), OBJECT_TYPE, U16("\\")) == NULL);
	CHECK(object_by_id(db_root(db), OBJECT_TYPE, U16("No\0ne")) == NULL);
	db_free(db);
}

TEST(a_database_without_its_containers_is_empty_and_can_be_filled)
{
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	for (enum object_kind kind = OBJECT_NODE; kind <= OBJECT_INTERFACE; kind++) {
		CHECK_INT(object_count(db_root(db), kind), 0);
		CHECK(object_find(db_root(db), kind, U16("1")) == NULL);
		CHECK_INT(delete (db, kind, U16("1"), 0), object_not_found(kind));
		CHECK_INT(renamed(db, kind, U16("1"), U16("x")), object_not_found(kind));
	}
	CHECK(object_group_of(db_root(db), RESOURCE_S) == NULL);
	CHECK_INT(edit(db, create(OBJECT_GROUP, U16("g"), 1)), 0);
	/* Without the Quorum key, or with one of nonsense, no resource is special. */
	CHECK_INT(edit(db, create(OBJECT_TYPE, U16("Type"), 0)), 0);
	CHECK_INT(edit(db, create_resource(U16("r"), 3, 1, U16("Type"))), 0);
	CHECK_INT(delete (db, OBJECT_RESOURCE, RESOURCE_R, 0), 0);
	db_free(db);
}

TEST(a_group_goes_by_force_whatever_its_list_says)
{
	static const struct u16 lists[] = {
		U16("44444444-4444-4444-4444-444444444444\00044444444-4444-4444-4444-444444444444\0\0"),
		U16("none\0a\\b\0"
		    "44444444-4444-4444-4444-444444444444"),
		U16("\0"),
		U16("none"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct db *db = sample();

		set_text(db, PATH_B, U16("Contains"), REG_MULTI_SZ, lists[i]);
		CHECK_INT(delete (db, OBJECT_GROUP, GROUP_B, OBJECT_DELETE_FORCE), 0);
		CHECK((object_by_id(db_root(db), OBJECT_RESOURCE, RESOURCE_S) == NULL) == (i < 2));
		CHECK(object_by_id(db_root(db), OBJECT_RESOURCE, RESOURCE_R) != NULL);
		db_free(db);
	}
}

TEST(a_resource_whose_values_are_nonsense_can_be_moved_and_deleted)
{
	struct db *db = sample();

	set_bytes(db, PATH_S, U16("Type"), REG_DWORD, "\1\0\0\0", 4);
	set_bytes(db, PATH_A, U16("Contains"), REG_BINARY, "\1\2\3", 3);
	set_bytes(db, PATH_B, U16("Contains"), REG_SZ, "\1\2\3", 3);
	CHECK_INT(move(db, RESOURCE_S, GROUP_B), 0);
	CHECK_INT(list_length(db, GROUP_B), 1);
	CHECK_INT(delete (db, OBJECT_RESOURCE, RESOURCE_S, 0), 0);
	CHECK_INT(list_length(db, GROUP_B), 0);
	CHECK_INT(delete (db, OBJECT_TYPE, U16("Unused"), 0), 0);
	db_free(db);
}

/* The list is at its limit: one more makes a value that the database refuses, and nothing of the resource stays. */
TEST(a_value_beyond_the_limit_is_refused_as_a_whole)
{
	enum { UNITS = DB_VALUE_MAX / sizeof(char16_t) };
	char16_t *units = calloc(UNITS + 1, sizeof(*units));
	struct edit type = create(OBJECT_TYPE, U16("Long"), 0);
	struct db *db = sample();

	CHECK(units != NULL);
	for (size_t i = 0; i < UNITS + 1; i++)
		units[i] = 'x';
	set_text(db, PATH_B, U16("Contains"), REG_MULTI_SZ, (struct u16){ units, UNITS });
	CHECK_INT(edit(db, create_resource(U16("New"), 7, 2, U16("Type"))), ERR_INVALID_PARAMETER);
	CHECK_INT(move(db, RESOURCE_S, GROUP_B), ERR_INVALID_PARAMETER);
	CHECK(object_group_of(db_root(db), RESOURCE_S) == db_find(db_root(db), PATH_A));
	type.o.display_name = (struct u16){ units, UNITS };
	CHECK_INT(edit(db, type), ERR_INVALID_PARAMETER);
	free(units);
	db_free(db);
}

TEST(a_change_with_a_component_that_is_too_long_changes_nothing)
{
	char16_t units[DB_KEY_NAME_MAX + 1];
	struct u16 too_long = { units, ARRAY_SIZE(units) };
	struct db *db = sample();
	struct digest before = db_digest(db);
	struct buf batch = { 0 };
	struct change c;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		units[i] = 'x';
	CHECK_INT(change_begin(&c, db, TIME, &batch), 0);
	change_create_key(&c, CHANGE_PATH(U16("Made")));
	CHECK(db_find(db_root(db), U16("Made")) != NULL);
	change_create_key(&c, CHANGE_PATH(U16("Made"), too_long));
	change_set_number(&c, CHANGE_PATH(U16("Made")), U16("later"), 1);
	change_list_add(&c, CHANGE_PATH(U16("None")), U16("list"), U16("x"));
	CHECK_INT(change_end(&c), ERR_FILENAME_EXCED_RANGE); /* The first error. */
	CHECK_INT(batch.len, 0);
	CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	CHECK_INT(change_begin(&c, db, TIME, &batch), 0);
	change_list_add(&c, CHANGE_PATH(U16("None")), U16("list"), U16("x"));
	CHECK_INT(change_end(&c), ERR_FILE_NOT_FOUND);
	CHECK(digest_equal(&before, (struct digest[]){ db_digest(db) }));
	db_free(db);
}
