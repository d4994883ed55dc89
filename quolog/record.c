/* record: encode and decode the unit of the quorum log.
 *
 * Why      a log is believed after a crash only as far as each piece of it can be told from a torn, rotten or foreign
 *          one, and as far as it says what was durable when it was written.
 * How      little endian, no padding but zeros up to a multiple of 8 at the end:
 *
 *             0  u32  magic "RdQl"
 *             4  u32  CRC-32C, begun with the log's seed, of all that follows (head, payload, padding)
 *             8  u32  length of the payload
 *            12  u16  type
 *            14  u16  0
 *            16  u64  index
 *            24  u64  durable
 *            32       payload
 *
 *          The seed is drawn at random for each file of the engine, so that bytes that a user put into the database can
 *          not pose as a record when a damaged log is searched for what follows the damage.
 * Promise  what decodes was encoded so, with that seed, up to the strength of a CRC-32C.
 * Not kept against somebody who can write the file.
 * Limits   per type, see payload_limit().
 * Format   docs/formats/quolog.md     Tests  tests/unit/quolog.c, tests/fuzz/quolog.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "quolog/record.h"
#include "base/crc32c.h"

enum { MAGIC = 0x6c516452, CRC_AT = 4, COVERED_AT = 8, EVENT_LEN = 24, SMALL_MAX = 64 << 10 };

static size_t payload_limit(enum quolog_type type)
{
	switch (type) {
	case QUOLOG_COMMAND:
		return QUOLOG_COMMAND_HEAD + QUOLOG_COMMAND_MAX;
	case QUOLOG_EVENT:
		return EVENT_LEN;
	case QUOLOG_DURABLE:
		return 0;
	case QUOLOG_BATCH:
		return QUOLOG_BATCH_MAX;
	case QUOLOG_MANIFEST:
		return QUOLOG_MANIFEST_MAX;
	case QUOLOG_HEADER:
	case QUOLOG_SEALED:
		return SMALL_MAX;
	}
	return 0;
}

/* The payload comes in two parts, so that no caller has to join an id and its command first. */
static void encode(struct buf *out, uint32_t seed, const struct quolog_record *r, const void *head, size_t head_len,
    const void *body, size_t body_len)
{
	size_t at = out->len, len = head_len + body_len;

	assert(r->type >= QUOLOG_HEADER && r->type <= QUOLOG_SEALED);
	assert(len <= payload_limit(r->type));

	if (buf_reserve(out, quolog_record_size(len)) < 0)
		return;
	buf_u32(out, MAGIC);
	buf_u32(out, 0);
	buf_u32(out, (uint32_t)len);
	buf_u16(out, (uint16_t)r->type);
	buf_u16(out, 0);
	buf_u64(out, r->index);
	buf_u64(out, r->durable);
	buf_append(out, head, head_len);
	buf_append(out, body, body_len);
	buf_append_zeros(out, quolog_record_size(len) - QUOLOG_RECORD_HEAD - len);
	assert(out->error == 0 && out->len == at + quolog_record_size(len));
	put_le32(out->data + at + CRC_AT, crc32c(seed, out->data + at + COVERED_AT, out->len - at - COVERED_AT));
}

void quolog_record_encode(struct buf *out, uint32_t seed, const struct quolog_record *r)
{
	encode(out, seed, r, NULL, 0, r->payload, r->len);
}

void quolog_command_encode(
    struct buf *out, uint32_t seed, const struct quolog_record *r, const struct quolog_command *c)
{
	uint8_t head[QUOLOG_COMMAND_HEAD];

	assert(r->type == QUOLOG_COMMAND);
	put_le64(head, c->incarnation);
	put_le64(head + 8, c->counter);
	encode(out, seed, r, head, sizeof(head), c->bytes, c->len);
}

void quolog_event_encode(struct buf *out, uint32_t seed, const struct quolog_record *r, const struct quolog_event *e)
{
	uint8_t payload[EVENT_LEN];

	assert(r->type == QUOLOG_EVENT);
	assert((e->kind == QUOLOG_OWNER_ELECTED) == (e->term != 0));
	put_le32(payload, (uint32_t)e->kind);
	put_le32(payload + 4, e->node);
	put_le64(payload + 8, e->incarnation);
	put_le64(payload + 16, e->term);
	encode(out, seed, r, payload, sizeof(payload), NULL, 0);
}

int quolog_record_decode(
    const uint8_t *bytes, size_t len, uint32_t seed, struct quolog_record *ret, size_t *ret_size, struct error *error)
{
	uint32_t payload_len, type;
	size_t size;

	if (len < QUOLOG_RECORD_HEAD)
		return error_set(error, -EBADMSG, "%zu bytes are too few for a record", len);
	if (get_le32(bytes) != MAGIC)
		return error_set(error, -EBADMSG, "no record begins here");
	payload_len = get_le32(bytes + 8);
	type = get_le16(bytes + 12);
	if (type < QUOLOG_HEADER || type > QUOLOG_SEALED || get_le16(bytes + 14) != 0)
		return error_set(error, -EBADMSG, "a record of the unknown type %u", type);
	if (payload_len > payload_limit((enum quolog_type)type))
		return error_set(error, -EBADMSG, "a record of type %u claims %u bytes", type, payload_len);
	size = quolog_record_size(payload_len);
	if (size > len)
		return error_set(error, -EBADMSG, "a record of %zu bytes, of which only %zu are there", size, len);
	if (crc32c(seed, bytes + COVERED_AT, size - COVERED_AT) != get_le32(bytes + CRC_AT))
		return error_set(error, -EBADMSG, "the checksum of a record is wrong");
	for (size_t i = QUOLOG_RECORD_HEAD + payload_len; i < size; i++)
		if (bytes[i] != 0)
			return error_set(error, -EBADMSG, "the padding of a record is not zero");

	*ret = (struct quolog_record){
		.type = (enum quolog_type)type,
		.index = get_le64(bytes + 16),
		.durable = get_le64(bytes + 24),
		.payload = bytes + QUOLOG_RECORD_HEAD,
		.len = payload_len,
	};
	*ret_size = size;
	return 0;
}

int quolog_command_decode(const struct quolog_record *r, struct quolog_command *ret)
{
	assert(r->type == QUOLOG_COMMAND);
	if (r->len < QUOLOG_COMMAND_HEAD)
		return -EBADMSG;
	*ret = (struct quolog_command){
		.incarnation = get_le64(r->payload),
		.counter = get_le64(r->payload + 8),
		.bytes = r->payload + QUOLOG_COMMAND_HEAD,
		.len = r->len - QUOLOG_COMMAND_HEAD,
	};
	return 0;
}

int quolog_event_decode(const struct quolog_record *r, struct quolog_event *ret)
{
	struct quolog_event e;
	uint32_t kind;

	assert(r->type == QUOLOG_EVENT);
	if (r->len != EVENT_LEN)
		return -EBADMSG;
	kind = get_le32(r->payload);
	if (kind < QUOLOG_OWNER_ELECTED || kind > QUOLOG_NODE_LOST)
		return -EBADMSG;
	e = (struct quolog_event){
		.kind = (enum quolog_event_kind)kind,
		.node = get_le32(r->payload + 4),
		.incarnation = get_le64(r->payload + 8),
		.term = get_le64(r->payload + 16),
	};
	if ((e.kind == QUOLOG_OWNER_ELECTED) != (e.term != 0))
		return -EBADMSG;
	*ret = e;
	return 0;
}
