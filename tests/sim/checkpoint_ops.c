/* checkpoint_ops: what an administrator does to saved state, interrupted at every step: the checkpoints of one resource taken
 * from a set, one of them taken from a set or captured again, the cluster key sealed anew.
 *
 * How      a node with checkpoints of a key, a file and key material; one operation, of which the nth call of a disk fails or is
 *          the last one, with the power or without, the nth question to priv gets no answer, the nth allocation (a worker's
 *          job is one) is refused, for every n; the next start; the same operation once more, undisturbed.
 * Checked  at the end of each step and after the next start: what was saved is what it was or all of what was asked for, which it
 *          is if that was answered, and every blob that the database names is whole; the database is the same but for the
 *          checkpoints of the resource; what a restore replaced is in a safety copy; the cluster key opens with the old secret
 *          or with the new one; earlier sets open as they did.  Then the operation works, and so does the resource.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cluster/object/object.h"
#include "ruedad/agents/capture.h"
#include "ruedad/blobs.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/sim_outside.h"
#include "tests/lib/sim_set.h"
#include "tests/lib/test.h"
#include "wire/rueda.h"

enum { SOURCES = 3, FILE_SOURCE = 1 };
#define SECOND UINT64_C(1000000000)

static const struct u16 names[SOURCES] = { U16("App"), U16("File\\data\\f"), U16("1\\PEM\\/data/c") };

struct numbers {
	uint32_t of[SOURCES];
};
static const struct numbers olds = { { 2, 2, 2 } }, in_set = { { 1, 1, 1 } }, one_of_set = { { 2, 1, 2 } };

static struct outside o;
static struct sim_caller caller;

struct operation {
	bool sealed;                 /* The cluster has a key from the beginning. */
	void (*prepare)(void);       /* Beyond what all have in common. */
	void (*ask)(void);           /* Send the call. */
	const struct numbers *after; /* What is saved then; NULL: what was saved before. */
	bool damages;                /* The file's blob is damaged until it has succeeded. */
	bool keeps_copy;             /* Of what it replaces. */
	int pair;                    /* The key pair of the cluster key then; -1: as before. */
};

/* What happens to it. */
enum harm { POWER_CUT, DEATH, DISK_ERROR, NO_ANSWER, NO_MEMORY, HARMS };

/* A node. */

static struct db_key const *root_now(void)
{
	return db_root(cluster_db(outside_service(&o)->cluster));
}

static struct numbers saved(void)
{
	struct numbers n = { { 0 } };
	struct checkpoint c;

	for (unsigned i = 0; i < SOURCES; i++)
		if (outside_checkpoint(&o, names[i], &c))
			n.of[i] = outside_saved(&o, names[i]);
	return n;
}

