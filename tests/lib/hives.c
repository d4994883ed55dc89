/* hives: see hives.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/hives.h"
#include <stdio.h>

#define FILETIME 133500000000000000u /* 2024-01-18 */

static bool is_failing(struct hive_file *f)
{
	f->calls++;
	return f->fail_at != 0 && (f->fail_once ? f->calls == f->fail_at : f->calls >= f->fail_at);
}

static int file_write(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct hive_file *f = data;
	bool failing = is_failing(f);

	f->longest = MAX(f->longest, len);
	if (failing && !f->fail_halfway)
		return -EIO;
	if (failing)
		len /= 2;
	f->size = MAX(f->size, offset + len);
	if (offset == 0)
		f->base_call = f->calls;
	else if (offset + len < f->size)
		f->patches++;
	if (!f->discard) {
		if (f->bytes.len < offset + len)
			buf_append_zeros(&f->bytes, offset + len - f->bytes.len);
		if (f->bytes.error != 0)
			return f->bytes.error;
		memcpy(f->bytes.data + offset, bytes, len);
	}
	return failing ? -EIO : 0;
}

static int file_sync(void *data)
{
	struct hive_file *f = data;
	bool failing = is_failing(f);

	if (f->base_call == 0)
		f->synced_size = f->size;
	f->last_sync = f->calls;
	return failing ? -EIO : 0;
}

struct hive_sink hive_file_sink(struct hive_file *f)
{
	return (struct hive_sink){ file_write, file_sync, f };
}

static void put_text(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

static void put_number(struct buf *b, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), " %ju", (uintmax_t)n);
	put_text(b, text);
}

static const char digits[] = "0123456789abcdef";

static void put_hex(struct buf *b, const uint8_t *p, size_t len)
{
	put_text(b, len == 0 ? " -" : " ");
	if (buf_reserve(b, 2 * len) < 0)
		return;
	for (size_t i = 0; i < len; i++) {
		b->data[b->len++] = (uint8_t)digits[p[i] >> 4];
		b->data[b->len++] = (uint8_t)digits[p[i] & 15];
	}
}

static void put_units(struct buf *b, struct u16 s)
{
	put_text(b, s.len == 0 ? " -" : " ");
	for (size_t i = 0; i < s.len; i++)
		for (int shift = 12; shift >= 0; shift -= 4)
			buf_u8(b, (uint8_t)digits[s.units[i] >> shift & 15]);
}

static void put_key(struct buf *b, size_t depth, const struct hive_key *key)
{
	put_text(b, "K");
	put_number(b, depth);
	put_units(b, key->name);
	put_number(b, key->time);
	put_units(b, key->class_name);
	put_hex(b, key->security, key->security_len);
	put_text(b, "\n");
}

static void put_value(struct buf *b, size_t depth, const struct hive_value *value)
{
	put_text(b, "V");
	put_number(b, depth);
	put_units(b, value->name);
	put_number(b, value->type);
	put_hex(b, value->data, value->len);
	put_text(b, "\n");
}

struct text_visitor {
	struct buf *text;
	size_t depth;
};

static int text_key_begin(void *data, const struct hive_key *key)
{
	struct text_visitor *v = data;

	put_key(v->text, v->depth++, key);
	return v->text->error;
}

static int text_value(void *data, const struct hive_value *value)
{
	struct text_visitor *v = data;

	put_value(v->text, v->depth, value);
	return v->text->error;
}

static int text_key_end(void *data)
{
	struct text_visitor *v = data;

	v->depth--;
	return 0;
}

int hive_to_text(const void *data, size_t len, unsigned flags, struct buf *ret, struct error *error)
{
	struct text_visitor v = { .text = ret };
	struct hive_visitor visitor = { text_key_begin, text_value, text_key_end, &v };

	return hive_read(data, len, flags, &visitor, error);
}

