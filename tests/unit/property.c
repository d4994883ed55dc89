/* Properties: what is listed, what may be set, what it comes to in the database, and databases in which anybody wrote
 * anything.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/property.h"
#include "cluster/db/batch.h"
#include "cluster/object/edit.h"
#include "cluster/object/type.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"
#include "wire/proplist.h"

enum { BEFORE = 500, TIME = 700 };

#define GROUP U16("11111111-1111-1111-1111-111111111111")
#define OTHER U16("22222222-2222-2222-2222-222222222222")
#define RESOURCE U16("33333333-3333-3333-3333-333333333333")
#define NETWORK U16("55555555-5555-5555-5555-555555555555")
#define INTERFACE U16("66666666-6666-6666-6666-666666666666")
#define NONE                                                                                                           \
	(struct u16)                                                                                                   \
	{                                                                                                              \
		0                                                                                                      \
	}

static const struct {
	enum property_kind kind;
	struct u16 id, path;
	int not_found;
} objects[] = {
	{ PROPERTY_NODE, U16("1"), U16("Nodes\\1"), ERR_CLUSTER_NODE_NOT_FOUND },
	{ PROPERTY_GROUP, GROUP, U16("Groups\\11111111-1111-1111-1111-111111111111"), ERR_GROUP_NOT_FOUND },
	{ PROPERTY_RESOURCE, RESOURCE, U16("Resources\\33333333-3333-3333-3333-333333333333"), ERR_RESOURCE_NOT_FOUND },
	{ PROPERTY_TYPE, U16("Type"), U16("ResourceTypes\\Type"), ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND },
	{ PROPERTY_NETWORK, NETWORK, U16("Networks\\55555555-5555-5555-5555-555555555555"),
	    ERR_CLUSTER_NETWORK_NOT_FOUND },
	{ PROPERTY_INTERFACE, INTERFACE, U16("NetworkInterfaces\\66666666-6666-6666-6666-666666666666"),
	    ERR_CLUSTER_NETINTERFACE_NOT_FOUND },
	{ PROPERTY_CLUSTER, { NULL, 0 }, { NULL, 0 }, 0 },
};

static struct guid guid_of(uint8_t digit)
{
	struct guid g;

	memset(g.bytes, digit * 0x11, sizeof(g.bytes));
	return g;
}

static struct db *sample(void)
{
	const struct object_creation all[] = {
		{ .kind = OBJECT_NODE, .name = U16("node1") },
		{ .kind = OBJECT_GROUP, .name = U16("Group"), .id = guid_of(1), .flags = 9999 },
		{ .kind = OBJECT_GROUP, .name = U16("Other"), .id = guid_of(2), .flags = 9999 },
		{ .kind = OBJECT_TYPE, .name = U16("Type"), .type_name = U16("library") },
		{ .kind = OBJECT_RESOURCE,
		    .name = U16("Resource"),
		    .id = guid_of(3),
		    .group_id = guid_of(1),
		    .type_name = U16("Type") },
		{ .kind = OBJECT_NETWORK, .name = U16("Network"), .id = guid_of(5) },
		{ .kind = OBJECT_INTERFACE, .name = U16("Interface"), .id = guid_of(6) },
	};
	struct db *db;

	CHECK_INT(db_new(&db), 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct object_creation o = all[i];
		struct buf batch = { 0 };

		o.time = BEFORE;
		CHECK_INT(object_create(db, &o, &batch), 0);
		buf_done(&batch);
	}
	return db;
}

static struct property_object find(const struct db *db, enum property_kind kind, struct u16 id)
{
	struct property_object o;

	CHECK_INT(property_object_find(db_root(db), kind, id, &o), 0);
	return o;
}

/* A list of one property. */
static struct buf one(struct u16 name, uint16_t format, const void *data, size_t len)
{
	struct buf b = { 0 };

	proplist_begin(&b);
	proplist_add(&b, name, format, data, len);
	proplist_end(&b);
	return b;
}

static bool same(struct digest a, const struct db *db)
{
	return digest_equal(&a, (struct digest[]){ db_digest(db) });
}

