/* listing: the lists that programs walk over: …OpenEnum, …GetEnumCount, …Enum, …CloseEnum, with and without Ex.
 *
 * How      opening makes one call and keeps its answer, arena and all: a list does not change, and reading it asks nobody.
 *          The functions of all kinds are alike, and written once.
 * Items    the Ex forms fill one piece of the caller's memory: the structure, then property lists (aligned to 4), then
 *          texts.
 * Threads  all functions; a list is not written to once it has a handle.
 * Source   clusapi.md 1.4, 2.1 and 2.2.        Tests  tests/integration/objects.py, library_fail.c, library_threads.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/object.h"
#include <string.h>

struct listing {
	struct object object;
	struct arena arena;                    /* Of all below. */
	const struct clusapi_enum_list *names; /* NULL in what has nothing of it. */
	const struct clusapi_enum_list *ids;   /* As many as names. */
	const struct clusapi_group_enum_list *groups;
	const struct clusapi_res_enum_list *resources;
};

static void listing_destroy(struct object *o)
{
	struct listing *l = container_of(o, struct listing, object);

	arena_done(&l->arena);
	free(l);
}

static int listing_new(enum object_kind kind, struct listing **ret)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	object_init(&l->object, kind, listing_destroy);
	*ret = l;
	return 0;
}

static void listing_put(struct listing **l)
{
	if (*l != NULL)
		object_unref(&(*l)->object);
}
#define _cleanup_listing_ _cleanup_(listing_put)

static int listing_get(const void *handle, enum object_kind kind, struct listing **ret)
{
	struct object *o;
	int r = handle_get(handle, kind, &o);

	if (r == 0)
		*ret = container_of(o, struct listing, object);
	return r;
}

/* The new list's handle, if all went well. */
static void *listing_opened(struct listing *l, int r)
{
	void *handle;

	if (r == 0)
		r = handle_open(&l->object, &handle);
	return r < 0 ? return_null(r) : handle;
}

static uint32_t listing_count(const struct listing *l)
{
	return l->groups != NULL      ? l->groups->count
	       : l->resources != NULL ? l->resources->count
	       : l->names != NULL     ? l->names->count
				      : 0;
}

/* Opening. */

/* Of an object: {handle, type} → {list, …}. */
static void *open_of_object(const void *handle, enum object_kind of, enum object_kind kind, unsigned method, DWORD type)
{
	_cleanup_named_ struct named *n = NULL;
	_cleanup_listing_ struct listing *l = NULL;
	struct clusapi_CreateNodeEnum_in in = { .type = type };
	struct clusapi_CreateNodeEnum_out out;
	int r = named_get(handle, of, &n);

	if (r == 0)
		r = listing_new(kind, &l);
	if (r == 0)
		r = remote_call(&n->remote, method, &in, &out, &l->arena);
	if (r == 0)
		l->names = out.list;
	return listing_opened(l, r);
}
static_assert(sizeof(struct clusapi_CreateNodeEnum_in) == sizeof(struct clusapi_CreateResEnum_in) &&
		  sizeof(struct clusapi_CreateNodeEnum_in) == sizeof(struct clusapi_CreateGroupResourceEnum_in) &&
		  sizeof(struct clusapi_CreateNodeEnum_in) == sizeof(struct clusapi_CreateNetworkEnum_in),
    "the methods of the kinds are alike");

/* A server must give as many ids as names. */
static int keep_pair(struct listing *l, const struct clusapi_enum_list *names, const struct clusapi_enum_list *ids)
{
	if ((names != NULL ? names->count : 0) != (ids != NULL ? ids->count : 0))
		return ERR_RPC_X_BAD_STUB_DATA;
	l->names = names;
	l->ids = ids;
	return 0;
}

