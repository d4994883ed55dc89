/* notify: notification ports: programs are told what changes (opnums 55-65, 90, 91, 99, 100, 107, 137-139, 147, 155).
 *
 * How      a port is a context handle with filters and a queue (port.c).  All that is applied is offered to every port.  A
 *          call that asks for events and finds none waits: it is kept in the port and answered when there is one.
 *
 *             GetNotify ──► queue ──► answered
 *                             └ empty: waits ──► an event: answered with it
 *                                            ├─► Unblock, Close: 259 (65), 1 (139, 147)
 *                                            ├─► the client cancels or goes: forgotten, no event is lost with it
 *                                            └─► the service stops or a restore begins: the error that says so
 *
 *          Handles are shared by the connections of a client, so a call that waits on one connection is ended by another one.
 * Choices  a port of the other version is refused with 87.  Several calls may wait at a port: who came first is answered
 *          first.  Unblocking is for who waits now, it is not remembered.  An answer holds at most REPLY_MAX bytes of
 *          events, the rest waits for the next call.
 * Limits   SERVE_PORTS_MAX in the whole service, SERVE_PORTS_READER for who may only read; those of port.h; [limits] events of
 *          rueda.conf.
 * Threads  the loop thread.     Source  MS-CMRP 3.1.4.2.56 and after     Tests  tests/integration/notify.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/notify.h"
#include "cluster/cluster.h"
#include "ruedad/serve/access.h"
#include "ruedad/serve/object.h"
#include "ruedad/serve/port.h"

enum { REPLY_MAX = 4 << 20 };

struct notify_port {
	struct port port;
	struct service *service;
	const struct rpc_association *owner;
	struct notify_port *next, **previous; /* In the service's list. */
	struct waiters waiters;
};

/* Waiting. */

static void forget_waiter(struct serve_call *c)
{
	struct waiters *w = c->data;
	struct serve_call **at = &w->first;

	while (*at != c)
		at = &(*at)->next_waiting;
	*at = c->next_waiting;
	loop_timer_free(c->timer);
	c->timer = NULL;
	rpc_call_on_cancel(c->rpc, NULL);
}

static void on_gone(struct rpc_call *rpc)
{
	struct serve_call *c = rpc->user;

	forget_waiter(c);
	serve_finish(c, ERR_CANCELLED);
}

static void on_timeout(void *data)
{
	forget_waiter(data);
	serve_finish(data, ERR_WAIT_TIMEOUT);
}

void serve_wait(struct serve_call *c, struct waiters *w, uint32_t timeout_ms)
{
	struct serve_call **at = &w->first;

	c->data = w;
	c->timer = NULL;
	if (timeout_ms != UINT32_MAX) {
		if (loop_timer_new(c->service->loop, on_timeout, c, &c->timer) < 0) {
			serve_finish(c, -ENOMEM);
			return;
		}
		loop_timer_start(c->timer, (uint64_t)timeout_ms * 1000000);
	}
	while (*at != NULL)
		at = &(*at)->next_waiting;
	c->next_waiting = NULL;
	*at = c;
	c->rpc->user = c;
	rpc_call_on_cancel(c->rpc, on_gone);
}

struct serve_call *serve_waiter_take(struct waiters *w)
{
	struct serve_call *c = w->first;

	if (c != NULL)
		forget_waiter(c);
	return c;
}

/* The ports of a client, and how many filters they have together. */
static unsigned ports_of(const struct service *s, const struct rpc_account *client, size_t *ret_filters)
{
	unsigned count = 0;

	*ret_filters = 0;
	for (const struct notify_port *n = s->ports; n != NULL; n = n->next) {
		if (n->owner->account != client)
			continue;
		*ret_filters += n->port.filter_count;
		count++;
	}
	return count;
}

int serve_port_count(struct serve_call *c)
{
	const struct rpc_association *owner = serve_port_owner(c);
	struct service *s = c->service;
	size_t filters;

	if (s->port_count == SERVE_PORTS_MAX ||
	    (serve_is_reader(owner) &&
		ports_of(s, owner->account, &filters) + serve_batch_ports_of(s, owner->account) >= SERVE_PORTS_READER))
		return ERR_TOO_MANY_OPEN_FILES;
	s->port_count++;
	return 0;
}

/* Each filter is looked at for each change, whoever makes it. */
static int add_filter(struct notify_port *n, const struct port_filter *f)
{
	size_t filters;

	(void)ports_of(n->service, n->owner->account, &filters);
	if (serve_is_reader(n->owner) && filters >= PORT_FILTERS_MAX)
		return ERR_TOO_MANY_OPEN_FILES;
	return port_filter(&n->port, f);
}

