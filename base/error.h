/* error: one error idiom for the whole program; see error.c for the ranges and base/error.def for the list.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <errno.h>

/* A Windows error code as one of our negative ints, and back.  What has the highest bit set (an HRESULT) stands for itself. */
#define ERR_BASE 0x10000
#define ERR_FROM_WIN32(code) ((uint32_t)(code) >> 31 != 0 ? (int)(code) : -(ERR_BASE + (int)(code)))

enum {
#define X(name, code, windows_name, text, advice) ERR_##name = ERR_FROM_WIN32(code),
#include "base/error.def"
#undef X
};

/* An error with its story: what was tried, on what, and why it failed.  Filled by error_set(); code 0 = none. */
struct error {
	int code;
	char text[512]; /* UTF-8, cut at a character if it is too long, and then with an ellipsis. */
};

/* Put the story into *e (which may be NULL) and return code, so that `return error_set(e, …)` reads well. */
int error_set(struct error *e, int code, const char *format, ...) _printf_(3, 4);
/* The same, followed by ": " and the text of code itself. */
int error_set_code(struct error *e, int code, const char *format, ...) _printf_(3, 4);

uint32_t error_to_win32(int r);          /* 0 for r >= 0. */
const char *error_text(int r);           /* One sentence, never NULL; static or per-thread storage. */
const char *error_win32_name(uint32_t code);   /* "ERROR_FILE_NOT_FOUND"; NULL if it is not in the list. */
const char *error_win32_text(uint32_t code);   /* What it means; NULL if it is not in the list. */
const char *error_win32_advice(uint32_t code); /* What to do next; NULL if it is not in the list. */

struct error_entry {
	uint32_t code;
	const char *name, *text, *advice;
};
/* The whole list in the order of error.def; *ret_count entries. */
const struct error_entry *error_list(size_t *ret_count);
