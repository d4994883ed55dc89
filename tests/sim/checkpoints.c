/* checkpoints: the state of a resource outside the database through many lives of a node: its application changes keys, files
 * and key material while it runs, strangers change them while it does not, backups are made and restored, as a whole, for
 * the resource alone or for one of its checkpoints, the cluster key is sealed anew, blobs are swept, disks fail, and the
 * power goes, all of it at any moment of noticing, capturing, saving and putting back.
 *
 * Oracle   each number is written once, so it tells when; those of strangers are marked.  All sources are called keys here.
 * Checked  what the database names is there, whole, and was once the source; it never goes back, and is never a stranger's.
 *          What the application left when the process died is there when the resource is online again, or something newer.
 *          When the resource has come online, its sources are what was saved; when it has gone offline, or the service has
 *          stopped, what was saved is the sources; and so it is some time after the last change.
 *          A set holds the blobs that its own database names and no others, not older than when it was asked for and not
 *          newer than when it was answered: a change that is made meanwhile is wholly in or wholly out.  What is restored
 *          is what the set holds; of the resource alone all of it at one index, or nothing, and never while it runs.
 *          The cluster key of a set, and of the cluster, opens with one of two private keys, the one that the log says, and is
 *          the one that the set's key material is encrypted with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sim_set.h"
#include "tests/sim/checkpoints_world.h"

enum { STEPS_MAX = 1500, LIVES = 12 };

/* Lives. */

static void arm(struct world *w)
{
	struct sim_disk *disk = rng_chance(&w->rng, 70) ? w->outside.sim.state : w->outside.sim.sets;
	uint64_t nth = 1 + rng_below(&w->rng, rng_chance(&w->rng, 50) ? 100 : 600);

	w->how = rng_chance(&w->rng, 70) ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH;
	w->faults = false;
	switch (rng_below(&w->rng, 6)) {
	case 0:
	case 1:
		sim_disk_stop_at(disk, SIM_DISK_ANY, nth, w->how);
		break;
	case 2:
		sim_disk_fail_at(disk, SIM_DISK_ANY, nth, -EIO);
		w->faults = true;
		break;
	default:
		break;
	}
}

static void disarm(struct world *w)
{
	sim_disk_stop_at(w->outside.sim.state, 0, 0, SIM_DISK_DEATH);
	sim_disk_stop_at(w->outside.sim.sets, 0, 0, SIM_DISK_DEATH);
	sim_disk_fail_at(w->outside.sim.state, 0, 0, -EIO);
	sim_disk_fail_at(w->outside.sim.sets, 0, 0, -EIO);
}

static void run_for(struct world *w, uint64_t ns)
{
	uint64_t until = sim_loop_time_ns(w->outside.sim.world) + ns;

	while (!outside_is_over(&w->outside) && sim_loop_time_ns(w->outside.sim.world) < until) {
		CHECK(sim_loop_step(w->outside.sim.world));
		world_look(w);
	}
}

static bool has_stopped(void *data)
{
	struct world *w = data;

	return outside_is_over(&w->outside) || w->outside.sim.stopped;
}

static void life_end(struct world *w)
{
	bool killed = sim_service_is_dead(&w->outside.sim) && w->how == SIM_DISK_DEATH && w->state == RESOURCE_ONLINE;
	struct numbers n;

	for (unsigned i = 0; i < KEYS; i++)
		w->keys[i].left = killed && w->keys[i].listed && !w->keys[i].busy;
	w->open = false;
	w->counts.crashes += sim_service_is_dead(&w->outside.sim);
	disarm(w);
	sim_service_down(&w->outside.sim, w->how);
	w->task = w->second_task = IDLE;
	for (unsigned i = 0; i < DIRECTORIES; i++)
		(void)read_set(w, i, &n, NULL);
}

static bool is_started(void *data)
{
	return is_up(data);
}

