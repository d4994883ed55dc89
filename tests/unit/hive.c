/* hive: what the writer writes is what the reader reads; limits and order are kept; a failing disk never leaves
 * something behind that looks like a hive.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hive/regf.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/hives.h"
#include <stdio.h>

static void check_reads_back(struct hive_author *a, unsigned flags)
{
	struct buf text = { 0 };
	struct error error = { 0 };

	CHECK_INT(a->error, 0);
	CHECK_INT(a->hive_size, a->file.bytes.len);
	if (hive_to_text(a->file.bytes.data, a->file.bytes.len, flags, &text, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
	CHECK_INT(text.len, a->text.len);
	CHECK_MEM(text.data, a->text.data, text.len);
	buf_done(&text);
}

TEST(every_sample_is_read_as_it_was_written)
{
	for (size_t i = 0; i < hive_sample_count; i++) {
		struct hive_author a = { 0 };

		hive_sample_write(&hive_samples[i], &a);
		check_reads_back(&a, 0);
		check_reads_back(&a, HIVE_FOREIGN);
		author_done(&a);
	}
}

static void read_golden(struct buf *ret)
{
	FILE *f = fopen(TEST_GOLDEN "/hive-small.hive", "rb");

	CHECK(f != NULL);
	buf_append_zeros(ret, 1 << 20);
	CHECK_INT(ret->error, 0);
	ret->len = fread(ret->data, 1, ret->len, f);
	CHECK_INT(fclose(f), 0);
}

TEST(the_writer_still_writes_the_golden_file)
{
	struct hive_author a = { 0 };
	struct buf golden = { 0 };

	hive_golden_write(&a);
	CHECK_INT(a.error, 0);
	read_golden(&golden);
	CHECK_INT(a.file.bytes.len, golden.len);
	CHECK_MEM(a.file.bytes.data, golden.data, golden.len);
	author_done(&a);
	buf_done(&golden);
}

TEST(the_reader_still_reads_the_golden_file)
{
	struct hive_author a = { 0 };
	struct buf golden = { 0 }, text = { 0 };
	struct error error;

	hive_golden_write(&a);
	read_golden(&golden);
	CHECK_INT(hive_to_text(golden.data, golden.len, 0, &text, &error), 0);
	CHECK_INT(text.len, a.text.len);
	CHECK_MEM(text.data, a.text.data, text.len);
	author_done(&a);
	buf_done(&golden);
	buf_done(&text);
}

TEST(every_length_of_small_data_comes_back)
{
	struct hive_author a = { 0 };
	char16_t name[] = { 'L', 0, 0 };
	uint8_t bytes[600];

	test_bytes(bytes, sizeof(bytes), 5);
	author_begin(&a);
	author_key(&a, U16("Cluster"));
	for (size_t len = 0; len < sizeof(bytes); len++) {
		name[1] = (char16_t)('0' + len / 26);
		name[2] = (char16_t)('A' + len % 26);
		author_value(&a, (struct u16){ name, 3 }, (uint32_t)len % 13, bytes, len);
	}
	author_end(&a);
	(void)author_finish(&a);
	check_reads_back(&a, 0);
	author_done(&a);
}

/* Random trees: few letters make long common prefixes. */
struct random_tree {
	struct hive_author author;
	uint64_t state;
	unsigned keys_left;
};

static unsigned draw(struct random_tree *t, unsigned below)
{
	t->state = t->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((t->state >> 33) % below);
}

enum { NAMES_MAX = 40, NAME_MAX = 12 };

struct random_names {
	char16_t units[NAMES_MAX][NAME_MAX];
	struct u16 names[NAMES_MAX];
	size_t count;
};

static int compare_random_names(const void *a, const void *b)
{
	return u16_compare(*(const struct u16 *)a, *(const struct u16 *)b);
}

