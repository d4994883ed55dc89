/* write: a backup set written into a directory, over an older one that stays whole until the commit.
 *
 * Why      the moment in which a new set replaces the old one is the moment in which a site has no backup, if it is done
 *          wrongly.  So the new files get names that no old file has, everything is proven by reading it back, and one
 *          rename decides.
 * How      the steps, and what a crash before or in each leaves:
 *
 *             0  lock; a set of a newer version is refused; a marker over a    the old state (an untrue marker less)
 *                set that does not verify is removed
 *             1  remove left-overs that the old manifest does not name         the old set
 *             2  new files under new names, synced; directories synced;        the old set, and left-overs
 *                beside it the snapshot is hashed and put to the proof of 4
 *             3  quolog.new, synced                                            the old set, and left-overs
 *             4  read everything back through quolog.new, past the cache       the old set, and left-overs
 *             5  still allowed to?                                             the old set, and left-overs
 *             6  rename quolog.new to quolog.log, sync: the commit;            old or new, each whole
 *                in a first backup: create the marker, sync: the commit        incomplete (no marker) or new
 *             7  renew the marker's time                                       the new set
 *             8  remove what the new manifest does not name                    the new set, and left-overs
 *
 * Promise  what the table says, and nothing of anybody else's is touched.  An error before 6 removes what was made, but
 *          for a failed sync: after that nothing on the disk is certain, and nothing is deleted.  What a disk that gives no
 *          answer does later is for the table, too: each step is whole by itself, and none follows.
 * Lock     quolog.new, then quolog.log: whoever commits still holds the first under its new name while it removes old
 *          files, so a second writer meets a lock either way.
 * Not kept where rename does not replace atomically (some network file systems), step 6 is as good as theirs.
 * Threads  any, one at a time per directory.
 * Format   docs/formats/backup-set.md      Tests  tests/crash/set.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/dbhive.h"
#include "backup/internal.h"
#include "quolog/writer.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FILE_MODE = 0600, DIRECTORY_MODE = 0700, NAMES_MAX = 1 << 20, COPY_SIZE = 1 << 20 };

/* What lies in the directory under names of ours, in the case in which it lies there. */
struct names {
	char (*names)[MANIFEST_NAME_MAX];
	size_t count;
	int error;
	const char *parent; /* While a directory is listed. */
};

struct writing {
	struct disk *disk;
	const struct set_source *source;
	unsigned flags;
	struct disk_file *new_log, *old_log; /* Locked. */
	struct manifest old, new;            /* old: empty without an older set that can be read. */
	struct image image;                  /* Of the snapshot. */
	bool old_verified, marker_there;
	char marker[SET_PATH_MAX];
	struct names there;
	struct names before; /* What lay there when this backup began to write; other names are its own. */
	bool writing;        /* before is known. */
	bool sync_failed;    /* Then nothing is removed. */
	bool renamed;        /* Past the commit: nothing can be taken back. */
	uint64_t bytes;      /* Written so far, for progress. */
	struct set_tail tail;
};

/* Names. */

static int add_name(void *data, const char *name, enum disk_kind kind)
{
	struct names *n = data;
	char whole[MANIFEST_NAME_MAX];
	int len = snprintf(whole, sizeof(whole), "%s%s%s", n->parent, *n->parent != 0 ? "/" : "", name);
	enum manifest_name_kind is;

	if (len < 0 || (size_t)len >= sizeof(whole))
		return 0; /* Too long to be ours. */
	is = manifest_name_kind(whole);
	if (is == NAME_FOREIGN || (is == NAME_BLOB_DIRECTORY) != (kind == DISK_DIRECTORY))
		return 0;
	if (n->count == NAMES_MAX)
		return -EFBIG;
	if ((n->count & (n->count - 1)) == 0) {
		void *names = realloc(n->names, MAX(n->count * 2, (size_t)1) * sizeof(*n->names));

		if (names == NULL)
			return -ENOMEM;
		n->names = names;
	}
	memcpy(n->names[n->count++], whole, (size_t)len + 1);
	return 0;
}

