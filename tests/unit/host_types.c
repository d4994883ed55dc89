/* The types of resources: their tables, what is refused, what an agent is given; and journals.
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/journal.h"
#include "host/run.h"
#include "host/types.h"
#include "tests/lib/failalloc.h"
#include "wire/proplist.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID "01234567-89ab-cdef-0123-456789abcdef"

struct made {
	struct buf properties;
	struct host_configure configure;
};

static struct host_text text(const char *z)
{
	return (struct host_text){ z, strlen(z) };
}

static void begin(struct made *m, const char *type)
{
	*m = (struct made){ .configure = { .settings.pending_ms = 1000, .type = text(type), .name = text("a name") } };
	proplist_begin(&m->properties);
}

#define ADD_TEXT(made, name, value) proplist_add(&(made)->properties, U16(name), PROP_SZ, u"" value, sizeof(u"" value))
#define ADD_NUMBER(made, name, value)                                                                                  \
	proplist_add(&(made)->properties, U16(name), PROP_DWORD, &(uint32_t){ htole32(value) }, 4)

static int make(struct made *m, struct resource *ret, struct error *e)
{
	int r;

	proplist_end(&m->properties);
	m->configure.properties = m->properties.data;
	m->configure.properties_len = m->properties.len;
	r = resource_init(ret, ID, &m->configure, e);
	buf_done(&m->properties);
	return r;
}

/* What resource_check() says. */
static int check(struct made *m, struct error *e)
{
	struct resource r;
	int result;

	CHECK_INT(make(m, &r, e), 0);
	result = resource_check(&r, e);
	resource_done(&r);
	return result;
}

TEST(each_type_has_a_whole_table)
{
	for (size_t i = 0; i < host_type_count; i++) {
		const struct host_type *t = host_types[i];

		CHECK(host_type_find(t->name) == t);
		CHECK(t->online != NULL && t->offline != NULL && (t->watched || t->probe != NULL));
		for (size_t p = 0; p < t->property_count; p++) {
			CHECK(t->properties[p].about[0] != 0 && strlen(t->properties[p].about) < 120);
			/* So that resource_number() has something to read. */
			CHECK(t->properties[p].format != HOST_FORMAT_NUMBER || t->properties[p].required ||
			      t->properties[p].standard != NULL);
		}
	}
	CHECK(host_type_find("generic APPLICATION") == &host_application);
	CHECK(host_type_find("No Such Type") == NULL);
}

/* The page for people has each row, and nothing else. */
TEST(the_documentation_says_what_the_tables_say)
{
	char line[1024];
	size_t rows = 0, found = 0;
	FILE *f = fopen(TEST_SOURCE "/docs/resource-types.md", "re");

	CHECK(f != NULL);
	for (size_t i = 0; i < host_type_count; i++)
		rows += host_types[i]->property_count;
	while (fgets(line, sizeof(line), f) != NULL) {
		bool known = false;

		if (strncmp(line, "| `", 3) != 0)
			continue;
		for (size_t i = 0; i < host_type_count && !known; i++)
			for (size_t p = 0; p < host_types[i]->property_count && !known; p++) {
				const struct host_property *row = &host_types[i]->properties[p];
				char wanted[1024];

				(void)snprintf(wanted, sizeof(wanted), "| `%s` | %s | %s%s%s | %s |\n", row->name,
				    row->format == HOST_FORMAT_NUMBER ? "number" : "text",
				    row->standard != NULL ? "`" : "",
				    row->required           ? "required"
				    : row->standard != NULL ? row->standard
							    : "",
				    row->standard != NULL ? "`" : "", row->about);
				known = strcmp(line, wanted) == 0;
			}
		if (!known)
			test_fail(__FILE__, __LINE__, "no table has this row: %s", line);
		found++;
	}
	(void)fclose(f);
	CHECK_INT(found, rows);
}

TEST(what_is_missing_or_of_the_wrong_format_is_named)
{
	struct error e;
	struct resource r;
	struct made m;

	begin(&m, "Generic Application");
	CHECK_INT(check(&m, &e), ERR_INVALID_PARAMETER);
	CHECK(strstr(e.text, "CommandLine is not set") != NULL);
	begin(&m, "Generic Application");
	ADD_NUMBER(&m, "CommandLine", 5);
	CHECK_INT(check(&m, &e), ERR_INVALID_DATA);
	CHECK(strstr(e.text, "CommandLine is to be a text") != NULL);
	begin(&m, "Generic Application");
	proplist_add(&m.properties, U16("CommandLine"), PROP_BINARY, "bytes", 5);
	CHECK_INT(make(&m, &r, &e), ERR_INVALID_DATA);
	CHECK(strstr(e.text, "CommandLine is to be a text") != NULL);
	begin(&m, "Generic Application");
	ADD_TEXT(&m, "CommandLine", "'");
	ADD_TEXT(&m, "commandline", "/bin/true"); /* Of two the last counts. */
	CHECK_INT(check(&m, &e), 0);
	begin(&m, "Generic Application");
	ADD_TEXT(&m, "commandline", "/bin/true 'unclosed");
	CHECK_INT(check(&m, &e), ERR_INVALID_PARAMETER);
	CHECK(strstr(e.text, "not closed") != NULL);
	begin(&m, "Generic Application");
	ADD_TEXT(&m, "commandline", "/bin/true \"a b\" c\\ d");
	CHECK_INT(check(&m, &e), 0);
}

