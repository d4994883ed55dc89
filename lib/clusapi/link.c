/* link: the connection behind the handles of one opened cluster.
 *
 * Why      a program holds its handles over restarts of the service, and must not notice more than a pause; but after a
 *          restore it must notice, or it would go on changing what it does not know.
 * How      a link's calls go over a line (line.c): one RPC client for each interface, with a few connections; those to the
 *          service of this machine are shared with other links.  When the connections, and with them the server's context
 *          handles, were lost, or the link has gone to another line, a new *epoch* begins.  A remote remembers the epoch that its handle is of and opens it again in a new one,
 *          by path or id.  Before that the link asks which generation of the cluster serves: if it is another one than at
 *          first, every remote of the link is dead (ERR_INVALID_HANDLE), as are those that the server itself refuses.
 * Network  a remote link has several hosts that serve the same cluster, and goes to another one when the one where it is
 *          does not serve.  Our own interface is not offered there, so a restore is noticed only if the service ran
 *          through it, as the server then refuses the old handles.
 * Retries  calls that read are repeated while the service is away, for RETRY_MS; calls that change only if they cannot have
 *          been carried out.
 * Cancels  all calls in flight share one descriptor, which link_cancel() makes readable and replaces.
 * Source   cmrp.md section 5 (codes that mean "connect again"), but for 1747 and 1825: who could not log in will not.
 * Threads  all functions.        Tests  tests/integration/library.py, network.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/link.h"
#include "base/utf16.h"
#include "lib/clusapi/login.h"
#include "lib/clusapi/settings.h"
#include "rpc/dispatch.h"
#include "wire/clusapi.h"
#include "wire/rueda.h"
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { RETRY_MS = 10000, RETRY_STEP_MS = 50, LINES_MAX = 4 };

/* Shared by the calls that began between two cancels. */
struct cancel {
	unsigned references; /* Under the link's lock. */
	bool fired;          /* The same. */
	struct rpc_cancel rpc;
};

struct link {
	atomic_uint references;
	bool remote;
	uint16_t port; /* Remote: of the hosts; 0: their mappers know. */
	atomic_int call_ms;
	atomic_int waits;              /* Reserved. */
	_Atomic(struct line *) line;   /* One of lines: where the handles are. */
	pthread_mutex_t cancel_lock;   /* Of the next three. */
	struct cancel *cancel;         /* Never NULL; the link has a reference. */
	struct line *lines[LINES_MAX]; /* Kept, as calls may still be on their way over all of them. */
	unsigned line_count;
	pthread_mutex_t lock;   /* Of all below. */
	struct guid generation; /* Of the cluster, when the link was opened. */
	uint64_t checked_epoch; /* The generation was found to be that one in this epoch. */
	bool dead;
};

/* Calls. */

static int cancel_new(struct cancel **ret)
{
	struct cancel *c = calloc(1, sizeof(*c));
	int r = c == NULL ? -ENOMEM : rpc_cancel_init(&c->rpc);

	if (r < 0) {
		free(c);
		return r;
	}
	c->references = 1;
	*ret = c;
	return 0;
}

static struct cancel *cancel_get(struct link *l)
{
	struct cancel *c;

	(void)pthread_mutex_lock(&l->cancel_lock);
	c = l->cancel;
	c->references++;
	(void)pthread_mutex_unlock(&l->cancel_lock);
	return c;
}

static void cancel_put(struct link *l, struct cancel *c)
{
	bool last;

	(void)pthread_mutex_lock(&l->cancel_lock);
	last = --c->references == 0;
	(void)pthread_mutex_unlock(&l->cancel_lock);
	if (!last)
		return;
	rpc_cancel_done(&c->rpc);
	free(c);
}

static bool cancel_has_fired(struct link *l, const struct cancel *c)
{
	bool fired;

	(void)pthread_mutex_lock(&l->cancel_lock);
	fired = c->fired;
	(void)pthread_mutex_unlock(&l->cancel_lock);
	return fired;
}

/* Wherever calls with this cancel may be. */
static void fire(struct link *l, struct rpc_cancel *cancel)
{
	struct line *lines[LINES_MAX];
	unsigned count;

	(void)pthread_mutex_lock(&l->cancel_lock);
	count = l->line_count;
	memcpy(lines, l->lines, sizeof(lines));
	(void)pthread_mutex_unlock(&l->cancel_lock);
	for (unsigned i = 0; i < count; i++)
		for (int which = 0; which < LINK_INTERFACES; which++)
			if (line_client(lines[i], which) != NULL)
				rpc_cancel_fire(line_client(lines[i], which), cancel);
}