/* Set a list (freed here).  Checking alone must say the same; a refusal changes nothing; what was done can be repeated on
 * a copy by its batch; *ret_changed: was there anything to do? */
static int set_list(
    struct db *db, enum property_kind kind, struct u16 id, bool private, struct buf list, bool *ret_changed)
{
	struct db *copy = db_again(db_root(db));
	struct property_object o = find(db, kind, id);
	int checked = property_check(db_root(db), &o, private, list.data, list.len);
	struct buf batch = { 0 };
	int r = property_set(db, kind, id, private, list.data, list.len, TIME, &batch);

	CHECK_INT(checked, r);
	CHECK(r == 0 || batch.len == 0);
	if (batch.len > 0)
		CHECK_INT(db_batch_apply(copy, batch.data, batch.len, NULL), 0);
	CHECK(same(db_digest(copy), db));
	if (ret_changed != NULL)
		*ret_changed = batch.len > 0;
	buf_done(&batch);
	buf_done(&list);
	db_free(copy);
	return r;
}

static int set(struct db *db, enum property_kind kind, struct u16 id, bool private, struct u16 name, uint16_t format,
    const void *data, size_t len)
{
	return set_list(db, kind, id, private, one(name, format, data, len), NULL);
}

static int set_number(struct db *db, struct u16 name, uint16_t format, uint32_t number)
{
	uint8_t bytes[4];

	put_le32(bytes, number);
	return set(db, PROPERTY_GROUP, GROUP, false, name, format, bytes, sizeof(bytes));
}

/* The value of the property in what is listed; len SIZE_MAX: it is not there. */
static struct prop_value shown(const struct db *db, enum property_kind kind, struct u16 id, enum property_choice choice,
    struct u16 name, uint8_t data[64])
{
	struct property_object o = find(db, kind, id);
	struct prop_value v = { .len = SIZE_MAX };
	struct buf list = { 0 };
	struct proplist p;

	property_list(&o, choice, NULL, &list);
	CHECK_INT(list.error, 0);
	CHECK_INT(proplist_check(list.data, list.len), 0);
	if (proplist_find(&p, list.data, list.len, name) > 0) {
		v = proplist_value(&p);
		CHECK(v.len <= 64);
		if (v.len > 0)
			memcpy(data, v.data, v.len);
		v.data = data;
	}
	buf_done(&list);
	return v;
}

static uint32_t number(const struct db *db, enum property_kind kind, struct u16 id, struct u16 name)
{
	uint8_t data[64];
	struct prop_value v = shown(db, kind, id, PROPERTY_COMMON, name, data);

	CHECK_INT(v.len, 4);
	return get_le32(data);
}

TEST(every_table_is_sorted_and_its_standards_are_in_range)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		size_t count;
		const struct property *rows = property_table(objects[i].kind, &count);
		uint32_t type;

		for (size_t j = 0; j < count; j++) {
			const struct property *p = &rows[j];

			CHECK(j == 0 || u16_compare(rows[j - 1].name, p->name) < 0);
			CHECK(prop_is_name(p->name));
			CHECK(prop_registry_type(p->format, &type));
			CHECK(property_find(objects[i].kind, p->name) == p);
			CHECK(!(p->flags & PROPERTY_COMPUTED) || (p->flags & PROPERTY_READ_ONLY));
			if (p->format == PROP_DWORD)
				CHECK(p->standard >= p->least && p->standard <= p->most);
			if (p->format == PROP_LONG)
				CHECK((int32_t)p->standard >= (int32_t)p->least &&
				      (int32_t)p->standard <= (int32_t)p->most);
		}
	}
}

TEST(a_fresh_object_shows_every_common_property_once_and_each_has_its_format)
{
	struct db *db = sample();

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		size_t count, listed = 0;
		const struct property *rows = property_table(objects[i].kind, &count);
		struct property_object o = find(db, objects[i].kind, objects[i].id);

		for (int choice = PROPERTY_COMMON; choice <= PROPERTY_COMMON_READ_ONLY; choice++) {
			struct buf list = { 0 };
			struct proplist p;

			property_list(&o, (enum property_choice)choice, NULL, &list);
			for (proplist_init(&p, list.data, list.len); proplist_next(&p) > 0; listed++) {
				const struct property *row = property_find(objects[i].kind, p.name);

				CHECK(row >= rows && row < rows + count);
				CHECK_INT(proplist_value(&p).syntax, PROP_LIST_VALUE(row->format));
				CHECK_INT((row->flags & PROPERTY_READ_ONLY) != 0, choice == PROPERTY_COMMON_READ_ONLY);
			}
			buf_done(&list);
		}
		CHECK_INT(listed, count);
	}
	db_free(db);
}