static int copy_key_begin(void *data, const struct hive_key *key)
{
	struct hive_author *copy = data;

	if (copy->writer == NULL) /* Not before: most of what a fuzzer tries does not come so far. */
		author_begin(copy);
	author_key_full(copy, key);
	return 0;
}

static int copy_value(void *data, const struct hive_value *value)
{
	author_value(data, value->name, value->type, value->data, value->len);
	return 0;
}

static int copy_key_end(void *data)
{
	author_end(data);
	return 0;
}

static int check_with(const void *data, size_t len, unsigned flags, struct error *error)
{
	struct hive_author copy = { .filetime = 1 };
	struct hive_visitor visitor = { copy_key_begin, copy_value, copy_key_end, &copy };
	struct buf text = { 0 };
	int r;

	r = hive_read(data, len, flags, &visitor, error);
	assert(r == 0 || r == ERR_INVALID_DATA);
	assert(copy.error == 0);
	if (r == 0) {
		assert(author_finish(&copy) == 0);
		assert(hive_to_text(copy.file.bytes.data, copy.file.bytes.len, 0, &text, error) == 0);
		assert(text.len == copy.text.len && memcmp(text.data, copy.text.data, text.len) == 0);
	}
	buf_done(&text);
	author_done(&copy);
	return r;
}

int hive_check(const void *data, size_t len, struct error *error)
{
	int foreign = check_with(data, len, HIVE_FOREIGN, error), strict = check_with(data, len, 0, error);

	assert(strict < 0 || foreign == 0);
	return strict;
}

void author_begin(struct hive_author *a)
{
	struct hive_sink sink = hive_file_sink(&a->file);

	if (a->filetime == 0)
		a->filetime = FILETIME;
	a->error = hive_writer_new(&sink, a->filetime, &a->writer);
}

static void note(struct hive_author *a, int r)
{
	if (a->error == 0 && r < 0)
		a->error = r;
}

void author_key_full(struct hive_author *a, const struct hive_key *key)
{
	if (a->error != 0)
		return;
	note(a, hive_key_begin(a->writer, key));
	if (!a->no_text)
		put_key(&a->text, a->depth, key);
	a->depth++;
	a->keys++;
}

void author_key(struct hive_author *a, struct u16 name)
{
	uint8_t descriptor[TEST_DESCRIPTOR_MAX];
	struct hive_key key = { .name = name, .time = FILETIME + 10000000ull * a->keys, .security = descriptor };

	key.security_len = test_descriptor(a->keys % 4, descriptor);
	author_key_full(a, &key);
}

void author_value(struct hive_author *a, struct u16 name, uint32_t type, const void *data, size_t len)
{
	struct hive_value value = { .name = name, .type = type, .data = data, .len = len };

	if (a->error != 0)
		return;
	note(a, hive_value(a->writer, &value));
	if (!a->no_text)
		put_value(&a->text, a->depth, &value);
}

void author_end(struct hive_author *a)
{
	if (a->error != 0)
		return;
	note(a, hive_key_end(a->writer));
	a->depth--;
}

int author_finish(struct hive_author *a)
{
	if (a->error == 0)
		note(a, hive_writer_finish(a->writer, &a->hive_size));
	return a->error;
}

void author_done(struct hive_author *a)
{
	hive_writer_free(a->writer);
	buf_done(&a->file.bytes);
	buf_done(&a->text);
	*a = (struct hive_author){ 0 };
}

/* Owner and group are the administrators; the system and the administrators may do everything, users may read, and the
 * users' mask carries the variant. */
