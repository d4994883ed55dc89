/* sim_machine: see sim_machine.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sim_machine.h"
#include "base/error.h"
#include "tests/lib/test.h"

#define MS UINT64_C(1000000)

static void later(struct sim_host *h, uint64_t most_ms)
{
	loop_timer_start(h->next, (1 + rng_below(&h->machine->rng, most_ms)) * MS);
}

static bool chance(const struct sim_machine *m, unsigned percent)
{
	return !m->calm && rng_chance((struct rng *)&m->rng, percent);
}

static void say(struct sim_host *h, enum host_message_type type, uint32_t code, const char *text)
{
	struct host_message message = {
		.type = type, .operation = h->operation, .code = code, .text = { text, strlen(text) }
	};

	h->machine->events->message(h->machine->data, h->number, &message);
}

static void gone(struct sim_host *h, int result)
{
	struct sim_machine *m = h->machine;
	uint64_t number = h->number;

	loop_timer_stop(h->next);
	loop_timer_stop(h->pong);
	h->state = h->program ? SIM_HOST_LEFT : SIM_HOST_NONE;
	CHECK(h->program == (result < 0));
	m->counts.stuck += h->program;
	m->events->gone(m->data, number, result, result < 0 ? "it cannot be stopped" : "");
}

static struct sim_host *find(struct sim_machine *m, uint64_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->hosts); i++) {
		struct sim_host *h = &m->hosts[i];

		if (h->state != SIM_HOST_NONE && h->state != SIM_HOST_LEFT && h->state != SIM_HOST_ORPHAN &&
		    h->number == number)
			return h;
	}
	return NULL;
}

static struct sim_host *left_of(struct sim_machine *m, const struct guid *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->hosts); i++)
		if (m->hosts[i].state == SIM_HOST_LEFT && guid_equal(&m->hosts[i].id, id))
			return &m->hosts[i];
	return NULL;
}

/* What was left is ended before anything is started; or it cannot be. */
static bool clean(struct sim_host *h)
{
	struct sim_host *left = left_of(h->machine, &h->id);

	if (left == NULL)
		return true;
	left->state = SIM_HOST_NONE;
	left->program = false;
	h->program = chance(h->machine, 30);
	return !h->program;
}

static void come(struct sim_host *h)
{
	if (!clean(h)) {
		gone(h, ERR_TIMEOUT);
	} else if (h->clean_only || chance(h->machine, 5)) {
		gone(h, 0);
	} else {
		h->state = SIM_HOST_READY;
		h->machine->events->started(h->machine->data, h->number, 1000 + (uint32_t)h->number);
	}
}

/* The program has been started; here is how that ends. */
static void start_ends(struct sim_host *h)
{
	struct sim_machine *m = h->machine;

	if (chance(m, 15)) {
		m->counts.failures++;
		h->state = SIM_HOST_FAILING; /* What has come up is stopped. */
		later(h, 2000);
		say(h, HOST_RESULT, 5, "it does not want to");
	} else if (chance(m, 5)) {
		h->program = false;
		gone(h, 0);         /* Without a word. */
	} else if (!chance(m, 5)) { /* Else it hangs. */
		h->state = SIM_HOST_RUNNING;
		if (chance(m, 40))
			later(h, 100000);
		say(h, HOST_RESULT, 0, "");
	}
}

static void run_ends(struct sim_host *h)
{
	struct sim_machine *m = h->machine;

	if (m->calm)
		return;
	m->counts.failures++;
	switch (rng_below(&m->rng, 3)) {
	case 0:
		h->state = SIM_HOST_FAILING;
		later(h, 2000);
		say(h, HOST_FAILED, 1067, "its process has ended");
		break;
	case 1:
		h->program = false;
		gone(h, 0);
		break;
	default:
		h->deaf = true;
	}
}

static void stop_ends(struct sim_host *h)
{
	if (chance(h->machine, 10))
		return; /* It hangs. */
	h->program = chance(h->machine, 5);
	gone(h, h->program ? ERR_TIMEOUT : 0);
}

static void on_next(void *data)
{
	struct sim_host *h = data;

	switch (h->state) {
	case SIM_HOST_COMING:
		come(h);
		break;
	case SIM_HOST_STARTING:
		start_ends(h);
		break;
	case SIM_HOST_RUNNING:
		run_ends(h);
		break;
	case SIM_HOST_FAILING:
	case SIM_HOST_STOPPING:
		stop_ends(h);
		break;
	case SIM_HOST_ENDING:
		gone(h, h->program ? ERR_TIMEOUT : 0);
		break;
	case SIM_HOST_ORPHAN:
		h->state = SIM_HOST_NONE;
		h->program = false;
		break;
	case SIM_HOST_NONE:
	case SIM_HOST_READY:
	case SIM_HOST_LEFT:
		break;
	}
}

static void on_pong(void *data)
{
	struct sim_host *h = data;
	struct host_message m = { .type = HOST_PONG, .operation = h->ping };

	if (!h->deaf)
		h->machine->events->message(h->machine->data, h->number, &m);
}

/* The runner. */

static struct sim_machine *machine_of(struct runner *r)
{
	return container_of(r, struct sim_machine, runner);
}

static void on_guard(void *data)
{
	struct sim_machine *m = data;

	for (size_t i = 0; i < ARRAY_SIZE(m->hosts); i++)
		if (m->hosts[i].state == SIM_HOST_ORPHAN) {
			loop_timer_start(m->guard, 100 * MS);
			return;
		}
	m->ready = true;
	if (m->events != NULL)
		m->events->ready(m->data);
}

