/* network: the verbs of networks, which show their interfaces too.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include "cli/table.h"
#include <stdio.h>

static DWORD list_network(HCLUSTER cluster, const char16_t *name, struct table *t)
{
	HNETWORK network = OpenClusterNetworkEx(cluster, cli_wide(name), GENERIC_READ, NULL);
	CLUSTER_NETWORK_STATE state = network != NULL ? GetClusterNetworkState(network) : ClusterNetworkStateUnknown;
	DWORD code = state == ClusterNetworkStateUnknown ? GetLastError() : ERROR_SUCCESS;

	if (network != NULL)
		(void)CloseClusterNetwork(network);
	if (code == ERROR_CLUSTER_NETWORK_NOT_FOUND)
		return ERROR_SUCCESS; /* It has been deleted since. */
	if (code != ERROR_SUCCESS)
		return code;
	table_add(t, u16_from_z(name));
	table_add_text(t, network_state_word(state));
	return ERROR_SUCCESS;
}

int network_ls_verb(struct cli *c)
{
	static const struct table_column columns[] = { { "NETWORK", "name" }, { "STATE", "state" } };
	static const struct table_of of = { "networks", "listing the networks", columns, ARRAY_SIZE(columns),
		CLUSTER_ENUM_NETWORK, list_network };

	return table_of_objects(c, &of);
}

static const char *interface_state(HCLUSTER cluster, const char16_t *name)
{
	HNETINTERFACE interface = OpenClusterNetInterfaceEx(cluster, cli_wide(name), GENERIC_READ, NULL);
	const char *word = "unknown";

	if (interface != NULL) {
		word = interface_state_word(GetClusterNetInterfaceState(interface));
		(void)CloseClusterNetInterface(interface);
	}
	return word;
}

int network_show_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_names_ struct names interfaces = { 0 };
	struct json j = { 0 };
	CLUSTER_NETWORK_STATE state;
	DWORD code;
	int r = subject_open(c, NOUN_NETWORK, 0, GENERIC_READ, &s);

	if (r != 0)
		return r;
	state = GetClusterNetworkState(s.network);
	code = state == ClusterNetworkStateUnknown ? GetLastError()
						   : names_of_network(s.network, CLUSTER_NETWORK_ENUM_ALL, &interfaces);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "looking at the network '%s'", s.text);
	if (!c->json) {
		output_name("state");
		printf("%s\n", network_state_word(state));
		for (size_t i = 0; i < interfaces.count; i++) {
			output_name("interface");
			output_u16(u16_from_z(interfaces.all[i]));
			printf(" (%s)\n", interface_state(s.cluster, interfaces.all[i]));
		}
		return property_print(c, &s);
	}
	json_open(&j, NULL, '{');
	json_text(&j, "name", s.text);
	json_text(&j, "state", network_state_word(state));
	json_open(&j, "interfaces", '[');
	for (size_t i = 0; i < interfaces.count; i++) {
		json_open(&j, NULL, '{');
		json_u16(&j, "name", u16_from_z(interfaces.all[i]));
		json_text(&j, "state", interface_state(s.cluster, interfaces.all[i]));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	return property_json(c, &s, &j);
}

int network_set_verb(struct cli *c)
{
	return property_set_verb(c, NOUN_NETWORK);
}

int network_rename_verb(struct cli *c)
{
	return subject_rename_verb(c, NOUN_NETWORK);
}

enum { NETWORKS_MAX = 256 };

static DWORD set_priority(struct cli *c, HCLUSTER cluster)
{
	HNETWORK networks[NETWORKS_MAX];
	DWORD count = 0, code = ERROR_SUCCESS;

	for (; code == ERROR_SUCCESS && count < c->argument_count && count < NETWORKS_MAX; count++) {
		_cleanup_free_ char16_t *name = cli_units(c->arguments[count]);

		networks[count] = name != NULL ? OpenClusterNetwork(cluster, cli_wide(name)) : NULL;
		if (networks[count] == NULL) {
			code = name != NULL ? GetLastError() : ERROR_INVALID_PARAMETER;
			break;
		}
	}
	if (code == ERROR_SUCCESS)
		code = SetClusterNetworkPriorityOrder(cluster, (DWORD)c->argument_count, networks);
	while (count > 0)
		(void)CloseClusterNetwork(networks[--count]);
	return code;
}

/* Without names the order is shown; with them set, and then shown. */
int network_priority_verb(struct cli *c)
{
	static const struct table_column columns[] = { { "NETWORK", "name" } };
	_cleanup_table_ struct table t = table_begin(c, "networks", columns, ARRAY_SIZE(columns));
	_cleanup_names_ struct names names = { 0 };
	HCLUSTER cluster;
	DWORD code = ERROR_SUCCESS;
	int r = cli_open(c->argument_count > 0 ? GENERIC_ALL : GENERIC_READ, &cluster);

	if (r != 0)
		return r;
	if (c->argument_count > 0)
		code = set_priority(c, cluster);
	if (code == ERROR_SUCCESS)
		code = names_of_cluster(cluster, CLUSTER_ENUM_INTERNAL_NETWORK, &names);
	for (size_t i = 0; i < names.count && code == ERROR_SUCCESS; i++)
		table_add(&t, u16_from_z(names.all[i]));
	(void)CloseCluster(cluster);
	return table_end(&t, code, "putting the internal networks, all of them, into their order");
}