/* Events as calls answer with them. */

static int give_one(struct serve_call *c, struct port *p)
{
	struct clusapi_GetNotify_out *out = c->out;
	const struct port_entry *e = port_first(p);

	out->notify_key = e->notify_key;
	out->filter = e->event->v1;
	out->state_sequence = e->event->change.sequence;
	out->name = serve_dup(c, u16_from_z(e->event->change.name));
	if (out->name == NULL)
		return -ENOMEM;
	port_take(p);
	return 0;
}

static size_t how_many(const struct port *p)
{
	size_t count = 0, bytes = 0;

	for (; count < p->count && bytes < REPLY_MAX; count++)
		bytes += p->entries[(p->first + count) % p->capacity].event->size + sizeof(struct clusapi_notification);
	return count;
}

static int give_async(struct serve_call *c, struct port *p)
{
	struct clusapi_GetNotifyAsync_out *out = c->out;
	size_t count = how_many(p);
	struct clusapi_notification_async *list = arena_alloc_zero(serve_arena(c), count * sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct port_entry *e = port_first(p);

		list[i] = (struct clusapi_notification_async){ e->notify_key, e->event->v1,
			serve_dup(c, u16_from_z(e->event->change.name)) };
		if (list[i].name == NULL)
			return -ENOMEM;
		port_take(p);
	}
	out->notifications = list;
	out->notification_count = (uint32_t)count;
	return 0;
}

static int copy_event(struct serve_call *c, const struct port_entry *e, struct clusapi_notification *ret)
{
	const struct cluster_change *change = &e->event->change;

	ret->notify_key = e->notify_key;
	ret->data.filter.object_type = change->type;
	ret->data.filter.flags = (int64_t)change->what;
	ret->data.buffer_size = (uint32_t)change->len;
	ret->data.buffer = change->len > 0 ? arena_dup(serve_arena(c), change->data, change->len) : NULL;
	ret->data.object_id = serve_dup(c, u16_from_z(change->id));
	ret->data.parent_id = serve_dup(c, u16_from_z(change->parent));
	ret->data.name = serve_dup(c, u16_from_z(change->name));
	ret->data.type = serve_dup(c, u16_from_z(change->type_name));
	return (change->len > 0 && ret->data.buffer == NULL) || ret->data.object_id == NULL ||
		       ret->data.parent_id == NULL || ret->data.name == NULL || ret->data.type == NULL
		   ? -ENOMEM
		   : 0;
}

static int give_v2(struct serve_call *c, struct port *p)
{
	struct clusapi_GetNotifyV2_out *out = c->out;
	size_t count = how_many(p);
	struct clusapi_notification *list = arena_alloc_zero(serve_arena(c), count * sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = copy_event(c, port_first(p), &list[i]);

		if (r < 0)
			return r;
		port_take(p);
	}
	out->notifications = list;
	out->notification_count = (uint32_t)count;
	return 0;
}

static int give(struct serve_call *c, struct port *p)
{
	switch (c->rpc->opnum) {
	case CLUSAPI_GET_NOTIFY:
		return give_one(c, p);
	case CLUSAPI_GET_NOTIFY_ASYNC:
		return give_async(c, p);
	default:
		return give_v2(c, p);
	}
}

static void answer_waiters(struct notify_port *n)
{
	while (n->port.count > 0 && n->waiters.first != NULL) {
		struct serve_call *c = serve_waiter_take(&n->waiters);

		serve_finish(c, give(c, &n->port));
	}
}

/* r 0: as unblocking does it. */
static void end_waiters(struct notify_port *n, int r)
{
	struct serve_call *c;

	while ((c = serve_waiter_take(&n->waiters)) != NULL)
		serve_finish(c, r != 0                                ? r
				: c->rpc->opnum == CLUSAPI_GET_NOTIFY ? ERR_NO_MORE_ITEMS
								      : ERR_INVALID_FUNCTION);
}

void serve_notify_applied(struct service *s, const struct cluster_result *result)
{
	for (struct notify_port *n = s->ports; n != NULL; n = n->next) {
		port_offer(&n->port, result);
		answer_waiters(n);
	}
	serve_batch_ports_applied(s, result);
}

void serve_notify_end(struct service *s)
{
	int r = serve_state_error(s);

	for (struct notify_port *n = s->ports; n != NULL; n = n->next)
		end_waiters(n, r);
	serve_batch_ports_end(s, r);
}

