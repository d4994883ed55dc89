/* rebuild: saved state of a resource that is missing or damaged, made whole again; see rebuild.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/call.h"
#include "ruedad/service.h"

struct rebuild_request {
	struct guid resource;
	enum checkpoint_kind kind;
	struct u16 path;                   /* The checkpoint's. */
	struct u16 set;                    /* Take it from this backup set; empty: capture it again. */
	bool plan;                         /* Look, and only tell what would be done. */
	const struct rpc_identity *caller; /* With whose rights the set is opened. */
};

/* What was found, and done or not. */
enum rebuild_outcome { REBUILD_WHOLE = 0, REBUILD_CAPTURED = 1, REBUILD_TAKEN = 2, REBUILD_PLANNED = 3 };

/* Called once; the story is for people, also if r is 0. */
typedef void rebuild_done(void *data, int r, enum rebuild_outcome outcome, const char *story);

/* A negative result: not begun, done will not be called, and the story is in *error.  ERR_FILE_NOT_FOUND: no such
 * checkpoint; ERR_SHARING_PAUSED; ERR_RPC_S_SERVER_TOO_BUSY: REBUILDS_MAX.
 * Told: ERR_RESOURCE_NOT_ONLINE: there is nothing to capture here; ERR_RESOURCE_ONLINE: the set has another state, which is not put
 * under a resource that runs; ERR_BUSY: something was saved meanwhile; ERR_CLUSTER_INSTANCE_ID_MISMATCH: the set is of another
 * cluster; ERR_NOT_FOUND: it has no such checkpoint; ERR_DATABASE_BACKUP_CORRUPT; what capturing gives. */
int rebuild_start(
    struct service *s, const struct rebuild_request *request, rebuild_done *done, void *data, struct error *error);
/* Those that read sets end soon, with the error why. */
void rebuild_cancel(struct service *s, int why);
/* The process has died: nobody is told. */
void rebuild_abandon(struct service *s);