static void draw_names(struct random_tree *t, struct random_names *n, size_t shortest, unsigned most)
{
	static const char16_t letters[] = { 'a', 'B', 'c', 0xe9, 0xff, 0x3b1, 0x3a9, 0x4e00, 0xd800, 0xdc00 };
	size_t drawn = draw(t, most + 1);

	for (size_t i = 0; i < drawn; i++) {
		n->names[i] = (struct u16){ n->units[i], shortest + draw(t, NAME_MAX + 1 - (unsigned)shortest) };
		for (size_t j = 0; j < NAME_MAX; j++)
			n->units[i][j] = letters[draw(t, draw(t, 2) ? ARRAY_SIZE(letters) : 3)];
	}
	qsort(n->names, drawn, sizeof(*n->names), compare_random_names);
	n->count = 0;
	for (size_t i = 0; i < drawn; i++)
		if (i == 0 || u16_compare(n->names[n->count - 1], n->names[i]) != 0)
			n->names[n->count++] = n->names[i];
}

static void random_key(struct random_tree *t, struct u16 name, unsigned depth)
{
	static const unsigned lengths[] = { 4, 20, 300, 17000, 40000 };
	static uint8_t bytes[40000];
	struct random_names n;

	author_key(&t->author, name);
	draw_names(t, &n, 0, NAMES_MAX / 2);
	for (size_t i = 0; i < n.count; i++) {
		unsigned len = draw(t, lengths[draw(t, draw(t, 50) == 0 ? 5 : 3)] + 1);

		test_bytes(bytes, len, t->state);
		author_value(&t->author, n.names[i], draw(t, 12), bytes, len);
	}
	draw_names(t, &n, 1, depth < 6 ? NAMES_MAX : 1);
	for (size_t i = 0; i < n.count && t->keys_left > 0; i++) {
		t->keys_left--;
		random_key(t, n.names[i], depth + 1);
	}
	author_end(&t->author);
}

TEST(random_trees_are_read_as_they_were_written)
{
	for (uint64_t i = 0; i < test_rounds(40); i++) {
		struct random_tree t = { .state = test_seed + i, .keys_left = 500 };

		test_note_seed(test_seed + i);
		author_begin(&t.author);
		random_key(&t, U16("Cluster"), 0);
		(void)author_finish(&t.author);
		check_reads_back(&t.author, 0);
		author_done(&t.author);
	}
}

/* A writer with an open root, to be misused. */
static struct hive_writer *open_writer(struct hive_file *f)
{
	struct hive_sink sink = hive_file_sink(f);
	struct hive_writer *w;

	CHECK_INT(hive_writer_new(&sink, 1, &w), 0);
	CHECK_INT(hive_key_begin(w, &(struct hive_key){ .name = U16("Cluster") }), 0);
	return w;
}

/* The error sticks, and nothing that is a hive comes of it. */
static void check_stuck(struct hive_writer *w, struct hive_file *f, int error)
{
	uint64_t size = 77;

	CHECK_INT(hive_key_begin(w, &(struct hive_key){ .name = U16("zz") }), error);
	CHECK_INT(hive_value(w, &(struct hive_value){ .name = U16("zz") }), error);
	CHECK_INT(hive_key_end(w), error);
	CHECK_INT(hive_writer_finish(w, &size), error);
	CHECK_INT(size, 77);
	CHECK_INT(f->base_call, 0);
	hive_writer_free(w);
	buf_done(&f->bytes);
	*f = (struct hive_file){ 0 };
}

TEST(keys_beyond_the_limits_are_refused)
{
	static const uint8_t security[HIVE_SECURITY_MAX + 1];
	static char16_t units[HIVE_CLASS_MAX + 1];
	static const struct hive_key refused[] = {
		{ .name = U16("") },
		{ .name = { units, HIVE_KEY_NAME_MAX + 1 } },
		{ .name = U16("a\\b") },
		{ .name = { u"a\0b", 3 } },
		{ .name = U16("a"), .class_name = { units, HIVE_CLASS_MAX + 1 } },
		{ .name = U16("a"), .security = security, .security_len = HIVE_SECURITY_MAX + 1 },
	};
	struct hive_file f = { 0 };

	for (size_t i = 0; i <= HIVE_CLASS_MAX; i++)
		units[i] = 'u';
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct hive_writer *w = open_writer(&f);

		CHECK_INT(hive_key_begin(w, &refused[i]), -EINVAL);
		check_stuck(w, &f, -EINVAL);
	}
}

