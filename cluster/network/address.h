/* address: IP addresses and their subnets, as bytes and as the texts in the database.  See address.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/utf16.h"

struct ip_address {
	unsigned family;   /* 4 or 6 */
	unsigned prefix;   /* Bits of its subnet. */
	uint8_t bytes[16]; /* The first four of IPv4; the rest is zero. */
};

enum { IP_TEXT_MAX = 46 }; /* Units, with the terminator. */

static inline unsigned ip_bits(unsigned family)
{
	return family == 4 ? 32 : 128;
}
/* A subnet with more than one address in it, of a family that there is. */
static inline bool ip_is_valid(const struct ip_address *a)
{
	return (a->family == 4 || a->family == 6) && a->prefix > 0 && a->prefix < ip_bits(a->family);
}
/* The subnet that an address is in: the bits beyond the prefix are zero. */
struct ip_address ip_subnet(struct ip_address a);
bool ip_is_in(const struct ip_address *a, const struct ip_address *subnet); /* The prefix of a does not count. */
bool ip_equal(const struct ip_address *a, const struct ip_address *b);      /* With the prefix. */
/* What the kernel gives to each link by itself, and no router passes on. */
bool ip_is_link_local(const struct ip_address *a);
struct u16 ip_format(const struct ip_address *a, char16_t text[IP_TEXT_MAX]);
struct u16 ip_format_mask(const struct ip_address *a, char16_t text[IP_TEXT_MAX]); /* Of IPv4: 255.255.255.0 */
/* The family is seen from the text; the prefix is 0.  false: it is none. */
bool ip_parse(struct u16 text, struct ip_address *ret);
