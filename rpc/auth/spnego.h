/* spnego: the mechanism that agrees on a mechanism (authentication type 9), server and client.  See spnego.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/security.h"

/* What may be agreed upon; NULL: not that.  Borrowed; of the same side as this, and outlives every connection. */
struct spnego_mechanisms {
	struct rpc_security_provider provider; /* spnego_acceptor_init() or spnego_initiator_init() sets it. */
	const struct rpc_security_provider *kerberos, *ntlm;
};
void spnego_acceptor_init(struct spnego_mechanisms *m);
void spnego_initiator_init(struct spnego_mechanisms *m);
