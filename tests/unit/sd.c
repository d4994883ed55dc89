/* Security descriptors: what is one, what merging keeps, who may do what.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/sd.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"

/* SIDs in their text form's order. */
#define SID1(authority, a) "\1\1\0\0\0\0\0" authority a
#define SID2(authority, a, b) "\1\2\0\0\0\0\0" authority a b
#define EVERYONE SID1("\1", "\0\0\0\0")
#define AUTHENTICATED SID1("\5", "\x0b\0\0\0")
#define SYSTEM SID1("\5", "\x12\0\0\0")
#define ADMINISTRATORS SID2("\5", "\x20\0\0\0", "\x20\2\0\0")
#define USERS SID2("\5", "\x20\0\0\0", "\x21\2\0\0")
#define UID_1000 SID2("\x16", "\1\0\0\0", "\xe8\3\0\0")
#define NETWORK SID1("\5", "\2\0\0\0")
#define OWNER_RIGHTS SID1("\3", "\4\0\0\0")
#define DOMAIN_USER "\1\5\0\0\0\0\0\5\x15\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\x50\4\0\0"
#define DOMAIN_GROUP "\1\5\0\0\0\0\0\5\x15\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\x51\4\0\0"
#define GID_0 SID2("\x16", "\2\0\0\0", "\0\0\0\0")
#define GID_51 SID2("\x16", "\2\0\0\0", "\x33\0\0\0")
#define GID_99 SID2("\x16", "\2\0\0\0", "\x63\0\0\0")
#define GID_50 SID2("\x16", "\2\0\0\0", "\x32\0\0\0")

struct sid {
	const char *bytes;
	size_t len;
};
#define SID(literal) ((struct sid){ literal, sizeof(literal) - 1 })

struct ace {
	uint8_t type, flags;
	uint32_t mask;
	struct sid sid;
};

enum { ALLOW = 0, DENY = 1, AUDIT = 2, OWNER_AT = 4, GROUP_AT = 8, SACL_AT = 12, DACL_AT = 16 };

static void add_sid(struct buf *sd, unsigned offset, struct sid sid)
{
	put_le32(sd->data + offset, (uint32_t)sd->len);
	buf_append(sd, sid.bytes, sid.len);
}

static void add_acl(struct buf *sd, unsigned offset, const struct ace *aces, size_t count)
{
	size_t begin = sd->len;

	put_le32(sd->data + offset, (uint32_t)begin);
	put_le16(sd->data + 2, (uint16_t)(get_le16(sd->data + 2) | (offset == DACL_AT ? 4 : 16)));
	buf_u16(sd, 2);
	buf_u16(sd, 0);
	buf_u16(sd, (uint16_t)count);
	buf_u16(sd, 0);
	for (size_t i = 0; i < count; i++) {
		buf_u8(sd, aces[i].type);
		buf_u8(sd, aces[i].flags);
		buf_u16(sd, (uint16_t)(8 + aces[i].sid.len));
		buf_u32(sd, aces[i].mask);
		buf_append(sd, aces[i].sid.bytes, aces[i].sid.len);
	}
	put_le16(sd->data + begin + 2, (uint16_t)(sd->len - begin));
}

static struct buf header(void)
{
	struct buf sd = { 0 };

	buf_u16(&sd, 1);
	buf_u16(&sd, 0x8000);
	buf_append_zeros(&sd, 16);
	CHECK_INT(sd.error, 0);
	return sd;
}

/* Owner and group administrators, a list of each kind. */
static struct buf whole(void)
{
	struct buf sd = header();

	add_acl(&sd, SACL_AT, (struct ace[]){ { AUDIT, 0x40, 0xf003f, SID(EVERYONE) } }, 1);
	add_acl(&sd, DACL_AT,
	    (struct ace[]){ { ALLOW, 0, 0xf003f, SID(ADMINISTRATORS) }, { ALLOW, 0, 0x20019, SID(USERS) } }, 2);
	add_sid(&sd, OWNER_AT, SID(ADMINISTRATORS));
	add_sid(&sd, GROUP_AT, SID(ADMINISTRATORS));
	return sd;
}

TEST(a_whole_descriptor_is_valid_and_extracted_as_it_was)
{
	struct buf sd = whole(), out = { 0 };
	struct error error = { 0 };

	CHECK_INT(sd_validate(sd.data, sd.len, &error), 0);
	CHECK_INT(sd_extract(sd.data, sd.len, SD_PARTS, &out), 0);
	CHECK_INT(out.len, sd.len);
	CHECK_MEM(out.data, sd.data, sd.len);
	buf_done(&sd);
	buf_done(&out);
}

