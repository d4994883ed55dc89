/* restype: the verbs of resource types.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include <stdio.h>

enum { LOOKS_ALIVE_MS = 5000, IS_ALIVE_MS = 60000 }; /* Of the types that a new cluster has. */

int type_ls_verb(struct cli *c)
{
	_cleanup_names_ struct names names = { 0 };
	struct json j = { 0 };
	HCLUSTER cluster;
	DWORD code;
	int r = cli_open(GENERIC_READ, &cluster);

	if (r != 0)
		return r;
	code = names_of_cluster(cluster, CLUSTER_ENUM_RESTYPE, &names);
	(void)CloseCluster(cluster);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "listing the resource types");
	if (c->json) {
		json_open(&j, NULL, '{');
		names_json(&names, &j, "types");
		json_close(&j, '}');
		return json_print(&j);
	}
	for (size_t i = 0; i < names.count; i++) {
		output_u16(u16_from_z(names.all[i]));
		printf("\n");
	}
	return output_end();
}

int type_show_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_names_ struct names resources = { 0 }, nodes = { 0 };
	struct json j = { 0 };
	DWORD code;
	int r = subject_open(c, NOUN_TYPE, 0, GENERIC_READ, &s);

	if (r != 0)
		return r;
	code = names_of_type(s.cluster, s.name, CLUSTER_RESOURCE_TYPE_ENUM_RESOURCES, &resources);
	if (code == ERROR_SUCCESS)
		code = names_of_type(s.cluster, s.name, CLUSTER_RESOURCE_TYPE_ENUM_NODES, &nodes);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "looking at the type '%s'", s.text);
	if (!c->json) {
		names_print(&resources, "resources");
		names_print(&nodes, "nodes");
		return property_print(c, &s);
	}
	json_open(&j, NULL, '{');
	json_text(&j, "name", s.text);
	names_json(&resources, &j, "resources");
	names_json(&nodes, &j, "nodes");
	return property_json(c, &s, &j);
}

int type_create_verb(struct cli *c)
{
	_cleanup_free_ char16_t *name = cli_units(c->arguments[0]), *library = cli_units(c->arguments[1]);
	HCLUSTER cluster;
	DWORD code;
	int r = name == NULL || library == NULL ? CLI_USAGE : cli_open(GENERIC_ALL, &cluster);

	if (r != 0)
		return r;
	code = CreateClusterResourceType(
	    cluster, cli_wide(name), cli_wide(name), cli_wide(library), LOOKS_ALIVE_MS, IS_ALIVE_MS);
	(void)CloseCluster(cluster);
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "creating the type '%s'", c->arguments[0]);
}

int type_set_verb(struct cli *c)
{
	return property_set_verb(c, NOUN_TYPE);
}

int type_rm_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	int r = subject_open(c, NOUN_TYPE, 0, GENERIC_ALL, &s);
	DWORD code;

	if (r == 0)
		r = cli_confirm(c, "Delete the resource type '%s'?", s.text);
	if (r != 0)
		return r;
	code = DeleteClusterResourceType(s.cluster, cli_wide(s.name));
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "deleting the type '%s'", s.text);
}
