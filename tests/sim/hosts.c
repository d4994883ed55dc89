/* hosts: resources that run, on a whole simulated service, through many lives of it: users create, start, stop, fail, bind
 * and delete them through MS-CMRP; their programs fail, hang, crash and do not stop; the generation changes by restores;
 * ruedad is killed or stopped in good order, and the power goes.
 *
 * Checked  a resource's program never runs twice, and is never started while something of it may still run; what is said
 *          to be offline or failed does not run; an orderly stop ends dependents before their providers, and leaves nothing
 *          that could be stopped.  After the chaos has ended: nothing is pending, what is wanted is online, nothing else is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cluster/group/apply.h"
#include "tests/lib/sim_machine.h"
#include "tests/lib/sim_service.h"
#include "tests/lib/test.h"
#include "wire/clusapi.h"
#include "wire/rueda.h"

enum { ACTORS = 3, RESOURCES = 6, STEPS_MAX = 3000 };
#define SECOND 1000000000ull

static const char16_t *const resource_names[RESOURCES] = { u"r0", u"r1", u"r2", u"r3", u"r4", u"r5" };
static const char16_t *const group_names[2] = { u"g0", u"g1" };

/* What a user does: some opens, one after another, then the call itself. */
enum deed { CREATE_GROUP, CREATE, DELETE, ONLINE, OFFLINE, FAIL, BIND, UNBIND, ALL_ONLINE, ALL_OFFLINE, DEEDS };

struct actor {
	struct world *world;
	struct loop_timer *timer;
	struct sim_caller caller;
	bool busy;
	enum deed deed;
	unsigned resource, other, group, opened;
	struct ndr_handle handles[2];
};

struct world {
	struct sim_service service;
	struct sim_machine machine;
	struct rng rng;
	struct actor actors[ACTORS];
	struct sim_caller admin;
	bool admin_busy, has_set, created, open;
	uint64_t stopping_since; /* 0: not. */
	struct counts {
		unsigned done, restores;
	} counts;
};

static struct service *service_of(struct world *w)
{
	return &w->service.service;
}

static bool is_up(struct world *w)
{
	return w->service.running && service_of(w)->state == SERVICE_UP;
}

static const struct db_key *root_of(struct world *w)
{
	return db_root(cluster_db(service_of(w)->cluster));
}

/* Users. */

static void send_open(struct actor *a, bool group, unsigned which)
{
	if (group)
		sim_caller_send(
		    &a->caller, CLUSAPI_OPEN_GROUP, &(struct clusapi_OpenGroup_in){ .group_name = group_names[which] });
	else
		sim_caller_send(&a->caller, CLUSAPI_OPEN_RESOURCE,
		    &(struct clusapi_OpenResource_in){ .resource_name = resource_names[which] });
}

static void send_deed(struct actor *a)
{
	const struct ndr_handle *h = a->handles;

	switch (a->deed) {
	case CREATE_GROUP:
		sim_caller_send(&a->caller, CLUSAPI_CREATE_GROUP,
		    &(struct clusapi_CreateGroup_in){ .group_name = group_names[a->group] });
		break;
	case CREATE:
		sim_caller_send(&a->caller, CLUSAPI_CREATE_RESOURCE,
		    &(struct clusapi_CreateResource_in){ .group = h[0],
			.resource_name = resource_names[a->resource],
			.resource_type = u"Generic Application" });
		break;
	case DELETE:
		sim_caller_send(&a->caller, CLUSAPI_DELETE_RESOURCE, &(struct clusapi_DeleteResource_in){ h[0] });
		break;
	case ONLINE:
		sim_caller_send(&a->caller, CLUSAPI_ONLINE_RESOURCE, &(struct clusapi_OnlineResource_in){ h[0] });
		break;
	case OFFLINE:
		sim_caller_send(&a->caller, CLUSAPI_OFFLINE_RESOURCE, &(struct clusapi_OfflineResource_in){ h[0] });
		break;
	case FAIL:
		sim_caller_send(&a->caller, CLUSAPI_FAIL_RESOURCE, &(struct clusapi_FailResource_in){ h[0] });
		break;
	case BIND:
		sim_caller_send(&a->caller, CLUSAPI_ADD_RESOURCE_DEPENDENCY,
		    &(struct clusapi_AddResourceDependency_in){ h[0], h[1] });
		break;
	case UNBIND:
		sim_caller_send(&a->caller, CLUSAPI_REMOVE_RESOURCE_DEPENDENCY,
		    &(struct clusapi_RemoveResourceDependency_in){ h[0], h[1] });
		break;
	case ALL_ONLINE:
		sim_caller_send(&a->caller, CLUSAPI_ONLINE_GROUP, &(struct clusapi_OnlineGroup_in){ h[0] });
		break;
	case ALL_OFFLINE:
		sim_caller_send(&a->caller, CLUSAPI_OFFLINE_GROUP, &(struct clusapi_OfflineGroup_in){ h[0] });
		break;
	case DEEDS:
		CHECK(false);
	}
}

