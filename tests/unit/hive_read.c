/* hive_read: hives that no writer of ours would make: forged ones, which must not make the reader leave its memory, walk
 * in circles or grow, and foreign ones, which are read as what they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/failalloc.h"
#include "tests/lib/hivetest.h"

/* A hive made by hand, in one bin: cells are appended and pointed to by their offsets. */
struct forge {
	struct buf b;
};

static uint32_t forge_cell(struct forge *f, size_t len)
{
	size_t at, size = ALIGN_UP(len + 4, (size_t)8);

	if (f->b.len == 0)
		buf_append_zeros(&f->b, REGF_PAGE + BIN_HEADER);
	at = f->b.len;
	buf_append_zeros(&f->b, size);
	CHECK_INT(f->b.error, 0);
	put_le32(f->b.data + at, 0 - (uint32_t)size);
	return (uint32_t)at - REGF_PAGE;
}

static uint8_t *forged(struct forge *f, uint32_t offset)
{
	return hive_cell(f->b.data, offset);
}

static uint32_t forge_key(struct forge *f, uint32_t parent, size_t name_len)
{
	uint32_t offset = forge_cell(f, NK_NAME + name_len);
	uint8_t *nk = forged(f, offset);

	memcpy(nk, "nk", 2);
	put_le16(nk + NK_FLAGS, NK_LATIN1);
	put_le32(nk + NK_PARENT, parent);
	put_le32(nk + NK_SECURITY, REGF_NONE);
	put_le16(nk + NK_NAME_LEN, (uint16_t)name_len);
	memset(nk + NK_NAME, 'n', name_len);
	return offset;
}

static uint32_t forge_value(struct forge *f, size_t name_len, uint32_t data, uint32_t data_len)
{
	uint32_t offset = forge_cell(f, VK_NAME + name_len);
	uint8_t *vk = forged(f, offset);

	memcpy(vk, "vk", 2);
	put_le16(vk + VK_NAME_LEN, (uint16_t)name_len);
	put_le32(vk + VK_DATA_LEN, data_len);
	put_le32(vk + VK_DATA, data);
	put_le16(vk + VK_FLAGS, VK_LATIN1);
	memset(vk + VK_NAME, 'n', name_len);
	return offset;
}

/* Give the key one value. */
static void forge_value_list(struct forge *f, uint32_t key, uint32_t value_offset)
{
	uint32_t list = forge_cell(f, 4);

	put_le32(forged(f, list), value_offset);
	put_le32(forged(f, key) + NK_VALUE_COUNT, 1);
	put_le32(forged(f, key) + NK_VALUE_LIST, list);
}

