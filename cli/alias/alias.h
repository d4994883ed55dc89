/* alias: a command line of cluster.exe as one of rueda; see alias.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include <stdio.h>

enum { ALIAS_WORDS_MAX = 512 };

/* The words of a rueda command line, without the name of the program. */
struct alias {
	char *words[ALIAS_WORDS_MAX + 1]; /* Owned; a NULL is behind the last. */
	size_t count;
	bool help; /* "/?" was asked for: there are no words. */
};

/* -EINVAL: error says, in a sentence, what is wrong, and which command of rueda does it if this one cannot.  -E2BIG,
 * -ENOMEM.  The words of *ret are freed by alias_done() in any case. */
int alias_translate(int count, char **words, struct alias *ret, struct error *error);
void alias_done(struct alias *a);
#define _cleanup_alias_ _cleanup_(alias_done)

/* What "/?" prints, made of the tables that alias_translate() uses. */
void alias_print_help(FILE *f);
