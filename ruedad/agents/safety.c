/* safety: a copy of what is in force, before it is replaced.
 *
 * Why      a restore may be a mistake.  What it replaces is kept in the form that every tool and recipe knows: a backup set.
 * How      one directory for each, named by its time, and by a number too if there is one of that second already.
 *          store_remove_old() and store_remove_safety_copies() keep the newest ones.
 * Promise  durable when it returns 0; an older copy is not touched.
 * Threads  a worker's.      Limits  TRIES copies in one second.
 * Tests    tests/integration/restore.py, restore_only.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/safety.h"
#include "backup/set.h"
#include "base/filetime.h"
#include "base/log.h"
#include "io/below.h"
#include "ruedad/blobs.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TRIES = 100 };

struct copy {
	struct db_snapshot *what;
	uint64_t index;
	struct blob_list blobs;
};

static int give_tail(void *data, struct set_tail *ret)
{
	struct copy *c = data;

	*ret = (struct set_tail){ .index = c->index,
		.digest = db_snapshot_digest(c->what),
		.blobs = c->blobs.blobs,
		.blob_count = c->blobs.count };
	return 0;
}

static int may_commit(void *data)
{
	return 0;
}

/* The saved state of resources.  What of it is missing or damaged must not keep anybody from restoring. */
static int list_blobs(struct service *s, struct copy *c)
{
	int r = blob_list_make(s->disk, s->generation, db_snapshot_root(c->what), &c->blobs);

	if (r == 0)
		r = blob_list_keep_whole(&c->blobs);
	if (r > 0)
		log_warning(
		    "checkpoints of resources are missing or damaged, the safety copy is without them count=%d", r);
	return MIN(r, 0);
}

/* A directory that was not there. */
static int make_directory(struct disk *state, const struct tm *tm, char ret_name[SAFETY_NAME_MAX])
{
	size_t len = strftime(ret_name, SAFETY_NAME_MAX, "safety/%Y%m%dT%H%M%SZ", tm);
	int r = disk_make_directory(state, "safety", 0700);

	if (r < 0 && r != -EEXIST)
		return r;
	r = disk_make_directory(state, ret_name, 0700);
	for (int i = 2; r == -EEXIST && i < TRIES; i++) {
		(void)snprintf(ret_name + len, SAFETY_NAME_MAX - len, "-%02d", i);
		r = disk_make_directory(state, ret_name, 0700);
	}
	if (r == 0)
		r = disk_sync_directory(state, "safety");
	return r == 0 ? disk_sync_directory(state, "") : r;
}

int safety_write(struct service *s, const struct quolog_header *header, struct db_snapshot *what, uint64_t index,
    uint64_t time, char ret_name[SAFETY_NAME_MAX], struct error *error)
{
	_cleanup_(disk_freep) struct disk *directory = NULL;
	struct timespec t = filetime_to_timespec(time);
	struct copy c = { .what = what, .index = index };
	struct set_source source = { .header = *header,
		.snapshot = what,
		.snapshot_index = index,
		.time = time,
		.tail = give_tail,
		.may_commit = may_commit,
		.data = &c };
	struct set_info info;
	struct tm tm;
	int r;

	if (gmtime_r(&t.tv_sec, &tm) == NULL)
		return error_set(error, -EINVAL, "the clock shows no time that can be a name");
	r = make_directory(s->disk, &tm, ret_name);
	if (r == 0)
		r = disk_below(s->disk, ret_name, &directory);
	if (r < 0)
		return error_set_code(error, r, "cannot make a directory for a safety copy");
	r = list_blobs(s, &c);
	if (r < 0)
		(void)error_set_code(error, r, "cannot make a safety copy of what is in force");
	else
		r = set_write(directory, &source, 0, &info, error);
	blob_list_done(&c.blobs);
	if (r < 0) { /* A directory without a set would count as a copy, and older ones make room for it. */
		disk_free(TAKE_PTR(directory));
		(void)disk_remove_tree(s->disk, ret_name);
	}
	return r;
}