/* Give the key a list of subkeys, of any kind. */
static void forge_subkeys(struct forge *f, uint32_t key, const char *kind, const uint32_t *keys, size_t count)
{
	size_t item_len = strcmp(kind, "li") == 0 ? 4 : 8;
	uint32_t list = forge_cell(f, LIST_ITEMS + count * item_len);
	uint8_t *p = forged(f, list);

	memcpy(p, kind, 2);
	put_le16(p + LIST_COUNT, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		put_le32(p + LIST_ITEMS + i * item_len, keys[i]);
	put_le32(forged(f, key) + NK_SUBKEY_COUNT, (uint32_t)count);
	put_le32(forged(f, key) + NK_SUBKEY_LIST, list);
}

static void forge_end(struct forge *f, uint32_t root, unsigned minor)
{
	size_t rest = (REGF_PAGE - f->b.len % REGF_PAGE) % REGF_PAGE;
	uint8_t *base;

	buf_append_zeros(&f->b, rest);
	CHECK_INT(f->b.error, 0);
	base = f->b.data;
	if (rest > 0)
		put_le32(base + f->b.len - rest, (uint32_t)rest);
	memcpy(base + REGF_PAGE, "hbin", 4);
	put_le32(base + REGF_PAGE + BIN_LEN, (uint32_t)f->b.len - REGF_PAGE);
	memcpy(base, "regf", 4);
	put_le32(base + BASE_MAJOR, 1);
	put_le32(base + BASE_MINOR, minor);
	put_le32(base + BASE_FORMAT, 1);
	put_le32(base + BASE_ROOT, root);
	put_le32(base + BASE_BINS_LEN, (uint32_t)f->b.len - REGF_PAGE);
	hive_seal(base);
}

/* In memory of exactly its length, for those who watch over memory. */
static void check_forge_refused(struct forge *f, const char *name, const char *story)
{
	uint8_t *exact = malloc(f->b.len);

	CHECK(exact != NULL);
	memcpy(exact, f->b.data, f->b.len);
	check_refused(name, exact, f->b.len, story);
	free(exact);
	buf_done(&f->b);
}

static void check_forge_read(struct forge *f)
{
	struct error error = { 0 };

	if (hive_check(f->b.data, f->b.len, &error) != 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
	buf_done(&f->b);
}

TEST(names_of_keys_end_at_255_units)
{
	for (size_t len = 254; len <= 257; len++) {
		struct forge f = { 0 };

		forge_end(&f, forge_key(&f, 0, len), 5);
		if (len <= 255)
			check_forge_read(&f);
		else
			check_forge_refused(&f, "a long name", "more than 255");
	}
}

TEST(names_of_values_end_at_16383_units)
{
	for (size_t len = 16382; len <= 16385; len++) {
		struct forge f = { 0 };
		uint32_t root = forge_key(&f, 0, 4);

		forge_value_list(&f, root, forge_value(&f, len, 0, REGF_INLINE));
		forge_end(&f, root, 5);
		if (len <= 16383)
			check_forge_read(&f);
		else
			check_forge_refused(&f, "a long name", "more than 16383");
	}
}

/* A chain of so many keys. */
static void forge_chain(struct forge *f, unsigned count)
{
	uint32_t root = forge_key(f, 0, 1);

	for (uint32_t key = root, child; count > 1; count--, key = child) {
		child = forge_key(f, key, 1);
		forge_subkeys(f, key, "li", &child, 1);
	}
	forge_end(f, root, 5);
}

TEST(depth_ends_at_512)
{
	struct forge f = { 0 };

	forge_chain(&f, 512);
	check_forge_read(&f);
	forge_chain(&f, 513);
	check_forge_refused(&f, "513 levels", "deeper than 512");
	forge_chain(&f, 300000);
	check_forge_refused(&f, "300,000 levels", "deeper than 512");
}

TEST(a_value_record_of_8_bytes_at_the_end_is_refused)
{
	struct forge f = { 0 };
	uint32_t root = forge_key(&f, 0, 1), last;

	forge_value_list(&f, root, 0);
	while (f.b.len % REGF_PAGE != REGF_PAGE - 8)
		(void)forge_cell(&f, 4);
	last = forge_cell(&f, 4);
	memcpy(forged(&f, last), "vk", 2);
	put_le32(hive_pointed(f.b.data, forged(&f, root) + NK_VALUE_LIST), last);
	forge_end(&f, root, 5);
	check_forge_refused(&f, "a value of 8 bytes", "too short");
}

TEST(descriptors_end_at_65535_bytes)
{
	for (uint32_t len = 65534; len <= 65536; len++) {
		struct forge f = { 0 };
		uint32_t root = forge_key(&f, 0, 1), sk = forge_cell(&f, SK_DESCRIPTOR + len);

		memcpy(forged(&f, sk), "sk", 2);
		put_le32(forged(&f, sk) + SK_LEN, len);
		put_le32(forged(&f, root) + NK_SECURITY, sk);
		forge_end(&f, root, 5);
		if (len <= 65535)
			check_forge_read(&f);
		else
			check_forge_refused(&f, "a long descriptor", "length of a security descriptor");
	}
}

TEST(a_db_record_of_8_bytes_at_the_end_is_refused)
{
	struct forge f = { 0 };
	uint32_t root = forge_key(&f, 0, 1), v = forge_value(&f, 1, 0, 20000), last;

	forge_value_list(&f, root, v);
	while (f.b.len % REGF_PAGE != REGF_PAGE - 8)
		(void)forge_cell(&f, 4);
	last = forge_cell(&f, 4);
	memcpy(forged(&f, last), "db\2", 4);
	put_le32(forged(&f, v) + VK_DATA, last);
	forge_end(&f, root, 5);
	check_forge_refused(&f, "a db record of 8 bytes", "length that the value says");
}

TEST(short_data_in_a_segment_is_refused)
{
	struct forge f = { 0 };
	uint32_t root = forge_key(&f, 0, 1), db = forge_cell(&f, DB_LEN), list = forge_cell(&f, 4), segment;

	memcpy(forged(&f, db), "db\1", 4);
	put_le32(forged(&f, db) + DB_LIST, list);
	segment = forge_cell(&f, 24);
	put_le32(forged(&f, list), segment);
	forge_value_list(&f, root, forge_value(&f, 1, db, 20));
	forge_end(&f, root, 5);
	check_forge_refused(&f, "20 bytes in a segment", "length that the value says");
}

static void put_number(uint8_t *name, unsigned i)
{
	for (int at = 3; at >= 0; at--, i /= 10)
		name[at] = (uint8_t)('0' + i % 10);
}

/* 2,000 keys that share one list of 2,000 values that share one cell: 64 GB out of a file of 300 KB. */
TEST(nothing_is_amplified)
{
	struct forge f = { 0 };
	uint32_t root = forge_key(&f, 0, 1), data = forge_cell(&f, 16000), list = forge_cell(&f, 4 * 2000), keys[2000];

	for (unsigned i = 0; i < 2000; i++) {
		uint32_t v = forge_value(&f, 4, data, 16000);

		put_number(forged(&f, v) + VK_NAME, i);
		put_le32(forged(&f, list) + 4 * i, v);
	}
	for (unsigned i = 0; i < 2000; i++) {
		keys[i] = forge_key(&f, root, 4);
		put_number(forged(&f, keys[i]) + NK_NAME, i);
		put_le32(forged(&f, keys[i]) + NK_VALUE_COUNT, 2000);
		put_le32(forged(&f, keys[i]) + NK_VALUE_LIST, list);
	}
	forge_subkeys(&f, root, "lh", keys, 2000);
	forge_end(&f, root, 5);
	check_forge_refused(&f, "sharing", "the data of a value should be at");
}

TEST(every_kind_of_list_is_read)
{
	static const char *kinds[] = { "lh", "lf", "li" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct forge f = { 0 };
		uint32_t root = forge_key(&f, 0, 1), keys[3];

		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			keys[k] = forge_key(&f, root, k + 1);
		forge_subkeys(&f, root, kinds[i], keys, ARRAY_SIZE(keys));
		forge_end(&f, root, 3);
		check_forge_read(&f);
	}
}

TEST(data_in_one_long_cell_is_read)
{
	struct forge f = { 0 };
	uint32_t root = forge_key(&f, 0, 1), data = forge_cell(&f, 20000);

	forge_value_list(&f, root, forge_value(&f, 1, data, 20000));
	forge_end(&f, root, 3);
	check_forge_read(&f);
}

TEST(a_value_of_no_length_needs_no_cell)
{
	struct forge f = { 0 };
	uint32_t root = forge_key(&f, 0, 1);

	forge_value_list(&f, root, forge_value(&f, 1, REGF_NONE, 0));
	forge_end(&f, root, 5);
	check_forge_read(&f);
}

/* Foreign order. */

static uint64_t state;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((state >> 33) % below);
}

static void shuffle(uint8_t *items, size_t count, size_t item_len)
{
	for (size_t i = count; i > 1; i--) {
		uint8_t *a = items + (i - 1) * item_len, *b = items + draw((uint32_t)i) * item_len, kept[8];

		memcpy(kept, a, item_len);
		memmove(a, b, item_len);
		memcpy(b, kept, item_len);
	}
}

/* Turn an lh leaf into one of the older kinds. */
static void age_leaf(uint8_t *leaf)
{
	unsigned count = get_le16(leaf + LIST_COUNT);

	switch (draw(3)) {
	case 0:
		memcpy(leaf, "lf", 2);
		break;
	case 1:
		memcpy(leaf, "li", 2);
		for (unsigned i = 0; i < count; i++)
			memmove(leaf + LIST_ITEMS + 4 * i, leaf + LIST_ITEMS + 8 * i, 4);
		break;
	default:
		break;
	}
}

/* Shuffle all lists of a hive, as other systems might have written them. */
static void make_foreign(uint8_t *hive)
{
	uint32_t bins_len = get_le32(hive + BASE_BINS_LEN), bin_end = 0;

	for (uint32_t at = 0, size; at < bins_len; at += size) {
		uint8_t *cell = hive_cell(hive, at);

		if (at == bin_end) {
			bin_end += get_le32(hive + REGF_PAGE + at + BIN_LEN);
			size = BIN_HEADER;
			continue;
		}
		size = get_le32(cell - 4);
		if (size >> 31 == 0)
			continue;
		size = 0 - size;
		if (memcmp(cell, "nk", 2) == 0 && get_le32(cell + NK_VALUE_COUNT) > 0)
			shuffle(hive_pointed(hive, cell + NK_VALUE_LIST), get_le32(cell + NK_VALUE_COUNT), 4);
		if (memcmp(cell, "ri", 2) == 0)
			shuffle(cell + LIST_ITEMS, get_le16(cell + LIST_COUNT), 4);
		if (memcmp(cell, "lh", 2) == 0) {
			shuffle(cell + LIST_ITEMS, get_le16(cell + LIST_COUNT), 8);
			age_leaf(cell);
		}
	}
}

TEST(foreign_order_is_read_in_ours_or_refused)
{
	static const char *names[] = { "basic", "names", "lone-surrogates", "leaves", "descriptors" };

	for (uint64_t round = 0; round < test_rounds(4); round++) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			struct hive_author a = hive_sample_named(names[i]);
			struct buf text = { 0 };
			struct error error;

			state = test_seed + round;
			test_note_seed(state);
			make_foreign(a.file.bytes.data);
			check_refused(names[i], a.file.bytes.data, a.file.bytes.len, "not in order");
			CHECK_INT(hive_to_text(a.file.bytes.data, a.file.bytes.len, HIVE_FOREIGN, &text, &error), 0);
			CHECK_INT(text.len, a.text.len);
			CHECK_MEM(text.data, a.text.data, text.len);
			buf_done(&text);
			author_done(&a);
		}
	}
}

