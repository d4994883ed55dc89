/* ntlm_private: what the two sides of NTLM share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/ntlm.h"
#include "rpc/auth/ntlm_message.h"

enum ntlm_stage { NTLM_FIRST, NTLM_SECOND, NTLM_ESTABLISHED, NTLM_REFUSED };

struct ntlm {
	struct rpc_security base;
	enum ntlm_stage stage;
	uint32_t flags;              /* Agreed. */
	struct buf first, challenge; /* The first two messages as they were: the MIC is over all three. */
	bool has_keys;
	struct ntlm_session session;

	const struct ntlm_acceptor *acceptor; /* Of a server. */
	uint8_t nonce[NTLM_NONCE_SIZE];
	char tried[RPC_NAME_MAX + 1]; /* The name that the client gave. */
	struct ntlm_account account;  /* Its name and access, once proved. */
	bool has_looked, has_asked;   /* The authority. */
	struct ntlm_inquiry inquiry;

	const struct ntlm_initiator *initiator; /* Of a client. */
};

/* The flags without which nobody gets to that level. */
uint32_t ntlm_flags_needed(uint8_t level);
/* flags has them all, and nothing that we refuse. */
bool ntlm_flags_suffice(uint32_t flags, uint8_t level);
/* HMAC over the three messages, the third as if its MIC were zeros. */
void ntlm_mic(
    const struct ntlm *n, const uint8_t key[NTLM_KEY_SIZE], const uint8_t *third, size_t len, uint8_t ret[16]);
/* The exported session key is agreed: the keys of both directions, if signing is. */
void ntlm_establish(struct ntlm *n, const uint8_t key[NTLM_KEY_SIZE], bool is_server);
struct ntlm *ntlm_new(uint8_t level, const struct rpc_security_ops *ops);

int ntlm_protect(struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, uint8_t *signature);
int ntlm_unprotect(
    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, const uint8_t *signature);
int ntlm_sign_list(struct rpc_security *s, const uint8_t *list, size_t len, struct buf *signature);
int ntlm_check_list(
    struct rpc_security *s, const uint8_t *list, size_t len, const uint8_t *signature, size_t signature_len);
void ntlm_free(struct rpc_security *s);
