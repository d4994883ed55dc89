/* local_node: a node with the embedded engine on a simulated disk and loop, that can lose power and start again.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/local/local.h"
#include "sim/disk.h"
#include "sim/loop.h"
#include "tests/lib/engine_check.h"

struct local_node {
	struct loop *world; /* Keeps the time while the node is down. */
	struct sim_disk *medium;
	struct engine_local_options options;
	struct check *check;
	uint64_t trimmed; /* What may be gone from the log. */
	/* While it runs: */
	struct loop *loop;
	struct disk *disk;
	struct engine *engine;
	struct check_life *life;
};

/* A world, a disk and an empty log that begins behind index. */
void local_node_init(struct local_node *n, uint64_t seed, size_t segment_size, uint64_t index);
void local_node_done(struct local_node *n); /* Down first. */
/* Start the process; 0, or what refused to start (then it is down again). */
int local_node_up(struct local_node *n, uint64_t applied, struct error *error);
/* It ends as it is: the loop halts, the disk has been stopped or the process just dies; the disk is there again. */
void local_node_down(struct local_node *n);
/* Until the engine takes commands; false if it failed or the disk has stopped. */
bool local_node_settle(struct local_node *n);
/* Stop in good order, and down. */
void local_node_stop(struct local_node *n);
bool local_node_dead(struct local_node *n); /* The disk has stopped, or the engine has failed. */
