/* address: IP addresses and their subnets, as bytes and as the texts in the database.
 *
 * Promise  pure; what the database holds may be anything, and is an address or is none.
 * Threads  all functions.       Tests  tests/unit/network.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/network/address.h"
#include <arpa/inet.h>
#include <string.h>

struct ip_address ip_subnet(struct ip_address a)
{
	for (unsigned bit = a.prefix; bit < 128; bit++)
		a.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return a;
}

bool ip_is_in(const struct ip_address *a, const struct ip_address *subnet)
{
	struct ip_address inside = *a, whole = ip_subnet(*subnet);

	inside.prefix = subnet->prefix;
	inside = ip_subnet(inside);
	return ip_equal(&inside, &whole);
}

bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
	return a->family == b->family && a->prefix == b->prefix && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_is_link_local(const struct ip_address *a)
{
	return a->family == 4 ? a->bytes[0] == 169 && a->bytes[1] == 254
			      : a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

struct u16 ip_format(const struct ip_address *a, char16_t text[IP_TEXT_MAX])
{
	char narrow[IP_TEXT_MAX] = "";
	struct u16 s = { text, 0 };

	(void)inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, narrow, sizeof(narrow));
	for (; narrow[s.len] != 0; s.len++)
		text[s.len] = (unsigned char)narrow[s.len];
	text[s.len] = 0;
	return s;
}

struct u16 ip_format_mask(const struct ip_address *a, char16_t text[IP_TEXT_MAX])
{
	struct ip_address mask = { .family = 4, .prefix = a->prefix };

	memset(mask.bytes, 0xff, sizeof(mask.bytes));
	mask = ip_subnet(mask);
	return ip_format(&mask, text);
}

bool ip_parse(struct u16 text, struct ip_address *ret)
{
	struct ip_address a = { 0 };
	char narrow[IP_TEXT_MAX];

	if (text.len == 0 || text.len >= sizeof(narrow))
		return false;
	for (size_t i = 0; i <= text.len; i++) {
		char16_t unit = i < text.len ? text.units[i] : 0;

		if (unit > 127 || (unit == 0 && i < text.len))
			return false;
		narrow[i] = (char)unit;
	}
	a.family = strchr(narrow, ':') != NULL ? 6 : 4;
	if (inet_pton(a.family == 4 ? AF_INET : AF_INET6, narrow, a.bytes) != 1)
		return false;
	*ret = a;
	return true;
}