static bool equal(const struct numbers *a, const struct numbers *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void add_all(uint32_t number, unsigned sources)
{
	for (unsigned i = 0; i < sources; i++) {
		outside_set(&o, names[i], number);
		CHECK_INT(outside_add(&o, names[i]), 0);
	}
}

/* Wait for the answer: false if there is none. */
static bool answer(void *out, uint32_t *ret_status)
{
	uint64_t until = sim_loop_time_ns(o.sim.world) + 100 * SECOND;

	while (!sim_caller_answer(&caller, out, ret_status)) {
		if (outside_is_over(&o))
			return false;
		if (peer_is_over(&caller.peer)) { /* There was no memory for it. */
			caller.waiting = false;
			return false;
		}
		CHECK(sim_loop_time_ns(o.sim.world) < until);
		failalloc_within(true);
		CHECK(sim_loop_step(o.sim.world));
		failalloc_within(false);
	}
	return true;
}

union answers {
	struct rueda_Backup_out backup;
	struct rueda_RestoreCheckpoints_out restore;
	struct rueda_RebuildCheckpoint_out rebuild;
	struct rueda_Reseal_out reseal;
};

static void connect_caller(void)
{
	if (caller.service != NULL)
		sim_caller_disconnect(&caller);
	sim_caller_connect(&caller, &o.sim, &rueda_interface, 1);
	buf_reserve(&caller.peer.received, 64 << 10); /* The test's own memory. */
}

static uint32_t do_well(void (*ask)(void))
{
	union answers out;
	uint32_t status;

	connect_caller();
	ask();
	CHECK(answer(&out, &status));
	return status;
}

static void ask_backup_a(void)
{
	sim_caller_send(&caller, RUEDA_BACKUP, &(struct rueda_Backup_in){ .path = u"/sets/a" });
}

static void ask_backup_b(void)
{
	sim_caller_send(&caller, RUEDA_BACKUP, &(struct rueda_Backup_in){ .path = u"/sets/b" });
}

/* Another resource, with a checkpoint of its own. */
static void add_neighbour(void)
{
	const struct db_key *group = object_find(root_now(), OBJECT_GROUP, U16("Cluster Group"));
	struct command create = { .kind = COMMAND_OBJECT_CREATE };
	struct guid own = o.resource;

	create.object_create = (struct command_ObjectCreate){ .kind = OBJECT_RESOURCE,
		.name = u"other",
		.id = { { 0x5b } },
		.type_name = u"Network Name",
		.display_name = u"" };
	CHECK(group != NULL && guid_parse(object_id(group), &create.object_create.group_id));
	CHECK_INT(outside_propose(&o, create), 0);
	o.resource = create.object_create.id;
	outside_set(&o, U16("File\\data\\other"), 7);
	CHECK_INT(outside_add(&o, U16("File\\data\\other")), 0);
	o.resource = own;
}

/* 1 was saved, which is in the set a; now 2 is. */
static void begin(const struct operation *op, uint64_t seed)
{
	unsigned sources = op->sealed ? SOURCES : SOURCES - 1;

	test_note_seed(seed);
	memset(&caller, 0, sizeof(caller));
	failalloc_armed = 0;
	failalloc_refused = false;
	if (op->sealed)
		outside_begin_sealed(&o, seed, 0);
	else
		outside_begin(&o, seed);
	add_neighbour();
	add_all(1, sources);
	CHECK_INT(do_well(ask_backup_a), 0);
	for (unsigned i = 0; i < sources; i++)
		CHECK_INT(outside_delete(&o, names[i]), 0);
	add_all(2, sources);
	service_checkpoint(outside_service(&o)); /* And a sweep: what is not saved any more is in the set only. */
	sim_loop_run_for(o.sim.world, 5 * SECOND);
	if (op->prepare != NULL)
		op->prepare();
	o.sim.handling = failalloc_within;
}

/* The database without what the checkpoints of the resource are in. */

/* Of a key and all below it; those that the path leads to have their own left out at its end.  path: NULL: it leads elsewhere. */
static void hash_key(struct sha256 *s, const struct db_key *key, const struct u16 *path, size_t depth)
{
	static const struct u16 own[] = { U16("RegSync"), U16("CryptoSync"), U16("CheckpointData") };

	for (size_t i = 0; i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);

		sha256_update(s, v.name.units, v.name.len * sizeof(char16_t));
		sha256_update(s, v.data, v.len);
	}
	for (size_t i = 0; i < db_key_count(key); i++) {
		const struct db_key *child = db_key_at(key, i);
		struct u16 name = db_key_name(child);
		bool leads = path != NULL && depth > 0 && u16_equal(name, path[0]), is_own = false;

		for (size_t j = 0; path != NULL && depth == 0 && j < ARRAY_SIZE(own); j++)
			is_own |= u16_equal(name, own[j]);
		if (is_own)
			continue;
		sha256_update(s, name.units, name.len * sizeof(char16_t));
		hash_key(s, child, leads ? path + 1 : NULL, leads ? depth - 1 : 0);
	}
}

static struct digest digest_outside(void)
{
	char16_t id[GUID_TEXT_LEN + 1];
	struct u16 path[2] = { U16("Resources"), { id, GUID_TEXT_LEN } };
	struct sha256 s;
	struct digest d;

