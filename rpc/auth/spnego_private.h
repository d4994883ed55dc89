/* spnego_private: what the two sides of SPNEGO share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/spnego.h"
#include "rpc/auth/spnego_token.h"

enum spnego_stage { SPNEGO_FIRST, SPNEGO_INNER, SPNEGO_FINAL, SPNEGO_ESTABLISHED, SPNEGO_REFUSED };

struct spnego {
	struct rpc_security base;
	const struct spnego_mechanisms *offered;
	enum spnego_stage stage;
	struct rpc_security *inner; /* Owned; NULL before the first token. */
	enum spnego_mechanism mechanism;
	bool is_first_choice; /* A server: of the client. */
	bool is_settled;      /* A client: the server has said which. */
	bool bare;            /* A server whose client speaks NTLM without any SPNEGO around it. */
	bool has_signed;      /* A client: and so must the server. */
	struct buf list;      /* Of mechanisms, in DER, as the client sent it. */
};

const struct rpc_security_provider *spnego_provider(const struct spnego *s, enum spnego_mechanism mechanism);
/* Make the inner mechanism (anew). */
int spnego_begin(struct spnego *s, enum spnego_mechanism mechanism);
/* The inner mechanism is done, and so is this one. */
void spnego_establish(struct spnego *s);
int spnego_make(const struct rpc_security_provider *p, uint8_t level, const struct rpc_security_ops *ops,
    struct rpc_security **ret);

int spnego_protect(struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, uint8_t *signature);
int spnego_unprotect(
    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, const uint8_t *signature);
void spnego_free(struct rpc_security *s);
