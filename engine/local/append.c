/* append: encode a batch and write it.
 *
 * How      one write and one sync make the whole batch durable.  Then, unsynced, a mark that says so: without it a batch
 *          at the very end of a log that rots could not be told from one that was torn.  The mark reaches the disk with
 *          the next batch, the next roll, or the kernel's own time.
 *          Most batches are short, and go where zeros have been written before: then a sync needs no metadata, and does not
 *          wait for the file system's journal.  The zeros are written with the batch that reaches their end, some hundred
 *          batches' worth at once; a long one has little to gain.  They may be lost or fail: nothing rests on them.
 * Promise  result 0 = every record is durable.  Otherwise nobody knows, and nothing may be written behind it any more.
 * Tests    tests/crash/local.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/local/append.h"
#include "engine/local/segments.h"

enum { PREPARE = 128 << 10, PREPARE_PART = 8 /* Of a segment, at most. */ };

void append_done(struct append *a)
{
	buf_done(&a->head);
	buf_done(&a->records);
	buf_done(&a->mark);
}

void append_begin(struct append *a, uint64_t last, uint32_t seed, const struct quolog_header *header)
{
	a->first = last + 1;
	a->last = last;
	a->seed = header != NULL ? header->seed : seed;
	a->records.len = a->mark.len = a->head.len = 0;
	a->roll = header != NULL;
	if (header != NULL) {
		a->header = *header;
		segments_encode_header(&a->head, header);
		a->offset = a->head.len;
	}
}

void append_command(struct append *a, struct engine_id id, const void *bytes, size_t len)
{
	struct quolog_record record = { .type = QUOLOG_COMMAND, .index = ++a->last, .durable = a->first - 1 };
	struct quolog_command command = { id.incarnation, id.counter, bytes, len };

	quolog_command_encode(&a->records, a->seed, &record, &command);
}

void append_event(struct append *a, const struct quolog_event *event)
{
	struct quolog_record record = { .type = QUOLOG_EVENT, .index = ++a->last, .durable = a->first - 1 };

	quolog_event_encode(&a->records, a->seed, &record, event);
}

int append_end(struct append *a)
{
	struct quolog_record mark = { .type = QUOLOG_DURABLE, .index = a->last, .durable = a->last };

	assert(a->last >= a->first);
	quolog_record_encode(&a->mark, a->seed, &mark);
	return a->head.error != 0 || a->records.error != 0 || a->mark.error != 0 ? -ENOMEM : 0;
}

/* The batch goes to the file: is what follows it prepared? */
static void prepare_next(struct append *a, struct disk_file *to)
{
	size_t from = a->offset + a->records.len, end = from + a->mark.len,
	       len = MIN((size_t)PREPARE, a->room / PREPARE_PART);

	if (end <= a->prepared || end >= a->room || a->records.len > len / 2)
		return;
	a->prepared = MIN(end + len, a->room);
	(void)file_prepare(to, from, a->prepared - from);
}

void append_run(void *data)
{
	struct append *a = data;
	struct disk_file *to = a->roll ? a->spare : a->file;
	int r = 0;

	if (a->roll)
		r = segments_roll(a->disk, a->file, a->spare, a->first, &a->head);
	if (a->roll)
		a->prepared = 0;
	if (r >= 0)
		r = file_write(to, a->offset, a->records.data, a->records.len);
	if (r >= 0)
		prepare_next(a, to);
	if (r >= 0)
		r = file_sync(to);
	if (r >= 0)
		r = file_write(to, a->offset + a->records.len, a->mark.data, a->mark.len);
	a->result = r;
}
