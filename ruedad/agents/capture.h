/* capture: outside state captured for a resource; see capture.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"

/* Called once: 0, or why it was not saved. */
typedef void capture_done(void *data, int r, const struct error *error);

/* Capture a source and make it a checkpoint of the resource.  A negative result: not begun, done will not be called.
 * What checkpoint_check_add() refuses; ERR_NOT_SUPPORTED: nothing on this node captures such a source;
 * ERR_NO_RECOVERY_POLICY: crypto, and there is no cluster key to encrypt it with; what capturing gives.  The log
 * tells if it fails. */
int capture_add(struct service *s, const struct guid *resource, const struct capture_source *source, capture_done *done,
    void *data);
/* Capture one that is there again; done(0) without a command if nothing has changed.  ERR_FILE_NOT_FOUND also if it is
 * deleted meanwhile; ERR_BUSY: somebody is doing so just now.  Its source must have been in use on this node.  This is allowed, too, while the resources of this node are being stopped before the service is. */
int capture_save(struct service *s, const struct guid *resource, enum checkpoint_kind kind, uint32_t number,
    capture_done *done, void *data);
/* Saving checkpoints of the resource ends soon, with ERR_CANCELLED or as it would have. */
void capture_cancel_saves(struct service *s, const struct guid *resource);
/* The service is going down: what is being captured ends soon, with ERR_CANCELLED. */
void capture_cancel(struct service *s);
/* The process has died: nobody is told. */
void capture_abandon(struct service *s);
