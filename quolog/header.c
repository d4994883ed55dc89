/* header: the payload of a HEADER record.
 *
 * Why      a file of the log must be refused by a cluster, a generation or a version that it is not for, and must be
 *          readable by versions that know more, or less, than its writer did.
 * How      u32 version, u32 compatible flags, u32 incompatible flags, then fields in rising order of their tags:
 *
 *             u16 tag, u16 0, u32 length, bytes
 *
 *          A reader skips an unknown tag below 0x8000 and refuses one from there on; likewise for the flag words, of
 *          which no bit has a meaning yet.
 *          Optional fields are left out when they are empty, so that there is one encoding of each header.
 * Promise  decode() takes exactly what encode() can write, and unknown compatible fields.
 * Limits   header.h.      Format  docs/formats/quolog.md      Tests  tests/unit/quolog.c, tests/fuzz/quolog.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "quolog/header.h"

enum tag {
	TAG_NAME = 1,
	TAG_INSTANCE,
	TAG_GENERATION,
	TAG_SNAPSHOT,
	TAG_LAST,
	TAG_TIME,
	TAG_TERM,
	TAG_SEED,
	TAG_PARTITIONS,
	TAG_KEY,
	TAG_SIGNATURE,
	TAG_MUST_KNOW = 0x8000,
};

static const uint32_t required =
    1u << TAG_NAME | 1u << TAG_INSTANCE | 1u << TAG_GENERATION | 1u << TAG_SNAPSHOT | 1u << TAG_LAST | 1u << TAG_TIME;

/* Returns where the field's bytes begin; field_end() puts their number in front of them. */
static size_t field_begin(struct buf *out, enum tag tag)
{
	buf_u16(out, (uint16_t)tag);
	buf_u16(out, 0);
	buf_u32(out, 0);
	return out->len;
}

static void field_end(struct buf *out, size_t at)
{
	if (out->error == 0)
		put_le32(out->data + at - 4, (uint32_t)(out->len - at));
}

static void put_bytes(struct buf *out, enum tag tag, const void *data, size_t len)
{
	size_t at = field_begin(out, tag);

	buf_append(out, data, len);
	field_end(out, at);
}

static void put_u64(struct buf *out, enum tag tag, uint64_t v)
{
	size_t at = field_begin(out, tag);

	buf_u64(out, v);
	field_end(out, at);
}

static void put_name(struct buf *out, const struct quolog_header *h)
{
	size_t at = field_begin(out, TAG_NAME);

	for (size_t i = 0; i < h->name_len; i++)
		buf_u16(out, h->name[i]);
	field_end(out, at);
}

static void put_generation(struct buf *out, const struct quolog_generation *g)
{
	size_t at = field_begin(out, TAG_GENERATION);

	buf_u64(out, g->number);
	buf_append(out, &g->id, sizeof(g->id));
	buf_append(out, &g->parent_id, sizeof(g->parent_id));
	buf_u64(out, g->parent_index);
	field_end(out, at);
}

static void put_partitions(struct buf *out, const struct quolog_header *h)
{
	size_t at = field_begin(out, TAG_PARTITIONS);

	for (size_t i = 0; i < h->partition_count; i++)
		buf_u64(out, h->partition_offsets[i]);
	field_end(out, at);
}

void quolog_header_encode(struct buf *out, const struct quolog_header *h)
{
	assert(h->name_len <= QUOLOG_NAME_MAX && h->partition_count <= QUOLOG_PARTITION_MAX);
	assert(h->key_len <= QUOLOG_KEY_MAX && h->signature_len <= QUOLOG_SIGNATURE_MAX);

	buf_u32(out, QUOLOG_VERSION);
	buf_u32(out, 0);
	buf_u32(out, 0);
	put_name(out, h);
	put_bytes(out, TAG_INSTANCE, &h->instance, sizeof(h->instance));
	put_generation(out, &h->generation);
	put_u64(out, TAG_SNAPSHOT, h->snapshot);
	put_u64(out, TAG_LAST, h->last);
	put_u64(out, TAG_TIME, h->time);
	if (h->term != 0)
		put_u64(out, TAG_TERM, h->term);
	if (h->seed != 0)
		put_u64(out, TAG_SEED, h->seed);
	if (h->partition_count > 0)
		put_partitions(out, h);
	if (h->key_len > 0)
		put_bytes(out, TAG_KEY, h->key, h->key_len);
	if (h->signature_len > 0)
		put_bytes(out, TAG_SIGNATURE, h->signature, h->signature_len);
}

static void get_guid(struct cursor *c, struct guid *ret)
{
	const uint8_t *p = cursor_bytes(c, sizeof(ret->bytes));

	if (p != NULL)
		memcpy(ret->bytes, p, sizeof(ret->bytes));
}

static void get_name(struct cursor *c, struct quolog_header *h)
{
	if (c->len % 2 != 0 || c->len / 2 > QUOLOG_NAME_MAX) {
		cursor_fail(c);
		return;
	}
	h->name_len = (uint32_t)(c->len / 2);
	for (size_t i = 0; i < h->name_len; i++)
		h->name[i] = cursor_u16(c);
}

