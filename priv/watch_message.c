/* watch_message: what ruedad and a process that watches files say to each other, one packet each.
 *
 *	request  u32 'RDWQ', u32 type, u64 id, u32 length, path
 *	event    u32 'RDWE', u32 type, u64 id, i32 result, u32 length, text
 *
 * Little endian, no padding, nothing may follow.  Both ends are the same program, so there are no versions.
 *
 * Promise  what decodes is within all limits.
 * Threads  all functions.      Limits  watch.h.      Tests  tests/unit/priv_watch_message.c, tests/fuzz/priv_message.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/watch.h"

enum { REQUEST_MAGIC = 0x51574452, EVENT_MAGIC = 0x45574452 };

static bool request_is_valid(const struct watch_request *q)
{
	if (q->type == WATCH_REMOVE)
		return q->path_len == 0;
	return q->type == WATCH_ADD && q->path_len > 0 && q->path_len <= WATCH_PATH_MAX && q->path[0] == '/' &&
	       memchr(q->path, 0, q->path_len) == NULL;
}

void watch_request_encode(const struct watch_request *q, struct buf *out)
{
	assert(request_is_valid(q));
	buf_u32(out, REQUEST_MAGIC);
	buf_u32(out, q->type);
	buf_u64(out, q->id);
	buf_u32(out, (uint32_t)q->path_len);
	buf_append(out, q->path, q->path_len);
}

int watch_request_decode(const void *data, size_t len, struct watch_request *ret)
{
	struct cursor c = cursor_make(data, len);
	struct watch_request q;
	uint32_t magic = cursor_u32(&c), type = cursor_u32(&c);

	q.id = cursor_u64(&c);
	q.path_len = cursor_u32(&c);
	q.path = (const char *)cursor_bytes(&c, q.path_len);
	q.type = type;
	if (c.error < 0 || cursor_left(&c) > 0 || magic != REQUEST_MAGIC || !request_is_valid(&q))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void watch_event_encode(const struct watch_event *e, struct buf *out)
{
	size_t text_len = strnlen(e->text, sizeof(e->text) - 1);

	assert((e->result < 0) == (e->type == WATCH_FAILED) && (e->result < 0 || text_len == 0));
	buf_u32(out, EVENT_MAGIC);
	buf_u32(out, e->type);
	buf_u64(out, e->id);
	buf_u32(out, (uint32_t)e->result);
	buf_u32(out, (uint32_t)text_len);
	buf_append(out, e->text, text_len);
}

int watch_event_decode(const void *data, size_t len, struct watch_event *ret)
{
	struct cursor c = cursor_make(data, len);
	struct watch_event e = { 0 };
	uint32_t magic = cursor_u32(&c), type = cursor_u32(&c), text_len;
	const uint8_t *text;

	e.id = cursor_u64(&c);
	e.result = (int)cursor_u32(&c);
	text_len = cursor_u32(&c);
	text = cursor_bytes(&c, text_len);
	if (c.error < 0 || cursor_left(&c) > 0 || magic != EVENT_MAGIC || type < WATCH_LOOKS || type > WATCH_REMOVED)
		return -EBADMSG;
	if (e.result > 0 || (e.result < 0) != (type == WATCH_FAILED) || (e.result == 0 && text_len > 0) ||
	    text_len >= sizeof(e.text) || memchr(text, 0, text_len) != NULL)
		return -EBADMSG;
	e.type = type;
	memcpy(e.text, text, text_len);
	*ret = e;
	return 0;
}
