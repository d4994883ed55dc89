/* server: the pure RPC server: interfaces, limits, and connections that turn bytes into calls and replies into bytes.
 * See server.c for the idea, connection.c for the states.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/security.h"
#include "rpc/sids.h"

struct rpc_call;
struct rpc_connection;
struct rpc_server;

enum rpc_access { RPC_ACCESS_NONE, RPC_ACCESS_READ, RPC_ACCESS_ALL };

enum {
	RPC_GROUPS_MAX = 128,
	RPC_NAME_MAX = 255,    /* Bytes of the name of who is not local. */
	RPC_ADDRESS_SIZE = 16, /* IPv6; IPv4 as ::ffff:a.b.c.d. */
};

/* Who says so.  By NTLM it is an account of ours, or one of a domain: DOMAIN\user. */
enum rpc_identity_kind { RPC_BY_TRANSPORT, RPC_BY_NTLM, RPC_BY_KERBEROS, RPC_BY_DOMAIN };

/* Who is at the other end.  Compared to keep strangers out of an association group, and shown to handlers. */
struct rpc_identity {
	bool local;             /* On a unix socket: uid, gid and groups come from the kernel. */
	enum rpc_access access; /* Not local: NONE until the security has identified it. */
	enum rpc_access rule;   /* What access was before rpc_server_set_admission() had its say. */
	uint32_t uid, gid;
	unsigned group_count; /* Supplementary groups; those beyond RPC_GROUPS_MAX are left out. */
	uint32_t groups[RPC_GROUPS_MAX];
	uint8_t address[RPC_ADDRESS_SIZE]; /* Of the peer, if it is not local. */
	enum rpc_identity_kind kind;       /* Of the name. */
	char name[RPC_NAME_MAX + 1];       /* Of who is not local, by the security; empty: not authenticated. */
	struct rpc_sids *sids; /* A reference, or NULL: SIDs of a user and of groups.  A copy has its own, or none. */
};
/* *to was nobody's, and is rpc_identity_done()'s then. */
void rpc_identity_copy(struct rpc_identity *to, const struct rpc_identity *from);
void rpc_identity_done(struct rpc_identity *identity);

struct rpc_interface {
	const char *name;         /* For logs. */
	struct pdu_syntax syntax; /* Clients may ask for this minor version or a lower one. */
	bool local_only;          /* Not offered but on unix sockets. */
	bool anonymous;           /* Anybody may call it; over the network it is offered at anonymous doors only. */
	uint8_t least_level;      /* enum rpc_auth_level that is demanded of peers that are not local. */
	/* Must, now or later, complete the call: rpc_call_reply() or rpc_call_fault(). */
	void (*dispatch)(struct rpc_call *call, void *data);
	void *data;
};

/* Every one is an ordinary error when it is hit.  rpc_limits_default() gives the values in brackets. */
struct rpc_limits {
	size_t
	    connections; /* [512] Of the server; an eighth each for local and other strangers, an eighth kept for All. */
	size_t connections_per_identity; /* [128] */
	size_t connections_per_address;  /* [128] Of peers that are not local, authenticated or not. */
	size_t calls_per_connection;     /* [16] In flight, with multiplexing; without it the limit is 1. */
	size_t handles_per_group;        /* [16384] */
	size_t handles_per_client;       /* [65536] All groups of one identity. */
	size_t request_max;              /* [4 MiB] Stub bytes of one request, reassembled. */
	size_t reply_max;                /* [16 MiB] Stub bytes of one reply. */
	size_t output_max;        /* [64 MiB] Unsent bytes of one connection; a peer that does not read is cut off. */
	size_t memory;            /* [256 MiB] Requests and unsent output of the whole server. */
	size_t memory_per_client; /* [64 MiB] Of one identity. */
	size_t arena;             /* [32 MiB] What one call may decode and build. */
	uint16_t fragment_max;    /* [5840] */
	uint16_t fragment_max_local; /* [65528] On unix sockets. */
	uint64_t stall_ns;           /* [60 s] To bind, to finish a PDU or a request, to read some output. */
	uint64_t login_ns;           /* [20 s] Over the network: to be authenticated; at anonymous doors, to be done. */
	uint64_t idle_ns;            /* [0 = never] Without a call. */
};
struct rpc_limits rpc_limits_default(void);

