/* reader: the quolog.log of a backup set, every byte accounted for.
 *
 * Why      a restore must not begin with a log that is cut off, damaged, padded or put together from two.
 * How      HEADER, then BATCH records with rising indices in (S, I], then one MANIFEST for I, then the end of the file.
 *          Nothing is skipped and nothing is repaired: a set was complete when it was committed.
 * Promise  0 means that the file is byte for byte what quolog_writer wrote, up to the strength of a CRC-32C.
 * Not kept that the set around it is the one it was written with: the manifest's hashes tell.
 * Format   docs/formats/quolog.md     Tests  tests/unit/quolog.c, tests/fuzz/quolog.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "quolog/reader.h"

struct reading {
	const uint8_t *bytes;
	size_t len, at;
	uint64_t previous, last; /* Index of the newest record; I. */
	bool closed;
};

static int next_record(struct reading *r, struct quolog_record *ret, struct error *error)
{
	struct error why;
	size_t size;
	int result;

	result = quolog_record_decode(r->bytes + r->at, r->len - r->at, 0, ret, &size, &why);
	if (result < 0)
		return error_set(error, result, "offset %zu: %s", r->at, why.text);
	if (ret->durable != 0)
		return error_set(error, -EBADMSG, "offset %zu: a record of an engine's log", r->at);
	r->at += size;
	return 0;
}

static int read_header(struct reading *r, const struct quolog_visitor *visitor, struct error *error)
{
	_cleanup_free_ struct quolog_header *header = malloc(sizeof(*header));
	struct quolog_record record;
	int result;

	if (header == NULL)
		return error_set_code(error, -ENOMEM, "cannot read the log");
	result = next_record(r, &record, error);
	if (result < 0)
		return result;
	if (record.type != QUOLOG_HEADER)
		return error_set(error, -EBADMSG, "the file does not begin with a header");
	result = quolog_header_decode(record.payload, record.len, header, error);
	if (result < 0)
		return result;
	if (record.index != header->snapshot || header->last < header->snapshot || header->seed != 0 ||
	    header->term != 0)
		return error_set(error, -EBADMSG, "the header is not that of a backup set");
	r->previous = header->snapshot;
	r->last = header->last;
	return visitor->header(visitor->data, header);
}

static int read_one(struct reading *r, const struct quolog_visitor *visitor, struct error *error)
{
	size_t at = r->at;
	struct quolog_record record;
	int result;

	result = next_record(r, &record, error);
	if (result < 0)
		return result;
	if (record.type == QUOLOG_BATCH) {
		if (record.index <= r->previous || record.index > r->last)
			return error_set(error, -EBADMSG,
			    "offset %zu: a batch of index %ju behind %ju, in a log up to %ju", at,
			    (uintmax_t)record.index, (uintmax_t)r->previous, (uintmax_t)r->last);
		r->previous = record.index;
		return visitor->batch(visitor->data, record.index, record.payload, record.len);
	}
	if (record.type == QUOLOG_MANIFEST) {
		if (record.index != r->last)
			return error_set(error, -EBADMSG, "offset %zu: a manifest of index %ju in a log up to %ju", at,
			    (uintmax_t)record.index, (uintmax_t)r->last);
		r->closed = true;
		return visitor->manifest(visitor->data, record.payload, record.len);
	}
	return error_set(
	    error, -EBADMSG, "offset %zu: a record of type %d has no place in a backup set", at, record.type);
}

int quolog_read(const uint8_t *bytes, size_t len, const struct quolog_visitor *visitor, struct error *error)
{
	struct reading r = { .bytes = bytes, .len = len };
	int result;

	result = read_header(&r, visitor, error);
	while (result >= 0 && !r.closed)
		result = read_one(&r, visitor, error);
	if (result < 0)
		return result;
	if (r.at != len)
		return error_set(error, -EBADMSG, "offset %zu: %zu bytes behind the manifest", r.at, len - r.at);
	return 0;
}
