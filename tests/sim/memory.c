/* memory: a whole simulated service whose nth allocation fails while it answers a request, for every n.
 *
 * How      one world: an operation is asked for again and again, each time with a later allocation failing, until it asks
 *          for no more.  Only what the service and its workers allocate counts, not the test.
 * Checked  each request is answered, or the process ends with a reason; the process starts again then; the database is what
 *          its digest says, and either what it was or what was asked for; a set that there is stays whole; and when memory
 *          is there again, the operation works.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/set.h"
#include "base/log.h"
#include "cluster/group/apply.h"
#include "cluster/object/object.h"
#include "ruedad/serve/serve.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/sim_machine.h"
#include "tests/lib/sim_service.h"
#include "tests/lib/test.h"
#include "wire/clusapi.h"
#include "wire/rueda.h"

#define SECOND 1000000000ull

static struct sim_service sim;
static struct sim_machine machine;
static struct sim_caller rueda, clusapi;
static struct ndr_handle root, key, resource;
static uint64_t ended; /* How many times the process has ended. */

static void step(void)
{
	failalloc_within(true);
	CHECK(sim_loop_step(sim.world));
	failalloc_within(false);
}

static bool is_started(void *data)
{
	(void)data;
	return sim.failed || sim.service.state == SERVICE_UP || sim.service.state == SERVICE_NO_CLUSTER;
}

/* False: the process, or the connection, has ended. */
static bool call(struct sim_caller *c, unsigned opnum, const void *in, void *out, uint32_t *ret)
{
	uint64_t until = sim_loop_time_ns(sim.world) + 600 * SECOND;

	if (c->service == NULL)
		sim_caller_connect(c, &sim, c == &rueda ? &rueda_interface : &clusapi_interface, c == &rueda ? 1 : 3);
	buf_reserve(&c->peer.received, 64 << 10); /* The test's own memory. */
	sim_caller_send(c, opnum, in);
	while (!sim_caller_answer(c, out, ret)) {
		if (sim.failed)
			return false;
		if (peer_is_over(&c->peer)) { /* There was no memory for the answer. */
			c->waiting = false;
			sim_caller_disconnect(c);
			return false;
		}
		CHECK(sim_loop_time_ns(sim.world) < until);
		step();
	}
	return true;
}

static uint32_t call_well(struct sim_caller *c, unsigned opnum, const void *in, void *out)
{
	uint32_t status;

	failalloc_armed = 0;
	CHECK(call(c, opnum, in, out, &status));
	return status;
}

static void up(void)
{
	struct error error = { 0 };

	if (sim_service_up(&sim, &error) < 0)
		test_fail(__FILE__, __LINE__, "it does not start: %s", error.text);
	CHECK(sim_loop_run_until(sim.world, is_started, NULL, 600 * SECOND));
	CHECK(!sim.failed);
}

static void open_handles(void)
{
	struct clusapi_GetRootKey_out r;
	struct clusapi_CreateKey_out k;
	struct clusapi_OpenResource_out o;

	CHECK_INT(
	    call_well(&clusapi, CLUSAPI_GET_ROOT_KEY, &(struct clusapi_GetRootKey_in){ .sam_desired = 0xf003f }, &r),
	    0);
	root = r.handle;
	CHECK_INT(call_well(&clusapi, CLUSAPI_CREATE_KEY,
		      &(struct clusapi_CreateKey_in){ .key = root, .sub_key = u"Sim", .sam_desired = 0xf003f }, &k),
	    0);
	key = k.handle;
	if (call_well(
		&clusapi, CLUSAPI_OPEN_RESOURCE, &(struct clusapi_OpenResource_in){ .resource_name = u"r" }, &o) == 0)
		resource = o.handle;
}

static void down(enum sim_disk_stop how)
{
	sim_machine_orphan(&machine, how);
	sim_service_down(&sim, how);
}

/* The process goes on, or starts again. */
static void recover(void)
{
	struct digest kept, recomputed;

	failalloc_armed = 0;
	if (sim.failed) {
		CHECK(sim.why.text[0] != 0);
		ended++;
		down(SIM_DISK_DEATH);
		up();
	}
	CHECK(sim_loop_run_until(sim.world, is_started, NULL, 600 * SECOND));
	sim_loop_run_for(sim.world, SECOND);
	if (sim.failed) { /* Now it has. */
		recover();
		return;
	}
	CHECK_INT(sim.service.state, SERVICE_UP);
	kept = db_digest(cluster_db(sim.service.cluster));
	recomputed = db_digest_recomputed(db_root(cluster_db(sim.service.cluster)));
	CHECK(digest_equal(&kept, &recomputed));
	if (clusapi.service != NULL)
		sim_caller_disconnect(&clusapi);
	open_handles();
}