/* Names of ours, directories before what is in them. */
static int list_names(struct disk *d, struct names *n)
{
	int r;

	n->count = 0;
	n->parent = "";
	r = disk_list(d, "", add_name, n);
	for (size_t i = 0, top = n->count; r == 0 && i < top; i++) {
		char parent[MANIFEST_NAME_MAX];

		if (manifest_name_kind(n->names[i]) != NAME_BLOB_DIRECTORY)
			continue;
		memcpy(parent, n->names[i], sizeof(parent));
		n->parent = parent;
		r = disk_list(d, parent, add_name, n);
	}
	return r;
}

static bool is_there(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcasecmp(n->names[i], name) == 0)
			return true;
	return false;
}

/* The lowest set number that no snapshot there has. */
static int choose_number(const struct names *n, unsigned *ret)
{
	for (unsigned number = 1; number <= 0xffff; number++) {
		char name[MANIFEST_NAME_MAX];

		(void)snprintf(name, sizeof(name), "chk%04x.tmp", number);
		if (!is_there(n, name)) {
			*ret = number;
			return 0;
		}
	}
	return -EEXIST;
}

/* Remove what is ours and is not named; files first, then directories that have become empty. */
static int remove_unnamed(struct writing *w, const struct manifest *keep)
{
	int r = list_names(w->disk, &w->there), first = r;

	for (size_t i = w->there.count; r == 0 && i-- > 0;) {
		const char *name = w->there.names[i];
		bool directory = manifest_name_kind(name) == NAME_BLOB_DIRECTORY;
		int removed;

		if (!directory && manifest_names(keep, name))
			continue;
		removed = disk_remove(w->disk, name);
		if (removed < 0 && !(directory && (removed == -ENOTEMPTY || removed == -EEXIST)) && first == 0)
			first = removed;
	}
	return first;
}

/* Files. */

static int checked_sync(struct writing *w, int r)
{
	if (r < 0)
		w->sync_failed = true;
	return r;
}

static int tell_progress(void *data, uint64_t bytes)
{
	struct writing *w = data;

	return w->source->progress != NULL ? w->source->progress(w->source->data, SET_WRITING, w->bytes + bytes) : 0;
}

static int write_snapshot(struct writing *w, unsigned number, struct error *error)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	struct manifest_file entry = { 0 };
	int r;

	(void)snprintf(entry.name, sizeof(entry.name), "chk%04x.tmp", number);
	r = image_make(&w->image, w->source->snapshot, w->source->time, !(w->flags & SET_NO_VERIFY));
	if (r == 0)
		r = disk_open(w->disk, entry.name, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, FILE_MODE, &f);
	if (r == 0) {
		r = image_write(&w->image, f, tell_progress, w);
		/* It may have been a sync. */
		if (r == -EIO)
			w->sync_failed = true;
	}
	if (r == 0) {
		entry.size = w->image.bytes.len;
		entry.digest = image_digest(&w->image);
		r = manifest_add(&w->new, &entry);
	}
	if (r < 0)
		return error_set_code(error, r, "cannot write the snapshot %s", entry.name);
	w->bytes += entry.size;
	return 0;
}

static int copy_blob(struct writing *w, const struct set_blob *blob, struct disk_file *from, struct disk_file *to,
    struct manifest_file *entry)
{
	_cleanup_free_ uint8_t *part = malloc(COPY_SIZE);
	struct sha256 hash;
	int r = part == NULL ? -ENOMEM : file_size(from, &entry->size);

	sha256_init(&hash);
	for (uint64_t at = 0; r == 0 && at < entry->size; at += COPY_SIZE) {
		size_t len = (size_t)MIN((uint64_t)COPY_SIZE, entry->size - at);

		r = file_read(from, at, part, len);
		if (r == 0) {
			sha256_update(&hash, part, len);
			r = file_write(to, at, part, len);
		}
		if (r == 0)
			r = tell_progress(w, at + len);
	}
	if (r < 0)
		return r;
	sha256_final(&hash, &entry->digest);
	if (!digest_equal(&entry->digest, &blob->digest))
		return ERR_INVALID_DATA; /* The checkpoint itself is damaged. */
	return checked_sync(w, file_sync(to));
}

