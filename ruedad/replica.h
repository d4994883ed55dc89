/* replica: this node's copy of the cluster: the engine's events applied to the core, and the commands that wait for
 * their outcome.  See replica.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/cluster.h"
#include "engine/engine.h"
#include "io/loop.h"

struct replica;

struct replica_client {
	/* An event was applied; for notifications and for the checkpoint policy.  result is borrowed. */
	void (*on_applied)(void *data, const struct cluster_event *event, const struct cluster_result *result);
	/* The process cannot go on and must end. */
	void (*failed)(void *data, const struct error *error);
	void *data;
};

/* Takes over engine and cluster, also when it fails. */
int replica_new(struct loop *loop, struct engine *engine, struct cluster *cluster, const struct replica_client *client,
    struct replica **ret);
/* Replays what lies behind the cluster's applied index, then goes live. */
int replica_start(struct replica *r, struct error *error);
/* Every waiting command is told its outcome, then stopped(data); after that replica_free(). */
void replica_stop(struct replica *r, void (*stopped)(void *data), void *data);
void replica_free(struct replica *r); /* Also without a stop, as the death of the process: nobody is told then. */

struct cluster *replica_cluster(struct replica *r);
bool replica_quorate(struct replica *r);

/* status 0: the command was applied, *result says with what outcome (borrowed during the call).  Negative: it was not and
 * never will be (ERR_RPC_S_CALL_FAILED_DNE: it was overtaken too often); ERR_RPC_S_CALL_FAILED: nobody knows. */
typedef void replica_done(void *data, int status, const struct cluster_result *result);

/* Offer a command to the log; the bytes are copied.  Never calls back from inside.  A negative result means that it was
 * not offered (-ENOMEM, ERR_RPC_S_SERVER_TOO_BUSY, ERR_SHARING_PAUSED: stopping) and that done will not be called. */
int replica_propose(struct replica *r, const void *command, size_t len, replica_done *done, void *data);
/* done(0, NULL) once everything acknowledged anywhere before this call has been applied here.  -ENOMEM as above. */
int replica_barrier(struct replica *r, replica_done *done, void *data);
/* Events up to index are in a durable checkpoint. */
void replica_trim(struct replica *r, uint64_t index);

/* The *tail*: a copy of the evaluated batches from now on, for a backup that writes its snapshot meanwhile. */
struct replica_tail;

/* Loop thread.  Snapshot and tail begin at the same index.  At most max_bytes are kept: when they are full the tail ends
 * there, which is as good a moment for a backup as any.  -ENOMEM. */
int replica_tail_begin(struct replica *r, size_t max_bytes, struct db_snapshot **ret_snapshot, uint64_t *ret_index,
    struct replica_tail **ret);
void replica_tail_end(struct replica *r, struct replica_tail *t);

struct replica_batch {
	uint64_t index;
	uint8_t *bytes;
	size_t len;
};
/* Any thread: what has been collected up to this moment, and the database as it then was; no more is added.  Owned by the
 * tail. */
void replica_tail_cut(struct replica_tail *t, const struct replica_batch **ret_batches, size_t *ret_count,
    uint64_t *ret_index, struct db_snapshot **ret_reached);
/* The sealed cluster key of that moment, owned by the tail; once it has been cut.  Length 0: there is none. */
const uint8_t *replica_tail_key(const struct replica_tail *t, size_t *ret_len);
