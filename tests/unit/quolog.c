/* quolog: records, headers, segments and the log of a backup set: what is written is read, what is not ours is refused.
 * The golden files in tests/golden pin the format.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"
#include "quolog/reader.h"
#include "quolog/segment.h"
#include "quolog/writer.h"
#include "sim/disk.h"
#include "tests/lib/failalloc.h"
#include <stdio.h>

enum { SEED = 0x5eed5eed };

static void sample_header(struct quolog_header *h)
{
	static const char16_t name[] = u"Käse\xd800";

	memset(h, 0, sizeof(*h));
	memcpy(h->name, name, sizeof(name));
	h->name_len = 5;
	memset(&h->instance, 0x11, sizeof(h->instance));
	h->generation.number = 3;
	memset(&h->generation.id, 0x22, sizeof(h->generation.id));
	memset(&h->generation.parent_id, 0x33, sizeof(h->generation.parent_id));
	h->generation.parent_index = 77;
	h->snapshot = 100;
	h->last = 103;
	h->time = 0x01dc5b0123456789;
	h->partition_count = 2;
	h->partition_offsets[0] = 1 << 20;
	h->partition_offsets[1] = 5ull << 32;
	h->key_len = 3;
	memcpy(h->key, "key", 3);
	h->signature_len = 64;
}

static void segment_header(struct quolog_header *h, uint64_t snapshot)
{
	sample_header(h);
	h->snapshot = snapshot;
	h->last = 0;
	h->term = 4;
	h->seed = SEED;
}

static void put(struct buf *b, uint32_t seed, enum quolog_type type, uint64_t index, uint64_t durable, const char *text)
{
	struct quolog_record r = {
		.type = type,
		.index = index,
		.durable = durable,
		.payload = (const uint8_t *)text,
		.len = strlen(text),
	};

	quolog_record_encode(b, seed, &r);
}

static void put_header(struct buf *b, const struct quolog_header *h)
{
	struct quolog_record r = {
		.type = QUOLOG_HEADER, .index = h->snapshot, .durable = h->seed != 0 ? h->snapshot : 0
	};
	struct buf payload = { 0 };

	quolog_header_encode(&payload, h);
	r.payload = payload.data;
	r.len = payload.len;
	quolog_record_encode(b, 0, &r);
	buf_done(&payload);
}

static void put_command(struct buf *b, uint64_t index, uint64_t durable, const char *text)
{
	struct quolog_record r = { .type = QUOLOG_COMMAND, .index = index, .durable = durable };
	struct quolog_command c = {
		.incarnation = 9, .counter = index, .bytes = (const uint8_t *)text, .len = strlen(text)
	};

	quolog_command_encode(b, SEED, &r, &c);
}

static void put_event(struct buf *b, uint64_t index, uint64_t durable, enum quolog_event_kind kind, uint64_t term)
{
	struct quolog_record r = { .type = QUOLOG_EVENT, .index = index, .durable = durable };
	struct quolog_event e = { .kind = kind, .node = 1, .incarnation = 9, .term = term };

	quolog_event_encode(b, SEED, &r, &e);
}

/* Header at 10; a batch of two events; a batch of three commands with its mark; room. */
static void sample_segment(struct buf *b, size_t offsets[8])
{
	struct quolog_header h;

	segment_header(&h, 10);
	put_header(b, &h);
	offsets[0] = b->len;
	put_event(b, 11, 10, QUOLOG_NODE_JOINED, 0);
	offsets[1] = b->len;
	put_event(b, 12, 10, QUOLOG_OWNER_ELECTED, 5);
	offsets[2] = b->len;
	put_command(b, 13, 12, "first");
	offsets[3] = b->len;
	put_command(b, 14, 12, "");
	offsets[4] = b->len;
	put_command(b, 15, 12, "third of the batch");
	offsets[5] = b->len;
	put(b, SEED, QUOLOG_DURABLE, 15, 15, "");
	offsets[6] = b->len;
	buf_append_zeros(b, 256);
	offsets[7] = b->len;
	CHECK_INT(b->error, 0);
}

static int count_visits(void *data, const struct quolog_record *r)
{
	uint64_t *last = data;

	if (*last != 0)
		CHECK_INT(r->index, *last + 1);
	*last = r->index;
	return 0;
}

