/* engine: one checker of the contract (tests/lib/engine_check.h), one random driver, two engines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sim/sim.h"
#include "tests/lib/local_node.h"

#define MS 1000000ull

/* The simulated engine. */

enum { NODES_MAX = 5 };

struct world {
	struct loop *loop;
	struct rng rng;
	struct engine_sim *sim;
	struct engine_sim_options options;
	struct check *check;
	struct world_node {
		struct engine *engine; /* NULL: down. */
		struct check_life *life;
		uint64_t applied; /* What it has on its disk. */
		bool cut;
	} nodes[NODES_MAX];
	uint64_t node_count;
	uint64_t states, failures; /* How often a node needed state; was called lost. */
};

static void world_init(struct world *w, uint64_t seed, const struct engine_sim_options *options, uint64_t index)
{
	*w = (struct world){ .options = *options };
	CHECK_INT(sim_loop_new(seed, &w->loop), 0);
	rng_init(&w->rng, seed);
	CHECK_INT(engine_sim_new(w->loop, rng_u64(&w->rng), index, &w->options, &w->sim), 0);
	w->check = check_new(index);
	w->node_count = rng_between(&w->rng, 1, NODES_MAX);
	for (uint64_t i = 0; i < w->node_count; i++)
		w->nodes[i].applied = index;
}

static void node_up(struct world *w, uint64_t i)
{
	struct world_node *n = &w->nodes[i];
	struct error error;

	CHECK_INT(engine_sim_node(w->sim, (uint32_t)i + 1, &n->engine), 0);
	n->life = check_start(w->check, n->engine, n->applied, &error);
	CHECK(n->life != NULL);
	n->cut = false;
}

/* A checkpoint lies anywhere between the last one and what has been shown. */
static void node_down(struct world *w, uint64_t i)
{
	struct world_node *n = &w->nodes[i];

	if (n->life->needs_state) {
		/* Another node's state: at least as new as was asked for. */
		n->applied = rng_between(&w->rng, n->life->state_index, engine_sim_last(w->sim));
		/* What it skips must be known from somebody else for the checker. */
		n->applied = MIN(n->applied, MAX(w->check->last, n->life->state_index));
		w->states++;
	} else {
		n->applied = rng_between(&w->rng, n->applied, n->life->shown);
	}
	w->failures += n->life->failed;
	check_end(n->life);
	engine_free(n->engine);
	n->engine = NULL;
	n->life = NULL;
}

static void node_step(struct world *w, uint64_t i)
{
	struct world_node *n = &w->nodes[i];
	uint64_t dice = rng_below(&w->rng, 100);

	if (n->engine == NULL) {
		if (dice < 30)
			node_up(w, i);
		return;
	}
	if (n->life->failed || n->life->needs_state || n->life->stopped || dice < 2) {
		node_down(w, i);
		return;
	}
	if (n->life->stopping)
		return;
	if (dice < 40) {
		for (uint64_t k = rng_below(&w->rng, 5); k > 0; k--)
			check_propose(n->life, rng_below(&w->rng, rng_chance(&w->rng, 5) ? 5000 : 50));
	} else if (dice < 50) {
		(void)check_propose_again(n->life, &w->rng);
	} else if (dice < 60) {
		check_barrier(n->life);
	} else if (dice < 65) {
		n->applied = rng_between(&w->rng, n->applied, n->life->shown);
		engine_trim(n->engine, n->applied);
	} else if (dice < 66) {
		check_stop(n->life);
	} else if (dice < 68) {
		n->cut = !n->cut;
		engine_sim_set_contact(n->engine, !n->cut);
	}
}

static bool is_up_to_date(void *data)
{
	struct world *w = data;

	for (uint64_t i = 0; i < w->node_count; i++) {
		const struct world_node *n = &w->nodes[i];

		if (!n->life->failed && !n->life->needs_state &&
		    (n->life->shown < engine_sim_last(w->sim) || n->life->open > 0 || !engine_quorate(n->engine)))
			return false;
	}
	return true;
}

static bool are_stopped(void *data)
{
	struct world *w = data;

	for (uint64_t i = 0; i < w->node_count; i++)
		if (!w->nodes[i].life->stopped)
			return false;
	return true;
}

