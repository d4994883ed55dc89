/* pac: the SIDs that a domain puts into its tickets.
 *
 * Why      a domain's administrator grants rights to groups; which groups somebody is in, only the domain knows, and it says so
 *          in the part of a Kerberos ticket that is called PAC.
 * How      the PAC's logon information is one NDR structure, KERB_VALIDATION_INFO, behind a header of 16 bytes: a fixed part
 *          with pointers, then what these point at, in the order of the pointers:
 *
 *              6 times | 6 strings | counters | user, primary group | groups ─┐ | flags, key | 2 strings | domain ─┐
 *              | … | extra SIDs ─┐ | resource groups: domain ─┐, relative ids ─┐ |
 *
 *          The user and the groups are numbers relative to the domain's SID, resource groups to that of theirs.
 * Promise  every bound is checked, of any bytes; a count that is not that of its array is an error.  No SID but those of
 *          domains comes out: a domain that says S-1-5-32-544 does not make administrators here.
 * Note     A group that counts for denials only cannot be told from others later: who has one is refused.
 * Threads  all functions.     Limits  PAC_SIDS_MAX.
 * Source   MS-PAC 2.5, MS-RPCE 2.2.6     Tests  tests/unit/pac.c, tests/fuzz/pac.c, tests/interop/domain.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/pac.h"

enum {
	HEADER_LEN = 16,
	HEADER_VERSION = 1,
	LITTLE_ENDIAN_DATA = 0x10,
	PADDING_MAX = 7,
	TIMES_LEN = 6 * 8,
	STRINGS_BEFORE = 6, /* Name, full name, script, profile, home, drive. */
	STRINGS_BEHIND = 2, /* Server and domain. */
	SESSION_KEY_LEN = 16,
	TAIL_LEN = 2 * 4 + 4 + 4 + 8 + 8 + 4 + 4, /* Between the domain's SID and the extra ones. */
	GROUP_ENABLED = 4,
	GROUP_DENY_ONLY = 0x10,
};

struct string {
	uint16_t len; /* Bytes. */
	bool is_there;
};

struct logon {
	struct string strings[STRINGS_BEFORE + STRINGS_BEHIND];
	uint32_t user, primary_group;
	uint32_t group_count, extra_count, resource_count;
	bool has_groups, has_domain, has_extra, has_resource_domain, has_resource_groups;
};

struct sids {
	struct buf *out;
	unsigned count;
	int error;
};

static bool pointer(struct cursor *c)
{
	return cursor_u32(c) != 0;
}

static struct string string_header(struct cursor *c)
{
	struct string s = { .len = cursor_u16(c) };

	(void)cursor_u16(c); /* The room that it has. */
	s.is_there = pointer(c);
	return s;
}

static void read_header(struct cursor *c)
{
	uint8_t version = cursor_u8(c), data = cursor_u8(c);
	uint16_t header_len = cursor_u16(c);
	uint32_t len;

	(void)cursor_u32(c);
	len = cursor_u32(c);
	(void)cursor_u32(c);
	if (version != HEADER_VERSION || data != LITTLE_ENDIAN_DATA || header_len != HEADER_LEN / 2 ||
	    len != cursor_left(c) || !pointer(c))
		cursor_fail(c);
}

static void read_fixed(struct cursor *c, struct logon *l)
{
	(void)cursor_bytes(c, TIMES_LEN);
	for (unsigned i = 0; i < STRINGS_BEFORE; i++)
		l->strings[i] = string_header(c);
	(void)cursor_u32(c); /* How often he came, and how often not. */
	l->user = cursor_u32(c);
	l->primary_group = cursor_u32(c);
	l->group_count = cursor_u32(c);
	l->has_groups = pointer(c);
	(void)cursor_u32(c);
	(void)cursor_bytes(c, SESSION_KEY_LEN);
	for (unsigned i = STRINGS_BEFORE; i < ARRAY_SIZE(l->strings); i++)
		l->strings[i] = string_header(c);
	l->has_domain = pointer(c);
	(void)cursor_bytes(c, TAIL_LEN);
	l->extra_count = cursor_u32(c);
	l->has_extra = pointer(c);
	l->has_resource_domain = pointer(c);
	l->resource_count = cursor_u32(c);
	l->has_resource_groups = pointer(c);
}

static void skip_string(struct cursor *c, const struct string *s)
{
	uint32_t most, offset, count;

	if (!s->is_there) {
		if (s->len != 0)
			cursor_fail(c);
		return;
	}
	most = cursor_u32(c);
	offset = cursor_u32(c);
	count = cursor_u32(c);
	if (offset != 0 || count > most || s->len != (uint64_t)count * sizeof(char16_t))
		cursor_fail(c);
	(void)cursor_bytes(c, s->len);
	cursor_align(c, 4);
}

