/* property: properties of objects: shown with `show`, set by name with `set`.
 *
 * Types    a property is set in the format that the service names for it; a private one that it does not know keeps the
 *          format that it has, and a new one gets that of --type, or text.
 * Lists    each NAME=TEXT of the same name is one text of it.  NAME without '=' takes the value out: back to its standard.
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/known.h"
#include "cli/value.h"
#include "wire/proplist.h"
#include <stdio.h>
#include <string.h>

/* Numbers of control codes, without the kind. */
enum { GET_RO_COMMON = 0x55, GET_COMMON = 0x59, SET_COMMON = 0x40005e, COMMON_FORMATS = 0x65 };
enum { GET_RO_PRIVATE = 0x7d, GET_PRIVATE = 0x81, SET_PRIVATE = 0x400086, PRIVATE_FORMATS = 0x8d };

static const struct {
	DWORD code;
	const char *kind;
	bool private;
} shown[] = {
	{ GET_COMMON, "common", false },
	{ GET_RO_COMMON, "read-only", false },
	{ GET_PRIVATE, "private", true },
	{ GET_RO_PRIVATE, "private read-only", true },
};

/* How a format is stored in the registry, which value.c knows; the sign of the LONG is lost. */
static const struct {
	uint16_t format;
	uint32_t type;
	const char *name;
} formats[] = {
	{ PROP_SZ, REG_SZ, "SZ" },
	{ PROP_EXPAND_SZ, REG_EXPAND_SZ, "EXPAND_SZ" },
	{ PROP_MULTI_SZ, REG_MULTI_SZ, "MULTI_SZ" },
	{ PROP_DWORD, REG_DWORD, "DWORD" },
	{ PROP_LONG, REG_DWORD, "LONG" },
	{ PROP_ULARGE_INTEGER, REG_QWORD, "ULARGE_INTEGER" },
	{ PROP_LARGE_INTEGER, REG_QWORD, "LARGE_INTEGER" },
	{ PROP_FILETIME, REG_QWORD, "FILETIME" },
	{ PROP_BINARY, REG_BINARY, "BINARY" },
	{ PROP_SECURITY_DESCRIPTOR, REG_BINARY, "SECURITY_DESCRIPTOR" },
};

static size_t format_index(uint16_t format)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].format == format)
			return i;
	return ARRAY_SIZE(formats) - 2; /* Bytes can be shown of whatever it is. */
}

/* Showing. */

static int each_property(
    const struct subject *s, DWORD code, void (*one)(void *data, const struct proplist *p), void *data)
{
	_cleanup_free_ BYTE *bytes = NULL;
	_cleanup_free_ struct proplist *p = malloc(sizeof(*p));
	DWORD size = 0, failed = subject_ask(s, code, &bytes, &size);
	int r;

	if (p == NULL)
		return -ENOMEM;
	if (failed != 0)
		return ERR_FROM_WIN32(failed);
	proplist_init(p, bytes, size);
	while ((r = proplist_next(p)) > 0)
		one(data, p);
	return r;
}

static void print_name(const struct proplist *p)
{
	printf("  ");
	output_u16(p->name);
	printf("=");
}

/* As `set` takes it: a list is a line for each text. */
static void print_one(void *data, const struct proplist *p)
{
	struct prop_value v = proplist_value(p);
	uint32_t type = formats[format_index(prop_format(v.syntax))].type;
	const char16_t *units = (const char16_t *)(const void *)v.data;
	size_t len = v.len / sizeof(*units);

	if (type != REG_MULTI_SZ || len == 0 || units[0] == 0) {
		print_name(p);
		if (v.len > 0 && type != REG_MULTI_SZ)
			value_print(type, v.data, v.len);
		else
			printf("\n");
		return;
	}
	for (size_t at = 0; at < len && units[at] != 0;) {
		struct u16 text = { units + at, 0 };

		while (at < len && units[at] != 0) {
			text.len++;
			at++;
		}
		at++;
		print_name(p);
		output_u16(text);
		printf("\n");
	}
}

/* With --common or --private: only those. */
static bool is_wanted(const struct cli *c, size_t i)
{
	return shown[i].private ? !c->common_only : !c->private_only;
}

int property_print(const struct cli *c, const struct subject *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		int r;

		if (!is_wanted(c, i))
			continue;
		printf("%s properties\n", shown[i].kind);
		r = each_property(s, shown[i].code, print_one, NULL);
		if (r < 0)
			return cli_fail_error(
			    r, NULL, "reading the properties of the %s '%s'", noun_word(s->noun), s->text);
	}
	return output_end();
}

