/* engine_check: see engine_check.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/engine_check.h"
#include "base/bytes.h"
#include "base/crc32c.h"

struct check_command {
	struct check_life *life;
	struct engine_id id;
	size_t len;
	uint32_t crc;
	unsigned proposals, open, refused, unknown;
	uint64_t first; /* Index of the first appearance; 0 = none yet. */
};

struct check_proposal { /* Or, with command NULL, a barrier. */
	struct check_life *life;
	struct check_command *command;
	uint64_t floor; /* What had been acknowledged before. */
	bool told;
	uint64_t told_index; /* 0 unless acknowledged. */
	struct check_proposal *next;
};

static uint8_t *make_bytes(struct engine_id id, size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	struct rng rng;

	CHECK(bytes != NULL);
	rng_init(&rng, id.incarnation + id.counter);
	rng_fill(&rng, bytes, len);
	return bytes;
}

struct check *check_new(uint64_t index)
{
	struct check *c = calloc(1, sizeof(*c));

	CHECK(c != NULL);
	c->base = c->last = c->acknowledged = index;
	return c;
}

void check_free(struct check *c)
{
	while (c->proposals != NULL) {
		struct check_proposal *p = c->proposals;

		c->proposals = p->next;
		free(p);
	}
	while (c->lives != NULL) {
		struct check_life *l = c->lives;

		c->lives = l->next;
		for (uint64_t i = 0; i < l->counter; i++)
			free(l->commands[i]);
		free(l->commands);
		free(l);
	}
	free(c->events);
	free(c);
}

static struct check_life *find_life(struct check *c, uint64_t incarnation)
{
	for (struct check_life *l = c->lives; l != NULL; l = l->next)
		if (l->incarnation == incarnation)
			return l;
	return NULL;
}

static void first_command(struct check *c, const struct engine_event *e)
{
	struct check_life *of = find_life(c, e->id.incarnation);
	struct check_command *command;

	CHECK(of != NULL && of->joined && !of->lost);
	CHECK(e->id.counter >= 1 && e->id.counter <= of->counter);
	command = of->commands[e->id.counter - 1];
	CHECK(e->len == command->len && crc32c(0, e->bytes, e->len) == command->crc);
	CHECK(command->refused < command->proposals);
	if (command->first != 0)
		return;
	command->first = e->index;
	CHECK(e->id.counter > of->top || command->proposals > 1);
	of->top = MAX(of->top, e->id.counter);
}

/* An event that nobody has been shown before. */
static void first_showing(struct check *c, const struct engine_event *e)
{
	struct check_life *of = find_life(c, e->incarnation);

	switch (e->kind) {
	case ENGINE_COMMAND:
		first_command(c, e);
		return;
	case ENGINE_OWNER_ELECTED:
		CHECK(of != NULL && of->joined && !of->lost && e->term > c->term);
		c->term = e->term;
		return;
	case ENGINE_NODE_JOINED:
		CHECK(of != NULL && !of->joined);
		of->joined = true;
		return;
	case ENGINE_NODE_LOST:
		CHECK(of != NULL && of->joined && !of->lost);
		of->lost = true;
		return;
	}
	test_fail(__FILE__, __LINE__, "an event of the unknown kind %d", (int)e->kind);
}

static void on_event(void *data, const struct engine_event *e)
{
	struct check_life *l = data;
	struct check *c = l->check;
	struct check_event event = { e->kind, e->id, e->node, e->incarnation, e->term, e->len, 0 };

	event.crc = e->kind == ENGINE_COMMAND ? crc32c(0, e->bytes, e->len) : 0;
	CHECK(l->engine != NULL && !l->calling && !l->failed && !l->needs_state && !l->stopped);
	CHECK_INT(e->index, l->shown + 1);
	l->shown++;
	if (e->index > c->last) {
		CHECK_INT(e->index, c->last + 1);
		if (c->last - c->base == c->capacity) {
			c->capacity = c->capacity * 2 + 64;
			c->events = realloc(c->events, c->capacity * sizeof(event));
			CHECK(c->events != NULL);
		}
		c->events[c->last++ - c->base] = event;
		first_showing(c, e);
	} else if (e->index > c->base) {
		const struct check_event *known = &c->events[e->index - c->base - 1];

		CHECK(known->kind == event.kind && known->len == event.len && known->crc == event.crc);
		if (event.kind == ENGINE_COMMAND)
			CHECK(known->id.incarnation == e->id.incarnation && known->id.counter == e->id.counter);
		else
			CHECK(known->node == e->node && known->incarnation == e->incarnation && known->term == e->term);
	}
}

static void on_need_state(void *data, uint64_t index)
{
	struct check_life *l = data;

	CHECK(l->engine != NULL && !l->calling && !l->failed && !l->needs_state && !l->stopped);
	CHECK(index > l->shown);
	l->needs_state = true;
	l->state_index = index;
}

static void on_failed(void *data, const struct error *error)
{
	struct check_life *l = data;

	CHECK(l->engine != NULL && !l->calling && !l->failed && !l->stopped);
	CHECK(error->code < 0 && error->text[0] != 0);
	l->failed = true;
	l->error = *error;
}

struct check_life *check_start(struct check *c, struct engine *e, uint64_t applied, struct error *ret_error)
{
	struct check_life *l = calloc(1, sizeof(*l));
	struct engine_client client = { on_event, on_need_state, on_failed, l };
	int r;

