/* manage: the quorum owner's policy at work: what is decided is put into the log.  See manage.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct cluster_result;
struct manage;
struct service;

/* For the replica that runs; freed after it, or when it has stopped. */
int manage_new(struct service *s, struct manage **ret);
void manage_free(struct manage *m);
/* The service has come up. */
void manage_look(struct manage *m);
/* This was applied. */
void manage_applied(struct manage *m, const struct cluster_result *result);
