/* hive: registry hives (regf 1.5), written to a sink and read from a buffer.  See writer.c and reader.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/utf16.h"

/* Limits of the format, to be enforced when a key or value is set, so that a backup can never fail for them. */
#define HIVE_KEY_NAME_MAX 255     /* Units. */
#define HIVE_VALUE_NAME_MAX 16383 /* Units. */
#define HIVE_DEPTH_MAX 512        /* Keys from the root down, the root included. */
#define HIVE_SECURITY_MAX 65535   /* Bytes of a descriptor. */
#define HIVE_SIZE_MAX 0x7fffffffu /* Bytes of a file. */

/* One key; name of the root is what the file shows for it.  The views are borrowed during the call only. */
struct hive_key {
	struct u16 name;
	uint64_t time;           /* FILETIME of the last write. */
	const uint8_t *security; /* Self-relative security descriptor. */
	size_t security_len;
};

struct hive_value {
	struct u16 name; /* Empty = the default value. */
	uint32_t type;
	const uint8_t *data;
	size_t len;
};

/* Where a hive is written to.  Mostly sequential; earlier offsets are written again to fill in what was not known. */
struct hive_sink {
	int (*write)(void *data, uint64_t offset, const void *bytes, size_t len);
	int (*sync)(void *data); /* What was written is durable; called before the base block is written, and after. */
	void *data;
};

/* Writing: begin(root), its values, its subkeys (begin … end) in ascending order, end; then finish.  Values in ascending
 * order of their names too.  Any error sticks: later calls return it.  Wrong order is -EINVAL. */
struct hive_writer;

int hive_writer_new(const struct hive_sink *sink, uint64_t filetime, struct hive_writer **ret);
void hive_writer_free(struct hive_writer *w);
DEFINE_FREEP(struct hive_writer, hive_writer_free)
int hive_key_begin(struct hive_writer *w, const struct hive_key *key, size_t subkey_count, size_t value_count);
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
	HIVE_FOREIGN_ORDER = 1, /* Accept siblings in another order and visit them in ours; duplicates are refused. */
};

/* ERR_INVALID_DATA with the story in *error (may be NULL) for anything that is not a clean, whole, well-formed hive. */
int hive_read(const void *data, size_t len, unsigned flags, const struct hive_visitor *visitor, struct error *error);
/* The FILETIME of the base block, without reading the rest. */
int hive_read_time(const void *data, size_t len, uint64_t *ret, struct error *error);
