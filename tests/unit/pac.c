/* The logon information of a PAC: whose SIDs come out, and what is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/pac.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include <stdio.h>

struct group {
	uint32_t id, attributes;
};

struct extra {
	const char *sid;
	uint32_t attributes;
};

/* What a domain says. */
struct told {
	const char *domain; /* NULL: no pointer. */
	uint32_t user, primary;
	struct group groups[3];
	uint32_t group_count;
	struct extra extra[4];
	uint32_t extra_count;
	const char *resource_domain;
	struct group resources[2];
	uint32_t resource_count;
};

static const struct told alice = { .domain = "S-1-5-21-1-2-3",
	.user = 1105,
	.primary = 513,
	.groups = { { 513, 7 }, { 1110, 7 } },
	.group_count = 2 };

static void put_string_header(struct buf *b, const char *text)
{
	buf_u16(b, (uint16_t)(2 * strlen(text)));
	buf_u16(b, (uint16_t)(2 * strlen(text)));
	buf_u32(b, 0x20000);
}

static void put_string(struct buf *b, const char *text)
{
	buf_u32(b, (uint32_t)strlen(text));
	buf_u32(b, 0);
	buf_u32(b, (uint32_t)strlen(text));
	for (; *text != 0; text++)
		buf_u16(b, (uint8_t)*text);
	buf_align(b, 4);
}

static void put_sid(struct buf *b, const char *text)
{
	struct sid s;

	CHECK_INT(sid_parse(text, &s), 0);
	buf_u32(b, s.bytes[1]);
	buf_append(b, s.bytes, sid_len(&s));
}

static void put_groups(struct buf *b, const struct group *groups, uint32_t count)
{
	buf_u32(b, count);
	for (uint32_t i = 0; i < count; i++) {
		buf_u32(b, groups[i].id);
		buf_u32(b, groups[i].attributes);
	}
}

static void put_fixed(struct buf *b, const struct told *t)
{
	static const char *const names[] = { "alice", "Alice Example", "", "", "", "" };

	buf_append_zeros(b, 48);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put_string_header(b, names[i]);
	buf_u32(b, 0);
	buf_u32(b, t->user);
	buf_u32(b, t->primary);
	buf_u32(b, t->group_count);
	buf_u32(b, t->group_count > 0 ? 0x20004 : 0);
	buf_u32(b, 0x20);
	buf_append_zeros(b, 16);
	put_string_header(b, "DC");
	put_string_header(b, "AD");
	buf_u32(b, t->domain != NULL ? 0x20008 : 0);
	buf_append_zeros(b, 40);
	buf_u32(b, t->extra_count);
	buf_u32(b, t->extra_count > 0 ? 0x2000c : 0);
	buf_u32(b, t->resource_domain != NULL ? 0x20010 : 0);
	buf_u32(b, t->resource_count);
	buf_u32(b, t->resource_count > 0 ? 0x20014 : 0);
}

static struct buf make(const struct told *t)
{
	static const char *const names[] = { "alice", "Alice Example", "", "", "", "" };
	struct buf b = { 0 };

	buf_append(&b, "\1\x10\x08\0\xcc\xcc\xcc\xcc\0\0\0\0\0\0\0\0\0\0\2\0", 20);
	put_fixed(&b, t);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put_string(&b, names[i]);
	if (t->group_count > 0)
		put_groups(&b, t->groups, t->group_count);
	put_string(&b, "DC");
	put_string(&b, "AD");
	if (t->domain != NULL)
		put_sid(&b, t->domain);
	if (t->extra_count > 0)
		buf_u32(&b, t->extra_count);
	for (uint32_t i = 0; i < t->extra_count; i++) {
		buf_u32(&b, 0x20018 + 4 * i);
		buf_u32(&b, t->extra[i].attributes);
	}
	for (uint32_t i = 0; i < t->extra_count; i++)
		put_sid(&b, t->extra[i].sid);
	if (t->resource_domain != NULL)
		put_sid(&b, t->resource_domain);
	if (t->resource_count > 0)
		put_groups(&b, t->resources, t->resource_count);
	buf_align(&b, 8);
	CHECK_INT(b.error, 0);
	put_le32(b.data + 8, (uint32_t)(b.len - 16));
	return b;
}

