/* hosts: the resources that this node runs, or is to run or to stop.
 *
 * Why      what runs must follow what the cluster has decided, and the cluster must hear what became of it, whatever is lost,
 *          late or killed on the way.
 * How      nothing is remembered that could be lost: after each event the runtime state, which says what this life of this
 *          node is to do, is held against the hosts that there are, and the difference is acted upon or reported:
 *
 *             state             there is nothing                  it starts         it is online    it ends
 *             online pending    begin; or, begun: report failed   wait              report online   wait
 *             online            report failed                     wait              -               wait
 *             offline pending   begin: clean up; or, begun:       end it            end it          wait
 *                               report offline, or stuck
 *             otherwise         -                                 end it            end it          wait
 *
 *          A report that finds no outcome is made again that way; one that is refused is not.
 * Types    "Local Quorum" is the log itself, "Network Name" what the cluster is called by: they need no host, only their
 *          checkpoints are put back and saved.  All others need a runner; without one they fail with 120.
 * Promise  a resource is reported offline or failed only when nothing of it is left here, or as stuck.
 * Threads  the loop thread.       Design  docs/design/hosts.md       Tests  tests/integration/resources.py, tests/sim/hosts.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/hosts.h"
#include "base/log.h"
#include "cluster/group/apply.h"
#include "ruedad/agents/follow.h"
#include "ruedad/agents/hosted.h"
#include "ruedad/service.h"
#include "wire/command.h"

#define STOP_NS UINT64_C(45000000000) /* For all to stop, in their order; then all are killed. */
#define KILL_NS UINT64_C(20000000000) /* For those to end. */

struct hosts {
	struct service *service;
	struct hosted *all;
	uint64_t last_number;
	bool posted, freed;

	/* hosts_stop(). */
	bool stopping, at_once; /* at_once: the first time has run out. */
	void (*stopped)(void *data);
	void *stopped_data;
	struct loop_timer *patience;
};

static void hosts_turn(void *data);

struct service *hosts_service(struct hosts *h)
{
	return h->service;
}

uint64_t hosts_next_number(struct hosts *h)
{
	/* Numbers of another generation's hosts must not come again. */
	return h->last_number = MAX(h->last_number + 1, loop_now_ns(h->service->loop));
}

static struct hosted *by_number(struct hosts *h, uint64_t number)
{
	struct hosted *r = h->all;

	while (r != NULL && !(hosted_has_host(r) && r->number == number))
		r = r->next;
	return r;
}

static void on_ready(void *data)
{
	hosts_look(data);
}

static void on_started(void *data, uint64_t number, uint32_t process)
{
	struct hosts *h = data;
	struct hosted *r = by_number(h, number);

	if (r != NULL)
		hosted_started(r, h->service, process);
}

static void on_message(void *data, uint64_t number, const struct host_message *m)
{
	struct hosts *h = data;
	struct hosted *r = by_number(h, number);

	if (r == NULL)
		return;
	hosted_message(r, h->service, m);
	if (m->type != HOST_PONG)
		hosts_look(h);
}

static void on_gone(void *data, uint64_t number, int result, const char *text)
{
	struct hosts *h = data;
	struct hosted *r = by_number(h, number);

	if (r != NULL)
		hosted_gone(r, h->service, result, text);
}

static void on_lost(void *data)
{
	struct hosts *h = data;

	for (struct hosted *r = h->all; r != NULL; r = r->next)
		if (hosted_has_host(r))
			hosted_gone(r, h->service, ERR_RESMON_CREATE_FAILED, "the guard is lost");
}

static const struct runner_events events = { on_ready, on_started, on_message, on_gone, on_lost };

int hosts_new(struct service *s, struct hosts **ret)
{
	struct hosts *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return -ENOMEM;
	h->service = s;
	if (s->runner != NULL)
		s->runner->ops->listen(s->runner, &events, h);
	*ret = h;
	return 0;
}

static void hosts_unref(struct hosts *h)
{
	if (!h->freed || h->posted)
		return;
	free(h);
}

void hosts_free(struct hosts *h)
{
	if (h == NULL)
		return;
	if (h->service->runner != NULL)
		h->service->runner->ops->listen(h->service->runner, NULL, NULL);
	while (h->all != NULL) {
		struct hosted *next = h->all->next;

		hosted_free(h->all);
		h->all = next;
	}
	loop_timer_free(h->patience);
	h->patience = NULL;
	h->freed = true;
	hosts_unref(h);
}

static struct hosted *find(const struct hosts *h, const struct guid *id)
{
	struct hosted *r = h->all;

	while (r != NULL && !guid_equal(&r->id, id))
		r = r->next;
	return r;
}

uint32_t hosts_process(const struct hosts *h, const struct guid *id)
{
	const struct hosted *r = find(h, id);

	return r != NULL && hosted_has_host(r) ? r->process : 0;
}

