/* clock: the cluster's own time, as far as somebody waits for it.
 *
 * Why      deadlines are replicated, so the time that they are measured in must be too: it is the sum of the Tick commands
 *          that the owner logs.  An idle cluster's log must not grow for that.
 * How      cluster_deadline() says when something is next due.  While it names a moment, the owner's boot-time clock is
 *          followed: a tick is logged when the moment comes, and every minute on the way there, so that little is lost if
 *          the owner dies.  While nobody waits, the time stands still; what is waited for afterwards counts from there.
 *          Between two ticks it is behind, and a wait that began there would end too early by as much: so the policy has
 *          one logged before it decides.
 * Failure  a tick that could not be logged, or whose fate is unknown, is lost: deadlines come later, never earlier by more
 *          than BEHIND_NS.
 * Threads  the loop thread.       Tests  tests/sim/service.c, tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/clock.h"
#include "base/log.h"
#include "ruedad/agents/manage.h"
#include "ruedad/service.h"
#include "wire/command.h"

enum { TICK_NS_MIN = 1000000 };
#define TICK_NS_MAX 60000000000ull
#define BEHIND_NS 100000000ull

struct clock {
	struct service *service;
	struct loop_timer *timer;
	bool runs;      /* Somebody waits: the timer is set, or a tick is on its way. */
	bool waiting;   /* A tick has no outcome yet. */
	bool caught_up; /* The policy waits for it. */
	uint64_t last;  /* The boot time up to which ticks have been logged. */
};

static void on_due(void *data);

int clock_new(struct service *s, struct clock **ret)
{
	struct clock *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return -ENOMEM;
	c->service = s;
	r = loop_timer_new(s->loop, on_due, c, &c->timer);
	if (r < 0) {
		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void clock_free(struct clock *c)
{
	if (c == NULL)
		return;
	loop_timer_free(c->timer);
	free(c);
}

static bool is_owner(const struct service *s)
{
	return s->state == SERVICE_UP && cluster_owner(s->cluster, NULL) == s->node;
}

void clock_look(struct clock *c)
{
	struct service *s = c->service;
	uint64_t deadline, now, passed, left;

	if (c->waiting)
		return;
	deadline = is_owner(s) ? cluster_deadline(s->cluster) : UINT64_MAX;
	if (deadline == UINT64_MAX) {
		c->runs = false;
		loop_timer_stop(c->timer);
		return;
	}
	now = loop_now_ns(s->loop);
	if (!c->runs)
		c->last = now;
	c->runs = true;
	passed = now - c->last;
	left = deadline - cluster_elapsed(s->cluster);
	left = left > passed ? left - passed : 0;
	loop_timer_start(c->timer, MIN(MAX(left, (uint64_t)TICK_NS_MIN), TICK_NS_MAX));
}

static void on_ticked(void *data, int status, const struct cluster_result *result)
{
	struct clock *c = data;

	(void)status;
	(void)result;
	c->waiting = false;
	clock_look(c);
	if (c->caught_up) {
		c->caught_up = false;
		manage_look(c->service->manage);
	}
}

static void on_due(void *data)
{
	struct clock *c = data;
	struct service *s = c->service;
	struct command command = { .kind = COMMAND_TICK, .version = COMMAND_VERSION };
	struct buf bytes = { 0 };
	uint64_t now = loop_now_ns(s->loop);
	int r;

	if (!is_owner(s)) {
		c->runs = false;
		return;
	}
	command.tick.elapsed_ns = now - c->last;
	c->last = now;
	r = ndr_message_push(&command_messages, &command, &bytes);
	if (r == 0)
		r = replica_propose(s->replica, bytes.data, bytes.len, on_ticked, c);
	buf_done(&bytes);
	if (r == 0)
		c->waiting = true;
	else
		loop_timer_start(c->timer, TICK_NS_MAX / 60);
}

bool clock_catch_up(struct clock *c)
{
	if (!c->runs)
		return false;
	if (!c->waiting && loop_now_ns(c->service->loop) - c->last > BEHIND_NS)
		on_due(c);
	c->caught_up = c->waiting;
	return c->waiting;
}
