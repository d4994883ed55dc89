/* localreg: the registry of this node alone, what is HKEY_LOCAL_MACHINE elsewhere.
 *
 * Why      the API knows checkpoints of keys that are each node's own, and Linux has no registry to keep them in.
 * How      the same database in memory as the cluster's, and no log: it is small, and each save writes all of it as a hive
 *          under another name, synced, renamed, and the directory synced.  Changes that come while a save
 *          runs are saved together by the next one.
 *
 *	change ─► in memory, at once readable ─► a save begins (or is due after the one that runs) ─► done(0)
 *	                                              └─ fails: memory goes back to what was saved last, done(error)
 *
 * Promise  what done(0) was called for is there after a crash; each save is all of a moment, so a batch is never there
 *          by half.
 * Not kept views: 32-bit and 64-bit programs have one tree, as on a machine without the alternate one.  After a failed sync
 *          of the directory, what was undone may still be there after a crash.
 * Threads  the loop's; saving on a worker.      Limits  LOCALREG_SIZE_MAX.
 * Design   docs/design/checkpoint-sources.md        Tests  tests/unit/localreg.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/localreg.h"
#include "backup/dbhive.h"
#include "base/log.h"
#include "cluster/db/batch.h"
#include "cluster/db/regbatch.h"
#include <string.h>

#define LOCALREG_NEW LOCALREG_FILE ".new"

struct waiter {
	struct waiter *next;
	localreg_done *done;
	void *data;
};

struct localreg_watch {
	struct local_registry *registry;
	struct localreg_watch *next;
	char16_t *path; /* Owned. */
	loop_callback *changed;
	void *data;
};

struct save {
	struct local_registry *registry; /* Belongs to the loop. */
	struct disk *disk;
	struct db_snapshot *snapshot; /* Owned. */
	uint64_t time;
	struct waiter *waiters; /* Owned, in order. */
	int result;
};

struct local_registry {
	struct loop *loop;
	struct disk *disk;
	struct db *db;             /* Owned. */
	struct db_snapshot *saved; /* What is durable; owned. */
	struct save *save;         /* Running, or NULL. */
	struct waiter *waiters;    /* For the next one. */
	struct localreg_watch *watches;
	loop_callback *stopped; /* Wanted by localreg_stop(). */
	void *stopped_data;
};

/* Opening and closing. */

int localreg_open(struct loop *loop, struct disk *disk, struct local_registry **ret, struct error *error)
{
	_cleanup_free_ struct local_registry *l = calloc(1, sizeof(*l));
	_cleanup_(db_freep) struct db *db = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct error story = { 0 };
	size_t len;
	int r;

	if (l == NULL)
		return error_set_code(error, -ENOMEM, "cannot open the local registry");
	r = disk_read_file(disk, LOCALREG_FILE, 2 * LOCALREG_SIZE_MAX, &bytes, &len);
	if (r == 0) {
		r = dbhive_read(bytes, len, &db, &story);
		if (r < 0)
			return error_set(error, r,
			    "the local registry is damaged: %s; put " LOCALREG_FILE
			    " of the state directory aside to start with an empty one",
			    story.text);
	} else if (r == -ENOENT) {
		r = db_new(&db);
	}
	if (r == 0) {
		l->saved = db_snapshot_take(db);
		r = l->saved == NULL ? -ENOMEM : 0;
	}
	if (r < 0)
		return error_set_code(error, r, "cannot open the local registry");
	l->loop = loop;
	l->disk = disk;
	l->db = TAKE_PTR(db);
	*ret = TAKE_PTR(l);
	return 0;
}

static void waiters_free(struct waiter *w)
{
	while (w != NULL) {
		struct waiter *next = w->next;

		free(w);
		w = next;
	}
}

static void save_free(struct save *s)
{
	waiters_free(s->waiters);
	db_snapshot_unref(s->snapshot);
	free(s);
}

void localreg_free(struct local_registry *l)
{
	if (l == NULL)
		return;
	assert(l->watches == NULL);
	if (l->save != NULL)
		save_free(l->save);
	waiters_free(l->waiters);
	db_snapshot_unref(l->saved);
	db_free(l->db);
	free(l);
}

void localreg_stop(struct local_registry *l, loop_callback *stopped, void *data)
{
	if (l->save == NULL) {
		stopped(data);
		return;
	}
	l->stopped = stopped;
	l->stopped_data = data;
}

const struct db_key *localreg_root(const struct local_registry *l)
{
	return db_root(l->db);
}

struct db_snapshot *localreg_saved(struct local_registry *l)
{
	return db_snapshot_ref(l->saved);
}

/* Watching. */

