/* keys: taking and putting back key material for crypto checkpoints, the part of the process with the rights; see keys.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "keys/token.h"
#include "priv/server.h"
#include "priv/tree.h"

struct keys_place {
	bool puts;
	enum box_kind kind;     /* BOX_TOKEN, or as the request says, of the file. */
	struct tree_place file; /* Or: */
	const struct identity *reader; /* Of a file: who looks at its content, if this is root; or NULL. */
	struct key_token token; /* Without the wrapping key. */
	uint8_t *pin;           /* In seal_memory_new(KEY_PIN_MAX), or NULL. */
};

/* From here on no other process of this user can look into this one, and it leaves no core. */
int keys_hide(struct error *error);

/* The token's part of the place, its PIN read; then this process is who may use it.  uri is borrowed.  ERR_ACCESS_DENIED: no
 * library is configured. */
int keys_open_token(const struct priv_options *options, const char *uri, struct keys_place *ret, struct error *error);

/* A tree_work: data is the struct keys_place. */
int keys_work(void *data, const struct tree_job *job, uint64_t *ret_taken, struct error *told, struct error *error);

/* Serve one request about the place, and return. */
int keys_serve(int socket, struct keys_place *place);
