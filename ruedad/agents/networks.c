/* networks: what this node sees of its links, told to the cluster.
 *
 * Why      networks and interfaces are objects of the cluster, so they change through the log; and the log must not grow
 *          because a link flaps or a daemon looks again.
 * How      at the start, and a moment after each word of the kernel, links are listed, and what the cluster is to know of
 *          them is made into one command, NodeInterfaces; it is logged if it is not what this life has told last.  What
 *          becomes of it, cluster/network/report.c decides.
 *
 *             counts       addresses of links that are up, if their subnet has more than one address
 *             passed over  loopback; names in [networks] ignore; link-local addresses; temporary ones of IPv6; those that
 *                          resources of this cluster bring (or a resource that comes online would be a new network)
 *             kept         of a link that is down, what was known of it; of one that has just gone, or lost all of its
 *                          addresses, the same for [networks] linger_seconds: a renewed lease or a restart of the
 *                          network must not cost a network its name
 *
 * Failure  a report that could not be logged is made again in a few seconds.
 * Limits   REPORT_ADDRESSES_MAX addresses: what is beyond is passed over, with a warning.
 * Threads  the loop thread.       Tests  tests/integration/networks.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/networks.h"
#include "base/log.h"
#include "cluster/network/address.h"
#include "cluster/network/report.h"
#include "cluster/object/object.h"
#include "io/links.h"
#include "ruedad/service.h"
#include "wire/command.h"
#include <fnmatch.h>
#include <string.h>

#define SECOND_NS 1000000000ull
#define PAUSE_NS (SECOND_NS / 4) /* Between word of a change and the look at it. */
#define RETRY_NS (5 * SECOND_NS)

enum { GONE_MAX = 64, PATTERNS_MAX = 1023 };

/* An adapter that the database has, and the machine has not, or without addresses. */
struct gone {
	char16_t adapter[ADAPTER_NAME_MAX + 1];
	uint64_t since;
};

struct networks {
	struct service *service;
	struct loop_timer *timer;
	bool armed;
	uint64_t due;
	bool waiting; /* A report has no outcome yet. */
	bool cut_told;
	struct buf told, offered; /* What was told last, and what is on its way; without ids and time. */
	struct gone gone[GONE_MAX];
	size_t gone_count;
};

/* What is being put together. */
struct look {
	struct networks *n;
	const struct db_key *root;
	struct link_list links;
	struct arena arena;
	struct command_adapter_address *entries;
	uint32_t count;
	bool cut;
	char16_t node[OBJECT_NODE_ID_MAX];
	struct u16 node_id;
};

/* Patterns. */

static bool next_pattern(const char **at, char pattern[PATTERNS_MAX + 1])
{
	size_t len = strcspn(*at, ",");
	const char *begin = *at;

	if (*begin == 0)
		return false;
	*at += len + (begin[len] == ',');
	while (len > 0 && *begin == ' ')
		begin++, len--;
	while (len > 0 && begin[len - 1] == ' ')
		len--;
	len = MIN(len, (size_t)PATTERNS_MAX);
	memcpy(pattern, begin, len);
	pattern[len] = 0;
	return true;
}

bool networks_are_patterns(const char *text)
{
	char pattern[PATTERNS_MAX + 1];

	if (strlen(text) > PATTERNS_MAX)
		return false;
	if (strcmp(text, "none") == 0)
		return true;
	if (text[0] == 0 || text[strlen(text) - 1] == ',')
		return false;
	while (next_pattern(&text, pattern))
		if (pattern[0] == 0 || strlen(pattern) > LINK_NAME_MAX + 1 || strpbrk(pattern, " \t/[]\\\"") != NULL)
			return false;
	return true;
}

static bool is_ignored(const struct service *s, const char *name)
{
	const char *text = s->config->networks_ignore;
	char pattern[PATTERNS_MAX + 1];

	while (next_pattern(&text, pattern))
		if (fnmatch(pattern, name, 0) == 0 && strcmp(s->config->networks_ignore, "none") != 0)
			return true;
	return false;
}

