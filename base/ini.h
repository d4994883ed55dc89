/* ini: read a small configuration file; see ini.c for the syntax.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

enum { INI_FILE_MAX = 1 << 20, INI_LINE_MAX = 8192, INI_KEYS_MAX = 4096 };

struct ini_handler {
	void *data;
	/* One `key = value`; the strings are the reader's and live until ini_parse() returns.  The callee reports what
	 * it does not like through its own problem function. */
	void (*entry)(void *data, unsigned line, const char *section, const char *key, const char *value);
	/* What is wrong with a line, as a part of a sentence: "the line has no '='".  Reading goes on after it. */
	void (*problem)(void *data, unsigned line, const char *text);
};

/* text needs no terminator.  0 also if there were problems; -ENOMEM, and then not all lines have been read. */
int ini_parse(const char *text, size_t len, const struct ini_handler *handler);
