/* script: the type Generic Script: agents of the Open Cluster Framework (OCF), and init scripts as LSB defines them.
 *
 * Why      the agents of the package resource-agents, and those that people have written for Pacemaker, know how to run a
 *          hundred services; they are used unchanged.
 * How      an OCF agent gets its parameters as OCF_RESKEY_… from the private properties that are not in our table, and the
 *          actions validate-all, start, monitor and stop; its exit codes become texts and codes.  LooksAlive is a
 *          monitor of depth 0, IsAlive one of depth 10.  A script that is no agent gets start, status and stop.
 * Not kept promotable agents, notifications, reload, migration; the meta-data (agent.h) is not held against the parameters here: Pacemaker does not, either.
 * Threads  one.      Format  OCF resource agent API 1.1; LSB 5.0 §22.2
 * Tests    tests/unit/host_types.c, tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/run.h"
#include "host/types.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct host_property properties[] = {
	{ "ScriptFilepath", HOST_FORMAT_TEXT, true, NULL, "absolute path of the agent or script" },
	{ "ScriptProtocol", HOST_FORMAT_TEXT, false, NULL,
	    "`ocf` or `lsb`; without it, `ocf` if the path has a directory `resource.d`" },
};

enum { OCF_SUCCESS = 0, OCF_UNIMPLEMENTED = 3, OCF_NOT_RUNNING = 7 };

// clang-format off
static const struct {
	int code;
	const char *text;
} ocf_codes[] = {
	{ ERR_RESMON_ONLINE_FAILED,	"it failed" },
	{ ERR_INVALID_PARAMETER,	"a parameter is wrong" },
	{ ERR_CALL_NOT_IMPLEMENTED,	"the agent does not have this action" },
	{ ERR_ACCESS_DENIED,		"the agent has not the rights that it needs" },
	{ ERR_FILE_NOT_FOUND,		"a program that the agent needs is not installed" },
	{ ERR_INVALID_PARAMETER,	"the service is not configured" },
	{ ERR_RESOURCE_NOT_ONLINE,	"it is not running" },
	{ ERR_INVALID_STATE,		"it runs as promoted" },
	{ ERR_INVALID_STATE,		"it runs as promoted and has failed" },
};
// clang-format on

static bool is_ocf(const struct resource *r)
{
	const char *protocol = resource_get(r, "ScriptProtocol");

	return protocol != NULL ? strcasecmp(protocol, "ocf") == 0
				: strstr(resource_get(r, "ScriptFilepath"), "/resource.d/") != NULL;
}

static int values(const struct resource *r, struct error *e)
{
	const char *protocol = resource_get(r, "ScriptProtocol"), *path = resource_get(r, "ScriptFilepath");

	if (path != NULL && path[0] != '/')
		return error_set(e, ERR_INVALID_PARAMETER, "ScriptFilepath is not an absolute path");
	if (protocol != NULL && strcasecmp(protocol, "ocf") != 0 && strcasecmp(protocol, "lsb") != 0)
		return error_set(e, ERR_INVALID_PARAMETER, "ScriptProtocol is neither ocf nor lsb");
	return 0;
}

bool script_is_parameter(const char *name)
{
	for (const char *p = name; *p != 0; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
			(p > name && *p >= '0' && *p <= '9')))
			return false;
	return name[0] != 0 && strlen(name) < 128;
}

/* PREFIX/resource.d/PROVIDER/TYPE */
static void add_agent(struct environment *v, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *root = copy != NULL ? strstr(copy, "/resource.d/") : NULL,
	     *type = copy != NULL ? strrchr(copy, '/') : NULL;

	if (copy == NULL)
		v->error = -ENOMEM;
	if (type != NULL)
		environment_add(v, "OCF_RESOURCE_TYPE", type + 1);
	if (root != NULL) {
		char *provider = root + strlen("/resource.d/");

		if (type > provider) {
			*type = 0;
			environment_add(v, "OCF_RESOURCE_PROVIDER", provider);
		}
		*root = 0;
	}
	environment_add(v, "OCF_ROOT", root != NULL && copy[0] != 0 ? copy : "/usr/lib/ocf");
}

static void make_environment(struct environment *v, const struct resource *r, const char *depth)
{
	char name[160], number[16];

	environment_init(v, r);
	if (!is_ocf(r))
		return;
	add_agent(v, resource_get(r, "ScriptFilepath"));
	environment_add(v, "OCF_RA_VERSION_MAJOR", "1");
	environment_add(v, "OCF_RA_VERSION_MINOR", "0");
	environment_add(v, "OCF_RESOURCE_INSTANCE", r->id); /* Agents make file names of it. */
	environment_add(v, "OCF_CHECK_LEVEL", depth);
	(void)snprintf(number, sizeof(number), "%" PRIu32, r->settings.pending_ms);
	environment_add(v, "OCF_RESKEY_CRM_meta_timeout", number);
	for (size_t i = 0; i < r->value_count; i++) {
		if (strcasecmp(r->values[i].name, "ScriptFilepath") == 0 ||
		    strcasecmp(r->values[i].name, "ScriptProtocol") == 0 || !script_is_parameter(r->values[i].name))
			continue;
		(void)snprintf(name, sizeof(name), "OCF_RESKEY_%s", r->values[i].name);
		environment_add(v, name, r->values[i].text);
	}
}

static int act(const struct resource *r, const char *action, const char *depth, struct error *e)
{
	const char *argv[] = { resource_get(r, "ScriptFilepath"), action, NULL };
	struct environment v;
	int status;

	make_environment(&v, r, depth);
	status = run_program(argv, &v, e);
	environment_done(&v);
	return status;
}

/* status > 0 */
static int failure(const struct resource *r, const char *action, int status, struct error *e)
{
	if (is_ocf(r) && status <= (int)ARRAY_SIZE(ocf_codes))
		return error_set(
		    e, ocf_codes[status - 1].code, "%s: %s (status %d)", action, ocf_codes[status - 1].text, status);
	return error_set(e, ERR_RESMON_ONLINE_FAILED, "%s: status %d", action, status);
}

static int online(struct resource *r, struct error *e)
{
	int status;

	if (is_ocf(r)) {
		status = act(r, "validate-all", "0", e);
		if (status != OCF_SUCCESS && status != OCF_UNIMPLEMENTED)
			return status < 0 ? status : failure(r, "validate-all", status, e);
	}
	status = act(r, "start", "0", e);
	return status <= 0 ? status : failure(r, "start", status, e);
}

static int offline(struct resource *r, struct error *e)
{
	int status = act(r, "stop", "0", e);

	return status <= 0 ? status : failure(r, "stop", status, e);
}

static int probe(struct resource *r, bool thorough, struct error *e)
{
	const char *action = is_ocf(r) ? "monitor" : "status";
	int status = act(r, action, thorough ? "10" : "0", e);

	if (status <= 0)
		return status < 0 ? status : 1;
	/* LSB: 1 to 3 are kinds of "not running"; who is not active has nothing that could run twice. */
	if (is_ocf(r) ? status == OCF_NOT_RUNNING : status <= 3) {
		(void)error_set(e, ERR_RESOURCE_NOT_ONLINE, "%s: it is not running (status %d)", action, status);
		return 0;
	}
	return failure(r, action, status, e);
}

const struct host_type host_script = {
	.name = "Generic Script",
	.properties = properties,
	.property_count = ARRAY_SIZE(properties),
	.takes_others = true,
	.values = values,
	.online = online,
	.offline = offline,
	.probe = probe,
};
