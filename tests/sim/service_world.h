/* service_world: users and administrators of a simulated service, and the oracle that knows what they must find.
 *
 * Users change keys of their own through MS-CMRP and remember every content that those have had; administrators make
 * clusters, backups and restores; a directory remembers what the set in it holds.  They act on timers of the world, so that
 * they go on while the service's workers are in the middle of something.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/sha256.h"
#include "tests/lib/sim_service.h"
#include "tests/lib/test.h"

enum { USERS = 3, VALUES = 3, ADMINS = 3, DIRECTORIES = 2, HISTORY_MAX = 4096, DATA_MAX = 1000 };

/* What a user's key holds. */
struct content {
	bool key, sub;
	uint32_t values[VALUES]; /* Their numbers; 0: not there. */
};

enum doing { NOTHING, ROOT, CREATE, SET, UNSET, CREATE_SUB, DELETE_SUB, DELETE, BATCH, BAD_BATCH };

struct user {
	struct world *world;
	unsigned number;
	struct loop_timer *timer;
	struct sim_caller caller;
	struct ndr_handle root, key;
	enum doing doing;
	struct content after;                /* Of what it is doing. */
	bool unsure;                         /* Nobody knows whether that was done. */
	struct content history[HISTORY_MAX]; /* In this generation, the last is now. */
	size_t last;
	uint32_t sequence;
};

struct known_set {
	struct guid generation;
	uint64_t index;
	struct digest digest;
	struct content contents[USERS];
};

/* What an administrator waits for. */
enum task { IDLE, CREATION, BACKUP, RESTORE, OTHER };

struct admin {
	struct world *world;
	unsigned number;
	struct loop_timer *timer;
	struct sim_caller caller;
	enum task task;
	bool busy;     /* A backup was running when this one was asked for. */
	bool promised; /* A new generation is in force, but the service stopped before it could be looked at. */
	struct directory *directory;
	struct known_set before;         /* Which was in it when this was asked for. */
	char generation[STORE_NAME_MAX]; /* When the restore or creation was asked for. */
};

struct directory {
	const char *name;
	bool committed; /* There has been a set. */
	struct known_set set;
	/* Nobody has heard that the set is durable, so that a power cut may bring back one of these, or that there is none. */
	struct known_set older[8];
	unsigned older_count;
	bool maybe_none;
	unsigned backups;     /* That may write here. */
	size_t floors[USERS]; /* What was acknowledged when the oldest of them was asked for. */
};

struct world {
	struct sim_service service;
	struct rng rng;
	struct user users[USERS];
	struct admin admins[ADMINS];
	struct directory directories[DIRECTORIES];
	char generation[STORE_NAME_MAX]; /* Whose contents the users remember; empty: no cluster. */
	uint64_t applied;                /* The last index that was looked at. */
	bool created;                    /* Someone asked for a cluster, and may have heard of an error. */
	bool scripted;                   /* Administrators do nothing by themselves. */
	bool open;                       /* Users and administrators may call. */
	bool faults;                     /* Something is, or may be, wrong with the disks in this life. */
	enum sim_disk_stop how;          /* How this life ends if a disk stops. */
	struct counts {
		unsigned acknowledged, backups, restores, crashes, failures, unsure;
	} counts;
};

static inline struct service *service_of(struct world *w)
{
	return &w->service.service;
}

static inline bool is_up(struct world *w)
{
	return w->service.running && service_of(w)->state == SERVICE_UP;
}

/* service_users.c */
struct content read_content(const struct user *u, const struct db_key *root);
bool content_equal(const struct content *a, const struct content *b);
void check_no_strangers(const struct db_key *root);
void note_done(struct user *u); /* What it was doing has been done. */
/* A status that says that nothing was done, as it may come when the generation changes, the service stops or a disk
 * fails. */
bool is_refusal(const struct world *w, uint32_t status);
void user_look(struct user *u); /* Take the answer, if it is there. */
void user_begin(struct user *u);

/* service_world.c */
void world_init(struct world *w, uint64_t seed);
void world_done(struct world *w);
void world_look(struct world *w); /* Everything that must be true at any moment. */
void world_check_digest(struct world *w);
/* There must be the set that was, or one that a backup in flight may have made. */
void look_at_directory(struct world *w, struct directory *d);
void admin_connect(struct admin *a);
void admin_look(struct admin *a); /* Take the answer, if it is there. */
void begin_creation(struct admin *a);
void begin_backup(struct admin *a, struct directory *d);
void begin_restore(struct admin *a, struct directory *d);
