/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "tests/lib/failalloc.h"

TEST(what_is_written_is_read)
{
	struct buf b = { 0 };
	struct cursor c;

	buf_u8(&b, 0x11);
	buf_align(&b, 4);
	buf_u16(&b, 0x2233);
	buf_u32(&b, 0x44556677);
	buf_u64(&b, 0x8899aabbccddeeff);
	CHECK_INT(b.error, 0);
	CHECK_INT(b.len, 18);
	CHECK_MEM(b.data, "\x11\0\0\0\x33\x22\x77\x66\x55\x44\xff\xee\xdd\xcc\xbb\xaa\x99\x88", 18);

	c = cursor_make(b.data, b.len);
	CHECK_INT(cursor_u8(&c), 0x11);
	cursor_align(&c, 4);
	CHECK_INT(cursor_u16(&c), 0x2233);
	CHECK_INT(cursor_u32(&c), 0x44556677);
	CHECK(cursor_u64(&c) == 0x8899aabbccddeeff);
	CHECK_INT(cursor_left(&c), 0);
	CHECK_INT(c.error, 0);
	buf_done(&b);
}

TEST(a_read_past_the_end_sticks)
{
	struct cursor c = cursor_make("\1\2\3", 3);

	CHECK_INT(cursor_u32(&c), 0);
	CHECK_INT(c.error, -EBADMSG);
	CHECK_INT(cursor_u8(&c), 0);
	CHECK_INT(cursor_left(&c), 0);
}

TEST(a_huge_length_does_not_wrap)
{
	struct cursor c = cursor_make("\1\2\3", 3);

	(void)cursor_u8(&c);
	CHECK(cursor_bytes(&c, SIZE_MAX) == NULL);
	CHECK_INT(c.error, -EBADMSG);
}

TEST(nothing_can_be_read_from_nothing)
{
	struct cursor c = cursor_make(NULL, 0);

	CHECK(cursor_bytes(&c, 0) == NULL);
	CHECK_INT(c.error, 0);
	CHECK_INT(cursor_u8(&c), 0);
	CHECK_INT(c.error, -EBADMSG);
}

TEST(each_failed_allocation_sticks)
{
	FAIL_EACH_ALLOCATION
	{
		struct buf b = { 0 };

		for (int i = 0; i < 1000; i++)
			buf_u32(&b, (uint32_t)i);
		CHECK_INT(b.error, failalloc_hit() ? -ENOMEM : 0);
		if (b.error == 0)
			CHECK_INT(get_le32(b.data + 4 * 999), 999);
		buf_done(&b);
	}
}
