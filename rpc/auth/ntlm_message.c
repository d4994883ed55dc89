/* ntlm_message: the three messages of NTLM, bytes to structs and back.
 *
 * Why      what a stranger sends first is looked at here, and nowhere else is an offset believed.
 * How      "NTLMSSP\0" | type | fixed part | payload.  A *field* of the fixed part is length (2) | room (2) | offset (4)
 *          of something in the payload; one that is not empty must lie behind the fixed part and within the message.
 *
 *              NEGOTIATE     16 bytes: flags at 12; what may follow (names, version) is not read
 *              CHALLENGE     48: target name 12, flags 20, nonce 24, target info 40, [version 48]
 *              AUTHENTICATE  64: LM 12, NT 20, domain 28, user 36, workstation 44, session key 52, flags 60,
 *                            [version 64, MIC 72]
 *
 *          A list of pairs is id (2) | length (2) | value, …, 0 | 0.
 * Limits   NTLM_TOKEN_MAX for a message, NTLM_NAME_MAX units for a name.
 * Threads  all functions.     Source  MS-NLMP 2.2.1, 2.2.2.1, 2.2.2.7, 2.2.2.10
 * Tests    tests/unit/ntlm.c, tests/fuzz/ntlm.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/ntlm_message.h"

enum {
	TYPE_NEGOTIATE = 1,
	TYPE_CHALLENGE = 2,
	TYPE_AUTHENTICATE = 3,
	NEGOTIATE_LEAST = 16,
	CHALLENGE_LEAST = 48,
	AUTHENTICATE_LEAST = 64,
	VERSION_SIZE = 8,
	MIC_END = NTLM_MIC_OFFSET + NTLM_KEY_SIZE,
};

static const uint8_t mark[8] = "NTLMSSP";

static bool is_message(const uint8_t *data, size_t len, size_t least, uint32_t type)
{
	return len >= least && len <= NTLM_TOKEN_MAX && memcmp(data, mark, sizeof(mark)) == 0 &&
	       get_le32(data + 8) == type;
}

/* The field whose description is at `at`; its value may not begin before `fixed`.  *lowest becomes the least offset. */
static int take_field(const uint8_t *data, size_t len, size_t at, size_t fixed, size_t *lowest, struct ntlm_part *ret)
{
	size_t size = get_le16(data + at), offset = get_le32(data + at + 4);

	if (size == 0) {
		*ret = (struct ntlm_part){ NULL, 0 };
		return 0;
	}
	if (offset < fixed || offset > len || size > len - offset)
		return -EBADMSG;
	*lowest = MIN(*lowest, offset);
	*ret = (struct ntlm_part){ data + offset, size };
	return 0;
}

int ntlm_decode_negotiate(const uint8_t *data, size_t len, uint32_t *ret_flags)
{
	if (!is_message(data, len, NEGOTIATE_LEAST, TYPE_NEGOTIATE))
		return -EBADMSG;
	*ret_flags = get_le32(data + 12);
	return 0;
}

