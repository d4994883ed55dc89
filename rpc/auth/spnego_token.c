/* spnego_token: the tokens of SPNEGO, DER to structs and back.
 *
 * Why      DER from strangers has cost every library that reads all of it; here is as much of it as two messages need.
 * How      60 { 06 1.3.6.1.5.5.2, a0 { 30 {            the client's first token (negTokenInit)
 *              a0 { 30 { 06 mechanism, … } }
 *              [a1 { 03 flags }]                       ignored, as RFC 4178 says
 *              [a2 { 04 token }] [a3 { … }] [a4 { … }]  MIC or hints: nothing is signed yet, ignored
 *          }}}
 *          a1 { 30 {                                   every later token, of both sides (negTokenResp)
 *              [a0 { 0a state }] [a1 { 06 mechanism }] [a2 { 04 token }] [a3 { 04 MIC }]
 *          }}
 *          Elements come in the order of their numbers, each at most once; lengths are definite and in the shortest form;
 *          nothing follows.
 * Limits   SPNEGO_MECHANISMS_MAX, SPNEGO_TOKEN_MAX.     Threads  all functions.
 * Source   RFC 4178 4.2, X.690 10.1     Tests  tests/unit/spnego.c, tests/fuzz/spnego.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/spnego_token.h"

enum {
	TAG_BITS = 0x03,
	TAG_OCTETS = 0x04,
	TAG_OID = 0x06,
	TAG_ENUM = 0x0a,
	TAG_SEQUENCE = 0x30,
	TAG_APPLICATION = 0x60,
	TAG_CONTEXT = 0xa0, /* + number */
	ELEMENT_COUNT = 5,
	HEADER_MAX = 4, /* Tag, and a length of up to 65535. */
};

static const uint8_t spnego_oid[] = { 0x2b, 6, 1, 5, 5, 2 };
static const struct {
	enum spnego_mechanism mechanism;
	uint8_t len, oid[10];
} mechanisms[] = {
	{ SPNEGO_KERBEROS, 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2 } },
	{ SPNEGO_MS_KERBEROS, 9, { 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2 } },
	{ SPNEGO_NTLM, 10, { 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10 } },
};

/* The length that follows a tag. */
static size_t take_length(struct cursor *c)
{
	size_t len = cursor_u8(c), least = 0x80;

	if (len == 0x81) {
		len = cursor_u8(c);
	} else if (len == 0x82) {
		len = (size_t)cursor_u8(c) << 8;
		len |= cursor_u8(c);
		least = 0x100;
	} else {
		least = 0;
		if (len >= 0x80)
			cursor_fail(c);
	}
	if (len < least)
		cursor_fail(c);
	return len;
}

/* The contents of the next value, which must have that tag; on failure c->error is set and they are empty. */
static struct cursor take(struct cursor *c, uint8_t tag)
{
	uint8_t got = cursor_u8(c);
	size_t len = take_length(c);
	const uint8_t *data;

	if (got != tag)
		cursor_fail(c);
	data = cursor_bytes(c, len);
	if (c->error != 0)
		return (struct cursor){ .error = -EBADMSG };
	return cursor_make(data, len);
}

/* The only value in *c. */
static struct cursor take_only(struct cursor *c, uint8_t tag)
{
	struct cursor value = take(c, tag);

	if (cursor_left(c) != 0)
		value.error = -EBADMSG;
	return value;
}

/* The elements [0] … [4] of a sequence that is the only value in *c. */
static int take_elements(struct cursor *c, struct cursor elements[ELEMENT_COUNT], bool present[ELEMENT_COUNT])
{
	struct cursor sequence = take_only(c, TAG_SEQUENCE);
	int next = 0;

	while (cursor_left(&sequence) > 0) {
		int number = sequence.data[sequence.pos] - TAG_CONTEXT;

		if (number < next || number >= ELEMENT_COUNT)
			return -EBADMSG;
		elements[number] = take(&sequence, (uint8_t)(TAG_CONTEXT + number));
		present[number] = true;
		next = number + 1;
	}
	return sequence.error;
}

static int take_bytes(struct cursor *c, struct spnego_bytes *ret)
{
	struct cursor value = take_only(c, TAG_OCTETS);

	if (value.error != 0)
		return value.error;
	*ret = (struct spnego_bytes){ value.data, value.len };
	return 0;
}

static enum spnego_mechanism name_mechanism(const struct cursor *oid)
{
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (oid->len == mechanisms[i].len && memcmp(oid->data, mechanisms[i].oid, oid->len) == 0)
			return mechanisms[i].mechanism;
	return SPNEGO_UNKNOWN;
}

static int take_list(struct cursor *c, struct spnego_init *ret)
{
	struct cursor list;

	ret->list = (struct spnego_bytes){ c->data, c->len };
	list = take_only(c, TAG_SEQUENCE);
	while (cursor_left(&list) > 0) {
		struct cursor oid = take(&list, TAG_OID);

		if (oid.error != 0 || ret->count == SPNEGO_MECHANISMS_MAX)
			return -EBADMSG;
		ret->mechanisms[ret->count++] = name_mechanism(&oid);
	}
	return list.error != 0 || ret->count == 0 ? -EBADMSG : 0;
}

