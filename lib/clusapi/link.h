/* link: the connection behind the handles of one opened cluster; see link.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "lib/clusapi/line.h"
#include "wire/ndr.h"
#include <pthread.h>

struct link;

/* To the service of this machine, which must answer.  ERR_RPC_S_SERVER_UNAVAILABLE. */
int link_open(struct link **ret);
/* To a cluster on the network, whose name (UTF-16) client.conf or the name service knows; it must answer.  The errors of
 * connecting and logging in: rpc/client.h. */
int link_open_remote(const char16_t *name, struct link **ret);
struct link *link_ref(struct link *l);
void link_unref(struct link *l); /* NULL is allowed. */
DEFINE_FREEP(struct link, link_unref)

bool link_is_remote(const struct link *l);
/* Another node of the cluster, to which the link goes when it loses the one where it is.  Best effort. */
void link_add_node(struct link *l, const char16_t *name);
/* All calls that are in flight end with ERR_CANCELLED; the server is told, but may have carried them out. */
int link_cancel(struct link *l);
/* How long a call may take; 0: no limit. */
void link_set_timeout(struct link *l, int call_ms);

/* A method without a context handle.  *in and *out are structs as generated; what *out points to lives in the arena.  A
 * call that reads is repeated over a new connection; one that changes is not, once it may have been carried out
 * (ERR_RPC_S_CALL_FAILED).  A status in *out is turned into an error of ours. */
int link_call(
    struct link *l, enum link_interface interface, unsigned number, const void *in, void *out, struct arena *arena);
/* A method that may take for ever: made once, without a limit of time, ended by this cancel and not by link_cancel(), so that
 * events which come with the answer are lost only with the connection.  Each takes a place on the link's connections, of
 * which there are not many without multiplexing: who is going to wait reserves it first.  ERR_TOO_MANY_OPEN_FILES: LINK_WAITS_MAX. */
int link_wait_reserve(struct link *l);
void link_wait_release(struct link *l);
int link_wait(struct link *l, unsigned number, const void *in, void *out, struct arena *arena, struct rpc_cancel *cancel);
/* End the waits that have this cancel. */
void link_wait_cancel(struct link *l, struct rpc_cancel *cancel);
/* Changes when the connections, and with them the server's context handles, were lost. */
uint64_t link_epoch(struct link *l);

/* A context handle on the server, opened again by itself when the connection was lost and the same cluster answers. */
struct remote {
	struct link *link; /* Referenced. */
	enum link_interface interface; /* CLUSAPI or LOCAL. */
	pthread_mutex_t lock;
	struct ndr_handle handle; /* All zero: not open. */
	uint64_t epoch;           /* Of the link, when it was opened. */
	bool dead;                /* For ever ERR_INVALID_HANDLE: another generation of the cluster serves now. */
	int (*open)(struct remote *r, struct ndr_handle *ret);
	unsigned close_method;
};

void remote_init(
    struct remote *r, struct link *l, int (*open)(struct remote *r, struct ndr_handle *ret), unsigned close_method);
void remote_done(struct remote *r); /* Closes it on the server too if it is open there, best effort. */
/* Open it now rather than with its first call. */
int remote_open(struct remote *r);
/* The handle as it is now, opened if need be, and the epoch that it is of. */
int remote_get(struct remote *r, struct ndr_handle *ret, uint64_t *ret_epoch);
/* A clusapi method whose parameters begin with this handle, and perhaps a second one: *in is written to.
 * ERR_NOT_SUPPORTED: the second one is of another interface. */
int remote_call(struct remote *r, unsigned number, void *in, void *out, struct arena *arena);
int remote_call2(struct remote *r, struct remote *second, unsigned number, void *in, void *out, struct arena *arena);
/* The same with the second handle (NULL: there is none) elsewhere in *in. */
int remote_call_at(struct remote *r, struct remote *second, size_t offset, unsigned number, void *in, void *out,
    struct arena *arena);
