/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/regbuf.h"
#include "tests/lib/failalloc.h"

/* [MS-CMRP]'s form: create key "App", set "Port" to the DWORD 80. */
static const uint8_t example[] = {
	// clang-format off
	0x01, 0, 0, 0,   0x02, 0, 0, 0,   0, 0, 0, 0,   0x08, 0, 0, 0,   'A', 0, 'p', 0, 'p', 0, 0, 0,   0, 0, 0, 0,
	0x01, 0, 0, 0,   0x04, 0, 0, 0,   0x0a, 0, 0, 0,   'P', 0, 'o', 0, 'r', 0, 't', 0, 0, 0,   0x04, 0, 0, 0,   0x50, 0, 0, 0,
	// clang-format on
};

TEST(the_example_is_written_byte_for_byte)
{
	struct buf b = { 0 };

	regbuf_begin(&b);
	regbuf_add(&b, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = U16("App") });
	regbuf_add(&b, &(struct regbuf_command){ .kind = REGBUF_SET_VALUE,
			   .type = 4,
			   .name = U16("Port"),
			   .data = (const uint8_t *)"\x50\0\0",
			   .len = 4 });
	CHECK_INT(b.error, 0);
	CHECK_INT(b.len, 0x3a);
	CHECK_INT(b.len, sizeof(example));
	CHECK_MEM(b.data, example, sizeof(example));
	buf_done(&b);
}

TEST(the_example_is_read)
{
	struct regbuf_reader r;

	CHECK_INT(regbuf_reader_init(&r, example, sizeof(example)), 0);
	CHECK_INT(regbuf_next(&r), 1);
	CHECK_INT(r.number, 1);
	CHECK_INT(r.command.kind, REGBUF_CREATE_KEY);
	CHECK(u16_equal_exact(r.command.name, U16("App")));
	CHECK_INT(r.command.len, 0);
	CHECK_INT(regbuf_next(&r), 1);
	CHECK_INT(r.command.kind, REGBUF_SET_VALUE);
	CHECK_INT(r.command.type, 4);
	CHECK(u16_equal_exact(r.command.name, U16("Port")));
	CHECK_INT(r.command.len, 4);
	CHECK_MEM(r.command.data, "\x50\0\0", 4);
	CHECK_INT(regbuf_next(&r), 0);
	CHECK_INT(r.number, 2);
	regbuf_reader_done(&r);
}

TEST(odd_data_is_padded_and_the_last_padding_may_be_missing)
{
	struct buf b = { 0 };
	struct regbuf_reader r;

	regbuf_begin(&b);
	for (unsigned i = 0; i < 2; i++)
		regbuf_add(
		    &b, &(struct regbuf_command){ .kind = REGBUF_SET_VALUE, .data = (const uint8_t *)"odd", .len = 3 });
	CHECK_INT(b.len, 4 + 2 * (16 + 2 + 4));
	for (size_t len = b.len; len >= b.len - 1; len--) {
		CHECK_INT(regbuf_reader_init(&r, b.data, len), 0);
		CHECK_INT(regbuf_next(&r), 1);
		CHECK_INT(regbuf_next(&r), 1);
		CHECK_MEM(r.command.data, "odd", 3);
		CHECK_INT(regbuf_next(&r), 0);
		regbuf_reader_done(&r);
	}
	buf_done(&b);
}

TEST(cut_anywhere_else_it_is_refused)
{
	for (size_t len = 0; len < sizeof(example); len++) {
		struct regbuf_reader r;
		int e = regbuf_reader_init(&r, example, len);

		if (e == 0) {
			while ((e = regbuf_next(&r)) > 0)
				;
			regbuf_reader_done(&r);
		}
		CHECK_INT(e, len == 4 || len == 0x1c ? 0 : ERR_INVALID_DATA);
	}
}

