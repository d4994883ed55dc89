/* message: the messages between ruedad and the host of a resource, one packet each.
 *
 *	u32 'RDHM', u32 type, u64 operation, u32 code, u32 length, text
 *	CONFIGURE and SETTINGS go on: u32 looks_ms, u32 is_ms, u32 pending_ms, u32 deadlock_ms
 *	CONFIGURE goes on: three times (u32 length, text): type, name, network name; u32 length, property list
 *
 * Little endian, no padding, nothing may follow.  Both ends are the same program, so there are no versions.
 * A CONFIGURE message is also what stands in the file that tells what a resource was (host/journal.h).
 *
 * Why      neither end trusts the other: a host runs other people's programs, and ruedad reads other people's bytes.
 * Promise  what decodes is within all limits, and its property list is formed.
 * Threads  all functions.      Limits  message.h.      Tests  tests/unit/host_message.c, tests/fuzz/host_message.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/message.h"
#include "wire/proplist.h"

enum { MAGIC = 0x4d484452, TEXT_MAX = sizeof(((struct error *)0)->text) - 1 };

static bool text_is_valid(const struct host_text *t, size_t max)
{
	return t->len <= max && (t->len == 0 || memchr(t->data, 0, t->len) == NULL);
}

static bool is_valid(const struct host_message *m)
{
	const struct host_configure *c = &m->configure;

	if (m->type < HOST_CONFIGURE || m->type >= HOST_MESSAGE_END || !text_is_valid(&m->text, TEXT_MAX))
		return false;
	if (m->type != HOST_CONFIGURE)
		return true;
	return c->type.len > 0 && text_is_valid(&c->type, HOST_LABEL_MAX) && text_is_valid(&c->name, HOST_LABEL_MAX) &&
	       text_is_valid(&c->network_name, HOST_LABEL_MAX) && c->properties_len <= HOST_PROPERTIES_MAX &&
	       proplist_check(c->properties, c->properties_len) == 0;
}

static void put_bytes(struct buf *out, const void *data, size_t len)
{
	buf_u32(out, (uint32_t)len);
	buf_append(out, data, len);
}

int host_message_encode(const struct host_message *m, struct buf *out)
{
	const struct host_configure *c = &m->configure;

	if (!is_valid(m))
		return -E2BIG;
	buf_u32(out, MAGIC);
	buf_u32(out, m->type);
	buf_u64(out, m->operation);
	buf_u32(out, m->code);
	put_bytes(out, m->text.data, m->text.len);
	if (m->type == HOST_CONFIGURE || m->type == HOST_SETTINGS) {
		buf_u32(out, c->settings.looks_ms);
		buf_u32(out, c->settings.is_ms);
		buf_u32(out, c->settings.pending_ms);
		buf_u32(out, c->settings.deadlock_ms);
	}
	if (m->type == HOST_CONFIGURE) {
		put_bytes(out, c->type.data, c->type.len);
		put_bytes(out, c->name.data, c->name.len);
		put_bytes(out, c->network_name.data, c->network_name.len);
		put_bytes(out, c->properties, c->properties_len);
	}
	return out->error;
}

static struct host_text get_text(struct cursor *c)
{
	struct host_text t = { .len = cursor_u32(c) };

	t.data = (const char *)cursor_bytes(c, t.len);
	return t;
}

int host_message_decode(const void *data, size_t len, struct host_message *ret)
{
	struct cursor in = cursor_make(data, len);
	struct host_message m = { 0 };
	struct host_configure *c = &m.configure;
	uint32_t magic = cursor_u32(&in);

	m.type = cursor_u32(&in);
	m.operation = cursor_u64(&in);
	m.code = cursor_u32(&in);
	m.text = get_text(&in);
	if (m.type == HOST_CONFIGURE || m.type == HOST_SETTINGS) {
		c->settings.looks_ms = cursor_u32(&in);
		c->settings.is_ms = cursor_u32(&in);
		c->settings.pending_ms = cursor_u32(&in);
		c->settings.deadlock_ms = cursor_u32(&in);
	}
	if (m.type == HOST_CONFIGURE) {
		c->type = get_text(&in);
		c->name = get_text(&in);
		c->network_name = get_text(&in);
		c->properties_len = cursor_u32(&in);
		c->properties = cursor_bytes(&in, c->properties_len);
	}
	if (in.error < 0 || cursor_left(&in) > 0 || magic != MAGIC || !is_valid(&m))
		return -EBADMSG;
	*ret = m;
	return 0;
}
