/* group: the verbs of groups.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include "cli/table.h"
#include <stdio.h>
#include <string.h>

enum { NAME_UNITS = 1024 };

static struct u16 view(LPCWSTR text)
{
	return u16_from_z((const char16_t *)text);
}

static DWORD group_state(HGROUP group, CLUSTER_GROUP_STATE *ret, WCHAR owner[NAME_UNITS])
{
	DWORD count = NAME_UNITS;

	*ret = GetClusterGroupState(group, owner, &count);
	return *ret == ClusterGroupStateUnknown ? GetLastError() : ERROR_SUCCESS;
}

/* List and show. */

static void list_item(const CLUSTER_GROUP_ENUM_ITEM *item, struct table *t)
{
	table_add(t, view(item->lpszName));
	table_add(t, view(item->lpszId));
	table_add_text(t, group_state_word(item->state));
	table_add(t, view(item->lpszOwnerNode));
}

static DWORD list_items(HGROUPENUMEX list, struct table *t)
{
	DWORD code = list == NULL ? GetLastError() : ERROR_SUCCESS;

	for (DWORD i = 0; code == ERROR_SUCCESS; i++) {
		_cleanup_free_ CLUSTER_GROUP_ENUM_ITEM *item = NULL;
		DWORD size = 0;

		code = ClusterGroupEnumEx(list, i, NULL, &size);
		if (code != ERROR_MORE_DATA)
			break;
		item = malloc(size);
		code = item == NULL ? ERROR_NOT_ENOUGH_MEMORY : ClusterGroupEnumEx(list, i, item, &size);
		if (code == ERROR_SUCCESS)
			list_item(item, t);
	}
	return code == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : code;
}

int group_ls_verb(struct cli *c)
{
	static const struct table_column columns[] = { { "GROUP", "name" }, { NULL, "id" }, { "STATE", "state" },
		{ "OWNER", "owner" } };
	_cleanup_table_ struct table t = table_begin(c, "groups", columns, ARRAY_SIZE(columns));
	HGROUPENUMEX list;
	HCLUSTER cluster;
	DWORD code;
	int r = cli_open(GENERIC_READ, &cluster);

	if (r != 0)
		return r;
	list = ClusterGroupOpenEnumEx(cluster, NULL, 0, NULL, 0, 0);
	code = list_items(list, &t);
	if (list != NULL)
		(void)ClusterGroupCloseEnumEx(list);
	(void)CloseCluster(cluster);
	return table_end(&t, code, "listing the groups");
}

struct group_facts {
	CLUSTER_GROUP_STATE state;
	WCHAR owner[NAME_UNITS];
	struct names resources, preferred;
};

static void facts_done(struct group_facts *f)
{
	names_done(&f->resources);
	names_done(&f->preferred);
}

static int show_json(const struct cli *c, const struct subject *s, const struct group_facts *f)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "name", s->text);
	json_text(&j, "state", group_state_word(f->state));
	json_u16(&j, "owner", view(f->owner));
	names_json(&f->resources, &j, "resources");
	names_json(&f->preferred, &j, "preferred_owners");
	return property_json(c, s, &j);
}

int group_show_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_(facts_done) struct group_facts f = { 0 };
	DWORD code;
	int r = subject_open(c, NOUN_GROUP, 0, GENERIC_READ, &s);

	if (r != 0)
		return r;
	code = group_state(s.group, &f.state, f.owner);
	if (code == ERROR_SUCCESS)
		code = names_of_group(s.group, CLUSTER_GROUP_ENUM_CONTAINS, &f.resources);
	if (code == ERROR_SUCCESS)
		code = names_of_group(s.group, CLUSTER_GROUP_ENUM_NODES, &f.preferred);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "looking at the group '%s'", s.text);
	if (c->json)
		return show_json(c, &s, &f);
	output_name("state");
	printf("%s\n", group_state_word(f.state));
	output_name("owner");
	output_u16(view(f.owner));
	printf("\n");
	names_print(&f.resources, "resources");
	names_print(&f.preferred, "preferred owners");
	return property_print(c, &s);
}

/* Make and change. */

int group_create_verb(struct cli *c)
{
	_cleanup_free_ char16_t *name = cli_units(c->arguments[0]);
	HCLUSTER cluster;
	HGROUP group;
	int r = name == NULL ? CLI_USAGE : cli_open(GENERIC_ALL, &cluster);

	if (r != 0)
		return r;
	group = CreateClusterGroup(cluster, cli_wide(name));
	r = group != NULL ? CLI_OK : cli_fail(GetLastError(), NULL, "creating the group '%s'", c->arguments[0]);
	if (group != NULL)
		(void)CloseClusterGroup(group);
	(void)CloseCluster(cluster);
	return r;
}

int group_set_verb(struct cli *c)
{
	return property_set_verb(c, NOUN_GROUP);
}

int group_rename_verb(struct cli *c)
{
	return subject_rename_verb(c, NOUN_GROUP);
}

int group_rm_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_names_ struct names resources = { 0 };
	int r = subject_open(c, NOUN_GROUP, 0, GENERIC_ALL, &s);
	DWORD code;

	if (r != 0)
		return r;
	code = names_of_group(s.group, CLUSTER_GROUP_ENUM_CONTAINS, &resources);
	if (code == ERROR_SUCCESS) {
		r = c->if_empty
			? cli_confirm(c, "Delete the group '%s'?", s.text)
			: cli_confirm(c, "Delete the group '%s' and its %zu resources, which are taken offline?",
			      s.text, resources.count);
		if (r != 0)
			return r;
		code = c->if_empty ? DeleteClusterGroup(s.group) : DestroyClusterGroup(s.group);
	}
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "deleting the group '%s'", s.text);
}

