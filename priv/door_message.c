/* door_message: the packets of a door.
 *
 *	request  u32 op, u32 file, u32 flags, u32 mode, u32 length, u32 syncs, u64 number, then name, other, value: each u32
 *	         length and bytes
 *	reply    i32 result, u32 more, u32 file, u32 mode, u64 size, u64 time, u32 length, data
 *
 * Little endian, no padding, nothing may follow.  Both ends are the same program, so there are no versions.
 *
 * Promise  what decodes is within the limits and its names are strings; whether they are good names is for who uses them.
 * Threads  all functions.      Limits  door.h.      Tests  tests/unit/priv_message.c, tests/fuzz/priv_message.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/door.h"

static void put_bytes(struct buf *out, const void *data, size_t len)
{
	buf_u32(out, (uint32_t)len);
	buf_append(out, data, len);
}

static void get_string(struct cursor *c, char to[DISK_PATH_MAX + 1])
{
	uint32_t len = cursor_u32(c);
	const uint8_t *bytes = cursor_bytes(c, len);

	if (bytes == NULL || len > DISK_PATH_MAX || memchr(bytes, 0, len) != NULL) {
		cursor_fail(c);
		return;
	}
	memcpy(to, bytes, len);
	to[len] = 0;
}

void door_request_encode(const struct door_request *r, struct buf *out)
{
	assert(r->value_len <= DOOR_VALUE_MAX);
	buf_u32(out, r->op);
	buf_u32(out, r->file);
	buf_u32(out, r->flags);
	buf_u32(out, r->mode);
	buf_u32(out, r->length);
	buf_u32(out, r->syncs);
	buf_u64(out, r->number);
	put_bytes(out, r->name, strlen(r->name));
	put_bytes(out, r->other, strlen(r->other));
	put_bytes(out, r->value, r->value_len);
}

int door_request_decode(const void *data, size_t len, struct door_request *ret)
{
	struct cursor c = cursor_make(data, len);
	const uint8_t *value;

	ret->op = cursor_u32(&c);
	ret->file = cursor_u32(&c);
	ret->flags = cursor_u32(&c);
	ret->mode = cursor_u32(&c);
	ret->length = cursor_u32(&c);
	ret->syncs = cursor_u32(&c);
	ret->number = cursor_u64(&c);
	get_string(&c, ret->name);
	get_string(&c, ret->other);
	ret->value_len = cursor_u32(&c);
	value = cursor_bytes(&c, ret->value_len);
	if (c.error < 0 || cursor_left(&c) > 0 || ret->value_len > DOOR_VALUE_MAX)
		return -EBADMSG;
	if (ret->op == 0 || ret->op >= DOOR_OP_END || ret->length > DOOR_WINDOW)
		return -EBADMSG;
	memcpy(ret->value, value, ret->value_len);
	return 0;
}

void door_reply_encode(const struct door_reply *r, struct buf *out)
{
	assert(r->result <= 0);
	buf_u32(out, (uint32_t)r->result);
	buf_u32(out, r->more);
	buf_u32(out, r->file);
	buf_u32(out, r->mode);
	buf_u64(out, r->size);
	buf_u64(out, r->time);
	put_bytes(out, r->data, r->data_len);
}

int door_reply_decode(const void *data, size_t len, struct door_reply *ret)
{
	struct cursor c = cursor_make(data, len);
	struct door_reply r = { .result = (int)cursor_u32(&c) };

	r.more = cursor_u32(&c);
	r.file = cursor_u32(&c);
	r.mode = cursor_u32(&c);
	r.size = cursor_u64(&c);
	r.time = cursor_u64(&c);
	r.data_len = cursor_u32(&c);
	r.data = cursor_bytes(&c, r.data_len);
	if (c.error < 0 || cursor_left(&c) > 0 || r.result > 0 || r.more > 1)
		return -EBADMSG;
	*ret = r;
	return 0;
}
