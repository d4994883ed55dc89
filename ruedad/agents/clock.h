/* clock: the cluster's own time, as far as somebody waits for it.  See clock.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct clock;
struct service;

int clock_new(struct service *s, struct clock **ret);
void clock_free(struct clock *c);
/* Something was applied, or the service has come up. */
void clock_look(struct clock *c);