static void life_begin(struct world *w)
{
	struct error error = { 0 };

	if (sim_service_up(&w->outside.sim, &error) < 0)
		test_fail(__FILE__, __LINE__, "it does not start: %s", error.text);
	CHECK(sim_loop_run_until(w->outside.sim.world, is_started, w, 600 * SECOND));
	w->state = RESOURCE_OFFLINE;
	w->was_online = false;
	for (unsigned i = 0; i < KEYS; i++) {
		w->keys[i].busy = w->keys[i].fresh = false;
		if (w->keys[i].left != 0)
			w->keys[i].left = source_of(w, &w->keys[i]);
		w->keys[i].digest = (struct digest){ 0 }; /* It is read again. */
	}
	world_look(w);
	w->pending[0].is = w->pending[1].is = false;
	if (service_of(w)->header.key_len > 0) {
		int pair = (int)sim_set_pair(&service_of(w)->header);

		CHECK(w->pair == pair || w->pair < 0);
		w->pair = pair;
	}
	w->open = true;
}

/* The last change is long ago. */
static void be_calm(struct world *w)
{
	w->open = false;
	run_for(w, 100 * SECOND);
	if (outside_is_over(&w->outside) || w->state != RESOURCE_ONLINE || w->faults)
		return;
	for (unsigned i = 0; i < KEYS; i++)
		if (w->keys[i].listed)
			CHECK_INT(w->keys[i].saved, source_of(w, &w->keys[i]));
}

static void stop_in_good_order(struct world *w)
{
	bool all_saved = w->state == RESOURCE_ONLINE && !w->faults && !is_adding(w);
	uint32_t sources[KEYS];

	for (unsigned i = 0; i < KEYS; i++)
		sources[i] = source_of(w, &w->keys[i]);
	sim_service_stop(&w->outside.sim);
	CHECK(sim_loop_run_until(w->outside.sim.world, has_stopped, w, 600 * SECOND));
	if (outside_is_over(&w->outside))
		return;
	life_end(w);
	w->faults = false;
	life_begin(w);
	/* Unless a restore came first. */
	if (all_saved && strcmp(w->asked, w->generation) == 0)
		for (unsigned i = 0; i < KEYS; i++)
			if (w->keys[i].listed)
				CHECK_INT(w->keys[i].saved, sources[i]);
}

static void live(struct world *w)
{
	uint64_t steps = rng_below(&w->rng, STEPS_MAX);

	for (uint64_t i = 0; i < steps && !outside_is_over(&w->outside); i++) {
		CHECK(sim_loop_step(w->outside.sim.world));
		world_look(w);
	}
	CHECK(!w->outside.sim.failed || w->faults || sim_service_is_dead(&w->outside.sim));
	if (!outside_is_over(&w->outside) && rng_chance(&w->rng, 30))
		be_calm(w);
	else if (!outside_is_over(&w->outside) && rng_chance(&w->rng, 50))
		stop_in_good_order(w);
}

static void run(uint64_t seed, struct counts *all)
{
	static struct world w;

	test_note_seed(seed);
	world_init(&w, seed);
	for (unsigned i = 0; i < LIVES; i++) {
		arm(&w);
		live(&w);
		life_end(&w);
		w.faults = false;
		life_begin(&w);
	}
	be_calm(&w);
	stop_in_good_order(&w);
	life_end(&w);
	world_done(&w);
	all->lefts += w.counts.lefts;
	all->writes += w.counts.writes;
	all->saves += w.counts.saves;
	all->strangers += w.counts.strangers;
	all->backups += w.counts.backups;
	all->amid += w.counts.amid;
	all->restores += w.counts.restores;
	all->crashes += w.counts.crashes;
	all->onlines += w.counts.onlines;
	all->onlys += w.counts.onlys;
	all->rebuilds += w.counts.rebuilds;
	all->sealings += w.counts.sealings;
	all->keyless += w.counts.keyless;
}

TEST(a_change_is_wholly_in_a_set_or_wholly_out_and_what_was_saved_is_what_is_put_back)
{
	struct counts all = { 0 };

	for (uint64_t i = 0; i < test_rounds(36); i++)
		run(test_seed + i, &all);
	/* The runs were about something. */
	CHECK(all.writes > 2000 && all.saves > 3000 && all.strangers > 600 && all.onlines > 1000);
	CHECK(all.lefts > 10);
	CHECK(all.backups > 800 && all.amid > 200 && all.restores > 300 && all.crashes > 80);
	CHECK(all.onlys > 50 && all.rebuilds > 40 && all.sealings > 300 && all.keyless > 5);
}
