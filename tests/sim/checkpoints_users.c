/* checkpoints_users: who changes the state of a resource outside the database, and what is saved of it: the application, strangers,
 * and an administrator with one call of each kind at a time: backups and restores, and what may run beside them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/capture.h"
#include "tests/lib/sim_set.h"
#include "tests/sim/checkpoints_world.h"
#include "wire/rueda.h"

/* Backups and restores. */

static bool may_fail(const struct world *w, enum task task, uint32_t status)
{
	switch (status) {
	case 70:   /* Changing the generation. */
	case 170:  /* Another restore; something was saved meanwhile. */
	case 1115: /* Stopping, or the generation changes. */
	case 5073:
	case 5932:
		return true;
	case 2:    /* The set has nothing for the resource; no such checkpoint. */
	case 5019: /* It runs. */
	case 6003: /* The set's key material is of another cluster key. */
		if (task == ONLY || task == REBUILD)
			return true;
		break;
	case 1168: /* The set has no such checkpoint. */
	case 5004: /* It does not run. */
		if (task == REBUILD)
			return true;
		break;
	case 5087:
		if (task == REBUILD && w->overlaps)
			return true;
		break;
	default:
		break;
	}
	return w->faults;
}

/* All that was asked for is there, or nothing was done.  A backup may have replaced the set before it was read. */
static void end_pending(struct world *w, struct pending *p, uint32_t status)
{
	struct checkpoint c;

	if (!p->is)
		return;
	if (!p->seen && !p->crossed && status == 0 && !(p == &w->pending[1] && w->overlaps))
		for (unsigned i = 0; i < KEYS; i++) /* There was nothing to do, or something newer came behind it. */
			if (outside_checkpoint(&w->outside, key_name(&w->keys[i]), &c))
				CHECK(outside_saved(&w->outside, key_name(&w->keys[i])) >= p->wanted.of[i]);
	if (status != 0)
		CHECK(!p->seen);
	p->is = false;
}

static void second_look(struct world *w)
{
	union {
		struct rueda_Reseal_out reseal;
		struct rueda_RebuildCheckpoint_out rebuild;
	} out;
	enum task was = w->second_task;
	uint32_t status;

	if (was == IDLE || w->second.service == NULL || sim_service_is_dead(&w->outside.sim) ||
	    !sim_caller_answer(&w->second, &out, &status))
		return;
	w->second_task = IDLE;
	if (status != 0 && !may_fail(w, was, status))
		test_fail(__FILE__, __LINE__, "%s: status %u", was == RESEAL ? "reseal" : "rebuild", status);
	if (was == REBUILD) {
		end_pending(w, &w->pending[1], status);
		return;
	}
	if (status == 0 && strcmp(w->asked_second, w->generation) == 0) {
		w->pair = (int)w->pair_asked;
		w->counts.sealings++;
		CHECK_INT(sim_set_pair(&service_of(w)->header), w->pair);
	}
}

void users_look(struct world *w)
{
	union {
		struct rueda_Backup_out backup;
		struct rueda_Restore_out restore;
		struct rueda_RestoreCheckpoints_out only;
	} out;
	enum task was = w->task;
	struct numbers n;
	struct quolog_header header;
	uint32_t status;

	second_look(w);
	if (was == IDLE || w->caller.service == NULL || sim_service_is_dead(&w->outside.sim) ||
	    !sim_caller_answer(&w->caller, &out, &status))
		return;
	w->task = IDLE;
	if (status != 0 && !may_fail(w, was, status))
		test_fail(__FILE__, __LINE__, "%s: status %u", was == BACKUP ? "backup" : "restore", status);
	if (was == ONLY)
		end_pending(w, &w->pending[0], status);
	if (was != BACKUP || status != 0)
		return;
	CHECK(read_set(w, w->directory, &n, &header));
	w->counts.backups++;
	if (strcmp(w->asked, service_of(w)->generation) != 0 || w->faults)
		return;
	check_sealing(w, &header);
	for (unsigned i = 0; i < KEYS; i++) {
		const struct key *k = &w->keys[i];

		/* Unless it was deleted or added meanwhile. */
		if (k->listed && !k->fresh && !k->busy && n.of[i] != 0)
			CHECK(n.of[i] <= w->ceiling.of[i] && n.of[i] >= w->floor.of[i]);
	}
}