TEST(the_513th_level_is_refused)
{
	struct hive_file f = { 0 };
	struct hive_writer *w = open_writer(&f);

	for (unsigned i = 1; i < HIVE_DEPTH_MAX; i++)
		CHECK_INT(hive_key_begin(w, &(struct hive_key){ .name = U16("k") }), 0);
	CHECK_INT(hive_key_begin(w, &(struct hive_key){ .name = U16("k") }), -EINVAL);
	check_stuck(w, &f, -EINVAL);
}

TEST(values_beyond_the_limits_are_refused)
{
	static char16_t units[HIVE_VALUE_NAME_MAX + 1];
	struct hive_file f = { 0 };
	struct hive_writer *w = open_writer(&f);

	CHECK_INT(hive_value(w, &(struct hive_value){ .name = { units, HIVE_VALUE_NAME_MAX + 1 } }), -EINVAL);
	check_stuck(w, &f, -EINVAL);
	w = open_writer(&f);
	CHECK_INT(hive_value(w, &(struct hive_value){ .data = (void *)units, .len = HIVE_VALUE_MAX + 1 }), -EFBIG);
	check_stuck(w, &f, -EFBIG);
}

TEST(names_that_do_not_ascend_are_refused)
{
	static const struct {
		struct u16 first, second;
	} refused[] = {
		{ U16("b"), U16("a") },
		{ U16("a"), U16("A") },
		{ U16("aa"), U16("a") },
		{ U16("a"), U16("a") },
		{ U16("\u00e9"), U16("\u00c9") },
		{ U16("\u03b1"), U16("z") },
		{ U16("\uff21"), U16("\u96c6") },
		{ U16("_"), U16("z") },
	};
	struct hive_file f = { 0 };
	struct hive_writer *w;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		w = open_writer(&f);
		CHECK_INT(hive_key_begin(w, &(struct hive_key){ .name = refused[i].first }), 0);
		CHECK_INT(hive_key_end(w), 0);
		CHECK_INT(hive_key_begin(w, &(struct hive_key){ .name = refused[i].second }), -EINVAL);
		check_stuck(w, &f, -EINVAL);

		w = open_writer(&f);
		CHECK_INT(hive_value(w, &(struct hive_value){ .name = refused[i].first }), 0);
		CHECK_INT(hive_value(w, &(struct hive_value){ .name = refused[i].second }), -EINVAL);
		check_stuck(w, &f, -EINVAL);
	}
	w = open_writer(&f);
	CHECK_INT(hive_value(w, &(struct hive_value){ .name = U16("") }), 0);
	CHECK_INT(hive_value(w, &(struct hive_value){ .name = U16("") }), -EINVAL);
	check_stuck(w, &f, -EINVAL);
}