/* Any cut, any byte with any value: refused, or what is shown is valid again.  Under a memory checker this sees reads
 * beyond the end. */
TEST(damage_is_refused_or_harmless)
{
	struct sd_caller caller = { .is_administrator = true, .has_uid = true };
	struct buf sd = whole();
	unsigned refused = 0;

	for (size_t len = 0; len < sd.len; len++) {
		uint8_t *exact = malloc(len);

		CHECK(exact != NULL || len == 0);
		if (len > 0)
			memcpy(exact, sd.data, len);
		CHECK_INT(sd_validate(exact, len, NULL), ERR_INVALID_PARAMETER);
		free(exact);
	}
	for (size_t at = 0; at < sd.len; at++)
		for (unsigned flip = 1; flip < 256; flip++) {
			struct buf out = { 0 };
			uint32_t granted;

			sd.data[at] ^= (uint8_t)flip;
			if (sd_validate(sd.data, sd.len, NULL) < 0) {
				refused++;
				CHECK_INT(sd_extract(sd.data, sd.len, SD_PARTS, &out), ERR_INVALID_PARAMETER);
			} else {
				CHECK_INT(sd_extract(sd.data, sd.len, SD_PARTS, &out), 0);
				CHECK_INT(sd_validate(out.data, out.len, NULL), 0);
			}
			(void)sd_access(sd.data, sd.len, &caller, SD_MAXIMUM_ALLOWED, &granted);
			sd.data[at] ^= (uint8_t)flip;
			buf_done(&out);
		}
	CHECK(refused > sd.len * 255 / 4);
	buf_done(&sd);
}

TEST(what_is_malformed_is_named)
{
	struct {
		size_t at;
		uint16_t value;
		const char *text;
	} cases[] = {
		{ 0, 2, "these 136 bytes are not a security descriptor" },
		{ 2, 0x0014, "the security descriptor is not self-relative" },
		{ OWNER_AT, 19, "the owner lies outside of the security descriptor" },
		{ GROUP_AT, 137, "the group lies outside of the security descriptor" },
		{ GROUP_AT, 135, "the group of the security descriptor is malformed" },
		{ SACL_AT, 135, "the system list of the security descriptor is malformed" },
		{ 20 + 2, 200, "the system list of the security descriptor is malformed" },
		{ 48 + 4, 3,
		    "the access list of the security descriptor is malformed" }, /* One entry more than there is. */
		{ 48 + 8, 5, "the access list of the security descriptor is malformed" },   /* An object's entry. */
		{ 48 + 8, 9, "the access list of the security descriptor is malformed" },   /* With a condition. */
		{ 48 + 10, 12, "the access list of the security descriptor is malformed" }, /* Too short for its SID. */
	};
	struct buf sd = whole();

	CHECK_INT(sd.len, 136);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint16_t before = get_le16(sd.data + cases[i].at);
		struct error error = { 0 };

		put_le16(sd.data + cases[i].at, cases[i].value);
		CHECK_INT(sd_validate(sd.data, sd.len, &error), ERR_INVALID_PARAMETER);
		CHECK_STR(error.text, cases[i].text);
		put_le16(sd.data + cases[i].at, before);
	}
	CHECK_INT(sd_validate(sd.data, sd.len, NULL), 0);
	buf_done(&sd);
}

static struct sid part_sid(const struct buf *sd, unsigned offset)
{
	return (struct sid){ (const char *)sd->data + get_le32(sd->data + offset),
		8 + 4 * (size_t)sd->data[get_le32(sd->data + offset) + 1] };
}

static bool is_sid(const struct buf *sd, unsigned offset, struct sid sid)
{
	return get_le32(sd->data + offset) != 0 && part_sid(sd, offset).len == sid.len &&
	       memcmp(part_sid(sd, offset).bytes, sid.bytes, sid.len) == 0;
}

