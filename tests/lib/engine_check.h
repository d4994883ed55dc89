/* engine_check: one checker of the contract in engine/engine.h, for every engine.
 *
 * How      a *check* watches one history; a *life* is one engine from its start to its end.  The check proposes commands
 *          whose bytes follow from their ids, notes each outcome and each event that any life is shown, and fails the
 *          test as soon as one of these is broken:
 *
 *             acknowledged  is in the log, once at least, at the index that was told, behind all that had been
 *                           acknowledged when it was proposed, and (proposed once) not void by a later counter
 *             refused       is never in the log
 *             unknown       may be; nothing is told twice
 *             events        dense, the same for all lives and after each restart; terms rise; no command before its
 *                           node has joined or after it was lost
 *             barrier       everything acknowledged before is shown
 *             calls         nothing is called back from inside a call, or after the end
 * Tests    tests/sim/engine.c and tests/crash/local.c use it; tests/mutants/ break what it watches.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"
#include "sim/rng.h"
#include "tests/lib/test.h"

struct check_event {
	enum engine_event_kind kind;
	struct engine_id id;
	uint32_t node;
	uint64_t incarnation, term;
	size_t len;
	uint32_t crc;
};

struct check {
	uint64_t base, last;   /* The history is known from base + 1 to last. */
	uint64_t acknowledged; /* The highest index that anybody has been told. */
	uint64_t term;
	struct check_event *events;
	size_t capacity;
	struct check_life *lives;
	struct check_proposal *proposals;
	uint64_t counts[4]; /* Of outcomes: acknowledged, refused, unknown, barriers. */
};

struct check_life {
	struct check *check;
	struct check_life *next;
	struct engine *engine;                     /* Borrowed; NULL when it has ended. */
	uint64_t incarnation, shown, counter, top; /* top: highest counter in the log. */
	struct check_command **commands;           /* By counter. */
	size_t capacity, open;                     /* Proposals and barriers that wait for an outcome. */
	bool calling, joined, lost, failed, needs_state, stopping, stopped;
	uint64_t state_index; /* needs_state */
	struct error error;   /* failed */
};

struct check *check_new(uint64_t index);
void check_free(struct check *c);

/* Start the engine; NULL with the error if that failed. */
struct check_life *check_start(struct check *c, struct engine *e, uint64_t applied, struct error *ret_error);
void check_propose(struct check_life *l, size_t len);
bool check_propose_again(struct check_life *l, struct rng *rng); /* One that is unknown, if there is any. */
void check_barrier(struct check_life *l);
void check_stop(struct check_life *l); /* l->stopped tells when. */
void check_end(struct check_life *l);  /* The engine is about to be freed; what is open stays unknown. */
/* Everything that can be said when some life has been shown all. */
void check_finish(struct check *c);