static void *open_of_cluster(HCLUSTER hCluster, enum object_kind kind, DWORD type)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_listing_ struct listing *l = NULL;
	struct clusapi_CreateEnumEx_in in = { .type = type };
	struct clusapi_CreateEnumEx_out out;
	int r = cluster_get(hCluster, &c);

	if (r == 0)
		r = listing_new(kind, &l);
	if (r == 0)
		r = remote_call(&c->remote, CLUSAPI_CREATE_ENUM_EX, &in, &out, &l->arena);
	if (r == 0)
		r = keep_pair(l, out.name_list, out.id_list);
	return listing_opened(l, r);
}

HCLUSENUM ClusterOpenEnum(HCLUSTER hCluster, DWORD dwType)
{
	return open_of_cluster(hCluster, OBJECT_ENUM, dwType);
}

HCLUSENUMEX ClusterOpenEnumEx(HCLUSTER hCluster, DWORD dwType, PVOID pOptions)
{
	return pOptions != NULL ? return_null(ERR_INVALID_PARAMETER)
				: open_of_cluster(hCluster, OBJECT_ENUM_EX, dwType);
}

HNODEENUM ClusterNodeOpenEnum(HNODE hNode, DWORD dwType)
{
	return open_of_object(hNode, OBJECT_NODE, OBJECT_NODE_ENUM, CLUSAPI_CREATE_NODE_ENUM, dwType);
}

HNODEENUMEX ClusterNodeOpenEnumEx(HNODE hNode, DWORD dwType, PVOID pOptions)
{
	_cleanup_named_ struct named *n = NULL;
	_cleanup_listing_ struct listing *l = NULL;
	struct clusapi_CreateNodeEnumEx_in in = { .type = dwType };
	struct clusapi_CreateNodeEnumEx_out out;
	int r = pOptions != NULL ? ERR_INVALID_PARAMETER : named_get(hNode, OBJECT_NODE, &n);

	if (r == 0)
		r = listing_new(OBJECT_NODE_ENUM_EX, &l);
	if (r == 0)
		r = remote_call(&n->remote, CLUSAPI_CREATE_NODE_ENUM_EX, &in, &out, &l->arena);
	if (r == 0)
		r = keep_pair(l, out.name_list, out.id_list);
	return listing_opened(l, r);
}

HGROUPENUM ClusterGroupOpenEnum(HGROUP hGroup, DWORD dwType)
{
	return open_of_object(hGroup, OBJECT_GROUP, OBJECT_GROUP_ENUM, CLUSAPI_CREATE_GROUP_RESOURCE_ENUM, dwType);
}

HRESENUM ClusterResourceOpenEnum(HRESOURCE hResource, DWORD dwType)
{
	return open_of_object(hResource, OBJECT_RESOURCE, OBJECT_RESOURCE_ENUM, CLUSAPI_CREATE_RES_ENUM, dwType);
}

HNETWORKENUM ClusterNetworkOpenEnum(HNETWORK hNetwork, DWORD dwType)
{
	return open_of_object(hNetwork, OBJECT_NETWORK, OBJECT_NETWORK_ENUM, CLUSAPI_CREATE_NETWORK_ENUM, dwType);
}

HRESTYPEENUM ClusterResourceTypeOpenEnum(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, DWORD dwType)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_listing_ struct listing *l = NULL;
	struct clusapi_CreateResTypeEnum_in in = { units(lpszResourceTypeName), dwType };
	struct clusapi_CreateResTypeEnum_out out;
	int r = cluster_get(hCluster, &c);

	if (r == 0 && lpszResourceTypeName == NULL)
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = listing_new(OBJECT_RESTYPE_ENUM, &l);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_CREATE_RES_TYPE_ENUM, &in, &out, &l->arena);
	if (r == 0)
		l->names = out.list;
	return listing_opened(l, r);
}

