/* putback: saved state put back where it was captured; see putback.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"

struct putback_job;

/* Called once, on the loop, never from inside.  0: the source is what was saved, and error->text tells what could not be put
 * back as it was, or is empty.  Otherwise the source is what it was before, and error->text why. */
typedef void putback_done(void *data, int r, const struct error *error);

/* Put back what is saved now for a checkpoint.  A negative result: not begun, done will not be called.
 * ERR_SHARING_PAUSED, ERR_RESOURCE_NOT_FOUND; ERR_FILE_NOT_FOUND: there is no such checkpoint, or nothing was ever saved for
 * it; ERR_NOT_SUPPORTED: nothing on this node puts back such a source.  ret may be NULL.
 * Told: ERR_INVALID_DATA: the saved state is missing or damaged; what source_put_back() gives. */
int capture_put_back(struct service *s, const struct guid *resource, enum checkpoint_kind kind, uint32_t number,
    putback_done *done, void *data, struct putback_job **ret);
/* done() comes soon after, with ERR_CANCELLED, or with the outcome if it was decided before. */
void putback_cancel(struct putback_job *job);

/* The service is going down: all are cancelled. */
void putback_cancel_all(struct service *s);
/* The process has died: nobody is told. */
void putback_abandon(struct service *s);
