/* keyring: the cluster keys that this node has, in the clear.  See keyring.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"
#include "seal/seal.h"

/* Durable when it returns 0.  One that is there is written over. */
int keyring_put(struct disk *state, const struct seal_key *key, struct error *error);
/* -ENOENT: this node does not have it; -EBADMSG: the file is damaged. */
int keyring_get(struct disk *state, const struct seal_id *id, struct seal_key *ret, struct error *error);
