/* private: what resource types say of private properties.
 *
 * Why      a mistake is found when it is made, not when the resource is next brought online, maybe at night by a restart; and
 *          programs can ask which properties there are.
 * How      the tables are those of the hosts (host/resource.h).  The properties that the resource has and those that are to
 *          be set are put together as they will be, and what the type says of values is asked.  What a type looks at on
 *          the node (is the address taken, is there a systemd) is left to the host.
 * Not kept registry calls write below Parameters what they like; the host checks again.  The parameters of agents of Generic
 *          Script are not known here: whoever asks an agent runs a program.
 * Threads  the loop thread.       Tests  tests/integration/properties.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/private.h"
#include "host/resource.h"
#include "wire/proplist.h"

static const struct host_type *type_named(struct u16 name)
{
	_cleanup_free_ char *text = u16_to_utf8(name);

	return text != NULL ? host_type_find(text) : NULL;
}

/* NULL: none that this program knows. */
static const struct host_type *type_of(const struct property_object *o)
{
	if (o->kind == PROPERTY_RESOURCE)
		return type_named(object_type_of(o->key));
	return o->kind == PROPERTY_TYPE ? type_named(o->id) : NULL;
}

static void add_first_value(struct buf *out, const struct proplist *p)
{
	struct prop_value v = proplist_value(p);

	if (v.len > 0)
		proplist_add(out, p->name, prop_format(v.syntax), v.data, v.len);
}

/* The new list, and what it does not name of the old one. */
static int merge(const struct buf *old, const void *list, size_t len, struct buf *out)
{
	_cleanup_free_ struct proplist *p = malloc(sizeof(*p)), *found = malloc(sizeof(*found));
	int r = p == NULL || found == NULL ? -ENOMEM : 1;

	proplist_begin(out);
	if (r > 0) {
		proplist_init(p, list, len);
		while ((r = proplist_next(p)) > 0)
			add_first_value(out, p);
	}
	if (r == 0) {
		proplist_init(p, old->data, old->len);
		while ((r = proplist_next(p)) > 0)
			if (proplist_find(found, list, len, p->name) == 0)
				add_first_value(out, p);
	}
	proplist_end(out);
	return r < 0 ? r : out->error;
}

static int check_values(const struct host_type *type, const struct buf *properties, struct error *e)
{
	struct host_configure c = { .type = { type->name, strlen(type->name) },
		.name = { "", 0 },
		.network_name = { "", 0 },
		.properties = properties->data,
		.properties_len = properties->len };
	_cleanup_free_ struct resource *r = calloc(1, sizeof(*r));
	int result = r != NULL ? resource_init(r, "", &c, e) : -ENOMEM;

	if (result == -E2BIG)
		return 0; /* More than a host takes; it says so itself. */
	if (result == 0)
		result = resource_check_values(r, e);
	if (r != NULL)
		resource_done(r);
	return result;
}

int private_check(const struct property_object *o, const void *list, size_t len, struct error *e)
{
	const struct host_type *type = o->kind == PROPERTY_RESOURCE ? type_of(o) : NULL;
	struct buf old = { 0 }, merged = { 0 };
	int r;

	if (type == NULL)
		return 0;
	property_list(o, PROPERTY_PRIVATE, NULL, &old);
	r = old.error != 0 ? old.error : merge(&old, list, len, &merged);
	if (r == 0)
		r = check_values(type, &merged, e);
	buf_done(&old);
	buf_done(&merged);
	return r;
}

/* ---- What there is ---- */

/* The rows of the type's table that the object has not set: each(out, name, row). */
static int each_unset(const struct host_type *type, const struct property_object *o,
    void (*each)(struct buf *out, struct u16 name, const struct host_property *row), struct buf *out)
{
	_cleanup_free_ struct proplist *p = malloc(sizeof(*p));
	struct buf stored = { 0 };
	int r = p != NULL ? 0 : -ENOMEM;

	property_formats(o, true, &stored);
	if (r == 0)
		r = stored.error;
	for (size_t i = 0; r == 0 && i < type->property_count; i++) {
		_cleanup_free_ char16_t *name = NULL;
		size_t len;

		r = utf8_to_u16(type->properties[i].name, strlen(type->properties[i].name), &name, &len);
		if (r == 0)
			r = proplist_find(p, stored.data, stored.len, (struct u16){ name, len });
		if (r == 0)
			each(out, (struct u16){ name, len }, &type->properties[i]);
		r = MIN(r, 0);
	}
	buf_done(&stored);
	return r;
}

static void add_format(struct buf *out, struct u16 name, const struct host_property *row)
{
	uint8_t format[2];

	put_le16(format, row->format == HOST_FORMAT_NUMBER ? PROP_DWORD : PROP_SZ);
	proplist_add(out, name, PROP_WORD, format, sizeof(format));
}

static void add_name(struct buf *out, struct u16 name, const struct host_property *row)
{
	(void)row;
	for (size_t i = 0; i < name.len; i++)
		buf_u16(out, name.units[i]);
	buf_u16(out, 0);
}

int private_formats(const struct property_object *o, struct buf *out)
{
	const struct host_type *type = o->kind == PROPERTY_RESOURCE ? type_of(o) : NULL;
	int r = 0;

	property_formats(o, true, out);
	if (type == NULL || out->error != 0)
		return out->error;
	out->len -= sizeof(uint32_t); /* The end, which goes behind the rest. */
	r = each_unset(type, o, add_format, out);
	proplist_end(out);
	return r;
}

int private_formats_of_type(const struct property_object *o, struct buf *out)
{
	const struct host_type *type = type_of(o);

	proplist_begin(out);
	for (size_t i = 0; type != NULL && i < type->property_count; i++) {
		_cleanup_free_ char16_t *name = NULL;
		size_t len;
		int r = utf8_to_u16(type->properties[i].name, strlen(type->properties[i].name), &name, &len);

		if (r < 0)
			return r;
		add_format(out, (struct u16){ name, len }, &type->properties[i]);
	}
	proplist_end(out);
	return 0;
}

int private_names(const struct property_object *o, struct buf *out)
{
	const struct host_type *type = o->kind == PROPERTY_RESOURCE ? type_of(o) : NULL;
	int r = 0;

	property_names(o, true, out);
	if (type == NULL || out->error != 0)
		return out->error;
	out->len -= sizeof(char16_t); /* The end, likewise. */
	r = each_unset(type, o, add_name, out);
	buf_u16(out, 0);
	return r;
}
