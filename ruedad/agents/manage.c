/* manage: the quorum owner's policy at work.
 *
 * Why      decisions are made once, by the owner, and logged (D2); here is where they enter the log.
 * How      after each event that the policy (cluster/group/policy.c) may see, if this node is the owner and serves, it is
 *          asked, and what it says is proposed.  It is asked again when all of that has its outcome, and once more if such
 *          an event was applied meanwhile: the loop ends when it has nothing to say.
 * Time     what is decided may be waited for, from the cluster's time on: if that is behind, it is brought up first (clock.h).
 * Hours    some groups may go back to a node at certain hours only.  Those are the ones of this machine's clock and zone.
 * Failure  a decision that is refused was out of date, and the next look sees why.  One that could not be proposed is
 *          proposed with the next event, at the latest with the next tick of the cluster's clock.
 * Threads  the loop thread.       Tests  tests/integration/resources.py; the policy itself: tests/sim/group.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/manage.h"
#include "base/filetime.h"
#include "base/log.h"
#include "ruedad/agents/clock.h"
#include "ruedad/service.h"
#include "wire/command.h"

enum { DECISIONS_MAX = 64 };
#define SECOND_NS 1000000000ull

struct manage {
	struct service *service;
	struct loop_timer *timer; /* The next full hour, if a group waits for it. */
	unsigned waiting;         /* Decisions without an outcome yet. */
	bool again;               /* Something was applied since the policy was asked. */
	bool posted;              /* manage_turn() is due. */
	bool on_time;             /* A tick was logged for the decisions that come now. */
	bool freed;
};

static void on_hour(void *data)
{
	manage_look(data);
}

int manage_new(struct service *s, struct manage **ret)
{
	struct manage *m = calloc(1, sizeof(*m));
	int r;

	if (m == NULL)
		return -ENOMEM;
	m->service = s;
	r = loop_timer_new(s->loop, on_hour, m, &m->timer);
	if (r < 0) {
		free(m);
		return r;
	}
	*ret = m;
	return 0;
}

static void manage_unref(struct manage *m)
{
	if (m->freed && !m->posted)
		free(m);
}

void manage_free(struct manage *m)
{
	if (m == NULL)
		return;
	m->freed = true;
	loop_timer_free(m->timer);
	manage_unref(m);
}

static void on_outcome(void *data, int status, const struct cluster_result *result)
{
	struct manage *m = data;

	(void)result;
	m->waiting--;
	if (status == 0)
		manage_look(m);
	else
		m->again = true;
}

static bool is_owner(const struct service *s)
{
	return s->state == SERVICE_UP && cluster_owner(s->cluster, NULL) == s->node;
}

static void propose(struct manage *m, const struct command_Decide *decision)
{
	struct command command = { .kind = COMMAND_DECIDE, .version = COMMAND_VERSION, .decide = *decision };
	struct buf bytes = { 0 };
	int r;

	command.decide.time = loop_wall_filetime(m->service->loop);
	r = ndr_message_push(&command_messages, &command, &bytes);
	if (r == 0)
		r = replica_propose(m->service->replica, bytes.data, bytes.len, on_outcome, m);
	buf_done(&bytes);
	if (r == 0) {
		m->waiting++;
	} else {
		m->again = true;
		log_warning(
		    "a decision about groups could not be logged, it will be made again error=\"%s\"", error_text(r));
	}
}

/* The hour of the day; if another one may make a difference, it is looked at again when it comes. */
static unsigned look_at_the_hour(struct manage *m)
{
	struct timespec now = filetime_to_timespec(loop_wall_filetime(m->service->loop));
	struct tm local = { 0 };

	(void)localtime_r(&now.tv_sec, &local);
	if (cluster_waits_for_hour(m->service->cluster))
		loop_timer_start(m->timer, (uint64_t)(3600 - local.tm_min * 60 - MIN(local.tm_sec, 59)) * SECOND_NS);
	else
		loop_timer_stop(m->timer);
	return (unsigned)local.tm_hour;
}

static void manage_turn(void *data)
{
	struct manage *m = data;
	struct command_Decide decisions[DECISIONS_MAX];
	int count;

	m->posted = false;
	if (m->freed) {
		manage_unref(m);
		return;
	}
	if (!m->again || m->waiting > 0 || !is_owner(m->service))
		return;
	m->again = false;
	count = cluster_decide(m->service->cluster, look_at_the_hour(m), decisions, DECISIONS_MAX);
	if (count > 0 && !m->on_time && clock_catch_up(m->service->clock)) {
		m->on_time = true; /* Once: a tick that takes long must not put the decisions off for ever. */
		return;
	}
	m->on_time = false;
	for (int i = 0; i < count; i++)
		propose(m, &decisions[i]);
}

/* A turn of its own: this is called from within the replica. */
void manage_look(struct manage *m)
{
	m->again = true;
	if (m->posted || m->waiting > 0 || !is_owner(m->service))
		return;
	m->posted = loop_post(m->service->loop, manage_turn, m) == 0;
}

void manage_applied(struct manage *m, const struct cluster_result *result)
{
	if (!result->settled || m->again)
		manage_look(m);
}
