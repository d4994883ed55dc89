/* hives: hives for tests, written through the writer while the same is written down as text, to be compared with what
 * a reader finds.
 *
 *	struct hive_author a = { 0 };
 *
 *	author_begin(&a);
 *	author_key(&a, U16("Cluster"));
 *	author_value(&a, U16("ClusterName"), 1, u"one", 8);
 *	author_end(&a);
 *	CHECK_INT(author_finish(&a), 0);
 *	… a.file.bytes is the hive, a.text what is in it; hive_to_text() makes the same text of the hive.
 *
 * A line for each key and value, in their order (depth first, values before subkeys), fields separated by spaces:
 *
 *	K depth name time class descriptor          V depth name type data
 *
 * Names and classes are hexadecimal units (four digits each), data and descriptors hexadecimal bytes, "-" stands for
 * nothing.  The depth of the root is 0, that of its values 1.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "hive/hive.h"

/* A file in memory that can fail: what was never written reads as zeros. */
struct hive_file {
	struct buf bytes;
	uint64_t fail_at;  /* That call of write or sync fails with -EIO, and all after it; 0 = none. */
	bool fail_once;    /* Only that call. */
	bool fail_halfway; /* A failing write writes half of its bytes. */
	bool discard;      /* Writes go nowhere. */

	/* What happened so far. */
	uint64_t calls, base_call, last_sync; /* All; the one that wrote the base block; the last sync. */
	uint64_t patches;                     /* Writes that did not reach the end, the base block aside. */
	uint64_t size, synced_size; /* The end of the furthest write; the same at the sync before the base block. */
	size_t longest;             /* The longest write. */
};

struct hive_sink hive_file_sink(struct hive_file *f);

struct hive_author {
	struct hive_file file;
	struct hive_writer *writer;
	struct buf text;
	size_t depth;
	uint32_t keys; /* So far. */
	int error;     /* Of the first call that failed. */
	bool no_text;
	uint64_t filetime;
	uint64_t hive_size; /* As the writer said. */
};

void author_begin(struct hive_author *a);
void author_key(
    struct hive_author *a, struct u16 name); /* With a time and one of four descriptors of its own choice. */
void author_key_full(struct hive_author *a, const struct hive_key *key);
void author_value(struct hive_author *a, struct u16 name, uint32_t type, const void *data, size_t len);
void author_end(struct hive_author *a); /* Of a key. */
int author_finish(struct hive_author *a);
void author_done(struct hive_author *a);

/* A self-relative security descriptor, one of many; returns its length. */
enum { TEST_DESCRIPTOR_MAX = 160 };
size_t test_descriptor(uint32_t variant, uint8_t ret[TEST_DESCRIPTOR_MAX]);

/* Bytes that look like chance and are the same each time. */
void test_bytes(void *p, size_t len, uint64_t seed);

/* What a hive contains, appended to *ret; the error of hive_read(). */
int hive_to_text(const void *data, size_t len, unsigned flags, struct buf *ret, struct error *error);

/* Whatever the bytes are: hive_read() refuses them, or what it shows can be written again and is then read as the same,
 * in both modes alike.  Anything else is an assertion that fails.  Returns the strict result. */
int hive_check(const void *data, size_t len, struct error *error);

/* The collection: from the ordinary to the extreme. */
struct hive_sample {
	const char *name;
	void (*write)(struct hive_author *a); /* The root is open, and is ended by the caller. */
};
extern const struct hive_sample hive_samples[];
extern const size_t hive_sample_count;

/* One of them, complete. */
void hive_sample_write(const struct hive_sample *s, struct hive_author *a);
/* The small one that the golden file holds, and many tests break. */
void hive_golden_write(struct hive_author *a);
