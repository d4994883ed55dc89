/* Each change with the 1st, 2nd, … allocation failing: it is done, or nothing has changed and it works the next time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/db.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"

static const char text[200] = "0123456789";

static int set(struct db *db, struct u16 path, unsigned number)
{
	char16_t name[] = { u'v', (char16_t)(0x4e00 + number) };

	return db_value_set(db, path,
	    &(struct db_value){ .name = { name, 2 }, .data = (const uint8_t *)text, .len = number % sizeof(text) },
	    number);
}

/* Some keys, a full leaf of values, a descriptor. */
static int fill(struct db *db)
{
	int r = db_key_set_security(db, U16(""), text, 10, 1);

	for (char16_t c = u'a'; c < u'e' && r == 0; c++)
		r = db_key_create(db, (struct u16){ &c, 1 }, c, NULL);
	for (unsigned i = 0; i < 64 && r == 0; i++)
		r = set(db, U16("b"), i);
	return r;
}

enum { CREATE, CREATE_DEEP, DELETE, SECURITY, SET_NEW, SET_OLD, DELETE_VALUE, OP_COUNT };

static int operate(struct db *db, int op)
{
	switch (op) {
	case CREATE:
		return db_key_create(db, U16("e"), 100, NULL);
	case CREATE_DEEP:
		return db_key_create(db, U16("b\\x\\y\\z"), 100, NULL);
	case DELETE:
		return db_key_delete(db, U16("b"), 100);
	case SECURITY:
		return db_key_set_security(db, U16("c"), text, 11, 100);
	case SET_NEW:
		return set(db, U16("b"), 100);
	case SET_OLD:
		return set(db, U16("b"), 20);
	default:
		return db_value_delete(db, U16("b"), (struct u16){ (char16_t[]){ u'v', 0x4e00 + 20 }, 2 }, 100);
	}
}

static bool same(const struct db *db, const struct digest *digest, uint64_t size)
{
	return digest_equal(digest, (struct digest[]){ db_digest(db) }) &&
	       digest_equal(digest, (struct digest[]){ db_digest_recomputed(db_root(db)) }) && db_hive_size(db) == size;
}

static void fail_each(int op, bool with_snapshot)
{
	FAIL_EACH_ALLOCATION
	{
		_cleanup_(db_freep) struct db *db = NULL;
		_cleanup_(db_snapshot_unrefp) struct db_snapshot *s = NULL;
		struct digest before = { 0 };
		uint64_t size = 0;
		int r = db_new(&db);

		if (r == 0)
			r = fill(db);
		if (r == 0 && with_snapshot) {
			s = db_snapshot_take(db);
			r = s != NULL ? 0 : -ENOMEM;
		}
		if (r == 0) {
			before = db_digest(db);
			size = db_hive_size(db);
			r = operate(db, op);
			if (r < 0) {
				CHECK(same(db, &before, size));
				CHECK_INT(operate(db, op), 0);
			}
			CHECK(!digest_equal(&before, (struct digest[]){ db_digest(db) }));
			CHECK(digest_equal((struct digest[]){ db_digest(db) },
			    (struct digest[]){ db_digest_recomputed(db_root(db)) }));
			if (with_snapshot) {
				CHECK(digest_equal(
				    &before, (struct digest[]){ db_digest_recomputed(db_snapshot_root(s)) }));
				db_put_back(db, s);
				CHECK(same(db, &before, size));
			}
		}
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
	}
}

TEST(a_change_without_memory_changes_nothing)
{
	for (int op = 0; op < OP_COUNT; op++)
		fail_each(op, false);
}

TEST(nor_under_a_snapshot)
{
	for (int op = 0; op < OP_COUNT; op++)
		fail_each(op, true);
}