size_t test_descriptor(uint32_t variant, uint8_t ret[TEST_DESCRIPTOR_MAX])
{
	static const uint8_t administrators[16] = { 1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 2, 0, 0 };
	static const uint8_t users[16] = { 1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x21, 2, 0, 0 };
	static const uint8_t system[12] = { 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0 };
	const struct {
		const uint8_t *sid;
		size_t len;
		uint32_t mask;
	} entries[] = { { system, 12, 0xf003f }, { administrators, 16, 0xf003f }, { users, 16, 0x20019 ^ variant } };
	enum { ACL = 20 };
	size_t at = ACL + 8;

	memset(ret, 0, TEST_DESCRIPTOR_MAX);
	ret[0] = 1;
	put_le16(ret + 2, 0x8004); /* Self-relative, with a DACL. */
	ret[ACL] = 2;
	put_le16(ret + ACL + 4, ARRAY_SIZE(entries));
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		ret[at + 1] = 2; /* Inherited by containers. */
		put_le16(ret + at + 2, (uint16_t)(8 + entries[i].len));
		put_le32(ret + at + 4, entries[i].mask);
		memcpy(ret + at + 8, entries[i].sid, entries[i].len);
		at += 8 + entries[i].len;
	}
	put_le16(ret + ACL + 2, (uint16_t)(at - ACL));
	put_le32(ret + 16, ACL);
	for (size_t field = 4; field <= 8; field += 4) {
		put_le32(ret + field, (uint32_t)at);
		memcpy(ret + at, administrators, sizeof(administrators));
		at += sizeof(administrators);
	}
	return at;
}

void test_bytes(void *p, size_t len, uint64_t seed)
{
	uint8_t *bytes = p;
	uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 32);
	}
}

/* A name out of a printf format; lives until the next call. */
static struct u16 numbered(const char *format, unsigned number)
{
	static char16_t units[64];
	char text[64];
	struct u16 s = { units, 0 };

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(text, sizeof(text), format, number);
#pragma GCC diagnostic pop
	while (text[s.len] != 0) {
		units[s.len] = (char16_t)text[s.len];
		s.len++;
	}
	return s;
}

/* Every type and every length around the limits of the inline form, of padding, and of empty strings. */
static void write_basic(struct hive_author *a)
{
	static const uint8_t qword[8] = { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 };
	uint8_t bytes[64];

	test_bytes(bytes, sizeof(bytes), 7);
	author_value(a, U16(""), 1, u"default value", 28);
	for (unsigned i = 0; i <= 9; i++)
		author_value(a, numbered("Bin%u", i), 3, bytes, i);
	author_value(a, U16("Custom"), 0x12345678, bytes, 12);
	author_value(a, U16("Dword"), 4, "\x78\x56\x34\x12", 4);
	author_value(a, U16("DwordBE"), 5, "\x12\x34\x56\x78", 4);
	author_value(a, U16("ExpandSz"), 2, u"%SystemRoot%\\cluster", 42);
	author_value(a, U16("Link"), 6, u"\\Registry\\Machine", 34);
	author_value(a, U16("Multi"), 7, u"one\0two\0", 18);
	author_value(a, U16("MultiEmpty"), 7, u"", 2);
	author_value(a, U16("name with space = and \"quotes\""), 1, u"q", 4);
	author_value(a, U16("None"), 0, "abc", 3);
	author_value(a, U16("Qword"), 11, qword, sizeof(qword));
	author_value(a, U16("Requirements"), 10, bytes, 24);
	author_value(a, U16("ResDescriptor"), 9, bytes, 16);
	author_value(a, U16("ResList"), 8, bytes, 40);
	author_value(a, U16("Sz"), 1, u"hello world", 24);
	author_value(a, U16("SzEmpty"), 1, u"", 2);
	author_value(a, U16("SzNoNul"), 1, u"unterminated", 24);
	author_value(a, U16("SzOdd"), 1, "a\0b\0c", 5);
	author_value(a, U16("SzZero"), 1, NULL, 0);

	author_key(a, U16("Groups"));
	author_key(a, U16("{0000002a-1111-4222-8333-0123456789ab}"));
	author_value(a, U16("Name"), 1, u"Cluster Group", 28);
	author_end(a);
	author_end(a);
	author_key(a, U16("Nodes"));
	author_end(a);
	author_key(a, U16("Resources"));
	author_end(a);
}

