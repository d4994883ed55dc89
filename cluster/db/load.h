/* load: a whole database from a stream of its keys and values, as a hive gives it.  See load.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/db.h"

struct db_loader;

int db_loader_new(struct db_loader **ret);
/* One that only checks: names must come in ascending order, nothing is kept, and in the end there are the sums. */
int db_loader_new_check(struct db_loader **ret);
void db_loader_free(struct db_loader *l);
DEFINE_FREEP(struct db_loader, db_loader_free)

/* A key, its values and its subkeys in any order, its end.  The first key is the root, whose name does not matter.
 * Errors as in db.h, and ERR_INVALID_DATA: a name for the second time, no name, or not begin … end in pairs. */
int db_load_key_begin(struct db_loader *l, struct u16 name, uint64_t time, const void *security, size_t security_len);
int db_load_value(struct db_loader *l, const struct db_value *value);
int db_load_key_end(struct db_loader *l);
/* The database, after the end of the root; the loader is empty then. */
int db_loader_finish(struct db_loader *l, struct db **ret);

struct db_totals {
	struct digest digest; /* db_digest() and … */
	uint64_t hive_size;   /* … db_hive_size() of the database that one that keeps would give. */
	uint64_t key_count, value_count;
};
/* The same of a loader that only checks. */
int db_loader_finish_check(struct db_loader *l, struct db_totals *ret);