static void get_generation(struct cursor *c, struct quolog_generation *g)
{
	g->number = cursor_u64(c);
	get_guid(c, &g->id);
	get_guid(c, &g->parent_id);
	g->parent_index = cursor_u64(c);
}

/* What is left out when it is empty must not be there and empty. */
static uint64_t get_nonzero(struct cursor *c, uint64_t max)
{
	uint64_t v = cursor_u64(c);

	if (v == 0 || v > max)
		cursor_fail(c);
	return v;
}

static void get_partitions(struct cursor *c, struct quolog_header *h)
{
	if (c->len == 0 || c->len % 8 != 0 || c->len / 8 > QUOLOG_PARTITION_MAX) {
		cursor_fail(c);
		return;
	}
	h->partition_count = (uint32_t)(c->len / 8);
	for (size_t i = 0; i < h->partition_count; i++)
		h->partition_offsets[i] = cursor_u64(c);
}

static uint32_t get_bytes(struct cursor *c, uint8_t *to, size_t max)
{
	size_t len = c->len;
	const uint8_t *p;

	if (len == 0 || len > max) {
		cursor_fail(c);
		return 0;
	}
	p = cursor_bytes(c, len);
	memcpy(to, p, len);
	return (uint32_t)len;
}

/* One field; its cursor must end where the field does.  False: no reader of this version knows the tag. */
static bool get_field(uint16_t tag, struct cursor *c, struct quolog_header *h)
{
	switch (tag) {
	case TAG_NAME:
		get_name(c, h);
		return true;
	case TAG_INSTANCE:
		get_guid(c, &h->instance);
		return true;
	case TAG_GENERATION:
		get_generation(c, &h->generation);
		return true;
	case TAG_SNAPSHOT:
		h->snapshot = cursor_u64(c);
		return true;
	case TAG_LAST:
		h->last = cursor_u64(c);
		return true;
	case TAG_TIME:
		h->time = cursor_u64(c);
		return true;
	case TAG_TERM:
		h->term = get_nonzero(c, UINT64_MAX);
		return true;
	case TAG_SEED:
		h->seed = (uint32_t)get_nonzero(c, UINT32_MAX);
		return true;
	case TAG_PARTITIONS:
		get_partitions(c, h);
		return true;
	case TAG_KEY:
		h->key_len = get_bytes(c, h->key, sizeof(h->key));
		return true;
	case TAG_SIGNATURE:
		h->signature_len = get_bytes(c, h->signature, sizeof(h->signature));
		return true;
	default:
		return false;
	}
}

static int get_fields(struct cursor *c, struct quolog_header *h, struct error *error)
{
	uint32_t seen = 0, previous = 0;

	while (cursor_left(c) > 0) {
		uint16_t tag = cursor_u16(c), zero = cursor_u16(c);
		uint32_t len = cursor_u32(c);
		const uint8_t *bytes = cursor_bytes(c, len);
		struct cursor field = cursor_make(bytes, len);

		if (bytes == NULL || zero != 0 || tag <= previous)
			return error_set(error, -EBADMSG, "the header's fields are out of order or cut off");
		previous = tag;
		if (get_field(tag, &field, h)) {
			if (field.error != 0 || cursor_left(&field) != 0)
				return error_set(error, -EBADMSG, "field %u of the header is not valid", tag);
			seen |= 1u << tag;
		} else if (tag >= TAG_MUST_KNOW) {
			return error_set(
			    error, ERR_NOT_SUPPORTED, "the header has field %u, which only a newer version knows", tag);
		}
	}
	if ((seen & required) != required)
		return error_set(error, -EBADMSG, "the header lacks a field (has %#x, needs %#x)", seen, required);
	return 0;
}

int quolog_header_decode(const uint8_t *payload, size_t len, struct quolog_header *ret, struct error *error)
{
	struct cursor c = cursor_make(payload, len);
	_cleanup_free_ struct quolog_header *h = calloc(1, sizeof(*h));
	uint32_t version, incompatible;
	int r;

	if (h == NULL)
		return error_set_code(error, -ENOMEM, "cannot read the header of the log");
	version = cursor_u32(&c);
	(void)cursor_u32(&c); /* Compatible flags. */
	incompatible = cursor_u32(&c);
	if (c.error != 0)
		return error_set(error, -EBADMSG, "the header is cut off");
	if (version != QUOLOG_VERSION || incompatible != 0)
		return error_set(error, ERR_NOT_SUPPORTED,
		    "the log is of version %u with flags %#x; this program reads version %d", version, incompatible,
		    QUOLOG_VERSION);
	r = get_fields(&c, h, error);
	if (r < 0)
		return r;
	if (guid_is_zero(&h->instance) || guid_is_zero(&h->generation.id))
		return error_set(error, -EBADMSG, "the header names no instance or generation");
	*ret = *h;
	return 0;
}