/* What there is. */

static const char16_t *wide(struct look *l, const char *text)
{
	size_t len = strlen(text);
	char16_t *units = arena_alloc(&l->arena, (len + 1) * sizeof(*units));

	/* The kernel allows nearly any byte; what is not ASCII becomes a '?', in no name that anybody gives. */
	for (size_t i = 0; units != NULL && i <= len; i++)
		units[i] = (unsigned char)text[i] < 128 ? (unsigned char)text[i] : '?';
	return units;
}

static const char16_t *hardware_text(struct look *l, const struct link *link)
{
	char text[3 * sizeof(link->hardware) + 1] = "";

	for (size_t i = 0; i < link->hardware_len && i * 3 < ADAPTER_NAME_MAX - 3; i++)
		(void)snprintf(
		    text + 3 * i - (i > 0), sizeof(text) - 3 * i, i > 0 ? ":%02x" : "%02x", link->hardware[i]);
	return wide(l, text);
}

/* Whether a resource of this cluster brings the address. */
static bool is_of_resource(const struct look *l, const struct ip_address *a)
{
	for (size_t i = 0; i < object_count(l->root, OBJECT_RESOURCE); i++) {
		const struct db_key *resource = object_at(l->root, OBJECT_RESOURCE, i),
				    *parameters = db_find(resource, U16("Parameters"));
		struct u16 type = object_type_of(resource);
		struct ip_address its;

		if (parameters == NULL ||
		    (!u16_equal(type, U16("IP Address")) && !u16_equal(type, U16("IPv6 Address"))) ||
		    !ip_parse(object_string(parameters, U16("Address")), &its))
			continue;
		its.prefix = a->prefix;
		if (ip_equal(&its, a))
			return true;
	}
	return false;
}

static bool counts(const struct look *l, const struct link_address *from, struct ip_address *ret)
{
	struct ip_address a = { .family = from->family, .prefix = from->prefix };

	memcpy(a.bytes, from->bytes, sizeof(a.bytes));
	*ret = a;
	return ip_is_valid(&a) && !ip_is_link_local(&a) && !is_of_resource(l, &a);
}

static int add(struct look *l, const struct command_adapter_address *entry)
{
	if (entry->adapter == NULL || entry->adapter_id == NULL)
		return -ENOMEM;
	if (l->count == REPORT_ADDRESSES_MAX)
		l->cut = true;
	else
		l->entries[l->count++] = *entry;
	return 0;
}

/* IPv4 first, and of it what was there first; the rest in the order of numbers, whatever that of the kernel. */
static int compare_addresses(const void *x, const void *y)
{
	const struct link_address *a = x, *b = y;

	return a->family != b->family         ? (a->family < b->family ? -1 : 1)
	       : a->secondary != b->secondary ? (a->secondary ? 1 : -1)
	       : a->prefix != b->prefix       ? (a->prefix < b->prefix ? -1 : 1)
					      : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int compare_links(const void *x, const void *y)
{
	const struct link *a = x, *b = y;

	return strcmp(a->name, b->name);
}

static int add_link(struct look *l, const struct link *link)
{
	struct command_adapter_address entry = { .adapter = wide(l, link->name), .adapter_id = hardware_text(l, link) };
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->links.address_count; i++) {
		const struct link_address *from = &l->links.addresses[i];
		struct ip_address a;

		if (from->link != link->number || !counts(l, from, &a))
			continue;
		entry.family = a.family;
		entry.prefix = a.prefix;
		entry.flags = from->dynamic ? ADAPTER_ADDRESS_DYNAMIC : 0;
		memcpy(entry.address, a.bytes, sizeof(entry.address));
		r = add(l, &entry);
	}
	return r;
}

