/* safety: a copy of what is in force, before it is replaced; see safety.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"

enum { SAFETY_NAME_MAX = 48 };

/* A backup set of this moment of the database, with the checkpoints that it names, in a new directory below that of the
 * state: ret_name, as "safety/20261122T104851Z".  The header is that of the same moment; the service's own may change while this
 * runs.  Blocks.  No blob may be swept meanwhile; what is missing or damaged of them is left out, and the log says so. */
int safety_write(struct service *s, const struct quolog_header *header, struct db_snapshot *what, uint64_t index,
    uint64_t time, char ret_name[SAFETY_NAME_MAX], struct error *error);