TEST(two_siblings_of_one_name_are_refused_in_any_order)
{
	for (unsigned which = 0; which < 4; which++) {
		struct forge f = { 0 };
		uint32_t root = forge_key(&f, 0, 1), keys[3], list = forge_cell(&f, 12);
		struct buf text = { 0 };

		for (unsigned i = 0; i < 3; i++) {
			uint32_t v = forge_value(&f, 1, 0, REGF_INLINE);

			keys[i] = forge_key(&f, root, 1);
			forged(&f, keys[i])[NK_NAME] = which == 0 ? "xX0"[i] : which == 1 ? "0xX"[i] : "abc"[i];
			forged(&f, v)[VK_NAME] = which == 2 ? "xX0"[i] : which == 3 ? "0xX"[i] : "abc"[i];
			put_le32(forged(&f, list) + 4 * i, v);
		}
		forge_subkeys(&f, root, "li", keys, 3);
		put_le32(forged(&f, root) + NK_VALUE_COUNT, 3);
		put_le32(forged(&f, root) + NK_VALUE_LIST, list);
		forge_end(&f, root, 5);
		CHECK_INT(hive_to_text(f.b.data, f.b.len, HIVE_FOREIGN, &text, NULL), ERR_INVALID_DATA);
		buf_done(&text);
		check_forge_refused(&f, "two of one name", "two have the same name");
	}
}

