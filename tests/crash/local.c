/* local: the embedded engine loses power, its process, single calls of its disk, its memory and its bits, at every step
 * of its life, and again while it recovers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/failalloc.h"
#include "tests/lib/local_node.h"

enum { SEGMENT = 8 << 10 };

/* A life with everything in it: a start, batches, rolls, trims, an end.  Whatever it dies of, it returns then. */
static void run_story(struct local_node *n)
{
	static const size_t lens[] = { 10, 0, 2000, 2000, 2000, 2000, 100, 5000, 300, 1000, 6000 };

	if (!local_node_settle(n))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		check_propose(n->life, lens[i]);
		check_propose(n->life, 20);
		if (i % 3 == 2)
			continue; /* Three batches' worth at once. */
		if (!local_node_settle(n))
			return;
		if (i == 4 || i == 9) {
			n->trimmed = n->life->shown - 2;
			engine_trim(n->engine, n->trimmed);
		}
	}
	check_barrier(n->life);
	if (local_node_settle(n))
		sim_loop_run_for(n->world, 2000000000);
}

static void must_go_up(struct local_node *n, uint64_t applied)
{
	struct error error;

	if (local_node_up(n, applied, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
}

/* Up again with nothing in the way: all is there, and it works. */
static void must_recover(struct local_node *n)
{
	must_go_up(n, n->trimmed);
	CHECK(local_node_settle(n));
	CHECK_INT(n->life->shown, n->check->last);
	check_finish(n->check);
	check_propose(n->life, 50);
	CHECK(local_node_settle(n));
	check_finish(n->check);
	local_node_down(n);
	/* What has been shown stays, however it ends. */
	sim_disk_stop(n->medium, SIM_DISK_POWER_CUT);
	sim_disk_restart(n->medium);
	must_go_up(n, n->trimmed);
	CHECK(local_node_settle(n));
	check_finish(n->check);
}

static void init(struct local_node *n, uint64_t seed)
{
	local_node_init(n, seed, SEGMENT, 100);
	sim_disk_set_garbage(n->medium, seed % 2 == 0 ? SIM_DISK_GARBAGE_WRITE : SIM_DISK_NO_GARBAGE);
}

/* Crash at the nth call of the story, then at the mth of the recovery.  False: the story had fewer calls. */
static bool crash_twice(
    uint64_t seed, uint64_t nth, uint64_t mth, enum sim_disk_stop how, enum sim_disk_stop then, bool *ret_recovered)
{
	struct local_node n;
	struct error error;
	bool stopped;

	init(&n, seed);
	must_go_up(&n, 100);
	sim_disk_stop_at(n.medium, SIM_DISK_ANY, nth, how);
	run_story(&n);
	stopped = sim_disk_is_stopped(n.medium);
	CHECK(stopped || !n.life->failed);
	/* Without the crash the story is told to its end. */
	CHECK(stopped || (n.check->counts[0] == 22 && n.check->counts[3] == 1 && nth > 50));
	local_node_down(&n);
	*ret_recovered = true;
	if (stopped && mth > 0) {
		sim_disk_stop_at(n.medium, SIM_DISK_ANY, mth, then);
		if (local_node_up(&n, n.trimmed, &error) >= 0) {
			check_propose(n.life, 300);
			*ret_recovered = local_node_settle(&n);
			local_node_down(&n);
		} else {
			CHECK_INT(error.code, -EIO);
			*ret_recovered = false;
		}
	}
	sim_disk_stop_at(n.medium, SIM_DISK_ANY, 0, how);
	must_recover(&n);
	local_node_done(&n);
	return stopped;
}

static void crash_everywhere(enum sim_disk_stop how, enum sim_disk_stop then)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(4); seed++) {
		bool more = true, recovered;

		test_note_seed(seed);
		for (uint64_t nth = 1; more; nth++) {
			more = crash_twice(seed + nth, nth, 0, how, then, &recovered);
			recovered = !more;
			for (uint64_t mth = 1; !recovered; mth++)
				(void)crash_twice(seed + nth + mth, nth, mth, how, then, &recovered);
		}
	}
}

