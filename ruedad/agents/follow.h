/* follow: the state of a resource outside the database follows the resource; see follow.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"

struct follow; /* The checkpoints of one resource on this node. */

/* The end of follow_begin() or follow_end(), on the loop, never from inside. */
typedef void follow_done(void *data, int r, const struct error *error);

int follow_new(
    struct service *s, const struct guid *resource, follow_done *done, void *data, struct follow **ret); /* -ENOMEM */
/* Nobody is told.  Nothing that was begun may run any more, or the loop will not run again. */
void follow_free(struct follow *f);

/* Before the resource starts.  1: nothing is to be put back.  0: done() will come, with 0 if everything has been put back, or was
 * left unsaved here; if not, with the reason, and the resource must not start.  -ENOMEM.  From success until follow_end() changes are saved. */
int follow_begin(struct follow *f);
/* After it has stopped.  True: there is nothing to save, or nothing was put back before.  False: done() will come: 0, or what
 * could not be saved and why.  Takes FOLLOW_END_NS at most, and what a job needs to be cancelled. */
#define FOLLOW_END_NS UINT64_C(30000000000)
bool follow_end(struct follow *f);
/* done() comes soon; after putting back with an error, whatever has been done. */
void follow_cancel(struct follow *f);

/* The database has changed since `before`: perhaps the list of checkpoints. */
void follow_look(struct follow *f, const struct db_key *before);

/* What is being put back just now, for a story; "" if nothing is. */
void follow_describe(const struct follow *f, char *text, size_t size);
