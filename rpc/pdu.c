/* pdu: the messages of connection-oriented DCE/RPC 5.0, bytes to structs and back.
 *
 * Why      all that a client or server knows of its peer comes as these; whatever gets past this file has lengths that
 *          are true and flags that make sense, so the engines above need not look at bytes.
 * How      header (16) | body | stub | padding | trailer (8) | auth value; all little endian:
 *
 *          0 version 5, 1 minor, 2 type, 3 flags, 4 representation 10 00 00 00, 8 frag_length (whole PDU),
 *          10 auth_length (value only), 12 call_id
 *
 *          The trailer, if auth_length is not 0, lies at frag_length - auth_length - 8.  A reply to a bind or alter
 *          may have a trailer with an empty value: then auth_length is 0 and the last 8 bytes are the trailer.
 * Promise  pdu_decode() reads nothing outside of data, accepts nothing whose lengths disagree, and allocates nothing.
 *          What the encoders write, pdu_decode() reads.
 * Not kept big-endian and EBCDIC peers are refused; NDR64 is never offered.
 * Threads  all functions.     Limits  PDU_SIZE_MAX, PDU_CONTEXTS_MAX, PDU_ADDRESS_MAX.
 * Source   C706 chapter 12, MS-RPCE 2.2.2
 * Format   docs/formats/dcerpc.md     Tests  tests/unit/rpc_pdu.c, tests/fuzz/pdu.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/pdu.h"

/* 8a885d04-1ceb-11c9-9fe8-08002b104860 */
const struct pdu_syntax pdu_ndr20 = {
	{ { 0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60 } }, 2, 0
};

/* 6cb71c2c-9812-4540-…: the second half carries the feature bits. */
static const uint8_t features_prefix[8] = { 0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45 };

bool pdu_syntax_equal(const struct pdu_syntax *a, const struct pdu_syntax *b)
{
	return guid_equal(&a->uuid, &b->uuid) && a->major == b->major && a->minor == b->minor;
}

bool pdu_syntax_is_features(const struct pdu_syntax *s, uint16_t *ret_bits)
{
	if (memcmp(s->uuid.bytes, features_prefix, sizeof(features_prefix)) != 0)
		return false;
	*ret_bits = get_le16(s->uuid.bytes + sizeof(features_prefix));
	return true;
}

static struct pdu_syntax get_syntax(const uint8_t *p)
{
	struct pdu_syntax s;

	memcpy(s.uuid.bytes, p, sizeof(s.uuid.bytes));
	s.major = get_le16(p + 16);
	s.minor = get_le16(p + 18);
	return s;
}

struct pdu_syntax pdu_transfer(const struct pdu_context *context, unsigned index)
{
	assert(index < context->transfer_count);
	return get_syntax(context->transfers + (size_t)index * PDU_SYNTAX_SIZE);
}

int pdu_decode_header(const uint8_t data[PDU_HEADER_SIZE], struct pdu_header *ret)
{
	struct pdu_header h = {
		.type = data[2],
		.flags = data[3],
		.frag_length = get_le16(data + 8),
		.auth_length = get_le16(data + 10),
		.call_id = get_le32(data + 12),
	};

	if (data[0] != 5)
		return -EPROTO; /* Another protocol altogether. */
	if (data[1] > 1 || data[4] != 0x10 || data[5] != 0) {
		h.frag_length = h.auth_length = 0; /* In whatever order its bytes are. */
		*ret = h;
		return -EPROTONOSUPPORT;
	}
	if (h.frag_length < PDU_HEADER_SIZE)
		return -EPROTO;
	if (h.auth_length > 0 && h.auth_length + PDU_TRAILER_SIZE > h.frag_length - PDU_HEADER_SIZE)
		return -EPROTO;
	*ret = h;
	return 0;
}

static void decode_trailer(const uint8_t *p, size_t token_len, struct pdu *pdu)
{
	pdu->has_auth = true;
	pdu->auth = (struct pdu_auth){
		.type = p[0],
		.level = p[1],
		.pad_length = p[2],
		.context_id = get_le32(p + 4),
		.token = p + PDU_TRAILER_SIZE,
		.token_len = token_len,
	};
}

static int decode_bind(struct cursor *c, struct pdu_bind *b)
{
	b->max_xmit = cursor_u16(c);
	b->max_recv = cursor_u16(c);
	b->group = cursor_u32(c);
	b->context_count = cursor_u8(c);
	(void)cursor_bytes(c, 3);
	if (b->context_count == 0 || b->context_count > PDU_CONTEXTS_MAX)
		return -EPROTO;
	for (unsigned i = 0; i < b->context_count; i++) {
		struct pdu_context *context = &b->contexts[i];
		const uint8_t *p;

		context->id = cursor_u16(c);
		context->transfer_count = cursor_u8(c);
		(void)cursor_u8(c);
		p = cursor_bytes(c, PDU_SYNTAX_SIZE);
		if (p == NULL || context->transfer_count == 0)
			return -EPROTO;
		context->abstract = get_syntax(p);
		context->transfers = cursor_bytes(c, (size_t)context->transfer_count * PDU_SYNTAX_SIZE);
		if (context->transfers == NULL)
			return -EPROTO;
	}
	return 0;
}

