/* listen: the doors of the daemon: a unix socket, and TCP.  See listen.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/throttle.h"
#include <uv.h>

struct listener;

struct listen_config {
	const char *path;      /* Of the socket; copied.  What is left there of a dead daemon is replaced. */
	uint32_t owner_uid;    /* The daemon's: access All, as root has. */
	bool has_reader_group; /* Members of reader_group have access Read; everybody else has none. */
	uint32_t reader_group;
};

enum { LISTEN_BACKLOG = 128, LISTEN_TICK_MS = 1000 };

/* What the kernel says about a peer, judged. */
enum rpc_access listen_access(const struct listen_config *config, const struct rpc_identity *identity);

/* From now on connections to config->path are served by server, which must outlive the listener.  On failure *e (may
 * be NULL) tells the story: -EADDRINUSE (somebody answers there), -EEXIST (that is not a socket), -ENAMETOOLONG … */
int listener_new(uv_loop_t *uv, struct rpc_server *server, const struct listen_config *config, struct error *e,
    struct listener **ret);

struct listen_tcp_config {
	int fd;              /* Bound and listening (serve/sockets.h); the listener's, also on failure. */
	bool anonymous_door; /* See struct rpc_transport. */
	struct throttle *throttle; /* Borrowed: of all the doors; NULL: none. */
};
int listener_new_tcp(uv_loop_t *uv, struct rpc_server *server, const struct listen_tcp_config *config, struct error *e,
    struct listener **ret);

/* Ends all connections and removes the socket.  Calls back when all is gone; the listener is freed then. */
void listener_close(struct listener *l, void (*closed)(void *data), void *data);