/* What a program reads, it may write back. */
TEST(what_is_listed_can_be_set_and_changes_nothing)
{
	struct db *db = sample();

	CHECK_INT(set_number(db, U16("FailbackWindowStart"), PROP_LONG, 5), 0);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		struct property_object o = find(db, objects[i].kind, objects[i].id);
		struct buf list = { 0 };

		property_list(&o, PROPERTY_PRIVATE, NULL, &list);
		CHECK_INT(set_list(db, objects[i].kind, objects[i].id, true, list, NULL), 0);
		o = find(db, objects[i].kind, objects[i].id);
		list = (struct buf){ 0 };
		property_list(&o, PROPERTY_COMMON, NULL, &list);
		CHECK_INT(set_list(db, objects[i].kind, objects[i].id, false, list, NULL), 0);
	}
	CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("FailbackWindowStart")), 5);
	db_free(db);
}

TEST(what_is_set_is_shown_and_stored_as_the_value_of_that_name)
{
	struct db *db = sample();
	const struct db_key *key;
	uint8_t data[64];
	uint32_t stored;

	CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("AutoFailbackType")), 0);
	CHECK_INT(set_number(db, U16("AutoFailbackType"), PROP_DWORD, 1), 0);
	CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("AutoFailbackType")), 1);
	key = find(db, PROPERTY_GROUP, GROUP).key;
	CHECK(object_number(key, U16("AutoFailbackType"), &stored) && stored == 1);
	CHECK_INT(db_key_time(key), TIME);
	CHECK_INT(property_number(PROPERTY_GROUP, key, U16("AutoFailbackType")), 1);
	CHECK_INT(property_number(PROPERTY_GROUP, key, U16("Priority")), 2000);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Description"), PROP_SZ, u"what for", 18), 0);
	CHECK_INT(shown(db, PROPERTY_GROUP, GROUP, PROPERTY_COMMON, U16("description"), data).len, 18);
	CHECK(u16_equal_exact(object_string(find(db, PROPERTY_GROUP, GROUP).key, U16("Description")), U16("what for")));
	CHECK_INT(set(db, PROPERTY_CLUSTER, NONE, false, U16("Description"), PROP_SZ, u"all", 8), 0);
	CHECK(u16_equal_exact(object_string(db_root(db), U16("Description")), U16("all")));
	db_free(db);
}

TEST(what_is_so_already_is_left_alone)
{
	struct db *db = sample();
	struct digest before;
	bool changed;

	CHECK_INT(set_number(db, U16("Priority"), PROP_DWORD, 3000), 0);
	before = db_digest(db);
	CHECK_INT(
	    set_list(db, PROPERTY_GROUP, GROUP, false, one(U16("Priority"), PROP_DWORD, "\xb8\x0b\0\0", 4), &changed),
	    0);
	CHECK(!changed && same(before, db));
	CHECK_INT(set_list(db, PROPERTY_GROUP, GROUP, true, one(U16("none"), PROP_DWORD, NULL, 0), &changed), 0);
	CHECK(!changed && same(before, db));
	db_free(db);
}

