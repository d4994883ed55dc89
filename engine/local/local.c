/* local: the embedded engine.  Its log is on one machine, so durable means: on this disk.
 *
 * Why      a cluster of one node needs the same promises as one of five: what was acknowledged survives any crash.
 * How      proposals wait in a queue.  Whenever no batch is on its way to the disk, those that have gathered are encoded
 *          into the next: one write, one sync (append.c), then events and outcomes.  Before the newest segment is full,
 *          the next one is already preallocated, beside all this, so that a full disk is noticed while there is still
 *          room: proposals are then refused with -ENOSPC, and a reserve is left for the events of later starts.
 *
 *             NEW ──start──► REPLAYING ──► OPENING ──► LIVE ──stop──► STOPPED
 *                             events of     node-joined,  │             ▲
 *                             the log       owner-elected └──► FAILED ──┘
 *                                                  (from any)
 *
 *          Replay reads one segment at a time.  OPENING writes two events as a batch of their own.  Refusals, barriers and
 *          the failure are told from a timer, never from inside a call.
 * Failure  a failed write or sync (EIO, also ENOSPC in spite of the preallocation), or no memory where a refusal would
 *          not be honest: failed(), once.  What was being written is then unknown, what waited is refused.
 * Promise  engine.h.  Not: survival of sectors that a torn write ruins outside of what it wrote.
 * Threads  the loop thread; append_run(), spare_run(), trim_run(), read_run() and close_run() on workers, each at most
 *          once at a time, each with nothing but its own struct and its own files.
 * Limits   local.h, engine.h.     Format  docs/formats/quolog.md    Tests  tests/sim/engine.c, tests/crash/local.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/local/local.h"
#include "base/log.h"
#include "engine/local/internal.h"

enum { QUEUE_DEFAULT = 64 << 20 };

static const struct {
	const char *name;
	unsigned next; /* Bits of the states that may follow. */
} states[] = {
	[NEW] = { "new", 1 << REPLAYING },
	[REPLAYING] = { "replaying", 1 << OPENING | 1 << FAILED | 1 << STOPPED },
	[OPENING] = { "opening", 1 << LIVE | 1 << FAILED | 1 << STOPPED },
	[LIVE] = { "live", 1 << FAILED | 1 << STOPPED },
	[FAILED] = { "failed", 1 << STOPPED },
	[STOPPED] = { "stopped", 0 },
};

void proposals_push(struct proposals *q, struct proposal *p)
{
	p->next = NULL;
	*q->end = p;
	q->end = &p->next;
}

struct proposal *proposals_pop(struct proposals *q)
{
	struct proposal *p = q->first;

	if (p == NULL)
		return NULL;
	q->first = p->next;
	if (q->first == NULL)
		q->end = &q->first;
	return p;
}

void local_set_state(struct local *l, enum state to)
{
	assert(states[l->state].next & 1u << to);
	trace("local log: %s -> %s, last %ju shown %ju", states[l->state].name, states[to].name,
	    (uintmax_t)l->segments.last, (uintmax_t)l->shown);
	l->state = to;
}

void local_kick(struct local *l)
{
	loop_timer_start(l->kick, 0);
}

void local_settle(struct local *l, struct proposals *from, int result)
{
	struct proposal *p;

	while ((p = proposals_pop(from)) != NULL) {
		p->result = result;
		proposals_push(&l->outcomes, p);
	}
}

void local_fail(struct local *l, int code, const char *what)
{
	if (l->state == FAILED)
		return;
	(void)error_set_code(&l->error, code, "%s", what);
	local_set_state(l, FAILED);
	local_settle(l, &l->queue, code);
	l->queued = 0;
	local_kick(l);
}

/* Start a job on a worker; without memory for that the engine fails. */
bool local_work(struct local *l, bool *running, loop_callback *run, loop_callback *done)
{
	int r = loop_work(l->loop, run, done, l);

	if (r < 0)
		local_fail(l, r, "cannot hand work to a thread");
	*running = r >= 0;
	return r >= 0;
}

void local_show(struct local *l, const struct engine_event *event)
{
	assert(event->index == l->shown + 1);
	l->shown = event->index;
	l->client.on_event(l->client.data, event);
}

static enum engine_event_kind event_kind(enum quolog_event_kind kind)
{
	switch (kind) {
	case QUOLOG_OWNER_ELECTED:
		return ENGINE_OWNER_ELECTED;
	case QUOLOG_NODE_JOINED:
		return ENGINE_NODE_JOINED;
	case QUOLOG_NODE_LOST:
		return ENGINE_NODE_LOST;
	}
	abort();
}

void local_show_event(struct local *l, uint64_t index, const struct quolog_event *e)
{
	local_show(l, &(struct engine_event){ .kind = event_kind(e->kind),
			  .index = index,
			  .node = e->node,
			  .incarnation = e->incarnation,
			  .term = e->term });
}

