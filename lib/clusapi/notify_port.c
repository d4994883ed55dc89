/* notify_port: ports of events: what was fetched and waits for the program, and the threads that fetch.
 *
 * Why      the server tells an event to a call that waits for it; a program waits with a time-out, on several threads, or
 *          not at all, and must hear of a lost connection as well.
 * How      a port has a session for each connection of a cluster (link) that its filters came with.  A session is a port of
 *          the server and a thread, which waits there and puts what comes into the port's queue.
 *
 *             server ◄─wait─► session's thread ──► queue ──► GetClusterNotify()
 *
 *          The thread's call shares a connection with its like only (patient calls), so nothing else waits for it.  When
 *          the queue is full it stops to fetch; the server's queue then fills, and says that events were lost.
 * Lost     connections are made again, with a port and its filters; objects of version 1 whose state has changed meanwhile
 *          are told by the server.  Before that comes CLUSTER_STATE (nobody answers), then CLUSTER_RECONNECT, to the
 *          filters that ask for them.  After a restore there is nothing to come back to: the session is dead, and a port
 *          without a live session is an invalid handle once its events are taken.
 * Closing  wakes all who wait (259) and cancels the threads' calls; each thread has a reference to the port and closes the
 *          server's port before it goes.
 * Locks    a session's, then a remote's or the port's.  Filters change with both the session's and the port's held.
 * Limits   PORT_EVENTS_MAX; LINK_WAITS_MAX sessions of a link.     Threads  all functions.
 * Tests    tests/integration/notify.py, library_fail.c, library_threads.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/notify.h"
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 100, INFINITE_MS = 0xFFFFFFFF };

static void event_free(struct port_event *e)
{
	if (e == NULL)
		return;
	free(e->id);
	free(e->parent);
	free(e->name);
	free(e->type_name);
	free(e->data);
	free(e);
}
DEFINE_FREEP(struct port_event, event_free)

/* The list of ports whose filters ask to hear of closed handles: all ports. */

static struct {
	pthread_mutex_t lock;
	struct port_link {
		struct port *port;
		struct port_link *next;
	} * first;
} ports = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The queue. */

static void set_readable(struct port *p)
{
	uint64_t n = 1;

	if (p->event_fd < 0)
		return;
	if (p->count > 0 || p->closed)
		(void)!write(p->event_fd, &n, sizeof(n));
	else
		(void)!read(p->event_fd, &n, sizeof(n));
}

/* Takes e over.  The port's lock is held. */
static void put(struct port *p, struct port_event *e)
{
	*p->last = e;
	p->last = &e->next;
	p->count++;
	set_readable(p);
	(void)pthread_cond_broadcast(&p->changed);
}

/* One that this library makes; without memory or room it is lost.  The port's lock is held. */
static void make(struct port *p, const struct port_filter *f, uint64_t flags)
{
	struct port_event *e = flags != 0 ? calloc(1, sizeof(*e)) : NULL;

	if (e == NULL)
		return;
	e->key = f->key;
	e->type = f->type;
	e->flags = flags;
	if (p->count < PORT_EVENTS_MAX)
		put(p, e);
	else
		event_free(e);
}

void port_take(struct port *p)
{
	struct port_event *e = p->first;

	p->first = e->next;
	if (p->first == NULL)
		p->last = &p->first;
	p->count--;
	set_readable(p);
	(void)pthread_cond_broadcast(&p->changed);
	event_free(e);
}

