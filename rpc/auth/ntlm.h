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

/* A question to an authority, embedded in who asks. */
struct ntlm_inquiry {
	/* Once for each RPC_STEP_LATER, never from within a call of the authority. */
	void (*answered)(struct ntlm_inquiry *q);
	void *asked; /* The authority's own; NULL: it has no question of *q. */
	/* The answer to check().  Its result: 0; ERR_ACCESS_DENIED: he is not who he says; -EAGAIN: nobody can say now; -ENOMEM. */
	int result;
	uint8_t base[NTLM_KEY_SIZE]; /* The session base key: without it the proof's owner and we could not talk. */
	char name[RPC_NAME_MAX + 1]; /* DOMAIN\user, as the domain writes them. */
	struct rpc_sids *sids;       /* Of him and his groups; a reference, which is who asked's.  NULL: not asked. */
};

struct ntlm_proof {
	struct u16 user, domain;
	const uint8_t *nonce; /* NTLM_NONCE_SIZE */
	struct ntlm_part response;
};

/* Somebody else who knows accounts and does not tell their hashes, such as a domain.  It may take time. */
struct ntlm_authority {
	/* Is it there?  0: computer and domain say so; RPC_STEP_LATER: they will when q is answered. */
	int (*look)(struct ntlm_authority *a, struct ntlm_inquiry *q);
	/* RPC_STEP_LATER, or a negative result.  The proof is borrowed during the call. */
	int (*check)(struct ntlm_authority *a, struct ntlm_inquiry *q, const struct ntlm_proof *proof);
	void (*forget)(struct ntlm_authority *a, struct ntlm_inquiry *q); /* The question, if there is one. */
	/* What it calls this machine and itself; it believes nobody who was told other names.  Empty: it is not there. */
	struct u16 computer, domain;
};

/* All are borrowed and outlive every connection. */
struct ntlm_acceptor {
	struct rpc_security_provider provider; /* ntlm_acceptor_init() sets it. */
	const struct auth_source *source;
	struct u16 computer, dns_name; /* Told to every client; at most NTLM_NAME_MAX units; dns_name may be empty. */
	/* Must not block.  -ENOENT: there is no such account; the domain is as the client wrote it. */
	int (*lookup)(void *data, struct u16 user, struct u16 domain, struct ntlm_account *ret);
	void *data;
	struct ntlm_authority *authority; /* NULL: there are no accounts but those. */
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
