/* checkpoints: the state of a resource outside the database through many lives of a node: its application changes keys, files
 * and key material while it runs, strangers change them while it does not, backups are made and restored, as a whole, for
 * the resource alone or for one of its checkpoints, the cluster key is sealed anew, blobs are swept, disks fail, and the
 * power goes, all of it at any moment of noticing, capturing, saving and putting back.
 *
 * Oracle   each number is written once, so it tells when; those of strangers are marked.  All sources are called keys here.
 * Checked  what the database names is there, whole, and was once the source; it never goes back, and is never a stranger's.
 *          When the resource has come online, its sources are what was saved; when it has gone offline, or the service has
 *          stopped, what was saved is the sources; and so it is some time after the last change.
 *          A set holds the blobs that its own database names and no others, not older than when it was asked for and not
 *          newer than when it was answered: a change that is made meanwhile is wholly in or wholly out.  What is restored
 *          is what the set holds; of the resource alone all of it at one index, or nothing, and never while it runs.
 *          The cluster key of a set, and of the cluster, opens with one of two private keys, the one that the log says, and is
 *          the one that the set's key material is encrypted with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "ruedad/agents/capture.h"
#include "ruedad/localreg.h"
#include "tests/lib/sim_outside.h"
#include "tests/lib/sim_set.h"
#include "tests/lib/test.h"
#include "wire/rueda.h"

enum { KEYS = 4, DIRECTORIES = 2, STRANGER = 1 << 24, STEPS_MAX = 1500, LIVES = 12, SEALINGS_MAX = 4096 };
#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)

enum task { IDLE, BACKUP, RESTORE, ONLY, RESEAL, REBUILD };

struct key {
	struct world *world;
	bool listed, busy; /* busy: it is being added. */
	bool fresh;        /* It was added since the resource came online: nothing was put back for it. */
	uint64_t added;
	struct digest digest;
	uint32_t saved;
};

/* What the checkpoints are at some moment; 0: there is none. */
struct numbers {
	uint32_t of[KEYS];
};

/* A restore of the resource alone, or of one checkpoint, whose outcome is not known yet. */
struct pending {
	bool is, seen;  /* seen: it has been applied. */
	bool crossed;   /* Something went back meanwhile: the other one was applied. */
	uint64_t index; /* Of the log, when it was asked for. */
	struct numbers wanted;
};

struct counts {
	unsigned writes, saves, strangers, backups, amid, restores, crashes, onlines, onlys, rebuilds, sealings,
	    keyless;
};

struct world {
	struct outside outside;
	struct rng rng;
	struct loop_timer *app, *admin;
	uint32_t next;
	struct key keys[KEYS];
	char generation[STORE_NAME_MAX];
	enum resource_state state;
	bool was_online; /* Since it was last offline. */
	bool open;       /* Somebody may do something. */
	bool faults;     /* Calls of the disks fail. */
	enum sim_disk_stop how;
	struct sim_caller caller;
	enum task task;
	struct sim_caller second; /* For what may run beside a backup. */
	enum task second_task;
	bool overlaps;             /* A backup ran beside it, which may have replaced the set that it reads. */
	struct pending pending[2]; /* Of the first caller's task, of the second's. */
	struct digest sealings[SEALINGS_MAX]; /* Of the cluster key, as they followed each other. */
	size_t sealing_count, sealing_asked;  /* The second: when the backup was asked for. */
	int pair;                             /* Under which it is sealed; -1: nobody knows. */
	unsigned pair_asked;
	unsigned directory;
	struct numbers floor, ceiling; /* The least and the most since the backup was asked for, in this generation … */
	char asked[STORE_NAME_MAX], asked_second[STORE_NAME_MAX];
	struct numbers wanted; /* What a restore was to bring. */
	struct counts counts;
};

static const char *const directory_names[DIRECTORIES] = { "a", "b" };

static struct service *service_of(struct world *w)
{
	return outside_service(&w->outside);
}

static bool is_up(struct world *w)
{
	return w->outside.sim.running && !sim_service_is_dead(&w->outside.sim) && service_of(w)->state == SERVICE_UP &&
	       !service_of(w)->stopping;
}