static int scan(const struct buf *b, struct quolog_segment *ret)
{
	uint64_t last = 0;
	struct error error = { 0 };
	int r;

	memset(ret, 0, sizeof(*ret));
	r = quolog_segment_scan(b->data, b->len, count_visits, &last, ret, &error);
	CHECK((r < 0) == (error.code < 0 && error.text[0] != 0));
	if (r == 0)
		CHECK_INT(last, ret->last >= ret->first ? ret->last : 0);
	return r;
}

/* Records. */

TEST(a_record_is_read_as_it_was_written)
{
	struct buf b = { 0 };
	struct quolog_record r;
	struct quolog_command c;
	struct quolog_event e;
	size_t size;

	put_command(&b, 5, 4, "hello");
	put_event(&b, 6, 4, QUOLOG_OWNER_ELECTED, 8);
	CHECK_INT(b.len, 32 + 24 + 32 + 24);
	CHECK_INT(quolog_record_decode(b.data, b.len, SEED, &r, &size, NULL), 0);
	CHECK_INT(size, 56);
	CHECK(r.type == QUOLOG_COMMAND && r.index == 5 && r.durable == 4 && r.len == 21);
	CHECK_INT(quolog_command_decode(&r, &c), 0);
	CHECK(c.incarnation == 9 && c.counter == 5 && c.len == 5 && memcmp(c.bytes, "hello", 5) == 0);
	CHECK_INT(quolog_record_decode(b.data + 56, b.len - 56, SEED, &r, &size, NULL), 0);
	CHECK(r.type == QUOLOG_EVENT && r.index == 6 && size == 56);
	CHECK_INT(quolog_event_decode(&r, &e), 0);
	CHECK(e.kind == QUOLOG_OWNER_ELECTED && e.node == 1 && e.incarnation == 9 && e.term == 8);
	buf_done(&b);
}

TEST(a_record_of_another_seed_is_refused)
{
	struct buf b = { 0 };
	struct quolog_record r;
	size_t size;

	put_command(&b, 5, 4, "hello");
	CHECK_INT(quolog_record_decode(b.data, b.len, SEED + 1, &r, &size, NULL), -EBADMSG);
	CHECK_INT(quolog_record_decode(b.data, b.len, 0, &r, &size, NULL), -EBADMSG);
	buf_done(&b);
}

TEST(each_cut_and_each_flipped_bit_of_a_record_is_refused)
{
	struct buf b = { 0 };
	struct quolog_record r;
	size_t size;

	put_command(&b, 5, 4, "hello");
	for (size_t len = 0; len < b.len; len++)
		CHECK_INT(quolog_record_decode(b.data, len, SEED, &r, &size, NULL), -EBADMSG);
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_INT(quolog_record_decode(b.data, b.len, SEED, &r, &size, NULL), -EBADMSG);
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	CHECK_INT(quolog_record_decode(b.data, b.len, SEED, &r, &size, NULL), 0);
	buf_done(&b);
}

/* What a checksum cannot find: a well made record that no writer of ours would make. */
TEST(a_record_with_a_good_checksum_and_bad_content_is_refused)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = { { 8, 22 } /* length into the padding */, { 12, 0 }, { 12, 8 },
		{ 12, 4 } /* a mark with content */, { 13, 1 }, { 14, 1 }, { 15, 1 }, { 55, 1 } /* padding */ };

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct buf b = { 0 };
		struct quolog_record r;
		size_t size;

		put_command(&b, 5, 4, "hello");
		b.data[changes[i].at] = changes[i].value;
		put_le32(b.data + 4, crc32c(SEED, b.data + 8, b.len - 8));
		if (quolog_record_decode(b.data, b.len, SEED, &r, &size, NULL) == 0)
			CHECK(i == 0 && r.len == 22); /* A longer payload is another record, not a bad one. */
		buf_done(&b);
	}
}

TEST(an_event_that_makes_no_sense_is_refused)
{
	uint8_t payload[24] = { 1, 0, 0, 0, 1 };
	struct quolog_record r = { .type = QUOLOG_EVENT, .payload = payload, .len = sizeof(payload) };
	struct quolog_event e;

	CHECK_INT(quolog_event_decode(&r, &e), -EBADMSG); /* Elected without a term. */
	payload[16] = 1;
	CHECK_INT(quolog_event_decode(&r, &e), 0);
	payload[0] = 2;
	CHECK_INT(quolog_event_decode(&r, &e), -EBADMSG); /* Joined with one. */
	payload[0] = 4;
	CHECK_INT(quolog_event_decode(&r, &e), -EBADMSG);
	payload[0] = 1;
	r.len = 23;
	CHECK_INT(quolog_event_decode(&r, &e), -EBADMSG);
}