/* With nodes: these are the preferred owners from now on; "-" alone: none. */
int group_owners_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_names_ struct names preferred = { 0 };
	_cleanup_free_ struct subject *nodes = calloc(c->argument_count, sizeof(*nodes));
	_cleanup_free_ HNODE *handles = calloc(c->argument_count, sizeof(*handles));
	bool show = c->argument_count == 1;
	size_t count = show || strcmp(c->arguments[1], "-") == 0 ? 0 : c->argument_count - 1;
	DWORD code = ERROR_SUCCESS;
	int r = nodes == NULL || handles == NULL
		    ? CLI_FAILED
		    : subject_open(c, NOUN_GROUP, 0, show ? GENERIC_READ : GENERIC_ALL, &s);

	for (size_t i = 0; i < count && r == 0; i++) {
		r = subject_open_in(s.cluster, NOUN_NODE, c->arguments[i + 1], GENERIC_READ, &nodes[i]);
		handles[i] = nodes[i].node;
	}
	if (r == 0 && show)
		code = names_of_group(s.group, CLUSTER_GROUP_ENUM_NODES, &preferred);
	else if (r == 0)
		code = SetClusterGroupNodeList(s.group, (DWORD)count, handles);
	for (size_t i = 0; i < count && nodes != NULL; i++)
		subject_done(&nodes[i]);
	if (r != 0)
		return r;
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "the preferred owners of the group '%s'", s.text);
	for (size_t i = 0; i < preferred.count; i++) {
		output_u16(u16_from_z(preferred.all[i]));
		printf("\n");
	}
	return output_end();
}

/* Online, offline, move. */

struct goal {
	CLUSTER_GROUP_STATE state;
	const char16_t *owner; /* NULL: whichever. */
	struct u16 not_owner;  /* Moved away from there. */
};

static struct look look_at_group(const struct subject *s, void *data)
{
	const struct goal *goal = data;
	CLUSTER_GROUP_STATE state;
	WCHAR owner[NAME_UNITS];
	DWORD code = group_state(s->group, &state, owner);
	bool there = (goal->owner == NULL || u16_equal(u16_from_z(goal->owner), view(owner))) &&
		     !u16_equal(goal->not_owner, view(owner));

	if (code != ERROR_SUCCESS)
		return (struct look){ "unknown", code };
	if (state == goal->state && there)
		return (struct look){ "there", ERROR_SUCCESS };
	if (state == ClusterGroupFailed && there && goal->state == ClusterGroupOnline)
		return (struct look){ "failed", ERROR_RESOURCE_FAILED };
	return (struct look){ group_state_word(state), WAIT_TIMEOUT };
}

static struct look look_at_empty(const struct subject *s, void *data)
{
	return (struct look){ "there", ERROR_SUCCESS };
}

/* A group without resources is offline whatever it is asked for. */
static int wait_for_group(
    const struct cli *c, const struct subject *s, const char *doing, DWORD code, struct goal *goal)
{
	_cleanup_names_ struct names resources = { 0 };
	bool empty = names_of_group(s->group, CLUSTER_GROUP_ENUM_CONTAINS, &resources) == 0 && resources.count == 0;

	return wait_for(c, s, doing, code, empty && goal->owner == NULL ? look_at_empty : look_at_group, goal);
}

/* The group, and the node that may be named behind it. */
static int open_both(const struct cli *c, struct subject *group, struct subject *node)
{
	int r = subject_open(c, NOUN_GROUP, 0, GENERIC_ALL, group);

	if (r == 0 && c->argument_count > 1)
		r = subject_open_in(group->cluster, NOUN_NODE, c->arguments[1], GENERIC_READ, node);
	return r;
}

int group_online_verb(struct cli *c)
{
	_cleanup_subject_ struct subject node = { 0 }, s = { 0 };
	struct goal goal = { .state = ClusterGroupOnline };
	int r = open_both(c, &s, &node);

	if (r != 0)
		return r;
	goal.owner = node.name;
	return wait_for_group(c, &s, "bringing online", OnlineClusterGroup(s.group, node.node), &goal);
}

int group_offline_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	struct goal goal = { .state = ClusterGroupOffline };
	int r = subject_open(c, NOUN_GROUP, 0, GENERIC_ALL, &s);

	return r != 0 ? r : wait_for_group(c, &s, "taking offline", OfflineClusterGroup(s.group), &goal);
}

int group_move_verb(struct cli *c)
{
	_cleanup_subject_ struct subject node = { 0 }, s = { 0 };
	WCHAR owner[NAME_UNITS];
	struct goal goal = { 0 };
	DWORD code;
	int r = open_both(c, &s, &node);

	if (r != 0)
		return r;
	code = group_state(s.group, &goal.state, owner);
	if (code == ERROR_SUCCESS)
		code = MoveClusterGroup(s.group, node.node);
	goal.owner = node.name;
	if (node.name == NULL)
		goal.not_owner = view(owner);
	return wait_for_group(c, &s, "moving", code, &goal);
}

int group_cancel_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	int r = subject_open(c, NOUN_GROUP, 0, GENERIC_ALL, &s);
	DWORD code = r == 0 ? CancelClusterGroupOperation(s.group, 0) : 0;

	return r != 0 || code == 0 ? r : cli_fail(code, NULL, "calling off the move of the group '%s'", s.text);
}
