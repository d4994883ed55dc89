/* hosts: the resources that this node runs, or is to run or to stop.  See hosts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct cluster_result;
struct guid;
struct hosts;
struct service;

int hosts_new(struct service *s, struct hosts **ret);
void hosts_free(struct hosts *h);
/* An event was applied. */
void hosts_applied(struct hosts *h, const struct cluster_result *result);
/* The service has come up, or something else has happened. */
void hosts_look(struct hosts *h);
/* The process of the host that runs the resource on this node; 0: there is none. */
uint32_t hosts_process(const struct hosts *h, const struct guid *id);
/* Something runs here, or is being stopped. */
bool hosts_are_busy(const struct hosts *h);
/* Stop all that runs here, dependents first, without a word to the cluster; stopped(data) once, on the loop, when nothing
 * runs any more or, with a line in the log, when that took too long. */
void hosts_stop(struct hosts *h, void (*stopped)(void *data), void *data);