/* Ports. */

static void port_rundown(void *object)
{
	struct notify_port *n = object;

	*n->previous = n->next;
	if (n->next != NULL)
		n->next->previous = n->previous;
	n->service->port_count--;
	end_waiters(n, 0);
	port_done(&n->port);
	free(n);
}

static bool may_hear(const struct port *p, const struct cluster_result *event, struct u16 path)
{
	const struct notify_port *n = container_of(p, struct notify_port, port);

	return access_may_hear(n->service, &n->owner->identity, event, path, SD_KEY_NOTIFY);
}

static const struct rpc_handle_type port_type = { "notification port", port_rundown };

static int new_port(struct serve_call *c, unsigned version, struct ndr_handle *ret)
{
	struct service *s = c->service;
	struct notify_port *n;
	int r = serve_port_count(c);

	if (r < 0)
		return r;
	n = calloc(1, sizeof(*n));
	if (n == NULL) {
		s->port_count--;
		return -ENOMEM;
	}
	port_init(&n->port, version, s->config->events);
	n->port.may_hear = may_hear;
	n->service = s;
	n->owner = serve_port_owner(c);
	n->next = s->ports;
	n->previous = &s->ports;
	if (n->next != NULL)
		n->next->previous = &n->next;
	s->ports = n;
	r = serve_handle_new(c, &port_type, n, SERVE_READ, ret);
	if (r < 0)
		port_rundown(n);
	return r;
}

/* version 0: any. */
static int port_in(struct serve_call *c, const struct ndr_handle *handle, unsigned version, struct notify_port **ret)
{
	struct rpc_handle_value value;
	int r = serve_handle_find(c, handle, &port_type, &value);

	if (r < 0)
		return r;
	*ret = value.object;
	return version != 0 && (*ret)->port.version != version ? ERR_INVALID_PARAMETER : 0;
}

static void create_notify(struct serve_call *c)
{
	struct clusapi_CreateNotify_out *out = c->out;

	serve_finish(c, new_port(c, 1, &out->handle));
}

static void create_notify_v2(struct serve_call *c)
{
	struct clusapi_CreateNotifyV2_out *out = c->out;

	serve_finish(c, new_port(c, 2, &out->handle));
}

static void close_notify(struct serve_call *c)
{
	const struct clusapi_CloseNotify_in *in = c->in;
	struct clusapi_CloseNotify_out *out = c->out;

	serve_finish(c, serve_handle_close(c, &in->notify, &port_type, &out->notify));
}

static void unblock(struct serve_call *c)
{
	const struct clusapi_UnblockGetNotifyCall_in *in = c->in;
	struct notify_port *n;
	int r = port_in(c, &in->notify, 0, &n);

	if (r == 0)
		end_waiters(n, 0);
	serve_finish(c, r);
}

static void wait_for_events(
    struct serve_call *c, const struct ndr_handle *notify, unsigned version, uint32_t timeout_ms)
{
	struct notify_port *n;
	int r = port_in(c, notify, version, &n);

	if (r < 0)
		serve_finish(c, r);
	else if (n->port.count > 0)
		serve_finish(c, give(c, &n->port));
	else
		serve_wait(c, &n->waiters, timeout_ms);
}

static void get_notify(struct serve_call *c)
{
	const struct clusapi_GetNotify_in *in = c->in;

	wait_for_events(c, &in->notify, 1, c->request.version == 2 ? in->timeout : UINT32_MAX);
}

static void get_notify_async(struct serve_call *c)
{
	const struct clusapi_GetNotifyAsync_in *in = c->in;

	wait_for_events(c, &in->notify, 1, UINT32_MAX);
}

static void get_notify_v2(struct serve_call *c)
{
	const struct clusapi_GetNotifyV2_in *in = c->in;

	wait_for_events(c, &in->notify, 2, UINT32_MAX);
}

/* Filters of version 1. */

static struct changes_view view(struct serve_call *c)
{
	return changes_view_of(serve_db(c), cluster_runtime(c->service->cluster));
}

static void add_cluster(struct serve_call *c)
{
	const struct clusapi_AddNotifyCluster_in *in = c->in;
	struct notify_port *n;
	uint32_t access;
	int r = port_in(c, &in->notify, 1, &n);

	if (r == 0)
		r = serve_cluster_in(c, &in->cluster, &access);
	if (r == 0) /* Keys have handles of their own. */
		r = add_filter(n, &(struct port_filter){ .notify_key = in->notify_key,
					      .flags = in->filter & ~(uint32_t)PORT_V1_REGISTRY });
	serve_finish(c, r);
}

