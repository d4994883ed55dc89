/* reseal: the cluster key sealed anew, for another passphrase or public key.  See reseal.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"
#include "seal/seal.h"

typedef void reseal_done(void *data, int r, const char *story);

/* Never calls back from inside; a negative result: refused, with the story, and done will not be called. */
int reseal_start(
    struct service *s, const struct seal_secret *secret, reseal_done *done, void *data, struct error *error);
/* The process has died: nobody is told. */
void reseal_abandon(struct service *s);
