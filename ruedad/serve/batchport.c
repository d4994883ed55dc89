/* batchport: ports that tell which registry batches were carried out at a key or below it (opnums 114-116).
 *
 * How      a batch that is applied comes with its notification, the commands as they were carried out with what they
 *          replaced (cluster/db/regbatch.c).  Each port above the batch's key gets a copy, in which names of keys are
 *          relative to the port's key: it begins by going to the key of the batch.
 * Choices  what does not fit the queue, or could not be kept, is lost: the next call is then answered with 31
 *          (ERROR_GEN_FAILURE), once, and goes on with the next batch after it.
 *          Of keys whose values the client may not read by their descriptors, now or before the batch, he is told nothing.
 * Limits   QUEUE_MAX notifications and SERVE_BATCH_BYTES wait at a port, or at all those of a client who may only read.
 * Threads  the loop thread.     Source  MS-CMRP 3.1.4.2.115 to 117     Tests  tests/integration/notify.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/access.h"
#include "ruedad/serve/notify.h"
#include "wire/regbuf.h"
#include <string.h>

enum { QUEUE_MAX = 64 };

struct batch_port {
	struct service *service;
	const struct rpc_association *owner;
	struct batch_port *next, **previous; /* In the service's list. */
	struct waiters waiters;
	struct buf queue[QUEUE_MAX]; /* A ring. */
	size_t first, count, bytes;
	bool lost; /* Behind what is in the queue. */
	size_t len;
	char16_t path[]; /* Of the key. */
};

static void drop_first(struct batch_port *p)
{
	p->bytes -= p->queue[p->first].len;
	buf_done(&p->queue[p->first]);
	p->first = (p->first + 1) % QUEUE_MAX;
	p->count--;
}

/* Answer with the oldest notification, or that there was one. */
static void give(struct serve_call *c, struct batch_port *p)
{
	struct clusapi_GetBatchNotification_out *out = c->out;
	const struct buf *b = &p->queue[p->first];

	if (p->count == 0) {
		p->lost = false;
		serve_finish(c, ERR_GEN_FAILURE);
		return;
	}
	out->data = arena_dup(serve_arena(c), b->data, b->len);
	if (out->data == NULL) {
		serve_finish(c, -ENOMEM);
		return;
	}
	out->data_size = (uint32_t)b->len;
	drop_first(p);
	serve_finish(c, 0);
}

static void end_waiters(struct batch_port *p, int r)
{
	struct serve_call *c;

	while ((c = serve_waiter_take(&p->waiters)) != NULL)
		serve_finish(c, r);
}

/* A notification on its way to one port. */
struct telling {
	const struct batch_port *port;
	const struct cluster_result *result;
	struct u16 key, prefix; /* The batch's key; and from the port's key to it. */
	char16_t *path;         /* Room for a path from the root, … */
	char16_t *name;         /* … and for one from the port's key. */
	bool may_hear;          /* Of the current key. */
};

/* "base\\name" in units; the base alone for an empty name. */
static struct u16 join(char16_t *units, struct u16 base, struct u16 name)
{
	size_t between = base.len > 0 && name.len > 0 ? 1 : 0;

	if (base.len > 0)
		memcpy(units, base.units, base.len * sizeof(*units));
	if (between > 0)
		units[base.len] = '\\';
	if (name.len > 0)
		memcpy(units + base.len + between, name.units, name.len * sizeof(*units));
	return (struct u16){ units, base.len + between + name.len };
}

/* Whether the client hears of the key of that name below the batch's. */
static bool may_hear(const struct telling *t, struct u16 name)
{
	return access_may_hear(
	    t->port->service, &t->port->owner->identity, t->result, join(t->path, t->key, name), SD_KEY_QUERY_VALUE);
}

static void tell(struct telling *t, const struct regbuf_command *told, struct buf *ret)
{
	struct regbuf_command command = *told;

	if (command.kind == REGBUF_CREATE_KEY || command.kind == REGBUF_DELETE_KEY) {
		t->may_hear = may_hear(t, command.name);
		command.name = join(t->name, t->prefix, command.name);
	}
	if (t->may_hear)
		regbuf_add(ret, &command);
}

/* Names of the batch's key become names of the port's, and what the client may not hear of is left out. */
static int rebase(struct telling *t, struct buf *ret)
{
	static const struct regbuf_command to_key = { .kind = REGBUF_CREATE_KEY };
	const struct buf *notification = &t->result->notification;
	struct regbuf_reader reader;
	int r = regbuf_reader_init(&reader, notification->data, notification->len);

	if (r < 0)
		return r;
	regbuf_begin(ret);
	t->may_hear = may_hear(t, (struct u16){ 0 });
	if (t->prefix.len > 0)
		tell(t, &to_key, ret);
	while ((r = regbuf_next(&reader)) > 0)
		tell(t, &reader.command, ret);
	regbuf_reader_done(&reader);
	return r < 0 ? r : ret->error;
}

static bool is_below(const struct batch_port *p, struct u16 key, struct u16 *ret)
{
	struct u16 own = { p->path, p->len };
	size_t skip = own.len == 0 || own.len == key.len ? own.len : own.len + 1;

	if (key.len < own.len || !u16_equal((struct u16){ key.units, own.len }, own) ||
	    (own.len > 0 && key.len > own.len && key.units[own.len] != '\\'))
		return false;
	*ret = (struct u16){ key.units + skip, key.len - skip };
	return true;
}

