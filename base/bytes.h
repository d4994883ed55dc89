/* bytes: little-endian loads and stores, a growable buffer whose error sticks, and a reader that checks every bound.
 *
 * Why      every format of ours is little endian and comes from, or goes to, somebody who may be hostile or broken.
 * How      struct buf collects bytes; the first failed allocation sets buf.error and makes all later calls no-ops,
 *          so a run of appends is checked once.  struct cursor hands bytes out; a read past the end sets
 *          cursor.error (-EBADMSG), gives zeros from then on, and is checked once.
 * Tests    tests/unit/bytes.c
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <endian.h>
#include <errno.h>
#include <string.h>

static inline uint16_t get_le16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t get_le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t get_le64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void put_le16(void *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_le32(void *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_le64(void *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

struct buf {
	uint8_t *data; /* Owned. */
	size_t len, capacity;
	int error; /* 0, or -ENOMEM for ever after. */
};

void buf_done(struct buf *b);                                  /* Frees; *b is empty and usable again. */
void buf_wipe(struct buf *b);                                  /* The same, and nothing of it stays in memory. */
int buf_reserve(struct buf *b, size_t more);                   /* Room for more bytes beyond len. */
void buf_append(struct buf *b, const void *data, size_t len);
void buf_append_zeros(struct buf *b, size_t len);
void buf_align(struct buf *b, size_t to);                      /* Zeros up to a multiple of to (a power of two). */
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);

struct cursor {
	const uint8_t *data; /* Borrowed. */
	size_t len, pos;
	int error; /* 0, or -EBADMSG for ever after. */
};

static inline struct cursor cursor_make(const void *data, size_t len)
{
	return (struct cursor){ .data = data, .len = len };
}
static inline size_t cursor_left(const struct cursor *c)
{
	return c->error != 0 ? 0 : c->len - c->pos;
}
/* The next len bytes, borrowed from the cursor's data; NULL (and the error set) if there are fewer. */
const uint8_t *cursor_bytes(struct cursor *c, size_t len);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
void cursor_align(struct cursor *c, size_t to);
void cursor_fail(struct cursor *c);
