/* regbuf: the buffer of registry batches, of their notifications, and of read batches and their replies.
 *
 * Why      the library writes such buffers and reads notifications and replies; the core reads batches and writes those.
 * How      version 1 (u32), then for each command: kind u32, type u32, bytes in the name u32, the name with its
 *          terminator, bytes of data u32, data, and a byte of padding if the data was odd.
 * Promise  every bound is checked.  A name ends at its terminator and holds no other; the padding of the last command may
 *          be missing, as its content does not matter.
 * Threads  one for each object.         Limits  REGBUF_NAME_MAX.
 * Format   [MS-CMRP] 2.2.3.14, docs/formats/registry-batch.md       Tests  tests/unit/regbuf.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/regbuf.h"

enum { VERSION = 1 };

void regbuf_begin(struct buf *out)
{
	buf_u32(out, VERSION);
}

void regbuf_add(struct buf *out, const struct regbuf_command *command)
{
	assert(command->name.len <= REGBUF_NAME_MAX && command->len <= UINT32_MAX);
	buf_u32(out, command->kind);
	buf_u32(out, command->type);
	buf_u32(out, (uint32_t)(2 * (command->name.len + 1)));
	for (size_t i = 0; i < command->name.len; i++)
		buf_u16(out, command->name.units[i]);
	buf_u16(out, 0);
	buf_u32(out, (uint32_t)command->len);
	buf_append(out, command->data, command->len);
	buf_align(out, 2);
}

int regbuf_reader_init(struct regbuf_reader *r, const void *bytes, size_t len)
{
	struct cursor c = cursor_make(bytes, len);
	char16_t *name;

	if (cursor_u32(&c) != VERSION || c.error < 0)
		return ERR_INVALID_DATA;
	name = malloc((REGBUF_NAME_MAX + 1) * sizeof(*name));
	if (name == NULL)
		return -ENOMEM;
	*r = (struct regbuf_reader){ .cursor = c, .name = name };
	return 0;
}

void regbuf_reader_done(struct regbuf_reader *r)
{
	free(r->name);
	r->name = NULL;
}

static int get_name(struct regbuf_reader *r)
{
	size_t len = cursor_u32(&r->cursor);
	const uint8_t *bytes;

	if (len < 2 || len % 2 != 0 || len / 2 - 1 > REGBUF_NAME_MAX)
		return ERR_INVALID_DATA;
	bytes = cursor_bytes(&r->cursor, len);
	if (bytes == NULL)
		return ERR_INVALID_DATA;
	r->command.name = (struct u16){ r->name, len / 2 - 1 };
	for (size_t i = 0; i < len / 2; i++) {
		r->name[i] = get_le16(bytes + 2 * i);
		if ((r->name[i] == 0) != (i == r->command.name.len))
			return ERR_INVALID_DATA;
	}
	return 0;
}

int regbuf_next(struct regbuf_reader *r)
{
	int e;

	if (cursor_left(&r->cursor) == 0)
		return 0;
	r->number++;
	r->command = (struct regbuf_command){ .kind = cursor_u32(&r->cursor), .type = cursor_u32(&r->cursor) };
	e = get_name(r);
	if (e < 0)
		return e;
	r->command.len = cursor_u32(&r->cursor);
	r->command.data = cursor_bytes(&r->cursor, r->command.len);
	if (r->cursor.error < 0)
		return ERR_INVALID_DATA;
	if (r->cursor.pos % 2 != 0 && cursor_left(&r->cursor) > 0)
		(void)cursor_u8(&r->cursor);
	return 1;
}