/* Headers. */

static bool header_equal(const struct quolog_header *a, const struct quolog_header *b)
{
	struct buf x = { 0 }, y = { 0 };
	bool equal;

	quolog_header_encode(&x, a);
	quolog_header_encode(&y, b);
	equal = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	buf_done(&x);
	buf_done(&y);
	return equal;
}

TEST(a_header_is_read_as_it_was_written)
{
	struct quolog_header h, back;
	struct buf b = { 0 };

	for (int small = 0; small < 2; small++) {
		sample_header(&h);
		if (small) {
			h.name_len = h.partition_count = h.key_len = h.signature_len = 0;
			h.name[0] = 0;
		} else {
			h.term = 1;
			h.seed = UINT32_MAX;
		}
		b.len = 0;
		quolog_header_encode(&b, &h);
		CHECK_INT(quolog_header_decode(b.data, b.len, &back, NULL), 0);
		CHECK(header_equal(&h, &back));
		CHECK(back.name_len == h.name_len && back.key_len == h.key_len && back.name[back.name_len] == 0);
		CHECK_MEM(back.partition_offsets, h.partition_offsets, 8 * h.partition_count);
		CHECK(back.generation.number == 3 && back.generation.parent_index == 77 && back.snapshot == 100);
		CHECK(back.last == 103 && back.time == h.time && back.term == h.term && back.seed == h.seed);
		CHECK(guid_equal(&back.generation.parent_id, &h.generation.parent_id));
	}
	buf_done(&b);
}

TEST(each_cut_of_a_header_is_refused)
{
	struct quolog_header h, back;
	struct buf b = { 0 };
	size_t optional = 0;

	sample_header(&h);
	h.key_len = h.signature_len = h.partition_count = 0;
	quolog_header_encode(&b, &h);
	for (size_t len = 0; len < b.len; len++)
		optional += quolog_header_decode(b.data, len, &back, NULL) == 0;
	CHECK_INT(optional, 0);
	buf_done(&b);
}

static void put_unknown(struct buf *b, uint16_t tag)
{
	buf_u16(b, tag);
	buf_u16(b, 0);
	buf_u32(b, 5);
	buf_append(b, "later", 5);
}

TEST(an_unknown_compatible_field_is_skipped_and_an_incompatible_one_refused)
{
	struct quolog_header h, back;
	struct buf b = { 0 };
	struct error error;

	sample_header(&h);
	quolog_header_encode(&b, &h);
	put_unknown(&b, 0x7000);
	CHECK_INT(quolog_header_decode(b.data, b.len, &back, NULL), 0);
	CHECK(header_equal(&h, &back));
	put_unknown(&b, 0x8000);
	CHECK_INT(quolog_header_decode(b.data, b.len, &back, &error), ERR_NOT_SUPPORTED);
	CHECK(strstr(error.text, "newer") != NULL);
	buf_done(&b);
}

TEST(flags_and_versions_decide_whether_a_header_is_read)
{
	struct quolog_header h, back;
	struct buf b = { 0 };

	sample_header(&h);
	quolog_header_encode(&b, &h);
	put_le32(b.data + 4, 0xffffffff); /* Compatible. */
	CHECK_INT(quolog_header_decode(b.data, b.len, &back, NULL), 0);
	put_le32(b.data + 8, 1);
	CHECK_INT(quolog_header_decode(b.data, b.len, &back, NULL), ERR_NOT_SUPPORTED);
	put_le32(b.data + 8, 0);
	put_le32(b.data, 2);
	CHECK_INT(quolog_header_decode(b.data, b.len, &back, NULL), ERR_NOT_SUPPORTED);
	put_le32(b.data, 0);
	CHECK_INT(quolog_header_decode(b.data, b.len, &back, NULL), ERR_NOT_SUPPORTED);
	buf_done(&b);
}