/* "S-1-… S-1-…", or the error. */
static const char *sids_of_bytes(const uint8_t *bytes, size_t len)
{
	static char text[4096];
	struct buf out = { 0 };
	size_t used = 0;
	int r;

	buf_u32(&out, 7); /* What is there stays. */
	r = pac_logon_sids(bytes, len, &out);
	CHECK(out.len >= 4 && get_le32(out.data) == 7);
	text[0] = 0;
	if (r < 0) {
		CHECK_INT(out.len, 4);
		(void)snprintf(text, sizeof(text), "error %d", -r);
	}
	for (size_t at = 4; at < out.len; at += SID_HEAD_SIZE + (size_t)4 * out.data[at + 1]) {
		char sid[SID_TEXT_SIZE];

		sid_format(out.data + at, sid);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used > 0 ? " " : "", sid);
	}
	buf_done(&out);
	return text;
}

static const char *sids_of(const struct told *t)
{
	struct buf b = make(t);
	const char *text = sids_of_bytes(b.data, b.len);

	buf_done(&b);
	return text;
}

#define ALICE "S-1-5-21-1-2-3-1105 S-1-5-21-1-2-3-513"
#define GROUPS " S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-1110"
#define BAD "error 74" /* EBADMSG. */

TEST(a_user_and_the_groups_are_told)
{
	struct told t = alice;

	CHECK_STR(sids_of(&t), ALICE GROUPS);
	t.group_count = 0;
	CHECK_STR(sids_of(&t), ALICE);
}

TEST(extra_sids_and_resource_groups_are_told)
{
	struct told t = alice;

	t.group_count = 0;
	t.extra_count = 2;
	t.extra[0] = (struct extra){ "S-1-18-1", 7 };
	t.extra[1] = (struct extra){ "S-1-5-21-9-8-7-1000", 7 };
	CHECK_STR(sids_of(&t), ALICE " S-1-18-1 S-1-5-21-9-8-7-1000");
	t.resource_domain = "S-1-5-21-4-5-6";
	t.resource_count = 1;
	t.resources[0] = (struct group){ 2001, 0x20000007 };
	CHECK_STR(sids_of(&t), ALICE " S-1-18-1 S-1-5-21-9-8-7-1000 S-1-5-21-4-5-6-2001");
}

TEST(a_user_of_another_domain_is_an_extra_sid)
{
	struct told t = { .extra = { { "S-1-5-21-9-8-7-1000", 7 } }, .extra_count = 1 };

	CHECK_STR(sids_of(&t), "S-1-5-21-9-8-7-1000");
}

TEST(a_domain_makes_nobody_an_administrator_of_this_machine)
{
	struct told t = alice;

	t.domain = "S-1-5-32";
	t.user = 544;
	t.groups[0].id = 545;
	CHECK_STR(sids_of(&t), "");
	t.domain = "S-1-22-1";
	t.user = 0;
	CHECK_STR(sids_of(&t), "");
	t = alice;
	t.group_count = 0;
	t.extra_count = 4;
	t.extra[0] = (struct extra){ "S-1-5-32-544", 7 };
	t.extra[1] = (struct extra){ "S-1-5-18", 7 };
	t.extra[2] = (struct extra){ "S-1-22-1-0", 7 };
	t.extra[3] = (struct extra){ "S-1-22-3-1-2-3-4", 7 };
	CHECK_STR(sids_of(&t), ALICE);
	t.extra_count = 0;
	t.resource_domain = "S-1-5-32";
	t.resource_count = 1;
	t.resources[0] = (struct group){ 544, 7 };
	CHECK_STR(sids_of(&t), ALICE);
}