/* What waits at the port, or at all that count with it. */
static size_t waiting_bytes(const struct batch_port *p)
{
	size_t bytes = 0;

	if (!serve_is_reader(p->owner))
		return p->bytes;
	for (const struct batch_port *other = p->service->batch_ports; other != NULL; other = other->next)
		bytes += other->owner->account == p->owner->account ? other->bytes : 0;
	return bytes;
}

/* 1: queued; 0: there was nothing to be told; or the error. */
static int queue(struct batch_port *p, const struct cluster_result *result, struct u16 key, struct u16 prefix)
{
	_cleanup_free_ char16_t *path = malloc((key.len + 1 + REGBUF_NAME_MAX) * sizeof(*path)),
				*name = malloc((prefix.len + 1 + REGBUF_NAME_MAX) * sizeof(*name));
	struct telling t = { p, result, key, prefix, path, name, false };
	struct buf b = { 0 };
	size_t nothing = sizeof(uint32_t); /* Without any command. */
	int r = path == NULL || name == NULL ? -ENOMEM : rebase(&t, &b);

	if (r < 0 || b.len <= nothing) {
		buf_done(&b);
		return r;
	}
	p->bytes += b.len;
	p->queue[(p->first + p->count++) % QUEUE_MAX] = b;
	return 1;
}

static void offer(struct batch_port *p, const struct cluster_result *result, struct u16 key, struct u16 prefix)
{
	if (p->lost)
		return; /* One loss is told, however many it were. */
	p->lost = result->notification_lost || p->count == QUEUE_MAX ||
		  waiting_bytes(p) + result->notification.len > SERVE_BATCH_BYTES || queue(p, result, key, prefix) < 0;
}

void serve_batch_ports_applied(struct service *s, const struct cluster_result *result)
{
	/* A notification without commands is that of a call, which is no batch. */
	size_t nothing = sizeof(uint32_t);
	struct u16 key, prefix;

	if (result->notification_key == NULL || (result->notification.len <= nothing && !result->notification_lost))
		return;
	key = u16_from_z(result->notification_key);
	for (struct batch_port *p = s->batch_ports; p != NULL; p = p->next) {
		struct serve_call *c;

		if (!is_below(p, key, &prefix))
			continue;
		offer(p, result, key, prefix);
		if ((p->count > 0 || p->lost) && (c = serve_waiter_take(&p->waiters)) != NULL)
			give(c, p);
	}
}

void serve_batch_ports_end(struct service *s, int r)
{
	for (struct batch_port *p = s->batch_ports; p != NULL; p = p->next)
		end_waiters(p, r);
}

unsigned serve_batch_ports_of(const struct service *s, const struct rpc_account *client)
{
	unsigned count = 0;

	for (const struct batch_port *p = s->batch_ports; p != NULL; p = p->next)
		count += p->owner->account == client;
	return count;
}

static void port_rundown(void *object)
{
	struct batch_port *p = object;

	*p->previous = p->next;
	if (p->next != NULL)
		p->next->previous = p->previous;
	p->service->port_count--;
	end_waiters(p, ERR_NO_MORE_ITEMS);
	while (p->count > 0)
		drop_first(p);
	free(p);
}

static const struct rpc_handle_type batch_port_type = { "batch port", port_rundown };

static int new_port(struct serve_call *c, struct u16 path, struct ndr_handle *ret)
{
	struct service *s = c->service;
	struct batch_port *p;
	int r = serve_port_count(c);

	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p) + (path.len + 1) * sizeof(char16_t));
	if (p == NULL) {
		s->port_count--;
		return -ENOMEM;
	}
	p->service = s;
	p->owner = serve_port_owner(c);
	p->len = path.len;
	if (path.len > 0)
		memcpy(p->path, path.units, path.len * sizeof(char16_t));
	p->next = s->batch_ports;
	p->previous = &s->batch_ports;
	if (p->next != NULL)
		p->next->previous = &p->next;
	s->batch_ports = p;
	r = serve_handle_new(c, &batch_port_type, p, SERVE_READ, ret);
	if (r < 0)
		port_rundown(p);
	return r;
}

static void create_batch_port(struct serve_call *c)
{
	const struct clusapi_CreateBatchPort_in *in = c->in;
	struct clusapi_CreateBatchPort_out *out = c->out;
	struct u16 path;
	int r = serve_key_in(c, &in->key, &path);

	serve_finish(c, r < 0 ? r : new_port(c, path, &out->batch_port));
}

static void get_batch_notification(struct serve_call *c)
{
	const struct clusapi_GetBatchNotification_in *in = c->in;
	struct rpc_handle_value value;
	struct batch_port *p;
	int r = serve_handle_find(c, &in->batch_port, &batch_port_type, &value);

	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	p = value.object;
	if (p->count > 0 || p->lost)
		give(c, p);
	else
		serve_wait(c, &p->waiters, UINT32_MAX);
}

static void close_batch_port(struct serve_call *c)
{
	const struct clusapi_CloseBatchPort_in *in = c->in;
	struct clusapi_CloseBatchPort_out *out = c->out;

	serve_finish(c, serve_handle_close(c, &in->batch_port, &batch_port_type, &out->batch_port));
}

serve_handler *serve_batch_port_handler(unsigned number)
{
	switch (number) {
	case CLUSAPI_CREATE_BATCH_PORT:
		return create_batch_port;
	case CLUSAPI_GET_BATCH_NOTIFICATION:
		return get_batch_notification;
	case CLUSAPI_CLOSE_BATCH_PORT:
		return close_batch_port;
	default:
		return NULL;
	}
}
