/* hosted: one resource of this node and its host.
 *
 *	IDLE ── start ─► PUTTING ── put back ─► STARTING ── RESULT ─► ONLINE ── FAILED, end ─► ENDING ── gone ─► SAVING ─► IDLE
 *	                    │                      ├── RESULT with an error, end ──────────────►┘               ▲
 *	                    │                      └── gone, at any time ───────────────────────────────────────┘
 *	                    └── not put back, end: IDLE
 *
 * How      a host lives for one period of activity.  What it is to be told is read from the database when it starts.  A host
 *          that says nothing for DeadlockTimeout, pings notwithstanding, is killed (unless EmbeddedFailureAction is 1);
 *          one that is to stop and does not, is killed PendingTimeout and GRACE_NS later.  The guard cleans up after it.
 *          Before it the checkpoints of the resource are put back, after it they are saved (follow.c).  Resources that need
 *          no host take the same way without one.
 * Threads  the loop thread.       Design  docs/design/hosts.md       Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/hosted.h"
#include "base/log.h"
#include "cluster/group/config.h"
#include "cluster/object/property.h"
#include "ruedad/agents/follow.h"
#include "ruedad/service.h"
#include "wire/proplist.h"
#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define GRACE_NS (25000 * MS) /* What a host needs, beyond PendingTimeout, to find out how things stand. */
#define KILL_NS (90000 * MS)  /* And the guard, to clean up. */
#define PING_LEAST_NS (100 * MS)
#define PING_MOST_NS (15000 * MS)

static void on_timer(void *data);
static void on_followed(void *data, int result, const struct error *error);