/* fill_random() makes the part of context handles that makes them foreign to every other server. */
int rpc_server_new(const struct rpc_limits *limits, void (*fill_random)(void *data, void *bytes, size_t len),
    void *random_data, struct rpc_server **ret);
/* All connections must be gone, and every call completed. */
void rpc_server_free(struct rpc_server *s);
DEFINE_FREEP(struct rpc_server, rpc_server_free)

/* Both borrow; what they are given must outlive the server.  -ENOSPC after RPC_INTERFACES_MAX, RPC_PROVIDERS_MAX. */
enum { RPC_INTERFACES_MAX = 16, RPC_PROVIDERS_MAX = 8 };
int rpc_server_add_interface(struct rpc_server *s, const struct rpc_interface *interface);
int rpc_server_add_provider(struct rpc_server *s, const struct rpc_security_provider *provider);

/* Asked for each client as soon as it is known, on a unix socket at once: what it may do.  identity has what the transport or
 * the mechanism says; admit() may change access and sids.  An error: it is turned away.  Without it access is as it is. */
void rpc_server_set_admission(
    struct rpc_server *s, int (*admit)(void *data, struct rpc_identity *identity), void *data);

/* Run down every context handle of every client, as when the database is replaced under them; connections stay. */
void rpc_server_run_down(struct rpc_server *s);

struct rpc_server_stats {
	size_t connections, groups, handles, calls, memory;
};
struct rpc_server_stats rpc_server_stats(const struct rpc_server *s);

/* What a transport gives a connection.  wake(): there is output to take, room for input again, or the connection is over;
 * called from within rpc_connection_input(), rpc_connection_tick(), the completion of calls and that of logins that have
 * taken time, once until output is taken.  It must not
 * call rpc_connection_free() or _input(). */
struct rpc_transport {
	void (*wake)(void *data);
	void *data;
	/* A login was refused; who: as whom, without access.  May be NULL; calls nothing of this server. */
	void (*login_failed)(void *data, const struct rpc_identity *who);
	/* May it go on to log in?  Asked at each leg, since others from there may have failed meanwhile.  May be NULL, and likewise. */
	bool (*may_log_in)(void *data, const struct rpc_identity *who);
	const char *address; /* The port number or socket name that bind_ack tells; borrowed. */
	bool anonymous_door; /* Not local: only anonymous interfaces are offered here; else, all but these. */
	uint8_t host[4];     /* The IPv4 address that the peer has connected to; zeros: none. */
};

/* identity is copied.  ERR_RPC_S_SERVER_TOO_BUSY: a limit; -ENOMEM.  Strangers over the network that are too many give
 * way: the oldest of the address that has most of them is ended. */
int rpc_connection_new(struct rpc_server *s, const struct rpc_identity *identity, const struct rpc_transport *transport,
    struct rpc_connection **ret);
/* Cancels its calls and leaves the association group; the last connection to leave runs its handles down. */
void rpc_connection_free(struct rpc_connection *c);
DEFINE_FREEP(struct rpc_connection, rpc_connection_free)

/* Bytes as they arrive, cut anywhere.  Calls are dispatched from here.  After the end they are ignored. */
void rpc_connection_input(struct rpc_connection *c, const void *data, size_t len);
/* While a login waits for somebody else's word, input is held.  From half of RPC_HELD_MAX on there is no room, and no more
 * should be read until wake(): who gives more than all of it is cut off. */
enum { RPC_HELD_MAX = 131072 };
bool rpc_connection_has_room(const struct rpc_connection *c);
/* The bytes to send; the caller owns them and must tell when they have left.  Empty if there is nothing. */
struct buf rpc_connection_take_output(struct rpc_connection *c);
void rpc_connection_sent(struct rpc_connection *c, size_t len);
/* Over: send what output there is, then close and free.  *ret_why (if not NULL) is a static text for the log. */
bool rpc_connection_is_over(const struct rpc_connection *c, const char **ret_why);
/* Applies the time-outs; call it every few seconds with a clock that never goes back. */
void rpc_connection_tick(struct rpc_connection *c, uint64_t now_ns);