static bool is_busy(const struct local *l)
{
	return l->appending || l->sparing || l->trimming || l->reading;
}

/* The end. */

static void finish(struct local *l)
{
	file_close(TAKE_PTR(l->spare));
	segments_close(&l->segments);
	local_set_state(l, STOPPED);
	l->stopped(l->stopped_data);
}

/* The last mark: without it the last batch is only as safe from rot as from anything else. */
static void close_run(void *data)
{
	struct local *l = data;

	(void)file_sync(l->segments.file);
}

static void close_done(void *data)
{
	struct local *l = data;

	l->closed = true;
	local_kick(l);
}

/* What the callbacks add meanwhile comes next time. */
static void tell(struct local *l)
{
	struct proposals outcomes = l->outcomes;
	struct barrier *barriers = NULL;
	struct proposal *p;

	proposals_init(&l->outcomes);
	if (l->state == LIVE || l->state == FAILED || l->stopping) {
		barriers = l->barriers;
		l->barriers = NULL;
	}
	if (l->state == FAILED && !l->failure_told) {
		l->failure_told = true;
		l->client.failed(l->client.data, &l->error);
	}
	while ((p = outcomes.first) != NULL) {
		outcomes.first = p->next;
		p->done(p->data, p->result, 0);
		free(p);
	}
	while (barriers != NULL) {
		struct barrier *b = barriers;
		int r = l->state == LIVE ? 0 : -ECANCELED;

		barriers = b->next;
		b->done(b->data, r, r == 0 ? l->shown : 0);
		free(b);
	}
}

static void on_kick(void *data)
{
	struct local *l = data;

	tell(l);
	if (l->stopping) {
		if (is_busy(l) || l->outcomes.first != NULL)
			return;
		if (!l->closing && l->state != FAILED) {
			l->closing = true;
			if (loop_work(l->loop, close_run, close_done, l) >= 0)
				return;
		} else if (l->closing && !l->closed) {
			return;
		}
		finish(l);
		return;
	}
	if (l->state == REPLAYING && !l->reading)
		local_replay(l);
	else if (l->state == OPENING && !l->appending)
		local_open(l);
	else if (l->state == LIVE && !l->appending)
		local_send_commands(l);
}

/* The engine. */

static struct local *local_of(struct engine *e)
{
	return container_of(e, struct local, engine);
}

static int local_start(struct engine *e, const struct engine_client *client, uint64_t applied, struct error *error)
{
	struct local *l = local_of(e);
	const struct guid *generation = &l->options.generation;
	int r;

	assert(l->state == NEW);
	r = segments_open(&l->segments, l->disk, l->options.segment_size, applied, error);
	if (r < 0)
		return r;
	if (!guid_is_zero(generation) && !guid_equal(generation, &l->segments.header.generation.id))
		r = error_set(
		    error, ERR_CLUSTER_INSTANCE_ID_MISMATCH, "the log belongs to another generation of the cluster");
	else if (applied + 1 < l->segments.firsts[0])
		r = error_set(error, ERR_CLUSTERLOG_CORRUPT,
		    "the log begins at index %ju, but the checkpoint ends at %ju: files of the log are missing.  "
		    "Restore the "
		    "latest backup (rueda restore)",
		    (uintmax_t)l->segments.firsts[0], (uintmax_t)applied);
	else if (applied > l->segments.last)
		r = error_set(error, ERR_CLUSTERLOG_CORRUPT,
		    "the log ends at index %ju, but the checkpoint is of %ju: the end of the log is missing.  Restore "
		    "the "
		    "latest backup (rueda restore)",
		    (uintmax_t)l->segments.last, (uintmax_t)applied);
	if (r < 0) {
		segments_close(&l->segments);
		return r;
	}
	l->client = *client;
	l->shown = applied;
	local_set_state(l, REPLAYING);
	local_kick(l);
	return 0;
}

static void local_propose(
    struct engine *e, struct engine_id id, const void *bytes, size_t len, engine_done *done, void *data)
{
	struct local *l = local_of(e);
	struct proposal *p;
	int refusal = 0;

	assert(l->state != NEW && l->state != STOPPED && !l->stopping);
	if (len > ENGINE_COMMAND_MAX ||
	    quolog_record_size(QUOLOG_COMMAND_HEAD + len) + HEAD_MAX + APPEND_MARK_SIZE + local_reserve(l) >
		l->options.segment_size)
		refusal = ERR_CLUSTERLOG_RECORD_EXCEEDS_MAXSIZE;
	else if (len > l->options.queue_max - l->queued)
		refusal = ERR_RPC_S_SERVER_TOO_BUSY;
	else if (l->state == FAILED)
		refusal = l->error.code;
	if (refusal < 0)
		len = 0;
	p = malloc(sizeof(*p) + len);
	if (p == NULL) {
		local_fail(l, -ENOMEM, "cannot queue a command for the log");
		return;
	}
	*p = (struct proposal){ .id = id, .done = done, .data = data, .result = refusal, .len = len };
	if (len > 0)
		memcpy(p->bytes, bytes, len);
	proposals_push(refusal < 0 ? &l->outcomes : &l->queue, p);
	l->queued += len;
	local_kick(l);
}