TEST(a_merge_takes_the_named_parts_and_keeps_the_others)
{
	struct buf old = whole(), new = header(), out = { 0 };

	add_sid(&new, OWNER_AT, SID(SYSTEM));
	add_sid(&new, GROUP_AT, SID(USERS));
	add_acl(&new, DACL_AT, NULL, 0);
	for (uint32_t information = 1; information <= SD_PARTS; information++) {
		uint16_t control;

		out.len = 0;
		CHECK_INT(sd_merge(old.data, old.len, new.data, new.len, information, &out), 0);
		CHECK_INT(sd_validate(out.data, out.len, NULL), 0);
		control = get_le16(out.data + 2);
		CHECK(is_sid(&out, OWNER_AT, (information & SD_OWNER) != 0 ? SID(SYSTEM) : SID(ADMINISTRATORS)));
		CHECK(is_sid(&out, GROUP_AT, (information & SD_GROUP) != 0 ? SID(USERS) : SID(ADMINISTRATORS)));
		CHECK_INT(get_le16(out.data + get_le32(out.data + DACL_AT) + 4), (information & SD_DACL) != 0 ? 0 : 2);
		CHECK_INT(get_le32(out.data + SACL_AT) != 0, (information & SD_SACL) == 0); /* The new one has none. */
		CHECK_INT(control, (information & SD_SACL) != 0 ? 0x8004 : 0x8014);
	}
	out.len = 0;
	CHECK_INT(sd_merge(NULL, 0, new.data, new.len, SD_OWNER, &out), 0);
	CHECK_INT(out.len, 20 + 12);
	CHECK_INT(get_le16(out.data + 2), 0x8000);
	out.len = 0;
	CHECK_INT(sd_merge("junk", 4, new.data, new.len, SD_OWNER, &out), 0);
	CHECK_INT(out.len, 20 + 12);
	buf_done(&old);
	buf_done(&new);
	buf_done(&out);
}

TEST(an_owner_is_not_taken_away)
{
	struct buf old = whole(), new = header(), out = { 0 };

	CHECK_INT(sd_merge(old.data, old.len, new.data, new.len, SD_OWNER, &out), ERR_INVALID_PARAMETER);
	CHECK_INT(sd_merge(old.data, old.len, new.data, new.len, SD_GROUP, &out), ERR_INVALID_PARAMETER);
	CHECK_INT(sd_merge(old.data, old.len, new.data, new.len, 0, &out), ERR_INVALID_PARAMETER);
	CHECK_INT(sd_merge(old.data, old.len, new.data, new.len, 0x10 | SD_DACL, &out), ERR_INVALID_PARAMETER);
	CHECK_INT(sd_merge(old.data, old.len, new.data, new.len - 1, SD_DACL, &out), ERR_INVALID_PARAMETER);
	CHECK_INT(out.len, 0);
	buf_done(&old);
	buf_done(&new);
}

TEST(protection_from_inheritance_is_kept)
{
	struct buf sd = whole(), out = { 0 }, again = { 0 };

	CHECK_INT(sd_merge(NULL, 0, sd.data, sd.len, SD_PARTS | SD_PROTECTED_DACL, &out), 0);
	CHECK_INT(get_le16(out.data + 2), 0x9014);
	CHECK_INT(sd_merge(out.data, out.len, sd.data, sd.len, SD_SACL | SD_PROTECTED_SACL, &again), 0);
	CHECK_INT(get_le16(again.data + 2), 0xb014);
	out.len = 0;
	CHECK_INT(sd_merge(again.data, again.len, again.data, again.len, SD_DACL | SD_UNPROTECTED_DACL, &out), 0);
	CHECK_INT(get_le16(out.data + 2), 0xa014);
	CHECK_INT(sd_merge(again.data, again.len, sd.data, sd.len, SD_OWNER | SD_PROTECTED_DACL, &out),
	    ERR_INVALID_PARAMETER);
	CHECK_INT(
	    sd_merge(again.data, again.len, sd.data, sd.len, SD_DACL | SD_PROTECTED_DACL | SD_UNPROTECTED_DACL, &out),
	    ERR_INVALID_PARAMETER);
	buf_done(&sd);
	buf_done(&out);
	buf_done(&again);
}

TEST(a_result_has_a_limit)
{
	struct buf big_sacl = header(), big_dacl = header(), out = { 0 };
	struct ace aces[1900];

	for (size_t i = 0; i < ARRAY_SIZE(aces); i++)
		aces[i] = (struct ace){ ALLOW, 0, 1, SID(USERS) };
	add_acl(&big_sacl, SACL_AT, aces, ARRAY_SIZE(aces));
	add_acl(&big_dacl, DACL_AT, aces, ARRAY_SIZE(aces));
	CHECK_INT(sd_validate(big_dacl.data, big_dacl.len, NULL), 0);
	CHECK_INT(
	    sd_merge(big_sacl.data, big_sacl.len, big_dacl.data, big_dacl.len, SD_DACL, &out), ERR_INVALID_PARAMETER);
	CHECK_INT(out.len, 0);
	buf_done(&big_sacl);
	buf_done(&big_dacl);
}

