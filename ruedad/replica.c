/* replica: this node's copy of the cluster.
 *
 * Why      three things must meet in one place, or an acknowledged change can be lost or applied twice: the engine's
 *          stream of events, the core that applies them, and the callers that wait for the outcome of their command.
 * How      a command gets the id {incarnation, counter} and waits in a list, in order of counters.  Its event comes back
 *          from the log, is applied, and the result goes to the caller from there: a caller never hears of a change that
 *          this node has not applied.  A refusal comes from the engine instead.  When the engine says that the outcome
 *          is unknown, the same id is proposed again: the core applies an id once, so that is safe.  If by then a later
 *          command of this node has been applied, the core passes the id over (it keeps only the last one), and the
 *          command goes on under a new id.  After UNKNOWN_TRIES the caller is told that nobody knows.
 *
 *             propose ──► waiting ──event──► applied ──► done(0, result)
 *                           │  ▲
 *                    unknown│  │again, after RETRY_NS
 *                           ├──┘
 *                           └─────refused──────────────► done(error)
 *
 *          The engine's outcome and the event come in either order, so a waiting lives until it has been finished and
 *          the engine holds no pointer to it.
 * Promise  done is called exactly once for each command that was offered, never from inside replica_propose().
 *          done(0) means applied here and durable.
 * Threads  the loop thread, but for replica_tail_cut().
 * Limits   WAITING_MAX commands wait; more are refused.
 * Tests    tests/sim/replica.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/replica.h"
#include "base/log.h"
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

enum { WAITING_MAX = 65536, UNKNOWN_TRIES = 8 };
#define RETRY_NS 250000000ull

struct waiting {
	struct waiting *next, *previous;
	struct replica *replica;
	struct loop_timer *retry;
	replica_done *done;
	void *data;
	uint64_t counter;
	unsigned tries;
	bool uncertain; /* The outcome of an offer under this counter was unknown: it may still enter the log. */
	bool in_engine; /* The engine will still call on_outcome(). */
	bool renewed;   /* To be offered under its new counter once the engine has answered for the old one. */
	bool finished;  /* done() has been called. */
	size_t len;
	uint8_t bytes[];
};

struct barrier {
	struct replica *replica;
	replica_done *done;
	void *data;
};

struct replica_tail {
	pthread_mutex_t lock; /* Of all below: the loop adds, a worker cuts. */
	bool closed;
	struct replica_batch *batches;
	size_t count, capacity, bytes, max_bytes;
	uint64_t index;              /* Of the last event that is in. */
	struct db_snapshot *reached; /* The database after it. */
	uint8_t key[CLUSTER_KEY_MAX]; /* The sealed cluster key after it. */
	size_t key_len;
};

struct replica {
	struct loop *loop;
	struct engine *engine;
	struct cluster *cluster;
	struct replica_client client;
	struct waiting *first, *last; /* By counter. */
	size_t waiting_count;
	uint64_t next_counter;
	struct replica_tail *tail; /* Of the running backup, or NULL. */
	bool failed;
	void (*stopped)(void *data); /* Set by replica_stop(). */
	void *stopped_data;
};

static void replica_fail(struct replica *r, const struct error *error)
{
	if (r->failed)
		return;
	r->failed = true;
	r->client.failed(r->client.data, error);
}

/* Waiting commands. */

static void waiting_link(struct waiting *w)
{
	struct replica *r = w->replica;

	w->counter = ++r->next_counter;
	w->next = NULL;
	w->previous = r->last;
	*(r->last != NULL ? &r->last->next : &r->first) = w;
	r->last = w;
	r->waiting_count++;
}

static void waiting_unlink(struct waiting *w)
{
	struct replica *r = w->replica;

	*(w->previous != NULL ? &w->previous->next : &r->first) = w->next;
	*(w->next != NULL ? &w->next->previous : &r->last) = w->previous;
	r->waiting_count--;
}