int spnego_decode_init(const uint8_t *data, size_t len, struct spnego_init *ret)
{
	struct cursor all = cursor_make(data, len), outer, oid, body, elements[ELEMENT_COUNT];
	bool present[ELEMENT_COUNT] = { false };
	struct spnego_init m = { 0 };

	if (len > SPNEGO_TOKEN_MAX)
		return -EBADMSG;
	outer = take_only(&all, TAG_APPLICATION);
	oid = take(&outer, TAG_OID);
	body = take_only(&outer, TAG_CONTEXT);
	if (oid.error != 0 || oid.len != sizeof(spnego_oid) || memcmp(oid.data, spnego_oid, oid.len) != 0)
		return -EBADMSG;
	if (take_elements(&body, elements, present) < 0 || !present[0] || take_list(&elements[0], &m) < 0 ||
	    (present[2] && take_bytes(&elements[2], &m.token) < 0))
		return -EBADMSG;
	*ret = m;
	return 0;
}

int spnego_decode_reply(const uint8_t *data, size_t len, struct spnego_reply *ret)
{
	struct cursor all = cursor_make(data, len), body, value, elements[ELEMENT_COUNT];
	struct spnego_reply m = { .state = SPNEGO_NO_STATE };
	bool present[ELEMENT_COUNT] = { false };

	if (len > SPNEGO_TOKEN_MAX)
		return -EBADMSG;
	body = take_only(&all, TAG_CONTEXT + 1);
	if (take_elements(&body, elements, present) < 0 || present[4])
		return -EBADMSG;
	if (present[0]) {
		value = take_only(&elements[0], TAG_ENUM);
		if (value.error != 0 || value.len != 1 || value.data[0] > SPNEGO_REQUEST_MIC)
			return -EBADMSG;
		m.state = value.data[0];
	}
	if (present[1]) {
		value = take_only(&elements[1], TAG_OID);
		if (value.error != 0)
			return -EBADMSG;
		m.has_mechanism = true;
		m.mechanism = name_mechanism(&value);
	}
	if ((present[2] && take_bytes(&elements[2], &m.token) < 0) ||
	    (present[3] && take_bytes(&elements[3], &m.mic) < 0))
		return -EBADMSG;
	*ret = m;
	return 0;
}

/* A header in front of what has been put since start. */
static void wrap(struct buf *b, size_t start, uint8_t tag)
{
	uint8_t header[HEADER_MAX] = { tag };
	size_t len = b->len - start, size = 2;

	assert(len <= UINT16_MAX);
	if (len < 0x80) {
		header[1] = (uint8_t)len;
	} else if (len < 0x100) {
		header[1] = 0x81;
		header[2] = (uint8_t)len;
		size = 3;
	} else {
		header[1] = 0x82;
		header[2] = (uint8_t)(len >> 8);
		header[3] = (uint8_t)len;
		size = 4;
	}
	buf_append_zeros(b, size);
	if (b->error != 0)
		return;
	memmove(b->data + start + size, b->data + start, len);
	memcpy(b->data + start, header, size);
}

static void put_oid(struct buf *b, enum spnego_mechanism mechanism)
{
	size_t start = b->len;

	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (mechanisms[i].mechanism == mechanism)
			buf_append(b, mechanisms[i].oid, mechanisms[i].len);
	assert(b->len > start || b->error != 0);
	wrap(b, start, TAG_OID);
}

static void put_octets(struct buf *b, unsigned number, const uint8_t *data, size_t len)
{
	size_t start = b->len;

	if (len > 0)
		buf_append(b, data, len);
	wrap(b, start, TAG_OCTETS);
	wrap(b, start, (uint8_t)(TAG_CONTEXT + number));
}

void spnego_put_list(struct buf *b, const enum spnego_mechanism *list, unsigned count)
{
	size_t start = b->len;

	for (unsigned i = 0; i < count; i++)
		put_oid(b, list[i]);
	wrap(b, start, TAG_SEQUENCE);
}

void spnego_put_init(struct buf *b, const struct buf *list, const struct buf *token)
{
	size_t start = b->len, body, element;

	buf_append(b, spnego_oid, sizeof(spnego_oid));
	wrap(b, start, TAG_OID);
	body = element = b->len;
	buf_append(b, list->data, list->len);
	wrap(b, element, TAG_CONTEXT);
	if (token->len > 0)
		put_octets(b, 2, token->data, token->len);
	wrap(b, body, TAG_SEQUENCE);
	wrap(b, body, TAG_CONTEXT);
	wrap(b, start, TAG_APPLICATION);
}

void spnego_put_reply(struct buf *b, const struct spnego_reply *reply)
{
	size_t start = b->len, element;

	if (reply->state != SPNEGO_NO_STATE) {
		element = b->len;
		buf_u8(b, (uint8_t)reply->state);
		wrap(b, element, TAG_ENUM);
		wrap(b, element, TAG_CONTEXT);
	}
	if (reply->has_mechanism) {
		element = b->len;
		put_oid(b, reply->mechanism);
		wrap(b, element, TAG_CONTEXT + 1);
	}
	if (reply->token.data != NULL)
		put_octets(b, 2, reply->token.data, reply->token.len);
	if (reply->mic.data != NULL)
		put_octets(b, 3, reply->mic.data, reply->mic.len);
	wrap(b, start, TAG_SEQUENCE);
	wrap(b, start, TAG_CONTEXT + 1);
}
