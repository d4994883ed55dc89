/* rpc_host: the echo server on a unix socket, in a thread of its own, for tests of blocking clients.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/lib/rpc_echo.h"
#include <pthread.h>

enum { HOST_CONNECTIONS = 200 };

struct host;
struct host_connection {
	struct host *host;
	int fd;
	struct rpc_connection *rpc;
	struct buf output; /* Taken, and sent up to sent. */
	size_t sent;
};

/* What a test sets before host_start() or asks for while the thread runs; lock it. */
struct host {
	pthread_mutex_t lock;
	struct echo echo;
	char path[108];
	size_t cut_input_after; /* Close a connection when it has sent so many bytes; 0 = never. */
	bool cut_on_call;       /* Close a connection as soon as a call of it is dispatched. */
	unsigned accepted;

	const struct rpc_identity *identity; /* Of who connects. */
	const char *address;
	int listener, wake[2];
	bool stop, close_all;
	pthread_t thread;
	struct host_connection *connections[HOST_CONNECTIONS];
};

void host_start(struct host *h, const char *path, const struct rpc_limits *limits);
/* The same on a listening socket, which it owns from here on; address and identity are what connections are given. */
void host_start_on(struct host *h, int listener, const char *address, const struct rpc_identity *identity,
    const struct rpc_limits *limits);
void host_stop(struct host *h);
/* Run on the thread's next turn: release all waiting calls, or close all connections. */
void host_release_all(struct host *h);
void host_close_all(struct host *h);
unsigned host_waiting(struct host *h);
unsigned host_cancelled(struct host *h); /* Calls that were told so. */