static int write_blob(struct writing *w, const struct set_blob *blob, unsigned number, struct error *error)
{
	_cleanup_(file_closep) struct disk_file *from = NULL, *to = NULL;
	struct manifest_file entry = {
		.is_blob = true, .kind = blob->kind, .resource = blob->resource, .number = blob->number
	};
	char guid[GUID_TEXT_LEN + 1];
	int r;

	if (blob->number == 0 || blob->number > 0xffff)
		return error_set(error, ERR_INVALID_DATA, "a checkpoint has the number %" PRIu32, blob->number);
	guid_format(&blob->resource, guid);
	(void)snprintf(entry.name, sizeof(entry.name), "%s/%04x%04x.%s", guid, number, blob->number,
	    blob->kind == SET_REGISTRY_CHECKPOINT ? "CPT" : "CPR");
	r = disk_make_directory(w->disk, guid, DIRECTORY_MODE);
	if (r == 0 || r == -EEXIST) {
		r = disk_open(blob->disk, blob->name, DISK_READ, 0, &from);
		if (r < 0)
			return error_set_code(error, r,
			    "cannot read the saved state %s of checkpoint %" PRIu32 " of resource %s", blob->name,
			    blob->number, guid);
	}
	if (r == 0)
		r = disk_open(w->disk, entry.name, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, FILE_MODE, &to);
	if (r == 0)
		r = copy_blob(w, blob, from, to, &entry);
	if (r == 0)
		r = checked_sync(w, disk_sync_directory(w->disk, guid));
	if (r == 0)
		r = manifest_add(&w->new, &entry);
	if (r < 0)
		return error_set_code(error, r, "cannot write the checkpoint %s", entry.name);
	w->bytes += entry.size;
	return 0;
}

static int write_log(struct writing *w, struct error *error)
{
	const struct set_tail *tail = &w->tail;
	_cleanup_free_ struct quolog_header *header = malloc(sizeof(*header));
	struct quolog_writer writer;
	struct buf manifest = { 0 };
	int r = header == NULL ? -ENOMEM : file_truncate(w->new_log, 0);

	if (r < 0)
		return error_set_code(error, r, "cannot begin the log of the set");
	w->new.database = tail->digest;
	*header = w->source->header;
	header->snapshot = w->source->snapshot_index;
	header->last = tail->index;
	header->time = w->source->time;
	if (tail->key != NULL) {
		assert(tail->key_len <= sizeof(header->key));
		header->key_len = (uint32_t)tail->key_len;
		memcpy(header->key, tail->key, tail->key_len);
	}
	header->term = 0;
	header->seed = 0;
	manifest_encode(&w->new, &manifest);
	quolog_writer_init(&writer, w->new_log, header);
	for (size_t i = 0; i < tail->batch_count; i++)
		quolog_writer_batch(&writer, tail->batches[i].index, tail->batches[i].bytes, tail->batches[i].len);
	quolog_writer_manifest(&writer, manifest.data, manifest.len);
	r = manifest.error != 0 ? manifest.error : quolog_writer_finish(&writer);
	if (r == -EIO)
		w->sync_failed = true;
	quolog_writer_done(&writer);
	buf_done(&manifest);
	if (r == 0)
		r = checked_sync(w, disk_sync_directory(w->disk, ""));
	return r < 0 ? error_set_code(error, r, "cannot write the log of the set") : 0;
}

/* The steps. */

static int lock_log(struct disk_file *f, struct error *error)
{
	int r = file_lock(f);

	if (r == -EWOULDBLOCK)
		return error_set(error, ERR_BUSY, "another backup is writing into the directory");
	return r < 0 ? error_set_code(error, r, "cannot lock the directory") : 0;
}

static int take_locks(struct writing *w, struct error *error)
{
	char path[SET_PATH_MAX];
	int r = disk_open(w->disk, SET_LOG_NEW, DISK_READ | DISK_WRITE | DISK_CREATE, FILE_MODE, &w->new_log);

	if (r < 0)
		return error_set_code(error, r, "cannot make a file in the directory");
	r = lock_log(w->new_log, error);
	if (r < 0)
		return r;
	r = set_find_name(w->disk, SET_LOG, path);
	if (r == 0)
		r = disk_open(w->disk, path, DISK_READ | DISK_WRITE, 0, &w->old_log);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		(void)error_set_code(error, r, "cannot open the older set's " SET_LOG);
	else
		r = lock_log(w->old_log, error);
	if (r < 0)
		(void)disk_remove(w->disk, SET_LOG_NEW); /* Ours: another writer's has become its quolog.log. */
	return r;
}

