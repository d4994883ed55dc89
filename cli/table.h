/* table: rows with columns below each other; see table.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/utf16.h"

struct table {
	size_t columns; /* Set by the caller; the first row is the head. */
	char16_t **cells;
	size_t count;
	bool failed; /* For want of memory. */
};
void table_add(struct table *t, struct u16 text);
void table_add_text(struct table *t, const char *utf8);
int table_print(struct table *t); /* An enum cli_exit. */
void table_done(struct table *t);
#define _cleanup_table_ _cleanup_(table_done)