/* One object; of a filter that is added again, the state that the client has seen last. */
static int add_object(struct serve_call *c, enum object_kind kind, uint32_t type, uint32_t mask,
    const struct ndr_handle *notify, const struct ndr_handle *object, uint32_t filter, uint32_t key,
    const uint32_t *seen, uint32_t *ret_sequence)
{
	struct changes_view v = view(c);
	struct notify_port *n;
	struct object_in o;
	int r = port_in(c, notify, 1, &n);

	if (r == 0)
		r = object_in(c, object, kind, &o);
	if (r == 0)
		r = add_filter(n,
		    &(struct port_filter){
			.notify_key = key, .type = type, .flags = filter & mask, .targeted = true, .target = o.id });
	if (r < 0)
		return r;
	*ret_sequence = changes_sequence(&v, kind, o.id);
	if (seen != NULL && *seen != *ret_sequence && (filter & port_v1_state(type)) != 0) {
		struct cluster_change change = { .type = type,
			.what = type == CHANGE_NODE    ? CHANGE_NODE_STATE
				: type == CHANGE_GROUP ? CHANGE_GROUP_STATE
						       : CHANGE_RESOURCE_STATE,
			.sequence = *ret_sequence,
			.name = serve_dup(c, object_name(o.key, kind)) };

		if (change.name == NULL)
			return -ENOMEM;
		port_push(&n->port, key, &change);
		answer_waiters(n);
	}
	return 0;
}

/* Adds and adds again, one for each kind. */
#define DEFINE_ADD(name, Kind, member, kind, type, mask)                                                               \
	static void add_##name(struct serve_call *c)                                                                   \
	{                                                                                                              \
		const struct clusapi_AddNotify##Kind##_in *in = c->in;                                                 \
		struct clusapi_AddNotify##Kind##_out *out = c->out;                                                    \
                                                                                                                       \
		serve_finish(c, add_object(c, kind, type, mask, &in->notify, &in->member, in->filter, in->notify_key,  \
				    NULL, &out->state_sequence));                                                      \
	}                                                                                                              \
	static void readd_##name(struct serve_call *c)                                                                 \
	{                                                                                                              \
		const struct clusapi_ReAddNotify##Kind##_in *in = c->in;                                               \
		uint32_t sequence;                                                                                     \
                                                                                                                       \
		serve_finish(c, add_object(c, kind, type, mask, &in->notify, &in->member, in->filter, in->notify_key,  \
				    &in->state_sequence, &sequence));                                                  \
	}

DEFINE_ADD(node, Node, node, OBJECT_NODE, CHANGE_NODE, PORT_V1_NODE)
DEFINE_ADD(group, Group, group, OBJECT_GROUP, CHANGE_GROUP, PORT_V1_GROUP)
DEFINE_ADD(resource, Resource, resource, OBJECT_RESOURCE, CHANGE_RESOURCE, PORT_V1_RESOURCE)
DEFINE_ADD(network, Network, network, OBJECT_NETWORK, CHANGE_NETWORK, PORT_V1_NETWORK)
DEFINE_ADD(interface, NetInterface, net_interface, OBJECT_INTERFACE, CHANGE_INTERFACE, PORT_V1_INTERFACE)

static void add_key(struct serve_call *c)
{
	const struct clusapi_AddNotifyKey_in *in = c->in;
	struct port_filter f = { .notify_key = in->notify_key,
		.type = CHANGE_REGISTRY,
		.flags = in->filter & PORT_V1_REGISTRY,
		.targeted = true,
		.subtree = in->watch_sub_tree != 0 };
	struct notify_port *n;
	int r = port_in(c, &in->notify, 1, &n);

	if (r == 0)
		r = serve_key_in(c, &in->key, &f.target);
	serve_finish(c, r < 0 ? r : add_filter(n, &f));
}

/* Filters of version 2. */

enum { V2 = 2, REGISTRY_SUBTREE = 0x4 };

