/* resource: what a host was told about its resource.
 *
 * How      the message CONFIGURE brings the private properties as the database has them, which anybody with access may
 *          have written.  They become texts here, once, and are held against the table of the type.
 *          What the values themselves must be like is also checked by ruedad, when they are set; the rest only here.
 * Promise  after resource_check() each required property is there, and each number is one.
 * Threads  one.      Limits  RESOURCE_VALUES_MAX properties.      Tests  tests/unit/host_types.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/resource.h"
#include "wire/proplist.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct host_type *host_type_find(const char *name)
{
	for (size_t i = 0; i < host_type_count; i++)
		if (strcasecmp(host_types[i]->name, name) == 0)
			return host_types[i];
	return NULL;
}

/* Of texts that end with zeros each: blanks between them.  NULL without memory. */
static char *text_of_units(const struct prop_value *v)
{
	size_t len = v->len / sizeof(char16_t);
	_cleanup_free_ char16_t *units = malloc((len + 1) * sizeof(char16_t));

	if (units == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		units[i] = get_le16(v->data + i * sizeof(char16_t));
	while (len > 0 && units[len - 1] == 0)
		len--;
	for (size_t i = 0; i < len; i++)
		if (units[i] == 0)
			units[i] = ' ';
	return u16_to_utf8((struct u16){ units, len });
}

static const struct host_property *find_property(const struct host_type *t, const char *name)
{
	for (size_t i = 0; i < t->property_count; i++)
		if (strcasecmp(t->properties[i].name, name) == 0)
			return &t->properties[i];
	return NULL;
}

static int bad_format(const struct host_property *p, struct error *e)
{
	return error_set(e, ERR_INVALID_DATA, "the private property %s is to be a %s", p->name,
	    p->format == HOST_FORMAT_NUMBER ? "number (DWORD)" : "text (SZ)");
}

static int add_value(struct resource *r, struct u16 name, const struct prop_value *v, struct error *e)
{
	_cleanup_free_ char *name_text = u16_to_utf8(name);
	struct resource_value *to = &r->values[r->value_count];
	const struct host_property *p = name_text != NULL ? find_property(r->type, name_text) : NULL;
	char number[32];

	switch ((enum prop_format)prop_format(v->syntax)) {
	case PROP_SZ:
	case PROP_EXPAND_SZ:
	case PROP_MULTI_SZ:
		to->text = text_of_units(v);
		break;
	case PROP_DWORD:
	case PROP_LONG:
		(void)snprintf(number, sizeof(number), "%" PRIu32, v->len == 4 ? get_le32(v->data) : 0);
		to->text = strdup(number);
		to->is_number = true;
		break;
	default: /* No type has a use for other formats. */
		return name_text == NULL ? -ENOMEM : p != NULL ? bad_format(p, e) : 0;
	}
	to->name = TAKE_PTR(name_text);
	r->value_count++; /* Half of it is freed all the same. */
	return to->name == NULL || to->text == NULL ? -ENOMEM : 0;
}

static char *copy_text(const struct host_text *t)
{
	return strndup(t->len > 0 ? t->data : "", t->len);
}

static int init(struct resource *r, const char *id, const struct host_configure *c, struct error *e)
{
	_cleanup_free_ char *type = copy_text(&c->type);
	_cleanup_free_ struct proplist *list = malloc(sizeof(*list));
	int n;

	r->settings = c->settings;
	r->id = strdup(id);
	r->name = copy_text(&c->name);
	r->network_name = copy_text(&c->network_name);
	if (type == NULL || list == NULL || r->id == NULL || r->name == NULL || r->network_name == NULL)
		return error_set_code(e, -ENOMEM, "cannot read the properties");
	r->type = host_type_find(type);
	if (r->type == NULL)
		return error_set(e, ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND,
		    "this version cannot run resources of the type '%.100s'", type);
	proplist_init(list, c->properties, c->properties_len);
	while ((n = proplist_next(list)) > 0) {
		struct prop_value v = proplist_value(list);

		if (r->value_count == RESOURCE_VALUES_MAX)
			return error_set(e, -E2BIG, "it has more than %d private properties", RESOURCE_VALUES_MAX);
		n = add_value(r, list->name, &v, e);
		if (n < 0)
			break;
	}
	return n < 0 && n != ERR_INVALID_DATA ? error_set_code(e, n, "cannot read the properties") : n;
}

int resource_init(struct resource *r, const char *id, const struct host_configure *c, struct error *e)
{
	int result;

	*r = (struct resource){ 0 };
	result = init(r, id, c, e);
	if (result < 0)
		resource_done(r);
	return result;
}

void resource_done(struct resource *r)
{
	for (size_t i = 0; i < r->value_count; i++) {
		free(r->values[i].name);
		free(r->values[i].text);
	}
	free(r->id);
	free(r->name);
	free(r->network_name);
	*r = (struct resource){ 0 };
}

static const struct resource_value *find_value(const struct resource *r, const char *name)
{
	for (size_t i = r->value_count; i > 0; i--) /* Of two the last counts, as in lists that are set. */
		if (strcasecmp(r->values[i - 1].name, name) == 0)
			return &r->values[i - 1];
	return NULL;
}

const char *resource_get(const struct resource *r, const char *name)
{
	const struct resource_value *v = find_value(r, name);
	const struct host_property *p;

	if (v != NULL && v->text[0] != 0)
		return v->text;
	p = find_property(r->type, name);
	return p != NULL ? p->standard : NULL;
}

uint32_t resource_number(const struct resource *r, const char *name)
{
	const char *text = resource_get(r, name);

	assert(text != NULL);
	return (uint32_t)strtoul(text, NULL, 10);
}

int resource_check_values(const struct resource *r, struct error *e)
{
	for (size_t i = 0; i < r->type->property_count; i++) {
		const struct host_property *p = &r->type->properties[i];
		const struct resource_value *v = find_value(r, p->name);

		if (v != NULL && v->is_number != (p->format == HOST_FORMAT_NUMBER))
			return bad_format(p, e);
	}
	return r->type->values != NULL ? r->type->values(r, e) : 0;
}

int resource_check(const struct resource *r, struct error *e)
{
	int result = resource_check_values(r, e);

	if (result < 0)
		return result;
	for (size_t i = 0; i < r->type->property_count; i++) {
		const struct host_property *p = &r->type->properties[i];
		const struct resource_value *v = find_value(r, p->name);

		if (p->required && (v == NULL || v->text[0] == 0))
			return error_set(
			    e, ERR_INVALID_PARAMETER, "the private property %s is not set: %s", p->name, p->about);
	}
	return r->type->check != NULL ? r->type->check(r, e) : 0;
}
