/* read: the hive of a file checkpoint is checked against its format and shown as a tree of files.
 *
 * Why      a blob comes back from a backup set that others may have written, and is carried out by a process with root's
 *          rights: what is not exactly such a tree must never get as far as a file.
 * How      the strict reader of hives shows keys and values in order.  What describes an entry is collected until its first
 *          part, attribute or entry below, or its end; then it must be complete, and is told.
 * Promise  what is told follows the limits of format.h: names are good and ascend, parts ascend within the length,
 *          attributes ascend, depth and number are bounded; only directories have entries, only files parts.
 * Threads  all functions.      Limits  format.h
 * Format   docs/formats/file-checkpoint.md         Tests  tests/unit/tree_format.c, tests/fuzz/tree.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "capture/values.h"
#include <stdio.h>
#include <string.h>

/* Which of the values that describe an entry have been seen. */
enum seen {
	SEEN_ACCESSED = 1,
	SEEN_FORMAT = 2,
	SEEN_GROUP = 4,
	SEEN_KIND = 8,
	SEEN_LENGTH = 16,
	SEEN_LINK = 32,
	SEEN_MODE = 64,
	SEEN_MODIFIED = 128,
	SEEN_NAME = 256,
	SEEN_OWNER = 512,
	SEEN_ALWAYS = SEEN_ACCESSED | SEEN_GROUP | SEEN_KIND | SEEN_MODE | SEEN_MODIFIED | SEEN_OWNER,
};

struct frame {
	enum tree_kind kind;
	uint32_t children, xattrs;
	char last_child[SOURCE_COMPONENT_MAX + 1], last_xattr[TREE_XATTR_NAME_MAX + 1];
	uint64_t length, end;
};

struct reader {
	const struct tree_visitor *visitor;
	struct error *error;
	uint32_t entries;
	bool pending; /* The entry on top has not been told yet; what has been seen of it: */
	unsigned seen;
	struct tree_entry entry;
	struct buf name, target; /* Its texts. */
	size_t depth;
	struct frame frames[TREE_DEPTH_MAX + 1];
};

static int bad(struct reader *r, const char *what)
{
	return error_set(r->error, ERR_INVALID_DATA, "this is not the hive of a file checkpoint: %s", what);
}

static int no_memory(struct reader *r)
{
	return error_set_code(r->error, -ENOMEM, "cannot read a file checkpoint");
}

static struct frame *top(struct reader *r)
{
	return &r->frames[r->depth - 1];
}

static bool is_named(struct u16 name, const char *text)
{
	size_t len = strlen(text);

	if (name.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name.units[i] != (char16_t)(unsigned char)text[i])
			return false;
	return true;
}

/* PREFIX and digits hexadecimal digits, as written. */
static bool is_numbered(struct u16 name, const char *prefix, size_t digits, uint64_t *ret)
{
	size_t at = strlen(prefix);
	uint64_t n = 0;

	if (name.len != at + digits || !is_named((struct u16){ name.units, at }, prefix))
		return false;
	for (; at < name.len; at++) {
		char16_t c = name.units[at];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F')))
			return false;
		n = n << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'A' + 10);
	}
	*ret = n;
	return true;
}

/* Escaped text with its terminator, as bytes with theirs. */
static int get_text(struct reader *r, const struct hive_value *v, struct buf *ret, const char **ret_text)
{
	size_t len = v->len / sizeof(char16_t);
	_cleanup_free_ char16_t *units = malloc(MAX(v->len, (size_t)1));
	int result;

	if (units == NULL)
		return no_memory(r);
	for (size_t i = 0; i < len; i++)
		units[i] = get_le16(v->data + i * sizeof(char16_t));
	if (v->type != TYPE_SZ || v->len % sizeof(char16_t) != 0 || len < 2 || units[len - 1] != 0)
		return bad(r, "a text is none");
	ret->len = 0;
	result = source_unescape((struct u16){ units, len - 1 }, ret);
	buf_u8(ret, 0);
	if (ret->error < 0)
		return no_memory(r);
	if (result < 0)
		return bad(r, "a text is not escaped as it must be");
	*ret_text = (const char *)ret->data;
	return 0;
}

