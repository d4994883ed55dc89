/* medium: what a simulated disk holds, once as programs see it and once as it would be found after a power cut.
 * See medium.c; the disk of io/disk.h on top of it is sim/disk.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "sim/node.h"
#include "sim/rng.h"

enum sim_disk_garbage {
	SIM_DISK_NO_GARBAGE,     /* A sector of a torn write is old or new. */
	SIM_DISK_GARBAGE_WRITE,  /* One of them may hold random bytes where the write would have changed it. */
	SIM_DISK_GARBAGE_SECTOR, /* … or throughout, which ruins synced bytes of other writes that share the sector. */
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

/* Names.  medium_walk() finds the parent and last component of a name below root; medium_find() may find none (NULL). */
int medium_walk(struct node *root, const char *name, struct node **ret_parent, const char **ret_last);
struct entry *medium_find(const struct node *directory, const char *name);
int medium_lookup(struct node *root, const char *name, struct node **ret); /* "" is root itself. */
int medium_create(struct node *directory, const char *name, enum disk_kind kind, uint32_t mode, struct node **ret);
int medium_remove(struct node *directory, const char *name);
int medium_rename(struct node *from_directory, const char *from, struct node *to_directory, const char *to);
void medium_sync_directory(struct node *directory);
void medium_sync_directory_failed(struct node *directory);
void entries_free(struct node *directory); /* When it is freed itself. */
/* Keep an entry where it is while a caller looks at it. */
void entry_pin(struct entry *e);
void entry_unpin(struct entry *e);

void medium_power_cut(struct medium *m);
void medium_process_death(struct medium *m);
uint64_t medium_unsynced(const struct medium *m); /* How many changes a power cut could undo. */
unsigned medium_draw_keep(struct rng *g);
int medium_describe(const struct node *directory, const char *path, struct buf *text);
