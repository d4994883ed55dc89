/* unseal: open the sealed cluster key of the cluster that runs, for this node to keep.  See unseal.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"
#include "seal/seal.h"

typedef void unseal_done(void *data, int r, const char *story);

/* Never calls back from inside; a negative result: refused, with the story, and done will not be called. */
int unseal_start(
    struct service *s, const struct seal_secret *secret, unseal_done *done, void *data, struct error *error);
/* The process has died: nobody is told. */
void unseal_abandon(struct service *s);
