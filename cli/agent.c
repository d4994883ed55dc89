/* agent: resource agents (OCF): what one says of itself, and resources that are run by one.
 *
 * Why      the service passes all private properties of a Generic Script to its agent; only the agent knows which there are.
 *          Here it is asked, as the user who runs this program, so a misspelt name is found before there is a resource.
 * Needs    the agent on this machine.
 * Threads  one.      Tests  tests/integration/objects_cli.py, tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/agent.h"
#include "cli/subject.h"
#include "cli/table.h"
#include "wire/proplist.h"
#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 30000, SET_COMMON = 0x40005e, SET_PRIVATE = 0x400086 };

static void agent_freep(struct agent **a)
{
	if (*a != NULL)
		agent_done(*a);
	free(*a);
}

/* 0, or an enum cli_exit after a message. */
static int ask(const struct cli *c, const char *name, char path[AGENT_PATH_MAX], struct agent *ret)
{
	struct error e = { 0 };
	int r = agent_path(name, path);

	if (r < 0)
		return cli_usage(c, "'%s' is no agent: it is written ocf:PROVIDER:TYPE, or as a path", name);
	r = agent_read(path, LIMIT_MS, ret, &e);
	return r == 0 ? 0 : cli_fail_error(r, &e, "asking the agent '%s'", name);
}

/* Text of somebody else. */
static void put(struct table *t, const char *text)
{
	table_add_text(t, text);
}

static int print_agent(const struct cli *c, const struct agent *a)
{
	static const struct table_column columns[] = { { "PARAMETER", "name" }, { "TYPE", "type" },
		{ "REQUIRED", "required" }, { "DEFAULT", "default" }, { "ABOUT", "about" } };
	static const struct table_column action_columns[] = { { "ACTION", "name" }, { "DEPTH", "depth" },
		{ "TIMEOUT", "timeout" }, { "INTERVAL", "interval" } };
	_cleanup_table_ struct table parameters = table_begin(c, "parameters", columns, ARRAY_SIZE(columns)),
				     actions = table_begin(c, "actions", action_columns, ARRAY_SIZE(action_columns));
	int r;

	for (size_t i = 0; i < a->parameter_count; i++) {
		const struct agent_parameter *p = &a->parameters[i];

		put(&parameters, p->name);
		put(&parameters, p->type);
		put(&parameters, p->required ? "yes" : "");
		put(&parameters, p->standard);
		put(&parameters, p->about);
	}
	for (size_t i = 0; i < a->action_count; i++) {
		char depth[16], timeout[24], interval[24];

		(void)snprintf(depth, sizeof(depth), "%u", a->actions[i].depth);
		(void)snprintf(timeout, sizeof(timeout), "%u ms", a->actions[i].timeout_ms);
		(void)snprintf(interval, sizeof(interval), "%u ms", a->actions[i].interval_ms);
		put(&actions, a->actions[i].name);
		put(&actions, depth);
		put(&actions, timeout);
		put(&actions, interval);
	}
	output_name("agent");
	output_lines(a->name, strlen(a->name));
	printf(" ");
	output_lines(a->version, strlen(a->version));
	printf("\n");
	output_name("about");
	output_lines(a->about, strlen(a->about));
	printf("\n");
	r = table_end(&parameters, 0, "");
	return r == 0 ? table_end(&actions, 0, "") : r;
}

