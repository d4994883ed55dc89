/* arena: memory that is freed all at once; what one RPC call decodes and answers lives in one.
 * Blocks double up to 64 KiB, larger requests get their own; zeroed on request; aligned to 16.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/utf16.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* Newest first. */
	size_t used;                /* Bytes handed out so far. */
	size_t limit;               /* 0 = none; above it arena_alloc() gives NULL. */
};

void arena_done(struct arena *a); /* Frees everything; *a is empty and usable again, its limit kept. */
void arena_wipe(struct arena *a); /* The same, and nothing of it stays in memory. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_alloc_zero(struct arena *a, size_t size);
void *arena_dup(struct arena *a, const void *data, size_t size);
char16_t *arena_dup_u16(struct arena *a, struct u16 s); /* Terminated. */
char *arena_printf(struct arena *a, const char *format, ...) _printf_(2, 3);
