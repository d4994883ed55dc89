/* sim: many nodes that share one ordered history, with every freedom that the contract leaves to an engine.
 *
 * Why      the code above the engine must be right against all that etcd, a network and a dying process can do, long
 *          before those are there, and again with the same seed.
 * How      a *life* is one incarnation of a node.  It outlives its engine: a killed process leaves proposals that may
 *          still enter the log, and a death that somebody has yet to notice.
 *
 *             propose ──► queue of the life ──decide──► history ──deliver──► on_event of every other life
 *                              │                           │
 *                              └── refused, vanished       └── told: committed, unknown
 *
 *          Each life has one timer.  When it fires, a few steps of each kind are taken and it is set again, by a random
 *          delay, as long as there is something left to do.  So nothing happens inside a call, and when nobody wants
 *          anything the simulation comes to rest.
 * Promise  the contract in engine.h, and nothing that is not in it.
 * Threads  the loop thread.       Limits  without memory the program aborts; lives are kept until engine_sim_free().
 * Tests    tests/sim/engine.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sim/sim.h"
#include "engine/sim/history.h"
#include <string.h>

enum { STEPS_MAX = 8, NS_PER_MS = 1000000 };

const struct engine_sim_options engine_sim_calm = {
	.delay_ns = 1 * NS_PER_MS,
	.death_notice_ns = 10 * NS_PER_MS,
	.outage_ns = 10 * NS_PER_MS,
};

const struct engine_sim_options engine_sim_hostile = {
	.delay_ns = 20 * NS_PER_MS,
	.death_notice_ns = 500 * NS_PER_MS,
	.outage_ns = 300 * NS_PER_MS,
	.refuse = 5,
	.vanish = 5,
	.unknown = 10,
	.repeat = 5,
	.hasty_trim = 30,
	.outage = 10,
	.elect = 5,
	.expel = 1,
};

enum fate { UNDECIDED, COMMITTED, REFUSED, UNKNOWN };

struct proposal {
	struct proposal *next;
	struct engine_id id;
	engine_done *done; /* NULL: the outcome has been told. */
	void *data;
	enum fate fate;
	int result;
	uint64_t index; /* COMMITTED */
	size_t len;
	uint8_t bytes[];
};

struct barrier {
	struct barrier *next;
	uint64_t index;
	engine_done *done;
	void *data;
};

struct repeat {
	struct repeat *next;
	struct engine_event event;
	uint8_t bytes[];
};

struct life {
	struct engine engine;
	struct engine_sim *sim;
	struct life *next;
	uint32_t node;
	uint64_t incarnation;
	struct loop_timer *timer;
	struct engine_client client;
	uint64_t shown, trimmed;
	struct proposal *proposals; /* In order of proposing. */
	struct barrier *barriers;
	uint64_t contact_at, notice_at; /* When the contact comes back; when its death is noticed. */
	bool started, dead;             /* A dead one has no engine any more: no callbacks. */
	bool joined, lost;              /* As the history has it. */
	bool failed, needs_state;       /* Has been told so. */
	bool cut, cut_by_caller;        /* Without contact with the quorum. */
	bool stopping;
	void (*stopped)(void *data);
	void *stopped_data;
};

struct engine_sim {
	struct loop *loop;
	const struct engine_sim_options *options;
	uint64_t random;
	struct history history;
	struct life *lives; /* Newest first. */
	struct life *owner; /* Never one that is lost. */
	struct repeat *repeats;
	uint64_t term;
	uint64_t quorum_at; /* When the quorum comes back. */
	bool no_quorum, no_quorum_by_caller;
};

/* Chance: splitmix64, so that a seed means the same run for ever. */

