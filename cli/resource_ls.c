/* resource_ls: the verb that lists resources.
 *
 * Why      asking for the state of each resource takes calls for each, and over a network that is slow.
 * How      one call tells all resources with their groups and types, another all groups with their states and owners.  A
 *          group is online or offline only if all of its resources are; those of the others are asked one by one.
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include "cli/table.h"
#include "wire/proplist.h"
#include <string.h>

enum { NAME_UNITS = 1024 };

struct groups {
	CLUSTER_GROUP_ENUM_ITEM **all;
	size_t count;
};
struct resources {
	CLUSTER_RESOURCE_ENUM_ITEM **all;
	size_t count, next; /* next: behind the one that was found last; they are mostly asked for in their order. */
};

static struct u16 view(LPCWSTR text)
{
	return u16_from_z((const char16_t *)text);
}

static void groups_done(struct groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->all[i]);
	free(g->all);
}

static void resources_done(struct resources *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->all[i]);
	free(r->all);
}

/* Both lists are read alike. */
#define DEFINE_READ(function, struct_name, HANDLE_TYPE, ITEM, Kind)                                                    \
	static DWORD function(HANDLE_TYPE list, struct struct_name *ret)                                               \
	{                                                                                                              \
		DWORD code = list == NULL ? GetLastError() : ERROR_SUCCESS;                                            \
		DWORD count = list == NULL ? 0 : Kind##GetEnumCountEx(list);                                           \
                                                                                                                       \
		ret->all = calloc(count + (size_t)1, sizeof(*ret->all));                                               \
		if (ret->all == NULL)                                                                                  \
			code = ERROR_NOT_ENOUGH_MEMORY;                                                                \
		while (code == ERROR_SUCCESS && ret->count < count) {                                                  \
			_cleanup_free_ ITEM *item = NULL;                                                              \
			DWORD size = 0, index = (DWORD)ret->count;                                                     \
                                                                                                                       \
			code = Kind##EnumEx(list, index, NULL, &size);                                                 \
			if (code != ERROR_MORE_DATA)                                                                   \
				break;                                                                                 \
			item = malloc(size);                                                                           \
			code = item == NULL ? ERROR_NOT_ENOUGH_MEMORY : Kind##EnumEx(list, index, item, &size);        \
			if (code == ERROR_SUCCESS)                                                                     \
				ret->all[ret->count++] = TAKE_PTR(item);                                               \
		}                                                                                                      \
		if (list != NULL)                                                                                      \
			(void)Kind##CloseEnumEx(list);                                                                 \
		return code;                                                                                           \
	}

DEFINE_READ(read_groups, groups, HGROUPENUMEX, CLUSTER_GROUP_ENUM_ITEM, ClusterGroup)
DEFINE_READ(read_resources, resources, HRESENUMEX, CLUSTER_RESOURCE_ENUM_ITEM, ClusterResource)

static const CLUSTER_RESOURCE_ENUM_ITEM *find_resource(struct resources *r, const char16_t *name)
{
	for (size_t i = 0; i < r->count; i++) {
		size_t at = (r->next + i) % r->count;

		if (u16_equal(view(r->all[at]->lpszName), u16_from_z(name))) {
			r->next = at + 1;
			return r->all[at];
		}
	}
	return NULL;
}

static const CLUSTER_GROUP_ENUM_ITEM *find_group(const struct groups *g, LPCWSTR id)
{
	for (size_t i = 0; i < g->count; i++)
		if (u16_equal(view(g->all[i]->lpszId), view(id)))
			return g->all[i];
	return NULL;
}

struct facts {
	CLUSTER_RESOURCE_STATE state;
	WCHAR group[NAME_UNITS], owner[NAME_UNITS];
};

static DWORD ask_state(HRESOURCE resource, struct facts *f)
{
	DWORD group = NAME_UNITS, owner = NAME_UNITS;

	f->state = GetClusterResourceState(resource, f->owner, &owner, f->group, &group);
	return f->state == ClusterResourceStateUnknown ? GetLastError() : ERROR_SUCCESS;
}

static DWORD ask(HCLUSTER cluster, const char16_t *name, struct table *t)
{
	HRESOURCE resource = OpenClusterResourceEx(cluster, cli_wide(name), GENERIC_READ, NULL);
	struct facts f;
	DWORD code = resource == NULL ? GetLastError() : ask_state(resource, &f);

	if (resource != NULL)
		(void)CloseClusterResource(resource);
	if (code != ERROR_SUCCESS)
		return code;
	table_add(t, u16_from_z(name));
	table_add_text(t, resource_state_word(f.state));
	table_add(t, view(f.group));
	table_add(t, view(f.owner));
	return ERROR_SUCCESS;
}