TEST(a_common_property_must_be_known_writable_of_its_format_and_in_range)
{
	struct db *db = sample();
	static const struct {
		struct u16 name;
		uint16_t format;
		uint32_t number;
		int want;
	} cases[] = {
		{ U16("AutoFailbackType"), PROP_DWORD, 1, 0 },
		{ U16("autofailbacktype"), PROP_DWORD, 0, 0 },
		{ U16("AutoFailbackType"), PROP_DWORD, 2, ERR_INVALID_PARAMETER },
		{ U16("AutoFailbackType"), PROP_LONG, 1, ERR_INVALID_PARAMETER },
		{ U16("AutoFailbackType"), PROP_BINARY, 1, ERR_INVALID_PARAMETER },
		{ U16("FailbackWindowStart"), PROP_LONG, UINT32_MAX, 0 },
		{ U16("FailbackWindowStart"), PROP_LONG, 23, 0 },
		{ U16("FailbackWindowStart"), PROP_LONG, 24, ERR_INVALID_PARAMETER },
		{ U16("FailbackWindowStart"), PROP_LONG, (uint32_t)-2, ERR_INVALID_PARAMETER },
		{ U16("FailbackWindowStart"), PROP_DWORD, 1, ERR_INVALID_PARAMETER },
		{ U16("FailoverPeriod"), PROP_DWORD, 1193, 0 },
		{ U16("FailoverPeriod"), PROP_DWORD, 1194, ERR_INVALID_PARAMETER },
		{ U16("GroupType"), PROP_DWORD, 1, ERR_INVALID_PARAMETER },
		{ U16("NoSuchProperty"), PROP_DWORD, 1, ERR_INVALID_PARAMETER },
		{ U16("Contains"), PROP_DWORD, 1, ERR_INVALID_PARAMETER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = set_number(db, cases[i].name, cases[i].format, cases[i].number);

		if (r != cases[i].want)
			test_fail(__FILE__, __LINE__, "case %zu: %s", i, error_text(r));
	}
	CHECK_INT(
	    set(db, PROPERTY_RESOURCE, RESOURCE, false, U16("Type"), PROP_SZ, u"Type", 10), ERR_INVALID_PARAMETER);
	CHECK_INT(set(db, PROPERTY_NODE, U16("1"), false, U16("NodeName"), PROP_SZ, u"n", 4), ERR_INVALID_PARAMETER);
	CHECK_INT(set(db, PROPERTY_CLUSTER, NONE, false, U16("SharedVolumeSecurityDescriptor"), PROP_BINARY, "no", 2),
	    ERR_INVALID_PARAMETER);
	db_free(db);
}

TEST(bytes_that_are_no_list_are_refused)
{
	struct db *db = sample();
	struct buf batch = { 0 };

	CHECK_INT(property_set(db, PROPERTY_GROUP, GROUP, false, NULL, 0, TIME, &batch), ERR_INVALID_DATA);
	CHECK_INT(property_set(db, PROPERTY_GROUP, GROUP, true, "\1\0\0\0", 4, TIME, &batch), ERR_INVALID_DATA);
	CHECK_INT(property_set(db, PROPERTY_GROUP, GROUP, true, "\0\0\0\0", 4, TIME, &batch), 0);
	CHECK_INT(batch.len, 0);
	db_free(db);
}

TEST(a_value_that_is_no_list_value_is_refused)
{
	struct db *db = sample();

	for (int private = 0; private <= 1; private ++) {
		struct buf b = { 0 };

		proplist_begin(&b);
		proplist_property_begin(&b, U16("Priority"));
		prop_value_add(&b, PROP_SYNTAX(5, PROP_DWORD), "1234", 4);
		proplist_property_end(&b);
		CHECK_INT(set_list(db, PROPERTY_RESOURCE, RESOURCE, private, b, NULL), ERR_INVALID_PARAMETER);
	}
	db_free(db);
}

TEST(one_bad_property_keeps_the_others_from_being_set)
{
	struct db *db = sample();
	struct buf b = { 0 };

	proplist_begin(&b);
	proplist_add(&b, U16("Description"), PROP_SZ, u"new", 8);
	proplist_add(&b, U16("AutoFailbackType"), PROP_DWORD, "\2\0\0\0", 4);
	proplist_end(&b);
	CHECK_INT(set_list(db, PROPERTY_GROUP, GROUP, false, b, NULL), ERR_INVALID_PARAMETER);
	CHECK_INT(object_string(find(db, PROPERTY_GROUP, GROUP).key, U16("Description")).len, 0);
	db_free(db);
}

TEST(of_a_name_that_is_there_twice_the_last_counts_and_of_its_values_the_first)
{
	struct db *db = sample();
	struct buf b = { 0 };

	proplist_begin(&b);
	proplist_add(&b, U16("Priority"), PROP_DWORD, "\1\0\0\0", 4);
	proplist_property_begin(&b, U16("PRIORITY"));
	prop_value_add(&b, PROP_LIST_VALUE(PROP_DWORD), "\2\0\0\0", 4);
	prop_value_add(&b, PROP_LIST_VALUE(PROP_DWORD), "\3\0\0\0", 4);
	proplist_property_end(&b);
	proplist_end(&b);
	CHECK_INT(set_list(db, PROPERTY_GROUP, GROUP, false, b, NULL), 0);
	CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("Priority")), 2);
	db_free(db);
}

