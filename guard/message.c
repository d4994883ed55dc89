/* message: the messages between ruedad and the guard, one packet each.
 *
 *	u32 'RDGM', u32 type, u64 number, 16 bytes id, i32 result, u32 process, u32 length, text
 *
 * Little endian, no padding, nothing may follow.  Both ends are the same program, so there are no versions.
 *
 * Promise  what decodes is within all limits: the guard relies on nothing else that ruedad says.
 * Threads  all functions.      Limits  message.h.      Tests  tests/unit/host_message.c, tests/fuzz/host_message.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/message.h"

enum { MAGIC = 0x4d474452 };

void guard_message_encode(const struct guard_message *m, struct buf *out)
{
	size_t len = strnlen(m->text, sizeof(m->text) - 1);

	assert(m->type >= GUARD_START && m->type < GUARD_MESSAGE_END && m->result <= 0);
	buf_u32(out, MAGIC);
	buf_u32(out, m->type);
	buf_u64(out, m->number);
	buf_append(out, m->id.bytes, sizeof(m->id.bytes));
	buf_u32(out, (uint32_t)m->result);
	buf_u32(out, m->process);
	buf_u32(out, (uint32_t)len);
	buf_append(out, m->text, len);
}

int guard_message_decode(const void *data, size_t len, struct guard_message *ret)
{
	struct cursor in = cursor_make(data, len);
	struct guard_message m = { 0 };
	uint32_t magic = cursor_u32(&in), text_len;
	const uint8_t *id, *text;

	m.type = cursor_u32(&in);
	m.number = cursor_u64(&in);
	id = cursor_bytes(&in, sizeof(m.id.bytes));
	m.result = (int)cursor_u32(&in);
	m.process = cursor_u32(&in);
	text_len = cursor_u32(&in);
	text = cursor_bytes(&in, text_len);
	if (in.error < 0 || cursor_left(&in) > 0 || magic != MAGIC || m.type < GUARD_START ||
	    m.type >= GUARD_MESSAGE_END || m.result > 0 || text_len >= sizeof(m.text) ||
	    (text_len > 0 && memchr(text, 0, text_len) != NULL))
		return -EBADMSG;
	memcpy(m.id.bytes, id, sizeof(m.id.bytes));
	if (text_len > 0)
		memcpy(m.text, text, text_len);
	*ret = m;
	return 0;
}