/* The visitor. */

struct stopper {
	unsigned calls, stop_at;
};

static int stop_or_go(void *data)
{
	struct stopper *s = data;

	return ++s->calls == s->stop_at ? -ECANCELED : 1; /* Only negative results mean something. */
}

static int stop_key(void *data, const struct hive_key *key)
{
	(void)key;
	return stop_or_go(data);
}

static int stop_value(void *data, const struct hive_value *v)
{
	(void)v;
	return stop_or_go(data);
}

TEST(a_visitor_can_stop_the_reading_anywhere)
{
	struct hive_author a = hive_golden();
	struct stopper s = { 0 };
	struct hive_visitor visitor = { stop_key, stop_value, stop_or_go, &s };
	unsigned all;

	CHECK_INT(hive_read(a.file.bytes.data, a.file.bytes.len, 0, &visitor, NULL), 0);
	all = s.calls;
	CHECK_INT(all, 6 + 6 + 6);
	for (unsigned i = 1; i <= all; i++) {
		s = (struct stopper){ .stop_at = i };
		CHECK_INT(hive_read(a.file.bytes.data, a.file.bytes.len, 0, &visitor, NULL), -ECANCELED);
		CHECK_INT(s.calls, i);
	}
	author_done(&a);
}

struct descriptors {
	const uint8_t *seen[8];
	size_t count;
};

