/* subject: what the verbs of nodes, groups, resources, types and networks share: opening by name, states, lists, codes.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include <stdio.h>
#include <string.h>

enum { NAME_UNITS = 1024 };

const char *noun_word(enum noun noun)
{
	static const char *const words[NOUN_COUNT] = { "cluster", "node", "group", "resource", "type", "network",
		"interface" };

	return words[noun];
}

static void *open_handle(HCLUSTER cluster, enum noun noun, LPCWSTR name, DWORD access)
{
	switch (noun) {
	case NOUN_NODE:
		return OpenClusterNodeEx(cluster, name, access, NULL);
	case NOUN_GROUP:
		return OpenClusterGroupEx(cluster, name, access, NULL);
	case NOUN_RESOURCE:
		return OpenClusterResourceEx(cluster, name, access, NULL);
	case NOUN_NETWORK:
		return OpenClusterNetworkEx(cluster, name, access, NULL);
	case NOUN_INTERFACE:
		return OpenClusterNetInterfaceEx(cluster, name, access, NULL);
	case NOUN_CLUSTER:
	case NOUN_TYPE:
	case NOUN_COUNT:
		break;
	}
	return NULL;
}

int subject_open_in(HCLUSTER cluster, enum noun noun, const char *text, DWORD access, struct subject *ret)
{
	HKEY key;

	ret->noun = noun;
	ret->text = text;
	ret->name = cli_units(text);
	if (ret->name == NULL)
		return CLI_USAGE;
	if (noun == NOUN_CLUSTER)
		return 0;
	if (noun == NOUN_TYPE) { /* There are no handles of types: is it there? */
		key = GetClusterResourceTypeKey(cluster, cli_wide(ret->name), KEY_READ);
		if (key != NULL)
			(void)ClusterRegCloseKey(key);
		return key != NULL ? 0 : cli_fail(GetLastError(), NULL, "opening the type '%s'", text);
	}
	ret->handle = open_handle(cluster, noun, cli_wide(ret->name), access);
	return ret->handle != NULL ? 0 : cli_fail(GetLastError(), NULL, "opening the %s '%s'", noun_word(noun), text);
}

int subject_open(const struct cli *c, enum noun noun, size_t argument, DWORD access, struct subject *ret)
{
	HCLUSTER cluster;
	int r = cli_open(access, &cluster);

	if (r != 0)
		return r;
	r = subject_open_in(cluster, noun,
	    noun != NOUN_CLUSTER  ? c->arguments[argument]
	    : cli_cluster != NULL ? cli_cluster
				  : ".",
	    access, ret);
	ret->cluster = cluster;
	return r;
}

void subject_done(struct subject *s)
{
	if (s->handle != NULL) {
		switch (s->noun) {
		case NOUN_NODE:
			(void)CloseClusterNode(s->node);
			break;
		case NOUN_GROUP:
			(void)CloseClusterGroup(s->group);
			break;
		case NOUN_RESOURCE:
			(void)CloseClusterResource(s->resource);
			break;
		case NOUN_NETWORK:
			(void)CloseClusterNetwork(s->network);
			break;
		case NOUN_INTERFACE:
			(void)CloseClusterNetInterface(s->interface);
			break;
		case NOUN_CLUSTER:
		case NOUN_TYPE:
		case NOUN_COUNT:
			break;
		}
	}
	if (s->cluster != NULL)
		(void)CloseCluster(s->cluster);
	free(s->name);
	s->handle = NULL;
	s->cluster = NULL;
	s->name = NULL;
}

static DWORD give_name(const struct subject *s, const char16_t *name)
{
	switch (s->noun) {
	case NOUN_GROUP:
		return SetClusterGroupName(s->group, cli_wide(name));
	case NOUN_RESOURCE:
		return SetClusterResourceName(s->resource, cli_wide(name));
	case NOUN_NETWORK:
		return SetClusterNetworkName(s->network, cli_wide(name));
	default:
		return ERROR_CALL_NOT_IMPLEMENTED;
	}
}