	guid_format_u16(&o.resource, id);
	sha256_init(&s);
	hash_key(&s, root_now(), path, ARRAY_SIZE(path));
	sha256_final(&s, &d);
	return d;
}

/* What must hold. */

static int damaged_blobs(void)
{
	struct blob_list list;
	int r;

	sim_disk_set_quiet(o.sim.state, true);
	CHECK_INT(blob_list_make(outside_service(&o)->disk, outside_service(&o)->generation, root_now(), &list), 0);
	r = blob_list_keep_whole(&list);
	CHECK(r >= 0);
	blob_list_done(&list);
	sim_disk_set_quiet(o.sim.state, false);
	return r;
}

/* The number of the cluster key's pair; -1: there is none. */
static int pair_now(void)
{
	const struct quolog_header *h = &outside_service(&o)->header;

	return h->key_len == 0 ? -1 : (int)sim_set_pair(h);
}

static uint32_t number_in(const char *directory, unsigned source, struct quolog_header *ret_header)
{
	struct disk *disk = sim_service_look(&o.sim, directory);
	struct numbers n;

	CHECK(sim_set_read(&o, disk, names, SOURCES, n.of, ret_header));
	sim_service_looked(&o.sim, disk);
	return n.of[source];
}

/* Whether it has been done; if it was not done as a whole, the test fails. */
static bool is_done(const struct operation *op, const struct numbers *before)
{
	struct numbers now = saved();
	int damaged = damaged_blobs();

	if (op->damages) {
		now.of[FILE_SOURCE] = before->of[FILE_SOURCE]; /* It cannot be read, or is the same. */
		CHECK(damaged <= 1 && equal(&now, before));
		return damaged == 0;
	}
	CHECK_INT(damaged, 0);
	if (op->pair >= 0) {
		CHECK(equal(&now, before));
		CHECK(pair_now() == op->pair || pair_now() == (op->sealed ? 0 : -1));
		return pair_now() == op->pair;
	}
	CHECK(equal(&now, before) || equal(&now, op->after));
	return equal(&now, op->after);
}

static void check(const struct operation *op, const struct numbers *before, const struct digest *outside, bool answered,
    uint32_t status, enum harm harm)
{
	struct digest now = digest_outside();
	struct quolog_header header;
	struct numbers kept;
	bool done = is_done(op, before);

	CHECK(digest_equal(&now, outside));
	CHECK(!answered || status != 0 || done);
	/* Unless there was no memory to say that it was done; and a blob that is made whole may not have been synced. */
	CHECK(!answered || status == 0 || status == 1726 || !done || harm == NO_MEMORY || op->damages);
	if (done && op->keeps_copy) {
		CHECK(sim_set_read_safety_copy(&o, names, SOURCES, kept.of));
		for (unsigned i = 0; i < SOURCES; i++) /* But for what the disk does not give. */
			CHECK(kept.of[i] == before->of[i] || (harm == DISK_ERROR && kept.of[i] == 0));
	}
	/* The older set is what it was. */
	CHECK_INT(number_in("a", FILE_SOURCE, &header), 1);
	CHECK_INT(header.key_len > 0 ? (int)sim_set_pair(&header) : -1, op->sealed ? 0 : -1);
}

/* Undisturbed it works, whatever is left of the first time. */
static void check_end(
    const struct operation *op, const struct numbers *before, const struct digest *outside, enum harm harm)
{
	struct quolog_header header;

	CHECK_INT(do_well(op->ask), 0);
	check(op, before, outside, true, 0, harm);
	CHECK_INT(do_well(ask_backup_b), 0);
	CHECK_INT(number_in("b", FILE_SOURCE, &header), saved().of[FILE_SOURCE]);
	CHECK_INT(header.key_len > 0 ? (int)sim_set_pair(&header) : -1, pair_now());
	outside_ask(&o, true);
	outside_wait_state(&o, RESOURCE_ONLINE);
	for (unsigned i = 0; i < SOURCES; i++)
		CHECK_INT(outside_get(&o, names[i]), saved().of[i]);
}