static struct hosted *get(struct hosts *h, const struct guid *id)
{
	struct hosted *r = find(h, id);

	if (r != NULL || hosted_new(h, id, h->service, &r) < 0)
		return r; /* NULL: tried again with the next event. */
	r->next = h->all;
	h->all = r;
	return r;
}

/* Reports. */

static void on_reported(void *data, int status, const struct cluster_result *result)
{
	struct hosted *r = data;

	r->reports--;
	if (status < 0 || result->status == 0)
		r->refused = 0;
	if (status < 0)
		hosts_look(r->hosts); /* Nobody knows of it: it is made again. */
}

static void report(
    struct hosted *r, const struct resource_run *run, enum resource_state state, uint32_t status, const char *text)
{
	struct command command = { .kind = COMMAND_RESOURCE_REPORT, .version = COMMAND_VERSION };
	struct service *s = r->hosts->service;
	uint32_t flags = state == RESOURCE_FAILED && r->stuck ? REPORT_STUCK : 0;
	_cleanup_free_ char16_t *units = NULL;
	struct buf bytes = { 0 };
	_cleanup_free_ char *shown = strdup(text);
	size_t len;
	int e;

	if (r->reports > 0 || (r->refused == run->operation && r->refused_sequence == run->sequence))
		return;
	if (shown == NULL)
		return;
	utf8_mend(shown); /* It may be of a path or a program that knows no UTF-8. */
	if (utf8_to_u16(shown, strlen(shown), &units, &len) < 0)
		return;
	command.resource_report = (struct command_ResourceReport){ r->id, run->operation, state, status, flags, units,
		loop_wall_filetime(s->loop) };
	e = ndr_message_push(&command_messages, &command, &bytes);
	if (e == 0)
		e = replica_propose(s->replica, bytes.data, bytes.len, on_reported, r);
	buf_done(&bytes);
	if (e < 0) {
		log_warning(
		    "what a resource did could not be logged, it is tried again with the next event error=\"%s\"",
		    error_text(e));
		return;
	}
	r->reports++;
	r->refused = run->operation; /* Unless its outcome says otherwise. */
	r->refused_sequence = run->sequence;
}

/* It has come to its end. */
static void report_end(struct hosted *r, const struct resource_run *run, enum resource_state state)
{
	bool failed = state == RESOURCE_FAILED || run->failing;
	char text[sizeof(r->text) + sizeof(r->unsaved)];

	hosted_story(r, failed, text, sizeof(text));
	report(r, run, state, failed ? r->code : 0, text);
}

/* Types that need no process. */
static bool runs_within(const struct service *s, const struct guid *id)
{
	const struct db_key *key = resource_key(db_root(cluster_db(s->cluster)), id);
	struct u16 type = key != NULL ? object_type_of(key) : (struct u16){ 0 };

	return u16_equal(type, U16("Local Quorum")) || u16_equal(type, U16("Network Name"));
}

static void look_without_runner(struct hosted *r, const struct resource_run *run)
{
	if (run->state == RESOURCE_ONLINE_PENDING)
		report(r, run, RESOURCE_FAILED, error_to_win32(ERR_CALL_NOT_IMPLEMENTED),
		    "this version cannot run resources of this type");
	else if (run->state == RESOURCE_OFFLINE_PENDING)
		report(r, run, RESOURCE_OFFLINE, 0, "");
}

static void look_online_pending(struct hosted *r, struct service *s, const struct resource_run *run)
{
	if (r->operation != run->operation) {
		if (hosted_is_busy(r))
			hosted_end(r, s); /* Of an earlier operation, which nobody waits for any more. */
		else if (!s->stopping)
			hosted_start(r, s, run->operation);
	} else if (r->state == HOSTED_ONLINE) {
		report(r, run, RESOURCE_ONLINE, 0, "");
	} else if (!hosted_is_busy(r)) {
		report_end(r, run, RESOURCE_FAILED);
	}
}

static void look_offline_pending(struct hosted *r, struct service *s, const struct resource_run *run)
{
	if (r->operation != run->operation) {
		if (hosted_is_busy(r)) {
			r->operation = run->operation;
			if (run->history_count > 0 && run->history[0].reason == REASON_TIMEOUT)
				hosted_time_out(r);
			hosted_end(r, s);
		} else {
			hosted_clean(r, s, run->operation);
		}
	} else if (!hosted_is_busy(r)) {
		/* A failing one ends as failed, and tells why it was stopped. */
		report_end(r, run, r->stuck ? RESOURCE_FAILED : RESOURCE_OFFLINE);
	}
}

