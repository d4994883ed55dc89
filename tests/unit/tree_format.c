/* tree_format: a tree is read as it was written; what is not exactly such a tree is refused before anything is done with it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "capture/values.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/hives.h"
#include <stdio.h>

/* The same lines are written by who makes a tree and by who reads it. */
static void line(struct buf *text, const char *what, const void *data, size_t len)
{
	buf_append(text, what, strlen(what));
	buf_u64(text, len);
	buf_append(text, data, len);
}

static void line_entry(struct buf *text, const struct tree_entry *e)
{
	const uint64_t numbers[] = { e->kind, e->mode, e->owner, e->group, (uint64_t)e->accessed.seconds,
		e->accessed.nanoseconds, (uint64_t)e->modified.seconds, e->modified.nanoseconds, e->length };

	line(text, "begin", e->name, strlen(e->name));
	line(text, "target", e->target, strlen(e->target));
	line(text, "numbers", numbers, sizeof(numbers));
}

struct author {
	struct hive_file file;
	struct tree_writer *w;
	struct buf text;
	int error;
};

static void note(struct author *a, int r)
{
	if (a->error == 0)
		a->error = r;
}

static void begin(struct author *a, const char *name, enum tree_kind kind, uint64_t length, const char *target)
{
	struct tree_entry e = { kind, name, target, 06543, 1, 4294967294u, { -5, 999999999 }, { 1 << 30, 7 }, length };

	line_entry(&a->text, &e);
	note(a, files_begin(a->w, &e));
}

static void part(struct author *a, uint64_t offset, size_t len)
{
	static uint8_t data[TREE_PART_MAX + 1];

	memset(data, (int)offset + 1, sizeof(data));
	line(&a->text, "part", &offset, sizeof(offset));
	line(&a->text, "", data, len);
	note(a, files_part(a->w, offset, data, len));
}

static void xattr(struct author *a, const char *name, const char *value, size_t len)
{
	line(&a->text, "xattr", name, strlen(name));
	line(&a->text, "", value, len);
	note(a, files_xattr(a->w, name, value, len));
}

static void end(struct author *a)
{
	line(&a->text, "end", "", 0);
	note(a, files_end(a->w));
}

static void open_author(struct author *a)
{
	struct hive_sink sink;

	*a = (struct author){ 0 };
	sink = hive_file_sink(&a->file);
	note(a, files_writer_new(&sink, &a->w));
}

static int finish(struct author *a)
{
	uint64_t size;

	if (a->error == 0)
		note(a, files_writer_finish(a->w, &size));
	files_writer_free(a->w);
	a->w = NULL;
	return a->error;
}

static void author_free(struct author *a)
{
	files_writer_free(a->w);
	buf_done(&a->file.bytes);
	buf_done(&a->text);
}

static void write_sample(struct author *a)
{
	open_author(a);
	if (a->error < 0)
		return;
	begin(a, "", TREE_DIRECTORY, 0, "");
	xattr(a, "user.A", "", 0);
	xattr(a, "user.a", "\0\1\2", 3);
	begin(a, "%\\\xff\n", TREE_FILE, 1 << 20, "");
	part(a, 0, 3);
	part(a, 5, TREE_PART_MAX);
	part(a, (1 << 20) - 1, 1);
	xattr(a, "user.x", "y", 1);
	end(a);
	begin(a, "README", TREE_FILE, UINT64_C(1) << 62, "");
	end(a);
	begin(a, "link", TREE_LINK, 0, "../\xe9 /%");
	end(a);
	begin(a, "readme", TREE_DIRECTORY, 0, "");
	begin(a, "x", TREE_DIRECTORY, 0, "");
	end(a);
	end(a);
	end(a);
}

static int on_begin(void *data, const struct tree_entry *e)
{
	line_entry(data, e);
	return 0;
}

static int on_part(void *data, uint64_t offset, const void *bytes, size_t len)
{
	line(data, "part", &offset, sizeof(offset));
	line(data, "", bytes, len);
	return 0;
}

static int on_xattr(void *data, const char *name, const void *value, size_t len)
{
	line(data, "xattr", name, strlen(name));
	line(data, "", value, len);
	return 0;
}

