/* resource: the verbs of resources: show, make and change; the list is in resource_ls.c, what they do in resource_run.c.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include <stdio.h>
#include <string.h>

enum { NAME_UNITS = 1024, EXPRESSION_UNITS = 32768 };

struct facts {
	CLUSTER_RESOURCE_STATE state;
	WCHAR group[NAME_UNITS], owner[NAME_UNITS], type[NAME_UNITS];
};

static struct u16 view(LPCWSTR text)
{
	return u16_from_z((const char16_t *)text);
}

static DWORD resource_facts(HRESOURCE resource, struct facts *f)
{
	DWORD group = NAME_UNITS, owner = NAME_UNITS;

	f->state = GetClusterResourceState(resource, f->owner, &owner, f->group, &group);
	if (f->state == ClusterResourceStateUnknown)
		return GetLastError();
	f->type[0] = 0;
	return ClusterResourceControl(
	    resource, NULL, CLUSCTL_RESOURCE_GET_RESOURCE_TYPE, NULL, 0, f->type, sizeof(f->type), NULL);
}

/* Show. */

struct relations {
	struct names providers, dependents, owners;
	WCHAR expression[EXPRESSION_UNITS];
};

static void relations_free(struct relations **r)
{
	if (*r == NULL)
		return;
	names_done(&(*r)->providers);
	names_done(&(*r)->dependents);
	names_done(&(*r)->owners);
	free(*r);
}

static DWORD get_relations(HRESOURCE resource, struct relations *r)
{
	DWORD count = EXPRESSION_UNITS;
	DWORD code = names_of_resource(resource, CLUSTER_RESOURCE_ENUM_DEPENDS, &r->providers);

	if (code == ERROR_SUCCESS)
		code = names_of_resource(resource, CLUSTER_RESOURCE_ENUM_PROVIDES, &r->dependents);
	if (code == ERROR_SUCCESS)
		code = names_of_resource(resource, CLUSTER_RESOURCE_ENUM_NODES, &r->owners);
	return code != ERROR_SUCCESS ? code : GetClusterResourceDependencyExpression(resource, r->expression, &count);
}

static int show_json(
    const struct cli *c, const struct subject *s, const struct facts *f, const struct relations *relations)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "name", s->text);
	json_text(&j, "state", resource_state_word(f->state));
	json_u16(&j, "group", view(f->group));
	json_u16(&j, "owner", view(f->owner));
	json_u16(&j, "type", view(f->type));
	json_u16(&j, "depends_on", view(relations->expression));
	names_json(&relations->providers, &j, "providers");
	names_json(&relations->dependents, &j, "dependents");
	names_json(&relations->owners, &j, "possible_owners");
	return property_json(c, s, &j);
}

static void show_line(const char *title, LPCWSTR text)
{
	output_name(title);
	output_u16(view(text));
	printf("%s\n", text[0] == 0 ? "-" : "");
}

int resource_show_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_(relations_free) struct relations *relations = calloc(1, sizeof(*relations));
	struct facts f;
	DWORD code;
	int r = relations == NULL ? CLI_FAILED : subject_open(c, NOUN_RESOURCE, 0, GENERIC_READ, &s);

	if (r != 0)
		return r;
	code = resource_facts(s.resource, &f);
	if (code == ERROR_SUCCESS)
		code = get_relations(s.resource, relations);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "looking at the resource '%s'", s.text);
	if (c->json)
		return show_json(c, &s, &f, relations);
	output_name("state");
	printf("%s\n", resource_state_word(f.state));
	show_line("group", f.group);
	show_line("owner", f.owner);
	show_line("type", f.type);
	show_line("depends on", relations->expression);
	names_print(&relations->dependents, "dependents");
	names_print(&relations->owners, "possible owners");
	return property_print(c, &s);
}

/* Make and change. */

static int create_of_type(const struct cli *c)
{
	_cleanup_free_ char16_t *name = cli_units(c->arguments[0]), *type = cli_units(c->arguments[2]);
	_cleanup_subject_ struct subject group = { 0 };
	HRESOURCE resource;
	int r = name == NULL || type == NULL ? CLI_USAGE : subject_open(c, NOUN_GROUP, 1, GENERIC_ALL, &group);

	if (r != 0)
		return r;
	resource = CreateClusterResource(group.group, cli_wide(name), cli_wide(type),
	    c->separate ? CLUSTER_RESOURCE_SEPARATE_MONITOR : CLUSTER_RESOURCE_DEFAULT_MONITOR);
	if (resource == NULL)
		return cli_fail(GetLastError(), NULL, "creating the resource '%s'", c->arguments[0]);
	(void)CloseClusterResource(resource);
	return CLI_OK;
}

int resource_create_verb(struct cli *c)
{
	if (c->agent != NULL)
		return agent_create_resource(c);
	if (c->argument_count != 3)
		return cli_usage(
		    c, c->argument_count < 3 ? "an argument is missing" : "parameters are those of an --agent");
	return create_of_type(c);
}

int resource_set_verb(struct cli *c)
{
	return property_set_verb(c, NOUN_RESOURCE);
}

int resource_rename_verb(struct cli *c)
{
	return subject_rename_verb(c, NOUN_RESOURCE);
}

int resource_rm_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	int r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);
	DWORD code;

	if (r == 0)
		r = cli_confirm(c, "Delete the resource '%s'?", s.text);
	if (r != 0)
		return r;
	code = DeleteClusterResource(s.resource);
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "deleting the resource '%s'", s.text);
}

