/* list: all groups or all resources at once, with chosen properties of each, so that a client needs one call for a screen.
 *
 * How      names of properties come as a MULTI_SZ, or as the one string "*" for all; each object's own list is made as for
 *          its control code and cut down to them.
 * Threads  the loop thread.       Tests  tests/interop/torture.py, tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/apply.h"
#include "cluster/object/property.h"
#include "ruedad/serve/object.h"
#include "wire/proplist.h"
#include <string.h>

/* Names asked for: bytes of UTF-16 with a zero behind each. */
struct names {
	const uint8_t *bytes;
	size_t units;
	bool all;
};

static struct u16 name_at(const struct names *n, size_t *at, char16_t *units)
{
	struct u16 name = { units, 0 };

	while (*at < n->units && name.len < PROPLIST_NAME_MAX) {
		char16_t unit = get_le16(n->bytes + 2 * (*at)++);

		if (unit == 0)
			break;
		units[name.len++] = unit;
	}
	return name;
}

/* ERR_INVALID_PARAMETER: a name that the kind does not have. */
static int names_init(struct names *n, enum property_kind kind, const uint8_t *bytes, uint32_t size)
{
	char16_t units[PROPLIST_NAME_MAX + 1];
	struct u16 name;
	size_t at = 0;

	*n = (struct names){ .bytes = bytes, .units = bytes != NULL ? size / 2 : 0 };
	while (at < n->units && (name = name_at(n, &at, units)).len > 0) {
		if (u16_equal_exact(name, U16("*")))
			n->all = true;
		else if (property_find(kind, name) == NULL)
			return ERR_INVALID_PARAMETER;
	}
	return 0;
}

static bool names_have(const struct names *n, struct u16 wanted)
{
	char16_t units[PROPLIST_NAME_MAX + 1];
	struct u16 name;
	size_t at = 0;

	while (!n->all && at < n->units && (name = name_at(n, &at, units)).len > 0)
		if (u16_equal(name, wanted))
			return true;
	return n->all;
}

/* The chosen ones of an object's properties, as a list in the arena.  Nothing asked for: nothing, not an empty list. */
static int chosen(struct serve_call *c, const struct property_object *o, enum property_choice choice,
    const struct names *names, const uint8_t **ret, uint32_t *ret_size)
{
	struct property_source source = serve_property_source(c);
	struct buf whole = { 0 }, out = { 0 };
	struct proplist list;
	uint8_t *copy;
	int r;

	if (names->units == 0)
		return 0;
	property_list(o, choice, &source, &whole);
	proplist_begin(&out);
	proplist_init(&list, whole.data, whole.len);
	while ((r = proplist_next(&list)) > 0) {
		struct prop_value value;

		if (!names_have(names, list.name))
			continue;
		proplist_property_begin(&out, list.name);
		while (prop_value_next(&list.values, &value) > 0)
			prop_value_add(&out, value.syntax, value.data, value.len);
		proplist_property_end(&out);
	}
	proplist_end(&out);
	r = whole.error != 0 || out.error != 0 ? -ENOMEM : r;
	copy = r == 0 ? arena_alloc(serve_arena(c), out.len) : NULL;
	if (copy != NULL) {
		memcpy(copy, out.data, out.len);
		*ret = copy;
		*ret_size = (uint32_t)out.len;
	} else if (r == 0) {
		r = -ENOMEM;
	}
	buf_done(&whole);
	buf_done(&out);
	return r;
}

static int group_entry(struct serve_call *c, const struct db_key *group, const struct names *rw, const struct names *ro,
    struct clusapi_group_enum_entry *e)
{
	const struct group_table *t = cluster_groups(c->service->cluster);
	struct property_object o = { PROPERTY_GROUP, object_id(group), group };
	const struct group_run *run = NULL;
	struct guid id;
	int r;

	if (guid_parse(object_id(group), &id))
		run = group_run_find(t, &id);
	e->name = serve_dup(c, object_name(group, OBJECT_GROUP));
	e->id = serve_dup(c, object_id(group));
	e->state = group_state_of(t, serve_root(c), group);
	e->owner = serve_node_name(c, run != NULL ? run->owner : 0);
	r = e->name == NULL || e->id == NULL || e->owner == NULL ? -ENOMEM : 0;
	if (r == 0)
		r = chosen(c, &o, PROPERTY_COMMON, rw, &e->properties, &e->properties_size);
	if (r == 0)
		r = chosen(c, &o, PROPERTY_COMMON_READ_ONLY, ro, &e->ro_properties, &e->ro_properties_size);
	return r;
}

static int resource_entry(struct serve_call *c, const struct db_key *resource, const struct names *rw,
    const struct names *ro, struct clusapi_res_enum_entry *e)
{
	const struct db_key *group = object_group_of(serve_root(c), object_id(resource));
	struct property_object o = { PROPERTY_RESOURCE, object_id(resource), resource };
	int r;

	e->name = serve_dup(c, object_name(resource, OBJECT_RESOURCE));
	e->id = serve_dup(c, object_id(resource));
	e->owner_name = serve_dup(c, group != NULL ? object_name(group, OBJECT_GROUP) : (struct u16){ 0 });
	e->owner_id = serve_dup(c, group != NULL ? object_id(group) : (struct u16){ 0 });
	r = e->name == NULL || e->id == NULL || e->owner_name == NULL || e->owner_id == NULL ? -ENOMEM : 0;
	if (r == 0)
		r = chosen(c, &o, PROPERTY_COMMON, rw, &e->properties, &e->properties_size);
	if (r == 0)
		r = chosen(c, &o, PROPERTY_COMMON_READ_ONLY, ro, &e->ro_properties, &e->ro_properties_size);
	return r;
}