static void begin_task(struct world *w, enum task task)
{
	static const char16_t *const paths[DIRECTORIES] = { u"/sets/a", u"/sets/b" };
	unsigned directory = (unsigned)rng_below(&w->rng, DIRECTORIES);
	struct numbers n;

	if (task != BACKUP && !read_set(w, directory, &n, NULL))
		return;
	if (w->caller.service == NULL)
		sim_caller_connect(&w->caller, &w->outside.sim, &rueda_interface, 1);
	w->task = task;
	w->overlaps |= task == BACKUP;
	w->directory = directory;
	memcpy(w->asked, w->generation, sizeof(w->asked));
	w->floor = w->ceiling = numbers_now(w);
	w->sealing_asked = w->sealing_count - 1;
	if (task == ONLY) {
		w->pending[0] =
		    (struct pending){ .is = true, .index = cluster_applied(service_of(w)->cluster), .wanted = n };
		sim_caller_send(&w->caller, RUEDA_RESTORE_CHECKPOINTS,
		    &(struct rueda_RestoreCheckpoints_in){ .path = paths[directory], .resource = u"app" });
	} else if (task == BACKUP) {
		w->counts.amid += service_of(w)->captures != NULL;
		sim_caller_send(&w->caller, RUEDA_BACKUP, &(struct rueda_Backup_in){ .path = paths[directory] });
	} else {
		w->wanted = n;
		sim_caller_send(
		    &w->caller, RUEDA_RESTORE, &(struct rueda_Restore_in){ .path = paths[directory], .flags = 1 });
	}
	users_look(w); /* Refusals come at once. */
}

static void begin_reseal(struct world *w)
{
	w->pair_asked = w->pair < 0 ? (unsigned)rng_below(&w->rng, 2) : 1u - (unsigned)w->pair;
	w->pair = -1;
	w->counts.keyless += service_of(w)->header.key_len == 0;
	w->second_task = RESEAL;
	outside_send_reseal(&w->second, w->pair_asked);
}

static void begin_rebuild(struct world *w)
{
	static const char16_t *const paths[] = { u"/sets/a", u"/sets/b" };
	unsigned i = (unsigned)rng_below(&w->rng, KEYS), directory = (unsigned)rng_below(&w->rng, DIRECTORIES);
	struct rueda_RebuildCheckpoint_in in = {
		.resource = u"app", .kind = i == 3, .path = key_name(&w->keys[i]).units
	};
	struct numbers n;

	if (rng_chance(&w->rng, 80) && read_set(w, directory, &n, NULL)) {
		in.set = paths[directory];
		w->pending[1] = (struct pending){ .is = true, .index = cluster_applied(service_of(w)->cluster) };
		w->pending[1].wanted.of[i] = n.of[i];
	}
	w->second_task = REBUILD;
	sim_caller_send(&w->second, RUEDA_REBUILD_CHECKPOINT, &in);
}

static void begin_second(struct world *w)
{
	if (w->second.service == NULL)
		sim_caller_connect(&w->second, &w->outside.sim, &rueda_interface, 1);
	memcpy(w->asked_second, w->generation, sizeof(w->asked_second));
	w->overlaps = w->task == BACKUP;
	if (rng_chance(&w->rng, 40))
		begin_reseal(w);
	else
		begin_rebuild(w);
	second_look(w);
}

/* Who does something. */

static void on_added(void *data, int r, const struct error *error)
{
	((struct key *)data)->busy = false;
}

