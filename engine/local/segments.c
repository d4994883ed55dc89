/* segments: the directory of the embedded log.
 *
 * How      FIRST.log         a segment, named by the index of its first event, 16 hexadecimal digits
 *          next.tmp          the next segment, preallocated, or a left-over of one: never read
 *          lock              locked while a process uses the log
 *
 *          Segments are contiguous: each continues the index and the term at which the one before it ends.  A segment
 *          gets its name when its header is durable and the segment before it is so to its end: only the newest can
 *          have a torn tail.  They are removed oldest first, each removal synced, so no crash leaves a gap.
 * Start    A process that died may have left its last batch in the page cache only, and one that died of a failed sync
 *          may have left pages there that the disk never got and the kernel believes clean.  So everything is synced,
 *          and then read from the disk instead of the cache, before anybody is shown it.  Likewise for names: only a
 *          record in a segment proves that its name is durable.
 * Promise  segments_open() succeeds after every crash, and never passes over a record that was acknowledged.
 * Not kept against a torn write that ruins its sector outside of what it wrote, nor if the last batch rots after a power
 *          cut has taken the mark behind it.
 * Threads  as the header says.    Limits  a segment has at most ENGINE_LOCAL_SEGMENT_MAX bytes.
 * Format   docs/formats/quolog.md      Tests  tests/crash/local.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/local/segments.h"
#include "engine/local/local.h"
#include <inttypes.h>
#include <stdio.h>

static const char spare_name[] = "next.tmp", lock_name[] = "lock", suffix[] = ".log";

enum { NAME_DIGITS = 16 };

void segments_name(uint64_t first, char name[SEGMENTS_NAME_SIZE])
{
	(void)snprintf(name, SEGMENTS_NAME_SIZE, "%016" PRIx64 "%s", first, suffix);
}

/* 1: a segment's name, 0: no business of ours, negative: like one, but not one. */
static int parse_name(const char *name, uint64_t *ret)
{
	size_t len = strlen(name);
	uint64_t first = 0;

	if (len < strlen(suffix) || strcmp(name + len - strlen(suffix), suffix) != 0)
		return 0;
	if (len != NAME_DIGITS + strlen(suffix))
		return -EBADMSG;
	for (size_t i = 0; i < NAME_DIGITS; i++) {
		const char *digits = "0123456789abcdef", *digit = strchr(digits, name[i]);

		if (digit == NULL)
			return -EBADMSG;
		first = first << 4 | (uint64_t)(digit - digits);
	}
	*ret = first;
	return 1;
}

void segments_encode_header(struct buf *out, const struct quolog_header *header)
{
	_cleanup_(buf_done) struct buf payload = { 0 };
	struct quolog_record record = {
		.type = QUOLOG_HEADER,
		.index = header->snapshot,
		.durable = header->snapshot,
	};

	quolog_header_encode(&payload, header);
	if (payload.error != 0) {
		out->error = payload.error;
		return;
	}
	record.payload = payload.data;
	record.len = payload.len;
	quolog_record_encode(out, 0, &record);
}

int segments_make_spare(struct disk *disk, size_t segment_size, struct disk_file **ret)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	int r;

	r = disk_open(disk, spare_name, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f);
	if (r < 0)
		return r;
	r = file_preallocate(f, segment_size);
	if (r >= 0)
		r = file_sync(f);
	if (r < 0) {
		(void)disk_remove(disk, spare_name); /* It may hold the last free blocks. */
		return r;
	}
	*ret = TAKE_PTR(f);
	return 0;
}

int segments_roll(
    struct disk *disk, struct disk_file *old, struct disk_file *spare, uint64_t first, const struct buf *head)
{
	char name[SEGMENTS_NAME_SIZE];
	int r;

	segments_name(first, name);
	/* The durable mark at the old one's end has not been synced yet: a torn one would look like damage there. */
	r = old != NULL ? file_sync(old) : 0;
	if (r >= 0)
		r = file_write(spare, 0, head->data, head->len);
	if (r >= 0)
		r = file_sync(spare);
	if (r >= 0)
		r = disk_rename(disk, spare_name, name);
	if (r >= 0)
		r = disk_sync_directory(disk, "");
	return r;
}

