/* node: a file or directory of a simulated medium.  See node.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"

enum { SIM_SECTOR = 512, SIM_XATTR_MAX = 256 };

struct store {
	uint8_t *data;
	size_t len, capacity;
};

struct attributes {
	uint32_t mode;
	uint64_t time;
	size_t xattr_len;
	uint8_t xattr[SIM_XATTR_MAX]; /* name, 0, length of the value (2 bytes, little endian), value; and so on. */
};

/* A change of data or length that is not yet durable. */
struct unsynced {
	struct unsynced *next;
	bool resize; /* To offset. */
	uint64_t offset;
	size_t len;
	uint8_t data[];
};

struct node {
	struct medium *medium;
	struct node *next, *previous; /* In medium->nodes. */
	unsigned refs;                /* Both columns of entries, name changes, open files, roots of disks. */
	unsigned links;               /* Entries whose current it is. */
	unsigned opens;
	enum disk_kind kind;
	struct attributes attributes, durable_attributes;
	bool attributes_changed;
	struct store current, durable;
	struct unsynced *unsynced, **unsynced_end;
	bool lost; /* Perhaps: a failed sync or a power cut may have lost what current still shows. */
	struct entry *entries;
	const void *lock; /* The open file that holds it. */
	uint64_t charged; /* Of medium->used. */
};

int node_new(struct medium *m, enum disk_kind kind, uint32_t mode, struct node **ret); /* With one reference. */
struct node *node_ref(struct node *n);
void node_unref(struct node *n); /* NULL is allowed. */
void node_opened(struct node *n);
void node_closed(struct node *n);
void node_recharge(struct node *n); /* After a change of links, opens or length. */

/* Data.  On -ENOSPC a part may have been written.  Nothing after node_resize() can fail. */
int node_write(struct node *n, uint64_t offset, const void *data, size_t len);
int node_resize(struct node *n, uint64_t size);
void node_sync(struct node *n);
void node_sync_attributes(struct node *n);
/* Decide about each unsynced change: keep percent of them are durable whole, the others dropped or torn. */
void node_settle(struct node *n, unsigned keep);
void node_sync_failed(struct node *n);
void node_drop_cache(struct node *n);
void node_show_durable(struct node *n);
void node_forget_process(struct node *n);

/* Where an extended attribute stands in a->xattr and the size of its entry; a->xattr_len and 0 if there is none. */
size_t attributes_find(const struct attributes *a, const char *name, size_t *ret_size);
int attributes_put(struct attributes *a, const char *name, const void *value, size_t len); /* -ENOSPC */