int link_cancel(struct link *l)
{
	struct cancel *fresh, *old;
	int r = cancel_new(&fresh);

	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&l->cancel_lock);
	old = l->cancel;
	old->fired = true;
	l->cancel = fresh;
	(void)pthread_mutex_unlock(&l->cancel_lock);
	fire(l, &old->rpc);
	cancel_put(l, old);
	return 0;
}

void link_set_timeout(struct link *l, int call_ms)
{
	atomic_store(&l->call_ms, call_ms);
}

bool link_is_remote(const struct link *l)
{
	return l->remote;
}

/* Locked.  The line for the user that the calling thread is. */
static int find_line(struct link *l, struct line **ret)
{
	unsigned i = 0;
	int r;

	while (i < l->line_count && !line_is_callers(l->lines[i]))
		i++;
	if (i == LINES_MAX)
		return ERR_ACCESS_DENIED; /* Handles are not made to be passed round among users. */
	if (i == l->line_count) {
		r = line_open_local(&l->lines[i]);
		if (r < 0)
			return r;
		l->line_count++;
	}
	*ret = l->lines[i];
	return 0;
}

/* A call that had to connect came from another user than the line is for: which line it takes.  If there are handles behind it,
 * the link stays there, and they are opened there. */
static int change_line(struct link *l, enum link_interface which, struct line **line)
{
	struct line *to = NULL;
	int r;

	(void)pthread_mutex_lock(&l->cancel_lock);
	r = find_line(l, &to);
	if (r == 0 && !line_is_stateless(which) && l->line == *line)
		l->line = to;
	(void)pthread_mutex_unlock(&l->cancel_lock);
	if (r == 0)
		*line = to;
	return r == 0 && !line_is_stateless(which) ? ERR_RPC_S_CALL_FAILED_DNE : r;
}

/* The status in the answer counts as much as the RPC's own error. */
static int invoke(struct link *l, struct rpc_cancel *cancel, int timeout_ms, bool patient, enum link_interface which,
    unsigned number, const void *in, void *out, struct arena *arena)
{
	struct rpc_invocation i = { .number = number,
		.in = in,
		.out = out,
		.arena = arena,
		.timeout_ms = timeout_ms,
		.cancel = cancel,
		.patient = patient };
	struct line *line = l->line;
	uint32_t status;
	int r;

	if (line_client(line, which) == NULL)
		return ERR_RPC_S_UNKNOWN_IF;
	i.interface = line_interface(which, &i.version);
	r = rpc_client_invoke(line_client(line, which), &i);
	if (r == -EXDEV) {
		r = change_line(l, which, &line);
		if (r == 0)
			r = rpc_client_invoke(line_client(line, which), &i);
	}
	if (r == ERR_TIMEOUT || (r == ERR_CANCELLED && !patient))
		line_leave_alone(line);
	if (r < 0)
		return r;
	status = *ndr_status(ndr_method(i.interface, i.version, number), out);
	return status == 0 ? 0 : ERR_FROM_WIN32(status);
}

static int call_once(struct link *l, struct cancel *cancel, enum link_interface which, unsigned number, const void *in,
    void *out, struct arena *arena)
{
	return invoke(l, &cancel->rpc, atomic_load(&l->call_ms), false, which, number, in, out, arena);
}

int link_wait_reserve(struct link *l)
{
	if (atomic_fetch_add(&l->waits, 1) < LINK_WAITS_MAX)
		return 0;
	link_wait_release(l);
	return ERR_TOO_MANY_OPEN_FILES;
}

void link_wait_release(struct link *l)
{
	atomic_fetch_sub(&l->waits, 1);
}

int link_wait(struct link *l, unsigned number, const void *in, void *out, struct arena *arena, struct rpc_cancel *cancel)
{
	memset(out, 0, ndr_method(&clusapi_interface, 3, number)->out->size);
	return invoke(l, cancel, 0, true, LINK_CLUSAPI, number, in, out, arena);
}

void link_wait_cancel(struct link *l, struct rpc_cancel *cancel)
{
	fire(l, cancel);
}