/* Harm. */

static void arm(enum harm harm, struct sim_disk *disk, uint64_t nth)
{
	switch (harm) {
	case POWER_CUT:
		sim_disk_stop_at(disk, SIM_DISK_ANY, nth, SIM_DISK_POWER_CUT);
		break;
	case DEATH:
		sim_disk_stop_at(disk, SIM_DISK_ANY, nth, SIM_DISK_DEATH);
		break;
	case DISK_ERROR:
		sim_disk_fail_at(disk, SIM_DISK_ANY, nth, -EIO);
		break;
	case NO_ANSWER:
		o.sim.refuse = nth == 0 ? 0 : o.sim.asked + nth;
		break;
	case NO_MEMORY:
		failalloc_armed = nth;
		break;
	case HARMS:
		break;
	}
}

static bool was_hit(enum harm harm, struct sim_disk *disk)
{
	switch (harm) {
	case DISK_ERROR:
		return sim_disk_has_failed(disk);
	case NO_ANSWER:
		return o.sim.asked >= o.sim.refuse;
	case NO_MEMORY:
		return failalloc_refused;
	default:
		return sim_disk_is_stopped(disk);
	}
}

static void run_for(uint64_t ns)
{
	uint64_t until = sim_loop_time_ns(o.sim.world) + ns;

	while (!outside_is_over(&o) && sim_loop_time_ns(o.sim.world) < until) {
		failalloc_within(true);
		CHECK(sim_loop_step(o.sim.world));
		failalloc_within(false);
	}
}

/* False: it came through without being harmed. */
static bool try(const struct operation *op, enum harm harm, bool sets, uint64_t nth)
{
	struct numbers before;
	struct digest outside;
	struct sim_disk *disk;
	union answers out;
	uint32_t status = 0;
	bool answered, hit;

	failalloc_begin(0);
	begin(op, test_seed + nth);
	disk = sets ? o.sim.sets : o.sim.state;
	before = op->sealed ? olds : (struct numbers){ { 2, 2, 0 } };
	outside = digest_outside();
	connect_caller();
	arm(harm, disk, nth);
	op->ask();
	answered = answer(&out, &status);
	if (!answered)
		run_for(5 * SECOND);
	hit = was_hit(harm, disk);
	arm(harm, disk, 0);
	CHECK(answered || hit);
	CHECK(hit || status == 0);
	if (!outside_is_over(&o))
		check(op, &before, &outside, answered, status, harm);
	outside_restart(&o, harm == DEATH ? SIM_DISK_DEATH : SIM_DISK_POWER_CUT);
	check(op, &before, &outside, answered, status, harm);
	/* No sealed key without this node's own copy. */
	CHECK(pair_now() < 0 || outside_service(&o)->key_open);
	if (op->prepare != NULL && op->damages && !is_done(op, &before))
		op->prepare();
	check_end(op, &before, &outside, harm);
	sim_caller_disconnect(&caller);
	o.sim.handling = NULL;
	outside_end(&o);
	failalloc_hand_over(); /* What a process had that died. */
	(void)failalloc_end();
	return hit;
}

/* For every n, until one is too late; in short runs for each third, which ones depends on the way and the seed. */
static void each_step(const struct operation *op, unsigned least)
{
	static const struct {
		enum harm harm;
		bool sets;
	} ways[] = { { POWER_CUT, false }, { DEATH, false }, { DISK_ERROR, false }, { POWER_CUT, true },
		{ DISK_ERROR, true }, { NO_ANSWER, false }, { NO_MEMORY, false } };
	uint64_t steps = 0, stride = test_rounds(1) > 1 ? 1 : 3;

	log_set_level(LOG_ERROR);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		uint64_t nth = 1 + (test_seed + i) % stride;

		while (try(op, ways[i].harm, ways[i].sets, nth))
			nth += stride;
		steps += nth - 1;
	}
	CHECK(steps >= least);
}