TEST(nothing_has_no_parts)
{
	struct buf out = { 0 };

	CHECK_INT(sd_extract(NULL, 0, SD_PARTS, &out), 0);
	CHECK_INT(out.len, 20);
	CHECK_MEM(out.data, "\1\0\0\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	buf_done(&out);
}

static const uint32_t gids[] = { 7, 50 };
static const struct sd_caller
    admin = { .is_administrator = true, .is_user = true, .is_system = true },
    user = { .is_user = true, .is_local = true, .has_uid = true, .uid = 1000, .gid = 99, .gids = gids, .gid_count = 2 },
    remote = { .is_user = true },
    admin_user = {
	    .is_administrator = true, .is_user = true, .is_local = true, .has_uid = true, .uid = 1000, .gid = 99
    };

/* What the caller gets at most of a key with this access list. */
static uint32_t most(const struct sd_caller *caller, const struct ace *aces, size_t count, struct sid owner)
{
	struct buf sd = header();
	uint32_t granted = 0;
	int r;

	add_acl(&sd, DACL_AT, aces, count);
	if (owner.len > 0)
		add_sid(&sd, OWNER_AT, owner);
	r = sd_access(sd.data, sd.len, caller, SD_MAXIMUM_ALLOWED, &granted);
	CHECK(r == 0 || (r == ERR_ACCESS_DENIED && granted == 0));
	buf_done(&sd);
	return granted;
}

#define REPAIR (SD_READ_CONTROL | SD_WRITE_DAC | SD_WRITE_OWNER | SD_ACCESS_SYSTEM_SECURITY)
#define EVERYTHING (SD_KEY_ALL_ACCESS | SD_ACCESS_SYSTEM_SECURITY)
#define MOST(caller, ...)                                                                                              \
	most(&(caller), (struct ace[]){ __VA_ARGS__ }, sizeof((struct ace[]){ __VA_ARGS__ }) / sizeof(struct ace),     \
	    (struct sid){ 0 })

TEST(the_access_list_decides_within_the_level)
{
	CHECK_INT(MOST(admin, { ALLOW, 0, SD_GENERIC_ALL, SID(ADMINISTRATORS) }), EVERYTHING);
	CHECK_INT(MOST(admin, { ALLOW, 0, SD_KEY_QUERY_VALUE, SID(SYSTEM) }), SD_KEY_QUERY_VALUE | REPAIR);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_GENERIC_ALL, SID(ADMINISTRATORS) }), 0);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_GENERIC_ALL, SID(SYSTEM) }), 0);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_GENERIC_ALL, SID(EVERYONE) }), SD_KEY_READ);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_GENERIC_READ, SID(AUTHENTICATED) }), SD_KEY_READ);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_GENERIC_EXECUTE, SID(USERS) }), SD_KEY_READ);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_GENERIC_WRITE, SID(USERS) }), SD_READ_CONTROL);
	CHECK_INT(MOST(user, { ALLOW, 0, SD_KEY_QUERY_VALUE, SID(UID_1000) }), SD_KEY_QUERY_VALUE);
	CHECK_INT(MOST(user, { ALLOW, 0, SD_KEY_NOTIFY, SID(GID_50) }), SD_KEY_NOTIFY);
	CHECK_INT(MOST(user, { ALLOW, 0, SD_KEY_NOTIFY, SID(GID_99) }), SD_KEY_NOTIFY);
	CHECK_INT(MOST(user, { ALLOW, 0, SD_KEY_NOTIFY, SID(GID_51) }), 0);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_KEY_NOTIFY, SID(GID_0) }), 0);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_KEY_NOTIFY, SID(NETWORK) }), SD_KEY_NOTIFY);
	CHECK_INT(MOST(user, { ALLOW, 0, SD_KEY_NOTIFY, SID(NETWORK) }), 0);
	CHECK_INT(MOST(remote, { ALLOW, 0, SD_KEY_QUERY_VALUE, SID(UID_1000) }), 0);
	CHECK_INT(MOST(admin_user, { ALLOW, 0, SD_KEY_SET_VALUE, SID(UID_1000) }), SD_KEY_SET_VALUE | REPAIR);
	CHECK_INT(MOST(user, { ALLOW, 0x08, SD_KEY_QUERY_VALUE, SID(EVERYONE) }), 0); /* For what is below only. */
}