/* Steps 0 and 1. */
static int look_at_old_set(struct writing *w, struct error *error)
{
	bool old_named = true;
	int r = set_find_name(w->disk, SET_MARKER, w->marker);

	w->marker_there = r == 0;
	if (r < 0 && r != -ENOENT)
		return error_set_code(error, r, "cannot look into the directory");
	if (w->old_log != NULL) {
		r = set_read_manifest(w->disk, SET_LOG, NULL, &w->old, error);
		if (r == ERR_NOT_SUPPORTED)
			return error_set(error, r,
			    "the directory holds a set of a newer version of this program, which is not overwritten; "
			    "choose "
			    "another directory");
		/* What a readable manifest names is not touched, even if the set does not verify. */
		old_named = r == 0;
		if (r == 0)
			r = set_compare_files(w->disk, &w->old, error);
		if (r < 0 && r != ERR_DATABASE_BACKUP_CORRUPT)
			return r; /* A disk that gives no answer is no proof against the older set. */
		w->old_verified = r == 0;
	}
	if (w->marker_there && !w->old_verified) {
		r = disk_remove(w->disk, w->marker);
		if (r == 0)
			r = checked_sync(w, disk_sync_directory(w->disk, ""));
		if (r < 0)
			return error_set_code(error, r, "cannot remove the marker of a set that is damaged");
		w->marker_there = false;
	}
	/* A log that cannot be read does not say which files are its own: they stay until there is a new set. */
	r = old_named ? remove_unnamed(w, &w->old) : 0;
	return r < 0 ? error_set_code(error, r, "cannot remove what an interrupted backup left behind") : 0;
}

/* Steps 2 and 3.  Where the tail ends is decided once the snapshot is there; the checkpoints are those of that very index. */
static int write_new_files(struct writing *w, struct error *error)
{
	unsigned number = 0;
	int r = list_names(w->disk, &w->before);

	w->writing = r == 0;
	if (r == 0)
		r = choose_number(&w->before, &number);
	if (r < 0)
		return error_set_code(error, r, "cannot find a name for the snapshot");
	r = write_snapshot(w, number, error);
	if (r == 0 && (r = w->source->tail(w->source->data, &w->tail)) < 0)
		return error_set_code(error, r, "cannot take the changes that the set ends with");
	for (size_t i = 0; r == 0 && i < w->tail.blob_count; i++)
		r = write_blob(w, &w->tail.blobs[i], number, error);
	if (r == 0)
		r = write_log(w, error);
	return r;
}

/* Step 4. */
static int prove(struct writing *w, struct set_info *ret, struct error *error)
{
	_cleanup_(set_freep) struct set *s = NULL;
	const struct set_written written = { &w->image, w->source->snapshot };
	struct error story = { 0 };
	int r = w->source->progress != NULL ? w->source->progress(w->source->data, SET_PROVING, w->bytes) : 0;

	if (r < 0)
		return error_set_code(error, r, "cannot go on with the backup");
	r = set_read_through(w->disk, SET_LOG_NEW, &written, &s, &story);
	if (r == 0 && !digest_equal(&s->info.digest, &w->tail.digest))
		r = error_set(&story, ERR_DATABASE_BACKUP_CORRUPT, "its database is another one");
	if (set_was_given_up(r))
		return error_set(error, r, "cannot read the new set back: %s", story.text);
	if (r < 0)
		return error_set(error, r == -ENOMEM ? r : ERR_IO_DEVICE,
		    "the new set does not read back as it was written, the disk is not to be trusted: %s", story.text);
	*ret = s->info;
	return 0;
}

