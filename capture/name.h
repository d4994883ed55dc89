/* name: the names of the sources of registry checkpoints, and how bytes of a file's name are written as text.  See name.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf16.h"

enum {
	SOURCE_PATH_MAX = 4095,         /* Bytes of a file's path. */
	SOURCE_COMPONENT_MAX = 255,     /* Bytes of one name in it. */
	SOURCE_NAME_MAX = 3 * 4095 + 5, /* Units of a source's name. */
};

enum source_kind {
	SOURCE_KEY,  /* A key of the node's own registry, below HKEY_LOCAL_MACHINE. */
	SOURCE_FILE, /* A file, directory or symbolic link of the node. */
};

struct source_name {
	enum source_kind kind;
	struct u16 key; /* SOURCE_KEY: the path; borrowed from what was parsed. */
	char *path;     /* SOURCE_FILE: absolute, without "//", "." and ".."; owned. */
};

/* ERR_INVALID_PARAMETER, ERR_FILENAME_EXCED_RANGE, with the story; -ENOMEM. */
int source_name_parse(struct u16 name, struct source_name *ret, struct error *error);
void source_name_done(struct source_name *n);

/* Whether two names, both of which can be parsed, are of one source: keys in any case, files byte by byte. */
bool source_name_is_same(struct u16 a, struct u16 b);

/* The source's name for an absolute path, "File\…"; on the heap, terminated.  ERR_INVALID_PARAMETER, -ENOMEM. */
int source_name_of_path(const char *path, char16_t **ret);

/* One name of a file, or any bytes without zeros, as UTF-16: what is no UTF-8, and '%', '\', control characters as %XX.
 * Appends native units. */
void source_escape(const char *bytes, size_t len, struct buf *out);
/* And back; appends bytes, no terminator.  Hexadecimal digits in any case; any byte but zero may be written so.
 * -EILSEQ: a '%' without two digits, a zero, a lone surrogate; -ENOMEM. */
int source_unescape(struct u16 text, struct buf *out);
/* Whether len bytes can be the name of a directory's entry: not empty, "." or "..", no '/' and no zero, not too long. */
bool source_component_is_valid(const char *bytes, size_t len);