static void write_names(struct hive_author *a)
{
	static const struct u16 names[] = {
		/* In ascending order of their upcased units. */
		U16("caf\u00e9"),
		U16("plain"),
		U16("\u00c4rger"),
		U16("\u00ff"),
		U16("\u03b1\u03b2\u03b3"),
		U16("\u0416\u0443\u043a"),
		U16("\u96c6\u7fa4"),
		U16("\U0001f600"),
		U16("\uff21"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		author_value(a, names[i], 3, names[i].units, 2 * names[i].len);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		author_key(a, names[i]);
		author_value(a, U16(""), 1, u"x", 4);
		author_end(a);
	}
}

/* Sequences of units that are not text. */
static void write_lone_surrogates(struct hive_author *a)
{
	static const char16_t high[] = { 'l', 0xd800, 'x' }, low[] = { 'l', 0xdc00 },
			      turned[] = { 'l', 0xdc00, 0xd800 };
	const struct u16 names[] = { { high, 3 }, { low, 2 }, { turned, 3 } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		author_value(a, names[i], 1, names[i].units, 2 * names[i].len);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		author_key(a, names[i]);
		author_end(a);
	}
}

/* Value names may hold everything. */
static void write_control(struct hive_author *a)
{
	author_value(a, (struct u16){ u"\0", 1 }, 3, "1", 1);
	author_value(a, (struct u16){ u"\0\0", 2 }, 3, "2", 1);
	author_value(a, (struct u16){ u"a\0b", 3 }, 3, "3", 1);
	author_value(a, U16("a\n\t%"), 3, "4", 1);
	author_value(a, U16("d\\e"), 3, "5", 1);
	author_value(a, U16("\\"), 3, "6", 1);
}

static void write_big_values(struct hive_author *a, const uint32_t *lens, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t *bytes = malloc(lens[i]);

		assert(bytes != NULL);
		test_bytes(bytes, lens[i], i + 1);
		author_value(a, numbered("B%07u", lens[i]), 3, bytes, lens[i]);
		free(bytes);
	}
}

/* Around the limits of segments, and more than the writer's buffer. */
static void write_big(struct hive_author *a)
{
	static const uint32_t lens[] = { 16343, 16344, 16345, 32688, 32689, 65536, 100000, 1000000, 1100000 };

	write_big_values(a, lens, ARRAY_SIZE(lens));
}

static void write_huge(struct hive_author *a)
{
	static const uint32_t lens[] = { 9000000 };

	write_big_values(a, lens, ARRAY_SIZE(lens));
}

static void write_long_names(struct hive_author *a)
{
	char16_t latin[HIVE_VALUE_NAME_MAX], greek[HIVE_VALUE_NAME_MAX];

	for (unsigned i = 0; i < HIVE_VALUE_NAME_MAX; i++) {
		latin[i] = (char16_t)('a' + i % 26);
		greek[i] = (char16_t)(0x3b1 + i % 17);
	}
	author_value(a, (struct u16){ latin, HIVE_VALUE_NAME_MAX }, 3, "1", 1);
	author_value(a, (struct u16){ greek, HIVE_VALUE_NAME_MAX }, 3, "2", 1);
	author_key(a, (struct u16){ latin, HIVE_KEY_NAME_MAX });
	author_end(a);
	author_key(a, (struct u16){ greek, HIVE_KEY_NAME_MAX });
	author_end(a);
}

static void write_keys(struct hive_author *a, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		author_key(a, numbered("G%05u", i));
		if (i % 7 == 0)
			author_value(a, U16("i"), 4, &(uint32_t){ htole32(i) }, 4);
		author_end(a);
	}
}

/* One leaf that is full, one more than that, three leaves. */
static void write_leaves(struct hive_author *a)
{
	author_key(a, U16("a"));
	write_keys(a, 507);
	author_end(a);
	author_key(a, U16("b"));
	write_keys(a, 508);
	author_end(a);
	author_key(a, U16("c"));
	write_keys(a, 1500);
	author_end(a);
}

