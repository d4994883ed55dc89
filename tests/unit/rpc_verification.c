/* The verification trailer: found, checked, taken off; and what only looks like one stays.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/verification.h"
#include "tests/lib/test.h"

static const struct rpc_verification request = {
	.abstract = { .uuid = { { 1, 2, 3 } }, .major = 3, .minor = 1 }, .call_id = 7, .context_id = 2, .opnum = 99
};

static void put_mark(struct buf *b)
{
	static const uint8_t mark[] = { 0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71 };

	buf_append(b, mark, sizeof(mark));
}

/* The three commands that there are, as Samba sends them. */
static void put_trailer(struct buf *b)
{
	put_mark(b);
	buf_u16(b, 1);
	buf_u16(b, 4);
	buf_u32(b, 1);
	buf_u16(b, 2);
	buf_u16(b, 40);
	pdu_put_syntax(b, &request.abstract);
	pdu_put_syntax(b, &pdu_ndr20);
	buf_u16(b, 0x4003);
	buf_u16(b, 16);
	buf_u32(b, 0);
	buf_u32(b, 0x10);
	buf_u32(b, 7);
	buf_u16(b, 2);
	buf_u16(b, 99);
}

TEST(a_trailer_is_taken_off_stubs_of_any_length)
{
	static const size_t lengths[] = { 0, 4, 16, 200, 256, 260, 5000 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct buf b = { 0 };
		size_t len = 1;

		buf_append_zeros(&b, lengths[i]);
		CHECK_INT(rpc_verification_take(&request, b.data, b.len, &len), 0);
		CHECK_INT(len, lengths[i]);
		put_trailer(&b);
		CHECK_INT(rpc_verification_take(&request, b.data, b.len, &len), 0);
		CHECK_INT(len, lengths[i]);
		buf_done(&b);
	}
}

TEST(a_trailer_of_another_request_is_refused)
{
	struct buf b = { 0 };
	size_t len;

	put_trailer(&b);
	for (size_t at = 20; at < b.len; at++) {
		bool is_part_of_the_frame = at < 20 || (at >= 60 && at < 64);
		uint8_t was = b.data[at];

		if (is_part_of_the_frame)
			continue;
		b.data[at] ^= 1;
		CHECK_INT(rpc_verification_take(&request, b.data, b.len, &len), ERR_ACCESS_DENIED);
		b.data[at] = was;
	}
	buf_done(&b);
}

TEST(a_command_that_must_be_understood_is_refused_and_another_is_not)
{
	for (int must = 0; must < 2; must++) {
		struct buf b = { 0 };
		size_t len = 0;

		buf_append_zeros(&b, 8);
		put_mark(&b);
		buf_u16(&b, (uint16_t)(0x4011 | (must ? 0x8000 : 0)));
		buf_u16(&b, 2);
		buf_u16(&b, 0);
		CHECK_INT(rpc_verification_take(&request, b.data, b.len, &len), must ? ERR_ACCESS_DENIED : 0);
		CHECK_INT(len, must ? 0 : 8);
		buf_done(&b);
	}
}

TEST(what_only_looks_like_a_trailer_stays)
{
	struct buf b = { 0 };
	size_t len;

	/* Cut anywhere, or with something behind it. */
	put_trailer(&b);
	for (size_t cut = 0; cut < b.len; cut++) {
		CHECK_INT(rpc_verification_take(&request, b.data, cut, &len), 0);
		CHECK_INT(len, cut);
	}
	buf_u8(&b, 0);
	CHECK_INT(rpc_verification_take(&request, b.data, b.len, &len), 0);
	CHECK_INT(len, b.len);
	buf_done(&b);

	/* Not aligned. */
	buf_append_zeros(&b, 2);
	put_trailer(&b);
	CHECK_INT(rpc_verification_take(&request, b.data, b.len, &len), 0);
	CHECK_INT(len, b.len);
	buf_done(&b);
}
