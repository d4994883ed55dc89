/* checkpoints_world: a simulated node whose application keeps state outside the database, those who change that state and what
 * is saved of it, and the oracle that knows what must be saved.
 *
 * The application, strangers and an administrator act on timers of the world, so that they go on while something is noticed,
 * captured, saved or put back; the oracle looks after each step of the loop.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/sha256.h"
#include "quolog/header.h"
#include "tests/lib/sim_outside.h"
#include "tests/lib/test.h"

enum { KEYS = 4, DIRECTORIES = 2, STRANGER = 1 << 24, SEALINGS_MAX = 4096 };
#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)

enum task { IDLE, BACKUP, RESTORE, ONLY, RESEAL, REBUILD };

struct key {
	struct world *world;
	bool listed, busy; /* busy: it is being added. */
	bool fresh;        /* It was added since the resource came online: nothing was put back for it. */
	uint64_t added;
	struct digest digest;
	uint32_t saved;
	uint32_t left; /* What the application left when the process died under it; 0: it did not. */
};

/* What the checkpoints are at some moment; 0: there is none. */
struct numbers {
	uint32_t of[KEYS];
};

/* A restore of the resource alone, or of one checkpoint, whose outcome is not known yet. */
struct pending {
	bool is, seen;  /* seen: it has been applied. */
	bool crossed;   /* Something went back meanwhile: the other one was applied. */
	uint64_t index; /* Of the log, when it was asked for. */
	struct numbers wanted;
};

struct counts {
	unsigned lefts, writes, saves, strangers, backups, amid, restores, crashes, onlines, onlys, rebuilds, sealings,
	    keyless;
};

struct world {
	struct outside outside;
	struct rng rng;
	struct loop_timer *app, *admin;
	uint32_t next;
	struct key keys[KEYS];
	char generation[STORE_NAME_MAX];
	enum resource_state state;
	bool was_online; /* Since it was last offline. */
	bool open;       /* Somebody may do something. */
	bool faults;     /* Calls of the disks fail. */
	enum sim_disk_stop how;
	struct sim_caller caller;
	enum task task;
	struct sim_caller second; /* For what may run beside a backup. */
	enum task second_task;
	bool overlaps;             /* A backup ran beside it, which may have replaced the set that it reads. */
	struct pending pending[2]; /* Of the first caller's task, of the second's. */
	struct digest sealings[SEALINGS_MAX]; /* Of the cluster key, as they followed each other. */
	size_t sealing_count, sealing_asked;  /* The second: when the backup was asked for. */
	int pair;                             /* Under which it is sealed; -1: nobody knows. */
	unsigned pair_asked;
	unsigned directory;
	struct numbers floor, ceiling; /* The least and the most since the backup was asked for, in this generation … */
	char asked[STORE_NAME_MAX], asked_second[STORE_NAME_MAX];
	struct numbers wanted; /* What a restore was to bring. */
	struct counts counts;
};

static inline struct service *service_of(struct world *w)
{
	return outside_service(&w->outside);
}

static inline bool is_up(struct world *w)
{
	return w->outside.sim.running && !sim_service_is_dead(&w->outside.sim) && service_of(w)->state == SERVICE_UP &&
	       !service_of(w)->stopping;
}

/* checkpoints_users.c */
void users_begin(struct world *w);
void users_end(struct world *w);
void users_look(struct world *w); /* Take the answers that are there. */
bool is_adding(const struct world *w);

/* checkpoints_world.c */
void world_init(struct world *w, uint64_t seed);
void world_done(struct world *w); /* The node is down. */
void world_look(struct world *w); /* Everything that must be true at any moment. */
struct u16 key_name(const struct key *k);
uint32_t source_of(struct world *w, const struct key *k);
/* A stranger's change would be taken for the application's: its source was left unsaved, or may have been. */
bool is_marked(struct world *w, const struct key *k);
struct numbers numbers_now(const struct world *w);
/* False: there is no set.  ret_header: NULL is allowed. */
bool read_set(struct world *w, unsigned directory, struct numbers *ret, struct quolog_header *ret_header);
/* That of the set was in force at some moment of the backup. */
void check_sealing(const struct world *w, const struct quolog_header *h);