static int decode_ack(struct cursor *c, struct pdu_ack *a)
{
	const uint8_t *p;
	size_t len;

	a->max_xmit = cursor_u16(c);
	a->max_recv = cursor_u16(c);
	a->group = cursor_u32(c);
	len = cursor_u16(c);
	p = cursor_bytes(c, len);
	if (p == NULL || len > sizeof(a->address) || (len > 0 && p[len - 1] != 0))
		return -EPROTO;
	memset(a->address, 0, sizeof(a->address));
	if (len > 0)
		memcpy(a->address, p, len);
	cursor_align(c, 4);
	a->result_count = cursor_u8(c);
	(void)cursor_bytes(c, 3);
	if (a->result_count > PDU_CONTEXTS_MAX)
		return -EPROTO;
	for (unsigned i = 0; i < a->result_count; i++) {
		a->results[i].result = cursor_u16(c);
		a->results[i].reason = cursor_u16(c);
		p = cursor_bytes(c, PDU_SYNTAX_SIZE);
		if (p == NULL)
			return -EPROTO;
		a->results[i].transfer = get_syntax(p);
	}
	return c->error != 0 ? -EPROTO : 0;
}

static int decode_stub(struct cursor *c, struct pdu *pdu)
{
	struct pdu_stub *s = &pdu->stub;

	*s = (struct pdu_stub){ .alloc_hint = cursor_u32(c), .context_id = cursor_u16(c) };
	switch (pdu->header.type) {
	case PDU_REQUEST:
		s->opnum = cursor_u16(c);
		if (pdu->header.flags & PDU_OBJECT)
			(void)cursor_bytes(c, sizeof(struct guid));
		break;
	case PDU_FAULT:
		(void)cursor_u16(c); /* Cancel count and padding. */
		s->status = cursor_u32(c);
		if (c->error != 0)
			return -EPROTO;
		c->pos = c->len; /* Zeros or extended error information, which nobody here reads. */
		break;
	default:
		(void)cursor_u16(c);
	}
	if (c->error != 0)
		return -EPROTO;
	s->offset = c->pos;
	s->len = c->len - c->pos;
	s->data = c->data + c->pos;
	if (pdu->has_auth) {
		if (pdu->header.type != PDU_FAULT && pdu->auth.pad_length > s->len)
			return -EPROTO;
		s->len -= MIN(s->len, pdu->auth.pad_length);
	}
	return 0;
}

/* What is left after the body of a bind or of its answer: padding before a trailer, and, in an answer whose auth value
 * is empty, the trailer itself. */
static int decode_rest(struct cursor *c, struct pdu *pdu, bool is_answer)
{
	if (pdu->has_auth)
		return pdu->auth.pad_length <= cursor_left(c) ? 0 : -EPROTO;
	if (is_answer && cursor_left(c) > 0) {
		cursor_align(c, 4);
		if (cursor_left(c) != PDU_TRAILER_SIZE)
			return -EPROTO;
		decode_trailer(cursor_bytes(c, PDU_TRAILER_SIZE), 0, pdu);
	}
	return c->error != 0 || cursor_left(c) != 0 ? -EPROTO : 0;
}

int pdu_decode(const uint8_t *data, size_t len, struct pdu *ret)
{
	struct pdu pdu = { 0 };
	struct cursor c;
	size_t end = len;
	int r;

	if (len < PDU_HEADER_SIZE || pdu_decode_header(data, &pdu.header) < 0 || pdu.header.frag_length != len)
		return -EPROTO;
	if (pdu.header.auth_length > 0) {
		end = len - pdu.header.auth_length - PDU_TRAILER_SIZE;
		decode_trailer(data + end, pdu.header.auth_length, &pdu);
	}
	c = cursor_make(data, end);
	(void)cursor_bytes(&c, PDU_HEADER_SIZE);

	switch (pdu.header.type) {
	case PDU_BIND:
	case PDU_ALTER:
		r = decode_bind(&c, &pdu.bind);
		if (r == 0)
			r = decode_rest(&c, &pdu, false);
		break;
	case PDU_BIND_ACK:
	case PDU_ALTER_ACK:
		r = decode_ack(&c, &pdu.ack);
		if (r == 0)
			r = decode_rest(&c, &pdu, true);
		break;
	case PDU_BIND_NAK:
		pdu.nak_reason = cursor_u16(&c);
		r = c.error != 0 ? -EPROTO : 0;
		break;
	case PDU_REQUEST:
	case PDU_RESPONSE:
	case PDU_FAULT:
		r = decode_stub(&c, &pdu);
		break;
	case PDU_AUTH3:
		r = pdu.has_auth ? 0 : -EPROTO;
		break;
	case PDU_SHUTDOWN:
	case PDU_CANCEL:
	case PDU_ORPHANED:
		r = 0;
		break;
	default:
		r = -EPROTO;
	}
	if (r < 0)
		return r;
	*ret = pdu;
	return 0;
}

