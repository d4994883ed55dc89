/* batch: the database batch, the form in which changes of the database travel.  See batch.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "cluster/db/db.h"

/* Longer is refused: more than any command that fits the log can come to. */
#define DB_BATCH_MAX (2u << 20)

enum db_op_kind {
	DB_OP_KEY_CREATE = 1, /* With missing parents; it may exist. */
	DB_OP_KEY_DELETE,     /* With everything below. */
	DB_OP_SET_SECURITY,
	DB_OP_VALUE_SET,
	DB_OP_VALUE_DELETE,
};

struct db_op {
	enum db_op_kind kind;
	struct u16 path;         /* From the root. */
	struct db_value value;   /* VALUE_SET; its name only: VALUE_DELETE. */
	const uint8_t *security; /* SET_SECURITY. */
	size_t security_len;
};

/* Building: begin, operations in their order, done.  The first failed allocation sets bytes.error and makes the rest
 * no-ops.  What is added must be within the limits of db.h. */
struct db_batch {
	struct buf bytes; /* The batch, whole at any moment. */
	struct buf path;  /* Of the last operation: char16_t. */
	size_t count;     /* Of operations. */
};

void db_batch_begin(struct db_batch *b, uint64_t time);
void db_batch_done(struct db_batch *b);
void db_batch_add(struct db_batch *b, const struct db_op *op);

/* Reading, operation by operation; what it shows is borrowed from the reader and the bytes until the next step. */
struct db_batch_reader {
	struct cursor cursor;
	uint64_t time;
	size_t count; /* Of operations read. */
	struct db_op op;
	char16_t *path, *name; /* Owned; op's are in here. */
};

/* ERR_INVALID_DATA with a story in *error (may be NULL) for all that is not a batch. */
int db_batch_reader_init(struct db_batch_reader *r, const void *bytes, size_t len, struct error *error);
void db_batch_reader_done(struct db_batch_reader *r);
int db_batch_next(struct db_batch_reader *r, struct error *error); /* 1: r->op is the next one; 0: that was all. */

/* All of it or nothing.  Errors as above, and those of db.h: the batch is not for this state. */
int db_batch_apply(struct db *db, const void *bytes, size_t len, struct error *error);
