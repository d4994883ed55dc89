/* crypto: what the boxes of a crypto checkpoint are closed and opened with; see crypto.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"
#include "seal/box.h"

/* What a checkpoint's boxes are of; the id of the key is not set.  ERR_INVALID_PARAMETER, ERR_FILENAME_EXCED_RANGE: its name is
 * no source's. */
int crypto_label(
    const struct service *s, const struct guid *resource, struct u16 name, struct box_label *ret, struct error *error);

/* For workers.  A box_key_write() of the label with the key of that id.  ERR_NO_RECOVERY_POLICY: this node does not have it;
 * what keyring_get() gives. */
int crypto_key(
    struct disk *state, const struct seal_id *id, const struct box_label *label, uint8_t **ret, struct error *error);
/* The same for a box that is there, with the key that it names. */
int crypto_key_of(struct disk *state, const uint8_t *box, size_t len, const struct box_label *label, uint8_t **ret,
    struct error *error);
void crypto_key_free(uint8_t *key); /* NULL is allowed. */
