/* medium: what a simulated disk holds, once as programs see it and once as it would be found after a power cut.
 * See medium.c; the disk of io/disk.h on top of it is sim/disk.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"
#include "sim/rng.h"

enum { SIM_SECTOR = 512, SIM_XATTR_MAX = 256 };

enum sim_disk_garbage {
	SIM_DISK_NO_GARBAGE,     /* A sector of a torn write is old or new. */
	SIM_DISK_GARBAGE_WRITE,  /* One of them may hold random bytes where the write would have changed it. */
	SIM_DISK_GARBAGE_SECTOR, /* … or throughout, which ruins synced bytes of other writes that share the sector. */
};

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
	bool lost; /* A failed sync has lost what current still shows. */
	struct entry *entries;
	const void *lock; /* The open file that holds it. */
	uint64_t charged; /* Of medium->used. */
};

/* A name.  It stays while either column or an unsynced change needs it. */
struct entry {
	struct entry *next;
	struct node *parent;
	struct node *current, *durable; /* NULL = no such name. */
	unsigned pending;
	char name[];
};

/* Names that are not yet durable: *to* shall stand for node, and *from* no longer. */
struct name_change {
	struct name_change *next;
	struct node *node;
	struct entry *to, *from; /* Either may be NULL: a removal, a creation, or that half is durable. */
	bool atomic;             /* Both halves in one directory. */
};

struct medium {
	struct rng rng;
	struct node *root, *nodes;
	struct name_change *changes, **changes_end;
	uint64_t capacity, used; /* Bytes. */
	enum sim_disk_garbage garbage;
	uint64_t time; /* FILETIME that changes are stamped with. */
};

int medium_init(struct medium *m, uint64_t seed);
void medium_done(struct medium *m);

struct node *node_ref(struct node *n);
void node_unref(struct node *n);
void node_opened(struct node *n);
void node_closed(struct node *n);

/* Data.  On -ENOSPC a part may have been written.  None of those after node_resize() can fail. */
int node_write(struct node *n, uint64_t offset, const void *data, size_t len);
int node_resize(struct node *n, uint64_t size);
void node_sync(struct node *n);
void node_sync_failed(struct node *n); /* Each change is durable or lost, and none is unsynced any more. */
void node_drop_cache(struct node *n);

/* Names.  medium_walk() finds the parent and last component of a name below root; the entry is NULL if there is none. */
int medium_walk(struct node *root, const char *name, struct node **ret_parent, const char **ret_last);
struct entry *medium_find(const struct node *directory, const char *name);
int medium_lookup(struct node *root, const char *name, struct node **ret); /* "" is root itself. */
int medium_create(struct node *directory, const char *name, enum disk_kind kind, uint32_t mode, struct node **ret);
int medium_remove(struct node *directory, const char *name);
int medium_rename(struct node *from_directory, const char *from, struct node *to_directory, const char *to);
void medium_sync_directory(struct node *directory);
void medium_sync_directory_failed(struct node *directory);
/* Keep an entry where it is while a caller looks at it. */
void entry_pin(struct entry *e);
void entry_unpin(struct entry *e);

void medium_power_cut(struct medium *m);
void medium_process_death(struct medium *m);
uint64_t medium_unsynced(const struct medium *m); /* How many changes a power cut could undo. */
