/* set_directory: the directory of a backup set, opened for a job; see set_directory.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"
#include "priv/message.h"
#include "priv/patience.h"
#include "rpc/server.h"
#include "ruedad/service.h"
#include <stdatomic.h>

struct set_directory {
	struct patience patience;
	int cancel_fd;   /* Owned. */
	_Atomic int why; /* It is cancelled; else 0. */
	bool opened;     /* Of the worker. */
};

int set_directory_init(struct set_directory *d, const struct service *s);
void set_directory_done(struct set_directory *d);

/* On a worker: type is PRIV_OPEN_BACKUP or PRIV_OPEN_RESTORE; the caller must live until it returns.  The disk in *ret is the
 * caller's, and is freed before set_directory_done(). */
int set_directory_open(struct set_directory *d, struct service *s, enum priv_request_type type, const char *path,
    bool may_create, const struct rpc_identity *caller, struct priv_directory *ret, struct error *e);
/* On the loop: what is done there ends soon, with this error.  The first one counts. */
void set_directory_cancel(struct set_directory *d, int why);
int set_directory_cancelled(struct set_directory *d); /* That error, or 0.  From any thread. */
/* What a job ended with in which the directory was used: of what was cancelled the reason, of what hangs what to do. */
int set_directory_outcome(struct set_directory *d, int r, struct error *e);