struct json_of {
	struct json *j;
	const char *kind;
};

static void json_one(void *data, const struct proplist *p)
{
	struct json_of *to = data;
	struct prop_value v = proplist_value(p);
	size_t format = format_index(prop_format(v.syntax));

	json_open(to->j, NULL, '{');
	json_u16(to->j, "name", p->name);
	json_text(to->j, "kind", to->kind);
	json_text(to->j, "format", formats[format].name);
	value_json_members(to->j, formats[format].type, v.data, v.len);
	json_close(to->j, '}');
}

int property_json(const struct cli *c, const struct subject *s, struct json *j)
{
	json_open(j, "properties", '[');
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		struct json_of to = { j, shown[i].kind };
		int r = is_wanted(c, i) ? each_property(s, shown[i].code, json_one, &to) : 0;

		if (r < 0) {
			buf_done(&j->text);
			return cli_fail_error(
			    r, NULL, "reading the properties of the %s '%s'", noun_word(s->noun), s->text);
		}
	}
	json_close(j, ']');
	json_close(j, '}');
	return json_print(j);
}

/* Setting. */

struct setting {
	const struct cli *c;
	const struct subject *s;
	size_t first; /* Of the arguments that are properties. */
	struct buf common, private;
};

static void setting_done(struct setting *t)
{
	buf_done(&t->common);
	buf_done(&t->private);
}

/* The format of a name in an answer, where formats are told as numbers (told) or by values.  ERR_FILE_NOT_FOUND. */
static int look_up(const struct subject *s, DWORD code, struct u16 name, bool told, uint16_t *ret)
{
	_cleanup_free_ BYTE *bytes = NULL;
	_cleanup_free_ struct proplist *p = malloc(sizeof(*p));
	DWORD size = 0, failed = subject_ask(s, code, &bytes, &size);
	struct prop_value v;
	int r;

	if (p == NULL)
		return -ENOMEM;
	if (failed != 0)
		return ERR_FROM_WIN32(failed);
	r = proplist_find(p, bytes, size, name);
	if (r <= 0)
		return r < 0 ? r : ERR_FILE_NOT_FOUND;
	v = proplist_value(p);
	if (told && v.len < sizeof(uint16_t))
		return ERR_INVALID_DATA;
	*ret = told ? get_le16(v.data) : prop_format(v.syntax);
	return 0;
}

/* What --type says of the property of that name, which counts for one that has no format yet: a type of the registry. */
static uint32_t new_type(const struct cli *c, const char *name)
{
	size_t len = strlen(name);
	uint32_t type = REG_SZ;

	for (size_t i = 0; i < c->type_count; i++) {
		const char *text = c->types[i], *equals = strrchr(text, '=');

		if (equals == NULL)
			(void)value_parse_type(text, &type);
		else if ((size_t)(equals - text) == len && strncmp(text, name, len) == 0 &&
			 value_parse_type(equals + 1, &type) == 0)
			break;
	}
	return type;
}

/* Each --type is one, and has its property if it names one. */
static int check_types(const struct setting *t)
{
	const struct cli *c = t->c;

	for (size_t i = 0; i < c->type_count; i++) {
		const char *text = c->types[i], *equals = strrchr(text, '=');
		size_t len = equals != NULL ? (size_t)(equals - text) : 0;
		bool found = equals == NULL;
		uint32_t type;

		if (value_parse_type(equals != NULL ? equals + 1 : text, &type) < 0)
			return cli_usage(c, "'%s' is no type", text);
		for (size_t a = t->first; a < c->argument_count && !found; a++)
			found = strncmp(c->arguments[a], text, len) == 0 && c->arguments[a][len] == '=';
		if (!found)
			return cli_usage(c, "--type %s is about a property that is not set", text);
	}
	return 0;
}

/* What the name is: its format, whether it is private, and nobody has heard of it. */
static int find_format(
    const struct setting *t, struct u16 name, uint32_t type, uint16_t *ret, bool *ret_private, bool *ret_new)
{
	int r = ERR_FILE_NOT_FOUND;

	if (!t->c->private_only) {
		r = look_up(t->s, GET_RO_COMMON, name, false, ret);
		if (r != ERR_FILE_NOT_FOUND)
			return r == 0 ? ERR_RESOURCE_PROPERTY_UNCHANGEABLE : r;
		r = look_up(t->s, COMMON_FORMATS, name, true, ret);
	}
	if (r == ERR_FILE_NOT_FOUND && t->c->common_only)
		return ERR_INVALID_PARAMETER;
	*ret_private = r != 0;
	if (r == ERR_FILE_NOT_FOUND)
		r = look_up(t->s, PRIVATE_FORMATS, name, true, ret);
	if (r == ERR_FILE_NOT_FOUND)
		r = look_up(t->s, GET_PRIVATE, name, false, ret);
	*ret_new = r == ERR_FILE_NOT_FOUND;
	for (size_t i = 0; r == ERR_FILE_NOT_FOUND && i < ARRAY_SIZE(formats); i++) {
		if (formats[i].type == type) {
			*ret = formats[i].format;
			r = 0;
		}
	}
	return r;
}