/* What the filter is about.  Of the types without an entry there is one for all: the handle is the cluster's. */
static int find_target(struct serve_call *c, const struct ndr_handle *object, struct port_filter *f)
{
	static const enum object_kind kinds[] = { [CHANGE_GROUP] = OBJECT_GROUP,
		[CHANGE_RESOURCE] = OBJECT_RESOURCE,
		[CHANGE_INTERFACE] = OBJECT_INTERFACE,
		[CHANGE_NETWORK] = OBJECT_NETWORK,
		[CHANGE_NODE] = OBJECT_NODE };
	enum object_kind kind = f->type < ARRAY_SIZE(kinds) ? kinds[f->type] : 0;
	struct object_in o;
	uint32_t access;
	int r;

	if (f->targeted && f->type == CHANGE_REGISTRY)
		return serve_key_in(c, object, &f->target);
	if (!f->targeted || kind == 0) {
		f->targeted = false;
		return serve_cluster_in(c, object, &access);
	}
	r = object_in(c, object, kind, &o);
	if (r == 0)
		f->target = o.id;
	return r;
}

static void add_v2(struct serve_call *c)
{
	const struct clusapi_AddNotifyV2_in *in = c->in;
	uint64_t flags = (uint64_t)in->filter.flags;
	struct port_filter f = { .notify_key = in->notify_key,
		.type = in->filter.object_type,
		.flags = flags & ~(uint64_t)(in->filter.object_type == CHANGE_REGISTRY ? REGISTRY_SUBTREE : 0),
		.targeted = in->targeted_at_object != 0,
		.subtree = (flags & REGISTRY_SUBTREE) != 0 };
	struct notify_port *n;
	int r = port_in(c, &in->notify, V2, &n);

	if (r == 0 && (in->version != V2 || flags == 0 || (flags & ~port_v2_flags(f.type)) != 0))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = find_target(c, &in->object, &f);
	serve_finish(c, r < 0 ? r : add_filter(n, &f));
}

static void add_resource_type_v2(struct serve_call *c)
{
	const struct clusapi_AddNotifyResourceTypeV2_in *in = c->in;
	struct port_filter f = { .notify_key = in->notify_key,
		.type = CHANGE_TYPE,
		.flags = (uint64_t)in->filter,
		.targeted = true,
		.target = u16_from_z(in->resource_type_name) };
	struct notify_port *n;
	int r = port_in(c, &in->notify, V2, &n);

	if (r == 0 && (in->version != V2 || f.flags == 0 || (f.flags & ~port_v2_flags(CHANGE_TYPE)) != 0))
		r = ERR_INVALID_PARAMETER;
	if (r == 0 && object_by_id(serve_root(c), OBJECT_TYPE, f.target) == NULL)
		r = ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND;
	serve_finish(c, r < 0 ? r : add_filter(n, &f));
}

serve_handler *serve_notify_handler(unsigned number)
{
	// clang-format off
	switch (number) {
	case CLUSAPI_CREATE_NOTIFY:			return create_notify;
	case CLUSAPI_CLOSE_NOTIFY:			return close_notify;
	case CLUSAPI_ADD_NOTIFY_CLUSTER:		return add_cluster;
	case CLUSAPI_ADD_NOTIFY_NODE:			return add_node;
	case CLUSAPI_ADD_NOTIFY_GROUP:			return add_group;
	case CLUSAPI_ADD_NOTIFY_RESOURCE:		return add_resource;
	case CLUSAPI_ADD_NOTIFY_KEY:			return add_key;
	case CLUSAPI_ADD_NOTIFY_NETWORK:		return add_network;
	case CLUSAPI_ADD_NOTIFY_NET_INTERFACE:		return add_interface;
	case CLUSAPI_RE_ADD_NOTIFY_NODE:		return readd_node;
	case CLUSAPI_RE_ADD_NOTIFY_GROUP:		return readd_group;
	case CLUSAPI_RE_ADD_NOTIFY_RESOURCE:		return readd_resource;
	case CLUSAPI_RE_ADD_NOTIFY_NETWORK:		return readd_network;
	case CLUSAPI_RE_ADD_NOTIFY_NET_INTERFACE:	return readd_interface;
	case CLUSAPI_GET_NOTIFY:			return get_notify;
	case CLUSAPI_GET_NOTIFY_ASYNC:			return get_notify_async;
	case CLUSAPI_UNBLOCK_GET_NOTIFY_CALL:		return unblock;
	case CLUSAPI_CREATE_NOTIFY_V2:			return create_notify_v2;
	case CLUSAPI_ADD_NOTIFY_V2:			return add_v2;
	case CLUSAPI_ADD_NOTIFY_RESOURCE_TYPE_V2:	return add_resource_type_v2;
	case CLUSAPI_GET_NOTIFY_V2:			return get_notify_v2;
	default:					return NULL;
	}
	// clang-format on
}
