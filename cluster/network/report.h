/* report: networks and interfaces made of what the nodes see of their links.  See report.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/network/state.h"

struct command_NodeInterfaces;

enum { REPORT_ADDRESSES_MAX = 256, ADAPTER_NAME_MAX = 63 };
enum { ADAPTER_ADDRESS_DYNAMIC = 1 }; /* Of an entry: given for a time, as by DHCP. */
/* Families of an entry beside 4 and 6. */
enum { ADAPTER_KEPT = 0 }; /* The link is down or has just lost its addresses: what is known of it stays, as Failed. */

/* 0, -ENOMEM, or the error that becomes the command's status; then nothing has changed.  An empty batch: all was so. */
int network_report(struct db *db, struct interface_table *t, const struct command_NodeInterfaces *c, struct buf *batch);
