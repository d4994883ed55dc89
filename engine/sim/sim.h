/* sim: an engine that does everything the contract of engine.h allows, out of malice and from one seed.  See sim.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"
#include "io/loop.h"

struct engine_sim; /* The ordered history that all its nodes share. */

struct engine_sim_options {
	uint64_t delay_ns;        /* The longest single delay of a message, a decision, an outcome. */
	uint64_t death_notice_ns; /* The longest time from a death to its node-lost. */
	uint64_t outage_ns;       /* The longest loss of quorum, or of a node's contact with the quorum. */
	/* Of a hundred proposals … */
	unsigned refuse;     /* … are refused. */
	unsigned vanish;     /* … never enter the log, and nobody tells. */
	unsigned unknown;    /* … enter the log, and nobody tells; some enter after the unknown has been told. */
	unsigned repeat;     /* … enter once more, later. */
	unsigned hasty_trim; /* Of a hundred trims reach beyond the slowest node, who then needs state. */
	/* Of a thousand steps of any node … */
	unsigned outage; /* … come with a loss of the quorum or of one node's contact. */
	unsigned elect;  /* … with another owner. */
	unsigned expel;  /* … with a living node being called lost. */
};

extern const struct engine_sim_options engine_sim_calm;    /* Small delays, nothing else. */
extern const struct engine_sim_options engine_sim_hostile; /* All of it. */

/* loop and options are borrowed; options may be changed at any time.  The log begins behind index. */
int engine_sim_new(struct loop *loop, uint64_t seed, uint64_t index, const struct engine_sim_options *options,
    struct engine_sim **ret);
/* Every engine must have been freed. */
void engine_sim_free(struct engine_sim *s);

/* A new life of a node: a new incarnation.  engine_free() without engine_stop() is the death of the process; the loop
 * need not be halted for it, but it must not be called from a callback of the engine. */
int engine_sim_node(struct engine_sim *s, uint32_t node, struct engine **ret);
/* Take the quorum away or give it back; while it is away by this call, chance does not bring it back. */
void engine_sim_set_quorum(struct engine_sim *s, bool quorum);
/* The same for one node's contact with the quorum. */
void engine_sim_set_contact(struct engine *e, bool contact);
uint64_t engine_sim_last(struct engine_sim *s); /* Index of the newest event. */