TEST(the_first_entry_that_speaks_of_a_right_decides)
{
	CHECK_INT(MOST(user, { DENY, 0, SD_KEY_QUERY_VALUE, SID(UID_1000) }, { ALLOW, 0, SD_KEY_READ, SID(EVERYONE) }),
	    SD_KEY_READ & ~SD_KEY_QUERY_VALUE);
	CHECK_INT(MOST(user, { ALLOW, 0, SD_KEY_READ, SID(EVERYONE) }, { DENY, 0, SD_KEY_QUERY_VALUE, SID(UID_1000) }),
	    SD_KEY_READ);
	CHECK_INT(MOST(remote, { DENY, 0, SD_GENERIC_ALL, SID(UID_1000) }, { ALLOW, 0, SD_KEY_READ, SID(EVERYONE) }),
	    SD_KEY_READ);
	CHECK_INT(
	    MOST(admin, { DENY, 0, SD_GENERIC_ALL, SID(EVERYONE) }, { ALLOW, 0, SD_KEY_READ, SID(EVERYONE) }), REPAIR);
}

TEST(an_owner_may_look_at_and_change_the_list)
{
	struct ace none = { DENY, 0, SD_GENERIC_ALL, SID(EVERYONE) };

	CHECK_INT(most(&user, &none, 1, SID(UID_1000)), SD_READ_CONTROL);
	CHECK_INT(most(&remote, &none, 1, SID(UID_1000)), 0);
}

TEST(owner_rights_take_the_place_of_what_an_owner_may)
{
	struct ace told = { ALLOW, 0, SD_KEY_QUERY_VALUE, SID(OWNER_RIGHTS) };
	struct ace only_below = { ALLOW, 0x08, SD_KEY_QUERY_VALUE, SID(OWNER_RIGHTS) };
	struct ace denied[] = { { DENY, 0, SD_KEY_QUERY_VALUE, SID(OWNER_RIGHTS) },
		{ ALLOW, 0, SD_KEY_READ, SID(EVERYONE) } };

	CHECK_INT(most(&user, &told, 1, SID(UID_1000)), SD_KEY_QUERY_VALUE);
	CHECK_INT(most(&user, &told, 1, SID(GID_0)), 0);
	CHECK_INT(most(&user, &told, 1, (struct sid){ 0 }), 0);
	CHECK_INT(most(&user, &only_below, 1, SID(UID_1000)), SD_READ_CONTROL);
	CHECK_INT(most(&user, denied, 2, SID(UID_1000)), SD_KEY_READ & ~SD_KEY_QUERY_VALUE);
	CHECK_INT(most(&remote, denied, 2, SID(UID_1000)), SD_KEY_READ);
}

/* Levels of the cluster. */

static enum sd_level level(const struct sd_caller *caller, const struct ace *aces, size_t count)
{
	struct buf sd = header();
	enum sd_level result;

	add_acl(&sd, DACL_AT, aces, count);
	result = sd_cluster_level(sd.data, sd.len, caller);
	buf_done(&sd);
	return result;
}

#define LEVEL(caller, ...)                                                                                             \
	level(&(caller), (struct ace[]){ __VA_ARGS__ }, sizeof((struct ace[]){ __VA_ARGS__ }) / sizeof(struct ace))

static const uint8_t domain_sids[] = DOMAIN_USER DOMAIN_GROUP;
static const struct sd_caller nobody = { 0 }, of_domain = { .sids = domain_sids, .sids_len = sizeof(domain_sids) - 1 };

