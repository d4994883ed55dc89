/* service: the type Generic Service: a unit of systemd.
 *
 * How      systemctl starts it, stops it and tells whether it is active.  Its processes are systemd's, not the host's, so
 *          they outlive a host that dies; the guard has them stopped then.  StartupParameters is the instance of a template:
 *          web@ with "a" is web@a.service.
 * Not kept where systemd does not run there are no services, and nothing to stop.
 * Threads  one.      Tests  tests/unit/host_types.c (names), tests/integration/resources.py (without systemd),
 *          tests/integration/systemd.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/run.h"
#include "host/types.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct host_property properties[] = {
	{ "ServiceName", HOST_FORMAT_TEXT, true, NULL, "unit, with or without `.service`" },
	{ "StartupParameters", HOST_FORMAT_TEXT, false, NULL, "instance of a template unit (`web@`)" },
	{ "UseNetworkName", HOST_FORMAT_NUMBER, false, "0", "ignored: a unit has an environment of its own" },
};

enum { UNIT_MAX = 256 };

static bool is_unit_text(const char *text)
{
	return text[0] != 0 && text[0] != '-' &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@\\-")] == 0;
}

/* The name of the unit. */
static int unit_name(const struct resource *r, char *ret, size_t size, struct error *e)
{
	const char *name = resource_get(r, "ServiceName"), *instance = resource_get(r, "StartupParameters");
	size_t len = strlen(name);

	if (!is_unit_text(name) || (instance != NULL && !is_unit_text(instance)))
		return error_set(
		    e, ERR_INVALID_PARAMETER, "ServiceName and StartupParameters are not the name of a unit");
	if (len > 8 && strcmp(name + len - 8, ".service") == 0)
		len -= 8;
	if (instance != NULL && name[len - 1] != '@')
		return error_set(e, ERR_INVALID_PARAMETER,
		    "StartupParameters is set, but '%.100s' is no template: its name does not end with @", name);
	if (snprintf(ret, size, "%.*s%s.service", (int)len, name, instance != NULL ? instance : "") >= (int)size)
		return error_set(e, ERR_INVALID_PARAMETER, "the name of the unit is too long");
	return 0;
}

static bool has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static int systemctl(const struct resource *r, const char *verb, struct error *e)
{
	const char *program = access("/usr/bin/systemctl", X_OK) == 0 ? "/usr/bin/systemctl" : "/bin/systemctl";
	char unit[UNIT_MAX];
	const char *argv[] = { program, "--quiet", "--no-ask-password", verb, "--", unit, NULL };
	struct environment v;
	int n = unit_name(r, unit, sizeof(unit), e);

	if (n < 0)
		return n;
	environment_init(&v, r);
	n = run_program(argv, &v, e);
	environment_done(&v);
	return n;
}

static int values(const struct resource *r, struct error *e)
{
	char unit[UNIT_MAX];

	return resource_get(r, "ServiceName") != NULL ? unit_name(r, unit, sizeof(unit), e) : 0;
}

static int check(const struct resource *r, struct error *e)
{
	return has_systemd() ? 0
			     : error_set(e, ERR_CALL_NOT_IMPLEMENTED,
				   "this node does not run systemd, so there are no services; use a Generic Script");
}

static int online(struct resource *r, struct error *e)
{
	int status = systemctl(r, "start", e);

	return status <= 0 ? status : error_set(e, ERR_RESMON_ONLINE_FAILED, "systemctl start: status %d", status);
}

static int offline(struct resource *r, struct error *e)
{
	int status = has_systemd() ? systemctl(r, "stop", e) : 0;

	return status <= 0 ? status : error_set(e, ERR_GEN_FAILURE, "systemctl stop: status %d", status);
}

static int probe(struct resource *r, bool thorough, struct error *e)
{
	int status = has_systemd() ? systemctl(r, "is-active", e) : 3;

	(void)thorough;
	if (status <= 0)
		return status < 0 ? status : 1;
	(void)error_set(e, ERR_RESOURCE_NOT_ONLINE, "the unit is not active");
	return 0;
}

const struct host_type host_service = {
	.name = "Generic Service",
	.properties = properties,
	.property_count = ARRAY_SIZE(properties),
	.values = values,
	.check = check,
	.online = online,
	.offline = offline,
	.probe = probe,
};
