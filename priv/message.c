/* message: the two messages between ruedad and priv, one packet each.
 *
 *	request  u32 'RDPQ', u32 type, u64 id, u32 uid, u32 gid, u32 flags (1 = may create, 2 = a principal), u32 n,
 *	         n * u32 group, u32 length, path, u32 length, name of who came over the network (0: nobody did)
 *	reply    u32 'RDPR', u64 id, i32 result, u32 flags (1 = created), u32 owner, u32 mode, u64 device,
 *	         u32 length, text
 *
 * Little endian, no padding, nothing may follow.  Both ends are the same program, so there are no versions.
 *
 * Promise  what decodes is within all limits: priv relies on nothing else that ruedad says about a message.
 * Threads  all functions.      Limits  message.h.      Tests  tests/unit/priv_message.c, tests/fuzz/priv_message.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/message.h"

enum { REQUEST_MAGIC = 0x51504452, REPLY_MAGIC = 0x52504452, FLAG = 1, FLAG_PRINCIPAL = 2 };

/* -1 as uid or gid means "leave it" to the system calls. */
static bool is_id(uint32_t id)
{
	return id != UINT32_MAX;
}

bool priv_path_is_lawful(enum priv_request_type type, const char *path, size_t len)
{
	if (type == PRIV_TAKE_TOKEN || type == PRIV_PUT_TOKEN)
		return len > 7 && strncmp(path, "pkcs11:", 7) == 0;
	return path[0] == '/';
}

static bool request_is_valid(const struct priv_request *r)
{
	if (r->type < PRIV_OPEN_BACKUP || r->type > PRIV_CLOSED)
		return false;
	if (r->type >= PRIV_TAKE_TREE && (r->uid != 0 || r->gid != 0 || r->group_count != 0))
		return false;
	if (r->may_create && r->type != PRIV_OPEN_BACKUP)
		return false;
	if (r->remote_len == 0 ? r->is_principal
			       : r->type >= PRIV_TAKE_TREE || r->uid != 0 || r->gid != 0 || r->group_count != 0 ||
				     r->remote_len > PRIV_REMOTE_MAX || memchr(r->remote, 0, r->remote_len) != NULL)
		return false;
	if (!is_id(r->uid) || !is_id(r->gid) || r->group_count > PRIV_GROUPS_MAX)
		return false;
	for (uint32_t i = 0; i < r->group_count; i++)
		if (!is_id(r->groups[i]))
			return false;
	return r->path_len > 0 && r->path_len <= PRIV_PATH_MAX && priv_path_is_lawful(r->type, r->path, r->path_len) &&
	       memchr(r->path, 0, r->path_len) == NULL;
}

void priv_request_encode(const struct priv_request *r, struct buf *out)
{
	assert(request_is_valid(r));
	buf_u32(out, REQUEST_MAGIC);
	buf_u32(out, r->type);
	buf_u64(out, r->id);
	buf_u32(out, r->uid);
	buf_u32(out, r->gid);
	buf_u32(out, (r->may_create ? FLAG : 0u) | (r->is_principal ? FLAG_PRINCIPAL : 0u));
	buf_u32(out, r->group_count);
	for (uint32_t i = 0; i < r->group_count; i++)
		buf_u32(out, r->groups[i]);
	buf_u32(out, (uint32_t)r->path_len);
	buf_append(out, r->path, r->path_len);
	buf_u32(out, (uint32_t)r->remote_len);
	buf_append(out, r->remote, r->remote_len);
}

int priv_request_decode(const void *data, size_t len, struct priv_request *ret)
{
	struct cursor c = cursor_make(data, len);
	struct priv_request r;
	uint32_t magic = cursor_u32(&c), type = cursor_u32(&c), flags;

	r.id = cursor_u64(&c);
	r.uid = cursor_u32(&c);
	r.gid = cursor_u32(&c);
	flags = cursor_u32(&c);
	r.group_count = cursor_u32(&c);
	if (magic != REQUEST_MAGIC || (flags & ~(uint32_t)(FLAG | FLAG_PRINCIPAL)) != 0 ||
	    r.group_count > PRIV_GROUPS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < r.group_count; i++)
		r.groups[i] = cursor_u32(&c);
	r.path_len = cursor_u32(&c);
	r.path = (const char *)cursor_bytes(&c, r.path_len);
	r.remote_len = cursor_u32(&c);
	r.remote = (const char *)cursor_bytes(&c, r.remote_len);
	if (c.error < 0 || cursor_left(&c) > 0)
		return -EBADMSG;
	r.type = type;
	r.may_create = (flags & FLAG) != 0;
	r.is_principal = (flags & FLAG_PRINCIPAL) != 0;
	if (!request_is_valid(&r))
		return -EBADMSG;
	*ret = r;
	return 0;
}

void priv_reply_encode(const struct priv_reply *r, struct buf *out)
{
	size_t text_len = strnlen(r->text, sizeof(r->text) - 1);

	assert(r->result <= 0);
	buf_u32(out, REPLY_MAGIC);
	buf_u64(out, r->id);
	buf_u32(out, (uint32_t)r->result);
	buf_u32(out, r->created ? FLAG : 0);
	buf_u32(out, r->owner);
	buf_u32(out, r->mode);
	buf_u64(out, r->device);
	buf_u32(out, (uint32_t)text_len);
	buf_append(out, r->text, text_len);
}

int priv_reply_decode(const void *data, size_t len, struct priv_reply *ret)
{
	struct cursor c = cursor_make(data, len);
	struct priv_reply r = { 0 };
	uint32_t magic = cursor_u32(&c), flags, text_len;
	const uint8_t *text;

	r.id = cursor_u64(&c);
	r.result = (int)cursor_u32(&c);
	flags = cursor_u32(&c);
	r.owner = cursor_u32(&c);
	r.mode = cursor_u32(&c);
	r.device = cursor_u64(&c);
	text_len = cursor_u32(&c);
	text = cursor_bytes(&c, text_len);
	if (c.error < 0 || cursor_left(&c) > 0 || magic != REPLY_MAGIC || (flags & ~(uint32_t)FLAG) != 0)
		return -EBADMSG;
	if (r.result > 0 || r.mode > 07777 || text_len >= sizeof(r.text) || memchr(text, 0, text_len) != NULL)
		return -EBADMSG;
	r.created = flags != 0;
	memcpy(r.text, text, text_len);
	*ret = r;
	return 0;
}
