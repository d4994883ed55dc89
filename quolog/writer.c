/* writer: the quolog.log of a backup set, from the first byte to the sync.
 *
 * How      records are collected and written in pieces of about a megabyte; the first error sticks, so that a run of
 *          calls is checked once, in quolog_writer_finish().
 * Promise  when finish() has returned 0, the file is durable and quolog_read() takes it.  Making it visible under its
 *          final name is the caller's.
 * Threads  one at a time; blocks.     Limits  record.h.     Format  docs/formats/quolog.md
 * Tests    tests/unit/quolog.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "quolog/writer.h"

enum { PIECE = 1 << 20 };

static void flush(struct quolog_writer *w)
{
	if (w->error == 0)
		w->error = w->pending.error;
	if (w->error == 0 && w->pending.len > 0)
		w->error = file_write(w->file, w->offset, w->pending.data, w->pending.len);
	if (w->error == 0)
		w->offset += w->pending.len;
	w->pending.len = 0;
}

static void put(struct quolog_writer *w, enum quolog_type type, uint64_t index, const void *bytes, size_t len)
{
	struct quolog_record record = { .type = type, .index = index, .payload = bytes, .len = len };

	if (w->error != 0)
		return;
	quolog_record_encode(&w->pending, 0, &record);
	if (w->pending.error != 0 || w->pending.len >= PIECE)
		flush(w);
}

void quolog_writer_init(struct quolog_writer *w, struct disk_file *file, const struct quolog_header *header)
{
	_cleanup_(buf_done) struct buf payload = { 0 };

	assert(header->seed == 0 && header->term == 0 && header->snapshot <= header->last);

	*w = (struct quolog_writer){ .file = file, .previous = header->snapshot, .last = header->last };
	quolog_header_encode(&payload, header);
	w->error = payload.error;
	put(w, QUOLOG_HEADER, header->snapshot, payload.data, payload.len);
}

void quolog_writer_batch(struct quolog_writer *w, uint64_t index, const void *bytes, size_t len)
{
	assert(!w->closed && index > w->previous && index <= w->last);

	if (w->error == 0 && len > QUOLOG_BATCH_MAX)
		w->error = -EFBIG;
	put(w, QUOLOG_BATCH, index, bytes, len);
	w->previous = index;
}

void quolog_writer_manifest(struct quolog_writer *w, const void *bytes, size_t len)
{
	assert(!w->closed);

	if (w->error == 0 && len > QUOLOG_MANIFEST_MAX)
		w->error = -EFBIG;
	put(w, QUOLOG_MANIFEST, w->last, bytes, len);
	w->closed = true;
}

int quolog_writer_finish(struct quolog_writer *w)
{
	assert(w->closed);

	flush(w);
	if (w->error == 0)
		w->error = file_sync(w->file);
	return w->error;
}

void quolog_writer_done(struct quolog_writer *w)
{
	buf_done(&w->pending);
}
