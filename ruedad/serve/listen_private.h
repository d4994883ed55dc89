/* listen_private: what the kinds of listeners share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/serve/listen.h"

/* What makes a kind. */
struct listener_ops {
	/* Who is at the other end of a new connection; what its transport is to be told besides.  0 or an error: it is
	 * refused. */
	int (*identify)(const struct listener *l, int fd, struct rpc_identity *ret, struct rpc_transport *transport);
	/* Stop to listen, before the descriptor is closed; may be NULL. */
	void (*unlisten)(struct listener *l);
	/* May somebody log in now?  May be NULL: always. */
	bool (*may_log_in)(const struct listener *l, const struct rpc_identity *who);
	/* A login was refused; may be NULL. */
	void (*login_failed)(struct listener *l, const struct rpc_identity *who);
};

struct listener {
	const struct listener_ops *ops;
	struct rpc_server *server;
	int fd;
	char *name; /* Owned; a path, or a port number.  For logs, and for bind_ack. */
	uv_poll_t poll;
	uv_timer_t timer;
	bool paused; /* Out of descriptors: accept again at the next tick. */
	struct connection *connections;
	struct connection *waking; /* Those that have something to send, or are over. */
	uv_prepare_t prepare;
	uv_check_t check;
	unsigned open_handles; /* Of libuv; the listener is freed with the last. */
	void (*closed)(void *data);
	void *closed_data;

	/* Connections that were refused or ended by us since the last line about that was logged. */
	unsigned long refused;
	const char *refused_why;
	unsigned quiet_ticks; /* Until the next line may be logged. */

	/* Of a unix socket. */
	struct listen_config config;
	dev_t device; /* Of the socket's name. */
	ino_t inode;
	/* Of TCP. */
	bool anonymous_door;
	struct throttle *throttle;

	uint8_t input[65536];
};

/* l->fd listens; begin to accept.  On failure the caller still owns *l. */
int listener_start(struct listener *l, uv_loop_t *uv, struct rpc_server *server);
/* One that was not started. */
void listener_free(struct listener *l);
