/* service: the whole service of one node through many lives: several callers change the registry through MS-CMRP while
 * backups are made and restored, disks fail and fill up, workers are late, and the power goes at any disk operation.
 *
 * Oracle   each user changes keys of its own and remembers every content that they have had; a directory of sets remembers
 *          what the set in it holds.
 * Checked  acknowledged is kept, refused is not done, and done once; a restore puts exactly the set's content in force,
 *          at whatever moment it is interrupted the old state or the new; the set in a directory is the old or the new one,
 *          whole and proven, from the first commit on, and holds everything acknowledged before the backup was asked for;
 *          one backup at a time; whatever happened, the node starts again; the digest is that of the tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cluster/group/apply.h"
#include "tests/sim/service_world.h"
#include "wire/command.h"
#include "wire/rueda.h"

enum { STEPS_MAX = 1500 };
#define SECOND 1000000000ull

/* Choose what goes wrong in this life. */
static void arm(struct world *w)
{
	struct sim_disk *disk = rng_chance(&w->rng, 50) ? w->service.state : w->service.sets;
	uint64_t nth = 1 + rng_below(&w->rng, rng_chance(&w->rng, 50) ? 60 : 600);

	w->how = rng_chance(&w->rng, 70) ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH;
	w->faults = true;
	switch (rng_below(&w->rng, 8)) {
	case 0:
	case 1:
	case 2:
		sim_disk_stop_at(disk, SIM_DISK_ANY, nth, w->how);
		break;
	case 3:
	case 4:
		sim_disk_fail_at(disk, SIM_DISK_ANY, nth, -EIO);
		break;
	case 5:
		sim_disk_set_capacity(disk, rng_below(&w->rng, 600) << 10);
		break;
	default:
		w->faults = false;
	}
}

static void disarm(struct world *w)
{
	struct sim_disk *const disks[] = { w->service.state, w->service.sets };

	for (size_t i = 0; i < ARRAY_SIZE(disks); i++) {
		sim_disk_stop_at(disks[i], 0, 0, SIM_DISK_DEATH);
		sim_disk_fail_at(disks[i], 0, 0, -EIO);
		sim_disk_set_capacity(disks[i], 1 << 30);
	}
	w->faults = false;
}

/* The process has ended: whoever waited will never hear. */
static void life_end(struct world *w)
{
	w->open = false;
	disarm(w);
	sim_service_down(&w->service, w->how);
	for (unsigned i = 0; i < USERS; i++) {
		struct user *u = &w->users[i];

		u->unsure = u->doing != NOTHING;
		u->root = u->key = (struct ndr_handle){ 0 };
	}
	for (unsigned i = 0; i < DIRECTORIES; i++)
		look_at_directory(w, &w->directories[i]);
}

static bool is_started(void *data)
{
	struct world *w = data;

	return sim_service_is_dead(&w->service) || w->service.failed || service_of(w)->state == SERVICE_UP ||
	       service_of(w)->state == SERVICE_NO_CLUSTER;
}

/* The process that has started shows what became of what the last one was asked for. */
static void resolve(struct world *w)
{
	world_look(w);
	for (unsigned i = 0; i < USERS; i++) {
		struct user *u = &w->users[i];

		if (u->unsure && is_up(w)) {
			struct content now = read_content(u, db_root(cluster_db(service_of(w)->cluster)));

			if (content_equal(&now, &u->after))
				note_done(u);
		}
		u->doing = NOTHING;
		u->unsure = false;
	}
	for (unsigned i = 0; i < ADMINS; i++) {
		CHECK(!w->admins[i].promised || strcmp(w->generation, w->admins[i].generation) != 0);
		w->admins[i].promised = false;
		w->admins[i].task = IDLE;
	}
	for (unsigned i = 0; i < DIRECTORIES; i++)
		w->directories[i].backups = 0;
	world_check_digest(w);
}

/* True: the process has started, and serves what it has. */
static bool life_begin(struct world *w)
{
	struct error error = { 0 };

	w->applied = 0;
	if (sim_service_up(&w->service, &error) < 0) {
		if (!w->faults)
			test_fail(__FILE__, __LINE__, "it does not start: %s", error.text);
		return false;
	}
	CHECK(sim_loop_run_until(w->service.world, is_started, w, 600 * SECOND));
	if (sim_service_is_dead(&w->service) || w->service.failed) {
		CHECK(w->faults);
		return false;
	}
	CHECK(is_up(w) || w->generation[0] == 0);
	resolve(w);
	w->open = true;
	return true;
}

static bool has_stopped(void *data)
{
	struct world *w = data;

	return sim_service_is_dead(&w->service) || w->service.stopped;
}