static struct u16 key_name(const struct key *k)
{
	static const char16_t names[KEYS][16] = { u"App\\k0", u"App\\k1", u"File\\data\\k2", u"1\\PEM\\/data/k3" };

	return u16_from_z(names[k - k->world->keys]);
}

static uint32_t source_of(struct world *w, const struct key *k)
{
	return outside_get(&w->outside, key_name(k));
}

/* The sealed cluster key. */

static void look_at_sealing(struct world *w)
{
	const struct quolog_header *h = &service_of(w)->header;
	struct digest d = sha256_of(h->key, h->key_len);

	if (w->sealing_count > 0 && digest_equal(&d, &w->sealings[w->sealing_count - 1]))
		return;
	CHECK(w->sealing_count < SEALINGS_MAX);
	w->sealings[w->sealing_count++] = d;
}

/* That of the set was in force at some moment of the backup. */
static void check_sealing(const struct world *w, const struct quolog_header *h)
{
	struct digest d = sha256_of(h->key, h->key_len);

	for (size_t i = w->sealing_asked; i < w->sealing_count; i++)
		if (digest_equal(&d, &w->sealings[i]))
			return;
	test_fail(__FILE__, __LINE__, "the set's cluster key was sealed like that at no moment of the backup");
}

/* Sets. */

static void key_names(const struct world *w, struct u16 ret[KEYS])
{
	for (unsigned i = 0; i < KEYS; i++)
		ret[i] = key_name(&w->keys[i]);
}

/* False: there is no set. */
static bool read_set(struct world *w, unsigned directory, struct numbers *ret, struct quolog_header *ret_header)
{
	struct disk *disk = sim_service_look(&w->outside.sim, directory_names[directory]);
	struct u16 names[KEYS];
	bool there;

	key_names(w, names);
	there = sim_set_read(&w->outside, disk, names, KEYS, ret->of, ret_header);
	for (unsigned i = 0; i < KEYS; i++)
		CHECK(ret->of[i] < w->next);
	sim_service_looked(&w->outside.sim, disk);
	return there;
}

static struct numbers numbers_now(const struct world *w)
{
	struct numbers n = { 0 };

	for (unsigned i = 0; i < KEYS; i++)
		n.of[i] = w->keys[i].listed ? w->keys[i].saved : 0;
	return n;
}

/* What must hold at any moment. */

/* What was restored at that index is exactly what this was to bring. */
static bool is_what_was_wanted(
    struct world *w, const struct pending *p, const struct checkpoint all[KEYS], uint64_t index)
{
	if (!p->is || p->seen || index <= p->index)
		return false;
	for (unsigned i = 0; i < KEYS; i++) {
		if ((p->wanted.of[i] != 0) != (all[i].captured == index))
			return false;
		if (p->wanted.of[i] != 0 && outside_saved(&w->outside, key_name(&w->keys[i])) != p->wanted.of[i])
			return false;
	}
	return true;
}

/* What was saved until now is kept. */
static void check_safety_copy(struct world *w)
{
	struct numbers n, now = numbers_now(w);
	struct u16 names[KEYS];

	key_names(w, names);
	CHECK(sim_set_read_safety_copy(&w->outside, names, KEYS, n.of));
	for (unsigned i = 0; i < KEYS && !w->faults; i++)
		CHECK_INT(n.of[i], now.of[i]);
}

/* A restore of the resource alone, or of one checkpoint, has been applied: all of it, while the resource was not active. */
static void look_at_restored(struct world *w)
{
	struct checkpoint all[KEYS] = { 0 };
	uint64_t index = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		struct key *k = &w->keys[i];

		if (outside_checkpoint(&w->outside, key_name(k), &all[i]) && !k->fresh && k->listed &&
		    all[i].added != k->added && all[i].added == all[i].captured &&
		    (w->pending[0].is || w->pending[1].is))
			index = all[i].captured;
	}
	if (index == 0)
		return;
	CHECK(w->state == RESOURCE_OFFLINE || w->state == RESOURCE_FAILED);
	for (unsigned p = 0; p < 2; p++) {
		if (!is_what_was_wanted(w, &w->pending[p], all, index))
			continue;
		w->pending[p].seen = true;
		if (p == 0)
			check_safety_copy(w);
		w->counts.onlys += p == 0;
		w->counts.rebuilds += p == 1;
		return;
	}
	test_fail(__FILE__, __LINE__, "a part was restored");
}

