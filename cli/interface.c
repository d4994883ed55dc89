/* interface: the verbs of network interfaces.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include "cli/table.h"
#include <stdio.h>

static DWORD list_interface(HCLUSTER cluster, const char16_t *name, struct table *t)
{
	HNETINTERFACE interface = OpenClusterNetInterfaceEx(cluster, cli_wide(name), GENERIC_READ, NULL);
	CLUSTER_NETINTERFACE_STATE state =
	    interface != NULL ? GetClusterNetInterfaceState(interface) : ClusterNetInterfaceStateUnknown;
	DWORD code = state == ClusterNetInterfaceStateUnknown ? GetLastError() : ERROR_SUCCESS;

	if (interface != NULL)
		(void)CloseClusterNetInterface(interface);
	if (code == ERROR_CLUSTER_NETINTERFACE_NOT_FOUND)
		return ERROR_SUCCESS; /* It has gone since. */
	if (code != ERROR_SUCCESS)
		return code;
	table_add(t, u16_from_z(name));
	table_add_text(t, interface_state_word(state));
	return ERROR_SUCCESS;
}

int interface_ls_verb(struct cli *c)
{
	static const struct table_column columns[] = { { "INTERFACE", "name" }, { "STATE", "state" } };
	static const struct table_of of = { "interfaces", "listing the network interfaces", columns,
		ARRAY_SIZE(columns), CLUSTER_ENUM_NETINTERFACE, list_interface };

	return table_of_objects(c, &of);
}

int interface_show_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	CLUSTER_NETINTERFACE_STATE state;
	struct json j = { 0 };
	int r = subject_open(c, NOUN_INTERFACE, 0, GENERIC_READ, &s);

	if (r != 0)
		return r;
	state = GetClusterNetInterfaceState(s.interface);
	if (state == ClusterNetInterfaceStateUnknown)
		return cli_fail(GetLastError(), NULL, "looking at the interface '%s'", s.text);
	if (!c->json) {
		output_name("state");
		printf("%s\n", interface_state_word(state));
		return property_print(c, &s);
	}
	json_open(&j, NULL, '{');
	json_text(&j, "name", s.text);
	json_text(&j, "state", interface_state_word(state));
	return property_json(c, &s, &j);
}

int interface_set_verb(struct cli *c)
{
	return property_set_verb(c, NOUN_INTERFACE);
}