static void stop_in_good_order(struct world *w)
{
	world_check_digest(w);
	sim_service_stop(&w->service);
	CHECK(sim_loop_run_until(w->service.world, has_stopped, w, 600 * SECOND));
	if (sim_service_is_dead(&w->service))
		return;
	for (unsigned i = 0; i < USERS; i++) {
		user_look(&w->users[i]);
		CHECK(w->users[i].doing == NOTHING || w->users[i].unsure);
	}
	for (unsigned i = 0; i < ADMINS; i++) {
		admin_look(&w->admins[i]);
		CHECK(w->admins[i].task == IDLE || w->admins[i].promised);
	}
}

static void live(struct world *w)
{
	uint64_t steps = rng_below(&w->rng, STEPS_MAX);

	for (uint64_t i = 0; i < steps && !sim_service_is_dead(&w->service) && !w->service.failed; i++) {
		CHECK(sim_loop_step(w->service.world));
		world_look(w);
	}
	w->counts.crashes += sim_service_is_dead(&w->service);
	w->counts.failures += w->service.failed;
	CHECK(!w->service.failed || w->faults);
	if (!sim_service_is_dead(&w->service) && rng_chance(&w->rng, 50))
		stop_in_good_order(w);
}

static struct counts run(uint64_t seed, unsigned lives)
{
	static struct world w;

	test_note_seed(seed);
	world_init(&w, seed);
	for (unsigned i = 0; i < lives; i++) {
		arm(&w);
		if (life_begin(&w))
			live(&w);
		life_end(&w);
	}
	/* The faults end: what is there is whole, and the node starts and stops. */
	CHECK(life_begin(&w));
	stop_in_good_order(&w);
	CHECK(!sim_service_is_dead(&w.service));
	life_end(&w);
	world_done(&w);
	return w.counts;
}

TEST(acknowledged_is_kept_sets_are_whole_and_a_restore_is_all_or_nothing)
{
	struct counts all = { 0 };

	log_set_level(LOG_ERROR);
	for (uint64_t i = 0; i < test_rounds(80); i++) {
		struct counts c = run(test_seed + i, 20);

		all.acknowledged += c.acknowledged;
		all.backups += c.backups;
		all.restores += c.restores;
		all.crashes += c.crashes;
		all.failures += c.failures;
		all.unsure += c.unsure;
	}
	/* The runs were about something. */
	CHECK(all.acknowledged > 10000 && all.backups > 500 && all.restores > 100);
	CHECK(all.crashes > 50 && all.failures > 20 && all.unsure > 5);
}

/* The rules one by one, each of which the runs above found broken. */

static bool is_calm(void *data)
{
	struct world *w = data;

	for (unsigned i = 0; i < ADMINS; i++)
		admin_look(&w->admins[i]);
	return w->admins[0].task == IDLE && w->admins[1].task == IDLE && w->admins[2].task == IDLE;
}

/* A node with a cluster, some keys, and a set in directory a. */
static void story_begin(struct world *w, uint64_t seed)
{
	test_note_seed(seed);
	log_set_level(LOG_ERROR);
	world_init(w, seed);
	w->scripted = true;
	CHECK(life_begin(w));
	admin_connect(&w->admins[1]);
	begin_creation(&w->admins[1]);
	CHECK(sim_loop_run_until(w->service.world, is_started, w, 600 * SECOND));
	world_look(w);
	CHECK(sim_loop_run_until(w->service.world, is_calm, w, 600 * SECOND));
	sim_loop_run_for(w->service.world, SECOND / 20);
	begin_backup(&w->admins[1], &w->directories[0]);
	CHECK(sim_loop_run_until(w->service.world, is_calm, w, 600 * SECOND));
	CHECK(w->directories[0].committed);
	sim_loop_run_for(w->service.world, SECOND / 20);
}

static void story_end(struct world *w)
{
	life_end(w);
	CHECK(life_begin(w));
	stop_in_good_order(w);
	life_end(w);
	world_done(w);
}

static struct world story;

TEST(a_backup_is_refused_while_a_restore_runs)
{
	struct rueda_Backup_out out;
	uint32_t status;

	story_begin(&story, test_seed);
	admin_connect(&story.admins[2]);
	begin_restore(&story.admins[1], &story.directories[0]);
	sim_caller_send(&story.admins[2].caller, RUEDA_BACKUP, &(struct rueda_Backup_in){ .path = u"/sets/b" });
	CHECK(sim_caller_answer(&story.admins[2].caller, &out, &status));
	CHECK_INT(status, error_to_win32(ERR_BUSY));
	while (story.admins[1].task != IDLE) {
		CHECK(sim_loop_step(story.service.world));
		world_look(&story);
	}
	story_end(&story);
}