static void check_set(const char *name)
{
	struct disk *disk = sim_service_look(&sim, name);
	struct set_info info;
	struct error error = { 0 };

	if (set_verify(disk, &info, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s: %s", name, error.text);
	sim_service_looked(&sim, disk);
}

static void begin(void)
{
	struct clusapi_OpenGroup_out g;
	struct clusapi_CreateResource_out r;
	struct rueda_CreateCluster_out c;
	struct rueda_Backup_out b;

	log_set_level(LOG_ERROR);
	failalloc_begin(0);
	failalloc_armed = ended = 0;
	sim_service_init(&sim, test_seed, "");
	sim_machine_init(&machine, sim.world, test_seed + 7);
	machine.calm = true;
	sim.runner = &machine.runner;
	up();
	CHECK_INT(call_well(&rueda, RUEDA_CREATE_CLUSTER, &(struct rueda_CreateCluster_in){ .name = u"sim" }, &c), 0);
	open_handles();
	CHECK_INT(call_well(&clusapi, CLUSAPI_OPEN_GROUP,
		      &(struct clusapi_OpenGroup_in){ .group_name = u"Cluster Group" }, &g),
	    0);
	CHECK_INT(call_well(&clusapi, CLUSAPI_CREATE_RESOURCE,
		      &(struct clusapi_CreateResource_in){
			  .group = g.handle, .resource_name = u"r", .resource_type = u"Generic Application" },
		      &r),
	    0);
	resource = r.handle;
	sim.handling = failalloc_within;
	CHECK_INT(call_well(&rueda, RUEDA_BACKUP, &(struct rueda_Backup_in){ .path = u"/sets/a" }, &b), 0);
}

static bool has_stopped(void *data)
{
	(void)data;
	return sim.stopped;
}

static void stop(void)
{
	sim_service_stop(&sim);
	CHECK(sim_loop_run_until(sim.world, has_stopped, NULL, 600 * SECOND));
	down(SIM_DISK_DEATH);
}

static void end(void)
{
	stop();
	sim_machine_done(&machine);
	sim_service_done(&sim);
	if (ended == 0)
		(void)failalloc_end(); /* Nothing was left behind. */
}

/* Ask for the same with one allocation after another failing: how many there were.  check() also makes ready for the next. */
static uint64_t repeat(
    struct sim_caller *c, unsigned opnum, const void *(*in)(void), void *out, void (*check)(uint32_t status))
{
	uint64_t n = 1;
	uint32_t status;

	for (;; n++) {
		bool answered;

		failalloc_armed = n;
		failalloc_refused = false;
		answered = call(c, opnum, in(), out, &status);
		if (!failalloc_refused)
			break;
		recover();
		if (answered && check != NULL)
			check(status);
	}
	CHECK_INT(status, 0);
	recover();
	if (check != NULL)
		check(status);
	return n - 1;
}

static const void *backup_in(void)
{
	static const struct rueda_Backup_in in = { .path = u"/sets/a" };

	return &in;
}

static void check_backup(uint32_t status)
{
	(void)status;
	check_set("a");
}

TEST(a_backup_without_memory_is_refused_and_leaves_the_old_set_whole)
{
	struct rueda_Backup_out out;

	begin();
	CHECK(repeat(&rueda, RUEDA_BACKUP, backup_in, &out, check_backup) > 50);
	end();
}

/* The restore is in force, or the state is what it was: a value that came after the set tells. */
static bool restored(void)
{
	return db_find(db_root(cluster_db(sim.service.cluster)), U16("Later")) == NULL;
}

static void make_later(void)
{
	struct clusapi_CreateKey_out k;

	CHECK_INT(call_well(&clusapi, CLUSAPI_CREATE_KEY,
		      &(struct clusapi_CreateKey_in){ .key = root, .sub_key = u"Later", .sam_desired = 0xf003f }, &k),
	    0);
}

static const void *restore_in(void)
{
	static const struct rueda_Restore_in in = { .path = u"/sets/a", .flags = 1 };

	return &in;
}

static void check_restore(uint32_t status)
{
	CHECK(status != 0 || restored());
	check_set("a");
	if (restored())
		make_later();
}

TEST(a_restore_without_memory_leaves_the_old_state_or_the_new)
{
	struct rueda_Restore_out out;

	begin();
	make_later();
	CHECK(repeat(&rueda, RUEDA_RESTORE, restore_in, &out, check_restore) > 100);
	end();
}

static uint32_t number; /* What is being set. */

static bool holds(uint32_t wanted)
{
	const struct db_key *k = db_find(db_root(cluster_db(sim.service.cluster)), U16("Sim"));
	struct db_value v;

	return db_value_find(k, U16("N"), &v) ? get_le32(v.data) == wanted : wanted == 0;
}

static const void *set_in(void)
{
	static struct clusapi_SetValue_in in;
	static uint8_t data[4];

	put_le32(data, number);
	in = (struct clusapi_SetValue_in){ .key = key, .value_name = u"N", .type = 4, .data = data, .data_size = 4 };
	return &in;
}

static void check_number(uint32_t status)
{
	CHECK(holds(number) || (status != 0 && holds(number - 1)));
}

TEST(a_value_that_is_set_without_memory_is_set_or_not)
{
	struct clusapi_SetValue_out out;

	begin();
	for (number = 1; number < 4; number++) {
		CHECK(holds(number - 1));
		repeat(&clusapi, CLUSAPI_SET_VALUE, set_in, &out, check_number);
	}
	end();
}

static enum resource_state state_of_r(void)
{
	const struct db_key *k = object_find(db_root(cluster_db(sim.service.cluster)), OBJECT_RESOURCE, U16("r"));
	struct guid id;

	CHECK(k != NULL && guid_parse(object_id(k), &id));
	return resource_run_state(resource_run_find(cluster_groups(sim.service.cluster), &id));
}

static bool is_at_rest(void *data)
{
	enum resource_state s = state_of_r();

	(void)data;
	return s == RESOURCE_ONLINE || s == RESOURCE_OFFLINE;
}

static const void *handle_in(void)
{
	static_assert(sizeof(struct clusapi_OnlineResource_in) == sizeof(resource), "one handle");
	return &resource;
}

static void offline_again(uint32_t status)
{
	struct clusapi_OfflineResource_out out;

	(void)status;
	CHECK(sim_loop_run_until(sim.world, is_at_rest, NULL, 2 * 3600 * SECOND));
	(void)call_well(&clusapi, CLUSAPI_OFFLINE_RESOURCE, handle_in(), &out);
	CHECK(sim_loop_run_until(sim.world, is_at_rest, NULL, 2 * 3600 * SECOND));
	CHECK_INT(state_of_r(), RESOURCE_OFFLINE);
}

static void online_again(uint32_t status)
{
	struct clusapi_OnlineResource_out out;

	(void)status;
	CHECK(sim_loop_run_until(sim.world, is_at_rest, NULL, 2 * 3600 * SECOND));
	(void)call_well(&clusapi, CLUSAPI_ONLINE_RESOURCE, handle_in(), &out);
	CHECK(sim_loop_run_until(sim.world, is_at_rest, NULL, 2 * 3600 * SECOND));
	CHECK_INT(state_of_r(), RESOURCE_ONLINE);
}

TEST(a_resource_that_starts_and_stops_without_memory_comes_to_rest)
{
	struct clusapi_OnlineResource_out online;
	struct clusapi_OfflineResource_out offline;

	begin();
	CHECK(repeat(&clusapi, CLUSAPI_ONLINE_RESOURCE, handle_in, &online, offline_again) > 20);
	online_again(0);
	CHECK(repeat(&clusapi, CLUSAPI_OFFLINE_RESOURCE, handle_in, &offline, online_again) > 20);
	end();
}

/* Two calls on one connection wait for the same; the answer to the first of them finds no memory, so that the connection ends,
 * and with it the call that would have been next. */
TEST(an_answer_without_memory_takes_along_the_other_calls_of_its_connection)
{
	const struct serve_call *first;
	unsigned ends = 0;

	begin();
	for (uint64_t n = 1; n == 1 || failalloc_refused; n++) {
		CHECK_INT(buf_reserve(&clusapi.peer.received, 64 << 10), 0);
		for (int i = 0; i < 2; i++) {
			sim_caller_send(&clusapi, CLUSAPI_ONLINE_RESOURCE, handle_in());
			clusapi.waiting = false; /* Their answers are not looked at. */
		}
		do
			step();
		while ((first = sim.service.waiting) == NULL || first->next_waiting == NULL);
		failalloc_armed = n;
		failalloc_refused = false;
		while (!sim.failed && sim.service.waiting != NULL)
			step();
		ends += !sim.failed && peer_is_over(&clusapi.peer);
		recover();
		offline_again(0);
	}
	CHECK(ends > 0);
	end();
}

/* The process starts with one allocation after another failing: what is in its log since the last checkpoint is little. */
TEST(a_start_without_memory_ends_with_a_reason_and_the_next_one_works)
{
	uint64_t n = 1;

	begin();
	for (;; n++) {
		struct error error = { 0 };
		int r;

		stop();
		failalloc_armed = n;
		failalloc_refused = false;
		r = sim_service_up(&sim, &error);
		while (r == 0 && !is_started(NULL))
			step();
		failalloc_armed = 0;
		if (!failalloc_refused)
			break;
		if (r < 0) {
			CHECK(error.code != 0);
			ended++;
			down(SIM_DISK_DEATH);
			up();
		}
		recover();
	}
	CHECK(n > 100);
	recover();
	end();
}