static struct timespec deadline_of(DWORD ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

int port_wait(struct port *p, DWORD ms, struct port_event **ret)
{
	struct timespec deadline = deadline_of(ms);
	int r = 0;

	(void)pthread_mutex_lock(&p->lock);
	while (r == 0 && p->first == NULL) {
		if (p->closed)
			r = ERR_NO_MORE_ITEMS;
		else if (p->sessions != NULL && p->live == 0)
			r = ERR_INVALID_HANDLE;
		else if (ms == INFINITE_MS)
			(void)pthread_cond_wait(&p->changed, &p->lock);
		else if (pthread_cond_timedwait(&p->changed, &p->lock, &deadline) == ETIMEDOUT && p->first == NULL)
			r = p->closed ? ERR_NO_MORE_ITEMS : ERR_WAIT_TIMEOUT;
	}
	if (r == 0 && p->closed)
		r = ERR_NO_MORE_ITEMS;
	if (r < 0)
		(void)pthread_mutex_unlock(&p->lock);
	else
		*ret = p->first;
	return r;
}

int port_event_fd(struct port *p, int *ret)
{
	int r = 0;

	(void)pthread_mutex_lock(&p->lock);
	if (p->event_fd < 0) {
		p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (p->event_fd < 0)
			r = -errno;
		else
			set_readable(p);
	}
	*ret = p->event_fd;
	(void)pthread_mutex_unlock(&p->lock);
	return r;
}

/* Sessions. */

static void filter_done(struct port_filter *f)
{
	object_unref(f->object);
	free(f->resource_type);
}

/* The server's port, made anew with all filters if the old one is gone.  The lock is held. */
static int session_open(struct session *s, bool *ret_again)
{
	struct clusapi_CreateNotify_in in;
	struct clusapi_CreateNotify_out out;
	struct clusapi_CreateNotifyV2_out out_v2;
	_cleanup_arena_ struct arena arena = { 0 };
	bool v2 = s->port->version == 2;
	int r;

	*ret_again = false;
	if (s->dead)
		return ERR_INVALID_HANDLE;
	if (s->is_open && s->epoch == link_epoch(s->link))
		return 0;
	r = v2 ? link_call(s->link, LINK_CLUSAPI, CLUSAPI_CREATE_NOTIFY_V2, &in, &out_v2, &arena)
	       : link_call(s->link, LINK_CLUSAPI, CLUSAPI_CREATE_NOTIFY, &in, &out, &arena);
	if (r < 0)
		return r;
	s->handle = v2 ? out_v2.handle : out.handle;
	*ret_again = s->was_open;
	s->epoch = link_epoch(s->link);
	s->is_open = s->was_open = true;
	for (size_t i = 0; i < s->count; i++) {
		r = filter_send(s, &s->filters[i], (uint32_t)i + 1, false);
		if (r == ERR_INVALID_HANDLE && s->epoch == link_epoch(s->link)) {
			s->dead = true;
			return r;
		}
		if (s->epoch != link_epoch(s->link)) {
			s->is_open = false; /* Lost again. */
			return ERR_RPC_S_CALL_FAILED;
		}
		/* Any other error: the object is gone, and there is nothing to be told of it. */
	}
	return 0;
}

/* Tell every filter that asks for it. */
static void tell_all(struct session *s, uint64_t (*flags)(unsigned version, const struct port_filter *f))
{
	(void)pthread_mutex_lock(&s->port->lock);
	for (size_t i = 0; i < s->count; i++)
		make(s->port, &s->filters[i], flags(s->port->version, &s->filters[i]));
	(void)pthread_mutex_unlock(&s->port->lock);
}

static int copy_text(const char16_t *text, char16_t **ret)
{
	*ret = u16_dup(u16_from_z(text));
	return *ret == NULL ? -ENOMEM : 0;
}

/* The event's key is a filter's place. */
static void receive(struct session *s, uint32_t server_key, struct port_event *fresh)
{
	_cleanup_(event_freep) struct port_event *e = fresh;
	struct port *p = s->port;

	(void)pthread_mutex_lock(&p->lock);
	if (server_key == 0 || server_key > s->count) {
		(void)pthread_mutex_unlock(&p->lock);
		return;
	}
	e->key = s->filters[server_key - 1].key;
	while (p->count >= PORT_EVENTS_MAX && !p->closed)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	if (!p->closed)
		put(p, TAKE_PTR(e));
	(void)pthread_mutex_unlock(&p->lock);
}

static int fetch_v1(struct session *s, const struct ndr_handle *handle)
{
	enum { STATES = 0x1 | 0x100 | 0x1000 | 0x100000 | 0x1000000 };
	struct clusapi_GetNotify_in in = { .notify = *handle };
	struct clusapi_GetNotify_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	struct port_event *e;
	int r = link_wait(s->link, CLUSAPI_GET_NOTIFY, &in, &out, &arena, &s->cancel);

	if (r < 0)
		return r;
	e = calloc(1, sizeof(*e));
	if (e == NULL || copy_text(out.name, &e->name) < 0) {
		event_free(e);
		return -ENOMEM;
	}
	e->flags = out.filter;
	(void)pthread_mutex_lock(&s->port->lock);
	if ((out.filter & STATES) != 0 && out.notify_key >= 1 && out.notify_key <= s->count)
		s->filters[out.notify_key - 1].sequence = out.state_sequence;
	(void)pthread_mutex_unlock(&s->port->lock);
	receive(s, out.notify_key, e);
	return 0;
}

static int copy_v2(const struct clusapi_notification_data *d, struct port_event *e)
{
	if (copy_text(d->object_id, &e->id) < 0 || copy_text(d->parent_id, &e->parent) < 0 ||
	    copy_text(d->name, &e->name) < 0 || copy_text(d->type, &e->type_name) < 0)
		return -ENOMEM;
	e->type = d->filter.object_type;
	e->flags = (uint64_t)d->filter.flags;
	e->data = malloc(d->buffer_size + 1);
	if (e->data == NULL)
		return -ENOMEM;
	if (d->buffer_size > 0 && d->buffer != NULL) {
		memcpy(e->data, d->buffer, d->buffer_size);
		e->len = d->buffer_size;
	}
	return 0;
}

static int fetch_v2(struct session *s, const struct ndr_handle *handle)
{
	struct clusapi_GetNotifyV2_in in = { .notify = *handle };
	struct clusapi_GetNotifyV2_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = link_wait(s->link, CLUSAPI_GET_NOTIFY_V2, &in, &out, &arena, &s->cancel);

	for (uint32_t i = 0; r == 0 && out.notifications != NULL && i < out.notification_count; i++) {
		struct port_event *e = calloc(1, sizeof(*e));

		if (e == NULL || copy_v2(&out.notifications[i].data, e) < 0) {
			event_free(e);
			return -ENOMEM;
		}
		receive(s, out.notifications[i].notify_key, e);
	}
	return r;
}

static bool is_closed(struct port *p)
{
	bool closed;

	(void)pthread_mutex_lock(&p->lock);
	closed = p->closed;
	(void)pthread_mutex_unlock(&p->lock);
	return closed;
}

/* Until the next try. */
static void rest(struct port *p)
{
	struct timespec deadline = deadline_of(RETRY_MS);

	(void)pthread_mutex_lock(&p->lock);
	while (!p->closed && pthread_cond_timedwait(&p->changed, &p->lock, &deadline) != ETIMEDOUT)
		;
	(void)pthread_mutex_unlock(&p->lock);
}

/* One wait at the server, or one try to come back to it.  false: it is over. */
static bool session_step(struct session *s, bool *away)
{
	struct ndr_handle handle;
	uint64_t epoch;
	bool again;
	int r;

	(void)pthread_mutex_lock(&s->lock);
	r = session_open(s, &again);
	handle = s->handle;
	epoch = s->epoch;
	(void)pthread_mutex_unlock(&s->lock);
	if (r == 0 && again) {
		tell_all(s, filter_reconnect);
		*away = false;
	}
	if (r == 0)
		r = s->port->version == 1 ? fetch_v1(s, &handle) : fetch_v2(s, &handle);
	if (r == 0 || is_closed(s->port))
		return true;
	(void)pthread_mutex_lock(&s->lock);
	/* A port that the server has ended although nothing was lost: another generation of the cluster serves now. */
	if (r == ERR_INVALID_HANDLE && epoch == s->epoch && epoch == link_epoch(s->link))
		s->dead = true;
	again = s->dead;
	(void)pthread_mutex_unlock(&s->lock);
	if (!*away)
		tell_all(s, filter_state);
	*away = true;
	if (!again)
		rest(s->port);
	return !again;
}

static void close_on_server(struct session *s)
{
	struct clusapi_CloseNotify_in in = { s->handle };
	struct clusapi_CloseNotify_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	struct rpc_cancel never;

	if (s->dead || !s->is_open || s->epoch != link_epoch(s->link) || rpc_cancel_init(&never) < 0)
		return;
	(void)link_wait(s->link, CLUSAPI_CLOSE_NOTIFY, &in, &out, &arena, &never);
	rpc_cancel_done(&never);
}

static void *session_run(void *data)
{
	struct session *s = data;
	struct port *p = s->port;
	bool away = false;

	while (!is_closed(p) && session_step(s, &away))
		;
	close_on_server(s);
	(void)pthread_mutex_lock(&p->lock);
	p->live--;
	set_readable(p);
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	object_unref(&p->object);
	return NULL;
}

static void session_free(struct session *s)
{
	for (size_t i = 0; i < s->count; i++)
		filter_done(&s->filters[i]);
	free(s->filters);
	rpc_cancel_done(&s->cancel);
	link_wait_release(s->link);
	link_unref(s->link);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static int session_new(struct port *p, struct link *l, struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	int r = s == NULL ? -ENOMEM : rpc_cancel_init(&s->cancel);

	if (r < 0) {
		free(s);
		return r;
	}
	r = link_wait_reserve(l);
	if (r < 0) {
		rpc_cancel_done(&s->cancel);
		free(s);
		return r;
	}
	s->port = p;
	s->link = link_ref(l);
	(void)pthread_mutex_init(&s->lock, NULL);
	*ret = s;
	return 0;
}

/* The program's signals are for its own threads. */
static int start_thread(struct session *s)
{
	sigset_t all, before;
	pthread_t thread;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, session_run, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return -r;
	(void)pthread_detach(thread);
	return 0;
}

/* The session of that link; a new one runs only after its first filter. */
static int session_of(struct port *p, struct link *l, struct session **ret, bool *ret_new)
{
	struct session *s;
	int r;

	(void)pthread_mutex_lock(&p->lock);
	for (s = p->sessions; s != NULL && s->link != l;)
		s = s->next;
	(void)pthread_mutex_unlock(&p->lock);
	*ret_new = s == NULL;
	if (s != NULL) {
		*ret = s;
		return 0;
	}
	r = session_new(p, l, ret);
	return r;
}

static int append(struct session *s, struct port_filter *f)
{
	struct port_filter *grown = s->filters;
	size_t capacity = s->capacity;
	int r = 0;

	(void)pthread_mutex_lock(&s->port->lock);
	if (s->count == capacity) {
		capacity = MAX(capacity * 2, (size_t)4);
		grown = realloc(s->filters, capacity * sizeof(*grown));
	}
	if (grown == NULL) {
		r = -ENOMEM;
	} else {
		s->filters = grown;
		s->capacity = capacity;
		s->filters[s->count++] = *f;
	}
	(void)pthread_mutex_unlock(&s->port->lock);
	return r;
}

static void take_back(struct session *s)
{
	(void)pthread_mutex_lock(&s->port->lock);
	s->count--;
	(void)pthread_mutex_unlock(&s->port->lock);
}

/* It is in the list first, so that whoever opens the server's port meanwhile knows it; taken out again if it fails. */
static int session_add(struct session *s, struct port_filter *f)
{
	bool again;
	int r;

	(void)pthread_mutex_lock(&s->lock);
	r = session_open(s, &again);
	if (r == 0)
		r = append(s, f);
	if (r == 0) {
		r = filter_send(s, &s->filters[s->count - 1], (uint32_t)s->count, true);
		/* With the connection the port is lost: the thread makes a new one, with this filter. */
		if (r < 0 && s->epoch != link_epoch(s->link) && r != ERR_INVALID_HANDLE)
			r = 0;
		if (r < 0)
			take_back(s);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (r == 0 && again)
		tell_all(s, filter_reconnect);
	return r;
}

int port_add(struct port *p, struct port_filter *f)
{
	struct session *s;
	bool fresh;
	int r = session_of(p, f->remote->link, &s, &fresh);

	if (r < 0)
		return r;
	r = session_add(s, f);
	if (!fresh)
		return r;
	if (r < 0) {
		close_on_server(s);
		session_free(s);
		return r;
	}
	(void)pthread_mutex_lock(&p->lock);
	s->next = p->sessions;
	p->sessions = s;
	p->live++;
	(void)pthread_mutex_unlock(&p->lock);
	(void)object_ref(&p->object); /* The thread's. */
	r = start_thread(s);
	if (r < 0) { /* The filter stays with the port, which nothing comes to. */
		(void)pthread_mutex_lock(&p->lock);
		p->live--;
		(void)pthread_mutex_unlock(&p->lock);
		object_unref(&p->object);
	}
	return 0;
}

/* Ports. */

/* Somebody has closed a handle: the filters that came with it hear of it. */
static void on_closed(struct object *o)
{
	(void)pthread_mutex_lock(&ports.lock);
	for (struct port_link *l = ports.first; l != NULL; l = l->next) {
		(void)pthread_mutex_lock(&l->port->lock);
		for (struct session *s = l->port->sessions; s != NULL; s = s->next)
			for (size_t i = 0; i < s->count; i++)
				if (s->filters[i].object == o)
					make(l->port, &s->filters[i], filter_close(l->port->version, &s->filters[i]));
		(void)pthread_mutex_unlock(&l->port->lock);
	}
	(void)pthread_mutex_unlock(&ports.lock);
}

static void forget(struct port *p)
{
	struct port_link **at, *l;

	(void)pthread_mutex_lock(&ports.lock);
	for (at = &ports.first; *at != NULL && (*at)->port != p;)
		at = &(*at)->next;
	l = *at;
	if (l != NULL)
		*at = l->next;
	(void)pthread_mutex_unlock(&ports.lock);
	free(l);
}

static void port_destroy(struct object *o)
{
	struct port *p = container_of(o, struct port, object);

	forget(p);
	while (p->sessions != NULL) {
		struct session *s = p->sessions;

		p->sessions = s->next;
		session_free(s);
	}
	while (p->first != NULL) {
		struct port_event *e = p->first;

		p->first = e->next;
		event_free(e);
	}
	if (p->event_fd >= 0)
		(void)close(p->event_fd);
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

int port_new(unsigned version, HCHANGE *ret, struct port **ret_port)
{
	struct port *p = calloc(1, sizeof(*p));
	struct port_link *l = malloc(sizeof(*l));
	pthread_condattr_t attributes;
	int r;

	if (p == NULL || l == NULL) {
		free(p);
		free(l);
		return -ENOMEM;
	}
	object_init(&p->object, OBJECT_PORT, port_destroy);
	p->version = version;
	p->last = &p->first;
	p->event_fd = -1;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	(void)pthread_mutex_lock(&ports.lock);
	*l = (struct port_link){ p, ports.first };
	ports.first = l;
	(void)pthread_mutex_unlock(&ports.lock);
	handle_on_take(on_closed);
	r = handle_open(&p->object, (void **)ret);
	if (r < 0)
		object_unref(&p->object);
	else
		*ret_port = p;
	return r;
}

int port_get(HCHANGE handle, unsigned version, struct port **ret)
{
	struct object *o;
	int r = handle_get(handle, OBJECT_PORT, &o);

	if (r < 0)
		return r;
	*ret = container_of(o, struct port, object);
	return version != 0 && (*ret)->version != version ? ERR_INVALID_PARAMETER : 0;
}

int port_close(HCHANGE handle)
{
	struct object *o;
	struct session *s;
	struct port *p;
	int r = handle_take(handle, OBJECT_PORT, &o);

	if (r < 0)
		return r;
	p = container_of(o, struct port, object);
	(void)pthread_mutex_lock(&p->lock);
	p->closed = true;
	s = p->sessions;
	set_readable(p);
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	for (; s != NULL; s = s->next)
		link_wait_cancel(s->link, &s->cancel);
	object_unref(o);
	return 0;
}