static void ask_only(void)
{
	sim_caller_send(&caller, RUEDA_RESTORE_CHECKPOINTS,
	    &(struct rueda_RestoreCheckpoints_in){ .path = u"/sets/a", .resource = u"app" });
}

TEST(the_checkpoints_of_a_resource_are_restored_all_or_none)
{
	static const struct operation op = {
		.sealed = true, .ask = ask_only, .after = &in_set, .keeps_copy = true, .pair = -1
	};

	each_step(&op, 300);
}

static void ask_rebuild_from_set(void)
{
	sim_caller_send(&caller, RUEDA_REBUILD_CHECKPOINT,
	    &(struct rueda_RebuildCheckpoint_in){
		.resource = u"app", .path = names[FILE_SOURCE].units, .set = u"/sets/a" });
}

TEST(an_older_state_from_a_set_takes_the_place_of_what_is_saved_or_not)
{
	static const struct operation op = {
		.sealed = true, .ask = ask_rebuild_from_set, .after = &one_of_set, .pair = -1
	};

	each_step(&op, 100);
}

static void spoil(void)
{
	char name[BLOB_NAME_MAX];
	struct checkpoint c;

	CHECK(outside_checkpoint(&o, names[FILE_SOURCE], &c));
	blob_name(outside_service(&o)->generation, &c.digest, name);
	CHECK_INT(sim_disk_rot(o.sim.state, name, c.length / 2, 1), 0);
}

static void back_up_and_spoil(void)
{
	if (damaged_blobs() == 0) {
		CHECK_INT(do_well(ask_backup_b), 0);
		spoil();
	}
}

static void ask_rebuild_from_b(void)
{
	sim_caller_send(&caller, RUEDA_REBUILD_CHECKPOINT,
	    &(struct rueda_RebuildCheckpoint_in){
		.resource = u"app", .path = names[FILE_SOURCE].units, .set = u"/sets/b" });
}

TEST(a_damaged_blob_is_taken_from_a_set)
{
	static const struct operation op = {
		.sealed = true, .prepare = back_up_and_spoil, .ask = ask_rebuild_from_b, .damages = true, .pair = -1
	};

	each_step(&op, 50);
}

static void online_and_spoil(void)
{
	if (damaged_blobs() == 0) {
		CHECK_INT(do_well(ask_backup_b), 0);
	} else { /* It has failed to start with that; or it starts, since its source is saved first. */
		uint32_t status = do_well(ask_rebuild_from_b);

		CHECK(status == 0 || status == 5019);
	}
	outside_ask(&o, true);
	outside_wait_state(&o, RESOURCE_ONLINE);
	sim_loop_run_for(o.sim.world, 5 * SECOND);
	spoil();
}

static void ask_rebuild(void)
{
	sim_caller_send(&caller, RUEDA_REBUILD_CHECKPOINT,
	    &(struct rueda_RebuildCheckpoint_in){ .resource = u"app", .path = names[FILE_SOURCE].units });
}

TEST(a_damaged_blob_is_captured_again_from_a_source_that_is_online)
{
	static const struct operation op = {
		.sealed = true, .prepare = online_and_spoil, .ask = ask_rebuild, .damages = true, .pair = -1
	};

	each_step(&op, 50);
}

TEST(what_is_just_being_captured_is_waited_for)
{
	const struct operation op = { .sealed = true };
	struct sim_caller second = { 0 };
	uint32_t status, captured;
	union answers out;

	failalloc_begin(0);
	begin(&op, test_seed);
	online_and_spoil();
	connect_caller();
	sim_caller_connect(&second, &o.sim, &rueda_interface, 1);
	ask_rebuild();
	sim_caller_send(&second, RUEDA_REBUILD_CHECKPOINT,
	    &(struct rueda_RebuildCheckpoint_in){ .resource = u"app", .path = names[FILE_SOURCE].units });
	CHECK(answer(&out, &status));
	CHECK_INT(status, 0);
	captured = out.rebuild.outcome;
	while (!sim_caller_answer(&second, &out, &status))
		CHECK(sim_loop_step(o.sim.world));
	CHECK_INT(status, 0);
	CHECK_INT(captured + out.rebuild.outcome, 1); /* One has captured it, the other found it whole. */
	CHECK_INT(damaged_blobs(), 0);
	sim_caller_disconnect(&second);
	sim_caller_disconnect(&caller);
	o.sim.handling = NULL;
	outside_end(&o);
	failalloc_hand_over(); /* Of threads beside it. */
	(void)failalloc_end();
}

