/* replica: three nodes on a hostile engine, with checkpoints, deaths and restarts; an oracle that remembers what was
 * acknowledged.
 *
 * Checked  an acknowledged change is in the database of every node that has applied its index; a refused one is in none;
 *          every change is applied at most once; nodes that have applied the same index have the same digests; every
 *          command has exactly one outcome; after the faults end, all nodes come to the same state.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/replica.h"
#include "engine/sim/sim.h"
#include "ruedad/store.h"
#include "sim/disk.h"
#include "sim/loop.h"
#include "tests/lib/sets.h"
#include "wire/command.h"
#include "wire/regbuf.h"
#include <inttypes.h>
#include <stdio.h>

enum { NODES = 3, COMMANDS_MAX = 1000, SECOND = 1000000000 };

enum outcome { OPEN, ACKNOWLEDGED, REFUSED, UNKNOWN, LOST };

struct world;

struct member {
	struct world *world;
	uint32_t number;
	struct loop *loop;
	struct sim_disk *medium;
	struct disk *disk;
	struct replica *replica;    /* NULL: dead. */
	bool needs_state, expelled; /* Failed, and why. */
};

struct world {
	struct loop *root;
	struct engine_sim *engine;
	struct engine_sim_options options;
	struct member nodes[NODES];
	struct rng rng;
	/* The oracle: command n creates the key "Test\\cn", on the condition that it is not there. */
	enum outcome outcomes[COMMANDS_MAX];
	struct member *proposers[COMMANDS_MAX];
	size_t count;
	struct digest digests[COMMANDS_MAX * 8]; /* By index: of the database. */
	bool has_digest[COMMANDS_MAX * 8];
	uint64_t first_index;
};

static struct quolog_header *test_header(void)
{
	static struct quolog_header h;

	h.generation.number = 1;
	h.generation.id.bytes[0] = 0x77;
	h.instance.bytes[0] = 1;
	h.name[0] = 'c';
	h.name_len = 1;
	return &h;
}

static struct u16 command_name(size_t n, char16_t units[24])
{
	char narrow[24];
	size_t len = (size_t)snprintf(narrow, sizeof(narrow), "Test\\c%zu", n);

	for (size_t i = 0; i <= len; i++)
		units[i] = (unsigned char)narrow[i];
	return (struct u16){ units, len };
}

static void on_applied(void *data, const struct cluster_event *event, const struct cluster_result *result)
{
	struct member *n = data;
	struct world *w = n->world;
	uint64_t at = event->index - w->first_index;
	struct digest d = db_digest(cluster_db(replica_cluster(n->replica)));

	CHECK(at < COMMANDS_MAX * 8);
	if (w->has_digest[at])
		CHECK(digest_equal(&w->digests[at], &d)); /* Every node, every life, the same. */
	w->digests[at] = d;
	w->has_digest[at] = true;
	CHECK(!result->repeated || result->batch.len == 0);
	CHECK(result->status == 0); /* Its condition fails when it is applied a second time. */
}

static void on_failed(void *data, const struct error *error)
{
	struct member *n = data;

	/* The log was trimmed beyond this node, or the others took it for dead: the process ends. */
	CHECK(error->code == ERR_CLUSTERLOG_CORRUPT || error->code == ERR_CLUSTER_NODE_DOWN);
	n->needs_state = error->code == ERR_CLUSTERLOG_CORRUPT;
	n->expelled = !n->needs_state;
}

static void write_checkpoint(struct member *n)
{
	struct cluster *c = replica_cluster(n->replica);
	struct db_snapshot *snapshot = db_snapshot_take(cluster_db(c));
	struct buf runtime = { 0 };
	struct store_checkpoint checkpoint;

	cluster_runtime_save(c, &runtime);
	checkpoint =
	    (struct store_checkpoint){ test_header(), snapshot, runtime.data, runtime.len, cluster_applied(c), 1 };
	CHECK_INT(store_write_checkpoint(n->disk, "00000001-77000000", &checkpoint, NULL), 0);
	store_sweep(n->disk, "00000001-77000000", cluster_applied(c));
	db_snapshot_unref(snapshot);
	buf_done(&runtime);
}

