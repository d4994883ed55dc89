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
/* Before something is logged that is waited for: if ticks are behind by more than a little, log one now.  True: it is on its
 * way, and manage_look() is called when it has its outcome. */
bool clock_catch_up(struct clock *c);
