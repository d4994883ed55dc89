/* packed: a directory as one run of bytes, for the fuzzer of backup sets and its corpus.
 *
 * How      for each file in turn: the length of its name (1 byte), the name with '/' between directories and file, the
 *          length of its content (4 bytes, little endian), the content; up to the end.  A content that is longer than
 *          what is left ends with the bytes.  Any bytes are some directory: what cannot be made is left out.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "io/disk.h"

enum { PACKED_NAME_MAX = 255, PACKED_FILES_MAX = 64 };

struct packed_file {
	char name[PACKED_NAME_MAX + 1];
	uint8_t *bytes; /* Borrowed from the run. */
	size_t len;
};

/* The files in order, up to PACKED_FILES_MAX; returns how many. */
size_t packed_split(uint8_t *bytes, size_t len, struct packed_file files[PACKED_FILES_MAX]);
/* Make them, synced; a file whose name the disk refuses is left out. */
void packed_unpack(const struct packed_file *files, size_t count, struct disk *disk);
/* All files of the disk, directories one deep; out->error tells. */
int packed_pack(struct disk *disk, struct buf *out);

/* Make a damaged set whole again, so that a fuzzer gets behind the checksums: those of the log's records and of the hive's
 * base block, sizes and SHA-256 of the manifest, and the digest of the database that the files give. */
void packed_mend(struct packed_file *files, size_t count);