static DWORD add_type(const CLUSTER_RESOURCE_ENUM_ITEM *item, struct table *t)
{
	_cleanup_free_ char16_t *type = NULL;
	struct prop_value v = { 0 };
	struct proplist list;
	int r =
	    item->cbRoProperties > 0 ? proplist_find(&list, item->pRoProperties, item->cbRoProperties, U16("Type")) : 0;

	if (r < 0)
		return error_to_win32(r);
	if (r > 0)
		v = proplist_value(&list);
	type =
	    calloc(v.len / sizeof(*type) + 1, sizeof(*type)); /* In the list it is not aligned, and may have no end. */
	if (type == NULL)
		return ERROR_NOT_ENOUGH_MEMORY;
	if (v.len > 0)
		memcpy(type, v.data, v.len / sizeof(*type) * sizeof(*type));
	table_add(t, u16_from_z(type));
	return ERROR_SUCCESS;
}

static DWORD list_resource(
    HCLUSTER cluster, const struct groups *groups, struct resources *resources, const char16_t *name, struct table *t)
{
	const CLUSTER_RESOURCE_ENUM_ITEM *item = find_resource(resources, name);
	const CLUSTER_GROUP_ENUM_ITEM *group = item != NULL ? find_group(groups, item->lpszOwnerGroupId) : NULL;
	DWORD code;

	if (item == NULL)
		return ERROR_SUCCESS; /* It has been deleted since. */
	if (group != NULL && (group->state == ClusterGroupOnline || group->state == ClusterGroupOffline)) {
		table_add(t, u16_from_z(name));
		table_add_text(t, resource_state_word(group->state == ClusterGroupOnline ? ClusterResourceOnline
											 : ClusterResourceOffline));
		table_add(t, view(item->lpszOwnerGroupName));
		table_add(t, view(group->lpszOwnerNode));
		return add_type(item, t);
	}
	code = ask(cluster, name, t);
	if (code == ERROR_RESOURCE_NOT_FOUND || code == ERROR_RESOURCE_NOT_AVAILABLE)
		return ERROR_SUCCESS;
	return code != ERROR_SUCCESS ? code : add_type(item, t);
}

/* All, or those of one group. */
static DWORD list_names(HCLUSTER cluster, HGROUP group, struct names *ret)
{
	return group != NULL ? names_of_group(group, CLUSTER_GROUP_ENUM_CONTAINS, ret)
			     : names_of_cluster(cluster, CLUSTER_ENUM_RESOURCE, ret);
}

int resource_ls_verb(struct cli *c)
{
	static const char16_t type[] = u"Type\0";
	static const struct table_column columns[] = { { "RESOURCE", "name" }, { "STATE", "state" },
		{ "GROUP", "group" }, { "OWNER", "owner" }, { "TYPE", "type" } };
	_cleanup_table_ struct table t = table_begin(c, "resources", columns, ARRAY_SIZE(columns));
	_cleanup_subject_ struct subject group = { 0 };
	_cleanup_(groups_done) struct groups groups = { 0 };
	_cleanup_(resources_done) struct resources resources = { 0 };
	_cleanup_names_ struct names names = { 0 };
	DWORD code;
	int r = c->argument_count > 0 ? subject_open(c, NOUN_GROUP, 0, GENERIC_READ, &group)
				      : cli_open(GENERIC_READ, &group.cluster);

	if (r != 0)
		return r;
	code = list_names(group.cluster, group.group, &names);
	if (code == ERROR_SUCCESS)
		code = read_resources(
		    ClusterResourceOpenEnumEx(group.cluster, NULL, 0, cli_wide(type), sizeof(type), 0), &resources);
	/* Behind the resources: one that is new there is not taken to be what its group was before it. */
	if (code == ERROR_SUCCESS)
		code = read_groups(ClusterGroupOpenEnumEx(group.cluster, NULL, 0, NULL, 0, 0), &groups);
	for (size_t i = 0; i < names.count && code == ERROR_SUCCESS; i++)
		code = list_resource(group.cluster, &groups, &resources, names.all[i], &t);
	return table_end(&t, code, "listing the resources");
}