TEST(a_power_cut_at_any_call_loses_nothing_acknowledged)
{
	crash_everywhere(SIM_DISK_POWER_CUT, SIM_DISK_POWER_CUT);
}

TEST(a_death_at_any_call_loses_nothing_acknowledged)
{
	crash_everywhere(SIM_DISK_DEATH, SIM_DISK_DEATH);
}

/* What a dead process has left in the cache is shown by the next, and so must be safe by then. */
TEST(a_power_cut_after_a_death_takes_nothing_back_that_was_shown)
{
	crash_everywhere(SIM_DISK_DEATH, SIM_DISK_POWER_CUT);
}

/* One call fails; the engine goes on or fails; then the process dies, starts again from what the cache shows, and then the
 * power goes. */
static bool fail_once(uint64_t seed, uint64_t nth, unsigned calls, int code, bool power_cut)
{
	struct local_node n;
	bool failed;

	init(&n, seed);
	must_go_up(&n, 100);
	sim_disk_fail_at(n.medium, calls, nth, code);
	run_story(&n);
	failed = sim_disk_has_failed(n.medium);
	CHECK(!n.life->failed || failed);
	sim_disk_fail_at(n.medium, calls, 0, code);
	if (n.life->failed)
		CHECK_INT(n.life->error.code, code);
	if (power_cut)
		sim_disk_stop(n.medium, SIM_DISK_POWER_CUT);
	if (n.life->failed && !power_cut)
		local_node_stop(&n);
	else
		local_node_down(&n);
	must_recover(&n);
	local_node_done(&n);
	return failed;
}

TEST(the_failure_of_any_call_ends_the_engine_or_changes_nothing)
{
	static const struct {
		unsigned calls;
		int code;
	} kinds[] = { { SIM_DISK_ANY, -EIO }, { SIM_DISK_ANY, -ENOSPC },
		{ SIM_DISK_SYNC | SIM_DISK_SYNC_DIRECTORY, -EIO } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (uint64_t seed = test_seed; seed < test_seed + test_rounds(2); seed++) {
			test_note_seed(seed);
			for (uint64_t nth = 1; fail_once(seed + nth, nth, kinds[i].calls, kinds[i].code, false); nth++)
				(void)fail_once(seed + nth, nth, kinds[i].calls, kinds[i].code, true);
		}
	}
}

/* A start that fails for the disk has changed nothing that matters: the next one works. */
TEST(the_failure_of_any_call_of_a_start_leaves_the_log_whole)
{
	bool more = true;

	for (uint64_t nth = 1; more; nth++) {
		struct local_node n;
		struct error error;

		init(&n, test_seed + nth);
		must_go_up(&n, 100);
		sim_disk_stop_at(n.medium, SIM_DISK_WRITE, 20, SIM_DISK_POWER_CUT); /* In a batch. */
		run_story(&n);
		local_node_down(&n);
		sim_disk_fail_at(n.medium, SIM_DISK_ANY, nth, -EIO);
		if (local_node_up(&n, n.trimmed, &error) >= 0) {
			(void)local_node_settle(&n);
			CHECK(!n.life->failed || sim_disk_has_failed(n.medium));
			local_node_down(&n);
		}
		more = sim_disk_has_failed(n.medium);
		sim_disk_fail_at(n.medium, SIM_DISK_ANY, 0, -EIO);
		must_recover(&n);
		local_node_done(&n);
	}
}

/* Creation. */

static int create(struct local_node *n)
{
	static struct quolog_header header = { .snapshot = 7 };
	struct error error;
	struct disk *disk;
	int r;

	memset(&header.instance, 1, sizeof(header.instance));
	memset(&header.generation.id, 2, sizeof(header.generation.id));
	CHECK_INT(sim_disk_open(n->medium, "", &disk), 0);
	r = engine_local_create(n->world, disk, &header, &n->options, &error);
	disk_free(disk);
	return r;
}

