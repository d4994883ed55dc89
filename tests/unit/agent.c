/* unit agent: what an agent says of itself is read, whoever wrote it, and in the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/agent.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD                                                                                                           \
	"<?xml version=\"1.0\"?><!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\"><resource-agent name='n' "            \
	"version='1'>"
#define TAIL "</resource-agent>"

static const char good[] = HEAD
    "<shortdesc lang='en'> A  small\n\tone </shortdesc><parameters>"
    "<parameter name='config' required='1'><longdesc>no</longdesc><shortdesc>Where &amp; what</shortdesc>"
    "<content type='string' default='/etc/x'/></parameter>"
    "<parameter name='port'><content type='integer'/></parameter></parameters>"
    "<actions><action name='start' timeout='1min'/><action name='stop' timeout='20'/>"
    "<action name='monitor' depth='0' timeout='500ms' interval='10s'/><action name='monitor' depth='10' interval='x'/>"
    "</actions>" TAIL;

static struct agent agent;

static int parse(const char *xml, struct error *e)
{
	agent_done(&agent);
	*e = (struct error){ 0 };
	return agent_parse(xml, strlen(xml), &agent, e);
}

TEST(parameters_and_actions_are_read)
{
	struct error e;

	CHECK_INT(parse(good, &e), 0);
	CHECK_STR(agent.name, "n");
	CHECK_STR(agent.version, "1");
	CHECK_STR(agent.about, "A small one");
	CHECK_INT(agent.parameter_count, 2);
	CHECK_STR(agent.parameters[0].name, "config");
	CHECK_STR(agent.parameters[0].standard, "/etc/x");
	CHECK_STR(agent.parameters[0].about, "Where & what");
	CHECK(agent.parameters[0].required && !agent.parameters[1].required);
	CHECK_STR(agent.parameters[1].type, "integer");
	CHECK_STR(agent.parameters[1].about, "");
	CHECK(agent_parameter(&agent, "port") != NULL && agent_parameter(&agent, "Port") == NULL);
	CHECK_INT(agent_action(&agent, "start", 0)->timeout_ms, 60000);
	CHECK_INT(agent_action(&agent, "stop", 0)->timeout_ms, 20000);
	CHECK_INT(agent_action(&agent, "monitor", 0)->timeout_ms, 500);
	CHECK_INT(agent_action(&agent, "monitor", 0)->interval_ms, 10000);
	CHECK_INT(agent_action(&agent, "monitor", 10)->interval_ms, 0);
	CHECK(agent_action(&agent, "reload", 0) == NULL);
	agent_done(&agent);
}

TEST(what_is_hostile_is_refused)
{
	static const char *const bad[] = { "", "no xml", "<a></a>", HEAD, HEAD "<parameters>" TAIL,
		"<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'>]><resource-agent>&a;</resource-agent>",
		"<!DOCTYPE r [<!ENTITY % a SYSTEM 'file:///etc/passwd'>%a;]><resource-agent/>",
		"<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><resource-agent>&a;</resource-agent>",
		"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><resource-agent/></a></a></a></a></a></a></a></a></"
		"a></a>"
		"</a></a></a></a></a></a>" };
	struct error e;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(parse(bad[i], &e), -EBADMSG);
		CHECK(strstr(e.text, "the meta-data cannot be read: line ") != NULL);
	}
	agent_done(&agent);
}

TEST(what_is_too_much_is_refused_and_what_is_too_long_is_cut)
{
	size_t size = AGENT_XML_MAX + 1000, len = 0;
	char *xml = malloc(size);
	struct error e;

	CHECK(xml != NULL);
	len = (size_t)snprintf(xml, size, HEAD);
	for (int i = 0; i <= AGENT_PARAMETERS_MAX; i++)
		len += (size_t)snprintf(xml + len, size - len, "<parameter name='p%d'/>", i);
	(void)snprintf(xml + len, size - len, TAIL);
	CHECK_INT(parse(xml, &e), -E2BIG);
	CHECK(strstr(e.text, "too many parameters") != NULL);
	len = (size_t)snprintf(xml, size, HEAD);
	for (int i = 0; i <= AGENT_ACTIONS_MAX; i++)
		len += (size_t)snprintf(xml + len, size - len, "<action name='p%d'/>", i);
	(void)snprintf(xml + len, size - len, TAIL);
	CHECK_INT(parse(xml, &e), -E2BIG);
	len = (size_t)snprintf(xml, size, HEAD "<parameter name='");
	memset(xml + len, 'x', 5000);
	(void)snprintf(xml + len + 5000, size - len - 5000, "'><shortdesc>%05000d</shortdesc></parameter>" TAIL, 1);
	CHECK_INT(parse(xml, &e), 0);
	CHECK_INT(strlen(agent.parameters[0].name), AGENT_TEXT_MAX);
	CHECK_INT(strlen(agent.parameters[0].about), AGENT_TEXT_MAX - 1);
	agent_done(&agent);
	CHECK_INT(agent_parse(xml, AGENT_XML_MAX + 1, &agent, &e), -E2BIG);
	free(xml);
}

TEST(without_memory_it_says_so)
{
	FAIL_EACH_ALLOCATION
	{
		int r = agent_parse(good, sizeof(good) - 1, &agent, NULL);

		CHECK(r == 0 || r == -ENOMEM);
		CHECK(r == 0 || failalloc_hit());
		agent_done(&agent);
	}
}

TEST(names_lead_nowhere_else)
{
	static const char *const bad[] = { "", "x", "ocf:", "ocf::x", "ocf:a:", "ocf:..:x", "ocf:a:../x", "ocf:a:.x",
		"ocf:a/b:x", "ocf:a:b:c", "lsb:x" };
	char path[AGENT_PATH_MAX];

	CHECK(agent_path("ocf:heartbeat:IPaddr2", path) == 0);
	CHECK_STR(path, "/usr/lib/ocf/resource.d/heartbeat/IPaddr2");
	CHECK(agent_path("ocf:Dummy", path) == 0);
	CHECK_STR(path, "/usr/lib/ocf/resource.d/heartbeat/Dummy");
	CHECK(agent_path("ocf:my-own.x:a_b", path) == 0);
	CHECK_STR(path, "/usr/lib/ocf/resource.d/my-own.x/a_b");
	CHECK(agent_path("/srv/agent", path) == 0);
	CHECK_STR(path, "/srv/agent");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(agent_path(bad[i], path), -EINVAL);
}

/* An agent that does this. */
static int try(const char *script, unsigned limit_ms, struct error *e)
{
	char path[AGENT_PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/agent", test_directory());
	f = fopen(path, "we");
	CHECK(f != NULL && fprintf(f, "#!/bin/sh\n%s\n", script) > 0 && fclose(f) == 0 && chmod(path, 0755) == 0);
	agent_done(&agent);
	*e = (struct error){ 0 };
	return agent_read(path, limit_ms, &agent, e);
}

TEST(an_agent_is_asked_and_cannot_hold_us_up)
{
	struct timespec begin, end;
	struct error e;

	CHECK_INT(try("[ \"$1\" = meta-data ] && echo \"<resource-agent name='$OCF_ROOT'/>\"", 60000, &e), 0);
	CHECK_STR(agent.name, "/usr/lib/ocf");
	CHECK_INT(try("exit 3", 60000, &e), -EIO);
	CHECK(strstr(e.text, "meta-data: status 3") != NULL);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	CHECK_INT(try("sleep 1000", 200, &e), -ETIMEDOUT);
	CHECK_INT(try("echo '<resource-agent/>'; exec >&-; sleep 1000", 60000, &e), -EIO);
	CHECK_INT(try("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", 120000, &e),
	    -E2BIG);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK(end.tv_sec - begin.tv_sec < 300);
	CHECK_INT(agent_read("/nonexistent", 1000, &agent, &e), -ENOENT);
	agent_done(&agent);
}

TEST(the_agents_that_are_installed_are_read)
{
	static const char *const names[] = { "Dummy", "IPaddr2", "Filesystem" };
	struct error e;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[AGENT_PATH_MAX];

		CHECK(agent_path("ocf:heartbeat:Dummy", path) == 0);
		(void)snprintf(strrchr(path, '/') + 1, 64, "%s", names[i]);
		if (access(path, X_OK) < 0)
			test_skip("the package resource-agents is not installed");
		if (agent_read(path, 20000, &agent, &e) != 0)
			test_fail(__FILE__, __LINE__, "%s", e.text);
		CHECK_STR(agent.name, names[i]);
		CHECK(agent.parameter_count >= 1 && agent_action(&agent, "start", 0)->timeout_ms > 0);
		agent_done(&agent);
	}
}
