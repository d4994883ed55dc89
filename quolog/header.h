/* header: what a file of the quorum log says about itself in its first record: format, cluster, generation, range.
 * See header.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/guid.h"

enum {
	QUOLOG_VERSION = 1,
	QUOLOG_NAME_MAX = 255, /* UTF-16 units. */
	QUOLOG_PARTITION_MAX = 128,
	QUOLOG_KEY_MAX = 4096,
	QUOLOG_SIGNATURE_MAX = 4096,
};

/* Which branch of a cluster's history this is: a new one begins with each restore.  Equal only by id. */
struct quolog_generation {
	uint64_t number;
	struct guid id;
	struct guid parent_id; /* Zero in the first generation. */
	uint64_t parent_index; /* Where it left its parent. */
};

struct quolog_header {
	char16_t name[QUOLOG_NAME_MAX + 1]; /* Of the cluster; terminated for convenience. */
	uint32_t name_len;                  /* Units. */
	struct guid instance;
	struct quolog_generation generation;
	uint64_t snapshot;        /* S: the records behind this one continue the state at this index. */
	uint64_t last;            /* I: the state at this index is what a backup set holds; 0 in a segment. */
	uint64_t time;            /* FILETIME of writing, for display. */
	uint64_t term;            /* Segments: the owner's term at S. */
	uint32_t seed;            /* Segments: what the checksums of the records behind this one begin with. */
	uint32_t partition_count; /* Of the quorum disk; 0 = its layout is not known and not checked. */
	uint64_t partition_offsets[QUOLOG_PARTITION_MAX]; /* Bytes. */
	uint32_t key_len;                                 /* 0 = none. */
	uint8_t key[QUOLOG_KEY_MAX];                      /* The cluster key, sealed; opaque here. */
	uint32_t signature_len;                           /* 0 = no room for one. */
	uint8_t signature[QUOLOG_SIGNATURE_MAX];          /* Opaque here. */
};

static inline struct u16 quolog_header_name(const struct quolog_header *h)
{
	return (struct u16){ h->name, h->name_len };
}

/* The payload of the HEADER record; out->error tells. */
void quolog_header_encode(struct buf *out, const struct quolog_header *h);
/* *ret is large (about 10 KiB).  -EBADMSG: damaged; ERR_NOT_SUPPORTED: of a newer, incompatible kind. */
int quolog_header_decode(const uint8_t *payload, size_t len, struct quolog_header *ret, struct error *error);
