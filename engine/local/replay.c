/* replay: show what is in the log, and remove what nobody needs.
 *
 * How      one segment at a time is read on a worker and checked once more while its events are shown; one segment at a
 *          time, the oldest, is removed.
 * Threads  the loop thread; read_run() and trim_run() on workers.      Tests  tests/sim/engine.c, tests/crash/local.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/local/internal.h"

/* Replay. */

static int show_record(void *data, const struct quolog_record *record)
{
	struct local *l = data;
	struct quolog_command command;
	struct quolog_event event;

	if (record->index <= l->shown)
		return 0;
	if (l->stopping || l->state == FAILED)
		return -ECANCELED;
	if (record->type == QUOLOG_COMMAND && quolog_command_decode(record, &command) == 0) {
		local_show(l, &(struct engine_event){ .kind = ENGINE_COMMAND,
				  .index = record->index,
				  .id = { command.incarnation, command.counter },
				  .bytes = command.bytes,
				  .len = command.len });
		return 0;
	}
	if (record->type == QUOLOG_EVENT && quolog_event_decode(record, &event) == 0) {
		local_show_event(l, record->index, &event);
		return 0;
	}
	return -EBADMSG; /* A seal, or something that the start had found good. */
}

static void read_run(void *data)
{
	struct local *l = data;

	l->read_result = segments_read(l->disk, l->read_first, &l->read_bytes, &l->read_len);
}

static void read_done(void *data)
{
	struct local *l = data;
	_cleanup_free_ struct quolog_segment *segment = malloc(sizeof(*segment));
	uint64_t before = l->shown;
	int r = l->read_result;

	l->reading = false;
	if (segment == NULL)
		r = -ENOMEM;
	if (r >= 0)
		r = quolog_segment_scan(l->read_bytes, l->read_len, show_record, l, segment, NULL);
	if (r >= 0 && l->shown == before)
		r = -EBADMSG; /* It had more when the log was checked. */
	if (r < 0 && r != -ECANCELED)
		local_fail(l, r, "cannot read the log again");
	free(TAKE_PTR(l->read_bytes));
	local_kick(l);
}

/* The segment that has the next event: the newest that does not begin behind it. */
void local_replay(struct local *l)
{
	size_t i = l->segments.count;

	if (l->shown == l->segments.last) {
		local_set_state(l, OPENING);
		local_open(l);
		return;
	}
	while (i > 0 && l->segments.firsts[i - 1] > l->shown + 1)
		i--;
	assert(i > 0);
	l->read_first = l->segments.firsts[i - 1];
	(void)local_work(l, &l->reading, read_run, read_done);
}

/* Trim: one segment at a time, the oldest. */

static void trim_run(void *data)
{
	struct local *l = data;

	l->trim_result = segments_remove(l->disk, l->trim_first);
}

static void trim_done(void *data)
{
	struct local *l = data;

	l->trimming = false;
	if (l->trim_result < 0) {
		local_fail(l, l->trim_result, "cannot remove an old segment of the log");
	} else {
		segments_removed(&l->segments, 1);
		l->spare_retry_ns = 0; /* There is more space now. */
		local_trim_next(l);
	}
	local_kick(l);
}

void local_trim_next(struct local *l)
{
	if (l->trimming || l->stopping || l->state == FAILED || l->segments.count < 2 ||
	    l->segments.firsts[1] - 1 > l->trim_to)
		return;
	l->trim_first = l->segments.firsts[0];
	(void)local_work(l, &l->trimming, trim_run, trim_done);
}