static unsigned handles_needed(enum deed deed)
{
	return deed == CREATE_GROUP ? 0 : deed == BIND || deed == UNBIND ? 2 : 1;
}

static bool is_of_group(enum deed deed)
{
	return deed == CREATE || deed == ALL_ONLINE || deed == ALL_OFFLINE;
}

static void go_on(struct actor *a)
{
	if (a->opened == handles_needed(a->deed))
		send_deed(a);
	else if (is_of_group(a->deed))
		send_open(a, true, a->group);
	else
		send_open(a, false, a->opened == 0 ? a->resource : a->other);
}

static void finish(struct actor *a)
{
	a->busy = false;
	sim_caller_disconnect(&a->caller); /* And all handles with it. */
}

static void actor_look(struct actor *a)
{
	/* Larger than the out structure of each of these methods. */
	union {
		struct clusapi_OpenGroup_out group;
		struct clusapi_OpenResource_out resource;
		struct clusapi_CreateGroup_out create_group;
		struct clusapi_CreateResource_out create;
		struct clusapi_OnlineResource_out other;
	} out;
	uint32_t status;

	if (a->busy && a->caller.service == NULL)
		a->busy = false; /* Its process has died. */
	if (!a->busy || !sim_caller_answer(&a->caller, &out, &status))
		return;
	if (status != 0 || a->opened == handles_needed(a->deed)) {
		a->world->counts.done += status == 0;
		finish(a);
		return;
	}
	a->handles[a->opened++] = is_of_group(a->deed) ? out.group.handle : out.resource.handle;
	go_on(a);
}

static void actor_begin(struct actor *a)
{
	static const enum deed often[] = { CREATE, CREATE, ONLINE, ONLINE, ALL_ONLINE, BIND, BIND };
	struct rng *g = &a->world->rng;

	a->deed = rng_chance(g, 50) ? often[rng_below(g, ARRAY_SIZE(often))] : (enum deed)rng_below(g, DEEDS);
	a->resource = (unsigned)rng_below(g, RESOURCES);
	a->group = a->resource < 4 ? 0 : 1;
	a->other = (unsigned)rng_below(g, RESOURCES);
	a->opened = 0;
	a->busy = true;
	sim_caller_connect(&a->caller, &a->world->service, &clusapi_interface, 3);
	go_on(a);
}

static void on_actor(void *data)
{
	struct actor *a = data;
	struct world *w = a->world;

	if (w->open) {
		actor_look(a);
		if (!a->busy && is_up(w))
			actor_begin(a);
	}
	loop_timer_start(a->timer, rng_below(&w->rng, 3 * SECOND));
}

/* The administrator: a backup now and then, and back to it. */

static void admin_look(struct world *w)
{
	union {
		struct rueda_Backup_out backup;
		struct rueda_Restore_out restore;
		struct rueda_CreateCluster_out create;
	} out;
	bool was_restore = w->admin.opnum == RUEDA_RESTORE, was_backup = w->admin.opnum == RUEDA_BACKUP;
	uint32_t status;

	if (w->admin.service == NULL)
		w->admin_busy = false;
	if (!w->admin_busy || !sim_caller_answer(&w->admin, &out, &status))
		return;
	w->admin_busy = false;
	if (status == 0) {
		w->has_set = w->has_set || was_backup;
		w->counts.restores += was_restore;
	}
}

static void admin_begin(struct world *w, unsigned opnum, const void *in)
{
	if (w->admin.service == NULL)
		sim_caller_connect(&w->admin, &w->service, &rueda_interface, 1);
	w->admin_busy = true;
	sim_caller_send(&w->admin, opnum, in);
}

static void admin_act(struct world *w)
{
	admin_look(w);
	if (!w->open || w->admin_busy || !is_up(w) || rng_below(&w->rng, 500) > 0)
		return;
	if (w->has_set && rng_chance(&w->rng, 30))
		admin_begin(w, RUEDA_RESTORE, &(struct rueda_Restore_in){ .path = u"/sets/a", .flags = 1 });
	else
		admin_begin(w, RUEDA_BACKUP, &(struct rueda_Backup_in){ .path = u"/sets/a" });
}