static int on_end(void *data)
{
	line(data, "end", "", 0);
	return 0;
}

static int read_text(const struct buf *hive, struct buf *text, struct error *e)
{
	struct tree_visitor v = { on_begin, on_part, on_xattr, on_end, text };

	return files_read(hive->data, hive->len, &v, e);
}

TEST(what_is_written_is_read)
{
	struct buf text = { 0 };
	struct error e = { 0 };
	struct author a;

	write_sample(&a);
	CHECK_INT(finish(&a), 0);
	if (read_text(&a.file.bytes, &text, &e) < 0)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	CHECK_INT(text.len, a.text.len);
	CHECK_MEM(text.data, a.text.data, text.len);
	buf_done(&text);
	author_free(&a);
}

/* A directory with one file, of which each thing can be another. */
struct variant {
	struct tree_time accessed, modified;
	uint32_t mode, owner, group;
	const char *name, *data, *xattr, *value;
	uint64_t length, offset;
};

static const struct variant plain = { { 5, 6 }, { 7, 8 }, 0644, 1, 2, "file", "data", "user.x", "y", 100, 10 };

static void write_variant(const struct variant *v, struct author *a)
{
	struct tree_entry directory = { TREE_DIRECTORY, "", "", 0755, 1, 2, v->accessed, { 7, 8 }, 0 };
	struct tree_entry file = { TREE_FILE, v->name, "", v->mode, v->owner, v->group, v->accessed, v->modified,
		v->length };

	open_author(a);
	note(a, files_begin(a->w, &directory));
	note(a, files_begin(a->w, &file));
	note(a, files_part(a->w, v->offset, v->data, 4));
	note(a, files_xattr(a->w, v->xattr, v->value, 1));
	note(a, files_end(a->w));
	note(a, files_end(a->w));
	CHECK_INT(finish(a), 0);
}

/* Whether it is the same tree as the plain one; its bytes are others. */
static bool is_as_plain(struct variant v)
{
	struct author a, b;
	bool same;

	write_variant(&plain, &a);
	write_variant(&v, &b);
	CHECK(a.file.bytes.len != b.file.bytes.len ||
	      memcmp(a.file.bytes.data, b.file.bytes.data, a.file.bytes.len) != 0);
	same = files_same(a.file.bytes.data, a.file.bytes.len, b.file.bytes.data, b.file.bytes.len);
	author_free(&a);
	author_free(&b);
	return same;
}

#define VARIANT(...)                                                                                                   \
	({                                                                                                             \
		struct variant v = plain;                                                                              \
		__VA_ARGS__;                                                                                           \
		v;                                                                                                     \
	})

TEST(trees_are_the_same_if_nothing_but_times_of_access_differs)
{
	CHECK(is_as_plain(VARIANT(v.accessed.seconds++)));
	CHECK(is_as_plain(VARIANT(v.accessed.nanoseconds = 0)));
	CHECK(!is_as_plain(VARIANT(v.modified.seconds++)));
	CHECK(!is_as_plain(VARIANT(v.modified.nanoseconds++)));
	CHECK(!is_as_plain(VARIANT(v.mode = 0600)));
	CHECK(!is_as_plain(VARIANT(v.owner = 3)));
	CHECK(!is_as_plain(VARIANT(v.group = 3)));
	CHECK(!is_as_plain(VARIANT(v.name = "FILE")));
	CHECK(!is_as_plain(VARIANT(v.data = "Data")));
	CHECK(!is_as_plain(VARIANT(v.offset = 11)));
	CHECK(!is_as_plain(VARIANT(v.length = 101)));
	CHECK(!is_as_plain(VARIANT(v.xattr = "user.X")));
	CHECK(!is_as_plain(VARIANT(v.value = "Y")));
}

TEST(what_is_no_such_hive_is_the_same_as_nothing)
{
	struct author a;

	write_variant(&plain, &a);
	CHECK(files_same(a.file.bytes.data, a.file.bytes.len, a.file.bytes.data, a.file.bytes.len));
	CHECK(!files_same(a.file.bytes.data, a.file.bytes.len - 1, a.file.bytes.data, a.file.bytes.len - 1));
	CHECK(!files_same("x", 1, "x", 1));
	author_free(&a);
}