int segments_remove(struct disk *disk, uint64_t first)
{
	char name[SEGMENTS_NAME_SIZE];
	int r;

	segments_name(first, name);
	r = disk_remove(disk, name);
	return r < 0 ? r : disk_sync_directory(disk, "");
}

int segments_reserve(struct segments *s)
{
	uint64_t *firsts;

	if (s->count < s->capacity)
		return 0;
	firsts = realloc(s->firsts, (s->capacity + 64) * sizeof(*firsts));
	if (firsts == NULL)
		return -ENOMEM;
	s->firsts = firsts;
	s->capacity += 64;
	return 0;
}

void segments_rolled(
    struct segments *s, struct disk_file *file, const struct quolog_header *header, size_t end, size_t room)
{
	assert(s->count < s->capacity && header->snapshot == s->last);

	file_close(s->file);
	s->file = file;
	s->firsts[s->count++] = header->snapshot + 1;
	s->header = *header;
	s->end = end;
	s->room = room;
}

void segments_removed(struct segments *s, size_t count)
{
	assert(count < s->count);
	memmove(s->firsts, s->firsts + count, (s->count - count) * sizeof(*s->firsts));
	s->count -= count;
}

int segments_read(struct disk *disk, uint64_t first, uint8_t **ret, size_t *ret_len)
{
	char name[SEGMENTS_NAME_SIZE];

	segments_name(first, name);
	return disk_read_file(disk, name, ENGINE_LOCAL_SEGMENT_MAX, ret, ret_len);
}

static int lock_directory(struct disk *disk, struct disk_file **ret, struct error *error)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	int r;

	r = disk_open(disk, lock_name, DISK_READ | DISK_WRITE | DISK_CREATE, 0600, &f);
	if (r < 0)
		return error_set_code(error, r, "cannot open the file 'lock' beside the log");
	r = file_lock(f);
	if (r == -EWOULDBLOCK)
		return error_set(error, ERR_BUSY, "another process uses the log");
	if (r < 0)
		return error_set_code(error, r, "cannot lock the file 'lock' beside the log");
	*ret = TAKE_PTR(f);
	return 0;
}

struct listing {
	struct segments *segments;
	struct error *error;
};

static int on_entry(void *data, const char *name, enum disk_kind kind)
{
	struct listing *listing = data;
	uint64_t first = 0;
	int r;

	r = parse_name(name, &first);
	if (r == 0)
		return 0;
	if (r < 0 || kind != DISK_FILE)
		return error_set(listing->error, ERR_CLUSTERLOG_CORRUPT,
		    "'%.200s' beside the log is not a segment of it; move it away", name);
	r = segments_reserve(listing->segments);
	if (r < 0)
		return error_set_code(listing->error, r, "cannot list the log");
	listing->segments->firsts[listing->segments->count++] = first;
	return 0;
}