static void add_key(struct world *w, struct key *k)
{
	struct capture_source source = { .kind = k == &w->keys[3] ? CHECKPOINT_CRYPTO : CHECKPOINT_REGISTRY,
		.path = key_name(k) };

	/* What a stranger wrote while it was no checkpoint is not what this is about. */
	if (!k->busy && !(source_of(w, k) & STRANGER) &&
	    capture_add(service_of(w), &w->outside.resource, &source, on_added, k) == 0)
		k->busy = k->fresh = true;
}

static void ignore(void *data, int r, const struct error *error)
{
}

/* What a backup is about to copy is replaced, and might be swept. */
static void change_under_backup(struct world *w, const struct key *k)
{
	struct checkpoint c;

	if (w->state == RESOURCE_ONLINE)
		outside_write(&w->outside, key_name(k), w->next++);
	if (w->state == RESOURCE_ONLINE && outside_checkpoint(&w->outside, key_name(k), &c))
		(void)capture_save(service_of(w), &w->outside.resource, c.kind, c.number, ignore, NULL);
	service_checkpoint(service_of(w));
}

bool is_adding(const struct world *w)
{
	bool busy = false;

	for (unsigned i = 0; i < KEYS; i++)
		busy |= w->keys[i].busy;
	return busy;
}

/* The application while it is online; somebody else while it is not, and nothing may be captured of that. */
static void on_app(void *data)
{
	struct world *w = data;
	struct key *k = &w->keys[rng_below(&w->rng, KEYS)];

	world_look(w);
	if (w->open && is_up(w)) {
		if (w->state == RESOURCE_ONLINE) {
			outside_write(&w->outside, key_name(k), w->next++);
			w->counts.writes++;
		} else if ((w->state == RESOURCE_OFFLINE || w->state == RESOURCE_FAILED) && k->listed &&
			   !is_adding(w) && !is_marked(w, k) && rng_chance(&w->rng, 50)) {
			outside_write(&w->outside, key_name(k), STRANGER | w->next);
			w->counts.strangers++;
		}
	}
	loop_timer_start(w->app, rng_below(&w->rng, rng_chance(&w->rng, 70) ? 20 * MS : 5 * SECOND));
}

static void act(struct world *w)
{
	struct key *k = &w->keys[rng_below(&w->rng, KEYS)];

	if (service_of(w)->backup != NULL && rng_chance(&w->rng, 80)) {
		change_under_backup(w, k);
		return;
	}
	switch (rng_below(&w->rng, 10)) {
	case 0:
	case 1:
		outside_ask(&w->outside, w->state != RESOURCE_ONLINE);
		break;
	case 2:
	case 3:
		service_checkpoint(service_of(w)); /* And then a sweep. */
		break;
	case 4:
		if (w->state == RESOURCE_ONLINE && rng_chance(&w->rng, 30))
			outside_forget(&w->outside, key_name(k));
		else if (w->state == RESOURCE_ONLINE)
			add_key(w, k);
		break;
	case 5:
		if (w->task == IDLE && rng_chance(&w->rng, 60))
			begin_task(w, w->state == RESOURCE_ONLINE || rng_chance(&w->rng, 40) ? RESTORE : ONLY);
		break;
	case 6:
		if (w->second_task == IDLE)
			begin_second(w);
		break;
	default:
		/* Most of all while something is captured. */
		if (w->task == IDLE && (service_of(w)->captures != NULL || rng_chance(&w->rng, 20)))
			begin_task(w, BACKUP);
	}
}

static void on_admin(void *data)
{
	struct world *w = data;

	world_look(w);
	if (w->open && is_up(w))
		act(w);
	loop_timer_start(w->admin, rng_below(&w->rng, w->task == BACKUP         ? 2 * MS
						      : rng_chance(&w->rng, 80) ? 10 * MS
										: 3 * SECOND));
}

void users_begin(struct world *w)
{
	CHECK_INT(loop_timer_new(w->outside.sim.world, on_app, w, &w->app), 0);
	CHECK_INT(loop_timer_new(w->outside.sim.world, on_admin, w, &w->admin), 0);
	on_app(w);
	on_admin(w);
}

void users_end(struct world *w)
{
	loop_timer_free(w->app);
	loop_timer_free(w->admin);
}