TEST(a_group_counts_if_it_is_enabled)
{
	struct told t = alice;

	t.groups[1].attributes = 3;
	CHECK_STR(sids_of(&t), ALICE " S-1-5-21-1-2-3-513");
	t.groups[1].attributes = 0x10;
	CHECK_STR(sids_of(&t), BAD);
	t = alice;
	t.extra_count = 1;
	t.extra[0] = (struct extra){ "S-1-5-21-9-8-7-1000", 0x17 };
	CHECK_STR(sids_of(&t), BAD);
}

TEST(counts_and_pointers_must_agree)
{
	static const struct {
		size_t at; /* In the fixed part, behind the header. */
		uint32_t value;
	} cases[] = { { 0x6c, 3 }, { 0x6c, 1 }, { 0x6c, 0 }, { 0x70, 0 }, { 0x98, 0 }, { 0xc4, 1 }, { 0xcc, 0x20000 },
		{ 0xd0, 1 }, { 0x6c, UINT32_MAX }, { 0xc4, UINT32_MAX }, { 0xd0, 0x20000000 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = make(&alice);

		put_le32(b.data + 20 + cases[i].at, cases[i].value);
		CHECK_STR(sids_of_bytes(b.data, b.len), BAD);
		buf_done(&b);
	}
}

TEST(the_header_must_be_right)
{
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = { { 0, 2 }, { 1, 0 }, { 2, 16 }, { 8, 0 }, { 18, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = make(&alice);

		b.data[cases[i].at] = cases[i].value;
		CHECK_STR(sids_of_bytes(b.data, b.len), BAD);
		buf_done(&b);
	}
}

TEST(each_cut_or_padded_one_is_refused)
{
	struct told t = alice;
	struct buf b;
	size_t padded;

	t.extra_count = 1;
	t.extra[0] = (struct extra){ "S-1-5-21-9-8-7-1000", 7 };
	t.resource_domain = "S-1-5-21-4-5-6";
	t.resource_count = 1;
	t.resources[0] = (struct group){ 2001, 7 };
	b = make(&t);
	padded = b.len;
	for (size_t len = 0; len < b.len - 7; len++) {
		_cleanup_free_ uint8_t *copy = malloc(len + 1); /* For valgrind to see a read beyond it. */

		CHECK(copy != NULL);
		memcpy(copy, b.data, len);
		CHECK_STR(sids_of_bytes(copy, len), BAD);
		if (len < 16)
			continue;
		put_le32(copy + 8, (uint32_t)(len - 16));
		CHECK_STR(sids_of_bytes(copy, len), BAD);
	}
	buf_append_zeros(&b, 8);
	put_le32(b.data + 8, (uint32_t)(padded + 8 - 16));
	CHECK_STR(sids_of_bytes(b.data, b.len), BAD);
	buf_done(&b);
}

TEST(there_is_a_limit)
{
	struct buf b = { 0 }, out = { 0 };
	static const char *const names[] = { "alice", "Alice Example", "", "", "", "" };
	struct told t = alice;

	t.group_count = PAC_SIDS_MAX + 1;
	buf_append(&b, "\1\x10\x08\0\xcc\xcc\xcc\xcc\0\0\0\0\0\0\0\0\0\0\2\0", 20);
	put_fixed(&b, &t);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put_string(&b, names[i]);
	buf_u32(&b, t.group_count);
	for (uint32_t i = 0; i < t.group_count; i++) {
		buf_u32(&b, 1000 + i);
		buf_u32(&b, 7);
	}
	put_string(&b, "DC");
	put_string(&b, "AD");
	put_sid(&b, t.domain);
	buf_align(&b, 8);
	put_le32(b.data + 8, (uint32_t)(b.len - 16));
	CHECK_INT(pac_logon_sids(b.data, b.len, &out), -E2BIG);
	CHECK_INT(out.len, 0);
	buf_done(&b);
	buf_done(&out);
}

TEST(each_failed_allocation_is_reported)
{
	struct buf b = make(&alice);

	FAIL_EACH_ALLOCATION
	{
		struct buf out = { 0 };
		int r = pac_logon_sids(b.data, b.len, &out);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		buf_done(&out);
	}
	buf_done(&b);
}
