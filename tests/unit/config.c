/* config: what is taken, what is refused with which words, and that the printed forms agree with the table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/config.h"
#include "base/log.h"
#include "tests/lib/failalloc.h"
#include <sys/stat.h>
#include <unistd.h>

static char problems[4096];
static size_t problem_count;

static void problem(void *data, const char *text)
{
	size_t used = strlen(problems);

	problem_count++;
	(void)snprintf(problems + used, sizeof(problems) - used, "%s\n", text);
}

static int parse(const char *text, struct config *c)
{
	problems[0] = 0;
	problem_count = 0;
	return config_parse("/R", "box.example.org", text, strlen(text), problem, NULL, c);
}

/* What is said about a text that is all wrong. */
static const char *complaints(const char *text)
{
	struct config c;

	CHECK_INT(parse(text, &c), -EBADMSG);
	config_done(&c);
	return problems;
}

TEST(an_empty_file_gives_the_defaults)
{
	struct config c;

	CHECK_INT(parse("", &c), 0);
	CHECK_STR(c.file, "/R/rueda.conf");
	CHECK_STR(c.state_directory, "/R/state");
	CHECK_STR(c.run_directory, "/R/run");
	CHECK_STR(c.drives_directory, "/R/drives");
	CHECK_STR(c.node_name, "box");
	CHECK_STR(c.user, "rueda");
	CHECK_INT(c.api_level, API_LEVEL_2003);
	CHECK_INT(c.log_level, LOG_INFO);
	CHECK_INT(c.request_size, 4 << 20);
	CHECK_INT(c.open_seconds, 30);
	CHECK(c.is_private);
	CHECK_INT(c.unc.count, 0);
	config_done(&c);

	CHECK_INT(config_parse(NULL, "box", "", 0, problem, NULL, &c), 0);
	CHECK_STR(c.file, "/etc/rueda/rueda.conf");
	CHECK_STR(c.state_directory, "/var/lib/rueda");
	CHECK_STR(c.run_directory, "/run/rueda");
	CHECK_STR(c.drives_directory, "/etc/rueda/drives");
	CHECK(!c.is_private);
	config_done(&c);
}

TEST(each_kind_of_value_is_taken)
{
	struct config c;

	CHECK_INT(parse("[node]\nname = Node-1_x\n[service]\napi_level = 2008\nlog_level = debug\nuser = nobody\n"
			"state_directory = /s\nrun_directory = /r\n[limits]\nconnections = 1\nrequest_size = 64K\n"
			"[unc]\n//ClusBack/19991215 = /some/dir\n[limits]\nopen_seconds = 3600\n",
		      &c),
	    0);
	CHECK_STR(c.node_name, "Node-1_x");
	CHECK_INT(c.api_level, API_LEVEL_2008);
	CHECK_INT(c.log_level, LOG_DEBUG);
	CHECK_STR(c.user, "nobody");
	CHECK_STR(c.state_directory, "/s");
	CHECK_STR(c.run_directory, "/r");
	CHECK_INT(c.connections, 1);
	CHECK_INT(c.request_size, 64 << 10);
	CHECK_INT(c.open_seconds, 3600);
	CHECK_INT(c.unc.count, 1);
	CHECK_STR(c.unc.entries[0].directory, "/some/dir");
	config_done(&c);
}

TEST(the_network_is_off_until_an_address_is_given)
{
	struct config c;

	CHECK_INT(parse("[listen]\nport = 0\n", &c), 0);
	CHECK_STR(c.listen_addresses, "off");
	CHECK_INT(c.mapper_port, 135);
	CHECK(!config_is_set(&c, &c.mapper_port));
	CHECK(config_is_set(&c, &c.listen_port));
	config_done(&c);
	CHECK_INT(parse("[listen]\naddress = 10.0.0.1, ::1\nport = 5000\nepmap = off\n", &c), 0);
	CHECK_STR(c.listen_addresses, "10.0.0.1, ::1");
	CHECK_INT(c.listen_port, 5000);
	CHECK_INT(c.mapper_port, 0);
	CHECK(config_is_set(&c, &c.mapper_port));
	config_done(&c);
	CHECK(strstr(complaints("[listen]\naddress = localhost\n"), ":2: address must be off, any, or IP addresses with commas between them, at most 8\n") != NULL);
	CHECK(strstr(complaints("[listen]\nepmap = 0\n"), ":2: epmap must be off or a number from 1 to 65535") != NULL);
	CHECK(strstr(complaints("[listen]\naddress = any\nepmap = off\n"), "clients could not find the service") != NULL);
	CHECK(strstr(complaints("[listen]\naddress = any\nport = 135\n"), "must differ") != NULL);
}

TEST(an_unknown_key_is_refused_with_a_guess)
{
	CHECK_STR(complaints("[limits]\n\nhadles = 1\n"),
	    "/R/rueda.conf:3: unknown key 'hadles' in [limits]; did you mean 'handles'?\n");
	CHECK_STR(complaints("[service]\nhandles = 1\n"),
	    "/R/rueda.conf:2: unknown key 'handles' in [service]; did you mean 'handles' of [limits]?\n");
	CHECK_STR(complaints("[service]\nzzzzzzzzz = 1\n"), "/R/rueda.conf:2: unknown key 'zzzzzzzzz' in [service]\n");
	CHECK_STR(
	    complaints("[limit]\nhandles = 1\n"), "/R/rueda.conf:2: unknown section [limit]; did you mean [limits]?\n");
	CHECK_STR(complaints("[elsewhere]\nhandles = 1\n"), "/R/rueda.conf:2: unknown section [elsewhere]\n");
}