static void node_up(struct member *n)
{
	const struct replica_client client = { on_applied, on_failed, n };
	struct store_loaded loaded;
	struct engine *engine;
	struct error error = { 0 };
	unsigned skipped;

	CHECK_INT(sim_loop_add(n->world->root, &n->loop), 0);
	if (store_load(n->disk, "00000001-77000000", &loaded, &skipped, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
	CHECK_INT(engine_sim_node(n->world->engine, n->number, &engine), 0);
	CHECK_INT(replica_new(n->loop, engine, loaded.cluster, &client, &n->replica), 0);
	CHECK_INT(replica_start(n->replica, &error), 0);
}

static void node_die(struct member *n)
{
	sim_loop_halt(n->loop);
	replica_free(n->replica);
	n->replica = NULL;
	n->needs_state = n->expelled = false;
	sim_loop_free(n->loop);
	n->loop = NULL;
	disk_free(n->disk);
	sim_disk_stop(n->medium, rng_chance(&n->world->rng, 50) ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH);
	sim_disk_restart(n->medium);
	CHECK_INT(sim_disk_open(n->medium, "", &n->disk), 0);
	for (size_t i = 0; i < n->world->count; i++)
		if (n->world->proposers[i] == n && n->world->outcomes[i] == OPEN)
			n->world->outcomes[i] = LOST;
}

/* Take over the state of a node that is further, as the daemon will through RPC. */
static void take_state(struct member *n, struct member *from)
{
	struct cluster *c = replica_cluster(from->replica);
	struct db_snapshot *snapshot = db_snapshot_take(cluster_db(c));
	struct buf runtime = { 0 };
	struct store_checkpoint checkpoint;

	cluster_runtime_save(c, &runtime);
	checkpoint =
	    (struct store_checkpoint){ test_header(), snapshot, runtime.data, runtime.len, cluster_applied(c), 1 };
	node_die(n);
	CHECK_INT(store_write_checkpoint(n->disk, "00000001-77000000", &checkpoint, NULL), 0);
	db_snapshot_unref(snapshot);
	buf_done(&runtime);
	node_up(n);
}

struct proposal {
	struct world *world;
	size_t number;
};
static struct proposal proposals[COMMANDS_MAX];

static void on_outcome(void *data, int status, const struct cluster_result *result)
{
	struct proposal *p = data;

	CHECK_INT(p->world->outcomes[p->number], OPEN); /* Exactly once. */
	if (status == 0)
		CHECK_INT(result->status, 0);
	p->world->outcomes[p->number] = status == 0                       ? ACKNOWLEDGED
					: status == ERR_RPC_S_CALL_FAILED ? UNKNOWN
									  : REFUSED;
}

static void propose(struct member *n)
{
	struct world *w = n->world;
	struct command command = { .kind = COMMAND_REG_BATCH, .version = COMMAND_VERSION };
	struct buf batch = { 0 }, bytes = { 0 };
	char16_t name[24];
	size_t number = w->count;

	if (w->count == COMMANDS_MAX)
		return;
	regbuf_begin(&batch);
	/* A condition makes a second application fail loudly. */
	regbuf_add(&batch,
	    &(struct regbuf_command){ .kind = REGBUF_CONDITION_KEY_NOT_EXISTS, .name = command_name(number, name) });
	regbuf_add(&batch, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = command_name(number, name) });
	command.reg_batch = (struct command_RegBatch){ u"", batch.data, (uint32_t)batch.len, 0, 5 };
	CHECK_INT(ndr_message_push(&command_messages, &command, &bytes), 0);
	proposals[number] = (struct proposal){ w, number };
	w->proposers[number] = n;
	w->outcomes[number] = OPEN;
	w->count++;
	if (replica_propose(n->replica, bytes.data, bytes.len, on_outcome, &proposals[number]) < 0)
		w->outcomes[number] = REFUSED;
	buf_done(&batch);
	buf_done(&bytes);
}

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ .options = engine_sim_hostile };
	rng_init(&w->rng, seed);
	CHECK_INT(sim_loop_new(seed, &w->root), 0);
	w->first_index = 10;
	CHECK_INT(engine_sim_new(w->root, seed + 1, w->first_index, &w->options, &w->engine), 0);
	for (uint32_t i = 0; i < NODES; i++) {
		struct member *n = &w->nodes[i];
		struct db *db = sets_database(1);
		struct db_snapshot *snapshot = db_snapshot_take(db);
		struct cluster *c;
		struct buf runtime = { 0 };
		struct store_checkpoint checkpoint;

		*n = (struct member){ .world = w, .number = i + 1 };
		CHECK_INT(sim_disk_new(seed + 10 + i, &n->medium), 0);
		CHECK_INT(sim_disk_open(n->medium, "", &n->disk), 0);
		CHECK_INT(cluster_new(db, &c), 0);
		cluster_begin_at(c, w->first_index);
		cluster_runtime_save(c, &runtime);
		checkpoint =
		    (struct store_checkpoint){ test_header(), snapshot, runtime.data, runtime.len, w->first_index, 1 };
		CHECK_INT(store_create(n->disk, "00000001-77000000", &checkpoint, NULL), 0);
		buf_done(&runtime);
		db_snapshot_unref(snapshot);
		cluster_free(c);
		node_up(n);
	}
}

