/* write: a tree of files becomes a hive.
 *
 * How      a key for each entry.  Its name is a number: keys are found in any case, and two files whose names differ only
 *          in that would be one key; nor could a key hold each name that a file can have.  The names are values.  Their
 *          own names are such that what describes an entry comes before its data in the order of the hive, so that
 *          both sides work in one pass and keep no file in memory.
 * Promise  the same tree gives the same bytes.
 * Threads  one at a time.      Limits  format.h, and the hive's.
 * Format   docs/formats/file-checkpoint.md         Tests  tests/unit/tree_format.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/filetime.h"
#include "capture/values.h"
#include <stdio.h>
#include <string.h>

struct frame {
	enum tree_kind kind;
	uint32_t children, xattrs;
	char last_child[SOURCE_COMPONENT_MAX + 1], last_xattr[TREE_XATTR_NAME_MAX + 1];
	uint64_t length, end; /* Of the parts so far. */
};

struct tree_writer {
	struct hive_sink sink;
	struct hive_writer *hive; /* From the first entry on, whose time it bears. */
	struct buf scratch;
	int error;
	uint32_t entries;
	size_t depth;
	struct frame frames[TREE_DEPTH_MAX + 1];
};

int files_writer_new(const struct hive_sink *sink, struct tree_writer **ret)
{
	struct tree_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	w->sink = *sink;
	*ret = w;
	return 0;
}

void files_writer_free(struct tree_writer *w)
{
	if (w == NULL)
		return;
	hive_writer_free(w->hive);
	buf_done(&w->scratch);
	free(w);
}

static int stick(struct tree_writer *w, int r)
{
	if (r < 0 && w->error == 0)
		w->error = r;
	return w->error;
}

/* A name of ASCII letters as units; at most VALUE_NAME_UNITS. */
static struct u16 widen(const char *text, char16_t units[VALUE_NAME_UNITS])
{
	size_t len = strlen(text);

	assert(len <= VALUE_NAME_UNITS);
	for (size_t i = 0; i < len; i++)
		units[i] = (char16_t)text[i];
	return (struct u16){ units, len };
}

static int put_value(struct tree_writer *w, const char *name, uint32_t type, const void *data, size_t len)
{
	char16_t units[VALUE_NAME_UNITS];

	return hive_value(w->hive, &(struct hive_value){ widen(name, units), type, data, len });
}

static int put_number(struct tree_writer *w, const char *name, uint32_t number)
{
	uint8_t bytes[4];

	put_le32(bytes, number);
	return put_value(w, name, TYPE_DWORD, bytes, sizeof(bytes));
}

static int put_length(struct tree_writer *w, uint64_t length)
{
	uint8_t bytes[8];

	put_le64(bytes, length);
	return put_value(w, VALUE_LENGTH, TYPE_QWORD, bytes, sizeof(bytes));
}

static int put_time(struct tree_writer *w, const char *name, struct tree_time t)
{
	uint8_t bytes[TIME_BYTES];

	put_le64(bytes, (uint64_t)t.seconds);
	put_le32(bytes + 8, t.nanoseconds);
	return put_value(w, name, TYPE_BINARY, bytes, sizeof(bytes));
}

/* Bytes as escaped text with its terminator. */
static int put_text(struct tree_writer *w, const char *name, const char *text)
{
	w->scratch.len = 0;
	source_escape(text, strlen(text), &w->scratch);
	buf_append_zeros(&w->scratch, sizeof(char16_t));
	if (w->scratch.error < 0)
		return w->scratch.error;
	for (size_t i = 0; i < w->scratch.len; i += sizeof(char16_t)) {
		char16_t unit;

		memcpy(&unit, w->scratch.data + i, sizeof(unit));
		put_le16(w->scratch.data + i, unit);
	}
	return put_value(w, name, TYPE_SZ, w->scratch.data, w->scratch.len);
}

/* For who looks at the hive; a year that a FILETIME does not reach is 0. */
static uint64_t time_of_key(struct tree_time t)
{
	if (t.seconds > (int64_t)1 << 38)
		return 0;
	return filetime_from_timespec((struct timespec){ .tv_sec = t.seconds, .tv_nsec = t.nanoseconds });
}

/* In the order of their names. */
static int put_values(struct tree_writer *w, const struct tree_entry *e, bool is_first)
{
	int r = put_time(w, VALUE_ACCESSED, e->accessed);

	if (r == 0 && is_first)
		r = put_number(w, VALUE_FORMAT, TREE_FORMAT);
	if (r == 0)
		r = put_number(w, VALUE_GROUP, e->group);
	if (r == 0)
		r = put_number(w, VALUE_KIND, e->kind);
	if (r == 0 && e->kind == TREE_FILE)
		r = put_length(w, e->length);
	if (r == 0 && e->kind == TREE_LINK)
		r = put_text(w, VALUE_LINK, e->target);
	if (r == 0)
		r = put_number(w, VALUE_MODE, e->mode);
	if (r == 0)
		r = put_time(w, VALUE_MODIFIED, e->modified);
	if (r == 0 && !is_first)
		r = put_text(w, VALUE_NAME, e->name);
	return r < 0 ? r : put_number(w, VALUE_OWNER, e->owner);
}