TEST(a_bad_value_is_refused_with_what_would_be_good)
{
	static const char *const bad[] = {
		"[node]\nname =",
		"[node]\nname = a b",
		"[node]\nname = -a",
		"[node]\nname = a.b",
		"[node]\nname = 1234567890123456789012345678901234567890123456789012345678901234",
		"[service]\napi_level = 200",
		"[service]\napi_level = 2003|2008",
		"[service]\napi_level =",
		"[service]\nlog_level = loud",
		"[service]\nrun_directory = run",
		("[service]\nrun_directory = "
		 "/12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
		"[limits]\nconnections = 0",
		"[limits]\nconnections = 16385",
		"[limits]\nconnections = 1K",
		"[limits]\nconnections = -1",
		"[limits]\nconnections = +1",
		"[limits]\nconnections = 99999999999999999999",
		"[limits]\nrequest_size = 65535",
		"[limits]\nrequest_size = 1T",
		"[limits]\nrequest_size = 1MM",
		"[limits]\nrequest_size = 999999999999999G",
		"[unc]\nserver/share = /x",
		"[unc]\n//server/share = x",
		"[unc]\n//server/share = /x\n//SERVER/SHARE = /y",
		"[backup]\nkeep_safety_copies",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config c;

		if (parse(bad[i], &c) != -EBADMSG || problem_count != 1)
			test_fail(__FILE__, __LINE__, "%s: %zu problems: %s", bad[i], problem_count, problems);
		config_done(&c);
	}
	CHECK_STR(complaints("[limits]\nhandles = many\n"),
	    "/R/rueda.conf:2: handles must be a number from 16 to 16777216\n");
}

TEST(all_mistakes_are_told_at_once)
{
	CHECK_STR(complaints("[node]\nnam = x\n[limits\nhandles = 1\n[service]\napi_level = 3\n"),
	    "/R/rueda.conf:2: unknown key 'nam' in [node]; did you mean 'name'?\n"
	    "/R/rueda.conf:3: the section has no ']'\n"
	    "/R/rueda.conf:6: api_level must be one of 2003|2008\n");
}

TEST(a_host_name_that_is_no_node_name_needs_the_key)
{
	struct config c;

	CHECK_INT(config_parse("/R", "", "", 0, problem, NULL, &c), -EBADMSG);
	config_done(&c);
	CHECK_INT(config_parse("/R", "", "[node]\nname = a\n", 16, problem, NULL, &c), 0);
	config_done(&c);
}

TEST(what_is_printed_reads_back_the_same)
{
	char *first = NULL, *second = NULL;
	size_t first_len, second_len;
	struct config a, b;
	FILE *out = open_memstream(&first, &first_len);

	CHECK_INT(
	    parse(
		"[service]\napi_level = 2008\n[limits]\nrequest_size = 1M\n[unc]\n//a/b c$ = /x\n\\\\d\\e = /y\n", &a),
	    0);
	config_print(&a, out);
	(void)fclose(out);
	CHECK(strstr(first, "[service]\n# line 2\napi_level = 2008\n# default\nlog_level = info\n") != NULL);
	CHECK(strstr(first, "[unc]\n//a/b c$ = /x\n//d\\e = /y\n") != NULL);

	CHECK_INT(parse(first, &b), 0);
	CHECK_INT(b.api_level, API_LEVEL_2008);
	CHECK_INT(b.request_size, 1 << 20);
	CHECK_STR(b.state_directory, a.state_directory);
	CHECK_INT(b.unc.count, 2);
	/* Each key is there now, so a second round differs in the lines only. */
	out = open_memstream(&second, &second_len);
	config_print(&b, out);
	(void)fclose(out);
	CHECK(strstr(second, "# default") == NULL);
	config_done(&a);
	config_done(&b);
	free(first);
	free(second);
}

TEST(each_key_is_in_the_manual)
{
	char *manual = NULL;
	size_t len;
	FILE *out = open_memstream(&manual, &len);

	config_print_manual(out);
	(void)fclose(out);
	for (size_t i = 0; i < config_key_count; i++) {
		char item[64];

		(void)snprintf(item, sizeof(item), "\n.It Ic %s\n",
		    config_keys[i].key != NULL ? config_keys[i].key : "//server/share");
		CHECK(strstr(manual, item) != NULL);
	}
	free(manual);
}

TEST(a_file_is_read_and_a_missing_one_is_empty)
{
	char directory[128], path[160];
	struct config c;
	FILE *f;

	(void)snprintf(directory, sizeof(directory), "%s/conf", test_directory());
	(void)snprintf(path, sizeof(path), "%s/rueda.conf", directory);
	CHECK_INT(mkdir(directory, 0700), 0);
	problem_count = 0;
	CHECK_INT(config_load(directory, problem, NULL, &c), 0);
	config_done(&c);

	f = fopen(path, "w");
	CHECK(f != NULL);
	(void)fputs("[node]\nname = fromfile\n", f);
	(void)fclose(f);
	CHECK_INT(config_load(directory, problem, NULL, &c), 0);
	CHECK_STR(c.node_name, "fromfile");
	config_done(&c);

	CHECK_INT(unlink(path), 0);
	CHECK_INT(mkdir(path, 0700), 0);
	problems[0] = 0;
	CHECK_INT(config_load(directory, problem, NULL, &c), -EBADMSG);
	CHECK(strstr(problems, "rueda.conf: Is a directory") != NULL);
	config_done(&c);
}

TEST(each_failed_allocation_is_an_error)
{
	FAIL_EACH_ALLOCATION
	{
		struct config c;
		int r = parse("[node]\nname = x\n[unc]\n//a/b = /x\n", &c);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		if (r == 0)
			config_done(&c);
	}
}
