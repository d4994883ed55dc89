/* cluster_object: the verbs of the cluster itself: its name, properties and quorum resource, and the clusters that this
 * machine knows.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include "cli/table.h"
#include "lib/clusapi/settings.h"
#include <stdio.h>

enum { NAME_UNITS = 1024, PATH_UNITS = 32768 };

static struct u16 view(LPCWSTR text)
{
	return u16_from_z((const char16_t *)text);
}

static void print_line(const char *title, LPCWSTR text)
{
	output_name(title);
	output_u16(view(text));
	printf("%s\n", text[0] == 0 ? "-" : "");
}

/* List. */

static void list_configured(void *data, const char *name, const char *hosts)
{
	struct table *t = data;

	table_add_text(t, name);
	table_add_text(t, hosts);
}

/* The one of this machine, if its service answers, and those of client.conf.  There is no way to find others. */
int cluster_ls_verb(struct cli *c)
{
	static const struct table_column columns[] = { { "CLUSTER", "name" }, { "HOSTS", "hosts" } };
	_cleanup_table_ struct table t = table_begin(c, "clusters", columns, ARRAY_SIZE(columns));
	_cleanup_free_ RUEDA_STATUS *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return cli_fail(ERROR_NOT_ENOUGH_MEMORY, NULL, "listing the clusters");
	if (RuedaGetStatus(s) == 0 && s->szClusterName[0] != 0) {
		table_add(&t, view(s->szClusterName));
		table_add_text(&t, "this machine");
	}
	r = settings_each_cluster(list_configured, &t);
	return table_end(&t, error_to_win32(r), "reading client.conf");
}

/* Show and change. */

static DWORD version(HCLUSTER cluster, WCHAR name[NAME_UNITS], CLUSTERVERSIONINFO *v)
{
	DWORD count = NAME_UNITS;

	v->dwVersionInfoSize = sizeof(*v);
	return GetClusterInformation(cluster, name, &count, v);
}

int cluster_show_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	CLUSTERVERSIONINFO v = { 0 };
	WCHAR name[NAME_UNITS];
	struct json j = { 0 };
	DWORD code;
	int r = subject_open(c, NOUN_CLUSTER, 0, GENERIC_READ, &s);

	if (r != 0)
		return r;
	code = version(s.cluster, name, &v);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "looking at the cluster");
	if (!c->json) {
		print_line("name", name);
		output_name("version");
		printf("%u.%u.%u\n", v.MajorVersion, v.MinorVersion, v.BuildNumber);
		print_line("vendor", v.szVendorId);
		return property_print(c, &s);
	}
	json_open(&j, NULL, '{');
	json_u16(&j, "name", view(name));
	json_number(&j, "major", v.MajorVersion);
	json_number(&j, "minor", v.MinorVersion);
	json_number(&j, "build", v.BuildNumber);
	json_u16(&j, "vendor", view(v.szVendorId));
	return property_json(c, &s, &j);
}

int cluster_set_verb(struct cli *c)
{
	return property_set_verb(c, NOUN_CLUSTER);
}

int cluster_rename_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_free_ char16_t *name = cli_units(c->arguments[0]);
	int r = name == NULL ? CLI_USAGE : subject_open(c, NOUN_CLUSTER, 0, GENERIC_ALL, &s);
	DWORD code;

	if (r != 0)
		return r;
	code = SetClusterName(s.cluster, cli_wide(name));
	if (code == ERROR_RESOURCE_PROPERTIES_STORED) {
		fprintf(stderr, "rueda: stored; it takes effect when the name resource is next brought online.\n");
		code = 0;
	}
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "renaming the cluster");
}

/* The quorum resource. */

static int parse_size(const struct cli *c, DWORD *ret)
{
	uint64_t number = 0;

	for (const char *p = c->max_log_size; p != NULL && *p != 0; p++) {
		bool unit = p[1] == 0 && p > c->max_log_size && (*p == 'K' || *p == 'M');

		number = unit ? number << (*p == 'K' ? 10 : 20) : number * 10 + (uint64_t)(*p - '0');
		if ((!unit && (*p < '0' || *p > '9')) || number > UINT32_MAX)
			return cli_usage(c, "'%s' is no size", c->max_log_size);
	}
	*ret = (DWORD)number;
	return 0;
}

static int quorum_set(const struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_free_ char16_t *path = cli_units(c->path);
	DWORD size = 0, code;
	int r = c->path != NULL && path == NULL ? CLI_USAGE : parse_size(c, &size);

	if (r == 0)
		r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);
	if (r != 0)
		return r;
	code = SetClusterQuorumResource(s.resource, path != NULL ? cli_wide(path) : NULL, size);
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "making '%s' the quorum resource", s.text);
}

int cluster_quorum_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_free_ WCHAR *path = calloc(PATH_UNITS, sizeof(*path));
	DWORD name_count = NAME_UNITS, path_count = PATH_UNITS, size, code;
	WCHAR name[NAME_UNITS];
	struct json j = { 0 };
	int r;

	if (c->argument_count > 0)
		return quorum_set(c);
	if (c->path != NULL || c->max_log_size != NULL)
		return cli_usage(c, "setting needs the RESOURCE");
	r = path == NULL ? CLI_FAILED : subject_open(c, NOUN_CLUSTER, 0, GENERIC_READ, &s);
	if (r != 0)
		return r;
	code = GetClusterQuorumResource(s.cluster, name, &name_count, path, &path_count, &size);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "looking at the quorum resource");
	if (!c->json) {
		print_line("resource", name);
		print_line("path", path);
		output_name("largest log");
		printf("%u bytes\n", size);
		return output_end();
	}
	json_open(&j, NULL, '{');
	json_u16(&j, "resource", view(name));
	json_u16(&j, "path", view(path));
	json_number(&j, "max_log_size", size);
	json_close(&j, '}');
	return json_print(&j);
}
