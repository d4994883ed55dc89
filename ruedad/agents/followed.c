/* followed: the checkpoints of one resource that are followed on this node.
 *
 * Why      the list in the database changes while jobs work on what is in it, and a number that is free again may be another
 *          checkpoint's a moment later.
 * How      both lists are in one order, so reading the database is one walk along both.  What the database has no more
 *          leaves the list at once; if a job works on it, it waits aside until that has ended.
 * Promise  who has begun a job has what it was begun on until its end.
 * Threads  the loop thread.       Tests  tests/unit/follow.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/followed.h"
#include "ruedad/agents/sources.h"

void followed_unwatch(struct followed *k)
{
	source_watch_free(k->watch);
	k->watch = NULL;
}

static void free_one(struct followed *k)
{
	followed_unwatch(k);
	free(k->path);
	free(k);
}

/* Take it out of the list; it is freed now, or when its job has ended. */
static void drop(struct followed_list *l, struct followed **at)
{
	struct followed *k = *at;

	*at = k->next;
	if (!k->busy) {
		free_one(k);
		return;
	}
	followed_unwatch(k);
	k->gone = true;
	k->next = l->gone;
	l->gone = k;
}

void followed_forget(struct followed_list *l)
{
	while (l->first != NULL)
		drop(l, &l->first);
}

void followed_abandon(struct followed_list *l)
{
	followed_forget(l);
	while (l->gone != NULL) {
		struct followed *k = l->gone;

		l->gone = k->next;
		free_one(k);
	}
}

static int compare(const struct followed *k, const struct checkpoint *c)
{
	return k->kind != c->kind       ? (k->kind < c->kind ? -1 : 1)
	       : k->number != c->number ? (k->number < c->number ? -1 : 1)
					: 0;
}

static bool is_same(const struct followed *k, const struct checkpoint *c)
{
	return compare(k, c) == 0 && k->added == c->added && u16_equal_exact(u16_from_z(k->path), c->path);
}

static int insert(struct followed **at, const struct checkpoint *c, struct follow *follow, uint64_t now_ns)
{
	struct followed *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->path = u16_dup(c->path)) == NULL) {
		free(k);
		return -ENOMEM;
	}
	k->follow = follow;
	k->kind = c->kind;
	k->number = c->number;
	k->added = c->added;
	k->step = c->saved ? STEP_TODO : STEP_DONE;
	k->saved = c->digest;
	k->marked = true; /* By who added it, if it is in use. */
	pace_init(&k->pace, now_ns);
	k->next = *at;
	*at = k;
	return 0;
}

int followed_read(struct followed_list *l, const struct db_key *resource, struct follow *follow, uint64_t now_ns)
{
	struct followed **at = &l->first;
	struct checkpoint c;
	size_t position = 0;

	while (resource != NULL && checkpoint_next(resource, &position, &c)) {
		while (*at != NULL && compare(*at, &c) <= 0 && !is_same(*at, &c))
			drop(l, at);
		if ((*at == NULL || !is_same(*at, &c)) && insert(at, &c, follow, now_ns) < 0)
			return -ENOMEM;
		at = &(*at)->next;
	}
	while (*at != NULL)
		drop(l, at);
	return 0;
}

bool followed_is_current(const struct followed *k, const struct db_key *resource)
{
	struct checkpoint c;
	size_t at = 0;

	while (!k->gone && resource != NULL && checkpoint_next(resource, &at, &c))
		if (is_same(k, &c))
			return true;
	return false;
}

void followed_job_began(struct followed_list *l, struct followed *k)
{
	assert(!k->busy);
	k->busy = true;
	l->running++;
}

void followed_job_ended(struct followed_list *l, struct followed *k)
{
	struct followed **at = &l->gone;

	assert(k->busy);
	k->busy = false;
	l->running--;
	if (!k->gone)
		return;
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	free_one(k);
}

bool followed_all_done(const struct followed_list *l)
{
	for (const struct followed *k = l->first; k != NULL; k = k->next)
		if (k->step != STEP_DONE)
			return false;
	return true;
}

const char *followed_text(const struct followed *k, char text[FOLLOWED_TEXT])
{
	return u16_to_utf8_buffer(u16_from_z(k->path), text, FOLLOWED_TEXT);
}