/* All of the arguments with the name of this one; it is the first of them. */
static int add_setting(struct setting *t, size_t argument)
{
	const struct cli *c = t->c;
	const char *text = c->arguments[argument], *equals = strchr(text, '=');
	size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text), count = 0;
	_cleanup_free_ char *name_text = strndup(text, len);
	_cleanup_free_ char16_t *name = name_text != NULL ? cli_units(name_text) : NULL;
	_cleanup_free_ char **words = calloc(c->argument_count + 1, sizeof(*words));
	_cleanup_(buf_done) struct buf data = { 0 };
	struct buf *list;
	uint16_t format = PROP_UNKNOWN;
	bool private = true, new = false;
	int r;

	if (name == NULL || words == NULL)
		return CLI_FAILED;
	if (len == 0)
		return cli_usage(c, "'%s' has no name", text);
	for (size_t i = t->first; i < c->argument_count; i++) {
		if (strncmp(c->arguments[i], text, len) != 0 || c->arguments[i][len] != '=')
			continue;
		if (i < argument)
			return 0; /* It has been seen to with the first one. */
		words[count++] = c->arguments[i] + len + 1;
	}
	r = find_format(t, u16_from_z(name), new_type(c, name_text), &format, &private, &new);
	if (r < 0)
		return cli_fail_error(
		    r, NULL, "setting '%s' of the %s '%s'", name_text, noun_word(t->s->noun), t->s->text);
	r = new &&equals != NULL ? known_check(c, t->s, name_text) : 0;
	if (r != 0)
		return r;
	if (equals != NULL) {
		/* "NAME=" is the empty list. */
		if (format == PROP_MULTI_SZ && count == 1 && words[0][0] == 0)
			count = 0;
		r = value_parse_data(formats[format_index(format)].type, words, count, &data);
		if (r < 0)
			return cli_usage(
			    c, "'%s' does not fit the format %s", text, formats[format_index(format)].name);
	}
	list = private ? &t->private : &t->common;
	if (list->len == 0)
		proplist_begin(list);
	proplist_add(list, u16_from_z(name), format, data.data, data.len);
	return 0;
}

/* Why private properties of a resource are refused; NULL: nobody knows. */
static char *reason(const struct subject *s, const struct buf *list)
{
	WCHAR story[RUEDA_STORY_CCH] = { 0 };

	(void)RuedaCheckProperties(s->resource, list->data, (DWORD)list->len, story, RUEDA_STORY_CCH);
	return u16_to_utf8(u16_from_z((const char16_t *)story));
}

static int send_list(const struct setting *t, DWORD code, struct buf *list)
{
	_cleanup_free_ char *story = NULL;
	DWORD failed;

	if (list->len == 0)
		return 0;
	proplist_end(list);
	failed = list->error != 0 ? ERROR_NOT_ENOUGH_MEMORY : subject_control(t->s, code, list, NULL, 0, NULL);
	if (failed == ERROR_RESOURCE_PROPERTIES_STORED) {
		fprintf(stderr, "rueda: stored; it takes effect when the resource is next brought online.\n");
		failed = 0;
	}
	if (failed != 0 && t->s->noun == NOUN_RESOURCE && code == SET_PRIVATE && list->error == 0)
		story = reason(t->s, list);
	return failed == 0
		   ? 0
		   : cli_fail(failed, story, "setting properties of the %s '%s'", noun_word(t->s->noun), t->s->text);
}

int property_set_verb(struct cli *c, enum noun noun)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_(setting_done) struct setting t = { .c = c, .s = &s, .first = noun == NOUN_CLUSTER ? 0 : 1 };
	int r = check_types(&t);

	if (r == 0)
		r = subject_open(c, noun, 0, GENERIC_ALL, &s);
	for (size_t i = t.first; i < c->argument_count && r == 0; i++)
		r = add_setting(&t, i);
	if (r == 0)
		r = send_list(&t, SET_COMMON, &t.common);
	return r != 0 ? r : send_list(&t, SET_PRIVATE, &t.private);
}