int ntlm_decode_challenge(const uint8_t *data, size_t len, struct ntlm_challenge *ret)
{
	struct ntlm_challenge m;
	size_t lowest = len;

	if (!is_message(data, len, CHALLENGE_LEAST, TYPE_CHALLENGE))
		return -EBADMSG;
	m.flags = get_le32(data + 20);
	m.nonce = data + 24;
	if (take_field(data, len, 40, CHALLENGE_LEAST, &lowest, &m.target_info) < 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}

int ntlm_decode_authenticate(const uint8_t *data, size_t len, struct ntlm_authenticate *ret)
{
	struct ntlm_authenticate m;
	struct ntlm_part ignored;
	struct {
		size_t at;
		struct ntlm_part *field;
	} fields[] = { { 12, &ignored }, { 20, &m.response }, { 28, &m.domain }, { 36, &m.user }, { 44, &ignored },
		{ 52, &m.session_key } };
	size_t lowest = len;

	if (!is_message(data, len, AUTHENTICATE_LEAST, TYPE_AUTHENTICATE))
		return -EBADMSG;
	m.flags = get_le32(data + 60);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (take_field(data, len, fields[i].at, AUTHENTICATE_LEAST, &lowest, fields[i].field) < 0)
			return -EBADMSG;
	m.mic = lowest >= MIC_END ? data + NTLM_MIC_OFFSET : NULL;
	*ret = m;
	return 0;
}

int ntlm_next_pair(struct cursor *c, uint16_t *ret_id, struct ntlm_part *ret)
{
	uint16_t id = cursor_u16(c), len = cursor_u16(c);
	const uint8_t *data = cursor_bytes(c, len);

	if (c->error != 0 || (id == NTLM_PAIR_END && len != 0))
		return -EBADMSG;
	if (id == NTLM_PAIR_END)
		return 0;
	*ret_id = id;
	*ret = (struct ntlm_part){ data, len };
	return 1;
}

int ntlm_take_name(struct ntlm_part name, char16_t units[NTLM_NAME_MAX], struct u16 *ret)
{
	const uint8_t *bytes = name.data;

	if (name.len % 2 != 0 || name.len / 2 > NTLM_NAME_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < name.len / 2; i++)
		units[i] = get_le16(bytes + 2 * i);
	*ret = (struct u16){ units, name.len / 2 };
	return 0;
}

static void put_units(struct buf *b, struct u16 s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_u16(b, s.units[i]);
}

void ntlm_put_pair(struct buf *b, enum ntlm_pair_id id, const void *data, size_t len)
{
	assert(len <= UINT16_MAX);
	buf_u16(b, (uint16_t)id);
	buf_u16(b, (uint16_t)len);
	if (len > 0)
		buf_append(b, data, len);
}

void ntlm_put_name_pair(struct buf *b, enum ntlm_pair_id id, struct u16 name)
{
	assert(name.len <= NTLM_NAME_MAX);
	buf_u16(b, (uint16_t)id);
	buf_u16(b, (uint16_t)(name.len * 2));
	put_units(b, name);
}

static void put_mark(struct buf *b, uint32_t type)
{
	buf_append(b, mark, sizeof(mark));
	buf_u32(b, type);
}

/* The description of a field whose value will be at *offset, which moves behind it. */
static void put_field(struct buf *b, size_t len, size_t *offset)
{
	assert(len <= UINT16_MAX);
	buf_u16(b, (uint16_t)len);
	buf_u16(b, (uint16_t)len);
	buf_u32(b, (uint32_t)*offset);
	*offset += len;
}

/* Peers show it in traces; nothing depends on it but its last byte, the revision of the protocol. */
static void put_version(struct buf *b)
{
	static const uint8_t version[VERSION_SIZE] = { 10, 0, 0, 0, 0, 0, 0, 15 };

	buf_append(b, version, sizeof(version));
}

void ntlm_put_negotiate(struct buf *b, uint32_t flags)
{
	size_t offset = 40;

	put_mark(b, TYPE_NEGOTIATE);
	buf_u32(b, flags);
	put_field(b, 0, &offset);
	put_field(b, 0, &offset);
	put_version(b);
}

void ntlm_put_challenge(struct buf *b, uint32_t flags, const uint8_t nonce[NTLM_NONCE_SIZE], struct u16 target,
    const struct buf *target_info)
{
	size_t offset = CHALLENGE_LEAST + VERSION_SIZE;

	assert(target.len <= NTLM_NAME_MAX);
	put_mark(b, TYPE_CHALLENGE);
	put_field(b, target.len * 2, &offset);
	buf_u32(b, flags);
	buf_append(b, nonce, NTLM_NONCE_SIZE);
	buf_append_zeros(b, 8);
	put_field(b, target_info->len, &offset);
	put_version(b);
	put_units(b, target);
	buf_append(b, target_info->data, target_info->len);
}

void ntlm_put_authenticate(struct buf *b, uint32_t flags, struct u16 domain, struct u16 user,
    const struct buf *response, const uint8_t session_key[NTLM_KEY_SIZE])
{
	static const size_t lm_size = 24; /* Zeros: there is no LMv2 response. */
	size_t offset = MIC_END, names = offset + (domain.len + user.len) * 2, lm = names;

	assert(domain.len <= NTLM_NAME_MAX && user.len <= NTLM_NAME_MAX);
	put_mark(b, TYPE_AUTHENTICATE);
	put_field(b, lm_size, &lm);
	put_field(b, response->len, &lm);
	put_field(b, domain.len * 2, &offset);
	put_field(b, user.len * 2, &offset);
	put_field(b, 0, &offset);
	put_field(b, NTLM_KEY_SIZE, &lm);
	buf_u32(b, flags);
	put_version(b);
	buf_append_zeros(b, NTLM_KEY_SIZE);
	put_units(b, domain);
	put_units(b, user);
	buf_append_zeros(b, lm_size);
	buf_append(b, response->data, response->len);
	buf_append(b, session_key, NTLM_KEY_SIZE);
}