TEST(without_data_a_common_property_has_its_standard_again)
{
	struct db *db = sample();

	CHECK_INT(set_number(db, U16("Priority"), PROP_DWORD, 1), 0);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Priority"), PROP_SZ, NULL, 0), ERR_INVALID_PARAMETER);
	CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("Priority")), 1);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Priority"), PROP_DWORD, NULL, 0), 0);
	CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("Priority")), 2000);
	CHECK(!db_value_find(find(db, PROPERTY_GROUP, GROUP).key, U16("Priority"), NULL));
	CHECK_INT(set_number(db, U16("Priority"), PROP_DWORD, 1), 0);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Priority"), PROP_UNKNOWN, NULL, 0), 0);
	CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("Priority")), 2000);
	db_free(db);
}

TEST(the_property_name_renames_by_the_rules_of_renaming)
{
	struct db *db = sample();
	char16_t longest[OBJECT_NAME_MAX + 2] = { 0 };

	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Name"), PROP_SZ, u"New", 8), 0);
	CHECK(object_find(db_root(db), OBJECT_GROUP, U16("New")) == find(db, PROPERTY_GROUP, GROUP).key);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Name"), PROP_SZ, u"NEW", 8), 0);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Name"), PROP_SZ, u"OTHER", 12), ERR_ALREADY_EXISTS);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Name"), PROP_SZ, u"", 2), ERR_INVALID_NAME);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Name"), PROP_SZ, NULL, 0), ERR_INVALID_PARAMETER);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Name"), PROP_UNKNOWN, NULL, 0), ERR_INVALID_PARAMETER);
	for (size_t i = 0; i <= OBJECT_NAME_MAX; i++)
		longest[i] = u'n';
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Name"), PROP_SZ, longest, sizeof(longest)),
	    ERR_FILENAME_EXCED_RANGE);
	longest[OBJECT_NAME_MAX] = 0;
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, false, U16("Name"), PROP_SZ, longest, sizeof(longest) - 2), 0);
	CHECK_INT(set(db, PROPERTY_TYPE, U16("Type"), false, U16("Name"), PROP_SZ, u"shown", 12), 0);
	CHECK(object_by_id(db_root(db), OBJECT_TYPE, U16("Type")) != NULL);
	db_free(db);
}

