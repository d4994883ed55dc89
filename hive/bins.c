/* bins: the body of a hive as a stream of cells.
 *
 * Why      a snapshot can be larger than the memory that a backup may use, so the body goes out as it is made.
 * How      bytes collect in one buffer, which goes to the sink when it is full.  A bin is one page, or as many as one
 *          cell needs; a cell that does not fit into the rest of the bin opens the next, and the rest becomes one
 *          free cell.
 *
 *              | hbin | cell | cell | cell | free | hbin | cell …
 *              0     32                  cell_end        bin_end            offsets count from the first bin
 *
 *          What was put before is patched in the buffer, or through the sink if it has left the buffer already.
 * Promise  after an error nothing more is passed to the sink.
 * Threads  one.          Limits  REGF_BINS_MAX (-EFBIG).
 * Format   docs/formats/hive.md, "Bins and cells"          Tests  tests/unit/hive.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "hive/bins.h"

enum { BUFFER_LEN = 1 << 20 };
static_assert(BUFFER_LEN % REGF_PAGE == 0, "the sink gets whole pages");

int bins_init(struct bins *b, const struct hive_sink *sink, uint64_t filetime)
{
	uint8_t *buffer = malloc(BUFFER_LEN);

	if (buffer == NULL)
		return -ENOMEM;
	*b = (struct bins){ .sink = *sink, .filetime = filetime, .buffer = buffer };
	return 0;
}

void bins_done(struct bins *b)
{
	free(b->buffer);
	b->buffer = NULL;
}

static void write_sink(struct bins *b, uint32_t offset, const void *data, size_t len)
{
	int r;

	if (b->error != 0 || len == 0)
		return;
	r = b->sink.write(b->sink.data, (uint64_t)REGF_PAGE + offset, data, len);
	if (r < 0)
		b->error = r;
}

static void flush(struct bins *b)
{
	write_sink(b, b->flushed, b->buffer, b->used);
	b->flushed += (uint32_t)b->used;
	b->used = 0;
}

static uint32_t position(const struct bins *b)
{
	return b->flushed + (uint32_t)b->used;
}

/* Append data, or zeros if it is NULL. */
static void append(struct bins *b, const uint8_t *data, size_t len)
{
	while (len > 0 && b->error == 0) {
		size_t n = MIN(len, BUFFER_LEN - b->used);

		if (data != NULL) {
			memcpy(b->buffer + b->used, data, n);
			data += n;
		} else {
			memset(b->buffer + b->used, 0, n);
		}
		b->used += n;
		len -= n;
		if (b->used == BUFFER_LEN)
			flush(b);
	}
}

void bins_put(struct bins *b, const void *data, size_t len)
{
	assert(b->error != 0 || len <= b->cell_end - position(b));
	append(b, data, len);
}

void bins_put_u32(struct bins *b, uint32_t v)
{
	v = htole32(v);
	bins_put(b, &v, sizeof(v));
}

/* Fill the current cell up and make the rest of its bin free. */
static void close_bin(struct bins *b)
{
	uint32_t rest = b->bin_end - b->cell_end;

	append(b, NULL, b->cell_end - position(b));
	if (rest > 0) {
		b->cell_end = b->bin_end;
		bins_put_u32(b, rest);
		append(b, NULL, rest - sizeof(rest));
	}
}

static void open_bin(struct bins *b, uint64_t need)
{
	uint64_t len = ALIGN_UP(need + BIN_HEADER, (uint64_t)REGF_PAGE);
	uint8_t header[BIN_HEADER] = "hbin";

	if (len > REGF_BINS_MAX - b->bin_end) {
		b->error = -EFBIG;
		return;
	}
	put_le32(header + BIN_OFFSET, b->bin_end);
	put_le32(header + BIN_LEN, (uint32_t)len);
	if (b->bin_end == 0)
		put_le64(header + BIN_TIME, b->filetime);
	append(b, header, sizeof(header));
	b->cell_end = b->bin_end + BIN_HEADER;
	b->bin_end += (uint32_t)len;
}

uint32_t bins_cell(struct bins *b, size_t len)
{
	uint64_t need = ALIGN_UP((uint64_t)len + sizeof(uint32_t), (uint64_t)8);
	uint32_t offset;

	if (b->error == 0 && need > b->bin_end - b->cell_end) {
		close_bin(b);
		open_bin(b, need);
	}
	if (b->error != 0)
		return REGF_NONE;
	append(b, NULL, b->cell_end - position(b));
	offset = b->cell_end;
	b->cell_end += (uint32_t)need;
	bins_put_u32(b, 0 - (uint32_t)need);
	return offset;
}

void bins_patch(struct bins *b, uint32_t cell, size_t at, const void *data, size_t len)
{
	uint32_t offset = cell + (uint32_t)(sizeof(uint32_t) + at);

	if (b->error != 0)
		return;
	assert(offset + len <= position(b));
	if (offset < b->flushed) {
		/* Whole pages have left, and only the first cell of a bin can reach from one page into the next;
		 * where it begins with a record that is patched, that record is in the first page. */
		assert(offset + len <= b->flushed);
		write_sink(b, offset, data, len);
	} else {
		memcpy(b->buffer + (offset - b->flushed), data, len);
	}
}

void bins_end(struct bins *b)
{
	if (b->error != 0)
		return;
	close_bin(b);
	b->cell_end = b->bin_end;
	flush(b);
}