TEST(a_resource_that_runs_gets_no_other_state_from_a_set)
{
	struct numbers now;
	const struct operation op = { .sealed = true };

	failalloc_begin(0);
	begin(&op, test_seed);
	outside_ask(&o, true);
	outside_wait_state(&o, RESOURCE_ONLINE);
	CHECK_INT(do_well(ask_only), 5019);
	CHECK_INT(do_well(ask_rebuild_from_set), 5019);
	/* But the very state that is saved. */
	CHECK_INT(do_well(ask_backup_b), 0);
	sim_loop_run_for(o.sim.world, 5 * SECOND);
	spoil();
	CHECK_INT(do_well(ask_rebuild_from_b), 0);
	CHECK_INT(damaged_blobs(), 0);
	now = saved();
	CHECK(equal(&now, &olds));
	/* And once it is offline. */
	outside_ask(&o, false);
	outside_wait_state(&o, RESOURCE_OFFLINE);
	CHECK_INT(do_well(ask_rebuild_from_set), 0);
	now = saved();
	CHECK(equal(&now, &one_of_set));
	sim_caller_disconnect(&caller);
	o.sim.handling = NULL;
	outside_end(&o);
	failalloc_hand_over(); /* Of threads beside it. */
	(void)failalloc_end();
}

static void ask_reseal(void)
{
	outside_send_reseal(&caller, 1);
}

TEST(the_cluster_key_opens_with_the_old_secret_or_with_the_new_one)
{
	static const struct operation op = { .sealed = true, .ask = ask_reseal, .pair = 1 };

	each_step(&op, 20);
}

TEST(the_first_cluster_key_is_there_and_in_the_keyring_or_it_is_not)
{
	static const struct operation op = { .sealed = false, .ask = ask_reseal, .pair = 1 };

	each_step(&op, 30);
}

/* The key is made, and used, while a backup runs: what the set has of it is what opens what it has. */
TEST(a_set_has_the_cluster_key_that_its_checkpoints_are_encrypted_with)
{
	const struct operation op = { .sealed = false };
	unsigned with = 0, without = 0;

	for (uint64_t i = 0; i < test_rounds(40); i++) {
		struct sim_caller other = { 0 };
		union answers out;
		uint32_t status;

		failalloc_begin(0);
		begin(&op, test_seed + i);
		outside_set(&o, names[2], 5);
		sim_caller_connect(&other, &o.sim, &rueda_interface, 1);
		o.sim.open_ns = i * SECOND / 1000;
		connect_caller();
		ask_backup_b();
		while (outside_service(&o)->backup == NULL || o.sim.asked == 0)
			CHECK(sim_loop_step(o.sim.world));
		outside_send_reseal(&other, 1);
		while (!sim_caller_answer(&other, &out, &status))
			CHECK(sim_loop_step(o.sim.world));
		CHECK_INT(status, 0);
		CHECK_INT(outside_add(&o, names[2]), 0);
		CHECK(answer(&out, &status));
		CHECK_INT(status, 0);
		if (number_in("b", 2, NULL) == 5)
			with++;
		else
			without++;
		sim_caller_disconnect(&other);
		sim_caller_disconnect(&caller);
		o.sim.handling = NULL;
		o.sim.open_ns = 0;
		outside_end(&o);
		failalloc_hand_over(); /* Of threads beside it. */
		(void)failalloc_end();
	}
	CHECK(with > 0 && without > 0);
}