static int note_descriptor(void *data, const struct hive_key *key)
{
	struct descriptors *d = data;

	CHECK(d->count < ARRAY_SIZE(d->seen));
	d->seen[d->count++] = key->security;
	return 0;
}

static int ignore_value(void *data, const struct hive_value *v)
{
	(void)data;
	(void)v;
	return 0;
}

static int ignore_end(void *data)
{
	(void)data;
	return 0;
}

TEST(a_shared_descriptor_is_shown_at_one_address)
{
	struct hive_author a = hive_golden();
	struct descriptors d = { 0 };
	struct hive_visitor visitor = { note_descriptor, ignore_value, ignore_end, &d };

	CHECK_INT(hive_read(a.file.bytes.data, a.file.bytes.len, 0, &visitor, NULL), 0);
	CHECK_INT(d.count, 6); /* Cluster, Groups, café, αβγ, Nodes (the same as Cluster), Open (none). */
	CHECK(d.seen[0] == d.seen[4]);
	CHECK(d.seen[0] > a.file.bytes.data && d.seen[0] < a.file.bytes.data + a.file.bytes.len);
	CHECK(d.seen[0] != d.seen[1] && d.seen[1] != d.seen[2] && d.seen[2] != d.seen[3]);
	CHECK(d.seen[5] == NULL);
	author_done(&a);
}

TEST(the_time_is_read_without_the_rest)
{
	struct hive_author a = { .filetime = 0x0123456789abcdef };
	struct error error;
	uint64_t t = 5;

	hive_golden_write(&a);
	CHECK_INT(hive_read_time(a.file.bytes.data, a.file.bytes.len, &t, NULL), 0);
	CHECK(t == 0x0123456789abcdef);
	t = 5;
	a.file.bytes.data[BASE_TIME] ^= 1;
	CHECK_INT(hive_read_time(a.file.bytes.data, a.file.bytes.len, &t, &error), ERR_INVALID_DATA);
	CHECK(strstr(error.text, "checksum") != NULL);
	CHECK_INT(hive_read_time("regf", 4, &t, &error), ERR_INVALID_DATA);
	CHECK_INT(t, 5);
	author_done(&a);
}

TEST(the_reader_survives_each_failed_allocation)
{
	struct hive_author a = hive_sample_named("leaves"), b = hive_golden();
	struct stopper s = { 0 };
	struct hive_visitor visitor = { stop_key, stop_value, stop_or_go, &s };

	FAIL_EACH_ALLOCATION
	{
		struct error error = { 0 };
		int r = hive_read(a.file.bytes.data, a.file.bytes.len, 0, &visitor, &error);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		CHECK_INT(error.code, r);
	}
	FAIL_EACH_ALLOCATION
	{
		struct error error = { 0 };
		int r = hive_read(b.file.bytes.data, b.file.bytes.len, HIVE_FOREIGN, &visitor, &error);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		CHECK_INT(error.code, r);
	}
	author_done(&a);
	author_done(&b);
}

/* 30 keys with 30 subkeys with 30 values. */
TEST(memory_grows_with_the_way_down_and_not_with_the_tree)
{
	struct hive_author a = { .no_text = true };
	struct stopper s = { 0 };
	struct hive_visitor visitor = { stop_key, stop_value, stop_or_go, &s };
	unsigned allocations = 0;

	author_begin(&a);
	author_key(&a, U16("Cluster"));
	for (char16_t i = 0x3000; i < 0x3000 + 30; i++) {
		author_key(&a, (struct u16){ &i, 1 });
		for (char16_t j = 0x3000; j < 0x3000 + 30; j++) {
			author_key(&a, (struct u16){ &j, 1 });
			for (char16_t k = 0x3000; k < 0x3000 + 30; k++)
				author_value(&a, (struct u16){ &k, 1 }, 3, "1", 1);
			author_end(&a);
		}
		author_end(&a);
	}
	author_end(&a);
	CHECK_INT(author_finish(&a), 0);
	FAIL_EACH_ALLOCATION
	{
		(void)hive_read(a.file.bytes.data, a.file.bytes.len, 0, &visitor, NULL);
		allocations += failalloc_hit();
	}
	/* The reader, two bitmaps, and 90 offsets in a buffer that grows by halves from 64 bytes. */
	CHECK_INT(allocations, 3 + 6);
	author_done(&a);
}
