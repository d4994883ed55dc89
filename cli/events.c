/* events: rueda events --follow: a line for each thing that happens to the cluster's objects.
 *
 * How      a port of version 2 with filters for all objects; each event is printed and flushed at once, so that a pipe sees
 *          it.  It goes on through restarts of the service, which are told as events, until it is interrupted.
 * Threads  one, and the library's.      Tests  tests/integration/notify.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/filetime.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/subject.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_CCH = 1024, DATA_MAX = 64 << 10, STATE_SIZE = 4 };

// clang-format off
static const struct {
	DWORD type;
	const char *object;
	const char *events[13]; /* By bit. */
} types[] = {
	{ CLUSTER_OBJECT_TYPE_CLUSTER, "cluster", { "back", "unreachable", "group added", NULL, "network added", "node added",
	    "type added", "properties", "private properties", "lost", "renamed", "membership", "upgraded" } },
	{ CLUSTER_OBJECT_TYPE_GROUP, "group", { "deleted", "properties", "private properties", "state", "owner",
	    "preferred owners", "resource added", "resource gained", "resource lost" } },
	{ CLUSTER_OBJECT_TYPE_RESOURCE, "resource", { "properties", "private properties", "state", "group", "dependencies",
	    "dependents", "possible owners", "deleted", "library upgraded" } },
	{ CLUSTER_OBJECT_TYPE_RESOURCE_TYPE, "type", { "deleted", "properties", "private properties", "possible owners",
	    "library upgraded", "specific" } },
	{ CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE, "interface", { "deleted", "properties", "private properties", "state" } },
	{ CLUSTER_OBJECT_TYPE_NETWORK, "network", { "deleted", "properties", "private properties", "state" } },
	{ CLUSTER_OBJECT_TYPE_NODE, "node", { "interface added", "deleted", "properties", "private properties", "state",
	    "group gained", "group lost" } },
	{ CLUSTER_OBJECT_TYPE_QUORUM, "quorum", { "state" } },
};
// clang-format on

struct event {
	NOTIFY_FILTER_AND_TYPE what;
	BYTE data[DATA_MAX];
	WCHAR id[TEXT_CCH], parent[TEXT_CCH], name[TEXT_CCH], type[TEXT_CCH];
	DWORD size;
};

static struct u16 view(const WCHAR *text)
{
	return u16_from_z((const char16_t *)text);
}

static DWORD next(HCHANGE port, struct event *e)
{
	DWORD id = TEXT_CCH, parent = TEXT_CCH, name = TEXT_CCH, type = TEXT_CCH;

	e->size = sizeof(e->data);
	return GetClusterNotifyV2(port, NULL, &e->what, e->data, &e->size, e->id, &id, e->parent, &parent, e->name,
	    &name, e->type, &type, INFINITE);
}

static void name_of(const struct event *e, const char **ret_object, const char **ret_event)
{
	*ret_object = *ret_event = "unknown";
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type != e->what.dwObjectType)
			continue;
		*ret_object = types[i].object;
		for (size_t bit = 0; bit < ARRAY_SIZE(types[i].events); bit++)
			if (e->what.FilterFlags == (LONGLONG)1 << bit && types[i].events[bit] != NULL)
				*ret_event = types[i].events[bit];
	}
}

/* The word for a new state, or NULL: the event has none. */
static const char *state_of(const struct event *e, const char *what)
{
	int state = e->size == STATE_SIZE ? (int)get_le32(e->data) : -1;

	if (strcmp(what, "state") != 0)
		return NULL;
	switch (e->what.dwObjectType) {
	case CLUSTER_OBJECT_TYPE_NODE:
		return node_state_word((CLUSTER_NODE_STATE)state);
	case CLUSTER_OBJECT_TYPE_GROUP:
		return group_state_word((CLUSTER_GROUP_STATE)state);
	case CLUSTER_OBJECT_TYPE_NETWORK:
		return network_state_word((CLUSTER_NETWORK_STATE)state);
	case CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE:
		return interface_state_word((CLUSTER_NETINTERFACE_STATE)state);
	default:
		return resource_state_word((CLUSTER_RESOURCE_STATE)state);
	}
}

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return filetime_from_timespec(t);
}

static int print_event(const struct event *e, bool json)
{
	const char *object, *what, *state;
	struct json j = { 0 };

	name_of(e, &object, &what);
	state = state_of(e, what);
	if (!json) {
		output_time(now());
		printf(" %s %s", object, what);
		if (view(e->name).len > 0) {
			printf(" '");
			output_u16(view(e->name));
			printf("'");
		}
		if (state != NULL)
			printf(" %s", state);
		printf("\n");
		return output_end();
	}
	json_open(&j, NULL, '{');
	json_time(&j, "time", now());
	json_text(&j, "object", object);
	json_text(&j, "event", what);
	json_u16(&j, "name", view(e->name));
	json_u16(&j, "id", view(e->id));
	json_u16(&j, "parent", view(e->parent));
	json_u16(&j, "type", view(e->type));
	if (state != NULL)
		json_text(&j, "state", state);
	else
		json_null(&j, "state");
	json_bytes(&j, "data", e->data, e->size);
	json_close(&j, '}');
	return json_print(&j);
}

static HCHANGE open_port(HCLUSTER cluster)
{
	NOTIFY_FILTER_AND_TYPE filters[ARRAY_SIZE(types)];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		filters[i] = (NOTIFY_FILTER_AND_TYPE){ types[i].type, 0 };
		for (size_t bit = 0; bit < ARRAY_SIZE(types[i].events); bit++)
			if (types[i].events[bit] != NULL)
				filters[i].FilterFlags |= (LONGLONG)1 << bit;
	}
	return CreateClusterNotifyPortV2((HCHANGE)INVALID_HANDLE_VALUE, cluster, filters, ARRAY_SIZE(filters), 0);
}

int events_verb(struct cli *c)
{
	_cleanup_free_ struct event *e = calloc(1, sizeof(*e));
	HCLUSTER cluster;
	HCHANGE port;
	DWORD code;
	int r;

	if (!c->follow)
		return cli_usage(c, "events are told from now on only: add --follow");
	if (e == NULL)
		return cli_fail_error(-ENOMEM, NULL, "following the events");
	r = cli_open(GENERIC_READ, &cluster);
	if (r != 0)
		return r;
	port = open_port(cluster);
	if (port == NULL) {
		code = GetLastError();
		(void)CloseCluster(cluster);
		return cli_fail(code, NULL, "following the events");
	}
	while (r == 0 && (code = next(port, e)) == 0)
		r = print_event(e, c->json);
	(void)CloseClusterNotifyPort(port);
	(void)CloseCluster(cluster);
	return r != 0 ? r
		      : cli_fail(code, code == ERROR_INVALID_HANDLE ? "A backup has been restored." : NULL,
			    "following the events");
}