/* One row of the table above. */
static void look(struct hosts *h, const struct resource_run *run)
{
	struct service *s = h->service;
	struct hosted *r = get(h, &run->id);

	if (r == NULL)
		return;
	if (!hosted_is_busy(r))
		r->within = runs_within(s, &run->id);
	if (!r->within && s->runner == NULL) {
		look_without_runner(r, run);
	} else if (!r->within && !s->runner->ops->is_ready(s->runner)) {
		return;
	} else if (run->state == RESOURCE_ONLINE_PENDING) {
		look_online_pending(r, s, run);
	} else if (run->state == RESOURCE_OFFLINE_PENDING) {
		look_offline_pending(r, s, run);
	} else if (run->state == RESOURCE_ONLINE) {
		if (!hosted_is_busy(r))
			report_end(r, run, RESOURCE_FAILED);
	} else {
		hosted_end(r, s);
	}
}

/* Hosts of resources that are not this life's any more. */
static void end_strangers(struct hosts *h, const struct group_table *t, uint64_t incarnation)
{
	for (struct hosted *r = h->all; r != NULL; r = r->next) {
		const struct resource_run *run = resource_run_find(t, &r->id);

		if (run == NULL || run->incarnation != incarnation)
			hosted_end(r, h->service);
	}
}

/* Stopping. */

static bool depends_on(const struct service *s, const struct guid *who, const struct guid *on)
{
	const struct db_key *root = db_root(cluster_db(s->cluster)), *key = resource_key(root, who);
	struct depend d;

	if (key == NULL)
		return false;
	d = resource_depends(key);
	return depend_has(&d, on);
}

static bool is_used(const struct hosts *h, const struct hosted *r)
{
	for (const struct hosted *other = h->all; other != NULL; other = other->next)
		if (other != r && hosted_is_busy(other) && depends_on(h->service, &other->id, &r->id))
			return true;
	return false;
}

static void stop_turn(struct hosts *h)
{
	void (*stopped)(void *data) = h->stopped;
	bool left = false;

	for (struct hosted *r = h->all; r != NULL; r = r->next) {
		if (!hosted_is_busy(r))
			continue;
		left = true;
		if (h->at_once || !is_used(h, r))
			hosted_end(r, h->service);
	}
	if (left || stopped == NULL)
		return;
	h->stopped = NULL;
	if (h->patience != NULL)
		loop_timer_stop(h->patience);
	stopped(h->stopped_data);
}

static void on_patience(void *data)
{
	struct hosts *h = data;
	void (*stopped)(void *data) = h->stopped;

	if (!h->at_once) {
		log_warning("resources take too long to stop, killing them");
		h->at_once = true;
		for (struct hosted *r = h->all; r != NULL; r = r->next)
			hosted_kill(r, h->service);
		loop_timer_start(h->patience, KILL_NS);
		stop_turn(h);
	} else if (stopped != NULL) {
		log_error("not all resources could be stopped; the guard goes on with it");
		h->stopped = NULL;
		stopped(h->stopped_data);
	}
}

bool hosts_are_busy(const struct hosts *h)
{
	for (const struct hosted *r = h->all; r != NULL; r = r->next)
		if (hosted_is_busy(r))
			return true;
	return false;
}

/* What runs is told of intervals and time-outs that are others now. */
void hosts_applied(struct hosts *h, const struct cluster_result *result)
{
	if (result->batch.len > 0 && h->service->state == SERVICE_UP)
		for (struct hosted *r = h->all; r != NULL; r = r->next)
			hosted_refresh(r, h->service);
	if (result->before != NULL)
		for (struct hosted *r = h->all; r != NULL; r = r->next)
			follow_look(r->follow, db_snapshot_root(result->before));
	hosts_look(h);
}

void hosts_stop(struct hosts *h, void (*stopped)(void *data), void *data)
{
	h->stopping = true;
	h->stopped = stopped;
	h->stopped_data = data;
	if (h->patience == NULL && loop_timer_new(h->service->loop, on_patience, h, &h->patience) < 0)
		h->at_once = true; /* Without a clock, there is no order to be patient for. */
	if (h->patience != NULL)
		loop_timer_start(h->patience, STOP_NS);
	hosts_look(h);
	if (!h->posted && h->patience == NULL)
		stop_turn(h); /* Nothing else would call it. */
}

static void hosts_turn(void *data)
{
	struct hosts *h = data;
	const struct group_table *t;
	uint64_t incarnation;

	h->posted = false;
	if (h->freed) {
		hosts_unref(h);
		return;
	}
	if (h->stopping) {
		stop_turn(h);
		return;
	}
	if (h->service->state != SERVICE_UP)
		return;
	t = cluster_groups(h->service->cluster);
	incarnation = cluster_node_up(h->service->cluster, h->service->node);
	for (uint32_t i = 0; i < t->resource_count; i++)
		if (t->resources[i].incarnation == incarnation)
			look(h, &t->resources[i]);
	end_strangers(h, t, incarnation);
}

/* A turn of its own: this is called from within the replica, the runner and timers. */
void hosts_look(struct hosts *h)
{
	if (h->posted || (!h->stopping && h->service->state != SERVICE_UP))
		return;
	h->posted = loop_post(h->service->loop, hosts_turn, h) == 0;
}
