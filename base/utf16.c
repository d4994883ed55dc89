/* utf16: names as sequences of 16-bit units.
 *
 * Why      the Windows API, the hive format and the wire speak UTF-16, in which lone surrogates are legal.  A detour
 *          through UTF-8 would lose names; a locale would make two nodes sort differently.  So names keep their units
 *          from the caller to the disk, and one frozen table decides case, order and hash.
 * Promise  comparison depends on nothing but the two names.
 * Not kept normalisation: two spellings of the same character are two names, as on Windows.
 * Threads  all functions.          Tests  tests/unit/utf16.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"
#include <errno.h>
#include <string.h>

struct u16 u16_from_z(const char16_t *z)
{
	struct u16 s = { z, 0 };

	if (z != NULL)
		while (z[s.len] != 0)
			s.len++;
	return s;
}

int u16_compare(struct u16 a, struct u16 b)
{
	size_t common = MIN(a.len, b.len);

	for (size_t i = 0; i < common; i++) {
		char16_t x = utf16_upcase(a.units[i]), y = utf16_upcase(b.units[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

bool u16_equal(struct u16 a, struct u16 b)
{
	return a.len == b.len && u16_compare(a, b) == 0;
}

bool u16_equal_exact(struct u16 a, struct u16 b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.units, b.units, a.len * sizeof(char16_t)) == 0);
}

static bool is_high(char16_t u)
{
	return u >= 0xd800 && u <= 0xdbff;
}

static bool is_low(char16_t u)
{
	return u >= 0xdc00 && u <= 0xdfff;
}

bool u16_is_well_formed(struct u16 s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (is_low(s.units[i]))
			return false;
		if (is_high(s.units[i])) {
			if (i + 1 == s.len || !is_low(s.units[i + 1]))
				return false;
			i++;
		}
	}
	return true;
}

bool u16_has_unit(struct u16 s, char16_t unit)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.units[i] == unit)
			return true;
	return false;
}

char16_t *u16_dup(struct u16 s)
{
	char16_t *copy = malloc((s.len + 1) * sizeof(char16_t));

	if (copy == NULL)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.units, s.len * sizeof(char16_t));
	copy[s.len] = 0;
	return copy;
}

size_t u16_next_utf8(struct u16 s, size_t *i, char out[4])
{
	uint32_t c = s.units[(*i)++];

	if (is_high((char16_t)c) && *i < s.len && is_low(s.units[*i]))
		c = 0x10000 + ((c - 0xd800) << 10) + (s.units[(*i)++] - 0xdc00u);
	if (c != 0 && c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

char *u16_to_utf8(struct u16 s)
{
	char *text = malloc(s.len * 3 + 1);
	size_t n = 0;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < s.len;)
		n += u16_next_utf8(s, &i, text + n);
	text[n] = 0;
	return text;
}

const char *u16_to_utf8_buffer(struct u16 s, char *buffer, size_t size)
{
	size_t n = 0;

	assert(size > 0);
	for (size_t i = 0; i < s.len;) {
		char c[4];
		size_t len = u16_next_utf8(s, &i, c);

		if (n + len + 1 > size)
			break;
		memcpy(buffer + n, c, len);
		n += len;
	}
	buffer[n] = 0;
	return buffer;
}

size_t utf8_next(const char *text, size_t left, uint32_t *ret)
{
	const uint8_t *p = (const uint8_t *)text;
	static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c;

	if (p[0] >= 0x80 && (p[0] < 0xc0 || p[0] > 0xf4))
		return 0;
	if (len > left)
		return 0;
	c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c > 0x10ffff || (c < smallest[len] && !(len == 2 && c == 0)))
		return 0;
	*ret = c;
	return len;
}

int utf8_to_u16(const char *text, size_t len, char16_t **ret, size_t *ret_len)
{
	_cleanup_free_ char16_t *units = malloc((len + 1) * sizeof(char16_t));
	size_t n = 0;

	if (units == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t used = utf8_next(text + i, len - i, &c);

		if (used == 0)
			return -EILSEQ;
		i += used;
		if (c >= 0x10000) {
			units[n++] = (char16_t)(0xd800 + ((c - 0x10000) >> 10));
			units[n++] = (char16_t)(0xdc00 + (c & 0x3ff));
		} else {
			units[n++] = (char16_t)c;
		}
	}
	units[n] = 0;
	*ret = TAKE_PTR(units);
	if (ret_len != NULL)
		*ret_len = n;
	return 0;
}

size_t utf8_fit(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1), start;

	if (len <= max)
		return len;
	for (start = max; start > 0 && max - start < 3 && ((unsigned char)text[start] & 0xc0) == 0x80;)
		start--;
	/* A run of more such bytes is no UTF-8 anyway. */
	return ((unsigned char)text[start] & 0xc0) == 0x80 ? max : start;
}

void utf8_mend(char *text)
{
	size_t left = strlen(text), used;
	uint32_t c;

	for (; left > 0; text += used, left -= used) {
		used = utf8_next(text, left, &c);
		if (used == 0) {
			*text = '?';
			used = 1;
		}
	}
}