static void write_wide(struct hive_author *a)
{
	write_keys(a, 60000);
}

static void write_many_values(struct hive_author *a)
{
	for (unsigned i = 0; i < 100000; i++)
		author_value(a, numbered("V%06u", i), 4, &(uint32_t){ htole32(i) }, 4);
}

static void write_deep(struct hive_author *a)
{
	for (unsigned i = 1; i < HIVE_DEPTH_MAX; i++)
		author_key(a, numbered("d%u", i));
	author_value(a, U16("bottom"), 1, u"here", 10);
	for (unsigned i = 1; i < HIVE_DEPTH_MAX; i++)
		author_end(a);
}

/* Descriptors of all lengths, some shared, some missing; classes. */
static void write_descriptors(struct hive_author *a)
{
	static uint8_t bytes[HIVE_SECURITY_MAX];
	static char16_t units[HIVE_CLASS_MAX];

	test_bytes(bytes, sizeof(bytes), 11);
	for (size_t i = 0; i < HIVE_CLASS_MAX; i++)
		units[i] = (char16_t)(0x20 + i);
	for (unsigned i = 0; i < 300; i++) {
		struct hive_key key = {
			.name = numbered("%04u", i),
			.time = i * 0x123456789abcu,
			.class_name = { units, i % 5 == 0 ? i : 0 },
			.security = bytes,
			.security_len = i % 3 == 0 ? 0 : i % 100, /* Many come back after many others. */
		};

		author_key_full(a, &key);
		author_end(a);
	}
	author_key_full(a, &(struct hive_key){ .name = U16("all"),
			       .class_name = { units, HIVE_CLASS_MAX },
			       .security = bytes,
			       .security_len = sizeof(bytes) });
	author_end(a);
}

const struct hive_sample hive_samples[] = {
	{ "basic", write_basic },
	{ "names", write_names },
	{ "lone-surrogates", write_lone_surrogates },
	{ "control", write_control },
	{ "big", write_big },
	{ "huge", write_huge },
	{ "long-names", write_long_names },
	{ "leaves", write_leaves },
	{ "wide", write_wide },
	{ "many-values", write_many_values },
	{ "deep", write_deep },
	{ "descriptors", write_descriptors },
};
const size_t hive_sample_count = ARRAY_SIZE(hive_samples);

void hive_sample_write(const struct hive_sample *s, struct hive_author *a)
{
	author_begin(a);
	author_key(a, U16("Cluster"));
	s->write(a);
	author_end(a);
	(void)author_finish(a);
}

/* Never change this: it is what tests/golden/hive-small.hive was made of. */
void hive_golden_write(struct hive_author *a)
{
	uint8_t descriptor[TEST_DESCRIPTOR_MAX], big[16345];

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i / 256);
	author_begin(a);
	author_key(a, U16("Cluster"));
	author_value(a, U16(""), 1, u"x", 4);
	author_value(a, U16("Big"), 3, big, sizeof(big));
	author_value(a, U16("ClusterName"), 1, u"golden", 14);
	author_value(a, U16("Empty"), 3, NULL, 0);
	author_value(a, U16("\u03b1\u03b2"), 4, "\1\2\3\4", 4);
	author_key(a, U16("Groups"));
	author_key(a, U16("caf\u00e9"));
	author_end(a);
	author_key(a, U16("\u03b1\u03b2\u03b3"));
	author_value(a, U16("Name"), 7, u"one\0two\0", 18);
	author_end(a);
	author_end(a);
	author_key_full(a, &(struct hive_key){ .name = U16("Nodes"),
			       .class_name = U16("Class"),
			       .time = 0x01d9876543210fed,
			       .security = descriptor,
			       .security_len = test_descriptor(0, descriptor) });
	author_end(a);
	author_key_full(a, &(struct hive_key){ .name = U16("Open") });
	author_end(a);
	author_end(a);
	(void)author_finish(a);
}