/* Faults end: the cluster must be whole soon. */
static void heal(struct world *w)
{
	bool whole = false;

	w->options = engine_sim_calm;
	engine_sim_set_quorum(w->sim, true);
	while (!whole) {
		whole = true;
		for (uint64_t i = 0; i < w->node_count; i++) {
			struct world_node *n = &w->nodes[i];

			if (n->engine != NULL && (n->life->failed || n->life->needs_state || n->life->stopping))
				node_down(w, i);
			if (n->engine == NULL)
				node_up(w, i);
			engine_sim_set_contact(n->engine, true);
		}
		CHECK(sim_loop_run_until(w->loop, is_up_to_date, w, 60000 * MS));
		for (uint64_t i = 0; i < w->node_count; i++)
			whole &= !w->nodes[i].life->failed && !w->nodes[i].life->needs_state;
	}
}

static void world_done(struct world *w)
{
	for (uint64_t i = 0; i < w->node_count; i++)
		check_stop(w->nodes[i].life);
	CHECK(sim_loop_run_until(w->loop, are_stopped, w, 60000 * MS));
	for (uint64_t i = 0; i < w->node_count; i++)
		node_down(w, i);
	engine_sim_free(w->sim);
	check_free(w->check);
	sim_loop_free(w->loop);
}

static void run_world(uint64_t seed, const struct engine_sim_options *options, uint64_t steps, uint64_t sums[6])
{
	struct world w;

	world_init(&w, seed, options, rng_chance(&(struct rng){ { seed, 1, 2, 3 } }, 50) ? 0 : 1000);
	for (uint64_t step = 0; step < steps; step++) {
		node_step(&w, rng_below(&w.rng, w.node_count));
		if (rng_chance(&w.rng, 1) && options->outage > 0)
			engine_sim_set_quorum(w.sim, rng_chance(&w.rng, 50));
		sim_loop_run_for(w.loop, rng_below(&w.rng, 20 * MS));
	}
	heal(&w);
	CHECK_INT(w.check->last, engine_sim_last(w.sim));
	check_finish(w.check);
	for (int i = 0; i < 4; i++)
		sums[i] += w.check->counts[i];
	sums[4] += w.states;
	sums[5] += w.failures;
	world_done(&w);
}

TEST(the_simulated_engine_keeps_the_contract_on_good_days)
{
	uint64_t sums[6] = { 0 };

	for (uint64_t i = 0; i < test_rounds(20); i++) {
		test_note_seed(test_seed + i);
		run_world(test_seed + i, &engine_sim_calm, 500, sums);
	}
	CHECK(sums[0] > 1000 && sums[5] == 0);
}

TEST(the_simulated_engine_keeps_the_contract_on_bad_days)
{
	uint64_t sums[6] = { 0 };

	for (uint64_t i = 0; i < test_rounds(100); i++) {
		test_note_seed(test_seed + i);
		run_world(test_seed + i, &engine_sim_hostile, 1000, sums);
	}
	/* A simulator that never does the bad things would pass as well. */
	CHECK(sums[0] > 1000 && sums[1] > 100 && sums[2] > 100 && sums[3] > 100 && sums[4] > 5 && sums[5] > 5);
}

TEST(the_same_seed_gives_the_same_run)
{
	uint64_t a[6] = { 0 }, b[6] = { 0 };

	run_world(test_seed, &engine_sim_hostile, 1000, a);
	run_world(test_seed, &engine_sim_hostile, 1000, b);
	CHECK_MEM(a, b, sizeof(a));
}

TEST(without_quorum_nothing_is_committed)
{
	struct world w;
	uint64_t last;

	world_init(&w, test_seed, &engine_sim_calm, 0);
	node_up(&w, 0);
	sim_loop_run_for(w.loop, 1000 * MS);
	CHECK(engine_quorate(w.nodes[0].engine));
	last = engine_sim_last(w.sim);
	CHECK_INT(last, 2); /* Joined, elected. */
	engine_sim_set_quorum(w.sim, false);
	CHECK(!engine_quorate(w.nodes[0].engine));
	check_propose(w.nodes[0].life, 10);
	check_barrier(w.nodes[0].life);
	sim_loop_run_for(w.loop, 100 * MS);
	CHECK_INT(engine_sim_last(w.sim), last);
	heal(&w);
	CHECK_INT(w.nodes[0].life->open, 0);
	world_done(&w);
}

