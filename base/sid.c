/* sid: security identifiers: the names that security descriptors have for users and groups.
 *
 * Why      descriptors name users by SIDs, domains give SIDs in their tickets, and what this machine knows (uids, accounts,
 *          principals of Kerberos) has none; each of these needs one that is the same on all nodes.
 * How      Unix users and groups have the SIDs that Samba gives them.  Beside these:
 *
 *              S-1-22-1-uid            S-1-22-3-h-h-h-h    an account, by its name in upper case
 *              S-1-22-2-gid            S-1-22-4-h-h-h-h    a principal of Kerberos, by its name
 *
 *          where h-h-h-h are the first 16 bytes of SHA-256 over the kind's name, a zero, and the name: nobody finds
 *          two names with one SID.
 * Threads  all functions.     Format  MS-DTYP 2.4.2     Tests  tests/unit/sid.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/sid.h"
#include "base/bytes.h"
#include "base/sha256.h"
#include <inttypes.h>
#include <stdio.h>

enum { NT_AUTHORITY = 5, UNIX_AUTHORITY = 22, BUILTIN = 32, DOMAINS = 21, AUTHORITY_DIGITS = 12 };
enum { UNIX_USER = 1, UNIX_GROUP, UNIX_ACCOUNT, UNIX_PRINCIPAL };

static const struct {
	const char *name;
	uint8_t authority;
	unsigned count;
	uint32_t subs[2];
} well_known[] = {
	{ "Everyone", 1, 1, { 0 } },
	{ "OWNER RIGHTS", 3, 1, { 4 } },
	{ "NETWORK", 5, 1, { 2 } },
	{ "Authenticated Users", 5, 1, { 11 } },
	{ "SYSTEM", 5, 1, { 18 } },
	{ "Administrators", 5, 2, { BUILTIN, 544 } },
	{ "Users", 5, 2, { BUILTIN, 545 } },
};

size_t sid_size(const uint8_t *bytes, size_t len)
{
	if (len < SID_HEAD_SIZE || bytes[0] != 1 || bytes[1] > SID_SUBS_MAX ||
	    len < SID_HEAD_SIZE + (size_t)4 * bytes[1])
		return 0;
	return SID_HEAD_SIZE + (size_t)4 * bytes[1];
}

bool sid_equal(const uint8_t *a, const uint8_t *b)
{
	return a[1] == b[1] && memcmp(a, b, SID_HEAD_SIZE + (size_t)4 * a[1]) == 0;
}

struct sid sid_make(uint8_t authority, const uint32_t *subs, unsigned count)
{
	struct sid s = { { 1, 0, 0, 0, 0, 0, 0, authority } };

	assert(count <= SID_SUBS_MAX);
	for (unsigned i = 0; i < count; i++)
		(void)sid_append(&s, subs[i]);
	return s;
}

bool sid_append(struct sid *s, uint32_t sub)
{
	if (s->bytes[1] == SID_SUBS_MAX)
		return false;
	put_le32(s->bytes + sid_len(s), sub);
	s->bytes[1]++;
	return true;
}

static uint64_t authority_of(const uint8_t *bytes)
{
	uint64_t authority = 0;

	for (unsigned i = 2; i < SID_HEAD_SIZE; i++)
		authority = authority << 8 | bytes[i];
	return authority;
}

void sid_format(const uint8_t *bytes, char text[SID_TEXT_SIZE])
{
	uint64_t authority = authority_of(bytes);
	int at;

	assert(sid_size(bytes, SID_SIZE_MAX) > 0);
	at = authority >> 32 != 0 ? snprintf(text, SID_TEXT_SIZE, "S-1-0x%012" PRIx64, authority)
				  : snprintf(text, SID_TEXT_SIZE, "S-1-%" PRIu64, authority);
	for (unsigned i = 0; i < bytes[1]; i++)
		at += snprintf(text + at, (size_t)(SID_TEXT_SIZE - at), "-%" PRIu32,
		    get_le32(bytes + SID_HEAD_SIZE + (size_t)4 * i));
	assert(at < SID_TEXT_SIZE);
}

/* Decimal digits up to '-' or the end. */
static bool take_number(const char **text, uint64_t *ret)
{
	size_t digits = strspn(*text, "0123456789");
	uint64_t n = 0;

	if (digits == 0 || digits > 10)
		return false;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (uint64_t)((*text)[i] - '0');
	*text += digits;
	*ret = n;
	return n <= UINT32_MAX && (**text == 0 || **text == '-');
}

