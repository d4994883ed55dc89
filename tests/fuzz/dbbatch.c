/* fuzz dbbatch: any bytes are a database batch; it is refused and the database stays, or it is applied, and what was read,
 * written again, does the same to another copy.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/batch.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct db *sample(void)
{
	struct db *db = NULL;
	int r = db_new(&db);

	r |= db_key_create(db, U16("k\\l"), 1, NULL);
	r |= db_value_set(
	    db, U16("k"), &(struct db_value){ .name = U16("v"), .data = (const uint8_t *)"x", .len = 1 }, 1);
	assert(r == 0);
	return db;
}

static void write_again(const uint8_t *data, size_t len, struct db_batch *ret)
{
	struct db_batch_reader r;
	int e = db_batch_reader_init(&r, data, len, NULL);

	assert(e == 0);
	db_batch_begin(ret, r.time);
	while ((e = db_batch_next(&r, NULL)) > 0)
		db_batch_add(ret, &r.op);
	assert(e == 0 && ret->bytes.error == 0 && ret->bytes.len <= len);
	db_batch_reader_done(&r);
}

static bool same(struct digest a, struct digest b)
{
	return digest_equal(&a, &b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct db *db = sample(), *other = sample();
	struct error error = { 0 };
	struct db_batch again = { 0 };
	int r = db_batch_apply(db, data, len, &error);

	if (r == 0) {
		write_again(data, len, &again);
		r = db_batch_apply(other, again.bytes.data, again.bytes.len, NULL);
		assert(r == 0);
		db_batch_done(&again);
	} else {
		assert(error.text[0] != 0);
	}
	assert(same(db_digest(db), db_digest(other)));
	assert(same(db_digest(db), db_digest_recomputed(db_root(db))));
	db_free(db);
	db_free(other);
	return 0;
}