TEST(private_properties_have_any_name_and_any_format_that_can_be_stored)
{
	static const struct {
		uint16_t format;
		const void *data;
		size_t len;
		uint32_t type;
		uint16_t back;
	} values[] = {
		{ PROP_BINARY, "abc", 3, PROP_REG_BINARY, PROP_BINARY },
		{ PROP_DWORD, "1234", 4, PROP_REG_DWORD, PROP_DWORD },
		{ PROP_LONG, "1234", 4, PROP_REG_DWORD, PROP_DWORD },
		{ PROP_SZ, u"x", 4, PROP_REG_SZ, PROP_SZ },
		{ PROP_EXPAND_SZ, u"%x%", 8, PROP_REG_EXPAND_SZ, PROP_EXPAND_SZ },
		{ PROP_MULTI_SZ, u"x\0", 6, PROP_REG_MULTI_SZ, PROP_MULTI_SZ },
		{ PROP_ULARGE_INTEGER, "12345678", 8, PROP_REG_QWORD, PROP_ULARGE_INTEGER },
		{ PROP_LARGE_INTEGER, "12345678", 8, PROP_REG_QWORD, PROP_ULARGE_INTEGER },
		{ PROP_FILETIME, "12345678", 8, PROP_REG_QWORD, PROP_ULARGE_INTEGER },
		{ PROP_SECURITY_DESCRIPTOR, "abc", 3, PROP_REG_BINARY, PROP_BINARY },
	};
	struct u16 names[] = { U16("x"), U16("with space"), U16("with\\it"), U16("\u00c4") };
	struct db *db = sample();

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			struct u16 name = names[j % ARRAY_SIZE(names)];
			struct prop_value v;
			struct db_value stored;
			uint8_t data[64];

			CHECK_INT(set(db, objects[i].kind, objects[i].id, true, name, values[j].format, values[j].data,
				      values[j].len),
			    0);
			v = shown(db, objects[i].kind, objects[i].id, PROPERTY_PRIVATE, name, data);
			CHECK_INT(v.syntax, PROP_LIST_VALUE(values[j].back));
			CHECK_INT(v.len, values[j].len);
			CHECK_MEM(v.data, values[j].data, v.len);
			CHECK(db_value_find(
			    db_find(find(db, objects[i].kind, objects[i].id).key, U16("Parameters")), name, &stored));
			CHECK_INT(stored.type, values[j].type);
		}
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, true, U16("x"), PROP_WORD, "12", 2), ERR_INVALID_PARAMETER);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, true, U16("x"), PROP_EXPANDED_SZ, u"a", 4), ERR_INVALID_PARAMETER);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, true, U16("x"), 0x8001, "12", 2), ERR_INVALID_PARAMETER);
	db_free(db);
}

TEST(a_private_property_without_data_is_deleted)
{
	struct db *db = sample();
	uint8_t data[64];

	CHECK_INT(set(db, PROPERTY_RESOURCE, RESOURCE, true, U16("x"), PROP_DWORD, "1234", 4), 0);
	CHECK_INT(set(db, PROPERTY_RESOURCE, RESOURCE, true, U16("X"), PROP_UNKNOWN, NULL, 0), 0);
	CHECK(shown(db, PROPERTY_RESOURCE, RESOURCE, PROPERTY_PRIVATE, U16("x"), data).len == SIZE_MAX);
	CHECK_INT(set(db, PROPERTY_GROUP, GROUP, true, U16("x"), PROP_SZ, NULL, 0), 0);
	CHECK(
	    db_find(find(db, PROPERTY_GROUP, GROUP).key, U16("Parameters")) == NULL); /* Nor is the key made for it. */
	db_free(db);
}

TEST(a_private_property_has_no_common_name_but_a_network_name_s)
{
	struct db *db = sample();

	CHECK_INT(set(db, PROPERTY_RESOURCE, RESOURCE, true, U16("RESTARTACTION"), PROP_DWORD, "1234", 4),
	    ERR_INVALID_PARAMETER);
	CHECK_INT(set(db, PROPERTY_RESOURCE, RESOURCE, true, U16("Type"), PROP_SZ, u"x", 4), ERR_INVALID_PARAMETER);
	CHECK_INT(set(db, PROPERTY_RESOURCE, RESOURCE, true, U16("Name"), PROP_SZ, u"SERVER", 14), 0);
	CHECK_INT(set(db, PROPERTY_RESOURCE, RESOURCE, true, U16("Address"), PROP_SZ, u"1", 4), 0);
	CHECK_INT(set(db, PROPERTY_NETWORK, NETWORK, true, U16("Address"), PROP_SZ, u"1", 4), ERR_INVALID_PARAMETER);
	CHECK(
	    u16_equal_exact(object_name(find(db, PROPERTY_RESOURCE, RESOURCE).key, OBJECT_RESOURCE), U16("Resource")));
	db_free(db);
}

static bool has_text(const struct buf *list, struct u16 text)
{
	for (size_t at = 0; at + 2 <= list->len && get_le16(list->data + at) != 0;) {
		size_t len = 0;

		while (get_le16(list->data + at + 2 * len) != 0)
			len++;
		if (len == text.len && memcmp(list->data + at, text.units, 2 * len) == 0)
			return true;
		at += 2 * (len + 1);
	}
	return false;
}