/* What must be true. */

static bool depends_on(struct world *w, const struct guid *who, const struct guid *on)
{
	const struct db_key *key = resource_key(root_of(w), who);
	struct depend d = { 0 };

	if (key != NULL)
		d = resource_depends(key);
	return depend_has(&d, on);
}

/* In an orderly stop, before patience ends. */
static void on_offline(void *data, const struct guid *id)
{
	struct world *w = data;

	if (w->stopping_since == 0 || sim_loop_time_ns(w->service.world) >= w->stopping_since + 45 * SECOND)
		return;
	for (size_t i = 0; i < SIM_HOSTS_MAX; i++) {
		const struct sim_host *h = &w->machine.hosts[i];

		if (h->life == w->machine.life && h->state != SIM_HOST_NONE && h->state != SIM_HOST_LEFT)
			CHECK(!depends_on(w, &h->id, id));
	}
}

static void look(struct world *w)
{
	const struct group_table *t;

	if (!is_up(w) || sim_service_is_dead(&w->service))
		return;
	t = cluster_groups(service_of(w)->cluster);
	for (uint32_t i = 0; i < t->resource_count; i++) {
		const struct resource_run *r = &t->resources[i];
		const struct sim_host *h = sim_machine_program(&w->machine, &r->id);

		if (h != NULL && h->state != SIM_HOST_LEFT)
			CHECK(resource_is_active(r));
	}
	/* What is not even in the table runs no program. */
	for (size_t i = 0; i < SIM_HOSTS_MAX; i++) {
		const struct sim_host *h = &w->machine.hosts[i];

		if (h->program && h->life == w->machine.life && h->state != SIM_HOST_LEFT)
			CHECK(resource_run_find(t, &h->id) != NULL);
	}
}

static bool all_providers_are_online(struct world *w, const struct db_key *key)
{
	struct depend d = resource_depends(key);

	return resource_provided(cluster_groups(service_of(w)->cluster), &d, NULL);
}

/* By one that could not be stopped. */
static bool is_needed(struct world *w, const struct guid *id)
{
	return resource_is_needed(
	    cluster_groups(service_of(w)->cluster), root_of(w), group_of_resource(root_of(w), id, NULL), id);
}

static void check_rest(struct world *w)
{
	const struct group_table *t = cluster_groups(service_of(w)->cluster);

	for (unsigned i = 0; i < RESOURCES; i++) {
		const struct db_key *key = object_find(root_of(w), OBJECT_RESOURCE, u16_from_z(resource_names[i]));
		const struct resource_run *r;
		struct guid id;

		if (key == NULL)
			continue;
		CHECK(guid_parse(object_id(key), &id));
		r = resource_run_find(t, &id);
		CHECK(resource_run_state(r) != RESOURCE_ONLINE_PENDING &&
		      resource_run_state(r) != RESOURCE_OFFLINE_PENDING);
		if (r != NULL && r->stuck)
			continue;
		if (resource_run_state(r) == RESOURCE_ONLINE) {
			const struct sim_host *h = sim_machine_program(&w->machine, &id);

			CHECK(h != NULL && h->state == SIM_HOST_RUNNING);
			CHECK(all_providers_are_online(w, key));
			CHECK(resource_is_wanted(root_of(w), key) || is_needed(w, &id));
		} else {
			CHECK(sim_machine_program(&w->machine, &id) == NULL ||
			      sim_machine_program(&w->machine, &id)->state == SIM_HOST_LEFT);
			CHECK(!resource_is_wanted(root_of(w), key) || !all_providers_are_online(w, key));
		}
	}
}

/* Lives. */

static bool is_started(void *data)
{
	struct world *w = data;

	return sim_service_is_dead(&w->service) || w->service.failed || service_of(w)->state == SERVICE_UP ||
	       service_of(w)->state == SERVICE_NO_CLUSTER;
}

static bool is_answered(void *data)
{
	struct world *w = data;

	admin_look(w);
	return !w->admin_busy;
}

