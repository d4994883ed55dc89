/* check: the owner has the nodes compare their digests now and then, and each proves its memory.  See check.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"

/* An event was applied. */
void check_applied(struct service *s, const struct cluster_event *event, const struct cluster_result *result);
/* The replica is gone. */
void check_end(struct service *s);
