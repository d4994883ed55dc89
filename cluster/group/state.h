/* state: what groups and resources are doing: the replicated half of them that is not configuration.  See state.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/guid.h"

/* The numbers are those of the API and of the saved form. */
enum resource_state {
	RESOURCE_ONLINE = 2,
	RESOURCE_OFFLINE = 3,
	RESOURCE_FAILED = 4,
	RESOURCE_ONLINE_PENDING = 0x81,
	RESOURCE_OFFLINE_PENDING = 0x82,
};

enum group_state { GROUP_ONLINE, GROUP_OFFLINE, GROUP_FAILED, GROUP_PARTIAL_ONLINE, GROUP_PENDING };

/* Why a resource changed its state; saved, never renumber. */
enum resource_reason {
	REASON_ASKED = 1,     /* Somebody asked for it, or it is to be online as the cluster starts. */
	REASON_HOST = 2,      /* The host said so. */
	REASON_RESTART = 3,   /* Brought online again after a failure. */
	REASON_TIMEOUT = 4,   /* The operation took too long. */
	REASON_NODE_LOST = 5, /* Its node is not there any more. */
	REASON_DECIDED = 6,   /* Its group moves, or a provider left. */
};

/* The text has room for whatever an error can say (base/error.h): its bytes are never fewer than its units. */
enum { RESOURCE_HISTORY = 12, RESOURCE_TEXT_MAX = 511 };

struct resource_event {
	uint64_t time; /* FILETIME; 0: the event that told it had none. */
	uint32_t state, reason, status, node;
};

struct resource_run {
	struct guid id;
	enum resource_state state;
	bool failing;         /* OFFLINE_PENDING: it ends as FAILED. */
	bool recycle;         /* It goes offline only to come back: somebody asked for a restart. */
	bool stuck;           /* FAILED: its node could not stop it, so it may still run there and nowhere else. */
	bool held;            /* OFFLINE: its node was lost, and nobody has asked for it since. */
	uint32_t node;        /* Where it runs, or may run; 0: nowhere. */
	uint64_t incarnation; /* The life of that node. */
	uint64_t operation;   /* Index of the event that began the pending transition, or led to ONLINE. */
	uint32_t sequence;    /* Grows with each change of state. */
	uint32_t status;      /* Of the last operation: a Windows code. */
	uint32_t restarts;    /* Within the period that began at restarts_since. */
	uint64_t restarts_since,
	    wake; /* In the cluster's elapsed time.  wake: when to look at it again; 0: not by time. */
	struct resource_event history[RESOURCE_HISTORY]; /* The newest first. */
	uint32_t history_count;
	char16_t text[RESOURCE_TEXT_MAX + 1]; /* What the host said last. */
};

struct group_run {
	struct guid id;
	uint32_t owner;  /* Node; 0: not placed yet. */
	uint32_t target; /* Node that it moves to; 0: it stays. */
	uint32_t sequence;
	uint32_t failovers;
	uint64_t failovers_since;
	uint64_t moved; /* FILETIME of the last move. */
	uint32_t drained;  /* Node that it had to leave because that was drained; 0: none. */
	uint32_t failback; /* Node that it is to go back to when its policy allows it; 0: it stays. */
	bool failback_now; /* Whatever the policy says of the hour. */
};

struct group_table {
	struct resource_run *resources; /* Ascending by id; who is not here is OFFLINE and never was anything else. */
	struct group_run *groups;       /* The same: not placed. */
	uint32_t *paused;               /* Nodes, ascending. */
	uint32_t resource_count, group_count, paused_count;
};

void group_table_done(struct group_table *t);

/* What there is, or NULL. */
const struct resource_run *resource_run_find(const struct group_table *t, const struct guid *id);
const struct group_run *group_run_find(const struct group_table *t, const struct guid *id);
/* What there is, or a new one; NULL without memory.  Good until the next of these calls. */
struct resource_run *resource_run_get(struct group_table *t, const struct guid *id);
struct group_run *group_run_get(struct group_table *t, const struct guid *id);
void resource_run_drop(struct group_table *t, const struct guid *id);
void group_run_drop(struct group_table *t, const struct guid *id);

/* Without a run: OFFLINE. */
static inline enum resource_state resource_run_state(const struct resource_run *r)
{
	return r != NULL ? r->state : RESOURCE_OFFLINE;
}
/* It runs, or may run. */
static inline bool resource_is_active(const struct resource_run *r)
{
	return r != NULL && (r->stuck || (r->state != RESOURCE_OFFLINE && r->state != RESOURCE_FAILED));
}

bool node_is_paused(const struct group_table *t, uint32_t node);
int node_set_paused(struct group_table *t, uint32_t node, bool paused); /* -ENOMEM */

void group_table_save(const struct group_table *t, struct buf *out);
/* Of a runtime state of that version.  -ENOMEM; damage makes the cursor fail. */
int group_table_load(struct group_table *t, struct cursor *c, uint32_t version);
