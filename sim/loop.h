/* sim_loop: loops of any number of simulated nodes in one thread, under one virtual time, from one seed.
 *
 * Why      the order in which timers, workers and messages meet decides whether a cluster is correct; here a seed
 *          decides that order, and time costs nothing.
 * How      Everything that will happen stands in one queue of all loops (a world), ordered by virtual time; a step
 *          takes the first, moves the time to it, and does it.  Time moves in no other way: code takes none.
 * Does     work       run() happens at once inside loop_work(), or later; done() right after run() or later still;
 *                     works that were begun in one order run and end in any.  Delays are some µs to some ms, now and
 *                     then up to a second.
 *          yield      what a work calls may let other things happen before it goes on (sim_loop_yield()): so workers and
 *                     the loop interleave at each call of a simulated disk, not only as wholes.
 *          timers     fire when due, never before, in order of time within a loop.
 *          posts      are called in order, some µs later.
 *          clocks     each loop's clocks can be off and run fast or slow (sim_loop_set_clock()).
 *          pause      of one loop (sim_loop_pause()): a stopped process or a suspended machine; its clock goes on.
 *          halt       of one loop (sim_loop_halt()): power cut or death; whatever was pending never happens.
 * Threads  one.     Limits  memory.
 * Tests    tests/unit/loop.c (contract), tests/unit/sim_loop.c
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/loop.h"
#include "sim/rng.h"

/* The first loop of a new world; its clock starts at a drawn uptime. */
int sim_loop_new(uint64_t seed, struct loop **ret);
/* Another one in the world of l: another node, or a node that starts again. */
int sim_loop_add(struct loop *l, struct loop **ret);
/* Timers must be freed before; what is pending is discarded.  The world ends with its last loop, which must not be
 * freed by a callback. */
void sim_loop_free(struct loop *l);
DEFINE_FREEP(struct loop, sim_loop_free)

/* These act on the whole world of l. */
uint64_t sim_loop_time_ns(struct loop *l); /* Virtual time since the world began. */
struct rng *sim_loop_rng(struct loop *l);  /* For the choices of whoever drives the world. */
bool sim_loop_step(struct loop *l);        /* The next event; false if nothing is left. */
/* Until nothing is left (true), or the next event is more than limit_ns away from now (false). */
bool sim_loop_run_until_idle(struct loop *l, uint64_t limit_ns);
void sim_loop_run_for(struct loop *l, uint64_t ns); /* All that happens within ns; the time is then that much later. */
/* Until condition(data) holds after an event (true), or limit_ns have passed or nothing is left (false). */
bool sim_loop_run_until(struct loop *l, bool (*condition)(void *data), void *data, uint64_t limit_ns);

/* For a simulated disk or the like: if the caller is a run() on its worker, other events happen, those that are due within
 * ns, before this returns.  Nothing otherwise.  Loops must not be halted or freed by what happens. */
void sim_loop_yield(struct loop *l, uint64_t ns);

/* These act on one loop. */
/* Nothing of this loop happens any more, now or later, and the objects that its callbacks would have used may be freed.
 * Memory that only a discarded callback knew of is lost: keep hold of it elsewhere, or expect a leak. */
void sim_loop_halt(struct loop *l);
void sim_loop_pause(struct loop *l, uint64_t ns);
/* Its clock runs drift_ppm fast (or slow); the wall clock is wall_offset (FILETIME units) off from now on. */
void sim_loop_set_clock(struct loop *l, int32_t drift_ppm, int64_t wall_offset);
/* Bounds of the usual delay of a work (each of its halves); rare ones are up to a thousand times as long. */
void sim_loop_set_work_delay(struct loop *l, uint64_t min_ns, uint64_t max_ns);
