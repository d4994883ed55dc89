/* node: the verbs of nodes.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include "cli/table.h"
#include <stdio.h>
#include <string.h>

enum { ID_UNITS = 64 };

static DWORD node_facts(HNODE node, CLUSTER_NODE_STATE *ret, WCHAR id[ID_UNITS])
{
	DWORD count = ID_UNITS;

	*ret = GetClusterNodeState(node);
	return *ret == ClusterNodeStateUnknown ? GetLastError() : GetClusterNodeId(node, id, &count);
}

static DWORD list_node(HCLUSTER cluster, const char16_t *name, struct table *t)
{
	HNODE node = OpenClusterNodeEx(cluster, cli_wide(name), GENERIC_READ, NULL);
	CLUSTER_NODE_STATE state = ClusterNodeStateUnknown;
	WCHAR id[ID_UNITS];
	DWORD code = node == NULL ? GetLastError() : node_facts(node, &state, id);

	if (node != NULL)
		(void)CloseClusterNode(node);
	if (code == ERROR_CLUSTER_NODE_NOT_FOUND)
		return ERROR_SUCCESS; /* It has left since. */
	if (code != ERROR_SUCCESS)
		return code;
	table_add(t, u16_from_z(name));
	table_add(t, u16_from_z((const char16_t *)id));
	table_add_text(t, node_state_word(state));
	return ERROR_SUCCESS;
}

int node_ls_verb(struct cli *c)
{
	static const struct table_column columns[] = { { "NODE", "name" }, { "ID", "id" }, { "STATE", "state" } };
	static const struct table_of of = { "nodes", "listing the nodes", columns, ARRAY_SIZE(columns),
		CLUSTER_ENUM_NODE, list_node };

	return table_of_objects(c, &of);
}

int node_show_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_names_ struct names groups = { 0 }, interfaces = { 0 };
	struct json j = { 0 };
	CLUSTER_NODE_STATE state;
	WCHAR id[ID_UNITS];
	DWORD code;
	int r = subject_open(c, NOUN_NODE, 0, GENERIC_READ, &s);

	if (r != 0)
		return r;
	code = node_facts(s.node, &state, id);
	if (code == ERROR_SUCCESS)
		code = names_of_node(s.node, CLUSTER_NODE_ENUM_GROUPS, &groups);
	if (code == ERROR_SUCCESS)
		code = names_of_node(s.node, CLUSTER_NODE_ENUM_NETINTERFACES, &interfaces);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "looking at the node '%s'", s.text);
	if (!c->json) {
		output_name("id");
		output_u16(u16_from_z((const char16_t *)id));
		printf("\n");
		output_name("state");
		printf("%s\n", node_state_word(state));
		names_print(&groups, "groups");
		names_print(&interfaces, "interfaces");
		return property_print(c, &s);
	}
	json_open(&j, NULL, '{');
	json_text(&j, "name", s.text);
	json_u16(&j, "id", u16_from_z((const char16_t *)id));
	json_text(&j, "state", node_state_word(state));
	names_json(&groups, &j, "groups");
	names_json(&interfaces, &j, "interfaces");
	return property_json(c, &s, &j);
}

int node_set_verb(struct cli *c)
{
	return property_set_verb(c, NOUN_NODE);
}

static int node_request(const struct cli *c, DWORD (*request)(HNODE node), const char *doing)
{
	_cleanup_subject_ struct subject s = { 0 };
	int r = subject_open(c, NOUN_NODE, 0, GENERIC_ALL, &s);
	DWORD code = r == 0 ? request(s.node) : 0;

	return r != 0 || code == 0 ? r : cli_fail(code, NULL, "%s the node '%s'", doing, s.text);
}

int node_pause_verb(struct cli *c)
{
	return node_request(c, PauseClusterNode, "pausing");
}

int node_resume_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	CLUSTER_NODE_RESUME_FAILBACK_TYPE failback = DoNotFailbackGroups;
	DWORD code;
	int r;

	if (c->failback == NULL)
		return node_request(c, ResumeClusterNode, "resuming");
	if (strcmp(c->failback, "now") == 0)
		failback = FailbackGroupsImmediately;
	else if (strcmp(c->failback, "policy") == 0)
		failback = FailbackGroupsPerPolicy;
	else
		return cli_usage(c, "--failback must be now or policy");
	r = subject_open(c, NOUN_NODE, 0, GENERIC_ALL, &s);
	code = r == 0 ? ResumeClusterNodeEx(s.node, failback, 0) : 0;
	return r != 0 || code == 0 ? r : cli_fail(code, NULL, "resuming the node '%s'", s.text);
}

/* Empty, or as empty as it gets: groups that can run nowhere else stay. */
static struct look look_at_groups(const struct subject *s, void *data)
{
	_cleanup_names_ struct names groups = { 0 };
	DWORD code = names_of_node(s->node, CLUSTER_NODE_ENUM_GROUPS, &groups);

	if (code != ERROR_SUCCESS)
		return (struct look){ "unknown", code };
	return (struct look){ "groups are still there", groups.count == 0 ? ERROR_SUCCESS : WAIT_TIMEOUT };
}

int node_drain_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_free_ char16_t *name = c->argument_count > 1 ? cli_units(c->arguments[1]) : NULL;
	HNODE target = NULL;
	int r = c->argument_count > 1 && name == NULL ? CLI_USAGE : subject_open(c, NOUN_NODE, 0, GENERIC_ALL, &s);

	if (r != 0)
		return r;
	if (name != NULL && (target = OpenClusterNode(s.cluster, cli_wide(name))) == NULL)
		return cli_fail(GetLastError(), NULL, "looking for the node '%s'", c->arguments[1]);
	r = wait_for(c, &s, "draining", PauseClusterNodeEx(s.node, TRUE, 0, target), look_at_groups, NULL);
	if (target != NULL)
		(void)CloseClusterNode(target);
	return r;
}

int node_rm_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	int r = subject_open(c, NOUN_NODE, 0, GENERIC_ALL, &s);
	DWORD code;

	if (r == 0)
		r = cli_confirm(c, "Remove the node '%s' from the cluster for good?", s.text);
	if (r != 0)
		return r;
	code = EvictClusterNode(s.node);
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "removing the node '%s'", s.text);
}
