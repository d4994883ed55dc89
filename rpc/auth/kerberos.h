/* kerberos: Kerberos 5 as a mechanism of the RPC runtime (authentication type 16), server and client.  See kerberos.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/server.h"

struct kerberos_acceptor {
	struct rpc_security_provider provider; /* kerberos_acceptor_init() sets it. */
	/* What a principal, "alice@REALM", may do; must not block. */
	enum rpc_access (*access)(void *data, const char *principal);
	void *data;
	void *credentials; /* GSSAPI's; owned. */
};
/* keytab: the path of the file with the service's keys; any of them will do.  On failure the story is in *e. */
int kerberos_acceptor_init(struct kerberos_acceptor *a, const char *keytab, struct error *e);
void kerberos_acceptor_done(struct kerberos_acceptor *a);

/* A client's login with the tickets of a cache.  Borrowed until the last leg is made; making a connection may block, since
 * the library asks the KDC. */
struct kerberos_initiator {
	struct rpc_security_provider provider; /* kerberos_initiator_init() sets it. */
	const char *service, *host;            /* "MSServerClusterMgmtAPI", and the name that the user typed. */
	const char *cache;                     /* NULL: the default one. */
};
void kerberos_initiator_init(struct kerberos_initiator *i);
