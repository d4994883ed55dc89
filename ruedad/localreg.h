/* localreg: the registry of this node alone, beside the cluster database; see localreg.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/db.h"
#include "io/disk.h"
#include "io/loop.h"

#define LOCALREG_FILE "local.hive"
#define LOCALREG_SIZE_MAX (64u << 20) /* Bytes of the hive, as estimated. */

struct local_registry;
struct localreg_watch;

/* From the file in the state directory; a missing one is an empty registry.  ERR_INVALID_DATA: it is damaged, and the story
 * says what to do.  disk and loop are borrowed.  Blocks. */
int localreg_open(struct loop *loop, struct disk *disk, struct local_registry **ret, struct error *error);
/* stopped(data) as soon as nothing is being saved any more; perhaps from inside. */
void localreg_stop(struct local_registry *l, loop_callback *stopped, void *data);
/* Then, or when the loop will not run again.  Watches are freed before. */
void localreg_free(struct local_registry *l);

/* What reading shows: all changes that were accepted, durable or not.  Until the next change. */
const struct db_key *localreg_root(const struct local_registry *l);
/* What is durable, for another thread too; NULL without memory. */
struct db_snapshot *localreg_saved(struct local_registry *l);

/* Changes.  done() is called once, on the loop, never from inside, when the change is durable, or will never have happened:
 * if saving fails, this change and those after it are undone.  A negative result: refused, no callback. */
typedef void localreg_done(void *data, int r);
struct localreg_result {
	int32_t failed_command; /* As in struct db_regbatch_result. */
	bool created;
};
/* A registry batch (cluster/db/regbatch.h, which has the flags) below the key base. */
int localreg_execute(struct local_registry *l, struct u16 base, const void *batch, size_t len, unsigned flags,
    localreg_done *done, void *data, struct localreg_result *ret);
/* 1: what reading shows is durable.  0: done() comes once that is so, or it has been undone.  -ENOMEM */
int localreg_settle(struct local_registry *l, localreg_done *done, void *data);
/* The key at path, and all below it, becomes what this hive holds; it is made if it is missing.  ERR_INVALID_DATA. */
int localreg_replace(struct local_registry *l, struct u16 path, const uint8_t *hive, size_t len, localreg_done *done,
    void *data, struct error *error);

/* changed(data), from inside of whatever changes the key, something below it, or one above it, also by undoing. */
int localreg_watch_new(
    struct local_registry *l, struct u16 path, loop_callback *changed, void *data, struct localreg_watch **ret);
void localreg_watch_free(struct localreg_watch *w); /* NULL is allowed; not from inside changed(). */