static void local_barrier(struct engine *e, engine_done *done, void *data)
{
	struct local *l = local_of(e);
	struct barrier *b = malloc(sizeof(*b));

	assert(l->state != NEW && l->state != STOPPED && !l->stopping);
	if (b == NULL) {
		local_fail(l, -ENOMEM, "cannot queue a barrier for the log");
		return;
	}
	*b = (struct barrier){ l->barriers, done, data };
	l->barriers = b;
	local_kick(l);
}

static void local_trim(struct engine *e, uint64_t index)
{
	struct local *l = local_of(e);

	assert(index <= l->shown);
	l->trim_to = MAX(l->trim_to, index);
	local_trim_next(l);
}

static bool local_quorate(struct engine *e)
{
	return local_of(e)->state == LIVE && !local_of(e)->stopping;
}

static uint64_t local_incarnation(struct engine *e)
{
	return local_of(e)->incarnation;
}

static void local_stop(struct engine *e, void (*stopped)(void *data), void *data)
{
	struct local *l = local_of(e);

	assert(l->state != NEW && l->state != STOPPED && !l->stopping);
	l->stopping = true;
	l->stopped = stopped;
	l->stopped_data = data;
	local_settle(l, &l->queue, ERR_SHUTDOWN_IN_PROGRESS);
	l->queued = 0;
	local_kick(l);
}

static void proposals_free(struct proposals *q)
{
	struct proposal *p;

	while ((p = proposals_pop(q)) != NULL)
		free(p);
}

static void local_free(struct engine *e)
{
	struct local *l = local_of(e);

	/* Unless it was stopped, this is a process that died: its loop does nothing any more. */
	proposals_free(&l->queue);
	proposals_free(&l->in_flight);
	proposals_free(&l->outcomes);
	while (l->barriers != NULL) {
		struct barrier *b = l->barriers;

		l->barriers = b->next;
		free(b);
	}
	file_close(l->spare);
	file_close(l->spare_made);
	segments_close(&l->segments);
	append_done(&l->append);
	free(l->read_bytes);
	loop_timer_free(l->kick);
	free(l);
}

static const struct engine_ops local_ops = {
	.start = local_start,
	.propose = local_propose,
	.barrier = local_barrier,
	.trim = local_trim,
	.quorate = local_quorate,
	.incarnation = local_incarnation,
	.stop = local_stop,
	.free = local_free,
};

static void complete_options(const struct engine_local_options *given, struct engine_local_options *ret)
{
	*ret = *given;
	if (ret->segment_size == 0)
		ret->segment_size = ENGINE_LOCAL_SEGMENT_DEFAULT;
	if (ret->queue_max == 0)
		ret->queue_max = QUEUE_DEFAULT;
	assert(ret->segment_size >= ENGINE_LOCAL_SEGMENT_MIN && ret->segment_size <= ENGINE_LOCAL_SEGMENT_MAX);
	assert(ret->segment_size % 4096 == 0);
}

int engine_local_new(
    struct loop *loop, struct disk *disk, const struct engine_local_options *options, struct engine **ret)
{
	struct local *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	*l = (struct local){ .engine.ops = &local_ops, .loop = loop, .disk = disk };
	complete_options(options, &l->options);
	proposals_init(&l->queue);
	proposals_init(&l->outcomes);
	proposals_init(&l->in_flight);
	while (l->incarnation == 0)
		loop_random(loop, &l->incarnation, sizeof(l->incarnation));
	r = loop_timer_new(loop, on_kick, l, &l->kick);
	if (r < 0) {
		free(l);
		return r;
	}
	*ret = &l->engine;
	return 0;
}

int engine_local_create(struct loop *loop, struct disk *disk, const struct quolog_header *header,
    const struct engine_local_options *options, struct error *error)
{
	_cleanup_free_ struct quolog_header *own = malloc(sizeof(*own));
	struct engine_local_options complete;

	if (own == NULL)
		return error_set_code(error, -ENOMEM, "cannot create the log");
	complete_options(options, &complete);
	*own = *header;
	own->last = own->term = 0;
	own->time = loop_wall_filetime(loop);
	own->partition_count = own->key_len = own->signature_len = 0;
	own->seed = 0;
	while (own->seed == 0)
		loop_random(loop, &own->seed, sizeof(own->seed));
	return segments_create(disk, own, complete.segment_size, error);
}

const struct quolog_header *engine_local_header(struct engine *e)
{
	return &local_of(e)->segments.header;
}
