/* winbind_message: what ruedad and its helper for winbind say to each other, over the helper's standard input and output.
 *
 * How      one question, one answer; little endian; a part is a 32-bit length and so many bytes.
 *
 *              question   kind (1) | nonce (8) | user | domain | response
 *              answer     status (1) | why | computer | domain | key (16) | name | SIDs
 *
 *          What a kind or a status does not use is zeros and empty.
 * Promise  every bound is checked, on both sides; texts have no zeros and no other control characters; SIDs are whole.
 * Note     Both are the same program, so the format may change with any version of it.
 * Threads  all functions.     Limits  WINBIND_TEXT_MAX, WINBIND_MESSAGE_MAX, WINBIND_SIDS_MAX, NTLM_TOKEN_MAX.
 * Tests    tests/unit/winbind.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/winbind_message.h"
#include "base/sid.h"

static void put_part(struct buf *b, struct ntlm_part p)
{
	buf_u32(b, (uint32_t)p.len);
	if (p.len > 0)
		buf_append(b, p.data, p.len);
}

static void put_bytes(struct buf *b, const uint8_t *bytes, size_t len)
{
	if (bytes != NULL)
		buf_append(b, bytes, len);
	else
		buf_append_zeros(b, len);
}

void winbind_put_question(struct buf *b, const struct winbind_question *q)
{
	buf_u8(b, (uint8_t)q->kind);
	put_bytes(b, q->nonce, NTLM_NONCE_SIZE);
	put_part(b, q->user);
	put_part(b, q->domain);
	put_part(b, q->response);
}

void winbind_put_answer(struct buf *b, const struct winbind_answer *a)
{
	buf_u8(b, (uint8_t)a->status);
	put_part(b, a->why);
	put_part(b, a->computer);
	put_part(b, a->domain);
	put_bytes(b, a->key, NTLM_KEY_SIZE);
	put_part(b, a->name);
	put_part(b, a->sids);
}

static struct ntlm_part take_part(struct cursor *c, size_t max)
{
	uint32_t len = cursor_u32(c);
	struct ntlm_part p = { 0 };

	if (len > max)
		cursor_fail(c);
	p.data = cursor_bytes(c, len);
	p.len = c->error == 0 ? len : 0;
	return p;
}

static struct ntlm_part take_text(struct cursor *c)
{
	struct ntlm_part p = take_part(c, WINBIND_TEXT_MAX);

	for (size_t i = 0; i < p.len; i++)
		if (((const uint8_t *)p.data)[i] < ' ' || ((const uint8_t *)p.data)[i] == 0x7f)
			cursor_fail(c);
	return p;
}

static struct ntlm_part take_sids(struct cursor *c)
{
	struct ntlm_part p = take_part(c, (size_t)WINBIND_SIDS_MAX * SID_SIZE_MAX);
	size_t count = 0;

	for (size_t at = 0; at < p.len && c->error == 0; count++) {
		size_t size = sid_size((const uint8_t *)p.data + at, p.len - at);

		if (size == 0 || count == WINBIND_SIDS_MAX)
			cursor_fail(c);
		at += size;
	}
	return p;
}

static int end(const struct cursor *c)
{
	return c->error != 0 ? c->error : cursor_left(c) > 0 ? -EBADMSG : 0;
}

int winbind_take_question(const uint8_t *data, size_t len, struct winbind_question *ret)
{
	struct cursor c = cursor_make(data, len);
	struct winbind_question q = { .kind = cursor_u8(&c) };
	int r;

	q.nonce = cursor_bytes(&c, NTLM_NONCE_SIZE);
	q.user = take_text(&c);
	q.domain = take_text(&c);
	q.response = take_part(&c, NTLM_TOKEN_MAX);
	if (q.kind != WINBIND_LOOK && (q.kind != WINBIND_CHECK || q.user.len == 0))
		cursor_fail(&c);
	r = end(&c);
	if (r == 0)
		*ret = q;
	return r;
}

int winbind_take_answer(const uint8_t *data, size_t len, struct winbind_answer *ret)
{
	struct cursor c = cursor_make(data, len);
	struct winbind_answer a = { .status = cursor_u8(&c) };
	int r;

	a.why = take_text(&c);
	a.computer = take_text(&c);
	a.domain = take_text(&c);
	a.key = cursor_bytes(&c, NTLM_KEY_SIZE);
	a.name = take_text(&c);
	a.sids = take_sids(&c);
	if (a.status > WINBIND_FAILED)
		cursor_fail(&c);
	r = end(&c);
	if (r == 0)
		*ret = a;
	return r;
}