size_t pdu_begin(struct buf *b, enum pdu_type type, unsigned flags, uint32_t call_id)
{
	const uint8_t start[8] = { 5, 0, (uint8_t)type, (uint8_t)flags, 0x10, 0, 0, 0 };
	size_t offset = b->len;

	buf_append(b, start, sizeof(start));
	buf_u32(b, 0); /* Both lengths: pdu_end(). */
	buf_u32(b, call_id);
	return offset;
}

void pdu_end(struct buf *b, size_t start, size_t auth_length)
{
	if (b->error != 0)
		return;
	assert(b->len - start <= PDU_SIZE_MAX);
	put_le16(b->data + start + 8, (uint16_t)(b->len - start));
	put_le16(b->data + start + 10, (uint16_t)auth_length);
}

/* Zeros up to a multiple of align, counted from start; how many. */
static size_t put_padding(struct buf *b, size_t start, size_t align)
{
	size_t len = b->len - start, pad = ALIGN_UP(len, align) - len;

	buf_append_zeros(b, pad);
	return pad;
}

void pdu_put_trailer(struct buf *b, size_t body, size_t align, const struct pdu_auth *auth)
{
	size_t pad = put_padding(b, body, align);
	const uint8_t start[4] = { auth->type, auth->level, (uint8_t)pad, 0 };

	assert(align <= 128);
	buf_append(b, start, sizeof(start));
	buf_u32(b, auth->context_id);
}

void pdu_put_syntax(struct buf *b, const struct pdu_syntax *s)
{
	buf_append(b, s->uuid.bytes, sizeof(s->uuid.bytes));
	buf_u16(b, s->major);
	buf_u16(b, s->minor);
}

void pdu_put_bind(
    struct buf *b, uint16_t fragment_max, uint32_t group, uint16_t context_id, const struct pdu_syntax *abstract)
{
	buf_u16(b, fragment_max);
	buf_u16(b, fragment_max);
	buf_u32(b, group);
	buf_u32(b, 1); /* One context. */
	buf_u16(b, context_id);
	buf_u16(b, 1); /* One transfer syntax. */
	pdu_put_syntax(b, abstract);
	pdu_put_syntax(b, &pdu_ndr20);
}

void pdu_put_ack(struct buf *b, size_t start, const struct pdu_ack *ack, bool is_alter)
{
	size_t len = is_alter ? 0 : strlen(ack->address) + 1;

	assert(ack->result_count <= PDU_CONTEXTS_MAX);
	buf_u16(b, ack->max_xmit);
	buf_u16(b, ack->max_recv);
	buf_u32(b, ack->group);
	buf_u16(b, (uint16_t)len);
	buf_append(b, ack->address, len);
	put_padding(b, start, 4);
	buf_u32(b, ack->result_count);
	for (unsigned i = 0; i < ack->result_count; i++) {
		buf_u16(b, ack->results[i].result);
		buf_u16(b, ack->results[i].reason);
		pdu_put_syntax(b, &ack->results[i].transfer);
	}
}

void pdu_put_stub_header(struct buf *b, size_t stub_left, uint16_t context_id, uint16_t opnum)
{
	assert(stub_left <= UINT32_MAX);
	buf_u32(b, (uint32_t)stub_left);
	buf_u16(b, context_id);
	buf_u16(b, opnum); /* In a response: the cancel count and padding, 0. */
}

void pdu_put_nak(struct buf *b, uint32_t call_id, enum pdu_nak_reason reason)
{
	static const uint8_t versions[] = { 1, 5, 0, 0, 0, 0 }; /* One version, 5.0, and padding. */
	size_t start = pdu_begin(b, PDU_BIND_NAK, PDU_FIRST | PDU_LAST, call_id);

	buf_u16(b, (uint16_t)reason);
	buf_append(b, versions, sizeof(versions));
	pdu_end(b, start, 0);
}

void pdu_put_fault(struct buf *b, unsigned flags, uint32_t call_id, uint16_t context_id, uint32_t status)
{
	size_t start = pdu_begin(b, PDU_FAULT, PDU_FIRST | PDU_LAST | flags, call_id);

	buf_u32(b, 32); /* The hint must not be 0. */
	buf_u16(b, context_id);
	buf_u16(b, 0);
	buf_u32(b, status);
	buf_u32(b, 0);
	pdu_end(b, start, 0);
}

void pdu_put_orphaned(struct buf *b, uint32_t call_id)
{
	pdu_end(b, pdu_begin(b, PDU_ORPHANED, PDU_FIRST | PDU_LAST, call_id), 0);
}
