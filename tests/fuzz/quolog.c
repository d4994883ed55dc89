/* fuzz quolog: any bytes are a record, a header, a segment and the log of a set; what is taken is consistent and is
 * written again as the same bytes.  They are tried as they are and with every checksum put right, so that the fuzzer need
 * not find those.
 * SPDX-License-Identifier: Apache-2.0 */
#include "quolog/reader.h"
#include "quolog/segment.h"
#include "tests/lib/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	uint64_t previous;
	bool closed;
};

static int on_header(void *data, const struct quolog_header *h)
{
	struct seen *seen = data;

	assert(h->snapshot <= h->last && h->name_len <= QUOLOG_NAME_MAX && h->name[h->name_len] == 0);
	assert(h->partition_count <= QUOLOG_PARTITION_MAX && h->key_len <= QUOLOG_KEY_MAX);
	seen->previous = h->snapshot;
	return 0;
}

static int on_batch(void *data, uint64_t index, const uint8_t *bytes, size_t len)
{
	struct seen *seen = data;

	assert(index > seen->previous && !seen->closed);
	for (size_t i = 0; i < len; i++)
		*(volatile const uint8_t *)&bytes[i]; /* All of it can be read. */
	seen->previous = index;
	return 0;
}

static int on_manifest(void *data, const uint8_t *bytes, size_t len)
{
	struct seen *seen = data;

	assert(!seen->closed && (len == 0 || bytes != NULL));
	seen->closed = true;
	return 0;
}

static int on_record(void *data, const struct quolog_record *record)
{
	struct seen *seen = data;

	assert(record->index == seen->previous + 1 || seen->previous == 0);
	assert(record->durable < record->index);
	seen->previous = record->index;
	return 0;
}

static void check_header(const uint8_t *data, size_t len)
{
	struct quolog_header *h = malloc(2 * sizeof(*h));
	struct buf b = { 0 }, again = { 0 };

	assert(h != NULL);
	if (quolog_header_decode(data, len, h, NULL) == 0) {
		quolog_header_encode(&b, h);
		assert(b.error == 0 && b.len <= len);
		assert(quolog_header_decode(b.data, b.len, h + 1, NULL) == 0);
		quolog_header_encode(&again, h + 1);
		assert(again.len == b.len && memcmp(again.data, b.data, b.len) == 0);
	}
	buf_done(&b);
	buf_done(&again);
	free(h);
}

static void check_record(const uint8_t *data, size_t len, uint32_t seed)
{
	struct quolog_record record;
	struct buf b = { 0 };
	size_t size;

	if (quolog_record_decode(data, len, seed, &record, &size, NULL) < 0)
		return;
	quolog_record_encode(&b, seed, &record);
	assert(b.error == 0 && b.len == size && memcmp(b.data, data, size) == 0);
	buf_done(&b);
}

static void check_segment(const uint8_t *data, size_t len)
{
	struct quolog_segment *s = malloc(sizeof(*s));
	struct seen seen = { 0 };
	struct error error = { 0 };

	assert(s != NULL);
	if (quolog_segment_scan(data, len, on_record, &seen, s, &error) == 0) {
		assert(s->first <= s->last + 1 && s->durable <= s->last && s->durable + 1 >= s->first);
		assert(s->end <= s->used && s->used <= ALIGN_UP(len, (size_t)QUOLOG_ALIGN));
		assert(seen.previous == 0 || seen.previous == s->last);
	} else {
		assert(error.text[0] != 0);
	}
	free(s);
}

static void check_all(const uint8_t *data, size_t len)
{
	struct seen seen = { 0 };
	struct quolog_visitor visitor = { on_header, on_batch, on_manifest, &seen };
	struct error error = { 0 };
	int r;

	check_record(data, len, 0);
	check_segment(data, len);
	r = quolog_read(data, len, &visitor, &error);
	assert(r < 0 ? error.text[0] != 0 : seen.closed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *bytes = malloc(len + 1);

	assert(bytes != NULL);
	memcpy(bytes, data, len);
	check_header(data, len);
	check_all(data, len);
	mend_log(bytes, len, check_record);
	check_all(bytes, len);
	free(bytes);
	return 0;
}
