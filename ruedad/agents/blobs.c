/* blobs: when blobs may be removed, and when put.
 *
 * Why      a sweep removes what the database does not name.  A blob that has been put and is not named yet looks just
 *          like that, and so does one that a backup of an earlier moment still has to copy.
 * How      puts and sweeps take turns.  A sweep is due when a checkpoint has become durable; it waits for the puts under
 *          way, and new ones wait for it.  A put is under way until its command has been applied, so a sweep that begins
 *          sees all names that there are; until it ends, no other can come.  What it keeps is what the database names
 *          now, and what the checkpoint names, from which the next start begins.
 *
 *             put ──► write ──► command ──applied──► end          due ──no put, no backup──► sweep ──► end
 *              └─ waits while a sweep is due or runs                └─ while a backup runs puts do not wait for it
 *
 * Promise  a name in the database has its blob on the disk, and so has each that a running backup may copy.
 *          If the outcome of a command stays unknown, nothing is swept any more before the next start, which knows.
 * Threads  the loop thread; the sweep on a worker.
 * Tests    tests/sim/checkpoints.c, tests/unit/follow.c, tests/integration/resource_checkpoints.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/blobs.h"
#include "base/log.h"
#include "ruedad/blobs.h"
#include "ruedad/marks.h"
#include <string.h>

struct sweep_job {
	struct service *service;
	char generation[STORE_NAME_MAX];
	struct db_snapshot *checkpoint, *now;
};

static void job_free(struct sweep_job *job)
{
	db_snapshot_unref(job->checkpoint);
	db_snapshot_unref(job->now);
	free(job);
}

static void run(void *data)
{
	struct sweep_job *job = data;
	struct blob_keep keep = { 0 };
	int r = blob_keep_add(&keep, db_snapshot_root(job->checkpoint));

	if (r == 0)
		r = blob_keep_add(&keep, db_snapshot_root(job->now));
	if (r == 0) /* Else at the next checkpoint. */
		blob_sweep(job->service->disk, job->generation, &keep);
	blob_keep_done(&keep);
	mark_sweep(
	    job->service->disk, job->generation, db_snapshot_root(job->checkpoint), db_snapshot_root(job->now));
}

static void begin_waiting(struct service *s)
{
	while (s->blobs.waiting != NULL) {
		struct blob_turn *turn = s->blobs.waiting;

		s->blobs.waiting = turn->next;
		s->blobs.puts++;
		turn->begin(turn->data);
	}
}

static void look(struct service *s);

static void finish(void *data)
{
	struct sweep_job *job = data;
	struct service *s = job->service;

	s->blobs.sweep = NULL;
	job_free(job);
	begin_waiting(s);
	look(s); /* Another may have become due meanwhile. */
	service_blobs_ended(s);
}

static bool is_due(const struct service *s)
{
	return s->blobs.checkpoint != NULL && s->blobs.holds == 0 && !s->blobs.unknown && s->state == SERVICE_UP;
}

static void look(struct service *s)
{
	struct sweep_job *job;

	if (!is_due(s) || s->blobs.puts > 0 || s->blobs.sweep != NULL)
		return;
	job = calloc(1, sizeof(*job));
	if (job != NULL) {
		job->service = s;
		memcpy(job->generation, s->generation, sizeof(job->generation));
		job->checkpoint = s->blobs.checkpoint;
		s->blobs.checkpoint = NULL;
		job->now = db_snapshot_take(cluster_db(s->cluster));
		if (job->now != NULL && loop_work(s->loop, run, finish, job) == 0) {
			s->blobs.sweep = job;
			return;
		}
		job_free(job);
	}
	begin_waiting(s); /* Without memory it is not swept this time. */
}

bool blobs_begin(struct service *s, struct blob_turn *turn)
{
	struct blob_turn **last = &s->blobs.waiting;

	if (s->blobs.sweep == NULL && !is_due(s)) {
		s->blobs.puts++;
		return true;
	}
	while (*last != NULL)
		last = &(*last)->next;
	turn->next = NULL;
	*last = turn;
	look(s); /* One that became due while the service was not up has not begun. */
	return false;
}

void blobs_end(struct service *s, bool unknown)
{
	assert(s->blobs.puts > 0);
	s->blobs.puts--;
	s->blobs.unknown |= unknown;
	look(s);
	if (!is_due(s) && s->blobs.sweep == NULL)
		begin_waiting(s);
	service_blobs_ended(s);
}

void blobs_hold(struct service *s)
{
	s->blobs.holds++;
	if (s->blobs.sweep == NULL)
		begin_waiting(s);
}

void blobs_release(struct service *s)
{
	assert(s->blobs.holds > 0);
	s->blobs.holds--;
	look(s);
}

void blobs_checkpointed(struct service *s, struct db_snapshot *snapshot)
{
	db_snapshot_unref(s->blobs.checkpoint);
	s->blobs.checkpoint = db_snapshot_ref(snapshot);
	look(s);
}

bool blobs_idle(const struct service *s)
{
	return s->blobs.puts == 0 && s->blobs.sweep == NULL && s->blobs.waiting == NULL;
}

void blobs_abandon(struct service *s)
{
	if (s->blobs.sweep != NULL)
		job_free(s->blobs.sweep);
	db_snapshot_unref(s->blobs.checkpoint);
	s->blobs = (struct blob_keeper){ 0 };
}
