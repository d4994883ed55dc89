/* guid: 16-byte identifiers and their text form 8-4-4-4-12 (lower case, no braces).
 * Bytes are kept in wire order: the first three fields little endian, as DCE and Windows store them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/utf16.h"

struct guid {
	uint8_t bytes[16];
};

#define GUID_TEXT_LEN 36

bool guid_equal(const struct guid *a, const struct guid *b);
bool guid_is_zero(const struct guid *g);
void guid_format(const struct guid *g, char text[GUID_TEXT_LEN + 1]);
void guid_format_u16(const struct guid *g, char16_t text[GUID_TEXT_LEN + 1]);
bool guid_parse(struct u16 text, struct guid *ret); /* With or without braces. */
/* Make 16 random bytes a version 4 GUID. */
struct guid guid_from_random(const uint8_t bytes[16]);
