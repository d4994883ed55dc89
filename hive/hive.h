/* hive: registry hives (regf 1.5), written to a sink and read from a buffer.  See writer.c and reader.c, and
 * docs/formats/hive.md for the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/utf16.h"

/* Limits of the format, to be enforced when a key or value is set, so that a backup can never fail for them. */
#define HIVE_KEY_NAME_MAX 255                  /* Units; at least 1; no '\' and no zero among them. */
#define HIVE_VALUE_NAME_MAX 16383              /* Units, of any kind. */
#define HIVE_CLASS_MAX 32767                   /* Units. */
#define HIVE_DEPTH_MAX 512                     /* Keys from the root down, the root included. */
#define HIVE_SECURITY_MAX 65535                /* Bytes of a descriptor. */
#define HIVE_VALUE_MAX ((size_t)65535 * 16344) /* Bytes of data: as many segments as a record can count. */
#define HIVE_SIZE_MAX 0x7fffffffu              /* Bytes of a file. */

/* One key; name of the root is what the file shows for it.  The views are borrowed during the call only, but for the
 * security descriptors that hive_read() shows: they lie in its buffer, and keys that share one show the same pointer. */
struct hive_key {
	struct u16 name;
	struct u16 class_name;   /* Empty = none. */
	uint64_t time;           /* FILETIME of the last write. */
	const uint8_t *security; /* Self-relative security descriptor, not looked into here. */
	size_t security_len;     /* 0 = none. */
};

struct hive_value {
	struct u16 name; /* Empty = the default value. */
	uint32_t type;
	const uint8_t *data;
	size_t len;
};

/* Where a hive is written to: a new, empty file.  Mostly sequential; earlier offsets are written again to fill in what
 * was not known. */
struct hive_sink {
	int (*write)(void *data, uint64_t offset, const void *bytes, size_t len);
	int (*sync)(void *data); /* What was written is durable; called before the base block is written, and after. */
	void *data;
};

/* Writing: begin(root), its values, its subkeys (begin … end) in ascending order, end; then finish.  Values in ascending
 * order of their names too, and before the first subkey.  Any error sticks: later calls return it.  -EINVAL: wrong
 * order, or a name, depth or descriptor beyond the limits; -EFBIG: a value or the hive would be too large; -ENOMEM; and
 * whatever the sink returned. */
struct hive_writer;

int hive_writer_new(const struct hive_sink *sink, uint64_t filetime, struct hive_writer **ret);
void hive_writer_free(struct hive_writer *w); /* NULL is allowed.  What an unfinished writer wrote is not a hive. */
DEFINE_FREEP(struct hive_writer, hive_writer_free)
int hive_key_begin(struct hive_writer *w, const struct hive_key *key);
int hive_value(struct hive_writer *w, const struct hive_value *value);
int hive_key_end(struct hive_writer *w);
int hive_writer_finish(struct hive_writer *w, uint64_t *ret_size); /* Bytes of the file. */

/* Reading: the keys and values in the order of the file (depth first, a key's values before its subkeys).  A negative
 * result of a callback ends the reading and is returned. */
struct hive_visitor {
	int (*key_begin)(void *data, const struct hive_key *key);
	int (*value)(void *data, const struct hive_value *value);
	int (*key_end)(void *data);
	void *data;
};

enum hive_read_flags {
	/* What other systems write: subkeys and values in another order (they are visited in ours; two names that are
	 * the same in ours are refused), and bytes behind the last bin. */
	HIVE_FOREIGN = 1,
};

/* ERR_INVALID_DATA with the story in *error (may be NULL) for anything that is not a clean, whole, well-formed hive.
 * Callbacks may have been called by then: what they made of it must be dropped.  -ENOMEM.  The bytes must not change
 * meanwhile, so they may not be a mapped file. */
int hive_read(const void *data, size_t len, unsigned flags, const struct hive_visitor *visitor, struct error *error);
/* The FILETIME of the base block, without reading the rest. */
int hive_read_time(const void *data, size_t len, uint64_t *ret, struct error *error);
