/* restore: put the cluster database of a backup set in force on this node.  See restore.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/server.h"
#include "ruedad/service.h"

struct restore_request {
	struct u16 path;
	bool force;
	bool plan;                 /* Only say what would be done. */
	const char16_t *drive;     /* Of the quorum disk, "x:", or NULL. */
	struct u16 as_node;        /* The node of the set that this host takes the place of, or empty. */
	struct u16 as_new;         /* The name of a new cluster that is made of the set, or empty. */
	struct u16 only;           /* A resource, by name or id: only its checkpoints; or empty. */
	struct seal_secret secret; /* Opens the set's cluster key; of the kind NONE: none was given. */
	const struct rpc_identity *caller;
};

/* r 0: done (or, for a plan, possible).  *story says in each case what was, or would be, done, or why not. */
typedef void restore_done(void *data, int r, const char *story);

/* Never calls back from inside; a negative result: refused, with the story, and done will not be called. */
int restore_start(
    struct service *s, const struct restore_request *request, restore_done *done, void *data, struct error *error);

/* Let the running restore, if there is one that still reads the set, end soon with the error why; nothing is changed then. */
void restore_cancel(struct service *s, int why);
/* The process has died: free what is left of it, tell nobody. */
void restore_abandon(struct service *s);

bool restore_drive_is_valid(const char16_t *drive); /* Exactly a letter, a colon and the end. */
