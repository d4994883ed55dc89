/* guid: see guid.h.  Tests: tests/unit/guid.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/guid.h"
#include <string.h>

/* The byte that each pair of hex digits of the text stands for; -1 is a dash. */
static const int8_t text_order[] = { 3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15 };

bool guid_equal(const struct guid *a, const struct guid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool guid_is_zero(const struct guid *g)
{
	static const struct guid zero;

	return guid_equal(g, &zero);
}

void guid_format(const struct guid *g, char text[GUID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < ARRAY_SIZE(text_order); i++) {
		if (text_order[i] < 0) {
			*text++ = '-';
		} else {
			*text++ = digits[g->bytes[text_order[i]] >> 4];
			*text++ = digits[g->bytes[text_order[i]] & 15];
		}
	}
	*text = 0;
}

void guid_format_u16(const struct guid *g, char16_t text[GUID_TEXT_LEN + 1])
{
	char narrow[GUID_TEXT_LEN + 1];

	guid_format(g, narrow);
	for (size_t i = 0; i <= GUID_TEXT_LEN; i++)
		text[i] = (unsigned char)narrow[i];
}

static int hex_digit(char16_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool guid_parse(struct u16 text, struct guid *ret)
{
	struct guid g;
	size_t at = 0;

	if (text.len == GUID_TEXT_LEN + 2 && text.units[0] == '{' && text.units[text.len - 1] == '}')
		text = (struct u16){ text.units + 1, GUID_TEXT_LEN };
	if (text.len != GUID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(text_order); i++) {
		if (text_order[i] < 0) {
			if (text.units[at++] != '-')
				return false;
		} else {
			int high = hex_digit(text.units[at]), low = hex_digit(text.units[at + 1]);

			if (high < 0 || low < 0)
				return false;
			g.bytes[text_order[i]] = (uint8_t)(high << 4 | low);
			at += 2;
		}
	}
	*ret = g;
	return true;
}

struct guid guid_from_random(const uint8_t bytes[16])
{
	struct guid g;

	memcpy(g.bytes, bytes, sizeof(g.bytes));
	g.bytes[7] = (uint8_t)(0x40 | (g.bytes[7] & 0x0f));
	g.bytes[8] = (uint8_t)(0x80 | (g.bytes[8] & 0x3f));
	return g;
}