TEST(names_are_listed_as_texts_and_formats_as_words)
{
	struct db *db = sample();
	struct property_object o;
	struct buf names = { 0 }, none = { 0 }, formats = { 0 }, private = { 0 };
	struct proplist p;

	CHECK_INT(set(db, PROPERTY_RESOURCE, RESOURCE, true, U16("Path"), PROP_EXPAND_SZ, u"x", 4), 0);
	o = find(db, PROPERTY_RESOURCE, RESOURCE);
	property_names(&o, false, &names);
	CHECK(prop_is_formed(PROP_MULTI_SZ, names.data, names.len));
	CHECK(
	    has_text(&names, U16("Type")) && has_text(&names, U16("RestartAction")) && !has_text(&names, U16("Path")));
	property_names(&o, true, &private);
	CHECK_INT(private.len, 12);
	CHECK_MEM(private.data, u"Path\0", 12);
	o = find(db, PROPERTY_GROUP, GROUP);
	property_names(&o, true, &none);
	CHECK_INT(none.len, 2);
	o = find(db, PROPERTY_RESOURCE, RESOURCE);
	property_formats(&o, false, &formats);
	CHECK_INT(proplist_find(&p, formats.data, formats.len, U16("RestartAction")), 1);
	CHECK_INT(proplist_value(&p).syntax, PROP_LIST_VALUE(PROP_WORD));
	CHECK_INT(get_le16(proplist_value(&p).data), PROP_DWORD);
	buf_done(&formats);
	property_formats(&o, true, &formats);
	CHECK_INT(proplist_find(&p, formats.data, formats.len, U16("Path")), 1);
	CHECK_INT(get_le16(proplist_value(&p).data), PROP_EXPAND_SZ);
	buf_done(&names);
	buf_done(&private);
	buf_done(&none);
	buf_done(&formats);
	db_free(db);
}

static bool source(void *data, const struct property_object *o, const struct property *p, struct buf *ret)
{
	(void)o;
	if (!u16_equal(p->name, U16("NodeDrainStatus")))
		return false;
	buf_u32(ret, *(uint32_t *)data);
	return true;
}

TEST(computed_properties_come_from_their_source_and_never_from_the_database)
{
	struct db *db = sample();
	struct property_object o;
	struct buf list = { 0 };
	struct proplist p;
	uint32_t status = 2;

	CHECK_INT(
	    db_value_set(db, U16("Nodes\\1"),
		&(struct db_value){ U16("NodeDrainTarget"), PROP_REG_DWORD, (const uint8_t *)"\7\0\0\0", 4 }, TIME),
	    0);
	o = find(db, PROPERTY_NODE, U16("1"));
	property_list(&o, PROPERTY_COMMON_READ_ONLY, &(struct property_source){ source, &status }, &list);
	CHECK_INT(proplist_find(&p, list.data, list.len, U16("NodeDrainStatus")), 1);
	CHECK_INT(get_le32(proplist_value(&p).data), 2);
	CHECK_INT(proplist_find(&p, list.data, list.len, U16("NodeDrainTarget")), 1);
	CHECK_INT(get_le32(proplist_value(&p).data), UINT32_MAX);
	buf_done(&list);
	db_free(db);
}

TEST(a_stored_value_of_another_type_counts_as_not_stored)
{
	static const struct {
		uint32_t type;
		const char *data;
		size_t len;
	} values[] = { { PROP_REG_SZ, "a\0\0", 4 }, { PROP_REG_DWORD, "123", 3 }, { PROP_REG_DWORD, "", 0 },
		{ 0, "1234", 4 } };
	struct db *db = sample();

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		CHECK_INT(db_value_set(db, objects[1].path,
			      &(struct db_value){
				  U16("Priority"), values[i].type, (const uint8_t *)values[i].data, values[i].len },
			      TIME),
		    0);
		CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("Priority")), 2000);
		CHECK_INT(property_number(PROPERTY_GROUP, find(db, PROPERTY_GROUP, GROUP).key, U16("Priority")), 2000);
	}
	CHECK_INT(set_number(db, U16("Priority"), PROP_DWORD, 1), 0);
	CHECK_INT(number(db, PROPERTY_GROUP, GROUP, U16("Priority")), 1);
	db_free(db);
}

