/* hosts: the resources that this node runs, or is to run or to stop.  See hosts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct hosts;
struct service;

int hosts_new(struct service *s, struct hosts **ret);
void hosts_free(struct hosts *h);
/* Something was applied, or the service has come up. */
void hosts_look(struct hosts *h);
