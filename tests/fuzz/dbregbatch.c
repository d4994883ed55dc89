/* fuzz dbregbatch: any bytes are a registry batch and a read batch; the first is refused and the database stays, or what
 * it came to does the same to another copy.  What is written for clients can be read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/batch.h"
#include "cluster/db/regbatch.h"
#include "wire/regbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct db *sample(void)
{
	static const uint8_t dword[] = { 5, 0, 0, 0 };
	struct db *db = NULL;
	int r = db_new(&db);

	r |= db_key_create(db, U16("base\\k\\l"), 1, NULL);
	r |= db_value_set(
	    db, U16("base"), &(struct db_value){ .name = U16("v"), .type = 4, .data = dword, .len = 4 }, 1);
	r |= db_value_set(
	    db, U16("base\\k"), &(struct db_value){ .name = U16("w"), .type = 3, .data = dword, .len = 3 }, 1);
	assert(r == 0);
	return db;
}

static bool same(struct digest a, struct digest b)
{
	return digest_equal(&a, &b);
}

static void must_be_readable(const struct buf *b)
{
	struct regbuf_reader r;
	int e;

	if (b->len == 0)
		return;
	e = regbuf_reader_init(&r, b->data, b->len);
	assert(e == 0);
	while ((e = regbuf_next(&r)) > 0)
		;
	assert(e == 0);
	regbuf_reader_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct db *db = sample(), *other = sample();
	struct db_regbatch_result result = { 0 };
	struct buf reply = { 0 };
	unsigned flags = len > 0 ? data[len - 1] & DB_REGBATCH_CALL : 0;
	int r = db_regbatch_apply(db, U16("base"), data, len, 7, flags, &result);

	if (r == 0) {
		assert(result.failed_command == -1);
		if (result.batch.len > 0)
			r = db_batch_apply(other, result.batch.data, result.batch.len, NULL);
		assert(r == 0);
		must_be_readable(&result.notification);
		db_regbatch_result_done(&result);
	}
	assert(same(db_digest(db), db_digest(other)));
	assert(same(db_digest(db), db_digest_recomputed(db_root(db))));
	(void)db_regbatch_read(db_root(db), U16("base"), data, len, NULL, NULL, &reply);
	must_be_readable(&reply);
	buf_done(&reply);
	db_free(db);
	db_free(other);
	return 0;
}