static int get_time(struct reader *r, const struct hive_value *v, struct tree_time *ret)
{
	if (v->type != TYPE_BINARY || v->len != TIME_BYTES || get_le32(v->data + 8) >= SECOND_NS)
		return bad(r, "a time is none");
	*ret = (struct tree_time){ (int64_t)get_le64(v->data), get_le32(v->data + 8) };
	return 0;
}

static int get_number(struct reader *r, const struct hive_value *v, uint32_t min, uint32_t max, uint32_t *ret)
{
	if (v->type != TYPE_DWORD || v->len != sizeof(uint32_t) || get_le32(v->data) < min || get_le32(v->data) > max)
		return bad(r, "a number is not one that can be there");
	*ret = get_le32(v->data);
	return 0;
}

static int get_length(struct reader *r, const struct hive_value *v)
{
	if (v->type != TYPE_QWORD || v->len != sizeof(uint64_t) || get_le64(v->data) > INT64_MAX)
		return bad(r, "a length is none");
	r->entry.length = get_le64(v->data);
	return 0;
}

/* One of the values that describe the entry. */
static int get_description(struct reader *r, const struct hive_value *v, unsigned what)
{
	struct tree_entry *e = &r->entry;
	uint32_t n = 0;
	int result;

	switch (what) {
	case SEEN_ACCESSED:
		return get_time(r, v, &e->accessed);
	case SEEN_FORMAT:
		return get_number(r, v, TREE_FORMAT, TREE_FORMAT, &n);
	case SEEN_GROUP:
		return get_number(r, v, 0, UINT32_MAX - 1, &e->group);
	case SEEN_KIND:
		result = get_number(r, v, TREE_FILE, TREE_LINK, &n);
		e->kind = n;
		return result;
	case SEEN_LENGTH:
		return get_length(r, v);
	case SEEN_LINK:
		return get_text(r, v, &r->target, &e->target);
	case SEEN_MODE:
		return get_number(r, v, 0, TREE_MODE_BITS, &e->mode);
	case SEEN_MODIFIED:
		return get_time(r, v, &e->modified);
	case SEEN_NAME:
		return get_text(r, v, &r->name, &e->name);
	default:
		assert(what == SEEN_OWNER);
		return get_number(r, v, 0, UINT32_MAX - 1, &e->owner);
	}
}

/* The entry on top is known: tell it, unless that has been done. */
static int announce(struct reader *r)
{
	struct frame *f = top(r), *parent = r->depth > 1 ? f - 1 : NULL;
	unsigned due = SEEN_ALWAYS | (parent == NULL ? SEEN_FORMAT : SEEN_NAME);

	if (!r->pending)
		return 0;
	due |= r->entry.kind == TREE_FILE ? SEEN_LENGTH : r->entry.kind == TREE_LINK ? SEEN_LINK : 0;
	if (r->seen != due)
		return bad(r, "an entry lacks something, or has something that its kind has not");
	if (parent != NULL) {
		size_t len = strlen(r->entry.name);

		if (!source_component_is_valid(r->entry.name, len) || r->name.len != len + 1)
			return bad(r, "a name is none of a file");
		if (strcmp(parent->last_child, r->entry.name) >= 0)
			return bad(r, "the names of a directory are not in order");
		memcpy(parent->last_child, r->entry.name, len + 1);
	}
	if (r->entry.kind == TREE_LINK && strlen(r->entry.target) > TREE_TARGET_MAX)
		return bad(r, "the target of a link is too long");
	r->pending = false;
	f->kind = r->entry.kind;
	f->length = r->entry.length;
	return r->visitor->begin != NULL ? r->visitor->begin(r->visitor->data, &r->entry) : 0;
}

static int on_part(struct reader *r, const struct hive_value *v, uint64_t offset)
{
	struct frame *f = top(r);
	int result = announce(r);

	if (result < 0)
		return result;
	if (f->kind != TREE_FILE || v->type != TYPE_BINARY || v->len == 0 || v->len > TREE_PART_MAX ||
	    offset < f->end || offset > f->length || v->len > f->length - offset)
		return bad(r, "a part of a file's data is where it cannot be");
	f->end = offset + v->len;
	return r->visitor->part != NULL ? r->visitor->part(r->visitor->data, offset, v->data, v->len) : 0;
}