TEST(no_memory_is_an_error_on_both_sides)
{
	struct author good;

	write_sample(&good);
	CHECK_INT(finish(&good), 0);
	FAIL_EACH_ALLOCATION {
		struct author a;
		int r;

		write_sample(&a);
		r = finish(&a);
		CHECK(r == -ENOMEM || (r == 0 && (!failalloc_hit() || a.text.error < 0 || a.file.bytes.error < 0)));
		author_free(&a);
	}
	FAIL_EACH_ALLOCATION {
		struct tree_visitor nobody = { 0 };
		int r = files_read(good.file.bytes.data, good.file.bytes.len, &nobody, NULL);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
	}
	author_free(&good);
}

/* Any byte: an error with a story, or a tree within the rules. */
TEST(a_changed_byte_is_refused_or_gives_another_good_tree)
{
	struct buf text = { 0 };
	unsigned refused = 0;
	struct author a;

	write_sample(&a);
	CHECK_INT(finish(&a), 0);
	for (size_t i = 0; i < a.file.bytes.len; i += i < 20000 ? 1 : 997) {
		struct error e = { 0 };
		int r;

		a.file.bytes.data[i] ^= 0x11;
		text.len = 0;
		r = read_text(&a.file.bytes, &text, &e);
		CHECK(r == 0 || (r == ERR_INVALID_DATA && e.text[0] != 0));
		refused += r < 0;
		a.file.bytes.data[i] ^= 0x11;
	}
	CHECK(refused > 1000);
	buf_done(&text);
	author_free(&a);
}

/* Hives that are good as such, with one thing wrong in the tree. */
enum wrong {
	NOTHING,
	NO_FORMAT,
	OTHER_FORMAT,
	NO_MODE,
	BAD_MODE,
	BAD_KIND,
	SHORT_TIME,
	BAD_NANOSECONDS,
	LENGTH_OF_DIRECTORY,
	NO_LENGTH,
	LINK_OF_FILE,
	EMPTY_LINK,
	UNKNOWN_VALUE,
	NO_NAME,
	NAME_WITH_SLASH,
	NAME_DOT_DOT,
	NAME_WITH_ZERO,
	NAME_BADLY_ESCAPED,
	NAME_NOT_ASCENDING,
	KEY_NOT_NUMBERED,
	CHILD_OF_FILE,
	PART_OF_DIRECTORY,
	PART_BEYOND_LENGTH,
	PARTS_OVERLAP,
	EMPTY_PART,
	PART_IN_LOWER_CASE,
	XATTR_NOT_NUMBERED,
	XATTR_WITHOUT_NAME,
	XATTR_NOT_ENDED,
	XATTRS_NOT_ASCENDING,
	XATTR_OF_LINK,
	OWNER_OF_NOBODY,
	WRONG_END,
};

static void number(struct hive_author *a, struct u16 name, uint32_t n)
{
	uint8_t bytes[4];

	put_le32(bytes, n);
	author_value(a, name, TYPE_DWORD, bytes, sizeof(bytes));
}

static void entry(struct hive_author *a, enum wrong w, bool first, enum tree_kind kind, struct u16 name)
{
	uint8_t t[TIME_BYTES] = { 0 }, length[8] = { 10 };

	if (w == BAD_NANOSECONDS)
		put_le32(t + 8, SECOND_NS);
	author_value(a, U16(VALUE_ACCESSED), TYPE_BINARY, t, w == SHORT_TIME ? 11 : TIME_BYTES);
	if (first && w != NO_FORMAT)
		number(a, U16(VALUE_FORMAT), w == OTHER_FORMAT ? 2 : TREE_FORMAT);
	number(a, U16(VALUE_GROUP), 0);
	number(a, U16(VALUE_KIND), w == BAD_KIND ? 4 : kind);
	if (w == LENGTH_OF_DIRECTORY || (kind == TREE_FILE && w != NO_LENGTH))
		author_value(a, U16(VALUE_LENGTH), TYPE_QWORD, length, sizeof(length));
	if (kind == TREE_LINK || (kind == TREE_FILE && w == LINK_OF_FILE))
		author_value(a, U16(VALUE_LINK), TYPE_SZ, u"x", w == EMPTY_LINK ? 2 : 4);
	if (w != NO_MODE)
		number(a, U16(VALUE_MODE), w == BAD_MODE ? 010000 : 0644);
	put_le32(t + 8, 0);
	author_value(a, U16(VALUE_MODIFIED), TYPE_BINARY, t, TIME_BYTES);
	if (!first && w != NO_NAME)
		author_value(a, U16(VALUE_NAME), TYPE_SZ, name.units, (name.len + 1) * 2);
	number(a, U16(VALUE_OWNER), w == OWNER_OF_NOBODY ? UINT32_MAX : 0);
}

