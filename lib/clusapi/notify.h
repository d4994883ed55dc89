/* notify: ports of events, what they wait for, and the threads that wait for them; see notify_port.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/clusapi/cluster.h"
#include "rpc/client.h"
#include "wire/clusapi.h"

enum { PORT_EVENTS_MAX = 4096 }; /* Fetched, but not taken by the program. */

/* An event for the program. */
struct port_event {
	struct port_event *next;
	DWORD_PTR key;
	DWORD type; /* Of version 2. */
	uint64_t flags;
	char16_t *id, *parent, *name, *type_name; /* Of version 1: the name only. */
	uint8_t *data;
	size_t len;
};

/* What the program has asked for; on the server its key is the place in the session's list, + 1. */
struct port_filter {
	DWORD_PTR key;
	DWORD type; /* Of version 2; of version 1: 0. */
	uint64_t flags;
	struct remote *remote;   /* Of the object: the cluster's, too. */
	struct object *object;   /* Referenced; holds the remote. */
	char16_t *resource_type; /* Owned: that of RegisterClusterResourceTypeNotifyV2(). */
	bool targeted;
	uint32_t sequence; /* Of the object's state, as far as it was told. */
};

/* The part of a port that is one link's: a port of the server, and a thread that waits at it. */
struct session {
	struct session *next;
	struct port *port;
	struct link *link; /* Referenced. */
	struct rpc_cancel cancel;
	pthread_mutex_t lock; /* Of the rest; never taken while the port's is held.  Held during calls. */
	struct ndr_handle handle;
	uint64_t epoch; /* Of the link, when the server's port was made. */
	bool is_open, was_open;
	bool dead;                   /* The cluster was restored: there is nothing more to wait for. */
	struct port_filter *filters; /* Also under the port's lock. */
	size_t count, capacity;
};

struct port {
	struct object object;
	unsigned version;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct session *sessions;
	struct port_event *first, **last;
	size_t count;
	bool closed;
	unsigned live; /* Sessions that are not dead. */
	int event_fd;  /* -1, or readable while there are events. */
};

int port_new(unsigned version, HCHANGE *ret, struct port **ret_port); /* Referenced for the caller. */
/* version 0: any.  ERR_INVALID_HANDLE; ERR_INVALID_PARAMETER: of the other version. */
int port_get(HCHANGE handle, unsigned version, struct port **ret);
static inline void port_put(struct port **p)
{
	if (*p != NULL)
		object_unref(&(*p)->object);
}
#define _cleanup_port_ _cleanup_(port_put)

/* Takes over what the filter owns, on success. */
int port_add(struct port *p, struct port_filter *f);
/* The oldest event, with the port's lock held; it stays the first until port_take().  ERR_WAIT_TIMEOUT,
 * ERR_NO_MORE_ITEMS: the port was closed, ERR_INVALID_HANDLE: no session lives; then without the lock. */
int port_wait(struct port *p, DWORD ms, struct port_event **ret);
void port_take(struct port *p); /* Frees it. */
int port_close(HCHANGE handle);
int port_event_fd(struct port *p, int *ret);

/* notify.c: one filter made known to the server.  first: not added again; else a state that is another one is told.
 * The session's lock is held. */
int filter_send(struct session *s, struct port_filter *f, uint32_t server_key, bool first);
/* Bits that this library makes itself. */
uint64_t filter_reconnect(unsigned version, const struct port_filter *f);
uint64_t filter_state(unsigned version, const struct port_filter *f);
uint64_t filter_close(unsigned version, const struct port_filter *f);
