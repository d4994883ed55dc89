/* sid: security identifiers: the names that security descriptors have for users and groups.  See sid.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/utf16.h"
#include <stdint.h>

enum {
	SID_SUBS_MAX = 15,
	SID_HEAD_SIZE = 8,
	SID_SIZE_MAX = SID_HEAD_SIZE + 4 * SID_SUBS_MAX,
	SID_TEXT_SIZE = 192, /* "S-1-", an authority, 15 numbers, and the end. */
};

/* One that is whole: revision 1, count, authority (6 bytes, big endian), count numbers (little endian). */
struct sid {
	uint8_t bytes[SID_SIZE_MAX];
};

/* The length of the SID at the start of bytes; 0 if there is none. */
size_t sid_size(const uint8_t *bytes, size_t len);
static inline size_t sid_len(const struct sid *s)
{
	return SID_HEAD_SIZE + (size_t)4 * s->bytes[1];
}
bool sid_equal(const uint8_t *a, const uint8_t *b);
/* S-1-authority-subs…; count at most SID_SUBS_MAX. */
struct sid sid_make(uint8_t authority, const uint32_t *subs, unsigned count);
/* One number more: a user or group of a domain.  false: it has SID_SUBS_MAX already. */
bool sid_append(struct sid *s, uint32_t sub);

/* "S-1-5-32-544"; an authority of 2^32 or more is written in hexadecimal. */
void sid_format(const uint8_t *bytes, char text[SID_TEXT_SIZE]);
int sid_parse(const char *text, struct sid *ret); /* -EINVAL. */

/* Those of this side of the world: docs/design/authentication.md, "Who is who". */
struct sid sid_of_uid(uint32_t uid);
struct sid sid_of_gid(uint32_t gid);
struct sid sid_of_account(struct u16 name);         /* Of the accounts file; the same in any case. */
struct sid sid_of_principal(const char *principal); /* "alice@REALM", exactly. */

/* Is it for a domain to give?  Not those of Unix and of accounts, nor Windows' own of each machine (Everyone, Administrators,
 * SYSTEM, …): a domain that gave them would make itself the administrator. */
bool sid_is_of_domain(const uint8_t *bytes);

/* Windows' names for those that are the same everywhere, "Administrators"; NULL: it has none. */
const char *sid_well_known_name(const uint8_t *bytes);
bool sid_from_well_known_name(const char *name, struct sid *ret); /* In any case of ASCII. */