static void look_at_key(struct world *w, struct key *k)
{
	struct checkpoint c;
	bool again;
	uint32_t before;

	if (!outside_checkpoint(&w->outside, key_name(k), &c)) {
		k->listed = false;
		return;
	}
	CHECK(c.saved);
	again = k->listed && k->added == c.added;
	if (again && digest_equal(&k->digest, &c.digest))
		return;
	before = k->saved;
	if (!again)
		k->saved = 0;
	k->listed = true;
	k->added = c.added;
	k->digest = c.digest;
	c.number = outside_saved(&w->outside, key_name(k));
	CHECK(c.number != 0 && c.number < w->next);
	CHECK(c.number >= k->saved || w->faults);
	if (c.number < before)
		w->pending[0].crossed = w->pending[1].crossed = true;
	w->counts.saves += c.number != k->saved;
	k->saved = c.number;
	w->floor.of[k - w->keys] = MIN(w->floor.of[k - w->keys], k->saved);
	w->ceiling.of[k - w->keys] = MAX(w->ceiling.of[k - w->keys], k->saved);
}

static void look_at_state(struct world *w)
{
	enum resource_state now = outside_state(&w->outside), before = w->state;

	w->state = now;
	if (now == before)
		return;
	if (now == RESOURCE_ONLINE) {
		w->was_online = true;
		w->counts.onlines++;
	}
	for (unsigned i = 0; i < KEYS; i++) {
		struct key *k = &w->keys[i];

		if (now == RESOURCE_ONLINE && k->listed && !k->fresh)
			CHECK_INT(source_of(w, k), k->saved);
		if (now == RESOURCE_OFFLINE && before == RESOURCE_OFFLINE_PENDING && w->was_online && !w->faults &&
		    k->listed && !k->fresh)
			CHECK_INT(k->saved, source_of(w, k));
		if (now == RESOURCE_ONLINE)
			k->fresh = k->busy;
	}
	if (now == RESOURCE_OFFLINE)
		w->was_online = false;
}

static void take_generation(struct world *w)
{
	memcpy(w->generation, service_of(w)->generation, sizeof(w->generation));
	for (unsigned i = 0; i < KEYS; i++) {
		w->keys[i].listed = w->keys[i].fresh = false;
		look_at_key(w, &w->keys[i]);
		CHECK_INT(w->keys[i].listed ? w->keys[i].saved : 0, w->wanted.of[i]);
	}
	w->state = RESOURCE_OFFLINE;
	w->was_online = false;
	w->pending[0].is = w->pending[1].is = false; /* What they did is not in the new generation. */
	w->pair = -1;
	w->counts.restores++;
}

static void task_look(struct world *w);

static void look(struct world *w)
{
	if (sim_service_is_dead(&w->outside.sim) || w->outside.sim.failed || !w->outside.sim.running)
		return;
	if (is_up(w) && strcmp(w->generation, service_of(w)->generation) != 0)
		take_generation(w);
	if (is_up(w)) {
		look_at_sealing(w);
		look_at_restored(w);
		for (unsigned i = 0; i < KEYS; i++)
			look_at_key(w, &w->keys[i]);
		look_at_state(w);
	}
	task_look(w);
}

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

/* All that was asked for is there, or nothing was done. */
static void end_pending(struct world *w, struct pending *p, uint32_t status)
{
	struct checkpoint c;

	if (!p->is)
		return;
	if (!p->seen && !p->crossed && status == 0)
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

static void task_look(struct world *w)
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
	task_look(w); /* Refusals come at once. */
}

