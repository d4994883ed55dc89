/* client.conf: where clusters on the network are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/settings.h"
#include "base/error.h"
#include "tests/lib/test.h"
#include <stdio.h>
#include <string.h>

static struct settings s;

static int load(const char *text, const char *cluster)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/client.conf", test_directory());
	(void)remove(path);
	if (text != NULL) {
		f = fopen(path, "w");
		CHECK(f != NULL);
		CHECK(fputs(text, f) >= 0);
		CHECK_INT(fclose(f), 0);
	}
	CHECK_INT(setenv("RUEDA_DIR", test_directory(), 1), 0);
	return settings_load(cluster, &s);
}

TEST(a_host_may_have_a_port)
{
	static const struct {
		const char *text, *name;
		unsigned port;
	} cases[] = {
		{ "host", "host", 0 },
		{ "host.example.org:49155", "host.example.org", 49155 },
		{ "192.0.2.7", "192.0.2.7", 0 },
		{ "192.0.2.7:1", "192.0.2.7", 1 },
		{ "2001:db8::7", "2001:db8::7", 0 },
		{ "[2001:db8::7]", "2001:db8::7", 0 },
		{ "[::1]:65535", "::1", 65535 },
		{ "host:0", NULL, 0 },
		{ "host:", NULL, 0 },
		{ "host:65536", NULL, 0 },
		{ "host:12a", NULL, 0 },
		{ "host:1:2", NULL, 0 },
		{ "host:+1", NULL, 0 },
		{ ":1", NULL, 0 },
		{ "", NULL, 0 },
		{ "[::1", NULL, 0 },
		{ "[host]:1", NULL, 0 },
		{ "[::1]x", NULL, 0 },
		{ "a b", NULL, 0 },
		{ "a/b", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rpc_client_host host = { 0 };
		char text[64];
		int r;

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		r = settings_parse_host(text, &host);
		if (r != (cases[i].name != NULL ? 0 : ERR_INVALID_PARAMETER))
			test_fail(__FILE__, __LINE__, "'%s' gives %d", cases[i].text, r);
		if (r == 0) {
			CHECK_STR(host.name, cases[i].name);
			CHECK_INT(host.port, cases[i].port);
		}
	}
}

TEST(without_a_file_the_name_is_the_host)
{
	CHECK_INT(load(NULL, "alpha"), 0);
	CHECK_INT(s.host_count, 1);
	CHECK_STR(s.hosts[0].name, "alpha");
	CHECK_INT(s.hosts[0].port, 0);
	CHECK_INT(s.connect_ms, RPC_CLIENT_CONNECT_MS);
	CHECK_INT(s.call_ms, 0);
	CHECK_INT(s.mapper_port, 0);
	CHECK_STR(s.credentials, "");
	CHECK_INT(load(NULL, "two words"), ERR_INVALID_PARAMETER);
}

TEST(a_name_has_the_hosts_of_the_file_in_any_case)
{
	static const char text[] =
	    "[clusters]\nAlpha = one, two:2\t[::1]:3\nbeta = four\n[client]\nepmap = 5\n"
	    "connect_seconds = 6\ncall_seconds = 7\ncredentials = /c\nlater_key = x\n[later]\na = b\n";

	CHECK_INT(load(text, "aLPHA"), 0);
	CHECK_INT(s.host_count, 3);
	CHECK_STR(s.hosts[0].name, "one");
	CHECK_STR(s.hosts[1].name, "two");
	CHECK_INT(s.hosts[1].port, 2);
	CHECK_STR(s.hosts[2].name, "::1");
	CHECK_INT(s.hosts[2].port, 3);
	CHECK_INT(s.mapper_port, 5);
	CHECK_INT(s.connect_ms, 6000);
	CHECK_INT(s.call_ms, 7000);
	CHECK_STR(s.credentials, "/c");
	CHECK_INT(load(text, "gamma"), 0);
	CHECK_STR(s.hosts[0].name, "gamma");
}

TEST(a_mistake_in_the_file_is_an_error)
{
	static const char *const texts[] = {
		"[clusters]\nalpha = one:x\n",
		"[clusters]\nalpha =\n",
		"[client]\nepmap = off\n",
		"[client]\nepmap = 65536\n",
		"[client]\nconnect_seconds = 0\n",
		"[client]\ncredentials = relative\n",
		"no section\n",
		"[clusters]\nalpha = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (load(texts[i], "alpha") != ERR_INVALID_PARAMETER)
			test_fail(__FILE__, __LINE__, "%s", texts[i]);
	/* What is wrong with another cluster does not matter. */
	CHECK_INT(load(texts[0], "beta"), 0);
}

TEST(the_environment_names_other_credentials)
{
	CHECK_INT(setenv("RUEDA_CREDENTIALS", "/mine", 1), 0);
	CHECK_INT(load("[client]\ncredentials = /c\n", "alpha"), 0);
	CHECK_STR(s.credentials, "/mine");
	CHECK_INT(unsetenv("RUEDA_CREDENTIALS"), 0);
}