/* Worth another try: nobody has carried the call out (the service is away, starting or stopping), or it does not matter. */
static bool may_retry(const struct link *l, int r, const struct ndr_method *m)
{
	bool reads = m->access == 'R' || m->access == 'Q' || m->access == '-';

	return r == ERR_RPC_S_SERVER_UNAVAILABLE || r == ERR_RPC_S_CALL_FAILED_DNE || r == ERR_SHARING_PAUSED ||
	       r == ERR_CLUSTER_NODE_SHUTTING_DOWN || (r == ERR_RPC_S_CALL_FAILED && reads) ||
	       (l->remote &&
		   (r == ERR_RPC_S_UNKNOWN_IF || r == ERR_RPC_S_SERVER_TOO_BUSY || r == ERR_EPT_S_NOT_REGISTERED ||
		       r == ERR_CLUSTER_NODE_DOWN || r == ERR_CLUSTER_NODE_NOT_READY));
}

/* Before the next try: a node that answers, but does not serve, is left for another one. */
static void move_on(struct link *l, enum link_interface which, int r)
{
	if (l->remote &&
	    (r == ERR_CLUSTER_NODE_SHUTTING_DOWN || r == ERR_CLUSTER_NODE_DOWN || r == ERR_CLUSTER_NODE_NOT_READY))
		rpc_client_move(line_client(l->line, which));
}

static void pause_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

int link_call(
    struct link *l, enum link_interface which, unsigned number, const void *in, void *out, struct arena *arena)
{
	unsigned version;
	const struct ndr_interface *interface = line_interface(which, &version);
	const struct ndr_method *m = ndr_method(interface, version, number);
	struct cancel *cancel = cancel_get(l);
	int r;

	assert(m != NULL);
	for (uint64_t until_ms = rpc_now_ms() + RETRY_MS;;) {
		memset(out, 0, m->out->size);
		r = call_once(l, cancel, which, number, in, out, arena);
		if (!may_retry(l, r, m) || rpc_now_ms() >= until_ms)
			break;
		move_on(l, which, r);
		pause_ms(RETRY_STEP_MS);
		if (cancel_has_fired(l, cancel)) {
			r = ERR_CANCELLED;
			break;
		}
	}
	cancel_put(l, cancel);
	return r;
}

uint64_t link_epoch(struct link *l)
{
	return line_epoch(l->line, LINK_CLUSAPI);
}

/* Generations. */

enum { STATE_STARTING = 1, STATE_CHANGING = 3 }; /* Of idl/rueda.idl: there is no generation to tell yet. */

static int ask_generation(struct link *l, struct guid *ret)
{
	struct rueda_GetStatus_in in = { 0 };
	struct rueda_GetStatus_out out;
	struct arena arena = { 0 };
	int r;

	for (uint64_t until_ms = rpc_now_ms() + RETRY_MS;;) {
		r = link_call(l, LINK_RUEDA, RUEDA_GET_STATUS, &in, &out, &arena);
		arena_done(&arena);
		if (r < 0 || (out.state != STATE_STARTING && out.state != STATE_CHANGING) || rpc_now_ms() >= until_ms)
			break;
		pause_ms(RETRY_STEP_MS);
	}
	if (r == 0)
		*ret = out.generation_id;
	return r;
}

/* Does the generation serve with which the link was opened? */
static int check_generation(struct link *l, uint64_t epoch)
{
	struct guid now;
	int r = 0;

	(void)pthread_mutex_lock(&l->lock);
	if (!l->remote && !l->dead && l->checked_epoch != epoch) {
		r = ask_generation(l, &now);
		if (r == 0) {
			l->checked_epoch = epoch;
			l->dead = !guid_equal(&now, &l->generation);
		}
	}
	if (l->dead)
		r = ERR_INVALID_HANDLE;
	(void)pthread_mutex_unlock(&l->lock);
	return r;
}

/* The line is the link's, also on failure. */
static int link_new(struct line *line, struct link **ret)
{
	struct link *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL) {
		line_close(line);
		return -ENOMEM;
	}
	l->lines[l->line_count++] = line;
	atomic_init(&l->line, line);
	atomic_init(&l->references, 1);
	(void)pthread_mutex_init(&l->lock, NULL);
	(void)pthread_mutex_init(&l->cancel_lock, NULL);
	r = cancel_new(&l->cancel);
	if (r < 0) {
		link_unref(l);
		return r;
	}
	*ret = l;
	return 0;
}

