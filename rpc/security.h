/* security: the seam between the RPC runtime and whatever authenticates a connection and protects its PDUs.
 * See security.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/pdu.h"

struct rpc_identity;

enum rpc_auth_type {
	RPC_AUTH_NONE = 0,
	RPC_AUTH_SPNEGO = 9,
	RPC_AUTH_NTLM = 10,
	RPC_AUTH_KERBEROS = 16,
	RPC_AUTH_NCALRPC = 200, /* Samba's private one, for unix sockets. */
};

enum rpc_auth_level {
	RPC_LEVEL_NONE = 1,
	RPC_LEVEL_CONNECT = 2,
	RPC_LEVEL_CALL = 3, /* Counts as packet. */
	RPC_LEVEL_PACKET = 4,
	RPC_LEVEL_INTEGRITY = 5,
	RPC_LEVEL_PRIVACY = 6,
};

struct rpc_security;

enum { RPC_STEP_LATER = 2 };

struct rpc_security_ops {
	/* One token of the peer in, the answer (maybe empty) appended to *token_out.  1: more legs are expected;
	 * 0: done, and signature_len is set; negative: refused, for good, and but for -ENOMEM and -EAGAIN (nobody can say now)
	 * because of what the peer has sent.
	 * RPC_STEP_LATER, on a server: somebody else must be asked first, and nothing was appended.  ready() is called when
	 * he has answered; then step() is called once more with the same token. */
	int (*step)(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out);
	/* On a server: put who the peer is into *identity after the last step; after a refused one put there who he said he
	 * is, for the log, and leave access and sids alone.  NULL: the transport knew already. */
	void (*identify)(struct rpc_security *s, struct rpc_identity *identity);
	/* pdu[0, len) is header … trailer with its final lengths; the stub with its padding begins at body.
	 * protect() writes the signature and, at level privacy, encrypts the body in place; unprotect() undoes that.
	 * Each is called in the order in which PDUs go over the wire.  NULL below level packet. */
	int (*protect)(
	    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, uint8_t *signature);
	int (*unprotect)(
	    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, const uint8_t *signature);
	void (*free)(struct rpc_security *s); /* Also between a step and its ready(), which does not come then. */
	/* For SPNEGO, which wraps other mechanisms: a signature over its list of them, after the last step and before the
	 * first PDU.  -EOPNOTSUPP: nothing was negotiated that could sign.  NULL: the mechanism is never wrapped. */
	int (*sign_list)(struct rpc_security *s, const uint8_t *list, size_t len, struct buf *signature);
	int (*check_list)(struct rpc_security *s, const uint8_t *list, size_t len, const uint8_t *signature,
	    size_t signature_len);
};

struct rpc_security {
	const struct rpc_security_ops *ops;
	uint8_t type, level;
	uint32_t context_id;
	bool header_sign;     /* Negotiated: the signature covers header and trailer. */
	bool done;            /* The last leg has been made: PDUs are protected from here on. */
	size_t signature_len; /* Of every PDU at level packet and above; at most RPC_SIGNATURE_MAX. */
	/* On a server, set by who has made it.  Called once after each RPC_STEP_LATER, never from within a call of ops. */
	void (*ready)(void *data);
	void *ready_data;
};

enum { RPC_SIGNATURE_MAX = 256 };

/* Makes the acceptor (or, in a client, the initiator) for one connection.  *ret is freed with rpc_security_free().
 * Those that exist: auth/ntlm.h, auth/spnego.h, auth/kerberos.h. */
struct rpc_security_provider {
	uint8_t type;
	bool local_only;   /* Refused on anything but a unix socket. */
	bool network_only; /* Refused on a unix socket, where the kernel has said who it is. */
	int (*make)(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret);
};

/* No authentication: what every connection starts with.  All share one, which is in read-only memory. */
struct rpc_security *rpc_security_none(void);
/* Samba's `NCALRPC_AUTH_TOKEN`: proves nothing; the kernel already said who it is. */
extern const struct rpc_security_provider rpc_security_ncalrpc;

void rpc_security_free(struct rpc_security *s);
DEFINE_FREEP(struct rpc_security, rpc_security_free)

static inline bool rpc_security_protects(const struct rpc_security *s)
{
	return s->done && s->level >= RPC_LEVEL_CALL;
}

/* A request or response as one or more PDUs of at most fragment_max bytes each, signed and sealed as *s wants. */
struct rpc_message {
	enum pdu_type type;
	unsigned flags; /* Besides first and last. */
	uint32_t call_id;
	uint16_t context_id, opnum;
	uint16_t fragment_max; /* At least PDU_FRAGMENT_LEAST. */
	const uint8_t *stub;
	size_t len;
};
int rpc_security_put_message(struct rpc_security *s, struct buf *out, const struct rpc_message *m);

/* Check and decrypt one request or response in place: pdu was decoded from data and borrows from it.
 * ERR_RPC_S_SEC_PKG_ERROR: not signed though it must be, or the signature is wrong. */
int rpc_security_open(struct rpc_security *s, uint8_t *data, const struct pdu *pdu);