/* The embedded engine. */

static void local_step(struct local_node *n, struct rng *rng)
{
	uint64_t dice = rng_below(rng, 100);

	if (n->life->failed) {
		if (dice < 50 && !n->life->stopping)
			local_node_stop(n);
		else
			local_node_down(n);
		return;
	}
	if (n->life->stopping || sim_disk_is_stopped(n->medium)) {
		if (n->life->stopped || sim_disk_is_stopped(n->medium) || dice < 2)
			local_node_down(n);
	} else if (dice < 50) {
		for (uint64_t k = rng_below(rng, 10); k > 0; k--)
			check_propose(n->life, rng_below(rng, rng_chance(rng, 5) ? 7000 : 200));
	} else if (dice < 60) {
		(void)check_propose_again(n->life, rng);
	} else if (dice < 65) {
		check_barrier(n->life);
	} else if (dice < 70) {
		n->trimmed = rng_between(rng, n->trimmed, n->life->shown);
		engine_trim(n->engine, n->trimmed);
	} else if (dice < 71) {
		check_stop(n->life);
	} else if (dice < 72) {
		sim_disk_stop(n->medium, rng_chance(rng, 50) ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH);
	} else if (dice < 73) {
		sim_disk_stop_at(n->medium, SIM_DISK_ANY, rng_between(rng, 1, 20),
		    rng_chance(rng, 50) ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH);
	} else if (dice < 74) {
		sim_disk_fail_at(
		    n->medium, SIM_DISK_ANY, rng_between(rng, 1, 50), rng_chance(rng, 50) ? -EIO : -ENOSPC);
	}
}

/* After failures of the disk, a start may be refused with that failure, but the next must not. */
static void local_up(struct local_node *n, struct rng *rng)
{
	uint64_t applied = rng_between(rng, n->trimmed, n->check->last);
	struct error error = { 0 };
	bool excused = sim_disk_has_failed(n->medium);
	int r = local_node_up(n, applied, &error);

	if (r < 0 && (r == ERR_CLUSTERLOG_CORRUPT || (!excused && !sim_disk_has_failed(n->medium) && r != -EIO)))
		test_fail(__FILE__, __LINE__, "%s", error.text);
}

static void run_local(uint64_t seed, uint64_t steps, uint64_t counts[4])
{
	struct local_node n;
	struct error error;
	struct rng rng;

	rng_init(&rng, seed);
	local_node_init(&n, seed, rng_chance(&rng, 50) ? 8 << 10 : 64 << 10, rng_below(&rng, 2) * 1000);
	sim_disk_set_garbage(n.medium, rng_chance(&rng, 50) ? SIM_DISK_GARBAGE_WRITE : SIM_DISK_NO_GARBAGE);
	for (uint64_t step = 0; step < steps; step++) {
		if (n.engine == NULL)
			local_up(&n, &rng);
		else
			local_step(&n, &rng);
		sim_loop_run_for(n.world, rng_below(&rng, 5 * MS));
	}
	/* Faults end. */
	sim_disk_fail_at(n.medium, SIM_DISK_ANY, 0, -EIO);
	sim_disk_stop_at(n.medium, SIM_DISK_ANY, 0, SIM_DISK_DEATH);
	if (n.engine != NULL)
		local_node_down(&n);
	if (local_node_up(&n, n.trimmed, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
	CHECK(local_node_settle(&n));
	check_propose(n.life, 10);
	CHECK(local_node_settle(&n));
	CHECK_INT(n.life->shown, n.check->last);
	check_finish(n.check);
	local_node_stop(&n);
	for (int i = 0; i < 4; i++)
		counts[i] += n.check->counts[i];
	local_node_done(&n);
}

TEST(the_embedded_engine_keeps_the_contract_through_any_number_of_crashes)
{
	uint64_t counts[4] = { 0 };

	for (uint64_t i = 0; i < test_rounds(100); i++) {
		test_note_seed(test_seed + i);
		run_local(test_seed + i, 1000, counts);
	}
	CHECK(counts[0] > 10000 && counts[1] > 100 && counts[2] > 10 && counts[3] > 100);
}