#define DEFINE_LIST(function, Method, kind, property_kind_, entry_type, list_type, make_entry)                         \
	static void function(struct serve_call *c)                                                                     \
	{                                                                                                              \
		const struct clusapi_##Method##_in *in = c->in;                                                        \
		struct clusapi_##Method##_out *out = c->out;                                                           \
		size_t count = object_count(serve_root(c), kind);                                                      \
		struct entry_type *entries = arena_alloc_zero(serve_arena(c), count * sizeof(*entries));               \
		struct list_type *list = arena_alloc_zero(serve_arena(c), sizeof(*list));                              \
		struct names rw, ro;                                                                                   \
		uint32_t access;                                                                                       \
		int r = serve_cluster_in(c, &in->cluster, &access);                                                    \
                                                                                                                       \
		if (r == 0)                                                                                            \
			r = names_init(&rw, property_kind_, in->properties, in->properties_size);                      \
		if (r == 0)                                                                                            \
			r = names_init(&ro, property_kind_, in->ro_properties, in->ro_properties_size);                \
		if (r == 0 && (entries == NULL || list == NULL))                                                       \
			r = -ENOMEM;                                                                                   \
		for (size_t i = 0; i < count && r == 0; i++)                                                           \
			r = make_entry(c, object_at(serve_root(c), kind, i), &rw, &ro, &entries[i]);                   \
		if (r == 0) {                                                                                          \
			*list = (struct list_type){ (uint32_t)count, entries };                                        \
			out->list = list;                                                                              \
		}                                                                                                      \
		serve_finish(c, r);                                                                                    \
	}

DEFINE_LIST(create_group_enum, CreateGroupEnum, OBJECT_GROUP, PROPERTY_GROUP, clusapi_group_enum_entry,
    clusapi_group_enum_list, group_entry)
DEFINE_LIST(create_resource_enum, CreateResourceEnum, OBJECT_RESOURCE, PROPERTY_RESOURCE, clusapi_res_enum_entry,
    clusapi_res_enum_list, resource_entry)

/* There are no group sets; whoever lists them is told so. */
static void create_group_set_enum(struct serve_call *c)
{
	const struct clusapi_CreateGroupSetEnum_in *in = c->in;
	struct clusapi_CreateGroupSetEnum_out *out = c->out;
	struct clusapi_enum_list *list = arena_alloc_zero(serve_arena(c), sizeof(*list));
	uint32_t access;
	int r = serve_cluster_in(c, &in->cluster, &access);

	if (r == 0 && list == NULL)
		r = -ENOMEM;
	if (r == 0)
		out->list = list;
	serve_finish(c, r);
}

static void open_group_set(struct serve_call *c)
{
	serve_finish(c, ERR_GROUPSET_NOT_FOUND);
}

/* The network name that clients of the resource know it by: its own, or that of the nearest provider which is one. */
static const struct db_key *find_network_name(const struct db_key *root, const struct guid *id, unsigned *left)
{
	const struct db_key *key = resource_key(root, id), *found = NULL;
	struct depend d;

	if (key == NULL || *left == 0)
		return NULL;
	--*left;
	if (u16_equal(object_type_of(key), U16("Network Name")))
		return key;
	d = resource_depends(key);
	for (unsigned i = 0; i < d.count && found == NULL; i++)
		if (d.items[i].kind == DEPEND_TERM)
			found = find_network_name(root, &d.items[i].id, left);
	return found;
}

int serve_network_name(struct serve_call *c, const struct guid *resource, const char16_t **ret)
{
	unsigned left = 256; /* Resources to look at: whoever wrote a circle gets an end. */
	const struct db_key *found = find_network_name(serve_root(c), resource, &left), *parameters;
	const char16_t *name;

	if (found == NULL)
		return ERR_DEPENDENCY_NOT_FOUND;
	parameters = db_find(found, U16("Parameters"));
	name = serve_dup(c, parameters != NULL ? object_string(parameters, U16("Name")) : (struct u16){ 0 });
	if (name == NULL)
		return -ENOMEM;
	*ret = name;
	return 0;
}

static void get_resource_network_name(struct serve_call *c)
{
	const struct clusapi_GetResourceNetworkName_in *in = c->in;
	struct clusapi_GetResourceNetworkName_out *out = c->out;
	const char16_t *name = u"";
	struct object_in o;
	struct guid id;
	int r = object_in(c, &in->resource, OBJECT_RESOURCE, &o);

	if (r == 0)
		r = guid_parse(o.id, &id) ? serve_network_name(c, &id, &name) : ERR_DEPENDENCY_NOT_FOUND;
	out->name = name;
	serve_finish(c, r);
}

serve_handler *serve_list_handler(unsigned number)
{
	// clang-format off
	switch (number) {
	case CLUSAPI_CREATE_GROUP_ENUM:		return create_group_enum;
	case CLUSAPI_CREATE_RESOURCE_ENUM:	return create_resource_enum;
	case CLUSAPI_CREATE_GROUP_SET_ENUM:	return create_group_set_enum;
	case CLUSAPI_OPEN_GROUP_SET:		return open_group_set;
	case CLUSAPI_GET_RESOURCE_NETWORK_NAME:	return get_resource_network_name;
	default:				return NULL;
	}
	// clang-format on
}