static int add_links(struct look *l)
{
	int r = 0;

	if (l->links.link_count > 0)
		qsort(l->links.links, l->links.link_count, sizeof(*l->links.links), compare_links);
	if (l->links.address_count > 0)
		qsort(l->links.addresses, l->links.address_count, sizeof(*l->links.addresses), compare_addresses);
	for (size_t i = 0; r == 0 && i < l->links.link_count; i++) {
		const struct link *link = &l->links.links[i];

		if (link->up && !link->loopback && !is_ignored(l->n->service, link->name))
			r = add_link(l, link);
	}
	return r;
}

/* What there was. */

static void schedule(struct networks *n, uint64_t at)
{
	uint64_t now = loop_now_ns(n->service->loop);

	if (n->armed && n->due <= at)
		return;
	n->armed = true;
	n->due = at;
	loop_timer_start(n->timer, at > now ? at - now : 1);
}

static bool is_there(const struct look *l, struct u16 adapter)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (u16_equal_exact(u16_from_z(l->entries[i].adapter), adapter))
			return true;
	return false;
}

static const struct link *find_link(const struct look *l, const char *name)
{
	for (size_t i = 0; i < l->links.link_count; i++)
		if (strcmp(l->links.links[i].name, name) == 0)
			return &l->links.links[i];
	return NULL;
}

/* Since when it has been missed: from now on, if it has not been. */
static uint64_t gone_since(struct networks *n, struct u16 adapter, uint64_t now)
{
	for (size_t i = 0; i < n->gone_count; i++)
		if (u16_equal_exact(u16_from_z(n->gone[i].adapter), adapter))
			return n->gone[i].since;
	if (n->gone_count == GONE_MAX)
		return 0;
	memset(&n->gone[n->gone_count], 0, sizeof(n->gone[0]));
	memcpy(n->gone[n->gone_count].adapter, adapter.units, adapter.len * sizeof(char16_t));
	n->gone[n->gone_count++].since = now;
	return now;
}

/* It is there again, or it is down and not gone. */
static void forget_gone(struct networks *n, struct u16 adapter)
{
	for (size_t i = 0; i < n->gone_count; i++)
		if (u16_equal_exact(u16_from_z(n->gone[i].adapter), adapter)) {
			n->gone[i] = n->gone[--n->gone_count];
			return;
		}
}

/* An adapter of the database that has nothing to say: down, or gone but not for long. */
static bool is_kept(struct look *l, struct u16 adapter)
{
	uint64_t linger = l->n->service->config->networks_linger * SECOND_NS, since, now;
	char name[4 * ADAPTER_NAME_MAX + 1];
	const struct link *link;

	if (is_ignored(l->n->service, u16_to_utf8_buffer(adapter, name, sizeof(name))))
		return false;
	link = find_link(l, name);
	if (link != NULL && !link->up) {
		forget_gone(l->n, adapter);
		return true;
	}
	now = loop_now_ns(l->n->service->loop);
	since = gone_since(l->n, adapter, now);
	if (now - since >= linger)
		return false;
	schedule(l->n, since + linger);
	return true;
}