static int check_entry(const struct tree_writer *w, const struct tree_entry *e)
{
	const struct frame *parent = w->depth > 0 ? &w->frames[w->depth - 1] : NULL;

	if (parent == NULL && w->entries > 0)
		return -EINVAL;
	if (parent != NULL && (parent->kind != TREE_DIRECTORY || !source_component_is_valid(e->name, strlen(e->name)) ||
				  strcmp(parent->last_child, e->name) >= 0))
		return -EINVAL;
	if ((e->mode & ~(uint32_t)TREE_MODE_BITS) != 0 || e->accessed.nanoseconds >= SECOND_NS ||
	    e->modified.nanoseconds >= SECOND_NS || e->length > INT64_MAX ||
	    (e->kind == TREE_LINK && (e->target[0] == 0 || strlen(e->target) > TREE_TARGET_MAX)))
		return -EINVAL;
	return w->entries == TREE_ENTRIES_MAX || w->depth > TREE_DEPTH_MAX ? -E2BIG : 0;
}

int files_begin(struct tree_writer *w, const struct tree_entry *e)
{
	char number[16];
	char16_t units[VALUE_NAME_UNITS];
	struct hive_key key = { .name = U16(KEY_FIRST), .time = time_of_key(e->modified) };
	bool is_first = w->depth == 0;
	int r = w->error < 0 ? w->error : check_entry(w, e);

	if (r < 0)
		return stick(w, r);
	if (is_first) {
		r = hive_writer_new(&w->sink, key.time, &w->hive);
	} else {
		struct frame *parent = &w->frames[w->depth - 1];

		memcpy(parent->last_child, e->name, strlen(e->name) + 1);
		(void)snprintf(number, sizeof(number), KEY_FORMAT, ++parent->children);
		key.name = widen(number, units);
	}
	if (r == 0)
		r = hive_key_begin(w->hive, &key);
	if (r == 0)
		r = put_values(w, e, is_first);
	if (r < 0)
		return stick(w, r);
	w->frames[w->depth++] = (struct frame){ .kind = e->kind, .length = e->length };
	w->entries++;
	return 0;
}

int files_part(struct tree_writer *w, uint64_t offset, const void *data, size_t len)
{
	struct frame *f = w->depth > 0 ? &w->frames[w->depth - 1] : NULL;
	char name[VALUE_NAME_UNITS + 1];

	if (w->error < 0)
		return w->error;
	if (f == NULL || f->kind != TREE_FILE || len == 0 || len > TREE_PART_MAX || offset < f->end ||
	    offset > f->length || len > f->length - offset || f->xattrs > 0)
		return stick(w, -EINVAL);
	f->end = offset + len;
	(void)snprintf(name, sizeof(name), PART_FORMAT, offset);
	return stick(w, put_value(w, name, TYPE_BINARY, data, len));
}

int files_xattr(struct tree_writer *w, const char *name, const void *value, size_t len)
{
	struct frame *f = w->depth > 0 ? &w->frames[w->depth - 1] : NULL;
	char number[VALUE_NAME_UNITS + 1];
	size_t name_len = strlen(name);

	if (w->error < 0)
		return w->error;
	if (f == NULL || f->children > 0 || name_len == 0 || name_len > TREE_XATTR_NAME_MAX ||
	    strcmp(f->last_xattr, name) >= 0)
		return stick(w, -EINVAL);
	if (f->xattrs == TREE_XATTRS_MAX || len > TREE_XATTR_VALUE_MAX)
		return stick(w, -E2BIG);
	memcpy(f->last_xattr, name, name_len + 1);
	w->scratch.len = 0;
	buf_append(&w->scratch, name, name_len + 1);
	buf_append(&w->scratch, value, len);
	if (w->scratch.error < 0)
		return stick(w, w->scratch.error);
	(void)snprintf(number, sizeof(number), XATTR_FORMAT, ++f->xattrs);
	return stick(w, put_value(w, number, TYPE_BINARY, w->scratch.data, w->scratch.len));
}

int files_end(struct tree_writer *w)
{
	if (w->error < 0)
		return w->error;
	if (w->depth == 0)
		return stick(w, -EINVAL);
	w->depth--;
	return stick(w, hive_key_end(w->hive));
}

int files_writer_finish(struct tree_writer *w, uint64_t *ret_size)
{
	if (w->error < 0)
		return w->error;
	if (w->depth > 0 || w->entries == 0)
		return stick(w, -EINVAL);
	return stick(w, hive_writer_finish(w->hive, ret_size));
}