static int check_one(const char *type, const char *name, const char *value, struct error *e)
{
	_cleanup_free_ char16_t *name_units = NULL, *units = NULL;
	size_t name_len, len;
	struct resource r;
	struct made m;
	int result;

	*e = (struct error){ 0 };
	CHECK(utf8_to_u16(name, strlen(name), &name_units, &name_len) == 0);
	begin(&m, type);
	if (value[0] >= '0' && value[0] <= '9' && strpbrk(value, ".: ") == NULL) {
		proplist_add(&m.properties, (struct u16){ name_units, name_len }, PROP_DWORD,
		    &(uint32_t){ htole32((uint32_t)strtoul(value, NULL, 10)) }, 4);
	} else {
		CHECK(utf8_to_u16(value, strlen(value), &units, &len) == 0);
		proplist_add(&m.properties, (struct u16){ name_units, name_len }, PROP_SZ, units, (len + 1) * 2);
	}
	CHECK_INT(make(&m, &r, e), 0);
	result = resource_check_values(&r, e);
	resource_done(&r);
	return result;
}

/* As they are set one after the other: the rest may be missing, and nothing of this machine is looked at. */
TEST(a_value_by_itself_is_checked)
{
	static const struct {
		const char *type, *name, *good, *bad;
	} rows[] = {
		{ "Generic Application", "CommandLine", "/bin/sleep 'a b'", "/bin/sleep 'a b" },
		{ "Generic Application", "CurrentDirectory", "/srv", "srv" },
		{ "Generic Script", "ScriptFilepath", "/etc/init.d/x", "x" },
		{ "Generic Script", "ScriptProtocol", "OCF", "heartbeat" },
		{ "Generic Service", "ServiceName", "web@", "web unit" },
		{ "IP Address", "Address", "192.0.2.1", "192.0.2" },
		{ "IP Address", "SubnetMask", "255.255.254.0", "255.0.255.0" },
		{ "IPv6 Address", "Address", "2001:db8::1", "192.0.2.1" },
		{ "IPv6 Address", "PrefixLength", "128", "129" },
		{ "Physical Disk", "MountPoint", "/mnt", "/" },
	};
	struct error e;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (check_one(rows[i].type, rows[i].name, rows[i].good, &e) != 0)
			test_fail(__FILE__, __LINE__, "%s: %s", rows[i].name, e.text);
		CHECK_INT(check_one(rows[i].type, rows[i].name, rows[i].bad, &e), ERR_INVALID_PARAMETER);
		if (strstr(e.text, rows[i].name) == NULL)
			test_fail(__FILE__, __LINE__, "%s is not named: %s", rows[i].name, e.text);
	}
	CHECK_INT(check_one("IPv6 Address", "PrefixLength", "64 bits", &e), ERR_INVALID_DATA);
}

TEST(an_unknown_type_is_an_error)
{
	struct error e;
	struct made m;
	struct resource r;

	begin(&m, "Print Spooler");
	CHECK_INT(make(&m, &r, &e), ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND);
}

TEST(a_command_line_is_split_as_a_shell_does)
{
	char line[] = "  /bin/echo 'a b'\"c\\\"d\" e\\ f '' \"x\\y\" ";
	const char *words[RUN_WORDS_MAX + 1];
	struct error e;

	CHECK_INT(run_split(line, words, &e), 0);
	CHECK_STR(words[0], "/bin/echo");
	CHECK_STR(words[1], "a bc\"d");
	CHECK_STR(words[2], "e f");
	CHECK_STR(words[3], "");
	CHECK_STR(words[4], "xy");
	CHECK(words[5] == NULL);
	CHECK_INT(run_split((char[]){ "   " }, words, &e), ERR_INVALID_PARAMETER);
}

static int check_address(struct made *m, bool six, struct error *e)
{
	if (six)
		ADD_NUMBER(m, "PrefixLength", 64);
	return check(m, e);
}

TEST(addresses_and_masks_that_are_none_are_refused)
{
	struct error e;
	struct made m;

	begin(&m, "IP Address");
	ADD_TEXT(&m, "Address", "192.0.2.300");
	ADD_TEXT(&m, "SubnetMask", "255.255.255.0");
	CHECK_INT(check_address(&m, false, &e), ERR_INVALID_PARAMETER);
	begin(&m, "IP Address");
	ADD_TEXT(&m, "Address", "192.0.2.3");
	ADD_TEXT(&m, "SubnetMask", "255.0.255.0");
	CHECK_INT(check_address(&m, false, &e), ERR_INVALID_PARAMETER);
	CHECK(strstr(e.text, "SubnetMask") != NULL);
	begin(&m, "IPv6 Address");
	ADD_TEXT(&m, "Address", "192.0.2.3");
	CHECK_INT(check_address(&m, true, &e), ERR_INVALID_PARAMETER);
	begin(&m, "IP Address");
	ADD_TEXT(&m, "Address", "127.0.0.1");
	ADD_TEXT(&m, "SubnetMask", "255.0.0.0");
	CHECK_INT(check_address(&m, false, &e), ERR_CLUSTER_IPADDR_IN_USE);
}