HNETINTERFACEENUM ClusterNetInterfaceOpenEnum(HCLUSTER hCluster, LPCWSTR lpszNodeName, LPCWSTR lpszNetworkName)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_listing_ struct listing *l = NULL;
	struct clusapi_CreateNetInterfaceEnum_in in = { .node_name = lpszNodeName != NULL ? units(lpszNodeName) : u"",
		.network_name = lpszNetworkName != NULL ? units(lpszNetworkName) : u"" };
	struct clusapi_CreateNetInterfaceEnum_out out;
	int r = cluster_get(hCluster, &c);

	if (r == 0)
		r = listing_new(OBJECT_NETINTERFACE_ENUM, &l);
	if (r == 0)
		r = remote_call(&c->remote, CLUSAPI_CREATE_NET_INTERFACE_ENUM, &in, &out, &l->arena);
	if (r == 0)
		l->names = out.list;
	return listing_opened(l, r);
}

HGROUPSETENUM ClusterGroupSetOpenEnum(HCLUSTER hCluster)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_listing_ struct listing *l = NULL;
	struct clusapi_CreateGroupSetEnum_in in;
	struct clusapi_CreateGroupSetEnum_out out;
	int r = cluster_get(hCluster, &c);

	if (r == 0)
		r = listing_new(OBJECT_GROUPSET_ENUM, &l);
	if (r == 0)
		r = remote_call(&c->remote, CLUSAPI_CREATE_GROUP_SET_ENUM, &in, &out, &l->arena);
	if (r == 0)
		l->names = out.list;
	return listing_opened(l, r);
}

/* All groups or resources with properties: {cluster, names, names} → {list, …}. */
static void *open_whole(HCLUSTER hCluster, enum object_kind kind, unsigned method,
    const struct clusapi_CreateGroupEnum_in *what, DWORD flags)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_listing_ struct listing *l = NULL;
	struct clusapi_CreateGroupEnum_in in = *what;
	union {
		struct clusapi_CreateGroupEnum_out groups;
		struct clusapi_CreateResourceEnum_out resources;
	} out;
	int r = cluster_get(hCluster, &c);

	if (r == 0 && (flags != 0 || (in.properties == NULL && in.properties_size > 0) ||
			  (in.ro_properties == NULL && in.ro_properties_size > 0)))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = listing_new(kind, &l);
	if (r == 0)
		r = remote_call(&c->remote, method, &in, &out, &l->arena);
	if (r == 0 && kind == OBJECT_GROUP_ENUM_EX)
		l->groups = out.groups.list;
	else if (r == 0)
		l->resources = out.resources.list;
	return listing_opened(l, r);
}
static_assert(
    sizeof(struct clusapi_CreateGroupEnum_in) == sizeof(struct clusapi_CreateResourceEnum_in), "the methods are alike");