static bool create_once(uint64_t seed, uint64_t nth, enum sim_disk_stop how)
{
	struct local_node n = {
		.options = { .node = 1, .segment_size = SEGMENT }, .trimmed = 7, .check = check_new(7)
	};
	struct error error;
	bool stopped;
	int r;

	CHECK_INT(sim_loop_new(seed, &n.world), 0);
	CHECK_INT(sim_disk_new(seed, &n.medium), 0);
	sim_disk_stop_at(n.medium, SIM_DISK_ANY, nth, how);
	r = create(&n);
	stopped = sim_disk_is_stopped(n.medium);
	CHECK(stopped || r == 0);
	sim_disk_stop_at(n.medium, SIM_DISK_ANY, 0, how);
	if (!stopped)
		sim_disk_stop(n.medium, how);
	sim_disk_restart(n.medium);
	if (local_node_up(&n, 7, &error) < 0) {
		CHECK(error.code == ERR_CLUSTER_QUORUMLOG_NOT_FOUND && r < 0);
		CHECK_INT(create(&n), 0); /* A second try is not in the way of the first. */
	} else {
		/* What it takes is safe, also if nobody has seen the creation end. */
		CHECK(local_node_settle(&n));
		check_propose(n.life, 10);
		CHECK(local_node_settle(&n));
		local_node_down(&n);
		sim_disk_stop(n.medium, SIM_DISK_POWER_CUT);
		sim_disk_restart(n.medium);
	}
	must_recover(&n);
	local_node_done(&n);
	return stopped;
}

TEST(a_crash_while_a_log_is_created_leaves_all_or_nothing)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(20); seed++) {
		test_note_seed(seed);
		for (uint64_t nth = 1; create_once(seed, nth, SIM_DISK_POWER_CUT); nth++)
			(void)create_once(seed, nth, SIM_DISK_DEATH);
	}
}

/* Rot. */

static void make_small_log(struct local_node *n, uint64_t seed, bool clean)
{
	local_node_init(n, seed, SEGMENT, 100);
	must_go_up(n, 100);
	CHECK(local_node_settle(n));
	for (int i = 0; i < 3; i++) {
		check_propose(n->life, 40);
		check_propose(n->life, 5);
		CHECK(local_node_settle(n));
	}
	if (clean)
		local_node_stop(n);
	else
		local_node_down(n);
}

/* True if the log was refused. */
static bool rot_one(uint64_t offset, uint8_t flip, bool clean)
{
	static const char name[] = "0000000000000065.log";
	struct local_node n;
	struct error error;
	bool refused;

	make_small_log(&n, 1, clean);
	CHECK_INT(sim_disk_rot(n.medium, name, offset, flip), 0);
	refused = local_node_up(&n, 100, &error) < 0;
	if (refused) {
		CHECK(error.code == ERR_CLUSTERLOG_CORRUPT || error.code == ERR_NOT_SUPPORTED);
		CHECK(strstr(error.text, name) != NULL);
		/* It has not been touched: without the rot it is whole. */
		CHECK_INT(sim_disk_rot(n.medium, name, offset, flip), 0);
		must_go_up(&n, 100);
	}
	CHECK(local_node_settle(&n));
	CHECK_INT(n.life->shown, n.check->last);
	check_finish(n.check);
	local_node_done(&n);
	return refused;
}

TEST(a_rotten_byte_is_refused_or_does_not_matter)
{
	uint64_t end = 0, refused = 0;

	for (uint64_t offset = 0; offset < SEGMENT; offset += offset < 1200 ? 1 : 61) {
		for (int clean = 0; clean < 2; clean++) {
			if (rot_one(offset, (uint8_t)(1u << offset % 8), clean) && rot_one(offset, 0xff, clean)) {
				end = offset + 1;
				refused++;
			}
		}
	}
	/* All of the used part is watched, but for its last record, the mark. */
	CHECK(end > 800 && refused == 2 * end);
}

/* Space. */

static uint64_t fill(struct local_node *n)
{
	uint64_t refused = n->check->counts[1];

	for (int i = 0; i < 1000 && n->check->counts[1] == refused; i++) {
		check_propose(n->life, 500);
		CHECK(local_node_settle(n));
	}
	return n->check->counts[1] - refused;
}