TEST(what_is_not_there_has_no_properties)
{
	struct db *db = sample();
	struct property_object o;
	struct buf batch = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (objects[i].kind != PROPERTY_CLUSTER)
			CHECK_INT(property_set(db, objects[i].kind, U16("none"), false, "\0\0\0\0", 4, TIME, &batch),
			    objects[i].not_found);
	CHECK_INT(property_object_find(db_root(db), 0, GROUP, &o), ERR_INVALID_PARAMETER);
	CHECK_INT(property_object_find(db_root(db), 8, GROUP, &o), ERR_INVALID_PARAMETER);
	CHECK_INT(property_object_find(db_root(db), UINT32_MAX, GROUP, &o), ERR_INVALID_PARAMETER);
	CHECK_INT(property_object_find(db_root(db), PROPERTY_GROUP, NONE, &o), ERR_GROUP_NOT_FOUND);
	db_free(db);
}

/* More than the database takes: all is as it was. */
TEST(a_value_that_the_database_refuses_leaves_nothing_behind)
{
	struct db *db = sample();
	struct digest before = db_digest(db);
	uint8_t *large = calloc(1, DB_VALUE_MAX + 1);
	struct buf list = { 0 }, batch = { 0 };

	CHECK(large != NULL);
	proplist_begin(&list);
	proplist_add(&list, U16("first"), PROP_DWORD, "1234", 4);
	proplist_add(&list, U16("large"), PROP_BINARY, large, DB_VALUE_MAX + 1);
	proplist_end(&list);
	CHECK_INT(
	    property_set(db, PROPERTY_GROUP, GROUP, true, list.data, list.len, TIME, &batch), ERR_INVALID_PARAMETER);
	CHECK_INT(batch.len, 0);
	CHECK(same(before, db));
	buf_done(&list);
	free(large);
	db_free(db);
}

TEST(without_memory_nothing_is_set_and_no_list_is_shown_as_whole)
{
	struct buf list = { 0 };

	proplist_begin(&list);
	proplist_add(&list, U16("first"), PROP_DWORD, "1234", 4);
	proplist_add(&list, U16("second"), PROP_SZ, u"x", 4);
	proplist_add(&list, U16("Name"), PROP_DWORD, NULL, 0);
	proplist_end(&list);
	FAIL_EACH_ALLOCATION
	{
		struct buf batch = { 0 }, out = { 0 }, names = { 0 }, formats = { 0 };
		struct property_object o;
		struct db *db = NULL;
		struct digest before;
		int r = db_new(&db);

		if (r == 0)
			r = db_key_create(db, U16("Resources\\33333333-3333-3333-3333-333333333333"), BEFORE, NULL);
		if (r == 0) {
			before = db_digest(db);
			r = property_set(db, PROPERTY_RESOURCE, RESOURCE, true, list.data, list.len, TIME, &batch);
			CHECK(r == 0 || r == -ENOMEM);
			CHECK(r == 0 || (batch.len == 0 && same(before, db)));
			CHECK_INT(property_object_find(db_root(db), PROPERTY_RESOURCE, RESOURCE, &o), 0);
			property_list(&o, PROPERTY_PRIVATE, NULL, &out);
			property_names(&o, false, &names);
			property_formats(&o, true, &formats);
			r = r == 0 ? MIN(MIN(out.error, names.error), formats.error) : r;
			CHECK(out.error != 0 || proplist_check(out.data, out.len) == 0);
		}
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		buf_done(&batch);
		buf_done(&out);
		buf_done(&names);
		buf_done(&formats);
		db_free(db);
	}
	buf_done(&list);
}

TEST(of_unknown_types_nothing_is_claimed)
{
	CHECK_INT(type_traits(U16("local quorum"))->characteristics, 5);
	CHECK_INT(type_traits(U16("Physical Disk"))->class, TYPE_CLASS_STORAGE);
	CHECK(u16_equal_exact(type_traits(U16("Network Name"))->required, U16("IP Address")));
	CHECK_INT(type_traits(U16("Somebody's"))->class, TYPE_CLASS_UNKNOWN);
	CHECK_INT(type_traits(NONE)->characteristics, 0);
}
