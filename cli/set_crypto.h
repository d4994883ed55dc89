/* set_crypto: what the crypto checkpoints of a backup set need, and whether they open; see set_crypto.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/set.h"
#include "cli/output.h"
#include "seal/seal.h"

struct set_crypto {
	size_t count;     /* Crypto checkpoints of the set. */
	size_t other;     /* Of these, encrypted under another key than that of the set. */
	bool tried;       /* A key was given, and the rest of them open. */
	bool known, here; /* Whether this node has the set's key, if its service could tell. */
};

/* key: the set's, or NULL.  Every box is read, and opened with the key.  0, or an enum cli_exit after a message: one is damaged,
 * or is not what its place in the set says. */
int set_crypto_look(const struct set *s, const char *path, const struct seal_key *key, struct set_crypto *ret);

/* Members of verify's object; lines. */
void set_crypto_json(const struct set_crypto *c, struct json *j);
void set_crypto_print(const struct set_crypto *c);