/* Of the first file: parts and attributes. */
static void contents(struct hive_author *a, enum wrong w)
{
	author_value(a, U16("Part0000000000000000"), TYPE_BINARY, "xy", w == EMPTY_PART ? 0 : 2);
	if (w == PARTS_OVERLAP)
		author_value(a, U16("Part0000000000000001"), TYPE_BINARY, "z", 1);
	author_value(a, w == PART_IN_LOWER_CASE ? U16("Part000000000000000a") : U16("Part0000000000000009"),
	    TYPE_BINARY, "zz", w == PART_BEYOND_LENGTH ? 2 : 1);
	author_value(a, w == XATTR_NOT_NUMBERED ? U16("Xattr0000") : U16("Xattr0001"), TYPE_BINARY,
	    w == XATTR_WITHOUT_NAME ? "\0x" : "n\0x", w == XATTR_NOT_ENDED ? 1 : 2);
	author_value(a, U16("Xattr0002"), TYPE_BINARY, w == XATTRS_NOT_ASCENDING ? "m\0x" : "o\0x", 3);
}

/* A directory with a file and a link. */
static void write_wrong(struct hive_author *a, enum wrong w)
{
	struct u16 name = w == NAME_WITH_SLASH      ? U16("a/b")
			  : w == NAME_DOT_DOT       ? U16("..")
			  : w == NAME_WITH_ZERO     ? U16("a%00")
			  : w == NAME_BADLY_ESCAPED ? U16("a%4")
			  : w == NAME_NOT_ASCENDING ? U16("c")
						    : U16("a");

	author_begin(a);
	author_key(a, U16(KEY_FIRST));
	entry(a, w <= LENGTH_OF_DIRECTORY ? w : NOTHING, true, TREE_DIRECTORY, U16(""));
	if (w == PART_OF_DIRECTORY)
		author_value(a, U16("Part0000000000000000"), TYPE_BINARY, "x", 1);
	if (w == UNKNOWN_VALUE)
		author_value(a, U16("Unknown"), TYPE_BINARY, "x", 1);
	author_key(a, w == KEY_NOT_NUMBERED ? U16("00000000") : U16("00000001"));
	entry(a, w > LENGTH_OF_DIRECTORY ? w : NOTHING, false, TREE_FILE, name);
	contents(a, w);
	if (w == CHILD_OF_FILE) {
		author_key(a, U16("00000001"));
		entry(a, NOTHING, false, TREE_FILE, U16("x"));
		author_end(a);
	}
	author_end(a);
	author_key(a, U16("00000002"));
	entry(a, w == EMPTY_LINK ? w : NOTHING, false, TREE_LINK, U16("b"));
	if (w == XATTR_OF_LINK)
		author_value(a, U16("Xattr0001"), TYPE_BINARY, "n\0x", 3);
	author_end(a);
	author_end(a);
}

TEST(hives_with_one_thing_wrong_are_refused)
{
	for (enum wrong w = NOTHING; w < WRONG_END; w++) {
		struct hive_author a = { 0 };
		struct buf text = { 0 };
		struct error e = { 0 };
		int r;

		write_wrong(&a, w);
		CHECK_INT(author_finish(&a), 0);
		r = read_text(&a.file.bytes, &text, &e);
		if ((w == NOTHING) != (r == 0))
			test_fail(__FILE__, __LINE__, "wrong %d gives %d %s", w, r, e.text);
		buf_done(&text);
		author_done(&a);
	}
}