TEST(the_rights_of_an_entry_make_a_level)
{
	static const struct {
		uint32_t mask;
		enum sd_level level;
	} cases[] = { { 0, SD_LEVEL_NONE }, { SD_CLUSTER_READ, SD_LEVEL_READ }, { SD_CLUSTER_CHANGE, SD_LEVEL_NONE },
		{ SD_CLUSTER_ALL, SD_LEVEL_ALL }, { SD_CLUSTER_NO_ACCESS, SD_LEVEL_NONE }, { 0x1f01ff, SD_LEVEL_ALL },
		{ SD_GENERIC_READ, SD_LEVEL_READ }, { SD_GENERIC_EXECUTE, SD_LEVEL_READ },
		{ SD_GENERIC_READ | SD_GENERIC_EXECUTE, SD_LEVEL_READ }, { SD_GENERIC_WRITE, SD_LEVEL_ALL },
		{ SD_GENERIC_ALL, SD_LEVEL_ALL }, { 0x120000, SD_LEVEL_NONE }, { SD_MAXIMUM_ALLOWED, SD_LEVEL_NONE } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_INT(LEVEL(nobody, { ALLOW, 0, cases[i].mask, SID(EVERYONE) }), cases[i].level);
}

TEST(each_entry_is_for_whom_it_names)
{
	const struct sd_caller kinds[] = { admin, user, remote, nobody, of_domain };
	const struct {
		struct sid sid;
		unsigned who; /* A bit for each of kinds. */
	} cases[] = { { SID(EVERYONE), 31 }, { SID(AUTHENTICATED), 31 }, { SID(ADMINISTRATORS), 1 }, { SID(SYSTEM), 1 },
		{ SID(USERS), 7 }, { SID(NETWORK), 29 }, { SID(UID_1000), 2 }, { SID(GID_50), 2 }, { SID(GID_99), 2 },
		{ SID(GID_51), 0 }, { SID(DOMAIN_USER), 16 }, { SID(DOMAIN_GROUP), 16 }, { SID(OWNER_RIGHTS), 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			CHECK_INT(LEVEL(kinds[k], { ALLOW, 0, SD_CLUSTER_READ, cases[i].sid }),
			    (cases[i].who >> k & 1) != 0 ? SD_LEVEL_READ : SD_LEVEL_NONE);
}

TEST(levels_are_denied_and_allowed_in_order)
{
	CHECK_INT(
	    LEVEL(admin, { DENY, 0, SD_CLUSTER_CHANGE, SID(EVERYONE) }, { ALLOW, 0, SD_GENERIC_ALL, SID(EVERYONE) }),
	    SD_LEVEL_READ);
	CHECK_INT(
	    LEVEL(admin, { DENY, 0, SD_CLUSTER_READ, SID(EVERYONE) }, { ALLOW, 0, SD_GENERIC_ALL, SID(EVERYONE) }),
	    SD_LEVEL_NONE);
	CHECK_INT(LEVEL(admin, { ALLOW, 0, SD_GENERIC_ALL, SID(EVERYONE) }, { DENY, 0, SD_GENERIC_ALL, SID(EVERYONE) }),
	    SD_LEVEL_ALL);
	CHECK_INT(LEVEL(of_domain, { DENY, 0, SD_CLUSTER_NO_ACCESS, SID(DOMAIN_GROUP) },
		      { ALLOW, 0, SD_GENERIC_ALL, SID(DOMAIN_USER) }),
	    SD_LEVEL_NONE);
	CHECK_INT(LEVEL(of_domain, { DENY, 0, SD_CLUSTER_NO_ACCESS, SID(UID_1000) },
		      { ALLOW, 0, SD_GENERIC_ALL, SID(DOMAIN_USER) }),
	    SD_LEVEL_ALL);
	CHECK_INT(LEVEL(of_domain, { DENY, 0x08, SD_GENERIC_ALL, SID(DOMAIN_GROUP) },
		      { ALLOW, 0, SD_CLUSTER_READ, SID(DOMAIN_USER) }, { ALLOW, 0x08, SD_GENERIC_ALL, SID(EVERYONE) }),
	    SD_LEVEL_READ);
	/* Read from one entry, change from another. */
	CHECK_INT(LEVEL(of_domain, { ALLOW, 0, SD_CLUSTER_READ, SID(DOMAIN_USER) },
		      { ALLOW, 0, SD_CLUSTER_CHANGE, SID(DOMAIN_GROUP) }),
	    SD_LEVEL_ALL);
}

TEST(no_list_restricts_nobody_and_an_empty_one_everybody)
{
	struct buf sd = header();

	CHECK_INT(sd_cluster_level(sd.data, sd.len, &nobody), SD_LEVEL_ALL); /* There is none. */
	put_le16(sd.data + 2, 0x8004);
	CHECK_INT(sd_cluster_level(sd.data, sd.len, &nobody), SD_LEVEL_ALL); /* There is one, which is nowhere. */
	CHECK_INT(level(&admin, NULL, 0), SD_LEVEL_NONE);
	buf_done(&sd);
}

TEST(without_a_descriptor_the_groups_of_the_machine_decide)
{
	CHECK_INT(sd_cluster_level(NULL, 0, &admin), SD_LEVEL_ALL);
	CHECK_INT(sd_cluster_level(NULL, 0, &remote), SD_LEVEL_READ);
	CHECK_INT(sd_cluster_level(NULL, 0, &of_domain), SD_LEVEL_NONE);
	CHECK_INT(sd_cluster_level(NULL, 0, &nobody), SD_LEVEL_NONE);
}

TEST(what_cannot_be_enforced_lets_nobody_in)
{
	CHECK_INT(sd_cluster_level("junk", 4, &admin), SD_LEVEL_NONE);
	/* Callback, object and unknown entries, before or behind one that allows. */
	for (unsigned type = 2; type < 256; type++) {
		CHECK_INT(LEVEL(admin, { (uint8_t)type, 0, SD_GENERIC_ALL, SID(EVERYONE) },
			      { ALLOW, 0, SD_GENERIC_ALL, SID(EVERYONE) }),
		    SD_LEVEL_NONE);
		CHECK_INT(LEVEL(admin, { ALLOW, 0, SD_GENERIC_ALL, SID(EVERYONE) },
			      { (uint8_t)type, 0, SD_GENERIC_ALL, SID(EVERYONE) }),
		    SD_LEVEL_NONE);
	}
}

TEST(each_cut_descriptor_lets_nobody_in)
{
	struct buf sd = header();

	add_acl(&sd, DACL_AT, (struct ace[]){ { ALLOW, 0, SD_GENERIC_ALL, SID(EVERYONE) } }, 1);
	CHECK_INT(sd_cluster_level(sd.data, sd.len, &nobody), SD_LEVEL_ALL);
	for (size_t len = 1; len < sd.len; len++)
		CHECK_INT(sd_cluster_level(sd.data, len, &nobody), SD_LEVEL_NONE);
	buf_done(&sd);
}

TEST(without_a_list_or_a_descriptor_the_level_decides)
{
	struct buf sd = header();
	uint32_t granted;

	CHECK_INT(sd_access(NULL, 0, &remote, SD_MAXIMUM_ALLOWED, &granted), 0);
	CHECK_INT(granted, SD_KEY_READ);
	CHECK_INT(sd_access(NULL, 0, &admin, SD_KEY_ALL_ACCESS, &granted), 0);
	CHECK_INT(granted, SD_KEY_ALL_ACCESS);
	CHECK_INT(sd_access(sd.data, sd.len, &remote, SD_GENERIC_READ, &granted), 0);
	CHECK_INT(granted, SD_KEY_READ);
	CHECK_INT(sd_access(sd.data, sd.len, &remote, SD_KEY_SET_VALUE, &granted), ERR_ACCESS_DENIED);
	CHECK_INT(sd_access(sd.data, sd.len, &admin, SD_GENERIC_WRITE, &granted), 0);
	CHECK_INT(granted, SD_KEY_WRITE);
	CHECK_INT(sd_access(sd.data, sd.len, &admin, 0x40000u << 1 | 0x4000000, &granted),
	    ERR_ACCESS_DENIED); /* No such right. */
	CHECK_INT(sd_access(sd.data, sd.len, &remote, 0, &granted), 0);
	CHECK_INT(granted, 0);
	buf_done(&sd);
}

TEST(a_damaged_descriptor_leaves_only_repair)
{
	uint32_t granted;

	CHECK_INT(sd_access("junk", 4, &remote, SD_MAXIMUM_ALLOWED, &granted), ERR_ACCESS_DENIED);
	CHECK_INT(sd_access("junk", 4, &admin, SD_MAXIMUM_ALLOWED, &granted), 0);
	CHECK_INT(granted, REPAIR);
	CHECK_INT(sd_access("junk", 4, &admin, SD_KEY_READ, &granted), ERR_ACCESS_DENIED);
}

TEST(each_failed_allocation_is_reported)
{
	struct buf sd = whole();

	FAIL_EACH_ALLOCATION
	{
		struct buf out = { 0 };
		int r = sd_merge(sd.data, sd.len, sd.data, sd.len, SD_PARTS, &out);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		buf_done(&out);
	}
	buf_done(&sd);
}
