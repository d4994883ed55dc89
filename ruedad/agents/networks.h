/* networks: what this node sees of its links, told to the cluster.  See networks.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct networks;
struct service;

/* Without links in the service it does nothing. */
int networks_new(struct service *s, struct networks **ret);
void networks_free(struct networks *n); /* The replica is gone, and with it whatever waited.  NULL is allowed. */
/* The service is up: look, and tell. */
void networks_look(struct networks *n);

/* Of the configuration: names of links that are passed over, with * and ? in them and commas between, or "none". */
bool networks_are_patterns(const char *text);