TEST(a_creation_is_answered_although_the_service_stops_before_it_is_up)
{
	test_note_seed(test_seed);
	log_set_level(LOG_ERROR);
	world_init(&story, test_seed);
	story.scripted = true;
	CHECK(life_begin(&story));
	admin_connect(&story.admins[1]);
	begin_creation(&story.admins[1]);
	CHECK_INT(service_of(&story)->state, SERVICE_STARTING);
	stop_in_good_order(&story);
	CHECK(story.admins[1].promised);
	story_end(&story);
}

TEST(a_key_that_is_made_while_the_service_stops_is_not_answered_as_an_error)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		story_begin(&story, test_seed + i);
		while (story.users[0].doing != CREATE_SUB || !story.users[0].caller.waiting)
			CHECK(sim_loop_step(story.service.world));
		stop_in_good_order(&story); /* Asks whether the log refused it, or did it. */
		story_end(&story);
	}
}

/* What a fault of the memory would do: the tree changes, and its digest knows nothing of it. */
static void flip_a_bit(struct world *w)
{
	struct db_value v;

	CHECK(db_value_find(db_root(cluster_db(service_of(w)->cluster)), U16("ClusterName"), &v) && v.len > 0);
	((uint8_t *)v.data)[0] ^= 1;
}

TEST(a_database_that_is_not_what_its_digest_says_ends_the_process_and_is_written_nowhere)
{
	for (unsigned how = 0; how < 3; how++) {
		story_begin(&story, test_seed + how);
		flip_a_bit(&story);
		if (how == 0)
			service_prove(service_of(&story));
		else if (how == 1)
			service_checkpoint(service_of(&story));
		/* Else the users' changes bring a check. */
		for (unsigned i = 0; i < 5000 && !story.service.failed; i++)
			CHECK(sim_loop_step(story.service.world));
		CHECK(story.service.failed);
		CHECK_INT(story.service.why.code, ERR_CLUSTER_DATABASE_SEQMISMATCH);
		story.open = false;
		sim_service_stop(&story.service);
		CHECK(sim_loop_run_until(story.service.world, has_stopped, &story, 600 * SECOND));
		story_end(&story);
	}
}

static void ignore(void *data, int status, const struct cluster_result *result)
{
}

TEST(a_node_whose_digests_differ_from_the_owners_stops)
{
	struct command command = { .kind = COMMAND_CHECK, .version = COMMAND_VERSION };
	struct buf bytes = { 0 };

	story_begin(&story, test_seed);
	story.open = false; /* Nothing may come between. */
	sim_loop_run_for(story.service.world, 30 * SECOND);
	command.check.index = cluster_applied(service_of(&story)->cluster);
	CHECK_INT(ndr_message_push(&command_messages, &command, &bytes), 0);
	CHECK_INT(replica_propose(service_of(&story)->replica, bytes.data, bytes.len, ignore, NULL), 0);
	buf_done(&bytes);
	sim_loop_run_for(story.service.world, 30 * SECOND);
	CHECK(story.service.failed);
	CHECK_INT(story.service.why.code, ERR_CLUSTER_DATABASE_SEQMISMATCH);
	/* And again from the last checkpoint: it stays down. */
	life_end(&story);
	CHECK_INT(sim_service_up(&story.service, NULL), 0);
	sim_loop_run_for(story.service.world, SECOND);
	CHECK(story.service.failed);
	life_end(&story);
	world_done(&story);
}

TEST(an_idle_cluster_checks_once_and_its_log_does_not_grow)
{
	uint64_t applied;

	story_begin(&story, test_seed);
	story.open = false;
	sim_loop_run_for(story.service.world, 30 * SECOND);
	applied = cluster_applied(service_of(&story)->cluster);
	if (service_of(&story)->unchecked > 0)
		applied++; /* Else the last change was the one that brought the check. */
	sim_loop_run_for(story.service.world, 120 * SECOND);
	CHECK_INT(cluster_applied(service_of(&story)->cluster), applied);
	sim_loop_run_for(story.service.world, 600 * SECOND);
	CHECK_INT(cluster_applied(service_of(&story)->cluster), applied);
	story_end(&story);
}

static void propose(struct world *w, struct command command)
{
	struct buf bytes = { 0 };

	command.version = COMMAND_VERSION;
	CHECK_INT(ndr_message_push(&command_messages, &command, &bytes), 0);
	CHECK_INT(replica_propose(service_of(w)->replica, bytes.data, bytes.len, ignore, NULL), 0);
	buf_done(&bytes);
}

/* Make a resource that cannot be run, and ask for it. */
static void want_one_that_fails(struct world *w, const struct guid *id, const char16_t *name)
{
	struct command create = { .kind = COMMAND_OBJECT_CREATE }, online = { .kind = COMMAND_RESOURCE_REQUEST };
	const struct db_key *group =
	    object_find(db_root(cluster_db(service_of(w)->cluster)), OBJECT_GROUP, U16("Cluster Group"));

	CHECK(group != NULL);
	create.object_create = (struct command_ObjectCreate){
		.kind = OBJECT_RESOURCE, .name = name, .id = *id, .type_name = u"File Share Witness", .display_name = u""
	};
	CHECK(guid_parse(object_id(group), &create.object_create.group_id));
	online.resource_request = (struct command_ResourceRequest){ *id, RESOURCE_VERB_ONLINE, 7 };
	propose(w, create);
	propose(w, online);
}

