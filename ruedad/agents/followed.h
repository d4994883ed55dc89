/* followed: the checkpoints of one resource that are followed on this node; see followed.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/checkpoint/checkpoint.h"
#include "ruedad/agents/pace.h"

struct follow;
struct putback_job;
struct source_watch;

/* Of putting back, and of the last saving. */
enum followed_step { STEP_TODO, STEP_RUNS, STEP_DONE };

/* One of them.  The list has what it is; the rest is of follow_put.c, follow_watch.c and follow_save.c. */
struct followed {
	struct followed *next;
	struct follow *follow;
	enum checkpoint_kind kind;
	uint32_t number;
	uint64_t added;
	struct digest saved; /* What the database named when it was first seen, if step was TODO then. */
	char16_t *path; /* Owned. */
	bool busy;      /* A job works on it: one at a time. */
	bool gone;      /* The database has it no more; freed when its job ends. */

	enum followed_step step;
	bool unsaved; /* Its source went on from what is saved: it is saved instead of being put back. */
	bool clean;   /* Its source is what is saved: put back, or saved for the last time. */
	bool marked;  /* There may be a mark (ruedad/marks.h). */
	struct putback_job *putting;
	struct pace pace;
	struct source_watch *watch;
	uint64_t look_ns; /* When to try to watch it, or to look at it; UINT64_MAX: never. */
	bool told_blind;  /* That it cannot be watched. */
};

struct followed_list {
	struct followed *first; /* Ascending by kind and number. */
	struct followed *gone;  /* Those that a job works on yet. */
	unsigned running;       /* Jobs. */
};

/* Make the list what the database says of the resource (NULL: nothing).  What is new has been put back if nothing was ever
 * saved for it, and is to be looked at.  -ENOMEM: not all is in it. */
int followed_read(struct followed_list *l, const struct db_key *resource, struct follow *follow, uint64_t now_ns);
void followed_forget(struct followed_list *l);
/* The same, and no job will end any more. */
void followed_abandon(struct followed_list *l);

/* Whether the database still has it: what becomes of others is nobody's business. */
bool followed_is_current(const struct followed *k, const struct db_key *resource);

void followed_job_began(struct followed_list *l, struct followed *k);
void followed_job_ended(struct followed_list *l, struct followed *k); /* It may be gone afterwards. */
bool followed_all_done(const struct followed_list *l);

void followed_unwatch(struct followed *k);
/* Its path, for people. */
enum { FOLLOWED_TEXT = 200 };
const char *followed_text(const struct followed *k, char text[FOLLOWED_TEXT]);
