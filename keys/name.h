/* name: the names of the sources of crypto checkpoints.  See name.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/utf16.h"
#include "seal/box.h"

enum { KEY_URI_MAX = 4095 }; /* Bytes. */

/* What a URI says of its token, one part after the other as a token has them; a part that begins with a zero is not said. */
struct key_which_token {
	char parts[4][32];
};

struct key_name {
	enum box_kind kind;
	char *place;                  /* A file's path, as capture/name.h has it; BOX_TOKEN: the URI.  Owned. */
	struct key_which_token token; /* BOX_TOKEN. */
};

/* ERR_INVALID_PARAMETER, ERR_FILENAME_EXCED_RANGE, with the story; -ENOMEM. */
int key_name_parse(struct u16 name, struct key_name *ret, struct error *error);
void key_name_done(struct key_name *n);

/* Whether a text is a URI that can be the place of a BOX_TOKEN: the errors of key_name_parse(). */
int key_uri_check(const char *uri, struct error *error);
/* Whether they may mean one token. */
bool key_tokens_meet(const struct key_which_token *a, const struct key_which_token *b);
