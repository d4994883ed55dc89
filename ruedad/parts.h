/* parts: what the daemon consists of above its ground, started in order and stopped in reverse.  See parts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/loop.h"
#include "priv/client.h"
#include "ruedad/config.h"
#include "ruedad/serve/sockets.h"

struct parts;

/* All borrowed; they outlive the parts. */
struct parts_context {
	struct loop *loop; /* The real one. */
	const struct config *config;
	struct priv_client *priv;
	struct sockets *sockets; /* Emptied: the parts have them. */
	int guard;               /* Socket; taken over, -1 then. */
	bool recover; /* A state on disk that cannot be used is passed over: a cluster can then be restored. */
	/* The daemon cannot go on: the process stops, with a failure.  On the loop; never from inside parts_start(). */
	void (*failed)(void *data, const struct error *why);
	void *data;
};

/* When it returns, clients are served. */
int parts_start(const struct parts_context *context, struct parts **ret, struct error *error);
/* stopped(data) on the loop when all is at rest; the parts are freed then. */
void parts_stop(struct parts *p, loop_callback *stopped, void *data);
