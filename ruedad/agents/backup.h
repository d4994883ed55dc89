/* backup: one backup of the cluster database, from the call to the set on disk.  See backup.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/set.h"
#include "rpc/server.h"
#include "ruedad/service.h"

/* r 0: the set is there, *info says what is in it; else why not.  *story is a sentence for a person in each case. */
typedef void backup_done(void *data, int r, const struct set_info *info, const char *story);

/* Never calls back from inside.  A negative result: refused, with the story, and done will not be called.
 * ERR_CALL_NOT_IMPLEMENTED: api_level 2008; ERR_CLUSTER_BACKUP_IN_PROGRESS; ERR_BUSY: a restore is running; what path_translate() says of the path. */
int backup_start(struct service *s, struct u16 path, const struct rpc_identity *caller, backup_done *done, void *data,
    struct error *error);

/* Let the running backup, if there is one, end soon and without a set, with the error why. */
void backup_cancel(struct service *s, int why);
/* The process has died: free what is left of it, tell nobody. */
void backup_abandon(struct service *s);
