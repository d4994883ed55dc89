/* bytes: see bytes.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

void buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->capacity);
	buf_done(b);
}

int buf_reserve(struct buf *b, size_t more)
{
	size_t capacity = MAX(b->capacity, (size_t)64);
	uint8_t *data;

	if (b->error != 0)
		return b->error;
	if (more <= b->capacity - b->len)
		return 0;
	if (more > SIZE_MAX / 2 - b->len)
		return b->error = -ENOMEM;
	while (capacity < b->len + more)
		capacity += capacity / 2;
	data = realloc(b->data, capacity);
	if (data == NULL)
		return b->error = -ENOMEM;
	b->data = data;
	b->capacity = capacity;
	return 0;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
	if (len == 0 || buf_reserve(b, len) < 0)
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void buf_append_zeros(struct buf *b, size_t len)
{
	if (len == 0 || buf_reserve(b, len) < 0)
		return;
	memset(b->data + b->len, 0, len);
	b->len += len;
}

void buf_align(struct buf *b, size_t to)
{
	buf_append_zeros(b, ALIGN_UP(b->len, to) - b->len);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_append(b, &v, sizeof(v));
}

void buf_u16(struct buf *b, uint16_t v)
{
	v = htole16(v);
	buf_append(b, &v, sizeof(v));
}

void buf_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_append(b, &v, sizeof(v));
}

void buf_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_append(b, &v, sizeof(v));
}

const uint8_t *cursor_bytes(struct cursor *c, size_t len)
{
	if (c->error != 0 || len > c->len - c->pos) {
		cursor_fail(c);
		return NULL;
	}
	c->pos += len;
	return c->data != NULL ? c->data + (c->pos - len) : NULL; /* NULL has no bytes, and nothing may be added to it. */
}

uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 1);

	return p != NULL ? *p : 0;
}

uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 2);

	return p != NULL ? get_le16(p) : 0;
}

uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 4);

	return p != NULL ? get_le32(p) : 0;
}

uint64_t cursor_u64(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 8);

	return p != NULL ? get_le64(p) : 0;
}

void cursor_align(struct cursor *c, size_t to)
{
	if (c->error == 0)
		(void)cursor_bytes(c, ALIGN_UP(c->pos, to) - c->pos);
}

void cursor_fail(struct cursor *c)
{
	if (c->error == 0)
		c->error = -EBADMSG;
}
