/* dbhive: the database as a hive, and back.  The file form of a snapshot, in backup sets and in checkpoints alike.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "cluster/db/load.h"
#include "io/disk.h"

/* Write the tree below root to an open, empty file; synced, base block last. */
int dbhive_write(struct disk_file *file, const struct db_key *root, uint64_t filetime, uint64_t *ret_size);
/* The same to any sink. */
struct hive_sink;
int dbhive_write_to(const struct hive_sink *sink, const struct db_key *root, uint64_t filetime, uint64_t *ret_size);
/* The same bytes in memory.  The caller owns *image, empty before.  -ENOMEM */
int dbhive_image(const struct db_snapshot *s, uint64_t filetime, struct buf *image);
/* Bytes that dbhive_write() would write. */
int dbhive_size(const struct db_key *root, uint64_t *ret);
/* Make a database of a hive: the strict reader, and every limit of the database.  ERR_INVALID_DATA with a story. */
int dbhive_read(const void *bytes, size_t len, struct db **ret, struct error *error);
/* Whether dbhive_read() would take it, and what of: the same reader and the same limits, with nothing kept.  The names must be in
 * order, as they are in what we write. */
int dbhive_check(const void *bytes, size_t len, struct db_totals *ret, struct error *error);
