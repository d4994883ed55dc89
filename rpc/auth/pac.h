/* pac: the SIDs that a domain puts into its tickets.  See pac.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/sid.h"

enum { PAC_SIDS_MAX = 2048 };

/* bytes: the buffer "logon information" of a PAC whose signature has been checked.  Appends the SIDs of the user and of
 * all groups, whole, one behind the other; those that no domain may give (sid_is_of_domain()) are left out.
 * -EBADMSG, -E2BIG (PAC_SIDS_MAX), -ENOMEM; *out is as it was then. */
int pac_logon_sids(const uint8_t *bytes, size_t len, struct buf *out);