TEST(fields_that_repeat_or_have_another_size_are_refused)
{
	struct quolog_header h, back;
	struct buf b = { 0 };

	sample_header(&h);
	quolog_header_encode(&b, &h);
	put_unknown(&b, 3);
	CHECK_INT(quolog_header_decode(b.data, b.len, &back, NULL), -EBADMSG);
	/* Every length field one up, one down, and huge. */
	b.len -= 13;
	for (size_t at = 12; at < b.len;) {
		uint32_t len = get_le32(b.data + at + 4);
		static const uint32_t changes[] = { 1, (uint32_t)-1, 0x80000000 };

		for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
			put_le32(b.data + at + 4, len + changes[i]);
			CHECK(quolog_header_decode(b.data, b.len, &back, NULL) < 0);
		}
		put_le32(b.data + at + 4, len);
		at += 8 + len;
	}
	CHECK_INT(quolog_header_decode(b.data, b.len, &back, NULL), 0);
	buf_done(&b);
}

/* Segments. */

TEST(a_segment_is_scanned_to_its_end)
{
	struct buf b = { 0 };
	struct quolog_segment s;
	size_t at[8];

	sample_segment(&b, at);
	CHECK_INT(scan(&b, &s), 0);
	CHECK(s.first == 11 && s.last == 15 && s.durable == 15 && s.term == 5 && !s.sealed);
	CHECK(s.end == at[6] && s.used == s.end);
	/* Without its mark, the last batch may be new. */
	memset(b.data + at[5], 0, at[6] - at[5]);
	CHECK_INT(scan(&b, &s), 0);
	CHECK(s.last == 15 && s.durable == 12 && s.end == at[5] && s.used == s.end);
	buf_done(&b);
}

TEST(a_segment_may_be_empty_and_shorter_than_its_room)
{
	struct buf b = { 0 };
	struct quolog_segment s;
	size_t at[8];

	sample_segment(&b, at);
	b.len = at[0];
	CHECK_INT(scan(&b, &s), 0);
	CHECK(s.first == 11 && s.last == 10 && s.durable == 10 && s.term == 4 && s.end == at[0]);
	b.len = at[0] - 1;
	CHECK_INT(scan(&b, &s), -EBADMSG);
	b.len = 0;
	CHECK_INT(scan(&b, &s), -EBADMSG);
	buf_done(&b);
}

/* A power cut keeps any of an unsynced batch's bytes: whatever is lost of it, what was there before stays. */
TEST(a_torn_last_batch_is_a_tail_to_cut)
{
	struct buf b = { 0 };
	struct quolog_segment s;
	size_t at[8];

	sample_segment(&b, at);
	memset(b.data + at[5], 0, at[6] - at[5]);
	for (size_t from = at[2]; from < at[5]; from += 8) {
		for (size_t to = from + 8; to <= at[5]; to += 8) {
			uint8_t saved[512];
			bool lost = false;

			for (size_t i = from; i < to; i++)
				lost |= b.data[i] != 0;
			memcpy(saved, b.data + from, to - from);
			memset(b.data + from, 0, to - from);
			CHECK_INT(scan(&b, &s), 0);
			CHECK(s.last >= 12 && (s.last < 15) == lost);
			CHECK_INT(s.durable, s.last == 12 ? 10 : 12); /* Only who is whole is believed. */
			CHECK(s.end == at[s.last - 10] && s.used >= s.end && s.used <= at[5]);
			memcpy(b.data + from, saved, to - from);
		}
	}
	buf_done(&b);
}