static void world_done(struct world *w)
{
	for (size_t i = 0; i < NODES; i++) {
		sim_loop_halt(w->nodes[i].loop);
		replica_free(w->nodes[i].replica);
		sim_loop_free(w->nodes[i].loop);
		disk_free(w->nodes[i].disk);
		sim_disk_free(w->nodes[i].medium);
	}
	engine_sim_free(w->engine);
	sim_loop_free(w->root);
}

static struct member *furthest(struct world *w)
{
	struct member *best = NULL;

	for (size_t i = 0; i < NODES; i++) {
		struct member *n = &w->nodes[i];

		if (n->replica != NULL && !n->needs_state && !n->expelled &&
		    (best == NULL ||
			cluster_applied(replica_cluster(n->replica)) > cluster_applied(replica_cluster(best->replica))))
			best = n;
	}
	return best;
}

/* What whoever supervises a node does when it has failed. */
static void recover(struct member *n)
{
	if (n->needs_state && furthest(n->world) != NULL)
		take_state(n, furthest(n->world));
	if (n->expelled) {
		node_die(n);
		node_up(n);
	}
}

static void random_step(struct world *w)
{
	struct member *n = &w->nodes[rng_below(&w->rng, NODES)];

	recover(n);
	switch (rng_below(&w->rng, 12)) {
	case 0:
		if (n->replica != NULL && rng_chance(&w->rng, 30))
			node_die(n);
		break;
	case 1:
	case 2:
		if (n->replica == NULL)
			node_up(n);
		break;
	case 3:
		if (n->replica != NULL && !n->needs_state && !n->expelled) {
			write_checkpoint(n);
			replica_trim(n->replica, cluster_applied(replica_cluster(n->replica)));
		}
		break;
	default:
		if (n->replica != NULL && !n->needs_state && !n->expelled)
			propose(n);
	}
	sim_loop_run_for(w->root, rng_below(&w->rng, 50000000));
}

static bool has_key(struct member *n, size_t number)
{
	char16_t name[24];

	return db_find(db_root(cluster_db(replica_cluster(n->replica))), command_name(number, name)) != NULL;
}

/* The faults end: everybody comes up, and to the same state; and the oracle is asked. */
static void settle(struct world *w)
{
	uint64_t last;

	w->options = engine_sim_calm;
	engine_sim_set_quorum(w->engine, true);
	for (int round = 0; round < 40; round++) {
		for (size_t i = 0; i < NODES; i++) {
			if (w->nodes[i].replica == NULL)
				node_up(&w->nodes[i]);
			recover(&w->nodes[i]);
		}
		sim_loop_run_for(w->root, 2ull * SECOND);
	}
	last = engine_sim_last(w->engine);
	for (size_t i = 0; i < NODES; i++) {
		struct member *n = &w->nodes[i];
		struct digest recomputed = db_digest_recomputed(db_root(cluster_db(replica_cluster(n->replica))));
		struct digest kept = db_digest(cluster_db(replica_cluster(n->replica)));

		CHECK_INT(cluster_applied(replica_cluster(n->replica)), last);
		CHECK(digest_equal(&recomputed, &kept));
		for (size_t c = 0; c < w->count; c++) {
			CHECK(w->outcomes[c] != OPEN);
			if (w->outcomes[c] == ACKNOWLEDGED)
				CHECK(has_key(n, c));
			if (w->outcomes[c] == REFUSED)
				CHECK(!has_key(n, c));
		}
	}
}

static void run(uint64_t seed, unsigned steps)
{
	static struct world w;
	unsigned acknowledged = 0;

	test_note_seed(seed);
	world_init(&w, seed);
	for (unsigned i = 0; i < steps; i++)
		random_step(&w);
	settle(&w);
	for (size_t i = 0; i < w.count; i++)
		acknowledged += w.outcomes[i] == ACKNOWLEDGED;
	CHECK(acknowledged > w.count / 4); /* The run was about something. */
	world_done(&w);
}

TEST(acknowledged_is_kept_refused_is_not_and_all_replicas_are_equal)
{
	for (uint64_t i = 0; i < test_rounds(40); i++)
		run(test_seed + i, 1000);
}

/* Found by the test above, kept by name. */
TEST(a_command_that_was_overtaken_goes_on_under_a_new_id)
{
	run(1, 1000);
}

TEST(a_refusal_does_not_speak_for_an_earlier_offer)
{
	run(8, 1000);
}