/* A resource that cannot be run: it fails, is restarted after half a second, fails, and is tried again each hour. */
TEST(the_clusters_time_goes_on_while_a_failed_resource_waits_and_costs_little)
{
	const struct guid id = { { 0x5a } };
	const struct resource_run *run;
	uint64_t applied;

	story_begin(&story, test_seed);
	story.open = false;
	sim_loop_run_for(story.service.world, 200 * SECOND);
	want_one_that_fails(&story, &id, u"nothing");
	sim_loop_run_for(story.service.world, SECOND / 4);
	run = resource_run_find(cluster_groups(service_of(&story)->cluster), &id);
	CHECK(run != NULL && run->state == RESOURCE_FAILED);
	CHECK_INT(run->sequence, 2);
	sim_loop_run_for(story.service.world, SECOND);
	run = resource_run_find(cluster_groups(service_of(&story)->cluster), &id);
	CHECK_INT(run->sequence, 4);
	applied = cluster_applied(service_of(&story)->cluster);
	sim_loop_run_for(story.service.world, 3590 * SECOND);
	run = resource_run_find(cluster_groups(service_of(&story)->cluster), &id);
	CHECK_INT(run->sequence, 4);
	CHECK(cluster_applied(service_of(&story)->cluster) < applied + 65);
	sim_loop_run_for(story.service.world, 15 * SECOND);
	run = resource_run_find(cluster_groups(service_of(&story)->cluster), &id);
	CHECK(run->sequence > 4);
	story_end(&story);
}

/* While the first waits for its hour, ticks come each minute only. */
TEST(a_wait_that_begins_between_two_ticks_is_as_long_as_any)
{
	const struct guid first = { { 0x5a } }, second = { { 0x5b } };
	const struct resource_run *run;

	story_begin(&story, test_seed);
	story.open = false;
	sim_loop_run_for(story.service.world, 200 * SECOND);
	want_one_that_fails(&story, &first, u"first");
	sim_loop_run_for(story.service.world, 95 * SECOND);
	want_one_that_fails(&story, &second, u"second");
	sim_loop_run_for(story.service.world, SECOND / 4);
	run = resource_run_find(cluster_groups(service_of(&story)->cluster), &second);
	CHECK(run != NULL && run->state == RESOURCE_FAILED);
	CHECK_INT(run->sequence, 2);
	sim_loop_run_for(story.service.world, SECOND);
	run = resource_run_find(cluster_groups(service_of(&story)->cluster), &second);
	CHECK_INT(run->sequence, 4);
	story_end(&story);
}

/* Each call of the state's disk in turn is the last one, or fails, while a restore runs; then the node works on, and loses
 * power once more: what it had then built upon must not have been on sand. */
TEST(a_restore_that_is_interrupted_anywhere_leaves_the_old_state_or_the_new_for_good)
{
	static const int ways[] = { SIM_DISK_POWER_CUT, SIM_DISK_DEATH, 0 };

	for (uint64_t i = 0; i < test_rounds(450); i++) {
		int way = ways[i % ARRAY_SIZE(ways)];
		uint64_t nth = 1 + i / ARRAY_SIZE(ways);

		story_begin(&story, test_seed + i);
		story.faults = true;
		story.how = way == SIM_DISK_DEATH ? SIM_DISK_DEATH : SIM_DISK_POWER_CUT;
		begin_restore(&story.admins[1], &story.directories[0]);
		if (way == 0)
			sim_disk_fail_at(story.service.state, SIM_DISK_ANY, nth, -EIO);
		else
			sim_disk_stop_at(story.service.state, SIM_DISK_ANY, nth, story.how);
		while (story.admins[1].task != IDLE && !story.admins[1].promised && !story.service.failed &&
		       !sim_service_is_dead(&story.service)) {
			CHECK(sim_loop_step(story.service.world));
			world_look(&story);
		}
		for (unsigned round = 0; round < 2; round++) {
			uint64_t until = sim_loop_time_ns(story.service.world) + SECOND / 50;

			while (!sim_service_is_dead(&story.service) && !story.service.failed &&
			       sim_loop_time_ns(story.service.world) < until) {
				CHECK(sim_loop_step(story.service.world));
				world_look(&story);
			}
			life_end(&story);
			CHECK(life_begin(&story));
			story.how = SIM_DISK_POWER_CUT;
		}
		story_end(&story);
	}
}