TEST(damage_to_what_a_later_record_calls_durable_is_refused)
{
	struct buf b = { 0 };
	struct quolog_segment s;
	size_t at[8];

	sample_segment(&b, at);
	for (size_t bit = 0; bit < 8 * at[5]; bit++) {
		int r;

		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = scan(&b, &s);
		CHECK(r == -EBADMSG);
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* The mark itself, and the room behind it, may rot: everything is still there. */
	for (size_t bit = 8 * at[5]; bit < 8 * at[7]; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_INT(scan(&b, &s), 0);
		CHECK(s.last == 15 && s.used > s.end);
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_done(&b);
}

TEST(the_story_of_damage_says_where)
{
	struct buf b = { 0 };
	struct quolog_segment s;
	struct error error;
	size_t at[8];
	char where[32];

	sample_segment(&b, at);
	b.data[at[3] + 40] ^= 1;
	CHECK_INT(quolog_segment_scan(b.data, b.len, NULL, NULL, &s, &error), -EBADMSG);
	(void)snprintf(where, sizeof(where), "offset %zu:", at[3]);
	CHECK(strstr(error.text, where) != NULL && strstr(error.text, "checksum") != NULL);
	CHECK(strstr(error.text, "index 14") != NULL);
	buf_done(&b);
}

TEST(a_whole_record_that_does_not_continue_the_log_is_refused)
{
	static const struct {
		enum quolog_type type;
		uint64_t index, durable;
	} bad[] = {
		{ QUOLOG_COMMAND, 15, 14 }, { QUOLOG_COMMAND, 17, 15 }, /* repeats, leaves a gap */
		{ QUOLOG_COMMAND, 16, 16 }, { QUOLOG_COMMAND, 16, 14 }, { QUOLOG_COMMAND, 16, 12 }, /* durable */
		{ QUOLOG_DURABLE, 14, 14 }, { QUOLOG_DURABLE, 16, 16 }, { QUOLOG_DURABLE, 15, 12 },
		{ QUOLOG_HEADER, 15, 15 }, { QUOLOG_BATCH, 16, 15 }, { QUOLOG_MANIFEST, 16, 15 },
		{ QUOLOG_EVENT, 16, 15 }, /* whose payload is none */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct buf b = { 0 };
		struct quolog_segment s;
		size_t at[8];

		sample_segment(&b, at);
		b.len = at[6];
		put(&b, SEED, bad[i].type, bad[i].index, bad[i].durable,
		    bad[i].type == QUOLOG_DURABLE ? "" : "sixteen bytes!!!");
		CHECK_INT(scan(&b, &s), -EBADMSG);
		b.len = at[6];
		put(&b, SEED, QUOLOG_COMMAND, 16, 15, "sixteen bytes!!!");
		CHECK_INT(scan(&b, &s), 0);
		buf_done(&b);
	}
}

TEST(a_term_that_does_not_rise_is_refused)
{
	struct buf b = { 0 };
	struct quolog_segment s;
	size_t at[8];

	sample_segment(&b, at);
	b.len = at[6];
	put_event(&b, 16, 15, QUOLOG_OWNER_ELECTED, 5);
	CHECK_INT(scan(&b, &s), -EBADMSG);
	b.len = at[6];
	put_event(&b, 16, 15, QUOLOG_OWNER_ELECTED, 6);
	CHECK_INT(scan(&b, &s), 0);
	CHECK_INT(s.term, 6);
	buf_done(&b);
}

TEST(a_seal_is_seen_and_nothing_comes_behind_it)
{
	struct buf b = { 0 };
	struct quolog_segment s;
	size_t at[8];

	sample_segment(&b, at);
	b.len = at[6];
	put(&b, SEED, QUOLOG_SEALED, 16, 15, "etcd");
	CHECK_INT(scan(&b, &s), 0);
	CHECK(s.sealed && s.last == 16);
	put_command(&b, 17, 16, "late");
	CHECK_INT(scan(&b, &s), -EBADMSG);
	buf_done(&b);
}

/* A user may store the bytes of a record as a value.  Behind a torn place they must not pose as one. */
TEST(bytes_of_a_user_do_not_pose_as_a_record)
{
	struct buf b = { 0 }, forged = { 0 };
	struct quolog_record r = { .type = QUOLOG_COMMAND, .index = 13, .durable = 12 };
	struct quolog_command c = { .incarnation = 9, .counter = 1 };
	struct quolog_segment s;
	size_t at[8];

	put(&forged, 0, QUOLOG_DURABLE, 1000, 1000, "");
	sample_segment(&b, at);
	b.len = at[2];
	c.bytes = forged.data;
	c.len = forged.len;
	quolog_command_encode(&b, SEED, &r, &c);
	b.data[at[2] + 4] ^= 1;
	CHECK_INT(scan(&b, &s), 0);
	CHECK(s.last == 12 && s.used > s.end);
	buf_done(&b);
	buf_done(&forged);
}

TEST(each_failed_allocation_of_a_scan_is_reported)
{
	struct buf b = { 0 };
	size_t at[8];

	sample_segment(&b, at);
	FAIL_EACH_ALLOCATION
	{
		struct quolog_segment s;
		int r = quolog_segment_scan(b.data, b.len, NULL, NULL, &s, NULL);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
	}
	buf_done(&b);
}

/* The log of a backup set. */

static int on_header(void *data, const struct quolog_header *h)
{
	*(uint64_t *)data += h->last;
	return 0;
}

static int on_batch(void *data, uint64_t index, const uint8_t *bytes, size_t len)
{
	*(uint64_t *)data += 1000 * index + len;
	return len == 4 && memcmp(bytes, "STOP", 4) == 0 ? -ECANCELED : 0;
}

static int on_manifest(void *data, const uint8_t *bytes, size_t len)
{
	*(uint64_t *)data += 1000000 * len;
	return 0;
}

static int read_set(const struct buf *b, uint64_t *ret_sum)
{
	struct quolog_visitor v = { on_header, on_batch, on_manifest, ret_sum };
	struct error error = { 0 };
	int r;

	*ret_sum = 0;
	r = quolog_read(b->data, b->len, &v, &error);
	CHECK((r < 0 && r != -ECANCELED) == (error.text[0] != 0));
	return r;
}

static void sample_set(struct buf *b)
{
	struct quolog_header h;

	sample_header(&h);
	put_header(b, &h);
	put(b, 0, QUOLOG_BATCH, 101, 0, "one");
	put(b, 0, QUOLOG_BATCH, 103, 0, "three");
	put(b, 0, QUOLOG_MANIFEST, 103, 0, "manifest");
}

TEST(the_log_of_a_set_is_read_in_order)
{
	struct buf b = { 0 };
	uint64_t sum;

	sample_set(&b);
	CHECK_INT(read_set(&b, &sum), 0);
	CHECK_INT(sum, 103 + 101003 + 103005 + 8000000);
	buf_done(&b);
}

TEST(each_cut_flip_or_addition_to_the_log_of_a_set_is_refused)
{
	struct buf b = { 0 };
	uint64_t sum;

	sample_set(&b);
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_INT(read_set(&b, &sum), -EBADMSG);
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_u8(&b, 0);
	CHECK_INT(read_set(&b, &sum), -EBADMSG);
	b.len--;
	CHECK_INT(read_set(&b, &sum), 0);
	while (b.len > 0) {
		b.len--;
		CHECK_INT(read_set(&b, &sum), -EBADMSG);
	}
	buf_done(&b);
}

TEST(a_set_whose_records_do_not_fit_together_is_refused)
{
	static const struct {
		enum quolog_type type;
		uint64_t index, durable;
	} bad[] = {
		{ QUOLOG_BATCH, 100, 0 },
		{ QUOLOG_BATCH, 101, 0 },
		{ QUOLOG_BATCH, 104, 0 },
		{ QUOLOG_BATCH, 102, 101 },
		{ QUOLOG_MANIFEST, 102, 0 },
		{ QUOLOG_MANIFEST, 104, 0 },
		{ QUOLOG_COMMAND, 102, 0 },
		{ QUOLOG_DURABLE, 101, 0 },
		{ QUOLOG_SEALED, 102, 0 },
		{ QUOLOG_HEADER, 100, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct quolog_header h;
		struct buf b = { 0 };
		uint64_t sum;

		sample_header(&h);
		put_header(&b, &h);
		put(&b, 0, QUOLOG_BATCH, 101, 0, "one");
		put(&b, 0, bad[i].type, bad[i].index, bad[i].durable, bad[i].type == QUOLOG_DURABLE ? "" : "?");
		put(&b, 0, QUOLOG_MANIFEST, 103, 0, "manifest");
		CHECK_INT(read_set(&b, &sum), -EBADMSG);
		buf_done(&b);
	}
}

TEST(a_segment_is_no_set_and_a_set_is_no_segment)
{
	struct buf b = { 0 };
	struct quolog_segment s;
	size_t at[8];
	uint64_t sum;

	sample_segment(&b, at);
	CHECK_INT(read_set(&b, &sum), -EBADMSG);
	b.len = 0;
	sample_set(&b);
	CHECK_INT(scan(&b, &s), -EBADMSG);
	buf_done(&b);
}

TEST(what_the_visitor_says_ends_the_reading)
{
	struct quolog_header h;
	struct buf b = { 0 };
	uint64_t sum;

	sample_header(&h);
	put_header(&b, &h);
	put(&b, 0, QUOLOG_BATCH, 102, 0, "STOP");
	put(&b, 0, QUOLOG_MANIFEST, 103, 0, "manifest");
	CHECK_INT(read_set(&b, &sum), -ECANCELED);
	CHECK_INT(sum, 103 + 102004);
	buf_done(&b);
}

/* The same log as sample_set(), through the writer. */
static int write_set(struct disk *disk, size_t big_len)
{
	static const uint8_t big[3 << 20];
	_cleanup_(file_closep) struct disk_file *f = NULL;
	struct quolog_header h;
	struct quolog_writer w;
	int r;

	sample_header(&h);
	r = disk_open(disk, "quolog.new", DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f);
	if (r < 0)
		return r;
	quolog_writer_init(&w, f, &h);
	quolog_writer_batch(&w, 101, "one", 3);
	if (big_len > 0)
		quolog_writer_batch(&w, 102, big, big_len);
	quolog_writer_batch(&w, 103, "three", 5);
	quolog_writer_manifest(&w, "manifest", 8);
	r = quolog_writer_finish(&w);
	quolog_writer_done(&w);
	return r;
}

static void read_back(struct disk *disk, struct buf *b)
{
	CHECK_INT(disk_read_file(disk, "quolog.new", 16 << 20, &b->data, &b->len), 0);
}

TEST(the_writer_writes_what_the_reader_reads)
{
	struct sim_disk *sim;
	struct disk *disk;
	struct buf b = { 0 }, expected = { 0 };
	uint64_t sum;

	CHECK_INT(sim_disk_new(1, &sim), 0);
	CHECK_INT(sim_disk_open(sim, "", &disk), 0);
	CHECK_INT(write_set(disk, 0), 0);
	read_back(disk, &b);
	sample_set(&expected);
	CHECK_INT(b.len, expected.len);
	CHECK_MEM(b.data, expected.data, b.len);
	buf_done(&b);
	CHECK_INT(write_set(disk, 3 << 20), 0); /* In several pieces. */
	read_back(disk, &b);
	CHECK_INT(read_set(&b, &sum), 0);
	CHECK_INT(sum, 103 + 101003 + 102000 + (3 << 20) + 103005 + 8000000);
	buf_done(&b);
	buf_done(&expected);
	disk_free(disk);
	sim_disk_free(sim);
}

TEST(each_failed_write_or_sync_of_a_set_is_reported)
{
	struct sim_disk *sim;
	struct disk *disk;
	uint64_t nth = 1;

	CHECK_INT(sim_disk_new(1, &sim), 0);
	CHECK_INT(sim_disk_open(sim, "", &disk), 0);
	for (;; nth++) {
		int r;

		sim_disk_fail_at(sim, SIM_DISK_ANY, nth, -EIO);
		r = write_set(disk, 3 << 20);
		if (!sim_disk_has_failed(sim))
			break;
		CHECK_INT(r, -EIO);
	}
	CHECK(nth > 3);
	sim_disk_fail_at(sim, SIM_DISK_ANY, 0, -EIO);
	/* What finish() has called durable survives. */
	CHECK_INT(write_set(disk, 0), 0);
	CHECK_INT(disk_sync_directory(disk, ""), 0);
	CHECK_INT(sim_disk_unsynced(sim), 0);
	disk_free(disk);
	sim_disk_free(sim);
}

static int take_write(struct disk_file *f, uint64_t offset, const void *data, size_t len)
{
	return 0;
}

static int take_sync(struct disk_file *f)
{
	return 0;
}

TEST(each_failed_allocation_of_the_writer_is_reported)
{
	static const struct disk_ops ops = { .write = take_write, .sync = take_sync };
	struct disk disk = { &ops };
	struct disk_file f = { &disk };

	FAIL_EACH_ALLOCATION
	{
		struct quolog_header h;
		struct quolog_writer w;

		sample_header(&h);
		quolog_writer_init(&w, &f, &h);
		quolog_writer_batch(&w, 101, "one", 3);
		quolog_writer_manifest(&w, &h, sizeof(h));
		CHECK_INT(quolog_writer_finish(&w), failalloc_hit() ? -ENOMEM : 0);
		quolog_writer_done(&w);
	}
}

/* Golden files: what version 1 looks like, for ever. */

static void check_golden(const char *name, const struct buf *b)
{
	char path[4096];
	uint8_t bytes[4096];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", TEST_GOLDEN, name);
	f = fopen(path, "rb");
	CHECK(f != NULL);
	len = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	CHECK_INT(len, b->len);
	CHECK_MEM(bytes, b->data, len);
}

TEST(the_writers_still_write_the_golden_files)
{
	struct buf b = { 0 };
	size_t at[8];

	sample_segment(&b, at);
	check_golden("quolog-segment-1.log", &b);
	b.len = 0;
	sample_set(&b);
	check_golden("quolog-set-1.log", &b);
	buf_done(&b);
}