/* Is one of the keys the other, or above it? */
static bool is_related(struct u16 a, struct u16 b)
{
	struct u16 shorter = a.len <= b.len ? a : b, longer = a.len <= b.len ? b : a;

	if (shorter.len == 0)
		return true;
	return u16_equal(shorter, (struct u16){ longer.units, shorter.len }) &&
	       (longer.len == shorter.len || longer.units[shorter.len] == '\\');
}

static void tell_watches(struct local_registry *l, struct u16 path)
{
	for (struct localreg_watch *w = l->watches; w != NULL; w = w->next)
		if (is_related(u16_from_z(w->path), path))
			w->changed(w->data);
}

/* Of a batch that has just been applied: every operation's key. */
static void tell_batch(struct local_registry *l, const struct buf *batch)
{
	struct db_batch_reader reader;
	int r = batch->len == 0 ? 0 : db_batch_reader_init(&reader, batch->data, batch->len, NULL);

	if (batch->len == 0)
		return;
	if (r < 0) {
		tell_watches(l, (struct u16){ 0 });
		return;
	}
	while ((r = db_batch_next(&reader, NULL)) > 0)
		tell_watches(l, reader.op.path);
	if (r < 0) /* No memory: better once too often. */
		tell_watches(l, (struct u16){ 0 });
	db_batch_reader_done(&reader);
}

int localreg_watch_new(
    struct local_registry *l, struct u16 path, loop_callback *changed, void *data, struct localreg_watch **ret)
{
	struct localreg_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	w->path = u16_dup(path);
	if (w->path == NULL) {
		free(w);
		return -ENOMEM;
	}
	w->registry = l;
	w->changed = changed;
	w->data = data;
	w->next = l->watches;
	l->watches = w;
	*ret = w;
	return 0;
}

