/* regfile: the text form of registry keys and values, "Windows Registry Editor Version 5.00"; see regfile.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf16.h"

/* What stands before the keys of the cluster database, and before those of a node's own registry. */
#define REGFILE_ROOT "HKEY_LOCAL_MACHINE\\Cluster"
#define REGFILE_LOCAL_ROOT "HKEY_LOCAL_MACHINE"
#define REGFILE_MAX (512u << 20) /* Bytes of a file. */

enum regfile_kind {
	REGFILE_KEY,          /* [key]: make it, and what follows is about it. */
	REGFILE_DELETE_KEY,   /* [-key]: delete it with everything below it. */
	REGFILE_VALUE,        /* "name"=… */
	REGFILE_DELETE_VALUE, /* "name"=- */
};

/* One line of the file.  All is borrowed for the time of the callback. */
struct regfile_entry {
	enum regfile_kind kind;
	unsigned line;   /* From 1 on. */
	struct u16 key;  /* Below the root, "" = the root itself; for values, the key that they are of. */
	struct u16 name; /* Of the value; "" = the default value. */
	uint32_t type;
	const uint8_t *data;
	size_t len;
};

/* Called for each entry in the order of the file; a negative result ends the parsing and is returned. */
typedef int regfile_callback(void *data, const struct regfile_entry *e);

/* Keys below that root, in UTF-16LE with a byte order mark, or UTF-8 with or without one.  ERR_INVALID_DATA with the line in the story; what was
 * called back before the bad line has been called back.  -ENOMEM. */
int regfile_parse(const void *bytes, size_t len, const char *root, regfile_callback *callback, void *data,
    struct error *error);

/* Writing: text is appended to *out as UTF-16LE, CR LF between lines; out->error tells of memory.  Units that the text
 * cannot hold (a zero, and line ends in the names of keys) are ERR_NO_UNICODE_TRANSLATION, and then nothing is appended. */
void regfile_begin(struct buf *out); /* The byte order mark and the first line. */
int regfile_key(struct buf *out, const char *root, struct u16 path, bool delete);
int regfile_value(struct buf *out, struct u16 name, uint32_t type, const void *data, size_t len);
int regfile_delete_value(struct buf *out, struct u16 name);
/* What stands on the right of the '=' for such data, without line ends if wrap is false. */
void regfile_data(struct buf *out, uint32_t type, const void *data, size_t len, size_t column, bool wrap);
/* What was written, in UTF-8 without a mark, appended to *ret. */
int regfile_to_utf8(const struct buf *text, struct buf *ret);