static int on_xattr(struct reader *r, const struct hive_value *v, uint64_t number)
{
	struct frame *f = top(r);
	size_t name_len;
	int result = announce(r);

	if (result < 0)
		return result;
	name_len = strnlen((const char *)v->data, v->len);
	if (f->kind == TREE_LINK || v->type != TYPE_BINARY || number != ++f->xattrs || number > TREE_XATTRS_MAX ||
	    name_len == 0 || name_len > TREE_XATTR_NAME_MAX || name_len == v->len ||
	    v->len - name_len - 1 > TREE_XATTR_VALUE_MAX || strcmp(f->last_xattr, (const char *)v->data) >= 0)
		return bad(r, "an extended attribute is none, or out of order");
	memcpy(f->last_xattr, v->data, name_len + 1);
	return r->visitor->xattr != NULL
		   ? r->visitor->xattr(r->visitor->data, f->last_xattr, v->data + name_len + 1, v->len - name_len - 1)
		   : 0;
}

static int on_value(void *data, const struct hive_value *v)
{
	static const char *const names[] = { VALUE_ACCESSED, VALUE_FORMAT, VALUE_GROUP, VALUE_KIND, VALUE_LENGTH,
		VALUE_LINK, VALUE_MODE, VALUE_MODIFIED, VALUE_NAME, VALUE_OWNER };
	struct reader *r = data;
	uint64_t number;

	static_assert(1 << (ARRAY_SIZE(names) - 1) == SEEN_OWNER, "a bit for each name, in their order");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (!is_named(v->name, names[i]))
			continue;
		if (!r->pending || (r->seen & 1u << i) != 0)
			return bad(r, "what describes an entry is not before its data");
		r->seen |= 1u << i;
		return get_description(r, v, 1u << i);
	}
	if (is_numbered(v->name, "Part", 16, &number))
		return on_part(r, v, number);
	if (is_numbered(v->name, "Xattr", 4, &number))
		return on_xattr(r, v, number);
	return bad(r, "it has a value that none has");
}

static int on_key_begin(void *data, const struct hive_key *key)
{
	struct reader *r = data;
	uint64_t number;

	if (r->depth > 0) {
		int result = announce(r);

		if (result < 0)
			return result;
		if (top(r)->kind != TREE_DIRECTORY)
			return bad(r, "an entry that is no directory has entries");
		if (!is_numbered(key->name, "", 8, &number) || number != ++top(r)->children)
			return bad(r, "the keys are not numbered");
	}
	if (r->depth == ARRAY_SIZE(r->frames) || r->entries == TREE_ENTRIES_MAX)
		return bad(r, "it is too deep, or has too many entries");
	r->frames[r->depth++] = (struct frame){ 0 };
	r->entries++;
	r->pending = true;
	r->seen = 0;
	r->entry = (struct tree_entry){ .name = "", .target = "" };
	return 0;
}

static int on_key_end(void *data)
{
	struct reader *r = data;
	int result = announce(r);

	if (result < 0)
		return result;
	r->depth--;
	return r->visitor->end != NULL ? r->visitor->end(r->visitor->data) : 0;
}

int files_read(const void *hive, size_t len, const struct tree_visitor *visitor, struct error *error)
{
	_cleanup_free_ struct reader *r = calloc(1, sizeof(*r));
	struct error story = { 0 }, hives = { 0 };
	struct hive_visitor keys = { on_key_begin, on_value, on_key_end, r };
	int result;

	if (r == NULL)
		return error_set_code(error, -ENOMEM, "cannot read a file checkpoint");
	r->visitor = visitor;
	r->error = &story;
	result = hive_read(hive, len, 0, &keys, &hives);
	buf_done(&r->name);
	buf_done(&r->target);
	if (result == 0)
		return 0;
	if (story.code != 0)
		return error_set(error, result, "%s", story.text);
	if (hives.code != 0)
		return error_set(error, result, "%s", hives.text);
	return error_set_code(
	    error, result, "cannot read a file checkpoint"); /* The visitor's own: it has told more. */
}
