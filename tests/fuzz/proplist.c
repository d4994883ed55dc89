/* fuzz proplist: any bytes are a property list, a value list, and what is set of an object; the first and second are
 * read to their ends, the third is refused and changes nothing, or can be read back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/proplist.h"
#include "cluster/db/batch.h"
#include "cluster/object/property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define GROUP U16("11111111-1111-1111-1111-111111111111")

static struct db *sample(void)
{
	struct db *db = NULL;
	int r = db_new(&db);

	r |= db_key_create(db, U16("Groups\\11111111-1111-1111-1111-111111111111"), 1, NULL);
	assert(r == 0);
	return db;
}

static bool same(struct db *a, struct db *b)
{
	struct digest x = db_digest(a), y = db_digest(b);

	return digest_equal(&x, &y);
}

static void set(bool private, const uint8_t *data, size_t len)
{
	struct db *db = sample(), *other = sample();
	struct property_object o;
	struct buf batch = { 0 }, list = { 0 };
	int checked, r = property_object_find(db_root(db), PROPERTY_GROUP, GROUP, &o);

	assert(r == 0);
	checked = property_check(db_root(db), &o, private, data, len);
	r = property_set(db, PROPERTY_GROUP, GROUP, private, data, len, 1, &batch);
	assert(r == checked || (r < 0 && checked == 0)); /* The database has limits of its own. */
	if (batch.len > 0) {
		assert(r == 0);
		r = db_batch_apply(other, batch.data, batch.len, NULL);
		assert(r == 0);
	}
	assert(same(db, other));
	r = property_object_find(db_root(db), PROPERTY_GROUP, GROUP, &o);
	assert(r == 0);
	property_list(&o, private ? PROPERTY_PRIVATE : PROPERTY_COMMON, NULL, &list);
	r = proplist_check(list.data, list.len);
	assert(r == 0 && list.error == 0);
	buf_done(&list);
	buf_done(&batch);
	db_free(db);
	db_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cursor values = cursor_make(data, len);
	struct prop_value v;
	struct proplist p;
	int r;

	while (prop_value_next(&values, &v) > 0)
		;
	proplist_init(&p, data, len);
	while ((r = proplist_next(&p)) > 0) {
		assert(prop_is_name(p.name));
		while ((r = prop_value_next(&p.values, &v)) > 0)
			;
		assert(r == 0);
	}
	assert(r == proplist_check(data, len));
	set(false, data, len);
	set(true, data, len);
	return 0;
}