static void begin_reseal(struct world *w)
{
	struct seal_secret secret;

	w->pair_asked = w->pair < 0 ? (unsigned)rng_below(&w->rng, 2) : 1u - (unsigned)w->pair;
	w->pair = -1;
	w->counts.keyless += service_of(w)->header.key_len == 0;
	secret = outside_public(w->pair_asked);
	w->second_task = RESEAL;
	sim_caller_send(&w->second, RUEDA_RESEAL,
	    &(struct rueda_Reseal_in){ .recovery = 2, .secret = secret.bytes, .secret_size = (uint32_t)secret.len });
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

static bool adds(const struct world *w)
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

	look(w);
	if (w->open && is_up(w)) {
		if (w->state == RESOURCE_ONLINE) {
			outside_write(&w->outside, key_name(k), w->next++);
			w->counts.writes++;
		} else if ((w->state == RESOURCE_OFFLINE || w->state == RESOURCE_FAILED) && k->listed && !adds(w) &&
			   rng_chance(&w->rng, 50)) {
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

	look(w);
	if (w->open && is_up(w))
		act(w);
	loop_timer_start(w->admin, rng_below(&w->rng, w->task == BACKUP         ? 2 * MS
						      : rng_chance(&w->rng, 80) ? 10 * MS
										: 3 * SECOND));
}

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

static bool is_over(const struct world *w)
{
	return sim_service_is_dead(&w->outside.sim) || w->outside.sim.failed;
}

static void run_for(struct world *w, uint64_t ns)
{
	uint64_t until = sim_loop_time_ns(w->outside.sim.world) + ns;

	while (!is_over(w) && sim_loop_time_ns(w->outside.sim.world) < until) {
		CHECK(sim_loop_step(w->outside.sim.world));
		look(w);
	}
}

static bool has_stopped(void *data)
{
	struct world *w = data;

	return is_over(w) || w->outside.sim.stopped;
}

static void life_end(struct world *w)
{
	struct numbers n;

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
		w->keys[i].digest = (struct digest){ 0 }; /* It is read again. */
	}
	look(w);
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
	if (is_over(w) || w->state != RESOURCE_ONLINE || w->faults)
		return;
	for (unsigned i = 0; i < KEYS; i++)
		if (w->keys[i].listed)
			CHECK_INT(w->keys[i].saved, source_of(w, &w->keys[i]));
}

static void stop_in_good_order(struct world *w)
{
	bool all_saved = w->state == RESOURCE_ONLINE && !w->faults && !adds(w);
	uint32_t sources[KEYS];

	for (unsigned i = 0; i < KEYS; i++)
		sources[i] = source_of(w, &w->keys[i]);
	sim_service_stop(&w->outside.sim);
	CHECK(sim_loop_run_until(w->outside.sim.world, has_stopped, w, 600 * SECOND));
	if (is_over(w))
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

	for (uint64_t i = 0; i < steps && !is_over(w); i++) {
		CHECK(sim_loop_step(w->outside.sim.world));
		look(w);
	}
	CHECK(!w->outside.sim.failed || w->faults || sim_service_is_dead(&w->outside.sim));
	if (!is_over(w) && rng_chance(&w->rng, 30))
		be_calm(w);
	else if (!is_over(w) && rng_chance(&w->rng, 50))
		stop_in_good_order(w);
}

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ .next = 1, .state = RESOURCE_OFFLINE, .how = SIM_DISK_POWER_CUT };
	rng_init(&w->rng, seed ^ 0x0c0ffee);
	if (seed % 3 == 0) { /* It has no cluster key until somebody makes one. */
		outside_begin(&w->outside, seed);
		w->pair = -1;
	} else {
		outside_begin_sealed(&w->outside, seed, 0);
	}
	for (unsigned i = 0; i < KEYS; i++) {
		int r;

		w->keys[i].world = w;
		outside_set(&w->outside, key_name(&w->keys[i]), w->next++);
		r = outside_add(&w->outside, key_name(&w->keys[i]));
		CHECK_INT(r, i == 3 && seed % 3 == 0 ? ERR_NO_RECOVERY_POLICY : 0);
	}
	memcpy(w->generation, service_of(w)->generation, sizeof(w->generation));
	outside_ask(&w->outside, true);
	CHECK_INT(loop_timer_new(w->outside.sim.world, on_app, w, &w->app), 0);
	CHECK_INT(loop_timer_new(w->outside.sim.world, on_admin, w, &w->admin), 0);
	on_app(w);
	on_admin(w);
	w->open = true;
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
	loop_timer_free(w.app);
	loop_timer_free(w.admin);
	sim_service_done(&w.outside.sim);
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
	CHECK(all.backups > 800 && all.amid > 200 && all.restores > 300 && all.crashes > 80);
	CHECK(all.onlys > 50 && all.rebuilds > 40 && all.sealings > 300 && all.keyless > 5);
}