/* The first call is made once: who opens a cluster wants to know now. */
static int first_call(struct link *l, enum link_interface which, unsigned number, const void *in, void *out)
{
	struct cancel *cancel = cancel_get(l);
	struct arena arena = { 0 };
	int r = call_once(l, cancel, which, number, in, out, &arena);

	arena_done(&arena);
	cancel_put(l, cancel);
	return r;
}

/* NULL only in the build that needs none. */
static int make_login(const char *credentials, struct rpc_login **ret)
{
#ifdef RUEDA_PLAIN_TCP
	if (credentials[0] == 0)
		return 0;
#endif
	return login_new(credentials[0] != 0 ? credentials : NULL, ret);
}

int link_open_remote(const char16_t *name, struct link **ret)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	_cleanup_free_ struct settings *s = calloc(1, sizeof(*s));
	_cleanup_free_ char *text = u16_to_utf8(u16_from_z(name));
	struct clusapi_GetClusterName_in in = { 0 };
	struct clusapi_GetClusterName_out out = { 0 };
	struct rpc_client_config where = { 0 };
	struct rpc_login *login = NULL;
	struct line *line;
	int r;

	if (s == NULL || text == NULL)
		return -ENOMEM;
	r = settings_load(text, s);
	if (r == 0)
		r = make_login(s->credentials, &login);
	if (r < 0)
		return r;
	where = (struct rpc_client_config){ .hosts = s->hosts,
		.host_count = s->host_count,
		.mapper_port = s->mapper_port,
		.connect_ms = s->connect_ms,
		.login = login };
	r = line_open_remote(&where, login, &line);
	if (r < 0)
		login_free(login);
	else
		r = link_new(line, &l);
	if (r < 0)
		return r;
	l->remote = true;
	l->port = s->hosts[0].port;
	link_set_timeout(l, s->call_ms);
	/* A server that is just starting may break off; four tries are what the protocol asks for. */
	for (int tries = 0; r == 0 && tries < 4; tries++) {
		r = first_call(l, LINK_CLUSAPI, CLUSAPI_GET_CLUSTER_NAME, &in, &out);
		if (r != ERR_RPC_S_CALL_FAILED_DNE)
			break;
		r = tries < 3 ? 0 : r;
	}
	if (r == 0)
		*ret = TAKE_PTR(l);
	return r;
}

void link_add_node(struct link *l, const char16_t *name)
{
	_cleanup_free_ char *text = u16_to_utf8(u16_from_z(name));
	struct rpc_client_host host = { .name = text, .port = l->port };

	if (text == NULL || text[0] == 0 || strlen(text) > RPC_HOST_MAX)
		return;
	for (int i = 0; i < LINK_INTERFACES; i++)
		if (line_client(l->line, i) != NULL)
			(void)rpc_client_add_host(line_client(l->line, i), &host);
}

int link_open(struct link **ret)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	struct rueda_GetStatus_in in = { 0 };
	struct rueda_GetStatus_out out = { 0 };
	struct line *line;
	int r = line_open_local(&line);

	if (r == 0)
		r = link_new(line, &l);
	if (r < 0)
		return r;
	r = first_call(l, LINK_RUEDA, RUEDA_GET_STATUS, &in, &out);
	if (r == 0)
		r = ask_generation(l, &l->generation);
	if (r < 0)
		return r;
	l->checked_epoch = link_epoch(l);
	*ret = TAKE_PTR(l);
	return 0;
}

struct link *link_ref(struct link *l)
{
	atomic_fetch_add(&l->references, 1);
	return l;
}