int hosted_new(struct hosts *h, const struct guid *id, struct service *s, struct hosted **ret)
{
	struct hosted *r = calloc(1, sizeof(*r));
	int e;

	if (r == NULL)
		return -ENOMEM;
	*r = (struct hosted){ .hosts = h, .id = *id, .deadline_ns = UINT64_MAX };
	e = follow_new(s, id, on_followed, r, &r->follow);
	if (e == 0)
		e = loop_timer_new(s->loop, on_timer, r, &r->timer);
	if (e < 0) {
		follow_free(r->follow);
		free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void hosted_free(struct hosted *r)
{
	loop_timer_free(r->timer);
	follow_free(r->follow);
	free(r);
}

static void send(struct hosted *r, struct service *s, enum host_message_type type)
{
	struct host_message m = { .type = type, .operation = r->operation };

	s->runner->ops->send(s->runner, r->number, &m);
}

static void set_outcome(struct hosted *r, uint32_t code, bool stuck, const char *text, size_t len)
{
	r->code = code;
	r->stuck = stuck;
	(void)snprintf(r->text, sizeof(r->text), "%.*s", (int)MIN(len, sizeof(r->text) - 1), text);
}

/* Time. */

static uint64_t ping_ns(const struct hosted *r)
{
	uint64_t quarter = r->settings.deadlock_ms * MS / 4;

	return MIN(MAX(quarter, PING_LEAST_NS), PING_MOST_NS);
}

static void plan(struct hosted *r, struct service *s)
{
	uint64_t now = loop_now_ns(s->loop), next = r->has_socket ? ping_ns(r) : UINT64_MAX;

	if (r->deadline_ns != UINT64_MAX)
		next = MIN(next, r->deadline_ns > now ? r->deadline_ns - now : 0);
	if (next == UINT64_MAX)
		loop_timer_stop(r->timer);
	else
		loop_timer_start(r->timer, next);
}

static void kill_host(struct hosted *r, struct service *s, const char *why)
{
	char id[GUID_TEXT_LEN + 1];

	guid_format(&r->id, id);
	log_error("%s, killing it resource=%s", why, id);
	if (r->state != HOSTED_ENDING)
		set_outcome(r, error_to_win32(ERR_TIMEOUT), false, why, strlen(why));
	r->state = HOSTED_ENDING;
	r->has_socket = false; /* Nothing is expected of it any more. */
	r->deadline_ns = loop_now_ns(s->loop) + KILL_NS;
	s->runner->ops->kill(s->runner, r->number);
}

static void on_timer(void *data)
{
	struct hosted *r = data;
	struct service *s = hosts_service(r->hosts);
	uint64_t now = loop_now_ns(s->loop);

	if (!hosted_has_host(r))
		return;
	if (r->state == HOSTED_ENDING && r->deadline_ns <= now) {
		kill_host(r, s, "the host does not come to an end");
	} else if (r->has_socket) {
		if (r->settings.deadlock_ms != UINT32_MAX && now - r->heard_ns >= r->settings.deadlock_ms * MS) {
			r->heard_ns = now;
			if (r->kill_deadlocked)
				kill_host(r, s, "the host has not answered for DeadlockTimeout");
			else
				log_warning(
				    "a host has not answered for DeadlockTimeout; EmbeddedFailureAction says to wait");
		}
		send(r, s, HOST_PING);
	}
	plan(r, s);
}

/* What is outside the database: before and after. */

static void ask_for_host(struct hosted *r, struct service *s, bool clean);

/* Nothing of it is left here, and it can be reported. */
static void go_idle(struct hosted *r)
{
	r->state = HOSTED_IDLE;
	hosts_look(r->hosts);
}

static void put_back(struct hosted *r, struct service *s, int result, const char *text)
{
	if (result < 0 && !r->unwanted)
		set_outcome(r, error_to_win32(result), false, text, strlen(text));
	assert(result < 0 || !r->unwanted);
	if (result < 0)
		go_idle(r);
	else
		ask_for_host(r, s, false);
}

static void saved(struct hosted *r, int result, const char *text)
{
	static const char again[] = "; it is tried again when the resource starts on this node next";
	size_t room = utf8_fit(text, sizeof(r->unsaved) - sizeof(again));

	if (result < 0)
		(void)snprintf(r->unsaved, sizeof(r->unsaved), "%.*s%s", (int)room, text, again);
	go_idle(r);
}

/* What was not saved is told beside why it was stopped. */
void hosted_story(const struct hosted *r, bool failed, char *text, size_t size)
{
	const char *why = failed ? r->text : "", *between = why[0] != 0 && r->unsaved[0] != 0 ? "; " : "";

	(void)snprintf(text, size, "%s%s%s", why, between, r->unsaved);
}

static void on_followed(void *data, int result, const struct error *error)
{
	struct hosted *r = data;

	if (r->state == HOSTED_PUTTING)
		put_back(r, hosts_service(r->hosts), result, error->text);
	else
		saved(r, result, error->text);
}

static void save(struct hosted *r)
{
	r->state = HOSTED_SAVING;
	if (follow_end(r->follow))
		go_idle(r);
}

/* Starting. */

static void ask_for_host(struct hosted *r, struct service *s, bool clean)
{
	int e;

	if (r->within) {
		r->state = HOSTED_ONLINE;
		set_outcome(r, 0, false, "", 0);
		hosts_look(r->hosts);
		return;
	}
	r->number = hosts_next_number(r->hosts);
	r->has_socket = false;
	r->process = 0;
	r->deadline_ns = clean ? loop_now_ns(s->loop) + KILL_NS : UINT64_MAX;
	r->state = clean ? HOSTED_ENDING : HOSTED_STARTING;
	set_outcome(r, error_to_win32(ERR_RESMON_CREATE_FAILED), false, "", 0);
	e = s->runner->ops->start(s->runner, r->number, &r->id, clean);
	if (e < 0)
		hosted_gone(r, s, 0, "the guard could not be asked for a host");
	else
		plan(r, s);
}

void hosted_start(struct hosted *r, struct service *s, uint64_t operation)
{
	int e;

	assert(r->state == HOSTED_IDLE);
	r->operation = operation;
	r->unwanted = false;
	r->unsaved[0] = 0;
	r->state = HOSTED_PUTTING;
	e = follow_begin(r->follow);
	if (e != 0)
		put_back(r, s, MIN(e, 0), error_text(e));
}

void hosted_clean(struct hosted *r, struct service *s, uint64_t operation)
{
	assert(r->state == HOSTED_IDLE);
	r->operation = operation;
	r->unsaved[0] = 0;
	if (r->within) {
		set_outcome(r, 0, false, "", 0);
		go_idle(r);
	} else {
		ask_for_host(r, s, true);
	}
}

static uint32_t number_of(const struct db_key *key, const struct db_key *type, struct u16 name)
{
	uint32_t own = property_number(PROPERTY_RESOURCE, key, name);

	return own != UINT32_MAX || type == NULL ? own : property_number(PROPERTY_TYPE, type, name);
}

/* The name of the Network Name that it depends on, or empty. */
static struct u16 network_name(const struct db_key *root, const struct db_key *key)
{
	struct depend d = resource_depends(key);

	for (unsigned i = 0; i < d.count; i++) {
		const struct db_key *other = d.items[i].kind == DEPEND_TERM ? resource_key(root, &d.items[i].id) : NULL;
		const struct db_key *parameters = other != NULL ? db_find(other, U16("Parameters")) : NULL;

		if (parameters != NULL && u16_equal(object_type_of(other), U16("Network Name")))
			return object_string(parameters, U16("Name"));
	}
	return (struct u16){ 0 };
}

static struct host_text text_of(char *utf8)
{
	return (struct host_text){ utf8, utf8 != NULL ? strlen(utf8) : 0 };
}

static void read_settings(struct hosted *r, const struct db_key *root, const struct db_key *key)
{
	const struct db_key *type = object_by_id(root, OBJECT_TYPE, object_type_of(key));

	r->settings = (struct host_settings){ .looks_ms = number_of(key, type, U16("LooksAlivePollInterval")),
		.is_ms = number_of(key, type, U16("IsAlivePollInterval")),
		.pending_ms = property_number(PROPERTY_RESOURCE, key, U16("PendingTimeout")),
		.deadlock_ms = property_number(PROPERTY_RESOURCE, key, U16("DeadlockTimeout")) };
	r->kill_deadlocked = property_number(PROPERTY_RESOURCE, key, U16("EmbeddedFailureAction")) != 1;
}

void hosted_refresh(struct hosted *r, struct service *s)
{
	const struct db_key *root = db_root(cluster_db(s->cluster)), *key = resource_key(root, &r->id);
	struct host_settings before = r->settings;
	struct host_message m = { .type = HOST_SETTINGS };

	if (!r->has_socket || r->state == HOSTED_ENDING || key == NULL)
		return; /* One that starts is told when it does. */
	read_settings(r, root, key);
	if (memcmp(&before, &r->settings, sizeof(before)) == 0)
		return;
	m.configure.settings = r->settings;
	s->runner->ops->send(s->runner, r->number, &m);
	plan(r, s);
}

/* What the host is told.  -EINVAL: the resource is not there any more; -E2BIG, -ENOMEM. */
static int configure(struct hosted *r, struct service *s)
{
	const struct db_key *root = db_root(cluster_db(s->cluster)), *key = resource_key(root, &r->id);
	struct property_object o;
	struct buf properties = { 0 };
	_cleanup_free_ char *type_text = NULL, *name = NULL, *network = NULL;
	struct host_message m = { .type = HOST_CONFIGURE };
	struct buf probe = { 0 };
	int e;

	if (key == NULL)
		return -EINVAL;
	o = (struct property_object){ PROPERTY_RESOURCE, object_id(key), key };
	property_list(&o, PROPERTY_PRIVATE, NULL, &properties);
	type_text = u16_to_utf8(object_type_of(key));
	name = u16_to_utf8(object_name(key, OBJECT_RESOURCE));
	network = u16_to_utf8(network_name(root, key));
	read_settings(r, root, key);
	m.configure = (struct host_configure){ .settings = r->settings,
		.type = text_of(type_text),
		.name = text_of(name),
		.network_name = text_of(network),
		.properties = properties.data,
		.properties_len = properties.len };
	e = properties.error != 0 || type_text == NULL || name == NULL || network == NULL ? -ENOMEM : 0;
	if (e == 0)
		e = host_message_encode(&m, &probe);
	if (e == 0)
		s->runner->ops->send(s->runner, r->number, &m);
	buf_done(&probe);
	buf_done(&properties);
	return e;
}

void hosted_started(struct hosted *r, struct service *s, uint32_t process)
{
	const char *why;
	int e = 0;

	r->has_socket = true;
	r->process = process;
	r->heard_ns = loop_now_ns(s->loop);
	if (r->state == HOSTED_STARTING)
		e = configure(r, s);
	if (e < 0) {
		why = e == -E2BIG ? "its private properties are too large for a host" : error_text(e);
		set_outcome(r, error_to_win32(e), false, why, strlen(why));
		hosted_end(r, s);
		return;
	}
	send(r, s, r->state == HOSTED_STARTING ? HOST_ONLINE : HOST_OFFLINE);
	plan(r, s);
}

static void end_putting(struct hosted *r)
{
	char what[128], text[sizeof(r->text)];

	follow_describe(r->follow, what, sizeof(what));
	(void)snprintf(text, sizeof(text), "the checkpoint \"%s\" was still being put back", what);
	set_outcome(r, error_to_win32(ERR_TIMEOUT), false, text, strlen(text));
	r->unwanted = true;
	follow_cancel(r->follow);
}

void hosted_kill(struct hosted *r, struct service *s)
{
	if (hosted_has_host(r))
		s->runner->ops->kill(s->runner, r->number);
	follow_cancel(r->follow);
}

void hosted_end(struct hosted *r, struct service *s)
{
	uint64_t patience = r->settings.pending_ms == UINT32_MAX ? UINT64_MAX : r->settings.pending_ms * MS + GRACE_NS;

	if (r->state == HOSTED_PUTTING && !r->unwanted) {
		end_putting(r);
		return;
	}
	if (r->state == HOSTED_ONLINE && r->within) {
		save(r);
		return;
	}
	if (r->state != HOSTED_STARTING && r->state != HOSTED_ONLINE)
		return;
	r->state = HOSTED_ENDING;
	if (!r->has_socket)
		r->deadline_ns = loop_now_ns(s->loop) + KILL_NS; /* It is told when it has one. */
	else
		r->deadline_ns = patience == UINT64_MAX ? patience : loop_now_ns(s->loop) + patience;
	if (r->has_socket)
		send(r, s, HOST_OFFLINE);
	plan(r, s);
}

void hosted_time_out(struct hosted *r)
{
	static const char why[] = "it did not come online within its PendingTimeout";
	char id[GUID_TEXT_LEN + 1];

	if (r->state != HOSTED_STARTING)
		return;
	guid_format(&r->id, id);
	log_warning("%s, stopping it resource=%s", why, id);
	set_outcome(r, error_to_win32(ERR_TIMEOUT), false, why, sizeof(why));
}

/* What it says. */

void hosted_message(struct hosted *r, struct service *s, const struct host_message *m)
{
	r->heard_ns = loop_now_ns(s->loop);
	if (m->type == HOST_FAILED || (m->type == HOST_RESULT && m->code != 0)) {
		/* The first failure is the cause; what comes of it is not. */
		if (r->state == HOSTED_STARTING || r->state == HOSTED_ONLINE) {
			uint64_t patience =
			    r->settings.pending_ms == UINT32_MAX ? UINT64_MAX : r->settings.pending_ms * MS + GRACE_NS;

			set_outcome(r, m->code, false, m->text.data, m->text.len);
			r->state = HOSTED_ENDING;
			r->deadline_ns = patience == UINT64_MAX ? patience : r->heard_ns + patience;
			plan(r, s);
		}
	} else if (m->type == HOST_RESULT && r->state == HOSTED_STARTING) {
		r->state = HOSTED_ONLINE;
		set_outcome(r, error_to_win32(ERR_RESMON_ONLINE_FAILED), false, "its host ended unexpectedly", 100);
	}
}

void hosted_gone(struct hosted *r, struct service *s, int result, const char *text)
{
	if (result < 0)
		set_outcome(r, error_to_win32(result), true, text, strlen(text));
	else if (text[0] != 0)
		set_outcome(r, r->code, false, text, strlen(text));
	else if (r->text[0] == 0)
		set_outcome(r, r->code, false, "its host ended unexpectedly", 100);
	r->has_socket = false;
	r->process = 0;
	r->deadline_ns = UINT64_MAX;
	loop_timer_stop(r->timer);
	save(r);
}