void localreg_watch_free(struct localreg_watch *w)
{
	struct localreg_watch **at;

	if (w == NULL)
		return;
	for (at = &w->registry->watches; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	free(w->path);
	free(w);
}

/* Saving. */

static void run_save(void *data)
{
	struct save *s = data;
	struct disk_file *file = NULL;
	int r = disk_open(s->disk, LOCALREG_NEW, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &file);

	if (r == 0)
		r = dbhive_write(file, db_snapshot_root(s->snapshot), s->time, NULL);
	file_close(file);
	if (r == 0)
		r = disk_rename(s->disk, LOCALREG_NEW, LOCALREG_FILE);
	if (r == 0)
		r = disk_sync_directory(s->disk, "");
	s->result = r;
}

static int begin_save(struct local_registry *l);

static void call_waiters(struct waiter *w, int r)
{
	while (w != NULL) {
		struct waiter *next = w->next;

		w->done(w->data, r);
		free(w);
		w = next;
	}
}

/* Nothing that was not saved has happened. */
static void undo(struct local_registry *l, int r)
{
	struct waiter *waiters = TAKE_PTR(l->waiters);

	log_error("the local registry cannot be saved: %s; the changes since the last time are undone", error_text(r));
	db_put_back(l->db, l->saved);
	tell_watches(l, (struct u16){ 0 });
	call_waiters(waiters, r);
}

/* What the save that ended means for those who wait for it, and for those after them. */
static void settle(struct local_registry *l, struct waiter *waiters, int r)
{
	struct waiter **end = &waiters;

	if (r == 0 && l->waiters != NULL) {
		int next = begin_save(l);

		if (next < 0)
			undo(l, next);
	}
	if (r == 0) {
		call_waiters(waiters, 0);
		return;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = TAKE_PTR(l->waiters);
	l->waiters = waiters;
	undo(l, r);
}

static void end_save(void *data)
{
	struct save *s = data;
	struct local_registry *l = s->registry;
	struct waiter *waiters = TAKE_PTR(s->waiters);
	int r = s->result;

	l->save = NULL;
	if (r == 0) {
		db_snapshot_unref(l->saved);
		l->saved = TAKE_PTR(s->snapshot);
	}
	save_free(s);
	settle(l, waiters, r);
	if (l->save == NULL && l->stopped != NULL)
		l->stopped(l->stopped_data);
}

static int begin_save(struct local_registry *l)
{
	struct save *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	assert(l->save == NULL);
	if (s == NULL)
		return r;
	*s = (struct save){ .registry = l, .disk = l->disk, .time = loop_wall_filetime(l->loop) };
	s->snapshot = db_snapshot_take(l->db);
	l->save = s; /* Before the work: a simulated one may have ended when it returns. */
	s->waiters = TAKE_PTR(l->waiters);
	if (s->snapshot != NULL)
		r = loop_work(l->loop, run_save, end_save, s);
	if (r < 0) {
		l->waiters = TAKE_PTR(s->waiters);
		l->save = NULL;
		save_free(s);
	}
	return r;
}

int localreg_settle(struct local_registry *l, localreg_done *done, void *data)
{
	struct waiter *w, **end = l->waiters != NULL || l->save == NULL ? &l->waiters : &l->save->waiters;

	if (*end == NULL && l->save == NULL)
		return 1;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return -ENOMEM;
	w->done = done;
	w->data = data;
	while (*end != NULL)
		end = &(*end)->next;
	*end = w;
	return 0;
}

/* The change is in memory; before is what was there.  Save it, or take it back. */
static int accept(struct local_registry *l, struct db_snapshot *before, localreg_done *done, void *data)
{
	struct waiter *w = calloc(1, sizeof(*w)), **end = &l->waiters;
	int r = w == NULL ? -ENOMEM : db_hive_size(l->db) > LOCALREG_SIZE_MAX ? ERR_DISK_FULL : 0;

	if (r == 0) {
		w->done = done;
		w->data = data;
		while (*end != NULL)
			end = &(*end)->next;
		*end = w;
		if (l->save == NULL)
			r = begin_save(l);
		if (r < 0)
			*end = NULL;
	}
	if (r < 0) {
		free(w);
		db_put_back(l->db, before);
	}
	return r;
}

/* Changing. */

int localreg_execute(struct local_registry *l, struct u16 base, const void *batch, size_t len, unsigned flags,
    localreg_done *done, void *data, struct localreg_result *ret)
{
	_cleanup_(db_snapshot_unrefp) struct db_snapshot *before = db_snapshot_take(l->db);
	struct db_regbatch_result result = { 0 };
	int r = -ENOMEM;

	*ret = (struct localreg_result){ 0 };
	if (before == NULL)
		return r;
	r = db_regbatch_apply(l->db, base, batch, len, loop_wall_filetime(l->loop), flags, &result);
	ret->failed_command = r < 0 ? result.failed_command : -1;
	if (r < 0)
		return r;
	ret->created = result.created;
	r = accept(l, before, done, data);
	if (r == 0)
		tell_batch(l, &result.batch);
	db_regbatch_result_done(&result);
	return r;
}

/* A key of the hive, its values and all below it, to where path is; path grows and shrinks again. */
static int copy_key(struct db *db, struct buf *path, const struct db_key *from)
{
	struct u16 to = { (const char16_t *)(const void *)path->data, path->len / sizeof(char16_t) };
	uint64_t time = db_key_time(from);
	const uint8_t *security;
	size_t security_len, before = path->len;
	int r = db_key_create(db, to, time, NULL);

	for (size_t i = 0; r == 0 && i < db_value_count(from); i++) {
		struct db_value value = db_value_at(from, i);

		r = db_value_set(db, to, &value, time);
	}
	for (size_t i = 0; r == 0 && i < db_key_count(from); i++) {
		const struct db_key *child = db_key_at(from, i);
		struct u16 name = db_key_name(child);

		buf_append(path, u"\\", sizeof(char16_t));
		buf_append(path, name.units, name.len * sizeof(char16_t));
		r = path->error < 0 ? path->error : copy_key(db, path, child);
		path->len = before;
	}
	if (r < 0)
		return r;
	/* Last, as it also gives the key back its time. */
	to.units = (const char16_t *)(const void *)path->data;
	security = db_key_security(from, &security_len);
	return db_key_set_security(db, to, security, security_len, time);
}

int localreg_replace(struct local_registry *l, struct u16 path, const uint8_t *hive, size_t len, localreg_done *done,
    void *data, struct error *error)
{
	_cleanup_(db_snapshot_unrefp) struct db_snapshot *before = db_snapshot_take(l->db);
	_cleanup_(db_freep) struct db *from = NULL;
	_cleanup_(buf_done) struct buf to = { 0 };
	int r = path.len == 0 ? ERR_INVALID_PARAMETER : before == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = dbhive_read(hive, len, &from, error);
	if (r < 0)
		return r == ERR_INVALID_DATA ? r
					     : error_set_code(error, r, "cannot replace a key of the local registry");
	buf_append(&to, path.units, path.len * sizeof(char16_t));
	r = to.error;
	if (r == 0 && db_find(db_root(l->db), path) != NULL)
		r = db_key_delete(l->db, path, loop_wall_filetime(l->loop));
	if (r == 0)
		r = copy_key(l->db, &to, db_root(from));
	if (r < 0)
		db_put_back(l->db, before);
	else
		r = accept(l, before, done, data);
	if (r < 0)
		return error_set_code(error, r, "cannot replace a key of the local registry");
	tell_watches(l, path);
	return 0;
}