static void machine_listen(struct runner *r, const struct runner_events *events, void *data)
{
	struct sim_machine *m = machine_of(r);

	for (size_t i = 0; events == NULL && i < ARRAY_SIZE(m->hosts); i++)
		CHECK(m->hosts[i].state == SIM_HOST_NONE || m->hosts[i].state == SIM_HOST_LEFT ||
		      m->hosts[i].state == SIM_HOST_ORPHAN);
	m->events = events;
	m->data = data;
	if (events != NULL && !m->ready)
		loop_timer_start(m->guard, 10 * MS);
}

static bool machine_is_ready(struct runner *r)
{
	return machine_of(r)->ready;
}

static int machine_start(struct runner *r, uint64_t number, const struct guid *id, bool clean_only)
{
	struct sim_machine *m = machine_of(r);
	struct sim_host *h = NULL;

	CHECK(m->ready && m->events != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(m->hosts); i++) {
		struct sim_host *at = &m->hosts[i];

		if (at->state == SIM_HOST_NONE)
			h = at;
		else
			CHECK(at->number != number && (at->state == SIM_HOST_LEFT || !guid_equal(&at->id, id)));
	}
	CHECK(h != NULL);
	h->state = SIM_HOST_COMING;
	h->number = number;
	h->id = *id;
	h->life = m->life;
	h->clean_only = clean_only;
	h->configured = h->deaf = h->program = false;
	later(h, 500);
	return 0;
}

static void host_online(struct sim_host *h)
{
	CHECK(h->configured && h->state == SIM_HOST_READY);
	for (size_t i = 0; i < ARRAY_SIZE(h->machine->hosts); i++)
		CHECK(!h->machine->hosts[i].program || !guid_equal(&h->machine->hosts[i].id, &h->id));
	h->machine->counts.starts++;
	h->program = true;
	h->state = SIM_HOST_STARTING;
	later(h, chance(h->machine, 20) ? 30000 : 500);
}

static void host_offline(struct sim_host *h)
{
	if (h->state != SIM_HOST_READY && h->state != SIM_HOST_STARTING && h->state != SIM_HOST_RUNNING)
		return;
	if (h->machine->on_offline != NULL)
		h->machine->on_offline(h->machine->on_offline_data, &h->id);
	h->state = SIM_HOST_STOPPING;
	later(h, chance(h->machine, 20) ? 30000 : 500);
}

static void machine_send(struct runner *r, uint64_t number, const struct host_message *message)
{
	struct sim_host *h = find(machine_of(r), number);

	if (h == NULL)
		return;
	switch (message->type) {
	case HOST_CONFIGURE:
		CHECK(h->state == SIM_HOST_READY && !h->configured);
		h->configured = true;
		break;
	case HOST_ONLINE:
		h->operation = message->operation;
		host_online(h);
		break;
	case HOST_OFFLINE:
		h->operation = message->operation;
		if (!h->deaf)
			host_offline(h);
		break;
	case HOST_PING:
		h->ping = message->operation;
		loop_timer_start(h->pong, MS);
		break;
	default:
		CHECK(false);
	}
}

static void machine_kill(struct runner *r, uint64_t number)
{
	struct sim_host *h = find(machine_of(r), number);

	if (h == NULL || h->state == SIM_HOST_ENDING)
		return;
	h->machine->counts.kills++;
	h->program = h->program && chance(h->machine, 10);
	h->state = SIM_HOST_ENDING;
	later(h, 10000);
}

static const struct runner_ops machine_ops = {
	.listen = machine_listen,
	.is_ready = machine_is_ready,
	.start = machine_start,
	.send = machine_send,
	.kill = machine_kill,
};

void sim_machine_init(struct sim_machine *m, struct loop *world, uint64_t seed)
{
	*m = (struct sim_machine){ .runner = { &machine_ops }, .world = world, .life = 1 };
	rng_init(&m->rng, seed);
	CHECK_INT(loop_timer_new(world, on_guard, m, &m->guard), 0);
	for (size_t i = 0; i < ARRAY_SIZE(m->hosts); i++) {
		m->hosts[i].machine = m;
		CHECK_INT(loop_timer_new(world, on_next, &m->hosts[i], &m->hosts[i].next), 0);
		CHECK_INT(loop_timer_new(world, on_pong, &m->hosts[i], &m->hosts[i].pong), 0);
	}
}

void sim_machine_done(struct sim_machine *m)
{
	loop_timer_free(m->guard);
	for (size_t i = 0; i < ARRAY_SIZE(m->hosts); i++) {
		loop_timer_free(m->hosts[i].next);
		loop_timer_free(m->hosts[i].pong);
	}
}

void sim_machine_orphan(struct sim_machine *m, enum sim_disk_stop how)
{
	m->events = NULL;
	m->ready = false;
	m->life++;
	loop_timer_stop(m->guard);
	for (size_t i = 0; i < ARRAY_SIZE(m->hosts); i++) {
		struct sim_host *h = &m->hosts[i];

		loop_timer_stop(h->pong);
		loop_timer_stop(h->next);
		if (how == SIM_DISK_POWER_CUT) {
			h->state = SIM_HOST_NONE;
			h->program = false;
		} else if (h->state != SIM_HOST_NONE) {
			h->state = SIM_HOST_ORPHAN;
			later(h, 40000);
		}
	}
}

const struct sim_host *sim_machine_program(const struct sim_machine *m, const struct guid *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->hosts); i++) {
		const struct sim_host *h = &m->hosts[i];

		if (h->program && h->life == m->life && guid_equal(&h->id, id))
			return h;
	}
	return NULL;
}