TEST(names_of_units_cannot_be_options_or_paths)
{
	static const char16_t *const bad[] = { u"--force", u"a/b", u"a b", u"a;b" };
	struct error e;
	struct made m;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct u16 name = u16_from_z(bad[i]);

		begin(&m, "Generic Service");
		proplist_add(&m.properties, U16("ServiceName"), PROP_SZ, name.units, (name.len + 1) * sizeof(char16_t));
		CHECK_INT(check(&m, &e), ERR_INVALID_PARAMETER);
	}
}

/* A script that says what it was given stands in for an agent. */
TEST(an_agent_is_given_its_parameters_and_who_it_is)
{
	char path[512], out[512], line[512];
	unsigned seen = 0;
	struct resource r;
	struct error e = { 0 };
	struct made m;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/agent", test_directory());
	(void)snprintf(out, sizeof(out), "%s/out", test_directory());
	f = fopen(path, "we");
	fprintf(f, "#!/bin/sh\n[ $1 = start ] && env >%s\nexit 0\n", out);
	(void)fclose(f);
	CHECK_INT(chmod(path, 0755), 0);
	begin(&m, "Generic Script");
	ADD_TEXT(&m, "ScriptProtocol", "ocf");
	ADD_TEXT(&m, "state", "/run/x y");
	ADD_NUMBER(&m, "delay", 7);
	ADD_TEXT(&m, "not-a-name", "x");
	{
		size_t len;
		char16_t *units;

		CHECK_INT(utf8_to_u16(path, strlen(path), &units, &len), 0);
		proplist_add(&m.properties, U16("ScriptFilepath"), PROP_SZ, units, (len + 1) * sizeof(char16_t));
		free(units);
	}
	CHECK_INT(make(&m, &r, &e), 0);
	CHECK_INT(resource_check(&r, &e), 0);
	CHECK_INT(r.type->online(&r, &e), 0);
	resource_done(&r);
	f = fopen(out, "re");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		seen += strcmp(line, "OCF_RESKEY_state=/run/x y\n") == 0;
		seen += strcmp(line, "OCF_RESKEY_delay=7\n") == 0;
		seen += strcmp(line, "OCF_ROOT=/usr/lib/ocf\n") == 0;
		seen += strcmp(line, "OCF_RESOURCE_INSTANCE=" ID "\n") == 0;
		seen += strcmp(line, "OCF_RESOURCE_TYPE=agent\n") == 0;
		CHECK(strstr(line, "not-a-name") == NULL && strstr(line, "RESKEY_Script") == NULL);
	}
	(void)fclose(f);
	CHECK_INT(seen, 5);
}

TEST(names_of_parameters_are_those_of_variables)
{
	CHECK(script_is_parameter("state") && script_is_parameter("a_1") && script_is_parameter("_"));
	CHECK(!script_is_parameter("") && !script_is_parameter("1a") && !script_is_parameter("a-b") &&
	      !script_is_parameter("a=b") && !script_is_parameter("ä"));
}

TEST(a_journal_is_whole_or_not_there)
{
	int directory = open(test_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	struct host_message m = { .type = HOST_CONFIGURE }, back;
	struct buf bytes = { 0 };
	struct made made;

	begin(&made, "Generic Application");
	proplist_end(&made.properties);
	m.configure = made.configure;
	m.configure.properties = made.properties.data;
	m.configure.properties_len = made.properties.len;
	CHECK(!journal_exists(directory, ID));
	CHECK_INT(journal_load(directory, ID, &bytes, &back), -ENOENT);
	CHECK_INT(journal_save(directory, ID, &m), 0);
	CHECK_INT(journal_save(directory, ID, &m), 0);
	CHECK(journal_exists(directory, ID));
	CHECK_INT(journal_load(directory, ID, &bytes, &back), 0);
	CHECK(back.configure.settings.pending_ms == 1000 && back.configure.name.len == 6);
	fd = openat(directory, ID, O_WRONLY | O_TRUNC | O_CLOEXEC);
	CHECK_INT(write(fd, "junk", 4), 4);
	(void)close(fd);
	buf_done(&bytes);
	CHECK_INT(journal_load(directory, ID, &bytes, &back), -EBADMSG);
	CHECK_INT(journal_remove(directory, ID), 0);
	CHECK_INT(journal_remove(directory, ID), 0);
	CHECK(!journal_exists(directory, ID));
	buf_done(&bytes);
	buf_done(&made.properties);
	(void)close(directory);
}