TEST(calls_out_of_turn_are_refused)
{
	struct hive_file f = { 0 };
	struct hive_sink sink = hive_file_sink(&f);
	struct hive_key key = { .name = U16("k") };
	struct hive_value value = { .name = U16("v") };
	struct hive_writer *w;
	uint64_t size;

	CHECK_INT(hive_writer_new(&sink, 1, &w), 0);
	CHECK_INT(hive_value(w, &value), -EINVAL); /* No key yet. */
	check_stuck(w, &f, -EINVAL);

	CHECK_INT(hive_writer_new(&sink, 1, &w), 0);
	CHECK_INT(hive_key_end(w), -EINVAL);
	check_stuck(w, &f, -EINVAL);

	CHECK_INT(hive_writer_new(&sink, 1, &w), 0);
	CHECK_INT(hive_writer_finish(w, &size), -EINVAL);
	check_stuck(w, &f, -EINVAL);

	w = open_writer(&f);
	CHECK_INT(hive_writer_finish(w, &size), -EINVAL); /* The root is open. */
	check_stuck(w, &f, -EINVAL);

	w = open_writer(&f);
	CHECK_INT(hive_key_begin(w, &key), 0);
	CHECK_INT(hive_key_end(w), 0);
	CHECK_INT(hive_value(w, &value), -EINVAL); /* After a subkey. */
	check_stuck(w, &f, -EINVAL);

	w = open_writer(&f);
	CHECK_INT(hive_key_end(w), 0);
	CHECK_INT(hive_key_begin(w, &key), -EINVAL); /* A second root. */
	check_stuck(w, &f, -EINVAL);

	w = open_writer(&f);
	CHECK_INT(hive_key_end(w), 0);
	CHECK_INT(hive_writer_finish(w, &size), 0);
	CHECK_INT(size, f.bytes.len);
	CHECK_INT(hive_writer_finish(w, &size), -EINVAL);
	hive_writer_free(w);
	buf_done(&f.bytes);
}

TEST(a_hive_of_2_gib_is_refused)
{
	enum { LEN = 16 << 20 };
	struct hive_file f = { .discard = true };
	struct hive_writer *w = open_writer(&f);
	_cleanup_free_ uint8_t *zeros = calloc(1, LEN);
	char16_t name = 0x3000; /* From here on upper and lower case are the same. */
	int r;

	CHECK(zeros != NULL);
	do
		r = hive_value(w, &(struct hive_value){ .name = { &name, 1 }, .data = zeros, .len = LEN });
	while (r == 0 && ++name < 0x3100);
	CHECK_INT(r, -EFBIG);
	CHECK(f.size <= HIVE_SIZE_MAX);
	CHECK(f.size > HIVE_SIZE_MAX - (2u << 20));
	check_stuck(w, &f, -EFBIG);
}

TEST(the_largest_value_is_written)
{
	struct hive_file f = { .discard = true };
	_cleanup_free_ uint8_t *zeros = NULL;
	struct hive_writer *w;
	uint64_t size;

	if (!test_long)
		test_skip("it has 1 GiB: in soak only");
	w = open_writer(&f);
	zeros = calloc(1, HIVE_VALUE_MAX);
	CHECK(zeros != NULL);
	CHECK_INT(hive_value(w, &(struct hive_value){ .name = U16("v"), .data = zeros, .len = HIVE_VALUE_MAX }), 0);
	CHECK_INT(hive_key_end(w), 0);
	CHECK_INT(hive_writer_finish(w, &size), 0);
	CHECK_INT(size, f.size);
	hive_writer_free(w);
}

/* Several times the buffer, with keys that are patched long after they have left it. */
static void write_long(struct hive_author *a)
{
	static uint8_t bytes[200000];

	author_begin(a);
	author_key(a, U16("Cluster"));
	for (char16_t i = 'a'; i <= 'd'; i++) {
		author_key(a, (struct u16){ &i, 1 });
		for (char16_t j = 'a'; j <= 'e'; j++)
			author_value(a, (struct u16){ &j, 1 }, 3, bytes, sizeof(bytes));
		for (char16_t j = 'a'; j <= 'e'; j++) {
			author_key(a, (struct u16){ &j, 1 });
			author_value(a, U16("v"), 3, bytes, 10000);
			author_end(a);
		}
		author_end(a);
	}
	author_end(a);
	(void)author_finish(a);
}

TEST(the_base_block_is_written_last_between_two_syncs)
{
	struct hive_author a = { 0 };

	write_long(&a);
	check_reads_back(&a, 0);
	CHECK_INT(a.file.synced_size, a.file.size);
	CHECK_INT(a.file.base_call, a.file.calls - 1);
	CHECK_INT(a.file.last_sync, a.file.calls);
	author_done(&a);
}

