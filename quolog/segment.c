/* segment: the strict reader of one file of the embedded engine's log.
 *
 * Why      what a power cut leaves at the end of a log looks much like what a failing disk leaves in its middle.  The
 *          first must be cut away or the node never starts again; cutting the second loses acknowledged changes.
 * How      a segment is a HEADER, then records without gaps, then zeros.  Each record carries the index up to which
 *          everything was durable when it was written, and the engine has one unsynced batch at most.  So, behind the
 *          last good record, one of three:
 *
 *             only zeros                                             the log ends here
 *             other bytes, and no record further on whose durable    an unsynced batch, torn; nobody was told that it
 *             index reaches what is missing                          was committed: the caller cuts it
 *             a record further on says that the missing was durable  damage: refused
 *
 *          A record that is whole but does not continue its predecessor is never the work of a crash: refused.
 * Promise  no record that a later one (a DURABLE at least) says was durable is ever passed over.
 * Not kept the last batch, if the DURABLE behind it never reached the disk and the batch rots besides.
 * Format   docs/formats/quolog.md     Tests  tests/unit/quolog.c, tests/crash/local.c, tests/fuzz/quolog.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "quolog/segment.h"
#include <stdio.h>

/* Check a whole record against its predecessors.  NULL if it continues them. */
static const char *find_fault(const struct quolog_segment *s, const struct quolog_record *r)
{
	if (s->sealed)
		return "a record behind the seal";
	if (r->type == QUOLOG_DURABLE)
		return r->index == s->last && r->durable == r->index ? NULL : "a durable mark that names another index";
	if (r->type != QUOLOG_COMMAND && r->type != QUOLOG_EVENT && r->type != QUOLOG_SEALED)
		return "a record of a type that has no place there";
	if (r->index != s->last + 1)
		return r->index <= s->last ? "a record that repeats an index" : "a gap between indices";
	/* It stays within a batch, and each batch is written when all before it is durable. */
	if (r->durable != s->durable && r->durable != s->last)
		return "a record whose durable index is not possible";
	return NULL;
}

/* Take a record into the summary.  False: its payload is not valid, or its term does not rise. */
static bool take_record(struct quolog_segment *s, const struct quolog_record *r)
{
	struct quolog_command command;
	struct quolog_event event;

	if (r->type == QUOLOG_COMMAND && quolog_command_decode(r, &command) < 0)
		return false;
	if (r->type == QUOLOG_EVENT) {
		if (quolog_event_decode(r, &event) < 0)
			return false;
		if (event.kind == QUOLOG_OWNER_ELECTED) {
			if (event.term <= s->term)
				return false;
			s->term = event.term;
		}
	}
	s->sealed = r->type == QUOLOG_SEALED;
	s->last = r->index;
	return true;
}

static int scan_header(const uint8_t *bytes, size_t len, struct quolog_segment *s, struct error *error)
{
	struct quolog_record record;
	int r;

	r = quolog_record_decode(bytes, len, 0, &record, &s->end, error);
	if (r < 0)
		return r;
	if (record.type != QUOLOG_HEADER)
		return error_set(error, -EBADMSG, "the file does not begin with a header");
	r = quolog_header_decode(record.payload, record.len, &s->header, error);
	if (r < 0)
		return r;
	if (record.index != s->header.snapshot || record.durable != record.index || s->header.last != 0 ||
	    s->header.snapshot == UINT64_MAX)
		return error_set(error, -EBADMSG, "the header is not that of a segment");
	s->first = s->header.snapshot + 1;
	s->last = s->durable = s->header.snapshot;
	s->term = s->header.term;
	return 0;
}

static size_t find_used(const uint8_t *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len;
}

/* The log is bad from s->end on.  Is there anything behind that says it was durable? */
static int judge_tail(
    const uint8_t *bytes, size_t len, const struct quolog_segment *s, const char *fault, struct error *error)
{
	for (size_t at = s->end + QUOLOG_ALIGN; at < s->used; at += QUOLOG_ALIGN) {
		struct quolog_record record;
		size_t size;

		if (quolog_record_decode(bytes + at, len - at, s->header.seed, &record, &size, NULL) < 0)
			continue;
		if (record.durable > s->last || record.index <= s->last)
			return error_set(error, -EBADMSG,
			    "offset %zu: %s; index %ju should be there, and the record at offset %zu (index %ju) says "
			    "that "
			    "everything up to %ju was on the disk",
			    s->end, fault, (uintmax_t)s->last + 1, at, (uintmax_t)record.index,
			    (uintmax_t)record.durable);
		at += size - QUOLOG_ALIGN;
	}
	return 0;
}

int quolog_segment_scan(
    const uint8_t *bytes, size_t len, quolog_visit *visit, void *data, struct quolog_segment *ret, struct error *error)
{
	_cleanup_free_ struct quolog_segment *s = calloc(1, sizeof(*s));
	struct error why = { 0 };
	int r;

	if (s == NULL)
		return error_set_code(error, -ENOMEM, "cannot read the log");
	s->used = find_used(bytes, len);
	r = scan_header(bytes, len, s, error);
	if (r < 0)
		return r;
	while (s->end < s->used) {
		struct quolog_record record;
		const char *fault;
		size_t size;

		r = quolog_record_decode(bytes + s->end, len - s->end, s->header.seed, &record, &size, &why);
		if (r < 0)
			break;
		fault = find_fault(s, &record);
		if (fault == NULL && record.type != QUOLOG_DURABLE && !take_record(s, &record))
			fault = "a record whose payload is not valid";
		if (fault != NULL)
			return error_set(error, -EBADMSG, "offset %zu: %s (index %ju behind %ju)", s->end, fault,
			    (uintmax_t)record.index, (uintmax_t)s->last);
		s->durable = record.durable;
		s->end += size;
		if (record.type != QUOLOG_DURABLE && visit != NULL) {
			r = visit(data, &record);
			if (r < 0)
				return r;
		}
	}
	s->used = MAX(ALIGN_UP(s->used, (size_t)QUOLOG_ALIGN), s->end);
	if (s->used > s->end) {
		r = judge_tail(bytes, len, s, why.text, error);
		if (r < 0)
			return r;
	}
	*ret = *s;
	return 0;
}