TEST(a_name_ends_at_its_only_terminator)
{
	static const struct {
		uint32_t bytes;
		const char *name;
		bool good;
	} cases[] = {
		{ 2, "\0", true },
		{ 4, "a\0\0", true },
		{ 0, "", false },
		{ 1, "", false },
		{ 3, "a\0\0", false },
		{ 4, "a\0b", false },   /* No terminator. */
		{ 4, "\0\0\0", false }, /* Two. */
		{ 6, "a\0\0\0b", false },
		{ 6, "a\0\0\0\0", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct regbuf_reader r;
		struct buf b = { 0 };

		regbuf_begin(&b);
		buf_u32(&b, 1);
		buf_u32(&b, 0);
		buf_u32(&b, cases[i].bytes);
		buf_append(&b, cases[i].name, cases[i].bytes);
		buf_u32(&b, 0);
		CHECK_INT(regbuf_reader_init(&r, b.data, b.len), 0);
		CHECK_INT(regbuf_next(&r), cases[i].good ? 1 : ERR_INVALID_DATA);
		CHECK_INT(r.number, 1);
		regbuf_reader_done(&r);
		buf_done(&b);
	}
}

TEST(lengths_that_lie_are_refused)
{
	static const size_t places[] = { 12, 24, 36, 50 }; /* Of the lengths in the example. */
	static const uint32_t lies[] = { 0xffffffff, 0xfffffffe, 0x80000000, 0x7ffffffe, 0x10002, 40 };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		for (size_t j = 0; j < ARRAY_SIZE(lies); j++) {
			uint8_t bytes[sizeof(example)];
			struct regbuf_reader r;
			int e;

			memcpy(bytes, example, sizeof(example));
			put_le32(bytes + places[i], lies[j]);
			CHECK_INT(regbuf_reader_init(&r, bytes, sizeof(bytes)), 0);
			while ((e = regbuf_next(&r)) > 0)
				;
			CHECK_INT(e, ERR_INVALID_DATA);
			regbuf_reader_done(&r);
		}
}

TEST(other_versions_are_refused)
{
	struct regbuf_reader r;

	CHECK_INT(regbuf_reader_init(&r, "\2\0\0", 4), ERR_INVALID_DATA);
	CHECK_INT(regbuf_reader_init(&r, "\0\0\0", 4), ERR_INVALID_DATA);
	CHECK_INT(regbuf_reader_init(&r, "\1\0\0\1", 4), ERR_INVALID_DATA);
	CHECK_INT(regbuf_reader_init(&r, NULL, 0), ERR_INVALID_DATA);
}

TEST(the_longest_name_fits_and_no_longer)
{
	struct buf b = { 0 };
	struct regbuf_reader r;

	regbuf_begin(&b);
	buf_u32(&b, 2);
	buf_u32(&b, 0);
	buf_u32(&b, 2 * (REGBUF_NAME_MAX + 1));
	for (size_t i = 0; i < REGBUF_NAME_MAX; i++)
		buf_u16(&b, u'n');
	buf_u16(&b, 0);
	buf_u32(&b, 0);
	buf_u32(&b, 0); /* Room for the lie below. */
	CHECK_INT(regbuf_reader_init(&r, b.data, b.len - 4), 0);
	CHECK_INT(regbuf_next(&r), 1);
	CHECK_INT(r.command.name.len, REGBUF_NAME_MAX);
	regbuf_reader_done(&r);
	put_le32(b.data + 12, 2 * (REGBUF_NAME_MAX + 2));
	put_le16(b.data + b.len - 10, u'n');
	CHECK_INT(regbuf_reader_init(&r, b.data, b.len), 0);
	CHECK_INT(regbuf_next(&r), ERR_INVALID_DATA);
	regbuf_reader_done(&r);
	buf_done(&b);
}

TEST(each_failed_allocation_is_reported)
{
	FAIL_EACH_ALLOCATION
	{
		struct regbuf_reader r;
		struct buf b = { 0 };
		int e;

		regbuf_begin(&b);
		regbuf_add(&b,
		    &(struct regbuf_command){ .kind = 1, .name = U16("a name that needs more than one allocation") });
		e = b.error;
		if (e == 0) {
			e = regbuf_reader_init(&r, b.data, b.len);
			if (e == 0)
				regbuf_reader_done(&r);
		}
		CHECK_INT(e, failalloc_hit() ? -ENOMEM : 0);
		buf_done(&b);
	}
}
