/* sim_machine: what runs on a simulated machine on behalf of resources: the guard, its hosts and their programs.
 *
 *	sim_machine_init(&m, world, seed);
 *	s.runner = &m.runner;  sim_service_up(&s, …);     one life of ruedad; the machine goes on between lives
 *	…
 *	sim_machine_orphan(&m, how);  sim_service_down(&s, how);
 *
 * How      hosts take time, fail, hang, crash, and cannot stop what they run, as a seed says; when ruedad's life ends, they
 *          stop by themselves, or the power takes them.  Once `calm`, nothing goes wrong any more.
 * Checked  inside: a host is started only when nothing is there of the one before; it is configured before it is told
 *          anything; nobody stops listening while something runs.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/agents/runner.h"
#include "sim/disk.h"
#include "sim/loop.h"

enum { SIM_HOSTS_MAX = 16 };

enum sim_host_state {
	SIM_HOST_NONE,
	SIM_HOST_COMING,   /* Asked for. */
	SIM_HOST_READY,    /* Waits to be told what to do. */
	SIM_HOST_STARTING, /* Its program runs and is not online yet. */
	SIM_HOST_RUNNING,
	SIM_HOST_FAILING, /* Has failed; gone() follows. */
	SIM_HOST_STOPPING,
	SIM_HOST_ENDING, /* gone() follows. */
	SIM_HOST_ORPHAN, /* Nobody listens; it stops. */
	SIM_HOST_LEFT,   /* gone() has said that it could not be stopped: its program goes on. */
};

struct sim_host {
	struct sim_machine *machine;
	enum sim_host_state state;
	struct guid id;
	uint64_t number, operation;
	unsigned life; /* Of ruedad, that it was started in. */
	bool clean_only, configured, deaf;
	bool program; /* It runs. */
	unsigned pongs;
	uint64_t ping;
	struct loop_timer *next, *pong;
};

struct sim_machine {
	struct runner runner;
	struct loop *world;
	struct rng rng;
	const struct runner_events *events;
	void *data;
	bool ready, calm;
	unsigned life;
	struct loop_timer *guard;
	struct sim_host hosts[SIM_HOSTS_MAX];
	/* Somebody is told to stop: the test may look whether it should be. */
	void (*on_offline)(void *data, const struct guid *id);
	void *on_offline_data;
	struct {
		unsigned starts, failures, stuck, kills;
	} counts;
};

void sim_machine_init(struct sim_machine *m, struct loop *world, uint64_t seed);
void sim_machine_done(struct sim_machine *m);
/* ruedad's life ends. */
void sim_machine_orphan(struct sim_machine *m, enum sim_disk_stop how);
/* The host of a resource whose program runs, started in this life of ruedad; or NULL. */
const struct sim_host *sim_machine_program(const struct sim_machine *m, const struct guid *id);