#define DEFINE_OPEN_WHOLE(Function, TYPE, kind, METHOD)                                                                \
	TYPE Function(HCLUSTER hCluster, LPCWSTR lpszProperties, DWORD cbProperties, LPCWSTR lpszRoProperties,         \
	    DWORD cbRoProperties, DWORD dwFlags)                                                                       \
	{                                                                                                              \
		const struct clusapi_CreateGroupEnum_in what = { .properties = (const uint8_t *)lpszProperties,        \
			.properties_size = cbProperties,                                                               \
			.ro_properties = (const uint8_t *)lpszRoProperties,                                            \
			.ro_properties_size = cbRoProperties };                                                        \
                                                                                                                       \
		return open_whole(hCluster, kind, CLUSAPI_##METHOD, &what, dwFlags);                                   \
	}

DEFINE_OPEN_WHOLE(ClusterGroupOpenEnumEx, HGROUPENUMEX, OBJECT_GROUP_ENUM_EX, CREATE_GROUP_ENUM)
DEFINE_OPEN_WHOLE(ClusterResourceOpenEnumEx, HRESENUMEX, OBJECT_RESOURCE_ENUM_EX, CREATE_RESOURCE_ENUM)

/* Reading. */

static DWORD count_of(const void *handle, enum object_kind kind)
{
	_cleanup_listing_ struct listing *l = NULL;
	int r = listing_get(handle, kind, &l);

	(void)return_code(r);
	return r < 0 ? 0 : listing_count(l);
}

/* Entry N: its one bit (type may be NULL where lists have none) and its name. */
static int entry_of(const void *handle, enum object_kind kind, DWORD index, LPDWORD type, LPWSTR name, LPDWORD count)
{
	_cleanup_listing_ struct listing *l = NULL;
	int r = listing_get(handle, kind, &l);

	if (r == 0 && index >= listing_count(l))
		r = ERR_NO_MORE_ITEMS;
	if (r == 0)
		r = put_name(l->names->entries[index].name, name, count);
	if (r == 0 && type != NULL)
		*type = l->names->entries[index].type;
	return r;
}

static DWORD close_of(const void *handle, enum object_kind kind)
{
	_cleanup_object_ struct object *o = NULL;

	return return_code(handle_take(handle, kind, &o));
}

/* clang-format off */
#define DEFINE_COUNT_AND_CLOSE(Name, TYPE, kind, Ex)                                                                   \
	DWORD Name##GetEnumCount##Ex(TYPE handle)                                                                      \
	{                                                                                                              \
		return count_of(handle, kind);                                                                        \
	}                                                                                                              \
	DWORD Name##CloseEnum##Ex(TYPE handle)                                                                         \
	{                                                                                                              \
		return close_of(handle, kind);                                                                        \
	}
#define DEFINE_READING(Name, TYPE, kind)                                                                               \
	DEFINE_COUNT_AND_CLOSE(Name, TYPE, kind, )                                                                     \
	DWORD Name##Enum(TYPE handle, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName)             \
	{                                                                                                              \
		return return_code(lpdwType == NULL ? ERR_INVALID_PARAMETER :                                          \
			entry_of(handle, kind, dwIndex, lpdwType, lpszName, lpcchName));                               \
	}

DEFINE_READING(Cluster, HCLUSENUM, OBJECT_ENUM)
DEFINE_READING(ClusterNode, HNODEENUM, OBJECT_NODE_ENUM)
DEFINE_READING(ClusterGroup, HGROUPENUM, OBJECT_GROUP_ENUM)
DEFINE_READING(ClusterResource, HRESENUM, OBJECT_RESOURCE_ENUM)
DEFINE_READING(ClusterResourceType, HRESTYPEENUM, OBJECT_RESTYPE_ENUM)
DEFINE_READING(ClusterNetwork, HNETWORKENUM, OBJECT_NETWORK_ENUM)
DEFINE_COUNT_AND_CLOSE(ClusterGroupSet, HGROUPSETENUM, OBJECT_GROUPSET_ENUM, )
DEFINE_COUNT_AND_CLOSE(Cluster, HCLUSENUMEX, OBJECT_ENUM_EX, Ex)
DEFINE_COUNT_AND_CLOSE(ClusterNode, HNODEENUMEX, OBJECT_NODE_ENUM_EX, Ex)
DEFINE_COUNT_AND_CLOSE(ClusterGroup, HGROUPENUMEX, OBJECT_GROUP_ENUM_EX, Ex)
DEFINE_COUNT_AND_CLOSE(ClusterResource, HRESENUMEX, OBJECT_RESOURCE_ENUM_EX, Ex)
/* clang-format on */

DWORD ClusterGroupSetEnum(HGROUPSETENUM hGroupSetEnum, DWORD dwIndex, LPWSTR lpszName, LPDWORD lpcchName)
{
	return return_code(entry_of(hGroupSetEnum, OBJECT_GROUPSET_ENUM, dwIndex, NULL, lpszName, lpcchName));
}

DWORD ClusterNetInterfaceEnum(HNETINTERFACEENUM hNetInterfaceEnum, DWORD dwIndex, LPWSTR lpszName, LPDWORD lpcchName)
{
	return return_code(entry_of(hNetInterfaceEnum, OBJECT_NETINTERFACE_ENUM, dwIndex, NULL, lpszName, lpcchName));
}

DWORD ClusterNetInterfaceCloseEnum(HNETINTERFACEENUM hNetInterfaceEnum)
{
	return close_of(hNetInterfaceEnum, OBJECT_NETINTERFACE_ENUM);
}

/* Items. */

/* What stands behind an item: where the item says how long it is, and where it points to it. */
struct piece {
	size_t size_at, pointer_at;
	const void *data;
	size_t size; /* Bytes. */
};

#define PIECE(TYPE, count, pointer, d, n)                                                                              \
	{                                                                                                              \
		offsetof(TYPE, count), offsetof(TYPE, pointer), (d), (n)                                               \
	}
#define TEXT_PIECE(TYPE, count, pointer, text)                                                                         \
	PIECE(TYPE, count, pointer, (text) != NULL ? (text) : u"", (u16_from_z(text).len + 1) * sizeof(char16_t))
#define ROUND_UP(n) (((n) + 3) & ~(size_t)3)

/* The item's head and its pieces into the memory of the caller.  ERR_MORE_DATA: *size says how much is needed. */
static int put_item(
    void *item, LPDWORD size, const void *head, size_t head_size, const struct piece *pieces, size_t count)
{
	size_t need = head_size, at = head_size, capacity;

	if (size == NULL)
		return ERR_INVALID_PARAMETER;
	for (size_t i = 0; i < count; i++)
		need += ROUND_UP(pieces[i].size);
	if (need > UINT32_MAX)
		return ERR_RPC_X_BAD_STUB_DATA;
	capacity = *size;
	*size = (DWORD)need;
	if (item == NULL || capacity < need)
		return ERR_MORE_DATA;
	memset(item, 0, need);
	memcpy(item, head, head_size);
	for (size_t i = 0; i < count; i++) {
		const DWORD length = pieces[i].data != NULL ? (DWORD)pieces[i].size : 0;
		void *to = (char *)item + at;

		memcpy((char *)item + pieces[i].size_at, &length, sizeof(length));
		if (pieces[i].data == NULL)
			continue; /* No property list: the pointer is NULL. */
		memcpy((char *)item + pieces[i].pointer_at, &to, sizeof(to));
		if (length > 0)
			memcpy(to, pieces[i].data, length);
		at += ROUND_UP(length);
	}
	return 0;
}

static int put_entry(
    const struct clusapi_enum_entry *name, const struct clusapi_enum_entry *id, PCLUSTER_ENUM_ITEM item, LPDWORD size)
{
	const CLUSTER_ENUM_ITEM head = { .dwVersion = CLUSTER_ENUM_ITEM_VERSION, .dwType = name->type };
	const struct piece pieces[] = {
		TEXT_PIECE(CLUSTER_ENUM_ITEM, cbId, lpszId, id->name),
		TEXT_PIECE(CLUSTER_ENUM_ITEM, cbName, lpszName, name->name),
	};

	return put_item(item, size, &head, sizeof(head), pieces, ARRAY_SIZE(pieces));
}

static int item_of(const void *handle, enum object_kind kind, DWORD index, PCLUSTER_ENUM_ITEM item, LPDWORD size)
{
	_cleanup_listing_ struct listing *l = NULL;
	int r = listing_get(handle, kind, &l);

	if (r == 0 && index >= listing_count(l))
		r = ERR_NO_MORE_ITEMS;
	return r < 0 ? r : put_entry(&l->names->entries[index], &l->ids->entries[index], item, size);
}

DWORD ClusterEnumEx(HCLUSENUMEX hClusterEnum, DWORD dwIndex, PCLUSTER_ENUM_ITEM pItem, LPDWORD cbItem)
{
	return return_code(item_of(hClusterEnum, OBJECT_ENUM_EX, dwIndex, pItem, cbItem));
}

DWORD ClusterNodeEnumEx(HNODEENUMEX hNodeEnum, DWORD dwIndex, PCLUSTER_ENUM_ITEM pItem, LPDWORD cbItem)
{
	return return_code(item_of(hNodeEnum, OBJECT_NODE_ENUM_EX, dwIndex, pItem, cbItem));
}

static int put_group(const struct clusapi_group_enum_entry *e, PCLUSTER_GROUP_ENUM_ITEM item, LPDWORD size)
{
	const CLUSTER_GROUP_ENUM_ITEM head = { .dwVersion = CLUSTER_GROUP_ENUM_ITEM_VERSION,
		.state = (CLUSTER_GROUP_STATE)e->state,
		.dwFlags = e->flags };
	const struct piece pieces[] = {
		PIECE(CLUSTER_GROUP_ENUM_ITEM, cbProperties, pProperties, e->properties, e->properties_size),
		PIECE(CLUSTER_GROUP_ENUM_ITEM, cbRoProperties, pRoProperties, e->ro_properties, e->ro_properties_size),
		TEXT_PIECE(CLUSTER_GROUP_ENUM_ITEM, cbId, lpszId, e->id),
		TEXT_PIECE(CLUSTER_GROUP_ENUM_ITEM, cbName, lpszName, e->name),
		TEXT_PIECE(CLUSTER_GROUP_ENUM_ITEM, cbOwnerNode, lpszOwnerNode, e->owner),
	};

	return put_item(item, size, &head, sizeof(head), pieces, ARRAY_SIZE(pieces));
}

DWORD ClusterGroupEnumEx(HGROUPENUMEX hGroupEnumEx, DWORD dwIndex, PCLUSTER_GROUP_ENUM_ITEM pItem, LPDWORD cbItem)
{
	_cleanup_listing_ struct listing *l = NULL;
	int r = listing_get(hGroupEnumEx, OBJECT_GROUP_ENUM_EX, &l);

	if (r == 0)
		r = dwIndex >= listing_count(l) ? ERR_NO_MORE_ITEMS
						: put_group(&l->groups->entries[dwIndex], pItem, cbItem);
	return return_code(r);
}

static int put_resource(const struct clusapi_res_enum_entry *e, PCLUSTER_RESOURCE_ENUM_ITEM item, LPDWORD size)
{
	const CLUSTER_RESOURCE_ENUM_ITEM head = { .dwVersion = CLUSTER_RESOURCE_ENUM_ITEM_VERSION };
	const struct piece pieces[] = {
		PIECE(CLUSTER_RESOURCE_ENUM_ITEM, cbProperties, pProperties, e->properties, e->properties_size),
		PIECE(
		    CLUSTER_RESOURCE_ENUM_ITEM, cbRoProperties, pRoProperties, e->ro_properties, e->ro_properties_size),
		TEXT_PIECE(CLUSTER_RESOURCE_ENUM_ITEM, cbId, lpszId, e->id),
		TEXT_PIECE(CLUSTER_RESOURCE_ENUM_ITEM, cbName, lpszName, e->name),
		TEXT_PIECE(CLUSTER_RESOURCE_ENUM_ITEM, cbOwnerGroupName, lpszOwnerGroupName, e->owner_name),
		TEXT_PIECE(CLUSTER_RESOURCE_ENUM_ITEM, cbOwnerGroupId, lpszOwnerGroupId, e->owner_id),
	};

	return put_item(item, size, &head, sizeof(head), pieces, ARRAY_SIZE(pieces));
}

DWORD ClusterResourceEnumEx(
    HRESENUMEX hResourceEnumEx, DWORD dwIndex, PCLUSTER_RESOURCE_ENUM_ITEM pItem, LPDWORD cbItem)
{
	_cleanup_listing_ struct listing *l = NULL;
	int r = listing_get(hResourceEnumEx, OBJECT_RESOURCE_ENUM_EX, &l);

	if (r == 0)
		r = dwIndex >= listing_count(l) ? ERR_NO_MORE_ITEMS
						: put_resource(&l->resources->entries[dwIndex], pItem, cbItem);
	return return_code(r);
}
