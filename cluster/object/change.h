/* change: several key and value operations that are carried out together or not at all, and written down as the
 * evaluated batch that repeats them.  See change.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "cluster/db/batch.h"

/* Paths are put together from up to four components: PATH(U16("Groups"), id). */
struct change_path {
	struct u16 component[4]; /* The first empty one ends it. */
};
#define CHANGE_PATH(...) ((struct change_path){ { __VA_ARGS__ } })

struct change {
	struct db *db;
	struct db_snapshot *before; /* To be put back on failure. */
	struct db_batch batch;
	struct buf *ret_batch;      /* Where the batch goes at the end; borrowed. */
	uint64_t time;
	int error; /* The first that happened; all later calls do nothing. */
};

/* *ret_batch must be empty.  -ENOMEM. */
int change_begin(struct change *c, struct db *db, uint64_t time, struct buf *ret_batch);
void change_create_key(struct change *c, struct change_path path);
void change_delete_key(struct change *c, struct change_path path);
void change_set(struct change *c, struct change_path path, const struct db_value *value);
void change_delete_value(struct change *c, struct change_path path, struct u16 name);
void change_set_string(struct change *c, struct change_path path, struct u16 name, struct u16 string);
void change_set_number(struct change *c, struct change_path path, struct u16 name, uint32_t number);
/* The MULTI_SZ *name* of the key gets item at its end, or loses it. */
void change_list_add(struct change *c, struct change_path path, struct u16 name, struct u16 item);
void change_list_remove(struct change *c, struct change_path path, struct u16 name, struct u16 item);
/* 0: done; the batch is empty if nothing had to be.  Else everything is as it was before change_begin(), the batch is empty, and the error is returned. */
int change_end(struct change *c);