TEST(a_full_disk_refuses_commands_and_loses_none)
{
	struct local_node n;

	local_node_init(&n, test_seed, SEGMENT, 0);
	must_go_up(&n, 0);
	CHECK(local_node_settle(&n));
	sim_disk_set_capacity(n.medium, 4 * SEGMENT);
	CHECK_INT(fill(&n), 1);
	CHECK(!n.life->failed && engine_quorate(n.engine));
	check_finish(n.check);
	/* There is room for some starts, with the disk still full. */
	for (int i = 0; i < 5; i++) {
		if (i % 2 == 0)
			local_node_stop(&n);
		else
			local_node_down(&n);
		must_go_up(&n, 0);
		CHECK(local_node_settle(&n));
		check_propose(n.life, 500);
		CHECK(local_node_settle(&n));
	}
	CHECK(n.check->counts[1] >= 6);
	/* Space comes back: by removing what nobody needs, or from outside. */
	engine_trim(n.engine, n.life->shown);
	sim_loop_run_for(n.world, 5000000000);
	CHECK_INT(fill(&n), 1);
	CHECK(n.check->counts[0] > 50);
	sim_disk_set_capacity(n.medium, 100 * SEGMENT);
	sim_loop_run_for(n.world, 5000000000);
	check_propose(n.life, 500);
	check_propose(n.life, 500);
	CHECK(local_node_settle(&n));
	{
		uint64_t acknowledged = n.check->counts[0];

		check_propose(n.life, 500);
		CHECK(local_node_settle(&n));
		CHECK_INT(n.check->counts[0], acknowledged + 1);
	}
	check_finish(n.check);
	local_node_stop(&n);
	local_node_done(&n);
}

/* Memory. */

static unsigned told;

static void on_event(void *data, const struct engine_event *event)
{
	CHECK_INT(event->index, ++*(uint64_t *)data);
}

static void on_failed(void *data, const struct error *error)
{
	CHECK(error->code < 0);
}

static void on_done(void *data, int result, uint64_t index)
{
	CHECK(result < 0 || index > 0);
	told++;
}

static void on_stopped(void *data)
{
	told += 100;
}

static void live_without_memory(struct loop *loop, struct disk *disk)
{
	static struct quolog_header header = { .name_len = 1, .name = { 'x' } };
	struct engine_local_options options = { .node = 1, .segment_size = SEGMENT };
	uint64_t shown = 0;
	struct engine_client client = { on_event, NULL, on_failed, &shown };
	struct engine *e;

	memset(&header.instance, 1, sizeof(header.instance));
	memset(&header.generation.id, 2, sizeof(header.generation.id));
	told = 0;
	if (engine_local_create(loop, disk, &header, &options, NULL) < 0 ||
	    engine_local_new(loop, disk, &options, &e) < 0)
		return;
	if (engine_start(e, &client, 0, NULL) < 0) {
		engine_free(e);
		return;
	}
	for (uint64_t i = 1; i <= 3; i++)
		engine_propose(e, (struct engine_id){ engine_incarnation(e), i }, "command", 7, on_done, NULL);
	engine_barrier(e, on_done, NULL);
	(void)sim_loop_run_until_idle(loop, 10000000000);
	engine_stop(e, on_stopped, NULL);
	(void)sim_loop_run_until_idle(loop, 10000000000);
	CHECK(told >= 100);
	if (shown >= 5)
		CHECK_INT(told, 104);
	engine_free(e);
}

TEST(each_failed_allocation_is_a_refusal_or_the_end_and_leaves_nothing_behind)
{
	unsigned runs = 0;

	FAIL_EACH_ALLOCATION
	{
		struct sim_disk *medium;
		struct loop *loop;
		struct disk *disk;

		runs++;
		if (sim_loop_new(1, &loop) >= 0) {
			if (sim_disk_new(1, &medium) >= 0) {
				if (sim_disk_open(medium, "", &disk) >= 0) {
					live_without_memory(loop, disk);
					disk_free(disk);
				}
				sim_disk_free(medium);
			}
			sim_loop_free(loop);
		}
	}
	CHECK(runs > 30 && told == 104);
}
