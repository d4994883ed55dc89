/* known: names of private properties that would be set and that nobody would ever look at.
 *
 * Why      the service takes any name, as Windows does; a name that was mistyped is found at night, when the resource does not
 *          do what it was told to.
 * How      of a resource whose type has a table, the names of the table are known; of one that an agent (OCF) runs, the
 *          parameters that the agent tells, if it is on this machine.  Whoever means the name says so with --type.
 * Security an agent is asked only of the cluster of this machine, which runs it anyway: the database of another one is no
 *          reason to run a program here.
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/known.h"
#include "host/agent.h"
#include "wire/proplist.h"
#include <limits.h>
#include <string.h>
#include <strings.h>

enum {
	GET_RESOURCE_TYPE = 0x2d,
	GET_PRIVATE = 0x81,
	TYPE_FORMATS = 0x91,
	LIMIT_MS = 20000,
	NAME_MAX_BYTES = 64,
	NEAR = 2
};

/* How many letters are others, too many or missing; a long name is near none. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_BYTES + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > NAME_MAX_BYTES || lb > NAME_MAX_BYTES)
		return UINT_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned before = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned changed = before + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);

			before = row[j];
			row[j] = MIN(changed, 1 + MIN(row[j], row[j - 1]));
		}
	}
	return row[lb];
}

struct nearest {
	const char *name; /* What was typed. */
	char *found;      /* Owned. */
	unsigned distance;
};

static void consider(struct nearest *n, const char *candidate)
{
	unsigned d = distance(n->name, candidate);
	char *copy = d <= NEAR && (n->found == NULL || d < n->distance) ? strdup(candidate) : NULL;

	if (copy == NULL)
		return;
	free(n->found);
	n->found = copy;
	n->distance = d;
}

static int refuse(const struct cli *c, const char *who, const struct nearest *n, const char *where)
{
	return cli_usage(c, "%s does not know '%s'%s%s%s; %s; with --type it is set all the same", who, n->name,
	    n->found != NULL ? ", but '" : "", n->found != NULL ? n->found : "", n->found != NULL ? "'" : "", where);
}

/* A private property that is a text, or NULL. */
static char *private_text(const struct subject *s, struct u16 name)
{
	_cleanup_free_ struct proplist *p = malloc(sizeof(*p));
	_cleanup_free_ BYTE *bytes = NULL;
	struct prop_value v;
	DWORD size = 0;

	if (p == NULL || subject_ask(s, GET_PRIVATE, &bytes, &size) != 0 || proplist_find(p, bytes, size, name) <= 0)
		return NULL;
	v = proplist_value(p);
	return v.len >= sizeof(char16_t) ? u16_to_utf8((struct u16){ (const char16_t *)v.data, v.len / 2 - 1 }) : NULL;
}

static int check_agent(const struct cli *c, const struct subject *s, struct nearest *n)
{
	_cleanup_free_ char *path = private_text(s, U16("ScriptFilepath")), *protocol = NULL;
	_cleanup_free_ struct agent *a = calloc(1, sizeof(*a));
	struct error e;
	int r = 0;

	if (cli_cluster != NULL || path == NULL || path[0] != '/' || a == NULL)
		return 0;
	protocol = private_text(s, U16("ScriptProtocol"));
	if (protocol != NULL ? strcmp(protocol, "ocf") != 0 : strstr(path, "/resource.d/") == NULL)
		return 0;
	/* Without the agent nobody can tell. */
	if (agent_read(path, LIMIT_MS, a, &e) == 0 && agent_parameter(a, n->name) == NULL) {
		for (size_t i = 0; i < a->parameter_count; i++)
			consider(n, a->parameters[i].name);
		r = refuse(c, path, n, "rueda type agent lists what it knows");
	}
	agent_done(a);
	return r;
}

static int check_table(const struct cli *c, const struct subject *s, const char *type, struct nearest *n)
{
	_cleanup_free_ char16_t *name = cli_units(type);
	const struct subject of_type = { .noun = NOUN_TYPE, .text = type, .name = name, .cluster = s->cluster };
	_cleanup_free_ struct proplist *p = malloc(sizeof(*p));
	_cleanup_free_ BYTE *bytes = NULL;
	_cleanup_(buf_done) struct buf all = { 0 };
	DWORD size = 0;

	if (p == NULL || name == NULL || subject_ask(&of_type, TYPE_FORMATS, &bytes, &size) != 0)
		return 0;
	proplist_init(p, bytes, size);
	while (proplist_next(p) > 0) {
		_cleanup_free_ char *candidate = u16_to_utf8(p->name);

		if (candidate == NULL)
			continue;
		consider(n, candidate);
		buf_append(&all, all.len == 0 ? "it knows " : ", ", all.len == 0 ? 9 : 2);
		buf_append(&all, candidate, strlen(candidate));
	}
	buf_u8(&all, 0);
	return all.error == 0 && all.len > 1 ? refuse(c, type, n, (const char *)all.data) : 0;
}

int known_check(const struct cli *c, const struct subject *s, const char *name)
{
	_cleanup_free_ BYTE *units = NULL;
	_cleanup_free_ char *type = NULL;
	struct nearest n = { .name = name };
	DWORD size = 0;
	int r;

	if (s->noun != NOUN_RESOURCE || c->type_count > 0 || subject_ask(s, GET_RESOURCE_TYPE, &units, &size) != 0 ||
	    size < sizeof(char16_t))
		return 0;
	for (size_t i = 1; i < c->argument_count; i++) /* What runs it is only about to be said. */
		if (strncasecmp(c->arguments[i], "Script", strlen("Script")) == 0)
			return 0;
	type = u16_to_utf8((struct u16){ (const char16_t *)units, size / 2 - 1 });
	if (type == NULL)
		return 0;
	r = strcasecmp(type, "Generic Script") == 0 ? check_agent(c, s, &n) : check_table(c, s, type, &n);
	free(n.found);
	return r;
}
