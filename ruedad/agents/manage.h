/* manage: the quorum owner's policy at work: what is decided is put into the log.  See manage.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct manage;
struct service;

/* For the replica that runs; freed after it, or when it has stopped. */
int manage_new(struct service *s, struct manage **ret);
void manage_free(struct manage *m);
/* Something was applied, or the service has come up. */
void manage_look(struct manage *m);
