/* engine: the one ordered, durable log of a cluster, behind the narrowest interface that a simulator can stand in for.
 *
 * Why      replicas stay equal because they apply the same events in the same order; who orders them (the embedded log
 *          on one machine, etcd in a cluster, the simulator in tests) must not matter to anything above.
 * How      every event has an index: previous + 1, dense, the same on every node.  An event is shown by on_event() only
 *          when it is durable (on a majority).  propose() offers a command; its outcome is told once:
 *
 *             0                           committed: on_event() has shown it, or shows it next, at *index*
 *             negative, not the below     refused: it is not in the log and never will be
 *             ERR_RPC_S_CALL_FAILED       unknown: it may be in the log, now or later
 *
 *          A command's id is {incarnation of the proposing node, counter}; the counter rises by one per command.  An
 *          unknown command may be proposed again under the same id: the state above applies an id once, for ever (it
 *          keeps the last counter of each incarnation), so events may repeat an id.
 * Events   a command; owner-elected (a node, a term that only rises; commands carry the term that they assume and are
 *          void under another); node-joined and node-lost (a node and its incarnation).  A node that joins again has a
 *          new incarnation; whether and when the old one is called lost is another matter.
 * Promise  an acknowledged command is never lost and never reordered; two nodes never see different events at an index.
 *          Commands enter the log in the order in which their node proposed them: one that has not entered before a
 *          later one enters only if it is proposed again, and is then void, since a later counter has been applied.
 *          No command of an incarnation enters after that incarnation's node-lost.
 * Not kept a refusal says nothing about later tries; unknown may stay unknown; death notices may come late, also for a
 *          node that lives: its engine has then failed.
 * Threads  all calls and callbacks on the loop thread; no callback from inside a call.
 * Limits   ENGINE_COMMAND_MAX bytes a command; more is refused with ERR_CLUSTERLOG_RECORD_EXCEEDS_MAXSIZE.
 * Kinds    engine/local (embedded log), engine/sim (everything the contract allows).
 * Tests    tests/sim/engine.c runs one checker of this contract against both.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

#define ENGINE_COMMAND_MAX (1u << 20)

struct engine_id {
	uint64_t incarnation; /* Of the proposing node: drawn at each start, unique. */
	uint64_t counter;     /* 1, 2, … */
};

enum engine_event_kind { ENGINE_COMMAND = 1, ENGINE_OWNER_ELECTED, ENGINE_NODE_JOINED, ENGINE_NODE_LOST };

struct engine_event {
	enum engine_event_kind kind;
	uint64_t index;
	struct engine_id id;  /* ENGINE_COMMAND */
	const uint8_t *bytes; /* ENGINE_COMMAND; borrowed during the callback. */
	size_t len;
	uint32_t node;        /* The others: which node … */
	uint64_t incarnation; /* … in which life … */
	uint64_t term;        /* … and, for ENGINE_OWNER_ELECTED, the new term. */
};

struct engine_client {
	void (*on_event)(void *data, const struct engine_event *event);
	/* The log no longer reaches back to what this node has applied: take the state of another node, at least as
	 * new as index, and start again from it.  Never called by the embedded engine. */
	void (*need_state)(void *data, uint64_t index);
	/* The engine cannot go on (a failed sync, a damaged log).  The process must end; nothing more is shown. */
	void (*failed)(void *data, const struct error *error);
	void *data;
};

typedef void engine_done(void *data, int result, uint64_t index);

struct engine;

struct engine_ops {
	/* Show every event after applied, then live ones.  applied is what the caller's checkpoint holds.  Once, and
	 * before all else; it may block (the daemon has nothing else to do yet). */
	int (*start)(struct engine *e, const struct engine_client *client, uint64_t applied, struct error *error);
	void (*propose)(
	    struct engine *e, struct engine_id id, const void *bytes, size_t len, engine_done *done, void *data);
	/* done(0, index) when everything that any node had acknowledged before this call has been shown here; negative
	 * if that cannot be had now. */
	void (*barrier)(struct engine *e, engine_done *done, void *data);
	void (*trim)(struct engine *e, uint64_t index); /* Events up to index are in a durable checkpoint. */
	bool (*quorate)(struct engine *e);
	uint64_t (*incarnation)(struct engine *e);
	/* Finish what is in flight (outcomes are told, be it as unknown), then stopped(data); after that no callback.
	 * Nothing else may be called any more.  Also allowed when the engine has failed. */
	void (*stop)(struct engine *e, void (*stopped)(void *data), void *data);
	/* After stopped or before start.  At any other time it means that the process has died: what was in flight may
	 * or may not be in the log, nobody is told; the simulated loop must have been halted. */
	void (*free)(struct engine *e);
};

struct engine {
	const struct engine_ops *ops;
};

static inline int engine_start(
    struct engine *e, const struct engine_client *client, uint64_t applied, struct error *error)
{
	return e->ops->start(e, client, applied, error);
}
static inline void engine_propose(
    struct engine *e, struct engine_id id, const void *bytes, size_t len, engine_done *done, void *data)
{
	e->ops->propose(e, id, bytes, len, done, data);
}
static inline void engine_barrier(struct engine *e, engine_done *done, void *data)
{
	e->ops->barrier(e, done, data);
}
static inline void engine_trim(struct engine *e, uint64_t index)
{
	e->ops->trim(e, index);
}
static inline bool engine_quorate(struct engine *e)
{
	return e->ops->quorate(e);
}
static inline uint64_t engine_incarnation(struct engine *e)
{
	return e->ops->incarnation(e);
}
static inline void engine_stop(struct engine *e, void (*stopped)(void *data), void *data)
{
	e->ops->stop(e, stopped, data);
}
static inline void engine_free(struct engine *e)
{
	if (e != NULL)
		e->ops->free(e);
}
