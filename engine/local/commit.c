/* commit: proposals become batches, batches become durable, and the next segment is ready before it is needed.
 *
 * How      see local.c.  A batch takes what waits and fits into the newest segment, less a reserve; what does not fit
 *          needs the spare: while one is being made the queue waits, and when there is no space for one each proposal
 *          that does not fit is refused, so that nothing that was taken can fail for lack of space.
 * Threads  the loop thread; spare_run() on a worker.      Tests  tests/sim/engine.c, tests/crash/local.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "engine/local/internal.h"

enum {
	BATCH_SIZE = 4 << 20,  /* A batch is closed when it has reached this. */
	RESERVE_MIN = 1 << 10, /* Seven starts. */
	RESERVE_PART = 256,    /* Of a segment. */
};
#define SPARE_RETRY_NS 1000000000ull

/* The next segment. */

static void spare_run(void *data)
{
	struct local *l = data;

	l->spare_result = segments_make_spare(l->disk, l->options.segment_size, &l->spare_made);
}

static void spare_done(void *data)
{
	struct local *l = data;

	l->sparing = false;
	if (l->spare_result < 0) {
		l->spare_retry_ns = loop_now_ns(l->loop) + SPARE_RETRY_NS;
		trace("local log: no room for the next segment: %s", error_text(l->spare_result));
	} else {
		l->spare = TAKE_PTR(l->spare_made);
	}
	local_kick(l);
}

static void spare_start(struct local *l)
{
	if (l->spare == NULL && !l->sparing && !l->stopping && l->state != FAILED)
		(void)local_work(l, &l->sparing, spare_run, spare_done);
}

/* 1: there is one, 0: wait, negative: there is none to be had now. */
static int spare_want(struct local *l)
{
	if (l->spare != NULL)
		return 1;
	if (!l->sparing && l->spare_result < 0 && loop_now_ns(l->loop) < l->spare_retry_ns)
		return l->spare_result;
	spare_start(l);
	return 0;
}

/* Batches. */

size_t local_reserve(const struct local *l)
{
	return MAX(l->options.segment_size / RESERVE_PART, (size_t)RESERVE_MIN);
}

static size_t proposal_size(const struct proposal *p)
{
	return quolog_record_size(QUOLOG_COMMAND_HEAD + p->len);
}

static bool has_room(size_t room, size_t used, size_t more)
{
	return used <= room && more <= room - used;
}

static void make_own_events(const struct local *l, struct quolog_event events[2])
{
	events[0] = (struct quolog_event){
		.kind = QUOLOG_NODE_JOINED,
		.node = l->options.node,
		.incarnation = l->incarnation,
	};
	events[1] = (struct quolog_event){
		.kind = QUOLOG_OWNER_ELECTED,
		.node = l->options.node,
		.incarnation = l->incarnation,
		.term = l->segments.term + 1,
	};
}

static void show_batch(struct local *l)
{
	uint64_t index = l->append.first;

	if (l->state == OPENING) {
		struct quolog_event events[2];

		make_own_events(l, events);
		l->segments.term = events[1].term;
		local_set_state(l, LIVE);
		spare_start(l);
		local_show_event(l, index++, &events[0]);
		local_show_event(l, index++, &events[1]);
	}
	for (struct proposal *p; (p = proposals_pop(&l->in_flight)) != NULL; index++) {
		local_show(
		    l, &(struct engine_event){
			   .kind = ENGINE_COMMAND, .index = index, .id = p->id, .bytes = p->bytes, .len = p->len });
		p->done(p->data, 0, index);
		free(p);
	}
	assert(index == l->append.last + 1);
}

static void append_job(void *data)
{
	append_run(&((struct local *)data)->append);
}

static void on_appended(void *data)
{
	struct local *l = data;
	struct append *a = &l->append;

	l->appending = false;
	if (a->result >= 0 && l->state != FAILED) {
		if (a->roll) {
			segments_rolled(
			    &l->segments, TAKE_PTR(l->spare), &a->header, a->head.len, l->options.segment_size);
			spare_start(l);
		}
		l->segments.end = a->offset + a->records.len + a->mark.len;
		l->segments.last = a->last;
		show_batch(l);
	} else {
		local_settle(l, &l->in_flight, ERR_RPC_S_CALL_FAILED);
		if (a->result < 0)
			local_fail(l, a->result, "cannot write to the log");
	}
	local_kick(l);
}

static void roll_header(struct local *l, struct quolog_header *ret)
{
	*ret = l->segments.header;
	ret->snapshot = l->segments.last;
	ret->term = l->segments.term;
	ret->time = loop_wall_filetime(l->loop);
	do {
		loop_random(l->loop, &ret->seed, sizeof(ret->seed));
	} while (ret->seed == 0);
}

/* Begin a batch whose first record takes size bytes.  1: begun, *ret_room bytes may be used; 0: wait; negative: no room. */
static int batch_begin(struct local *l, size_t size, size_t keep_free, size_t *ret_room)
{
	struct append *a = &l->append;
	struct quolog_header header;
	int r;

	keep_free += APPEND_MARK_SIZE;
	a->disk = l->disk;
	a->file = l->segments.file;
	a->offset = l->segments.end;
	a->room = l->segments.room;
	if (has_room(l->segments.room, l->segments.end + keep_free, size)) {
		append_begin(a, l->segments.last, l->segments.header.seed, NULL);
		*ret_room = l->segments.room - l->segments.end - keep_free;
		return 1;
	}
	r = spare_want(l);
	if (r <= 0)
		return r;
	r = segments_reserve(&l->segments);
	if (r < 0) {
		local_fail(l, r, "cannot begin a segment of the log");
		return 0;
	}
	a->spare = l->spare;
	a->room = l->options.segment_size;
	roll_header(l, &header);
	append_begin(a, l->segments.last, 0, &header);
	assert(a->head.error != 0 || a->head.len <= HEAD_MAX);
	*ret_room = l->options.segment_size - a->head.len - keep_free;
	return 1;
}

static void batch_send(struct local *l)
{
	int r = append_end(&l->append);

	if (r < 0)
		local_fail(l, r, "cannot encode a batch for the log");
	else if (local_work(l, &l->appending, append_job, on_appended))
		return;
	local_settle(l, &l->in_flight, r < 0 ? r : l->error.code);
}

void local_open(struct local *l)
{
	struct quolog_event events[2];
	size_t room;
	int r;

	make_own_events(l, events);
	r = batch_begin(l, 2 * quolog_record_size(24), 0, &room);
	if (r < 0)
		local_fail(
		    l, r, "the disk is full: there is no room in the log for the events of a start; free some space");
	if (r <= 0)
		return;
	append_event(&l->append, &events[0]);
	append_event(&l->append, &events[1]);
	batch_send(l);
}

void local_send_commands(struct local *l)
{
	size_t room;

	while (l->queue.first != NULL) {
		int r = batch_begin(l, proposal_size(l->queue.first), local_reserve(l), &room);

		if (r > 0)
			break;
		if (r == 0)
			return;
		l->queued -= l->queue.first->len;
		l->queue.first->result = r;
		proposals_push(&l->outcomes, proposals_pop(&l->queue));
		local_kick(l);
	}
	if (l->queue.first == NULL)
		return;
	while (l->queue.first != NULL && l->append.records.len < BATCH_SIZE &&
	       has_room(room, l->append.records.len, proposal_size(l->queue.first))) {
		struct proposal *p = proposals_pop(&l->queue);

		l->queued -= p->len;
		append_command(&l->append, p->id, p->bytes, p->len);
		proposals_push(&l->in_flight, p);
	}
	batch_send(l);
}
