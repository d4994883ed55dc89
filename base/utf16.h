/* utf16: names as sequences of 16-bit units, and the one order that everything is sorted and hashed by.
 * See utf16.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <uchar.h>

/* A view of units: borrowed, not terminated, may hold lone surrogates and (in value names) zeros. */
struct u16 {
	const char16_t *units;
	size_t len; /* In units. */
};

#define U16(literal) ((struct u16){ u"" literal, sizeof(u"" literal) / sizeof(char16_t) - 1 })

struct u16 u16_from_z(const char16_t *z); /* Up to, without, the terminator; NULL gives an empty view. */

extern const uint16_t utf16_upcase_table[65536]; /* Generated from base/upcase.tsv, frozen for ever. */

static inline char16_t utf16_upcase(char16_t unit)
{
	return utf16_upcase_table[unit];
}

int u16_compare(struct u16 a, struct u16 b);        /* By upcased units, shorter first: <0, 0, >0. */
bool u16_equal(struct u16 a, struct u16 b);         /* In any case. */
bool u16_equal_exact(struct u16 a, struct u16 b);
bool u16_is_well_formed(struct u16 s);              /* No lone surrogate. */
bool u16_has_unit(struct u16 s, char16_t unit);

/* A terminated copy on the heap (free()), or NULL without memory. */
char16_t *u16_dup(struct u16 s);

/* To UTF-8, terminated, on the heap.  A lone surrogate becomes its three-byte form (WTF-8), so that the way back gives
 * the same units; a zero unit becomes C0 80.  NULL without memory. */
char *u16_to_utf8(struct u16 s);
/* The same into a buffer of the given size, cut at a character if it does not fit; for messages.  Returns buffer. */
const char *u16_to_utf8_buffer(struct u16 s, char *buffer, size_t size);
/* From UTF-8 (with the two extensions above); *ret is on the heap and terminated.  -EILSEQ, -ENOMEM. */
int utf8_to_u16(const char *text, size_t len, char16_t **ret, size_t *ret_len);

/* One character at a time.  u16_next_utf8() encodes the one at *i, which moves past it, and returns 1 to 4 bytes.
 * utf8_next() decodes the one at text (left > 0) and returns the bytes that it took, or 0 if it is not valid. */
size_t u16_next_utf8(struct u16 s, size_t *i, char out[4]);
size_t utf8_next(const char *text, size_t left, uint32_t *ret);

/* How many bytes of a text fit into max without splitting its last character. */
size_t utf8_fit(const char *text, size_t max);
/* Each byte that is part of no character becomes a question mark: a text of somebody else's, to be shown. */
void utf8_mend(char *text);