static void waiting_free(struct waiting *w)
{
	waiting_unlink(w);
	loop_timer_free(w->retry);
	free(w);
}

static void waiting_free_if_done(struct waiting *w)
{
	if (w->finished && !w->in_engine)
		waiting_free(w);
}

static void waiting_finish(struct waiting *w, int status, const struct cluster_result *result)
{
	assert(!w->finished);
	w->finished = true;
	loop_timer_stop(w->retry);
	w->done(w->data, status, result);
	waiting_free_if_done(w);
}

static struct waiting *waiting_find(struct replica *r, uint64_t counter)
{
	for (struct waiting *w = r->first; w != NULL && w->counter <= counter; w = w->next)
		if (w->counter == counter)
			return w->finished ? NULL : w;
	return NULL;
}

static void on_outcome(void *data, int result, uint64_t index);

static void waiting_offer(void *data)
{
	struct waiting *w = data;
	struct replica *r = w->replica;
	struct engine_id id = { engine_incarnation(r->engine), w->counter };

	if (r->stopped != NULL)
		return; /* The time to offer it again has come while the engine stops: on_engine_stopped() ends it. */
	w->tries++;
	w->in_engine = true;
	engine_propose(r->engine, id, w->bytes, w->len, on_outcome, w);
}

/* Its event came, and was passed over because a later command of this node had been applied before it: so it has not been
 * carried out, and under this id never will be.  A new id makes it a new command. */
static void waiting_renew(struct waiting *w)
{
	if (w->tries >= UNKNOWN_TRIES || w->replica->stopped != NULL) {
		waiting_finish(w, ERR_RPC_S_CALL_FAILED_DNE, NULL);
		return;
	}
	trace("command %" PRIu64 ": overtaken, try %u", w->counter, w->tries);
	loop_timer_stop(w->retry);
	waiting_unlink(w);
	waiting_link(w);
	w->uncertain = false;
	w->renewed = w->in_engine;
	if (!w->in_engine)
		loop_timer_start(w->retry, 0); /* Not from inside the engine's callback. */
}

static void on_outcome(void *data, int result, uint64_t index)
{
	struct waiting *w = data;

	(void)index;
	w->in_engine = false;
	if (w->finished) {
		waiting_free_if_done(w);
		return;
	}
	if (w->renewed) {
		w->renewed = false;
		waiting_offer(w);
		return;
	}
	if (result >= 0)
		return; /* Committed: its event comes next. */
	if (result == ERR_RPC_S_CALL_FAILED)
		w->uncertain = true;
	if (!w->uncertain || w->tries >= UNKNOWN_TRIES || w->replica->stopped != NULL) {
		/* A refusal counts for the offer that was refused, not for an earlier one. */
		waiting_finish(w, w->uncertain ? ERR_RPC_S_CALL_FAILED : result, NULL);
		return;
	}
	trace("command %" PRIu64 ": outcome unknown, try %u", w->counter, w->tries);
	loop_timer_start(w->retry, RETRY_NS);
}

int replica_propose(struct replica *r, const void *command, size_t len, replica_done *done, void *data)
{
	struct waiting *w;
	int result;

	assert(len > 0 && len <= ENGINE_COMMAND_MAX);
	if (r->stopped != NULL || r->failed)
		return ERR_SHARING_PAUSED;
	if (r->waiting_count >= WAITING_MAX)
		return ERR_RPC_S_SERVER_TOO_BUSY;
	w = malloc(sizeof(*w) + len);
	if (w == NULL)
		return -ENOMEM;
	*w = (struct waiting){ .replica = r, .done = done, .data = data, .len = len };
	memcpy(w->bytes, command, len);
	result = loop_timer_new(r->loop, waiting_offer, w, &w->retry);
	if (result < 0) {
		free(w);
		return result;
	}
	waiting_link(w);
	waiting_offer(w);
	return 0;
}

static void on_barrier(void *data, int result, uint64_t index)
{
	struct barrier *b = data;

	(void)index;
	b->done(b->data, result < 0 ? result : 0, NULL);
	free(b);
}