static bool take_authority(const char **text, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	uint64_t n = 0;

	if (strncmp(*text, "0x", 2) != 0)
		return take_number(text, ret);
	*text += 2;
	if (strspn(*text, digits) != AUTHORITY_DIGITS)
		return false;
	for (size_t i = 0; i < AUTHORITY_DIGITS; i++)
		n = n << 4 | (uint64_t)((strchr(digits, (*text)[i]) - digits) % 16);
	*text += AUTHORITY_DIGITS;
	*ret = n;
	return **text == 0 || **text == '-';
}

int sid_parse(const char *text, struct sid *ret)
{
	struct sid s = { { 1 } };
	uint64_t n;

	if ((text[0] != 'S' && text[0] != 's') || strncmp(text + 1, "-1-", 3) != 0)
		return -EINVAL;
	text += 4;
	if (!take_authority(&text, &n))
		return -EINVAL;
	for (unsigned i = SID_HEAD_SIZE - 1; i >= 2; i--, n >>= 8)
		s.bytes[i] = (uint8_t)n;
	while (*text == '-') {
		text++;
		if (!take_number(&text, &n) || !sid_append(&s, (uint32_t)n))
			return -EINVAL;
	}
	*ret = s;
	return 0;
}

/* Ours. */

struct sid sid_of_uid(uint32_t uid)
{
	return sid_make(UNIX_AUTHORITY, (uint32_t[]){ UNIX_USER, uid }, 2);
}

struct sid sid_of_gid(uint32_t gid)
{
	return sid_make(UNIX_AUTHORITY, (uint32_t[]){ UNIX_GROUP, gid }, 2);
}

static struct sid by_hash(uint32_t kind, struct sha256 *hash)
{
	uint32_t subs[5] = { kind };
	struct digest digest;

	sha256_final(hash, &digest);
	for (size_t i = 1; i < ARRAY_SIZE(subs); i++)
		subs[i] = get_le32(digest.bytes + 4 * (i - 1));
	return sid_make(UNIX_AUTHORITY, subs, ARRAY_SIZE(subs));
}

struct sid sid_of_account(struct u16 name)
{
	static const char kind[] = "account";
	struct sha256 hash;

	sha256_init(&hash);
	sha256_update(&hash, kind, sizeof(kind));
	for (size_t i = 0; i < name.len; i++) {
		uint8_t unit[2];

		put_le16(unit, utf16_upcase(name.units[i]));
		sha256_update(&hash, unit, sizeof(unit));
	}
	return by_hash(UNIX_ACCOUNT, &hash);
}

struct sid sid_of_principal(const char *principal)
{
	static const char kind[] = "principal";
	struct sha256 hash;

	sha256_init(&hash);
	sha256_update(&hash, kind, sizeof(kind));
	sha256_update(&hash, principal, strlen(principal));
	return by_hash(UNIX_PRINCIPAL, &hash);
}

bool sid_is_of_domain(const uint8_t *bytes)
{
	/* S-1-5-21-…: of domains.  S-1-18-…: how a domain came to believe it. */
	return (authority_of(bytes) == NT_AUTHORITY && bytes[1] > 1 && get_le32(bytes + SID_HEAD_SIZE) == DOMAINS) ||
	       authority_of(bytes) == 18;
}

const char *sid_well_known_name(const uint8_t *bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(well_known); i++) {
		struct sid s = sid_make(well_known[i].authority, well_known[i].subs, well_known[i].count);

		if (sid_equal(s.bytes, bytes))
			return well_known[i].name;
	}
	return NULL;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool sid_from_well_known_name(const char *name, struct sid *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(well_known); i++) {
		size_t at = 0;

		while (name[at] != 0 && lower(name[at]) == lower(well_known[i].name[at]))
			at++;
		if (name[at] != 0 || well_known[i].name[at] != 0)
			continue;
		*ret = sid_make(well_known[i].authority, well_known[i].subs, well_known[i].count);
		return true;
	}
	return false;
}
