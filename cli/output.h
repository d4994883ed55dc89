/* output: what goes to standard output: JSON, or text; see output.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/guid.h"
#include "base/sha256.h"
#include "base/utf16.h"
#include "include/clusapi.h"

/* A JSON text in the making.  A name is given inside an object and is NULL inside an array. */
struct json {
	struct buf text;
	bool comma; /* Something stands before at this level. */
};

void json_open(struct json *j, const char *name, char bracket); /* '{' or '['. */
void json_close(struct json *j, char bracket);                  /* '}' or ']'. */
void json_text(struct json *j, const char *name, const char *utf8);
void json_u16(struct json *j, const char *name, struct u16 text); /* A lone surrogate is written as an escape. */
void json_number(struct json *j, const char *name, uint64_t number);
void json_bool(struct json *j, const char *name, bool value);
void json_null(struct json *j, const char *name);
void json_time(struct json *j, const char *name, uint64_t filetime); /* "2026-11-22T10:48:51Z", 0 is null. */
void json_guid(struct json *j, const char *name, const struct guid *g);
void json_bytes(struct json *j, const char *name, const void *bytes, size_t len); /* Hexadecimal. */
/* Print it with a line end and free it: an enum cli_exit. */
int json_print(struct json *j);

/* Flush standard output: an enum cli_exit, with a message if not all could be written. */
int output_end(void);
/* Units as UTF-8; control characters, which could drive a terminal, as \xNN. */
void output_u16(struct u16 text);
/* A text of somebody else, in UTF-8, likewise; line ends stay. */
void output_lines(const char *text, size_t len);
/* "name            " for lines of the form name and value. */
void output_name(const char *name);
void output_time(uint64_t filetime);

uint64_t output_filetime(FILETIME t);
struct guid output_guid(const GUID *g);