void link_unref(struct link *l)
{
	if (l == NULL || atomic_fetch_sub(&l->references, 1) != 1)
		return;
	for (unsigned i = 0; i < l->line_count; i++)
		line_close(l->lines[i]);
	if (l->cancel != NULL)
		cancel_put(l, l->cancel);
	(void)pthread_mutex_destroy(&l->cancel_lock);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

/* Remotes. */

void remote_init(
    struct remote *r, struct link *l, int (*open)(struct remote *r, struct ndr_handle *ret), unsigned close_method)
{
	*r = (struct remote){ .link = link_ref(l), .open = open, .close_method = close_method };
	(void)pthread_mutex_init(&r->lock, NULL);
}

static uint64_t remote_epoch(const struct remote *r)
{
	return line_epoch(r->link->line, r->interface);
}

void remote_done(struct remote *r)
{
	/* Every close method takes a handle, and gives it back with a status. */
	struct clusapi_CloseKey_in in = { r->handle };
	struct clusapi_CloseKey_out out = { 0 };
	struct arena arena = { 0 };

	if (r->link == NULL)
		return;
	if (!ndr_handle_is_null(&r->handle) && r->epoch == remote_epoch(r)) {
		struct cancel *cancel = cancel_get(r->link);

		(void)call_once(r->link, cancel, r->interface, r->close_method, &in, &out, &arena);
		cancel_put(r->link, cancel);
	}
	arena_done(&arena);
	link_unref(r->link);
	(void)pthread_mutex_destroy(&r->lock);
	r->link = NULL;
}

int remote_get(struct remote *r, struct ndr_handle *ret, uint64_t *ret_epoch)
{
	int result = 0;

	(void)pthread_mutex_lock(&r->lock);
	/* Opening takes a call, which may itself begin a new epoch. */
	for (int tries = 0; result == 0 && !r->dead && tries < 5; tries++) {
		uint64_t epoch = remote_epoch(r);

		if (r->epoch == epoch && !ndr_handle_is_null(&r->handle))
			break;
		result = r->interface == LINK_LOCAL ? 0 : check_generation(r->link, epoch);
		if (result == 0)
			result = r->open(r, &r->handle);
		if (result == 0)
			r->epoch = remote_epoch(r);
		else if (result == ERR_INVALID_HANDLE)
			r->dead = true;
	}
	if (r->dead)
		result = ERR_INVALID_HANDLE;
	if (result == 0) {
		*ret = r->handle;
		*ret_epoch = r->epoch;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return result;
}

int remote_open(struct remote *r)
{
	struct ndr_handle handle;
	uint64_t epoch;

	return remote_get(r, &handle, &epoch);
}

/* A handle that the server refuses although nothing was lost in between has been ended there, for good. */
static bool remote_is_refused(struct remote *r, uint64_t epoch)
{
	bool refused;

	(void)pthread_mutex_lock(&r->lock);
	refused = r->dead || (r->epoch == epoch && remote_epoch(r) == epoch);
	r->dead = refused;
	(void)pthread_mutex_unlock(&r->lock);
	return refused;
}

int remote_call_at(
    struct remote *r, struct remote *second, size_t offset, unsigned number, void *in, void *out, struct arena *arena)
{
	const struct ndr_method *m = ndr_method(&clusapi_interface, 3, number);
	struct cancel *cancel;
	int result;

	assert(m != NULL && (second == NULL || second->link == r->link));
	if (second != NULL && second->interface != r->interface)
		return ERR_NOT_SUPPORTED;
	cancel = cancel_get(r->link);
	for (uint64_t until_ms = rpc_now_ms() + RETRY_MS;;) {
		struct ndr_handle handles[2];
		uint64_t epoch, second_epoch;

		result = remote_get(r, &handles[0], &epoch);
		if (result == 0 && second != NULL)
			result = remote_get(second, &handles[1], &second_epoch);
		if (result == 0) {
			memcpy(in, &handles[0], sizeof(handles[0]));
			if (second != NULL)
				memcpy((char *)in + offset, &handles[1], sizeof(handles[1]));
			memset(out, 0, m->out->size);
			result = call_once(r->link, cancel, r->interface, number, in, out, arena);
			if (result == ERR_INVALID_HANDLE && remote_is_refused(r, epoch))
				break;
		} else if (result == ERR_INVALID_HANDLE) {
			break;
		}
		if ((result != ERR_INVALID_HANDLE && !may_retry(r->link, result, m)) || rpc_now_ms() >= until_ms)
			break;
		move_on(r->link, r->interface, result);
		pause_ms(RETRY_STEP_MS);
		if (cancel_has_fired(r->link, cancel)) {
			result = ERR_CANCELLED;
			break;
		}
	}
	cancel_put(r->link, cancel);
	return result;
}

int remote_call2(struct remote *r, struct remote *second, unsigned number, void *in, void *out, struct arena *arena)
{
	return remote_call_at(r, second, sizeof(struct ndr_handle), number, in, out, arena);
}

int remote_call(struct remote *r, unsigned number, void *in, void *out, struct arena *arena)
{
	return remote_call2(r, NULL, number, in, out, arena);
}
