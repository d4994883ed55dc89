/* ntlm: NTLMv2 as a mechanism of the RPC runtime (authentication type 10), server and client.  See ntlm.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/ntlm_crypt.h"
#include "rpc/auth/source.h"
#include "rpc/server.h"

struct ntlm_account {
	uint8_t hash[NTLM_KEY_SIZE];
	enum rpc_access access;
	char name[RPC_NAME_MAX + 1]; /* As the administrator wrote it; the client may have used another case. */
};

/* All are borrowed and outlive every connection. */
struct ntlm_acceptor {
	struct rpc_security_provider provider; /* ntlm_acceptor_init() sets it. */
	const struct auth_source *source;
	struct u16 computer, dns_name; /* Told to every client; at most NTLM_NAME_MAX units; dns_name may be empty. */
	/* Must not block.  -ENOENT: there is no such account; the domain is as the client wrote it. */
	int (*lookup)(void *data, struct u16 user, struct u16 domain, struct ntlm_account *ret);
	void *data;
};
void ntlm_acceptor_init(struct ntlm_acceptor *a);

/* A client's login.  Borrowed until the last leg is made. */
struct ntlm_initiator {
	struct rpc_security_provider provider; /* ntlm_initiator_init() sets it. */
	const struct auth_source *source;
	struct u16 user, domain,
	    target; /* target: "MSServerClusterMgmtAPI/host", or empty; each at most NTLM_NAME_MAX. */
	uint8_t hash[NTLM_KEY_SIZE];
};
void ntlm_initiator_init(struct ntlm_initiator *i);