int subject_rename_verb(struct cli *c, enum noun noun)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_free_ char16_t *name = cli_units(c->arguments[1]);
	int r = name == NULL ? CLI_USAGE : subject_open(c, noun, 0, GENERIC_ALL, &s);
	DWORD code;

	if (r != 0)
		return r;
	code = give_name(&s, name);
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "renaming the %s '%s'", noun_word(noun), s.text);
}

/* Control codes. */

DWORD subject_control(const struct subject *s, DWORD number, const struct buf *in, void *out, DWORD size, DWORD *ret)
{
	void *data = in != NULL ? in->data : NULL;
	DWORD len = in != NULL ? (DWORD)in->len : 0;

	switch (s->noun) {
	case NOUN_CLUSTER:
		return ClusterControl(s->cluster, NULL, CLUS_OBJECT_CLUSTER << 24 | number, data, len, out, size, ret);
	case NOUN_NODE:
		return ClusterNodeControl(s->node, NULL, CLUS_OBJECT_NODE << 24 | number, data, len, out, size, ret);
	case NOUN_GROUP:
		return ClusterGroupControl(s->group, NULL, CLUS_OBJECT_GROUP << 24 | number, data, len, out, size, ret);
	case NOUN_RESOURCE:
		return ClusterResourceControl(
		    s->resource, NULL, CLUS_OBJECT_RESOURCE << 24 | number, data, len, out, size, ret);
	case NOUN_TYPE:
		return ClusterResourceTypeControl(s->cluster, cli_wide(s->name), NULL,
		    CLUS_OBJECT_RESOURCE_TYPE << 24 | number, data, len, out, size, ret);
	case NOUN_NETWORK:
		return ClusterNetworkControl(
		    s->network, NULL, CLUS_OBJECT_NETWORK << 24 | number, data, len, out, size, ret);
	case NOUN_INTERFACE:
		return ClusterNetInterfaceControl(
		    s->interface, NULL, CLUS_OBJECT_NETINTERFACE << 24 | number, data, len, out, size, ret);
	case NOUN_COUNT:
		break;
	}
	return ERROR_INVALID_PARAMETER;
}

DWORD subject_ask(const struct subject *s, DWORD number, BYTE **ret, DWORD *ret_size)
{
	DWORD size = 4096;

	for (;;) {
		BYTE *bytes = malloc(size);
		DWORD needed = 0, code;

		if (bytes == NULL)
			return ERROR_NOT_ENOUGH_MEMORY;
		code = subject_control(s, number, NULL, bytes, size, &needed);
		if (code == ERROR_SUCCESS) {
			*ret = bytes;
			*ret_size = needed;
			return code;
		}
		free(bytes);
		if (code != ERROR_MORE_DATA || needed <= size)
			return code;
		size = needed;
	}
}

/* States. */

static const char *word_of(const char *const *words, size_t count, int state)
{
	return state >= 0 && (size_t)state < count ? words[state] : "unknown";
}

const char *node_state_word(CLUSTER_NODE_STATE state)
{
	static const char *const words[] = { "up", "down", "paused", "joining" };

	return word_of(words, ARRAY_SIZE(words), state);
}

const char *group_state_word(CLUSTER_GROUP_STATE state)
{
	static const char *const words[] = { "online", "offline", "failed", "partly online", "pending" };

	return word_of(words, ARRAY_SIZE(words), state);
}

const char *resource_state_word(CLUSTER_RESOURCE_STATE state)
{
	switch (state) {
	case ClusterResourceInitializing:
		return "initializing";
	case ClusterResourceOnline:
		return "online";
	case ClusterResourceOffline:
		return "offline";
	case ClusterResourceFailed:
		return "failed";
	case ClusterResourcePending:
		return "pending";
	case ClusterResourceOnlinePending:
		return "coming online";
	case ClusterResourceOfflinePending:
		return "going offline";
	default:
		return "unknown";
	}
}

const char *network_state_word(CLUSTER_NETWORK_STATE state)
{
	static const char *const words[] = { "unavailable", "down", "partitioned", "up" };

	return word_of(words, ARRAY_SIZE(words), state);
}