/* A SID with the count of its numbers in front. */
static struct sid read_sid(struct cursor *c)
{
	uint32_t count = cursor_u32(c);
	struct sid s = { { 1 } };
	const uint8_t *bytes;

	if (count > SID_SUBS_MAX) {
		cursor_fail(c);
		return s;
	}
	bytes = cursor_bytes(c, SID_HEAD_SIZE + (size_t)4 * count);
	if (bytes == NULL || bytes[1] != count || sid_size(bytes, SID_HEAD_SIZE + (size_t)4 * count) == 0)
		cursor_fail(c);
	else
		memcpy(s.bytes, bytes, SID_HEAD_SIZE + (size_t)4 * count);
	return s;
}

static void add(struct sids *s, const struct sid *sid)
{
	if (s->error != 0 || !sid_is_of_domain(sid->bytes))
		return;
	if (s->count++ == PAC_SIDS_MAX)
		s->error = -E2BIG;
	else
		buf_append(s->out, sid->bytes, sid_len(sid));
}

static void add_relative(struct cursor *c, struct sids *s, const struct sid *domain, uint32_t id)
{
	struct sid sid = *domain;

	if (!sid_append(&sid, id))
		cursor_fail(c);
	else
		add(s, &sid);
}

/* Does a group with these attributes count? */
static bool counts(struct cursor *c, uint32_t attributes)
{
	if ((attributes & GROUP_DENY_ONLY) != 0)
		cursor_fail(c);
	return (attributes & GROUP_ENABLED) != 0;
}

/* The number of elements in front of an array must be the one that the fixed part tells; returns where they begin. */
static const uint8_t *array(struct cursor *c, bool is_there, uint32_t count)
{
	if (!is_there) {
		if (count != 0)
			cursor_fail(c);
		return NULL;
	}
	if (cursor_u32(c) != count || count > cursor_left(c) / 8) {
		cursor_fail(c);
		return NULL;
	}
	return cursor_bytes(c, (size_t)8 * count);
}

/* Elements are a relative id and attributes. */
static void add_groups(
    struct cursor *c, struct sids *s, const uint8_t *groups, uint32_t count, const struct sid *domain)
{
	for (uint32_t i = 0; groups != NULL && c->error == 0 && i < count; i++)
		if (counts(c, get_le32(groups + (size_t)8 * i + 4)))
			add_relative(c, s, domain, get_le32(groups + (size_t)8 * i));
}

/* Elements are a pointer and attributes; the SIDs follow. */
static void read_extra(struct cursor *c, struct sids *s, const struct logon *l)
{
	const uint8_t *extra = array(c, l->has_extra, l->extra_count);

	for (uint32_t i = 0; extra != NULL && c->error == 0 && i < l->extra_count; i++) {
		bool wanted = counts(c, get_le32(extra + (size_t)8 * i + 4));
		struct sid sid;

		if (get_le32(extra + (size_t)8 * i) == 0)
			cursor_fail(c);
		sid = read_sid(c);
		if (c->error == 0 && wanted)
			add(s, &sid);
	}
}

static void read_all(struct cursor *c, struct sids *s)
{
	struct sid domain = { { 1 } }, resource_domain = { { 1 } };
	const uint8_t *groups;
	struct logon l;

	read_header(c);
	read_fixed(c, &l);
	for (unsigned i = 0; i < STRINGS_BEFORE; i++)
		skip_string(c, &l.strings[i]);
	groups = array(c, l.has_groups, l.group_count);
	for (unsigned i = STRINGS_BEFORE; i < ARRAY_SIZE(l.strings); i++)
		skip_string(c, &l.strings[i]);
	if (l.has_domain)
		domain = read_sid(c);
	else if (l.user != 0 || l.group_count != 0)
		cursor_fail(c);
	if (c->error == 0 && l.user != 0) { /* Else the extra SIDs begin with his. */
		add_relative(c, s, &domain, l.user);
		add_relative(c, s, &domain, l.primary_group);
	}
	add_groups(c, s, groups, l.group_count, &domain);
	read_extra(c, s, &l);
	if (l.has_resource_domain)
		resource_domain = read_sid(c);
	else if (l.resource_count != 0)
		cursor_fail(c);
	groups = array(c, l.has_resource_groups, l.resource_count);
	add_groups(c, s, groups, l.resource_count, &resource_domain);
	if (cursor_left(c) > PADDING_MAX)
		cursor_fail(c);
}

int pac_logon_sids(const uint8_t *bytes, size_t len, struct buf *out)
{
	struct cursor c = cursor_make(bytes, len);
	struct sids s = { .out = out };
	size_t before = out->len;
	int r;

	read_all(&c, &s);
	r = c.error != 0 ? c.error : s.error != 0 ? s.error : out->error;
	if (r < 0)
		out->len = before;
	return r;
}