static int print_json(const struct agent *a)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "name", a->name);
	json_text(&j, "version", a->version);
	json_text(&j, "about", a->about);
	json_open(&j, "parameters", '[');
	for (size_t i = 0; i < a->parameter_count; i++) {
		json_open(&j, NULL, '{');
		json_text(&j, "name", a->parameters[i].name);
		json_text(&j, "type", a->parameters[i].type);
		json_bool(&j, "required", a->parameters[i].required);
		json_text(&j, "default", a->parameters[i].standard);
		json_text(&j, "about", a->parameters[i].about);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "actions", '[');
	for (size_t i = 0; i < a->action_count; i++) {
		json_open(&j, NULL, '{');
		json_text(&j, "name", a->actions[i].name);
		json_number(&j, "depth", a->actions[i].depth);
		json_number(&j, "timeout_ms", a->actions[i].timeout_ms);
		json_number(&j, "interval_ms", a->actions[i].interval_ms);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

int type_agent_verb(struct cli *c)
{
	_cleanup_(agent_freep) struct agent *a = calloc(1, sizeof(*a));
	char path[AGENT_PATH_MAX];
	int r =
	    a == NULL ? cli_fail(ERROR_NOT_ENOUGH_MEMORY, NULL, "asking the agent") : ask(c, c->arguments[0], path, a);

	if (r != 0)
		return r;
	return c->json ? print_json(a) : print_agent(c, a);
}

/* Making. */

/* Behind NAME and GROUP: each is a parameter that the agent has, and none is missing. */
static int check_parameters(const struct cli *c, const struct agent *a)
{
	for (size_t i = 2; i < c->argument_count; i++) {
		_cleanup_free_ char *name = strndup(c->arguments[i], strcspn(c->arguments[i], "="));

		if (name == NULL)
			return cli_fail(ERROR_NOT_ENOUGH_MEMORY, NULL, "reading the parameters");
		if (name[0] == 0 || c->arguments[i][strlen(name)] == 0)
			return cli_usage(c, "'%s' is no NAME=VALUE", c->arguments[i]);
		if (agent_parameter(a, name) == NULL)
			return cli_usage(c, "the agent %s has no parameter '%s'; rueda type agent %s lists them",
			    c->agent, name, c->agent);
	}
	for (size_t p = 0; p < a->parameter_count; p++) {
		size_t len = strlen(a->parameters[p].name);
		bool found = !a->parameters[p].required;

		for (size_t i = 2; i < c->argument_count && !found; i++)
			found =
			    strncmp(c->arguments[i], a->parameters[p].name, len) == 0 && c->arguments[i][len] == '=';
		if (!found)
			return cli_usage(c, "the agent %s needs the parameter '%s'", c->agent, a->parameters[p].name);
	}
	return 0;
}

static int add_text(struct buf *list, const char *name, size_t name_len, const char *value)
{
	_cleanup_free_ char *copy = strndup(name, name_len);
	_cleanup_free_ char16_t *name_units = copy != NULL ? cli_units(copy) : NULL, *units = cli_units(value);

	if (name_units == NULL || units == NULL)
		return CLI_USAGE;
	proplist_add(list, u16_from_z(name_units), PROP_SZ, units, (u16_from_z(units).len + 1) * sizeof(*units));
	return 0;
}

static void add_number(struct buf *list, struct u16 name, uint32_t number)
{
	uint8_t bytes[4];

	put_le32(bytes, number);
	if (number > 0)
		proplist_add(list, name, PROP_DWORD, bytes, sizeof(bytes));
}

/* What the agent advises, where it says something. */
static DWORD set_times(const struct subject *s, const struct agent *a)
{
	const struct agent_action *start = agent_action(a, "start", 0), *stop = agent_action(a, "stop", 0);
	const struct agent_action *look = agent_action(a, "monitor", 0), *thorough = agent_action(a, "monitor", 10);
	struct buf list = { 0 };
	DWORD code;

	proplist_begin(&list);
	add_number(&list, U16("PendingTimeout"),
	    MAX(start != NULL ? start->timeout_ms : 0, stop != NULL ? stop->timeout_ms : 0));
	add_number(&list, U16("LooksAlivePollInterval"), look != NULL ? look->interval_ms : 0);
	add_number(&list, U16("IsAlivePollInterval"), thorough != NULL ? thorough->interval_ms : 0);
	proplist_end(&list);
	code = list.error != 0 ? ERROR_NOT_ENOUGH_MEMORY : subject_control(s, SET_COMMON, &list, NULL, 0, NULL);
	buf_done(&list);
	return code;
}

static int set_all(const struct cli *c, const struct subject *s, const char *path, const struct agent *a)
{
	_cleanup_(buf_done) struct buf list = { 0 };
	DWORD code = 0;
	int r;

	proplist_begin(&list);
	r = add_text(&list, "ScriptFilepath", strlen("ScriptFilepath"), path);
	if (r == 0) /* A path need not tell. */
		r = add_text(&list, "ScriptProtocol", strlen("ScriptProtocol"), "ocf");
	for (size_t i = 2; i < c->argument_count && r == 0; i++) {
		size_t len = strcspn(c->arguments[i], "=");

		r = add_text(&list, c->arguments[i], len, c->arguments[i] + len + 1);
	}
	proplist_end(&list);
	if (r != 0)
		return r;
	code = list.error != 0 ? ERROR_NOT_ENOUGH_MEMORY : subject_control(s, SET_PRIVATE, &list, NULL, 0, NULL);
	if (code == ERROR_SUCCESS)
		code = set_times(s, a);
	return code == ERROR_SUCCESS ? 0 : cli_fail(code, NULL, "setting the properties of '%s'", s->text);
}

int agent_create_resource(const struct cli *c)
{
	_cleanup_(agent_freep) struct agent *a = calloc(1, sizeof(*a));
	_cleanup_free_ char16_t *name = cli_units(c->arguments[0]);
	_cleanup_subject_ struct subject group = { 0 }, made = { .noun = NOUN_RESOURCE, .text = c->arguments[0] };
	char path[AGENT_PATH_MAX];
	int r = a == NULL || name == NULL ? CLI_USAGE : ask(c, c->agent, path, a);

	if (r == 0)
		r = check_parameters(c, a);
	if (r == 0)
		r = subject_open(c, NOUN_GROUP, 1, GENERIC_ALL, &group);
	if (r != 0)
		return r;
	made.resource = CreateClusterResource(group.group, cli_wide(name), cli_wide(u"Generic Script"),
	    c->separate ? CLUSTER_RESOURCE_SEPARATE_MONITOR : CLUSTER_RESOURCE_DEFAULT_MONITOR);
	if (made.resource == NULL)
		return cli_fail(GetLastError(), NULL, "creating the resource '%s'", made.text);
	r = set_all(c, &made, path, a);
	if (r != 0)
		(void)DeleteClusterResource(made.resource);
	return r;
}