static uint64_t draw(struct engine_sim *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t draw_below(struct engine_sim *s, uint64_t n)
{
	return draw(s) % n;
}

static bool chance(struct engine_sim *s, unsigned of_hundred)
{
	return draw_below(s, 100) < of_hundred;
}

static bool rare_chance(struct engine_sim *s, unsigned of_thousand)
{
	return draw_below(s, 1000) < of_thousand;
}

/* The world: quorum, owner, deaths. */

static void wake(struct life *l)
{
	loop_timer_start(l->timer, 1 + draw_below(l->sim, l->sim->options->delay_ns));
}

static void wake_all(struct engine_sim *s)
{
	for (struct life *l = s->lives; l != NULL; l = l->next)
		if (!(l->dead && l->lost))
			wake(l);
}

static uint64_t append(struct engine_sim *s, const struct engine_event *event)
{
	wake_all(s);
	return history_append(&s->history, event);
}

static void elect(struct engine_sim *s)
{
	struct life *chosen = NULL;
	uint64_t seen = 0;

	for (struct life *l = s->lives; l != NULL; l = l->next)
		if (l->joined && !l->lost && draw_below(s, ++seen) == 0)
			chosen = l;
	s->owner = chosen;
	if (chosen == NULL)
		return;
	s->term += 1 + draw_below(s, 3);
	(void)append(s, &(struct engine_event){ .kind = ENGINE_OWNER_ELECTED,
			    .node = chosen->node,
			    .incarnation = chosen->incarnation,
			    .term = s->term });
}

static void declare_lost(struct life *l)
{
	struct engine_sim *s = l->sim;

	assert(l->joined && !l->lost);
	for (struct repeat **p = &s->repeats; *p != NULL;) {
		struct repeat *r = *p;

		if (r->event.id.incarnation == l->incarnation) {
			*p = r->next;
			free(r);
		} else {
			p = &r->next;
		}
	}
	(void)append(
	    s, &(struct engine_event){ .kind = ENGINE_NODE_LOST, .node = l->node, .incarnation = l->incarnation });
	l->lost = true;
	if (s->owner == l)
		elect(s);
}

static void maybe_repeat(struct engine_sim *s, const struct proposal *p)
{
	struct repeat *r;

	if (!chance(s, s->options->repeat))
		return;
	r = malloc(sizeof(*r) + p->len);
	if (r == NULL)
		abort();
	*r = (struct repeat){ .next = s->repeats,
		.event = { .kind = ENGINE_COMMAND, .id = p->id, .bytes = r->bytes, .len = p->len } };
	memcpy(r->bytes, p->bytes, p->len);
	s->repeats = r;
}

/* Whatever is nobody's doing, on the occasion of a step of l. */
static void step_world(struct engine_sim *s, struct life *l)
{
	uint64_t now = loop_now_ns(s->loop);

	if (rare_chance(s, s->options->outage)) {
		if (chance(s, 50)) {
			s->no_quorum = true;
			s->quorum_at = now + draw_below(s, s->options->outage_ns);
		} else {
			l->cut = true;
			l->contact_at = now + draw_below(s, s->options->outage_ns);
		}
	}
	if (now >= s->quorum_at)
		s->no_quorum = s->no_quorum_by_caller;
	if (now >= l->contact_at)
		l->cut = l->cut_by_caller;
	if (s->no_quorum)
		return;
	if (s->repeats != NULL && chance(s, 20)) {
		struct repeat *r = s->repeats;

		s->repeats = r->next;
		(void)append(s, &r->event);
		free(r);
	}
	if (rare_chance(s, s->options->elect))
		elect(s);
	if (l->joined && !l->lost && !l->dead && rare_chance(s, s->options->expel))
		declare_lost(l);
}

/* Proposals. */

static bool has_contact(const struct life *l)
{
	return !l->sim->no_quorum && !l->cut;
}

static void commit(struct life *l, struct proposal *p)
{
	struct engine_event event = { .kind = ENGINE_COMMAND, .id = p->id, .bytes = p->bytes, .len = p->len };

	p->index = append(l->sim, &event);
	p->fate = COMMITTED;
	if (chance(l->sim, l->sim->options->unknown))
		p->fate = UNKNOWN;
	maybe_repeat(l->sim, p);
}

static void decide(struct life *l, struct proposal *p)
{
	static const int refusals[] = { ERR_RPC_S_SERVER_TOO_BUSY, ERR_CLUSTER_NO_QUORUM, -ENOSPC, -ENOMEM };
	struct engine_sim *s = l->sim;

	assert(p->fate == UNDECIDED);
	/* Who has been told "unknown" cannot be refused any more, only forgotten. */
	if (p->done != NULL && chance(s, s->options->refuse)) {
		p->fate = REFUSED;
		p->result = refusals[draw_below(s, ARRAY_SIZE(refusals))];
	} else if (chance(s, s->options->vanish)) {
		p->fate = UNKNOWN;
	} else {
		commit(l, p);
	}
}

static bool is_lost_for_good(const struct life *l)
{
	return l->lost || (l->dead && !l->joined);
}

static void step_decide(struct life *l)
{
	struct engine_sim *s = l->sim;

	for (struct proposal *p = l->proposals; p != NULL; p = p->next) {
		if (p->fate != UNDECIDED)
			continue;
		if (is_lost_for_good(l)) {
			p->fate = UNKNOWN;
		} else if (!has_contact(l) || !l->joined) {
			/* The node gives up waiting; the proposal stays where it is. */
			if (p->done != NULL && !l->dead && s->options->unknown > 0 && chance(s, 10)) {
				p->done(p->data, ERR_RPC_S_CALL_FAILED, 0);
				p->done = NULL;
			}
			return;
		} else if (l->dead && chance(s, 30)) {
			p->fate = UNKNOWN; /* It died before it had sent this … */
		} else {
			decide(l, p);
		}
		if (chance(s, 30))
			return;
	}
}

/* Tell outcomes that are due, in any order, and forget what has been told and decided. */
static void step_tell(struct life *l)
{
	struct proposal **at = &l->proposals;

	while (*at != NULL) {
		struct proposal *p = *at;
		bool due = p->fate != UNDECIDED && (p->fate != COMMITTED || l->shown + 1 >= p->index);
		engine_done *done = p->done;

		if (done != NULL && due && !l->dead && !l->failed && (l->stopping || chance(l->sim, 70))) {
			p->done = NULL;
			if (p->fate == COMMITTED)
				done(p->data, 0, p->index);
			else
				done(p->data, p->fate == REFUSED ? p->result : ERR_RPC_S_CALL_FAILED, 0);
		}
		if (p->fate != UNDECIDED && (p->done == NULL || l->dead)) {
			*at = p->next;
			free(p);
		} else {
			at = &p->next;
		}
	}
}

static void step_barriers(struct life *l)
{
	struct barrier **at = &l->barriers;

	while (*at != NULL) {
		struct barrier *b = *at;
		bool refuse = !has_contact(l) && chance(l->sim, 5);

		if (!refuse && !(has_contact(l) && l->shown >= b->index)) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		b->done(b->data, refuse ? ERR_CLUSTER_NO_QUORUM : 0, refuse ? 0 : l->shown);
		free(b);
	}
}

/* Events. */

static void fail(struct life *l)
{
	struct error error;

	if (l->failed)
		return;
	l->failed = true;
	(void)error_set(&error, ERR_CLUSTER_NODE_DOWN, "the cluster has called this node lost");
	l->client.failed(l->client.data, &error);
}

static void step_deliver(struct life *l)
{
	struct engine_sim *s = l->sim;

	if (l->shown < s->history.base) {
		l->needs_state = true;
		l->client.need_state(l->client.data, s->history.base);
		return;
	}
	if (l->cut && chance(s, 80))
		return;
	for (uint64_t n = draw_below(s, STEPS_MAX); n > 0 && l->shown < history_last(&s->history); n--) {
		const struct engine_event *e = history_at(&s->history, l->shown + 1);
		bool own_end = e->kind == ENGINE_NODE_LOST && e->incarnation == l->incarnation;

		l->shown++;
		l->client.on_event(l->client.data, e);
		if (own_end)
			fail(l);
		if (l->stopping || l->failed)
			return;
	}
	if (l->lost && chance(s, 10))
		fail(l);
}

/* A life. */

static void step_membership(struct life *l)
{
	struct engine_sim *s = l->sim;

	if (!has_contact(l) && !(l->dead && !s->no_quorum))
		return;
	if (l->started && !l->dead && !l->joined) {
		l->joined = true;
		(void)append(s, &(struct engine_event){
				    .kind = ENGINE_NODE_JOINED, .node = l->node, .incarnation = l->incarnation });
	}
	if (l->dead && l->joined && !l->lost && loop_now_ns(s->loop) >= l->notice_at)
		declare_lost(l);
	if (s->owner == NULL && l->joined && !l->lost)
		elect(s);
}

static void die(struct life *l)
{
	l->dead = true;
	l->notice_at = loop_now_ns(l->sim->loop) + draw_below(l->sim, l->sim->options->death_notice_ns);
	while (l->barriers != NULL) {
		struct barrier *b = l->barriers;

		l->barriers = b->next;
		free(b);
	}
}

/* Whatever is still open is unknown; some of it enters the log after all. */
static void step_stop(struct life *l)
{
	step_tell(l);
	for (struct proposal *p = l->proposals; p != NULL; p = p->next) {
		engine_done *done = p->done;

		p->done = NULL;
		if (done != NULL && !l->failed)
			done(p->data, ERR_RPC_S_CALL_FAILED, 0);
	}
	while (l->barriers != NULL) {
		struct barrier *b = l->barriers;

		l->barriers = b->next;
		b->done(b->data, -ECANCELED, 0);
		free(b);
	}
	die(l);
	wake(l);
	l->stopped(l->stopped_data);
}

static bool has_work(const struct life *l)
{
	const struct engine_sim *s = l->sim;

	if (l->dead)
		return l->proposals != NULL || (l->joined && !l->lost);
	if (l->failed || l->needs_state)
		return l->stopping;
	return l->started &&
	       (l->proposals != NULL || l->barriers != NULL || l->shown < history_last(&s->history) || !l->joined ||
		   l->lost || l->stopping || s->no_quorum > s->no_quorum_by_caller || l->cut > l->cut_by_caller);
}

static void tick(void *data)
{
	struct life *l = data;
	struct engine_sim *s = l->sim;

	step_world(s, l);
	step_membership(l);
	step_decide(l);
	if (!l->dead && !l->failed && !l->needs_state) {
		/* Outcomes come before or after the events that they belong to. */
		step_tell(l);
		if (!l->stopping)
			step_deliver(l);
		if (!l->failed && !l->needs_state)
			step_barriers(l);
	}
	step_tell(l);
	if (l->stopping && !l->dead) {
		step_stop(l);
		return;
	}
	if (has_work(l))
		wake(l);
}

static struct life *life_of(struct engine *e)
{
	return container_of(e, struct life, engine);
}

static int sim_start(struct engine *e, const struct engine_client *client, uint64_t applied, struct error *error)
{
	struct life *l = life_of(e);

	assert(!l->started);
	if (applied > history_last(&l->sim->history))
		return error_set(error, ERR_CLUSTERLOG_CORRUPT,
		    "the log ends at %ju, before what has been applied, %ju", (uintmax_t)history_last(&l->sim->history),
		    (uintmax_t)applied);
	l->client = *client;
	l->shown = l->trimmed = applied;
	l->started = true;
	wake(l);
	return 0;
}

static void sim_propose(
    struct engine *e, struct engine_id id, const void *bytes, size_t len, engine_done *done, void *data)
{
	struct life *l = life_of(e);
	struct proposal **at = &l->proposals, *p = malloc(sizeof(*p) + len);

	assert(l->started && !l->stopping && !l->dead);
	if (p == NULL)
		abort();
	*p = (struct proposal){ .id = id, .done = done, .data = data, .len = len };
	if (len > 0)
		memcpy(p->bytes, bytes, len);
	if (len > ENGINE_COMMAND_MAX) {
		p->fate = REFUSED;
		p->result = ERR_CLUSTERLOG_RECORD_EXCEEDS_MAXSIZE;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = p;
	wake(l);
}

static void sim_barrier(struct engine *e, engine_done *done, void *data)
{
	struct life *l = life_of(e);
	struct barrier *b = malloc(sizeof(*b));

	assert(l->started && !l->stopping && !l->dead);
	if (b == NULL)
		abort();
	*b = (struct barrier){ l->barriers, history_last(&l->sim->history), done, data };
	l->barriers = b;
	wake(l);
}

static void sim_trim(struct engine *e, uint64_t index)
{
	struct life *l = life_of(e);
	struct engine_sim *s = l->sim;
	uint64_t to = index;

	assert(index <= l->shown);
	l->trimmed = MAX(l->trimmed, index);
	if (!chance(s, s->options->hasty_trim))
		for (struct life *other = s->lives; other != NULL; other = other->next)
			if (other->started && !other->dead && !other->lost)
				to = MIN(to, other->trimmed);
	history_trim(&s->history, to);
}

static bool sim_quorate(struct engine *e)
{
	struct life *l = life_of(e);

	return l->started && l->joined && !l->failed && !l->needs_state && has_contact(l);
}

static uint64_t sim_incarnation(struct engine *e)
{
	return life_of(e)->incarnation;
}

static void sim_stop(struct engine *e, void (*stopped)(void *data), void *data)
{
	struct life *l = life_of(e);

	assert(l->started && !l->stopping && !l->dead);
	l->stopping = true;
	l->stopped = stopped;
	l->stopped_data = data;
	wake(l);
}

static void sim_free(struct engine *e)
{
	struct life *l = life_of(e);

	if (!l->dead && l->started)
		wake(l);
	if (!l->dead)
		die(l);
}

static const struct engine_ops sim_ops = {
	.start = sim_start,
	.propose = sim_propose,
	.barrier = sim_barrier,
	.trim = sim_trim,
	.quorate = sim_quorate,
	.incarnation = sim_incarnation,
	.stop = sim_stop,
	.free = sim_free,
};

int engine_sim_new(
    struct loop *loop, uint64_t seed, uint64_t index, const struct engine_sim_options *options, struct engine_sim **ret)
{
	struct engine_sim *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	*s = (struct engine_sim){ .loop = loop, .options = options, .random = seed, .history.base = index };
	*ret = s;
	return 0;
}

static void life_free(struct life *l)
{
	while (l->proposals != NULL) {
		struct proposal *p = l->proposals;

		l->proposals = p->next;
		free(p);
	}
	loop_timer_free(l->timer);
	free(l);
}

void engine_sim_free(struct engine_sim *s)
{
	if (s == NULL)
		return;
	while (s->lives != NULL) {
		struct life *l = s->lives;

		assert(l->dead);
		s->lives = l->next;
		life_free(l);
	}
	while (s->repeats != NULL) {
		struct repeat *r = s->repeats;

		s->repeats = r->next;
		free(r);
	}
	history_done(&s->history);
	free(s);
}

int engine_sim_node(struct engine_sim *s, uint32_t node, struct engine **ret)
{
	struct life *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	*l = (struct life){ .engine.ops = &sim_ops, .sim = s, .node = node, .incarnation = draw(s) | 1 };
	r = loop_timer_new(s->loop, tick, l, &l->timer);
	if (r < 0) {
		free(l);
		return r;
	}
	l->next = s->lives;
	s->lives = l;
	*ret = &l->engine;
	return 0;
}

void engine_sim_set_quorum(struct engine_sim *s, bool quorum)
{
	s->no_quorum = s->no_quorum_by_caller = !quorum;
	wake_all(s);
}

void engine_sim_set_contact(struct engine *e, bool contact)
{
	struct life *l = life_of(e);

	l->cut = l->cut_by_caller = !contact;
	wake(l);
}

uint64_t engine_sim_last(struct engine_sim *s)
{
	return history_last(&s->history);
}
