/* kerberos_private: what the two sides of Kerberos share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/kerberos.h"
#include <gssapi/gssapi_krb5.h>

enum { KERBEROS_TOKEN_MAX = 32768 };

struct kerberos {
	struct rpc_security base;
	gss_ctx_id_t context;
	bool established, refused;
	const struct kerberos_acceptor *acceptor;   /* Of a server. */
	const struct kerberos_initiator *initiator; /* Of a client. */
	gss_cred_id_t credentials;                  /* Of a client; owned. */
	gss_name_t target;
	char name[RPC_NAME_MAX + 1]; /* Of the client, on a server. */
	struct rpc_sids *sids;       /* Of the client, by its domain; or NULL.  A reference. */
};

/* What GSSAPI says about a failure, as one line. */
void kerberos_describe(OM_uint32 major, OM_uint32 minor, char *text, size_t size);
/* Refuse for good: traced with GSSAPI's reason, the result is ERR_ACCESS_DENIED. */
int kerberos_refuse(struct kerberos *k, const char *what, OM_uint32 major, OM_uint32 minor);
/* The context is complete: check what was agreed, and ask how long signatures are. */
int kerberos_establish(struct kerberos *k, OM_uint32 flags);
/* Move GSSAPI's buffer into *out. */
int kerberos_take_token(gss_buffer_t token, struct buf *out);
struct kerberos *kerberos_new(uint8_t level, const struct rpc_security_ops *ops);

int kerberos_protect(
    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, uint8_t *signature);
int kerberos_unprotect(
    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, const uint8_t *signature);
int kerberos_sign_list(struct rpc_security *s, const uint8_t *list, size_t len, struct buf *signature);
int kerberos_check_list(
    struct rpc_security *s, const uint8_t *list, size_t len, const uint8_t *signature, size_t signature_len);
void kerberos_free(struct rpc_security *s);
