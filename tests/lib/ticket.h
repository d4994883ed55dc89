/* ticket: a service's key and a client's ticket for it, which no KDC made.  See ticket.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/kerberos.h"

extern const char ticket_keytab[], ticket_principal[]; /* "alice@RUEDA.TEST" */
extern const char ticket_service[], ticket_host[];

/* The keytab ticket_keytab, and the cache that is named, with a ticket that is valid for that many seconds from now (negative: it
 * ended then).  Both live in this process's memory.  Aborts if that cannot be. */
void ticket_make(const char *cache, int seconds);
/* An acceptor that has the key, and gives alice all access; an initiator that has the ticket. */
void ticket_acceptor(struct kerberos_acceptor *a);
struct kerberos_initiator ticket_initiator(const char *cache);