int replica_barrier(struct replica *r, replica_done *done, void *data)
{
	struct barrier *b;

	if (r->stopped != NULL || r->failed)
		return ERR_SHARING_PAUSED;
	b = malloc(sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	*b = (struct barrier){ r, done, data };
	engine_barrier(r->engine, on_barrier, b);
	return 0;
}

/* The tail of a running backup. */

/* One more batch, and the moment behind it; without memory for them the tail ends before. */
static bool tail_keep(struct replica_tail *t, uint64_t index, const struct buf *batch, struct db_snapshot *reached)
{
	uint8_t *bytes;

	if (t->count == t->capacity) {
		size_t capacity = t->capacity == 0 ? 64 : t->capacity * 2;
		struct replica_batch *batches = realloc(t->batches, capacity * sizeof(*batches));

		if (batches == NULL)
			return false;
		t->batches = batches;
		t->capacity = capacity;
	}
	bytes = malloc(batch->len);
	if (reached == NULL || bytes == NULL) {
		free(bytes);
		return false;
	}
	memcpy(bytes, batch->data, batch->len);
	t->batches[t->count++] = (struct replica_batch){ index, bytes, batch->len };
	t->bytes += batch->len;
	return true;
}

static void tail_take_key(struct replica_tail *t, const struct cluster *c)
{
	const uint8_t *key = cluster_key(c, &t->key_len);

	memcpy(t->key, key, t->key_len);
}

static void tail_add(
    struct replica_tail *t, uint64_t index, const struct cluster_result *result, struct cluster *cluster)
{
	const struct buf *batch = &result->batch;
	struct db_snapshot *unused = batch->len > 0 ? db_snapshot_take(cluster_db(cluster)) : NULL;

	(void)pthread_mutex_lock(&t->lock);
	if (!t->closed && batch->len > 0) {
		t->closed = batch->len > t->max_bytes - t->bytes || !tail_keep(t, index, batch, unused);
		if (!t->closed) {
			struct db_snapshot *before = t->reached;

			t->reached = unused;
			unused = before;
		}
	}
	if (!t->closed)
		t->index = index;
	if (!t->closed && result->key_changed)
		tail_take_key(t, cluster);
	(void)pthread_mutex_unlock(&t->lock);
	db_snapshot_unref(unused);
}

int replica_tail_begin(struct replica *r, size_t max_bytes, struct db_snapshot **ret_snapshot, uint64_t *ret_index,
    struct replica_tail **ret)
{
	struct replica_tail *t;
	struct db_snapshot *snapshot;

	assert(r->tail == NULL);
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	snapshot = db_snapshot_take(cluster_db(r->cluster));
	if (snapshot == NULL) {
		free(t);
		return -ENOMEM;
	}
	(void)pthread_mutex_init(&t->lock, NULL);
	t->max_bytes = max_bytes;
	t->index = cluster_applied(r->cluster);
	t->reached = db_snapshot_ref(snapshot);
	tail_take_key(t, r->cluster);
	r->tail = t;
	*ret_snapshot = snapshot;
	*ret_index = t->index;
	*ret = t;
	return 0;
}

void replica_tail_cut(struct replica_tail *t, const struct replica_batch **ret_batches, size_t *ret_count,
    uint64_t *ret_index, struct db_snapshot **ret_reached)
{
	(void)pthread_mutex_lock(&t->lock);
	t->closed = true;
	*ret_batches = t->batches;
	*ret_count = t->count;
	*ret_index = t->index;
	*ret_reached = t->reached;
	(void)pthread_mutex_unlock(&t->lock);
}

const uint8_t *replica_tail_key(const struct replica_tail *t, size_t *ret_len)
{
	*ret_len = t->key_len; /* Nobody changes it any more. */
	return t->key;
}

void replica_tail_end(struct replica *r, struct replica_tail *t)
{
	assert(r->tail == t);
	r->tail = NULL;
	for (size_t i = 0; i < t->count; i++)
		free(t->batches[i].bytes);
	free(t->batches);
	db_snapshot_unref(t->reached);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Events. */

static void on_event(void *data, const struct engine_event *e)
{
	struct replica *r = data;
	struct cluster_result result = { 0 };
	struct cluster_event event = {
		.kind = (enum cluster_event_kind)e->kind,
		.index = e->index,
		.incarnation = e->kind == ENGINE_COMMAND ? e->id.incarnation : e->incarnation,
		.counter = e->id.counter,
		.bytes = e->bytes,
		.len = e->len,
		.node = e->node,
		.term = e->term,
	};
	int status;

	static_assert((int)CLUSTER_COMMAND == ENGINE_COMMAND && (int)CLUSTER_NODE_LOST == ENGINE_NODE_LOST, "equal");
	if (r->failed)
		return;
	assert(e->index == cluster_applied(r->cluster) + 1);
	status = cluster_apply(r->cluster, &event, &result);
	if (status < 0) {
		struct error error;

		(void)error_set_code(&error, status, "cannot apply event %" PRIu64 " of the log", e->index);
		replica_fail(r, &error);
		cluster_result_done(&result);
		return;
	}
	if (r->tail != NULL)
		tail_add(r->tail, e->index, &result, r->cluster);
	r->client.on_applied(r->client.data, &event, &result);
	if (e->kind == ENGINE_COMMAND && e->id.incarnation == engine_incarnation(r->engine)) {
		struct waiting *w = waiting_find(r, e->id.counter);

		if (w != NULL && result.repeated)
			waiting_renew(w);
		else if (w != NULL)
			waiting_finish(w, 0, &result);
	}
	cluster_result_done(&result);
}

static void on_need_state(void *data, uint64_t index)
{
	struct replica *r = data;
	struct error error;

	(void)error_set(&error, ERR_CLUSTERLOG_CORRUPT,
	    "the log begins after event %" PRIu64 ", this node has applied only up to %" PRIu64
	    "; the state of another node is needed",
	    index, cluster_applied(r->cluster));
	replica_fail(r, &error);
}

static void on_engine_failed(void *data, const struct error *error)
{
	replica_fail(data, error);
}

int replica_new(struct loop *loop, struct engine *engine, struct cluster *cluster, const struct replica_client *client,
    struct replica **ret)
{
	struct replica *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		engine_free(engine);
		cluster_free(cluster);
		return -ENOMEM;
	}
	*r = (struct replica){ .loop = loop, .engine = engine, .cluster = cluster, .client = *client };
	*ret = r;
	return 0;
}

int replica_start(struct replica *r, struct error *error)
{
	struct engine_client client = { on_event, on_need_state, on_engine_failed, r };

	return engine_start(r->engine, &client, cluster_applied(r->cluster), error);
}

static void on_engine_stopped(void *data)
{
	struct replica *r = data;

	/* What still waits had been answered "unknown" and was about to be offered again. */
	while (r->first != NULL)
		waiting_finish(r->first, ERR_RPC_S_CALL_FAILED, NULL);
	r->stopped(r->stopped_data);
}

void replica_stop(struct replica *r, void (*stopped)(void *data), void *data)
{
	assert(r->stopped == NULL);
	r->stopped = stopped;
	r->stopped_data = data;
	engine_stop(r->engine, on_engine_stopped, r);
}

void replica_free(struct replica *r)
{
	if (r == NULL)
		return;
	assert(r->tail == NULL);
	engine_free(r->engine);
	/* Of a process that has died: nobody is left to be told. */
	while (r->first != NULL)
		waiting_free(r->first);
	cluster_free(r->cluster);
	free(r);
}

struct cluster *replica_cluster(struct replica *r)
{
	return r->cluster;
}

bool replica_quorate(struct replica *r)
{
	return engine_quorate(r->engine);
}

void replica_trim(struct replica *r, uint64_t index)
{
	engine_trim(r->engine, index);
}
