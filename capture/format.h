/* format: a file, directory or symbolic link as a hive; see write.c and read.c, and docs/formats/file-checkpoint.md.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "capture/name.h"
#include "hive/hive.h"

enum {
	TREE_DEPTH_MAX = 100,         /* Directories in each other. */
	TREE_ENTRIES_MAX = 100000,    /* Files, directories and links. */
	TREE_TARGET_MAX = 4095,       /* Bytes of a link's target. */
	TREE_PART_MAX = 256 << 10,    /* Bytes of data in one value. */
	TREE_XATTRS_MAX = 1000,       /* Of one entry. */
	TREE_XATTR_NAME_MAX = 255,    /* Bytes. */
	TREE_XATTR_VALUE_MAX = 65536, /* Bytes. */
	TREE_MODE_BITS = 07777,
};

enum tree_kind {
	TREE_FILE = 1,
	TREE_DIRECTORY = 2,
	TREE_LINK = 3,
};

struct tree_time {
	int64_t seconds; /* Since 1970. */
	uint32_t nanoseconds;
};

struct tree_entry {
	enum tree_kind kind;
	const char *
	    name; /* In its directory; terminated, as the target is. "" for the first entry, whose name is the source's. */
	const char *target; /* TREE_LINK. */
	uint32_t mode, owner, group;
	struct tree_time accessed, modified;
	uint64_t length; /* TREE_FILE: what no part covers is zeros, and a hole. */
};

/* Writing: begin, the parts by offset, the attributes by name, the entries of the directory by name (bytes, as strcmp()
 * compares), end; then finish.  Errors stick: those of the hive's writer, and -EINVAL for the wrong order, -E2BIG for a
 * limit. */
struct tree_writer;

int files_writer_new(const struct hive_sink *sink, struct tree_writer **ret);
void files_writer_free(struct tree_writer *w);
DEFINE_FREEP(struct tree_writer, files_writer_free)
int files_begin(struct tree_writer *w, const struct tree_entry *e);
int files_part(struct tree_writer *w, uint64_t offset, const void *data, size_t len);
int files_xattr(struct tree_writer *w, const char *name, const void *value, size_t len);
int files_end(struct tree_writer *w);
int files_writer_finish(struct tree_writer *w, uint64_t *ret_size);

/* Reading: the same calls in the same order; what they show is borrowed for the call.  Any may be NULL.  A negative result
 * ends the reading and is returned. */
struct tree_visitor {
	int (*begin)(void *data, const struct tree_entry *e);
	int (*part)(void *data, uint64_t offset, const void *bytes, size_t len);
	int (*xattr)(void *data, const char *name, const void *value, size_t len);
	int (*end)(void *data);
	void *data;
};

/* ERR_INVALID_DATA with the story: not the hive of a file checkpoint, or beyond a limit; -ENOMEM.  Callbacks may have been
 * called before that is found: read once without any to know. */
int files_read(const void *hive, size_t len, const struct tree_visitor *visitor, struct error *error);

/* Whether both are the hive of the same tree, but for times of access.  False also for want of memory. */
bool files_same(const void *a, size_t a_len, const void *b, size_t b_len);
