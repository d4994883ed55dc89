/* local: the embedded engine: one node, its log in the segments of one directory.  See local.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"
#include "io/disk.h"
#include "io/loop.h"
#include "quolog/header.h"

enum {
	ENGINE_LOCAL_SEGMENT_MIN = 8 << 10,
	ENGINE_LOCAL_SEGMENT_DEFAULT = 16 << 20,
	ENGINE_LOCAL_SEGMENT_MAX = 64 << 20,
};

struct engine_local_options {
	uint32_t node;          /* This node's number. */
	size_t segment_size;    /* Bytes of a segment, a multiple of 4096; 0 = the default. */
	size_t queue_max;       /* Bytes of proposals that wait for the disk; 0 = 64 MiB. */
	struct guid generation; /* Refuse a log of another generation; zero = take any. */
};

/* An empty log in the directory, which begins behind header->snapshot.  Identity, generation and snapshot are taken from
 * the header, the rest is not.  Blocks.  When it returns 0, the log is durable; when it fails or the machine does, there
 * is no log or the whole of it.  ERR_ALREADY_EXISTS: there is one. */
int engine_local_create(struct loop *loop, struct disk *disk, const struct quolog_header *header,
    const struct engine_local_options *options, struct error *error);

/* loop and disk are borrowed until engine_free().  The directory is locked from engine_start() until stopped. */
int engine_local_new(
    struct loop *loop, struct disk *disk, const struct engine_local_options *options, struct engine **ret);

/* What the newest segment says about itself; borrowed, from a successful engine_start() until stopped. */
const struct quolog_header *engine_local_header(struct engine *e);