static int add_kept(struct look *l)
{
	int r = 0;

	for (size_t i = 0; i < l->n->gone_count;)
		if (is_there(l, u16_from_z(l->n->gone[i].adapter)))
			l->n->gone[i] = l->n->gone[--l->n->gone_count];
		else
			i++;
	for (size_t i = 0; r == 0 && i < object_count(l->root, OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(l->root, OBJECT_INTERFACE, i);
		struct u16 adapter = object_string(interface, U16("Adapter"));
		struct command_adapter_address entry = { .family = ADAPTER_KEPT, .adapter_id = u"" };

		if (!u16_equal(object_string(interface, U16("Node")), l->node_id) || adapter.len == 0 ||
		    adapter.len > ADAPTER_NAME_MAX || is_there(l, adapter) || !is_kept(l, adapter))
			continue;
		entry.adapter = arena_dup_u16(&l->arena, adapter);
		r = add(l, &entry);
	}
	return r;
}

/* Telling. */

static void on_told(void *data, int status, const struct cluster_result *result)
{
	struct networks *n = data;

	n->waiting = false;
	if (status == 0 && result->status == 0) {
		buf_done(&n->told);
		n->told = n->offered;
		n->offered = (struct buf){ 0 };
	} else {
		if (status == 0)
			log_warning("the cluster does not take what this node sees of its network links, it is offered "
				    "again later error=%u",
			    result->status);
		buf_done(&n->offered);
	}
	/* What has changed meanwhile; after a failure, later. */
	schedule(n, loop_now_ns(n->service->loop) + (status == 0 && result->status == 0 ? PAUSE_NS : RETRY_NS));
}

static int tell(struct look *l)
{
	struct networks *n = l->n;
	struct command command = { .kind = COMMAND_NODE_INTERFACES, .version = COMMAND_VERSION };
	struct buf plain = { 0 }, bytes = { 0 };
	uint8_t random[16];
	int r;

	command.node_interfaces.node = n->service->node;
	command.node_interfaces.addresses = l->entries;
	command.node_interfaces.addresses_count = l->count;
	r = ndr_message_push(&command_messages, &command, &plain);
	if (r < 0 || (plain.len == n->told.len && memcmp(plain.data, n->told.data, plain.len) == 0)) {
		buf_done(&plain);
		return r;
	}
	loop_random(n->service->loop, random, sizeof(random));
	command.node_interfaces.seed = guid_from_random(random);
	command.node_interfaces.time = loop_wall_filetime(n->service->loop);
	r = ndr_message_push(&command_messages, &command, &bytes);
	if (r == 0)
		r = replica_propose(n->service->replica, bytes.data, bytes.len, on_told, n);
	buf_done(&bytes);
	if (r == 0) {
		n->waiting = true;
		n->offered = plain;
	} else {
		buf_done(&plain);
	}
	return r;
}

static int look(struct networks *n)
{
	struct look l = { .n = n, .root = db_root(cluster_db(n->service->cluster)) };
	int r = links_list(n->service->links, &l.links);

	l.node_id = object_node_id(n->service->node, l.node);
	l.entries = arena_alloc_zero(&l.arena, REPORT_ADDRESSES_MAX * sizeof(*l.entries));
	if (r == 0 && l.entries == NULL)
		r = -ENOMEM;
	if (r == 0)
		r = add_links(&l);
	if (r == 0)
		r = add_kept(&l);
	if (l.cut && !n->cut_told)
		log_warning("this node has more addresses than a report holds, the rest are passed over; set ignore in "
			    "[networks] most=%d",
		    REPORT_ADDRESSES_MAX);
	n->cut_told = l.cut;
	if (r == 0)
		r = tell(&l);
	link_list_done(&l.links);
	arena_done(&l.arena);
	return r;
}

void networks_look(struct networks *n)
{
	int r;

	if (n->service->links == NULL || n->service->state != SERVICE_UP || n->waiting)
		return;
	r = look(n);
	if (r < 0) {
		log_warning("cannot tell the cluster of this node's network links, trying again in 5 s error=\"%s\"",
		    error_text(r));
		schedule(n, loop_now_ns(n->service->loop) + RETRY_NS);
	}
}

static void on_due(void *data)
{
	struct networks *n = data;

	n->armed = false;
	networks_look(n);
}

static void on_changed(void *data)
{
	struct networks *n = data;

	schedule(n, loop_now_ns(n->service->loop) + PAUSE_NS);
}

int networks_new(struct service *s, struct networks **ret)
{
	struct networks *n = calloc(1, sizeof(*n));
	int r;

	if (n == NULL)
		return -ENOMEM;
	n->service = s;
	r = loop_timer_new(s->loop, on_due, n, &n->timer);
	if (r < 0) {
		free(n);
		return r;
	}
	if (s->links != NULL)
		links_watch(s->links, on_changed, n);
	*ret = n;
	return 0;
}

void networks_free(struct networks *n)
{
	if (n == NULL)
		return;
	if (n->service->links != NULL)
		links_watch(n->service->links, NULL, NULL);
	loop_timer_free(n->timer);
	buf_done(&n->told);
	buf_done(&n->offered);
	free(n);
}