	CHECK(l != NULL);
	*l = (struct check_life){ .check = c, .next = c->lives, .engine = e, .shown = applied };
	l->incarnation = engine_incarnation(e);
	CHECK(l->incarnation != 0 && find_life(c, l->incarnation) == NULL);
	l->calling = true;
	r = engine_start(e, &client, applied, ret_error);
	l->calling = false;
	if (r < 0) {
		CHECK_INT(ret_error->code, r);
		free(l);
		return NULL;
	}
	c->lives = l;
	return l;
}

static void on_done(void *data, int result, uint64_t index)
{
	struct check_proposal *p = data;
	struct check_life *l = p->life;
	struct check *c = l->check;

	CHECK(l->engine != NULL && !l->calling && !l->stopped);
	CHECK(!p->told);
	p->told = true;
	l->open--;
	if (p->command == NULL) {
		if (result < 0)
			return;
		CHECK(index == l->shown && l->shown >= p->floor);
		c->counts[3]++;
		return;
	}
	p->command->open--;
	if (result >= 0) {
		CHECK_INT(result, 0);
		CHECK(index > p->floor && index <= l->shown + 1);
		p->told_index = index;
		c->acknowledged = MAX(c->acknowledged, index);
		c->counts[0]++;
	} else if (result == ERR_RPC_S_CALL_FAILED) {
		p->command->unknown++;
		c->counts[2]++;
	} else {
		p->command->refused++;
		c->counts[1]++;
	}
}

static struct check_proposal *new_proposal(struct check_life *l, struct check_command *command)
{
	struct check_proposal *p = calloc(1, sizeof(*p));

	CHECK(p != NULL && l->engine != NULL && !l->stopping);
	*p = (struct check_proposal){
		.life = l, .command = command, .floor = l->check->acknowledged, .next = l->check->proposals
	};
	l->check->proposals = p;
	l->open++;
	return p;
}

static void offer(struct check_life *l, struct check_command *command)
{
	uint8_t *bytes = make_bytes(command->id, command->len);
	struct check_proposal *p = new_proposal(l, command);

	command->proposals++;
	command->open++;
	l->calling = true;
	engine_propose(l->engine, command->id, bytes, command->len, on_done, p);
	l->calling = false;
	memset(bytes, 0xee, command->len); /* It must have been copied. */
	free(bytes);
}

void check_propose(struct check_life *l, size_t len)
{
	struct check_command *command = calloc(1, sizeof(*command));
	uint8_t *bytes;

	CHECK(command != NULL);
	if (l->counter == l->capacity) {
		l->capacity = l->capacity * 2 + 16;
		l->commands = realloc(l->commands, l->capacity * sizeof(struct check_command *));
		CHECK(l->commands != NULL);
	}
	*command = (struct check_command){ .life = l, .id = { l->incarnation, l->counter + 1 }, .len = len };
	l->commands[l->counter++] = command;
	bytes = make_bytes(command->id, len);
	command->crc = crc32c(0, bytes, len);
	free(bytes);
	offer(l, command);
}

bool check_propose_again(struct check_life *l, struct rng *rng)
{
	uint64_t skip = l->counter > 0 ? rng_below(rng, l->counter) : 0;

	for (uint64_t i = 0; i < l->counter; i++) {
		struct check_command *command = l->commands[(skip + i) % l->counter];

		if (command->unknown > 0 && command->open == 0) {
			offer(l, command);
			return true;
		}
	}
	return false;
}

void check_barrier(struct check_life *l)
{
	struct check_proposal *p = new_proposal(l, NULL);

	l->calling = true;
	engine_barrier(l->engine, on_done, p);
	l->calling = false;
}

static void on_stopped(void *data)
{
	struct check_life *l = data;

	CHECK(l->engine != NULL && !l->calling && l->stopping && !l->stopped);
	/* A failed engine may be silent about what it had. */
	CHECK(l->open == 0 || l->failed || l->needs_state);
	l->stopped = true;
}

void check_stop(struct check_life *l)
{
	l->stopping = true;
	l->calling = true;
	engine_stop(l->engine, on_stopped, l);
	l->calling = false;
}

void check_end(struct check_life *l)
{
	l->engine = NULL;
}

void check_finish(struct check *c)
{
	for (struct check_life *l = c->lives; l != NULL; l = l->next) {
		for (uint64_t i = 0; i < l->counter; i++) {
			const struct check_command *command = l->commands[i];

			if (command->refused == command->proposals && command->first != 0)
				test_fail(
				    __FILE__, __LINE__, "a refused command is in the log, at %" PRIu64, command->first);
		}
	}
	for (const struct check_proposal *p = c->proposals; p != NULL; p = p->next) {
		const struct check_event *e;

		if (p->told_index == 0)
			continue;
		if (p->told_index > c->last)
			test_fail(__FILE__, __LINE__, "acknowledged at %" PRIu64 ", but the log ends at %" PRIu64,
			    p->told_index, c->last);
		e = &c->events[p->told_index - c->base - 1];
		CHECK(e->kind == ENGINE_COMMAND && e->id.incarnation == p->command->id.incarnation &&
		      e->id.counter == p->command->id.counter);
		CHECK(p->command->first != 0 && p->command->first <= p->told_index);
	}
}
