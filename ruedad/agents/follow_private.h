/* follow_private: what the parts of follow.c share: its states there, what is done in them in follow_put.c, follow_mark.c,
 * follow_watch.c and follow_save.c, and the list that they all work on in followed.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/agents/follow.h"
#include "ruedad/agents/followed.h"

enum { FOLLOW_IN_FLIGHT_MAX = 8 };
#define FOLLOW_RETRY_NS UINT64_C(1000000000)

enum follow_state {
	FOLLOW_IDLE,
	FOLLOW_LOOKING,
	FOLLOW_PUTTING,
	FOLLOW_MARKING,
	FOLLOW_WATCHING,
	FOLLOW_SAVING,
	FOLLOW_UNMARKING,
};

struct follow_mark_job;

struct follow {
	struct service *service;
	struct guid resource;
	follow_done *done;
	void *data;
	enum follow_state state;
	struct followed_list list;
	struct follow_mark_job *marking; /* Running, or NULL. */
	bool begins;                /* What was begun last is follow_begin(). */
	bool cancelled, incomplete; /* incomplete: the list is to be read (again). */
	int result;                 /* The first failure. */
	struct error error;
	struct loop_timer *timer;
	uint64_t retry_ns, deadline_ns; /* Of SAVING; and before WATCHING, when to tell that it is slow. */
	uint64_t give_up_ns;            /* Before WATCHING: what could not be saved until then stays as it is. */
};

/* Before the resource is started, or not. */
static inline bool follow_begins(const struct follow *f)
{
	return f->state == FOLLOW_LOOKING || f->state == FOLLOW_PUTTING || f->state == FOLLOW_MARKING;
}

static inline uint64_t follow_now_ns(const struct follow *f)
{
	return loop_now_ns(f->service->loop);
}

const struct db_key *follow_resource(const struct follow *f); /* NULL: it is deleted. */
/* A job has ended, or something is to be looked at: do what is to be done next.  Calls those below; never call it from them. */
void follow_work(struct follow *f);
/* The first that is told so is what done() tells. */
void follow_fail(struct follow *f, const struct followed *k, int r, const struct error *error, const char *what);

/* Putting back: begin what can be begun; give up all that runs. */
void follow_put(struct follow *f);
void follow_put_cancel(struct follow *f);

/* Marks: read those of what is to be put back; write those of what was; remove those of what is saved.  When it is over,
 * marking is NULL and follow_work() is called, unless there was nothing to do.  -ENOMEM */
int follow_look_for_marks(struct follow *f);
int follow_mark(struct follow *f);
void follow_unmark(struct follow *f);
void follow_mark_abandon(struct follow *f); /* It will not end any more. */

/* Watching: from now on; what is due; when something is due next, UINT64_MAX: nothing is. */
void follow_watch_begin(struct follow *f);
void follow_watch(struct follow *f);
uint64_t follow_watch_next_ns(const struct follow *f);

/* Saving: one; at the end all, and what had no time. */
void follow_save_one(struct follow *f, struct followed *k);
/* The same before anything is put back over it: what was left unsaved. */
void follow_save_first(struct follow *f, struct followed *k);
void follow_save_begin(struct follow *f);
void follow_save(struct follow *f);
void follow_save_give_up(struct follow *f);