const char *interface_state_word(CLUSTER_NETINTERFACE_STATE state)
{
	static const char *const words[] = { "unavailable", "failed", "unreachable", "up" };

	return word_of(words, ARRAY_SIZE(words), state);
}

/* Names. */

static DWORD names_add(struct names *n, const WCHAR *name)
{
	char16_t **all = realloc(n->all, (n->count + 1) * sizeof(*all)), *copy;

	if (all == NULL)
		return ERROR_NOT_ENOUGH_MEMORY;
	n->all = all;
	copy = u16_dup(u16_from_z((const char16_t *)name));
	if (copy == NULL)
		return ERROR_NOT_ENOUGH_MEMORY;
	n->all[n->count++] = copy;
	return ERROR_SUCCESS;
}

/* The lists of all kinds are alike but for their types. */
#define DEFINE_NAMES(function, LIST, Name)                                                                             \
	static DWORD function(LIST list, struct names *ret)                                                            \
	{                                                                                                              \
		WCHAR name[NAME_UNITS];                                                                                \
		DWORD code = list == NULL ? GetLastError() : ERROR_SUCCESS;                                            \
                                                                                                                       \
		for (DWORD i = 0; code == ERROR_SUCCESS; i++) {                                                        \
			DWORD type, count = NAME_UNITS;                                                                \
                                                                                                                       \
			code = Name##Enum(list, i, &type, name, &count);                                               \
			if (code == ERROR_SUCCESS)                                                                     \
				code = names_add(ret, name);                                                           \
		}                                                                                                      \
		if (list != NULL)                                                                                      \
			(void)Name##CloseEnum(list);                                                                   \
		return code == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : code;                                             \
	}

DEFINE_NAMES(read_cluster_list, HCLUSENUM, Cluster)
DEFINE_NAMES(read_node_list, HNODEENUM, ClusterNode)
DEFINE_NAMES(read_group_list, HGROUPENUM, ClusterGroup)
DEFINE_NAMES(read_resource_list, HRESENUM, ClusterResource)
DEFINE_NAMES(read_type_list, HRESTYPEENUM, ClusterResourceType)
DEFINE_NAMES(read_network_list, HNETWORKENUM, ClusterNetwork)

DWORD names_of_cluster(HCLUSTER cluster, DWORD bits, struct names *ret)
{
	return read_cluster_list(ClusterOpenEnum(cluster, bits), ret);
}

DWORD names_of_node(HNODE node, DWORD bits, struct names *ret)
{
	return read_node_list(ClusterNodeOpenEnum(node, bits), ret);
}

DWORD names_of_group(HGROUP group, DWORD bits, struct names *ret)
{
	return read_group_list(ClusterGroupOpenEnum(group, bits), ret);
}

DWORD names_of_resource(HRESOURCE resource, DWORD bits, struct names *ret)
{
	return read_resource_list(ClusterResourceOpenEnum(resource, bits), ret);
}

DWORD names_of_type(HCLUSTER cluster, const char16_t *type, DWORD bits, struct names *ret)
{
	return read_type_list(ClusterResourceTypeOpenEnum(cluster, cli_wide(type), bits), ret);
}

DWORD names_of_network(HNETWORK network, DWORD bits, struct names *ret)
{
	return read_network_list(ClusterNetworkOpenEnum(network, bits), ret);
}

void names_done(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->all[i]);
	free(n->all);
	*n = (struct names){ 0 };
}

bool names_have(const struct names *n, struct u16 name)
{
	for (size_t i = 0; i < n->count; i++)
		if (u16_equal(u16_from_z(n->all[i]), name))
			return true;
	return false;
}

void names_json(const struct names *n, struct json *j, const char *member)
{
	json_open(j, member, '[');
	for (size_t i = 0; i < n->count; i++)
		json_u16(j, NULL, u16_from_z(n->all[i]));
	json_close(j, ']');
}

void names_print(const struct names *n, const char *title)
{
	output_name(title);
	for (size_t i = 0; i < n->count; i++) {
		printf("%s", i > 0 ? ", " : "");
		output_u16(u16_from_z(n->all[i]));
	}
	printf("%s\n", n->count == 0 ? "-" : "");
}