TEST(a_checksum_of_0_or_ffffffff_is_written_as_another)
{
	static const struct {
		uint32_t sum, stored;
	} cases[] = { { 0, 1 }, { 0xffffffff, 0xfffffffe }, { 1, 1 }, { 0xfffffffe, 0xfffffffe }, { 2, 2 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hive_author a = { .filetime = 5 };
		uint32_t sum;

		/* The time is one of the words, so it can make the sum what it shall be. */
		hive_golden_write(&a);
		sum = get_le32(a.file.bytes.data + BASE_CHECKSUM);
		author_done(&a);
		a.filetime = 5 ^ sum ^ cases[i].sum;
		hive_golden_write(&a);
		CHECK_INT(get_le32(a.file.bytes.data + BASE_CHECKSUM), cases[i].stored);
		check_reads_back(&a, 0);
		author_done(&a);
	}
}

TEST(the_body_leaves_in_pieces_of_at_most_1_mib)
{
	struct hive_author a = { 0 };

	write_long(&a);
	CHECK_INT(a.file.longest, 1 << 20);
	CHECK(a.file.patches > 4); /* The keys and descriptors whose records had left the buffer. */
	CHECK(a.file.calls < 30);
	author_done(&a);
}

static const struct {
	bool once, halfway;
} ways_to_fail[] = { { false, false }, { false, true }, { true, false }, { true, true } };

TEST(a_failing_disk_leaves_no_hive_behind)
{
	for (size_t way = 0; way < ARRAY_SIZE(ways_to_fail); way++) {
		for (uint64_t n = 1;; n++) {
			struct hive_author a = { .no_text = true, .file = { .fail_at = n } };
			uint64_t size = 77, calls;
			struct error error;

			a.file.fail_once = ways_to_fail[way].once;
			a.file.fail_halfway = ways_to_fail[way].halfway;
			write_long(&a);
			if (a.error == 0) {
				CHECK(n > 10);
				CHECK_INT(n, a.file.calls + 1);
				author_done(&a);
				break;
			}
			CHECK_INT(a.error, -EIO);
			CHECK_INT(a.file.calls, n); /* Nothing more reaches the disk. */
			calls = a.file.calls;
			CHECK_INT(hive_writer_finish(a.writer, &size), -EIO);
			CHECK_INT(size, 77);
			CHECK_INT(a.file.calls, calls);
			if (a.file.base_call == 0)
				CHECK_INT(hive_to_text(a.file.bytes.data, a.file.bytes.len, 0, &a.text, &error),
				    ERR_INVALID_DATA);
			else
				CHECK(a.file.base_call == n ||
				      a.file.base_call == n - 1); /* Itself, or the sync after it. */
			author_done(&a);
		}
	}
}

TEST(the_writer_survives_each_failed_allocation)
{
	FAIL_EACH_ALLOCATION
	{
		struct hive_author a = { .no_text = true, .file = { .discard = true } };
		uint8_t big[20000] = { 0 }, descriptor[TEST_DESCRIPTOR_MAX];
		struct hive_key key = { .name = U16("key"), .class_name = U16("c"), .security = descriptor };
		char16_t name[2] = { 'a', 'a' };

		author_begin(&a);
		author_key(&a, U16("Cluster"));
		author_value(&a, U16("big"), 3, big, sizeof(big));
		for (unsigned i = 0; i < 600; i++) {
			name[0] = (char16_t)('a' + i / 30);
			name[1] = (char16_t)('a' + i % 30);
			key.name = (struct u16){ name, 2 };
			key.security_len = test_descriptor(i, descriptor);
			author_key_full(&a, &key);
			author_end(&a);
		}
		author_end(&a);
		(void)author_finish(&a);
		CHECK_INT(a.error, failalloc_hit() ? -ENOMEM : 0);
		author_done(&a);
	}
}
