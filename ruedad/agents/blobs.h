/* blobs: when blobs may be removed, and when put.  See blobs.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/service.h"

/* A put's turn, from before its first write to the outcome of the command that names it. */
struct blob_turn {
	struct blob_turn *next;
	loop_callback *begin;
	void *data;
};

/* True: begin at once.  False: begin(data) is called when the sweep that runs or is due is over. */
bool blobs_begin(struct service *s, struct blob_turn *turn);
/* unknown: nobody knows whether the command is in the log, or yet will be. */
void blobs_end(struct service *s, bool unknown);

/* A backup takes and drops its hold: what it names stays. */
void blobs_hold(struct service *s);
void blobs_release(struct service *s);

/* A checkpoint of the database is durable: what neither it nor the database names any more may go, soon. */
void blobs_checkpointed(struct service *s, struct db_snapshot *snapshot);

/* Nothing puts or sweeps. */
bool blobs_idle(const struct service *s);
/* The process has died: forget what was under way. */
void blobs_abandon(struct service *s);
