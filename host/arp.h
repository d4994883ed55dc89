/* arp: is an IPv4 address in use on a link, and whose is it now; see arp.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include <netinet/in.h>

/* 1: somebody else answers for the address; 0: nobody does, or the link has no ARP. */
int arp_probe(const char *interface, struct in_addr address, unsigned wait_ms);
/* Tell everybody on the link whose address it is now; twice, since one may be lost.  Without ARP: nothing. */
void arp_announce(const char *interface, struct in_addr address);