int resource_move_verb(struct cli *c)
{
	_cleanup_subject_ struct subject group = { 0 }, s = { 0 };
	int r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);
	DWORD code;

	if (r == 0)
		r = subject_open_in(s.cluster, NOUN_GROUP, c->arguments[1], GENERIC_ALL, &group);
	if (r != 0)
		return r;
	code = ChangeClusterResourceGroup(s.resource, group.group);
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "moving the resource '%s' to another group", s.text);
}

static int change_provider(const struct subject *s, const char *text, bool add)
{
	_cleanup_subject_ struct subject provider = { 0 };
	int r = text != NULL ? subject_open_in(s->cluster, NOUN_RESOURCE, text, GENERIC_READ, &provider) : 0;
	DWORD code;

	if (r != 0 || text == NULL)
		return r;
	code = add ? AddClusterResourceDependency(s->resource, provider.resource)
		   : RemoveClusterResourceDependency(s->resource, provider.resource);
	return code == 0 ? 0 : cli_fail(code, NULL, "the dependency of '%s' on '%s'", s->text, text);
}

/* With --add or --remove: one provider more, or less; the rest of the expression stays. */
static int change_providers(const struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	int r = c->argument_count > 1 ? cli_usage(c, "an expression needs no --add and no --remove")
				      : subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);

	if (r == 0)
		r = change_provider(&s, c->add, true);
	return r != 0 ? r : change_provider(&s, c->remove, false);
}

int resource_depend_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_free_ char16_t *expression = c->argument_count > 1 ? cli_units(c->arguments[1]) : NULL;
	_cleanup_free_ WCHAR *now = calloc(EXPRESSION_UNITS, sizeof(*now));
	DWORD count = EXPRESSION_UNITS, code;
	int r = now == NULL || (c->argument_count > 1 && expression == NULL) ? CLI_USAGE : 0;

	if (r == 0 && (c->add != NULL || c->remove != NULL))
		return change_providers(c);
	if (r == 0)
		r = subject_open(c, NOUN_RESOURCE, 0, expression != NULL ? GENERIC_ALL : GENERIC_READ, &s);
	if (r != 0)
		return r;
	code = expression != NULL ? SetClusterResourceDependencyExpression(s.resource, cli_wide(expression))
				  : GetClusterResourceDependencyExpression(s.resource, now, &count);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "the dependencies of the resource '%s'", s.text);
	if (expression == NULL && count > 0) {
		output_u16(view(now));
		printf("\n");
	}
	return output_end();
}

/* One node of the list of possible owners, as it shall be. */
static int set_owner(const struct subject *s, const char *text, const struct names *now)
{
	_cleanup_subject_ struct subject node = { 0 };
	int r = subject_open_in(s->cluster, NOUN_NODE, text, GENERIC_READ, &node);
	DWORD code;

	if (r != 0 || names_have(now, u16_from_z(node.name)))
		return r;
	code = AddClusterResourceNode(s->resource, node.node);
	return code == 0 ? 0 : cli_fail(code, NULL, "letting the node '%s' own the resource '%s'", text, s->text);
}

static int remove_owner(const struct subject *s, const char *text)
{
	_cleanup_subject_ struct subject node = { 0 };
	int r = subject_open_in(s->cluster, NOUN_NODE, text, GENERIC_READ, &node);
	DWORD code;

	if (r != 0)
		return r;
	code = RemoveClusterResourceNode(s->resource, node.node);
	return code == 0 ? 0 : cli_fail(code, NULL, "taking the node '%s' from the owners of '%s'", text, s->text);
}

static int remove_owner_unless_named(const struct cli *c, const struct subject *s, const char16_t *name)
{
	_cleanup_free_ char *text = u16_to_utf8(u16_from_z(name));

	for (size_t i = 1; i < c->argument_count; i++) {
		_cleanup_free_ char16_t *stays = cli_units(c->arguments[i]);

		if (stays != NULL && u16_equal(u16_from_z(stays), u16_from_z(name)))
			return 0;
	}
	return text != NULL ? remove_owner(s, text) : CLI_FAILED;
}

/* With --add or --remove: only these change.  With nodes: these are the possible owners from now on.  New ones are added before others go. */
int resource_owners_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_names_ struct names now = { 0 };
	bool change = c->add != NULL || c->remove != NULL, show = c->argument_count == 1 && !change;
	DWORD code;
	int r = change && c->argument_count > 1
		    ? cli_usage(c, "a list of nodes needs no --add and no --remove")
		    : subject_open(c, NOUN_RESOURCE, 0, show ? GENERIC_READ : GENERIC_ALL, &s);

	if (r != 0)
		return r;
	code = names_of_resource(s.resource, CLUSTER_RESOURCE_ENUM_NODES, &now);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "listing the possible owners of the resource '%s'", s.text);
	if (c->add != NULL)
		r = set_owner(&s, c->add, &now);
	if (c->remove != NULL && r == 0)
		r = remove_owner(&s, c->remove);
	if (change)
		return r;
	for (size_t i = 1; i < c->argument_count && r == 0; i++)
		r = set_owner(&s, c->arguments[i], &now);
	for (size_t i = 0; i < now.count && r == 0; i++) {
		if (!show) {
			r = remove_owner_unless_named(c, &s, now.all[i]);
			continue;
		}
		output_u16(u16_from_z(now.all[i]));
		printf("\n");
	}
	return r != 0 ? r : output_end();
}