static int compare_firsts(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int list_segments(struct segments *s, struct error *error)
{
	struct error story = { 0 };
	struct listing listing = { s, &story };
	int r;

	r = disk_list(s->disk, "", on_entry, &listing);
	if (r < 0 && story.code == 0)
		return error_set_code(error, r, "cannot list the directory of the log");
	if (r < 0)
		return error_set(error, story.code, "%s", story.text);
	if (s->count > 0)
		qsort(s->firsts, s->count, sizeof(*s->firsts), compare_firsts);
	return 0;
}

int segments_create(struct disk *disk, const struct quolog_header *header, size_t segment_size, struct error *error)
{
	_cleanup_(segments_close) struct segments s = { .disk = disk };
	_cleanup_(file_closep) struct disk_file *file = NULL;
	_cleanup_(buf_done) struct buf head = { 0 };
	int r;

	r = lock_directory(disk, &s.lock, error);
	if (r < 0)
		return r;
	r = list_segments(&s, error);
	if (r < 0)
		return r;
	if (s.count > 0)
		return error_set(error, ERR_ALREADY_EXISTS, "the directory has a log already");
	segments_encode_header(&head, header);
	r = head.error;
	if (r >= 0)
		r = segments_make_spare(disk, segment_size, &file);
	if (r >= 0)
		r = segments_roll(disk, NULL, file, header->snapshot + 1, &head);
	return r < 0 ? error_set_code(error, r, "cannot create the log") : 0;
}

/* One segment as it is on the disk, for checking. */
struct loaded {
	struct disk_file *file;
	uint8_t *bytes;
	size_t len;
	struct quolog_segment segment;
};

static void loaded_free(struct loaded *l)
{
	if (l == NULL)
		return;
	file_close(l->file);
	free(l->bytes);
	free(l);
}
DEFINE_FREEP(struct loaded, loaded_free)

static int load_bytes(struct disk *disk, const char *name, struct loaded *l)
{
	uint64_t size;
	int r;

	r = disk_open(disk, name, DISK_READ | DISK_WRITE, 0, &l->file);
	/* Nothing may be shown, and so acted upon, that a power cut could take back; nor what a sync that has failed left
	 * in the cache and nowhere else. */
	if (r >= 0)
		r = file_sync(l->file);
	if (r >= 0)
		r = file_drop_cache(l->file);
	if (r >= 0)
		r = file_size(l->file, &size);
	if (r < 0)
		return r;
	if (size > ENGINE_LOCAL_SEGMENT_MAX)
		return -EFBIG;
	l->len = (size_t)size;
	l->bytes = malloc(MAX(l->len, (size_t)1));
	if (l->bytes == NULL)
		return -ENOMEM;
	return file_read(l->file, 0, l->bytes, l->len);
}

static int refuse(struct error *error, const char *name, const char *why)
{
	return error_set(error, ERR_CLUSTERLOG_CORRUPT,
	    "the log file %s is damaged: %s.  Nothing has been changed.  Restore the latest backup (rueda restore)",
	    name, why);
}

static int load(struct disk *disk, uint64_t first, struct loaded **ret, struct error *error)
{
	_cleanup_(loaded_freep) struct loaded *l = calloc(1, sizeof(*l));
	char name[SEGMENTS_NAME_SIZE];
	struct error why;
	int r;

	segments_name(first, name);
	r = l != NULL ? load_bytes(disk, name, l) : -ENOMEM;
	if (r < 0)
		return error_set_code(error, r, "cannot read the log file %s", name);
	r = quolog_segment_scan(l->bytes, l->len, NULL, NULL, &l->segment, &why);
	if (r == -EBADMSG)
		return refuse(error, name, why.text);
	if (r < 0)
		return error_set(error, r, "the log file %s cannot be used: %s", name, why.text);
	if (l->segment.first != first)
		return refuse(error, name, "its name does not belong to its content");
	*ret = TAKE_PTR(l);
	return 0;
}

/* Segment i does not continue the one before it, but the caller's state does reach it: what is before i has been removed,
 * and a directory sync that failed, or a power cut, has brought a part of it back. */
static int remove_before(struct segments *s, size_t i, struct error *error)
{
	for (; i > 0; i--) {
		int r = segments_remove(s->disk, s->firsts[0]);

		if (r < 0)
			return error_set_code(error, r, "cannot remove an old segment of the log");
		segments_removed(s, 1);
	}
	return 0;
}

/* Does this segment continue the log that ends as *s says? */
static int check_order(const struct segments *s, const struct loaded *l, struct error *error)
{
	const struct quolog_header *before = &s->header, *here = &l->segment.header;
	char name[SEGMENTS_NAME_SIZE], why[160];

	segments_name(l->segment.first, name);
	if (!guid_equal(&before->generation.id, &here->generation.id) ||
	    !guid_equal(&before->instance, &here->instance))
		return refuse(error, name, "it belongs to another cluster or generation than the file before it");
	if (here->snapshot != s->last) {
		(void)snprintf(why, sizeof(why),
		    "it begins behind index %" PRIu64 ", but the file before it ends at %" PRIu64, here->snapshot,
		    s->last);
		return refuse(error, name, why);
	}
	if (here->term != s->term)
		return refuse(error, name, "its term is not that at the end of the file before it");
	return 0;
}

static int check_whole(const struct loaded *l, bool newest, struct error *error)
{
	char name[SEGMENTS_NAME_SIZE], why[160];

	segments_name(l->segment.first, name);
	if (l->segment.sealed)
		return error_set(error, ERR_INVALID_STATE,
		    "the log is sealed at index %" PRIu64
		    " (%s): it continues in another engine, which this version does not "
		    "have.  Nothing has been changed",
		    l->segment.last, name);
	if (!newest && l->segment.used > l->segment.end) {
		(void)snprintf(why, sizeof(why), "offset %zu: there should be nothing behind index %" PRIu64,
		    l->segment.end, l->segment.last);
		return refuse(error, name, why);
	}
	return 0;
}

/* An empty newest segment may have a name that is only in the memory of this machine: the process that gave it has not
 * lived, or has not been able, to see it durable.  Give it again; if that is cut short, it is gone, which is as good. */
static int renew_name(struct segments *s, struct error *error)
{
	char name[SEGMENTS_NAME_SIZE];
	int r;

	segments_name(s->firsts[s->count - 1], name);
	r = disk_rename(s->disk, name, spare_name);
	if (r >= 0)
		r = disk_rename(s->disk, spare_name, name);
	if (r >= 0)
		r = disk_sync_directory(s->disk, "");
	return r < 0 ? error_set_code(error, r, "cannot make the name of the log file %s durable", name) : 0;
}

/* The newest segment: what is torn becomes zeros, lest it be taken for a continuation of what is written in front of it
 * later, and there is room again. */
static int repair(struct loaded *l, size_t segment_size)
{
	size_t end = l->segment.end, used = MIN(l->segment.used, l->len);
	int r;

	if (used > end) {
		memset(l->bytes + end, 0, used - end);
		r = file_write(l->file, end, l->bytes + end, used - end);
		if (r >= 0)
			r = file_sync(l->file);
		if (r < 0)
			return r;
	}
	if (l->len < segment_size) {
		r = file_preallocate(l->file, segment_size);
		if (r == -ENOSPC)
			return 0; /* It goes on with what room there is. */
		if (r >= 0)
			r = file_sync(l->file);
		if (r < 0)
			return r;
		l->len = segment_size;
	}
	return 0;
}

static int open_locked(struct segments *s, size_t segment_size, uint64_t applied, struct error *error)
{
	int r;

	r = disk_sync_directory(s->disk, ""); /* A dead process may have left a name that is not durable. */
	if (r < 0)
		return error_set_code(error, r, "cannot sync the directory of the log");
	r = list_segments(s, error);
	if (r < 0)
		return r;
	if (s->count == 0)
		return error_set(error, ERR_CLUSTER_QUORUMLOG_NOT_FOUND,
		    "the directory of the log has no segment.  Restore the latest backup (rueda restore)");
	r = disk_remove(s->disk, spare_name);
	if (r < 0 && r != -ENOENT)
		return error_set_code(error, r, "cannot remove %s beside the log", spare_name);
	for (size_t i = 0; i < s->count; i++) {
		_cleanup_(loaded_freep) struct loaded *l = NULL;
		bool newest = i + 1 == s->count;

		r = load(s->disk, s->firsts[i], &l, error);
		if (r >= 0 && i > 0 && l->segment.header.snapshot > s->last && l->segment.header.snapshot <= applied) {
			r = remove_before(s, i, error);
			i = 0;
		} else if (r >= 0 && i > 0) {
			r = check_order(s, l, error);
		}
		if (r >= 0)
			r = check_whole(l, newest, error);
		if (r < 0)
			return r;
		if (newest && s->count > 1 && l->segment.last < l->segment.first) {
			r = renew_name(s, error);
			if (r < 0)
				return r;
		}
		if (newest) {
			r = repair(l, segment_size);
			if (r < 0)
				return error_set_code(error, r, "cannot make the end of the log durable");
			s->file = TAKE_PTR(l->file);
		}
		s->header = l->segment.header;
		s->last = l->segment.last;
		s->term = l->segment.term;
		s->end = l->segment.end;
		s->room = l->len;
	}
	return 0;
}

int segments_open(struct segments *s, struct disk *disk, size_t segment_size, uint64_t applied, struct error *error)
{
	int r;

	assert(s->disk == NULL);
	s->disk = disk;
	r = lock_directory(disk, &s->lock, error);
	if (r >= 0)
		r = open_locked(s, segment_size, applied, error);
	if (r < 0)
		segments_close(s);
	return r;
}

void segments_close(struct segments *s)
{
	file_close(s->file);
	file_close(s->lock);
	free(s->firsts);
	*s = (struct segments){ 0 };
}
