/* sdlist: the access list of a security descriptor, entry by entry, and changed.
 *
 * Why      an administrator thinks of "alice may read", not of bytes.
 * How      a list that has been found good is walked; a changed one is built anew and merged into the descriptor, whose other
 *          parts stay.
 * Note     A new entry goes to the end: behind what denies, where entries that allow belong.
 * Threads  all functions.     Tests  tests/unit/sdlist.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/sdlist.h"

enum { HEADER_LEN = 20, CONTROL_AT = 2, OWNER_AT = 4, GROUP_AT = 8, DACL_AT = 16, ACL_LEN = 8, ACE_LEN = 8 };
enum { SELF_RELATIVE = 0x8000, DACL_PRESENT = 0x4, ACL_REVISION = 2 };

int sd_list_init(struct sd_list *l, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	int r = sd_validate(bytes, len, NULL);
	uint32_t at;

	if (r < 0)
		return r;
	at = get_le32(p + DACL_AT);
	if ((get_le16(p + CONTROL_AT) & DACL_PRESENT) == 0 || at == 0)
		return 0;
	*l = (struct sd_list){ p + at + ACL_LEN, get_le16(p + at + 4) };
	return 1;
}

bool sd_list_next(struct sd_list *l, struct sd_entry *ret)
{
	if (l->left == 0)
		return false;
	*ret = (struct sd_entry){ l->next[0], l->next[1], get_le32(l->next + 4), l->next + ACE_LEN };
	l->next += get_le16(l->next + 2);
	l->left--;
	return true;
}

/* A descriptor with an empty list at its end; add() goes on. */
static void begin(struct buf *out)
{
	buf_append_zeros(out, HEADER_LEN + ACL_LEN);
	if (out->error != 0)
		return;
	out->data[0] = 1;
	put_le16(out->data + CONTROL_AT, SELF_RELATIVE | DACL_PRESENT);
	put_le32(out->data + DACL_AT, HEADER_LEN);
	out->data[HEADER_LEN] = ACL_REVISION;
}

static void add(struct buf *out, const struct sd_entry *e)
{
	size_t sid_bytes = SID_HEAD_SIZE + (size_t)4 * e->sid[1];

	buf_u8(out, e->type);
	buf_u8(out, e->flags);
	buf_u16(out, (uint16_t)(ACE_LEN + sid_bytes));
	buf_u32(out, e->mask);
	buf_append(out, e->sid, sid_bytes);
	if (out->error != 0)
		return;
	put_le16(out->data + HEADER_LEN + 4, (uint16_t)(get_le16(out->data + HEADER_LEN + 4) + 1));
}

/* The list is done; sd_merge() refuses one that has grown too long. */
static void end(struct buf *out)
{
	if (out->error == 0 && out->len <= SD_MAX)
		put_le16(out->data + HEADER_LEN + 2, (uint16_t)(out->len - HEADER_LEN));
}

int sd_list_set(const void *bytes, size_t len, const struct sid *sid, uint32_t mask, struct buf *out)
{
	_cleanup_(buf_done) struct buf changed = { 0 };
	bool was_there = false;
	struct sd_entry e;
	struct sd_list l;
	int r = sd_list_init(&l, bytes, len);

	if (r <= 0)
		return r < 0 ? r : ERR_FILE_NOT_FOUND;
	begin(&changed);
	while (sd_list_next(&l, &e)) {
		if (sid_equal(e.sid, sid->bytes))
			was_there = true;
		else
			add(&changed, &e);
	}
	if (mask != 0)
		add(&changed, &(struct sd_entry){ SD_ALLOW, 0, mask, sid->bytes });
	else if (!was_there)
		return ERR_FILE_NOT_FOUND;
	end(&changed);
	return changed.error != 0 ? changed.error : sd_merge(bytes, len, changed.data, changed.len, SD_DACL, out);
}

void sd_list_cluster_default(struct buf *out)
{
	struct buf made = { 0 };
	struct sid administrators = sid_make(5, (uint32_t[]){ 32, 544 }, 2),
		   users = sid_make(5, (uint32_t[]){ 32, 545 }, 2);

	begin(&made);
	add(&made, &(struct sd_entry){ SD_ALLOW, 0, SD_CLUSTER_ALL, administrators.bytes });
	add(&made, &(struct sd_entry){ SD_ALLOW, 0, SD_CLUSTER_READ, users.bytes });
	end(&made);
	if (made.error == 0) {
		put_le32(made.data + OWNER_AT, (uint32_t)made.len);
		put_le32(made.data + GROUP_AT, (uint32_t)made.len);
		buf_append(&made, administrators.bytes, sid_len(&administrators));
	}
	buf_append(out, made.data, made.error == 0 ? made.len : 0);
	if (made.error != 0)
		out->error = made.error;
	buf_done(&made);
}