static void life_begin(struct world *w)
{
	struct error error = { 0 };

	if (sim_service_up(&w->service, &error) < 0)
		test_fail(__FILE__, __LINE__, "it does not start: %s", error.text);
	CHECK(sim_loop_run_until(w->service.world, is_started, w, 600 * SECOND));
	CHECK(!w->service.failed && !sim_service_is_dead(&w->service));
	if (!w->created) {
		admin_begin(w, RUEDA_CREATE_CLUSTER, &(struct rueda_CreateCluster_in){ .name = u"sim" });
		CHECK(sim_loop_run_until(w->service.world, is_answered, w, 600 * SECOND));
		w->created = true;
	}
	CHECK(is_up(w));
	w->open = true;
}

static bool has_stopped(void *data)
{
	return ((struct world *)data)->service.stopped;
}

static void stop_in_good_order(struct world *w)
{
	w->stopping_since = sim_loop_time_ns(w->service.world);
	sim_service_stop(&w->service);
	CHECK(sim_loop_run_until(w->service.world, has_stopped, w, 600 * SECOND));
	w->stopping_since = 0;
	for (size_t i = 0; i < SIM_HOSTS_MAX; i++)
		CHECK(w->machine.hosts[i].life != w->machine.life || w->machine.hosts[i].state == SIM_HOST_NONE ||
		      w->machine.hosts[i].state == SIM_HOST_LEFT);
}

static void life_end(struct world *w, enum sim_disk_stop how)
{
	w->open = false;
	sim_machine_orphan(&w->machine, how);
	sim_service_down(&w->service, how);
}

static void live(struct world *w)
{
	uint64_t steps = rng_below(&w->rng, STEPS_MAX);

	for (uint64_t i = 0; i < steps; i++) {
		CHECK(sim_loop_step(w->service.world));
		CHECK(!w->service.failed);
		look(w);
		admin_act(w);
	}
}

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ 0 };
	rng_init(&w->rng, seed ^ 0xbad);
	sim_service_init(&w->service, seed, "[service]\ncheck_changes = 50\ncheck_minutes = 1\n");
	sim_machine_init(&w->machine, w->service.world, seed + 7);
	w->machine.on_offline = on_offline;
	w->machine.on_offline_data = w;
	w->service.runner = &w->machine.runner;
	for (unsigned i = 0; i < ACTORS; i++) {
		w->actors[i].world = w;
		CHECK_INT(loop_timer_new(w->service.world, on_actor, &w->actors[i], &w->actors[i].timer), 0);
		on_actor(&w->actors[i]);
	}
}

static void world_done(struct world *w)
{
	for (unsigned i = 0; i < ACTORS; i++)
		loop_timer_free(w->actors[i].timer);
	sim_machine_done(&w->machine);
	sim_service_done(&w->service);
}

static void run(uint64_t seed, unsigned lives, struct counts *all, struct sim_machine *sum)
{
	static struct world w;

	test_note_seed(seed);
	world_init(&w, seed);
	for (unsigned i = 0; i < lives; i++) {
		life_begin(&w);
		live(&w);
		if (rng_chance(&w.rng, 30))
			stop_in_good_order(&w);
		life_end(&w, rng_chance(&w.rng, 50) ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH);
	}
	/* Nothing fails any more, nobody asks for anything, and a failed resource is tried again after an hour. */
	life_begin(&w);
	live(&w);
	w.machine.calm = true;
	w.open = false;
	sim_loop_run_for(w.service.world, 3 * 3600 * SECOND);
	look(&w);
	check_rest(&w);
	stop_in_good_order(&w);
	life_end(&w, SIM_DISK_DEATH);
	all->done += w.counts.done;
	all->restores += w.counts.restores;
	sum->counts.starts += w.machine.counts.starts;
	sum->counts.failures += w.machine.counts.failures;
	sum->counts.stuck += w.machine.counts.stuck;
	sum->counts.kills += w.machine.counts.kills;
	world_done(&w);
}

TEST(a_program_runs_once_and_what_is_wanted_runs_in_the_end)
{
	struct counts all = { 0 };
	struct sim_machine sum = { 0 };

	log_set_level(LOG_ERROR);
	for (uint64_t i = 0; i < test_rounds(100); i++)
		run(test_seed + i, 10, &all, &sum);
	/* The runs were about something. */
	printf("# done %u restores %u starts %u failures %u stuck %u kills %u\n", all.done, all.restores,
	    sum.counts.starts, sum.counts.failures, sum.counts.stuck, sum.counts.kills);
	CHECK(all.done > 1000 && all.restores > 10 && sum.counts.starts > 500);
	CHECK(sum.counts.failures > 100 && sum.counts.stuck > 10 && sum.counts.kills > 10);
}