/* Step 6. */
static int commit(struct writing *w, struct error *error)
{
	char old_name[SET_PATH_MAX];
	int r = set_find_name(w->disk, SET_LOG, old_name);

	if (r == -ENOENT)
		(void)snprintf(old_name, sizeof(old_name), SET_LOG);
	else if (r < 0)
		return error_set_code(error, r, "cannot look into the directory");
	r = disk_rename(w->disk, SET_LOG_NEW, old_name);
	if (r < 0)
		return error_set_code(error, r, "cannot put the new set in place of the old one");
	w->renamed = true;
	r = checked_sync(w, disk_sync_directory(w->disk, ""));
	if (r == 0 && !w->marker_there) {
		r = set_create_marker(w->disk, w->source->time);
		if (r == 0)
			r = checked_sync(w, disk_sync_directory(w->disk, ""));
		if (r <
		    0) /* A name whose sync failed may look well until the power goes: the next backup makes it anew. */
			(void)disk_remove(w->disk, SET_MARKER);
	}
	if (r < 0)
		return error_set_code(error, r, "cannot make the new set durable");
	return 0;
}

/* Steps 7 and 8: nothing here can take the set back. */
static bool clean_up(struct writing *w)
{
	_cleanup_(file_closep) struct disk_file *marker = NULL;

	if (w->marker_there && disk_open(w->disk, w->marker, DISK_READ, 0, &marker) == 0)
		(void)file_set_time(marker, w->source->time);
	return remove_unnamed(w, &w->new) == 0;
}

/* How much is missing: what the set needs, less what there is. */
static int full_disk(struct writing *w, struct error *error)
{
	uint64_t need = 64 << 10, free_space = 0, hive;

	if (dbhive_size(db_snapshot_root(w->source->snapshot), &hive) == 0)
		need += hive;
	for (size_t i = 0; i < w->tail.blob_count; i++) {
		struct disk_stat stat;

		if (disk_stat(w->tail.blobs[i].disk, w->tail.blobs[i].name, &stat) == 0)
			need += stat.size;
	}
	(void)disk_free_space(w->disk, &free_space);
	if (free_space >= need)
		return error_set(error, ERR_DISK_FULL,
		    "there is no room although %" PRIu64
		    " bytes are free: the disk has no inodes left, or a quota has been reached",
		    free_space);
	return error_set(error, ERR_DISK_FULL,
	    "the disk is full: the set needs about %" PRIu64 " bytes beside what is there, %" PRIu64
	    " are free, %" PRIu64 " are missing",
	    need, free_space, need - free_space);
}

/* After an error before the commit: what was made goes, the old set stays. */
static void take_back(struct writing *w)
{
	if (w->sync_failed || w->renamed)
		return;
	if (w->new_log != NULL)
		(void)disk_remove(w->disk, SET_LOG_NEW);
	if (!w->writing || list_names(w->disk, &w->there) < 0)
		return;
	for (size_t i = w->there.count; i-- > 0;)
		if (!is_there(&w->before, w->there.names[i]))
			(void)disk_remove(w->disk, w->there.names[i]);
}

static int write_set(struct writing *w, struct set_info *ret, struct error *error)
{
	int r = look_at_old_set(w, error);

	if (r == 0)
		r = write_new_files(w, error);
	if (r == 0 && !(w->flags & SET_NO_VERIFY))
		r = prove(w, ret, error);
	if (r == 0 && (r = w->source->may_commit(w->source->data)) < 0)
		(void)error_set_code(error, r, "the backup may not be finished by this node any more");
	if (r == 0)
		r = commit(w, error);
	if (r < 0) {
		take_back(w);
		return r;
	}
	ret->marker = true;
	ret->left_overs = !clean_up(w);
	return 0;
}

int set_write(
    struct disk *target, const struct set_source *source, unsigned flags, struct set_info *ret, struct error *error)
{
	struct writing *w = calloc(1, sizeof(*w));
	struct error ignored;
	int r;

	if (error == NULL)
		error = &ignored;
	if (w == NULL)
		return error_set_code(error, -ENOMEM, "cannot write a set");
	w->disk = target;
	w->source = source;
	w->flags = flags;
	r = take_locks(w, error);
	if (r == 0)
		r = write_set(w, ret, error);
	if (r == -ENOSPC || r == -EDQUOT)
		r = full_disk(w, error);
	else if (r == -EROFS)
		r = ERR_WRITE_PROTECT;
	file_close(w->old_log);
	file_close(w->new_log);
	image_done(&w->image);
	manifest_done(&w->old);
	manifest_done(&w->new);
	free(w->there.names);
	free(w->before.names);
	free(w);
	return r;
}
